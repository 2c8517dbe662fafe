"""Charts of a card: shapes as inline SVG, words as attributes that the style sheet draws.

Where a page drops SVG and style (JupyterLab for a notebook it does not trust, GitHub), a chart is gone as a whole
instead of leaving loose words behind; every figure of it is in a table as well. What is drawn as SVG is also printed,
which backgrounds are not. There is no script, and hovering works with `title` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from math import ceil, floor, log10

from finassist.core.facts import Fact
from finassist.core.formatting import day, figure, label, listed, number
from finassist.reporting.charts.series import Line, Panel, closes, statements
from finassist.reporting.company import Dossier
from finassist.reporting.html.sanitize import escape

COLOURS = ("fin-a", "fin-b")
_FALLBACK = {"fin-a": "#1765cc", "fin-b": "#12876f"}
_BELOW = 0.12
"""Room under the lowest bar for its figure, as a part of the whole."""

_TICKS = 6


def bar_chart(dossier: Dossier) -> str:
    """Bars of revenue and net income by fiscal year; `""` where fewer than two years have either."""
    panel = statements(dossier)
    if panel is None:
        return ""
    low, high = _extent([panel.value(fact) or 0 for line in panel.lines for fact in line.known])
    share = 100 / len(panel.places)
    columns = [f'<i class="fin-x" style="{_box(i * share, share)}" data-t="{escape(year)}"></i>'
               for i, year in enumerate(panel.places)]  # fmt: skip
    boxes = [box for i in range(len(panel.places)) for box in _bars(panel, i, share, low, high)]
    shapes = "".join(shape for shape, _ in boxes) + _rule(_share(0, low, high))
    words = (
        f"{dossier.subject.symbol}: {listed(line.name.lower() for line in panel.lines)} by fiscal year, {panel.unit}"
    )
    return _chart(words, panel, shapes, "".join([*columns, *(text for _, text in boxes)]))


def price_chart(dossier: Dossier) -> str:
    """Closes as a line over time, and the newest price as a dot; `""` where there are fewer than two closes."""
    panel = closes(dossier)
    if panel is None:
        return ""
    line, price = panel.lines[0], panel.lines[1] if len(panel.lines) > 1 else None
    days = [place for each in panel.lines for place, _ in each.points if isinstance(place, date)]
    values = [panel.value(fact) or 0 for each in panel.lines for fact in each.known]
    frame = Frame(min(days), max(days), _nice(min(values), max(values)))
    ticks = [f'<i class="fin-y" style="bottom:{frame.y(v):.1f}%" data-t="{_tick(v)}"></i>' for v in frame.levels]
    dates = [f'<i class="fin-x" style="{_box(frame.x(d) - 8, 16)}" data-t="{d:%Y-%m}"></i>' for d in _months(frame)]
    shapes = "".join(_rule(frame.y(v)) for v in frame.levels) + _path(panel, line, frame)
    dot = _dot(panel, price, frame) if price else ""
    hits = [_hit(fact, frame, len(line.points)) for each in panel.lines for fact in each.known]
    words = f"{dossier.subject.symbol}: {_closes(line)}, {panel.unit}"
    said = f"{_closes(line)}{_gap(line)}" + (
        f"; the dot is the price of {day(price.known[0].period_end)}" if price else ""
    )
    return _chart(words, panel, shapes + dot, "".join([*ticks, *dates, *hits]), said, "fin-chart fin-lines")


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


# ------------------------------------------------------------------------------------------------ parts


def _chart(words: str, panel: Panel, shapes: str, inside: str, said: str = "", kind: str = "fin-chart") -> str:
    keys = [
        f'<i class="{css}" data-t="{escape(line.name)}"></i>' for line, css in zip(panel.lines, COLOURS, strict=False)
    ]
    key = f'<div class="fin-key">{"".join(keys)}<i data-t="{escape(panel.unit)}"></i></div>'
    svg = f'<svg class="fin-draw" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'
    below = f'<div class="fin-said" data-t="{escape(said)}"></div>' if said else ""
    plot = f'<div class="fin-plot">{svg}{inside}</div>{below}'
    return f'<div class="{kind}" role="img" aria-label="{escape(words)}">{key}{plot}</div>'


def _bars(panel: Panel, place: int, share: float, low: float, high: float) -> Iterator[tuple[str, str]]:
    """The shape of each bar of a year, and the box over it that has its figure and its tip."""
    many = len(panel.lines)
    width = share * (0.36 if many < 2 else 0.74 / many)
    for i, line in enumerate(panel.lines):
        fact = line.points[place][1]
        value = panel.value(fact)
        if fact is not None and value is not None:
            left = share * (place + 0.5) + (i - many / 2) * (width + 1)
            yield _bar(COLOURS[i], fact, value, (left + 0.5, width), (_share(0, low, high), _share(value, low, high)))


def _bar(css: str, fact: Fact, value: float, across: tuple[float, float], up: tuple[float, float]) -> tuple[str, str]:
    (left, width), bottom, height = across, min(up), abs(up[1] - up[0])
    shape = (
        f'<rect class="{css}" fill="{_FALLBACK[css]}" x="{left:.2f}" y="{100 - bottom - height:.2f}" '
        f'width="{width:.2f}" height="{height:.2f}"/>'
    )
    kind = "fin-bar fin-below" if value < 0 else "fin-bar"
    place = f"{_box(left, width)};bottom:{bottom:.1f}%;height:{height:.1f}%"
    text = number(Decimal(str(value)), 1 if abs(value) < 100 else 0)
    return shape, f'<i class="{kind}" style="{place}" data-t="{escape(text)}" title="{escape(_tip(fact))}"></i>'


def _path(panel: Panel, line: Line, frame: Frame) -> str:
    """A line that is broken wherever a close is missing."""
    drawn: list[str] = []
    pen = "M"
    for place, fact in line.points:
        value = panel.value(fact)
        if value is None or not isinstance(place, date):
            pen = "M"
        else:
            drawn.append(f"{pen}{frame.x(place):.2f} {100 - frame.y(value):.2f}")
            pen = "L"
    return f'<path class="fin-a" fill="none" stroke="{_FALLBACK["fin-a"]}" stroke-width="2" d="{"".join(drawn)}"/>'


def _dot(panel: Panel, line: Line, frame: Frame) -> str:
    [(place, fact)] = line.points
    value = panel.value(fact)
    if value is None or not isinstance(place, date):
        return ""
    where = f"M{frame.x(place):.2f} {100 - frame.y(value):.2f}h0"
    return f'<path class="fin-b fin-dot" fill="none" stroke="{_FALLBACK["fin-b"]}" stroke-width="9" d="{where}"/>'


def _rule(height: float) -> str:
    return f'<path class="fin-rule" fill="none" stroke="#8885" stroke-width="1" d="M0 {100 - height:.2f}H100"/>'


def _hit(fact: Fact, frame: Frame, points: int) -> str:
    width = min(96 / max(points, 1), 6)
    left = frame.x(fact.period_end) - width / 2 if fact.period_end else 0
    return f'<i class="fin-hit" style="{_box(left, width)}" title="{escape(_tip(fact))}"></i>'


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


def _nice(low: float, high: float) -> list[float]:
    """Three to six round levels, of which the first and the last hold everything between them."""
    width = high - low or abs(high) or 1.0
    power = 10.0 ** floor(log10(width / 3))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if width / (power * size) <= _TICKS - 2)
    first, last = floor(low / step), ceil(high / step)
    return [step * i for i in range(first, max(last, first + 1) + 1)]


def _tick(value: float) -> str:
    return escape(number(Decimal(str(round(value, 6))), 0 if value == int(value) else 2))


def _months(frame: Frame) -> list[date]:
    """Up to six first days of months inside the frame, evenly apart."""
    first, last = (d.year * 12 + d.month - 1 for d in (frame.first, frame.last))
    step = next((n for n in (1, 2, 3, 6, 12, 24, 60, 120) if (last - first) / n <= _TICKS - 1), 240)
    starts = (date(month // 12, month % 12 + 1, 1) for month in range(first - first % step, last + 1, step))
    return [start for start in starts if frame.first <= start <= frame.last]
