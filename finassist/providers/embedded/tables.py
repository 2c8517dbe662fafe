"""The embedded Parquet files: opened once per process, never changed.

One company is a slice of a few row groups; a query over all companies takes its rows from one group after the other, so
that no table is ever whole in memory. pyarrow is imported when a file is opened first, which takes a fifth of a second:
`load` does it ahead, in a thread where a loop must not wait.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from threading import RLock
from typing import Any

from finassist.analysis.calendar import Member
from finassist.core.errors import DataError

TABLES = ("annual", "quarterly", "companies", "splits", "dividends", "index", "rates", "prices_monthly", "prices_daily")
"""The embedded tables."""

_EPOCH = date(1970, 1, 1).toordinal()
STATEMENTS = ("symbol", "field", "fiscal_year", "fiscal_period", "period_end", "first_filed", "filed", "form", "value",
               "first_value", "unit", "tag", "accession", "quality", "note", "formula", "inputs")  # fmt: skip
_NEEDED = {
    "annual": STATEMENTS,
    "quarterly": STATEMENTS,
    "companies": ("symbol", "name", "cik", "exchange", "sector", "sub_industry", "industry", "primary", "headquarters",
                  "in_sp500", "shares_outstanding", "shares_as_of"),
    "splits": ("symbol", "date", "ratio"),
    "dividends": ("symbol", "ex_date", "amount"),
    "prices_monthly": ("symbol", "date", "close", "adj_close"),
    "prices_daily": ("date",),
    "index": ("series", "date", "value"),
    "rates": ("series", "date", "value"),
}  # fmt: skip
_TYPES = {
    **dict.fromkeys(("value", "first_value", "close", "adj_close", "ratio", "amount", "shares_outstanding"), "double"),
    **dict.fromkeys(("date", "ex_date", "period_end", "first_filed", "filed"), "date32[day]"),
    "fiscal_year": "int16",
}

_imported = cache(import_module)

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


def table(name: str) -> Any:
    """A whole embedded table."""
    return column(name, *names_of(name))


def column(name: str, *columns: str) -> Any:
    """Some columns of a table."""
    with _reading(name):
        return _file(name).read(list(columns), use_threads=False)


def names_of(name: str) -> list[str]:
    """The columns of a table."""
    return _file(name).schema_arrow.names


@lru_cache(maxsize=4)  # figures and closes of one company are asked for in several forms at a time
def rows_of(name: str, symbol: str) -> Any:
    """The rows of one company; the files are sorted by symbol."""
    found = _read(name, _groups(name, symbol))
    own = [place for place, each in enumerate(plain(found["symbol"])) if each == symbol]
    return found.slice(own[0], len(own)) if own else found.slice(0, 0)


def parts(name: str, symbol: str = "") -> Iterator[Any]:
    """A table piece by piece, a row group each: all, or those with rows of one company."""
    return (_read(name, [place]) for place in (_groups(name, symbol) if symbol else range(_file(name).num_row_groups)))


def _groups(name: str, symbol: str) -> list[int]:
    return [place for place, (first, last) in enumerate(_bounds(name)) if first <= symbol <= last]


def _read(name: str, groups: list[int]) -> Any:
    with _reading(name):
        return _file(name).read_row_groups(groups, use_threads=False)


@cache
def _file(name: str) -> Any:
    """An open file, held against what it must contain."""
    with _reading(name), as_file(files("finassist.providers.embedded") / "files" / f"{name}.parquet") as path:
        return opened(path, _NEEDED.get(name, ()))


def opened(path: Path, needed: Sequence[str]) -> Any:
    """A Parquet file with these columns, opened for reading."""
    found = _imported("pyarrow.parquet").ParquetFile(path, memory_map=True)
    absent = [column for column in needed if column not in found.schema_arrow.names]
    if absent:
        raise DataError(f"The embedded file {path.name} lacks the column {absent[0]}. Install finassist again.")
    for column in needed:
        given = str(found.schema_arrow.field(column).type)
        if given != _TYPES.get(column, given):
            what = f"holds {given} in the column {column}, not {_TYPES[column]}"
            raise DataError(f"The embedded file {path.name} {what}. Install finassist again.")
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


def matching(part: Any, since: int = 0, **columns: Collection[str]) -> Any:
    """The places of the rows of a piece whose texts are among the words of their columns, from a fiscal year on."""
    numpy = _imported("numpy")
    found = numpy.ones(part.num_rows, bool)
    for column, words in columns.items():
        texts = part[column].chunk(0)
        codes = [code for code, word in enumerate(texts.dictionary.to_pylist()) if word in words]
        found &= numpy.isin(numpy.arange(len(texts.dictionary)), codes)[_array(texts.indices)]
    if since:
        found &= _array(part["fiscal_year"].chunk(0)) >= since
    return numpy.flatnonzero(found)


def plain(column: Any, rows: Any = None) -> list[Any]:
    """A column as Python values, or those of some rows of a piece; equal texts and days are one object each.

    Example:
        >>> import pyarrow
        >>> plain(pyarrow.chunked_array([pyarrow.DictionaryArray.from_arrays([0, 1, 0], ["a", "b"])]))
        ['a', 'b', 'a']
    """
    arrow = _imported("pyarrow")
    found: list[Any] = []
    for chunk in column.chunks:
        if arrow.types.is_dictionary(chunk.type):
            words: list[Any] = [*chunk.dictionary.to_pylist(), ""]
            found += [words[-1 if code is None else code] for code in _values(chunk.indices, rows)]
        elif arrow.types.is_date32(chunk.type):
            days = _values(chunk.view(arrow.int32()), rows)
            found += [None if number is None else _day(number) for number in days]
        else:
            found += _values(chunk, rows)
    return found


def _values(chunk: Any, rows: Any) -> list[Any]:
    if rows is None:
        return chunk.to_pylist()
    found = _array(chunk)[rows].tolist()
    if not chunk.null_count:
        return found
    numpy = _imported("numpy")
    known = numpy.unpackbits(numpy.frombuffer(chunk.buffers()[0], "u1"), bitorder="little")[rows]
    return [value if there else None for value, there in zip(found, known, strict=True)]


def _array(chunk: Any) -> Any:
    """The numbers of a whole column without a copy; pyarrow's own way to numpy would import pandas."""
    numpy = _imported("numpy")
    return numpy.frombuffer(chunk.buffers()[1], str(chunk.type), len(chunk))


