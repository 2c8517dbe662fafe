"""What a workflow remembers: its stored conversations, every run in them, and the answers that were given."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from agno.db.base import AsyncBaseDb, BaseDb, SessionType
from agno.db.in_memory import InMemoryDb
from agno.session import WorkflowSession
from agno.workflow import Workflow

from finassist.answer import Answer
from finassist.core.errors import SessionError
from finassist.core.logging import quietly
from finassist.sessions.history import history_rows
from finassist.sessions.store import Store, latest_first, session_rows

if TYPE_CHECKING:
    import pandas as pd


class StoredSessions(Workflow):
    """The part of the workflow that reads what is stored. `store` is where, `user_id` is whose; everybody's if none."""

    store: Store

    def sessions(self) -> pd.DataFrame:
        """Stored conversations, the most recently used first; see `finassist.reporting.frames.sessions_frame`.

        Raises:
            SessionError: The session database cannot be read.
        """
        return _sessions_frame(_checked(lambda: self._read_sessions(self.store.for_run())))

    async def asessions(self) -> pd.DataFrame:
        """`sessions()` for a running event loop, which goes on while a database is read."""
        return _sessions_frame(await self._ask(self._read_sessions))

    def history(self) -> pd.DataFrame:
        """Every stored run, the latest first: question, status, latency, tokens, cost, and who did the work.

        See `finassist.reporting.frames.history_frame` for the columns. Runs of every session are in it; with a
        `user_id` those of this user.

        Raises:
            SessionError: The session database cannot be read.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> workflow = FinancialAssistantWorkflow(db=None)
            >>> _ = workflow.run("What is Apple's stock price?")
            >>> workflow.history().loc[0, ["question", "category", "status"]].tolist()
            ["What is Apple's stock price?", 'stock_price', 'COMPLETED']
        """
        return _history_frame(_checked(lambda: self._read_runs(self.store.for_run())))

    async def ahistory(self) -> pd.DataFrame:
        """`history()` for a running event loop, which goes on while a database is read."""
        return _history_frame(await self._ask(self._read_runs))

    def answers(self, session_id: str | None = None) -> list[Answer]:
        """Every stored answer of a conversation, oldest first; by default of the workflow's own."""
        session = self.get_session(session_id or self.session_id)
        return [Answer.of(run) for run in (session.runs if session else None) or []]

    def get_session(self, session_id: str | None = None, user_id: str | None = None) -> WorkflowSession | None:
        """Agno's session object, read with the sync database."""
        return super(StoredSessions, self._sync_twin()).get_session(session_id or self.session_id, user_id)

    def save_session(self, session: WorkflowSession) -> None:
        """Agno's, with the sync database; `set_session_name` needs it as well."""
        super(StoredSessions, self._sync_twin()).save_session(session)

    def delete_session(self, session_id: str, user_id: str | None = None, delete_media: bool = False) -> None:
        """Agno's, with the sync database."""
        super(StoredSessions, self._sync_twin()).delete_session(session_id, user_id, delete_media)

    def _sync_twin(self) -> Self:
        """Agno wants one form of database at a time: the workflow itself has the async one."""
        if not isinstance(self.db, AsyncBaseDb):
            return self
        twin = copy.copy(self)
        twin.db = self.store.for_run()
        return twin

    def _read_sessions(self, database: AsyncBaseDb | BaseDb) -> Any:
        return database.get_sessions(session_type=SessionType.WORKFLOW, user_id=self.user_id)

    def _read_runs(self, database: AsyncBaseDb | BaseDb) -> Any:
        return database.get_runs(user_id=self.user_id, deserialize=False)

    async def _ask(self, read: Callable[[AsyncBaseDb | BaseDb], Any]) -> Any:
        # A sync adapter in a thread where there is one: it reads the same, and belongs to no loop.
        if self.store.sync is None:
            return await read(self.store.for_arun())
        if isinstance(self.store.sync, InMemoryDb):
            return read(self.store.sync)
        return await asyncio.to_thread(_checked, lambda: read(self.store.for_run()))


def _checked(read: Callable[[], Any]) -> Any:
    try:
        return quietly(read)
    except SessionError:
        raise
    except Exception as error:
        raise SessionError(
            f"The stored sessions could not be read ({type(error).__name__}). Check that the session database can be "
            "reached and is not locked or damaged, or pass db=None to keep sessions in memory."
        ) from error


def _sessions_frame(found: Iterable[Any]) -> pd.DataFrame:
    from finassist.reporting.frames import sessions_frame

    return sessions_frame(session_rows(latest_first(found)))


def _history_frame(found: tuple[list[Mapping[str, Any]], int]) -> pd.DataFrame:
    from finassist.reporting.frames import history_frame

    runs = (run for run in found[0] if run.get("run_type", "workflow") == "workflow")
    return history_frame(history_rows(cast("Iterable[Mapping[str, Any]]", runs)))
