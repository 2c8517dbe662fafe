"""The rows of an answer of Financial Modeling Prep: checked, and read field by field.

Every answer is a list of objects. A field that is absent, null or of a wrong type becomes a fact that says so. An
answer that is no list of objects, or is about another symbol, is a `BadPayload`; an empty list means that the source
does not know the symbol.

Its maintainers say that "0 means that the data does not exist", so a zero is by default `"0 or not reported"`: shown in
these words, and kept out of every ratio. It counts as a figure only where the same answer proves it: where the other
lines add up to a total on their own, nothing is left for this one.

| field                     | zero counts when                                                                 |
|---------------------------|----------------------------------------------------------------------------------|
| `noncontrolling_interest` | total equity is the shareholders' equity                                         |
| `income_tax`              | net income is the income before tax                                              |
| `inventory`               | cash, short-term investments and receivables are all the current assets          |
| `dividends_paid`          | debt and shares explain the whole financing cash flow                            |
| `change`, `change_percent`| the price is the previous close: both are computed from these two                |
| everything else           | never: a price, a count of shares, revenue, EPS of 0 looks the same as "absent" |
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from itertools import islice
from typing import Any, cast

from msgspec.structs import replace

from finassist.analysis.statements import UNREPORTED_ZERO
from finassist.core.errors import BadPayload, UnknownSymbol
from finassist.core.facts import Fact, Statement
from finassist.providers import values
from finassist.providers.values import currency, day, number, symbol_hint, text, years_named
from finassist.symbols import directory

SOURCE = "Financial Modeling Prep"

_US_EXCHANGES = frozenset({"NASDAQ", "NYSE", "AMEX", "NYSEARCA", "NYSE ARCA", "CBOE", "BATS", "OTC", "PNK"})
_PROOFS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "noncontrolling_interest": ("totalEquity", ("totalStockholdersEquity",)),
    "income_tax": ("netIncome", ("incomeBeforeTax",)),
    "inventory": ("totalCurrentAssets", ("cashAndShortTermInvestments", "netReceivables")),
    "dividends_paid": ("netCashProvidedByFinancingActivities", ("netDebtIssuance", "netStockIssuance")),
}
_KINDS: Mapping[type, str] = {dict: "an object", list: "a list", str: "a text", type(None): "null"}

type Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and the day the answer came from the source, perhaps by way of the cache."""

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

    def blank(self, statement: Statement, currency: str | None = None, filed: date | None = None) -> Fact:
        """A fact of this answer without a field and a value."""
        source = self.source(filed)
        return Fact(symbol=self.symbol, field="", source=source, statement=statement, currency=currency)

    def bad(self, what: str) -> BadPayload:
        """The error for an answer that is not what was asked for."""
        return BadPayload(
            f"{SOURCE} answered with {what} when asked for the {self.words} of {self.symbol}. "
            "Ask again, or use another provider."
        )

    def nothing(self) -> UnknownSymbol:
        """The error for a source that has nothing under this symbol."""
        company = directory().lookup(self.symbol)
        if company is not None:
            return UnknownSymbol(
                f"{SOURCE} has no {self.words} of {self.symbol} ({company.name}). "
                "Ask for something else about it, or use another provider."
            )
        return UnknownSymbol(f"{SOURCE} knows no symbol {self.symbol}. {symbol_hint(self.symbol)}")


def rows_of(data: object, asked: Asked) -> list[Row]:
    """The rows of an answer about the symbol that was asked for; at least one."""
    rows = objects_of(data, asked)
    if not rows:
        raise asked.nothing()
    for row in rows:
        found = row.get("symbol", asked.symbol)
        if isinstance(found, str) and found.strip().upper().replace(".", "-") != asked.symbol:
            raise asked.bad(f"data about {found!r:.30}")
        if found is not None and not isinstance(found, str):
            raise asked.bad(f"{_kind(found)} for a symbol")
    return rows


