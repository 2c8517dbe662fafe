"""One company's facts by field and period, the ratios of a report, and which figures may be compared. Pure.

They may where they have one currency, one kind of share and one basis of reporting. Each function about that gives the
reason why not, in words that fit after a colon or as a sentence; an empty text where nothing stands against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import combinations, pairwise
from typing import Literal

from msgspec import structs

from finassist.core.facts import FIELDS, Fact
from finassist.core.metrics import Binary, Call, Metric, Ref, catalogue, parse, references
from finassist.core.periods import fiscal_quarter

UNREPORTED_ZERO = "0 or not reported"
"""The note of a zero that may stand for an absent figure; no ratio uses such a zero."""

NOT_COMPARABLE = "not comparable"
"""What a figure's note says when it was restated and another year was not."""

_FISCAL_YEAR = re.compile(r"FY\d{4}").fullmatch

A_YEAR = range(340, 391)
"""Days from the end of one fiscal year to that of the next."""

_COVER_DAYS = 200
_JUMP = 8
"""From one close to the next; a share that has moved so far has in most cases been split."""

_NEIGHBOURS = 45
"""Days from one close to the next, month ends included; what lies further apart may well have risen so much."""

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


# ----------------------------------------------------------------------------------------------- ratios of a report


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
            kind = "price" if metric.kind == "price" else "quotient"
            return Ratio(metric.id, unit, top, bottom, kind, metric.positive)
        case _:
            raise ValueError(f"A report shows quotients and growth: not {metric.id}, which is {metric.formula}.")


# --------------------------------------------------------------------------------------- what may be set against what


def currencies_apart(facts: Iterable[Fact]) -> str:
    """Why amounts cannot be combined: they are in other currencies, or it is not known in which.

    Example:
        >>> price = Fact(symbol="A", field="price", unit="USD/share", currency="USD", statement="price",
        ...              value=Decimal(9))
        >>> eps = Fact(symbol="A", field="eps_diluted", unit="CNY/share", currency="CNY", statement="income",
        ...            value=Decimal(1))
        >>> currencies_apart([price, eps])
        'price is in USD and diluted EPS in CNY'
    """
    amounts = [fact for fact in facts if fact.known and _is_money(fact)]
    for one, other in combinations(amounts, 2):
        if one.currency != other.currency:
            return f"{_words(one, other)} is {_in(one)} and {_words(other, one)} {_in(other)}"
        if one.currency is None and (one.statement == "price") != (other.statement == "price"):
            return f"it is not known in which currency {_words(one, other)} and {_words(other, one)} are"
    return ""


def _is_money(fact: Fact) -> bool:
    known = FIELDS.get(fact.field) or catalogue().get(fact.field)
    return fact.currency is not None or bool(known and known.unit.startswith("USD"))


def _in(fact: Fact) -> str:
    return f"in {fact.currency}" if fact.currency else "in a currency that is not known"


def _words(fact: Fact, other: Fact) -> str:
    """The figure in words, with the company or the period where only that tells it from the other."""
    name = words(fact.field)
    if fact.field != other.field:
        return name
    return f"{name} of {fact.symbol if fact.symbol != other.symbol else fact.period}"


def not_comparable(now: Fact, before: Fact) -> str:
    """Why a change between two periods says nothing: a share split, a restatement, or another length of the year."""
    for fact, other in ((now, before), (before, now)):
        named = _periods_not_comparable(fact)
        if named is not None and (not named or other.period in named):
            return fact.note or ""
    years = now.period.startswith("FY") and before.period == f"FY{int(now.period[2:]) - 1}"
    if years and now.period_end and before.period_end and (now.period_end - before.period_end).days not in A_YEAR:
        return "the two fiscal years do not end a year apart"
    return ""


def _periods_not_comparable(fact: Fact) -> set[str] | None:
    """Years a note calls not comparable; empty when it names none, `None` when there is no such note."""
    _, found, rest = (fact.note or "").partition(NOT_COMPARABLE)
    if not found:
        return None
    spans = re.findall(r"(?:FY)?(\d{4})(?:\s*(?:-|–|to)\s*(?:FY)?(\d{4}))?", rest)
    quarters = set(re.findall(r"Q[1-4] \d{4}", rest))
    return quarters or {f"FY{year}" for first, last in spans for year in range(int(first), int(last or first) + 1)}


def other_shares(price: Fact, cap: Fact | None, shares: Fact | None) -> str:
    """Why a price and a figure per share do not belong together: an ADR, or a split between them.

    The source's own market value over the price says for how many shares the price stands.
    """
    if cap is None or shares is None or cap.status != "reported" or cap.currency != price.currency:
        return ""
    if not price.value or not cap.value or not shares.value or min(price.value, cap.value) <= 0:
        return ""
    each = shares.value * price.value / cap.value
    if Decimal("0.6") < each < Decimal("1.7"):
        return ""
    number = f"{each:.2g}" if each < 1 else f"{each:.0f}"
    return f"one quoted share stands for about {number} shares of the report: an ADR, or a split since"


def nearest_cover(counts: Iterable[Fact], day: date) -> Fact | None:
    """The number of shares outstanding near a day, rather before it than after; `None` where it is too far away."""
    near = {fact.period_end: fact for fact in counts if fact.known and fact.period_end}
    found = min(near, key=lambda counted: (counted > day, abs(day - counted)), default=None)
    return near[found] if found and abs(day - found).days < _COVER_DAYS else None


def unadjusted_split(closes: Iterable[Fact]) -> str:
    """Why a series of closes cannot be followed: it jumps as prices do that are adjusted for a split only in part."""
    for before, after in pairwise(closes):
        near = (day_of(after) - day_of(before)).days < _NEIGHBOURS
        if near and before.value and after.value and not 1 / _JUMP < after.value / before.value < _JUMP:
            days = f"from {before.period} to {after.period}"
            return f"The closes jump {days}, from {before.value} to {after.value}: an unadjusted share split, it seems."
    return ""


def quarters_named(facts: Iterable[Fact]) -> list[Fact]:
    """The facts, with the name of the fiscal quarter where a source gives its last day only."""
    listed = list(facts)
    undated = [fact for fact in listed if fact.period[:1].isdigit() and fact.statement in _STATEMENTS]
    if not undated:
        return listed
    years: dict[str, dict[date, int]] = {}
    for fact in listed:
        if fact.period.startswith("FY") and fact.period_end:
            years.setdefault(fact.symbol, {})[fact.period_end] = int(fact.period[2:])
    named = {fact.key: _in_quarter(fact, years.get(fact.symbol, {})) for fact in undated}
    taken = {fact.key for fact in listed}
    return [fact if (new := named.get(fact.key, fact)).key in taken else new for fact in listed]


_STATEMENTS = ("income", "balance_sheet", "cash_flow")


def _in_quarter(fact: Fact, years: Mapping[date, int]) -> Fact:
    period = fiscal_quarter(fact.period_end, years) if fact.period_end else None
    return structs.replace(fact, period=period or fact.period)
