"""The embedded provider: real annual figures and dated prices, with no key and no network.

    >>> from finassist.providers.embedded.provider import EmbeddedProvider
    >>> [statement] = EmbeddedProvider().get_financials("AAPL", limit=1)
    >>> statement.fiscal_period, statement.report_period, statement.items["revenue"]
    ('FY2025', '2025-09-27', 416161000000)

Importing this module registers the provider with Agno as `"embedded"`, so that
`FinanceTools(provider="embedded")` finds it. Every answer is a new object; its facts cannot change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import groupby
from typing import Any

from agno.tools.finance import FinancialStatement, ProviderStatus, SymbolMatch, register_provider
from msgspec.structs import replace

from finassist.analysis.metrics import derive
from finassist.analysis.points import Member
from finassist.core.errors import DataError, NotEmbedded, UnknownSymbol
from finassist.core.facts import Fact, FactBook
from finassist.providers.base import Need, Periods, UniverseScope
from finassist.providers.embedded import data, provenance, tables
from finassist.providers.embedded.members import attributes
from finassist.providers.to_agno import (
    FactProvider,
    SourcedHistory,
    SourcedMetrics,
    SourcedQuote,
    SourcedStatement,
    distinct,
    plain,
)
from finassist.providers.values import symbol_hint
from finassist.symbols.company import normalise_symbol
from finassist.symbols.directory import directory

LIVE = 'For live data set FMP_API_KEY and use provider="fmp".'
PROFILE_SOURCE = "SEC list of companies and tickers"
_NOT_IN_PROFILE = ("sector", "industry", "country", "website", "employees", "description")

# Agno's name: ours.
_METRICS = {
    **{name: name for name in (
        "market_cap", "pe_ratio", "price_to_sales", "dividend_yield", "gross_margin", "operating_margin", "net_margin",
        "return_on_equity", "return_on_assets", "revenue_growth", "debt_to_equity", "current_ratio", "free_cash_flow",
        "revenue",
    )},
    "eps": "eps_diluted",
    "earnings_growth": "net_income_growth",
}  # fmt: skip


def _direct[**P, Result](method: Callable[P, Coroutine[Any, Any, Result]]) -> Callable[P, Result]:
    """The sync form of an async method that never waits: no thread and no loop."""

    def run(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            method(*args, **kwargs).send(None)
        except StopIteration as end:
            return end.value
        raise RuntimeError(f"{method.__name__} of the embedded data waited for something. Await it.")

    run.__name__, run.__doc__ = method.__name__.removeprefix("a"), f"The sync form of `{method.__name__}`."
    return run


class EmbeddedProvider(FactProvider):
    """Annual statements of 37 US companies, dated prices, and a directory of US tickers.

    Nothing here waits: the sync methods need neither a thread nor a loop.

    Raises (every method that takes a symbol):
        InvalidSymbol: The text cannot be a ticker.
        UnknownSymbol: No US ticker has this name.
        NotEmbedded: The ticker exists; its figures are not part of the embedded set.
        NotOffered: The set has no such kind of figure (quarters, intraday prices).
    """

    id = "embedded"
    name = "finassist embedded data"
    capabilities = frozenset({
        "search_symbols", "get_quote", "get_price_history", "get_company_profile", "get_key_metrics", "get_financials",
    })  # fmt: skip

    def status(self) -> ProviderStatus:
        """Always usable: there is nothing to reach."""
        return ProviderStatus(ok=True, detail=f"{len(data.symbols())} companies, no key, no network")

    async def fetch_periods(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """The embedded facts of one need; of prices the newest there are."""
        match need:
            case "profile":
                return _profile(_need_symbol(symbol))
            case "quote":
                return _quote(_need_prices(symbol))
            case "history":
                return _history(_need_prices(symbol), periods)
            case _:
                mine = [fact for fact in _need_annual(symbol).facts if fact.statement == need]
                years = [list(facts) for _, facts in groupby(mine, key=lambda fact: fact.period)]
                return [fact for facts in years[: max(periods.limit, 1)] for fact in facts]

    # ---------------------------------------------------------------------------------------- queries

    def members(self) -> Mapping[str, Member]:
        """The covered companies with sector and industry."""
        return attributes()

    async def fetch_figures(self, symbol: str) -> list[Fact]:
        """Every annual and quarterly figure of a company."""
        found = tables.facts_of(normalise_symbol(symbol))
        if not found:
            raise _not_there(normalise_symbol(symbol))
        return [*found]

    async def fetch_closes(self, symbol: str) -> list[Fact]:
        """Closes, month ends adjusted for dividends, and shares outstanding."""
        found = tables.closes(symbol)
        if not found:
            raise _not_there(normalise_symbol(symbol))
        shares = tables.cover_shares(symbol)
        return [*found, *tables.adjusted_closes(symbol), *([shares] if shares else [])]

    async def fetch_universe(self, scope: UniverseScope) -> list[Fact]:
        """Some lines of every company, and its closes on some days; made in a thread, as it takes a while."""
        return await asyncio.to_thread(tables.universe, scope.lines, scope.since, scope.days)

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
        """Closes up to the last embedded one: month ends, or weekly adjusted closes of 2018 to 2022.

        Daily closes are not embedded. When they are asked for, month ends are served; `interval` and `notes` say so.
        """
        found = await super().aget_price_history(symbol, period, interval)
        found.interval = "1wk" if found.facts[0].field == "adjusted_close" else "1mo"
        found.notes.append(f"embedded closes end on {found.bars[-1].date}")
        if interval != found.interval:
            found.notes.insert(0, f"bars of {interval} are not embedded; these are bars of {found.interval}")
        return found

    async def aget_key_metrics(self, symbol: str) -> SourcedMetrics:
        """The newest value of each metric, computed from the embedded figures, with formula and period.

        Example:
            >>> EmbeddedProvider().get_key_metrics("AAPL").formulas["net_margin"]
            'net_income / revenue (FY2025)'
        """
        annual = _need_annual(symbol)
        book = FactBook((*annual.facts, *data.quote(annual.symbol)))
        book = book.joined(derive(book, annual.symbol))
        found = {name: fact for name, ours in _METRICS.items() if (fact := book.latest(annual.symbol, ours))}
        days = [fact.as_of for fact in found.values() if fact.as_of]
        return SourcedMetrics(
            symbol=annual.symbol,
            currency="USD",
            as_of=max(days).isoformat() if days else None,
            source="computed from: " + "; ".join(_sources(found.values(), book)),
            formulas={name: f"{fact.formula or 'as reported'} ({fact.period})" for name, fact in found.items()},
            notes=distinct(fact.note for fact in found.values()),
            **{name: plain(fact) for name, fact in found.items()},
        ).with_facts(found.values())

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """The newest `limit` annual statements, newest first; each is a `SourcedStatement`."""
        found = await super().aget_financials(symbol, statement, period, limit)
        for each in found:
            if isinstance(each, SourcedStatement) and (note := provenance.COMPANY_NOTES.get(each.symbol)):
                each.notes.insert(0, note)
        return found

    def verification(self, fact: Fact) -> str | None:
        """How an embedded annual figure was checked, in words.

        Example:
            >>> provider = EmbeddedProvider()
            >>> [statement] = provider.get_financials("AAPL", limit=1)
            >>> provider.verification(statement.facts[0]).split(";")[0]
            'tagged by the filer'
        """
        found = data.annual(fact.symbol)
        return found.checks.get(fact.key) if found else None

    search_symbols = _direct(asearch_symbols)
    get_quote = _direct(aget_quote)
    get_price_history = _direct(aget_price_history)
    get_company_profile = _direct(FactProvider.aget_company_profile)
    get_key_metrics = _direct(aget_key_metrics)
    get_financials = _direct(aget_financials)


# --------------------------------------------------------------------------------------------------- facts


def _profile(symbol: str) -> list[Fact]:
    """Name, exchange and SEC number; a sector or a description is not embedded."""
    company, annual = directory().lookup(symbol), data.annual(symbol)
    texts = {
        "name": company.name if company else annual.name if annual else None,
        "exchange": company.exchange if company else None,
        "cik": company.cik if company else annual.cik if annual else None,
        "currency": "USD",
    }
    blank = Fact(symbol=symbol, field="", source=PROFILE_SOURCE, statement="profile")
    note = provenance.COMPANY_NOTES.get(symbol)
    known = [replace(blank, field=field, text=text, note=note) for field, text in texts.items() if text]
    absent = replace(blank, source=data.SOURCE, status="missing", note=provenance.NOT_REPORTED)
    return [*known, *(replace(absent, field=field) for field in _NOT_IN_PROFILE)]


def _quote(symbol: str) -> list[Fact]:
    if facts := data.quote(symbol):
        return [*facts]
    raise NotEmbedded(
        f"{symbol} has weekly closes of 2018 to 2022 in the embedded set, but no quote. "
        f"Ask for its price history with interval '1wk'. {LIVE}"
    )


def _history(symbol: str, periods: Periods) -> list[Fact]:
    weekly, monthly = data.series(symbol, "1wk"), data.series(symbol, "1mo")
    if found := (weekly or monthly) if periods.interval == "1wk" else monthly:
        return data.last(found, periods.span)
    instead = "Weekly adjusted closes of 2018 to 2022 are there: ask with interval='1wk'." if weekly else LIVE
    raise NotEmbedded(f"{symbol} has no month-end closes in the embedded set. {instead}")


def _sources(facts: Iterable[Fact], book: FactBook) -> list[str]:
    """Where the figures come from that these facts rest on, followed down to what was reported."""
    by_key: dict[str, Fact] = {fact.key: fact for fact in book}
    words: list[str] = []
    waiting, seen = list(facts), set[str]()
    for fact in waiting:
        if fact.key in seen:
            continue
        seen.add(fact.key)
        waiting.extend(by_key[key] for key in fact.inputs if key in by_key)
        if not fact.inputs:
            words.append(fact.source)
    return sorted(distinct(words))


# ------------------------------------------------------------------------------------------------ coverage


def _need_symbol(text: str) -> str:
    """The ticker, when anything at all is embedded for it."""
    symbol = normalise_symbol(text)
    if symbol in data.symbols() or symbol in data.priced_symbols():
        return symbol
    raise _not_there(symbol)


def _need_annual(text: str) -> data.Annual:
    """The annual figures of a company."""
    symbol = _need_symbol(text)
    found = data.annual(symbol)
    if found is None:
        other = _other_class(symbol)
        hint = f"Its statements are under {other}." if other else f"{_companies()} {LIVE}"
        raise NotEmbedded(f"{_named(symbol)} has prices in the embedded set, but no statements. {hint}")
    return found


def _need_prices(text: str) -> str:
    """The ticker, when prices are embedded for it."""
    symbol = _need_symbol(text)
    if symbol not in data.priced_symbols():
        raise NotEmbedded(f"{_named(symbol)} has statements in the embedded set, but no prices. {LIVE}")
    return symbol


def _not_there(symbol: str) -> DataError:
    if directory().lookup(symbol) is not None:
        return NotEmbedded(f"{_named(symbol)} is not in the embedded set. {_companies()} {LIVE}")
    return UnknownSymbol(f"No US ticker is called {symbol}. {symbol_hint(symbol)}")


def _companies() -> str:
    return f"Embedded are: {', '.join(data.symbols())}."


def _named(symbol: str) -> str:
    company = directory().lookup(symbol)
    return f"{symbol} ({company.name})" if company else symbol


def _other_class(symbol: str) -> str | None:
    """The ticker of another share class of the same company that has statements."""
    company = directory().lookup(symbol)
    lookups = [directory().lookup(other) for other in data.symbols()]
    return next((c.symbol for c in lookups if company and c and c.cik == company.cik), None)


register_provider("embedded", EmbeddedProvider)