@cache
def _day(number: int) -> date:
    return date.fromordinal(_EPOCH + number)


# ------------------------------------------------------------------------------------------- companies


@dataclass(frozen=True, slots=True)
class CompanyRecord(Member):
    """What is known of a company besides its figures; `shares` are those that a cover page counts as outstanding."""

    cik: str = ""
    exchange: str = ""
    in_sp500: bool = False
    shares: int | None = None
    shares_as_of: date | None = None


_TEXTS = ("symbol", "name", "cik", "exchange", "sector", "sub_industry", "industry", "primary", "headquarters")


@cache
def companies() -> Mapping[str, CompanyRecord]:
    """The embedded companies by symbol."""
    return {row["symbol"]: _company(row) for row in table("companies").to_pylist()}


def _company(row: Mapping[str, Any]) -> CompanyRecord:
    shares, day = row["shares_outstanding"], row["shares_as_of"]
    return CompanyRecord(
        **{name: row[name] for name in _TEXTS},
        in_sp500=bool(row["in_sp500"]),
        shares=int(shares) if shares and shares == shares else None,
        shares_as_of=date.fromisoformat(day) if day else None,
    )


@cache
def symbols(name: str = "annual") -> tuple[str, ...]:
    """Companies in a table, those with statements or with `"prices_monthly"`, in alphabetical order."""
    return tuple(sorted(set(plain(column(name, "symbol")["symbol"]))))
