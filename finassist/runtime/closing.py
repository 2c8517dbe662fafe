"""Ending the use of a workflow: `close()`, `await aclose()`, `with` and `async with`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Self

from finassist.sessions.store import Store
from finassist.sessions.summary import Summariser


class Closing:
    """What is held open between runs, and how it is closed. Closed, a workflow can still be asked: it opens it again.

    Connections close by themselves when their event loop ends, and when the process does. Closing them earlier is for
    long-lived processes, and for a file that has to be moved.

    Attributes:
        store: Where sessions are stored.
        mine: The model and the provider, if the workflow opened them by name; what a user handed in is the user's.
        summariser: Who condenses long conversations once their answers were given; `wait()` waits for that.
    """

    store: Store
    mine: tuple[Any, ...]
    summariser: Summariser

    def close(self) -> None:
        """Wait for summaries under way, then close connections and files.

        Connections of an event loop that runs elsewhere are closed there, as soon as it gets to it.
        """
        with ExitStack() as stack:
            for each in reversed(self._open()):
                stack.callback(each.close)
            self.summariser.wait()

    async def aclose(self) -> None:
        """`close()` for a running loop: does not block it, and its connections are closed when this returns."""
        async with AsyncExitStack() as stack:
            for each in reversed(self._open()):
                stack.callback(each.close)  # what is left on other loops
                stack.push_async_callback(each.aclose)
            await self.summariser.await_all()

    def _open(self) -> list[Any]:
        return [each for each in (*self.mine, self.store) if hasattr(each, "aclose")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def opened_by_name(pairs: Iterable[tuple[Any, Any]]) -> tuple[Any, ...]:
    """What was made from a name, of pairs of what there is and what was asked for.

    Example:
        >>> opened_by_name([("a model", "openai"), ("a provider", None), ("another", object())])
        ('a model', 'a provider')
    """
    return tuple(thing for thing, asked in pairs if asked is None or isinstance(asked, str))
