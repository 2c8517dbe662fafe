"""The sentence that answers: one template for each shape of an outcome; here those that compare, rank and count. Pure.

Every sentence names company, metric, value, unit and period; a change says its direction in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from finassist.analysis.calendar import Member
from finassist.analysis.outcome import Outcome, Row
from finassist.core.metrics import catalogue, spoken
from finassist.core.query import Query, Shape
from finassist.reporting import sentences as s
from finassist.reporting.sentences import one_figure, several_metrics
from finassist.reporting.words import (
    MOST_NAMED,
    Phrase,
    Words,
    asked_periods,
    capital,
    conditions,
    distinct,
    in_sectors,
    in_table,
    is_window,
    limit_words,
    number,
    over_span,
    shared_period,
)


def headline(outcome: Outcome, members: Mapping[str, Member]) -> str:
    """The answer of an outcome in one or two sentences; empty where nothing is there."""
    words = Words(members, outcome.query)
    if outcome.query.intent == "define":
        return definition(outcome.query)
    if not outcome.rows and outcome.figure is None:
        return nothing_found(outcome) if outcome.query.scope == "universe" else ""
    template = judge if outcome.query.intent == "judge" else _SHAPES[outcome.shape]
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


_MEMBERS = 10
"""A screen of so few companies names them all: its members are what was asked."""

ADVICE = "finassist shows figures to weigh and gives no advice to buy or sell."

# ------------------------------------------------------------------------------------- spans of days


def window(outcome: Outcome, words: Words) -> str:
    """What prices did over a span of days."""
    return " ".join(capital(_one_window(row, outcome.query, words)) for row in outcome.rows)


def _one_window(row: Row, query: Query, words: Words) -> str:
    it = words.of(row)
    what = "level" if row.symbol == "^GSPC" else "share price"
    span, ends = over_span(row.fact.period), _ends(it, words)
    moved = "fell" if it.direction < 0 else "rose"
    match query.operation, row.metric:
        case "best month" | "worst month" as which, _:
            return f"{it.owner} {which} {span} was {row.at}: the {what} {moved} {it.size}{ends}."
        case "high" | "low" | "max" | "min" as which, _:
            side = "lowest" if which in ("low", "min") else "highest"
            kind = "month-end close" if query.unit == "month-end" else "close"
            return f"{it.owner} {side} {kind} {span} was {it.value}, on {row.at}."
        case "first", _:
            return f"{it.name} first closed {limit_words(query.where)} on {row.at}, at {it.value}."
        case "mean", "price":
            return f"{it.owner} average {what} {span} was {it.value} ({row.fact.formula})."
        case "difference", _:
            return f"{it.owner} {what} {moved} by {it.size} {span}{ends}."
        case "cagr", _:
            return f"{it.owner} {what} {moved} {it.size} a year {span}{ends}."
        case _:
            return _of_window_metric(it, what, span, ends)


def _of_window_metric(it: Phrase, what: str, span: str, ends: str) -> str:
    match it.row.metric:
        case "total_return":
            return f"{it.owner} total return {span}, with dividends reinvested, was {it.value}."
        case "max_drawdown":
            return f"{it.owner} maximum drawdown {span} was {it.value}{ends} (daily closes)."
        case "volatility":
            return f"{it.owner} volatility {span} was {it.value} a year (daily closes)."
        case "beta":
            return f"{it.owner} beta to the S&P 500 {span} was {number(it.fact.value or Decimal(), 2)}."
        case _:
            moved = {1: "rose", -1: "fell", 0: "did not change,"}[it.direction]
            return f"{it.owner} {what} {moved} {it.size} {span}{ends}."


def _ends(it: Phrase, words: Words) -> str:
    first, last = it.row.first, it.row.last
    if first is None or last is None:
        return ""
    start, end = f"{words.figure(first)} on {first.period_end}", f"{words.figure(last)} on {last.period_end}"
    return f", from {start} to {end}"


# ---------------------------------------------------------------------------- comparisons and ranks


def order(outcome: Outcome, words: Words) -> str:
    """Companies in order of a figure: named ones, or all."""
    if outcome.query.scope == "universe":
        return _universe(outcome, words)
    rows = outcome.rows
    if len(rows) < 2:
        alone = one_figure(outcome.rows[0], words)
        return f"There is nothing to compare with: {outcome.gaps[0].reason} {alone}" if outcome.gaps else alone
    if outcome.query.intent == "compare" and len(rows) == 2:
        return _comparison(outcome, words)
    lead = f"{words.name(rows[0].symbol)} had the {_side(outcome.query)} {metric_words(outcome.query, rows[0])}"
    return f"{lead}{shared_period(rows, words)}: {_places(rows, words)}."


def _side(query: Query) -> str:
    return "highest" if query.order >= 0 else "lowest"


def _places(rows: tuple[Row, ...], words: Words, *, periods: bool = False) -> str:
    each = [words.of(row) for row in rows[:MOST_NAMED]]
    cells = [
        f"{place}. {it.name} {it.value}" + (f" ({it.brief})" if periods else "") for place, it in enumerate(each, 1)
    ]
    return ", ".join(cells) + in_table(len(rows))


def metric_words(query: Query, row: Row) -> str:
    """The ranked figure in words: `revenue growth`, `share price change`."""
    name = spoken(row.metric)
    return {"growth": f"{name} growth", "cagr": f"{name} CAGR", "mean": f"average {name}"}.get(query.operation, name)


def _comparison(outcome: Outcome, words: Words) -> str:
    win, lose = words.of(outcome.rows[0]), words.of(outcome.rows[1])
    metric, period = metric_words(outcome.query, win.row), shared_period([win.row, lose.row], words)
    if win.fact.value == lose.fact.value:
        return f"{win.name} and {lose.name} had the same {metric}{period}: {win.value}."
    each, other = ("", "") if period else (f" {win.when}", f" {lose.when}")
    side = "higher" if outcome.query.order >= 0 else "lower"
    return f"{win.name} had the {side} {metric}{period}: {win.value}{each}, against {lose.value}{other} at {lose.name}."


# -------------------------------------------------------------------------------------- all companies


def _universe(outcome: Outcome, words: Words) -> str:
    query, rows = outcome.query, outcome.rows
    if not rows:
        return nothing_found(outcome)
    left = f" {outcome.left_out} of {outcome.considered} companies lack the figure." if outcome.left_out else ""
    if query.where:
        return _screened(outcome, words) + left
    if len(rows) == 1:
        return _first_of_all(rows[0], query, words) + left
    period = _period_label(outcome)
    lead = f"The {len(rows)} companies{in_sectors(query)} with the {_side(query)} {spoken(rows[0].metric)}{period}"
    return f"{lead}: {_places(rows, words, periods=not period)}.{left}"


def _first_of_all(row: Row, query: Query, words: Words) -> str:
    it = words.of(row)
    among = in_sectors(query) or " of all companies in the data"
    period = over_span(row.fact.period) if is_window(row) else it.when
    return f"{it.name} had the {_side(query)} {it.metric}{among} {period}: {it.value}."


def _screened(outcome: Outcome, words: Words) -> str:
    query = outcome.query
    kind = f"{outcome.matches} {'company' if outcome.matches == 1 else 'companies'}{in_sectors(query)}"
    shown = outcome.rows[: query.limit or 25]
    named = shown if len(shown) <= _MEMBERS else shown[:MOST_NAMED]
    names = ", ".join(f"{words.name(row.symbol)} ({words.figure(row.fact)})" for row in named)
    left = outcome.matches - len(named)
    table = " in the table" if outcome.matches == len(shown) else f"; the table has the first {len(shown)}"
    more = f" and {left} more{table}" if left else ""
    return f"{kind} had {conditions(query)}{_period_label(outcome)}: {names}{more}."


def _period_label(outcome: Outcome) -> str:
    labels = {row.fact.period for row in outcome.rows}
    if len(labels) > 1:
        return ""
    label = next(iter(labels))
    return f" on {label}" if re.fullmatch(r"\d{4}-\d\d-\d\d", label) else f" in {label}"


def nothing_found(outcome: Outcome) -> str:
    """The sentence of a screen that no company fulfils."""
    condition = conditions(outcome.query)
    period = asked_periods(outcome.query)
    left = f" ({outcome.left_out} of {outcome.considered} lack the figure)" if outcome.left_out else ""
    return f"No company in the data had {condition}{period}{left}." if condition else ""


def count(outcome: Outcome, words: Words) -> str:
    """How many companies fulfil a screen."""
    query = outcome.query
    left = f" ({outcome.left_out} lack the figure)" if outcome.left_out else ""
    what = conditions(query) or spoken(query.metrics[0])
    period = asked_periods(query).replace(" latest", " the latest year") or " in their latest fiscal year"
    lead = f"{outcome.matches} companies{in_sectors(query)} had {what}{period}"
    return f"{lead}, of {outcome.considered} in the data{left}."


def judge(outcome: Outcome, words: Words) -> str:
    """Figures to weigh, and that they are no advice."""
    symbols = distinct(row.symbol for row in outcome.rows)
    parts = [several_metrics([row for row in outcome.rows if row.symbol == s], s, words) for s in symbols]
    return " ".join([*map(capital, parts), ADVICE])


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
    "window": window,
    "order": order,
    "count": count,
    "check": s.check,
}
