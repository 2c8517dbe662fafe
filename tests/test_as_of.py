"""As known on a day: nothing published later is used, and restated figures are as first reported."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from agno.tools.finance import FinanceProvider, FinancialStatement, PriceBar, PriceHistory

from finassist import FinancialAssistantWorkflow, Query
from finassist.core.errors import InputError
from finassist.providers.base import Periods, fetch_facts
from finassist.providers.embedded import EmbeddedProvider
from tests.fmp_server import fmp, fmp_server
from tests.sec_server import sec, sec_server

OFFLINE = FinancialAssistantWorkflow(db=None)


def asked(metric: str, symbol: str, *periods: str, **more: Any) -> Query:
    return Query(metrics=[metric], companies=[symbol], periods=[*periods], **more)


@pytest.mark.parametrize(
    ("day", "revenue"),
    [("2024-02-01", 67954000000), ("2025-01-31", 67954000000), ("2026-02-01", 35348000000)],
)
def test_a_restated_figure_is_what_was_reported_by_then(day: str, revenue: int) -> None:
    before = OFFLINE.query(asked("revenue", "GE", "FY2023"), as_of="2024-02-01")
    assert "not for FY2023" in before.headline, "its report came a day later"
    if day > "2024-02-02":
        found = OFFLINE.query(asked("revenue", "GE", "FY2023"), as_of=day)
        assert found.value.value == revenue
        assert found.value.as_of <= date.fromisoformat(day)


def test_a_figure_before_a_separation_is_what_the_company_reported_then() -> None:
    """Kenvue left in 2023: since then the years before stand without it."""
    asked_then = OFFLINE.query(asked("revenue", "JNJ", "FY2021"), as_of="2022-06-01")
    today = OFFLINE.query(asked("revenue", "JNJ", "FY2021"))
    assert (asked_then.value.value, today.value.value) == (93_775_000_000, 78_740_000_000)
    [change] = today.restatements().to_dict("records")
    assert (change["first_value"], change["latest_value"]) == (93_775_000_000, 78_740_000_000)


def test_call_workflow_and_query_mean_the_same_in_both_forms(run_async: Any) -> None:
    query, day = asked("revenue", "AAPL", "latest"), "2022-10-20"
    workflow = FinancialAssistantWorkflow(db=None, as_of=date(2022, 10, 20))
    answers = [
        OFFLINE.query(query, as_of=day),
        run_async(OFFLINE.aquery(query, as_of=day)),
        workflow.query(query),
        run_async(workflow.aquery(query)),
        OFFLINE.query(query.model_copy(update={"as_of": date(2022, 10, 20)})),
        OFFLINE.run("What was Apple's latest revenue?", as_of=day),
    ]
    assert {answer.headline for answer in answers} == {
        "As known on 2022-10-20: Apple's revenue was USD 365.8 billion in FY2021 (year ended 2021-09-25)."
    }
    assert {answer.query.as_of for answer in answers} == {date(2022, 10, 20)}
    assert OFFLINE.query(query).query.as_of is None


def test_no_price_and_no_report_of_a_later_day_is_used(run_async: Any) -> None:
    found = OFFLINE.run("Tell me about Apple", as_of="2023-03-01")
    again = run_async(OFFLINE.arun("Tell me about Apple", as_of="2023-03-01"))
    assert found.content == again.content
    assert found.content.startswith("> As known on 2023-03-01")
    days = [fact.as_of for fact in found.facts if fact.as_of]
    assert max(days) == date(2023, 3, 1)
    assert "2023-1" not in found.content
    assert "filed 2024" not in found.content


@pytest.mark.parametrize(("day", "value"), [("2023-12-01", 600), ("2024-12-01", 610)])
def test_a_live_source_answers_with_the_filings_of_that_day(day: str, value: int) -> None:
    with sec_server() as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=sec(server), as_of=day)
        found = workflow.run("Apple revenue in FY2023")
        quarter = workflow.run("Apple revenue in Q2 2024")
    assert found.value.value == value
    assert (quarter.value is not None) == (day > "2024-05-04")


def test_what_changed_since_the_first_report_is_a_frame() -> None:
    with sec_server() as server:
        found = FinancialAssistantWorkflow(db=None, provider=sec(server)).run("Apple revenue in FY2022 and FY2023")
    [row] = found.restatements().to_dict("records")
    assert (row["company"], row["metric"], row["period"]) == ("Apple Inc.", "revenue", "FY2023")
    assert (row["first_value"], row["latest_value"], round(row["change"], 4)) == (600, 610, 0.0167)
    assert (str(row["first_day"].date()), str(row["latest_day"].date())) == ("2023-11-03", "2024-11-01")


def test_a_split_is_no_restatement_and_first_values_are_on_todays_shares() -> None:
    found = OFFLINE.query(asked("eps_diluted", "AAPL", "FY2016:FY2023"))
    assert found.restatements().empty
    then = OFFLINE.query(asked("eps_diluted", "AAPL", "FY2016"), as_of="2017-01-01").value
    assert 2 < then.value < 2.2, "8.31 before the split of four for one"


def test_statements_by_filing_day_of_a_source_that_has_one(run_async: Any) -> None:
    with fmp_server() as server:
        provider = fmp(server)
        facts = run_async(fetch_facts(provider, "income", "AAPL", Periods(5, as_of=date(2025, 1, 1))))
        price = run_async(fetch_facts(provider, "quote", "AAPL", Periods(as_of=date(2026, 1, 2))))
    assert {fact.period for fact in facts} == {"FY2024", "FY2023"}
    assert {(fact.field, fact.period) for fact in price} >= {("price", "2025-12-31")}


class Plain(FinanceProvider):
    """A source without days of filing."""

    id, name = "plain", "Plain source"
    capabilities = frozenset({"get_financials", "get_price_history"})

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        years = range(2025, 2025 - limit, -1)
        return [
            FinancialStatement(
                symbol, statement, period, f"{year}-12-31", currency="USD", items={"revenue": float(year)}
            )
            for year in years
        ]

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> PriceHistory:
        bars = [PriceBar(date=f"2024-0{month}-28", close=float(month)) for month in (1, 2, 3)]
        return PriceHistory(symbol, period, interval, "USD", bars=bars)


def test_without_filing_days_a_year_counts_some_weeks_after_its_end(run_async: Any) -> None:
    for day, newest in ((date(2024, 3, 1), "FY2022"), (date(2024, 3, 20), "FY2023")):
        facts = run_async(fetch_facts(Plain(), "income", "AAPL", Periods(2, as_of=day)))
        assert facts[0].period == newest
        assert len(facts) == 2
    quote = run_async(fetch_facts(Plain(), "quote", "AAPL", Periods(as_of=date(2024, 3, 1))))
    assert [(fact.field, fact.value, fact.period) for fact in quote] == [("price", 2, "2024-02-28")]


def test_a_question_over_all_companies_is_of_that_day_too() -> None:
    found = OFFLINE.run("Which company has the highest market value?", as_of="2023-06-30")
    assert "2023-06-30" in found.headline
    assert all(fact.period_end <= date(2023, 6, 30) for fact in found.facts if fact.period_end)


def test_nothing_public_yet_is_a_gap_and_no_day_is_an_error() -> None:
    early = OFFLINE.run("Airbnb revenue in FY2019", as_of="2019-01-01")
    assert not early.facts
    with pytest.raises(InputError, match="2023-03-01"):
        OFFLINE.run("Apple revenue", as_of="soon")
    with pytest.raises(InputError, match="2023-03-01"):
        FinancialAssistantWorkflow(db=None, as_of="soon")


def test_the_provider_contract_takes_the_day(run_async: Any) -> None:
    facts = run_async(fetch_facts(EmbeddedProvider(), "income", "AAPL", Periods(1, as_of=date(2020, 1, 1))))
    assert {fact.period for fact in facts} == {"FY2019"}


def test_words_set_the_day_and_a_follow_up_keeps_it() -> None:
    first = OFFLINE.run("What was GE's revenue in FY2022 as known in June 2023?", session_id="as-known")
    then = OFFLINE.run("And its net income?", session_id="as-known")
    other = OFFLINE.run("What was Apple's revenue in FY2022?", session_id="as-known")
    assert first.value.value == 76555000000
    assert [each.query.as_of for each in (first, then, other)] == [date(2023, 6, 30), date(2023, 6, 30), None]
    assert OFFLINE.run("Apple revenue as of 2023-03-01").query.as_of == date(2023, 3, 1)
    assert OFFLINE.run("Apple's total assets as of 2024-06-29").query.as_of is None, "the day of a balance sheet"
    assert OFFLINE.run("Tell me about Apple as of 2023-03-01").content.startswith("> As known on 2023-03-01")
