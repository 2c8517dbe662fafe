"""A company against its peers in words and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from finassist.analysis.implied import IMPLIED
from finassist.analysis.outcome import Outcome, Row
from finassist.analysis.peers import CHOSEN, LOWER, MEDIAN, PERCENTILE, RANK, UPPER, best_peer, how_chosen, summary_of
from finassist.core.facts import Fact
from finassist.core.formatting import listed
from finassist.core.metrics import described, spoken
from finassist.core.query import Query
from finassist.reporting.document import Note
from finassist.reporting.tables import Cell, Footnotes, Table
from finassist.reporting.tables import Row as Line
from finassist.reporting.words import Words, distinct, is_window, over_span, possessive, short_name, when

_MOST_LINES, _MOST_NAMED = 25, 10


class Heads(Protocol):
    """The words around figures in the language of a query."""

    def said(self, text: str) -> str:
        """A word of ours in the language."""
        ...

    def title(self, field: str) -> str:
        """The head of a column."""
        ...

    def figure(self, fact: Fact) -> str:
        """A figure."""
        ...


# ------------------------------------------------------------------------------------------------------- the sentence


def sentence(outcome: Outcome, words: Words) -> str:
    """Where a company stands by its first multiple and its first margin, and who its peers are: first, if asked."""
    subject = outcome.query.companies[0]
    if CHOSEN in outcome.query.explain:
        names = _named(outcome, words).removeprefix("Peers: ")
        own = [_place(row, outcome, words, first=True) for row in _leads(outcome)[:1]]
        stands = f" {possessive(words.name(subject))} {own[0]}." if own else ""
        return f"The peers of {words.name(subject)}: {names}{stands}"
    places = [_place(row, outcome, words, first=not at) for at, row in enumerate(_leads(outcome))]
    middle = outcome.figure if outcome.query.operation == "median" else None
    if middle is not None and summary_of(middle)[0]:
        lead = f"The median {spoken(outcome.query.metrics[0])} of {possessive(words.name(subject))} peers"
        own = f"; {possessive(words.name(subject))} {places[0]}" if places else ""
        implied = _at_the_median(outcome, middle, words)
        return f"{lead} was {words.figure(middle)} {when(middle)}{own}. {implied}{_named(outcome, words)}"
    if outcome.query.order and len(outcome.query.metrics) == 1:
        return f"{_best(outcome, words)}{f' {possessive(words.name(subject))} {places[0]}.' if places else ''}"
    if places:
        return f"{possessive(words.name(subject))} {', and its '.join(places)}. {_named(outcome, words)}"
    medians = [row for row in outcome.rows if summary_of(row.fact)[0] == MEDIAN.field][:2]
    each = listed([f"{spoken(row.metric)} {words.figure(row.fact)}" for row in medians])
    name = words.name(subject)
    return f"{name} has none of these figures; the medians of its peers: {each}. {_named(outcome, words)}"


def _at_the_median(outcome: Outcome, middle: Fact, words: Words) -> str:
    """`At that multiple a share of Intel would cost USD 63.04, against the price of USD 90.07. `."""
    parts = next((row.parts for row in outcome.rows if row.fact.key == middle.key), ())
    price, implied = parts if len(parts) == 2 and all(fact.known for fact in parts) else (None, None)
    if price is None or implied is None:
        return ""
    name = words.name(outcome.query.companies[0])
    costs = f"At that multiple a share of {name} would cost {words.figure(implied)}"
    return f"{costs}, against the price of {words.figure(price)}. "


def _best(outcome: Outcome, words: Words) -> str:
    """`Of Merck's 6 peers, Eli Lilly had the highest net margin: 33.5% in …`."""
    query = outcome.query
    best = best_peer(outcome.rows, query.companies[0], query.order)
    side = "highest" if query.order > 0 else "lowest"
    period = over_span(best.fact.period) if is_window(best) else when(best.fact)
    peers = f"{possessive(words.name(query.companies[0]))} {outcome.considered} peers"
    figure = f"{side} {spoken(query.metrics[0])}: {words.figure(best.fact)} {period}"
    return f"{words.name(best.symbol)} had, of {peers}, the {figure}."


def _leads(outcome: Outcome) -> list[Row]:
    """The figures that the sentence says: the multiple and the margin that most peers have; all where two are asked."""
    subject = outcome.query.companies[0]
    plain = [row for row in outcome.rows if not summary_of(row.fact)[0]]
    own = [row for row in plain if row.symbol == subject]
    if len(outcome.query.metrics) <= 2:
        return own
    many = Counter(row.metric for row in plain)
    multiples = [row for row in own if described(row.metric).unit == "times" and _of_market(row.metric)]
    margins = [row for row in own if row.metric in ("operating_margin", "net_margin", "roe")]
    chosen = [max(rows, key=lambda row: many[row.metric]) for rows in (multiples, margins) if rows]
    return chosen or own[:1]


def _place(row: Row, outcome: Outcome, words: Words, *, first: bool) -> str:
    """`P/E was 19.42 times on …, against a median of 21.00 times for its 4 peers (rank 2 of 5, the highest first)`."""
    said = {summary_of(each.fact): each.fact for each in outcome.rows if summary_of(each.fact)[0]}
    median, rank = said.get((MEDIAN.field, row.fact.field)), said.get((RANK.field, row.fact.field))
    period = over_span(row.fact.period) if is_window(row) else when(row.fact)
    lead = f"{spoken(row.metric)} was {words.figure(row.fact)} {period}"
    if median is None or rank is None:
        return f"{lead} (no peer has one)"
    many, every = len(median.inputs), outcome.considered
    peers = f"{'' if many == every else f'{many} of '}its {every} peers" if every > 1 else "its one peer"
    order = ", the highest first" if first else ""
    against = f"{lead}, against a median of {words.figure(median)}"
    return f"{against}{f' for {peers}' if first or many < every else ''} (rank {rank.value} of {many + 1}{order})"


def _named(outcome: Outcome, words: Words) -> str:
    """Who the peers are, and how they were chosen."""
    subject, how = outcome.query.companies[0], how_chosen(outcome.query)
    names = [words.name(symbol) for symbol in distinct(row.symbol for row in outcome.rows) if symbol != subject]
    absent = [words.name(symbol) for symbol in outcome.query.companies[1:] if words.name(symbol) not in names]
    names += absent
    if len(names) > _MOST_NAMED:
        return f"Peers: {how or f'{len(names)} companies'}."
    return f"Peers: {listed(names)}{f'; {how}' if how else ''}."


def left_out(facts: Sequence[Fact]) -> Note | None:
    """The multiples of which no price is implied, with the reasons."""
    found = [fact for fact in facts if fact.field.startswith(IMPLIED) and not fact.known]
    why = [
        f"{described(fact.field.partition(' of ')[2]).title} ({fact.note.rstrip('.')})" for fact in found if fact.note
    ]
    return Note(f"Not in the chart: {listed(distinct(why))}.") if why else None


# -------------------------------------------------------------------------------------------------------- the tables


def tables(figures: Sequence[Fact], query: Query, names: Mapping[str, str], heads: Heads) -> Iterator[Table]:
    """The companies as rows, and below them what sums them up: what the market pays, and what the business earns."""
    fields = distinct(field for line, field in map(summary_of, figures) if not line)
    paid = [field for field in fields if _of_market(field)]
    made = [
        _table(title, own, figures, query, names, heads)
        for title, own in (("Valuation", paid), ("Growth and profitability", [f for f in fields if f not in paid]))
        if own
    ]
    yield from (*made[:-1], *(replace(each, notes=(_METHOD,)) for each in made[-1:]))


def _of_market(field: str) -> bool:
    try:
        return described(field).kind == "price"
    except ValueError:
        return False


def _table(
    title: str, fields: Sequence[str], figures: Sequence[Fact], query: Query, names: Mapping[str, str], heads: Heads
) -> Table:
    subject, marks = query.companies[0], Footnotes()
    own = {(fact.symbol, fact.field): fact for fact in figures if not summary_of(fact)[0]}
    sums = {summary_of(fact): fact for fact in figures if summary_of(fact)[0]}
    lines: list[Line] = []
    for symbol in distinct([subject, *(symbol for symbol, _ in own)])[:_MOST_LINES]:
        name = f"{short_name(names.get(symbol, symbol))} ({symbol})"
        facts = [own.get((symbol, field)) for field in fields]
        cells = [Cell(_text(f, heads), f, marks.mark(f, symbol, f.formula)) if f else Cell("n/a") for f in facts]
        end = next((fact.period_end for fact in facts if fact), None)
        lines.append(Line(name, (Cell(str(end or "n/a")), *cells)))
    for each in (UPPER, MEDIAN, LOWER, RANK, PERCENTILE):
        found = [sums.get((each.field, field)) for field in fields]
        if any(found):
            place = f": {subject}" if each in (RANK, PERCENTILE) else ""
            cells = [Cell(_text(f, heads), f) if f else Cell("n/a") for f in found]
            lines.append(Line(f"{heads.said(each.title)}{place}", (Cell(""), *cells)))
    columns = (
        heads.said("Day" if title == "Valuation" else "Period to"),
        *(_SHORT.get(title, title) for title in map(heads.title, fields)),
    )
    marks.notes = {note: distinct(places) for note, places in marks.notes.items()}
    return Table(heads.said(title), "", columns, tuple(lines), marks.lines(), corner=heads.said("Company"))


_SHORT = {"Return on invested capital": "ROIC", "Return on equity": "ROE", "Return on assets": "ROA"}
_METHOD = "Quartiles and medians are of the peers with a figure, interpolated linearly; rank 1 is the highest figure."


def _text(fact: Fact, heads: Heads) -> str:
    if fact.field.startswith(f"{RANK.field} of "):
        return f"{heads.figure(fact)} of {len(fact.inputs)}"
    if fact.field.startswith(f"{PERCENTILE.field} of "):
        return f"{round(float(fact.value or 0) * 100)}%"
    return heads.figure(fact).replace(" times", "×")
