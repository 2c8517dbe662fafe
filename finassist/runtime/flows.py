"""The product: how a question becomes an answer. Plain generators, written once, driven by `run()` and `arun()`.

    understand ─► gather facts ─► compose            a question about companies
    understand ─► chat                               any other question

No `async`, no I/O, no clock in here: a flow yields events and effects (`effects.py`) and receives results.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from agno.run.agent import RunContentEvent
from agno.session import WorkflowSession

from finassist.analysis import metrics as analysis
from finassist.config.settings import Routing
from finassist.core.categories import CATEGORY
from finassist.core.errors import NotOffered
from finassist.core.events import (
    FetchCompleted,
    FetchFailed,
    FetchStarted,
    Routed,
    StepCompleted,
    StepStarted,
    StepStatus,
    SymbolResolved,
)
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.formatting import escape_markdown
from finassist.core.result import Draft
from finassist.llm import prompts
from finassist.llm.schemas import Category, ExtractedSymbols, RoutedQuestion
from finassist.providers.base import Need
from finassist.questions import rules
from finassist.questions.plan import Plan, from_model, from_rules
from finassist.reporting import markdown as report
from finassist.reporting.markdown import Subject
from finassist.runtime.context import Runtime
from finassist.runtime.effects import Flow, Reply, ask, fetch, gather
from finassist.sessions.store import remember
from finassist.symbols.directory import SymbolDirectory, directory

_REASON_SHOWN = 600


@dataclass(frozen=True)
class FlowContext:
    """What a flow may know without asking anybody.

    Attributes:
        directory: All ticker symbols.
        provider: Name of the data provider, for events.
        routing: Who decides what is asked.
        context: What the conversation so far carries over.
        years: Fiscal years in an answer.
        max_companies: Companies in one answer.
    """

    directory: SymbolDirectory
    provider: str
    routing: Routing = "auto"
    context: rules.Context = field(default_factory=rules.Context)
    years: int = 5
    max_companies: int = 10

    @classmethod
    def of(cls, runtime: Runtime, session: WorkflowSession | None = None) -> Self:
        """What the flows of a run may know, in its conversation if it has one."""
        settings = runtime.settings
        return cls(
            directory=directory(),
            provider=runtime.provider.id,
            routing=runtime.routing,
            context=remember(session, settings.remembered_turns),
            years=settings.years,
            max_companies=settings.max_companies,
        )


# ------------------------------------------------------------------------------------------ the flows


def answer_flow(question: str, known: FlowContext) -> Flow[Draft]:
    """Any question: understand it, then take the flow of its category."""
    plan = yield from understand(question, known)
    if plan.category == "chat":
        return (yield from chat_flow(question, known, plan))
    return (yield from _figures_flow(known, plan))


def report_flow(question: str, known: FlowContext) -> Flow[Draft]:
    """A full report on the companies of the question, whatever else it asks."""
    plan = yield from understand(question, known)
    return (yield from _figures_flow(known, replace(plan, category="report")))


def alone_flow(question: str, category: Category, known: FlowContext) -> Flow[Draft]:
    """One kind of figures alone (`income_statement`, `company_financials`, `stock_price`)."""
    plan = yield from understand(question, known)
    return (yield from _figures_flow(known, replace(plan, category=category)))


def chat_flow(question: str, known: FlowContext, plan: Plan | None = None) -> Flow[Draft]:
    """A conversational answer, word by word."""
    plan = plan or Plan(category="chat", decided_by="rules", reason="It was asked as conversation.")
    yield StepStarted(step_name="chat")
    reply = yield from ask("chat", prompts.chat_message(question, known.context), stream=True)
    yield _completed("chat", reply)
    if reply.error:
        raise reply.error
    return _draft(plan, str(reply.content), usage=(*plan.usage, _usage(reply)))


def _figures_flow(known: FlowContext, plan: Plan) -> Flow[Draft]:
    plan = plan.at_most(known.max_companies)
    found = yield from gather_facts(plan, known) if plan.companies else _nothing()
    yield StepStarted(step_name="compose")
    draft = compose(plan, found, known)
    for section in _sections(draft.content):
        yield RunContentEvent(content=section, step_name="compose")
    yield StepCompleted(step_name="compose")
    return draft


# ------------------------------------------------------------------------------------------ understand


def understand(question: str, known: FlowContext) -> Flow[Plan]:
    """What is asked, and about which companies. Rules decide where they are certain, a model otherwise."""
    yield StepStarted(step_name="understand")
    route = rules.route(question, known.context)
    if known.routing == "rules" or (known.routing == "auto" and route.certain):
        plan = from_rules(route, known.directory)
    else:
        router, extraction = yield from gather(
            [
                _ask_step("router", prompts.router_message(question, known.context), RoutedQuestion),
                _ask_step("symbol_extraction", prompts.extraction_message(question, known.context), ExtractedSymbols),
            ]
        )
        plan = from_model(route, router, extraction, known.directory)
    yield from _announce(plan)
    return plan


def _ask_step(agent: str, message: str, schema: type[RoutedQuestion | ExtractedSymbols]) -> Flow[Reply]:
    yield StepStarted(step_name=agent, parent="understand")
    reply = yield from ask(agent, message, schema)
    yield _completed(agent, reply, parent="understand")
    return reply


def _announce(plan: Plan) -> Flow[None]:
    yield Routed(
        category=plan.category,
        symbols=[company.symbol for company in plan.companies],
        decided_by=plan.decided_by,
        reason=plan.reason,
    )
    for company in plan.companies:
        yield SymbolResolved(symbol=company.symbol, name=company.name)
    yield StepCompleted(step_name="understand", content=plan.category)


# ---------------------------------------------------------------------------------------------- gather


def gather_facts(plan: Plan, known: FlowContext) -> Flow[list[list[Fact] | Gap]]:
    """Everything the category needs about every company, all at the same time."""
    yield StepStarted(step_name="gather")
    wanted = [
        _fetch_step(company.symbol, need, known) for company in plan.companies for need in CATEGORY[plan.category].needs
    ]
    found = yield from gather(wanted)
    yield StepCompleted(step_name="gather")
    return found


def _fetch_step(symbol: str, need: Need, known: FlowContext) -> Flow[list[Fact] | Gap]:
    source = known.provider
    yield FetchStarted(symbol=symbol, need=need, provider=source)
    found = yield from fetch(symbol, need, known.years + 1)  # growth of the first year shown needs the year before
    if isinstance(found, Gap):
        yield FetchFailed(symbol=symbol, need=need, provider=source, error=found.error, reason=found.reason)
    else:
        yield FetchCompleted(symbol=symbol, need=need, provider=source, count=len(found))
    return found


def _nothing() -> Flow[list[list[Fact] | Gap]]:
    yield from ()
    return []


# --------------------------------------------------------------------------------------------- compose


def compose(plan: Plan, found: Sequence[list[Fact] | Gap], known: FlowContext) -> Draft:
    """Facts and gaps to an answer; pure."""
    facts = [fact for each in found if isinstance(each, list) for fact in each]
    gaps = (*plan.gaps, *_merged(each for each in found if isinstance(each, Gap) and _matters(each)))
    if not plan.companies:
        return _draft(plan, _with_warnings(_which_company(plan), plan), gaps=gaps)
    if not facts:
        return _draft(plan, _with_warnings(_no_figures(plan, gaps), plan), gaps=gaps)
    subjects = [Subject(company.symbol, company.name) for company in plan.companies]
    book = FactBook(facts)
    derived = [fact for symbol in book.symbols() for fact in analysis.derive(book, symbol)]
    return _draft(
        plan,
        _with_warnings(report.compose(plan.category, subjects, book.joined(derived), gaps, known.years), plan),
        facts=(*facts, *derived),
        gaps=gaps,
        years=known.years,
        follow_ups=tuple(report.follow_ups(plan.category, [s for s in subjects if s.symbol in book.symbols()])),
    )


def _draft(plan: Plan, content: str, **more: Any) -> Draft:
    draft = Draft(
        content=content,
        category=plan.category,
        symbols=tuple(company.symbol for company in plan.companies),
        decided_by=plan.decided_by,
        reason=plan.reason,
        warnings=plan.warnings,
        usage=plan.usage,
    )
    return replace(draft, **more)


def _merged(gaps: Iterable[Gap]) -> list[Gap]:
    """One gap for all needs of a company that are missing for the same reason."""
    needs: dict[tuple[str, str, str], list[str]] = {}
    for gap in gaps:
        needs.setdefault((gap.symbol, gap.reason, gap.error), []).append(gap.need)
    return [Gap(symbol=s, need=", ".join(of), reason=reason, error=error) for (s, reason, error), of in needs.items()]


def _matters(gap: Gap) -> bool:
    """A provider that never offers price history is not worth a gap in every report; the rest is."""
    return not (gap.error == NotOffered.__name__ and gap.need in ("history", "profile"))


def _which_company(plan: Plan) -> str:
    if plan.gaps:
        return "\n\n".join(escape_markdown(gap.reason, _REASON_SHOWN) for gap in plan.gaps)
    return (
        "Which company do you mean? Name one, or give its ticker symbol: "
        "for example “Apple”, “$AAPL” or “NASDAQ: AAPL”."
    )


def _no_figures(plan: Plan, gaps: Sequence[Gap]) -> str:
    """All sources failed: no report, but every cause once."""
    names = ", ".join(f"{company.name} ({company.symbol})" for company in plan.companies)
    causes = dict.fromkeys(escape_markdown(gap.reason, _REASON_SHOWN) for gap in gaps)
    return "\n".join([f"There are no figures for {names}.", "", *(f"- {cause}" for cause in causes)])


def _with_warnings(content: str, plan: Plan) -> str:
    notes = [f"> {escape_markdown(warning, _REASON_SHOWN)}" for warning in plan.warnings]
    return "\n>\n".join(notes) + "\n\n" + content if notes else content


def _sections(content: str) -> list[str]:
    """The text in pieces that end where a section ends, so that it can be streamed; joined they are the text."""
    first, *others = content.split("\n## ")
    return [piece for piece in (first, *(f"\n## {other}" for other in others)) if piece]


def _completed(step: str, reply: Reply, parent: str | None = None) -> StepCompleted:
    outcome: StepStatus = "error" if reply.error else "completed"
    said = reply.content.model_dump() if hasattr(reply.content, "model_dump") else reply.content
    return StepCompleted(step_name=step, parent=parent, content=str(reply.error or said), outcome=outcome)


def _usage(reply: Reply) -> tuple[str, str, object]:
    return (reply.agent, reply.model, reply.metrics)
