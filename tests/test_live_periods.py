"""Quarters, halves, twelve months and days from live sources and from lists of them, by typed queries and in words."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow, Query
from tests.fmp_server import fixture, fmp
from tests.sec_server import FACTS, company_facts, entry, sec, sec_server, tagged
from tests.servers import Act, Request, Server, answer

ENDS = [date(2023, 12, 30) + timedelta(91 * quarter) for quarter in range(8)]


def fmp_with_quarters() -> Server:
    """The source with eight fiscal quarters of each statement: revenue of 100, 110, … in Q1 2024 to Q4 2025."""

    def script(request: Request) -> Act:
        rows = fixture(request.path)
        if request.query.get("period") == "quarter":
            rows = [_quarter(rows[0], number, end) for number, end in reversed(list(enumerate(ENDS)))]
        return answer(rows[: int(request.query.get("limit", len(rows)))])

    return Server(script)


def _quarter(row: dict[str, Any], number: int, end: date) -> dict[str, Any]:
    return row | {
        "period": f"Q{number % 4 + 1}", "fiscalYear": str(2024 + number // 4), "date": end.isoformat(),
        "filingDate": (end + timedelta(30)).isoformat(), "revenue": 100 + 10 * number, "totalAssets": 5000 + number,
        "operatingCashFlow": 20 + number,
    }  # fmt: skip


@pytest.fixture(params=["sec", "sec, embedded", "fmp", "fmp, embedded"])
def live(request: pytest.FixtureRequest) -> Any:
    """A workflow on one live source, or on a list of two."""
    first, _, second = request.param.partition(", ")
    server = sec_server() if first == "sec" else fmp_with_quarters()
    with server:
        own = sec(server) if first == "sec" else fmp(server, plan="starter")
        with FinancialAssistantWorkflow(db=None, provider=[own, second] if second else own) as workflow:
            yield first, workflow


@pytest.mark.parametrize(
    ("metric", "period", "of_sec", "of_fmp"),
    [
        ("revenue", "Q3 2024", 180, 120),
        ("revenue", "Q4 2024", 220, 130),
        ("revenue", "H1 2024", 320, 210),
        ("revenue", "9M 2024", 500, 330),
        ("operating_cash_flow", "Q2 2024", 25, 21),
        ("operating_cash_flow", "H2 2024", 55, 45),
        ("total_assets", "Q2 2024", 1120, 5001),
        ("total_assets", "2024-06-29", 1130, 5002),
        ("total_assets", "latest quarter", 1200, 5007),
    ],
)
def test_every_period_of_a_live_source(live: Any, metric: str, period: str, of_sec: int, of_fmp: int) -> None:
    source, workflow = live
    found = workflow.query(Query(metrics=[metric], companies=["AAPL"], periods=[period]))
    assert found.value.value == (of_sec if source == "sec" else of_fmp), found.headline
    assert found.value.period_end is not None


def test_a_question_in_words_and_both_forms_give_the_same(live: Any, run_async: Any) -> None:
    source, workflow = live
    waited = workflow.run("What was Apple's revenue in Q3 2024?")
    awaited = run_async(workflow.arun("What was Apple's revenue in Q3 2024?"))
    assert waited.headline == awaited.headline
    assert waited.value.value == (180 if source == "sec" else 120)


def test_twelve_months_are_four_quarters_or_a_year_and_stubs_and_say_which() -> None:
    facts = company_facts()
    lines = facts["facts"]["us-gaap"]["Revenues"]["units"]["USD"]
    asked = Query(metrics=["revenue"], companies=["AAPL"], periods=["TTM"])
    lines.append(entry(200, date(2024, 12, 28), date(2025, 2, 1), start=date(2024, 9, 29), form="10-Q", part="Q1"))
    facts["facts"]["us-gaap"]["NetIncomeLoss"]["units"]["USD"].append(
        entry(20, date(2024, 12, 28), date(2025, 2, 1), start=date(2024, 9, 29), form="10-Q", part="Q1")
    )
    with sec_server({FACTS: facts}) as server:
        quarters = FinancialAssistantWorkflow(db=None, provider=sec(server)).query(asked)
    lines[:] = [line for line in lines if line["form"] != "10-Q" or line["end"] in ("2023-12-30", "2024-12-28")]
    with sec_server({FACTS: facts}) as server:
        stubs = FinancialAssistantWorkflow(db=None, provider=sec(server)).query(asked)
    assert (quarters.value.value, quarters.value.formula) == (770, "Q1 2025 + Q4 2024 + Q3 2024 + Q2 2024")
    assert (stubs.value.value, stubs.value.formula) == (770, "FY2024 + Q1 2025 - Q1 2024")


def test_a_fourth_quarter_is_a_difference_and_says_so() -> None:
    with sec_server() as server:
        found = FinancialAssistantWorkflow(db=None, provider=sec(server)).run("Apple revenue in Q4 2024")
    assert found.value.note == "by difference: the year to 2024-09-28 - the year to date to 2024-06-29"
    assert found.value.status == "derived"


def test_a_restated_year_is_not_compared_with_nine_months_that_were_not() -> None:
    facts = company_facts()
    year = timedelta(363)
    facts["facts"]["us-gaap"]["Revenues"]["units"]["USD"].append(
        entry(500, date(2024, 9, 28), date(2025, 10, 31), start=date(2024, 9, 28) - year, year=2025)
    )
    with sec_server({FACTS: facts}) as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=sec(server))
        quarter = workflow.run("Apple revenue in Q4 2024").value
        whole = workflow.run("Apple revenue in FY2024").value
        before = workflow.run("Apple revenue in FY2022").value
    assert (quarter.value, whole.value, whole.first_value) == (220, 500, 720)
    assert before.note == "as filed, before a restatement; not comparable with FY2024"


def test_a_quarter_without_a_name_of_its_own_keeps_its_last_day() -> None:
    """The year's end moves from September to December 2024: the three months between are no fiscal quarter's twin."""
    facts = company_facts()
    gaap = facts["facts"]["us-gaap"]
    stub = {"start": date(2024, 9, 29), "form": "10-KT", "part": "FY"}
    later = {"start": date(2025, 1, 1), "form": "10-Q", "part": "Q1", "year": 2025}
    whole = {"start": date(2025, 1, 1), "year": 2025}
    for tag in ("Revenues", "NetIncomeLoss"):
        gaap[tag]["units"]["USD"] += [
            entry(70, date(2024, 12, 31), date(2025, 2, 20), **stub),
            entry(80, date(2025, 3, 31), date(2025, 5, 1), **later),
            entry(400, date(2025, 12, 31), date(2026, 2, 20), **whole),
        ]
    gaap["Goodwill"] = tagged([entry(9, date(2024, 12, 31), date(2025, 2, 20), form="10-KT")])
    with sec_server({FACTS: facts}) as server:
        statements = sec(server).get_financials("AAPL", "income", "quarterly", 20)
    ends = {statement.report_period: statement.items["revenue"] for statement in statements}
    assert ends["2024-12-31"] == 70
    assert ends["2025-03-31"] == 80
    assert len({statement.fiscal_period for statement in statements}) == len(statements)


@pytest.mark.parametrize(
    "weeks", [(12, 12, 12, 16), (13, 13, 13, 13), (13, 13, 13, 14), (16, 12, 12, 12), (12, 12, 12, 17)]
)
def test_quarters_of_any_length(weeks: tuple[int, ...]) -> None:
    start, lines = date(2023, 1, 1), []
    first = start
    for number, length in enumerate(weeks[:3], start=1):
        end = start + timedelta(7 * length - 1)
        known: dict[str, Any] = {"form": "10-Q", "part": f"Q{number}", "year": 2023}
        lines.append(entry(length, end, end + timedelta(30), start=start, **known))
        lines.append(entry(sum(weeks[:number]), end, end + timedelta(30), start=first, **known))
        start = end + timedelta(1)
    end = start + timedelta(7 * weeks[3] - 1)
    lines.append(entry(sum(weeks), end, end + timedelta(50), start=first, year=2023))
    facts = company_facts()
    facts["facts"]["us-gaap"] = {"NetIncomeLoss": tagged(lines), "Revenues": tagged(lines)}
    with sec_server({FACTS: facts}) as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=sec(server))
        found = [workflow.run(f"Apple revenue in Q{number} 2023").value.value for number in (1, 2, 3, 4)]
    assert found == [*weeks]


def test_a_source_of_statements_says_that_it_has_no_prices() -> None:
    with sec_server() as server:
        found = FinancialAssistantWorkflow(db=None, provider=sec(server)).run("What is Apple's P/E?")
    assert [gap.error for gap in found.gaps] == ["NotOffered"]
    assert "SEC EDGAR does not offer quote" in found.headline


def test_prices_of_days_and_the_market_value_of_the_source() -> None:
    with fmp_with_quarters() as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=fmp(server))
        day = workflow.run("What was Apple's share price on 2025-12-31?")
        worth = workflow.run("What is Apple's market cap?")
    assert day.value.value == Decimal("117.25")
    assert (worth.value.value, worth.value.status) == (241000000000, "reported")
