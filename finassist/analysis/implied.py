"""What the multiples of peers imply for a share of the company: their quartiles applied to its own figures. Pure.

A multiple of the whole firm is freed of net debt; all are per share outstanding, as the market value is. At its own
multiple a company's share is thus worth its price.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from finassist.analysis.calendar import Point
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Outcome, Row, as_senseless, derived
from finassist.analysis.peers import QUARTILES, summary_of
from finassist.analysis.statements import currencies_apart
from finassist.core.facts import Fact
from finassist.core.metrics import described
from finassist.core.periods import LATEST, Period
from finassist.core.query import Query

IMPLIED = "implied price at "
"""How the fields of these figures begin: `implied price at lower quartile of pe`."""

_MULTIPLE = re.compile(r"(?:enterprise_value|market_cap|price) / [^/]+")


def with_implied(outcome: Outcome, cube: Cube) -> Outcome:
    """The outcome of a comparison with peers, whose multiples have the share prices that they imply as parts."""
    rows = tuple(
        replace(row, parts=tuple(_parts(row, outcome.query, cube))) if _sums_up_a_multiple(row) else row
        for row in outcome.rows
    )
    return replace(outcome, rows=rows)


def _sums_up_a_multiple(row: Row) -> bool:
    about = described(row.metric)
    multiple = about.unit == "times" and _MULTIPLE.fullmatch(about.formula)
    return bool(multiple) and summary_of(row.fact)[0] in {each.field for each in QUARTILES}


def _parts(row: Row, query: Query, cube: Cube) -> Iterator[Fact]:
    """The price on the day, and the price that a multiple implies."""
    symbol, asked = query.companies[0], query.asked()
    day = asked[0] if asked and isinstance(asked[0], Period) and asked[0].kind != "ttm" else LATEST
    point = cube.at(symbol, row.metric, day)
    price = cube.value(symbol, "price", point) if point else None
    if point is not None and price is not None and price.known:
        yield price
        yield _implied(row, symbol, point, price, cube)


def _implied(row: Row, symbol: str, point: Point, price: Fact, cube: Cube) -> Fact:
    """The multiple times the company's own figure, less net debt, per share; or why that says nothing."""
    multiple, title = row.fact, described(row.metric).title
    above, base = (cube.inputs(symbol, row.metric, point)[each] for each in (0, -1))
    inputs, formula = [base], f"multiple * {base.field}"
    if above.field != "price":
        inputs += [cube.value(symbol, name, point) for name in ("cover_shares", "market_cap")]
        formula = f"{formula} / shares"
    if above.field == "enterprise_value":
        inputs.append(above)
        formula = f"(multiple * {base.field} - (enterprise_value - market_cap)) / shares"
    name = f"{IMPLIED}{summary_of(multiple)[0].removeprefix('peer ')} of {row.metric}"
    worth = derived(price, name, _worth(multiple, inputs), price.unit, [multiple, *inputs], formula)
    missing = next((fact for fact in inputs if not fact.known), None)
    if missing is not None or (base.value or 0) <= 0 or currencies_apart([price, base]):
        own = cube.value(symbol, row.metric, point).note or (missing.note if missing else "")
        return as_senseless(worth, own or f"{title} is not meaningful.")
    if not worth.value or worth.value <= 0:
        return as_senseless(worth, f"{title} of the peers implies no more than the net debt.")
    return worth


def _worth(multiple: Fact, inputs: list[Fact]) -> Decimal | None:
    values = [fact.value for fact in (multiple, *inputs) if fact.value is not None]
    if len(values) < len(inputs) + 1 or not all(values[2:3]):
        return None
    times, base, *others = values
    if not others:
        return times * base
    shares, market_cap, *firm = others
    debt = firm[0] - market_cap if firm else Decimal()
    return (times * base - debt) / shares
