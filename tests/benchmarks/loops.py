"""What a running loop feels: gaps, cancels at random moments, many starts; and the last turns of a long session."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from agno.run.cancel import get_active_runs

from finassist.apps.chat.conversation import card_of
from finassist.apps.chat.drawers import exported
from finassist.workflow import FinancialAssistantWorkflow
from tests.benchmarks.cases import on_loop
from tests.benchmarks.fakes import SleepingProvider
from tests.benchmarks.results import Row

_TICK = 0.005
_TEN = "Apple, Microsoft, Nvidia, Amazon, Tesla, Walmart, Pepsi, Coca-Cola, Intel and Oracle"
QUESTIONS = {
    "a price": "What is Apple's stock price?",
    "a report": "Tell me about Nvidia",
    "a comparison of ten": f"Compare {_TEN}",
    "a figure of ten": f"Compare the net margin of {_TEN}",
    "a screen of all": "Which tech companies had a net margin above 30% in FY2024?",
    "a rank of all": "Top 10 companies by revenue growth over 5 years",
}
_EXPORTS = ("html", "markdown", "csv")
_GAP_BOUND, _CANCEL_BOUND = 50.0, 250.0


def measure(cancels: int, turns: int, starts: int) -> list[Row]:
    """Gaps of a loop, cancels, starts at once, and the last turns of a long session next to its first."""
    return [*gaps(), start_gap(starts), *cancelled(cancels), long_session(turns)]


def gaps() -> list[Row]:
    """The longest gap of a loop while work is done the second time, next to that of the loop alone."""
    workflow = FinancialAssistantWorkflow(db=None)
    work: dict[str, Callable[[], Awaitable[Any]]] = {
        name: lambda question=question: workflow.arun(question) for name, question in QUESTIONS.items()
    }
    ten = workflow.run(QUESTIONS["a comparison of ten"])
    work |= {
        "the card of ten in a cell": lambda: _called(ten.to_html),
        "the card of ten in the panel": lambda: card_of(ten),
        **{f"an export of ten, {kind}": lambda kind=kind: exported(kind, "ten", [ten]) for kind in _EXPORTS},
    }
    return [_gap(name, each) for name, each in work.items()]


def _gap(name: str, work: Callable[[], Awaitable[Any]]) -> Row:
    found = [(on_loop(_worst_gap(work)), on_loop(_worst_gap(lambda: asyncio.sleep(0.1)))) for _ in range(4)]
    measured, alone = zip(*found[1:], strict=True)
    return Row.of("longest gap of the loop", name, measured, bound=_GAP_BOUND, baseline=alone)


async def _called(work: Callable[[], Any]) -> None:
    work()


def start_gap(starts: int) -> Row:
    """The longest gap after that many runs were begun at once."""
    workflow = FinancialAssistantWorkflow(db=None)
    on_loop(workflow.arun("What is EBITDA?"))

    async def all_at_once() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(starts):
                group.create_task(workflow.arun("What is EBITDA?", session_id=f"s{number}"))
                if not number % 20:
                    await asyncio.sleep(0)  # making a task of a question takes its time as well

    return Row.of("longest gap of the loop", f"{starts:,} runs begun at once", [on_loop(_worst_gap(all_at_once))])


async def _worst_gap(work: Callable[[], Awaitable[Any]]) -> float:
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        last = time.perf_counter()
        while True:
            await asyncio.sleep(_TICK)
            now = time.perf_counter()
            worst, last = max(worst, now - last - _TICK), now

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(4 * _TICK)
    try:
        await work()
        await asyncio.sleep(2 * _TICK)
    finally:
        ticker.cancel()
    return worst


def cancelled(cancels: int, seed: int = 7) -> list[Row]:
    """How long the first and the later of many cancels take, at random moments; and what they leave behind."""
    with TemporaryDirectory(prefix="finassist-bench-") as folder:
        workflow = FinancialAssistantWorkflow(db=Path(folder) / "sessions.db", provider=SleepingProvider(0.05))
        taken, left = on_loop(_cancels(workflow, cancels, random.Random(seed)))
        left += workflow.history()["status"].isin(["RUNNING", "PENDING"]).sum()
        workflow.close()
    name, broken = "a cancel", f"{left} things left" if left else ""
    return [
        Row.of(name, "the first of a workflow", taken[:1], bound=100.0),
        Row.of(name, f"the slowest of {cancels:,} at random moments", [max(taken)], bound=_CANCEL_BOUND, broken=broken),
    ]


async def _cancels(
    workflow: FinancialAssistantWorkflow, cancels: int, moments: random.Random
) -> tuple[list[float], int]:
    """Seconds that each took; and how many tasks, threads, runs and locks are left in the end."""
    taken: list[float] = []
    await workflow.arun("What is EBITDA?")
    before, others, active = asyncio.all_tasks(), set(threading.enumerate()), set(get_active_runs())
    for number in range(cancels):
        run = asyncio.create_task(workflow.arun("Compare Apple and Microsoft", session_id=f"s{number % 5}"))
        await asyncio.sleep(moments.random() * 0.15)
        start = time.perf_counter()
        run.cancel()
        await asyncio.wait([run])
        taken.append(time.perf_counter() - start)
        del run
    await asyncio.sleep(0.1)
    pools = ("MainThread", "asyncio", "finassist")  # they are there for good, and idle
    threads = [each for each in set(threading.enumerate()) - others if not each.name.startswith(pools)]
    gc.collect()
    locks = len(workflow.locks._locks)  # pyright: ignore[reportPrivateUsage]
    return taken, len(asyncio.all_tasks() - before) + len(threads) + len(set(get_active_runs()) - active) + locks


def long_session(turns: int) -> Row:
    """Processor time of the last ten turns of a session, next to that of turns ten to twenty."""
    with TemporaryDirectory(prefix="finassist-bench-") as folder:
        workflow = FinancialAssistantWorkflow(db=Path(folder) / "sessions.db", session_id="long")
        taken = [_turn(workflow, number) for number in range(turns)]
        workflow.close()
    early, late = taken[10:20], taken[-10:]
    return Row.of("CPU per turn", f"turns {turns - 9:,} to {turns:,} of a session", late, baseline=[median(early)] * 10)


def _turn(workflow: FinancialAssistantWorkflow, number: int) -> float:
    start = time.process_time()
    on_loop(workflow.arun([*QUESTIONS.values()][number % 2]))
    workflow.summariser.wait()
    return time.process_time() - start
