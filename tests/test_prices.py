"""What prices did: figures of risk agree with empyrical over many companies and spans, or say why there are none."""

from __future__ import annotations

from datetime import date
from typing import Any

import empyrical
import pandas as pd
import pytest

from finassist import Answer, EmbeddedProvider, FinancialAssistantWorkflow, FrameProvider, Query

PROVIDER = EmbeddedProvider()
DAILY = PROVIDER.to_frame("prices_daily").set_index("date").sort_index()
INDEX = PROVIDER.to_frame("index").query("series == 'S&P 500'").set_index("date")["value"].sort_index()
BILL = PROVIDER.to_frame("rates").query("series == 'us_treasury_3m_bill_monthly'").set_index("date")["value"]
WORKFLOW = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)

WHOLE = [symbol for symbol in DAILY if DAILY[symbol].notna().all()]
COMPANIES = WHOLE[::11]
SPANS = {
    "2022": (date(2021, 12, 31), date(2022, 12, 31)),
    "2024": (date(2023, 12, 31), date(2024, 12, 31)),
    "2022:2025": (date(2021, 12, 31), date(2025, 12, 31)),
    "2024-03-15:2024-09-16": (date(2024, 3, 15), date(2024, 9, 16)),
}
FIGURES = ("volatility", "max_drawdown", "sharpe", "sortino", "beta", "correlation")


def ask(*metrics: str, of: str = "AAPL", periods: str = "", **more: Any) -> Answer:
    companies = [] if more.get("scope") == "universe" else of.split()
    asked = Query(metrics=[*metrics], companies=companies, periods=periods.split(",") if periods else [], **more)
    return WORKFLOW.query(asked, live=False)


def figures(answer: Answer) -> dict[tuple[str, str], float]:
    """The asked figures by company and field."""
    known = [fact for fact in answer.facts if fact.key in answer.rows and fact.value is not None]
    return {(fact.symbol, fact.field): float(fact.value or 0) for fact in known}


def value(answer: Answer) -> float:
    assert answer.value is not None, answer.headline
    assert answer.value.value is not None
    return float(answer.value.value)


def returns(closes: pd.Series, start: date, end: date) -> pd.Series:
    """Daily returns, the first of them on the close before."""
    base = closes.loc[:start].index[-1]
    found = closes.loc[base:end].astype(float).pct_change().dropna()
    return found.set_axis(pd.DatetimeIndex(found.index))


def rate(start: date, end: date) -> float:
    """The mean bill of the months of a span."""
    first = (start + pd.Timedelta(days=1)).replace(day=1)
    return BILL.loc[first:end].mean() / 100


# ---------------------------------------------------------------------------------------------------------- the oracle


@pytest.mark.parametrize("periods", SPANS)
def test_risk_is_what_empyrical_computes(periods: str) -> None:
    start, end = SPANS[periods]
    safe, market = rate(start, end) / 252, returns(INDEX, start, end)
    found = figures(ask(*FIGURES, of=" ".join(COMPANIES), periods=periods))
    assert len(found) == len(COMPANIES) * len(FIGURES)
    for symbol in COMPANIES:
        own = returns(DAILY[symbol], start, end)
        inside = own.iloc[1:] if periods[4:] in ("", ":2025") else own  # the close before a year is none of its closes
        right = {
            "volatility": empyrical.annual_volatility(own),
            "max_drawdown": empyrical.max_drawdown(inside),
            "sharpe": empyrical.sharpe_ratio(own, risk_free=safe),
            "sortino": empyrical.sortino_ratio(own, required_return=safe),
            "beta": empyrical.beta(own, market),
            "correlation": own.corr(market),
        }
        for name, theirs in right.items():
            assert found[symbol, name] == pytest.approx(theirs, rel=1e-4, abs=1e-6), (symbol, name)


