"""Models of past days, of all companies at once, from live sources, from a model's tool and from the session store."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import finassist
from finassist import FinancialAssistantWorkflow, Query
from finassist.core.query import Filter
from tests.fmp_server import fmp, fmp_server
from tests.sec_server import sec, sec_server
from tests.test_live_periods import fmp_with_quarters

OFFLINE = FinancialAssistantWorkflow(db=None, model="offline")
ASSUMED = {"wacc": 0.09, "growth": 0.05}


def asked(metric: str, symbol: str = "AAPL", *periods: str, **more: Any) -> Query:
    return Query(metrics=[metric], companies=[symbol], periods=[*periods], **more)


# ------------------------------------------------------------------------------------------------------ past days


@pytest.mark.parametrize("metric", ["altman_z", "wacc", "dcf_value", "economic_profit", "two_stage_value"])
def test_a_model_of_a_past_day_uses_what_was_public_then(metric: str) -> None:
    day = date(2024, 3, 15)
    answer = OFFLINE.query(asked(metric, as_of=day))
    assert answer.headline.startswith("As known on 2024-03-15: ")
    assert answer.value is not None
    forecast = {fact.key for fact in answer.facts if fact.field.startswith(("forecast", "present", "discount"))}
    for fact in answer.facts:
        assert (fact.as_of or day) <= day
        assert (fact.period_end or day) <= day or fact.key in forecast or fact.status != "reported"
    assert answer.value.value != OFFLINE.query(asked(metric)).value.value


def test_a_fiscal_year_of_the_past_has_the_market_value_of_its_end() -> None:
    """Apple's fiscal 2022 ended on a Saturday: the close is that of the day before."""
    answer = OFFLINE.query(asked("altman_z", "AAPL", "FY2022"))
    [worth] = [fact for fact in answer.facts if fact.field == "market_cap"]
    assert (worth.period, worth.period_end) == ("2022-09-24", date(2022, 9, 24))
    price = OFFLINE.query(asked("price", "AAPL", "2022-09-23")).value.value
    assert float(worth.value / price) == pytest.approx(16.3e9, rel=0.02)


# --------------------------------------------------------------------------------------------------- all companies


@pytest.mark.parametrize(
    ("metric", "year"), [("piotroski", "FY2024"), ("altman_z", "FY2023"), ("graham_number", "FY2022")]
)
def test_a_screen_gives_what_named_queries_give(metric: str, year: str) -> None:
    limit = 3 if metric != "graham_number" else 200
    where = [Filter(metric=metric, comparator=">", number=limit)]
    found = OFFLINE.query(Query(metrics=[metric], scope="universe", intent="screen", where=where, periods=[year]))
    screened = {fact.symbol: fact.value for fact in found.facts if fact.key in found.rows}
    assert len(screened) > 5
    for symbol, value in list(screened.items())[:12]:
        assert OFFLINE.query(asked(metric, symbol, year)).value.value == value
    others = [symbol for symbol in ("AAPL", "MSFT", "NVDA", "CSCO", "META", "TSLA") if symbol not in screened]
    for symbol in others:
        alone = OFFLINE.query(asked(metric, symbol, year)).value
        assert alone is None or alone.value <= limit


def test_a_cost_of_capital_of_all_companies_is_refused_by_name() -> None:
    for metric in ("wacc", "dcf_value", "economic_spread"):
        [gap] = OFFLINE.query(Query(metrics=[metric], scope="universe", intent="rank")).gaps
        assert "is computed for companies that are named" in gap.reason


# ---------------------------------------------------------------------------------------------------- live sources


def test_a_live_source_has_scores_and_says_what_a_valuation_lacks() -> None:
    with fmp_server() as server, FinancialAssistantWorkflow(db=None, provider=fmp(server, plan="starter")) as workflow:
        score = workflow.query(asked("beneish_m"))
        assert float(score.value.value) == pytest.approx(-2.85, abs=0.01)
        assert float(workflow.query(asked("piotroski")).value.value) == 5
    with sec_server() as server, FinancialAssistantWorkflow(db=None, provider=sec(server)) as workflow:
        [gap] = workflow.query(asked("dcf_value")).gaps
        assert gap.reason == "SEC EDGAR does not offer quote. Use another provider for it."
        assert "property, plant and equipment" in workflow.query(asked("beneish_m")).headline


def test_what_a_live_source_lacks_can_be_assumed() -> None:
    with (
        fmp_with_quarters() as server,
        FinancialAssistantWorkflow(db=None, provider=fmp(server, plan="starter")) as live,
    ):
        for metric in ("dcf_value", "implied_growth"):
            assert "Assume it: assume={'wacc': 0.09}." in live.query(asked(metric)).headline
        answer = live.query(asked("dcf_value", assume={"wacc": 0.09}))
        assert answer.headline.endswith("not for FY2022. Assume it: assume={'growth': …}.")
        assert live.query(asked("dcf_value", assume=ASSUMED)).value is not None
        assert live.query(asked("economic_profit", assume={"wacc": 0.09})).value is not None


# ------------------------------------------------------------------------------------------- stored, called, many


def test_a_stored_valuation_keeps_its_steps_and_assumptions(tmp_path: Path) -> None:
    query = asked("dcf_value", assume=ASSUMED)
    with FinancialAssistantWorkflow(db=str(tmp_path / "s.db"), model="offline") as workflow:
        told = workflow.query(query, session_id="one")
    with FinancialAssistantWorkflow(db=str(tmp_path / "s.db"), model="offline") as workflow:
        [stored] = workflow.answers("one")
    assert stored.query.assume == {"wacc": 0.09, "forecast_growth": 0.05}
    assert (stored.content, stored.facts, stored.value) == (told.content, told.facts, told.value)


def test_assumptions_in_a_batch_and_in_the_tool_are_those_of_the_query(tmp_path: Path) -> None:
    value = OFFLINE.query(asked("dcf_value", assume=ASSUMED)).value.value
    batch = OFFLINE.run_many(["DCF of Apple with 5% growth and 9% WACC"], ledger=tmp_path / "batch.db")
    [answer] = batch.answers()
    assert answer.value.value == value
    figure, *_ = finassist.tools().query_figures(["dcf_value"], ["AAPL"], assume=ASSUMED)["figures"]
    assert figure["metric"] == "dcf_value"
    assert figure["value"] == pytest.approx(float(value))
    with pytest.raises(finassist.InputError, match="Did you mean growth"):
        finassist.tools().query_figures(["dcf_value"], ["AAPL"], assume={"groth": 0.05})
