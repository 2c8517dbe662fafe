"""The timeline of a run as a widget that moves while the run works."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any, Final

import anywidget
import traitlets

from finassist.core.state import RunState
from finassist.reporting.html.timeline import CSS
from finassist.reporting.timeline import LOOK, Track, describe, tracks

_WARM_UP: Final = 2.0
"""Seconds in which a browser has surely loaded the script, if it cannot say so because a sync run keeps the kernel
busy; until then a change could be lost, so all is sent."""

_STYLE = """
.finassist-timeline{background:var(--jp-layout-color0,#fff);color:var(--jp-ui-font-color1,#1b1f24)}
.finassist-timeline .tl-progress{display:flex;align-items:center;gap:10px;margin:4px 0 6px}
.finassist-timeline .tl-bar{flex:1;height:6px;border-radius:3px;overflow:hidden;
background:var(--jp-layout-color3,rgba(127,127,127,.3))}
.finassist-timeline .tl-done{height:100%;width:0;border-radius:3px;background:var(--jp-brand-color1,#1765cc);
transition:width .15s}
.finassist-timeline .tl-count{min-width:9em;text-align:right;font:12px/1.5 var(--jp-ui-font-family,system-ui);
font-variant-numeric:tabular-nums;color:var(--jp-ui-font-color2,#59636e)}
@media (prefers-reduced-motion:reduce){.finassist-timeline .tl-done{transition:none}}
.finassist-timeline .tl-scroll{max-height:460px;overflow-y:auto;scrollbar-gutter:stable}
.finassist-timeline g[role=option]{outline:none}
.finassist-timeline g[role=option]:focus .tl-hit,.finassist-timeline g[role=option]:hover .tl-hit{
fill:var(--jp-layout-color2,rgba(127,127,127,.18));fill-opacity:.6}
.finassist-timeline g[role=option]:focus-visible .tl-hit{stroke:var(--jp-brand-color1,#1765cc);stroke-width:2}
.finassist-timeline .tl-details{min-height:1.5em;padding:4px 8px;font:12px/1.5 var(--jp-ui-font-family,system-ui);
color:var(--jp-ui-font-color2,#59636e);overflow-wrap:anywhere}
"""


class Timeline(anywidget.AnyWidget):
    """The picture of a run while it works: rows that grow, with details on hover and for the keyboard.

    The whole picture goes to the browser at first and at the end; in between only the rows that have changed.
    """

    _esm = Path(__file__).with_name("timeline.js")
    _css = CSS + _STYLE
    look = traitlets.Dict(LOOK).tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rows: list[list[Any]] = []
        self._state = RunState()
        self._number = 0
        self._ready = False
        self._since = perf_counter()
        self.on_msg(self._asked)  # pyright: ignore[reportUnknownMemberType]

    def show(self, state: RunState) -> None:
        """Draw a state; call it as often as there is something new, up to some 20 times a second."""
        rows = [_row(track, state) for track in tracks(state)]
        changed = [[i, row] for i, row in enumerate(rows) if i >= len(self._rows) or row != self._rows[i]]
        self._rows, self._state = rows, state
        self._number += 1
        if state.ended or not (self._ready or perf_counter() - self._since > _WARM_UP):
            self._send_whole()
        else:
            self.send({"rows": changed, **self._facts()})  # pyright: ignore[reportUnknownMemberType]

    def _facts(self) -> dict[str, Any]:
        state = self._state
        counts = {"number": self._number, "count": len(self._rows), "progress": state.progress}
        return {**counts, "now": state.elapsed, "status": state.status}

    def _send_whole(self) -> None:
        self.snapshot = {"rows": [[i, row] for i, row in enumerate(self._rows)], **self._facts()}

    def _asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A browser that has missed something, or has just been opened, asks for all of it."""
        if content == "whole":
            self._ready = True
            self._send_whole()


def _row(track: Track, state: RunState) -> list[Any]:
    """In the order in which the script reads it."""
    task = track.task
    words = task.detail if task.end is None else describe(track, state.elapsed)
    place = [task.name, task.label, track.depth, track.group]
    return [*place, task.start, task.end, task.status, task.attempts, track.critical, words]
