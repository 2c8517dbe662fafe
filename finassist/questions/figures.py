"""Queries for figures: of named companies, of all companies, and figures to weigh a judgement by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from finassist.core.metrics import described
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Operation, Query
from finassist.questions.expressions import expressions, filters
from finassist.questions.grammar import DEFINE, DOCUMENT, SAID
from finassist.questions.names import INDEX
from finassist.questions.operations import OF_MARKET, intent_of, operation_of, spans
from finassist.questions.reading import (
    Reading,
    Understanding,
    asks_definition,
    asks_universe,
    direction_of,
    has_set,
    hits_of,
    periods_of,
    refuse,
)
from finassist.questions.words import Hit

_MOST_METRICS = 8
_MOST_COLUMNS = 4


def answer_to(reading: Reading) -> Understanding:
    """What one question that is complete by itself asks."""
    if (defined := _definition(reading)) is not None:
        return defined
    if is_judgement(reading):
        return _judgement(reading)
    _settle_market_words(reading)
    if reading.symbols and asks_statement(reading):
        return Understanding(document="report", certain=reading.slots.certain, decided="statement")
    if asks_universe(reading):
        return screen(reading)
    if not reading.symbols:
        return Understanding(decided="no company")
    return _about_a_company(reading) if not reading.slots.metrics else _figures(reading)


def _settle_market_words(reading: Reading) -> None:
    """A 52-week high is a price; the level of the S&P 500 is one, its performance a change."""
    slots = reading.slots
    if week := re.search(r"\b52[- ]week (high|low)", reading.low):
        slots.metrics = [Hit("price", week.start(), week.end(), week.group())]
        slots.periods = []
    if INDEX in reading.symbols and (not slots.metrics or slots.metrics[0].value == "price"):
        moves = slots.has("growth", "yoy") or reading.several or reading.says(SAID["index_moves"])
        level = reading.says(SAID["index_level"])
        slots.metrics = hits_of(["price_change" if moves and not level else "price"], "level")


# ------------------------------------------------------------------------------------------- definitions


def _definition(reading: Reading) -> Understanding | None:
    slots = reading.slots
    both = "diff" in reading.low and " and " in reading.low
    explain = [hit.value for hit in slots.metrics[: 2 if both else 1]]
    if not explain or not asks_definition(reading):
        return None
    if reading.symbols:
        query = _query(reading)
        defined = query.model_copy(update={"explain": explain})
        return Understanding((defined,), certain=slots.certain, decided="definition with a figure")
    if slots.periods or has_set(reading) or _asks_a_price(reading, explain):
        return None
    query = Query(intent="define", explain=explain, language=slots.language)
    return Understanding((query,), certain=True, decided="definition")


def _asks_a_price(reading: Reading, explain: list[str]) -> bool:
    """`What is the price?` asks for that of a company; `What is a share price?` for the meaning."""
    asked = re.search(r"\bthe (?:current |latest )?(?:share |stock )?price\b", reading.low)
    return explain == ["price"] and asked is not None and not reading.says(DEFINE)


# -------------------------------------------------------------------------------------------- judgements

_HEALTH = ["debt_to_equity", "net_margin", "operating_cash_flow", "cash_and_equivalents", "long_term_debt", "equity",
           "net_income"]  # fmt: skip
_VALUATION = ["pe", "ps", "pb", "dividend_yield", "market_cap"]


def is_judgement(reading: Reading) -> bool:
    """Whether it asks to weigh a company: `Should I buy Apple?`, `Is it overvalued?`."""
    slots = reading.slots
    if not reading.symbols or slots.has("rank") or has_set(reading):
        return False
    text = reading.bare
    if not SAID["should_i"].search(text) or SAID["not_should_i"].search(text):
        return False
    weak = not slots.metrics or all(hit.value in ("price", "market_cap") for hit in slots.metrics)
    return weak or SAID["in_judgement"].search(text) is not None


def _judgement(reading: Reading) -> Understanding:
    own = [hit.value for hit in reading.slots.metrics]
    usual = _HEALTH if SAID["health"].search(reading.bare) else _VALUATION
    query = Query(
        intent="judge",
        metrics=list(dict.fromkeys([*own, *usual]))[:_MOST_METRICS],
        companies=reading.symbols[:5],
        periods=periods_of(reading) if any(not each.vague for each in reading.slots.periods) else [],
        language=reading.slots.language,
    )
    return Understanding((query,), certain=True, decided="judgement")


# -------------------------------------------------------------------------------- a company and no metric

_NEEDS_A_METRIC = ("cagr", "growth", "yoy", "difference", "times", "share", "mean", "sum", "median")


def _about_a_company(reading: Reading) -> Understanding:
    """A document; but a period or an operation without a metric never falls back to one."""
    slots = reading.slots
    ends = [each.value.end if isinstance(each.value, Span) else each.value for each in slots.periods]
    if slots.has("growth", "difference") and any(end.kind in ("day", "month") for end in ends):
        slots.metrics = hits_of(["price_change"])
        return _figures(reading)
    if slots.has(*_NEEDS_A_METRIC) or slots.amounts:
        words = next(hit.words for hit in (*slots.operations, *slots.amounts))
        reason = f"“{words}” of what? Name a figure, such as revenue or net income"
        return refuse(words, "metric", reason, "operation without a metric")
    if any(not each.vague for each in slots.periods) and not reading.says(DOCUMENT):
        reason = "Which figure? Name one, such as revenue, net income or share price"
        return refuse(slots.periods[0].words, "metric", reason, "period without a metric")
    return Understanding(document="report", certain=slots.certain, decided="company alone")


def asks_statement(reading: Reading) -> bool:
    """Whether a whole statement is asked for, and no single line of it."""
    flows = re.compile(r".*\bcash ?flows?(?: statements?)?$")
    return reading.says(SAID["statement"]) and all(
        flows.fullmatch(reading.low[hit.start : hit.end + 11].rstrip(" ?.")) for hit in reading.slots.metrics
    )


# ------------------------------------------------------------------------------------------- all companies


def screen(reading: Reading) -> Understanding:
    """A rank or a screen of all companies."""
    slots = reading.slots
    metrics, where = filters(reading, expressions(reading))
    shown = metrics or list(dict.fromkeys(each.metric for each in where))
    if not shown:
        return Understanding(decided="screen without a metric")
    direction, ordered = direction_of(reading, shown[0])
    if where and not ordered and where[0].metric == shown[0]:
        direction = -1 if where[0].comparator in ("<", "<=") else 1
    operation: Operation = "count" if slots.has("count") else _set_operation(reading)
    default = 1 if ordered and not where and not _plural_set(reading) else None if where else 10
    query = Query(
        intent="screen" if where else "rank",
        metrics=shown[:_MOST_COLUMNS],
        scope="universe",
        sectors=[hit.value for hit in slots.sectors],
        periods=_compared(periods_of(reading), shown),
        where=where,
        order=direction,
        limit=None if operation != "none" else slots.limit.value if slots.limit else default,
        operation=operation,
        unit=reading.unit,
        decimals=reading.decimals,
        language=slots.language,
    )
    return Understanding((query,), certain=slots.certain, decided="universe")


def _compared(periods: list[str], metrics: Sequence[str]) -> list[str]:
    """`growth, FY2023 versus FY2022`: the later year's growth is that against the one before it."""
    growth = any(each.startswith("growth(") or each.endswith("_growth") for each in metrics)
    years = [value for text in periods if isinstance(value := parse_periods(text), Period) and value.year]
    if not growth or len(years) != 2 or len(periods) != 2 or abs(years[0].year - years[1].year) != 1:
        return periods
    return [str(max(years, key=lambda each: each.year))]


