"""A local HTTP server that misbehaves as told, on raw sockets and a thread of its own.

    async with Server(answer([{"symbol": "AAPL"}])) as server:      # `with` works as well
        ... server.url, server.requests, server.connections, server.open ...

A script is one act for every request, a list of acts (one per request in order; the last one repeats), or a function
that chooses the act by the request. An act is what happens to one request:

    answer(value, status=…, headers=…)   a whole answer; a str or bytes body is sent as it is
    raw(data)                            exactly these bytes, then the connection is closed
    silent()                             no byte, until the client goes away
    stalled(value)                       the headers and half of the body, then nothing
    dripping(value, seconds)             a byte at a time, for ever
    hang_up()                            the connection is closed without a byte
    reset() / reset(value)               the connection is reset, at once or in the middle of the body
    cut_off(value)                       closed in the middle of a body whose length was announced
    truncated(value)                     half a body without a length: looks whole to HTTP
    gzip_bomb(megabytes)                 a small body that unpacks to a large one
    gzipped(value)                       an honest compressed answer
    redirect(location)                   to wherever
    streamed(parts, then="end")          server-sent parts, one chunk each; then "end", "hang up", "reset" or "wait"
    delayed(seconds, then)               a slow source, for the arithmetic of waiting
    held(gate, then)                     waits until `gate.open()`, then does `then`

The server runs on its own loop, so a test's loop has no tasks but the test's own, and sync code can be tested. `url`
is `http://127.0.0.1:port` and the `path`. Nothing is logged.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Act:
    """What happens to one request. Returns whether the connection is kept."""

    perform: Callable[[Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


type Script = Act | Sequence[Act] | Callable[[Request], Act]


class Gate:
    """Holds requests back until a test opens it, from any thread."""

    def __init__(self) -> None:
        self._opened = threading.Event()

    def open(self) -> None:
        self._opened.set()

    async def passed(self) -> None:
        while not self._opened.is_set():
            await asyncio.sleep(0.001)


@dataclass
class Server:
    """See the module."""

    script: Script
    path: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    url: str = ""
    port: int = 0
    peak: int = 0
    """Most requests that were under way at the same time."""

    _busy: int = 0

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="test-server", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    async def until(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        """Wait until something about the server is true, from a test's loop."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"never true: {len(self.requests)} requests, {self.open} connections open"
            await asyncio.sleep(0.001)

    # ------------------------------------------------------------------------------------- serving

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{self.path}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks) if self._tasks else None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort() if writer.can_write_eof() and self._stop.is_set() else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            if (request := await _read(reader)) is None:
                if not reader.at_eof():
                    writer.write(head(400, {}, 0))  # as a plain server answers one who speaks TLS
                return
            act = self._next(request)
            self.requests.append(request)
            self._busy += 1
            self.peak = max(self.peak, self._busy)
            try:
                kept = await _unless_gone(act.perform(request, reader, writer), reader)
            finally:
                self._busy -= 1
            if not kept:
                return

    def _next(self, request: Request) -> Act:
        if isinstance(self.script, Act):
            return self.script
        if callable(self.script):
            return self.script(request)
        return self.script[min(len(self.requests), len(self.script) - 1)]


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        start = await reader.readexactly(1)
        if not start.isalpha():
            return None  # a client that speaks TLS
        head = (start + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)


async def _unless_gone(act: Awaitable[bool], reader: asyncio.StreamReader) -> bool:
    """Perform an act, but stop when the client closes the connection. (Clients here never pipeline.)"""
    acting = asyncio.ensure_future(act)
    leaving = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait([acting, leaving], return_when=asyncio.FIRST_COMPLETED)
        if acting.done():
            return acting.result()
        return False
    finally:
        acting.cancel()
        leaving.cancel()
        await asyncio.wait([acting, leaving])
        for task in (acting, leaving):
            if not task.cancelled():
                task.exception()


# ------------------------------------------------------------------------------------------------ acts


def encode(value: Any) -> bytes:
    """The body of an answer: bytes and text as they are, anything else as JSON."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    """Status line and headers; a length of `None` leaves the end of the body to the end of the connection."""
    fields = {"Content-Type": "application/json", **headers}
    fields["Connection" if length is None else "Content-Length"] = "close" if length is None else str(length)
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _whole(data: bytes, *, kept: bool) -> Act:
    async def perform(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        return kept

    return Act(perform)


def _then(data: bytes, end: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> Act:
    async def perform(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        await end(writer)
        return False

    return Act(perform)


async def _wait_for_ever(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _at_once(_: asyncio.StreamWriter) -> None:
    pass


async def _reset(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.02)  # what was written is on its way; a reset drops what the client has not read
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def answer(value: Any = (), *, status: int = 200, headers: Mapping[str, str] | None = None) -> Act:
    body = encode(value)
    return _whole(head(status, headers or {}, len(body)) + body, kept=True)


def raw(data: bytes) -> Act:
    return _whole(data, kept=False)


def silent() -> Act:
    return _then(b"", _wait_for_ever)


def stalled(value: Any) -> Act:
    body = encode(value)
    return _then(head(200, {}, len(body)) + body[: len(body) // 2], _wait_for_ever)


def dripping(value: Any, seconds: float = 0.02) -> Act:
    async def drip(writer: asyncio.StreamWriter) -> None:
        for byte in encode(value) + b" " * 1_000_000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(seconds)

    return _then(head(200, {}, 2_000_000), drip)


def hang_up() -> Act:
    return _then(b"", _at_once)


def reset(value: Any = None) -> Act:
    if value is None:
        return _then(b"", _reset)
    body = encode(value)
    return _then(head(200, {}, len(body)) + body[: len(body) // 2], _reset)


def cut_off(value: Any) -> Act:
    body = encode(value)
    return _then(head(200, {}, len(body)) + body[: len(body) // 2], _at_once)


def truncated(value: Any) -> Act:
    body = encode(value)
    return _then(head(200, {}, None) + body[: len(body) // 2], _at_once)


def gzipped(value: Any) -> Act:
    body = gzip.compress(encode(value))
    return _whole(head(200, {"Content-Encoding": "gzip"}, len(body)) + body, kept=True)


def gzip_bomb(megabytes: int = 64) -> Act:
    body = gzip.compress(b"[" + b" " * (megabytes * 1_000_000) + b"]")
    return _whole(head(200, {"Content-Encoding": "gzip"}, len(body)) + body, kept=True)


def redirect(location: str, status: int = 302) -> Act:
    return answer("", status=status, headers={"Location": location})


def streamed(parts: Sequence[Any], *, then: str = "end", status: int = 200) -> Act:
    """`parts` are sent one by one as chunks of a `text/event-stream`; text and bytes as they are, else as JSON data."""
    lines = f"HTTP/1.1 {status} Scripted\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    ends = {"hang up": _at_once, "reset": _reset, "wait": _wait_for_ever}

    async def perform(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(lines.encode())
        for part in parts:
            piece = encode(part) if isinstance(part, bytes | str) else b"data: " + encode(part) + b"\n\n"
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0)
        if then == "end":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return True
        await ends[then](writer)
        return False

    return Act(perform)


def delayed(seconds: float, then: Act) -> Act:
    async def perform(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(seconds)
        return await then.perform(request, reader, writer)

    return Act(perform)


def held(gate: Gate, then: Act) -> Act:
    async def perform(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await gate.passed()
        return await then.perform(request, reader, writer)

    return Act(perform)
