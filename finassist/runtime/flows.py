"""The product: how a question becomes an answer. Plain generators, written once, driven by `run()` and `arun()`.

    understand ─► gather facts ─► compose            a question about companies
    understand ─► chat                               any other question

No `async`, no I/O, no clock in here: a flow yields events and effects (`effects.py`) and receives results.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agno.run.agent import RunContentEvent

from finassist.analysis import metrics as analysis
from finassist.core.categories import CATEGORY
from finassist.core.categories import CategoryName as Category
from finassist.core.errors import NotOffered
from finassist.core.events import FetchCompleted, FetchFailed, FetchStarted, StepCompleted, StepStarted
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.formatting import escape_markdown
from finassist.core.query import Query
from finassist.core.result import Draft, Usage
from finassist.llm.agents import question_message
from finassist.providers.base import Need, Periods
from finassist.questions.reading import Understanding
from finassist.reporting.company import Subject
from finassist.reporting.document import follow_ups
from finassist.reporting.markdown import compose as compose_markdown
from finassist.runtime.effects import Flow, ask, fetch, gather
from finassist.runtime.query_flow import query_flow
from finassist.runtime.understand import (
    FlowContext,
    announce,
    at_most,
    completed,
    draft_of,
    understand,
    understand_query,
)

_REASON_SHOWN = 600

# ------------------------------------------------------------------------------------------ the flows


def answer_flow(question: str, known: FlowContext) -> Flow[Draft]:
    """Any question: understand it, then take the flow of its category."""
    draft, found = yield from understand_query(question, known)
    if found is not None:
        return (yield from query_flow(draft, found, known))
    if draft.category == "chat":
        return (yield from chat_flow(question, known, draft))
    return (yield from _figures_flow(draft, known))


def typed_flow(queries: Sequence[Query], known: FlowContext) -> Flow[Draft]:
    """Queries as they stand: no language, no model."""
    yield StepStarted(step_name="understand")
    if all(query.intent == "document" for query in queries):
        symbols = tuple(dict.fromkeys(symbol for query in queries for symbol in query.companies))
        draft = Draft(category="report", symbols=symbols, reason="; ".join(map(str, queries)))
        yield from announce(draft, known)
        return (yield from _figures_flow(draft, known))
    found = Understanding(queries=tuple(queries), certain=True)
    draft = draft_of(found)
    yield from announce(draft, known)
    return (yield from query_flow(draft, found, known))


def report_flow(question: str, known: FlowContext) -> Flow[Draft]:
    """A full report on the companies of the question, whatever else it asks."""
    draft = yield from understand(question, known)
    return (yield from _figures_flow(replace(draft, category="report"), known))


def alone_flow(question: str, category: Category, known: FlowContext) -> Flow[Draft]:
    """One kind of figures alone (`income_statement`, `company_financials`, `stock_price`)."""
    draft = yield from understand(question, known)
    return (yield from _figures_flow(replace(draft, category=category), known))


def chat_flow(question: str, known: FlowContext, draft: Draft | None = None) -> Flow[Draft]:
    """A conversational answer, word by word."""
    draft = draft or Draft(category="chat", reason="It was asked as conversation.")
    yield StepStarted(step_name="chat")
    reply = yield from ask("chat", question_message(question, known.context), stream=True)
    yield completed("chat", reply)
    if reply.error:
        raise reply.error
    usage = (*draft.usage, Usage(reply.agent, reply.model, reply.metrics))
    return replace(draft, content=str(reply.content), gaps=(), usage=usage)


def _figures_flow(draft: Draft, known: FlowContext) -> Flow[Draft]:
    draft = at_most(draft, known.max_companies)
    found = yield from gather_facts(draft, known) if draft.symbols else _nothing()
    yield StepStarted(step_name="compose")
    draft = compose(draft, found, known)
    for section in _sections(draft.content):
        yield RunContentEvent(content=section, step_name="compose")
    yield StepCompleted(step_name="compose")
    return draft


# ---------------------------------------------------------------------------------------------- gather


def gather_facts(draft: Draft, known: FlowContext) -> Flow[list[list[Fact] | Gap]]:
    """Everything the category needs about every company, all at the same time."""
    yield StepStarted(step_name="gather")
    needs = CATEGORY[draft.category].needs
    found = yield from gather([_fetch_step(symbol, need, known) for symbol in draft.symbols for need in needs])
    yield StepCompleted(step_name="gather")
    return found


def _fetch_step(symbol: str, need: Need, known: FlowContext) -> Flow[list[Fact] | Gap]:
    source = known.provider
    yield FetchStarted(symbol=symbol, need=need, provider=source)
    periods = Periods(known.years + 1)  # growth of the first year shown needs the year before
    found = yield from fetch(symbol, need, periods)
    if isinstance(found, Gap):
        yield FetchFailed(symbol=symbol, need=need, provider=source, error=found.error, reason=found.reason)
    else:
        yield FetchCompleted(symbol=symbol, need=need, provider=source, count=len(found))
    return found


def _nothing() -> Flow[list[list[Fact] | Gap]]:
    yield from ()
    return []


# --------------------------------------------------------------------------------------------- compose


def compose(draft: Draft, found: Sequence[list[Fact] | Gap], known: FlowContext) -> Draft:
    """Facts and gaps to an answer; pure."""
    facts = [fact for each in found if isinstance(each, list) for fact in each]
    gaps = (*draft.gaps, *_merged(each for each in found if isinstance(each, Gap) and _matters(each)))
    draft = replace(draft, gaps=gaps)
    subjects = [Subject(company.symbol, company.name) for company in known.companies(draft.symbols)]
    if not facts:
        content = _no_figures(subjects, gaps) if subjects else _which_company(gaps)
        return replace(draft, content=_with_warnings(content, draft.warnings))
    book = FactBook(facts)
    book = book.joined(fact for symbol in book.symbols() for fact in analysis.derive(book, symbol))
    content = compose_markdown(draft.category, subjects, book, gaps, known.years)
    return replace(
        draft,
        content=_with_warnings(content, draft.warnings),
        facts=tuple(book),
        years=known.years,
        follow_ups=tuple(follow_ups(draft.category, [s for s in subjects if s.symbol in book.symbols()])),
    )


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


def _sections(content: str) -> list[str]:
    """The text in pieces that end where a section ends, so that it can be streamed; joined they are the text."""
    first, *others = content.split("\n## ")
    return [piece for piece in (first, *(f"\n## {other}" for other in others)) if piece]
