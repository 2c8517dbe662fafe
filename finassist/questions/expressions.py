"""Expressions over metrics: growth of, share of, per share, in times. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from finassist.core.filters import Filter
from finassist.core.metrics import Binary, Ref, catalogue, described, kind_of, parse, references, unit_of
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Operation, Query
from finassist.questions.grammar import SAID, metric_phrases
from finassist.questions.operations import COUNTS, many_periods
from finassist.questions.slots import Found, Slots
from finassist.questions.tokenizer import Hit, words_of


def simplest(text: str) -> str:
    """The id of a metric whose formula is the same, or the formula."""
    return next((metric.id for metric in catalogue().values() if metric.formula == text), text)


def spelt(metric: str) -> str:
    """The formula of a metric that has one, else the metric."""
    return (catalogue()[metric].formula if metric in catalogue() else "") or metric


_OF_ITS = re.compile(r"\s*(?:of |in |its |their |the |in the )*")


def expressions(slots: Slots) -> list[str]:
    """The metrics asked for, as ids or expressions over them, each once."""
    return list(dict.fromkeys(hit.value for hit in expression_hits(slots)))


def expression_hits(slots: Slots) -> list[Hit[str]]:
    """The same with their places."""
    hits = _divided(slots, _left_after(slots, list(slots.metrics)))
    if slots.has("share") or _how_much_of(slots):
        hits = _shares(slots, hits)
    if slots.has("per share"):
        hits = [_per_share(hit) for hit in hits]
    each_own = len(hits) > 1 or slots.asks_all or bool(slots.amounts)
    return [_grown(slots, hit) for hit in hits] if each_own else hits


_TAKEN_OFF = frozenset({"capex", "dividends_paid", "buybacks", "shareholder_returns"})


def _left_after(slots: Slots, hits: list[Hit[str]]) -> list[Hit[str]]:
    """`what is left after capex, dividends and buybacks`: what is named behind it is taken off what is named before."""
    after, before = (SAID[each].search(slots.low) for each in ("left_after", "after_it_left"))
    mark = before or after
    taken = [hit for hit in hits if mark and (hit.end <= before.end() if before else hit.start >= mark.end())]
    if mark is None or not taken or any(described(hit.value).unit != "USD" for hit in hits):
        return hits
    base = next((hit for hit in hits if hit not in taken), None)
    if base is None and not _TAKEN_OFF.issuperset(hit.value for hit in taken):
        return hits
    first = base.value if base else "operating_cash_flow"
    less = [hit.value for hit in taken if not (first == "free_cash_flow" and hit.value == "capex")]
    formula = simplest(" - ".join([first, *(f"({each})" if " " in each else each for each in less)]))
    start, end = min(hit.start for hit in hits), max(hit.end for hit in hits)
    return [Hit(formula, start, end, slots.low[start:end])]


_OUT_OF = re.compile(
    r"\b(?:of|among|amongst|tak(?:e|ing)|consider(?:ing)?|from|within|in|looking at|for)\W+(?:all )?(?:the )?(?:top )?$"
    r"|^\W*(?:the )?(?:top )?$"
)
_BY_KIND: Mapping[str, str] = {
    "valuable": "market_cap", "largest": "market_cap", "biggest": "market_cap", "profitable": "net_income",
    "indebted": "long_term_debt",
}  # fmt: skip
"""What companies are ranked by where no figure is named: market value where they are called the largest."""
_HOW_MANY = re.compile(rf"\bwh(?:ich|at) (?P<n>\d{{1,2}}|{'|'.join(COUNTS)})\b")


def inside_a_rank(slots: Slots) -> list[Filter]:
    """`of the four with the most X, which had the smallest Y`: the rank inside which another figure is ranked."""
    if slots.limit is None or not _OUT_OF.search(slots.low[: slots.limit.start]):
        return []
    sorts = [Hit(1, hit.start, hit.end, hit.words) for hit in slots.marks if hit.value == "rank"]
    directions = [*slots.directions, *sorts] if len(slots.directions) == 1 else slots.directions
    if len(directions) < 2:
        return []
    first, last = directions[0], directions[-1]
    after = [hit for hit in slots.metrics if hit.start > last.start]
    grows = not after and slots.has("growth")  # `of the ten largest by revenue, which grew fastest?`
    named = slots.metrics if grows else expression_hits(slots)
    hits = [hit for hit in named if slots.limit.start < hit.start < last.start]
    kinds = _BY_KIND.items() if not hits else ()
    places = ((slots.low.find(word, slots.limit.start, last.start), metric) for word, metric in kinds)
    hits = hits or [Hit(metric, at, at, metric) for at, metric in places if at >= 0]
    if not hits or not (after or grows) or first.start > hits[0].start + 60:
        return []
    slots.metrics = after or hits
    number, slots.directions = slots.limit.value, [last]
    several = _HOW_MANY.search(slots.low, slots.limit.end)
    shown = 1 if several is None else int(several["n"]) if several["n"].isdigit() else COUNTS[several["n"]]
    slots.limit = replace(slots.limit, value=number if last in sorts else shown)
    return [Filter(metric=hits[0].value, comparator="top" if first.value > 0 else "bottom", number=number)]


def joined_rank(slots: Slots) -> list[Filter]:
    """`average net margin of the ten most valuable companies`: the rank whose members' figures are joined."""
    limit, side = slots.limit, next(iter(slots.directions), None)
    if limit is None or side is None or not _OUT_OF.search(slots.low[: limit.start]):
        return []
    joins = slots.has("sum", "mean", "median") or SAID["total"].search(slots.low[: limit.start])
    before = [hit for hit in expression_hits(slots) if hit.end <= limit.start]
    if not joins or not before:
        return []
    after = [hit.value for hit in expression_hits(slots) if hit.start > limit.start]
    kinds = [metric for word, metric in _BY_KIND.items() if word in slots.low[limit.start :] and word[-3:] != "est"]
    by = next(iter([*after, *kinds]), before[0].value)
    slots.metrics, slots.limit, slots.directions = before, None, []
    return [Filter(metric=by, comparator="top" if side.value > 0 else "bottom", number=limit.value)]


