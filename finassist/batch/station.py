"""A worker's side of a batch: chunks of questions, asked on the private loop of its process.

A thread of the worker waits for its chunk and looks whether it is still wanted; the questions are asked on the private
loop, so that clients stay warm from one chunk to the next. What a process was asked to build, it builds once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from finassist.batch.asking import Asker
from finassist.batch.budget import Spending
from finassist.batch.chunks import Order, Recipe, Reply, Used, plain, spending_of, used_since
from finassist.batch.recipe import Pickler, built
from finassist.batch.sharing import Sharing
from finassist.core.errors import FinassistError
from finassist.core.logging import hush
from finassist.core.portal import Ended, Post, bridge
from finassist.runtime.context import Runtime

if TYPE_CHECKING:
    from finassist.batch.work import Work

_LOOK: Final = 0.05
_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class AllBegun:
    """The last question of a chunk is begun: places are free for those of another chunk."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is said between a chunk and the cluster it runs on.

    Attributes:
        wanted: Whether somebody still waits for it.
        give_way: Lets the worker begin another chunk beside this one; called once, in the thread of the chunk.
        report: Told again and again what the chunk has used, in case that its process ends.
    """

    wanted: Callable[[], bool]
    give_way: Callable[[], None]
    report: Callable[[Used], None]


@dataclass(frozen=True, slots=True)
class Station:
    """What the chunks of one batch share in one process.

    Attributes:
        work: What is done with each question, and with whom.
        sharing: What questions have fetched for each other.
        room: As many places as questions are asked at the same time.
    """

    work: Work
    sharing: Sharing
    room: asyncio.Semaphore

    async def ask(self, order: Order, spending: Spending, post: Post) -> Reply:
        """Ask the questions of a chunk in a task group of its own; posts `AllBegun` where there is more room."""
        hush()
        asker = Asker(self.work, self.sharing, spending)
        outcomes: list[dict[str, Any] | None] = [None] * len(order["texts"])
        questions = iter(enumerate(order["texts"]))
        try:
            async with asyncio.timeout(order["seconds"]), asyncio.TaskGroup() as group:
                for _ in range(min(order["concurrency"], len(outcomes))):
                    group.create_task(self._work(questions, asker, outcomes, post), name="finassist-worker")
        except TimeoutError:
            pass  # what is not finished stays None, and is asked elsewhere
        return {"outcomes": outcomes, "used": used_since(spending, order["used"])}

    async def _work(
        self, questions: Iterator[tuple[int, str]], asker: Asker, outcomes: list[dict[str, Any] | None], post: Post
    ) -> None:
        for place, text in questions:
            async with self.room:
                if place == len(outcomes) - 1:
                    post(AllBegun())
                outcomes[place] = plain(await asker.ask(text))


def answer(order: Order, task: Task, pickler: Pickler) -> Reply:
    """Answer a chunk; called in a thread. As soon as it is not wanted any more, its questions are cancelled."""
    try:
        station = _station(order, pickler)
    except FinassistError as error:
        return {"problem": str(error)}
    spending = spending_of(order)
    with bridge.start(lambda post: station.ask(order, spending, post)) as inbox:
        while True:
            match inbox.receive(_LOOK):
                case Ended() as ended:
                    return ended.result()
                case _ if not task.wanted():
                    return {"lost": True}
                case AllBegun():
                    task.give_way()
                case _:
                    pass
            task.report(used_since(spending, order["used"]))


_building = threading.Lock()
_runtimes: OrderedDict[str, Runtime] = OrderedDict()
_stations: OrderedDict[str, Station] = OrderedDict()


def _station(order: Order, pickler: Pickler) -> Station:
    from finassist.batch.work import work_of

    with _building:
        if order["batch"] not in _stations:
            work = work_of(_runtime(order["recipe"], pickler), order["recipe"]["across"])
            room = asyncio.Semaphore(order["concurrency"])
            _stations[order["batch"]] = Station(work, Sharing(work.runtime.provider), room)
            if len(_stations) > _KEPT:
                _stations.popitem(last=False)
        return _stations[order["batch"]]


def _runtime(recipe: Recipe, pickler: Pickler) -> Runtime:
    """The runtime of a recipe; one that was built before is warm."""
    name = repr(recipe)
    if name not in _runtimes:
        _runtimes[name] = built(recipe, pickler)
        if len(_runtimes) > _KEPT:
            _runtimes.popitem(last=False)[1].close()
    return _runtimes[name]
