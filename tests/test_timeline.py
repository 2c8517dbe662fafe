"""The timeline: an SVG that reads well anywhere and does nothing, and a widget that sends only what has changed."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import finassist.apps.live
from finassist import FinancialAssistantWorkflow
from finassist.apps.live.view import Timeline
from finassist.core.state import RunState, Task
from finassist.reporting.timeline import COLOURS, LOOK, seconds, ticks, timeline_svg, tracks

SVG = "{http://www.w3.org/2000/svg}"
SCRIPT = Path(finassist.apps.live.__file__).with_name("timeline.js").read_text(encoding="utf-8")
STATUSES = ("completed", "error", "cancelled", "running")


def task(name: str, start: float, end: float | None, status: Any = "completed", **more: Any) -> Task:
    return Task(name, more.pop("label", name), more.pop("parent", "run"), start, end, status, **more)


def work(count: int) -> RunState:
    inside = (task(f"quote S{i}", 0.1, 0.2 + i / count, parent="gather") for i in range(count))
    return RunState("Many?", "completed", tasks=(task("gather", 0.1, 1.2), *inside), elapsed=1.3)


def parsed(state: RunState) -> ElementTree.Element:
    return ElementTree.fromstring(timeline_svg(state))


def texts(root: ElementTree.Element) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text")]


# ------------------------------------------------------------------------------------------------ the SVG


def test_it_shows_every_task_its_status_and_its_time() -> None:
    state = RunState(
        "?",
        "cancelled",
        tasks=(
            task("gather", 0.1, 1.0, "cancelled", label="Figures"),
            task("quote", 0.1, 0.4, "error", parent="gather", label="AAPL quote", detail="It is down."),
            task("income", 0.1, 1.0, "cancelled", parent="gather", label="AAPL income statement", attempts=3),
        ),
        elapsed=1.0,
    )
    root = parsed(state)
    shown = texts(root)
    assert {"Figures", "AAPL quote", "AAPL income statement", "300 ms", "3 tries · 900 ms"} <= set(shown)
    titles = [node.text or "" for node in root.iter(f"{SVG}title")]
    assert "AAPL quote: failed, 300 ms (from 100 ms to 400 ms), It is down." in titles
    assert "0 of 2 tasks done, 1 failed" in str(root.get("aria-label"))
    shapes = {node.get("class"): node.get("d") for node in root.iter(f"{SVG}path")}
    assert {"tl-error", "tl-cancelled"} <= set(shapes)
    assert len(set(shapes.values())) == len(shapes), "a status is a shape, not only a colour"


def test_it_is_readable_without_its_style_sheet_and_by_those_who_hear_it() -> None:
    root = parsed(work(5))
    assert root.get("role") == "img"
    assert "5 of 5 tasks done" in str(root.get("aria-label"))
    assert "quote S4" in str(root.findtext(f"{SVG}desc"))
    assert root.get("width") == "100%"
    for node in root.iter():
        kind = node.tag.removeprefix(SVG)
        assert kind not in ("text", "rect") or node.get("fill"), ElementTree.tostring(node)
        assert kind not in ("line", "path") or node.get("stroke"), ElementTree.tostring(node)


def test_many_tasks_are_compact() -> None:
    one, many = (int(str(parsed(work(count)).get("height"))) for count in (1, 200))
    assert many < 1_300
    assert one < 100
    assert len(timeline_svg(work(200))) < 80_000


def test_the_same_state_gives_the_same_text() -> None:
    assert timeline_svg(work(9)) == timeline_svg(work(9))


@given(
    st.lists(
        st.builds(
            Task,
            st.text(max_size=5),
            st.text(max_size=5),
            st.text(max_size=5),
            st.floats(),
            st.none() | st.floats(),
            st.sampled_from(STATUSES),
            st.text(max_size=5),
        ),
        max_size=6,
        unique_by=lambda task: task.name,
    ),
    st.floats(),
)
def test_any_state_can_be_drawn(tasks: list[Task], elapsed: float) -> None:
    state = RunState("?", "running", tasks=tuple(tasks), elapsed=elapsed)
    ElementTree.fromstring(timeline_svg(state))
    placed = [track.task.name for track in tracks(state)]
    assert len(set(placed)) == len(placed)
    assert set(placed) <= {task.name for task in tasks}


@given(st.floats(1e-6, 1e5))
def test_ticks_are_few_and_even(span: float) -> None:
    found = ticks(span)
    assert 1 <= len(found) <= 6
    assert all(earlier < later <= span * (1 + 1e-6) for earlier, later in pairwise(found))


@given(st.floats(0, 1e5))
def test_a_duration_is_short(value: float) -> None:
    assert re.fullmatch(r"\d+ ms|\d+\.\d{1,2} s|\d+:\d\d min", seconds(value))


# --------------------------------------------------------------------------------------- of an answer


def test_an_answer_has_its_timeline(workflow: FinancialAssistantWorkflow) -> None:
    timeline = workflow.run("Compare Apple and Microsoft").timeline
    assert set(timeline._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert not hasattr(timeline, "_repr_svg_")
    assert "AAPL income statement" in texts(ElementTree.fromstring(str(timeline)))
    assert "18 of 18 tasks done" in repr(timeline)


# ------------------------------------------------------------------------------------------------ colours


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("status", STATUSES)
def test_bars_stand_out_in_light_and_dark(status: str) -> None:
    style = timeline_svg(work(1))
    found = re.search(rf"--tl-{status}:light-dark\((#\w+),(#\w+)\)", style)
    assert found
    assert _contrast(COLOURS[status], "#ffffff") >= 4.5
    assert found[1] == COLOURS[status]
    assert _contrast(found[2], "#111111") >= 4.5


# ------------------------------------------------------------------------------------------- the widget


def test_a_snapshot_has_every_row_of_the_run() -> None:
    timeline = Timeline()
    timeline.show(RunState("?", "running", tasks=(task("a", 0, 1), task("b", 0, None, "running")), elapsed=1))
    assert [row[6] for row in timeline.snapshot["rows"]] == ["completed", "running"]
    timeline.show(RunState("?", "completed", tasks=(task("a", 0, 1), task("b", 0, 2)), elapsed=2))
    assert [row[6] for row in timeline.snapshot["rows"]] == ["completed", "completed"]
    assert (timeline.snapshot["status"], timeline.snapshot["now"]) == ("completed", 2)


def test_the_script_is_one_self_contained_module_that_writes_text_alone() -> None:
    assert not re.search(r"\bimport\b|\brequire\(|\beval\b|innerHTML|outerHTML|insertAdjacent|document\.write", SCRIPT)
    assert re.findall(r"https?://[^\"]+", SCRIPT) == ["http://www.w3.org/2000/svg"]
    assert re.search(r"^export default \{ render \};$", SCRIPT, re.MULTILINE)


def test_widget_and_picture_have_the_same_shapes() -> None:
    assert set(LOOK["shapes"]) == set(STATUSES)
    assert Timeline().look == LOOK
