"""Periods as people ask for them, and as they stand for one company.

A `Period` is what was asked: a fiscal year, a quarter, half a year, twelve trailing months, a date, a month, or the
latest. Which days it covers is only known for one company, whose fiscal year may end in January or September.

Text forms, in and out: `FY2024`, `Q3 2024`, `CQ3 2024` (calendar quarter), `H1 2024`, `9M 2024`, `TTM`, `2024-03-14`,
`2024-03` (a month), `2024` (calendar year), `end 2024`, `latest`, `latest quarter`, `YTD`, and shifts (`latest-1`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, Self

PeriodKind = Literal[
    "year", "quarter", "calendar quarter", "half", "nine months", "ttm", "day", "month", "calendar", "end", "latest",
    "latest quarter", "ytd",
]  # fmt: skip

FIRST_YEAR, LAST_YEAR = 1900, 2100

_FORMS: tuple[tuple[PeriodKind, re.Pattern[str]], ...] = (
    ("year", re.compile(r"FY(?P<y>\d{4})")),
    ("quarter", re.compile(r"Q(?P<n>[1-4]) (?P<y>\d{4})")),
    ("calendar quarter", re.compile(r"CQ(?P<n>[1-4]) (?P<y>\d{4})")),
    ("half", re.compile(r"H(?P<n>[12]) (?P<y>\d{4})")),
    ("nine months", re.compile(r"9M (?P<y>\d{4})")),
    ("ttm", re.compile(r"TTM")),
    ("day", re.compile(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)")),
    ("month", re.compile(r"(?P<y>\d{4})-(?P<m>\d\d)")),
    ("calendar", re.compile(r"(?P<y>\d{4})")),
    ("end", re.compile(r"end (?P<y>\d{4})")),
    ("latest", re.compile(r"latest")),
    ("latest quarter", re.compile(r"latest quarter")),
    ("ytd", re.compile(r"YTD")),
)
_SHIFT = re.compile(r"([+-]\d{1,2})$")
EXAMPLES = "FY2024, Q3 2024, H1 2025, TTM, 2024-03-14, 2024-03, latest or FY2020:FY2024"


@dataclass(frozen=True, slots=True)
class Period:
    """One period as asked.

    Attributes:
        kind: What sort of period.
        year: Its year, as the company labels it (fiscal kinds) or of the calendar.
        number: Quarter, half or month.
        day: Day of the month.
        shift: Years (or quarters, for quarters) later; -1 is the one before.

    Example:
        >>> str(Period.parse("FY2024")), str(Period.parse("latest-1").moved(-1))
        ('FY2024', 'latest-2')
    """

    kind: PeriodKind
    year: int = 0
    number: int = 0
    day: int = 0
    shift: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """The period of a text form.

        Raises:
            ValueError: It is none; the message shows the forms.
        """
        plain, shift = text.strip(), 0
        if plain.startswith(("latest", "TTM", "YTD")) and (found := _SHIFT.search(plain)):
            plain, shift = plain[: found.start()], int(found.group(1))
        for kind, form in _FORMS:
            if match := form.fullmatch(plain):
                return cls._checked(kind, match, shift, text)
        raise ValueError(f"“{text[:40]}” is no period. Write {EXAMPLES}.")

    @classmethod
    def _checked(cls, kind: PeriodKind, match: re.Match[str], shift: int, text: str) -> Self:
        parts = {name: int(value) for name, value in match.groupdict().items()}
        year, month = parts.get("y", 0), parts.get("m", 0)
        if year and not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValueError(f"The year {year} in “{text[:40]}” is out of range. Give one between 1990 and today.")
        if kind in ("day", "month"):
            try:
                date(year, month, parts.get("d", 1))
            except ValueError:
                raise ValueError(f"“{text[:40]}” is no day of the calendar. Write YYYY-MM-DD.") from None
        return cls(kind, year, parts.get("n", month), parts.get("d", 0), shift)

    def __str__(self) -> str:
        moved = f"{self.shift:+d}" if self.shift else ""
        match self.kind:
            case "year":
                return f"FY{self.year}"
            case "quarter":
                return f"Q{self.number} {self.year}"
            case "calendar quarter":
                return f"CQ{self.number} {self.year}"
            case "half":
                return f"H{self.number} {self.year}"
            case "nine months":
                return f"9M {self.year}"
            case "ttm":
                return f"TTM{moved}"
            case "day":
                return f"{self.year}-{self.number:02}-{self.day:02}"
            case "month":
                return f"{self.year}-{self.number:02}"
            case "calendar":
                return str(self.year)
            case "end":
                return f"end {self.year}"
            case "latest" | "latest quarter":
                return f"{self.kind}{moved}"
            case "ytd":
                return f"YTD{moved}"

    def moved(self, steps: int) -> Period:
        """The period `steps` of its own length later; a year for days and months.

        Example:
            >>> str(Period.parse("Q1 2025").moved(-1)), str(Period.parse("2024-02-29").moved(-1))
            ('Q4 2024', '2023-02-28')
        """
        match self.kind:
            case "quarter" | "calendar quarter":
                year, quarter = divmod(self.year * 4 + self.number - 1 + steps, 4)
                return replace(self, year=year, number=quarter + 1)
            case "half":
                year, half = divmod(self.year * 2 + self.number - 1 + steps, 2)
                return replace(self, year=year, number=half + 1)
            case "latest" | "latest quarter" | "ttm" | "ytd":
                return replace(self, shift=self.shift + steps)
            case "day":
                return replace(self, year=self.year + steps, day=min(self.day, _length(self.year + steps, self.number)))
            case _:
                return replace(self, year=self.year + steps)

    def year_before(self) -> Period:
        """The same period a year earlier."""
        return self.moved({"quarter": -4, "calendar quarter": -4, "latest quarter": -4, "half": -2}.get(self.kind, -1))

    @property
    def fiscal(self) -> bool:
        """Whether it names a fiscal period with a label."""
        return self.kind in ("year", "quarter", "half", "nine months")

    def first_day(self) -> date | None:
        """The first calendar day of a day, month or calendar year; `None` for relative ones."""
        if self.kind == "day":
            return date(self.year, self.number, self.day)
        months = self._months()
        return date(self.year, months[0], 1) if months else None

    def last_day(self) -> date | None:
        """The last calendar day, as `first_day`."""
        if self.kind == "day":
            return date(self.year, self.number, self.day)
        months = self._months()
        return date(self.year, months[1], _length(self.year, months[1])) if months else None

    def _months(self) -> tuple[int, int] | None:
        """The first and the last month, as if fiscal years were those of the calendar."""
        match self.kind:
            case "month":
                return self.number, self.number
            case "calendar quarter" | "quarter":
                return self.number * 3 - 2, self.number * 3
            case "half":
                return self.number * 6 - 5, self.number * 6
            case "calendar" | "end" | "year":
                return 1, 12
            case _:
                return None


LATEST = Period("latest")


@dataclass(frozen=True, slots=True)
class Span:
    """Periods from one to another, both included; `count` without a start is "the last n"."""

    start: Period | None
    end: Period
    count: int = 0

    def __str__(self) -> str:
        return f"{self.start}:{self.end}" if self.start else f"last {self.count} {_plural(self.end)}"


_LAST = re.compile(r"last (\d{1,3}) (years|quarters|months|days)")


@lru_cache(maxsize=1024)
def parse_periods(text: str) -> Period | Span:
    """A period or a span of a text form.

    Raises:
        ValueError: It is neither, or the span ends before it begins.

    Example:
        >>> str(parse_periods("FY2020:FY2024")), str(parse_periods("last 4 quarters"))
        ('FY2020:FY2024', 'last 4 quarters')
    """
    if found := _LAST.fullmatch(text.strip()):
        return Span(None, _LAST_ENDS[found.group(2)], int(found.group(1)))
    start, colon, end = text.partition(":")
    if not colon:
        return Period.parse(text)
    first, last = Period.parse(start), Period.parse(end or "latest")
    if first.year and last.year and _rank(first) > _rank(last):
        first, last = last, first
    return Span(first, last)


_LAST_ENDS: dict[str, Period] = {
    "years": Period("latest"), "quarters": Period("latest quarter"), "months": Period("month"), "days": Period("day"),
}  # fmt: skip


def _plural(end: Period) -> str:
    return next(name for name, period in _LAST_ENDS.items() if period.kind == end.kind)


def _rank(period: Period) -> tuple[int, int, int]:
    return period.year, period.number, period.day


def fiscal_quarter(end: date, years: Mapping[date, int]) -> str:
    """The name of the fiscal quarter that ends on a day, counted back from the last day of its year; empty if unclear.

    Args:
        end: The last day of the quarter.
        years: The fiscal years of the company by their last days.

    Example:
        >>> fiscal_quarter(date(2024, 6, 29), {date(2023, 9, 30): 2023})
        'Q3 2024'
    """
    if not years:
        return ""
    closing = min((last for last in years if last >= end), default=max(years))
    year = years[closing]
    while closing < end:
        closing, year = closing + timedelta(days=364), year + 1
    number = 4 - round((closing - end).days / 91)
    return f"Q{number} {year}" if 1 <= number <= 4 else ""


def _length(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day
