"""Runs one call of `arun_many()` or `across()`: from its questions to a ledger with an outcome for each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol, Self
from uuid import uuid4

from finassist.batch.asking import Asker, LocalAsker, Outcome, Work
from finassist.batch.budget import Budget, Estimate, Spending, clock, dollars, estimate
from finassist.batch.ledger import Ledger, choose_ledger, key_of
from finassist.batch.records import OPEN, RECORDED, Result, read_results
from finassist.batch.source import Question, QuestionSource
from finassist.core.concurrency import in_thread, settle
from finassist.core.errors import LedgerError, LedgerMismatch, QuestionsFailed
from finassist.core.process import hush

type Tell = Callable[[Result], Awaitable[None]]
"""Receives each result as it is recorded; the batch waits for it."""

type Recorded = Callable[[Question, str], Awaitable[None]]

_INTERRUPTED: Final = "It was interrupted. Rerun the same call to resume."


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a batch is.

    Example:
        >>> progress = Progress(total=100, completed=20, elapsed=2.0)
        >>> progress.rate, progress.eta, str(progress)
        (10.0, 8.0, '20 of 100 · 10.0/s · 0:08 left')
    """

    total: int | None = None  # of an iterator
    before: int = 0  # recorded by earlier calls
    completed: int = 0  # those of earlier calls included
    failed: int = 0
    tokens: int = 0  # in this call
    cost: float | None = 0.0  # in dollars, in this call; `None` where a model has no known price
    elapsed: float = 0.0
    status: str = "running"  # or "completed", "stopped"

    @property
    def done(self) -> int:
        """Questions that are recorded."""
        return self.completed + self.failed

    @property
    def rate(self) -> float:
        """Questions a second, of those this call recorded."""
        return (self.done - self.before) / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds until the last one, at this rate; `None` where that is not known."""
        return (self.total - self.done) / self.rate if self.total is not None and self.rate else None

    def __str__(self) -> str:
        many = f"{self.done:,} of {self.total:,}" if self.total is not None else f"{self.done:,} done"
        parts = [many, f"{self.rate:,.1f}/s" if self.rate else ""]
        if self.status == "running":
            parts.append(f"{clock(self.eta)} left" if self.eta is not None else "")
        else:
            parts += [self.status, f"in {clock(self.elapsed)}"]
        parts += [f"{self.failed:,} failed" if self.failed else "", f"{self.tokens:,} tokens" if self.tokens else ""]
        parts.append(dollars(self.cost) if self.tokens else "")
        return " · ".join(part for part in parts if part)


class Display(Protocol):
    """Shows progress."""

    def show(self, progress: Progress) -> None:
        """Draw it; called no more often than ten times a second."""
        ...

    def finish(self, progress: Progress) -> None:
        """Draw it for the last time, as text that stays."""
        ...


@dataclass(kw_only=True)
class Runner:
    """One call: its questions, its limits, its ledger, and how far it is."""

    work: Work
    source: QuestionSource
    concurrency: int
    budget: Budget = field(default_factory=Budget)
    ledger: Path | None = None  # the file that the user wants
    resume: bool = True
    client: Any = None  # of Dask, where its workers ask the questions
    open_display: Callable[[], Display | None] = lambda: None
    again: Sequence[int] | None = None  # places in the ledger, where only these are asked again
    path: Path = field(init=False)  # of the ledger, once it is chosen

    def __post_init__(self) -> None:
        self._spending = Spending(self.budget)
        self._total, self._before, self._status = self.source.total, 0, ""
        self._done = Counter[str]()

    @property
    def progress(self) -> Progress | None:
        """How far it is; `None` until its ledger is open."""
        if not self._status:
            return None
        used, done = self._spending, {name: self._done[name] for name in ("completed", "failed")}
        spent: dict[str, Any] = {"tokens": used.tokens, "cost": used.cost, "elapsed": used.seconds}
        return Progress(total=self._total, before=self._before, status=self._status, **done, **spent)

    def retrying(self, path: Path, failed: Sequence[tuple[int, str]]) -> Self:
        """The same call, to ask again what failed in a ledger."""
        source = QuestionSource.recorded(failed, self.work.longest)
        return replace(self, source=source, ledger=path, again=[ordinal for ordinal, _ in failed])

    async def estimate(self) -> Estimate:
        """What it will take; nothing is asked."""
        return await estimate(self.work.runtime, self.source, self.concurrency)

    async def run(self, tell: Tell | None = None) -> Path:
        """Answer all questions, and `tell` every result, at first those that the ledger has already; its path.

        An error of the questions themselves is raised where results are streamed; else `left` of the batch names it.
        """
        try:
            notes, finished = await self._choose()
            if finished and self.source.total is not None:
                await self._tell_all(tell, RECORDED)
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
        ledger, reason, before = await self._open(notes), _INTERRUPTED, ""
        if self.again is not None:
            before, self._total = ledger.notes.get("reason", ""), ledger.notes.get("total")
        self._status = "running"
        try:
            reason = await self._answer(ledger, tell) or before
        finally:
            self._status = "stopped" if reason else "completed"
            await in_thread(_close, ledger, reason, self._total)
        await self._tell_all(tell, OPEN)

    async def _open(self, notes: dict[str, Any]) -> Ledger:
        """The ledger, locked. A call that is cancelled meanwhile gives it back."""
        opening = asyncio.create_task(asyncio.to_thread(Ledger, self.path, notes))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await settle(opening)
            if not opening.exception():
                await in_thread(_close, opening.result(), _INTERRUPTED, self._total)
            raise

    async def _answer(self, ledger: Ledger, tell: Tell | None) -> str:
        """Answer the questions; why it stopped before the last of them, or `""`."""
        await ledger.write(lambda: ledger.reopen(self.again or ()))
        counts, suspects = await ledger.write(lambda: (ledger.counts(), ledger.suspects()))
        self._done.update(counts)
        self._before = self._done["completed"] + self._done["failed"]
        await self._tell_all(tell, RECORDED)

        async def recorded(question: Question, state: str) -> None:
            self._done[state] += 1
            await self._tell_all(tell, f"WHERE q.ordinal = {question.ordinal}")

        async with self._asker() as asker:
            pool = _Pool(self.source, asker, ledger, recorded)
            await pool.run(QuestionSource.recorded(suspects, self.work.longest))
        if pool.error and tell:
            raise pool.error
        if self.again is None and not pool.stopped:
            self._check_all_asked(ledger)
        if pool.stopped and not pool.error and self.again is None and self.source.total is not None:
            left = [question async for question in self.source]
            await ledger.write(lambda: ledger.leave(left))
        return pool.stopped

    def _check_all_asked(self, ledger: Ledger) -> None:
        """Check that the ledger has no question beyond the last one."""
        if (many := sum(ledger.counts().values())) > self.source.read:
            raise LedgerMismatch(
                f"The ledger {self.path} has {many:,} questions, and {self.source.read:,} were given. Recorded answers "
                "are safe. Pass another path as ledger=, or the questions it was begun with."
            )

    async def _tell_all(self, tell: Tell | None, where: str) -> None:
        if tell is not None:
            for result in read_results(self.path, where):
                await tell(result)

    @asynccontextmanager
    async def _asker(self) -> AsyncGenerator[Asker]:
        if self.client is None:
            yield LocalAsker(self.work, self._spending, self.concurrency)
        else:
            from finassist.batch.dask import asker_on

            total = self.source.total
            async with asker_on(self.client, self.work, self._spending, self.concurrency, total) as asker:
                yield asker


def _close(ledger: Ledger, reason: str, total: int | None) -> None:
    try:
        ledger.transaction(lambda: ledger.finish("stopped" if reason else "completed", reason, total))
    except LedgerError:
        if not reason:
            raise  # a batch that could not record that it is complete is not; one that stopped has said why
    finally:
        ledger.close()


class _Pool:
    """A fixed number of workers, each with one chunk of questions at a time; in this process it is one question."""

    def __init__(self, source: QuestionSource, asker: Asker, ledger: Ledger, recorded: Recorded) -> None:
        self._source, self._asker, self._ledger, self._recorded = source, asker, ledger, recorded
        self._under_way: dict[bytes, asyncio.Future[None]] = {}
        self._reading = asyncio.Lock()
        self.stopped = ""  # why, before the last question
        self.error: QuestionsFailed | None = None

    async def run(self, suspects: QuestionSource) -> None:
        """Answer all questions; first, one by one, those that may have ended the process before."""
        hush()
        async for suspect in suspects:
            if not self.stopped:
                await self._ask_when_free(suspect)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._asker.calls, self._source.total or self._asker.calls)):
                    group.create_task(self._work(), name="finassist-worker")
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed  # one cause, that many workers may have met

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
            try:
                while not self.stopped and len(chunk) < self._asker.chunk:
                    chunk.append(await anext(self._source))
            except StopAsyncIteration:
                pass
            except QuestionsFailed as error:
                self.stopped, self.error = str(error), error
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
        ledger = self._ledger
        try:
            states = await ledger.write(lambda: [ledger.begin(each) for each in questions])
            begun = list(zip(questions, states, strict=True))
            for question, state in begun:
                if state in ("completed", "failed"):
                    await self._recorded(question, state)
            asked = [question for question, state in begun if state == "begun"]
            if asked:
                await self._record(asked, await self._outcomes(asked))
        finally:
            for question in questions:
                self._under_way.pop(question.digest).set_result(None)

    async def _outcomes(self, asked: list[Question]) -> Sequence[Outcome]:
        """What became of questions; of those that are broken off, the ledger keeps what they used."""
        try:
            return await self._asker.ask([each.text or "" for each in asked])
        except asyncio.CancelledError:
            used = [(each.ordinal, self._asker.broken_off(each.text or "")) for each in asked]
            known = [(ordinal, outcome) for ordinal, outcome in used if outcome]
            await self._ledger.write(lambda: [self._ledger.record(*each) for each in known])
            raise

    async def _record(self, asked: list[Question], outcomes: Sequence[Outcome]) -> None:
        ledger, pairs = self._ledger, list(zip(asked, outcomes, strict=True))
        await ledger.write(lambda: [ledger.record(each.ordinal, outcome) for each, outcome in pairs])
        for question, outcome in pairs:
            if outcome.unasked:
                self.stopped = self.stopped or str(outcome.message)
            else:
                await self._recorded(question, outcome.state)
