"""The front door: `FinancialAssistantWorkflow`, an Agno workflow that answers financial questions."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal, Unpack, cast, overload
from uuid import uuid4

# Before Agno is imported: in this variable "true" would override the argument that switches telemetry off.
os.environ["AGNO_TELEMETRY"] = "false"

from agno.run.agent import RunEvent

from finassist.answer import Answer
from finassist.apps.live import View, box_groups, open_display, open_view, wanted, watched
from finassist.batch import BatchOptions, ManyQuestions
from finassist.config.settings import Routing, Settings
from finassist.core.claims import Feedback, Thumb, with_feedback
from finassist.core.concurrency import bridge
from finassist.core.events import RunResponse
from finassist.core.process import awaited_by_cell, on_display
from finassist.core.query import Query, queries_of
from finassist.core.text import check_keywords
from finassist.llm import ModelChoice
from finassist.providers.registry import Provider
from finassist.runtime.agno_step import AgnoOptions, FlowStep, RunOptions, astream, in_background, stream
from finassist.runtime.context import RunContext, Runtime
from finassist.sessions.runs import answer_of, rated
from finassist.sessions.store import Database, check_session_id
from finassist.sessions.summary import Summariser

if TYPE_CHECKING:
    from finassist.apps.chat import ChatPanel
    from finassist.apps.chat.what_if import WhatIf
    from finassist.batch.runner import Display

_NAME: Final = "finassist"
_OURS: Final = ("session_id", "user_id", "run_id", "live", "as_of")
_KEYWORDS: Final = ("stream", *_OURS, *AgnoOptions.__annotations__)
_ELSEWHERE: Final = {
    **dict.fromkeys(Settings.model_fields, "it is a setting, FinancialAssistantWorkflow(settings=Settings(…))."),
    **dict.fromkeys(BatchOptions.__annotations__, "it is a keyword of run_many()."),
}


type Asked = Query | Mapping[str, Any] | Sequence[Query | Mapping[str, Any]]
"""A query, a dictionary of its fields, or several of them that share an answer."""


class FinancialAssistantWorkflow(ManyQuestions):
    """Ask a financial question in plain words; get an answer with figures, sources and what is missing.

    Without a key it needs no network: embedded figures and an offline model. With keys in the environment it is live.

    Args:
        model: Language model that routes, extracts names and chats: a name such as `"offline"` or `"openai"`, an
            Agno model, or a list of which each stands in for those before it; see `finassist.llm`.
        provider: Where figures come from: a name such as `"embedded"` or `"fmp"`, any Agno finance provider, or a list
            of which each is asked where those before it fail.
        settings: Settings; by default from `FINASSIST_*` variables and `.env`.
        db: Where sessions are stored: a path to a SQLite file, the address of a PostgreSQL server
            (`"postgresql://user@host/database"`), an Agno database, or `None` for memory only. By default a file in
            the user's data directory, which `FINASSIST_HOME` moves.
        session_id: The conversation that calls without a `session_id` belong to; a new one by default.
        user_id: Whose sessions these are.
        routing: What understands a question; overrides the setting. `"auto"`: rules where they are certain, else the
            model. `"model"`: always the model. `"rules"`: always the rules.
        id: Agno's id of the workflow.
        name: Its name.
        description: What AgentOS shows about it.
        debug_mode: Whether Agno logs in detail.
        store_events: Whether events are stored with the run, words of a chat excepted.
        metadata: Agno metadata stored with every run.
        as_of: Answer as on this day (a date, or `"2023-03-01"`): with what was public then, as it was reported then.

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
        as_of: date | str | None = None,
    ) -> None:
        opened = Runtime.open(model=model, provider=provider, settings=settings, db=db, routing=routing, as_of=as_of)
        self._use(opened)
        self.summariser = Summariser(self.store, self.locks, self.settings)
        super().__init__(
            id=id,
            name=name,
            description=description,
            db=self.store.native,
            steps=[FlowStep(self._run_of_step)],
            session_id=str(uuid4()) if session_id is None else check_session_id(session_id),
            user_id=user_id,
            debug_mode=debug_mode,
            stream_events=True,
            store_events=store_events,
            events_to_skip=[RunEvent.run_content],
            metadata=metadata,
            telemetry=False,
        )
        box_groups()

    # ------------------------------------------------------------------------------------- asking

    @overload
    def run(self, input: str, *, stream: Literal[False] = False, **options: Unpack[RunOptions]) -> Answer: ...

    @overload
    def run(self, input: str, *, stream: Literal[True], **options: Unpack[RunOptions]) -> Iterator[RunResponse]: ...

    def run(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        input: str,  # noqa: A002  Agno's name
        *,
        stream: bool = False,
        **options: Unpack[RunOptions],
    ) -> Answer | Iterator[RunResponse]:
        """Ask a question and wait for the answer; works in a script, in a thread, and in a notebook cell.

        Args:
            input: The question.
            stream: Whether to return an iterator of events instead of the answer.
            **options: `session_id`: the conversation; by default the workflow's own. `user_id`: whose session it is;
                by default the workflow's. `run_id`: id of the run, to cancel it by; made up by default. `live`:
                whether the run shows itself while it works: below the cell of a notebook, in a terminal as one line;
                by default as the setting `live` says: in a notebook, if a cell waits for the answer. `as_of`: the
                day on which what counts was public; by default the workflow's. Also the keywords of Agno's
                `Workflow.run`.

        Returns:
            The `Answer`, or with `stream=True` an iterator of `RunResponse` events ending in exactly one terminal one.

        Raises:
            InputError: The question or the session id cannot be used.
            ModelError: The model needed for a chat answer failed.
            BridgeError: Called from inside a data provider.
            TypeError: There is no such keyword.
        """
        return self._ask(input, "run()", stream, options)

    @overload
    async def arun(self, input: str, *, stream: Literal[False] = False, **options: Unpack[RunOptions]) -> Answer: ...

    @overload
    def arun(
        self, input: str, *, stream: Literal[True], **options: Unpack[RunOptions]
    ) -> AsyncIterator[RunResponse]: ...

    def arun(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        input: str,  # noqa: A002  Agno's name
        *,
        stream: bool = False,
        **options: Unpack[RunOptions],
    ) -> Any:
        """Ask a question on the running loop: `await` it, or with `stream=True` iterate with `async for`.

        Takes, returns and raises what `run` does. Cancelling the awaiting task, or leaving the iteration early,
        stops the run and stores it as cancelled.
        """
        return self._aask(input, "arun()", stream, options)

    @overload
    def query(self, query: Asked, *, stream: Literal[False] = False, **options: Unpack[RunOptions]) -> Answer: ...

    @overload
    def query(self, query: Asked, *, stream: Literal[True], **options: Unpack[RunOptions]) -> Iterator[RunResponse]: ...

    def query(
        self, query: Asked, *, stream: bool = False, **options: Unpack[RunOptions]
    ) -> Answer | Iterator[RunResponse]:
        """Answer a `Query`, several, or dictionaries of them; the run is stored as a question's is.

        Args:
            query: What is asked. Several make one answer; the first makes its headline.
            stream: Whether to return an iterator of events instead of the answer.
            **options: `session_id`, `user_id`, `run_id` and `live`, as of `run`.

        Raises:
            InvalidQuery: It names a metric, period or operation that does not exist, or lacks what it needs; the
                message says what would be valid. Also an `InputError`.

        Example:
            >>> from finassist import Query
            >>> workflow = FinancialAssistantWorkflow(db=None)
            >>> answer = workflow.query(Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2023"]))
            >>> f"{answer.value.value:.3f}", answer.value.unit
            ('0.253', 'ratio')
        """
        return self._ask(query, "query()", stream, options)

    @overload
    async def aquery(
        self, query: Asked, *, stream: Literal[False] = False, **options: Unpack[RunOptions]
    ) -> Answer: ...

    @overload
    def aquery(
        self, query: Asked, *, stream: Literal[True], **options: Unpack[RunOptions]
    ) -> AsyncIterator[RunResponse]: ...

    def aquery(self, query: Asked, *, stream: bool = False, **options: Unpack[RunOptions]) -> Any:
        """`query` on the running loop: `await` it, or with `stream=True` iterate with `async for`."""
        return self._aask(query, "aquery()", stream, options)

    def _ask(self, asked: Any, call: str, stream: bool, options: RunOptions) -> Answer | Iterator[RunResponse]:
        bridge.check_caller()
        run, agno, live = self._asked(asked, call, options)
        events = self._stream(run, agno, wanted(live, self.live, by_itself=not stream and on_display()))
        if stream:
            return events
        for _ in events:
            pass
        return self._answer_of(run)

    def _aask(self, asked: Any, call: str, stream: bool, options: RunOptions) -> Any:
        run, agno, live = self._asked(asked, call, options)
        if agno.get("background"):
            return in_background(self, run, {**agno, "stream": stream})
        if stream:
            return self._astream(run, agno, wanted(live, self.live, by_itself=False))
        return self._aanswer(run, agno, live)

    def _asked(self, asked: Any, call: str, options: RunOptions) -> tuple[RunContext, AgnoOptions, bool | None]:
        """The run of a question or of queries, Agno's own keywords, and whether it shows itself."""
        check_keywords(call, options, _KEYWORDS, _ELSEWHERE)
        agno = cast("AgnoOptions", {name: value for name, value in options.items() if name not in _OURS})
        queries = queries_of(asked) if call in ("query()", "aquery()") else ()
        question = "; ".join(map(str, queries))[: self.settings.max_question_length] if queries else asked
        run = self._new_run(question, *(options.get(name) for name in ("session_id", "user_id", "run_id", "as_of")))
        run.queries = queries
        return run, agno, options.get("live")

    def _answer_of(self, run: RunContext) -> Answer:
        answer = run.answer
        answer.asked_by(self)
        return answer

    # --------------------------------------------------------------------------------------- running

    def _stream(self, run: RunContext, options: AgnoOptions, shown: bool) -> Iterator[RunResponse]:
        with watched(run, lambda: self._view_of(run, shown), sync=True) as see:
            for event in stream(self, run, options):
                see(event)
                yield event
        self._consider_summary(run)

    async def _astream(self, run: RunContext, options: AgnoOptions, shown: bool) -> AsyncGenerator[RunResponse]:
        with watched(run, lambda: self._view_of(run, shown), sync=False) as see:
            async with aclosing(astream(self, run, options)) as events:
                async for event in events:
                    see(event)
                    yield event
        self._consider_summary(run)

    def _view_of(self, run: RunContext, shown: bool) -> View | None:
        def ask(question: str) -> AsyncGenerator[RunResponse]:
            again = self._new_run(question, run.session_id, run.user_id, as_of=run.runtime.as_of)
            return self._astream(again, {}, shown=False)

        return open_view(run.question, shown, ask)

    async def _aanswer(self, run: RunContext, options: AgnoOptions, live: bool | None) -> Answer:
        shown = wanted(live, self.live, by_itself=awaited_by_cell())
        async with aclosing(self._astream(run, options, shown)) as events:
            async for _ in events:
                pass
        return self._answer_of(run)

    def _open_display(self, live: bool | None) -> Display | None:
        return open_display(live)

    def _consider_summary(self, run: RunContext) -> None:
        if run.draft is not None and run.saved:
            turns = run.turn.before + 1
            with run.within_trace():
                self.summariser.consider(run.session_id, run.session, turns, self.summary_agent)

    # -------------------------------------------------------------------------------------- lifecycle

    def answers(self, session_id: str | None = None) -> list[Answer]:
        """Every stored answer of a conversation, oldest first; by default of the workflow's own."""
        session = self.get_session(session_id or self.session_id)
        return [answer_of(run) for run in (session.runs if session else None) or []]

    def rate(self, answer: Answer, thumb: Thumb | None, reason: str = "") -> None:
        """Keep with a stored answer what a person thinks of it; see `answer.feedback` and `history()`.

        Args:
            answer: The answer.
            thumb: `"up"` where it is right, `"down"` where it is wrong, `None` to take that back.
            reason: Why, or what is right.

        Raises:
            InputError: There is no such thumb.
            SessionError: The answer is not stored.

        Example:
            >>> workflow = FinancialAssistantWorkflow(db=None)
            >>> workflow.rate(workflow.run("What was Apple's net margin in FY2023?"), "up", "As in the 10-K.")
            >>> [answer.feedback for answer in workflow.answers()]
            [Feedback(thumb='up', reason='As in the 10-K.')]
        """
        run = rated(self.store.ask(lambda db: db.get_run(answer.run_id)), thumb, reason)
        self.store.ask(lambda db: db.upsert_run(run, session_id=run.session_id, user_id=run.user_id))
        answer.metadata = with_feedback(answer.metadata, Feedback.of(run.metadata))

    async def arate(self, answer: Answer, thumb: Thumb | None, reason: str = "") -> None:
        """`rate` on the running loop."""
        run = rated(await self.store.aask(lambda db: db.get_run(answer.run_id)), thumb, reason)
        await self.store.aask(lambda db: db.upsert_run(run, session_id=run.session_id, user_id=run.user_id))
        answer.metadata = with_feedback(answer.metadata, Feedback.of(run.metadata))

    def what_if(self, answer: Answer) -> WhatIf:
        """Sliders for what an answer assumes, in a cell; what they change is recomputed and not stored.

        Raises:
            InputError: The answer assumes nothing: it is no valuation.
        """
        from finassist.apps.chat.what_if import WhatIf

        aside = FinancialAssistantWorkflow(
            db=None, model="offline", provider=self.provider, settings=self.settings, as_of=self.as_of
        )
        return WhatIf(answer, aside.aquery)

    def chat(self, session_id: str | None = None) -> ChatPanel:
        """A panel to ask, watch, stop and follow up; opens a stored conversation, by default the workflow's own."""
        from finassist.apps.chat import ChatPanel

        return ChatPanel(self, session_id=session_id)
