"""What a share price did over a span of days: change, total return, high and low, best month, drawdown. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import mean, median

from msgspec import structs

from finassist.analysis.calendar import day_of
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Row, a_year, as_senseless, by_value, fulfils, less, worth
from finassist.analysis.risk import OF_DAYS, risk_row
from finassist.analysis.shares import Share, Window, ends
from finassist.analysis.statements import unadjusted_split
from finassist.core.facts import Fact
from finassist.core.periods import LATEST, Period, Span, months_back
from finassist.core.query import Query

_EVER = 2000

OF_ALL_CLOSES = OF_DAYS | {"max_drawdown", "from_high", "from_low", "best_month", "worst_month"}
"""Figures that look at every close of a span."""

WINDOW_METRICS = OF_ALL_CLOSES | {"price_change", "total_return", "annual_return"}


OF_MOVES = frozenset(f"{side} {step}" for side in ("best", "worst") for step in ("day", "week", "month", "year"))
OF_PRICE = OF_MOVES | {"growth", "difference", "high", "low", "first", "last", "max", "min", "mean", "median", "cagr",
                       "trend", "range"}  # fmt: skip
_OF_ALL_DAYS = OF_MOVES | {"high", "low", "max", "min", "mean", "median", "count", "range"}
"""Operations that look at every day of the periods asked, and not at the closes at their ends."""


def window(cube: Cube, symbol: str, asked: Sequence[Period | Span]) -> Window | None:
    """The days that the asked periods span, or the last twelve months where none is asked."""
    last, plain = cube.last_trading_day(symbol), [each for one in asked if (each := cube.counted(symbol, one))]
    if last is None or len(plain) < len(asked):
        return None
    if not asked:
        return Window.between(months_back(last, 12), last)
    if len(asked) == 1 and plain != [*asked]:
        return _of_trading_days(asked[0], plain[0])
    asked = plain
    if len(asked) == 1:
        return _span(asked[0], last) if isinstance(asked[0], Span) else _one(asked[0], last)
    days = sorted(day for each in asked if isinstance(each, Period) and (day := day_of(each, last)))
    return Window.between(days[0], days[-1]) if days else None


def _of_trading_days(asked: Period | Span, plain: Period | Span) -> Window | None:
    """`five trading days after 2024-08-01` is a span from that day, whose own close is not one of the five."""
    day = replace(asked, shift=0) if isinstance(asked, Period) else None
    ends = [plain.start, plain.end] if isinstance(plain, Span) else [day, plain]
    start, end = sorted(last for each in ends if each and (last := each.last_day()))
    last = f"the last {asked.count} trading days" if isinstance(asked, Span) and asked.count else ""
    return Window(start, end, last or f"{start} to {end}", start + timedelta(days=1))


def _one(asked: Period, last: date) -> Window | None:
    end = day_of(asked, last)
    match asked.kind:
        case "ytd" if end:
            return Window.whole(date(end.year, 1, 1), end, f"{end.year} to {end}")
        case "latest" | "ttm" if end:
            return Window.between(months_back(end, 12), end, f"the twelve months to {end}")
        case "day" | "months ago" | "days ago" if end:
            return Window.between(end, last)
        case _:
            first = asked.first_day()
            if first is None or end is None:
                return None
            label = f"{first:%B %Y}" if asked.kind == "month" else re.sub("FY|CY|end ", "", str(asked))
            return Window.whole(first, min(end, last), label)


def _span(span: Span, last: date) -> Window:
    if span.start is None:
        start = {
            "latest": lambda: months_back(last, 12 * span.count),
            "month": lambda: months_back(last, span.count),
            "latest quarter": lambda: months_back(last, 3 * span.count),
        }.get(span.end.kind, lambda: last - timedelta(days=span.count))()
        return Window.between(start, last)
    end = min(day_of(span.end, last) or last, last)
    if span.start.kind in ("calendar", "year") and span.end.kind in ("calendar", "year"):
        return Window.whole(date(span.start.year, 1, 1), end, f"{span.start.year} to {span.end.year}")
    if span.start.kind in ("calendar", "year", "month", "calendar year", "quarter", "calendar quarter", "half"):
        return Window.whole(span.start.first_day() or last, end, f"{span.start} to {end}".replace("FY", ""))
    return Window.between(day_of(span.start, last) or last, end)


# ------------------------------------------------------------------------------------------------------------- figures


def _change(share: Share, *, dividends: bool = False) -> Row:
    """Price change, or total return with `dividends`, from the close before a span to its last close."""
    name, metric = ("adjusted_close", "total_return") if dividends else ("price", "price_change")
    first, last = (share.close_at(day, name) for day in (share.span.start, share.span.end))
    if first is None or last is None or not first.value or last.value is None:
        return share.missing(metric, day=share.span.start)
    return share.moved(metric, last.value / first.value - 1, first, last)


def _a_year_at_least(share: Share) -> Row:
    """The price change as a rate a year, of a span that is not shorter: a good month times twelve is no return."""
    days = (share.span.end - share.span.start).days
    if days < _A_YEAR:
        return share.missing("annual_return", f"An annualised return needs a year; {share.span.label} is shorter.")
    row = a_year(_change(share), days)
    return replace(row, fact=structs.replace(row.fact, field="annual_return"))


_A_YEAR = 360


_BACK = {"day": 10, "week": 10, "month": 45, "year": 400}
"""Days before a span among which the close lies that its first day, week, month or year is compared with."""


def _moves(share: Share, step: str) -> list[Row]:
    """What the price did in each day, month or year of a span."""
    inside = share.span.inside
    closes = ends(share.closes(inside - timedelta(days=_BACK[step])), step)
    return [
        share.moved("price_change", after.value / before.value - 1, before, after, _called(after, step))
        for before, after in pairwise(closes)
        if after.period_end and after.period_end >= inside and before.value and after.value is not None
    ]


def _of_month(move: Row) -> Fact:
    """A move of a month as the figure of that month."""
    end = move.last.period_end if move.last else None
    return structs.replace(move.fact, field="monthly_return", period=f"{end:%Y-%m}", period_end=end, as_of=end)


def _called(close: Fact, step: str) -> str:
    day = close.period_end or date.min
    return {"day": str(day), "week": f"the week to {day}", "month": f"{day:%B %Y}", "year": str(day.year)}[step]


def _best(share: Share, step: str, *, worst: bool = False) -> Row:
    """The day, calendar month or year of a span in which the price rose most, or fell most."""
    moves = _moves(share, step)
    if step in ("day", "week") and share.noted:
        return share.too_few(f"best or worst {step}", 1)
    return (min if worst else max)(moves, key=by_value) if moves else share.missing("price_change")


def _counted(query: Query, share: Share, metric: str) -> Row:
    """On how many days, or in how many months or years, of a span the conditions hold."""
    step = query.unit.removesuffix("s")
    if step in ("day", "week") and share.noted:
        return share.too_few(f"number of {query.unit}", 1)
    closes = [Row(share.symbol, "price", close) for close in ends(share.closes(), step)]
    rows = closes if metric == "price" else _moves(share, step)
    if not rows:
        return share.missing(metric)
    number = sum(fulfils(query, row) for row in rows)
    of = f"{number} of {len(rows)} {'trading ' if step == 'day' else ''}{query.unit}"
    row = share.row(metric, Decimal(number), of, [rows[-1].fact])
    return replace(row, fact=structs.replace(row.fact, unit="count", currency=None))


def _extreme(share: Share, *, low: bool = False, month_ends: bool = False) -> Row:
    """The highest or lowest close of a span."""
    closes = ends(share.closes(), "month") if month_ends else share.closes()
    if not closes:
        return share.missing("price")
    found = (min if low else max)(closes, key=lambda fact: fact.value or Decimal())
    formula = f"{'lowest' if low else 'highest'} of {len(closes)} closes"
    fact = structs.replace(found, period=share.span.label, status="derived", formula=formula, inputs=(found.key,),
                           note=share.noted)  # fmt: skip
    return Row(share.symbol, "price", fact, at=str(found.period_end))


def _range(share: Share, unit: str) -> Row:
    """How far the lowest and the highest close of a span lie apart: in dollars, or in percent of one of the two."""
    low, high = (_extreme(share, low=side, month_ends=unit == "month-end") for side in (True, False))
    if not (low.fact.value and high.fact.value):
        return low
    if unit.startswith("percent of"):
        first, last = (low, high) if unit.endswith("low") else (high, low)
        value = (last.fact.value or 0) / (first.fact.value or 1) - 1
        return share.moved("price_change", Decimal(value), first.fact, last.fact)
    ends = [share.cube.series(share.symbol, "price").get(each.at, each.fact) for each in (high, low)]
    fact = structs.replace(less("price", *ends), period=low.fact.period)
    return replace(low, fact=fact, first=low.fact, last=high.fact)


def _first_close(query: Query, share: Share) -> Row:
    """The first or the last close of a span that fulfils the query's conditions."""
    closes = share.closes()
    ordered = closes if query.operation == "first" else closes[::-1]
    found = next((close for close in ordered if fulfils(query, Row(share.symbol, "price", close))), None)
    if found is None:
        since = closes[0].period_end if closes else share.span.inside
        none = f"{share.cube.name(share.symbol)} has no such close since {since}, where the data begin."
        return share.missing("price", none)
    begins = "where the data begin" if query.operation == "first" and found is closes[0] else None
    fact = structs.replace(found, period=share.span.label, note=begins)
    return Row(share.symbol, "price", fact, at=str(found.period_end))


