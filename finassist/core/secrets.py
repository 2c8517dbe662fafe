"""Secrets: found in what a user hands over, and taken out of every text that leaves the process."""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from finassist.core.text import each_text

HIDDEN: Final = "[hidden]"
_SHORTEST: Final = 6  # anything shorter ("demo") protects nothing, and would eat ordinary words
_PART: Final = 10
"""A part of a secret is hidden if it has this many characters, and is at least half of it."""


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text without any of the secrets: plain, in part, or encoded for a URL, JSON, HTML, base64 or hexadecimal.

    A secret of fewer than six characters is left alone: it is no secret, and would eat ordinary words.

    Example:
        >>> redact("GET /quote?apikey=s3cret%2Fkey refused s3cret/key", ["s3cret/key"])
        'GET /quote?apikey=[hidden] refused [hidden]'
    """
    spellings = {spelling for secret in secrets if len(secret) >= _SHORTEST for spelling in _spellings(secret)}
    longest_first = sorted(spellings, key=len, reverse=True)
    for spelling in longest_first:
        text = text.replace(spelling, HIDDEN)
    for spelling in longest_first:
        text = _without_parts(text, spelling)
    return text


def redact_error(error: BaseException, secrets: Iterable[str]) -> None:
    """Take the secrets out of an error, of its notes, of what it carries, and of every error behind or in it.

    What we raise has none. This is for other code, whose words are stored and shown as they are.

    Example:
        >>> error = TypeError("no number in /quote?apikey=s3cret-key", 5)
        >>> redact_error(error, ["s3cret-key"])
        >>> error
        TypeError('no number in /quote?apikey=[hidden]', 5)
    """
    known, seen, waiting = tuple(secrets), set[int](), [error]

    def clean(text: str) -> str:
        return redact(text, known)

    while known and waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        each.args = each_text(each.args, clean)
        for name, value in list(vars(each).items()):
            with suppress(AttributeError, TypeError):  # what cannot be written is not ours to clean
                setattr(each, name, each_text(value, clean))
        waiting += filter(None, (each.__cause__, each.__context__))
        waiting += getattr(each, "exceptions", ())


@lru_cache(maxsize=64)  # of the same key, for every answer of a source
def _spellings(secret: str) -> frozenset[str]:
    encoded = quote(secret, safe="")
    lower = "".join(part if not i else "%" + part[:2].lower() + part[2:] for i, part in enumerate(encoded.split("%")))
    escaped = json.dumps(secret)[1:-1]
    plain = (secret, encoded, lower, quote(encoded), quote(secret), quote_plus(secret), html.escape(secret))
    return frozenset(
        [*plain, escaped, escaped.replace("/", "\\/"), secret.encode("utf-8", "replace").hex(), *_in_base64(secret)]
    )


def _in_base64(secret: str) -> Iterator[str]:
    """What is the same in base64 wherever the secret begins in a longer text."""
    raw = secret.encode("utf-8", "replace")
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            whole = encode(bytes(before) + raw).decode().rstrip("=")
            ends_whole = (before + len(raw)) % 3 == 0  # else the last character also holds what follows
            yield whole[(0, 2, 3)[before] : None if ends_whole else -1]


def _without_parts(text: str, spelling: str) -> str:
    """The text without the parts that give most of a secret away, such as its beginning."""
    least = max(_PART, (len(spelling) + 1) // 2)
    size = (least + 1) // 2  # any part of that length has one of these blocks in it
    for at in range(0, len(spelling) - size + 1, size):
        start = text.find(spelling[at : at + size])
        while start >= 0:
            begin, end = _grown(text, spelling, start, at)
            if end - begin >= least:
                text, end = f"{text[:begin]}{HIDDEN}{text[end:]}", begin + len(HIDDEN)
            start = text.find(spelling[at : at + size], end)
    return text


def _grown(text: str, spelling: str, start: int, at: int) -> tuple[int, int]:
    """From where to where a text agrees with a spelling around a place."""
    back = 0
    while back < min(start, at) and text[start - back - 1] == spelling[at - back - 1]:
        back += 1
    on = 0
    while on < min(len(text) - start, len(spelling) - at) and text[start + on] == spelling[at + on]:
        on += 1
    return start - back, start + on


# ------------------------------------------------------------------------------------------ finding them

_NAMED: Final = re.compile(
    r"key|token|secret|passw|pwd|auth|bearer|credential|cookie|(^|[_\s-])(pat|pass|sid|sig|signature|jwt)($|[_-])",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(
    r"(^|[_\s-])(id|name|models?|versions?|path|file|folder|home|agent|provider|accept|type|encoding|instructions|prompt)"
    r"($|[_-])|x-stainless",
    re.IGNORECASE,
)
_LIKE_A_KEY: Final = re.compile(r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[\w\-+=.~:][\w\-+/=.~:]{7,}")
_LONG: Final = 20
_NAME_ITSELF: Final = re.compile(r"(?=.*(key|token|auth|secret))[A-Za-z_-]{2,30}", re.IGNORECASE)
_SCHEMES: Final = ("bearer", "basic", "token", "apikey")
_DEEPEST, _MOST = 4, 600


class Secrets(tuple[str, ...]):
    """Secrets that no `repr` shows, such as that of a frame in a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN


