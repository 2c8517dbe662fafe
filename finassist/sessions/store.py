"""Where conversations are kept: Agno's own tables in one SQLite file, on a PostgreSQL server, or in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from agno.db.base import AsyncBaseDb, BaseDb, SessionType
from agno.db.in_memory import InMemoryDb
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession

from finassist.core.categories import CATEGORIES
from finassist.core.errors import ConfigurationError, FinassistError, InvalidSessionId, SessionError
from finassist.core.process import quietly
from finassist.core.result import stored_record
from finassist.questions.reading import Memory, remembered
from finassist.questions.rules import Context
from finassist.sessions.locks import SessionLocks as SessionLocks

if TYPE_CHECKING:
    from finassist.sessions.postgres import PostgresServer
    from finassist.sessions.sqlite import SqliteFile

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


class MemoryDb(InMemoryDb):
    """Agno's sessions in memory; whether a run is there is told without copying every run."""

    def has_run(self, run_id: str) -> bool:
        """Whether the run is there; the newest sessions are looked through first."""
        sessions = list(self._sessions.values())  # at once: other threads may begin sessions meanwhile
        runs = (run for session in reversed(sessions) for run in reversed(session.get("runs") or []))
        return any(run["run_id"] == run_id for run in runs)


@dataclass(frozen=True)
class Store:
    """A sync and an async adapter to the same sessions.

    Agno wants a sync adapter in `run()` and an async one in `arun()`: the wrong one blocks the loop, or raises.
    """

    sync: BaseDb | None
    native: AsyncBaseDb | BaseDb | None
    file: SqliteFile | None = None  # kept alive with the store: its connections are closed when it goes
    server: PostgresServer | None = None

    def new_locks(self) -> SessionLocks:
        """Locks for one workflow, one per session; where other machines share the sessions, between these too."""
        return SessionLocks(self.server.turns if self.server else None)

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
        """Close what was opened here; it opens again when needed."""
        for place in (self.file, self.server):
            if place:
                place.close()

    async def aclose(self) -> None:
        """`close` on a running loop."""
        for place in (self.file, self.server):
            if place:
                await place.aclose()

    def has_run(self, run_id: str) -> bool:
        """Whether the run can be read back. Agno swallows failures to save: only reading tells."""
        try:
            if self.file is not None:
                return self.file.has_run(run_id)
            if isinstance(self.sync, MemoryDb):
                return self.sync.has_run(run_id)
            return self.for_run().get_run(run_id, deserialize=False) is not None
        except Exception:  # noqa: BLE001  any database error means the same to the person: it is not there
            return False

    async def ahas_run(self, run_id: str) -> bool:
        """`has_run` for `arun()`; one trip to a thread instead of one for each step of an async query."""
        if self.file is not None:
            return await asyncio.to_thread(self.has_run, run_id)
        database = self.for_arun()
        if not isinstance(database, AsyncBaseDb):
            return self.has_run(run_id)
        try:
            return await database.get_run(run_id, deserialize=False) is not None
        except Exception:  # noqa: BLE001  see has_run
            return False

    def ask[T](self, work: Callable[[Any], T]) -> T:
        """What `work` makes of the sync adapter.

        Raises:
            SessionError: The database cannot be reached.
            ConfigurationError: It is async only.
        """
        database = self.for_run()
        with _reaching():
            return quietly(lambda: work(database))

    async def aask(self, work: Callable[[Any], Any]) -> Any:
        """`ask` for a running loop, which goes on meanwhile: in a thread, or awaited where the database is async only.

        The sync adapter is preferred: it belongs to no loop, while pooled async connections belong to the user's.
        """
        if self.sync is None:
            with _reaching():
                return await work(self.for_arun())
        return self.ask(work) if isinstance(self.sync, InMemoryDb) else await asyncio.to_thread(self.ask, work)

    def sessions(self, user_id: str | None = None) -> list[WorkflowSession]:
        """Every stored session, the most recently used first."""
        return latest_first(self.for_run().get_sessions(session_type=SessionType.WORKFLOW, user_id=user_id))


@contextmanager
def _reaching() -> Generator[None]:
    try:
        yield
    except FinassistError:
        raise
    except Exception as error:
        raise SessionError(
            f"The stored conversations could not be reached ({type(error).__name__}). Check that the session database "
            "is not locked or damaged, or pass db=None to keep sessions in memory."
        ) from error


def open_store(database: Database) -> Store:
    """The store for what the user gave as `db`.

    Args:
        database: A path to a SQLite file (created if need be), the address of a PostgreSQL server
            (`"postgresql://user@host/database"`), an Agno database, or `None` for memory only.

    Raises:
        SessionError: The file cannot be opened for writing, or the server cannot be used.
        MissingExtra: It is a server, and the packages of `finassist[postgres]` are not installed.
        ConfigurationError: It is the address of something else.
    """
    if database is None:
        memory = MemoryDb()
        return Store(memory, memory)
    if isinstance(database, str) and "://" in database:
        return _server_store(database)
    if isinstance(database, str | Path):
        return _file_store(Path(database).expanduser().resolve())
    if isinstance(database, InMemoryDb):
        return Store(database, database)
    if file := getattr(database, "db_file", None):  # Agno's SQLite adapters, without importing SQLAlchemy for others
        return _file_store(Path(file).resolve())
    return Store(None, database) if isinstance(database, AsyncBaseDb) else Store(database, None)


def _server_store(address: str) -> Store:
    if not address.startswith("postgres"):
        raise ConfigurationError(
            "Sessions are kept in a SQLite file (pass its path) or on PostgreSQL (postgresql://user@host/database). "
            "For another database pass one of Agno's database objects."
        )
    from finassist.sessions.postgres import PostgresServer

    server = PostgresServer.open(address)
    return Store(server.sync, server.native, server=server)


def _file_store(path: Path) -> Store:
    from finassist.sessions.sqlite import SqliteFile

    try:
        file = SqliteFile.open(path)
    except Exception as error:
        raise SessionError(
            f"The session database {path} cannot be opened ({error}). Set FINASSIST_HOME to a folder you can "
            "write to, or pass db=None to keep sessions in memory."
        ) from error
    return Store(file.sync, file.native, file)


# ----------------------------------------------------------------------------------------- what is remembered

SUMMARY: Final = "finassist_summary"


_TURNS_REFERRED = 12


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


def query_memory(session: WorkflowSession | None) -> Memory:
    """What the next question of a conversation may refer to: queries, companies and lists of the turns before."""
    memory = Memory()
    for run in _runs(session)[-_TURNS_REFERRED:]:
        if record := stored_record(run):
            memory = remembered(memory, record)
    return memory


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
    return sorted(sessions, key=_last_used, reverse=True)


def _last_used(session: WorkflowSession) -> tuple[int, float]:
    """By Agno's clock, which counts whole seconds, then by ours."""
    runs = _runs(session)
    record = (stored_record(runs[-1]) if runs else None) or {}
    return session.updated_at or session.created_at or 0, record.get("answered_at", 0.0)


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
