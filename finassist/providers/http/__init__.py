"""What requests to sources and to models share: connections of each event loop, notes of retries, and some of HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from ipaddress import ip_address
from threading import RLock
from typing import Any, Final
from zlib import decompressobj

type Unpack = Callable[[bytes], Iterable[bytes]]

_ANY_HEADER: Final = 47  # zlib's word for gzip or zlib, whichever it is
_PIECE: Final = 65_536

_callback: ContextVar[Callable[[str], None] | None] = ContextVar("finassist_retries", default=None)


def report_retry(reason: str) -> None:
    """A request is sent again. Called before each further attempt."""
    if (callback := _callback.get()) is not None:
        callback(reason)


@contextmanager
def on_retry(callback: Callable[[str], None]) -> Generator[None]:
    """Inside, `callback` gets each reason; not afterwards, even if a shared request continues for other callers.

    Example:
        >>> with on_retry(print):
        ...     report_retry("The source did not answer.")
        The source did not answer.
    """
    active = True
    token = _callback.set(lambda reason: callback(reason) if active else None)
    try:
        yield
    finally:
        active = False
        _callback.reset(token)


class PerLoop[T]:
    """What belongs to one event loop, such as connections: opened when a loop first asks, closed when the loop ends.

    There are several loops: that of the user, one for each `asyncio.run` of a script, and the private one behind
    `run()`. Threads may share this object.

    Args:
        open_one: An async generator that opens it without waiting, yields it, and closes it. A loop ends, at its own
            end, every async generator that is still open.
    """

    def __init__(self, open_one: Callable[[], AsyncGenerator[T]]) -> None:
        self._open_one = open_one
        self._lock = RLock()  # a finalizer may run in the middle of anything
        self._opened: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[T]]] = {}
        self._closing: set[asyncio.Task[Any]] = set()  # asyncio holds tasks weakly

    async def here(self) -> T:
        """That of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._opened.get(loop)
        if found is None:
            guard = self._open_one()
            found = await anext(guard), guard  # does not wait, so no other task of this loop runs in between
            with self._lock:
                for ended in [each for each in self._opened if each.is_closed()]:
                    del self._opened[ended]  # connections hold their loop, so none would go by itself
                self._opened[loop] = found
        return found[0]

    async def close_here(self) -> None:
        """Close that of the running loop; it opens again when needed."""
        with self._lock:
            found = self._opened.pop(asyncio.get_running_loop(), None)
        if found:
            await _close(found[1])

    def close_all(self) -> None:
        """Have every loop that still runs close its own, as soon as it gets to it."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for loop, (_, guard) in opened.items():
            with suppress(RuntimeError):  # the loop has ended, and has closed it
                loop.call_soon_threadsafe(self._begin_closing, guard)

    def _begin_closing(self, guard: AsyncGenerator[T]) -> None:
        task = asyncio.get_running_loop().create_task(_close(guard), name="finassist-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(guard: AsyncGenerator[Any]) -> None:
    with suppress(RuntimeError):  # the loop is closing it at this moment
        await guard.aclose()


# ----------------------------------------------------------------------------------------------- HTTP itself


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
