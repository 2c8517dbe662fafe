"""The SEC's `companyfacts`: every figure a company tagged in its filings, read into entries and fiscal periods.

One figure of one period is in several filings: as first filed, and again as the comparison of later years. The latest
counts. `fy` and `fp` are those of the *filing*, also beside figures of earlier years; so the period a filing is about
is the latest one in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from finassist.core.errors import BadPayload, NotOffered
from finassist.core.facts import Fact, Statement
from finassist.providers.values import day, fiscal_period
from finassist.symbols.company import Company

SOURCE = "SEC EDGAR"
_YEAR = range(340, 381)
_QUARTER = range(80, 101)
_ANNUAL_FORMS = ("10-K", "20-F", "40-F")
_QUARTERS = ("Q1", "Q2", "Q3")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and when the answer came from the source.

    Attributes:
        company: The company asked about.
        fetched: The day the source answered.
        cached: Whether the answer comes from the cache.
    """

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

    def check_company(self, cik: object) -> None:
        """Refuse an answer about another company.

        Raises:
            BadPayload: It is.
        """
        if not isinstance(cik, int | str) or str(cik).zfill(10) != self.company.cik:
            raise self.bad("data about another company")

    def bad(self, what: str) -> BadPayload:
        """The error for an answer that is not what was asked for."""
        return BadPayload(
            f"{SOURCE} answered with {what} when asked about {self.company.symbol}. Ask again, or use another provider."
        )

    def no_us_gaap(self) -> NotOffered:
        """The error for a company that files nothing that can be read here."""
        return NotOffered(
            f"{SOURCE} has no statements of {self.company.symbol} ({self.company.name}) under US GAAP. Funds have "
            "none, and many foreign companies use IFRS. Use another provider."
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One tagged figure in one filing.

    Attributes:
        value: As it was read; whether it is a number is seen later.
        start: First day of the period, `None` for a figure of one day.
        end: Last day of the period.
        filed: When it was filed.
        accession: Number of the filing.
        form: `"10-K"`, `"10-Q"`, …
        year: Fiscal year the filing is about.
        part: `"FY"`, `"Q1"`, `"Q2"` or `"Q3"`: what of it.
    """

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
        return self.start is None or self.days in _YEAR

    @property
    def quarterly(self) -> bool:
        """Whether it covers three months, or one day."""
        return self.start is None or self.days in _QUARTER


type Found = Mapping[str, Sequence[Entry]]
"""What was filed, by tag."""


def facts_of(data: object, asked: Asked) -> Mapping[str, Any]:
    """The us-gaap part of an answer.

    Raises:
        BadPayload: The answer is no `companyfacts`, or about another company.
        NotOffered: There are no figures under US GAAP.
    """
    if not isinstance(data, dict):
        raise asked.bad("something else than an object")
    answer = cast("dict[str, Any]", data)
    asked.check_company(answer.get("cik"))
    facts = answer.get("facts")
    if not isinstance(facts, dict):
        raise asked.bad("an object without facts")
    ours = cast("dict[str, Any]", facts).get("us-gaap")
    if not isinstance(ours, dict) or not ours:
        raise asked.no_us_gaap()
    return cast("dict[str, Any]", ours)


def currency_of(facts: Mapping[str, Any]) -> str:
    """The currency of the newest total assets, or of revenue; dollars where neither is tagged."""
    for tag in ("Assets", "Revenues", "NetIncomeLoss"):
        units = [unit for unit in _units(facts, tag) if len(unit) == 3 and unit.isupper()]
        if units:
            return max(units, key=lambda unit: max((e.end for e in entries(facts, tag, unit)), default=date.min))
    return "USD"


def entries(facts: Mapping[str, Any], tag: str, unit: str) -> list[Entry]:
    """What was filed under a tag in a unit; lines that cannot be placed in time are left out."""
    rows = _units(facts, tag).get(unit)
    return [entry for row in _rows(rows) if (entry := _entry(row)) is not None]


def _units(facts: Mapping[str, Any], tag: str) -> Mapping[str, object]:
    found = facts.get(tag)
    units: object = cast("dict[str, Any]", found).get("units") if isinstance(found, dict) else None
    return cast("dict[str, object]", units) if isinstance(units, dict) else {}


def _rows(rows: object) -> Iterable[Mapping[str, Any]]:
    listed = cast("list[object]", rows) if isinstance(rows, list) else []
    return [cast("dict[str, Any]", row) for row in listed if isinstance(row, dict)]


def _entry(row: Mapping[str, Any]) -> Entry | None:
    end, filed, start = day(row.get("end")), day(row.get("filed")), day(row.get("start"))
    accession, form, year, part = (row.get(name) for name in ("accn", "form", "fy", "fp"))
    if end is None or filed is None or filed < end or (start and start > end):
        return None
    if not isinstance(accession, str) or not isinstance(form, str):
        return None
    number = year if isinstance(year, int) and abs(end.year - year) < 20 else None
    return Entry(row.get("val"), start, end, filed, accession, form, number, part if isinstance(part, str) else "")


def latest(found: Iterable[Entry]) -> Entry | None:
    """The one that was filed last; where one filing has several, the most exact."""
    return max(found, key=lambda entry: (entry.filed, entry.accession, _digits(entry.value)), default=None)


def _digits(value: object) -> tuple[int, str]:
    """How exact a figure is: a filing may have a sum in its table, and rounded in its text."""
    return len(str(value).rstrip("0").lstrip("-").replace(".", "")), str(value)


# -------------------------------------------------------------------------------------------------- periods


def fiscal_years(found: Found) -> dict[date, str]:
    """Last day and name of each fiscal year that has an annual report, newest first.

    The name is the filer's own (`FY2025` may end in January 2026), unless it contradicts the day.
    """
    named: dict[date, str] = {}
    for end, own in _ends(found, _ANNUAL_FORMS, lambda entry: entry.start is not None and entry.annual):
        label = f"FY{own.year}" if own.year and abs(end.year - own.year) <= 1 else fiscal_period(None, end)
        if label in named.values():
            label = fiscal_period(None, end)
        if label not in named.values():
            named[end] = label
    return named


def fiscal_quarters(found: Found) -> dict[date, str]:
    """Last day and name of each fiscal quarter, newest first; the fourth ends with the year."""
    fourth = {end: f"Q4 {label.removeprefix('FY')}" for end, label in fiscal_years(found).items()}
    others = {
        end: f"{own.part} {own.year}"
        for end, own in _ends(found, ("10-Q",), lambda entry: 0 < entry.days < _YEAR.start)
        if own.part in _QUARTERS and own.year
    }
    named: dict[date, str] = {}
    for end, label in sorted({**others, **fourth}.items(), reverse=True):
        if label not in named.values():
            named[end] = label
    return named


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
