"""The thresholds behind strengths and points of attention, as one readable table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

InsightKind = Literal["strength", "attention"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold on one figure of the latest fiscal year.

    Attributes:
        field: The figure.
        kind: What passing the threshold means.
        passes: The threshold.
        says: The observation; `{value}`, `{period}` and the input fields by name are filled in.
        cites: Further figures of the same year that the text names.
        unless_bank: Skipped for banks: lending on other people's money is their business.
    """

    field: str
    kind: InsightKind
    passes: Callable[[Decimal], bool]
    says: str
    cites: tuple[str, ...] = ()
    unless_bank: bool = False


def _at_least(limit: str) -> Callable[[Decimal], bool]:
    return lambda value: value >= Decimal(limit)


def _below(limit: str) -> Callable[[Decimal], bool]:
    return lambda value: value < Decimal(limit)


RULES = (
    Rule(
        "revenue_growth",
        "strength",
        _at_least("0.10"),
        "Revenue grew by {value} to {revenue} in {period}.",
        ("revenue",),
    ),
    Rule(
        "revenue_growth",
        "attention",
        _below("0"),
        "Revenue fell by {size} to {revenue} in {period}.",
        ("revenue",),
    ),
    Rule(
        "net_income_growth",
        "strength",
        _at_least("0.10"),
        "Net income rose by {value} to {net_income} in {period}.",
        ("net_income",),
    ),
    Rule(
        "net_income_growth",
        "attention",
        _below("-0.10"),
        "Net income fell by {size} to {net_income} in {period}.",
        ("net_income",),
    ),
    Rule("net_income", "attention", _below("0"), "The year closed with a loss: net income {value} in {period}."),
    Rule(
        "net_margin",
        "strength",
        _at_least("0.20"),
        "Net margin of {value} in {period}: {net_income} on revenue of {revenue}.",
        ("net_income", "revenue"),
    ),
    Rule(
        "fcf_margin",
        "strength",
        _at_least("0.15"),
        "Free cash flow of {free_cash_flow} in {period}, {value} of revenue.",
        ("free_cash_flow",),
    ),
    Rule(
        "free_cash_flow",
        "attention",
        _below("0"),
        "Free cash flow was negative in {period}: {value}, with capital expenditure of {capex}.",
        ("capex",),
    ),
    Rule(
        "fcf_growth",
        "attention",
        _below("-0.10"),
        "Free cash flow fell by {size} to {free_cash_flow} in {period}.",
        ("free_cash_flow",),
    ),
    Rule(
        "stock_pay_to_revenue",
        "attention",
        _at_least("0.10"),
        "Stock-based pay of {stock_based_compensation} was {value} of revenue in {period}; "
        "free cash flow does not show it.",
        ("stock_based_compensation",),
    ),
    Rule(
        "equity",
        "attention",
        _below("0"),
        "Shareholders' equity was negative at the end of {period}: {value}.",
    ),
    Rule(
        "current_ratio",
        "strength",
        _at_least("1.5"),
        "Current assets were {value} current liabilities at the end of {period}.",
        ("current_assets", "current_liabilities"),
    ),
    Rule(
        "current_ratio",
        "attention",
        _below("1"),
        "Current assets of {current_assets} did not cover current liabilities of "
        "{current_liabilities} at the end of {period} ({value}).",
        ("current_assets", "current_liabilities"),
    ),
    Rule(
        "debt_to_equity",
        "strength",
        _below("0.5"),
        "Long-term debt of {long_term_debt} was {value} equity at the end of {period}.",
        ("long_term_debt",),
        unless_bank=True,
    ),
    Rule(
        "debt_to_equity",
        "attention",
        _at_least("2"),
        "Long-term debt of {long_term_debt} was {value} equity at the end of {period}.",
        ("long_term_debt",),
        unless_bank=True,
    ),
    Rule(
        "liabilities_to_assets",
        "attention",
        _at_least("0.8"),
        "Liabilities were {value} of total assets at the end of {period}.",
        unless_bank=True,
    ),
    Rule(
        "interest_cover",
        "strength",
        _at_least("8"),
        "Operating income was {value} interest expense in {period}.",
        ("operating_income", "interest_expense"),
    ),
    Rule(
        "interest_cover",
        "attention",
        _below("3"),
        "Operating income was only {value} interest expense in {period}.",
        ("operating_income", "interest_expense"),
    ),
    Rule(
        "payout_ratio",
        "attention",
        _at_least("1"),
        "Dividends of {dividends_paid} were {value} of net income in {period}.",
        ("dividends_paid",),
    ),
)
"""Every threshold, in the order in which points are listed."""

HIGH_RETURN, THIN_EQUITY = Decimal("0.15"), Decimal("0.75")
"""A return on equity worth a point, and the share of liabilities from which little equity flatters it."""

HIGH_MULTIPLE = Decimal(35)
"""A price worth a point, in years of earnings."""

MARGIN_STEP = Decimal("0.02")
"""A change of a margin within one year that is worth a point: two percentage points."""

STREAK = range(3, 5)
"""Years of growth in a row that are worth a point: at least three, and no more than five years of figures show."""
