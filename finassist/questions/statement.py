"""A sentence that states figures: the companies it names, and the period that each of its numbers is of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from finassist.core.claims import Number
from finassist.core.periods import Period, Span
from finassist.questions.grammar import Patterns, table_of
from finassist.questions.slots import Found, Named, Slots
from finassist.questions.tokenizer import Hit
from finassist.symbols import directory

NEAR = 40
_STEPS = {"quarter": 4, "calendar quarter": 4, "half": 2}
"""How many of a period make a year."""


def patterns(section: str) -> Patterns:
    """The patterns of a section of `claims.toml`."""
    return Patterns(table_of("claims")[section])


SAYS = patterns("claim")
_TIMES = patterns("period")
_COUNTS: Mapping[str, str] = {**table_of("claims")["counts"], "a": "1"}


@dataclass(slots=True)
class Carried:
    """What the next sentence may leave out."""

    companies: list[str] = field(default_factory=list[str])
    metric: str = ""
    metrics: list[str] = field(default_factory=list[str])
    periods: list[str] = field(default_factory=list[str])
    columns: tuple[str, ...] = ()


def blanked(text: str, places: Iterable[Hit[Any] | Found]) -> str:
    """The text with these places blanked out."""
    for place in places:
        text = text[: place.start] + " " * (place.end - place.start) + text[place.end :]
    return text


def is_cut_short(hit: Hit[Named]) -> bool:
    """Whether a company's name begins with the words: `Southwest`; `SNAPSHOT` is no slip of Snap."""
    company = directory().lookup(hit.value.symbol)
    return company is not None and company.name.lower().startswith(hit.words.lower())


