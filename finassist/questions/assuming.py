"""The assumptions that a question states for a valuation: `with 5% growth and a WACC of 9%`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from finassist.core.errors import InvalidQuery
from finassist.core.metrics import catalogue
from finassist.core.query import Query
from finassist.questions.slots import Memory, Slots, Understanding, refuse
from finassist.questions.tokenizer import fold

_NAMES: Mapping[str, str] = {
    "terminal_growth": r"(?:terminal|perpetual|perpetuity|long[- ](?:term|run))(?: growth)?(?: rate)?",
    "dividend_growth": r"(?:dividends?|dps) grow(?:th(?: rate)?|s|ing)?",
    "forecast_growth": r"(?:(?:revenue|sales|forecast|annual|yearly) )?growth(?: rate)?"
    r"|(?:(?:it|they|revenue|sales|the company) )?grow(?:s|ing)?|wachstum|crecimiento|croissance|crescimento|crescita"
    r"|增长率?|成長率?",
    "wacc": r"wacc|discount rate|cost of capital|weighted average cost of capital|discounted|discounting",
    "cost_of_equity": r"cost of equity|required (?:rate of )?return",
    "forecast_margin": r"(?:(?:free )?cash flow|fcf|fcff|forecast)? ?margins?",
    "exit_multiple": r"(?:exit|terminal) multiple|multiple",
    "risk_free_rate": r"risk[- ]free(?: rate)?",
    "equity_premium": r"(?:(?:equity|market)(?: risk)? |risk )?premium|erp",
    "credit_spread": r"credit spread",
    "marginal_tax": r"(?:marginal )?tax(?: rate)?",
    "beta": r"beta",
}
"""What people call an assumption, the longer names first; `terminal growth` comes before `growth`."""

_PLAIN = ("exit_multiple", "beta")
_LEAD = (
    r"(?:\b(?:assuming|assume|using|use|taking|given|with|under|at|and|if|but|now|what if"
    r"|make (?:it|that)|try|say|based on|mit|con|avec)"
    r"\b[ ,]*)*"
)
_LINK = r"(?: (?:of|at|von|de|del|di|is|was|to|be|were|falls to|rises to|equals|around|about|by))*[ :=]*"
_COUNTS = {"three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_COUNT = rf"\d{{1,2}}|{'|'.join(_COUNTS)}"
_YEARS = re.compile(
    rf"(?:{_LEAD}\b(?:for|over) (?:the )?(?:next |coming )?|, )(?P<some>{_COUNT}) years\b"
    rf"|\b(?P<named>{_COUNT})[- ]years? (?=dcf|discounted|forecast|projection|horizon|growth period)"
)

_BARE = re.compile(rf"\W*{_LEAD}(?P<rate>\d{{1,2}}(?:\.\d+)?) ?(?:%|percent|per cent)(?: instead| then)?\W*")
_AT = re.compile(
    r"(?:\band )?\b(?:discounted )?at (?:a rate of )?(?P<rate>\d{1,2}(?:\.\d+)?) ?(?:%|percent|per cent)(?=\W*$|, )"
)
_WHAT_IF = re.compile(r"\bwhat if\b", re.IGNORECASE)
_WORTH = re.compile(r"\bworth\b", re.IGNORECASE)
_OF_DIVIDENDS: Mapping[str, Mapping[str, str]] = {
    "gordon_value": {"forecast_growth": "dividend_growth", "wacc": "cost_of_equity"},
    "two_stage_value": {"forecast_growth": "early_dividend_growth", "wacc": "cost_of_equity"},
}
"""What growth and a discount rate mean where dividends are valued."""


def assumed_in(text: str, memory: Memory) -> tuple[str, dict[str, float]]:
    """The text without its assumptions, each blanked out in its place, and the assumptions by metric.

    Only a question about a valuation, or one that follows such a question, has any.

    Example:
        >>> assumed_in("DCF of Apple with 5% growth and 9% WACC", Memory())[1]
        {'forecast_growth': 0.05, 'wacc': 0.09}
    """
    low, last = fold(text), next(filter(_of_model, memory.queries[:1]), None)
    named = _models().search(low)
    if not named and not last:
        return text, {}
    if last and (bare := _BARE.fullmatch(low)):
        return " " * len(text), {_rate_of(last): float(bare["rate"]) / 100}
    found: dict[str, float] = {}
    for name in _NAMES:
        for match in _stated(name).finditer(low):
            number = match["before"] or match["after"]
            found[name] = float(number) / (1 if name in _PLAIN else 100)
            low, text = (each[: match.start()] + " " * len(match.group()) + each[match.end() :] for each in (low, text))
            break
    if not {"wacc", "cost_of_equity"} & found.keys() and (at := _AT.search(low)):
        found["wacc"] = float(at["rate"]) / 100
        text = text[: at.start()] + " " * len(at.group()) + text[at.end() :]
    if years := _YEARS.search(low):
        count = years["some"] or years["named"]
        found["forecast_years"] = float(_COUNTS.get(count, count))
        text = text[: years.start()] + " " * len(years.group()) + text[years.end() :]
    if found:  # `what if Apple's growth is 3%?`, `what is it worth if it grows by 5%?`
        text = _WHAT_IF.sub(lambda match: " " * len(match.group()), text)
        text = _WORTH.sub("DCF value", text) if named and named.group() == "worth" else text
    return text, {name: found[name] for name in sorted(found, key=[*_NAMES, "forecast_years"].index)}


def _rate_of(query: Query) -> str:
    """What a bare rate changes: the one assumption that was set, else the rate that the model discounts by."""
    if len(query.assume) == 1 and not {*query.assume} & {*_PLAIN, "forecast_years"}:
        return next(iter(query.assume))
    return "cost_of_equity" if query.metrics[0] in _OF_DIVIDENDS else "wacc"


@cache
def _stated(name: str) -> re.Pattern[str]:
    """An assumption with its number before or after its name."""
    unit = r"(?: ?x| times)?" if name in _PLAIN else r" ?(?:%|percent|per cent|pct)"
    number = r"-?\d+(?:\.\d+)?"
    ahead = rf"(?P<before>{number}){unit}(?: (?:a year|annual|yearly|per year|p\.a\.))?[ -](?:{_NAMES[name]})"
    behind = rf"(?:{_NAMES[name]}){_LINK}(?P<after>{number}){unit}"
    tail = r"(?:,? (?:a year|per year|annually|p\.a\.|each year|instead))*(?![\w%])"
    return re.compile(rf"{_LEAD}(?:an? |the |its )?\b(?:{ahead}|{behind}){tail}")


@cache
def _models() -> re.Pattern[str]:
    """The names of metrics that rest on assumptions."""
    rows = [row for row in catalogue().values() if _rests_on_assumptions(row.id)]
    names = {re.escape(fold(name)) for row in rows for own in (row.names or {}).values() for name in own}
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(names, key=len, reverse=True))})(?!\w)|\bpric\w+ impl|\bworth\b")


@cache
def _rests_on_assumptions(metric: str) -> bool:
    row = catalogue().get(metric)
    return row is not None and (row.model == "value" or metric in ("cost_of_equity", "wacc", "economic_spread",
                                                                   "economic_profit", "fcff"))  # fmt: skip


def _of_model(query: Query) -> bool:
    return bool(query.metrics) and _rests_on_assumptions(query.metrics[0])


def with_assumptions(found: Understanding, slots: Slots, assume: Mapping[str, float]) -> Understanding | None:
    """The understanding with the assumptions in each query of a valuation; alone they change the last question's.

    Returns:
        `None` where there are none.
    """
    last = next(iter(slots.memory.queries), None)
    same = last if last and _of_model(last) else None
    again = same and not slots.metrics and all(query.metrics == same.metrics for query in found.queries)
    kept = same.assume if same and again else {}  # `And for Microsoft?` keeps what was assumed
    if not assume and not (kept and found.queries):
        return None

    def stated(query: Query) -> dict[str, float]:
        names = _OF_DIVIDENDS.get(query.metrics[0], {})
        return {**kept, **{names.get(name, name): value for name, value in assume.items()}}

    try:
        if same and not slots.metrics and not (slots.about and found.queries):
            other = same.model_copy(update={"companies": slots.about or same.companies})
            return Understanding((other.assuming(stated(same)),), decided="follow-up")
        queries = tuple(each.assuming(stated(each)) if _of_model(each) else each for each in found.queries)
    except InvalidQuery as error:
        return refuse("", "assumption", str(error))
    return replace(found, queries=queries) if queries else None
