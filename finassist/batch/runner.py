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
from finassist.batch.records import OPEN, RECORDED, Result, choose_ledger, key_of, read_results
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
        source: The questions.
        concurrency: How many are asked at the same time.
        budget: What may be used.
        ledger: The file that the user wants; by default one in the user's data folder.
        resume: Whether to resume a ledger that was begun.
        client: The Dask client whose workers ask, if they are not asked in this process.
        open_display: Opens what shows progress, if anything does.
        again: Places of questions in the ledger that are asked again, where no others are asked.
        path: The ledger, once it is chosen.
    """

    work: Work
    source: QuestionSource
    concurrency: int
    budget: Budget = field(default_factory=Budget)
    ledger: Path | None = None
    resume: bool = True
    client: Any = None
    open_display: Callable[[], Display | None] = lambda: None
    again: Sequence[int] | None = None
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        self._spending = Spending(self.budget)
        self._counted: Progress | None = None

    @property
    def progress(self) -> Progress | None:
        """How far it is; `None` until its ledger is open."""
        if self._counted is None:
            return None
        used = self._spending
        cost = None if used.unpriced else used.dollars
        return replace(self._counted, tokens=used.tokens, cost=cost, elapsed=monotonic() - used.started)

    def retrying(self, path: Path, failed: Sequence[tuple[int, str]]) -> Self:
        """The same call, to ask again what failed in a ledger."""
        source = QuestionSource.recorded(failed, self._longest)
        return replace(self, source=source, ledger=path, again=[ordinal for ordinal, _ in failed])

    @property
    def _longest(self) -> int:
        return self.work.runtime.settings.max_question_length

    async def run(self, tell: Tell | None = None) -> Path:
        """Answer all questions; returns the path of the ledger.

        Args:
            tell: Receives every result, at first those that the ledger has already.

        Raises:
            LedgerError: The ledger cannot be used. Recorded answers are safe.
            QuestionsFailed: The iterable of questions raised an error, and results are streamed; else `left` names it.
        """
        try:
            notes, finished = await self._choose()
            if finished:
                await _tell_all(tell, self.path, RECORDED)
            else:
                await self._write(notes, tell)
        finally:
            await self.source.close()
        return self.path

    async def _choose(self) -> tuple[dict[str, Any], bool]:
        """Choose the ledger; what it is to say about the batch, and whether it is finished and only to be read."""
        if self.ledger is not None and self.again is not None:
            self.path = self.ledger
            return {}, False
        key = key_of(self.work.call, await self.source.fingerprint())
        home = self.work.runtime.settings.home
        self.path, finished = await asyncio.to_thread(choose_ledger, home, self.ledger, key, self.resume)
        return {"id": str(uuid4()), "key": key, "total": self.source.total}, finished

    async def _write(self, notes: dict[str, Any], tell: Tell | None) -> None:
        ledger, ending = await asyncio.to_thread(Ledger, self.path, notes), _INTERRUPTED
        retried = self.again is not None
        total = ledger.notes.get("total") if retried else self.source.total
        self._counted = Progress(total=total)
        try:
            ending = await self._answer(ledger, tell)
            if retried:
                ending = ending or ledger.notes.get("reason", "")
        finally:
            closing = asyncio.create_task(asyncio.to_thread(_close, ledger, ending, total))
            await settle(closing)
            self._counted = replace(self._counted, status="stopped" if ending else "completed")
        closing.result()
        await _tell_all(tell, self.path, OPEN)

    async def _answer(self, ledger: Ledger, tell: Tell | None) -> str:
        """Answer the questions; why it stopped before the last of them, or `""`."""
        await ledger.write(lambda: ledger.reopen(self.again or ()))
        for state, many in (await ledger.write(ledger.counts)).items():
            self._count(state, many, before=many)
        await _tell_all(tell, self.path, RECORDED)
        suspects = QuestionSource.recorded(await ledger.write(ledger.suspects), self._longest)

        async def recorded(question: Question, state: str) -> None:
            self._count(state)
            await _tell_all(tell, self.path, f"WHERE q.ordinal = {question.ordinal}")

        async with self._asker(self.source.total) as asker:
            pool = _Pool(self.source, asker, ledger, recorded)
            await pool.run(suspects)
        if pool.error and tell:
            raise pool.error
        if pool.stopped and not pool.error and self.again is None and self.source.total is not None:
            await _leave(self.source, ledger)
        return pool.stopped

    def _count(self, state: str, many: int = 1, before: int = 0) -> None:
        done = self._counted or Progress()
        if state == "completed":
            self._counted = replace(done, completed=done.completed + many, before=done.before + before)
        elif state == "failed":
            self._counted = replace(done, failed=done.failed + many, before=done.before + before)

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
        recorded: Callable[[Question, str], Awaitable[None]],
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
                    await self._recorded(question, state)
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
                await self._recorded(question, "failed" if outcome.error else "completed")


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
