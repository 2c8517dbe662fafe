"""Agno's workflow engine around our flows: the one custom step, and the two forms of running it.

The flows decide what happens; Agno runs, stores and cancels. Three things about Agno shape this module:

* it yields its terminal event *before* it saves, so that event is held back until the run is stored;
* cancelled while it reads or saves, it stores nothing, so cancellation only ever enters through the flow;
* a step that fails is skipped by default and the run counts as completed, so our step says otherwise.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import date
from functools import cache
from importlib import import_module
from time import time
from typing import Any, Final, TypedDict, cast

from agno.db.base import AsyncBaseDb, BaseDb
from agno.exceptions import RunCancelledException
from agno.metrics import RunMetrics
from agno.run.workflow import WorkflowRunOutput
from agno.workflow import Workflow
from agno.workflow.step import Step
from agno.workflow.types import HumanReview, StepInput, StepOutput, StepType
from agno.workflow.workflow import STEP_TYPE_MAPPING

from finassist.core.concurrency import begin_in_turn, cancelling, settle
from finassist.core.events import RunResponse
from finassist.core.result import Draft, Usage
from finassist.core.secrets import redact_error
from finassist.providers.embedded.coverage import attributes
from finassist.questions.routing import route
from finassist.runtime.context import RunContext
from finassist.runtime.drivers import adrive_stream, drive
from finassist.runtime.effects import Flow
from finassist.runtime.flows import answer_flow, typed_flow
from finassist.runtime.known import FlowContext
from finassist.sessions.summary import StoredTurns

STEP_NAME: Final = "answer"
_TICK_SECONDS: Final = 0.05


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


# ----------------------------------------------------------------------------------------------- the step


def answer_question(step_input: StepInput) -> StepOutput:
    """Named for Agno's listings; `FlowStep` does the work in all four forms of a step."""
    return StepOutput(content=step_input.input)


