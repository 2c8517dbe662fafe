"""The file a batch is written to: what was begun, and what came of it. SQLite, sync, one writer.

A question is marked as begun before it is asked, and recorded before its worker takes the next one. So after the
process was killed, what is marked and not recorded is what has to be asked again: one question for each worker at most.

    begun ──► completed | failed               recorded, exactly once
      │
      ├─ the process was killed ──► again      asked once more
      │                             alone      killed with it a second time: asked with nobody beside it
      │                             failed     a third time
      └─ the batch stopped      ──► unasked
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

from filelock import FileLock, Timeout

from finassist.batch import layout
from finassist.batch.layout import check_header, explained, read_notes
from finassist.batch.results import Outcome, Packed
from finassist.core.errors import LedgerError, LedgerInUse, WorkerLost

PATIENCE: Final = 5.0
"""Seconds to wait for another program that holds the file."""

type Operation = Callable[[Ledger], Any]


class Ledger:
    """One batch's file, open for writing, locked against everybody else.

    Attributes:
        path: Where it is.
        notes: What it says about its batch: `id`, `key`, `call`, `status`, `reason`, `total`.

    Raises (every method):
        LedgerError: The file could not be read or written; a subclass says why.
    """

    def __init__(self, path: Path, lock: FileLock, patience: float) -> None:
        self.path = path
        self._lock, self._using = lock, threading.Lock()
        self._running = Path(f"{path}-running")
        with self._said():
            self._db = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        self.notes: dict[str, Any] = {}

    @classmethod
    def open(cls, path: Path, notes: dict[str, Any], patience: float = PATIENCE) -> Self:
        """Open a ledger to go on with, or make one that says `notes` about its batch."""
        lock = _locked(path)
        ledger = cls._opened(path, lock, patience)
        try:
            ledger._begin(notes)
        except BaseException:  # as it was: it may be somebody else's file
            ledger._db.close()
            lock.release()
            raise
        return ledger

    @classmethod
    def _opened(cls, path: Path, lock: FileLock, patience: float) -> Self:
        try:
            return cls(path, lock, patience)
        except BaseException:
            lock.release()
            raise

    def _begin(self, notes: dict[str, Any]) -> None:
        with self._said():
            if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                check_header(self._db, self.path)
            else:
                self._create()
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing of what it committed
        crashed = self._running.exists()
        self._running.touch(mode=0o600)
        self.transaction([lambda _: self._note(notes), lambda _: self._pick_up(crashed)])
        with self._said():
            self.notes = read_notes(self._db)

    def _create(self) -> None:
        os.chmod(self.path, 0o600)
        self._db.executescript(
            f"BEGIN; {layout.SCHEMA} PRAGMA application_id = {layout.APPLICATION}; "
            f"PRAGMA user_version = {layout.VERSION}; COMMIT;"
        )

    def _note(self, notes: dict[str, Any], *, again: bool = False) -> None:
        word = "REPLACE" if again else "IGNORE"
        self._db.executemany(
            f"INSERT OR {word} INTO batch VALUES (?, ?)", [(name, json.dumps(value)) for name, value in notes.items()]
        )

    def _pick_up(self, crashed: bool) -> None:
        """What was begun and not recorded is asked again; what may have ended the process, with care."""
        self._db.execute(
            f"UPDATE questions SET crashes = crashes + ?, state = CASE WHEN NOT ? THEN {layout.BACK} "
            "WHEN crashes + 1 >= ? THEN 'lost' WHEN crashes + 1 >= ? THEN 'alone' ELSE 'again' END "
            "WHERE state = 'begun'",
            (crashed, crashed, layout.CRASHES_FAILED, layout.CRASHES_ALONE),
        )
        self._db.execute(
            f"UPDATE questions SET state = 'failed', error = ?, message = ?, at = {layout.NOW} WHERE state = 'lost'",
            (WorkerLost.__name__, layout.LOST),
        )
        self._note({"status": "running", "reason": ""}, again=True)

    # -------------------------------------------------------------------------------------- writing

    def transaction(self, operations: Sequence[Operation]) -> list[Any]:
        """Do all of it or nothing; what each operation returned."""
        with self._using, self._said():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                done = [operation(self) for operation in operations]
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk is full
                    self._db.execute("ROLLBACK")
                raise
            return done

    def begin(self, ordinal: int, given: str, digest: bytes) -> int | Outcome:
        """A question is about to be asked: for which time. Or what came of an identical one, recorded for both."""
        if twin := self._db.execute(layout.TWIN, (digest, ordinal)).fetchone():
            [error, message] = self._db.execute(layout.COPY, (ordinal, given, twin[0])).fetchone()
            return Outcome(copied=True, error=error, message=message)
        return self._db.execute(layout.BEGIN, (ordinal, given, digest)).fetchone()[0]

    def refuse(self, ordinal: int, given: str, digest: bytes, error: Exception) -> None:
        """What was given cannot be asked; recorded as failed."""
        self._db.execute(layout.REFUSE, (ordinal, given, digest, type(error).__name__, str(error)))

    def record(self, ordinal: int, outcome: Outcome, packed: Packed | None) -> None:
        """What came of a question that was begun."""
        kept = packed.compressed() if packed else None
        about = kept.about if kept else (None,) * 4
        used = (outcome.latency, outcome.tokens, outcome.cost, outcome.calls)
        record = (kept.content, kept.record) if kept else (None, None)
        state = "completed" if kept else "failed"
        self._db.execute(layout.RECORD, (state, *about, outcome.error, outcome.message, *used, *record, ordinal))

    def give_back(self, ordinal: int, outcome: Outcome) -> None:
        """A question that was begun is left unasked; what it used counts all the same."""
        self._db.execute(
            f"UPDATE questions SET state = {layout.BACK}, tokens = tokens + ?, cost = coalesce(cost, 0) + ?, "
            "calls = calls + ? WHERE ordinal = ? AND state = 'begun'",
            (outcome.tokens, outcome.cost, outcome.calls, ordinal),
        )

    def set_aside(self, ordinal: int, given: str, digest: bytes) -> None:
        """To be asked when nobody else is."""
        self._db.execute(
            "INSERT INTO questions (ordinal, question, digest, state) VALUES (?, ?, ?, 'alone') "
            "ON CONFLICT (ordinal) DO UPDATE SET state = 'alone'",
            (ordinal, given, digest),
        )

    def leave(self, questions: Iterable[tuple[int, str, bytes]]) -> None:
        """Questions that will not be asked in this call."""
        self._db.executemany(
            "INSERT OR IGNORE INTO questions (ordinal, question, digest, state) VALUES (?, ?, ?, 'unasked')", questions
        )

    def ask_failed_again(self) -> None:
        """What failed is open again, except for what cannot be asked at all."""
        self._db.execute(
            "UPDATE questions SET state = 'again', crashes = 0, same_as = NULL, error = NULL, message = NULL "
            "WHERE state = 'failed' AND (attempts > 0 OR same_as IS NOT NULL)"
        )

    # -------------------------------------------------------------------------------------- reading

    def known(self, start: int, count: int) -> dict[int, tuple[bytes, str]]:
        """Digest and state of what the ledger has of these ordinals."""
        rows = self._db.execute(
            "SELECT ordinal, digest, state FROM questions WHERE ordinal >= ? AND ordinal < ?", (start, start + count)
        )
        return {ordinal: (digest, state) for ordinal, digest, state in rows}

    def in_state(self, state: str) -> list[tuple[int, str]]:
        """Ordinal and text of the questions in a state."""
        return self._db.execute(
            "SELECT ordinal, question FROM questions WHERE state = ? ORDER BY ordinal", (state,)
        ).fetchall()

    def suspects(self) -> set[bytes]:
        """Digests of questions that may end the process."""
        return {digest for (digest,) in self._db.execute("SELECT digest FROM questions WHERE state = 'alone'")}

    def counts(self) -> dict[str, int]:
        """How many questions are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM questions GROUP BY state").fetchall())

    # -------------------------------------------------------------------------------------- the end

    def finish(self, status: str, reason: str, total: int | None) -> None:
        """Write down how the batch ended."""
        notes = {"status": status, "reason": reason, "total": total}
        self.transaction(
            [
                lambda _: self._db.execute(f"UPDATE questions SET state = {layout.BACK} WHERE state = 'begun'"),
                lambda _: self._note(notes, again=True),
            ]
        )
        self.notes |= notes

    def close(self) -> None:
        """Let go of the file. Without `finish()`, what was begun is unasked, and is no suspect."""
        with self._using:
            with suppress(sqlite3.Error):  # one file instead of three, where nobody else reads it now
                self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.close()
            self._running.unlink(missing_ok=True)
            self._lock.release()

    @contextmanager
    def _said(self) -> Any:
        try:
            yield
        except sqlite3.Error as error:
            raise explained(error, self.path) from error


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
