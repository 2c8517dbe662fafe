"""Stored conversations and runs: as frames, and as the lists of a panel, without ever blocking a running loop."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self, cast

from agno.db.base import AsyncBaseDb, SessionType
from agno.run.base import RunStatus
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession

from finassist.core.claims import Feedback
from finassist.core.errors import SessionError
from finassist.core.result import stored_record
from finassist.core.text import visible
from finassist.sessions.runs import data_of, record_of
from finassist.sessions.store import SessionLocks, Store
from finassist.sessions.summary import StoredTurns, stored_summary, turns_of

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

_FREE: Final = frozenset({"offline", "rules"})
"""The models that use no tokens, because they send nothing."""


class StoredSessions(StoredTurns):
    """The part of the workflow that reads what is stored. `store` is where, `user_id` is whose; everybody's if none."""

    def sessions(self) -> DataFrame:
        """Stored conversations, the most recently used first; `finassist.describe("sessions")` has the columns.

        Raises:
            SessionError: The session database cannot be read.
        """
        return _sessions_frame(self.store.ask(self._stored_sessions))

    async def asessions(self) -> DataFrame:
        """`sessions()` for a running event loop, which is not blocked while a database is read."""
        return _sessions_frame(await self.store.aask(self._stored_sessions))

    def history(self) -> DataFrame:
        """Every stored run, the latest first: question, status, latency, tokens, cost, and who did the work.

        `finassist.describe("history")` has the columns. Runs of every session are in it; with a `user_id` those of
        this user.

        Raises:
            SessionError: The session database cannot be read.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> workflow = FinancialAssistantWorkflow(db=None)
            >>> _ = workflow.run("What is Apple's stock price?")
            >>> workflow.history().loc[0, ["question", "category", "status"]].tolist()
            ["What is Apple's stock price?", 'stock_price', 'COMPLETED']
        """
        return _history_frame(self.store.ask(self._stored_runs))

    async def ahistory(self) -> DataFrame:
        """`history()` for a running event loop, which is not blocked while a database is read."""
        return _history_frame(await self.store.aask(self._stored_runs))

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

    def _stored_sessions(self, database: Any) -> Any:
        return database.get_sessions(session_type=SessionType.WORKFLOW, user_id=self.user_id)

    def _stored_runs(self, database: Any) -> Any:
        return database.get_runs(user_id=self.user_id, deserialize=False)


def _sessions_frame(found: Iterable[Any]) -> DataFrame:
    return _frame("sessions", session_rows(latest_first(found)))


def _history_frame(found: tuple[list[Mapping[str, Any]], int]) -> DataFrame:
    return _frame("history", history_rows(row for row in found[0] if row.get("run_type", "workflow") == "workflow"))


def _frame(name: str, rows: list[dict[str, Any]]) -> DataFrame:
    from finassist.reporting.frames import SCHEMAS, typed

    return typed(rows, SCHEMAS[name])


def history_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per run, the latest first, from what `get_runs(deserialize=False)` of an Agno database returns."""
    placed: list[tuple[tuple[int, float], int, dict[str, Any]]] = []
    last: dict[Any, tuple[int, float]] = {}
    for place, run in enumerate(map(data_of, rows)):
        session = run.get("session_id")
        # A clock that was set back does not bring a turn before those that it followed.
        last[session] = max(_when(run), last.get(session, (0, 0.0)))
        placed.append((last[session], place, run))
    return [_row(run) for _, _, run in sorted(placed, key=lambda each: each[:2], reverse=True)]


def _when(run: Mapping[str, Any]) -> tuple[int, float]:
    """By Agno's clock, which counts whole seconds, then by ours."""
    return run.get("created_at") or 0, record_of(run).get("answered_at", 0.0)


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    record = record_of(run)
    asked = _asked(run)
    models: Mapping[str, str] = _part(record, "models")
    thumb, reason = Feedback.of(run.get("metadata")) or (None, None)
    return {
        "session_id": run.get("session_id"),
        "run_id": run.get("run_id"),
        "question": _text(run.get("input")),
        "category": record.get("category"),
        "symbols": list(record.get("symbols") or ()),
        "status": str(run.get("status") or ""),
        "started": run.get("created_at"),
        "latency": _part(run, "metrics").get("duration"),
        "tokens_in": _sum("input_tokens", asked, models) if record else None,
        "tokens_out": _sum("output_tokens", asked, models) if record else None,
        "cost": _sum("cost", asked, models) if record else None,
        "saved": True,
        "models": "; ".join(f"{agent}: {model}" for agent, model in models.items()) or None,
        "decided_by": record.get("decided_by"),
        "gaps": len(record["gaps"]) if record else None,
        "thumb": thumb,
        "reason": reason or None,
    }


