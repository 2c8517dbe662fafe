"""Charts of a card: what a panel looks like as shapes and marks, in percent of the plot; the template draws them.

Shapes are inline SVG, words are attributes that the style sheet draws. Where a page drops SVG and style (JupyterLab
for a notebook it does not trust, GitHub), a chart is gone as a whole instead of leaving loose words behind; every
figure of it is in a table as well. SVG is also printed, which backgrounds are not. Hovering works with `title` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil, floor, log10
from typing import Any

from finassist.core.facts import Fact
from finassist.core.formatting import day, figure, label, listed, number
from finassist.reporting.charts import Line, Panel

_FALLBACK = {"fin-a": "#1765cc", "fin-b": "#12876f", "fin-c": "#9a6700", "fin-d": "#8a3ffc", "fin-e": "#c2255c",
             "fin-f": "#5c6b7a"}  # fmt: skip
COLOURS = tuple(_FALLBACK)
"""One for each line of a chart; those of the plots of an answer."""
_BELOW = 0.12
"""Room under the lowest bar for its figure, as a part of the whole."""

_TICKS = 6

type _Pair = tuple[float, float]
type Shape = tuple[str, dict[str, str]]
"""An SVG element and its attributes: numbers and names of ours only."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A box over the plot: its class, where it is (CSS), and what it says or tells on hover."""

    kind: str
    place: str
    text: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart ready for the template: `words` for a screen reader, a key, shapes, marks, and a line below."""

    words: str
    keys: tuple[tuple[str, str], ...]
    unit: str
    shapes: tuple[Shape, ...]
    marks: tuple[Mark, ...]
    below: str = ""
    kind: str = "fin-chart"


def drawing(panel: Panel) -> Drawing:
    """The shapes and marks of a panel: lines over time for closes, else bars by fiscal year."""
    if panel.kind == "ranges":
        return _range_chart(panel)
    return _line_chart(panel) if panel.by_day else _bar_chart(panel)


def _bar_chart(panel: Panel) -> Drawing:
    low, high = _extent([panel.value(fact) or 0 for line in panel.lines for fact in line.known])
    share = 100 / len(panel.places)
    years = [Mark("fin-x", _box(i * share, share), str(year)) for i, year in enumerate(panel.places)]
    bars = [bar for i in range(len(panel.places)) for bar in _bars(panel, i, share, low, high)]
    shapes = [*(shape for shape, _ in bars), _rule(_share(0, low, high))]
    several = len({fact.symbol for line in panel.lines for fact in line.known}) > 1
    whose = panel.title if several else _symbol(panel)
    names = listed(line.name if several else line.name.lower() for line in panel.lines)
    words = f"{whose}: {names} by {'company' if several and len(panel.lines) < 2 else 'fiscal year'}, {panel.unit}"
    unit = f"{whose}, {panel.unit}" if several else panel.unit
    return Drawing(words, _keys(panel), unit, tuple(shapes), (*years, *(mark for _, mark in bars)))


def _line_chart(panel: Panel) -> Drawing:
    """Closes as a line, and the newest price, where there is one, as a dot; or rebased closes as a line each."""
    line, price = panel.lines[0], panel.lines[1] if panel.kind == "closes" and len(panel.lines) > 1 else None
    days = [place for each in panel.lines for place, _ in each.points if isinstance(place, date)]
    values = [panel.value(fact) or 0 for each in panel.lines for fact in each.known]
    frame = Frame(min(days), max(days), round_levels(min(values), max(values)))
    ticks = [Mark("fin-y", f"bottom:{frame.y(level):.1f}%", tick(level)) for level in frame.levels]
    dates = [Mark("fin-x", _box(frame.x(when) - 8, 16), f"{when:%Y-%m}") for when in months(frame)]
    hits = [_hit(fact, frame, len(line.points)) for each in panel.lines for fact in each.known]
    shapes = [*(_rule(frame.y(level)) for level in frame.levels)]
    for css, each in zip(COLOURS, panel.lines[:1] if panel.kind == "closes" else panel.lines, strict=False):
        shapes.append(_stroke(css, _FALLBACK[css], 2, path_of(panel, each, frame.point)))
    if price:
        shapes.append(_stroke("fin-b fin-dot", _FALLBACK["fin-b"], 9, path_of(panel, price, frame.point)))
    dot = f"; the dot is the price of {day(price.known[0].period_end)}" if price else ""
    whose = _symbol(panel) if panel.kind == "closes" else listed(each.name for each in panel.lines)
    below, words = f"{_closes(line)}{_gap(line)}{dot}", f"{whose}: {_closes(line)}, {panel.unit}"
    marks = (*ticks, *dates, *hits)
    return Drawing(words, _keys(panel), panel.unit, tuple(shapes), marks, below, "fin-chart fin-lines")


def _range_chart(panel: Panel) -> Drawing:
    """Bars from a lower to an upper figure with a mark at the median, below each other, and a line at the price."""
    lines, price = panel.lines[:3], panel.lines[3].known[0]
    frame = Frame(date.min, date.max, range_levels(panel))
    share, shapes, marks = 100 / len(panel.places), list[Shape](), list[Mark]()
    for at, place in enumerate(panel.places):
        ends = [line.points[at][1] for line in lines]
        low, high, middle = (_across(frame, panel.value(fact)) for fact in ends)
        top, tall = (at + 0.3) * share, 0.4 * share
        sides = {"x": low, "y": top, "width": high - low, "height": tall}
        shapes.append(("rect", {"class": "fin-a", "fill": _FALLBACK["fin-a"], **_written(sides)}))
        shapes.append(_stroke("fin-mid", "#fff", 2, f"M{middle:.2f} {top:.2f}v{tall:.2f}"))
        row = f"top:{top:.1f}%;height:{tall:.1f}%"
        marks.append(Mark("fin-row", row, str(place)))
        marks.append(Mark("fin-low", f"{row};right:{100 - low:.1f}%", _rounded(panel, ends[0])))
        marks.append(Mark("fin-high", f"{row};left:{high:.1f}%", _rounded(panel, ends[1])))
        tip = "; ".join(f"{label(fact.field)} {figure(fact)}" for fact in ends if fact)
        marks.append(Mark("fin-hit", f"{_box(low, high - low)};{row}", tip=tip))
    x = _across(frame, panel.value(price))
    shapes.append(_stroke("fin-b", _FALLBACK["fin-b"], 2, f"M{x:.2f} 0V100"))
    marks += [Mark("fin-x", f"left:{_across(frame, level) - 8:.1f}%;width:16%", tick(level)) for level in frame.levels]
    said = f"Price of {day(price.period_end)}: {figure(price)}"
    words = f"{_symbol(panel)}: {panel.title}, {panel.unit}: {'; '.join(map(str, panel.places))}. {said}"
    keys = (("fin-a", "Quartiles and median of the peers"), ("fin-b", said))
    return Drawing(words, keys, panel.unit, tuple(shapes), tuple(marks), RANGES, "fin-chart fin-ranges")


RANGES = "What the peers' multiples imply for a share: the company's own figures at their quartiles, less net debt."


def range_levels(panel: Panel) -> list[float]:
    """Round levels from zero around every figure of a panel of ranges."""
    values = [value for line in panel.lines for fact in line.known if (value := panel.value(fact)) is not None]
    return round_levels(0, max(values))


def _across(frame: Frame, value: float | None) -> float:
    """Where a value is from the left, with room for words at both sides."""
    return 4 + 0.86 * frame.y(value or 0)


def _rounded(panel: Panel, fact: Fact | None) -> str:
    value = panel.value(fact) or 0
    return number(Decimal(str(value)), 2 if value < 10 else 0)


def _written(sides: dict[str, float]) -> dict[str, str]:
    return {name: f"{side:.2f}" for name, side in sides.items()}


class Frame:
    """Where a day and a value are on the plot, in percent from the left and from the bottom."""

    def __init__(self, first: date, last: date, levels: Sequence[float]) -> None:
        self.first, self.last, self.levels = first, last, levels
        self._days = max((last - first).days, 1)

    def x(self, when: date) -> float:
        """From 2 to 98, so that a dot at the edge is whole."""
        return 2 + 96 * (when - self.first).days / self._days

    def y(self, value: float) -> float:
        """From 0, the lowest level, to 100, the highest."""
        return _share(value, self.levels[0], self.levels[-1])

    def point(self, place: Any, value: float) -> str:
        """A close of a day, as paths have it: down from the top."""
        return f"{self.x(place):.2f} {100 - self.y(value):.2f}"


# ------------------------------------------------------------------------------------------------ parts


def _keys(panel: Panel) -> tuple[tuple[str, str], ...]:
    return tuple((css, line.name) for css, line in zip(COLOURS, panel.lines, strict=False))


def _symbol(panel: Panel) -> str:
    return panel.lines[0].known[0].symbol


def _bars(panel: Panel, place: int, share: float, low: float, high: float) -> Iterator[tuple[Shape, Mark]]:
    """The shape of each bar of a year, and the box over it that has its figure and its tip."""
    many = len(panel.lines)
    width = share * (0.36 if many < 2 else 0.74 / many)
    for i, line in enumerate(panel.lines):
        fact = line.points[place][1]
        value = panel.value(fact)
        if fact is not None and value is not None:
            left = share * (place + 0.5) + (i - many / 2) * (width + 1) + 0.5
            yield _bar(COLOURS[i], fact, value, (left, width), (_share(0, low, high), _share(value, low, high)))


def _bar(css: str, fact: Fact, value: float, across: _Pair, up: _Pair) -> tuple[Shape, Mark]:
    (left, width), bottom, height = across, min(up), abs(up[1] - up[0])
    sides = {"x": left, "y": 100 - bottom - height, "width": width, "height": height}
    shape = {"class": css, "fill": _FALLBACK[css], **{name: f"{side:.2f}" for name, side in sides.items()}}
    place = f"{_box(left, width)};bottom:{bottom:.1f}%;height:{height:.1f}%"
    text = number(Decimal(str(value)), 1 if abs(value) < 100 else 0)
    return ("rect", shape), Mark("fin-bar fin-below" if value < 0 else "fin-bar", place, text, _tip(fact))


def path_of(panel: Panel, line: Line, at: Callable[[str | date, float], str]) -> str:
    """A line that is broken where a figure is missing; a figure between two gaps is a dot."""
    drawn, pen = "", "M{}h0"
    for place, fact in line.points:
        value = panel.value(fact)
        drawn += "" if value is None else pen.format(at(place, value))
        pen = "M{}h0" if value is None else "L{}"
    return drawn


def _rule(height: float) -> Shape:
    return _stroke("fin-rule", "#8885", 1, f"M0 {100 - height:.2f}H100")


def _stroke(css: str, colour: str, width: int, path: str) -> Shape:
    return "path", {"class": css, "fill": "none", "stroke": colour, "stroke-width": str(width), "d": path}


def _hit(fact: Fact, frame: Frame, points: int) -> Mark:
    width = min(96 / max(points, 1), 6)
    left = frame.x(fact.period_end) - width / 2 if fact.period_end else 0
    return Mark("fin-hit", _box(left, width), tip=_tip(fact))


def _tip(fact: Fact) -> str:
    return f"{label(fact.field)} {fact.period}: {figure(fact)}" + (f"; {fact.source}" if fact.source else "")


def _box(left: float, width: float) -> str:
    return f"left:{max(left, 0):.1f}%;width:{width:.1f}%"


def _closes(line: Line) -> str:
    known = line.known
    return f"{len(known)} closes from {day(known[0].period_end)} to {day(known[-1].period_end)}"


def _gap(line: Line) -> str:
    return ", broken where closes are missing" if any(fact is None for _, fact in line.points) else ""


# ------------------------------------------------------------------------------------------------- axes


def _extent(values: Sequence[float]) -> tuple[float, float]:
    """The lowest and highest value of the plot; zero is always in it."""
    low, high = min(0.0, *values), max(0.0, *values)
    high = high if high > low else 1.0
    return (low - _BELOW * (high - low) if low < 0 else low), high


def _share(value: float, low: float, high: float) -> float:
    """How far up the plot a value is, in percent."""
    return 100 * (value - low) / (high - low)


def round_levels(low: float, high: float) -> list[float]:
    """Three to six round levels, of which the first and the last hold everything between them."""
    width = high - low or abs(high) or 1.0
    power = 10.0 ** floor(log10(width / 3))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if width / (power * size) <= _TICKS - 2)
    first, last = floor(low / step), ceil(high / step)
    return [step * i for i in range(first, max(last, first + 1) + 1)]


def tick(value: float) -> str:
    """A level in words."""
    return number(Decimal(str(round(value, 6))), 0 if value == int(value) else 2)


def months(frame: Frame) -> list[date]:
    """Up to six first days of months inside the frame, evenly apart."""
    first, last = (d.year * 12 + d.month - 1 for d in (frame.first, frame.last))
    step = next((n for n in (1, 2, 3, 6, 12, 24, 60, 120) if (last - first) / n <= _TICKS - 1), 240)
    starts = (date(month // 12, month % 12 + 1, 1) for month in range(first - first % step, last + 1, step))
    return [start for start in starts if frame.first <= start <= frame.last]
