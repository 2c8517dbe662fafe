"""The sentence that answers: one template for each shape of an outcome. Pure.

Every sentence names company, metric, value, unit and period; a change says its direction in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from finassist.analysis.calendar import Member
from finassist.analysis.outcome import Outcome, Shape
from finassist.core.metrics import catalogue
from finassist.core.query import Query
from finassist.reporting import ranks as r
from finassist.reporting import sentences as s
from finassist.reporting.words import Words, capital


def headline(outcome: Outcome, members: Mapping[str, Member]) -> str:
    """The answer of an outcome in one or two sentences; empty where nothing is there."""
    words = Words(members, outcome.query)
    if outcome.query.intent == "define":
        return definition(outcome.query)
    if not outcome.rows and outcome.figure is None:
        return r.nothing_found(outcome) if outcome.query.scope == "universe" else ""
    template = r.judge if outcome.query.intent == "judge" else _SHAPES[outcome.shape]
    text = _translated(outcome, words) or capital(template(outcome, words))
    if outcome.query.explain:
        text = f"{definition(outcome.query)} {text}"
    return text


def _translated(outcome: Outcome, words: Words) -> str:
    if words.language == "en":
        return ""
    from finassist.reporting.languages import in_language  # Babel, which English does not need

    return in_language(outcome, words)


def definition(query: Query) -> str:
    """What the terms of a query mean, in the catalogue's words."""
    return " ".join(catalogue()[name].about for name in query.explain if name in catalogue())


_SHAPES: Mapping[Shape, Callable[[Outcome, Words], str]] = {
    "values": s.values,
    "series": s.series,
    "change": s.change,
    "cagr": s.cagr,
    "difference": s.difference,
    "times": s.times,
    "share": s.share,
    "sum": s.total,
    "mean": s.mean,
    "extreme": s.extreme,
    "window": r.window,
    "order": r.order,
    "count": r.count,
    "check": s.check,
}
