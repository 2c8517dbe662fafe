"""A query and facts to what was asked: figures, changes, comparisons, ranks, screens. Pure.

`execute(query, cube)` gives an `Outcome`: rows of facts, the one figure where one was asked, and a gap for whatever was
asked and is not there. Sentences and tables are made of it in `finassist.reporting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from finassist.analysis.calendar import Member, years_back
from finassist.analysis.cells import cell, folded, is_series
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Outcome, Row, by_value, derived, fulfils, gaps_of, less, not_added, over
from finassist.analysis.statements import currencies_apart
from finassist.analysis.windows import OF_PRICE, WINDOW_METRICS
from finassist.core.facts import Fact, Gap
from finassist.core.metrics import anchors, described, lines, parse
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Filter, Query, Shape

_MARKET = frozenset({"price", "cover_shares", "trailing_eps"})


def execute(query: Query, cube: Cube) -> Outcome:
    """The outcome of a query over the facts at hand.

    Args:
        query: What is asked; its companies are known to the cube.
        cube: The facts.
    """
    if query.scope == "universe":
        return _across_all(query, cube)
    if len(query.companies) > 1 and query.intent in ("compare", "rank", "screen") and not query.where:
        return _ordered(query, cube, query.companies)
    if len(query.companies) > 1 and query.operation in _ACROSS and not _several_points(query):
        return _across(query, cube)
    return _each(query, cube)


def _each(query: Query, cube: Cube) -> Outcome:
    """Every company and metric by itself."""
    rows = [row for symbol in query.companies for metric in query.metrics for row in cell(query, cube, symbol, metric)]
    known = tuple(row for row in rows if row.known)
    of_price = query.operation == "first" and query.metrics[:1] == ["price"]
    if query.where and known and not of_price and query.intent != "judge":
        return _checked(query, known, gaps_of(rows, cube.nearest))
    figure = known[0].fact if known and (len(known) == 1 or query.operation in _SINGLE) else None
    return Outcome(query, _shape(query, known), known, figure, gaps_of(rows, cube.nearest))


def _checked(query: Query, rows: tuple[Row, ...], gaps: tuple[Gap, ...]) -> Outcome:
    """Whether the figures of named companies fulfil the conditions: each by the one about its own metric."""
    met = [row for row in rows if fulfils(query, row)]
    figure = rows[0].fact if len(rows) == 1 else None
    if query.operation == "first" and met:
        figure = met[0].fact
    if query.operation == "count":
        facts = [row.fact for row in rows]
        figure = derived(facts[-1], "number of periods", Decimal(len(met)), "count", facts, "periods that fulfil it")
    return Outcome(query, "check", rows, figure, gaps, matches=len(met))


def _several_points(query: Query) -> bool:
    """Whether more than one period is asked; 2023 and FY2023 are one for a company's figures."""
    years = {str(each).removeprefix("FY") for each in query.asked()}
    return len(years) > 1 or any(isinstance(each, Span) for each in query.asked())


def _across(query: Query, cube: Cube) -> Outcome:
    """Sums, means, differences and multiples of several companies in one period."""
    metric = query.metrics[0]
    plain = query.model_copy(update={"operation": "none"})
    rows = [row for symbol in query.companies for row in cell(plain, cube, symbol, metric)]
    known = tuple(row for row in rows if row.known)
    gaps = gaps_of(rows, cube.nearest)
    if len(known) < len(rows) or len(known) < 2:
        return Outcome(query, "values", known, None, gaps)
    facts = [row.fact for row in known]
    if reason := currencies_apart(facts):
        return Outcome(query, "values", known, None, (*gaps, _apart(metric, reason)))
    if query.operation in ("sum", "share") and not _addable(metric):
        refused = Row("", metric, not_added(facts[0], "companies"))
        return Outcome(query, "values", known, None, (*gaps, *gaps_of([refused], cube.nearest)))
    match query.operation:
        case "times":
            figure = over(metric, facts[0], facts[1])
        case "difference":
            figure = less(metric, facts[0], facts[1])
        case "share":
            total = folded("", metric, facts, "sum").fact.value or Decimal(1)
            part = (facts[0].value or Decimal()) / total
            figure = derived(facts[0], f"share of {metric}", part, "ratio", facts, "{a} / sum")
        case how:
            figure = folded("", metric, facts, how).fact
    return Outcome(query, _ACROSS[query.operation], known, figure, gaps)


