"""The provider of filed figures: the SEC's own data, for which no key is needed.

Importing this module registers it with Agno as `"sec"`. Statements of US companies since about 2009, a profile, and
the list of filings; no prices. The SEC asks every program for the address of a person, and for ten requests a second
at most.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Unpack, cast

from agno.tools.finance import Filing, ProviderStatus, SymbolMatch, register_provider
from msgspec.structs import replace

from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError, NotOffered, UnknownSymbol
from finassist.core.facts import Fact
from finassist.providers.base import Need, Periods
from finassist.providers.http.cache import Kind
from finassist.providers.http.transport import LiveProvider, Options, Transport
from finassist.providers.sec.companyfacts import SOURCE, Asked, facts_of
from finassist.providers.sec.statements import statement_facts
from finassist.providers.values import inside, link, symbol_hint, text, text_fact
from finassist.symbols import directory
from finassist.symbols.company import Company, normalise_symbol

BASE_URL = "https://data.sec.gov"
PER_SECOND = 10
LARGEST = 64_000_000
"""Bytes of the largest answer: what a large bank has tagged in fifteen years comes near to half of it."""

_ARCHIVE = "https://www.sec.gov/Archives/edgar/data"
_COMPANY_FACTS, _SUBMISSIONS = "api/xbrl/companyfacts/CIK{}.json", "submissions/CIK{}.json"
_CONTACT = re.compile(r"[!-?A-~]{1,100}@[\w.-]{1,200}\.[a-zA-Z]{2,20}", re.ASCII)


class SECProvider(LiveProvider):
    """Statements, profile and filings of companies that file with the SEC, each figure with its filing.

    Of a figure that was filed several times the latest counts. A zero is a reported zero. Beside income statements
    stand the shares counted on cover pages. Depreciation from a note is no depreciation and amortization: where
    nothing else is tagged, that line is missing and its note says so.

    Args:
        contact: E-mail address that the SEC may write to; by default from `FINASSIST_SEC_CONTACT`. It is sent to the
            SEC with every request, and to no other source.
        settings: Where everything not given comes from; by default the environment and `.env`.
        options: `base_url`, `timeout` (seconds one request may take in all), `attempts`, `concurrency`, `cache` (`True`
            is the folder of the settings, `False` nowhere), and `allow_custom_host` for a `base_url` of another host.

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
    _frequencies = ("annual", "quarterly")
    capabilities = frozenset({"search_symbols", "get_company_profile", "get_financials", "get_sec_filings"})

    def __init__(
        self,
        contact: str | None = None,
        *,
        settings: Settings | None = None,
        **options: Unpack[Options],
    ) -> None:
        settings = settings or Settings()
        self._transport = Transport.from_settings(
            settings,
            options,
            name=SOURCE,
            base_url=BASE_URL,
            secret=None,
            per_second=PER_SECOND,
            max_bytes=LARGEST,
            user_agent=f"finassist {_address(settings.sec_contact if contact is None else contact)}",
        )

    def status(self) -> ProviderStatus:
        """No key is needed; nothing is asked of the source."""
        return ProviderStatus(ok=True, detail="no key needed, a contact address is set")

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """A profile, or statements.

        A quarter that is only part of a longer period in the filings (the fourth, and cash flows) is the difference
        of two of them, and says so.
        """
        if need == "profile":
            return profile_facts(*await self._get(_SUBMISSIONS, symbol, "profile", _submissions))
        if need in ("quote", "history"):
            raise NotOffered(f"{SOURCE} does not offer {need}. Use another provider for it.")
        facts, asked = await self._get(_COMPANY_FACTS, symbol, "statement", facts_of)
        found = await asyncio.to_thread(statement_facts, facts, asked, need, periods)
        if not found and periods.as_of is None:
            raise asked.no_statements()
        return found

    async def asearch_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """Companies whose ticker or name fits, from the SEC's list that is part of finassist."""
        found = directory().search(query, max(limit, 1))
        return [SymbolMatch(symbol=each.symbol, name=each.name, exchange=each.exchange or None) for each in found]

    async def aget_sec_filings(self, symbol: str, form_type: str | None = None, limit: int = 10) -> list[Filing]:
        """The newest filings, newest first; with `form_type` those of this form only."""
        answer, asked = await self._get(_SUBMISSIONS, symbol, "profile", _submissions)
        return parse_filings(answer, asked, form_type, limit)

    async def _get[Answer](
        self, path: str, symbol: str, kind: Kind, read: Callable[[object, Asked], Answer]
    ) -> tuple[Answer, Asked]:
        company = _company(symbol)
        expected = Asked(company, datetime.now(UTC).date())
        checked: list[Answer] = []  # of an answer that comes now; one from the cache was checked before
        payload = await self._transport.get_json(
            path.format(company.cik), {}, kind=kind, check=lambda data: checked.append(read(data, expected))
        )
        asked = Asked(company, payload.fetched_at.date(), payload.cached)
        return checked[-1] if checked else read(payload.data, asked), asked