@dataclass(slots=True)
class Statement:
    """One sentence with its numbers.

    Attributes:
        slots: The slots of the sentence.
        numbers: Its numbers.
        carried: What it leaves out, from the sentences before.
        low: Its text in lower case without company names: `Advanced Micro Devices` advances nothing.
    """

    slots: Slots
    numbers: list[Number]
    carried: Carried
    low: str = ""

    def __post_init__(self) -> None:
        self.low = blanked(self.slots.low, self.slots.companies)

    def lead(self, number: Number) -> str:
        """The text between a number and the one before it."""
        return self.low[max((each.end for each in self.numbers if each.end <= number.start), default=0) : number.start]

    def parted(self, start: int, end: int) -> bool:
        """Whether a number stands between two places."""
        return any(start <= each.start < end for each in self.numbers)

    def respectively(self, number: Number, names: Sequence[str]) -> str:
        """The name in the place of a number: `X and Y at A and B, respectively`, or `X, Y and Z had A, B and C`."""
        alike = [other for other in self.numbers if other.unit == number.unit]
        if len(alike) != len(names) or not ("respectively" in self.low or self._is_list(alike, names)):
            return ""
        return names[alike.index(number)]

    def _is_list(self, numbers: Sequence[Number], names: Sequence[str]) -> bool:
        """Whether numbers follow each other, and companies before them, without other words between."""
        hits = [hit for hit in self.slots.companies if hit.value.symbol in names]
        if len(hits) != len(names) or len(names) < 2 or not numbers or hits[-1].end > numbers[0].start:
            return False
        rows: tuple[Sequence[Number | Hit[Named]], ...] = (numbers, hits)
        return all(
            SAYS["and"].fullmatch(self.low[one.end : other.start]) for row in rows for one, other in pairwise(row)
        )

    # ----------------------------------------------------------------------------------------- companies

    @property
    def pronoun(self) -> int:
        """Where the sentence points back to the company before; behind its end where it does not."""
        found = SAYS["pronoun"].search(self.low) if self.carried.companies else None
        return found.start() if found else len(self.low)

    @property
    def symbols(self) -> list[str]:
        """The companies of the sentence, with the one that it points back to."""
        own = self.slots.symbols
        first = min((hit.start for hit in self.slots.companies), default=len(self.low))
        return list(dict.fromkeys([*self.carried.companies[-1:], *own])) if self.pronoun < first else own

    def name_is_open(self, number: Number) -> bool:
        """Whether the name before a number fits several companies, or may be a part of one that is named too."""
        named = [hit for hit in self.slots.companies if hit.end <= number.start][-1:]
        start = named[0].start if named else 0
        several = any(start <= hit.start < number.start for hit in self.slots.choices)
        return several or any(self._is_a_part(hit) for hit in named)

    def _is_a_part(self, hit: Hit[Named]) -> bool:
        """`AWS` beside `Amazon`: another name that is neither its ticker nor a short form."""
        named = {each.words for each in self.slots.companies if each.value.symbol == hit.value.symbol}
        return len(named) > 1 and hit.words.upper() != hit.value.symbol and not is_cut_short(hit)

    def is_together(self) -> bool:
        """Whether the figures are of all its companies in sum or on average."""
        return len(self.slots.symbols) > 1 and (
            self.slots.has("sum", "mean") or bool(SAYS["together"].search(self.low))
        )

    def former_or_latter(self, number: Number) -> list[str]:
        """The company of `3.2 billion for the former`."""
        behind = self.low[number.end :]
        both = self.slots.symbols[:2] if len(self.slots.symbols) > 1 else self.carried.companies[-2:]
        if len(both) == 2 and (said := SAYS["former_or_latter"].match(behind)):
            return [both[0] if said["which"] == "former" else both[1]]
        return []

    def pair(self, number: Number) -> list[Number]:
        """The two figures of `A's was higher than B's: X against Y`, in the order of the companies."""
        if len(self.slots.symbols) != 2 or len(self.numbers) < 2:
            return []
        pair = self.numbers[-2:]
        between = self.low[pair[0].end : pair[1].start]
        named = any(hit.start >= pair[0].start for hit in self.slots.companies)
        alike = pair[0].unit == pair[1].unit
        return pair if number in pair and alike and not named and SAYS["against"].fullmatch(between) else []

    # ------------------------------------------------------------------------------------------- periods

    def periods(self, number: Number, *, span: bool) -> list[str]:
        """The period of a number; for a change also the one it is counted from, where that is named."""
        found = [each for each in self.slots.periods if span or isinstance(each.value, Period)]
        if aligned := self.respectively(number, [str(each.value) for each in found]):
            return [aligned]
        if not span and (shifted := self.shifted(number)):
            return [shifted]
        own = self._own_period(number, found)
        if own is None and (end := self._end_of_span(number, span=span)):
            return [end]
        if own is None and span:
            own = self._own_period(led, found) if (led := self._led_to(number)) else None
            own = own or max(found, key=last_year, default=None)
        own = own or self._nearest(number, found)
        if own is None:
            return [each for each in self.carried.periods if span or ":" not in each] or self._after_base(found)
        return [str(own.value), *([] if not span else self._base(own, found))]

    def year_before(self, number: Number) -> list[str]:
        """`$384 million in Q2 ($772 million)`: a figure in brackets behind another may be of the year before."""
        opened = self.slots.low[: number.start].rstrip().endswith("(")
        at = self.numbers.index(number)
        own = self._own_period(self.numbers[at - 1], self.slots.periods) if opened and at else None
        return [_year_before(own.value)] if own and own.end <= number.start and isinstance(own.value, Period) else []

    def base(self, number: Number) -> list[str]:
        """`416.2 billion in FY2025, up from 391.0 billion`: without a period of its own, it is of the year before."""
        at, found = self.numbers.index(number), self.slots.periods
        first = self.numbers[at - 1]
        dated = (own := self._own_period(number, found)) is not None and own.start >= number.end
        if not at or dated or first.unit != number.unit or len(self.slots.symbols) > 1:
            return []
        between = self.low[first.end : number.start]
        period = self._own_period(first, found) or self._nearest(number, found)
        if len(between) > 2 * NEAR or not SAYS["base"].search(between) or not period:
            return []
        return [_year_before(period.value)] if isinstance(period.value, Period) else []

    def _nearest(self, number: Number, found: Sequence[Found]) -> Found | None:
        usable = [each for each in found if not self._is_base(each)]
        inside = _bracketed(self.low, number)
        usable = [each for each in usable if inside or not _bracketed(self.low, each)] or usable
        before = [each for each in usable if each.end <= number.start]
        free = [each for each in before if not any(self._follows(other, each) for other in self.numbers)]
        return (free or before or usable or [None])[-1 if before else 0]

    def _is_base(self, period: Found) -> bool:
        """`up 3.5% from 2024`: a change is counted from it, and no other figure is of it."""
        if self.low[period.end : period.end + 2] == "'s":
            return False
        changes = [each for each in self.numbers if each.unit in ("percent", "points") and each.end <= period.start]
        return bool(changes and _TIMES["base"].fullmatch(self.low[changes[-1].end : period.start]))

    def _after_base(self, found: Sequence[Found]) -> list[str]:
        """`Up 5% from 2023, to 20 billion`: where only the base is named, the figure is of the year after."""
        return [_in_years(each.value, 1) for each in found[-1:] if isinstance(each.value, Period)]

    def _base(self, own: Found, found: Sequence[Found]) -> list[str]:
        """The year that a change is counted from, where the sentence names it: `in FY2023 from FY2019`."""
        for each in found:
            if each is not own and isinstance(each.value, Period) and isinstance(own.value, Period):
                since = _TIMES["since"].search(self.low[max(0, each.start - NEAR) : each.start])
                if (since or self._starts(each, own)) and str(each.value) != _year_before(own.value):
                    return [str(each.value)]
        return []

    def _starts(self, period: Found, end: Found) -> bool:
        """`from 3.5 billion in 2022 to 6.3 billion in 2024`: whether a figure at the start is of the period."""
        firsts = [each for each in self.numbers if SAYS["from"].search(self.low[: each.start])]
        return last_year(period) < last_year(end) and any(self._follows(each, period) for each in firsts)

    def _end_of_span(self, number: Number, *, span: bool) -> str:
        """`from X to Y in FY2022`, `from FY2019 to FY2022: from X to Y`: the period of X, and of Y."""
        before = self.low[: number.start]
        first = bool(SAYS["from"].search(before))
        if span or not (first or SAYS["to"].search(before)):
            return ""
        spans = [each.value for each in self.slots.periods if isinstance(each.value, Span) and each.value.start]
        if spans:
            return str(spans[-1].start if first else spans[-1].end)
        later = self._own_period(to, self.slots.periods) if first and (to := self._next(number)) else None
        return _year_before(later.value) if later and isinstance(later.value, Period) else ""

    def _led_to(self, number: Number) -> Number | None:
        """`fell 60% to 2.8 billion`: the figure right behind a change."""
        after = next((each for each in self.numbers if each.start >= number.end), None)
        return after if after and SAYS["led_to"].fullmatch(self.low[number.end : after.start]) else None

    def _next(self, number: Number) -> Number | None:
        later = self.numbers[self.numbers.index(number) + 1 :]
        return next((each for each in later if SAYS["to"].search(self.low[: each.start])), None)

    def _own_period(self, number: Number, found: Sequence[Found]) -> Found | None:
        return next((each for each in found if self._follows(number, each)), None)

    def _follows(self, number: Number, period: Found) -> bool:
        """Whether a period stands right behind a number: `365.8 billion in FY2021`."""
        between = self.low[number.end : period.start] if period.start >= number.end else ""
        close = bool(between) and len(between) < NEAR and not self.parted(number.end, period.start)
        heads = SAYS["heads"].match(self.low, period.end)
        return close and not heads and bool(_TIMES["of"].search(between)) and ";" not in between

    # ----------------------------------------------------------------------------------- a year later, earlier

    def shifted(self, number: Number) -> str:
        """`a year later it was 47.7 billion`, `15.8% a year earlier`: the period, counted from the one named before."""
        for match in _TIMES["relative"].finditer(self.low):
            if self._told_by(match) is number:
                anchors = [each.value for each in self.slots.periods if each.end <= match.start()]
                anchor = next((each for each in reversed(anchors) if isinstance(each, Period)), None)
                anchor = anchor or next((Period.parse(each) for each in self.carried.periods if ":" not in each), None)
                return _moved(anchor, match) if anchor else ""
        return ""

    def _told_by(self, match: re.Match[str]) -> Number | None:
        """The number that a relative time belongs to: the one right before it, or the next one."""
        before = [each for each in self.numbers if each.end <= match.start()]
        if before and _TIMES["behind"].fullmatch(self.low[before[-1].end : match.start()]):
            return before[-1]
        after = next((each for each in self.numbers if each.start >= match.end()), None)
        close = after and after.start - match.end() < NEAR and ";" not in self.low[match.end() : after.start]
        dated = after and any(match.end() <= each.start < after.start for each in self.slots.periods)
        return after if close and not dated else None


