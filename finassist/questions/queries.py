"""Queries for figures: of named companies, of all companies, and figures to weigh a judgement by."""

from __future__ import annotations

import re
from collections.abc import Mapping

from finassist.analysis.conditions import ONCE
from finassist.analysis.windows import OF_ALL_CLOSES
from finassist.core.metrics import described
from finassist.core.periods import Span
from finassist.core.query import Operation, Query
from finassist.questions.conditions import (
    asks_over_time,
    counted_moves,
    filters,
    of_conditions,
    ranked_by,
    supposed,
)
from finassist.questions.expressions import compared, expressions, inside_a_rank, joined_rank, of_whole_span, trailing
from finassist.questions.grammar import DEFINE, DOCUMENT, SAID
from finassist.questions.leftover import unplaced
from finassist.questions.metrics import asks_statement, without_parts
from finassist.questions.numbers import invested, more_than_before, since_bought
from finassist.questions.operations import (
    BY_QUARTERS,
    OF_MARKET,
    direction_of,
    intent_of,
    of_a_high,
    of_closes,
    of_each_other,
    operation_of,
    periods_of,
    spans,
)
from finassist.questions.periods import moved, shift_of
from finassist.questions.quarters import part_of_year, quarterly, with_the_one_before
from finassist.questions.refusals import alternatives, no_first_day, years_ahead
from finassist.questions.scan import settle_market_words
from finassist.questions.slots import Slots, Understanding, hits_of, refuse
from finassist.questions.tokenizer import Hit

_MOST_METRICS = 8
_MOST_COLUMNS = 4


def answer_to(slots: Slots) -> Understanding:
    """What one question that is complete by itself asks."""
    if (defined := _definition(slots)) is not None:
        return defined
    if is_judgement(slots):
        return _judgement(slots)
    settle_market_words(slots)
    if slots.metrics and not slots.says(SAID["first_time"]):
        slots.periods = part_of_year(slots) or slots.periods
    if slots.about and asks_statement(slots):
        return Understanding(document="report", decided="statement")
    if slots.metrics == hits_of(["price_change"]) and slots.stake and not slots.points:
        words = slots.stake.words
        return refuse(words, "period", f"“{words}” since when? Name the day, the month or the year of the purchase")
    if slots.asks_all:
        return screen(slots)
    if not slots.about:
        return Understanding(decided="no company")
    return _about_a_company(slots) if not slots.metrics else _figures(slots)


# ------------------------------------------------------------------------------------------- definitions


def _definition(slots: Slots) -> Understanding | None:
    both = "diff" in slots.low and " and " in slots.low
    explain = [hit.value for hit in slots.metrics[: 2 if both else 1]]
    if not explain or not slots.asks_definition or (slots.about and slots.directions):
        return None
    if slots.about:
        query = _query(slots)
        defined = query.model_copy(update={"explain": explain})
        return Understanding((defined,), decided="definition with a figure")
    if slots.periods or slots.asks_set or _asks_a_price(slots, explain):
        return None
    query = Query(intent="define", explain=explain, language=slots.language)
    return Understanding((query,), decided="definition")


def _asks_a_price(slots: Slots, explain: list[str]) -> bool:
    """`What is the price?` asks for that of a company; `What is a share price?` for the meaning."""
    asked = re.search(r"\bthe (?:current |latest )?(?:share |stock )?price\b", slots.low)
    return explain == ["price"] and asked is not None and not slots.says(DEFINE)


# -------------------------------------------------------------------------------------------- judgements

_HEALTH = ["debt_to_equity", "net_margin", "operating_cash_flow", "cash_and_equivalents", "long_term_debt", "equity",
           "net_income"]  # fmt: skip
_VALUATION = ["pe", "ps", "pb", "dividend_yield", "market_cap"]


def is_judgement(slots: Slots) -> bool:
    """Whether it asks to weigh a company: `Should I buy Apple?`, `Is it overvalued?`."""
    if not slots.about or slots.has("rank") or slots.asks_set or slots.stake:
        return False
    text = slots.bare
    if not SAID["should_i"].search(text) or SAID["not_should_i"].search(text):
        return False
    if any("clos" in hit.words for hit in slots.metrics):
        return False
    weak = not slots.metrics or all(hit.value in ("price", "market_cap") for hit in slots.metrics)
    return weak or SAID["in_judgement"].search(text) is not None


