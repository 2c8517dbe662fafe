"""Secrets: found in what a user hands over, and taken out of every text that leaves the process."""

from __future__ import annotations

import html
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from string import ascii_uppercase
from typing import Any, Final, NamedTuple, cast
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN: Final = "[hidden]"
_SHORTEST: Final = 6  # anything shorter ("demo") protects nothing, and would eat ordinary words
_PART: Final = 10
"""A part of a secret is hidden if it has this many characters, and is at least half of it."""


def redact(text: str, secrets: Iterable[str]) -> str:
    r"""The text without any of the secrets: plain, in part, in either case, or encoded, also for several layers.

    A secret of fewer than six characters is left alone: it is no secret, and would eat ordinary words.

    Example:
        >>> redact("GET /quote?apikey=s3cret%2Fkey refused S3CRET\u002fkey", ["s3cret/key"])
        'GET /quote?apikey=[hidden] refused [hidden]'
    """
    known = [spelling for secret in secrets if len(secret) >= _SHORTEST for spelling in _spellings(secret)]
    if not known:
        return text
    plain = _Plain.of(text)
    found = sorted(plain.place(*span) for spelling in known for span in _shared(plain.text, spelling))
    pieces, at = list[str](), 0
    for start, end in found:
        if start >= at:
            pieces += text[at:start], HIDDEN
        at = max(at, end)
    return "".join([*pieces, text[at:]])


class Redactor:
    """`redact` for a text that comes in pieces: a tail that may be part of a secret waits for the next one.

    Example:
        >>> text = Redactor(["s3cret-key"])
        >>> text.feed("It is s3cr"), text.feed("et-key.") + text.close()
        ('It is ', '[hidden].')
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known = [each for secret in secrets if len(secret) >= _SHORTEST for each in _spellings(secret)]
        self._secrets, self._rest = Secrets(secrets), ""

    def feed(self, piece: str) -> str:
        """What may be shown with this piece."""
        self._rest += piece
        return self._ready(self._open())

    def close(self) -> str:
        """What may be shown of the rest: no piece follows."""
        return self._ready(len(self._rest))

    def _ready(self, end: int) -> str:
        ready, self._rest = self._rest[:end], self._rest[end:]
        return self._widened(redact(ready, self._secrets))

    def _open(self) -> int:
        """Where the tail begins that is a part of a secret, follows one that is hidden, or is half an escape."""
        text = self._rest[: len(self._rest) - len(_HALF_ESCAPE.findall(self._rest)[0])]
        while True:
            plain = _Plain.of(text)
            size = max((_ending(plain.text, own) for own in self._known), default=0)
            start = plain.place(len(plain.text) - size, len(plain.text))[0] if size else len(text)
            if not self._known or not text.endswith(HIDDEN, 0, start):
                return start
            text = text[: start - len(HIDDEN)]

    def _widened(self, text: str) -> str:
        """Without parts beside a secret that the transport has hidden: they are too short to be found by themselves."""
        first, *others = text.split(HIDDEN)
        pieces = [first]
        for each in others:
            before, after = _Plain.of(pieces[-1]), _Plain.of(each)
            sizes = [(own, size) for own in self._known for size in range(1, len(own))]
            left = max((size for own, size in sizes if before.text.endswith(own[:size])), default=0)
            right = max((size for own, size in sizes if after.text.startswith(own[-size:])), default=0)
            end = len(before.text)
            pieces[-1] = pieces[-1][: before.place(end - left, end)[0]] if left else pieces[-1]
            pieces.append(each[after.place(0, right)[1] :] if right else each)
        return HIDDEN.join(pieces)


_HALF_ESCAPE: Final = re.compile(r"(?:%[\da-f]?|\\+(?:u[\da-f]{0,3}|x[\da-f]?)?|&[#\w]{0,8})?$", re.IGNORECASE)


def _ending(text: str, spelling: str) -> int:
    """How many characters at the end of a text are a part of a spelling."""
    size = 0
    while size < min(len(text), len(spelling)) and text[-size - 1 :] in spelling:
        size += 1
    return size


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


def each_text(thing: Any, change: Callable[[str], str]) -> Any:
    """The same structure of dictionaries, lists and tuples, with each text in it changed.

    Example:
        >>> each_text({"a": ["x", 1]}, str.upper)
        {'A': ['X', 1]}
    """
    match thing:
        case str():
            return change(thing)
        case bytes():
            return change(thing.decode("latin-1")).encode("latin-1", "replace")
        case dict():
            items = cast("dict[Any, Any]", thing).items()
            return {each_text(name, change): each_text(value, change) for name, value in items}
        case list() | tuple():
            found = [each_text(each, change) for each in cast("Sequence[Any]", thing)]
            return found if isinstance(thing, list) else tuple(found)
        case _:
            return thing


_ESCAPE: Final = re.compile(
    r"(?=[%\\&\r\n\u00ad\u200b-\u200f\u2060\ufeff])(?:"
    r"%(?:25)*(?P<percent>[0-9a-f]{2})|\\+u(?P<u>[0-9a-f]{4})|\\+x(?P<x>[0-9a-f]{2})|\\+(?P<slashed>[/\"'\\])"
    r"|&(?:amp;)*(?:\#(?P<number>\d{1,5})|\#x(?P<hexadecimal>[0-9a-f]{1,4})|(?P<name>amp|lt|gt|quot|apos));"
    r"|(?P<nothing>(?:\r?\n|\\+n)[ \t]*|[\u00ad\u200b-\u200f\u2060\ufeff]))",
    re.IGNORECASE,
)
_LOWER: Final = {ord(letter): letter.lower() for letter in ascii_uppercase}


class _Plain(NamedTuple):
    """A text in lower case without escapes, line ends and invisible characters, and where its runs and escapes were."""

    text: str
    cuts: list[tuple[int, int, int]]

    @classmethod
    def of(cls, text: str) -> _Plain:
        pieces, size, at, cuts = list[str](), 0, 0, [(0, 0, 1)]
        for match in _ESCAPE.finditer(text):
            character = _unescaped(match)
            pieces += text[at : match.start()], character
            size, at = size + match.start() - at, match.end()
            if character:
                cuts.append((size, match.start(), at - match.start()))
                size += 1
            cuts.append((size, at, 1))
        return cls("".join([*pieces, text[at:]]).translate(_LOWER), cuts)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of it is in the text."""
        return self._at(start)[0], sum(self._at(end - 1))

    def _at(self, index: int) -> tuple[int, int]:
        """Where one character begins, and how long it is written."""
        first, begin, long = self.cuts[bisect_right(self.cuts, index, key=itemgetter(0)) - 1]
        return begin + index - first, long


