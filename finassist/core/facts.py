"""Figures as values: what is known (`Fact`), what is not (`Gap`), and the one vocabulary of their fields (`FIELDS`).

A figure is a `Decimal` with a unit, a period, an as-of date and a source; a figure that is absent is a `Fact` whose
status says so, never a zero. `canonical` turns any known provider's name of a field into ours.

Conventions:
    * Money is in the reporting currency of the figure. `"USD"` and `"USD/share"` of a `Field` stand for that
      currency; the `Fact` says which one it is.
    * Payments to the outside (`capex`, `buybacks`, `dividends_paid`) are **positive** amounts paid. Providers that
      write them as negative numbers are turned round on the way in.
    * The three totals of the cash flow statement keep their sign: negative means that cash went out.
    * Expenses are positive; a negative `income_tax` is a tax benefit; negative income or EPS is a loss.
    * A ratio is a fraction: 0.25 is 25 %.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, Self, cast

from msgspec import Struct, convert, to_builtins

Status = Literal["reported", "derived", "assumed", "missing", "not_reported", "none_paid", "not_meaningful", "error"]
Statement = Literal["income", "balance_sheet", "cash_flow", "price", "ratio", "profile"]


_KNOWN = frozenset({"reported", "derived", "assumed", "none_paid"})


class Fact(Struct, frozen=True, kw_only=True, gc=False):  # there are thousands, and none refers to another
    """One figure about one company. `msgspec.structs.replace(fact, …)` gives the same with something changed.

    Attributes:
        symbol: Ticker, share classes with a dash (`BRK-B`).
        field: Name from `FIELDS` or of a metric (`"revenue"`, `"net_margin"`, `"price"`).
        value: The figure, exact; 0 where `status` is `"none_paid"`; else `None` unless it is `"reported"`,
            `"derived"` or `"assumed"`.
        unit: `"USD"`, `"USD/share"`, `"shares"`, `"ratio"` (0.25 is 25 %), `"times"`, or `""` for text.
        currency: ISO code of money figures, else `None`.
        period: `"FY2025"`, `"Q1 2026"`, `"TTM"`, or an ISO date for a figure of one day.
        period_end: Last day the figure covers.
        as_of: The day the figure was known: the filing's date, or the day of the price.
        source: Where it came from, in words a person can follow.
        statement: Which statement the figure belongs to.
        status: `reported`, `derived`, `assumed` (by a query, or as a model's default), or why there is no figure:
            `missing` (not in the data at hand), `not_reported` (a filing was read and has no such line), `none_paid`,
            `not_meaningful` or `error`.
        filing: SEC accession number where known.
        concept: The filer's own tag (us-gaap) where known.
        formula: How a derived figure is computed, in field names.
        inputs: `key` of every fact a derived figure rests on.
        note: Why a figure is missing or not meaningful, or what to know before using it.
        text: The value of a fact that is not a number (a sector, an exchange).
        first_value: The figure as it was first reported, where a later filing changed it.
        first_as_of: The day of that first report.

    Example:
        >>> from decimal import Decimal
        >>> fact = Fact(symbol="AAPL", field="revenue", value=Decimal("416161000000"), unit="USD",
        ...             currency="USD", period="FY2025", source="SEC 10-K", statement="income")
        >>> fact.key, fact.known
        ('AAPL/revenue/FY2025', True)
    """

    symbol: str
    field: str
    value: Decimal | None = None
    unit: str = ""
    currency: str | None = None
    period: str = ""
    period_end: date | None = None
    as_of: date | None = None
    source: str = ""
    statement: Statement
    status: Status = "reported"
    filing: str | None = None
    concept: str | None = None
    formula: str | None = None
    inputs: tuple[str, ...] = ()
    note: str | None = None
    text: str | None = None
    first_value: Decimal | None = None
    first_as_of: date | None = None

    @property
    def key(self) -> str:
        """Identity of the figure: `SYMBOL/field/period`."""
        return f"{self.symbol}/{self.field}/{self.period}"

    @property
    def known(self) -> bool:
        """Whether there is a number to compute with."""
        return self.value is not None and self.status in _KNOWN

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; the value is a string so that no digit is lost."""
        return {**to_builtins(self), "inputs": list(self.inputs)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; unknown names are ignored."""
        return convert(data, cls, strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that was asked for and is missing, with the reason in words.

    Attributes:
        symbol: The company, or `""` when the gap is not about one.
        need: What is absent: `"income"`, `"quote"`, `"symbol"`, …
        reason: What happened and what to do next, safe to show.
        error: Class name of the failure.
        nearest: What there is instead, such as `"FY2024"`; empty where nothing is near.

    Example:
        >>> from finassist import FinancialAssistantWorkflow
        >>> [gap] = FinancialAssistantWorkflow(db=None).run("How many employees does Apple have?").gaps
        >>> gap.need, gap.error, gap.reason
        ('headcount', 'NotUnderstood', 'The number of employees is not in the data.')
    """

    symbol: str
    need: str
    reason: str
    error: str = ""
    nearest: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; `nearest` only where there is something."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return own if self.nearest else {name: value for name, value in own.items() if name != "nearest"}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**{f.name: data[f.name] for f in fields(cls) if f.name in data})


class FactBook:
    """Facts by symbol, field and period, for pure functions that compute or render.

    Periods are ordered oldest first by `period_end`. A later fact with the same key replaces an earlier one.
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        known = facts._facts if isinstance(facts, FactBook) else {fact.key: fact for fact in facts}
        self._facts: dict[str, Fact] = dict(known)

    def joined(self, facts: Iterable[Fact]) -> FactBook:
        """A book of these facts and more."""
        both = FactBook(self)
        both._facts.update({fact.key: fact for fact in facts})
        return both

    def __iter__(self) -> Any:
        return iter(self._facts.values())

    def __len__(self) -> int:
        return len(self._facts)

    def get(self, symbol: str, field: str, period: str) -> Fact | None:
        """The fact with that identity, or `None`."""
        return self._facts.get(f"{symbol}/{field}/{period}")

    def find(self, key: str) -> Fact | None:
        """The fact with that `Fact.key`, or `None`."""
        return self._facts.get(key)

    def symbols(self) -> list[str]:
        """Symbols in first-seen order."""
        return list(dict.fromkeys(fact.symbol for fact in self._facts.values()))

    def series(self, symbol: str, field: str) -> list[Fact]:
        """Every period of one field, oldest first."""
        found = [f for f in self._facts.values() if f.symbol == symbol and f.field == field]
        return sorted(found, key=lambda fact: (fact.period_end or date.min, fact.period))

    def latest(self, symbol: str, field: str) -> Fact | None:
        """The most recent known fact of one field, or `None`."""
        return next((f for f in reversed(self.series(symbol, field)) if f.known), None)


def with_inputs(facts: Iterable[Fact], find: Callable[[str], Fact | None], most: int | None = None) -> list[Fact]:
    """Facts, each once, and those that they were computed from, down to the reported ones; `most` in all."""
    found = {fact.key: fact for fact in facts}
    waiting = list(found.values())
    while waiting and (most is None or len(found) < most):
        for key in waiting.pop().inputs:
            if key not in found and (fact := find(key)):
                found[key] = fact
                waiting.append(fact)
    return list(found.values())


# ---------------------------------------------------------------------------------------- the vocabulary

UNDATED = "the source does not say of when; it is the day the quote was fetched"
"""The note on a price that has no day of its own."""

OUTFLOWS = frozenset({"capex", "buybacks", "dividends_paid"})
"""Payments: positive amounts here, negative numbers with many providers."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a field name means."""

    name: str  # our name (`"revenue"`)
    label: str  # heading for people (`"Revenue"`)
    statement: Statement  # the statement it belongs to
    unit: str  # `"USD"`, `"USD/share"`, `"shares"`, `"ratio"`, `"times"`, or `""` for text
    aliases: tuple[str, ...] = ()  # snake_case names other providers use, the closest in meaning first


def snake(name: str) -> str:
    """A provider's name in snake_case.

    Example:
        >>> snake("weightedAverageShsOutDil"), snake("Basic EPS"), snake("netIncomeTTM")
        ('weighted_average_shs_out_dil', 'basic_eps', 'net_income_ttm')
    """
    spaced = re.sub(r"[^0-9A-Za-z]+", "_", name.strip())
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", spaced)
    return re.sub(r"_+", "_", spaced).strip("_").lower()


def fields_of(statement: Statement) -> tuple[Field, ...]:
    """The fields of one statement, in display order.

    Example:
        >>> [field.name for field in fields_of("cash_flow")][:2]
        ['operating_cash_flow', 'capex']
    """
    return tuple(field for field in FIELDS.values() if field.statement == statement)


def canonical(name: str, statement: Statement | None = None) -> str | None:
    """Our name for a provider's name in any case style, or `None` when there is none.

    Give the statement it was found on where that is known: some providers reuse a name with another meaning
    (`inventory` on a cash flow statement is the *change* in inventory).

    Example:
        >>> canonical("epsDiluted"), canonical("Total Revenue"), canonical("made_up")
        ('eps_diluted', 'revenue', None)
        >>> canonical("inventory", "cash_flow") is None
        True
    """
    found = _ALIASES.get(snake(name))
    if found is None or statement is None or FIELDS[found].statement == statement:
        return found
    return None


def preference(name: str, field: Field) -> int:
    """How close a provider's name is to our field: 0 is our own name, then the aliases in order.

    Example:
        >>> preference("totalRevenue", FIELDS["revenue"]) < preference("operating_revenue", FIELDS["revenue"])
        True
    """
    return (field.name, *field.aliases).index(snake(name))


def _fields() -> Iterator[Field]:
    statement = ""
    for line in files("finassist.core").joinpath("fields.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            statement = line.strip("[]")
        elif line and not line.startswith("#"):
            name, heading, unit, aliases = (part.strip() for part in line.split("|"))
            yield Field(name, heading, cast(Statement, statement), unit, tuple(aliases.split()))


FIELDS: Mapping[str, Field] = MappingProxyType({field.name: field for field in _fields()})

_ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: field.name for field in FIELDS.values() for alias in (field.name, *field.aliases)}
)

EXPECTED: Mapping[Statement, tuple[str, ...]] = {
    "income": ("revenue", "operating_income", "pretax_income", "income_tax", "net_income", "eps_diluted",
               "shares_diluted"),
    "balance_sheet": ("cash_and_equivalents", "current_assets", "total_assets", "current_liabilities",
                      "total_liabilities", "equity"),
    "cash_flow": ("operating_cash_flow", "capex"),
}  # fmt: skip
"""Lines a reader expects from every company; where one is absent, the absence is shown."""
