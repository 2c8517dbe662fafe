"""Methods of a workflow besides `run`: a typed `Query` without language or model, and the three flows by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Unpack, overload

from finassist.core.categories import CategoryName as Category
from finassist.core.concurrency import bridge
from finassist.core.events import FlowEvent, RunResponse
from finassist.core.query import Query
from finassist.core.result import Draft
from finassist.runtime.drivers import adrive_stream, drive
from finassist.runtime.effects import Flow
from finassist.runtime.flows import FlowContext, alone_flow, chat_flow, report_flow
from finassist.runtime.run import RunContext, RunOptions

type Asked = Query | Mapping[str, Any] | Sequence[Query | Mapping[str, Any]]
"""A query, a dictionary of its fields, or several of them that share an answer."""


class TypedQueries[A]:
    """The part of a workflow that answers queries; `A` is its kind of answer."""

    def _ask(self, asked: Any, call: str, stream: bool, options: RunOptions) -> Any:
        """Answer a question or queries, and wait."""
        raise NotImplementedError

    def _aask(self, asked: Any, call: str, stream: bool, options: RunOptions) -> Any:
        """Answer a question or queries on the running loop."""
        raise NotImplementedError

    @overload
    def query(self, query: Asked, *, stream: Literal[False] = False, **options: Unpack[RunOptions]) -> A: ...

    @overload
    def query(self, query: Asked, *, stream: Literal[True], **options: Unpack[RunOptions]) -> Iterator[RunResponse]: ...

    def query(self, query: Asked, *, stream: bool = False, **options: Unpack[RunOptions]) -> A | Iterator[RunResponse]:
        """Answer a `Query`, several, or dictionaries of them; the run is stored as a question's is.

        Args:
            query: What is asked. Several make one answer; the first makes its headline.
            stream: Whether to return an iterator of events instead of the answer.
            **options: `session_id`, `user_id`, `run_id` and `live`, as of `run`.

        Raises:
            InvalidQuery: It names a metric, period or operation that does not exist, or lacks what it needs; the
                message says what would be valid. Also an `InputError`.

        Example:
            >>> from finassist import FinancialAssistantWorkflow, Query
            >>> workflow = FinancialAssistantWorkflow(db=None)
            >>> answer = workflow.query(Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2023"]))
            >>> f"{answer.value.value:.3f}", answer.value.unit
            ('0.253', 'ratio')
        """
        return self._ask(query, "query()", stream, options)

    @overload
    async def aquery(self, query: Asked, *, stream: Literal[False] = False, **options: Unpack[RunOptions]) -> A: ...

    @overload
    def aquery(
        self, query: Asked, *, stream: Literal[True], **options: Unpack[RunOptions]
    ) -> AsyncIterator[RunResponse]: ...

    def aquery(self, query: Asked, *, stream: bool = False, **options: Unpack[RunOptions]) -> Any:
        """`query` on the running loop: `await` it, or with `stream=True` iterate with `async for`."""
        return self._aask(query, "aquery()", stream, options)


class ThreeFlows:
    """The part of a workflow that runs a flow as it stands, outside Agno's engine; nothing is stored."""

    def _new_run(
        self, question: str, session_id: str | None = None, user_id: str | None = None, run_id: str | None = None
    ) -> RunContext:
        """The run of a question."""
        raise NotImplementedError

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

    def _door(self, message: str, flow: Callable[[FlowContext], Flow[Draft]]) -> Iterator[FlowEvent]:
        bridge.check_caller()
        run = self._new_run(message)
        return drive(flow(FlowContext.of(run.runtime)), run)

    def _adoor(self, message: str, flow: Callable[[FlowContext], Flow[Draft]]) -> AsyncIterator[FlowEvent]:
        run = self._new_run(message)
        return adrive_stream(flow(FlowContext.of(run.runtime)), run, [])
