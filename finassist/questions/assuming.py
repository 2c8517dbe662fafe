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
    "dividend_growth": r"(?:dividends?|dps) growth(?: rate)?",
    "forecast_growth": r"(?:(?:revenue|sales|forecast|annual|yearly) )?growth(?: rate)?|growing|wachstum|crecimiento"
    r"|croissance|crescimento|crescita",
    "wacc": r"wacc|discount rate|cost of capital|weighted average cost of capital|discounted|discounting",
    "cost_of_equity": r"cost of equity|required (?:rate of )?return",
    "forecast_margin": r"(?:(?:free )?cash flow|fcf|fcff|forecast)? ?margins?",
    "exit_multiple": r"(?:exit|terminal) multiple|multiple",
    "risk_free_rate": r"risk[- ]free(?: rate)?",
    "equity_premium": r"(?:(?:equity|market)(?: risk)? |risk )premium|erp",
    "credit_spread": r"credit spread",
    "marginal_tax": r"(?:marginal )?tax(?: rate)?",
    "beta": r"beta",
}
"""What people call an assumption, the longer names first; `terminal growth` comes before `growth`."""

_PLAIN = ("exit_multiple", "beta")
_LEAD = (
    r"(?:\b(?:assuming|assume|using|use|taking|given|with|under|at|and|if|but|now|what if|say|based on|mit|con|avec)"
    r"\b[ ,]*)*"
)
_LINK = r"(?: (?:of|at|von|de|del|di|is|was|to|be|were|falls to|rises to|equals|around|about))*[ :=]*"
_YEARS = re.compile(
    rf"{_LEAD}(?:for|over) (?:the )?(?:next |coming )?(?P<some>\d{{1,2}}) years\b"
    r"|\b(?P<named>\d{1,2})[- ]years? (?=dcf|discounted|forecast|projection|horizon|growth period)"
)


def assumed_in(text: str, memory: Memory) -> tuple[str, dict[str, float]]:
    """The text without its assumptions, each blanked out in its place, and the assumptions by metric.

    Only a question about a valuation, or one that follows such a question, has any.

    Example:
        >>> assumed_in("DCF of Apple with 5% growth and 9% WACC", Memory())[1]
        {'forecast_growth': 0.05, 'wacc': 0.09}
    """
    low = fold(text)
    if not _models().search(low) and not (memory.queries and _of_model(memory.queries[0])):
        return text, {}
    found: dict[str, float] = {}
    for name in _NAMES:
        for match in _stated(name).finditer(low):
            number = match["before"] or match["after"]
            found[name] = float(number) / (1 if name in _PLAIN else 100)
            low, text = (each[: match.start()] + " " * len(match.group()) + each[match.end() :] for each in (low, text))
            break
    if years := _YEARS.search(low):
        found["forecast_years"] = float(years["some"] or years["named"])
        text = text[: years.start()] + " " * len(years.group()) + text[years.end() :]
    return text, {name: found[name] for name in sorted(found, key=[*_NAMES, "forecast_years"].index)}


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
    if not assume:
        again = same and found.queries and all(query.metrics == same.metrics for query in found.queries)
        if not again or not same or not same.assume or slots.metrics:
            return None
        assume = same.assume  # `And for Microsoft?` keeps what was assumed
    try:
        if not slots.metrics and not slots.about and same:
            return Understanding((same.assuming({**same.assume, **assume}),), decided="follow-up")
        queries = tuple(each.assuming(assume) if _of_model(each) else each for each in found.queries)
    except InvalidQuery as error:
        return refuse("", "assumption", str(error))
    return replace(found, queries=queries) if queries else None
