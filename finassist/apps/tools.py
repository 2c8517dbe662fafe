"""Queries, reports, companies and metrics as tools for models: `finassist.tools()`, and what `finassist mcp` serves.

A result is data of bounded size: a sentence, figures with unit, period, date and source, and what is missing and why.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from decimal import Decimal
from functools import wraps
from importlib.metadata import version
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from agno.tools import Toolkit

from finassist.answer import Answer
from finassist.core.errors import FinassistError
from finassist.core.facts import Fact
from finassist.core.filters import filter_of
from finassist.core.formatting import figure
from finassist.core.metrics import Metric, catalogue
from finassist.core.query import Operation, Query
from finassist.providers.base import QuerySource
from finassist.symbols import directory
from finassist.workflow import FinancialAssistantWorkflow

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from mcp.server.mcpserver.tools import Tool

INSTRUCTIONS: Final = (
    "Figures of US-listed companies. Find tickers with search_companies and metric ids with list_metrics, then ask "
    "query_figures. Take numbers only from “figures”, name their period and source, and say what is “missing”."
)
type _Conversion = Callable[[Any], Any]

_MOST_COMPANIES: Final = 10
_MOST_METRICS: Final = 25
_MOST_TEXT: Final = 5_000
_MOST_MISSING: Final = 10


def tools(workflow: FinancialAssistantWorkflow | None = None, *, most_figures: int = 30) -> FinanceTools:
    """The tools of finassist for any Agno agent, in its sync and async runs.

    Args:
        workflow: Who answers; by default one with the settings of the environment.
        most_figures: How many figures a result holds; the others are counted.

    Example:
        >>> from agno.agent import Agent
        >>> agent = Agent(tools=[tools()])
        >>> found = tools().query_figures(["net_margin"], ["AAPL"], ["FY2023"])["figures"]
        >>> [(each["symbol"], each["shown"], each["period"], each["source"]) for each in found]
        [('AAPL', '25.3%', 'FY2023', 'SEC 10-K filed 2025-10-31')]
    """
    return FinanceTools(workflow, most_figures=most_figures)


def typed_query(
    metrics: Sequence[str],
    companies: Sequence[str] | None = None,
    periods: Sequence[str] | None = None,
    operation: Operation = "none",
    where: Sequence[str] | None = None,
    sectors: Sequence[str] | None = None,
    limit: int | None = None,
    smallest_first: bool = False,
    against_peers: bool = False,
    assume: Mapping[str, float] | None = None,
) -> Query:
    """A query from plain texts; without companies it ranks or screens all of them.

    Raises:
        InvalidQuery: A part of it is nothing a query can have; the message says what would be valid.

    Example:
        >>> str(typed_query(["revenue"], where=["net_margin > 0.3"], sectors=["Energy"]))
        'revenue of all companies in Energy where net margin > 0.3'
    """
    intent = "value" if companies else "screen" if where else "rank"
    return Query(
        intent=intent,
        metrics=list(metrics),
        companies=list(companies or ()),
        scope="peers" if against_peers else "named" if companies else "universe",
        sectors=list(sectors or ()),
        periods=list(periods or ()),
        operation=operation,
        where=[filter_of(text) for text in where or ()],
        order=-1 if smallest_first else int(not companies),
        limit=10 if limit is None and intent == "rank" else limit,
        assume=dict(assume or {}),
    )


def _awaited[**P](tool: Callable[P, dict[str, Any]]) -> Callable[P, Awaitable[dict[str, Any]]]:
    """The method of a toolkit on the running loop."""

    @wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        toolkit, *rest = args
        on_loop: Any = copy(toolkit)
        on_loop._ask = on_loop._aask
        method: Any = tool
        return await method(on_loop, *rest, **kwargs)

    return call


class FinanceTools(Toolkit):
    """What `tools()` returns. Called directly, the methods return the data that a model gets as JSON."""

    def __init__(self, workflow: FinancialAssistantWorkflow | None = None, *, most_figures: int = 30) -> None:
        self.workflow = workflow or FinancialAssistantWorkflow(db=None)
        self._forgets = workflow is None
        self._most = most_figures
        tools = (self.query_figures, self.report, self.search_companies, self.list_metrics)
        awaited = {"query_figures": self.aquery_figures, "report": self.areport}
        super().__init__(
            name="finassist",
            tools=[_explained(tool, _text, _error_text) for tool in tools],
            async_tools=[(_explained(tool, _text, _error_text), name) for name, tool in awaited.items()],
            instructions=INSTRUCTIONS,
            add_instructions=True,
        )

    def query_figures(
        self,
        metrics: list[str],
        companies: list[str] | None = None,
        periods: list[str] | None = None,
        operation: Operation = "none",
        where: list[str] | None = None,
        sectors: list[str] | None = None,
        limit: int | None = None,
        smallest_first: bool = False,
        against_peers: bool = False,
        assume: dict[str, float] | None = None,
    ) -> dict[str, Any]:
        """Exact figures of companies, computed from filings, each with unit, period and source.

        Without companies, all of them are ranked or screened.

        Args:
            metrics: Ids of list_metrics such as "revenue" or "net_margin", or formulas over them: "capex / revenue".
            companies: Ticker symbols such as "AAPL".
            periods: "FY2024", "Q3 2024", "TTM", "latest", "2024-03-14", or a range "FY2020:FY2024".
            operation: none, growth, cagr, difference, sum, mean, median, max, min, share, count or trend.
            where: Conditions on all companies such as "net_margin > 0.3" (30 % is 0.3).
            sectors: Sectors to rank or screen, such as "Energy".
            limit: How many companies to return.
            smallest_first: Whether to rank the smallest first.
            against_peers: Compare the first company with its peers: the other companies, or without any those of its
                industry that are nearest in size. Without metrics: by multiples, growth and margins.
            assume: What a valuation such as "dcf_value" takes in place of data: {"growth": 0.05, "wacc": 0.09}.
        """
        conditions = (operation, where, sectors, limit, smallest_first, against_peers, assume)
        return self._ask(typed_query(metrics, companies, periods, *conditions), self._data)

    def report(self, companies: list[str]) -> dict[str, Any]:
        """A report on one company, or a comparison of several: a text, and the latest figures behind it.

        Args:
            companies: Ticker symbols such as "AAPL".
        """
        return self._ask(Query(intent="document", companies=companies), self._report_data)

    aquery_figures = _awaited(query_figures)
    areport = _awaited(report)

    def search_companies(self, name: str, limit: int = 5) -> dict[str, Any]:
        """Ticker symbols of companies by name or part of it, the best match first.

        Args:
            name: A name or ticker, such as "micros".
            limit: How many to return, at most 10.
        """
        source = self.workflow.provider
        covered = source.members() if isinstance(source, QuerySource) else None
        found = directory().search(name, max(1, min(limit, _MOST_COMPANIES)))
        return {
            "companies": [
                {"symbol": each.symbol, "name": each.name, "exchange": each.exchange}
                | ({"has_figures": each.symbol in covered} if covered is not None else {})
                for each in found
            ]
        }

    def list_metrics(self, about: str = "") -> dict[str, Any]:
        """Metrics that query_figures knows, with unit and formula.

        Args:
            about: Words to look for, such as "margin" or "debt"; without them all ids and no details.
        """
        words = about.casefold().split()
        if not words:
            return {"metrics": list(catalogue())}
        found = sorted(catalogue().values(), key=lambda metric: -_fit(metric, words))
        found = [metric for metric in found if _fit(metric, words)]
        shown = [_metric(metric) for metric in found[:_MOST_METRICS]]
        return {"metrics": shown, "left_out": len(found) - len(shown)}

    # ----------------------------------------------------------------------------- asking, results

    def _ask(self, query: Query, shape: _Conversion) -> dict[str, Any]:
        session_id = str(uuid4())
        try:
            return shape(self.workflow.query(query, session_id=session_id, live=False))
        finally:
            if self._forgets:
                self.workflow.store.ask(lambda db: db.delete_session(session_id))

    async def _aask(self, query: Query, shape: _Conversion) -> dict[str, Any]:
        session_id = str(uuid4())
        try:
            return shape(await self.workflow.aquery(query, session_id=session_id, live=False))
        finally:
            if self._forgets:
                await self.workflow.store.aask(lambda db: db.delete_session(session_id))

    def _data(self, answer: Answer) -> dict[str, Any]:
        by_key = {fact.key: fact for fact in answer.facts}
        figures = [by_key[key] for key in answer.rows if key in by_key]
        return {"answer": _cut(answer.headline), **self._figures(answer, figures)}

    def _report_data(self, answer: Answer) -> dict[str, Any]:
        ordered = sorted((fact for fact in answer.facts if fact.known), key=lambda fact: str(fact.period_end))
        latest = {(fact.symbol, fact.field): fact for fact in ordered}
        named = [fact for (_, field), fact in latest.items() if field in catalogue()]
        return {"text": _cut(str(answer.content or "")), **self._figures(answer, named)}

    def _figures(self, answer: Answer, figures: Sequence[Fact]) -> dict[str, Any]:
        left_out, unsaid = len(figures) - self._most, len(answer.gaps) - _MOST_MISSING
        return {
            "outcome": answer.outcome,
            "figures": [figure_data(fact) for fact in figures[: self._most]],
            **({"figures_left_out": left_out} if left_out > 0 else {}),
            "missing": [_cut(gap.reason) for gap in answer.gaps[:_MOST_MISSING]],
            **({"missing_left_out": unsaid} if unsaid > 0 else {}),
        }


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]} …"


def figure_data(fact: Fact) -> dict[str, Any]:
    """A figure with what has to be known of it, as JSON-ready data without what is empty.

    Example:
        >>> fact = Fact(symbol="A", field="revenue", value=Decimal(5), unit="USD", currency="USD", statement="income")
        >>> figure_data(fact)
        {'symbol': 'A', 'metric': 'revenue', 'value': 5, 'shown': 'USD 5', 'unit': 'USD', 'status': 'reported'}
    """
    data = {
        "symbol": fact.symbol,
        "metric": fact.field,
        "value": None if fact.value is None else _number(fact.value),
        "shown": figure(fact),
        "unit": fact.unit,
        "period": fact.period,
        "period_end": str(fact.period_end or ""),
        "known_since": str(fact.as_of or ""),
        "source": fact.source,
        "status": fact.status,
        "formula": fact.formula,
    }
    return {name: value for name, value in data.items() if value not in (None, "")}


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _fit(metric: Metric, words: Iterable[str]) -> int:
    """How well a metric fits words: those of its names count more than those of its description."""
    names = f"{metric.id} {metric.label} {' '.join((metric.names or {}).get('en', ()))}".casefold()
    return sum(3 * (word in names) + (word in metric.about.casefold()) for word in words)


def _metric(metric: Metric) -> dict[str, Any]:
    return {name: getattr(metric, name) for name in ("id", "label", "unit", "formula", "about")}


# ------------------------------------------------------------------------- for an agent, and over MCP


def _explained(tool: Callable[..., Any], shown: _Conversion, failed: _Conversion) -> Callable[..., Any]:
    """The tool, sync or async, with its result as `shown` and its error as `failed`."""

    @wraps(tool)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return shown(tool(*args, **kwargs))
        except FinassistError as error:
            return failed(error)

    @wraps(tool)
    async def acall(*args: Any, **kwargs: Any) -> Any:
        try:
            return shown(await tool(*args, **kwargs))
        except FinassistError as error:
            return failed(error)

    return acall if iscoroutinefunction(tool) else call


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False)


def _error_text(error: FinassistError) -> str:
    """An error as a result, so that a model can correct its call."""
    return _text({"error": str(error)})


def server(workflow: FinancialAssistantWorkflow | None = None) -> MCPServer:
    """A Model Context Protocol server with the four tools; a result is structured data as well as JSON text.

    Args:
        workflow: Who answers; by default one with the settings of the environment.
    """
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.server.mcpserver.tools import Tool

    def explain(error: FinassistError) -> dict[str, Any]:
        raise ToolError(str(error)) from error  # of any other error the SDK hides the message

    toolkit = tools(workflow)
    offered: dict[str, Callable[..., Any]] = {
        "query_figures": _explained(toolkit.aquery_figures, dict, explain),
        "report": _explained(toolkit.areport, dict, explain),
        "search_companies": toolkit.search_companies,
        "list_metrics": toolkit.list_metrics,
    }
    made = [_strict(Tool.from_function(call, name=name)) for name, call in offered.items()]
    return MCPServer(
        "finassist", version=version("finassist"), instructions=INSTRUCTIONS, tools=made, log_level="WARNING"
    )


def _strict(tool: Tool) -> Tool:
    """The tool, which refuses an argument that it does not have: `period` for `periods` would ask for the latest."""
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    tool.parameters["additionalProperties"] = False
    return tool
