"""A provider's raw values as numbers, dates, periods and currencies.

A number becomes a figure only when it is one: a bool, a text or infinity where a number belongs is an `error`, NaN and
`None` are `missing`. Nothing becomes 0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from numbers import Integral, Real
from typing import Any, cast

from msgspec.structs import replace

from finassist.core.facts import FIELDS, OUTFLOWS, Fact, Field, snake
from finassist.symbols import directory

NOT_SAID = "the source does not say"
_KINDS = {"balance": "balance_sheet", "cashflow": "cash_flow", "income": "income"}
_MINOR_UNITS = {"GBp": "GBX", "ZAc": "ZAC"}
_LONGEST_DATE = 40
_LONGEST_TEXT = 5_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)").match
_LARGEST_EXPONENT = 30
_SIGNED = frozenset({"change", "change_percent", "pe_reported"})
_NAN = "the source gave no number (NaN)"
_NO_SIZE = "the source gave a number too large or too small to be a figure"
_NO_CURRENCY = "the source does not say in which currency"
_NEGATIVE = "the source gave a negative number"
_NOTHING = "the source gave 0, which is no price"
_TURNED = "a payment; the source writes it as a negative number"


def number(value: object) -> Decimal | str:
    """A value as an exact number, or the reason why it is none.

    Example:
        >>> number(1e9), number(0.1), number(True)
        (Decimal('1000000000'), Decimal('0.1'), 'the source gave a bool where a number belongs')
    """
    if value is None:
        return "the source gave no figure"
    if isinstance(value, bool) or not isinstance(value, (Integral, Real, Decimal)):
        return f"the source gave a {type(value).__name__} where a number belongs"
    try:
        if isinstance(value, Integral):
            return _exact(Decimal(int(value)))
        return _exact(value if isinstance(value, Decimal) else Decimal(repr(float(value))))
    except OverflowError:
        return _NO_SIZE


def _exact(value: Decimal) -> Decimal | str:
    if not value.is_finite():
        return _NAN if value.is_nan() else "the source gave an infinite number"
    if value and abs(value.adjusted()) > _LARGEST_EXPONENT:
        return _NO_SIZE
    whole = value.to_integral_value()
    return Decimal(int(whole)) if value == whole else value


def figure(blank: Fact, value: object, *, turned: str | None = _TURNED) -> Fact:
    """A blank fact with its value, unit and currency filled in, or with the reason why there is none.

    Args:
        blank: Symbol, field, period and source; its currency is that of the money in the answer.
        value: What the source gives.
        turned: Note on a payment that the source writes as a negative number. Ours are positive.

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
    money, notes = unit.startswith("USD"), [blank.note]
    if money:
        unit = unit.replace("USD", blank.currency) if blank.currency else ""
        notes.append(None if blank.currency else _NO_CURRENCY)
    currency = blank.currency if money else None
    found = number(value)
    if field and isinstance(found, Decimal):
        found = _impossible(field, found) or found
    if isinstance(found, str):
        status = "missing" if value is None or found in (_NAN, _NOTHING) else "error"
        return replace(blank, unit=unit, currency=currency, status=status, note=found)
    if field and field.name in OUTFLOWS and found < 0:
        found, notes = -found, [*notes, turned]
    return replace(blank, value=found, unit=unit, currency=currency, note="; ".join(filter(None, notes)) or None)


def _impossible(field: Field, value: Decimal) -> str:
    """Why a number cannot be this figure: no price, market value or count of shares is negative, and no price is 0."""
    of_price = field.statement == "price" and field.name not in _SIGNED
    if value < 0 and (of_price or field.unit == "shares"):
        return _NEGATIVE
    return _NOTHING if not value and of_price and field.unit != "shares" else ""


def one_of(twins: Sequence[Fact]) -> Fact | None:
    """The figure of a day for which there are several: where two differ, neither counts; `None` where there is none."""
    known = {fact.value: fact for fact in twins if fact.known}
    if len(known) > 1:
        return replace(twins[0], value=None, status="error", note="the source gave two figures for this day")
    return next(iter(known.values()), None) or next((fact for fact in twins if fact.status == "error"), None)


def text_fact(blank: Fact, value: str | None) -> Fact:
    """A blank fact with a text, or missing."""
    if value:
        return replace(blank, text=value, status="reported")
    return replace(blank, status="missing", note=NOT_SAID)


def text(value: object) -> str | None:
    """A text without blanks around it and not longer than a page; `None` for anything else.

    Example:
        >>> text(" Energy "), text(5), text("")
        ('Energy', None, None)
    """
    return (value.strip()[:_LONGEST_TEXT] or None) if isinstance(value, str) else None


def link(value: object) -> str | None:
    """A web address; anything that is not http or https is left out.

    Example:
        >>> link("https://example.org/a"), link("javascript:alert(1)")
        ('https://example.org/a', None)
    """
    found = text(value)
    return found if found and found.startswith(("https://", "http://")) and not any(map(str.isspace, found)) else None


def day(value: object) -> date | None:
    """A date from a date, or from a text that begins with one.

    Example:
        >>> day("2026-08-21T20:00:00Z"), day("soon")
        (datetime.date(2026, 8, 21), None)
    """
    if isinstance(value, str):
        return _day_of(value[:_LONGEST_DATE])
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


