"""The tasks of a run, as its events begin them, try them again and end them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from finassist.core.categories import NEED
from finassist.core.events import FetchCompleted, FetchFailed, FetchStarted, StepCompleted, StepStarted

type TaskStatus = Literal["running", "completed", "error", "cancelled"]

ROOT: Final = "run"
"""The parent of tasks that belong to no other."""

GATHER: Final = "gather"
"""The step that fetches are part of."""

_STEPS: Final = {
    "understand": "Understand",
    "router": "Kind of question",
    "symbol_extraction": "Companies",
    "gather": "Figures",
    "compose": "Write the answer",
    "chat": "Answer",
}
_DETAIL_CHARS: Final = 600


@dataclass(frozen=True, slots=True)
class Task:
    """One thing a run does: a step, or a fetch.

    Attributes:
        name: Which task, once a run: `"gather"`, `"income AAPL"`.
        label: The same in words for a reader.
        parent: The task it is part of, or `"run"`.
        start: Seconds since the run started.
        end: The same for its end; `None` while it runs.
        status: How it is.
        detail: What came of it, why it failed, or why it is tried again.
        attempts: How often a source was asked; 1 unless something had to be tried again.
    """

    name: str
    label: str
    parent: str
    start: float
    end: float | None = None
    status: TaskStatus = "running"
    detail: str = ""
    attempts: int = 1


def opened(tasks: tuple[Task, ...], event: StepStarted | FetchStarted) -> tuple[Task, ...]:
    """With the task begun; a task known already is tried again."""
    name = _name(event)
    if any(task.name == name for task in tasks):
        return tuple(_again(task, event) if task.name == name else task for task in tasks)
    return (*tasks, Task(name, _label(event), event.parent or ROOT, event.elapsed))


def _again(task: Task, event: StepStarted | FetchStarted) -> Task:
    if not isinstance(event, FetchStarted) or task.end is not None or event.attempt <= task.attempts:
        return task
    return replace(task, attempts=event.attempt, detail=_short(event.reason))


def closed(tasks: tuple[Task, ...], event: StepCompleted | FetchCompleted | FetchFailed) -> tuple[Task, ...]:
    """With the task ended; of several ends the first counts."""
    name = _name(event)
    status, detail = _outcome(event)
    return tuple(
        replace(task, end=event.elapsed, status=status, detail=detail or task.detail)
        if task.name == name and task.end is None
        else task
        for task in tasks
    )


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


def leaves(tasks: tuple[Task, ...]) -> list[Task]:
    """Those that do the work: not those that consist of others."""
    parents = {task.parent for task in tasks}
    return [task for task in tasks if task.name not in parents and task.name != GATHER]
