"""A query and facts to what was asked: figures, changes, comparisons, ranks, screens. Pure.

`execute(query, cube)` gives an `Outcome`: rows of facts, the one figure where one was asked, and a gap for whatever was
asked and is not there. Sentences and tables are made of it in `finassist.reporting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from finassist.analysis.calendar import STALE, Member, rows_of
from finassist.analysis.cells import cell, folded, is_series, is_window, last_cell
from finassist.analysis.conditions import ONCE, checked, fulfils_it, placed, usual_year, with_period
from finassist.analysis.cube import Cube
from finassist.analysis.events import around_filings
from finassist.analysis.implied import with_implied
from finassist.analysis.modelled import is_model, modelled, valued
from finassist.analysis.outcome import (
    Outcome,
    Row,
    as_senseless,
    by_value,
    counted,
    gap_of_apart,
    gaps_of,
    gaps_of_others,
    less,
    not_added,
    over,
    part_of,
)
from finassist.analysis.peers import against_peers, in_sector
from finassist.analysis.portfolio import with_portfolio, without_closes
from finassist.analysis.statements import currencies_apart
from finassist.analysis.windows import OF_ALL_CLOSES, OF_MOVES, OF_PRICE, WINDOW_METRICS, counts_moves, window
from finassist.core.facts import Fact, Gap
from finassist.core.metrics import described, lines, spoken
from finassist.core.periods import Period, Span
from finassist.core.query import Query, Shape


def apart(query: Query) -> list[Query]:
    """The queries that one is executed as: one figure is joined, and companies are ordered in one period, at a time.

    Example:
        >>> query = Query(metrics=["revenue"], scope="universe", intent="rank", periods=["FY2022", "FY2023"])
        >>> [each.periods for each in apart(query)]
        [['FY2022'], ['FY2023']]
    """
    if query.scope == "peers":
        return [query]
    if len(query.companies) > 1 and query.metrics and valued(query):
        return [query.model_copy(update={"companies": [symbol]}) for symbol in query.companies]
    if query.operation in _ACROSS and len(query.metrics) > 1:
        return [query.model_copy(update={"metrics": [metric]}) for metric in query.metrics]
    spans = not WINDOW_METRICS.isdisjoint(query.metrics) and not any(each.kind in _ENDS for each in _last_of(query))
    ordered = query.scope == "universe" or (len(query.companies) > 1 and query.intent in ("compare", "rank"))
    whole = any(each.period for each in query.where) or (query.where and query.scope != "universe")
    if len(query.periods) > 1 and query.operation in ("none", "count") and not whole and (spans or ordered):
        return [query.model_copy(update={"periods": [period]}) for period in query.periods]
    return [query]


_ENDS = ("day", "end", "latest", "latest quarter", "ttm", "ytd")
"""Periods that are the ends of a move of a price; others are spans of their own."""


def _last_of(query: Query) -> list[Period]:
    return [each.end if isinstance(each, Span) else each for each in query.asked()]


def execute(query: Query, cube: Cube) -> Outcome:
    """The outcome of a query over the facts at hand.

    Args:
        query: What is asked; its companies are known to the cube.
        cube: The facts.
    """
    cube = cube.assuming(query.assume)
    if query.scope == "universe":
        return _across_all(query, cube)
    if query.scope == "peers":
        return with_implied(against_peers(query, cube), cube)
    if is_model(query):
        return modelled(query, cube)
    if query.intent == "event":
        return around_filings(query, cube)
    if query.weights or query.intent == "tearsheet":
        span = window(cube, query.companies[0], query.asked())
        if absent := without_closes(query, cube, span):
            return Outcome(query, "nothing", gaps=absent)
        return _each(*with_portfolio(query, cube, span))
    several, points = len(query.companies) > 1, _several_points(query)
    if several and query.operation in _ACROSS and not _of_price(query):
        query = query.model_copy(update={"companies": _once_each(query.companies, cube)})
        several = len(query.companies) > 1
    by_day = counts_moves(query) or (query.operation in ONCE and _of_price(query))
    if query.where and query.intent != "judge" and not by_day:
        return checked(query, cube)
    if several and query.operation in _EXTREMES and not points:
        changes = {"operation": "none", "intent": "rank", "order": _EXTREMES[query.operation]}
        return _ordered(query.model_copy(update=changes), cube, query.companies)
    if several and query.intent in ("compare", "rank", "screen"):
        return _ordered(query, cube, query.companies)
    if several and query.operation in _ACROSS and (not points or query.operation in ("sum", "share")):
        return _across(query, cube)
    return _each(query, cube)


_EXTREMES = {"max": 1, "min": -1}
_OF_SPAN = (*OF_MOVES, "high", "low", *ONCE)


def _of_price(query: Query) -> bool:
    return query.metrics[:1] == ["price"]


def _once_each(symbols: Sequence[str], cube: Cube) -> list[str]:
    """The companies without further share classes of one that is named already: their figures are the same."""
    primary = {symbol: member.primary if (member := cube.members.get(symbol)) else "" for symbol in symbols}
    return list({primary[symbol] or symbol: symbol for symbol in reversed(symbols)}.values())[::-1]


def _each(query: Query, cube: Cube) -> Outcome:
    """Every company and metric by itself."""
    rows = [row for symbol in query.companies for metric in query.metrics for row in cell(query, cube, symbol, metric)]
    known = tuple(row for row in rows if row.known)
    if query.intent == "profile":
        told = tuple(_told(row, cube.members.get(row.symbol), asked) for row in known for asked in query.explain)
        return Outcome(query, "profile" if told else "nothing", told, gaps=gaps_of(rows, cube.nearest))
    figure = known[0].fact if known and (len(known) == 1 or query.operation in _SINGLE) else None
    return Outcome(query, _shape(query, known), known, figure, gaps_of(rows, cube.nearest))


def _told(row: Row, member: Member | None, asked: str) -> Row:
    """What is asked of a company besides figures, in words, read off its directory entry or its balance sheet."""
    fact = row.fact
    text = {
        "sector": ", ".join(filter(None, (member.sector, member.sub_industry))) if member else "",
        "headquarters": member.headquarters if member else "",
        "fiscal year end": f"{fact.period_end:%B}" if fact.period_end else "",
    }.get(asked, str(fact.as_of or ""))
    changes: dict[str, Any] = {"field": asked.replace(" ", "_"), "value": None, "unit": "", "currency": None}
    return replace(row, fact=structs.replace(fact, **changes, statement="profile", text=text or None))


def _several_points(query: Query) -> bool:
    """Whether more than one period is asked; 2023 and FY2023 are one for a company's figures."""
    years = {str(each).removeprefix("FY") for each in query.asked()}
    return len(years) > 1 or any(isinstance(each, Span) for each in query.asked())


