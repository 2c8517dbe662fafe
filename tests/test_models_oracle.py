"""Scores and valuations of embedded companies are what FinanceToolkit makes of the same figures, or say why not.

Choices that differ, each named in the row's `base` too: WACC takes a stated premium, spread and tax rate where
FinanceToolkit takes the index's return, interest over debt and the year's tax; average diluted shares stand for shares
issued; accruals leave investing cash flow out; free cash flow to the firm begins with operating cash flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd
import pytest
from financetoolkit.models import (
    altman_model,
    beneish_model,
    dupont_model,
    eva_model,
    growth_model,
    intrinsic_model,
    piotroski_model,
    wacc_model,
)

from finassist.analysis.calendar import Point
from finassist.analysis.cube import Cube
from finassist.analysis.valuation import beyond, steps_of
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue, lines
from finassist.core.periods import LATEST
from finassist.providers.embedded import figures, prices
from finassist.providers.embedded.coverage import attributes
from tests.oracle import by_row, by_year, compare, ours, reported, values

OF_YEARS = ("altman_z", "altman_z2", "piotroski", "beneish_m", "dupont", "dupont_5", "graham_number", "fcff",
            "sustainable_growth", "accruals_ratio", "economic_spread", "economic_profit")  # fmt: skip
OF_TODAY = ("wacc", "dcf_value", "implied_growth", "gordon_value", "two_stage_value", "earnings_power_value")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return reported()


@pytest.fixture(scope="module")
def cube() -> Cube:
    """All figures and closes of all companies."""
    facts = figures.facts_across({line for metric in (*OF_YEARS, *OF_TODAY) for line in lines(metric)})
    for symbol in (*attributes(), prices.INDEX, "^TNX"):
        facts += prices.closes(symbol)
        facts += filter(None, [prices.cover_shares(symbol)])
    return Cube(facts, attributes(), beyond=beyond)


# ------------------------------------------------------------------------------------------------ of fiscal years


def test_piotroski_and_its_nine_tests(cube: Cube, frame: pd.DataFrame) -> None:
    line = {name: by_year(frame, name) for name in lines("piotroski")}
    before = {name: wide.shift(axis=1) for name, wide in line.items()}
    assets, begun = line["total_assets"], before["total_assets"]
    average, issued = (assets + begun) / 2, (line["shares_diluted"] - before["shares_diluted"]).clip(lower=0)
    model, income, cash, sold = piotroski_model, line["net_income"], line["operating_cash_flow"], line["revenue"]
    cost = sold - line["gross_profit"]
    tests = {
        "f_income": model.get_return_on_assets_criteria(income, begun),
        "f_cash_flow": model.get_operating_cashflow_criteria(cash),
        "f_roa": model.get_change_in_return_on_asset_criteria(income, begun),
        "f_accruals": model.get_accruals_criteria(income, cash, begun),
        "f_leverage": model.get_change_in_leverage_criteria(line["long_term_debt"], average),
        "f_liquidity": model.get_change_in_current_ratio_criteria(line["current_assets"], line["current_liabilities"]),
        "f_shares": model.get_number_of_shares_criteria(issued),
        "f_margin": model.get_gross_margin_criteria(sold, cost),
        "f_turnover": model.get_asset_turnover_ratio_criteria(sold, begun),
    }
    for name, theirs in {**tests, "piotroski": model.get_piotroski_score(*tests.values())}.items():
        mine = values(ours(cube, name, frame.index), frame.index).dropna()
        assert len(mine) > 80
        assert (mine == by_row(theirs.astype(float), mine.index)).all(), name
    whole = by_row(sum(line.values()) + sum(before.values()) + begun.shift(axis=1), frame.index).dropna().index
    missing = [
        fact.key for fact in ours(cube, "piotroski", whole) if not fact.known and fact.status != "not_meaningful"
    ]
    assert not missing


def test_beneish_and_its_indices(cube: Cube, frame: pd.DataFrame) -> None:
    line = {name: by_year(frame, name) for name in lines("beneish_m") if name in frame}
    model, sold = beneish_model, line["revenue"]
    accruals = model.get_total_accruals_to_total_assets(
        line["net_income"], line["operating_cash_flow"], line["total_assets"]
    )
    indices = {
        "m_dsri": model.get_days_sales_in_receivables_index(line["receivables"], sold),
        "m_gmi": model.get_gross_margin_index(sold, sold - line["gross_profit"]),
        "m_sgi": model.get_sales_growth_index(sold),
        "m_sgai": model.get_selling_general_and_administrative_expenses_index(line["selling_general_admin"], sold),
        "m_lvgi": model.get_leverage_index(line["current_liabilities"], line["long_term_debt"], line["total_assets"]),
        "m_tata": accruals,
        "accruals_ratio": accruals,
    }
    for name, theirs in indices.items():
        compare(cube, name, by_row(theirs, frame.index))


def at_year_end(cube: Cube, metric: str, index: pd.Index) -> pd.Series:
    """A figure of the market on the last day of fiscal years."""
    ends = [cube.ended(symbol, ["total_assets"], Point("FY", year)).end for symbol, year in index]
    facts = [cube.value(symbol, metric, Point("DAY", end=end)) for (symbol, _), end in zip(index, ends, strict=True)]
    return values(facts, index)


def test_altman_with_the_market_value_of_the_day(cube: Cube, frame: pd.DataFrame) -> None:
    held = frame[frame["retained_earnings"].notna()]
    assets, model = held["total_assets"], altman_model
    working = model.get_working_capital_to_total_assets_ratio(held.eval("current_assets - current_liabilities"), assets)
    kept = model.get_retained_earnings_to_total_assets_ratio(held["retained_earnings"], assets)
    earned = model.get_earnings_before_interest_and_taxes_to_total_assets_ratio(held["operating_income"], assets)
    worth = model.get_market_value_of_equity_to_book_value_of_total_liabilities_ratio(
        at_year_end(cube, "market_cap", held.index), held["total_liabilities"]
    )
    sold = model.get_sales_to_total_assets_ratio(held["revenue"], assets)
    compare(cube, "altman_z", model.get_altman_z_score(working, kept, earned, worth, sold))
    book = held["equity"] / held["total_liabilities"]  # Altman (1995), which FinanceToolkit lacks
    compare(cube, "altman_z2", 6.56 * working + 3.26 * kept + 6.72 * earned + 1.05 * book)


def test_dupont_in_three_and_in_five_steps(cube: Cube, frame: pd.DataFrame) -> None:
    income, sold, assets, equity = (frame[name] for name in ("net_income", "revenue", "total_assets", "equity"))
    three = dupont_model.get_dupont_analysis(income, sold, assets, equity)
    five = dupont_model.get_extended_dupont_analysis(
        frame["operating_income"], frame["pretax_income"], income, sold, assets, equity
    )
    compare(cube, "dupont", three.loc["Return on Equity"])
    compare(cube, "dupont_5", five.loc["Return on Equity"])


def test_growth_that_is_sustainable_and_the_graham_number(cube: Cube, frame: pd.DataFrame) -> None:
    retained = 1 - frame["dividends_paid"] / frame["net_income"]
    theirs = growth_model.get_sustainable_growth_rate(frame["net_income"] / frame["equity"], retained)
    compare(cube, "sustainable_growth", theirs)
    compare(cube, "graham_number", intrinsic_model.get_graham_number(
        frame["eps_diluted"], frame["equity"] / frame["shares_diluted"]
    ))  # fmt: skip


def test_economic_profit_at_the_cost_of_capital_of_the_day(cube: Cube, frame: pd.DataFrame) -> None:
    held = frame[frame["income_tax"].notna() & frame["long_term_debt"].notna()]
    wacc = at_year_end(cube, "wacc", held.index)
    profit = eva_model.get_net_operating_profit_after_taxes(
        held["operating_income"], held["income_tax"] / held["pretax_income"]
    )
    capital = eva_model.get_invested_capital(held["equity"], held["net_debt"])
    compare(cube, "economic_profit", eva_model.get_economic_value_added(profit, wacc, capital))
    compare(cube, "economic_spread", profit / capital - wacc)


def test_free_cash_flow_to_the_firm(cube: Cube, frame: pd.DataFrame) -> None:
    compare(cube, "fcff", frame.eval("operating_cash_flow - capex + interest_expense * 0.75"))


def test_where_financetoolkit_takes_another_base_the_catalogue_says_so() -> None:
    for metric in ("piotroski", "wacc", "cost_of_equity", "fcff", "accruals_ratio", "economic_profit", "dupont"):
        assert catalogue()[metric].base, metric


# -------------------------------------------------------------------------------------------------------- of today


def chains(cube: Cube, metric: str) -> Iterator[dict[str, Fact]]:
    """The last step of each name of a model, for every company that has it today."""
    for symbol in attributes():
        point = cube.at(symbol, metric, LATEST)
        steps = steps_of(cube, symbol, metric, point) if point else []
        if steps and steps[-1].known:
            yield {step.field: step for step in steps}


def amounts(steps: Mapping[str, Fact], *names: str) -> list[float]:
    """The values of steps; average shares are those of the day where the cover page's are not near."""
    known = {"cover_shares": steps.get("shares_diluted"), **steps}
    return [float(fact.value or 0) for name in names if (fact := known[name])]


