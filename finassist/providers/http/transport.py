"""The transport: cached, shared, limited, retried and timed requests that give data or a named error."""

from __future__ import annotations

import asyncio
import copy
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Self, cast

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import SecretStr

from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError, DataError
from finassist.providers.http.cache import Cache, Kind, Quota
from finassist.providers.http.endpoint import ACCEPTED_ENCODING, Endpoint, check_base, send_once
from finassist.providers.http.request import Check, LoopState, Payload, Request

_HEADERS = {"Accept": "application/json", "Accept-Encoding": ACCEPTED_ENCODING}
_DNS_SECONDS = 300
_IDLE_SECONDS = 60  # people think between two questions


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
        account = f"{name}\n{secret.get_secret_value() if secret else ''}"
        self._quota = Quota(cache.folder if cache else None, account)
        limit = lambda: make_limiter(per_minute, per_second)  # noqa: E731
        self._loops = _Loops(_state_maker(timeout, concurrency, limit, self._quota.add, user_agent))
        weakref.finalize(self, self._loops.close_all).atexit = False

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        timeout: float | None,
        attempts: int | None,
        concurrency: int | None,
        cache: Cache | bool | None,
        **options: Any,
    ) -> Self:
        """A transport with the cache and the limits of the settings where others are `None`."""
        cache = settings.cache if cache is None else cache
        if not isinstance(cache, Cache):
            lifetimes = cast("dict[Kind, timedelta]", settings.lifetimes)
            cache = Cache(settings.cache_folder, lifetimes) if cache else None
        return cls(
            timeout=settings.http_timeout if timeout is None else timeout,
            attempts=settings.http_attempts if attempts is None else attempts,
            concurrency=settings.concurrency if concurrency is None else concurrency,
            cache=cache,
            **options,
        )

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
        """Requests that left with this key since midnight UTC; with a cache, by all processes of this machine."""
        return self._quota.today

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


def _state_maker(
    timeout: float, concurrency: int, limit: Callable[[], AsyncLimiter | None], count: Callable[[], None], agent: str
) -> Callable[[], LoopState]:
    """Makes the state of one loop. It does not refer to the transport, so that an unused one can be collected."""

    async def sent(*_: object) -> None:
        count()

    def make() -> LoopState:
        tracing = aiohttp.TraceConfig()
        tracing.on_request_headers_sent.append(sent)  # not before: a name that is not found costs no request
        # No byte for half the time: the connection is dead, and there is time for another.
        silence = aiohttp.ClientTimeout(total=None, sock_connect=timeout / 3, sock_read=timeout / 2)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS, ttl_dns_cache=_DNS_SECONDS),
            timeout=silence,
            headers=_HEADERS | {"User-Agent": agent},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trace_configs=[tracing],
            middlewares=(send_once,),
        )
        return LoopState(session, asyncio.Semaphore(concurrency), limit())

    return make


class _Loops:
    """The state of each loop, made when a loop first asks and closed when the loop ends.

    An aiohttp session belongs to one loop, and a transport is used from several: the user's, that of every
    `asyncio.run`, and the private one behind `run()`.
    """

    def __init__(self, make: Callable[[], LoopState]) -> None:
        self._make = make
        self._lock = threading.RLock()  # a finalizer may run in the middle of anything
        self._states: dict[asyncio.AbstractEventLoop, LoopState] = {}
        self._closing: set[asyncio.Task[None]] = set()  # asyncio holds tasks weakly

    async def here(self) -> LoopState:
        """The state of the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            state = self._states.get(loop)
            if state is None or state.session.closed:
                for ended in [each for each in self._states if each.is_closed()]:
                    del self._states[ended]  # a session holds its loop, so none would go by itself
                state = self._states[loop] = self._make()
        if state.guard is None:
            state.guard = _close_with_loop(state.session)
            await anext(state.guard)
        return state

    async def close_here(self) -> None:
        """Close the connections of the running loop."""
        with self._lock:
            state = self._states.pop(asyncio.get_running_loop(), None)
        if state:
            await _close(state)

    def close_all(self) -> None:
        """Have every loop that still lives close its connections."""
        with self._lock:
            states = list(self._states.items())
        for loop, state in states:
            with suppress(RuntimeError):  # it has been closed, and its connections with it
                loop.call_soon_threadsafe(self._begin_closing, loop, state)

    def _begin_closing(self, loop: asyncio.AbstractEventLoop, state: LoopState) -> None:
        task = loop.create_task(_close(state), name="finassist-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(state: LoopState) -> None:
    await state.session.close()
    if state.guard is not None:
        with suppress(RuntimeError):  # the loop is closing it at this moment
            await state.guard.aclose()


async def _close_with_loop(session: aiohttp.ClientSession) -> AsyncGenerator[None]:
    """Waits for the end of its loop, which closes every async generator that is still open."""
    try:
        yield
    finally:
        await session.close()