def _across(query: Query, cube: Cube) -> Outcome:
    """Sums, means, differences and multiples of several companies in one period, or of their sums over several."""
    metric = query.metrics[0]
    each = query.model_copy(update={"operation": "sum" if _several_points(query) else "none"})
    rows = [row for symbol in query.companies for row in cell(each, cube, symbol, metric)]
    known = tuple(row for row in rows if row.known)
    gaps = gaps_of(rows, cube.nearest)
    if len(known) < len(rows) or len(known) < 2:
        return Outcome(query, "values", known, None, gaps)
    facts = [row.fact for row in known]
    figure = _joined(query, metric, facts)
    if not figure.known:
        return Outcome(query, "values", known, None, (*gaps, *gaps_of([Row("", metric, figure)], cube.nearest)))
    return Outcome(query, _ACROSS[query.operation], known, figure, gaps)


def _joined(query: Query, metric: str, facts: Sequence[Fact]) -> Fact:
    """What an operation makes of figures of several companies."""
    if reason := currencies_apart(facts):
        return as_senseless(facts[0], f"These are not compared: {reason}.")
    if query.operation in ("sum", "share") and not _addable(metric):
        return not_added(facts[0], metric, "companies")
    if query.operation == "range":
        high, low = (pick(facts, key=lambda fact: fact.value or 0) for pick in (max, min))
        return less(metric, high, low)
    if query.operation in ("times", "difference"):
        if len(facts) > 2:
            return as_senseless(facts[0], f"A {query.operation} is of two companies, not of {len(facts)}; name two.")
        return (over if query.operation == "times" else less)(metric, *facts)
    return part_of(metric, facts) if query.operation == "share" else folded("", metric, facts, query.operation).fact


