"""What a conversation carries into its next question: its last turns, and a summary of older ones.

Of a session only the last turns are read; saving it undoes nothing that others did meanwhile. Older turns are condensed
in the background, after an answer.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from weakref import WeakValueDictionary

import msgspec
from agno.db.base import SessionType
from agno.metrics import RunMetrics, SessionMetrics
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession
from agno.workflow import Workflow

from finassist.config.settings import Settings
from finassist.core.concurrency import Background, bridge
from finassist.core.errors import SessionError
from finassist.core.result import CATEGORIES, stored_record
from finassist.core.secrets import Secrets, redact, secrets_of
from finassist.core.spans import measured
from finassist.llm.agents import Askable, ConversationSummary, shown, summary_message
from finassist.llm.calls import CallRecord, Limits, answered_by, asked_model, recording
from finassist.llm.connections import fit
from finassist.llm.offline import OfflineModel
from finassist.questions.review import without_figures
from finassist.questions.routing import Context
from finassist.questions.scan import explained_in
from finassist.questions.slots import Memory, remembered
from finassist.sessions.runs import is_damaged, run_of
from finassist.sessions.store import SessionLocks, Store

SUMMARY: Final = "finassist_summary"
TURNS_REFERRED: Final = 12
_ANSWER_SHOWN: Final = 300
_LAST_SECONDS: Final = 1.0
_MODELS: Final = 2
_NO_MODEL: Final = {"rules", OfflineModel.id}
_MOST_CONDENSED: Final = 40
_OURS: Final = ("session_state", "session_metrics")
"""What a run changes in the data of its session; the rest is other people's."""


def remember(session: WorkflowSession | None, turns: int) -> Context:
    """What a conversation carries into its next question: its last `turns` in full, older ones as the summary."""
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
    memory, record, asked = Memory(), None, ""
    for run in turns_of(session)[-TURNS_REFERRED:]:
        if record := stored_record(run):
            memory, asked = remembered(memory, record), str(run.input or "")
    explains = record is not None and record["category"] == "chat"
    return replace(memory, term=explained_in(asked)) if explains else memory


def turn_of(run: WorkflowRunOutput) -> tuple[str, str]:
    """A turn as (question, short answer)."""
    content = " ".join(str(run.content or "").split())
    return str(run.input or ""), content[:_ANSWER_SHOWN]


def stored_summary(session: WorkflowSession | None) -> dict[str, Any]:
    """The session's summary: `text`, and how many `turns` it covers; after a failure how many were `tried`."""
    data = (session.session_data if session else None) or {}
    with suppress(ValueError, AttributeError):  # damaged
        state: Any = data.get("session_state") or {}
        return msgspec.convert(state.get(SUMMARY), dict[str, int | str])
    return {}


def with_summary(session: WorkflowSession, summary: Mapping[str, Any]) -> WorkflowSession:
    """The session with its summary replaced."""
    data = dict(session.session_data or {})
    data["session_state"] = {**(data.get("session_state") or {}), SUMMARY: dict(summary)}
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


@dataclass
class Turn:
    """What a run knows of its session.

    Attributes:
        limit: How many earlier turns are read.
        before: How many there are.
        damaged: How many of those that were read are damaged.
        stored: Whether the session is in the database.
        deleted: Whether it was deleted while the run was under way; the run is not saved then.
    """

    limit: int
    before: int = 0
    damaged: int = 0
    stored: bool = False
    deleted: bool = False

    def begin(self, session: WorkflowSession | None, turns: int) -> None:
        """Note the session as it was read."""
        self.stored, self.before, self.damaged = session is not None, turns, sum(map(is_damaged, turns_of(session)))

    def keep(self, session: WorkflowSession, stored: WorkflowSession | None) -> bool:
        """Whether to save the session; if so, with the name and the summary that are stored now."""
        if stored is None:
            self.deleted = self.stored
            return not self.deleted
        mine, theirs = session.session_data or {}, stored.session_data or {}
        others = {name: value for name, value in theirs.items() if name not in _OURS}
        session.session_data = {**mine, **others}
        if summary := stored_summary(stored):
            session.session_data["session_state"] = {**(mine.get("session_state") or {}), SUMMARY: summary}
        self.stored = True
        return True


