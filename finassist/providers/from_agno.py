"""Answers and failures of any Agno finance provider, as facts and named errors of ours.

Names outside the vocabulary keep their snake_case and get no unit.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import count
from socket import gaierror
from ssl import SSLError
from typing import cast

from agno.tools.finance import CompanyProfile, FinanceProvider, FinancialStatement, PriceBar, PriceHistory, Quote
from agno.tools.finance.base import FinanceProviderError
from agno.tools.finance.providers.yfinance import YFinance
from msgspec.structs import replace

from finassist.core.errors import (
    BadPayload,
    DataError,
    FinassistError,
    NotOffered,
    RateLimited,
    SourceTimeout,
    UnknownSymbol,
    Unreachable,
)
from finassist.core.facts import FIELDS, UNDATED, Fact, Statement, canonical, preference, snake
from finassist.core.result import NeedName as Need
from finassist.core.text import said
from finassist.providers.values import (
    as_fraction,
    currency,
    day,
    day_of_fact,
    figure,
    fiscal_period,
    kind,
    one_of,
    quarter_named,
    text_fact,
)

_QUOTE_FIELDS = (
    "price", "previous_close", "change", "change_percent", "open", "high", "low", "volume", "market_cap",
    "fifty_two_week_high", "fifty_two_week_low",
)  # fmt: skip
_PROFILE_FIELDS = ("name", "exchange", "cik", "sector", "industry", "country", "location", "website", "currency",
                  "description")  # fmt: skip
_ASKING_PACKAGES = frozenset({
    "yfinance", "curl_cffi", "requests", "urllib3", "urllib", "http", "httpx", "httpx2", "httpcore", "aiohttp",
})  # fmt: skip
"""Packages that providers ask with. Agno's leave some of their exceptions as they are."""
_WORDS = {"annual": ("annual", "fy", "year", "yearly", ""), "quarterly": ("quarterly", "quarter", "")}
_FIRST_DAY = date(1960, 1, 1)
_TITLES = {"income": "income statement", "history": "price history", "profile": "company profile"}


def facts_of(provider: FinanceProvider, need: Need, symbol: str, answer: object, frequency: str) -> list[Fact]:
    """Agno's answer as facts: those it carries where it is one of ours (`to_agno`), else made from its fields."""
    if isinstance(answer, CompanyProfile | Quote | PriceHistory):
        _check_symbol(provider, symbol, answer.symbol)
    match need, answer:
        case "profile", CompanyProfile():
            return _carried(answer) or _profile(symbol, answer, provider.name)
        case "quote", Quote():
            return _carried(answer) or _quote(symbol, answer, provider.name)
        case "history", PriceHistory() if (bars := _all(answer.bars, PriceBar)) is not None:
            return _carried(answer) or history(symbol, bars, answer.currency, provider.name)
        case "income" | "balance_sheet" | "cash_flow", _ if (rows := _all(answer, FinancialStatement)) is not None:
            return _statements(provider, need, symbol, rows, frequency)
        case _:
            raise _bad(provider, f"{type(answer).__name__} instead of the {title(need)} of {symbol}")


def _statements(
    provider: FinanceProvider, need: Statement, symbol: str, rows: Sequence[FinancialStatement], frequency: str
) -> list[Fact]:
    facts: list[Fact] = []
    taken: dict[str, FinancialStatement] = {}
    for row in rows:
        _check_symbol(provider, symbol, row.symbol)
        if kind(row.statement) != need or kind(row.period) not in _WORDS.get(frequency, (frequency,)):
            asked = f"when asked for the {frequency} {title(need)}"
            raise _bad(provider, f"{row.statement!r:.30} of {row.period!r:.20} {asked}")
        own = _carried(row) or _statement(symbol, row, need, provider.name, taken)
        before = taken.setdefault(own[0].period, row) if own else row
        if before.items != row.items:
            raise _bad(provider, f"two different statements of {symbol} for {own[0].period}")
        facts += own if before is row else []
    if rows and not facts:
        raise _bad(provider, f"a {title(need)} of {symbol} without figures or without a date")
    return facts


def _all[T](answer: object, of: type[T]) -> list[T] | None:
    """The answer as a list of one type, or `None` when it is not."""
    if not isinstance(answer, (list, tuple)):
        return None
    things = cast(Sequence[object], answer)
    found = [thing for thing in things if isinstance(thing, of)]
    return found if len(found) == len(things) else None