def _submissions(data: object, asked: Asked) -> Mapping[str, Any]:
    return asked.checked(data)


def _company(symbol: str) -> Company:
    wanted = normalise_symbol(symbol)
    company = directory().lookup(wanted)
    if company is None:
        raise UnknownSymbol(f"{SOURCE} knows no symbol {wanted}. {symbol_hint(wanted)}")
    return company


def _address(contact: str) -> str:
    """The address, which becomes part of a header and of nothing else."""
    if not _CONTACT.fullmatch(contact.strip()):
        raise ConfigurationError(
            f"{SOURCE} wants to know whom to write to. Set FINASSIST_SEC_CONTACT to an e-mail address of yours, or use "
            'provider="embedded".'
        )
    return contact.strip()


register_provider(SECProvider.id, SECProvider)


# -------------------------------------------------------------------------------------------- profile and filings


def profile_facts(answer: Mapping[str, Any], asked: Asked) -> list[Fact]:
    """Texts about the company; what the SEC does not say is missing."""
    texts = {
        "name": text(answer.get("name")),
        "exchange": _exchange(answer, asked.company.symbol) or asked.company.exchange or None,
        "cik": asked.company.cik,
        "sector": None,
        "industry": text(answer.get("sicDescription")),
        "country": None,
        "website": link(answer.get("website")),
        "location": _location(answer),
        "description": text(answer.get("description")),
        "currency": None,
    }
    return [text_fact(replace(asked.blank("profile"), field=field), value) for field, value in texts.items()]


def _exchange(answer: Mapping[str, Any], symbol: str) -> str | None:
    tickers, exchanges = answer.get("tickers"), answer.get("exchanges")
    if not isinstance(tickers, list) or not isinstance(exchanges, list):
        return None
    pairs = zip(cast("list[object]", tickers), cast("list[object]", exchanges), strict=False)
    found = [exchange for ticker, exchange in pairs if ticker == symbol and isinstance(exchange, str)]
    return found[0] if found else None


def _location(answer: Mapping[str, Any]) -> str | None:
    row = inside(answer, "addresses", "business")
    city, state = text(row.get("city")), text(row.get("stateOrCountryDescription")) or text(row.get("stateOrCountry"))
    return ", ".join(part for part in (city.title() if city else None, state) if part) or None


def parse_filings(answer: Mapping[str, Any], asked: Asked, form_type: str | None, limit: int) -> list[Filing]:
    """The newest filings, newest first; with `form_type` those of this form only."""
    if not isinstance(inside(answer, "filings").get("recent"), dict):
        raise asked.bad("an object without filings")
    columns = inside(answer, "filings", "recent")
    wanted = ("accessionNumber", "form", "filingDate", "reportDate", "primaryDocument", "primaryDocDescription")
    lists = [cast("list[object]", column) if isinstance(column := columns.get(name), list) else [] for name in wanted]
    rows: list[dict[str, object]] = [dict(zip(wanted, row, strict=True)) for row in zip(*lists, strict=False)]
    made = [_filing(row, asked) for row in rows if not form_type or row["form"] == form_type]
    return made[: max(limit, 1)]


def _filing(row: Mapping[str, Any], asked: Asked) -> Filing:
    number, document = text(row.get("accessionNumber")), text(row.get("primaryDocument"))
    folder = f"{_ARCHIVE}/{int(asked.company.cik)}/{(number or '').replace('-', '')}"
    return Filing(
        symbol=asked.company.symbol,
        form_type=text(row.get("form")),
        filing_date=text(row.get("filingDate")),
        report_period=text(row.get("reportDate")),
        title=text(row.get("primaryDocDescription")),
        url=f"{folder}/{document}" if number and document else None,
        accession_number=number,
    )
