"""Numbers with a comparator in a question, "above 30 %", "between 1 and 2 times", and the conditions they make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from finassist.core.metrics import described
from finassist.core.query import Comparator, Filter
from finassist.questions.grammar import LESS, MORE, NEGATIVE, PERCENT, POSITIVE, SAID, SCALES
from finassist.questions.metrics import expression_hits
from finassist.questions.slots import Amount, Slots
from finassist.questions.tokenizer import Claims, Hit

_UNIT = (
    r"%|percent|per cent|pct|prozent|por ciento|pour cent|por cento|per cento|trillion|tn|billions?|bn|b\b"
    r"|mrd\.?|milliarden?|milliards?|mil millones|miliardi|bilhões|millions?|mn|mm|m\b|millones|milioni|milhões"
    r"|mio\.?|thousand|k\b|times|x\b|days|万亿|亿|億|兆|万"
)
_NAMED = r"(?:one|two|three|five|ten|fifty|a hundred|a|half a)(?= (?:trillion|billion|million|hundred))"
_AMOUNT = rf"(?P<cur>us\$|\$|usd|€)?\s?(?P<num>-?\d+(?:[.,]\d+)*|{_NAMED})\s?-?(?P<unit>{_UNIT})?"
_BETWEEN = re.compile(rf"\bbetween {_AMOUNT.replace('?P<', '?P<a')} and {_AMOUNT}")
_COMPARISON = re.compile(
    rf"(?:(?P<lt>{LESS})|(?P<gt>{MORE}))\s*(?:than\s+)?(?:about |around |roughly |a |of )?{_AMOUNT}"
)
_AFTER = re.compile(
    rf"{_AMOUNT}\s?(?:usd |dollars )?(?:or|and) "
    r"(?P<dir>more|less|higher|lower|above|below|over|under|fewer|greater|better|up)\b"
)
_COUNTED = re.compile(r"\s?(?:years?|quarters?|months?|companies|stocks|firms)\b")
_WRITTEN = {"a": "1", "one": "1", "two": "2", "three": "3", "five": "5", "ten": "10", "fifty": "50", "a hundred": "100",
            "half a": "0.5"}  # fmt: skip
_LESS_WORDS = frozenset({"less", "lower", "below", "under", "fewer"})


def amounts_in(text: str, taken: Claims) -> Iterator[tuple[Amount, re.Match[str]]]:
    """The amounts of a lower-case text; what they stand on is taken."""
    for match in _BETWEEN.finditer(text):
        if taken.free(*match.span()) and (match["unit"] or match["cur"] or match["acur"]):
            low, high = _number(match["anum"], match["aunit"] or match["unit"]), _number(match["num"], match["unit"])
            yield _taken(Amount("between", low, high, _kind(match)), match, taken)
    for pattern in (_COMPARISON, _AFTER):
        for match in pattern.finditer(text):
            counted = not match["unit"] and _COUNTED.match(text, match.end())
            if taken.free(*match.span("num")) and not counted:
                sign: Comparator = "<" if _is_less(match) else ">"
                yield _taken(Amount(sign, _number(match["num"], match["unit"]), None, _kind(match)), match, taken)


def _taken(amount: Amount, match: re.Match[str], taken: Claims) -> tuple[Amount, re.Match[str]]:
    taken.take(*match.span())
    return amount, match


def _is_less(match: re.Match[str]) -> bool:
    groups = match.groupdict()
    return bool(groups.get("lt")) or groups.get("dir") in _LESS_WORDS


def _number(text: str, unit: str | None) -> float:
    if text in _WRITTEN:
        text = _WRITTEN[text]
    plain = re.sub(r",(?=\d{3}(?!\d))", "", text).replace(",", ".")
    value = float(plain) if plain.count(".") < 2 else float(plain.replace(".", ""))
    unit = (unit or "").rstrip(".")
    return value / 100 if unit in PERCENT else value * SCALES.get(unit, 1.0)


def _kind(match: re.Match[str]) -> str:
    unit = (match["unit"] or "").rstrip(".")
    if unit in PERCENT:
        return "percent"
    if unit in ("times", "x"):
        return "times"
    if unit == "days":
        return "days"
    return "USD" if match["cur"] or unit in SCALES else ""


# -------------------------------------------------------------------------------------------- conditions

_OF_BASE = re.compile(
    r"\s*of (?:[\w&. -]{2,40}?'s? )?(?:its |their |total |net )?(?:(?:fy ?|fiscal |calendar )?\d{4} )?(?:net )?"
)
_STATED_AFTER = re.compile(r"\s*(?:usd |dollars? |us dollars )?(?:of|in|for) ")


def filters(slots: Slots, metrics: list[str]) -> tuple[list[str], list[Filter]]:
    """The conditions of a screen, and the metrics it shows.

    `over 30% of revenue on R&D` is a condition on a share, which is then the one metric shown.
    """
    share = _share_of_amount(slots)
    if share is not None:
        return [share.metric], [share, *_signs(slots, [share], [share.metric])]
    found: list[Filter] = []
    for hit in slots.amounts:
        if SAID["lost"].search(slots.low, 0, hit.end):
            found.append(_loss_of(hit.value))
            continue
        metric = _metric_of_amount(slots, hit)
        if metric and metric.startswith("growth(") and hit.value.unit not in ("", "percent"):
            metrics = [metric[7:-1] if each == metric else each for each in metrics]
            metric = metric[7:-1]
        if metric:
            found.append(hit.value.on(metric, percent=described(metric).unit == "percent"))
    return metrics, [*found, *_signs(slots, found, metrics)]


def _loss_of(amount: Amount) -> Filter:
    """`lost more than $2 billion`: a net income below minus that."""
    return Filter(metric="net_income", comparator="<" if amount.comparator == ">" else ">", number=-abs(amount.number))


def _signs(slots: Slots, others: Sequence[Filter], metrics: Sequence[str]) -> Iterator[Filter]:
    """`companies with negative free cash flow`, `how many made a loss`: of the metric that follows, or net income."""
    over_time = slots.says(SAID["count_periods"]) or slots.says(SAID["in_which_periods"])
    if not slots.asks_set and not slots.has("count") and not over_time:
        return
    for hit in expression_hits(slots):
        before = slots.low[: hit.start]
        if re.search(r"\b(?:no|zero|without(?: any)?)\s+$", before):
            yield Filter(metric=hit.value, comparator="<=", number=0)
            return
        if moving := SAID["moving"].search(before):
            falls = SAID["falls"].search(moving.group()) is not None
            yield Filter(metric=f"growth({hit.value})", comparator="<" if falls else ">", number=0)
            return
    if (moved := _moved(slots)) and not others:
        yield moved
        return
    match = NEGATIVE.search(slots.low) or POSITIVE.search(slots.low)
    if match is None:
        return
    of_income = re.search(r"loss|lost|profitable|profit|money", match.group())
    after = next((hit.value for hit in expression_hits(slots) if 0 <= hit.start - match.end() <= 2), "")
    metric = (after or ("" if others else next(iter(metrics), ""))) if not of_income else ""
    metric = metric or "net_income"
    if all(each.metric != metric for each in others) and (of_income or after or not others or metric != "net_income"):
        yield Filter(metric=metric, comparator="<" if NEGATIVE.search(slots.low) else ">", number=0)


def _moved(slots: Slots) -> Filter | None:
    """`retailers whose sales declined`: growth below nothing, where no order is asked."""
    verb = next((hit for hit in slots.operations if SAID["verb_of_change"].fullmatch(hit.words)), None)
    grown = next((hit.value for hit in expression_hits(slots) if hit.value.startswith("growth(")), None)
    if verb is None or grown is None or slots.directions or slots.limit:
        return None
    falls = SAID["falls"].search(verb.words) is not None
    return Filter(metric=grown, comparator="<" if falls else ">", number=0)


def _share_of_amount(slots: Slots) -> Filter | None:
    for hit in slots.amounts:
        after = (each for each in slots.metrics if each.start >= hit.end)
        base = next((each for each in after if _OF_BASE.fullmatch(slots.low, hit.end, each.start)), None)
        others = [each.value for each in slots.metrics if each is not base]
        if base is not None and others and hit.value.unit == "percent":
            return hit.value.on(f"{others[0]} / {base.value}", percent=True)
    return None


def _metric_of_amount(slots: Slots, hit: Hit[Amount]) -> str | None:
    """The metric nearest to a number whose unit fits."""
    candidates = expression_hits(slots)
    fitting = [each for each in candidates if _fits(hit.value.unit, each.value)]
    if not fitting:
        return "growth(revenue)" if hit.value.unit == "percent" and slots.has("growth") else None
    before = [each for each in fitting if each.end <= hit.start]
    after = [each for each in fitting if each.start >= hit.end]
    gap_before = hit.start - before[-1].end if before else 10_000
    gap_after = after[0].start - hit.end if after else 10_000
    if after and gap_after < 12 and _STATED_AFTER.match(slots.low, hit.end):
        return after[0].value
    if before and (gap_before <= max(gap_after, 60) or not after):
        return before[-1].value
    return after[0].value if after else fitting[0].value


def _fits(kind: str, metric: str) -> bool:
    unit = described(metric).unit
    if kind == "USD":
        return unit.startswith("USD")
    return kind in ("", unit) or (kind == "percent" and unit == "times")
