"""Cancel a coroutine at its n-th suspension point, wherever in its tree of tasks that is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Suspensions:
    """Counts every time any task of the loop is about to wait, and acts at one of them."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.count, self._at, self._act = 0, at, act

    def reached(self) -> None:
        self.count += 1
        if self.count == self._at:
            self._act()

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
            return asyncio.Task(_Counted(coroutine, self), loop=loop, **options)

        loop.set_task_factory(factory)


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that tells when it suspends."""

    def __init__(self, inner: Coroutine[Any, Any, Any], suspensions: Suspensions) -> None:
        self._inner, self._suspensions = inner, suspensions
        self.__name__ = getattr(inner, "__name__", "counted")
        self.__qualname__ = getattr(inner, "__qualname__", "counted")

    def send(self, value: Any) -> Any:
        waits_for = self._inner.send(value)
        self._suspensions.reached()
        return waits_for

    def throw(self, *error: Any) -> Any:
        waits_for = self._inner.throw(*error)
        self._suspensions.reached()
        return waits_for

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Any:
        raise RuntimeError("only for tasks")
