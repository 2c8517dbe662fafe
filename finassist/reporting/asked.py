"""The document of an answer: the sentence, at most one small table, a chart of a series, gaps and sources; or a report.

Markdown and cards are both made of it; what it needs of an answer is stored with the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from finassist.analysis.modelled import is_model
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.formatting import listed
from finassist.core.query import Query
from finassist.core.result import category_of
from finassist.reporting import peers
from finassist.reporting.charts import REBASED, Panel, football, over_time, rebased
from finassist.reporting.company import AnswerLike, companies_of, missing, of_source, with_figures
from finassist.reporting.document import Bullets, Cited, Document, Headline, Note, Section, Text, report
from finassist.reporting.models import model_tables
from finassist.reporting.proof import filing_url, proof_of, spoken_or_id, title_of
from finassist.reporting.tables import Cell, Row, Table
from finassist.reporting.words import MARKET_INDEX, MOST_NAMED, Words, distinct, is_fiscal, short_name

if TYPE_CHECKING:
    from finassist.reporting.languages import Labels

_MOST_ROWS = 25
_MOST_SOURCES = 4
_MOST_LINES = 2
_MOST_COLUMNS, _MOST_TURNED = 6, 11
_OF_MONTHS = ("best_month", "worst_month")
"""Figures whose note is a month, which stands in their cell."""

_FEWEST = 3
"""Figures below which a sentence is the better form."""


def answer_document(answer: AnswerLike) -> Document:
    """The document of an answer: its figures, or its own words where it has none, and the questions that come next."""
    companies, category = companies_of(answer), category_of(answer.category)
    next_questions = Bullets("You could ask next", tuple(answer.follow_ups), "next")
    if getattr(answer, "headline", ""):
        return Document((), "", (*sections_of(answer), next_questions))
    if with_figures(category, companies):
        filers: Mapping[str, str] = getattr(answer, "filers", dict[str, str])()
        found = report(category, companies, FactBook(answer.facts), answer.gaps, filers)
        return replace(found, sections=(*_with_narration(found.sections, answer), next_questions))
    content = str(answer.content or "")
    unsaid = missing(category, [], [gap for gap in answer.gaps if gap.reason not in content])
    gaps = Bullets("What is missing", tuple(unsaid))
    return Document((), "", (Text(content, _by_model(answer, "chat")), gaps, next_questions))


def _with_narration(found: Sequence[Section], answer: AnswerLike) -> Sequence[Section]:
    """The sections of a report, with what a language model wrote below the headline."""
    text: str = getattr(answer, "narration", "")
    at = int(bool(found) and isinstance(found[0], Headline))
    return [*found[:at], Text(text, _by_model(answer, "narration")), *found[at:]] if text else found


def _by_model(answer: AnswerLike, agent: str) -> str:
    """That words of an answer are a language model's, where they are not finassist's own."""
    model = getattr(answer, "models", {}).get(agent, "")
    return written_by(model) if model and model != "offline" else ""


def written_by(model: str) -> str:
    """Who wrote the words of an answer, where it was not finassist.

    Example:
        >>> written_by("my-model")
        'Written by the language model my-model; the figures in it were checked against the data.'
    """
    return f"Written by the language model {model}; the figures in it were checked against the data."


def sections(
    lead: str,
    queries: Sequence[Query],
    figures: Sequence[Fact],
    facts: Iterable[Fact],
    gaps: Iterable[Gap],
    names: Mapping[str, str],
    filers: Mapping[str, str],
) -> Iterator[Section]:
    """What an answer to queries shows: the sentences of `lead`, then its `figures` in the order asked.

    `facts` are those shown or used. Gaps that the sentences name are left out. `filers` are the SEC's numbers of the
    companies, for links to their filings.
    """
    yield Headline(lead)
    names = {MARKET_INDEX: "S&P 500", **names}
    facts = tuple(facts)
    proof = proof_of(figures, facts, filers) if queries and queries[0].proof else None
    against_peers = [query for query in queries if query.scope == "peers"]
    for query in against_peers if len(queries) == 1 and len(figures) >= _FEWEST and not proof else ():
        yield from filter(None, (football(facts), peers.left_out(facts)))
        yield from peers.tables(figures, query, names, _Heads(query))
    drawn = {fact.symbol for fact in facts if fact.field == REBASED}
    if drawn and (together := rebased(facts, {symbol: short_name(names.get(symbol, symbol)) for symbol in drawn})):
        yield together
    if proof:
        yield proof
    elif queries and len(queries) == 1 and len(figures) > 1 and is_model(queries[0]):
        yield from model_tables(figures, Words({}, queries[0]))
    elif queries and len(figures) >= _FEWEST and queries[0].intent not in ("judge", "profile") and not against_peers:
        yield from filter(None, (_chart(figures, names), *_tables(figures, queries, names)))
    if months := _by_month(facts, names):
        yield months
    heads = _Heads(queries[0] if queries else Query())
    if unsaid := [gap.reason for gap in gaps if gap.reason not in lead]:
        yield Note(f"{heads.said('Not there')}: {' '.join(distinct(unsaid))}")
    if noted := tuple(_notes(figures, facts) if not against_peers else ()):
        yield Note("To know: " + "; ".join(noted) + ".")
    if not proof and (found := _sources(facts, filers, heads)):
        yield found


def _choices(answer: Any) -> Iterator[str]:
    for number, (label, queries) in enumerate(answer.choices, 1):
        yield f"{number}. {label}{' (shown here)' if [*queries] == answer.queries else ''}"


def sections_of(answer: Any) -> Iterator[Section]:
    """The sections of a stored answer, with its choices, and what of several things is answered."""
    by_key = {fact.key: fact for fact in answer.facts}
    figures = [by_key[key] for key in answer.rows if key in by_key]
    known: Mapping[str, str] = answer.company_names()
    filers = answer.filers()
    yield from sections(answer.headline, answer.queries, figures, answer.facts, answer.gaps, known, filers)
    yield Bullets("Did you mean (answer.pick(1) asks the first)", tuple(_choices(answer)))
    if answer.outcome == "partly" and all(query.scope != "peers" for query in answer.queries):
        yield Bullets("What was asked", tuple(map(str, answer.checklist)), "checks")


# --------------------------------------------------------------------------------------------- table


def _tables(figures: Sequence[Fact], queries: Sequence[Query], names: Mapping[str, str]) -> Iterator[Table | None]:
    """One table of all figures; where they are of different kinds, one of each kind that the sentences do not list."""
    fields, places = distinct(fact.field for fact in figures), _places(figures)
    full = len({(place, fact.field) for place, fact in zip(places, figures, strict=True)})
    if len(queries) == 1 or full == len(fields) * len(set(places)):
        yield _table(figures, queries[0], names)
        return
    for field in fields:
        own = [fact for fact in figures if fact.field == field]
        if len(own) > MOST_NAMED:
            yield _table(own, queries[0], names)


def _table(figures: Sequence[Fact], query: Query, names: Mapping[str, str]) -> Table | None:
    """Companies or periods as rows and metrics as columns, or turned where there are more metrics than rows."""
    fields, symbols = distinct(fact.field for fact in figures), distinct(fact.symbol for fact in figures)
    heads = _Heads(query)
    places, titles = _places(figures), {field: heads.title(field) for field in fields}
    if len(fields) == 1 < len(symbols) <= _MOST_COLUMNS and len(set(places)) > len(symbols):
        by_day = sorted(figures, key=lambda fact: str(fact.period_end))
        columns = {symbol: short_name(names.get(symbol, symbol)) for symbol in symbols}
        cells = {(fact.period, fact.symbol): fact for fact in figures}
        return _grid(query, titles[fields[0]], {fact.period: fact.period for fact in by_day}, columns, cells)
    cells = {(place, fact.field): fact for place, fact in zip(places, figures, strict=True)}
    first = dict(zip(reversed(places), reversed(figures), strict=True))
    rows = distinct(places)[:_MOST_ROWS]
    if len(rows) == 1 or len(fields) > max(_FEWEST, len(rows)):
        columns, corner = {place: _place(first[place], names, len(symbols), heads) for place in rows}, ""
        if len(columns) > _FEWEST and len(symbols) == len(columns) and len({fact.period for fact in figures}) == 1:
            corner = heads.period(figures[0])  # which all have in common
            columns = {(symbol, period): short_name(names.get(symbol, symbol)) for symbol, period in rows}
        turned = {(field, place): fact for (place, field), fact in cells.items()}
        most = 2 * _FEWEST if any(period for _, period in rows) else _MOST_TURNED
        return _grid(query, corner, titles, columns, turned) if len(columns) <= most else None
    periods = {place: heads.period(first[place]) for place in rows}
    if len(symbols) == 1:
        return _grid(query, heads.said("Period"), periods, titles, cells)
    companies = {place: _company(first[place], names) for place in rows}
    return _grid(query, heads.said("Company"), companies, titles, cells, periods)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _by_month(facts: Iterable[Fact], names: Mapping[str, str]) -> Table | None:
    """What the first share of a tearsheet did in each month: a row a year."""
    found = [fact for fact in facts if fact.field == "monthly_return"]
    own = {fact.period: fact for fact in found if fact.symbol == found[0].symbol}
    if len(own) < _FEWEST:
        return None

    def cell(year: str, month: int) -> Cell:
        fact = own.get(f"{year}-{month:02}")
        return Cell(f"{(fact.value or 0) * 100:.1f}", fact) if fact else Cell("")

    years = distinct(period[:4] for period in own)
    rows = tuple(Row(year, tuple(cell(year, month) for month in range(1, 13))) for year in years)
    title = f"{short_name(names.get(found[0].symbol, found[0].symbol))}: change of the price by month"
    return Table(title, "percent", _MONTHS, rows, corner="Year")


def _places(figures: Sequence[Fact]) -> list[tuple[str, str]]:
    """The row of each figure: its company, or a period of it where there are several."""
    once = len({(fact.symbol, fact.field) for fact in figures}) == len(figures)
    if once and len({fact.symbol for fact in figures}) > 1:
        return [(fact.symbol, "") for fact in figures]
    return [(fact.symbol, fact.period) for fact in figures]


def _grid[R, C](
    query: Query,
    corner: str,
    rows: Mapping[R, str],
    columns: Mapping[C, str],
    cells: Mapping[tuple[R, C], Fact],
    periods: Mapping[R, str] | None = None,
) -> Table:
    """A table of facts by the keys of their row and column, with the periods of the rows where they are given."""
    words = _Heads(query)

    def line(row: R) -> Iterator[Cell]:
        if periods:
            yield Cell(periods[row])
        for column in columns:
            fact = cells.get((row, column))
            yield Cell(words.figure(fact), fact) if fact else Cell("n/a")

    shown = list(rows.items())[:_MOST_ROWS]
    heads = (*([words.said("Period")] if periods else []), *columns.values())
    return Table("", "", heads, tuple(Row(title, tuple(line(row))) for row, title in shown), corner=corner)


def _place(fact: Fact, names: Mapping[str, str], companies: int, heads: _Heads) -> str:
    return f"{short_name(names.get(fact.symbol, fact.symbol))} {fact.period}" if companies > 1 else heads.period(fact)


def _company(fact: Fact, names: Mapping[str, str]) -> str:
    name = names.get(fact.symbol)
    return f"{short_name(name)} ({fact.symbol})" if name else fact.symbol


class _Heads:
    """The words around figures and the figures of a table, in the language of a query."""

    def __init__(self, query: Query) -> None:
        self._words, self._labels = Words({}, query), labels(query.language)

    def said(self, text: str) -> str:
        return self._labels.said(text) if self._labels else text

    def title(self, field: str) -> str:
        return (self._labels.title(field) if self._labels else "") or title_of(field)

    def period(self, fact: Fact) -> str:
        ended = is_fiscal(fact) and fact.period_end
        return f"{fact.period} ({self.said('to')} {fact.period_end})" if ended else fact.period

    def figure(self, fact: Fact) -> str:
        shown = self._labels.figure(fact, self._words) if self._labels else self._words.figure(fact)
        return f"{shown} ({fact.note})" if fact.note and fact.field in _OF_MONTHS else shown


def labels(language: str) -> Labels | None:
    """The words of a language around figures; none for English, which this module speaks itself."""
    if language == "en":
        return None
    from finassist.reporting.languages import Labels  # Babel, which English does not need

    return Labels(language)


# --------------------------------------------------------------------------------------------- chart


def _chart(figures: Sequence[Fact], names: Mapping[str, str]) -> Panel | None:
    """The figure of one or two companies over three or more fiscal periods."""
    symbols = distinct(fact.symbol for fact in figures)
    fiscal = all(fact.period_end and fact.period.startswith(("FY", "Q")) for fact in figures)
    if len({fact.field for fact in figures}) > 1 or len(symbols) > _MOST_LINES or not fiscal:
        return None
    name = {symbol: short_name(names.get(symbol, symbol)) for symbol in symbols}
    lines = [(name[symbol], [fact for fact in figures if fact.symbol == symbol]) for symbol in symbols]
    title = f"{listed(list(name.values()))}: {title_of(figures[0].field)}"
    return over_time(title, lines)


# ------------------------------------------------------------------------------------------- sources


def _notes(figures: Sequence[Fact], facts: Iterable[Fact]) -> Iterator[str]:
    """What to know before using the figures and what they are computed from; of a long list the frame says it."""
    inputs = {key for fact in figures for key in fact.inputs}
    if len(figures) > _MOST_ROWS:
        return
    found: dict[str, list[str]] = {}
    for fact in (*figures, *(fact for fact in facts if fact.key in inputs)):
        if fact.note and fact.status in ("reported", "derived") and fact.field not in _OF_MONTHS:
            found.setdefault(fact.note, []).append(f"{fact.symbol} {spoken_or_id(fact.field)} {fact.period}")
    for note, where in found.items():
        yield f"{listed(distinct(where))}: {note}"


def _sources(facts: Iterable[Fact], filers: Mapping[str, str], heads: _Heads) -> Cited | None:
    """Where the reported figures come from, each source once."""
    found = distinct(_source(fact, filers) for fact in facts if of_source(fact))
    others = len(found) - _MOST_SOURCES
    filings = heads.said("filings")
    plain = f" and {others} more {'filing' if others == 1 else 'filings'}"
    more = (plain if filings == "filings" else filings.format(more=others)) if others > 0 else ""
    title = heads.said("Source" if len(found) == 1 else "Sources")
    return Cited(title, tuple(found[:_MOST_SOURCES]), more) if found else None


def _source(fact: Fact, filers: Mapping[str, str]) -> tuple[str, str]:
    """A source in words, and the address of its filing at the SEC where it has one."""
    dated = "filed" in fact.source or not fact.as_of
    url = filing_url(fact.filing or "", filers.get(fact.symbol, ""))
    if fact.filing:
        named = "" if url else f" {fact.filing}"
        return f"{fact.source}{named}" + ("" if dated else f" of {fact.as_of}"), url
    return fact.source if dated or fact.statement == "price" else f"{fact.source}, first known {fact.as_of}", ""
