"""What a share price did over a span of days: change, total return, high and low, best month, drawdown. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from msgspec import structs

from finassist.analysis.cube import Cube
from finassist.core.facts import Fact, Status
from finassist.core.metrics import catalogue
from finassist.core.periods import Period, Span

TRADING_DAYS = 252


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
        start = _shifted(last, -1)
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
            end = last if not asked.shift else _shifted(last, asked.shift)
            return Window(before, end, f"{end.year} to {end}", before + timedelta(days=1))
        case "latest" | "ttm":
            end = _shifted(last, asked.shift) if asked.shift else last
            start = _shifted(end, -1)
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
            "latest": lambda: _shifted(last, -span.count),
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
        return _shifted(last, period.shift) if period.shift else last
    return period.last_day()


# --------------------------------------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True)
class Move:
    """A figure of a window with the closes it rests on."""

    fact: Fact
    first: Fact | None = None
    last: Fact | None = None
    at: str = ""


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


def change(cube: Cube, symbol: str, span: Window, *, dividends: bool = False) -> Move:
    """Price change, or total return with `dividends`, from the close before a span to its last close."""
    name, metric = ("adjusted_close", "total_return") if dividends else ("price", "price_change")
    first, last = close_at(cube, symbol, span.start, name), close_at(cube, symbol, span.end, name)
    if dividends and (first is None or last is None):
        first = close_at(cube, symbol, _month_end_before(span.start), name)
        last = close_at(cube, symbol, _month_end_before(span.end), name)
    if first is None or last is None or not first.value or last.value is None:
        return Move(_missing(symbol, metric, span, _why(cube, symbol, span.start)))
    value = last.value / first.value - 1
    return Move(_fact(symbol, metric, span, value, f"{last.key} / {first.key} - 1", [first, last]), first, last)


def best_month(cube: Cube, symbol: str, span: Window, *, worst: bool = False) -> Move:
    """The calendar month of a span in which the price rose most, or fell most."""
    ends = _month_ends(closes_in(cube, symbol, span.inside - timedelta(days=45), span.end))
    moves: list[tuple[Decimal, Fact, Fact]] = []
    for before, after in pairwise(ends):
        inside = after.period_end is not None and after.period_end >= span.inside
        if inside and before.value and after.value is not None:
            moves.append((after.value / before.value - 1, before, after))
    if not moves:
        return Move(_missing(symbol, "price_change", span, _why(cube, symbol, span.inside)))
    value, first, last = (min if worst else max)(moves, key=lambda move: move[0])
    month = f"{last.period_end:%B %Y}"
    fact = _fact(symbol, "price_change", span, value, f"{last.key} / {first.key} - 1", [first, last])
    return Move(fact, first, last, month)


def extreme(cube: Cube, symbol: str, span: Window, *, low: bool = False, month_ends: bool = False) -> Move:
    """The highest or lowest close of a span."""
    closes = closes_in(cube, symbol, span.inside, span.end)
    if month_ends:
        closes = _month_ends(closes)
    if not closes:
        return Move(_missing(symbol, "price", span, _why(cube, symbol, span.inside)))
    found = (min if low else max)(closes, key=lambda fact: fact.value or Decimal())
    formula = f"{'lowest' if low else 'highest'} of {len(closes)} closes"
    fact = structs.replace(found, period=span.label, status="derived", formula=formula)
    return Move(fact, at=str(found.period_end))


def mean_close(cube: Cube, symbol: str, span: Window) -> Move:
    """The mean of the closes of a span."""
    closes = closes_in(cube, symbol, span.inside, span.end)
    if not closes:
        return Move(_missing(symbol, "price", span, _why(cube, symbol, span.inside)))
    value = sum((fact.value or Decimal() for fact in closes), Decimal()) / len(closes)
    return Move(_fact(symbol, "price", span, value, f"mean of {len(closes)} closes", closes[:1] + closes[-1:]))


def drawdown(cube: Cube, symbol: str, span: Window) -> Move:
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
        return Move(_missing(symbol, "max_drawdown", span, _why(cube, symbol, span.inside)))
    fact = _fact(symbol, "max_drawdown", span, worst, f"{pair[1].key} / {pair[0].key} - 1", list(pair))
    return Move(fact, pair[0], pair[1])


def volatility(cube: Cube, symbol: str, span: Window) -> Move:
    """Standard deviation of daily returns, annualised."""
    returns = [r for _, r in _returns(closes_in(cube, symbol, span.start, span.end))]
    if len(returns) < 20:
        return Move(_missing(symbol, "volatility", span, _why(cube, symbol, span.inside)))
    mean = sum(returns) / len(returns)
    variance = sum((each - mean) ** 2 for each in returns) / (len(returns) - 1)
    value = Decimal(repr(math.sqrt(variance * TRADING_DAYS)))
    return Move(_fact(symbol, "volatility", span, value, "stdev(daily returns) * sqrt(252)", []))


def beta(cube: Cube, symbol: str, span: Window, index: str = "^GSPC") -> Move:
    """Covariance of daily returns with the index, divided by the variance of the index."""
    own = dict(_returns(closes_in(cube, symbol, span.start, span.end)))
    market = dict(_returns(closes_in(cube, index, span.start, span.end)))
    days = sorted(own.keys() & market.keys())
    if len(days) < 60:
        return Move(_missing(symbol, "beta", span, _why(cube, symbol, span.inside)))
    mean, base = (sum(each[d] for d in days) / len(days) for each in (own, market))
    shared = sum((own[d] - mean) * (market[d] - base) for d in days)
    value = Decimal(repr(shared / sum((market[d] - base) ** 2 for d in days)))
    return Move(_fact(symbol, "beta", span, value, "cov(share, S&P 500) / var(S&P 500), daily returns", []))


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
        currency="USD" if unit.startswith("USD") else None,
        period=span.label,
        period_end=span.end,
        as_of=span.end,
        source=next((fact.source for fact in inputs), "embedded closes"),
        statement="price",
        status="derived",
        formula=formula,
        inputs=tuple(fact.key for fact in inputs),
    )


def _missing(symbol: str, metric: str, span: Window, note: str) -> Fact:
    status: Status = "missing"
    return Fact(symbol=symbol, field=metric, period=span.label, period_end=span.end, statement="price", status=status,
                note=note)  # fmt: skip


def _shifted(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, 28))


def _month_end_before(day: date) -> date:
    following = day + timedelta(days=1)
    return day if following.month != day.month else day.replace(day=1) - timedelta(days=1)
