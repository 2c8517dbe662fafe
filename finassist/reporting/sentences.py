"""Sentences about figures, changes, sums and series of named companies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from finassist.analysis.outcome import Outcome, Row
from finassist.core.facts import UNDATED, Fact
from finassist.core.formatting import listed
from finassist.core.metrics import catalogue, described, spoken
from finassist.core.query import Shape
from finassist.reporting.words import (
    MARKET_INDEX,
    Phrase,
    Words,
    asked_periods,
    brief,
    capital,
    conditions,
    dated_apart,
    distinct,
    in_sectors,
    is_fiscal,
    length_of,
    limit_words,
    number,
    own_span,
    possessive,
    shared_period,
    when,
)

_PLURAL = frozenset({
    "receivables", "total_assets", "current_assets", "total_liabilities", "current_liabilities", "buybacks",
    "dividends_paid", "dividends_per_share", "shares_diluted", "shares_basic", "shares_outstanding",
    "operating_expenses", "retained_earnings", "short_term_investments", "accounts_payable", "cash_and_equivalents",
    "dividends_paid + buybacks",
})  # fmt: skip

# ------------------------------------------------------------------------------------------- figures


def values(outcome: Outcome, words: Words) -> str:
    """One figure, or several beside one another."""
    rows = outcome.rows
    symbols, metrics = distinct(row.symbol for row in rows), distinct(row.metric for row in rows)
    if len(rows) == 1:
        return one_figure(words.of(rows[0]))
    if len(symbols) == len(metrics) == 1:
        each = [f"{it.value} {it.period}" for it in map(words.of, rows)]
        return f"{possessive(words.name(symbols[0]))} {spoken(metrics[0])} was {listed(each)}."
    if len(metrics) == 1:
        return _several_companies(rows, words)
    return of_each_company(rows, words)


def _several_companies(rows: Sequence[Row], words: Words) -> str:
    return f"{described(rows[0].metric).title}{_parts(rows, words)}."


def of_each_company(rows: Sequence[Row], words: Words) -> str:
    """Several figures of each company, a sentence each."""
    each = [[row for row in rows if row.symbol == symbol] for symbol in distinct(row.symbol for row in rows)]
    return " ".join(capital(_several_metrics([words.of(row) for row in own])) for own in each)


def _several_metrics(each: Sequence[Phrase]) -> str:
    first = each[0]
    if first.words.query.intent == "compare" and len(each) == 2 and each[0].fact.period == each[1].fact.period:
        return _ahead(*each)
    if len({it.fact.period for it in each}) == 1:
        return f"{first.name} {first.when}: {listed(it.labelled for it in each)}."
    return f"{first.name}: {listed(f'{it.labelled} {it.when}' for it in each)}."


def _ahead(one: Phrase, two: Phrase) -> str:
    """Which of two figures of a company is the higher one: `Nike's buybacks were higher than its dividends paid …`."""
    order = one.words.query.order or 1
    first, last = sorted((one, two), key=lambda it: it.fact.value or Decimal(), reverse=order > 0)
    were = "were" if first.row.metric in _PLURAL else "was"
    side = "higher than" if order > 0 else "lower than"
    side = side if first.fact.value != last.fact.value else "the same as"
    lead = f"{first.owner} {first.metric} {were} {side} its {last.metric} {first.when}"
    return f"{lead}: {first.value} against {last.value}."


def one_figure(it: Phrase) -> str:
    """`Apple's net margin was 25.3% in FY2023 (year ended …): net income … / revenue …`."""
    if it.row.metric == "price" and it.words.query.stake and it.row.parts:
        price = it.words.figure(it.row.parts[0])
        if it.fact.unit == "shares":
            bought = f"{number(it.fact.value or Decimal(), 2)} shares"
            return f"{stake_of(it)} {when(it.fact)} bought {bought}, at the close of {price}."
        return f"{stake_of(it)} were worth {it.value} at the close {when(it.fact)}, at {price} a share."
    if it.row.metric == "price":
        what = "closing level" if it.row.symbol == MARKET_INDEX else "share price"
        how = "as fetched" if UNDATED in (it.fact.note or "") else "at the close"
        return f"{it.owner} {what} was {it.value} {how} {when(it.fact)}."
    if it.fact.status == "none_paid":
        return f"{it.name} paid no dividends {it.when}."
    was = "were" if it.row.metric in _PLURAL else "was"
    shown = it.size if "loss" in it.label else it.value
    period = "" if "at(" in it.row.metric else own_span(it.row) or f" {it.when}"
    return f"{it.owner} {it.label} {was} {shown}{period}{_how(it)}."


def _profile(it: Phrase) -> str:
    """What is known of a company besides figures: its sector, when its fiscal year ends, when it filed a report."""
    fact, text = it.fact, it.fact.text
    match fact.field:
        case "sector":
            sector, _, industry = (text or "").partition(", ")
            return f"{it.name} is in the sector {sector}, industry {industry}." if text else _no(it, "sector")
        case "headquarters":
            return f"{it.name} has its headquarters in {text}." if text else _no(it, "headquarters")
        case "fiscal_year_end":
            return f"{it.owner} fiscal year ends in {text}: {fact.period} ended on {fact.period_end}."
        case _:
            report = f"{it.owner} report for {fact.period} (ended {fact.period_end})"
            return f"{report} was filed on {text}." if text else _no(it, "filing day")


def _no(it: Phrase, what: str) -> str:
    return f"The {what} of {it.name} is not in the data."


def stake_of(it: Phrase) -> str:
    """What is held, and since when: `USD 1,000 put into Apple on 2019-12-31`; empty where nothing is."""
    amount, _, unit = it.words.query.stake.partition(" ")
    if not unit:
        return ""
    since = f" on {it.row.first.period_end}" if it.row.first else ""
    if unit == "USD":
        return f"USD {Decimal(amount):,f} put into {it.name}{since}"
    return f"{Decimal(amount):,f} shares of {it.name} (as counted after splits){f' bought{since}' if since else ''}"


def _how(it: Phrase) -> str:
    """How a figure comes about: its two inputs with their values, where there are two."""
    row, figure = it.row, it.words.figure
    if len(row.parts) != 2 or row.fact.status != "derived":
        return ""
    above, below = row.parts
    sign = "/" if " / " in described(row.metric).formula else "-"
    later = "" if above.period == below.period or row.fact.period.startswith("FY") else f" ({brief(above)})"
    return f": {_input(above)} {figure(above)}{later} {sign} {_input(below)} {figure(below)}"


def _input(fact: Fact) -> str:
    """An input of a formula in words."""
    if fact.field == "cover_shares":
        return "shares"
    return spoken(fact.field) if fact.field in catalogue() else fact.field


def check(outcome: Outcome, words: Words) -> str:
    """Whether figures fulfil a condition: yes or no of one, how many of several."""
    rows, query = outcome.rows, outcome.query
    met = [words.of(row) for row in outcome.met]
    if len(rows) == 1 and all(each.metric == rows[0].metric and not each.period for each in query.where):
        return f"{'Yes,' if met else 'No, not'} {limit_words(query.where)}: {one_figure(words.of(rows[0]))}"
    alone = len({row.symbol for row in rows}) == 1
    if alone and len({row.metric for row in rows}) == len(rows):
        return f"{'Yes,' if met else 'No, not'} {conditions(query)}: {of_each_company(rows, words)}"
    if query.operation in ("first", "last") and met:
        return " ".join(_once(words, rows, own) for symbol in distinct(row.symbol for row in outcome.met)
                        if (own := [it for it in met if it.row.symbol == symbol]))  # fmt: skip
    if query.operation == "streak":
        return _streak(words, rows, met)
    if alone:
        first, last = words.of(rows[0]), words.of(rows[-1])
        own = [it for it in met if it.row.metric == rows[0].metric]
        each = f": {listed(f'{it.brief} ({it.value})' for it in own)}" if own else ""
        whole = len({row.fact.period for row in rows})
        count = f"{len(own)} of {whole} {first.length}s, {first.brief} to {last.brief}"
        return f"{first.name} had {conditions(query)} in {count}{each}."
    named = [f"{name} ({figures})" for name, figures in _by_company(outcome.met, words)]
    others = listed(
        f"{name} {figures}" for name, figures in _by_company([r for r in rows if r not in outcome.met], words)
    )
    rest = f"; not {others}" if others else ""
    period = "" if dated_apart(query) else shared_period(rows, words)
    if query.operation == "count":
        count, which = len(distinct(row.symbol for row in rows)), f": {listed(named)}" if named else ""
        return f"{len(named)} of the {count} had {conditions(query)}{period}{which}{rest}."
    return f"{listed(named) if named else 'None of them'} had {conditions(query)}{period}{rest}."


def _once(words: Words, rows: Sequence[Row], met: Sequence[Phrase]) -> str:
    """The first or the last period in which a condition held, and whether earlier ones are not in the data."""
    which = words.query.operation
    it = met[0] if which == "first" else met[-1]
    begins = next(row for row in rows if row.symbol == it.row.symbol) == it.row and which == "first"
    since = f" The data begin with {it.brief}, so it may have been earlier." if begins else ""
    return f"{it.name} {which} had {conditions(words.query)} {it.when}: {it.value}.{since}"


def _streak(words: Words, rows: Sequence[Row], met: Sequence[Phrase]) -> str:
    """In how many of the latest periods a condition held without a break."""
    known = [row for row in rows if row.known]
    last, held = words.of(known[-1]), conditions(words.query)
    if not met:
        return f"{last.name} did not have {held} {last.when}, the latest {last.length}: {last.value}."
    cells = listed(f"{it.brief} ({it.value})" for it in met)
    since = f" The data begin with {met[0].brief}, so it may be longer." if met[0].row == known[0] else ""
    count = f"{len(met)} {last.length}{'s' if len(met) > 1 else ''}"
    return f"{last.name} had {held} in the latest {count} in a row: {cells}.{since}"


def _by_company(rows: Sequence[Row], words: Words) -> Iterator[tuple[str, str]]:
    """Each company with its figures: `Apple` and `25.3%, USD 383.3 billion`."""
    for symbol in distinct(row.symbol for row in rows):
        yield words.name(symbol), ", ".join(words.figure(row.fact) for row in rows if row.symbol == symbol)


def of_each_row(sentence: Callable[[Phrase], str]) -> Callable[[Outcome, Words], str]:
    """A sentence for each row, by itself."""
    return lambda outcome, words: " ".join(filter(None, (capital(sentence(words.of(row))) for row in outcome.rows)))


# ------------------------------------------------------------------------------------ sums and means


def _share(outcome: Outcome, words: Words) -> str:
    """Which part of a joint figure the first company has."""
    if outcome.figure is None:
        return values(outcome, words)
    each = [words.of(row) for row in outcome.rows]
    part = f"{words.figure(outcome.figure)} of the combined {each[0].metric} of {listed(it.name for it in each)}"
    return f"{each[0].owner} share was {part}{_parts(outcome.rows, words)}."


def _parts(rows: Sequence[Row], words: Words) -> str:
    """The period of a joint figure and what each company has of it, with periods of their own where they differ."""
    period = shared_period(rows, words)
    cells = (f"{it.name} {it.value}" + ("" if period else f" {it.when}") for it in map(words.of, rows))
    return f"{period}: {listed(cells)}"


def _joined(adjective: str, verb: str) -> Callable[[Outcome, Words], str]:
    """A sum, mean or median over companies or periods."""

    def sentence(outcome: Outcome, words: Words) -> str:
        rows, query = outcome.rows, outcome.query
        kind = "median" if query.operation == "median" else adjective
        if outcome.figure is None:
            return values(outcome, words)
        value = words.figure(outcome.figure)
        if query.scope == "universe":
            limit = f" with {conditions(query)}" if query.where else ""
            when = "" if dated_apart(query) else asked_periods(query)
            whose = f"{spoken(rows[0].metric)} of {outcome.matches} companies{in_sectors(query)}{limit}{when}"
            return f"The {kind} {whose} was {value} ({outcome.left_out} of {outcome.considered} lack the figure)."
        each = [words.of(row) for row in rows]
        if not any(row.fact is outcome.figure for row in rows):
            whose = f"{each[0].metric} of {listed(it.name for it in each)}"
            return f"The {kind} {whose} was {value}{_parts(rows, words)}."
        did = "had a median of" if query.operation == "median" else verb
        return of_each_row(lambda it: _over_periods(it, did))(outcome, words)

    return sentence


def _over_periods(it: Phrase, did: str) -> str:
    """A sum, mean or median of one company's figures."""
    first, last = it.row.first, it.row.last
    if first is None or last is None:
        return one_figure(it)
    ended = f"({length_of(first)}s ended {first.period_end} to {last.period_end})" if is_fiscal(first) else ""
    span = f"from {brief(first)} to {brief(last)}"
    return f"{it.owner} {it.metric} {did} {it.value} {span} {ended}".rstrip() + "."


