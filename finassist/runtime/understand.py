"""The first part of every flow: what is asked, and about which companies. Rules where they are certain, else a model.

A model is asked once, where rules are not certain. It fills slots with words of the question beside them, and is
believed only as far as these can be checked (`questions.placing`). Where it failed, the rules' best guess stands in,
and the draft says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Self

from agno.session import WorkflowSession

from finassist.analysis.calendar import Member
from finassist.config.settings import Routing
from finassist.core.categories import CategoryName
from finassist.core.events import Routed, StepCompleted, StepStarted, StepStatus, SymbolResolved
from finassist.core.facts import Gap
from finassist.core.fields import FIELDS
from finassist.core.metrics import described
from finassist.core.query import Query
from finassist.core.result import Draft, Usage
from finassist.llm.agents import ExtractedSymbols, RoutedQuestion, question_message
from finassist.llm.offline import OfflineModel
from finassist.providers.base import QuerySource
from finassist.providers.embedded.coverage import attributes
from finassist.questions.parser import understand as understood
from finassist.questions.periods import as_of_day
from finassist.questions.routing import Context, Route, route
from finassist.questions.slots import Memory, Understanding
from finassist.questions.suggestions import hints, is_doubtful, is_named, place
from finassist.runtime.context import Runtime
from finassist.runtime.effects import AgentReply, Flow, ask, gather
from finassist.sessions.summary import query_memory, remember
from finassist.symbols.company import Company
from finassist.symbols.directory import SymbolDirectory, directory


@dataclass(frozen=True)
class FlowContext:
    """What a flow knows from the start.

    Attributes:
        directory: All ticker symbols.
        provider: Name of the data provider, for events.
        routing: Who decides what is asked.
        context: What the conversation so far carries over.
        years: Fiscal years in an answer.
        max_companies: Companies in one answer.
        memory: What the next question may refer to.
        covered: Companies with what is known of them besides figures.
        as_of: Only what was public on this day counts.
        queryable: Whether the provider has quarters, closes and all companies at once.
        live: Whether the agents have a language model; the offline one knows no more than the rules.
    """

    directory: SymbolDirectory
    provider: str
    routing: Routing = "auto"
    context: Context = field(default_factory=Context)
    years: int = 5
    max_companies: int = 10
    memory: Memory = field(default_factory=Memory)
    covered: Mapping[str, Member] = field(default_factory=dict[str, Member])
    queryable: bool = False
    as_of: date | None = None
    live: bool = True

    @classmethod
    def of(cls, runtime: Runtime, session: WorkflowSession | None = None) -> Self:
        """The context of a run, in its conversation if it has one."""
        settings = runtime.settings
        return cls(
            directory=directory(),
            provider=runtime.provider.id,
            routing=runtime.routing,
            context=remember(session, settings.remembered_turns),
            years=settings.years,
            max_companies=settings.max_companies,
            memory=query_memory(session),
            covered=provider.members() if isinstance(provider := runtime.provider, QuerySource) else attributes(),
            queryable=isinstance(runtime.provider, QuerySource),
            as_of=runtime.as_of,
            live=any(
                not isinstance(runtime.agents[name].model, OfflineModel) for name in ("router", "symbol_extraction")
            ),
        )

    def members_of(self, symbols: Iterable[str]) -> Mapping[str, Member]:
        """Every company that is covered, and those that are named besides."""
        named = [
            company for symbol in symbols if symbol not in self.covered and (company := self.directory.lookup(symbol))
        ]
        return {**self.covered, **{company.symbol: Member(company.symbol, company.name) for company in named}}

    def companies(self, symbols: Iterable[str]) -> list[Company]:
        """Those of the symbols that are known, as companies."""
        return _known(symbols, self.directory)


@cache
def warm_up() -> None:
    """Load the directory, the glossary, the suggestions and the embedded companies; the first time takes a moment."""
    attributes()
    route("Tell me about Appel")


async def awarm_up() -> None:
    """`warm_up` in a thread, so that the first question blocks no loop."""
    if not warm_up.cache_info().currsize:
        await asyncio.to_thread(warm_up)


# ------------------------------------------------------------------------------------------- the flow


def understand(question: str, known: FlowContext) -> Flow[Draft]:
    """A draft that says which kind of document is asked for, and about which companies; it has no content yet."""
    return (yield from _understand(question, known, document=True)).draft


def understand_query(question: str, known: FlowContext) -> Flow[tuple[Draft, Understanding | None]]:
    """A draft and what was understood as queries; the queries are `None` where a document or a chat is asked for."""
    read = yield from _understand(question, known)
    return read.draft, None if read.route else read.found


@dataclass(frozen=True)
class _Read:
    """A question as rules read it.

    Attributes:
        draft: What is asked, so far.
        found: Its queries, and what its words claim.
        route: Where it goes, if to a document or a chat.
    """

    draft: Draft
    found: Understanding
    route: Route | None

    @property
    def certain(self) -> bool:
        """Whether a model need not be asked."""
        return self.route.certain if self.route else not is_doubtful(self.found)


def _understand(question: str, known: FlowContext, *, document: bool = False) -> Flow[_Read]:
    yield StepStarted(step_name="understand")
    read = _by_rules(question, known, document=document)
    if known.live and (known.routing == "model" or (known.routing == "auto" and not read.certain)):
        message = question_message(question, known.context, hints(read.found))
        router, extraction = yield from gather(
            [_ask_step("router", message, RoutedQuestion), _ask_step("symbol_extraction", message, ExtractedSymbols)]
        )
        read = _by_model(question, read, (router, extraction), known, document=document)
    yield from announce(read.draft, known)
    return read


def _by_rules(question: str, known: FlowContext, *, document: bool) -> _Read:
    found = understood(question, known.memory)
    if document or not (found.queries or found.unknown) or _for_the_glossary(found, question, known):
        there = route(question, known.context)
        return _Read(from_rules(there, known.directory), found, there)
    found = _known_then(found, as_of_day(question)[1])
    found = dated(found, known.as_of or _carried_day(found, known.memory))
    return _Read(draft_of(found), found, None)


def _by_model(
    question: str, read: _Read, replies: Sequence[AgentReply], known: FlowContext, *, document: bool
) -> _Read:
    """The question with what a model placed of it, read again; rules alone stand in for whichever agent failed."""
    router, extraction = (reply.content for reply in replies)
    filled = [each for content in (extraction, router) if content for each in content.suggestions() if each.value]
    placement = place(question, read.found, filled, _conversation(known))
    read = _by_rules(placement.text, known, document=document) if placement.put else read
    draft = replace(
        read.draft,
        decided_by=_decider(replies),
        warnings=(*placement.notes, *(f"{reply.error} Rules decided instead." for reply in replies if reply.error)),
        usage=tuple(_usage(reply) for reply in replies),
    )
    if read.route is None:
        return replace(read, draft=draft, found=placement.told(read.found))
    if isinstance(router, RoutedQuestion) and (known.routing == "model" or not read.route.certain):
        draft = replace(draft, category=router.category, reason=router.reason)
    if isinstance(extraction, ExtractedSymbols) and not read.route.unmatched:
        strangers = dict.fromkeys(name for name in extraction.unknown if is_named(name, question))
        draft = replace(draft, gaps=_gaps(_stranger(name, known.directory) for name in strangers))
    return replace(read, draft=draft)


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


def _ask_step(agent: str, message: str, schema: type[RoutedQuestion | ExtractedSymbols]) -> Flow[AgentReply]:
    yield StepStarted(step_name=agent, parent="understand")
    reply = yield from ask(agent, message, schema)
    yield completed(agent, reply, parent="understand")
    return reply


def _for_the_glossary(found: Understanding, question: str, known: FlowContext) -> bool:
    """Whether only a term is asked that a chat explains better than the catalogue's one sentence."""
    if any(query.intent != "define" for query in found.queries):
        return False
    return bool(found.queries) and route(question, known.context).rule == "concept"


