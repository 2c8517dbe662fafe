"""Which file a batch is written to: the one to go on with, where there is one, else a new one."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from finassist.batch.layout import check_header, explained, read_notes
from finassist.core.errors import LedgerError, LedgerMismatch

FOLDER: Final = "batches"
_SUFFIX: Final = ".db"


def key_of(call: dict[str, Any], questions: str) -> str:
    """The same for calls that ask the same of the same: what may be gone on with.

    Args:
        call: Model, provider and whatever else changes an answer.
        questions: Their fingerprint.
    """
    told = json.dumps([call, questions], sort_keys=True)
    return hashlib.blake2b(told.encode(), digest_size=12).hexdigest()


def choose(home: Path, chosen: Path | None, key: str, resume: bool) -> tuple[Path, bool]:
    """The path of the ledger, and whether it is finished and only to be read.

    Args:
        home: Folder of the user's data.
        chosen: The path the user wants, if any.
        key: Of the call.
        resume: Whether a ledger that was begun may be gone on with.

    Raises:
        LedgerMismatch: The file the user wants is something else.
        LedgerError: It cannot be read.
    """
    if chosen is not None:
        return chosen, _is_finished(chosen, key, resume)
    folder = home / FOLDER
    found = sorted(folder.glob(f"{key}-*{_SUFFIX}"), reverse=True) if resume else []
    for path in found:
        if _unfinished(path):
            return path, False
    return folder / f"{key}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}{_SUFFIX}", False


def _unfinished(path: Path) -> bool:
    """Whether the batch can be gone on with; a file that says nothing yet, or nothing readable, is left alone."""
    try:
        notes = notes_of(path)
    except LedgerError:
        return False
    return bool(notes) and notes.get("status") != "completed"


def _is_finished(path: Path, key: str, resume: bool) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    notes = notes_of(path)
    if notes and notes.get("key") != key:
        raise LedgerMismatch(
            f"{path} is the ledger of another batch: other questions, or another model, provider, routing or number of "
            "years. Pass another path as ledger=, or make the call it was begun with."
        )
    if not resume:
        raise LedgerMismatch(f"{path} holds a batch already. Pass another path as ledger=, or resume=True to go on.")
    return notes.get("status") == "completed"


def notes_of(path: Path) -> dict[str, Any]:
    """What a ledger says about its batch; nothing, where it was killed before it could say anything.

    Raises:
        LedgerMismatch: The file is no ledger, or of another version.
        LedgerError: It cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=1)) as db:
            if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return {}
            check_header(db, path)
            return read_notes(db)
    except sqlite3.Error as error:
        raise explained(error, path) from error
