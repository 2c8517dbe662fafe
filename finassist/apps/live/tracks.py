"""What a timeline shows, row by row and tick by tick, without saying how it is drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Final

from finassist.core.state import ROOT, RunState, Task

MANY: Final = 40
"""Rows from which on only groups have a name of their own, so that all of them fit on a screen."""

WORDS: Final = {"running": "running", "completed": "done", "error": "failed", "cancelled": "stopped"}
"""Statuses as a reader would say them."""


@dataclass(frozen=True, slots=True)
class Track:
    """One row.

    Attributes:
        task: What it is about.
        depth: How many groups it is in.
        group: Whether others are part of it.
        critical: Whether the run could not have ended before it did.
    """

    task: Task
    depth: int
    group: bool
    critical: bool


def tracks(state: RunState) -> list[Track]:
    """The tasks of a run, each followed by those that are part of it. The critical path is known at the end."""
    known = {task.name for task in state.tasks}
    children: dict[str, list[Task]] = {}
    for task in state.tasks:
        inside = task.parent in known and task.parent != task.name
        children.setdefault(task.parent if inside else ROOT, []).append(task)
    critical = set(state.critical_path) if state.ended else set[str]()
    placed: set[str] = set()

    def walk(parent: str, depth: int) -> Iterator[Track]:
        for task in children.get(parent, ()):
            if task.name not in placed:
                placed.add(task.name)
                yield Track(task, depth, task.name in children, task.name in critical)
                yield from walk(task.name, depth + 1)

    return list(walk(ROOT, 0))


def seconds(value: float) -> str:
    """A duration as it is read at a glance.

    Example:
        >>> seconds(0.0314), seconds(1.25), seconds(31.4), seconds(125)
        ('31 ms', '1.25 s', '31.4 s', '2:05 min')
    """
    if not isfinite(value):
        return "unknown"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 100:
        return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}:{rest:02d} min"


def tick_label(time: float) -> str:
    """A round time, without zeros at its end.

    Example:
        >>> tick_label(0), tick_label(0.0005), tick_label(0.2), tick_label(1.5), tick_label(120)
        ('0', '0.5 ms', '200 ms', '1.5 s', '2:00 min')
    """
    if not 0 < time < 100:
        return seconds(time) if time else "0"
    return f"{time * 1000:.6g} ms" if time < 1 else f"{time:.6g} s"


def ticks(span: float, most: int = 4) -> list[float]:
    """Round times from 0 to at most `span`, at most `most` of them after 0.

    Example:
        >>> ticks(1.1), ticks(0.0)
        ([0.0, 0.5, 1.0], [0.0])
    """
    if not 1e-9 < span < 1e9:
        return [0.0]
    power = 10.0 ** floor(log10(span / most))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if span / step <= most)
    return [step * i for i in range(int(span / step + 1e-9) + 1)]


def told(track: Track, now: float) -> str:
    """A row in words, for the hover and for those who hear it.

    Example:
        >>> told(Track(Task("chat", "Answer", "run", 0.5, 1.0, "completed"), 0, False, True), 1.0)
        'Answer: done, 500 ms (from 500 ms to 1.00 s), on the critical path'
    """
    task = track.task
    end = now if task.end is None else task.end
    parts = [
        f"{task.label}: {WORDS[task.status]}, {seconds(end - task.start)}"
        f" (from {seconds(task.start)}{'' if task.end is None else f' to {seconds(end)}'})",
        f"asked {task.attempts} times" if task.attempts > 1 else "",
        "on the critical path" if track.critical else "",
        task.detail,
    ]
    return ", ".join(part for part in parts if part)
