"""The rows of an answer of Financial Modeling Prep: checked, and turned into facts field by field.

Every answer is a list of objects. A field that is absent, null or of a wrong type is a fact that says so; an
answer that is no list of objects, or is about another symbol, is a `BadPayload`; an empty list means that the
source knows nothing of the symbol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import cast

from finassist.analysis.statements import UNREPORTED_ZERO
from finassist.core.errors import BadPayload, UnknownSymbol
from finassist.core.facts import Fact, Status
from finassist.core.fields import FIELDS
from finassist.providers.fmp.zeros import zero_is_real
from finassist.providers.http.strict_json import Invalid
from finassist.providers.values import NAN, number
from finassist.symbols.directory import directory

SOURCE = "Financial Modeling Prep"
NOT_SAID = "the source does not say"
NO_CURRENCY = "the source does not say in which currency"
LONGEST_TEXT = 5_000

_US_EXCHANGES = frozenset({"NASDAQ", "NYSE", "AMEX", "NYSEARCA", "NYSE ARCA", "CBOE", "BATS", "OTC", "PNK"})

type Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and when the answer came from the source.

    Attributes:
        symbol: The company.
        words: What was asked for, in words (`"income statement"`).
        fetched: The day the source answered.
        cached: Whether the answer was kept since then.
    """

    symbol: str
    words: str
    fetched: date
    cached: bool = False

    def source(self, filed: date | None = None) -> str:
        """The source of a fact, with its dates.

        Example:
            >>> Asked("AAPL", "quote", date(2026, 11, 22), cached=True).source()
            'Financial Modeling Prep, quote, fetched 2026-11-22 (cached)'
        """
        parts = [SOURCE, self.words]
        parts += [f"filed {filed.isoformat()}"] if filed else []
        return ", ".join([*parts, f"fetched {self.fetched.isoformat()}{' (cached)' if self.cached else ''}"])

    def bad(self, what: str) -> BadPayload:
        """The answer is not what was asked for."""
        return BadPayload(
            f"{SOURCE} answered with {what} when asked for the {self.words} of {self.symbol}. "
            "Ask again, or use another provider."
        )

    def nothing(self) -> UnknownSymbol:
        """The source has nothing under this symbol."""
        company = directory().lookup(self.symbol)
        if company is not None:
            return UnknownSymbol(
                f"{SOURCE} has no {self.words} of {self.symbol} ({company.name}). "
                "Ask for something else about it, or use another provider."
            )
        similar = [found.symbol for found in directory().suggest(self.symbol)]
        hint = f"Did you mean {' or '.join(similar)}?" if similar else "Search for the company by its name."
        return UnknownSymbol(f"{SOURCE} knows no symbol {self.symbol}. {hint}")


def rows_of(data: object, asked: Asked) -> list[Row]:
    """The rows of an answer about the symbol that was asked for; at least one.

    Raises:
        BadPayload: The answer is no list of objects, or about another symbol.
        UnknownSymbol: The list is empty.
    """
    rows = objects_of(data, asked)
    if not rows:
        raise asked.nothing()
    for symbol in [row.get("symbol") for row in rows]:
        if symbol != asked.symbol:
            _same_symbol(symbol, asked)
    return rows


def objects_of(data: object, asked: Asked) -> list[Row]:
    """The answer as a list of objects, which may be empty."""
    if not isinstance(data, list):
        raise asked.bad(f"{_kind(data)} instead of a list")
    rows = cast("list[object]", data)
    if set(map(type, rows)) - {dict}:
        for row in rows:
            if not isinstance(row, Mapping):
                raise asked.bad(f"{_kind(row)} in its list")
    return cast("list[Row]", rows)


def one_row(data: object, asked: Asked) -> Row:
    """The one row of an answer that has one."""
    rows = rows_of(data, asked)
    if len(rows) > 1:
        raise asked.bad(f"{len(rows)} rows instead of one")
    return rows[0]


def _same_symbol(found: object, asked: Asked) -> None:
    if found is None:
        return
    if not isinstance(found, str) or found.strip().upper().replace(".", "-") != asked.symbol:
        raise asked.bad(f"data about {found!r:.30}" if isinstance(found, str) else f"{_kind(found)} for a symbol")


