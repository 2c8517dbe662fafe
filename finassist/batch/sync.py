"""A batch for code that cannot await: it runs on the private loop; the calling thread reads questions and draws.

The questions are read on the calling thread, because an iterator may belong to it, or wait; and what is shown is drawn
there, because a notebook shows it below the cell of that thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from finassist.batch.batch import Batch
from finassist.batch.intake import END
from finassist.batch.job import Job
from finassist.batch.progress import Display, Progress
from finassist.batch.results import Result
from finassist.core.portal import Ended, Errand, Inbox, Post, bridge
from finassist.runtime.interrupts import Interrupts

_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class _Read:
    """A request for the next question."""


@dataclass(frozen=True, slots=True)
class _Draw:
    progress: Progress
    last: bool


@dataclass(frozen=True, slots=True)
class _Posted:
    """A display that is drawn on the calling thread."""

    post: Post

    def show(self, progress: Progress) -> None:
        self.post(_Draw(progress, last=False))

    def finish(self, progress: Progress) -> None:
        self.post(_Draw(progress, last=True))


@dataclass(frozen=True, slots=True)
class _Questions:
    """An iterator of questions that is read on the calling thread, whenever the private loop wants the next one."""

    items: Iterator[Any]

    def read(self) -> tuple[Any, Exception | None]:
        """The next question, or the error the iterator ended with."""
        try:
            return next(self.items, END), None
        except Exception as error:  # noqa: BLE001  raised on the private loop
            return None, error

    async def on_loop(self, post: Post) -> AsyncGenerator[Any]:
        """The same questions, on the private loop."""
        loop = asyncio.get_running_loop()
        while True:
            errand = Errand(_Read(), loop)
            post(errand)
            item, error = await errand.answered
            if error is not None:
                raise error
            if item is END:
                return
            yield item


def answered(job: Job, ledger: Path | None = None) -> Batch:
    """Run a job to its end, or with a ledger ask once more what failed in it.

    Raises:
        KeyboardInterrupt: It was interrupted; what was recorded is kept.
    """
    steps = _steps(job, ledger, told=False)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def streamed(job: Job) -> Iterator[Result]:
    """Run a job, and hand on its results as they come."""
    yield from _steps(job, None, told=True)


def _steps(job: Job, ledger: Path | None, *, told: bool) -> Generator[Result, None, Batch]:
    given = job.intake.given if job.intake else ()
    questions = _Questions(iter(given) if isinstance(given, Iterable) else iter(()))
    inboxes: list[Inbox] = []
    try:
        with bridge.start(lambda post: _work(job, ledger, post, questions, told=told)) as inbox:
            inboxes.append(inbox)
            return (yield from _serve(inbox, questions, job.display))
    finally:
        for inbox in inboxes:
            _draw_last(inbox, job.display)


def _serve(inbox: Inbox, questions: _Questions, display: Display | None) -> Generator[Result, None, Batch]:
    """Do on this thread what the private loop asks for, until the batch is there."""
    interrupts = Interrupts()
    while True:
        with interrupts.deferred():
            received = inbox.receive(_POLL_SECONDS)
        if interrupts.heard:
            raise KeyboardInterrupt
        match received:
            case Ended() as ended:
                return ended.result()
            case Errand(request=_Read()) as errand:
                errand.answer(questions.read())
            case Errand(request=Result() as result) as errand:
                yield result
                errand.answer(None)
            case _Draw() as drawing:
                _draw(display, drawing)
            case _:
                pass


def _draw_last(inbox: Inbox, display: Display | None) -> None:
    """Of a batch that was interrupted, what is still to be drawn."""
    while (received := inbox.receive(0)) is not None:
        if isinstance(received, _Draw) and received.last:
            _draw(display, received)


def _draw(display: Display | None, drawing: _Draw) -> None:
    if display is not None:
        (display.finish if drawing.last else display.show)(drawing.progress)


async def _work(job: Job, ledger: Path | None, post: Post, questions: _Questions, *, told: bool) -> Batch:
    loop = asyncio.get_running_loop()

    async def tell(result: Result) -> None:
        errand = Errand(result, loop)
        post(errand)
        await errand.answered

    job = replace(job, display=_Posted(post) if job.display is not None else None)
    if job.intake is not None and isinstance(job.intake.given, Iterable):
        job.intake.read_from(questions.on_loop(post))
    return await (job.again(ledger) if ledger is not None else job.run(tell if told else None))
