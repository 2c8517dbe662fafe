"""`finassist batch`: the questions of a file, answered into a file."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from finassist.apps.cli.common import FAILED, INTERRUPTED, OK, add_command, open_workflow
from finassist.apps.terminal import complain, note, say

if TYPE_CHECKING:
    import pandas as pd

    from finassist.batch.batch import Batch
    from finassist.batch.budget import Budget
    from finassist.batch.door import BatchOptions

_DELIMITERS: Final = ",;\t"
_BUDGETS: Final = (
    ("tokens", int, "N", "tokens of models, in and out"),
    ("dollars", float, "USD", "dollars for them; needs FINASSIST_MODEL_PRICES"),
    ("calls", int, "N", "fetches from data sources"),
    ("seconds", float, "S", "seconds from the start"),
)
_ABOUT: Final = """\
Answer every question of a file. What came of each is written to a ledger before the next is asked: after whatever
stopped it, the same command goes on where it was. Identical questions are asked once."""


def add(commands: Any) -> None:
    """The command and its options."""
    batch = add_command(commands, "batch", "answer the questions of a file", _ABOUT)
    text = "a .csv, .parquet or .xlsx file with a column of questions, or a text file with one a line; - is the input"
    batch.add_argument("questions", help=text)
    batch.add_argument("--out", metavar="FILE", help="the table of answers: .parquet, .csv or .xlsx; by default CSV")
    batch.add_argument("--facts", metavar="FILE", help="also the table of all figures")
    batch.add_argument("--column", default="question", metavar="NAME", help="the column of questions (“question”)")
    batch.add_argument("--concurrency", type=int, metavar="N", help="questions asked at the same time (50)")
    for name, kind, unit, text in _BUDGETS:
        batch.add_argument(f"--budget-{name}", type=kind, metavar=unit, help=f"stop before using more {text}")
    batch.add_argument("--ledger", metavar="FILE", help="where to keep what came of each; a finished one is read back")
    text = "go on with a batch of the same questions that was stopped (the default)"
    batch.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True, help=text)
    batch.add_argument("--estimate", action="store_true", help="say what it will take, and ask nobody")
    batch.add_argument("--quiet", action="store_true", help="say nothing but what went wrong")
    batch.set_defaults(command=_batch)


def _batch(options: argparse.Namespace) -> int:
    from finassist.reporting.frames import check_file

    for path in filter(None, (options.out, options.facts)):
        check_file(path)  # before thousands of questions are asked
    questions: Any = _questions(options.questions, options.column)
    workflow = open_workflow(db=None)
    limits: BatchOptions = {"concurrency": options.concurrency, "budget": _budget(options)}
    if hasattr(questions, "columns"):
        limits["column"] = options.column
    try:
        if options.estimate:
            say(str(workflow.run_many(questions, estimate=True, **limits)))
            return OK
        limits["ledger"], limits["resume"] = options.ledger, options.resume
        limits["live"] = False if options.quiet else None
        batch = workflow.run_many(questions, **limits)
    except KeyboardInterrupt:
        return complain("Stopped. The same command goes on where it was.", INTERRUPTED)
    finally:
        workflow.close()
    return _written(batch, options)


def _written(batch: Batch, options: argparse.Namespace) -> int:
    from finassist.reporting.export import safe_csv

    if options.out:
        _write(batch.frame, options.out, "answers", options)
    else:
        say(safe_csv(batch.frame), end="")
    if options.facts:
        _write(batch.facts, options.facts, "figures", options)
    return _ending(batch)


def _write(frame: pd.DataFrame, path: str, what: str, options: argparse.Namespace) -> None:
    from finassist.reporting.frames import write_frame

    write_frame(frame, path)
    if not options.quiet:
        note(f"{path}: {len(frame):,} {what}")


def _ending(batch: Batch) -> int:
    if failures := len(batch.failures):
        complain(f"{failures:,} of {len(batch):,} questions failed; the column message says why.", FAILED)
    if batch.status == "stopped":
        complain(str(batch.left), FAILED)
    return FAILED if failures or batch.status == "stopped" else OK


def _budget(options: argparse.Namespace) -> Budget:
    from finassist.batch.budget import Budget

    return Budget(**{name: getattr(options, f"budget_{name}") for name, *_ in _BUDGETS})


def _questions(name: str, column: str) -> Any:
    """The questions of a file: a frame for a table, else a list."""
    path = Path(name)
    if name == "-":
        return _lines(sys.stdin.read())
    if path.suffix.lower() in (".parquet", ".xlsx"):
        return _table(path)
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return _cells(text, column, path) if path.suffix.lower() in (".csv", ".tsv") else _lines(text)


def _table(path: Path) -> Any:
    from finassist.core.errors import FinassistError, InputError
    from finassist.reporting.frames import read_frame

    try:
        return read_frame(path)
    except (FinassistError, OSError):
        raise
    except Exception as error:
        raise InputError(f"{path.name} cannot be read as a table ({error}). Save it again, or use CSV.") from error


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _cells(text: str, column: str, path: Path) -> list[str]:
    from finassist.core.errors import InputError

    csv.field_size_limit(sys.maxsize)
    lines = text.replace("\0", "").splitlines(keepends=True)
    for delimiter in _DELIMITERS:
        rows = csv.DictReader(lines, delimiter=delimiter)
        if column in (rows.fieldnames or ()):
            return [row[column] or "" for row in rows]
    header = next(csv.reader(lines), list[str]())
    there = ", ".join(header)[:300] or "nothing: it is empty"
    raise InputError(f"{path.name} has no column {column!r}. It has {there}. Name the column with --column.")
