"""Revenue and net income of up to five years as bars: no script, no image, labelled for everybody.

The words of the chart are attributes that the style sheet draws. Where a page drops the style (JupyterLab for a
notebook it does not trust, GitHub), the chart is gone as a whole instead of leaving loose words behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from finassist.dossier import Dossier
from finassist.facts import Fact
from finassist.formatting import figure, label, number
from finassist.views.safe import escape

SERIES = (("revenue", "fin-bar-a"), ("net_income", "fin-bar-b"))
_SIZES = ((Decimal("1e9"), "billions"), (Decimal("1e6"), "millions"), (Decimal(1), ""))
_BELOW = 0.12
"""Room under the lowest bar for its figure, as a part of the whole."""


def bar_chart(dossier: Dossier) -> str:
    """Bars of revenue and net income by fiscal year; `""` where fewer than two years have either."""
    shown = {css: [dossier.ledger.usable(name, year) for year in dossier.years] for name, css in SERIES}
    known = [fact for facts in shown.values() for fact in facts if fact is not None]
    if len({fact.period for fact in known}) < 2 or len({fact.currency for fact in known}) > 1:
        return ""
    size, word = _size(known)
    low, high = _extent(known)
    unit = " ".join(filter(None, (known[0].currency or "", word)))
    title = f"{dossier.subject.symbol}: revenue and net income by fiscal year, {unit}"
    years: list[str] = []
    for i, year in enumerate(dossier.years):
        bars = (_bar(facts[i], css, size, low, high) for css, facts in shown.items())
        years.append(f'<div class="fin-year" data-t="{escape(year)}">{"".join(bars)}</div>')
    keys = [f'<i class="{css}" data-t="{escape(label(n))}"></i>' for n, css in SERIES if any(shown[css])]
    legend = f'<div class="fin-key">{"".join(keys)}<i data-t="{escape(unit)}"></i></div>'
    plot = f'<div class="fin-plot" style="--fin-zero:{_share(0, low, high):.1f}%">{"".join(years)}</div>'
    return f'<div class="fin-chart" role="img" aria-label="{escape(title)}">{legend}{plot}</div>'


def _bar(fact: Fact | None, css: str, size: Decimal, low: float, high: float) -> str:
    if fact is None or fact.value is None:
        return ""
    zero, end = _share(0, low, high), _share(float(fact.value), low, high)
    place = f"bottom:{min(zero, end):.1f}%;height:{abs(end - zero):.1f}%"
    text = number(fact.value / size, 1 if abs(fact.value / size) < 100 else 0)
    tip = f"{label(fact.field)} {fact.period}: {figure(fact)}"
    below = " fin-below" if fact.value < 0 else ""
    return f'<i class="{css}{below}" style="{place}" data-t="{escape(text)}" title="{escape(tip)}"></i>'


def _size(facts: Sequence[Fact]) -> tuple[Decimal, str]:
    largest = max(abs(fact.value or Decimal(0)) for fact in facts)
    return next(((size, word) for size, word in _SIZES if largest >= size), _SIZES[-1])


def _extent(facts: Sequence[Fact]) -> tuple[float, float]:
    """The lowest and highest value of the plot; zero is always in it."""
    values = [float(fact.value or 0) for fact in facts]
    low, high = min(0.0, *values), max(0.0, *values)
    high = high if high > low else 1.0
    return (low - _BELOW * (high - low) if low < 0 else low), high


def _share(value: float, low: float, high: float) -> float:
    """How far up the plot a value is, in percent."""
    return 100 * (value - low) / (high - low)
