"""Stopping a run, at every point it can be stopped at, leaves no task, a terminal state, and a usable workflow."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from agno.run.cancel import get_active_runs, get_cancellation_manager, set_cancellation_manager
from agno.run.cancellation_management import InMemoryRunCancellationManager

from finassist import FinancialAssistantWorkflow
from tests.interruptions import Interruption
from tests.suspensions import Suspensions
from tests.worlds import ScriptedModel, ScriptedProvider, World

FLOWS = {
    "report by rules": ("auto", "Tell me about Apple", World()),
    "report by model": ("model", "Compare Apple and Microsoft", World(symbols=("AAPL", "MSFT"))),
    "price": ("model", "What is Apple's stock price?", World(category="stock_price")),
    "chat": ("model", "What is EBITDA?", World(category="chat", symbols=())),
    "a source that fails": ("auto", "Tell me about Apple", World(sources={"income AAPL": "refuses"})),
}
TERMINAL = {"COMPLETED", "CANCELLED"}


def build(flow: str, db: Any = None) -> tuple[FinancialAssistantWorkflow, str]:
    routing, question, world = FLOWS[flow]
    workflow = FinancialAssistantWorkflow(
        db=db, model=ScriptedModel(world, delay=0), provider=ScriptedProvider(world, delay=0), routing=routing
    )
    return workflow, question


async def stopped_at(workflow: FinancialAssistantWorkflow, question: str, at: int) -> tuple[bool, int]:
    """Run the question and cancel it at suspension `at`: whether it was cut off, and how often it suspended."""
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    suspensions = Suspensions(at, lambda: task.cancel())
    suspensions.install(loop)
    task = loop.create_task(workflow.arun(question))
    try:
        await task
        cut = False
    except asyncio.CancelledError:
        cut = True
    loop.set_task_factory(None)
    await asyncio.sleep(0)
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not left, f"stopped at {at}: tasks left {left}"
    return cut, suspensions.count


def check_stored(workflow: FinancialAssistantWorkflow, question: str, at: int, *, begun: bool) -> None:
    answers = workflow.answers()
    assert len(answers) == 1 or (not begun and not answers), f"stopped at {at}: {len(answers)} runs stored"
    for answer in answers:
        assert answer.status.value in TERMINAL, f"stopped at {at}: stored as {answer.status}"
        assert answer.input == question
    assert not get_active_runs(), f"stopped at {at}: Agno still tracks the run"


def every_point(flow: str, make_db: Any, stride: int = 1) -> None:
    at, cuts = 1, 0
    while True:
        workflow, question = build(flow, make_db(at))

        async def scene(workflow: Any = workflow, question: str = question, at: int = at) -> tuple[bool, int]:
            cut, count = await stopped_at(workflow, question, at)
            check_stored(workflow, question, at, begun=at > 3)
            again = await workflow.arun(question)
            assert again.status.value == "COMPLETED", f"stopped at {at}: the next question failed"
            return cut, count

        cut, count = asyncio.run(scene())
        cuts += cut
        if count < at:
            break
        at += stride
    assert cuts * stride > 15, "the run was hardly ever cut off; the test proves nothing"


@pytest.mark.parametrize("flow", FLOWS)
def test_cancelled_at_every_suspension_point(flow: str) -> None:
    every_point(flow, lambda _: None)


@pytest.mark.slow
@pytest.mark.parametrize("flow", ["report by model", "chat"])
def test_cancelled_at_every_suspension_point_with_a_database_file(flow: str, tmp_path: Any) -> None:
    every_point(flow, lambda at: tmp_path / f"{at}.db", stride=5)


@pytest.mark.parametrize("flow", FLOWS)
def test_leaving_the_stream_after_any_event(flow: str, run_async: Any) -> None:
    workflow, question = build(flow)
    total = len(workflow.run(question).events or [])

    async def leave_after(count: int) -> None:
        workflow, question = build(flow)
        events = workflow.arun(question, stream=True)
        async for _ in events:
            count -= 1
            if count == 0:
                break
        await events.aclose()
        [answer] = workflow.answers()
        assert answer.status.value in TERMINAL
        assert (await workflow.arun(question)).status.value == "COMPLETED"

    for count in range(1, total + 1):
        run_async(leave_after(count))


@pytest.mark.parametrize("flow", FLOWS)
def test_leaving_the_sync_stream_after_any_event(flow: str) -> None:
    workflow, question = build(flow)
    total = len(workflow.run(question).events or [])
    for count in range(1, total + 1):
        workflow, question = build(flow)
        events = workflow.run(question, stream=True)
        for _ in range(count):
            next(events)
        events.close()
        [answer] = workflow.answers()
        assert answer.status.value == ("COMPLETED" if count == total else "CANCELLED")
        assert workflow.run(question).status.value == "COMPLETED"
    assert not get_active_runs()


async def test_of_cancel_by_id(workflow: FinancialAssistantWorkflow) -> Any:
    task = asyncio.create_task(workflow.arun("Tell me about Apple", run_id="to-stop"))
    while "to-stop" not in get_active_runs():
        await asyncio.sleep(0)
    workflow.cancel_run("to-stop")
    return await task


test_of_cancel_by_id.__test__ = False  # a scene, not a test


def slow_workflow() -> tuple[FinancialAssistantWorkflow, ScriptedProvider]:
    provider = ScriptedProvider(World(), delay=30)
    return FinancialAssistantWorkflow(db=None, provider=provider), provider


def test_cancel_run_stops_an_async_run_that_waits(run_async: Any) -> None:
    workflow, provider = slow_workflow()
    answer = run_async(test_of_cancel_by_id(workflow))
    assert answer.status.value == "CANCELLED"
    assert answer.events[-1].event == "WorkflowCancelled"
    assert provider.asked, "it was stopped while it waited for the source"


def test_cancel_run_stops_a_sync_run_that_waits() -> None:
    workflow, provider = slow_workflow()
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(workflow.run("Tell me about Apple", run_id="stop-me")))
    thread.start()
    while len(provider.asked) < 6:
        thread.join(0.001)
    workflow.cancel_run("stop-me")
    thread.join(10)
    assert answers[0].status.value == "CANCELLED"
    assert answers[0].events[-1].event == "WorkflowCancelled"


class Meeting(InMemoryRunCancellationManager):
    """Agno's manager as it is when another thread ends a run in the middle of each first look."""

    asked = 0

    def is_cancelled(self, run_id: str) -> bool:
        self.asked += 1
        if self.asked % 2:
            raise KeyError(run_id)
        return super().is_cancelled(run_id)


