"""Stored conversations, read and changed without ever blocking a running event loop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from agno.db.base import SessionType
from agno.run.base import RunStatus
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession

from finassist.core.errors import SessionError
from finassist.sessions.store import SessionLocks, Store, latest_first, session_rows

LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One line of a list of conversations.

    Attributes:
        session_id: Its id.
        name: What somebody named it, else its first question, else `"New conversation"`.
        named: Whether somebody did.
        turns: Questions asked in it.
        symbols: Companies it is about, in order of mention.
        summary: What was talked about, condensed; empty for a short one.
        last_question: The latest question.
        used_at: When it was last used (UTC), or `None`.
    """

    session_id: str
    name: str = "New conversation"
    named: bool = False
    turns: int = 0
    symbols: tuple[str, ...] = ()
    summary: str = ""
    last_question: str = ""
    used_at: datetime | None = None


@dataclass(frozen=True)
class Conversations:
    """The conversations of one store, for code that runs on an event loop.

    A file is read and written in a thread, a database in memory at once, an async one by awaiting it.

    Args:
        store: Where they are kept; `workflow.store`.
        locks: One per session; `workflow.locks`. What changes a conversation waits for its turn under way.
        user_id: Whose they are; everybody's by default.

    Raises:
        SessionError: (every method) The store could not be read or written.

    Example:
        >>> import asyncio
        >>> from finassist import FinancialAssistantWorkflow
        >>> workflow = FinancialAssistantWorkflow(db=None)
        >>> _ = workflow.run("What is Apple's stock price?", session_id="apple")
        >>> [found] = asyncio.run(Conversations(workflow.store, workflow.locks).recent())
        >>> found.session_id, found.name, found.turns, found.symbols
        ('apple', "What is Apple's stock price?", 1, ('AAPL',))
    """

    store: Store
    locks: SessionLocks
    user_id: str | None = None

    async def recent(self, limit: int = 50) -> list[Conversation]:
        """The conversations used last, the latest first."""
        found = await self.store.aask(
            lambda db: db.get_sessions(
                session_type=SessionType.WORKFLOW,
                user_id=self.user_id,
                limit=limit,
                page=1,
                sort_by="updated_at",
                sort_order="desc",
            )
        )
        return [_conversation(row) for row in session_rows(latest_first(found))]

    async def read(self, session_id: str) -> tuple[Conversation, list[WorkflowRunOutput]]:
        """One conversation and its runs, oldest first; an empty one if nothing is stored under that id."""
        session = await self._session(session_id)
        if session is None:
            return Conversation(session_id=session_id), []
        [row] = session_rows([session])
        return _conversation(row), list(session.runs or [])

    async def rename(self, session_id: str, name: str) -> None:
        """Give it a name of one line; an empty one takes the name away."""
        line = " ".join(name.split())[:LONGEST_NAME]
        async with self.locks.of(session_id):
            found = await self.store.aask(
                lambda db: db.rename_session(session_id, SessionType.WORKFLOW, line, self.user_id)
            )
        if found is None:
            raise SessionError("Nothing is stored of this conversation yet. Ask something in it, then name it.")

    async def delete(self, session_id: str) -> None:
        """Delete it with everything that was asked in it."""
        async with self.locks.of(session_id):
            await self.store.aask(lambda db: db.delete_session(session_id, self.user_id))

    async def keep_partial(self, session_id: str, run_id: str, text: str) -> WorkflowRunOutput | None:
        """Store what had arrived of an answer that was stopped, which Agno forgets; no other turn is touched.

        Returns:
            The run as it is stored, whole if it was complete before it could be stopped; `None` if nothing is.
        """
        run = await self.store.aask(lambda db: db.get_run(run_id))
        if not isinstance(run, WorkflowRunOutput):
            return None
        if run.status != RunStatus.completed and text.strip():
            run.content = text
            await self.store.aask(lambda db: db.upsert_run(run, session_id=session_id))
        return run

    async def _session(self, session_id: str) -> WorkflowSession | None:
        found = await self.store.aask(lambda db: db.get_session(session_id, SessionType.WORKFLOW, self.user_id))
        return found if isinstance(found, WorkflowSession) else None


def _conversation(row: dict[str, Any]) -> Conversation:
    used = row["updated_at"]
    given = str(row["name"] or "").strip()
    return Conversation(
        session_id=str(row["session_id"]),
        name=given or _line(row["first_question"]) or "New conversation",
        named=bool(given),
        turns=int(row["turns"]),
        symbols=tuple(cast("list[str]", row["symbols"])),
        summary=_line(row["summary"]),
        last_question=_line(row["last_question"]),
        used_at=None if used is None else datetime.fromtimestamp(float(used), UTC),
    )


def _line(text: Any) -> str:
    return " ".join(str(text or "").split())
