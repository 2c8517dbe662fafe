"""What a ledger looks like inside: its tables, its statements, and what its errors mean in words."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, Final

from finassist.core.errors import LedgerError, LedgerFull, LedgerInUse, LedgerMismatch

APPLICATION: Final = 0x46494E42  # “FINB”, in the header of the file
VERSION: Final = 1
CRASHES_ALONE, CRASHES_FAILED = 2, 3

NOW: Final = "((julianday('now') - 2440587.5) * 86400.0)"
"""Seconds since 1970, also for a SQLite that is older than its function for it."""

SCHEMA: Final = """
CREATE TABLE batch (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE questions (
    ordinal INTEGER PRIMARY KEY, question TEXT NOT NULL, digest BLOB NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, same_as INTEGER,
    category TEXT, symbols TEXT, facts INTEGER, gaps INTEGER, error TEXT, message TEXT,
    latency REAL, tokens INTEGER NOT NULL DEFAULT 0, cost REAL, calls INTEGER NOT NULL DEFAULT 0, at REAL,
    content BLOB, record BLOB
);
CREATE INDEX by_digest ON questions (digest) WHERE same_as IS NULL;
CREATE INDEX open_questions ON questions (state) WHERE state NOT IN ('completed', 'failed');
"""
BEGIN: Final = """
INSERT INTO questions (ordinal, question, digest, state, attempts) VALUES (?, ?, ?, 'begun', 1)
ON CONFLICT (ordinal) DO UPDATE SET state = 'begun', attempts = attempts + 1 RETURNING attempts
"""
REFUSE: Final = f"""
INSERT OR REPLACE INTO questions (ordinal, question, digest, state, error, message, cost, latency, at)
VALUES (?, ?, ?, 'failed', ?, ?, 0, 0, {NOW})
"""
RECORD: Final = f"""
UPDATE questions SET state = ?, category = ?, symbols = ?, facts = ?, gaps = ?, error = ?, message = ?,
    latency = ?, tokens = tokens + ?, cost = coalesce(cost, 0) + ?, calls = calls + ?, content = ?, record = ?,
    same_as = NULL, at = {NOW}
WHERE ordinal = ? AND state = 'begun'
"""
COPY: Final = f"""
INSERT OR REPLACE INTO questions (ordinal, question, digest, state, same_as, category, symbols, facts, gaps, error,
    message, latency, cost, at)
SELECT ?, ?, digest, state, ordinal, category, symbols, facts, gaps, error, message, 0, 0, {NOW}
FROM questions WHERE ordinal = ? RETURNING error, message
"""
TWIN: Final = """
SELECT ordinal FROM questions
WHERE digest = ? AND same_as IS NULL AND state IN ('completed', 'failed') AND ordinal <> ? LIMIT 1
"""
BACK: Final = f"CASE WHEN crashes >= {CRASHES_ALONE} THEN 'alone' ELSE 'unasked' END"
LOST: Final = (
    f"The process ended {CRASHES_FAILED} times while this question was asked, the last time with no other beside it. "
    "Ask it by itself to see why, or try again with `await batch.retry_failed()`."
)


def check_header(db: sqlite3.Connection, path: Path) -> None:
    """Whether the file is a ledger, and one that can be read here.

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


def read_notes(db: sqlite3.Connection) -> dict[str, Any]:
    """What a ledger says about its batch."""
    return {name: json.loads(value) for name, value in db.execute("SELECT name, value FROM batch")}


def explained(error: sqlite3.Error, path: Path) -> LedgerError:
    """The same in words, with what to do next."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return LedgerFull(
            f"The ledger {path} could not be written: the disk is full, or fails ({error}). What was recorded is kept. "
            "Make room, and make the same call again to go on."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerInUse(
            f"Another program holds the ledger {path} ({error}). What was recorded is kept. "
            "Close that program, and make the same call again to go on."
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return LedgerMismatch(f"{path} is not the ledger of a batch ({error}). Pass another path as ledger=.")
    return LedgerError(
        f"The ledger {path} could not be used ({error}). Check that its folder exists and can be written, "
        "set FINASSIST_HOME, or pass another path as ledger=."
    )
