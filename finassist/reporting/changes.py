"""Sentences about how a figure lies to another: of the same company before, or of another company."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from finassist.analysis.outcome import Outcome
from finassist.core.facts import Fact
from finassist.core.formatting import listed
from finassist.core.metrics import described
from finassist.core.query import Shape
from finassist.reporting.sentences import of_each_row, one_figure, values
from finassist.reporting.words import Phrase, Words, at_period, brief, capital, shared_period


def _change(it: Phrase) -> str:
    """Growth: the direction in words, the size, both ends."""
    first, last = it.row.first, it.row.last
    if first is None or last is None:
        return one_figure(it)
    fiscal = last.period.startswith(("FY", "Q", "H"))
    span = f" in {brief(last)}" if fiscal and _next_to(first, last) else ""
    by = "by " if it.fact.unit == "points" else ""
    return f"{it.owner} {it.metric} {_moved(it, by)}{span}, {it.ends()}."


def _moved(it: Phrase, by: str) -> str:
    up = "grew" if described(it.row.metric).kind == "flow" and not by else "rose"
    return f"{up if it.direction > 0 else 'fell'} {by}{it.size}" if it.direction else "did not change"


def _next_to(first: Fact, last: Fact) -> bool:
    """Whether the ends of a change are neighbouring periods."""
    days = (last.period_end - first.period_end).days if first.period_end and last.period_end else 0
    return 0 < days < 200 or 330 < days < 400


def _cagr(it: Phrase) -> str:
    if it.row.first is None or it.row.last is None:
        return ""
    verb = "grew" if it.direction >= 0 else "fell"
    span = f"from {brief(it.row.first)} to {brief(it.row.last)}"
    moved = f"{it.ends(None)} over {it.row.at} years"
    return f"{it.owner} {it.metric} {verb} {it.size} a year (CAGR) {span}: {moved}."


def _difference(it: Phrase) -> str:
    if it.row.first is None or it.row.last is None:
        return one_figure(it)
    moved = f"had a range of {it.size}" if it.row.at == "range" else _moved(it, "by ")
    return f"{it.owner} {it.metric} {_apart(moved)}, {it.ends()}."


def _apart(size: str) -> str:
    """A difference of multiples is a number: `2.4 times lower` would be a ratio."""
    return size.removesuffix(" times")


def _times(it: Phrase) -> str:
    first, last, figure = it.row.first, it.row.last, it.words.figure
    if first is None or last is None:
        return one_figure(it)
    lead = f"{it.owner} {it.metric} was {it.value} as large {at_period(last)} as {at_period(first)}"
    return f"{lead}: {figure(last)} against {figure(first)}."


def _between(how: Callable[[Words, Fact], str], alone: Callable[[Phrase], str]) -> Callable[[Outcome, Words], str]:
    """How one company's figure lies to another's; `alone` is the sentence of a company by itself."""

    def sentence(outcome: Outcome, words: Words) -> str:
        rows, fact = outcome.rows, outcome.figure
        if fact is None or len(rows) != 2 or rows[0].symbol == rows[1].symbol:
            return of_each_row(alone)(outcome, words)
        one, two = map(words.of, rows)
        same = one.fact.period == two.fact.period
        own, other = ("", "") if same else (f" {one.when}", f" {two.when}")
        lead = f"{one.owner} {one.metric} was {how(words, fact)} {two.owner}{f' {one.period}' if same else ''}"
        return f"{lead}: {one.value}{own} against {two.value}{other}.{_ends_apart(one.fact, two.fact)}"

    return sentence


def _range(outcome: Outcome, words: Words) -> str:
    """How far figures of several companies lie apart: the lowest, the highest, and what is between them."""
    if outcome.figure is None:
        return values(outcome, words)
    each = sorted(map(words.of, outcome.rows), key=lambda it: it.fact.value or Decimal())
    low, high, apart = each[0], each[-1], _apart(words.figure(outcome.figure))
    whose = f"{high.metric} of {listed(it.name for it in map(words.of, outcome.rows))}"
    ends = f"from {low.value} at {low.name} to {high.value} at {high.name}"
    return f"{capital(whose)} had a range of {apart}{shared_period(outcome.rows, words)}: {ends}."


def _more_or_less(words: Words, fact: Fact) -> str:
    return f"{_apart(words.figure(fact, signed=False))} {'higher' if (fact.value or 0) >= 0 else 'lower'} than"


def _ends_apart(left: Fact, right: Fact) -> str:
    """A note where fiscal years with one label end apart."""
    a, b = left.period_end, right.period_end
    apart = a and b and abs((a - b).days) > 20 and left.period == right.period
    return f" Their fiscal years end apart: {a} and {b}." if apart else ""


CHANGES: Mapping[Shape, Callable[[Outcome, Words], str]] = {
    "change": of_each_row(_change),
    "cagr": of_each_row(_cagr),
    "difference": _between(_more_or_less, _difference),
    "times": _between(lambda words, fact: words.figure(fact), _times),
    "range": _range,
}
"""The template of each shape about how figures lie to others."""
