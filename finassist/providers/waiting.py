"""The sync form of a provider's async methods: hand the work to the private loop and wait for it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from agno.tools.finance import (
    AnalystRecommendations,
    CompanyProfile,
    EarningsReport,
    Filing,
    FinanceProvider,
    FinancialStatement,
    InsiderTrade,
    KeyMetrics,
    NewsItem,
    PriceHistory,
    Quote,
    SymbolMatch,
)

from finassist.core.errors import BridgeError
from finassist.core.portal import Ended, bridge

_POLL_SECONDS = 0.5


def wait_for[Result](work: Callable[[], Coroutine[Any, Any, Result]], name: str) -> Result:
    """Run `work()` on the private loop and return its result; an interrupt cancels it.

    Works on any thread, also on one whose own event loop is running, which then stands still meanwhile.

    Args:
        work: Makes the coroutine.
        name: Name of the sync method, for the error.

    Raises:
        BridgeError: Called on the private loop, which would wait for itself.

    Example:
        >>> async def answer() -> int:
        ...     return 42
        >>> wait_for(answer, "answer")
        42
    """
    try:
        with bridge.start(lambda post: work()) as inbox:
            while not isinstance(found := inbox.receive(_POLL_SECONDS), Ended):
                pass
            return found.result()
    except BridgeError as error:
        raise BridgeError(
            f"{name}() was called on the private data loop and would wait for itself. Use `await a{name}(...)` there."
        ) from error


class WaitingProvider(FinanceProvider):
    """A provider whose async methods are the real ones: each sync method waits for its async form."""

    def _waited[Result](self, name: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        if not self.supports(name):
            raise self._not_supported(name)
        return wait_for(work, name)

    def search_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """`asearch_symbols`, waited for."""
        return self._waited("search_symbols", lambda: self.asearch_symbols(query, limit))

    def get_quote(self, symbol: str) -> Quote:
        """`aget_quote`, waited for."""
        return self._waited("get_quote", lambda: self.aget_quote(symbol))

    def get_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> PriceHistory:
        """`aget_price_history`, waited for."""
        return self._waited("get_price_history", lambda: self.aget_price_history(symbol, period, interval))

    def get_company_profile(self, symbol: str) -> CompanyProfile:
        """`aget_company_profile`, waited for."""
        return self._waited("get_company_profile", lambda: self.aget_company_profile(symbol))

    def get_key_metrics(self, symbol: str) -> KeyMetrics:
        """`aget_key_metrics`, waited for."""
        return self._waited("get_key_metrics", lambda: self.aget_key_metrics(symbol))

    def get_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """`aget_financials`, waited for."""
        return self._waited("get_financials", lambda: self.aget_financials(symbol, statement, period, limit))

    def get_news(self, symbol: str, limit: int = 10) -> list[NewsItem]:
        """`aget_news`, waited for."""
        return self._waited("get_news", lambda: self.aget_news(symbol, limit))

    def get_analyst_recommendations(self, symbol: str) -> AnalystRecommendations:
        """`aget_analyst_recommendations`, waited for."""
        return self._waited("get_analyst_recommendations", lambda: self.aget_analyst_recommendations(symbol))

    def get_insider_trades(self, symbol: str, limit: int = 20) -> list[InsiderTrade]:
        """`aget_insider_trades`, waited for."""
        return self._waited("get_insider_trades", lambda: self.aget_insider_trades(symbol, limit))

    def get_earnings(self, symbol: str, limit: int = 8) -> list[EarningsReport]:
        """`aget_earnings`, waited for."""
        return self._waited("get_earnings", lambda: self.aget_earnings(symbol, limit))

    def get_sec_filings(self, symbol: str, form_type: str | None = None, limit: int = 10) -> list[Filing]:
        """`aget_sec_filings`, waited for."""
        return self._waited("get_sec_filings", lambda: self.aget_sec_filings(symbol, form_type, limit))
