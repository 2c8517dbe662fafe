"""Measured ratios as bars on a logarithmic scale around 1: no script, nothing remote, the numbers beside the bars."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Final, NamedTuple

from finassist.reporting.sanitize import escape

_WIDTH, _ROW, _BAR, _ONE = 260, 22, 10, 60
_DECADES: Final = 2.0
_MARKS: Final = {"holds in this regime": "▲", "no difference": "=", "does not hold": "▼", "measured": "·"}
_COLOURS: Final = {
    "holds in this regime": "#12876f",
    "no difference": "#6b7280",
    "does not hold": "#b42318",
    "measured": "#1765cc",
}
_CELL: Final = "padding:3px 10px 3px 0;text-align:left;border:0;background:none"


class Ratio(NamedTuple):
    """One bar: texts, a ratio with its quartiles, and what may be said of it."""

    item: str
    claim: str
    regime: str
    baseline: str
    ratio: float
    low: float
    high: float
    verdict: str


def ratios_html(rows: Sequence[Ratio]) -> str:
    """A table with a bar a row: to the right of the line where ours takes less, to the left where it takes more.

    Args:
        rows: Measured claims, in the order to show them in; rows of one claim are put together.
    """
    parts: list[str] = []
    for item, claim in dict.fromkeys((row.item, row.claim) for row in rows):
        parts.append(
            f'<tr><th colspan="5" style="{_CELL};padding-top:12px">{escape(item)} &middot; {escape(claim)}</th></tr>'
        )
        parts += [_row(row) for row in rows if (row.item, row.claim) == (item, claim)]
    head = "".join(
        f'<td style="{_CELL};color:var(--jp-ui-font-color2,#59636e)">{title}</td>'
        for title in ("regime", "against", "times", "baseline over ours, logarithmic", "verdict")
    )
    return (
        '<table style="border-collapse:collapse;font:13px var(--jp-ui-font-family,system-ui,sans-serif);'
        f'color:var(--jp-ui-font-color1,#1b1f24)"><thead><tr>{head}</tr></thead><tbody>{"".join(parts)}</tbody></table>'
    )


def _row(row: Ratio) -> str:
    verdict = f"{_MARKS.get(row.verdict, '')} {row.verdict}"
    tip = f"{row.ratio:.3g} times, quartiles {row.low:.3g} to {row.high:.3g}"
    cells = (escape(row.regime), escape(row.baseline), f"{row.ratio:.2g}×", _bar(row), escape(verdict))
    return f'<tr title="{escape(tip)}">' + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _bar(row: Ratio) -> str:
    # Without words in it: where a page drops SVG, they would be left behind.
    here, low, high = (_place(value) for value in (row.ratio, row.low, row.high))
    colour, middle = _COLOURS.get(row.verdict, "#6b7280"), _ROW / 2
    left = min(here, _ONE)
    return (
        f'<svg width="{_WIDTH + 6}" height="{_ROW}" aria-hidden="true">'
        f'<rect x="{left:.1f}" y="{middle - _BAR / 2}" width="{max(abs(here - _ONE), 1):.1f}" height="{_BAR}" '
        f'fill="{colour}" fill-opacity="0.75"/>'
        f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="currentColor" stroke-width="1.5"/>'
        f'<path d="M{_ONE} 1V{_ROW - 1}" stroke="currentColor" stroke-width="1"/></svg>'
    )


def _place(ratio: float) -> float:
    """Where a ratio stands; a hundredfold is the right edge, and a fourth the left one."""
    scaled = _ONE + log10(max(ratio, 1e-9)) * (_WIDTH - _ONE) / _DECADES
    return min(max(scaled, 2.0), float(_WIDTH))
