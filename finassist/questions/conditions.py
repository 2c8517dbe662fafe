"""Conditions of a question: an amount with a comparator, a change that fell or rose, one figure above another. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from finassist.core.filters import Comparator, Filter
from finassist.core.metrics import described
from finassist.core.query import Operation
from finassist.questions.expressions import expression_hits
from finassist.questions.grammar import NEGATIVE, POSITIVE, SAID
from finassist.questions.numbers import turned
from finassist.questions.operations import spans
from finassist.questions.slots import Amount, Slots
from finassist.questions.tokenizer import Hit, Word

_OF_BASE = re.compile(
    r"\s*of (?:[\w&. -]{2,40}?'s? )?(?:its |their |total |net )?(?:(?:fy ?|fiscal |calendar )?\d{4} )?(?:net )?"
)


_NONE_OF = re.compile(r"\b(?:no|zero|without(?: any)?)\s+$")
_STATED_AFTER = re.compile(r"\s*(?:usd |dollars? |us dollars )?(?:of|in|for) ")


def filters(slots: Slots, metrics: list[str]) -> tuple[list[str], list[Filter]]:
    """The conditions of a screen, and the metrics it shows.

    `over 30% of revenue on R&D` is a condition on a share, which is then the one metric shown.
    """
    found = list(_of_two_metrics(slots))
    metrics = [*(each.metric for each in found), *metrics]
    own = _own_periods(slots)
    for hit in slots.amounts:
        if (share := _share_of_amount(slots, hit)) is not None:
            found.append(share)
            continue
        near = _metric_of_amount(slots, hit)
        if near is None and len(slots.amounts) > 1:
            slots.loose.append(Word(hit.words.strip(), hit.words.strip(), hit.start, hit.end))
        metric = near and near.value
        if SAID["lost"].search(slots.low, 0, hit.end) or (near and re.search(r"\bloss", near.words)):
            found.append(_loss_of(hit.value, metric if near and "loss" in near.words and metric else "net_income"))
            continue
        if metric and metric.startswith("growth(") and hit.value.unit not in ("", "percent"):
            metrics = [metric[7:-1] if each == metric else each for each in metrics]
            metric = metric[7:-1]
        if metric:
            made = _denied(slots, hit, near).on(metric, percent=described(metric).unit == "percent")
            periods = own.get(hit.start, [])
            found += [made.model_copy(update={"period": each}) for each in periods or [None]]
    if any(" / " in each.metric for each in found):
        metrics = list(dict.fromkeys(each.metric for each in found))
    signs = _signs(slots, found, metrics)
    moved = {each.metric for each in signs}
    metrics = [f"growth({each})" if f"growth({each})" in moved else each for each in metrics]
    return metrics, [*found, *signs]


def asks_over_time(slots: Slots) -> bool:
    """Whether the periods are asked in which a condition held: how many, which ones, the first or the last."""
    return any(
        slots.says(SAID[each]) for each in ("count_periods", "in_which_periods", "first_time", "last_time", "streak")
    )


def of_conditions(slots: Slots) -> Operation:
    """What is asked of the periods or companies that fulfil a condition."""
    if slots.says(SAID["streak"]) and len(slots.about) == 1:
        return "streak"
    if slots.says(SAID["count_periods"]) or (slots.several and "how many" in slots.low):
        return "count"
    if slots.says(SAID["last_time"]):
        return "last"
    if spans(slots) and not slots.several and (slots.has("sum", "mean") or slots.says(SAID["total_of"])):
        return "mean" if slots.has("mean") else "sum"
    first = slots.says(SAID["first_time"]) or (slots.says(SAID["which_year"]) and "first" in slots.low)
    return "first" if first else "none"


_ORDERS = re.compile(r"\w+est|most|least|best|worst|top")


def ranked_by(slots: Slots, where: Sequence[Filter]) -> str:
    """The metric of `which one grew fastest` after conditions on others; empty where the order is that of these."""
    marks = [*(hit for hit in slots.directions if _ORDERS.fullmatch(hit.words)), *slots.marks]
    mark = next((hit for hit in marks if isinstance(hit.value, int) or hit.value == "rank"), None)
    if not where or mark is None:
        return ""
    limits = {each.metric for each in where}
    near = sorted(expression_hits(slots), key=lambda hit: max(hit.start - mark.end, mark.start - hit.end))
    others = [hit.value for hit in near if hit.value not in limits]
    if others or not slots.has("growth"):
        return next(iter(others), "")
    return f"growth({where[0].metric})" if described(where[0].metric).unit.startswith("USD") else ""


def counted_moves(slots: Slots, metrics: Sequence[str], where: Sequence[Filter]) -> tuple[str, list[Filter], str]:
    """`how many months did its shares rise?`: the metric of a price, its condition, and the unit that is counted."""
    found = SAID["count_steps"].search(slots.low) or SAID["every_step"].search(slots.low)
    often = bool(where) and SAID["how_often"].search(slots.low)
    if not (found or often) or metrics[0] not in ("price", "price_change"):
        return "", [], ""
    unit = {"w": "weeks", "m": "months", "y": "years"}.get(found["step"][0], "days") if found else "days"
    if where:
        return where[0].metric, list(where), unit
    down = SAID["move_down"].search(slots.low) or SAID["lower"].search(slots.low) or NEGATIVE.search(slots.low)
    moves = down or slots.has("growth", "trend", "difference") or slots.directions or POSITIVE.search(slots.low)
    sign = Filter(metric="price_change", comparator="<" if down else ">", number=0)
    return ("price_change", [sign], unit) if moves or "up" in slots.low.split() else ("", [], "")


_NOT = re.compile(r"(?:\bnot|\bwithout|\bnor|n't)\b[^,.;?]{0,30}$")
_OTHER_SIDE: Mapping[str, Comparator] = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


def _denied(slots: Slots, hit: Hit[Amount], near: Hit[str] | None) -> Amount:
    """The amount downwards where its verb falls, and the other side of it where it is denied: `not above $5bn`."""
    if near is None:
        return hit.value
    falls = near.value == "from_high" or (_is_change(near.value) and _falls(slots, hit))
    amount = hit.value.fallen() if falls else hit.value
    start = max((each.end for each in slots.amounts if each.end <= hit.start), default=0)
    place = min(near.start, hit.start) if near.start >= start else hit.start
    denied = _NOT.search(slots.low, start, place) or _NOT.search(slots.low, max(start, hit.start - 5), hit.start)
    if denied is None or amount.comparator == "between":
        return amount
    slots.loose = [word for word in slots.loose if not denied.start() <= word.start < denied.end()]
    return replace(amount, comparator=_OTHER_SIDE[amount.comparator])


def _own_periods(slots: Slots) -> Mapping[int, list[str]]:
    """The periods of each amount, where each is followed by its own: `over 20% in 2024 and over 10% in 2025`."""
    ends = [*(hit.start for hit in slots.amounts[1:]), len(slots.low)]
    own = {
        hit.start: [str(each.value) for each in slots.points if hit.end <= each.start < end]
        for hit, end in zip(slots.amounts, ends, strict=False)
    }
    several = any(len(each) > 1 for each in own.values()) and not slots.has("growth", "yoy", "cagr")
    several = several or slots.says(SAID["both_of"])
    apart = all(own.values()) and len({str(each) for each in own.values()}) > 1
    return own if several or apart else {}


def _is_change(metric: str) -> bool:
    return metric.startswith(("growth(", "cagr(")) or metric in ("price_change", "total_return")


def _falls(slots: Slots, amount: Hit[Amount]) -> bool:
    """Whether the verb of change that stands nearest to an amount says that something fell."""
    falls = min((_apart(match.span(), amount) for match in SAID["falls"].finditer(slots.low)), default=_FAR)
    moves = min((_apart((hit.start, hit.end), amount) for hit in slots.operations), default=_FAR)
    return falls < _FAR and falls <= moves + _SAME_WORD


_FAR, _SAME_WORD = 10_000, 8
"""No distance at all; and letters that one pattern takes more of a word than another."""


def _apart(place: tuple[int, int], amount: Hit[Amount]) -> int:
    return max(place[0] - amount.end, amount.start - place[1])


_GREATER = r"(?P<gt>above|exceed\w*|more|higher|larger|bigger|greater|in excess of|surpass\w*|topp(?:ed|s|ing))"


_SMALLER = r"(?P<lt>below|less|lower|smaller|fewer)"


_OWN = r"(?:(?:on|in|its|their|the|total|own|that of) )*"


_COMPARED = re.compile(rf"\s*(?:(?:was|were|is|are) )?(?:{_GREATER}|{_SMALLER}) (?:than )?{_OWN}")
_MORE_OF = re.compile(rf"\b(?:{_GREATER}|{_SMALLER})(?P<than> than)?(?: on| in| for)?(?: its| their)? $")
_THAN, _IN = re.compile(rf"\s*than {_OWN}"), re.compile(rf"\s*(?:in|on|as|for) {_OWN}")


def _of_two_metrics(slots: Slots) -> Iterator[Filter]:
    """`capex above operating cash flow`, `more cash than debt`: one metric less the other, above or below nothing."""
    for left, right in pairwise(expression_hits(slots)):
        between = _COMPARED.fullmatch(slots.low, left.end, right.start)
        before = None if between else _MORE_OF.search(slots.low[: left.start])
        turned = before and before["than"]
        apart = before and (_IN if turned else _THAN).fullmatch(slots.low, left.end, right.start)
        match = between or (before if apart else None)
        first, second = (right, left) if turned else (left, right)
        used = match.span() if match else (0, 0)
        slots.loose = [word for word in slots.loose if not used[0] <= word.start < used[1]]
        if match and first.value != second.value and described(first.value).unit == described(second.value).unit:
            yield _apart_by(slots, f"{first.value} - {second.value}", "<" if match["lt"] else ">", right.end)


_BY = re.compile(r"\s*by\s*")


def _apart_by(slots: Slots, metric: str, side: Comparator, end: int) -> Filter:
    """`exceeded net income by at least 3 times`, `by more than $1bn`: how far one figure lies from the other."""
    by = next((hit for hit in slots.amounts if _BY.fullmatch(slots.low, end, hit.start)), None)
    if by is None or side == "<":
        return Filter(metric=metric, comparator=side, number=0)
    slots.amounts = [hit for hit in slots.amounts if hit is not by]
    quotient = metric.replace(" - ", " / ")
    metric = {"times": f"times({quotient})", "percent": f"{quotient} - 1"}.get(by.value.unit, metric)
    return by.value.on(metric, percent=False)


def _loss_of(amount: Amount, metric: str) -> Filter:
    """`lost more than $2 billion`: an income below minus that; `a loss under $2 billion`: between that and nothing."""
    if amount.comparator.startswith(">"):
        return Filter(metric=metric, comparator="<", number=-abs(amount.number))
    return Filter(metric=metric, comparator="between", number=-abs(amount.upper or amount.number),
                  upper=-abs(amount.number) if amount.upper else 0)  # fmt: skip


def _signs(slots: Slots, others: Sequence[Filter], metrics: Sequence[str]) -> list[Filter]:
    """`companies with negative free cash flow`, `how many made a loss`: of the metric that follows, or net income."""
    if not slots.asks_all and not slots.has("count") and not asks_over_time(slots):
        return []
    hits = expression_hits(slots)
    none = [hit for hit in hits if _NONE_OF.search(slots.low[: hit.start])]
    moving = [(hit, verb) for hit in hits if (verb := SAID["moving"].search(slots.low[: hit.start]))]
    if none or moving:
        return [Filter(metric=hit.value, comparator="<=", number=0) for hit in none] + [
            _moving(f"growth({hit.value})", verb.group()) for hit, verb in moving
        ]
    ordered = [hit for hit in slots.directions if not slots.low.startswith(" than ", hit.end)]
    if not (ordered or slots.limit) and (moved := _moved(slots, hits, others)):
        return [*moved, *_of_income(slots)]
    loses = NEGATIVE.search(slots.low)
    if both := turned(slots, hits, loses):
        return both
    match = loses or POSITIVE.search(slots.low)
    if match is None:
        return []
    of_income = _INCOME.search(match.group())
    after = next((hit.value for hit in hits if 0 <= hit.start - match.end() <= 2), "")
    after = after or next((hit.value for hit in hits if _WAS.fullmatch(slots.low, hit.end, match.start())), "")
    metric = "" if of_income else after or ("" if others else next(iter(metrics), ""))
    metric = metric or "net_income"
    said = of_income or after or not others or metric != "net_income"
    if not said or any(each.metric == metric for each in others):
        return []
    return [Filter(metric=metric, comparator="<" if loses else ">", number=0)]


_INCOME = re.compile(r"loss|lost|profit|money|verl|rote|per[dts]|p[ei][ée]?rd|preju|argent|déficit|rosso|亏损|赤字")
_WAS = re.compile(r" (?:(?:was|is|were|are|turned|stayed|remained|being) )?")
_OBJECT = re.compile(r" (?:its |their |the )?")
_AND = re.compile(r"(?:,? and|,) (?:its |their |the )?")


def _moved(slots: Slots, hits: Sequence[Hit[str]], others: Sequence[Filter]) -> list[Filter]:
    """`retailers whose sales declined`, `whose revenue fell but net income rose`: each change by the verb after it.

    A verb is that of all figures listed before it: `whose revenue and net income fell`.
    """
    amounts = {each.metric for each in others}
    verbs = [verb for verb in SAID["verb_of_change"].finditer(slots.low) if _no_amount(slots, verb.end())]
    ends = [*(hit.start for hit in hits[1:]), len(slots.low)]
    following: re.Match[str] | None = None
    found: list[Filter] = []
    for hit, end in reversed(list(zip(hits, ends, strict=False))):
        before = next((verb for verb in verbs if _OBJECT.fullmatch(slots.low, verb.end(), hit.start)), None)
        own = before or next((verb for verb in verbs if hit.start <= verb.start() < end), None)
        listed = following is not None and _AND.fullmatch(slots.low[hit.end : end]) is not None
        following = own or (following if listed else None)
        metric = hit.value if _is_change(hit.value) else f"growth({hit.value})"
        if following is not None and metric not in amounts:
            found.append(_moving(metric, following.group()))
    return found[::-1]


def _no_amount(slots: Slots, at: int) -> bool:
    return not any(0 <= hit.start - at < 4 for hit in slots.amounts)


def _of_income(slots: Slots) -> list[Filter]:
    """`grew revenue but lost money`: a second condition beside one on a change."""
    loses = NEGATIVE.search(slots.low)
    found = loses or POSITIVE.search(slots.low)
    if found is None or not _INCOME.search(found.group()):
        return []
    return [Filter(metric="net_income", comparator="<" if loses else ">", number=0)]


_MULTIPLIED = {"doubl": 1.0, "tripl": 2.0, "quadrupl": 3.0, "halv": -0.5}


def _moving(growth: str, verb: str) -> Filter:
    """The condition that a verb states: growth above nothing, of 100% where it doubled."""
    number = next((size for stem, size in _MULTIPLIED.items() if verb.startswith(stem)), None)
    if number is not None:
        return Filter(metric=growth, comparator="<=" if number < 0 else ">=", number=number)
    return Filter(metric=growth, comparator="<" if SAID["falls"].search(verb) else ">", number=0)


def _share_of_amount(slots: Slots, hit: Hit[Amount]) -> Filter | None:
    after = (each for each in slots.metrics if each.start >= hit.end)
    base = next((each for each in after if _OF_BASE.fullmatch(slots.low, hit.end, each.start)), None)
    if base is None or hit.value.unit != "percent":
        return None
    before = [each.value for each in slots.metrics if each.end <= hit.start and each.value != base.value]
    behind = [each.value for each in slots.metrics if each.start >= base.end]
    part = (before[-1:] or behind[:1] or [""])[0]
    return hit.value.on(f"{part} / {base.value}", percent=True) if part else None


def _metric_of_amount(slots: Slots, hit: Hit[Amount]) -> Hit[str] | None:
    """The metric nearest to a number whose unit fits."""
    shares = [
        each for each in slots.amounts if each.value.unit == "percent"
    ]  # `over $30 billion of net income` is none
    bases = [(each.end, base.start) for each in shares for base in slots.metrics if base.start >= each.end]
    stands = {start for end, start in bases if _OF_BASE.fullmatch(slots.low, end, start)}
    candidates = [each for each in expression_hits(slots) if each.start not in stands]
    fitting = [each for each in candidates if _fits(hit.value, each.value)]
    if not fitting:
        moves = slots.has("growth") or re.search(r"\b(?:up|down)\b", slots.low)
        if hit.value.unit != "percent" or not moves:
            return None
        grows = any(each.words.startswith(("grow", "grew")) for each in slots.operations)
        return Hit("growth(revenue)" if grows else "price_change", hit.start, hit.start, "growth")
    before = [each for each in fitting if each.end <= hit.start]
    after = [each for each in fitting if each.start >= hit.end]
    gap_before = hit.start - before[-1].end if before else 10_000
    gap_after = after[0].start - hit.end if after else 10_000
    if after and gap_after < 12 and _STATED_AFTER.match(slots.low, hit.end):
        return after[0]
    if before and (gap_before <= max(gap_after, 60) or not after):
        return before[-1]
    return after[0] if after else fitting[0]


_MOST_PER_SHARE = 1e6


def _fits(amount: Amount, metric: str) -> bool:
    unit, kind = described(metric).unit, amount.unit
    if kind == "USD":
        return unit == "USD" or (unit == "USD/share" and abs(amount.number) < _MOST_PER_SHARE)
    return kind in ("", unit) or (kind == "percent" and unit == "times")


# ---------------------------------------------------------------------------------------- what is supposed

_YES_OR_NO = re.compile(
    r"\W*(?:answer [^:]{0,30}:\s*)?(?:(?:for|at|in|with|by) [\w&.' -]{2,40}, ?)?"
    r"(?:(?:and|so|ok|then|but)\W+)?(?:is|are|was|were|did|does|do|has|have|had)\b"
)
_OPEN = re.compile(r"\b(?:or|how|what|which|who|whose|when|by (?:how|what))\b")


def supposed(slots: Slots, intent: str, operation: str) -> Literal[-1, 0, 1]:
    """What `Was Apple's margin higher than Microsoft's?` and `Did its revenue fall?` suppose."""
    asks = _YES_OR_NO.match(slots.low)
    if asks is None or _OPEN.search(slots.low, asks.end()) or slots.says(SAID["multiplied"]):
        return 0
    if intent == "compare" and len(slots.about) == 2 and slots.directions and "than" in slots.low:
        return 1
    pair = next(_of_two_metrics(slots), None)
    two = operation == "none" and len(slots.about) == 1 and len(slots.metrics) == 2
    if two and slots.directions and "than" in slots.low:
        return 1 if slots.directions[0].value > 0 else -1
    if two and pair:
        same_order = pair.metric.startswith(expression_hits(slots)[0].value)
        return 1 if same_order == (pair.comparator == ">") else -1
    moves = operation == "growth" or [hit.value for hit in slots.metrics] == ["price_change"]
    if moves and len(slots.about) == 1 and len(slots.metrics) == 1:
        worse = slots.says(SAID["worse"]) and described(slots.metrics[0].value).better != -1
        return -1 if worse or slots.says(SAID["falls"]) or slots.says(SAID["lower"]) else 1
    return 0
