"""Agno's key metrics, computed from the embedded figures by `finassist.analysis.metrics`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from finassist.analysis.metrics import derive
from finassist.core.facts import Fact, FactBook
from finassist.providers.embedded import prices
from finassist.providers.embedded.figures import Annual
from finassist.providers.sourced import SourcedMetrics, distinct, plain

# Agno's name: ours.
_NAMES = {
    "market_cap": "market_cap",
    "pe_ratio": "pe_ratio",
    "price_to_sales": "price_to_sales",
    "eps": "eps_diluted",
    "dividend_yield": "dividend_yield",
    "gross_margin": "gross_margin",
    "operating_margin": "operating_margin",
    "net_margin": "net_margin",
    "return_on_equity": "return_on_equity",
    "return_on_assets": "return_on_assets",
    "revenue_growth": "revenue_growth",
    "earnings_growth": "net_income_growth",
    "debt_to_equity": "debt_to_equity",
    "current_ratio": "current_ratio",
    "free_cash_flow": "free_cash_flow",
    "revenue": "revenue",
}


def key_metrics(annual: Annual) -> SourcedMetrics:
    """The newest value of each metric, with its formula and period in `formulas`.

    Example:
        >>> from finassist.providers.embedded.figures import annual
        >>> metrics = key_metrics(annual("AAPL"))
        >>> metrics.formulas["net_margin"]
        'net_income / revenue (FY2025)'
    """
    given = (*annual.facts, *prices.quote(annual.symbol))
    book = FactBook(given)
    book = book.joined(derive(book, annual.symbol))
    found = {name: fact for name, ours in _NAMES.items() if (fact := book.latest(annual.symbol, ours))}
    made = SourcedMetrics(
        symbol=annual.symbol,
        currency="USD",
        as_of=_newest(found.values()),
        source="computed from: " + "; ".join(_sources(found.values(), book)),
        formulas={name: f"{fact.formula or 'as reported'} ({fact.period})" for name, fact in found.items()},
        notes=distinct(fact.note for fact in found.values()),
        **{name: plain(fact) for name, fact in found.items()},
    )
    return made.with_facts(found.values())


def _sources(facts: Iterable[Fact], book: FactBook) -> list[str]:
    """Where the figures come from that the metrics rest on, followed down to what was reported."""
    by_key: dict[str, Fact] = {fact.key: fact for fact in book}
    words: list[str] = []
    waiting, seen = list(facts), set[str]()
    for fact in waiting:
        if fact.key in seen:
            continue
        seen.add(fact.key)
        waiting.extend(by_key[key] for key in fact.inputs if key in by_key)
        if not fact.inputs:
            words.append(fact.source)
    return sorted(distinct(words))


def _newest(facts: Iterable[Fact]) -> str | None:
    days = [fact.as_of for fact in facts if fact.as_of]
    return max(days, default=date.min).isoformat() if days else None
