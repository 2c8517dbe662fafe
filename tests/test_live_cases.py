"""Siblings of faults that live sources have had, each with its right value; figures of a company that never was."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from finassist import EmbeddedProvider, FallbackProvider, FinancialAssistantWorkflow
from finassist.core.errors import BadPayload, DataError, NotOffered
from finassist.core.facts import Fact
from finassist.providers.base import Periods, fetch_facts
from tests.fmp_server import fixture, fmp, fmp_server
from tests.sec_server import CIK, FACTS, company_facts, entry, sec, sec_server, tagged
from tests.servers import answer

YEARS = Periods(10)
QUARTERS = Periods(12, "quarterly")


def line(
    value: object, start: str | None, end: str, filed: str = "", form: str = "10-K", **more: Any
) -> dict[str, Any]:
    first = date.fromisoformat(start) if start else None
    last = date.fromisoformat(end)
    day = date.fromisoformat(filed) if filed else last + timedelta(45)
    return entry(value, last, day, start=first, form=form, **{"year": last.year, **more})


def year(value: object, of: int, filed: str = "", form: str = "10-K", **more: Any) -> dict[str, Any]:
    return line(value, f"{of}-01-01", f"{of}-12-31", filed, form, **more)


def quarters(values: tuple[int, int, int], whole: int, of: int, filed_in: int = 0, **more: Any) -> list[dict[str, Any]]:
    """Three quarters, each with its year to date, and the year; filed in their own year, or again in a later one."""
    ends, filed = ("03-31", "06-30", "09-30"), filed_in or of
    lines = [year(whole, of, f"{filed + 1}-02-14", **more)]
    for place, end in enumerate(ends):
        day, first = f"{filed}-{3 * place + 5:02}-01", f"{of}-{3 * place + 1:02}-01"
        lines.append(line(values[place], first, f"{of}-{end}", day, "10-Q", part=f"Q{place + 1}"))
        lines.append(line(sum(values[: place + 1]), f"{of}-01-01", f"{of}-{end}", day, "10-Q", part=f"Q{place + 1}"))
    return lines


def filings(
    cover: list[dict[str, Any]] | None = None, taxonomy: str = "us-gaap", unit: str = "USD", **tags: Any
) -> Any:
    """What a company filed: lines by tag, in `unit` where the tag does not count shares."""
    units = {name: "shares" if "Number" in name else f"{unit}/shares" if "PerShare" in name else unit for name in tags}
    facts = {taxonomy: {name: tagged(lines, units[name]) for name, lines in tags.items()}}
    return {
        "cik": int(CIK),
        "facts": {"dei": {"EntityCommonStockSharesOutstanding": tagged(cover or [], "shares")}, **facts},
    }


@pytest.fixture
def asked(run_async: Any) -> Any:
    """Asks a source that answers with this payload for the facts of a need."""

    def ask(payload: Any, need: str = "income", periods: Periods = YEARS) -> list[Fact]:
        with sec_server({FACTS: payload}) as server:
            return run_async(fetch_facts(sec(server), need, "AAPL", periods))  # type: ignore[arg-type]

    return ask


def of_field(facts: list[Fact], field: str = "revenue") -> dict[str, Any]:
    return {fact.period: fact.value for fact in facts if fact.field == field and fact.known}


def both(lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Revenues": lines, "NetIncomeLoss": lines}


# ---------------------------------------------------------------------------------------- shares on cover pages


def counted(value: object, day: str, filed: str, form: str = "10-K") -> dict[str, Any]:
    return line(value, None, day, filed, form)


COVER = [
    counted(100, "2023-10-20", "2023-11-03"), counted(410, "2024-07-19", "2024-08-02", "10-Q"),
    counted(300, "2024-10-18", "2024-11-01"), counted(102, "2024-10-18", "2024-11-01"),
]  # fmt: skip


def with_cover(lines: list[dict[str, Any]]) -> dict[str, Any]:
    facts = company_facts()
    facts["facts"]["dei"] = {"EntityCommonStockSharesOutstanding": tagged(lines, "shares")}
    return facts


def test_shares_on_cover_pages_are_read_with_their_days_and_classes_are_summed(asked: Any) -> None:
    newest, before = (fact for fact in asked(with_cover(COVER)) if fact.field == "cover_shares")
    assert (newest.value, newest.unit, newest.period_end, newest.as_of) == (
        402, "shares", date(2024, 10, 18), date(2024, 11, 1),
    )  # fmt: skip
    assert newest.note == "the sum of 2 classes of shares"
    assert "cover page of the 10-K filed 2024-11-01" in newest.source
    assert (before.value, before.note) == (410, None), "and none from before the split"


def test_cover_pages_are_as_known_on_the_day_and_nonsense_on_them_counts_for_nothing(asked: Any) -> None:
    then = asked(with_cover(COVER), periods=Periods(3, as_of=date(2024, 9, 1)))
    assert of_field(then, "cover_shares") == {"2024-07-19": 410}
    assert "FY2024" not in of_field(then)
    odd = [counted(value, "2024-10-18", "2024-11-01") for value in ("many", None, -5, 0, True)]
    assert not of_field(asked(with_cover(odd)), "cover_shares")


@pytest.mark.parametrize(
    ("question", "value", "shares"),
    [
        ("What was Apple's market cap on 2024-12-31?", Decimal("250.42") * 402, "cover_shares/2024-10-18"),
        ("What was Apple's market cap on 2024-07-31?", Decimal("222.08") * 410, "cover_shares/2024-07-19"),
    ],
)
def test_market_value_is_of_the_nearest_cover_page_and_says_which(question: str, value: Decimal, shares: str) -> None:
    with sec_server({FACTS: with_cover(COVER)}) as server:
        found = FinancialAssistantWorkflow(db=None, provider=[sec(server), "embedded"]).run(question)
    assert (found.value.value, found.value.inputs[1]) == (value, f"AAPL/{shares}")
    assert "cover page of the 10-" in found.content


def test_no_market_value_of_shares_from_before_a_split() -> None:
    with sec_server({FACTS: with_cover([])}) as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=[sec(server), "embedded"])
        found = workflow.run("What was Apple's market cap on 2023-01-31?")
    assert found.value is None
    assert "before a share split" in found.headline


# --------------------------------------------------------------------------------------------------- half years


def half_yearly() -> dict[str, Any]:
    def half(value: int, of: int, filed: str = "") -> dict[str, Any]:
        return line(value, f"{of}-01-01", f"{of}-06-30", filed, "6-K", part="Q2")

    years = [year(100, 2023, form="20-F"), year(120, 2024, form="20-F")]
    revenue = [*years, half(45, 2023), half(55, 2024), half(70, 2025), half(45, 2023, "2024-08-20")]
    assets = [line(900, None, "2023-12-31", form="20-F"), line(950, None, "2024-06-30", form="6-K", part="Q2")]
    return filings(taxonomy="ifrs-full", unit="EUR", Revenue=revenue, ProfitLoss=revenue, Assets=assets)


def test_halves_of_a_filer_that_reports_by_half_year(asked: Any) -> None:
    found = asked(half_yearly(), periods=QUARTERS)
    assert of_field(found) == {"H1 2025": 70, "H2 2024": 65, "H1 2024": 55, "H2 2023": 55, "H1 2023": 45}
    second = next(fact for fact in found if fact.period == "H2 2024")
    assert second.formula == "the year to 2024-12-31 - the year to date to 2024-06-30"
    assert of_field(asked(half_yearly(), "balance_sheet", QUARTERS), "total_assets") == {"H2 2023": 900, "H1 2024": 950}


def test_halves_answer_questions_and_are_no_quarters() -> None:
    with sec_server({FACTS: half_yearly()}) as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=sec(server))
        assert workflow.run("Apple revenue in H1 2024").value.value == 55
        assert workflow.run("Apple revenue in H2 2024").value.value == 65
        assert workflow.run("Apple revenue in Q2 2024").value is None
        assert workflow.run("Apple total assets in H1 2024").value.value == 950


def test_quarters_on_6_k_are_quarters_and_six_months_without_a_first_quarter_are_a_half(asked: Any) -> None:
    lines = [each | {"form": "20-F" if each["form"] == "10-K" else "6-K"} for each in quarters((10, 11, 12), 46, 2024)]
    found = asked(filings(taxonomy="ifrs-full", Revenue=lines, ProfitLoss=lines), periods=QUARTERS)
    assert of_field(found) == {"Q4 2024": 13, "Q3 2024": 12, "Q2 2024": 11, "Q1 2024": 10}
    late = [
        year(46, 2024),
        line(21, "2024-01-01", "2024-06-30", form="10-Q", part="Q2"),
        line(33, "2024-01-01", "2024-09-30", form="10-Q", part="Q3"),
    ]
    assert of_field(asked(filings(**both(late)), periods=QUARTERS)) == {"Q4 2024": 13, "Q3 2024": 12, "H1 2024": 21}


# ------------------------------------------------------------------------------------- one tag, one basis, one year


def test_depreciation_in_a_note_is_no_depreciation_and_amortization(asked: Any) -> None:
    tags = {"Depreciation": [year(5, 2023), year(6, 2024)], "DepreciationAndAmortization": [year(8, 2023)]}
    found = asked(filings(**both([year(50, 2023), year(60, 2024)]), **tags), "cash_flow")
    assert of_field(found, "depreciation_amortization") == {"FY2023": 8}
    tags["DepreciationDepletionAndAmortization"] = [year(9, 2024)]
    found = asked(filings(**both([year(50, 2023), year(60, 2024)]), **tags), "cash_flow")
    assert of_field(found, "depreciation_amortization") == {"FY2024": 9, "FY2023": 8}
    del tags["DepreciationDepletionAndAmortization"], tags["DepreciationAndAmortization"]
    cash = {"NetCashProvidedByUsedInOperatingActivities": [year(50, 2024)]}
    found = asked(filings(**both([year(60, 2024)]), **tags, **cash), "cash_flow")
    [absent] = [fact for fact in found if fact.field == "depreciation_amortization"]
    assert (absent.value, absent.status) == (None, "missing")
    assert absent.note == "only Depreciation is tagged, a part of it that notes give"


WEEKS = [
    ("2019-12-29", "2021-01-02"),
    ("2021-01-03", "2022-01-01"),
    ("2022-01-02", "2022-12-31"),
    ("2023-01-01", "2023-12-30"),
]
JANUARY = [("2022-01-30", "2023-01-28"), ("2023-01-29", "2024-02-03"), ("2024-02-04", "2025-02-01")]


@pytest.mark.parametrize(
    ("ends", "named", "expected"),
    [
        (WEEKS, [2020, 2021, 2022, 2023], [2020, 2021, 2022, 2023]),
        (WEEKS, [None, None, None, None], [2020, 2021, 2022, 2023]),
        (WEEKS, [2019, 2020, 2021, 2022], [2020, 2021, 2022, 2023]),
        (WEEKS, [2020, 2020, 2023, 2023], [2020, 2021, 2022, 2023]),
        (JANUARY, [2022, 2023, 2024], [2022, 2023, 2024]),
        (JANUARY, [2023, 2024, 2025], [2023, 2024, 2025]),
        (JANUARY, [2022, 2024, 2024], [2022, 2023, 2024]),
        (JANUARY, [2022, 1023, 3024], [2022, 2023, 2024]),
    ],
)
def test_fiscal_years_of_52_and_53_weeks_with_and_without_slips(
    ends: Any, named: Any, expected: Any, asked: Any
) -> None:
    lines = [line(place, *each, year=own) for place, (each, own) in enumerate(zip(ends, named, strict=True))]
    found = asked(filings(**both(lines)))
    assert of_field(found) == {f"FY{year}": place for place, year in reversed([*enumerate(expected)])}


@pytest.mark.parametrize("times", [20, 3, Decimal("1.5"), Decimal("1.25"), Decimal("0.125")])
def test_splits_of_any_ratio(times: Any, asked: Any) -> None:
    again = "2025-02-14"
    shares = [year(99, 2021), year(100, 2022), year(float(100 * times), 2022, again), year(101, 2023),
              year(float(101 * times), 2023, again), year(float(102 * times), 2024)]  # fmt: skip
    income = [year(9, of) for of in range(2021, 2025)]
    found = asked(filings(NetIncomeLoss=income, WeightedAverageNumberOfDilutedSharesOutstanding=shares))
    noted = {fact.period: fact.note for fact in found if fact.field == "shares_diluted" and fact.note}
    assert noted == {"FY2021": "as filed, before a share split; not comparable with FY2022, FY2023, FY2024"}
    assert not [fact for fact in found if fact.first_value], "a split is no restatement"


def test_a_filer_without_total_assets_keeps_its_currency(asked: Any) -> None:
    flows = [year(120, 2024, form="20-F")]
    tags = {"RevenueFromContractsWithCustomers": flows, "ProfitLossAttributableToOwnersOfParent": flows}
    found = asked(filings(taxonomy="ifrs-full", unit="GBP", **tags))
    assert {fact.field: (fact.value, fact.currency) for fact in found if fact.known} == {
        "revenue": (120, "GBP"),
        "net_income": (120, "GBP"),
    }


@pytest.mark.parametrize(("question", "value"), [("calendar 2024", 500), ("Q3 2024", 120)])
def test_a_calendar_year_of_a_live_source(question: str, value: int) -> None:
    lines = [*quarters((100, 110, 120), 500, 2024), *quarters((90, 95, 99), 400, 2023)]
    with sec_server({FACTS: filings(Revenues=lines, NetIncomeLoss=lines)}) as server:
        workflow = FinancialAssistantWorkflow(db=None, model="offline", provider=sec(server))
        found = workflow.run(f"Apple revenue in {question}", live=False).value
        workflow.close()
    assert found is not None
    assert found.value == value


def test_an_issue_of_shares_is_no_split(asked: Any) -> None:
    shares = [year(100, 2022), year(104, 2022, "2024-02-14"), year(160, 2023), year(260, 2024)]
    income = [year(9, of) for of in range(2022, 2025)]
    found = asked(filings(NetIncomeLoss=income, WeightedAverageNumberOfDilutedSharesOutstanding=shares))
    assert not [fact.note for fact in found if fact.field == "shares_diluted" and fact.note]


def test_a_spin_off_sets_years_apart_that_were_not_restated(asked: Any) -> None:
    lines = [year(94, 2021), year(95, 2022), year(80, 2022, "2024-02-14"), year(85, 2023), year(88, 2024)]
    found = {fact.period: fact for fact in asked(filings(**both(lines))) if fact.field == "revenue"}
    assert found["FY2021"].note == "as filed, before a restatement; not comparable with FY2022, FY2023, FY2024"
    assert (found["FY2022"].value, found["FY2022"].first_value, found["FY2023"].note) == (80, 95, None)
    with sec_server({FACTS: filings(**both(lines))}) as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=sec(server))
        assert workflow.run("How did Apple's revenue grow from FY2021 to FY2024?").value is None


def test_a_year_restated_with_its_nine_months_gives_a_restated_fourth_quarter(asked: Any) -> None:
    before, after = quarters((10, 11, 12), 46, 2024), quarters((8, 8, 8), 33, 2024, filed_in=2025)
    found = asked(filings(**both([*before, *after])), periods=QUARTERS)
    assert of_field(found) == {"Q4 2024": 9, "Q3 2024": 8, "Q2 2024": 8, "Q1 2024": 8}
    assert not [fact for fact in found if fact.note and "restatement" in fact.note]
    without_the_year = [each for each in after if each["form"] == "10-Q"]
    found = asked(filings(**both([*before, *without_the_year])), periods=QUARTERS)
    assert of_field(found)["Q4 2024"] == 13, "46 less 33 as first reported, and not less 24"


def test_an_amendment_of_a_quarter_corrects_that_quarter(asked: Any) -> None:
    corrected = {"filed": "2024-12-01", "form": "10-Q/A", "part": "Q2"}
    lines = [*quarters((10, 11, 12), 46, 2024), line(13, "2024-04-01", "2024-06-30", **corrected),
             line(23, "2024-01-01", "2024-06-30", **corrected)]  # fmt: skip
    found = asked(filings(**both(lines)), periods=QUARTERS)
    assert of_field(found) == {"Q4 2024": 13, "Q3 2024": 12, "Q2 2024": 13, "Q1 2024": 10}
    assert not [fact for fact in found if fact.note and "restatement" in fact.note]
    then = asked(filings(**both(lines)), periods=Periods(12, "quarterly", as_of=date(2024, 9, 1)))
    assert of_field(then) == {"Q2 2024": 11, "Q1 2024": 10}


def test_years_that_cannot_be_are_left_out(asked: Any) -> None:
    odd = [line(5, "2199-01-01", "2199-12-31", "2200-02-01"), line(6, "1066-01-01", "1066-12-31", "2024-02-01"),
           line(7, "2025-01-01", "2024-12-31"), line(8, "1924-01-01", "2024-12-31")]  # fmt: skip
    assert of_field(asked(filings(**both([year(100, 2022), year(110, 2023), *odd])))) == {"FY2023": 110, "FY2022": 100}


@pytest.mark.parametrize(
    "body", ["[" * 200_000, "[" * 200_000 + "]" * 200_000, '{"a":' * 200_000 + "1" + "}" * 200_000]
)
def test_a_body_nested_very_deeply_is_refused(body: str, asked: Any) -> None:
    with pytest.raises(BadPayload, match="nested too deeply"):
        asked(answer(body))


# ------------------------------------------------------------------------------------------- the other live source


def statements(**changed: Any) -> list[dict[str, Any]]:
    return [row | {name: value(place) for name, value in changed.items()} for place, row in
            enumerate(fixture("/income-statement"))]  # fmt: skip


@pytest.mark.parametrize(
    "named",
    [lambda _: "2025", lambda place: str(2024 - place), lambda place: ["2025", "2023", "2023"][place], lambda _: None],
)
def test_no_year_of_a_mistyped_label_is_lost(named: Any, run_async: Any) -> None:
    with fmp_server({"/income-statement": statements(fiscalYear=named)}) as server:
        found = run_async(fetch_facts(fmp(server), "income", "AAPL", YEARS))
    assert list(of_field(found)) == ["FY2025", "FY2024", "FY2023"]


def test_as_known_on_a_day_says_that_first_values_cannot_be_told(run_async: Any) -> None:
    then = Periods(5, as_of=date(2025, 1, 1))
    with fmp_server() as server:
        found = run_async(fetch_facts(fmp(server), "income", "AAPL", then))
    assert {fact.note for fact in found if fact.field == "revenue"} == {
        "the source does not say whether it was restated since"
    }
    undated = statements(filingDate=lambda _: None, acceptedDate=lambda _: None)
    with (
        fmp_server({"/income-statement": undated}) as server,
        pytest.raises(DataError, match="no income statement of AAPL that was public on 2025-01-01"),
    ):
        run_async(fetch_facts(fmp(server), "income", "AAPL", then))


# ------------------------------------------------------------------------------------------ all companies at once


def test_a_screen_over_live_sources_is_refused_by_name_and_a_list_asks_the_one_that_can() -> None:
    question = "Which tech companies had a net margin above 30% in FY2024?"
    with sec_server() as filed, fmp_server() as priced:
        for live in (sec(filed), fmp(priced)):
            alone = FinancialAssistantWorkflow(db=None, provider=live).run(question)
            assert alone.headline == (
                f"{live.name} answers about companies by name, not about all at once. Name the companies, or use "
                'provider="embedded".'
            )
            assert ([gap.error for gap in alone.gaps], alone.facts) == (["NotOffered"], [])
            with pytest.raises(NotOffered, match="by name"):
                live.universe()
            listed = FallbackProvider([live, EmbeddedProvider()])
            expected = FinancialAssistantWorkflow(db=None).run(question).headline
            assert FinancialAssistantWorkflow(db=None, provider=listed).run(question).headline == expected
    assert not [*filed.requests, *priced.requests]


def test_a_company_that_is_not_embedded_names_the_keyless_ways_in_a_line_each() -> None:
    [gap] = FinancialAssistantWorkflow(db=None).run("Revenue of Rocket Lab in FY2024").gaps
    assert gap.reason.splitlines()[1:] == [
        'Its filings, without a key: set FINASSIST_SEC_CONTACT and use provider="sec".',
        'Its prices, without a key: install yfinance and use provider="yfinance".',
    ]


# --------------------------------------------------------------------------------------- figures that are none


@pytest.mark.parametrize("bad", [None, "120", True, float("nan")])
def test_a_figure_that_is_none_hides_no_other_of_its_period(bad: Any, asked: Any) -> None:
    lines = [year(110, 2023), year(120, 2024), year(bad, 2024), year(bad, 2023, "2025-02-14")]
    assert of_field(asked(filings(**both(lines)))) == {"FY2024": 120, "FY2023": 110}


def test_a_figure_restated_a_thousandfold_is_a_slip_and_not_shown(asked: Any) -> None:
    lines = [year(110_000, 2023), year(120_000, 2024), year(120, 2024, "2025-04-10", "10-K/A")]
    facts = asked(filings(Revenues=lines, NetIncomeLoss=lines[:2]))
    assert of_field(facts) == {"FY2023": 110_000}
    [slip] = [fact.note for fact in facts if (fact.field, fact.period) == ("revenue", "FY2024")]
    assert slip == "one filing says 120,000, a later one 120: a slip of units"
