"""Ending the use of a workflow: `close()`, `await aclose()`, `with` and `async with`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Self

from finassist.runtime.context import HasRuntime
from finassist.sessions.summary import Summariser


class Closing(HasRuntime):
    """What is held open between runs, and how it is closed. Closed, a workflow can still be asked: it opens it again.

    Connections close by themselves when their event loop ends, and when the process does. Closing them earlier is for
    long-lived processes, and for a file that has to be moved.

    Attributes:
        summariser: Who condenses long conversations once their answers were given; `wait()` waits for that.
    """

    summariser: Summariser

    def close(self) -> None:
        """Wait for summaries under way, then close connections and files.

        Connections of an event loop that runs elsewhere are closed there, as soon as it gets to it.
        """
        try:
            self.summariser.wait()
        finally:
            self.runtime.close()

    async def aclose(self) -> None:
        """`close()` for a running loop: does not block it, and its connections are closed when this returns."""
        async with AsyncExitStack() as stack:
            for each in reversed(self.runtime.closeable()):
                stack.callback(each.close)  # what is left on other loops
                stack.push_async_callback(each.aclose)
            await self.summariser.await_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
