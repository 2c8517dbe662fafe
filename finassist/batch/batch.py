"""What a batch returns, read from its ledger when it is looked at; and its forms: sync or async, whole or as a stream.

A sync batch runs on the private loop. Its questions are read on the calling thread, because an iterator may belong to
that thread or block it; progress is drawn there, because a notebook shows it below the cell of that thread.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

from finassist.answer import Answer
from finassist.batch.records import (
    COMPLETED,
    OPEN,
    Left,
    Result,
    count_rows,
    read_left,
    read_notes,
    read_results,
    read_rows,
)
from finassist.batch.runner import Runner
from finassist.batch.source import END
from finassist.core.boxes import as_stopped
from finassist.core.concurrency import Ended, Errand, Post, bridge, settle
from finassist.core.errors import LedgerError
from finassist.core.process import Interrupts
from finassist.reporting.sanitize import escape

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

_TICK: Final = 0.05  # often enough for a kernel to notice an interrupt
_DRAWN_EVERY: Final = 0.1


class Batch:
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

    def __init__(self, ledger: Path, runner: Runner) -> None:
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
        return read_left(self.ledger)

    # -------------------------------------------------------------------------------------- looking

    @property
    def frame(self) -> DataFrame:
        """One row a question, in the order given, with all that `finassist.describe("batch")` lists."""
        return self._frame("completed", "failed", "unasked")

    def to_frame(self, *, full: bool = False) -> DataFrame:
        """One row a question, in the order given.

        Args:
            full: All columns, as `frame` has them; by default the six to look at first.
        """
        from finassist.reporting.frames import first_columns

        return first_columns(self.frame, "batch", full=full)

    @property
    def failures(self) -> DataFrame:
        """The rows of `frame` that failed, with the name of the error and what to do."""
        return self._frame("failed")

    def _frame(self, *statuses: str) -> DataFrame:
        from finassist.reporting.frames import SCHEMAS, typed
        from finassist.reporting.results import Figures

        rows = ({**row, "record": None} for row in read_rows(self.ledger) if row["status"] in statuses)
        return Figures.by_unit(typed(rows, SCHEMAS["batch"]))

    @property
    def facts(self) -> DataFrame:
        """The figures of all answers, a row each: `ordinal`, `question`, and what `Answer.to_frame(full=True)` has."""
        from finassist.reporting.frames import batch_facts_frame

        found = self.results(COMPLETED)
        return batch_facts_frame((each.ordinal, each.question, each.answer.own_facts) for each in found if each.answer)

    def answers(self) -> Iterator[Answer]:
        """Every answer, in the order of the questions, read one at a time. Their `input` is the question.

        Raises:
            LedgerError: After the last of them, where a stored answer is damaged.
        """
        damaged = ""
        for result in self.results(COMPLETED):
            if result.answer is not None:
                yield result.answer
            damaged = damaged or result.message
        if damaged:
            raise LedgerError(damaged)

    def results(self, where: str = "") -> Iterator[Result]:
        """Every result, in the order of the questions, read one at a time."""
        return read_results(self.ledger, where)

    def __iter__(self) -> Iterator[Result]:
        return self.results()

    def __len__(self) -> int:
        return count_rows(self.ledger)

    # -------------------------------------------------------------------------------------- retrying

    async def aretry_failed(self) -> Batch:
        """Ask once more, with the same limits, what failed; other results stay. Returns this batch.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        await abatch(await asyncio.to_thread(self._retrying))
        return self

    def retry_failed(self) -> Batch:
        """`aretry_failed()` for code that cannot await."""
        batch(self._retrying())
        return self

    def _retrying(self) -> Runner:
        failed = [row for row in read_rows(self.ledger) if row["status"] == "failed" and row["asked"]]
        return self._runner.retrying(self.ledger, [(row["ordinal"], row["question"]) for row in failed])

    def retry_failed_sync(self) -> Batch:
        """The old name of `retry_failed()`, for one version."""
        warnings.warn("retry_failed_sync() is now retry_failed().", DeprecationWarning, stacklevel=2)
        return self.retry_failed()

    def __await__(self) -> Generator[Any, None, Batch]:
        """For one version: `await workflow.across(…)` and `await batch.retry_failed()`, which are sync now."""
        message = "is sync now and needs no await; await aacross() or aretry_failed(), which do not block the loop."
        warnings.warn(f"across() or retry_failed() {message}", DeprecationWarning, stacklevel=2)
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
            "<br><small>.to_frame() · .facts · .failures · .answers()</small></div>"
        )
        return {"text/plain": f"{self!r}\n{left}".strip(), "text/html": html}

    def _counts(self) -> dict[str, int]:
        left, completed = count_rows(self.ledger, OPEN), count_rows(self.ledger, COMPLETED)
        counts = {"completed": completed, "failed": len(self) - completed - left, "unasked": left}
        return {name: many for name, many in counts.items() if many}


