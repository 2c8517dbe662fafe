"""One job five ways: many operations that wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

type Operation = Callable[[], None]
type AsyncOperation = Callable[[], Coroutine[Any, Any, object]]


async def task_group(operation: AsyncOperation, count: int) -> None:
    """A task each, in one `TaskGroup`."""
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(operation())


async def gathered(operation: AsyncOperation, count: int) -> None:
    """`asyncio.gather`."""
    await asyncio.gather(*(operation() for _ in range(count)))


async def in_turn(operation: AsyncOperation, count: int) -> None:
    """One after the other."""
    for _ in range(count):
        await operation()


def pooled(operation: Operation, count: int, workers: int | None) -> None:
    """A pool of threads, made for the job as the ancestor did; `None` workers is Python's own number."""
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(operation) for _ in range(count)]:
            done.result()


def timed(work: Callable[[], None]) -> float:
    """Seconds it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


async def atimed(work: Awaitable[None]) -> float:
    """Seconds it takes."""
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


def interleaved(contenders: Sequence[Callable[[], float]], rounds: int) -> list[list[float]]:
    """What each contender took, round by round; the order turns, so that nobody is always first.

    Example:
        >>> interleaved([lambda: 1.0, lambda: 2.0], rounds=3)
        [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    taken: list[list[float]] = [[0.0] * rounds for _ in contenders]
    for number in range(rounds):
        for place in range(len(contenders)):
            which = (number + place) % len(contenders)
            taken[which][number] = contenders[which]()
    return taken
