"""The file of a batch, in SQLite: which questions were started, and their outcomes. One writer at a time.

A question is marked as begun before it is asked, and its outcome is recorded before the next one is asked. After a
kill, only what is marked and not recorded is asked again: one question for each that was asked at the same time.

    begun ──► completed | failed               recorded, exactly once
      ├─ the process was killed ──► unasked    asked once more; the second time at first, and nothing beside it
      │                             failed     the third time
      └─ the batch stopped      ──► unasked
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

from filelock import FileLock, Timeout

from finassist.batch.asking import Outcome
from finassist.batch.records import (
    APPLICATION,
    VERSION,
    check_header,
    explained,
    is_empty,
    notes_of,
    read_notes,
    text_of,
)
from finassist.batch.source import Question, is_question
from finassist.core.concurrency import to_the_end
from finassist.core.errors import LedgerError, LedgerInUse, LedgerMismatch, WorkerLost
from finassist.core.process import DATABASE, check_ordinary

_BUSY_SECONDS: Final = 5.0
_STOPPING_SECONDS: Final = 2.0  # a stream that was left with `break` ends a moment later
_CRASHES_ALONE, _CRASHES_FAILED = 2, 3
_NOW: Final = "((julianday('now') - 2440587.5) * 86400.0)"  # since 1970; unixepoch('subsec') needs SQLite 3.42
_RECORDED: Final = "state IN ('completed', 'failed')"
_LOST: Final = (
    f"The process ended {_CRASHES_FAILED} times while this question was asked, the last time with no other beside it. "
    "Ask it by itself to see why, or try again with `batch.retry_failed()`."
)

type Begun = Literal["begun", "recorded", "completed", "failed"]

_SCHEMA: Final = f"""
BEGIN;
CREATE TABLE batch (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE questions (
    ordinal INTEGER PRIMARY KEY, question TEXT NOT NULL, digest BLOB NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, same_as INTEGER,
    category TEXT, symbols TEXT, facts INTEGER, gaps INTEGER, error TEXT, message TEXT,
    answered TEXT, latency REAL, tokens INTEGER NOT NULL DEFAULT 0, cost REAL, calls INTEGER NOT NULL DEFAULT 0,
    at REAL, content BLOB, record BLOB
);
CREATE INDEX by_digest ON questions (digest) WHERE same_as IS NULL;
CREATE INDEX open_questions ON questions (state) WHERE state NOT IN ('completed', 'failed');
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""
_BEGIN: Final = """
INSERT INTO questions (ordinal, question, digest, state, attempts) VALUES (?, ?, ?, 'begun', ?)
ON CONFLICT (ordinal) DO UPDATE SET state = 'begun', attempts = attempts + excluded.attempts,
    question = excluded.question, digest = excluded.digest
"""
_COPIED: Final = "category, symbols, facts, gaps, error, message, answered"
_COPY: Final = f"""
INSERT OR REPLACE INTO questions (ordinal, question, digest, state, same_as, latency, cost, at, {_COPIED})
SELECT ?, ?, digest, state, ordinal, 0, 0, {_NOW}, {_COPIED}
FROM questions WHERE digest = ? AND same_as IS NULL AND {_RECORDED} AND ordinal <> ? LIMIT 1
RETURNING state
"""
_USED: Final = "tokens = tokens + :tokens, cost = coalesce(cost, 0) + :cost, calls = calls + :calls"
_RECORD: Final = f"""
UPDATE questions SET state = :state, category = :category, symbols = :symbols, facts = :facts, gaps = :gaps,
    error = :error, message = :message, answered = :answered, latency = :latency, content = :content,
    record = :record, same_as = NULL, at = {_NOW}, {_USED}
WHERE ordinal = :ordinal AND state = 'begun'
"""
_SPEND: Final = f"UPDATE questions SET state = :state, {_USED} WHERE ordinal = :ordinal AND state = 'begun'"
_UNASKED: Final = "UPDATE questions SET state = 'unasked' WHERE state = 'begun'"
_REOPEN: Final = """
UPDATE questions SET state = 'unasked', crashes = 0, same_as = NULL, error = NULL, message = NULL,
    content = NULL, record = NULL
WHERE ordinal = ?
"""


class Ledger:
    """The file of one batch, open for writing and locked against other writers.

    Attributes:
        path: Where it is.
        notes: What it said about its batch when it was opened: `id`, `key`, `status`, `reason`, `total`.

    Raises (every method):
        LedgerError: The file could not be read or written; a subclass says why.
    """

    def __init__(self, path: Path, notes: dict[str, Any], busy_seconds: float = _BUSY_SECONDS) -> None:
        """Open a ledger to resume, or make one with `notes` about its batch."""
        self.path = path
        self._writing = asyncio.Lock()
        self._running = Path(f"{path}-running")  # there while a process writes: left behind, it was killed
        with ExitStack() as undo, explained(path):
            self._lock = _locked(path)
            undo.callback(self._lock.release)
            options: dict[str, Any] = {"isolation_level": None, "check_same_thread": False}
            self._db = undo.enter_context(closing(sqlite3.connect(path, timeout=busy_seconds, **options)))
            self._db.text_factory = text_of
            self._prepare()
            crashed = self._running.exists()
            self._running.touch(mode=0o600)
            self.notes = self.transaction(lambda: self._recover(notes, crashed))
            undo.pop_all()

    def _prepare(self) -> None:
        if is_empty(self._db):
            os.chmod(self.path, 0o600)
            self._db.executescript(_SCHEMA)
        check_header(self._db, self.path)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing that it committed

    def _recover(self, notes: dict[str, Any], crashed: bool) -> dict[str, Any]:
        """Open again what was started and not recorded; what has ended the process too often fails."""
        if crashed:
            self._db.execute("UPDATE questions SET crashes = crashes + 1 WHERE state = 'begun'")
        lost = "SELECT ordinal FROM questions WHERE state = 'begun' AND crashes >= ?"
        for (ordinal,) in self._db.execute(lost, (_CRASHES_FAILED,)).fetchall():
            self.record(ordinal, Outcome.failed(WorkerLost(_LOST)))
        self._db.execute(_UNASKED)
        found = {**notes, **notes_of(self._db, self.path)}
        self._note(**{**found, "status": "running", "reason": ""})
        return found

    def _note(self, **notes: Any) -> None:
        rows = [(name, json.dumps(value)) for name, value in notes.items()]
        self._db.executemany("INSERT OR REPLACE INTO batch VALUES (?, ?)", rows)

    # -------------------------------------------------------------------------------------- writing

    async def write[T](self, operation: Callable[[], T]) -> T:
        """`transaction()` in a thread, in the order of the calls; it is done, also where the caller is cancelled."""
        return await to_the_end(self._write(operation))

    async def _write[T](self, operation: Callable[[], T]) -> T:
        async with self._writing:
            return await asyncio.to_thread(self.transaction, operation)

    def transaction[T](self, operation: Callable[[], T]) -> T:
        """Do all of an operation, or nothing of it; what it returned."""
        with explained(self.path), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return operation()

    def begin(self, question: Question) -> Begun:
        """Mark a question as begun.

        Returns:
            `"begun"` where it is now to be asked; `"recorded"` where it was recorded before; `"completed"` or
            `"failed"` where it is recorded only now: it cannot be asked, or an identical question was.

        Raises:
            LedgerMismatch: The ledger has another question in this place.
        """
        ordinal, digest = question.ordinal, question.digest
        stored = "SELECT digest, question, state FROM questions WHERE ordinal = ?"
        found = self._db.execute(stored, (ordinal,)).fetchone()
        if found and found[0] != digest and found[1] != question.given:  # of the two, one may be damaged
            raise LedgerMismatch(
                f"Question {ordinal} (counted from 0) is not the one that the ledger {self.path} has in this place. "
                "Pass resume=False to start again, or the questions it was begun with."
            )
        if found and found[2] in ("completed", "failed"):
            return "recorded"
        if copied := self._db.execute(_COPY, (ordinal, question.given, digest, ordinal)).fetchall():
            return copied[0][0]
        self._db.execute(_BEGIN, (ordinal, question.given, digest, 0 if question.error else 1))
        if question.error is None:
            return "begun"
        self.record(ordinal, Outcome.failed(question.error))
        return "failed"

    def record(self, ordinal: int, outcome: Outcome) -> None:
        """Record the outcome of a question that was begun; one that is `unasked` is open again."""
        values = {**asdict(outcome), "ordinal": ordinal, "state": outcome.state}
        self._db.execute(_SPEND if outcome.unasked else _RECORD, values)

    def leave(self, questions: Iterable[Question]) -> None:
        """Note questions that this call will not ask."""
        self._db.executemany(
            "INSERT OR IGNORE INTO questions (ordinal, question, digest, state) VALUES (?, ?, ?, 'unasked')",
            [(each.ordinal, each.given, each.digest) for each in questions],
        )

    def reopen(self, ordinals: Iterable[int]) -> None:
        """Open recorded questions again."""
        self._db.executemany(_REOPEN, [(ordinal,) for ordinal in ordinals])

    def suspects(self) -> Sequence[tuple[int, str]]:
        """Ordinal and text of the questions to ask alone: each may have ended the process, more than once."""
        query = f"SELECT ordinal, question, digest FROM questions WHERE NOT {_RECORDED} AND crashes >= ? ORDER BY 1"
        found = self._db.execute(query, (_CRASHES_ALONE,)).fetchall()
        return [(ordinal, text) for ordinal, text, digest in found if is_question(text, digest)]

    def counts(self) -> dict[str, int]:
        """How many questions are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM questions GROUP BY state").fetchall())

    def finish(self, status: str, reason: str, total: int | None) -> None:
        """Note how the batch ended."""
        self._db.execute(_UNASKED)
        self._note(status=status, reason=reason, total=total)

    def close(self) -> None:
        """Close the file. Without `finish()`, what was begun is unasked, and did not end the process."""
        with suppress(sqlite3.Error):  # one file instead of three, where no other program reads it now
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()
        self._running.unlink(missing_ok=True)
        self._lock.release()


def _locked(path: Path) -> FileLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_ordinary(path, *DATABASE)
        lock = FileLock(f"{path}.lock", timeout=_STOPPING_SECONDS, mode=0o600, thread_local=False)
        lock.acquire()
    except Timeout:
        raise LedgerInUse(
            f"The batch of {path} is being answered at this moment, here or in another process. Wait for it, or pass "
            "another path as ledger=, or resume=False for a batch of its own."
        ) from None
    except OSError as error:
        raise LedgerError(
            f"The ledger {path} could not be made ({error.strerror or error}). Check that its folder can be written, "
            "set FINASSIST_HOME, or pass another path as ledger=."
        ) from error
    return lock


# ------------------------------------------------------------------------------------------- finding one


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
        raise type(error)(f"{error} To start again in a new file, pass resume=False.") from error
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
