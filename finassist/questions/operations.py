"""What a question does with its figures: growth, difference, sum, mean, share, extremes, trend; and how it compares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from finassist.core.metrics import described
from finassist.core.periods import Span
from finassist.core.query import Intent, Operation
from finassist.questions.grammar import ASCENDING, DESCENDING, SAID
from finassist.questions.reading import Reading, direction_of

type _Step = Callable[[Reading, Sequence[str]], Operation | None]


def operation_of(reading: Reading, metrics: Sequence[str]) -> Operation:
    """The operation on the figures of named companies; the first rule that fits decides."""
    steps = _PRICE_STEPS if metrics[0] in OF_MARKET else ()
    for step in (*steps, *_STEPS):
        if (found := step(reading, metrics)) is not None:
            return found
    return "none"


OF_MARKET = frozenset({"price", "price_change", "total_return"})


def spans(reading: Reading) -> bool:
    """Whether a stretch of time is asked for."""
    return any(isinstance(each.value, Span) for each in reading.slots.periods if not each.vague)


def many_periods(reading: Reading) -> bool:
    """Whether more than one period is asked for."""
    return spans(reading) or sum(not each.vague for each in reading.slots.periods) > 1


# ------------------------------------------------------------------------------------------ share prices


def _month(reading: Reading, _: Sequence[str]) -> Operation | None:
    month = SAID["month_extreme"].search(reading.low)
    if month is None:
        return None
    return "worst month" if SAID["bad_month"].search(month.group()) else "best month"


def _high_or_low(reading: Reading, metrics: Sequence[str]) -> Operation | None:
    one = len(reading.symbols) == 1 and not reading.slots.has("rank")
    if metrics[0] != "price" or not one or not reading.says(SAID["price_extreme"]):
        return None
    return "low" if reading.says(SAID["price_low"]) else "high"


def _mean_or_points(reading: Reading, metrics: Sequence[str]) -> Operation | None:
    if metrics[0] != "price":
        return None
    if reading.slots.has("mean"):
        return "mean"
    points = [each for each in reading.slots.periods if not each.vague]
    moves = reading.slots.has("growth", "yoy", "difference", "trend", "cagr")
    return "none" if len(points) > 1 and not moves else None


def _price_move(reading: Reading, _: Sequence[str]) -> Operation | None:
    if reading.slots.has("cagr"):
        return "cagr"
    dollars = reading.says(SAID["dollars"]) and reading.slots.has("growth", "yoy")
    return "difference" if reading.slots.has("difference") or dollars else None


# ----------------------------------------------------------------------------------------- any figures


def _cagr(reading: Reading, _: Sequence[str]) -> Operation | None:
    yearly = reading.says(SAID["per_year"]) and spans(reading) and not reading.says(SAID["each_year"])
    return "cagr" if reading.slots.has("cagr") or (yearly and reading.slots.has("growth")) else None


def _times(reading: Reading, metrics: Sequence[str]) -> Operation | None:
    points = sum(not each.vague for each in reading.slots.periods)
    if reading.says(SAID["ratio_to"]) and len(metrics) == 1 and points == 2 and not reading.several:
        return "times"
    if not reading.slots.has("times"):
        return None
    as_large = SAID["as_large"].search(reading.low) if reading.several else None
    if as_large and reading.slots.companies and 0 <= reading.slots.companies[0].start - as_large.end() < 5:
        reading.symbols = [reading.symbols[1], reading.symbols[0], *reading.symbols[2:]]
    return "times"


def _difference(reading: Reading, _: Sequence[str]) -> Operation | None:
    mark = reading.slots.at("difference")
    if mark is None or reading.slots.has("yoy") or (mark.words == "minus" and not reading.several):
        return None
    if reading.several and reading.says(SAID["from_it"]):
        reading.symbols = [reading.symbols[1], reading.symbols[0], *reading.symbols[2:]]
    return "growth" if not reading.several and reading.says(SAID["in_percent"]) else "difference"


def _extreme(reading: Reading, _: Sequence[str]) -> Operation | None:
    """`in which year was … highest`, `the highest … between 2020 and 2024`."""
    slots = reading.slots
    if not slots.directions or reading.several or reading.says(SAID["by_how_much"]):
        return None
    if slots.has("trend") and any(hit.words in ("more and more", "less and less") for hit in slots.operations):
        return None
    several_points = many_periods(reading) and not _graded(reading) and not slots.has("growth", "yoy")
    if not reading.says(SAID["which_year"]) and not reading.says(SAID["which_quarter"]) and not several_points:
        return None
    return "max" if slots.directions[0].value > 0 else "min"


def _folded(reading: Reading, metrics: Sequence[str]) -> Operation | None:
    """Mean, median and sum, over periods or over companies."""
    slots = reading.slots
    by_quarter = slots.has("mean") and slots.has("trend") and reading.says(SAID["by_quarter"])
    if not reading.several and not many_periods(reading) and not by_quarter:
        return None
    if reading.several and slots.has("share") and len(metrics) == 1 and slots.has("sum"):
        _begin_with_its_owner(reading)
        return "share"
    if slots.has("mean"):
        return "mean"
    if slots.has("median"):
        return "median"
    if slots.has("sum") and not (reading.several and slots.has("growth")):
        return "sum"
    total = reading.says(SAID["total_of"]) and (spans(reading) or reading.several)
    return "sum" if total and described(metrics[0]).summable() else None


def _begin_with_its_owner(reading: Reading) -> None:
    """The company whose share is asked comes first: the one that is named twice."""
    named = Counter(hit.value.symbol for hit in reading.slots.companies)
    owner = next((symbol for symbol, times in named.items() if times > 1), reading.symbols[0])
    reading.symbols = [owner, *(symbol for symbol in reading.symbols if symbol != owner)]


def _trend(reading: Reading, _: Sequence[str]) -> Operation | None:
    slots = reading.slots
    if reading.says(SAID["by_how_much"]):
        return None
    points = any(not each.vague for each in slots.periods)
    over_time = not reading.says(SAID["quarterly"]) or reading.says(SAID["over_time"])
    if slots.has("trend") and over_time and (spans(reading) or not points):
        return "trend"
    if any(hit.words in ("more and more", "less and less", "fewer and fewer") for hit in slots.operations):
        return "growth"
    if (slots.has("trend") or _graded(reading)) and reading.says(SAID["better_or_worse"]) and not reading.several:
        return "trend" if spans(reading) else "growth"
    return None


def _growth(reading: Reading, _: Sequence[str]) -> Operation | None:
    if not reading.slots.has("growth", "yoy", "qoq") and not reading.says(SAID["by_how_much"]):
        return None
    if reading.slots.has("qoq"):
        return "sequential"
    in_dollars = reading.says(SAID["in_dollars"]) or (
        reading.unit.startswith("USD") and reading.says(SAID["change_in"])
    )
    return "difference" if in_dollars else "growth"


def _grown_already(_: Reading, metrics: Sequence[str]) -> Operation | None:
    return "none" if metrics[0].startswith("growth(") else None


def _graded(reading: Reading) -> bool:
    return all(hit.words in ("better", "worse") for hit in reading.slots.directions)


_PRICE_STEPS: tuple[_Step, ...] = (_month, _high_or_low, _mean_or_points, _price_move)
_STEPS: tuple[_Step, ...] = (_cagr, _times, _difference, _extreme, _folded, _grown_already, _trend, _growth)


# ---------------------------------------------------------------------------------------------- intent

_ORDERED = frozenset({"none", "growth", "cagr"})


def intent_of(reading: Reading, metrics: Sequence[str], operation: Operation) -> tuple[Intent, int]:
    """Whether companies are compared or ranked, and which end comes first."""
    slots = reading.slots
    if not reading.several:
        return "value", 0
    direction, said = direction_of(reading, metrics[0])
    if slots.has("rank") or reading.says(ASCENDING) or reading.says(DESCENDING):
        return "rank", direction
    if said and operation in _ORDERED and (slots.limit or len(reading.symbols) > 2):
        return "rank", direction
    asks_which = bool(slots.sets) or reading.says(SAID["one_or_other"])
    if said and (
        (operation in _ORDERED and len(metrics) == 1) or (asks_which and operation in (*_ORDERED, "mean", "max", "min"))
    ):
        return "compare", direction
    if reading.says(SAID["compare"]) and operation == "none" and len(metrics) == 1:
        return "compare", 1
    return "value", 0
