"""The timeline of a run: rows, ticks and words, read by the widget too, and a self-contained SVG of them.

JupyterLab drops SVG and styles in a notebook it does not trust, which is every notebook from another person. For
that case the HTML also holds the same picture as an image, in which nothing tells more on hover.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Any, Final

from markupsafe import Markup

from finassist.core.state import ROOT, RunState, Task, leaves
from finassist.reporting.sanitize import escape, rendered, style_sheet

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
    """One row: a task, in how many groups it is, whether it is one, and whether it is on the critical path."""

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


def in_short(state: RunState) -> str:
    """The same in fewer words, where the timeline is folded below them.

    Example:
        >>> in_short(RunState(status="completed", tasks=(Task("chat", "Answer", "run", 0, 1, "completed"),), elapsed=1))
        '1 task in 1.00 s'
    """
    if state.status != "completed" or not state.tasks:
        said = f"{how_far(state)}, {seconds(state.elapsed)}"
        return said[:1].upper() + said[1:]
    known = leaves(state.tasks)
    failed = sum(task.status == "error" for task in known)
    said = f"{len(known)} task{'s' * (len(known) != 1)} in {seconds(state.elapsed)}"
    return f"{said}, {failed} failed" if failed else said


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


COLOURS: Final = {"running": "#1765cc", "completed": "#0f7d66", "error": "#b42318", "cancelled": "#6b7280"}
"""Colours of statuses on white; attributes have them too, for pages that drop the style sheet, such as GitHub."""

CSS: Final = style_sheet("timeline.css")

# The attribute hides the SVG together with its words where it is dropped. Where it is kept, this rule shows it again,
# and only there: the style of one output applies to its whole page, where other outputs may have lost theirs.
BOX_CSS: Final = ".finassist-tl-box:has(svg)>div{display:block!important}.finassist-tl-box:has(svg)>img{display:none}"


@dataclass(frozen=True, repr=False)
class TimelineImage:
    """The timeline of a run: a notebook shows it; `str()` is the SVG, to be written to a file."""

    state: RunState

    def __str__(self) -> str:
        return timeline_svg(self.state)

    def __repr__(self) -> str:
        return f"<{summary_of(self.state)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # Not image/svg+xml: front ends put that into the page as it is, or not at all.
        return {"text/plain": repr(self), "text/html": timeline_html(self.state)}


# Nobody can point at a part of an image: its hints are only weight.
_HOVER: Final = re.compile(r'<title>[^<]*</title>(?:<rect [^>]*pointer-events="all"/>)?|<desc>[^<]*</desc>')


def timeline_html(state: RunState) -> str:
    """The timeline of a run for a notebook's output."""
    return boxed(timeline_svg(state), summary_of(state), _height(tracks(state)))


def boxed(picture: str, words: str, height: int) -> str:
    """An SVG of the class `finassist-tl` for a notebook's output, and an image of it where SVG is dropped."""
    source = b64encode(_HOVER.sub("", picture).encode()).decode()
    return (
        f'<div class="finassist-tl-box"><style>{BOX_CSS}</style><div style="display:none">{picture}</div>'
        f'<img alt="{escape(words)}" width="100%" height="{height}" '
        f'src="data:image/svg+xml;base64,{source}"></div>'
    )


def timeline_svg(state: RunState) -> str:
    """What happened when, as an SVG element that adapts to the width it is given.

    It is readable without its style sheet, in light and dark, and by those who hear it. The same state always gives
    the same text.
    """
    rows = tracks(state)
    return rendered(
        "timeline.svg.j2",
        summary=summary_of(state),
        path=", ".join(track.task.label for track in rows if track.critical),
        ticks=[(_x(tick, state.elapsed), tick_label(tick)) for tick in ticks(state.elapsed)],
        rows=[_drawn(*placed, state.elapsed) for placed in _placed(rows)],
        legend=list(_legend(rows)),
        height=_height(rows),
        css=Markup(CSS),
        look=LOOK,
        colours=COLOURS,
        ink="#1b1f24",
        dim="#59636e",
    )


def _drawn(track: Track, top: int, tall: int, now: float) -> dict[str, Any]:
    """A row as the template draws it."""
    task, slim = track.task, tall == LOOK["slim"]
    end = now if task.end is None else task.end
    return {
        "track": track,
        "top": top,
        "tall": tall,
        "slim": slim,
        "middle": top + tall / 2,
        "bar": (_x(task.start, now), _x(max(end, task.start + now * 0.005), now)),
        "width": LOOK["slim"] - 1 if slim else LOOK["group" if track.group else "bar"],
        "time": seconds(end - task.start),
        "hint": describe(track, now),
    }


def _height(rows: Sequence[Track]) -> int:
    """The height of the whole picture, in pixels."""
    return LOOK["top"] + sum(tall for _, _, tall in _placed(rows)) + LOOK["row"] + 3


def _placed(rows: Sequence[Track]) -> Iterator[tuple[Track, int, int]]:
    """Each row with its top and its height in pixels."""
    y, many = LOOK["top"], len(rows) > LOOK["many"]
    for track in rows:
        tall = LOOK["slim"] if many and not track.group and track.depth else LOOK["row"]
        yield track, y, tall
        y += tall


def _x(time: float, span: float) -> str:
    share = min(1.0, max(0.0, time / span)) if span > 0 and isfinite(time / span) else 0.0
    return f"{LOOK['left'] + LOOK['wide'] * share:.2f}%"


def _legend(rows: Sequence[Track]) -> Iterator[tuple[str, str, int]]:
    """What the shapes mean that occur, and at last the line below a bar, each with its place from the left."""
    x = 8
    for status, word in WORDS.items():
        if any(track.task.status == status for track in rows):
            yield status, word, x
            x += 26 + 7 * len(word)
    if any(track.critical for track in rows):
        yield "", "critical path", x
