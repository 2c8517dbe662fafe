"""Runs one call of `arun_many()` or `across()`: from its questions to a ledger with an outcome for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol, Self
from uuid import uuid4

from finassist.batch.asking import Asker, LocalAsker, Work
from finassist.batch.budget import Budget, Spending
from finassist.batch.estimate import Display, Progress
from finassist.batch.ledger import Ledger, LedgerWriter
from finassist.batch.ledger_format import OPEN, RECORDED, choose_ledger, key_of, read_notes
from finassist.batch.result import MakeAnswer, Outcome, Result, read_results
from finassist.batch.source import Question, QuestionSource
from finassist.core.concurrency import settle
from finassist.core.errors import LedgerError, LedgerMismatch, QuestionsFailed
from finassist.core.process import hush

type Tell[A] = Callable[[Result[A]], Awaitable[None]]
"""Receives each result as it is recorded; the batch waits for it."""

TICK: Final = 0.05
"""Seconds between two looks at the clock: often enough for a kernel to notice an interrupt."""

_DRAWN_EVERY, _LEFT_AT_ONCE = 2, 1_000
_INTERRUPTED: Final = "It was interrupted. Rerun the same call to resume."


class Cluster(Protocol):
    """Other processes that can answer questions."""

    def asker(self, spending: Spending, concurrency: int, total: int | None) -> AbstractAsyncContextManager[Asker]:
        """Asks there; on leaving, what is under way is cancelled."""
        ...


@dataclass(kw_only=True)
class Runner[A]:
    """One call: its questions, limits, ledger and display.

    Attributes:
        work: What is done with each question.
        make_answer: Makes an answer of what a ledger has.
        source: The questions; `None` to ask again what failed in a ledger.
        concurrency: How many are asked at the same time.
        budget: What may be used.
        ledger: The file that the user wants; by default one in the user's data folder.
        resume: Whether to go on with a ledger that was begun.
        cluster: Where questions are asked, if not in this process.
        open_display: Opens what shows progress, if anything does.
        display: What shows the progress of this call.
    """

    work: Work
    make_answer: MakeAnswer[A]
    source: QuestionSource | None
    concurrency: int
    budget: Budget = field(default_factory=Budget)
    ledger: Path | None = None
    resume: bool = True
    cluster: Cluster | None = None
    open_display: Callable[[], Display | None] = lambda: None
    display: Display | None = None
    _progress: Progress = field(default_factory=Progress)
    _started: float = field(default_factory=monotonic)
    _tell: Callable[[str], Awaitable[None]] | None = None

    async def run(self, tell: Tell[A] | None = None) -> Path:
        """Answer all questions; returns the path of the ledger.

        Args:
            tell: Receives every result, at first those that the ledger has already.

        Raises:
            LedgerError: The ledger cannot be used. What was recorded is kept.
            QuestionsFailed: The questions ended with an error, and results are told; a batch says so in its `left`.
        """
        if self.source is None:
            return await self._retry()
        try:
            call = self.work.call
            key = key_of(call, await self.source.fingerprint())
            home = self.work.runtime.settings.home
            path, finished = await asyncio.to_thread(choose_ledger, home, self.ledger, key, self.resume)
            if finished:
                self._tell_through(tell, path, str(read_notes(path).get("id", "")))
                await self._tell_rows(RECORDED)
                return path
            notes = {"id": str(uuid4()), "key": key, "call": call, "total": self.source.total}
            await self._write(path, notes, tell)
            return path
        finally:
            await self.source.close()

    def retrying(self, path: Path) -> Self:
        """The same call, to ask again what failed in a ledger."""
        return replace(
            self, source=None, ledger=path, display=self.open_display(), _progress=Progress(), _started=monotonic()
        )

    async def _retry(self) -> Path:
        assert self.ledger is not None
        reason = (await asyncio.to_thread(read_notes, self.ledger)).get("reason", "")
        await self._write(self.ledger, {}, None, reason)
        return self.ledger

    # ------------------------------------------------------------------------------------- answering

    async def _write(self, path: Path, notes: dict[str, Any], tell: Tell[A] | None, reason: str = "") -> None:
        ledger = await asyncio.to_thread(Ledger, path, notes)
        writer, ending = LedgerWriter(ledger), _INTERRUPTED
        total = self.source.total if self.source else ledger.notes.get("total")
        try:
            self._tell_through(tell, path, str(ledger.notes.get("id", "")))
            ending = await self._answer(writer, total) or reason
        finally:
            await writer.settle()
            closing = asyncio.create_task(asyncio.to_thread(_close, ledger, ending, total))
            await settle(closing)
            self._show(last="stopped" if ending else "completed")
        closing.result()
        await self._tell_rows(OPEN)

    async def _answer(self, writer: LedgerWriter, total: int | None) -> str:
        """Answer the questions; why it stopped before the last of them, or `""`."""
        source = self.source or await self._failed(writer)
        counts = await writer.write(lambda ledger: ledger.counts())
        completed, failed = counts.get("completed", 0), counts.get("failed", 0)
        self._progress = Progress(total=total, before=completed + failed, completed=completed, failed=failed)
        await self._tell_rows(RECORDED)
        async with self._asker(source.total) as asker:
            pool = _Pool(source, asker, writer, self._deliver, self.work.runtime.settings.max_question_length)
            await self._watched(pool)
        if pool.error and self._tell:
            raise pool.error
        if pool.stopped and self.source and self.source.total is not None and not pool.error:
            await _leave(self.source, writer)
        return pool.stopped

    @asynccontextmanager
    async def _asker(self, total: int | None) -> AsyncGenerator[Asker]:
        spending = Spending(self.budget)
        if self.cluster is None:
            yield LocalAsker(self.work, spending, self.concurrency)
        else:
            async with self.cluster.asker(spending, self.concurrency, total) as asker:
                yield asker

    async def _failed(self, writer: LedgerWriter) -> QuestionSource:
        await writer.write(lambda ledger: ledger.reopen_failed())
        rows = await writer.write(lambda ledger: ledger.in_state("again"))
        return QuestionSource.recorded(rows, self.work.runtime.settings.max_question_length)

    # --------------------------------------------------------------------------------------- showing

    async def _watched(self, pool: _Pool) -> None:
        """Run the pool; beside it, wake the loop regularly and draw."""
        ticker = asyncio.create_task(self._tick(), name="finassist-ticker")
        try:
            await pool.run()
        finally:
            ticker.cancel()
            await settle(ticker)

    async def _tick(self) -> None:
        while True:
            for _ in range(_DRAWN_EVERY):
                await asyncio.sleep(TICK)
            self._show()

    def _show(self, last: str = "") -> None:
        self._progress = replace(self._progress, elapsed=monotonic() - self._started, status=last or "running")
        if self.display is not None:
            (self.display.finish if last else self.display.show)(self._progress)

    async def _deliver(self, question: Question, outcome: Outcome) -> None:
        self._progress = self._progress.after(outcome)
        await self._tell_rows(f"WHERE q.ordinal = {question.ordinal}")

    def _tell_through(self, tell: Tell[A] | None, path: Path, batch: str) -> None:
        async def tell_rows(where: str) -> None:
            for result in read_results(path, batch, self.make_answer, where):
                await tell(result)  # type: ignore[misc]  # pyright: ignore[reportOptionalCall]

        self._tell = tell_rows if tell else None

    async def _tell_rows(self, where: str) -> None:
        if self._tell is not None:
            await self._tell(where)


class _Pool:
    """A fixed number of workers, each with one chunk of questions at a time; in this process a chunk is one question.

    Attributes:
        stopped: Why it stopped before the last question, or `""`.
        error: The error of the questions themselves, if there was one.
    """

    def __init__(
        self,
        source: QuestionSource,
        asker: Asker,
        writer: LedgerWriter,
        deliver: Callable[[Question, Outcome], Awaitable[None]],
        longest: int,
    ) -> None:
        self._source, self._asker, self._writer, self._deliver = source, asker, writer, deliver
        self._longest = longest
        self._under_way: dict[bytes, asyncio.Future[None]] = {}
        self._reading = asyncio.Lock()
        self.stopped = ""
        self.error: QuestionsFailed | None = None

    async def run(self) -> None:
        """Answer all questions; first, one by one, those that may have ended the process before.

        Raises:
            LedgerError: The ledger could not be written, or is of other questions.
        """
        hush()
        rows = await self._writer.write(lambda ledger: ledger.in_state("alone"))
        suspects = QuestionSource.recorded(rows, self._longest)
        while not self.stopped and (suspect := await suspects.next()):
            await self._ask_when_free(suspect)
        error: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._asker.calls, self._source.total or self._asker.calls)):
                    group.create_task(self._work(), name="finassist-worker")
        except* Exception as failed:  # noqa: BLE001  one cause, that many workers may have met; raised below
            error = failed.exceptions[0]
        if error is not None:
            raise error

    async def _work(self) -> None:
        while chunk := await self._next_chunk():
            first = [question for question in chunk if self._claim(question)]
            await self._ask(first)
            for question in chunk:
                if question not in first:
                    await self._ask_when_free(question)

    async def _next_chunk(self) -> list[Question]:
        chunk: list[Question] = []
        async with self._reading:
            while not self.stopped and len(chunk) < self._asker.chunk:
                try:
                    question = await self._source.next()
                except QuestionsFailed as error:
                    self.stopped, self.error = str(error), error
                    break
                if question is None:
                    break
                chunk.append(question)
        return chunk

    def _claim(self, question: Question) -> bool:
        """Whether no identical question is under way; if so, this one is from now on."""
        if question.digest in self._under_way:
            return False
        self._under_way[question.digest] = asyncio.get_running_loop().create_future()
        return True

    async def _ask_when_free(self, question: Question) -> None:
        while not self._claim(question):
            await asyncio.wait([self._under_way[question.digest]])
        await self._ask([question])

    async def _ask(self, questions: list[Question]) -> None:
        """Ask questions that are claimed, except for those that the ledger has an outcome for."""
        try:
            begun = await self._writer.write(lambda ledger: [ledger.begin(each) for each in questions])
            for question, state in zip(questions, begun, strict=True):
                if isinstance(state, LedgerMismatch):
                    raise state
                if isinstance(state, Outcome):
                    await self._deliver(question, state)
            asked = [question for question, state in zip(questions, begun, strict=True) if state is True]
            if asked:
                await self._record(asked, await self._asker.ask([each.text or "" for each in asked]))
        finally:
            for question in questions:
                self._under_way.pop(question.digest).set_result(None)

    async def _record(self, asked: list[Question], outcomes: Sequence[Outcome]) -> None:
        pairs = list(zip(asked, outcomes, strict=True))
        await self._writer.write(lambda ledger: [ledger.record(each.ordinal, outcome) for each, outcome in pairs])
        for question, outcome in pairs:
            if outcome.unasked:
                self.stopped = self.stopped or str(outcome.message)
            else:
                await self._deliver(question, outcome)


async def _leave(source: QuestionSource, writer: LedgerWriter) -> None:
    """Note the questions that are left, so that the batch has a row for each."""
    rows: list[Question] = []
    while (question := await source.next()) is not None:
        rows.append(question)
        if len(rows) == _LEFT_AT_ONCE:
            await writer.write(partial(Ledger.leave, questions=rows))
            rows = []
    await writer.write(partial(Ledger.leave, questions=rows))


def _close(ledger: Ledger, reason: str, total: int | None) -> None:
    try:
        ledger.finish("stopped" if reason else "completed", reason, total)
    except LedgerError:
        if not reason:
            raise  # a batch that could not record that it is complete is not; one that stopped has said why
    finally:
        ledger.close()
