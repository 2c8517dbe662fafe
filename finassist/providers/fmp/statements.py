"""Statements of Financial Modeling Prep as facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import islice

from msgspec.structs import replace

from finassist.core.facts import Fact, Statement
from finassist.providers.fmp.rows import Asked, Row, figure, rows_of
from finassist.providers.values import currency, day, fiscal_period, number, text

NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "income": {
        "revenue": ("revenue",),
        "cost_of_revenue": ("costOfRevenue",),
        "gross_profit": ("grossProfit",),
        "research_and_development": ("researchAndDevelopmentExpenses",),
        "selling_general_admin": ("sellingGeneralAndAdministrativeExpenses",),
        "selling_and_marketing": ("sellingAndMarketingExpenses",),
        "general_and_administrative": ("generalAndAdministrativeExpenses",),
        "operating_expenses": ("operatingExpenses",),
        "operating_income": ("operatingIncome",),
        "net_interest_income": ("netInterestIncome",),
        "interest_expense": ("interestExpense",),
        "pretax_income": ("incomeBeforeTax",),
        "income_tax": ("incomeTaxExpense",),
        "net_income": ("netIncome",),
        "eps_basic": ("eps",),
        "eps_diluted": ("epsDiluted",),
        "shares_basic": ("weightedAverageShsOut",),
        "shares_diluted": ("weightedAverageShsOutDil",),
    },
    "balance_sheet": {
        "cash_and_equivalents": ("cashAndCashEquivalents",),
        "short_term_investments": ("shortTermInvestments",),
        "receivables": ("accountsReceivables",),
        "inventory": ("inventory",),
        "current_assets": ("totalCurrentAssets",),
        "goodwill": ("goodwill",),
        "total_assets": ("totalAssets",),
        "accounts_payable": ("accountPayables",),
        "current_liabilities": ("totalCurrentLiabilities",),
        "long_term_debt": ("longTermDebt",),
        "total_liabilities": ("totalLiabilities",),
        "retained_earnings": ("retainedEarnings",),
        "equity": ("totalStockholdersEquity",),
        "noncontrolling_interest": ("minorityInterest",),
        "equity_incl_nci": ("totalEquity",),
        "liabilities_and_equity": ("totalLiabilitiesAndTotalEquity",),
    },
    "cash_flow": {
        "operating_cash_flow": ("operatingCashFlow", "netCashProvidedByOperatingActivities"),
        "capex": ("capitalExpenditure", "investmentsInPropertyPlantAndEquipment"),
        "depreciation_amortization": ("depreciationAndAmortization",),
        "stock_based_compensation": ("stockBasedCompensation",),
        "investing_cash_flow": ("netCashProvidedByInvestingActivities",),
        "dividends_paid": ("netDividendsPaid", "commonDividendsPaid"),
        "buybacks": ("commonStockRepurchased",),
        "financing_cash_flow": ("netCashProvidedByFinancingActivities",),
    },
}
"""Our field and the names it has there; a second name means the same and serves when the first is absent."""

_ANNUAL = ("FY", "")
_QUARTER = re.compile(r"Q[1-4]")


def statement_facts(data: object, asked: Asked, statement: Statement, period: str, limit: int) -> list[Fact]:
    """The figures of the newest `limit` statements, newest first.

    Args:
        data: The decoded answer.
        asked: What was asked.
        statement: Which statement.
        period: `"annual"`, `"quarterly"` or `"ttm"`.
        limit: How many at most.

    Raises:
        BadPayload: The answer is no statement, has no dates, or is of other periods than asked for.
        UnknownSymbol: The source has none.
    """
    newest = _by_period(data, asked, period, limit).items()
    return [fact for label, row in newest for fact in _figures(row, asked, statement, label)]


def _by_period(data: object, asked: Asked, period: str, limit: int) -> dict[str, Row]:
    """The newest `limit` rows by the name of their period, newest first."""
    found: dict[str, Row] = {}
    for row in sorted(rows_of(data, asked), key=_newest, reverse=True):
        if label := _label(row, period, asked):
            found.setdefault(label, row)
    if not found:
        raise asked.bad("statements without a date")
    return dict(islice(found.items(), max(limit, 1)))


def _newest(row: Row) -> tuple[date, date]:
    return day(row.get("date")) or date.min, filed(row) or date.min


def filed(row: Row) -> date | None:
    """The day a statement was filed: never before the period it covers was over.

    Example:
        >>> filed({"date": "2025-09-27", "filingDate": "2025-10-31"})
        datetime.date(2025, 10, 31)
    """
    end = day(row.get("date"))
    known = day(row.get("filingDate")) or day(row.get("acceptedDate"))
    return known if known and (end is None or known >= end) else None


def _label(row: Row, period: str, asked: Asked) -> str:
    """Our name of the row's period; empty when it cannot be placed in time."""
    end, year, quarter = day(row.get("date")), _fiscal_year(row), (text(row.get("period")) or "").upper()
    if period == "ttm":
        return "TTM" if end else ""
    if period == "quarterly":
        if not _QUARTER.fullmatch(quarter):
            raise asked.bad(f"a period {quarter!r:.20} instead of a quarter")
        return f"{quarter} {year}" if year else end.isoformat() if end else ""
    if quarter not in _ANNUAL:
        raise asked.bad(f"a period {quarter!r:.20} instead of a fiscal year")
    return f"FY{year}" if year else fiscal_period(None, end)


def _fiscal_year(row: Row) -> int | None:
    """The year's own number, unless it contradicts the last day."""
    given, end = row.get("fiscalYear"), day(row.get("date"))
    written = given.strip() if isinstance(given, str) else given
    year = number(int(written) if isinstance(written, str) and re.fullmatch(r"[0-9]{4}", written) else written)
    if not isinstance(year, Decimal) or year != int(year) or not 1900 < year < 2200:
        return None
    return int(year) if end is None or abs(end.year - int(year)) <= 1 else None


def _figures(row: Row, asked: Asked, statement: Statement, label: str) -> list[Fact]:
    known = filed(row)
    blank = replace(
        asked.blank(statement, currency(row.get("reportedCurrency")), known),
        period=label, period_end=day(row.get("date")), as_of=known,
    )  # fmt: skip
    return [figure(blank, field, row, *names) for field, names in NAMES[statement].items()]
