"""A batch on a Dask cluster: a chunk of questions is one task. The only module that imports `distributed`.

A worker builds its models and providers itself, from settings and names; keys come from its own environment. Where a
worker process ends, Dask gives its chunks to another one, up to `distributed.scheduler.allowed-failures` times; then
each question of the chunk is asked by itself, and only the one that ends processes fails. What such a chunk had used is
not counted by a budget. A `LocalCluster` gives a worker up after `distributed.deploy.lost-worker-timeout` (15 seconds).
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import version
from time import monotonic
from typing import Any, Final, Self, cast
from uuid import uuid4

from finassist.batch.asking import Across, LocalAsker, Outcome, SharedFetches, Work
from finassist.batch.budget import Budget, Spending
from finassist.config.settings import KEYS, Settings
from finassist.core.concurrency import Ended, bridge
from finassist.core.errors import (
    BudgetReached,
    ClusterError,
    ConfigurationError,
    FinassistError,
    MissingExtra,
    WorkerLost,
)
from finassist.core.process import hush
from finassist.llm import ModelChoice
from finassist.llm.agents import build_agents
from finassist.llm.offline import OfflineModel
from finassist.providers.registry import Provider
from finassist.runtime.context import Runtime

LARGEST, USUAL = 100, 50
"""Questions in a chunk: at most, and where their number is not known."""

CHUNKS_AHEAD: Final = 2
"""Chunks under way for each process: one that is asked, one that waits."""

_VERSION: Final = version("finassist")
_OWN: Final = {"home", "cache_folder", "live", *KEYS}  # settings that each machine has its own of
_LOOK_SECONDS, _CLEARING_SECONDS, _COUNT_SECONDS = 0.25, 5.0, 5.0
_COUNTS: Final = 60  # so many times as long a batch waits without a sign of life: a busy machine starts slowly

_NO_WORKERS: Final = "The cluster has no workers. Start some, wait with `client.wait_for_workers(1)`, and ask again."
_NO_WORKERS_LEFT: Final = (
    "The cluster has had no workers for five minutes. Recorded answers are safe: start workers, and rerun the same "
    "call to resume."
)
_GONE: Final = (
    "The connection to the cluster is lost. Recorded answers are safe: connect again, and rerun the same call "
    "to resume."
)
_LOST: Final = (
    "The worker process that asked this question ended each time, at last with no other question of its chunk. Ask it "
    "by itself to see why, or try again with `batch.retry_failed()`."
)
_KEY_IN_ADDRESS: Final = re.compile(r"://[^/\s]*@|\?\S*=")
_text: Final = str.__str__  # the text alone: an object that is a text as well may have attributes
_KEYS_STAY: Final = "Keys are never sent to a cluster: set them in the environment of its workers."


def _dask() -> Any:
    """Dask's package, which is not typed."""
    try:
        return import_module("distributed")
    except ImportError as error:
        raise MissingExtra("A batch on a cluster needs Dask. Run: pip install 'finassist[dask]'") from error


