"""One request under its deadline: from the cache, or from the provider, with retries where they can help."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import stamina
from aiolimiter import AsyncLimiter

from finassist.core.concurrency import InFlight
from finassist.core.errors import BadPayload, DataError, RateLimited, SourceTimeout
from finassist.providers.http import strict_json
from finassist.providers.http.cache import Cache, Kind
from finassist.providers.http.classify import ErrorResponse, classify, classify_words, error_words
from finassist.providers.http.endpoint import Endpoint, Failed
from finassist.providers.retries import report_retry

type Check = Callable[[Any], object]

_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.1, 1.0, 0.1
_WORTH_STARTING = 0.05  # seconds below which another attempt could not end in time
_LARGE = 256 * 1024  # characters that take long enough to read to be noticed on the loop

# Without a handler Python would print stamina's notice of each retry to the notebook.
logging.getLogger("stamina").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Payload:
    """Data of a source. Shared by all who asked for the same at the same time: read it, do not change it.

    Attributes:
        data: The body, as `strict_json.loads` reads it.
        fetched_at: When it came from the source (UTC).
        cached: Whether it came from the cache now.
    """

    data: Any
    fetched_at: datetime
    cached: bool


type Outcome = Payload | DataError
"""A failure is a value until it reaches the caller: so it has no cause, no context, and no frame that knew the key."""


@dataclass(slots=True)
class LoopState:
    """One loop's share of a transport: its connections, its limits, and the requests under way."""

    session: aiohttp.ClientSession
    opened: AsyncGenerator[aiohttp.ClientSession]
    slots: asyncio.Semaphore
    limiter: AsyncLimiter | None
    in_flight: InFlight[Outcome] = field(default_factory=InFlight[Outcome])

    async def close(self) -> None:
        """Close the connections."""
        with suppress(RuntimeError):  # the loop is closing them at this moment
            await self.opened.aclose()


class _TryAgain(Exception):
    """Raised to `stamina`, which owns all retries."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(type(failed.error).__name__)
        self.failed = failed


@dataclass(slots=True)
class Request:
    """Obtains one thing, once. Every failure but a bug is a value.

    Attributes:
        path: Below the base address.
        params: The query, without the key.
        kind: Decides how long the answer is used again.
        check: Raises a `DataError` if the data cannot be used.
        endpoint: The provider's address and key.
        cache: Where answers are kept, or `None`.
        timeout: Seconds in all.
        attempts: How often to ask at most.
    """

    path: str
    params: Mapping[str, str]
    kind: Kind
    check: Check | None
    endpoint: Endpoint
    cache: Cache | None
    timeout: float
    attempts: int
    _deadline: float = 0.0
    _waits_for_limiter: bool = False

    @property
    def key(self) -> str:
        """What is asked: equal for equal requests, different for different ones."""
        return f"{self.endpoint.base} {(self.kind, self.path, sorted(self.params.items()))!r}"

    async def run(self, state: LoopState) -> Outcome:
        """The payload, or what went wrong, within the deadline."""
        self._deadline = asyncio.get_running_loop().time() + self.timeout
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._from_cache() or await self._from_source(state)
        except TimeoutError:
            return self._late()

    async def _from_cache(self) -> Payload | None:
        entry = await self.cache.get(self.key, self.kind) if self.cache else None
        if entry is None or self.cache is None:
            return None
        data = await self._read(entry.text)
        if not isinstance(data, DataError):
            return Payload(data, entry.fetched_at, cached=True)
        await self.cache.remove(self.key)
        return None

    async def _from_source(self, state: LoopState) -> Outcome:
        answer = await self._send_until(state)
        if isinstance(answer, Failed):
            return self._late() if isinstance(answer.error, SourceTimeout) else answer.error
        fetched_at = datetime.now(UTC)
        data = await self._read(answer)
        if isinstance(data, DataError):
            return data
        if self.cache and data and not strict_json.has_invalid(data):
            await self.cache.put(self.key, self.kind, answer)
        return Payload(data, fetched_at, cached=False)

    # ----------------------------------------------------------------------------------------- sending

    async def _send_until(self, state: LoopState) -> str | Failed:
        """Send, and send again while that can help and there is time."""
        attempts = stamina.retry_context(
            on=self._pause,
            attempts=self.attempts,
            timeout=None,
            wait_initial=_FIRST_WAIT,
            wait_max=_LONGEST_WAIT,
            wait_jitter=_JITTER,
        )
        failed: Failed | None = None
        try:
            async for attempt in attempts:
                with attempt:
                    if failed is not None:
                        report_retry(str(failed.error))
                    answer = await self._send(state)
                    if isinstance(answer, str) or not answer.may_pass:
                        return answer
                    failed = answer
                    raise _TryAgain(answer)
        except _TryAgain as last:
            return last.failed
        raise AssertionError("stamina ends with an answer or an exception")

    def _pause(self, problem: Exception) -> bool | float:
        """Whether to ask again, and after how many seconds if the provider names a time."""
        if not isinstance(problem, _TryAgain):
            return False
        left = self._deadline - asyncio.get_running_loop().time() - _WORTH_STARTING
        if problem.failed.wait is None:
            return left > _FIRST_WAIT + _JITTER
        return problem.failed.wait if problem.failed.wait < left else False

    async def _send(self, state: LoopState) -> str | Failed:
        async with state.slots:
            if state.limiter:
                self._waits_for_limiter = True
                await state.limiter.acquire()
                self._waits_for_limiter = False
            return await self.endpoint.get(state.session, self.path, self.params)

    # ----------------------------------------------------------------------------------------- reading

    async def _read(self, text: str) -> Any | DataError:
        if len(text) > _LARGE:
            return await asyncio.to_thread(self._interpret, text)
        return self._interpret(text)

    def _interpret(self, text: str) -> Any | DataError:
        name, now = self.endpoint.name, datetime.now(UTC)
        try:
            data = strict_json.loads(text)
        except strict_json.BadJson as problem:
            found = classify_words(ErrorResponse(name, 200, text, now))
            return found or BadPayload(f"{name} sent {problem}. Ask again, or use another provider.")
        if (words := error_words(data)) is not None:
            return classify(ErrorResponse(name, 200, words, now))
        try:
            if self.check:
                self.check(data)
        except DataError as error:
            return error
        return data

    def _late(self) -> DataError:
        name = self.endpoint.name
        if self._waits_for_limiter:
            words = "is asked as often as FINASSIST_PER_MINUTE allows. Ask again in a minute, or raise it"
            return RateLimited(f"{name} {words}.")
        within = f"{name} did not answer within {self.timeout:g} seconds"
        return SourceTimeout(f"{within}. Ask again, or raise FINASSIST_HTTP_TIMEOUT.")
