"""One request to one provider: the only place that knows the key, and that speaks HTTP.

What it returns holds no key: neither an error's words nor its cause, its context or its traceback.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

import aiohttp
from pydantic import SecretStr
from yarl import URL

from finassist.core.errors import BadPayload, DataError, SourceTimeout, TooLarge, Unreachable
from finassist.core.redaction import redact
from finassist.providers.http import body, strict_json
from finassist.providers.http.address import join
from finassist.providers.http.retry_after import read_retry_after
from finassist.providers.http.verdicts import Refusal, complaint, judge

_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """What came with status 200, as text without secrets."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An error, whether asking again can help, and how long the provider asks to wait."""

    error: DataError
    may_pass: bool = False
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whom to ask, and with which key."""

    name: str
    base: URL
    secret: SecretStr | None
    secret_param: str
    max_bytes: int

    def __reduce__(self) -> NoReturn:
        raise TypeError("An endpoint holds a key, so it cannot be pickled. Build it where it is used.")

    def clean(self, text: str) -> str:
        """The text without the key."""
        return redact(text, [self.secret.get_secret_value()] if self.secret else [])

    async def get(self, session: aiohttp.ClientSession, path: str, params: Mapping[str, str]) -> Body | Failed:
        """Make the request once. A connection that breaks is a `Failed`, not an exception."""
        try:
            async with session.get(self._url(path, params), allow_redirects=False) as response:
                return await self._read(response)
        except (aiohttp.ClientError, OSError, EOFError, UnicodeError) as problem:
            return self._broken(problem)

    def _url(self, path: str, params: Mapping[str, str]) -> URL:
        key = {self.secret_param: self.secret.get_secret_value()} if self.secret else {}
        return join(self.base, path).with_query({**params, **key})

    async def _read(self, response: aiohttp.ClientResponse) -> Body | Failed:
        ok = response.status == 200
        try:
            raw = await body.read_body(response, self.max_bytes if ok else _ERROR_BYTES)
        except (body.Overflow, body.Undecodable) as problem:
            response.close()
            if ok:
                return Failed(self._unreadable(problem))
            raw = b""
        if not ok:
            return self._refused(response, raw.decode("utf-8", "replace"))
        try:
            return Body(self.clean(raw.decode("utf-8")))
        except UnicodeDecodeError:
            pass
        return Failed(
            BadPayload(f"{self.name} sent bytes that are not UTF-8 text. Ask again, or use another provider.")
        )

    def _refused(self, response: aiohttp.ClientResponse, text: str) -> Failed:
        now = datetime.now(UTC)
        wait = read_retry_after(response.headers.get("Retry-After"), now)
        refusal = Refusal(self.name, response.status, _words(self.clean(text)), now, wait, self._location(response))
        return Failed(judge(refusal), refusal.may_pass, None if wait is None else wait.total_seconds())

    def _location(self, response: aiohttp.ClientResponse) -> str:
        try:
            return self.clean(URL(response.headers.get("Location", "")).host or "")
        except ValueError:
            return ""

    def _unreadable(self, problem: body.Overflow | body.Undecodable) -> DataError:
        if isinstance(problem, body.Overflow):
            megabytes = f"{self.max_bytes / 1_000_000:g}"
            return TooLarge(
                f"{self.name} sent more than {megabytes} MB, which is not read. Ask for fewer years or days."
            )
        return BadPayload(f"{self.name} sent a body that cannot be unpacked. Ask again, or use another provider.")

    def _broken(self, problem: Exception) -> Failed:
        """Our own words for each way a connection fails: theirs are often empty, and may hold the key."""
        match problem:
            case TimeoutError():
                return Failed(SourceTimeout(f"{self.name} stopped answering. Ask again in a moment."), may_pass=True)
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError() | ssl.SSLError():
                words = "no secure connection could be made. Check the clock, and whether a proxy stands in between"
                return Failed(Unreachable(f"{self.name} was not reached: {words}."))
            case aiohttp.ClientConnectorDNSError() | socket.gaierror() | UnicodeError() | aiohttp.InvalidURL():
                words = "its name was not found. Check the network connection"
                return Failed(Unreachable(f'{self.name} was not reached: {words}, or use provider="embedded".'))
            case aiohttp.ClientConnectorError():
                words = "the connection was refused. Check the network and any firewall"
                return Failed(Unreachable(f'{self.name} was not reached: {words}, or use provider="embedded".'))
            case aiohttp.ClientPayloadError():
                return Failed(
                    Unreachable(f"{self.name} broke off in the middle of its answer. Ask again."), may_pass=True
                )
            case aiohttp.ClientResponseError():
                return Failed(BadPayload(f"{self.name} sent something that is not HTTP. Check base_url, or ask again."))
            case _:
                return Failed(Unreachable(f"{self.name} closed the connection. Ask again in a moment."), may_pass=True)


def _words(text: str) -> str:
    """What an error body says, whether it is plain text or an object with an error in it."""
    try:
        return complaint(strict_json.loads(text)) or text
    except strict_json.BadJson:
        return text
