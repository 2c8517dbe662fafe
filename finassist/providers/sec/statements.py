"""Statements from tagged figures: one fact for each field and period, with its filing; and which tags hold our fields.

The first tag that a filing has for a period is taken. A tag on another basis is never a substitute (equity with and
without minority interests), unless the basis is said beside the figure (`_NOTES`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

from msgspec.structs import replace

from finassist.analysis.statements import NOT_COMPARABLE
from finassist.core.facts import EXPECTED, FIELDS, Fact, Statement
from finassist.providers.base import Periods
from finassist.providers.sec.companyfacts import (
    YEAR,
    Asked,
    Entry,
    Found,
    Settled,
    cover_shares,
    currency_of,
    days_of,
    entries,
    fiscal_years,
    interim_periods,
    settled,
    share_splits,
)
from finassist.providers.values import number


def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__ or "").joinpath("tags.toml").read_text("utf-8"))


_TABLE = _table()
_NOTES: Mapping[str, str] = _TABLE.pop("notes")
_PARTS: Mapping[str, str] = _TABLE.pop("parts")
TAGS: Mapping[str, Mapping[str, Sequence[str]]] = _TABLE
"""Tags by statement and field, in order of preference."""

_SHARES = TAGS["income"]["shares_diluted"]
_TOP_LINES = ("RevenuesNetOfInterestExpense", "Revenues")
_LENDING = frozenset({"NoninterestIncome", "InterestAndDividendIncomeOperating", "PremiumsEarnedNet", "Deposits",
                      "InterestIncomeExpenseAfterProvisionForLoanLoss"})  # fmt: skip
"""Tags of banks and insurers, whose revenue is their top line: under any other tag it is fees without the rest."""

NOT_TAGGED = "not tagged in the filings"
_RESTATED = Decimal("0.02")
_SLIPS = frozenset({Decimal(10) ** power for power in (-6, -3, 3, 6)})
"""Restated by one of these, a figure was given in thousands or millions by mistake, at first or later."""

_CALENDAR = ("net_income", "eps_diluted", "shares_diluted")
"""What every annual and quarterly report has, so that the fiscal periods follow from it."""


def statement_facts(facts: Mapping[str, Any], asked: Asked, statement: Statement, periods: Periods) -> list[Fact]:
    """The figures of the newest statements, newest first; none if the company filed no such reports.

    `facts` are the us-gaap part of `companyfacts`. Of each period every field is there; after those of income
    statements come the numbers of shares on cover pages.
    """
    currency, until = currency_of(facts), min(periods.as_of or date.max, asked.fetched)
    tags = _tags(facts, statement)
    read = {**tags, **{field: TAGS["income"][field] for field in _CALENDAR}}
    read |= {field: (*read[field], part) for field, part in _PARTS.items() if field in tags}
    found = {
        tag: entries(facts, tag, _unit_there(field, currency), until) for field, names in read.items() for tag in names
    }
    named = interim_periods(found) if periods.frequency == "quarterly" else fiscal_years(found)
    wanted = dict(list(named.items())[: max(periods.limit, 1)])
    if not wanted:
        return []
    blank = replace(asked.blank(statement, currency), status="not_reported", note=NOT_TAGGED)
    rows = [_Row(_of_field(blank, field), names, found).facts(wanted) for field, names in tags.items()]
    cover: list[Fact] = []
    if statement == "income":
        rows = _without_slices(rows, found)
        cover = [fact for fact in cover_shares(facts, asked, until) if (fact.period_end or date.min) >= min(wanted)]
    shown = [row for row in rows if row[0].field in EXPECTED[statement] or any(f.status != "not_reported" for f in row)]
    columns = zip(*shown, strict=True)
    return [*(fact for column in columns if any(fact.known for fact in column) for fact in column), *cover]


def _tags(facts: Mapping[str, Any], statement: Statement) -> Mapping[str, Sequence[str]]:
    """The tags of each field; revenue of a bank or an insurer is its top line only."""
    whole = statement == "income" and not _LENDING.isdisjoint(facts)
    return {**TAGS[statement], "revenue": _TOP_LINES} if whole else TAGS[statement]


def _unit_there(field: str, currency: str) -> str:
    return {"USD": currency, "USD/share": f"{currency}/shares"}.get(FIELDS[field].unit, "shares")


def _of_field(blank: Fact, field: str) -> Fact:
    unit = FIELDS[field].unit
    money = unit.startswith("USD")
    return replace(
        blank,
        field=field,
        unit=unit.replace("USD", str(blank.currency)) if money else unit,
        currency=blank.currency if money else None,
    )


def _without_slices(rows: Sequence[list[Fact]], found: Found) -> list[list[Fact]]:
    """The rows without revenue that is smaller than the profit: it is one line of contracts among others."""
    profits = {fact.period: fact.value for row in rows for fact in row if fact.field == "net_income" and fact.value}
    return [[_checked_revenue(fact, profits) if fact.field == "revenue" else fact for fact in row] for row in rows]


def _checked_revenue(fact: Fact, profits: Mapping[str, Decimal]) -> Fact:
    of_contracts = (fact.concept or "").startswith("RevenueFromContract")
    if not of_contracts or fact.value is None or profits.get(fact.period, Decimal()) <= fact.value:
        return fact
    note = f"{fact.concept} is smaller than net income: one line of revenue among others"
    return replace(fact, value=None, status="not_reported", note=note, first_value=None, first_as_of=None)


# -------------------------------------------------------------------------------------- one field in all periods


@dataclass(frozen=True, slots=True)
class _Row:
    """One field of a company, with the tags it is looked for under, in what was filed."""

    blank: Fact
    tags: Sequence[str]
    found: Found

    def facts(self, periods: Mapping[date, str]) -> list[Fact]:
        """The field in each period, a fact for each."""
        last: dict[str, date] = {}
        row: list[Fact] = []
        for end, label in periods.items():
            fact, filed = self._figure(replace(self.blank, period=label, period_end=end), end)
            row.append(fact)
            last[label] = filed
        if self._additive:
            return _restatement_named(row, last)
        years_only = all(label.startswith("FY") for label in periods.values())
        return _split_named(row, last, share_splits(self.found, _SHARES, quarterly=not years_only))

    @property
    def _additive(self) -> bool:
        return FIELDS[self.blank.field].unit == "USD"

    def _figure(self, blank: Fact, end: date) -> tuple[Fact, date]:
        """The figure of a period, and when it was filed last."""
        days = days_of(blank.period)
        for tag in self.tags:
            whole = [entry for entry in self.found[tag] if entry.end == end]
            exact = settled(entry for entry in whole if not entry.start or entry.days in days)
            if exact is not None:
                return _fact(blank, tag, exact, exact.entry.value), exact.last.filed
            if (
                self._additive
                and days is not YEAR
                and (derived := self._difference(blank, tag, whole, days)) is not None
            ):
                return derived, derived.as_of or date.max
        part = _PARTS.get(blank.field, "")
        if any(entry.end == end for entry in self.found.get(part, ())):
            return replace(
                blank, status="missing", note=f"only {part} is tagged, a part of it that notes give"
            ), date.max
        return blank, date.max

    def _difference(self, blank: Fact, tag: str, whole: Sequence[Entry], days: range) -> Fact | None:
        """A quarter or half that is only reported within the year to date: that, minus what it was before."""
        longest = max((entry for entry in whole if entry.start), key=lambda entry: entry.days, default=None)
        if longest is None:
            return None
        totals = [entry for entry in whole if entry.start == longest.start]
        begun = [entry for entry in self.found[tag] if entry.start == longest.start]
        earlier = [entry for entry in begun if (longest.end - entry.end).days in days]
        pair = _as_known_together(totals, earlier)
        if pair is None:
            return None
        total, before = pair
        minuend, subtrahend = number(total.entry.value), number(before.entry.value)
        if not isinstance(minuend, Decimal) or not isinstance(subtrahend, Decimal):
            return None
        words = "the year" if total.entry.annual else "the year to date"
        formula = f"{words} to {total.entry.end} - the year to date to {before.entry.end}"
        made = _fact(blank, tag, Settled(total.entry, total.entry, total.last), minuend - subtrahend)
        note = "; ".join(filter(None, (made.note, f"by difference: {formula}")))
        return replace(made, status="derived", formula=formula, note=note)


def _as_known_together(totals: Sequence[Entry], earlier: Sequence[Entry]) -> tuple[Settled, Settled] | None:
    """Both on one basis: a restated year is not comparable with nine months that were never restated."""
    total, before = settled(totals), settled(earlier)
    if total is None or before is None or (_up_to_date(total, before) and _up_to_date(before, total)):
        return (total, before) if total and before else None
    return Settled(total.first, total.first, total.last), Settled(before.first, before.first, before.last)


def _up_to_date(one: Settled, other: Settled) -> bool:
    """Whether a figure was filed again, changed or not, once the other was restated."""
    return not other.restated or one.restated or one.last.filed >= other.entry.filed


def _fact(blank: Fact, tag: str, found: Settled, value: object) -> Fact:
    read, entry = number(value), found.entry
    source = blank.source.replace(", fetched", f", {entry.form} filed {entry.filed.isoformat()}, fetched")
    shared = replace(blank, source=source, as_of=entry.filed, filing=entry.accession, concept=tag)
    if isinstance(read, str):
        return replace(shared, status="error", note=read)
    first = number(found.first.value) if found.restated else None
    if isinstance(first, Decimal) and first and abs(read / first) in _SLIPS:
        return replace(shared, status="error", note=f"one filing says {first:,}, a later one {read:,}: a slip of units")
    if isinstance(first, Decimal):
        shared = replace(shared, first_value=first, first_as_of=found.first.filed)
    return replace(shared, value=read, status="reported", note=_NOTES.get(tag))


# ----------------------------------------------------------------------------------------- what is not comparable


def _restatement_named(row: Sequence[Fact], last: Mapping[str, date]) -> list[Fact]:
    """The row with a note on older figures that were not restated when later ones were."""
    changed = [fact for fact in row if fact.first_value and fact.value is not None and _restated_much(fact)]
    return [_with_note(fact, "a restatement", _on_new_basis(fact, row, changed, last)) for fact in row]


def _restated_much(fact: Fact) -> bool:
    first, value = fact.first_value or Decimal(1), fact.value or Decimal()
    return abs(value / first - 1) > _RESTATED


def _on_new_basis(fact: Fact, row: Sequence[Fact], changed: Sequence[Fact], last: Mapping[str, date]) -> list[Fact]:
    """The later figures from the first restated one on, where this one was not restated."""
    ends = [each.period_end for each in changed if each.period_end and _after(each, fact, last)]
    return [each for each in row if ends and each.known and each.period_end and each.period_end >= min(ends)]


def _after(changed: Fact, fact: Fact, last: Mapping[str, date]) -> bool:
    """Whether a figure was restated after an older one had been filed for the last time.

    An amendment corrects one report; and what was restated within the year before is of the same restatement.
    """
    if not fact.known or not changed.as_of or not changed.period_end or not fact.period_end:
        return False
    together = bool(fact.first_value and fact.as_of and fact.as_of > changed.as_of - timedelta(days=400))
    older = fact.period_end < changed.period_end and last[fact.period] < changed.as_of
    return older and not together and "/A filed" not in changed.source


def _with_note(fact: Fact, event: str, later: Sequence[Fact]) -> Fact:
    if not later:
        return fact
    note = f"as filed, before {event}; {NOT_COMPARABLE} with {', '.join(sorted(each.period for each in later))}"
    return replace(fact, note="; ".join(filter(None, (fact.note, note))))


def _split_named(row: Sequence[Fact], last: Mapping[str, date], splits: Sequence[date]) -> list[Fact]:
    """Figures that count shares, with a note where a later split makes them another kind of share."""
    bases = {fact.period: sum(day <= last[fact.period] for day in splits) for fact in row if fact.known}
    newest = max(bases.values(), default=0)
    later = [fact for fact in row if bases.get(fact.period) == newest]
    return [
        _with_note(fact, "a share split", later)
        if bases.get(fact.period, newest) < newest
        else _recounted(fact, splits)
        for fact in row
    ]


def _recounted(fact: Fact, splits: Sequence[date]) -> Fact:
    """The figure; what it was before a split is no other report of it."""
    first, now = fact.first_as_of, fact.as_of
    if first and now and any(first < day <= now for day in splits):
        return replace(fact, first_value=None, first_as_of=None)
    return fact
