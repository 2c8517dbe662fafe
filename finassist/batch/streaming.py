"""The results of a batch as an async iterator: the batch waits while nobody takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from finassist.batch.job import Job
from finassist.batch.results import Result
from finassist.core.tasks import settle


async def streamed(job: Job) -> AsyncGenerator[Result]:
    """Run a job in a task of its own, and hand on its results as they come.

    Leaving the iteration stops the batch; what was recorded is kept. The queue is bounded: an async generator must not
    `yield` inside a task group (PEP 789), and a reader that is slow must not let results pile up.
    """
    queue: asyncio.Queue[Result | None] = asyncio.Queue(maxsize=job.concurrency)
    task = asyncio.create_task(_run(job, queue), name="finassist-batch")
    try:
        while (result := await queue.get()) is not None:
            yield result
        await task
    finally:
        task.cancel()
        await settle(task)


async def _run(job: Job, queue: asyncio.Queue[Result | None]) -> None:
    try:
        await job.run(queue.put)
    except asyncio.CancelledError:
        raise  # whoever cancels this does not read any more, and the queue may be full
    except BaseException:
        await queue.put(None)
        raise
    await queue.put(None)
