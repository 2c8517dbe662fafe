"""Metrics of the past twelve months and analysts' opinions, as Financial Modeling Prep publishes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agno.tools.finance import AnalystRecommendations
from msgspec.structs import replace

from finassist.analysis.statements import UNREPORTED_ZERO
from finassist.core.facts import Fact
from finassist.providers.fmp.rows import SOURCE, Asked, Row, figure, one_row, text, traded_in
from finassist.providers.sourced import Sourced, SourcedMetrics, distinct, plain
from finassist.providers.values import number

_METRICS: Mapping[str, tuple[str, str]] = {
    "market_cap": ("marketCap", "USD"),
    "enterprise_value": ("enterpriseValueTTM", "USD"),
    "pe_ratio": ("priceToEarningsRatioTTM", "times"),
    "peg_ratio": ("priceToEarningsGrowthRatioTTM", "times"),
    "price_to_book": ("priceToBookRatioTTM", "times"),
    "price_to_sales": ("priceToSalesRatioTTM", "times"),
    "ev_to_ebitda": ("evToEBITDATTM", "times"),
    "dividend_yield": ("dividendYieldTTM", "ratio"),
    "gross_margin": ("grossProfitMarginTTM", "ratio"),
    "operating_margin": ("operatingProfitMarginTTM", "ratio"),
    "net_margin": ("netProfitMarginTTM", "ratio"),
    "return_on_equity": ("returnOnEquityTTM", "ratio"),
    "return_on_assets": ("returnOnAssetsTTM", "ratio"),
    "debt_to_equity": ("debtToEquityRatioTTM", "times"),
    "current_ratio": ("currentRatioTTM", "times"),
}
"""Agno's name: the name there and the unit; money is in the currency of the price."""

_NOTES = {"debt_to_equity": "all debt and leases, not long-term debt alone"}
_PUBLISHED = f"as {SOURCE} computes it over the past twelve months"
_COUNTS = {"strong_buy": "strongBuy", "buy": "buy", "hold": "hold", "sell": "sell", "strong_sell": "strongSell"}
_TARGETS = {
    "target_mean": "targetConsensus",
    "target_high": "targetHigh",
    "target_low": "targetLow",
    "target_median": "targetMedian",
}


def _texts() -> list[str]:
    return []


@dataclass
class SourcedRecommendations(Sourced, AnalystRecommendations):
    """What analysts advise; `notes` says what the source did not deliver."""

    source: str | None = None
    notes: list[str] = field(default_factory=_texts)


def parse_metrics(answers: Iterable[tuple[object, Asked]], notes: Iterable[str] = ()) -> SourcedMetrics:
    """Key metrics from the answers that came; `notes` says why another did not.

    Raises:
        BadPayload: An answer is no list of metrics, or about another symbol.
        UnknownSymbol: The source has none.
    """
    given = [(one_row(data, asked), asked) for data, asked in answers]
    facts = [_metric(name, given) for name in _METRICS]
    asked = given[0][1]
    made = SourcedMetrics(
        symbol=asked.symbol,
        currency=traded_in(asked.symbol),
        as_of=asked.fetched.isoformat(),
        source=", ".join(distinct(fact.source for fact in facts if fact.known)),
        formulas={fact.field: _PUBLISHED for fact in facts if fact.known},
        notes=[*notes, *distinct(f"{fact.field}: {fact.note}" for fact in facts if fact.note)],
        **{fact.field: plain(fact) for fact in facts},
    )
    return made.with_facts(facts)


def _metric(name: str, given: list[tuple[Row, Asked]]) -> Fact:
    there, unit = _METRICS[name]
    row, asked = next(((row, asked) for row, asked in given if there in row), given[0])
    money = traded_in(asked.symbol) if unit == "USD" else None
    blank = Fact(
        symbol=asked.symbol, field=name, period="TTM", as_of=asked.fetched, source=asked.source(),
        statement="price" if name == "market_cap" else "ratio", currency=money, note=_NOTES.get(name),
    )  # fmt: skip
    made = figure(blank, name, row, there)
    return replace(made, unit=(money or "") if unit == "USD" else unit, currency=money)


def parse_recommendations(answers: Iterable[tuple[object, Asked]], notes: Iterable[str] = ()) -> SourcedRecommendations:
    """Grades and price targets from the answers that came. A count of 0 is a figure: nobody advises that."""
    given = [(one_row(data, asked), asked) for data, asked in answers]
    asked, row = given[0][1], {name: value for row, _ in reversed(given) for name, value in row.items()}
    counts = [_count(name, row, there, asked) for name, there in _COUNTS.items()]
    targets = [_target(name, row, there, asked) for name, there in _TARGETS.items()]
    known = [int(fact.value) for fact in counts if fact.value is not None]
    values: dict[str, Any] = {fact.field: plain(fact) for fact in (*counts, *targets)}
    made = SourcedRecommendations(
        symbol=asked.symbol,
        consensus=text(row, "consensus"),
        num_analysts=sum(known) if len(known) == len(counts) else None,
        as_of=asked.fetched.isoformat(),
        source=", ".join(distinct(asked.source() for _, asked in given)),
        notes=list(notes),
        **values,
    )
    return made.with_facts((*counts, *targets))


def _count(name: str, row: Row, there: str, asked: Asked) -> Fact:
    """A number of analysts; with nobody at all counted, every zero stands for "not reported"."""
    blank = _opinion(name, asked)
    found = number(row.get(there))
    if not isinstance(found, Decimal) or found < 0 or found != int(found):
        status = "missing" if row.get(there) is None else "error"
        return replace(blank, status=status, note=found if isinstance(found, str) else "the source gave no count")
    everybody = [number(row.get(other)) for other in _COUNTS.values()]
    if not any(isinstance(count, Decimal) and count > 0 for count in everybody):
        return replace(blank, status="missing", note=UNREPORTED_ZERO)
    return replace(blank, value=found)


def _target(name: str, row: Row, there: str, asked: Asked) -> Fact:
    money = traded_in(asked.symbol)
    made = figure(replace(_opinion(name, asked), currency=money), name, row, there)
    return replace(made, unit=f"{money}/share" if money else "", currency=money)


def _opinion(name: str, asked: Asked) -> Fact:
    day = asked.fetched
    return Fact(
        symbol=asked.symbol, field=name, period=day.isoformat(), period_end=day, as_of=day, source=asked.source(),
        statement="price",
    )  # fmt: skip
