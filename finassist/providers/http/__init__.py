"""Requests to sources over HTTP, and who wants to know that one is sent again: the caller that waits for it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

type Callback = Callable[[str], None]

_callback: ContextVar[Callback | None] = ContextVar("finassist_retries", default=None)


def report_retry(reason: str) -> None:
    """A request is sent again. Called before each further attempt.

    Example:
        >>> with on_retry(print):
        ...     report_retry("The source did not answer.")
        The source did not answer.
    """
    if (callback := _callback.get()) is not None:
        callback(reason)


@contextmanager
def on_retry(callback: Callback) -> Generator[None]:
    """Inside, `callback` gets each reason; not afterwards, even if a shared request continues for other callers."""
    active = True

    def while_active(reason: str) -> None:
        if active:
            callback(reason)

    token = _callback.set(while_active)
    try:
        yield
    finally:
        active = False
        _callback.reset(token)
