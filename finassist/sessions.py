"""Where conversations are kept: Agno's own tables in one SQLite file, with a sync and an async adapter on it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, cast
from weakref import WeakValueDictionary

import aiologic
from agno.db.base import AsyncBaseDb, BaseDb, SessionType
from agno.db.in_memory import InMemoryDb
from agno.db.sqlite import AsyncSqliteDb, SqliteDb
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession

from finassist.answer import stored_record
from finassist.errors import ConfigurationError, InvalidSessionId, SessionError
from finassist.llm.rules import Context
from finassist.llm.schemas import CATEGORIES
from finassist.sqlite import SqliteFile

type Database = BaseDb | AsyncBaseDb | str | Path | None

_SESSION_ID = re.compile(r"[\w.:@-]{1,128}", re.ASCII)
_ANSWER_SHOWN = 300


def check_session_id(session_id: str) -> str:
    """The id, if it can be used.

    Raises:
        InvalidSessionId: It is empty, too long, or has characters other than letters, digits and `._:@-`.

    Example:
        >>> check_session_id("apple-2026")
        'apple-2026'
    """
    if not isinstance(session_id, str) or not _SESSION_ID.fullmatch(session_id):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidSessionId(
            "A session id is 1 to 128 letters, digits or any of . _ : @ - (for example “apple-2026”). "
            "Choose another id, or pass none to get a new one."
        )
    return session_id


# ---------------------------------------------------------------------------------------------- store


@dataclass(frozen=True)
class Store:
    """A sync and an async adapter to the same sessions.

    Agno wants a sync adapter in `run()` and an async one in `arun()`: the wrong one blocks the loop, or raises.
    """

    sync: BaseDb | None
    native: AsyncBaseDb | BaseDb | None
    file: SqliteFile | None = None  # kept alive with the store: its connections are closed when it goes

    def for_run(self) -> BaseDb:
        """The adapter `run()` uses.

        Raises:
            ConfigurationError: The workflow was given an async database that has no sync form.
        """
        if self.sync is None:
            raise ConfigurationError("This database is async only. Use `await workflow.arun(...)`, or a sync database.")
        return self.sync

    def for_arun(self) -> AsyncBaseDb | BaseDb:
        """The adapter `arun()` uses."""
        if self.native is None:
            raise ConfigurationError("This database is sync only and would block the loop. Use `workflow.run(...)`.")
        return self.native

    def close(self) -> None:
        """Close the file, if it was opened here; it opens again when needed."""
        if self.file:
            self.file.close()

    async def aclose(self) -> None:
        """`close` on a running loop."""
        if self.file:
            await self.file.aclose()

    def has_run(self, run_id: str) -> bool:
        """Whether the run can be read back. Agno swallows failures to save: only reading tells."""
        try:
            return self.for_run().get_run(run_id, deserialize=False) is not None
        except Exception:  # noqa: BLE001  any database error means the same to the person: it is not there
            return False

    async def ahas_run(self, run_id: str) -> bool:
        """`has_run` for `arun()`."""
        database = self.for_arun()
        if not isinstance(database, AsyncBaseDb):
            return self.has_run(run_id)
        try:
            return await database.get_run(run_id, deserialize=False) is not None
        except Exception:  # noqa: BLE001  see has_run
            return False

    def sessions(self, user_id: str | None = None) -> list[WorkflowSession]:
        """Every stored session, the most recently used first."""
        return latest_first(self.for_run().get_sessions(session_type=SessionType.WORKFLOW, user_id=user_id))


def open_store(database: Database) -> Store:
    """The store for what the user gave as `db`.

    Args:
        database: A path to a SQLite file (created if need be), an Agno database, or `None` for memory only.

    Raises:
        SessionError: The file cannot be opened for writing.
    """
    if database is None:
        memory = InMemoryDb()
        return Store(memory, memory)
    if isinstance(database, str | Path):
        return _file_store(Path(database).expanduser().resolve())
    if isinstance(database, InMemoryDb):
        return Store(database, database)
    if isinstance(database, SqliteDb | AsyncSqliteDb) and database.db_file:
        return _file_store(Path(database.db_file).resolve())
    return Store(None, database) if isinstance(database, AsyncBaseDb) else Store(database, None)


def _file_store(path: Path) -> Store:
    try:
        file = SqliteFile.open(path)
    except Exception as error:
        raise SessionError(
            f"The session database {path} cannot be opened ({error}). Set FINASSIST_HOME to a folder you can "
            "write to, or pass db=None to keep sessions in memory."
        ) from error
    return Store(file.sync, file.native, file)


# ------------------------------------------------------------------------------------------- one at a time


class SessionLocks:
    """One lock per session, for threads and loops alike: turns of one conversation never overlap."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, aiologic.BinarySemaphore] = WeakValueDictionary()
        self._guard = Lock()
        self._on_loops: Counter[tuple[str, asyncio.AbstractEventLoop]] = Counter()

    def of(self, session_id: str) -> aiologic.BinarySemaphore:
        """The lock of this session; works with `with` and with `async with`."""
        with self._guard:
            lock = self._locks.get(session_id)
            if lock is None:
                lock = self._locks[session_id] = aiologic.BinarySemaphore()
            return lock

    @contextmanager
    def on_loop(self, session_id: str) -> Generator[None]:
        """Inside, an async run of this session needs the running loop, from its turn in the queue to its end."""
        key = (session_id, asyncio.get_running_loop())
        with self._guard:
            self._on_loops[key] += 1
        try:
            yield
        finally:
            with self._guard:
                self._on_loops[key] -= 1
                if not self._on_loops[key]:
                    del self._on_loops[key]

    def check_loop_is_free(self, session_id: str) -> None:
        """Refuse to block a loop that an async run of the same session needs to come to its end.

        Raises:
            SessionError: Such a run would be waited for, for ever.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if (session_id, loop) in self._on_loops:
            raise SessionError(
                "This conversation is still answering an `arun()`, and a sync `run()` here would keep it from ending. "
                "Await that answer first, use `await workflow.arun(...)`, or pass another session_id."
            )


# ----------------------------------------------------------------------------------------- what is remembered

SUMMARY: Final = "finassist_summary"


def remember(session: WorkflowSession | None, turns: int) -> Context:
    """What a conversation carries into its next question.

    Args:
        session: The stored session, or `None` for a new one.
        turns: How many earlier turns are carried in full; older ones are in the summary.
    """
    answered = [(run, record) for run in _runs(session) if (record := stored_record(run))]
    if not answered:
        return Context()
    records = [record for _, record in answered]
    spoken = next((record for record in reversed(records) if record["symbols"]), records[-1])
    return Context(
        category=cast(Any, spoken["category"] if spoken["category"] in CATEGORIES else None),
        symbols=tuple(spoken["symbols"]),
        summary=str(stored_summary(session).get("text", "")),
        turns=tuple(turn_of(run) for run, _ in answered[-turns:]),
    )


def turn_of(run: WorkflowRunOutput) -> tuple[str, str]:
    """A turn as (question, short answer)."""
    content = " ".join(str(run.content or "").split())
    return str(run.input or ""), content[:_ANSWER_SHOWN]


def stored_summary(session: WorkflowSession | None) -> dict[str, Any]:
    """The session's summary: `text`, and how many `turns` it covers; empty if there is none."""
    data = (session.session_data if session else None) or {}
    state = cast("dict[str, Any]", data.get("session_state") or {})
    return state.get(SUMMARY) or {}


