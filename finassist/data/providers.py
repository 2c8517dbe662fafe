"""Data providers by name: ours and every provider Agno knows."""

from __future__ import annotations

from importlib.util import find_spec

from agno.tools.finance import FinanceProvider, FinanceTools, registered_providers

from finassist.data.embedded import EmbeddedProvider
from finassist.errors import MissingExtra, UnknownProvider

# Agno imports these only when figures are fetched, which is too late to say what to install.
_PACKAGES = {"yfinance": "yfinance"}


def open_provider(provider: str | FinanceProvider) -> FinanceProvider:
    """The provider of that name, or the provider itself.

    Raises:
        UnknownProvider: No provider has that name.
        MissingExtra: The provider needs a package that is not installed.

    Example:
        >>> open_provider("embedded").id
        'embedded'
    """
    if isinstance(provider, FinanceProvider):
        return provider
    if provider == EmbeddedProvider.id:
        return EmbeddedProvider()
    if (package := _PACKAGES.get(provider)) and find_spec(package) is None:
        raise MissingExtra(
            f"The data provider “{provider}” needs the package {package}, which is not installed. "
            f"Install it with `pip install 'finassist[{package}]'`, or use provider=\"embedded\"."
        )
    try:
        return FinanceTools(provider=provider).provider
    except (ValueError, TypeError) as error:
        names = ", ".join(f'"{name}"' for name in registered_providers())
        raise UnknownProvider(
            f"There is no data provider {provider!r}. Use one of {names}, or pass an Agno finance provider object."
        ) from error