def _plural_set(reading: Reading) -> bool:
    return not reading.says(SAID["one_of_set"]) and reading.says(SAID["several_of_set"])


def _set_operation(reading: Reading) -> Operation:
    slots = reading.slots
    if slots.has("median"):
        return "median"
    if slots.has("mean"):
        return "mean"
    return "sum" if slots.has("sum") and not slots.directions else "none"


# ----------------------------------------------------------------------------------------- named companies


def _figures(reading: Reading) -> Understanding:
    query = _query(reading)
    both = query.operation in ("high", "low") and reading.says(SAID["high_and_low"])
    queries = [query.model_copy(update={"operation": each}) for each in ("high", "low")] if both else [query]
    return Understanding(tuple(queries), certain=reading.slots.certain, decided="figures")


def _query(reading: Reading) -> Query:
    slots = reading.slots
    metrics = _settled(reading, _without_parts(expressions(reading)))
    over_time = reading.says(SAID["count_periods"]) or reading.says(SAID["in_which_periods"])
    metrics, where = filters(reading, metrics) if slots.amounts or over_time else (metrics, [])
    metrics = list(dict.fromkeys(each.metric for each in where)) or metrics
    metrics, operation = _operated(reading, metrics)
    if where:
        first = reading.says(SAID["first_time"]) or (reading.says(SAID["which_year"]) and "first" in reading.low)
        operation = "count" if reading.says(SAID["count_periods"]) else "first" if first else "none"
    if reading.unit == "times" and operation == "none":
        metrics = [f"times({each})" if described(each).unit == "percent" else each for each in metrics]
    periods = periods_of(reading)
    if where and metrics[0] != "price" and not periods and (over_time or operation == "first"):
        periods = ["last 12 years"]
    if reading.says(SAID["invested"]) and metrics[0] in OF_MARKET and len(periods) == 1 and ":" not in periods[0]:
        periods = [f"{periods[0]}:latest"]
    if operation == "growth" and slots.has("qoq") and len(periods) == 1:
        periods = _with_the_one_before(periods[0])
    counts_quarters = operation == "count" and re.search(r"\bquarters\b", reading.low)
    if (
        counts_quarters
        or reading.says(SAID["which_quarter"])
        or (operation in ("none", "mean") and slots.has("trend") and reading.says(SAID["by_quarter"]))
    ):
        periods = quarterly(periods)
    intent, direction = intent_of(reading, metrics, operation)
    fewer = slots.limit and intent in ("rank", "compare") and slots.limit.value < len(reading.symbols)
    month_ends = operation in ("high", "low") and reading.says(SAID["month_end"])
    return Query(
        intent=intent,
        metrics=metrics[:_MOST_METRICS],
        companies=reading.symbols,
        periods=periods,
        operation=operation,
        where=where,
        order=direction,
        limit=slots.limit.value if slots.limit and fewer else None,
        unit="month-end" if month_ends else reading.unit,
        language=slots.language,
        decimals=reading.decimals,
        evidence={"every": "every year"} if operation in ("trend", "none") and reading.says(SAID["every"]) else {},
    )


