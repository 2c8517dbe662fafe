"""Figures that do not belong together are not set against each other, whichever way they are asked for."""

from __future__ import annotations

from typing import Any

import pytest
from agno.tools.finance import FinanceProvider, FinancialStatement, PriceBar, PriceHistory, Quote

from finassist import Answer, FinancialAssistantWorkflow, Query
from tests.fmp_server import fixture, fmp, fmp_server

STATEMENTS = ("/income-statement", "/balance-sheet-statement", "/cash-flow-statement")


def answered(changed: dict[str, Any], metric: str, *periods: str, **more: Any) -> Answer:
    with fmp_server(changed) as server, FinancialAssistantWorkflow(db=None, provider=fmp(server)) as workflow:
        return workflow.query(Query(metrics=[metric], companies=["AAPL"], periods=[*periods], **more))


def in_currency(code: str | None) -> dict[str, Any]:
    rows = {path: fixture(path) for path in STATEMENTS}
    for row in (row for each in rows.values() for row in each):
        row["reportedCurrency"] = code
    return rows


@pytest.mark.parametrize("code", ["CNY", None])
@pytest.mark.parametrize("metric", ["pe", "ps", "pb", "fcf_yield", "ev_to_ebitda"])
def test_no_multiple_of_a_price_in_one_currency_and_a_report_in_another(metric: str, code: str | None) -> None:
    found = answered(in_currency(code), metric)
    assert found.value is None
    assert [gap.error for gap in found.gaps] == ["NotMeaningful"]
    assert (code or "not known") in found.headline


def test_amounts_keep_the_currency_of_the_report() -> None:
    value = answered(in_currency("CNY"), "free_cash_flow", "FY2025").value
    assert (value.currency, value.unit) == ("CNY", "CNY")
    unknown = answered(in_currency(None), "revenue", "FY2025")
    assert "USD" not in unknown.headline


@pytest.mark.parametrize("query", [
    {"operation": "growth"}, {"periods": ["FY2024:FY2025"], "operation": "cagr"}, {"operation": "difference"},
    {"periods": ["FY2024:FY2025"], "operation": "sum"}, {"operation": "times"}, {"metrics": ["revenue_growth"]},
])  # fmt: skip
def test_no_change_from_one_reporting_currency_to_another(query: dict[str, Any]) -> None:
    rows = fixture("/income-statement")
    rows[1]["reportedCurrency"] = "EUR"
    asked = {"metrics": ["revenue"], "companies": ["AAPL"], "periods": ["FY2025"], **query}
    with fmp_server({"/income-statement": rows}) as server:
        found = FinancialAssistantWorkflow(db=None, provider=fmp(server)).query(Query(**asked))
    assert found.value is None
    assert "EUR" in found.headline
    assert "USD" in found.headline


def test_an_adr_makes_no_multiple_of_its_price() -> None:
    income, quote = fixture("/income-statement"), fixture("/quote")
    for row in income:
        row |= {"eps": 2.4, "epsDiluted": 2.4, "weightedAverageShsOutDil": 5 * 10**9, "netIncome": 12 * 10**9}
    quote[0] |= {"price": 60, "previousClose": 60, "marketCap": 60 * 10**9}
    found = answered({"/income-statement": income, "/quote": quote}, "pe")
    assert found.value is None
    assert "ADR" in found.headline


class Foreign(FinanceProvider):
    """Two companies that report in different currencies, and a price history that was adjusted for a split in part."""

    id, name = "foreign", "Foreign source"
    capabilities = frozenset({"get_financials", "get_quote", "get_price_history"})

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        code = "JPY" if symbol == "MSFT" else "USD"
        items = {"revenue": 100e9, "net_income": 9e9}
        return [FinancialStatement(symbol, statement, period, "2024-12-31", "2024-FY", code, items=items)]

    async def aget_quote(self, symbol: str) -> Quote:
        return Quote(symbol, price=2.0, previous_close=1.98, currency="USD", as_of="2024-12-27")

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> PriceHistory:
        closes = [0.021, 0.024, 0.019, 1.96, 1.5, 1.4, 1.6, 1.7, 1.8, 1.75, 1.9, 2.0]
        bars = [PriceBar(date=f"2024-{month:02}-27", close=close) for month, close in enumerate(closes, start=1)]
        return PriceHistory(symbol, period, interval, "USD", bars=bars)


@pytest.mark.parametrize("more", [{"intent": "compare"}, {"operation": "sum"}, {"operation": "difference"},
                                  {"intent": "rank"}, {"operation": "times"}, {"operation": "share"}])  # fmt: skip
def test_companies_in_other_currencies_are_shown_and_not_compared(more: dict[str, Any]) -> None:
    query = Query(metrics=["revenue"], companies=["AAPL", "MSFT"], periods=["FY2024"], **more)
    found = FinancialAssistantWorkflow(db=None, provider=Foreign()).query(query)
    assert "Apple USD 100.0 billion and Microsoft JPY 100.0 billion" in found.headline
    assert [gap.error for gap in found.gaps] == ["NotMeaningful"]


def test_ratios_of_companies_in_other_currencies_are_compared() -> None:
    query = Query(metrics=["net_margin"], companies=["AAPL", "MSFT"], periods=["FY2024"], intent="compare")
    assert not FinancialAssistantWorkflow(db=None, provider=Foreign()).query(query).gaps


@pytest.mark.parametrize("metric", ["price_change", "max_drawdown"])
def test_a_jump_of_the_closes_is_no_gain(metric: str) -> None:
    query = Query(metrics=[metric], companies=["AAPL"], periods=["2024-01-27:2024-12-27"])
    found = FinancialAssistantWorkflow(db=None, provider=Foreign()).query(query)
    assert found.value is None
    assert "split" in found.headline


@pytest.mark.parametrize("metric", ["ev_to_ebitda", "ev_to_fcf", "fcf_yield"])
def test_a_multiple_on_several_days_is_that_of_each_day_alone(metric: str) -> None:
    days = ["2022-08-22", "2024-08-21", "2026-08-21"]
    workflow = FinancialAssistantWorkflow(db=None)
    together = workflow.query(Query(metrics=[metric], companies=["NVDA"], periods=days))
    alone = [workflow.query(Query(metrics=[metric], companies=["NVDA"], periods=[each])).value for each in days]
    assert [fact.value for fact in together.facts if fact.field == metric] == [fact.value for fact in alone]
