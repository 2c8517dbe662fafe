"""The transport: cached, shared, limited, retried and timed requests that give data or a named error."""

from __future__ import annotations

import asyncio
import copy
import threading
import weakref
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypedDict, cast

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import SecretStr

from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError, DataError
from finassist.providers.http.cache import Cache, Kind
from finassist.providers.http.endpoint import ACCEPTED_ENCODING, Endpoint, check_base, send_once
from finassist.providers.http.request import Check, LoopState, Payload, Request

_HEADERS = {"Accept": "application/json", "Accept-Encoding": ACCEPTED_ENCODING}
_DNS_SECONDS = 300
_IDLE_SECONDS = 60  # people think between two questions


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

    Args:
        name: The provider's name, for messages.
        base_url: Where its API begins; https, or this machine.
        secret: The key, or `None`.
        secret_param: Query parameter that carries the key.
        timeout: Seconds a request may take in all: waiting for its turn, retries and body included.
        attempts: How often to ask at most.
        concurrency: Requests at the same time on one loop.
        per_minute: Requests in any minute on one loop, or `None` for no limit.
        per_second: Requests in any second on one loop, instead of `per_minute`.
        max_bytes: Largest body, decompressed.
        user_agent: The value of the header.
        cache: Where answers are kept, or `None`.
        allow_custom_host: Whether the key may go to a host that is not a known data source.

    Raises:
        ConfigurationError: The key would not be safe at this address, or a limit is not a positive number.

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
        self._endpoint = Endpoint(name, base, secret, secret_param, max_bytes)
        self.name, self.timeout, self.attempts, self.cache = name, timeout, attempts, cache
        self._loops = _Loops(timeout, concurrency, per_minute, per_second, user_agent)
        weakref.finalize(self, self._loops.close_all).atexit = False

    @classmethod
    def from_settings(cls, settings: Settings, options: Options, **fixed: Any) -> Self:
        """A transport with the cache and the limits of the settings where the options say nothing, or `None`.

        Raises:
            TypeError: There is no such option.
        """
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
        return f"Transport({self.name!r}, {str(self._endpoint.base)!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> Any:
        raise TypeError("A transport holds a key and connections, so it cannot be pickled. Build it where it is used.")

    @property
    def requests_today(self) -> int:
        """Requests made since midnight UTC, attempts included."""
        return self._endpoint.made[datetime.now(UTC).date()]

    async def get_json(
        self, path: str, params: Mapping[str, str], *, kind: Kind, check: Check | None = None
    ) -> Payload:
        """The provider's answer, from the cache while that is fresh.

        Args:
            path: Below `base_url`.
            params: The query, without the key.
            kind: Decides how long the answer is used again.
            check: Raises a `DataError` if the data cannot be used; such an answer is not kept.

        Raises:
            DataError: One of its kinds, by what happened. It never holds the key.
        """
        state = await self._loops.here()
        request = Request(path, dict(params), kind, check, self._endpoint, self.cache, self.timeout, self.attempts)
        outcome = await state.in_flight.join(request.key, lambda: request.run(state))
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


def make_limiter(per_minute: float | None, per_second: float | None = None) -> AsyncLimiter | None:
    """A limiter for at most `per_minute` requests in *any* minute: half of them at once, the rest evenly.

    Or for `per_second` in any second, in the same way.

    Example:
        >>> limiter = make_limiter(300)
        >>> limiter.max_rate, 60 * limiter.max_rate / limiter.time_period
        (150.0, 150.0)
    """
    if per_second is not None:
        return AsyncLimiter(max(1.0, per_second / 2), max(1.0, 2 / per_second))
    if per_minute is None:
        return None
    return AsyncLimiter(max(1.0, per_minute / 2), 60 * max(1.0, 2 / per_minute))


# ---------------------------------------------------------------------------------------------------- loops


@dataclass(slots=True)
class _Loops:
    """The state of each loop, made when a loop first asks and closed when the loop ends.

    An aiohttp session belongs to one loop, and a transport is used from several: the user's, that of every
    `asyncio.run`, and the private one behind `run()`. This does not refer to the transport, so that an unused one can
    be collected.
    """

    timeout: float
    concurrency: int
    per_minute: float | None
    per_second: float | None
    agent: str
    _lock: threading.RLock = field(default_factory=threading.RLock)  # a finalizer may run in the middle of anything
    _states: dict[asyncio.AbstractEventLoop, LoopState] = field(default_factory=dict[Any, LoopState])
    _closing: set[asyncio.Task[None]] = field(default_factory=set[Any])  # asyncio holds tasks weakly

    async def here(self) -> LoopState:
        """The state of the running loop."""
        loop = asyncio.get_running_loop()
        state = self._states.get(loop)
        if state is None or state.session.closed:
            opened = self._open()
            limiter = make_limiter(self.per_minute, self.per_second)
            # An async generator's first step does not wait, so no other task of this loop runs in between.
            state = LoopState(await anext(opened), opened, asyncio.Semaphore(self.concurrency), limiter)
            with self._lock:
                for ended in [each for each in self._states if each.is_closed()]:
                    del self._states[ended]  # a session holds its loop, so none would go by itself
                self._states[loop] = state
        return state

    async def _open(self) -> AsyncGenerator[aiohttp.ClientSession]:
        """The session of a loop, whose end closes every async generator that is still open."""
        # No byte for half the time: the connection is dead, and there is time for another.
        silence = aiohttp.ClientTimeout(total=None, sock_connect=self.timeout / 3, sock_read=self.timeout / 2)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS, ttl_dns_cache=_DNS_SECONDS),
            timeout=silence,
            headers=_HEADERS | {"User-Agent": self.agent},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            middlewares=(send_once,),
        ) as session:
            yield session

    async def close_here(self) -> None:
        """Close the connections of the running loop."""
        with self._lock:
            state = self._states.pop(asyncio.get_running_loop(), None)
        if state:
            await state.close()

    def close_all(self) -> None:
        """Have every loop that still lives close its connections."""
        with self._lock:
            states = list(self._states.items())
        for loop, state in states:
            with suppress(RuntimeError):  # it has been closed, and its connections with it
                loop.call_soon_threadsafe(self._begin_closing, loop, state)

    def _begin_closing(self, loop: asyncio.AbstractEventLoop, state: LoopState) -> None:
        task = loop.create_task(state.close(), name="finassist-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