def _carried(answer: object) -> list[Fact] | None:
    return _all(getattr(answer, "facts", None), Fact)


def _statement(
    symbol: str, answer: FinancialStatement, need: Statement, source: str, taken: Mapping[str, FinancialStatement]
) -> list[Fact]:
    """A fact for each item; none without a date. Of two periods with one name, the second is named by its last day."""
    end = day(answer.report_period)
    quarterly = kind(answer.period) in ("quarterly", "quarter")
    period = quarter_named(answer.fiscal_period) if quarterly else fiscal_period(answer.fiscal_period, end)
    if quarterly and period and end and abs(int(period[-4:]) - end.year) > 1:
        period = ""
    if end is not None and (not period or (period in taken and day(taken[period].report_period) != end)):
        period = end.isoformat()
    if not period:
        return []
    blank = Fact(
        symbol=symbol, field="", period=period, period_end=end, source=source, statement=need,
        currency=currency(answer.currency),
    )  # fmt: skip
    return [_item(blank, name, value) for name, value in _named(_mapping(answer.items), need).items()]


def _mapping(value: object) -> Mapping[object, object]:
    return cast(Mapping[object, object], value) if isinstance(value, Mapping) else {}


def _named(items: Mapping[object, object], need: Statement) -> dict[str, object]:
    """The items under our names. Where two name one field, the closest in meaning takes it."""
    chosen: dict[str, object] = {}
    for key in items:
        field = canonical(str(key), need)
        if field and (field not in chosen or _closer(key, chosen[field], field)):
            chosen[field] = key
    named: dict[str, object] = {field: items[key] for field, key in chosen.items()}
    for key in items:
        if key not in chosen.values():
            named[_free_name(str(key), need, named)] = items[key]
    return named


def _closer(key: object, other: object, field: str) -> bool:
    return preference(str(key), FIELDS[field]) < preference(str(other), FIELDS[field])


def _free_name(key: str, need: Statement, taken: Container[str]) -> str:
    """A name for an item that the vocabulary has no place for on this statement."""
    name = snake(key) or "unnamed"
    if name in FIELDS or canonical(name):
        name = f"{need}_{name}"
    return next(free for n in count(1) if (free := name if n == 1 else f"{name}_{n}") not in taken)


def _item(blank: Fact, name: str, value: object) -> Fact:
    if isinstance(value, str) and name not in FIELDS:
        return replace(blank, field=name, text=value, currency=None)
    return figure(replace(blank, field=name), value)


def _quote(symbol: str, answer: Quote, source: str) -> list[Fact]:
    """A quote's figures; the percentage becomes a fraction."""
    at = None if _is_now(answer.as_of) else day(answer.as_of)
    blank = Fact(symbol=symbol, field="", source=source, statement="price", currency=currency(answer.currency))
    blank = day_of_fact(blank, at) if at else replace(day_of_fact(blank, date.today()), note=UNDATED)
    facts = [figure(replace(blank, field=name), getattr(answer, name)) for name in _QUOTE_FIELDS]
    return [as_fraction(fact) if fact.field == "change_percent" else fact for fact in facts]


def _is_now(stamp: object) -> bool:
    """Whether it is the moment of asking, which says nothing about the day of a price."""
    try:
        moment = datetime.fromisoformat(stamp) if isinstance(stamp, str) else stamp
    except ValueError:
        return False
    return isinstance(moment, datetime) and abs(moment.astimezone(UTC) - datetime.now(UTC)) < timedelta(minutes=1)


def _words(given: object) -> str | None:
    return given if isinstance(given, str) and given.strip() else None


def history(symbol: str, bars: Sequence[PriceBar], money: object, source: str) -> list[Fact]:
    """A close per day, oldest first. A bar without a day or a close is left out, and never hides the day's other."""
    blank = Fact(symbol=symbol, field="close", source=source, statement="price", currency=currency(money))
    closes: defaultdict[date, list[Fact]] = defaultdict(list)
    for bar in bars:
        if at := day(bar.date):
            closes[at].append(figure(day_of_fact(blank, at), bar.close))
    return [close for at in sorted(closes) if (close := one_of(closes[at]))]


