"""Periods in the words of a question: years, quarters, halves, months, days, spans, and the latest. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from finassist.core.periods import LATEST, Period, PeriodKind, Span, months_back, parse_periods
from finassist.questions.grammar import SHIFTS, table_of
from finassist.questions.slots import Found, Slots
from finassist.questions.tokenizer import Claims

_TABLE = table_of("periods")


def _numbers(section: str) -> dict[str, int]:
    rows: Mapping[str, str] = _TABLE[section]
    return {name: int(number) for number, names in rows.items() for name in names.split()}


_NUMBERS, _MONTHS = _numbers("numbers"), _numbers("months")
_CARDINALS = frozenset({"one", "two", "three", "four", "dos", "due"})


def _choice(names: Iterable[str], digits: str) -> str:
    return "|".join([digits, *sorted(names, key=len, reverse=True)])


_AMOUNTS = [name for name in _NUMBERS if name.isalpha() and name < "\u3000"]
_ORDINALS = [name for name, number in _NUMBERS.items() if number < 5 and name not in _CARDINALS]
_PARTS: dict[str, str] = {
    **_TABLE["parts"],
    "N": rf"(?P<n>{_choice(_AMOUNTS, r'\d{1,3}')})",
    "ORDINAL": rf"(?P<q>{_choice(_ORDINALS, r'[1-4](?:st|nd|rd|th|\.|er|º|ª|e)?')})",
    "MONTHS": rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})",
    "MONTH": rf"(?P<mon>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?",
}


def _filled(pattern: str) -> str:
    """A pattern with its `{Y}`-like parts filled in."""
    for _ in range(2):
        pattern = re.sub(r"\{([A-Z_]+)\}", lambda part: _PARTS[part[1]], pattern)
    return pattern


_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (rule["make"], re.compile(_filled(rule["pattern"]))) for rule in _TABLE["rule"]
)
_BETWEEN = {name: re.compile(_filled(pattern)) for name, pattern in _TABLE["between"].items()}


def periods_in(text: str) -> list[Found]:
    """The periods that a lower-case text names, in order, spans joined.

    Example:
        >>> [str(found.value) for found in periods_in("revenue from fy2021 to fy2024, q2 2025 and ttm")]
        ['FY2021:FY2024', 'Q2 2025', 'TTM']
    """
    found = sorted(_scan(text, Claims(len(text))), key=lambda each: each.start)
    return _joined(text, [_counted(text, each) for each in found])


def _scan(text: str, taken: Claims) -> Iterator[Found]:
    for match in _BETWEEN["bare_joined"].finditer(text):
        if (span := _year_span(match)) and taken.free(*match.span()):
            yield _claim(match, span, taken)
    for make, pattern in _RULES:
        for match in pattern.finditer(text):
            value = _made(make, match) if taken.free(*match.span()) else None
            if value is not None:
                yield _claim(match, value, taken, make in ("latest", "latest year"))
    for match in _BETWEEN["bare"].finditer(text):
        if taken.free(*match.span()):
            yield _claim(match, Period("calendar", int(match["y"])), taken)


def _year_span(match: re.Match[str]) -> Span | None:
    first, last = int(match["a"]), match["b"]
    second = int(last) if len(last) == 4 else first // 100 * 100 + int(last)
    month = len(last) == 2 and 1 <= int(last) <= 12 and second < first
    if month or second <= first or second - first > 40:
        return None
    kind: PeriodKind = "calendar year" if match["c"] else "calendar"
    return Span(Period(kind, first), Period(kind, second))


def _claim(match: re.Match[str], value: Period | Span, taken: Claims, vague: bool = False) -> Found:
    taken.take(*match.span())
    return Found(value, match.start(), match.end(), match.group().strip(), vague)


def _made(make: str, match: re.Match[str]) -> Period | Span | None:
    parts = {name: value for name, value in match.groupdict().items() if value}
    year = _year(parts.get("y"))
    try:
        return _MAKERS[make](parts, year)
    except (ValueError, KeyError):
        return None


def _year(text: str | None) -> int:
    if text is None:
        return 0
    number = int(text)
    return number if number > 99 else 2000 + number if number < 60 else 1900 + number


def number_of(text: str) -> int:
    """The number that digits, a number word or an ordinal is."""
    plain = text.strip().rstrip(".")
    digits = re.match(r"\d+", plain)
    return int(digits.group()) if digits else _NUMBERS[plain]


def _month(parts: dict[str, str]) -> int:
    return int(parts["m"]) if "m" in parts else _MONTHS[parts["mon"]]


def _day(parts: dict[str, str], year: int) -> Period:
    day = int(parts.get("d") or parts["d2"])
    date(year, _month(parts), day)
    return Period("day", year, _month(parts), day)


def _quarter(parts: dict[str, str], year: int) -> Period:
    calendar = (parts.get("f") or parts.get("f0") or "").startswith(("calendar", "cy"))
    return Period("calendar quarter" if calendar else "quarter", year, number_of(parts["q"]))


def _quarter_end(parts: dict[str, str], year: int) -> Period:
    last = Period("month", year, _month(parts)).last_day()
    return Period("day", year, _month(parts), last.day if last else 28)


def _first_day(parts: dict[str, str], year: int) -> Period:
    """The first trading day of a month or a year: the one after the last calendar day before it."""
    day = date(year, _month(parts) if "mon" in parts else 1, 1) - timedelta(days=1)
    return Period("day", day.year, day.month, day.day, 1)


def _half(parts: dict[str, str], year: int) -> Period:
    return Period("half", year, 2 if parts["q"] in _SECOND or parts["q"][0] == "下" else 1)


_SECOND = frozenset({"2", "second", "2nd", "segundo", "segunda", "zweiten", "zweites", "zweite", "secondo"})


_UNITS: Mapping[str, Period] = {
    "qua": Period("latest quarter"), "tri": Period("latest quarter"), "季度": Period("latest quarter"),
    "四半期": Period("latest quarter"), "mon": Period("month"), "mes": Period("month"), "moi": Period("month"),
    "day": Period("day"), "wee": Period("day"), "tra": Period("trading day"), "bus": Period("trading day"),
    "ses": Period("trading day"),
}  # fmt: skip


def _last(parts: dict[str, str], _: int) -> Span:
    unit = parts["unit"]
    count = number_of(parts.get("n", "1")) * (7 if unit.startswith("week") else 1)
    return Span(None, _UNITS.get(unit[:3], _UNITS.get(unit, LATEST)), count)


def _short_ago(parts: dict[str, str], _: int) -> Period:
    count, unit = number_of(parts["n"]) if parts.get("n") else 1, parts["unit"]
    if unit.startswith("month"):
        return Period("months ago", number=count)
    return Period("days ago", number=count * (7 if unit.startswith("week") else 1))


def _year_end(parts: dict[str, str], year: int) -> Period:
    return Period("year", year if _month(parts) > 1 else year - 1)


def _of(kind: PeriodKind) -> _Maker:
    return lambda parts, year: Period(kind, year)


type _Maker = Callable[[dict[str, str], int], Period | Span]

_MAKERS: Mapping[str, _Maker] = {
    "day": _day,
    "day us": _day,
    "first day": _first_day,
    "quarter end": _quarter_end,
    "quarter of": lambda parts, year: Period("month", year, _month(parts)),
    "quarter": _quarter,
    "half": _half,
    "last": _last,
    "last cjk": _last,
    "year end day": _year_end,
    "month": lambda parts, year: Period("month", year, _month(parts)),
    "ttm": _of("ttm"),
    "nine": _of("nine months"),
    "end": _of("end"),
    "year": _of("year"),
    "calendar": _of("calendar"),
    "calendar year": _of("calendar year"),
    "ytd": _of("ytd"),
    "short ago": _short_ago,
    "years to": lambda parts, year: Span(Period("year", year - number_of(parts["n"]) + 1), Period("year", year)),
    "ago": lambda parts, year: LATEST.moved(-number_of(parts["n"])),
    "since ago": lambda parts, year: Span(LATEST.moved(-number_of(parts.get("n", "1"))), LATEST),
    "before2": lambda parts, year: LATEST.moved(-2),
    "latest quarter": _of("latest quarter"),
    "latest": lambda parts, year: LATEST,
    "latest year": lambda parts, year: LATEST,
}


def _joined(text: str, found: list[Found]) -> list[Found]:
    """Neighbours that are the ends of one span, as a span."""
    out: list[Found] = []
    for each in found:
        if out and _spans(text, out[-1], each):
            first = out.pop()
            span = parse_periods(f"{_like(first.value, each.value)}:{_like(each.value, first.value)}")
            out.append(Found(span, first.start, each.end, text[first.start : each.end]))
        else:
            out.append(each)
    return [_open(text, each) for each in out]


def _open(text: str, each: Found) -> Found:
    """`since 2021`, `2021 onwards`: a span to the latest."""
    start, before = each.value, text[max(0, each.start - 40) : each.start]
    if not isinstance(start, Period) or not start.year:
        return each
    onward = _BETWEEN["onward"].match(text, each.end)
    since = _BETWEEN["since"].search(before)
    if not onward and (not since or _FROM.search(before)):
        return each
    return Found(Span(start, _open_end(start)), each.start, each.end, each.words)


_FROM = re.compile(r"\bfrom\s+(?:the\s+)?(?:fiscal\s+)?$")


def _open_end(start: Period) -> Period:
    return Period("latest quarter") if start.kind in ("quarter", "calendar quarter") else LATEST


def _counted(text: str, each: Found) -> Found:
    """`five trading days after 2024-08-01`: that day, or with an article before it the span to it."""
    day = each.value
    found = _BETWEEN["counted"].search(text, max(0, each.start - 60), each.start)
    if not found or not isinstance(day, Period) or day.kind != "day":
        return each
    steps = number_of(found["n"]) * (-1 if found["back"] else 1)
    other = replace(day, shift=steps)
    ends = (day, other) if steps > 0 else (other, day)
    value = Span(*ends) if found["whole"] else other
    return Found(value, found.start(), each.end, text[found.start() : each.end])


def _spans(text: str, left: Found, right: Found) -> bool:
    if not (isinstance(left.value, Period) and isinstance(right.value, Period)):
        return False
    between = text[left.end : right.start]
    if len(between) < 60 and _BETWEEN["to"].match(between) and (left.value.year or right.value.year):
        return True
    before = text[max(0, left.start - 40) : left.start]
    return bool(len(between) < 40 and _BETWEEN["and"].match(between) and _BETWEEN["between"].search(before))


def _like(period: Period | Span, other: Period | Span) -> Period | Span:
    """A bare year next to a fiscal one is fiscal too: "FY2021 to 2024"; so with one of the calendar."""
    if not (isinstance(period, Period) and isinstance(other, Period) and period.kind == "calendar"):
        return period
    return Period(other.kind, period.year) if other.kind in ("year", "calendar year") else period


# -------------------------------------------------------------------------------------------------- relative

type Shift = tuple[int, str]


def shift_of(slots: Slots) -> Shift | None:
    """How far a question moves from the last period or the latest; its words are used: `the prior year`."""
    stretch = _BETWEEN["stretch"].search(slots.low)
    found = [(stretch, -number_of(stretch["n"]), stretch["unit"])] if stretch else []
    later = _BETWEEN["later"].search(slots.low)
    found += [(later, number_of(later["n"]), later["unit"])] if later else []
    found += [(match, steps, unit) for pattern, steps, unit in SHIFTS if (match := pattern.search(slots.low))]
    for match, steps, unit in found:
        slots.loose = [word for word in slots.loose if not match.start() <= word.start < match.end()]
        return steps, unit
    return None


def moved(periods: Sequence[str], shift: Shift, *, of_price: bool = False) -> list[str]:
    """Periods that many steps later or earlier; the last years of a price end with the latest close."""
    return [_moved_one(text, *shift, of_price=of_price) for text in periods]


_IN_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_IN_DAYS = {"year": 365, "quarter": 91, "month": 30, "week": 7, "day": 1}


def _moved_one(text: str, steps: int, unit: str, *, of_price: bool) -> str:
    value = parse_periods(text)
    if isinstance(value, Span):
        if value.start is None:
            return _last_moved(value, steps, "year" if unit == "same" else unit, of_price=of_price)
        ends = (_moved_one(str(each), steps, unit, of_price=of_price) for each in (value.start, value.end))
        return ":".join(ends)
    if value.kind == "months ago" and unit in _IN_MONTHS:
        return str(replace(value, number=value.number - _IN_MONTHS[unit] * steps))
    if value.kind == "day" and of_price and unit in _IN_MONTHS:
        day = months_back(date(value.year, value.number, value.day), -_IN_MONTHS[unit] * steps)
        return str(day)
    if unit in ("quarter", "month") and value.kind in ("day", "month"):
        month = value.year * 12 + value.number - 1 + _IN_MONTHS[unit] * steps
        there = Period("month", month // 12, month % 12 + 1)
        day = there.last_day()
        return str(day) if day and value.kind == "day" else str(there)
    if unit == "year" and value.kind in ("quarter", "calendar quarter", "latest quarter"):
        return str(value.moved(steps * 4))
    return str(value.moved(steps * 2 if unit == "year" and value.kind == "half" else steps))


def _last_moved(last: Span, steps: int, unit: str, *, of_price: bool) -> str:
    """A stretch as long as the last months, quarters or years, further back: `last 3 months` a year before."""
    kind, count, months = last.end.kind, last.count, _IN_MONTHS.get(unit, 0) * steps
    if kind == "trading day":
        kind, count = "day", count * 7 // 5
    if kind == "day":
        days = _IN_DAYS[unit] * steps
        return f"{count - days} days ago:{-days} days ago"
    if kind == "month" or of_price:
        count *= 12 if kind == "latest" else 3 if kind == "latest quarter" else 1
        return f"{count - months} months ago:{-months} months ago"
    steps = months // 3 if kind == "latest quarter" else months // 12
    return f"{last.end.moved(steps - count + 1)}:{last.end.moved(steps)}"
