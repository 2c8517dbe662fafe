"""Typed queries of every shape over the embedded data: each right value is computed here with pandas, apart from ours.

A row is a query and what is right: a number, several numbers in order, or symbols in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from statistics import mean, median
from typing import Any

import pandas as pd
import pytest

from finassist import Answer, EmbeddedProvider, FinancialAssistantWorkflow, Query

type Right = float | Sequence[float] | Sequence[str]
type Typed = tuple[dict[str, Any], Right]

PROVIDER = EmbeddedProvider()
YEARS = PROVIDER.to_frame("annual")["value"].droplevel("fiscal_period").sort_index()
QUARTERS = PROVIDER.to_frame("quarterly")["value"].sort_index()
ENDS = PROVIDER.to_frame("annual")["period_end"].droplevel("fiscal_period").sort_index()
DAILY = PROVIDER.to_frame("prices_daily").set_index("date").sort_index()
MONTHLY = PROVIDER.to_frame("prices_monthly").set_index(["symbol", "date"]).sort_index()
COMPANIES = PROVIDER.to_frame("companies").set_index("symbol")
WORKFLOW = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)

FIRMS = ("AAPL", "MSFT", "KO", "WMT", "CAT")


def year(symbol: str, field: str, of: int) -> float:
    return float(YEARS[symbol, field, of])


def quarter(symbol: str, field: str, of: int, number: int) -> float:
    return float(QUARTERS[symbol, field, of, f"Q{number}"])


def years(symbol: str, field: str, first: int, last: int) -> list[float]:
    return [year(symbol, field, of) for of in range(first, last + 1)]


def close(symbol: str, day: str) -> float:
    """The last close on or before a day."""
    return float(DAILY[symbol].loc[: date.fromisoformat(day)].dropna().iloc[-1])


def of(symbol: str | Sequence[str], metric: str, *periods: str, **more: Any) -> dict[str, Any]:
    symbols = [symbol] if isinstance(symbol, str) else [*symbol]
    return {"companies": symbols, "metrics": [metric], "periods": [*periods], **more}


# --------------------------------------------------------------------------------- one company, one figure

RATIOS: dict[str, Callable[[Callable[[str], float], Callable[[str], float]], float]] = {
    "gross_margin": lambda now, _: now("gross_profit") / now("revenue"),
    "operating_margin": lambda now, _: now("operating_income") / now("revenue"),
    "net_margin": lambda now, _: now("net_income") / now("revenue"),
    "roe": lambda now, _: now("net_income") / now("equity"),
    "roa_average": lambda now, before: now("net_income") / ((now("total_assets") + before("total_assets")) / 2),
    "current_ratio": lambda now, _: now("current_assets") / now("current_liabilities"),
    "free_cash_flow": lambda now, _: now("operating_cash_flow") - now("capex"),
    "working_capital": lambda now, _: now("current_assets") - now("current_liabilities"),
    "revenue_growth": lambda now, before: now("revenue") / before("revenue") - 1,
    "asset_turnover": lambda now, _: now("revenue") / now("total_assets"),
    "tax_rate": lambda now, _: now("income_tax") / now("pretax_income"),
    "capex / revenue": lambda now, _: now("capex") / now("revenue"),
    "net_income / shares_diluted": lambda now, _: now("net_income") / now("shares_diluted"),
    "net_income + income_tax": lambda now, _: now("net_income") + now("income_tax"),
    "growth(net_income)": lambda now, before: now("net_income") / before("net_income") - 1,
    "(operating_cash_flow - capex) / net_income": lambda now, _: (
        (now("operating_cash_flow") - now("capex")) / now("net_income")
    ),
    "prev(revenue)": lambda _, before: before("revenue"),
}
LINES = ("revenue", "net_income", "eps_diluted", "total_assets", "operating_cash_flow")


def values() -> Iterator[Typed]:
    for symbol in FIRMS:
        for line in LINES:
            yield of(symbol, line, "FY2022"), year(symbol, line, 2022)
    for metric, formula in RATIOS.items():
        for symbol in ("AAPL", "KO"):
            right = formula(lambda line, s=symbol: year(s, line, 2023), lambda line, s=symbol: year(s, line, 2022))
            yield of(symbol, metric, "FY2023"), right
    yield of("MSFT", "revenue", "FY2021", "FY2024"), [year("MSFT", "revenue", 2021), year("MSFT", "revenue", 2024)]


def quarterly() -> Iterator[Typed]:
    for symbol in ("AAPL", "MSFT", "KO"):
        sales = [quarter(symbol, "revenue", 2024, number) for number in (1, 2, 3)]
        yield of(symbol, "revenue", "Q2 2024"), sales[1]
        yield of(symbol, "revenue", "H1 2024"), sales[0] + sales[1]
        yield of(symbol, "revenue", "9M 2024"), sum(sales)
        yield of(symbol, "net_margin", "Q3 2024"), quarter(symbol, "net_income", 2024, 3) / sales[2]
        yield of(symbol, "revenue", "Q1 2024:Q3 2024", intent="series"), sales
        before = quarter(symbol, "revenue", 2023, 3)
        yield of(symbol, "revenue", "Q3 2024", intent="change", operation="growth"), sales[2] / before - 1
        yield of(symbol, "revenue", "Q3 2024", intent="change", operation="sequential"), sales[2] / sales[1] - 1
        last = QUARTERS[symbol, "revenue"].dropna().iloc[-4:]
        profits = QUARTERS[symbol, "net_income"].dropna().iloc[-4:]
        yield of(symbol, "revenue", "TTM"), float(last.sum())
        yield of(symbol, "net_margin", "TTM"), float(profits.sum() / last.sum())
        yield of(symbol, "total_assets", "Q2 2024"), quarter(symbol, "total_assets", 2024, 2)
        yield of(symbol, "revenue", "Q1 2024:Q3 2024", operation="sum"), sum(sales)
        yield of(symbol, "revenue", "Q1 2024:Q3 2024", operation="mean"), mean(sales)
        yield of(symbol, "revenue", "last 4 quarters"), [float(value) for value in last]


# ------------------------------------------------------------------------------------- one company in time


def in_time() -> Iterator[Typed]:
    for symbol, line in (("AAPL", "revenue"), ("MSFT", "net_income"), ("WMT", "operating_income"), ("KO", "revenue")):
        span, found = "FY2019:FY2023", years(symbol, line, 2019, 2023)
        first, last = found[0], found[-1]
        yield of(symbol, line, span, intent="series"), found
        yield of(symbol, line, span, intent="change", operation="growth"), last / first - 1
        yield of(symbol, line, span, intent="change", operation="difference"), last - first
        yield of(symbol, line, span, intent="change", operation="cagr"), (last / first) ** (1 / 4) - 1
        yield of(symbol, line, span, intent="aggregate", operation="sum"), sum(found)
        yield of(symbol, line, span, intent="aggregate", operation="mean"), mean(found)
        yield of(symbol, line, span, intent="aggregate", operation="median"), median(found)
        yield of(symbol, line, span, intent="aggregate", operation="max"), max(found)
        yield of(symbol, line, span, intent="aggregate", operation="min"), min(found)
        yield of(symbol, line, "FY2023", intent="change", operation="growth"), last / found[-2] - 1
        limit = sorted(found)[2]
        where = [{"metric": line, "comparator": ">=", "number": limit}]
        yield of(symbol, line, span, operation="count", where=where), 3
        yield of(symbol, line, span, operation="first", where=where), next(each for each in found if each >= limit)
        yield of(symbol, line, "FY2019", "FY2023", operation="times"), last / first
        rises = [now / before - 1 for before, now in pairwise(found)]
        yield of(symbol, f"growth({line})", "FY2020:FY2023", intent="series"), rises
        latest = int(YEARS[symbol, line].dropna().index[-1])
        yield of(symbol, line, "latest"), year(symbol, line, latest)
        yield of(symbol, line, "latest-1"), year(symbol, line, latest - 1)
    margins = [year("AAPL", "net_income", of_year) / year("AAPL", "revenue", of_year) for of_year in (2022, 2023)]
    yield of("AAPL", "net_margin", "FY2023", intent="change", operation="growth"), margins[1] - margins[0]
    yield of("AAPL", "net_margin", "FY2022:FY2023", operation="mean"), mean(margins)
    yield of("AAPL", "net_margin", "FY2022", "FY2023", operation="difference"), margins[1] - margins[0]
    yield of("AAPL", "revenue", "latest", as_of="2023-06-01"), year("AAPL", "revenue", 2022)
    yield of("MSFT", "net_income", "latest", as_of="2022-01-15"), year("MSFT", "net_income", 2021)


def prices() -> Iterator[Typed]:
    for symbol in ("AAPL", "KO"):
        inside = DAILY[symbol].loc[date(2023, 1, 1) : date(2023, 12, 31)]
        before, after = close(symbol, "2022-12-31"), close(symbol, "2023-12-31")
        yield of(symbol, "price", "2024-03-14"), close(symbol, "2024-03-14")
        yield of(symbol, "price", "2024-03-17"), close(symbol, "2024-03-17")  # a Sunday
        yield of(symbol, "price", "2024-03"), close(symbol, "2024-03-31")
        yield of(symbol, "price", "2023", operation="high"), float(inside.max())
        yield of(symbol, "price", "2023", operation="low"), float(inside.min())
        yield of(symbol, "price", "2023", intent="change", operation="growth"), after / before - 1
        adjusted = MONTHLY.loc[symbol, "adj_close"]
        ends = [adjusted.loc[: date(of_year, 12, 31)].iloc[-1] for of_year in (2022, 2023)]
        yield of(symbol, "total_return", "2023"), float(ends[1] / ends[0] - 1)
        yield of(symbol, "price", "latest"), float(DAILY[symbol].dropna().iloc[-1])
        shares = float(COMPANIES.loc[symbol, "shares_outstanding"])
        yield of(symbol, "market_cap", "latest"), float(DAILY[symbol].dropna().iloc[-1]) * shares
    index = PROVIDER.to_frame("index").query("series == 'S&P 500'").set_index("date")["value"].sort_index()
    level = [float(index.loc[: date(of_year, 12, 31)].iloc[-1]) for of_year in (2022, 2023)]
    yield of("^GSPC", "price", "2023", intent="change", operation="growth"), level[1] / level[0] - 1


# --------------------------------------------------------------------------------------- several companies


def together() -> Iterator[Typed]:
    pairs = (("AAPL", "MSFT", "revenue"), ("KO", "WMT", "net_income"), ("CAT", "KO", "total_assets"))
    for one, other, line in pairs:
        mine, theirs = year(one, line, 2023), year(other, line, 2023)
        both = of((one, other), line, "FY2023")
        yield {**both, "operation": "difference"}, mine - theirs
        yield {**both, "operation": "share"}, mine / (mine + theirs)
        yield {**both, "operation": "sum"}, mine + theirs
        yield {**both, "operation": "mean"}, (mine + theirs) / 2
        yield {**both, "operation": "times"}, mine / theirs
        yield {**both, "intent": "compare"}, sorted((mine, theirs), reverse=True)
    sales = pd.Series({symbol: year(symbol, "revenue", 2023) for symbol in FIRMS})
    yield of(FIRMS, "revenue", "FY2023", intent="rank", order=1), [*sales.sort_values(ascending=False).index]
    yield of(FIRMS, "revenue", "FY2023", intent="rank", order=-1), [*sales.sort_values().index]
    yield of(FIRMS, "revenue", "FY2023"), [*sales]
    yield of(FIRMS, "revenue", "FY2023", operation="sum"), float(sales.sum())
    yield of(FIRMS, "revenue", "FY2023", operation="median"), float(sales.median())
    growth = pd.Series({each: year(each, "revenue", 2023) / year(each, "revenue", 2022) - 1 for each in FIRMS})
    yield of(FIRMS, "growth(revenue)", "FY2023", intent="rank", order=1), [*growth.sort_values(ascending=False).index]


# ------------------------------------------------------------------------------------------- all companies


def table(line: str, of_year: int, *, sector: str = "") -> pd.Series[float]:
    """A line of every company once, whichever share classes it has."""
    found = YEARS.xs((line, of_year), level=("field", "fiscal_year")).dropna()
    own = COMPANIES["primary"].reindex(found.index) == found.index.to_series()
    found = found[own]
    return found[COMPANIES["sector"].reindex(found.index) == sector] if sector else found


def everyone() -> Iterator[Typed]:
    whole: dict[str, Any] = {"scope": "universe"}
    for line, of_year in (("revenue", 2023), ("net_income", 2021), ("total_assets", 2022), ("capex", 2024)):
        found = table(line, of_year)
        asked = {"metrics": [line], "periods": [f"FY{of_year}"], **whole}
        yield {**asked, "intent": "rank", "order": 1, "limit": 5}, [*found.nlargest(5).index]
        yield {**asked, "intent": "rank", "order": -1, "limit": 3}, [*found.nsmallest(3).index]
        limit = float(found.nlargest(20).iloc[-1])
        where = [{"metric": line, "comparator": ">", "number": limit}]
        yield {**asked, "operation": "count", "where": where}, 19
        yield {**asked, "intent": "screen", "where": where, "limit": 4}, [*found.nlargest(4).index]
        for sector in ("Energy", "Utilities"):
            own = table(line, of_year, sector=sector)
            inside = {**asked, "sectors": [sector], "intent": "aggregate"}
            yield {**inside, "operation": "sum"}, float(own.sum())
            yield {**inside, "operation": "mean"}, float(own.mean())
            yield {**inside, "operation": "median"}, float(own.median())
    revenue, profit = table("revenue", 2023), table("net_income", 2023)
    margin = (profit / revenue).dropna()
    asked = {"metrics": ["net_margin"], "periods": ["FY2023"], **whole}
    between = [{"metric": "net_margin", "comparator": "between", "number": 0.2, "upper": 0.25}]
    yield {**asked, "operation": "count", "where": between}, int(margin.between(0.2, 0.25).sum())
    large = {"metric": "revenue", "comparator": ">", "number": 5e10}
    both = margin[(margin > 0.2) & (revenue.reindex(margin.index) > 5e10)].sort_values(ascending=False)
    where = [{"metric": "net_margin", "comparator": ">", "number": 0.2}, large]
    yield {**asked, "intent": "screen", "where": where, "limit": 8}, [*both.index[:8]]
    yield (
        {**asked, "intent": "rank", "order": 1, "where": [large], "limit": 5},
        [*margin[revenue.reindex(margin.index) > 5e10].nlargest(5).index],
    )
    day, before = (DAILY.loc[: date.fromisoformat(each)].iloc[-1] for each in ("2023-12-31", "2022-12-31"))
    moved = (day / before - 1).dropna()
    moved = moved[COMPANIES["primary"].reindex(moved.index) == moved.index.to_series()]
    yield (
        {**whole, "metrics": ["price_change"], "periods": ["2023"], "intent": "rank", "order": 1, "limit": 5},
        [*moved.nlargest(5).index],
    )
    growth = (table("revenue", 2023, sector="Energy") / table("revenue", 2022, sector="Energy") - 1).dropna()
    rank = {"metrics": ["growth(revenue)"], "periods": ["FY2023"], "intent": "rank", "order": 1, "limit": 5}
    yield {**rank, **whole, "sectors": ["Energy"]}, [*growth.nlargest(5).index]


def right(answer: Answer, wanted: Right) -> bool:
    """Whether the answer's figure, or its rows in order, are what is right."""
    if isinstance(wanted, int | float):
        return answer.value is not None and float(answer.value.value) == pytest.approx(wanted, rel=1e-6)
    book = {fact.key: fact for fact in answer.facts}
    rows = [book[key] for key in answer.rows]
    if isinstance(wanted[0], str):
        return [fact.symbol for fact in rows] == [*wanted]
    return [float(fact.value) for fact in rows] == pytest.approx([*wanted], rel=1e-6)


