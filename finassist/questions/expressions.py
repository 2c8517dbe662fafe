"""Metrics with what is done to each by the words next to it: growth of, share of, per share; and conditions on them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from finassist.core.metrics import described
from finassist.core.query import Filter
from finassist.questions.amounts import Amount
from finassist.questions.definitions import simplest
from finassist.questions.grammar import NEGATIVE, POSITIVE, SAID
from finassist.questions.reading import Reading, asks_universe, has_set
from finassist.questions.words import Hit

_OF_ITS = re.compile(r"\s*(?:of |in |its |their |the |in the )*")
_OF_BASE = re.compile(
    r"\s*of (?:[\w&. -]{2,40}?'s? )?(?:its |their |total |net )?(?:(?:fy ?|fiscal |calendar )?\d{4} )?(?:net )?"
)
_STATED_AFTER = re.compile(r"\s*(?:usd |dollars? |us dollars )?(?:of|in|for) ")


def expressions(reading: Reading) -> list[str]:
    """The metrics asked for, as ids or expressions over them, each once."""
    return list(dict.fromkeys(hit.value for hit in expression_hits(reading)))


def expression_hits(reading: Reading) -> list[Hit[str]]:
    """The same with their places."""
    slots = reading.slots
    hits = _divided(reading, list(slots.metrics))
    if slots.has("share") or _how_much_of(reading):
        hits = _shares(reading, hits)
    if slots.has("per share"):
        hits = [_per_share(hit) for hit in hits]
    each_own = len(hits) > 1 or asks_universe(reading) or bool(slots.amounts)
    return [_grown(reading, hit) for hit in hits] if each_own else hits


def _shares(reading: Reading, hits: list[Hit[str]]) -> list[Hit[str]]:
    """`capex as a share of revenue`: one metric over the other."""
    mark = reading.slots.at("share") or _how_much_of(reading)
    after = [hit for hit in hits if mark and hit.start >= mark.end]
    before = [hit for hit in hits if mark and hit.end <= mark.start]
    if mark is None or len(hits) < 2 or not after:
        return hits
    below = after[0]
    above = before[-1] if before else after[1]
    if above.value == below.value:
        return hits
    words = f"{above.words} {mark.words} {below.words}"
    start, end = min(above.start, below.start), max(above.end, below.end)
    joined = Hit(f"{above.value} / {below.value}", start, end, words)
    return [joined if hit is above else hit for hit in hits if hit is not below]


_SLASH = re.compile(r"\s*(?:/|divided by|over (?:its |the |their )?)\s*(?:(?:fy ?|fiscal )?\d{2,4} )?")
_BY = re.compile(r"[^.?;]{0,40}?\b(?:by|to)\s+(?:its |the |their )?")


def _divided(reading: Reading, hits: list[Hit[str]]) -> list[Hit[str]]:
    """`R&D / revenue`, `divide total assets by equity`: one metric over the other."""
    for above, below in pairwise(hits):
        slash = _SLASH.fullmatch(reading.low, above.end, below.start)
        verb = reading.says(SAID["divide"]) and _BY.fullmatch(reading.low, above.end, below.start)
        if (slash or verb) and above.value != below.value:
            joined = Hit(
                simplest(f"{above.value} / {below.value}"), above.start, below.end, reading.low[above.start : below.end]
            )
            return [joined if hit is above else hit for hit in hits if hit is not below]
    return hits


def _how_much_of(reading: Reading) -> Hit[str] | None:
    """The mark of `How much of its gross profit was eaten up by R&D?`."""
    found = SAID["how_much_of"].search(reading.low)
    return Hit("share", found.start(), found.end(), "as a share of") if found else None


def _per_share(hit: Hit[str]) -> Hit[str]:
    if described(hit.value).unit != "USD" or described(hit.value).kind == "price":
        return hit
    return Hit(f"{hit.value} / shares_diluted", hit.start, hit.end, hit.words)


def _grown(reading: Reading, hit: Hit[str]) -> Hit[str]:
    """`revenue growth`, `growth of revenue`, `grew revenue`: growth(revenue), for the metric next to the word."""
    alone = len(reading.slots.metrics) == 1 and not reading.slots.has("share")
    if described(hit.value).kind == "price":
        return hit
    for mark in reading.slots.operations:
        just_after = 0 <= mark.start - hit.end <= 2
        close = 0 <= hit.start - mark.end <= 9
        just_before = close and _OF_ITS.fullmatch(reading.low, mark.end, hit.start)
        if mark.value in ("growth", "yoy") and (just_after or just_before or alone):
            return Hit(f"growth({hit.value})", min(hit.start, mark.start), max(hit.end, mark.end), hit.words)
    return hit


# ---------------------------------------------------------------------------------------------- filters


def filters(reading: Reading, metrics: list[str]) -> tuple[list[str], list[Filter]]:
    """The conditions of a screen, and the metrics it shows.

    `over 30% of revenue on R&D` is a condition on a share, which is then the one metric shown.
    """
    share = _share_of_amount(reading)
    if share is not None:
        return [share.metric], [share, *_signs(reading, [share], [share.metric])]
    found: list[Filter] = []
    for hit in reading.slots.amounts:
        if SAID["lost"].search(reading.low, 0, hit.end):
            found.append(_loss_of(hit.value))
            continue
        metric = _metric_of_amount(reading, hit)
        if metric and metric.startswith("growth(") and hit.value.unit not in ("", "percent"):
            metrics = [metric[7:-1] if each == metric else each for each in metrics]
            metric = metric[7:-1]
        if metric:
            found.append(hit.value.on(metric, percent=described(metric).unit == "percent"))
    return metrics, [*found, *_signs(reading, found, metrics)]


def _loss_of(amount: Amount) -> Filter:
    """`lost more than $2 billion`: a net income below minus that."""
    return Filter(metric="net_income", comparator="<" if amount.comparator == ">" else ">", number=-abs(amount.number))


def _signs(reading: Reading, others: Sequence[Filter], metrics: Sequence[str]) -> Iterator[Filter]:
    """`companies with negative free cash flow`, `how many made a loss`: of the metric that follows, or net income."""
    over_time = reading.says(SAID["count_periods"]) or reading.says(SAID["in_which_periods"])
    if not has_set(reading) and not reading.slots.has("count") and not over_time:
        return
    for hit in expression_hits(reading):
        before = reading.low[: hit.start]
        if re.search(r"\b(?:no|zero|without(?: any)?)\s+$", before):
            yield Filter(metric=hit.value, comparator="<=", number=0)
            return
        if moving := SAID["moving"].search(before):
            falls = SAID["falls"].search(moving.group()) is not None
            yield Filter(metric=f"growth({hit.value})", comparator="<" if falls else ">", number=0)
            return
    if (moved := _moved(reading)) and not others:
        yield moved
        return
    match = NEGATIVE.search(reading.low) or POSITIVE.search(reading.low)
    if match is None:
        return
    of_income = re.search(r"loss|lost|profitable|profit|money", match.group())
    after = next((hit.value for hit in expression_hits(reading) if 0 <= hit.start - match.end() <= 2), "")
    metric = (after or ("" if others else next(iter(metrics), ""))) if not of_income else ""
    metric = metric or "net_income"
    if all(each.metric != metric for each in others) and (of_income or after or not others or metric != "net_income"):
        yield Filter(metric=metric, comparator="<" if NEGATIVE.search(reading.low) else ">", number=0)


def _moved(reading: Reading) -> Filter | None:
    """`retailers whose sales declined`: growth below nothing, where no order is asked."""
    verb = next((hit for hit in reading.slots.operations if SAID["verb_of_change"].fullmatch(hit.words)), None)
    grown = next((hit.value for hit in expression_hits(reading) if hit.value.startswith("growth(")), None)
    if verb is None or grown is None or reading.slots.directions or reading.slots.limit:
        return None
    falls = SAID["falls"].search(verb.words) is not None
    return Filter(metric=grown, comparator="<" if falls else ">", number=0)


def _share_of_amount(reading: Reading) -> Filter | None:
    for hit in reading.slots.amounts:
        after = (each for each in reading.slots.metrics if each.start >= hit.end)
        base = next((each for each in after if _OF_BASE.fullmatch(reading.low, hit.end, each.start)), None)
        others = [each.value for each in reading.slots.metrics if each is not base]
        if base is not None and others and hit.value.unit == "percent":
            return hit.value.on(f"{others[0]} / {base.value}", percent=True)
    return None


def _metric_of_amount(reading: Reading, hit: Hit[Amount]) -> str | None:
    """The metric nearest to a number whose unit fits."""
    candidates = expression_hits(reading)
    fitting = [each for each in candidates if _fits(hit.value.unit, each.value)]
    if not fitting:
        return "growth(revenue)" if hit.value.unit == "percent" and reading.slots.has("growth") else None
    before = [each for each in fitting if each.end <= hit.start]
    after = [each for each in fitting if each.start >= hit.end]
    gap_before = hit.start - before[-1].end if before else 10_000
    gap_after = after[0].start - hit.end if after else 10_000
    if after and gap_after < 12 and _STATED_AFTER.match(reading.low, hit.end):
        return after[0].value
    if before and (gap_before <= max(gap_after, 60) or not after):
        return before[-1].value
    return after[0].value if after else fitting[0].value


def _fits(kind: str, metric: str) -> bool:
    unit = described(metric).unit
    if kind == "USD":
        return unit.startswith("USD")
    return kind in ("", unit) or (kind == "percent" and unit == "times")