def test_a_return_a_year_is_compound_and_of_a_year_at_least() -> None:
    start, end = SPANS["2022:2025"]
    own = returns(DAILY["AAPL"], start, end)
    days = (end - start).days
    right = empyrical.annual_return(own, annualization=len(own) * 365.25 / days)
    assert value(ask("annual_return", periods="2022:2025")) == pytest.approx(right, rel=1e-4)
    assert "needs a year" in ask("annual_return", periods="2024-03-15:2024-09-16").headline


def test_the_best_and_the_worst_month_are_said() -> None:
    closes = DAILY["NVDA"].loc[date(2023, 12, 31) - pd.Timedelta(days=5) : date(2024, 12, 31)].astype(float)
    by_month = closes.groupby([f"{day:%Y-%m}" for day in closes.index]).last().pct_change().dropna()
    found = ask("best_month", "worst_month", of="NVDA", periods="2024")
    assert figures(found)["NVDA", "best_month"] == pytest.approx(by_month.max(), rel=1e-4)
    assert figures(found)["NVDA", "worst_month"] == pytest.approx(by_month.min(), rel=1e-4)
    best = date.fromisoformat(f"{by_month.idxmax()}-01")
    assert f"best month in 2024 was {best:%B %Y}" in found.headline


def test_a_sharpe_ratio_shows_its_rate_with_source_and_day() -> None:
    found = ask("sharpe", of="NVDA", periods="2024")
    assert found.value
    assert found.value.formula
    assert "above a risk-free rate of 5.0% a year" in found.headline
    [bill] = [fact for fact in found.facts if fact.symbol == "^IRX" and fact.period == "2024"]
    assert bill.key in found.value.inputs
    months = [fact for fact in found.facts if fact.key in bill.inputs]
    assert len(months) == 12
    assert all(fact.as_of == fact.period_end + pd.Timedelta(days=1) and "FRED" in fact.source for fact in months)


def test_what_of_risk_is_not_there_is_said() -> None:
    early = ask("sharpe", "correlation", periods="2019")
    assert early.value is None
    assert "A Sharpe ratio needs daily closes of all of 2019" in early.headline
    assert len(early.gaps) == 2
    for metric in ("sharpe", "sortino", "correlation", "best_month"):
        of_all = ask(metric, periods="2024", scope="universe")
        assert not of_all.rows
        assert "for companies that are named" in of_all.headline


def test_a_correlation_is_with_the_market_or_with_another_share() -> None:
    pair = WORKFLOW.run("What was the correlation between Coke and Pepsi in 2024?")
    start, end = SPANS["2024"]
    right = returns(DAILY["KO"], start, end).corr(returns(DAILY["PEP"], start, end))
    assert value(pair) == pytest.approx(right, rel=1e-4)
    assert "Coca-Cola's correlation with PepsiCo in 2024 was" in pair.headline
    assert value(ask("correlation", of="PEP", periods="2024", benchmark="KO")) == pytest.approx(right, rel=1e-4)
    market = WORKFLOW.run("correlation of Tesla with the market in 2023")
    assert "Tesla's correlation with the S&P 500 in 2023 was" in market.headline


def test_a_source_without_a_risk_free_rate_has_no_sharpe_ratio() -> None:
    days = pd.bdate_range("2024-01-01", "2024-12-31").date
    closes = pd.DataFrame({"date": days, "close": [100 + n % 7 for n in range(len(days))]})
    own = FinancialAssistantWorkflow(model="offline", provider=FrameProvider(closes, symbol="LEMON"), db=None)
    asked = Query(metrics=["volatility", "sharpe", "beta"], companies=["LEMON"], periods=["2024-01-01:2024-12-31"])
    found = own.query(asked)
    assert [fact.field for fact in found.facts if fact.key in found.rows] == ["volatility"]
    no_rate, no_index = (gap.reason for gap in found.gaps)
    assert "Sharpe ratio needs a risk-free rate" in no_rate
    assert "Beta needs 60 daily returns that LEMON and ^GSPC share: there are 0" in no_index