def dated(found: Understanding, day: date | None) -> Understanding:
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


_OF_PERIODS = ("flow", "per_share", "ratio")


def draft_of(found: Understanding) -> Draft:
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
    if not metrics:
        return "chat"
    if all(metric.kind == "price" for metric in metrics):
        return "stock_price"
    income = all(metric.id in FIELDS and FIELDS[metric.id].statement == "income" for metric in metrics)
    return "income_statement" if income else "company_financials"


def announce(draft: Draft, known: FlowContext) -> Flow[None]:
    """The events that say what was understood."""
    yield Routed(category=draft.category, symbols=list(draft.symbols), decided_by=draft.decided_by, reason=draft.reason)
    for company in known.companies(draft.symbols):
        yield SymbolResolved(symbol=company.symbol, name=company.name)
    yield StepCompleted(step_name="understand", content=draft.category)


def completed(step: str, reply: AgentReply, parent: str | None = None) -> StepCompleted:
    """The event that ends a step in which an agent was asked."""
    outcome: StepStatus = "error" if reply.error else "completed"
    said = reply.content.model_dump() if hasattr(reply.content, "model_dump") else reply.content
    return StepCompleted(step_name=step, parent=parent, content=str(reply.error or said), outcome=outcome)


def at_most(draft: Draft, limit: int) -> Draft:
    """The draft with no more than `limit` companies, saying which were left out."""
    if len(draft.symbols) <= limit:
        return draft
    left_out = ", ".join(draft.symbols[limit:])
    warning = f"One answer covers at most {limit} companies; ask separately about {left_out}."
    return replace(draft, symbols=draft.symbols[:limit], warnings=(*draft.warnings, warning))


# --------------------------------------------------------------------------------------- who decided


def from_rules(route: Route, directory: SymbolDirectory) -> Draft:
    """The draft when rules decide."""
    return Draft(
        category=route.category,
        symbols=_symbols(_known(route.symbols, directory)),
        reason=route.reason,
        gaps=_gaps(name.message for name in route.unmatched),
    )


def _usage(reply: AgentReply) -> Usage:
    """Which engine did the agent's work: where a model failed, the rules; what it used was used all the same."""
    return Usage(reply.agent, "rules" if reply.error else reply.model, reply.metrics)


def _known(symbols: Iterable[str], directory: SymbolDirectory) -> list[Company]:
    return [company for symbol in symbols if (company := directory.lookup(symbol))]


def _symbols(companies: Sequence[Company]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(company.symbol for company in companies))


def _gaps(reasons: Iterable[str]) -> tuple[Gap, ...]:
    return tuple(Gap(symbol="", need="symbol", reason=reason, error="UnknownSymbol") for reason in reasons)


def _stranger(name: str, directory: SymbolDirectory) -> str:
    close = [f"{company.name} ({company.symbol})" for company in directory.suggest(name)]
    hint = f"Did you mean {' or '.join(close)}?" if close else "Give its ticker symbol, for example $AAPL."
    return f"“{name[:60]}” is not a US-listed company known here. {hint}"
