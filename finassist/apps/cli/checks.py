"""What `finassist doctor` looks at on this machine: one function for each thing, and no network."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from finassist.config.messages import did_you_mean
from finassist.config.settings import KEYS, Settings
from finassist.config.sources import env_file, known_variables, misspelt_keys, stray_variables, variable_of
from finassist.core.redaction import redact
from finassist.providers.http.cache import Cache

type Verdict = Literal["ok", "note", "failed"]

_MEGABYTE: Final = 1_000_000
_SQLITE_MENDED: Final = (3, 51, 3)
_OPEN_TO_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it was.
        verdict: `"ok"`; `"note"`: works, and could be better; `"failed"`: something does not work.
        text: What is so, and unless it is fine what to do.
    """

    name: str
    verdict: Verdict
    text: str


# ----------------------------------------------------------------------------------------- installation


def check_python() -> Check:
    """The interpreter."""
    text = f"{platform.python_version()} ({platform.python_implementation()}) on {platform.system()}"
    return Check("Python", "ok", text)


def check_packages() -> Iterator[Check]:
    """What finassist needs, and which extras are installed."""
    needed = [_Requirement.of(line) for line in importlib.metadata.requires("finassist") or []]
    core = [each for each in needed if not each.extra]
    missing = [each.package for each in core if not each.version]
    found = ", ".join(f"{each.package} {each.version}" for each in core if each.version)
    if missing:
        yield Check("packages", "failed", f"Not installed: {', '.join(missing)}. Run: pip install --upgrade finassist")
    yield Check("packages", "ok", found)
    extras = sorted({each.extra for each in needed if each.extra})
    whole = [extra for extra in extras if all(each.version for each in needed if each.extra == extra)]
    rest = ", ".join(extra for extra in extras if extra not in whole)
    text = f"installed: {', '.join(whole) or 'none'}" + (f"; pip install 'finassist[…]' adds {rest}" if rest else "")
    yield Check("extras", "ok", text)


@dataclass(frozen=True, slots=True)
class _Requirement:
    package: str
    extra: str
    version: str

    @classmethod
    def of(cls, line: str) -> _Requirement:
        package = (re.match(r"[\w.-]+", line) or [""])[0]
        extra = re.search(r"extra\s*==\s*[\"']([\w-]+)", line)
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = ""
        return cls(package, extra[1] if extra else "", version)


def check_sqlite() -> Check:
    """The SQLite library that Python was built with."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _SQLITE_MENDED:
        wanted = ".".join(map(str, _SQLITE_MENDED))
        advice = "A newer Python brings a newer one. Until then keep a copy of sessions that matter."
        return Check("SQLite", "note", f"{version}; before {wanted} a rare race could damage a database. {advice}")
    return Check("SQLite", "ok", version)


# ------------------------------------------------------------------------------------------- settings


def check_keys(settings: Settings) -> Check:
    """Which keys there are, and where they came from."""
    present = [f"{variable_of(name)} ({settings.origin(name)})" for name in KEYS if getattr(settings, name)]
    absent = [variable_of(name) for name in KEYS if not getattr(settings, name)]
    parts = [f"set: {', '.join(present) or 'none'}", *([f"not set: {', '.join(absent)}"] if absent else [])]
    return Check("keys", "ok", "; ".join(parts))


def check_variables() -> Iterator[Check]:
    """Variables that look like ours and that nobody reads."""
    known = known_variables(Settings.model_fields)
    for name in stray_variables(os.environ, known):
        hint = did_you_mean(name, known) or " Correct its spelling, or remove it."
        yield Check("variables", "note", f"{name} is not read.{hint}")
    for name, meant in misspelt_keys(os.environ, [variable_of(key) for key in KEYS]).items():
        yield Check("variables", "note", f"{name} is not read. Did you mean {meant}?")


def check_env_file(settings: Settings) -> Iterator[Check]:
    """The `.env` that is read, if it has keys in it."""
    path = env_file()
    if any(settings.origin(name) == ".env" for name in KEYS) and _is_open(path):
        where = os.path.relpath(path)
        yield Check(".env", "note", f"It has keys, and others on this machine can read it. Run: chmod 600 {where}")


# ---------------------------------------------------------------------------------------------- disk


def check_database(settings: Settings) -> Check:
    """The session database: whether it can be written, and who can read it."""
    path = settings.database
    if not _writable(path):
        return Check("sessions", "failed", f"{path} cannot be written. Set FINASSIST_HOME to a folder of your own.")
    if not path.exists():
        return Check("sessions", "ok", f"{path} is made when the first answer is stored")
    files = [file for suffix in ("", "-wal", "-shm", "-journal") if (file := Path(f"{path}{suffix}")).exists()]
    if opened := [file for file in files if _is_open(file)]:
        return Check("sessions", "note", f"Others can read it. Run: chmod 600 {' '.join(map(str, opened))}")
    if _is_open(path.parent):
        return Check("sessions", "note", f"Others can look into its folder. Run: chmod 700 {path.parent}")
    megabytes = sum(file.stat().st_size for file in files) / _MEGABYTE
    return Check("sessions", "ok", f"{path} ({megabytes:.1f} MB, only you can read it)")


def check_cache(settings: Settings) -> Check:
    """The cache of live data: where it is and how large."""
    folder = settings.cache_folder
    if not settings.cache:
        return Check("cache", "ok", "off (FINASSIST_CACHE)")
    if not _writable(folder / "entry"):
        return Check("cache", "note", f"{folder} cannot be written, so nothing is kept. Set FINASSIST_CACHE_FOLDER.")
    if folder.exists() and _is_open(folder):
        return Check("cache", "note", f"Others can look into it. Run: chmod 700 {folder}")
    size = Cache(folder).size()
    since = f", since {size.oldest:%Y-%m-%d %H:%M} UTC" if size.oldest else ""
    return Check("cache", "ok", f"{folder}: {size.entries:,} answers, {size.bytes / _MEGABYTE:.1f} MB{since}")


def check_disk(settings: Settings) -> Iterator[Check]:
    """Free space where sessions and cache are."""
    for path in dict.fromkeys(map(_existing, (settings.home, settings.cache_folder))):
        megabytes = shutil.disk_usage(path).free / _MEGABYTE
        text = f"{megabytes:,.0f} MB free at {path}"
        if megabytes < 50:
            yield Check("disk", "failed", f"{text}. Make room, or set FINASSIST_HOME to another disk.")
        else:
            yield Check("disk", "ok" if megabytes > 500 else "note", text)


def _existing(path: Path) -> Path:
    return next((each for each in (path, *path.parents) if each.exists()), path)


def _writable(path: Path) -> bool:
    place = _existing(path)
    return os.access(place, os.W_OK) and (place == path or place.is_dir())


def _is_open(path: Path) -> bool:
    """Whether others may read it; where there are no such modes (Windows), no."""
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & _OPEN_TO_OTHERS)


def plain(text: str, secrets: Iterable[str]) -> str:
    r"""Text from outside for a terminal or a cell: on one line, without what a terminal would obey, without keys.

    Example:
        >>> plain("refused:\x1b[31m s3cret-key", ["s3cret-key"])
        'refused: [31m [hidden]'
    """
    return " ".join("".join(char if char.isprintable() else " " for char in redact(text, secrets)).split())
