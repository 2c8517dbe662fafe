"""Ratios of every embedded company and year agree with FinanceToolkit's and textbooks' formulas, or say why not."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from financetoolkit.ratios import (
    efficiency_model,
    liquidity_model,
    profitability_model,
    solvency_model,
    valuation_model,
)

from finassist.analysis.cube import Cube
from finassist.core.metrics import catalogue, lines
from finassist.providers.embedded import figures
from finassist.providers.embedded.coverage import attributes
from tests.oracle import compare, reported

MODELS = {
    "profitability": profitability_model,
    "liquidity": liquidity_model,
    "solvency": solvency_model,
    "efficiency": efficiency_model,
    "valuation": valuation_model,
}

# Metric: FinanceToolkit's function and what it is given, in order. `~x` is the average of two year ends, a number is
# itself. The year-end forms are given year ends: the catalogue says under `base` which is which.
ORACLE: dict[str, tuple[str, str]] = {
    "operating_margin": ("profitability.operating_margin", "operating_income revenue"),
    "net_margin": ("profitability.net_profit_margin", "net_income revenue"),
    "pretax_margin": ("profitability.income_before_tax_profit_margin", "pretax_income revenue"),
    "ebitda_margin": ("profitability.ebitda_margin", "operating_income depreciation_amortization revenue"),
    "tax_rate": ("profitability.effective_tax_rate", "income_tax pretax_income"),
    "roa": ("profitability.return_on_assets", "net_income total_assets"),
    "roa_average": ("profitability.return_on_assets", "net_income ~total_assets"),
    "roe": ("profitability.return_on_equity", "net_income equity"),
    "roe_average": ("profitability.return_on_equity", "net_income ~equity"),
    "cash_conversion": ("profitability.income_quality_ratio", "operating_cash_flow net_income"),
    "roce": ("profitability.return_on_capital_employed", "operating_income total_assets current_liabilities"),
    "fcf_margin": ("profitability.free_cash_flow_margin", "free_cash_flow revenue"),
    "current_ratio": ("liquidity.current_ratio", "current_assets current_liabilities"),
    "cash_ratio": ("liquidity.cash_ratio", "cash_and_equivalents 0 current_liabilities"),
    "working_capital": ("liquidity.working_capital", "current_assets current_liabilities"),
    "ocf_margin": ("liquidity.operating_cash_flow_sales_ratio", "operating_cash_flow revenue"),
    "debt_to_assets": ("solvency.debt_to_assets_ratio", "long_term_debt total_assets"),
    "debt_to_equity": ("solvency.debt_to_equity_ratio", "long_term_debt equity"),
    "interest_cover": ("solvency.interest_coverage_ratio", "operating_income interest_expense"),
    "equity_multiplier": ("solvency.equity_multiplier", "total_assets equity"),
    "net_debt_to_ebitda": ("solvency.net_debt_to_ebitda_ratio",
                           "operating_income depreciation_amortization net_debt"),
    "debt_to_ebitda": ("solvency.gross_debt_to_ebitda_ratio",
                       "long_term_debt operating_income depreciation_amortization"),
    "cash_flow_to_debt": ("solvency.cash_flow_coverage_ratio", "operating_cash_flow long_term_debt"),
    "asset_turnover": ("efficiency.asset_turnover_ratio", "revenue total_assets"),
    "inventory_turnover": ("efficiency.inventory_turnover_ratio", "cost_of_revenue inventory"),
    "receivables_turnover": ("efficiency.receivables_turnover", "receivables revenue"),
    "payables_turnover": ("efficiency.accounts_payables_turnover_ratio", "cost_of_revenue accounts_payable"),
    "dso": ("efficiency.days_of_sales_outstanding", "receivables revenue 365"),
    "dio": ("efficiency.days_of_inventory_outstanding", "inventory cost_of_revenue 365"),
    "dpo": ("efficiency.days_of_accounts_payable_outstanding", "cost_of_revenue accounts_payable 365"),
    "sga_to_revenue": ("efficiency.sga_to_revenue_ratio", "selling_general_admin revenue"),
    "rd_to_revenue": ("efficiency.research_and_development_ratio", "research_and_development revenue"),
    "sbc_to_revenue": ("efficiency.stock_based_compensation_ratio", "stock_based_compensation revenue"),
    "revenue_per_share": ("valuation.revenue_per_share", "revenue shares_diluted"),
    "book_value_per_share": ("valuation.book_value_per_share", "equity 0 shares_diluted"),
    "interest_burden": ("profitability.interest_burden_ratio", "pretax_income operating_income"),
    "tax_burden": ("profitability.tax_burden_ratio", "net_income pretax_income"),
    "cash_return_on_assets": ("profitability.cash_return_on_assets", "operating_cash_flow total_assets"),
    "ocf_ratio": ("liquidity.operating_cash_flow_ratio", "operating_cash_flow current_liabilities"),
    "debt_to_capital": ("solvency.debt_to_capital_ratio", "long_term_debt equity"),
    "sbc_adjusted_fcf": ("valuation.sbc_adjusted_free_cash_flow", "free_cash_flow stock_based_compensation"),
    "payout_ratio": ("valuation.dividend_payout_ratio", "dividends_paid net_income"),
}  # fmt: skip

# What FinanceToolkit has no function for, or has on another base, by the textbook.
TEXTBOOK = {
    "free_cash_flow": "operating_cash_flow - capex",
    "ebitda": "operating_income + depreciation_amortization",
    "gross_margin": "gross_profit / revenue",
    "fcf_conversion": "free_cash_flow / net_income",
    "capex_to_revenue": "capex / revenue",
    "revenue_growth": "revenue / before_revenue - 1",
    "net_income_growth": "net_income / before_net_income - 1",
    "eps_growth": "eps_diluted / before_eps_diluted - 1",
    "fcf_growth": "free_cash_flow / before_free_cash_flow - 1",
    "liabilities_to_assets": "total_liabilities / total_assets",
    "liabilities_to_equity": "total_liabilities / equity",
    "equity_ratio": "equity / total_assets",
    "net_debt": "long_term_debt - cash_and_equivalents",
    "net_cash": "cash_and_equivalents - long_term_debt",
    "net_debt_to_equity": "(long_term_debt - cash_and_equivalents) / equity",
    "invested_capital": "equity + long_term_debt - cash_and_equivalents",
    "capital_employed": "total_assets - current_liabilities",
    "nopat": "operating_income * (1 - income_tax / pretax_income)",
    "gross_profitability": "gross_profit / total_assets",
    "ebitda_to_interest": "(operating_income + depreciation_amortization) / interest_expense",
    "cost_of_debt": "interest_expense / long_term_debt",
    "cash_to_debt": "cash_and_equivalents / long_term_debt",
    "operating_cycle": "(receivables / revenue + inventory / cost_of_revenue) * 365",
    "working_capital_turnover": "revenue / (current_assets - current_liabilities)",
    "dividend_cover": "net_income / dividends_paid",
    "fcf_payout_ratio": "dividends_paid / free_cash_flow",
    "rule_of_40": "revenue / before_revenue - 1 + free_cash_flow / revenue",
    "quick_ratio": "(current_assets - inventory) / current_liabilities",
    "roic": "operating_income * (1 - income_tax / pretax_income) / (equity + long_term_debt - cash_and_equivalents)",
    "ccc": "(receivables / revenue + inventory / cost_of_revenue - accounts_payable / cost_of_revenue) * 365",
    "total_payout_ratio": "(dividends_paid + buybacks) / net_income",
    "shareholder_returns": "dividends_paid + buybacks",
    "retention_ratio": "1 - dividends_paid / net_income",
    "sustainable_growth": "net_income / equity * (1 - dividends_paid / net_income)",
    "fcf_per_share": "free_cash_flow / shares_diluted",
    "ocf_per_share": "operating_cash_flow / shares_diluted",
    "cash_per_share": "cash_and_equivalents / shares_diluted",
    "accruals_ratio": "(net_income - operating_cash_flow) / total_assets",
    "goodwill_to_assets": "goodwill / total_assets",
    "reinvestment_rate": "capex / operating_cash_flow",
    "capex_to_depreciation": "capex / depreciation_amortization",
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return reported()


@pytest.fixture(scope="module")
def cube() -> Cube:
    needed = {line for metric in (*ORACLE, *TEXTBOOK) for line in lines(metric)}
    return Cube(figures.facts_across(needed, quarters=False), attributes())


@pytest.mark.parametrize("metric", ORACLE)
def test_a_ratio_is_what_financetoolkit_computes(metric: str, cube: Cube, frame: pd.DataFrame) -> None:
    function, arguments = ORACLE[metric]
    model, name = function.split(".")
    given = [_argument(frame, argument) for argument in arguments.split()]
    compare(cube, metric, getattr(MODELS[model], f"get_{name}")(*given))


def _argument(frame: pd.DataFrame, name: str) -> Any:
    if name.isdigit():
        return int(name)
    if name.startswith("~"):
        return (frame[name[1:]] + frame[f"before_{name[1:]}"]) / 2
    return frame[name]


@pytest.mark.parametrize("metric", TEXTBOOK)
def test_a_figure_is_what_the_textbook_says(metric: str, cube: Cube, frame: pd.DataFrame) -> None:
    compare(cube, metric, frame.eval(TEXTBOOK[metric]))


def test_where_financetoolkit_takes_another_base_the_catalogue_says_so() -> None:
    """FinanceToolkit averages two year ends, takes cash, securities and receivables, and leaves cash in the capital."""
    for metric in ("roe", "roa", "asset_turnover", "inventory_turnover", "dso", "dio", "dpo", "quick_ratio", "roic"):
        assert catalogue()[metric].base, metric
