"""What an `FMPProvider` is told, made ready for use: its key and its cache."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from pydantic import SecretStr

from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError
from finassist.providers.fmp.rows import SOURCE
from finassist.providers.http.cache import Cache, Kind

VARIABLE = "FMP_API_KEY"


def key(given: str | SecretStr | None) -> SecretStr:
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


def disk_cache(wanted: Cache | bool, settings: Settings) -> Cache | None:
    """The cache itself, one in the folder of the settings (`True`), or none (`False`)."""
    if isinstance(wanted, Cache):
        return wanted
    lifetimes = cast("dict[Kind, timedelta]", settings.lifetimes)
    return Cache(settings.cache_folder, lifetimes) if wanted else None
