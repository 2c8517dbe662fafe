"""One call of `arun_many()` or `across()`, from its questions to its batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol
from uuid import uuid4

from finassist.apps.live.batch_progress import open_display
from finassist.batch.asking import Asker, Asks
from finassist.batch.batch import Batch
from finassist.batch.budget import Budget, Spending
from finassist.batch.dispatch import Dispatcher
from finassist.batch.intake import Intake, Question, Reasked
from finassist.batch.ledger import Ledger
from finassist.batch.pool import Pool
from finassist.batch.progress import Display, Progress
from finassist.batch.results import Outcome, Result, answer_of
from finassist.batch.scribe import Scribe
from finassist.batch.sharing import Sharing
from finassist.batch.shelf import choose, key_of, notes_of
from finassist.batch.work import Work
from finassist.core.errors import LedgerError
from finassist.core.tasks import settle

type Tell = Callable[[Result], Awaitable[None]]

TICK: Final = 0.05
"""Seconds between two looks: often enough for a kernel to notice an interrupt."""

_DRAWN_EVERY, _LEFT_AT_ONCE = 2, 1_000
_RECORDED, _OPEN = "WHERE q.state IN ('completed', 'failed')", "WHERE q.state NOT IN ('completed', 'failed')"
_INTERRUPTED: Final = "It was interrupted. Make the same call again to go on."


class Cluster(Protocol):
    """Processes elsewhere that questions can be asked in."""

    def dispatcher(
        self, spending: Spending, concurrency: int, total: int | None
    ) -> AbstractAsyncContextManager[Dispatcher]:
        """Somebody who asks there, within a budget."""
        ...


@dataclass(kw_only=True)
class Job:
    """One call: its questions, its limits, its ledger and whoever watches.

    Attributes:
        work: What is done with each question.
        intake: The questions; `None` where only a ledger has them.
        concurrency: How many are asked at the same time.
        budget: What may be used.
        ledger: The file the user wants; by default one in the user's data folder.
        resume: Whether a ledger that was begun is gone on with.
        live: Whether to show how far it is.
        display: Who shows it.
        cluster: Where questions are asked, if not here.
    """

    work: Work
    intake: Intake | None
    concurrency: int
    budget: Budget = field(default_factory=Budget)
    ledger: Path | None = None
    resume: bool = True
    live: bool | None = None
    display: Display | None = None
    cluster: Cluster | None = None
    _progress: Progress = field(default_factory=Progress)
    _started: float = field(default_factory=monotonic)
    _tell: Tell | None = None
    _batch: Batch | None = None

    async def run(self, tell: Tell | None = None) -> Batch:
        """Answer all questions. With `tell`, every result is told: at first those that the ledger has already.

        Raises:
            LedgerError: The ledger cannot be used. What was recorded is kept.
            QuestionsFailed: The questions ended with an error, and somebody is told; a batch says so in its `left`.
        """
        assert self.intake is not None
        self._tell = tell
        try:
            key = key_of(self.work.call, await self.intake.fingerprint())
            path, finished = await asyncio.to_thread(
                choose, self.work.runtime.settings.home, self.ledger, key, self.resume
            )
            if finished:
                return await self._read_back(path)
            notes = {"id": str(uuid4()), "key": key, "call": self.work.call, "total": self.intake.total}
            return await self._write(path, notes, self.intake)
        finally:
            await self.intake.close()

    def anew(self) -> Job:
        """The same limits, for questions that the ledger has."""
        display = open_display(self.live)
        return Job(
            work=self.work,
            intake=None,
            concurrency=self.concurrency,
            budget=self.budget,
            live=self.live,
            display=display,
            cluster=self.cluster,
        )

    async def again(self, path: Path) -> Batch:
        """Ask once more what failed in a ledger."""
        reason = (await asyncio.to_thread(notes_of, path)).get("reason", "")
        return await self._write(path, {}, None, reason)

    async def _read_back(self, path: Path) -> Batch:
        self._batch = Batch(path, self)
        await self._tell_recorded(_RECORDED)
        return self._batch

    # ------------------------------------------------------------------------------------- answering

    async def _write(self, path: Path, notes: dict[str, Any], intake: Intake | None, reason: str = "") -> Batch:
        ledger = await asyncio.to_thread(Ledger.open, path, notes)
        scribe, ending = Scribe(ledger), _INTERRUPTED
        self._batch = Batch(path, self)
        try:
            ending = await self._answer(scribe, intake) or reason
        finally:
            await scribe.settle()
            total = intake.total if intake else ledger.notes.get("total")
            closing = asyncio.create_task(asyncio.to_thread(_close, ledger, ending, total))
            await settle(closing)
            self._show(last="stopped" if ending else "completed")
        closing.result()
        await self._tell_recorded(_OPEN)
        return self._batch

    async def _answer(self, scribe: Scribe, intake: Intake | None) -> str:
        """Answer the questions; why it stopped before the last of them, or `""`."""
        questions = intake or await self._failed(scribe)
        counts = await scribe.write(lambda ledger: ledger.counts())
        completed, failed = counts.get("completed", 0), counts.get("failed", 0)
        total = intake.total if intake else scribe.ledger.notes.get("total")
        self._progress = Progress(total=total, before=completed + failed, completed=completed, failed=failed)
        await self._tell_recorded(_RECORDED)
        async with self._asker(questions.total) as (asker, concurrency):
            pool = Pool(questions, asker, scribe, self._deliver, concurrency)
            await self._watched(pool)
        if pool.error and self._tell:
            raise pool.error
        if pool.stopped and intake is not None and intake.total is not None and not pool.error:
            await _leave(intake, scribe)
        return pool.stopped

    @asynccontextmanager
    async def _asker(self, total: int | None) -> AsyncGenerator[tuple[Asks, int]]:
        """Who asks, and how many questions at the same time: here, or on a cluster."""
        spending = Spending(self.budget)
        if self.cluster is None:
            work = self.work
            asker = Asker(work, Sharing(work.runtime.provider), spending)
            yield asker, self.concurrency
        else:
            async with self.cluster.dispatcher(spending, self.concurrency, total) as dispatcher:
                yield dispatcher, dispatcher.plan.in_flight

    async def _failed(self, scribe: Scribe) -> Reasked:
        await scribe.write(lambda ledger: ledger.ask_failed_again())
        return Reasked(
            await scribe.write(lambda ledger: ledger.in_state("again")), self.work.runtime.settings.max_question_length
        )

    async def _watched(self, pool: Pool) -> None:
        """Run the pool; beside it, the loop wakes regularly, and what is shown is drawn."""
        ticker = asyncio.create_task(self._tick(), name="finassist-ticker")
        try:
            await pool.run()
        finally:
            ticker.cancel()
            await settle(ticker)

    # --------------------------------------------------------------------------------------- telling

    async def _tick(self) -> None:
        while True:
            for _ in range(_DRAWN_EVERY):
                await asyncio.sleep(TICK)
            self._show()

    def _show(self, last: str = "") -> None:
        self._progress = replace(self._progress, elapsed=monotonic() - self._started, status=last or "running")
        if self.display is None:
            return
        (self.display.finish if last else self.display.show)(self._progress)

    async def _deliver(self, question: Question, outcome: Outcome, attempts: int) -> None:
        self._progress = self._progress.after(outcome)
        if self._tell is None or self._batch is None:
            return
        if outcome.copied:
            await self._tell_recorded(f"WHERE q.ordinal = {question.ordinal}")
        else:
            await self._tell(result_of(self._batch.id, question, outcome, attempts))

    async def _tell_recorded(self, where: str) -> None:
        if self._tell is not None and self._batch is not None:
            for result in self._batch.results(where):
                await self._tell(result)


def result_of(batch: str, question: Question, outcome: Outcome, attempts: int) -> Result:
    """The result of a question that was asked just now."""
    draft = outcome.opened()
    return Result(
        ordinal=question.ordinal,
        question=question.given,
        status="completed" if draft else "failed",
        answer=answer_of(batch, question.ordinal, question.given, draft, outcome.latency) if draft else None,
        category=draft.category if draft else None,
        symbols=draft.symbols if draft else (),
        error=outcome.error,
        message=outcome.message,
        latency=outcome.latency,
        tokens=outcome.tokens,
        cost=outcome.cost,
        calls=outcome.calls,
        attempts=attempts,
    )


async def _leave(intake: Intake, scribe: Scribe) -> None:
    """Note the questions that are left, so that the batch has a row for each."""
    rows: list[tuple[int, str, bytes]] = []
    while (question := await intake.next()) is not None:
        rows.append((question.ordinal, question.given, question.digest))
        if len(rows) == _LEFT_AT_ONCE:
            await scribe.write(partial(Ledger.leave, questions=rows))
            rows = []
    await scribe.write(partial(Ledger.leave, questions=rows))


def _close(ledger: Ledger, reason: str, total: int | None) -> None:
    try:
        ledger.finish("stopped" if reason else "completed", reason, total)
    except LedgerError:
        if not reason:
            raise  # a batch that could not say that it is complete is not; one that stopped has said why
    finally:
        ledger.close()
