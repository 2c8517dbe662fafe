"""What came of a query: rows of facts, the one figure, and what is not there; and facts made of two others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from msgspec import structs

from finassist.analysis.statements import currencies_apart
from finassist.core.facts import Fact, Gap
from finassist.core.formatting import ABSENCE
from finassist.core.metrics import described
from finassist.core.query import Query, Shape


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of an outcome: a fact, and for a change the two facts it lies between."""

    symbol: str
    metric: str
    fact: Fact
    first: Fact | None = None
    last: Fact | None = None
    at: str = ""
    parts: tuple[Fact, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is a figure."""
        return self.fact.known


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a query.

    Attributes:
        query: The query.
        shape: What sort of result it is; sentences are chosen by it.
        rows: The figures, in the order asked or ranked; only known ones.
        figure: The one figure asked for, where there is one.
        gaps: What was asked and is not there.
        considered: How many companies of a universe were looked at.
        left_out: How many of them lack a figure.
        matches: How many companies fulfil a screen, before the limit.
        more: Figures asked besides, such as other columns of a screen.
        met: Of the rows of a check, those whose company fulfils every condition.
    """

    query: Query
    shape: Shape
    rows: tuple[Row, ...] = ()
    figure: Fact | None = None
    gaps: tuple[Gap, ...] = ()
    considered: int = 0
    left_out: int = 0
    matches: int = 0
    more: tuple[Row, ...] = ()
    met: tuple[Row, ...] = ()


KEPT = ("not_meaningful", "not_reported")
"""Why a figure is not there that says the same of what is computed from it."""

_ERRORS = {"not_meaningful": "NotMeaningful", "not_reported": "NotReported"}


def gaps_of(rows: Iterable[Row], nearest: Callable[[str, str, str], str]) -> tuple[Gap, ...]:
    """A gap for each figure that is not there, with the reason and the nearest period of it that is."""
    missing = {(row.symbol, row.metric, row.fact.period): row for row in rows if not row.known}
    return tuple(_gap(row, nearest) for row in missing.values())


def gaps_of_others(rows: Iterable[Row], usual: str | None) -> Iterator[Gap]:
    """The gap of companies whose amounts are in another currency than those of most."""
    if apart := [row for row in rows if row.known and row.fact.currency != usual]:
        named = ", ".join(row.symbol for row in apart[:5]) + (" and others" if len(apart) > 5 else "")
        where = f"in {usual}" if usual else "of unknown currency"
        reason = f"Amounts {where} are compared; left out are those in another currency: {named}."
        yield Gap(symbol="", need=apart[0].metric, reason=reason, error="NotMeaningful")


def _gap(row: Row, nearest: Callable[[str, str, str], str]) -> Gap:
    reason = row.fact.note or f"{row.metric} is not in the data."
    if error := _ERRORS.get(row.fact.status):
        return Gap(symbol=row.symbol, need=row.metric, reason=reason, error=error)
    near = nearest(row.symbol, row.metric, row.fact.period)
    if near == row.fact.period:  # its lines are there, and what lacks is of the market
        near = ""
    if near and "FY" not in reason:
        reason = f"{reason} The nearest there is: {near}."
    return Gap(symbol=row.symbol, need=row.metric, reason=reason, error="NotInData", nearest=near)


def still_open(query: Query, rows: Sequence[Row], met: Sequence[Row]) -> list[Row]:
    """Periods without a figure that could be the first or the last asked for: later ones, or those between."""
    known = [at for at, row in enumerate(rows) if row.known]
    at = rows.index(met[-1 if query.operation == "last" else 0]) if met else 0
    between = range(at, len(rows)) if query.operation == "last" else range(known[0] if known else 0, at)
    return [rows[each] for each in between if not rows[each].known]


def fulfils(query: Query, row: Row) -> bool:
    """Whether a figure fulfils the conditions of a query about its metric."""
    own = [each for each in query.where if each.metric == row.metric]
    return row.fact.value is not None and all(each.holds(float(row.fact.value)) for each in own)


def by_value(row: Row) -> Decimal:
    """The figure of a row, to sort by."""
    return row.fact.value or Decimal()


# ------------------------------------------------------------------------------------------------- facts made of facts


def less(metric: str, minuend: Fact, subtrahend: Fact) -> Fact:
    """The difference of two figures; in points where they are percentages."""
    if minuend.value is None or subtrahend.value is None:
        return missing_change(subtrahend, minuend)
    if reason := currencies_apart((minuend, subtrahend)):
        return as_senseless(minuend, f"A difference is not meaningful: {reason}.")
    unit = "points" if described(metric).unit == "percent" else minuend.unit
    value = minuend.value - subtrahend.value
    return derived(minuend, f"difference of {metric}", value, unit, [subtrahend, minuend], "{b} - {a}")


def over(metric: str, above: Fact, below: Fact) -> Fact:
    """How many times one figure is another."""
    if above.value is None or below.value is None:
        return missing_change(below, above)
    if reason := currencies_apart((above, below)) or _not_positive(metric, (below, above)):
        return as_senseless(above, f"A multiple is not meaningful: {reason}.")
    return derived(above, f"times {metric}", above.value / below.value, "times", [below, above], "{b} / {a}")


def part_of(metric: str, facts: Sequence[Fact]) -> Fact:
    """The share of the first of some amounts in their sum."""
    if reason := _not_positive(metric, facts):
        return as_senseless(facts[0], f"A share is not meaningful: {reason}.")
    part = (facts[0].value or Decimal()) / sum((fact.value or Decimal() for fact in facts), Decimal())
    return derived(facts[0], f"share of {metric}", part, "ratio", facts, "{a} / sum")


def _not_positive(metric: str, facts: Sequence[Fact]) -> str:
    """Why amounts make no multiple and no share: one is a loss, or the one that is divided by is zero."""
    odd = next((fact for fact in facts if fact.value is None or fact.value < 0), None)
    odd = odd or (facts[0] if not any(fact.value for fact in facts[:1]) else None)
    if odd is None:
        return ""
    return f"{described(metric).label} of {odd.symbol} is {'negative' if odd.value else 'zero'} in {odd.period}"


def missing_change(first: Fact, last: Fact) -> Fact:
    """A change of which one end is not there, with that end's reason."""
    absent = first if first.value is None else last
    return as_missing(absent, absent.note or "A figure it needs is not in the data.")


def told(what: str, fact: Fact) -> Fact:
    """A figure that its source says is not there, with the reason as a sentence."""
    why = fact.note or ""
    if why.endswith("."):
        return fact
    reason = f": {why}" if why and not why.startswith("not in the ") else ""
    absence = ABSENCE.get(fact.status, ABSENCE["missing"])
    return structs.replace(fact, note=f"{what} is {absence} for {fact.period}{reason}.")


def a_year(move: Row, days: int) -> Row:
    """A move between two closes as a rate a year."""
    if move.first is None or move.last is None or move.fact.value is None:
        return move
    years = days / 365.25
    rate = Decimal(repr(float(1 + move.fact.value) ** (1 / years) - 1)) if years > 0 else move.fact.value
    formula = f"({{b}} / {{a}}) ^ (365.25 / {days}) - 1" if years > 0 else "{b} / {a} - 1"
    fact = derived(move.fact, "cagr of price", rate, "ratio", [move.first, move.last], formula)
    return replace(move, fact=fact, at=f"{years:.1f}")


def worth(stake: str, row: Row, close: Fact | None) -> Row:
    """What an amount put into a share, or some shares, were worth: after a move of its price, or at one close."""
    number, unit = stake.split()
    alone = row.first is None
    price = row.fact if alone else close
    if row.fact.value is None or price is None or not price.value:
        return row
    bought, value, formula, inputs = alone and unit == "USD", Decimal(number), number, [price.key]
    if bought:
        value, formula = value / price.value, f"{number} / {price.key}"
    elif unit == "shares":
        value, formula = value * price.value, f"{number} * {price.key}"
    else:
        inputs = []
    if not alone:
        value, formula = value * (1 + row.fact.value), f"{formula} * (1 + {row.fact.key})"
        inputs.append(row.fact.key)
    units = ("shares", None) if bought else ("USD", price.currency or "USD")
    fact = structs.replace(row.fact, field=f"worth of {stake}", value=value, unit=units[0], currency=units[1],
                           status="derived", formula=formula, inputs=tuple(inputs))  # fmt: skip
    return replace(row, fact=fact, parts=(row.fact,))


def shares_noted(made: Fact, inputs: Iterable[Fact]) -> Fact:
    """A figure made with the shares of a day, with a note where average shares stand for those of a cover page."""
    averaged = "cover_shares" in (made.formula or "") and any(fact.field == "shares_diluted" for fact in inputs)
    return structs.replace(made, note="with average diluted shares, not those of a cover page") if averaged else made


def as_missing(fact: Fact, note: str) -> Fact:
    """The same figure as one that is not there, with the reason."""
    return Fact(
        symbol=fact.symbol,
        field=fact.field,
        unit=fact.unit,
        period=fact.period,
        period_end=fact.period_end,
        statement=fact.statement,
        status=fact.status if fact.status in KEPT else "missing",
        note=note,
    )


def not_added(fact: Fact, metric: str, over: str) -> Fact:
    """A sum that would mean nothing: of balances over periods, of ratios or prices over companies."""
    title = described(metric).title
    return as_senseless(fact, f"{title} cannot be added up over {over}; ask for its mean or for each one.")


def as_senseless(fact: Fact, note: str) -> Fact:
    """The same figure as one that would mean nothing, with the reason."""
    return structs.replace(as_missing(fact, note), status="not_meaningful")


def derived(
    like: Fact,
    name: str,
    value: Decimal | None,
    unit: str,
    inputs: Sequence[Fact],
    formula: str,
    note: str | None = None,
) -> Fact:
    """A derived fact of the symbol and period of another."""
    keys = [fact.key for fact in inputs]
    days = [fact.as_of for fact in inputs if fact.as_of]
    return Fact(
        symbol=like.symbol,
        field=name,
        value=value,
        unit=unit,
        currency=like.currency if unit == like.unit else None,
        period=like.period,
        period_end=like.period_end,
        as_of=max(days, default=None),
        source=like.source,
        statement="ratio",
        status="derived" if value is not None else "not_meaningful",
        formula=formula.format(a=keys[0], b=keys[-1]) if formula and keys else None,
        inputs=tuple(keys),
        note=note,
    )


def gap_of_apart(metric: str, reason: str) -> Gap:
    """The gap of a comparison that would set amounts of other currencies against each other."""
    return Gap(symbol="", need=metric, reason=f"These are not compared: {reason}.", error="NotMeaningful")


def counted(query: Query, metric: str, number: int) -> Fact:
    """How many companies fulfil it, as a fact."""
    return Fact(symbol="", field=f"count of {metric}", value=Decimal(number), unit="count", statement="ratio",
                period=", ".join(query.periods), status="derived", formula="count")  # fmt: skip