# -------------------------------------------------------------------------------------------- series


def _extreme(it: Phrase) -> str:
    """The period in which a figure was highest or lowest."""
    ended = f"({it.length} ended {it.fact.period_end})"
    of_points = it.fact.unit == "points" and it.row.metric.startswith("growth(")
    what = f"change in {spoken(it.row.metric[7:-1])}" if of_points else it.metric
    first, last = it.row.first, it.row.last
    span = f" from {brief(first)} to {brief(last)}" if first and last and first.period != last.period else ""
    return f"{it.owner} {what}{span} was {it.row.at or 'highest'} in {it.brief}, at {it.value} {ended}."


def _series(outcome: Outcome, words: Words) -> str:
    """Direction, first and last, highest and lowest of each company's figure over time."""
    keys = distinct((row.symbol, row.metric) for row in outcome.rows)
    each = [[words.of(row) for row in outcome.rows if (row.symbol, row.metric) == key] for key in keys]
    return " ".join(capital(_one_series(own)) for own in each)


def _one_series(each: Sequence[Phrase]) -> str:
    it, first, last = each[0], each[0].fact, each[-1].fact
    if len(each) < 2 or first.value is None or last.value is None:
        return one_figure(it)
    moved = "rose" if last.value > first.value else "fell" if last.value < first.value else "did not change,"
    ends = it.words.of(replace(it.row, first=first, last=last)).ends()
    return f"{it.owner} {it.metric} {moved} {ends}{_course(each)}."


def _course(each: Sequence[Phrase]) -> str:
    """How the figures went between the ends."""
    facts = [(a.fact.value, b.fact.value) for a, b in pairwise(each)]
    steps = [after > before for before, after in facts if before is not None and after is not None]
    length = each[-1].length
    if len(each) > 2 and steps and (all(steps) or not any(steps)):
        return f", {'rising' if all(steps) else 'falling'} every {length}"
    if len(each) < 4:
        return ""
    best, worst = (pick(each, key=lambda it: it.fact.value or Decimal()) for pick in (max, min))
    asked = f"; not every {length}" if each[0].words.query.every else ""
    return f"{asked}; the highest was {best.value} in {best.brief}, the lowest {worst.value} in {worst.brief}"


SENTENCES: Mapping[Shape, Callable[[Outcome, Words], str]] = {
    "values": values,
    "series": _series,
    "share": _share,
    "profile": of_each_row(_profile),
    "sum": _joined("combined", "added up to"),
    "mean": _joined("average", "averaged"),
    "extreme": of_each_row(_extreme),
    "check": check,
}
"""The template of each shape of an outcome about named companies."""
