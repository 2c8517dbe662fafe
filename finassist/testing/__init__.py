"""Test doubles for a workflow: slow, failing and lying sources and models, on dials; recorded runs; a stopwatch.

    >>> from finassist import FinancialAssistantWorkflow
    >>> from finassist.testing import Dials, FaultyProvider
    >>> dials = Dials(failure="unreachable", only="quote")
    >>> workflow = FinancialAssistantWorkflow(db=None, provider=FaultyProvider("embedded", dials))
    >>> [gap.error for gap in workflow.run("What is Apple's stock price?").gaps]
    ['Unreachable']

The dials may be turned while a run is under way.

    faults.py   any data source and any model, slow and failing as the dials say
    tapes.py    a run with its timing: recorded from real sources and models, played back without keys

The stopwatch is here: it draws any concurrent work of yours as a timeline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from threading import Lock
from time import perf_counter

from msgspec.structs import replace

from finassist.core.errors import InputError
from finassist.core.state import ROOT, RunState, Task, TaskStatus
from finassist.reporting.timeline import TimelineImage
from finassist.testing.faults import DATA_FAILURES, MODEL_FAILURES, Dials, FaultyModel, FaultyProvider
from finassist.testing.tapes import Recorder, ReplayModel, ReplayProvider, Tape

__all__ = [
    "DATA_FAILURES",
    "MODEL_FAILURES",
    "Dials",
    "FaultyModel",
    "FaultyProvider",
    "Recorder",
    "ReplayModel",
    "ReplayProvider",
    "Stopwatch",
    "Tape",
]


class Stopwatch:
    """Times pieces of work from any task or thread, and draws them on one timeline.

    Args:
        title: What the whole is.

    Example:
        >>> watch = Stopwatch("two naps")
        >>> async def nap(name: str) -> None:
        ...     with watch.task(name):
        ...         await asyncio.sleep(0.01)
        >>> async def both() -> None:
        ...     async with asyncio.TaskGroup() as group:
        ...         group.create_task(nap("long"))
        ...         group.create_task(nap("short"))
        >>> asyncio.run(both())
        >>> [(task.name, task.status) for task in watch.state.tasks]
        [('long', 'completed'), ('short', 'completed')]
    """

    def __init__(self, title: str = "") -> None:
        self.title = title
        self._began = perf_counter()
        self._tasks: dict[str, Task] = {}
        self._guard = Lock()

    @contextmanager
    def task(self, name: str, parent: str = ROOT) -> Generator[None]:
        """Inside, the task runs; how the block ends is how the task ended. Works around `await` as well.

        Args:
            name: What it is; each name once.
            parent: The task it is part of, if any.

        Raises:
            InputError: There is such a task already.
        """
        self._begin(name, parent)
        try:
            yield
        except asyncio.CancelledError:
            self._end(name, "cancelled")
            raise
        except BaseException as error:
            self._end(name, "error", f"{type(error).__name__}: {error}")
            raise
        self._end(name, "completed")

    async def timed[Result](self, name: str, work: Awaitable[Result], parent: str = ROOT) -> Result:
        """Await `work` as a task of that name."""
        with self.task(name, parent):
            return await work

    @property
    def state(self) -> RunState:
        """The state so far, as every view of a run reads it."""
        with self._guard:
            tasks = tuple(self._tasks.values())
        over = bool(tasks) and all(task.end is not None for task in tasks)
        spent = max((task.end for task in tasks if task.end is not None), default=0.0) if over else self._now()
        return RunState(self.title, status="completed" if over else "running", tasks=tasks, elapsed=spent)

    @property
    def seconds(self) -> float:
        """From the first beginning to the last end so far."""
        tasks = self.state.tasks
        return max((task.end or 0.0 for task in tasks), default=0.0) - min((task.start for task in tasks), default=0.0)

    @property
    def timeline(self) -> TimelineImage:
        """The picture, which stays in a saved notebook."""
        return TimelineImage(self.state)

    def _begin(self, name: str, parent: str) -> None:
        with self._guard:
            if name in self._tasks:
                raise InputError(f"There is a task {name!r:.60} already. Give every task a name of its own.")
            if not self._tasks:
                self._began = perf_counter()
            self._tasks[name] = Task(name, name, parent, self._now())

    def _end(self, name: str, status: TaskStatus, detail: str = "") -> None:
        with self._guard:
            self._tasks[name] = replace(self._tasks[name], end=self._now(), status=status, detail=detail)

    def _now(self) -> float:
        return perf_counter() - self._began
