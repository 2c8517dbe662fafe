"""Sentences about what share prices did over a span of days, and around a filing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from finassist.analysis.outcome import Outcome, Row
from finassist.analysis.windows import OF_MOVES
from finassist.core.facts import Fact
from finassist.core.formatting import listed
from finassist.core.metrics import described
from finassist.core.query import Query
from finassist.reporting.sentences import of_each_company, of_each_row, stake_of
from finassist.reporting.words import MARKET_INDEX, Phrase, Words, capital, limit_words, over_span

_MOST_SENTENCES = 2
"""Figures of a span of days that have a sentence each; more of them share one."""

_LEADING = {"price_change", "total_return", "annual_return", "volatility", "max_drawdown", "sharpe"}
"""Those of them that this sentence names; the table has all."""


def over_days(outcome: Outcome, words: Words) -> str:
    """What each share did: a sentence for each figure, one for many figures of a share, one for each filing."""
    if outcome.shape == "event":
        return _event(outcome.rows, words)
    if len({row.metric for row in outcome.rows}) > _MOST_SENTENCES:
        leading = [row for row in outcome.rows if row.metric in _LEADING]
        few = len({row.symbol for row in leading}) <= _MOST_TOLD
        return of_each_company(leading, words) if few else _of_all(leading, words)
    if any(described(row.metric).kind != "price" for row in outcome.rows):  # revenue beside what the share did
        return of_each_company(outcome.rows, words)
    return of_each_row(_window)(outcome, words)


_MOST_TOLD = 4
"""Shares, with the index, that each have a sentence of all of them."""


def _of_all(rows: Sequence[Row], words: Words) -> str:
    """One figure of each: `Share price change from … to …: Apple 37.6%, Microsoft -4.2% and the S&P 500 20.5%`."""
    first = [words.of(row) for row in rows if row.metric == rows[0].metric]
    each = listed(f"{it.name} {it.value}" for it in first)
    return f"{capital(described(rows[0].metric).label)} {over_span(first[0].fact.period)}: {each}."


_OF_MOVE = "{owner} {operation} {span} was {at}: the {what} {moved} {size}{ends}."
_OF_EXTREME = "{owner} {side} {kind} {span} was {value}, on {at}{of}."
_OF_SPAN = {
    **dict.fromkeys(OF_MOVES, _OF_MOVE),
    "count": "{owner} {what} {did} {formula} {span}.",
    "high": _OF_EXTREME,
    "max": _OF_EXTREME,
    "low": _OF_EXTREME,
    "min": _OF_EXTREME,
    "first": "{name} first closed {limit} on {at}, at {value}{begins}.",
    "last": "{name} last closed {limit} on {at}, at {value}.",
    "mean price": "{owner} average {what} {span} was {value} ({formula}).",
    "median price": "{owner} median {what} {span} was {value} ({formula}).",
    "difference": "{owner} {what} {moved} by {size} {span}{ends}.",
    "range percent of the high": "{owner} lowest close {span} was {size} below the highest{ends}.",
    "range percent of the low": "{owner} highest close {span} was {size} above the lowest{ends}.",
    "range": "{owner} closes {span} had a range of {size}{ends}.",
    "cagr": "{owner} {what} {moved} {size} a year {span}{ends}.",
    "cagr total_return": "{owner} total return {span}, with dividends reinvested, was {value} a year.",
    "stake price_change": "{stake} {were} worth {value}{on}, without dividends: the price {moved} {change}{ends}.",
    "stake total_return": "{stake} {were} worth {value}{on}, with dividends reinvested: the total return was {change}.",
    "total_return": "{owner} total return {span}, with dividends reinvested, was {value}.",
    "max_drawdown": "{owner} maximum drawdown {span} was {value}{ends} ({at}).",
    "from_high": "{owner} close{on} was {size} {apart} the highest {span}{ends}{of}.",
    "from_low": "{owner} close{on} was {size} {apart} the lowest {span}{ends}{of}.",
    "volatility": "{owner} volatility {span} was {value} a year (daily closes).",
    "beta": "{owner} beta to {against} {span} was {value}.",
    "correlation": "{owner} correlation with {against} {span} was {value} (daily returns).",
    "sharpe": "{owner} Sharpe ratio {span} was {value}{over}.",
    "sortino": "{owner} Sortino ratio {span} was {value}{over}.",
    "annual_return": "{owner} share price {moved} {size} a year {span}{ends}.",
    "best_month": "{owner} best month {span} was {at}: the {what} {moved} {size}{ends}.",
    "worst_month": "{owner} worst month {span} was {at}: the {what} {moved} {size}{ends}.",
    "": "{owner} {what} {moved} {size} {span}{ends}.",
}
"""What prices did over a span of days, by operation or metric; else they moved."""


def _on_day(fact: Fact) -> str:
    return f"on {fact.period_end}"


def _did(query: Query) -> str:
    """What is counted, before the number of days, months or years: `rose in`, `closed above USD 150 on`."""
    limit = limit_words(query.where)
    signs = {"above 0%": "rose", "below 0%": "fell"}
    did = f"closed {limit}" if query.metrics == ["price"] else signs.get(limit, f"had a change {limit}")
    return f"{did} {'on' if query.unit == 'days' else 'in'}"


def _over_the_rate(it: Phrase) -> str:
    """The risk-free rate that a return is measured against."""
    rate = next((part for part in it.row.parts if part.field == "risk_free_rate"), None)
    said = " (assumed)" if rate and rate.status == "assumed" else ""
    return f", above a risk-free rate of {it.words.figure(rate)} a year{said}" if rate else ""


def _window(it: Phrase) -> str:
    row, query, of = it.row, it.words.query, it.fact.note or ""
    held = bool(query.stake and row.parts)
    change, kind = (it.words.of(replace(row, fact=row.parts[0])), "stake") if held else (it, query.operation)
    keys = (f"{kind} {row.metric}", f"{kind} {query.unit}", query.operation, row.metric)
    return next((_OF_SPAN[key] for key in keys if key in _OF_SPAN), _OF_SPAN[""]).format(
        name=it.name,
        owner=it.owner,
        operation=query.operation,
        what="level" if row.symbol == MARKET_INDEX else "value" if row.symbol == query.portfolio else "share price",
        span=over_span(it.fact.period),
        at=row.at,
        moved={1: "rose", -1: "fell", 0: "did not change,"}[change.direction],
        apart="above" if it.direction > 0 else "below",
        stake=stake_of(it),
        were="was" if query.stake.endswith("USD") else "were",
        on=f" {_on_day(row.last)}" if row.last else "",
        change=change.value if row.metric == "total_return" else change.size,
        size=it.size,
        value=it.value,
        against=it.words.name(query.benchmark or MARKET_INDEX),
        over=_over_the_rate(it),
        formula=it.fact.formula,
        side="lowest" if query.operation in ("low", "min") else "highest",
        kind="month-end close" if query.unit == "month-end" or of == "month-end closes" else "close",
        of=f" ({of})" if "only" in of else "",
        limit=limit_words(query.where),
        begins=f", {of}" if "begin" in of else "",
        did=_did(query),
        ends=f", {it.ends(_on_day)}" if row.first and row.last else "",
    )


def _event(rows: Sequence[Row], words: Words) -> str:
    """What each share did from the close before its filing, and the index in the same days."""
    reports = {row.parts[0].key: row.parts[0] for row in rows}
    each = {key: [words.of(row) for row in rows if row.parts[0].key == key] for key in reports}
    return " ".join(_around(report, each[key]) for key, report in reports.items())


def _around(report: Fact, each: Sequence[Phrase]) -> str:
    own, market = ([it for it in each if (it.row.symbol == report.symbol) is side] for side in (True, False))
    first, moves = own[0].row.first, [f"{_moves(it)} to {_after(it)}" for it in own]
    before = f" from {own[0].words.figure(first)} at the close before ({first.period_end})" if first else ""
    index = f"; {market[0].name} {listed(map(_moves, market))}" if market else ""
    lead = f"{own[0].name} filed its {report.period} report on {report.text}:"
    return capital(f"{lead}{before} the share price {listed(moves)}{index}.")


def _moves(it: Phrase) -> str:
    return f"{ {1: 'rose', -1: 'fell', 0: 'did not change,'}[it.direction] } {it.size}"


def _after(it: Phrase) -> str:
    day = it.row.last.period_end if it.row.last else ""
    return f"{day} ({it.row.at} trading {'day' if it.row.at == '1' else 'days'} after)"
