"""The two databases of sessions: a SQLite file of the user's own, and a PostgreSQL server that machines share.

The password of a server is in none of the objects here. It is handed to the driver when a connection is made, and to
nothing else.
"""

from __future__ import annotations

import asyncio
import os
import re
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final, Self
from uuid import uuid4

from agno.db.base import BaseDb
from agno.db.sqlite import SqliteDb
from agno.db.utils import json_serializer
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession
from filelock import FileLock
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateSchema

from finassist.core.concurrency import in_thread
from finassist.core.errors import ConfigurationError, MissingExtra, SessionError
from finassist.core.process import DATABASE, check_ordinary, quietly
from finassist.core.secrets import redact
from finassist.sessions.runs import RunByRun, read_json

_ID: Final = "finassist"
_KEPT_CONNECTIONS: Final = 5
_BUSY_SECONDS: Final = 30
_LONGEST_WAIT: Final = 120.0
_DEFAULTS: Final = {
    "application_name": "finassist",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "tcp_user_timeout": "30000",  # a server that is gone without a word is noticed, milliseconds
}
_TAKE: Final = "SELECT pg_try_advisory_lock(:key)"
_GIVE: Final = "SELECT pg_advisory_unlock(:key)"
_DRIVER: Final = "postgresql+psycopg"
_SECRETS: Final = ("password", "sslpassword")
_ADDRESS: Final = re.compile(r"postgres(ql)?(\+\w+)?://")
_HOST: Final = re.compile(r"[\w.:%\-\[\]/,]*")


class FileDb(RunByRun, SqliteDb):
    """Agno's adapter to one file, which only its owner can read. `close` closes its connections; they reopen on use."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_ordinary(path, *DATABASE)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        engine = create_engine(
            URL.create("sqlite", database=str(path)),  # as text, `?` in a path would begin options
            poolclass=QueuePool,
            pool_size=_KEPT_CONNECTIONS,
            max_overflow=-1,
            connect_args={"timeout": _BUSY_SECONDS},
            json_serializer=json_serializer,
            json_deserializer=read_json,
        )
        event.listen(engine, "connect", _prepare)
        weakref.finalize(self, engine.dispose)
        super().__init__(db_engine=engine, db_file=str(path), id=_ID)
        engine.connect().close()  # where the file is no database, Agno would print a traceback
        with FileLock(f"{path}.lock", mode=0o600):
            quietly(lambda: _ensure_schema(self))

    def has_run(self, run_id: str) -> bool:
        """Whether the run is in the file, with something in it; it is not read as a whole."""
        saved = text(f"SELECT length(run_data) FROM {self.runs_table_name} WHERE run_id = :run_id")
        with self.db_engine.connect() as connection:
            return bool(connection.execute(saved, {"run_id": run_id}).scalar())

    def count_runs(self, session_id: str) -> int:
        """How many runs the session has; none of them is read."""
        many = text(f"SELECT count(*) FROM {self.runs_table_name} WHERE session_id = :session_id")
        with self.db_engine.connect() as connection:
            return int(connection.execute(many, {"session_id": session_id}).scalar_one())

    def close(self) -> None:
        """Close idle connections. The pool stays, so that one in use now is handed back to it."""
        self.db_engine.pool.dispose()


def _prepare(connection: Any, _: Any) -> None:
    connection.text_factory = _text_of
    cursor = connection.cursor()
    # With a write-ahead log this loses nothing when a process dies, and saves an fsync per statement.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _text_of(stored: bytes) -> str:
    """SQLite's own reading would end at the first byte that is damaged."""
    return stored.decode("utf-8", "surrogateescape")