# --------------------------------------------------------------------------------------------- forms


async def abatch(runner: Runner) -> Batch:
    """Run a batch on the running loop."""
    async with _ticking(runner):
        return Batch(await runner.run(), runner)


async def astream(runner: Runner) -> AsyncGenerator[Result]:
    """Run a batch in a task of its own, and hand on its results as they come.

    Leaving the iteration stops the batch; recorded answers are safe. A slow reader holds the batch back. There is a
    queue, because an async generator must not `yield` inside a task group (PEP 789).
    """
    queue: asyncio.Queue[Result | None] = asyncio.Queue()
    room = asyncio.Semaphore(runner.concurrency)

    async def hand_on(result: Result) -> None:
        await room.acquire()
        queue.put_nowait(result)

    async with _ticking(runner):
        task = asyncio.create_task(runner.run(hand_on), name="finassist-batch")
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (result := await queue.get()) is not None:
                room.release()
                yield result
            task.result()
        finally:
            task.cancel()
            await settle(task)


def batch(runner: Runner) -> Batch:
    """Run a batch on the private loop."""
    for _ in stream(runner, tell=False):
        pass
    return Batch(runner.path, runner)


def stream(runner: Runner, *, tell: bool = True) -> Generator[Result]:
    """Run a batch on the private loop, hand on its results, and do on this thread what that loop asks for."""
    given, interrupts = runner.source.given, Interrupts()
    items: Iterator[Any] = iter(given if isinstance(given, Iterable) else ())
    with _drawn(runner) as draw, bridge.start(lambda post: _run(runner, post, items, tell=tell)) as inbox:
        while True:
            with interrupts.deferred():
                received = inbox.receive(_TICK)
            if interrupts.heard:
                raise as_stopped(KeyboardInterrupt())
            draw()
            match received:
                case Ended():
                    received.result()
                    return
                case Errand(request=Result() as result):
                    yield result
                    received.answer(None)
                case Errand():
                    received.answer(received.request())
                case _:
                    pass


async def _run(runner: Runner, post: Post, items: Iterator[Any], *, tell: bool) -> None:
    async def on_caller(request: Any) -> Any:
        errand = Errand(request, asyncio.get_running_loop())
        post(errand)
        return await errand.answered

    if isinstance(runner.source.given, Iterable):
        runner.source.read_from(_read(items, on_caller))
    await runner.run(on_caller if tell else None)


async def _read(items: Iterator[Any], on_caller: Callable[[Any], Awaitable[Any]]) -> AsyncGenerator[Any]:
    """The questions of an iterator that is read on the calling thread, each when it is needed."""

    def read() -> tuple[Any, Exception | None]:
        try:
            return next(items, END), None
        except Exception as error:  # noqa: BLE001  raised on the private loop
            return None, error

    while True:
        item, error = await on_caller(read)
        if error is not None:
            raise error
        if item is END:
            return
        yield item


# ------------------------------------------------------------------------------------------- drawing


@asynccontextmanager
async def _ticking(runner: Runner) -> AsyncGenerator[None]:
    """Inside, the loop wakes regularly, and how far the call is gets drawn."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK)
            draw()

    with _drawn(runner) as draw:
        ticker = asyncio.create_task(tick(), name="finassist-ticker")
        try:
            yield
        finally:
            ticker.cancel()
            await settle(ticker)


@contextmanager
def _drawn(runner: Runner) -> Generator[Callable[[], None]]:
    """Inside, what it yields draws how far the call is, not too often; on leaving, it is drawn for the last time."""
    display, due = runner.open_display(), 0.0

    def draw() -> None:
        nonlocal due
        progress = runner.progress
        if display and progress and progress.status == "running" and monotonic() >= due:
            due = monotonic() + _DRAWN_EVERY
            display.show(progress)

    try:
        yield draw
    finally:
        if display and runner.progress:
            display.finish(runner.progress)
