"""`Answer.plot`: panels as a Plotly figure, which brings one SVG of them for pages that cannot run Plotly.

The SVG stands alone: words are in it, nothing is remote, and no style sheet is needed.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Any

from finassist.core.errors import MissingExtra
from finassist.core.facts import Fact
from finassist.core.formatting import clean, figure, label
from finassist.core.process import shell
from finassist.reporting.charts import Line, Panel, panels_of
from finassist.reporting.company import AnswerLike
from finassist.reporting.drawing import Frame, months, round_levels, tick
from finassist.reporting.sanitize import escape

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
_INK, _DIM, _RULE = "#1b1f24", "#59636e", "#d7dce1"
_WIDE, _TALL = 720, 300
"""Of one panel, in pixels."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 58, 34
"""Room around its plot."""

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


# ------------------------------------------------------------------------------------- the image


def _picture(panels: Sequence[Panel], caption: str) -> str:
    """The panels below each other, with a caption, as the text of an SVG file."""
    lines = textwrap.wrap(caption, _LETTERS)
    height = _TALL * len(panels) + 15 * len(lines) + 8
    below = (_text(_LEFT, _TALL * len(panels) + 12 + 15 * i, line, _DIM, size=11) for i, line in enumerate(lines))
    plots = (part for i, panel in enumerate(panels) for part in _Plot.of(panel, _TALL * i).parts())
    words = escape("; ".join(f"{panel.title}, {panel.unit}" for panel in panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words}" width="{_WIDE}" height="{height}" '
        f'viewBox="0 0 {_WIDE} {height}" font-family="system-ui,sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join([*plots, *below])}</svg>'
    )


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where the places and values of one panel are, in pixels."""

    panel: Panel
    frame: Frame
    top: int

    @classmethod
    def of(cls, panel: Panel, top: int) -> _Plot:
        values = [value for line in panel.lines for fact in line.known if (value := panel.value(fact)) is not None]
        values += [0.0] if panel.kind == "bars" else []
        days = [place for line in panel.lines for place, _ in line.points if isinstance(place, date)] or [date.min]
        return cls(panel, Frame(min(days), max(days), round_levels(min(values), max(values))), top)

    def parts(self) -> Iterator[str]:
        """Title, key, axes and figures."""
        yield _text(_LEFT, self.top + 20, self.panel.title, _INK, weight=600)
        yield from self._key()
        for level in self.frame.levels:
            y = self._y(level)
            yield f'<path d="M{_LEFT} {y:.1f}H{_WIDE - _RIGHT}" stroke="{_RULE}"/>'
            yield _text(_LEFT - 8, y + 4, tick(level), _DIM, anchor="end", size=11)
        for x, words in self._labels():
            yield _text(x, self.top + _TALL - _BOTTOM + 18, words, _DIM, anchor="middle", size=11)
        for i, line in enumerate(self.panel.lines):
            yield from self._bars(i, line) if self.panel.kind == "bars" else self._line(i, line)

    def _key(self) -> Iterator[str]:
        """A colour for each line: by its name or, where there is no room for names, by its symbol."""
        x, y, names = _LEFT, self.top + 42, [line.name for line in self.panel.lines]
        if sum(32 + 7 * len(name) for name in names) > _WIDE - _LEFT:
            names = [line.known[0].symbol for line in self.panel.lines]
        for i, name in enumerate(names):
            yield f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{_colour(i)}"/>'
            yield _text(x + 15, y, name, _INK)
            x += 32 + 7 * len(name)
        yield _text(_WIDE - _RIGHT, self.top + 20, self.panel.unit, _DIM, anchor="end")

    def _labels(self) -> Iterator[tuple[float, str]]:
        if self.panel.kind == "closes":
            yield from ((self._x(day), f"{day:%Y-%m}") for day in months(self.frame))
            return
        places = self.panel.places
        step = -(-len(places) // _MOST_LABELS)
        yield from ((self._x(place), str(place)) for place in places[::step])

    def _bars(self, number: int, line: Line) -> Iterator[str]:
        many = len(self.panel.lines)
        wide = 0.74 * self._slot / many
        for place, fact in line.points:
            value = self.panel.value(fact)
            if value is not None:
                x = self._x(place) + (number - many / 2) * wide
                top, bottom = sorted((self._y(value), self._y(0)))
                where = f'x="{x:.1f}" y="{top:.1f}" width="{wide - 1:.1f}" height="{bottom - top:.1f}"'
                yield f'<rect {where} fill="{_colour(number)}"/>'

    def _line(self, number: int, line: Line) -> Iterator[str]:
        """A line that is broken where a figure is missing; a figure between two gaps is a dot."""
        drawn, pen = "", "M"
        for place, fact in line.points:
            value = self.panel.value(fact)
            if value is None:
                pen = "M"
            else:
                where = f"{self._x(place):.1f} {self._y(value):.1f}"
                drawn += f"M{where}h0" if pen == "M" else ""
                drawn, pen = f"{drawn}{pen}{where}", "L"
        width = 8 if len(line.known) == 1 else 2
        style = f'fill="none" stroke="{_colour(number)}" stroke-width="{width}" stroke-linecap="round"'
        yield f'<path d="{drawn}" {style}/>'

    @property
    def _slot(self) -> float:
        return (_WIDE - _LEFT - _RIGHT) / len(self.panel.places)

    def _x(self, place: str | date) -> float:
        if isinstance(place, date):
            return _LEFT + (_WIDE - _LEFT - _RIGHT) * self.frame.x(place) / 100
        return _LEFT + self._slot * (self.panel.places.index(place) + 0.5)

    def _y(self, value: float) -> float:
        return self.top + _TOP + (_TALL - _TOP - _BOTTOM) * (1 - self.frame.y(value) / 100)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _text(x: float, y: float, words: str, colour: str, anchor: str = "start", size: int = 12, weight: int = 400) -> str:
    look = f'text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'
