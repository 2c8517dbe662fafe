"""Data providers by name: ours, every provider Agno knows, and several of them in order."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, cast

from agno.tools.finance import FinanceProvider, FinanceTools, register_provider, registered_providers
from agno.tools.finance.providers.financial_datasets import FinancialDatasets

from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError, MissingExtra, UnknownProvider
from finassist.core.text import did_you_mean
from finassist.providers.embedded.provider import EmbeddedProvider

AUTO = "auto"
FMP = "fmp"
SEC = "sec"
SOURCES = (AUTO, "embedded", FMP, "fmp, embedded", SEC, "sec, embedded", "yfinance", "financial_datasets")
"""What a page offers to choose from."""

# Agno imports these only when figures are fetched, which is too late to say what to install.
_PACKAGES = {"yfinance": "yfinance"}

type Provider = str | FinanceProvider | Sequence[str | FinanceProvider]


def open_provider(provider: Provider, settings: Settings | None = None) -> FinanceProvider:
    """The provider of that name, the provider itself, or several that are asked in the order given.

    Args:
        provider: A name, a provider object, several in a list, or several names with commas between. `"auto"` is
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
    from finassist.providers.fallback import FallbackProvider, fair_share

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
    if (package := _PACKAGES.get(provider)) and find_spec(package) is None:
        raise MissingExtra(
            f"The data provider “{provider}” needs the package {package}, which is not installed. "
            f"Install it with `pip install 'finassist[{package}]'`, or use provider=\"embedded\"."
        )
    key = _datasets_key(settings or Settings()) if provider == FinancialDatasets.id else None
    try:
        if not isinstance(provider, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(type(provider).__name__)
        if provider == FinancialDatasets.id:
            return _Datasets(api_key=key)
        return FinanceTools(provider=provider).provider
    except (ValueError, TypeError) as error:
        names = ", ".join(f'"{name}"' for name in registered_providers())
        meant = did_you_mean(str(provider), registered_providers())
        raise UnknownProvider(
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
