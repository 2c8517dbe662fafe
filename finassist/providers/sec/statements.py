"""Statements from tagged figures: one fact for each field and period, with its filing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from finassist.core.facts import Fact, Statement
from finassist.core.fields import EXPECTED, FIELDS
from finassist.providers.sec.companyfacts import (
    Asked,
    Entry,
    Found,
    currency_of,
    entries,
    fiscal_quarters,
    fiscal_years,
    latest,
)
from finassist.providers.sec.tags import NOTES, TAGS, TOP_LINES
from finassist.providers.values import number

NOT_TAGGED = "not tagged in the filings"
_BY_DIFFERENCE = "year to date - year to date of the quarter before"
_SPLIT = Decimal("1.4")
_ONE_SPLIT = timedelta(days=400)
_CALENDAR = {field: TAGS["income"][field] for field in ("net_income", "eps_diluted", "shares_diluted")}
"""What every annual and quarterly report has, so that the fiscal periods follow from it."""

_LONGEST_QUARTER = 126


def statement_facts(
    facts: Mapping[str, Any], asked: Asked, statement: Statement, period: str, limit: int
) -> list[Fact]:
    """The figures of the newest `limit` statements, newest first; none if the company filed no such reports.

    Args:
        facts: The us-gaap part of `companyfacts`.
        asked: What was asked.
        statement: Which statement.
        period: `"annual"` or `"quarterly"`.
        limit: How many at most.
    """
    currency = currency_of(facts)
    wanted_tags = _tags(facts, statement)
    found = {
        tag: entries(facts, tag, _unit_there(field, currency))
        for field, tags in {**wanted_tags, **_CALENDAR}.items()
        for tag in tags
    }
    periods = fiscal_years(found) if period == "annual" else fiscal_quarters(found)
    wanted = dict(list(periods.items())[: max(limit, 1)])
    blank = replace(asked.blank(statement, currency), status="not_reported", note=NOT_TAGGED)
    rows = [_row(field, tags, found, wanted, blank, period) for field, tags in wanted_tags.items()]
    shown = (
        [row for row in rows if row[0].field in EXPECTED[statement] or any(f.status != "not_reported" for f in row)]
        if wanted
        else []
    )
    columns = zip(*shown, strict=True)
    return [fact for column in columns if any(fact.known for fact in column) for fact in column]


def _tags(facts: Mapping[str, Any], statement: Statement) -> Mapping[str, Sequence[str]]:
    """The tags of each field; a lender's revenue is its top line only."""
    lender = "InterestIncomeExpenseNet" in facts and "NoninterestIncome" in facts
    return {**TAGS[statement], "revenue": TOP_LINES} if lender and statement == "income" else TAGS[statement]


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
    read = number(value)
    source = blank.source.replace(", fetched", f", {entry.form} filed {entry.filed.isoformat()}, fetched")
    shared = replace(blank, source=source, as_of=entry.filed, filing=entry.accession, concept=tag)
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
    """When a filing first gave the shares of an earlier period in another size than the filings before it.

    The filings of the year after it do the same for one period after another; that is still one split.
    """
    days: set[date] = set()
    for tag in TAGS["income"]["shares_diluted"]:
        by_period: dict[tuple[date | None, date], list[Entry]] = {}
        for entry in found[tag]:
            if entry.annual or period == "quarterly":
                by_period.setdefault((entry.start, entry.end), []).append(entry)
        for filed in by_period.values():
            filed.sort(key=lambda entry: (entry.filed, entry.accession))
            days |= {after.filed for before, after in pairwise(filed) if _far_apart(before, after)}
    return [day for place, day in enumerate(sorted(days)) if not place or day - sorted(days)[place - 1] > _ONE_SPLIT]


def _far_apart(before: Entry, after: Entry) -> bool:
    old, new = number(before.value), number(after.value)
    if not isinstance(old, Decimal) or not isinstance(new, Decimal):
        return False
    return min(old, new) > 0 and max(old, new) / min(old, new) > _SPLIT
