"""Sentences about figures, changes, sums and series of named companies."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from finassist.analysis.outcome import Outcome, Row, fulfils
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue, described, spoken
from finassist.reporting.words import (
    Phrase,
    Words,
    asked_periods,
    at_period,
    brief,
    capital,
    conditions,
    distinct,
    in_sectors,
    limit_words,
    listed,
    possessive,
    shared_period,
    when,
)

_PLURAL = frozenset(
    {
        "receivables",
        "total_assets",
        "current_assets",
        "total_liabilities",
        "current_liabilities",
        "buybacks",
        "dividends_paid",
        "dividends_per_share",
        "shares_diluted",
        "shares_basic",
        "shares_outstanding",
        "operating_expenses",
        "retained_earnings",
        "short_term_investments",
        "accounts_payable",
        "cash_and_equivalents",
        "dividends_paid + buybacks",
    }
)

# ------------------------------------------------------------------------------------------- figures


def values(outcome: Outcome, words: Words) -> str:
    """One figure, or several beside one another."""
    rows = outcome.rows
    symbols, metrics = distinct(row.symbol for row in rows), distinct(row.metric for row in rows)
    if len(rows) == 1:
        return one_figure(rows[0], words)
    if len(symbols) == len(metrics) == 1:
        each = [f"{words.of(row).value} {words.of(row).period}" for row in rows]
        return f"{possessive(words.name(symbols[0]))} {spoken(metrics[0])} was {listed(each)}."
    if len(metrics) == 1 and len(symbols) > 1:
        return _several_companies(rows, words)
    each = [several_metrics([row for row in rows if row.symbol == symbol], symbol, words) for symbol in symbols]
    return each[0] if len(each) == 1 else " ".join(map(capital, each))


def _several_companies(rows: Sequence[Row], words: Words) -> str:
    period = shared_period(rows, words)
    same = len({row.fact.period for row in rows}) == 1
    each = [f"{it.name} {it.value}" + ("" if same else f" {it.when}") for it in map(words.of, rows)]
    return f"{described(rows[0].metric).title}{period}: {listed(each)}."


def several_metrics(rows: Sequence[Row], symbol: str, words: Words) -> str:
    """Several figures of one company."""
    if len({row.fact.period for row in rows}) == 1:
        return f"{words.name(symbol)} {when(rows[0].fact)}: {listed([words.of(row).labelled for row in rows])}."
    return f"{words.name(symbol)}: {listed([f'{it.labelled} {it.when}' for it in map(words.of, rows)])}."


def one_figure(row: Row, words: Words) -> str:
    """`Apple's net margin was 25.3% in FY2023 (year ended …): net income … / revenue …`."""
    it = words.of(row)
    if row.metric == "price":
        what = "closing level" if row.symbol == "^GSPC" else "share price"
        return f"{it.owner} {what} was {it.value} at the close {when(it.fact)}."
    shown = it.size if "loss" in it.label else it.value
    return f"{it.owner} {it.label} {_was(row.metric)} {shown} {it.when}{_how(row, words)}."


def check(outcome: Outcome, words: Words) -> str:
    """Whether figures fulfil a condition: yes or no of one, how many of several."""
    rows, query = outcome.rows, outcome.query
    met = [row for row in rows if fulfils(query, row)]
    if len(rows) == 1:
        return f"{'Yes,' if met else 'No, not'} {limit_words(query.where)}: {one_figure(rows[0], words)}"
    if query.operation == "first" and met:
        it = words.of(met[0])
        return f"{it.name} first had {conditions(query)} {it.when}: {it.value}."
    if len({row.symbol for row in rows}) == 1:
        kind = "quarters" if rows[0].fact.period.startswith("Q") else "years"
        span = f"{brief(rows[0].fact)} to {brief(rows[-1].fact)}"
        each = f": {listed([f'{it.brief} ({it.value})' for it in map(words.of, met)])}" if met else ""
        return (
            f"{words.name(rows[0].symbol)} had {conditions(query)} in {len(met)} of {len(rows)} {kind}, {span}{each}."
        )
    return _which_fulfil(rows, met, words)


def _which_fulfil(rows: Sequence[Row], met: Sequence[Row], words: Words) -> str:
    """`Nvidia (55.9%) had net margin above 30% in FY2024; not Apple 24.0%`, of all companies named."""
    named = listed([f"{it.name} ({it.value})" for it in map(words.of, met)]) if met else "none of them"
    others = listed([f"{it.name} {it.value}" for it in map(words.of, rows) if it.row not in met])
    rest = f"; not {others}" if others else ""
    return f"{capital(named)} had {conditions(words.query)}{shared_period(rows, words)}{rest}."


def _was(metric: str) -> str:
    return "were" if metric in _PLURAL else "was"


def _how(row: Row, words: Words) -> str:
    """How a figure comes about: its two inputs with their values, where there are two."""
    if len(row.parts) != 2 or row.fact.status != "derived":
        return ""
    above, below = row.parts
    sign = "/" if " / " in described(row.metric).formula else "-"
    later = "" if above.period == below.period or row.fact.period.startswith("FY") else f" ({brief(above)})"
    return f": {_input(above)} {words.figure(above)}{later} {sign} {_input(below)} {words.figure(below)}"


def _input(fact: Fact) -> str:
    """An input of a formula in words."""
    if fact.field == "cover_shares":
        return "shares"
    return spoken(fact.field) if fact.field in catalogue() else fact.field


# ------------------------------------------------------------------------------------------- changes


def change(outcome: Outcome, words: Words) -> str:
    """Growth of each company: the direction in words, the size, both ends."""
    return " ".join(capital(_one_change(row, words)) for row in outcome.rows)


def _one_change(row: Row, words: Words) -> str:
    if row.first is None or row.last is None:
        return one_figure(row, words)
    it = words.of(row)
    fiscal = row.last.period.startswith(("FY", "Q", "H"))
    span = f" in {brief(row.last)}" if fiscal and _next_to(row.first, row.last) else ""
    by = "by " if row.fact.unit == "points" else ""
    return f"{it.owner} {it.metric} {_moved(it)} {by}{it.size}{span}, {it.ends()}."


def _moved(it: Phrase) -> str:
    up = "grew" if described(it.row.metric).kind == "flow" else "rose"
    return {1: up, -1: "fell", 0: "did not change:"}[it.direction]


def _next_to(first: Fact, last: Fact) -> bool:
    """Whether the ends of a change are neighbouring periods."""
    return bool(first.period_end and last.period_end and (last.period_end - first.period_end).days < 400)


def cagr(outcome: Outcome, words: Words) -> str:
    """Growth a year, compounded."""
    return " ".join(_one_cagr(words.of(row), row.first, row.last) for row in outcome.rows if row.first and row.last)


def _one_cagr(it: Phrase, first: Fact, last: Fact) -> str:
    verb = "grew" if it.direction >= 0 else "fell"
    span = f"from {brief(first)} to {brief(last)}"
    moved = f"{it.ends(periods=False)} over {it.row.at} years"
    return capital(f"{it.owner} {it.metric} {verb} {it.size} a year (CAGR) {span}: {moved}.")


def difference(outcome: Outcome, words: Words) -> str:
    """How much more one figure is than another."""
    rows = outcome.rows
    if outcome.figure is not None and len(rows) == 2 and rows[0].symbol != rows[1].symbol:
        return _between_companies(outcome.figure, rows[0], rows[1], words)
    return " ".join(capital(_one_difference(row, words)) for row in rows)


def _between_companies(gap: Fact, left: Row, right: Row, words: Words) -> str:
    one, two = words.of(left), words.of(right)
    side = "higher" if (gap.value or 0) >= 0 else "lower"
    size = words.figure(gap, signed=False)
    lead = f"{one.owner} {one.metric} was {size} {side} than {two.owner} {one.period}"
    return f"{lead}: {one.value} against {two.value}.{other_end(left, right)}"


def _one_difference(row: Row, words: Words) -> str:
    if row.first is None or row.last is None:
        return one_figure(row, words)
    it = words.of(row)
    return f"{it.owner} {it.metric} {_moved(it).replace('grew', 'rose')} by {it.size}, {it.ends()}."


def other_end(left: Row, right: Row) -> str:
    """A note where fiscal years with one label end apart."""
    a, b = left.fact.period_end, right.fact.period_end
    apart = a and b and abs((a - b).days) > 20 and left.fact.period == right.fact.period
    return f" Their fiscal years end apart: {a} and {b}." if apart else ""


def times(outcome: Outcome, words: Words) -> str:
    """How many times one figure is another."""
    rows, fact = outcome.rows, outcome.figure
    it = words.of(rows[0])
    if fact is not None and len(rows) == 2 and rows[0].symbol != rows[1].symbol:
        two = words.of(rows[1])
        lead = f"{it.owner} {it.metric} was {words.figure(fact)} {two.owner} {it.period}"
        return f"{lead}: {it.value} against {two.value}.{other_end(*rows)}"
    first, last = rows[0].first, rows[0].last
    if first is None or last is None:
        return one_figure(rows[0], words)
    lead = f"{it.owner} {it.metric} was {it.value} as large {at_period(last)} as {at_period(first)}"
    return f"{lead}: {words.figure(last)} against {words.figure(first)}."


def share(outcome: Outcome, words: Words) -> str:
    """Which part of a joint figure the first company has."""
    if outcome.figure is None:
        return values(outcome, words)
    each = [words.of(row) for row in outcome.rows]
    first, names = each[0], listed([it.name for it in each])
    cells = listed([f"{it.name} {it.value}" for it in each])
    part = f"{words.figure(outcome.figure)} of the combined {first.metric} of {names}"
    return f"{first.owner} share was {part} {first.when}: {cells}."


# ------------------------------------------------------------------------------------ sums and means


def total(outcome: Outcome, words: Words) -> str:
    """A sum over companies or periods."""
    if outcome.query.scope == "universe" and outcome.figure is not None:
        return _of_universe(outcome, "combined", words.figure(outcome.figure))
    return _joined(outcome, words, "combined", "added up to")


def mean(outcome: Outcome, words: Words) -> str:
    """A mean or median over companies or periods."""
    kind = "median" if outcome.query.operation == "median" else "average"
    if outcome.query.scope == "universe" and outcome.figure is not None:
        return _of_universe(outcome, kind, words.figure(outcome.figure))
    return _joined(outcome, words, kind, "averaged")


def _of_universe(outcome: Outcome, kind: str, value: str) -> str:
    where = in_sectors(outcome.query) + asked_periods(outcome.query)
    whose = f"{spoken(outcome.rows[0].metric)} of {outcome.matches} companies{where}"
    return f"The {kind} {whose} was {value} ({outcome.left_out} of {outcome.considered} lack the figure)."


def _joined(outcome: Outcome, words: Words, adjective: str, verb: str) -> str:
    rows, figure = outcome.rows, outcome.figure
    if figure is None:
        return values(outcome, words)
    if len({row.symbol for row in rows}) > 1 and rows[0].first is None:
        each = [words.of(row) for row in rows]
        names, cells = listed([it.name for it in each]), listed([f"{it.name} {it.value}" for it in each])
        return f"The {adjective} {each[0].metric} of {names} was {words.figure(figure)} {each[0].when}: {cells}."
    it, first, last = words.of(rows[0]), rows[0].first, rows[0].last
    if first is None or last is None:
        return one_figure(rows[0], words)
    kind = "quarters" if first.period.startswith("Q") else "years"
    span = f"from {brief(first)} to {brief(last)} ({kind} ended {first.period_end} to {last.period_end})"
    return f"{it.owner} {it.metric} {verb} {it.value} {span}."


# -------------------------------------------------------------------------------------------- series


def extreme(outcome: Outcome, words: Words) -> str:
    """The period in which a figure was highest or lowest."""
    return " ".join(capital(_one_extreme(words.of(row))) for row in outcome.rows)


def _one_extreme(it: Phrase) -> str:
    length = "quarter" if it.fact.period.startswith("Q") else "year"
    ended = f"({length} ended {it.fact.period_end})"
    return f"{it.owner} {it.metric} was {it.row.at or 'highest'} in {it.brief}, at {it.value} {ended}."


def series(outcome: Outcome, words: Words) -> str:
    """Direction, first and last, highest and lowest of each company's figure over time."""
    parts: list[str] = []
    for key in distinct((row.symbol, row.metric) for row in outcome.rows):
        rows = [row for row in outcome.rows if (row.symbol, row.metric) == key]
        parts.append(capital(_one_series(rows, words)))
    return " ".join(parts)