def objects_of(data: object, asked: Asked) -> list[Row]:
    """The answer as a list of objects, which may be empty."""
    if not isinstance(data, list):
        raise asked.bad(f"{_kind(data)} instead of a list")
    rows = cast("list[object]", data)
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


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a single value")


def figure(blank: Fact, field: str, row: Row, *names: str) -> Fact:
    """A blank fact with the figure of the first of these names that the row has, or with the reason for none.

    The currency of the blank fact is that of the money in the row.

    Example:
        >>> blank = Fact(symbol="A", field="", statement="cash_flow", currency="USD")
        >>> figure(blank, "capex", {"capitalExpenditure": -7}, "capitalExpenditure").value
        Decimal('7')
        >>> zero = figure(blank, "capex", {"capitalExpenditure": 0}, "capitalExpenditure")
        >>> zero.value, zero.status, zero.note
        (None, 'missing', '0 or not reported')
    """
    given = next((value for name in names if (value := row.get(name)) is not None), None)
    made = values.figure(replace(blank, field=field), given, turned=None)
    if number(given) == 0 and not zero_is_real(field, row):
        return replace(made, value=None, status="missing", note=UNREPORTED_ZERO)
    return made


def zero_is_real(field: str, row: Row) -> bool:
    """Whether the rest of the answer proves that this field is zero.

    Example:
        >>> zero_is_real("income_tax", {"netIncome": 90, "incomeBeforeTax": 90, "incomeTaxExpense": 0})
        True
        >>> zero_is_real("income_tax", {"netIncome": 90, "incomeTaxExpense": 0})
        False
    """
    if field not in _PROOFS:
        return False
    name, parts = _PROOFS[field]
    total = number(row.get(name))
    amounts = [amount for part in parts if isinstance(amount := number(row.get(part)), Decimal)]
    return isinstance(total, Decimal) and total != 0 and len(amounts) == len(parts) and sum(amounts) == total


def traded_in(symbol: str, exchange: str | None = None) -> str | None:
    """The currency of a price, which quotes and histories do not say: dollars on every US exchange.

    Example:
        >>> traded_in("AAPL"), traded_in("ACME", "NYSE"), traded_in("ACME", "LSE")
        ('USD', 'USD', None)
    """
    if exchange is not None:
        return "USD" if exchange.upper() in _US_EXCHANGES else None
    return "USD" if directory().lookup(symbol) else None


# ------------------------------------------------------------------------------------------------------- statements

_TABLE: dict[str, Any] = tomllib.loads(files(__package__ or "").joinpath("names.toml").read_text("utf-8"))
QUOTE, COUNTS, TARGETS = (cast("dict[str, str]", _TABLE.pop(name)) for name in ("quote", "counts", "targets"))
METRICS: Mapping[str, tuple[str, str]] = _TABLE.pop("metrics")
NAMES: Mapping[str, Mapping[str, Sequence[str]]] = _TABLE
"""The names of each field of each statement there."""

MAY_BE_RESTATED = "the source does not say whether it was restated since"
_ANNUAL = ("FY", "")
_FIRST_YEAR = 1970
_QUARTER = re.compile(r"Q[1-4]")


def statement_facts(data: object, asked: Asked, statement: Statement, period: str, limit: int) -> list[Fact]:
    """The figures of the newest `limit` statements (`"annual"`, `"quarterly"` or `"ttm"`), newest first."""
    newest = _by_period(data, asked, period, limit).items()
    return [fact for label, row in newest for fact in _figures(row, asked, statement, label)]


def _by_period(data: object, asked: Asked, period: str, limit: int) -> dict[str, Row]:
    """The newest `limit` rows by the name of their period, newest first; of two, the older has its last day."""
    rows = [row for row in rows_of(data, asked) if _reported_by(row, asked.fetched)]
    rows.sort(key=_newest, reverse=True)
    years = _years(rows, quarters=period == "quarterly")
    found: dict[str, Row] = {}
    for row in rows:
        label, end = _label(row, period, asked, years), day(row.get("date"))
        if label in found and end and end != day(found[label].get("date")):
            label = end.isoformat()
        if label and _contradicts(row, found.setdefault(label, row)):
            raise asked.bad(f"two different statements of {label}")
    if not found:
        raise asked.bad("statements without a date")
    return dict(islice(found.items(), max(limit, 1)))


