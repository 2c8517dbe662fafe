"""The transport: cached, shared, limited, retried and timed requests that give data or a named error."""

from __future__ import annotations

import asyncio
import copy
import logging
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NoReturn, Self, TypedDict, cast

import stamina
from pydantic import SecretStr

from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError, DataError, RateLimited, SourceTimeout
from finassist.providers.base import by_name_only
from finassist.providers.http import PerLoop, report_retry
from finassist.providers.http.answers import Check, interpret
from finassist.providers.http.cache import Cache, Kind
from finassist.providers.http.endpoint import Endpoint, Failed, LoopState, check_base, open_state
from finassist.providers.to_agno import FactProvider

_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.1, 1.0, 0.1
_WORTH_STARTING = 0.05  # seconds below which another attempt could not end in time
_LARGE = 256 * 1024  # characters that take long enough to read to be noticed on the loop

# Without a handler Python would print stamina's notice of each retry to the notebook.
logging.getLogger("stamina").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Payload:
    """Data of a source, when it came from there (UTC), and whether by way of the cache. Shared: do not change it."""

    data: Any
    fetched_at: datetime
    cached: bool


type Outcome = Payload | DataError
"""A failure is a value until it reaches the caller: so it has no cause, no context, and no frame that knew the key."""


class Options(TypedDict, total=False):
    """What users of a provider may set about its requests; `Transport` describes each."""

    base_url: str
    timeout: float | None
    attempts: int | None
    concurrency: int | None
    cache: Cache | bool | None
    allow_custom_host: bool


class Transport:
    """Requests to one provider's HTTP API. Safe to use from several loops and threads.

    `timeout` is for a request in all: waiting for its turn, retries and body included; `attempts` is how often to ask.
    `concurrency`, `per_minute` and `per_second` are limits of one loop; `max_bytes` is that of a decompressed body. The
    key is sent as the query parameter `secret_param`, and to a host that is not a known data source only with
    `allow_custom_host`; an address at which it is not safe is a `ConfigurationError`.

    Example:
        >>> Transport(name="FMP", base_url="https://financialmodelingprep.com/stable", secret=SecretStr("s3cret"))
        Transport('FMP', 'https://financialmodelingprep.com/stable')
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        secret: SecretStr | None,
        secret_param: str = "apikey",
        timeout: float = 20.0,
        attempts: int = 3,
        concurrency: int = 8,
        per_minute: float | None = None,
        per_second: float | None = None,
        max_bytes: int = 8_000_000,
        cache: Cache | None = None,
        allow_custom_host: bool = False,
        user_agent: str = "finassist",
    ) -> None:
        _check_limits(
            timeout=timeout, attempts=attempts, concurrency=concurrency, per_minute=per_minute, per_second=per_second
        )
        base = check_base(base_url, allow_custom_host=allow_custom_host)
        self.endpoint = Endpoint(name, base, secret, secret_param, max_bytes)
        self.name, self.timeout, self.attempts, self.cache = name, timeout, attempts, cache
        self._loops = PerLoop(partial(open_state, timeout, concurrency, per_minute, per_second, user_agent))
        weakref.finalize(self, self._loops.close_all).atexit = False

    @classmethod
    def from_settings(cls, settings: Settings, options: Options, **fixed: Any) -> Self:
        """A transport with the cache and the limits of the settings where the options say nothing."""
        if unknown := options.keys() - Options.__annotations__.keys():
            raise TypeError(f"unexpected keyword argument {min(unknown)!r}. Use: {', '.join(Options.__annotations__)}.")
        usual = {
            "timeout": settings.http_timeout,
            "attempts": settings.http_attempts,
            "concurrency": settings.concurrency,
            "cache": settings.cache,
        }
        given = {name: value for name, value in options.items() if value is not None}
        merged: dict[str, Any] = fixed | usual | given
        if not isinstance(merged["cache"], Cache):
            lifetimes = cast("dict[Kind, timedelta]", settings.lifetimes)
            merged["cache"] = Cache(settings.cache_folder, lifetimes) if merged["cache"] else None
        return cls(**merged)

    def __repr__(self) -> str:
        return f"Transport({self.name!r}, {str(self.endpoint.base)!r})"

    @property
    def requests_today(self) -> int:
        """Requests made since midnight UTC, attempts included."""
        return self.endpoint.made[datetime.now(UTC).date()]

    async def get_json(
        self, path: str, params: Mapping[str, str], *, kind: Kind, check: Check | None = None
    ) -> Payload:
        """The provider's answer, from the cache while that is fresh; a `DataError` never holds the key.

        `kind` decides how long it is used again. `check` raises where data cannot be used; it is not cached then.
        """
        state = await self._loops.here()
        request = _Request(self, state, path, dict(params), kind, check)
        outcome = await state.in_flight.join(request.key, request.run)
        if isinstance(outcome, DataError):
            raise copy.copy(outcome)  # several may wait for the same
        return outcome

    def close(self) -> None:
        """Have every loop close its connections, as soon as it gets to it. They open again when needed."""
        self._loops.close_all()

    async def aclose(self) -> None:
        """Close the connections of this loop. Those of other loops are closed when these end."""
        await self._loops.close_here()


def _check_limits(**limits: float | None) -> None:
    for name, limit in limits.items():
        if limit is not None and not 0 < limit < float("inf"):
            raise ConfigurationError(f"{name} must be a positive number, not {limit}. Change it.")


# ------------------------------------------------------------------------------------------------- requests


class _TryAgain(Exception):
    """Raised to `stamina`, which owns all retries."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(type(failed.error).__name__)
        self.failed = failed