def _judgement(slots: Slots) -> Understanding:
    own = [hit.value for hit in slots.metrics]
    usual = _HEALTH if SAID["health"].search(slots.bare) else _VALUATION
    query = Query(
        intent="judge",
        metrics=list(dict.fromkeys([*own, *usual]))[:_MOST_METRICS],
        companies=slots.about[:5],
        periods=periods_of(slots) if bool(slots.points) else [],
        language=slots.language,
    )
    return Understanding((query,), decided="judgement")


# -------------------------------------------------------------------------------- a company and no metric

_NEEDS_A_METRIC = ("cagr", "growth", "yoy", "difference", "times", "share", "mean", "sum", "median")


def _about_a_company(slots: Slots) -> Understanding:
    """A document; but a period or an operation without a metric never falls back to one."""
    ends = [each.value.end if isinstance(each.value, Span) else each.value for each in slots.periods]
    if any("close" in each.words for each in slots.periods):
        slots.metrics = hits_of(["price"])
        return _figures(slots)
    moved = slots.several and slots.directions and slots.says(SAID["moved_themselves"])
    if slots.has("growth", "difference") and (moved or re.search(r"\b(?:stocks?|shares?)\b", slots.low)):
        slots.metrics = hits_of(["price_change"])
        return _figures(slots)
    if slots.amounts and slots.says(SAID["grew"]):
        slots.metrics = hits_of(["revenue"])
        return _figures(slots)
    days = any(end.kind in ("day", "month", "days ago", "months ago") for end in ends)
    if days and (spans(slots) or slots.has("growth", "difference")):
        slots.metrics = hits_of(["price_change"])
        return _figures(slots)
    if (days or any(end.kind == "end" for end in ends)) and re.search(r"\b(?:stocks?|shares?)\b", slots.low):
        slots.metrics = hits_of(["price"])  # `Deere stock at the end of June 2023?`
        return _figures(slots)
    if slots.has(*_NEEDS_A_METRIC) or slots.amounts:
        words = next(hit.words for hit in (*slots.operations, *slots.amounts))
        reason = f"“{words}” of what? Name a figure, such as revenue or net income"
        return refuse(words, "metric", reason, "operation without a metric")
    if bool(slots.points) and not slots.says(DOCUMENT):
        asked = " ".join(slots.text[start:end] for start, end in unplaced(slots))
        named = f"“{asked}” is not in the data. " if asked else ""
        reason = f"{named}Which figure? Name one, such as revenue, net income or share price"
        return refuse(asked or slots.periods[0].words, "metric", reason, "period without a metric")
    return Understanding(document="report", decided="company alone")


# ------------------------------------------------------------------------------------------- all companies


def screen(slots: Slots) -> Understanding:
    """A rank or a screen of all companies."""
    joined = joined_rank(slots)
    rank = joined or inside_a_rank(slots)
    metrics, where = filters(slots, expressions(slots))
    where = [*rank, *where]
    if (than := more_than_before(slots, metrics)) and not where:
        metrics, where = [than.metric], [than]
    if len(where) > 1 and (either := alternatives(slots)):
        return either
    shown = metrics or list(dict.fromkeys(each.metric for each in where))
    if shown and len(where) - len(rank) < len(slots.amounts):
        words = ", ".join(hit.words.strip() for hit in slots.amounts)
        reason = f"“{words}” is a condition without its figure. Name the figure, as in “net margin above 30%”"
        return refuse(words, "not understood", reason, "amount without a metric")
    if not shown:
        return Understanding(decided="screen without a metric")
    by = ranked_by(slots, where)
    shown = [by, *(each for each in shown if each != by)] if by else shown
    direction, ordered = direction_of(slots, shown[0])
    if where and not ordered and where[0].metric == shown[0]:
        direction = -1 if where[0].comparator in ("<", "<=") else 1
    rate = any(each.metric.startswith("cagr(") for each in where)
    operation: Operation = "count" if slots.has("count") else "none" if rate else _set_operation(slots)
    operation = "sum" if joined and operation == "none" else operation
    plural = not slots.says(SAID["one_of_set"]) and slots.says(SAID["several_of_set"])
    default = 1 if ordered and (by or not where) and not plural else None if where and not by else 10
    own = [each.period for each in where if each.period]
    periods = own[-1:] or trailing(slots, shown, compared(periods_of(slots), shown))
    every = bool(where) and slots.says(SAID["every"])
    query = Query(
        intent="screen" if where else "rank",
        metrics=shown[:_MOST_COLUMNS],
        scope="universe",
        sectors=list(dict.fromkeys(hit.value for hit in slots.sectors)),
        periods=periods or ["last 5 years"] if every else periods,
        where=where,
        order=direction,
        every=every,
        limit=None if operation not in ("none", "cagr") else slots.limit.value if slots.limit else default,
        operation=operation,
        unit=slots.unit,
        decimals=slots.decimals,
        language=slots.language,
    )
    return Understanding((query,), decided="universe")


