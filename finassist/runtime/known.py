"""What a flow knows: from the start, and the figures that a model gets with a question. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from agno.session import WorkflowSession
from agno.tools.finance import FinanceProvider

from finassist.analysis.calendar import Member
from finassist.analysis.cube import Cube
from finassist.analysis.execute import execute
from finassist.analysis.needs import companies_of
from finassist.analysis.sources import SourceFigures, figures_asked
from finassist.analysis.statements import quarters_named
from finassist.analysis.valuation import beyond
from finassist.config.settings import Routing
from finassist.core.claims import Claim, Finding
from finassist.core.facts import Fact, Gap
from finassist.core.formatting import figure as figure_text
from finassist.core.metrics import described
from finassist.core.periods import LATEST, Span
from finassist.core.query import Query
from finassist.llm.offline import OfflineModel
from finassist.providers.base import QuerySource, query_sources
from finassist.providers.embedded.coverage import attributes
from finassist.questions.review import Review, verify
from finassist.questions.routing import Context
from finassist.questions.scan import slots_of
from finassist.questions.slots import Memory
from finassist.runtime.context import Runtime
from finassist.sessions.summary import query_memory, remember
from finassist.symbols import SymbolDirectory, directory
from finassist.symbols.company import Company

FEW_COMPANIES, _FEW_METRICS, THREE_YEARS = 3, 12, str(Span(None, LATEST, 3))
_USUAL = ("revenue", "net_income", "operating_income", "net_margin", "eps_diluted", "free_cash_flow", "total_assets",
          "equity", "price", "pe")  # fmt: skip


# --------------------------------------------------------------------------------------------- from the start


@dataclass(frozen=True)
class FlowContext:
    """What a flow knows from the start.

    Attributes:
        provider: Name of the data provider, for events.
        context: What the conversation so far carries over.
        memory: What the next question may refer to.
        covered: Companies with what is known of them besides figures.
        as_of: Only what was public on this day counts.
        queryable: Whether the provider has quarters, closes and all companies at once.
        live: Whether the agents have a language model; the offline one knows no more than the rules.
        checked: Whether a language model writes the chat's replies, so that their figures are checked.
        narrated: Whether a language model writes about the figures of a report.
        source: Another provider that is asked in place of the run's own.
    """

    directory: SymbolDirectory
    provider: str
    routing: Routing
    context: Context
    years: int
    max_companies: int
    memory: Memory
    covered: Mapping[str, Member]
    queryable: bool
    as_of: date | None
    live: bool
    checked: bool
    narrated: bool
    source: FinanceProvider | None = None

    @classmethod
    def of(cls, runtime: Runtime, session: WorkflowSession | None = None) -> Self:
        """The context of a run, in its conversation if it has one."""
        settings, provider = runtime.settings, runtime.provider
        deciders = (runtime.agents[name].model for name in ("router", "symbol_extraction"))
        return cls(
            directory=directory(),
            provider=provider.id,
            routing=runtime.routing,
            context=remember(session, settings.remembered_turns),
            years=settings.years,
            max_companies=settings.max_companies,
            memory=query_memory(session),
            covered=_members(query_sources(provider)) or attributes(),
            queryable=isinstance(provider, QuerySource),
            as_of=runtime.as_of,
            live=not all(isinstance(model, OfflineModel) for model in deciders),
            checked=not isinstance(runtime.agents["chat"].model, OfflineModel),
            narrated=settings.narration and not isinstance(runtime.agents["narration"].model, OfflineModel),
        )

    def asking(self, source: FinanceProvider) -> Self:
        """The same, of another provider."""
        return replace(
            self,
            provider=source.id,
            covered={**attributes(), **_members(query_sources(source))},
            queryable=isinstance(source, QuerySource),
            source=source,
        )

    def companies(self, symbols: Iterable[str]) -> list[Company]:
        """Those of the symbols that are known, as companies."""
        return [company for symbol in symbols if (company := self.directory.lookup(symbol))]

    def members_of(self, symbols: Iterable[str]) -> Mapping[str, Member]:
        """Every company that is covered, and those that are named besides."""
        named = self.companies(symbol for symbol in symbols if symbol not in self.covered)
        return {**self.covered, **{company.symbol: Member(company.symbol, company.name) for company in named}}


def _members(sources: Sequence[QuerySource]) -> Mapping[str, Member]:
    """The companies of all sources; one that several know as the first does."""
    if len(sources) == 1:
        return sources[0].members()
    return {symbol: member for source in reversed(sources) for symbol, member in source.members().items()}


def parted(found: Sequence[list[Fact] | Gap]) -> tuple[list[Fact], list[Gap]]:
    """What was fetched: all facts, and the gaps where there are none."""
    facts = [fact for each in found if isinstance(each, list) for fact in each]
    return facts, [each for each in found if isinstance(each, Gap)]


# ------------------------------------------------------------------------------------------- figures for a model


def grounds_query(question: str, symbols: Sequence[str], known: FlowContext) -> Query:
    """The figures that a model may need to talk about a question: those named, and the usual ones."""
    slots = slots_of(question)
    companies = slots.symbols or list(symbols) or list(known.context.symbols)
    metrics = dict.fromkeys([*(hit.value for hit in slots.metrics), *_USUAL])
    return Query(
        metrics=list(metrics)[:_FEW_METRICS], companies=companies[:FEW_COMPANIES], periods=[THREE_YEARS],
        as_of=known.as_of,
    )  # fmt: skip


@dataclass(frozen=True)
class Grounds:
    """The figures that a model gets with a question, as lines of words and as a cube, to check its reply against."""

    lines: tuple[str, ...]
    cube: Cube
    companies: tuple[str, ...]

    @classmethod
    def of(cls, query: Query, found: Sequence[list[Fact] | Gap], known: FlowContext) -> Self:
        """From what was fetched for a query."""
        facts, _ = parted(found)
        members = known.members_of(query.companies)
        cube = Cube(quarters_named(facts), members, beyond=beyond)
        return cls(tuple(_lines(query, cube, members)), cube, tuple(query.companies))

    def review(self) -> Review:
        """A review of one reply."""
        return Review(self.cube, self.companies)


def checked_against(
    claims: Sequence[Claim], found: Sequence[list[Fact] | Gap], known: FlowContext
) -> tuple[Finding, ...]:
    """What was fetched says of each claim."""
    symbols = [symbol for claim in claims for query in claim.queries for symbol in companies_of(query)]
    return tuple(verify(claims, Cube(quarters_named(parted(found)[0]), known.members_of(symbols), beyond=beyond)))


def source_figures(
    source: str, queries: Sequence[Query], found: Sequence[list[Fact] | Gap], known: FlowContext
) -> SourceFigures:
    """What one source has of the figures that queries ask for."""
    facts, gaps = parted(found)
    members = known.members_of(each for query in queries for each in companies_of(query))
    cube = Cube(quarters_named(facts), members, beyond=beyond)
    return SourceFigures(source, figures_asked(queries, cube), tuple(gaps))


def _lines(query: Query, cube: Cube, members: Mapping[str, Member]) -> Iterator[str]:
    for symbol in query.companies:
        for metric in query.metrics:
            periods = [] if described(metric).kind == "price" else query.periods
            own = query.model_copy(update={"companies": [symbol], "metrics": [metric], "periods": periods})
            facts = [row.fact for row in execute(own, cube).rows]
            name = f"{members[symbol].name} ({symbol})" if symbol in members else symbol
            if facts:
                ended = f" (to {facts[-1].period_end})" if facts[-1].period_end else ""
                told = "; ".join(f"{fact.period} {figure_text(fact)}" for fact in facts)
                yield f"{name} {described(metric).label}: {told}{ended}"
