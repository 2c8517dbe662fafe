"""`finassist doctor`: checks of the installation, the settings, the disk and the connections, each with what to do."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import re
import shutil
import sqlite3
import stat
import textwrap
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from agno.models.base import Model
from agno.tools.finance import FinanceProvider
from dotenv import dotenv_values

from finassist.config.settings import KEYS, Settings
from finassist.config.sources import env_file, unread_variables, untrusted, variable_of
from finassist.core.errors import ConfigurationError, FinassistError
from finassist.core.process import hush
from finassist.core.secrets import Secrets, redact, secrets_of

type Verdict = Literal["ok", "note", "failed"]

_PROVIDER_SECONDS: Final = 8.0
_MODEL_SECONDS: Final = 20.0
_WIDTH: Final = 100
_ASKED: Final = "AAPL"
_LEAST_FREE: Final = 50
"""Megabytes."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it was, how it ended, what is so, and unless it is fine what to do.

    The verdict is `"ok"`; `"note"`: works, and could be better; or `"failed"`: something does not work.
    """

    name: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, repr=False)
class Checkup:
    """What the doctor found, in order. Printing it shows a table; `ok` says whether everything works."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed. A note is no failure."""
        return all(check.verdict != "failed" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}

    def __repr__(self) -> str:
        wide = max(len(check.name) for check in self.checks)
        lines = [line for check in self.checks for line in _lines(check, wide)]
        notes, failures = (sum(check.verdict == each for check in self.checks) for each in ("note", "failed"))
        noted = f", with {notes} note{'s' if notes > 1 else ''}" if notes else ""
        end = f"{failures} failed" if failures else f"Everything works{noted}"
        return "\n".join([*lines, "", f"{end}."])


def _lines(check: Check, wide: int) -> list[str]:
    head = f"{check.verdict.upper() if check.verdict == 'failed' else check.verdict:<6}  {check.name:<{wide}}  "
    return textwrap.wrap(
        check.text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]  # fmt: skip


async def doctor(settings: Settings | None = None, *, model: Any = None, provider: Any = None) -> Checkup:
    """Check the installation, the settings, the disk and the connections. Works offline.

    A live data source is asked for one quote, past the cache; a live model for one word. With embedded figures and
    the offline model nothing is sent. No value of a key is shown, only whether it is set.

    Args:
        settings: What to check; by default what a new workflow would use.
        model: The model to ask, as for a workflow; by default that of the settings.
        provider: The data provider to ask, as for a workflow; by default that of the settings.

    Example:
        >>> checkup = await doctor()  # doctest: +SKIP
        >>> checkup.ok  # doctest: +SKIP
        True
    """
    checks = [*_installation()]
    try:
        settings = settings or Settings()
    except ConfigurationError as error:
        return Checkup((*checks, Check("settings", "failed", str(error)), *_variables()))
    checks += [*_settings(settings), *_variables(), *_folders(settings)]
    async with asyncio.TaskGroup() as group:
        data = group.create_task(_all("data", _provider(provider, settings), settings))
        words = group.create_task(_all("model", _model(model, settings), settings))
    return Checkup((*checks, *data.result(), *words.result()))


# ------------------------------------------------------------------------------------------- this machine


def _installation() -> Iterator[Check]:
    yield Check("Python", "ok", f"{platform.python_version()} on {platform.system()}, SQLite {sqlite3.sqlite_version}")
    lines = [line for line in importlib.metadata.requires("finassist") or [] if "extra ==" not in line]
    found = {name: _version(name) for line in lines for name in re.findall(r"^[\w.-]+", line)}
    if missing := [name for name, version in found.items() if not version]:
        yield Check("packages", "failed", f"Not installed: {', '.join(missing)}. Run: pip install --upgrade finassist")
    yield Check("packages", "ok", ", ".join(f"{name} {version}" for name, version in found.items() if version))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _settings(settings: Settings) -> Iterator[Check]:
    changed = [f"{name} ({origin})" for name, _, origin in settings.rows() if origin != "default"]
    yield Check("settings", "ok", f"not default: {', '.join(changed)}" if changed else "all defaults")
    present = [f"{variable_of(name)} ({settings.origin(name)})" for name in KEYS if getattr(settings, name)]
    absent = [variable_of(name) for name in KEYS if not getattr(settings, name)]
    yield Check("keys", "ok", f"set: {', '.join(present) or 'none'}; not set: {', '.join(absent) or 'none'}")
    if path := env_file():
        yield from _env(path, settings)


def _env(path: Path, settings: Settings) -> Iterator[Check]:
    if any(settings.origin(name) == ".env" for name in KEYS) and _is_open(path):
        where = os.path.relpath(path)
        yield Check(".env", "note", f"It has keys, and others on this machine can read it. Run: chmod 600 {where}")
    if ignored := untrusted(path, dotenv_values(path, encoding="utf-8-sig"), Settings.model_fields):
        names = ", ".join(sorted(variable.upper() for variable in ignored))
        yield Check(
            ".env", "note", f"{names} ignored: the file is not trusted. If it is yours, run: finassist config trust"
        )


def _variables() -> Iterator[Check]:
    """Variables that look like ours and are not read."""
    for name, hint in unread_variables(os.environ, Settings.model_fields, keys=True).items():
        yield Check("variables", "note", f"{name} is not read.{hint or ' Correct its spelling, or remove it.'}")


