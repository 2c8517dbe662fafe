"""One pure state of a run: laws over any sequence of events, and what real runs lead to."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

import pytest
from agno.run.agent import RunContentEvent
from agno.run.workflow import (
    WorkflowCancelledEvent,
    WorkflowCompletedEvent,
    WorkflowErrorEvent,
    WorkflowStartedEvent,
)
from hypothesis import given
from hypothesis import strategies as st

from finassist import FinancialAssistantWorkflow
from finassist.core.events import (
    ChoicesOffered,
    FetchCompleted,
    FetchFailed,
    FetchStarted,
    Routed,
    StepCompleted,
    StepStarted,
    SymbolResolved,
)
from finassist.core.state import RunState, Task, end, joined, reduce, replay, spans
from tests.fmp_server import KEY, fmp, fmp_server
from tests.servers import Act, Request, answer
from tests.worlds import ScriptedModel, ScriptedProvider, World

NAMES = st.sampled_from(["understand", "router", "gather", "compose", "chat", "of somebody else", None])
SYMBOLS = st.sampled_from(["AAPL", "MSFT", "", "<b>"])
NEEDS = st.sampled_from(["quote", "income", "", "unheard of"])
TIMES = st.floats(0, 100, width=32)
TEXTS = st.sampled_from(["", "why", "x" * 5_000])
FETCH: dict[str, Any] = {"symbol": SYMBOLS, "need": NEEDS, "elapsed": TIMES, "provider": TEXTS}
ENDINGS = st.one_of(
    st.builds(WorkflowCompletedEvent, run_id=st.just("r")),
    st.builds(WorkflowErrorEvent, run_id=st.just("r"), error=TEXTS),
    st.builds(WorkflowCancelledEvent, run_id=st.just("r")),
)
WORK = st.one_of(
    st.builds(WorkflowStartedEvent, run_id=st.just("r")),
    st.builds(StepStarted, step_name=NAMES, parent=NAMES, elapsed=TIMES),
    st.builds(
        StepCompleted, step_name=NAMES, elapsed=TIMES, outcome=st.sampled_from(["completed", "error"]), content=TEXTS
    ),
    st.builds(Routed, category=TEXTS, symbols=st.none() | st.lists(SYMBOLS, max_size=3), elapsed=TIMES, reason=TEXTS),
    st.builds(SymbolResolved, symbol=SYMBOLS, name=TEXTS, elapsed=TIMES),
    st.builds(ChoicesOffered, labels=st.lists(TEXTS, max_size=2), elapsed=TIMES),
    st.builds(FetchStarted, **FETCH, attempt=st.integers(1, 4), reason=TEXTS, parent=NAMES),
    st.builds(FetchCompleted, **FETCH, count=st.integers(0, 9)),
    st.builds(FetchFailed, **FETCH, error=TEXTS, reason=TEXTS),
    st.builds(RunContentEvent, content=st.none() | TEXTS),
)
STRAY = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.builds(object))
EVENTS = st.lists(WORK | ENDINGS | STRAY, max_size=25)


def reduced(events: list[Any]) -> RunState:
    state = RunState("?")
    for event in events:
        state = reduce(state, event)
    return state


# ------------------------------------------------------------------------------------------------- laws


@given(EVENTS)
def test_any_sequence_of_events_gives_a_sound_state(events: list[Any]) -> None:
    state = reduced(events)
    done, total = state.progress
    assert 0 <= done <= total
    assert len({task.name for task in state.tasks}) == len(state.tasks)
    assert set(state.critical_path) <= {task.name for task in state.tasks}
    assert len(set(state.critical_path)) == len(state.critical_path)
    for task in state.tasks:
        assert (task.end is None) == (task.status == "running")
        assert task.attempts >= 1
        assert len(task.detail) <= 600
    if state.ended:
        assert all(task.end is not None for task in state.tasks)
        assert done == total


@given(EVENTS, WORK | ENDINGS)
def test_what_comes_after_the_end_changes_nothing(events: list[Any], late: Any) -> None:
    ended = end(reduced(events), "cancelled")
    assert reduce(ended, late) == ended


@given(st.lists(WORK, max_size=20), st.data())
def test_a_second_end_of_a_task_changes_nothing(events: list[Any], data: st.DataObject) -> None:
    closings = [e for e in events if isinstance(e, StepCompleted | FetchCompleted | FetchFailed)]
    if not closings:
        return
    again = data.draw(st.sampled_from(closings))
    at = data.draw(st.integers(events.index(again) + 1, len(events)))
    between = events[events.index(again) : at]
    opens = [e for e in between if isinstance(e, StepStarted | FetchStarted)]
    if not opens:  # an end says something about a task that has begun
        assert reduced([*events[:at], again, *events[at:]]).tasks == reduced(events).tasks


@given(st.lists(WORK, max_size=20), ENDINGS)
def test_spans_read_the_state_and_nothing_else(events: list[Any], ending: Any) -> None:
    stream = [*events, ending]
    state = replay("?", stream, 200.0)
    run, *rows = spans(replay("", stream, 200.0))
    assert run == {"name": "run", "parent": None, "start": 0.0, "end": 200.0, "status": state.status}
    assert rows == [
        {"name": t.name, "parent": t.parent, "start": t.start, "end": t.end, "status": t.status} for t in state.tasks
    ]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.randoms())
def test_the_order_of_gathered_children_does_not_matter(children: list[int], random: Any) -> None:
    """Each child's events keep their order; how they interleave is the loop's business."""
    lines = [_child(f"S{i}", float(i), kind) for i, kind in enumerate(children)]
    interleaved, left = [], [list(line) for line in lines]
    while left:
        line = random.choice(left)
        interleaved.append(line.pop(0))
        left = [line for line in left if line]
    one, other = (replay("?", [StepStarted(step_name="gather"), *events]) for events in ([*chain(*lines)], interleaved))
    assert set(one.tasks) == set(other.tasks)
    assert (one.elapsed, one.progress) == (other.elapsed, other.progress)
    assert one.critical_path == other.critical_path


def _child(symbol: str, start: float, kind: int) -> list[Any]:
    about: dict[str, Any] = {"symbol": symbol, "need": "quote"}
    begun = [FetchStarted(**about, elapsed=start)]
    if kind > 3:
        begun.append(FetchStarted(**about, elapsed=start + 0.5, attempt=2, reason="Again."))
    if kind == 0:
        return begun
    ended = FetchFailed if kind == 1 else FetchCompleted
    return [*begun, ended(**about, elapsed=start + kind)]


@given(st.lists(WORK, max_size=20))
def test_joined_words_lead_to_the_same_state(events: list[Any]) -> None:
    assert reduced(list(joined(events))) == reduced(events)


# -------------------------------------------------------------------------------------------- one by one


def test_a_stopped_run_stops_what_was_open_and_leaves_what_was_done() -> None:
    events = [
        StepStarted(step_name="gather", elapsed=0.1),
        FetchStarted(symbol="AAPL", need="quote", elapsed=0.2),
        FetchStarted(symbol="MSFT", need="quote", elapsed=0.2),
        FetchCompleted(symbol="AAPL", need="quote", elapsed=0.3),
        WorkflowCancelledEvent(run_id="r"),
    ]
    state = replay("?", events, 0.5)
    assert [(task.name, task.status, task.end) for task in state.tasks] == [
        ("gather", "cancelled", 0.5),
        ("quote AAPL", "completed", 0.3),
        ("quote MSFT", "cancelled", 0.5),
    ]


def test_a_retry_is_the_same_task_with_another_attempt() -> None:
    begun = FetchStarted(symbol="AAPL", need="quote", elapsed=0.1)
    again = FetchStarted(symbol="AAPL", need="quote", elapsed=0.4, attempt=2, reason="It did not answer.")
    [task] = reduced([begun, again]).tasks
    assert (task.start, task.attempts, task.detail, task.status) == (0.1, 2, "It did not answer.", "running")
    [task] = reduced([begun, again, FetchCompleted(symbol="AAPL", need="quote", elapsed=0.6, count=1)]).tasks
    assert (task.attempts, task.detail) == (2, "1 figure")


def test_the_critical_path_is_the_chain_of_last_ends() -> None:
    def task(name: str, start: float, end: float, parent: str = "run") -> Task:
        return Task(name, name, parent, start, end, "completed")

    tasks = (
        task("understand", 0, 1),
        task("router", 0, 0.6, "understand"),
        task("symbol_extraction", 0, 1, "understand"),
        task("gather", 1, 5),
        task("quote", 1, 2, "gather"),
        task("income", 1, 5, "gather"),
        task("compose", 5, 6),
    )
    assert RunState(tasks=tasks, elapsed=6).critical_path == ("symbol_extraction", "income", "compose")


def test_progress_never_goes_back(workflow: FinancialAssistantWorkflow) -> None:
    for question in ("Compare Apple and Microsoft", "What is EBITDA?", "Tell me about Appel"):
        state, share = RunState(question), 0.0
        for event in workflow.run(question, stream=True):
            state = reduce(state, event)
            done, total = state.progress
            assert done / total >= share, event
            share = done / total
        assert share == 1.0


def test_the_state_of_a_run_is_that_of_its_answer(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("Compare Apple and Microsoft")
    state = replay("Compare Apple and Microsoft", answer.events, answer.duration)
    assert (state.status, state.category, list(state.symbols)) == ("completed", answer.category, answer.symbols)
    assert state.companies["AAPL"] == "Apple Inc."
    assert (state.text, state.elapsed) == (answer.content, answer.duration)
    assert state.critical_path[-1] == "compose"


def test_a_run_that_fails_says_why() -> None:
    workflow = FinancialAssistantWorkflow(db=None, model=ScriptedModel(World(chat="fails")))
    seen: list[Any] = []
    with pytest.raises(Exception, match="overloaded"):
        seen.extend(_watched(workflow, seen))
    state = reduced(seen)
    assert state.status == "error"
    assert "overloaded" in state.error


def _watched(workflow: FinancialAssistantWorkflow, seen: list[Any]) -> list[Any]:
    for event in workflow.run("What is EBITDA?", stream=True):
        seen.append(event)
    return []


def test_run_and_arun_lead_to_the_same_tasks(run_async: Any) -> None:
    def tasks(events: list[Any]) -> set[tuple[str, ...]]:
        state = reduced(events)
        return {(task.name, task.parent, task.status, task.detail, str(task.attempts)) for task in state.tasks}

    world = World(sources={"quote AAPL": "refuses"}, symbols=("AAPL",))
    workflow = FinancialAssistantWorkflow(
        db=None, model=ScriptedModel(world), provider=ScriptedProvider(world), routing="model"
    )

    async def collected() -> list[Any]:
        return [event async for event in workflow.arun("Tell me about Apple", stream=True)]

    assert tasks(list(workflow.run("Tell me about Apple", stream=True))) == tasks(run_async(collected()))


# ---------------------------------------------------------------------------------------------- retries


class Twice:
    """A source whose first answer at a path is that it is in trouble."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __call__(self, path: str, fine: Any) -> Act:
        first = path not in self.asked
        self.asked.add(path)
        return answer([], status=503, headers={"Retry-After": "0"}) if first else answer(fine)


@pytest.mark.parametrize("form", ["run", "arun"])
def test_a_source_that_is_asked_again_is_an_event(form: str, run_async: Any) -> None:
    with fmp_server() as server:
        script, twice = server.script, Twice()

        def troubled(request: Request) -> Act:
            return (
                twice(request.path, None)
                if request.path == "/quote" and "/quote" not in twice.asked
                else script(request)
            )

        server.script = troubled
        workflow = FinancialAssistantWorkflow(db=None, provider=fmp(server, attempts=3))
        question = "What is Apple's stock price?"

        async def ask() -> Any:
            try:
                return await workflow.arun(question)
            finally:
                await asyncio.sleep(0)

        events = (workflow.run(question) if form == "run" else run_async(ask())).events
    tries = [event for event in events if isinstance(event, FetchStarted) and event.need == "quote"]
    assert [event.attempt for event in tries] == [1, 2]
    assert tries[1].reason
    assert KEY not in str(tries[1].to_dict())
    [task] = [task for task in replay("?", events).tasks if task.name == "quote AAPL"]
    assert task.attempts == 2