def test_typed_queries_of_every_shape_have_the_right_answer() -> None:
    rows: list[Typed] = [*values(), *quarterly(), *in_time(), *prices(), *together(), *everyone()]
    assert len(rows) >= 150
    wrong: list[str] = []
    for asked, wanted in rows:
        query = Query(**asked)
        answer = WORKFLOW.query(query, live=False)
        if answer.gaps or not right(answer, wanted):
            got = answer.value.value if answer.value else [*answer.rows]
            wrong.append(f"{query!r}: {got}, not {wanted}; {[gap.reason for gap in answer.gaps]}")
    assert not wrong, "\n".join(wrong)


def test_a_condition_on_named_companies_is_checked_for_each() -> None:
    where = [{"metric": "net_margin", "comparator": ">", "number": 0.25}]
    for intent in ("value", "screen", "rank", "compare"):
        asked = of(("AAPL", "MSFT", "KO"), "net_margin", "FY2023", intent=intent, where=where)
        told = WORKFLOW.query(Query(**asked), live=False).headline
        assert told.startswith("Apple (25.3%) and Microsoft (34.1%) had net margin above 25%"), intent
        assert "not Coca-Cola 23.4%" in told


def test_what_the_data_lack_is_a_gap_and_no_figure() -> None:
    for asked in (
        of("AAPL", "revenue", "FY1999"),
        of("JPM", "gross_margin", "FY2023"),
        of("AAPL", "revenue", "Q1 2010"),
        of("AAPL", "price", "1990-01-02"),
        of("NOSUCH", "revenue", "FY2023"),
        of("^GSPC", "revenue", "FY2023"),
    ):
        answer = WORKFLOW.query(Query(**asked), live=False)
        assert answer.value is None, asked
        assert answer.gaps, asked
        assert answer.outcome == "refused", asked
