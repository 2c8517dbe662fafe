"""`finassist ask`, `query`, `batch` and `eval`: answers on the terminal, as JSON, CSV or Markdown, or in a file."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from finassist.apps.terminal import (
    FAILED,
    INTERRUPTED,
    OK,
    USAGE,
    complain,
    note,
    on_terminal,
    printable,
    rows_of,
    say,
    show_json,
    show_markdown,
    show_table,
    translate,
    watch,
)

if TYPE_CHECKING:
    from finassist.answer import Answer
    from finassist.batch import BatchOptions
    from finassist.batch.batch import Batch
    from finassist.config.settings import Settings
    from finassist.core.cases import Case
    from finassist.evals.evaluation import Evaluation, Graded
    from finassist.reporting.frames import DataFrame
    from finassist.workflow import FinancialAssistantWorkflow

_SHOWN: Final = (
    "content", "headline", "narration", "queries", "category", "symbols", "decided_by", "reason", "facts", "gaps",
    "choices", "follow_ups", "warnings", "models", "status", "run_id", "session_id", "saved", "duration",
)  # fmt: skip
_WHOLE: Final = ("run_output", "step_results")
"""The answer in an event: the events before it make it up."""

_DELIMITERS: Final = ",;\t"
_OFTEN: Final = 10
"""After how many graded cases it is said how many there are."""

BUDGETS: Final = (
    ("tokens", int, "N", "tokens of models, in and out"),
    ("dollars", float, "USD", "dollars for them; needs FINASSIST_MODEL_PRICES"),
    ("calls", int, "N", "fetches from data sources"),
    ("seconds", float, "S", "seconds from the start"),
)


# ------------------------------------------------------------------------------------------------ ask, query


def ask(options: argparse.Namespace) -> int:
    """Answer the question of the command line."""
    if not options.question.strip():  # before Agno and the workflow are imported
        return complain("The question is empty. Ask something such as “Tell me about Apple”.", USAGE, "EmptyQuestion")
    from finassist.workflow import FinancialAssistantWorkflow

    _check_workbook(options)
    with FinancialAssistantWorkflow(session_id=options.session, db=options.db) as workflow:
        answer = _answered(workflow, options)
    _write_workbook(answer, options)
    return _exit_code(answer)


def check(options: argparse.Namespace) -> int:
    """Check the figures of a text."""
    text = sys.stdin.read() if options.text == "-" else options.text
    if not text.strip():
        return complain("The text is empty. Give one in quotes, or “-” to read standard input.", USAGE)
    from finassist.apps.checking import check as checked_text

    checked = checked_text(text)
    if options.json:
        show_json(checked.rows())
    else:
        show_markdown(checked.to_markdown()) if on_terminal() else say(printable(checked.to_markdown()))
    return OK if checked.ok else FAILED


def query(options: argparse.Namespace) -> int:
    """Answer the query of the command line, or list the metrics."""
    if options.metrics:
        from finassist.core.metrics import catalogue

        header = ("id", "label", "unit", "formula")
        rows = [(each.id, each.label, each.unit, each.formula) for each in catalogue().values()]
        show_json([dict(zip(header, row, strict=True)) for row in rows]) if options.json else show_table(header, rows)
        return OK
    from finassist.apps.tools import typed_query
    from finassist.core.assumptions import assumed
    from finassist.workflow import FinancialAssistantWorkflow

    conditions = (options.operation, options.where, options.sector, options.limit, options.smallest)
    conditions = (*conditions, bool(options.peers), assumed(options.assume))
    asked = typed_query(options.metric, [*options.peers, *options.company], options.period, *conditions)
    options.question = str(asked)

    _check_workbook(options)
    with FinancialAssistantWorkflow(db=options.db) as workflow:
        answer = workflow.query(asked)
    _print(answer, options)
    _write_workbook(answer, options)
    return _exit_code(answer)


def _check_workbook(options: argparse.Namespace) -> None:
    """Before the question is asked: whether its workbook can be written."""
    if options.excel:
        from finassist.core.process import WORKBOOK, check_new_file

        check_new_file(options.excel, WORKBOOK)


def _write_workbook(answer: Answer | None, options: argparse.Namespace) -> None:
    if options.excel and answer is not None:
        note(f"{answer.to_excel(options.excel)}: a workbook with live formulas")


def _exit_code(answer: Answer | None) -> int:
    return FAILED if answer is None or answer.outcome == "refused" else OK


def _answered(workflow: FinancialAssistantWorkflow, options: argparse.Namespace) -> Answer | None:
    if options.stream and not options.csv:
        return _stream(workflow, options)
    person = sys.stdout.isatty() and on_terminal() and not (options.json or options.csv or options.markdown)
    asked = options.question
    answer = watch(asked, workflow.run(asked, stream=True)) if person else workflow.run(asked)
    if answer is not None:
        _print(answer, options)
    return answer


def _stream(workflow: FinancialAssistantWorkflow, options: argparse.Namespace) -> Answer | None:
    from agno.run.agent import RunContentEvent

    answer: Answer | None = None
    for event in workflow.run(options.question, stream=True):
        answer = getattr(event, "run_output", None) or answer
        if options.json:
            event_alone = {name: value for name, value in event.to_dict().items() if name not in _WHOLE}
            say(json.dumps(event_alone))
        elif isinstance(event, RunContentEvent):
            say(printable(str(event.content)), end="")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    if not options.json:
        say("")
    return answer


def _print(answer: Answer, options: argparse.Namespace) -> None:
    if options.json:
        show_json(document(answer, options.question))
    elif options.csv:
        from finassist.reporting.files import safe_csv

        say(safe_csv(answer.to_frame(full=True)), end="")
        _print_afterwards(answer, quiet=True)
    else:
        markdown = answer.to_markdown()
        show_markdown(markdown) if on_terminal() and not options.markdown else say(printable(markdown))
        _print_afterwards(answer, quiet=options.markdown)


def document(answer: Answer, question: str) -> dict[str, Any]:
    """An answer as a JSON document."""
    data = answer.to_dict()
    return {"question": question} | {name: data.get(name) for name in _SHOWN}


def _print_afterwards(answer: Answer, *, quiet: bool = False) -> None:
    """Advice in words for a terminal; unless `quiet`, other readings of the question and what to ask next."""
    translate(" ".join(gap.reason for gap in answer.gaps))
    if quiet:
        return
    say("") if on_terminal() else None
    readings = [choice.label for choice in answer.choices]
    for title, lines in (("Did you mean:", readings), ("You could ask next:", answer.follow_ups)):
        if lines:
            say(printable("\n  ".join([title, *lines])))
    say(printable(f"Continue this conversation with: --session {answer.session_id}"))


# ------------------------------------------------------------------------------------------------------ batch


def batch(options: argparse.Namespace) -> int:
    """Answer the questions of a file."""
    from finassist.batch.budget import Budget
    from finassist.reporting.files import check_file
    from finassist.workflow import FinancialAssistantWorkflow

    for path in filter(None, (options.out, options.facts)):
        check_file(path)  # before thousands of questions are asked
    questions: Any = _questions(options.questions, options.column)
    budget = Budget(**{name: getattr(options, f"budget_{name}") for name, *_ in BUDGETS})
    limits: BatchOptions = {"concurrency": options.concurrency, "budget": budget}
    if hasattr(questions, "columns"):
        limits["column"] = options.column
    with FinancialAssistantWorkflow(db=None) as workflow:
        if options.estimate:
            estimate = workflow.run_many(questions, estimate=True, **limits)
            show_json(asdict(estimate)) if options.json else say(str(estimate))
            return OK
        limits["ledger"], limits["resume"] = options.ledger, options.resume
        limits["live"] = False if options.quiet else None
        try:
            return _written(workflow.run_many(questions, **limits), options)
        except KeyboardInterrupt:
            return complain("Stopped. Run the same command again to resume.", INTERRUPTED)


def _written(batch: Batch, options: argparse.Namespace) -> int:
    from finassist.reporting.files import safe_csv

    frame = batch.frame if options.full else batch.frame.drop(columns="answer")
    if options.out:
        _write(frame, options.out, "answers", options)
    elif not options.json:
        say(safe_csv(frame), end="")
    if options.facts:
        _write(batch.facts, options.facts, "figures", options)
    if options.json:
        show_json({"status": batch.status, "left": batch.left.questions, "answers": rows_of(frame)})
    return _ending(batch, frame)


def _write(frame: DataFrame, path: str, what: str, options: argparse.Namespace) -> None:
    from finassist.reporting.files import write_frame

    write_frame(frame, path)
    if not options.quiet:
        note(f"{path}: {len(frame):,} {what}")


def _ending(batch: Batch, frame: DataFrame) -> int:
    """Say what the table tells in its rows; the exit code for it."""
    failures, refused = len(batch.failures), int((frame["outcome"] == "refused").sum())
    if failures:
        note(f"finassist: {failures:,} of {len(batch):,} questions failed; the column message says why.")
    if refused:
        note(f"finassist: {refused:,} of {len(batch):,} questions have no answer; the column headline says why.")
    if batch.status == "stopped":
        note(f"finassist: {batch.left}")
    return FAILED if failures or refused or batch.status == "stopped" else OK


def _questions(name: str, column: str) -> Any:
    """The questions of a file: a frame for a table, else a list."""
    from finassist.core.process import check_ordinary

    path = Path(name)
    if name == "-":
        return _lines(sys.stdin.read())
    check_ordinary(path)
    if path.suffix.lower() in (".parquet", ".xlsx"):
        return _table(path)
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return _cells(text, column, path) if path.suffix.lower() in (".csv", ".tsv") else _lines(text)


def _table(path: Path) -> Any:
    from finassist.core.errors import FinassistError, InputError
    from finassist.reporting.files import read_frame

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


# ------------------------------------------------------------------------------------------------------- eval


def evaluate(options: argparse.Namespace) -> int:
    """Grade the answers to a set of questions, of one model or of two, or with other settings."""
    from finassist.config.settings import Settings
    from finassist.core.cases import read_cases, write_cases

    cases = read_cases(options.set, options.kinds)
    if options.export:
        write_cases(cases, options.export)
        text = f"{options.export}: {len(cases):,} cases"
        show_json({"file": options.export, "cases": len(cases)}) if options.json else note(text)
        return OK
    given = [each.partition("=")[::2] for each in options.against]
    others = Settings(**{name: value for name, value in given if value})
    models = [name for name, value in given if not value]
    found = shown = _evaluated(cases, options.model, Settings(), options.concurrency)
    if given:
        second = models[-1] if models else None if others.origin("model") == "argument" else options.model
        shown = found.compare(_evaluated(cases, second, others, options.concurrency))
    if options.json:
        show_json(shown.to_dict())
    elif options.csv:
        from finassist.reporting.files import safe_csv

        say(safe_csv(shown.to_frame(full=True)), end="")
    else:
        say(printable(str(shown)))
    return OK if found.share >= options.min else FAILED


def _evaluated(cases: list[Case], model: str | None, settings: Settings, concurrency: int) -> Evaluation:
    from finassist.evals import evaluate as graded
    from finassist.workflow import FinancialAssistantWorkflow

    done = count(1)

    def tell(_: Graded) -> None:
        if (number := next(done)) % _OFTEN == 0:
            note(f"{number:,} of {len(cases):,} cases")

    with FinancialAssistantWorkflow(db=None, model=model, settings=settings) as workflow:
        return graded(workflow, cases, concurrency=concurrency, on_case=tell)
