"""What has to be fetched to execute a query: lines, years, quarters and days of closes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from finassist.analysis.cube import TREASURY
from finassist.analysis.events import OF_A_REPORT
from finassist.analysis.peers import USUAL
from finassist.analysis.risk import INDEX, OF_EXCESS, OF_INDEX, RATE
from finassist.analysis.windows import WINDOW_METRICS
from finassist.core.metrics import anchors, described, lines, parse
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Query

_MARKET = frozenset({"price", "cover_shares", "trailing_eps"})


class Needed(NamedTuple):
    """The facts that a query rests on.

    Attributes:
        lines: Reported lines.
        prices: Whether it needs share prices.
        since: The first fiscal year that counts; below 0 how many before the year of the newest data.
        days: Days whose closes it needs, where it asks all companies.
        quarters: Whether it needs quarterly figures besides annual ones.
        back: Months or days before the latest close, of the closes it needs besides; 0 is the end of the year before.
        year_ends: Whether it needs the closes at the ends of fiscal years, where it asks all companies.
    """

    lines: frozenset[str]
    prices: bool
    since: int
    days: tuple[date, ...]
    quarters: bool
    back: tuple[int | timedelta, ...]
    year_ends: bool


def needed(query: Query) -> Needed:
    """What has to be fetched to execute a query."""
    peers = query.scope == "peers"
    usual = (*(() if query.metrics else USUAL), "market_cap") if peers else ()
    metrics = [*query.metrics, *usual, *(condition.metric for condition in query.where)]
    found = frozenset[str]().union(*map(lines, metrics))
    rows = (found - _MARKET - WINDOW_METRICS).union(*(_BEHIND[name] for name in found & _BEHIND.keys()))
    prices = bool(found & (_MARKET | WINDOW_METRICS))
    if query.scope in ("universe", "peers") and "total_return" in found:
        rows |= {"adjusted_close"}
    if query.intent == "event":
        rows |= {*OF_A_REPORT}
    days, back = _closes(query) if prices else ((), ())
    year_ends = prices and any("price" in lines(each) and described(each).kind != "price" for each in metrics)
    quarters = prices or peers or query.operation == "sequential" or _quarters(query)
    return Needed(rows, prices, _since(query), days, quarters, back, year_ends)


def beside(query: Query) -> Iterator[str]:
    """Symbols of the market that the figures of companies are measured against."""
    asked = {*query.metrics, *(condition.metric for condition in query.where)}
    on_beta = any("beta" in lines(metric) for metric in asked - OF_INDEX)  # a cost of capital, which needs both
    if asked & OF_INDEX or on_beta or query.intent in ("tearsheet", "event"):
        yield INDEX
    if on_beta:
        yield TREASURY
    if asked & OF_EXCESS:
        yield RATE


def of_today(query: Query) -> bool:
    """Whether a query asks for the latest price and for nothing that lies further back."""
    measured = query.operation != "none" or WINDOW_METRICS.intersection(query.metrics)
    return not measured and all(isinstance(each, Period) and str(each) == "latest" for each in query.asked())


def companies_of(query: Query) -> list[str]:
    """Its companies, and those that parts of its metrics are about."""
    own = [each.symbol for text in query.metrics for each in anchors(parse(text)) if each.symbol]
    return list(dict.fromkeys([*query.companies, *query.weights, *own, *filter(None, [query.benchmark])]))


_BEHIND = {"trailing_eps": ("eps_diluted", "net_income", "shares_diluted"), "cover_shares": ("shares_diluted",)}
_FISCAL_YEARS = ("year", "end", "calendar", "latest")
_MONTHS = {"latest": 12, "latest quarter": 3, "month": 1}
_USUAL_SPAN = 6
"""Years that an operation looks back on where no period is asked."""

_LAG = 2
"""The latest annual report of a company may be of two years before that of its latest price."""


def _every(query: Query) -> list[Period | Span]:
    """The periods of a query, of its conditions, and of parts of its metrics."""
    own = [Period.parse(each.period) for text in query.metrics for each in anchors(parse(text)) if each.period]
    return [*query.asked(), *(parse_periods(each.period) for each in query.where if each.period), *own]


def _ends(each: Period | Span) -> list[Period]:
    return [each] if isinstance(each, Period) else [period for period in (each.start, each.end) if period]


def _since(query: Query) -> int:
    """The first fiscal year that counts, two before the first asked, for growth and averages; or how far back it is."""
    years = [query.as_of.year - 1] if query.as_of else []
    rate = any("cagr(" in text for text in (*query.metrics, *(each.metric for each in query.where)))
    back = [_USUAL_SPAN if rate or not (query.periods or query.operation == "none") else 0]
    for each in _every(query):
        count = each.count * _MONTHS.get(each.end.kind, 0) // 12 if isinstance(each, Span) else 0
        years += [period.year for period in _ends(each) if period.year]
        back += [count - period.shift for period in _ends(each) if not period.year]
    return min(years, default=-_LAG) - max(back) - 2


def _quarters(query: Query) -> bool:
    """Whether a period is asked that is no fiscal year."""
    return any(period.kind not in _FISCAL_YEARS for each in _every(query) for period in _ends(each))


def _closes(query: Query) -> tuple[tuple[date, ...], tuple[int | timedelta, ...]]:
    """Days, and months before the latest close, that a query over all companies needs: the ends of its periods."""
    newest = query.as_of or date.max
    days = {newest}
    back: set[int | timedelta] = set() if query.periods else {12}
    for each in _every(query):
        back.update(_back(each))
        days.update(min(day, newest) for day in _days(each))
    return tuple(sorted(days)), tuple(back)


def _back(each: Period | Span) -> Iterator[int | timedelta]:
    if isinstance(each, Span) and each.start is None:
        if each.end.kind == "day":
            yield timedelta(days=each.count)
            return
        months = each.count * _MONTHS.get(each.end.kind, 0)
        yield from (*range(12, months, 12), months)
        return
    for period in _ends(each):
        if period.kind.endswith(" ago"):
            yield period.number if period.kind == "months ago" else timedelta(days=period.number)
        elif not period.year:
            yield from (-12 * period.shift, 0 if period.kind == "ytd" else 12 - 12 * period.shift)


def _days(each: Period | Span) -> Iterator[date]:
    """The day before each period and its last day; of a span of years those of every year."""
    found = [period for period in _ends(each) if period.year]
    while len(found) > 1 and found[0].kind not in ("day", "month") and found[-2].year < found[-1].year:
        found.insert(-1, found[-2].moved(1))
    for period in found:
        begin, end = period.first_day(), period.last_day()
        if begin and end:
            yield from (begin - timedelta(days=1), end)
