"""What a question does with its figures: growth, difference, sum, mean, share, extremes, trend; and how it compares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from finassist.core.metrics import described
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Intent, Operation
from finassist.questions.companies import begin_with_owner
from finassist.questions.grammar import ASCENDING, DESCENDING, SAID
from finassist.questions.quarters import of_months
from finassist.questions.slots import Slots
from finassist.questions.tokenizer import Hit

type _Step = Callable[[Slots, Sequence[str]], Operation | None]


def operation_of(slots: Slots, metrics: Sequence[str]) -> Operation:
    """The operation on the figures of named companies; the first rule that fits decides."""
    several = len(slots.about) > 2 and not many_periods(slots) and not slots.has("rank", "mean", "sum")
    if several and len(metrics) == 1 and metrics[0] not in OF_MARKET and slots.says(SAID["apart_of_all"]):
        return "range"
    if slots.says(SAID["best_to_worst"]) and not slots.several and metrics[0] not in ("price_change", "total_return"):
        return "range"
    steps = _PRICE_STEPS if metrics[0] in OF_MARKET else ()
    for step in (*steps, *_STEPS):
        if (found := step(slots, metrics)) is not None:
            return found
    return "none"


BY_QUARTERS = re.compile(r"\b(?<!this )(?<!last )quarters?\b")
OF_MARKET = frozenset({"price", "price_change", "total_return"})


def spans(slots: Slots) -> bool:
    """Whether a stretch of time is asked for."""
    return any(isinstance(each.value, Span) for each in slots.points)


def many_periods(slots: Slots) -> bool:
    """Whether more than one period is asked for."""
    return spans(slots) or len(slots.points) > 1


_YEARS = re.compile(r"\b(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten)[- ]years?\b")
COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}


def periods_of(slots: Slots) -> list[str]:
    """The periods as asked; a "five-year CAGR" gives a span."""
    specific = [str(each.value) for each in slots.periods if not each.vague]
    if any(":" in text for text in specific):
        specific = [text for text in specific if not text.startswith("last ")]
    chosen = list(dict.fromkeys(specific or [str(each.value) for each in slots.periods]))
    chosen = [of_months(text, slots.metrics) for text in chosen if f"FY{text}" not in chosen]
    if len(chosen) == 2 and chosen[0].endswith(":latest") and chosen[1].isdigit() and len(slots.metrics) == 1:
        chosen = [f"{chosen[0].removesuffix('latest')}{chosen[1]}"]  # `since 2021? Compare with 2024`
    years = _YEARS.search(slots.low)
    spans = any(":" in text or text.startswith("last") for text in chosen)
    if not years or spans or len(chosen) > 1 or not slots.has("cagr"):
        return chosen
    count = int(years[1]) if years[1].isdigit() else COUNTS[years[1]]
    end = parse_periods(chosen[0]) if chosen else Period("latest")
    return [f"{end.moved(-count)}:{end}"] if isinstance(end, Period) and end.year else [f"last {count + 1} years"]


def of_a_high(slots: Slots, periods: list[str], operation: Operation) -> list[str]:
    """`how far below its 2021 high`: the year of the high, then the day of the close, which is the latest."""
    if not periods and slots.says(SAID["all_time"]) and operation.startswith(("none", "high", "low", "best", "worst")):
        return ["2015:latest"]  # the embedded data have closes of these years
    said = next((hit for hit in slots.metrics if hit.value in ("from_high", "from_low")), None)
    own = [str(each.value) for each in slots.points if said and said.start < each.start < said.end]
    rest = [f"end {text}" if text.isdigit() else text for text in periods if text not in own]
    return [*own, *(rest or ["latest"])] if len(own) == 1 else periods


# ------------------------------------------------------------------------------------------ share prices


def _move(slots: Slots, _: Sequence[str]) -> Operation | None:
    """`the worst trading day`, `which month rose most`, `the best of these years`."""
    found = SAID["move_extreme"].search(slots.low)
    if found is None:
        return None
    word = found["step"] or found["step2"]
    step = {"y": "year", "a": "year", "m": "month", "w": "week"}.get(word[0], "day")
    if step == "year" and not spans(slots):
        return None
    falls = SAID["move_down"].search(slots.low, found.start(), found.end() + 20)
    return _BEST_OR_WORST[step][bool(falls)]


_BEST_OR_WORST: Mapping[str, tuple[Operation, Operation]] = {
    "day": ("best day", "worst day"), "week": ("best week", "worst week"), "month": ("best month", "worst month"),
    "year": ("best year", "worst year"),
}  # fmt: skip


def _high_or_low(slots: Slots, metrics: Sequence[str]) -> Operation | None:
    dated = any(isinstance(each.value, Period) and each.value.kind in ("day", "end") for each in slots.points)
    several = slots.several and bool(slots.points) and not dated and slots.says(SAID["extreme_price"])
    one = len(slots.about) == 1 and not slots.has("rank")
    if metrics[0] != "price" or not (one or several) or not slots.says(SAID["price_extreme"]):
        return None
    return "low" if slots.says(SAID["price_low"]) else "high"


def of_closes(slots: Slots, operation: Operation) -> str:
    """The unit of a high, low or range of closes: month ends only, or the range in percent of one of its ends."""
    if operation in ("high", "low") and slots.says(SAID["month_end"]):
        return "month-end"
    if operation != "range" or not (slots.unit == "percent" or slots.says(SAID["percent_of"])):
        return ""
    return "percent of the low" if slots.says(SAID["from_the_low"]) else "percent of the high"


def _mean_or_points(slots: Slots, metrics: Sequence[str]) -> Operation | None:
    if metrics[0] != "price":
        return None
    if slots.has("mean", "median"):
        return "mean" if slots.has("mean") else "median"
    points, falls = slots.points, slots.says(SAID["falls"])
    moves = falls or slots.has("growth", "yoy", "difference", "trend", "cagr", "times")
    return "none" if len(points) > 1 and not moves else None


def _price_move(slots: Slots, _: Sequence[str]) -> Operation | None:
    if slots.has("cagr"):
        return "cagr"
    if many_periods(slots) and slots.says(SAID["falls"]) and not slots.has("difference"):
        return "growth"
    dollars = slots.says(SAID["dollars"]) and slots.has("growth", "yoy")
    return "difference" if slots.has("difference") or dollars else None


# ----------------------------------------------------------------------------------------- any figures


def _cagr(slots: Slots, metrics: Sequence[str]) -> Operation | None:
    if metrics[0].startswith("cagr("):
        return "none"
    stretch = spans(slots) or slots.has("mean")
    yearly = slots.says(SAID["per_year"]) and stretch and (slots.has("mean") or not slots.says(SAID["each_year"]))
    return "cagr" if slots.has("cagr") or (yearly and slots.has("growth")) else None


def _times(slots: Slots, metrics: Sequence[str]) -> Operation | None:
    points = len(slots.points)
    if slots.says(SAID["ratio_to"]) and len(metrics) == 1 and points == 2 and not slots.several:
        return "times"
    if not slots.has("times"):
        return None
    if len(metrics) == 1 and not many_periods(slots) and not slots.several and not slots.has("yoy", "growth"):
        return "none"  # `operating income over interest expense: how many times?`
    as_large = SAID["as_large"].search(slots.low) if slots.several else None
    of_first = as_large and slots.companies and 0 <= slots.companies[0].start - as_large.end() < 5
    if of_first or _turned(slots):
        slots.about = [slots.about[1], slots.about[0], *slots.about[2:]]
    return "times"


_MULTIPLE_OF = re.compile(r"\b(?:how many times|(?:what|which) multiple of)\b")
_VERB = re.compile(r"\b(?:is|was|were|are|did|does|do|has|have|had)\b")


def _turned(slots: Slots) -> bool:
    """`how many times A's revenue was B's`: the second over the first, whose verb stands between the two."""
    asked = _MULTIPLE_OF.search(slots.low)
    if asked is None or not slots.several or len(slots.companies) < 2:
        return False
    first, second = slots.companies[:2]
    if first.start < asked.end():  # `A's revenue was how many times B's`
        return False
    before = _VERB.search(slots.low, asked.end(), first.start)
    return before is None and _VERB.search(slots.low, first.end, second.start) is not None


def _difference(slots: Slots, metrics: Sequence[str]) -> Operation | None:
    mark = slots.at("difference")
    pair = len(slots.about) == 2 or (len(metrics) == 2 and not slots.several and slots.says(SAID["one_or_other"]))
    if mark is None and pair and slots.directions and not slots.has("growth", "yoy"):
        return "difference" if slots.says(SAID["how_much_apart"]) else None
    alone = not slots.several and not (len(slots.points) == 2 and len(metrics) == 1)  # `2023 revenue minus 2022 …`
    if mark is None or slots.has("yoy") or (mark.words == "minus" and alone):
        return None
    if slots.several and slots.says(SAID["from_it"]):
        slots.about = [slots.about[1], slots.about[0], *slots.about[2:]]
    return "growth" if not slots.several and slots.says(SAID["in_percent"]) else "difference"


def _extreme(slots: Slots, _: Sequence[str]) -> Operation | None:
    """`in which year was … highest`, `the highest … between 2020 and 2024`."""
    if not slots.directions or slots.several or slots.says(SAID["by_how_much"]):
        return None
    if slots.has("trend") and any(hit.words in ("more and more", "less and less") for hit in slots.operations):
        return None
    by_quarter = slots.has("trend") and slots.says(SAID["by_quarter"])
    several_points = (many_periods(slots) or by_quarter) and not _graded(slots) and not slots.has("growth", "yoy")
    if not any(map(slots.says, (SAID["which_year"], SAID["which_quarter"], SAID["all_time"]))) and not several_points:
        return None
    moves = slots.has("growth") or slots.says(SAID["moves_most"])
    falls = (moves and slots.says(SAID["shrank"])) or slots.says(SAID["largest_loss"])
    return "max" if slots.directions[0].value > 0 and not falls else "min"


def _folded(slots: Slots, metrics: Sequence[str]) -> Operation | None:
    """Mean, median and sum, over periods or over companies."""
    by_quarter = slots.has("mean") and slots.has("trend") and slots.says(SAID["by_quarter"])
    if not slots.several and not many_periods(slots) and not by_quarter:
        return None
    part = slots.has("share") or slots.says(SAID["part_from"]) or slots.says(SAID["how_much_of"])
    if slots.several and len(metrics) == 1 and (slots.says(SAID["part_of_all"]) or (slots.has("sum") and part)):
        begin_with_owner(slots)
        return "share"
    if slots.has("mean"):
        return "mean"
    if slots.has("median"):
        return "median"
    if slots.has("growth", "yoy"):  # `total growth from 2019 to 2022`
        return None
    if slots.has("sum"):
        return "sum"
    apart = any(slots.says(SAID[each]) for each in ("set_apart", "one_or_other", "compare"))
    apart = apart or slots.has("trend", "share")
    listed = many_periods(slots) and not slots.several and not apart and slots.says(SAID["total"])
    total = slots.says(SAID["total_of"]) and (spans(slots) or slots.several)
    return "sum" if (total or listed) and described(metrics[0]).summable() else None


def _trend(slots: Slots, _: Sequence[str]) -> Operation | None:
    if slots.says(SAID["by_how_much"]):
        return None
    points = bool(slots.points)
    over_time = not slots.says(SAID["quarterly"]) or slots.says(SAID["over_time"])
    if (
        slots.has("trend")
        and slots.several
        and slots.directions
        and many_periods(slots)
        and slots.says(SAID["improved"])
    ):
        slots.operations.append(Hit("growth", 0, 0, "improved"))
        return "growth"  # `whose margin improved more from 2020 to 2023?`
    if slots.has("trend") and over_time and (spans(slots) or not points):
        return "trend"
    if any(hit.words in ("more and more", "less and less", "fewer and fewer") for hit in slots.operations):
        return "growth"
    if (slots.has("trend") or _graded(slots)) and slots.says(SAID["better_or_worse"]) and not slots.several:
        return "trend" if spans(slots) else "growth"
    return None


def _growth(slots: Slots, _: Sequence[str]) -> Operation | None:
    if not slots.has("growth", "yoy", "qoq") and not slots.says(SAID["by_how_much"]):
        return None
    if slots.has("qoq"):
        return "sequential"
    in_dollars = slots.says(SAID["in_dollars"]) or (slots.unit.startswith("USD") and slots.says(SAID["change_in"]))
    return "difference" if in_dollars else "growth"


def _set_apart(slots: Slots, metrics: Sequence[str]) -> Operation | None:
    """`revenue 2019 vs 2023`, `gross margin FY25 vs FY22 in pp`: the change between the two."""
    others = slots.directions or slots.has("share", "mean", "sum", "times", "cagr", "trend", "difference")
    if len(slots.points) == 2 and not slots.several and not others and _against_each_other(slots):
        return "growth"
    ends = len(slots.points) == 2 or (spans(slots) and len(slots.points) == 1)
    if slots.several or not ends or slots.has("share", "mean", "sum", "times", "cagr") or len(metrics) > 1:
        return None
    ratio = described(metrics[0]).unit == "percent"
    asked = slots.says(SAID["in_points" if ratio else "as_percent"]) or (slots.unit == "percent" and not ratio)
    return "growth" if asked else None


def _against_each_other(slots: Slots) -> bool:
    """Whether two periods are set against each other, or compared."""
    first, second = slots.points[:2]
    kinds = {each.value.kind if isinstance(each.value, Period) else "" for each in (first, second)}
    alike = len(kinds) == 1 and "" not in kinds
    between = SAID["set_apart"].search(slots.low, first.end, second.start)
    return alike and (between is not None or slots.says(SAID["compare"]))


def _grown_already(_: Slots, metrics: Sequence[str]) -> Operation | None:
    return "none" if metrics[0].startswith("growth(") else None


def _graded(slots: Slots) -> bool:
    return all(hit.words in ("better", "worse") for hit in slots.directions)


_PRICE_STEPS: tuple[_Step, ...] = (_move, _high_or_low, _mean_or_points, _price_move)
_STEPS: tuple[_Step, ...] = (
    _cagr,
    _times,
    _difference,
    _extreme,
    _folded,
    _grown_already,
    _set_apart,
    _trend,
    _growth,
)


# ---------------------------------------------------------------------------------------------- intent

_AS_GOOD = frozenset(
    {"best", "better", "worst", "worse", "strongest", "weakest", "mejor", "peor", "besser", "meilleure", "meilleur",
     "pire", "melhor", "pior", "migliore", "peggiore"}
)  # fmt: skip
_SIGNED = frozenset({"net_income", "price_change", "total_return"})
_LEAST = frozenset({"less", "least"})
_ALWAYS_LEAST = frozenset({"cheapest", "cheaper", "slower", "slowest"})


def direction_of(slots: Slots, metric: str) -> tuple[int, bool]:
    """1 for the largest first, -1 for the smallest; and whether the question says so."""
    if slots.says(ASCENDING):
        return -1, True
    if slots.says(DESCENDING):
        return 1, True
    others = [hit for hit in slots.directions if hit.words not in ("top", "leading")]  # `top 5 with the lowest P/E`
    for hit in (others or slots.directions)[:1]:
        if hit.words in _ALWAYS_LEAST:
            return -1, True
        graded = hit.words in _AS_GOOD or (slots.has("growth") and slots.says(SAID["improved"]))
        good = (described(metric).better or 1) if graded else 1
        good = -1 if metric == "from_high" else good  # which is below nothing: the furthest is the lowest
        falls = metric in _SIGNED or metric.startswith("growth(") or slots.has("growth")
        loss = any(re.search(r"\b(?:loss|lost|los[ei]ng?)", each.words) for each in slots.metrics)
        if loss:
            return -hit.value, True
        least = hit.words in _LEAST or slots.says(SAID["smaller_fall"])
        fell = hit.value > 0 or least  # who `fell less` has the larger change
        shrank = -1 if falls and fell and slots.says(SAID["shrank"]) else 1
        return hit.value * good * shrank, True
    below = bool(slots.amounts) and slots.amounts[0].value.comparator in ("<", "<=")
    return (-1 if below else 1), False


def of_each_other(slots: Slots, metrics: Sequence[str]) -> bool:
    """`Which is higher, capex or operating cash flow?`: two figures of one company are compared."""
    alike = len(metrics) == 2 and len({described(each).unit for each in metrics}) == 1
    asked = slots.directions and not slots.has("growth", "yoy", "trend") and SAID["than_or"].search(slots.low)
    return bool(alike and asked and not slots.several)


_ORDERED = frozenset({"none", "growth", "cagr"})


def intent_of(slots: Slots, metrics: Sequence[str], operation: Operation) -> tuple[Intent, int]:
    """Whether companies are compared or ranked, and which end comes first."""
    if not slots.several:
        return "value", 0
    direction, said = direction_of(slots, metrics[0])
    if slots.has("rank") or slots.says(ASCENDING) or slots.says(DESCENDING):
        return "rank", direction
    if said and operation in _ORDERED and (slots.limit or len(slots.about) > 2):
        return "rank", direction
    asks_which = bool(slots.sets) or slots.says(SAID["one_or_other"])
    if said and (
        (operation in _ORDERED and len(metrics) == 1)
        or (asks_which and operation in (*_ORDERED, "mean", "max", "min", "high", "low"))
    ):
        return "compare", direction
    series = spans(slots) and metrics[0] not in OF_MARKET
    if slots.says(SAID["compare"]) and operation == "none" and len(metrics) == 1 and not series:
        return "compare", 1
    return "value", 0
