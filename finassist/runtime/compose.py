"""Facts, outcomes and gaps to what an answer says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from msgspec import structs

from finassist.analysis import ratios as analysis
from finassist.analysis.calendar import Member
from finassist.analysis.cube import Cube
from finassist.analysis.execute import apart, execute
from finassist.analysis.needs import companies_of, needed
from finassist.analysis.outcome import Outcome, Row
from finassist.analysis.overview import multiples_of_peers, overview
from finassist.analysis.peers import MEDIAN, against_peers, how_chosen, summary_of, with_peers
from finassist.analysis.statements import quarters_named
from finassist.analysis.valuation import beyond
from finassist.core.errors import NotOffered
from finassist.core.facts import FIELDS, Fact, FactBook, Gap, with_inputs
from finassist.core.formatting import escape_markdown, listed
from finassist.core.metrics import described
from finassist.core.periods import Period
from finassist.core.query import SET_ASIDE, Choice, Query, Unknown
from finassist.core.result import Draft
from finassist.questions.slots import Understanding
from finassist.reporting import asked
from finassist.reporting.company import Subject
from finassist.reporting.document import Document, Note, document, follow_ups
from finassist.reporting.headline import headline
from finassist.reporting.markdown import to_markdown
from finassist.reporting.words import distinct, possessive, short_name
from finassist.runtime.known import FEW_COMPANIES, FlowContext, parted
from finassist.symbols import directory

_MOST_KEPT = 5000
_FEW_SYMBOLS = 25
_REASON_SHOWN = 600
_QUARTER = re.compile(r"Q[1-4] \d{4}")
_SAYS_WHICH = re.compile(r"\b(?:fiscal|fy\d*|calendar)\b")
_HALF_A_QUARTER = timedelta(days=45)

# ---------------------------------------------------------------------------------------------------------- a document


class Beside(NamedTuple):
    """What was fetched for the opening of a report: more of its companies, and figures of the peers of one."""

    own: Sequence[list[Fact] | Gap] = ()
    peers: Sequence[list[Fact] | Gap] = ()


_NOTHING = Beside()


def compose_document(
    draft: Draft, found: Sequence[list[Fact] | Gap], known: FlowContext, beside: Beside = _NOTHING
) -> Draft:
    """Facts and gaps to a document; pure. Of the facts `beside` them it has only what opens a report."""
    facts, missing = parted(found)
    gaps = (*draft.gaps, *_merged(gap for gap in missing if _matters(gap)))
    draft = replace(draft, gaps=gaps)
    subjects = [Subject(company.symbol, company.name) for company in known.companies(draft.symbols)]
    if not facts:
        content = _no_figures(subjects, gaps) if subjects else _which_company(gaps)
        return replace(draft, content=_with_warnings(content, draft.warnings))
    book = FactBook(facts)
    book = book.joined(fact for symbol in book.symbols() for fact in analysis.derive(book, symbol))
    if draft.category == "report":
        more = _opening([*facts, *parted(beside.own)[0]], parted(beside.peers)[0], draft.symbols, known)
        book = book.joined(fact for fact in more if book.find(fact.key) is None)
    content = to_markdown(document(draft.category, subjects, book, gaps, known.years))
    return replace(
        draft,
        content=_with_warnings(content, draft.warnings),
        facts=tuple(book),
        years=known.years,
        follow_ups=tuple(_after(draft.category, [s for s in subjects if s.symbol in book.symbols()], known)),
    )


def _after(category: str, subjects: Sequence[Subject], known: FlowContext) -> list[str]:
    names = [_called(subject.symbol, subject.name) for subject in subjects]
    return follow_ups(category, names, peers=category == "report" and known.queryable)


def _called(symbol: str, name: str) -> str:
    """The short name of a company where it is read as that company again, else its ticker."""
    short = short_name(name)
    return short if directory().resolve(short).symbols == (symbol,) else symbol


def _opening(facts: Sequence[Fact], of_peers: Sequence[Fact], symbols: Sequence[str], known: FlowContext) -> list[Fact]:
    """What opens the report of each company; of many companies without the past of their multiples."""
    others = (fact for fact in of_peers if fact.symbol not in symbols)  # those of its own are there already
    cube = Cube(quarters_named([*facts, *others]), known.members_of(symbols), beyond=beyond)
    found = [fact for symbol in symbols for fact in overview(cube, symbol, past=len(symbols) <= FEW_COMPANIES)]
    return [*found, *_medians_of_peers(cube, symbols[0])] if of_peers else found


def _medians_of_peers(cube: Cube, symbol: str) -> list[Fact]:
    """The median of each multiple among the peers of a company, with a note who they are, and what it was made of.

    Of those that half of the peers have, on the day of the company's own price.
    """
    query = with_peers(multiples_of_peers(symbol), cube)
    found = [row.fact for row in against_peers(query, cube).rows if summary_of(row.fact)[0] == MEDIAN.field]
    peers, day = query.companies[1:], str(cube.last_trading_day(symbol))
    medians = [fact for fact in found if fact.period == day and 2 * len(fact.inputs) >= len(peers)]
    note = f"Peers: {listed(short_name(cube.name(each)) for each in peers)}; {how_chosen(query)}."
    return with_inputs([structs.replace(fact, note=note) for fact in medians], cube.find)


def _merged(gaps: Iterable[Gap]) -> list[Gap]:
    """One gap for all needs of a company that are missing for the same reason."""
    needs: dict[tuple[str, str, str], list[str]] = {}
    for gap in gaps:
        needs.setdefault((gap.symbol, gap.reason, gap.error), []).append(gap.need)
    return [Gap(symbol=s, need=", ".join(of), reason=reason, error=error) for (s, reason, error), of in needs.items()]


def _matters(gap: Gap) -> bool:
    """A provider that never offers price history is not worth a gap in every report; the rest is."""
    return not (gap.error == NotOffered.__name__ and gap.need in ("history", "profile"))


def _which_company(gaps: Sequence[Gap]) -> str:
    if gaps:
        return "\n\n".join(escape_markdown(gap.reason, _REASON_SHOWN) for gap in gaps)
    return (
        "Which company do you mean? Name one, or give its ticker symbol: "
        "for example “Apple”, “$AAPL” or “NASDAQ: AAPL”."
    )


def _no_figures(subjects: Sequence[Subject], gaps: Sequence[Gap]) -> str:
    """All sources failed: no report, but every cause once."""
    names = ", ".join(f"{subject.name} ({subject.symbol})" for subject in subjects)
    causes = dict.fromkeys(escape_markdown(gap.reason, _REASON_SHOWN) for gap in gaps)
    return "\n".join([f"There are no figures for {names}.", "", *(f"- {cause}" for cause in causes)])


def _with_warnings(content: str, warnings: Sequence[str]) -> str:
    notes = [f"> {escape_markdown(warning, _REASON_SHOWN)}" for warning in warnings]
    return "\n>\n".join(notes) + "\n\n" + content if notes else content


# ------------------------------------------------------------------------------------------------------------- a query


def compose_answer(
    draft: Draft, understood: Understanding, found: Sequence[list[Fact] | Gap], known: FlowContext
) -> Draft:
    """The sentence, the table and the gaps of a question's queries; pure."""
    fetched, gaps = parted(found)
    facts = quarters_named(fetched)
    queries, members = (
        understood.queries,
        known.members_of(each for q in understood.queries for each in companies_of(q)),
    )
    cube = Cube(facts, members, beyond=beyond)
    queries = tuple(with_peers(query, cube) for query in queries)
    understood = replace(understood, queries=queries)
    each = [part for query in queries for part in apart(query)]
    outcomes = [_with_reasons(_in_language(execute(query, cube), members), gaps) for query in each]
    sentences = [text for outcome in outcomes if (text := _sentence(outcome, members, several=len(outcomes) > 1))]
    unplaced = dict.fromkeys(each for query in queries for each in query.unknown if each.topic != SET_ASIDE)
    language = understood.slots.language if understood.slots else "en"
    missing = [*(_refusal(each, language) for each in (*understood.unknown, *unplaced)), *_of_outcomes(outcomes, gaps)]
    after = [each.reason for each in missing[: len(understood.unknown)]] if sentences else []
    said = [each.reason for each in missing if each.error == "NotUnderstood" and each.reason not in after]
    near = distinct(each.nearest for each in missing if each.error == "NotUnderstood" and each.nearest)
    instead = [f"What there is: {listed(near)}."] if near and not sentences else []
    lead = " ".join([*said, *instead, *(sentences or [e.reason for e in missing if e.reason not in said]), *after])
    if lead and (as_of := next((query.as_of for query in queries if query.as_of), None)):
        lead = f"As known on {as_of}: {lead}"
    rows = [row for outcome in outcomes for row in (*outcome.rows, *outcome.more)]
    figure = next((outcome.figure for outcome in outcomes if outcome.figure is not None), None)
    shown = _shown(rows, figure, cube)
    symbols = dict.fromkeys([*draft.symbols, *(row.symbol for row in rows if row.symbol)])
    many = any(query.scope in ("universe", "peers") for query in queries)
    return replace(
        draft,
        content=_content(lead, understood, [row.fact for row in rows], shown, missing, members, draft.warnings),
        headline=lead,
        queries=queries,
        rows=tuple(dict.fromkeys(row.fact.key for row in rows)),
        figure=figure.key if figure else "",
        choices=understood.choices or tuple(_readings(understood, [row.fact for row in rows])),
        symbols=tuple(symbols)[: _FEW_SYMBOLS if many else None],
        facts=(*shown, *(fact for fact in facts if fact.field == "close")),
        gaps=(*draft.gaps, *missing),
        follow_ups=tuple(_next_questions(queries, members)),
    )


