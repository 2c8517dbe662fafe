"""The image of a plot: its panels as an SVG, for pages that cannot run Plotly."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from finassist.core.formatting import number
from finassist.reporting.charts import HEAT, STEPS, Line, Panel, ranks, written
from finassist.reporting.drawing import Frame, Shape, months, path_of, range_levels, round_levels, tick
from finassist.reporting.sanitize import rendered

COLOURS = ("#1765cc", "#12876f", "#9a6700", "#8a3ffc", "#c2255c", "#5c6b7a")
INK, SOFT, RULE, PAPER = "#1b1f24", "#59636e", "#d7dce1", "#ffffff"
DARK: Final = {
    **dict(zip(COLOURS, ("#6aa9ff", "#3fb99b", "#d8a02e", "#b18cff", "#ff7aa8", "#9ba5b1"), strict=True)),
    **{INK: "#e6e9ed", SOFT: "#9ba5b1", RULE: "#2a313a", PAPER: "#0f1318"},
}
"""What each colour is in the dark."""

_WIDE, _TALL = 720, 300
"""Of one panel of the image, in pixels."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 64, _WIDE - 16, 58, _TALL - 34
"""The sides of its plot."""

_MOST_LABELS, _MOST_LINES = 12, 3
_GAIN, _LOSS = 1, 4
"""Numbers of the colours of what is added and taken off."""

_LETTERS = 110
"""Of a line below the panels."""


class Words(NamedTuple):
    """A text in the image: where, what, its colour, and which part of it is at `x`."""

    x: float
    y: float
    text: str
    colour: str = SOFT
    anchor: str = "middle"


def picture(panels: Sequence[Panel], caption: str, theme: str = "auto") -> str:
    """The panels below each other, with a caption, as the text of an SVG file.

    It is light, or in the `"auto"` theme as the reader prefers; in the `"dark"` one dark.
    """
    lines = textwrap.wrap(caption, _LETTERS)
    plots, top = list[_Plot](), 0
    for panel in panels:
        plots.append(_SHAPES.get(panel.kind, _Plot)(panel, top))
        top += plots[-1].tall
    label = "; ".join(f"{panel.title}, {panel.unit}" for panel in panels)
    swaps = DARK if theme == "auto" else {}
    drawn = rendered("chart.svg.j2", plots=plots, caption=lines, label=label, wide=_WIDE, swaps=swaps,
                     height=top + 15 * len(lines) + 8)  # fmt: skip
    for light, dark in DARK.items() if theme == "dark" else ():
        drawn = drawn.replace(f'"{light}"', f'"{dark}"')
    return drawn


class _Plot:
    """What of one panel is where in the image, in pixels."""

    left, right, tall = _LEFT, _RIGHT, _TALL

    def __init__(self, panel: Panel, top: int) -> None:
        self.panel, self.top, self.bottom = panel, top, top + _BOTTOM
        values = [value for line in panel.lines for fact in line.known if (value := panel.value(fact)) is not None]
        values += [0.0] if panel.kind in ("bars", STEPS) else []
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

    @property
    def words(self) -> Iterator[Words]:
        """What stands in the plot; here nothing."""
        yield from ()

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


class _Bare(_Plot):
    """A panel whose words are all in `words`."""

    @property
    def key(self) -> Iterator[tuple[int, str, str]]:
        """No colours to tell apart."""
        yield from ()

    @property
    def labels(self) -> list[tuple[float, str]]:
        """None."""
        return []


