"""Real Jupyter kernels for the tests: folders of their own, no network, cells run one at a time.

A kernel is driven over Jupyter's own messages, as a notebook does it. Nothing here sleeps: every wait is for a
message, under one deadline.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

DEADLINE = 60

# Python asks every audit hook before it connects or looks up a name; ZeroMQ, which carries the kernel's own
# messages, does not go through Python's sockets.
NO_NETWORK = """
import sys

_LOCAL = ("127.", "::1", "localhost")

def _refuse(event, args):
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto"):
        host = args[1][0] if isinstance(args[1], tuple) else None
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host and not host.startswith(_LOCAL):
        raise OSError(f"the network is off in this test: {event} {host}")

sys.addaudithook(_refuse)
"""


def kernel_environment(root: Path) -> dict[str, str]:
    """An environment without keys and network, in which everything that is written goes below `root`."""
    startup = root / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "sitecustomize.py").write_text(NO_NETWORK)
    folders = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "FINASSIST_HOME")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_API_KEY") and not name.startswith("FINASSIST_")
    }
    paths = [str(startup), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **kept,
        **{name: str(root / name.lower()) for name in folders},
        "PYTHONPATH": os.pathsep.join(paths),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def kernel_manager(root: Path) -> AsyncKernelManager:
    """A manager of one kernel on the interpreter that runs the tests, whatever kernels the user has installed."""
    return AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True),
        connection_file=str(root / "kernel.json"),
    )


@dataclass
class Cell:
    """What a cell left behind, and how long it ran on after an interrupt: to be shown, not to be asserted."""

    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    traceback: list[str] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)
    displays: dict[str, int] = field(default_factory=dict)
    seconds_to_stop: float | None = None

    def lines(self) -> list[str]:
        return self.stdout.splitlines()


class Kernel:
    """One kernel, used with `with`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folder = root / "work"
        self._folder.mkdir(parents=True)
        self._manager = kernel_manager(root)

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._runner.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    def run(self, code: str) -> Cell:
        """Run a cell to its end."""
        return self._runner.run(self._execute(code))

    def interrupt(self, code: str, sentinel: str) -> Cell:
        """Run a cell, press stop as soon as it has printed `sentinel`, and wait for its end."""
        return self._runner.run(self._execute(code, sentinel))

    async def _start(self) -> None:
        await self._manager.start_kernel(env=kernel_environment(self.root), cwd=str(self._folder))
        self._client = self._manager.client()
        self._client.start_channels()
        await self._client.wait_for_ready(timeout=DEADLINE)

    async def _stop(self) -> None:
        self._client.stop_channels()
        await self._manager.shutdown_kernel(now=True)

    async def _execute(self, code: str, sentinel: str | None = None) -> Cell:
        cell = Cell()
        async with asyncio.timeout(DEADLINE):
            sent = self._client.execute(code, stop_on_error=False)
            if sentinel is not None:
                await self._read(cell, sent, lambda _: sentinel in cell.stdout)
                await self._manager.interrupt_kernel()
            pressed = perf_counter()
            await self._read(cell, sent, _is_idle)
            cell.seconds_to_stop = None if sentinel is None else perf_counter() - pressed
            await self._reply(sent)
        return cell

    async def _read(self, cell: Cell, sent: str, enough: Callable[[dict[str, Any]], bool]) -> None:
        while True:
            message = await self._client.get_iopub_msg()
            if message["parent_header"].get("msg_id") == sent:
                _record(cell, message)
                if enough(message):
                    return

    async def _reply(self, sent: str) -> None:
        while (await self._client.get_shell_msg())["parent_header"].get("msg_id") != sent:
            pass


def _is_idle(message: dict[str, Any]) -> bool:
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def _record(cell: Cell, message: dict[str, Any]) -> None:
    content = message["content"]
    match message["msg_type"]:
        case "stream" if content["name"] == "stdout":
            cell.stdout += content["text"]
        case "stream":
            cell.stderr += content["text"]
        case "error":
            cell.error, cell.traceback = content["ename"], content["traceback"]
        case "display_data" | "execute_result":
            cell.shown.append(content["data"])
            cell.displays[content.get("transient", {}).get("display_id", "")] = len(cell.shown) - 1
        case "update_display_data":
            place = cell.displays.get(content["transient"]["display_id"])
            if place is not None:  # else it is of an earlier cell
                cell.shown[place] = content["data"]
        case _:
            pass