@dataclass(slots=True)
class _Request:
    """Obtains one thing, once, within the deadline. Every failure but a bug is a value."""

    transport: Transport
    state: LoopState
    path: str
    params: Mapping[str, str]
    kind: Kind
    check: Check | None
    deadline: float = 0.0
    waits_for_limiter: bool = False

    @property
    def key(self) -> str:
        """What is asked: equal for equal requests, different for different ones."""
        return f"{self.transport.endpoint.base} {(self.kind, self.path, sorted(self.params.items()))!r}"

    async def run(self) -> Outcome:
        """The payload, or what went wrong."""
        self.deadline = asyncio.get_running_loop().time() + self.transport.timeout
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self._from_cache() or await self._from_source()
        except TimeoutError:
            return self._late()

    async def _from_cache(self) -> Payload | None:
        cache = self.transport.cache
        entry = await cache.get(self.key, self.kind) if cache else None
        data = None if entry is None else await self._read(entry.text)
        if entry is None or isinstance(data, DataError):  # the source is asked again, and its answer replaces this one
            return None
        return Payload(data, entry.fetched_at, cached=True)

    async def _from_source(self) -> Outcome:
        answer = await self._send_until()
        if isinstance(answer, Failed):
            return self._late() if isinstance(answer.error, SourceTimeout) else answer.error
        fetched_at = datetime.now(UTC)
        data = await self._read(answer)
        if isinstance(data, DataError):
            return data
        if self.transport.cache and data:
            await self.transport.cache.put(self.key, self.kind, answer)
        return Payload(data, fetched_at, cached=False)

    async def _read(self, text: str) -> Any | DataError:
        """The data, read in a thread where that would be noticed on the loop."""
        arguments = text, self.transport.name, self.check
        return await asyncio.to_thread(interpret, *arguments) if len(text) > _LARGE else interpret(*arguments)

    async def _send_until(self) -> str | Failed:
        """Send, and send again while that can help and there is time."""
        attempts = stamina.retry_context(
            on=self._pause,
            attempts=self.transport.attempts,
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
                    answer = await self._send()
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
        left = self.deadline - asyncio.get_running_loop().time() - _WORTH_STARTING
        if problem.failed.wait is None:
            return left > _FIRST_WAIT + _JITTER
        return problem.failed.wait if problem.failed.wait < left else False

    async def _send(self) -> str | Failed:
        async with self.state.slots:
            if self.state.limiter:
                self.waits_for_limiter = True
                await self.state.limiter.acquire()
                self.waits_for_limiter = False
            return await self.transport.endpoint.get(self.state.session, self.path, self.params)

    def _late(self) -> DataError:
        name = self.transport.name
        if self.waits_for_limiter:
            words = "is asked as often as FINASSIST_PER_MINUTE allows. Ask again in a minute, or raise it"
            return RateLimited(f"{name} {words}.")
        within = f"{name} did not answer within {self.transport.timeout:g} seconds"
        return SourceTimeout(f"{within}. Ask again, or raise FINASSIST_HTTP_TIMEOUT.")


# ------------------------------------------------------------------------------------------------- provider


class LiveProvider(FactProvider):
    """A provider that asks one HTTP API. Its transport is counted and closed, and neither copied nor pickled."""

    _transport: Transport

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"A {type(self).__name__} may hold a key and is never pickled. Build it where it is used.")

    def universe(self) -> NoReturn:
        """Not offered: an API of single companies has no list of all with figures.

        Raises:
            NotOffered: Always; the message names what to do.
        """
        raise by_name_only(self)

    @property
    def requests_today(self) -> int:
        """Requests made by this provider since midnight UTC."""
        return self._transport.requests_today

    def close(self) -> None:
        """Have every loop close its connections; they open again when needed."""
        self._transport.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop; they open again when needed."""
        await self._transport.aclose()
