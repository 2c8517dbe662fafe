"""Agno logs what our events and errors say already; inside our runs it keeps quiet, elsewhere it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar, copy_context

_ours: ContextVar[bool] = ContextVar("finassist_run", default=False)


class _OurRunsAreQuiet(logging.Filter):
    """Agno logs what our events and errors say already; other Agno runs in the process keep their logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _ours.get() or logging.getLogger("agno").level <= logging.DEBUG


for _name in ("agno", "agno-workflow"):
    logging.getLogger(_name).addFilter(_OurRunsAreQuiet())


def hush() -> None:
    """Mark the current context as one of our runs."""
    _ours.set(True)


def quietly[T](work: Callable[[], T]) -> T:
    """Do the work as if inside one of our runs; outside it everything is as before."""
    context = copy_context()
    context.run(hush)
    return context.run(work)
