"""Statements from tagged figures: one fact for each field and period, with its filing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from finassist.core.facts import Fact, Statement
from finassist.core.fields import FIELDS
from finassist.providers.embedded.provenance import EXPECTED
from finassist.providers.http.strict_json import Invalid
from finassist.providers.sec.asked import Asked
from finassist.providers.sec.companyfacts import (
    Entry,
    Found,
    currency_of,
    entries,
    fiscal_quarters,
    fiscal_years,
    latest,
)
from finassist.providers.sec.tags import NOTES, TAGS
from finassist.providers.sourced import SourcedStatement, distinct, plain
from finassist.providers.values import number

NOT_TAGGED = "not tagged in the filings"
_BY_DIFFERENCE = "year to date - year to date of the quarter before"
_SPLIT = Decimal("1.4")
_ONE_SPLIT = timedelta(days=400)
_CALENDAR = {field: TAGS["income"][field] for field in ("net_income", "eps_diluted", "shares_diluted")}
"""What every annual and quarterly report has, so that the fiscal periods can be told from it."""

_LONGEST_QUARTER = 100


def parse_statements(
    facts: Mapping[str, Any], asked: Asked, statement: Statement, period: str, limit: int
) -> list[SourcedStatement]:
    """The newest `limit` statements, newest first; none if the company filed no such reports.

    Args:
        facts: The us-gaap part of `companyfacts`.
        asked: What was asked.
        statement: Which statement.
        period: `"annual"` or `"quarterly"`.
        limit: How many at most.
    """
    currency = currency_of(facts)
    found = {
        tag: entries(facts, tag, _unit_there(field, currency))
        for field, tags in {**TAGS[statement], **_CALENDAR}.items()
        for tag in tags
    }
    periods = fiscal_years(found) if period == "annual" else fiscal_quarters(found)
    wanted = dict([*periods.items()][: max(limit, 1)])
    table: dict[str, list[Fact]] = {
        field: _row(field, tags, found, wanted, _blank(asked, statement, currency), period)
        for field, tags in TAGS[statement].items()
    }
    columns = [[row[place] for row in table.values()] for place in range(len(wanted))]
    shown = {field for field, row in table.items() if any(f.status != "missing" for f in row)} | {*EXPECTED[statement]}
    return [
        _statement(asked, statement, period, end, currency, [fact for fact in column if fact.field in shown])
        for end, column in zip(wanted, columns, strict=True)
        if any(fact.known for fact in column)
    ]


def _blank(asked: Asked, statement: Statement, currency: str) -> Fact:
    return Fact(
        symbol=asked.company.symbol, field="", statement=statement, currency=currency, source=asked.source(),
        status="missing", note=NOT_TAGGED, as_of=asked.fetched,
    )  # fmt: skip


def _unit_there(field: str, currency: str) -> str:
    return {"USD": currency, "USD/share": f"{currency}/shares"}.get(FIELDS[field].unit, "shares")


# -------------------------------------------------------------------------------------- one field in all periods


def _row(
    field: str, tags: Sequence[str], found: Found, periods: Mapping[date, str], blank: Fact, period: str
) -> list[Fact]:
    """The field in each period, a fact for each."""
    known = FIELDS[field]
    money = known.unit.startswith("USD")
    base = replace(
        blank,
        field=field,
        unit=known.unit.replace("USD", str(blank.currency)) if money else known.unit,
        currency=blank.currency if money else None,
    )
    row = [
        _figure(replace(base, period=label, period_end=end), tags, found, end, period) for end, label in periods.items()
    ]
    return row if known.unit == "USD" else _bases_named(row, found, period)


def _figure(blank: Fact, tags: Sequence[str], found: Found, end: date, period: str) -> Fact:
    for tag in tags:
        whole = [entry for entry in found[tag] if entry.end == end]
        exact = latest(entry for entry in whole if (entry.annual if period == "annual" else entry.quarterly))
        if exact is not None:
            return _fact(blank, tag, exact, exact.value)
        additive = period == "quarterly" and FIELDS[blank.field].unit == "USD"
        if additive and (derived := _difference(blank, tag, found[tag], whole)) is not None:
            return derived
    return blank


def _difference(blank: Fact, tag: str, tagged: Iterable[Entry], whole: Sequence[Entry]) -> Fact | None:
    """Three months that are only reported within the year to date: the year to date minus what it was before."""
    total = latest(entry for entry in whole if entry.start is not None)
    if total is None:
        return None
    before = latest(
        entry
        for entry in tagged
        if entry.start == total.start and 80 <= (total.end - entry.end).days <= _LONGEST_QUARTER
    )
    if before is None or not isinstance(minuend := number(total.value), Decimal):
        return None
    subtrahend = number(before.value)
    if not isinstance(subtrahend, Decimal):
        return None
    made = _fact(blank, tag, total, minuend - subtrahend)
    return replace(made, status="derived", formula=_BY_DIFFERENCE) if made.known else made


def _fact(blank: Fact, tag: str, entry: Entry, value: object) -> Fact:
    read = f"the source gave {value.reason} where a number belongs" if isinstance(value, Invalid) else number(value)
    filing = entry.accession
    source = blank.source.replace(", fetched", f", {entry.form} filed {entry.filed.isoformat()}, fetched")
    shared = replace(blank, source=source, as_of=entry.filed, filing=filing, concept=tag)
    if isinstance(read, str):
        return replace(shared, status="error", note=read)
    return replace(shared, value=read, status="reported", note=NOTES.get(tag))


# ------------------------------------------------------------------------------------------- share splits


def _bases_named(row: Sequence[Fact], found: Found, period: str) -> list[Fact]:
    """Figures that count shares, with a note where a later split makes them another kind of share."""
    splits = _splits(found, period)
    bases = {fact.period: sum(day <= fact.as_of for day in splits) for fact in row if fact.known and fact.as_of}
    newest = max(bases.values(), default=0)
    later = sorted(label for label, basis in bases.items() if basis == newest)
    note = f"as filed, before a share split; not comparable with {', '.join(later)}"
    return [
        replace(fact, note="; ".join(filter(None, (fact.note, note))))
        if bases.get(fact.period, newest) < newest
        else fact
        for fact in row
    ]


def _splits(found: Found, period: str) -> list[date]:
    """When a filing first told the shares of an earlier period in another size than the filings before it.

    The filings of the year after it do the same for one period after another; that is still one split.
    """
    days: set[date] = set()
    for tag in TAGS["income"]["shares_diluted"]:
        by_period: dict[tuple[date | None, date], list[Entry]] = {}
        for entry in found[tag]:
            if entry.annual or period == "quarterly":
                by_period.setdefault((entry.start, entry.end), []).append(entry)
        for told in by_period.values():
            told.sort(key=lambda entry: (entry.filed, entry.accession))
            days |= {after.filed for before, after in pairwise(told) if _far_apart(before, after)}
    return [day for place, day in enumerate(sorted(days)) if not place or day - sorted(days)[place - 1] > _ONE_SPLIT]


def _far_apart(before: Entry, after: Entry) -> bool:
    old, new = number(before.value), number(after.value)
    if not isinstance(old, Decimal) or not isinstance(new, Decimal):
        return False
    return min(old, new) > 0 and max(old, new) / min(old, new) > _SPLIT


# ------------------------------------------------------------------------------------------------ a statement


def _statement(
    asked: Asked, statement: Statement, period: str, end: date, currency: str, facts: list[Fact]
) -> SourcedStatement:
    usable = [fact for fact in facts if fact.known]
    known = max((fact.as_of for fact in usable if fact.as_of), default=None)
    made = SourcedStatement(
        symbol=asked.company.symbol,
        statement=statement,
        period=period,
        report_period=end.isoformat(),
        fiscal_period=facts[0].period,
        currency=currency,
        items={fact.field: plain(fact) for fact in usable},
        as_of=known.isoformat() if known else None,
        source="; ".join(distinct(fact.source for fact in usable)),
        missing=[fact.field for fact in facts if not fact.known],
        notes=distinct(f"{fact.field}: {fact.note}" for fact in usable if fact.note),
    )
    return made.with_facts(facts)
