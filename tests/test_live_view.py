"""Watching a run: a view keeps up with any rate, ends with the run, and never breaks it."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import pytest
from agno.run.agent import RunContentEvent

from finassist import FinancialAssistantWorkflow, FinassistWarning, Settings
from finassist.apps.live import ProgressLine, open_view, progress_line, wanted, watched
from finassist.apps.live.cell import NextQuestions
from finassist.apps.live.view import LiveView, Pace, understood
from finassist.core.events import FetchStarted, Routed, StepStarted
from finassist.core.state import RunState
from finassist.runtime.context import RunContext, Runtime
from tests.worlds import ScriptedProvider, World

QUESTION = "Compare Apple and Microsoft"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def watched_run(workflow: FinancialAssistantWorkflow, question: str = QUESTION) -> tuple[LiveView, Any]:
    view = LiveView(question)
    answer = None
    for event in workflow.run(question, stream=True):
        view.see(event)
        answer = getattr(event, "run_output", None) or answer
    view.finish(answer)
    return view, answer


def shown(view: LiveView) -> str:
    """The HTML that a finished view leaves."""
    [left] = view.widget.children
    return left.value


# --------------------------------------------------------------------------------------------- the view


def test_it_ends_with_the_card_and_below_it_question_and_timeline_folded(workflow: FinancialAssistantWorkflow) -> None:
    view, answer = watched_run(workflow)
    assert view.state.status == "completed"
    html = shown(view)
    for part in (QUESTION, "Apple Inc. (AAPL)", "decided by rules", "18 of 18 tasks done", "<svg", "416,161"):
        assert part in html
    assert html.startswith(answer.to_html())
    below = html.removeprefix(answer.to_html())
    assert re.match(r'<div class="finassist-run"><details><summary>18 tasks in [\d.]+ m?s</summary>', below)


def test_it_draws_less_often_than_there_is_something_new() -> None:
    view, drawn = LiveView("?"), []
    view.widget.children[-1].observe(drawn.append, "value")
    for number in range(2_000):
        view.see(RunContentEvent(content=f"{number} "))
        view.see(FetchStarted(symbol=f"S{number % 50}", need="quote", elapsed=number / 1000))
    view.flush()
    assert len(view.state.tasks) == 50
    assert 1 <= len(drawn) < 200


def test_only_a_run_that_takes_longer_than_a_second_opens_its_timeline(run_async: Any) -> None:
    async def scene() -> None:
        view = LiveView("?")
        view.see(StepStarted(step_name="understand", elapsed=0.001))
        view.flush()
        assert len(view.widget.children) == 2
        async with asyncio.timeout(10):
            while len(view.widget.children) < 3:
                await asyncio.sleep(0.05)
        assert view.widget.children[1].snapshot["rows"], "also where nothing new happens"
        view.finish(None)
        assert "<details open>" in shown(view)

    run_async(scene())


def test_on_a_loop_what_is_seen_is_drawn_without_another_event(run_async: Any) -> None:
    async def scene() -> None:
        view = LiveView("?")
        for number in range(3):
            view.see(StepStarted(step_name=f"step {number}", elapsed=0.1))
        async with asyncio.timeout(10):
            while len(view.state.tasks) < 3:
                await asyncio.sleep(0.01)
        view.finish(None)

    run_async(scene())


def test_a_megabyte_of_words_never_goes_to_the_page_at_once(workflow: FinancialAssistantWorkflow) -> None:
    view = LiveView("?")
    for _ in range(10_000):
        view.see(RunContentEvent(content="word " * 20 + "\n\n"))
    view.flush()
    assert len(view.state.text) > 1_000_000
    text = view.widget.children[-1].value
    assert len(text) < 20_000
    assert "characters above" in text
    answer = workflow.run("What is EBITDA?")
    answer.content = view.state.text
    view.finish(answer)
    assert len(shown(view)) < 200_000, "a page stands still for seconds while it takes in a megabyte"
    assert "more characters are not shown here" in shown(view)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (asyncio.CancelledError(), "cancelled", "This run was stopped."),
        (KeyboardInterrupt(), "cancelled", "This run was stopped."),
        (None, "cancelled", "This run was stopped."),
        (ValueError(f"It broke. {EVIL}"), "error", "It broke."),
    ],
)
def test_a_run_that_ends_early_keeps_what_arrived(error: Any, status: str, words: str) -> None:
    view = LiveView("?")
    view.see(StepStarted(step_name="chat", elapsed=0.001))
    view.see(RunContentEvent(content="Half an ans"))
    view.finish(None, error)
    assert view.state.status == status
    assert [task.status for task in view.state.tasks] == [status]
    html = shown(view)
    assert words in html
    assert "Half an ans" in html
    assert "<img src=x" not in html
    assert "<script" not in html


def test_what_was_understood_is_one_line() -> None:
    assert understood(RunState()) == "Understanding the question …"
    assert understood(RunState(category="chat", decided_by="model")).endswith("decided by the model")


# --------------------------------------------------------------------------------------- who is shown what


@pytest.mark.parametrize(
    ("live", "setting", "by_itself", "expected"),
    [
        (None, "auto", True, True),
        (None, "auto", False, False),
        (None, "on", False, True),
        (None, "off", True, False),
        (True, "off", False, True),
        (False, "on", True, False),
    ],
)
def test_who_decides_whether_a_run_is_shown(live: Any, setting: Any, by_itself: bool, expected: bool) -> None:
    assert wanted(live, setting, by_itself=by_itself) is expected


def test_outside_a_notebook_and_a_terminal_there_is_silence(
    workflow: FinancialAssistantWorkflow, run_async: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    assert open_view("?") is None
    assert workflow.run(QUESTION, live=True).cell is None
    run_async(workflow.arun(QUESTION, live=True))
    assert "".join(capfd.readouterr()) == ""


def test_the_setting_is_the_default_of_a_workflow() -> None:
    assert FinancialAssistantWorkflow(db=None, settings=Settings(live="on")).live == "on"
    assert FinancialAssistantWorkflow(db=None, settings=Settings(live="on")).deep_copy().live == "off"


# ----------------------------------------------------------------------------------- a view that fails


class Failing:
    """Fails at one of its doors, and counts how often it is asked."""

    def __init__(self, door: str) -> None:
        self.door, self.asked = door, 0

    def _do(self, door: str) -> None:
        if door == self.door:
            self.asked += 1
            raise RuntimeError("the page is gone")

    def see(self, event: Any) -> None:
        self._do("see")

    def flush(self) -> None:
        self._do("flush")

    def finish(self, answer: Any, error: Any = None) -> None:
        self._do("finish")


@pytest.mark.parametrize("door", ["see", "flush", "finish"])
def test_a_view_that_fails_is_left_out_with_one_warning(door: str, workflow: FinancialAssistantWorkflow) -> None:
    call = RunContext(runtime=Runtime.open(db=None, model="offline", provider="embedded"), question="?")
    view = Failing(door)

    def run() -> None:
        with watched(call, lambda: view, sync=False) as see:
            for event in workflow.run(QUESTION, stream=True):
                see(event)
                call.idle()

    with pytest.warns(FinassistWarning, match="the page is gone") as warned:
        run()
    assert len(warned) == 1
    assert view.asked == 1


def test_the_error_of_a_run_is_not_hidden_by_that_of_its_view() -> None:
    call = RunContext(runtime=Runtime.open(db=None, model="offline", provider="embedded"), question="?")
    failing = Failing("finish")
    with pytest.warns(FinassistWarning), pytest.raises(KeyError), watched(call, lambda: failing, sync=True):
        raise KeyError


# ----------------------------------------------------------------------------------------- in a terminal


class Terminal(io.StringIO):
    encoding = "ascii"

    def isatty(self) -> bool:
        return True


def test_a_line_in_a_terminal_is_written_over_and_goes_away() -> None:
    terminal = Terminal()
    line = ProgressLine("Was kostet Apple, Björn?\x1b[2J", terminal)
    line.see(Routed(category="stock_price", symbols=["AAPL"], elapsed=0.1))
    line.see(FetchStarted(symbol="AAPL", need="quote", elapsed=0.2))
    line.flush()
    line.finish(None)
    written = terminal.getvalue()
    assert "AAPL quote" in written
    assert "\n" not in written
    assert "\x1b[2J" not in written
    assert written.endswith("\r\x1b[2K")


def test_a_line_fits_the_terminal() -> None:
    assert len(progress_line(RunState("why " * 100, "running"), 40)) == 40


# ------------------------------------------------------------------------------------------------- pace


def test_the_last_change_is_never_left_out() -> None:
    seen: list[int] = []
    state = {"now": 0}
    pace = Pace(lambda: seen.append(state["now"]), seconds=3600)
    for number in range(10):
        state["now"] = number
        pace.want()
    assert seen == [0]
    pace.flush()
    pace.flush()
    assert seen == [0, 9]


def test_a_sync_run_shows_what_it_waits_for() -> None:
    """The loop of a notebook stands still during `run()`, so the driver says when it waits."""
    workflow = FinancialAssistantWorkflow(db=None, provider=ScriptedProvider(World(), delay=0.2))
    call = workflow._new_run(QUESTION)
    seen: list[Any] = []
    told: list[int] = []
    for event in workflow._stream(call, {}, False):
        call.idle = lambda: told.append(sum(isinstance(event, FetchStarted) for event in seen))
        seen.append(event)
    assert max(told) == 12


def test_two_clicks_at_once_ask_once(run_async: Any) -> None:
    asked: list[str] = []

    async def ask(question: str) -> Any:
        asked.append(question)
        return
        yield

    async def click_both() -> None:
        following = NextQuestions(["first", "second"], ask)
        [buttons] = following.widget.children
        for button in buttons.children:
            button.click()
        while len(getattr(following.widget.children[-1], "children", ())) != 1 or len(asked) < 1:
            await asyncio.sleep(0)

    run_async(click_both())
    assert asked == ["first"]
