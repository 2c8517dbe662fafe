"""`finassist sessions`, `history`, `cache`, `config` and `data`: what is stored."""

from __future__ import annotations

import argparse
import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from finassist.apps.cli.answers import document
from finassist.apps.terminal import (
    FAILED,
    OK,
    USAGE,
    coloured,
    complain,
    printable,
    rows_of,
    say,
    show_json,
    show_table,
)

if TYPE_CHECKING:
    from finassist.providers.http.cache import Cache
    from finassist.reporting.frames import DataFrame
    from finassist.sessions.history import Conversations
    from finassist.workflow import FinancialAssistantWorkflow

_SESSIONS: Final = ("session_id", "name", "turns", "last_question", "symbols", "updated_at")
_HISTORY: Final = ("started", "status", "latency", "tokens", "cost", "symbols", "question")
_COVERED: Final = ("symbol", "name", "sector", "first_year", "last_year", "quarters", "market_value")
_UNITS: Final = {
    "started": " (UTC)",
    "updated_at": " (UTC)",
    "latency": " (s)",
    "cost": " (USD)",
    "market_value": " (USD)",
}
_LARGE: Final = 1e6
_MOST_LISTED: Final = 5
"""Symbols in a cell: a screen of all companies would make every row as wide as its list."""


def sessions(options: argparse.Namespace) -> int:
    """List conversations, the latest first."""
    _print(_workflow(options).sessions(), _SESSIONS, options)
    return OK


def history(options: argparse.Namespace) -> int:
    """List every question that was asked."""
    frame = _workflow(options).history()
    frame = frame.head(options.last) if options.last is not None else frame
    if not (options.json or options.csv):
        frame = frame.assign(tokens=frame["tokens_in"] + frame["tokens_out"])
    _print(frame, _HISTORY, options)
    return OK


def show(options: argparse.Namespace) -> int:
    """Print a conversation."""
    from finassist.apps.terminal import on_terminal, show_markdown
    from finassist.reporting.markdown import conversation_markdown

    answers = _workflow(options).answers(options.session)
    if not answers:
        return _unknown(options.session)
    if options.json:
        asked = [document(answer, str(answer.input)) for answer in answers]
        show_json({"session_id": options.session, "answers": asked})
        return OK
    text = conversation_markdown(answers)
    show_markdown(text) if on_terminal() else say(printable(text), end="")
    return OK


def rename(options: argparse.Namespace) -> int:
    """Give a conversation a name."""
    asyncio.run(_conversations(options).rename(options.session, options.name))
    text = (
        f"{options.session} is named “{options.name}”." if options.name.strip() else f"{options.session} has no name."
    )
    _tell(options, text, session_id=options.session, name=options.name)
    return OK


def delete(options: argparse.Namespace) -> int:
    """Delete a conversation; without `--yes` ask first."""
    conversations = _conversations(options)
    found, answers = asyncio.run(conversations.read(options.session))
    if not answers:
        return _unknown(options.session)
    if not options.yes and not sys.stdin.isatty():
        return complain("Deleting needs a confirmation, and this is no terminal. Confirm with --yes.", USAGE)
    if not options.yes and not _agreed(f"Delete “{found.name}” and its {_answers(len(answers))}? [y/N] "):
        return complain("Nothing was deleted.", FAILED)
    asyncio.run(conversations.delete(options.session))
    text = f"Deleted {options.session} and its {_answers(len(answers))}."
    _tell(options, text, session_id=options.session, deleted=len(answers))
    return OK


def show_config(options: argparse.Namespace) -> int:
    """Print every setting with its origin."""
    from finassist.config.settings import Settings

    header, rows = ("setting", "value", "from"), Settings().rows()
    if options.json:
        show_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        show_table(header, ([cell or "–" for cell in row] for row in rows))
    return OK


def check_up(options: argparse.Namespace) -> int:
    """Check the installation, the settings, the disk and the connections."""
    from finassist.apps.cli.doctor import doctor

    checkup = asyncio.run(doctor())
    styles = {"ok": "green", "note": "magenta", "FAILED": "bold red"}
    show_json(checkup.to_dict()) if options.json else coloured(str(checkup), styles)
    return OK if checkup.ok else FAILED