def _unescaped(match: re.Match[str]) -> str:
    kind, said = next((name, value) for name, value in match.groupdict().items() if value)
    match kind:
        case "nothing":
            return ""
        case "slashed":
            return said
        case "name":
            return html.unescape(f"&{said.lower()};")
        case _:
            return chr(int(said, 10 if kind == "number" else 16))


@lru_cache(maxsize=64)  # of the same key, for every answer of a source
def _spellings(secret: str) -> frozenset[str]:
    """A secret as it may stand in a plain text."""
    encoded = secret.encode("utf-8", "replace")
    written = (secret, quote(secret, safe=""), quote_plus(secret), unquote(secret), encoded.hex(), *_in_base64(encoded))
    return frozenset(_Plain.of(each).text for each in written)


def _in_base64(raw: bytes) -> Iterator[str]:
    """What is the same in base64 wherever the secret begins in a longer text."""
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            whole = encode(bytes(before) + raw).decode().rstrip("=")
            ends_whole = (before + len(raw)) % 3 == 0  # else the last character also holds what follows
            yield whole[(0, 2, 3)[before] : None if ends_whole else -1]


def _shared(text: str, spelling: str) -> Iterator[tuple[int, int]]:
    """Where a text has a spelling, or a part that gives most of it away, such as its beginning."""
    least = min(len(spelling), max(_PART, (len(spelling) + 1) // 2))
    size = (least + 1) // 2  # any part of that length has one of these blocks in it
    for at in range(0, len(spelling) - size + 1, size):
        start = text.find(spelling[at : at + size])
        while start >= 0:
            begin, end = _grown(text, spelling, start, at)
            if end - begin >= least:
                yield begin, end
            start = text.find(spelling[at : at + size], max(end, start + 1) if end - begin >= least else start + 1)


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
_CREDENTIAL: Final = re.compile(r"\b(?:bearer|basic|token|apikey)[ :]+(\S{6,})", re.IGNORECASE)
_PHRASE: Final = re.compile(r"(^|[_\s-])(password|passphrase|passwd|pwd|secret|private_?key)($|[_-])", re.IGNORECASE)
_IN_A_PATH: Final = re.compile(r"(?=[^\d/]*\d)(?=[^A-Za-z/]*[A-Za-z])\w{24,}")
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
    if "://" in text or text.startswith("//"):
        yield from _in_url(text)
    elif schemed := _CREDENTIAL.search(text):
        if _says_secret(name, schemed[1]) or _LIKE_A_KEY.fullmatch(schemed[1]):
            yield schemed[1]
            with suppress(ValueError):
                yield b64decode(schemed[1], validate=True).decode().partition(":")[2]
    elif _PHRASE.search(name) if " " in text.strip() else _says_secret(name, text):
        yield text.strip()


def _says_secret(name: str, text: str) -> bool:
    if _NAMED.search(name):
        return not _NAME_ITSELF.fullmatch(text)  # `key_name="apikey"`
    long = len(text) >= _LONG or "header" in name.lower()
    return long and not _PLAIN.search(name) and _LIKE_A_KEY.fullmatch(text) is not None


def _in_url(text: str) -> Iterator[str]:
    with suppress(ValueError):
        url = urlsplit(text)
        yield from filter(None, (url.password, None if url.password else url.username))
        yield from (part for part in url.path.split("/") if _IN_A_PATH.fullmatch(part))
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
