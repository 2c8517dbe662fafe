"""Panels as one SVG that stands alone: words are in it, nothing is remote, and no style sheet is needed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from finassist.reporting.charts import Line, Panel
from finassist.reporting.drawing import Frame, months, round_levels, tick
from finassist.reporting.sanitize import escape

COLOURS = ("#1765cc", "#12876f", "#9a6700", "#8a3ffc", "#c2255c", "#5c6b7a")
_INK, _DIM, _RULE = "#1b1f24", "#59636e", "#d7dce1"
_WIDE, _TALL = 720, 300
"""Of one panel, in pixels."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 58, 34
"""Room around its plot."""

_MOST_LABELS = 12
_LETTERS = 110
"""Of a line below the panels."""


def picture(panels: Sequence[Panel], caption: str) -> str:
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
