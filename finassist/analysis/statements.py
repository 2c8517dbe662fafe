"""One company's facts by field and period, the small questions asked of a fact, and how a ratio is made of two."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal
from functools import cache, lru_cache
from typing import Literal

from finassist.core.facts import Fact, Status
from finassist.core.fields import FIELDS
from finassist.core.metrics import Binary, Call, Metric, Ref, catalogue, parse, references

UNREPORTED_ZERO = "0 or not reported"
"""The note of a zero that may stand for an absent figure; no ratio uses such a zero."""

_FISCAL_YEAR = re.compile(r"FY\d{4}").fullmatch

SPENDING = ("capex", "dividends_paid", "buybacks")
"""Payments, positive by convention; some sources write them as negative cash flows."""


def fiscal_years(facts: Iterable[Fact]) -> list[str]:
    """Fiscal years that have a known figure, oldest first.

    Example:
        >>> fact = Fact(symbol="A", field="revenue", value=Decimal(1), period="FY2025", statement="income")
        >>> fiscal_years([fact])
        ['FY2025']
    """
    known: set[str] = set()
    for fact in facts:
        if fact.period not in known and fact.known:
            known.add(fact.period)
    return sorted(filter(is_fiscal_year, known))


class CompanyFacts:
    """One company's facts by field and period; derived facts join as they are made.

    Attributes:
        symbol: The company.
        facts: Facts by `(field, period)`.
        years: Fiscal years with a known figure, oldest first.
        year_ends: Last day of each of them, where known.
    """

    def __init__(self, facts: Iterable[Fact], symbol: str) -> None:
        self.symbol = symbol
        self.facts: dict[tuple[str, str], Fact] = {(f.field, f.period): f for f in facts if f.symbol == symbol}
        self.years = fiscal_years(self.facts.values())
        self.year_ends = _year_ends(self.facts.values(), self.years)

    def keep(self, made: Iterable[Fact]) -> list[Fact]:
        """Add facts and hand them back."""
        kept = list(made)
        self.facts.update({(f.field, f.period): f for f in kept})
        return kept

    def usable(self, field: str, period: str) -> Fact | None:
        """A figure to compute with; `None` when it is absent or a zero that may stand for an absent one."""
        fact = self.facts.get((field, period))
        if fact is None or not fact.known or (fact.note is not None and unreported_zero(fact)):
            return None
        return fact if fact.value is not None and fact.value.is_finite() else None

    def all_usable(self, period: str, *fields: str) -> tuple[Fact, ...] | None:
        """Every one of these figures in one currency, or `None`."""
        found = tuple(fact for field in fields if (fact := self.usable(field, period)) is not None)
        alike = len({fact.currency for fact in found}) <= 1
        return found if len(found) == len(fields) and alike else None

    def newest_price(self) -> Fact | None:
        """The price of the latest day, or `None` without a dated price."""
        prices = [f for f in self.facts.values() if f.field == "price" and f.known and day_of(f) != date.min]
        return max(prices, key=lambda fact: (day_of(fact), fact.period), default=None)


def unreported_zero(fact: Fact) -> bool:
    """Whether the figure is a source's zero that may mean "not reported"."""
    return fact.note is not None and UNREPORTED_ZERO in fact.note


def amount(fact: Fact) -> Decimal:
    """The figure of a fact known to have one; spending is positive whatever the source's sign."""
    assert fact.value is not None, f"{fact.key} has no figure"
    return abs(fact.value) if fact.field in SPENDING else fact.value


def day_of(fact: Fact) -> date:
    """The day of a price; `date.min` when it has none."""
    return fact.as_of or fact.period_end or date.min


def words(field: str) -> str:
    """A field's name inside a sentence.

    Example:
        >>> words("eps_diluted"), words("total_assets")
        ('diluted EPS', 'total assets')
    """
    return {"eps_diluted": "diluted EPS"}.get(field, field.replace("_", " "))


def is_fiscal_year(period: str) -> bool:
    """Whether a period is a fiscal year (`"FY2025"`)."""
    return _FISCAL_YEAR(period) is not None


def year_before(period: str) -> str:
    """The fiscal year before another.

    Example:
        >>> year_before("FY2025")
        'FY2024'
    """
    return f"FY{int(period[2:]) - 1}"


def _year_ends(facts: Iterable[Fact], years: list[str]) -> dict[str, date]:
    ends = dict.fromkeys(years, date.min)
    for fact in facts:
        if fact.period_end and fact.period in ends and fact.period_end > ends[fact.period]:
            ends[fact.period] = fact.period_end
    return {year: end for year, end in ends.items() if end != date.min}


# -------------------------------------------------------------------------------------------------------------- ratios


# 18 significant digits hold the market value of any company to the cent, and keep a stored ratio short.
ARITHMETIC = Context(prec=18)

NOT_COMPARABLE = "not comparable"
"""What a figure's note says when it was restated and another year was not."""

_COMPUTED = "computed from "


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of the catalogue as one line divided by another.

    Attributes:
        field: Its id in the catalogue.
        unit: `"ratio"` (0.25 is 25 %) or `"times"`.
        top: Field above the line; for growth, the field that grows.
        bottom: Field below the line; for growth, the same field a year earlier.
        kind: `quotient` within one fiscal year, `growth` between two, `price` on the day of a price.
        positive: The field without which above zero it says nothing.
    """

    field: str
    unit: str
    top: str
    bottom: str
    kind: Literal["quotient", "growth", "price"]
    positive: str

    @property
    def formula(self) -> str:
        """The computation in field names."""
        if self.kind == "growth":
            return f"{self.top} / prior-year {self.top} - 1"
        return f"{self.top} / {self.bottom}"


@cache
def report_ratios() -> Mapping[str, Ratio]:
    """The ratios of a report, in the order in which it shows them.

    Example:
        >>> report_ratios()["net_margin"].formula, report_ratios()["revenue_growth"].formula
        ('net_income / revenue', 'revenue / prior-year revenue - 1')
    """
    return {metric.id: _ratio(metric) for metric in catalogue().values() if metric.report}


def _ratio(metric: Metric) -> Ratio:
    unit = "ratio" if metric.unit == "percent" else metric.unit
    match parse(metric.formula):
        case Call(name="growth", argument=Ref(id=name)):
            return Ratio(metric.id, unit, name, name, "growth", metric.positive)
        case Binary(sign="/", left=left, right=right):
            [top], [bottom] = references(left), references(right)
            return Ratio(
                metric.id, unit, top, bottom, "price" if metric.kind == "price" else "quotient", metric.positive
            )
        case _:
            raise ValueError(f"A report shows quotients and growth: not {metric.id}, which is {metric.formula}.")


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
    about, first = FIELDS.get(field, _FREE_CASH_FLOW), inputs[0]
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


_FREE_CASH_FLOW = replace(FIELDS["operating_cash_flow"], name="free_cash_flow", label="Free cash flow")
"""No field of a source: it is always computed."""


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
    if ratio.top == ratio.positive and amount(top) <= 0:
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
    """Cached, because all ratios of a year rest on the same two or three documents."""
    named = [name for source in sources for name in source.removeprefix(_COMPUTED).split("; ") if name]
    return _COMPUTED + ("; ".join(dict.fromkeys(named)) or "figures without a named source")


def _sign(fact: Fact) -> str:
    return "zero" if fact.value == 0 else "negative"