def secrets_of(*things: Any) -> Secrets:
    """The secrets that objects carry, under whatever name: keys, headers, the user and the query of a URL.

    A text counts if its name says so, if it is wrapped as a secret, or if it looks like a key.

    Example:
        >>> [*secrets_of({"pat": "hunter2!", "base_url": "https://me:pass-word@host/?sig=0123-abc", "id": "gpt-5"})]
        ['hunter2!', 'pass-word', '0123-abc']
    """
    found, seen = dict[str, None](), set[int]()
    waiting = deque[tuple[str, Any, int]](("", thing, 0) for thing in things)
    while waiting and len(seen) < _MOST:
        name, thing, depth = waiting.popleft()
        if isinstance(thing, bytes):
            thing = thing.decode("latin-1")
        if isinstance(thing, str):
            found |= dict.fromkeys(_in_text(name, thing))
        elif id(thing) not in seen and depth < _DEEPEST:
            seen.add(id(thing))
            with suppress(Exception):  # an attribute of a stranger's object may raise anything
                waiting += [(each, value, depth + 1) for each, value in _parts(name, thing)]
    return Secrets(secret for secret in found if len(secret) >= _SHORTEST)


def _in_text(name: str, text: str) -> Iterator[str]:
    if "://" in text:
        yield from _in_url(text)
    elif _says_secret(name, text):
        scheme, space, secret = text.strip().partition(" ")
        if space and scheme.lower() in _SCHEMES:
            yield secret.strip()
            with suppress(ValueError):
                yield b64decode(secret, validate=True).decode().partition(":")[2]
        elif not space:
            yield text


def _says_secret(name: str, text: str) -> bool:
    if _NAMED.search(name):
        return not _NAME_ITSELF.fullmatch(text)  # `key_name="apikey"`
    long = len(text) >= _LONG or "header" in name.lower()
    return long and not _PLAIN.search(name) and _LIKE_A_KEY.fullmatch(text) is not None


def _in_url(text: str) -> Iterator[str]:
    with suppress(ValueError):
        url = urlsplit(text)
        yield from filter(None, (url.password, None if url.password else url.username))
        for name, value in parse_qsl(url.query):
            yield from _in_text(name, value)


def _parts(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    """What is in a thing, by name; what is in a list goes by the list's."""
    if isinstance(thing, type) or callable(getattr(thing, "__code__", None)):
        return
    if hasattr(thing, "get_secret_value"):
        yield "secret", thing.get_secret_value()
    elif isinstance(thing, Mapping):
        for key, value in _few(thing.items()):
            yield (str(key) if _PLAIN.search(str(key)) else f"{name} {key}"), value
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from ((name, value) for value in _few(thing))
    else:
        slots = (each for kind in type(thing).__mro__ for each in getattr(kind, "__slots__", ()))
        yield from _few(
            {**{each: getattr(thing, each, None) for each in slots}, **getattr(thing, "__dict__", {})}.items()
        )


def _few(items: Any) -> list[Any]:
    """The items, if they are few enough to be settings: data have more."""
    some: list[Any] = list(islice(items, 201))
    return some if len(some) <= 200 else []
