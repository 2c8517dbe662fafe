"""The driver's side of a batch on a cluster: questions in chunks, lost chunks in pieces, budgets in shares.

To the pool this is somebody who asks one question at a time. It gathers them into chunks, and a chunk is one task of
the cluster. A chunk whose process ended is cut into pieces that are asked elsewhere, until the question that ends
processes is alone; ending two more then, it fails.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import uuid4

from finassist.batch.chunks import Order, Recipe, Reply, outcome_of
from finassist.batch.purse import Purse
from finassist.batch.results import Outcome
from finassist.core.errors import BudgetReached, ClusterError, WorkerLost
from finassist.core.tasks import settle

SMALLEST, LARGEST, USUAL = 1, 200, 50
"""Questions in a chunk: at least, at most, and as long as there are enough for all workers."""

PIECES: Final = 8
"""A chunk that was lost is cut into so many."""

CHUNKS_AHEAD: Final = 2
"""Chunks under way for each process: one that is asked, one that waits for it."""

_LINGER: Final = 0.05
_LOST_ALONE: Final = 2
_LOST: Final = (
    "The worker process that asked this question ended, or did not come to an end, each time, at last with no other "
    "question beside it. Ask it by itself to see why, or try again with `await batch.retry_failed()`."
)


class Engine(Protocol):
    """A cluster, as far as it is needed here."""

    async def ask(self, order: Order) -> Reply:
        """Have one process answer a chunk. Cancelled, the chunk is cancelled there.

        Raises:
            ClusterError: The cluster went away.
        """
        ...


@dataclass(eq=False)
class _Entry:
    text: str
    done: asyncio.Future[Outcome]
    lost: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a batch is cut.

    Attributes:
        recipe: What the workers build.
        workers: How many processes there are.
        concurrency: Questions at the same time in each of them.
        total: How many questions there are, where that is known.
        patience: Seconds one question may take, with all it waits for.
    """

    recipe: Recipe
    workers: int
    concurrency: int
    total: int | None
    patience: float

    @property
    def window(self) -> int:
        """Chunks under way at the same time."""
        return max(1, self.workers) * CHUNKS_AHEAD

    @property
    def size(self) -> int:
        """Questions in a chunk: enough to keep a worker busy, and few enough that each worker has some.

        Example:
            >>> sizes = [Plan(recipe={}, workers=2, concurrency=50, total=total, patience=60).size
            ...          for total in (10_000, 100, 40)]
            >>> sizes
            [100, 50, 20]
        """
        size = min(max(2 * self.concurrency, USUAL), LARGEST)
        if self.total is None:
            return size
        filling = min(self.concurrency, math.ceil(self.total / max(1, self.workers)))
        return max(SMALLEST, filling, min(size, math.ceil(self.total / self.window)))

    @property
    def in_flight(self) -> int:
        """Questions under way at the same time."""
        return self.window * self.size

    def seconds(self, questions: int) -> float:
        """How long a chunk may take; a chunk beside it may have taken half of its places."""
        return self.patience * (1 + 2 * math.ceil(questions / self.concurrency))


