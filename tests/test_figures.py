"""Kinds of queries in which a figure can go wrong unseen: the right value is computed here, or a refusal is wanted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from statistics import mean
from typing import Any

import pandas as pd
import pytest

from finassist import Answer, EmbeddedProvider, FinancialAssistantWorkflow, InvalidQuery, Query
from finassist.core.periods import months_back

PROVIDER = EmbeddedProvider()
YEARS = PROVIDER.to_frame("annual")["value"].droplevel("fiscal_period").sort_index()
QUARTERS = PROVIDER.to_frame("quarterly")["value"].sort_index()
COMPANIES = PROVIDER.to_frame("companies").set_index("symbol")
DAILY = PROVIDER.to_frame("prices_daily").set_index("date").sort_index()
MONTHLY = PROVIDER.to_frame("prices_monthly").set_index(["symbol", "date"]).sort_index()
WORKFLOW = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)
ALL: dict[str, Any] = {"scope": "universe"}


def ask(*metrics: str, of: str = "AAPL", periods: str = "", **more: Any) -> Answer:
    """The answer to a typed query; companies and periods are separated by spaces and commas."""
    companies = [] if more.get("scope") == "universe" else of.split()
    asked = Query(metrics=[*metrics], companies=companies, periods=periods.split(",") if periods else [], **more)
    return WORKFLOW.query(asked, live=False)


def value(answer: Answer) -> float:
    assert answer.value is not None, answer.headline
    assert answer.value.value is not None
    return float(answer.value.value)


def symbols(answer: Answer) -> list[str]:
    return [key.split("/")[0] for key in answer.rows]


def year(symbol: str, field: str, of: int) -> float:
    return float(YEARS[symbol, field, of])


def above(metric: str, number: float, period: str | None = None) -> dict[str, Any]:
    return {"metric": metric, "comparator": ">", "number": number, "period": period}


# ------------------------------------------------------------------------------------------ conditions


def test_a_range_that_ends_at_zero_has_that_end() -> None:
    where = [{"metric": "net_margin", "comparator": "between", "number": -0.5, "upper": 0}]
    assert ask("net_margin", of="INTC", periods="FY2024", where=where).headline.startswith("Yes, between -50% and 0%")
    losses = YEARS.xs(("net_income", 2024), level=("field", "fiscal_year")) / YEARS.xs(
        ("revenue", 2024), level=("field", "fiscal_year")
    )
    counted = ask("net_margin", periods="FY2024", operation="count", where=where, **ALL)
    assert value(counted) == losses.between(-0.5, 0).sum()


def spans(field: str, first: int, last: int) -> pd.Series:
    """Change from one fiscal year to another, of the companies that have both and began above zero."""
    before, after = (YEARS.xs((field, of), level=("field", "fiscal_year")) for of in (first, last))
    return (after / before[before > 0] - 1).reindex(COMPANIES.index[COMPANIES["primary"] == COMPANIES.index]).dropna()


def test_growth_over_years_is_one_change_when_companies_are_ordered_or_counted() -> None:
    right = spans("revenue", 2020, 2024)
    most = ask("growth(revenue)", periods="FY2020:FY2024", intent="rank", order=1, limit=5, **ALL)
    assert symbols(most) == [*right.nlargest(5).index]
    assert "from FY2020 to FY2024" in most.headline
    where = [above("growth(revenue)", 1)]
    assert (
        value(ask("growth(revenue)", periods="FY2020:FY2024", operation="count", where=where, **ALL))
        == (right > 1).sum()
    )
    assert (
        value(WORKFLOW.run("How many companies have more than doubled revenue from FY2020 to FY2024?"))
        == (right >= 1).sum()
    )
    asked = WORKFLOW.run("Did Apple's revenue grow more than 40% from FY2020 to FY2024?")
    assert asked.headline.startswith("Yes, above 40%")


def test_a_line_that_ended_years_ago_is_no_latest_figure() -> None:
    """Berkshire tags its cash in another way since FY2017."""
    asked = WORKFLOW.run("How much cash does Berkshire have?")
    assert asked.value is None
    assert "FY2017" in asked.headline
    assert value(ask("cash_and_equivalents", of="BRK-B", periods="FY2017")) == year(
        "BRK-B", "cash_and_equivalents", 2017
    )


def test_in_every_year_means_each_of_them() -> None:
    margins = [
        YEARS.xs(("net_income", of), level=("field", "fiscal_year"))
        / YEARS.xs(("revenue", of), level=("field", "fiscal_year"))
        for of in (2022, 2023, 2024)
    ]
    right = pd.concat(margins, axis=1, join="inner")
    found = WORKFLOW.run("Which companies had a net margin above 35% in every year from FY2022 to FY2024?")
    assert set(symbols(found)) <= set(right.index[(right > 0.35).all(axis=1)])
    assert "in every year from FY2022 to FY2024" in found.headline
    dropped = right.index[(right.iloc[:, -1] > 0.35) & ~(right > 0.35).all(axis=1)]
    assert len(dropped)
    assert not set(symbols(found)) & set(dropped)


def test_each_condition_is_about_its_own_figure_and_period() -> None:
    rich = [above("net_margin", 0.3)]
    assert ask("revenue", of="AAPL MSFT KO", periods="FY2023", where=rich).headline.startswith(
        "Microsoft (USD 211.9 billion) had net margin above 30%"
    )
    both = [above("net_margin", 0.2), above("revenue", 3e11)]
    for metrics in (["net_margin"], ["net_margin", "revenue"]):
        told = ask(*metrics, of="AAPL MSFT KO", periods="FY2023", where=both).headline
        assert told.startswith("Apple (25.3%"), told
        assert "; not Microsoft 34.1%" in told
    early = ask("revenue", of="AAPL KO", periods="FY2023", where=[above("net_margin", 0.255, "FY2021")])
    assert early.headline.startswith("Apple (USD 383.3 billion) had net margin above 25.5% in FY2021")
    assert "not Coca-Cola" in early.headline
    lacking = ask("revenue", of="AAPL", periods="FY2023", where=[above("net_margin", 0.2, "FY1999")])
    assert lacking.value is None
    assert lacking.gaps


def test_a_condition_of_an_earlier_period_is_looked_up_there() -> None:
    large = YEARS.xs(("revenue", 2015), level=("field", "fiscal_year"))
    now = YEARS.xs(("revenue", 2024), level=("field", "fiscal_year"))
    right = now[large.reindex(now.index) > 2e11].sort_values(ascending=False)
    found = ask("revenue", periods="FY2024", where=[above("revenue", 2e11, "FY2015")], **ALL)
    assert symbols(found) == [*right.index]
    assert "in FY2015" in found.headline
    priced = ask("price", periods="latest", where=[above("price", 2000, "2022-01-03")], **ALL)
    assert set(symbols(priced)) == set(DAILY.columns[DAILY.loc[date(2022, 1, 3)] > 2000])


# ------------------------------------------------------------------------------------ several companies


def test_highest_and_lowest_of_companies_is_a_company() -> None:
    lowest = ask("revenue", of="AAPL MSFT KO", periods="FY2023", operation="min")
    assert (lowest.value.symbol, value(lowest)) == ("KO", year("KO", "revenue", 2023))
    assert ask("revenue", of="KO AAPL", periods="FY2023", operation="max").value.symbol == "AAPL"


def test_each_metric_is_joined_by_itself() -> None:
    found = ask("revenue", "net_income", of="AAPL MSFT", periods="FY2023", operation="sum")
    for field in ("revenue", "net income"):
        assert f"The combined {field} of Apple and Microsoft" in found.headline
    found = ask("net_margin", "revenue", periods="FY2021:FY2023", operation="mean")
    assert "Apple's net margin averaged" in found.headline
    assert "Apple's revenue averaged" in found.headline


def test_each_period_has_its_own_order_and_its_own_move() -> None:
    for scope, intent in (("named", "compare"), ("named", "rank"), ("universe", "rank")):
        found = ask("revenue", of="AAPL MSFT", periods="FY2022,FY2023", intent=intent, order=1, scope=scope, limit=2)
        assert "in FY2022" in found.headline
        assert "in FY2023" in found.headline
    moves = ask("price_change", periods="2023,2024")
    ends = [float(MONTHLY.loc["AAPL", "close"].loc[: date(of, 12, 31)].iloc[-1]) for of in (2022, 2023, 2024)]
    rows = [float(fact.value) for fact in moves.facts if fact.field == "price_change"]
    assert rows == pytest.approx([ends[1] / ends[0] - 1, ends[2] / ends[1] - 1], rel=1e-3)


def test_every_company_of_a_mean_over_years_is_told() -> None:
    found = ask("revenue", of="AAPL MSFT", periods="FY2021:FY2023", operation="mean")
    assert "Apple's revenue averaged" in found.headline
    assert "Microsoft's revenue averaged" in found.headline
    total = ask("revenue", of="AAPL MSFT", periods="FY2021:FY2023", operation="sum")
    assert value(total) == sum(year(each, "revenue", of) for each in ("AAPL", "MSFT") for of in (2021, 2022, 2023))
    moved = ask("price_change", of="AAPL MSFT", periods="2023", operation="mean")
    assert moved.headline.startswith("The average share price change of Apple and Microsoft")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"of": "AAPL INTC", "operation": "times"}, "net income of INTC is negative"),
        ({"of": "INTC BA", "operation": "share"}, "net income of INTC is negative"),
        ({"of": "AAPL MSFT KO", "operation": "difference"}, "of two companies"),
        ({"of": "BA", "periods": "FY2020,FY2023", "operation": "times"}, "net income of BA is negative"),
    ],
)
def test_what_makes_no_multiple_and_no_share_is_refused(query: dict[str, Any], said: str) -> None:
    found = ask("net_income", **{"periods": "FY2024", **query})
    assert found.value is None
    assert said in found.headline


def test_a_company_with_two_share_classes_is_added_once() -> None:
    assert value(ask("revenue", of="GOOG GOOGL", periods="FY2023", operation="sum")) == year("GOOGL", "revenue", 2023)


# ---------------------------------------------------------------------------------------------- periods


def test_every_period_of_a_span_counts() -> None:
    quarters = QUARTERS["AAPL", "revenue"].dropna()
    numbers = [(of, f"Q{n}") for of in (2021, 2022, 2023, 2024) for n in (1, 2, 3)]
    nine_months = float(sum(quarters[key] for key in numbers))
    assert value(ask("revenue", periods="9M 2021:9M 2024", operation="sum")) == nine_months
    calendar = ask("revenue", periods="CY2021:CY2024", operation="sum")  # its first quarters end in December
    assert value(calendar) == float(quarters.loc[(2021, "Q2") : (2025, "Q1")].sum())
    assert value(ask("revenue", periods="TTM-1:TTM", operation="sum")) == float(quarters.iloc[-8:].sum())
    assert value(ask("revenue", periods="latest quarter-3:latest quarter", operation="sum")) == quarters.iloc[-4:].sum()
    caps = [value(ask("market_cap", periods=str(of))) for of in (2021, 2022, 2023)]
    assert value(ask("market_cap", periods="2021:2023", operation="mean")) == pytest.approx(mean(caps))
    assert len(ask("pe", periods="FY2019:FY2023").rows) == 5
    cagr = ask("revenue", periods="TTM-2,TTM", operation="cagr")
    assert value(cagr) == pytest.approx((quarters.iloc[-4:].sum() / quarters.iloc[-12:-8].sum()) ** 0.5 - 1)


@pytest.mark.parametrize("operation", ["sum", "mean", "growth", "cagr", "max"])
@pytest.mark.parametrize("periods", ["FY2022:Q2 2024", "FY2022,Q2 2024", "2024-01:2024-06", "FY2023,2024-01"])
def test_periods_of_other_lengths_are_not_joined(periods: str, operation: str) -> None:
    found = ask("revenue", periods=periods, operation=operation)
    assert found.value is None
    assert found.gaps


def test_a_ratio_of_a_quarter_is_not_set_against_those_of_years() -> None:
    debt, profit = QUARTERS["KO", "long_term_debt"], QUARTERS["KO", "operating_income"]
    of, number = next((of, n) for of, n in debt.dropna().index[::-1] if n == "Q2")
    year_to = profit.loc[: (of, number)].iloc[-4:].sum()
    found = ask("long_term_debt / operating_income", of="KO", periods=f"{number} {of}")
    assert value(found) == pytest.approx(debt[of, number] / year_to)
    assert value(ask("ttm(operating_income)", of="KO", periods=f"{number} {of}")) == year_to
    assert "not annualised" in ask("roe", of="META", periods="Q2 2024").content


def test_no_old_report_stands_for_the_latest() -> None:
    """The last revenue of DTE in the data is of 2017: no price of today is divided by it, and no total has it."""
    assert ask("ps", of="DTE").value is None
    alone, ranked = ask("pe", of="WEC"), ask("pe", order=-1, intent="rank", limit=500, **ALL)
    assert [float(f.value) for f in ranked.facts if f.key == alone.value.key] == [value(alone)]
    total = ask("revenue", periods="TTM", operation="sum", sectors=["Utilities"], **ALL)
    assert "DTE" not in [fact.symbol for fact in total.facts]


# ------------------------------------------------------------------------------------------------ prices


@pytest.mark.parametrize("metric", ["volatility", "beta"])
@pytest.mark.parametrize("periods", ["2019:2023", "2021"])
def test_monthly_returns_are_no_daily_ones(metric: str, periods: str) -> None:
    found = ask(metric, periods=periods)
    assert found.value is None
    assert "of month ends only before 2021-06-30" in found.headline


def test_figures_of_month_ends_say_so() -> None:
    closes = MONTHLY.loc["AAPL", "close"]
    of_2020, of_2021 = (closes.loc[date(of, 1, 1) : date(of, 12, 31)] for of in (2020, 2021))
    high = ask("price", periods="2020", operation="high")
    assert value(high) == pytest.approx(of_2020.max())
    assert "highest month-end close" in high.headline
    for of, right in (("2020", of_2020), ("2021", of_2021)):
        found = ask("price", periods=of, operation="mean")
        assert value(found) == pytest.approx(right.mean(), rel=1e-5)
        assert "mean of 12 month-end closes" in found.headline
    assert "(month-end closes)" in ask("max_drawdown", periods="2020").headline
    assert "of month ends only before" in ask("max_drawdown", periods="2019:2023").headline


@pytest.mark.parametrize("periods", ["last 52 months", "2024", "TTM", "2020"])
def test_the_distance_from_the_high_is_the_last_close_against_the_highest(periods: str) -> None:
    high, found = ask("price", periods=periods, operation="high"), ask("from_high", periods=periods)
    last = found.value and next(fact for fact in found.facts if fact.key == found.value.inputs[-1])
    assert last
    assert value(found) == pytest.approx(float(last.value or 0) / value(high) - 1)


def test_a_total_return_is_of_the_days_it_says() -> None:
    adjusted = MONTHLY.loc["AAPL", "adj_close"]
    found = ask("total_return", periods="2024-03-14:2024-06-14")
    assert "from 2024-02-29 to 2024-05-31" in found.headline
    assert value(found) == pytest.approx(adjusted[date(2024, 5, 31)] / adjusted[date(2024, 2, 29)] - 1)
    yearly = ask("total_return", periods="last 5 years", operation="cagr")
    assert "total return from 2021-07-31 to 2026-07-31, with dividends reinvested, was" in yearly.headline


def test_spans_of_months_and_days_and_quarters() -> None:
    closes = DAILY["AAPL"].dropna()
    last = closes.index[-1]
    for periods, start in (("last 3 months", pd.Timestamp(last) - pd.DateOffset(months=3)),
                           ("last 30 days", pd.Timestamp(last) - pd.DateOffset(days=30)),
                           ("CQ1 2024:CQ3 2024", pd.Timestamp(2023, 12, 31))):  # fmt: skip
        end = closes.loc[: date(2024, 9, 30)].iloc[-1] if "CQ" in periods else closes.iloc[-1]
        right = end / closes.loc[: start.date()].iloc[-1] - 1
        assert value(ask("price_change", periods=periods)) == pytest.approx(float(right), rel=1e-4), periods
    late = ask("price_change", periods="2026-08-28")
    assert late.value is None
    assert "end on 2026-08-21" in late.headline


# ---------------------------------------------------------------------------------------- all companies


def test_ranks_of_prices_over_years_and_with_dividends() -> None:
    last = DAILY.index[-1]
    before = DAILY.loc[: last.replace(year=last.year - 5)].iloc[-1]
    moved = (DAILY.loc[last] / before - 1).dropna().nlargest(3)
    assert symbols(ask("price_change", periods="last 5 years", order=1, limit=3, **ALL)) == [*moved.index]
    ends = MONTHLY["adj_close"].unstack("symbol")
    returns = (ends.loc[: date(2023, 12, 31)].iloc[-1] / ends.loc[: date(2022, 12, 31)].iloc[-1] - 1).nlargest(3)
    assert symbols(ask("total_return", periods="2023", order=1, limit=3, **ALL)) == [*returns.index]
    begun = DAILY.loc[: date(last.year - 1, 12, 31)].iloc[-1]
    this_year = (DAILY.loc[last] / begun - 1).nlargest(3)
    assert symbols(ask("price_change", periods="YTD", order=1, limit=3, **ALL)) == [*this_year.index]


def test_a_rank_names_what_it_ranks_by() -> None:
    revenue = YEARS.xs("revenue", level="field").unstack("fiscal_year")
    rate = ((revenue[2024] / revenue[2014]) ** 0.1 - 1).nlargest(3)
    found = ask("revenue", periods="FY2014:FY2024", operation="cagr", order=1, limit=3, **ALL)
    assert symbols(found) == [*rate.index]
    assert "highest revenue CAGR from FY2014 to FY2024" in found.headline
    assert ask("revenue", periods="last 10 years", operation="cagr", limit=3, order=1, **ALL).rows


@pytest.mark.parametrize(
    "query",
    [
        {"metric": "volatility", "periods": "2023"},
        {"metric": "beta"},
        {"metric": "price", "periods": "2023", "operation": "high"},
        {"metric": "revenue", "periods": "FY2023", "operation": "share"},
        {"metric": "revenue", "periods": "FY2031"},
    ],
)
def test_what_is_not_had_of_all_companies_is_said(query: dict[str, Any]) -> None:
    found = ask(query.pop("metric"), **query, **ALL)
    assert found.value is None
    assert not found.rows
    assert found.headline
    assert found.gaps


# --------------------------------------------------------------------------------------------- in words


def told(question: str) -> Answer:
    """The answer to a question of a conversation of its own."""
    return FinancialAssistantWorkflow(model="offline", provider="embedded", db=None).run(question)


def over(field: str, of: int) -> pd.Series[float]:
    """A line of every company once."""
    found = YEARS.xs((field, of), level=("field", "fiscal_year")).dropna()
    return found[COMPANIES["primary"].reindex(found.index) == found.index.to_series()]


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("How many companies had a revenue decline of more than 20% in 2023?",
         lambda: (over("revenue", 2023) / over("revenue", 2022) - 1 < -0.2).sum()),
        ("How many companies' revenue fell between 10% and 20% in 2023?",
         lambda: (over("revenue", 2023) / over("revenue", 2022) - 1).between(-0.2, -0.1).sum()),
        ("How many companies doubled their revenue in 2024?",
         lambda: (over("revenue", 2024) / over("revenue", 2023) - 1 >= 1).sum()),
        ("How many companies were profitable in 2022 but loss-making in 2023?",
         lambda: ((over("net_income", 2022) > 0) & (over("net_income", 2023) < 0)).sum()),
        ("How many companies had revenue above 200 billion in FY2015 and net margin above 10% in FY2024?",
         lambda: ((over("revenue", 2015) > 2e11) & (over("net_income", 2024) / over("revenue", 2024) > 0.1)).sum()),
        ("How many companies had lower net income in 2023 than in 2020?",
         lambda: (over("net_income", 2023) - over("net_income", 2020) < 0).sum()),
        ("How many companies had both revenue growth above 20% and net margin above 20% in 2023?",
         lambda: ((over("revenue", 2023) / over("revenue", 2022) - 1 > 0.2)
                  & (over("net_income", 2023) / over("revenue", 2023) > 0.2)).sum()),
    ],
)  # fmt: skip
def test_every_condition_of_a_question_counts(question: str, count: Callable[[], int]) -> None:
    assert value(told(question)) == count()


def test_what_is_ranked_over_years_is_what_is_asked() -> None:
    rates = ((over("revenue", 2024) / over("revenue", 2014)) ** 0.1 - 1).nlargest(3)
    assert symbols(told("Which 3 companies had the highest revenue CAGR from 2014 to 2024?")) == [*rates.index]
    above = (over("revenue", 2024) / over("revenue", 2019)) ** 0.2 - 1
    asked = "Which companies had a revenue CAGR above 30% from 2019 to 2024?"
    assert symbols(told(asked))[:10] == [*above[above > 0.3].nlargest(10).index]
    assert symbols(told("Which companies grew revenue by more than 30% a year from 2019 to 2024?")) == symbols(
        told(asked)
    )
    assert (
        "above 8% from FY2019 to FY2023; not Nike 7.0%"
        in told("Which of Nike, Costco and Adobe had a revenue CAGR above 8% from 2019 to 2023?").headline
    )


def test_quarters_calendar_years_and_this_year() -> None:
    ended = told("What was Oracle's revenue in the quarter ended May 2024?")
    assert "USD 14.29 billion in the quarter ended 2024-05-31 (Q4 2024)" in ended.headline
    quarters = QUARTERS["AAPL", "revenue"].dropna()
    assert value(told("What was Apple's highest quarterly revenue in the last 3 years?")) == quarters.iloc[-12:].max()
    assert value(told("What was Apple's lowest quarterly revenue in 2023?")) == quarters.loc[2023].min()
    calendar = [float(quarters.loc[(of, "Q2") : (of + 1, "Q1")].sum()) for of in (2021, 2022, 2023)]
    assert value(told("What was Apple's total revenue from calendar 2021 to calendar 2023?")) == sum(calendar)
    average = told("What was Apple's average revenue over calendar years 2021 to 2023?")
    assert value(average) == pytest.approx(mean(calendar))
    last = DAILY.index[-1]
    begun = DAILY.loc[: date(last.year - 1, 12, 31)].iloc[-1]
    moved = (DAILY.loc[last] / begun - 1).nlargest(3)
    assert symbols(told("Which 3 stocks rose the most this year?")) == [*moved.index]
    fallen = told("Which stocks fell more than 80% in 2022?")
    year_ends = MONTHLY["close"].unstack("symbol")
    right = year_ends.loc[: date(2022, 12, 31)].iloc[-1] / year_ends.loc[: date(2021, 12, 31)].iloc[-1] - 1
    assert set(symbols(fallen)) == set(right.index[right < -0.8])


def test_the_asked_form_of_a_figure() -> None:
    assert (
        "was 25% in FY2023"
        in told("What was Apple's net margin in 2023, rounded to the nearest whole percent?").headline
    )
    change = told("What was the change in Apple's net margin from 2021 to 2023 in basis points?")
    assert "fell by 58 basis points" in change.headline


# ------------------------------------------------------------------------------- what a share became, trading days


def _close(symbol: str, day: str) -> float:
    return float(DAILY[symbol].dropna().loc[: date.fromisoformat(day)].iloc[-1])


def test_an_amount_and_shares_are_worth_what_the_price_says() -> None:
    last = float(DAILY["NVDA"].dropna().iloc[-1])
    held = told("What did $1,000 invested in Nvidia in 2022 become?")
    assert value(held) == pytest.approx(1000 * last / _close("NVDA", "2021-12-31"))
    assert "without dividends" in held.headline
    assert "2021-12-31" in held.headline
    shares = told("If I had bought 100 shares of Microsoft on 2022-01-03, what would they be worth at the end of 2023?")
    assert value(shares) == pytest.approx(100 * _close("MSFT", "2023-12-31"))
    costs = told("What would 25 shares of Costco have cost on 2023-06-30?")
    assert value(costs) == pytest.approx(25 * _close("COST", "2023-06-30"))
    adjusted = MONTHLY.loc["KO", "adj_close"].dropna()
    paid = told("$5000 in Coca-Cola at the end of 2019, dividends reinvested: what was it worth at the end of 2023?")
    months = [adjusted.loc[: date(of, 12, 31)].iloc[-1] for of in (2019, 2023)]
    assert value(paid) == pytest.approx(5000 * months[1] / months[0], rel=1e-4)
    assert "with dividends reinvested" in paid.headline
    assert value(told("How many shares of Apple could I buy with $10,000?")) == pytest.approx(
        10_000 / _close("AAPL", str(DAILY.index[-1]))
    )
    assert "since when?" in told("How much would $1,000 in Apple be worth?").headline
    assert told("Should I invest $1,000 in Apple?").query.intent == "judge"
    typed = ask("price_change", of="AAPL", periods="2022-01-03:2023-01-03", stake="100 shares")
    assert value(typed) == pytest.approx(100 * _close("AAPL", "2023-01-03"))
    with pytest.raises(InvalidQuery, match="nothing to hold"):
        ask("price_change", stake="a lot")
    with pytest.raises(InvalidQuery, match="ask for price"):
        ask("revenue", stake="100 shares")
    joined = ask("price", of="A AAPL", operation="sum", stake="1000 USD")
    assert "cannot be added up over companies" in joined.headline


def test_a_stake_in_a_conversation() -> None:
    own = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)
    first = own.run("If I'd put ten thousand dollars into Netflix at the end of 2022, what would I have now?")
    assert own.run("and $500?").query.stake == "500 USD"
    other = own.run("and in Disney?").query
    assert (other.companies, other.stake, other.periods) == (["DIS"], "500 USD", first.query.periods)
    assert own.run("and with dividends?").query.metrics == ["total_return"]


def test_trading_days_are_counted() -> None:
    closes = DAILY["AAPL"].dropna()
    at = list(closes.index).index(date(2024, 8, 1))
    after = closes.iloc[at : at + 6]
    moved = told("How much did Apple move in the five trading days after 2024-08-01?")
    assert value(moved) == pytest.approx(after.iloc[-1] / after.iloc[0] - 1, rel=1e-4)
    assert value(told("What was Apple's close five trading days after August 1, 2024?")) == after.iloc[-1]
    lowest = told("What was Apple's lowest close in the 5 trading days after 2024-08-01?")
    assert value(lowest) == after.iloc[1:].min()
    lately = told("What was Apple's share price change over the last 10 trading days?")
    assert value(lately) == pytest.approx(closes.iloc[-1] / closes.iloc[-11] - 1, rel=1e-4)
    assert value(told("Apple's average close over the last 50 trading days")) == pytest.approx(closes.iloc[-50:].mean())
    first = told("What was Apple's close on the first trading day of 2024?")
    assert value(first) == closes.loc[date(2024, 1, 1) :].iloc[0]
    early = told("How much did Apple move in the five trading days after 2018-03-01?")
    assert not early.rows
    assert "cannot be counted" in early.headline
    filed = told("Apple price change five trading days after its earnings")
    assert "(5 trading days after)" in filed.headline
    nowhere = told("Apple price change five trading days after its conference")
    assert "from a date that is named" in nowhere.headline


def test_the_stretch_before_the_last_one() -> None:
    closes = DAILY["NVDA"].dropna()
    own = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)
    own.run("What did Nvidia's stock do in the last 3 months?")
    for asked, (start, end) in {
        "and the 3 months before that?": (6, 3),
        "and the year before?": (18, 15),
    }.items():
        ends = [closes.loc[: months_back(closes.index[-1], back)].iloc[-1] for back in (start, end)]
        assert value(own.run(asked)) == pytest.approx(ends[1] / ends[0] - 1, rel=1e-4), asked
    own.run("Apple revenue 2021 to 2023")
    assert own.run("and the three years before?").query.periods == ["2018:2020"]


# --------------------------------------------------------------------------------- the first and the last time


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("When did Amazon last lose money?", "Amazon last had a net loss in FY2022"),
        ("In which year did Apple last grow more than 10%?", "Apple last had revenue growth above 10% in FY2021"),
        ("When was the first year Tesla made a profit?", "Tesla first had a profit in FY2020"),
        ("How many quarters in a row has Intel lost money?", "Intel had a net loss in the latest 3 quarters in a row:"),
        (
            "How many years in a row has Nike lost money?",
            "Nike did not have a net loss in FY2026 (year ended 2026-05-31),",
        ),
        (
            "Which year had the highest margin at Adobe?",
            "Adobe's net margin from FY2014 to FY2025 was highest in FY2020, at 40.9%",
        ),
        ("In what year did Meta's net margin last fall below 20%?", "net margin below 20% in FY2022"),
        ("When did Apple's revenue first exceed $100bn?", "it may have been earlier"),
        ("When did Apple last close below $150?", "Apple last closed below USD 150 on 2023-03-10"),
    ],
)
def test_the_last_and_the_first_time(question: str, said: str) -> None:
    assert said in told(question).headline


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "Is Intel's capex higher than its operating cash flow in FY2023?",
            "Yes: Intel's capital expenditure was higher",
        ),
        ("Did Meta spend less on R&D than on capex in FY2023?", "No: Meta Platforms' capital expenditure was lower"),
        ("Did Intel's capex exceed its operating cash flow in 2023?", "Yes: Intel's capital expenditure less"),
    ],
)
def test_two_figures_of_one_company_are_compared(question: str, said: str) -> None:
    assert told(question).headline.startswith(said)


def test_no_comparison_without_both_figures() -> None:
    assert not told("Does Ford have more cash than long-term debt?").headline.startswith(("Yes", "No:"))


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("What would Walmart's net income be if its margin were 30 %?", "hypothetical"),
        ("Suppose Apple's net margin rose to 30%. What would its net income be?", "hypothetical"),
        ("With a margin of 20%, what would Ford have earned in 2023?", "hypothetical"),
        ("When is Apple reporting its next quarter?", "earnings date"),
        ("When did Apple last report earnings?", "earnings date"),
    ],
)
def test_what_would_be_and_what_will_come_is_refused_by_name(question: str, topic: str) -> None:
    answer = told(question)
    assert [gap.need for gap in answer.gaps] == [topic]
    assert not answer.rows


# ------------------------------------------------------------------------------------ conditions in other words


def test_a_condition_holds_as_it_is_said() -> None:
    sales, before = over("revenue", 2023), over("revenue", 2022)
    netted, lost = over("net_income", 2023), over("net_income", 2022)
    both, paid = before / over("revenue", 2021) - 1 > 0.2, over("stock_based_compensation", 2023)
    right = {
        "Which companies had revenue above $100bn but not net income above $5bn in FY2023?":
            (sales > 1e11) & (netted <= 5e9),
        "Companies with net margin of 15 to 20 percent and revenue over 80 billion in FY2023":
            (netted / sales).between(0.15, 0.2) & (sales > 8e10),
        "Which companies grew revenue over 20% in both FY2022 and FY2023?": both & (sales / before - 1 > 0.2),
        "Which companies lost money in FY2022 but made a profit in FY2023 with revenue above 50 billion dollars?":
            (lost < 0) & (netted > 0) & (sales > 5e10),
        "companies whose revenue grew more than 50% in FY2023 while net income was negative":
            (sales / before - 1 > 0.5) & (netted < 0),
        "Which companies' capex exceeded operating cash flow by more than $1 billion in FY2023?":
            over("capex", 2023) - over("operating_cash_flow", 2023) > 1e9,
        "Which companies' stock-based compensation was above 20% of revenue and above $1bn in FY2023?":
            (paid / sales > 0.2) & (paid > 1e9),
    }  # fmt: skip
    for question, holds in right.items():
        assert set(symbols(told(question))) == {*holds.index[holds]}, question


@pytest.mark.parametrize(
    "question",
    [
        "Companies with gross margin over 70% or net margin over 40% in FY2023",
        "Companies that neither paid dividends nor bought back shares in FY2023",
        "How much did Adobe's share price fall from its 2024 high to its 2024 low?",
        "Price change of Uber from IPO to end of 2023",
        "At what price did Tesla open on 2024-10-24?",
        "Microsoft's revenue exceeded Apple's in which years since 2020?",
        "Apple Bank revenue 2023",
    ],
)
def test_what_no_query_holds_is_refused(question: str) -> None:
    answer = told(question)
    assert not answer.rows, answer.headline
    assert answer.gaps


def test_closes_in_other_words() -> None:
    tesla = DAILY["TSLA"].dropna().loc[date(2022, 12, 30) : date(2023, 12, 31)]
    assert value(told("How volatile was Tesla in 2023?")) == pytest.approx(
        tesla.pct_change().std() * 252**0.5, rel=1e-4
    )
    assert value(told("What was Tesla's median close in 2023?")) == pytest.approx(tesla.iloc[1:].median())
    netflix = DAILY["NFLX"].loc[date(2022, 1, 1) : date(2022, 12, 31)]
    assert value(told("Netflix: cheapest close of 2022")) == netflix.min()
    assert value(told("What's the lowest Netflix has closed in 2022?")) == netflix.min()
    assert value(told("Apple close 31.12.2023")) == DAILY["AAPL"].dropna().loc[: date(2023, 12, 31)].iloc[-1]
    assert "April 2024" in told("Intel's stock: biggest monthly drop in 2024").headline
    times = told("How many times did Nvidia's share price multiply from the end of 2022 to the end of 2024?")
    assert value(times) == pytest.approx(_close("NVDA", "2024-12-31") / _close("NVDA", "2022-12-31"))
    moves = [_close(each, "2024-12-31") / _close(each, "2023-12-31") - 1 for each in ("NVDA", "AMD")]
    points = told("By how many percentage points did Nvidia beat AMD in 2024 (share price change)?")
    assert value(points) == pytest.approx(moves[0] - moves[1], rel=1e-4)


@pytest.mark.parametrize(
    ("question", "metrics", "periods"),
    [
        ("KO DPS 23", ["dividends_per_share"], ["2023"]),
        ("F TA FY23", ["total_assets"], ["FY2023"]),
        ("V ROE '23", ["roe"], ["2023"]),
        ("AVGO int exp FY2022", ["interest_expense"], ["FY2022"]),
        ("PG gr. margin fy23", ["gross_margin"], ["FY2023"]),
        ("UPS capex 21/22/23", ["capex"], ["2021", "2022", "2023"]),
        ("GS bvps YE2023", ["book_value_per_share"], ["end 2023"]),
    ],
)
def test_notes_of_analysts_are_read(question: str, metrics: list[str], periods: list[str]) -> None:
    query = told(question).query
    assert (query.metrics, query.periods, query.unknown) == (metrics, periods, [])


# ------------------------------------------------------------------------------------------- expressions


def test_units_follow_from_what_is_joined() -> None:
    margins = [year("AAPL", "net_income", of) / year("AAPL", "revenue", of) for of in (2022, 2023)]
    change = ask("growth(net_margin)", periods="FY2023")
    assert (value(change), change.value.unit) == (pytest.approx(margins[1] - margins[0]), "points")
    in_hundred = ask("net_income / revenue * 100", periods="FY2023")
    assert in_hundred.value.unit == "times"
    assert "25.31" in in_hundred.headline
    assert "2,5" not in in_hundred.headline
    assert ask("revenue / price", periods="FY2023").value.unit == "shares"
    grown = ask("growth(market_cap)", periods="2023")
    assert value(grown) == pytest.approx(
        value(ask("market_cap", periods="2023")) / value(ask("market_cap", periods="2022")) - 1
    )
    with pytest.raises(InvalidQuery, match="cannot be multiplied"):
        ask("net_income * revenue", periods="FY2023")


# -------------------------------------------------------------------------- days, months and years of a share


def closes(symbol: str, *years: int) -> pd.Series[float]:
    """The daily closes of years and the one before them."""
    own = DAILY[symbol].dropna()
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    return pd.concat([own.loc[: date(years[0] - 1, 12, 31)].iloc[-1:], own.loc[first:last]])


def test_the_best_and_the_worst_day_month_and_year() -> None:
    paypal, boeing = closes("PYPL", 2022).pct_change(), closes("BA", 2023, 2024).pct_change()
    worst = told("What was PayPal's worst single trading day in 2022, in percent?")
    assert (value(worst), str(paypal.idxmin()) in worst.headline) == (pytest.approx(paypal.min()), True)
    best = told("Biggest one-day gain of Boeing stock across 2023 and 2024?")
    assert (value(best), str(boeing.idxmax()) in best.headline) == (pytest.approx(boeing.max()), True)
    ends = MONTHLY.loc["INTC", "close"]
    yearly = ends[[day.month == 12 for day in ends.index]].pct_change()
    yearly = yearly[[2016 <= day.year <= 2024 for day in yearly.index]]
    year_of = told("Which calendar year from 2016 to 2024 was the worst one for Intel's share price?")
    assert (value(year_of), f"was {yearly.idxmin().year}" in year_of.headline) == (pytest.approx(yearly.min()), True)
    assert "needs daily closes" in told("Worst trading day of Ford shares in 2018").headline


def test_days_are_counted() -> None:
    nike, intel = closes("NKE", 2023), closes("INTC", 2022).iloc[1:]
    assert value(told("On how many trading days of 2023 did Nike's stock rise?")) == (nike.diff() > 0).sum()
    assert value(told("On how many days in 2022 did Intel close below $30?")) == (intel < 30).sum()


def test_the_worst_week_and_how_often() -> None:
    own = closes("BA", 2024)
    weeks = own.groupby([f"{day:%G-%V}" for day in own.index]).last()
    assert value(told("The steepest weekly drop of Boeing in 2024")) == pytest.approx(weeks.pct_change().min())
    assert value(told("How often did Boeing close below $150 in 2024?")) == (own.iloc[1:] < 150).sum()
    worst = told("Was 2022 Disney's worst year on the stock market since 2016?")
    assert worst.headline.startswith("Walt Disney's worst year from 2016")


def test_months_are_counted() -> None:
    own = closes("F", 2024)
    ends = own.groupby([f"{day:%Y-%m}" for day in own.index]).last()
    assert value(told("In how many months of 2024 did Ford's share price fall?")) == (ends.diff() < 0).sum()


def test_a_close_below_the_high_of_another_year() -> None:
    oracle = DAILY["ORCL"].dropna()
    told_of = told("How far below its 2025 closing high does Oracle trade now, in percent?")
    assert value(told_of) == pytest.approx(oracle.iloc[-1] / closes("ORCL", 2025).iloc[1:].max() - 1)


def test_highs_and_lows_in_other_words() -> None:
    for question, lowest in (
        ("At what close did Disney bottom out in 2023, and when?", True),
        ("Between the start of 2023 and the end of 2023, what was the highest Disney ever closed?", False),
        ("Disney's peak close during 2023 - price and day please", False),
        ("¿Cuál fue el precio de cierre más bajo de Disney en 2023?", True),
        ("Was war der höchste Schlusskurs von Disney im Jahr 2023?", False),
    ):
        own = closes("DIS", 2023).iloc[1:]
        assert value(told(question)) == pytest.approx(own.min() if lowest else own.max()), question


def test_the_lowest_close_of_several_and_whether_ever() -> None:
    answer = told("Which of these had the lowest close in 2023: Ford, Disney, Target?")
    lows = {each: closes(each, 2023).iloc[1:].min() for each in ("F", "DIS", "TGT")}
    assert symbols(answer)[0] == min(lows, key=lambda each: lows[each])
    assert f"low at the close in 2023: 1. Ford Motor USD {lows['F']:.2f}" in answer.headline
    own = DAILY["META"].dropna()
    assert str(own[own > 500].index[0]) in told("Has Meta stock ever closed above $500?").headline
    months = closes("DIS", 2022)
    ends = months.groupby([f"{day:%Y-%m}" for day in months.index]).last()
    assert value(told("Did Disney stock fall every month in 2022?")) == (ends.diff() < 0).sum()


def test_which_of_two_shares_fell_more() -> None:
    answer = told("Target or Nike - whose shares fell more during 2022?")
    moved = {each: closes(each, 2022).iloc[-1] / closes(each, 2022).iloc[0] - 1 for each in ("TGT", "NKE")}
    assert symbols(answer)[0] == min(moved, key=lambda each: moved[each])
    assert "fell more" in answer.headline


def test_a_price_as_a_multiple_of_another_day() -> None:
    own = DAILY["CAT"].dropna()
    multiple = told("How many times its price at the end of 2021 was Caterpillar's share at the end of 2024?")
    assert value(multiple) == pytest.approx(
        own.loc[: date(2024, 12, 31)].iloc[-1] / own.loc[: date(2021, 12, 31)].iloc[-1]
    )


@pytest.mark.parametrize("question", ["tell me about KEY", "Show me the numbers for ALL", "Give me the figures on CAT"])
def test_a_ticker_in_capitals_is_a_company_though_it_is_a_word(question: str) -> None:
    answer = told(question)
    assert (answer.symbols, answer.category) == ([question[-3:]], "report")


def test_a_screen_ordered_by_another_figure() -> None:
    sales, before = over("revenue", 2024), over("revenue", 2023)
    grown = (sales[sales > 2e11] / before.reindex(sales.index) - 1).dropna()
    answer = told("Among companies with FY2024 revenue above $200 billion, which one grew its revenue fastest?")
    assert set(symbols(answer)) == {grown.idxmax()}
    assert value(answer) == pytest.approx(grown.max())
    assert answer.headline.startswith(f"Of {len(grown)} companies with revenue above")
    assert "not answered" in told("Yield of the 30-year US Treasury on 29 December 2023?").headline


# --------------------------------------------------------------------------------------------- in a conversation


def last_of(*questions: str) -> Answer:
    """The last answer of a conversation."""
    workflow = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)
    return [workflow.run(question) for question in questions][-1]


def test_a_conversation_goes_on_from_the_last_figure() -> None:
    flow, spent, paid = (year("CSX", each, 2023) for each in ("operating_cash_flow", "capex", "dividends_paid"))
    turns = ("CSX's operating cash flow for 2023?", "less the capital expenditures of that year?",
             "how much were the dividends paid?", "what remained after those dividends?")  # fmt: skip
    assert value(last_of(*turns[:2])) == pytest.approx(flow - spent)
    assert value(last_of(*turns)) == pytest.approx(flow - spent - paid)
    assert value(last_of(turns[0], "what was left after dividends?")) == pytest.approx(flow - paid)
    eps = [year("MCD", "eps_diluted", of) for of in (2022, 2023)]
    told_of = last_of("McDonald's diluted EPS in 2022 and 2023?", "the ratio of the later to the earlier, in percent?",
                      "and minus one hundred, i.e. the growth?")  # fmt: skip
    assert value(told_of) == pytest.approx(eps[1] / eps[0] - 1)
    sales = [year("CSX", "revenue", of) for of in (2022, 2023)]
    part = last_of("CSX's revenue in 2023?", "and in 2022?", "the change between the two?",
                   "how much is that in percent of the 2022 figure?")  # fmt: skip
    assert value(part) == pytest.approx(sales[1] / sales[0] - 1)


def test_a_conversation_compares_its_last_figures() -> None:
    kroger, target = year("KR", "revenue", 2023), year("TGT", "revenue", 2023)
    assert value(last_of("Kroger revenue 2023", "And Target?", "difference in percent")) == pytest.approx(
        target / kroger - 1
    )
    earlier = year("KR", "revenue", 2022)
    assert value(last_of("Kroger revenue 2023", "less 2022's")) == pytest.approx(kroger - earlier)
    assert "none paid" in told("Which airlines did not pay dividends in 2023?").headline


def test_a_conversation_points_back_to_companies_and_terms() -> None:
    ranked = "Top 2 companies by revenue in FY2023"
    first, second = symbols(last_of(ranked))
    assert value(last_of(ranked, "How much did the first of them earn that year?")) == year(first, "net_income", 2023)
    told_of = last_of(ranked, "What was the net income of the first one in 2023?", "and the second?")
    assert value(told_of) == year(second, "net_income", 2023)
    margins = {each: year(each, "net_income", 2023) / year(each, "revenue", 2023) for each in ("HD", "LOW")}
    kept = last_of("Home Depot's revenue in 2023?", "Lowe's?", "Which one kept less of it as net profit?")
    assert symbols(kept)[0] == min(margins, key=lambda each: margins[each])
    share = last_of("What is return on assets?", "And how high was it at Adobe in fiscal 2023?")
    assert share.headline.startswith("Adobe's return on assets was")
    for asked, kind in (("Show the income statement of Nike", "income_statement"), ("Report on Nike", "report")):
        assert last_of("What is return on assets?", asked).category == kind


def test_a_formula_after_the_question_is_used() -> None:
    held = [year("TGT", "inventory", of) for of in (2022, 2023)]
    turned = told("What was Target's FY2023 inventory turnover? Use FY2023 revenue divided by the average of FY2022 and"
                  " FY2023 inventory; two decimals.")  # fmt: skip
    assert value(turned) == pytest.approx(year("TGT", "revenue", 2023) / (sum(held) / 2))
    computed = told("Compute the asset turnover of Nike for FY2023, using revenue over average total assets.")
    owned = [year("NKE", "total_assets", of) for of in (2022, 2023)]
    before = told("Using revenue divided by average total assets, what was Nike's asset turnover in FY2023?")
    assert (value(before), before.value and before.value.unit) == (value(computed), "times")
    assert value(computed) == pytest.approx(year("NKE", "revenue", 2023) / (sum(owned) / 2))


def test_a_change_in_amounts_and_a_total_growth() -> None:
    sales = {of: year("NKE", "revenue", of) for of in (2018, 2019, 2023)}
    change = told("By how many USD millions did Nike's revenue change from FY2018 to FY2019?")
    assert value(change) == pytest.approx(sales[2019] - sales[2018])
    grown = told("What is the FY2018 to FY2023 total revenue growth rate for Nike?")
    assert value(grown) == pytest.approx(sales[2023] / sales[2018] - 1)
