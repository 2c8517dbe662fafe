"""The answers of any Agno finance provider, as facts.

A number becomes a figure only when it is one: a bool, a text or infinity where a number belongs is an `error`, NaN and
`None` are `missing`. Nothing becomes 0. Names outside the vocabulary keep their snake_case and get no unit.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import date
from itertools import count
from typing import cast

from agno.tools.finance import CompanyProfile, FinancialStatement, PriceBar, Quote
from msgspec.structs import replace

from finassist.core.facts import Fact, Statement
from finassist.core.fields import FIELDS, canonical, preference, snake
from finassist.providers.values import currency, day, day_of_fact, figure, fiscal_period, text_fact

QUOTE_FIELDS = (
    "price", "previous_close", "change", "change_percent", "open", "high", "low", "volume", "market_cap",
    "fifty_two_week_high", "fifty_two_week_low",
)  # fmt: skip
PROFILE_FIELDS = ("name", "exchange", "cik", "sector", "industry", "country", "location", "website", "currency",
                  "description")  # fmt: skip


def statement(symbol: str, answer: FinancialStatement, need: Statement, source: str, taken: set[str]) -> list[Fact]:
    """One statement's line items.

    Args:
        symbol: The company.
        answer: The provider's statement.
        need: The statement that was asked for.
        source: The provider's name.
        taken: Periods of earlier statements; a second statement of one period is named by its last day.

    Returns:
        One fact per item; none when the statement has no date.
    """
    end = day(answer.report_period)
    period = fiscal_period(answer.fiscal_period, end)
    if (not period or period in taken) and end is not None:
        period = end.isoformat()
    if not period or period in taken:
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
    best: dict[str, tuple[int, object]] = {}
    for key in items:
        field = canonical(str(key), need)
        if field is not None:
            rank = preference(str(key), FIELDS[field])
            best[field] = min(best.get(field, (rank, key)), (rank, key), key=lambda ranked: ranked[0])
    named: dict[str, object] = {field: items[key] for field, (_, key) in best.items()}
    used = {key for _, key in best.values()}
    for key in items:
        if key not in used:
            named[_free_name(str(key), need, named)] = items[key]
    return named


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


def quote(symbol: str, answer: Quote, source: str) -> list[Fact]:
    """A quote's figures; the percentage becomes a fraction."""
    at = day(answer.as_of)
    blank = Fact(symbol=symbol, field="", source=source, statement="price", currency=currency(answer.currency))
    blank = day_of_fact(blank, at) if at else replace(blank, note="the source does not say of when")
    facts = [figure(replace(blank, field=name), getattr(answer, name)) for name in QUOTE_FIELDS]
    return [as_fraction(fact) if fact.field == "change_percent" else fact for fact in facts]


def as_fraction(fact: Fact) -> Fact:
    """A figure in percent as a fraction."""
    return fact if fact.value is None else replace(fact, value=fact.value / 100)


def history(symbol: str, bars: Sequence[PriceBar], money: object, source: str) -> list[Fact]:
    """One close per bar, oldest first; a bar without a day or a close is left out, and never hides the day's other."""
    blank = Fact(symbol=symbol, field="close", source=source, statement="price", currency=currency(money))
    facts: dict[date, Fact] = {}
    for bar in bars:
        if at := day(bar.date):
            close = figure(day_of_fact(blank, at), bar.close)
            if close.known or (close.status == "error" and at not in facts):
                facts[at] = close
    return [facts[at] for at in sorted(facts)]


def profile(symbol: str, answer: CompanyProfile, source: str) -> list[Fact]:
    """The texts of a profile, the number of employees and the market value; what is not given is missing."""
    blank = Fact(symbol=symbol, field="", source=source, statement="profile")
    facts: list[Fact] = []
    for name in PROFILE_FIELDS:
        given: object = getattr(answer, name)
        facts.append(text_fact(replace(blank, field=name), given if isinstance(given, str) and given.strip() else None))
    market_cap = replace(blank, field="market_cap", statement="price", currency=currency(answer.currency))
    return [*facts, figure(replace(blank, field="employees"), answer.employees), figure(market_cap, answer.market_cap)]
