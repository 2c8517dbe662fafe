"""Agno's workflow engine around our flows: the one custom step, and the life of one call.

The flows decide what happens; Agno runs, stores and cancels. Three things about Agno shape this module:

* it yields its terminal event *before* it saves, so that event is held back until the run is stored;
* cancelled while it reads or saves, it stores nothing, so cancellation only ever enters through the flow;
* a step that fails is skipped by default and the run counts as completed, so our step says otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from agno.exceptions import MigrationRequiredError, RunCancelledException
from agno.run.cancel import cleanup_run, is_cancelled
from agno.run.workflow import WorkflowCompletedEvent, WorkflowErrorEvent, WorkflowRunOutput
from agno.session import WorkflowSession
from agno.workflow.step import Step
from agno.workflow.types import HumanReview, StepInput, StepOutput, StepType
from agno.workflow.workflow import STEP_TYPE_MAPPING
from sqlalchemy.exc import SQLAlchemyError

from finassist.answer import Answer
from finassist.draft import Draft
from finassist.drivers import Crew, adrive_stream, cancelling, drive
from finassist.effects import Flow
from finassist.errors import SessionError
from finassist.events import KINDS, TERMINAL, FlowEvent, RunResponse, TerminalEvent

if TYPE_CHECKING:
    from finassist.workflow import FinancialAssistantWorkflow

STEP_NAME = "answer"


@dataclass(kw_only=True)
class Call:
    """One call of `run()` or `arun()`: who it is, how it is stopped, and what came of it."""

    question: str
    run_id: str
    session_id: str
    user_id: str | None
    workflow_id: str
    workflow_name: str
    started: float = field(default_factory=perf_counter)
    events: list[RunResponse] = field(default_factory=list[RunResponse])
    draft: Draft | None = None
    output: WorkflowRunOutput | None = None
    saved: bool = True
    duration: float = 0.0
    session: WorkflowSession | None = None
    stopped: bool = False
    interrupted: bool = False
    _terminal: TerminalEvent | None = None
    _flow_task: asyncio.Task[Any] | None = None

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
            self.events.append(terminal)
        if isinstance(terminal, WorkflowCompletedEvent) and self.output is not None:
            terminal.run_output = self.answer()
        return terminal

    def drain(self, engine: Iterable[Any]) -> None:
        """Let Agno finish and save a run nobody listens to any more."""
        for event in engine:
            self.see(event)

    def failed(self, error: Exception) -> Exception:
        """The error to raise for what Agno raised; where Agno had no event of its own for it, there is one now."""
        cleanup_run(self.run_id)  # Agno forgets to, where it fails before the run has begun
        if isinstance(error, SQLAlchemyError | MigrationRequiredError):
            error = _store_failure(error)
        self._terminal = self._terminal or WorkflowErrorEvent(
            run_id=self.run_id, session_id=self.session_id, workflow_id=self.workflow_id,
            workflow_name=self.workflow_name, error=str(error), error_type=type(error).__name__,
        )  # fmt: skip
        return error

    def answer(self) -> Answer:
        """What the run returns."""
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
        if self.stopped or is_cancelled(self.run_id):
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


# ----------------------------------------------------------------------------------------------- the step


def answer_question(step_input: StepInput) -> StepOutput:
    """Named for Agno's listings; `FlowStep` does the work in all four forms of a step."""
    return StepOutput(content=step_input.input)


class FlowStep(Step):
    """The single step of the workflow: it drives the flow of a call, in the form Agno asks for."""

    def __init__(self, workflow: FinancialAssistantWorkflow, call: Call | None = None) -> None:
        super().__init__(
            name=STEP_NAME,
            step_id=STEP_NAME,
            description="Understand the question, gather the figures, compose the answer.",
            executor=answer_question,
            max_retries=0,
            human_review=HumanReview(on_error="fail"),
        )
        self._workflow = workflow
        self._call = call

    def execute(self, step_input: StepInput, *args: Any, **kwargs: Any) -> StepOutput:
        """The step's output; its events are dropped."""
        outputs = [item for item in self.execute_stream(step_input, *args, **kwargs) if isinstance(item, StepOutput)]
        return outputs[-1]

    async def aexecute(self, step_input: StepInput, *args: Any, **kwargs: Any) -> StepOutput:
        """The step's output; its events are dropped."""
        async with aclosing(self.aexecute_stream(step_input, *args, **kwargs)) as items:
            outputs = [item async for item in items if isinstance(item, StepOutput)]
        return outputs[-1]

    def execute_stream(self, step_input: StepInput, *args: Any, **kwargs: Any) -> Iterator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The flow's events, then the step's output."""
        call, flow, crew = self._prepare(step_input, kwargs)
        try:
            call.check_stopped()
            call.draft = yield from drive(flow, crew)
        except KeyboardInterrupt:
            # As a cancellation Agno saves the run; `run()` raises the interrupt again once it has.
            call.interrupted = call.stopped = True
            raise RunCancelledException("The run was interrupted.") from None
        yield self._output(call.draft)

    async def aexecute_stream(self, step_input: StepInput, *args: Any, **kwargs: Any) -> AsyncGenerator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The flow's events, then the step's output."""
        call, flow, crew = self._prepare(step_input, kwargs)
        drafts: list[Draft] = []
        try:
            call.check_stopped()
            async with aclosing(adrive_stream(flow, crew, drafts, call.flow_started)) as events:
                async for event in events:
                    yield event
        except asyncio.CancelledError:
            if cancelling():
                raise
            raise RunCancelledException("The run was stopped.") from None
        call.draft = drafts[0]
        yield self._output(call.draft)

    def _prepare(self, step_input: StepInput, kwargs: dict[str, Any]) -> tuple[Call, Flow[Draft], Crew]:
        run: WorkflowRunOutput | None = kwargs.get("workflow_run_response")
        call = self._call or self._workflow.call_for(step_input, run)
        call.session = kwargs.get("workflow_session")
        return call, self._workflow.flow_for(call), self._workflow.crew_for(call)

    def _output(self, draft: Draft) -> StepOutput:
        """Token use per agent, the record, and last what becomes the run's content."""
        asked = [
            StepOutput(step_name=agent, executor_type="agent", executor_name=agent, metrics=metrics)
            for agent, _, metrics in draft.usage
        ]
        record = StepOutput(step_name="record", content=draft.to_dict())
        final = StepOutput(step_name=STEP_NAME, content=draft.content)
        return StepOutput(
            step_name=STEP_NAME, step_id=self.step_id, content=draft.content, steps=[*asked, record, final]
        )


def _store_failure(error: Exception) -> SessionError:
    failure = SessionError(
        f"The session could not be read ({type(error).__name__}). Check that the session database is not locked or "
        "damaged, set FINASSIST_HOME to another folder, or pass db=None to keep sessions in memory."
    )
    failure.__cause__ = error
    return failure


STEP_TYPE_MAPPING[FlowStep] = StepType.STEP


# ------------------------------------------------------------------------------------------- quiet logging

_ours: ContextVar[bool] = ContextVar("finassist_run", default=False)


class _OurRunsAreQuiet(logging.Filter):
    """Agno logs what our events and errors say already; other Agno runs in the process keep their logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _ours.get() or logging.getLogger("agno").level <= logging.DEBUG


for _name in ("agno", "agno-workflow"):
    logging.getLogger(_name).addFilter(_OurRunsAreQuiet())


def hush() -> None:
    """Mark the current context as one of our runs."""
    _ours.set(True)
