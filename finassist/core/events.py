"""The closed union of typed events that a run streams.

Every event carries `event`, `run_id`, `session_id` and `created_at`. `event` values are Agno's, plus six of our
own. Step and fetch events also carry `elapsed`, the seconds since the run started, from which the timeline is
drawn. A consumer can match on the classes and end with `typing.assert_never`.

    WorkflowStarted ── StepStarted … Routed … SymbolResolved … FetchStarted/FetchCompleted/FetchFailed …
                       RunContent … StepCompleted ── WorkflowCompleted | WorkflowError | WorkflowCancelled
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from agno.run.agent import RunContentEvent
from agno.run.workflow import (
    WORKFLOW_RUN_EVENT_TYPE_REGISTRY,
    CustomEvent,
    StepCompletedEvent,
    StepStartedEvent,
    WorkflowCancelledEvent,
    WorkflowCompletedEvent,
    WorkflowErrorEvent,
    WorkflowStartedEvent,
)

StepStatus = Literal["completed", "error"]


@dataclass(kw_only=True)
class StepStarted(StepStartedEvent):
    """A step began. `parent` names the step it runs inside, if any."""

    elapsed: float = 0.0
    parent: str | None = None


@dataclass(kw_only=True)
class StepCompleted(StepCompletedEvent):
    """A step ended. A step that failed and was worked around has `outcome="error"` and says why in `content`."""

    elapsed: float = 0.0
    parent: str | None = None
    outcome: StepStatus = "completed"


@dataclass(kw_only=True)
class Routed(CustomEvent):
    """The kind of answer is decided; `decided_by` is `"rules"` or `"model"`."""

    event: str = "Routed"
    elapsed: float = 0.0
    category: str = ""
    symbols: list[str] | None = None
    decided_by: str = ""
    reason: str = ""


@dataclass(kw_only=True)
class SymbolResolved(CustomEvent):
    """A company of the question is known by its ticker symbol."""

    event: str = "SymbolResolved"
    elapsed: float = 0.0
    symbol: str = ""
    name: str = ""


@dataclass(kw_only=True)
class ChoicesOffered(CustomEvent):
    """The question has several readings; `answer.pick(1)` asks the first of these."""

    event: str = "ChoicesOffered"
    elapsed: float = 0.0
    labels: list[str] | None = None


@dataclass(kw_only=True)
class _OfFetch(CustomEvent):
    elapsed: float = 0.0
    parent: str | None = "gather"
    symbol: str = ""
    need: str = ""
    provider: str = ""


@dataclass(kw_only=True)
class FetchStarted(_OfFetch):
    """A source is asked for one kind of figures about one company.

    Comes again, with `attempt` 2 and more and the `reason`, when the source has to be asked again.
    """

    event: str = "FetchStarted"
    attempt: int = 1
    reason: str = ""


@dataclass(kw_only=True)
class FetchCompleted(_OfFetch):
    """The source delivered `count` figures."""

    event: str = "FetchCompleted"
    count: int = 0


@dataclass(kw_only=True)
class FetchFailed(_OfFetch):
    """The source did not deliver; the answer will name this gap."""

    event: str = "FetchFailed"
    error: str = ""
    reason: str = ""


TerminalEvent = WorkflowCompletedEvent | WorkflowErrorEvent | WorkflowCancelledEvent
FlowEvent = (
    StepStarted
    | StepCompleted
    | RunContentEvent
    | Routed
    | SymbolResolved
    | ChoicesOffered
    | FetchStarted
    | FetchCompleted
    | FetchFailed
)
RunResponse = WorkflowStartedEvent | FlowEvent | TerminalEvent

TERMINAL = (WorkflowCompletedEvent, WorkflowErrorEvent, WorkflowCancelledEvent)
KINDS: tuple[type[Any], ...] = get_args(RunResponse)

for _kind in KINDS:
    if _kind.__module__ == __name__:
        # Agno reads stored events back through this table; an unknown name would make the session unreadable.
        WORKFLOW_RUN_EVENT_TYPE_REGISTRY[_kind.event] = _kind
