"""The file of a ledger: how it is found and opened, what it says about its batch, and its errors in words."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypedDict
from uuid import uuid4

import msgspec

from finassist.core.errors import LedgerError, LedgerFull, LedgerInUse, LedgerMismatch
from finassist.core.process import DATABASE, check_ordinary

APPLICATION, VERSION = 0x46494E42, 2  # “FINB”, in the header of the file


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
    except OSError as error:
        raise LedgerError(_ELSE.format(path, error.strerror or error)) from error