def _moved(anchor: Period, match: re.Match[str]) -> str:
    parts = {name.rstrip("23"): value for name, value in match.groupdict().items() if value}
    written = parts.get("n", "a")
    count = int(_COUNTS.get(written, written)) * (1 if parts["way"] in ("later", "after", "following") else -1)
    quarterly = parts["unit"] == "quarter" and anchor.kind in _STEPS
    return str(anchor.moved(count)) if quarterly else _in_years(anchor, count)


def implied(slots: Slots, carried: Carried) -> Iterator[Found]:
    """`in Q2`, `in the second`, `the full year`: periods that take their year from the one named before them."""
    for match in _TIMES["bare"].finditer(blanked(slots.low, slots.periods)):
        dated = [each for each in slots.periods if each.end <= match.start() and not _bracketed(slots.low, each)]
        year = last_year((dated or slots.periods)[-1 if dated else 0]) if slots.periods else _carried_year(carried)
        quarterly = match["q"] or "quarter" in match.group() or any("Q" in str(each.value) for each in slots.periods)
        if year and (match["all"] or quarterly):
            number = 0 if match["all"] else _QUARTERS[match["q"] or match["nth"]]
            yield Found(Period("quarter" if number else "year", year, number), *match.span(), match.group())


_QUARTERS = {"1": 1, "2": 2, "3": 3, "4": 4, "first": 1, "second": 2, "third": 3, "fourth": 4}


def _bracketed(text: str, place: Found | Number) -> bool:
    return text[: place.start].count("(") > text[: place.start].count(")")


def _carried_year(carried: Carried) -> int:
    found = re.search(r"\d{4}", carried.periods[-1]) if carried.periods else None
    return int(found.group()) if found else 0


def _in_years(period: Period, count: int) -> str:
    return str(period.moved(count * _STEPS.get(period.kind, 1)))


def _year_before(period: Period) -> str:
    return _in_years(period, -1)


def last_year(found: Found) -> int:
    """The year in which a period or span ends."""
    end = found.value if isinstance(found.value, Period) else found.value.end
    return end.year