def _set_operation(slots: Slots) -> Operation:
    if slots.has("cagr"):
        return "cagr"
    if slots.has("median"):
        return "median"
    if slots.has("mean"):
        return "mean"
    summed = slots.has("sum") or slots.says(SAID["total_of_all"])
    return "sum" if summed and not slots.directions else "none"


# ----------------------------------------------------------------------------------------- named companies


def _figures(slots: Slots) -> Understanding:
    query = _query(slots)
    if pairs := _pairs(slots, query):
        return Understanding(tuple(pairs), decided="pairs")
    if refusal := years_ahead(slots, query.operation) or no_first_day(query):
        return refusal
    both = query.operation in ("high", "low") and slots.says(SAID["high_and_low"])
    queries = [query.model_copy(update={"operation": each}) for each in ("high", "low")] if both else [query]
    return Understanding(tuple(queries), decided="figures")


def _pairs(slots: Slots, query: Query) -> list[Query]:
    """`the correlation between Coke and Pepsi`: of each with each other, not of each with the market."""
    if query.metrics != ["correlation"] or slots.says(SAID["the_market"]):
        return []
    changes = {"intent": "value", "order": 0, "expects": 0}
    pairs = [(query.companies[:at], other) for at, other in enumerate(query.companies) if at]
    return [query.model_copy(update={**changes, "companies": own, "benchmark": other}) for own, other in pairs]


def _query(slots: Slots) -> Query:
    metrics = _settled(slots, without_parts(slots, expressions(slots)))
    over_time = asks_over_time(slots)
    metrics, where = filters(slots, metrics) if slots.amounts or over_time else (metrics, [])
    metrics = list(dict.fromkeys(each.metric for each in where)) or metrics
    metrics, operation = _operated(slots, metrics)
    operation = of_conditions(slots) if where else operation
    counted, of_moves, steps = counted_moves(slots, metrics, where)
    if steps:
        metrics, where, operation = [counted], of_moves, "count"
    if (slots.unit == "times" or slots.has("times")) and operation == "none":
        metrics = [f"times({each})" if described(each).unit == "percent" else each for each in metrics]
    periods = periods_of(slots)
    if where and operation == "none" and not over_time and not steps and not slots.says(SAID["every"]):
        metrics, operation = of_whole_span(metrics, where, periods)
    if where and operation in ONCE:
        periods = [str(each.value) for each in slots.points]
    over_time = not steps and (over_time or operation in ONCE)
    if where and metrics[0] != "price" and not periods and over_time:
        periods = ["last 12 years"]
    held = slots.stake is not None and metrics[0] != "price"
    later = periods and not slots.says(SAID["cost_then"])
    if later and (held or (invested(slots) and metrics[0] in OF_MARKET and len(periods) == 1)):
        periods = since_bought(slots, periods)
    if operation == "times" and metrics == ["price"] and len(periods) == 1:
        periods = periods[0].split(":")
    if operation in ("none", "sum") and not (where or (slots.several and operation == "sum")):
        periods, operation = trailing(slots, metrics, periods), "none" if periods == ["last 4 quarters"] else operation
    if not periods and operation == "none" and not where and (shift := shift_of(slots)) and shift[0] < 0:
        periods = moved(["latest quarter" if shift[1] == "quarter" else "latest"], shift)
    if operation == "growth" and slots.has("qoq") and len(periods) == 1:
        periods = with_the_one_before(periods[0])
    counts_quarters = operation in ("count", *ONCE) and not steps and slots.says(BY_QUARTERS)
    each = operation in ("none", "mean", "max", "min", "sum") and slots.has("trend")
    if counts_quarters or slots.says(SAID["which_quarter"]) or (each and slots.says(SAID["by_quarter"])):
        periods = quarterly(periods, 40 if operation in ("max", "min", *ONCE) else 8)
    if where and metrics == ["price"] and operation == "none" and slots.says(SAID["all_time"]):
        operation = "first"  # `has it ever closed above $200?`
    periods = of_a_high(slots, periods, operation) if metrics[0] in ("price", "from_high", "from_low") else periods
    if operation in ("best year", "worst year"):
        periods = [text for text in periods if ":" in text or text.startswith("last ")] or periods
    intent, direction = intent_of(slots, metrics, operation)
    if operation == "none" and len(slots.points) < 2 and of_each_other(slots, metrics):
        intent, direction = "compare", direction_of(slots, metrics[0])[0]
    fewer = slots.limit and intent in ("rank", "compare") and slots.limit.value < len(slots.about)
    return Query(
        intent=intent,
        metrics=metrics[:_MOST_METRICS],
        companies=slots.about,
        periods=periods,
        operation=operation,
        where=where,
        order=direction,
        expects=supposed(slots, intent, operation),
        limit=slots.limit.value if slots.limit and fewer else None,
        stake=slots.stake.value if slots.stake else "",
        unit=(metrics[0] == "price" and of_closes(slots, operation)) or steps or slots.unit,
        language=slots.language,
        decimals=slots.decimals,
        every=operation in ("trend", "none") and slots.says(SAID["every"]),
    )