def _ensure_schema(database: BaseDb) -> None:
    """Create Agno's tables by writing and deleting one session; processes that do so at once lose runs."""
    if database.table_exists(database.session_table_name) and database.table_exists(database.runs_table_name):
        return
    probe = WorkflowSession(session_id=f"schema-{uuid4()}", created_at=0)
    if database.upsert_session(probe) is None:
        raise OSError("it is not writable")
    database.upsert_run(WorkflowRunOutput(run_id=probe.session_id), session_id=probe.session_id)
    database.delete_session(probe.session_id)


# ------------------------------------------------------------------------------------------------- a server


@dataclass(frozen=True)
class Address:
    """The address of the server and our user there, apart from the secrets, which are for the driver alone.

    Example:
        >>> address = Address.read("postgresql://ann:hunter2@db.example.org/research?sslmode=require")
        >>> address.place, address.url.query["sslmode"], "hunter2" in repr(address)
        ('db.example.org/research', 'require', False)
    """

    url: URL
    secrets: Mapping[str, SecretStr]

    @classmethod
    def read(cls, address: str) -> Self:
        """The address of a server, as libpq and SQLAlchemy write it. An error does not repeat it."""
        url = _parsed(address)
        if url is None or not _HOST.fullmatch(url.host or ""):
            raise ConfigurationError(
                "This address of a PostgreSQL server cannot be read. Write postgresql://user:password@host:5432/name; "
                "in the password write %40 for @, %2F for /, %3A for : and %25 for %."
            )
        found = {"password": url.password, **{name: url.query.get(name) for name in _SECRETS if name in url.query}}
        secrets = {name: SecretStr(str(value)) for name, value in found.items() if value}
        query = url.difference_update_query(_SECRETS).query
        plain = URL.create(_DRIVER, url.username, host=url.host, port=url.port, database=url.database, query=query)
        return cls(plain, secrets)

    def __reduce__(self) -> tuple[type[Address], tuple[URL, dict[str, SecretStr]]]:
        """Without the secrets: anybody may read a pickle. Who unpickles it has them in the environment."""
        return type(self), (self.url, {})

    @property
    def place(self) -> str:
        """The server and the database, to be shown."""
        host = self.url.host or str(self.url.query.get("host", "localhost"))
        return f"{host}{f':{self.url.port}' if self.url.port else ''}/{self.url.database or ''}"

    def tell(self, _dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        """Called by SQLAlchemy right before it connects."""
        options.update({name: secret.get_secret_value() for name, secret in self.secrets.items()})

    def failure(self, error: BaseException) -> SessionError:
        """What went wrong, in words that can be shown. It has no cause: frames of the driver know the password."""
        said = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        said = redact(said, (secret.get_secret_value() for secret in self.secrets.values()))
        return SessionError(
            f"The session database {self.place} cannot be used ({type(error).__name__}: {said[:300]}). Check that the "
            "server runs, and the user, the password and the rights; or pass db=None to keep sessions in memory."
        )

    def checked[T](self, work: Callable[[], T]) -> T:
        """Do the work; what the driver raises becomes a `SessionError` that has no part of it."""
        try:
            return work()
        except (SQLAlchemyError, OSError) as error:
            failure = self.failure(error)
        raise failure  # out here, so that it does not bring the driver's frames along


def _parsed(address: str) -> URL | None:
    try:
        return make_url(address) if _ADDRESS.match(address) else None
    except (ArgumentError, ValueError):
        return None


def open_server(address: str) -> tuple[BaseDb, ServerTurns]:
    """Connect, and create Agno's tables (in its schema `ai`) if need be; processes that do so at once take turns.

    Returns:
        Agno's adapter to the server, and the turns that are taken with other machines. Connections are closed when
        the adapter is deleted or by `close` of the turns, and open again when used.
    """
    from agno.db.postgres import PostgresDb
    from agno.db.postgres.engine import create_postgres_engine

    where = Address.read(address)
    arguments = {name: value for name, value in _DEFAULTS.items() if name not in where.url.query}
    try:
        engine = create_postgres_engine(where.url, pool_size=_KEPT_CONNECTIONS, max_overflow=-1, connect_args=arguments)
    except ImportError as error:
        raise MissingExtra("Sessions on PostgreSQL need psycopg. Run: pip install 'finassist[postgres]'") from error
    event.listen(engine, "do_connect", where.tell)
    kind: Any = type("ServerDb", (RunByRun, PostgresDb), {})
    database, turns = kind(db_engine=engine, id=_ID), ServerTurns(engine, where)
    weakref.finalize(database, turns.close)
    try:
        where.checked(lambda: _create_tables(engine, database))
    except BaseException:
        turns.close()
        raise
    return database, turns


def _create_tables(engine: Engine, database: Any) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"key": _key("the tables")}
        connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
        try:
            # Agno would continue without its schema and fail later with another error.
            if connection.execute(text("SELECT to_regnamespace(:name)"), {"name": database.db_schema}).scalar() is None:
                connection.execute(CreateSchema(database.db_schema))
            quietly(lambda: _ensure_schema(database))
        finally:
            connection.execute(text(_GIVE), key)


