"""One run of a question: what it needs, how it is stopped, and what came of it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from time import monotonic, perf_counter, time
from typing import Any, TypedDict
from uuid import uuid4
from weakref import WeakValueDictionary

from agno.exceptions import MigrationRequiredError, RunCancelledException
from agno.run.cancel import cleanup_run, get_active_runs, is_cancelled
from agno.run.workflow import WorkflowCompletedEvent, WorkflowErrorEvent, WorkflowRunOutput
from agno.session import WorkflowSession

from finassist.answer import Answer
from finassist.core.errors import SessionError
from finassist.core.events import KINDS, TERMINAL, FlowEvent, RunResponse, TerminalEvent
from finassist.core.query import Query
from finassist.core.result import Draft
from finassist.llm.calls import Limits
from finassist.runtime.context import Runtime


@dataclass
class Interrupts:
    """What one sync run does about interrupts.

    Attributes:
        heard: Whether there was one.
    """

    heard: bool = False
    _breakable: bool = False

    @contextmanager
    def deferred(self) -> Generator[None]:
        """Inside, the first interrupt is only noted, outside `breakable()`; a second one raises wherever it is.

        Only the main thread gets interrupts; in any other, and where they are ignored, nothing changes.
        """
        previous = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(previous):
            yield
            return
        signal.signal(signal.SIGINT, self._hear)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)

    @contextmanager
    def breakable(self) -> Generator[None]:
        """Inside, an interrupt raises: for a call that waits long and does not look whether it is to stop."""
        if self.heard:
            raise KeyboardInterrupt
        self._breakable = True
        try:
            yield
        finally:
            self._breakable = False

    def _hear(self, *_: Any) -> None:
        again, self.heard = self.heard, True
        if self._breakable or again:
            raise KeyboardInterrupt


class AgnoOptions(TypedDict, total=False):
    """What Agno's own `run` and `arun` also take; AgentOS passes them."""

    additional_data: dict[str, Any] | None
    session_state: dict[str, Any] | None
    dependencies: dict[str, Any] | None
    metadata: dict[str, Any] | None
    add_dependencies_to_context: bool | None
    add_session_state_to_context: bool | None
    audio: Sequence[Any] | None
    images: Sequence[Any] | None
    videos: Sequence[Any] | None
    files: Sequence[Any] | None
    stream_events: bool | None
    background: bool | None
    background_tasks: Any
    websocket: Any
    enable_websocket: bool
    auth_token: str | None


class RunOptions(AgnoOptions, total=False):
    """The keywords of `run` and `arun`."""

    session_id: str | None
    user_id: str | None
    run_id: str | None
    live: bool | None
    as_of: date | str | None


class FetchDeadline:
    """The time that the fetches of one question may take. The clock starts with the first of them.

    Args:
        fetch: Seconds one fetch may take.
        question: Seconds all fetches of the question may take together.

    Example:
        >>> deadline = FetchDeadline(fetch=20, question=1)
        >>> 0 < deadline.seconds() <= 1
        True
        >>> deadline.verdict("The source")
        'The source did not answer within the 1 seconds of a question. Ask again, or raise FINASSIST_QUESTION_TIMEOUT.'
    """

    def __init__(self, fetch: float, question: float) -> None:
        self._fetch, self._question = fetch, question
        self._until: float | None = None

    def seconds(self) -> float:
        """The time limit of a fetch that starts now."""
        now = monotonic()
        self._until = self._until or now + self._question
        return min(self._fetch, max(self._until - now, 0.0))

    def verdict(self, who: str) -> str:
        """The message about a fetch that took longer."""
        if self._until is not None and (self._question <= self._fetch or monotonic() >= self._until):
            whole, variable = f"the {self._question:g} seconds of a question", "FINASSIST_QUESTION_TIMEOUT"
        else:
            whole, variable = f"{self._fetch:g} seconds", "FINASSIST_FETCH_TIMEOUT"
        return f"{who} did not answer within {whole}. Ask again, or raise {variable}."


