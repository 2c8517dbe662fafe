"""The first part of every flow: what is asked, and about which companies. Rules where they are certain, else a model.

A model is asked once, where rules are not certain. It fills slots with words of the question beside them, and is
believed only as far as these can be checked (`questions.suggestions`). Where it failed, the rules' best guess stands
in, and the draft says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from finassist.core.events import Routed, StepCompleted, StepStarted, StepStatus, SymbolResolved
from finassist.core.facts import FIELDS, Gap
from finassist.core.metrics import described
from finassist.core.query import Query
from finassist.core.result import CATEGORY, CategoryName, Draft, Usage
from finassist.llm.agents import ExtractedSymbols, RoutedQuestion, question_message
from finassist.llm.offline import OfflineModel
from finassist.questions.parser import understand
from finassist.questions.routing import Route, route
from finassist.questions.slots import Memory, Understanding
from finassist.questions.suggestions import hints, is_doubtful, is_named, place
from finassist.questions.topics import glossary, tokens
from finassist.questions.wording import as_of_day
from finassist.runtime.effects import AgentReply, Flow, ask, gather
from finassist.runtime.known import FlowContext
from finassist.symbols import SymbolDirectory

_TICKER = re.compile(r"[A-Z]{1,5}([.-][A-Z])?")
_OF_PERIODS = ("flow", "per_share", "ratio")


@dataclass(frozen=True)
class Decision:
    """What is asked: the answer so far, what the question's words claim, and the route to a document or a chat."""

    draft: Draft
    found: Understanding
    route: Route | None = None

    @property
    def certain(self) -> bool:
        """Whether a model need not be asked."""
        return self.route.certain if self.route else not is_doubtful(self.found)


def decide(question: str, known: FlowContext, *, document: bool = False) -> Flow[Decision]:
    """What a question asks; with `document`, that it asks for a document or a chat is settled."""
    yield StepStarted(step_name="understand")
    decision = _by_rules(question, known, document=document)
    if known.live and (known.routing == "model" or (known.routing == "auto" and not decision.certain)):
        message = question_message(question, known.context, hints(decision.found))
        replies = yield from gather(
            [_ask_step("router", message, RoutedQuestion), _ask_step("symbol_extraction", message, ExtractedSymbols)]
        )
        decision = _by_model(question, decision, replies, known, document=document)
    yield from _announce(decision.draft, known)
    return decision


def decide_typed(queries: Sequence[Query], known: FlowContext) -> Flow[Decision]:
    """What queries ask: no language, no model."""
    yield StepStarted(step_name="understand")
    found = Understanding(queries=tuple(queries))
    if all(query.intent == "document" for query in queries):
        draft = replace(_draft_of(found), category="report")
    else:
        found = _dated(found, known.as_of)
        draft = _draft_of(found)
    yield from _announce(draft, known)
    return Decision(draft, found)


def _announce(draft: Draft, known: FlowContext) -> Flow[None]:
    """The events that say what was understood."""
    yield Routed(category=draft.category, symbols=list(draft.symbols), decided_by=draft.decided_by, reason=draft.reason)
    for company in known.companies(draft.symbols):
        yield SymbolResolved(symbol=company.symbol, name=company.name)
    yield StepCompleted(step_name="understand", content=draft.category)


# ------------------------------------------------------------------------------------------------ by rules


def _by_rules(question: str, known: FlowContext, *, document: bool) -> Decision:
    found = understand(question, known.memory)
    if document or not (found.queries or found.unknown) or _for_the_glossary(found, question, known):
        there = _as_understood(route(question, known.context), found)
        return Decision(_draft_of_route(there, known), found, there)
    found = _known_then(found, as_of_day(question)[1])
    found = _dated(found, known.as_of or _carried_day(found, known.memory))
    return Decision(_draft_of(found), found)


def _as_understood(there: Route, found: Understanding) -> Route:
    """`Tell me about CAT`: a company in a word that routing takes for none."""
    symbols = tuple(found.slots.about) if found.slots and found.document == "report" else ()
    if there.symbols or not symbols:
        return there
    return replace(there, category="report", symbols=symbols, unmatched=(), reason=f"It names {', '.join(symbols)}.")


def _for_the_glossary(found: Understanding, question: str, known: FlowContext) -> bool:
    """Whether only a term is asked that a chat explains better than the catalogue's one sentence."""
    if any(query.intent != "define" for query in found.queries):
        return False
    return bool(found.queries) and route(question, known.context).rule == "concept" and _same_term(found, question)


def _same_term(found: Understanding, question: str) -> bool:
    """Whether the glossary's first term of a question is what it asks: no `interest` where `interest cover` is."""
    asked = tokens(found.slots.metrics[0].words) if found.slots and found.slots.metrics else []
    whole = [hit.value for hit in glossary().hits(asked) if hit.end - hit.start == len(asked)]
    return not asked or whole[:1] == glossary().find(question)[:1]


def _dated(found: Understanding, day: date | None) -> Understanding:
    """The same, its queries as known on a day: their own where they have one, so that one answer has one."""
    as_of = next((query.as_of for query in found.queries if query.as_of), day)
    if as_of is None:
        return found
    return replace(found, queries=tuple(query.model_copy(update={"as_of": as_of}) for query in found.queries))


def _carried_day(found: Understanding, memory: Memory) -> date | None:
    """The day of the last answer, for a follow-up about its companies."""
    own = any("companies" in query.evidence or query.scope == "universe" for query in found.queries)
    return memory.queries[0].as_of if memory.queries and not own else None


