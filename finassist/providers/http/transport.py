"""The transport: cached, shared, limited, retried and timed requests that give data or a named error."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Self

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import SecretStr

from finassist.core.errors import ConfigurationError
from finassist.providers.http.address import check_base
from finassist.providers.http.body import ACCEPTED
from finassist.providers.http.cache import Cache, Kind
from finassist.providers.http.endpoint import Endpoint
from finassist.providers.http.loops import Loops, LoopState
from finassist.providers.http.payload import Payload, unwrap
from finassist.providers.http.pursuit import Check, Pursuit, Wish
from finassist.providers.http.quota import Quota

_HEADERS = {"Accept": "application/json", "Accept-Encoding": ACCEPTED}
_DNS_SECONDS = 300
_IDLE_SECONDS = 60  # people think between two questions


class Transport:
    """A door to one provider's HTTP API. Safe to use from several loops and threads.

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
        user_agent: Who asks.
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
        self._loops = Loops(
            _maker(timeout, concurrency, lambda: pace(per_minute, per_second), self._quota.add, user_agent)
        )
        weakref.finalize(self, self._loops.abandon).atexit = False

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
        """What the provider answers, from the cache while that is fresh.

        Args:
            path: Below `base_url`.
            params: The query, without the key.
            kind: Decides how long the answer is used again.
            check: Raises a `DataError` if the data cannot be used; such an answer is not kept.

        Raises:
            DataError: One of its kinds, by what happened. It never holds the key.
        """
        state = await self._loops.here()
        wish = Wish(path, dict(params), kind, check)
        pursuit = Pursuit(wish, self._endpoint, state, self.cache, self.timeout, self.attempts)
        return unwrap(await state.flights.join(wish.identity, pursuit.run))

    def close(self) -> None:
        """Have every loop close its connections, as soon as it gets to it. They open again when needed."""
        self._loops.abandon()

    async def aclose(self) -> None:
        """Close the connections of this loop. Those of other loops are closed when these end."""
        await self._loops.close_here()


def _check_limits(**limits: float | None) -> None:
    for name, limit in limits.items():
        if limit is not None and not 0 < limit < float("inf"):
            raise ConfigurationError(f"{name} must be a positive number, not {limit}. Change it.")


def _maker(
    timeout: float, concurrency: int, limit: Callable[[], AsyncLimiter | None], count: Callable[[], None], who: str
) -> Callable[[], LoopState]:
    """Makes the state of one loop. Knows no transport, so that an unused one can be collected."""

    async def sent(*_: object) -> None:
        count()

    def make() -> LoopState:
        tracing = aiohttp.TraceConfig()
        tracing.on_request_headers_sent.append(sent)  # not before: a name that is not found costs nobody a request
        # No byte for half the time: the connection is dead, and there is time for another.
        silence = aiohttp.ClientTimeout(total=None, sock_connect=timeout / 3, sock_read=timeout / 2)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS, ttl_dns_cache=_DNS_SECONDS),
            timeout=silence,
            headers=_HEADERS | {"User-Agent": who},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trace_configs=[tracing],
        )
        # aiohttp would ask once more by itself where a kept connection breaks: retries have one owner.
        session._retry_connection = False  # pyright: ignore[reportPrivateUsage]
        return LoopState(session, asyncio.Semaphore(concurrency), limit())

    return make


def pace(per_minute: float | None, per_second: float | None = None) -> AsyncLimiter | None:
    """A limiter for at most `per_minute` requests in *any* minute: half of them at once, the rest evenly.

    Or for `per_second` in any second, in the same way.

    Example:
        >>> limiter = pace(300)
        >>> limiter.max_rate, 60 * limiter.max_rate / limiter.time_period
        (150.0, 150.0)
    """
    if per_second is not None:
        return AsyncLimiter(max(1.0, per_second / 2), max(1.0, 2 / per_second))
    if per_minute is None:
        return None
    return AsyncLimiter(max(1.0, per_minute / 2), 60 * max(1.0, 2 / per_minute))
