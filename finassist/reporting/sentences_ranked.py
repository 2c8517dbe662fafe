"""Sentences about comparisons, ranks, screens, counts and what prices did."""

from __future__ import annotations

import re
from decimal import Decimal

from finassist.analysis.outcome import Outcome, Row
from finassist.core.metrics import spoken
from finassist.core.query import Query
from finassist.reporting.numbers import number
from finassist.reporting.sentence_words import (
    Words,
    asked_periods,
    brief,
    capital,
    conditions,
    distinct,
    in_sectors,
    is_window,
    over_span,
    shared_period,
)
from finassist.reporting.sentences import one_figure, several_metrics


def window(outcome: Outcome, words: Words) -> str:
    return " ".join(capital(_one_window(row, outcome.query, words)) for row in outcome.rows)


def _one_window(row: Row, query: Query, words: Words) -> str:
    fact, label = row.fact, row.fact.period
    owner = words.owner(row.symbol)
    what = "level" if row.symbol == "^GSPC" else "share price"
    ends = ""
    if row.first is not None and row.last is not None:
        ends = f", from {words.figure(row.first)} on {row.first.period_end} to {words.figure(row.last)} on {row.last.period_end}"
    match query.operation, row.metric:
        case "best month" | "worst month" as which, _:
            verb = "rose" if (fact.value or 0) >= 0 else "fell"
            return f"{owner} {which} {over_span(label)} was {row.at}: the {what} {verb} {words.figure(fact, signed=False)}{ends}."
        case "high" | "low" | "max" | "min", _:
            side = "lowest" if query.operation in ("low", "min") else "highest"
            kind = "month-end close" if query.unit == "month-end" else "close"
            return f"{owner} {side} {kind} {over_span(label)} was {words.figure(fact)}, on {row.at}."
        case "mean", "price":
            return f"{owner} average {what} {over_span(label)} was {words.figure(fact)} ({fact.formula})."
        case "difference", _:
            verb = "rose" if (fact.value or 0) >= 0 else "fell"
            return f"{owner} {what} {verb} by {words.figure(fact, signed=False)} {over_span(label)}{ends}."
        case "cagr", _:
            verb = "rose" if (fact.value or 0) >= 0 else "fell"
            return f"{owner} {what} {verb} {words.figure(fact, signed=False)} a year {over_span(label)}{ends}."
        case _, "total_return":
            return f"{owner} total return {over_span(label)}, with dividends reinvested, was {words.figure(fact)}."
        case _, "max_drawdown":
            return f"{owner} maximum drawdown {over_span(label)} was {words.figure(fact)}{ends} (daily closes)."
        case _, "volatility":
            return f"{owner} volatility {over_span(label)} was {words.figure(fact)} a year (daily closes)."
        case _, "beta":
            return f"{owner} beta to the S&P 500 {over_span(label)} was {number(fact.value or Decimal(), 2)}."
        case _:
            verb = "rose" if (fact.value or 0) > 0 else "fell" if (fact.value or 0) < 0 else "did not change,"
            return f"{owner} {what} {verb} {words.figure(fact, signed=False)} {over_span(label)}{ends}."


def order(outcome: Outcome, words: Words) -> str:
    if outcome.query.scope == "universe":
        return _universe(outcome, words)
    rows = outcome.rows
    if len(rows) < 2:
        alone = one_figure(outcome.rows[0], words)
        return f"There is nothing to compare with: {outcome.gaps[0].reason} {alone}" if outcome.gaps else alone
    if outcome.query.intent == "compare" and len(rows) == 2:
        return _comparison(outcome, words)
    first = rows[0]
    side = "highest" if outcome.query.order >= 0 else "lowest"
    cells = [f"{place}. {words.name(row.symbol)} {words.figure(row.fact)}" for place, row in enumerate(rows, 1)]
    period = shared_period(rows, words)
    lead = f"{words.name(first.symbol)} had the {side} {metric_words(outcome.query, first)}{period}"
    return f"{lead}: " + ", ".join(cells) + "."


