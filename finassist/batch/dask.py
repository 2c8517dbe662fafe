"""A batch on a Dask cluster: a chunk of questions is one task. The only module that imports `distributed`.

A worker builds its models and providers itself, from settings and names; keys come from its own environment. Where a
worker process ends, Dask gives its chunks to another one, up to `distributed.scheduler.allowed-failures` times; then
each question of the chunk is asked by itself, and only the one that ends processes fails. What such a chunk had used is
not counted by a budget.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any, Final
from uuid import uuid4

from finassist.batch.asking import LocalAsker, SharedFetches, Work
from finassist.batch.budget import Budget, Spending, Used
from finassist.batch.recipe import Recipe
from finassist.batch.result import Outcome
from finassist.core.concurrency import Ended, bridge, settle
from finassist.core.errors import (
    BudgetReached,
    ClusterError,
    ConfigurationError,
    FinassistError,
    MissingExtra,
    WorkerLost,
)
from finassist.core.process import hush

LARGEST, USUAL = 100, 50
"""Questions in a chunk: at most, and where their number is not known."""

CHUNKS_AHEAD: Final = 2
"""Chunks under way for each process: one that is asked, one that waits."""

_LOOK_SECONDS: Final = 0.25
_CLEARING_SECONDS: Final = 5.0
_COUNT_SECONDS: Final = 5.0
_COUNTS: Final = 12
"""How often, and how many times on end, no worker is counted before a batch gives up: new processes take seconds."""

_NO_WORKERS: Final = (
    "The cluster has no workers. Start some, or wait with `client.wait_for_workers(1)`; then ask again."
)
_NO_WORKERS_LEFT: Final = (
    "The cluster has had no workers for a minute. What was recorded is kept: start workers, and make the same call to "
    "go on."
)
_GONE: Final = "The cluster went away. What was recorded is kept: connect again, and make the same call to go on."
_LOST: Final = (
    "The worker process that asked this question ended each time, at last with no other question of its chunk. Ask it "
    "by itself to see why, or try again with `batch.retry_failed()`."
)


def _dask() -> Any:
    """Dask's package, which is not typed."""
    try:
        return import_module("distributed")
    except ImportError as error:
        raise MissingExtra("A batch on a cluster needs Dask. Run: pip install 'finassist[dask]'") from error


