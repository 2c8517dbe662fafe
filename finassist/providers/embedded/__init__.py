"""The embedded provider: real figures of the S&P 500 and dated prices, with no key and no network.

    >>> from finassist.providers.embedded import EmbeddedProvider
    >>> [statement] = EmbeddedProvider().get_financials("AAPL", limit=1)
    >>> statement.fiscal_period, statement.report_period, statement.items["revenue"]
    ('FY2025', '2025-09-27', 416161000000)

Importing this module registers the provider with Agno as `"embedded"`, so that
`FinanceTools(provider="embedded")` finds it. Every answer is a new object; its facts cannot change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import date
from typing import Any

from agno.tools.finance import ProviderStatus, SymbolMatch, register_provider
from msgspec.structs import replace

from finassist.analysis.calendar import Member
from finassist.analysis.ratios import derive
from finassist.core.errors import DataError, NotEmbedded, NotOffered, UnknownSymbol
from finassist.core.facts import FIELDS, Fact, FactBook
from finassist.providers.base import Need, Periods, UniverseScope
from finassist.providers.embedded import figures, prices, tables
from finassist.providers.embedded.coverage import Universe, attributes, universe
from finassist.providers.to_agno import (
    FactProvider,
    SourcedHistory,
    SourcedMetrics,
    SourcedQuote,
    distinct,
    plain,
)
from finassist.providers.values import of_newest, symbol_hint
from finassist.symbols import directory
from finassist.symbols.company import normalise_symbol

LIVE = (
    'Its filings, without a key: set FINASSIST_SEC_CONTACT and use provider="sec".\n'
    'Its prices, without a key: install yfinance and use provider="yfinance".'
)
PROFILE_SOURCE = "SEC list of companies; sectors by GICS"
_NOT_IN_PROFILE = ("country", "website", "employees", "description")

# Agno's name: ours.
_METRICS = {
    **{name: name for name in (
        "market_cap", "pe_ratio", "price_to_sales", "dividend_yield", "gross_margin", "operating_margin", "net_margin",
        "revenue_growth", "debt_to_equity", "current_ratio", "free_cash_flow",
        "revenue",
    )},
    "eps": "eps_diluted",
    "return_on_equity": "roe",
    "return_on_assets": "roa",
    "earnings_growth": "net_income_growth",
}  # fmt: skip


async def _loaded() -> None:
    """Open the files in a thread where no one has yet, so that no loop waits for it."""
    if not tables.loaded():
        await asyncio.to_thread(tables.load)


class EmbeddedProvider(FactProvider):
    """Statements of the S&P 500 from FY2014, closes from 2015, and a directory of US tickers.

    Nothing here waits after the first call, which opens the files; the sync methods need neither a thread nor a loop.

    Raises (every method that takes a symbol):
        InvalidSymbol: The text cannot be a ticker.
        UnknownSymbol: No US ticker has this name.
        NotEmbedded: The ticker exists; its figures are not part of the embedded set.
        NotOffered: The set has no such kind of figure (intraday prices).
        DataError: An embedded file is damaged.

    Example:
        >>> quote = EmbeddedProvider().get_quote("AAPL")
        >>> quote.symbol, quote.price, quote.currency
        ('AAPL', 309.35, 'USD')
    """

    id = "embedded"
    name = "finassist embedded data"
    capabilities = frozenset({
        "search_symbols", "get_quote", "get_price_history", "get_company_profile", "get_key_metrics", "get_financials",
    })  # fmt: skip
    _frequencies = ("annual", "quarterly")

    def status(self) -> ProviderStatus:
        """Always usable: there is nothing to reach."""
        return ProviderStatus(ok=True, detail="the S&P 500 and a few more companies, no key, no network")

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """The embedded facts of one need; of prices the newest there are."""
        await _loaded()
        match need:
            case "profile":
                return _profile(_need_symbol(symbol))
            case "quote":
                return [*prices.quote(_need_prices(symbol))]
            case "history":
                return prices.last(prices.series(_need_prices(symbol), periods.interval), periods.span)
            case _:
                found = _quarters(symbol) if periods.frequency == "quarterly" else figures.annual(_need_annual(symbol))
                return of_newest((fact for fact in found if fact.statement == need), periods.limit)

    # ---------------------------------------------------------------------------------------- queries

    def members(self) -> Mapping[str, Member]:
        """The covered companies with sector and industry."""
        return attributes()

    def universe(self) -> Universe:
        """Every embedded company with sector, market value and periods; `.to_frame()` makes a frame of it."""
        return universe()

    def to_frame(self, table: str = "annual") -> Any:
        """A whole embedded table as a pandas frame, with quality marks and first-reported values.

        Args:
            table: `"annual"` or `"quarterly"`, indexed by symbol, field, year and period; or `"companies"`, `"splits"`,
                `"dividends"`, `"index"`, `"rates"`, `"prices_monthly"`, `"prices_daily"` as they are.
        """
        if table not in tables.TABLES:
            raise NotOffered(f"There is no embedded table {table!r:.30}. Use one of: {', '.join(tables.TABLES)}.")
        frame = tables.table(table).to_pandas()
        keys = ["symbol", "field", "fiscal_year", "fiscal_period"]
        return frame.set_index(keys) if table in ("annual", "quarterly") else frame

    async def fetch_figures(self, symbol: str) -> list[Fact]:
        """Every annual and quarterly figure of a company."""
        await _loaded()
        found = figures.facts_of(normalise_symbol(symbol))
        if not found:
            raise _not_there(normalise_symbol(symbol))
        return [*found]

    async def fetch_closes(self, symbol: str) -> list[Fact]:
        """Closes, month ends adjusted for dividends, and shares outstanding."""
        await _loaded()
        found = prices.closes(symbol)
        if not found:
            raise _not_there(normalise_symbol(symbol))
        shares = prices.cover_shares(symbol)
        return [*found, *prices.adjusted_closes(symbol), *([shares] if shares else [])]

    def universe_facts(self, scope: UniverseScope) -> list[Fact]:
        """Some lines of every company, and its closes on some days."""
        return prices.universe(scope)

    async def fetch_universe(self, scope: UniverseScope) -> list[Fact]:
        """`universe_facts` in a thread, as it takes a while."""
        return await asyncio.to_thread(self.universe_facts, scope)

    async def asearch_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """Companies whose ticker or name fits, from all US tickers; most have no embedded figures."""
        found = directory().search(query, limit)
        return [SymbolMatch(symbol=c.symbol, name=c.name, exchange=c.exchange or None) for c in found]

    async def aget_quote(self, symbol: str) -> SourcedQuote:
        """The newest embedded close with its day; change and percent are computed from it."""
        found = await super().aget_quote(symbol)
        found.notes.insert(0, f"closing price of {found.as_of}, embedded, not live")
        return found

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> SourcedHistory:
        """Closes up to the last embedded one: of trading days and weeks from July 2021, of months from 2015."""
        found = await super().aget_price_history(symbol, period, interval)
        found.notes.append(f"embedded closes end on {found.bars[-1].date}")
        return found

    async def aget_key_metrics(self, symbol: str) -> SourcedMetrics:
        """The newest value of each metric, computed from the embedded figures, with formula and period.

        Example:
            >>> EmbeddedProvider().get_key_metrics("AAPL").formulas["net_margin"]
            'net_income / revenue (FY2025)'
        """
        await _loaded()
        symbol = _need_annual(symbol)
        book = FactBook((*figures.annual(symbol), *prices.quote(symbol)))
        book = book.joined(derive(book, symbol))
        found = {name: fact for name, ours in _METRICS.items() if (fact := book.latest(symbol, ours))}
        days = [fact.as_of for fact in found.values() if fact.as_of]
        parts = {part for fact in found.values() for part in fact.source.removeprefix("computed from ").split("; ")}
        return SourcedMetrics(
            symbol=symbol,
            currency="USD",
            as_of=max(days).isoformat() if days else None,
            source="computed from: " + "; ".join(sorted(parts)),
            formulas={name: f"{fact.formula or 'as reported'} ({fact.period})" for name, fact in found.items()},
            notes=distinct(fact.note for fact in found.values()),
            **{name: plain(fact) for name, fact in found.items()},
        ).with_facts(found.values())

    def verification(self, fact: Fact) -> str | None:
        """How an embedded figure was checked, in words.

        Example:
            >>> provider = EmbeddedProvider()
            >>> [statement] = provider.get_financials("AAPL", limit=1)
            >>> provider.verification(statement.facts[0])
            'checked by hand against the filing or other services'
        """
        return figures.checks(fact.symbol).get(fact.key)


def _direct[**P, Result](method: Callable[P, Coroutine[Any, Any, Result]]) -> Callable[P, Result]:
    """The sync form of an async method that never waits once the files are open: no thread and no loop.

    A subclass may override the async method and call this one in it.
    """

    def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        tables.load()
        try:
            method(*args, **kwargs).send(None)
        except StopIteration as end:
            return end.value
        raise RuntimeError(f"{method.__name__} of the embedded data waited for something. Await it.")

    run.__name__, run.__doc__ = method.__name__.removeprefix("a"), f"The sync form of `{method.__name__}`."
    return run


for _capability in EmbeddedProvider.capabilities:
    setattr(EmbeddedProvider, _capability, _direct(getattr(EmbeddedProvider, f"a{_capability}")))


# --------------------------------------------------------------------------------------------------- facts


def _profile(symbol: str) -> list[Fact]:
    """Name, exchange, SEC number, sector and seat; a description is not embedded."""
    record = tables.companies()[symbol]
    listed = directory().lookup(symbol) or record
    texts = {
        "name": listed.name,
        "exchange": listed.exchange,
        "cik": listed.cik,
        "sector": record.sector,
        "industry": record.sub_industry,
        "location": record.headquarters,
        "currency": "USD",
    }
    blank = Fact(symbol=symbol, field="", source=PROFILE_SOURCE, statement="profile")
    known = [replace(blank, field=field, text=text) for field, text in texts.items() if text]
    absent = replace(blank, source=figures.SOURCE, status="missing", note=figures.NOT_EMBEDDED)
    names = [name for name in ("sector", "industry") if not texts[name]]
    return [*known, *(replace(absent, field=field) for field in (*names, *_NOT_IN_PROFILE))]


def _quarters(symbol: str) -> list[Fact]:
    """The quarterly figures of a company, newest quarter first, in display order within a quarter."""
    place = {name: number for number, name in enumerate(FIELDS)}
    own = [fact for fact in figures.facts_of(_need_annual(symbol)) if not fact.period.startswith("FY")]
    return sorted(own, key=lambda fact: (-(fact.period_end or date.min).toordinal(), place.get(fact.field, 0)))


# ------------------------------------------------------------------------------------------------ coverage


def _need_symbol(text: str) -> str:
    """The ticker, when anything at all is embedded for it."""
    symbol = normalise_symbol(text)
    if symbol in tables.companies():
        return symbol
    raise _not_there(symbol)


def _need_annual(text: str) -> str:
    """The ticker, when annual figures are embedded for it."""
    symbol = _need_symbol(text)
    if not figures.annual(symbol):
        raise NotEmbedded(f"{_named(symbol)} has no statements in the embedded set.\n{LIVE}")
    return symbol


def _need_prices(text: str) -> str:
    """The ticker, when prices are embedded for it."""
    symbol = _need_symbol(text)
    if symbol not in tables.symbols("prices_monthly"):
        primary = tables.companies()[symbol].primary
        hint = f"Prices of its other share class are under {primary}." if primary != symbol else LIVE
        raise NotEmbedded(f"{_named(symbol)} has no prices in the embedded set.\n{hint}")
    return symbol


def _not_there(symbol: str) -> DataError:
    if directory().lookup(symbol) is not None:
        count = len(tables.symbols())
        return NotEmbedded(
            f"{_named(symbol)} is not in the embedded set, which holds {count} companies: the S&P 500 and a few more.\n"
            f"{LIVE}"
        )
    return UnknownSymbol(f"No US ticker is called {symbol}. {symbol_hint(symbol)}")


def _named(symbol: str) -> str:
    company = directory().lookup(symbol)
    return f"{symbol} ({company.name})" if company else symbol


register_provider("embedded", EmbeddedProvider)