def metric_words(query: Query, row: Row) -> str:
    """The ranked figure in words: `revenue growth`, `share price change`."""
    name = spoken(row.metric)
    return {"growth": f"{name} growth", "cagr": f"{name} CAGR"}.get(query.operation, name)


def _comparison(outcome: Outcome, words: Words) -> str:
    win, lose = outcome.rows[0], outcome.rows[1]
    side = "higher" if outcome.query.order >= 0 else "lower"
    metric = metric_words(outcome.query, win)
    period = shared_period([win, lose], words)
    each = "" if period else f" {words.when(win.fact, win.metric)}"
    other = "" if period else f" {words.when(lose.fact, lose.metric)}"
    if win.fact.value == lose.fact.value:
        return f"{words.name(win.symbol)} and {words.name(lose.symbol)} had the same {metric}{period}: {words.figure(win.fact)}."
    return f"{words.name(win.symbol)} had the {side} {metric}{period}: {words.figure(win.fact)}{each}, against {words.figure(lose.fact)}{other} at {words.name(lose.symbol)}."


def _universe(outcome: Outcome, words: Words) -> str:
    query, rows = outcome.query, outcome.rows
    if not rows:
        return nothing_found(outcome)
    period = _period_label(outcome)
    left = f" {outcome.left_out} of {outcome.considered} companies lack the figure." if outcome.left_out else ""
    if query.where:
        kind = f"{outcome.matches} {'company' if outcome.matches == 1 else 'companies'}{in_sectors(query)}"
        shown = rows[: query.limit or 25]
        names = ", ".join(f"{words.name(row.symbol)} ({words.figure(row.fact)})" for row in shown)
        more = f" and {outcome.matches - len(shown)} more" if outcome.matches > len(shown) else ""
        return f"{kind} had {conditions(query)}{period}: {names}{more}.{left}"
    side = "highest" if query.order >= 0 else "lowest"
    if len(rows) == 1:
        row = rows[0]
        return f"{words.name(row.symbol)} had the {side} {spoken(row.metric)}{in_sectors(query) or ' of all companies in the data'} {_row_period(row, words)}: {words.figure(row.fact)}.{left}"
    cells = [
        f"{place}. {words.name(row.symbol)} {words.figure(row.fact)}" + ("" if period else f" ({brief(row.fact)})")
        for place, row in enumerate(rows, 1)
    ]
    return (
        f"The {len(rows)} companies{in_sectors(query)} with the {side} {spoken(rows[0].metric)}{period}: "
        + ", ".join(cells)
        + f".{left}"
    )


def _row_period(row: Row, words: Words) -> str:
    return over_span(row.fact.period) if is_window(row) else words.when(row.fact, row.metric)


def _period_label(outcome: Outcome) -> str:
    labels = {row.fact.period for row in outcome.rows}
    if len(labels) == 1:
        label = next(iter(labels))
        return f" on {label}" if re.fullmatch(r"\d{4}-\d\d-\d\d", label) else f" in {label}"
    return ""


def nothing_found(outcome: Outcome) -> str:
    condition = conditions(outcome.query)
    period = asked_periods(outcome.query)
    left = f" ({outcome.left_out} of {outcome.considered} lack the figure)" if outcome.left_out else ""
    return f"No company in the data had {condition}{period}{left}." if condition else ""


def count(outcome: Outcome, words: Words) -> str:
    query = outcome.query
    left = f" ({outcome.left_out} lack the figure)" if outcome.left_out else ""
    what = conditions(query) or spoken(query.metrics[0])
    period = asked_periods(query).replace(" latest", " the latest year") or " in their latest fiscal year"
    return (
        f"{outcome.matches} companies{in_sectors(query)} had {what}{period}, of {outcome.considered} in the data{left}."
    )


ADVICE = "finassist shows figures to weigh and gives no advice to buy or sell."


def judge(outcome: Outcome, words: Words) -> str:
    parts = [
        several_metrics([r for r in outcome.rows if r.symbol == s], s, words)
        for s in distinct(r.symbol for r in outcome.rows)
    ]
    return " ".join(map(capital, parts)) + " " + ADVICE