def _one_series(rows: Sequence[Row], words: Words) -> str:
    it, first, last = words.of(rows[0]), rows[0].fact, rows[-1].fact
    if len(rows) < 2 or first.value is None or last.value is None:
        return one_figure(rows[0], words)
    moved = "rose" if last.value > first.value else "fell" if last.value < first.value else "did not change,"
    ends = Phrase(Row(rows[0].symbol, rows[0].metric, last, first, last), words).ends()
    return f"{it.owner} {it.metric} {moved} {ends}{_course(rows, words)}."


def _length(row: Row) -> str:
    return "quarter" if row.fact.period.startswith("Q") else "year"


def _course(rows: Sequence[Row], words: Words) -> str:
    """How the figures went between the ends."""
    facts = [(a.fact.value, b.fact.value) for a, b in pairwise(rows)]
    steps = [after > before for before, after in facts if before is not None and after is not None]
    if len(rows) > 2 and steps and (all(steps) or not any(steps)):
        return f", {'rising' if all(steps) else 'falling'} every {_length(rows[-1])}"
    if len(rows) < 4:
        return ""
    best = words.of(max(rows, key=lambda row: row.fact.value or Decimal()))
    worst = words.of(min(rows, key=lambda row: row.fact.value or Decimal()))
    asked = f"; not every {_length(rows[-1])}" if words.query.evidence.get("every") else ""
    return f"{asked}; the highest was {best.value} in {best.brief}, the lowest {worst.value} in {worst.brief}"
