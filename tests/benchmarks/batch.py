"""Many questions, measured: how many a second, processor time, memory, and what is left after five kills.

Every question is about another company, so nothing is shared, and a model routes each. A plain aiohttp client that
waits as long as the model and asks the same server for the same things, as many at a time, is the floor.

    python -m tests.benchmarks.batch [--quick]       these rows alone
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import linear_regression
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

from finassist.batch.records import Result
from finassist.workflow import FinancialAssistantWorkflow
from tests.benchmarks.cases import on_loop
from tests.benchmarks.live import Desk, desk, resident
from tests.benchmarks.results import Row, table
from tests.benchmarks.server import LocalServer
from tests.benchmarks.victim import Survival, symbols

CONCURRENCIES = (25, 50, 100, 200)
PER_SECOND, CPU, MEGABYTES, ACROSS = 120.0, 8.0, 1.0, 1_000.0
COMPANIES, KILLS = 500, 5
_MEASURED_AT, _SETTLED = 20, 0.2


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many questions each measurement asks; that of throughput for each that may be asked at the same time."""

    throughput: int
    memory: int
    survival: int
    rounds: int


QUICK, FULL = Sizes(2, 500, 500, 1), Sizes(10, 10_000, 10_000, 3)


def measure(model_delay: float, data_delay: float, sizes: Sizes) -> list[Row]:
    """All rows about batches."""
    with TemporaryDirectory(prefix="finassist-bench-", ignore_cleanup_errors=True) as folder:
        with LocalServer(data_delay) as server, desk(server, model_delay=model_delay, routing="model") as at:
            rows = throughput(at, Path(folder), model_delay, sizes)
        with LocalServer(0) as server, desk(server, routing="rules") as at:
            rows += memory(at, Path(folder), sizes.memory)
        rows.append(across(Path(folder), sizes.rounds))
        rows.append(survival(Path(folder), sizes.survival))
    return rows


@dataclass(frozen=True, slots=True)
class Taken:
    """What a number of reports took: reports a second, and seconds of processor time each."""

    rate: float
    processor: float


