"""Sentences about figures, changes, sums and series of named companies."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from finassist.analysis.outcome import Outcome, Row
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue, described, spoken
from finassist.reporting.sentence_words import (
    Words,
    asked_periods,
    at_period,
    brief,
    capital,
    distinct,
    in_period,
    in_sectors,
    listed,
    shared_period,
)
from finassist.reporting.translations import translated, translated_change

_PLURAL = frozenset({"receivables", "total_assets", "current_assets", "total_liabilities", "current_liabilities", "buybacks", "dividends_paid",
                     "dividends_per_share", "shares_diluted", "shares_basic", "shares_outstanding", "operating_expenses", "retained_earnings",
                     "short_term_investments", "accounts_payable", "cash_and_equivalents", "dividends_paid + buybacks"})  # fmt: skip


def values(outcome: Outcome, words: Words) -> str:
    rows = outcome.rows
    if len(rows) == 1:
        return one_figure(rows[0], words)
    symbols, metrics = distinct(row.symbol for row in rows), distinct(row.metric for row in rows)
    if len(symbols) == 1 and len(metrics) == 1:
        return (
            f"{words.owner(symbols[0])} {spoken(metrics[0])} was "
            + listed([f"{words.figure(r.fact)} {in_period(r)}" for r in rows])
            + "."
        )
    if len(symbols) == 1:
        return several_metrics(rows, symbols[0], words)
    if len(metrics) == 1:
        same = len({row.fact.period for row in rows}) == 1
        period = shared_period(rows, words) if same else ""
        cells = [
            f"{words.name(r.symbol)} {words.figure(r.fact)}" + ("" if same else f" {words.when(r.fact, r.metric)}")
            for r in rows
        ]
        return f"{described(metrics[0]).title}{period}: " + listed(cells) + "."
    return " ".join(
        capital(several_metrics([r for r in rows if r.symbol == symbol], symbol, words)) for symbol in symbols
    )


def several_metrics(rows: Sequence[Row], symbol: str, words: Words) -> str:
    periods = distinct(row.fact.period for row in rows)
    if len(periods) == 1:
        cells = [f"{words.label(r)} {words.figure(r.fact, signed='loss' not in words.label(r))}" for r in rows]
        return f"{words.name(symbol)} {words.when(rows[0].fact)}: " + listed(cells) + "."
    cells = [f"{words.label(r)} {words.figure(r.fact)} {words.when(r.fact, r.metric)}" for r in rows]
    return f"{words.name(symbol)}: " + listed(cells) + "."


def one_figure(row: Row, words: Words) -> str:
    if words.language != "en" and (text := translated(row, words)):
        return text
    words.number_language = "en"
    label = words.label(row)
    signed = "loss" not in label
    verb = "were" if row.metric in _PLURAL else "was"
    subject = words.owner(row.symbol) if row.symbol != "^GSPC" else "the S&P 500's"
    if row.metric == "price":
        what = "closing level" if row.symbol == "^GSPC" else "share price"
        return f"{subject} {what} was {words.figure(row.fact)} at the close {words.when(row.fact)}."
    return f"{subject} {label} {verb} {words.figure(row.fact, signed=signed)} {words.when(row.fact, row.metric)}{_how(row, words)}."


def _how(row: Row, words: Words) -> str:
    """How a figure comes about: its two inputs with their values, where there are two."""
    if len(row.parts) != 2 or row.fact.status != "derived":
        return ""
    above, below = row.parts
    sign = "/" if " / " in described(row.metric).formula else "-"
    later = "" if above.period == below.period or row.fact.period.startswith("FY") else f" ({brief(above)})"
    return f": {spoken_input(above)} {words.figure(above)}{later} {sign} {spoken_input(below)} {words.figure(below)}"


def spoken_input(fact: Fact) -> str:
    """An input of a formula in words."""
    return {"cover_shares": "shares"}.get(fact.field) or (
        spoken(fact.field) if fact.field in catalogue() else fact.field
    )


def _verb(fact: Fact, metric: str) -> str:
    sign = (fact.value or 0) > 0, (fact.value or 0) < 0
    if described(metric).kind == "flow":
        return "grew" if sign[0] else "fell" if sign[1] else "did not change:"
    return "rose" if sign[0] else "fell" if sign[1] else "did not change:"


def change(outcome: Outcome, words: Words) -> str:
    return " ".join(capital(_one_change(row, words)) for row in outcome.rows)


def _one_change(row: Row, words: Words) -> str:
    if row.first is None or row.last is None:
        return one_figure(row, words)
    if words.language != "en" and (text := translated_change(row, words)):
        return text
    words.number_language = "en"
    ends = f"from {words.figure(row.first)} {at_period(row.first)} to {words.figure(row.last)} {at_period(row.last)}"
    size = words.figure(row.fact, signed=False)
    span = f" in {brief(row.last)}" if row.last.period.startswith(("FY", "Q", "H")) and _next_to(row) else ""
    by = "by " if row.fact.unit == "points" else ""
    return f"{words.owner(row.symbol)} {spoken(row.metric)} {_verb(row.fact, row.metric)} {by}{size}{span}, {ends}."


def _next_to(row: Row) -> bool:
    if row.first is None or row.last is None or row.first.period_end is None or row.last.period_end is None:
        return False
    return (row.last.period_end - row.first.period_end).days < 400


def cagr(outcome: Outcome, words: Words) -> str:
    parts: list[str] = []
    for row in outcome.rows:
        if row.first is None or row.last is None:
            continue
        verb = "grew" if (row.fact.value or 0) >= 0 else "fell"
        parts.append(capital(
            f"{words.owner(row.symbol)} {spoken(row.metric)} {verb} {words.figure(row.fact, signed=False)} a year (CAGR) from "
            f"{brief(row.first)} to {brief(row.last)}: from {words.figure(row.first)} to {words.figure(row.last)} over {row.at} years."
        ))  # fmt: skip
    return " ".join(parts)


def difference(outcome: Outcome, words: Words) -> str:
    rows = outcome.rows
    if outcome.figure is not None and len(rows) == 2 and rows[0].symbol != rows[1].symbol:
        left, right = rows
        gap = outcome.figure
        more = (gap.value or 0) >= 0
        metric = spoken(left.metric)
        return (
            f"{words.owner(left.symbol)} {metric} was {words.figure(gap, signed=False)} {'higher' if more else 'lower'} than "
            f"{words.owner(right.symbol)} {in_period(left)}: {words.figure(left.fact)} against {words.figure(right.fact)}.{other_end(left, right)}"
        )
    parts: list[str] = []
    for row in rows:
        if row.first is None or row.last is None:
            parts.append(one_figure(row, words))
            continue
        verb = _verb(row.fact, row.metric).replace("grew", "rose")
        parts.append(
            f"{words.owner(row.symbol)} {spoken(row.metric)} {verb} by {words.figure(row.fact, signed=False)}, from {words.figure(row.first)} "
            f"{at_period(row.first)} to {words.figure(row.last)} {at_period(row.last)}."
        )
    return " ".join(map(capital, parts))


def other_end(left: Row, right: Row) -> str:
    """Fiscal years with one label may end apart."""
    a, b = left.fact.period_end, right.fact.period_end
    apart = a and b and abs((a - b).days) > 20 and left.fact.period == right.fact.period
    return f" Their fiscal years end apart: {a} and {b}." if apart else ""


def times(outcome: Outcome, words: Words) -> str:
    rows = outcome.rows
    fact = outcome.figure
    if fact is not None and len(rows) == 2 and rows[0].symbol != rows[1].symbol:
        return (
            f"{words.owner(rows[0].symbol)} {spoken(rows[0].metric)} was {words.figure(fact)} {words.owner(rows[1].symbol)} "
            f"{in_period(rows[0])}: {words.figure(rows[0].fact)} against {words.figure(rows[1].fact)}.{other_end(*rows)}"
        )
    row = rows[0]
    if row.first is None or row.last is None:
        return one_figure(row, words)
    return (
        f"{words.owner(row.symbol)} {spoken(row.metric)} was {words.figure(row.fact)} as large {at_period(row.last)} as {at_period(row.first)}: "
        f"{words.figure(row.last)} against {words.figure(row.first)}."
    )


def total(outcome: Outcome, words: Words) -> str:
    if outcome.query.scope == "universe" and outcome.figure is not None:
        return (
            f"The {spoken(outcome.rows[0].metric)} of {outcome.matches} companies{asked_periods(outcome.query)} adds up to "
            f"{words.figure(outcome.figure)} ({outcome.left_out} of {outcome.considered} lack the figure)."
        )
    return _joined(outcome, words, "combined", "added up to")


def mean(outcome: Outcome, words: Words) -> str:
    if outcome.query.scope == "universe" and outcome.figure is not None:
        kind = outcome.query.operation
        return (
            f"The {'median' if kind == 'median' else 'average'} {spoken(outcome.rows[0].metric)} of {outcome.matches} companies"
            f"{in_sectors(outcome.query)}{asked_periods(outcome.query)} was {words.figure(outcome.figure)} "
            f"({outcome.left_out} of {outcome.considered} lack the figure)."
        )
    kind = "median" if outcome.query.operation == "median" else "average"
    return _joined(outcome, words, kind, "averaged")


def _joined(outcome: Outcome, words: Words, adjective: str, verb: str) -> str:
    rows = outcome.rows
    if outcome.figure is None:
        return values(outcome, words)
    if len(rows) > 1 and len({row.symbol for row in rows}) > 1 and rows[0].first is None:
        names = listed([words.name(row.symbol) for row in rows])
        cells = listed([f"{words.name(row.symbol)} {words.figure(row.fact)}" for row in rows])
        return (
            f"The {adjective} {spoken(rows[0].metric)} of {names} was {words.figure(outcome.figure)} {words.when(rows[0].fact, rows[0].metric)}: "
            f"{cells}."
        )
    row = outcome.rows[0]
    if row.first is None or row.last is None:
        return one_figure(row, words)
    return (
        f"{words.owner(row.symbol)} {spoken(row.metric)} {verb} {words.figure(row.fact)} from {brief(row.first)} to {brief(row.last)}"
        f" (years ended {row.first.period_end} to {row.last.period_end})."
    )


def extreme(outcome: Outcome, words: Words) -> str:
    return " ".join(
        capital(f"{words.owner(row.symbol)} {spoken(row.metric)} was {row.at or 'highest'} in {brief(row.fact)}, at {words.figure(row.fact)} "
             f"({_ended(row.fact)}).")
        for row in outcome.rows
    )  # fmt: skip


def _ended(fact: Fact) -> str:
    return f"{'quarter' if fact.period.startswith('Q') else 'year'} ended {fact.period_end}"


def series(outcome: Outcome, words: Words) -> str:
    parts: list[str] = []
    for symbol, metric in distinct((row.symbol, row.metric) for row in outcome.rows):
        rows = [row for row in outcome.rows if (row.symbol, row.metric) == (symbol, metric)]
        parts.append(capital(_one_series(rows, symbol, metric, words)))
    return " ".join(parts)


def _one_series(rows: Sequence[Row], symbol: str, metric: str, words: Words) -> str:
    first, last = rows[0].fact, rows[-1].fact
    if len(rows) < 2 or first.value is None or last.value is None:
        return one_figure(rows[0], words)
    moved = "rose" if last.value > first.value else "fell" if last.value < first.value else "did not change,"
    text = f"{words.owner(symbol)} {spoken(metric)} {moved} from {words.figure(first)} {at_period(first)} to {words.figure(last)} {at_period(last)}"
    steps = [
        b.fact.value > a.fact.value
        for a, b in zip(rows, rows[1:], strict=False)
        if a.fact.value is not None and b.fact.value is not None
    ]
    if len(rows) > 2 and steps and all(steps):
        text += ", rising every time"
    elif len(rows) > 2 and steps and not any(steps):
        text += ", falling every time"
    elif len(rows) > 3:
        best = max(rows, key=lambda row: row.fact.value or Decimal())
        worst = min(rows, key=lambda row: row.fact.value or Decimal())
        if words.query.evidence.get("every"):
            text += "; not every time"
        text += f"; the highest was {words.figure(best.fact)} in {brief(best.fact)}, the lowest {words.figure(worst.fact)} in {brief(worst.fact)}"
    return text + "."
