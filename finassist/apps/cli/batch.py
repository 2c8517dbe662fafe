"""`finassist batch`: the questions of a file, answered into a file."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from finassist.apps.terminal import FAILED, INTERRUPTED, OK, complain, note, say

if TYPE_CHECKING:
    from finassist.answer import Answer
    from finassist.batch.batch import Batch
    from finassist.batch.budget import Budget
    from finassist.batch.methods import BatchOptions
    from finassist.reporting.frames import DataFrame

_DELIMITERS: Final = ",;\t"
BUDGETS: Final = (
    ("tokens", int, "N", "tokens of models, in and out"),
    ("dollars", float, "USD", "dollars for them; needs FINASSIST_MODEL_PRICES"),
    ("calls", int, "N", "fetches from data sources"),
    ("seconds", float, "S", "seconds from the start"),
)


def batch(options: argparse.Namespace) -> int:
    """Answer the questions of a file."""
    from finassist.reporting.frames import check_file
    from finassist.workflow import FinancialAssistantWorkflow

    for path in filter(None, (options.out, options.facts)):
        check_file(path)  # before thousands of questions are asked
    questions: Any = _questions(options.questions, options.column)
    workflow = FinancialAssistantWorkflow(db=None)
    limits: BatchOptions = {"concurrency": options.concurrency, "budget": _budget(options)}
    if hasattr(questions, "columns"):
        limits["column"] = options.column
    try:
        if options.estimate:
            say(str(workflow.run_many(questions, estimate=True, **limits)))
            return OK
        limits["ledger"], limits["resume"] = options.ledger, options.resume
        limits["live"] = False if options.quiet else None
        answered = workflow.run_many(questions, **limits)
    except KeyboardInterrupt:
        return complain("Stopped. The same command goes on where it was.", INTERRUPTED)
    finally:
        workflow.close()
    return _written(answered, options)


def _written(batch: Batch[Answer], options: argparse.Namespace) -> int:
    from finassist.reporting.frames import safe_csv

    if options.out:
        _write(batch.frame, options.out, "answers", options)
    else:
        say(safe_csv(batch.frame), end="")
    if options.facts:
        _write(batch.facts, options.facts, "figures", options)
    return _ending(batch)


def _write(frame: DataFrame, path: str, what: str, options: argparse.Namespace) -> None:
    from finassist.reporting.frames import write_frame

    write_frame(frame, path)
    if not options.quiet:
        note(f"{path}: {len(frame):,} {what}")


def _ending(batch: Batch[Answer]) -> int:
    if failures := len(batch.failures):
        complain(f"{failures:,} of {len(batch):,} questions failed; the column message says why.", FAILED)
    if refused := int((batch.frame["outcome"] == "refused").sum()):
        complain(f"{refused:,} of {len(batch):,} questions have no answer; the column answer says why.", FAILED)
    if batch.status == "stopped":
        complain(str(batch.left), FAILED)
    return FAILED if failures or refused or batch.status == "stopped" else OK


def _budget(options: argparse.Namespace) -> Budget:
    from finassist.batch.budget import Budget

    return Budget(**{name: getattr(options, f"budget_{name}") for name, *_ in BUDGETS})


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