def trust_env(options: argparse.Namespace) -> int:
    """Trust a `.env`, and say what it sets from now on."""
    from dotenv import dotenv_values

    from finassist.config.sources import env_file, is_trusted, trust

    path = Path(options.file) if options.file else env_file()
    if path is None or not path.is_file():
        return complain(f"There is no file {path or '.env in this folder or its project'}.", USAGE)
    trust(path)
    if not is_trusted(path):
        return complain("Your data folder cannot be written, so nothing can be trusted for later.", FAILED)
    names = sorted(dotenv_values(path, encoding="utf-8-sig"))
    text = f"Trusted until it is changed: {path}, which sets {', '.join(names) or 'nothing'}."
    _tell(options, text, file=str(path), sets=names)
    return OK


def data(options: argparse.Namespace) -> int:
    """Print what the embedded data covers, or some of its companies."""
    from finassist.providers.embedded.coverage import summary, universe

    if not (options.symbols or options.sector or options.json or options.csv):
        show_table(("embedded", ""), list(summary().items()))
        return OK
    frame = universe().to_frame().reset_index()
    wanted = [symbol.upper().removeprefix("$").replace(".", "-") for symbol in options.symbols]
    if strangers := [symbol for symbol in wanted if symbol not in set(frame["symbol"])]:
        return complain(f"Not embedded: {', '.join(strangers)}. `finassist data --csv` lists all companies.", FAILED)
    frame = frame[frame["symbol"].isin(wanted)] if wanted else frame
    if options.sector:
        known = sorted(set(frame["sector"]) - {""})
        frame = frame[frame["sector"].str.casefold() == options.sector.casefold()]
        if frame.empty and not wanted:
            return complain(f"No company is in {options.sector}. Sectors: {', '.join(known)}.", FAILED)
    _print(frame, _COVERED, options)
    return OK


def show_cache(options: argparse.Namespace) -> int:
    """Print how many answers of live data sources are cached, and where."""
    cache, folder, used = _cache()
    size = cache.size()
    note = "" if used else " The setting cache is off: cached answers are neither used nor added."
    text = f"{_answers(size.entries)}, {size.bytes / 1e6:,.1f} MB, in {folder}.{note}"
    _tell(options, text, answers=size.entries, bytes=size.bytes, folder=str(folder), used=used)
    return OK


def clear_cache(options: argparse.Namespace) -> int:
    """Remove every cached answer."""
    cache, folder, _ = _cache()
    removed = cache.clear()
    _tell(options, f"Removed {_answers(removed)} from {folder}.", removed=removed, folder=str(folder))
    return OK


def _answers(number: int) -> str:
    return f"{number:,} answer{'' if number == 1 else 's'}"


def _tell(options: argparse.Namespace, text: str, **data: Any) -> None:
    """Say what was done, or print the same as JSON."""
    show_json(data) if options.json else say(printable(text))


def _cache() -> tuple[Cache, Path, bool]:
    from finassist.config.settings import Settings
    from finassist.providers.http.cache import Cache

    settings = Settings()
    return Cache(settings.cache_folder), settings.cache_folder, settings.cache


def _workflow(options: argparse.Namespace) -> FinancialAssistantWorkflow:
    from finassist.workflow import FinancialAssistantWorkflow

    return FinancialAssistantWorkflow(db=options.db)


def _conversations(options: argparse.Namespace) -> Conversations:
    from finassist.sessions.history import Conversations
    from finassist.sessions.store import check_session_id

    workflow = _workflow(options)
    check_session_id(options.session)
    return Conversations(workflow.store, workflow.locks)


def _agreed(question: str) -> bool:
    say(printable(question), end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _unknown(session_id: str) -> int:
    return complain(f"There is no conversation {session_id!r}. `finassist sessions` lists all of them.", FAILED)


def _print(frame: DataFrame, columns: tuple[str, ...], options: argparse.Namespace) -> None:
    if options.csv:
        from finassist.reporting.files import safe_csv

        say(safe_csv(frame), end="")
    elif options.json:
        show_json(rows_of(frame))
    else:
        rows = frame[list(columns)].astype("object").itertuples(index=False, name=None)
        header = [name.replace("_", " ") + _UNITS.get(name, "") for name in columns]
        show_table(header, ([_cell(value) for value in row] for row in rows))


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        listed = [str(each) for each in value]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        more = len(listed) - _MOST_LISTED
        return ", ".join(listed[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
    if value is None or str(value) in ("<NA>", "NaT", "nan"):
        return "–"
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float) and value >= _LARGE:
        from finassist.core.formatting import money

        return money(Decimal(value), None)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