def _shown(rows: Sequence[Row], figure: Fact | None, cube: Cube) -> list[Fact]:
    """The facts of an answer, each once, and what they were computed from, down to what was filed."""
    own = [fact for row in rows for fact in (row.fact, row.first, row.last, *row.parts) if fact is not None]
    return with_inputs([*own, *([figure] if figure is not None else [])], cube.find, _MOST_KEPT)


def _content(
    lead: str,
    understood: Understanding,
    figures: Sequence[Fact],
    facts: Iterable[Fact],
    gaps: Sequence[Gap],
    members: Mapping[str, Member],
    warnings: Sequence[str],
) -> str:
    names = {symbol: member.name for symbol, member in members.items()}
    facts = tuple(facts)
    found = {fact.symbol: directory().lookup(fact.symbol) for fact in facts if fact.filing}
    filers = {symbol: company.cik for symbol, company in found.items() if company}
    sections = list(asked.sections(lead, understood.queries, figures, facts, gaps, names, filers))
    read = ", ".join(f"“{word}” as {names.get(right, right)}" for word, right in understood.corrected)
    sections[1:1] = [Note(text) for text in (f"Read {read}." if read else "", *warnings) if text]
    return to_markdown(Document((), "", tuple(sections)))


def _readings(understood: Understanding, figures: Sequence[Fact]) -> Iterator[Choice]:
    """The fiscal quarter and that of the calendar, where the question names neither and they are other months."""
    if understood.slots is None or _SAYS_WHICH.search(understood.slots.low):
        return
    queries = understood.queries
    asked = dict.fromkeys(text for query in queries for text in query.periods if _QUARTER.fullmatch(text))
    if apart := [text for text in asked if any(_is_elsewhere(fact, text) for fact in figures)]:
        words = " and ".join(apart)
        yield Choice(f"{words} of the fiscal year", queries)
        yield Choice(f"{words} of the calendar year", tuple(map(_by_calendar, queries)))


