"""Ctrl-C and the stop button during a sync run: heard at once, acted on where nothing can break.

Python raises `KeyboardInterrupt` between any two lines: in the middle of Agno's reading or saving, which leaves the
database adapter broken for good, or where some `except` swallows it. And in a cell that contains an `await`,
ipykernel's own handler does not raise at all: it asks the loop to cancel the cell, and a sync run keeps that loop busy.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Interrupts:
    """What one sync run does about interrupts.

    Attributes:
        heard: Whether there was one.
    """

    heard: bool = False
    _breakable: bool = False

    @contextmanager
    def deferred(self) -> Generator[None]:
        """Inside, the first interrupt is only noted, outside `breakable()`; a second one raises wherever it is.

        Only the main thread gets interrupts; in any other, and where they are ignored, nothing changes.
        """
        previous = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(previous):
            yield
            return
        signal.signal(signal.SIGINT, self._hear)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)

    @contextmanager
    def breakable(self) -> Generator[None]:
        """Inside, an interrupt raises: for a call that waits long and does not look whether it is to stop."""
        if self.heard:
            raise KeyboardInterrupt
        self._breakable = True
        try:
            yield
        finally:
            self._breakable = False

    def _hear(self, *_: Any) -> None:
        again, self.heard = self.heard, True
        if self._breakable or again:
            raise KeyboardInterrupt