def _mean_close(share: Share, which: str) -> Row:
    """The mean or the median of the closes of a span."""
    closes, of = share.closes(), "closes"
    if not closes:
        return share.missing("price")
    if share.noted:
        closes, of = ends(closes, "month"), "month-end closes"
    value = (mean if which == "mean" else median)(fact.value or Decimal() for fact in closes)
    return share.row("price", value, f"{which} of {len(closes)} {of}", closes[:1] + closes[-1:])


def _drawdown(share: Share) -> Row:
    """The deepest fall from an earlier high of the span, as a negative fraction."""
    worst, peak, pair = Decimal(0), None, None
    for fact in share.closes():
        if peak is None or (fact.value or 0) > (peak.value or 0):
            peak = fact
        fall = (fact.value or Decimal()) / (peak.value or Decimal(1)) - 1
        if fall < worst:
            worst, pair = fall, (peak, fact)
    if pair:
        return share.moved("max_drawdown", worst, *pair, at=share.kind)
    never = f"The close of {share.cube.name(share.symbol)} never fell below an earlier one in {share.span.label}."
    return share.missing("max_drawdown", never if share.closes() else "")


def _from_extreme(share: Share, metric: str, of: Share | None = None) -> Row:
    """The last close of a span against the highest or lowest one, or that of another span, as a fraction."""
    closes, others = share.closes(), (of or share).closes()
    if not closes or not others:
        return share.missing(metric)
    pick = max if metric == "from_high" else min
    far, last = pick(others, key=lambda fact: fact.value or Decimal()), closes[-1]
    row = share.moved(metric, (last.value or Decimal()) / (far.value or Decimal(1)) - 1, far, last)
    return replace(row, fact=structs.replace(row.fact, note=(of or share).noted))


