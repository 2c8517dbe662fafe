"""The state of a run, computed from its events alone: what every view of a run shows.

`reduce(state, event)` is pure and never fails: an event it does not know, or that comes too late, changes nothing. The
widget, the static timeline, the progress line and the DataFrame of spans all read the same state.

    waiting ── first event ──► running ── terminal event ──► completed | error | cancelled
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, Literal

import msgspec
from agno.run.agent import RunContentEvent
from agno.run.workflow import WorkflowCancelledEvent, WorkflowCompletedEvent, WorkflowErrorEvent, WorkflowStartedEvent
from msgspec import Struct, field
from msgspec.structs import astuple, replace

from finassist.core.events import (
    ChoicesOffered,
    FetchCompleted,
    FetchFailed,
    FetchStarted,
    Routed,
    RunResponse,
    StepCompleted,
    StepStarted,
    SymbolResolved,
)
from finassist.core.result import CATEGORY, NEED, written

type RunStatus = Literal["waiting", "running", "completed", "error", "cancelled"]
type TaskStatus = Literal["running", "completed", "error", "cancelled"]

ROOT: Final = "run"
"""The parent of tasks that belong to no other."""

TASKS: Final = "finassist_tasks"
"""Where the tasks of a run are stored, in its metadata."""

GATHER: Final = "gather"
"""The step that fetches are part of."""

_STEPS: Final = {
    "understand": "Understand",
    "router": "Kind of question",
    "symbol_extraction": "Companies",
    "gather": "Figures",
    "compose": "Write the answer",
    "narration": "Words about the figures",
    "chat": "Answer",
}
_DETAIL_CHARS: Final = 600


class Task(Struct, frozen=True):
    """One thing a run does: a step, or a fetch."""

    name: str  # which task, once a run: `"gather"`, `"income AAPL"`
    label: str  # the same in words for a reader
    parent: str  # the task it is part of, or `"run"`
    start: float  # seconds since the run started
    end: float | None = None  # the same for its end; `None` while it runs
    status: TaskStatus = "running"
    detail: str = ""  # what came of it, why it failed, or why it is tried again
    attempts: int = 1  # how often a source was asked; 1 unless something had to be tried again


class RunState(Struct, frozen=True):
    """Everything a view shows of a run."""

    question: str = ""
    status: RunStatus = "waiting"
    category: str = ""  # what kind of answer the question gets, once that is known
    symbols: tuple[str, ...] = ()  # ticker symbols of its companies
    companies: Mapping[str, str] = field(default_factory=dict[str, str])  # their names by symbol, as they become known
    decided_by: str = ""  # `"rules"`, `"model"`, or `"rules because the model failed"`
    reason: str = ""  # why the question was understood so
    tasks: tuple[Task, ...] = ()  # in the order they began
    text: str = ""  # the answer as far as it has been said
    elapsed: float = 0.0  # seconds since the run started, by its latest event
    error: str = ""  # why the run failed, or `""`

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self.status not in ("waiting", "running")

    @property
    def progress(self) -> tuple[int, int]:
        """How many tasks are done, of how many that are known or foreseen.

        Tasks that consist of others are not counted beside them. The fetches of a plan count from the moment the
        question is understood, so the share that is done does not go back when they begin.

        Example:
            >>> routed = Routed(category="stock_price", symbols=["AAPL"])
            >>> replay("", [StepStarted(step_name="understand"), routed]).progress
            (0, 4)
        """
        known = leaves(self.tasks)
        done = sum(task.status != "running" for task in known)
        return done, len(known) if self.ended else max(1, len(known) + _foreseen(self))

    @property
    def critical_path(self) -> tuple[str, ...]:
        """Names of the tasks that bound the run's duration, first to last.

        The task that ended last, before it the one that ended last before that began, and so on: whoever wants the
        run to be faster has to make one of these faster.
        """
        left = {task.name: task for task in leaves(self.tasks)}
        path: list[str] = []
        before = float("inf")
        while ending := [task for task in left.values() if self.end_of(task) <= before]:
            last = max(ending, key=lambda task: (self.end_of(task), task.start, task.name))
            path.append(last.name)
            before = last.start
            del left[last.name]
        return tuple(reversed(path))

    def end_of(self, task: Task) -> float:
        """Seconds from the start of the run to the end of a task, or to now while it runs."""
        return self.elapsed if task.end is None else task.end


# --------------------------------------------------------------------------------------------- reducing


def reduce(state: RunState, event: Any) -> RunState:
    """The state after an event. Pure; the same for `run` and `arun`, live or from a stored run.

    What is no `RunResponse` changes nothing, and neither does what comes after the end.

    Example:
        >>> state = reduce(RunState("Apple?"), FetchStarted(symbol="AAPL", need="quote", elapsed=0.1))
        >>> state.status, [(task.label, task.status) for task in state.tasks]
        ('running', [('AAPL quote', 'running')])
    """
    if state.ended:
        return state
    if ending := _ENDINGS.get(event.__class__):
        return end(state, ending, str(getattr(event, "error", None) or ""), getattr(event, "elapsed", None))
    changed = _apply(state, event)
    if changed is None:
        return state
    elapsed = max(state.elapsed, getattr(event, "elapsed", None) or 0.0)
    return replace(changed, status="running", elapsed=elapsed)


def replay(question: str, events: Iterable[RunResponse], duration: float | None = None) -> RunState:
    """The state that a run's events lead to, in the order they were streamed.

    `duration` is how many seconds the run took; by default the time of its latest event.
    """
    state = RunState(question)
    for event in joined(events):
        if duration is not None and type(event) in _ENDINGS:
            state = replace(state, elapsed=duration)
        state = reduce(state, event)
    return state if duration is None or state.ended else replace(state, elapsed=duration)


def joined(events: Iterable[Any]) -> Iterable[Any]:
    """The same events, with the words of an answer that follow each other as one.

    A long answer comes in many thousand words, and a state with all of them is made for every event.
    """
    for are_words, some in groupby(events, key=lambda event: isinstance(event, RunContentEvent)):
        if are_words:
            yield RunContentEvent(content="".join(str(event.content or "") for event in some))
        else:
            yield from some


def end(state: RunState, status: RunStatus, error: str = "", at: float | None = None) -> RunState:
    """The state when the run ends, `at` seconds after it started: what is still open ends with it, the same way."""
    at = state.elapsed if at is None else max(at, state.elapsed)
    closed: TaskStatus = "running" if status == "waiting" else status
    tasks = (
        replace(task, end=max(task.start, at), status=closed) if task.end is None else task for task in state.tasks
    )
    return replace(state, status=status, tasks=tuple(tasks), error=error, elapsed=at)


_ENDINGS: Final[Mapping[type[Any], RunStatus]] = {
    WorkflowCompletedEvent: "completed",
    WorkflowErrorEvent: "error",
    WorkflowCancelledEvent: "cancelled",
}


def _apply(state: RunState, event: Any) -> RunState | None:
    match event:
        case WorkflowStartedEvent() | ChoicesOffered():
            return state
        case RunContentEvent():
            return replace(state, text=state.text + str(event.content or ""))
        case Routed(category=category, decided_by=by, reason=reason):
            symbols = tuple(event.symbols or ())
            return replace(state, category=category, symbols=symbols, decided_by=by, reason=reason)
        case SymbolResolved(symbol=symbol, name=name):
            return replace(state, companies={**state.companies, symbol: name})
        case StepStarted() | FetchStarted():
            return replace(state, tasks=_opened(state.tasks, event))
        case StepCompleted() | FetchCompleted() | FetchFailed():
            return replace(state, tasks=_closed(state.tasks, event))
        case _:
            return None


def spans(state: RunState) -> list[dict[str, Any]]:
    """One row per task of a run: `name`, `parent`, `start`, `end` (seconds since the run started), `status`.

    A task still open when the run ended has the status the run ended with.

    Example:
        >>> begun, done = StepStarted(step_name="compose", elapsed=0.1), StepCompleted(step_name="compose", elapsed=0.3)
        >>> rows = spans(replay("", [begun, done]))
        >>> [(row["name"], row["start"], row["end"], row["status"]) for row in rows]
        [('run', 0.0, 0.3, 'running'), ('compose', 0.1, 0.3, 'completed')]
    """
    status = "running" if state.status == "waiting" else state.status
    whole = ((ROOT, None, 0.0, state.elapsed, status),)
    parts = ((task.name, task.parent, task.start, state.end_of(task), task.status) for task in state.tasks)
    return [dict(zip(("name", "parent", "start", "end", "status"), row, strict=True)) for row in (*whole, *parts)]


def leaves(tasks: tuple[Task, ...]) -> list[Task]:
    """Those that do the work: not those that consist of others."""
    parents = {task.parent for task in tasks}
    return [task for task in tasks if task.name not in parents and task.name != GATHER]


def stored_tasks(tasks: Iterable[Task]) -> str:
    """Tasks as they are stored with a run: one short text, parsed only where they are drawn.

    Example:
        >>> task = Task("compose", "Write the answer", "run", start=0.1)
        >>> read_tasks(stored_tasks([task])) == (task,)
        True
    """
    return written([astuple(task) for task in tasks])


def read_tasks(stored: Any) -> tuple[Task, ...]:
    """The inverse of `stored_tasks`; none where nothing is stored, or something else."""
    try:
        rows: Sequence[Any] = json.loads(stored) if isinstance(stored, str) else ()
        return tuple(Task(*row) for row in msgspec.convert(rows, list[_Row]))
    except ValueError:
        return ()


type _Row = tuple[str, str, str, float, float | None, TaskStatus, str, int]


_BESIDES = 2
"""Fetches of a report besides those of its kind: quarters and closes, from a source that has them; peers of one."""


def _foreseen(state: RunState) -> int:
    """Tasks that will come: the fetches of the plan that have not begun, and the step that writes the answer."""
    if any(task.name in ("compose", "chat") for task in state.tasks):
        return 0
    if any(task.name == GATHER and task.end is not None for task in state.tasks):
        return 1
    begun = sum(task.parent == GATHER for task in state.tasks)
    category = CATEGORY.get(state.category)
    report = category is not None and category.name == "report"
    each = len(category.needs) + _BESIDES * report if category else 0
    planned = each * len(state.symbols) + (report and len(state.symbols) == 1)
    return max(0, planned - begun) + 1


def _opened(tasks: tuple[Task, ...], event: StepStarted | FetchStarted) -> tuple[Task, ...]:
    """The tasks with one more; one that is known already is being retried."""
    name = _name(event)
    known = next((task for task in tasks if task.name == name), None)
    if known is None:
        return (*tasks, Task(name, _label(event), event.parent or ROOT, event.elapsed))
    if isinstance(event, FetchStarted) and event.attempt > known.attempts:
        return _changed(tasks, name, attempts=event.attempt, detail=_short(event.reason))
    return tasks


def _closed(tasks: tuple[Task, ...], event: StepCompleted | FetchCompleted | FetchFailed) -> tuple[Task, ...]:
    """The tasks with one ended; of several ends the first counts."""
    status, detail = _outcome(event)
    said = {"detail": detail} if detail else {}
    return _changed(tasks, _name(event), end=event.elapsed, status=status, **said)


def _changed(tasks: tuple[Task, ...], name: str, **changes: Any) -> tuple[Task, ...]:
    return tuple(replace(each, **changes) if each.name == name and each.end is None else each for each in tasks)


def _outcome(event: StepCompleted | FetchCompleted | FetchFailed) -> tuple[TaskStatus, str]:
    match event:
        case StepCompleted(outcome=outcome, content=content):
            return outcome, _short(content)
        case FetchCompleted(count=count, provider=provider):
            return "completed", _short(f"{count} figure{'s' * (count != 1)}" + f" from {provider}" * bool(provider))
        case FetchFailed(reason=reason, error=error):
            return "error", _short(reason or error)


def _name(event: Any) -> str:
    if isinstance(event, StepStarted | StepCompleted):
        return str(event.step_name)
    return f"{event.need} {event.symbol}"


def _label(event: StepStarted | FetchStarted) -> str:
    if isinstance(event, StepStarted):
        return _STEPS.get(str(event.step_name), str(event.step_name))
    return f"{event.symbol} {NEED[event.need].short if event.need in NEED else event.need}"


def _short(text: Any) -> str:
    words = "" if text is None else str(text)
    return words if len(words) <= _DETAIL_CHARS else f"{words[: _DETAIL_CHARS - 1]}…"
