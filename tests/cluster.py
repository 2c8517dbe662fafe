"""What the workers of a test cluster ask: a source that notes what is done to it, and may end its process."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from tests.worlds import ScriptedProvider, World


class NotedSource(ScriptedProvider):
    """Writes a line into a file for each thing that happens to it; every process writes into the same one."""

    def __init__(self, notes: Path, delay: float = 0.001, poison: str = "", stall: bool = False) -> None:
        super().__init__(World(), delay)
        self.notes, self.poison, self.stall = notes, poison, stall

    async def _act(self, need: str, symbol: str, fine: Any) -> Any:
        self.note("asked", symbol)
        if symbol == self.poison:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.stall:
            try:
                await asyncio.Event().wait()
            finally:
                self.note("cancelled", symbol)
        return await super()._act(need, symbol, fine)

    def note(self, what: str, symbol: str) -> None:
        with self.notes.open("a", encoding="utf-8") as file:
            file.write(f"{what} {symbol} {os.getpid()}\n")

    def noted(self, what: str) -> list[tuple[str, int]]:
        if not self.notes.exists():
            return []
        lines = [line.split() for line in self.notes.read_text(encoding="utf-8").splitlines()]
        return [(symbol, int(process)) for done, symbol, process in lines if done == what]


class KeyHolder(ScriptedProvider):
    """Somebody's own source, which keeps its key in a plain attribute."""

    def __init__(self, key: str | None) -> None:
        super().__init__(World())
        self.api_key = key


def set_variable(name: str, value: str | None) -> None:
    """For `client.run`: a variable of the environment of a worker."""
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
