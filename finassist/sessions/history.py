"""The stored conversations and runs of a workflow, as frames."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, cast

from agno.db.base import AsyncBaseDb, SessionType
from agno.session import WorkflowSession
from agno.workflow import Workflow

from finassist.core.result import RECORD
from finassist.sessions.store import Store, latest_first, session_rows

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

_FREE: Final = frozenset({"offline", "rules"})
"""Who answers without tokens, because nothing is sent anywhere."""


class StoredSessions(Workflow):
    """The part of the workflow that reads what is stored. `store` is where, `user_id` is whose; everybody's if none."""

    store: Store

    def sessions(self) -> DataFrame:
        """Stored conversations, the most recently used first; see `finassist.reporting.frames.sessions_frame`.

        Raises:
            SessionError: The session database cannot be read.
        """
        return _sessions_frame(self.store.ask(self._stored_sessions))

    async def asessions(self) -> DataFrame:
        """`sessions()` for a running event loop, which goes on while a database is read."""
        return _sessions_frame(await self.store.aask(self._stored_sessions))

    def history(self) -> DataFrame:
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
        return _history_frame(self.store.ask(self._stored_runs))

    async def ahistory(self) -> DataFrame:
        """`history()` for a running event loop, which goes on while a database is read."""
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
    from finassist.reporting.frames import sessions_frame

    return sessions_frame(session_rows(latest_first(found)))


def _history_frame(found: tuple[list[Mapping[str, Any]], int]) -> DataFrame:
    from finassist.reporting.frames import history_frame

    runs = (run for run in found[0] if run.get("run_type", "workflow") == "workflow")
    return history_frame(history_rows(runs))


def history_rows(runs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per run, the latest first, for `frames.history_frame`.

    Args:
        runs: As `get_runs(deserialize=False)` of an Agno database returns them.
    """
    found = sorted((run.get("run_data") or run for run in runs), key=_when, reverse=True)
    return [_row(run) for run in found]


def _when(run: Mapping[str, Any]) -> tuple[int, float]:
    """By Agno's clock, which counts whole seconds, then by ours."""
    return run.get("created_at") or 0, _record(run).get("answered_at", 0.0)


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    record = _record(run)
    asked = _asked(run)
    models: Mapping[str, str] = _part(record, "models")
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
    }


def _record(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The draft that was stored with the run; empty for one that did not get that far."""
    contents = (step.get("content") for step in _flat(run.get("step_results") or ()))
    records = (cast("dict[str, Any]", content) for content in contents if isinstance(content, dict))
    return next((record for record in records if record.get("record") == RECORD), dict[str, Any]())


def _flat(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        yield from _flat(step.get("steps") or ())


def _asked(run: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What each agent took, by its name."""
    steps = _part(_part(run, "metrics"), "steps")
    return {name: _part(step, "metrics") for name, step in steps.items()}


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return data.get(name) or dict[str, Any]()


def _sum(name: str, asked: Mapping[str, Mapping[str, Any]], models: Mapping[str, str]) -> float | None:
    # Agno leaves a count of 0 out, so that a model that does not count cannot be told from one that used none.
    counts = [used.get(name, 0 if models.get(agent) in _FREE else None) for agent, used in asked.items()]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
