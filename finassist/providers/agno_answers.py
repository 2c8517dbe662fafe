"""Agno's plain dataclasses as facts, through the vocabulary.

A number becomes a figure only when it is one: a bool, a text or infinity where a number belongs is an
`error`, NaN and `None` are `missing`. Nothing becomes 0. Names outside the vocabulary are kept in snake_case
without a unit, because nobody here knows what they measure.
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
from finassist.providers.values import NAN, currency, day, fiscal_period, number

_QUOTE = (
    "price",
    "previous_close",
    "change",
    "change_percent",
    "open",
    "high",
    "low",
    "volume",
    "market_cap",
    "fifty_two_week_high",
    "fifty_two_week_low",
)
_PROFILE = ("name", "exchange", "cik", "sector", "industry", "country", "location", "website", "currency",
            "description")  # fmt: skip
_NO_CURRENCY = "the source does not say in which currency"
_TURNED = "a payment; the source writes it as a negative number"


def statement(symbol: str, answer: FinancialStatement, need: Statement, source: str, taken: set[str]) -> list[Fact]:
    """One statement's line items.

    Args:
        symbol: The company.
        answer: The provider's statement.
        need: The statement that was asked for.
        source: Who answered, in words.
        taken: Periods that earlier statements already used; a second one is named by its last day.

    Returns:
        One fact per item; none when the statement does not say of when it is.
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
    return [_item(blank, name, value) for name, value in _named(mapping(answer.items), need).items()]


def mapping(value: object) -> Mapping[object, object]:
    """The value when it is a mapping, else an empty one."""
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
    blank = Fact(
        symbol=symbol, field="", period=at.isoformat() if at else "", period_end=at, as_of=at, source=source,
        statement="price", currency=currency(answer.currency),
        note=None if at else "the source does not say of when",
    )  # fmt: skip
    facts = [figure(replace(blank, field=name), getattr(answer, name)) for name in _QUOTE]
    return [_fraction(fact) if fact.field == "change_percent" else fact for fact in facts]


def _fraction(fact: Fact) -> Fact:
    return fact if fact.value is None else replace(fact, value=fact.value / 100)


def history(symbol: str, bars: Sequence[PriceBar], money: object, source: str) -> list[Fact]:
    """One close per bar; a bar without a day is left out, because nobody can place it."""
    blank = Fact(symbol=symbol, field="close", source=source, statement="price", currency=currency(money))
    facts: dict[date, Fact] = {}
    for bar in bars:
        at = day(bar.date)
        if at is not None:
            facts[at] = figure(replace(blank, period=at.isoformat(), period_end=at, as_of=at), bar.close)
    return [facts[at] for at in sorted(facts)]


def profile(symbol: str, answer: CompanyProfile, source: str) -> list[Fact]:
    """What is known about a company; what is not is missing."""
    blank = Fact(symbol=symbol, field="", source=source, statement="profile", status="missing")
    facts: list[Fact] = []
    for name in _PROFILE:
        text: object = getattr(answer, name)
        if isinstance(text, str) and text.strip():
            facts.append(replace(blank, field=name, text=text, status="reported"))
        else:
            facts.append(replace(blank, field=name, note="the source does not say"))
    money = currency(answer.currency)
    employees = figure(replace(blank, field="employees", status="reported"), answer.employees)
    market_cap = replace(blank, field="market_cap", statement="price", status="reported", currency=money)
    return [*facts, employees, figure(market_cap, answer.market_cap)]


def figure(blank: Fact, value: object) -> Fact:
    """A blank fact with its value, unit and currency filled in, or with the reason why there is none.

    Example:
        >>> blank = Fact(symbol="A", field="capex", statement="cash_flow", currency="EUR")
        >>> paid = figure(blank, -5.0)
        >>> paid.value, paid.unit, paid.status
        (Decimal('5'), 'EUR', 'reported')
        >>> figure(blank, float("nan")).status, figure(blank, "a lot").status
        ('missing', 'error')
    """
    field = FIELDS.get(blank.field)
    unit = field.unit if field else ""
    money = unit.startswith("USD")
    notes = [blank.note]
    if money:
        unit = unit.replace("USD", blank.currency) if blank.currency else ""
        notes.append(None if blank.currency else _NO_CURRENCY)
    found = number(value)
    if isinstance(found, str):
        status = "missing" if value is None or found == NAN else "error"
        return replace(blank, unit=unit, currency=blank.currency if money else None, status=status, note=found)
    if field and field.outflow and found < 0:
        found, notes = -found, [*notes, _TURNED]
    note = "; ".join(text for text in notes if text) or None
    return replace(blank, value=found, unit=unit, currency=blank.currency if money else None, note=note)