def _kind(value: object) -> str:
    match value:
        case Mapping():
            return "an object"
        case list():
            return "a list"
        case str():
            return "a text"
        case None:
            return "null"
        case _:
            return "a single value"


def figure(blank: Fact, field: str, row: Row, *names: str) -> Fact:
    """A blank fact with the figure of the first of these names that the row has, or with the reason for none.

    Payments are positive here and negative there; a zero that nothing proves is `"0 or not reported"`.

    Args:
        blank: What all figures of the row share; its currency is that of the money in it.
        field: Our name of the figure.
        row: The row.
        names: The source's names of it.

    Example:
        >>> blank = Fact(symbol="A", field="", statement="cash_flow", currency="USD")
        >>> figure(blank, "capex", {"capitalExpenditure": -7}, "capitalExpenditure").value
        Decimal('7')
        >>> zero = figure(blank, "capex", {"capitalExpenditure": 0}, "capitalExpenditure")
        >>> zero.value, zero.status, zero.note
        (None, 'missing', '0 or not reported')
    """
    unit, currency, outflow, unknown_money = _measure(field, blank.currency)
    given = None
    for name in names:
        if (given := row.get(name)) is not None:
            break
    found, status, note = _read(given, field, row)
    if found is not None:
        found = abs(found) if outflow else found
        note = "; ".join(filter(None, (blank.note, NO_CURRENCY))) if unknown_money else blank.note
    return Fact(
        symbol=blank.symbol, field=field, value=found, unit=unit, currency=currency, period=blank.period,
        period_end=blank.period_end, as_of=blank.as_of, source=blank.source, statement=blank.statement,
        status=status, note=note,
    )  # fmt: skip


@lru_cache(maxsize=1000)
def _measure(field: str, currency: str | None) -> tuple[str, str | None, bool, bool]:
    """Unit and currency of a field, whether it is money paid out, and whether it is money of unknown currency."""
    known = FIELDS.get(field)
    unit, outflow = (known.unit, known.outflow) if known else ("", False)
    if not unit.startswith("USD"):
        return unit, None, outflow, False
    return (unit.replace("USD", currency) if currency else ""), currency, outflow, not currency


def _read(value: object, field: str, row: Row) -> tuple[Decimal | None, Status, str | None]:
    """A value as a figure, or the reason why it is none."""
    found = number(value)
    if isinstance(found, Decimal):
        if not found and not zero_is_real(field, row):
            return None, "missing", UNREPORTED_ZERO
        return found, "reported", None
    if isinstance(value, Invalid):
        return None, "error", f"the source gave {value.reason} where a number belongs"
    return None, "missing" if value is None or found == NAN else "error", found


def text(row: Row, name: str) -> str | None:
    """A text of the row without blanks around it and not longer than a page; `None` for anything else.

    Example:
        >>> text({"sector": " Energy "}, "sector"), text({"sector": 5}, "sector"), text({}, "sector")
        ('Energy', None, None)
    """
    value = row.get(name)
    cut = value.strip()[:LONGEST_TEXT] if isinstance(value, str) else ""
    return cut or None


def link(row: Row, name: str) -> str | None:
    """A web address of the row; anything that is not http or https is left out.

    Example:
        >>> link({"url": "https://example.org/a"}, "url"), link({"url": "javascript:alert(1)"}, "url")
        ('https://example.org/a', None)
    """
    found = text(row, name)
    return found if found and found.startswith(("https://", "http://")) and not any(map(str.isspace, found)) else None


def traded_in(symbol: str, exchange: str | None = None) -> str | None:
    """The currency of a price, which quotes and histories do not say: dollars on every US exchange.

    Example:
        >>> traded_in("AAPL"), traded_in("ACME", "NYSE"), traded_in("ACME", "LSE")
        ('USD', 'USD', None)
    """
    if exchange is not None:
        return "USD" if exchange.upper() in _US_EXCHANGES else None
    return "USD" if directory().lookup(symbol) else None
