"""A question that is incomplete by itself: what of the one before it is kept. `editing` says what is replaced. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from finassist.core.metrics import described
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Choice, Query
from finassist.questions.editing import edited, in_another_form, of_totals, other_stake, part_of_total, shown_otherwise
from finassist.questions.grammar import DOCUMENT, POINTS_BACK, SAID
from finassist.questions.metrics import asks_statement, of_price
from finassist.questions.operations import direction_of, periods_of
from finassist.questions.periods import Shift, moved, shift_of
from finassist.questions.quarters import parts_of
from finassist.questions.queries import answer_to, is_judgement, screen
from finassist.questions.slots import Found, Slots, Understanding, hits_of, nth_shown, refuse
from finassist.questions.terms import Figure
from finassist.symbols import directory
from finassist.symbols.names import common_words

_SHORT = 6
"""A question of so few words may be incomplete without pointing back."""

_SAME_QUARTER = re.compile(r"\bsame (?:fiscal |calendar )?quarter (?:of|in|for) (?:fiscal |fy ?)?(?P<year>20\d\d)\b")
_ABOUT = re.compile(
    r"^\W*(?:please )?(?:tell me (?:everything |all |more )?about|(?:give me )?(?:an? |full )*(?:report|overview))\b"
)


def follow_up(slots: Slots) -> Understanding | None:
    """The understanding of a question that inherits from the last one; `None` where it stands alone."""
    memory = slots.memory
    last = memory.queries[0] if memory.queries else None
    of_term = memory.term and (not last or slots.says(POINTS_BACK["term"]))
    if of_term and slots.about and not (slots.metrics or _asks_document(slots)) and _points_back(slots, None):
        slots.metrics = hits_of([memory.term])
        return answer_to(slots)
    if not last and not memory.companies:
        return None
    if last and last.metrics and slots.says(POINTS_BACK["why"]):
        queries = tuple(query.model_copy(update={"proof": True}) for query in memory.queries)
        return Understanding(queries, decided="follow-up")
    if last and (settled := _which_other(slots, last) or in_another_form(slots)):
        return settled
    if slots.low.lstrip().startswith("now "):
        slots.periods = [each for each in slots.periods if each.words != "now"]
    if last and not slots.points and (parts := parts_of(slots, last.periods or ["latest"])):
        slots.periods = parts
    own = slots.about and slots.metrics and not slots.points
    if last and own and (when := POINTS_BACK["same_time"].search(slots.low)):
        if when.group().endswith(("day", "date")) and not re.search(r"\d-\d\d-\d\d", " ".join(last.periods)):
            return refuse(when.group(), "period", f"“{when.group()}” is not clear here. Name the day")
        slots.periods = _of_that_time(when, last) or slots.periods
    if last and (same := _SAME_QUARTER.search(slots.low)):
        before = parse_periods(last.periods[-1]) if last.periods else None
        if isinstance(before, Period) and before.kind in ("quarter", "calendar quarter"):
            slots.periods = [Found(replace(before, year=int(same["year"])), *same.span(), same.group())]
    if last and not slots.periods and (end := POINTS_BACK["end_of_year"].search(slots.low)):
        years = [each.year for each in map(_last_of, last.asked()) if each.year]
        slots.periods = [Found(Period("end", year), *end.span(), end.group()) for year in years[-1:]]
    shift = None if slots.has("yoy") else shift_of(slots)
    _with_or_without(slots, last)
    if _stands_alone(slots, shift):
        return None
    among = last is not None and (last.scope == "universe" or len(last.companies) > 1) and not slots.about
    if last and among and slots.metrics and slots.says(POINTS_BACK["by_metric"]):
        metrics = [hit.value for hit in slots.metrics]
        ordered: dict[str, Any] = {"metrics": metrics, "order": direction_of(slots, metrics[0])[0]}
        plain = {"operation": "none"} if last.operation == "count" else {}
        ordered |= {"periods": periods_of(slots)} if slots.periods else {}
        ordered |= plain if last.scope == "universe" else {"intent": "compare", "operation": "none"}
        return Understanding((last.model_copy(update=ordered),), decided="follow-up")
    alone = not (slots.metrics or slots.about)
    if last and last.scope == "universe" and alone and (query := _of_the_same_set(slots, last)):
        return Understanding((query,), decided="follow-up")
    if last and last.metrics and _same_of_a_set(slots):
        slots.metrics = hits_of(last.metrics[:1])
        return screen(slots)
    if not _points_back(slots, shift):
        return None
    named = bool(slots.about)
    found = _completed(slots, _of_its_extreme(slots, last, shift), shift)
    if found is None and last and last.metrics and not (named or slots.says(DOCUMENT)):
        words = slots.text.strip(" ?.!")
        reason = f"“{words}” was not understood after the question before: name a figure, a company or a period"
        return refuse(words, "not understood", reason, "not a change of the last question")
    return found


def _of_the_same_set(slots: Slots, last: Query) -> Query | None:
    """`and in 2022?`, `only those above $2 trillion` after a rank or a screen: that of another year, or narrowed."""
    if slots.amounts and not slots.periods and last.metrics:
        metric = last.metrics[0]
        percent = described(metric).unit == "percent"
        own = [hit.value.on(metric, percent=percent) for hit in slots.amounts]
        return last.model_copy(update={"where": [*last.where, *own]})
    if last.where and slots.says(POINTS_BACK["how_many"]):
        return last.model_copy(update={"operation": "count", "limit": None})
    again = slots.says(POINTS_BACK["same_list"]) or slots.says(POINTS_BACK["opener"])
    other = slots.periods or slots.sectors
    if not (again and other) or _group(slots) or slots.says(POINTS_BACK["them"]) or slots.operations:
        return None
    changes: dict[str, Any] = {"periods": periods_of(slots)} if slots.periods else {}
    changes |= {"sectors": list(dict.fromkeys(hit.value for hit in slots.sectors))} if slots.sectors else {}
    return last.model_copy(update=changes)


def _of_its_extreme(slots: Slots, last: Query | None, shift: Shift | None) -> Query | None:
    """After `in which year was revenue highest?` that year is meant by `in that year` and `the year after`."""
    extreme = (
        last is not None and last.operation in ("max", "min") and re.fullmatch(r"FY\d{4}|Q\d \d{4}", slots.memory.when)
    )
    if last is None or not extreme or not (shift or slots.says(POINTS_BACK["same_time"])):
        return last
    return last.model_copy(update={"periods": [slots.memory.when], "operation": "none"})


def _last_of(value: Period | Span) -> Period:
    return value.end if isinstance(value, Span) else value


def _of_that_time(found: re.Match[str], last: Query) -> list[Found]:
    """`and Southwest's assets that year?`: also a question with its own company and metric keeps the periods."""
    asked = [parse_periods(text) for text in last.periods]
    ends = [each.end if isinstance(each, Span) and each.end.kind == "day" else each for each in asked]
    days = [each for each in ends if isinstance(each, Period) and each.year]
    years = [str(value.year) for value in days] if found.group().endswith("year") else []
    read = [value for text in years or last.periods if (value := parse_periods(text))]
    return [Found(value, *found.span(), found.group()) for value in read]


def _which_other(slots: Slots, last: Query) -> Understanding | None:
    """`Back to the other one` after two companies together: either may be meant, so both are offered."""
    other = POINTS_BACK["other"].search(slots.low)
    own = slots.about or slots.metrics or slots.operations or slots.directions or nth_shown(slots)
    if other is None or own or last.scope != "named" or len(last.companies) != 2:
        return None
    alone = {
        "intent": "value",
        "order": 0,
        "operation": "none" if last.operation in ("difference", "times") else last.operation,
    }
    named = [(company.name if (company := directory().lookup(each)) else each, each) for each in last.companies]
    choices = (
        Choice(f"{name} ({each})", (last.model_copy(update={"companies": [each], **alone}),)) for name, each in named
    )
    reason = f"“{other.group()}” may be {' or '.join(name for name, _ in named)}: name one"
    return replace(refuse(other.group(), "company", reason, "several fit"), choices=tuple(choices))


def _stands_alone(slots: Slots, shift: Shift | None) -> bool:
    """A question with its own company and metric or kind of document, or with several companies, inherits nothing."""
    if slots.about and not slots.metrics and _asks_document(slots):
        return True
    if is_judgement(slots):
        return True
    if slots.several and not slots.metrics and not slots.says(POINTS_BACK["opener"]):
        return True
    returns = slots.says(POINTS_BACK["returns"]) or slots.says(POINTS_BACK["drops"])
    return bool(slots.metrics and slots.about) and not ((shift or returns) and not slots.periods)


def _with_or_without(slots: Slots, last: Query | None) -> None:
    """`add Ford`, `leave Ford out`: the companies of the last question with those that are named, or without them."""
    if not last or not slots.about:
        return
    if slots.says(POINTS_BACK["adds"]) and not slots.metrics:
        slots.about = list(dict.fromkeys([*last.companies, *slots.about]))
    elif slots.says(POINTS_BACK["drops"]):
        slots.about = [each for each in last.companies if each not in slots.about] or last.companies


def _group(slots: Slots) -> bool:
    return slots.says(POINTS_BACK["group"])


def _same_of_a_set(slots: Slots) -> bool:
    """`Which company had the highest?`, `How about utilities?`: the metric of the last question, of all companies."""
    if slots.sectors and not slots.metrics and not slots.about and slots.says(POINTS_BACK["opener"]):
        return True
    own = slots.metrics or slots.about or _compares(slots)
    back = _group(slots) or slots.says(POINTS_BACK["them"])
    return slots.asks_set and bool(slots.directions) and not own and not back


def _asks_document(slots: Slots) -> bool:
    return slots.says(_ABOUT) or asks_statement(slots)


def _points_back(slots: Slots, shift: Shift | None) -> bool:
    group, back = _group(slots), slots.says(POINTS_BACK["back"])
    if not slots.about:
        if _compares(slots):
            return True
        if slots.asks_all and not group and not slots.says(POINTS_BACK["them"]):
            return False
        if slots.asks_definition and not back:
            return False
        if slots.unmatched and not slots.metrics:
            return False
    if slots.says(POINTS_BACK["opener"]) or back or shift or group or _lacks_only_its_company(slots):
        return True
    short = sum(not word.mark for word in slots.words) <= _SHORT
    by_period = any(slots.says(POINTS_BACK[each]) for each in ("by_quarter", "by_year", "as_chart", "as_table"))
    when = slots.points or (slots.periods and not slots.loose)  # “now” alone, not “What is inflation now?”
    own = by_period or slots.about or slots.metrics or when or slots.operations or slots.directions
    return short and bool(own)


def _compares(slots: Slots) -> bool:
    """`so whose is lower?`, `which has the best margin?`: what compares the companies of the last turns."""
    words = {hit.words for hit in slots.directions}
    own = slots.sectors or slots.limit or slots.amounts
    earlier = [*slots.memory.companies, *(slots.memory.queries[0].companies if slots.memory.queries else ())]
    which = words and {hit.value for hit in slots.sets} == {"which"}
    return bool(words & _COMPARATIVES or which) and len(set(earlier)) > 1 and not own


_COMPARATIVES = frozenset(
    ["ahead", "behind", "higher", "lower", "larger", "smaller", "bigger", "better", "worse", "more", "less", "greater",
     "faster", "slower", "cheaper", "stronger", "weaker", "fewer"]
)  # fmt: skip


def _lacks_only_its_company(slots: Slots) -> bool:
    """`what share of the 2024 revenue remained as operating income?`: all is said but the company."""
    strange = [word for word in slots.loose if word.raw[:1].isupper() or word.text not in common_words()]
    return bool(slots.metrics) and not slots.about and not strange and not slots.unmatched


# ---------------------------------------------------------------------------------------------- completing


def _completed(slots: Slots, last: Query | None, shift: Shift | None) -> Understanding | None:
    if again := shown_otherwise(slots, last) or other_stake(slots, last):
        return again
    ordered = last is not None and last.intent in ("rank", "compare")
    one = slots.says(POINTS_BACK["placed"]) or (ordered and not slots.about and slots.says(POINTS_BACK["leader"]))
    if one and not nth_shown(slots):
        reason = "Which company is meant? The figures before have no order of companies: name one"
        return refuse(slots.text, "company", reason, "no order")
    _complete_companies(slots, last)
    if not slots.about:
        return None
    _since_last_day(slots, last)
    if is_judgement(slots):
        return answer_to(slots)
    _margin_of_last(slots, last)
    other = slots.has("share") and [hit.value for hit in slots.metrics if last and hit.value not in last.metrics[:1]]
    if last and last.metrics and other and len(slots.metrics) == 1:
        above, below = (other[0], last.metrics[0]) if slots.says(SAID["of_that"]) else (last.metrics[0], other[0])
        if last.operation == "sum" and not slots.periods:
            return of_totals(Figure(above), Figure(below), last)
        slots.metrics = hits_of([f"{above} / {below}"], slots.metrics[0].words)
    if not slots.metrics and not slots.amounts:
        return part_of_total(slots, last) or edited(slots, last, shift) if last else None
    made = answer_to(slots)
    if slots.periods or not last:
        return made
    when = POINTS_BACK["same_time"].search(slots.low)
    then = when or nth_shown(slots)
    carried = [] if last.scope == "universe" and not then else list(last.periods)
    made = _of_several(slots, made) if len(carried) > 1 or ":" in "".join(carried) else made
    if when and of_price(last) and made.queries and described(made.queries[0].metrics[0]).kind != "price":
        carried = [str(each.value) for each in _of_that_time(when, last)]  # `EPS of that year`, after a price
    there = moved(last.periods or ["latest"], shift, of_price=of_price(last)) if shift else carried
    if shift and shift[1] == "year" and made.queries and made.queries[0].operation in ("high", "low", "mean", "range"):
        there = [text[:4] if re.fullmatch(r"\d{4}-\d\d(-\d\d)?", text) else text for text in there]
    made = _with_periods(made, there, last)
    return _in_the_same_order(slots, made, last)


_DAYS = ("day", "month", "end")


def _since_last_day(slots: Slots, last: Query | None) -> None:
    """`by what percent had it moved by 30 December?` after a close of June: from that close to the new day."""
    moves = slots.has("growth", "difference", "yoy") or slots.says(SAID["by_how_much"])
    if not last or not of_price(last) or len(slots.points) != 1 or not moves:
        return
    before, new = parse_periods(last.periods[-1]) if last.periods else None, slots.points[0]
    first = (before.start or before.end) if isinstance(before, Span) else before
    if first is None or not isinstance(new.value, Period) or {first.kind, new.value.kind} - {*_DAYS}:
        return
    start, end = first.last_day(), new.value.last_day()
    if start and end and start < end:
        slots.periods = [replace(new, value=parse_periods(f"{start}:{end}"))]


def _of_several(slots: Slots, made: Understanding) -> Understanding:
    """`and the sum of its cash flow over the same years?`: what is done to the periods that are carried over."""
    operation = "sum" if slots.has("sum") else "mean" if slots.has("mean") else ""
    if not operation or not made.queries or made.queries[0].operation != "none":
        return made
    query = made.queries[0].model_copy(update={"operation": operation, "intent": "value"})
    return replace(made, queries=(query, *made.queries[1:]))


def _in_the_same_order(slots: Slots, made: Understanding, last: Query) -> Understanding:
    """`now by net margin` after a rank is a rank again."""
    again = last.intent in ("rank", "compare") and last.scope == "named" and slots.several
    if not again or not made.queries or made.queries[0].intent != "value" or made.queries[0].operation != "none":
        return made
    query = made.queries[0].model_copy(update={"intent": last.intent, "order": last.order})
    return replace(made, queries=(query, *made.queries[1:]))


_MARGINS = {
    "gross_profit": "gross_margin", "gross_margin": "gross_margin", "operating_income": "operating_margin",
    "operating_margin": "operating_margin", "ebitda": "ebitda_margin", "free_cash_flow": "fcf_margin",
    "operating_cash_flow": "ocf_margin", "pretax_income": "pretax_margin",
}  # fmt: skip


def _margin_of_last(slots: Slots, last: Query | None) -> None:
    """`as a margin?` after operating income is the operating margin."""
    margin = _MARGINS.get(last.metrics[0]) if last and last.metrics else None
    if margin and [hit.words for hit in slots.metrics] in (["margin"], ["margins"]):
        slots.metrics = hits_of([margin], "margin")


def _complete_companies(slots: Slots, last: Query | None) -> None:
    memory = slots.memory
    if slots.about:
        if last and not slots.metrics and slots.says(POINTS_BACK["against"]):
            slots.about = list(dict.fromkeys([*last.companies, *slots.about]))
        return
    if one := nth_shown(slots):
        slots.about = [one]
        return
    them, group = slots.says(POINTS_BACK["of_them"]), _group(slots)
    compared = _compares(slots) or (slots.says(POINTS_BACK["compare"]) and slots.says(POINTS_BACK["them"]))
    if (group or compared) and not them and len(memory.companies) > 1:
        slots.about = list(memory.companies)
    elif (them or group) and memory.result:
        slots.about = list(memory.result)
    elif (them or group) and len(memory.companies) > 1:
        slots.about = list(memory.companies)
    elif last and last.companies:
        slots.about = list(last.companies)
    else:
        slots.about = list(memory.companies or memory.result)


def _with_periods(made: Understanding, periods: Sequence[str], last: Query) -> Understanding:
    queries = tuple(
        query.model_copy(update={"periods": list(periods)}) if periods and _suit(query, periods, last) else query
        for query in made.queries
    )
    return replace(made, queries=queries)


def _suit(query: Query, periods: Sequence[str], last: Query) -> bool:
    """Whether carried periods suit a metric: no trading day for a statement, no quarter for a price."""
    if not query.metrics:
        return False
    market = described(query.metrics[0]).kind == "price"
    if last and last.metrics and (described(last.metrics[0]).kind == "price") == market:
        return True
    days = any(re.fullmatch(r"\d{4}-\d\d(-\d\d)?", text) or text.startswith("end") for text in periods)
    fiscal = any(text.startswith(("Q", "H", "FY", "TTM", "9M")) for text in periods)
    return not (days and not market) and not (fiscal and market)
