"""A query to an answer: fetch only what it needs, execute it, say the answer in a sentence. Plain generators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from agno.run.agent import RunContentEvent
from msgspec import structs

from finassist.analysis.calendar import Member, quarters_named
from finassist.analysis.cube import Cube
from finassist.analysis.execute import execute, needed, of_today
from finassist.analysis.outcome import Outcome
from finassist.core.events import FetchCompleted, FetchFailed, FetchStarted, StepCompleted, StepStarted
from finassist.core.facts import Fact, Gap
from finassist.core.fields import FIELDS
from finassist.core.metrics import described
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Query, Unknown
from finassist.core.result import Draft
from finassist.providers.base import Need, Periods, QueryNeed, UniverseScope
from finassist.questions.understand import MARKET_INDEX, Understanding
from finassist.reporting import asked
from finassist.reporting.headline import headline
from finassist.reporting.markdown import to_markdown
from finassist.reporting.sections import Document, Note
from finassist.reporting.sentence_words import possessive, short_name
from finassist.runtime.effects import Flow, fetch, gather
from finassist.runtime.understand import FlowContext

type AnyNeed = Need | QueryNeed

type Wanted = tuple[str, AnyNeed, Periods, UniverseScope | None]

_YEARS, _QUARTERS = 15, 40
_FEW_ROWS = 60
_FISCAL_YEARS = ("year", "end", "calendar", "latest")
_STATEMENTS: tuple[Need, ...] = ("income", "balance_sheet", "cash_flow")


def query_flow(draft: Draft, found: Understanding, known: FlowContext) -> Flow[Draft]:
    """Answer the queries of a question, and name what was asked and cannot be answered."""
    queries = found.queries
    facts, gaps = yield from _gather(queries, known) if queries else _nothing()
    yield StepStarted(step_name="compose")
    members = known.members_of(symbol for query in queries for symbol in query.companies)
    cube = Cube(facts, members)
    outcomes = [_with_reasons(execute(query, cube), gaps) for query in queries]
    draft = compose_answer(draft, found, outcomes, gaps, members, {fact.key: fact for fact in facts})
    yield RunContentEvent(content=draft.content, step_name="compose")
    yield StepCompleted(step_name="compose")
    return draft


def compose_answer(
    draft: Draft,
    found: Understanding,
    outcomes: Sequence[Outcome],
    gaps: Sequence[Gap],
    members: Mapping[str, Member],
    fetched: Mapping[str, Fact],
) -> Draft:
    """The sentence, the table and the gaps of a question's outcomes; pure."""
    sentences = [text for outcome in outcomes if (text := headline(outcome, members))]
    unplaced = dict.fromkeys(word for query in found.queries for word in query.unknown)
    missing = [*(_refusal(each) for each in (*found.unknown, *unplaced)), *_of_outcomes(outcomes, gaps)]
    said = [each.reason for each in missing if each.error == "NotUnderstood"]
    lead = " ".join([*said, *(sentences or [each.reason for each in missing if each.reason not in said])])
    rows = [row for outcome in outcomes for row in (*outcome.rows, *outcome.more)]
    figure = next((outcome.figure for outcome in outcomes if outcome.figure is not None), None)
    shown = {fact.key: fact for row in rows for fact in (row.fact, row.first, row.last, *row.parts) if fact is not None}
    if figure is not None:
        shown[figure.key] = figure
    if len(rows) <= _FEW_ROWS:  # what a figure was computed from, so that its sources can be named
        inputs = [key for fact in shown.values() for key in fact.inputs if key in fetched]
        shown = {**shown, **{key: fetched[key] for key in inputs if key not in shown}}
    symbols = dict.fromkeys([*draft.symbols, *(row.symbol for row in rows if row.symbol)])
    return replace(
        draft,
        content=_content(lead, found, [row.fact for row in rows], shown.values(), missing, members),
        headline=lead,
        queries=found.queries,
        rows=tuple(dict.fromkeys(row.fact.key for row in rows)),
        figure=figure.key if figure else "",
        choices=found.choices,
        symbols=tuple(symbols)[: 25 if any(query.scope == "universe" for query in found.queries) else None],
        facts=tuple(shown.values()),
        gaps=(*draft.gaps, *missing),
        follow_ups=tuple(_next_questions(found.queries, members)),
    )


def _content(
    lead: str,
    found: Understanding,
    figures: Sequence[Fact],
    facts: Iterable[Fact],
    gaps: Sequence[Gap],
    members: Mapping[str, Member],
) -> str:
    names = {symbol: member.name for symbol, member in members.items()}
    sections = list(asked.sections(lead, found.queries, figures, facts, gaps, names))
    read = ", ".join(f"“{word}” as {names.get(right, right)}" for word, right in found.corrected)
    sections[1:1] = [Note(f"Read {read}.")] if read else []
    return to_markdown(Document((), "", tuple(sections)))


def _refusal(each: Unknown) -> Gap:
    reason = each.reason if each.reason.rstrip().endswith((".", "!", "?")) else f"{each.reason}."
    quoted = f" (asked: “{each.words.strip()}”)" if each.words.strip().lower() not in reason.lower() else ""
    return Gap(symbol="", need=each.topic, reason=f"{reason[:-1]}{quoted}.", error="NotUnderstood")