_TWO_ENDS = re.compile(
    r"(?:\s|,|\b(?:of|the|its|total|opening|beginning|closing|ending|start|end|year|years|ends|and|to|through|both|fiscal|(?:fy)?20\d\d)\b|-)*"
)


def average_base(slots: Slots) -> None:
    """`ROE on the average of opening and closing equity`: the ratio over the mean of two year ends."""
    for mark in [hit for hit in slots.operations if hit.value == "mean"]:
        base = next((hit for hit in slots.metrics if _TWO_ENDS.fullmatch(slots.low, mark.end, hit.start)), None)
        others = [hit for hit in slots.metrics if hit is not base]
        before = [hit for hit in others if hit.end <= mark.start]
        ratio = next(iter(before[-1:] or others), None)
        if (
            base is None
            or ratio is None
            or (slots.amounts and not before)
            or not (value := _averaged(ratio.value, base.value))
        ):
            continue
        inside = [each for each in slots.periods if mark.end <= each.start < base.start]
        slots.periods = [each for each in slots.periods if each not in inside] or inside[-1:]
        if odd := _of_other_ends(base.value, inside, slots.periods):
            value = _averaged(ratio.value, base.value, odd)
        slots.metrics = [replace(hit, value=value) if hit is ratio else hit for hit in others]
        slots.operations.remove(mark)


def _of_other_ends(base: str, inside: Sequence[Found], asked: Sequence[Found]) -> str:
    """The average of year ends that are not those of the year asked for and the one before it."""
    years = sorted({year for each in inside for year in _years_of(each.value)})
    if len(years) < 2 or [year for each in asked for year in _years_of(each.value)] == years[1:] == [years[0] + 1]:
        return ""
    return f"(({' + '.join(f"at({base}, 'FY{year}')" for year in years)}) / {len(years)})"


def _years_of(value: Period | Span) -> range:
    first = value.start if isinstance(value, Span) else value
    last = value.end if isinstance(value, Span) else value
    return range(first.year, last.year + 1) if first and first.year and last.year else range(0)


def _averaged(ratio: str, base: str, mean: str = "") -> str:
    """The ratio over the average of its base; empty where its base is another."""
    above, _, below = spelt(ratio).rpartition(" / ")
    if not above or below not in (base, f"avg({base})"):
        return ""
    made = simplest(f"{above} / {mean or f'avg({base})'}")
    return as_multiple(made) if described(ratio).unit == "times" else made


def _shares(slots: Slots, hits: list[Hit[str]]) -> list[Hit[str]]:
    """`capex as a share of revenue`: one metric over the other."""
    mark = slots.at("share") or _how_much_of(slots)
    after = [hit for hit in hits if mark and hit.start >= mark.end]
    before = [hit for hit in hits if mark and hit.end <= mark.start]
    if mark and len(before) == 2 and not after and _OF_CJK.search(slots.low, before[0].end, mark.end):
        before, after = before[:1], before[1:]
    if mark is None or len(before) + len(after) < 2 or not after:
        return hits
    below, above = after[0], before[-1] if before else after[1]
    return _over(hits, above, below, f"{above.value} / {below.value}", f"{above.words} {mark.words} {below.words}")


