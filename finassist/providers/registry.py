"""Data providers by name: ours, every provider Agno knows, and several of them in order.

    >>> open_provider("embedded, embedded").name
    'finassist embedded data, then finassist embedded data'

Of several, the next one is asked where the one before failed. Each need of each company goes its own way down the list.
A figure from a later provider says in its source who delivered it and why the earlier ones did not. What is asked for
wrongly (no ticker), a cancellation and a bug are no reason to ask another provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from importlib.util import find_spec
from types import CoroutineType
from typing import Any, NoReturn, cast

from agno.tools.finance import (
    FinanceProvider,
    FinanceProviderError,
    FinanceTools,
    ProviderStatus,
    register_provider,
    registered_providers,
)
from agno.tools.finance.base import ALL_CAPABILITIES
from agno.tools.finance.providers.financial_datasets import FinancialDatasets
from msgspec.structs import replace

from finassist.config.settings import Settings
from finassist.core import errors
from finassist.core.errors import ConfigurationError, DataError
from finassist.core.facts import Fact
from finassist.core.text import did_you_mean
from finassist.providers.base import Need, Periods, fetch_facts
from finassist.providers.embedded import EmbeddedProvider
from finassist.providers.from_agno import Yahoo, named_failure
from finassist.providers.to_agno import Sourced, WaitingProvider

AUTO = "auto"
FMP = "fmp"
SEC = "sec"
SOURCES = (AUTO, "embedded", FMP, "fmp, embedded", SEC, "sec, embedded", "yfinance", "financial_datasets")
"""What a page offers to choose from."""

type Provider = str | FinanceProvider | Sequence[str | FinanceProvider]


def open_provider(provider: Provider, settings: Settings | None = None) -> FinanceProvider:
    """The provider of that name, the provider itself, or several that are asked in the order given.

    Args:
        provider: A name, a provider object, several in a list, or several names separated by commas. `"auto"` is
            `"fmp"` where `FMP_API_KEY` is set, else `"sec"` (with prices of yfinance where that is installed) where
            `FINASSIST_SEC_CONTACT` is set, else `"embedded"`; it never falls back from one to the other.
        settings: Keys, timeouts and cache of a live provider; by default from the environment and `.env`.

    Raises:
        UnknownProvider: No provider has that name.
        ConfigurationError: The provider needs a key that is not set, or the list is empty.
        MissingExtra: The provider needs a package that is not installed.

    Example:
        >>> open_provider("embedded").id
        'embedded'
        >>> [each.id for each in open_provider("embedded, embedded").providers]
        ['embedded', 'embedded']
    """
    if isinstance(provider, FinanceProvider):
        return provider
    named = provider.split(",") if isinstance(provider, str) else provider
    names = [name.strip() if isinstance(name, str) else name for name in _listed(named)]
    found = [_open(each, settings) for each in names if each != ""]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigurationError('No data provider is named. Name one, such as provider="embedded".')
    return FallbackProvider(found, timeout=fair_share(settings or Settings(), len(found)))


def _listed(named: object) -> list[Any]:
    """What is listed, or the one thing there is, which is looked at when it is opened."""
    return [*cast("Sequence[Any]", named)] if isinstance(named, (list, tuple)) else [named]


def _open(provider: str | FinanceProvider, settings: Settings | None) -> FinanceProvider:
    if isinstance(provider, FinanceProvider):
        return provider
    if provider == AUTO:
        return open_provider(_auto(settings or Settings()), settings)
    if provider == EmbeddedProvider.id:
        return EmbeddedProvider()
    if provider == FMP:
        return _fmp(settings=settings)
    if provider == SEC:
        return _sec(settings=settings)
    return _of_agno(provider, settings)


def _auto(settings: Settings) -> str:
    if settings.fmp_api_key:
        return FMP
    if settings.sec_contact:
        return f"{SEC}, yfinance" if find_spec("yfinance") else SEC
    return EmbeddedProvider.id


class _Datasets(FinancialDatasets):
    """Agno's, with a key from `.env` as well, and without it in a pickle: who unpickles it reads a key of their own."""

    def __reduce__(self) -> tuple[Any, ...]:
        return open_provider, (self.id,)


def _fmp(**options: Any) -> FinanceProvider:
    """Imported when asked for: an HTTP client takes a while to load."""
    from finassist.providers.fmp import FMPProvider

    return FMPProvider(**options)


