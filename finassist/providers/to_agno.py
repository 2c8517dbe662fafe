"""Agno's finance answers made from our facts: one adapter for all our providers.

Agno's dataclasses have no place for a source. These subclasses are the same answers for everybody who knows
Agno's types, and carry more: short plain fields that travel to a model with the JSON (`source`, `notes`, `missing`),
and `facts`. The latter are not a dataclass field, or a tool's answer would grow tenfold.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, fields
from itertools import groupby
from typing import Any, Self, cast

from agno.tools.finance import (
    AnalystRecommendations,
    CompanyProfile,
    FinanceProvider,
    FinancialStatement,
    KeyMetrics,
    PriceBar,
    PriceHistory,
    ProviderStatus,
    Quote,
)
from agno.tools.finance.base import ALL_CAPABILITIES, INTERVALS, PERIODS, STATEMENTS

from finassist.core.concurrency import Ended, bridge
from finassist.core.errors import BridgeError, NotOffered
from finassist.core.facts import Fact
from finassist.providers.base import Need, Periods
from finassist.symbols import directory

_POLL_SECONDS = 0.5


def _texts() -> list[str]:
    return []


@dataclass
class Sourced:
    """The facts an answer was made from, and what to know about them."""

    source: str | None = field(default=None, kw_only=True)
    notes: list[str] = field(default_factory=_texts, kw_only=True)

    def __post_init__(self) -> None:
        self.facts: tuple[Fact, ...] = ()

    def with_facts(self, facts: Iterable[Fact]) -> Self:
        """The same object, carrying these facts."""
        self.facts = tuple(facts)
        return self


@dataclass
class SourcedStatement(Sourced, FinancialStatement):
    """One statement of one period; `items` holds the known figures, `missing` names the others."""

    as_of: str | None = None
    missing: list[str] = field(default_factory=_texts)


@dataclass
class SourcedQuote(Sourced, Quote):
    """A price of one day; a market value that is older has its own day."""

    market_cap_as_of: str | None = None


@dataclass
class SourcedHistory(Sourced, PriceHistory):
    """Bars of the interval named in `interval`, which may be coarser than the one asked for."""


@dataclass
class SourcedProfile(Sourced, CompanyProfile):
    """What is known about a company."""

    missing: list[str] = field(default_factory=_texts)


@dataclass
class SourcedMetrics(Sourced, KeyMetrics):
    """Ratios and multiples; `formulas` says how each is computed."""

    formulas: dict[str, str] = field(default_factory=lambda: dict[str, str]())


@dataclass
class SourcedRecommendations(Sourced, AnalystRecommendations):
    """What analysts advise."""


def distinct(texts: Iterable[str | None]) -> list[str]:
    """The texts in first-seen order, each once, without blanks.

    Example:
        >>> distinct(["10-K", None, "10-K", "8-K"])
        ['10-K', '8-K']
    """
    return list(dict.fromkeys(text for text in texts if text))


def plain(fact: Fact) -> float | int | None:
    """A fact's value as a JSON number; `None` when it has none.

    Example:
        >>> from decimal import Decimal
        >>> plain(Fact(symbol="A", field="revenue", statement="income", value=Decimal("120")))
        120
    """
    if fact.value is None or not fact.known:
        return None
    return int(fact.value) if fact.value == fact.value.to_integral_value() else float(fact.value)


def sources(facts: Iterable[Fact]) -> str:
    """Where the known facts come from."""
    return "; ".join(distinct(fact.source for fact in facts if fact.known or fact.text))


def statements(facts: Iterable[Fact], frequency: str) -> list[FinancialStatement]:
    """One statement for each period, in the order of the facts."""
    own = (fact for fact in facts if fact.statement != "profile")
    return [_statement(list(found), frequency) for _, found in groupby(own, key=lambda fact: fact.period)]


def _statement(facts: list[Fact], frequency: str) -> SourcedStatement:
    first, known = facts[0], [fact for fact in facts if fact.known]
    days = [fact.as_of for fact in known if fact.as_of]
    return SourcedStatement(
        symbol=first.symbol,
        statement=first.statement,
        period=frequency,
        report_period=first.period_end.isoformat() if first.period_end else None,
        fiscal_period=first.period,
        currency=next((fact.currency for fact in facts if fact.currency), None),
        items={fact.field: plain(fact) for fact in known},
        as_of=max(days).isoformat() if days else None,
        missing=[fact.field for fact in facts if not fact.known],
        source=sources(known),
        notes=distinct(f"{fact.field}: {fact.note}" for fact in known if fact.note),
    ).with_facts(facts)


def quote(facts: list[Fact]) -> SourcedQuote:
    """A price of one day. Agno's `change_percent` is in percent, the fact is a fraction."""
    by_field, first = {fact.field: fact for fact in facts}, facts[0]
    shared = {name.name for name in fields(Quote)} & by_field.keys()
    values: dict[str, Any] = {name: plain(by_field[name]) for name in shared}
    if values.get("change_percent") is not None:
        values["change_percent"] = float(cast(Any, by_field["change_percent"].value) * 100)
    cap, company = by_field.get("market_cap"), directory().lookup(first.symbol)
    return SourcedQuote(
        symbol=first.symbol,
        currency=first.currency,
        name=company.name if company else None,
        exchange=(company.exchange or None) if company else None,
        as_of=first.period,
        market_cap_as_of=cap.period if cap and cap.known and cap.period != first.period else None,
        source=sources(facts),
        notes=distinct(fact.note for fact in facts),
        **values,
    ).with_facts(facts)


