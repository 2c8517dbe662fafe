"""One company's facts, looked up by field and period, and the small questions asked of a fact."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from finassist.core.facts import Fact

UNREPORTED_ZERO = "0 or not reported"
"""What a note says of a zero that may stand for an absent figure; such a zero is kept out of ratios."""

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
