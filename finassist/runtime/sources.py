"""One question to several data providers at the same time: whom to trust, figure by figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from agno.tools.finance import FinanceProvider

from finassist.analysis.sources import FROM_FILINGS, SourceFigures
from finassist.core.concurrency import bridge
from finassist.core.errors import ConfigurationError, InputError, UnknownProvider
from finassist.core.facts import Gap
from finassist.core.query import Query, queries_of
from finassist.core.text import said
from finassist.providers.registry import open_provider
from finassist.runtime.base import BaseWorkflow
from finassist.runtime.context import RunContext
from finassist.runtime.drivers import adrive, drive_to_end
from finassist.runtime.effects import Flow
from finassist.runtime.flows import compare_flow
from finassist.runtime.known import FlowContext

if TYPE_CHECKING:
    from finassist.reporting.sources import SourceComparison

TOLERANCE: Final = 0.005
"""Half a percent: what rounding explains."""


@dataclass
class _Opened:
    """The providers of one comparison: those that were asked for, and what stands for the filings besides."""

    shown: list[str] = field(default_factory=list[str])
    providers: dict[str, FinanceProvider] = field(default_factory=dict[str, FinanceProvider])
    closed: dict[str, Gap] = field(default_factory=dict[str, Gap])
    own: list[Any] = field(default_factory=list[Any])

    def found(self, answered: Sequence[SourceFigures]) -> list[SourceFigures]:
        """What all of them have, in the order asked for, those that could not be opened included."""
        by_name = {each.source: each for each in answered}
        absent = {name: SourceFigures(name, {}, (gap,)) for name, gap in self.closed.items()}
        beside = [name for name in self.providers if name not in self.shown]
        return [(by_name | absent)[name] for name in (*self.shown, *beside)]

    def compared(self, question: str, answered: Sequence[SourceFigures], tolerance: float) -> SourceComparison:
        from finassist.reporting.sources import SourceComparison

        return SourceComparison.of(question, self.found(answered), self.shown, tolerance)


class ManySources(BaseWorkflow):
    """The methods of a workflow that ask several sources."""

    def compare_sources(
        self,
        question: str | Query | Mapping[str, Any] | Sequence[Query | Mapping[str, Any]],
        sources: Sequence[str | FinanceProvider],
        *,
        tolerance: float = TOLERANCE,
        as_of: date | str | None = None,
    ) -> SourceComparison:
        """Ask several sources the same, and see where they differ from the figures of the filings.

        Args:
            question: About figures of companies that are named; in words, or as for `query`.
            sources: Data providers by name (`"embedded"`, `"sec"`, `"fmp"`, `"yfinance"`) or as objects.
            tolerance: The relative difference up to which two figures are the same.
            as_of: The day on which what counts was public; by default the workflow's.

        Returns:
            Each figure as every source has it, beside that of the filing: of the SEC where it is asked and answers,
            else the embedded one, as for prices. A source that fails has gaps that say why; the others stay.

        Raises:
            InputError: It asks for no figures of named companies, or there is no source.
            UnknownProvider: No provider has that name.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> workflow = FinancialAssistantWorkflow(db=None)
            >>> found = workflow.compare_sources("Apple's revenue and net income in FY2023", ["embedded"])
            >>> found.to_frame()[["metric", "filing_value", "embedded"]].values.tolist()
            [['revenue', 383285000000.0, 383285000000.0], ['net_income', 96995000000.0, 96995000000.0]]
        """
        bridge.check_caller()
        run, flow, opened = self._comparing(question, sources, tolerance, as_of)
        with ExitStack() as stack, run.measured("finassist.compare_sources"):
            for each in opened.own:
                stack.callback(each.close)
            found = drive_to_end(flow, run)
        return opened.compared(run.question, found, tolerance)

    async def acompare_sources(
        self,
        question: str | Query | Mapping[str, Any] | Sequence[Query | Mapping[str, Any]],
        sources: Sequence[str | FinanceProvider],
        *,
        tolerance: float = TOLERANCE,
        as_of: date | str | None = None,
    ) -> SourceComparison:
        """`compare_sources` on the running loop; cancelling it cancels what every source is asked."""
        run, flow, opened = self._comparing(question, sources, tolerance, as_of)
        async with AsyncExitStack() as stack:
            for each in opened.own:
                stack.push_async_callback(each.aclose)
            with run.measured("finassist.compare_sources"):
                found = await adrive(flow, run, lambda _: None)
        return opened.compared(run.question, found, tolerance)

    def _comparing(
        self, asked: Any, sources: Sequence[str | FinanceProvider], tolerance: float, as_of: date | str | None
    ) -> tuple[RunContext, Flow[list[SourceFigures]], _Opened]:
        if not sources or isinstance(sources, str):
            raise InputError('Name the sources in a list, such as ["embedded", "sec"].')
        if not 0 <= tolerance < 1:
            raise InputError(f"tolerance={tolerance!r:.20} is no share. Write 0.005 for half a percent.")
        queries = () if isinstance(asked, str) else queries_of(asked)
        run = self._new_run("; ".join(map(str, queries)) if queries else asked, as_of=as_of)
        known = FlowContext.of(run.runtime)
        opened = self._opened_sources(sources)
        asking = {name: known.asking(provider) for name, provider in opened.providers.items()}
        return run, compare_flow(queries or run.question, asking, known), opened

    def _opened_sources(self, sources: Sequence[str | FinanceProvider]) -> _Opened:
        opened = _Opened()
        for each in sources:
            name = each.strip() if isinstance(each, str) else each.id
            while name in opened.shown:
                name += " again"
            opened.shown.append(name)
            self._open_source(each, name, opened)
        if not set(FROM_FILINGS) & opened.providers.keys():
            opened.providers["embedded"] = open_provider("embedded")
        return opened

    def _open_source(self, source: str | FinanceProvider, name: str, opened: _Opened) -> None:
        """Open a provider by its name, unless the workflow has it; one that lacks a key or a package is a gap."""
        if source == self.provider.id or not isinstance(source, str):
            opened.providers[name] = self.provider if isinstance(source, str) else source
            return
        try:
            found = opened.providers[name] = open_provider(source, self.settings)
        except UnknownProvider:
            raise
        except ConfigurationError as error:
            opened.closed[name] = Gap(symbol="", need="source", reason=said(error), error=type(error).__name__)
            return
        if hasattr(found, "aclose"):
            opened.own.append(found)
