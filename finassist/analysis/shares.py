"""One share over a span of days: its closes, its daily returns, and rows of what they did. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from msgspec import structs

from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Row
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue
from finassist.core.periods import LONGEST_GAP


@dataclass(frozen=True, slots=True)
class Window:
    """A span of days of one share.

    Attributes:
        start: The day whose close the change begins from.
        end: The last day.
        label: What it is called.
        inside: The first day that itself belongs to the span: of a calendar year 1 January, a day after `start`.
    """

    start: date
    end: date
    label: str
    inside: date

    @classmethod
    def between(cls, start: date, end: date, label: str = "") -> Window:
        """From the close of one day to that of another."""
        return cls(start, end, label or f"{start} to {end}", start)

    @classmethod
    def whole(cls, first: date, end: date, label: str) -> Window:
        """Whole days: from the close before the first of them."""
        return cls(first - timedelta(days=1), end, label, first)


class Share:
    """One share over a span of days: its closes, and rows of what they did."""

    def __init__(self, cube: Cube, symbol: str, span: Window) -> None:
        self.cube, self.symbol, self.span = cube, symbol, span

    def close_at(self, day: date, name: str) -> Fact | None:
        """The last close on or before a day, not older than eight days."""
        closes = self.cube.series(self.symbol, name)
        found = (closes.get(str(day - timedelta(days=back))) for back in range(9))
        return next((fact for fact in found if fact is not None and fact.known), None)

    def at_month_ends(self) -> Share:
        """The share from month end to month end, where closes adjusted for dividends are not there for the days."""
        start, end = self.span.start, self.span.end
        if self.close_at(start, "adjusted_close") and self.close_at(end, "adjusted_close"):
            return self
        ends = Window.between(_month_end_before(start), _month_end_before(end))
        return Share(self.cube, self.symbol, ends) if ends.start < ends.end else self

    @property
    def kind(self) -> str:
        """What sort of closes are known: of every trading day, or of month ends in the span or a part of it."""
        days = [self.span.start, *(close.period_end or date.min for close in self.closes())]
        wide = [after for before, after in pairwise(days) if (after - before).days > LONGEST_GAP]
        if not wide:
            return "daily closes"
        return "month-end closes" if wide[-1] == days[-1] else f"daily closes, of month ends only before {wide[-1]}"

    @property
    def noted(self) -> str | None:
        """What sort of closes are known, where these are not of every day."""
        return None if self.kind == "daily closes" else self.kind

    def closes(self, start: date | None = None, symbol: str = "") -> list[Fact]:
        """The closes of the span, or from another start or of another share; oldest first."""
        start, end = start or self.span.inside, self.span.end
        every = self.cube.series(symbol or self.symbol, "price").values()
        found = [fact for fact in every if fact.known and fact.period_end and start <= fact.period_end <= end]
        return sorted(found, key=lambda fact: fact.period_end or date.min)

    def returns(self, symbol: str = "") -> dict[date, float]:
        """Daily returns, by day; the first from the close before the span."""
        start = (close := self.close_at(self.span.start, "price")) and close.period_end
        return {
            after.period_end or date.min: float(after.value or 0) / float(before.value) - 1
            for before, after in pairwise(self.closes(start, symbol))
            if before.value
        }

    def rebased(self) -> tuple[Fact, ...]:
        """Closes of a span as parts of 100 at its first one: of days, weeks or months, about sixty of them."""
        start = self.close_at(self.span.start, "price")
        closes = self.closes(start.period_end if start else None)
        first = closes[0] if closes else None
        if first is None or not first.value:
            return ()
        step = "day" if len(closes) <= _DRAWN else "week" if len(closes) <= 5 * _DRAWN else "month"
        return tuple(
            structs.replace(close, field="rebased", value=100 * (close.value or Decimal()) / first.value, unit="number",
                            currency=None, status="derived", formula=f"100 * {close.key} / {first.key}",
                            inputs=(close.key, first.key))
            for close in dict.fromkeys((first, *ends(closes, step)))
        )  # fmt: skip

    def moved(self, metric: str, value: Decimal, first: Fact, last: Fact, at: str = "") -> Row:
        """A row of a change between two closes."""
        row = self.row(metric, value, f"{last.key} / {first.key} - 1", [first, last])
        return replace(row, first=first, last=last, at=at)

    def row(self, metric: str, value: Decimal, formula: str, inputs: Sequence[Fact] = ()) -> Row:
        """A row of a figure of the whole span."""
        unit, span = catalogue()[metric].unit, self.span
        fact = Fact(
            symbol=self.symbol,
            field=metric,
            value=value,
            unit="ratio" if unit == "percent" else unit,
            currency=next((fact.currency for fact in inputs), "USD") if unit.startswith("USD") else None,
            period=span.label,
            period_end=span.end,
            as_of=span.end,
            source=next((fact.source for fact in inputs), "embedded closes"),
            statement="price",
            status="derived",
            formula=formula,
            inputs=tuple(fact.key for fact in inputs),
        )
        return Row(self.symbol, metric, fact)

    def missing(self, metric: str, note: str = "", day: date | None = None) -> Row:
        """A row without a figure, by default because there are no closes so early."""
        note = note or self.cube.no_price(self.symbol, day or self.span.inside)
        fact = Fact(symbol=self.symbol, field=metric, period=self.span.label, period_end=self.span.end,
                    statement="price", status="missing", note=note)  # fmt: skip
        return Row(self.symbol, metric, fact)

    def too_few(self, metric: str, fewest: int) -> Row:
        """A row without a figure, because a span has no closes or so few that they say nothing."""
        what = catalogue()[metric].label if metric in catalogue() else metric
        few = f"A {what} needs {fewest} daily returns; {self.cube.name(self.symbol)} has fewer in {self.span.label}."
        if self.noted:
            few = f"A {what} needs daily closes of all of {self.span.label}: there are {self.kind}."
        return self.missing(metric, few if self.closes(self.span.start) else "")


_DRAWN = 70
"""Points of a line of a chart, about."""


def ends(closes: Sequence[Fact], step: str) -> list[Fact]:
    """The last close of each day, week, month or year."""
    form = {"day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m", "year": "%Y"}[step]
    last = {format(fact.period_end or date.min, form): fact for fact in closes}
    return [last[each] for each in sorted(last)]


def _month_end_before(day: date) -> date:
    following = day + timedelta(days=1)
    return day if following.month != day.month else day.replace(day=1) - timedelta(days=1)
