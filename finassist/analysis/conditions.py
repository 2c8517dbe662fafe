"""Whether figures fulfil the conditions of a query: of named companies, and of all. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import dropwhile, takewhile

from finassist.analysis.calendar import Member
from finassist.analysis.cells import cell, last_cell
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Outcome, Row, by_value, derived, gaps_of, still_open
from finassist.core.filters import Filter
from finassist.core.metrics import described
from finassist.core.query import Query

ONCE = ("first", "last", "streak")
"""Operations that ask when a condition held: the first time, the last, and in a row up to now."""


def checked(query: Query, cube: Cube) -> Outcome:
    """Whether named companies fulfil the conditions, each about its own metric and period."""
    metrics = query.metrics or [query.where[0].metric]
    rows = [row for symbol in query.companies for metric in metrics for row in cell(query, cube, symbol, metric)]
    if query.operation == "growth":  # of the whole span, which the conditions are about
        rows = [replace(row, metric=f"growth({row.metric})") for row in rows]
    tested = {row: [_tested(query, cube, row, each) for each in query.where] for row in rows if row.known}
    unknown = [test for tests in tested.values() for test in tests if not test.known]
    known = [row for row, tests in tested.items() if all(test.known for test in tests)]
    known = sorted(known, key=by_value, reverse=query.order > 0) if query.order else known
    holds = {row: all(map(_holds, query.where, tested[row])) for row in known}
    met = tuple(row for row in known if holds[row])
    if query.limit:
        met = met[: query.limit]
        known = list(met)
    figure = known[0].fact if len(known) == 1 else None
    if query.operation == "streak":
        met = _in_a_row(rows, holds)
        figure = None
    if query.operation in ONCE and met:
        figure = met[-1 if query.operation == "last" else 0].fact
    if query.operation == "count" and known:
        number = len({(row.symbol, row.fact.period) for row in met})
        facts = [row.fact for row in known]
        of = "companies" if len({row.symbol for row in known}) > 1 else "periods"
        figure = derived(facts[-1], f"number of {of}", Decimal(number), "count", facts, f"{of} that fulfil it")
    absent = [row for row in rows if not row.known] if query.operation not in ONCE else still_open(query, rows, met)
    gaps = gaps_of([*absent, *unknown], cube.nearest)
    return Outcome(query, "check" if known else "nothing", tuple(known), figure, gaps, matches=len(met), met=met)


def _in_a_row(rows: Sequence[Row], holds: Mapping[Row, bool]) -> tuple[Row, ...]:
    """The latest rows that fulfil it without a break; a missing figure is one."""
    latest = dropwhile(lambda row: not row.known, reversed(rows))
    return tuple(takewhile(lambda row: holds.get(row, False), latest))[::-1]


def _holds(condition: Filter, row: Row) -> bool:
    return row.fact.value is not None and condition.holds(float(row.fact.value))


def _tested(query: Query, cube: Cube, row: Row, condition: Filter) -> Row:
    """The figure that a condition is about, in its own period or in that of a row."""
    if condition.metric == row.metric and not condition.period:
        return row
    fiscal = described(condition.metric).kind != "price"
    own = "TTM" if row.fact.period.startswith("TTM") else row.fact.period
    dated = own[:1].isdigit() and fiscal
    usual = (query.periods[-1] if len(query.periods) == 1 else "latest") if dated or not own else own
    asked = query.model_copy(update={"periods": [condition.period or usual], "operation": "none"})
    return last_cell(asked, cube, row.symbol, condition.metric)


# ---------------------------------------------------------------------------------------------- of all companies


def placed(query: Query, cube: Cube, symbols: Sequence[str], condition: Filter) -> Filter:
    """`among the four with the most revenue` as what it takes: at least the fourth largest figure."""
    if condition.comparator not in ("top", "bottom"):
        return condition
    asked = query.model_copy(update={"periods": [condition.period or "latest"], "operation": "none"})
    facts = [last_cell(asked, cube, symbol, condition.metric).fact for symbol in symbols]
    values = [float(fact.value) for fact in facts if fact.value is not None and fact.currency in (None, "USD")]
    top = condition.comparator == "top"
    last = sorted(values, reverse=top)[: int(condition.number)][-1:]
    return condition.model_copy(update={"comparator": ">=" if top else "<=", "number": (last or [0.0])[0]})


def with_period(condition: Filter, query: Query, cube: Cube, members: Sequence[Member]) -> Filter:
    """The condition with its own period: as asked, else the usual year of its metric, else the latest."""
    if condition.period:
        return condition
    usual = usual_year(cube, members, condition.metric)
    usual_span = "last 6 years" if condition.metric.startswith("cagr(") else f"FY{usual}" if usual else "latest"
    period = query.periods[-1] if query.periods else usual_span
    return condition.model_copy(update={"period": period})


def usual_year(cube: Cube, members: Sequence[Member], metric: str) -> int | None:
    """The fiscal year by which companies are ranked: the latest that three in four of those with recent figures have.

    `None` for market figures.
    """
    if described(metric).kind == "price":
        return None
    years = Counter(year for member in members if (year := cube.latest_year(member.symbol, metric)))
    recent = range(max(years, default=0), max(years, default=0) - 3, -1)
    have = {year: sum(count for last, count in years.items() if year <= last <= year + 2) for year in recent}
    return next((year for year in recent if have[year] and have[year] >= 0.75 * max(have.values())), None)


def fulfils_it(cube: Cube, symbol: str, condition: Filter, query: Query) -> bool | None:
    """Whether a company fulfils a condition; `None` where its figure is not known."""
    asked = query.model_copy(update={"periods": [condition.period or "latest"], "operation": "none"})
    if query.every:
        rows = cell(asked, cube, symbol, condition.metric)
    else:
        rows = [last_cell(asked, cube, symbol, condition.metric)]
    if not all(row.known for row in rows):
        return None
    return all(_holds(condition, row) for row in rows)
