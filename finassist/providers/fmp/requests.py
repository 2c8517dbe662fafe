"""What to ask Financial Modeling Prep, and the client that asks it.

>>> request_statement("AAPL", "income", "quarterly", 3).path
'/income-statement'
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import get_args

from finassist.config.settings import FmpPlan
from finassist.core.errors import DataError, PlanError
from finassist.core.facts import Statement
from finassist.providers.fmp.rows import Asked, objects_of, rows_of
from finassist.providers.http.cache import Kind
from finassist.providers.http.transport import Transport

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

type Answer = tuple[object, Asked]


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

    def asked(self, day: date, *, cached: bool = False) -> Asked:
        """What is known about an answer of this day."""
        about = next(self.params[name] for name in ("symbol", "symbols", "query") if name in self.params)
        return Asked(about, self.words, day, cached)


_SIMPLE: Mapping[str, tuple[tuple[str, Kind, str], ...]] = {
    "quote": (("/quote", "quote", "quote"),),
    "profile": (("/profile", "profile", "company profile"),),
    "metrics": (("/key-metrics-ttm", "metrics", "key metrics"), ("/ratios-ttm", "metrics", "ratios")),
    "recommendations": (
        ("/grades-consensus", "recommendations", "analyst grades"),
        ("/price-target-consensus", "recommendations", "price targets"),
    ),
}


def requests_for(topic: str, symbol: str) -> list[Request]:
    """What is asked by the symbol alone: a `"quote"`, `"profile"`, `"metrics"` or `"recommendations"`.

    Example:
        >>> [request.path for request in requests_for("metrics", "AAPL")]
        ['/key-metrics-ttm', '/ratios-ttm']
    """
    return [Request(path, {"symbol": symbol}, kind, words) for path, kind, words in _SIMPLE[topic]]


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


def request_news(symbol: str, limit: int) -> Request:
    """Headlines about one company, newest first."""
    return Request("/news/stock", {"symbols": symbol, "limit": str(limit)}, "news", "news", may_be_empty=True)


def request_search(query: str, limit: int) -> list[Request]:
    """Companies by ticker and by name."""
    params, kinds = {"query": query, "limit": str(limit)}, {"symbol": "ticker", "name": "name"}
    return [Request(f"/search-{by}", params, "search", f"search by {words}", True) for by, words in kinds.items()]


@dataclass(frozen=True, slots=True)
class Client:
    """Asks the API; an answer is the decoded data and what is known about it.

    Attributes:
        transport: Sends requests and reads answers.
        plan: The plan subscribed to; `None` if it is not known.
    """

    transport: Transport
    plan: FmpPlan | None

    async def get(self, request: Request) -> Answer:
        """The answer to one request."""
        today = request.asked(datetime.now(UTC).date())
        accept = objects_of if request.may_be_empty else rows_of
        try:
            payload = await self.transport.get_json(
                request.path, request.params, kind=request.kind, check=lambda data: accept(data, today)
            )
        except PlanError as error:
            plan = f"your {self.plan} plan" if self.plan else "your plan"
            raise PlanError(str(error).replace("your plan", plan)) from error
        return payload.data, request.asked(payload.fetched_at.date(), cached=payload.cached)

    async def get_all(self, requests: Iterable[Request]) -> tuple[list[Answer], list[str]]:
        """The answers that came, in order, and why others did not; if none came, the first failure is raised."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._answer_or_error(request)) for request in requests]
        found = [task.result() for task in tasks]
        failed = [outcome for outcome in found if isinstance(outcome, DataError)]
        answers = [outcome for outcome in found if not isinstance(outcome, DataError)]
        if not answers:
            raise failed[0]
        return answers, [str(error) for error in failed]

    async def _answer_or_error(self, request: Request) -> Answer | DataError:
        try:
            return await self.get(request)
        except DataError as error:
            return error
