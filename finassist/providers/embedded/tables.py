"""The embedded tables: statements by year and quarter, companies, prices, index, rates, splits and dividends.

Parquet files are read through pyarrow on first use, once per process, and never changed. Facts of a company, or of some
lines of all companies, are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import import_module
from importlib.resources import as_file, files
from typing import Any

from finassist.core.errors import DataError
from finassist.core.facts import Fact, Statement
from finassist.core.fields import FIELDS

INDEX = "^GSPC"
"""Symbol under which the level of the S&P 500 is asked for."""

SOURCE = "embedded data"


@dataclass(frozen=True, slots=True)
class CompanyRecord:
    """What is known of a company besides its figures.

    Attributes:
        symbol: Ticker symbol.
        name: Name.
        cik: SEC's number of the filer.
        exchange: `NYSE` or `Nasdaq`.
        sector: GICS sector.
        sub_industry: GICS sub-industry.
        industry: `bank`, `insurer`, `reit` or empty.
        primary: The share class that stands for the company.
        fiscal_year_end: Month and day, `"0926"`.
        in_sp500: Whether it is a member of the S&P 500.
        shares: Shares outstanding on the cover page, or `None`.
        shares_as_of: The day they were counted.
    """

    symbol: str
    name: str
    cik: str
    exchange: str
    sector: str
    sub_industry: str
    industry: str
    primary: str
    fiscal_year_end: str
    in_sp500: bool
    shares: int | None
    shares_as_of: date | None


@cache
def table(name: str) -> Any:
    """One embedded table.

    Raises:
        DataError: The file is damaged or is not the one that belongs here.
    """
    try:
        with as_file(files("finassist.providers.embedded") / "files" / f"{name}.parquet") as path:
            return import_module("pyarrow.parquet").read_table(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The embedded file {name}.parquet cannot be read ({type(error).__name__}). Install finassist again."
        ) from error


@cache
def _arrow() -> Any:
    """pyarrow, which has no types; imported when a table is read first."""
    return import_module("pyarrow")


@cache
def _compute() -> Any:
    return import_module("pyarrow.compute")


@cache
def companies() -> Mapping[str, CompanyRecord]:
    """The embedded companies by symbol."""
    return {row["symbol"]: _company(row) for row in table("companies").to_pylist()}


def _company(row: Mapping[str, Any]) -> CompanyRecord:
    shares = row["shares_outstanding"]
    day = row["shares_as_of"]
    return CompanyRecord(
        symbol=row["symbol"],
        name=row["name"],
        cik=row["cik"],
        exchange=row["exchange"],
        sector=row["sector"],
        sub_industry=row["sub_industry"],
        industry=row["industry"],
        primary=row["primary"],
        fiscal_year_end=row["fiscal_year_end"] or "",
        in_sp500=bool(row["in_sp500"]),
        shares=int(shares) if shares and shares == shares else None,
        shares_as_of=date.fromisoformat(day) if day else None,
    )


# --------------------------------------------------------------------------------------------- statements


@cache
def facts_of(symbol: str) -> tuple[Fact, ...]:
    """Every annual and quarterly figure of one company, newest first."""
    found = [*_rows(_of(table("annual"), symbol)), *_rows(_of(table("quarterly"), symbol))]
    return tuple(sorted(found, key=lambda fact: fact.period_end or date.min, reverse=True))


def facts_across(fields: Iterable[str], since: int = 0) -> list[Fact]:
    """Some lines of all companies, annual and quarterly, from a fiscal year on."""
    wanted = _arrow().array(sorted(fields), _arrow().string())
    found: list[Fact] = []
    for name in ("annual", "quarterly"):
        whole = table(name)
        codes = _compute().index_in(_compute().cast(whole["field"], _arrow().string()), value_set=wanted)
        mask = _compute().and_(_compute().is_valid(codes), _compute().greater_equal(whole["fiscal_year"], since))
        found += _rows(whole.filter(mask))
    return found


def _of(whole: Any, symbol: str) -> Any:
    """The rows of one company: the tables are sorted by symbol."""
    start, stop = _bounds(id(whole), whole).get(symbol, (0, 0))
    return whole.slice(start, stop - start)


_BOUNDS: dict[int, dict[str, tuple[int, int]]] = {}


def _bounds(key: int, whole: Any) -> dict[str, tuple[int, int]]:
    if key not in _BOUNDS:
        symbols: list[str] = _compute().cast(whole["symbol"], _arrow().string()).to_pylist()
        found: dict[str, tuple[int, int]] = {}
        start = 0
        for place in range(1, len(symbols) + 1):
            if place == len(symbols) or symbols[place] != symbols[start]:
                found[symbols[start]] = (start, place)
                start = place
        _BOUNDS[key] = found
    return _BOUNDS[key]


_COLUMNS = ("symbol", "field", "fiscal_year", "fiscal_period", "period_end", "first_filed", "filed", "form", "value", "unit",
            "tag", "accession", "quality", "note")  # fmt: skip


def _rows(rows: Any) -> Iterator[Fact]:
    columns = [rows[name].to_pylist() for name in _COLUMNS]
    for symbol, field, year, part, end, first, filed, form, value, unit, tag, accession, quality, note in zip(
        *columns, strict=True
    ):
        yield Fact(
            symbol=symbol,
            field=field,
            value=exact(value),
            unit=unit,
            currency="USD" if unit.startswith("USD") else None,
            period=f"FY{year}" if part == "FY" else f"{part} {year}",
            period_end=end,
            as_of=first or filed,
            source=f"SEC {form}" if form else "SEC filing",
            statement=statement_of(field),
            filing=accession or None,
            concept=tag or None,
            note=_note(quality, note),
        )


def _note(quality: str, note: str) -> str | None:
    marks = {
        "vendor differs": "a vendor's normalised figure differs",
        "doubtful": "doubtful",
        "single source": "from a single source",
    }
    return "; ".join(filter(None, (marks.get(quality), note or None))) or None


@cache
def statement_of(field: str) -> Statement:
    """The statement that a line belongs to."""
    known = FIELDS.get(field)
    return known.statement if known else "balance_sheet"


def exact(value: float) -> Decimal:
    """A figure as a decimal with the digits that were filed."""
    return Decimal(int(value)) if value == int(value) else Decimal(repr(value))


# ------------------------------------------------------------------------------------------------- prices


@cache
def closes(symbol: str) -> tuple[Fact, ...]:
    """Closes of a share or of the index: month ends from 2015, every trading day from July 2021; oldest first."""
    if symbol == INDEX:
        whole = table("index")
        rows = whole.filter(_compute().equal(_compute().cast(whole["series"], _arrow().string()), "S&P 500"))
        return tuple(
            close(INDEX, day, value)
            for day, value in zip(rows["date"].to_pylist(), rows["value"].to_pylist(), strict=True)
        )
    found = {fact.period_end: fact for fact in _month_ends(symbol, "close", "price")}
    found |= {fact.period_end: fact for fact in _daily(symbol)}
    return tuple(found[day] for day in sorted(day for day in found if day))


@cache
def adjusted_closes(symbol: str) -> tuple[Fact, ...]:
    """Month-end closes adjusted for dividends, for total returns."""
    return tuple(_month_ends(symbol, "adj_close", "adjusted_close"))


def _daily(symbol: str) -> Iterator[Fact]:
    whole = table("prices_daily")
    if symbol not in whole.column_names:
        return
    for day, value in zip(whole["date"].to_pylist(), whole[symbol].to_pylist(), strict=True):
        if value is not None:
            yield close(symbol, day, value)


def _month_ends(symbol: str, column: str, name: str) -> Iterator[Fact]:
    rows = _of(table("prices_monthly"), symbol)
    for day, value in zip(rows["date"].to_pylist(), rows[column].to_pylist(), strict=True):
        yield close(symbol, day, value, name)


def closes_across(days: Iterable[date]) -> list[Fact]:
    """The last close on or before each day, of every company."""
    whole = table("prices_daily")
    dates = whole["date"].to_pylist()
    found: list[Fact] = []
    for day in days:
        at = max((place for place, each in enumerate(dates) if each <= day), default=None)
        if at is None or (day - dates[at]).days > 8:
            found += _month_end_across(day)
            continue
        row = whole.slice(max(at - 7, 0), min(at, 7) + 1)
        for symbol in whole.column_names[1:]:
            values = row[symbol].to_pylist()
            last = next((i for i in range(len(values) - 1, -1, -1) if values[i] is not None), None)
            if last is not None:
                found.append(close(symbol, dates[max(at - 7, 0) + last], values[last]))
    return found


def _month_end_across(day: date) -> list[Fact]:
    whole = table("prices_monthly")
    rows = whole.filter(
        _compute().and_(
            _compute().less_equal(whole["date"], day),
            _compute().greater(whole["date"], date.fromordinal(day.toordinal() - 9)),
        )
    )
    columns = (
        _compute().cast(rows["symbol"], _arrow().string()).to_pylist(),
        rows["date"].to_pylist(),
        rows["close"].to_pylist(),
    )
    return [close(symbol, each, value) for symbol, each, value in zip(*columns, strict=True)]


def universe(lines: Iterable[str], since: int, days: Iterable[date]) -> list[Fact]:
    """Lines of every company from a fiscal year on, and closes on some days; `date.max` is the last trading day.

    Shares outstanding come along where there are days.
    """
    last = last_day()
    wanted = sorted(
        {
            last if day == date.max else last.replace(year=last.year - 1) if day == date.min else min(day, last)
            for day in days
        }
    )
    found = facts_across(lines, since) if lines else []
    if wanted:
        found += closes_across(wanted)
        found += [fact for symbol in companies() if (fact := cover_shares(symbol))]
    return found


def last_day() -> date:
    """The last trading day of the daily prices."""
    return table("prices_daily")["date"][-1].as_py()


def close(symbol: str, day: date, value: float, name: str = "price") -> Fact:
    """A closing price as a fact."""
    return Fact(
        symbol=symbol,
        field=name,
        value=Decimal(repr(round(value, 6))),
        unit="USD/share",
        currency="USD",
        period=day.isoformat(),
        period_end=day,
        as_of=day,
        source="closing price, split-adjusted",
        statement="price",
    )


def cover_shares(symbol: str) -> Fact | None:
    """Shares outstanding as the cover page of the latest filing counts them."""
    record = companies().get(symbol)
    if record is None or record.shares is None:
        return None
    return Fact(
        symbol=symbol,
        field="cover_shares",
        value=Decimal(record.shares),
        unit="shares",
        period="latest",
        period_end=record.shares_as_of,
        as_of=record.shares_as_of,
        source="cover page of the latest filing",
        statement="profile",
    )