# ------------------------------------------------------------------------------------------- recipes


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a worker builds its workflow from: settings and names, no keys and no objects."""

    version: str  # of finassist
    settings: str  # as JSON, without keys
    routing: Any
    as_of: date | None
    model: tuple[str, ...]
    provider: tuple[str, ...]
    ids: tuple[str, str]  # of model and provider: a worker without a key must not answer with others
    across: Across | None

    @classmethod
    def of(cls, work: Work, workers: int = 1) -> Self:
        """The recipe of a workflow, whose workers share the requests that a source answers in a minute."""
        runtime = work.runtime
        (model, provider), model_id = runtime.chosen, str(runtime.model.id)
        if work.across is None:
            _check_agents(runtime)
        else:
            model, model_id = "offline", OfflineModel.id
        values = runtime.settings.model_dump(mode="json", exclude=_OWN)
        for name, value in values.items():
            _without_key(json.dumps(value), f"the setting {name!r}")
        values["per_minute"] = max(1, values["per_minute"] // workers)
        return cls(
            version=_VERSION,
            settings=json.dumps(values),
            routing=_text(runtime.routing),
            as_of=runtime.as_of,
            model=_names(model),
            provider=_names(provider),
            ids=(model_id, runtime.provider.id),
            across=work.across,
        )

    def build(self) -> Work:
        """The same work with the keys of this process; a `ConfigurationError` says what it lacks."""
        if self.version != _VERSION:
            raise ConfigurationError(
                f"It has finassist {_VERSION}, and the batch was begun with {self.version}. "
                "Install the same version on the workers."
            )
        chosen: dict[str, Any] = {name: getattr(self, name) for name in ("model", "provider", "routing", "as_of")}
        try:
            values = {name: value for name, value in json.loads(self.settings).items() if name not in _OWN}
            runtime = Runtime.open(settings=Settings(**values, live="off"), db=None, **chosen)
        except ConfigurationError as error:
            raise ConfigurationError(f"{error} {_KEYS_STAY}") from error
        there = (str(runtime.model.id), runtime.provider.id)
        if there != self.ids:
            raise ConfigurationError(
                f"It would answer with {' and '.join(there)}, and the batch with {' and '.join(self.ids)}. {_KEYS_STAY}"
            )
        return Work(runtime, self.across)


def _names(chosen: ModelChoice | Provider) -> tuple[str, ...]:
    several = isinstance(chosen, Sequence) and not isinstance(chosen, str)
    listed = tuple(cast("Sequence[Any]", chosen) if several else (chosen,))
    for each in listed:
        if not isinstance(each, str):
            raise ConfigurationError(
                f"A {type(each).__name__} object cannot be sent to a cluster: each worker builds its own from a name. "
                'Pass a name, such as model="openai:<model id>" or provider="fmp"; one of your own that every worker '
                "has given to Agno's `register_provider` will do."
            )
        _without_key(each, "a name")
    return tuple(map(_text, listed))


def _without_key(text: str, what: str) -> None:
    """Addresses carry keys: as user and password, or after a question mark."""
    if _KEY_IN_ADDRESS.search(text):
        raise ConfigurationError(f"An address in {what} could hold a key and is not sent to a cluster. {_KEYS_STAY}")


def _check_agents(runtime: Runtime) -> None:
    own: Mapping[str, Any] = runtime.agents
    for name, built in cast("dict[str, Any]", build_agents(runtime.model)).items():
        agent = own[name]
        same = type(agent) is type(built) and agent.model is runtime.model and agent.instructions == built.instructions
        if not same and name != "summary":
            raise ConfigurationError(
                "A cluster builds its own agents, from the model and the provider of the workflow; agents of your own "
                "stay here. Leave out client=, or use the workflow as it was built."
            )


# ---------------------------------------------------------------------------------------------- here


def check_client(client: Any, work: Work) -> None:
    """Check that a client's workers can do the work, before anything is written.

    Raises:
        MissingExtra: Dask is not installed.
        ConfigurationError: It is no client, or something cannot be built elsewhere.
    """
    if not isinstance(client, _dask().Client):
        raise ConfigurationError(
            f"client= is a `dask.distributed.Client`, not {type(client).__name__}. Leave it out to ask here."
        )
    Recipe.of(work)


@asynccontextmanager
async def asker_on(
    client: Any, work: Work, spending: Spending, concurrency: int, total: int | None
) -> AsyncGenerator[DaskAsker]:
    """Asks on the workers behind a client; on leaving, what is under way is cancelled there.

    The running loop gets a connection of its own to the scheduler: the client may belong to another loop, or be sync.
    """
    if client.status != "running":
        raise ClusterError(_GONE)
    batch, dask = f"finassist-{uuid4()}", _dask()
    address, security = client.scheduler.address, client.security
    own = dask.Client(address, asynchronous=True, security=security, set_as_default=False)
    try:
        await own
    except OSError as error:
        raise ClusterError(_GONE) from error
    async with own:
        if not (workers := len(await own.nthreads())):
            raise ClusterError(_NO_WORKERS)
        wanted = dask.Event(batch, client=own)  # the workers ask as long as it is set
        await wanted.set()
        calls = workers * CHUNKS_AHEAD
        chunk = USUAL if total is None else min(max(math.ceil(total / calls), 1), LARGEST)
        send = partial(own.submit, answer_chunk, Recipe.of(work, workers), batch, concurrency, pure=False)
        try:
            yield DaskAsker(chunk, calls, client, own, send, spending)
        finally:
            with suppress(OSError, TimeoutError):  # the scheduler may be gone
                await asyncio.wait_for(wanted.clear(), _CLEARING_SECONDS)


@dataclass
class DaskAsker:
    """Asks chunks of questions on the workers of a cluster; each chunk is checked against the budget before it."""

    chunk: int
    calls: int
    client: Any  # of the user
    own: Any  # client on the running loop
    send: Callable[..., Any]
    spending: Spending
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _alive: float = 0.0  # when the workers last gave a sign of life: a chunk is sent, one ends, or a worker is counted

    async def ask(self, texts: Sequence[str]) -> Sequence[Outcome]:
        """Ask a chunk; where it ends its workers, each of its questions by itself."""
        outcomes = await self._ask(texts)
        if outcomes is None:
            lost = Outcome.failed(WorkerLost(_LOST))
            async with self._alone:
                outcomes = [each for text in texts for each in await self._ask([text]) or [lost]]
        return outcomes

    def broken_off(self, text: str) -> None:
        """Only its worker knows what it used."""

    async def _ask(self, texts: Sequence[str]) -> list[Outcome] | None:
        """The outcomes of a chunk; `None` where it ended its workers."""
        if reason := self._used_up():
            return [Outcome.failed(BudgetReached(reason), unasked=True) for _ in texts]
        future = self.send(tuple(texts), self.spending.left())
        reply = asyncio.ensure_future(future)
        try:
            await self._ended(reply)
            if reply.cancelled() or future.cancelled():
                raise ClusterError(_GONE)
            return self._counted(_outcomes(reply))
        finally:
            reply.cancel()
            future.release()

    def _counted(self, outcomes: list[Outcome] | None) -> list[Outcome] | None:
        for each in outcomes or ():
            self.spending.add(each.tokens, each.cost, each.calls)
        reason = self._used_up() or f"What is left of {self.spending.budget!r} is not enough for another question."
        return outcomes and [replace(each, message=reason) if each.unasked else each for each in outcomes]

    def _used_up(self) -> str:
        try:
            self.spending.check_model()
            self.spending.check_data()
        except BudgetReached as error:
            return str(error)
        return ""

    async def _ended(self, reply: asyncio.Future[Any]) -> None:
        """Wait for the end of a task; a `ClusterError` where it would never come: no worker or no client is left."""
        self._alive = monotonic()
        while monotonic() - self._alive < _COUNTS * _COUNT_SECONDS:
            if (await asyncio.wait([reply], timeout=_COUNT_SECONDS))[0]:
                self._alive = monotonic()
                return
            if self.client.status != "running":
                raise ClusterError(_GONE)
            with suppress(OSError, TimeoutError):
                self._alive = monotonic() if await self.own.nthreads() else self._alive
        raise ClusterError(_NO_WORKERS_LEFT)


def _outcomes(reply: asyncio.Future[Any]) -> list[Outcome] | None:
    """What a task returned; what it means that it raised an error."""
    error = reply.exception()
    if error is None:
        if isinstance(reply.result(), str):
            raise ClusterError(f"A worker of the cluster cannot answer: {reply.result()}")
        return reply.result()
    if type(error).__name__ == "KilledWorker":
        return None
    if isinstance(error, ImportError | AttributeError):
        raise ClusterError(
            f"The workers cannot load what the batch needs ({error}). Install the same finassist there."
        ) from error
    raise ClusterError(f"A worker failed with {type(error).__name__}: {error}") from error


# -------------------------------------------------------------------------------------- on a worker

_building = threading.Lock()


def answer_chunk(
    recipe: Recipe, batch: str, concurrency: int, texts: tuple[str, ...], budget: Budget
) -> list[Outcome] | str:
    """The outcomes of a chunk, or why none, in a thread of a worker; once the batch has ended, it is cancelled."""
    try:
        with _building:
            work, fetches, places = _prepared(recipe, batch, concurrency)
    except FinassistError as error:
        return str(error)
    asker, wanted = LocalAsker(work, Spending(budget), concurrency, fetches), _dask().Event(batch)
    with bridge.start(lambda _: _answer(asker, places, texts)) as inbox:
        while not isinstance(received := inbox.receive(_LOOK_SECONDS), Ended):
            if not wanted.is_set():
                return "The batch has ended."
        return received.result()


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
