"""A query and facts to what was asked: figures, changes, comparisons, ranks, screens. Pure.

`execute(query, cube)` gives an `Outcome`: rows of facts, the one figure where one was asked, and a gap for whatever was
asked and is not there. Sentences and tables are made of it in `finassist.reporting`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from finassist.analysis import windows
from finassist.analysis.cube import Cube, Member, Point
from finassist.core.facts import Fact, Gap
from finassist.core.metrics import described, lines
from finassist.core.periods import LATEST, Period, Span
from finassist.core.query import Filter, Query

Shape = Literal["values", "series", "change", "cagr", "difference", "times", "sum", "mean", "extreme", "window",
                "order", "count", "nothing"]  # fmt: skip

_WINDOW_METRICS = frozenset({"price_change", "total_return", "max_drawdown", "volatility", "beta"})
_MARKET = frozenset({"price", "cover_shares", "trailing_eps"})


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


def execute(query: Query, cube: Cube) -> Outcome:
    """The outcome of a query over the facts at hand.

    Args:
        query: What is asked; its companies are known to the cube.
        cube: The facts.
    """
    if query.scope == "universe":
        return _universe(query, cube)
    if len(query.companies) > 1 and query.intent in ("compare", "rank", "screen"):
        return _ordered(query, cube, query.companies)
    if len(query.companies) > 1 and query.operation in _ACROSS and not _several_points(query):
        return _across(query, cube)
    return _each(query, cube)


# ---------------------------------------------------------------------------------------- one cell


def _each(query: Query, cube: Cube) -> Outcome:
    """Every company and metric by itself."""
    rows = [row for symbol in query.companies for metric in query.metrics for row in cell(query, cube, symbol, metric)]
    known = tuple(row for row in rows if row.known)
    figure = known[0].fact if len(known) == 1 or query.operation in _SINGLE else None
    return Outcome(query, _shape(query, known), known, figure if known else None, _gaps(rows))


def cell(query: Query, cube: Cube, symbol: str, metric: str) -> list[Row]:
    """The figures of one metric of one company: one, or one per period of a series."""
    asked = query.asked()
    if metric in _WINDOW_METRICS or (metric == "price" and (query.operation in _OF_PRICE or _is_series(asked))):
        return [_window_row(query, cube, symbol, metric, asked)]
    found = _points(query, cube, symbol, metric)
    if not found:
        return [Row(symbol, metric, _no_period(cube, symbol, metric, asked))]
    step = _OVER_PERIODS.get(query.operation)
    if step is None or (query.operation in ("sum", "mean", "max", "min", "median") and len(found) == 1):
        return [_plain_row(cube, symbol, metric, point) for point in found]
    return step(cube, symbol, metric, found)


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
    found: list[Point] = []
    for each in asked:
        found += (
            _expanded(cube, symbol, metric, each) if isinstance(each, Span) else _single(cube, symbol, metric, each)
        )
    unique = list({point.label: point for point in found}.values())
    return sorted(unique, key=_when) if query.operation != "none" else unique


def _single(cube: Cube, symbol: str, metric: str, period: Period) -> list[Point]:
    point = cube.at(symbol, metric, period)
    return [point] if point else []


def _default(query: Query, metric: str) -> Period | Span:
    if query.operation in ("cagr", "trend", "max", "min", "sum", "mean") and described(metric).kind != "price":
        return Span(None, LATEST, 6 if query.operation == "cagr" else 5)
    return LATEST


def _expanded(cube: Cube, symbol: str, metric: str, span: Span) -> list[Point]:
    """Every period of a span."""
    if span.start is None:
        last = cube.at(symbol, metric, span.end) if span.end.kind in ("latest", "latest quarter") else None
        if last is None:
            return []
        steps = [span.end.moved(-back) for back in range(span.count)][::-1]
        return [point for step in steps if (point := cube.at(symbol, metric, step))]
    if span.start.kind in ("quarter", "calendar quarter", "half"):
        end = span.end if span.end.kind == span.start.kind else _end_quarter(cube, symbol, metric, span.end)
        return _walk(cube, symbol, metric, span.start, end)
    start = cube.at(symbol, metric, span.start)
    end = cube.at(symbol, metric, span.end)
    if start is None or end is None:
        return [point for point in (start, end) if point]
    if start.kind != "FY" or end.kind != "FY":
        return [start, end]
    return _walk(cube, symbol, metric, Period("year", start.year), Period("year", end.year))


def _end_quarter(cube: Cube, symbol: str, metric: str, end: Period) -> Period:
    if end.kind in ("latest", "latest quarter") and (point := cube.at(symbol, metric, Period("latest quarter"))):
        return Period("quarter", point.year, point.number)
    return Period("quarter", end.year, 4)


def _walk(cube: Cube, symbol: str, metric: str, start: Period, end: Period) -> list[Point]:
    found: list[Point] = []
    step = start
    while (step.year, step.number) <= (end.year, end.number) and len(found) < 60:
        found += _single(cube, symbol, metric, step)
        step = step.moved(1)
    return found


def _when(point: Point) -> tuple[int, int, date]:
    months = {"FY": 12, "Q": point.number * 3, "H": point.number * 6, "9M": 9, "TTM": 12}.get(point.kind, 0)
    return point.year, months, point.end or date.min


def _is_series(asked: Sequence[Period | Span]) -> bool:
    return len(asked) == 1 and isinstance(asked[0], Span)


def _several_points(query: Query) -> bool:
    return len(query.periods) > 1 or any(isinstance(each, Span) for each in query.asked())


def _no_period(cube: Cube, symbol: str, metric: str, asked: Sequence[Period | Span]) -> Fact:
    about = described(metric)
    wanted = " and ".join(map(str, asked)) or "any period"
    note = _refused_period(cube, symbol, metric, asked) or (
        f"{about.title} of {cube.name(symbol)} is not in the data for {wanted}.")  # fmt: skip
    return Fact(symbol=symbol, field=metric, period=wanted, statement="ratio", status="missing", note=note)


def _refused_period(cube: Cube, symbol: str, metric: str, asked: Sequence[Period | Span]) -> str | None:
    if any(isinstance(each, Period) and each.kind in ("month", "day") for each in asked):
        return (
            f"Companies report {described(metric).label} by quarter and by year, not by month or day: there is no such "
            f"figure of {cube.name(symbol)} for {' and '.join(map(str, asked))}."
        )
    return None


# --------------------------------------------------------------------------- operations over periods


def _growth(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    start = points[0] if len(points) > 1 else cube.before(symbol, points[0], metric)
    first, last = cube.value(symbol, metric, start), cube.value(symbol, metric, points[-1])
    return [Row(symbol, metric, _changed(metric, first, last), first, last)]


def _changed(metric: str, first: Fact, last: Fact) -> Fact:
    """Growth in percent of an amount, in points of a ratio; not meaningful from a base that is not positive."""
    if first.value is None or last.value is None:
        return _missing_change(first, last)
    about = described(metric)
    if about.unit == "percent":
        return _made(last, f"change of {metric}", last.value - first.value, "points", [first, last], "{b} - {a}")
    if first.value <= 0:
        note = f"Growth in percent is not meaningful: {about.label} was not positive in {first.period}."
        return _made(last, f"growth of {metric}", None, "ratio", [first, last], "", note)
    value = last.value / first.value - 1
    return _made(last, f"growth of {metric}", value, "ratio", [first, last], "{b} / {a} - 1")


def _cagr(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    if len(points) < 2:
        return _growth(cube, symbol, metric, points)
    first, last = cube.value(symbol, metric, points[0]), cube.value(symbol, metric, points[-1])
    if first.value is None or last.value is None:
        return [Row(symbol, metric, _missing_change(first, last))]
    years = _years_between(points[0], points[-1])
    if first.value <= 0 or last.value <= 0 or years <= 0:
        note = f"A compound rate needs positive figures at both ends: {described(metric).label} was not."
        return [Row(symbol, metric, _made(last, f"cagr of {metric}", None, "ratio", [first, last], "", note))]
    rate = Decimal(repr(float(last.value / first.value) ** (1 / years) - 1))
    fact = _made(last, f"cagr of {metric}", rate, "ratio", [first, last], f"({{b}} / {{a}}) ^ (1/{years:g}) - 1")
    return [Row(symbol, metric, fact, first, last, f"{years:g}")]


def _years_between(first: Point, last: Point) -> float:
    if first.kind == last.kind == "FY":
        return last.year - first.year
    if first.kind == last.kind and first.number:
        per_year = {"Q": 4, "H": 2}.get(first.kind, 1)
        return last.year - first.year + (last.number - first.number) / per_year
    return ((last.end - first.end).days / 365.25) if first.end and last.end else 0


def _difference(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    start = points[0] if len(points) > 1 else cube.before(symbol, points[0], metric)
    first, last = cube.value(symbol, metric, start), cube.value(symbol, metric, points[-1])
    return [Row(symbol, metric, _less(metric, last, first), first, last)]


def _less(metric: str, minuend: Fact, subtrahend: Fact) -> Fact:
    if minuend.value is None or subtrahend.value is None:
        return _missing_change(subtrahend, minuend)
    unit = "points" if described(metric).unit == "percent" else minuend.unit
    value = minuend.value - subtrahend.value
    return _made(minuend, f"difference of {metric}", value, unit, [subtrahend, minuend], "{b} - {a}")


def _times(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    start = points[0] if len(points) > 1 else cube.before(symbol, points[0], metric)
    first, last = cube.value(symbol, metric, start), cube.value(symbol, metric, points[-1])
    return [Row(symbol, metric, _over(metric, last, first), first, last)]


def _over(metric: str, above: Fact, below: Fact) -> Fact:
    if above.value is None or not below.value:
        return _missing_change(below, above)
    return _made(above, f"times {metric}", above.value / below.value, "times", [below, above], "{b} / {a}")


def _sum(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    facts = [cube.value(symbol, metric, point) for point in points]
    if not described(metric).summable():
        note = f"{described(metric).title} cannot be added up over several periods; ask for its mean or for each year."
        return [Row(symbol, metric, replace_status(facts[-1], note))]
    return [_folded(symbol, metric, facts, "sum")]


def _mean(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    return [_folded(symbol, metric, [cube.value(symbol, metric, point) for point in points], "mean")]


def _folded(symbol: str, metric: str, facts: Sequence[Fact], how: str) -> Row:
    if missing := next((fact for fact in facts if not fact.known), None):
        return Row(symbol, metric, missing)
    values = [fact.value for fact in facts if fact.value is not None]
    if how == "median":
        middle = sorted(values)
        half = len(middle) // 2
        total = middle[half] if len(middle) % 2 else (middle[half - 1] + middle[half]) / 2
    else:
        total = sum(values, Decimal())
        total = total / len(values) if how == "mean" else total
    fact = _made(facts[-1], f"{how} of {metric}", total, facts[-1].unit, facts, f"{how} of {len(facts)} figures")
    return Row(symbol, metric, fact, facts[0], facts[-1], how)


def _extreme(pick: Callable[..., Row], how: str) -> Callable[[Cube, str, str, Sequence[Point]], list[Row]]:
    def step(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
        rows = [Row(symbol, metric, cube.value(symbol, metric, point), at=how) for point in points]
        known = [row for row in rows if row.known]
        return [pick(known, key=lambda row: row.fact.value or Decimal())] if known else rows[-1:]

    return step


def _trend(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    if len(points) == 1:
        points = [cube.before(symbol, points[0], metric), points[0]]
    return [Row(symbol, metric, cube.value(symbol, metric, point)) for point in points]


_OVER_PERIODS: dict[str, Callable[[Cube, str, str, Sequence[Point]], list[Row]]] = {
    "growth": _growth, "cagr": _cagr, "difference": _difference, "times": _times, "sum": _sum, "mean": _mean,
    "max": _extreme(max, "highest"), "min": _extreme(min, "lowest"), "trend": _trend,
}  # fmt: skip


# ------------------------------------------------------------------------------------------- prices


def _window_row(query: Query, cube: Cube, symbol: str, metric: str, asked: Sequence[Period | Span]) -> Row:
    span = windows.window(cube, symbol, asked)
    if span is None:
        fact = Fact(symbol=symbol, field=metric, statement="price", status="missing",
                    note=f"There are no prices of {cube.name(symbol)} in the data.")  # fmt: skip
        return Row(symbol, metric, fact)
    move = _move(query, cube, symbol, metric, span)
    return Row(symbol, metric, move.fact, move.first, move.last, move.at)


def _move(query: Query, cube: Cube, symbol: str, metric: str, span: windows.Window) -> windows.Move:
    month_ends = query.unit == "month-end"
    match query.operation, metric:
        case "best month", _:
            return windows.best_month(cube, symbol, span)
        case "worst month", _:
            return windows.best_month(cube, symbol, span, worst=True)
        case "high" | "max", "price":
            return windows.extreme(cube, symbol, span, month_ends=month_ends)
        case "low" | "min", "price":
            return windows.extreme(cube, symbol, span, low=True, month_ends=month_ends)
        case "mean", "price":
            return windows.mean_close(cube, symbol, span)
        case "difference", "price":
            return _price_difference(cube, symbol, span)
        case "cagr", "price" | "price_change" | "total_return":
            return _annual_rate(windows.change(cube, symbol, span, dividends=metric == "total_return"), span)
        case _, "max_drawdown":
            return windows.drawdown(cube, symbol, span)
        case _, "volatility":
            return windows.volatility(cube, symbol, span)
        case _, "beta":
            return windows.beta(cube, symbol, span)
        case _:
            return windows.change(cube, symbol, span, dividends=metric == "total_return")


def _price_difference(cube: Cube, symbol: str, span: windows.Window) -> windows.Move:
    move = windows.change(cube, symbol, span)
    if move.first is None or move.last is None:
        return move
    return windows.Move(_less("price", move.last, move.first), move.first, move.last)


def _annual_rate(move: windows.Move, span: windows.Window) -> windows.Move:
    if move.first is None or move.last is None or move.fact.value is None:
        return move
    years = (span.end - span.start).days / 365.25
    rate = Decimal(repr(float(1 + move.fact.value) ** (1 / years) - 1)) if years > 0 else move.fact.value
    fact = _made(
        move.fact, "cagr of price", rate, "ratio", [move.first, move.last], f"({{b}} / {{a}}) ^ (1/{years:.2f}) - 1"
    )
    return windows.Move(fact, move.first, move.last, f"{years:.1f}")


_OF_PRICE = frozenset({"growth", "difference", "best month", "worst month", "high", "low", "max", "min", "mean", "cagr",
                       "trend"})  # fmt: skip


# ------------------------------------------------------------------------------------ across companies


def _across(query: Query, cube: Cube) -> Outcome:
    """Sums, means, differences and multiples of several companies in one period."""
    metric = query.metrics[0]
    plain = query.model_copy(update={"operation": "none"})
    rows = [row for symbol in query.companies for row in cell(plain, cube, symbol, metric)]
    known = tuple(row for row in rows if row.known)
    gaps = _gaps(rows)
    if len(known) < len(rows) or len(known) < 2:
        return Outcome(query, "values", known, None, gaps)
    facts = [row.fact for row in known]
    if query.operation in ("sum", "mean", "median"):
        figure = _folded("", metric, facts, query.operation).fact
    elif query.operation == "times":
        figure = _over(metric, facts[0], facts[1])
    elif query.operation == "share":
        total = _folded("", metric, facts, "sum").fact
        figure = _made(facts[0], f"share of {metric}", (facts[0].value or Decimal()) / (total.value or Decimal(1)),
                       "ratio", facts, "{a} / sum")  # fmt: skip
    else:
        figure = _less(metric, facts[0], facts[1])
    shape: Shape = {"sum": "sum", "mean": "mean", "median": "mean", "times": "times"}.get(query.operation, "difference")  # type: ignore[assignment]
    return Outcome(query, shape, known, figure, gaps)


_ACROSS = frozenset({"sum", "mean", "median", "difference", "times", "share"})
_SINGLE = frozenset({"growth", "cagr", "difference", "times", "sum", "mean", "max", "min"})


def _ordered(query: Query, cube: Cube, symbols: Sequence[str]) -> Outcome:
    """Companies in order of a figure: for comparisons and ranks."""
    metric = query.metrics[0]
    rows = [cell(query, cube, symbol, metric)[-1] for symbol in symbols]
    known = sorted((row for row in rows if row.known), key=_by_value, reverse=query.order >= 0)
    more = [cell(query, cube, symbol, other)[-1] for other in query.metrics[1:] for symbol in symbols]
    shown = known[: query.limit] if query.limit else known
    return Outcome(query, "order", tuple(shown), shown[0].fact if shown else None, _gaps([*rows, *more]),
                   more=tuple(row for row in more if row.known), matches=len(known))  # fmt: skip


def _by_value(row: Row) -> Decimal:
    return row.fact.value or Decimal()


# ------------------------------------------------------------------------------------------- universe


def _universe(query: Query, cube: Cube) -> Outcome:
    members = [m for m in cube.members.values() if m.primary in ("", m.symbol) and in_sector(m, query.sectors)]
    metric = query.metrics[0] if query.metrics else query.where[0].metric
    if not query.periods and (year := _usual_year(cube, members, metric)):
        query = query.model_copy(update={"periods": [f"FY{year}"]})
    found: list[Row] = []
    left_out = 0
    for member in members:
        conditions = [_condition(cube, member.symbol, each, query) for each in query.where]
        row = cell(query, cube, member.symbol, metric)[-1]
        if None in conditions or not row.known:
            left_out += 1
        elif all(conditions):
            found.append(row)
    return _universe_outcome(query, cube, metric, members, found, left_out)


def _usual_year(cube: Cube, members: Sequence[Member], metric: str) -> int | None:
    """The latest fiscal year that most companies have, so that a rank compares one year; `None` for market figures."""
    if described(metric).kind == "price":
        return None
    years = Counter(year for member in members if (year := cube.latest_year(member.symbol, metric)))
    return max(years, key=lambda year: (years[year], year)) if years else None


def _universe_outcome(
    query: Query, cube: Cube, metric: str, members: Sequence[object], found: list[Row], left_out: int
) -> Outcome:
    ordered = sorted(found, key=_by_value, reverse=query.order >= 0)
    common = {"considered": len(members), "left_out": left_out, "matches": len(ordered)}
    if query.operation == "count":
        count = Fact(symbol="", field=f"count of {metric}", value=Decimal(len(ordered)), unit="count", statement="ratio",
                     period=", ".join(query.periods), status="derived", formula="count")  # fmt: skip
        return Outcome(query, "count", tuple(ordered[:10]), count, **common)
    if query.operation in ("sum", "mean", "median") and ordered:
        figure = _folded("", metric, [row.fact for row in ordered], query.operation).fact
        return Outcome(query, "sum" if query.operation == "sum" else "mean", tuple(ordered[:5]), figure, **common)
    shown = ordered[: query.limit] if query.limit else ordered
    more = [cell(query, cube, row.symbol, other)[-1] for other in query.metrics[1:] for row in shown]
    figure = shown[0].fact if shown and query.limit == 1 else None
    return Outcome(query, "order", tuple(shown), figure, more=tuple(r for r in more if r.known), **common)


def _condition(cube: Cube, symbol: str, condition: Filter, query: Query) -> bool | None:
    """Whether a company fulfils a condition; `None` where its figure is not known."""
    periods = [condition.period] if condition.period else query.periods
    asked = query.model_copy(update={"periods": periods, "operation": "none"})
    fact = cell(asked, cube, symbol, condition.metric)[-1].fact
    if fact.value is None or not fact.known:
        return None
    value = float(fact.value)
    match condition.comparator:
        case ">":
            return value > condition.number
        case ">=":
            return value >= condition.number
        case "<":
            return value < condition.number
        case "<=":
            return value <= condition.number
        case "between":
            return condition.number <= value <= (condition.upper or condition.number)


def in_sector(member: object, sectors: Iterable[str]) -> bool:
    """Whether a company belongs to one of the sectors or industries, or no sector is asked."""
    wanted = [sector.casefold() for sector in sectors]
    own = (str(getattr(member, "sector", "")).casefold(), str(getattr(member, "sub_industry", "")).casefold())
    return not wanted or any(sector == own[0] or sector in own[1] for sector in wanted)


# --------------------------------------------------------------------------------------------- shared


def _shape(query: Query, rows: Sequence[Row]) -> Shape:
    if not rows:
        return "nothing"
    if rows[0].metric in _WINDOW_METRICS or query.operation in ("best month", "worst month", "high", "low"):
        return "window"
    if rows[0].metric == "price" and (query.operation in _OF_PRICE or _is_series(query.asked())):
        return "window"
    shapes: dict[str, Shape] = {
        "growth": "change", "cagr": "cagr", "difference": "difference", "times": "times", "sum": "sum", "mean": "mean",
        "max": "extreme", "min": "extreme", "trend": "series",
    }  # fmt: skip
    found = shapes.get(query.operation)
    if found in ("sum", "mean", "extreme") and not any(row.at for row in rows):
        found = None
    return found or ("series" if _is_series(query.asked()) and len(rows) > 1 else "values")


def _gaps(rows: Iterable[Row]) -> tuple[Gap, ...]:
    missing = {(row.symbol, row.metric, row.fact.period): row for row in rows if not row.known}
    return tuple(
        Gap(symbol=row.symbol, need=row.metric, reason=row.fact.note or f"{row.metric} is not in the data.",
            error="NotMeaningful" if row.fact.status == "not_meaningful" else "NotInData")
        for row in missing.values()
    )  # fmt: skip


def _missing_change(first: Fact, last: Fact) -> Fact:
    absent = first if first.value is None else last
    return replace_status(absent, absent.note or "A figure it needs is not in the data.")


def replace_status(fact: Fact, note: str) -> Fact:
    """The same figure as one that is not there, with the reason."""
    return Fact(symbol=fact.symbol, field=fact.field, unit=fact.unit, period=fact.period, period_end=fact.period_end,
                statement=fact.statement, status="missing" if fact.status != "not_meaningful" else fact.status,
                note=note)  # fmt: skip


def _made(
    like: Fact,
    name: str,
    value: Decimal | None,
    unit: str,
    inputs: Sequence[Fact],
    formula: str,
    note: str | None = None,
) -> Fact:
    """A derived fact of the symbol and period of another."""
    keys = [fact.key for fact in inputs]
    days = [fact.as_of for fact in inputs if fact.as_of]
    return Fact(
        symbol=like.symbol,
        field=name,
        value=value,
        unit=unit,
        currency="USD" if unit.startswith("USD") else None,
        period=like.period,
        period_end=like.period_end,
        as_of=max(days, default=None),
        source=like.source,
        statement="ratio",
        status="derived" if value is not None else "not_meaningful",
        formula=formula.format(a=keys[0], b=keys[-1]) if formula and keys else None,
        inputs=tuple(keys),
        note=note,
    )


def needed(query: Query) -> tuple[frozenset[str], bool]:
    """The reported lines that a query rests on, and whether it needs share prices."""
    metrics = [*query.metrics, *(condition.metric for condition in query.where)]
    found = frozenset[str]().union(*(lines(metric) for metric in metrics)) if metrics else frozenset[str]()
    behind = {_BEHIND[name] for name in found & _BEHIND.keys()}
    return found - _MARKET - _WINDOW_METRICS | behind, bool(found & (_MARKET | _WINDOW_METRICS))


_BEHIND = {"trailing_eps": "eps_diluted", "cover_shares": "shares_diluted"}


def with_companies(query: Query, symbols: Sequence[str]) -> Query:
    """The same query about other companies."""
    return query.model_copy(update={"companies": list(symbols)})
