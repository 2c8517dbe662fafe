"""Requests to sources over HTTP, and who wants to know that one is sent again: the caller that waits for it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

_callback: ContextVar[Callable[[str], None] | None] = ContextVar("finassist_retries", default=None)


def report_retry(reason: str) -> None:
    """A request is sent again. Called before each further attempt."""
    if (callback := _callback.get()) is not None:
        callback(reason)


@contextmanager
def on_retry(callback: Callable[[str], None]) -> Generator[None]:
    """Inside, `callback` gets each reason; not afterwards, even if a shared request continues for other callers.

    Example:
        >>> with on_retry(print):
        ...     report_retry("The source did not answer.")
        The source did not answer.
    """
    active = True
    token = _callback.set(lambda reason: callback(reason) if active else None)
    try:
        yield
    finally:
        active = False
        _callback.reset(token)