def throughput(at: Desk, folder: Path, wait: float, sizes: Sizes) -> list[Row]:
    """Reports a second at several concurrencies; at the best of them, processor time of each."""
    companies = symbols(sizes.throughput * max(CONCURRENCIES))
    on_loop(_batch(at, folder, companies[:50], 50))
    rows: list[Row] = []
    best: tuple[list[Taken], list[Taken]] | None = None
    for many in CONCURRENCIES:
        asked = companies[: sizes.throughput * many]  # so many that beginning and end weigh the same in each
        pairs = [_pair(at, folder, asked, many, wait) for _ in range(sizes.rounds)]
        mine, plain = ([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        rows.append(_rate(f"batch of {len(asked):,} reports, {many} at once", mine, plain))
        if best is None or max(each.rate for each in mine) > max(each.rate for each in best[0]):
            best = (mine, plain)
    assert best
    return [*rows, _rate("batch, at the best of these", *best, bound=PER_SECOND), _processor(*best)]


def _rate(name: str, mine: list[Taken], plain: list[Taken], bound: float | None = None) -> Row:
    return Row.of(
        name, "model routes, local server", [each.rate for each in mine], baseline=[each.rate for each in plain],
        bound=bound, bound_text="at least" if bound else "", unit="reports/s", at_least=True,
    )  # fmt: skip


def _processor(mine: list[Taken], plain: list[Taken]) -> Row:
    return Row.of(
        "CPU per report of a batch", "model routes, local server", [each.processor for each in mine],
        baseline=[each.processor for each in plain], bound=CPU,
    )  # fmt: skip


def _pair(at: Desk, folder: Path, asked: list[str], many: int, wait: float) -> tuple[Taken, Taken]:
    return (
        _taken(lambda: _batch(at, folder, asked, many), len(asked)),
        _taken(lambda: _floor(at, asked, many, wait), len(asked)),
    )


def _taken(work: Callable[[], Coroutine[Any, Any, None]], many: int) -> Taken:
    start, busy = time.perf_counter(), time.process_time()
    on_loop(work())
    return Taken(many / (time.perf_counter() - start), (time.process_time() - busy) / many)


async def _batch(at: Desk, folder: Path, asked: list[str], many: int) -> None:
    questions = (f"Tell me about ${symbol}" for symbol in asked)
    batch = await at.workflow.arun_many(questions, concurrency=many, ledger=_fresh(folder), live=False)
    if batch.status != "completed" or len(batch.failures):
        raise RuntimeError(f"The bench's batch did not complete, so it measures nothing. {batch!r}")
    batch.ledger.unlink()


async def _floor(at: Desk, asked: list[str], many: int, wait: float) -> None:
    slots = asyncio.Semaphore(many)

    async def one(symbol: str) -> None:
        async with slots:
            await at.floor([symbol], wait)

    async with asyncio.TaskGroup() as group:
        for symbol in asked:
            group.create_task(one(symbol))


def memory(at: Desk, folder: Path, reports: int) -> list[Row]:
    """How much memory grows over a thousand reports of one batch, their results read one by one; Linux only."""
    if not Path("/proc/self/statm").exists():
        return []
    counts, sizes = on_loop(_sizes(at, folder, reports))
    first = int(len(counts) * _SETTLED)
    slope, _ = linear_regression(counts[first:], sizes[first:])
    judged = reports >= FULL.memory  # over fewer, the figures that are kept for sharing still fill
    row = Row.of(
        f"memory per 1,000 reports of a batch of {reports:,}", "rules, local server", [slope * 1000],
        bound=MEGABYTES if judged else None, bound_text="flat" if judged else "", unit="MB",
    )  # fmt: skip
    return [row]


async def _sizes(at: Desk, folder: Path, reports: int) -> tuple[list[int], list[float]]:
    counts: list[int] = []
    sizes: list[float] = []
    done = 0
    questions = (f"Tell me about ${symbol}" for symbol in symbols(reports))
    results = at.workflow.arun_many(questions, concurrency=50, ledger=_fresh(folder), live=False, stream=True)
    async with aclosing(cast("AsyncGenerator[Result]", results)) as told:
        async for _ in told:
            done += 1
            if done % max(reports // _MEASURED_AT, 1) == 0:
                counts.append(done)
                sizes.append(resident())
    return counts, sizes


def across(folder: Path, rounds: int) -> Row:
    """One need over many companies, most of which have no embedded figures and say so."""
    workflow = FinancialAssistantWorkflow(db=None, provider="embedded")
    companies = symbols(COMPANIES)
    workflow.across(companies[:10], "income_statement", ledger=_fresh(folder), live=False)
    taken: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        workflow.across(companies, "income_statement", ledger=_fresh(folder), live=False)
        taken.append(time.perf_counter() - start)
    return Row.of(f"across {COMPANIES} companies", "embedded, no model", taken, bound=ACROSS)


def survival(folder: Path, count: int) -> Row:
    """A batch whose process is killed five times, and called again each time: how many questions are recorded."""
    killed = Survival(folder, count, concurrency=50)
    for moment in sorted(Random(count).sample(range(count // 20, count - count // 20), KILLS)):
        killed.call(kill_at=moment)
    killed.call()
    again = killed.asked().total() - count
    wrong = f"{again} asked again" if again > KILLS * killed.concurrency else ""
    return Row.of(
        f"answers of {count:,} questions after {KILLS} SIGKILLs", f"{again} asked again", [killed.recorded()],
        bound=count, bound_text="each one, once", unit="answers", at_least=True, broken=wrong,
    )  # fmt: skip


def _fresh(folder: Path) -> Path:
    return folder / f"{uuid4()}.db"


if __name__ == "__main__":
    print(table(measure(0.2, 0.05, QUICK if "--quick" in sys.argv else FULL)))
