"""The embedded Parquet files: opened once per process, read in pieces, never changed.

One company is a slice of a few row groups; queries over all companies read a whole table. pyarrow is imported when a
file is opened first, which takes a fifth of a second: `load` does it ahead, in a thread where a loop must not wait.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from threading import RLock
from typing import Any

from finassist.core.errors import DataError

SOURCE = "embedded data"
"""The source of a fact that says what the embedded data does not hold."""

_EPOCH = date(1970, 1, 1).toordinal()
TABLES = ("annual", "quarterly", "companies", "splits", "dividends", "index", "rates", "prices_monthly", "prices_daily")
"""The embedded tables."""

_NEEDED = {
    "annual": ("symbol", "field", "fiscal_year", "fiscal_period", "period_end", "value", "unit", "quality"),
    "quarterly": ("symbol", "field", "fiscal_year", "fiscal_period", "period_end", "value", "unit", "quality"),
    "companies": ("symbol", "name", "cik", "sector", "industry", "primary"),
    "prices_monthly": ("symbol", "date", "close", "adj_close"),
    "prices_daily": ("date",),
    "index": ("series", "date", "value"),
}


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
        headquarters: Seat of the company.
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
    headquarters: str
    in_sp500: bool
    shares: int | None
    shares_as_of: date | None


_lock = RLock()
"""A Parquet file is read by one thread at a time, and opened once."""


def load() -> None:
    """Import pyarrow and open what most questions need; the first time takes a moment."""
    with _lock:
        _load()


@cache
def _load() -> None:
    for name in ("annual", "quarterly"):
        _bounds(name)
    companies()


def loaded() -> bool:
    """Whether `load` has run."""
    return _load.cache_info().currsize > 0


@cache
def table(name: str) -> Any:
    """A whole embedded table.

    Raises:
        DataError: The file is damaged or is not the one that belongs here.
    """
    with _reading(name):
        return _file(name).read()


def column(name: str, *columns: str) -> Any:
    """Some columns of a table.

    Raises:
        DataError: The file is damaged or is not the one that belongs here.
    """
    with _reading(name):
        return _file(name).read(list(columns), use_threads=False)


def names_of(name: str) -> list[str]:
    """The columns of a table."""
    return _file(name).schema_arrow.names


def rows_of(name: str, symbol: str) -> Any:
    """The rows of one company; the files are sorted by symbol.

    Raises:
        DataError: The file is damaged or is not the one that belongs here.
    """
    groups = [place for place, (first, last) in enumerate(_bounds(name)) if first <= symbol <= last]
    with _reading(name):
        found = _file(name).read_row_groups(groups, use_threads=False)
    own = [place for place, each in enumerate(plain(found["symbol"])) if each == symbol]
    return found.slice(own[0], len(own)) if own else found.slice(0, 0)


@cache
def _file(name: str) -> Any:
    """An open file, held against what it must contain."""
    with _reading(name), as_file(files("finassist.providers.embedded") / "files" / f"{name}.parquet") as path:
        return opened(path, _NEEDED.get(name, ()))


def opened(path: Path, needed: Sequence[str]) -> Any:
    """A Parquet file with these columns, opened for reading.

    Raises:
        DataError: A column is not there.
        OSError, ValueError: It is no readable Parquet file.
    """
    found = import_module("pyarrow.parquet").ParquetFile(path, memory_map=True)
    absent = [column for column in needed if column not in found.schema_arrow.names]
    if absent:
        raise DataError(f"The embedded file {path.name} lacks the column {absent[0]}. Install finassist again.")
    return found


@contextmanager
def _reading(name: str) -> Generator[None]:
    try:
        with _lock:
            yield
    except (OSError, ValueError) as error:
        raise DataError(
            f"The embedded file {name}.parquet cannot be read ({type(error).__name__}). Install finassist again."
        ) from error


@cache
def _bounds(name: str) -> tuple[tuple[str, str], ...]:
    """First and last symbol of each row group."""
    meta = _file(name).metadata
    found = [meta.row_group(place).column(0).statistics for place in range(meta.num_row_groups)]
    return tuple((each.min, each.max) for each in found)


# --------------------------------------------------------------------------------------------- columns


def plain(column: Any, at: Sequence[int] | None = None) -> list[Any]:
    """A column as Python values, or those of some rows of a row group; equal texts and days are one object each.

    pyarrow's own way to numbers of numpy would import pandas.

    Example:
        >>> import pyarrow
        >>> plain(pyarrow.chunked_array([pyarrow.DictionaryArray.from_arrays([0, 1, 0], ["a", "b"])]))
        ['a', 'b', 'a']
    """
    types = import_module("pyarrow").types
    found: list[Any] = []
    for chunk in column.chunks:
        if types.is_dictionary(chunk.type):
            words: list[Any] = [*chunk.dictionary.to_pylist(), ""]
            found += [words[-1 if code is None else code] for code in _some(chunk.indices.to_pylist(), at)]
        elif types.is_date32(chunk.type):
            days = _some(chunk.view(import_module("pyarrow").int32()).to_pylist(), at)
            found += [None if number is None else _day(number) for number in days]
        else:
            found += _some(chunk.to_pylist(), at)
    return found


def _some(values: list[Any], at: Sequence[int] | None) -> list[Any]:
    return values if at is None else [values[place] for place in at]


def matching(name: str, column: str, values: Collection[str], since: int = 0) -> Iterator[tuple[Any, list[int]]]:
    """The row groups of a file, each with the rows whose text is one of the values, from a fiscal year on.

    Raises:
        DataError: The file is damaged or is not the one that belongs here.
    """
    for group in range(_file(name).metadata.num_row_groups):
        with _reading(name):
            rows = _file(name).read_row_group(group, use_threads=False)
        words = rows[column].chunk(0).dictionary.to_pylist()
        wanted = {code for code, word in enumerate(words) if word in values}
        years = rows["fiscal_year"].to_pylist() if since else [since] * rows.num_rows
        codes = rows[column].chunk(0).indices.to_pylist()
        at = [place for place, code in enumerate(codes) if code in wanted and years[place] >= since]
        if at:
            yield rows, at


@cache
def _day(number: int) -> date:
    return date.fromordinal(_EPOCH + number)


# ------------------------------------------------------------------------------------------- companies


@cache
def companies() -> Mapping[str, CompanyRecord]:
    """The embedded companies by symbol."""
    return {row["symbol"]: _company(row) for row in table("companies").to_pylist()}


@cache
def symbols() -> tuple[str, ...]:
    """Companies with statements, in alphabetical order."""
    return tuple(sorted(set(plain(column("annual", "symbol")["symbol"]))))


@cache
def priced_symbols() -> tuple[str, ...]:
    """Companies with prices, in alphabetical order."""
    return tuple(sorted(set(plain(column("prices_monthly", "symbol")["symbol"]))))


def _company(row: Mapping[str, Any]) -> CompanyRecord:
    shares, day = row["shares_outstanding"], row["shares_as_of"]
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
        headquarters=row["headquarters"] or "",
        in_sp500=bool(row["in_sp500"]),
        shares=int(shares) if shares and shares == shares else None,
        shares_as_of=date.fromisoformat(day) if day else None,
    )