def _addable(metric: str) -> bool:
    """Whether figures of several companies may be added: amounts may, ratios and figures per share may not."""
    return described(metric).unit in ("USD", "shares")


_ACROSS: dict[str, Shape] = {
    "sum": "sum", "mean": "mean", "median": "mean", "difference": "difference", "times": "times", "share": "share",
    "range": "range",
}  # fmt: skip
_SINGLE = frozenset({"growth", "sequential", "cagr", "difference", "times", "sum", "mean", "median", "max", "min",
                     "range"})  # fmt: skip


def _ordered(query: Query, cube: Cube, symbols: Sequence[str]) -> Outcome:
    """Companies in order of a figure: for comparisons and ranks."""
    metric = query.metrics[0]
    rows = [last_cell(query, cube, symbol, metric) for symbol in symbols]
    known = sorted((row for row in rows if row.known), key=by_value, reverse=query.order >= 0)
    if reason := currencies_apart(row.fact for row in known):
        return Outcome(
            query, "values", tuple(known), None, (*gaps_of(rows, cube.nearest), gap_of_apart(metric, reason))
        )
    more = [last_cell(query, cube, symbol, other) for other in query.metrics[1:] for symbol in symbols]
    shown = known[: query.limit] if query.limit else known
    gaps = gaps_of([*rows, *more], cube.nearest)
    return Outcome(query, "order", tuple(shown), shown[0].fact if shown else None, gaps,
                   more=tuple(row for row in more if row.known), matches=len(known))  # fmt: skip


def _shape(query: Query, rows: Sequence[Row]) -> Shape:
    if not rows:
        return "nothing"
    by_day = query.operation in OF_PRICE or counts_moves(query) or is_window(query.asked())
    if rows[0].metric in WINDOW_METRICS or query.operation in _OF_SPAN or (rows[0].metric == "price" and by_day):
        return "window"
    shapes: dict[str, Shape] = {
        "growth": "change", "sequential": "change", "cagr": "cagr", "difference": "difference", "times": "times",
        "sum": "sum", "mean": "mean", "median": "mean", "max": "extreme", "min": "extreme", "trend": "series",
        "range": "difference",
    }  # fmt: skip
    found = shapes.get(query.operation)
    if currencies_apart(row.fact for row in rows if row.symbol == rows[0].symbol and row.metric == rows[0].metric):
        return "values"
    if found in ("sum", "mean", "extreme") and not any(row.at for row in rows):
        found = None
    return found or ("series" if is_series(query.asked()) and len(rows) > 1 else "values")


# -------------------------------------------------------------------------------------------------- over all companies


def _across_all(query: Query, cube: Cube) -> Outcome:
    """The outcome of a query over every company of the provider, one share class each."""
    members = [m for m in cube.members.values() if m.primary in ("", m.symbol) and in_sector(m, query.sectors)]
    metric = query.metrics[0] if query.metrics else query.where[0].metric
    if not members:
        return Outcome(query, "nothing", gaps=(_no_member(query, cube),))
    if not rankable(query, metric):
        what = described(metric).title if query.operation == "none" else f"“{query.operation}” of {spoken(metric)}"
        reason = f"{what} is computed for companies that are named, not for all at once. Name some."
        return Outcome(query, "nothing", gaps=(Gap(symbol="", need=metric, reason=reason, error="NotInData"),))
    query = _settled(query, cube, members, metric)
    found: list[Row] = []
    left_out = 0
    rows = {
        each.symbol: last_cell(query, cube, each.symbol, metric)
        if query.assume or _has_lines(cube, each.symbol, metric)
        else Row(each.symbol, metric, Fact(symbol=each.symbol, field=metric, statement="ratio", status="missing"))
        for each in members
    }
    currencies = Counter(row.fact.currency for row in rows.values() if row.known)
    usual = max(currencies, key=lambda each: currencies[each], default=None)
    limits = [placed(query, cube, [*rows], each) for each in query.where]
    for symbol, row in rows.items():
        fulfilled = [fulfils_it(cube, symbol, each, query) for each in limits]
        if all(each is not False for each in fulfilled):
            if None in fulfilled or not row.known:
                left_out += 1
            elif row.fact.currency == usual:
                found.append(row)
    current = _current(query, found)
    outcome = _universe_outcome(query, cube, metric, members, current, left_out + len(found) - len(current))
    return replace(outcome, gaps=(*outcome.gaps, *gaps_of_others(rows.values(), usual)))


