"""The provider of live data: Financial Modeling Prep's `stable` API.

Importing this module registers it with Agno as `"fmp"`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Unpack, get_args

from agno.tools.finance import NewsItem, ProviderStatus, SymbolMatch, register_provider
from agno.tools.finance.base import STATEMENT_PERIODS
from pydantic import SecretStr

from finassist.config.settings import FmpPlan, Settings
from finassist.core.errors import ConfigurationError, DataError, PlanError
from finassist.core.facts import Fact, Statement
from finassist.providers.base import SPAN_DAYS, Need, Periods
from finassist.providers.fmp.parse import (
    ADJUSTED,
    history_facts,
    parse_metrics,
    parse_news,
    parse_recommendations,
    parse_search,
    profile_facts,
    quote_facts,
)
from finassist.providers.fmp.rows import SOURCE, Asked, as_filed_by, objects_of, rows_of, statement_facts
from finassist.providers.http.cache import Kind
from finassist.providers.http.transport import LiveProvider, Options, Transport
from finassist.providers.to_agno import SourcedHistory, SourcedMetrics, SourcedRecommendations
from finassist.symbols.company import normalise_symbol

BASE_URL = "https://financialmodelingprep.com/stable"
VARIABLE = "FMP_API_KEY"


class FMPProvider(LiveProvider):
    """Live quotes, histories, profiles, statements, metrics, news and recommendations, each figure with its source.

    Money keeps the currency the source names; payments are positive amounts; the source's zero where a figure may be
    absent is `"0 or not reported"` (`finassist.providers.fmp.rows` has the rule).

    The source keeps one value a period, beside the day of its first filing. As known on a day (`as_of=`), statements
    filed later, or without a day of filing, are left out, and a note says that a value restated since cannot be told
    from the first.

    Args:
        api_key: The key; by default from `FMP_API_KEY`.
        plan: The plan subscribed to. It limits how many statements are asked for at once; an unknown plan (`None`) is
            assumed to be free: five. `FINASSIST_FMP_PLAN` sets it too.
        per_minute: Requests a minute.
        settings: Where everything not given comes from; by default the environment and `.env`.
        options: `base_url`, `timeout` (seconds one request may take in all), `attempts`, `concurrency`, `cache` (`True`
            is the folder of the settings, `False` nowhere), and `allow_custom_host` for a `base_url` of another host.

    Raises (every method that takes a symbol):
        InvalidSymbol: The text cannot be a ticker.
        UnknownSymbol: The source has nothing under this symbol.
        AuthError, PlanError, QuotaExhausted, RateLimited: The source refused; the message says what to do.
        SourceTimeout, Unreachable, BadPayload, TooLarge, NotFound: It did not deliver data.

    Example:
        >>> FMPProvider("a-key", plan="starter").status().detail
        'key set, starter plan'
    """

    id = "fmp"
    name = SOURCE
    _frequencies = STATEMENT_PERIODS
    capabilities = frozenset({
        "search_symbols", "get_quote", "get_price_history", "get_company_profile", "get_key_metrics", "get_financials",
        "get_news", "get_analyst_recommendations",
    })  # fmt: skip

    def __init__(
        self,
        api_key: str | SecretStr | None = None,
        *,
        plan: FmpPlan | None = None,
        per_minute: float | None = None,
        settings: Settings | None = None,
        **options: Unpack[Options],
    ) -> None:
        settings = settings or Settings()
        plan = plan or settings.fmp_plan
        if plan is not None and plan not in PLANS:
            raise ConfigurationError(f"There is no plan {plan!r:.40} of {SOURCE}. Use one of: {', '.join(PLANS)}.")
        self.plan: FmpPlan | None = plan
        self._transport = Transport.from_settings(
            settings,
            options,
            name=SOURCE,
            base_url=BASE_URL,
            secret=_key(settings.fmp_api_key if api_key is None else api_key),
            per_minute=settings.per_minute if per_minute is None else per_minute,
        )

    def status(self) -> ProviderStatus:
        """The plan that is assumed; nothing is asked of the source."""
        if self.plan is None:
            return ProviderStatus(ok=True, detail="key set, plan not known, assumed to be free")
        return ProviderStatus(ok=True, detail=f"key set, {self.plan} plan")

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """The facts of one need. Prices are adjusted for splits; the change is that from the previous close."""
        symbol, get = normalise_symbol(symbol), self._get
        match need:
            case "profile":
                return profile_facts(*await get(requests_for("profile", symbol=symbol)[0]))
            case "quote":
                return quote_facts(*await get(requests_for("quote", symbol=symbol)[0]))
            case "history":
                request = request_history(symbol, periods.span, datetime.now(UTC).date())
                return await asyncio.to_thread(history_facts, *await get(request), periods)
            case _:
                limit = max(1, min(periods.limit, MOST_ROWS[self.plan]))
                request = request_statement(symbol, need, periods.frequency, limit)
                found = statement_facts(*await get(request), need, periods.frequency, limit)
                return as_filed_by(found, periods.as_of) if periods.as_of else found

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> SourcedHistory:
        """Bars adjusted for splits: each day, or each week or month dated by its last trading day."""
        found = await super().aget_price_history(symbol, period, interval)
        found.notes.append(ADJUSTED)
        return found

    async def asearch_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """Companies whose ticker or name fits."""
        limit = max(limit, 1)
        answers, _ = await self._get_all(requests_for("search", query=query.strip(), limit=limit))
        return parse_search(answers, limit)

    async def aget_key_metrics(self, symbol: str) -> SourcedMetrics:
        """Ratios and multiples of the past twelve months, as the source computes them."""
        return parse_metrics(*await self._get_all(requests_for("metrics", symbol=normalise_symbol(symbol))))

    async def aget_news(self, symbol: str, limit: int = 10) -> list[NewsItem]:
        """Headlines, newest first; none is an empty list."""
        limit = max(limit, 1)
        [request] = requests_for("news", symbols=normalise_symbol(symbol), limit=limit)
        return parse_news(*await self._get(request), limit)

    async def aget_analyst_recommendations(self, symbol: str) -> SourcedRecommendations:
        """How many analysts advise what, and the prices they expect."""
        asked = requests_for("recommendations", symbol=normalise_symbol(symbol))
        return parse_recommendations(*await self._get_all(asked))

    async def _get(self, request: Request) -> Answer:
        """The decoded answer to one request, and what is known about it."""
        today = request.asked(datetime.now(UTC).date())
        accept = objects_of if request.may_be_empty else rows_of
        try:
            payload = await self._transport.get_json(
                request.path, request.params, kind=request.kind, check=lambda data: accept(data, today)
            )
        except PlanError as error:
            plan = f"your {self.plan} plan" if self.plan else "your plan"
            raise PlanError(str(error).replace("your plan", plan)) from error
        return payload.data, request.asked(payload.fetched_at.date(), cached=payload.cached)

    async def _get_all(self, requests: Iterable[Request]) -> tuple[list[Answer], list[str]]:
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
            return await self._get(request)
        except DataError as error:
            return error


def _key(given: str | SecretStr | None) -> SecretStr:
    """The key without blanks around it."""
    value = (given.get_secret_value() if isinstance(given, SecretStr) else given or "").strip()
    if not value:
        raise ConfigurationError(
            f"{SOURCE} needs an API key. Get a free one at https://site.financialmodelingprep.com/developer/docs and "
            f'set {VARIABLE}, or pass FMPProvider("…"); provider="embedded" needs no key.'
        )
    return SecretStr(value)


# --------------------------------------------------------------------------------------------------------- requests

PLANS: tuple[FmpPlan, ...] = get_args(FmpPlan)

MOST_ROWS: Mapping[FmpPlan | None, int] = {None: 5, "free": 5, "starter": 40, "premium": 120, "ultimate": 120}
"""The largest `limit` a plan accepts; more is answered with 402. An unknown plan is assumed to be free."""

_PERIODS = {"annual": "annual", "quarterly": "quarter"}
_DAYS = {**SPAN_DAYS, "1d": 7, "5d": 12}  # with the days on which nothing is traded
_FIRST_DAY = date(1970, 1, 1)

type Answer = tuple[object, Asked]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the API. An empty list may be an answer; else it means that there is no such symbol."""

    path: str
    params: Mapping[str, str]
    kind: Kind
    words: str
    may_be_empty: bool = False

    def asked(self, day: date, *, cached: bool = False) -> Asked:
        """What is known about an answer of this day."""
        about = next(self.params[name] for name in ("symbol", "symbols", "query") if name in self.params)
        return Asked(about, self.words, day, cached)


