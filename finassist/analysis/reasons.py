"""Why a formula gives no figure: what lacks below it, and what makes a value say nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from finassist.analysis.calendar import Point
from finassist.core.facts import Fact
from finassist.core.metrics import MARKET_INPUTS, Expression, Metric, Ref, described


class Meaningless(ArithmeticError):
    """A formula says nothing of its inputs; the message says why, as what follows a colon."""


def named(node: Expression) -> str:
    """A part of a formula in words."""
    return MARKET_INPUTS.get(node.id, described(node.id)).label if isinstance(node, Ref) else "what it is computed from"


PARTS = ("Q", "H", "9M")
"""Kinds of points that are a part of a year."""

_OF_YEARS = ("flow", "ratio", "per_share")


def of_no_year(metric: Metric, point: Point) -> str:
    """Why a model says nothing of a part of a year: its limits are for twelve months."""
    if not metric.model or metric.kind not in _OF_YEARS or point.kind not in PARTS:
        return ""
    return f"{metric.title} is of twelve months, not of {point.label} alone: ask for a fiscal year or for TTM."


CANNOT = " cannot be computed: "
ASSUME = " Assume it: assume="
_EXAMPLES: Mapping[str, object] = {"beta": 1, "cost_of_equity": 0.09, "wacc": 0.09}
"""What is assumed where closes of the index lack, in the order of what rests on it."""


def because(lack: Fact) -> str:
    """Why there is no figure of an input: what lacks in the end, and what can be assumed instead of closes."""
    root, hint, _ = (lack.note or "").rpartition(CANNOT)[2].partition(ASSUME)
    if lack.field not in _EXAMPLES or not (hint or lack.field == "beta") or lack.status == "not_meaningful":
        return (lack.note or "").rpartition(CANNOT)[2]
    return f"{root}{ASSUME}{ {lack.field: _EXAMPLES[lack.field]} }."


NEGATIVE = {
    "equity": "shareholders' equity is negative",
    "net_income": "the company made a loss",
    "pretax_income": "pre-tax income is negative",
    "operating_income": "the company made an operating loss",
    "ebitda": "EBITDA is negative",
    "free_cash_flow": "free cash flow is negative",
    "operating_cash_flow": "operating cash flow is negative",
    "invested_capital": "invested capital is negative",
    "working_capital": "working capital is negative",
    "eps_diluted": "the company made a loss",
    "book_value_per_share": "shareholders' equity is negative",
    "wacc": "WACC is not above zero",
    "cost_of_equity - dividend_growth": "the cost of equity is not above the growth of dividends",
}
"""What is wrong with an input that must be above zero."""


def without_earnings(metric: Metric, value: Decimal) -> str:
    """Why a multiple says nothing; empty where it does."""
    if metric.id == "pe" and value <= 0:
        return "P/E is not meaningful: the company made a loss."
    return "PEG is not meaningful: EPS did not grow." if metric.id == "peg" and value <= 0 else ""
