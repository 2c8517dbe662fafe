"""The other forms of a batch: for code that cannot await, and as a stream of results.

A sync batch runs on the private loop. Its questions are read on the calling thread, because an iterator may belong to
that thread or block it; progress is drawn there, because a notebook shows it below the cell of that thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from finassist.batch.estimate import Display, Progress
from finassist.batch.result import Result
from finassist.batch.runner import Runner
from finassist.batch.source import END
from finassist.core.portal import Ended, Errand, Inbox, Post, bridge
from finassist.core.tasks import settle
from finassist.runtime.interrupts import Interrupts

_POLL_SECONDS: Final = 0.05


async def stream[A](runner: Runner[A]) -> AsyncGenerator[Result[A]]:
    """Run a batch in a task of its own, and hand on its results as they come.

    Leaving the iteration stops the batch; what was recorded is kept. The queue is bounded, so that a slow reader holds
    the batch back; a queue, because an async generator must not `yield` inside a task group (PEP 789).
    """
    queue: asyncio.Queue[Result[A] | None] = asyncio.Queue(maxsize=runner.concurrency)
    task = asyncio.create_task(_fill(queue, runner), name="finassist-batch")
    try:
        while (result := await queue.get()) is not None:
            yield result
        await task
    finally:
        task.cancel()
        await settle(task)


async def _fill[A](queue: asyncio.Queue[Result[A] | None], runner: Runner[A]) -> None:
    try:
        await runner.run(queue.put)
    except asyncio.CancelledError:
        raise  # the reader has left, and the queue may be full
    except BaseException:
        await queue.put(None)
        raise
    await queue.put(None)


# ---------------------------------------------------------------------------------------------- sync


def run_sync(runner: Runner[Any]) -> Path:
    """Run a batch to its end on the private loop; returns the path of its ledger.

    Raises:
        KeyboardInterrupt: It was interrupted; what was recorded is kept.
    """
    steps = _steps(runner, tell=False)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def stream_sync[A](runner: Runner[A]) -> Iterator[Result[A]]:
    """Run a batch on the private loop, and hand on its results as they come."""
    yield from _steps(runner, tell=True)


def _steps(runner: Runner[Any], *, tell: bool) -> Generator[Result[Any], None, Path]:
    given = runner.source.given if runner.source else ()
    items: Iterator[Any] = iter(given if isinstance(given, Iterable) else ())
    inboxes: list[Inbox] = []
    try:
        with bridge.start(lambda post: _run(runner, post, items, tell=tell)) as inbox:
            inboxes.append(inbox)
            return (yield from _serve(inbox))
    finally:  # what a batch that was interrupted had still to draw
        for inbox in inboxes:
            while (received := inbox.receive(0)) is not None:
                if isinstance(received, partial):
                    received()


def _serve(inbox: Inbox) -> Generator[Result[Any], None, Path]:
    """Do on this thread what the private loop asks for, until the batch has ended."""
    interrupts = Interrupts()
    while True:
        with interrupts.deferred():
            received = inbox.receive(_POLL_SECONDS)
        if interrupts.heard:
            raise KeyboardInterrupt
        match received:
            case Ended():
                return received.result()
            case Errand() if callable(received.request):
                received.answer(received.request())
            case Errand():
                yield received.request
                received.answer(None)
            case partial():
                received()
            case _:
                pass


async def _run(runner: Runner[Any], post: Post, items: Iterator[Any], *, tell: bool) -> Path:
    display = _RemoteDisplay(runner.display, post) if runner.display else None
    if runner.source is not None and isinstance(runner.source.given, Iterable):
        runner.source.read_from(_read(items, post))
    return await replace(runner, display=display).run(partial(_on_caller, post) if tell else None)


async def _on_caller(post: Post, request: Any) -> Any:
    """Have the calling thread deal with a request; its reply."""
    errand = Errand(request, asyncio.get_running_loop())
    post(errand)
    return await errand.answered


async def _read(items: Iterator[Any], post: Post) -> AsyncGenerator[Any]:
    """The questions of an iterator that is read on the calling thread, each when it is needed."""

    def read() -> tuple[Any, Exception | None]:
        try:
            return next(items, END), None
        except Exception as error:  # noqa: BLE001  raised on the private loop
            return None, error

    while True:
        item, error = await _on_caller(post, read)
        if error is not None:
            raise error
        if item is END:
            return
        yield item


@dataclass(frozen=True, slots=True)
class _RemoteDisplay:
    """A display that draws on the calling thread."""

    display: Display
    post: Callable[[Any], None]

    def show(self, progress: Progress) -> None:
        self.post(partial(self.display.show, progress))

    def finish(self, progress: Progress) -> None:
        self.post(partial(self.display.finish, progress))
