"""A provider's raw values as numbers, dates, periods and currencies, or the reason why they are none."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from numbers import Integral, Real

from finassist.core.fields import snake
from finassist.providers.http.strict_json import Written

_KINDS = {"balance": "balance_sheet", "cashflow": "cash_flow", "income": "income"}
_MINOR_UNITS = {"GBp": "GBX", "ZAc": "ZAC"}
_LONGEST_DATE = 40
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)").match
_LARGEST_EXPONENT = 30
LARGEST = 10 ** (_LARGEST_EXPONENT + 1)
"""A number from here on is no figure."""
NAN = "the source gave no number (NaN)"
_TOO_LARGE = "the source gave a number too large to be a figure"


def kind(text: object) -> str:
    """The statement or period an answer says it is, in our words.

    Example:
        >>> kind("Balance Sheet Statement"), kind("incomeStatement"), kind("annual"), kind(None)
        ('balance_sheet', 'income', 'annual', '')
    """
    name = snake(text).removesuffix("_statement").removesuffix("_sheet") if isinstance(text, str) else ""
    return _KINDS.get(name, name)


def number(value: object) -> Decimal | str:
    """A value as an exact number, or the reason why it is none.

    Example:
        >>> number(1e9), number(0.1), number(True)
        (Decimal('1000000000'), Decimal('0.1'), 'the source gave a bool where a number belongs')
    """
    if type(value) is int:  # first what JSON gives, in the thousands
        return Decimal(value) if abs(value) < LARGEST else _TOO_LARGE
    if type(value) is Written:
        return _as_written(value)
    if type(value) is Decimal:
        return _exact(value)
    if value is None:
        return "the source gave no figure"
    if isinstance(value, bool) or not isinstance(value, (Integral, Real, Decimal)):
        return f"the source gave a {type(value).__name__} where a number belongs"
    try:
        if isinstance(value, Integral):
            return _exact(Decimal(int(value)))
        return _exact(value if isinstance(value, Decimal) else Decimal(repr(float(value))))
    except OverflowError:
        return _TOO_LARGE


def _as_written(value: Written) -> Decimal | str:
    try:
        return _exact(Decimal(value.decode()))
    except (InvalidOperation, UnicodeDecodeError):
        return "the source gave bytes where a number belongs"


def _exact(value: Decimal) -> Decimal | str:
    if not value.is_finite():
        return NAN if value.is_nan() else "the source gave an infinite number"
    if value.adjusted() > _LARGEST_EXPONENT:
        return _TOO_LARGE
    whole = value.to_integral_value()
    return Decimal(int(whole)) if value == whole else value


def day(value: object) -> date | None:
    """A date from a date, or from a text that begins with one.

    Example:
        >>> day("2026-08-21T20:00:00Z"), day("soon")
        (datetime.date(2026, 8, 21), None)
    """
    if isinstance(value, str):
        return _day_of(value[:_LONGEST_DATE])
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


@lru_cache(maxsize=4096)  # the days of trading are those of every company
def _day_of(text: str) -> date | None:
    found = _DAY(text.strip())
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def fiscal_period(text: object, end: date | None) -> str:
    """Our name of a fiscal year: from the source's own label, else from its last day.

    A year that ends in the first week of January belongs to the year before.

    Example:
        >>> fiscal_period("2025-FY", None), fiscal_period(None, date(2022, 1, 2)), fiscal_period(None, None)
        ('FY2025', 'FY2021', '')
    """
    found = re.search(r"(?<!\d)(?:19|20)\d{2}(?!\d)", text) if isinstance(text, str) else None
    if found:
        return f"FY{found[0]}"
    if end is None:
        return ""
    return f"FY{end.year - 1 if (end.month, end.day) <= (1, 7) else end.year}"


def currency(text: object) -> str | None:
    """A currency code, or `None`. Pence have a code of their own: they are a hundredth of a pound.

    Example:
        >>> currency("usd"), currency("GBp"), currency("dollars"), currency(None)
        ('USD', 'GBX', None, None)
    """
    given = text.strip() if isinstance(text, str) else ""
    code = _MINOR_UNITS.get(given, given.upper())
    return code if re.fullmatch(r"[A-Z]{3}", code) else None
