"""What a ledger holds, read back: its rows, one that is damaged costing no other, and its results."""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypedDict

import msgspec
from agno.run.base import RunStatus
from agno.run.workflow import WorkflowRunOutput

from finassist.answer import Answer
from finassist.batch.source import is_question
from finassist.core.errors import LedgerError, LedgerFull, LedgerInUse, LedgerMismatch
from finassist.core.process import DATABASE, check_ordinary
from finassist.core.result import Draft

APPLICATION, VERSION = 0x46494E42, 2  # “FINB”, in the header of the file

COMPLETED: Final = "WHERE q.state = 'completed'"
RECORDED: Final = "WHERE q.state IN ('completed', 'failed')"
OPEN: Final = "WHERE q.state NOT IN ('completed', 'failed')"

_ROWS: Final = """
SELECT q.ordinal, q.question, q.category, q.symbols, q.facts AS n_facts, q.gaps AS n_gaps, q.error, q.message,
    q.answered, q.latency, q.tokens, q.cost, q.calls, q.attempts, q.at, q.digest, q.state,
    CASE WHEN q.state IN ('completed', 'failed') THEN q.state ELSE 'unasked' END AS status,
    coalesce(q.content, o.content) AS content, coalesce(q.record, o.record) AS record
FROM questions q LEFT JOIN questions o ON o.ordinal = q.same_as {where} ORDER BY q.ordinal
"""
_CUT_OFF: Final = "Its process ended before it could. Rerun the same call to resume."
_TITLE: Final = re.compile(r"#|\*\*[^*]+\*\*$")
_MOST_BYTES: Final = 100_000_000  # a few bytes can hold a text that fills the memory
_DAMAGE: Final = (zlib.error, ValueError, TypeError, AttributeError, ArithmeticError, LookupError)


class _Stored(TypedDict):
    """A row as it was written; what has another form is damaged."""

    state: Literal["begun", "unasked", "completed", "failed"]
    category: Annotated[str, msgspec.Meta(pattern=r"^\w+$")] | None
    n_facts: int | None
    n_gaps: int | None
    error: str | None
    message: str | None
    answered: str | None
    symbols: str | None
    latency: float | None
    tokens: int
    cost: float | None
    calls: int
    attempts: int
    at: float | None
    content: bytes | None
    record: bytes | None


class _Answered(TypedDict, total=False):
    outcome: Literal["answered", "partly", "refused", "failed"]
    query: str | None
    reading: str
    value: float
    unit: str | None
    period: str | None


