"""What a share did around the day a report was filed, with the index beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Outcome, Row, gaps_of
from finassist.analysis.risk import INDEX
from finassist.analysis.shares import Share, Window
from finassist.core.facts import Fact
from finassist.core.periods import LATEST, LONGEST_GAP, Period
from finassist.core.query import Query

OF_A_REPORT = ("revenue", "net_income", "total_assets", "equity")
"""Lines of every report, which became public on the day of its filing."""


def around_filings(query: Query, cube: Cube) -> Outcome:
    """The move of each share, from the close before its filing to those of trading days after it."""
    asked = [each for each in query.asked() or [LATEST] if isinstance(each, Period)]
    rows = [row for symbol in query.companies for period in asked for row in _around(query, cube, symbol, period)]
    known = tuple(row for row in rows if row.known)
    figure = known[0].fact if len(query.after) == 1 and known else None
    return Outcome(query, "event" if known else "nothing", known, figure, gaps_of(rows, _no_nearest))


def _no_nearest(symbol: str, metric: str, period: str) -> str:
    return ""


def _around(query: Query, cube: Cube, symbol: str, period: Period) -> Iterator[Row]:
    report = _filed(cube, symbol, period)
    if report is None or report.as_of is None:
        note = f"The day on which {cube.name(symbol)} filed its report for {period} is not in the data."
        yield Share(cube, symbol, Window(date.min, date.max, str(period), date.min)).missing("price_change", note)
        return
    days = cube.trading_days(symbol)
    before = [day for day in days if day < report.as_of][-1:]
    around = [*before, *[day for day in days if day > report.as_of][: max(query.after)]]
    if not before or len(around) <= max(query.after) or _apart(around):
        span = f"from the day before {report.as_of} to {max(query.after)} trading days after it"
        note = f"There are no daily closes {span}, when {cube.name(symbol)} filed its {report.period} report."
        yield Share(cube, symbol, Window(date.min, date.max, report.period, date.min)).missing("price_change", note)
        return
    for number in query.after:
        span = Window.between(around[0], around[number])
        own, market = (_moved(Share(cube, each, span), number) for each in (symbol, INDEX))
        yield from (replace(row, parts=(report,)) for row in (own, market) if row)


def _moved(share: Share, number: int) -> Row | None:
    first, last = (share.close_at(day, "price") for day in (share.span.start, share.span.end))
    if first is None or last is None or not first.value or last.value is None:
        return None
    return share.moved("price_change", last.value / first.value - 1, first, last, str(number))


def _apart(days: Sequence[date]) -> bool:
    """Whether closes of trading days lack between some days."""
    return any((after - day).days > LONGEST_GAP for day, after in pairwise(days))


def _filed(cube: Cube, symbol: str, period: Period) -> Fact | None:
    """The day on which the figures of a period became public, as a fact."""
    points = [(line, point) for line in OF_A_REPORT if (point := cube.at(symbol, line, period))]
    facts = [fact for line, point in points if (fact := cube.series(symbol, line).get(point.label)) and fact.known]
    days = {fact.first_as_of or fact.as_of: fact for fact in facts if fact.as_of}
    if not days:
        return None
    day = min(each for each in days if each)
    first = days[day]
    source = f"day on which {first.period} figures were first filed"
    return Fact(symbol=symbol, field="filed", text=str(day), period=first.period, period_end=first.period_end,
                as_of=day, source=source, statement="profile")  # fmt: skip
