"""The embedded Parquet files: opened once per process, read in pieces, never changed.

One company is a slice of a few row groups; queries over all companies read a whole table. pyarrow is imported when a file
is opened first, which takes a fifth of a second: `load` does it ahead, in a thread where a loop must not wait.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
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
    table("prices_daily")
    import_module("pyarrow.compute")


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
        return _file(name).read().unify_dictionaries().combine_chunks()


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


def plain(column: Any) -> list[Any]:
    """A column as Python values; equal texts and days are one object each.

    Example:
        >>> import pyarrow
        >>> plain(pyarrow.chunked_array([pyarrow.array(["a", "b", "a"]).dictionary_encode()]))
        ['a', 'b', 'a']
    """
    arrow = import_module("pyarrow")
    found: list[Any] = []
    for chunk in column.chunks:
        if arrow.types.is_dictionary(chunk.type):
            words = chunk.dictionary.to_pylist()
            found += [words[code] if code is not None else "" for code in chunk.indices.to_pylist()]
        elif arrow.types.is_date32(chunk.type):
            found += [None if number is None else _day(number) for number in chunk.view(arrow.int32()).to_pylist()]
        else:
            found += chunk.to_pylist()
    return found


@cache
def _day(number: int) -> date:
    return date.fromordinal(_EPOCH + number)


def among(column: Any, values: Sequence[str]) -> Any:
    """A mask of the rows whose text is one of the values."""
    arrow, compute = import_module("pyarrow"), import_module("pyarrow.compute")
    return compute.is_in(compute.cast(column, arrow.string()), value_set=arrow.array(sorted(values), arrow.string()))


# ------------------------------------------------------------------------------------------- companies


@cache
def companies() -> Mapping[str, CompanyRecord]:
    """The embedded companies by symbol."""
    return {row["symbol"]: _company(row) for row in table("companies").to_pylist()}


@cache
def symbols() -> tuple[str, ...]:
    """Companies with statements, in alphabetical order."""
    return tuple(sorted(set(_file("annual").read(["symbol"])["symbol"].unique().to_pylist())))


@cache
def priced_symbols() -> tuple[str, ...]:
    """Companies with prices, in alphabetical order."""
    return tuple(sorted(set(plain(table("prices_monthly")["symbol"]))))


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
