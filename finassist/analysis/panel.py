"""One metric of many companies in many periods, for frames that factors are made of. Pure.

`Cube` is asked figure by figure where something may stand against one: a note, another currency, a base that is not
above zero, a fiscal year of another length. All other figures of fiscal years are the same arithmetic on the same
decimals, over whole columns at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import product
from operator import add, mul, sub

from msgspec import structs

from finassist.analysis.cells import last_cell
from finassist.analysis.cube import Cube
from finassist.analysis.needs import needed
from finassist.analysis.statements import A_YEAR, NOT_COMPARABLE, UNREPORTED_ZERO
from finassist.core.facts import Fact
from finassist.core.metrics import Binary, Call, Expression, Metric, Number, Ref, catalogue, described, parse, unit_of
from finassist.core.periods import Period, Span
from finassist.core.query import Query

type Column = list[Decimal | None]
"""A figure for each company and year; `None` where it is absent, or where the cube has to be asked."""

_YEARS = ("year", "calendar", "end")
_OF_TWO: Mapping[str, Callable[[Decimal, Decimal], Decimal | None]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": lambda above, below: above / below if below > 0 else None,
    "avg": lambda now, before: (before + now) / 2,
    "growth": lambda now, before: now / before - 1 if before > 0 else None,
}
"""What a sign or a function makes of two figures; `None` where the cube is to say what it is, or why it is nothing."""

_AGAINST = (NOT_COMPARABLE, UNREPORTED_ZERO, "split")
"""Words of a note that may stand against what is computed from a figure."""


def columns_of(asked: Sequence[Period | Span]) -> list[Period]:
    """The periods of a panel: each of the calendar or of fiscal years, the same for all companies.

    Raises:
        ValueError: One is relative to a company, or has no steps of a known length.

    Example:
        >>> [str(period) for period in columns_of([Span(Period.parse("2024-11"), Period.parse("2025-01"))])]
        ['2024-11', '2024-12', '2025-01']
    """
    found = [period for each in asked for period in _steps(each)]
    if wrong := next((period for period in found if not period.year), None):
        raise ValueError(f"“{wrong}” is another period for each company. Write FY2014:FY2025, Q1 2024 or 2024-03.")
    return list(dict.fromkeys(found))


def _steps(each: Period | Span) -> Iterator[Period]:
    if isinstance(each, Period):
        yield each
        return
    step, end = each.start, each.end
    if step is None or step.kind != end.kind or step.kind == "day" or not step.year:
        raise ValueError(f"“{each}” has no steps. Write FY2014:FY2025, Q1 2020:Q4 2024 or 2020-01:2024-12.")
    while (step.year, step.number) <= (end.year, end.number):
        yield step
        step = _next_month(step) if step.kind == "month" else step.moved(1)


def _next_month(period: Period) -> Period:
    return Period("month", period.year + period.number // 12, period.number % 12 + 1)


def query_of(metric: str, periods: Iterable[Period], as_of: date | None = None) -> Query:
    """The query over all companies that a panel answers."""
    return Query(metrics=[metric], scope="universe", periods=[*map(str, periods)], as_of=as_of)


def figures(metric: str, cube: Cube, symbols: Sequence[str], periods: Sequence[Period]) -> Iterator[Fact]:
    """The figure of each company in each period, or a fact without a value whose note says what lacks."""
    asked = {period: query_of(metric, [period]) for period in periods}
    for symbol, (period, query) in product(symbols, asked.items()):
        fact = last_cell(query, cube, symbol, metric).fact
        yield structs.replace(fact, symbol=symbol, field=metric, period=str(period))


def values(
    metric: str, cube: Cube, symbols: Sequence[str], periods: Sequence[Period]
) -> Iterator[tuple[str, str, Decimal, str | None]]:
    """Symbol, period, value and currency of each figure that is known: what `figures` has, sooner."""
    cells = [*product(symbols, periods)]
    plain = _Columns(cube, [(symbol, period.year) for symbol, period in cells])
    yearly = not needed(query_of(metric, periods)).prices and all(period.kind in _YEARS for period in periods)
    node = Ref(metric) if metric in catalogue() else parse(metric)
    column = plain.of(node) if yearly else [None] * len(cells)
    currency = "USD" if described(metric).unit.startswith("USD") else None
    for place, (symbol, period) in enumerate(cells):
        if (value := column[place]) is not None:
            yield symbol, str(period), value, currency
        elif place not in plain.absent:
            for fact in figures(metric, cube, [symbol], [period]):
                if fact.known and fact.value is not None:
                    yield symbol, fact.period, fact.value, fact.currency


class _Columns:
    """Expressions over all companies and fiscal years at once, where nothing may stand against a figure.

    Attributes:
        absent: The places at which a line is not there, and so no figure is.
    """

    def __init__(self, cube: Cube, cells: Sequence[tuple[str, int]]) -> None:
        self.cube, self.cells = cube, cells
        self.absent: set[int] = set()
        self._known: dict[tuple[Expression, int], Column] = {}

    def of(self, node: Expression, back: int = 0) -> Column:
        """An expression in each year, or so many years before it."""
        if (node, back) not in self._known:
            self._known[node, back] = self._made(node, back)
        return self._known[node, back]

    def _made(self, node: Expression, back: int) -> Column:
        match node:
            case Number(value=value):
                return [Decimal(repr(value))] * len(self.cells)
            case Ref(id=name):
                return self._metric(name, back)
            case Call(name="times" | "ttm" | "latest", argument=argument):
                return self.of(argument, back)
            case Call(name="passed", argument=argument):
                return [None if value is None else Decimal(value > 0) for value in self.of(argument, back)]
            case Call(name="prev", argument=argument):
                return self.of(argument, back + 1)
            case Call(name="growth", argument=argument) if unit_of(argument) == "percent":
                return _each(sub, self.of(argument, back), self.of(argument, back + 1))
            case Call(name="avg" | "growth" as name, argument=argument):
                return _each(_OF_TWO[name], self.of(argument, back), self.of(argument, back + 1))
            case Binary(sign=sign, left=left, right=right):
                return _each(_OF_TWO[sign], self.of(left, back), self.of(right, back))
            case _:
                return [None] * len(self.cells)

    def _metric(self, name: str, back: int) -> Column:
        about = described(name)
        if about.kind in ("price", "assumption") or about.between or about.rests_on:
            return [None] * len(self.cells)
        found = self._formula(about, back) if about.formula else self._line(about, back)
        if not about.without:
            return found
        senseless = {symbol for symbol, _ in self.cells if self.cube.senseless(symbol, about)}
        return [None if symbol in senseless else value for (symbol, _), value in zip(self.cells, found, strict=True)]

    def _formula(self, about: Metric, back: int) -> Column:
        formula = parse(about.formula)
        found = self.of(formula, back)
        for each, year in _inputs(formula, back):
            if each.id == about.positive:
                found = _each(lambda value, base: value if base > 0 else None, found, self.of(each, year))
        return found

    def _line(self, about: Metric, back: int) -> Column:
        found: Column = []
        for place, (symbol, year) in enumerate(self.cells):
            series = self.cube.series(symbol, about.id)
            fact = series.get(f"FY{year - back}")
            if fact is None or not fact.known:
                self.absent.add(place)
            usual = fact is not None and _usual(fact, about.unit) and (not back or _a_year_apart(series, year - back))
            found.append(fact.value if fact is not None and usual else None)
        return found


def _inputs(node: Expression, back: int) -> Iterator[tuple[Ref, int]]:
    """What an expression names, each with how many years before it stands."""
    match node:
        case Ref():
            yield node, back
        case Binary(left=left, right=right):
            yield from (*_inputs(left, back), *_inputs(right, back))
        case Call(name=name, argument=argument):
            for years in {"prev": (1,), "avg": (0, 1), "growth": (0, 1)}.get(name, (0,)):
                yield from _inputs(argument, back + years)
        case _:
            return


def _usual(fact: Fact, unit: str) -> bool:
    """Whether nothing can stand against what is computed from a figure, whatever it is set against."""
    alike = fact.unit == unit and fact.currency == ("USD" if unit.startswith("USD") else None)
    return fact.known and alike and not (fact.note and any(word in fact.note for word in _AGAINST))


def _a_year_apart(series: Mapping[str, Fact], year: int) -> bool:
    before, now = (fact.period_end if (fact := series.get(f"FY{each}")) else None for each in (year, year + 1))
    return before is not None and now is not None and (now - before).days in A_YEAR


def _each(work: Callable[[Decimal, Decimal], Decimal | None], left: Column, right: Column) -> Column:
    return [None if a is None or b is None else work(a, b) for a, b in zip(left, right, strict=True)]
