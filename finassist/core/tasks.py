"""Two questions about asyncio tasks, is it done whatever happens, and am I being cancelled; and work in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


async def settle(task: asyncio.Task[Any]) -> None:
    """Wait until `task` is done, however often the waiting itself is cancelled meanwhile."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue


def cancelling() -> bool:
    """Whether the current task is being cancelled; if not, a `CancelledError` was raised by what it awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def in_thread[**P, T](work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """`asyncio.to_thread`; cancelled, it ends when the thread does: what is written is written in order."""
    task = asyncio.create_task(asyncio.to_thread(work, *args, **options))
    try:
        return await asyncio.shield(task)
    finally:
        await settle(task)