class _Steps(_Bare):
    """A waterfall in the image: levels from zero, and what lies between two of them from the one to the other."""

    def __init__(self, panel: Panel, top: int) -> None:
        super().__init__(panel, top)
        ends = [end for _, *both, _, _ in stepped(panel) for end in both]
        self._frame = Frame(date.min, date.max, round_levels(min(ends), 1.05 * max(ends)))
        self.levels = [(self._y(level), tick(level)) for level in self._frame.levels]

    @property
    def shapes(self) -> Iterator[Shape]:
        """Bars."""
        for place, start, end, colour, _ in stepped(self.panel):
            top, bottom = sorted((self._y(start), self._y(end)))
            wide = 0.6 * self._slot
            sides = {"x": self._x(place) - wide / 2, "y": top, "width": wide, "height": max(bottom - top, 1)}
            yield "rect", {**{name: f"{side:.1f}" for name, side in sides.items()}, "fill": COLOURS[colour]}

    @property
    def words(self) -> Iterator[Words]:
        """The figures over the bars, and their names below, on two lines where they are long."""
        for place, start, end, _, text in stepped(self.panel):
            yield Words(self._x(place), self._y(max(start, end)) - 5, text, INK)
            for at, line in enumerate(textwrap.wrap(str(place), 16)):
                yield Words(self._x(place), self.bottom + 15 + 12 * at, line)


class _Heat(_Bare):
    """A heat map in the image: a row a company, a column a metric, the figure in each cell."""

    _HEAD, _ROW = 82, 26

    def __init__(self, panel: Panel, top: int) -> None:
        self.panel, self.top, self.tall = panel, top, self._HEAD + self._ROW * len(panel.places) + 12
        self.left, self.bottom, self.levels = _LEFT, top + self.tall - 12, []
        self._slot = (_RIGHT - self.left) / len(panel.lines)

    @property
    def shapes(self) -> Iterator[Shape]:
        """A rectangle for each figure."""
        for column, line in enumerate(self.panel.lines):
            for row, rank in enumerate(ranks(line)):
                if rank is not None:
                    sides = {"x": self.left + column * self._slot + 1, "y": self._down(row) + 1,
                             "width": self._slot - 2, "height": self._ROW - 2}  # fmt: skip
                    yield "rect", {**{name: f"{side:.1f}" for name, side in sides.items()}, "fill": heat_colour(rank)}

    @property
    def words(self) -> Iterator[Words]:
        """The names of rows and columns, and the figures."""
        for row, place in enumerate(self.panel.places):
            yield Words(self.left - 8, self._down(row) + 17, str(place), INK, "end")
        for column, line in enumerate(self.panel.lines):
            x, (head, texts) = self.left + (column + 0.5) * self._slot, written(line)
            lines = textwrap.wrap(head, max(int(self._slot / 6), 8), break_long_words=False)[:_MOST_LINES]
            for at, part in enumerate(reversed(lines)):
                yield Words(x, self.top + self._HEAD - 6 - 13 * at, part)
            for row, text in enumerate(texts):
                yield Words(x, self._down(row) + 17, text, HEAT_INK)

    def _down(self, row: int) -> float:
        return self.top + self._HEAD + row * self._ROW


_SHAPES: Final = {"ranges": _Ranges, STEPS: _Steps, HEAT: _Heat}


def stepped(panel: Panel) -> Iterator[tuple[str | date, float, float, int, str]]:
    """The bars of a waterfall: place, where each begins and ends, the number of its colour, and its figure."""
    levels, steps = (dict(line.points) for line in panel.lines)
    before = 0.0
    for place in panel.places:
        level, step = panel.value(levels[place]), panel.value(steps[place])
        value = level if level is not None else step or 0.0
        text = number(Decimal(repr(value)), 1 if abs(value) < 1000 else 0)
        if level is None:
            yield place, before, before + value, _GAIN if value > 0 else _LOSS, text
        else:
            yield place, 0.0, value, 0, text
            before = value


_PALE, _STRONG = (236, 243, 253), (106, 163, 238)
HEAT_INK = "#10151c"
"""Of figures on every colour of a heat map."""


def heat_colour(rank: float) -> str:
    """From pale to strong, as an opaque colour that both themes keep.

    Example:
        >>> heat_colour(0.0), heat_colour(1.0)
        ('#ecf3fd', '#6aa3ee')
    """
    return "#" + "".join(f"{round(a + (b - a) * rank):02x}" for a, b in zip(_PALE, _STRONG, strict=True))


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
