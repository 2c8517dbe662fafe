"""The benchmark measures what it says; never how fast this machine is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.benchmarks import costs, embedded, live
from tests.benchmarks.cases import Bench, Waits, measure, on_loop
from tests.benchmarks.results import Results, Row, table
from tests.benchmarks.server import LocalServer

NOTHING = Waits(model=0.0, data=0.0)


def row(**changes) -> Row:
    given = {"name": "report", "regime": "in memory", "measured": [0.3, 0.1, 0.2], "bound": 250.0}
    return Row.of(**given | changes)


def test_the_median_decides_whether_a_bound_holds() -> None:
    assert row().verdict == "holds"
    assert row(bound=199.9).verdict == "does not hold"
    assert row(bound=None).verdict == "no bound"


def test_a_row_has_its_spread_and_its_ratio_round_by_round() -> None:
    measured = row(baseline=[0.1, 0.1, 0.1])
    assert (measured.low, measured.median, measured.high, measured.count) == (150.0, 200.0, 250.0, 3)
    assert (measured.baseline, measured.ratio) == (100.0, 2.0)


def test_a_fast_run_that_did_something_forbidden_does_not_hold() -> None:
    broken = row(broken="2 model calls")
    assert broken.verdict == "does not hold"
    assert "does not hold: 2 model calls" in table([broken])


def test_a_baseline_belongs_to_the_same_rounds() -> None:
    with pytest.raises(ValueError, match="zip"):
        row(baseline=[0.1])


def test_results_are_json_and_name_the_machine_but_no_host() -> None:
    from platform import node

    from tests.benchmarks.results import machine

    results = Results(rows=[row()], machine=machine(), model_delay=0.2, data_delay=0.05, rounds=3)
    told = json.loads(json.dumps(results.to_dict()))
    assert told["rows"][0]["verdict"] == "holds"
    assert (told["model_delay_ms"], told["data_delay_ms"]) == (200.0, 50.0)
    assert {"processor", "cores", "load", "python", "agno"} <= told["machine"].keys()
    assert node() not in str(results)


@pytest.mark.slow
def test_every_case_is_measured_in_both_stores() -> None:
    rows = measure(NOTHING, rounds=2, quick=False)
    assert {each.regime for each in rows} == {"in memory", "SQLite file"}
    assert all(each.count == 2 and not each.broken for each in rows)
    assert len({each.name for each in rows}) == len(rows) / 2 == 6


def test_bounds_follow_the_delays() -> None:
    bounds = {each.name: each.bound for each in measure(Waits(0.02, 0.01), rounds=1, quick=True)}
    assert bounds["arun() report, model routes"] == 20 + 10 + 20
    assert bounds["arun() report, ticker and rules"] == 10 + 10
    assert bounds["run() report, model routes"] == 2 * 20 + 10 + 30
    assert bounds["first event"] == 5


def test_the_timed_questions_take_the_ways_they_stand_for() -> None:
    ruled, asked = Bench(NOTHING, None, "auto"), Bench(NOTHING, None, "model")
    ruled.arun("$AAPL report")
    asked.arun("Tell me about Apple")
    assert ruled.no_model_call() == ""
    assert asked.model.calls == 2
    assert asked.no_model_call() == "2 model calls"


def test_the_sleeping_source_delivers_a_whole_report() -> None:
    workflow = Bench(NOTHING, None, "auto").workflow
    answer = workflow.run("$AAPL report")
    assert answer.category == "report"
    assert not answer.gaps
    assert {fact.statement for fact in answer.facts} >= {"income", "balance_sheet", "cash_flow", "price", "ratio"}


def test_processor_time_is_measured_for_new_and_long_sessions() -> None:
    alone, modelled, long = costs.processor(reports=2, turns=costs.LAST, quick=True)
    assert (alone.count, modelled.count, long.count) == (2, 2, costs.LAST)
    assert alone.bound == modelled.bound == 15.0
    assert alone.baseline == modelled.baseline, "both stand next to the same empty workflow"
    assert long.baseline == alone.median


@pytest.mark.slow
def test_imports_are_measured_in_fresh_processes() -> None:
    warm, without, first = costs.imports(rounds=1)
    assert warm.regime != without.regime
    assert first.median > warm.median, "the package itself must stay lighter than what it loads when used"


# ------------------------------------------------------------------------------------------- live data


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(delay=0) as local:
        yield local


def test_more_is_better_where_the_row_says_so() -> None:
    measured = row(measured=[80.04, 80.0, 79.0], bound=75.0, unit="reports/s", at_least=True)
    assert (measured.median, measured.verdict) == (80.0, "holds")
    assert row(measured=[70.0], bound=75.0, unit="reports/s", at_least=True).verdict == "does not hold"
    assert "80.0 [79.5-80.0] reports/s" in table([measured])


def test_the_local_server_answers_and_counts_its_connections(server: LocalServer) -> None:
    for limit in (1, 3):
        with urlopen(f"{server.url}/income-statement?symbol=AAPL&limit={limit}") as response:
            assert len(json.load(response)) == limit
    assert server.counts() == {"connections": 2, "requests": 2}


def test_the_made_up_answers_are_a_whole_report_whose_totals_add_up(server: LocalServer) -> None:
    with live.desk(server) as at:
        answer = on_loop(at.report("$AAPL report"))
    assert (answer.category, answer.decided_by, list(answer.gaps)) == ("report", "rules", [])
    assert {fact.statement for fact in answer.facts} >= {"income", "balance_sheet", "cash_flow", "price", "ratio"}
    figures = {fact.field: fact.value for fact in answer.facts if fact.period == "FY2025"}
    assert figures["revenue"] - figures["cost_of_revenue"] == figures["gross_profit"]
    assert figures["total_liabilities"] + figures["equity"] == figures["total_assets"]


def test_the_floor_asks_for_exactly_what_a_report_asks_for(server: LocalServer) -> None:
    with live.desk(server) as at:
        on_loop(at.reports(["$AAPL report"]))
        assert server.counts()["requests"] == 6
        on_loop(at.floor(["AAPL"]))
        assert server.counts()["requests"] == 12


def test_a_warm_live_report_is_measured_with_its_connections(server: LocalServer) -> None:
    measured = live.warm(server, rounds=2)
    assert (measured.count, measured.broken) == (2, "")
    assert measured.baseline is not None
    assert measured.bound == pytest.approx(measured.baseline + 8, abs=0.1)


def test_a_new_connection_in_a_warm_report_is_told(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([3, 5])
    monkeypatch.setattr(server, "counts", lambda: {"connections": next(counts)})
    measured = live.warm(server, rounds=1)
    assert (measured.verdict, measured.broken) == ("does not hold", "2 new connections")


def test_reports_at_once_are_about_different_companies_and_ask_the_model(server: LocalServer) -> None:
    assert len(set(live.SYMBOLS)) == live.AT_ONCE == 50
    with live.desk(server, routing="model") as at:
        on_loop(at.reports([f"Tell me about ${symbol}" for symbol in live.SYMBOLS[:3]]))
        assert at.model.calls == 2 * 3
    assert server.counts()["requests"] == 6 * 3, "shared requests would make it look faster"


def test_reports_without_data_are_not_measured() -> None:
    with LocalServer(delay=0) as gone:
        pass
    with live.desk(gone) as at, pytest.raises(RuntimeError, match="lack data"):
        on_loop(at.reports(["$AAPL report"]))


@pytest.mark.slow
def test_memory_is_measured_over_stored_reports() -> None:
    [measured] = live.memory(reports=10) or [None]
    if measured:
        assert (measured.unit, measured.regime) == ("MB", "SQLite file")
        assert measured.verdict == "no bound", "so few reports say nothing about growth"


@pytest.mark.slow
def test_live_rows_are_part_of_the_bench() -> None:
    rows = live.measure(0.0, 0.0, rounds=1, reports=20)
    assert [each.unit for each in rows][:2] == ["ms", "reports/s"]
    assert all(not each.broken for each in rows)


@pytest.mark.slow
def test_the_embedded_data_takes_no_more_memory_than_allowed() -> None:
    rows = {row.name: row for row in embedded.measure(rounds=1)}
    for name in ("memory after one company", "memory after questions about all companies"):
        assert rows[name].verdict == "holds", rows[name]
