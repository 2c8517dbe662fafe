"""Measured ratios on a logarithmic scale around 1, as one chart in the look of a timeline, without script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10
from typing import Final, NamedTuple

from finassist.reporting.sanitize import escape
from finassist.reporting.timeline import COLOURS, CSS, LOOK, boxed

_LEFT, _WIDE, _TOP, _HEAD, _ROW, _FOOT = 2.0, 86.0, 26, 28, 34, 24
_TICKS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_STATUS: Final = {
    "holds in this regime": "completed",
    "no difference": "cancelled",
    "does not hold": "error",
    "measured": "running",
}
"""Each verdict has the shape and the colour of a status of a timeline."""


class Ratio(NamedTuple):
    """One row: texts, a ratio with its quartiles, and what may be said of it."""

    item: str
    claim: str
    regime: str
    baseline: str
    ratio: float
    low: float
    high: float
    verdict: str


class _Scale(NamedTuple):
    low: float
    high: float

    def x(self, ratio: float) -> str:
        share = log10(ratio / self.low) / log10(self.high / self.low)
        return f"{_LEFT + _WIDE * min(1.0, max(0.0, share)):.2f}%"

    @property
    def ticks(self) -> list[float]:
        return [tick for tick in _TICKS if self.low <= tick <= self.high]


def ratios_html(rows: Sequence[Ratio]) -> str:
    """A chart of how many times as much the baseline takes; where ours takes less, that is to the right of 1.

    Args:
        rows: Measured claims, in the order to show them in; rows of one claim are put together.
    """
    claims = list(dict.fromkeys(row.claim for row in rows))
    height = _TOP + _HEAD * len(claims) + _ROW * len(rows) + _FOOT
    scale = _Scale(min(0.5, *(row.low for row in rows), 0.5), max(2.0, *(row.high for row in rows), 2.0) * 1.05)
    words = "Times that the baseline takes as much as ours, on a logarithmic scale"
    parts = [*_axis(scale), *_all(claims, rows, scale), *_legend(rows, height - 9)]
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="finassist-tl" role="img" aria-label="{words}" width="100%" '
        f'height="{height}" font-family="system-ui,sans-serif" font-size="12"><style>{CSS}</style>'
        f'<rect class="tl-paper" width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>'
    )
    return boxed(picture, words, height)


def _axis(scale: _Scale) -> Iterator[str]:
    for tick in scale.ticks:
        words = "ours = 1" if tick == 1 else f"{tick:g}×"
        yield _text(scale.x(tick), 13, words, 'text-anchor="middle" font-size="11"', dim=tick != 1)


def _grid(scale: _Scale, y: int) -> Iterator[str]:
    """Through the bars alone, so that no line crosses the words above them."""
    for tick in scale.ticks:
        css, colour = ("tl-critical", "#1b1f24") if tick == 1 else ("tl-grid", "#d7dce1")
        x = scale.x(tick)
        yield f'<line class="{css}" x1="{x}" x2="{x}" y1="{y + 14}" y2="{y + 27}" stroke="{colour}"/>'


def _all(claims: Sequence[str], rows: Sequence[Ratio], scale: _Scale) -> Iterator[str]:
    y = _TOP
    for claim in claims:
        yield _text("4", y + 17, claim, 'font-weight="600"')
        y += _HEAD
        for row in rows:
            if row.claim == claim:
                yield _row(row, y, scale)
                y += _ROW


def _row(row: Ratio, y: int, scale: _Scale) -> str:
    status = _STATUS[row.verdict]
    low, here, high = (scale.x(value) for value in (row.low, row.ratio, row.high))
    line = f'class="tl-{status}" stroke="{COLOURS[status]}" y1="{y + 20}" y2="{y + 20}"'
    tip = escape(f"{row.ratio:.3g} times, quartiles {row.low:.3g} to {row.high:.3g}: {row.verdict}")
    return (
        f"<g><title>{tip}</title>"
        f'<rect x="0" y="{y}" width="100%" height="{_ROW}" fill="none" pointer-events="all"/>'
        f"{''.join(_grid(scale, y))}{_shape(status, 12, y + 6)}"
        f"{_text('24', y + 10, f'{row.regime}, against {row.baseline}')}"
        f'<line {line} x1="{scale.x(1)}" x2="{here}" stroke-width="2" stroke-opacity="0.5"/>'
        f'<line {line} x1="{low}" x2="{high}" stroke-width="6"/>'
        f'<circle class="tl-paper tl-{status}" cx="{here}" cy="{y + 20}" r="4" fill="#ffffff" '
        f'stroke="{COLOURS[status]}" stroke-width="2"/>'
        f"{_text('99.5%', y + 24, f'{row.ratio:.2g}×', 'text-anchor="end" font-weight="600"')}</g>"
    )


def _legend(rows: Sequence[Ratio], y: int) -> Iterator[str]:
    x = 12
    for verdict, status in _STATUS.items():
        if any(row.verdict == verdict for row in rows):
            yield _shape(status, x, y - 4) + _text(str(x + 10), y, verdict, 'font-size="11"', dim=True)
            x += 30 + 6 * len(verdict)


def _shape(status: str, x: int, y: int) -> str:
    return (
        f'<path class="tl-{status}" transform="translate({x} {y})" d="{LOOK["shapes"][status]}" fill="none" '
        f'stroke="{COLOURS[status]}" stroke-width="1.8"/>'
    )


def _text(x: str, y: int, text: str, more: str = "", *, dim: bool = False) -> str:
    look = 'class="tl-dim" fill="#59636e"' if dim else 'fill="#1b1f24"'
    return f'<text x="{x}" y="{y}" {look} {more}>{escape(text)}</text>'
