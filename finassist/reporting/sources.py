"""Several sources beside each other: where they differ from the filing's figures, as a heat map, a text and a frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, Self

from markupsafe import Markup

from finassist.analysis.sources import SourceCell, SourceFigures, SourceRow, compared
from finassist.core.facts import Fact, Gap
from finassist.core.formatting import clean, figure, listed, percent
from finassist.core.metrics import described
from finassist.reporting.html import CSS, provenance
from finassist.reporting.sanitize import rendered

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

_NONE = "–"
_HOTTEST, _COOLEST, _HOTTEST_AT = 60, 15, 0.5
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class SourceComparison:
    """The figures of one question as several sources have them.

    Attributes:
        question: What was asked.
        sources: Names of the sources, in the order given.
        rows: A row for each company, metric and period, with the filing's figure and one cell for each source.
        gaps: By source, what it could not deliver and why.
        tolerance: The relative difference up to which two figures count as the same.

    Example:
        >>> import pandas as pd
        >>> from finassist import FinancialAssistantWorkflow, FrameProvider
        >>> workflow = FinancialAssistantWorkflow(db=None)
        >>> rows = pd.DataFrame({"period": ["FY2023"], "period_end": ["2023-09-30"], "revenue": [390e9]})
        >>> print(workflow.compare_sources("Apple's revenue in FY2023", [FrameProvider(rows, symbol="AAPL")]))
        1 of 1 figures differ from the filing's by more than 0.5%.
        <BLANKLINE>
        figure               filing             frame
        AAPL revenue FY2023  USD 383.3 billion  USD 390.0 billion (+1.8%)
        - frame: AAPL revenue FY2023 is 1.8% above the filing's: why is not known
    """

    question: str
    sources: tuple[str, ...]
    rows: tuple[SourceRow, ...]
    gaps: Mapping[str, tuple[Gap, ...]]
    tolerance: float

    @classmethod
    def of(cls, question: str, found: Sequence[SourceFigures], shown: Sequence[str], tolerance: float) -> Self:
        """The comparison of what sources have; those not `shown` only say what the filing's figure is."""
        rows = [_only(row, shown) for row in compared(found, tolerance)]
        gaps = {each.source: each.gaps for each in found if each.source in shown}
        return cls(question, tuple(shown), tuple(rows), gaps, tolerance)

    @property
    def differences(self) -> tuple[tuple[SourceRow, SourceCell], ...]:
        """The figures that differ by more than the tolerance, the largest difference first."""
        found = [(row, cell) for row in self.rows for cell in row.cells if cell.differs]
        return tuple(sorted(found, key=lambda each: -abs(each[1].difference or 0)))

    def to_frame(self, show: Literal["value", "difference", "why"] = "value") -> DataFrame:
        """One row a figure, one column a source.

        Args:
            show: What stands below the sources: the figures, their relative differences from the filing's, or what
                explains these.

        Returns:
            A frame with the columns `symbol`, `metric`, `period`, `unit`, `filing_value` (the filing's figure),
            `filing_source`, and one for each source. What a source does not have is `<NA>`.
        """
        from finassist.reporting.frames import SCHEMAS, Column, typed

        column = Column("text" if show == "why" else "number", "")
        schema = {**SCHEMAS["sources"], **dict.fromkeys(self.sources, column)}
        return typed((_frame_row(row, show) for row in self.rows), schema)

    def __str__(self) -> str:
        heads = ["figure", "filing", *self.sources]
        rows = [heads, *([_name(row), _text(row.filing), *map(_told, row.cells)] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([self._summary(), "", *table, *(f"- {note}" for note in self._notes())])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        rows = [_shown(row, self.tolerance) for row in self.rows]
        html = rendered("sources.html.j2", css=Markup(CSS), summary=self._summary(), sources=self.sources, rows=rows,
                        notes=list(self._notes()))  # fmt: skip
        return {"text/plain": str(self), "text/html": html}

    def _summary(self) -> str:
        beside = [(row, cell) for row in self.rows for cell in row.cells if cell.difference is not None]
        set_against = [cell for row, cell in beside if cell.fact is not row.filing]
        without = [name for name in self.sources if name not in {cell.source for _, cell in beside}]
        none = f" No figure to compare from {listed(without)}." if without else ""
        if not set_against:
            return f"Nothing is set against the filing's figures.{none}"
        differ = str(len(self.differences)) if self.differences else "None"
        within = percent(Decimal(repr(self.tolerance)))
        return f"{differ} of {len(set_against)} figures differ from the filing's by more than {within}.{none}"

    def _notes(self) -> Iterator[str]:
        """What explains the differences, and what is missing, in words."""
        for row, cell in self.differences:
            why = clean(cell.why, _LONGEST) or "why is not known"
            yield f"{cell.source}: {_name(row)} is {_apart(cell.difference or 0)} the filing's: {why}"
        cells = [(row, cell) for row in self.rows for cell in row.cells]
        for row, cell in cells:
            if cell.fact is not None and cell.difference is None:
                yield f"{cell.source}: {_name(row)} is not compared: {clean(cell.why, _LONGEST)}"
        absent = (f"{cell.source}: {clean(cell.why, _LONGEST)}" for _, cell in cells if cell.fact is None)
        yield from dict.fromkeys(absent)


def _only(row: SourceRow, shown: Sequence[str]) -> SourceRow:
    cells = tuple(cell for cell in row.cells if cell.source in shown)
    return SourceRow(row.symbol, row.metric, row.period, row.filing, cells)


def _name(row: SourceRow) -> str:
    return f"{row.symbol} {_metric(row.metric)} {row.period}"


def _metric(name: str) -> str:
    operation, joined, metric = name.rpartition(" of ")
    return f"{operation}{joined}{described(metric).label}"


def _text(fact: Fact | None) -> str:
    return figure(fact) if fact is not None else _NONE


def _told(cell: SourceCell) -> str:
    return f"{_text(cell.fact)} ({_signed(cell.difference or 0)})" if cell.differs else _text(cell.fact)


def _signed(difference: float) -> str:
    return percent(Decimal(repr(difference)), signed=True) if math.isfinite(difference) else "not 0"


def _apart(difference: float) -> str:
    if not math.isfinite(difference):
        return "not 0 as"
    return f"{percent(abs(Decimal(repr(difference))))} {'above' if difference > 0 else 'below'}"


def _frame_row(row: SourceRow, show: str) -> dict[str, Any]:
    filing = row.filing
    about = {
        "symbol": row.symbol,
        "metric": row.metric,
        "period": row.period,
        "unit": filing.unit if filing else "",
        "filing_value": float(filing.value) if filing and filing.value is not None else None,
        "filing_source": filing.source if filing else "",
    }
    return about | {cell.source: _of_cell(cell, show) for cell in row.cells}


def _of_cell(cell: SourceCell, show: str) -> Any:
    if show == "value":
        return float(cell.fact.value) if cell.fact and cell.fact.value is not None else None
    return cell.difference if show == "difference" else cell.why or None


def _shown(row: SourceRow, tolerance: float) -> SimpleNamespace:
    """A row as the template shows it."""
    cells = [
        SimpleNamespace(
            text=_told(cell),
            why="; ".join(filter(None, (cell.why, provenance(cell.fact) if cell.fact else ""))),
            heat=_heat(cell, tolerance),
            kind="" if cell.fact else " fin-none",
        )
        for cell in row.cells
    ]
    source = provenance(row.filing) if row.filing else ""
    return SimpleNamespace(name=_name(row), filing=_text(row.filing), source=source, cells=cells)


def _heat(cell: SourceCell, tolerance: float) -> int:
    """How strongly a cell is shaded, in percent: by the logarithm of its difference, from the tolerance to a half."""
    if not cell.differs:
        return 0
    far = min(abs(cell.difference or 0), _HOTTEST_AT)
    least = min(max(tolerance, 1e-6), _HOTTEST_AT / 2)
    share = math.log(max(far, least) / least) / math.log(_HOTTEST_AT / least)
    return round(_COOLEST + (_HOTTEST - _COOLEST) * share)
