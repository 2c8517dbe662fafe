"""What a conversation carries into its next question; older turns are condensed in the background, after an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, cast
from weakref import WeakValueDictionary

from agno.db.base import SessionType
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession

from finassist.config.settings import Settings
from finassist.core.concurrency import Background, bridge
from finassist.core.result import CATEGORIES, stored_record
from finassist.llm.agents import Askable, ConversationSummary, summary_message
from finassist.llm.calls import Limits
from finassist.llm.connections import fit
from finassist.questions.review import without_figures
from finassist.questions.routing import Context
from finassist.questions.slots import Memory, remembered
from finassist.sessions.store import SessionLocks, Store

_SUMMARY: Final = "finassist_summary"
_TURNS_REFERRED: Final = 12
_ANSWER_SHOWN: Final = 300


def remember(session: WorkflowSession | None, turns: int) -> Context:
    """What a conversation carries into its next question.

    Args:
        session: The stored session, or `None` for a new one.
        turns: How many earlier turns are carried in full; older ones are in the summary.
    """
    answered = [(run, record) for run in turns_of(session) if (record := stored_record(run))]
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
    for run in turns_of(session)[-_TURNS_REFERRED:]:
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
    return state.get(_SUMMARY) or {}


def with_summary(session: WorkflowSession, text: str, turns: int) -> WorkflowSession:
    """The session with its summary replaced."""
    data = dict(session.session_data or {})
    data["session_state"] = {**(data.get("session_state") or {}), _SUMMARY: {"text": text, "turns": turns}}
    session.session_data = data
    return session


def turns_of(session: WorkflowSession | None) -> Sequence[WorkflowRunOutput]:
    """Its runs, oldest first."""
    return (session.runs if session else None) or []


class Summariser:
    """Condenses the older turns of a session on the bridge's private loop, after the answer was given."""

    def __init__(self, store: Store, locks: SessionLocks, settings: Settings) -> None:
        self._store, self._locks = store, locks
        self._limits = Limits.of(settings)
        self._after, self._kept = settings.summary_after, settings.remembered_turns
        self._pending: set[Background] = set()
        self._in_turn: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def consider(self, session_id: str, turns: int, condensed: int, agent: Askable) -> None:
        """Summarise the session in the background if enough turns have passed since the last time.

        Args:
            session_id: The session.
            turns: Turns it has now.
            condensed: How many of them its summary covers.
            agent: The agent that summarises.
        """
        if not self._due(turns, condensed):
            return
        work = bridge.spawn(self._summarise(session_id, turns, agent))
        self._pending.add(work)
        work.add_done_callback(self._pending.discard)

    def wait(self) -> None:
        """Wait for every summary under way; for scripts that end right after an answer, and for tests."""
        for work in list(self._pending):
            work.result()

    async def await_all(self) -> None:
        """`wait` for a running loop, without blocking it."""
        for work in list(self._pending):
            await asyncio.wrap_future(work)

    def _due(self, turns: int, condensed: int) -> bool:
        return turns >= self._after and turns - self._kept - condensed >= self._kept

    async def _summarise(self, session_id: str, turns: int, agent: Askable) -> None:
        """In turn, so that the summaries of a conversation do not depend on its speed."""
        turn = self._in_turn.setdefault(session_id, asyncio.Lock())
        async with turn:
            await self._condense(session_id, turns, agent)

    async def _condense(self, session_id: str, turns: int, agent: Askable) -> None:
        """Summarise the turns that were old at this count, unless another call has done so."""
        session = await self._read(session_id)
        summary = stored_summary(session)
        condensed = int(summary.get("turns", 0))
        runs = turns_of(session)
        older = [turn_of(run) for run in runs[: turns - self._kept]]
        if (unread := older[condensed:]) and self._due(turns, condensed):
            fit(agent, self._limits)
            run = await agent.arun(summary_message(unread, str(summary.get("text", ""))))
            if isinstance(run.content, ConversationSummary):
                await self._write(session_id, without_figures(run.content.summary), len(older))

    async def _write(self, session_id: str, text: str, turns: int) -> None:
        async with self._locks.aturn(session_id):
            if session := await self._read(session_id):
                changed = with_summary(session, text, turns)
                await self._store.aask(lambda database: database.upsert_session(changed))

    async def _read(self, session_id: str) -> WorkflowSession | None:
        found = await self._store.aask(lambda database: database.get_session(session_id, SessionType.WORKFLOW))
        return found if isinstance(found, WorkflowSession) else None
