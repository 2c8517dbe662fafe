"""A batch on a Dask cluster; the only module that imports `distributed`.

A chunk is one task, and its function runs in a thread of a worker. Dask starts a task again where its worker ended. So
a chunk notes on the scheduler that it was begun: begun a second time, it comes back as lost, and is asked in pieces.
Where there is a budget it also notes what it has used, again and again, so that this counts if its worker ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any, Final
from uuid import uuid4

from finassist.batch.budget import Spending
from finassist.batch.chunks import Across, Order, Recipe, Reply, Used, spending_of, used_since
from finassist.batch.dispatch import Dispatcher, Plan
from finassist.batch.purse import Purse
from finassist.batch.recipe import Pickler, recipe_of
from finassist.batch.station import Task, answer
from finassist.core.errors import ClusterError, ConfigurationError, MissingExtra
from finassist.core.tasks import settle
from finassist.runtime.context import Runtime

_PREFIX: Final = "finassist"
_CLEARING_SECONDS: Final = 5.0
_UNDER_WAY: Final = ("executing", "long-running")  # the second after `secede()`
_NO_WORKERS: Final = (
    "The cluster has no workers. Start some, or wait with `client.wait_for_workers(1)`; then ask again."
)
_GONE: Final = "The cluster went away. What was recorded is kept: connect again, and make the same call to go on."


def _dask() -> Any:
    """Dask's package; what it returns is not typed."""
    try:
        return import_module("distributed")
    except ImportError as error:
        raise MissingExtra("A batch on a cluster needs Dask. Run: pip install 'finassist[dask]'") from error


def _pickler() -> Pickler:
    _dask()
    made: Any = import_module("distributed.protocol.pickle")
    return Pickler(dumps=made.dumps, loads=made.loads)


class DaskCluster:
    """The workers behind a Dask client, for one workflow.

    Args:
        client: `dask.distributed.Client`; one made with `asynchronous=True` belongs to the running loop.
        runtime: Whose like the workers build.
        across: What is fetched of each company, where no questions are asked.

    Raises:
        MissingExtra: Dask is not installed.
        ConfigurationError: It is no client, or the workflow cannot be built elsewhere.
    """

    def __init__(self, client: Any, runtime: Runtime, across: Across | None = None) -> None:
        if not isinstance(client, _dask().Client):
            raise ConfigurationError(
                f"client= is a `dask.distributed.Client`, not {type(client).__name__}. Leave it out to ask here."
            )
        self._client = client
        self._runtime = runtime
        self._across = across
        self._recipe(1)  # whatever cannot be sent is said before anybody is asked

    @asynccontextmanager
    async def dispatcher(self, spending: Spending, concurrency: int, total: int | None) -> AsyncGenerator[Dispatcher]:
        """Somebody who asks on the workers; on leaving, what is under way is cancelled.

        Raises:
            ClusterError: There are no workers.
            ConfigurationError: The client belongs to another loop.
        """
        engine = _Engine(self._client)
        workers = await engine.workers()
        settings = self._runtime.settings
        plan = Plan(
            recipe=self._recipe(workers),
            workers=workers,
            concurrency=concurrency,
            total=total,
            patience=2 * settings.question_timeout + 3 * settings.model_timeout,
        )
        dispatcher = Dispatcher(engine, plan, Purse(spending, plan.window))
        try:
            yield dispatcher
        finally:
            closing = asyncio.create_task(dispatcher.close())
            await settle(closing)

    def _recipe(self, workers: int) -> Recipe:
        return recipe_of(self._runtime, workers, _pickler(), self._across)


class _Engine:
    """Chunks as tasks of a Dask cluster, from whatever loop is running."""

    def __init__(self, client: Any) -> None:
        self._client = client
        if getattr(client, "_asynchronous", False) and not client.asynchronous:
            raise ConfigurationError(
                "This client was made with asynchronous=True on another event loop. Use it with `await arun_many(...)` "
                "on that loop, or make one without asynchronous=True."
            )

    async def workers(self) -> int:
        """How many processes there are."""
        threads: dict[str, int] = await self._call(self._client.nthreads)
        if not threads:
            raise ClusterError(_NO_WORKERS)
        return len(threads)

    async def ask(self, order: Order) -> Reply:
        """One chunk; see `finassist.batch.dispatch.Engine`."""
        key = f"{_PREFIX}-{uuid4()}"
        future = self._client.submit(on_worker, order, key=key, pure=False)
        try:
            return await self._reply(future)
        finally:
            clearing = asyncio.create_task(self._clear(future, key, noted=bool(order["limits"])))
            await settle(clearing)

    async def _reply(self, future: Any) -> Reply:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell(_: Any) -> None:
            with suppress(RuntimeError):  # the loop of a batch that was cancelled may have ended
                loop.call_soon_threadsafe(done.set)

        future.add_done_callback(tell)
        await done.wait()
        if future.status == "cancelled":
            raise ClusterError(_GONE)
        if future.status == "error":
            return _failure(await self._call(future.exception))
        return await self._call(future.result)

    async def _clear(self, future: Any, key: str, *, noted: bool) -> None:
        """Leave nothing behind on the scheduler; a task that still runs is cancelled."""
        if self._client.status != "running":
            return
        with suppress(OSError, TimeoutError):  # the cluster may just be going away
            async with asyncio.timeout(_CLEARING_SECONDS):
                if future.done():
                    future.release()
                else:
                    await self._call(self._client.cancel, [future])
                await self._call(_dask().Event(key, client=self._client).clear)
                if noted:
                    _dask().Variable(key, client=self._client).delete()

    async def _call(self, function: Any, *args: Any) -> Any:
        """Call a method of the client, which is sync or async, as the client is."""
        if self._client.asynchronous:
            return await function(*args)
        return await asyncio.to_thread(function, *args)


def _failure(error: BaseException) -> Reply:
    """What it means that a task raised an error: its workers ended, or our code is not there."""
    if type(error).__name__ == "KilledWorker" or isinstance(error, OSError | TimeoutError):
        return {"lost": True}
    if isinstance(error, ImportError | AttributeError):
        raise ClusterError(
            f"The workers cannot load what the batch needs ({error}). Install the same finassist there, and the module "
            "of a model or a provider of your own."
        ) from error
    raise ClusterError(f"A worker failed with {type(error).__name__}: {error}") from error


class _Notes:
    """What a chunk has used, on the scheduler, where there is a budget that it counts for."""

    def __init__(self, variable: Any, *, wanted: bool) -> None:
        self._variable, self._wanted = variable, wanted
        self._written: Used | None = None

    def write(self, used: Used) -> None:
        """Note it, where it is news."""
        if self._wanted and used != self._written:
            with suppress(OSError, TimeoutError):  # the next note says all that this one did not
                self._variable.set(used)
                self._written = used

    def read(self) -> Reply:
        """What the worker that ended had noted at last."""
        return {"used": self._variable.get(timeout=_CLEARING_SECONDS)} if self._wanted else {}


def on_worker(order: Order) -> Reply:
    """A chunk, on a worker; nothing of it is raised, because Dask logs what a task that failed was called with."""
    dask = _dask()
    worker = dask.get_worker()
    key = worker.get_current_task()
    begun, notes = dask.Event(key), _Notes(dask.Variable(key), wanted=bool(order["limits"]))
    if begun.is_set():
        return {"lost": True, **notes.read()}
    notes.write(used_since(spending_of(order), order["used"]))
    begun.set()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state in _UNDER_WAY and worker.status.name not in ("closing", "closed")

    return answer(order, Task(wanted, dask.secede, notes.write), _pickler())
