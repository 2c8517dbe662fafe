"""The file of a batch, in SQLite: which questions were started, and their outcomes. One writer at a time.

A question is marked as begun before it is asked, and its outcome is recorded before the next one is asked. After a
kill, only what is marked and not recorded is asked again: one question for each that was asked at the same time.

    begun ──► completed | failed               recorded, exactly once
      ├─ the process was killed ──► again      asked once more
      │                             alone      the second time: asked first, and nothing beside it
      │                             failed     the third time
      └─ the batch stopped      ──► unasked
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from filelock import FileLock, Timeout

from finassist.batch.records import APPLICATION, VERSION, check_header, explained, notes_of
from finassist.batch.source import Question
from finassist.core.concurrency import settle
from finassist.core.errors import LedgerError, LedgerInUse, LedgerMismatch, WorkerLost

if TYPE_CHECKING:
    from finassist.batch.asking import Outcome

_BUSY_SECONDS: Final = 5.0
_CRASHES_ALONE, _CRASHES_FAILED = 2, 3
_NOW: Final = "((julianday('now') - 2440587.5) * 86400.0)"  # since 1970; unixepoch('subsec') needs SQLite 3.42
_BACK: Final = f"CASE WHEN crashes >= {_CRASHES_ALONE} THEN 'alone' ELSE 'unasked' END"
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
INSERT INTO questions (ordinal, question, digest, state, attempts) VALUES (?, ?, ?, 'begun', 1)
ON CONFLICT (ordinal) DO UPDATE SET state = 'begun', attempts = attempts + 1
"""
_REFUSE: Final = f"""
INSERT OR REPLACE INTO questions (ordinal, question, digest, state, error, message, cost, latency, at)
VALUES (?, ?, ?, 'failed', ?, ?, 0, 0, {_NOW})
"""
_COPY: Final = f"""
INSERT OR REPLACE INTO questions (ordinal, question, digest, state, same_as, category, symbols, facts, gaps, error,
    message, answered, latency, cost, at)
SELECT ?, ?, digest, state, ordinal, category, symbols, facts, gaps, error, message, answered, 0, 0, {_NOW}
FROM questions WHERE digest = ? AND same_as IS NULL AND state IN ('completed', 'failed') AND ordinal <> ? LIMIT 1
RETURNING state
"""
_RECORD: Final = f"""
UPDATE questions SET state = ?, category = ?, symbols = ?, facts = ?, gaps = ?, error = ?, message = ?,
    answered = ?, latency = ?, tokens = tokens + ?, cost = coalesce(cost, 0) + ?, calls = calls + ?, content = ?,
    record = ?, same_as = NULL, at = {_NOW}
WHERE ordinal = ? AND state = 'begun'
"""
_REOPEN: Final = f"""
UPDATE questions SET state = {_BACK}, tokens = tokens + ?, cost = coalesce(cost, 0) + ?, calls = calls + ?
WHERE ordinal = ? AND state = 'begun'
"""
_RECOVER: Final = f"""
UPDATE questions SET crashes = crashes + 1, state = CASE WHEN crashes + 1 >= {_CRASHES_FAILED} THEN 'lost'
    WHEN crashes + 1 >= {_CRASHES_ALONE} THEN 'alone' ELSE 'again' END
WHERE state = 'begun'
"""
_STOP: Final = f"UPDATE questions SET state = {_BACK} WHERE state = 'begun'"


