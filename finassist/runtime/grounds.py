"""The figures that a model gets with a question, and that its reply is checked against. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from finassist.analysis.calendar import Member
from finassist.analysis.cube import Cube
from finassist.analysis.execute import execute
from finassist.analysis.needs import companies_of
from finassist.analysis.statements import quarters_named
from finassist.core.claims import Claim, Finding
from finassist.core.facts import Fact, Gap
from finassist.core.formatting import figure as figure_text
from finassist.core.metrics import described
from finassist.core.periods import LATEST, Span
from finassist.core.query import Query
from finassist.questions.review import Review
from finassist.questions.scan import slots_of
from finassist.questions.verify import verify
from finassist.runtime.compose import parted
from finassist.runtime.effects import FlowContext

FEW_COMPANIES, _FEW_METRICS, THREE_YEARS = 3, 12, str(Span(None, LATEST, 3))


_USUAL = ("revenue", "net_income", "operating_income", "net_margin", "eps_diluted", "free_cash_flow", "total_assets",
          "equity", "price", "pe")  # fmt: skip


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
    """The figures that a model gets with a question, and that its reply is checked against.

    Attributes:
        lines: Figures in words, those of a metric in one line.
        cube: All figures.
        companies: Whom the question is about.
    """

    lines: tuple[str, ...]
    cube: Cube
    companies: tuple[str, ...]

    @classmethod
    def of(cls, query: Query, found: Sequence[list[Fact] | Gap], known: FlowContext) -> Self:
        """From what was fetched for a query."""
        facts, _ = parted(found)
        members = known.members_of(query.companies)
        cube = Cube(quarters_named(facts), members)
        return cls(tuple(_lines(query, cube, members)), cube, tuple(query.companies))

    def review(self) -> Review:
        """A review of one reply."""
        return Review(self.cube, self.companies)


def checked_against(
    claims: Sequence[Claim], found: Sequence[list[Fact] | Gap], known: FlowContext
) -> tuple[Finding, ...]:
    """What was fetched says of each claim."""
    symbols = [symbol for claim in claims for query in claim.queries for symbol in companies_of(query)]
    return tuple(verify(claims, Cube(quarters_named(parted(found)[0]), known.members_of(symbols))))


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
