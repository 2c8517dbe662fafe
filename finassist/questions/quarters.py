"""Parts of a year: a quarter or half of the year that is named, of the conversation or the latest; its quarters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from finassist.core.metrics import described
from finassist.core.periods import Period, PeriodKind, Span, parse_periods
from finassist.questions.periods import number_of
from finassist.questions.slots import Found, Slots
from finassist.questions.tokenizer import Hit

_OF_DAYS = ("day", "month", "months ago", "days ago", "trading day")
_OF_YEAR = re.compile(
    r"\b(?:the )?(?:(?P<a>[qh])(?P<q>[1-4])|(?P<n>first|second|third|fourth)[ -](?P<b>quarter|half))\b"
)


def parts_of(slots: Slots, last: Sequence[str]) -> list[Found]:
    """`and in Q3?`, `the second half?`: parts of a year without it are of the last question's, or the latest."""
    value = parse_periods(last[-1]) if last else None
    end = value.end if isinstance(value, Span) else value
    if end is None or end.kind in _OF_DAYS:
        return []
    nth = "" if end.year else "nth "
    calendar = "calendar " if end.kind.startswith("calendar ") else ""
    parts: list[Found] = []
    for found in _OF_YEAR.finditer(slots.low):
        kind = f"{nth}half" if (found["a"] or found["b"])[0] == "h" else f"{nth or calendar}quarter"
        number = int(found["q"] or number_of(found["n"]))
        slots.loose = [word for word in slots.loose if not found.start() <= word.start < found.end()]
        parts.append(Found(Period(cast("PeriodKind", kind), end.year, number), *found.span(), found.group()))
    return parts


def part_of_year(slots: Slots) -> list[Found]:
    """`third-quarter revenue in fiscal 2023`, `revenue in Q3`: the part of the one year that is named, or the last."""
    points = slots.points
    year = points[0].value if len(points) == 1 and isinstance(points[0].value, Period) else None
    whole = year is not None and year.kind in ("year", "calendar", "calendar year")
    return parts_of(slots, [str(year)] if year else ["latest"]) if whole or not points else []


def with_the_one_before(text: str) -> list[str]:
    """A quarter and the one before it, for a change from quarter to quarter."""
    value = parse_periods(text)
    quarters = isinstance(value, Period) and value.kind in ("quarter", "calendar quarter", "latest quarter")
    return [str(value.moved(-1)), text] if isinstance(value, Period) and quarters else [text]


def quarterly(periods: Sequence[str], usual: int = 8) -> list[str]:
    """The quarters of the periods; of none, the last of a usual number."""
    return [_quarters(text) for text in periods] or [f"last {usual} quarters"]


def _quarters(text: str) -> str:
    value = parse_periods(text)
    if isinstance(value, Period) and value.kind in ("year", "calendar", "calendar year"):
        return f"Q1 {value.year}:Q4 {value.year}"
    if isinstance(value, Span) and value.start and value.start.kind in ("year", "calendar"):
        return f"Q1 {value.start.year}:" + (f"Q4 {value.end.year}" if value.end.year else "latest quarter")
    if isinstance(value, Span) and value.end.kind == "latest" and not value.start:
        return f"last {4 * value.count} quarters"
    return text


_MONTHS = re.compile(r"(\d{4})-(\d\d):\1-(\d\d)")
_PARTS_OF_YEAR = {("01", "12"): "{}", ("01", "06"): "H1 {}", ("07", "12"): "H2 {}"}


def of_months(text: str, metrics: Sequence[Hit[str]]) -> str:
    """`January to March 2025` of a line of reports: the quarter that ends then; twelve months are a year."""
    found = _MONTHS.fullmatch(text)
    if found is None or not metrics or described(metrics[0].value).kind == "price":
        return text
    year, first, last = found.groups()
    three = int(last) - int(first) == 2
    return f"{year}-{last}" if three else _PARTS_OF_YEAR.get((first, last), text).format(year)
