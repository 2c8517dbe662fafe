"""Agno's workflow engine around our flows: the one custom step, and the two forms of running it.

The flows decide what happens; Agno runs, stores and cancels. Three things about Agno shape this module:

* it yields its terminal event *before* it saves, so that event is held back until the run is stored;
* cancelled while it reads or saves, it stores nothing, so cancellation only ever enters through the flow;
* a step that fails is skipped by default and the run counts as completed, so our step says otherwise.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, suppress
from importlib import import_module
from time import time
from typing import TYPE_CHECKING, Any, Final, cast

from agno.exceptions import RunCancelledException
from agno.run.workflow import WorkflowRunOutput
from agno.workflow import Workflow
from agno.workflow.step import Step
from agno.workflow.types import HumanReview, StepInput, StepOutput, StepType
from agno.workflow.workflow import STEP_TYPE_MAPPING

from finassist.core.events import RunResponse
from finassist.core.redaction import blot
from finassist.core.tasks import cancelling, settle
from finassist.runtime.collector import seldom_collecting
from finassist.runtime.drivers import Crew, adrive_stream, drive
from finassist.runtime.effects import Flow
from finassist.runtime.logging import hush
from finassist.runtime.result import Draft
from finassist.runtime.run import Call

if TYPE_CHECKING:
    from finassist.workflow import FinancialAssistantWorkflow

STEP_NAME: Final = "answer"
_TICK_SECONDS: Final = 0.05


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
            call.interrupts.heard = call.stopped = True
            raise RunCancelledException("The run was interrupted.") from None
        except Exception as error:
            self._blot(error)
            raise
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
        except Exception as error:
            self._blot(error)
            await asyncio.to_thread(_import_what_a_failed_run_needs)
            raise
        call.draft = drafts[0]
        yield self._output(call.draft)

    def _prepare(self, step_input: StepInput, kwargs: dict[str, Any]) -> tuple[Call, Flow[Draft], Crew]:
        run: WorkflowRunOutput | None = kwargs.get("workflow_run_response")
        call = self._call or self._workflow.call_for(step_input, run)
        call.session = kwargs.get("workflow_session")
        return call, self._workflow.flow_for(call), self._workflow.crew_for(call)

    def _blot(self, error: Exception) -> None:
        """Agno stores the words of an error, and tells them in an event."""
        blot(error, self._workflow.settings.secrets())

    def _output(self, draft: Draft) -> StepOutput:
        """Token use per agent, the record, and last what becomes the run's content."""
        asked = [
            StepOutput(step_name=agent, executor_type="agent", executor_name=agent, metrics=metrics)
            for agent, _, metrics in draft.usage
        ]
        # Agno counts whole seconds; in one of them a person, or a script, may use several conversations.
        record = StepOutput(step_name="record", content={**draft.to_dict(), "answered_at": time()})
        final = StepOutput(step_name=STEP_NAME, content=draft.content)
        return StepOutput(
            step_name=STEP_NAME, step_id=self.step_id, content=draft.content, steps=[*asked, record, final]
        )


STEP_TYPE_MAPPING[FlowStep] = StepType.STEP


def _import_what_a_failed_run_needs() -> None:
    """Agno imports its web server to note that a run failed; the first time that takes seconds, on the loop."""
    with suppress(Exception):
        import_module("agno.os.managers")


# ------------------------------------------------------------------------------------------------- running


def stream(workflow: FinancialAssistantWorkflow, call: Call, options: dict[str, Any]) -> Generator[RunResponse]:
    """The life of one sync call. Yields the terminal event last, after the run is stored, then raises its error."""
    context = contextvars.copy_context()
    context.run(hush)
    error = None
    workflow.locks.check_loop_is_free(call.session_id)
    with workflow.locks.of(call.session_id), seldom_collecting():
        engine = _engine(workflow, call, options)
        try:
            while (event := _next(call, context, engine)) is not None:
                if (seen := call.see(event)) is not None:
                    yield seen
        except (GeneratorExit, KeyboardInterrupt):
            # Left early, or interrupted between two events: what began is brought to its end and stored all the same.
            with call.interrupts.deferred():
                call.stop()
                context.run(call.drain, engine)
                call.end(workflow.store.has_run(call.run_id))
            raise
        except Exception as failure:  # noqa: BLE001  raised below, after its terminal event
            error = call.failed(failure)
        with call.interrupts.deferred():
            terminal = call.end(workflow.store.has_run(call.run_id))
        if terminal is not None:
            yield terminal
    _raise(call, error)


def _next(call: Call, context: contextvars.Context, engine: Iterator[Any]) -> Any:
    with call.interrupts.deferred():
        return context.run(next, engine, None)


async def astream(
    workflow: FinancialAssistantWorkflow, call: Call, options: dict[str, Any]
) -> AsyncGenerator[RunResponse]:
    """The life of one async call. Agno's engine runs in a task of its own, which is never cancelled."""
    locks = workflow.locks
    with locks.on_loop(call.session_id):
        async with locks.of(call.session_id):
            queue: asyncio.Queue[RunResponse | None] = asyncio.Queue()
            engine = asyncio.create_task(_aengine(workflow, call, options, queue.put_nowait), name="finassist-engine")
            engine.add_done_callback(lambda _: queue.put_nowait(None))
            ticker = asyncio.create_task(call.watch(_TICK_SECONDS), name="finassist-ticker")
            try:
                while (event := await queue.get()) is not None:
                    yield event
            finally:
                if not engine.done():
                    call.stop()
                await settle(engine)
                ticker.cancel()
                await settle(ticker)
    _raise(call, engine.result())


def _engine(workflow: FinancialAssistantWorkflow, call: Call, options: dict[str, Any]) -> Iterator[Any]:
    """Agno's own `run`, on the call's twin."""
    twin = workflow.twin_for(call, workflow.store.for_run())
    run = cast("Callable[..., Iterator[Any]]", Workflow.run)
    yield from run(twin, **arguments(call, options))


async def _aengine(
    workflow: FinancialAssistantWorkflow, call: Call, options: dict[str, Any], post: Callable[[RunResponse], None]
) -> Exception | None:
    """Agno's own `arun`, on the call's twin. Returns the error the run ended with."""
    hush()
    twin = workflow.twin_for(call, workflow.store.for_arun())
    arun = cast("Callable[..., AsyncIterator[Any]]", Workflow.arun)
    error = None
    try:
        with seldom_collecting():
            async for event in arun(twin, **arguments(call, options)):
                if (seen := call.see(event)) is not None:
                    post(seen)
    except Exception as failure:  # noqa: BLE001  returned, and raised after its terminal event
        error = call.failed(failure)
    if (terminal := call.end(await workflow.store.ahas_run(call.run_id))) is not None:
        post(terminal)
    return error


def arguments(call: Call, options: dict[str, Any]) -> dict[str, Any]:
    """What Agno's `run` and `arun` are called with: always streamed, always with ids of our own."""
    return {
        **options,
        "input": call.question,
        "run_id": call.run_id,
        "session_id": call.session_id,
        "user_id": call.user_id,
        "stream": True,
        "stream_events": True,
    }


def _raise(call: Call, error: Exception | None) -> None:
    if error is not None:
        raise error
    if call.interrupts.heard:
        raise KeyboardInterrupt
