"""Names of settings in the environment and in `.env`: which are ours, and which are misspelt."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterable, Sequence
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


def unread_variables(names: Iterable[str], settings: Collection[str], *, keys: bool = False) -> dict[str, str]:
    """Variables that look like ours and are not read, each with a hint at the one that was meant, if it is clear.

    Args:
        names: Variables that are set.
        settings: Names of all settings.
        keys: Whether also those that look like a key of ours which is not set.

    Example:
        >>> unread_variables(["FINASSIST_ROUTNG", "FINASSIST_XYZZY_Q", "PATH"], ["routing"])
        {'FINASSIST_ROUTNG': ' Did you mean FINASSIST_ROUTING?', 'FINASSIST_XYZZY_Q': ''}
        >>> unread_variables(["FMP_APIKEY", "AWS_SECRET_KEY"], ["fmp_api_key"], keys=True)
        {'FMP_APIKEY': ' Did you mean FMP_API_KEY?'}
    """
    present = {name.upper() for name in names}
    prefixed = [f"{PREFIX}{name.upper()}" for name in settings]
    read = {*prefixed, *map(variable_of, settings)}
    meant = [name for name in read - present if not name.startswith(PREFIX)]
    found: dict[str, str] = {}
    for name in sorted(present - read):
        if name.startswith(PREFIX) or (name.startswith("FIN") and _near(name, prefixed)):
            found[name] = did_you_mean(name, sorted(read))
        elif keys and "KEY" in name and (near := _near(name, meant)):
            found[name] = f" Did you mean {near[0]}?"
    return found


def _near(name: str, names: Sequence[str]) -> list[str]:
    return get_close_matches(name, names, n=1, cutoff=_NEAR)


def warn_of_unread(names: Iterable[str], settings: Collection[str]) -> None:
    """Warn of each once in a process, by name and never with its value."""
    for name, hint in unread_variables(names, settings).items():
        if name not in _warned:
            _warned.add(name)
            text = f"finassist reads no variable {name}.{hint or ' Correct or remove it.'}"
            warnings.warn(text, FinassistWarning, skip_file_prefixes=(_PACKAGE,))
