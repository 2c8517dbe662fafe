"""Who is told that a source has to be asked again: whoever waits for it, through the context of the request."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

type Listener = Callable[[str], None]

_listener: ContextVar[Listener | None] = ContextVar("finassist_retries", default=None)


def announce(reason: str) -> None:
    """A request is sent again. Called by whoever owns the retries of a source, before each further attempt.

    Example:
        >>> with heard_by(print):
        ...     announce("The source did not answer.")
        The source did not answer.
    """
    if (listener := _listener.get()) is not None:
        listener(reason)


@contextmanager
def heard_by(listener: Listener) -> Generator[None]:
    """Inside, `listener` is told. Not afterwards, even by a request that goes on because others wait for it, too."""
    listening = True

    def while_listening(reason: str) -> None:
        if listening:
            listener(reason)

    token = _listener.set(while_listening)
    try:
        yield
    finally:
        listening = False
        _listener.reset(token)
