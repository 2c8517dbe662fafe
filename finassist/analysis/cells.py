"""The figures of one metric of one company in the asked periods, and what an operation makes of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import dropwhile
from statistics import median

from finassist.analysis.calendar import Point, rows_of
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import (
    Row,
    as_senseless,
    by_value,
    derived,
    less,
    missing_change,
    not_added,
    over,
    worth,
)
from finassist.analysis.statements import currencies_apart, not_comparable
from finassist.analysis.windows import OF_PRICE, WINDOW_METRICS, counts_moves, window_row
from finassist.core.facts import Fact, Status
from finassist.core.formatting import listed
from finassist.core.metrics import Call, described, parse, spoken
from finassist.core.periods import LATEST, Period, Span, months_back
from finassist.core.query import Query


def cell(query: Query, cube: Cube, symbol: str, metric: str) -> list[Row]:
    """The figures of one metric of one company: one, or one per period of a series."""
    asked = query.asked()
    if metric == "price" and query.operation == "sum":
        fact = Fact(symbol=symbol, field=metric, statement="price")
        return [Row(symbol, metric, not_added(fact, metric, "several periods"))]
    by_day = query.operation in OF_PRICE or counts_moves(query) or is_window(asked)
    if metric in WINDOW_METRICS or (metric == "price" and by_day):
        return [window_row(query, cube, symbol, metric, asked)]
    if _function(metric) == "cagr" and is_series(asked):
        return [_of_whole_span(query, cube, symbol, metric)]
    found = _points(query, cube, symbol, metric)
    if not found:
        return [Row(symbol, metric, _no_period(cube, symbol, metric, asked))]
    if absent := [each for each in asked if not _expanded(cube, symbol, metric, each)]:
        missing = Row(symbol, metric, _no_period(cube, symbol, metric, absent))
        return (
            [missing]
            if query.operation != "none"
            else [missing, *(_plain_row(cube, symbol, metric, each) for each in found)]
        )
    if reason := _unlike(query, metric, found):
        return [Row(symbol, metric, as_senseless(cube.value(symbol, metric, found[-1]), reason))]
    step = _OVER_PERIODS.get(query.operation)
    if step is None or (query.operation in ("sum", "mean", "max", "min", "median") and len(found) == 1):
        rows = [_plain_row(cube, symbol, metric, point) for point in found]
        return [worth(query.stake, row, None) for row in rows] if query.stake else rows
    return step(cube, symbol, metric, found)


def last_cell(query: Query, cube: Cube, symbol: str, metric: str) -> Row:
    """The figure by which a company is ordered or tested; growth over a span is one change, not that of each year."""
    if _function(metric) == "growth" and is_series(query.asked()) and not query.every:
        return _of_whole_span(query, cube, symbol, metric)
    return cell(query, cube, symbol, metric)[-1]


def _of_whole_span(query: Query, cube: Cube, symbol: str, metric: str) -> Row:
    """`growth(x)` or `cagr(x)` of a span: that operation on what stands in the brackets."""
    name, _, inner = metric.partition("(")
    change = query.model_copy(update={"operation": name})
    return replace(cell(change, cube, symbol, inner.removesuffix(")"))[-1], metric=metric)


def _function(metric: str) -> str:
    """The function that a metric is as a whole, such as `growth`; empty where it is none."""
    expression = parse(metric)
    return expression.name if isinstance(expression, Call) else ""


def _unlike(query: Query, metric: str, points: Sequence[Point]) -> str:
    """Why periods are not joined: a quarter is less than a year, and of a run of days only the ends are known."""
    about, name = described(metric), query.operation
    lengths = {_MONTHS.get(point.kind, 0) for point in points}
    if about.kind in ("flow", "per_share") and len(lengths) > 1 and name in _OF_LIKE:
        labels = " and ".join(point.label for point in points)
        return f"The {name} of {about.label} is not meaningful: {labels} are not equally long."
    days = any(isinstance(each, Span) and each.start and each.start.kind in ("day", "month") for each in query.asked())
    if days and name in ("mean", "median", "max", "min", "range"):
        return (
            f"The {name} of {about.label} over days is not computed; ask for years or quarters, such as 2020 to 2024."
        )
    return ""


_MONTHS = {"FY": 12, "TTM": 12, "Q": 3, "H": 6, "9M": 9}
_OF_LIKE = frozenset({"growth", "sequential", "cagr", "sum", "mean", "median", "max", "min", "trend", "range"})


def _plain_row(cube: Cube, symbol: str, metric: str, point: Point) -> Row:
    """A figure with the two inputs of its formula, where it has two."""
    fact = cube.value(symbol, metric, point)
    formula = described(metric).formula
    if fact.status != "derived" or not re.fullmatch(r"[\w()]+ [/-] [\w()]+", formula):
        return Row(symbol, metric, fact)
    return Row(symbol, metric, fact, parts=tuple(cube.inputs(symbol, metric, point)))


def _points(query: Query, cube: Cube, symbol: str, metric: str) -> list[Point]:
    """The asked periods as periods of this company, in order of time where an operation joins them."""
    asked: Sequence[Period | Span] = query.asked() or [_default(query, metric)]
    found = [point for each in asked for point in _expanded(cube, symbol, metric, each)]
    unique = list({point.label: point for point in found}.values())
    return sorted(unique, key=_when) if query.operation != "none" else unique


def _default(query: Query, metric: str) -> Period | Span:
    if (
        query.operation in ("cagr", "trend", "max", "min", "sum", "mean", "median", "range")
        and described(metric).kind != "price"
    ):
        return Span(None, LATEST, _USUAL_YEARS.get(query.operation, 5))
    return LATEST


_USUAL_YEARS = {"cagr": 6, "max": 12, "min": 12}
"""Years of an operation where none are asked; an extreme is that of all years in the data."""


def _expanded(cube: Cube, symbol: str, metric: str, span: Period | Span) -> list[Point]:
    """The periods of this company that one asked period or span is; none where a span has no single length."""
    if isinstance(span, Period):
        steps = [span]
    elif span.start is None:
        steps = [span.end.moved(-back) for back in range(span.count)][::-1] if span.end.kind in _LATEST else []
    else:
        steps = _steps(span.start, _end(cube, symbol, metric, span.start, span.end), described(metric).kind)
        if described(metric).kind == "price" and span.end.kind in _LATEST and span.start.year:
            steps = [*steps[:-1], span.end]
    points = [cube.at(symbol, metric, step) for step in steps]
    return [point for point in points if point] if len(steps) == 1 or all(points) else []


_LATEST = ("latest", "latest quarter", "ttm")
_LENGTHS = (_LATEST, ("year", "calendar", "end"), ("calendar year",), ("quarter",), ("calendar quarter",), ("half",),
            ("nine months",))  # fmt: skip
"""Kinds of periods between which a span can be walked."""


def _steps(start: Period, end: Period, kind: str) -> list[Period]:
    if not any(start.kind in kinds and end.kind in kinds for kinds in _LENGTHS):
        return [start, end] if kind not in ("flow", "per_share") else []
    found = [start]
    while (found[-1].year, found[-1].number, found[-1].shift) < (end.year, end.number, end.shift) and len(found) < 60:
        found.append(found[-1].moved(1))
    return found


def _end(cube: Cube, symbol: str, metric: str, start: Period, end: Period) -> Period:
    """The end of a span in periods as long as its start: `Q1 2024:latest`, `FY2021:latest`, `Q1 2023:FY2024`."""
    number = {"quarter": 4, "calendar quarter": 4, "half": 2}.get(start.kind, 0)
    if end.kind in ("year", "calendar", "end") and number:
        return replace(start, year=end.year, number=number)
    if end.kind not in ("latest", "latest quarter") or not start.year or start.kind in ("day", "month"):
        return end
    latest = cube.at(symbol, metric, Period("latest quarter") if number else end)
    if latest is None:
        return end
    if latest.end and (latest.kind == "DAY" or start.kind == "calendar quarter"):
        month = months_back(latest.end, 1 if number else 0)
        return replace(start, year=month.year, number=(month.month + 2) // 3 if number else start.number)
    return replace(start, year=latest.year, number=latest.number * number // 4 if number else start.number)


def _when(point: Point) -> tuple[int, int, date]:
    months = {"FY": 12, "Q": point.number * 3, "H": point.number * 6, "9M": 9, "TTM": 12}.get(point.kind, 0)
    return point.year, months, point.end or date.min


def is_window(asked: Sequence[Period | Span]) -> bool:
    """Whether a span of days is asked of a price: one span, the trailing twelve months or this year."""
    return is_series(asked) or (len(asked) == 1 and str(asked[0]) in ("TTM", "YTD"))


def is_series(asked: Sequence[Period | Span]) -> bool:
    """Whether one span is asked, not single periods."""
    return len(asked) == 1 and isinstance(asked[0], Span)


def _no_period(cube: Cube, symbol: str, metric: str, asked: Sequence[Period | Span]) -> Fact:
    about, name = described(metric), cube.name(symbol)
    wanted = " and ".join(map(str, asked)) or "any period"
    senseless = cube.senseless(symbol, about)
    note = senseless or f"{about.title} of {name} is not in the data for {wanted}."
    if not senseless and any(isinstance(each, Span) and each.start for each in asked):
        note = f"{wanted} is no run of periods of {name} that are equally long: ask for years or for quarters."
    if not senseless and any(isinstance(each, Period) and each.kind in ("month", "day") for each in asked):
        note = (
            f"Companies report {about.label} by quarter and by year, not by month or day: there is no such "
            f"figure of {name} for {wanted}."
        )
    lacking = [name for name in rows_of(metric) if not cube.years(symbol, name)] if about.formula else []
    if lacking and not senseless and about.kind != "price":
        note = f"{about.title} of {name} cannot be computed: {listed(spoken(each) for each in lacking)} of {name} are"
        note = f"{note if len(lacking) > 1 else note[:-3] + 'is'} not in the data."
    if about.model and about.kind == "price" and not senseless and cube.last_trading_day(symbol) is None:
        note = f"{about.title} of {name} cannot be computed: {cube.no_price(symbol)}"
    status: Status = "not_meaningful" if senseless else "missing"
    return Fact(symbol=symbol, field=metric, period=wanted, statement="ratio", status=status, note=note)


# ------------------------------------------------------------------------------------------------ over several periods


type _Step = Callable[[Cube, str, str, Sequence[Point]], list[Row]]


def _between(change: Callable[[str, Fact, Fact], Fact]) -> _Step:
    """A change from the first period to the last, or from the year before where only one is asked."""

    def step(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
        start = points[0] if len(points) > 1 else cube.before(symbol, points[0], metric)
        first, last = cube.value(symbol, metric, start), cube.value(symbol, metric, points[-1])
        return [Row(symbol, metric, change(metric, first, last), first, last)]

    return step


def _sequential(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    """Growth against the quarter before, not against the same quarter of the year before."""
    last = points[-1]
    before = cube.at(symbol, metric, Period("quarter", last.year, last.number).moved(-1)) if last.kind == "Q" else None
    return _growth(cube, symbol, metric, [before, last] if before and len(points) == 1 else points)


def _changed(metric: str, first: Fact, last: Fact) -> Fact:
    """Growth in percent of an amount, in points of a ratio; not meaningful from a base that is not positive."""
    if first.value is None or last.value is None:
        return missing_change(first, last)
    about = described(metric)
    if reason := _change_apart(first, last):
        return as_senseless(last, f"The change of {about.label} is not meaningful: {reason}.")
    if about.unit == "percent":
        return derived(last, f"change of {metric}", last.value - first.value, "points", [first, last], "{b} - {a}")
    if first.value <= 0:
        note = f"Growth in percent is not meaningful: {about.label} was not positive in {first.period}."
        return derived(last, f"growth of {metric}", None, "ratio", [first, last], "", note)
    value = last.value / first.value - 1
    return derived(last, f"growth of {metric}", value, "ratio", [first, last], "{b} / {a} - 1")


def _change_apart(first: Fact, last: Fact) -> str:
    return currencies_apart((first, last)) or not_comparable(last, first)


def _cagr(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    if len(points) < 2:
        return _growth(cube, symbol, metric, points)
    first, last = cube.value(symbol, metric, points[0]), cube.value(symbol, metric, points[-1])
    if first.value is None or last.value is None:
        return [Row(symbol, metric, missing_change(first, last))]
    if reason := _change_apart(first, last):
        return [Row(symbol, metric, as_senseless(last, f"A compound rate is not meaningful: {reason}."))]
    if described(metric).unit == "percent":
        note = (
            f"A compound rate of {described(metric).label} is not meaningful; ask for its change, which is in points."
        )
        return [Row(symbol, metric, as_senseless(last, note))]
    years = _years_between(points[0], points[-1])
    if first.value <= 0 or last.value <= 0 or years <= 0:
        note = f"A compound rate needs positive figures at both ends: {described(metric).label} was not."
        return [Row(symbol, metric, derived(last, f"cagr of {metric}", None, "ratio", [first, last], "", note))]
    rate = Decimal(repr(float(last.value / first.value) ** (1 / years) - 1))
    fact = derived(last, f"cagr of {metric}", rate, "ratio", [first, last], f"({{b}} / {{a}}) ^ (1 / {years!r}) - 1")
    return [Row(symbol, metric, fact, first, last, f"{round(years, 2):g}")]


def _years_between(first: Point, last: Point) -> float:
    if first.kind == last.kind == "FY":
        return last.year - first.year
    if first.kind == last.kind and first.number:
        per_year = 2 if first.kind == "H" else 4
        return last.year - first.year + (last.number - first.number) / per_year
    return ((last.end - first.end).days / 365.25) if first.end and last.end else 0


def _sum(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    facts = [cube.value(symbol, metric, point) for point in points]
    if not described(metric).summable():
        return [Row(symbol, metric, not_added(facts[-1], metric, "several periods"))]
    return [folded(symbol, metric, facts, "sum")]


def _middle(how: str) -> _Step:
    return lambda cube, symbol, metric, points: [
        folded(symbol, metric, [cube.value(symbol, metric, point) for point in points], how)
    ]


def folded(symbol: str, metric: str, facts: Sequence[Fact], how: str) -> Row:
    """The `sum`, `mean` or `median` of figures; missing where one of them is."""
    if missing := next((fact for fact in facts if not fact.known), None):
        return Row(symbol, metric, missing)
    if reason := currencies_apart(facts):
        return Row(symbol, metric, as_senseless(facts[-1], f"A {how} is not meaningful: {reason}."))
    values = [fact.value for fact in facts if fact.value is not None]
    total = median(values) if how == "median" else sum(values, Decimal())
    total = total / len(values) if how == "mean" else total
    fact = derived(facts[-1], f"{how} of {metric}", total, facts[-1].unit, facts, f"{how} of {len(facts)} figures")
    return Row(symbol, metric, fact, facts[0], facts[-1], how)


def _extreme(pick: Callable[..., Row], how: str) -> _Step:
    def step(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
        rows = [Row(symbol, metric, cube.value(symbol, metric, point), at=how) for point in points]
        since = list(dropwhile(lambda row: not row.known, rows))  # the data may begin later than the usual years
        if not since:
            return rows[-1:]
        known = [row for row in since if row.known]
        found = replace(pick(known, key=by_value), first=known[0].fact, last=known[-1].fact)
        return [*(row for row in since if not row.known), found]

    return step


def _range(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    """The highest figure less the lowest."""
    facts = [cube.value(symbol, metric, point) for point in points]
    if missing := next((fact for fact in facts if not fact.known), None):
        return [Row(symbol, metric, missing)]
    low, high = (pick(facts, key=lambda fact: fact.value or Decimal()) for pick in (min, max))
    return [Row(symbol, metric, less(metric, high, low), low, high, "range")]


def _trend(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    if len(points) == 1:
        points = [cube.before(symbol, points[0], metric), points[0]]
    return [Row(symbol, metric, cube.value(symbol, metric, point)) for point in points]


_growth = _between(_changed)
_OVER_PERIODS: dict[str, _Step] = {
    "growth": _growth,
    "sequential": _sequential,
    "cagr": _cagr,
    "difference": _between(lambda metric, first, last: less(metric, last, first)),
    "times": _between(lambda metric, first, last: over(metric, last, first)),
    "sum": _sum,
    "mean": _middle("mean"),
    "median": _middle("median"),
    "max": _extreme(max, "highest"),
    "min": _extreme(min, "lowest"),
    "trend": _trend,
    "range": _range,
}