def _known_then(found: Understanding, day: date | None) -> Understanding:
    """The queries about figures of a period whose only day is the one of "as of": they ask for what was known then."""
    if day is None:
        return found
    return replace(found, queries=tuple(_query_then(query, day) for query in found.queries))


def _query_then(query: Query, day: date) -> Query:
    periods = [each for each in query.periods if each != str(day)]
    if len(periods) == len(query.periods) or any(described(name).kind not in _OF_PERIODS for name in query.metrics):
        return query
    return query.model_copy(update={"as_of": day, "periods": periods})


def _draft_of(found: Understanding) -> Draft:
    """The draft of a question that became queries, or of which it is known that they cannot be answered."""
    symbols = tuple(dict.fromkeys(symbol for query in found.queries for symbol in query.companies))
    if not symbols and found.slots is not None and not found.queries:
        symbols = tuple(found.slots.symbols)
    reason = (
        "; ".join(map(str, found.queries))
        or f"It asks for something that is not in the data: {found.unknown[0].topic}."
    )
    return Draft(category=_category(found), symbols=symbols, reason=reason)


def _category(found: Understanding) -> CategoryName:
    """The nearest of the five categories, so that answers can be sorted by them."""
    metrics = [described(metric) for query in found.queries for metric in query.metrics]
    if any(query.scope == "peers" for query in found.queries):
        return "company_financials"
    if not metrics:
        return "chat"
    if all(metric.kind == "price" for metric in metrics):
        return "stock_price"
    income = all(metric.id in FIELDS and FIELDS[metric.id].statement == "income" for metric in metrics)
    return "income_statement" if income else "company_financials"


def _draft_of_route(route: Route, known: FlowContext) -> Draft:
    """The draft of a question that asks for a document or a chat."""
    symbols = dict.fromkeys(company.symbol for company in known.companies(route.symbols))
    gaps = _unknown_symbols(name.message for name in route.unmatched)
    return Draft(category=route.category, symbols=tuple(symbols), reason=route.reason, gaps=gaps)


def _unknown_symbols(reasons: Iterable[str]) -> tuple[Gap, ...]:
    return tuple(Gap(symbol="", need="symbol", reason=reason, error="UnknownSymbol") for reason in reasons)


# ---------------------------------------------------------------------------------------------- by a model


def _ask_step(agent: str, message: str, schema: type[RoutedQuestion | ExtractedSymbols]) -> Flow[AgentReply]:
    yield StepStarted(step_name=agent, parent="understand")
    reply = yield from ask(agent, message, schema)
    yield completed(agent, reply, parent="understand")
    return reply


def completed(step: str, reply: AgentReply, parent: str | None = None) -> StepCompleted:
    """The event that ends a step in which an agent was asked."""
    outcome: StepStatus = "error" if reply.error else "completed"
    return StepCompleted(step_name=step, parent=parent, content=str(reply.error or _said(reply)), outcome=outcome)


def _said(reply: AgentReply) -> str:
    """What an agent made of the question; free words of a model are not shown, they may be anything."""
    match reply.content:
        case RoutedQuestion(category=category):
            return category
        case ExtractedSymbols(symbols=symbols):
            return ", ".join(symbol for symbol in symbols if _TICKER.fullmatch(symbol))
        case content:
            return str(content)


def _by_model(
    question: str, rough: Decision, replies: Sequence[AgentReply], known: FlowContext, *, document: bool
) -> Decision:
    """The question with what a model placed of it, read again; rules alone stand in for whichever agent failed."""
    router, extraction = (reply.content for reply in replies)
    filled = [each for content in (extraction, router) if content for each in content.suggestions() if each.value]
    placement = place(question, rough.found, filled, _conversation(known))
    decision = _by_rules(placement.text, known, document=document) if placement.put else rough
    draft = replace(
        decision.draft,
        decided_by=_decider(replies),
        warnings=(*placement.notes, *(f"{reply.error} Rules decided instead." for reply in replies if reply.error)),
        usage=tuple(Usage(reply.agent, "rules" if reply.error else reply.model, reply.metrics) for reply in replies),
    )
    if decision.route is None:
        return replace(decision, draft=draft, found=placement.told(decision.found))
    if isinstance(router, RoutedQuestion) and (known.routing == "model" or not decision.route.certain):
        by_rules = replies[0].model == OfflineModel.id
        reason = router.reason if by_rules else f"The model takes it for: {CATEGORY[router.category].title}."
        draft = replace(draft, category=router.category, reason=reason)
    if isinstance(extraction, ExtractedSymbols) and not decision.route.unmatched:
        strangers = dict.fromkeys(name for name in extraction.unknown if is_named(name, question))
        draft = replace(draft, gaps=_unknown_symbols(_stranger(name, known.directory) for name in strangers))
    return replace(decision, draft=draft)


def _conversation(known: FlowContext) -> list[str]:
    """The symbols and periods that were talked about."""
    memory = known.memory
    periods = (period for query in memory.queries for period in query.periods)
    return [*known.context.symbols, *memory.companies, *memory.result, *periods]


def _decider(replies: Sequence[AgentReply]) -> str:
    """Who decided: the offline model is the rules by another name."""
    router = replies[0]
    if router.error:
        return "rules because the model failed"
    return "rules" if router.model == OfflineModel.id else "model"


def _stranger(name: str, directory: SymbolDirectory) -> str:
    close = [f"{company.name} ({company.symbol})" for company in directory.suggest(name)]
    hint = f"Did you mean {' or '.join(close)}?" if close else "Give its ticker symbol, for example $AAPL."
    return f"“{name[:60]}” is not a US-listed company known here. {hint}"
