"""The timeline of a run as one self-contained SVG: no script, nothing remote, every text escaped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Any, Final

from finassist.apps.live.palette import CSS, DIM, FALLBACK, INK, LINE, LOOK, PAPER
from finassist.apps.live.tracks import MANY, WORDS, Track, seconds, tick_label, ticks, told, tracks
from finassist.core.state import RunState
from finassist.core.task_list import leaves
from finassist.reporting.html.sanitize import escape

_LOOK: Final[dict[str, Any]] = dict(LOOK)
_CLASS: Final = re.compile(r' class="tl-\w+"').sub
_DASHES: Final = {"error": ' stroke-dasharray="5 2"', "cancelled": ' stroke-dasharray="2 3"'}


def timeline_svg(state: RunState) -> str:
    """What happened when, as an SVG element that adapts to the width it is given.

    It is readable without its style sheet, in light and dark, and by those who hear it. The same state always gives
    the same text.
    """
    rows = tracks(state)
    summary = escape(summary_of(state))
    words = f"<title>{summary}</title><desc>{escape(_desc(rows))}</desc><style>{CSS}</style>"
    picture, height = _drawn(state, rows, lambda track: f"<title>{escape(told(track, state.elapsed))}</title>")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="finassist-tl" role="img" aria-label="{summary}" '
        f'width="100%" height="{height}" font-family="system-ui,sans-serif" font-size="12">{words}{picture}</svg>'
    )


def picture_svg(state: RunState) -> tuple[str, int]:
    """The same for an image, which has neither a page around it nor hovering: the SVG, and its height in pixels."""
    picture, height = _drawn(state, tracks(state), lambda _: "")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="{height}" font-family="system-ui,sans-serif"'
    return f'{head} font-size="12">{_CLASS("", picture)}</svg>', height


def _drawn(state: RunState, rows: Sequence[Track], hint: Callable[[Track], str]) -> tuple[str, int]:
    """What is drawn, and how high it is; `hint` is what hovering over a row shows."""
    shown = list(_placed(rows))
    height = (shown[-1][1] + shown[-1][2] if shown else _LOOK["top"]) + _LOOK["row"] + 3
    parts = [
        f'<rect class="tl-paper" width="100%" height="100%" fill="{PAPER}"/>',
        *_grid(state.elapsed, height - _LOOK["row"]),
        *(_row(track, y, tall, state.elapsed, hint(track)) for track, y, tall in shown),
        _legend(rows, height),
    ]
    return "".join(parts), height


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


def _placed(rows: Sequence[Track]) -> Iterator[tuple[Track, int, int]]:
    """Each row with its top and its height in pixels."""
    y, many = _LOOK["top"], len(rows) > MANY
    for track in rows:
        tall = _LOOK["slim"] if many and not track.group and track.depth else _LOOK["row"]
        yield track, y, tall
        y += tall


def _desc(rows: Sequence[Track]) -> str:
    path = [track.task.label for track in rows if track.critical]
    return f"Critical path: {', '.join(path)}." if path else ""


def _x(time: float, span: float) -> str:
    share = min(1.0, max(0.0, time / span)) if span > 0 and isfinite(time / span) else 0.0
    return f"{_LOOK['left'] + _LOOK['wide'] * share:.2f}%"


def _grid(span: float, bottom: int) -> Iterator[str]:
    for tick in ticks(span):
        x, anchor = _x(tick, span), "middle" if tick else "start"
        yield (
            f'<line class="tl-grid" x1="{x}" x2="{x}" y1="18" y2="{bottom}" stroke="{LINE}"/><text class="tl-dim" '
            f'x="{x}" y="13" text-anchor="{anchor}" font-size="11" fill="{DIM}">{tick_label(tick)}</text>'
        )


def _row(track: Track, y: int, tall: int, now: float, hint: str) -> str:
    task, slim = track.task, tall == _LOOK["slim"]
    end = now if task.end is None else task.end
    middle = y + tall / 2
    label = "" if slim else _label(track, middle, end)
    hit = f'<rect x="0" y="{y}" width="100%" height="{tall}" fill="none" pointer-events="all"/>' if hint else ""
    return f"<g>{hint}{hit}{label}{_bar(track, middle, end, now, slim)}</g>"


def _label(track: Track, middle: float, end: float) -> str:
    task, x = track.task, 8 + track.depth * _LOOK["indent"]
    tries = f"{task.attempts} tries · " if task.attempts > 1 else ""
    weight = ' font-weight="600"' if track.group or not track.depth else ""
    base = f"{middle + 4:g}"
    return (
        f"{_shape(task.status, x, middle)}"
        f'<svg width="{_LOOK["left"] - 1}%"><text x="{x + 11}" y="{base}" '
        f'fill="{INK}"{weight}>{escape(task.label)}</text></svg>'
        f'<text class="tl-dim" x="99.5%" y="{base}" text-anchor="end" fill="{DIM}">'
        f"{tries}{seconds(end - task.start)}</text>"
    )


def _bar(track: Track, middle: float, end: float, now: float, slim: bool) -> str:
    task = track.task
    width = _LOOK["slim"] - 1 if slim else _LOOK["group" if track.group else "bar"]
    x1, x2 = _x(task.start, now), _x(max(end, task.start + now * 0.005), now)
    bar = (
        f'<line class="tl-{task.status}" x1="{x1}" x2="{x2}" y1="{middle:g}" y2="{middle:g}" '
        f'stroke="{FALLBACK[task.status]}" stroke-width="{width}"{_DASHES.get(task.status, "")}/>'
    )
    if not track.critical or slim:
        return bar
    below = middle + _LOOK["bar"] / 2 + 2.5
    return bar + (
        f'<line class="tl-critical" x1="{x1}" x2="{x2}" y1="{below:g}" y2="{below:g}" stroke="{INK}" stroke-width="2"/>'
    )


def _legend(rows: Sequence[Track], height: int) -> str:
    """What the shapes mean that occur, and the line below a bar."""
    base, x = height - 6, 8
    parts: list[str] = []
    for status, word in WORDS.items():
        if any(track.task.status == status for track in rows):
            parts.append(_shape(status, x, base - 4) + _word(word, x + 10, base))
            x += 26 + 7 * len(word)
    if any(track.critical for track in rows):
        parts.append(
            f'<line class="tl-critical" x1="{x}" x2="{x + 16}" y1="{base - 4}" y2="{base - 4}" stroke="{INK}" '
            f'stroke-width="2"/>{_word("critical path", x + 22, base)}'
        )
    return "".join(parts)


def _word(word: str, x: int, y: int) -> str:
    return f'<text class="tl-dim" x="{x}" y="{y}" font-size="11" fill="{DIM}">{word}</text>'


def _shape(status: str, x: int, y: float) -> str:
    return (
        f'<path class="tl-{status}" transform="translate({x} {y:g})" d="{_LOOK["shapes"][status]}" fill="none" '
        f'stroke="{FALLBACK[status]}" stroke-width="1.8"/>'
    )
