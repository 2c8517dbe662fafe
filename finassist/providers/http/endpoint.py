"""One request to one provider, and the connections of each loop: the only place that knows the key and speaks HTTP.

What a request returns holds no key: neither an error's words nor its cause, its context or its traceback. A key goes
only to an https address whose host is known or allowed on purpose, and a body is read up to a limit on *decoded* bytes.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import Any, NoReturn

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import SecretStr
from yarl import URL

from finassist.core.concurrency import InFlight
from finassist.core.errors import BadPayload, ConfigurationError, DataError, TooLarge
from finassist.core.secrets import redact
from finassist.core.spans import sent
from finassist.providers.http.answers import Refusal, error_of, explain, read_retry_after, said

KNOWN_HOSTS = frozenset({"financialmodelingprep.com", "data.sec.gov", "www.sec.gov"})
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_DNS_SECONDS = 300
_IDLE_SECONDS = 60  # people think between two questions

_PATH = re.compile(r"/?[\w.~-]+(/[\w.~-]+)*")
_CHUNK = 64 * 1024
_ERROR_BYTES = 64 * 1024
_GZIP = 31  # window bits that make zlib expect a gzip header
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})


class _ConnectionBroken(Exception):
    """The server closed or reset the connection before it answered."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An error, whether a retry can help, and how many seconds the provider asks to wait."""

    error: DataError
    may_pass: bool = False
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider's address and key, and how many requests were made on each day (UTC)."""

    name: str
    base: URL
    secret: SecretStr | None
    secret_param: str
    max_bytes: int
    made: Counter[date] = field(default_factory=Counter[date])

    def __reduce__(self) -> NoReturn:
        raise TypeError("An endpoint holds a key, so it cannot be pickled. Build it where it is used.")

    def clean(self, text: str) -> str:
        """The text without the key."""
        return redact(text, [self.secret.get_secret_value()] if self.secret else [])

    async def get(self, session: aiohttp.ClientSession, path: str, params: Mapping[str, str]) -> str | Failed:
        """Make the request once: the text of a body with status 200, or what failed. It does not raise."""
        url = self._url(path, params)
        self.made[datetime.now(UTC).date()] += 1
        try:
            with sent("GET", url) as span:
                async with session.get(url, allow_redirects=False) as response:
                    span["http.response.status_code"] = response.status
                    return await self._read(response)
        except (aiohttp.ClientError, _ConnectionBroken, OSError, EOFError, UnicodeError) as problem:
            return self._broken(problem)

    def _url(self, path: str, params: Mapping[str, str]) -> URL:
        """The address of a path below the base, with the key. A path of other than plain names might lead elsewhere."""
        if not _PATH.fullmatch(path) or ".." in path:
            raise ValueError("A request path is plain names joined by slashes. Put values into params.")
        key = {self.secret_param: self.secret.get_secret_value()} if self.secret else {}
        return self.base.joinpath(*path.strip("/").split("/")).with_query({**params, **key})

    async def _read(self, response: aiohttp.ClientResponse) -> str | Failed:
        ok = response.status == 200
        limit, errors = (self.max_bytes, "strict") if ok else (_ERROR_BYTES, "replace")
        try:
            text = (await _read_body(response, limit)).decode(errors=errors)
        except (_Overflow, ValueError, zlib.error) as problem:
            response.close()
            return Failed(self._unreadable(problem)) if ok else self._refused(response, "")
        return self.clean(text) if ok else self._refused(response, text)

    def _refused(self, response: aiohttp.ClientResponse, text: str) -> Failed:
        now = datetime.now(UTC)
        wait = read_retry_after(response.headers.get("Retry-After"), now)
        again_at = None if wait is None else now + wait
        refusal = Refusal(self.name, response.status, said(self.clean(text)), again_at, self._location(response))
        return Failed(explain(refusal), refusal.may_pass, None if wait is None else wait.total_seconds())

    def _location(self, response: aiohttp.ClientResponse) -> str:
        try:
            return self.clean(URL(response.headers.get("Location", "")).host or "")
        except ValueError:
            return ""

    def _unreadable(self, problem: Exception) -> DataError:
        if isinstance(problem, _Overflow):
            size = f"{self.max_bytes / 1_000_000:g} MB"
            return TooLarge(f"{self.name} sent more than {size}, which is not read. Ask for fewer years or days.")
        unread = isinstance(problem, UnicodeDecodeError)
        words = "bytes that are not UTF-8 text" if unread else "a body that cannot be unpacked"
        return BadPayload(f"{self.name} sent {words}. Ask again, or use another provider.")

    def _broken(self, problem: Exception) -> Failed:
        """Our own words for each way a connection fails: theirs are often empty, and may hold the key."""
        meaning = next(meaning for kinds, meaning in _BROKEN if isinstance(problem, kinds))
        return Failed(error_of(meaning, Refusal(self.name, 0, "")), meaning in _MAY_PASS)


