"""From a route, or from what the agents replied, to a plan: the category and the companies. Pure.

A model is believed only as far as it can be checked: its category must be one of the five, its symbols must exist.
Where it failed, the rules' best guess stands in, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from agno.metrics import RunMetrics

from finassist.core.facts import Gap
from finassist.llm.schemas import Category, ExtractedSymbols, RoutedQuestion
from finassist.questions.rules import Route
from finassist.runtime.effects import Reply
from finassist.symbols.directory import Company, SymbolDirectory, Unmatched


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be answered.

    Attributes:
        category: The kind of answer.
        companies: The companies it is about, in the order asked.
        decided_by: `"rules"` or `"model"`.
        reason: Why, in a sentence.
        gaps: Names in the question that are no known company.
        warnings: What the person should know about how the question was understood.
        usage: Token use of the agents asked so far.
    """

    category: Category
    companies: tuple[Company, ...] = ()
    decided_by: str = "rules"
    reason: str = ""
    gaps: tuple[Gap, ...] = ()
    warnings: tuple[str, ...] = ()
    usage: tuple[tuple[str, str, RunMetrics | None], ...] = ()

    def at_most(self, limit: int) -> Self:
        """The plan with no more than `limit` companies, saying which were left out."""
        if len(self.companies) <= limit:
            return self
        left_out = ", ".join(company.symbol for company in self.companies[limit:])
        warning = f"One answer covers at most {limit} companies; ask separately about {left_out}."
        return replace(self, companies=self.companies[:limit], warnings=(*self.warnings, warning))


def from_rules(route: Route, directory: SymbolDirectory) -> Plan:
    """The plan when rules decide."""
    return Plan(
        category=route.category,
        companies=_known(route.symbols, directory),
        reason=route.reason,
        gaps=_unmatched(route.unmatched),
    )


def from_model(route: Route, router: Reply, extraction: Reply, directory: SymbolDirectory) -> Plan:
    """The plan when agents were asked; `route` stands in for whichever of them failed."""
    category, decided_by, reason = _category(route, router)
    companies, gaps = _companies(route, extraction, directory)
    return Plan(
        category=category,
        companies=companies,
        decided_by=decided_by,
        reason=reason,
        gaps=gaps,
        warnings=tuple(_warnings(router, extraction)),
        usage=tuple(_usage(reply) for reply in (router, extraction)),
    )


def _usage(reply: Reply) -> tuple[str, str, RunMetrics | None]:
    """Which engine did the agent's work: where a model failed, the rules; what it used was used all the same."""
    return (reply.agent, "rules" if reply.error else reply.model, reply.metrics)


def _category(route: Route, router: Reply) -> tuple[Category, str, str]:
    if isinstance(router.content, RoutedQuestion):
        return router.content.category, "model", router.content.reason
    return route.category, "rules", route.reason


def _companies(
    route: Route, extraction: Reply, directory: SymbolDirectory
) -> tuple[tuple[Company, ...], tuple[Gap, ...]]:
    if not isinstance(extraction.content, ExtractedSymbols):
        return _known(route.symbols, directory), _unmatched(route.unmatched)
    found = _named(extraction.content.symbols, directory)
    invented = [name for name in extraction.content.symbols if not _lookup(name, directory)]
    doubtful = [*extraction.content.unknown, *invented]
    gaps = _unmatched(route.unmatched) if route.unmatched or not doubtful else _strangers(doubtful, directory)
    return found, gaps


def _named(names: Sequence[str], directory: SymbolDirectory) -> tuple[Company, ...]:
    found = [company for name in names for company in _lookup(name, directory)]
    return tuple({company.symbol: company for company in found}.values())


def _lookup(name: str, directory: SymbolDirectory) -> tuple[Company, ...]:
    """A model may reply with a ticker, or with the name it should have turned into one."""
    if company := directory.lookup(name):
        return (company,)
    return tuple(match.company for match in directory.resolve(name).matches)


def _known(symbols: Sequence[str], directory: SymbolDirectory) -> tuple[Company, ...]:
    return tuple(company for symbol in symbols if (company := directory.lookup(symbol)))


def _unmatched(names: Sequence[Unmatched]) -> tuple[Gap, ...]:
    return tuple(Gap(symbol="", need="symbol", reason=name.message, error="UnknownSymbol") for name in names)


def _strangers(names: Sequence[str], directory: SymbolDirectory) -> tuple[Gap, ...]:
    return tuple(
        Gap(symbol="", need="symbol", reason=_stranger(name, directory), error="UnknownSymbol")
        for name in dict.fromkeys(names)
    )


def _stranger(name: str, directory: SymbolDirectory) -> str:
    close = [f"{company.name} ({company.symbol})" for company in directory.suggest(name)]
    hint = f"Did you mean {' or '.join(close)}?" if close else "Give its ticker symbol, for example $AAPL."
    return f"“{name[:60]}” is not a US-listed company known here. {hint}"


def _warnings(*replies: Any) -> list[str]:
    return [f"{reply.error} Rules decided instead." for reply in replies if reply.error]