def _settled(slots: Slots, metrics: list[str]) -> list[str]:
    """Growth of several lines of one company is an operation on them; shares of a past year are diluted ones."""
    past = bool(slots.points)
    metrics = ["shares_diluted" if past and each == "shares_outstanding" else each for each in metrics]
    if len(metrics) > 1 and not slots.several and all(each.startswith("growth(") for each in metrics):
        slots.operations.append(Hit("growth", 0, 0, "growth"))
        return [each[7:-1] for each in metrics]
    return metrics


def _operated(slots: Slots, metrics: list[str]) -> tuple[list[str], Operation]:
    if metrics[0] in OF_ALL_CLOSES or metrics[0] == "annual_return":
        return metrics, "none"
    points = len(slots.points)
    if points == 2 and slots.has("growth", "yoy") and slots.says(SAID["each_of_two"]):
        return [f"growth({each})" for each in metrics], "none"
    if (points == 2 or (points == 1 and spans(slots))) and not slots.several and slots.says(SAID["faster"]):
        return [f"growth({metrics[0]})"], "difference"
    faster = slots.says(SAID["faster"]) or (slots.directions and slots.says(SAID["how_much_apart"]))
    if len(slots.about) == 2 and points < 2 and faster and slots.has("growth") and metrics[0] not in OF_MARKET:
        return [f"growth({metrics[0]})"], "difference"  # `which grew faster, and by how many points?`
    operation = operation_of(slots, metrics)
    ratio = described(metrics[0]).unit in ("percent", "points")
    if _of_growth(slots, operation) and not (ratio and operation == "difference"):
        return [f"growth({metrics[0]})"], operation
    if operation == "growth" and points > 1 and metrics[0] not in OF_MARKET and slots.says(SAID["in_turn"]):
        return [f"growth({each})" for each in metrics], "none"
    if operation == "growth" and metrics[0] in ("price", "price_change"):
        return ["price_change", *metrics[1:]], "none"
    if operation == "difference" and metrics[0] == "price_change" and not slots.several:
        return ["price", *metrics[1:]], operation
    plus = (slots_sum := slots.at("sum")) and slots_sum.words in _ADDING
    minus = (mark := slots.at("difference")) and mark.words == "minus"
    sign = _BETWEEN_METRICS.get(operation)
    if operation == "none" and (plus or minus):
        sign = "+" if plus else "-"
    terms = slots.low.count(" minus ") + 1 if sign == "-" else slots.low.count(" plus ") + 1
    several = len(metrics) == 2 or (len(metrics) > 2 and len(metrics) == terms)
    if sign and points < 2 and several and not slots.several and not spans(slots):
        turned = sign == "-" and slots.says(SAID["from_it"])  # `subtract A from B`
        return _joined(metrics[::-1] if turned else metrics, sign, operation)
    return metrics, operation


def _of_growth(slots: Slots, operation: str) -> bool:
    """`in which year did revenue grow fastest`, `the gap in revenue growth`: of growth, not of the figure."""
    if operation in ("max", "min"):
        return slots.has("growth", "yoy") or slots.says(SAID["moves_most"])
    points = len(slots.points) < 2 and (slots.says(SAID["of_growth"]) or slots.says(SAID["faster"]))
    return operation in ("difference", "range") and slots.several and points


_ADDING = frozenset({"plus", "sum", "sum of", "combined", "together", "added", "add", "add up", "adding"})
_BETWEEN_METRICS: Mapping[str, str] = {"difference": "-", "times": "/", "sum": "+"}


def _joined(metrics: list[str], sign: str, operation: Operation) -> tuple[list[str], Operation]:
    """`by how much did operating cash flow exceed net income`: one metric less the other, if both have one unit."""
    if len({described(each).unit for each in metrics}) > 1:
        return metrics, operation
    made = f" {sign} ".join(metrics)
    return [f"times({made})" if sign == "/" else made], "none"