def _contradicts(row: Row, other: Row) -> bool:
    """Whether two statements of one period that were filed together have figures of their own."""
    both = ((value, number(other.get(name))) for name, value in row.items())
    return filed(row) == filed(other) and any(isinstance(b, Decimal) and number(a) != b for a, b in both)


def _years(rows: Sequence[Row], *, quarters: bool) -> Mapping[tuple[date, str], int]:
    """The fiscal year of each row by its last day and its quarter."""
    found: dict[str, list[tuple[date, int | None]]] = {}
    for row in rows:
        if end := day(row.get("date")):
            found.setdefault(_part(row), []).append((end, _fiscal_year(row)))
    return {
        (end, part): year
        for part, reports in found.items()
        for end, year in years_named(reports, quarters=quarters).items()
    }


def _reported_by(row: Row, today: date) -> bool:
    """Whether a statement of the row's period can exist: it has ended, and not before companies' figures are kept."""
    end, year = day(row.get("date")), _fiscal_year(row)
    return _FIRST_YEAR <= (end.year if end else year or 0) <= today.year + 1 and (end is None or end <= today)


def _newest(row: Row) -> tuple[date, date]:
    return day(row.get("date")) or date.min, filed(row) or date.min


def filed(row: Row) -> date | None:
    """The day a statement was filed: never before the period it covers was over.

    Example:
        >>> filed({"date": "2025-09-27", "filingDate": "2025-10-31"})
        datetime.date(2025, 10, 31)
    """
    end = day(row.get("date"))
    known = day(row.get("filingDate")) or day(row.get("acceptedDate"))
    return known if known and (end is None or known >= end) else None


def _label(row: Row, period: str, asked: Asked, years: Mapping[tuple[date, str], int]) -> str:
    """Our name of the row's period; empty when it cannot be placed in time."""
    end, part = day(row.get("date")), _part(row)
    year = years.get((end, part)) if end else _fiscal_year(row)
    if period == "ttm":
        return "TTM" if end else ""
    if period == "quarterly" and not _QUARTER.fullmatch(part):
        raise asked.bad(f"a period {part!r:.20} instead of a quarter")
    if period == "annual" and part not in _ANNUAL:
        raise asked.bad(f"a period {part!r:.20} instead of a fiscal year")
    whole = f"FY{year}" if period == "annual" else f"{part} {year}"
    return whole if year else ""


def _part(row: Row) -> str:
    return (text(row.get("period")) or "").upper()


def _fiscal_year(row: Row) -> int | None:
    """The year's own number, unless it contradicts the last day."""
    given, end = row.get("fiscalYear"), day(row.get("date"))
    written = given.strip() if isinstance(given, str) else given
    year = number(int(written) if isinstance(written, str) and re.fullmatch(r"[0-9]{4}", written) else written)
    if not isinstance(year, Decimal) or year != int(year) or not 1900 < year < 2200:
        return None
    return int(year) if end is None or abs(end.year - int(year)) <= 1 else None


def as_filed_by(facts: Iterable[Fact], day: date) -> list[Fact]:
    """The figures of statements that were filed up to a day, with a note: restated since or not?"""
    return [
        replace(fact, note="; ".join(filter(None, (fact.note, MAY_BE_RESTATED)))) if fact.known else fact
        for fact in facts
        if fact.as_of and fact.as_of <= day
    ]


def _figures(row: Row, asked: Asked, statement: Statement, label: str) -> list[Fact]:
    known = filed(row)
    blank = replace(
        asked.blank(statement, currency(row.get("reportedCurrency")), known),
        period=label, period_end=day(row.get("date")), as_of=known,
    )  # fmt: skip
    return [figure(blank, field, row, *names) for field, names in NAMES[statement].items()]
