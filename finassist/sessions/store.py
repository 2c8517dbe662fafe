"""Where conversations are stored: Agno's own tables in one SQLite file, on a PostgreSQL server, or in memory.

Turns of one conversation never overlap: not between threads and loops, nor between machines that share it.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import aiologic
from agno.db.base import AsyncBaseDb, BaseDb
from agno.db.in_memory import InMemoryDb
from agno.exceptions import MigrationRequiredError
from agno.session import WorkflowSession

from finassist.core.concurrency import in_thread, running_loop
from finassist.core.errors import ConfigurationError, FinassistError, InvalidSessionId, SessionError
from finassist.core.process import quietly
from finassist.sessions.runs import MemoryDb

if TYPE_CHECKING:
    from finassist.sessions.databases import FileDb, ServerTurns

type Database = BaseDb | AsyncBaseDb | str | Path | None

_SESSION_ID: Final = re.compile(r"[\w.:@-]{1,128}", re.ASCII)


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


def threaded(database: BaseDb) -> AsyncBaseDb:
    """An async form of a sync database: each of its methods runs in a thread and does not block the loop.

    Agno's own async adapters keep connections that belong to one event loop, and a workflow is used from several.
    """
    native = _ThreadedDb(id=database.id)
    native.sync = database
    for name, table in vars(database).items():
        if name.endswith("_table_name"):
            setattr(native, name, table)
    return native


def _in_a_thread(name: str) -> Callable[..., Any]:
    async def method(self: Any, *args: Any, **options: Any) -> Any:
        return await in_thread(getattr(self.sync, name), *args, **options)

    return method


_METHODS: Final = [name for name, _ in inspect.getmembers(AsyncBaseDb, inspect.iscoroutinefunction) if name[0] != "_"]
_ThreadedDb: Final[Any] = type("ThreadedDb", (AsyncBaseDb,), {name: _in_a_thread(name) for name in _METHODS})


@dataclass(frozen=True)
class Store:
    """A sync and an async adapter to the same sessions.

    Agno wants a sync adapter in `run()` and an async one in `arun()`: the wrong one blocks the loop, or raises.

    Attributes:
        sync: What `run()` uses; `None` where the user gave an async database.
        native: What `arun()` uses.
        opened: What was opened here, and so is closed here.
        turns: Takes turns with other machines, where the sessions are shared with them.
    """

    sync: BaseDb | None
    native: AsyncBaseDb | BaseDb
    opened: FileDb | ServerTurns | None = None
    turns: ServerTurns | None = None

    def for_run(self) -> BaseDb:
        """The adapter `run()` uses; an error where the workflow was given an async database that has no sync form."""
        if self.sync is None:
            raise ConfigurationError("This database is async only. Use `await workflow.arun(...)`, or a sync database.")
        return self.sync

    @property
    def keeps_runs_apart(self) -> bool:
        """Whether a session is saved without its runs, so that not all of them have to be read before."""
        kind: Any = type(self.sync or self.native)
        return kind.upsert_run not in (BaseDb.upsert_run, AsyncBaseDb.upsert_run)

    def count_runs(self, session_id: str, session: WorkflowSession | None) -> int:
        """How many runs a session has, of which all or the last were read."""
        runs = (session.runs if session else None) or []
        return _counted(self.ask(_count(session_id))) if runs and self.keeps_runs_apart else len(runs)

    async def acount_runs(self, session_id: str, session: WorkflowSession | None) -> int:
        """`count_runs` for a running loop."""
        runs = (session.runs if session else None) or []
        return _counted(await self.aask(_count(session_id))) if runs and self.keeps_runs_apart else len(runs)

    def close(self) -> None:
        """Close what was opened here; it opens again when needed."""
        if self.opened is not None:
            self.opened.close()

    async def aclose(self) -> None:
        """`close` on a running loop."""
        await asyncio.to_thread(self.close)

    def has_run(self, run_id: str) -> bool:
        """Whether the run can be read back. Agno swallows failures to save: only reading tells."""
        try:
            find = getattr(self.sync, "has_run", None)  # ours can tell without reading the run
            return bool(find(run_id) if find else self.for_run().get_run(run_id, deserialize=False))
        except Exception:  # noqa: BLE001  any database error means the same to the person: it is not there
            return False

    async def ahas_run(self, run_id: str) -> bool:
        """`has_run` for `arun()`."""
        if self.sync is not None:
            return await self._beside_the_loop(lambda: self.has_run(run_id))
        native: Any = self.native
        try:
            return await native.get_run(run_id, deserialize=False) is not None
        except Exception:  # noqa: BLE001  see has_run
            return False

    def ask[T](self, work: Callable[[Any], T]) -> T:
        """What `work` makes of the sync adapter; a `SessionError` where it cannot be reached."""
        database = self.for_run()
        with _reaching():
            return quietly(lambda: work(database))

    async def aask(self, work: Callable[[Any], Any]) -> Any:
        """`ask` for a running loop, without blocking it."""
        if self.sync is not None:
            return await self._beside_the_loop(lambda: self.ask(work))
        with _reaching():
            return await work(self.native)

    async def _beside_the_loop[T](self, work: Callable[[], T]) -> T:
        return work() if isinstance(self.sync, InMemoryDb) else await asyncio.to_thread(work)


def _count(session_id: str) -> Callable[[Any], Any]:
    def count(database: Any) -> Any:
        ours = getattr(database, "count_runs", None)
        return ours(session_id) if ours else database.get_runs(session_id=session_id, limit=1, deserialize=False)

    return count


def _counted(found: Any) -> int:
    return found if isinstance(found, int) else int(found[1])


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


def as_session_error(error: Exception) -> Exception:
    """What a failure of the database means; any other error as it is."""
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}  # SQLAlchemy may not be loaded
    if "sqlalchemy.exc.SQLAlchemyError" not in kinds and not isinstance(error, MigrationRequiredError):
        return error
    failure = SessionError(
        f"The session could not be read ({type(error).__name__}). Check that the session database is not locked or "
        "damaged, set FINASSIST_HOME to another folder, or pass db=None to keep sessions in memory."
    )
    failure.__cause__ = error
    return failure


def open_store(database: Database) -> Store:
    """The store for what the user gave as `db`.

    Args:
        database: A path to a SQLite file (created if need be), the address of a PostgreSQL server
            (`"postgresql://user@host/database"`), an Agno database, or `None` for memory only.
    """
    if database is None:
        database = MemoryDb()
    if isinstance(database, str) and "://" in database:
        return _server_store(database)
    if isinstance(database, str | Path):
        return _file_store(Path(database).expanduser().resolve())
    if isinstance(database, InMemoryDb):
        return Store(database, database)
    if file := getattr(database, "db_file", None):  # Agno's SQLite adapters, without importing SQLAlchemy for others
        return _file_store(Path(file).resolve())
    return Store(None, database) if isinstance(database, AsyncBaseDb) else Store(database, threaded(database))


def _server_store(address: str) -> Store:
    if not address.startswith("postgres"):
        raise ConfigurationError(
            "Sessions are stored in a SQLite file (pass its path) or on PostgreSQL (postgresql://user@host/database). "
            "For another database pass one of Agno's database objects."
        )
    from finassist.sessions.databases import open_server

    database, turns = open_server(address)
    return Store(database, threaded(database), opened=turns, turns=turns)


def _file_store(path: Path) -> Store:
    from finassist.sessions.databases import FileDb

    try:
        database = FileDb(path)
    except Exception as error:
        reason = getattr(error, "orig", None) or error  # SQLAlchemy's own words end with an address
        raise SessionError(
            f"The session database {path} cannot be opened ({reason}). Set FINASSIST_HOME to a folder you can "
            "write to, or pass db=None to keep sessions in memory."
        ) from error
    return Store(database, threaded(database), opened=database)


# ---------------------------------------------------------------------------------------------- turns


class SessionLocks:
    """One lock per session, for threads and loops alike: turns of one conversation never overlap.

    `elsewhere` takes turns with other processes and machines, where the sessions are shared with them.
    """

    def __init__(self, elsewhere: ServerTurns | None = None) -> None:
        self._elsewhere = elsewhere
        self._locks: WeakValueDictionary[str, aiologic.BinarySemaphore] = WeakValueDictionary()
        self._guard = Lock()
        self._on_loops: Counter[tuple[str, asyncio.AbstractEventLoop]] = Counter()

    @contextmanager
    def turn(self, session_id: str) -> Generator[None]:
        """Inside, it is the turn of the caller in this session.

        A `SessionError` where it cannot be taken elsewhere: the database is away, or another process comes to no end.
        """
        with self._here(session_id), self._elsewhere.turn(session_id) if self._elsewhere else nullcontext():
            yield

    @asynccontextmanager
    async def aturn(self, session_id: str) -> AsyncGenerator[None]:
        """`turn` for a running event loop, which is not blocked meanwhile."""
        async with self._here(session_id), self._elsewhere.aturn(session_id) if self._elsewhere else nullcontext():
            yield

    def _here(self, session_id: str) -> aiologic.BinarySemaphore:
        with self._guard:
            lock = self._locks.get(session_id)
            if lock is None:
                lock = self._locks[session_id] = aiologic.BinarySemaphore()
        return lock

    @contextmanager
    def on_loop(self, session_id: str) -> Generator[None]:
        """Inside, an async run of this session needs the running loop, from its turn in the queue to its end."""
        key = (session_id, asyncio.get_running_loop())
        self._on_loops[key] += 1  # only the loop's own thread counts here
        try:
            yield
        finally:
            self._on_loops[key] -= 1
            if not self._on_loops[key]:
                del self._on_loops[key]

    def check_loop_is_free(self, session_id: str) -> None:
        """Refuse to block a loop that an async run of the same session needs to come to its end."""
        if (session_id, running_loop()) in self._on_loops:
            raise SessionError(
                "This conversation is still answering an `arun()`, and a sync `run()` here would keep it from ending. "
                "Await that answer first, use `await workflow.arun(...)`, or pass another session_id."
            )
