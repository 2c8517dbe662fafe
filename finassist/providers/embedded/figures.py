"""Statement figures as facts: one company's annual and quarterly lines, or some lines of all companies.

A figure's status says what it is: reported, derived (with its formula), or one of the words for an absent one. A line
that a reader expects and that is not there is a fact too, with the reason as its note. Four things are distinct: the
embedded data lacks the line (`missing`), the company's filings have none (`not_reported`, said only where a filing was
read), nothing was paid (`none_paid`), and such a company has no such line (`not_meaningful`).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from finassist.core.facts import EXPECTED, FIELDS, Fact, Field, Statement, Status, fields_of
from finassist.providers.embedded import tables

QUALITY = {
    "agreed": "equal in at least two extractions from the SEC",
    "checked": "checked by hand against the filing or other services",
    "four quarters add up": "four quarters add up to the year",
    "vendor differs": "a vendor's normalised figure differs",
    "single source": "from a single source",
    "doubtful": "doubtful",
    "computed": "computed from other lines",
}
"""How a figure was checked, in words, by its mark."""

NOT_EMBEDDED = "not in the embedded data"
SOURCE = "embedded data"
"""The source of a fact that says what the embedded data does not hold."""

_STATEMENTS: tuple[Statement, ...] = ("income", "balance_sheet", "cash_flow")
_NOTED = ("vendor differs", "single source", "doubtful")
_CURRENCY = {"USD": "USD", "USD/share": "USD"}
_SPLIT, _ROUNDING = 1.4, 0.005
_NONE_PAID = "none paid"

_WITHOUT: Mapping[str, frozenset[str]] = {
    "bank": frozenset({"cost_of_revenue", "gross_profit", "operating_income", "current_assets", "current_liabilities",
                       "inventory", "capex"}),
    "insurer": frozenset({"cost_of_revenue", "gross_profit", "operating_income", "current_assets",
                          "current_liabilities", "inventory"}),
}  # fmt: skip
"""Lines such companies do not have. They are not missing: they have no meaning there."""

_OTHER_BASIS = ("equity_incl_nci", "noncontrolling_interest", "cash_incl_restricted", "liabilities_and_equity")
"""Lines that only say the same on another basis; their absence is not worth a word."""

_NOT_IN_FILINGS: Mapping[tuple[str, str], str] = {
    ("DIS", "operating_income"): "Disney reports operating income by segment only",
    ("V", "eps_diluted"): "Visa reports earnings per share for each of its share classes",
    ("V", "shares_diluted"): "Visa reports shares for each of its share classes",
}
"""Lines that were looked for in the filings and are not there as one figure."""


@lru_cache(maxsize=64)
def annual(symbol: str) -> tuple[Fact, ...]:
    """Every figure of every fiscal year of a company, newest year first, in display order within a year.

    Lines that a reader expects and that are not there are facts without a value. Empty where nothing is embedded.

    Example:
        >>> next(fact.value for fact in annual("AAPL") if fact.key == "AAPL/revenue/FY2025")
        Decimal('416161000000')
    """
    record = tables.companies().get(symbol)
    found = {(fact.field, fact.period): fact for fact in _facts(tables.rows_of("annual", symbol))}
    return tuple(_filled(record, found)) if record else ()


def _filled(record: tables.CompanyRecord, found: Mapping[tuple[str, str], Fact]) -> Iterator[Fact]:
    ends: dict[str, date | None] = {fact.period: fact.period_end for fact in found.values()}
    known = {name for (name, _), fact in found.items() if fact.known}
    lines = [field for statement in _STATEMENTS for field in fields_of(statement)]
    for year in sorted(ends, reverse=True):
        for field in lines:
            fact = found.get((field.name, year)) or _absent(record, field, year, ends[year], known)
            if fact is not None:
                yield fact


def _absent(
    record: tables.CompanyRecord, field: Field, period: str, end: date | None, known: Container[str]
) -> Fact | None:
    """What stands where a company has no figure, or `None` for nothing at all; `known` are the lines of other years."""
    name, status, note = field.name, "missing", NOT_EMBEDDED
    if name in _WITHOUT.get(record.industry, ()):
        article = "an" if record.industry == "insurer" else "a"
        status, note = "not_meaningful", f"{article} {record.industry}'s statements have no such line"
    elif why := _NOT_IN_FILINGS.get((record.symbol, name)):
        status, note = "not_reported", f"no such line in the filings ({why})"
    elif name in _OTHER_BASIS or not (name in known or name in EXPECTED[field.statement]):
        return None
    return Fact(
        symbol=record.symbol,
        field=name,
        unit=field.unit,
        period=period,
        period_end=end,
        source=SOURCE,
        statement=field.statement,
        status=status,
        note=note,
    )


@lru_cache(maxsize=64)
def facts_of(symbol: str) -> tuple[Fact, ...]:
    """Every annual and quarterly figure of one company, newest first."""
    found = [fact for name in ("annual", "quarterly") for fact in _facts(tables.rows_of(name, symbol))]
    found += [*_not_in_filings(symbol, found)]
    return tuple(sorted(found, key=lambda fact: fact.period_end or date.min, reverse=True))


def _not_in_filings(symbol: str, found: Iterable[Fact]) -> Iterator[Fact]:
    """The lines that were looked for in the filings and are not there, in each period of the company."""
    record = tables.companies().get(symbol)
    names = [name for own, name in _NOT_IN_FILINGS if own == symbol]
    if record is None or not names:
        return
    for period, end in {fact.period: fact.period_end for fact in found}.items():
        yield from filter(None, (_absent(record, FIELDS[name], period, end, ()) for name in names))


def facts_across(fields: Iterable[str], since: int = 0, *, quarters: bool = True) -> list[Fact]:
    """Some lines of all companies from a fiscal year on, annual and quarterly."""
    names = ("annual", "quarterly") if quarters else ("annual",)
    return [fact for name in names for fact in _lines(name, frozenset(fields), since)]


@lru_cache(maxsize=2)  # of both tables those of the last question, which a follow-up is likely to be about
def _lines(name: str, fields: frozenset[str], since: int) -> tuple[Fact, ...]:
    parts = tables.parts(name)
    return tuple(fact for part in parts for fact in _facts(part, tables.matching(part, since, field=fields)))


@lru_cache(maxsize=128)  # a company is a peer of several others
def lines_of(symbol: str, fields: frozenset[str], since: int) -> tuple[Fact, ...]:
    """Some lines of one company from a fiscal year on, annual and quarterly."""
    parts = [part for name in ("annual", "quarterly") for part in tables.parts(name, symbol)]
    found = [(part, tables.matching(part, since, symbol=(symbol,), field=fields)) for part in parts]
    return tuple(fact for part, rows in found for fact in _facts(part, rows))


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


def _facts(table: Any, rows: Any = None) -> list[Fact]:
    columns = [tables.plain(table[name], rows) for name in tables.STATEMENTS]
    return [
        Fact(
            symbol=symbol,
            field=field,
            value=_exact(value),
            unit=unit,
            currency=_CURRENCY.get(unit),
            period=_label(year, part),
            period_end=end,
            as_of=_public(first, filed, changed=earlier is not None),
            source=_source(form, filed),
            statement=_statement(field),
            status=_status(mark, formula),
            filing=accession or None,
            concept=tag or None,
            formula=formula or None,
            inputs=_keys(symbol, _label(year, part), inputs) if inputs else (),
            note=_note(mark, note),
            first_value=earlier,
            first_as_of=first if earlier is not None else None,
        )
        for (symbol, field, year, part, end, first, filed, form, value, before, unit, tag, accession, mark, note,
             formula, inputs) in zip(*columns, strict=True)
        for earlier in (None if before is None or before == value else _earlier(symbol, unit, value, before, first),)
    ]  # fmt: skip


def _public(first: date | None, filed: date | None, *, changed: bool) -> date | None:
    """The day a figure became public: of its first report, or where it was changed, of the filing that has it."""
    return filed if changed else first or filed


def _earlier(symbol: str, unit: str, value: float, before: float, first: date | None) -> Decimal | None:
    """The figure as first reported, on today's basis of shares; `None` where only a split made it another number."""
    if first is None:
        return None
    if unit != "USD":
        factor = _splits_since(symbol, first)
        before = before / factor if unit == "USD/share" else before * factor
        if not value or not 1 / _SPLIT < before / value < _SPLIT or abs(before / value - 1) < _ROUNDING:
            return None
    return _exact(round(before, 6))


@cache
def _splits_since(symbol: str, day: date) -> float:
    """How many shares of today one share of a past day became."""
    rows = tables.rows_of("splits", symbol)
    later = (ratio for at, ratio in zip(tables.plain(rows["date"]), rows["ratio"].to_pylist(), strict=True) if at > day)
    return math.prod(later)


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
