"""Names of settings in the environment and in `.env`: which are ours, are misspelt, or need the trust of a person."""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, cast

from finassist.config.trust import is_trusted, seal
from finassist.core.errors import ConfigurationError
from finassist.core.text import did_you_mean

PREFIX: Final = "FINASSIST_"

HARMLESS: Final = frozenset({
    "cache", "concurrency", "fetch_timeout", "fmp_plan", "history_lifetime", "http_attempts", "http_timeout", "live",
    "max_companies", "max_question_length", "max_reply_chars", "metrics_lifetime", "model_retries", "model_timeout",
    "news_lifetime", "per_minute", "profile_lifetime", "question_timeout", "quote_lifetime",
    "recommendations_lifetime", "remembered_turns", "routing", "search_lifetime", "statement_lifetime",
    "summary_after", "years",
})  # fmt: skip
"""Settings that a `.env` may set before it is trusted: display and limits, and never who answers or what is read."""

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep
_NEAR: Final = 0.85
_ROOT: Final = (".git", "pyproject.toml")
_warned: set[str] = set()


class FinassistWarning(UserWarning):
    """Something is odd and nothing is lost: an unknown variable, for example."""


def env_file() -> Path | None:
    """The `.env` of the working folder; without one, the nearest above it up to the root of the project.

    The root is the folder with `.git` or `pyproject.toml`. Nothing above it is read, and without a root only the
    working folder is.
    """
    try:
        above = [Path.cwd(), *Path.cwd().parents]
        root = next((depth for depth, folder in enumerate(above) if any((folder / name).exists() for name in _ROOT)), 0)
        found = next((path for folder in above[: root + 1] if _is_file(path := folder / ".env")), None)
    except OSError:  # a working folder that was deleted, or one above it that may not be looked into
        return None
    return found


def _is_file(path: Path) -> bool:
    if path.exists() and not path.is_file() and not path.is_dir():
        _warn(f"{path} is no ordinary file and is not read.")
    return path.is_file()


def ordinary(files: Any) -> Any:
    """The path or paths of `.env` files as given, which must be no pipe or device: reading that may never end."""
    for each in cast("Sequence[Any]", files) if isinstance(files, list | tuple) else (files,):
        if each is not None and (path := Path(each).expanduser()).exists() and not path.is_file():
            raise ConfigurationError(f"{path} is no ordinary file. Give `_env_file` the path of a text file.")
    return cast("object", files)


def untrusted(file: Path, variables: Iterable[str], settings: Collection[str]) -> dict[str, str]:
    """The variables that a `.env` may not set before it is trusted, each with its setting."""
    names = {name for name in settings if name not in HARMLESS}
    meant = {text.upper(): name for name in names for text in (f"{PREFIX}{name}", variable_of(name))}
    found = {variable: meant[variable.upper()] for variable in variables if variable.upper() in meant}
    return found if found and not is_trusted(file) else {}


def warn_of_untrusted(file: Any, variables: Sequence[str]) -> None:
    """Warn once for each version of a file that lines of it are ignored, and how to change that."""
    if variables:
        text = (
            f"{file} sets {', '.join(sorted(variables)).upper()}. That is ignored until you trust the file: one that "
            "came with a folder could name a cache, a model or a data source of somebody else. If it is yours, run: "
            f"finassist config trust {shlex.quote(str(file))}"
        )
        _warn(text, version=seal(file))


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
        _warn(f"finassist reads no variable {name}.{hint or ' Correct or remove it.'}")


def _warn(text: str, version: str = "") -> None:
    if text + version not in _warned:
        _warned.add(text + version)
        warnings.warn(text, FinassistWarning, skip_file_prefixes=(_PACKAGE,))
