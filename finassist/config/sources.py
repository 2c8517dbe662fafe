"""Where settings come from: arguments, `configure()`, the environment, `.env`; and what was misspelt there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from pydantic_settings.exceptions import SettingsError

from finassist.config.messages import did_you_mean

type Origin = Literal["argument", "configure()", "environment", ".env", "default"]

PREFIX: Final = "FINASSIST_"
_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep
_NEAR: Final = 0.85
_ROOT: Final = (".git", "pyproject.toml")
_warned: set[str] = set()


class FinassistWarning(UserWarning):
    """Something is odd and nothing is lost: a variable that nobody reads, for example."""


def env_file() -> Path:
    """The `.env` of the working folder; without one, the nearest above it up to the root of the project.

    A notebook works in its own folder, often one below the root. Above the folder with `.git` or `pyproject.toml`, or
    where there is none, nothing is looked for: a stranger's file is never read.
    """
    try:
        above = [Path.cwd(), *Path.cwd().parents]
        root = next((depth for depth, folder in enumerate(above) if any((folder / name).exists() for name in _ROOT)), 0)
        return next((path for folder in above[: root + 1] if (path := folder / ".env").is_file()), above[0] / ".env")
    except OSError:  # a working folder that was deleted, or one above it that may not be looked into
        return Path(".env")


# --------------------------------------------------------------------------------------------- names


def is_key(name: str) -> bool:
    """Whether the setting is a secret.

    Example:
        >>> is_key("fmp_api_key"), is_key("years")
        (True, False)
    """
    return name.endswith("_api_key")


def variable_of(name: str) -> str:
    """The variable of a setting, the way it is documented.

    Example:
        >>> variable_of("years"), variable_of("fmp_api_key")
        ('FINASSIST_YEARS', 'FMP_API_KEY')
    """
    return name.upper() if is_key(name) else f"{PREFIX}{name.upper()}"


def known_variables(settings: Iterable[str]) -> list[str]:
    """Every variable that is read; a key may also have our prefix.

    Example:
        >>> known_variables(["years", "fmp_api_key"])
        ['FINASSIST_YEARS', 'FINASSIST_FMP_API_KEY', 'FMP_API_KEY']
    """
    names = list(settings)
    return [*(f"{PREFIX}{name.upper()}" for name in names), *(variable_of(name) for name in names if is_key(name))]


def settings_by_name(settings: Iterable[str]) -> dict[str, str]:
    """A setting by each name that a source may call it."""
    names = list(settings)
    keys = [name for name in names if is_key(name)]
    return {name: name for name in names} | {spelt: key for key in keys for spelt in (preferred(key), key.upper())}


def preferred(name: str) -> str:
    """A setting by the name that pydantic looks for first."""
    return f"{PREFIX}{name.upper()}" if is_key(name) else name


# ------------------------------------------------------------------------------------------- origins


@dataclass(frozen=True, slots=True)
class Reading:
    """What is noted while one `Settings` is made: origins by setting, and the names of all variables that were seen."""

    origins: dict[str, Origin] = field(default_factory=dict[str, Origin])
    seen: set[str] = field(default_factory=set[str])


_reading: ContextVar[Reading | None] = ContextVar("finassist_settings_reading", default=None)


@contextmanager
def reading() -> Generator[Reading]:
    """Inside, every source notes what it delivered."""
    token = _reading.set(noted := Reading())
    try:
        yield noted
    finally:
        _reading.reset(token)


class Noted(PydanticBaseSettingsSource):
    """A source that notes which settings came from it."""

    def __init__(self, source: PydanticBaseSettingsSource, origin: Origin, names: Mapping[str, str]) -> None:
        super().__init__(source.settings_cls)
        self._source, self._names = source, names
        self._origin: Origin = origin

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Of the source itself."""
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """The values of the source."""
        try:
            values = self._source()
        except SettingsError as error:  # one of them is no JSON; the error's text names the setting, not the value
            self._note(name for name in self._names if f'"{name}"' in str(error))
            raise
        self._note(name for name in values if name in self._names)
        return values

    def _note(self, names: Iterable[str]) -> None:
        noted = _reading.get() or Reading()
        noted.seen.update(getattr(self._source, "env_vars", ()))
        for setting in {self._names[name] for name in names}:
            noted.origins.setdefault(setting, self._origin)  # the first source that has a value wins


class Given(PydanticBaseSettingsSource):
    """A source that is a mapping: what `configure()` was told."""

    def __init__(self, settings: type[BaseSettings], values: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._values = values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """By the setting's own name."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Every value."""
        return dict(self._values)


# -------------------------------------------------------------------------------- names nobody reads


def stray_variables(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names that were meant for finassist and that it does not read.

    Example:
        >>> stray_variables(["FINASSIST_ROUTNG", "FINASIST_YEARS", "PATH"], ["FINASSIST_ROUTING", "FINASSIST_YEARS"])
        ['FINASIST_YEARS', 'FINASSIST_ROUTNG']
    """
    ours = set(known)
    upper = {name.upper() for name in names} - ours
    return sorted(name for name in upper if name.startswith(PREFIX) or _nearly_ours(name, ours))


def _nearly_ours(name: str, ours: Iterable[str]) -> bool:
    prefixed = [each for each in ours if each.startswith(PREFIX)]
    return name.startswith("FIN") and bool(get_close_matches(name, prefixed, n=1, cutoff=_NEAR))


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
