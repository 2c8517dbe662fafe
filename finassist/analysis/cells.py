"""The figures of one metric of one company in the asked periods. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from finassist.analysis import windows
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Row
from finassist.analysis.over_periods import OVER_PERIODS, derived, less
from finassist.analysis.points import Point
from finassist.core.facts import Fact
from finassist.core.metrics import described
from finassist.core.periods import LATEST, Period, Span
from finassist.core.query import Query

WINDOW_METRICS = frozenset({"price_change", "total_return", "max_drawdown", "volatility", "beta"})


OF_PRICE = frozenset({"growth", "difference", "best month", "worst month", "high", "low", "max", "min", "mean", "cagr",
                       "trend"})  # fmt: skip


def cell(query: Query, cube: Cube, symbol: str, metric: str) -> list[Row]:
    """The figures of one metric of one company: one, or one per period of a series."""
    asked = query.asked()
    if metric in WINDOW_METRICS or (metric == "price" and (query.operation in OF_PRICE or is_series(asked))):
        return [_window_row(query, cube, symbol, metric, asked)]
    found = _points(query, cube, symbol, metric)
    if not found:
        return [Row(symbol, metric, _no_period(cube, symbol, metric, asked))]
    step = OVER_PERIODS.get(query.operation)
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


def is_series(asked: Sequence[Period | Span]) -> bool:
    """Whether one span is asked, not single periods."""
    return len(asked) == 1 and isinstance(asked[0], Span)


def _no_period(cube: Cube, symbol: str, metric: str, asked: Sequence[Period | Span]) -> Fact:
    about = described(metric)
    wanted = " and ".join(map(str, asked)) or "any period"
    if senseless := cube.senseless(symbol, about):
        return Fact(symbol=symbol, field=metric, period=wanted, statement="ratio", status="not_meaningful",
                    note=senseless)  # fmt: skip
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
    return windows.Move(less("price", move.last, move.first), move.first, move.last)


def _annual_rate(move: windows.Move, span: windows.Window) -> windows.Move:
    if move.first is None or move.last is None or move.fact.value is None:
        return move
    years = (span.end - span.start).days / 365.25
    rate = Decimal(repr(float(1 + move.fact.value) ** (1 / years) - 1)) if years > 0 else move.fact.value
    fact = derived(
        move.fact, "cagr of price", rate, "ratio", [move.first, move.last], f"({{b}} / {{a}}) ^ (1/{years:.2f}) - 1"
    )
    return windows.Move(fact, move.first, move.last, f"{years:.1f}")
