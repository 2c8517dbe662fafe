"""A guard around the HTTP client of a model's SDK: a total deadline, a cap on decoded bytes, no key in any answer.

It is a transport in the public sense of httpx. The SDK keeps its own retries; the guard tells it (by the header its
servers use for that) when another try is of no use, and records what Agno does not report: which model was asked, why
a request failed, how a reply ended.

The deadline is exact in the async form. In the sync form each wait is limited to the time that was left when it began,
and the body is checked between its pieces. Nothing public cuts off a name lookup, or a head that arrives byte by byte.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from typing import Any, Final

from finassist.core.secrets import Secrets, redact, secrets_of
from finassist.core.spans import sent
from finassist.llm.calls import Failure, FailureKind, Limits, current_record
from finassist.providers.http import cannot_connect, is_error, is_local, message_of, pause_of, unpacking

# Everything of httpx is `Any` here: some SDKs are built on httpx2, others on httpx, and the two share no types.
type Http = Any
type Request = Any
type Response = Any

_LONGEST_PAUSE: Final = 10.0
_SHORTEST_WAIT: Final = 0.001  # 0 would mean: do not wait at all
_LOCAL_CONNECT: Final = 0.6  # a server on this machine or network answers at once, or is down
_TRIED_AGAIN: Final = ("unreachable", "cut")
_STREAMS: Final = ("text/event-stream", "application/x-ndjson")
_KEPT_HEADERS: Final = ("content-type", "retry-after", "retry-after-ms", "x-should-retry", "request-id", "x-request-id")
_USED_UP: Final = "insufficient_quota"  # a 429 that will be the same in a minute

# Quotes inside a JSON text are escaped, so these match names and never what a model says.
_ENDING: Final = re.compile(r'"(?:finish_reason|stop_reason|done_reason)"\s*:\s*"([^"\\]+)"')
_DONE: Final = re.compile(r"^data: ?\[DONE\]", re.MULTILINE)
_FAR: Final = re.compile(r'"index"\s*:\s*\d{4}')
"""A place in a list that Agno would fill up to it: with a million the process would stand still."""

_REFUSAL: Final = re.compile(r'"refusal"\s*:\s*"')
_TELLS_ENDING: Final = re.compile(r'"finish_reason"|"message_start"')


class LimitReached(Exception):
    """A limit of ours ended the request."""


@dataclass(frozen=True)
class Caller:
    """The sender of requests: one model."""

    model_id: str
    limits: Limits
    key: str | None = None  # the variable its key is read from, if it has one


# ------------------------------------------------------------------------------------- what both forms share


@dataclass
class Exchange:
    """One request and its answer. Pure apart from the clock and the record of the question."""

    http: Http
    caller: Caller
    request: Request
    _read: int = 0
    _rest: str = ""
    _streamed: bool = False
    _tells_ending: bool = False
    _waits: dict[str, float] = field(default_factory=dict[str, float])
    _unpack: Callable[[bytes], Iterable[bytes]] = lambda chunk: (chunk,)

    def __post_init__(self) -> None:
        self.record = current_record()
        self._until = self.record.deadline(self.caller, self.caller.limits.seconds)
        url = self.request.url
        own = secrets_of({"headers": dict(self.request.headers), "url": str(url)})
        self._secrets = Secrets(dict.fromkeys((*own, *self.record.secrets)))
        self._address = f"{url.scheme}://{url.host}{f':{url.port}' if url.port else ''}"
        self._local = is_local(url.host)

    @property
    def remaining(self) -> float:
        """Seconds left; not negative."""
        return max(0.0, self._until - monotonic())

    def begin(self) -> None:
        """Before the request is sent: no wait of the client may outlast the deadline.

        Raises:
            LimitReached: It must not be sent.
        """
        if self.record.broken:
            raise LimitReached("a reply that has begun is not restarted")
        self.record.begin(self.caller.model_id, self.caller.key)
        if not self.remaining:
            raise self._late()
        left = max(self.remaining, _SHORTEST_WAIT)
        connect = _LOCAL_CONNECT if self._local else self.caller.limits.connect_seconds
        self._waits = {"connect": min(connect, left), "read": left, "write": left, "pool": left}
        self.request.extensions["timeout"] = self._waits
        self.request.headers["accept-encoding"] = "gzip, deflate"  # what `feed` unpacks

    def feed(self, chunk: bytes) -> bytes:
        """Whole lines of a stream, without keys: no SDK reads less than a line, so no word waits; else the whole body.

        Raises:
            LimitReached: The body is too long, or took too long.
        """
        try:
            unpacked = b"".join(map(self._counted, self._unpack(chunk)))
        except zlib.error:
            raise self._limit("cut", "the answer cannot be unpacked") from None
        if not self.remaining:
            raise self._late()
        text = self._rest + unpacked.decode("latin-1")  # bytes as they are: no character is split
        cut = text.rfind("\n") + 1 if self._streamed else 0
        self._rest = text[cut:]
        return self._clean(text[:cut])

    def _counted(self, piece: bytes) -> bytes:
        self._read += len(piece)
        if self._read > self.caller.limits.bytes:
            raise self._limit("too_long", f"the answer had more than {self.caller.limits.bytes:,} bytes")
        return piece

    def finish(self) -> bytes:
        """What is left of the body when it has ended.

        Raises:
            LimitReached: A stream ended without giving a reason.
        """
        left, self._rest = self._clean(self._rest), ""
        if self._streamed and self._tells_ending and self.record.ending is None:
            raise self._limit("cut", "the stream ended in the middle")
        return left

    def broke(self, error: Exception) -> Exception:
        """What to raise instead of an error in the middle of a stream."""
        if self._streamed and self.record.ending:
            return error  # after the last word, an SDK reads on only to reuse the connection
        self.failed(error)
        self.record.broken = self._streamed and self.record.said > 0
        failure = self.record.failure
        return self.http.ReadError(failure.text if failure else str(error), request=self.request)

    def failed(self, error: Exception) -> None:
        """Note why there is no answer."""
        if isinstance(error, LimitReached) or self.record.failure is not None:
            return
        slow = isinstance(error, TimeoutError | self.http.TimeoutException)
        if not self.remaining or (slow and not isinstance(error, self.http.ConnectTimeout)):
            self._late()
        else:
            self._fail("unreachable", str(error) or type(error).__name__, address=self._address)

    def refusal(self, error: Exception) -> Response | None:
        """A response in place of one that a limit of ours prevented; it tells the SDK not to try again.

        Agno asks a fallback model after 504, and none after 400.
        """
        self.failed(error)
        failure, is_down = self.record.failure, self._local and cannot_connect(self.http, error)
        if failure is None or (failure.kind in _TRIED_AGAIN and not self.record.broken and not is_down):
            return None
        status = 504 if failure.kind in ("timeout", *_TRIED_AGAIN) and not self.record.broken else 400
        content = {"error": {"message": failure.text}}
        return self.http.Response(status, headers={"x-should-retry": "false"}, json=content, request=self.request)

    def streams(self, response: Response) -> bool:
        """Whether the body is to be read piece by piece. Its deadline does not restart."""
        self._waits["read"] = max(self.remaining, _SHORTEST_WAIT)
        packed_as = response.headers.get("content-encoding", "")
        if (unpack := unpacking(packed_as)) is None:
            raise self._limit("rejected", f"the answer is packed as {packed_as[:20]!r}, which was not asked for")
        self._unpack = unpack
        self._streamed = response.is_success and response.headers.get("content-type", "").startswith(_STREAMS)
        return self._streamed

    def answer(self, response: Response, body: bytes) -> Response:
        """The whole answer, without keys; an error is noted."""
        headers, status = self._headers(response), response.status_code
        if response.is_success and is_error(body):
            status, headers["x-should-retry"] = 400, "false"
        if status >= 300:
            text = body.decode("utf-8", "replace")
            self._fail("rejected", message_of(text), response.status_code)
            if _USED_UP in text or pause_of(headers) > min(self.remaining, _LONGEST_PAUSE):
                headers["x-should-retry"] = "false"
        return self.http.Response(status, headers=headers, content=body, request=self.request)

    def streamed(self, response: Response, body: Any) -> Response:
        """An answer that is read piece by piece."""
        return self.http.Response(response.status_code, headers=self._headers(response), stream=body)

    def _headers(self, response: Response) -> dict[str, str]:
        """Those that an SDK reads; the body is decoded already, and others may repeat a key."""
        return {name: redact(value, self._secrets) for name, value in response.headers.items() if name in _KEPT_HEADERS}

    def _clean(self, text: str) -> bytes:
        self._tells_ending = self._tells_ending or bool(_TELLS_ENDING.search(text))
        if _FAR.search(text):
            raise self._limit("rejected", "its answer is not in the form that its API promises")
        if _DONE.search(text):
            self.record.ending = self.record.ending or "stop"
        for ending in _ENDING.findall(text):
            self.record.ending = ending
            self.record.refusal |= ending in ("refusal", "content_filter")
        self.record.refusal |= bool(_REFUSAL.search(text))
        return redact(text, self._secrets).encode("latin-1")

    def _late(self) -> LimitReached:
        return self._limit("timeout", f"no reply within {self.caller.limits.seconds:g} seconds")

    def _limit(self, kind: FailureKind, text: str) -> LimitReached:
        self._fail(kind, text)
        return LimitReached(text)

    def _fail(self, kind: FailureKind, text: str, status: int | None = None, address: str = "") -> None:
        self.record.failure = Failure(kind, redact(text, self._secrets), status, redact(address, self._secrets))


# ----------------------------------------------------------------------------------------------- the two forms


@cache
def as_one_of(ours: type, theirs: type) -> Any:
    """Our class as a subclass of theirs: httpx and httpx2 accept only their own."""
    return type(ours.__name__, (ours, theirs), {})


@dataclass(eq=False)
class SyncTransport:
    """Sends requests within the limits."""

    http: Http  # httpx or httpx2
    caller: Caller
    client: Callable[[], Any]  # gives the HTTP client to send with

    def handle_request(self, request: Request) -> Response:
        """The answer to a request, or what tells the SDK why there is none."""
        exchange = Exchange(self.http, self.caller, request)
        try:
            exchange.begin()
            with sent(request.method, request.url) as span:
                response = self.client().send(request, stream=True, auth=None)
                span["http.response.status_code"] = response.status_code
            body = as_one_of(SyncBody, self.http.SyncByteStream)(exchange, response)
            if exchange.streams(response):
                exchange.record.stream = body
                return exchange.streamed(response, body)
            with closing(body):
                return exchange.answer(response, b"".join(body))
        except Exception as error:
            if refusal := exchange.refusal(error):
                return refusal
            raise


class SyncBody:
    """A body that is read within the limits."""

    def __init__(self, exchange: Exchange, response: Response) -> None:
        self.exchange, self.response = exchange, response
        self.chunks = response.iter_raw()  # an SDK iterates a second time for what it left unread

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self.chunks:
                yield self.exchange.feed(chunk)
            yield self.exchange.finish()
        except Exception as error:
            raise self.exchange.broke(error) from error

    def close(self) -> None:
        """Hang up, or hand the connection back."""
        self.response.close()


@dataclass(eq=False)
class AsyncTransport:
    """`SyncTransport` for an event loop."""

    http: Http
    caller: Caller
    client: Callable[[], Awaitable[Any]]

    async def handle_async_request(self, request: Request) -> Response:
        """The answer to a request, or what tells the SDK why there is none."""
        exchange = Exchange(self.http, self.caller, request)
        try:
            exchange.begin()
            with sent(request.method, request.url) as span:
                async with asyncio.timeout(exchange.remaining):
                    response = await (await self.client()).send(request, stream=True, auth=None)
                span["http.response.status_code"] = response.status_code
            body = as_one_of(AsyncBody, self.http.AsyncByteStream)(exchange, response)
            if exchange.streams(response):
                return exchange.streamed(response, body)
            async with aclosing(body):
                return exchange.answer(response, b"".join([chunk async for chunk in body]))
        except Exception as error:
            if refusal := exchange.refusal(error):
                return refusal
            raise


class AsyncBody:
    """`SyncBody` for an event loop."""

    def __init__(self, exchange: Exchange, response: Response) -> None:
        self.exchange, self.response = exchange, response
        self.chunks = response.aiter_raw()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while (chunk := await self._next()) is not None:
                yield self.exchange.feed(chunk)
            yield self.exchange.finish()
        except Exception as error:
            raise self.exchange.broke(error) from error

    async def _next(self) -> bytes | None:
        async with asyncio.timeout(self.exchange.remaining):
            return await anext(self.chunks, None)

    async def aclose(self) -> None:
        """Hang up, or hand the connection back."""
        await self.response.aclose()