class FlowStep(Step):
    """The single step of the workflow: it drives the flow of a run, in the form Agno asks for.

    `made_for` gives the run of a step: the one at hand, or one for a step that Agno runs by itself.
    """

    def __init__(self, made_for: Callable[[StepInput, WorkflowRunOutput | None], RunContext]) -> None:
        super().__init__(
            name=STEP_NAME,
            step_id=STEP_NAME,
            description="Understand the question, gather the figures, compose the answer.",
            executor=answer_question,
            max_retries=0,
            human_review=HumanReview(on_error="fail"),
        )
        self._made_for = made_for

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
        run = self._run_for(step_input, kwargs)
        try:
            run.check_stopped()
            run.draft = yield from drive(_flow_of(run), run)
        except KeyboardInterrupt:
            # As a cancellation Agno saves the run; `run()` raises the interrupt again once it has.
            run.interrupts.heard = run.stopped = True
            raise RunCancelledException("The run was interrupted.") from None
        except Exception as error:
            _redact(error, run)
            raise
        yield self._output(run.draft)

    async def aexecute_stream(self, step_input: StepInput, *args: Any, **kwargs: Any) -> AsyncGenerator[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The flow's events, then the step's output."""
        run = self._run_for(step_input, kwargs)
        drafts: list[Draft] = []
        try:
            run.check_stopped()
            async with aclosing(adrive_stream(_flow_of(run), run, drafts, run.flow_started)) as events:
                async for event in events:
                    yield event
        except asyncio.CancelledError:
            if cancelling():
                raise
            raise RunCancelledException("The run was stopped.") from None
        except RunCancelledException:
            raise
        except Exception as error:
            _redact(error, run)
            await asyncio.to_thread(_import_what_a_failed_run_needs)
            raise
        run.draft = drafts[0]
        yield self._output(run.draft)

    def _run_for(self, step_input: StepInput, kwargs: dict[str, Any]) -> RunContext:
        run = self._made_for(step_input, kwargs.get("workflow_run_response"))
        run.session = kwargs.get("workflow_session")
        return run

    def _output(self, draft: Draft) -> StepOutput:
        """Token use per agent, the record, and last what becomes the run's content."""
        asked = [
            StepOutput(step_name=agent, executor_type="agent", executor_name=agent, metrics=metrics)
            for agent, metrics in _by_agent(draft.usage).items()
        ]
        # Agno counts whole seconds; in one of them a person, or a script, may use several conversations.
        record = StepOutput(step_name="record", content={**draft.to_dict(), "answered_at": time()})
        final = StepOutput(step_name=STEP_NAME, content=draft.content)
        return StepOutput(
            step_name=STEP_NAME, step_id=self.step_id, content=draft.content, steps=[*asked, record, final]
        )


STEP_TYPE_MAPPING[FlowStep] = StepType.STEP


def _by_agent(usage: Sequence[Usage]) -> dict[str, RunMetrics | None]:
    """What each agent used in all; Agno counts the last time only that a step of this name ran."""
    used: dict[str, RunMetrics | None] = {}
    for agent, _, metrics in usage:
        before = used.get(agent)
        used[agent] = _sum(before, metrics) if before and metrics else metrics or before
    return used


def _sum(first: RunMetrics, second: RunMetrics) -> RunMetrics:
    total = first + second
    if None in (first.cost, second.cost):
        total.cost = None  # Agno takes the one that is known for both
    return total


def _flow_of(run: RunContext) -> Flow[Draft]:
    known = FlowContext.of(run.runtime, run.session)
    return typed_flow(run.queries, known) if run.queries else answer_flow(run.question, known)


def _redact(error: Exception, run: RunContext) -> None:
    """Agno stores the words of an error, and shows them in an event."""
    redact_error(error, run.runtime.secrets)


@cache
def _warm_up() -> None:
    """Load the directory, the glossary, the suggestions and the embedded companies; the first time takes a moment."""
    attributes()
    route("Tell me about Appel")


def _import_what_a_failed_run_needs() -> None:
    """Agno imports its web server to note that a run failed; the first time that takes seconds, on the loop."""
    with suppress(Exception):
        import_module("agno.os.managers")


# ------------------------------------------------------------------------------------------------- running


def shell_for(shell: StoredTurns, run: RunContext, db: BaseDb | AsyncBaseDb | None) -> StoredTurns:
    """A shallow copy of Agno's workflow for one run: Agno writes to it, and wants one form of database."""
    twin = copy.copy(shell)
    twin.db, twin.steps, twin.turn = db, [FlowStep(lambda _, output: run.known_as(output))], run.turn
    twin.before_saving = run.before_saving
    return twin


def stream(shell: StoredTurns, run: RunContext, options: AgnoOptions) -> Generator[RunResponse]:
    """The life of one sync run. Yields the terminal event last, after the run is stored, then raises its error."""
    context = contextvars.copy_context()
    context.run(run.begin)
    error = None
    locks, store = run.runtime.locks, run.runtime.store
    locks.check_loop_is_free(run.session_id)
    with locks.turn(run.session_id):
        engine = _engine(shell, run, options)
        try:
            while (event := _next(run, context, engine)) is not None:
                if (seen := run.see(event)) is not None:
                    yield seen
        except (GeneratorExit, KeyboardInterrupt):
            # Left early, or interrupted between two events: what began is brought to its end and stored all the same.
            with run.interrupts.deferred():
                run.stop()
                context.run(_drain, run, engine)
                run.end(store.has_run(run.run_id))
            raise
        except Exception as failure:  # noqa: BLE001  raised below, after its terminal event
            error = run.failed(failure)
        with run.interrupts.deferred():
            terminal = run.end(store.has_run(run.run_id))
        if terminal is not None:
            yield terminal
    _raise(run, error)


def _drain(run: RunContext, engine: Iterator[Any]) -> None:
    """Let Agno finish and save a run that has no listener any more."""
    for event in engine:
        run.see(event)


def _next(run: RunContext, context: contextvars.Context, engine: Iterator[Any]) -> Any:
    with run.interrupts.deferred():
        return context.run(next, engine, None)


async def astream(shell: StoredTurns, run: RunContext, options: AgnoOptions) -> AsyncGenerator[RunResponse]:
    """The life of one async run. Agno's engine runs in a task of its own, which is never cancelled."""
    if not _warm_up.cache_info().currsize:
        await asyncio.to_thread(_warm_up)  # so that the first question blocks no loop
    await begin_in_turn()
    locks = run.runtime.locks
    with locks.on_loop(run.session_id):
        async with locks.aturn(run.session_id):
            queue: asyncio.Queue[RunResponse | None] = asyncio.Queue()
            engine = asyncio.create_task(_aengine(shell, run, options, queue.put_nowait), name="finassist-engine")
            engine.add_done_callback(lambda _: queue.put_nowait(None))
            ticker = asyncio.create_task(run.watch(_TICK_SECONDS), name="finassist-ticker")
            try:
                while (event := await queue.get()) is not None:
                    yield event
            finally:
                if not engine.done():
                    run.stop()
                await settle(engine)
                ticker.cancel()
                await settle(ticker)
    _raise(run, engine.result())


def _engine(shell: StoredTurns, run: RunContext, options: AgnoOptions) -> Iterator[Any]:
    """Agno's own `run`, on a copy of the shell."""
    agno_run = cast("Callable[..., Iterator[Any]]", Workflow.run)
    yield from agno_run(shell_for(shell, run, run.runtime.store.for_run()), **arguments(run, options))


async def _aengine(
    shell: StoredTurns, run: RunContext, options: AgnoOptions, post: Callable[[RunResponse], None]
) -> Exception | None:
    """Agno's own `arun`, on a copy of the shell. Returns the error the run ended with."""
    run.begin()
    store = run.runtime.store
    agno_arun = cast("Callable[..., AsyncIterator[Any]]", Workflow.arun)
    error = None
    try:
        async for event in agno_arun(shell_for(shell, run, store.native), **arguments(run, options)):
            if (seen := run.see(event)) is not None:
                post(seen)
    except Exception as failure:  # noqa: BLE001  returned, and raised after its terminal event
        error = run.failed(failure)
    if (terminal := run.end(await store.ahas_run(run.run_id))) is not None:
        post(terminal)
    return error


def in_background(shell: StoredTurns, run: RunContext, options: Mapping[str, Any]) -> Any:
    """Agno's own `arun(background=True)`: AgentOS runs it in a task of its own, and stops it through Agno."""
    agno_arun = cast("Callable[..., Any]", Workflow.arun)
    return agno_arun(shell_for(shell, run, run.runtime.store.native), **{**arguments(run, {}), **options})


def arguments(run: RunContext, options: AgnoOptions) -> dict[str, Any]:
    """What Agno's `run` and `arun` are called with: always streamed, always with ids of our own."""
    return {
        **options,
        "input": run.question,
        "run_id": run.run_id,
        "session_id": run.session_id,
        "user_id": run.user_id,
        "stream": True,
        "stream_events": True,
    }


def _raise(run: RunContext, error: Exception | None) -> None:
    if error is not None:
        raise error
    if run.interrupts.heard:
        raise KeyboardInterrupt
