"""`Answer.plot`: panels as a Plotly figure, which brings a static image for pages that cannot run Plotly."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from importlib import import_module
from typing import Any, Final

from finassist.core.errors import InputError, MissingExtra
from finassist.core.facts import Fact
from finassist.core.formatting import clean, figure, label
from finassist.core.process import shell
from finassist.reporting.charts import HEAT, STEPS, Line, Panel, ranks, written
from finassist.reporting.company import AnswerLike
from finassist.reporting.kinds import panels_of
from finassist.reporting.picture import COLOURS, DARK, HEAT_INK, INK, PAPER, RULE, heat_colour, picture, stepped

try:
    _objects: Any = import_module("plotly.graph_objects")
    _Figure: Any = _objects.Figure
    _subplots: Any = import_module("plotly.subplots")
except ImportError as missing:
    advice = "Drawing needs the package plotly. Install it with `pip install 'finassist[plot]'`."
    raise MissingExtra(advice) from missing

_SOURCES_SHOWN = 3
_HEIGHT = 300
"""Height of one panel, in pixels."""

_LETTERS = 110
"""Of a line of sources."""

_INKS = {"auto": "#797979", "light": INK, "dark": DARK[INK]}
"""Of words and lines: in the `"auto"` theme one that can be read on white and on black."""

_CATEGORIES = {"auto": ("#2a78d6", *COLOURS[1:]), "light": COLOURS, "dark": tuple(DARK[each] for each in COLOURS)}


class Chart(_Figure):  # pyright: ignore[reportUntypedBaseClass]
    """A Plotly figure that a page without Plotly (an exported notebook, GitHub) shows as an image.

    It can be edited like any other; the image shows it as it was made, and says so after an edit.
    """

    _panels: Sequence[Panel] = ()
    _made = ""
    _theme = "auto"
    _repr_html_ = None  # Plotly's own loads a script from the network, and exports prefer it to the image

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = _Figure._repr_mimebundle_(self, *args, **kwargs)
        if not bundle or not self._panels:
            return bundle
        edited = "" if self.to_json() == self._made else "; later edits are not in this image"
        titles = "; ".join(f"{panel.title}, {panel.unit}" for panel in self._panels)
        image = picture(self._panels, _caption(self._panels) + edited, self._theme)
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


def plot(answer: AnswerLike, kind: str | None = None, theme: str = "auto") -> Any:
    """What `Answer.plot` returns: a `plotly.graph_objects.Figure` with units on its axes and the sources below.

    Raises:
        InputError: There is nothing of this kind to draw, or no such theme.
        MissingExtra: Plotly is not installed.
    """
    if theme not in _INKS:
        raise InputError(f"There is no theme “{clean(str(theme), 40)}”. Choose one of: {', '.join(_INKS)}.")
    panels = panels_of(answer, kind)
    chart = _chart(panels, _CATEGORIES[theme])
    chart.update_layout(**_look(theme))
    chart._panels, chart._made, chart._theme = panels, chart.to_json(), theme
    return chart


def _look(theme: str) -> dict[str, Any]:
    """Colours of paper, words and lines; in the `"auto"` theme the page shines through."""
    paper = {"light": PAPER, "dark": DARK[PAPER]}.get(theme, "rgba(0,0,0,0)")
    rule = {"light": RULE, "dark": DARK[RULE]}.get(theme, "rgba(128,128,128,.3)")
    axis = {"gridcolor": rule, "linecolor": rule, "zerolinecolor": rule}
    template = {"layout": {"xaxis": axis, "yaxis": axis, "colorway": _CATEGORIES[theme]}}
    return {"template": template, "paper_bgcolor": paper, "plot_bgcolor": paper, "font": {"color": _INKS[theme]}}


def _chart(panels: Sequence[Panel], colours: Sequence[str]) -> Any:
    """A panel under the other; hovering tells figure, period and source."""
    titles, space = [_plain(_title(panel)) for panel in panels], 0.28 / len(panels)
    rows: dict[str, Any] = {"rows": len(panels), "cols": 1, "subplot_titles": titles, "vertical_spacing": space}
    drawn: Any = _subplots.make_subplots(**rows, figure=Chart())
    told = set[str]()
    for row, panel in enumerate(panels, 1):
        for trace in _TRACES.get(panel.kind, _lines)(panel, colours):
            trace.showlegend = bool(trace.name) and trace.name not in told and trace.showlegend is not False
            told.add(trace.name)
            drawn.add_trace(trace, row=row, col=1)
        for axes, look in _axes(panel).items():
            drawn.update_xaxes(row=row, col=1, **look) if axes == "x" else drawn.update_yaxes(row=row, col=1, **look)
    for title in drawn.layout.annotations:
        title.update(x=0, xanchor="left", font={"size": 15})
    keyed = any(len(panel.lines) > 1 and panel.kind not in (STEPS, HEAT) for panel in panels)
    above = 56 if panels[0].kind == HEAT else 24 if keyed else 0
    drawn.layout.annotations[0].yshift = above
    height = sum(_HEIGHT if panel.kind != HEAT else 60 + 30 * len(panel.places) for panel in panels)
    margin = {"l": 70, "r": 20, "t": 50 + above, "b": 110}
    key = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left"}
    drawn.update_layout(
        barmode="group", bargap=0.35, height=height + 130 + above, margin=margin, showlegend=keyed, legend=key
    )
    caption = "<br>".join(map(_plain, textwrap.wrap(_caption(panels), _LETTERS)))
    drawn.add_annotation(text=caption, showarrow=False, xref="paper", yref="paper", x=0, y=0, xanchor="left",
                         yanchor="top", align="left", yshift=-56, font={"size": 11})  # fmt: skip
    return drawn


def _title(panel: Panel) -> str:
    return f"{panel.title} ({panel.unit})" if panel.kind == HEAT else panel.title


def _axes(panel: Panel) -> dict[str, dict[str, Any]]:
    unit, places = _plain(panel.unit), [_plain(str(place)) for place in panel.places]
    down = {"autorange": "reversed", "showgrid": False}
    if panel.kind == HEAT:
        return {"x": {"side": "top", "showgrid": False, "tickangle": 0}, "y": down}
    if panel.kind == "ranges":
        return {"x": {"title_text": unit, "rangemode": "tozero"}, "y": down}
    if panel.kind == STEPS:
        ends = [end for _, *both, _, _ in stepped(panel) for end in both]
        room = [1.1 * min(ends), 1.1 * max(ends)]
        return {"x": {"tickangle": 0, "showgrid": False}, "y": {"title_text": unit, "range": room}}
    by_place = {} if panel.by_day else {"type": "category", "categoryarray": places}
    return {"x": {"title_text": _across(panel), "showgrid": False, **by_place}, "y": {"title_text": unit}}


def _lines(panel: Panel, colours: Sequence[str]) -> Iterator[Any]:
    """Bars, or lines."""
    for number, line in enumerate(panel.lines):
        colour = colours[number % len(colours)]
        shared: dict[str, Any] = {
            "x": [place if panel.by_day else _plain(str(place)) for place, _ in line.points],
            "y": [panel.value(fact) for _, fact in line.points],
            "name": _plain(line.name),
            "hovertext": _tips(line),
            "hoverinfo": "text",
            "legendgroup": _plain(line.name),
        }
        if panel.kind == "bars":
            yield _objects.Bar(**shared, marker={"color": colour})
            continue
        mode, size = ("markers", 10) if len(line.points) == 1 else ("lines+markers", 4 if panel.by_day else 6)
        look = {"mode": mode, "connectgaps": False, "line": {"color": colour}, "marker": {"size": size}}
        yield _objects.Scatter(**shared, **look)


def _steps(panel: Panel, colours: Sequence[str]) -> Iterator[Any]:
    """A waterfall: levels from zero, what is taken off or added between them, and the figures over the bars."""
    facts = {place: fact for line in panel.lines for place, fact in line.points if fact}
    bars = list(stepped(panel))
    x, y = [_lines_of(place) for place, *_ in bars], [end - start for _, start, end, _, _ in bars]
    levels = {place for place, fact in panel.lines[0].points if fact}
    kinds = ["absolute" if place in levels else "relative" for place, *_ in bars]
    look = {
        name: {"marker": {"color": colours[at]}} for name, at in (("totals", 0), ("increasing", 1), ("decreasing", 4))
    }
    yield _objects.Waterfall(
        x=x, y=y, measure=kinds, hovertext=[_plain(_tip(facts[place])) for place, *_ in bars], hoverinfo="text",
        name="", showlegend=False, connector={"line": {"color": colours[5], "width": 1}}, **look,
    )  # fmt: skip
    yield _objects.Scatter(x=x, y=[max(start, end) for _, start, end, _, _ in bars], text=[bar[-1] for bar in bars],
                           mode="text", textposition="top center", hoverinfo="skip", name="", showlegend=False,
                           cliponaxis=False)  # fmt: skip


def _heat(panel: Panel, _: Sequence[str]) -> Iterator[Any]:
    """Companies by metric: the figure in each cell, coloured by its rank in the column."""
    heads, texts = zip(*map(written, panel.lines), strict=True)
    yield _objects.Heatmap(
        x=[_lines_of(head) for head in heads],
        y=[_plain(str(place)) for place in panel.places],
        z=list(zip(*map(ranks, panel.lines), strict=True)),
        text=[[_plain(text) for text in row] for row in zip(*texts, strict=True)],
        hovertext=list(zip(*map(_tips, panel.lines), strict=True)),
        hoverinfo="text", texttemplate="%{text}", textfont={"color": HEAT_INK}, showscale=False, hoverongaps=False,
        xgap=2, ygap=2, zmin=0, zmax=1, colorscale=[[0, heat_colour(0)], [1, heat_colour(1)]], name="",
    )  # fmt: skip


def _lines_of(place: str | date) -> str:
    """A name on several short lines."""
    return "<br>".join(map(_plain, textwrap.wrap(str(place), 12, break_long_words=False)))


def _tips(line: Line) -> list[str]:
    return [_plain(_tip(fact)) if fact else "" for _, fact in line.points]


def _ranges(panel: Panel, colours: Sequence[str]) -> Iterator[Any]:
    """Bars from the lower to the upper figure, a mark at the median, and the price as a line."""
    names = [_plain(str(place)) for place in panel.places]
    low, high, middle = ([panel.value(fact) or 0 for _, fact in line.points] for line in panel.lines[:3])
    width = [upper - lower for lower, upper in zip(low, high, strict=True)]
    tips = [_tips(line) for line in panel.lines]
    hover = ["<br>".join(each) for each in zip(*tips[:2], strict=True)]
    name = "Lower to upper quartile of the peers"
    yield _objects.Bar(x=width, base=low, y=names, orientation="h", width=0.4, name=name, hovertext=hover,
                       hoverinfo="text", marker={"color": colours[0]})  # fmt: skip
    mark = {"symbol": "line-ns-open", "size": 22, "color": "#ffffff", "line": {"width": 2}}
    yield _objects.Scatter(x=middle, y=names, mode="markers", marker=mark, name="Median", hovertext=tips[2],
                           hoverinfo="text", showlegend=False)  # fmt: skip
    price = panel.value(panel.lines[3].known[0])
    yield _objects.Scatter(x=[price] * len(names), y=names, mode="lines+markers", name="Price", hoverinfo="text",
                           hovertext=tips[3] * len(names), line={"color": colours[1]})  # fmt: skip


_TRACES: Final = {"ranges": _ranges, STEPS: _steps, HEAT: _heat}


def _across(panel: Panel) -> str:
    facts = [fact for line in panel.lines for fact in line.known]
    if panel.places[0] == facts[0].symbol:
        return ""
    return "Day" if panel.by_day else "Fiscal year" if all(fact.period[:2] == "FY" for fact in facts) else "Period"


def _caption(panels: Sequence[Panel]) -> str:
    sources = list(dict.fromkeys(source for panel in panels for source in panel.sources))
    more = f" and {len(sources) - _SOURCES_SHOWN} more" if len(sources) > _SOURCES_SHOWN else ""
    return f"Source: {'; '.join(sources[:_SOURCES_SHOWN])}{more}" if sources else "Source: not named"


def _tip(fact: Fact) -> str:
    return f"{label(fact.field)} {fact.period}: {figure(fact)}; {fact.source or 'no source'}"


def _plain(text: str) -> str:
    """Text in which Plotly finds no tag, no entity and no mathematics."""
    return html.escape(clean(text), quote=False).replace("$", "&#36;")
