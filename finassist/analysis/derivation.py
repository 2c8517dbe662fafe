"""How one derived fact is made from others: its value or the reason for none, its dates, its origin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Context, Decimal
from functools import lru_cache

from finassist.analysis.statements import amount, words
from finassist.core.facts import Fact, Status
from finassist.core.fields import FIELDS
from finassist.core.ratios import LINES, Ratio

# 18 significant digits hold the market value of any company to the cent, and keep a stored ratio short.
ARITHMETIC = Context(prec=18)

NOT_COMPARABLE = "not comparable"
"""What a figure's note says when it was restated and another year was not."""

_COMPUTED = "computed from "


def quotient(
    ratio: Ratio,
    top: Fact,
    bottom: Fact,
    period: str,
    *,
    obstacle: str | None = None,
    day: date | None = None,
    note: str | None = None,
) -> Fact:
    """A ratio of two facts, or `not_meaningful` with the reason.

    Args:
        ratio: What is computed.
        top: The fact above the line.
        bottom: The fact below it.
        period: The period of the result.
        obstacle: A reason against computing it that is known already.
        day: The day of the result; by default the latest of its inputs.
        note: What to say about it in any case.
    """
    obstacle = obstacle or _obstacle(ratio, top, bottom)
    status: Status = "not_meaningful" if obstacle else "derived"
    remark = obstacle or _caveats(top, bottom)
    return Fact(
        symbol=top.symbol,
        field=ratio.field,
        value=None if obstacle else _value(ratio, top, bottom),
        unit=ratio.unit,
        period=period,
        period_end=day or _latest(top.period_end, bottom.period_end),
        as_of=day or _latest(top.as_of, bottom.as_of),
        source=_origin(top.source, bottom.source),
        statement="ratio",
        status=status,
        formula=ratio.formula,
        inputs=(top.key, bottom.key),
        note=f"{note}; {remark}" if note and remark else note or remark,
    )


def absent(symbol: str, ratio: Ratio, period: str, day: date | None, why: tuple[Status, str]) -> Fact:
    """A ratio that lacks an input, with the input's word and the input named in the note."""
    status, note = why
    return Fact(
        symbol=symbol,
        field=ratio.field,
        unit=ratio.unit,
        period=period,
        period_end=day,
        statement="ratio",
        status=status,
        formula=ratio.formula,
        note=note,
    )


def line(field: str, formula: str, value: Decimal, inputs: Sequence[Fact], note: str | None) -> Fact:
    """A derived figure that is not a ratio; its period and currency are those of the first input."""
    about, first = LINES[field], inputs[0]
    money = about.unit.startswith("USD")
    unit = about.unit.replace("USD", first.currency) if first.currency else about.unit if first.unit else ""
    dated = inputs[:1] if about.statement == "price" else inputs
    return Fact(
        symbol=first.symbol,
        field=field,
        value=value.normalize() + 0,
        unit=unit if money else about.unit,
        currency=first.currency if money else None,
        period=first.period,
        period_end=_latest(*(fact.period_end for fact in dated)),
        as_of=_latest(*(fact.as_of for fact in dated)),
        source=_origin(*(fact.source for fact in inputs)),
        statement=about.statement,
        status="derived",
        formula=formula,
        inputs=tuple(fact.key for fact in inputs),
        note=note,
    )


def _value(ratio: Ratio, top: Fact, bottom: Fact) -> Decimal:
    value = ARITHMETIC.divide(amount(top), amount(bottom))
    return (ARITHMETIC.subtract(value, 1) if ratio.kind == "growth" else value).normalize() + 0


def _obstacle(ratio: Ratio, top: Fact, bottom: Fact) -> str | None:
    if top.currency and bottom.currency and top.currency != bottom.currency:
        return f"{words(top.field)} is in {top.currency} and {words(bottom.field)} in {bottom.currency}"
    if bool(top.currency) != bool(bottom.currency) and _money(top) and _money(bottom):
        return f"the currency of {words(bottom.field if top.currency else top.field)} is not known"
    earlier = " of the year before" if ratio.kind == "growth" else ""
    if amount(bottom) <= 0:
        return f"{words(bottom.field)}{earlier} is {_sign(bottom)}"
    if ratio.kind == "growth" and amount(top) < 0:
        return f"{words(top.field)} turned negative"
    if ratio.positive_top and amount(top) <= 0:
        return f"{words(top.field)} is {_sign(top)}"
    return None


def _money(fact: Fact) -> bool:
    about = FIELDS.get(fact.field)
    return fact.unit.startswith("USD") or (about is not None and about.unit.startswith("USD"))


def _caveats(*inputs: Fact) -> str | None:
    """What notes of reported inputs say of their basis; a restatement has been judged before."""
    noted = [f for f in inputs if f.note and f.status == "reported" and NOT_COMPARABLE not in f.note]
    return "; ".join(dict.fromkeys(f"{words(f.field)}: {f.note}" for f in noted)) if noted else None


def _latest(*days: date | None) -> date | None:
    latest = days[0]
    for day in days:
        if day is not latest and day is not None and (latest is None or day > latest):
            latest = day
    return latest


@lru_cache(maxsize=1000)
def _origin(*sources: str) -> str:
    """Kept, because all ratios of a year rest on the same two or three documents."""
    named = [name for source in sources for name in source.removeprefix(_COMPUTED).split("; ") if name]
    return _COMPUTED + ("; ".join(dict.fromkeys(named)) or "figures without a named source")


def _sign(fact: Fact) -> str:
    return "zero" if fact.value == 0 else "negative"
