"""A fixed number of workers, each with one question at a time; the next is read when one of them is free."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from finassist.batch.asking import Asks
from finassist.batch.intake import Intake, Question, Reasked
from finassist.batch.results import Outcome
from finassist.batch.scribe import Scribe
from finassist.core.errors import LedgerMismatch, QuestionsFailed
from finassist.core.logging import hush

type Deliver = Callable[[Question, Outcome, int], Awaitable[None]]
"""Told what came of each question that is recorded, and how often it was asked."""

_RECORDED: Final = frozenset({"completed", "failed"})
_LOOKED_UP: Final = 500


@dataclass
class Pool:
    """Answers questions until there are none, or it has to stop.

    Attributes:
        intake: Where questions come from.
        asker: Who asks them.
        scribe: Who writes down what was begun and what came of it.
        deliver: Who is told.
        concurrency: How many questions are asked at the same time.
        stopped: Why it stopped before the last question, or `""`.
        error: What the questions themselves ended with, if they did.
    """

    intake: Intake | Reasked
    asker: Asks
    scribe: Scribe
    deliver: Deliver
    concurrency: int
    stopped: str = ""
    error: QuestionsFailed | None = None
    _known: dict[int, tuple[bytes, str]] = field(default_factory=dict[int, tuple[bytes, str]])
    _looked_up_to: int = 0
    _suspects: set[bytes] = field(default_factory=set[bytes])
    _under_way: dict[bytes, asyncio.Future[None]] = field(default_factory=dict[bytes, "asyncio.Future[None]"])
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Answer all questions, and at last, one by one, those that may have ended the process before.

        Raises:
            LedgerError: The ledger could not be written, or is of other questions.
        """
        self._suspects = await self.scribe.write(lambda ledger: ledger.suspects())
        workers = min(self.concurrency, self.intake.total or self.concurrency)
        error: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(), name="finassist-worker")
        except* Exception as failed:  # noqa: BLE001  one cause, that many workers may have met; raised below
            error = failed.exceptions[0]
        if error is not None:
            raise error
        await self._ask_alone()

    async def _work(self) -> None:
        hush()
        while (question := await self._next()) is not None:
            await self._answer(question)

    async def _next(self) -> Question | None:
        """The next question that the ledger does not have."""
        async with self._reading:
            while not self.stopped:
                try:
                    question = await self.intake.next()
                except QuestionsFailed as error:
                    self.stopped, self.error = str(error), error
                    return None
                if question is None or await self._open(question):
                    return question
        return None

    async def _open(self, question: Question) -> bool:
        if question.ordinal >= self._looked_up_to:
            start = question.ordinal
            self._known = await self.scribe.write(lambda ledger: ledger.known(start, _LOOKED_UP))
            self._looked_up_to = start + _LOOKED_UP
        digest, state = self._known.pop(question.ordinal, (question.digest, "new"))
        if digest != question.digest:
            raise LedgerMismatch(
                f"Question {question.ordinal} (counted from 0) is not the one that the ledger "
                f"{self.scribe.ledger.path} has in this place. Pass resume=False to begin anew, "
                "or the questions it was begun with."
            )
        return state not in _RECORDED and state != "alone"

    # ------------------------------------------------------------------------------------ one question

    async def _answer(self, question: Question) -> None:
        if question.error is not None:
            await self._refuse(question, question.error)
        elif question.digest in self._suspects:
            await self.scribe.write(lambda ledger: ledger.set_aside(question.ordinal, question.given, question.digest))
        elif twin := self._under_way.get(question.digest):
            await asyncio.wait([twin])
            await self._ask(question)
        else:
            await self._ask(question)

    async def _refuse(self, question: Question, error: Exception) -> None:
        ordinal, given, digest = question.ordinal, question.given, question.digest
        await self.scribe.write(lambda ledger: ledger.refuse(ordinal, given, digest, error))
        await self.deliver(question, Outcome.failed(error), 0)

    async def _ask(self, question: Question) -> None:
        ordinal, digest = question.ordinal, question.digest
        done = self._under_way[digest] = asyncio.get_running_loop().create_future()
        try:
            begun: int | Outcome = await self.scribe.write(lambda ledger: ledger.begin(ordinal, question.given, digest))
            outcome = begun if isinstance(begun, Outcome) else await self._come_of(question)
        finally:
            if self._under_way.get(digest) is done:
                del self._under_way[digest]
            done.set_result(None)
        if not outcome.unasked:
            await self.deliver(question, outcome, begun if isinstance(begun, int) else 0)

    async def _come_of(self, question: Question) -> Outcome:
        ordinal = question.ordinal
        outcome = await self.asker.ask(question.text or "")
        if outcome.unasked:
            self.stopped = self.stopped or str(outcome.message)
            await self.scribe.write(lambda ledger: ledger.give_back(ordinal, outcome))
            return outcome
        packed = outcome.pack()
        await self.scribe.write(lambda ledger: ledger.record(ordinal, outcome, packed))
        return outcome

    async def _ask_alone(self) -> None:
        hush()
        for ordinal, given in await self.scribe.write(lambda ledger: ledger.in_state("alone")):
            if self.stopped:
                return
            await self._ask(self.intake.read(ordinal, given))
