"""The process a run is part of: a kernel and its cell, interrupts, files, and Agno's logs, quiet in our runs."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from finassist.core.errors import ConfigurationError, MissingExtra

_ours: ContextVar[bool] = ContextVar("finassist_run", default=False)


class _OurRunsAreQuiet(logging.Filter):
    """Agno logs what our events and errors say already; other Agno runs in the process keep their logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _ours.get() or logging.getLogger("agno").level <= logging.DEBUG


_quiet = _OurRunsAreQuiet()


def hush_logs(*names: str) -> None:
    """Let these loggers be quiet in our runs; logging is as before everywhere else."""
    for name in names:
        logging.getLogger(name).addFilter(_quiet)


hush_logs("agno", "agno-workflow")


def hush() -> None:
    """Mark the current context as one of our runs."""
    _ours.set(True)


def check_ordinary(path: Path, *siblings: str) -> Path:
    """The path, where it and what SQLite keeps next to it are files or nothing: reading a pipe may never end.

    Raises:
        OSError: It is a pipe or a device.
    """
    for each in (path, *(Path(f"{path}{ending}") for ending in siblings)):
        if each.exists() and not each.is_file() and not each.is_dir():
            raise OSError(errno.EINVAL, "it is a pipe or a device and not a file", str(each))
    return path


WORKBOOK = {".xlsx": "openpyxl"}
"""How the name of a workbook ends, and the package that it takes."""


def check_form(path: Path, packages: Mapping[str, str]) -> str:
    """What the name of a file ends in, if a file of this form can be written; `packages` has all forms.

    Raises:
        MissingExtra: The package that it takes is not installed.
        ConfigurationError: The name ends in something else.
    """
    ending = path.suffix.lower()
    if ending not in packages:
        raise ConfigurationError(
            f"The name of a file must end in {', '.join(packages)}, so that it says how to write it."
        )
    try:
        import_module(packages[ending])
    except ImportError as error:
        needs = f"{ending} files need the package {packages[ending]}."
        raise MissingExtra(f"{needs} Run: pip install 'finassist[export]'") from error
    return ending


def check_new_file(path: str | Path, packages: Mapping[str, str]) -> Path:
    """The path, if a file of one of these forms can be written there; to be asked before the work that makes it.

    Raises:
        MissingExtra: The package that it takes is not installed.
        ConfigurationError: The name does not say how to write it, or its folder is not there.
    """
    check_form(target := Path(path), packages)
    if not target.parent.is_dir():
        raise ConfigurationError(f"There is no folder {target.parent}. Create it, or write to another.")
    return target


def written_whole(path: Path, write: Callable[[Path], None]) -> Path:
    """The path of a file that is replaced once the new one is whole.

    Raises:
        OSError: A pipe or a device has this name.
    """
    target = check_ordinary(path)
    part = target.with_name(f".{target.name}.part")
    try:
        write(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


DATABASE = ("-journal", "-wal", "-shm")
"""What SQLite keeps next to a file."""


def quietly[T](work: Callable[[], T]) -> T:
    """Do the work as if inside one of our runs; outside it everything is as before."""
    context = copy_context()
    context.run(hush)
    return context.run(work)


def shell() -> Any | None:
    """The IPython shell of a running kernel, or `None` in a script, a terminal or a test.

    Example:
        >>> shell() is None
        True
    """
    module = sys.modules.get("IPython")  # a kernel has imported it; other processes do not need it
    found = module.get_ipython() if module is not None else None
    return found if getattr(found, "kernel", None) is not None else None


def running_cell() -> int | None:
    """The number of the cell that is being executed, or `None` outside a kernel."""
    found = shell()
    return None if found is None else int(found.execution_count)


def on_display() -> bool:
    """Whether what is displayed now appears under the cell a person is waiting for."""
    return shell() is not None and threading.current_thread() is threading.main_thread()


def awaited_by_cell() -> bool:
    """Whether the current task is the one that executes a cell: not one that the cell started beside it.

    Only the name of ipykernel's coroutine tells; `tests/test_kernel.py` notices if that changes.
    """
    task = asyncio.current_task()
    code = getattr(task.get_coro(), "cr_code", None) if task else None
    return on_display() and "run_cell" in getattr(code, "co_name", "")


@dataclass
class Interrupts:
    """What one sync run does about interrupts."""

    heard: bool = False  # whether there was one
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
