"""The last query with parts of it replaced: companies, periods, an operation, or the way it is shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from finassist.core.metrics import described
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Query
from finassist.questions.arithmetic import listed
from finassist.questions.grammar import POINTS_BACK, SAID
from finassist.questions.metrics import of_price
from finassist.questions.operations import direction_of, operation_of, periods_of
from finassist.questions.periods import Shift, moved
from finassist.questions.quarters import quarterly
from finassist.questions.slots import Slots, Understanding, refuse
from finassist.questions.terms import Figure, Fold, Joined, Writer, pair_of, query_of


def edited(slots: Slots, last: Query, shift: Shift | None) -> Understanding | None:
    """The last query with other companies, periods, or another way to show it."""
    changes: dict[str, Any] = {**_other_companies(slots, last), **_other_periods(slots, last, shift)}
    manner = _other_manner(slots, last, changed=bool(changes))
    if manner is None:
        return None
    if not last.metrics:
        return Understanding(document="report", decided="same document")
    query = last.model_copy(update={**changes, **manner})
    return Understanding((query,), decided="follow-up")


def _other_companies(slots: Slots, last: Query) -> Mapping[str, Any]:
    if not slots.about or slots.about == last.companies:
        return {}
    named: dict[str, Any] = {"scope": "named", "where": [], "limit": None, "intent": "value", "sectors": []}
    return {"companies": slots.about, **(named if last.scope == "universe" else {})}


def _other_periods(slots: Slots, last: Query, shift: Shift | None) -> Mapping[str, Any]:
    periods: list[str] | None = None
    if bool(slots.points):
        periods = periods_of(slots)
        if periods == last.periods and (again := slots.says(POINTS_BACK["previous"]) and parse_periods(periods[0])):
            shift = (-again.count, _UNITS.get(again.end.kind, "year")) if isinstance(again, Span) else (-1, "year")
            return {"periods": moved(periods, shift, of_price=of_price(last))}
        changes = slots.has("growth", "difference") or slots.says(SAID["by_how_much"])
        if (
            changes
            and not of_price(last)
            and len(periods) == len(last.periods) == 1
            and ":" not in periods[0] + last.periods[0]
        ):
            periods = [*periods, *(text for text in last.periods if text not in periods)]
    elif shift:
        periods = moved(last.periods or ["latest"], shift, of_price=of_price(last))
    elif slots.periods:  # `and now?`
        periods = ["latest"]
    elif len(slots.memory.periods) > 1 and slots.says(POINTS_BACK["both_periods"]):
        periods = sorted(slots.memory.periods, key=_year)
    if slots.says(POINTS_BACK["by_quarter"]):
        own = [text for text in periods or last.periods if "latest" not in text]
        return {"periods": quarterly(own), "operation": "none", "intent": "value", "order": 0}
    if periods is None and slots.says(POINTS_BACK["by_year"]):
        values = [parse_periods(text) for text in last.periods]
        periods = [f"FY{value.year}" for value in values if isinstance(value, Period) and value.year]
    return {} if periods is None else {"periods": periods}


_UNITS = {"month": "month", "day": "day", "latest quarter": "quarter"}


def shown_otherwise(slots: Slots, last: Query | None) -> Understanding | None:
    """`as a chart`, `plot it`: the same figures again; those of one year with the four before it."""
    chart, own = slots.says(POINTS_BACK["as_chart"]), slots.about or slots.metrics or slots.points or slots.operations
    whole = slots.says(POINTS_BACK["as_heat_map"])
    if chart and last is None and slots.memory.companies and not whole:
        last = Query(metrics=["revenue"], companies=list(slots.memory.companies))
    if last is None or not last.metrics or own or not (chart or slots.says(POINTS_BACK["as_table"])):
        return None
    periods = _years_to(last) if chart and not whole else None
    query = last.model_copy(update={"periods": periods}) if periods else last
    return Understanding((query, *slots.memory.queries[1:]), decided="follow-up")


_FORM_ALONE = re.compile(r"\W*(?:(?:and|now|please|but|show|give|me|it|that|again|to|in|with|rounded|usd|dollars)\W+)*")


def in_another_form(slots: Slots) -> Understanding | None:
    """`in billions, please`, `to one decimal`: the last figures again in that form."""
    asked = slots.unit or slots.decimals is not None
    rest = re.sub(r"\b(?:millions?|billions?|thousands?|per ?cent|decimals?|places?|one|two|\d)\b|%", " ", slots.low)
    if not asked or not slots.memory.queries or not _FORM_ALONE.fullmatch(f"{rest} "):
        return None
    form = {"unit": slots.unit or slots.memory.queries[0].unit, "decimals": slots.decimals}
    return Understanding(tuple(each.model_copy(update=form) for each in slots.memory.queries), decided="follow-up")


def as_waterfall(slots: Slots, query: Query) -> Query:
    """A query whose words name a waterfall: the levels from revenue to net income, of its last year."""
    if not slots.says(POINTS_BACK["as_waterfall"]) or query.scope != "named" or not query.companies:
        return query
    from finassist.reporting.charts import LEVELS

    last = parse_periods(query.periods[-1]) if query.periods else None
    year = last.end if isinstance(last, Span) else last
    period = str(year) if year and year.kind == "year" and year.year else "latest"
    plain: dict[str, Any] = {"intent": "value", "operation": "none", "order": 0, "where": []}
    return query.model_copy(update={"metrics": [*LEVELS], "periods": [period], **plain})


def other_stake(slots: Slots, last: Query | None) -> Understanding | None:
    """`and $500?`, `and with dividends?` after what an amount put into a share became."""
    paid = "dividend" in slots.low
    if not last or not last.stake or not (slots.stake or (paid and not slots.points)):
        return None
    stake, metrics = slots.stake.value if slots.stake else last.stake, ["total_return"] if paid else last.metrics
    changes: dict[str, Any] = {"stake": stake, "metrics": metrics, "companies": slots.about or last.companies}
    return Understanding((last.model_copy(update=changes),), decided="follow-up")


def _years_to(last: Query) -> list[str] | None:
    """The five years up to the one that was asked, so that a chart has something to show; `None` where it has."""
    periods = [parse_periods(text) for text in last.periods or ["latest"]]
    one = periods[0] if len(periods) == 1 and last.scope == "named" and last.operation == "none" else None
    if not isinstance(one, Period) or one.kind not in ("year", "calendar", "end", "latest"):
        return None
    if not last.metrics or described(last.metrics[0]).kind == "price":
        return None
    return [str(Span(one.moved(-4), one))] if one.year else ["last 5 years"]


def _year(text: str) -> tuple[int, int]:
    value = parse_periods(text)
    end = value if isinstance(value, Period) else value.end
    return end.year, end.number


_WHICH = re.compile(r"\W*(?:and |so )?which (?:one )?(?:was|is|were) (?:the )?\w+\W*$")
_MOVED_MORE = re.compile(
    r"\b(?:improved?|worsened?|deteriorated?|gained?|widened?|expanded?|narrowed?|shrank|rose|risen|fell|fallen|dropped)"
    r" (?:by )?(?:the )?(?:more|most|less|least)\b"
)


def _other_manner(slots: Slots, last: Query, *, changed: bool) -> Mapping[str, Any] | None:
    """Another intent or operation; `None` where nothing at all was edited."""
    of_several = len(last.periods) > 1 or any(isinstance(each, Span) for each in last.asked())
    which = slots.says(SAID["which_year"]) or (of_several and not slots.several and _WHICH.match(slots.low))
    if slots.directions and last.metrics and which:
        best = direction_of(slots, last.metrics[0])[0] >= 0
        return {"operation": "max" if best else "min", "intent": "value", "order": 0}
    if slots.directions and slots.several:
        direction = direction_of(slots, last.metrics[0])[0] if last.metrics else 1
        moved_more = slots.has("growth", "yoy") or slots.says(_MOVED_MORE)
        grown = {"operation": "growth"} if moved_more else {}
        return {"intent": "compare", "order": direction, **grown}
    if slots.says(POINTS_BACK["adds"]) or slots.says(POINTS_BACK["drops"]):
        return {}
    if slots.says(SAID["what_was_it"]) and not slots.operations:
        return {"operation": "none", "intent": "value", "order": 0}
    tagged = slots.has("growth", "yoy", "cagr", "mean", "sum", "difference", "times", "trend")
    if tagged or slots.says(SAID["by_how_much"]):
        if slots.says(POINTS_BACK["by_quarter"]):
            return {}
        operation = operation_of(slots, last.metrics or ["revenue"])
        if operation in ("none", "growth") and len(last.companies) == 2 and not slots.has("growth", "yoy", "cagr"):
            return {"operation": "difference", "intent": "value", "order": 0}
        if operation == "none" and slots.has("sum", "mean", "cagr"):  # of one figure
            return None
        return {"operation": "growth" if operation == "none" else operation, "intent": "value", "order": 0}
    if not changed:
        return None
    if slots.several and last.intent == "value" and slots.says(POINTS_BACK["compare"]):
        return {"intent": "compare", "order": 1}
    return {"intent": "value", "order": 0} if not slots.several and last.intent in ("compare", "rank") else {}


# ------------------------------------------------------------------------------- figures of the conversation

_OF_ORDER = re.compile(r"\b(?:first|second|former|latter|earlier|later|one|other)\b")
_ALSO: Mapping[str, re.Pattern[str]] = {
    "times": re.compile(r"\b(?:ratio|quotient|divide (?:them|the two|one by))\b"),
    "sum": re.compile(r"\b(?:add|total)\b"),
    "growth": re.compile(r"%|\bper ?cent(?:age)?\b(?! points?\b)"),
}
_RUN = re.compile(r"\b(?:the|all|those|these) (three|four|five)\b")
_RUNS = {"three": 3, "four": 4, "five": 5}


def of_the_pair(slots: Slots) -> Understanding | None:
    """`what is the difference?`, `add them up`: what is done to the last figures, where nothing else is named."""
    pair = pair_of(slots.memory.figures)
    if slots.metrics or slots.about or slots.points or slots.language != "en" or pair is None:
        return None
    percent = slots.says(_ALSO["growth"])
    asked = (name for name in ("cagr", "times", "mean", "sum", "difference", "growth") if _asks(slots, name))
    done = next((name for name in asked if not (name == "difference" and percent)), "")
    ordered = [hit.words for hit in slots.operands if _OF_ORDER.search(hit.words)]
    if ordered and done in ("times", "growth", "cagr"):
        reason = (
            f"“{slots.text.strip()}” was not understood: name the figures, or ask for “the first divided by the second”"
        )
        return refuse(ordered[0], "not understood", reason, "operands not read")
    figures = _alike(slots, pair) if done in ("sum", "mean") else pair
    grows = done == "growth" and not percent and pair[0].companies != pair[1].companies  # `which one grew faster?`
    query = query_of(done, figures) if done and not grows else None
    if query is None:
        return None
    common = {"unit": slots.unit, "decimals": slots.decimals}
    return Understanding((query.model_copy(update=common),), decided="follow-up")


def _asks(slots: Slots, name: str) -> bool:
    return slots.has(name) or (name in _ALSO and slots.says(_ALSO[name]))


def _alike(slots: Slots, pair: tuple[Figure, ...]) -> tuple[Figure, ...]:
    """The figures that are added up: as many as the question says, or all that were shown of the same metric."""
    figures = slots.memory.figures
    if counted := _RUN.search(slots.low):
        return figures[-_RUNS[counted[1]] :]
    if re.search(r"\b(?:two|both)\b", slots.low):
        return pair
    plain = [each for each in figures if each.metric == pair[1].metric]
    return tuple(plain) if len(plain) > 1 else pair


def part_of_total(slots: Slots, last: Query) -> Understanding | None:
    """`what share of that was paid in 2024?` after a total of several years."""
    periods = periods_of(slots)
    if last.operation != "sum" or not slots.has("share") or len(periods) != 1 or not slots.says(SAID["of_that"]):
        return None
    whole = Figure(last.metrics[0], tuple(each for value in last.asked() for each in listed(value)))
    tree = Joined("share", whole, Figure(last.metrics[0], (periods[0],)))
    formula = Writer(tree, (), last.companies[0]).formula()
    query = last.model_copy(update={"metrics": [formula], "periods": periods, "operation": "none", "intent": "value"})
    return Understanding((query,), decided="follow-up")


def of_totals(above: Figure, below: Figure, last: Query) -> Understanding:
    """`what percent of that went into capex?` after a total: one total as a share of the other."""
    periods = tuple(each for value in last.asked() for each in listed(value))
    writer = Writer(Joined("/", Fold("sum", above), Fold("sum", below)), periods, last.companies[0])
    formula = writer.formula()
    changes = {"metrics": [formula], "periods": writer.latest(), "operation": "none", "intent": "value"}
    return Understanding((last.model_copy(update=changes),), decided="follow-up")
