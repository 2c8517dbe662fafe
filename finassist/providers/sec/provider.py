"""The provider of filed figures: the SEC's own data, for which no key is needed.

Importing this module registers it with Agno as `"sec"`. Statements of US companies since about 2009, a profile, and
the list of filings; no prices. The SEC asks every program for the address of a person, and for ten requests a second
at most.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import cast

from agno.tools.finance import Filing, FinancialStatement, ProviderStatus, SymbolMatch, register_provider
from agno.tools.finance.base import STATEMENTS

from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError, NotOffered, UnknownSymbol
from finassist.core.facts import Statement
from finassist.providers.fmp.options import disk_cache
from finassist.providers.http import Transport
from finassist.providers.http.cache import Cache, Kind
from finassist.providers.sec.asked import SOURCE, Asked
from finassist.providers.sec.company import parse_filings, parse_profile, submissions_of
from finassist.providers.sec.companyfacts import facts_of
from finassist.providers.sec.statements import parse_statements
from finassist.providers.sourced import SourcedProfile
from finassist.providers.waiting import WaitingProvider
from finassist.symbols.directory import Company, directory, normalise_symbol

BASE_URL = "https://data.sec.gov"
PER_SECOND = 10
LARGEST = 64_000_000
"""Bytes of the largest answer: what a large bank has tagged in fifteen years comes near to half of it."""

_CONTACT = re.compile(r"[!-?A-~]{1,100}@[\w.-]{1,200}\.[a-zA-Z]{2,20}", re.ASCII)


class SECProvider(WaitingProvider):
    """Statements, profile and filings of companies that file with the SEC, each figure with its filing.

    Of a figure that was filed several times the latest counts. A zero is a reported zero.

    Args:
        contact: E-mail address that the SEC may write to; by default from `FINASSIST_SEC_CONTACT`. It is sent to the
            SEC with every request, and to nobody else.
        base_url: Where the API is. Another host than the SEC's needs `allow_custom_host`, unless it is this machine.
        timeout: Seconds one request may take in all.
        attempts: Times a request is sent where trying again helps.
        concurrency: Requests at the same time.
        cache: Where answers are kept; `True` is the folder of the settings, `False` nowhere.
        allow_custom_host: Whether another host may be asked.
        settings: Where everything not given comes from; by default the environment and `.env`.

    Raises (every method that takes a symbol):
        InvalidSymbol: The text cannot be a ticker.
        UnknownSymbol: The directory has no such company.
        NotOffered: There are no statements under US GAAP, or not of this kind.
        RateLimited, SourceTimeout, Unreachable, BadPayload, TooLarge, NotFound: The SEC did not deliver data.

    Example:
        >>> provider = SECProvider("someone@example.org")
        >>> [match.symbol for match in provider.search_symbols("apple", limit=1)]
        ['AAPL']
    """

    id = "sec"
    name = SOURCE
    capabilities = frozenset({"search_symbols", "get_company_profile", "get_financials", "get_sec_filings"})

    def __init__(
        self,
        contact: str | None = None,
        *,
        base_url: str = BASE_URL,
        timeout: float | None = None,
        attempts: int | None = None,
        concurrency: int | None = None,
        cache: Cache | bool | None = None,
        allow_custom_host: bool = False,
        settings: Settings | None = None,
    ) -> None:
        settings = settings or Settings()
        self._transport = Transport(
            name=SOURCE,
            base_url=base_url,
            secret=None,
            timeout=settings.http_timeout if timeout is None else timeout,
            attempts=settings.http_attempts if attempts is None else attempts,
            concurrency=settings.concurrency if concurrency is None else concurrency,
            per_second=PER_SECOND,
            max_bytes=LARGEST,
            cache=disk_cache(settings.cache if cache is None else cache, settings),
            allow_custom_host=allow_custom_host,
            user_agent=f"finassist {_address(settings.sec_contact if contact is None else contact)}",
        )

    # ------------------------------------------------------------------------------------------ health

    def status(self) -> ProviderStatus:
        """No key is needed; nothing is asked of the source."""
        return ProviderStatus(ok=True, detail="no key needed, a contact address is set")

    async def astatus(self) -> ProviderStatus:
        """The same as `status`."""
        return self.status()

    @property
    def requests_today(self) -> int:
        """Requests made since midnight UTC, counted on this machine."""
        return self._transport.requests_today

    def close(self) -> None:
        """Have every loop close its connections; they open again when needed."""
        self._transport.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop; they open again when needed."""
        await self._transport.aclose()

    # ------------------------------------------------------------------------------------------ answers

    async def asearch_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """Companies whose ticker or name fits, from the SEC's list that is part of finassist."""
        found = directory().search(query, max(limit, 1))
        return [SymbolMatch(symbol=each.symbol, name=each.name, exchange=each.exchange or None) for each in found]

    async def aget_company_profile(self, symbol: str) -> SourcedProfile:
        """Name, seat, kind of business and exchange."""
        answer, asked = await self._get("submissions/CIK{}.json", symbol, "profile", submissions_of)
        return parse_profile(answer, asked)

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """The newest `limit` statements, newest first; each is a `SourcedStatement`.

        A quarter that is only part of a longer period in the filings (the fourth, and cash flows) is the difference
        of two of them, and says so.
        """
        _one_of("statement", statement, STATEMENTS)
        _one_of("period", period, ("annual", "quarterly"))
        facts, asked = await self._get("api/xbrl/companyfacts/CIK{}.json", symbol, "statement", facts_of)
        kind = cast(Statement, statement)
        found = await asyncio.to_thread(parse_statements, facts, asked, kind, period, limit)
        if not found:
            raise asked.no_us_gaap()
        return [*found]

    async def aget_sec_filings(self, symbol: str, form_type: str | None = None, limit: int = 10) -> list[Filing]:
        """The newest filings, newest first; with `form_type` those of this form only."""
        answer, asked = await self._get("submissions/CIK{}.json", symbol, "profile", submissions_of)
        return parse_filings(answer, asked, form_type, limit)

    async def _get[Answer](
        self, path: str, symbol: str, kind: Kind, read: Callable[[object, Asked], Answer]
    ) -> tuple[Answer, Asked]:
        company = _company(symbol)
        expected = Asked(company, datetime.now(UTC).date())
        payload = await self._transport.get_json(
            path.format(company.cik), {}, kind=kind, check=lambda data: read(data, expected)
        )
        asked = Asked(company, payload.fetched_at.date(), payload.cached)
        return read(payload.data, asked), asked


def _company(symbol: str) -> Company:
    wanted = normalise_symbol(symbol)
    company = directory().lookup(wanted)
    if company is None:
        similar = [found.symbol for found in directory().suggest(wanted)]
        hint = f"Did you mean {' or '.join(similar)}?" if similar else "Search for the company by its name."
        raise UnknownSymbol(f"{SOURCE} knows no symbol {wanted}. {hint}")
    return company


def _address(contact: str) -> str:
    """The address, which becomes part of a header and of nothing else.

    Raises:
        ConfigurationError: There is none, or it is no e-mail address.
    """
    if not _CONTACT.fullmatch(contact.strip()):
        raise ConfigurationError(
            f"{SOURCE} wants to know whom to write to. Set FINASSIST_SEC_CONTACT to an e-mail address of yours, or use "
            'provider="embedded".'
        )
    return contact.strip()


def _one_of(name: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise NotOffered(f"{SOURCE} does not offer {name} {value!r:.30}. Use one of: {', '.join(allowed)}.")


register_provider(SECProvider.id, SECProvider)