@dataclass(kw_only=True)
class RunContext:
    """One run of a question: what it needs, how it is stopped, and what came of it.

    The drivers read `runtime`, `limits` and `deadline`, stamp their events, and ask whether to stop.
    """

    runtime: Runtime
    question: str
    queries: tuple[Query, ...] = ()
    run_id: str = field(default_factory=lambda: str(uuid4()))
    session_id: str = ""
    user_id: str | None = None
    workflow_id: str = ""
    workflow_name: str = ""
    started: float = field(default_factory=perf_counter)
    events: list[RunResponse] = field(default_factory=list[RunResponse])
    draft: Draft | None = None
    output: WorkflowRunOutput | None = None
    saved: bool = True
    duration: float = 0.0
    session: WorkflowSession | None = None
    stopped: bool = False
    interrupts: Interrupts = field(default_factory=Interrupts)
    idle: Callable[[], None] = lambda: None
    _terminal: TerminalEvent | None = None
    _answer: Answer | None = None
    _flow_task: asyncio.Task[Any] | None = None

    def __post_init__(self) -> None:
        settings = self.runtime.settings
        self.limits = Limits.of(settings)
        self.deadline = FetchDeadline(settings.fetch_timeout, settings.question_timeout)
        _RUNS[self.run_id] = self

    # ------------------------------------------------------------------------------- its events

    def stamp(self, event: FlowEvent) -> FlowEvent:
        """Give an event of a flow the identity and the time of this run."""
        event.run_id, event.session_id = self.run_id, self.session_id
        event.workflow_id = self.workflow_id
        event.created_at = int(time())
        if hasattr(event, "elapsed"):
            event.elapsed = perf_counter() - self.started  # pyright: ignore[reportAttributeAccessIssue]
        return event

    def see(self, event: Any) -> RunResponse | None:
        """Take one event from Agno: what to hand on now, if anything. Of several terminal events the first counts."""
        if isinstance(event, WorkflowCompletedEvent):
            self.output = event.run_output
        if isinstance(event, TERMINAL):
            self._terminal = self._terminal or event
            return None
        if not isinstance(event, KINDS):
            return None
        self.events.append(event)
        return event

    def end(self, saved: bool) -> TerminalEvent | None:
        """The run is over and its saving was checked: the terminal event, which may now be handed on."""
        self.saved = saved
        self.duration = perf_counter() - self.started
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            vars(terminal)["elapsed"] = self.duration  # Agno's class has no such field
            self.events.append(terminal)
        if isinstance(terminal, WorkflowCompletedEvent) and self.output is not None:
            terminal.run_output = self.answer()
        return terminal

    def drain(self, engine: Iterable[Any]) -> None:
        """Let Agno finish and save a run that has no listener any more."""
        for event in engine:
            self.see(event)

    def failed(self, error: Exception) -> Exception:
        """The error to raise for what Agno raised; where Agno had no event of its own for it, there is one now."""
        cleanup_run(self.run_id)  # Agno forgets to, where it fails before the run has begun
        if _is_store_failure(error):
            error = _store_failure(error)
        self._terminal = self._terminal or WorkflowErrorEvent(
            run_id=self.run_id, session_id=self.session_id, workflow_id=self.workflow_id,
            workflow_name=self.workflow_name, error=str(error),
        )  # fmt: skip
        if isinstance(self._terminal, WorkflowErrorEvent):
            self._terminal.error_type = self._terminal.error_type or type(error).__name__
        return error

    def answer(self) -> Answer:
        """What the run returns; the terminal event carries the same object."""
        if self._answer is None:
            self._answer = self._build_answer()
        return self._answer

    def _build_answer(self) -> Answer:
        output = self.output or WorkflowRunOutput(run_id=self.run_id, session_id=self.session_id, input=self.question)
        answer = Answer.of(output, self.draft)
        answer.events = list(self.events)  # pyright: ignore[reportAttributeAccessIssue]
        answer.saved, answer.duration = self.saved, self.duration
        return answer

    # ------------------------------------------------------------------------------ stopping it

    def stop(self) -> None:
        """Cancel through the flow, never through Agno's reading and saving."""
        self.stopped = True
        if self._flow_task is not None:
            self._flow_task.cancel()

    def check_stopped(self) -> None:
        """Raise if the run is to stop, by `stop()` or by Agno's `cancel_run(run_id)`.

        Raises:
            RunCancelledException: It is.
        """
        if self.stopped or self.interrupts.heard or is_cancelled(self.run_id):
            self.stopped = True
            raise RunCancelledException("The run was stopped.")

    def flow_started(self, task: asyncio.Task[Any]) -> None:
        """From now on `stop()` reaches the flow."""
        self._flow_task = task
        if self.stopped:
            task.cancel()

    async def watch(self, every: float) -> None:
        """Wake the loop regularly: notice `cancel_run()`, and let a kernel's interrupt be seen at once."""
        while True:
            await asyncio.sleep(every)
            if not self.stopped and is_cancelled(self.run_id):
                self.stop()


_RUNS: WeakValueDictionary[str, RunContext] = WeakValueDictionary()


def under_way() -> list[RunContext]:
    """The runs of this process that are being answered now, the first to begin first."""
    active = get_active_runs()
    return sorted((run for run_id, run in list(_RUNS.items()) if run_id in active), key=lambda run: run.started)


def _is_store_failure(error: Exception) -> bool:
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}  # SQLAlchemy may not be loaded
    return "sqlalchemy.exc.SQLAlchemyError" in kinds or isinstance(error, MigrationRequiredError)


def _store_failure(error: Exception) -> SessionError:
    failure = SessionError(
        f"The session could not be read ({type(error).__name__}). Check that the session database is not locked or "
        "damaged, set FINASSIST_HOME to another folder, or pass db=None to keep sessions in memory."
    )
    failure.__cause__ = error
    return failure