def _of_agno(provider: str, settings: Settings | None) -> FinanceProvider:
    if provider == Yahoo.id and find_spec("yfinance") is None:  # Agno would say so when figures are fetched
        raise errors.MissingExtra(
            "The data provider “yfinance” needs the package yfinance, which is not installed. "
            "Install it with `pip install 'finassist[yfinance]'`, or use provider=\"embedded\"."
        )
    key = _datasets_key(settings or Settings()) if provider == FinancialDatasets.id else None
    try:
        if not isinstance(provider, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(type(provider).__name__)
        if provider == FinancialDatasets.id:
            return _Datasets(api_key=key)
        return Yahoo() if provider == Yahoo.id else FinanceTools(provider=provider).provider
    except (ValueError, TypeError) as error:
        names = ", ".join(f'"{name}"' for name in registered_providers())
        meant = did_you_mean(str(provider), registered_providers())
        raise errors.UnknownProvider(
            f"There is no data provider {provider!r:.60}.{meant} Use one of {names}, or pass an Agno finance provider "
            "object."
        ) from error


def _datasets_key(settings: Settings) -> str:
    if key := settings.key(FinancialDatasets.id):
        return key
    raise ConfigurationError(
        f'{FinancialDatasets.name} needs an API key. Set FINANCIAL_DATASETS_API_KEY, or use provider="embedded", '
        "which needs no key."
    )


def _sec(**options: Any) -> FinanceProvider:
    from finassist.providers.sec import SECProvider

    return SECProvider(**options)


register_provider(FMP, _fmp)
register_provider(SEC, _sec)


# ------------------------------------------------------------------------------------------- several in order


REASONS: dict[type[Exception], str] = {
    errors.AuthError: "key not accepted",
    errors.BadPayload: "answered with something that is not data",
    errors.NotEmbedded: "not in the embedded set",
    errors.NotFound: "has no such page",
    errors.NotOffered: "does not offer it",
    errors.PlanError: "not part of the plan",
    errors.QuotaExhausted: "quota used up",
    errors.RateLimited: "too many requests",
    errors.SourceTimeout: "did not answer in time",
    errors.TooLarge: "answer too large",
    errors.UnknownSymbol: "has nothing under this symbol",
    errors.Unreachable: "could not be reached",
}
"""Why a provider did not deliver, in a few words that many figures can share."""


type Failure = tuple[FinanceProvider, FinanceProviderError]
"""A provider that did not deliver, and why."""


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
                raise errors.NotOffered(
                    f"{provider.name} does not offer {capability.removeprefix('get_').replace('_', ' ')}."
                )
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

    Example:
        >>> FallbackProvider([open_provider("embedded")]).get_quote("AAPL").price
        309.35
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

    def status(self) -> ProviderStatus:
        """Usable when one of them is."""
        found = {provider.name: provider.status() for provider in self.providers}
        detail = "; ".join(f"{name}: {status.detail}" for name, status in found.items())
        return ProviderStatus(ok=any(status.ok for status in found.values()), detail=detail)

    def close(self) -> None:
        """Close each provider that can be closed."""
        for provider in self._closable:
            provider.close()

    async def aclose(self) -> None:
        """Close each provider that can be closed, on the running loop."""
        for provider in self._closable:
            await provider.aclose()

    @property
    def _closable(self) -> list[Any]:
        return [provider for provider in self.providers if hasattr(provider, "aclose")]

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
            seconds = None if provider is self.providers[-1] else self.timeout
            try:
                async with asyncio.timeout(seconds):
                    return await ask(provider), provider, failures
            except TimeoutError:
                failures.append((provider, errors.SourceTimeout(f"{provider.name} did not answer in time. Ask again.")))
            except Exception as error:
                named = named_failure(provider, error)
                if isinstance(error, errors.InputError) or named is None:
                    raise
                failures.append((provider, named))
        raise _all_failed(failures) from failures[-1][1]


for _capability in ALL_CAPABILITIES:
    setattr(FallbackProvider, f"a{_capability}", _delegating(getattr(FinanceProvider, f"a{_capability}")))


def _remark(failure: Failure) -> str:
    provider, error = failure
    return f"{provider.name}: {REASONS.get(type(error), 'did not deliver')}"


def _source(source: str, provider: FinanceProvider, failures: Sequence[Failure]) -> str:
    """A source that names who delivered, and why the ones before did not."""
    who = source if source.startswith(provider.name) else ": ".join(filter(None, (provider.name, source)))
    return f"{who} ({', '.join(map(_remark, failures))})"


def _add_remarks(answer: object, provider: FinanceProvider, failures: Sequence[Failure]) -> None:
    """Put the same into answers that have a place for it."""
    answers = cast(Sequence[object], answer) if isinstance(answer, list) else [answer]
    for each in answers:
        if isinstance(each, Sourced):
            each.with_facts(replace(fact, source=_source(fact.source, provider, failures)) for fact in each.facts)
        notes = getattr(each, "notes", None)
        if isinstance(notes, list):
            cast("list[str]", notes).extend(
                f"{_remark(failure)}; asked {provider.name} instead" for failure in failures
            )


def _all_failed(failures: Sequence[Failure]) -> FinanceProviderError:
    if len(failures) == 1:
        return failures[0][1]
    kinds = {type(error) for _, error in failures}
    shared = kinds.pop() if len(kinds) == 1 else DataError
    text = f"No listed provider delivered it. {' '.join(map(_cause, failures))}"  # the gaps of one report are one line
    return shared(text) if issubclass(shared, DataError) else DataError(text)


def _cause(failure: Failure) -> str:
    provider, error = failure
    words = str(error) or f"it failed with {type(error).__name__}. Ask again."
    return words if words.startswith(provider.name) else f"{provider.name}: {words}"