class ServerTurns:
    """Turns of one conversation taken between processes and machines, by advisory locks on one connection.

    The server gives a lock back when its connection ends, so that a process that dies blocks nobody. One connection
    holds the locks of all conversations under way in this store. (Behind a pooler the connection must be a session's:
    with transaction pooling nothing is locked.)
    """

    def __init__(self, engine: Engine, address: Address) -> None:
        self._engine, self._address = engine, address
        self._guard = Lock()
        self._connection: Connection | None = None

    @contextmanager
    def turn(self, session_id: str) -> Generator[None]:
        """Inside, no other process answers in this session; an error where one still does after two minutes."""
        try:
            for pause in _pauses(session_id):
                if self._ask(_TAKE, session_id):
                    break
                Event().wait(pause)
            yield
        finally:
            self._give(session_id)  # also after an interrupt: it may have come right after the server's yes

    @asynccontextmanager
    async def aturn(self, session_id: str) -> AsyncGenerator[None]:
        """`turn` for a running event loop, without blocking it."""
        try:
            for pause in _pauses(session_id):
                if await in_thread(self._ask, _TAKE, session_id):
                    break
                await asyncio.sleep(pause)
            yield
        finally:
            await in_thread(self._give, session_id)

    def close(self) -> None:
        """End the connection, so that the server gives back what it held, and close idle ones of the adapter."""
        with self._guard:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(SQLAlchemyError):
                    connection.close()
        self._engine.pool.dispose()

    def _give(self, session_id: str) -> None:
        """Let others answer; without a connection nothing is held."""
        if self._connection is not None:
            with suppress(SessionError):
                self._ask(_GIVE, session_id)

    def _ask(self, statement: str, session_id: str) -> bool:
        with self._guard:
            return self._address.checked(lambda: self._answer(statement, {"key": _key(session_id)}))

    def _answer(self, statement: str, parameters: dict[str, int]) -> bool:
        if self._connection is not None:
            try:
                return bool(self._connection.execute(text(statement), parameters).scalar_one())
            except SQLAlchemyError:
                # The server restarted, or closed idle connections: what this connection held is free.
                self._connection.invalidate()
                self._connection.close()
                self._connection = None
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return bool(self._connection.execute(text(statement), parameters).scalar_one())


def _key(session_id: str) -> int:
    """The number the server knows the lock by. Two sessions of one number would wait for each other, no more."""
    digest = sha256(f"{_ID} {session_id}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _pauses(session_id: str) -> Iterator[float]:
    """Growing; raises when it has been long enough."""
    waited, pause = 0.0, 0.02
    while waited < _LONGEST_WAIT:
        yield pause
        waited, pause = waited + pause, min(pause * 1.5, 0.5)
    raise SessionError(
        f"Another process is still answering in the conversation {session_id!r}. Ask again when it has come to its "
        "end, or pass another session_id."
    )
