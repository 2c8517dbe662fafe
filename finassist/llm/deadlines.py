"""The deadline of a sync request: one for all its waits together, as `asyncio.timeout` is for an async one.

An HTTP client limits each wait by itself, so a server that sends a byte now and then is waited for without end. Here
no wait on a connection lasts longer than what is left of the attempt under way.
"""

from __future__ import annotations

import socket
import sys
import threading
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final

from finassist.llm.attempts import current_attempt

_SHORTEST: Final = 0.001  # a wait of 0 would mean: do not wait, and fail in another way


def keep_time(client: Any) -> None:
    """From now on no connection of this sync HTTP client outlasts the attempt it is used in.

    Args:
        client: A client of httpx or httpx2; of anything else nothing is changed.
    """
    for transport in (getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()):
        pool: Any = getattr(transport, "_pool", None)
        if pool is not None and not isinstance(pool._network_backend, _Backend):
            pool._network_backend = _Backend(pool._network_backend)


def _left(seconds: float | None) -> float | None:
    attempt = current_attempt()
    if attempt is None:
        return seconds
    left = max(attempt.remaining, _SHORTEST)
    return left if seconds is None else min(seconds, left)


def _addresses(host: str, port: int, seconds: float | None) -> list[str]:
    """What a name stands for; nothing if the system does not answer in time, the name itself if it does not know it.

    The system's resolver knows no deadline, and without a network may take half a minute. So a thread asks that can be
    left behind.
    """
    found: SimpleQueue[list[str]] = SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found.put([host])  # opening a connection to it says what is wrong, in the client's own words
        else:
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))

    threading.Thread(target=ask, name="finassist-name", daemon=True).start()
    try:
        return found.get(timeout=seconds)
    except Empty:
        return []


class _Backend:
    """What opens connections, as httpcore knows it."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._errors: Any = sys.modules[type(backend).__module__.partition(".")[0]]

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **more: Any) -> _Connection:
        """To the first address that answers; all of them together have the time of one."""
        seconds = _left(timeout)
        until = None if seconds is None else monotonic() + seconds
        failure: Exception = self._errors.ConnectTimeout("the name was not resolved in time")
        for address in _addresses(host, port, seconds):
            left = None if until is None else max(until - monotonic(), _SHORTEST)
            try:
                return _Connection(self._backend.connect_tcp(address, port, timeout=left, **more))
            except (self._errors.ConnectError, self._errors.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(self, path: str, timeout: float | None = None, **more: Any) -> _Connection:
        return _Connection(self._backend.connect_unix_socket(path, timeout=_left(timeout), **more))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(_left(seconds))


class _Connection:
    """One connection, as httpcore knows it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=_left(timeout))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        return _Connection(self._stream.start_tls(ssl_context, server_hostname, timeout=_left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
