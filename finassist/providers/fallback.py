"""Several providers in order, because the user listed them: the next one is asked where the one before failed.

    >>> from finassist.providers.embedded.provider import EmbeddedProvider
    >>> FallbackProvider([EmbeddedProvider(), EmbeddedProvider()]).name
    'finassist embedded data, then finassist embedded data'

Each need of each company goes its own way down the list. A figure from a later provider says in its source who
delivered it and why the earlier ones did not. What is asked for wrongly (no ticker), a cancellation and a bug are
no reason to ask somebody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self, cast

from agno.tools.finance import (
    AnalystRecommendations,
    CompanyProfile,
    EarningsReport,
    Filing,
    FinanceProvider,
    FinanceProviderError,
    FinancialStatement,
    InsiderTrade,
    KeyMetrics,
    NewsItem,
    PriceHistory,
    ProviderStatus,
    Quote,
    SymbolMatch,
)
from msgspec.structs import replace

from finassist.config.settings import Settings
from finassist.core.errors import (
    AuthError,
    BadPayload,
    ConfigurationError,
    DataError,
    InputError,
    NotEmbedded,
    NotFound,
    NotOffered,
    PlanError,
    QuotaExhausted,
    RateLimited,
    SourceTimeout,
    TooLarge,
    UnknownSymbol,
    Unreachable,
)
from finassist.core.facts import Fact
from finassist.providers.base import Need, fetch_facts
from finassist.providers.sourced import Sourced
from finassist.providers.waiting import WaitingProvider

REASONS: dict[type[Exception], str] = {
    AuthError: "key not accepted",
    BadPayload: "answered with something that is not data",
    NotEmbedded: "not in the embedded set",
    NotFound: "has no such page",
    NotOffered: "does not offer it",
    PlanError: "not part of the plan",
    QuotaExhausted: "quota used up",
    RateLimited: "too many requests",
    SourceTimeout: "did not answer in time",
    TooLarge: "answer too large",
    UnknownSymbol: "has nothing under this symbol",
    Unreachable: "could not be reached",
}
"""Why a provider did not deliver, in a few words that many figures can share."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one provider did not deliver."""

    provider: str
    error: Exception

    @property
    def remark(self) -> str:
        """In a few words.

        Example:
            >>> Failure("Yahoo", SourceTimeout("It took too long. Ask again.")).remark
            'Yahoo: did not answer in time'
        """
        return f"{self.provider}: {REASONS.get(type(self.error), 'did not deliver')}"


def fair_share(settings: Settings, providers: int) -> float:
    """Seconds each of several providers may take, so that the last one has time left to answer.

    Example:
        >>> fair_share(Settings(fetch_timeout=20, question_timeout=60), 4)
        5.0
    """
    return min(settings.fetch_timeout, settings.question_timeout) / providers