def _profile(symbol: str, answer: CompanyProfile, source: str) -> list[Fact]:
    """The texts of a profile, the number of employees and the market value; what is not given is missing."""
    blank = Fact(symbol=symbol, field="", source=source, statement="profile")
    facts = [text_fact(replace(blank, field=name), _words(getattr(answer, name))) for name in _PROFILE_FIELDS]
    market_cap = replace(blank, field="market_cap", statement="price", currency=currency(answer.currency))
    return [*facts, figure(replace(blank, field="employees"), answer.employees), figure(market_cap, answer.market_cap)]


class Yahoo(YFinance):
    """Agno's, whose quotes carry the time of the last trade and not that of asking."""

    def get_quote(self, symbol: str) -> Quote:
        """The newest price; `as_of` is `None` where its time is not known."""
        found = super().get_quote(symbol)
        moment: object = None
        with suppress(Exception):  # scraped: it may lack anything
            moment = self._ticker(symbol).get_history_metadata()["regularMarketTime"]
        if isinstance(moment, int):
            moment = datetime.fromtimestamp(moment, UTC)
        found.as_of = moment.date().isoformat() if isinstance(moment, datetime) else None
        return found


# Without a handler Python would print what yfinance says of each failure to the notebook.
logging.getLogger("yfinance").addHandler(logging.NullHandler())


def named_failure(provider: FinanceProvider, error: Exception) -> FinanceProviderError | None:
    """The exception as a failure of the source, or `None` where it is a bug."""
    if isinstance(error, FinassistError):
        return error if isinstance(error, FinanceProviderError) else None
    if isinstance(error, FinanceProviderError):
        words = said(error).rstrip(". ") or type(error).__name__
        return DataError(f"{provider.name}: {words}. Check the symbol, or use another provider.")
    if isinstance(error, TimeoutError):
        return SourceTimeout(f"{provider.name} did not answer in time. Ask again.")
    if not (isinstance(error, ConnectionError | gaierror | SSLError) or _of_asking_package(error)):
        return None
    if "RateLimit" in type(error).__name__:
        return RateLimited(f"{provider.name} asks for fewer requests at a time. Ask again in a few minutes.")
    return Unreachable(f"{provider.name} was not reached ({type(error).__name__}). Check the network, or ask again.")


def _of_asking_package(error: Exception) -> bool:
    """Whether it is an error of a package that asks, or one that yfinance met in an answer it did not expect."""
    found, frame = {type(error).__module__.partition(".")[0]}, error.__traceback__
    while frame is not None:
        if (module := str(frame.tb_frame.f_globals.get("__name__")).partition(".")[0]) == "yfinance":
            found.add(module)
        frame = frame.tb_next
    return not found.isdisjoint(_ASKING_PACKAGES)


def checked(provider: FinanceProvider, need: Need, symbol: str, facts: list[Fact]) -> list[Fact]:
    """The facts, if they are about the symbol and one of them can be used."""
    for answered in {fact.symbol for fact in facts}:
        _check_symbol(provider, symbol, answered)
    tomorrow = date.today() + timedelta(1)  # somewhere it is already the next day
    facts = [fact for fact in facts if fact.period_end is None or _FIRST_DAY <= fact.period_end <= tomorrow]
    if any(fact.known or (need == "profile" and fact.text) for fact in facts):
        return facts
    if any(fact.status == "error" for fact in facts):
        raise _bad(provider, f"the {title(need)} of {symbol}, in which no figure can be used")
    raise UnknownSymbol(
        f"{provider.name} has no {title(need)} for {symbol}. Check the symbol, or use another provider."
    )


def _check_symbol(provider: FinanceProvider, symbol: str, answered: object) -> None:
    if not isinstance(answered, str) or _folded(answered) != _folded(symbol):
        raise _bad(provider, f"figures of {answered!r:.40} when asked about {symbol}")


def _folded(symbol: str) -> str:
    return symbol.strip().removeprefix("$").upper().replace(".", "-").replace("/", "-")


def _bad(provider: FinanceProvider, what: str) -> BadPayload:
    return BadPayload(f"{provider.name} answered with {what}. Ask again, or use another provider.")


def not_offered(provider: FinanceProvider, need: str) -> NotOffered:
    """The error of a provider that has nothing of this kind."""
    return NotOffered(f"{provider.name} does not offer {title(need)}. Use another provider for it.")


def title(need: str) -> str:
    """A need in words."""
    return _TITLES.get(need, need.replace("_", " "))
