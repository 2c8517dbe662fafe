"""What to ask Financial Modeling Prep: pure functions from a wish to a `Request`. Nothing here is sent.

>>> request_statement("AAPL", "income", "quarterly", 3).path
'/income-statement'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import get_args

from finassist.config.settings import FmpPlan
from finassist.core.facts import Statement
from finassist.providers.http.cache import Kind

PLANS: tuple[FmpPlan, ...] = get_args(FmpPlan)

MOST_ROWS: Mapping[FmpPlan | None, int] = {None: 5, "free": 5, "starter": 40, "premium": 120, "ultimate": 120}
"""The largest `limit` a plan accepts; more is answered with 402. An unknown plan is taken for a free one."""

_PATHS: Mapping[str, str] = {
    "income": "/income-statement",
    "balance_sheet": "/balance-sheet-statement",
    "cash_flow": "/cash-flow-statement",
}
_PERIODS = {"annual": "annual", "quarterly": "quarter"}
_DAYS = {"1d": 7, "5d": 12, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827}
_FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the API.

    Attributes:
        path: Path below the base URL.
        params: Query parameters, without the key.
        kind: How long the answer stays good.
        words: What is asked for, in words.
        may_be_empty: Whether an empty list is an answer; else it means that there is no such symbol.
    """

    path: str
    params: Mapping[str, str]
    kind: Kind
    words: str
    may_be_empty: bool = False

    @property
    def about(self) -> str:
        """The symbol, or the words of a search."""
        return next(self.params[name] for name in ("symbol", "symbols", "query") if name in self.params)


def request_statement(symbol: str, statement: Statement, period: str, limit: int) -> Request:
    """Statements of one kind, newest first.

    Example:
        >>> request_statement("AAPL", "cash_flow", "ttm", 4).path
        '/cash-flow-statement-ttm'
    """
    words = f"{statement.replace('_', ' ')} statement".replace("sheet statement", "sheet")
    if period == "ttm":
        params = {"symbol": symbol, "limit": "1"}
        return Request(f"{_PATHS[statement]}-ttm", params, "statement", f"{words} of twelve months")
    params = {"symbol": symbol, "period": _PERIODS[period], "limit": str(limit)}
    return Request(_PATHS[statement], params, "statement", words)


def request_quote(symbol: str) -> Request:
    """The newest price."""
    return Request("/quote", {"symbol": symbol}, "quote", "quote")


def request_profile(symbol: str) -> Request:
    """What the company is."""
    return Request("/profile", {"symbol": symbol}, "profile", "company profile")


def request_history(symbol: str, period: str, today: date) -> Request:
    """Daily bars that reach back `period` from `today`.

    Example:
        >>> request_history("AAPL", "ytd", date(2026, 3, 2)).params["from"]
        '2026-01-01'
    """
    first = _FIRST_DAY
    if period == "ytd":
        first = date(today.year, 1, 1)
    elif period in _DAYS:
        first = today - timedelta(_DAYS[period])
    params = {"symbol": symbol, "from": first.isoformat(), "to": today.isoformat()}
    return Request("/historical-price-eod/full", params, "history", "price history")


def request_metrics(symbol: str) -> tuple[Request, Request]:
    """Key metrics and ratios of the past twelve months."""
    params = {"symbol": symbol}
    return (
        Request("/key-metrics-ttm", params, "metrics", "key metrics"),
        Request("/ratios-ttm", params, "metrics", "ratios"),
    )


def request_recommendations(symbol: str) -> tuple[Request, Request]:
    """What analysts advise, and the prices they expect."""
    params = {"symbol": symbol}
    return (
        Request("/grades-consensus", params, "recommendations", "analyst grades"),
        Request("/price-target-consensus", params, "recommendations", "price targets"),
    )


def request_news(symbol: str, limit: int) -> Request:
    """Headlines about one company, newest first."""
    return Request("/news/stock", {"symbols": symbol, "limit": str(limit)}, "news", "news", True)


def request_search(query: str, limit: int) -> tuple[Request, Request]:
    """Companies by ticker and by name."""
    params = {"query": query, "limit": str(limit)}
    return (
        Request("/search-symbol", params, "search", "search by ticker", True),
        Request("/search-name", params, "search", "search by name", True),
    )
