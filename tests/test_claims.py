"""The performance claims are measured as they say; never how fast this machine is."""

from __future__ import annotations

import asyncio
import re
import sys
from importlib.util import find_spec

import pytest

from tests.benchmarks.claims import contenders, graphs, memory, pythons, waiting
from tests.benchmarks.claims.claim import Claim, Claims


def claim(ours: list[float], theirs: list[float], **more: object) -> Claim:
    return Claim.of("5.4", "a TaskGroup is faster", "30 sleeps", "a pool", ours, theirs, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [
        ([0.2, 0.21, 0.2], "holds in this regime"),
        ([0.1, 0.101, 0.099], "no difference"),
        ([0.05, 0.2, 0.1], "no difference"),
        ([0.05, 0.06, 0.05], "does not hold"),
    ],
)
def test_the_spread_decides_what_may_be_said(theirs: list[float], verdict: str) -> None:
    row = claim([0.1, 0.1, 0.1], theirs)
    assert row.verdict == verdict
    assert ("no notable difference" in row.wording) == (verdict == "no difference")


def test_a_large_ratio_is_written_out() -> None:
    assert "takes 300 times [290 to 310, 3 rounds]" in claim([1.0] * 3, [280.0, 300.0, 320.0]).wording


def test_a_ratio_is_taken_round_by_round() -> None:
    row = claim([0.1, 0.2], [0.2, 0.8])
    assert (row.ratio, row.low, row.high, row.count) == (3.0, 2.5, 3.5, 2)
    with pytest.raises(ValueError, match="zip"):
        claim([0.1], [0.1, 0.2])


def test_what_nobody_claims_gets_no_verdict() -> None:
    assert claim([1.0], [5.0], claimed=False).verdict == "measured"


def test_contenders_take_turns_in_being_first() -> None:
    order: list[str] = []

    def contender(name: str) -> float:
        order.append(name)
        return float(ord(name))

    taken = contenders.interleaved([lambda name=name: contender(name) for name in "abc"], rounds=3)
    assert order == list("abcbcacab")
    assert taken == [[97.0] * 3, [98.0] * 3, [99.0] * 3]


def test_every_way_does_the_whole_job() -> None:
    done: list[int] = []

    async def operation() -> None:
        await asyncio.sleep(0)
        done.append(1)

    for way in (contenders.task_group, contenders.gathered, contenders.in_turn):
        asyncio.run(way(operation, 7))
    contenders.pooled(lambda: done.append(1), 7, None)
    contenders.pooled(lambda: done.append(1), 7, 3)
    assert len(done) == 35


def test_waiting_is_compared_asleep_and_over_a_real_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "NAP", 0.001)
    rows = [*waiting.sleeping([3], rounds=1), *waiting.over_http([3], rounds=1)]
    assert len(rows) == 8
    assert {row.baseline for row in rows} >= {"gather", "a pool of 3 threads", "a pool of Python's own size"}
    assert {row.regime for row in rows} == {"3 sleeps of 1 ms", "3 requests to a local server"}


def test_the_running_python_is_always_found() -> None:
    found = pythons.interpreters()
    assert found[f"{sys.version_info.major}.{sys.version_info.minor}"] == sys.executable


@pytest.mark.slow
def test_eager_tasks_are_compared_on_the_running_python() -> None:
    eager = [row for row in pythons.measure(rounds=1) if "eager" in row.claim]
    assert {row.regime for row in eager} == {"300 sleeps of 20 ms", "10,000 tasks that never wait"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_waiting_thread_takes_more_memory_than_a_waiting_task() -> None:
    rows = memory.measure(rounds=1)
    assert [row.unit for row in rows] == ["KB", "KB"]
    assert all(row.ratio > 1 for row in rows)


@pytest.mark.slow
def test_every_graph_makes_the_same_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MODEL", 0.001)
    monkeypatch.setattr(graphs, "DATA", 0.001)
    rows = graphs.measure(rounds=1)
    assert len(rows) == (5 if find_spec("langgraph") else 4)
    assert [row.claimed for row in rows if "ancestor" in row.baseline] == [True]


def test_claims_are_json_and_text() -> None:
    found = Claims([claim([1.0], [2.0]), claim([1.0], [1.0])], {"cores": 2})
    assert found.to_dict()["claims"][0]["verdict"] == "holds in this regime"
    assert str(found).count("a TaskGroup is faster") == 1


def test_claims_are_a_frame_and_a_chart_without_script_or_remote_parts() -> None:
    found = Claims([claim([1.0, 1.0], [20.0, 30.0]), claim([1.0], [1.0]), claim([2.0], [1.0])], {})
    frame = found.to_frame()
    assert frame["verdict"].tolist() == ["holds in this regime", "no difference", "does not hold"]
    assert str(frame["ratio"].dtype) == "Float64"
    assert list(Claims([], {}).to_frame().columns) == list(frame.columns)
    chart, image = found._repr_mimebundle_()["text/html"].split("<img")
    assert chart.count("<circle") == 3
    assert "25×" in chart
    assert "data:image/svg+xml" in image
    assert not re.search(r"<script|src=|href=|url\(", chart)
