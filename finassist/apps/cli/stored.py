"""`finassist sessions` and `history`: what was asked before."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from finassist.apps.cli.common import FAILED, OK, USAGE, add_command, add_database, open_workflow
from finassist.apps.terminal import complain, printable, say

if TYPE_CHECKING:
    import pandas as pd

    from finassist.sessions.conversations import Conversations

_SESSIONS: Final = ("session_id", "name", "turns", "last_question", "symbols", "updated_at")
_HISTORY: Final = ("started", "status", "latency", "tokens", "cost", "symbols", "question")
_UNITS: Final = {"started": " (UTC)", "updated_at": " (UTC)", "latency": " (s)", "cost": " (USD)"}


def add(commands: Any) -> None:
    """The commands and their options."""
    text = "List stored conversations, print one, give one a name, or delete one."
    sessions = add_command(commands, "sessions", "list, show, rename or delete conversations", text)
    _add_form(sessions)
    add_database(sessions)
    sessions.set_defaults(command=_list)
    _add_actions(sessions.add_subparsers(title="commands", metavar="COMMAND"))
    text = "List every question that was asked, the latest first: how it ended, what it took, what it was about."
    history = add_command(commands, "history", "list every question that was asked", text)
    _add_form(history)
    history.add_argument("-n", "--last", type=int, metavar="N", help="only the last N; by default all")
    add_database(history)
    history.set_defaults(command=_history)


def _add_actions(actions: Any) -> None:
    listed = actions.add_parser("list", help="all of them, the latest first (the default)")
    show = actions.add_parser("show", help="print a conversation as Markdown")
    rename = actions.add_parser("rename", help="give a conversation a name")
    delete = actions.add_parser("delete", help="delete a conversation and all that was asked in it")
    for action, command in ((show, _show), (rename, _rename), (delete, _delete)):
        action.add_argument("session", metavar="ID", help="its id, as the list has it")
        add_database(action, again=True)
        action.set_defaults(command=command)
    _add_form(listed, again=True)
    add_database(listed, again=True)
    rename.add_argument("name", help="of one line; an empty one takes the name away")
    delete.add_argument("--yes", action="store_true", help="do not ask whether that is meant")
    listed.set_defaults(command=_list)


def _add_form(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    form = parser.add_mutually_exclusive_group()
    unset = argparse.SUPPRESS if again else False  # else it would take back what stands before the subcommand
    form.add_argument("--json", action="store_true", default=unset, help="as JSON instead of a table")
    form.add_argument("--csv", action="store_true", default=unset, help="as CSV, with every column")


def _list(options: argparse.Namespace) -> int:
    _print(open_workflow(db=options.db).sessions(), _SESSIONS, options)
    return OK


def _history(options: argparse.Namespace) -> int:
    frame = open_workflow(db=options.db).history()
    frame = frame.head(options.last) if options.last is not None else frame
    if not (options.json or options.csv):
        frame = frame.assign(tokens=frame["tokens_in"] + frame["tokens_out"])
    _print(frame, _HISTORY, options)
    return OK


def _show(options: argparse.Namespace) -> int:
    from finassist.apps.cli.show import on_terminal, show_markdown
    from finassist.reporting.export import conversation_markdown

    answers = open_workflow(db=options.db).answers(options.session)
    if not answers:
        return _unknown(options.session)
    text = conversation_markdown(answers)
    show_markdown(text) if on_terminal() else say(printable(text), end="")
    return OK


def _rename(options: argparse.Namespace) -> int:
    asyncio.run(_conversations(options).rename(options.session, options.name))
    return OK


def _delete(options: argparse.Namespace) -> int:
    conversations = _conversations(options)
    found, answers = asyncio.run(conversations.read(options.session))
    if not answers:
        return _unknown(options.session)
    if not options.yes and not sys.stdin.isatty():
        return complain("Nobody is there to ask whether that is meant. Say so with --yes.", USAGE)
    if not options.yes and not _agreed(f"Delete “{found.name}” and its {len(answers):,} answers? [y/N] "):
        return complain("Nothing was deleted.", FAILED)
    asyncio.run(conversations.delete(options.session))
    return OK


def _conversations(options: argparse.Namespace) -> Conversations:
    from finassist.sessions.conversations import Conversations
    from finassist.sessions.store import check_session_id

    workflow = open_workflow(db=options.db)
    check_session_id(options.session)
    return Conversations(workflow.store, workflow.locks)


def _agreed(question: str) -> bool:
    say(printable(question), end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _unknown(session_id: str) -> int:
    return complain(f"There is no conversation {session_id!r}. `finassist sessions` lists all of them.", FAILED)


def _print(frame: pd.DataFrame, columns: tuple[str, ...], options: argparse.Namespace) -> None:
    if options.csv:
        from finassist.reporting.export import safe_csv

        say(safe_csv(frame), end="")
    elif options.json:
        say(json.dumps(json.loads(frame.to_json(orient="records", date_format="iso")), indent=2))
    else:
        from finassist.apps.cli.show import show_table

        rows = frame[list(columns)].astype("object").itertuples(index=False, name=None)
        header = [name.replace("_", " ") + _UNITS.get(name, "") for name in columns]
        show_table(header, ([_cell(value) for value in row] for row in rows))


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if value is None or str(value) in ("<NA>", "NaT", "nan"):
        return "–"
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
