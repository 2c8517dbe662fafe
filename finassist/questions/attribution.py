"""What the numbers of a sentence are said of: metric, company, period and the way things went. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finassist.core.claims import Direction, Number
from finassist.core.metrics import catalogue, described
from finassist.core.periods import Period, Span
from finassist.core.query import Operation, Query
from finassist.questions.grammar import table_of
from finassist.questions.slots import Found, Named, Slots
from finassist.questions.tokenizer import Hit

_NEAR = 40


def patterns(section: str) -> Mapping[str, re.Pattern[str]]:
    """The patterns of a section of `claims.toml`."""
    return {name: re.compile(pattern) for name, pattern in table_of("claims")[section].items()}


SAYS = patterns("claim")


@dataclass(slots=True)
class Carried:
    """What the next sentence may leave out."""

    companies: list[str] = field(default_factory=list[str])
    metric: str = ""
    periods: list[str] = field(default_factory=list[str])


def blanked(text: str, places: Iterable[Hit[Any] | Found]) -> str:
    """The text with these places blanked out."""
    for place in places:
        text = text[: place.start] + " " * (place.end - place.start) + text[place.end :]
    return text


@dataclass(slots=True)
class Attribution:
    """What the numbers of one sentence are said of.

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

    def query(self, number: Number, metric: str, symbols: list[str]) -> tuple[Query, Direction]:
        """What a number would answer, and which way it says that things went."""
        operation, direction = self._operation(number, metric, symbols)
        if operation == "difference" and len(symbols) == 2:
            periods = self._periods(number, span=False)
        elif operation in ("growth", "difference", "cagr", "times"):
            periods = self._periods(number, span=True)
        else:
            periods = self._periods(number, span=operation in ("mean", "sum"))
        if operation == "times" and len(symbols) == 1:
            operation = "growth"
        if operation == "none":
            symbols = symbols[:1]
        return Query(metrics=[metric], companies=symbols, periods=periods, operation=operation), direction

    # -------------------------------------------------------------------------------------------- metric

    def metric(self, number: Number) -> str:
        """The metric a number is said of; empty where it counts something else."""
        hits = [hit for hit in self.slots.metrics if hit.end <= number.start or hit.start >= number.end]
        before = [hit for hit in hits if hit.end <= number.start]
        after = [hit for hit in hits if hit.start >= number.end]
        low = self.low
        if (
            before
            and number.unit == "percent"
            and after
            and SAYS["of_part"].fullmatch(low[number.end : after[0].start])
        ):
            whole = f"{before[-1].value} / {after[0].value}"
            return whole if _is_amount(before[-1].value) and _is_amount(after[0].value) else before[-1].value
        if before and (SAYS["before"].fullmatch(low[before[-1].end : number.start]) or not after):
            return before[-1].value
        if after and SAYS["after"].fullmatch(low[number.end : after[0].start]):
            return after[0].value
        if self._counts_things(number):
            return ""
        return (before[-1] if before else after[0]).value if before or after else self.carried.metric

    def _counts_things(self, number: Number) -> bool:
        """`57,274 iPhones`: a bare number before a noun."""
        return number.bare and bool(SAYS["noun"].match(self.low[number.end :]))

    # ----------------------------------------------------------------------------------------- companies

    def companies(self, number: Number) -> list[str]:
        """The company a number is said of; several for a sum or a difference."""
        hits = self.slots.companies
        if not hits or (self.pronoun < number.start and hits[0].start > number.start):
            return self.carried.companies[-1:]
        if len(self.slots.symbols) > 1 and self.slots.has("sum", "mean"):
            return self.slots.symbols
        before = [hit for hit in hits if hit.end <= number.start]
        after = [hit for hit in hits if hit.start >= number.end]
        if aligned := self._respectively(number, self.slots.symbols):
            return [aligned]
        if self._compares(number) and len(self.slots.symbols) == 2:
            return self.slots.symbols
        if after and self._owns(number, after[0]):
            return [after[0].value.symbol]
        if pair := self._pair(number):
            return [self.slots.symbols[pair.index(number)]]
        return [(before[-1] if before else after[0]).value.symbol]

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

    def _pair(self, number: Number) -> list[Number]:
        """The two figures of `A's was higher than B's: X against Y`, in the order of the companies."""
        if len(self.slots.symbols) != 2 or len(self.numbers) < 2:
            return []
        pair = self.numbers[-2:]
        between = self.low[pair[0].end : pair[1].start]
        named = any(hit.start >= pair[0].start for hit in self.slots.companies)
        return pair if number in pair and not named and SAYS["against"].fullmatch(between) else []

    def _owns(self, number: Number, hit: Hit[Named]) -> bool:
        """`211.9 billion for Microsoft`."""
        between = self.low[number.end : hit.start]
        apart = any(number.end <= other.start < hit.start for other in self.numbers)
        return len(between) < _NEAR and not apart and bool(SAYS["owner"].search(between)) and "," not in between

    def _respectively(self, number: Number, names: Sequence[str]) -> str:
        alike = [other for other in self.numbers if other.unit == number.unit]
        if "respectively" not in self.low or len(alike) != len(names):
            return ""
        return names[alike.index(number)]

    def _compares(self, number: Number) -> bool:
        """Whether a number is how much one company is ahead of another."""
        before, after = self.low[: number.start], self.low[number.end : number.end + _NEAR].lstrip()
        ahead = SAYS["more"].match(after) or SAYS["less"].match(after)
        if ahead and "than" in after and len(self.slots.companies) > 1 and self.slots.companies[-1].start >= number.end:
            return True
        named = [hit for hit in self.slots.companies if hit.end <= number.start]
        return (
            len(named) > 1
            and bool(SAYS["by"].search(before))
            and bool(SAYS["more"].search(before) or SAYS["less"].search(before))
        )

    # ------------------------------------------------------------------------------------------- periods

    def _periods(self, number: Number, *, span: bool) -> list[str]:
        found = [each for each in self.slots.periods if span or isinstance(each.value, Period)]
        if aligned := self._respectively(number, [str(each.value) for each in found]):
            return [aligned]
        own = self._own_period(number, found)
        if own is None and (end := self._end_of_span(number, span=span)):
            return [end]
        if own is None and span:
            own = max(found, key=last_year, default=None)
        if own is None:
            before = [each for each in found if each.end <= number.start]
            free = [each for each in before if not any(self._follows(other, each) for other in self.numbers)]
            own = (free or before or found or [None])[-1 if before else 0]
        if own is None:
            return [each for each in self.carried.periods if span or ":" not in each]
        return [str(own.value), *([] if not span else self._base(own, found))]

    def _base(self, own: Found, found: Sequence[Found]) -> list[str]:
        """The year that a change is counted from, where the sentence names it: `in FY2023 from FY2019`."""
        for each in found:
            if each is not own and isinstance(each.value, Period) and isinstance(own.value, Period):
                lead = self.low[max(0, each.start - _NEAR) : each.start]
                if SAYS["since"].search(lead) and str(each.value) != _year_before(own.value):
                    return [str(each.value)]
        return []

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

    def _next(self, number: Number) -> Number | None:
        later = self.numbers[self.numbers.index(number) + 1 :]
        return next((each for each in later if SAYS["to"].search(self.low[: each.start])), None)

    def _own_period(self, number: Number, found: Sequence[Found]) -> Found | None:
        return next((each for each in found if self._follows(number, each)), None)

    def _follows(self, number: Number, period: Found) -> bool:
        """Whether a period stands right behind a number: `365.8 billion in FY2021`."""
        between = self.low[number.end : period.start] if period.start >= number.end else ""
        apart = any(number.end <= other.start < period.start for other in self.numbers)
        return (
            bool(between)
            and not apart
            and len(between) < _NEAR
            and bool(SAYS["period"].search(between))
            and ";" not in between
        )

    # ----------------------------------------------------------------------------------------- operation

    def _operation(self, number: Number, metric: str, symbols: Sequence[str]) -> tuple[Operation, Direction]:
        low = self.low[: number.start]
        if (
            self.slots.has("cagr")
            and number.unit == "percent"
            and not (SAYS["from"].search(low) or SAYS["to"].search(low))
        ):
            return "cagr", self._direction(number)
        if len(symbols) == 2 and self._compares(number):
            ahead = SAYS["less"].search(self.low)
            return ("times" if number.unit == "times" else "difference"), -1 if ahead else 1
        if len(symbols) > 1 or (self.slots.has("mean") and any(isinstance(p.value, Span) for p in self.slots.periods)):
            return ("mean" if self.slots.has("mean") else "sum"), 0
        return self._change(number, metric)

    def _change(self, number: Number, metric: str) -> tuple[Operation, Direction]:
        """Whether a number says how much a figure changed, and which way."""
        if _is_change(metric):
            return "none", -1 if self._direction(number) < 0 else 0
        direction = self._direction(number)
        before = self.low[: number.start]
        unit = described(metric).unit
        level = SAYS["level"].search(before) and not SAYS["amount_of"].search(before)
        if number.unit == "times" and unit != "times":
            return "times", direction
        if number.unit == "points":
            return "difference", direction
        if number.unit == "percent" and unit != "percent":
            return "growth", direction or 1
        if not direction or level or not number.unit:
            return "none", 0
        return ("difference" if number.unit == "money" or unit == "percent" else "none"), direction

    def _direction(self, number: Number) -> Direction:
        """The way a change goes that is said close to a number."""
        start = max((other.end for other in self.numbers if other.end <= number.start), default=0)
        ends = [other.start for other in self.numbers if other.start >= number.end]
        around = self.low[start : number.start], self.low[number.end : min([number.end + 30, *ends])]
        for text in around:
            up, down = list(SAYS["up"].finditer(text)), list(SAYS["down"].finditer(text))
            if up or down:
                return 1 if not down or (up and up[-1].start() > down[-1].start()) else -1
        return 0


def _year_before(period: Period) -> str:
    steps = {"quarter": 4, "calendar quarter": 4, "half": 2}.get(period.kind, 1)
    return str(period.moved(-steps))


def last_year(found: Found) -> int:
    """The year in which a period or span ends."""
    end = found.value if isinstance(found.value, Period) else found.value.end
    return end.year


def _is_amount(metric: str) -> bool:
    return described(metric).unit == "USD"


def _is_change(metric: str) -> bool:
    found = catalogue().get(metric)
    return metric in ("price_change", "total_return") or (found is not None and found.formula.startswith("growth("))
