"""The sentence that answers: one template for each shape of an outcome; here those that compare, rank and count. Pure.

Every sentence names company, metric, value, unit and period; a change says its direction in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from finassist.analysis.calendar import Member
from finassist.analysis.cells import is_series
from finassist.analysis.outcome import Outcome, Row
from finassist.analysis.windows import OF_MOVES
from finassist.core.metrics import catalogue, spoken
from finassist.core.query import Query
from finassist.reporting import models, peers
from finassist.reporting.changes import CHANGES
from finassist.reporting.sentences import SENTENCES, of_each_company, one_figure
from finassist.reporting.spans import over_days
from finassist.reporting.words import (
    MOST_NAMED,
    Words,
    asked_periods,
    capital,
    conditions,
    dated_apart,
    in_sectors,
    is_window,
    over_span,
    own_span,
    shared_period,
)

_MEMBERS = 10
"""A screen of so few companies names them all: its members are what was asked."""

ADVICE = "finassist shows figures to weigh and gives no advice to buy or sell."


def headline(outcome: Outcome, members: Mapping[str, Member]) -> str:
    """The answer of an outcome in one or two sentences; empty where nothing is there."""
    query, words = outcome.query, Words(members, outcome.query)
    meanings = " ".join(catalogue()[name].about for name in query.explain if name in catalogue())
    if query.intent == "define":
        return meanings
    if not outcome.rows and outcome.figure is None:
        return _nothing_found(outcome) if query.scope == "universe" else ""
    text = _translated(outcome, words) or f"{_yes_or_no(outcome)}{capital(_sentence(outcome, words))}"
    return f"{meanings} {text}" if meanings else text


def _yes_or_no(outcome: Outcome) -> str:
    """`Yes: ` or `No: ` where the question supposes something."""
    query, figure = outcome.query, outcome.figure
    if not query.expects or not outcome.rows or query.operation in (*OF_MOVES, "high", "low", "count"):
        return ""
    if outcome.shape == "order":
        ahead = outcome.rows[0].symbol == query.companies[0] and len(outcome.rows) > 1
        return "Yes: " if ahead else "No: " if len(outcome.rows) > 1 else ""
    if outcome.shape == "values" and len(outcome.rows) == 2:
        one, two = (row.fact.value or 0 for row in outcome.rows)
        return "Yes: " if (one - two) * query.expects > 0 else "No: "
    joined = outcome.shape == "values" and " - " in outcome.rows[0].metric
    if not (joined or outcome.shape in ("change", "window")) or figure is None or figure.value is None:
        return ""
    return "Yes: " if figure.value * query.expects > 0 else "No: "


def _translated(outcome: Outcome, words: Words) -> str:
    if words.language == "en":
        return ""
    from finassist.reporting.languages import in_language  # Babel, which English does not need

    return in_language(outcome, words)


def _sentence(outcome: Outcome, words: Words) -> str:
    if outcome.query.intent == "judge":
        return f"{of_each_company(outcome.rows, words)} {ADVICE}"
    if outcome.shape in ("window", "event"):
        return over_days(outcome, words)
    if outcome.shape == "count":
        return _count(outcome)
    if outcome.shape == "model":
        return models.sentence(outcome, words)
    if outcome.shape == "peers":
        return peers.sentence(outcome, words)
    if outcome.shape == "order":
        return _universe(outcome, words) if outcome.query.scope == "universe" else _order(outcome, words)
    return {**SENTENCES, **CHANGES}[outcome.shape](outcome, words)


# ------------------------------------------------------------------------------------ named companies


def _order(outcome: Outcome, words: Words) -> str:
    """Named companies in order of a figure."""
    rows, query = outcome.rows, outcome.query
    if len(rows) == 1:
        alone = one_figure(words.of(rows[0]))
        return f"There is nothing to compare with: {outcome.gaps[0].reason} {alone}" if outcome.gaps else alone
    if query.intent == "compare" and len(rows) == 2:
        return _comparison(outcome, words)
    first = words.of(rows[0])
    lead = f"{first.name} had the {_side(query)} {_metric(query, rows[0])}"
    if first.direction < 0 and (how := _how_fallen(query, rows[0])):
        lead = f"{first.owner} {_fallen(rows[0])} fell {'most' if how == 'more' else 'least'}"
    return f"{lead}{_period_of(rows, words)}: {_places(rows, words)}."


def _period_of(rows: Sequence[Row], words: Words) -> str:
    """The period that all rows share; a high or low is that of a span."""
    of_span = words.query.operation in ("high", "low")
    return f" {over_span(rows[0].fact.period)}" if of_span else shared_period(rows, words)


def _side(query: Query) -> str:
    return "highest" if query.order >= 0 else "lowest"


def _places(rows: Sequence[Row], words: Words, *, periods: bool = False) -> str:
    each = [words.of(row) for row in rows[:MOST_NAMED]]
    cells = [
        f"{place}. {it.name} {it.value}" + (f" ({it.brief})" if periods else "") for place, it in enumerate(each, 1)
    ]
    more = f" and {len(rows) - MOST_NAMED} more in the table" if len(rows) > MOST_NAMED else ""
    return ", ".join(cells) + more


def _metric(query: Query, row: Row) -> str:
    """The ranked figure in words: `revenue growth`, `share price change`."""
    name = f"worth of {query.stake}" if query.stake else spoken(row.metric)
    if query.operation == "growth" and row.fact.unit == "points":
        return f"change in {name}"
    return _RANKED.get(query.operation, "{}").format(name)


_RANKED = {
    "high": "high at the close", "low": "low at the close",
    "growth": "{} growth", "sequential": "{} growth on the quarter before", "cagr": "{} CAGR", "mean": "average {}",
    "median": "median {}", "sum": "total {}", "difference": "change in {}", "times": "multiple of earlier {}",
}  # fmt: skip


def _comparison(outcome: Outcome, words: Words) -> str:
    win, lose = map(words.of, outcome.rows)
    metric, period = _metric(outcome.query, win.row), _period_of(outcome.rows, words)
    if win.fact.value == lose.fact.value:
        return f"{win.name} and {lose.name} had the same {metric}{period}: {win.value}."
    each, other = ("", "") if period else (f" {win.when}", f" {lose.when}")
    if max(win.direction, lose.direction) < 0 and (how := _how_fallen(outcome.query, win.row)):
        what = f"{win.owner} {_fallen(win.row)} fell {how}{period}"
        return f"{what}: by {win.size}{each}, against {lose.size}{other} at {lose.name}."
    side = "higher" if outcome.query.order >= 0 else "lower"
    return f"{win.name} had the {side} {metric}{period}: {win.value}{each}, against {lose.value}{other} at {lose.name}."


def _how_fallen(query: Query, row: Row) -> str:
    """`more` or `less`, where a change is ordered by how far figures fell; `fell less` is the largest change."""
    change = row.metric == "price_change" or row.metric.startswith("growth(") or query.operation == "growth"
    small = query.evidence.get("order", "") in ("less", "least", "smaller", "smallest", "lower", "lowest")
    if not change or small == (query.order < 0):
        return ""
    return "less" if small else "more"


def _fallen(row: Row) -> str:
    return "share price" if row.metric == "price_change" else spoken(row.metric).removesuffix(" growth")


# -------------------------------------------------------------------------------------- all companies


def _universe(outcome: Outcome, words: Words) -> str:
    """All companies in order of a figure, or those that fulfil a screen."""
    query, rows = outcome.query, outcome.rows
    if not rows:
        return _nothing_found(outcome)
    left = f" {outcome.left_out} of {outcome.considered} companies lack the figure." if outcome.left_out else ""
    period = _period_label(rows)
    if query.where:
        return f"{_screened(outcome, words)}{left}"
    if len(rows) == 1:
        return f"{_first_of_all(rows[0], words)}{left}"
    losses = query.order < 0 and rows[0].metric == "net_income" and all((row.fact.value or 0) < 0 for row in rows)
    what = "largest net losses" if losses else f"{_side(query)} {_metric(query, rows[0])}"
    span = "" if period or not is_series(query.asked()) else asked_periods(query)
    lead = f"The {len(rows)} companies{in_sectors(query)} with the {what}{period or span}"
    return f"{lead}: {_places(rows, words, periods=not period)}.{left}"


def _first_of_all(row: Row, words: Words) -> str:
    it, query = words.of(row), words.query
    among = in_sectors(query) or " of all companies in the data"
    period = own_span(row).strip() or (over_span(row.fact.period) if is_window(row) else it.when)
    if query.order < 0 and "loss" in it.label:  # the lowest income is the largest loss
        return f"{it.name} had the largest {it.label}{among} {period}: {it.size}."
    return f"{it.name} had the {_side(query)} {_metric(query, row)}{among} {period}: {it.value}."


def _screened(outcome: Outcome, words: Words) -> str:
    query = outcome.query
    kind = f"{outcome.matches} {'company' if outcome.matches == 1 else 'companies'}{in_sectors(query)}"
    if query.metrics and query.metrics[0] not in {each.metric for each in query.where}:
        return _best_of_screened(outcome, words, kind)
    shown = outcome.rows[: query.limit or 25]
    named = shown if len(shown) <= _MEMBERS else shown[:MOST_NAMED]
    names = ", ".join(words.name(row.symbol) + ("" if query.every else f" ({words.figure(row.fact)})") for row in named)
    left = outcome.matches - len(named)
    table = " in the table" if outcome.matches == len(shown) else f"; the table has the first {len(shown)}"
    more = f" and {left} more{table}" if left else ""
    span = asked_periods(query) if is_series(query.asked()) else ""
    period = span if query.every else "" if dated_apart(query) else _period_label(outcome.rows) or span
    return f"{kind} had {conditions(query)}{period}: {names}{more}."


def _best_of_screened(outcome: Outcome, words: Words, kind: str) -> str:
    """Those that fulfil a screen in the order of another figure."""
    query, rows = outcome.query, outcome.rows
    period = _period_label(rows)
    known = f" and a known {_metric(query, rows[0])}" if outcome.left_out else ""
    asked = "" if dated_apart(query) else asked_periods(query)
    lead = f"Of {kind} with {conditions(query)}{asked}{known}"
    what = f"the {_side(query)} {_metric(query, rows[0])}"
    if len(rows) == 1:
        it = words.of(rows[0])
        return f"{lead}, {it.name} had {what}{period}: {it.value}."
    return f"{lead}, these had {what}{period}: {_places(rows, words, periods=not period)}."


def _period_label(rows: Sequence[Row]) -> str:
    label, *others = {row.fact.period for row in rows}
    if others:
        return ""
    if span := own_span(rows[0]):
        return span if all(own_span(row) == span for row in rows) else ""
    return f" on {label}" if re.fullmatch(r"\d{4}-\d\d-\d\d", label) else f" in {label}"


def _nothing_found(outcome: Outcome) -> str:
    """The sentence of a screen that no company fulfils."""
    if outcome.left_out == outcome.considered:  # of no company is it known
        return ""
    query, condition = outcome.query, conditions(outcome.query)
    left = f" ({outcome.left_out} of {outcome.considered} lack the figure)" if outcome.left_out else ""
    return f"No company in the data had {condition}{asked_periods(query)}{left}." if condition else ""


def _count(outcome: Outcome) -> str:
    """How many companies fulfil a screen."""
    query = outcome.query
    left = f" ({outcome.left_out} lack the figure)" if outcome.left_out else ""
    what = conditions(query) or spoken(query.metrics[0])
    period = asked_periods(query).replace(" latest", " the latest year") or " in their latest fiscal year"
    lead = f"{outcome.matches} companies{in_sectors(query)} had {what}{period}"
    return f"{lead}, of {outcome.considered} in the data{left}."
