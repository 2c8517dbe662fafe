"""The product: how a question becomes an answer. Plain generators, written once, driven by `run()` and `arun()`.

    decide ─► gather facts ─► compose            a question about companies
    decide ─► chat                               any other question

No `async`, no I/O, no clock in here: a flow yields events and effects (`effects.py`) and receives results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import cast

from agno.run.agent import RunContentEvent
from msgspec import structs

from finassist.analysis.needs import beside, companies_of, needed, of_today
from finassist.analysis.overview import multiples_of_peers
from finassist.analysis.peers import MOST
from finassist.analysis.sources import SourceFigures
from finassist.core.errors import InputError, MalformedReply
from finassist.core.events import ChoicesOffered, FetchCompleted, FetchFailed, FetchStarted, StepCompleted, StepStarted
from finassist.core.facts import FIELDS, Fact, Gap
from finassist.core.formatting import escape_markdown, listed
from finassist.core.periods import LATEST
from finassist.core.query import Query
from finassist.core.result import CATEGORY, Draft, Usage
from finassist.core.result import CategoryName as Category
from finassist.llm.agents import question_message
from finassist.providers.base import Need, Periods, QueryNeed, UniverseScope
from finassist.questions.claims import Claim, claims_in
from finassist.questions.companies import INDEX
from finassist.questions.review import Narration, Review, left_out
from finassist.questions.slots import Understanding
from finassist.questions.wording import as_of_day, known_on_day
from finassist.reporting.asked import written_by
from finassist.reporting.markdown import Checked
from finassist.runtime.compose import Beside, compose_answer, compose_document
from finassist.runtime.decide import completed, decide, decide_typed
from finassist.runtime.effects import AgentReply, Compute, Fetch, Flow, ask, compute, fetch, gather
from finassist.runtime.known import (
    FEW_COMPANIES,
    THREE_YEARS,
    FlowContext,
    Grounds,
    checked_against,
    grounds_query,
    source_figures,
)

_YEARS, _QUARTERS = 15, 40
_REPORTED = ("revenue", "revenue_growth", "net_income", "net_income_growth", "operating_income", "net_margin",
             "eps_diluted", "free_cash_flow", "total_assets", "equity", "price")  # fmt: skip
_NOT_COMPARED = "Sources are compared figure by figure. Name companies and metrics: “revenue of Apple in FY2023”."
_PARAGRAPH = "\n\n"
_LONGEST_WARNING = 600
_STATEMENTS: tuple[Need, ...] = ("income", "balance_sheet", "cash_flow")

# ------------------------------------------------------------------------------------------ the flows


def answer_flow(question: str, known: FlowContext) -> Flow[Draft]:
    """Any question: decide what it asks, then take the flow of its category."""
    question, day = known_on_day(question)
    known = replace(known, as_of=day or known.as_of)
    decision = yield from decide(question, known)
    if decision.route is None:
        return (yield from _query_flow(decision.draft, decision.found, known))
    if decision.draft.category == "chat":
        return (yield from chat_flow(question, known, decision.draft))
    return (yield from document_flow(decision.draft, replace(known, as_of=as_of_day(question)[1] or known.as_of)))


def typed_flow(queries: Sequence[Query], known: FlowContext) -> Flow[Draft]:
    """Queries as they stand: no language, no model."""
    decision = yield from decide_typed(queries, known)
    if decision.draft.category == "report":
        return (yield from document_flow(decision.draft, known))
    return (yield from _query_flow(decision.draft, decision.found, known))


def report_flow(question: str, known: FlowContext) -> Flow[Draft]:
    """A full report on the companies of the question, whatever else it asks."""
    return (yield from alone_flow(question, "report", known))


def alone_flow(question: str, category: Category, known: FlowContext) -> Flow[Draft]:
    """One kind of figures alone (`income_statement`, `company_financials`, `stock_price`)."""
    decision = yield from decide(question, known, document=True)
    return (yield from document_flow(replace(decision.draft, category=category), known))


def chat_flow(question: str, known: FlowContext, draft: Draft | None = None) -> Flow[Draft]:
    """A conversational answer, as it is written; figures of a language model are checked before they are shown."""
    draft = draft or Draft(category="chat", reason="It was asked as conversation.")
    grounds = (yield from _grounds(question, known, draft)) if known.checked else None
    yield StepStarted(step_name="chat")
    facts, review = (grounds.lines, grounds.review()) if grounds else ((), None)
    reply = yield from ask("chat", question_message(question, known.context, facts=facts), stream=True, review=review)
    if reply.error:
        yield completed("chat", reply)
        raise reply.error
    usage = [*draft.usage, Usage(reply.agent, reply.model, reply.metrics)]
    content, found = str(reply.content), tuple[Fact, ...]()
    if grounds and review:
        content, again = yield from _corrected(question, grounds, review)
        found = tuple(review.facts.values())
        usage += [Usage(each.agent, each.model, each.metrics) for each in again]
    yield completed("chat", reply)
    return replace(draft, content=content, facts=found, gaps=(), usage=tuple(usage))


def check_flow(text: str, known: FlowContext) -> Flow[Checked]:
    """A text against the data: each figure it states, and what the data say of it."""
    claims = cast(list[Claim], (yield Compute(lambda: claims_in(text))))
    queries = [query.model_copy(update={"as_of": known.as_of}) for claim in claims for query in claim.queries]
    wanted = [each for query in queries for each in _wanted(query, known)]
    found = (yield from _gather(wanted, known)) if wanted else []
    checked = yield from compute(lambda: checked_against(claims, found, known), found)
    return Checked(text, checked)


def compare_flow(
    asked: str | Sequence[Query], sources: Mapping[str, FlowContext], known: FlowContext
) -> Flow[list[SourceFigures]]:
    """The figures of one question from several sources at the same time, each as far as it has them."""
    if isinstance(asked, str):
        question, day = known_on_day(asked)
        decision = yield from decide(question, replace(known, as_of=day or known.as_of))
    else:
        decision = yield from decide_typed(asked, known)
    queries = decision.found.queries
    if not queries or any(not query.metrics or query.scope == "universe" for query in queries):
        raise InputError(_NOT_COMPARED)
    return (yield from gather([_of_source(name, queries, source) for name, source in sources.items()]))


def _of_source(name: str, queries: Sequence[Query], known: FlowContext) -> Flow[SourceFigures]:
    found = yield from _gather([each for query in queries for each in _wanted(query, known)], known)
    return (yield from compute(lambda: source_figures(name, queries, found, known), found))


def _grounds(question: str, known: FlowContext, draft: Draft) -> Flow[Grounds]:
    """The figures of the companies that a chat is about, fetched for the model and for the check of its reply."""
    query = grounds_query(question, draft.symbols, known)
    wanted = list(_wanted(query, known)) if query.companies else []
    found = (yield from _gather(wanted, known)) if wanted else []
    return Grounds.of(query, found, known)


def _corrected(question: str, grounds: Grounds, review: Review) -> Flow[tuple[str, list[AgentReply]]]:
    """The reviewed reply; sentences that were withheld are asked for once more, with the facts, and else left out."""
    added, replies, left = "", list[AgentReply](), len(review.withheld)
    if review.withheld and grounds.lines:
        message = question_message(question, facts=grounds.lines, withheld=[text for text, _ in review.withheld])
        reply = yield from ask("chat", message)
        replies.append(reply)
        second = grounds.review()
        added = "" if reply.error else f"{second.feed(str(reply.content))}{second.close()}".strip()
        left = left if not added else len(second.withheld)
        review.facts |= second.facts
    rest = f"{f'{_PARAGRAPH}{added}' if added else ''}{left_out(left) if left else ''}"
    if rest:
        yield RunContentEvent(content=rest, step_name="chat")
    return f"{review.text}{rest}".strip(), replies


def document_flow(draft: Draft, known: FlowContext) -> Flow[Draft]:
    """Everything the category needs about every company, and the document of it."""
    draft = _at_most(draft, known.max_companies)
    periods = Periods(known.years + 1, as_of=known.as_of)  # growth of the first year shown needs the year before
    needs = CATEGORY[draft.category].needs
    wanted = [Fetch(symbol, need, periods) for symbol in draft.symbols for need in needs]
    more, peers = [*_opening(draft, known)], [*_peers(draft, known)]
    fetched = (yield from _gather([*wanted, *more, *peers], known)) if draft.symbols else []
    found, rest = fetched[: len(wanted)], fetched[len(wanted) :]
    beside = Beside(rest[: len(more)], rest[len(more) :])
    yield StepStarted(step_name="compose")
    begun = _with_day(draft, known.as_of)
    draft = yield from compute(lambda: compose_document(begun, found, known, beside), fetched)
    head, *sections = _sections(draft.content)
    yield RunContentEvent(content=head, step_name="compose")
    if known.narrated and draft.category == "report" and draft.facts:
        composed = draft
        grounds = yield from compute(lambda: _report_grounds(composed, found, known), found)
        draft = yield from _narrated(draft, head, grounds)
    for section in sections:
        yield RunContentEvent(content=section, step_name="compose")
    yield StepCompleted(step_name="compose")
    return draft


def _opening(draft: Draft, known: FlowContext) -> Iterator[Fetch]:
    """What the first figures of a report need besides: quarters, and closes where companies are few."""
    if draft.category == "report" and known.queryable:
        needs: tuple[QueryNeed, ...] = ("figures", "closes") if len(draft.symbols) <= FEW_COMPANIES else ("figures",)
        yield from (Fetch(each, need, Periods(_YEARS, as_of=known.as_of)) for each in draft.symbols for need in needs)


def _peers(draft: Draft, known: FlowContext) -> Iterator[Fetch]:
    """What the multiples of its peers need, in a report of one company."""
    if draft.category == "report" and known.queryable and len(draft.symbols) == 1:
        yield from _wanted(multiples_of_peers(draft.symbols[0], known.as_of), known)


def _report_grounds(draft: Draft, found: Sequence[list[Fact] | Gap], known: FlowContext) -> Grounds:
    """The facts of a report that are sent to a model: of one year where there are many companies."""
    years = THREE_YEARS if len(draft.symbols) <= FEW_COMPANIES else str(LATEST)
    query = Query(metrics=list(_REPORTED), companies=list(draft.symbols), periods=[years], as_of=known.as_of)
    return Grounds.of(query, found, known)


def _narrated(draft: Draft, head: str, grounds: Grounds) -> Flow[Draft]:
    """The report with a few sentences of a model below its head: none where the data confirm none of them."""
    yield StepStarted(step_name="narration")
    review = Narration(grounds.cube, grounds.companies)
    about = f"Write about {listed(draft.symbols)}. The headline is: {head.strip().splitlines()[-1]}"
    replies = yield from _told(about, grounds.lines, review)
    reply, used = replies[-1], [Usage(each.agent, each.model, each.metrics) for each in replies]
    draft = replace(draft, narration=review.text.strip(), usage=(*draft.usage, *used))
    below = f"\n\n*{escape_markdown(written_by(reply.model))}*\n" if draft.narration else ""
    if reply.error and not (draft.narration or isinstance(reply.error, MalformedReply)):  # it said nothing of use
        warning = f"The narration failed. {reply.error}"
        draft = replace(draft, warnings=(*draft.warnings, warning))
        below = f"\n> {escape_markdown(warning, _LONGEST_WARNING)}\n"
    if below:
        yield RunContentEvent(content=below, step_name="narration")
    yield completed("narration", reply)
    return replace(draft, content=f"{head}{review.text}{below}{draft.content[len(head) :]}")


def _told(question: str, facts: Sequence[str], review: Narration) -> Flow[list[AgentReply]]:
    """The replies of a model to facts; it is asked once more for what the data do not confirm."""
    first = yield from ask("narration", question_message(question, facts=facts), stream=True, review=review)
    if first.error or review.full or not review.withheld:
        return [first]
    again = question_message(question, facts=facts, withheld=[text for text, _ in review.withheld])
    return [first, (yield from ask("narration", again, stream=True, review=review))]


def _at_most(draft: Draft, limit: int) -> Draft:
    """The draft with no more than `limit` companies, saying which were left out."""
    if len(draft.symbols) <= limit:
        return draft
    left_out = ", ".join(draft.symbols[limit:])
    warning = f"One answer covers at most {limit} companies; ask separately about {left_out}."
    return replace(draft, symbols=draft.symbols[:limit], warnings=(*draft.warnings, warning))


def _with_day(draft: Draft, day: date | None) -> Draft:
    if day is None:
        return draft
    return replace(draft, warnings=(*draft.warnings, f"As known on {day}: what was published later is not in it."))


def _sections(content: str) -> list[str]:
    """The text in pieces that end where a section ends, so that it can be streamed; joined they are the text."""
    first, *others = content.split("\n## ")
    return [piece for piece in (first, *(f"\n## {other}" for other in others)) if piece]


def _query_flow(draft: Draft, found: Understanding, known: FlowContext) -> Flow[Draft]:
    """Answer the queries of a question, and name what was asked and cannot be answered."""
    queries = found.queries
    wanted = [need for query in queries for need in _wanted(query, known)]
    fetched = (yield from _gather(wanted, known)) if queries else []
    yield StepStarted(step_name="compose")
    begun = draft
    draft = yield from compute(lambda: compose_answer(begun, found, fetched, known), fetched)
    if draft.choices:
        yield ChoicesOffered(labels=[choice.label for choice in draft.choices])
    yield RunContentEvent(content=draft.content, step_name="compose")
    yield StepCompleted(step_name="compose")
    return draft


# --------------------------------------------------------------------------------------------- gather


def _gather(wanted: Iterable[Fetch], known: FlowContext) -> Flow[list[list[Fact] | Gap]]:
    """Everything that is wanted, all at the same time, each thing once."""
    yield StepStarted(step_name="gather")
    each_once = dict.fromkeys(replace(each, source=known.source) for each in wanted)
    found = yield from gather([_fetch_step(each, known.provider) for each in each_once])
    yield StepCompleted(step_name="gather")
    return found


def _fetch_step(wanted: Fetch, provider: str) -> Flow[list[Fact] | Gap]:
    symbol, need = wanted.symbol, wanted.need
    yield FetchStarted(symbol=symbol, need=need, provider=provider)
    found = yield from fetch(wanted)
    if isinstance(found, Gap):
        yield FetchFailed(symbol=symbol, need=need, provider=provider, error=found.error, reason=found.reason)
    else:
        yield FetchCompleted(symbol=symbol, need=need, provider=provider, count=len(found))
        if wanted.periods.interval == "1d":
            found = [structs.replace(fact, field="price") for fact in found if fact.field == "close"]
    return found


def _wanted(query: Query, known: FlowContext) -> Iterator[Fetch]:
    """The fetches of a query: of its companies, or of all."""
    if query.intent == "define":
        return
    lines, prices, since, days, quarters, back, year_ends = needed(query)
    of_all = query.scope == "peers" and (len(query.companies) == 1 or query.sectors)
    scope = UniverseScope(lines, since, days, quarters, back, year_ends)
    if of_all and known.queryable and not query.sectors:
        yield _of_peers(query, scope)
    elif query.scope == "universe" or of_all:
        yield Fetch("*", "universe", Periods(_YEARS, as_of=query.as_of), scope)
    if query.scope == "universe" or (of_all and known.queryable):
        return
    for symbol in companies_of(query):
        if lines and symbol != INDEX:
            yield from _of_statements(symbol, lines, known, query.as_of, quarters=quarters)
        if prices or "price" in lines:
            yield from _of_market(symbol, query, known)
    if known.queryable:
        yield from (Fetch(each, "closes", Periods(_YEARS, as_of=query.as_of)) for each in beside(query))


def _of_peers(query: Query, scope: UniverseScope) -> Fetch:
    """What is needed of a company and the nearest of its industry."""
    [symbol] = query.companies
    scope = replace(scope, peers_of=symbol, peers=query.limit or MOST)
    return Fetch(symbol, "peers", Periods(_YEARS, as_of=query.as_of), scope)


def _of_statements(
    symbol: str, lines: Iterable[str], known: FlowContext, as_of: date | None, *, quarters: bool
) -> Iterator[Fetch]:
    """All figures at once, or the statements on which these lines stand: of years, and of quarters where asked."""
    if known.queryable:
        yield Fetch(symbol, "figures", Periods(_YEARS, as_of=as_of))
        return
    own = {FIELDS[line].statement for line in lines if line in FIELDS}
    for need in _STATEMENTS:
        if need in own:
            yield Fetch(symbol, need, Periods(_YEARS, as_of=as_of))
            if quarters:
                yield Fetch(symbol, need, Periods(_QUARTERS, "quarterly", as_of=as_of))


def _of_market(symbol: str, query: Query, known: FlowContext) -> Iterator[Fetch]:
    """All closes, or the latest price with two years of month ends, as documents ask, so that the fetch is shared."""
    if known.queryable:
        yield Fetch(symbol, "closes", Periods(_YEARS, as_of=query.as_of))
        return
    month_ends = Periods(known.years + 1, as_of=query.as_of)
    every_day = Periods(span="max", interval="1d", as_of=query.as_of)
    yield Fetch(symbol, "quote", month_ends)
    yield Fetch(symbol, "history", month_ends if of_today(query) else every_day)
