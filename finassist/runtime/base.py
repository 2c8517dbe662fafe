"""A workflow below its front door: its runtime, its runs, its three flows, and how it closes."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from datetime import date
from typing import Any, Final, Literal, Protocol, Self, Unpack
from uuid import uuid4

from agno.agent import Agent
from agno.models.base import Model
from agno.run.workflow import WorkflowRunOutput
from agno.tools.finance import FinanceProvider
from agno.workflow.types import StepInput

from finassist.answer import Answer
from finassist.config.settings import Live, Routing, Settings
from finassist.core.claims import Thumb
from finassist.core.concurrency import bridge
from finassist.core.events import FlowEvent, RunResponse
from finassist.core.query import Query
from finassist.core.result import CategoryName as Category
from finassist.core.result import Draft
from finassist.core.text import check_day, check_question
from finassist.llm import ModelChoice, resolve_model
from finassist.llm.agents import SCHEMAS, build_agents
from finassist.providers.registry import Provider, open_provider
from finassist.reporting.markdown import Checked
from finassist.runtime.agno_step import FlowStep, RunOptions
from finassist.runtime.context import RunContext, Runtime
from finassist.runtime.drivers import adrive, adrive_stream, drive, drive_to_end
from finassist.runtime.effects import Flow
from finassist.runtime.flows import alone_flow, chat_flow, check_flow, report_flow
from finassist.runtime.known import FlowContext
from finassist.sessions.history import StoredSessions
from finassist.sessions.store import SessionLocks, check_session_id
from finassist.sessions.summary import Summariser

_PARTS: Final = ("settings", "routing", "live", "as_of", "model", "provider", "store", "locks")


class Assistant(Protocol):
    """A workflow as the panel uses it."""

    session_id: str | None
    user_id: str | None

    @property
    def runtime(self) -> Runtime:
        """The context of a new run."""
        ...

    def arun(self, input: str, *, stream: Literal[True], **options: Unpack[RunOptions]) -> AsyncIterator[RunResponse]:  # noqa: A002
        """Ask a question on the running loop, as a stream of events."""
        ...

    def aquery(
        self, query: Sequence[Query], *, stream: Literal[True], **options: Unpack[RunOptions]
    ) -> AsyncIterator[RunResponse]:
        """Answer typed queries on the running loop, as a stream of events."""
        ...

    async def arate(self, answer: Answer, thumb: Thumb | None, reason: str = "") -> None:
        """Keep with a stored answer what a person thinks of it."""
        ...

    def variant(
        self,
        *,
        settings: Settings | None = None,
        model: ModelChoice | None = None,
        provider: Provider | None = None,
        routing: Routing | None = None,
    ) -> Self:
        """The same on another model, provider, routing or key."""
        ...


class BaseWorkflow(StoredSessions):
    """An Agno workflow with a runtime, whose parts a user may replace one by one.

    Connections close by themselves when their event loop ends, and when the process does. Closing them earlier is for
    long-lived processes, and for a file that has to be moved. A closed workflow opens them again when it is asked.
    """

    summariser: Summariser
    settings: Settings
    routing: Routing
    live: Live
    as_of: date | None
    model: Model
    provider: FinanceProvider
    locks: SessionLocks
    router_agent: Agent
    symbol_extraction_agent: Agent
    chat_agent: Agent
    narration_agent: Agent
    summary_agent: Agent

    def _use(self, runtime: Runtime) -> None:
        """Answer with this runtime from now on."""
        self._opened = runtime
        for name in _PARTS:
            setattr(self, name, getattr(runtime, name))
        for name, agent in runtime.agents.items():
            setattr(self, f"{name}_agent", agent)

    @property
    def runtime(self) -> Runtime:
        """The context of a new run, with the agents and settings of this moment."""
        parts = {name: getattr(self, name) for name in _PARTS}
        return replace(self._opened, **parts, agents={name: getattr(self, f"{name}_agent") for name in SCHEMAS})

    def variant(
        self,
        *,
        settings: Settings | None = None,
        model: ModelChoice | None = None,
        provider: Provider | None = None,
        routing: Routing | None = None,
    ) -> Self:
        """A copy with another model, provider, routing or key that shares sessions and their locks with this one.

        What is not given stays; a model that is given gets new agents, also where old ones had been replaced.

        Raises:
            ConfigurationError: There is no such model or provider, a key is missing, or an optional package is.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> workflow = FinancialAssistantWorkflow(db=None, routing="auto")
            >>> other = workflow.variant(routing="rules")
            >>> other.routing, workflow.routing, other.store is workflow.store
            ('rules', 'auto', True)
        """
        settings = settings or self.settings
        changed: dict[str, Any] = {"settings": settings, "routing": routing or self.routing}
        if model is not None:
            changed["model"] = opened = resolve_model(model, settings)
            changed["agents"] = build_agents(opened)
        if provider is not None:
            changed["provider"] = open_provider(provider, settings)
        twin = copy.copy(self)
        twin._use(replace(self.runtime, **changed))
        twin.steps = [FlowStep(twin._run_of_step)]
        return twin

    # ------------------------------------------------------------------------------------ its runs

    def _new_run(
        self,
        question: Any,
        session_id: str | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
        as_of: date | str | None = None,
        *,
        what: str = "question",
    ) -> RunContext:
        longest = self.settings.max_text_length if what == "text" else self.settings.max_question_length
        return RunContext(
            runtime=replace(self.runtime, as_of=check_day(as_of)) if as_of else self.runtime,
            question=check_question(question, longest, what),
            run_id=run_id or str(uuid4()),
            session_id=check_session_id(session_id) if session_id is not None else str(self.session_id),
            user_id=user_id or self.user_id,
            workflow_id=str(self.id),
            workflow_name=str(self.name),
        )

    def _run_of_step(self, step_input: StepInput, run: WorkflowRunOutput | None) -> RunContext:
        """The run when Agno runs the step by itself, not through `run` or `arun`."""
        return self._new_run(step_input.input, *((run.session_id, run.user_id, run.run_id) if run else ()))

    # --------------------------------------------- the three flows, outside Agno's engine; nothing is stored

    def _run_report_flow(self, message: str) -> Iterator[RunResponse]:
        """A full report on the companies of the message, as events."""
        return self._door(message, lambda known: report_flow(message, known))

    def _run_alone_flow(self, message: str, category: Category) -> Iterator[RunResponse]:
        """One kind of figures alone, as events."""
        return self._door(message, lambda known: alone_flow(message, category, known))

    def _run_chat_flow(self, message: str) -> Iterator[RunResponse]:
        """A conversational answer, as events."""
        return self._door(message, lambda known: chat_flow(message, known))

    def _arun_report_flow(self, message: str) -> AsyncIterator[RunResponse]:
        """A full report on the companies of the message, as events."""
        return self._adoor(message, lambda known: report_flow(message, known))

    def _arun_alone_flow(self, message: str, category: Category) -> AsyncIterator[RunResponse]:
        """One kind of figures alone, as events."""
        return self._adoor(message, lambda known: alone_flow(message, category, known))

    def _arun_chat_flow(self, message: str) -> AsyncIterator[RunResponse]:
        """A conversational answer, as events."""
        return self._adoor(message, lambda known: chat_flow(message, known))

    def check(self, text: str, *, as_of: date | str | None = None) -> Checked:
        """What the data say of the figures in a text: a press release, or the answer of another assistant.

        Args:
            text: Any text; a sentence without a company is about the one named last.
            as_of: The day on which what counts was public; by default the workflow's.

        Returns:
            Each figure that the text states, as right, wrong with the right value, or not checkable.

        Raises:
            InputError: The text is empty, or longer than `max_text_length`, by default 200,000 characters: 60 pages.
        """
        bridge.check_caller()
        run = self._new_run(text, as_of=as_of, what="text")
        with run.measured("finassist.check"):
            return drive_to_end(check_flow(run.question, FlowContext.of(run.runtime)), run)

    async def acheck(self, text: str, *, as_of: date | str | None = None) -> Checked:
        """`check` on the running loop."""
        run = self._new_run(text, as_of=as_of, what="text")
        with run.measured("finassist.check"):
            return await adrive(check_flow(run.question, FlowContext.of(run.runtime)), run, lambda _: None)

    def _door(self, message: str, flow: Callable[[FlowContext], Flow[Draft]]) -> Iterator[FlowEvent]:
        bridge.check_caller()
        run = self._new_run(message)
        return drive(flow(FlowContext.of(run.runtime)), run)

    def _adoor(self, message: str, flow: Callable[[FlowContext], Flow[Draft]]) -> AsyncIterator[FlowEvent]:
        run = self._new_run(message)
        return adrive_stream(flow(FlowContext.of(run.runtime)), run, [])

    # ----------------------------------------------------------------------------------- lifecycle

    def close(self) -> None:
        """Close connections and files. Summaries under way get a second to be finished, the rest is cancelled.

        Connections of an event loop that runs elsewhere are closed there, as soon as it gets to it.
        """
        with ExitStack() as stack:
            for each in self._closeable():
                stack.callback(each.close)
            self.summariser.close()

    async def aclose(self) -> None:
        """`close()` for a running loop: does not block it, and its connections are closed when this returns."""
        async with AsyncExitStack() as stack:
            for each in self._closeable():
                stack.callback(each.close)  # what is left on other loops
                stack.push_async_callback(each.aclose)
            await self.summariser.aclose()

    def _closeable(self) -> list[Any]:
        """What is open and can be closed, the last first; what the user handed over is the user's to close."""
        runtime = self.runtime
        return [each for each in (runtime.store, *reversed(runtime.opened)) if hasattr(each, "aclose")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def deep_copy(self, *, update: dict[str, Any] | None = None) -> Self:
        """A shallow copy, as AgentOS asks for one per request: the workflow holds no state of a run."""
        twin = copy.copy(self)
        twin.live = "off"  # a copy serves other people
        for name, value in (update or {}).items():
            setattr(twin, name, value)
        return twin

    def _set_telemetry(self) -> None:
        self.telemetry = False


def changed_settings(settings: Settings, **values: Any) -> Settings:
    """Settings with other values, which count as arguments; the rest is read again from where it came.

    Raises:
        ConfigurationError: A value cannot be used; the message never repeats it.

    Example:
        >>> changed = changed_settings(Settings(years=3), routing="rules")
        >>> changed.years, changed.routing, changed.origin("routing")
        (3, 'rules', 'argument')
    """
    given = {name: getattr(settings, name) for name in Settings.model_fields if settings.origin(name) == "argument"}
    return Settings(**{**given, **values})