def agree(pairs: Iterable[tuple[Fact, float]], least: int = 10) -> None:
    """Our figures are theirs, of as many companies at least."""
    found = list(pairs)
    assert len(found) >= least
    for fact, theirs in found:
        assert float(fact.value or 0) == pytest.approx(theirs, rel=1e-7, abs=1e-8), fact.key


def test_dcf_value_and_the_growth_that_the_price_implies(cube: Cube) -> None:
    def value(steps: Mapping[str, Fact]) -> float:
        [revenue, margin] = amounts(steps, "revenue", "forecast_margin")
        rates = amounts(steps, "forecast_growth", "terminal_growth", "wacc")
        held = amounts(steps, "cash_and_equivalents", "long_term_debt", "cover_shares")
        years = int(steps["forecast_years"].value or 0)
        return intrinsic_model.get_intrinsic_value(revenue * margin, *rates, *held, years).loc["Intrinsic Value"].item()

    def growth(steps: Mapping[str, Fact]) -> float:
        [price, revenue, margin] = amounts(steps, "price", "revenue", "forecast_margin")
        held = amounts(steps, "terminal_growth", "wacc", "cash_and_equivalents", "long_term_debt", "cover_shares")
        return intrinsic_model.get_implied_growth_rate(price, revenue * margin, *held)

    agree((steps["dcf_value"], value(steps)) for steps in chains(cube, "dcf_value"))
    agree((steps["implied_growth"], growth(steps)) for steps in chains(cube, "implied_growth"))


