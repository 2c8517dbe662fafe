"""Periods as people ask for them, and as they stand for one company.

A `Period` is what was asked: a fiscal year, a quarter, half a year, twelve trailing months, a date, a month, or the
latest. Which days it covers is only known for one company, whose fiscal year may end in January or September.

Text forms, in and out: `FY2024`, `Q3 2024`, `CQ3 2024` and `CY2024` (of the calendar), `H1 2024`, `9M 2024`, `TTM`,
`2024-03-14`, `2024-03` (a month), `2024` (as the company labels it), `end 2024`, `latest`, `latest quarter`, `YTD`,
`latest Q3` and `latest H1` (the last third quarter, the last first half),
`3 months ago` and `10 days ago` (before the latest trading day), shifts (`latest-1`), and trading days counted from a
day (`2024-03-14+5`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal, Self

PeriodKind = Literal[
    "year", "quarter", "calendar quarter", "calendar year", "half", "nine months", "ttm", "day", "month", "calendar",
    "end", "latest", "latest quarter", "nth quarter", "nth half", "ytd", "months ago", "days ago", "trading day",
]  # fmt: skip

FIRST_YEAR, LAST_YEAR = 1900, 2100

_TEXTS: dict[PeriodKind, str] = {
    "year": "FY{year}",
    "quarter": "Q{number} {year}",
    "calendar quarter": "CQ{number} {year}",
    "calendar year": "CY{year}",
    "half": "H{number} {year}",
    "nine months": "9M {year}",
    "ttm": "TTM",
    "day": "{year}-{number:02}-{day:02}",
    "month": "{year}-{number:02}",
    "calendar": "{year}",
    "end": "end {year}",
    "latest": "latest",
    "latest quarter": "latest quarter",
    "nth quarter": "latest Q{number}",
    "nth half": "latest H{number}",
    "ytd": "YTD",
    "months ago": "{number} months ago",
    "days ago": "{number} days ago",
    "trading day": "latest trading day",
}
"""How each kind is written; read back by the patterns that are made of it."""

_PARTS = {"{year}": r"(?P<year>\d{4})", "{number:02}": r"(?P<number>\d\d)", "{day:02}": r"(?P<day>\d\d)"}
_NUMBERS: dict[PeriodKind, str] = {"half": "[12]", "nth half": "[12]", "months ago": r"\d{1,3}", "days ago": r"\d{1,3}"}


def _pattern(kind: PeriodKind, text: str) -> re.Pattern[str]:
    parts = {**_PARTS, "{number}": f"(?P<number>{_NUMBERS.get(kind, '[1-4]')})"}
    for part, pattern in parts.items():
        text = text.replace(part, pattern)
    return re.compile(text)


_FORMS: dict[PeriodKind, re.Pattern[str]] = {kind: _pattern(kind, text) for kind, text in _TEXTS.items()}
_SHIFT = re.compile(r"([+-]\d{1,3})$")
_SHIFTED = re.compile(r"(?:latest|TTM|YTD)|\d{4}-\d\d-\d\d[+-]")
EXAMPLES = "FY2024, Q3 2024, H1 2025, TTM, 2024-03-14, 2024-03, latest or FY2020:FY2024"


@dataclass(frozen=True, slots=True)
class Period:
    """One period as asked.

    Example:
        >>> str(Period.parse("FY2024")), str(Period.parse("latest-1").moved(-1))
        ('FY2024', 'latest-2')
    """

    kind: PeriodKind
    year: int = 0  # its year, as the company labels it (fiscal kinds) or of the calendar
    number: int = 0  # quarter, half or month
    day: int = 0
    shift: int = 0  # years (or quarters, for quarters; trading days, for days) later; -1 is the one before

    @classmethod
    def parse(cls, text: str) -> Self:
        """The period of a text form.

        Raises:
            ValueError: It is none; the message shows the forms.
        """
        plain, shift = text.strip(), 0
        if _SHIFTED.match(plain) and (found := _SHIFT.search(plain)):
            plain, shift = plain[: found.start()], int(found.group(1))
        for kind, form in _FORMS.items():
            if match := form.fullmatch(plain):
                return cls._checked(kind, match, shift, text)
        raise ValueError(f"“{text[:40]}” is no period. Write {EXAMPLES}.")

    @classmethod
    def _checked(cls, kind: PeriodKind, match: re.Match[str], shift: int, text: str) -> Self:
        parts = {name: int(value) for name, value in match.groupdict().items()}
        year = parts.get("year", 0)
        if year and not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValueError(f"The year {year} in “{text[:40]}” is out of range. Give one between 1990 and today.")
        if kind in ("day", "month"):
            try:
                date(year, parts["number"], parts.get("day", 1))
            except ValueError:
                raise ValueError(f"“{text[:40]}” is no day of the calendar. Write YYYY-MM-DD.") from None
        return cls(kind, **parts, shift=shift)

    def __str__(self) -> str:
        text = _TEXTS[self.kind].format(year=self.year, number=self.number, day=self.day)
        return f"{text}{self.shift:+d}" if self.shift else text

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
            case "latest" | "latest quarter" | "nth quarter" | "nth half" | "ttm" | "ytd":
                return replace(self, shift=self.shift + steps)
            case "months ago" | "days ago":
                return replace(self, number=self.number - (12 if self.kind == "months ago" else 365) * steps)
            case "day":
                return replace(self, year=self.year + steps, day=min(self.day, _length(self.year + steps, self.number)))
            case _:
                return replace(self, year=self.year + steps)

    def dated(self, year: int, quarter: int) -> Period:
        """The `latest Q3` or `latest H1` of a company whose latest quarter is that of a year, with its own year.

        Example:
            >>> str(Period.parse("latest Q3").dated(2026, 2))
            'Q3 2025'
        """
        last, kind = (self.number, "quarter") if self.kind == "nth quarter" else (self.number * 2, "half")
        return Period(kind, year - (last > quarter) + self.shift, self.number)

    def first_day(self) -> date | None:
        """The first calendar day of a day, month or calendar year; `None` for relative ones."""
        return self._days()[0]

    def last_day(self) -> date | None:
        """The last calendar day, as `first_day`."""
        return self._days()[1]

    def _days(self) -> tuple[date, date] | tuple[None, None]:
        """The first and the last day, as if fiscal years were those of the calendar."""
        if not self.year:
            return None, None
        match self.kind:
            case "day":
                return date(self.year, self.number, self.day), date(self.year, self.number, self.day)
            case "month":
                first, last = self.number, self.number
            case "calendar quarter" | "quarter":
                first, last = self.number * 3 - 2, self.number * 3
            case "half":
                first, last = self.number * 6 - 5, self.number * 6
            case "calendar" | "end" | "year" | "calendar year":
                first, last = 1, 12
            case _:
                return None, None
        return date(self.year, first, 1), date(self.year, last, _length(self.year, last))


LATEST = Period("latest")


@dataclass(frozen=True, slots=True)
class Span:
    """Periods from one to another, both included; `count` without a start is "the last n"."""

    start: Period | None
    end: Period
    count: int = 0

    def __str__(self) -> str:
        return f"{self.start}:{self.end}" if self.start else f"last {self.count} {_plural(self.end)}"


_LAST = re.compile(r"last (\d{1,3}) (years|quarters|months|days|trading days)")


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
    "trading days": Period("trading day"),
}  # fmt: skip


def _plural(end: Period) -> str:
    return next(name for name, period in _LAST_ENDS.items() if period.kind == end.kind)


def _rank(period: Period) -> tuple[int, int, int]:
    return period.year, period.number, period.day


def fiscal_quarter(end: date, years: Mapping[date, int]) -> str:
    """The name of the fiscal quarter that ends on a day, counted back from the last day of its year; empty if unclear.

    `years` are the fiscal years of the company by their last days.

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


