"""One question to several sources at the same time: each differing figure beside that of the filing, and why."""

from __future__ import annotations

import asyncio
from typing import Any

import pandas as pd
import pytest

from finassist import FinancialAssistantWorkflow, FrameProvider, Query
from finassist.core.errors import InputError, UnknownProvider
from tests.fmp_server import fixture as fmp_fixture
from tests.fmp_server import fmp, fmp_server
from tests.sec_server import FACTS, company_facts, sec, sec_server
from tests.servers import Gate, answer, hang_up, held, silent

WORKFLOW = FinancialAssistantWorkflow(db=None)
INCOME = "/income-statement"
ASKED = Query(
    metrics=["revenue", "net_income", "shares_diluted", "net_margin"], companies=["AAPL"], periods=["FY2023:FY2024"]
)


def rows() -> list[dict[str, Any]]:
    """The company of the SEC's fixture as a vendor has it that restates nothing and adjusts no shares."""
    names = ("revenue", "netIncome", "weightedAverageShsOutDil")
    known = ((900, 80, 400), (720, 72, 400), (600, -60, 101))
    return [row | dict(zip(names, values, strict=True)) for row, values in zip(fmp_fixture(INCOME), known, strict=True)]


def both(question: Any, sources: Any, run_async: Any, **more: Any) -> Any:
    """The comparison, which is the same in both forms."""
    found = WORKFLOW.compare_sources(question, sources(), **more)
    awaited = run_async(WORKFLOW.acompare_sources(question, sources(), **more))
    assert str(awaited) == str(found)
    pd.testing.assert_frame_equal(awaited.to_frame(), found.to_frame())
    return found


def test_a_vendor_beside_the_filings(run_async: Any) -> None:
    with sec_server() as filings, fmp_server({INCOME: rows()}) as vendor:
        found = both(ASKED, lambda: [fmp(vendor), sec(filings)], run_async)
    assert found.sources == ("fmp", "sec")
    assert {(row.metric, row.period, cell.source): cell.why for row, cell in found.differences} == {
        ("shares_diluted", "FY2023", "fmp"): "on another basis of share splits, 4 for 1",
        ("revenue", "FY2023", "fmp"): "as first reported on 2023-11-03; restated since",
        ("net_margin", "FY2023", "fmp"): "known on 2023-11-02, the filing's on 2024-11-01",
    }
    frame = found.to_frame().set_index(["metric", "period"])
    assert frame.loc[("revenue", "FY2023"), ["filing_value", "fmp", "sec"]].tolist() == [610, 600, 610]
    assert frame.loc[("revenue", "FY2023"), "filing_source"].startswith("SEC EDGAR, 10-K filed 2024-11-01")
    apart = found.to_frame("difference").set_index(["metric", "period"])["fmp"]
    assert apart["revenue", "FY2023"] == pytest.approx(600 / 610 - 1)
    assert apart["net_income", "FY2023"] == 0, "a loss of the same size"
    assert str(found).startswith("3 of 8 figures differ from the filing's by more than 0.5%.")


def test_the_heat_map_shades_what_differs_the_more_the_further() -> None:
    with sec_server() as filings, fmp_server({INCOME: rows()}) as vendor:
        found = WORKFLOW.compare_sources(ASKED, [sec(filings), fmp(vendor)])
        wide = WORKFLOW.compare_sources(ASKED, [sec(filings), fmp(vendor)], tolerance=0.02)
    page = found._repr_mimebundle_()["text/html"]
    cells = {text.split(">")[1].split("<")[0]: text for text in page.split("<td")[1:]}
    heat = [
        int(cells[text].split("fin-warn) ")[1].split("%")[0]) for text in ("101 shares (-75.0%)", "USD 600 (-1.6%)")
    ]
    assert heat[0] > heat[1] > 0
    assert "style=" not in cells["USD 720"]
    assert [row.metric for row, _ in wide.differences] == ["shares_diluted"]


def test_all_sources_are_asked_at_the_same_time(run_async: Any) -> None:
    async def asked() -> Any:
        gate = Gate()
        async with (
            sec_server({FACTS: held(gate, answer(company_facts()))}) as filings,
            fmp_server({INCOME: held(gate, answer(rows()))}) as vendor,
        ):
            task = asyncio.create_task(WORKFLOW.acompare_sources(ASKED, [sec(filings), fmp(vendor)]))
            await filings.until(lambda: bool(filings.requests and vendor.requests))
            gate.open()
            return await task

    assert len(run_async(asked()).differences) == 3


