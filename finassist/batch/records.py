"""What a ledger holds, read back: how its file is found, its rows and results, and its errors in words."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

from agno.run.base import RunStatus
from agno.run.workflow import WorkflowRunOutput

from finassist.answer import Answer
from finassist.core.errors import LedgerError, LedgerFull, LedgerInUse, LedgerMismatch
from finassist.core.result import Draft

APPLICATION, VERSION = 0x46494E42, 2  # “FINB”, in the header of the file

COMPLETED: Final = "WHERE q.state = 'completed'"
RECORDED: Final = "WHERE q.state IN ('completed', 'failed')"
OPEN: Final = "WHERE q.state NOT IN ('completed', 'failed')"

_ROWS: Final = """
SELECT q.ordinal, q.question, q.category, q.symbols, q.facts AS n_facts, q.gaps AS n_gaps, q.error, q.message,
    q.answered, q.latency, q.tokens, q.cost, q.calls, q.attempts, q.at,
    CASE WHEN q.state IN ('completed', 'failed') THEN q.state ELSE 'unasked' END AS status,
    coalesce(q.content, o.content) AS content, coalesce(q.record, o.record) AS record
FROM questions q LEFT JOIN questions o ON o.ordinal = q.same_as {where} ORDER BY q.ordinal
"""
_CUT_OFF: Final = "Its process ended before it could. Rerun the same call to resume."
_DAMAGE: Final = (zlib.error, ValueError, KeyError, TypeError)


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
    with _reading(path) as db:
        for row in db.execute(_ROWS.format(where=where)):
            yield _opened(dict(row))


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    try:
        answered, symbols = json.loads(row["answered"] or "{}"), json.loads(row["symbols"] or "[]")
        texts = {"answer": _text(row["content"]), "record": _text(row["record"])}
    except _DAMAGE as error:
        return _damaged(row, error)
    return {**row, **answered, **texts, "symbols": symbols}


def _text(stored: bytes | None) -> str | None:
    return None if stored is None else zlib.decompress(stored).decode()


def _damaged(row: dict[str, Any], error: Exception) -> dict[str, Any]:
    message = (
        f"The answer to question {row['ordinal']} (counted from 0) is damaged in the ledger ({error}). "
        "Ask it again with `batch.retry_failed()`."
    )
    kept = {name: row[name] for name in ("ordinal", "question", "latency", "tokens", "cost", "calls", "attempts")}
    return {**kept, "symbols": [], "status": "failed", "error": LedgerError.__name__, "message": message}


def read_left(path: Path) -> Left:
    """How many questions of a ledger are not asked, and why."""
    notes = read_notes(path)
    if notes.get("status") == "completed":
        return Left()
    total, reason = notes.get("total"), str(notes.get("reason") or _CUT_OFF)
    return Left(None if total is None else total - count_rows(path, RECORDED), reason)


def count_rows(path: Path, where: str = "") -> int:
    """How many questions the ledger has."""
    with _reading(path) as db:
        return db.execute(f"SELECT count(*) FROM questions q {where}").fetchone()[0]


@contextmanager
def _reading(path: Path) -> Generator[sqlite3.Connection]:
    # mode=rw, because a ledger that its process left in WAL mode cannot be opened for reading alone
    with explained(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=1)) as db:
        db.row_factory = sqlite3.Row
        yield db


def read_notes(path: Path) -> dict[str, Any]:
    """What a ledger says about its batch; nothing, where its process was killed before it wrote that."""
    with _reading(path) as db:
        if is_empty(db):
            return {}
        check_header(db, path)
        return notes_of(db)


def notes_of(db: sqlite3.Connection) -> dict[str, Any]:
    """What a ledger that is open says about its batch."""
    return {name: json.loads(value) for name, value in db.execute("SELECT name, value FROM batch")}


def is_empty(db: sqlite3.Connection) -> bool:
    """Whether a database has no tables."""
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def check_header(db: sqlite3.Connection, path: Path) -> None:
    """Check that a database is a ledger of this version; raises `LedgerMismatch` where it is not."""
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise LedgerMismatch(f"{path} is not the ledger of a batch. Pass another path as ledger=.")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise LedgerMismatch(
            f"{path} is a ledger of version {version}; this finassist reads version {VERSION}. Nothing in it was "
            "changed. Use the finassist that wrote it, or pass another path as ledger=."
        )


# ------------------------------------------------------------------------------------------- finding


def key_of(call: dict[str, Any], questions: str) -> str:
    """Equal for calls with equal questions and sources, so that one can resume the other's ledger."""
    text = json.dumps([call, questions], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def choose_ledger(home: Path, chosen: Path | None, key: str, resume: bool) -> tuple[Path, bool]:
    """The path of the ledger, in `home` if none is chosen; and whether it is finished, and only to be read.

    A ledger that cannot be read raises a `LedgerError`: it is never passed over in silence.
    """
    if chosen is not None:
        return chosen, _is_finished(chosen, key, resume)
    folder = home / "batches"
    found = sorted(folder.glob(f"{key}-*.db"), reverse=True) if resume else []
    fresh = folder / f"{key}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}.db"
    return next(filter(_is_unfinished, found), fresh), False


def _is_unfinished(path: Path) -> bool:
    try:
        notes = read_notes(path)
    except LedgerError as error:
        raise type(error)(f"{error} To begin anew in a file of its own, pass resume=False.") from error
    return bool(notes) and notes.get("status") != "completed"


def _is_finished(path: Path, key: str, resume: bool) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    notes = read_notes(path)
    if notes and notes.get("key") != key:
        raise LedgerMismatch(
            f"{path} is the ledger of another batch: other questions, or another model, provider, routing or number of "
            "years. Pass another path as ledger=, or make the call it was begun with."
        )
    if not resume:
        raise LedgerMismatch(
            f"{path} holds a batch already. Pass another path as ledger=, or resume=True to continue it."
        )
    return notes.get("status") == "completed"


# -------------------------------------------------------------------------------------------- errors

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
