"""Any Agno finance provider's answer as facts: the one seam between providers and everything else.

A provider that knows its sources hands over facts, alone (`FMPProvider`) or with its answer (`EmbeddedProvider`),
and those are used as they are. Any other provider answers with Agno's plain dataclasses; their numbers become
facts here, with the provider's name as the source and whatever date the answer itself gives.

A failure of the source is a `DataError`, and so is Agno's own `FinanceProviderError`: a provider says by it
that it could not deliver. Anything else a provider raises passes through untouched: a bug is not a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast, runtime_checkable

from agno.tools.finance import (
    CompanyProfile,
    FinanceProvider,
    FinancialStatement,
    PriceBar,
    PriceHistory,
    Quote,
)
from agno.tools.finance.base import FinanceProviderError, NotSupportedError

from finassist.core.categories import NEEDS as NEEDS
from finassist.core.categories import NeedName as Need
from finassist.core.errors import BadPayload, DataError, FinassistError, NotOffered, UnknownSymbol
from finassist.core.facts import Fact, Statement
from finassist.providers import agno_answers as plain
from finassist.providers.values import kind

HISTORY_PERIOD, HISTORY_INTERVAL = "2y", "1mo"

_CAPABILITY: dict[Need, str] = {
    "profile": "get_company_profile",
    "income": "get_financials",
    "balance_sheet": "get_financials",
    "cash_flow": "get_financials",
    "quote": "get_quote",
    "history": "get_price_history",
}
_STATEMENTS: dict[Need, Statement] = {
    "income": "income",
    "balance_sheet": "balance_sheet",
    "cash_flow": "cash_flow",
}


@runtime_checkable
class FactSource(Protocol):
    """A provider that hands over facts themselves: its own, or those of the providers it asks in turn."""

    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        """The same as the function of this name, for this provider."""
        ...


async def fetch_facts(provider: FinanceProvider, need: Need, symbol: str, *, limit: int = 5) -> list[Fact]:
    """Ask a provider for one kind of data about one company, and hand back facts.

    Args:
        provider: Any Agno finance provider.
        need: What to ask for. `"history"` is two years of monthly closes.
        symbol: Ticker.
        limit: How many annual statements, newest first.

    Returns:
        At least one fact. Absent figures are facts with status `"missing"`, unusable ones `"error"`.

    Raises:
        NotOffered: The provider does not offer this.
        UnknownSymbol: The provider answered with nothing.
        BadPayload: The answer is not data, or is about something else.
        DataError: The provider says that it could not deliver.

    Example:
        >>> from finassist.providers.embedded.provider import EmbeddedProvider
        >>> facts = await fetch_facts(EmbeddedProvider(), "income", "AAPL", limit=1)  # doctest: +SKIP
        >>> facts[0].key, facts[0].value  # doctest: +SKIP
        ('AAPL/revenue/FY2025', Decimal('416161000000'))
    """
    if isinstance(provider, FactSource) and _speaks_for_itself(provider, need):
        return _some(provider, need, symbol, await provider.fetch_facts(need, symbol, limit))
    if not provider.supports(_CAPABILITY[need]):
        raise NotOffered(f"{provider.name} does not offer {_words(need)}. Use another provider for it.")
    try:
        answer = await _ask(provider, need, symbol, limit)
    except NotSupportedError as error:
        raise NotOffered(f"{provider.name} does not offer {_words(need)}. Use another provider.") from error
    except FinanceProviderError as error:
        if isinstance(error, FinassistError):
            raise
        words = str(error).rstrip(". ") or type(error).__name__
        raise DataError(f"{provider.name}: {words}. Check the symbol, or use another provider.") from error
    if statement := _STATEMENTS.get(need):
        return _statements(provider, statement, symbol, answer)
    return _one(provider, need, symbol, answer)


def _speaks_for_itself(provider: FinanceProvider, need: Need) -> bool:
    """Whether its facts hold: not where a subclass has changed, nearer to the object, the answer they stand for."""
    changed = f"a{_CAPABILITY[need]}"
    for names in (getattr(provider, "__dict__", {}), *map(vars, type(provider).__mro__)):
        if "fetch_facts" in names or changed in names:
            return "fetch_facts" in names
    return True


async def _ask(provider: FinanceProvider, need: Need, symbol: str, limit: int) -> object:
    match need:
        case "profile":
            return await provider.aget_company_profile(symbol)
        case "quote":
            return await provider.aget_quote(symbol)
        case "history":
            return await provider.aget_price_history(symbol, period=HISTORY_PERIOD, interval=HISTORY_INTERVAL)
        case _:
            return await provider.aget_financials(symbol, statement=need, period="annual", limit=limit)


def _one(provider: FinanceProvider, need: Need, symbol: str, answer: object) -> list[Fact]:
    source = provider.name
    if isinstance(answer, (CompanyProfile, Quote, PriceHistory)):
        _same_symbol(provider, symbol, answer.symbol)
        if (carried := _carried(answer)) is not None:
            return _some(provider, need, symbol, carried)
    if need == "profile" and isinstance(answer, CompanyProfile):
        return _some(provider, need, symbol, plain.profile(symbol, answer, source))
    if need == "quote" and isinstance(answer, Quote):
        return _some(provider, need, symbol, plain.quote(symbol, answer, source))
    if need == "history" and isinstance(answer, PriceHistory):
        bars = _all(answer.bars, PriceBar)
        if bars is not None:
            return _some(provider, need, symbol, plain.history(symbol, bars, answer.currency, source))
    raise _bad(provider, need, symbol, answer)


def _statements(provider: FinanceProvider, need: Statement, symbol: str, answer: object) -> list[Fact]:
    rows = _all(answer, FinancialStatement)
    if rows is None:
        raise _bad(provider, need, symbol, answer)
    facts: list[Fact] = []
    taken: set[str] = set()
    for row in rows:
        _same_symbol(provider, symbol, row.symbol)
        _same_statement(provider, need, row)
        carried = _carried(row)
        made = plain.statement(symbol, row, need, provider.name, taken) if carried is None else carried
        taken.update(fact.period for fact in made)
        facts.extend(made)
    if rows and not facts:
        raise BadPayload(
            f"{provider.name} answered with a {_words(need)} of {symbol} without figures or without a date. "
            "Ask again, or use another provider."
        )
    return _some(provider, need, symbol, facts)


def _all[T](answer: object, of: type[T]) -> list[T] | None:
    """The answer as a list of one kind of thing, or `None` when it is not."""
    if not isinstance(answer, (list, tuple)):
        return None
    things = cast(Sequence[object], answer)
    found = [thing for thing in things if isinstance(thing, of)]
    return found if len(found) == len(things) else None


def _carried(answer: object) -> list[Fact] | None:
    """The facts an answer brings along, when it brings any."""
    return _all(getattr(answer, "facts", None), Fact) or None


def _some(provider: FinanceProvider, need: str, symbol: str, facts: list[Fact]) -> list[Fact]:
    for answered in {fact.symbol for fact in facts}:
        _same_symbol(provider, symbol, answered)
    if any(fact.known or (need == "profile" and fact.text) for fact in facts):
        return facts
    if any(fact.status == "error" for fact in facts):
        raise BadPayload(
            f"{provider.name} answered with a {_words(need)} of {symbol} in which no figure can be used. "
            "Ask again, or use another provider."
        )
    raise UnknownSymbol(
        f"{provider.name} has no {_words(need)} for {symbol}. Check the symbol, or use another provider."
    )


def _same_symbol(provider: FinanceProvider, symbol: str, answered: object) -> None:
    if not isinstance(answered, str) or _folded(answered) != _folded(symbol):
        raise BadPayload(
            f"{provider.name} answered about {answered!r:.40} when asked about {symbol}. "
            "Ask again, or use another provider."
        )


def _same_statement(provider: FinanceProvider, need: str, row: FinancialStatement) -> None:
    if (row.statement, row.period) == (need, "annual"):
        return  # in our own words already
    statement, period = kind(row.statement), kind(row.period)
    if statement != need or period not in ("annual", "fy", "year", "yearly", ""):
        raise BadPayload(
            f"{provider.name} answered with {row.statement!r:.30} of {row.period!r:.20} "
            f"when asked for the annual {_words(need)}. Ask again, or use another provider."
        )


def _bad(provider: FinanceProvider, need: str, symbol: str, answer: object) -> BadPayload:
    return BadPayload(
        f"{provider.name} answered with {type(answer).__name__} instead of the {_words(need)} of {symbol}. "
        "Ask again, or use another provider."
    )


def _folded(symbol: str) -> str:
    return symbol.strip().removeprefix("$").upper().replace(".", "-").replace("/", "-")


def _words(need: str) -> str:
    named = {"income": "income statement", "history": "price history", "profile": "company profile"}
    return named.get(need, need.replace("_", " "))
