"""The front door: `FinancialAssistantWorkflow`, an Agno workflow that answers financial questions."""

from __future__ import annotations

import copy
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypedDict, Unpack, cast, overload
from uuid import uuid4

# Before Agno is imported: in this variable "true" would override the argument that switches telemetry off.
os.environ["AGNO_TELEMETRY"] = "false"

from agno.db.base import AsyncBaseDb, BaseDb
from agno.run.agent import RunEvent
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession
from agno.workflow import Workflow
from agno.workflow.types import StepInput

from finassist.answer import Answer
from finassist.apps.live.watching import open_view, wanted, watched
from finassist.batch.door import ManyQuestions
from finassist.config.settings import Live, Routing, Settings
from finassist.core.events import FlowEvent, RunResponse
from finassist.core.validation import check_question
from finassist.llm.agents import (
    build_chat_agent,
    build_router_agent,
    build_summary_agent,
    build_symbol_extraction_agent,
)
from finassist.llm.attempts import Limits
from finassist.llm.models import ModelChoice, resolve_model
from finassist.llm.schemas import Category
from finassist.providers.registry import Provider, open_provider
from finassist.questions import rules
from finassist.runtime import notebook as kernel
from finassist.runtime.agno_step import FlowStep, arguments, astream, stream
from finassist.runtime.closing import Closing, opened_by_name
from finassist.runtime.drivers import Crew, adrive_stream, drive
from finassist.runtime.effects import Flow
from finassist.runtime.flows import Desk, alone_flow, answer_flow, chat_flow, report_flow
from finassist.runtime.interrupts import check_not_interrupted
from finassist.runtime.portal import bridge
from finassist.runtime.result import Draft
from finassist.runtime.run import Call
from finassist.runtime.timeouts import Patience
from finassist.sessions.archive import StoredSessions
from finassist.sessions.store import Database, check_session_id, open_store, remember, stored_summary
from finassist.sessions.summary import Summariser
from finassist.symbols.directory import directory

if TYPE_CHECKING:
    from finassist.apps.chat import ChatPanel

_NAME: Final = "finassist"


class RunOptions(TypedDict, total=False):
    """What `run` and `arun` can be told besides the question."""

    session_id: str | None
    user_id: str | None
    run_id: str | None
    live: bool | None


