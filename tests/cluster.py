"""What the workers of a test cluster ask: a source that notes what is done to it, and may never answer.

The workers load this module as a Dask preload, so that each of them knows the source by its name, as they would know a
provider of a user. Its folder is `CLUSTER_TEST_NOTES`; how it behaves is read from a file there at each call.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from agno.tools.finance import register_provider

from tests.worlds import ScriptedProvider, World

FOLDER = "CLUSTER_TEST_NOTES"


class NotedSource(ScriptedProvider):
    """Writes a line into a file for each thing that happens to it; every process writes into the same one."""

    def __init__(self) -> None:
        super().__init__(World(), 0)

    async def _act(self, need: str, symbol: str, fine: Any) -> Any:
        notes = Notes(Path(os.environ[FOLDER]))
        dials = notes.dials
        notes.write("asked", symbol)
        try:
            await (asyncio.Event().wait() if dials["stall"] in ("all", symbol) else asyncio.sleep(dials["delay"]))
        except asyncio.CancelledError:
            notes.write("cancelled", symbol)
            raise
        return await super()._act(need, symbol, fine)


class Notes:
    """What the sources of all processes have noted, and how they behave from now on."""

    def __init__(self, folder: Path) -> None:
        self._notes, self._dials = folder / "notes.txt", folder / "dials.json"

    def turn(self, delay: float = 0.001, stall: str = "") -> None:
        """Forget what was noted, and behave like this: `stall` is the symbol that waits for ever, or "all"."""
        self._notes.write_text("")
        self._dials.write_text(json.dumps({"delay": delay, "stall": stall}))

    @property
    def dials(self) -> dict[str, Any]:
        return json.loads(self._dials.read_text())

    def write(self, what: str, symbol: str) -> None:
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(f"{what} {symbol} {os.getpid()}\n")

    def of(self, what: str) -> list[tuple[str, int]]:
        """Symbol and process of everything of this kind."""
        lines = [line.split() for line in self._notes.read_text(encoding="utf-8").splitlines()]
        return [(symbol, int(process)) for done, symbol, process in lines if done == what]


def register() -> None:
    """Make the source known by its name in this process."""
    register_provider("noted", NotedSource)


def dask_setup(_: Any) -> None:
    """Called by Dask in each worker that has this module as a preload."""
    register()


def set_variable(name: str, value: str | None) -> None:
    """For `client.run`: a variable of the environment of a worker."""
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