# ------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one question of a batch.

    Attributes:
        ordinal: Its place among the questions, counted from 0.
        question: The question as it was given.
        status: `"completed"`, `"failed"`, or `"unasked"` where the batch stopped before.
        answer: The `Answer`, as `arun()` returns it, without the events of the run; `None` unless completed.
        category: One of the five categories; `None` unless completed.
        symbols: Ticker symbols the answer is about.
        outcome: `"answered"`, `"partly"`, `"refused"` where nothing of what was asked is there, or `"failed"`.
        value: The figure asked for, where it is one.
        unit: Its unit.
        period: Its period.
        query: What was understood, as a phrase.
        reading: Where the question has several readings, the one taken: the first of `answer.choices`.
        error: Name of the error, such as `"ModelTimeout"`; `None` unless failed.
        message: What went wrong and what to do next.
        latency: Seconds it took; 0 where it shares the answer to an identical question.
        tokens: Tokens that models used for it.
        cost: In dollars; `None` where a model has no known price.
        calls: Fetches from data sources that it did not share with an earlier question.
        attempts: How often it was asked.
    """

    ordinal: int
    question: str
    status: Literal["completed", "failed", "unasked"]
    answer: Answer | None = None
    category: str | None = None
    symbols: tuple[str, ...] = ()
    outcome: str | None = None
    value: float | None = None
    unit: str | None = None
    period: str | None = None
    query: str | None = None
    reading: str | None = None
    error: str | None = None
    message: str | None = None
    latency: float | None = None
    tokens: int = 0
    cost: float | None = 0.0
    calls: int = 0
    attempts: int = 0

    def __repr__(self) -> str:
        about = f"{self.error}: {self.message}" if self.error else f"{self.category or ''} {' '.join(self.symbols)}"
        return f"<Result {self.ordinal} {self.status}: {about.strip()}>"


@dataclass(frozen=True, slots=True)
class Left:
    """What a batch that stopped did not ask.

    Attributes:
        questions: How many; `None` where the questions are an iterator that was not read to its end.
        reason: Why it stopped, and what to do next; `""` where nothing is left.
    """

    questions: int | None = 0
    reason: str = ""

    def __str__(self) -> str:
        if not self.reason:
            return "Nothing is left."
        many = "An unknown number of questions is" if self.questions is None else f"{self.questions:,} questions are"
        return f"{many} left. {self.reason}"


def read_results(path: Path, where: str = "") -> Iterator[Result]:
    """One result a question of a ledger, in order, with its answer."""
    batch = str(read_notes(path).get("id", ""))
    for row in read_rows(path, where):
        try:
            answer = _answer(batch, row) if row["status"] == "completed" else None
        except _DAMAGE as error:
            row, answer = _damaged(row, error), None
        shown: dict[str, Any] = {each.name: row.get(each.name) for each in fields(Result)}
        shown |= {"symbols": tuple(row["symbols"]), "answer": answer}
        yield Result(**shown)


def _answer(batch: str, row: dict[str, Any]) -> Answer:
    output = WorkflowRunOutput(
        input=row["question"],
        content=row["answer"],
        run_id=f"{batch}-{row['ordinal']}",
        session_id=batch,
        workflow_name="finassist",
        created_at=int(row["at"]),
        status=RunStatus.completed,
    )
    answer = Answer.of(output, Draft.from_dict(json.loads(row["record"]), row["answer"]))
    answer.duration = row["latency"]
    return answer


def read_rows(path: Path, where: str = "") -> Generator[dict[str, Any]]:
    """One row a question, in order; one that is damaged is a row that failed, and costs no other."""
    with reading(path) as db:
        for row in db.execute(_ROWS.format(where=where)):
            yield _opened(dict(row))


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    try:
        if not is_question(row["question"], row["digest"]):
            return _damaged({**row, "question": printed(str(row["question"]))}, "its text was changed", asked=False)
        msgspec.convert(row, _Stored, builtin_types=(bytes,))
        printed(f"{row['message']}{row['error']}", "strict")
        answered = msgspec.json.decode(row["answered"] or "{}", type=_Answered)
        symbols = msgspec.json.decode(row["symbols"] or "[]", type=list[str])
        texts = {"answer": (answer := _text(row["content"])), "record": _text(row["record"])}
        texts["headline"] = _headline(answer) if answer else None
    except _DAMAGE as error:
        return _damaged(row, error)
    return {**row, **answered, **texts, "symbols": symbols, "asked": True}


def _headline(text: str) -> str | None:
    """The first line of an answer that is more than a title."""
    return next((line for line in text.splitlines() if line.strip() and not _TITLE.match(line)), None)


def _text(stored: bytes | None) -> str | None:
    if stored is None:
        return None
    unpacked = zlib.decompressobj()
    text = unpacked.decompress(stored, _MOST_BYTES)
    if not unpacked.eof:
        raise ValueError("it is cut off, or larger than any answer")
    return text.decode()


def _damaged(row: dict[str, Any], error: object, asked: bool = True) -> dict[str, Any]:
    place = f"question {row['ordinal']} (counted from 0)"
    what = f"The answer to {place} is" if asked else f"{place.capitalize()} is"
    again = "Ask it again with `batch.retry_failed()`." if asked else "Ask it again by itself."
    counts = {name: row[name] if isinstance(row[name], int) else 0 for name in ("tokens", "calls", "attempts")}
    return {
        **counts,
        "ordinal": row["ordinal"],
        "question": row["question"],
        "asked": asked,
        "symbols": [],
        "status": "failed",
        "error": LedgerError.__name__,
        "message": f"{what} damaged in the ledger ({error}). {again}",
    }


def read_left(path: Path) -> Left:
    """How many questions of a ledger are not asked, and why."""
    notes = read_notes(path)
    if notes.get("status") == "completed":
        return Left()
    total, reason = notes.get("total"), str(notes.get("reason") or _CUT_OFF)
    return Left(None if total is None else total - count_rows(path, RECORDED), reason)


def count_rows(path: Path, where: str = "") -> int:
    """How many questions the ledger has."""
    with reading(path) as db:
        return db.execute(f"SELECT count(*) FROM questions q {where}").fetchone()[0]


def printed(text: str, errors: str = "replace") -> str:
    """The text without what no screen can show; raises a `ValueError` with `"strict"`."""
    return text.encode("utf-8", errors).decode()


# ---------------------------------------------------------------------------------------------- the file


class _Notes(TypedDict, total=False):
    id: str
    key: str
    status: str
    reason: str
    total: int | None


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection]:
    """The database of a ledger, to be read."""
    # mode=rw, because a ledger that its process left in WAL mode cannot be opened for reading alone
    address = f"{path.absolute().as_uri()}?mode=rw"
    with explained(path):
        check_ordinary(path, *DATABASE)
        with closing(sqlite3.connect(address, uri=True, timeout=1)) as db:
            db.row_factory, db.text_factory = sqlite3.Row, text_of
            yield db


def text_of(stored: bytes) -> str:
    """A text of a ledger; SQLite's own reading would end at the first that is damaged."""
    return stored.decode("utf-8", "surrogateescape")