def _folders(settings: Settings) -> Iterator[Check]:
    database = settings.database
    files = [file for suffix in ("", "-wal", "-shm", "-journal") if (file := Path(f"{database}{suffix}")).exists()]
    yield _folder("sessions", database.parent, files, "FINASSIST_HOME")
    if settings.cache:
        yield _folder("cache", settings.cache_folder, [], "FINASSIST_CACHE_FOLDER")


def _folder(name: str, folder: Path, files: list[Path], variable: str) -> Check:
    """Whether a folder can be written, who can read it, and how much room there is."""
    place = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if not place.is_dir() or not all(os.access(each, os.W_OK) for each in (place, *files)):
        return Check(name, "failed", f"{folder} cannot be written. Set {variable} to a folder of your own.")
    if opened := [str(file) for file in files if _is_open(file)]:
        return Check(name, "note", f"Others can read it. Run: chmod 600 {' '.join(opened)}")
    if place == folder and _is_open(folder):
        return Check(name, "note", f"Others can read it. Run: chmod 700 {folder}")
    free = shutil.disk_usage(place).free / 1_000_000
    if free < _LEAST_FREE:
        text = f"Only {free:,.0f} MB are free at {place}. Make room, or set {variable} to a folder on another disk."
        return Check(name, "failed", text)
    return Check(name, "ok", f"{folder} ({free:,.0f} MB free)")


def _is_open(path: Path) -> bool:
    """Whether others may read it; Windows has no such modes, so there never."""
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


# ------------------------------------------------------------------------------------------ connections


async def _provider(provider: Any, settings: Settings) -> AsyncIterator[Check]:
    from finassist.providers.registry import open_provider

    uncached = settings.model_copy(update={"quote_lifetime": 0})  # asks the source, not the cache
    opened = open_provider(provider or settings.provider, uncached)
    for source in cast("Sequence[FinanceProvider]", getattr(opened, "providers", (opened,))):
        if source.id == "embedded":
            yield Check("data", "ok", f"{source.name}: offline, needs no key")
        else:
            yield await _asked("data", source.name, _sample(source), _PROVIDER_SECONDS, settings)
            if detail := source.status().detail:
                yield Check("plan", "ok", detail)


async def _sample(source: FinanceProvider) -> str:
    """A quote; a profile of a source that has no quotes."""
    if not source.supports("get_quote"):
        return f"answers: {_ASKED} is {(await source.aget_company_profile(_ASKED)).name}"
    quote = await source.aget_quote(_ASKED)
    return f"answers: {quote.symbol} {quote.currency or ''} {quote.price} of {quote.as_of or 'no date'}"


async def _model(model: Any, settings: Settings) -> AsyncIterator[Check]:
    from finassist.llm import resolve_model

    opened: Any = resolve_model(model or settings.model, settings)
    for each in cast("Sequence[Model]", (opened, *getattr(opened, "fallbacks", ()))):
        if each.id == "offline":
            yield Check("model", "ok", "offline: rules and a glossary, needs no key")
        else:
            who = f"{each.provider} {each.id}"
            yield await _asked("model", who, _word(each, settings), _MODEL_SECONDS, settings)


async def _all(name: str, checks: AsyncIterator[Check], settings: Settings) -> list[Check]:
    """The checks, or one that says why there is nothing to check."""
    try:
        return [check async for check in checks]
    except FinassistError as error:
        return [Check(name, "failed", _plain(str(error), settings))]


async def _word(model: Model, settings: Settings) -> str:
    from finassist.llm.agents import build_agent
    from finassist.llm.calls import Limits
    from finassist.runtime.effects import AgentCall, Ask

    hush()  # what Agno would log about a failure is the verdict
    agent: Any = build_agent("chat", model)
    agent.fallback_config = None  # each fallback model is asked by itself
    secrets = Secrets((*settings.secrets(), *secrets_of(model)))
    call = AgentCall(Ask("chat", "Reply with the single word: ready"), agent, Limits.of(settings), secrets)
    with call.watched():
        reply = call.reply(await call.agent.arun(call.ask.message), asyncio.CancelledError)
    if reply.error:
        raise reply.error
    return f"answers: {str(reply.content)[:40]}"


async def _asked(name: str, who: str, asking: Coroutine[Any, Any, str], seconds: float, settings: Settings) -> Check:
    """Whether a source or model answers in time, or the reason it gave."""
    try:
        async with asyncio.timeout(seconds):
            text = await asking
    except TimeoutError:
        text = f"{who} did not answer within {seconds:g} seconds. Check the network, then ask again."
        return Check(name, "failed", text)
    except Exception as error:  # noqa: BLE001  whatever a live source or an SDK raises, the other checks run
        reason = str(error) or type(error).__name__
        named = who in reason or f"The model {who.partition(' ')[2]} " in reason
        return Check(name, "failed", _plain(reason if named else f"{who} does not answer. {reason}", settings))
    return Check(name, "ok", _plain(f"{who} {text}", settings))


def _plain(text: str, settings: Settings) -> str:
    """Text from outside: on one line, without control characters and keys."""
    shown = redact(text, settings.secrets())
    return " ".join("".join(char if char.isprintable() else " " for char in shown).split())