@dataclass
class Dispatcher:
    """Asks questions on a cluster. Belongs to one loop; `close()` cancels what is under way."""

    engine: Engine
    plan: Plan
    purse: Purse
    _id: str = field(default_factory=lambda: uuid4().hex)
    _waiting: list[_Entry] = field(default_factory=list[_Entry])
    _flush: asyncio.TimerHandle | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, text: str) -> Outcome:
        """Ask one question, together with those that come at the same time.

        Raises:
            ClusterError: The cluster went away, or its workers cannot answer.
        """
        loop = asyncio.get_running_loop()
        entry = _Entry(text, loop.create_future())
        self._waiting.append(entry)
        if self._flush is not None:
            self._flush.cancel()
        if len(self._waiting) >= self.plan.size:
            self._send_waiting()
        else:
            self._flush = loop.call_later(_LINGER, self._send_waiting)
        return await entry.done

    async def close(self) -> None:
        """Cancel what is under way, here and on the workers."""
        if self._flush is not None:
            self._flush.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            await settle(task)

    def _send_waiting(self) -> None:
        entries, self._waiting = [each for each in self._waiting if not each.done.done()], []
        if entries:
            self._send(entries)

    def _send(self, entries: Sequence[_Entry]) -> None:
        task = asyncio.create_task(self._run(entries), name="finassist-chunk")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, entries: Sequence[_Entry]) -> None:
        try:
            await self._settle(entries)
        except asyncio.CancelledError:
            for entry in entries:
                entry.done.cancel()
            raise
        except Exception as error:  # noqa: BLE001  raised where each question is waited for
            for entry in _open(entries):
                entry.done.set_exception(error)
                entry.done.exception()  # whoever waited for it may have been cancelled meanwhile

    # ------------------------------------------------------------------------------------- one chunk

    async def _settle(self, entries: Sequence[_Entry]) -> None:
        """Ask until each has its outcome, or is asked in a smaller piece."""
        if len(entries) == 1 and entries[0].lost:
            async with self._alone:
                return await self._ask_within(entries)
        return await self._ask_within(entries)

    async def _ask_within(self, entries: Sequence[_Entry]) -> None:
        everything = False
        while entries:
            grant = await self.purse.grant(everything=everything)
            if grant is None:
                return self._leave(entries)
            used = None
            try:
                reply = await self.engine.ask(self._order(entries, grant.used, grant.limits))
                used = reply.get("used")
            finally:
                await self.purse.take_back(grant, used)
            cut_off = self._read(entries, reply)
            if cut_off and grant.everything:
                return self._leave(cut_off)
            entries, everything = cut_off, True
        return None

    def _order(self, entries: Sequence[_Entry], used: object, limits: object) -> Order:
        return {
            "recipe": self.plan.recipe,
            "batch": self._id,
            "texts": [each.text for each in entries],
            "concurrency": self.plan.concurrency,
            "seconds": self.plan.seconds(len(entries)),
            "used": used,
            "limits": limits,
        }  # type: ignore[typeddict-item]

    def _read(self, entries: Sequence[_Entry], reply: Reply) -> list[_Entry]:
        """Hand on what came of each; those that a budget cut off are returned."""
        if problem := reply.get("problem"):
            raise ClusterError(f"A worker of the cluster cannot answer: {problem}")
        cut_off: list[_Entry] = []
        unfinished: list[_Entry] = []
        for entry, values in zip(entries, reply.get("outcomes") or [None] * len(entries), strict=True):
            outcome = outcome_of(values) if values else None
            if outcome is None:
                unfinished.append(entry)
            elif outcome.unasked:
                cut_off.append(entry)
            elif not entry.done.done():
                entry.done.set_result(outcome)
        self._ask_elsewhere(unfinished)
        return cut_off

    def _ask_elsewhere(self, entries: Sequence[_Entry]) -> None:
        if len(entries) == 1:
            [entry] = entries
            entry.lost += 1
            if entry.lost >= _LOST_ALONE and not entry.done.done():
                entry.done.set_result(Outcome.failed(WorkerLost(_LOST)))
        for piece in _pieces([each for each in entries if not each.done.done()]):
            self._send(piece)

    def _leave(self, entries: Sequence[_Entry]) -> None:
        for entry in _open(entries):
            entry.done.set_result(Outcome.failed(BudgetReached(self.purse.why()), unasked=True))


def _open(entries: Sequence[_Entry]) -> Iterator[_Entry]:
    return (each for each in entries if not each.done.done())


def _pieces(entries: Sequence[_Entry]) -> Iterator[Sequence[_Entry]]:
    size = math.ceil(len(entries) / PIECES) or 1
    return (entries[start : start + size] for start in range(0, len(entries), size))
