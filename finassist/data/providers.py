"""Data providers by name: ours and every provider Agno knows."""

from __future__ import annotations

from agno.tools.finance import FinanceProvider, FinanceTools, registered_providers

from finassist.data.embedded import EmbeddedProvider
from finassist.errors import MissingExtra, UnknownProvider


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
    try:
        return FinanceTools(provider=provider).provider
    except ImportError as error:
        raise MissingExtra(
            f"The data provider “{provider}” needs a package that is not installed ({error}). "
            f"Install it with `pip install 'finassist[{provider}]'`, or use provider=\"embedded\"."
        ) from error
    except (ValueError, TypeError) as error:
        names = ", ".join(f'"{name}"' for name in registered_providers())
        raise UnknownProvider(
            f"There is no data provider {provider!r}. Use one of {names}, or pass an Agno finance provider object."
        ) from error
