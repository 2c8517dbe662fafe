"""What a guarded request needs to know of HTTP: where a server is, how its body is packed, what its errors say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import Any, Final
from zlib import decompressobj

type Unpack = Callable[[bytes], Iterable[bytes]]

_ANY_HEADER: Final = 47  # zlib's word for gzip or zlib, whichever it is
_PIECE: Final = 65_536


class LimitReached(Exception):
    """A limit of ours ended the request."""


def is_local(host: str) -> bool:
    """Whether a host is this machine or in its own network.

    Example:
        >>> [host for host in ("localhost", "10.0.0.7", "::1", "gpu.local", "api.openai.com") if is_local(host)]
        ['localhost', '10.0.0.7', '::1', 'gpu.local']
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host.endswith((".local", ".localhost")) or "." not in host
    return address.is_private or address.is_loopback


def cannot_connect(http: Any, error: Exception) -> bool:
    """Whether there is no connection; over aiohttp one that breaks is called a `ConnectTimeout` as well."""
    cause = type(error.__cause__).__name__
    broke = error.__cause__ is not None and "Timeout" not in cause and "Connector" not in cause
    return isinstance(error, http.ConnectError) or (isinstance(error, http.ConnectTimeout) and not broke)


def unpacking(encoding: str) -> Unpack | None:
    """Unpacks the pieces of a body into pieces that are never large, so that they can be counted before the next.

    `None` for a way that was not asked for.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return lambda chunk: (chunk,)
        case "gzip" | "x-gzip" | "deflate":
            packed = decompressobj(_ANY_HEADER)
        case _:
            return None

    def unpack(chunk: bytes) -> Iterator[bytes]:
        while chunk:
            yield packed.decompress(chunk, _PIECE)
            chunk = packed.unconsumed_tail

    return unpack


def message_of(text: str) -> str:
    """What a server says about an error, as far as it has the usual form."""
    try:
        error: Any = json.loads(text)["error"]
        kinds = "" if isinstance(error, str) else f"{error.get('code')} {error.get('type')}"
        known = " (context_length_exceeded)" if "context" in kinds else ""
        return error if isinstance(error, str) else f"{error['message']}{known}"
    except (ValueError, LookupError, TypeError, AttributeError):
        return text


def is_error(body: bytes) -> bool:
    """Whether a body with status 200 is an error all the same, as some local servers send it.

    Example:
        >>> is_error(b'{"error": "no such model"}'), is_error(b'{"choices": [], "error": null}')
        (True, False)
    """
    try:
        return bool(json.loads(body).get("error"))
    except (ValueError, AttributeError, RecursionError):
        return False


def pause_of(headers: dict[str, str]) -> float:
    """Seconds that a server asks to wait."""
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return 0.0
