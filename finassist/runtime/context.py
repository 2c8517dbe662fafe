"""What every run of a workflow needs, as one frozen value, and one run: how it is stopped, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from time import perf_counter, time
from typing import Any, Final, Literal, Self
from uuid import uuid4
from weakref import WeakValueDictionary

from agno.exceptions import RunCancelledException
from agno.models.base import Model
from agno.run.agent import RunContentEvent
from agno.run.base import RunStatus
from agno.run.cancel import cleanup_run, get_active_runs, is_cancelled
from agno.run.workflow import WorkflowCompletedEvent, WorkflowErrorEvent, WorkflowRunOutput
from agno.session import WorkflowSession
from agno.tools.finance import FinanceProvider
from agno.workflow.types import WorkflowMetrics

from finassist.answer import Answer
from finassist.config.settings import Live, Routing, Settings
from finassist.core.events import KINDS, TERMINAL, FlowEvent, RunResponse, StepCompleted, StepStarted, TerminalEvent
from finassist.core.process import Interrupts, hush
from finassist.core.query import Query
from finassist.core.result import Draft
from finassist.core.secrets import Secrets, redact_error, secrets_of
from finassist.core.spans import RunTrace, problem_of
from finassist.core.spans import begin as begin_trace
from finassist.core.state import TASKS, Task, replay, stored_tasks
from finassist.core.text import check_day, said
from finassist.llm import ModelChoice, resolve_model
from finassist.llm.agents import Askable, build_agents
from finassist.llm.calls import Limits
from finassist.llm.connections import Connections
from finassist.providers.registry import Provider, open_provider
from finassist.runtime.tracing import trace_as_set
from finassist.sessions.store import Database, SessionLocks, Store, as_session_error, open_store
from finassist.sessions.summary import TURNS_REFERRED, Turn

# ---------------------------------------------------------------------------------------------- of every run


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What every run of a workflow needs; a variant is `dataclasses.replace`.

    Attributes:
        agents: Agents by name: `router`, `symbol_extraction`, `chat`, `narration` and `summary`.
        locks: One lock per session.
        routing: What understands a question.
        live: Whether runs show themselves, as the settings say.
        chosen: The model and the provider as they were asked for: names, or objects.
        as_of: Only what was public on this day counts; `None` for all there is.
        opened: What was opened by name here, and so is closed with the workflow; the rest is the user's.
    """

    settings: Settings
    model: Model
    provider: FinanceProvider
    agents: Mapping[str, Askable]
    store: Store
    locks: SessionLocks
    routing: Routing = "auto"
    live: Live = "auto"
    chosen: tuple[ModelChoice, Provider] = ("auto", "auto")
    as_of: date | None = None
    opened: tuple[Any, ...] = ()

    @classmethod
    def open(
        cls,
        *,
        model: ModelChoice | None = None,
        provider: Provider | None = None,
        settings: Settings | None = None,
        db: Database | Literal["default"] = "default",
        routing: Routing | None = None,
        as_of: date | str | None = None,
    ) -> Self:
        """Open everything; what is not given is as the settings say."""
        settings = settings or Settings()
        chosen = (model or settings.model, provider or settings.provider)
        opened_model, opened_provider = resolve_model(chosen[0], settings), open_provider(chosen[1], settings)
        by_name = ((Connections(opened_model), model), (opened_provider, provider))
        store = open_store(settings.database if db == "default" else db)
        trace_as_set(settings.trace, settings.database if db in ("default", None) else db)
        return cls(
            settings=settings,
            model=opened_model,
            provider=opened_provider,
            agents=build_agents(opened_model),
            store=store,
            locks=SessionLocks(store.turns),
            routing=routing or settings.routing,
            live=settings.live,
            chosen=chosen,
            as_of=check_day(as_of),
            opened=tuple(thing for thing, given in by_name if given is None or isinstance(given, str)),
        )

    @cached_property
    def limits(self) -> Limits:
        """What a model may take, as the settings say."""
        return Limits.of(self.settings)

    @cached_property
    def secrets(self) -> Secrets:
        """What no text that leaves the process may repeat: of the settings, the models, the provider, the database."""
        models = [self.model, *(agent.model for agent in self.agents.values())]
        fallbacks = [getattr(model, "fallbacks", ()) for model in models]
        return Secrets(dict.fromkeys((*self.settings.secrets(), *secrets_of(*models, *fallbacks, self.provider))))


