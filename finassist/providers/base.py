"""`fetch_facts`: any Agno finance provider asked for one kind of data, answered with facts.

Our own providers hand over facts themselves (`FactSource`). Any other provider answers with Agno's plain dataclasses,
which become facts here, with the provider's name as the source.

A failure of the source is a `DataError`, and so is Agno's `FinanceProviderError`, and what the packages raise that
Agno's providers ask with. Any other exception of a provider passes through untouched: a bug is not a gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Protocol, cast, runtime_checkable

from agno.tools.finance import FinanceProvider
from agno.tools.finance.base import NotSupportedError

from finassist.analysis.calendar import Member, as_known
from finassist.core.concurrency import in_daemon, left_behind
from finassist.core.errors import DataError, FinassistError, NotOffered
from finassist.core.facts import Fact
from finassist.core.result import NEEDS as NEEDS
from finassist.core.result import NeedName as Need
from finassist.core.result import QueryNeedName as QueryNeed
from finassist.providers.from_agno import checked, facts_of, named_failure, not_offered, title
from finassist.providers.values import last_price

SPAN_DAYS = {"1d": 1, "5d": 5, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827, "10y": 3653}
"""Calendar days of a span of prices."""

HISTORY_PERIOD, HISTORY_INTERVAL = "2y", "1mo"

_CAPABILITY: dict[Need, str] = {
    "profile": "get_company_profile",
    "income": "get_financials",
    "balance_sheet": "get_financials",
    "cash_flow": "get_financials",
    "quote": "get_quote",
    "history": "get_price_history",
}


@dataclass(frozen=True, slots=True)
class Periods:
    """Which periods of a need.

    Attributes:
        limit: How many statements, newest first.
        frequency: Of statements: `"annual"`, `"quarterly"` (halves of a company that reports no quarters) or `"ttm"`.
        span: How far back prices go, in Agno's words (`"2y"`, `"ytd"`, `"max"`).
        interval: Of prices: `"1d"`, `"1wk"` or `"1mo"`.
        as_of: Only what was public on this day counts, as it was reported then.
        whole_bars: Opening, highest and lowest prices and volumes besides closes.

    Example:
        >>> str(Periods()), str(Periods(8, "quarterly"))
        ('5', '8 quarterly')
    """

    limit: int = 5
    frequency: str = "annual"
    span: str = HISTORY_PERIOD
    interval: str = HISTORY_INTERVAL
    as_of: date | None = None
    whole_bars: bool = False

    def __str__(self) -> str:
        """The limit, and whatever differs from the default."""
        usual = Periods(self.limit)
        names = ("frequency", "span", "interval", "as_of")
        unusual = (own for name in names if (own := getattr(self, name)) != getattr(usual, name))
        return " ".join(map(str, (self.limit, *unusual)))


@runtime_checkable
class FactSource(Protocol):
    """A provider that hands over facts."""

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """The facts of one need of one company; statements newest first, prices oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class UniverseScope:
    """What a query over all companies needs.

    Attributes:
        lines: Reported lines.
        since: The first fiscal year that counts; below 0 how many before the year of the newest data, 0 for all.
        days: Days whose closes are needed.
        quarters: Whether quarterly figures are needed besides annual ones.
        back: Months or days before the latest of these days, whose closes are needed; 0 is the last year end.
        year_ends: Whether the closes at the ends of the fiscal years of these lines are needed.
        peers_of: The company whose peers, and itself, are all that is needed; a source may give more.
        peers: How many of them.
    """

    lines: frozenset[str]
    since: int = 0
    days: tuple[date, ...] = ()
    quarters: bool = True
    back: tuple[int | timedelta, ...] = ()
    year_ends: bool = False
    peers_of: str = ""
    peers: int = 0


@runtime_checkable
class QuerySource(Protocol):
    """A provider that answers queries: every period of a company, its closes, and all companies at once."""

    def members(self) -> Mapping[str, Member]:
        """The companies it covers."""
        ...

    async def fetch_figures(self, symbol: str) -> list[Fact]:
        """Every annual and quarterly figure of a company."""
        ...

    async def fetch_closes(self, symbol: str) -> list[Fact]:
        """Its closes, its month-end closes adjusted for dividends, and its shares outstanding."""
        ...

    async def fetch_universe(self, scope: UniverseScope) -> list[Fact]:
        """Some lines of every company."""
        ...


async def fetch_for_query(
    provider: FinanceProvider,
    need: QueryNeed,
    symbol: str,
    scope: UniverseScope | None = None,
    as_of: date | None = None,
) -> list[Fact]:
    """What a query needs of one company, or of all; with `as_of` as it was public on that day."""
    if need in ("universe", "peers"):
        found = await _universe(provider, scope or UniverseScope(frozenset()))
    elif isinstance(provider, QuerySource):
        work = provider.fetch_closes(symbol) if need == "closes" else provider.fetch_figures(symbol)
        found = await _asked(provider, work)
    else:
        raise not_offered(provider, need)
    return found if as_of is None else await asyncio.to_thread(as_known, found, as_of)


def query_sources(provider: FinanceProvider) -> list[QuerySource]:
    """The provider where it knows all its companies at once, or those of a list that do."""
    return [each for each in getattr(provider, "providers", (provider,)) if isinstance(each, QuerySource)]


async def _universe(provider: FinanceProvider, scope: UniverseScope) -> list[Fact]:
    """Some lines of every company; one that several of a list know is that of the first."""
    found: list[Fact] = []
    for source in query_sources(provider):
        known = {fact.symbol for fact in found}
        more = await _asked(provider, source.fetch_universe(scope))
        found += [fact for fact in more if fact.symbol not in known] if known else more
    if not query_sources(provider):
        raise by_name_only(provider)
    return found