def _addable(metric: str) -> bool:
    """Whether figures of several companies may be added: amounts may, ratios and figures per share may not."""
    return described(metric).unit in ("USD", "shares")


def _apart(metric: str, reason: str) -> Gap:
    """The gap of a comparison that would set amounts of other currencies against each other."""
    return Gap(symbol="", need=metric, reason=f"These are not compared: {reason}.", error="NotMeaningful")


_ACROSS: dict[str, Shape] = {
    "sum": "sum", "mean": "mean", "median": "mean", "difference": "difference", "times": "times", "share": "share",
}  # fmt: skip
_SINGLE = frozenset({"growth", "sequential", "cagr", "difference", "times", "sum", "mean", "median", "max", "min"})


def _ordered(query: Query, cube: Cube, symbols: Sequence[str]) -> Outcome:
    """Companies in order of a figure: for comparisons and ranks."""
    metric = query.metrics[0]
    rows = [cell(query, cube, symbol, metric)[-1] for symbol in symbols]
    known = sorted((row for row in rows if row.known), key=by_value, reverse=query.order >= 0)
    if reason := currencies_apart(row.fact for row in known):
        return Outcome(query, "values", tuple(known), None, (*gaps_of(rows, cube.nearest), _apart(metric, reason)))
    more = [cell(query, cube, symbol, other)[-1] for other in query.metrics[1:] for symbol in symbols]
    shown = known[: query.limit] if query.limit else known
    gaps = gaps_of([*rows, *more], cube.nearest)
    return Outcome(query, "order", tuple(shown), shown[0].fact if shown else None, gaps,
                   more=tuple(row for row in more if row.known), matches=len(known))  # fmt: skip


def _shape(query: Query, rows: Sequence[Row]) -> Shape:
    if not rows:
        return "nothing"
    if rows[0].metric in WINDOW_METRICS or query.operation in ("best month", "worst month", "high", "low", "first"):
        return "window"
    if rows[0].metric == "price" and (query.operation in OF_PRICE or is_series(query.asked())):
        return "window"
    shapes: dict[str, Shape] = {
        "growth": "change", "sequential": "change",
        "cagr": "cagr", "difference": "difference", "times": "times", "sum": "sum", "mean": "mean",
        "median": "mean",
        "max": "extreme", "min": "extreme", "trend": "series",
    }  # fmt: skip
    found = shapes.get(query.operation)
    if currencies_apart(row.fact for row in rows if row.symbol == rows[0].symbol and row.metric == rows[0].metric):
        return "values"
    if found in ("sum", "mean", "extreme") and not any(row.at for row in rows):
        found = None
    return found or ("series" if is_series(query.asked()) and len(rows) > 1 else "values")


# ------------------------------------------------------------------------------------------------------- what it needs


class Needed(NamedTuple):
    """The facts that a query rests on.

    Attributes:
        lines: Reported lines.
        prices: Whether it needs share prices.
        since: The first fiscal year that counts.
        days: Days whose closes it needs, where it asks all companies.
        quarters: Whether it needs quarterly figures besides annual ones.
    """

    lines: frozenset[str]
    prices: bool
    since: int
    days: tuple[date, ...]
    quarters: bool


def needed(query: Query) -> Needed:
    """What has to be fetched to execute a query."""
    metrics = [*query.metrics, *(condition.metric for condition in query.where)]
    found = frozenset[str]().union(*map(lines, metrics))
    behind = {_BEHIND[name] for name in found & _BEHIND.keys()}
    prices = bool(found & (_MARKET | WINDOW_METRICS))
    days = tuple(_days(query)) if prices else ()
    quarters = prices or query.operation == "sequential" or _quarters(query)
    return Needed(found - _MARKET - WINDOW_METRICS | behind, prices, _since(query), days, quarters)