class FallbackProvider(WaitingProvider):
    """Asks the first provider that offers what is wanted, and the next where it fails.

    Args:
        providers: In the order in which to ask; at least one.
        patience: Seconds each but the last may take before the next is asked; by default an equal share of the time
            that the settings give to one fetch.

    Raises (every method):
        DataError: None delivered; the message lists every cause. Where all failed in the same way, it is that error.
        InvalidSymbol: The text cannot be a ticker.
    """

    id = "fallback"

    def __init__(self, providers: Sequence[FinanceProvider], *, patience: float | None = None) -> None:
        if not providers:
            raise ConfigurationError('The list of data providers is empty. Name one, such as provider="embedded".')
        self.providers = tuple(providers)
        self.patience = patience or fair_share(Settings(), len(self.providers))
        self.name = ", then ".join(provider.name for provider in self.providers)
        self.capabilities = frozenset[str]().union(*(provider.capabilities for provider in self.providers))

    def __reduce__(self) -> NoReturn:
        raise TypeError("Providers may hold keys, so a list of them is never pickled. Build it where it is used.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    # ------------------------------------------------------------------------------------------ health

    def status(self) -> ProviderStatus:
        """Usable when one of them is."""
        return _joined([(provider.name, provider.status()) for provider in self.providers])

    async def astatus(self) -> ProviderStatus:
        """The same as `status`, asked of each."""
        return _joined([(provider.name, await provider.astatus()) for provider in self.providers])

    def close(self) -> None:
        """Of each that can be closed."""
        for provider in self._closable:
            provider.close()

    async def aclose(self) -> None:
        """Of each that can be closed, on the running loop."""
        for provider in self._closable:
            await provider.aclose()

    @property
    def _closable(self) -> list[Any]:
        return [provider for provider in self.providers if hasattr(provider, "aclose")]

    # -------------------------------------------------------------------------------------------- facts

    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        """One need of one company from the first provider whose facts can be used."""
        facts, provider, failures = await self._first(lambda p: fetch_facts(p, need, symbol, limit=limit))
        if not failures:
            return facts
        return [replace(fact, source=_said(fact.source, provider, failures)) for fact in facts]

    async def _first[Result](
        self, ask: Callable[[FinanceProvider], Awaitable[Result]]
    ) -> tuple[Result, FinanceProvider, list[Failure]]:
        """The first answer, who gave it, and why the others before did not."""
        failures: list[Failure] = []
        for provider in self.providers:
            last = provider is self.providers[-1]
            try:
                return await self._within(provider, ask, None if last else self.patience), provider, failures
            except InputError:
                raise
            except FinanceProviderError as error:
                failures.append(Failure(provider.name, error))
        raise _all_failed(failures) from failures[-1].error

    async def _within[Result](
        self, provider: FinanceProvider, ask: Callable[[FinanceProvider], Awaitable[Result]], seconds: float | None
    ) -> Result:
        try:
            async with asyncio.timeout(seconds):
                return await ask(provider)
        except TimeoutError as error:
            raise SourceTimeout(f"{provider.name} did not answer in time. Ask again.") from error

    # ------------------------------------------------------------------------ Agno's answers, one by one

    async def _answer[Result](
        self, capability: str, wanted: str, ask: Callable[[FinanceProvider], Awaitable[Result]]
    ) -> Result:
        async def offered(provider: FinanceProvider) -> Result:
            if not provider.supports(capability):
                raise NotOffered(f"{provider.name} does not offer {wanted}.")
            return await ask(provider)

        answer, provider, failures = await self._first(offered)
        if failures:
            _remark(answer, provider, failures)
        return answer

    async def asearch_symbols(self, query: str, limit: int = 5) -> list[SymbolMatch]:
        """Companies whose ticker or name fits."""
        return await self._answer("search_symbols", "a search", lambda p: p.asearch_symbols(query, limit))

    async def aget_quote(self, symbol: str) -> Quote:
        """The newest price."""
        return await self._answer("get_quote", f"a quote of {symbol}", lambda p: p.aget_quote(symbol))

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> PriceHistory:
        """Past prices."""
        wanted = f"a price history of {symbol}"
        return await self._answer("get_price_history", wanted, lambda p: p.aget_price_history(symbol, period, interval))

    async def aget_company_profile(self, symbol: str) -> CompanyProfile:
        """What the company is."""
        wanted = f"a profile of {symbol}"
        return await self._answer("get_company_profile", wanted, lambda p: p.aget_company_profile(symbol))

    async def aget_key_metrics(self, symbol: str) -> KeyMetrics:
        """Ratios and multiples."""
        return await self._answer("get_key_metrics", f"key metrics of {symbol}", lambda p: p.aget_key_metrics(symbol))

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """The newest statements, newest first."""
        wanted = f"{period} {statement.replace('_', ' ')} statements of {symbol}"
        return await self._answer(
            "get_financials", wanted, lambda p: p.aget_financials(symbol, statement, period, limit)
        )

    async def aget_news(self, symbol: str, limit: int = 10) -> list[NewsItem]:
        """Headlines."""
        return await self._answer("get_news", f"news of {symbol}", lambda p: p.aget_news(symbol, limit))

    async def aget_analyst_recommendations(self, symbol: str) -> AnalystRecommendations:
        """What analysts advise."""
        wanted = f"recommendations on {symbol}"
        return await self._answer(
            "get_analyst_recommendations", wanted, lambda p: p.aget_analyst_recommendations(symbol)
        )

    async def aget_insider_trades(self, symbol: str, limit: int = 20) -> list[InsiderTrade]:
        """What insiders bought and sold."""
        wanted = f"insider trades of {symbol}"
        return await self._answer("get_insider_trades", wanted, lambda p: p.aget_insider_trades(symbol, limit))

    async def aget_earnings(self, symbol: str, limit: int = 8) -> list[EarningsReport]:
        """Earnings reports."""
        return await self._answer("get_earnings", f"earnings of {symbol}", lambda p: p.aget_earnings(symbol, limit))

    async def aget_sec_filings(self, symbol: str, form_type: str | None = None, limit: int = 10) -> list[Filing]:
        """Filings with the SEC."""
        wanted = f"filings of {symbol}"
        return await self._answer("get_sec_filings", wanted, lambda p: p.aget_sec_filings(symbol, form_type, limit))


def _joined(found: Sequence[tuple[str, ProviderStatus]]) -> ProviderStatus:
    detail = "; ".join(f"{name}: {status.detail}" for name, status in found)
    return ProviderStatus(ok=any(status.ok for _, status in found), detail=detail)


def _said(source: str, provider: FinanceProvider, failures: Sequence[Failure]) -> str:
    """A source that names who delivered, and why the ones before did not."""
    who = source if source.startswith(provider.name) else ": ".join(filter(None, (provider.name, source)))
    return f"{who} ({', '.join(failure.remark for failure in failures)})"


def _remark(answer: object, provider: FinanceProvider, failures: Sequence[Failure]) -> None:
    """Put the same into answers that have a place for it."""
    answers = cast(Sequence[object], answer) if isinstance(answer, list) else [answer]
    for each in answers:
        if isinstance(each, Sourced):
            each.with_facts(replace(fact, source=_said(fact.source, provider, failures)) for fact in each.facts)
        notes = getattr(each, "notes", None)
        if isinstance(notes, list):
            cast("list[str]", notes).extend(f"{failure.remark}; asked {provider.name} instead" for failure in failures)


def _all_failed(failures: Sequence[Failure]) -> DataError:
    if len(failures) == 1 and isinstance(failures[0].error, DataError):
        return failures[0].error
    kinds = {type(failure.error) for failure in failures}
    shared = kinds.pop() if len(kinds) == 1 else DataError
    causes = " ".join(map(_cause, failures))
    text = f"No listed provider delivered it. {causes}"  # not what: so the gaps of one report are one line
    return shared(text) if issubclass(shared, DataError) else DataError(text)


def _cause(failure: Failure) -> str:
    said = str(failure.error) or f"it failed with {type(failure.error).__name__}. Ask again."
    return said if said.startswith(failure.provider) else f"{failure.provider}: {said}"
