"""Revenue and net income of up to five years as a small SVG: no script, no remote asset, labelled for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from finassist.dossier import Dossier
from finassist.facts import Fact
from finassist.formatting import figure, label, number
from finassist.views.safe import escape

WIDTH, HEIGHT, TOP, BOTTOM, LEFT = 560, 220, 42, 26, 8
SERIES = (("revenue", "fa-bar-a"), ("net_income", "fa-bar-b"))
_SIZES = ((Decimal("1e9"), "billions"), (Decimal("1e6"), "millions"), (Decimal(1), ""))


def bar_chart(dossier: Dossier) -> str:
    """Bars of revenue and net income by fiscal year; `""` where fewer than two years have either."""
    shown = {name: [dossier.ledger.usable(name, year) for year in dossier.years] for name, _ in SERIES}
    known = [fact for facts in shown.values() for fact in facts if fact is not None]
    if len({fact.period for fact in known}) < 2 or len({fact.currency for fact in known}) > 1:
        return ""
    size, word = _size(known)
    high, low = _extent(known)
    unit = " ".join(filter(None, (known[0].currency or "", word)))
    parts = [_legend([name for name, facts in shown.items() if any(facts)], unit)]
    step = (WIDTH - 2 * LEFT) / max(len(dossier.years), 1)
    for i, year in enumerate(dossier.years):
        middle = LEFT + step * (i + 0.5)
        parts.append(_text(middle, HEIGHT - 8, year))
        for side, (name, css) in enumerate(SERIES):
            x = middle + (side - 1) * step * 0.36 + (2 if side else -2)
            parts.append(_bar(shown[name][i], x, step * 0.36, size, high, low, css))
    parts.append(f'<line class="fa-axis" x1="{LEFT}" x2="{WIDTH - LEFT}" y1="{_y(0, high, low):.1f}" '
                 f'y2="{_y(0, high, low):.1f}"/>')  # fmt: skip
    title = f"{dossier.subject.symbol}: revenue and net income by fiscal year, {unit}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _bar(fact: Fact | None, x: float, width: float, size: Decimal, high: float, low: float, css: str) -> str:
    if fact is None or fact.value is None:
        return ""
    value = float(fact.value)
    zero, end = _y(0, high, low), _y(value, high, low)
    tip = f"{label(fact.field)} {fact.period}: {figure(fact)}"
    text = number(fact.value / size, 1 if abs(fact.value / size) < 100 else 0)
    above = end - 5 if value >= 0 else end + 13
    return (
        f'<rect class="{css}" x="{x:.1f}" y="{min(zero, end):.1f}" width="{width:.1f}" '
        f'height="{max(abs(zero - end), 0.5):.1f}" rx="2"><title>{escape(tip)}</title></rect>'
        + _text(x + width / 2, above, text)
    )


def _legend(names: Sequence[str], unit: str) -> str:
    parts: list[str] = []
    x = float(LEFT)
    for name, css in SERIES:
        if name in names:
            parts.append(f'<rect class="{css}" x="{x:.0f}" y="6" width="10" height="10" rx="2"/>')
            parts.append(_text(x + 15, 15, label(name), anchor="start"))
            x += 32 + 7 * len(label(name))
    return "".join([*parts, _text(WIDTH - LEFT, 15, unit, anchor="end")])


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _size(facts: Sequence[Fact]) -> tuple[Decimal, str]:
    largest = max(abs(fact.value or Decimal(0)) for fact in facts)
    return next(((size, word) for size, word in _SIZES if largest >= size), _SIZES[-1])


def _extent(facts: Sequence[Fact]) -> tuple[float, float]:
    values = [float(fact.value or 0) for fact in facts]
    return max(0.0, *values) or 1.0, min(0.0, *values)


def _y(value: float, high: float, low: float) -> float:
    room = HEIGHT - TOP - BOTTOM - (14 if low < 0 else 0)
    return TOP + room * (high - value) / (high - low)
