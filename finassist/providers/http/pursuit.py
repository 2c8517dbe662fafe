"""One request under its deadline: from the cache, or from the provider, asked again where that can help."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import stamina

from finassist.core.errors import BadPayload, DataError, RateLimited, SourceTimeout
from finassist.providers.http import strict_json
from finassist.providers.http.cache import Cache, Kind
from finassist.providers.http.endpoint import Body, Endpoint, Failed
from finassist.providers.http.loops import LoopState
from finassist.providers.http.payload import Outcome, Payload
from finassist.providers.http.verdicts import Refusal, complaint, judge, judge_words
from finassist.providers.retries import announce

type Check = Callable[[Any], object]

_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.1, 1.0, 0.1
_WORTH_STARTING = 0.05  # seconds below which another attempt could not end in time
_LARGE = 256 * 1024  # characters that take long enough to read to be noticed on the loop

# Retries are announced on this logger; without a handler Python would print the bare announcement to the notebook.
logging.getLogger("stamina").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        path: Below the base address.
        params: The query, without the key.
        kind: Decides how long the answer is used again.
        check: Raises a `DataError` if the data cannot be used.
    """

    path: str
    params: Mapping[str, str]
    kind: Kind
    check: Check | None = None

    @property
    def identity(self) -> str:
        """What is asked, and nothing else: equal for equal wishes, different for different ones."""
        return repr((self.kind, self.path, sorted(self.params.items())))


class _AskAgain(Exception):
    """Raised to `stamina`, which owns all retries."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(type(failed.error).__name__)
        self.failed = failed


@dataclass(slots=True)
class Pursuit:
    """Obtains one thing, once. Every failure but a bug is a value."""

    wish: Wish
    endpoint: Endpoint
    state: LoopState
    cache: Cache | None
    timeout: float
    attempts: int
    deadline: float = field(init=False)
    waits_for: str = field(init=False, default="an answer")

    async def run(self) -> Outcome:
        """The payload, or what went wrong, within the deadline."""
        self.deadline = asyncio.get_running_loop().time() + self.timeout
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self._from_cache() or await self._from_source()
        except TimeoutError:
            return self._late()

    async def _from_cache(self) -> Payload | None:
        if self.cache is None:
            return None
        entry = await self.cache.get(self._key, self.wish.kind)
        if entry is None:
            return None
        data = await self._read(entry.text)
        if not isinstance(data, DataError):
            return Payload(data, entry.fetched_at, cached=True)
        await self.cache.remove(self._key)
        return None

    async def _from_source(self) -> Outcome:
        answer = await self._ask_until()
        if isinstance(answer, Failed):
            return self._late() if isinstance(answer.error, SourceTimeout) else answer.error
        fetched_at = datetime.now(UTC)
        data = await self._read(answer.text)
        if isinstance(data, DataError):
            return data
        if self.cache and data and not strict_json.has_invalid(data):
            await self.cache.put(self._key, self.wish.kind, answer.text)
        return Payload(data, fetched_at, cached=False)

    @property
    def _key(self) -> str:
        return f"{self.endpoint.base} {self.wish.identity}"

    # ------------------------------------------------------------------------------------------ asking

    async def _ask_until(self) -> Body | Failed:
        """Ask, and ask again while that can help and there is time."""
        answer = await self._ask_once()
        if isinstance(answer, Body) or not answer.may_pass:
            return answer  # as nearly always: nothing to try again
        attempts = stamina.retry_context(
            on=self._pause,
            attempts=self.attempts,
            timeout=None,
            wait_initial=_FIRST_WAIT,
            wait_max=_LONGEST_WAIT,
            wait_jitter=_JITTER,
        )
        with suppress(_AskAgain):
            async for attempt in attempts:
                if attempt.num > 1:
                    announce(str(answer.error))
                    answer = await self._ask_once()
                    if isinstance(answer, Body) or not answer.may_pass:
                        break
                with attempt:
                    raise _AskAgain(answer)
        return answer

    def _pause(self, problem: Exception) -> bool | float:
        """Whether to ask again, and after how many seconds if the provider says so."""
        if not isinstance(problem, _AskAgain):
            return False
        left = self.deadline - asyncio.get_running_loop().time() - _WORTH_STARTING
        if problem.failed.wait is None:
            return left > _FIRST_WAIT + _JITTER
        return problem.failed.wait if problem.failed.wait < left else False

    async def _ask_once(self) -> Body | Failed:
        self.waits_for = "a turn"
        async with self.state.slots:
            if self.state.pace:
                self.waits_for = "the pace"
                await self.state.pace.acquire()
            self.waits_for = "an answer"
            return await self.endpoint.get(self.state.session, self.wish.path, self.wish.params)

    # ----------------------------------------------------------------------------------------- reading

    async def _read(self, text: str) -> Any | DataError:
        if len(text) > _LARGE:
            return await asyncio.to_thread(self._interpret, text)
        return self._interpret(text)

    def _interpret(self, text: str) -> Any | DataError:
        refusal = Refusal(self.endpoint.name, 200, text, datetime.now(UTC))
        try:
            data = strict_json.loads(text)
        except strict_json.BadJson as problem:
            return judge_words(refusal) or self._bad(problem)
        if (words := complaint(data)) is not None:
            return judge(Refusal(refusal.name, 200, words, refusal.now))
        try:
            if self.wish.check:
                self.wish.check(data)
        except DataError as error:
            return error
        return data

    def _bad(self, problem: strict_json.BadJson) -> BadPayload:
        return BadPayload(f"{self.endpoint.name} sent {problem}. Ask again, or use another provider.")

    def _late(self) -> DataError:
        name = self.endpoint.name
        if self.waits_for == "the pace":
            words = "is asked as often as FINASSIST_PER_MINUTE allows. Ask again in a minute, or raise it"
            return RateLimited(f"{name} {words}.")
        within = f"{name} did not answer within {self.timeout:g} seconds"
        return SourceTimeout(f"{within}. Ask again, or raise FINASSIST_HTTP_TIMEOUT.")