@lru_cache(maxsize=4096)  # companies share their days of trading and reporting
def _day_of(text: str) -> date | None:
    found = _DAY(text.strip())
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def fiscal_period(text: object, end: date | None) -> str:
    """Our name of a fiscal year: from the source's own label, else from its last day.

    A year that ends in the first week of January belongs to the year before. A label that contradicts the day is none.

    Example:
        >>> fiscal_period("2025-FY", None), fiscal_period(None, date(2022, 1, 2)), fiscal_period(None, None)
        ('FY2025', 'FY2021', '')
    """
    found = re.search(r"(?<!\d)(?:19|20)\d{2}(?!\d)", text) if isinstance(text, str) else None
    if found and (end is None or abs(int(found[0]) - end.year) <= 1):
        return f"FY{found[0]}"
    if end is None:
        return ""
    return f"FY{end.year - 1 if (end.month, end.day) <= (1, 7) else end.year}"


def years_named(reports: Iterable[tuple[date, int | None]], *, quarters: bool = False) -> dict[date, int]:
    """The fiscal year of each last day, from what the reports call it; one that says otherwise has mistyped it.

    A year that ends in the first half of a calendar year is named after that, or after the one before, by all its
    reports; any other is named after the calendar year it ends in.

    Args:
        reports: The last day of each period, and the year its report names.
        quarters: Whether these are the same quarter of several years, which may belong to the year after.

    Example:
        >>> years_named([(date(2025, 1, 26), 2024), (date(2024, 1, 28), 2023), (date(2023, 1, 29), 2023)]).values()
        dict_values([2024, 2023, 2022])
    """
    listed = [(end, int(fiscal_period(None, end).removeprefix("FY")), year) for end, year in reports]
    open_ = {end for end, own, _ in listed if quarters or (end.month <= 6 and own == end.year)}
    steps = Counter(year - own for end, own, year in listed if year and end in open_)
    step = max(steps, key=lambda each: (steps[each], -abs(each)), default=0)
    step = step if quarters or step == -1 else 0
    return {end: own + step if end in open_ else own for end, own, _ in listed}


def quarter_named(text: object) -> str:
    """Our name of the fiscal quarter that a source's label names; empty where it names none.

    Example:
        >>> quarter_named("2025-Q2"), quarter_named("Q2 2025"), quarter_named("2025")
        ('Q2 2025', 'Q2 2025', '')
    """
    words = text if isinstance(text, str) else ""
    year, quarter = re.search(r"(?<!\d)(?:19|20)\d{2}(?!\d)", words), re.search(r"\bQ[1-4]\b", words, re.I)
    return f"{quarter[0].upper()} {year[0]}" if year and quarter else ""


def currency(text: object) -> str | None:
    """A currency code, or `None`. Pence have a code of their own: they are a hundredth of a pound.

    Example:
        >>> currency("usd"), currency("GBp"), currency("dollars"), currency(None)
        ('USD', 'GBX', None, None)
    """
    given = text.strip() if isinstance(text, str) else ""
    code = _MINOR_UNITS.get(given, given.upper())
    return code if re.fullmatch(r"[A-Z]{3}", code) else None


def kind(text: object) -> str:
    """The statement or period an answer names, in our words.

    Example:
        >>> kind("Balance Sheet Statement"), kind("incomeStatement"), kind("annual"), kind(None)
        ('balance_sheet', 'income', 'annual', '')
    """
    name = snake(text).removesuffix("_statement").removesuffix("_sheet") if isinstance(text, str) else ""
    return _KINDS.get(name, name)


def inside(data: object, *path: str) -> Mapping[str, Any]:
    """The object at a path of names in decoded JSON; an empty one where there is none.

    Example:
        >>> inside({"facts": {"dei": {"cik": 1}}}, "facts", "dei"), inside([], "facts")
        ({'cik': 1}, {})
    """
    for name in path:
        data = cast("dict[str, object]", data).get(name) if isinstance(data, dict) else None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def of_newest(facts: Iterable[Fact], limit: int) -> list[Fact]:
    """The facts of the first `limit` periods, in their order."""
    parts = [list(own) for _, own in groupby(facts, key=lambda fact: fact.period)]
    return [fact for own in parts[: max(limit, 1)] for fact in own]


def last_price(closes: Sequence[Fact]) -> list[Fact]:
    """The last close as the price, with the change from the close before."""
    prices = [replace(fact, field="price") for fact in closes[-2:]]
    before = (replace(fact, field="previous_close", period=prices[-1].period) for fact in prices[:-1])
    return [*prices[-1:], *(fact for each in before for fact in changes(prices[-1], each))]


def day_of_fact(blank: Fact, at: date) -> Fact:
    """The blank fact as one of a single day, on which it was also known."""
    return replace(blank, period=at.isoformat(), period_end=at, as_of=at)


def as_fraction(fact: Fact) -> Fact:
    """A figure in percent as a fraction."""
    return fact if fact.value is None else replace(fact, value=fact.value / 100)


def changes(price: Fact, previous: Fact) -> Iterable[Fact]:
    """The previous close, and the two figures that follow from it and the price."""
    yield previous
    if price.value is None or not previous.value:
        return
    change = price.value - previous.value
    derived = replace(price, status="derived", inputs=(price.key, previous.key))
    yield replace(derived, field="change", value=change, formula="price - previous_close")
    yield replace(
        derived,
        field="change_percent",
        value=change / previous.value,
        unit="ratio",
        currency=None,
        formula="(price - previous_close) / previous_close",
    )


def symbol_hint(symbol: str) -> str:
    """What to do about a symbol that is not in the directory.

    Example:
        >>> symbol_hint("APPL")[:13]
        'Did you mean '
    """
    similar = [found.symbol for found in directory().suggest(symbol)]
    return f"Did you mean {' or '.join(similar)}?" if similar else "Search for the company by its name."