def history(facts: list[Fact], period: str, interval: str) -> SourcedHistory:
    """One bar for each day of the facts; only closes count as the answer's facts."""
    days = [list(found) for _, found in groupby(facts, key=lambda fact: fact.period)]
    closes = [fact for fact in facts if fact.field.endswith("close")]
    bars = [PriceBar(found[0].period, **{_bar_field(fact): plain(fact) for fact in found}) for found in days]
    return SourcedHistory(
        symbol=facts[0].symbol,
        period=period,
        interval=interval,
        currency=facts[0].currency,
        bars=bars,
        source=facts[0].source,
        notes=distinct(fact.note for fact in closes),
    ).with_facts(closes)


def _bar_field(fact: Fact) -> str:
    return "close" if fact.field == "adjusted_close" else fact.field


def profile(facts: list[Fact]) -> SourcedProfile:
    """What is known about a company, and the names of what is not."""
    known = [fact for fact in facts if fact.known or fact.text]
    values: dict[str, Any] = {fact.field: fact.text or plain(fact) for fact in known}
    return SourcedProfile(
        symbol=facts[0].symbol,
        missing=[fact.field for fact in facts if not (fact.known or fact.text)],
        source=sources(known),
        notes=distinct(fact.note for fact in known),
        **values,
    ).with_facts(facts)


# ------------------------------------------------------------------------------------------ sync from async


def wait_for[Result](work: Callable[[], Coroutine[Any, Any, Result]], name: str) -> Result:
    """Run the coroutine of `work()` on the private loop and return its result; an interrupt cancels it.

    Works on any thread, also on one whose own event loop is running, which waits until this returns. Only the private
    loop would wait for itself: that is a `BridgeError`, with the `name` of the sync method.

    Example:
        >>> async def answer() -> int:
        ...     return 42
        >>> wait_for(answer, "answer")
        42
    """
    try:
        with bridge.start(lambda post: work()) as inbox:
            while not isinstance(found := inbox.receive(_POLL_SECONDS), Ended):
                pass
            return found.result()
    except BridgeError as error:
        raise BridgeError(
            f"{name}() was called on the private data loop and would wait for itself. Use `await a{name}(...)` there."
        ) from error


def _waiting[**P, Result](method: Callable[P, Coroutine[Any, Any, Result]]) -> Callable[P, Result]:
    """The sync form of a provider's async method."""
    awaited = method.__name__
    name = awaited.removeprefix("a")

    def wait(*args: P.args, **kwargs: P.kwargs) -> Result:
        provider: Any = args[0]
        if not provider.supports(name):
            raise provider._not_supported(name)
        return wait_for(lambda: getattr(provider, awaited)(*args[1:], **kwargs), name)

    wait.__name__, wait.__doc__ = name, f"The sync form of `{awaited}`."
    return wait


class WaitingProvider(FinanceProvider):
    """A provider whose async methods are the real ones; each sync method waits for its async form. Never copied."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    async def astatus(self) -> ProviderStatus:
        """The same as `status`: nothing is asked of the source."""
        return self.status()


for _capability in ALL_CAPABILITIES:
    setattr(WaitingProvider, _capability, _waiting(getattr(FinanceProvider, f"a{_capability}")))


class FactProvider(WaitingProvider):
    """A provider of facts: a subclass implements `fetch_facts`, and Agno's methods are made from it."""

    _frequencies: tuple[str, ...] = ("annual",)

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """The facts of one need of one company in these periods; statements newest first, prices oldest first."""
        raise NotImplementedError

    async def aget_quote(self, symbol: str) -> SourcedQuote:
        """The newest price with its day."""
        return quote(await self.fetch_facts("quote", symbol, Periods()))

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> SourcedHistory:
        """Bars of one day, one week or one month, oldest first."""
        self._one_of("period", period, PERIODS)
        self._one_of("interval", interval, INTERVALS)
        periods = Periods(span=period, interval=interval, whole_bars=True)
        return history(await self.fetch_facts("history", symbol, periods), period, interval)

    async def aget_company_profile(self, symbol: str) -> SourcedProfile:
        """What the company is."""
        return profile(await self.fetch_facts("profile", symbol, Periods()))

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """The newest `limit` statements, newest first; each is a `SourcedStatement`."""
        self._one_of("statement", statement, STATEMENTS)
        self._one_of("period", period, self._frequencies)
        facts = await self.fetch_facts(cast(Need, statement), symbol, Periods(max(limit, 1), period))
        return statements(facts, period)

    def _one_of(self, name: str, value: str, allowed: Iterable[str]) -> None:
        if value not in allowed:
            raise NotOffered(f"{self.name} does not offer {name} {value!r:.30}. Use one of: {', '.join(allowed)}.")
