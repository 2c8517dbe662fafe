"""The timeline of a run as HTML that stays readable where a page drops SVG and style.

JupyterLab does so for a notebook it does not trust, which is every notebook that somebody else has run: of an inline
SVG it leaves the loose words. There the same picture is shown as an image, without hovering and on its own paper.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final

from finassist.apps.live.timeline_svg import picture_svg, summary_of, timeline_svg
from finassist.core.state import RunState
from finassist.reporting.html.sanitize import escape

# An attribute stays where SVG is dropped, and takes the words with it. Where the SVG is kept, it is overruled, and only
# there: the style of one output holds for its whole page, on which others may have lost theirs.
CSS: Final = ".finassist-tl-box:has(svg)>div{display:block!important}.finassist-tl-box:has(svg)>img{display:none}"


def timeline_html(state: RunState) -> str:
    """The picture of a run that is over, for a notebook's output."""
    picture, height = picture_svg(state)
    source = b64encode(picture.encode()).decode()
    return (
        f'<div class="finassist-tl-box"><style>{CSS}</style><div style="display:none">{timeline_svg(state)}</div>'
        f'<img alt="{escape(summary_of(state))}" width="100%" height="{height}" '
        f'src="data:image/svg+xml;base64,{source}"></div>'
    )


@dataclass(frozen=True, repr=False)
class TimelineImage:
    """The timeline of a run that is over: shows itself in a notebook; `str()` is the SVG, to be written to a file."""

    state: RunState

    def __str__(self) -> str:
        return timeline_svg(self.state)

    def __repr__(self) -> str:
        return f"<{summary_of(self.state)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # Not image/svg+xml: front ends put that into the page as it is, or not at all.
        return {"text/plain": repr(self), "text/html": timeline_html(self.state)}
