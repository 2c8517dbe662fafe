"""A made-up company of which every line is known, so that every model can be had; and what is left out of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

import pandas as pd

from finassist import FinancialAssistantWorkflow, FrameProvider

YEARS = range(2018, 2026)
LINES = {
    "revenue": 1000, "cost_of_revenue": 610, "gross_profit": 390, "selling_general_admin": 150, "operating_income": 170,
    "interest_expense": 12, "pretax_income": 158, "income_tax": 38, "net_income": 120, "total_assets": 1500,
    "current_assets": 520, "current_liabilities": 250, "total_liabilities": 700, "equity": 800,
    "retained_earnings": 420, "long_term_debt": 300, "cash_and_equivalents": 120, "receivables": 110, "inventory": 90,
    "property_plant_equipment": 600, "depreciation_amortization": 60, "operating_cash_flow": 185, "capex": 70,
    "dividends_paid": 40, "shares_diluted": 100, "eps_diluted": 1.2, "dividends_per_share": 0.4,
}  # fmt: skip
"""In millions of the first year, but for figures per share; each grows at a rate of its own."""

PER_SHARE = ("eps_diluted", "dividends_per_share")


def statements(without: Collection[str] = (), **given: float) -> pd.DataFrame:
    """One row per fiscal year, each line growing by 5 to 8% a year, without some of them or with others of the last."""
    rows = []
    for place, year in enumerate(YEARS):
        row: dict[str, object] = {"symbol": "MADEUP", "name": "Made Up Corp.", "period": f"FY{year}",
                                  "period_end": f"{year}-12-31", "filed": f"{year + 1}-02-15"}  # fmt: skip
        for at, (name, value) in enumerate(LINES.items()):
            growth = 1 if name == "shares_diluted" else (1.05 + at % 7 / 200) ** place
            row[name] = round(value * growth * (1 if name in PER_SHARE else 1e6), 4)
        rows.append({name: value for name, value in row.items() if name not in without})
    rows[-1].update(given)
    return pd.DataFrame(rows)


def closes(first: date = date(2024, 1, 1), last: date = date(2026, 6, 30)) -> pd.DataFrame:
    days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    days = [day for day in days if day.weekday() < 5]
    rows = [{"symbol": "MADEUP", "date": str(day), "close": round(20 + at / 60, 4)} for at, day in enumerate(days)]
    return pd.DataFrame(rows)


def workflow(*tables: pd.DataFrame, **values: object) -> FinancialAssistantWorkflow:
    """A workflow about the made-up company alone."""
    provider = FrameProvider(list(tables) or [statements(), closes()], **values)
    return FinancialAssistantWorkflow(db=None, model="offline", provider=provider)