_TOPICS: Mapping[str, tuple[tuple[str, Kind, str], ...]] = {
    "income": (("/income-statement", "statement", "income statement"),),
    "balance_sheet": (("/balance-sheet-statement", "statement", "balance sheet"),),
    "cash_flow": (("/cash-flow-statement", "statement", "cash flow statement"),),
    "history": (("/historical-price-eod/full", "history", "price history"),),
    "quote": (("/quote", "quote", "quote"),),
    "profile": (("/profile", "profile", "company profile"),),
    "metrics": (("/key-metrics-ttm", "metrics", "key metrics"), ("/ratios-ttm", "metrics", "ratios")),
    "recommendations": (
        ("/grades-consensus", "recommendations", "analyst grades"),
        ("/price-target-consensus", "recommendations", "price targets"),
    ),
    "news": (("/news/stock", "news", "news"),),
    "search": (("/search-symbol", "search", "search by ticker"), ("/search-name", "search", "search by name")),
}
"""What is asked for each topic: the path, how long the answer is used again, and words for it."""

_MAY_BE_EMPTY = ("news", "search")


def requests_for(topic: str, **params: object) -> list[Request]:
    """What is asked about a topic.

    Example:
        >>> [request.path for request in requests_for("metrics", symbol="AAPL")]
        ['/key-metrics-ttm', '/ratios-ttm']
    """
    given = {name: str(value) for name, value in params.items()}
    return [Request(path, given, kind, words, topic in _MAY_BE_EMPTY) for path, kind, words in _TOPICS[topic]]


def request_statement(symbol: str, statement: Statement, period: str, limit: int) -> Request:
    """Statements of one kind, newest first.

    Example:
        >>> request_statement("AAPL", "cash_flow", "ttm", 4).path
        '/cash-flow-statement-ttm'
    """
    if period == "ttm":
        [request] = requests_for(statement, symbol=symbol, limit=1)
        return replace(request, path=f"{request.path}-ttm", words=f"{request.words} of twelve months")
    [request] = requests_for(statement, symbol=symbol, period=_PERIODS[period], limit=limit)
    return request


def request_history(symbol: str, period: str, today: date) -> Request:
    """Daily bars that reach back `period` from `today`.

    Example:
        >>> request_history("AAPL", "ytd", date(2026, 3, 2)).params["from"]
        '2026-01-01'
    """
    first = today - timedelta(_DAYS[period]) if period in _DAYS else _FIRST_DAY
    first = date(today.year, 1, 1) if period == "ytd" else first
    [request] = requests_for("history", symbol=symbol, **{"from": first, "to": today})
    return request


register_provider(FMPProvider.id, FMPProvider)
