"""`Answer.plot`: panels as a Plotly figure, which brings a static image for pages that cannot run Plotly."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from finassist.core.errors import MissingExtra
from finassist.core.facts import Fact
from finassist.core.formatting import clean, figure, label
from finassist.core.process import shell
from finassist.reporting.charts import Line, Panel, panels_of
from finassist.reporting.company import AnswerLike
from finassist.reporting.picture import COLOURS, picture

try:
    _objects: Any = import_module("plotly.graph_objects")
    _Figure: Any = _objects.Figure
    _subplots: Any = import_module("plotly.subplots")
except ImportError as missing:
    advice = "Drawing needs the package plotly. Install it with `pip install 'finassist[plot]'`."
    raise MissingExtra(advice) from missing

_SOURCES_SHOWN = 3
_HEIGHT = 360
"""Height of one panel, in pixels."""


class Chart(_Figure):  # pyright: ignore[reportUntypedBaseClass]
    """A Plotly figure that a page without Plotly (an exported notebook, GitHub) shows as an image.

    It can be edited like any other; the image shows it as it was made, and says so after an edit.
    """

    _panels: Sequence[Panel] = ()
    _made = ""
    _repr_html_ = None  # Plotly's own loads a script from the network, and exports prefer it to the image

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = _Figure._repr_mimebundle_(self, *args, **kwargs)
        if not bundle or not self._panels:
            return bundle
        edited = "" if self.to_json() == self._made else "; later edits are not in this image"
        titles = "; ".join(f"{panel.title}, {panel.unit}" for panel in self._panels)
        image = picture(self._panels, _caption(self._panels) + edited)
        return {"text/plain": f"<Chart {titles}>", "image/svg+xml": image, **bundle}

    @property
    def _ipython_display_(self) -> Any:
        """IPython asks for this before the bundle; without a bundle Plotly opens a browser."""
        return None if self._repr_mimebundle_() else lambda: _Figure._ipython_display_(self)

    def show(self, *args: Any, **kwargs: Any) -> None:
        """Show it, as `plotly.graph_objects.Figure.show` does; below a cell with its image."""
        kernel = shell()
        bundle = self._repr_mimebundle_() if kernel and not args and not kwargs else None
        if kernel and bundle:
            kernel.display_pub.publish(bundle)
        else:
            _Figure.show(self, *args, **kwargs)


def plot(answer: AnswerLike, kind: str | None = None) -> Any:
    """The figures of an answer over time, as a Plotly figure.

    Args:
        answer: An answer with figures.
        kind: `"statements"` (revenue and net income of each company), `"price"` (its closes), or any yearly field or
            ratio: `"free_cash_flow"`, `"net_margin"`. By default the price for a question about prices, else the
            statements.

    Returns:
        A `plotly.graph_objects.Figure` with units on its axes and the sources below.

    Raises:
        InputError: There is nothing of this kind to draw.
        MissingExtra: Plotly is not installed.
    """
    panels = panels_of(answer, kind)
    chart = _chart(panels)
    chart._panels, chart._made = panels, chart.to_json()
    return chart


def _chart(panels: Sequence[Panel]) -> Any:
    """A panel under the other; hovering tells figure, period and source."""
    titles, space = [_plain(panel.title) for panel in panels], 0.28 / len(panels)
    rows: dict[str, Any] = {"rows": len(panels), "cols": 1, "subplot_titles": titles, "vertical_spacing": space}
    drawn: Any = _subplots.make_subplots(**rows, figure=Chart())
    for row, panel in enumerate(panels, 1):
        for i, line in enumerate(panel.lines):
            drawn.add_trace(_trace(panel, line, COLOURS[i % len(COLOURS)], first=row == 1), row=row, col=1)
        drawn.update_xaxes(title_text=_across(panel), row=row, col=1)
        drawn.update_yaxes(title_text=_plain(panel.unit), row=row, col=1)
        if panel.kind != "closes":
            drawn.update_xaxes(type="category", categoryarray=[_plain(str(p)) for p in panel.places], row=row, col=1)
    height = _HEIGHT * len(panels) + 60
    drawn.update_layout(template="plotly_white", barmode="group", height=height, margin={"b": 90})
    drawn.add_annotation(
        text=_plain(_caption(panels)), showarrow=False, xref="paper", yref="paper", x=0, y=0, xanchor="left",
        yanchor="top", yshift=-52, font={"size": 11},
    )  # fmt: skip
    return drawn


def _trace(panel: Panel, line: Line, colour: str, *, first: bool) -> Any:
    across = [place if panel.kind == "closes" else _plain(str(place)) for place, _ in line.points]
    shared: dict[str, Any] = {
        "x": across,
        "y": [panel.value(fact) for _, fact in line.points],
        "name": _plain(line.name),
        "hovertext": [_plain(_tip(fact)) if fact else "" for _, fact in line.points],
        "hoverinfo": "text",
        "legendgroup": _plain(line.name),
        "showlegend": first,
    }
    if panel.kind == "bars":
        return _objects.Bar(**shared, marker={"color": colour})
    mode, size = ("markers", 10) if len(line.points) == 1 else ("lines+markers", 6)
    return _objects.Scatter(**shared, mode=mode, connectgaps=False, line={"color": colour}, marker={"size": size})


def _across(panel: Panel) -> str:
    return "Day" if panel.kind == "closes" else "Fiscal year"


def _caption(panels: Sequence[Panel]) -> str:
    sources = list(dict.fromkeys(source for panel in panels for source in panel.sources))
    more = f" and {len(sources) - _SOURCES_SHOWN} more" if len(sources) > _SOURCES_SHOWN else ""
    return f"Source: {'; '.join(sources[:_SOURCES_SHOWN])}{more}" if sources else "Source: not named"


def _tip(fact: Fact) -> str:
    return f"{label(fact.field)} {fact.period}: {figure(fact)}; {fact.source or 'no source'}"


def _plain(text: str) -> str:
    """Text in which Plotly finds no tag, no entity and no mathematics."""
    return html.escape(clean(text), quote=False).replace("$", "&#36;")