_BROKEN: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((TimeoutError,), "silent"),
    ((aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError), "insecure"),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror, UnicodeError, aiohttp.InvalidURL), "unknown_host"),
    ((aiohttp.ClientConnectorError,), "not_connected"),
    ((aiohttp.ClientPayloadError,), "broken_off"),
    ((aiohttp.ClientResponseError,), "no_http"),
    ((Exception,), "closed_early"),
)
"""What a broken connection means; the first that fits."""

_MAY_PASS = frozenset({"silent", "broken_off", "closed_early"})


# -------------------------------------------------------------------------------------------------- address


def check_base(base_url: str, *, allow_custom_host: bool) -> URL:
    """The address, if a key may be sent there.

    Example:
        >>> check_base("https://financialmodelingprep.com/stable", allow_custom_host=False).host
        'financialmodelingprep.com'
    """
    try:
        url = URL(base_url)
    except ValueError:
        url = URL()
    host = url.host
    if host is None or url.scheme not in ("https", "http"):
        raise ConfigurationError(
            "The base_url is not a web address. Give one like https://financialmodelingprep.com/stable."
        )
    if url.user or url.password or url.query_string or url.fragment:
        raise ConfigurationError("The base_url has more than a host and a path. Leave out names, keys, ? and #.")
    if _is_loopback(host):
        return url
    if url.scheme != "https":
        raise ConfigurationError(f"The key would travel in the clear to {host}. Use https:// in base_url.")
    if host not in KNOWN_HOSTS and not allow_custom_host:
        raise ConfigurationError(
            f"The key would be sent to {host}, which is not a known data source. "
            "If that is what you want, pass allow_custom_host=True."
        )
    return url


def _is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# ----------------------------------------------------------------------------------------------------- body


class _Overflow(Exception):
    """The body is larger than the limit."""


async def _read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The decoded body, of at most `limit` bytes; a `ValueError` where it is compressed in another way, or damaged."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise ValueError(encoding)
    if (response.content_length or 0) > limit:
        raise _Overflow
    inflate = zlib.decompressobj(_GZIP) if "gzip" in encoding else None
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += inflate.decompress(chunk, limit - len(body) + 1) if inflate else chunk
        if len(body) > limit:
            raise _Overflow
    if inflate and body and not inflate.eof:
        raise ValueError("cut off")
    return bytes(body)


# ---------------------------------------------------------------------------------------------- connections


@dataclass(slots=True)
class LoopState:
    """One loop's share of a transport: its connections, its limits, and the requests under way."""

    session: aiohttp.ClientSession
    slots: asyncio.Semaphore
    limiter: AsyncLimiter | None
    in_flight: InFlight[Any] = field(default_factory=InFlight[Any])


async def open_state(
    seconds: float, concurrency: int, per_minute: float | None, per_second: float | None, agent: str
) -> AsyncGenerator[LoopState]:
    """The state of a loop, with connections of its own; `seconds` is what a request may take."""
    # No byte for half the time: the connection is dead, and there is time for another.
    silence = aiohttp.ClientTimeout(total=None, sock_connect=seconds / 3, sock_read=seconds / 2)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS, ttl_dns_cache=_DNS_SECONDS),
        timeout=silence,
        headers=_HEADERS | {"User-Agent": agent},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        middlewares=(_send_once,),
    ) as session:
        yield LoopState(session, asyncio.Semaphore(concurrency), make_limiter(per_minute, per_second))


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A middleware: aiohttp by itself asks once more where a connection breaks, but retries have one owner."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectionError as problem:
        if isinstance(problem, aiohttp.ServerDisconnectedError) or type(problem) is aiohttp.ClientOSError:
            raise _ConnectionBroken from None
        raise


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
