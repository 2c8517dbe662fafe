"""The provider of live data: Financial Modeling Prep's `stable` API.

Importing this module registers it with Agno as `"fmp"`. Every method has a native async form; the sync form runs
it on the private loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, Self, cast

from agno.tools.finance import (
    FinanceProvider,
    FinancialStatement,
    NewsItem,
    ProviderStatus,
    SymbolMatch,
    register_provider,
)
from agno.tools.finance.base import INTERVALS, PERIODS, STATEMENT_PERIODS, STATEMENTS
from pydantic import SecretStr

from finassist.config.settings import FmpPlan, Settings
from finassist.core.errors import ConfigurationError, NotOffered
from finassist.core.facts import Fact, Statement
from finassist.providers.base import HISTORY_INTERVAL, HISTORY_PERIOD, Need
from finassist.providers.fmp import requests
from finassist.providers.fmp.client import Client
from finassist.providers.fmp.company import parse_news, parse_profile, parse_search, profile_facts
from finassist.providers.fmp.market import history_facts, parse_history, parse_quote, quote_facts
from finassist.providers.fmp.metrics import SourcedRecommendations, parse_metrics, parse_recommendations
from finassist.providers.fmp.options import disk_cache, key
from finassist.providers.fmp.requests import PLANS
from finassist.providers.fmp.rows import SOURCE
from finassist.providers.fmp.statements import parse_statements, statement_facts
from finassist.providers.http import Transport
from finassist.providers.http.cache import Cache
from finassist.providers.sourced import SourcedHistory, SourcedMetrics, SourcedProfile, SourcedQuote
from finassist.providers.waiting import wait_for
from finassist.symbols.directory import normalise_symbol

BASE_URL = "https://financialmodelingprep.com/stable"

_CAPABILITIES = frozenset(
    {
        "search_symbols",
        "get_quote",
        "get_price_history",
        "get_company_profile",
        "get_key_metrics",
        "get_financials",
        "get_news",
        "get_analyst_recommendations",
    }
)


class FMPProvider(FinanceProvider):
    """Live quotes, histories, profiles, statements, metrics, news and recommendations, each figure with its source.

    Reports ask `fetch_facts`, Agno's tools the methods that Agno names: both hold the same facts. Money keeps the
    currency the source names; payments are positive amounts; the source's zero where a figure may be
    absent is `"0 or not reported"` (`finassist.providers.fmp.zeros` has the rule).

    Args:
        api_key: The key; by default from `FMP_API_KEY`.
        base_url: Where the API is. Another host than FMP's needs `allow_custom_host`, unless it is this machine.
        plan: What is subscribed to. It sets how many statements are asked for at once; an unknown plan (`None`) is
            taken for a free one: five. `FINASSIST_FMP_PLAN` says it once.
        timeout: Seconds one request may take in all.
        attempts: Times a request is sent where trying again helps.
        concurrency: Requests at the same time.
        per_minute: Requests a minute.
        cache: Where answers are kept; `True` is the folder of the settings, `False` nowhere.
        allow_custom_host: Whether the key may be sent to another host.
        settings: Where everything not given comes from; by default the environment and `.env`.

    Raises (every method that takes a symbol):
        InvalidSymbol: The text cannot be a ticker.
        UnknownSymbol: The source knows nothing under this symbol.
        AuthError, PlanError, QuotaExhausted, RateLimited: The source refused; the message says what to do.
        SourceTimeout, Unreachable, BadPayload, TooLarge, NotFound: It did not deliver data.

    Example:
        >>> FMPProvider("a-key", plan="starter").status().detail
        'key set, starter plan'
    """

    id = "fmp"
    name = SOURCE
    capabilities = _CAPABILITIES

    def __init__(
        self,
        api_key: str | SecretStr | None = None,
        *,
        base_url: str = BASE_URL,
        plan: FmpPlan | None = None,
        timeout: float | None = None,
        attempts: int | None = None,
        concurrency: int | None = None,
        per_minute: float | None = None,
        cache: Cache | bool | None = None,
        allow_custom_host: bool = False,
        settings: Settings | None = None,
    ) -> None:
        settings = settings or Settings()
        plan = plan or settings.fmp_plan
        if plan is not None and plan not in PLANS:
            raise ConfigurationError(f"There is no plan {plan!r:.40} of {SOURCE}. Use one of: {', '.join(PLANS)}.")
        self.plan: FmpPlan | None = plan
        self._transport = Transport(
            name=SOURCE,
            base_url=base_url,
            secret=key(settings.fmp_api_key if api_key is None else api_key),
            secret_param="apikey",
            timeout=settings.http_timeout if timeout is None else timeout,
            attempts=settings.http_attempts if attempts is None else attempts,
            concurrency=settings.concurrency if concurrency is None else concurrency,
            per_minute=settings.per_minute if per_minute is None else per_minute,
            cache=disk_cache(settings.cache if cache is None else cache, settings),
            allow_custom_host=allow_custom_host,
        )
        self._client = Client(self._transport, plan)

    def __reduce__(self) -> NoReturn:
        raise TypeError("An FMPProvider holds a key and is never pickled. Build it where it is used.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    # ------------------------------------------------------------------------------------------ health

    def status(self) -> ProviderStatus:
        """The plan that is assumed; nothing is asked of the source."""
        if self.plan is None:
            return ProviderStatus(ok=True, detail="key set, plan not known and taken for a free one")
        return ProviderStatus(ok=True, detail=f"key set, {self.plan} plan")

    async def astatus(self) -> ProviderStatus:
        """The same as `status`."""
        return self.status()

    @property
    def requests_today(self) -> int:
        """Requests made with this key since midnight UTC, counted on this machine."""
        return self._transport.requests_today

    def close(self) -> None:
        """Have every loop close its connections; they open again when needed."""
        self._transport.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop; they open again when needed."""
        await self._transport.aclose()

    # -------------------------------------------------------------------------------------- async, native

    async def asearch_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """Companies whose ticker or name fits."""
        limit = max(limit, 1)
        answers, _ = await self._client.all(requests.request_search(query.strip(), limit))
        return parse_search(answers, limit)

    async def aget_quote(self, symbol: str) -> SourcedQuote:
        """The newest price, with its day; the change is computed from it and the previous close."""
        return parse_quote(*await self._client.quote(symbol))

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> SourcedHistory:
        """Closes adjusted for splits: each day, or the last trading day of each week or month."""
        _one_of("period", period, PERIODS)
        _one_of("interval", interval, INTERVALS)
        return parse_history(*await self._client.history(symbol, period), period, interval)

    async def aget_company_profile(self, symbol: str) -> SourcedProfile:
        """Name, seat, sector, employees and what the company does."""
        return parse_profile(*await self._client.profile(symbol))

    async def aget_key_metrics(self, symbol: str) -> SourcedMetrics:
        """Ratios and multiples of the past twelve months, as the source computes them."""
        return parse_metrics(*await self._client.all(requests.request_metrics(normalise_symbol(symbol))))

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """The newest `limit` statements, newest first, as many as the plan allows; each is a `SourcedStatement`."""
        _one_of("statement", statement, STATEMENTS)
        _one_of("period", period, STATEMENT_PERIODS)
        kind = cast(Statement, statement)
        return [*parse_statements(*await self._client.statements(symbol, kind, period, limit), kind, period, limit)]

    async def aget_news(self, symbol: str, limit: int = 10) -> list[NewsItem]:
        """Headlines, newest first; none is an empty list."""
        limit = max(limit, 1)
        return parse_news(*await self._client.get(requests.request_news(normalise_symbol(symbol), limit)), limit)

    async def aget_analyst_recommendations(self, symbol: str) -> SourcedRecommendations:
        """How many analysts advise what, and the prices they expect."""
        request = requests.request_recommendations(normalise_symbol(symbol))
        return parse_recommendations(*await self._client.all(request))

    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        """The facts of one need, without the form that Agno's tools want around them: a report has no use for it."""
        match need:
            case "profile":
                return profile_facts(*await self._client.profile(symbol))
            case "quote":
                return quote_facts(*await self._client.quote(symbol))
            case "history":
                answer = await self._client.history(symbol, HISTORY_PERIOD)
                return history_facts(*answer, HISTORY_PERIOD, HISTORY_INTERVAL)
            case _:
                return statement_facts(
                    *await self._client.statements(symbol, need, "annual", limit), need, "annual", limit
                )

    # ------------------------------------------------------------------------------------------- sync

    def search_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """`asearch_symbols`, waited for."""
        return wait_for(lambda: self.asearch_symbols(query, limit), "search_symbols")

    def get_quote(self, symbol: str) -> SourcedQuote:
        """`aget_quote`, waited for."""
        return wait_for(lambda: self.aget_quote(symbol), "get_quote")

    def get_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> SourcedHistory:
        """`aget_price_history`, waited for."""
        return wait_for(lambda: self.aget_price_history(symbol, period, interval), "get_price_history")

    def get_company_profile(self, symbol: str) -> SourcedProfile:
        """`aget_company_profile`, waited for."""
        return wait_for(lambda: self.aget_company_profile(symbol), "get_company_profile")

    def get_key_metrics(self, symbol: str) -> SourcedMetrics:
        """`aget_key_metrics`, waited for."""
        return wait_for(lambda: self.aget_key_metrics(symbol), "get_key_metrics")

    def get_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """`aget_financials`, waited for."""
        return wait_for(lambda: self.aget_financials(symbol, statement, period, limit), "get_financials")

    def get_news(self, symbol: str, limit: int = 10) -> list[NewsItem]:
        """`aget_news`, waited for."""
        return wait_for(lambda: self.aget_news(symbol, limit), "get_news")

    def get_analyst_recommendations(self, symbol: str) -> SourcedRecommendations:
        """`aget_analyst_recommendations`, waited for."""
        return wait_for(lambda: self.aget_analyst_recommendations(symbol), "get_analyst_recommendations")


def _one_of(name: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise NotOffered(f"{name} {value!r} does not exist. Use one of: {', '.join(allowed)}.")


register_provider(FMPProvider.id, FMPProvider)
