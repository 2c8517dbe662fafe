"""What holds of every model: what lacks is named and makes no figure better, assumptions move it as they should.

The world is a made-up company of which every line is known, so that every model can be had.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finassist import FinancialAssistantWorkflow, Query
from finassist.core.metrics import catalogue, lines
from tests.made_up import LINES, closes, statements, workflow

OF_YEARS = ("altman_z", "altman_z2", "piotroski", "beneish_m", "dupont", "dupont_5", "graham_number", "fcff", "roic",
            "sustainable_growth", "accruals_ratio", "economic_spread", "economic_profit")  # fmt: skip
OF_TODAY = ("cost_of_equity", "wacc", "gordon_value", "two_stage_value", "earnings_power_value", "dcf_value",
            "implied_growth")  # fmt: skip
BETA = {"beta": 1.0}
"""There are no closes of an index beside a company of one's own."""

WHOLE = workflow()
EMBEDDED = FinancialAssistantWorkflow(db=None, model="offline")
RATE = st.floats(0.04, 0.2)


def models(world: FinancialAssistantWorkflow, **assume: float) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Every model of the last year and of today that there is, and why there are no others; one reason stands once."""
    names = {"FY2025": OF_YEARS, "latest": OF_TODAY}
    queries = [
        Query(metrics=[*metrics], companies=["MADEUP"], periods=[period], assume=BETA | assume)
        for period, metrics in names.items()
    ]
    answers = [world.query(query) for query in queries]
    facts = [fact for answer in answers for fact in answer.facts if fact.key in answer.rows]
    values = {fact.field: fact.value for fact in facts if fact.value is not None}
    reasons = {gap.need: gap.reason for answer in answers for gap in answer.gaps}
    lacking = {*OF_YEARS, *OF_TODAY} - values.keys() if reasons else set[str]()
    return values, {name: reasons.get(name, " ".join(reasons.values())) for name in lacking}


def dcf(metric: str = "dcf_value", world: FinancialAssistantWorkflow = WHOLE, **assume: float) -> Decimal:
    answer = world.query(Query(metrics=[metric], companies=["MADEUP"], assume={**BETA, **assume}))
    assert answer.value is not None, answer.headline
    assert answer.value.value is not None
    return answer.value.value


# ----------------------------------------------------------------------------------------------------- what lacks


@pytest.fixture(scope="module")
def base() -> dict[str, Decimal]:
    found, gaps = models(WHOLE)
    assert found.keys() == {*OF_YEARS, *OF_TODAY}
    assert not gaps
    return found


@pytest.mark.parametrize("line", LINES)
def test_a_model_without_one_of_its_lines_is_refused_by_its_name(line: str, base: dict[str, Decimal]) -> None:
    """Free cash flow stands for that before interest where interest is not known: the value is lower then."""
    found, gaps = models(workflow(statements([line]), closes()))
    below = {"cover_shares"} if line == "shares_diluted" else {line}
    for metric, value in base.items():
        if metric in ("dcf_value", "implied_growth") and line == "interest_expense":
            assert found["dcf_value"] < base["dcf_value"]
        elif below.isdisjoint(lines(metric)) and line not in lines(metric):
            assert found[metric] == value, metric
        else:
            assert metric not in found
            assert catalogue()[line].label.lower() in gaps[metric].lower()


@settings(max_examples=12, deadline=None)
@given(st.sets(st.sampled_from([*LINES]), max_size=3), st.sampled_from([*LINES]))
def test_less_data_never_makes_a_figure_of_none(lacking: Collection[str], also: str) -> None:
    found, _ = models(workflow(statements(lacking), closes()))
    fewer, gaps = models(workflow(statements({*lacking, also}), closes()))
    assert fewer.keys() <= found.keys()
    assert fewer.keys() | gaps.keys() >= {*OF_YEARS, *OF_TODAY}


def test_without_prices_or_an_index_the_reason_says_so_and_what_to_assume() -> None:
    _, gaps = models(workflow(statements()))
    assert gaps["dcf_value"] == (
        "DCF value per share of Made Up Corp. cannot be computed: There are no prices of Made Up Corp. in the data."
    )
    for metric, name in {"dcf_value": "wacc", "gordon_value": "cost_of_equity", "cost_of_equity": "beta"}.items():
        answer = WHOLE.query(Query(metrics=[metric], companies=["MADEUP"]))
        assert f"Assume it: assume={{'{name}': " in answer.headline
        assert WHOLE.query(Query(metrics=[metric], companies=["MADEUP"], assume={name: 0.09})).value is not None


def test_figures_of_years_ago_are_none_of_today() -> None:
    old = statements()
    old = old[old["period"] < "FY2024"]
    found, gaps = models(workflow(old, closes()))
    assert found.keys().isdisjoint(OF_TODAY[1:])
    assert "FY2023" in gaps["wacc"]


def test_a_statement_in_another_currency_than_the_price_is_no_value() -> None:
    frame = statements()
    world = workflow(frame.assign(currency="EUR"), closes().assign(currency="USD"))
    _, gaps = models(world)
    for metric in ("dcf_value", "earnings_power_value", "wacc", "altman_z"):
        assert "EUR" in gaps[metric], metric
    euros = workflow(frame.assign(currency="EUR"), closes().assign(currency="EUR"))
    assert dcf() == dcf(world=euros)
    answer = euros.query(Query(metrics=["dcf_value"], companies=["MADEUP"], assume={**BETA, "long_term_debt": 1e8}))
    assert {fact.currency for fact in answer.facts if "USD" in fact.unit or "EUR" in fact.unit} == {"EUR"}


def test_losses_and_parts_of_a_year_are_refused_in_words() -> None:
    poor = workflow(statements(eps_diluted=-1.0, operating_cash_flow=1.0), closes())
    _, gaps = models(poor)
    assert gaps["graham_number"] == "Graham number is not meaningful: the company made a loss."
    assert "free cash flow was negative" in gaps["dcf_value"]
    assert dcf(world=poor, margin=0.1) > 0
    answer = EMBEDDED.query(Query(metrics=["altman_z"], companies=["AAPL"], periods=["Q2 2025"]))
    assert answer.headline.endswith("is of twelve months, not of Q2 2025 alone: ask for a fiscal year or for TTM.")
    assert EMBEDDED.query(Query(metrics=["altman_z"], companies=["AAPL"], periods=["TTM"])).value is not None


@pytest.mark.parametrize("symbol", ["JPM", "MET"])
def test_a_bank_and_an_insurer_have_no_dcf(symbol: str) -> None:
    for metric in ("dcf_value", "implied_growth", "altman_z", "piotroski", "wacc", "economic_profit"):
        [gap] = EMBEDDED.query(Query(metrics=[metric], companies=[symbol])).gaps
        assert gap.error == "NotMeaningful"
        assert "is not meaningful for a" in gap.reason


# ---------------------------------------------------------------------------------------------------- assumptions


def test_assuming_what_the_data_say_changes_nothing(base: dict[str, Decimal]) -> None:
    answer = WHOLE.query(Query(metrics=["dcf_value"], companies=["MADEUP"], assume=BETA))
    names = ("wacc", "terminal_growth", "forecast_growth", "forecast_margin", "forecast_years", "exit_multiple",
             "cash_and_equivalents", "long_term_debt", "price")  # fmt: skip
    given_ = {fact.field: float(fact.value) for fact in answer.facts if fact.field in names and fact.value is not None}
    assert given_.keys() == {*names}
    for name, value in given_.items():
        assert float(dcf(**{name: value})) == pytest.approx(float(base["dcf_value"]), rel=1e-12), name
    for name in ("equity_premium", "risk_free_rate", "credit_spread", "marginal_tax"):
        same = models(WHOLE, **{name: catalogue()[name].value or 0})[0]
        assert same.keys() == base.keys()
        assert all(float(same[each]) == pytest.approx(float(base[each]), rel=1e-12) for each in base)


@settings(max_examples=25, deadline=None)
@given(RATE, st.floats(-0.1, 0.3), st.floats(0.01, 0.4), st.floats(0, 0.02), st.integers(1, 12))
def test_the_chain_of_steps_is_the_closed_formula(
    wacc: float, growth: float, margin: float, last: float, years: int
) -> None:
    """The middle of the grid and the base scenario are the value; the growth that the price implies gives the price."""
    assume = {"wacc": wacc, "growth": growth, "margin": margin, "terminal_growth": last, "years": years}
    answer = WHOLE.query(Query(metrics=["dcf_value"], companies=["MADEUP"], assume=assume))
    value = answer.value.value
    grid = [fact for fact in answer.facts if fact.field == "dcf_sensitivity"]
    middle = [fact for fact in grid if fact.period == f"{Decimal(repr(wacc)):.1%} / {Decimal(repr(last)):.2%}"]
    low, usual, high = [fact.value for fact in answer.facts if fact.field == "dcf_scenario"]
    closed = [fact.value for fact in middle] + [usual]
    assert len(closed) == 2
    assert all(abs(each - value) <= abs(value) * Decimal("1e-15") for each in closed)
    assert low < value < high
    assert {fact.value <= value for fact in grid} == {True, False}
    implied = WHOLE.query(Query(metrics=["implied_growth"], companies=["MADEUP"], assume=assume))
    if implied.value is not None:
        price = dcf(**{**assume, "growth": float(implied.value.value)})
        assert float(price) == pytest.approx(float(closes()["close"].iloc[-1]), rel=1e-7)
    else:
        assert "gives the price" in implied.headline


@settings(max_examples=25, deadline=None)
@given(RATE, st.floats(-0.1, 0.2), st.floats(0.05, 0.3), st.floats(0.001, 0.05))
def test_more_growth_more_margin_and_a_lower_wacc_are_never_worth_less(
    wacc: float, growth: float, margin: float, more: float
) -> None:
    plain = dcf(wacc=wacc, growth=growth, margin=margin)
    assert dcf(wacc=wacc, growth=growth + more, margin=margin) >= plain
    assert dcf(wacc=wacc, growth=growth, margin=margin + more) >= plain
    assert dcf(wacc=wacc + more, growth=growth, margin=margin) <= plain
    assert dcf(wacc=wacc, growth=growth, margin=margin, terminal_growth=0.025 + more / 10) >= plain


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(
    st.sampled_from(["wacc", "terminal_growth", "growth", "margin", "years", "price", "cover_shares", "beta",
                     "cash_and_equivalents", "long_term_debt", "dividend_growth", "cost_of_equity", "multiple"]),
    st.sampled_from([-1.0, -0.5, 0.0, 0.02, 0.5, 1.0]), max_size=5,
))  # fmt: skip
def test_odd_assumptions_give_a_figure_or_a_sentence(assume: dict[str, float]) -> None:
    if assume.get("years", 1.0) != 1.0:
        with pytest.raises(ValueError, match="cannot be forecast"):
            Query(metrics=["dcf_value"], companies=["MADEUP"], assume=assume)
        return
    for metric in ("dcf_value", "implied_growth", "two_stage_value", "gordon_value", "earnings_power_value"):
        answer = WHOLE.query(Query(metrics=[metric], companies=["MADEUP"], assume=assume))
        assert (answer.value is None) == bool(answer.gaps)
        assert answer.value is None or answer.value.value.is_finite()
    if assume.get("wacc", 1) <= assume.get("terminal_growth", 0.025):
        assert WHOLE.query(Query(metrics=["dcf_value"], companies=["MADEUP"], assume=assume)).value is None


# ------------------------------------------------------------------------------------------------ by hand


def test_figures_that_can_be_made_by_hand() -> None:
    """EPV: 100 · 20% · (1 - 25%) / 10% = 150, with 10 of cash and 40 of debt 120 for 10 shares."""
    row = {"symbol": "MADEUP", "name": "Made Up Corp.", "revenue": 100e6, "operating_income": 20e6,
           "pretax_income": 20e6, "income_tax": 5e6, "cash_and_equivalents": 10e6, "long_term_debt": 40e6,
           "shares_diluted": 10e6, "equity": 70e6, "total_assets": 200e6, "current_assets": 60e6,
           "current_liabilities": 40e6, "retained_earnings": 50e6, "total_liabilities": 130e6}  # fmt: skip
    rows = [{**row, "period": f"FY{year}", "period_end": f"{year}-12-31"} for year in range(2020, 2026)]
    world = workflow(pd.DataFrame(rows), closes())

    def figure(metric: str) -> float:
        answer = world.query(Query(metrics=[metric], companies=["MADEUP"], assume={"wacc": 0.1}))
        return float(answer.value.value)

    assert figure("earnings_power_value") == 12
    assert figure("economic_profit") == 15e6 - 0.1 * 100e6
    assert figure("economic_spread") == pytest.approx(0.05)
    assert figure("altman_z2") == pytest.approx(6.56 * 0.1 + 3.26 * 0.25 + 6.72 * 0.1 + 1.05 * 70 / 130)
