"""One boundary for secrets: text that leaves the transport has passed through `redact`."""

from __future__ import annotations

import json
from collections.abc import Iterable
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


def _spellings(secret: str) -> set[str]:
    encoded = quote(secret, safe="")
    lower = "".join(part if not i else "%" + part[:2].lower() + part[2:] for i, part in enumerate(encoded.split("%")))
    escaped = json.dumps(secret)[1:-1]
    return {secret, encoded, lower, quote(secret), quote_plus(secret), escaped, escaped.replace("/", "\\/")}
