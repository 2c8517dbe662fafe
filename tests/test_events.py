"""The stream of typed events: right types, one identity, in time, and exactly one end."""

from __future__ import annotations

import asyncio
import json
from typing import Any, get_args

import pytest
from agno.run.workflow import WorkflowCompletedEvent, WorkflowErrorEvent

from finassist import Answer, FinancialAssistantWorkflow, RunResponse
from finassist.core.errors import ModelFailed
from finassist.core.events import TERMINAL, FetchCompleted, FetchStarted, Routed, StepStarted
from finassist.core.state import replay, spans
from tests.worlds import ScriptedModel, ScriptedProvider, World

QUESTIONS = ("Tell me about Apple", "What is EBITDA?", "Tell me about Appel", "Compare Apple and Rivian")
OWN = ("Routed", "SymbolResolved", "FetchStarted", "FetchCompleted", "FetchFailed")


async def collected(workflow: FinancialAssistantWorkflow, question: str) -> list[Any]:
    return [event async for event in workflow.arun(question, stream=True)]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_event_has_its_type_and_the_identity_of_the_run(
    workflow: FinancialAssistantWorkflow, run_async: Any, question: str
) -> None:
    events = run_async(collected(workflow, question))
    for event in events:
        assert isinstance(event, get_args(RunResponse)), type(event)
        assert event.event
        assert event.created_at
        assert event.session_id == workflow.session_id
    assert len({event.run_id for event in events}) == 1
    assert events[0].event == "WorkflowStarted"
    assert [isinstance(event, TERMINAL) for event in events] == [False] * (len(events) - 1) + [True]
    [stored] = workflow.answers()
    assert stored.run_id == events[0].run_id


def test_the_terminal_event_carries_the_answer_and_comes_after_it_is_stored(
    stored_workflow: FinancialAssistantWorkflow, run_async: Any
) -> None:
    async def scene() -> tuple[Any, int]:
        async for event in stored_workflow.arun("Tell me about Apple", stream=True):
            if isinstance(event, WorkflowCompletedEvent):
                return event, len(stored_workflow.answers())
        raise AssertionError("no terminal event")

    event, stored = run_async(scene())
    assert stored == 1
    assert isinstance(event.run_output, Answer)
    assert event.run_output.symbols == ["AAPL"]


def test_our_own_event_names_and_kinds(workflow: FinancialAssistantWorkflow) -> None:
    kinds = {event.event for event in workflow.run("Compare Apple and Rivian").events}
    assert set(OWN) <= kinds


def test_readings_to_pick_from_are_an_event(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("What was Nike's revenue in Q1 2024?")
    [offered] = [event for event in answer.events if event.event == "ChoicesOffered"]
    assert offered.labels == ["Q1 2024 of the fiscal year", "Q1 2024 of the calendar year"]
    assert [choice.label for choice in answer.choices] == offered.labels
    assert not workflow.run("What was Nike's revenue in fiscal Q1 2024?").choices
    assert not workflow.run("What was Coca-Cola's revenue in Q1 2024?").choices, "both are the same three months"


def test_events_serialise(workflow: FinancialAssistantWorkflow) -> None:
    for event in workflow.run("Compare Apple and Rivian").events:
        assert json.loads(json.dumps(event.to_dict()))["event"] == event.event


def test_a_completed_fetch_is_seen_while_its_siblings_still_run(run_async: Any) -> None:
    async def scene() -> None:
        release = asyncio.Event()

        class OneFast(ScriptedProvider):
            async def _act(self, need: str, symbol: str, fine: Any) -> Any:
                if need != "profile":
                    await release.wait()
                return fine

        workflow = FinancialAssistantWorkflow(db=None, provider=OneFast(World()))
        async for event in workflow.arun("Tell me about Apple", stream=True):
            if isinstance(event, FetchCompleted):
                release.set()  # the others wait for this: collected before it was yielded, the run would never end

    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scene()

    run_async(bounded())


def test_a_sync_stream_is_live_too() -> None:
    import threading

    release = threading.Event()

    class OneFast(ScriptedProvider):
        async def _act(self, need: str, symbol: str, fine: Any) -> Any:
            while need != "profile" and not release.is_set():
                await asyncio.sleep(0.001)
            return fine

    workflow = FinancialAssistantWorkflow(db=None, provider=OneFast(World()))
    for event in workflow.run("Tell me about Apple", stream=True):
        if isinstance(event, FetchCompleted):
            release.set()
    assert release.is_set()


@pytest.mark.parametrize("question", QUESTIONS)
def test_streamed_words_are_the_content(workflow: FinancialAssistantWorkflow, question: str) -> None:
    answer = workflow.run(question)
    said = "".join(str(event.content) for event in answer.events if event.event == "RunContent")
    assert said == answer.content


def test_a_failed_run_ends_in_one_error_event_and_raises_the_same(run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=None, model=ScriptedModel(World(chat="fails")))
    seen: list[Any] = []

    async def scene() -> None:
        async for event in workflow.arun("What is EBITDA?", stream=True):
            seen.append(event)

    with pytest.raises(ModelFailed, match="overloaded") as raised:
        run_async(scene())
    assert isinstance(seen[-1], WorkflowErrorEvent)
    assert (seen[-1].error, seen[-1].error_type) == (str(raised.value), "ModelFailed")
    assert sum(isinstance(event, TERMINAL) for event in seen) == 1
    [stored] = workflow.answers()
    assert (stored.status.value, stored.input) == ("ERROR", "What is EBITDA?")


def test_who_decided_is_an_event(workflow: FinancialAssistantWorkflow) -> None:
    [routed] = [event for event in workflow.run("What is Apple's stock price?").events if isinstance(event, Routed)]
    assert (routed.category, routed.symbols, routed.decided_by) == ("stock_price", ["AAPL"], "rules")
    assert routed.reason


def test_spans_of_a_stopped_run_are_closed_as_cancelled() -> None:
    events = [StepStarted(step_name="gather", elapsed=0.1), FetchStarted(symbol="AAPL", need="quote", elapsed=0.2)]
    stopped = [*events, TERMINAL[2](run_id="r")]
    assert [(row["name"], row["end"], row["status"]) for row in spans(replay("", stopped, 0.5))] == [
        ("run", 0.5, "cancelled"),
        ("gather", 0.5, "cancelled"),
        ("quote AAPL", 0.5, "cancelled"),
    ]