class FinancialAssistantWorkflow(Closing, ManyQuestions, StoredSessions):
    """Ask a financial question in plain words; get an answer with figures, sources and what is missing.

    Without a key it needs no network: embedded figures and an offline model. With keys in the environment it is live.

    Args:
        model: Language model that routes, extracts names and chats: a name such as `"offline"` or `"openai"`, an
            Agno model, or a list of which each stands in for those before it; see `finassist.llm.models`.
        provider: Where figures come from: a name such as `"embedded"` or `"fmp"`, any Agno finance provider, or a list
            of which each is asked where those before it fail.
        settings: Settings; by default from `FINASSIST_*` variables and `.env`.
        db: Where sessions are stored: a path to a SQLite file, the address of a PostgreSQL server
            (`"postgresql://user@host/database"`), an Agno database, or `None` for memory only. By default a file in
            the user's data directory, which `FINASSIST_HOME` moves.
        session_id: The conversation that calls without a `session_id` belong to; a new one by default.
        user_id: Whose sessions these are.
        routing: Who decides what is asked; overrides the setting. `"auto"`: rules where they are certain, else the
            model. `"model"`: always the model. `"rules"`: always the rules.
        id: Agno's id of the workflow.
        name: Its name.
        description: What AgentOS shows about it.
        debug_mode: Whether Agno logs in detail.
        store_events: Whether events are stored with the run, words of a chat excepted.
        metadata: Agno metadata stored with every run.

    Raises:
        ConfigurationError: There is no such model or provider, or an optional package is missing.
        SessionError: The session database cannot be opened.

    Example:
        >>> workflow = FinancialAssistantWorkflow(db=None)
        >>> answer = workflow.run("What is Apple's stock price?")
        >>> answer.category, answer.symbols, answer.decided_by
        ('stock_price', ['AAPL'], 'rules')
    """

    def __init__(
        self,
        *,
        model: ModelChoice | None = None,
        provider: Provider | None = None,
        settings: Settings | None = None,
        db: Database | Literal["default"] = "default",
        session_id: str | None = None,
        user_id: str | None = None,
        routing: Routing | None = None,
        id: str = _NAME,  # noqa: A002  Agno's name
        name: str = _NAME,
        description: str = "Answers questions about companies with sourced figures.",
        debug_mode: bool = False,
        store_events: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.routing: Routing = routing or self.settings.routing
        self.live: Live = self.settings.live
        self.chosen = (model or self.settings.model, provider or self.settings.provider)
        self.model = resolve_model(self.chosen[0], self.settings)
        self.provider = open_provider(self.chosen[1], self.settings)
        self.mine = opened_by_name(((self.model, model), (self.provider, provider)))
        self.store = open_store(self.settings.database if db == "default" else db)
        self.router_agent = build_router_agent(self.model)
        self.symbol_extraction_agent = build_symbol_extraction_agent(self.model)
        self.chat_agent = build_chat_agent(self.model)
        self.summary_agent = build_summary_agent(self.model)
        rules.route("Tell me about Appel")  # loads directory, glossary and suggestions, so that no run blocks its loop
        self.locks = self.store.new_locks()
        self.summariser = Summariser(self.store, self.locks, self.settings)
        super().__init__(
            id=id,
            name=name,
            description=description,
            db=self.store.native or self.store.sync,
            steps=[FlowStep(self)],
            session_id=str(uuid4()) if session_id is None else check_session_id(session_id),
            user_id=user_id,
            debug_mode=debug_mode,
            stream_events=True,
            store_events=store_events,
            events_to_skip=[RunEvent.run_content],
            metadata=metadata,
            telemetry=False,
        )

    # ------------------------------------------------------------------------------------- asking

    @overload
    def run(
        self,
        input: str,
        *,
        stream: Literal[False] = False,
        **options: Unpack[RunOptions],
    ) -> Answer: ...

    @overload
    def run(
        self,
        input: str,
        *,
        stream: Literal[True],
        **options: Unpack[RunOptions],
    ) -> Iterator[RunResponse]: ...

    def run(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        input: str,  # noqa: A002  Agno's name
        *,
        stream: bool = False,
        session_id: str | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
        live: bool | None = None,
        **more: Any,
    ) -> Answer | Iterator[RunResponse]:
        """Ask a question and wait for the answer; works in a script, in a thread, and in a notebook cell.

        Args:
            input: The question.
            stream: Whether to return an iterator of events instead of the answer.
            session_id: The conversation; by default the workflow's own.
            user_id: Whose session it is; by default the workflow's.
            run_id: Id of the run, to cancel it by; made up by default.
            live: Whether the run shows itself while it works: below the cell of a notebook, in a terminal as one
                line. By default as the setting `live` says: in a notebook, if a cell waits for the answer.
            **more: Passed to Agno's `Workflow.run`.

        Returns:
            The `Answer`, or with `stream=True` an iterator of `RunResponse` events ending in exactly one terminal one.

        Raises:
            InputError: The question or the session id cannot be used.
            ModelError: The model needed for a chat answer failed.
            BridgeError: Called from inside a data provider.
        """
        bridge.check_caller()
        call = self._call(input, session_id, user_id, run_id)
        shown = wanted(live, self.live, by_itself=not stream and kernel.on_display())
        events = self._stream(call, more, shown)
        return events if stream else self._answer(call, events)

    @overload
    async def arun(
        self,
        input: str,
        *,
        stream: Literal[False] = False,
        **options: Unpack[RunOptions],
    ) -> Answer: ...

    @overload
    def arun(
        self,
        input: str,
        *,
        stream: Literal[True],
        **options: Unpack[RunOptions],
    ) -> AsyncIterator[RunResponse]: ...

    def arun(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        input: str,  # noqa: A002  Agno's name
        *,
        stream: bool = False,
        session_id: str | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
        live: bool | None = None,
        **more: Any,
    ) -> Any:
        """Ask a question on the running loop: `await` it, or with `stream=True` iterate with `async for`.

        Takes, returns and raises what `run` does. Cancelling the awaiting task, or leaving the iteration early,
        stops the run and stores it as cancelled.
        """
        call = self._call(input, session_id, user_id, run_id)
        if more.get("background"):
            return self._in_background(call, {**more, "stream": stream})
        if stream:
            return self._astream(call, more, wanted(live, self.live, by_itself=False))
        return self._aanswer(call, more, live)

    # -------------------------------------------------------------------------------- the three flows

    def _run_report_flow(self, message: str) -> Iterator[RunResponse]:
        """A full report on the companies of the message, as events."""
        return self._door(message, lambda desk: report_flow(message, desk))

    def _run_alone_flow(self, message: str, category: Category) -> Iterator[RunResponse]:
        """One kind of figures alone, as events."""
        return self._door(message, lambda desk: alone_flow(message, category, desk))

    def _run_chat_flow(self, message: str) -> Iterator[RunResponse]:
        """A conversational answer, as events."""
        return self._door(message, lambda desk: chat_flow(message, desk))

    def _arun_report_flow(self, message: str) -> AsyncIterator[RunResponse]:
        """A full report on the companies of the message, as events."""
        return self._adoor(message, lambda desk: report_flow(message, desk))

    def _arun_alone_flow(self, message: str, category: Category) -> AsyncIterator[RunResponse]:
        """One kind of figures alone, as events."""
        return self._adoor(message, lambda desk: alone_flow(message, category, desk))

    def _arun_chat_flow(self, message: str) -> AsyncIterator[RunResponse]:
        """A conversational answer, as events."""
        return self._adoor(message, lambda desk: chat_flow(message, desk))

    def _door(self, message: str, flow: Callable[[Desk], Flow[Draft]]) -> Iterator[FlowEvent]:
        bridge.check_caller()
        return drive(flow(self._desk(None)), self.crew_for(self._call(message)))

    def _adoor(self, message: str, flow: Callable[[Desk], Flow[Draft]]) -> AsyncIterator[FlowEvent]:
        return adrive_stream(flow(self._desk(None)), self.crew_for(self._call(message)), [])

    # ----------------------------------------------------------------------------------- what a run needs

    def flow_for(self, call: Call) -> Flow[Draft]:
        """The flow that answers the question of a call in its conversation."""
        return answer_flow(call.question, self._desk(call.session))

    def crew_for(self, call: Call) -> Crew:
        """Whom the drivers perform effects with."""
        agents = (self.router_agent, self.symbol_extraction_agent, self.chat_agent)
        return Crew(
            agents=dict(zip(("router", "symbol_extraction", "chat"), agents, strict=True)),
            provider=self.provider,
            patience=Patience(self.settings.fetch_timeout, self.settings.question_timeout),
            stamp=call.stamp,
            check_cancelled=call.check_stopped,
            breakable=call.interrupts.breakable,
            idle=lambda: call.idle(),
            limits=Limits.of(self.settings),
        )

    def call_for(self, step_input: StepInput, run: WorkflowRunOutput | None) -> Call:
        """The call when Agno runs the step by itself, not through `run` or `arun`."""
        return self._call(step_input.input, *((run.session_id, run.user_id, run.run_id) if run else ()))

    def _desk(self, session: WorkflowSession | None) -> Desk:
        return Desk(
            directory=directory(),
            provider=self.provider.id,
            routing=self.routing,
            context=remember(session, self.settings.remembered_turns),
            years=self.settings.years,
            max_companies=self.settings.max_companies,
        )

    def _call(
        self,
        question: Any,
        session_id: str | None = None,
        user_id: str | None = None,
        run_id: str | None = None,
    ) -> Call:
        return Call(
            question=check_question(question, self.settings.max_question_length),
            run_id=run_id or str(uuid4()),
            session_id=check_session_id(session_id) if session_id is not None else str(self.session_id),
            user_id=user_id or self.user_id,
            workflow_id=str(self.id),
            workflow_name=str(self.name),
        )

    def twin_for(self, call: Call, db: BaseDb | AsyncBaseDb | None) -> Self:
        """A shallow copy for one call: Agno writes to the workflow it runs, and wants one form of database."""
        twin = copy.copy(self)
        twin.db, twin.steps = db, [FlowStep(self, call)]
        return twin

    # --------------------------------------------------------------------------------------- running

    def _stream(self, call: Call, options: dict[str, Any], shown: bool) -> Iterator[RunResponse]:
        check_not_interrupted()
        with watched(call, lambda: open_view(call.question, shown), sync=True) as see:
            for event in stream(self, call, options):
                see(event)
                yield event
        self._consider_summary(call)

    async def _astream(self, call: Call, options: dict[str, Any], shown: bool) -> AsyncGenerator[RunResponse]:
        with watched(call, lambda: open_view(call.question, shown), sync=False) as see:
            async with aclosing(astream(self, call, options)) as events:
                async for event in events:
                    see(event)
                    yield event
        self._consider_summary(call)

    def _answer(self, call: Call, events: Iterator[RunResponse]) -> Answer:
        for _ in events:
            pass
        return call.answer()

    async def _aanswer(self, call: Call, options: dict[str, Any], live: bool | None) -> Answer:
        shown = wanted(live, self.live, by_itself=kernel.awaited_by_cell())
        async with aclosing(self._astream(call, options, shown)) as events:
            async for _ in events:
                pass
        return call.answer()

    def _in_background(self, call: Call, options: dict[str, Any]) -> Any:
        """AgentOS runs a workflow in a task of its own, and stops it through Agno."""
        twin = self.twin_for(call, self.store.for_arun())
        arun = cast("Callable[..., Any]", Workflow.arun)
        return arun(twin, **{**arguments(call, {}), **options})

    def _consider_summary(self, call: Call) -> None:
        if call.draft is not None and call.saved:
            runs = (call.session.runs if call.session else None) or []
            condensed = int(stored_summary(call.session).get("turns", 0))
            self.summariser.consider(call.session_id, len(runs), condensed, self.summary_agent)

    # -------------------------------------------------------------------------------------- lifecycle

    def chat(self, session_id: str | None = None) -> ChatPanel:
        """A panel to ask, watch, stop and go on in; opens a stored conversation, by default the workflow's own."""
        from finassist.apps.chat import ChatPanel

        return ChatPanel(self, session_id=session_id)

    def deep_copy(self, *, update: dict[str, Any] | None = None) -> Self:
        """A shallow copy, as AgentOS asks for one per request: nothing of a run is kept on the workflow."""
        twin = copy.copy(self)
        twin.live = "off"  # whoever asks for a copy serves somebody else
        for name, value in (update or {}).items():
            setattr(twin, name, value)
        return twin

    def _set_telemetry(self) -> None:
        self.telemetry = False
