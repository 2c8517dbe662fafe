"""The embedded provider: real annual figures and dated prices, with no key and no network.

    >>> from finassist.providers.embedded.provider import EmbeddedProvider
    >>> [statement] = EmbeddedProvider().get_financials("AAPL", limit=1)
    >>> statement.fiscal_period, statement.report_period, statement.items["revenue"]
    ('FY2025', '2025-09-27', 416161000000)

Importing this module registers the provider with Agno as `"embedded"`, so that
`FinanceTools(provider="embedded")` finds it. Every answer is a new object; its facts cannot change.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from agno.tools.finance import (
    FinanceProvider,
    FinancialStatement,
    ProviderStatus,
    SymbolMatch,
    register_provider,
)
from agno.tools.finance.base import INTERVALS, PERIODS

from finassist.core.errors import NotEmbedded, NotOffered
from finassist.core.facts import Fact
from finassist.providers.embedded import agno_answers as answers
from finassist.providers.embedded import figures, prices
from finassist.providers.embedded.coverage import LIVE, need_annual, need_prices, need_symbol
from finassist.providers.embedded.key_metrics import key_metrics
from finassist.providers.sourced import SourcedHistory, SourcedMetrics, SourcedProfile, SourcedQuote
from finassist.symbols.directory import directory

_CAPABILITIES = frozenset(
    {
        "search_symbols",
        "get_quote",
        "get_price_history",
        "get_company_profile",
        "get_key_metrics",
        "get_financials",
    }
)


class EmbeddedProvider(FinanceProvider):
    """Annual statements of 37 US companies, dated prices, and a directory of US tickers.

    The async form of each method is native: nothing here waits, so nothing needs a thread.

    Raises (every method that takes a symbol):
        InvalidSymbol: The text cannot be a ticker.
        UnknownSymbol: No US ticker has this name.
        NotEmbedded: The ticker exists; its figures are not part of the embedded set.
        NotOffered: The set has no such kind of figure (quarters, intraday prices).
    """

    id = "embedded"
    name = "finassist embedded data"
    capabilities = _CAPABILITIES

    def status(self) -> ProviderStatus:
        """Always usable: there is nothing to reach."""
        return ProviderStatus(ok=True, detail=f"{len(figures.symbols())} companies, no key, no network")

    async def astatus(self) -> ProviderStatus:
        """The same as `status`."""
        return self.status()

    def search_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """Companies whose ticker or name fits, from all US tickers; most have no embedded figures."""
        found = directory().search(query, limit)
        return [SymbolMatch(symbol=c.symbol, name=c.name, exchange=c.exchange or None) for c in found]

    async def asearch_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """The same as `search_symbols`."""
        return self.search_symbols(query, limit)

    def get_quote(self, symbol: str) -> SourcedQuote:
        """The newest embedded close with its day; change and percent are computed from it."""
        symbol = need_prices(symbol)
        facts = prices.quote(symbol)
        if not facts:
            raise NotEmbedded(
                f"{symbol} has weekly closes of 2018 to 2022 in the embedded set, but no quote. "
                f"Ask for its price history with interval '1wk'. {LIVE}"
            )
        return answers.quote(symbol, facts)

    async def aget_quote(self, symbol: str) -> SourcedQuote:
        """The same as `get_quote`."""
        return self.get_quote(symbol)

    def get_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> SourcedHistory:
        """Closes up to the last embedded one: month ends, or weekly adjusted closes of 2018 to 2022.

        Daily closes are not embedded. When they are asked for, month ends are served; `interval` and `notes`
        say so.
        """
        _one_of("period", period, PERIODS)
        _one_of("interval", interval, INTERVALS)
        symbol = need_prices(symbol)
        found = prices.series(symbol, interval)
        if found is None and interval == "1wk":
            found = prices.series(symbol, "1mo")
        if found is None:
            raise NotEmbedded(f"{symbol} has no month-end closes in the embedded set. {_instead(symbol)}")
        return answers.history(symbol, period, interval, found.last(period))

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> SourcedHistory:
        """The same as `get_price_history`."""
        return self.get_price_history(symbol, period, interval)

    def get_company_profile(self, symbol: str) -> SourcedProfile:
        """Name, exchange and SEC number; a sector or a description is not embedded."""
        return answers.profile(need_symbol(symbol))

    async def aget_company_profile(self, symbol: str) -> SourcedProfile:
        """The same as `get_company_profile`."""
        return self.get_company_profile(symbol)

    def get_key_metrics(self, symbol: str) -> SourcedMetrics:
        """Ratios and multiples computed from the embedded figures, each with its formula and year."""
        return key_metrics(need_annual(symbol))

    async def aget_key_metrics(self, symbol: str) -> SourcedMetrics:
        """The same as `get_key_metrics`."""
        return self.get_key_metrics(symbol)

    def get_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """The newest `limit` annual statements, newest first; each is a `SourcedStatement`."""
        _one_of("statement", statement, figures.STATEMENTS)
        if period != "annual":
            raise NotOffered(
                f"The embedded set has annual statements, no {period!r} ones. Ask with period='annual'. {LIVE}"
            )
        found = need_annual(symbol)
        mine = [fact for fact in found.facts if fact.statement == statement]
        years = [list(facts) for _, facts in groupby(mine, key=lambda fact: fact.period)]
        return [answers.statement(found.symbol, facts) for facts in years[: max(limit, 1)]]

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """The same as `get_financials`."""
        return self.get_financials(symbol, statement, period, limit)

    def verification(self, fact: Fact) -> str | None:
        """How an embedded annual figure was checked, in words.

        Example:
            >>> provider = EmbeddedProvider()
            >>> [statement] = provider.get_financials("AAPL", limit=1)
            >>> provider.verification(statement.facts[0]).split(";")[0]
            'tagged by the filer'
        """
        found = figures.annual(fact.symbol)
        return found.checks.get(fact.key) if found else None


def _one_of(name: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise NotOffered(f"{name} {value!r} does not exist. Use one of: {', '.join(allowed)}.")


def _instead(symbol: str) -> str:
    if prices.series(symbol, "1wk"):
        return "Weekly adjusted closes of 2018 to 2022 are there: ask with interval='1wk'."
    return LIVE


register_provider("embedded", EmbeddedProvider)
