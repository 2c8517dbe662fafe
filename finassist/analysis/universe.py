"""Queries over all companies: ranks, screens, counts, averages. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from finassist.analysis.cells import cell
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Outcome, Row, by_value
from finassist.analysis.over_periods import folded
from finassist.analysis.points import Member
from finassist.core.facts import Fact, Gap
from finassist.core.metrics import described
from finassist.core.query import Filter, Query


def across_all(query: Query, cube: Cube) -> Outcome:
    """The outcome of a query over every company of the provider, one share class each."""
    members = [m for m in cube.members.values() if m.primary in ("", m.symbol) and in_sector(m, query.sectors)]
    if not members:
        return Outcome(query, "nothing", gaps=(_no_member(query, cube),))
    metric = query.metrics[0] if query.metrics else query.where[0].metric
    conditions = [_with_period(each, query, cube, members) for each in query.where]
    if not query.periods and (year := _usual_year(cube, members, metric)):
        query = query.model_copy(update={"periods": [f"FY{year}"]})
    found: list[Row] = []
    left_out = 0
    for member in members:
        fulfilled = [_condition(cube, member.symbol, each, query) for each in conditions]
        row = cell(query, cube, member.symbol, metric)[-1]
        if None in fulfilled or not row.known:
            left_out += 1
        elif all(fulfilled):
            found.append(row)
    return _universe_outcome(query, cube, metric, members, found, left_out)


def _no_member(query: Query, cube: Cube) -> Gap:
    sectors = sorted({member.sector for member in cube.members.values() if member.sector})
    there = f"Sectors: {', '.join(sectors)}." if sectors else "Name the companies instead."
    asked = f"is in {' or '.join(query.sectors)}" if query.sectors else "is covered by this source as a whole"
    return Gap(symbol="", need="companies", reason=f"No company in the data {asked}. {there}", error="NotInData")


def _usual_year(cube: Cube, members: Sequence[Member], metric: str) -> int | None:
    """The latest fiscal year that most companies have, so that a rank compares one year; `None` for market figures."""
    if described(metric).kind == "price":
        return None
    years = Counter(year for member in members if (year := cube.latest_year(member.symbol, metric)))
    return max(years, key=lambda year: (years[year], year)) if years else None


def _universe_outcome(
    query: Query, cube: Cube, metric: str, members: Sequence[Member], found: list[Row], left_out: int
) -> Outcome:
    ordered = sorted(found, key=by_value, reverse=query.order >= 0)
    common = Outcome(query, "order", considered=len(members), left_out=left_out, matches=len(ordered))
    if query.operation == "count":
        return replace(common, shape="count", rows=tuple(ordered[:10]), figure=_counted(query, metric, len(ordered)))
    if query.operation in ("sum", "mean", "median") and ordered:
        figure = folded("", metric, [row.fact for row in ordered], query.operation).fact
        return replace(
            common, shape="sum" if query.operation == "sum" else "mean", rows=tuple(ordered[:5]), figure=figure
        )
    shown = ordered[: query.limit] if query.limit else ordered
    more = [cell(query, cube, row.symbol, other)[-1] for other in query.metrics[1:] for row in shown]
    figure = shown[0].fact if shown and query.limit == 1 else None
    return replace(common, rows=tuple(shown), figure=figure, more=tuple(r for r in more if r.known))


def _with_period(condition: Filter, query: Query, cube: Cube, members: Sequence[Member]) -> Filter:
    """The condition with its own period: as asked, else the usual year of its metric, else the latest."""
    if condition.period:
        return condition
    usual = _usual_year(cube, members, condition.metric)
    period = query.periods[-1] if query.periods else f"FY{usual}" if usual else "latest"
    return condition.model_copy(update={"period": period})


def _counted(query: Query, metric: str, number: int) -> Fact:
    return Fact(
        symbol="",
        field=f"count of {metric}",
        value=Decimal(number),
        unit="count",
        statement="ratio",
        period=", ".join(query.periods),
        status="derived",
        formula="count",
    )


def _condition(cube: Cube, symbol: str, condition: Filter, query: Query) -> bool | None:
    """Whether a company fulfils a condition; `None` where its figure is not known."""
    periods = [condition.period] if condition.period else ["latest"]
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


def in_sector(member: Member, sectors: Iterable[str]) -> bool:
    """Whether a company belongs to one of the sectors or industries, or no sector is asked."""
    wanted = [sector.casefold() for sector in sectors]
    own = (member.sector.casefold(), member.sub_industry.casefold())
    return not wanted or any(sector == own[0] or (sector not in _WHOLE and sector in own[1]) for sector in wanted)


_WHOLE = frozenset({"materials", "energy", "industrials", "financials", "utilities", "real estate", "health care"})
"""Sectors whose names also stand in the names of industries of other sectors."""
