"""Agno's finance answers with the facts behind them.

Agno's dataclasses have no place for a source. These subclasses are the same answers for everybody who knows
Agno's types, and carry two things more: short plain fields that travel to a model with the JSON (`source`,
`notes`, `missing`), and `facts`. The latter stay behind: they are not a dataclass field, or a tool's answer
would grow tenfold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from agno.tools.finance import CompanyProfile, FinancialStatement, KeyMetrics, PriceHistory, Quote

from finassist.core.facts import Fact


class Sourced:
    """Something that knows the facts it was made from."""

    facts: tuple[Fact, ...] = ()

    def with_facts(self, facts: Iterable[Fact]) -> Self:
        """The same object, carrying these facts."""
        self.facts = tuple(facts)
        return self


def _texts() -> list[str]:
    return []


@dataclass
class SourcedStatement(Sourced, FinancialStatement):
    """One statement of one year; `items` holds the known figures, `missing` names the others."""

    as_of: str | None = None
    source: str | None = None
    missing: list[str] = field(default_factory=_texts)
    notes: list[str] = field(default_factory=_texts)


@dataclass
class SourcedQuote(Sourced, Quote):
    """A price of one day; the market value may be older and then says of when it is."""

    market_cap_as_of: str | None = None
    source: str | None = None
    notes: list[str] = field(default_factory=_texts)


@dataclass
class SourcedHistory(Sourced, PriceHistory):
    """Closes of the interval named in `interval`, which may be coarser than the one asked for."""

    source: str | None = None
    notes: list[str] = field(default_factory=_texts)


@dataclass
class SourcedProfile(Sourced, CompanyProfile):
    """What is known about a company."""

    source: str | None = None
    missing: list[str] = field(default_factory=_texts)
    notes: list[str] = field(default_factory=_texts)


@dataclass
class SourcedMetrics(Sourced, KeyMetrics):
    """Ratios computed from the figures; `formulas` says how."""

    source: str | None = None
    formulas: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    notes: list[str] = field(default_factory=_texts)


def distinct(texts: Iterable[str | None]) -> list[str]:
    """The texts in first-seen order, each once, without blanks.

    Example:
        >>> distinct(["10-K", None, "10-K", "8-K"])
        ['10-K', '8-K']
    """
    return list(dict.fromkeys(text for text in texts if text))


def plain(fact: Fact) -> float | int | None:
    """A fact's value as a JSON number; `None` when it has none.

    Example:
        >>> from decimal import Decimal
        >>> plain(Fact(symbol="A", field="revenue", statement="income", value=Decimal("120")))
        120
    """
    if fact.value is None or not fact.known:
        return None
    return int(fact.value) if fact.value == fact.value.to_integral_value() else float(fact.value)