def _is_elsewhere(fact: Fact, quarter: str) -> bool:
    end = Period.parse(f"C{quarter}").last_day()
    if fact.period != quarter or fact.period_end is None or end is None:
        return False
    return abs(fact.period_end - end) > _HALF_A_QUARTER


def _by_calendar(query: Query) -> Query:
    periods = [f"C{text}" if _QUARTER.fullmatch(text) else text for text in query.periods]
    return query.model_copy(update={"periods": periods})


def _in_language(outcome: Outcome, members: Mapping[str, Member]) -> Outcome:
    """The outcome whose commonest reason, a figure that is not there, is in the language of the query."""
    said, periods = asked.labels(outcome.query.language), ", ".join(outcome.query.periods)
    if said is None or not periods:
        return outcome

    def translated(gap: Gap) -> Gap:
        if gap.error != "NotInData" or gap.symbol not in members:
            return gap
        name = short_name(members[gap.symbol].name)
        return replace(gap, reason=said.missing(gap.need, name, periods, gap.nearest) or gap.reason)

    return replace(outcome, gaps=tuple(map(translated, outcome.gaps)))


def _refusal(each: Unknown, language: str) -> Gap:
    """The gap of words that ask for what is not in the data, with what there is instead."""
    reason = each.reason if each.reason.rstrip().endswith((".", "!", "?")) else f"{each.reason}."
    quoted = f" (asked: “{each.words.strip()}”)" if each.words.strip().lower() not in reason.lower() else ""
    said = own.refused(each.topic, each.words.strip()) if (own := asked.labels(language)) else ""
    near = "" if said else _NEAREST.get(each.topic, "")
    reason = said or f"{reason[:-1]}{quoted}."
    return Gap(symbol="", need=each.topic, reason=reason, error="NotUnderstood", nearest=near)


