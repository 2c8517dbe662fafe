"""Runs as they are stored; one that is damaged is a run that failed, and costs no other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, Literal, TypedDict, cast

import msgspec
from agno.db.base import SessionType
from agno.db.in_memory import InMemoryDb
from agno.run.base import RunStatus
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession

from finassist.answer import Answer
from finassist.core.claims import Feedback, Thumb, with_feedback
from finassist.core.errors import InputError, SessionError
from finassist.core.result import RECORD, Draft

_DAMAGED: Final = "finassist_damaged"
_STATUSES: Final = tuple(status.value for status in RunStatus)
_FIELDS: Final = ("session_data", "workflow_data", "metadata")


class _Record(TypedDict, total=False):
    category: str | None
    symbols: list[str]
    facts: str
    gaps: list[dict[str, Any]]
    queries: list[dict[str, Any]]
    rows: list[str]
    headline: str
    narration: str
    figure: str
    follow_ups: list[str]
    warnings: list[str]
    models: dict[str, str]
    decided_by: str
    years: int
    answered_at: float


class _Metrics(TypedDict, total=False):
    steps: dict[str, dict[str, Any]] | None
    duration: float | None


class _Run(TypedDict, total=False):
    """A run as it was written; what has another form is damaged."""

    run_id: str
    status: Literal[_STATUSES]  # pyright: ignore[reportInvalidTypeForm]
    created_at: int
    step_results: list[dict[str, Any] | list[Any]] | None
    metrics: _Metrics | None
    events: list[dict[str, Any]] | None


def read_json(stored: Any) -> Any:
    """What a column of JSON holds; of one that is damaged, a dictionary with the reason."""
    try:
        while isinstance(stored, str | bytes):
            text = stored.decode() if isinstance(stored, bytes) else stored
            text.encode()  # a byte that is no UTF-8 was read as half a character
            stored = json.loads(text)
    except ValueError as error:
        return {_DAMAGED: str(error)}
    return stored


def data_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a run from its row; of a damaged one, those of a run that failed and says so."""
    try:
        return _checked(row)
    except Exception as error:  # noqa: BLE001  whatever the damage leads to
        return _failed(row, error)


def run_of(row: Mapping[str, Any]) -> WorkflowRunOutput:
    """The run of a row; a damaged one failed, and says so."""
    try:
        return _run(_checked(row))
    except Exception as error:  # noqa: BLE001  whatever the damage leads to
        return _run(_failed(row, error))


def answer_of(run: WorkflowRunOutput) -> Answer:
    """The answer of a stored run; one with damaged figures failed, and says so."""
    try:
        return Answer.of(run)
    except Exception as error:  # noqa: BLE001  whatever the damage leads to
        return Answer.of(_run(_failed(vars(run), error)))


def rated(run: Any, thumb: Thumb | None, reason: str) -> WorkflowRunOutput:
    """A stored run with what a person thinks of its answer."""
    if thumb not in ("up", "down", None):
        raise InputError(f"A thumb is “up”, “down”, or None to take it back, not {thumb!r:.40}.")
    if not isinstance(run, WorkflowRunOutput) or is_damaged(run):
        raise SessionError("This answer is not stored, so it cannot be rated. Ask again, and rate that answer.")
    run.metadata = with_feedback(run.metadata, Feedback(thumb, reason) if thumb else None)
    return run


def is_damaged(run: WorkflowRunOutput) -> bool:
    """Whether the run stands for one that could not be read."""
    return _DAMAGED in (run.metadata or {})


