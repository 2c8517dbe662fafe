"""What the timeline of a run shows: rows, ticks, words, sizes and shapes. Pure; read by the SVG and by the widget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Any, Final

from finassist.core.state import ROOT, RunState, Task, leaves

WORDS: Final = {"running": "running", "completed": "done", "error": "failed", "cancelled": "stopped"}
"""Statuses in plain words."""

LOOK: Final[dict[str, Any]] = {
    "left": 33,
    "wide": 54,
    "top": 24,
    "row": 21,
    "bar": 10,
    "group": 4,
    "slim": 5,
    "indent": 13,
    "many": 40,
    "words": WORDS,
    "dashes": {"error": "5 2", "cancelled": "2 3"},
    "shapes": {
        "running": "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
        "completed": "M-4 .5l2.8 3l5-7",
        "error": "M-3.5-3.5l7 7m0-7l-7 7",
        "cancelled": "M-3-3h6v6h-6z",
    },
}
"""How both renderers draw: bars begin at `left` and reach `wide` further, in percent of the width; heights are in
pixels; from `many` rows on only groups have labels, so that all rows fit on a screen. Each status has a shape and a
dash pattern, so that colour is never the only sign."""


@dataclass(frozen=True, slots=True)
class Track:
    """One row.

    Attributes:
        task: The task it shows.
        depth: How many groups it is in.
        group: Whether other tasks are part of it.
        critical: Whether it is on the critical path.
    """

    task: Task
    depth: int
    group: bool
    critical: bool


def tracks(state: RunState) -> list[Track]:
    """The tasks of a run, each followed by its parts. The critical path is known only at the end."""
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


def describe(track: Track, now: float) -> str:
    """A row in words, for tooltips and screen readers.

    Example:
        >>> describe(Track(Task("chat", "Answer", "run", 0.5, 1.0, "completed"), 0, False, True), 1.0)
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


def summary_of(state: RunState) -> str:
    """One line on a run.

    Example:
        >>> summary_of(RunState(status="completed", elapsed=0.25))
        'Timeline of the run: no tasks, 250 ms'
    """
    return f"Timeline of the run: {how_far(state)}, {seconds(state.elapsed)}"


def how_far(state: RunState) -> str:
    """How a run ended and how much of it was done.

    Example:
        >>> how_far(RunState(status="cancelled"))
        'stopped, no tasks'
    """
    found = Counter(task.status for task in leaves(state.tasks))
    failed = f", {found['error']} failed" if found["error"] else ""
    work = f"{found['completed']} of {state.progress[1]} tasks done{failed}" if state.tasks else "no tasks"
    word = "" if state.status == "completed" else f"{WORDS.get(state.status, state.status)}, "
    return f"{word}{work}"