_NEAREST = {
    "segment": "the figures of the whole company",
    "geography": "the figures of the whole company",
    "forecast": "the figures of the latest fiscal year",
    "earnings date": "the figures of the latest reported quarter",
    "intraday price": "the price at the close",
    "valuation model": "a DCF with a grid of WACC and terminal growth",
}
"""What there is instead of a topic that is not in the data."""


_JOINED = frozenset({"sum", "mean", "median", "difference", "times", "share"})


def _sentence(outcome: Outcome, members: Mapping[str, Member], *, several: bool) -> str:
    """The headline of an outcome; of companies named together, it says which of them lacks its figure.

    Where the asked sum or difference cannot be made without that figure, this comes first.
    """
    text, query = headline(outcome, members), outcome.query
    if not text and several:
        return " ".join(dict.fromkeys(gap.reason for gap in outcome.gaps))
    there = {row.symbol for row in outcome.rows}
    whose = {*([] if outcome.shape == "peers" else [""]), *query.companies} - there
    absent = [gap.reason for gap in outcome.gaps if gap.symbol in whose]
    if not text or not absent or query.scope == "universe" or not there or text.startswith("There is nothing"):
        return text
    reasons = " ".join(dict.fromkeys(absent))
    return f"{reasons} {text}" if query.operation in _JOINED and outcome.figure is None else f"{text} {reasons}"


def _with_reasons(outcome: Outcome, gaps: Sequence[Gap]) -> Outcome:
    """The outcome whose gaps say why the source of just that figure failed, where it did."""
    failed = {(gap.symbol, gap.need): gap for gap in gaps if gap.error != NotOffered.__name__ or gap.need == "quote"}

    def explained(gap: Gap) -> Gap:
        if gap.error == "NotMeaningful" or not any(symbol == gap.symbol for symbol, _ in failed):
            return gap
        alone = outcome.query.model_copy(update={"metrics": [gap.need], "where": []})
        causes = (failed.get((gap.symbol, need)) for need in _sources(alone))
        cause = next(filter(None, causes), gap)
        return replace(gap, reason=cause.reason, error=cause.error)

    return replace(outcome, gaps=tuple(map(explained, outcome.gaps)))


def _sources(query: Query) -> Iterator[str]:
    """What a query is fetched as, from whichever kind of provider."""
    lines, prices, *_ = needed(query)
    if lines:
        yield from ("figures", *(FIELDS[line].statement for line in lines if line in FIELDS))
    if prices or "price" in lines:
        yield from ("closes", "quote", "history")


def _of_outcomes(outcomes: Iterable[Outcome], gaps: Sequence[Gap]) -> list[Gap]:
    """What is missing, each reason once; no company at all is missing where those of a source could not be had."""
    everyone = [replace(gap, symbol="") for gap in gaps if gap.symbol == "*" or gap.need == "peers"]
    had = [outcome for outcome in outcomes if not everyone or outcome.query.scope != "universe"]
    found = [gap for outcome in had for gap in outcome.gaps]
    return list({gap.reason: gap for gap in (*everyone, *found)}.values())


def _next_questions(queries: Sequence[Query], members: Mapping[str, Member]) -> Iterator[str]:
    query = next(iter(queries), None)
    if query is None or not query.metrics or not query.companies:
        return
    first, asked = query.companies[0], described(query.metrics[0])
    name = _called(first, members[first].name) if first in members else first
    if query.operation == "none" and query.intent != "series" and asked.kind != "price":
        yield f"How did {possessive(name)} {asked.label} develop over the last five years?"
    if asked.kind == "ratio" and not asked.model and query.scope == "named" and first in members:
        yield f"How does {possessive(name)} {asked.label} compare with its peers'?"
    yield f"Tell me about {name}"