def _has_lines(cube: Cube, symbol: str, metric: str) -> bool:
    """Whether a company has all lines of a metric in some period: without one there is nothing to compute."""
    return described(metric).kind == "price" or all(cube.series(symbol, line) for line in rows_of(metric))


def _current(query: Query, rows: list[Row]) -> list[Row]:
    """The rows without those of companies whose latest figure is years old, where the latest are asked."""
    newest = max((row.fact.period_end for row in rows if row.fact.period_end), default=None)
    if newest is None or any(each.year for each in _last_of(query)):
        return rows
    return [row for row in rows if (row.fact.period_end or newest) > newest - STALE]


def rankable(query: Query, metric: str) -> bool:
    """Whether a figure of all companies can be had: of prices only closes at the ends of spans are read."""
    of_price = metric == "price" or metric in WINDOW_METRICS
    if of_price:
        return query.operation in _OF_ENDS and metric not in OF_ALL_CLOSES
    return query.operation in _OF_ALL and "beta" not in lines(metric)


_OF_ENDS = frozenset({"none", "growth", "difference", "cagr", "count", "sum", "mean", "median"})
_OF_ALL = frozenset({*_OF_ENDS, "sequential", "max", "min", "times"})


def _settled(query: Query, cube: Cube, members: Sequence[Member], metric: str) -> Query:
    """A query with the period that it means, and each condition with its own."""
    where = [with_period(each, query, cube, members) for each in query.where]
    changes: dict[str, object] = {"where": where}
    if query.operation in _EXTREMES and not _several_points(query):
        changes |= {"operation": "none", "order": query.order or _EXTREMES[query.operation]}
    if not query.periods and query.operation != "cagr" and (year := usual_year(cube, members, metric)):
        changes["periods"] = [f"FY{year}"]
    return query.model_copy(update=changes)


def _no_member(query: Query, cube: Cube) -> Gap:
    sectors = sorted({member.sector for member in cube.members.values() if member.sector})
    there = f"Sectors: {', '.join(sectors)}." if sectors else "Name the companies instead."
    asked = f"is in {' or '.join(query.sectors)}" if query.sectors else "is covered by this source as a whole"
    return Gap(symbol="", need="companies", reason=f"No company in the data {asked}. {there}", error="NotInData")


def _universe_outcome(
    query: Query, cube: Cube, metric: str, members: Sequence[Member], found: list[Row], left_out: int
) -> Outcome:
    ordered = sorted(found, key=by_value, reverse=query.order >= 0)
    common = Outcome(query, "order", considered=len(members), left_out=left_out, matches=len(ordered))
    if left_out == len(members):
        when = f" for {' and '.join(query.periods)}" if query.periods else ""
        reason = f"No company in the data has {spoken(metric)}{when}."
        return replace(common, gaps=(Gap(symbol="", need=metric, reason=reason, error="NotInData"),))
    if query.operation == "count":
        return replace(common, shape="count", rows=tuple(ordered[:10]), figure=counted(query, metric, len(ordered)))
    if query.operation in ("sum", "mean", "median") and ordered:
        if query.operation == "sum" and not _addable(metric):
            refused = Row("", metric, not_added(ordered[0].fact, metric, "companies"))
            return replace(common, shape="nothing", gaps=gaps_of([refused], cube.nearest))
        figure = folded("", metric, [row.fact for row in ordered], query.operation).fact
        return replace(common, shape=_ACROSS[query.operation], rows=tuple(ordered[:5]), figure=figure)
    shown = ordered[: query.limit] if query.limit else ordered
    more = [last_cell(query, cube, row.symbol, other) for other in query.metrics[1:] for row in shown]
    figure = shown[0].fact if shown and query.limit == 1 else None
    return replace(common, rows=tuple(shown), figure=figure, more=tuple(r for r in more if r.known))
