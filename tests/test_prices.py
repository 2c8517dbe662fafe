"""What prices did: figures of risk agree with empyrical over many companies and spans, or say why there are none."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import empyrical
import pandas as pd
import pytest

from finassist import Answer, EmbeddedProvider, FinancialAssistantWorkflow, FrameProvider, InputError, Query
from finassist.core.query import TEARSHEET

PROVIDER = EmbeddedProvider()
DAILY = PROVIDER.to_frame("prices_daily").set_index("date").sort_index()
INDEX = PROVIDER.to_frame("index").query("series == 'S&P 500'").set_index("date")["value"].sort_index()
BILL = PROVIDER.to_frame("rates").query("series == 'us_treasury_3m_bill_monthly'").set_index("date")["value"]
WORKFLOW = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)

WHOLE = [symbol for symbol in DAILY if DAILY[symbol].notna().all()]
COMPANIES = WHOLE[::31]
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
    assumed = asked.model_copy(update={"metrics": ["sharpe"], "assume": {"risk_free_rate": 0.03}})
    assert "above a risk-free rate of 3.0% a year (assumed)" in own.query(assumed).headline
    assert "Beta needs 60 daily returns that LEMON and ^GSPC share: there are 0" in no_index


# ----------------------------------------------------------------------------------------- tearsheets and portfolios


def held(weights: dict[str, float], start: date, end: date) -> pd.Series:
    """What a portfolio that is bought and held is worth, by day."""
    closes = DAILY[[*weights]].loc[DAILY[: start + pd.Timedelta(days=1)].loc[:start].index[-1] : end].astype(float)
    return (closes / closes.iloc[0] * pd.Series(weights)).sum(axis=1)


@pytest.mark.parametrize("weights", [{"AAPL": 0.6, "MSFT": 0.4}, {"KO": 0.25, "PEP": 0.25, "NVDA": 0.5}])
@pytest.mark.parametrize("periods", ["2022:2025", "2024"])
def test_a_portfolio_is_bought_and_held(weights: dict[str, float], periods: str) -> None:
    start, end = SPANS[periods]
    worth = held(weights, start, end)
    own, safe, market = returns(worth, start, end), rate(start, end) / 252, returns(INDEX, start, end)
    right = {
        "price_change": worth.iloc[-1] / worth.iloc[0] - 1,
        "volatility": empyrical.annual_volatility(own),
        "max_drawdown": empyrical.max_drawdown(own.iloc[1:]),
        "sharpe": empyrical.sharpe_ratio(own, risk_free=safe),
        "sortino": empyrical.sortino_ratio(own, required_return=safe),
        "beta": empyrical.beta(own, market),
        "correlation": own.corr(market),
    }
    found = WORKFLOW.query(Query(intent="tearsheet", weights=weights, periods=[periods]))
    [name] = {fact.symbol for fact in found.facts if "%" in fact.symbol}
    for metric, theirs in right.items():
        assert figures(found)[name, metric] == pytest.approx(theirs, rel=1e-4), metric
    assert {symbol for symbol, _ in figures(found)} == {name, *weights, "^GSPC"}
    assert "buy-and-hold portfolio of" in found.headline
    alone = WORKFLOW.query(Query(metrics=["sharpe"], weights=weights, periods=[periods]))
    assert value(alone) == figures(found)[name, "sharpe"]
    assert alone.value
    assert {*alone.value.inputs} <= {fact.key for fact in alone.facts}


def test_a_tearsheet_has_every_measure_of_each_company_beside_the_index() -> None:
    found = WORKFLOW.run("tearsheet of Apple and Microsoft in 2024")
    measures = ["Share price change", "Annualised return", "Volatility", "Maximum drawdown", "Sharpe ratio",
                "Sortino ratio", "Beta", "Correlation", "Best month", "Worst month"]  # fmt: skip
    rows = [line.split("|")[1].strip() for line in str(found.content).splitlines() if line.startswith("| ")]
    assert [row for row in rows if row in measures] == measures
    first = found.headline.split(". ")[0]
    assert all(word in first for word in ("change", "annualised return", "volatility", "drawdown", "Sharpe"))
    assert {symbol for symbol, _ in figures(found)} == {"AAPL", "MSFT", "^GSPC"}
    assert figures(found)["^GSPC", "beta"] == pytest.approx(1)
    for fact in found.facts:
        assert fact.status != "derived" or (fact.formula and fact.inputs and fact.source and fact.as_of), fact.key
    same = asyncio.run(WORKFLOW.aquery(found.query))
    assert (same.headline, same.facts, same.rows) == (found.headline, found.facts, found.rows)


def test_a_tearsheet_of_many_shares_has_a_short_headline_and_a_column_for_each() -> None:
    found = WORKFLOW.query(Query(intent="tearsheet", companies=["AAPL", "MSFT", "NVDA", "AMZN", "META", "TSLA"]))
    assert found.headline.startswith("Share price change from 2025-08-21 to 2026-08-21: Apple ")
    assert (
        "| 2025-08-21 to 2026-08-21 | Apple | Microsoft | Nvidia | Amazon | Meta Platforms | Tesla |" in found.content
    )
    both = WORKFLOW.run("Nvidia's maximum drawdown and net income since 2022", live=False)
    assert "share price rose" not in both.headline


@pytest.mark.parametrize(
    ("question", "weights", "metrics"),
    [
        ("60 % AAPL and 40 % MSFT since 2022: return, volatility, drawdown", [0.6, 0.4],
         ["price_change", "volatility", "max_drawdown"]),
        ("Sharpe ratio of a 60/40 portfolio of Apple and Microsoft in 2024", [0.6, 0.4], ["sharpe"]),
        ("an equally weighted portfolio of Apple, Microsoft, Nvidia and Tesla: beta", [0.25] * 4, ["beta"]),
        ("portfolio half Coca-Cola half Pepsi, volatility in 2024", [0.5, 0.5], ["volatility"]),
        ("How did 30% Apple, 70% Nvidia do in 2024?", [0.3, 0.7], [*TEARSHEET]),
        ("risk of Apple", [], [*TEARSHEET]),
        ("risk profile of Tesla vs Ford over the last three years", [], [*TEARSHEET]),
    ],
)  # fmt: skip
def test_risk_in_words(question: str, weights: list[float], metrics: list[str]) -> None:
    found = WORKFLOW.run(question)
    assert found.query.metrics == metrics
    assert [*found.query.weights.values()] == weights
    assert found.outcome == "answered"


def test_a_portfolio_needs_a_part_for_each_company_and_closes_of_all() -> None:
    assert "a part for each company" in WORKFLOW.run("volatility of 50% Apple and 50% Nike and Ford in 2024").headline
    late = WORKFLOW.query(Query(metrics=["volatility"], weights={"AAPL": 0.5, "ABNB": 0.5}, periods=["2019"]))
    assert late.headline.startswith("Prices of Airbnb")
    assert not late.rows
    paid = WORKFLOW.query(Query(metrics=["total_return"], weights={"KO": 0.5, "PEP": 0.5}, periods=["2023"]))
    assert "its closes leave dividends out" in paid.headline


def test_a_tearsheet_has_the_months_of_its_first_share_and_a_chart_of_all() -> None:
    found = WORKFLOW.run("tearsheet of Apple and Microsoft in 2023")
    closes = DAILY["AAPL"].loc[date(2022, 12, 30) : date(2023, 12, 31)].astype(float)
    by_month = closes.groupby([f"{day:%Y-%m}" for day in closes.index]).last().pct_change().dropna()
    months = {fact.period: float(fact.value or 0) for fact in found.facts if fact.field == "monthly_return"}
    assert months == pytest.approx(by_month.to_dict(), rel=1e-4)
    row = next(line for line in str(found.content).splitlines() if line.startswith("| 2023 |"))
    assert [float(cell) for cell in row.split("|")[2:-1]] == pytest.approx(by_month.mul(100), abs=0.051)
    html = found.to_html()
    assert html.index("<svg") < html.index("Sharpe ratio</th>") < html.index("fin-up fin-h")
    drawn = found.plot("rebased")
    assert [line.name for line in drawn.data] == ["Apple", "Microsoft", "S&amp;P 500"]
    last = closes.iloc[-1] / closes.iloc[0] * 100
    assert drawn.data[0].y[0] == 100
    assert drawn.data[0].y[-1] == pytest.approx(last, rel=1e-4)


def test_shares_are_compared_by_what_they_did_and_drawn_from_100() -> None:
    found = WORKFLOW.run("Compare the share price of Apple and Microsoft since 2022")
    assert "Apple had the higher share price change from 2022 to" in found.headline
    drawn = found.plot("rebased")
    assert [len(line.y) for line in drawn.data] == [len(drawn.data[0].y)] * 2
    assert 50 < len(drawn.data[0].y) < 75
    assert "100 at the start" in found.to_html()
    with pytest.raises(InputError, match="rebased"):
        found.plot("revenue")


# ------------------------------------------------------------------------------------------------- around a filing


def test_an_event_is_from_the_close_before_a_filing_to_days_after_it() -> None:
    found = WORKFLOW.run("How did Apple's share move around its FY2024 10-K?")
    filed = PROVIDER.to_frame("annual").sort_index()["first_filed"]["AAPL", "revenue", 2024].item()
    apple, index = DAILY["AAPL"].dropna().astype(float), INDEX
    before = apple[: filed - pd.Timedelta(days=1)].iloc[-1]
    after = apple.loc[filed + pd.Timedelta(days=1) :]
    moves = [float(fact.value or 0) for fact in found.facts if fact.key in found.rows and fact.symbol == "AAPL"]
    assert moves == pytest.approx([after.iloc[n - 1] / before - 1 for n in (1, 5)], rel=1e-4)
    beside = [float(fact.value or 0) for fact in found.facts if fact.key in found.rows and fact.symbol == "^GSPC"]
    base = index[: filed - pd.Timedelta(days=1)].iloc[-1]
    assert beside == pytest.approx([index[after.index[n - 1]] / base - 1 for n in (1, 5)], rel=1e-4)
    assert found.headline.startswith("Apple filed its FY2024 report on 2024-11-01: from USD 225.91 at the close before")
    [day] = [fact for fact in found.facts if fact.field == "filed"]
    assert (day.text, day.as_of) == ("2024-11-01", filed)


@pytest.mark.parametrize(
    ("question", "periods", "after"),
    [
        ("how did Apple's stock move after its last annual report?", ["latest"], [1, 5]),
        ("How did Nvidia's stock react to its latest 10-Q?", ["latest quarter"], [1, 5]),
        ("How did Apple's shares move in the 10 trading days after its 2023 annual report?", ["2023"], [10]),
        ("Microsoft share price reaction to its Q1 2025 10-Q", ["Q1 2025"], [1, 5]),
    ],
)
def test_events_in_words(question: str, periods: list[str], after: list[int]) -> None:
    found = WORKFLOW.run(question)
    assert (found.query.intent, found.query.periods, found.query.after) == ("event", periods, after)
    assert found.outcome == "answered"


def test_a_filing_without_daily_closes_around_it_is_said() -> None:
    early = WORKFLOW.query(Query(intent="event", companies=["AAPL"], periods=["FY2019"]))
    assert "There are no daily closes from the day before 2019-10-31" in early.headline
    none = WORKFLOW.query(Query(intent="event", companies=["AAPL"], periods=["FY2031"]))
    assert "filed its report for FY2031 is not in the data" in none.headline
    assert not early.rows
    assert not none.rows