def read_notes(path: Path) -> dict[str, Any]:
    """What a ledger says about its batch; nothing, where its process was killed before it wrote that."""
    with reading(path) as db:
        if is_empty(db):
            return {}
        check_header(db, path)
        return notes_of(db, path)


def notes_of(db: sqlite3.Connection, path: Path) -> dict[str, Any]:
    """What a ledger that is open says about its batch; raises `LedgerError` where that is damaged."""
    rows = db.execute("SELECT name, value FROM batch").fetchall()
    try:
        found = {name: msgspec.json.decode(value) for name, value in rows}
        return dict(msgspec.convert(found, _Notes))
    except (ValueError, TypeError) as error:
        raise LedgerError(
            f"What the ledger {path} says about its batch is damaged ({error}). Nothing in it was changed. "
            "Pass another path as ledger=."
        ) from error


def is_empty(db: sqlite3.Connection) -> bool:
    """Whether a database has no tables."""
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def check_header(db: sqlite3.Connection, path: Path) -> None:
    """Check that a database is a ledger of this version; raises `LedgerMismatch` where it is not."""
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise LedgerMismatch(f"{path} is not the ledger of a batch. Pass another path as ledger=.")
    if db.execute("SELECT 1 FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchone():
        raise LedgerMismatch(f"{path} has views or triggers, which no ledger has. Pass another path as ledger=.")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise LedgerMismatch(
            f"{path} is a ledger of version {version}; this finassist reads version {VERSION}. Nothing in it was "
            "changed. Use the finassist that wrote it, or pass another path as ledger=."
        )


_TROUBLE: Final = (
    (
        (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
        LedgerFull,
        "The ledger {} could not be written: the disk is full, or fails ({}). Recorded answers are safe. Make room, "
        "and rerun the same call to resume.",
    ),
    (
        (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
        LedgerInUse,
        "Another program holds the ledger {} ({}). Recorded answers are safe. Close that program, and rerun the same "
        "call to resume.",
    ),
    (
        (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT),
        LedgerMismatch,
        "{} is not the ledger of a batch ({}). Pass another path as ledger=.",
    ),
)
_ELSE: Final = (
    "The ledger {} could not be used ({}). Check that its folder exists and can be written, set FINASSIST_HOME, or "
    "pass another path as ledger=."
)


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Inside, an error of SQLite becomes one of ours, with what to do next."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        named = ((kind, words) for codes, kind, words in _TROUBLE if code in codes)
        kind, words = next(named, (LedgerError, _ELSE))
        raise kind(words.format(path, error)) from error
    except OSError as error:
        raise LedgerError(_ELSE.format(path, error.strerror or error)) from error
