"""A running loop is never held up for long, cancels are quick from the first one on, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow
from finassist.core.concurrency import begin_in_turn
from tests.benchmarks import loops

FIRST = """
import asyncio, sys, time
from finassist import FinancialAssistantWorkflow
from tests.worlds import ScriptedProvider, World

async def main():
    workflow = FinancialAssistantWorkflow(db=sys.argv[1], provider=ScriptedProvider(World(), delay=30))
    begun, taken = asyncio.Event(), []

    async def ask():
        async for event in workflow.arun("Compare Apple and Microsoft", stream=True, live=False):
            if event.event == "FetchStarted":
                begun.set()

    for _ in range(3):
        begun.clear()
        run = asyncio.create_task(ask())
        await begun.wait()
        await asyncio.sleep(0.05)
        start = time.perf_counter()
        run.cancel()
        await asyncio.wait([run])
        taken.append(time.perf_counter() - start)
    print(*taken)
    assert workflow.history()["status"].tolist() == ["CANCELLED"] * 3

asyncio.run(main())
"""


@pytest.mark.slow
def test_the_first_cancels_of_a_process_end_their_runs(tmp_path: Any) -> None:
    environment = {**os.environ, "FINASSIST_HOME": str(tmp_path)}
    command = [sys.executable, "-c", FIRST, str(tmp_path / "sessions.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 3


@pytest.mark.slow
def test_cancels_at_random_moments_leave_nothing() -> None:
    _, slowest = loops.cancelled(60)
    assert not slowest.broken


def test_runs_that_are_begun_at_once_begin_one_a_turn(run_async: Any) -> None:
    begun: list[int] = []

    async def begin() -> None:
        await begin_in_turn()
        begun.append(1)

    async def story() -> list[int]:
        tasks = [asyncio.create_task(begin()) for _ in range(50)]
        counts: list[int] = []
        while len(begun) < len(tasks):
            before = len(begun)
            await asyncio.sleep(0)
            counts.append(len(begun) - before)
        return counts

    assert max(run_async(story())) == 1


def test_long_work_is_done_where_it_holds_no_loop_up(run_async: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison of ten is composed in a thread, and its card in the panel too; a term, of no facts, is not."""
    threads: list[str] = []
    to_thread = asyncio.to_thread

    async def noted(work: Any, *args: Any, **options: Any) -> Any:
        threads.append(getattr(work, "__qualname__", ""))
        return await to_thread(work, *args, **options)

    monkeypatch.setattr(asyncio, "to_thread", noted)
    workflow = FinancialAssistantWorkflow(db=None)
    composed: list[bool] = []
    for question in ("What is EBITDA?", loops.QUESTIONS["a comparison of ten"]):
        threads.clear()
        run_async(workflow.arun(question))
        composed.append(any("document_flow" in name or "query_flow" in name for name in threads))
    assert composed == [False, True]
    threads.clear()

    async def chat() -> None:
        panel = workflow.chat()
        panel.ask(loops.QUESTIONS["a comparison of ten"])
        await panel.idle()

    run_async(chat())
    assert "Answer.to_html" in threads