class Ledger:
    """The file of one batch, open for writing and locked against other writers.

    Attributes:
        path: Where it is.
        notes: What it says about its batch: `id`, `key`, `call`, `status`, `reason`, `total`.

    Raises (every method):
        LedgerError: The file could not be read or written; a subclass says why.
    """

    def __init__(self, path: Path, notes: dict[str, Any], busy_seconds: float = _BUSY_SECONDS) -> None:
        """Open a ledger to resume, or make one with `notes` about its batch."""
        self.path, self.notes = path, notes
        self._lock = _locked(path)
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._running = Path(f"{path}-running")  # there while a process writes: left behind, it was killed
        try:
            with explained(path):
                self._db = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._open(notes)
        except BaseException:  # the file stays as it was: it may be another program's
            self._db.close()
            self._lock.release()
            raise

    def _open(self, notes: dict[str, Any]) -> None:
        with explained(self.path):
            if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                check_header(self._db, self.path)
            else:
                os.chmod(self.path, 0o600)
                self._db.executescript(_SCHEMA)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing that it committed
        crashed = self._running.exists()
        self._running.touch(mode=0o600)
        self.transaction(lambda: self._recover(notes, crashed))
        with explained(self.path):
            self.notes = notes_of(self._db)

    def _recover(self, notes: dict[str, Any], crashed: bool) -> None:
        """Ask again what was started and not recorded; what may have ended the process, alone."""
        known = [(name, json.dumps(value)) for name, value in notes.items()]
        self._db.executemany("INSERT OR IGNORE INTO batch VALUES (?, ?)", known)
        self._db.execute(_RECOVER if crashed else _STOP)
        self._db.execute(
            f"UPDATE questions SET state = 'failed', error = ?, message = ?, at = {_NOW} WHERE state = 'lost'",
            (WorkerLost.__name__, _LOST),
        )
        self._note(status="running", reason="")

    def _note(self, **notes: Any) -> None:
        rows = [(name, json.dumps(value)) for name, value in notes.items()]
        self._db.executemany("INSERT OR REPLACE INTO batch VALUES (?, ?)", rows)

    # -------------------------------------------------------------------------------------- writing

    async def write[T](self, operation: Callable[[], T]) -> T:
        """`transaction()` in a thread, one for all that is handed over at the same time. Belongs to one loop.

        What is handed over is done, also where the caller is cancelled.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="finassist-ledger")
        return await done

    async def _write(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            results: list[Any] | Exception
            try:
                results = await asyncio.to_thread(self.transaction, lambda some=waiting: [do() for do, _ in some])
            except Exception as error:  # noqa: BLE001  raised in each task that waits
                results = error
            for place, (_, done) in enumerate(waiting):
                if done.done():  # the caller was cancelled
                    continue
                if isinstance(results, Exception):
                    done.set_exception(results)
                else:
                    done.set_result(results[place])
        self._writing = None

    async def settle(self) -> None:
        """Wait until all that was handed over is written."""
        if self._writing is not None:
            await settle(self._writing)

    def transaction[T](self, operation: Callable[[], T]) -> T:
        """Do all of an operation, or nothing of it; what it returned."""
        with explained(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                result = operation()
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk is full
                    self._db.execute("ROLLBACK")
                raise
            return result

    def begin(self, question: Question) -> Begun:
        """Mark a question as begun.

        Returns:
            `"begun"` where it is now to be asked; `"recorded"` where it was recorded before; `"completed"` or
            `"failed"` where it is recorded only now: it cannot be asked, or an identical question was.

        Raises:
            LedgerMismatch: The ledger has another question in this place.
        """
        ordinal, digest = question.ordinal, question.digest
        found = self._db.execute("SELECT digest, state FROM questions WHERE ordinal = ?", (ordinal,)).fetchone()
        if found and found[0] != digest:
            raise LedgerMismatch(
                f"Question {ordinal} (counted from 0) is not the one that the ledger {self.path} has in this place. "
                "Pass resume=False to start again, or the questions it was begun with."
            )
        if found and found[1] in ("completed", "failed"):
            return "recorded"
        if error := question.error:
            self._db.execute(_REFUSE, (ordinal, question.given, digest, type(error).__name__, str(error)))
            return "failed"
        if copied := self._db.execute(_COPY, (ordinal, question.given, digest, ordinal)).fetchall():
            return copied[0][0]
        self._db.execute(_BEGIN, (ordinal, question.given, digest))
        return "begun"

    def record(self, ordinal: int, outcome: Outcome) -> None:
        """Record the outcome of a question that was begun; one that is `unasked` is open again."""
        if outcome.unasked:
            self._db.execute(_REOPEN, (outcome.tokens, outcome.cost, outcome.calls, ordinal))
            return
        about = (outcome.category, outcome.symbols, outcome.facts, outcome.gaps, outcome.error, outcome.message)
        used = (outcome.answered, outcome.latency, outcome.tokens, outcome.cost, outcome.calls)
        state = "failed" if outcome.error else "completed"
        self._db.execute(_RECORD, (state, *about, *used, outcome.content, outcome.record, ordinal))

    def leave(self, questions: Iterable[Question]) -> None:
        """Note questions that this call will not ask."""
        self._db.executemany(
            "INSERT OR IGNORE INTO questions (ordinal, question, digest, state) VALUES (?, ?, ?, 'unasked')",
            [(each.ordinal, each.given, each.digest) for each in questions],
        )

    def reopen_failed(self) -> None:
        """What failed is open again, except for what cannot be asked at all."""
        self._db.execute(
            "UPDATE questions SET state = 'again', crashes = 0, same_as = NULL, error = NULL, message = NULL "
            "WHERE state = 'failed' AND (attempts > 0 OR same_as IS NOT NULL)"
        )

    def finish(self, status: str, reason: str, total: int | None) -> None:
        """Note how the batch ended."""
        self._db.execute(_STOP)
        self._note(status=status, reason=reason, total=total)

    def close(self) -> None:
        """Close the file. Without `finish()`, what was begun is unasked, and did not end the process."""
        with suppress(sqlite3.Error):  # one file instead of three, where no other program reads it now
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()
        self._running.unlink(missing_ok=True)
        self._lock.release()

    def in_state(self, state: str) -> list[tuple[int, str]]:
        """Ordinal and text of the questions in a state."""
        query = "SELECT ordinal, question FROM questions WHERE state = ? ORDER BY ordinal"
        return self._db.execute(query, (state,)).fetchall()

    def counts(self) -> dict[str, int]:
        """How many questions are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM questions GROUP BY state").fetchall())


def _locked(path: Path) -> FileLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(f"{path}.lock", timeout=0, thread_local=False)
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