def by_name_only(provider: FinanceProvider) -> NotOffered:
    """The error of a provider that can be asked about one company after the other."""
    return NotOffered(
        f"{provider.name} answers about companies by name, not about all at once. Name the companies, or use "
        'provider="embedded".'
    )


async def fetch_facts(
    provider: FinanceProvider, need: Need, symbol: str, periods: Periods | None = None, *, limit: int = 5
) -> list[Fact]:
    """Ask a provider for one kind of data about one company.

    Args:
        provider: Any Agno finance provider.
        need: What to ask for.
        symbol: Ticker.
        periods: Which periods; by default annual statements, and two years of monthly closes.
        limit: How many annual statements, newest first, where `periods` is not given.

    Returns:
        At least one fact. Absent figures are facts with status `"missing"`, unusable ones `"error"`.

    Raises:
        NotOffered: The provider does not offer this.
        UnknownSymbol: The provider answered with nothing.
        BadPayload: The answer is not data, or is about something else.
        DataError: The provider could not deliver.

    Example:
        >>> from finassist.providers.embedded import EmbeddedProvider
        >>> facts = await fetch_facts(EmbeddedProvider(), "income", "AAPL", limit=1)  # doctest: +SKIP
        >>> facts[0].key, facts[0].value  # doctest: +SKIP
        ('AAPL/revenue/FY2025', Decimal('416161000000'))
    """
    periods = periods or Periods(limit)
    if periods.as_of is not None:
        return await _fetch_as_known(provider, need, symbol, periods, periods.as_of)
    return await _fetch_now(provider, need, symbol, periods)


async def _fetch_now(provider: FinanceProvider, need: Need, symbol: str, periods: Periods) -> list[Fact]:
    """The facts as the provider delivers them; one that knows what was public on a day has left out the rest."""
    method = _nearest_method(provider, need)
    if method == "fetch_facts":
        found = await _asked(provider, cast(FactSource, provider).fetch_facts(need, symbol, periods))
        return checked(provider, need, symbol, found) if found or periods.as_of is None else []
    if not provider.supports(_CAPABILITY[need]):
        raise not_offered(provider, need)
    try:
        answer = await _asked(provider, _ask(provider, method, need, symbol, periods))
    except NotSupportedError as error:
        raise not_offered(provider, need) from error
    return checked(provider, need, symbol, facts_of(provider, need, symbol, answer, periods.frequency))


# --------------------------------------------------------------------------------------------------- as known on a day


async def _fetch_as_known(
    provider: FinanceProvider, need: Need, symbol: str, periods: Periods, day: date
) -> list[Fact]:
    """What was public on a day, from a provider that may know only what is public now: it is asked further back."""
    if need == "quote":
        return await _close_before(provider, symbol, periods, day)
    years = max(date.today().year - day.year, 0) + 1
    limit = periods.limit + years * (4 if periods.frequency == "quarterly" else 1)
    asked = replace(periods, span="max") if need == "history" else replace(periods, limit=limit)
    found = as_known(await _fetch_now(provider, need, symbol, asked), day)
    if need == "history":
        first = day - timedelta(SPAN_DAYS[periods.span]) if periods.span in SPAN_DAYS else date.min
        found = [fact for fact in found if fact.period_end and fact.period_end > first]
    elif need != "profile":
        newest = list(dict.fromkeys(fact.period for fact in found if fact.statement == need))[: periods.limit]
        found = [fact for fact in found if fact.statement != need or fact.period in newest]
    if not found:
        nothing = f"{provider.name} has no {title(need)} of {symbol} that was public on {day}"
        raise DataError(f"{nothing}. Name a later day, or use another provider.")
    return found


async def _close_before(provider: FinanceProvider, symbol: str, periods: Periods, day: date) -> list[Fact]:
    """The last close up to a day as the price then, with the change from the close before."""
    asked = replace(periods, span="1mo", interval="1d", whole_bars=False)
    closes = [fact for fact in await fetch_facts(provider, "history", symbol, asked) if fact.known]
    return last_price(closes)


def _nearest_method(provider: FinanceProvider, need: Need) -> str:
    """The method to ask.

    A subclass, or the object itself, may override an Agno method of one of our providers to change an answer. It then
    counts, and not the facts of the class above.
    """
    capability = _CAPABILITY[need]
    names = ("fetch_facts", f"a{capability}", capability)
    for defined in (getattr(provider, "__dict__", {}), *map(vars, type(provider).__mro__)):
        for name in names:
            if name in defined:
                return name
    return names[1]


async def _ask(provider: FinanceProvider, method: str, need: Need, symbol: str, periods: Periods) -> object:
    arguments: dict[str, Any] = {}
    if need == "history":
        arguments = {"period": periods.span, "interval": periods.interval}
    elif _CAPABILITY[need] == "get_financials":
        arguments = {"statement": need, "period": periods.frequency, "limit": periods.limit}
    ask: Any = getattr(provider, method)
    if method.startswith("get_"):
        return await in_daemon(ask, symbol, **arguments)
    return await ask(symbol, **arguments)


async def _asked[Answer](provider: FinanceProvider, work: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of a provider, with its failures named; one that cannot be cancelled is left behind."""
    return await left_behind(_named(provider, work))


async def _named[Answer](provider: FinanceProvider, work: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        return await work
    except (asyncio.CancelledError, FinassistError, NotSupportedError):
        raise
    except Exception as error:
        if (named := named_failure(provider, error)) is None:
            raise
        raise named from error
    except BaseException as error:
        # Raised in a task, it would end the whole loop, and with it the notebook's kernel.
        raise RuntimeError(f"{provider.name} tried to end the process ({type(error).__name__}).") from error