# ------------------------------------------------------------------------------------------------- one run


@dataclass(kw_only=True)
class RunContext:
    """One run of a question: what it needs, how it is stopped, and what came of it.

    The drivers read `runtime`, stamp their events, and ask whether to stop.
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
    marks: list[FlowEvent] = field(default_factory=list[FlowEvent])
    draft: Draft | None = None
    output: WorkflowRunOutput | None = None
    saved: bool = True
    duration: float | None = None
    session: WorkflowSession | None = None
    trace: RunTrace | None = None
    stopped: bool = False
    interrupts: Interrupts = field(default_factory=Interrupts)
    idle: Callable[[], None] = lambda: None
    _terminal: TerminalEvent | None = None
    _in_background: bool = False
    _flow_task: asyncio.Task[Any] | None = None

    def __post_init__(self) -> None:
        _RUNS[self.run_id] = self

    def known_as(self, output: WorkflowRunOutput | None) -> Self:
        """This run, under the id that Agno gives it: in the background one of its own."""
        if output is not None and output.run_id and output.run_id != self.run_id:
            self.run_id = output.run_id
            _RUNS[self.run_id] = self
            self.begin()
            self._in_background = True
        return self

    def begin(self) -> None:
        """In the context of Agno's engine: quiet from now on, and traced where tracing is on."""
        hush()
        self.trace = self._traced("finassist.run")
        if self.trace:
            self.trace.attach()

    @contextmanager
    def measured(self, name: str) -> Generator[None]:
        """Inside, what is done for this run without Agno's engine is one trace."""
        self.trace = self._traced(name)
        with self.within_trace():
            try:
                yield
            except BaseException as error:
                self._end_trace(problem_of(error))
                raise
            self._end_trace("")

    def within_trace(self) -> AbstractContextManager[object]:
        """Inside, what is begun belongs to the trace of this run, also after its end."""
        return self.trace.attached() if self.trace else nullcontext()

    def _traced(self, name: str) -> RunTrace | None:
        known = {
            "agno.run.id": self.run_id,
            "agno.workflow.id": self.workflow_id,
            "session.id": self.session_id,
            "user.id": self.user_id,
            "input.value": self.question,
        }
        return begin_trace(name, lambda: self.runtime.secrets, known)

    def _end_trace(self, problem: str, **known: Any) -> None:
        trace, draft = self.trace, self.draft
        if trace and draft:
            known |= {f"finassist.{name}": getattr(draft, name) for name in ("category", "decided_by", "outcome")}
            known |= {"finassist.facts": len(draft.facts), "finassist.gaps": len(draft.gaps)}
            known |= {"output.value": draft.content}
        if trace:
            trace.end(known, problem)

    def stamp(self, event: FlowEvent) -> FlowEvent:
        """Give an event of a flow the identity and the time of this run."""
        event.run_id, event.session_id = self.run_id, self.session_id
        event.workflow_id = self.workflow_id
        event.created_at = int(time())
        if not isinstance(event, RunContentEvent):
            event.elapsed = self._elapsed()
            self.marks.append(event)
        if self.trace:
            self.trace.see(event)
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
        self.duration = self._elapsed() if self.duration is None else self.duration
        terminal, self._terminal = self._terminal, None
        if terminal is not None:
            vars(terminal)["elapsed"] = self.duration  # Agno's class has no such field
            self.events.append(terminal)
        if self.trace:
            self.trace.see(StepCompleted(step_name="store", outcome="completed" if saved else "error"))
        failed = terminal.error_type or "error" if isinstance(terminal, WorkflowErrorEvent) else ""
        self._end_trace(failed or ("" if self.draft else "cancelled"), **{"finassist.saved": saved})
        if isinstance(terminal, WorkflowCompletedEvent) and self.output is not None:
            terminal.run_output = self.answer
        return terminal

    def before_saving(self, session: WorkflowSession) -> None:
        """Store what the run did, and how long it took, with it."""
        for run in session.runs or []:
            if run.run_id == self.run_id and run.status in _ENDED:
                self._before_storing(_ENDED[run.status])
                run.metrics = run.metrics or WorkflowMetrics(steps={})
                run.metrics.duration = self.duration
                run.metadata = {**(run.metadata or {}), TASKS: stored_tasks(self.tasks)}

    def _before_storing(self, problem: str) -> None:
        if self.duration is None:
            self.duration = self._elapsed()
            if self._in_background:
                self._end_trace(problem)  # Agno does not say when it has stored it
            elif self.trace:
                self.trace.see(StepStarted(step_name="store"))

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it did so far."""
        return replay("", self.marks).tasks

    def _elapsed(self) -> float:
        return round(perf_counter() - self.started, 6)

    def failed(self, error: Exception) -> Exception:
        """The error to raise for what Agno raised; where Agno had no event of its own for it, there is one now."""
        _of_agno(cleanup_run, self.run_id)  # Agno forgets to, where it fails before the run has begun
        error = as_session_error(error)
        redact_error(error, self.runtime.secrets)
        self._terminal = self._terminal or WorkflowErrorEvent(
            run_id=self.run_id, session_id=self.session_id, workflow_id=self.workflow_id,
            workflow_name=self.workflow_name, error=said(error),
        )  # fmt: skip
        if isinstance(self._terminal, WorkflowErrorEvent):
            self._terminal.error_type = self._terminal.error_type or type(error).__name__
        return error

    @cached_property
    def turn(self) -> Turn:
        """What the run knows of its session; as many turns are read as a question can refer to."""
        return Turn(max(TURNS_REFERRED, self.runtime.settings.remembered_turns))

    @cached_property
    def answer(self) -> Answer:
        """What the run returns; the terminal event carries the same object."""
        output = self.output or WorkflowRunOutput(run_id=self.run_id, session_id=self.session_id, input=self.question)
        answer = Answer.of(output, self.draft)
        answer.events = list(self.events)  # pyright: ignore[reportAttributeAccessIssue]
        answer.saved, answer.duration, answer.tasks = self.saved, self.duration, self.tasks
        if self.turn.damaged:
            answer.warnings.append(_DAMAGED.format(self.turn.damaged))
        return answer

    def stop(self) -> None:
        """Cancel through the flow, never through Agno's reading and saving."""
        self.stopped = True
        if self._flow_task is not None:
            self._flow_task.cancel()

    def check_stopped(self) -> None:
        """Raise if the run is to stop, by `stop()` or by Agno's `cancel_run(run_id)`."""
        if self.stopped or self.interrupts.heard or _of_agno(is_cancelled, self.run_id):
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
            if not self.stopped and _of_agno(is_cancelled, self.run_id):
                self.stop()


def _of_agno[T](ask: Callable[[str], T], run_id: str) -> T:
    """Ask Agno about a run; again where it trips over the end of another, as a sync and an async call may meet."""
    try:
        return ask(run_id)
    except (KeyError, RuntimeError):
        return ask(run_id)


_ENDED: Final = {RunStatus.completed: "", RunStatus.error: "error", RunStatus.cancelled: "cancelled"}
_DAMAGED: Final = "Of the earlier turns of this conversation {:,} cannot be read: damaged in the session database."
_RUNS: WeakValueDictionary[str, RunContext] = WeakValueDictionary()


def under_way() -> list[RunContext]:
    """The runs of this process that are being answered now, the first to begin first."""
    active = get_active_runs()
    return sorted((run for run_id, run in list(_RUNS.items()) if run_id in active), key=lambda run: run.started)