@dataclass(frozen=True, kw_only=True)
class Order:
    """A chunk, as it is sent to a worker.

    Attributes:
        recipe: What the worker builds.
        batch: Id of the call, whose questions share what was fetched.
        texts: The questions.
        concurrency: How many questions of the batch one process asks at the same time.
        budget: What is left of the budget.
    """

    recipe: Recipe
    batch: str
    texts: tuple[str, ...]
    concurrency: int
    budget: Budget


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What comes back: the outcomes and what was used, or why nothing could be asked."""

    outcomes: tuple[Outcome, ...] = ()
    used: Used | None = None
    problem: str = ""


# ------------------------------------------------------------------------------------ here


class DaskCluster:
    """The workers behind a Dask client.

    Args:
        client: `dask.distributed.Client`; one made with `asynchronous=True` belongs to the running loop.
        work: What the workers do with each question.

    Raises:
        MissingExtra: Dask is not installed.
        ConfigurationError: It is no client, or something cannot be built elsewhere.
    """

    def __init__(self, client: Any, work: Work) -> None:
        if not isinstance(client, _dask().Client):
            raise ConfigurationError(
                f"client= is a `dask.distributed.Client`, not {type(client).__name__}. Leave it out to ask here."
            )
        self._client, self._work = client, work
        Recipe.of(work)  # refuses here, before anything is written

    @asynccontextmanager
    async def asker(self, spending: Spending, concurrency: int, total: int | None) -> AsyncGenerator[DaskAsker]:
        """Asks on the workers; on leaving, what is under way is cancelled there.

        Raises:
            ClusterError: There are no workers.
            ConfigurationError: The client belongs to another loop.
        """
        client = self._client
        if getattr(client, "_asynchronous", False) and not client.asynchronous:
            raise ConfigurationError(
                "This client was made with asynchronous=True on another event loop. Use it with `await arun_many(...)` "
                "on that loop, or make one without asynchronous=True."
            )
        workers = len(await _call(client, client.nthreads))
        if not workers:
            raise ClusterError(_NO_WORKERS)
        batch = f"finassist-{uuid4()}"
        order = Order(
            recipe=Recipe.of(self._work, workers), batch=batch, texts=(), concurrency=concurrency, budget=Budget()
        )
        wanted = _dask().Event(batch, client=client)  # the workers ask as long as it is set
        await _call(client, wanted.set)
        try:
            yield DaskAsker(client, order, spending, workers, total)
        finally:
            await settle(asyncio.create_task(_clear(client, wanted.clear)))


class DaskAsker:
    """Asks chunks of questions on the workers of a cluster; each chunk is checked against the budget before it."""

    def __init__(self, client: Any, order: Order, spending: Spending, workers: int, total: int | None) -> None:
        self.calls = workers * CHUNKS_AHEAD
        self.chunk = USUAL if total is None else min(max(math.ceil(total / self.calls), 1), LARGEST)
        self._client, self._order, self._spending = client, order, spending
        self._alone = asyncio.Lock()

    async def ask(self, texts: Sequence[str]) -> Sequence[Outcome]:
        """Ask a chunk; where it ends its workers, each of its questions by itself.

        Raises:
            ClusterError: The cluster went away, or its workers cannot answer.
        """
        outcomes = await self._ask(texts)
        if outcomes is None:
            async with self._alone:
                outcomes = [each for text in texts for each in await self._ask([text]) or [_lost()]]
        return outcomes

    async def _ask(self, texts: Sequence[str]) -> list[Outcome] | None:
        if reason := self._used_up():
            return [Outcome.failed(BudgetReached(reason), unasked=True) for _ in texts]
        reply = await self._reply(replace(self._order, texts=tuple(texts), budget=self._spending.left()))
        if reply is None:
            return None
        if reply.problem or reply.used is None:
            raise ClusterError(f"A worker of the cluster cannot answer: {reply.problem}")
        self._spending.add(reply.used)
        reason = self._used_up() or f"What is left of {self._spending.budget!r} is not enough for another question."
        return [replace(each, message=reason) if each.unasked else each for each in reply.outcomes]

    def _used_up(self) -> str:
        try:
            self._spending.check_model()
            self._spending.check_data()
        except BudgetReached as error:
            return str(error)
        return ""

    async def _reply(self, order: Order) -> Reply | None:
        """The reply to a chunk; `None` where it ended its workers."""
        client, loop, done = self._client, asyncio.get_running_loop(), asyncio.Event()

        def tell(_: Any) -> None:
            with suppress(RuntimeError):  # the loop of a batch that was cancelled may have ended
                loop.call_soon_threadsafe(done.set)

        future = client.submit(answer_chunk, order, pure=False)
        try:
            future.add_done_callback(tell)
            await self._ended(done)
            if future.status == "error":
                return _failure(await _call(client, future.exception))
            if future.status != "finished":
                raise ClusterError(_GONE)
            return await _call(client, future.result)
        finally:
            if future.status == "pending":
                await settle(asyncio.create_task(_clear(client, client.cancel, [future])))
            future.release()

    async def _ended(self, done: asyncio.Event) -> None:
        """Wait for the end of a task.

        Raises:
            ClusterError: All workers ended and none came back, so that nothing would ever end.
        """
        none = 0
        while none < _COUNTS:
            with suppress(TimeoutError):
                async with asyncio.timeout(_COUNT_SECONDS):
                    await done.wait()
                return
            none = 0 if await self._workers() else none + 1
        raise ClusterError(_NO_WORKERS_LEFT)

    async def _workers(self) -> int:
        with suppress(OSError, TimeoutError):
            return len(await _call(self._client, self._client.nthreads))
        return 0


def _lost() -> Outcome:
    return Outcome.failed(WorkerLost(_LOST))


def _failure(error: BaseException) -> None:
    """Say what it means that a task raised an error; nothing, where its workers ended."""
    if type(error).__name__ == "KilledWorker":
        return
    if isinstance(error, ImportError | AttributeError):
        raise ClusterError(
            f"The workers cannot load what the batch needs ({error}). Install the same finassist there."
        ) from error
    raise ClusterError(f"A worker failed with {type(error).__name__}: {error}") from error


async def _call(client: Any, function: Any, *args: Any) -> Any:
    """Call a method of a client, which is sync or async, as the client is."""
    if client.asynchronous:
        return await function(*args)
    return await asyncio.to_thread(function, *args)


async def _clear(client: Any, function: Any, *args: Any) -> None:
    """Clean up on the scheduler, if it is still there."""
    if client.status == "running":
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLEARING_SECONDS):
                await _call(client, function, *args)


# ------------------------------------------------------------------------------------ on a worker

_building = threading.Lock()


def answer_chunk(order: Order) -> Reply:
    """Answer a chunk, in a thread of a worker; once the batch has ended elsewhere, its questions are cancelled."""
    try:
        with _building:
            work, fetches, places = _prepared(order.recipe, order.batch, order.concurrency)
    except FinassistError as error:
        return Reply(problem=str(error))
    spending, wanted = Spending(order.budget), _dask().Event(order.batch)
    asker = LocalAsker(work, spending, order.concurrency, fetches)
    with bridge.start(lambda _: _answer(asker, places, order.texts)) as inbox:
        while not isinstance(received := inbox.receive(_LOOK_SECONDS), Ended):
            if not wanted.is_set():
                return Reply(problem="The batch has ended.")
        return Reply(outcomes=tuple(received.result()), used=spending.used())


async def _answer(asker: LocalAsker, places: asyncio.Semaphore, texts: Sequence[str]) -> list[Outcome]:
    hush()

    async def ask(text: str) -> Outcome:
        async with places:
            return await asker.ask_one(text)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(text)) for text in texts]
    return [task.result() for task in tasks]


@lru_cache(maxsize=4)
def _work(recipe: Recipe) -> Work:
    """The work of a recipe, whose connections stay open from one batch to the next."""
    return recipe.build()


@lru_cache(maxsize=4)
def _prepared(recipe: Recipe, batch: str, concurrency: int) -> tuple[Work, SharedFetches, asyncio.Semaphore]:
    """What the chunks of one batch share in one process: fetches, and places for questions asked at the same time."""
    work = _work(recipe)
    return work, SharedFetches(work.runtime.provider), asyncio.Semaphore(concurrency)
