"""HTTP clients for the model SDKs, with one deadline, one cap and one owner of retries.

The SDKs' own retries are off, and so are Agno's. `send` tries again, because only the transport knows that nothing of
a reply has been read yet, and because there it works the same for every SDK and in both forms.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from finassist.core.redaction import redact
from finassist.llm.attempts import Limits, RanOn, current_attempt

_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LONGEST_PAUSE: Final = 10.0
_USED_UP: Final = b"insufficient_quota"

# Everything of httpx is `Any` here: newer SDKs bring httpx2, older ones httpx, and the two share no types.
type Client = Any
type Request = Any
type Response = Any


# --------------------------------------------------------------------------------------- what both forms share


@dataclass
class Sending:
    """One request and the tries it takes. Pure apart from the clock of its attempt."""

    request: Request
    limits: Limits
    tries: int = 0

    @property
    def remaining(self) -> float:
        """Seconds left for this request."""
        attempt = current_attempt()
        return attempt.remaining if attempt else self.limits.seconds

    def prepare(self) -> None:
        """Before each try: no wait of the transport may outlast the deadline."""
        left = max(self.remaining, 0.001)
        connect = min(self.limits.connect_seconds, left)
        self.request.extensions["timeout"] = {"connect": connect, "read": left, "write": left, "pool": left}
        self.tries += 1

    def pause_after(self, outcome: Response | Exception) -> float | None:
        """Seconds to wait before the next try, or `None` if there is none."""
        if self.tries > self.limits.retries or not _worth_another(outcome):
            return None
        pause = self.limits.pause * 2 ** (self.tries - 1)
        asked = 0.0 if isinstance(outcome, Exception) else _retry_after(outcome)
        pause = max(pause, asked)
        return pause if pause < min(self.remaining, _LONGEST_PAUSE) else None


def _worth_another(outcome: Response | Exception) -> bool:
    if isinstance(outcome, Exception):
        kinds = {kind.__name__ for kind in type(outcome).__mro__}
        # A connection that was not made, or was lost before an answer; not one that was slow.
        return "ConnectTimeout" in kinds or ("TransportError" in kinds and "TimeoutException" not in kinds)
    if outcome.status_code not in _AGAIN or outcome.headers.get("x-should-retry") == "false":
        return False
    return _USED_UP not in outcome.content  # a 429 that will be the same in a minute


def _retry_after(response: Response) -> float:
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return 0.0
    return seconds if seconds >= 0 else 0.0


def _scrubbed(response: Response) -> Response:
    """The error without the key, should the server repeat it: SDKs and Agno put its text into logs and errors."""
    headers = response.request.headers
    secrets = [headers.get("x-api-key", ""), headers.get("authorization", "").removeprefix("Bearer ")]
    text = response.text
    clean = redact(text, filter(None, secrets))
    if clean == text:
        return response
    kept = {name: headers for name, headers in response.headers.items() if name in ("content-type", "retry-after")}
    return type(response)(response.status_code, headers=kept, text=clean, request=response.request)


class _Capped:
    """A body of which no more is read than the limit, and not for longer than the deadline."""

    def __init__(self, stream: Any, limits: Limits) -> None:
        self._stream, self._limits, self._read = stream, limits, 0

    def _count(self, chunk: bytes) -> bytes:
        self._read += len(chunk)
        if self._read > self._limits.bytes:
            raise RanOn(f"the answer had more than {self._limits.bytes:,} bytes")
        if attempt := current_attempt():
            attempt.check_time()
        return chunk


class _SyncBody(_Capped):
    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield self._count(chunk)

    def close(self) -> None:
        self._stream.close()


class _AsyncBody(_Capped):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield self._count(chunk)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _cap(response: Response, limits: Limits, body: type[_Capped], base: str) -> Response:
    response.stream = _kind_of(type(response).__module__.partition(".")[0], body, base)(response.stream, limits)
    return response


@cache
def _kind_of(package: str, body: type[_Capped], base: str) -> type[_Capped]:
    """Our body as the kind of stream that this HTTP package accepts."""
    return type(body.__name__, (body, getattr(sys.modules[package], base)), {})


# ----------------------------------------------------------------------------------------------- the two forms


@cache
def sync_client(base: Any) -> type[Client]:
    """An SDK's own sync HTTP client, guarded."""

    class Guarded(base):
        limits: Limits

        def send(self, request: Request, *, stream: bool = False, **options: Any) -> Response:
            sending = Sending(request, self.limits)
            while True:
                sending.prepare()
                try:
                    response = self._once(request, options)
                    pause = sending.pause_after(response)
                except Exception as error:
                    response, pause = None, sending.pause_after(error)
                    if pause is None:
                        raise
                if pause is None:
                    return _opened(response) if stream else _read(response)
                threading.Event().wait(pause)

        def _once(self, request: Request, options: dict[str, Any]) -> Response:
            sent = base.send(self, request, stream=True, **options)
            response = _cap(sent, self.limits, _SyncBody, "SyncByteStream")
            return response if response.is_success else _scrubbed(_read(response))

    return Guarded


@cache
def async_client(base: Any) -> type[Client]:
    """An SDK's own async HTTP client, guarded."""

    class Guarded(base):
        limits: Limits

        async def send(self, request: Request, *, stream: bool = False, **options: Any) -> Response:
            sending = Sending(request, self.limits)
            while True:
                sending.prepare()
                try:
                    response = await self._once(request, options)
                    pause = sending.pause_after(response)
                except Exception as error:
                    response, pause = None, sending.pause_after(error)
                    if pause is None:
                        raise
                if pause is None:
                    return _opened(response) if stream else await _aread(response)
                await asyncio.sleep(pause)

        async def _once(self, request: Request, options: dict[str, Any]) -> Response:
            sent = await base.send(self, request, stream=True, **options)
            response = _cap(sent, self.limits, _AsyncBody, "AsyncByteStream")
            return response if response.is_success else _scrubbed(await _aread(response))

    return Guarded


def _opened(response: Response) -> Response:
    if attempt := current_attempt():
        attempt.body = response
    return response


def _read(response: Response) -> Response:
    try:
        response.read()
    finally:
        response.close()
    return response


async def _aread(response: Response) -> Response:
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response
