"""`Answer.plot`: panels as a Plotly figure, which brings a static image for pages that cannot run Plotly."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from importlib import import_module
from typing import Any

from finassist.core.errors import MissingExtra
from finassist.core.facts import Fact
from finassist.core.formatting import clean, figure, label
from finassist.core.process import shell
from finassist.reporting.charts import Line, Panel, panels_of
from finassist.reporting.company import AnswerLike
from finassist.reporting.drawing import Frame, Shape, months, path_of, range_levels, round_levels, tick
from finassist.reporting.sanitize import rendered

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

COLOURS = ("#1765cc", "#12876f", "#9a6700", "#8a3ffc", "#c2255c", "#5c6b7a")
_WIDE, _TALL = 720, 300
"""Of one panel of the image, in pixels."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 64, _WIDE - 16, 58, _TALL - 34
"""The sides of its plot."""

_MOST_LABELS = 12
_LETTERS = 110
"""Of a line below the panels."""


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
        image = _picture(self._panels, _caption(self._panels) + edited)
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
    """What `Answer.plot` returns: a `plotly.graph_objects.Figure` with units on its axes and the sources below.

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
        if panel.kind == "ranges":
            drawn.add_traces(list(_ranges(panel)))
            drawn.update_xaxes(title_text=_plain(panel.unit), rangemode="tozero")
            drawn.update_yaxes(autorange="reversed")
            continue
        for i, line in enumerate(panel.lines):
            drawn.add_trace(_trace(panel, line, _colour(i), first=row == 1), row=row, col=1)
        drawn.update_xaxes(title_text=_across(panel), row=row, col=1)
        drawn.update_yaxes(title_text=_plain(panel.unit), row=row, col=1)
        if not panel.by_day:
            drawn.update_xaxes(type="category", categoryarray=[_plain(str(p)) for p in panel.places], row=row, col=1)
    height = _HEIGHT * len(panels) + 60
    drawn.update_layout(template="plotly_white", barmode="group", height=height, margin={"b": 90})
    drawn.add_annotation(
        text=_plain(_caption(panels)), showarrow=False, xref="paper", yref="paper", x=0, y=0, xanchor="left",
        yanchor="top", yshift=-52, font={"size": 11},
    )  # fmt: skip
    return drawn


def _trace(panel: Panel, line: Line, colour: str, *, first: bool) -> Any:
    across = [place if panel.by_day else _plain(str(place)) for place, _ in line.points]
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
    mode, size = ("markers", 10) if len(line.points) == 1 else ("lines+markers", 4 if panel.by_day else 6)
    return _objects.Scatter(**shared, mode=mode, connectgaps=False, line={"color": colour}, marker={"size": size})


def _ranges(panel: Panel) -> Iterator[Any]:
    """Bars from the lower to the upper figure, a mark at the median, and the price as a line."""
    names = [_plain(str(place)) for place in panel.places]
    low, high, middle = ([panel.value(fact) or 0 for _, fact in line.points] for line in panel.lines[:3])
    width = [upper - lower for lower, upper in zip(low, high, strict=True)]
    tips = [[_plain(_tip(fact)) if fact else "" for _, fact in line.points] for line in panel.lines]
    hover = ["<br>".join(each) for each in zip(*tips[:2], strict=True)]
    name = "Lower to upper quartile of the peers"
    yield _objects.Bar(x=width, base=low, y=names, orientation="h", width=0.4, name=name, hovertext=hover,
                       hoverinfo="text", marker={"color": COLOURS[0]})  # fmt: skip
    mark = {"symbol": "line-ns-open", "size": 22, "color": "#ffffff", "line": {"width": 2}}
    yield _objects.Scatter(x=middle, y=names, mode="markers", marker=mark, name="Median", hovertext=tips[2],
                           hoverinfo="text", showlegend=False)  # fmt: skip
    price = panel.value(panel.lines[3].known[0])
    yield _objects.Scatter(x=[price] * len(names), y=names, mode="lines+markers", name="Price", hoverinfo="text",
                           hovertext=tips[3] * len(names), line={"color": COLOURS[1]})  # fmt: skip


def _across(panel: Panel) -> str:
    return "Day" if panel.by_day else "Fiscal year"


def _caption(panels: Sequence[Panel]) -> str:
    sources = list(dict.fromkeys(source for panel in panels for source in panel.sources))
    more = f" and {len(sources) - _SOURCES_SHOWN} more" if len(sources) > _SOURCES_SHOWN else ""
    return f"Source: {'; '.join(sources[:_SOURCES_SHOWN])}{more}" if sources else "Source: not named"


def _tip(fact: Fact) -> str:
    return f"{label(fact.field)} {fact.period}: {figure(fact)}; {fact.source or 'no source'}"


def _plain(text: str) -> str:
    """Text in which Plotly finds no tag, no entity and no mathematics."""
    return html.escape(clean(text), quote=False).replace("$", "&#36;")


# ------------------------------------------------------------------------------------- the image


def _picture(panels: Sequence[Panel], caption: str) -> str:
    """The panels below each other, with a caption, as the text of an SVG file."""
    lines = textwrap.wrap(caption, _LETTERS)
    return rendered(
        "chart.svg.j2",
        plots=[(_Ranges if panel.kind == "ranges" else _Plot)(panel, _TALL * i) for i, panel in enumerate(panels)],
        caption=lines,
        label="; ".join(f"{panel.title}, {panel.unit}" for panel in panels),
        wide=_WIDE,
        height=_TALL * len(panels) + 15 * len(lines) + 8,
    )


class _Plot:
    """What of one panel is where in the image, in pixels."""

    left, right = _LEFT, _RIGHT

    def __init__(self, panel: Panel, top: int) -> None:
        self.panel, self.top, self.bottom = panel, top, top + _BOTTOM
        values = [value for line in panel.lines for fact in line.known if (value := panel.value(fact)) is not None]
        values += [0.0] if panel.kind == "bars" else []
        days = [place for line in panel.lines for place, _ in line.points if isinstance(place, date)] or [date.min]
        self._frame = Frame(min(days), max(days), round_levels(min(values), max(values)))
        self._slot = (_RIGHT - _LEFT) / len(panel.places)
        self.levels = [(self._y(level), tick(level)) for level in self._frame.levels]

    @property
    def key(self) -> Iterator[tuple[int, str, str]]:
        """A colour for each line: by its name or, where there is no room for names, by its symbol."""
        x, names = _LEFT, [line.name for line in self.panel.lines]
        if sum(32 + 7 * len(name) for name in names) > _WIDE - _LEFT:
            names = [line.known[0].symbol for line in self.panel.lines]
        for i, name in enumerate(names):
            yield x, _colour(i), name
            x += 32 + 7 * len(name)

    @property
    def labels(self) -> list[tuple[float, str]]:
        """Days or years below the plot, as many as there is room for."""
        if self.panel.by_day:
            return [(self._x(day), f"{day:%Y-%m}") for day in months(self._frame)]
        places = self.panel.places
        return [(self._x(place), str(place)) for place in places[:: -(-len(places) // _MOST_LABELS)]]

    @property
    def shapes(self) -> Iterator[Shape]:
        """Bars, or lines."""
        for i, line in enumerate(self.panel.lines):
            yield from self._bars(i, line) if self.panel.kind == "bars" else [self._line(i, line)]

    def _bars(self, number: int, line: Line) -> Iterator[Shape]:
        many = len(self.panel.lines)
        wide = 0.74 * self._slot / many
        for place, fact in line.points:
            value = self.panel.value(fact)
            if value is not None:
                x = self._x(place) + (number - many / 2) * wide
                top, bottom = sorted((self._y(value), self._y(0)))
                sides = {"x": x, "y": top, "width": wide - 1, "height": bottom - top}
                yield "rect", {**{name: f"{side:.1f}" for name, side in sides.items()}, "fill": _colour(number)}

    def _line(self, number: int, line: Line) -> Shape:
        path = path_of(self.panel, line, lambda place, value: f"{self._x(place):.1f} {self._y(value):.1f}")
        width = "8" if len(line.known) == 1 else "2"
        look = {"fill": "none", "stroke": _colour(number), "stroke-width": width, "stroke-linecap": "round"}
        return "path", {"d": path, **look}

    def _x(self, place: str | date) -> float:
        if isinstance(place, date):
            return _LEFT + (_RIGHT - _LEFT) * self._frame.x(place) / 100
        return _LEFT + self._slot * (self.panel.places.index(place) + 0.5)

    def _y(self, value: float) -> float:
        return self.top + _TOP + (_BOTTOM - _TOP) * (1 - self._frame.y(value) / 100)


class _Ranges(_Plot):
    """A panel of ranges in the image: rows by name, values along the bottom."""

    def __init__(self, panel: Panel, top: int) -> None:
        self.panel, self.top, self.bottom = panel, top, top + _BOTTOM
        self._frame = Frame(date.min, date.max, range_levels(panel))
        self._slot = (_BOTTOM - _TOP) / len(panel.places)
        self.levels = [(self._row(at), str(place)) for at, place in enumerate(panel.places)]

    @property
    def key(self) -> Iterator[tuple[int, str, str]]:
        """The bars and the line."""
        yield _LEFT, COLOURS[0], "Lower to upper quartile of the peers"
        yield _LEFT + 260, COLOURS[1], "Price"

    @property
    def labels(self) -> list[tuple[float, str]]:
        """Values below the plot."""
        return [(self._at(level), tick(level)) for level in self._frame.levels]

    @property
    def shapes(self) -> Iterator[Shape]:
        """Bars with a mark at the median, and the price as a line over all of them."""
        low, high, middle = (self.panel.lines[each].points for each in range(3))
        for at in range(len(self.panel.places)):
            ends = [self._at(self.panel.value(points[at][1]) or 0) for points in (low, high, middle)]
            tall = 0.4 * self._slot
            sides = {"x": ends[0], "y": self._row(at) - tall / 2, "width": ends[1] - ends[0], "height": tall}
            yield "rect", {**{name: f"{side:.1f}" for name, side in sides.items()}, "fill": COLOURS[0]}
            path = f"M{ends[2]:.1f} {self._row(at) - tall / 2:.1f}v{tall:.1f}"
            yield "path", {"d": path, "stroke": "#ffffff", "stroke-width": "2"}
        price = self._at(self.panel.value(self.panel.lines[3].known[0]) or 0)
        path = f"M{price:.1f} {self.top + _TOP}V{self.bottom}"
        yield "path", {"d": path, "stroke": COLOURS[1], "stroke-width": "2"}

    def _at(self, value: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * self._frame.y(value) / 100

    def _row(self, at: int) -> float:
        return self.top + _TOP + self._slot * (at + 0.5)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