def test_a_source_that_fails_is_a_named_gap_and_the_others_stay(run_async: Any) -> None:
    with sec_server() as filings, fmp_server({INCOME: hang_up()}) as vendor:
        found = both(ASKED, lambda: [sec(filings), fmp(vendor)], run_async)
    assert {gap.error for gap in found.gaps["fmp"]} == {"Unreachable"}
    assert found.gaps["sec"] == ()
    frame = found.to_frame()
    assert frame["fmp"].isna().all()
    assert frame["sec"].notna().all()
    assert found.differences == ()
    assert "No figure to compare from fmp." in str(found)
    assert "Financial Modeling Prep" in str(found), "why, in words"


def test_cancelling_leaves_no_request_behind(run_async: Any) -> None:
    async def cancelled() -> None:
        async with sec_server({FACTS: silent()}) as filings, fmp_server({INCOME: silent()}) as vendor:
            sources = [sec(filings, timeout=60.0), fmp(vendor, timeout=60.0)]
            task = asyncio.create_task(WORKFLOW.acompare_sources(ASKED, sources))
            await filings.until(lambda: bool(filings.requests and vendor.requests))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            for provider in sources:
                await provider.aclose()
            for server in (filings, vendor):
                await server.until(lambda server=server: not server.open)

    run_async(cancelled())


def test_a_table_of_your_own_beside_the_embedded_figures(run_async: Any) -> None:
    table = pd.DataFrame(
        [("AAPL", "FY2023", "2023-09-30", "USD", 390e9, 96_995e6), ("MSFT", "FY2023", "2023-06-30", "EUR", 1e9, 2e9)],
        columns=["symbol", "period", "period_end", "currency", "revenue", "net_income"],
    )
    own = FrameProvider(table, source="<script>alert(1)</script>")
    found = both("Revenue and net income of Apple and Microsoft in FY2023", lambda: ["embedded", own], run_async)
    assert [(row.symbol, row.metric, cell.source) for row, cell in found.differences] == [("AAPL", "revenue", "frame")]
    frame = found.to_frame("difference").set_index(["symbol", "metric"])["frame"]
    assert frame["AAPL", "net_income"] == 0
    assert frame["MSFT"].isna().all(), "another currency is not compared"
    assert "USD" in found.to_frame("why").set_index(["symbol", "metric"])["frame"]["MSFT", "revenue"]
    assert "<script>" not in found._repr_mimebundle_()["text/html"]


def test_the_embedded_figures_stand_for_the_filings_where_nobody_asks_the_sec() -> None:
    with fmp_server({INCOME: rows()}) as vendor:
        found = WORKFLOW.compare_sources("Apple's revenue in FY2023", [fmp(vendor)])
        then = WORKFLOW.compare_sources("JNJ revenue in FY2021", ["embedded"], as_of="2022-06-01")
    assert found.sources == ("fmp",)
    assert found.to_frame()[["filing_value", "fmp"]].values.tolist() == [[383_285_000_000, 600]]
    assert then.to_frame()["embedded"].tolist() == [93_775_000_000], "as it was reported then"


def test_prices_of_other_days_say_so() -> None:
    with fmp_server() as vendor:
        found = WORKFLOW.compare_sources("What is Apple's stock price?", ["embedded", fmp(vendor)])
    [(row, cell)] = found.differences
    assert (row.metric, row.period) == ("price", "latest")
    assert cell.why.startswith("of 2026-01-")


def test_what_is_not_installed_or_has_no_key_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FMP_API_KEY", raising=False)
    found = FinancialAssistantWorkflow(db=None).compare_sources("Apple's revenue in FY2023", ["fmp", "embedded"])
    [gap] = found.gaps["fmp"]
    assert (gap.error, found.sources) == ("ConfigurationError", ("fmp", "embedded"))
    assert "FMP_API_KEY" in str(found)


@pytest.mark.parametrize(
    ("question", "sources", "error", "says"),
    [("Apple's revenue in FY2023", ["fpm"], UnknownProvider, "fmp"),
     ("Apple's revenue in FY2023", [], InputError, "in a list"),
     ("Apple's revenue in FY2023", "embedded", InputError, "in a list"),
     ("Tell me about Apple", ["embedded"], InputError, "Name companies and metrics"),
     ("Top 5 companies by revenue in FY2023", ["embedded"], InputError, "Name companies and metrics")],
)  # fmt: skip
def test_what_cannot_be_compared(question: str, sources: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        WORKFLOW.compare_sources(question, sources)