def _settled(reading: Reading, metrics: list[str]) -> list[str]:
    """Growth of several lines of one company is an operation on them; shares of a past year are diluted ones."""
    past = any(not each.vague for each in reading.slots.periods)
    metrics = ["shares_diluted" if past and each == "shares_outstanding" else each for each in metrics]
    if len(metrics) > 1 and not reading.several and all(each.startswith("growth(") for each in metrics):
        reading.slots.operations.append(Hit("growth", 0, 0, "growth"))
        return [each[7:-1] for each in metrics]
    return metrics


def _operated(reading: Reading, metrics: list[str]) -> tuple[list[str], Operation]:
    points = sum(not each.vague for each in reading.slots.periods)
    if points == 2 and not reading.several and reading.says(SAID["faster"]):
        return [f"growth({metrics[0]})"], "difference"
    operation = operation_of(reading, metrics)
    if operation == "growth" and metrics[0] in ("price", "price_change"):
        return ["price_change", *metrics[1:]], "none"
    plus = (slots_sum := reading.slots.at("sum")) and slots_sum.words in _ADDING
    minus = (mark := reading.slots.at("difference")) and mark.words == "minus"
    sign = _BETWEEN_METRICS.get(operation)
    if operation == "none" and (plus or minus):
        sign = "+" if plus else "-"
    terms = reading.low.count(" minus ") + 1 if sign == "-" else reading.low.count(" plus ") + 1
    several = len(metrics) == 2 or (len(metrics) > 2 and len(metrics) == terms)
    if sign and points < 2 and several and not reading.several and not spans(reading):
        return _joined(metrics, sign, operation)
    return metrics, operation


_ADDING = frozenset({"plus", "sum", "sum of", "combined", "together", "added", "add", "add up", "adding"})
_BETWEEN_METRICS: Mapping[str, str] = {"difference": "-", "times": "/", "sum": "+"}


def _joined(metrics: list[str], sign: str, operation: Operation) -> tuple[list[str], Operation]:
    """`by how much did operating cash flow exceed net income`: one metric less the other, if both have one unit."""
    if len({described(each).unit for each in metrics}) > 1:
        return metrics, operation
    made = f" {sign} ".join(metrics)
    return [f"times({made})" if sign == "/" else made], "none"


def _without_parts(metrics: list[str]) -> list[str]:
    """Without a plain price beside `price_change`, which it explains, and the like."""
    if "price" in metrics and "price_change" in metrics:
        return [each for each in metrics if each != "price"]
    if "total_return" in metrics:
        parts = ("price", "price_change", "dividends_paid", "dividends_per_share")
        return [each for each in metrics if each not in parts]
    if not {"max_drawdown", "volatility", "beta"}.isdisjoint(metrics):
        return [each for each in metrics if each not in ("price", "price_change")]
    return metrics


def _with_the_one_before(text: str) -> list[str]:
    """A quarter and the one before it, for a change from quarter to quarter."""
    value = parse_periods(text)
    quarters = isinstance(value, Period) and value.kind in ("quarter", "calendar quarter", "latest quarter")
    return [str(value.moved(-1)), text] if isinstance(value, Period) and quarters else [text]


def quarterly(periods: Sequence[str]) -> list[str]:
    """The quarters of the periods; of none, the last eight."""
    return [_quarters(text) for text in periods] or ["last 8 quarters"]


def _quarters(text: str) -> str:
    value = parse_periods(text)
    if isinstance(value, Period) and value.kind in ("year", "calendar"):
        return f"Q1 {value.year}:Q4 {value.year}"
    if isinstance(value, Span) and value.start and value.start.kind in ("year", "calendar"):
        return f"Q1 {value.start.year}:" + (f"Q4 {value.end.year}" if value.end.year else "latest quarter")
    return text