def _with_reasons(outcome: Outcome, gaps: Sequence[Gap]) -> Outcome:
    """The outcome whose gaps say why the source failed, where it did."""
    broken = {gap.symbol: gap for gap in gaps if gap.error != "NotOffered"}
    known = [
        replace(gap, reason=broken[gap.symbol].reason, error=broken[gap.symbol].error) if gap.symbol in broken else gap
        for gap in outcome.gaps
    ]
    return replace(outcome, gaps=tuple(known))


def _of_outcomes(outcomes: Iterable[Outcome], gaps: Sequence[Gap]) -> list[Gap]:
    """What is missing, each reason once; no company at all is missing where those of a source could not be had."""
    found = [gap for outcome in outcomes for gap in outcome.gaps]
    everyone = [replace(gap, symbol="") for gap in gaps if gap.symbol == "*"]
    return list({gap.reason: gap for gap in (*everyone, *found)}.values())


def _next_questions(queries: Sequence[Query], members: Mapping[str, Member]) -> Iterator[str]:
    query = next(iter(queries), None)
    if query is None or not query.metrics or not query.companies:
        return
    first = query.companies[0]
    name = short_name(members[first].name) if first in members else first
    metric = described(query.metrics[0]).label
    if query.operation == "none" and described(query.metrics[0]).kind != "price":
        yield f"How did {possessive(name)} {metric} develop over the last five years?"
    yield f"Tell me about {query.companies[0]}"


# ---------------------------------------------------------------------------------------------- fetching


def _gather(queries: Sequence[Query], known: FlowContext) -> Flow[tuple[list[Fact], list[Gap]]]:
    """Everything that the queries need, all at the same time, each thing once."""
    yield StepStarted(step_name="gather")
    wanted = list(dict.fromkeys(need for query in queries for need in _needs(query, known)))
    found = yield from gather([_fetch_step(*each, known) for each in wanted])
    yield StepCompleted(step_name="gather")
    facts = [fact for each in found if isinstance(each, list) for fact in each]
    return [*quarters_named(facts)], [each for each in found if isinstance(each, Gap)]


def _nothing() -> Flow[tuple[list[Fact], list[Gap]]]:
    yield from ()
    return [], []


def _fetch_step(
    symbol: str, need: AnyNeed, periods: Periods, scope: UniverseScope | None, known: FlowContext
) -> Flow[list[Fact] | Gap]:
    yield FetchStarted(symbol=symbol, need=need, provider=known.provider)
    found = yield from fetch(symbol, need, periods, scope)
    if isinstance(found, Gap):
        yield FetchFailed(symbol=symbol, need=need, provider=known.provider, error=found.error, reason=found.reason)
    else:
        yield FetchCompleted(symbol=symbol, need=need, provider=known.provider, count=len(found))
        if periods.interval == "1d":
            found = [structs.replace(fact, field="price") for fact in found if fact.field == "close"]
    return found


def _needs(query: Query, known: FlowContext) -> Iterator[Wanted]:
    if query.intent == "define":
        return
    lines, prices = needed(query)
    quarters = prices or query.operation == "sequential" or _quarters(query)
    if query.scope == "universe":
        days = tuple(_days(query)) if prices else ()
        scope = UniverseScope(lines, _since(query), days, quarters=quarters)
        yield "*", "universe", Periods(_YEARS), scope
        return
    prices = prices or "price" in lines
    for symbol in query.companies:
        if lines and symbol != MARKET_INDEX:
            for need, periods in _of_statements(lines, known, quarters=quarters):
                yield symbol, need, periods, None
        if prices:
            for need, periods in _of_market(query, known):
                yield symbol, need, periods, None
    if "beta" in query.metrics and known.queryable:
        yield MARKET_INDEX, "closes", Periods(_YEARS), None


def _of_statements(lines: Iterable[str], known: FlowContext, *, quarters: bool) -> Iterator[tuple[AnyNeed, Periods]]:
    """All figures at once, or the statements on which these lines stand: of years, and of quarters where asked."""
    if known.queryable:
        yield "figures", Periods(_YEARS)
        return
    own = {FIELDS[line].statement for line in lines if line in FIELDS}
    for need in _STATEMENTS:
        if need in own:
            yield need, Periods(_YEARS)
            if quarters:
                yield need, Periods(_QUARTERS, "quarterly")


def _of_market(query: Query, known: FlowContext) -> Iterator[tuple[AnyNeed, Periods]]:
    """All closes, or the latest price with two years of month ends, as documents ask, so that the fetch is shared."""
    if known.queryable:
        yield "closes", Periods(_YEARS)
        return
    yield "quote", Periods(known.years + 1)
    yield "history", Periods(known.years + 1) if of_today(query) else Periods(span="max", interval="1d")


def _since(query: Query) -> int:
    """The first fiscal year that counts: two before the first asked, for growth and averages."""
    years = [period.year for each in query.asked() for period in _ends(each) if period.year]
    return min(years, default=2024) - 2


def _quarters(query: Query) -> bool:
    """Whether a period is asked that is no fiscal year."""
    asked = [*query.asked(), *(parse_periods(each.period) for each in query.where if each.period)]
    return any(period.kind not in _FISCAL_YEARS for each in asked for period in _ends(each))


def _ends(each: Period | Span) -> list[Period]:
    return [each] if isinstance(each, Period) else [period for period in (each.start, each.end) if period]


def _days(query: Query) -> Iterator[date]:
    """Days whose closes a query over all companies needs: the ends of its periods."""
    asked = [period for each in query.asked() for period in _ends(each)]
    yield date.max
    for period in asked:
        first, last = period.first_day(), period.last_day()
        if first and last:
            yield from (first - timedelta(days=1), last)
    if not asked:
        yield date.min
