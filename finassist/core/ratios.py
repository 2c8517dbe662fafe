"""The ratios finassist computes, as one readable table: what is divided by what, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from finassist.core.facts import Statement

Kind = Literal["quotient", "growth", "price"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How one ratio is computed and read.

    Attributes:
        field: Name of the derived fact.
        label: Words for people.
        unit: `"ratio"` (0.25 is 25 %) or `"times"`.
        top: Field above the line; for growth, the field that grows.
        bottom: Field below the line; for growth, the same field a year earlier.
        kind: `quotient` within one fiscal year, `growth` between two, `price` on the day of a price.
        reading: One sentence on how to read it.
        positive_top: Whether a negative numerator makes the ratio meaningless too.

    Example:
        >>> RATIOS["net_margin"].formula, RATIOS["revenue_growth"].formula
        ('net_income / revenue', 'revenue / prior-year revenue - 1')
    """

    field: str
    label: str
    unit: str
    top: str
    bottom: str
    kind: Kind
    reading: str
    positive_top: bool = False

    @property
    def formula(self) -> str:
        """The computation in field names."""
        if self.kind == "growth":
            return f"{self.top} / prior-year {self.top} - 1"
        return f"{self.top} / {self.bottom}"


def _quotient(field: str, label: str, top: str, bottom: str, unit: str, reading: str, **more: bool) -> Ratio:
    return Ratio(field, label, unit, top, bottom, "quotient", reading, **more)


def _growth(field: str, label: str, of: str, reading: str) -> Ratio:
    return Ratio(field, label, "ratio", of, of, "growth", reading)


_TABLE = (
    _quotient("gross_margin", "Gross margin", "gross_profit", "revenue", "ratio",
              "What is left of each unit of revenue after the direct cost of what was sold."),
    _quotient("operating_margin", "Operating margin", "operating_income", "revenue", "ratio",
              "What is left of revenue after running the business, before interest and tax."),
    _quotient("net_margin", "Net margin", "net_income", "revenue", "ratio",
              "What is left of revenue for shareholders."),
    _quotient("fcf_margin", "Free cash flow margin", "free_cash_flow", "revenue", "ratio",
              "Share of revenue that arrives as cash after capital expenditure."),
    _quotient("stock_pay_to_revenue", "Stock-based pay to revenue", "stock_based_compensation", "revenue", "ratio",
              "Share of revenue paid to employees in shares: a cost that free cash flow does not show."),
    _quotient("research_intensity", "R&D intensity", "research_and_development", "revenue", "ratio",
              "Share of revenue spent on research and development."),
    _growth("revenue_growth", "Revenue growth", "revenue", "Change of revenue against last year."),
    _growth("net_income_growth", "Net income growth", "net_income", "Change of profit against last year."),
    _growth("eps_growth", "Diluted EPS growth", "eps_diluted", "Change of EPS against last year."),
    _growth("fcf_growth", "Free cash flow growth", "free_cash_flow", "Change of free cash flow against last year."),
    _quotient("return_on_equity", "Return on equity (year-end)", "net_income", "equity", "ratio",
              "Profit on the shareholders' capital at the end of the year."),
    _quotient("return_on_assets", "Return on assets (year-end)", "net_income", "total_assets", "ratio",
              "Profit on everything the company owned at the end of the year."),
    _quotient("current_ratio", "Current ratio", "current_assets", "current_liabilities", "times",
              "Above 1, what falls due within a year is covered by what turns to cash within a year."),
    _quotient("debt_to_equity", "Long-term debt to equity", "long_term_debt", "equity", "times",
              "Long-term borrowing against the shareholders' capital."),
    _quotient("liabilities_to_assets", "Liabilities to assets", "total_liabilities", "total_assets", "ratio",
              "Share of the balance sheet that others financed."),
    _quotient("interest_cover", "Interest cover", "operating_income", "interest_expense", "times",
              "How many times operating income pays the year's interest.", positive_top=True),
    _quotient("effective_tax_rate", "Effective tax rate", "income_tax", "pretax_income", "ratio",
              "Income tax as a share of profit before tax; negative when tax was a benefit."),
    _quotient("payout_ratio", "Dividend payout", "dividends_paid", "net_income", "ratio",
              "Share of the year's profit paid out as dividends."),
    Ratio("pe_ratio", "Price to earnings", "times", "price", "eps_diluted", "price",
          "Price of one unit of yearly profit."),
    Ratio("price_to_sales", "Price to sales", "times", "market_cap", "revenue", "price",
          "Market value against one year's revenue."),
    Ratio("dividend_yield", "Dividend yield", "ratio", "dividends_per_share", "price", "price",
          "A year's dividends against the price of the share."),
)  # fmt: skip

RATIOS: Mapping[str, Ratio] = {ratio.field: ratio for ratio in _TABLE}
"""Every ratio by its field, in the order in which a report shows them."""


@dataclass(frozen=True, slots=True)
class Line:
    """A derived figure that is not a ratio: its unit and the statement it stands on."""

    unit: str
    statement: Statement


LINES: Mapping[str, Line] = {
    "gross_profit": Line("USD", "income"),
    "total_liabilities": Line("USD", "balance_sheet"),
    "free_cash_flow": Line("USD", "cash_flow"),
    "market_cap": Line("USD", "price"),
    "change": Line("USD/share", "price"),
    "change_percent": Line("ratio", "price"),
}
"""Derived figures that are not ratios; `"USD"` stands for the currency of the figures they are made of."""
