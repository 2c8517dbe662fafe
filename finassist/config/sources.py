"""Names of settings in the environment and in `.env`: which are ours, and which are misspelt."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from finassist.core.text import did_you_mean

PREFIX: Final = "FINASSIST_"

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep
_NEAR: Final = 0.85
_ROOT: Final = (".git", "pyproject.toml")
_warned: set[str] = set()


class FinassistWarning(UserWarning):
    """Something is odd and nothing is lost: an unknown variable, for example."""


def env_file() -> Path:
    """The `.env` of the working folder; without one, the nearest above it up to the root of the project.

    The root is the folder with `.git` or `pyproject.toml`. Nothing above it is read, and without a root only the
    working folder is: the file of a stranger is never used.
    """
    try:
        above = [Path.cwd(), *Path.cwd().parents]
        root = next((depth for depth, folder in enumerate(above) if any((folder / name).exists() for name in _ROOT)), 0)
        return next((path for folder in above[: root + 1] if (path := folder / ".env").is_file()), above[0] / ".env")
    except OSError:  # a working folder that was deleted, or one above it that may not be looked into
        return Path(".env")


def is_key(name: str) -> bool:
    """Whether the setting is a secret."""
    return name.endswith("_api_key")


def variable_of(name: str) -> str:
    """The documented variable of a setting.

    Example:
        >>> variable_of("years"), variable_of("fmp_api_key")
        ('FINASSIST_YEARS', 'FMP_API_KEY')
    """
    return name.upper() if is_key(name) else f"{PREFIX}{name.upper()}"


def known_variables(settings: Iterable[str]) -> list[str]:
    """Every variable that is read; a key may also have our prefix."""
    names = list(settings)
    return [*(f"{PREFIX}{name.upper()}" for name in names), *(variable_of(name) for name in names if is_key(name))]


def stray_variables(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names that look like ours and that are not read.

    Example:
        >>> stray_variables(["FINASSIST_ROUTNG", "FINASIST_YEARS", "PATH"], ["FINASSIST_ROUTING", "FINASSIST_YEARS"])
        ['FINASIST_YEARS', 'FINASSIST_ROUTNG']
    """
    ours = set(known)
    prefixed = [each for each in ours if each.startswith(PREFIX)]

    def near(name: str) -> bool:
        return name.startswith("FIN") and bool(get_close_matches(name, prefixed, n=1, cutoff=_NEAR))

    return sorted(name for name in {name.upper() for name in names} - ours if name.startswith(PREFIX) or near(name))


def misspelt_keys(names: Iterable[str], keys: Iterable[str]) -> dict[str, str]:
    """Names that look like one of the key variables, and the variable meant; only where that one is not set.

    Example:
        >>> misspelt_keys(["FMP_APIKEY", "AWS_SECRET_KEY"], ["FMP_API_KEY", "GROQ_API_KEY"])
        {'FMP_APIKEY': 'FMP_API_KEY'}
    """
    present = {name.upper() for name in names}
    absent = [key for key in keys if key not in present]
    candidates = sorted(name for name in present - set(keys) if "KEY" in name)
    near = {name: get_close_matches(name, absent, n=1, cutoff=_NEAR) for name in candidates}
    return {name: meant[0] for name, meant in near.items() if meant}


def warn_of_strays(strays: Iterable[str], known: Iterable[str]) -> None:
    """Warn of each once in a process, by name and never with its value."""
    names = list(known)
    for stray in strays:
        if stray not in _warned:
            _warned.add(stray)
            text = f"finassist reads no variable {stray}.{did_you_mean(stray, names) or ' Correct or remove it.'}"
            warnings.warn(text, FinassistWarning, skip_file_prefixes=(_PACKAGE,))