def record_of(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The draft that was stored with the data of a run; empty for a run that did not get that far."""
    contents = (step.get("content") for step in _flat(run.get("step_results") or ()))
    records = (cast("dict[str, Any]", content) for content in contents if isinstance(content, dict))
    return next((record for record in records if record.get("record") == RECORD), dict[str, Any]())


def _flat(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        yield from _flat(step.get("steps") or ())


def _checked(row: Mapping[str, Any]) -> dict[str, Any]:
    data = msgspec.convert(row["run_data"] if "run_data" in row else dict(row), dict[str, Any])
    if _DAMAGED in data:
        raise ValueError(data[_DAMAGED])
    if not data.get("run_id"):
        raise ValueError("it has no id")
    msgspec.convert(data, _Run)
    if record := record_of(data):
        msgspec.convert(record, _Record)
        Draft.from_dict({**record, "facts": "{}"}, "")  # the figures are read when they are asked for
    return data


def _run(data: Mapping[str, Any]) -> WorkflowRunOutput:
    try:
        return WorkflowRunOutput.from_dict(dict(data))
    except Exception:
        if not data.get("events"):
            raise
        return _run({**data, "events": None})  # an event of a kind that this version does not know


def _failed(row: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    created = row.get("created_at")
    return {
        "run_id": row.get("run_id"),
        "session_id": row.get("session_id"),
        "status": RunStatus.error.value,
        "created_at": created if isinstance(created, int) else 0,
        "input": "(This turn is damaged in the session database.)",
        "content": f"This turn is damaged in the session database and cannot be shown ({reason}). Others are not.",
        "metadata": {_DAMAGED: reason},
    }


class RunByRun:
    """Reads the sessions of workflows from one of Agno's databases, which would fail as a whole for one damaged run."""

    def get_session(
        self,
        session_id: str,
        session_type: SessionType | None = None,
        user_id: str | None = None,
        deserialize: bool | None = True,
        runs_limit: int | None = None,
    ) -> Any:
        """Agno's."""
        database: Any = super()
        if session_type != SessionType.WORKFLOW or not deserialize:
            return database.get_session(session_id, session_type, user_id, deserialize, runs_limit)
        found = database.get_session(session_id, session_type, user_id, False, runs_limit)
        return None if found is None else self._session(found)

    def get_sessions(self, session_type: SessionType | None = None, *args: Any, **options: Any) -> Any:
        """Agno's."""
        database: Any = super()
        if session_type != SessionType.WORKFLOW or not options.get("deserialize", True):
            return database.get_sessions(session_type, *args, **options)
        found, _ = database.get_sessions(session_type, *args, **{**options, "deserialize": False})
        return [self._session(each) for each in found]

    def get_run(self, run_id: str, deserialize: bool | None = True) -> Any:
        """Agno's."""
        database: Any = super()
        row = database.get_run(run_id, deserialize=False)
        if row is None or not deserialize:
            return row
        return run_of(row) if row.get("run_type") == "workflow" else database.get_run(run_id)

    def _session(self, found: Mapping[str, Any]) -> WorkflowSession | None:
        """The session of a row. Its own damaged fields are empty."""
        fields = {name: _field(found.get(name)) for name in _FIELDS}
        session = WorkflowSession.from_dict({**found, **fields, "runs": None})
        if session is not None:
            session.runs = self._runs(session.session_id, found.get("runs") or ())
        return session

    def _runs(self, session_id: str, found: Sequence[Any]) -> list[WorkflowRunOutput]:
        try:
            return [_run(_checked(data)) for data in _of_workflows(found)]
        except Exception:  # noqa: BLE001  whatever the damage leads to
            # The data of a damaged run do not say which run it is; its row does.
            rows, _ = cast("Any", self).get_runs(session_id=session_id, deserialize=False)
            return [run_of(row) for row in rows if row.get("run_type") == "workflow"][-len(found) :]


def _of_workflows(found: Iterable[Any]) -> list[Any]:
    """Without the runs of agents, which share the session."""
    return [data for data in found if not (isinstance(data, dict) and ("agent_id" in data or "team_id" in data))]


def _field(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) and _DAMAGED not in value else {}


class MemoryDb(InMemoryDb):
    """Agno's sessions in memory; tells whether a run is there without copying every run."""

    def has_run(self, run_id: str) -> bool:
        """Whether the run is there; the newest sessions are looked through first."""
        sessions = list(self._sessions.values())  # at once: other threads may begin sessions meanwhile
        runs = (run for session in reversed(sessions) for run in reversed(session.get("runs") or []))
        return any(run["run_id"] == run_id for run in runs)

    def count_runs(self, session_id: str) -> int:
        """How many runs the session has; none of them is copied."""
        return len((self._sessions.get(session_id) or {}).get("runs") or ())

    def last_runs(self, session_id: str, many: int) -> tuple[list[Any], int]:
        """The last runs of a session, the newest first, and how many there are; no other is copied."""
        session: Mapping[str, Any] = self._sessions.get(session_id) or {}
        runs: list[Any] = session.get("runs") or []
        return deepcopy(runs[-many:])[::-1], len(runs)

    def upsert_run(self, run: Any, session_id: str, user_id: str | None = None, run_index: int | None = None) -> None:
        """Agno's; a run without a place is the last one, as in Agno's other databases."""
        super().upsert_run(run, session_id, user_id, self.count_runs(session_id) if run_index is None else run_index)
