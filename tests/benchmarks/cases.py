"""What is timed: whole answers, first events and first words, each next to the bare sleeps of its critical path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

from finassist.config.settings import Routing
from finassist.core.concurrency import bridge
from finassist.core.events import RunResponse
from finassist.workflow import FinancialAssistantWorkflow
from tests.benchmarks.fakes import SleepingModel, SleepingProvider
from tests.benchmarks.results import Row

type Timed = Callable[[], float]

REPORT, TICKER, CONCEPT = "Tell me about Apple", "$AAPL report", "What is EBITDA?"
WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the model (L) and the data source (F) take, in seconds."""

    model: float
    data: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """One timed thing: how it is timed, its critical path, and how much may come on top (milliseconds)."""

    name: str
    regime: str
    measure: Timed
    path: tuple[float, ...]
    allowed: float
    formula: str
    broken: Callable[[], str] = field(default=lambda: "")

    def row(self, seconds: Sequence[float], bare: Sequence[float]) -> Row:
        """Its row, once measured."""
        bound = round(sum(self.path) * 1000 + self.allowed, 1)
        return Row.of(
            self.name, self.regime, seconds,
            baseline=bare if self.path else (), bound=bound, bound_text=self.formula, broken=self.broken(),
        )  # fmt: skip


def measure(waits: Waits, rounds: int, *, quick: bool) -> list[Row]:
    """Every case, `rounds` times in turn, with sessions in memory and, unless `quick`, in a SQLite file."""
    with stores(quick=quick) as databases:
        cases = [case for regime, database in databases for case in _cases(waits, regime, database)]
        measured: list[list[float]] = [[] for _ in cases]
        bare: list[list[float]] = [[] for _ in cases]
        for turn in range(-WARM_UP, rounds):
            for case, seconds, slept in zip(cases, measured, bare, strict=True):
                took, waited = case.measure(), _sleeps(case.path)
                if turn >= 0:
                    seconds.append(took)
                    slept.append(waited)
        return [case.row(seconds, slept) for case, seconds, slept in zip(cases, measured, bare, strict=True)]


@contextmanager
def stores(*, quick: bool) -> Generator[list[tuple[str, Path | None]]]:
    """Where sessions are kept: in memory, and in a file that is deleted afterwards."""
    with TemporaryDirectory(prefix="finassist-bench-", ignore_cleanup_errors=True) as folder:
        in_memory: list[tuple[str, Path | None]] = [("in memory", None)]
        yield in_memory if quick else [*in_memory, ("SQLite file", Path(folder) / "sessions.db")]


class Bench:
    """A workflow between a sleeping model and a sleeping source, and the ways to time it.

    Every question begins a conversation of its own, so that none is summarised while the next is timed.
    """

    def __init__(self, waits: Waits, database: Path | None, routing: Routing, category: str = "report") -> None:
        self.model = SleepingModel(waits.model, category)
        self.workflow = FinancialAssistantWorkflow(
            model=self.model, provider=SleepingProvider(waits.data), db=database, routing=routing
        )

    def arun(self, question: str) -> float:
        """Time one answer, in seconds, with the async form."""

        async def ask() -> float:
            start = time.perf_counter()
            await self.workflow.arun(question, session_id=str(uuid4()))
            return time.perf_counter() - start

        return on_loop(ask())

    def run(self, question: str) -> float:
        """Time one answer, in seconds, with the sync form."""
        start = time.perf_counter()
        self.workflow.run(question, session_id=str(uuid4()))
        return time.perf_counter() - start

    def first(self, question: str, kind: str | None = None) -> float:
        """Time the first event, or the first one of that kind, in seconds."""

        async def listen() -> float:
            start = time.perf_counter()
            stream: AsyncIterator[RunResponse] = self.workflow.arun(question, stream=True, session_id=str(uuid4()))
            async with aclosing(cast(Any, stream)) as events:
                async for event in events:
                    if kind in (None, event.event):
                        return time.perf_counter() - start
            raise RuntimeError(f"The run ended without an event of the kind {kind}.")

        return on_loop(listen())

    def no_model_call(self) -> str:
        """What is wrong if the model was asked at all."""
        return f"{self.model.calls} model calls" if self.model.calls else ""


def on_loop[Result](work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on a loop that stays the same for the whole bench, as in a notebook."""
    results: list[Result] = []

    async def keep() -> None:
        results.append(await work)

    bridge.spawn(keep()).result()
    return results[0]


def _cases(waits: Waits, regime: str, database: Path | None) -> list[Case]:
    asked = Bench(waits, database, "model")
    chatting = Bench(waits, database, "model", category="chat")
    ruled, told = Bench(waits, database, "auto"), Bench(waits, database, "auto")
    model, data = waits.model, waits.data
    return [
        Case(name="arun() report, model routes", regime=regime, measure=lambda: asked.arun(REPORT),
             path=(model, data), allowed=20, formula="L + F + 20"),
        Case(name="arun() report, ticker and rules", regime=regime, measure=lambda: ruled.arun(TICKER),
             path=(data,), allowed=10, formula="F + 10, no model call", broken=ruled.no_model_call),
        Case(name="run() report, model routes", regime=regime, measure=lambda: asked.run(REPORT),
             path=(model, model, data), allowed=30, formula="2L + F + 30"),
        Case(name="first event", regime=regime, measure=lambda: asked.first(REPORT),
             path=(), allowed=5, formula=""),
        Case(name="first chat word, rules route", regime=regime, measure=lambda: told.first(CONCEPT, "RunContent"),
             path=(model,), allowed=60, formula="L + 60"),
        Case(name="first chat word, model routes", regime=regime,
             measure=lambda: chatting.first(CONCEPT, "RunContent"),
             path=(model, model), allowed=60, formula="2L + 60"),
    ]  # fmt: skip


def _sleeps(path: Sequence[float]) -> float:
    async def sleep() -> float:
        start = time.perf_counter()
        for seconds in path:
            await asyncio.sleep(seconds)
        return time.perf_counter() - start

    return on_loop(sleep())
