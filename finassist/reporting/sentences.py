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
    at_period,
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
    if len({it.fact.period for it in each}) == 1:
        return f"{first.name} {when(first.fact)}: {listed(it.labelled for it in each)}."
    return f"{first.name}: {listed(f'{it.labelled} {it.when}' for it in each)}."


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


def _by_company(rows: Sequence[Row], words: Words) -> Iterator[tuple[str, str]]:
    """Each company with its figures: `Apple` and `25.3%, USD 383.3 billion`."""
    for symbol in distinct(row.symbol for row in rows):
        yield words.name(symbol), ", ".join(words.figure(row.fact) for row in rows if row.symbol == symbol)


# ------------------------------------------------------------------------------------------- changes


def of_each_row(sentence: Callable[[Phrase], str]) -> Callable[[Outcome, Words], str]:
    """A sentence for each row, by itself."""
    return lambda outcome, words: " ".join(filter(None, (capital(sentence(words.of(row))) for row in outcome.rows)))


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


def _more_or_less(words: Words, fact: Fact) -> str:
    return f"{_apart(words.figure(fact, signed=False))} {'higher' if (fact.value or 0) >= 0 else 'lower'} than"


def _ends_apart(left: Fact, right: Fact) -> str:
    """A note where fiscal years with one label end apart."""
    a, b = left.period_end, right.period_end
    apart = a and b and abs((a - b).days) > 20 and left.period == right.period
    return f" Their fiscal years end apart: {a} and {b}." if apart else ""


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
            whose = f"{spoken(rows[0].metric)} of {outcome.matches} companies{in_sectors(query)}{asked_periods(query)}"
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
    return f"{it.owner} {what} was {it.row.at or 'highest'} in {it.brief}, at {it.value} {ended}."


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
    "change": of_each_row(_change),
    "cagr": of_each_row(_cagr),
    "difference": _between(_more_or_less, _difference),
    "times": _between(lambda words, fact: words.figure(fact), _times),
    "share": _share,
    "sum": _joined("combined", "added up to"),
    "mean": _joined("average", "averaged"),
    "extreme": of_each_row(_extreme),
    "check": check,
}
"""The template of each shape of an outcome about named companies."""
