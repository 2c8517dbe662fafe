"""The SEC's `companyfacts`: every figure a company tagged in its filings, read into entries and fiscal periods.

One figure of one period is in several filings: as first filed, and again as the comparison of later years. The latest
value counts, and it was known from the first filing that has it. `fy` and `fp` are those of the *filing*, also beside
figures of earlier years; so the period a filing is about is the latest one in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

from msgspec.structs import replace

from finassist.core.errors import BadPayload, NotOffered
from finassist.core.facts import Fact, Statement
from finassist.core.periods import fiscal_quarter
from finassist.providers.values import day, inside, number, years_named
from finassist.symbols.company import Company

SOURCE = "SEC EDGAR"
_RECOUNT, _JUMP = Decimal("1.09"), Decimal("1.4")
"""From here on, another number of shares is a split of them: of one period, and from one cover page to the next."""

_ONE_SPLIT = timedelta(days=400)
_FIRST_YEAR = 1990
YEAR, _HALF = range(340, 381), range(175, 197)
_QUARTER = range(77, 127)
"""Quarters of 12, 13, 16 and 17 weeks."""

_ANNUAL_FORMS, _INTERIM_FORMS = ("10-K", "20-F", "40-F"), ("10-Q", "10-KT", "6-K")
_COVER = "EntityCommonStockSharesOutstanding"
_QUARTERS = ("Q1", "Q2", "Q3")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and the day the answer came from the source, perhaps by way of the cache."""

    company: Company
    fetched: date
    cached: bool = False

    def source(self, form: str = "", filed: date | None = None) -> str:
        """The source of a fact, with its dates.

        Example:
            >>> acme = Company("ACME", "Acme", "NYSE", "0000000001")
            >>> Asked(acme, date(2026, 11, 22), cached=True).source("10-K", date(2026, 2, 1))
            'SEC EDGAR, 10-K filed 2026-02-01, fetched 2026-11-22 (cached)'
        """
        filing = [f"{form} filed {filed.isoformat()}"] if filed else []
        return ", ".join([SOURCE, *filing, f"fetched {self.fetched.isoformat()}{' (cached)' if self.cached else ''}"])

    def blank(self, statement: Statement, currency: str | None = None) -> Fact:
        """A fact of this answer without a field and a value."""
        return Fact(
            symbol=self.company.symbol, field="", statement=statement, currency=currency, source=self.source(),
            as_of=self.fetched,
        )  # fmt: skip

    def checked(self, data: object) -> Mapping[str, Any]:
        """The answer, if it is an object about the company that was asked for."""
        answer = inside(data)
        if not isinstance(data, dict):
            raise self.bad("something else than an object")
        cik = answer.get("cik")
        if not isinstance(cik, int | str) or str(cik).zfill(10) != self.company.cik:
            raise self.bad("data about another company")
        return answer

    def bad(self, what: str) -> BadPayload:
        """The error for an answer that is not what was asked for."""
        return BadPayload(
            f"{SOURCE} answered with {what} when asked about {self.company.symbol}. Ask again, or use another provider."
        )

    def no_statements(self) -> NotOffered:
        """The error for a company that files nothing that can be read here."""
        return NotOffered(
            f"{SOURCE} has no statements of {self.company.symbol} ({self.company.name}) under US GAAP or IFRS. Funds "
            "have none. Use another provider."
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One tagged figure in one filing; `year` and `part` (`"FY"`, `"Q1"`, …) say what the filing is about."""

    value: object
    start: date | None
    end: date
    filed: date
    accession: str
    form: str
    year: int | None
    part: str

    @property
    def days(self) -> int:
        """Length of the period; 0 for a figure of one day."""
        return (self.end - self.start).days if self.start else 0

    @property
    def annual(self) -> bool:
        """Whether it covers a year, or one day."""
        return self.start is None or self.days in YEAR


type Found = Mapping[str, Sequence[Entry]]
"""What was filed, by tag."""


def facts_of(data: object, asked: Asked) -> Mapping[str, Any]:
    """The us-gaap part of an answer, or its IFRS part, and the cover pages."""
    answer = asked.checked(data)
    if not isinstance(answer.get("facts"), dict):
        raise asked.bad("an object without facts")
    found = [ours for taxonomy in ("us-gaap", "ifrs-full") if (ours := inside(answer, "facts", taxonomy))]
    if not found:
        raise asked.no_statements()
    chosen = found[0] if len(found) == 1 else max(found, key=_newest_end)
    cover = inside(answer, "facts", "dei").get(_COVER)
    return {**chosen, _COVER: cover} if cover else chosen


def _newest_end(facts: Mapping[str, Any]) -> str:
    """The last day of the newest figure, as a text: a filer may have changed from one taxonomy to the other."""
    rows = (row for tag in facts for unit in inside(facts, tag, "units").values() for row in _rows(unit))
    return max((str(row.get("end")) for row in rows), default="")


def currency_of(facts: Mapping[str, Any]) -> str:
    """The currency of the newest total assets, or of revenue, or of what else is tagged; dollars where nothing is."""
    for tag in ("Assets", "Revenues", "NetIncomeLoss", "Revenue", "ProfitLoss", *facts):
        units = [unit for unit in inside(facts, tag, "units") if len(unit) == 3 and unit.isupper()]
        if units:
            return max(units, key=lambda unit: max((e.end for e in entries(facts, tag, unit)), default=date.min))
    return "USD"


def entries(facts: Mapping[str, Any], tag: str, unit: str, until: date = date.max) -> list[Entry]:
    """What was filed under a tag in a unit up to a day; lines that cannot be placed in time are left out."""
    read = (_entry(row) for row in _rows(inside(facts, tag, "units").get(unit)))
    return [entry for entry in read if entry is not None and entry.filed <= until]


def _rows(rows: object) -> Iterable[Mapping[str, Any]]:
    listed = cast("list[object]", rows) if isinstance(rows, list) else []
    return [cast("dict[str, Any]", row) for row in listed if isinstance(row, dict)]


def _entry(row: Mapping[str, Any]) -> Entry | None:
    end, filed, start = day(row.get("end")), day(row.get("filed")), day(row.get("start"))
    accession, form, year, part = (row.get(name) for name in ("accn", "form", "fy", "fp"))
    if end is None or filed is None or filed < end or end.year < _FIRST_YEAR or (start and start > end):
        return None
    if not isinstance(accession, str) or not isinstance(form, str):
        return None
    number = year if isinstance(year, int) and abs(end.year - year) < 20 else None
    return Entry(row.get("val"), start, end, filed, accession, form, number, part if isinstance(part, str) else "")


@dataclass(frozen=True, slots=True)
class Settled:
    """Of one period of one tag: the first filing with the value that counts, the first of all, and the last."""

    entry: Entry
    first: Entry
    last: Entry

    @property
    def restated(self) -> bool:
        """Whether the value is another one than that first reported."""
        return self.first.value != self.entry.value


def settled(found: Iterable[Entry], until: date = date.max) -> Settled | None:
    """The value of a period as known on a day; where one filing has several, the most exact, and a number if any is."""
    filed: dict[tuple[date, str], Entry] = {}
    public = [entry for entry in found if entry.filed <= until]
    numbers = [entry for entry in public if isinstance(number(entry.value), Decimal)]
    for entry in sorted(numbers or public, key=_order):
        filed[entry.filed, entry.accession] = entry
    if not filed:
        return None
    each = list(filed.values())
    return Settled(next(entry for entry in each if entry.value == each[-1].value), each[0], each[-1])


def _order(entry: Entry) -> tuple[date, str, tuple[int, str]]:
    return entry.filed, entry.accession, _digits(entry.value)


def share_splits(found: Found, tags: Iterable[str], *, quarterly: bool) -> list[date]:
    """When a filing first gave the shares of an earlier period in another size than the filings before it.

    The filings of the year after it do the same for one period after another; that is still one split.
    """
    days: set[date] = set()
    for tag in tags:
        by_period: dict[tuple[date | None, date], list[Entry]] = {}
        for entry in sorted(found[tag], key=_order):
            if entry.annual or quarterly:
                by_period.setdefault((entry.start, entry.end), []).append(entry)
        for filed in by_period.values():
            days |= {after.filed for before, after in pairwise(filed) if _apart(before.value, after.value, _RECOUNT)}
    return [day for place, day in enumerate(sorted(days)) if not place or day - sorted(days)[place - 1] > _ONE_SPLIT]


def _apart(old: object, new: object, factor: Decimal) -> bool:
    """Whether one number of shares is more than so many times the other."""
    old, new = number(old), number(new)
    if not isinstance(old, Decimal) or not isinstance(new, Decimal):
        return False
    return min(old, new) > 0 and max(old, new) / min(old, new) > factor


def _digits(value: object) -> tuple[int, str]:
    """How exact a figure is: a filing may have a sum in its table, and rounded in its text."""
    return len(str(value).rstrip("0").lstrip("-").replace(".", "")), str(value)


# -------------------------------------------------------------------------------------------------- periods


def fiscal_years(found: Found) -> dict[date, str]:
    """Last day and name of each fiscal year that has an annual report, newest first; none is left out.

    Where two years would share a name, the older one gets the year before.
    """
    ends = _ends(found, _ANNUAL_FORMS, lambda entry: entry.start is not None and entry.annual)
    named: dict[date, str] = {}
    for end, year in years_named((end, own.year) for end, own in ends).items():
        named[end] = f"FY{year - 1}" if f"FY{year}" in named.values() else f"FY{year}"
    return named


def interim_periods(found: Found) -> dict[date, str]:
    """Last day and name of each fiscal quarter, newest first; halves of a company that reports no quarters.

    Which quarter it is follows from the year's last day. One whose name another one has (a change of the year's end)
    is called by its last day.
    """
    years = fiscal_years(found)
    numbers = {end: int(label.removeprefix("FY")) for end, label in years.items()}
    interim = _ends(found, _INTERIM_FORMS, lambda entry: 0 < entry.days < YEAR.start)
    halves = _halves(found)
    named: dict[date, str] = {}
    for end, own in interim:
        label = fiscal_quarter(end, numbers) or (f"{own.part} {own.year}" if own.part in _QUARTERS and own.year else "")
        label = label.replace("Q2", "H1") if end in halves else label
        if end not in numbers:
            named[end] = label if label and label not in named.values() else end.isoformat()
    taken = set(named.values())
    for end, year in numbers.items():
        named[end] = f"H2 {year}" if f"H1 {year}" in taken and f"Q3 {year}" not in taken else f"Q4 {year}"
    return dict(sorted(named.items(), reverse=True))


def _halves(found: Found) -> set[date]:
    """Days on which six months end of which no quarter was reported."""
    flows = [entry for tagged in found.values() for entry in tagged if entry.start]
    quarters = {day for entry in flows if entry.days in _QUARTER for day in (entry.start, entry.end)}
    return {entry.end for entry in flows if entry.days in _HALF and not quarters & {entry.start, entry.end}}


def days_of(label: str) -> range:
    """How many days a period of this name covers."""
    return {"F": YEAR, "H": _HALF}.get(label[0], _QUARTER)


def _ends(found: Found, forms: tuple[str, ...], wanted: Callable[[Entry], bool]) -> list[tuple[date, Entry]]:
    """The last day each filing is about, with one of its entries; newest first, of a day the first filing of it."""
    by_filing: dict[str, list[Entry]] = defaultdict(list)
    for tagged in found.values():
        for entry in tagged:
            if entry.form.startswith(forms) and wanted(entry):
                by_filing[entry.accession].append(entry)
    own = [max(group, key=lambda entry: entry.end) for group in by_filing.values()]
    ends: dict[date, Entry] = {}
    for entry in sorted(own, key=lambda entry: entry.filed, reverse=True):
        ends[entry.end] = entry
    return sorted(ends.items(), reverse=True)


# ------------------------------------------------------------------------------------------------- cover pages


def cover_shares(facts: Mapping[str, Any], asked: Asked, until: date) -> list[Fact]:
    """Shares outstanding as the cover pages count them, newest first, all classes together.

    Counts from before a jump, as a split of shares makes it, are left out: prices are those of today's shares.
    """
    by_filing: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries(facts, _COVER, "shares", until):
        by_filing[entry.accession].append(entry)
    by_day = {fact.period_end: fact for each in by_filing.values() if (fact := _cover(each, asked))}
    found = sorted(by_day.values(), key=lambda fact: fact.period, reverse=True)
    jumps = (place for place, (now, before) in enumerate(pairwise(found), 1) if _apart(now.value, before.value, _JUMP))
    return found[: next(jumps, len(found))]


def _cover(filing: Sequence[Entry], asked: Asked) -> Fact | None:
    """The count of one filing; each class of shares has a figure of its own."""
    end = max(entry.end for entry in filing)
    classes = {entry.value: entry for entry in filing if entry.end == end}
    counts = [count for value in classes if isinstance(count := number(value), Decimal) and count > 0]
    if not counts:
        return None
    own = filing[0]
    return replace(
        asked.blank("profile"),
        field="cover_shares", value=sum(counts), unit="shares", period=end.isoformat(), period_end=end, as_of=own.filed,
        source=asked.source(f"cover page of the {own.form}", own.filed), filing=own.accession, concept=_COVER,
        note=f"the sum of {len(counts)} classes of shares" if len(counts) > 1 else None,
    )  # fmt: skip