def with_summary(session: WorkflowSession, text: str, turns: int) -> WorkflowSession:
    """The session with its summary replaced."""
    data = dict(session.session_data or {})
    data["session_state"] = {**(data.get("session_state") or {}), SUMMARY: {"text": text, "turns": turns}}
    session.session_data = data
    return session


def latest_first(found: Iterable[Any]) -> list[WorkflowSession]:
    """The sessions of workflows among what a database returned, the most recently used first."""
    sessions = [session for session in found if isinstance(session, WorkflowSession)]
    return sorted(sessions, key=lambda session: session.updated_at or session.created_at or 0, reverse=True)


def session_rows(sessions: Iterable[WorkflowSession]) -> list[dict[str, Any]]:
    """One row per session, for `frames.sessions_frame`."""
    return [_session_row(session) for session in sessions]


def _session_row(session: WorkflowSession) -> dict[str, Any]:
    runs = _runs(session)
    records = [record for run in runs if (record := stored_record(run))]
    return {
        "session_id": session.session_id,
        "name": (session.session_data or {}).get("session_name"),
        "turns": len(runs),
        "first_question": str(runs[0].input) if runs else None,
        "last_question": str(runs[-1].input) if runs else None,
        "last_status": str(getattr(runs[-1].status, "value", runs[-1].status)) if runs else None,
        "symbols": list(dict.fromkeys(symbol for record in records for symbol in record["symbols"])),
        "summary": stored_summary(session).get("text"),
        "created_at": session.created_at,
        "updated_at": session.updated_at or session.created_at,
    }


def _runs(session: WorkflowSession | None) -> Sequence[WorkflowRunOutput]:
    return (session.runs if session else None) or []
