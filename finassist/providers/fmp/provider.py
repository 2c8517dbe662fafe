"""The provider of live data: Financial Modeling Prep's `stable` API.

Importing this module registers it with Agno as `"fmp"`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Unpack

from agno.tools.finance import NewsItem, ProviderStatus, SymbolMatch, register_provider
from agno.tools.finance.base import STATEMENT_PERIODS
from pydantic import SecretStr

from finassist.config.settings import FmpPlan, Settings
from finassist.core.errors import ConfigurationError
from finassist.core.facts import Fact
from finassist.providers.base import Need, Periods
from finassist.providers.fmp import requests
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
from finassist.providers.fmp.requests import PLANS, Client
from finassist.providers.fmp.rows import SOURCE
from finassist.providers.fmp.statements import statement_facts
from finassist.providers.http.transport import LiveProvider, Options, Transport
from finassist.providers.to_agno import SourcedHistory, SourcedMetrics, SourcedRecommendations
from finassist.symbols.company import normalise_symbol

BASE_URL = "https://financialmodelingprep.com/stable"
VARIABLE = "FMP_API_KEY"


class FMPProvider(LiveProvider):
    """Live quotes, histories, profiles, statements, metrics, news and recommendations, each figure with its source.

    Money keeps the currency the source names; payments are positive amounts; the source's zero where a figure may be
    absent is `"0 or not reported"` (`finassist.providers.fmp.rows` has the rule).

    Args:
        api_key: The key; by default from `FMP_API_KEY`.
        plan: The plan subscribed to. It limits how many statements are asked for at once; an unknown plan (`None`) is
            taken for a free one: five. `FINASSIST_FMP_PLAN` sets it too.
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
        self._client = Client(self._transport, plan)

    def status(self) -> ProviderStatus:
        """The plan that is assumed; nothing is asked of the source."""
        if self.plan is None:
            return ProviderStatus(ok=True, detail="key set, plan not known and taken for a free one")
        return ProviderStatus(ok=True, detail=f"key set, {self.plan} plan")

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """The facts of one need. Prices are adjusted for splits; the change is that from the previous close."""
        symbol, get = normalise_symbol(symbol), self._client.get
        match need:
            case "profile":
                return profile_facts(*await get(requests.requests_for("profile", symbol)[0]))
            case "quote":
                return quote_facts(*await get(requests.requests_for("quote", symbol)[0]))
            case "history":
                request = requests.request_history(symbol, periods.span, datetime.now(UTC).date())
                return history_facts(*await get(request), periods)
            case _:
                limit = max(1, min(periods.limit, requests.MOST_ROWS[self.plan]))
                request = requests.request_statement(symbol, need, periods.frequency, limit)
                return statement_facts(*await get(request), need, periods.frequency, limit)

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> SourcedHistory:
        """Bars adjusted for splits: each day, or each week or month dated by its last trading day."""
        found = await super().aget_price_history(symbol, period, interval)
        found.notes.append(ADJUSTED)
        return found

    async def asearch_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """Companies whose ticker or name fits."""
        limit = max(limit, 1)
        answers, _ = await self._client.get_all(requests.request_search(query.strip(), limit))
        return parse_search(answers, limit)

    async def aget_key_metrics(self, symbol: str) -> SourcedMetrics:
        """Ratios and multiples of the past twelve months, as the source computes them."""
        return parse_metrics(*await self._client.get_all(requests.requests_for("metrics", normalise_symbol(symbol))))

    async def aget_news(self, symbol: str, limit: int = 10) -> list[NewsItem]:
        """Headlines, newest first; none is an empty list."""
        limit = max(limit, 1)
        return parse_news(*await self._client.get(requests.request_news(normalise_symbol(symbol), limit)), limit)

    async def aget_analyst_recommendations(self, symbol: str) -> SourcedRecommendations:
        """How many analysts advise what, and the prices they expect."""
        asked = requests.requests_for("recommendations", normalise_symbol(symbol))
        return parse_recommendations(*await self._client.get_all(asked))


def _key(given: str | SecretStr | None) -> SecretStr:
    """The key without blanks around it.

    Raises:
        ConfigurationError: There is none; the message says how to get one.
    """
    value = (given.get_secret_value() if isinstance(given, SecretStr) else given or "").strip()
    if not value:
        raise ConfigurationError(
            f"{SOURCE} needs an API key. Get a free one at https://site.financialmodelingprep.com/developer/docs and "
            f'set {VARIABLE}, or pass FMPProvider("…"); provider="embedded" needs no key.'
        )
    return SecretStr(value)


register_provider(FMPProvider.id, FMPProvider)