def test_a_run_does_not_break_on_the_end_of_another() -> None:
    before = get_cancellation_manager()
    set_cancellation_manager(Meeting())
    try:
        [finding] = FinancialAssistantWorkflow(db=None).check("Apple's net margin was 25.3% in FY2022.")
    finally:
        set_cancellation_manager(before)
    assert finding.verdict == "right"


def test_an_interrupt_of_a_sync_run_is_stored_and_raised() -> None:
    class Interrupting(ScriptedModel):
        def invoke(self, *args: Any, **kwargs: Any) -> Any:
            raise KeyboardInterrupt

    workflow = FinancialAssistantWorkflow(db=None, model=Interrupting(World()), routing="model")
    with pytest.raises(KeyboardInterrupt):
        workflow.run("What about the iPhone maker?")
    [answer] = workflow.answers()
    assert answer.status.value == "CANCELLED"
    assert not get_active_runs()


SYNC_ROOMS = ("workflow.py", "runtime/agno_step.py", "runtime/context.py", "runtime/base.py")


def interrupted_at(workflow: FinancialAssistantWorkflow, question: str, at: int) -> tuple[bool, int, int]:
    """Stream the question and press Ctrl-C at line `at`: whether it was raised, events seen, and lines run."""
    seen = 0
    interruption = Interruption(at, SYNC_ROOMS)
    try:
        with interruption.watching():
            for _ in workflow.run(question, stream=True):
                seen += 1
    except KeyboardInterrupt:
        return True, seen, interruption.count
    return False, seen, interruption.count


@pytest.mark.parametrize(
    ("flow", "stride"), [("chat", 7), pytest.param("price", 1, marks=pytest.mark.slow)], ids=["chat", "price"]
)
def test_an_interrupt_before_any_line_of_a_sync_stream(flow: str, stride: int) -> None:
    """Between two events nobody looks after the run: what has begun is stored even so, and nothing is left locked."""
    at, raised = 1, True
    while raised:
        workflow, question = build(flow)
        raised, seen, lines = interrupted_at(workflow, question, at)
        assert raised or lines < at, f"the interrupt before line {at} was lost"
        check_stored(workflow, question, at, begun=seen > 0)
        assert workflow.run(question).status.value == "COMPLETED", f"interrupted before line {at}: the next one failed"
        at += stride
    assert at > 300, "hardly any line was interrupted; the test proves nothing"


EARLY = """
import asyncio, sys
from finassist import FinancialAssistantWorkflow

async def main():
    workflow = FinancialAssistantWorkflow(model="offline", provider="embedded")
    await workflow.arun("What is EBITDA?", live=False)
    for ticks in range(40):
        run = asyncio.create_task(workflow.arun("What is Apple's stock price?", live=False))
        for _ in range(ticks):
            await asyncio.sleep(0)
        run.cancel()
        await asyncio.wait([run])

asyncio.run(main())
assert "agno.os" not in sys.modules
"""


@pytest.mark.slow
def test_a_run_stopped_before_it_has_begun_waits_for_no_import(tmp_path: Any) -> None:
    """Agno's web server, which a failed run needs, takes seconds to import."""
    environment = {**os.environ, "FINASSIST_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", EARLY], check=True, timeout=600, env=environment)
