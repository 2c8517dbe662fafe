"""Several providers in order, because the user listed them: the next one is asked where the one before failed.

    >>> from finassist.providers.embedded.provider import EmbeddedProvider
    >>> FallbackProvider([EmbeddedProvider(), EmbeddedProvider()]).name
    'finassist embedded data, then finassist embedded data'

Each need of each company goes its own way down the list. A figure from a later provider says in its source who
delivered it and why the earlier ones did not. What is asked for wrongly (no ticker), a cancellation and a bug are
no reason to ask another provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from types import CoroutineType
from typing import Any, NoReturn, Self, cast

from agno.tools.finance import FinanceProvider, FinanceProviderError, ProviderStatus
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
from finassist.providers.base import Need, Periods, fetch_facts, named_failure
from finassist.providers.to_agno import Sourced, WaitingProvider

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


def _delegating[**P, Result](
    method: Callable[P, Coroutine[Any, Any, Result]],
) -> Callable[P, CoroutineType[Any, Any, Result]]:
    """An async Agno method that asks the listed providers in turn."""
    awaited = method.__name__
    capability = awaited.removeprefix("a")

    async def delegate(*args: P.args, **kwargs: P.kwargs) -> Result:
        async def ask(provider: FinanceProvider) -> Result:
            if not provider.supports(capability):
                raise NotOffered(f"{provider.name} does not offer {capability.removeprefix('get_').replace('_', ' ')}.")
            return await getattr(provider, awaited)(*args[1:], **kwargs)

        listed: Any = args[0]
        answer, provider, failures = await listed._first(ask)
        if failures:
            _add_remarks(answer, provider, failures)
        return answer

    delegate.__name__, delegate.__doc__ = awaited, f"`{awaited}` of the first provider that delivers."
    return delegate


class FallbackProvider(WaitingProvider):
    """Asks the first provider that offers what is wanted, and the next where it fails.

    Args:
        providers: In the order in which to ask; at least one.
        timeout: Seconds each but the last may take before the next is asked; by default an equal share of the time
            that the settings give to one fetch.

    Raises (every method):
        DataError: None delivered; the message lists every cause. Where all failed in the same way, it is that error.
        InvalidSymbol: The text cannot be a ticker.
    """

    id = "fallback"

    def __init__(self, providers: Sequence[FinanceProvider], *, timeout: float | None = None) -> None:
        if not providers:
            raise ConfigurationError('The list of data providers is empty. Name one, such as provider="embedded".')
        self.providers = tuple(providers)
        self.timeout = timeout or fair_share(Settings(), len(self.providers))
        self.name = ", then ".join(provider.name for provider in self.providers)
        self.capabilities = frozenset[str]().union(*(provider.capabilities for provider in self.providers))

    def __reduce__(self) -> NoReturn:
        raise TypeError("Providers may hold keys, so a list of them is never pickled. Build it where it is used.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

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

    asearch_symbols = _delegating(FinanceProvider.asearch_symbols)
    aget_quote = _delegating(FinanceProvider.aget_quote)
    aget_price_history = _delegating(FinanceProvider.aget_price_history)
    aget_company_profile = _delegating(FinanceProvider.aget_company_profile)
    aget_key_metrics = _delegating(FinanceProvider.aget_key_metrics)
    aget_financials = _delegating(FinanceProvider.aget_financials)
    aget_news = _delegating(FinanceProvider.aget_news)
    aget_analyst_recommendations = _delegating(FinanceProvider.aget_analyst_recommendations)
    aget_insider_trades = _delegating(FinanceProvider.aget_insider_trades)
    aget_earnings = _delegating(FinanceProvider.aget_earnings)
    aget_sec_filings = _delegating(FinanceProvider.aget_sec_filings)

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """One need of one company from the first provider whose facts can be used."""
        facts, provider, failures = await self._first(lambda p: fetch_facts(p, need, symbol, periods))
        if not failures:
            return facts
        return [replace(fact, source=_source(fact.source, provider, failures)) for fact in facts]

    async def _first[Result](
        self, ask: Callable[[FinanceProvider], Awaitable[Result]]
    ) -> tuple[Result, FinanceProvider, list[Failure]]:
        """The first answer, who gave it, and why the others before did not."""
        failures: list[Failure] = []
        for provider in self.providers:
            last = provider is self.providers[-1]
            try:
                return await self._within(provider, ask, None if last else self.timeout), provider, failures
            except Exception as error:
                named = named_failure(provider, error)
                if isinstance(error, InputError) or named is None:
                    raise
                failures.append(Failure(provider.name, error if isinstance(error, FinanceProviderError) else named))
        raise _all_failed(failures) from failures[-1].error

    async def _within[Result](
        self, provider: FinanceProvider, ask: Callable[[FinanceProvider], Awaitable[Result]], seconds: float | None
    ) -> Result:
        try:
            async with asyncio.timeout(seconds):
                return await ask(provider)
        except TimeoutError as error:
            raise SourceTimeout(f"{provider.name} did not answer in time. Ask again.") from error


def _joined(found: Sequence[tuple[str, ProviderStatus]]) -> ProviderStatus:
    detail = "; ".join(f"{name}: {status.detail}" for name, status in found)
    return ProviderStatus(ok=any(status.ok for _, status in found), detail=detail)


def _source(source: str, provider: FinanceProvider, failures: Sequence[Failure]) -> str:
    """A source that names who delivered, and why the ones before did not."""
    who = source if source.startswith(provider.name) else ": ".join(filter(None, (provider.name, source)))
    return f"{who} ({', '.join(failure.remark for failure in failures)})"


def _add_remarks(answer: object, provider: FinanceProvider, failures: Sequence[Failure]) -> None:
    """Put the same into answers that have a place for it."""
    answers = cast(Sequence[object], answer) if isinstance(answer, list) else [answer]
    for each in answers:
        if isinstance(each, Sourced):
            each.with_facts(replace(fact, source=_source(fact.source, provider, failures)) for fact in each.facts)
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
    words = str(failure.error) or f"it failed with {type(failure.error).__name__}. Ask again."
    return words if words.startswith(failure.provider) else f"{failure.provider}: {words}"
