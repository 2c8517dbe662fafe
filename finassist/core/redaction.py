"""One boundary for secrets: text that leaves the transport has passed through `redact`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"
_SHORTEST = 6  # anything shorter ("demo") protects nothing, and would eat ordinary words


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text without any of the secrets, whether plain, percent-encoded or escaped as in JSON.

    A secret of fewer than six characters is left alone: it is no secret, and would eat ordinary words.

    Example:
        >>> redact("GET /quote?apikey=s3cret%2Fkey refused s3cret/key", ["s3cret/key"])
        'GET /quote?apikey=[hidden] refused [hidden]'
    """
    spellings = {spelling for secret in secrets if len(secret) >= _SHORTEST for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, HIDDEN)
    return text


def redact_error(error: BaseException, secrets: Iterable[str]) -> None:
    """Take the secrets out of what an error, and every error behind it, was made with.

    What we raise has none. This is for a bug in other code, whose words are stored and shown as they are.

    Example:
        >>> error = TypeError("no number in /quote?apikey=s3cret-key", 5)
        >>> redact_error(error, ["s3cret-key"])
        >>> error
        TypeError('no number in /quote?apikey=[hidden]', 5)
    """
    known, seen, waiting = tuple(secrets), set[int](), [error]
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            each.args = tuple(redact(part, known) if isinstance(part, str) else part for part in each.args)
            waiting += filter(None, (each.__cause__, each.__context__))


@lru_cache(maxsize=16)  # of the same key, for every answer of a source
def _spellings(secret: str) -> frozenset[str]:
    encoded = quote(secret, safe="")
    lower = "".join(part if not i else "%" + part[:2].lower() + part[2:] for i, part in enumerate(encoded.split("%")))
    escaped = json.dumps(secret)[1:-1]
    return frozenset([secret, encoded, lower, quote(secret), quote_plus(secret), escaped, escaped.replace("/", "\\/")])
