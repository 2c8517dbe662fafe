"""What a share price did over a span of days: change, total return, high and low, best month, drawdown. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from msgspec import structs

from finassist.analysis.basis import unadjusted_split
from finassist.analysis.calendar import years_back
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Row, as_senseless, derived, fulfils, less
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue
from finassist.core.periods import LATEST, Period, Span
from finassist.core.query import Query

TRADING_DAYS = 252
_EVER = 2000

WINDOW_METRICS = frozenset({"price_change", "total_return", "max_drawdown", "volatility", "beta"})


OF_PRICE = frozenset({"growth", "difference", "best month", "worst month", "high", "low", "first", "max", "min", "mean",
                       "cagr", "trend"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """A span of days of one share: `start` is the day whose close the change begins from."""

    start: date
    end: date
    label: str
    inside: date
    """The first day that itself belongs to the span; for a calendar year 1 January, `start` being the close before."""


def window(cube: Cube, symbol: str, asked: Sequence[Period | Span]) -> Window | None:
    """The days that the asked periods span, or the last twelve months where none is asked."""
    last = cube.last_trading_day(symbol)
    if last is None:
        return None
    if not asked:
        start = years_back(last, 1)
        return Window(start, last, f"{start} to {last}", start)
    if len(asked) == 1:
        return _one(asked[0], last)
    periods = [p for p in asked if isinstance(p, Period)]
    days = sorted(day for p in periods if (day := _day(p, last)))
    return Window(days[0], days[-1], f"{days[0]} to {days[-1]}", days[0]) if days else None


def _one(asked: Period | Span, last: date) -> Window | None:
    if isinstance(asked, Span):
        return _span(asked, last)
    match asked.kind:
        case "ytd":
            before = date(last.year + asked.shift - 1, 12, 31)
            end = years_back(last, -asked.shift)
            return Window(before, end, f"{end.year} to {end}", before + timedelta(days=1))
        case "latest" | "ttm":
            end = years_back(last, -asked.shift)
            start = years_back(end, 1)
            return Window(start, end, f"the twelve months to {end}", start)
        case "day":
            day = _day(asked, last)
            return Window(day, last, f"{day} to {last}", day) if day else None
        case _:
            first, end = asked.first_day(), asked.last_day()
            if first is None or end is None:
                return None
            label = f"{first:%B %Y}" if asked.kind == "month" else str(asked).replace("FY", "").replace("end ", "")
            return Window(first - timedelta(days=1), min(end, last), label, first)


def _span(span: Span, last: date) -> Window | None:
    if span.start is None:
        start = {
            "latest": lambda: years_back(last, span.count),
            "month": lambda: _months(last, -span.count),
            "latest quarter": lambda: _months(last, -3 * span.count),
        }.get(span.end.kind, lambda: last - timedelta(days=span.count))()
        return Window(start, last, f"{start} to {last}", start)
    end = min(_day(span.end, last) or last, last)
    if span.start.kind in ("calendar", "year") and span.end.kind in ("calendar", "year"):
        first = date(span.start.year, 1, 1)
        return Window(first - timedelta(days=1), end, f"{span.start.year} to {span.end.year}", first)
    if span.start.kind in ("calendar", "year", "month"):
        first = span.start.first_day() or last
        return Window(first - timedelta(days=1), end, f"{span.start} to {end}".replace("FY", ""), first)
    first = _day(span.start, last) or last
    return Window(first, end, f"{first} to {end}", first)


def _day(period: Period, last: date) -> date | None:
    if period.kind in ("latest", "ttm", "ytd", "latest quarter"):
        return years_back(last, -period.shift)
    return period.last_day()


# --------------------------------------------------------------------------------------------- figures


def close_at(cube: Cube, symbol: str, day: date, name: str = "price") -> Fact | None:
    """The last close on or before a day, not older than eight days."""
    closes = cube.series(symbol, name)
    found = (closes.get(str(day - timedelta(days=back))) for back in range(9))
    return next((fact for fact in found if fact is not None and fact.known), None)


def closes_in(cube: Cube, symbol: str, start: date, end: date, name: str = "price") -> list[Fact]:
    """The closes of a span, oldest first."""
    found = [
        fact
        for fact in cube.series(symbol, name).values()
        if fact.known and fact.period_end and start <= fact.period_end <= end
    ]
    return sorted(found, key=lambda fact: fact.period_end or date.min)


def change(cube: Cube, symbol: str, span: Window, *, dividends: bool = False) -> Row:
    """Price change, or total return with `dividends`, from the close before a span to its last close."""
    name, metric = ("adjusted_close", "total_return") if dividends else ("price", "price_change")
    first, last = close_at(cube, symbol, span.start, name), close_at(cube, symbol, span.end, name)
    if dividends and (first is None or last is None):
        first = close_at(cube, symbol, _month_end_before(span.start), name)
        last = close_at(cube, symbol, _month_end_before(span.end), name)
    if first is None or last is None or not first.value or last.value is None:
        return _missing(cube, symbol, metric, span, span.start)
    value = last.value / first.value - 1
    return Row(
        symbol, metric, _fact(symbol, metric, span, value, f"{last.key} / {first.key} - 1", [first, last]), first, last
    )


def best_month(cube: Cube, symbol: str, span: Window, *, worst: bool = False) -> Row:
    """The calendar month of a span in which the price rose most, or fell most."""
    ends = _month_ends(closes_in(cube, symbol, span.inside - timedelta(days=45), span.end))
    moves: list[tuple[Decimal, Fact, Fact]] = []
    for before, after in pairwise(ends):
        inside = after.period_end is not None and after.period_end >= span.inside
        if inside and before.value and after.value is not None:
            moves.append((after.value / before.value - 1, before, after))
    if not moves:
        return _missing(cube, symbol, "price_change", span, span.inside)
    value, first, last = (min if worst else max)(moves, key=lambda move: move[0])
    month = f"{last.period_end:%B %Y}"
    fact = _fact(symbol, "price_change", span, value, f"{last.key} / {first.key} - 1", [first, last])
    return Row(symbol, "price_change", fact, first, last, month)


def extreme(cube: Cube, symbol: str, span: Window, *, low: bool = False, month_ends: bool = False) -> Row:
    """The highest or lowest close of a span."""
    closes = closes_in(cube, symbol, span.inside, span.end)
    if month_ends:
        closes = _month_ends(closes)
    if not closes:
        return _missing(cube, symbol, "price", span, span.inside)
    found = (min if low else max)(closes, key=lambda fact: fact.value or Decimal())
    formula = f"{'lowest' if low else 'highest'} of {len(closes)} closes"
    fact = structs.replace(found, period=span.label, status="derived", formula=formula)
    return Row(symbol, "price", fact, at=str(found.period_end))


def first_close(query: Query, cube: Cube, symbol: str, span: Window) -> Row:
    """The first close of a span that fulfils the query's conditions."""
    closes = closes_in(cube, symbol, span.inside, span.end)
    found = next((close for close in closes if fulfils(query, Row(symbol, "price", close))), None)
    if found is None:
        since = closes[0].period_end if closes else span.inside
        fact = Fact(symbol=symbol, field="price", period=span.label, statement="price", status="missing",
                    note=f"{cube.name(symbol)} has no such close since {since}, where the data begin.")  # fmt: skip
        return Row(symbol, "price", fact)
    return Row(symbol, "price", structs.replace(found, period=span.label), at=str(found.period_end))


