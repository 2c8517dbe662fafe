"""The benchmark measures what it says; never how fast this machine is."""

from __future__ import annotations

import json

import pytest

from finassist.bench import costs
from finassist.bench.cases import Bench, Waits, measure
from finassist.bench.results import Results, Row, table

NOTHING = Waits(model=0.0, data=0.0)


def row(**changes) -> Row:
    given = {"name": "report", "regime": "in memory", "seconds": [0.3, 0.1, 0.2], "bound": 250.0}
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

    from finassist.bench.results import machine

    results = Results(rows=[row()], machine=machine(), model_delay=0.2, data_delay=0.05, rounds=3)
    told = json.loads(json.dumps(results.to_dict()))
    assert told["rows"][0]["verdict"] == "holds"
    assert (told["model_delay_ms"], told["data_delay_ms"]) == (200.0, 50.0)
    assert {"processor", "cores", "load", "python", "agno"} <= told["machine"].keys()
    assert node() not in str(results)


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
