"""Press Ctrl-C before the n-th line of our own that the main thread runs: a real signal, at an exact place."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import finassist

_ROOT = str(Path(finassist.__file__).parent)


class Interruption:
    """Counts lines of the named modules, and presses Ctrl-C at one of them."""

    def __init__(self, at: int, modules: tuple[str, ...]) -> None:
        self.count, self._at = 0, at
        self._files = {f"{_ROOT}/{module}" for module in modules}

    @contextmanager
    def watching(self) -> Generator[None]:
        # A process that was started in the background ignores Ctrl-C, and so would its tests.
        usual = signal.signal(signal.SIGINT, signal.default_int_handler)
        previous = sys.gettrace()
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(previous)
            signal.signal(signal.SIGINT, usual)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None
        if event == "line":
            self.count += 1
            if self.count == self._at:
                signal.raise_signal(signal.SIGINT)
        return self._trace
