"""Statement figures as facts: one company's annual and quarterly lines, or some lines of all companies.

A figure's status says what it is: reported, derived (with its formula), or one of the words for an absent one. A line
that a reader expects and that is not there is a fact too, with the reason as its note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from finassist.core.facts import Fact, Statement, Status
from finassist.core.fields import FIELDS, fields_of
from finassist.providers.embedded import absence, tables

STATEMENTS: tuple[Statement, ...] = ("income", "balance_sheet", "cash_flow")

QUALITY = {
    "agreed": "equal in at least two extractions from the SEC",
    "checked": "held against the filing or other services by hand",
    "four quarters add up": "four quarters add up to the year",
    "vendor differs": "a vendor's normalised figure differs",
    "single source": "from a single source",
    "doubtful": "doubtful",
    "computed": "computed from other lines",
}
"""How a figure was checked, in words, by its mark."""

_NOTED = ("vendor differs", "single source", "doubtful")
_COLUMNS = ("symbol", "field", "fiscal_year", "fiscal_period", "period_end", "first_filed", "filed", "form", "value",
            "first_value", "unit", "tag", "accession", "quality", "note", "formula", "inputs")  # fmt: skip
_CURRENCY = {"USD": "USD", "USD/share": "USD"}
_NONE_PAID = "none paid"


@dataclass(frozen=True, slots=True)
class Annual:
    """The annual figures of one company.

    Attributes:
        symbol: Ticker.
        name: Name of the company.
        cik: SEC's number of the filer, ten digits.
        facts: Every figure of every fiscal year, newest year first, in display order within a year; lines a reader
            expects and that are not there are facts without a value.
    """

    symbol: str
    name: str
    cik: str
    facts: tuple[Fact, ...]


@lru_cache(maxsize=64)
def annual(symbol: str) -> Annual | None:
    """The annual figures of one company, or `None`.

    Example:
        >>> found = annual("AAPL")
        >>> next(fact.value for fact in found.facts if fact.key == "AAPL/revenue/FY2025")
        Decimal('416161000000')
    """
    record = tables.companies().get(symbol)
    found = {(fact.field, fact.period): fact for fact in _of_rows(tables.rows_of("annual", symbol))}
    if record is None or not found:
        return None
    return Annual(symbol, record.name, record.cik, tuple(_filled(record, found)))


def _filled(record: tables.CompanyRecord, found: dict[tuple[str, str], Fact]) -> Iterator[Fact]:
    ends: dict[str, date | None] = {fact.period: fact.period_end for fact in found.values()}
    known = {name for (name, _), fact in found.items() if fact.known}
    lines = [field for statement in STATEMENTS for field in fields_of(statement)]
    for year in sorted(ends, reverse=True):
        for field in lines:
            fact = found.get((field.name, year)) or absence.blank(record, field, year, ends[year], known)
            if fact is not None:
                yield fact


@lru_cache(maxsize=64)
def facts_of(symbol: str) -> tuple[Fact, ...]:
    """Every annual and quarterly figure of one company, newest first."""
    found = [fact for name in ("annual", "quarterly") for fact in _of_rows(tables.rows_of(name, symbol))]
    return tuple(sorted(found, key=lambda fact: fact.period_end or date.min, reverse=True))


def facts_across(fields: Iterable[str], since: int = 0) -> list[Fact]:
    """Some lines of all companies, annual and quarterly, from a fiscal year on."""
    wanted, found = frozenset(fields), list[Fact]()
    for name in ("annual", "quarterly"):
        for rows, at in tables.matching(name, "field", wanted, since):
            found += _of_rows(rows, at)
    return found


@lru_cache(maxsize=16)
def checks(symbol: str) -> dict[str, str]:
    """How each figure of a company was checked, in words, by the fact's key."""
    found: dict[str, str] = {}
    for name in ("annual", "quarterly"):
        rows = tables.rows_of(name, symbol)
        columns = [tables.plain(rows[column]) for column in ("field", "fiscal_year", "fiscal_period", "quality")]
        for field, year, part, mark in zip(*columns, strict=True):
            found[f"{symbol}/{field}/{_label(year, part)}"] = QUALITY.get(mark, str(mark))
    return found


def _of_rows(rows: Any, at: Sequence[int] | None = None) -> list[Fact]:
    columns = [tables.plain(rows[name], at) for name in _COLUMNS]
    return [
        Fact(
            symbol=symbol,
            field=field,
            value=_exact(value),
            unit=unit,
            currency=_CURRENCY.get(unit),
            period=_label(year, part),
            period_end=end,
            as_of=first if first and (before is None or before == value) else filed or first,
            source=_source(form, filed),
            statement=_statement(field),
            status=_status(mark, formula),
            filing=accession or None,
            concept=tag or None,
            formula=formula or None,
            inputs=_keys(symbol, _label(year, part), inputs) if inputs else (),
            note=_note(mark, note),
        )
        for (
            symbol,
            field,
            year,
            part,
            end,
            first,
            filed,
            form,
            value,
            before,
            unit,
            tag,
            accession,
            mark,
            note,
            formula,
            inputs,
        ) in zip(*columns, strict=True)
    ]


@cache
def _label(year: int, part: str) -> str:
    return f"FY{year}" if part == "FY" else f"{part} {year}"


@cache
def _source(form: str, filed: date | None) -> str:
    return f"SEC {form}{f' filed {filed}' if filed else ''}" if form else "SEC filing"


@cache
def _status(mark: str, formula: str) -> Status:
    return "none_paid" if mark == _NONE_PAID else "derived" if formula else "reported"


@cache
def _note(mark: str, note: str) -> str | None:
    return "; ".join(filter(None, (QUALITY[mark] if mark in _NOTED else "", note))) or None


def _keys(symbol: str, period: str, inputs: str) -> tuple[str, ...]:
    return tuple(f"{symbol}/{name}/{period}" for name in inputs.split())


@cache
def _statement(field: str) -> Statement:
    known = FIELDS.get(field)
    return known.statement if known else "balance_sheet"


def _exact(value: float) -> Decimal:
    """A figure as a decimal with the digits that were filed."""
    whole = int(value)
    return Decimal(whole) if value == whole else Decimal(repr(value))
