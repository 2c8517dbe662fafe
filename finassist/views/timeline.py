"""The concurrent work of a run as a picture: a widget while it happens, an SVG that stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from finassist.state import RunState


class Timeline(anywidget.AnyWidget):
    """The picture of a run while it works."""

    _esm = Path(__file__).with_name("timeline.js")
    snapshot = traitlets.Dict().tag(sync=True)

    def show(self, state: RunState) -> None:
        """Draw a state."""
        self.snapshot = _wire(state)


def timeline_svg(state: RunState) -> str:
    """The same picture, static: one self-contained SVG element."""
    raise NotImplementedError


def _wire(state: RunState) -> dict[str, Any]:
    return {
        "now": state.elapsed,
        "status": state.status,
        "rows": [[t.label, t.start, t.end, t.status] for t in state.tasks],
    }