def trading_day(days: Sequence[date], period: Period) -> date | None:
    """The day that lies so many trading days from the day of a period; `None` where these cannot be counted.

    Args:
        days: The days of the closes at hand, in order.
        period: A day and, as its shift, how many trading days later; fewer than nothing are earlier.

    Example:
        >>> str(trading_day([date(2024, 8, day) for day in (1, 2, 5, 6)], Period.parse("2024-08-01+2")))
        '2024-08-05'
    """
    day = date(period.year, period.number, period.day)
    at = bisect_right(days, day) - 1
    end = at + period.shift + (at >= 0 and period.shift < 0 and days[at] != day)
    if at < 0 or not 0 <= end < len(days):
        return None
    counted = days[min(at, end) : max(at, end) + 1]
    daily = all((after - before).days <= LONGEST_GAP for before, after in pairwise(counted))
    return days[end] if daily and (day - days[at]).days <= LONGEST_GAP else None


LONGEST_GAP = 10
"""Days without a close that holidays and weekends explain."""


def months_back(day: date, months: int) -> date:
    """The same day some months before, or the last day of a shorter month.

    Example:
        >>> str(months_back(date(2024, 5, 31), 3))
        '2024-02-29'
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, _length(year, month + 1)))


def _length(year: int, month: int) -> int:
    return monthrange(year, month)[1]