class StoredTurns(Workflow):
    """The part of the workflow that reads and saves the session of a run. `turn` is of the copy that answers it."""

    store: Store
    turn: Turn | None = None
    before_saving: Callable[[WorkflowSession], None] | None = None

    def read_or_create_session(self, session_id: str, user_id: str | None = None) -> WorkflowSession:
        """Agno's, with the last turns only."""
        found: Any = None
        if self.turn:
            found = self.store.ask(self._last_turns(self.turn, session_id, user_id))
            self.turn.begin(found, self.store.count_runs(session_id, found))
        return found or super().read_or_create_session(session_id, user_id)

    async def aread_or_create_session(self, session_id: str, user_id: str | None = None) -> WorkflowSession:
        """Agno's, with the last turns only."""
        found: Any = None
        if self.turn:
            found = await self.store.aask(self._last_turns(self.turn, session_id, user_id))
            self.turn.begin(found, await self.store.acount_runs(session_id, found))
        return found or await super().aread_or_create_session(session_id, user_id)

    def _last_turns(self, turn: Turn, session_id: str, user_id: str | None) -> Callable[[Any], Any]:
        last = {"runs_limit": turn.limit} if self.store.keeps_runs_apart else {}
        return lambda database: database.get_session(session_id, SessionType.WORKFLOW, user_id, **last)

    def save_session(self, session: WorkflowSession) -> None:
        """Agno's; of a session that others changed meanwhile, what they changed stays."""
        if self.before_saving:
            self.before_saving(session)
        if self.turn:
            with suppress(SessionError):  # that it is not saved shows when the run is looked for
                if not self.turn.keep(session, self.store.ask(_stored(session))):
                    return
        super().save_session(session)

    async def asave_session(self, session: WorkflowSession) -> None:
        """Agno's; of a session that others changed meanwhile, what they changed stays."""
        if self.before_saving:
            self.before_saving(session)
        if self.turn:
            with suppress(SessionError):
                if not self.turn.keep(session, await self.store.aask(_stored(session))):
                    return
        await super().asave_session(session)

    def save_run(
        self, run: WorkflowRunOutput, session_id: str, user_id: str | None = None, run_index: int | None = None
    ) -> None:
        """Agno's; the database knows best which turn of its session it is."""
        if not self.turn:
            super().save_run(run, session_id, user_id, run_index)
        elif not self.turn.deleted:
            super().save_run(run, session_id, user_id)

    async def asave_run(
        self, run: WorkflowRunOutput, session_id: str, user_id: str | None = None, run_index: int | None = None
    ) -> None:
        """Agno's; the database knows best which turn of its session it is."""
        if not self.turn:
            await super().asave_run(run, session_id, user_id, run_index)
        elif not self.turn.deleted:
            await super().asave_run(run, session_id, user_id)


def _stored(session: WorkflowSession) -> Callable[[Any], Any]:
    return lambda database: database.get_session(session.session_id, SessionType.WORKFLOW, runs_limit=1)


def _last_runs(database: Any, session_id: str, many: int) -> Any:
    if ours := getattr(database, "last_runs", None):
        return ours(session_id, many)
    last: dict[str, Any] = {"limit": many, "sort_by": "run_index", "sort_order": "desc"}
    return database.get_runs(session_id=session_id, deserialize=False, **last)


class Summariser:
    """Condenses the older turns of a session on the bridge's private loop, after the answer was given."""

    def __init__(self, store: Store, locks: SessionLocks, settings: Settings) -> None:
        self._store, self._locks = store, locks
        self._limits, self._secrets = Limits.of(settings), Secrets(settings.secrets())
        self._after, self._kept = settings.summary_after, settings.remembered_turns
        self._pending: set[Background] = set()
        self._in_turn: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def consider(self, session_id: str, session: WorkflowSession | None, turns: int, agent: Askable) -> None:
        """Summarise a session of so many turns in the background if enough have passed since the last time."""
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
        summary = stored_summary(await self._read(session_id))
        condensed = int(summary.get("turns", 0))
        if not self._due(turns, summary):
            return
        runs = await self._runs_after(session_id, condensed)
        unread = [turn_of(run) for run in runs[: turns - self._kept - condensed] if not is_damaged(run)]
        if unread:
            message = summary_message(unread[-_MOST_CONDENSED:], str(summary.get("text", "")))
            text, used = await self._asked(agent, message)
            upto = turns - self._kept
            await self._write(session_id, {"text": text, "turns": upto} if text else {**summary, "tried": upto}, used)

    async def _runs_after(self, session_id: str, first: int) -> Sequence[WorkflowRunOutput]:
        """The runs of a session without the first ones, oldest first."""
        if not self._store.keeps_runs_apart:
            return turns_of(await self._read(session_id))[first:]
        async with self._locks.aturn(session_id):  # so that no turn is saved between counting and reading
            total = await self._store.acount_runs(session_id, await self._read(session_id))
            if total <= first:
                return []
            rows, _ = await self._store.aask(lambda database: _last_runs(database, session_id, total - first))
        return [run_of(row) for row in reversed(rows)]

    async def _asked(self, agent: Askable, message: str) -> tuple[str, RunMetrics | None]:
        """The summary, without figures; empty where the model failed."""
        secrets = Secrets((*self._secrets, *secrets_of(agent.model)))
        model = str(agent.model.id)
        span = asked_model("summary", model, message)
        try:
            with measured(f"chat {model}", span), recording(CallRecord(secrets=secrets)):
                async with asyncio.timeout(self._limits.overall(_MODELS)):
                    run = await fit(agent, self._limits, "summary").arun(message)
                span |= answered_by(model, run.metrics, run.content)
        except Exception:  # noqa: BLE001  nobody waits for a summary: it is tried again after some more turns
            return "", None
        if not isinstance(run.content, ConversationSummary):
            return "", run.metrics
        text = without_figures(shown(run.content.summary))
        return redact(text, secrets), run.metrics

    async def _write(self, session_id: str, summary: Mapping[str, Any], used: RunMetrics | None) -> None:
        async with self._locks.aturn(session_id):
            if session := await self._read(session_id):
                changed = with_use(with_summary(session, summary), used)
                await self._store.aask(lambda database: database.upsert_session(changed))

    async def _read(self, session_id: str) -> WorkflowSession | None:
        last = {"runs_limit": 1} if self._store.keeps_runs_apart else {}
        found = await self._store.aask(lambda database: database.get_session(session_id, SessionType.WORKFLOW, **last))
        return found if isinstance(found, WorkflowSession) else None