def mean_close(cube: Cube, symbol: str, span: Window) -> Row:
    """The mean of the closes of a span."""
    closes = closes_in(cube, symbol, span.inside, span.end)
    if not closes:
        return _missing(cube, symbol, "price", span, span.inside)
    value = sum((fact.value or Decimal() for fact in closes), Decimal()) / len(closes)
    return Row(
        symbol, "price", _fact(symbol, "price", span, value, f"mean of {len(closes)} closes", closes[:1] + closes[-1:])
    )


def drawdown(cube: Cube, symbol: str, span: Window) -> Row:
    """The deepest fall from an earlier high of the span, as a negative fraction."""
    closes = closes_in(cube, symbol, span.inside, span.end)
    worst, peak, pair = Decimal(0), None, None
    for fact in closes:
        if peak is None or (fact.value or 0) > (peak.value or 0):
            peak = fact
        fall = (fact.value or Decimal()) / (peak.value or Decimal(1)) - 1
        if fall < worst:
            worst, pair = fall, (peak, fact)
    if not closes or pair is None:
        return _missing(cube, symbol, "max_drawdown", span, span.inside)
    fact = _fact(symbol, "max_drawdown", span, worst, f"{pair[1].key} / {pair[0].key} - 1", list(pair))
    return Row(symbol, "max_drawdown", fact, pair[0], pair[1])


def volatility(cube: Cube, symbol: str, span: Window) -> Row:
    """Standard deviation of daily returns, annualised."""
    returns = [r for _, r in _returns(closes_in(cube, symbol, span.start, span.end))]
    if len(returns) < 20:
        return _missing(cube, symbol, "volatility", span, span.inside)
    mean = sum(returns) / len(returns)
    variance = sum((each - mean) ** 2 for each in returns) / (len(returns) - 1)
    value = Decimal(repr(math.sqrt(variance * TRADING_DAYS)))
    return Row(symbol, "volatility", _fact(symbol, "volatility", span, value, "stdev(daily returns) * sqrt(252)", []))


