"""What a batch returns, read from its ledger when it is looked at; and its forms: sync or async, whole or as a stream.

A sync batch runs on the private loop. Its questions are read on the calling thread, because an iterator may belong to
that thread or block it; progress is drawn there, because a notebook shows it below the cell of that thread.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from finassist.batch.estimate import Display, Progress
from finassist.batch.ledger_format import COMPLETED, FAILED, OPEN, count_rows, read_notes, read_rows
from finassist.batch.result import Result, read_results, read_text
from finassist.batch.runner import Runner
from finassist.batch.source import END
from finassist.core.concurrency import Ended, Errand, Inbox, Post, bridge, settle
from finassist.reporting.sanitize import escape
from finassist.runtime.run import Interrupts

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

_POLL_SECONDS: Final = 0.05
_CUT_OFF: Final = "Its process ended before it could. Rerun the same call to resume."


@dataclass(frozen=True, slots=True)
class Left:
    """What a batch that stopped did not ask.

    Attributes:
        questions: How many; `None` where the questions are an iterator that was not read to its end.
        reason: Why it stopped, and what to do next; `""` where nothing is left.
    """

    questions: int | None = 0
    reason: str = ""

    def __str__(self) -> str:
        if not self.reason:
            return "Nothing is left."
        many = "An unknown number of questions is" if self.questions is None else f"{self.questions:,} questions are"
        return f"{many} left. {self.reason}"


class Batch[A]:
    """The results of many questions. They are not held in memory: each look reads the ledger.

    Attributes:
        ledger: The file that has all of it. `arun_many(..., ledger=path)` reads it back.
        id: Id of the batch.

    Raises (every read):
        LedgerError: The ledger cannot be read.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from finassist import FinancialAssistantWorkflow
        >>> workflow = FinancialAssistantWorkflow(db=None)
        >>> with TemporaryDirectory() as folder:
        ...     batch = workflow.run_many(["$AAPL price", "Revenue of Microsoft"], ledger=f"{folder}/batch.db")
        ...     print(batch.frame[["question", "status", "category", "n_gaps"]].to_string(index=False))
                    question    status         category  n_gaps
                 $AAPL price completed      stock_price       0
        Revenue of Microsoft completed income_statement       0
    """

    def __init__(self, ledger: Path, runner: Runner[A]) -> None:
        self.ledger = ledger
        self.id: str = str(read_notes(ledger).get("id", ""))
        self._runner = runner

    @property
    def status(self) -> Literal["completed", "stopped"]:
        """`"completed"` where every question is recorded, as completed or failed; else `"stopped"`: see `left`."""
        return "completed" if read_notes(self.ledger).get("status") == "completed" else "stopped"

    @property
    def left(self) -> Left:
        """How many questions are not asked, and why."""
        notes = read_notes(self.ledger)
        if notes.get("status") == "completed":
            return Left()
        total = cast("int | None", notes.get("total"))
        recorded = len(self) - count_rows(self.ledger, OPEN)
        return Left(None if total is None else total - recorded, str(notes.get("reason") or _CUT_OFF))

    # -------------------------------------------------------------------------------------- looking

    @property
    def frame(self) -> DataFrame:
        """One row a question, in the order given; see `finassist.reporting.frames.batch_frame` for the columns."""
        return self._frame("")

    @property
    def failures(self) -> DataFrame:
        """The rows of `frame` that failed, with the name of the error and what to do."""
        return self._frame(FAILED)

    def _frame(self, where: str) -> DataFrame:
        from finassist.reporting.frames import batch_frame

        rows = read_rows(self.ledger, where)
        return batch_frame({**row, "answer": read_text(row["content"]) if row["content"] else None} for row in rows)

    @property
    def facts(self) -> DataFrame:
        """The figures of all answers, one row each: `ordinal`, `question`, and the columns of `Answer.to_frame()`."""
        from finassist.reporting.frames import batch_facts_frame

        found = cast("Iterator[Result[Any]]", self.results(COMPLETED))
        return batch_facts_frame((each.ordinal, each.question, each.answer.facts) for each in found if each.answer)

    def answers(self) -> Iterator[A]:
        """Every answer, in the order of the questions, read one at a time. Their `input` is the question."""
        return (result.answer for result in self.results(COMPLETED) if result.answer)

    def results(self, where: str = "") -> Iterator[Result[A]]:
        """Every result, in the order of the questions, read one at a time."""
        return read_results(self.ledger, self.id, self._runner.make_answer, where)

    def __iter__(self) -> Iterator[Result[A]]:
        return self.results()

    def __len__(self) -> int:
        return count_rows(self.ledger)

    # -------------------------------------------------------------------------------------- retrying

    async def aretry_failed(self) -> Batch[A]:
        """Ask once more, with the same limits, what failed; other results stay.

        Returns:
            This batch, with the new outcomes.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        await self._runner.retrying(self.ledger).run()
        return self

    def retry_failed(self) -> Batch[A]:
        """`aretry_failed()` for code that cannot await."""
        _run_sync(self._runner.retrying(self.ledger))
        return self

    def retry_failed_sync(self) -> Batch[A]:
        """The old name of `retry_failed()`."""
        warnings.warn("retry_failed_sync() is now retry_failed().", DeprecationWarning, stacklevel=2)
        return self.retry_failed()

    def __await__(self) -> Generator[Any, None, Batch[A]]:
        """For one version: `await workflow.across(…)` and `await batch.retry_failed()`, which are sync now."""
        warnings.warn(
            "across() and retry_failed() are sync now and need no await; use `await workflow.aacross(…)` and "
            "`await batch.aretry_failed()`, which do not block the loop.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self
        yield  # makes this a generator, as Python wants of `__await__`

    # --------------------------------------------------------------------------------------- showing

    def __repr__(self) -> str:
        return f"<Batch {self.status}: {', '.join(f'{many:,} {name}' for name, many in self._counts().items())}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        left = "" if self.status == "completed" else str(self.left)
        numbers = " · ".join(f"<strong>{many:,}</strong> {name}" for name, many in self._counts().items())
        note = f'<p style="margin:.4em 0 0">{escape(left)}</p>' if left else ""
        box = "border:1px solid var(--jp-border-color2, #bdbdbd);border-radius:4px;padding:.6em .8em;max-width:60em"
        html = (
            f'<div class="finassist-batch" style="{box}">Batch {self.status}: {numbers or "no questions"}{note}'
            "<br><small>.frame · .facts · .failures · .answers()</small></div>"
        )
        return {"text/plain": f"{self!r}\n{left}".strip(), "text/html": html}

    def _counts(self) -> dict[str, int]:
        completed, failed = (count_rows(self.ledger, where) for where in (COMPLETED, FAILED))
        counts = {"completed": completed, "failed": failed, "unasked": len(self) - completed - failed}
        return {name: many for name, many in counts.items() if many}


# --------------------------------------------------------------------------------------------- forms


async def abatch[A](runner: Runner[A]) -> Batch[A]:
    """Run a batch on the running loop."""
    return Batch(await runner.run(), runner)


def batch[A](runner: Runner[A]) -> Batch[A]:
    """Run a batch on the private loop."""
    return Batch(_run_sync(runner), runner)


async def astream[A](runner: Runner[A]) -> AsyncGenerator[Result[A]]:
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


def _run_sync(runner: Runner[Any]) -> Path:
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


def stream[A](runner: Runner[A]) -> Iterator[Result[A]]:
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