def of_today(query: Query) -> bool:
    """Whether a query asks for the latest price and for nothing that lies further back."""
    measured = query.operation != "none" or WINDOW_METRICS.intersection(query.metrics)
    return not measured and all(isinstance(each, Period) and str(each) == "latest" for each in query.asked())


_BEHIND = {"trailing_eps": "eps_diluted", "cover_shares": "shares_diluted"}
_FISCAL_YEARS = ("year", "end", "calendar", "latest")


def _since(query: Query) -> int:
    """The first fiscal year that counts: two before the first asked, for growth and averages."""
    asked = [period for each in query.asked() for period in _ends(each)] + _anchored(query)
    years = [period.year for period in asked if period.year]
    return min(years, default=query.as_of.year - 1 if query.as_of else 2024) - 2


def _quarters(query: Query) -> bool:
    """Whether a period is asked that is no fiscal year."""
    asked = [*query.asked(), *(parse_periods(each.period) for each in query.where if each.period)]
    ends = [period for each in asked for period in _ends(each)] + _anchored(query)
    return any(period.kind not in _FISCAL_YEARS for period in ends)


def _anchored(query: Query) -> list[Period]:
    """The periods that parts of its metrics have of their own."""
    return [Period.parse(each.period) for text in query.metrics for each in anchors(parse(text)) if each.period]


def companies_of(query: Query) -> list[str]:
    """Its companies, and those that parts of its metrics are about."""
    own = [each.symbol for text in query.metrics for each in anchors(parse(text)) if each.symbol]
    return list(dict.fromkeys([*query.companies, *own]))


def _ends(each: Period | Span) -> list[Period]:
    return [each] if isinstance(each, Period) else [period for period in (each.start, each.end) if period]


def _days(query: Query) -> Iterator[date]:
    """Days whose closes a query over all companies needs: the ends of its periods."""
    asked = [period for each in query.asked() for period in _ends(each)]
    newest = query.as_of or date.max
    yield newest
    for period in asked:
        first, last = period.first_day(), period.last_day()
        if first and last:
            yield from (min(first - timedelta(days=1), newest), min(last, newest))
    if not asked:
        yield years_back(newest, 1) if query.as_of else date.min


# -------------------------------------------------------------------------------------------------- over all companies


def _across_all(query: Query, cube: Cube) -> Outcome:
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
        if query.operation == "sum" and not _addable(metric):
            refused = Row("", metric, not_added(ordered[0].fact, "companies"))
            return replace(common, shape="nothing", gaps=gaps_of([refused], cube.nearest))
        figure = folded("", metric, [row.fact for row in ordered], query.operation).fact
        return replace(common, shape=_ACROSS[query.operation], rows=tuple(ordered[:5]), figure=figure)
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
    return Fact(symbol="", field=f"count of {metric}", value=Decimal(number), unit="count", statement="ratio",
                period=", ".join(query.periods), status="derived", formula="count")  # fmt: skip


def _condition(cube: Cube, symbol: str, condition: Filter, query: Query) -> bool | None:
    """Whether a company fulfils a condition; `None` where its figure is not known."""
    asked = query.model_copy(update={"periods": [condition.period or "latest"], "operation": "none"})
    fact = cell(asked, cube, symbol, condition.metric)[-1].fact
    if fact.value is None or not fact.known:
        return None
    return condition.holds(float(fact.value))


def in_sector(member: Member, sectors: Iterable[str]) -> bool:
    """Whether a company belongs to one of the sectors or industries, or no sector is asked."""
    wanted = [sector.casefold() for sector in sectors]
    own = (member.sector.casefold(), member.sub_industry.casefold())
    if own[1] == _CUSTODY or (own[1].endswith(" reits") and "reits" not in wanted):
        own = (own[0], "")
    return not wanted or any(sector == own[0] or (sector not in _WHOLE and sector in own[1]) for sector in wanted)


_CUSTODY = "asset management & custody banks"
"""An industry of fund managers for the most part, not of banks; retail REITs are no retailers either."""

_WHOLE = frozenset({"materials", "energy", "industrials", "financials", "utilities", "real estate", "health care"})
"""Sectors whose names also stand in the names of industries of other sectors."""
