"""Runs one call of `arun_many()` or `across()`: from its questions to a ledger with an outcome for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final, Self
from uuid import uuid4

from finassist.batch.asking import Asker, LocalAsker, Outcome, Work
from finassist.batch.budget import Budget, Spending
from finassist.batch.estimate import Display, Progress
from finassist.batch.ledger import Ledger
from finassist.batch.records import OPEN, RECORDED, Result, choose_ledger, key_of, read_notes, read_results
from finassist.batch.source import Question, QuestionSource
from finassist.core.concurrency import settle
from finassist.core.errors import LedgerError, QuestionsFailed
from finassist.core.process import hush

type Tell = Callable[[Result], Awaitable[None]]
"""Receives each result as it is recorded; the batch waits for it."""

_LEFT_AT_ONCE: Final = 1_000
_INTERRUPTED: Final = "It was interrupted. Rerun the same call to resume."


@dataclass(kw_only=True)
class Runner:
    """One call: its questions, its limits, its ledger, and how far it is.

    Attributes:
        work: What is done with each question.
        source: The questions; `None` to ask again what failed in a ledger.
        concurrency: How many are asked at the same time.
        budget: What may be used.
        ledger: The file that the user wants; by default one in the user's data folder.
        resume: Whether to resume a ledger that was begun.
        client: The Dask client whose workers ask, if they are not asked in this process.
        open_display: Opens what shows progress, if anything does.
    """

    work: Work
    source: QuestionSource | None
    concurrency: int
    budget: Budget = field(default_factory=Budget)
    ledger: Path | None = None
    resume: bool = True
    client: Any = None
    open_display: Callable[[], Display | None] = lambda: None
    _spending: Spending = field(init=False)
    _counted: Progress | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._spending = Spending(self.budget)

    @property
    def progress(self) -> Progress | None:
        """How far it is; `None` until its ledger is open."""
        if self._counted is None:
            return None
        used = self._spending
        cost = None if used.unpriced else used.dollars
        return replace(self._counted, tokens=used.tokens, cost=cost, elapsed=monotonic() - used.started)

    def retrying(self, path: Path) -> Self:
        """The same call, to ask again what failed in a ledger."""
        return replace(self, source=None, ledger=path)

    async def run(self, tell: Tell | None = None) -> Path:
        """Answer all questions; returns the path of the ledger.

        Args:
            tell: Receives every result, at first those that the ledger has already.

        Raises:
            LedgerError: The ledger cannot be used. Recorded answers are safe.
            QuestionsFailed: The iterable of questions raised an error, and results are streamed; else `left` names it.
        """
        if self.source is None:
            return await self._retry()
        try:
            call = self.work.call
            key = key_of(call, await self.source.fingerprint())
            home = self.work.runtime.settings.home
            path, finished = await asyncio.to_thread(choose_ledger, home, self.ledger, key, self.resume)
            if finished:
                await _tell_all(tell, path, RECORDED)
            else:
                notes = {"id": str(uuid4()), "key": key, "call": call, "total": self.source.total}
                await self._write(path, notes, tell)
            return path
        finally:
            await self.source.close()

    async def _retry(self) -> Path:
        assert self.ledger is not None
        reason = (await asyncio.to_thread(read_notes, self.ledger)).get("reason", "")
        await self._write(self.ledger, {}, None, reason)
        return self.ledger

    async def _write(self, path: Path, notes: dict[str, Any], tell: Tell | None, reason: str = "") -> None:
        ledger, ending = await asyncio.to_thread(Ledger, path, notes), _INTERRUPTED
        total = self.source.total if self.source else ledger.notes.get("total")
        self._counted = Progress(total=total)
        try:
            ending = await self._answer(ledger, tell) or reason
        finally:
            await ledger.settle()
            closing = asyncio.create_task(asyncio.to_thread(_close, ledger, ending, total))
            await settle(closing)
            self._counted = replace(self._counted, status="stopped" if ending else "completed")
        closing.result()
        await _tell_all(tell, path, OPEN)

    async def _answer(self, ledger: Ledger, tell: Tell | None) -> str:
        """Answer the questions; why it stopped before the last of them, or `""`."""
        longest = self.work.runtime.settings.max_question_length
        source = self.source
        if source is None:
            await ledger.write(ledger.reopen_failed)
            source = QuestionSource.recorded(await ledger.write(lambda: ledger.in_state("again")), longest)
        counts = await ledger.write(ledger.counts)
        for failed in (False, True):
            self._count(counts.get("failed" if failed else "completed", 0), failed, before=True)
        await _tell_all(tell, ledger.path, RECORDED)
        suspects = QuestionSource.recorded(await ledger.write(lambda: ledger.in_state("alone")), longest)

        async def recorded(question: Question, failed: bool) -> None:
            self._count(1, failed)
            await _tell_all(tell, ledger.path, f"WHERE q.ordinal = {question.ordinal}")

        async with self._asker(source.total) as asker:
            pool = _Pool(source, asker, ledger, recorded)
            await pool.run(suspects)
        if pool.error and tell:
            raise pool.error
        if pool.stopped and self.source and self.source.total is not None and not pool.error:
            await _leave(self.source, ledger)
        return pool.stopped

    def _count(self, many: int, failed: bool, *, before: bool = False) -> None:
        done = self._counted or Progress()
        self._counted = replace(
            done,
            before=done.before + many * before,
            completed=done.completed + many * (not failed),
            failed=done.failed + many * failed,
        )

    @asynccontextmanager
    async def _asker(self, total: int | None) -> AsyncGenerator[Asker]:
        if self.client is None:
            yield LocalAsker(self.work, self._spending, self.concurrency)
        else:
            from finassist.batch.dask import asker_on

            async with asker_on(self.client, self.work, self._spending, self.concurrency, total) as asker:
                yield asker


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
        ledger: Ledger,
        recorded: Callable[[Question, bool], Awaitable[None]],
    ) -> None:
        self._source, self._asker, self._ledger, self._recorded = source, asker, ledger, recorded
        self._under_way: dict[bytes, asyncio.Future[None]] = {}
        self._reading = asyncio.Lock()
        self.stopped = ""
        self.error: QuestionsFailed | None = None

    async def run(self, suspects: QuestionSource) -> None:
        """Answer all questions; first, one by one, those that may have ended the process before.

        Raises:
            LedgerError: The ledger could not be written, or is of other questions.
        """
        hush()
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
            states = await self._ledger.write(lambda: [self._ledger.begin(each) for each in questions])
            begun = list(zip(questions, states, strict=True))
            for question, state in begun:
                if state in ("completed", "failed"):
                    await self._recorded(question, state == "failed")
            asked = [question for question, state in begun if state == "begun"]
            if asked:
                await self._record(asked, await self._asker.ask([each.text or "" for each in asked]))
        finally:
            for question in questions:
                self._under_way.pop(question.digest).set_result(None)

    async def _record(self, asked: list[Question], outcomes: Sequence[Outcome]) -> None:
        pairs = list(zip(asked, outcomes, strict=True))
        await self._ledger.write(lambda: [self._ledger.record(each.ordinal, outcome) for each, outcome in pairs])
        for question, outcome in pairs:
            if outcome.unasked:
                self.stopped = self.stopped or str(outcome.message)
            else:
                await self._recorded(question, outcome.error is not None)


async def _tell_all(tell: Tell | None, path: Path, where: str) -> None:
    if tell is not None:
        for result in read_results(path, where):
            await tell(result)


async def _leave(source: QuestionSource, ledger: Ledger) -> None:
    """Note the questions that are left, so that the batch has a row for each."""
    rows: list[Question] = []
    while (question := await source.next()) is not None:
        rows.append(question)
        if len(rows) == _LEFT_AT_ONCE:
            await ledger.write(lambda some=rows: ledger.leave(some))
            rows = []
    await ledger.write(lambda: ledger.leave(rows))


def _close(ledger: Ledger, reason: str, total: int | None) -> None:
    try:
        ledger.transaction(lambda: ledger.finish("stopped" if reason else "completed", reason, total))
    except LedgerError:
        if not reason:
            raise  # a batch that could not record that it is complete is not; one that stopped has said why
    finally:
        ledger.close()