_OF_CJK = re.compile("占|の何")
"""`研发费用占营收的百分比`: what is divided, then by what."""


def _over(hits: list[Hit[str]], above: Hit[str], below: Hit[str], value: str, words: str) -> list[Hit[str]]:
    if above.value == below.value:
        return hits
    joined = Hit(value, min(above.start, below.start), max(above.end, below.end), words)
    return [joined if hit is above else hit for hit in hits if hit is not below]


_PER_DOLLAR = r"(?:per|for|from|out of|on) (?:each |every |a )?dollar of (?:its |their )?"
_SLASH = re.compile(
    rf"\s*(?:/|%(?: of)?|divided by|over (?:its |the |their )?|{_PER_DOLLAR})\s*"
    r"(?:year-end )?(?:(?:fy ?|fiscal )?\d{2,4} )?"
)
_TO = re.compile(r"[ -](?:to|relative to|against)[ -](?:its |the |their )?")
_RATIO_OF = re.compile(r"\bratio of\b")
_BY = re.compile(r"[^.?;]{0,40}?\b(?:by|to)\s+(?:its |the |their |that )?")


def _divided(slots: Slots, hits: list[Hit[str]]) -> list[Hit[str]]:
    """`R&D / revenue`, `divide total assets by equity`: one metric over the other."""
    verb = slots.says(SAID["divide"])
    to = len(hits) == 2 and not slots.has("growth", "difference") and not slots.says(SAID["no_ratio"])
    for above, below in pairwise(hits):
        link = slots.low[above.end : below.start]
        slash = _SLASH.fullmatch(link) or (to and _TO.fullmatch(link))
        if above.value != below.value and (slash or (verb and _BY.fullmatch(slots.low, above.end, below.start))):
            words = slots.low[above.start : below.end]
            value = simplest(f"{above.value} / {below.value}")
            known = value in catalogue()
            value = as_multiple(value) if _is_multiple(slots, link, below.value) and not known else value
            return _over(hits, above, below, in_times(value, f"{above.words} to {below.words}"), words)
    return hits


def _is_multiple(slots: Slots, link: str, below: str) -> bool:
    """`debt per dollar of equity`, `by what percent did the ratio of A to B rise`: no percentage of its own."""
    moves = slots.has("growth") and slots.says(_RATIO_OF) and not slots.says(SAID["in_points"])
    return moves or ("dollar" in link and described(below).kind == "stock")


def as_multiple(formula: str) -> str:
    """A percentage as a multiple."""
    return f"times({formula})" if described(formula).unit == "percent" else formula


def _how_much_of(slots: Slots) -> Hit[str] | None:
    """The mark of `How much of its gross profit was eaten up by R&D?`."""
    found = SAID["how_much_of"].search(slots.low)
    return Hit("share", found.start(), found.end(), "as a share of") if found else None


def _per_share(hit: Hit[str]) -> Hit[str]:
    if described(hit.value).unit != "USD" or described(hit.value).kind == "price":
        return hit
    return Hit(f"{hit.value} / shares_diluted", hit.start, hit.end, hit.words)


def _grown(slots: Slots, hit: Hit[str]) -> Hit[str]:
    """`revenue growth`, `growth of revenue`, `grew revenue`: growth(revenue), for the metric next to the word."""
    alone = len(slots.metrics) == 1 and not slots.has("share")
    if described(hit.value).kind == "price" and hit.value != "market_cap":
        return hit
    yearly = slots.says(SAID["per_year"]) and not (slots.says(SAID["each_year"]) or slots.says(SAID["every"]))
    of_rate = any(each.value.unit == "percent" for each in slots.amounts)
    for mark in slots.operations:
        just_after = 0 <= mark.start - hit.end <= 2
        close = 0 <= hit.start - mark.end <= 9
        just_before = close and _OF_ITS.fullmatch(slots.low, mark.end, hit.start)
        a_year = mark.value == "cagr" or (mark.value == "growth" and yearly and many_periods(slots))
        if of_rate and a_year and (just_after or just_before or alone):
            return Hit(f"cagr({hit.value})", min(hit.start, mark.start), max(hit.end, mark.end), hit.words)
        if mark.value in ("growth", "yoy") and (just_after or just_before or alone):
            return Hit(f"growth({hit.value})", min(hit.start, mark.start), max(hit.end, mark.end), hit.words)
    return hit