# ------------------------------------------------------------------------------------------------------ what was asked


def counts_moves(query: Query) -> bool:
    """Whether the days, months or years are counted in which a price fulfils the conditions."""
    return query.operation == "count" and query.unit in ("days", "weeks", "months", "years")


def window_row(query: Query, cube: Cube, symbol: str, metric: str, asked: Sequence[Period | Span]) -> Row:
    """What the share price of a company did in the asked periods, as the query's operation or the metric says."""
    ever = [Span(Period("calendar", _EVER), LATEST)] if query.operation in ("first", "last") else []
    last = cube.last_trading_day(symbol)
    ends = [each for each in asked if isinstance(each, Period)]
    if last and query.operation in _OF_ALL_DAYS and 1 < len(asked) == len(ends):
        ends.sort(key=lambda each: day_of(each, last) or last)
        asked = [Span(ends[0], ends[-1])]
    high = window(cube, symbol, asked[:1]) if metric in ("from_high", "from_low") and len(ends) == 2 else None
    span = window(cube, symbol, asked or ever)
    span = high if high and (span is None or span.start >= span.end) else span
    if span is None or span.start >= span.end:
        note = f"Closes of {cube.name(symbol)} in the data end on {last}." if last else cube.no_price(symbol)
        if last and not all(cube.counted(symbol, each) for each in asked):
            note = (
                f"Trading days of {cube.name(symbol)} cannot be counted there: the data have no daily closes of them."
            )
        return Row(symbol, metric, Fact(symbol=symbol, field=metric, statement="price", status="missing", note=note))
    share = Share(cube, symbol, span)
    found = _move(query, share.at_month_ends() if metric == "total_return" else share, metric)
    if query.stake and found.first and found.first.period_end:
        found = worth(query.stake, found, share.close_at(found.first.period_end, "price"))
    if high:
        own = Share(cube, symbol, replace(span, label=high.label))
        found = _from_extreme(own, metric, Share(cube, symbol, high))
    if metric in ("price", "price_change") and query.operation == "none" and not query.stake and found.known:
        metric = "price_change"
        found = replace(found, parts=share.rebased()) if len(query.companies) > 1 else found
    odd = unadjusted_split(share.closes(span.start))
    return replace(found, metric=metric, fact=as_senseless(found.fact, odd) if odd else found.fact)


def _move(query: Query, share: Share, metric: str) -> Row:
    dividends = metric == "total_return"
    match query.operation, metric:
        case which, _ if which in OF_MOVES:
            return _best(share, which.split()[1], worst=which.startswith("worst"))
        case "count", "price" | "price_change":
            return _counted(query, share, metric)
        case "high" | "max" | "low" | "min" as which, "price":
            return _extreme(share, low=which in ("low", "min"), month_ends=query.unit == "month-end")
        case "range", "price":
            return _range(share, query.unit)
        case "first" | "last", "price":
            return _first_close(query, share)
        case "mean" | "median" as which, "price":
            return _mean_close(share, which)
        case "difference", "price":
            move = _change(share)
            if not (move.first and move.last):
                return move
            return replace(move, fact=structs.replace(less("price", move.last, move.first), period=share.span.label))
        case "cagr", "price" | "price_change" | "total_return":
            return a_year(_change(share, dividends=dividends), (share.span.end - share.span.start).days)
        case _, "annual_return":
            return _a_year_at_least(share)
        case _, "max_drawdown":
            return _drawdown(share)
        case _, "from_high" | "from_low":
            return _from_extreme(share, metric)
        case _, "best_month" | "worst_month":
            row = _best(share, "month", worst=metric == "worst_month")
            shown = query.intent == "tearsheet" and share.symbol == query.companies[0] and metric == "best_month"
            months = tuple(map(_of_month, _moves(share, "month"))) if shown else ()
            return replace(
                row, fact=structs.replace(row.fact, field=metric, note=row.at or row.fact.note), parts=months
            )
        case _ if metric in OF_DAYS:
            return risk_row(share, metric, query.benchmark)
        case _:
            return _change(share, dividends=dividends)
