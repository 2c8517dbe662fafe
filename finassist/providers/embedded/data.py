"""The embedded figures and prices as facts, one company at a time.

A file is read once per process and split by company; a company's line is parsed when it is first asked for.
What is returned is immutable and shared. Every price is of one day, and that day is its period. Nothing is live.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from finassist.core.facts import Fact, Statement
from finassist.core.fields import FIELDS, Field, fields_of
from finassist.providers.embedded import provenance
from finassist.providers.values import changes

SOURCE = "embedded data"
"""The source of a fact that says what the embedded data does not hold."""

STATEMENTS: tuple[Statement, ...] = ("income", "balance_sheet", "cash_flow")


SNAPSHOT_SOURCE = "market snapshot of the session of {day} (FinSearchComp, CC-BY-4.0)"
CLOSE_SOURCE = "published closing prices"
MONTH_END_SOURCE = "published month-end closing prices"
WEEKLY_SOURCE = "weekly adjusted closes 2018-2022 (data set of the skfolio package)"

MONTH_END_NOTE = "a month-end close; early ones may be adjusted for dividends by up to 1 %"
WEEKLY_NOTE = "adjusted for splits and dividends; compare with other adjusted closes only"
OLDER_NOTE = "older than the price: no newer one is embedded"

_DAYS = {"1d": 1, "5d": 5, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827}


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
    return tuple(_lines("annual.jsonl"))


@cache
def annual(symbol: str) -> Annual | None:
    """The annual figures of one company, or `None`.

    Example:
        >>> found = annual("AAPL")
        >>> next(fact.value for fact in found.facts if fact.key == "AAPL/revenue/FY2025")
        Decimal('416161000000')
    """
    data = _data("annual.jsonl", symbol)
    if not data:
        return None
    found = list(_figures(symbol, data))
    figures = {(fact.field, year): fact for fact, year, _ in found}
    checks = {fact.key: words for fact, _, words in found}
    facts = tuple(_filled(symbol, data["years"], figures))
    return Annual(symbol, data["name"], data["cik"], facts, MappingProxyType(checks))


@cache
def _lines(name: str) -> Mapping[str, str]:
    """A data file as JSON text by symbol."""
    text = (files("finassist.providers.embedded") / "files" / name).read_text(encoding="utf-8")
    split = (line.partition("\t") for line in text.splitlines())
    return {symbol: rest for symbol, _, rest in split}


def _data(name: str, symbol: str) -> Mapping[str, Any]:
    line = _lines(name).get(symbol)
    return json.loads(line) if line else {}


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
    lines = [field for statement in STATEMENTS for field in fields_of(statement)]
    for year in sorted(map(int, years), reverse=True):
        end = date.fromisoformat(years[str(year)])
        for field in lines:
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


# ------------------------------------------------------------------------------------------------ prices


def priced_symbols() -> tuple[str, ...]:
    """Companies with any embedded price, in alphabetical order."""
    return tuple(_lines("prices.jsonl"))


@cache
def quote(symbol: str) -> tuple[Fact, ...]:
    """The newest embedded price with what belongs to it; empty when there is none.

    Example:
        >>> [(fact.field, fact.value, fact.period) for fact in quote("AAPL")][:2]
        [('price', Decimal('309.35'), '2026-08-21'), ('previous_close', Decimal('311.3'), '2026-08-21')]
    """
    data = _data("prices.jsonl", symbol)
    snapshot = data.get("snapshot")
    if "quote" in data:
        day, close, previous = data["quote"]
        price = _price(symbol, "price", close, day, CLOSE_SOURCE)
        facts = [price, *changes(price, _price(symbol, "previous_close", previous, day, CLOSE_SOURCE))]
        older = _of_snapshot(symbol, snapshot, ("market_cap",)) if snapshot else []
        return (*facts, *(replace(fact, note=OLDER_NOTE) for fact in older))
    return tuple(_whole_snapshot(symbol, snapshot)) if snapshot else ()


@cache
def series(symbol: str, interval: str) -> tuple[Fact, ...]:
    """Month-end (`"1mo"`) or weekly adjusted (`"1wk"`) closes, oldest first; empty when there are none.

    Example:
        >>> [fact.period for fact in last(series("MSFT", "1mo"), "3mo")]
        ['2026-05-29', '2026-06-30', '2026-07-31', '2026-08-21']
    """
    name, field, source, note = (
        ("weekly", "adjusted_close", WEEKLY_SOURCE, WEEKLY_NOTE)
        if interval == "1wk"
        else ("month_ends", "close", MONTH_END_SOURCE, MONTH_END_NOTE)
    )
    bars = _data("prices.jsonl", symbol).get(name, ())
    return tuple(replace(_price(symbol, field, close, day, source), note=note) for day, close in bars)


def last(facts: tuple[Fact, ...], span: str) -> list[Fact]:
    """The facts of a series that reach back `span` (`"1y"`, `"ytd"`) from its last one."""
    newest = facts[-1].period_end or date.max
    if span == "ytd":
        after = date(newest.year - 1, 12, 31)
    else:
        after = newest - timedelta(_DAYS[span]) if span in _DAYS else date.min
    return [fact for fact in facts if fact.period_end and fact.period_end > after]


def _price(symbol: str, field: str, value: str, day: str, source: str) -> Fact:
    unit = FIELDS[field].unit
    return Fact(
        symbol=symbol,
        field=field,
        value=Decimal(value),
        unit=unit,
        currency="USD" if unit.startswith("USD") else None,
        period=day,
        period_end=date.fromisoformat(day),
        as_of=date.fromisoformat(day),
        source=source,
        statement="price",
    )


def _of_snapshot(symbol: str, snapshot: Mapping[str, str], fields: Iterable[str]) -> list[Fact]:
    day = snapshot["session"]
    source = SNAPSHOT_SOURCE.format(day=day)
    return [_price(symbol, field, snapshot[field], day, source) for field in fields if field in snapshot]


def _whole_snapshot(symbol: str, snapshot: Mapping[str, str]) -> Iterable[Fact]:
    price, previous = _of_snapshot(symbol, snapshot, ("price", "previous_close"))
    yield price
    yield from changes(price, previous)
    yield from _of_snapshot(symbol, snapshot, ("open", "high", "low", "volume", "market_cap", "pe_reported"))