def _asked(run: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What each agent took, by its name."""
    steps = _part(_part(run, "metrics"), "steps")
    return {name: _part(step, "metrics") for name, step in steps.items()}


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return data.get(name) or dict[str, Any]()


def _sum(name: str, asked: Mapping[str, Mapping[str, Any]], models: Mapping[str, str]) -> float | None:
    # Agno leaves a count of 0 out, so a model that does not count looks like one that used none.
    counts = [used.get(name, 0 if models.get(agent) in _FREE else None) for agent, used in asked.items()]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value).encode("utf-8", "replace").decode()


def latest_first(found: Iterable[Any]) -> list[WorkflowSession]:
    """The sessions of workflows among what a database returned, the most recently used first."""
    sessions = [session for session in found if isinstance(session, WorkflowSession)]
    return sorted(sessions, key=_last_used, reverse=True)


def _last_used(session: WorkflowSession) -> tuple[int, float]:
    """By Agno's clock, which counts whole seconds, then by ours."""
    runs = turns_of(session)
    record = (stored_record(runs[-1]) if runs else None) or {}
    return _moment(session) or 0, record.get("answered_at", 0.0)


def _moment(session: WorkflowSession) -> int | None:
    """When it was used last; nothing where its row is damaged."""
    return _second(session.updated_at) or _second(session.created_at)


def _second(stored: Any) -> int | None:
    return int(stored) if isinstance(stored, int | float) and 0 < stored < _END_OF_TIME else None


def session_rows(sessions: Iterable[WorkflowSession]) -> list[dict[str, Any]]:
    """One row per session, for `frames.sessions_frame`."""
    return [_session_row(session) for session in sessions]


def _session_row(session: WorkflowSession) -> dict[str, Any]:
    runs = turns_of(session)
    records = [record for run in runs if (record := stored_record(run))]
    return {
        "session_id": _text(session.session_id),
        "name": (session.session_data or {}).get("session_name"),
        "turns": len(runs),
        "first_question": _text(runs[0].input) if runs else None,
        "last_question": _text(runs[-1].input) if runs else None,
        "last_status": str(getattr(runs[-1].status, "value", runs[-1].status)) if runs else None,
        "symbols": list(dict.fromkeys(symbol for record in records for symbol in record["symbols"])),
        "summary": stored_summary(session).get("text"),
        "created_at": _second(session.created_at),
        "updated_at": _moment(session),
    }


LONGEST_NAME: Final = 80
_END_OF_TIME: Final = 2**33  # seconds, some two centuries from now


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
        store: The store of the sessions; `workflow.store`.
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
        line = " ".join(visible(name).split())[:LONGEST_NAME]
        async with self.locks.aturn(session_id):
            found = await self.store.aask(
                lambda db: db.rename_session(session_id, SessionType.WORKFLOW, line, self.user_id)
            )
        if found is None:
            raise SessionError("Nothing is stored of this conversation yet. Ask something in it, then name it.")

    async def delete(self, session_id: str) -> None:
        """Delete it with everything that was asked in it."""
        async with self.locks.aturn(session_id):
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
            await self.store.aask(lambda db: db.upsert_run(run, session_id=session_id, user_id=run.user_id))
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
