"""The file of a batch: its tables, how to find and read it, and its errors in words. SQLite."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from finassist.core.errors import LedgerError, LedgerFull, LedgerInUse, LedgerMismatch

APPLICATION: Final = 0x46494E42  # “FINB”, in the header of the file
VERSION: Final = 2

NOW: Final = "((julianday('now') - 2440587.5) * 86400.0)"
"""Seconds since 1970; `unixepoch('subsec')` needs SQLite 3.42."""

SCHEMA: Final = f"""
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
COMPLETED: Final = "WHERE q.state = 'completed'"
FAILED: Final = "WHERE q.state = 'failed'"
RECORDED: Final = "WHERE q.state IN ('completed', 'failed')"
OPEN: Final = "WHERE q.state NOT IN ('completed', 'failed')"

_ROWS: Final = """
SELECT q.ordinal, q.question, q.state, q.category, q.symbols, q.facts, q.gaps, q.error, q.message, q.answered,
    q.latency, q.tokens, q.cost, q.calls, q.attempts, q.at, coalesce(q.content, o.content) AS content,
    {record} AS record
FROM questions q LEFT JOIN questions o ON o.ordinal = q.same_as {where} ORDER BY q.ordinal
"""
_FOLDER: Final = "batches"
_SUFFIX: Final = ".db"


# ------------------------------------------------------------------------------------------- reading


def read_rows(path: Path, where: str = "", *, records: bool = False) -> Generator[dict[str, Any]]:
    """One row a question, in order; `records` adds the stored answers.

    Raises:
        LedgerError: The file cannot be read.
    """
    query = _ROWS.format(record="coalesce(q.record, o.record)" if records else "NULL", where=where)
    with _reading(path) as db:
        for row in db.execute(query):
            state, symbols = row["state"], row["symbols"]
            status = state if state in ("completed", "failed") else "unasked"
            answered = json.loads(row["answered"] or "{}")
            yield {**dict(row), **answered, "status": status, "symbols": json.loads(symbols) if symbols else []}


def count_rows(path: Path, where: str = "") -> int:
    """How many questions the ledger has.

    Raises:
        LedgerError: The file cannot be read.
    """
    with _reading(path) as db:
        return db.execute(f"SELECT count(*) FROM questions q {where}").fetchone()[0]


def read_notes(path: Path) -> dict[str, Any]:
    """What a ledger says about its batch; nothing, where its process was killed before it wrote that.

    Raises:
        LedgerMismatch: The file is no ledger, or of another version.
        LedgerError: It cannot be read.
    """
    with _reading(path) as db:
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return {}
        check_header(db, path)
        return notes_of(db)


def notes_of(db: sqlite3.Connection) -> dict[str, Any]:
    """What a ledger that is open says about its batch."""
    return {name: json.loads(value) for name, value in db.execute("SELECT name, value FROM batch")}


@contextmanager
def _reading(path: Path) -> Generator[sqlite3.Connection]:
    # mode=rw, because a ledger that its process left in WAL mode cannot be opened for reading alone
    with explained(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=1)) as db:
        db.row_factory = sqlite3.Row
        yield db


# ------------------------------------------------------------------------------------------- finding


def key_of(call: dict[str, Any], questions: str) -> str:
    """The same for calls that ask the same of the same, so that one can go on with the other's ledger.

    Args:
        call: Model, provider and whatever else changes an answer.
        questions: Their fingerprint.
    """
    text = json.dumps([call, questions], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def choose_ledger(home: Path, chosen: Path | None, key: str, resume: bool) -> tuple[Path, bool]:
    """The path of the ledger, and whether it is finished and only to be read.

    Args:
        home: Folder of the user's data.
        chosen: The path the user wants, if any.
        key: Of the call.
        resume: Whether to go on with a ledger that was begun.

    Raises:
        LedgerMismatch: The file the user wants is something else.
        LedgerError: It cannot be read.
    """
    if chosen is not None:
        return chosen, _is_finished(chosen, key, resume)
    folder = home / _FOLDER
    found = sorted(folder.glob(f"{key}-*{_SUFFIX}"), reverse=True) if resume else []
    fresh = folder / f"{key}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}{_SUFFIX}"
    return next(filter(_is_unfinished, found), fresh), False


def _is_unfinished(path: Path) -> bool:
    """Whether the batch can be gone on with; a file without notes, or that cannot be read, is left alone."""
    try:
        notes = read_notes(path)
    except LedgerError:
        return False
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
        raise LedgerMismatch(f"{path} holds a batch already. Pass another path as ledger=, or resume=True to go on.")
    return notes.get("status") == "completed"


def check_header(db: sqlite3.Connection, path: Path) -> None:
    """Check that the file is a ledger of this version.

    Raises:
        LedgerMismatch: It is not.
    """
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise LedgerMismatch(f"{path} is not the ledger of a batch. Pass another path as ledger=.")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise LedgerMismatch(
            f"{path} is a ledger of version {version}; this finassist reads version {VERSION}. Nothing in it was "
            "changed. Use the finassist that wrote it, or pass another path as ledger=."
        )


# -------------------------------------------------------------------------------------------- errors


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Inside, an error of SQLite becomes one of ours, with what to do next."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from error


def _explained(error: sqlite3.Error, path: Path) -> LedgerError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return LedgerFull(
            f"The ledger {path} could not be written: the disk is full, or fails ({error}). What was recorded is kept. "
            "Make room, and rerun the same call to resume."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerInUse(
            f"Another program holds the ledger {path} ({error}). What was recorded is kept. "
            "Close that program, and rerun the same call to resume."
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return LedgerMismatch(f"{path} is not the ledger of a batch ({error}). Pass another path as ledger=.")
    return LedgerError(
        f"The ledger {path} could not be used ({error}). Check that its folder exists and can be written, "
        "set FINASSIST_HOME, or pass another path as ledger=."
    )
