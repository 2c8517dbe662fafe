"""What came of a query: rows of facts, the one figure, and what is not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from finassist.core.facts import Fact, Gap
from finassist.core.query import Query

Shape = Literal["values", "series", "change", "cagr", "difference", "times", "share", "sum", "mean", "extreme",
                "window", "order", "count", "nothing"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of an outcome: a fact, and for a change the two facts it lies between."""

    symbol: str
    metric: str
    fact: Fact
    first: Fact | None = None
    last: Fact | None = None
    at: str = ""
    parts: tuple[Fact, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is a figure."""
        return self.fact.known


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a query.

    Attributes:
        query: The query.
        shape: What sort of result it is; sentences are chosen by it.
        rows: The figures, in the order asked or ranked; only known ones.
        figure: The one figure asked for, where there is one.
        gaps: What was asked and is not there.
        considered: How many companies of a universe were looked at.
        left_out: How many of them lack a figure, by name of what lacks.
        matches: How many companies fulfil a screen, before the limit.
        more: Figures asked besides, such as other columns of a screen.
    """

    query: Query
    shape: Shape
    rows: tuple[Row, ...] = ()
    figure: Fact | None = None
    gaps: tuple[Gap, ...] = ()
    considered: int = 0
    left_out: int = 0
    matches: int = 0
    more: tuple[Row, ...] = field(default=())

    @property
    def answered(self) -> bool:
        """Whether anything that was asked is there."""
        return bool(self.rows) or self.figure is not None


def gaps_of(rows: Iterable[Row]) -> tuple[Gap, ...]:
    """A gap for each figure that is not there, with the reason."""
    missing = {(row.symbol, row.metric, row.fact.period): row for row in rows if not row.known}
    return tuple(
        Gap(symbol=row.symbol, need=row.metric, reason=row.fact.note or f"{row.metric} is not in the data.",
            error="NotMeaningful" if row.fact.status == "not_meaningful" else "NotInData")
        for row in missing.values()
    )  # fmt: skip


def by_value(row: Row) -> Decimal:
    """The figure of a row, to sort by."""
    return row.fact.value or Decimal()
