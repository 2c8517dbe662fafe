"""What a report says beyond its statements, computed as a query would: scores, multiples, the latest quarter. Pure.

Each figure is the fact that a question about it is answered with, so that both are equal, and comes with all facts that
it was made of. One that cannot be computed comes as a fact without a value, whose note says what lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import structs

from finassist.analysis.calendar import Point
from finassist.analysis.cube import Cube
from finassist.core.facts import Fact, with_inputs
from finassist.core.periods import LATEST, months_back
from finassist.core.query import Query

SCORES = ("piotroski", "altman_z", "accruals_ratio")
MULTIPLES = ("pe", "ps", "pb", "ev_to_ebitda", "fcf_yield")
QUARTERLY = ("revenue", "gross_margin", "operating_margin", "net_income", "eps_diluted", "free_cash_flow")
"""Figures of the latest quarter that are set against those of the same quarter a year before."""

RANGE_YEARS = 5
_DAYS = 20
"""Days of the range at which a multiple is computed: one a quarter."""


def overview(cube: Cube, symbol: str, *, past: bool = True) -> list[Fact]:
    """The figures of one company that open its report, and those that they were made of.

    Args:
        cube: Its facts; prices of past days count as `price` or `close`.
        symbol: The company.
        past: Whether the multiples of past years belong to it.

    Example:
        >>> overview(Cube([]), "ACME")
        []
    """
    cube = _with_past_prices(cube, symbol)
    found = [*_scores(cube, symbol), *_multiples(cube, symbol, past), *_latest_quarter(cube, symbol)]
    return with_inputs(found, cube.find)


def multiples_of_peers(symbol: str, day: date | None = None) -> Query:
    """The question about peers that a report of one company answers besides."""
    return Query(scope="peers", companies=[symbol], metrics=list(MULTIPLES), as_of=day)


def _with_past_prices(cube: Cube, symbol: str) -> Cube:
    """The company's facts alone, with each close as a price of its day too, as in the answer to a query."""
    facts = [fact for fact in cube.facts if fact.symbol == symbol]
    priced = {fact.period for fact in facts if fact.field == "price"}
    past = [fact for fact in facts if fact.field == "close" and fact.period not in priced]
    closes = (structs.replace(fact, field="price") for fact in past)
    return Cube([*facts, *closes], cube.members, beyond=cube.beyond)


def _scores(cube: Cube, symbol: str) -> Iterator[Fact]:
    newest = max(cube.years(symbol, "net_income"), default=0)
    for score in SCORES if newest else ():
        yield cube.value(symbol, score, cube.at(symbol, score, LATEST) or Point("FY", newest))


def _multiples(cube: Cube, symbol: str, with_past: bool) -> Iterator[Fact]:
    """Each multiple on the day of the latest price, then where it was lowest, in the middle and highest before."""
    day = cube.last_trading_day(symbol)
    if day is None:
        return
    past = _days_before(cube.trading_days(symbol), day) if with_past else []
    for multiple in MULTIPLES:
        now = cube.value(symbol, multiple, Point("DAY", end=day))
        if now.status != "not_meaningful" or now.inputs:
            yield now
            yield from _range([cube.value(symbol, multiple, Point("DAY", end=each)) for each in past])


def _days_before(days: Sequence[date], last: date) -> list[date]:
    """Days of five years, evenly apart."""
    within = sorted(day for day in days if months_back(last, 12 * RANGE_YEARS) <= day < last)
    return within[:: max(1, len(within) // _DAYS)]


def _range(facts: Sequence[Fact]) -> list[Fact]:
    known = sorted((fact for fact in facts if fact.known), key=lambda fact: fact.value or 0)
    return [known[0], known[len(known) // 2], known[-1]] if len(known) > _DAYS // 2 else []


def _latest_quarter(cube: Cube, symbol: str) -> Iterator[Fact]:
    """The latest quarter, the same a year before, and what changed."""
    quarters = cube.quarters(symbol, "revenue") or cube.quarters(symbol, "net_income")
    annual = max((fact.period_end for fact in _annual(cube, symbol) if fact.period_end), default=date.min)
    if not quarters or (quarters[-1].end or annual) < annual:
        return
    for metric in QUARTERLY:
        now = cube.value(symbol, metric, quarters[-1])
        before = cube.value(symbol, metric, cube.before(symbol, quarters[-1], metric))
        if now.known and before.known:
            yield from (now, before, cube.value(symbol, f"growth({metric})", quarters[-1]))


def _annual(cube: Cube, symbol: str) -> list[Fact]:
    return [fact for label, fact in cube.series(symbol, "net_income").items() if label.startswith("FY") and fact.known]
