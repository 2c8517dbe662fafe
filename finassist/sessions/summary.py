"""What a conversation carries into its next question; older turns are condensed in the background, after an answer."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from weakref import WeakValueDictionary

from agno.db.base import SessionType
from agno.metrics import RunMetrics, SessionMetrics
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession

from finassist.config.settings import Settings
from finassist.core.concurrency import Background, bridge
from finassist.core.result import CATEGORIES, stored_record
from finassist.core.secrets import Secrets, redact, secrets_of
from finassist.llm.agents import Askable, ConversationSummary, shown, summary_message
from finassist.llm.calls import Limits
from finassist.llm.caps import fit
from finassist.llm.offline import OfflineModel
from finassist.questions.review import without_figures
from finassist.questions.routing import Context
from finassist.questions.slots import Memory, remembered
from finassist.sessions.store import SessionLocks, Store

_SUMMARY: Final = "finassist_summary"
_TURNS_REFERRED: Final = 12
_ANSWER_SHOWN: Final = 300
_LAST_SECONDS: Final = 1.0
_MODELS: Final = 2
_NO_MODEL: Final = {"rules", OfflineModel.id}


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
    """The session's summary: `text`, and how many `turns` it covers; after a failure how many were `tried`."""
    data = (session.session_data if session else None) or {}
    state = cast("dict[str, Any]", data.get("session_state") or {})
    return state.get(_SUMMARY) or {}


def with_summary(session: WorkflowSession, summary: Mapping[str, Any]) -> WorkflowSession:
    """The session with its summary replaced."""
    data = dict(session.session_data or {})
    data["session_state"] = {**(data.get("session_state") or {}), _SUMMARY: dict(summary)}
    session.session_data = data
    return session


def with_use(session: WorkflowSession, used: RunMetrics | None) -> WorkflowSession:
    """The session with these tokens counted among those of its runs."""
    if used is not None:
        data = dict(session.session_data or {})
        metrics = SessionMetrics.from_dict(data.get("session_metrics") or {})
        metrics.accumulate_from_run(used)
        session.session_data = {**data, "session_metrics": metrics.to_dict()}
    return session


def _is_worth_it(session: WorkflowSession | None, agent: Askable) -> bool:
    """Whether a summary costs nothing, or a model is used in this conversation anyway."""
    records = filter(None, map(stored_record, turns_of(session)))
    asked = {str(model) for record in records for model in cast("dict[str, Any]", record.get("models") or {}).values()}
    return isinstance(agent.model, OfflineModel) or not asked <= _NO_MODEL


def turns_of(session: WorkflowSession | None) -> Sequence[WorkflowRunOutput]:
    """Its runs, oldest first."""
    return (session.runs if session else None) or []


class Summariser:
    """Condenses the older turns of a session on the bridge's private loop, after the answer was given."""

    def __init__(self, store: Store, locks: SessionLocks, settings: Settings) -> None:
        self._store, self._locks = store, locks
        self._limits, self._secrets = Limits.of(settings), Secrets(settings.secrets())
        self._after, self._kept = settings.summary_after, settings.remembered_turns
        self._pending: set[Background] = set()
        self._in_turn: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def consider(self, session_id: str, session: WorkflowSession | None, agent: Askable) -> None:
        """Summarise the session in the background if enough turns have passed since the last time.

        Args:
            session_id: The session.
            session: Its turns, and its summary so far.
            agent: The agent that summarises.
        """
        turns = len(turns_of(session))
        if not self._due(turns, stored_summary(session)) or not _is_worth_it(session, agent):
            return
        work = bridge.spawn(self._summarise(session_id, turns, agent))
        self._pending.add(work)
        work.add_done_callback(self._pending.discard)

    def wait(self) -> None:
        """Wait for every summary under way; for scripts that end right after an answer, and for tests."""
        for work in list(self._pending):
            work.result()

    def close(self) -> None:
        """Wait a moment for the summaries under way, and cancel the rest: the next turn makes up for them."""
        for work in concurrent.futures.wait(list(self._pending), _LAST_SECONDS).not_done:
            work.cancel()

    async def aclose(self) -> None:
        """`close` for a running loop, without blocking it."""
        if under_way := list(self._pending):
            await asyncio.wait([asyncio.wrap_future(work) for work in under_way], timeout=_LAST_SECONDS)
            for work in under_way:
                work.cancel()

    def _due(self, turns: int, summary: Mapping[str, Any]) -> bool:
        seen = max(int(summary.get("turns", 0)), int(summary.get("tried", 0)))
        return turns >= self._after and turns - self._kept - seen >= self._kept

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
        older = [turn_of(run) for run in turns_of(session)[: turns - self._kept]]
        if (unread := older[condensed:]) and self._due(turns, summary):
            text, used = await self._asked(agent, summary_message(unread, str(summary.get("text", ""))))
            kept = {"text": text, "turns": len(older)} if text else {**summary, "tried": len(older)}
            await self._write(session_id, kept, used)

    async def _asked(self, agent: Askable, message: str) -> tuple[str, RunMetrics | None]:
        """The summary, without figures; empty where the model failed."""
        try:
            async with asyncio.timeout(self._limits.overall(_MODELS)):
                run = await fit(agent, self._limits, "summary").arun(message)
        except Exception:  # noqa: BLE001  nobody waits for a summary: it is tried again after some more turns
            return "", None
        if not isinstance(run.content, ConversationSummary):
            return "", run.metrics
        text = without_figures(shown(run.content.summary))
        return redact(text, Secrets((*self._secrets, *secrets_of(agent.model)))), run.metrics

    async def _write(self, session_id: str, summary: Mapping[str, Any], used: RunMetrics | None) -> None:
        async with self._locks.aturn(session_id):
            if session := await self._read(session_id):
                changed = with_use(with_summary(session, summary), used)
                await self._store.aask(lambda database: database.upsert_session(changed))

    async def _read(self, session_id: str) -> WorkflowSession | None:
        found = await self._store.aask(lambda database: database.get_session(session_id, SessionType.WORKFLOW))
        return found if isinstance(found, WorkflowSession) else None