def test_dividends_discounted_in_two_stages_and_for_ever(cube: Cube) -> None:
    def two(steps: Mapping[str, Fact]) -> float:
        names = ("dividends_per_share", "cost_of_equity", "early_dividend_growth", "terminal_growth")
        found = intrinsic_model.get_two_stage_dividend_discount_model(*amounts(steps, *names))
        return found.loc["Intrinsic Value"].item()

    agree((steps["two_stage_value"], two(steps)) for steps in chains(cube, "two_stage_value"))
    agree(
        (made, intrinsic_model.get_gorden_growth_model(paid, rate, growth))
        for made, (paid, growth, rate, _) in parts_of(cube, "gordon_value")
    )


def parts_of(cube: Cube, metric: str) -> Iterator[tuple[Fact, list[float]]]:
    """A figure of today and the values that its formula names, for every company that has it."""
    for symbol in attributes():
        point = cube.at(symbol, metric, LATEST)
        if point and (made := cube.value(symbol, metric, point)).known:
            yield made, [float(fact.value or 0) for fact in cube.inputs(symbol, metric, point)]


def test_cost_of_capital_with_the_same_premium_spread_and_tax(cube: Cube) -> None:
    """All companies at once: FinanceToolkit's frames have companies down and days across."""
    names = ["market_cap", "cost_of_equity", "long_term_debt", "risk_free_rate", "credit_spread", "marginal_tax"]
    found = list(parts_of(cube, "wacc"))
    given = pd.DataFrame([each[:6] for _, each in found], [made.symbol for made, _ in found], names)
    frames, free = {name: pd.DataFrame({"now": given[name]}) for name in names}, given["risk_free_rate"].iloc[0]
    beta = ((frames["cost_of_equity"] - free) / 0.045).T
    interest = frames["long_term_debt"] * (free + given["credit_spread"].iloc[0])
    theirs = wacc_model.get_weighted_average_cost_of_capital(
        frames["market_cap"], frames["market_cap"] / frames["market_cap"], interest, frames["long_term_debt"],
        pd.Series({"now": free}), beta, pd.Series({"now": free + 0.045}),
        frames["marginal_tax"], frames["marginal_tax"] / frames["marginal_tax"],
    ).xs("Weighted Average Cost of Capital", level=1)["now"]  # fmt: skip
    agree((made, theirs[made.symbol]) for made, _ in found)


def test_earnings_power_at_the_mean_margin_of_five_years(cube: Cube) -> None:
    def theirs(given: list[float]) -> float:
        *margins, revenue, tax, wacc, cash, debt, shares = given
        sold = pd.Series([1.0] * (len(margins) - 1) + [revenue])
        found = intrinsic_model.get_earnings_power_value(
            sold, pd.Series(margins[::-1]) * sold, pd.Series([tax]), pd.Series([1.0]), wacc, cash, debt, shares
        )
        return found["Earnings Power Value per Share"]

    agree((made, theirs(given)) for made, given in parts_of(cube, "earnings_power_value"))