def beta(cube: Cube, symbol: str, span: Window, index: str = "^GSPC") -> Row:
    """Covariance of daily returns with the index, divided by the variance of the index."""
    own = dict(_returns(closes_in(cube, symbol, span.start, span.end)))
    market = dict(_returns(closes_in(cube, index, span.start, span.end)))
    days = sorted(own.keys() & market.keys())
    if len(days) < 60:
        return _missing(cube, symbol, "beta", span, span.inside)
    mean, base = (sum(each[d] for d in days) / len(days) for each in (own, market))
    shared = sum((own[d] - mean) * (market[d] - base) for d in days)
    value = Decimal(repr(shared / sum((market[d] - base) ** 2 for d in days)))
    return Row(
        symbol, "beta", _fact(symbol, "beta", span, value, "cov(share, S&P 500) / var(S&P 500), daily returns", [])
    )


def _returns(closes: Sequence[Fact]) -> list[tuple[date, float]]:
    return [
        (after.period_end or date.min, float(after.value or 0) / float(before.value) - 1)
        for before, after in pairwise(closes)
        if before.value
    ]


def _month_ends(closes: Sequence[Fact]) -> list[Fact]:
    by_month = {(fact.period_end or date.min).replace(day=1): fact for fact in closes}
    return [by_month[month] for month in sorted(by_month)]


def _why(cube: Cube, symbol: str, day: date) -> str:
    closes = cube.series(symbol, "price")
    first = min((fact.period_end for fact in closes.values() if fact.period_end), default=None)
    if first is None:
        return f"There are no prices of {cube.name(symbol)} in the data."
    return f"Prices of {cube.name(symbol)} in the data start in {first:%Y} (on {first}): there is none for {day}."


def _fact(symbol: str, metric: str, span: Window, value: Decimal, formula: str, inputs: Sequence[Fact]) -> Fact:
    unit = catalogue()[metric].unit
    return Fact(
        symbol=symbol,
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


def _missing(cube: Cube, symbol: str, metric: str, span: Window, day: date) -> Row:
    """No figure, because there are no closes so early."""
    fact = Fact(symbol=symbol, field=metric, period=span.label, period_end=span.end, statement="price",
                status="missing", note=_why(cube, symbol, day))  # fmt: skip
    return Row(symbol, metric, fact)


def _months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, 28))


def _month_end_before(day: date) -> date:
    following = day + timedelta(days=1)
    return day if following.month != day.month else day.replace(day=1) - timedelta(days=1)


# ------------------------------------------------------------------------------------------------------ what was asked


def window_row(query: Query, cube: Cube, symbol: str, metric: str, asked: Sequence[Period | Span]) -> Row:
    """What the share price of a company did in the asked periods, as the query's operation or the metric says."""
    span = window(
        cube, symbol, asked or ([Span(Period("calendar", _EVER), LATEST)] if query.operation == "first" else [])
    )
    if span is None:
        fact = Fact(symbol=symbol, field=metric, statement="price", status="missing",
                    note=f"There are no prices of {cube.name(symbol)} in the data.")  # fmt: skip
        return Row(symbol, metric, fact)
    found = _move(query, cube, symbol, metric, span)
    odd = unadjusted_split(closes_in(cube, symbol, span.start, span.end))
    return replace(found, metric=metric, fact=as_senseless(found.fact, odd) if odd else found.fact)


def _move(query: Query, cube: Cube, symbol: str, metric: str, span: Window) -> Row:
    month_ends = query.unit == "month-end"
    match query.operation, metric:
        case "best month", _:
            return best_month(cube, symbol, span)
        case "worst month", _:
            return best_month(cube, symbol, span, worst=True)
        case "high" | "max", "price":
            return extreme(cube, symbol, span, month_ends=month_ends)
        case "low" | "min", "price":
            return extreme(cube, symbol, span, low=True, month_ends=month_ends)
        case "first", "price":
            return first_close(query, cube, symbol, span)
        case "mean", "price":
            return mean_close(cube, symbol, span)
        case "difference", "price":
            move = change(cube, symbol, span)
            return replace(move, fact=less("price", move.last, move.first)) if move.first and move.last else move
        case "cagr", "price" | "price_change" | "total_return":
            return _annual_rate(change(cube, symbol, span, dividends=metric == "total_return"), span)
        case _, "max_drawdown":
            return drawdown(cube, symbol, span)
        case _, "volatility":
            return volatility(cube, symbol, span)
        case _, "beta":
            return beta(cube, symbol, span)
        case _:
            return change(cube, symbol, span, dividends=metric == "total_return")


def _annual_rate(move: Row, span: Window) -> Row:
    if move.first is None or move.last is None or move.fact.value is None:
        return move
    years = (span.end - span.start).days / 365.25
    rate = Decimal(repr(float(1 + move.fact.value) ** (1 / years) - 1)) if years > 0 else move.fact.value
    fact = derived(
        move.fact, "cagr of price", rate, "ratio", [move.first, move.last], f"({{b}} / {{a}}) ^ (1/{years:.2f}) - 1"
    )
    return replace(move, fact=fact, at=f"{years:.1f}")
