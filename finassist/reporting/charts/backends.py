"""Panels of facts as a Plotly or a Matplotlib figure.

Every text is made plain first, as Plotly reads tags in text and Matplotlib reads mathematics.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import import_module
from io import BytesIO
from typing import Any

from finassist.core.facts import Fact
from finassist.core.formatting import clean, figure, label
from finassist.reporting.charts.panels import Line, Panel

_COLOURS = ("#1765cc", "#12876f", "#9a6700", "#8a3ffc", "#c2255c", "#5c6b7a")
_SOURCES_SHOWN = 3
_HEIGHT = 360
"""Of one panel, in pixels."""


def plotly_figure(panels: Sequence[Panel]) -> Any:
    """A `plotly.graph_objects.Figure`: a panel under the other, hovering tells figure, period and source."""
    titles = [_plain(panel.title) for panel in panels]
    make_subplots = import_module("plotly.subplots").make_subplots
    drawn: Any = make_subplots(rows=len(panels), cols=1, subplot_titles=titles, vertical_spacing=0.28 / len(panels))
    for row, panel in enumerate(panels, 1):
        for i, line in enumerate(panel.lines):
            drawn.add_trace(_trace(panel, line, _COLOURS[i % len(_COLOURS)], first=row == 1), row=row, col=1)
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
    objects = import_module("plotly.graph_objects")
    if panel.kind == "bars":
        return objects.Bar(**shared, marker={"color": colour})
    mode, size = ("markers", 10) if len(line.points) == 1 else ("lines+markers", 6)
    return objects.Scatter(**shared, mode=mode, connectgaps=False, line={"color": colour}, marker={"size": size})


def matplotlib_figure(panels: Sequence[Panel]) -> Any:
    """A `matplotlib.figure.Figure` that belongs to no window and shows itself in a notebook once."""
    drawn = _shown_figure()(figsize=(8, 3.6 * len(panels)), layout="constrained")
    for axes, panel in zip(drawn.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
        _fill(axes, panel)
    drawn.supxlabel(_literal(_caption(panels)), fontsize=8, x=0.01, ha="left", wrap=True)
    for text in drawn.findobj(import_module("matplotlib.text").Text):
        text.set_usetex(False)
    return drawn


def _shown_figure() -> Any:
    """A figure class that needs no `%matplotlib` to be seen as the value of a cell."""
    figures: Any = import_module("matplotlib.figure")

    def to_png(self: Any) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=110, bbox_inches="tight", facecolor="white")
        return buffer.getvalue()

    return type("Figure", (figures.Figure,), {"_repr_png_": to_png, "__doc__": figures.Figure.__doc__})


def _fill(axes: Any, panel: Panel) -> None:
    axes.set_title(_literal(panel.title))
    axes.set_xlabel(_across(panel))
    axes.set_ylabel(_literal(panel.unit))
    places = panel.places
    for i, line in enumerate(panel.lines):
        across = [place if panel.kind == "closes" else places.index(place) for place, _ in line.points]
        up = [float("nan") if (value := panel.value(fact)) is None else value for _, fact in line.points]
        named = {"label": _literal(line.name), "color": _COLOURS[i % len(_COLOURS)]}
        if panel.kind == "bars":
            width = 0.8 / len(panel.lines)
            middle = (i - (len(panel.lines) - 1) / 2) * width
            axes.bar([n + middle for n in range(len(up))], up, width * 0.94, **named)
        else:
            axes.plot(across, up, marker="o", markersize=3 if len(up) > 1 else 7, **named)
    if panel.kind != "closes":
        axes.set_xticks(range(len(places)), [_literal(str(place)) for place in places])
    if panel.kind == "bars":
        axes.axhline(0, color="#888", linewidth=0.8)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.spines[["top", "right"]].set_visible(False)


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


def _literal(text: str) -> str:
    r"""Text in which Matplotlib finds no mathematics, and does not hide it for its first character."""
    return clean(text).replace("$", r"\$").lstrip("_")
