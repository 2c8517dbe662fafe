"""The embedded annual figures as facts, one company at a time.

The file is read once per process and split by company; a company's line is parsed when it is first asked for.
What is returned is immutable and shared; callers cannot change it.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from finassist.core.facts import Fact, Statement
from finassist.core.fields import FIELDS, Field, fields_of
from finassist.providers.embedded import provenance

SOURCE = "embedded data"
"""The source of a fact that says what the embedded data does not hold."""

STATEMENTS: tuple[Statement, ...] = ("income", "balance_sheet", "cash_flow")


@dataclass(frozen=True, slots=True)
class Annual:
    """The annual figures of one company.

    Attributes:
        symbol: Ticker.
        name: Name as filed.
        cik: SEC's number of the filer, ten digits.
        facts: Every figure of every fiscal year, newest year first, in display order within a year.
        checks: How each figure was checked, in words, by the fact's `key`.
    """

    symbol: str
    name: str
    cik: str
    facts: tuple[Fact, ...]
    checks: Mapping[str, str]


def symbols() -> tuple[str, ...]:
    """Companies with annual figures, in alphabetical order."""
    return tuple(lines("annual.jsonl"))


@cache
def annual(symbol: str) -> Annual | None:
    """The annual figures of one company, or `None`.

    Example:
        >>> found = annual("AAPL")
        >>> next(fact.value for fact in found.facts if fact.key == "AAPL/revenue/FY2025")
        Decimal('416161000000')
    """
    line = lines("annual.jsonl").get(symbol)
    if line is None:
        return None
    data = json.loads(line)
    found = list(_figures(symbol, data))
    figures = {(fact.field, year): fact for fact, year, _ in found}
    checks = {fact.key: words for fact, _, words in found}
    facts = tuple(_filled(symbol, data["years"], figures))
    return Annual(symbol, data["name"], data["cik"], facts, MappingProxyType(checks))


@cache
def lines(name: str) -> Mapping[str, str]:
    """A data file as JSON text by symbol."""
    text = (files("finassist.providers.embedded") / "files" / name).read_text(encoding="utf-8")
    split = (line.partition("\t") for line in text.splitlines())
    return {symbol: rest for symbol, _, rest in split}


def _figures(symbol: str, data: Mapping[str, Any]) -> Iterator[tuple[Fact, int, str]]:
    for name, found in data["figures"].items():
        for year, value, source, concept in found:
            origin = data["sources"][source]
            day = data["years"][str(year)]
            fact = _fact(symbol, FIELDS[name], year, day, value, origin, data["concepts"][concept])
            yield fact, year, provenance.checked(origin[3])


def _fact(symbol: str, field: Field, year: int, day: str, value: str, origin: list[str], concept: str) -> Fact:
    words, known, filing, verified = origin
    formula, inputs = provenance.derivation(verified) or (None, ())
    return Fact(
        symbol=symbol,
        field=field.name,
        value=Decimal(value),
        unit=field.unit,
        currency="USD" if field.unit.startswith("USD") else None,
        period=f"FY{year}",
        period_end=date.fromisoformat(day),
        as_of=date.fromisoformat(known) if known else None,
        source=words,
        statement=field.statement,
        status="derived" if formula else "reported",
        filing=filing or None,
        concept=concept or None,
        formula=formula,
        inputs=tuple(f"{symbol}/{name}/FY{year}" for name in inputs),
        note=provenance.note(symbol, field.name, year, concept, verified),
    )


def _filled(symbol: str, years: Mapping[str, str], figures: Mapping[tuple[str, int], Fact]) -> Iterator[Fact]:
    known = {name for name, _ in figures}
    lines_ = [field for statement in STATEMENTS for field in fields_of(statement)]
    for year in sorted(map(int, years), reverse=True):
        end = date.fromisoformat(years[str(year)])
        for field in lines_:
            fact = figures.get((field.name, year)) or _absent(symbol, field, year, end, known)
            if fact is not None:
                yield fact


def _absent(symbol: str, field: Field, year: int, end: date, known: Container[str]) -> Fact | None:
    blank = provenance.blank(symbol, field, known)
    if blank is None:
        return None
    status, reason = blank
    return Fact(
        symbol=symbol,
        field=field.name,
        unit=field.unit,
        period=f"FY{year}",
        period_end=end,
        source=SOURCE,
        statement=field.statement,
        status=status,
        note=reason,
    )
