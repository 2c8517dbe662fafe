"""A portfolio as one share: bought at the close before a span by its weights, and held. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from finassist.analysis.cube import Cube
from finassist.analysis.risk import INDEX
from finassist.analysis.shares import Share, Window
from finassist.analysis.statements import unadjusted_split
from finassist.core.facts import Fact, Gap
from finassist.core.query import Query

_HUNDRED = Decimal(100)


def with_portfolio(query: Query, cube: Cube, span: Window | None) -> tuple[Query, Cube]:
    """The query about its portfolio, whose closes are in the cube, and about what a tearsheet has beside it."""
    own = [query.portfolio] if query.weights else query.companies
    beside = [*query.weights, *([INDEX] if cube.trading_days(INDEX) else [])] if query.intent == "tearsheet" else []
    made = levels(query, cube, span) if query.weights and span else []
    asked = query.model_copy(update={"companies": list(dict.fromkeys([*own, *beside]))})
    return asked, Cube([*cube.facts, *made], cube.members).assuming(query.assume) if made else cube


def without_closes(query: Query, cube: Cube, span: Window | None) -> tuple[Gap, ...]:
    """Why a portfolio cannot be followed: a gap for each share that lacks a close to buy it at, or jumps."""
    reasons = {symbol: reason for symbol in query.weights if (reason := _not_followed(cube, symbol, span))}
    if query.weights and "total_return" in query.metrics:
        reasons[""] = (
            "The total return of a portfolio is not computed, as its closes leave dividends out. Ask for price_change."
        )
    return tuple(Gap(symbol=each, need="price", reason=reason, error="NotInData") for each, reason in reasons.items())


def _not_followed(cube: Cube, symbol: str, span: Window | None) -> str:
    if span is None or not (share := Share(cube, symbol, span)).close_at(span.start, "price"):
        return cube.no_price(symbol, span.inside if span else None)
    return unadjusted_split(share.closes(span.start))


def levels(query: Query, cube: Cube, span: Window) -> list[Fact]:
    """What 100 put into a portfolio at the close before a span were worth on each day that all its shares traded."""
    shares = {symbol: Share(cube, symbol, replace(span, end=date.max)) for symbol in query.weights}
    known = {symbol: share.close_at(span.start, "price") for symbol, share in shares.items()}
    first = {symbol: close for symbol, close in known.items() if close}
    start = max(close.period_end or date.min for close in first.values())
    closes = {symbol: {close.period: close for close in share.closes(start)} for symbol, share in shares.items()}
    days = sorted(set[str].intersection(*map(set, closes.values())))
    return [_level(query, first, {symbol: own[day] for symbol, own in closes.items()}) for day in days]


def _level(query: Query, first: Mapping[str, Fact], now: Mapping[str, Fact]) -> Fact:
    """The worth of a portfolio on one day: each weight grown as its share grew."""
    one = Decimal(1)
    grown = {symbol: (now[symbol].value or Decimal()) / (first[symbol].value or one) for symbol in now}
    value = _HUNDRED * sum((Decimal(repr(query.weights[symbol])) * grown[symbol] for symbol in grown), Decimal())
    parts = " + ".join(f"{query.weights[each]:g} * {now[each].key} / {first[each].key}" for each in now)
    last = max(now.values(), key=lambda close: close.as_of or date.min)
    return Fact(
        symbol=query.portfolio,
        field="price",
        value=value,
        unit="number",
        period=last.period,
        period_end=last.period_end,
        as_of=last.as_of,
        source=last.source,
        statement="price",
        status="derived",
        formula=f"100 * ({parts})",
        inputs=tuple(fact.key for each in now for fact in (first[each], now[each])),
    )