def in_times(formula: str, name: str) -> str:
    """A quotient in times rather than in percent where what it defines is measured so, as a turnover is."""
    known, tree = metric_named(name), parse(formula)
    turns = isinstance(tree, Binary) and tree.left in _SALES and tree.sign == "/" and kind_of(tree.right) == "stock"
    in_times = turns or "turnover" in name or (known != "" and catalogue()[known].unit == "times")
    return as_multiple(formula) if in_times else formula


_SALES = (Ref("revenue"), Ref("cost_of_revenue"))
_DAYS = re.compile(r"\b(?:how many|number of|in) days\b")


def in_days(formula: str, name: str, low: str) -> str:
    """A quotient of a balance and a flow in days, where what it defines is measured so or days are asked for."""
    known, tree = metric_named(name), parse(spelt(formula))
    asked = _DAYS.search(low) or (known and catalogue()[known].unit == "days")
    if not asked or not isinstance(tree, Binary) or tree.sign != "/" or unit_of(tree) not in ("percent", "times"):
        return formula
    kinds = kind_of(tree.left), kind_of(tree.right)
    if sorted(kinds) != ["flow", "stock"]:
        return formula
    year, turns = (360 if re.search(r"\b360[- ]days?\b", low) else 365), kinds[0] == "flow"
    return simplest(f"{year} / ({formula})" if turns else f"{year} * ({formula})")


_LEFT = re.compile(r"\b(?:remain(?:s|ed)?|(?:is|was|be|been|have|had|were) left|left over)\b")
_LISTED = re.compile(r"\W*(?:(?:and|or|its|the|average|mean|both|as well as)\W*)*")


def lost_step(slots: Slots, query: Query) -> str:
    """Words that ask to take one figure off another, or to average what a ratio is over, where the query does not."""
    plain = len(query.metrics) > 1 and query.operation in ("none", "mean") and query.scope == "named"
    if not plain or any(" - " in each for each in query.metrics):
        return ""
    if query.operation == "none":
        return found.group() if (found := _LEFT.search(slots.low)) else ""
    hits = sorted(slots.metrics, key=lambda hit: hit.start)
    apart = any(not _LISTED.fullmatch(slots.low, one.end, two.start) for one, two in pairwise(hits))
    inputs = {name for each in query.metrics if spelt(each) != each for name in references(parse(spelt(each)))}
    mark = slots.at("mean")
    return mark.words if mark and apart and inputs.intersection(query.metrics) else ""


def of_short_years(slots: Slots) -> None:
    """`Assume a 360-day year`: ratios in days are computed with it."""
    for hit in list(slots.metrics) if re.search(r"\b360[- ]days?\b", slots.low) else ():
        if described(hit.value).unit == "days" and "365" in spelt(hit.value):
            slots.metrics[slots.metrics.index(hit)] = replace(hit, value=spelt(hit.value).replace("365", "360"))
            slots.loose = [word for word in slots.loose if word.text != "360"]


def metric_named(name: str) -> str:
    """The metric whose name ends the words."""
    words = words_of(name)
    found = (metric_phrases("en").longest(words, at) for at in range(len(words)))
    return next((each[1] for each in found if each), "")


def of_whole_span(metrics: list[str], where: Sequence[Filter], periods: Sequence[str]) -> tuple[list[str], Operation]:
    """`more than 40% from 2020 to 2024` is a condition on one change, not on that of each year."""
    span = len(periods) == 1 and isinstance(parse_periods(periods[0]), Span)
    if span and len(metrics) == 1 and metrics[0].startswith("growth(") and not any(each.period for each in where):
        return [metrics[0].removeprefix("growth(").removesuffix(")")], "growth"
    return metrics, "none"


def trailing(slots: Slots, metrics: Sequence[str], periods: list[str]) -> list[str]:
    """`net income in the last four quarters`: what four quarters add up to, unless they are asked one by one."""
    adds = all(described(each).kind in ("flow", "per_share") for each in metrics)
    apart = slots.says(SAID["one_by_one"]) or slots.has("trend", "growth", "yoy", "qoq", "mean", "median", "cagr")
    return ["TTM"] if periods == ["last 4 quarters"] and adds and not apart else periods


def compared(periods: list[str], metrics: Sequence[str]) -> list[str]:
    """`growth, FY2023 versus FY2022`: the later year's growth is that against the one before it."""
    growth = any(each.startswith("growth(") or each.endswith("_growth") for each in metrics)
    years = [value for text in periods if isinstance(value := parse_periods(text), Period) and value.year]
    if not growth or len(years) != 2 or len(periods) != 2 or abs(years[0].year - years[1].year) != 1:
        return periods
    return [str(max(years, key=lambda each: each.year))]
