"""Frames as files: written so that a spreadsheet runs nothing, and read back with every digit and type.

Parquet keeps everything. CSV and Excel keep figures, days and types; of text they lose what no cell can hold: control
characters, and the difference between no text and an empty one.
"""

from __future__ import annotations

import json
from ast import literal_eval
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from finassist.core.errors import BadPayload, ConfigurationError
from finassist.core.process import check_form, check_new_file, check_ordinary, written_whole
from finassist.reporting.frames import SCHEMAS, Column, Kind, typed_column
from finassist.reporting.sanitize import neutral, restored

_excel: Any = getattr(pd, "read_excel")  # noqa: B009  its stubs are partial
_FIRST_YEAR: Final = 1901  # before it, Excel has no dates


def write_frame(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame of finassist as Parquet, CSV or Excel; what the name ends in decides.

    Args:
        frame: `answer.to_frame()`, `workflow.history()`, `batch.frame`, … An index is not written.
        path: Ends in `.parquet`, `.csv` or `.xlsx`. A file that is there is replaced, once the new one is whole.

    Raises:
        MissingExtra: Parquet or Excel, and the packages of `finassist[export]` are not installed.
        ConfigurationError: The name ends in something else.
        ValueError: The frame does not fit into a sheet of Excel.
        OSError: A pipe or a device has this name.

    Example:
        >>> from decimal import Decimal
        >>> from tempfile import TemporaryDirectory
        >>> from finassist.core.facts import Fact
        >>> from finassist.reporting.frames import facts_frame
        >>> frame = facts_frame([Fact(symbol="ACME", field="revenue", value=Decimal("1.10"), statement="income")])
        >>> with TemporaryDirectory() as folder:
        ...     again = read_frame(write_frame(frame, f"{folder}/facts.csv"))
        >>> again.equals(frame), again["exact"][0]
        (True, Decimal('1.10'))
    """
    form = _form(Path(path))
    return written_whole(Path(path), lambda part: form.write(frame, part))


def read_frame(path: str | Path) -> pd.DataFrame:
    """Read a frame that `write_frame` wrote, with the types it had; the example of `write_frame` does.

    Raises:
        MissingExtra: Parquet or Excel, and the packages of `finassist[export]` are not installed.
        ConfigurationError: The name ends in something else.
        ValueError: A cell holds something that its column cannot hold.
        OSError: There is no such file.
    """
    return _from_file(_form(Path(path)).read(check_ordinary(Path(path))))


def check_file(path: str | Path) -> Path:
    """The path, if a frame can be written there; to be asked before the work that makes the frame.

    Raises:
        MissingExtra: The packages of `finassist[export]` are needed and not installed.
        ConfigurationError: The name does not say how to write it, or its folder is not there.
    """
    return check_new_file(path, _packages())


def own_table(data: Any) -> pd.DataFrame:
    """A DataFrame as it is, or what a file holds; texts of a file keep their digits.

    Raises:
        ConfigurationError: It is neither a DataFrame nor a file of a known kind.
        BadPayload: The file cannot be read.
    """
    if isinstance(data, pd.DataFrame):
        return data.reset_index() if data.index.name or data.index.nlevels > 1 else data
    path = Path(data) if isinstance(data, str | Path) else Path()
    if (ending := path.suffix.lower()) not in FORMS:
        raise ConfigurationError(f"{data!r:.60} is no table. Give a DataFrame, or a .csv, .xlsx or .parquet file.")
    try:
        return FORMS[ending].texts(check_ordinary(path))
    except FileNotFoundError as error:
        raise BadPayload(f"There is no file {path.name}. Check its path.") from error
    except Exception as error:
        raise BadPayload(f"{path.name} cannot be read as {path.suffix} ({_why(error)}). Save it again.") from error


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, (pd.errors.EmptyDataError, IndexError)):
        return "it is empty"
    if isinstance(error, pd.errors.ParserError):
        return str(error).rpartition("error: ")[2].strip()  # "Expected 3 fields in line 4, saw 5"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _with_heads(raw: pd.DataFrame) -> pd.DataFrame:
    """A table of which the first row holds the names of the columns: so none is renamed where two are alike."""
    named = raw.iloc[:, raw.iloc[0].notna().to_numpy()]
    return named.iloc[1:].set_axis(named.iloc[0].astype(str).to_list(), axis="columns")


def _texts_of_csv(path: Path) -> pd.DataFrame:
    return _with_heads(pd.read_csv(path, dtype=str, header=None, skip_blank_lines=False, encoding="utf-8-sig"))


def _texts_of_sheet(path: Path) -> pd.DataFrame:
    return _with_heads(_excel(path, dtype=str, header=None))


def _form(path: Path) -> _Form:
    return FORMS[check_form(path, _packages())]


def _packages() -> dict[str, str]:
    return {ending: form.package for ending, form in FORMS.items()}


# --------------------------------------------------------------------------------------- Parquet and CSV


def safe_csv(frame: pd.DataFrame) -> str:
    r"""A frame as CSV in which a spreadsheet finds no formula, for an apostrophe stands before it; see `neutral`.

    Figures read back as they were. Control characters are dropped; an end of line inside a cell is kept, quoted.

    Args:
        frame: Any frame, such as `answer.to_frame()`. A named index becomes columns.

    Returns:
        CSV with a header, lines ending in `\n`, and an empty cell for what is missing. Write it with
        `encoding="utf-8-sig"` for Excel.

    Example:
        >>> from finassist.core.facts import Fact
        >>> from finassist.reporting.frames import facts_frame
        >>> fact = Fact(symbol="ACME", field="change", value=Decimal("-1.95"), note="=1+1", statement="price")
        >>> frame = facts_frame([fact])[["symbol", "value", "note"]]
        >>> print(safe_csv(frame))
        symbol,value,note
        ACME,-1.95,'=1+1
        <BLANKLINE>
    """
    named = any(name is not None for name in frame.index.names)
    flat = (frame.reset_index() if named else frame).astype("object")
    flat.columns = [_csv_cell(str(name)) for name in flat.columns]
    return flat.map(_csv_cell, na_action="ignore").to_csv(index=False, lineterminator="\n")


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    _for_file(frame, ["decimal"]).to_parquet(path, engine="pyarrow", index=False)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    # With a mark at its beginning, without which Excel does not see that it is UTF-8.
    path.write_text(safe_csv(_for_file(frame, _WRITTEN)), encoding="utf-8-sig", newline="")


def _read_csv(path: Path) -> pd.DataFrame:
    raw = pd.read_csv(path, dtype="object", na_filter=False, skip_blank_lines=False, encoding="utf-8-sig")
    return raw.map(_restored_cell)


def _csv_cell(value: Any) -> Any:
    """A value as it goes into a cell: text without formulas, lists joined, days without a time."""
    if isinstance(value, datetime) and value == datetime(value.year, value.month, value.day, tzinfo=value.tzinfo):
        return value.date().isoformat()
    if isinstance(value, bool | int | float | date):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list | tuple):
        return neutral("; ".join(map(str, value)))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return neutral(str(value))


# ------------------------------------------------------------------------------------------------ Excel


def _write_sheet(frame: pd.DataFrame, path: Path) -> None:
    flat = _for_file(frame, _WRITTEN).astype("object").map(_sheet_cell, na_action="ignore")
    flat.columns = [neutral(str(name)) for name in flat.columns]
    with path.open("wb") as file:
        write: Any = getattr(flat, "to_excel")  # noqa: B009  its stubs are partial
        write(file, sheet_name="finassist", engine="openpyxl", index=False, freeze_panes=(1, 0))


def _read_sheet(path: Path) -> pd.DataFrame:
    return _excel(path, dtype="object", na_filter=False, engine="openpyxl").map(_restored_cell)


def _restored_cell(value: Any) -> Any:
    return (restored(value) or None) if isinstance(value, str) else value


def _sheet_cell(value: Any) -> Any:
    """A value as Excel holds it: times without a zone, days before its calendar as text, text without formulas."""
    if isinstance(value, datetime):
        time = pd.Timestamp(value)
        naive = time.tz_convert(None) if time.tzinfo else time
        return naive if value.year >= _FIRST_YEAR else value.isoformat()
    return neutral(value) if isinstance(value, str) else value


class _Form(NamedTuple):
    """One form of a file: `read` is for what `write` wrote, `texts` for the table of any program."""

    package: str
    write: Callable[[pd.DataFrame, Path], None]
    read: Callable[[Path], pd.DataFrame]
    texts: Callable[[Path], pd.DataFrame]


FORMS: Final = {
    ".parquet": _Form("pyarrow", _write_parquet, pd.read_parquet, pd.read_parquet),
    ".csv": _Form("pandas", _write_csv, _read_csv, _texts_of_csv),
    ".xlsx": _Form("openpyxl", _write_sheet, _read_sheet, _texts_of_sheet),
}
"""How to write and read each form of a file, by the end of its name, and the package it takes."""

# ------------------------------------------------------------------------------------------------ types


def _for_file(frame: pd.DataFrame, objects: Collection[Kind]) -> pd.DataFrame:
    """A frame in which such objects are text: exact figures with every digit, lists as JSON."""
    known = _known(frame.columns)
    changed = {
        name: frame[name].map(_WRITTEN[known[name].kind], na_action="ignore").astype("string")
        for name in frame.columns
        if name in known and known[name].kind in objects
    }
    return frame.assign(**changed)


def _from_file(raw: pd.DataFrame) -> pd.DataFrame:
    """The frame that was written: columns of names we know with their types, the others as guessed."""
    known = _known(raw.columns)
    columns = {name: _column(str(name), raw[name], known.get(str(name))) for name in raw.columns}
    if "exact" in columns and "value" in columns:
        pairs = zip(columns["value"].tolist(), columns["exact"].tolist(), strict=True)
        columns["value"] = typed_column([_sharpened(*pair) for pair in pairs], known["value"])
    return pd.DataFrame(columns, columns=list(raw.columns))


def _known(names: Iterable[Any]) -> Mapping[str, Column]:
    """The columns we know by their names; where frames differ in one, that of the frame with most of these names."""
    there = set(map(str, names))
    schemas = sorted(SCHEMAS.values(), key=lambda schema: len(there & schema.keys()) - len(schema.keys() - there))
    return {name: column for schema in schemas for name, column in schema.items()}


def _column(name: str, raw: pd.Series[Any], column: Column | None) -> pd.Series[Any]:
    if column is None:
        return _guessed(raw)
    read = _READ[column.kind]
    try:
        values = [_absent(column) if pd.isna(value) is True else read(value) for value in raw.tolist()]
        return typed_column(values, column)
    except (ValueError, TypeError, ArithmeticError, SyntaxError) as error:
        raise ValueError(
            f"The column {name!r} holds something that is no {column.kind}. It was changed after finassist wrote it; "
            "correct it, or read the file with pandas."
        ) from error


def _sharpened(value: Any, exact: Decimal | None) -> Any:
    """A number with all its digits, of which Excel keeps sixteen."""
    return float(exact) if exact is not None and f"{value:.16g}" == f"{float(exact):.16g}" else value


def _guessed(raw: pd.Series[Any]) -> pd.Series[Any]:
    """A column of another program: numbers where all its cells are numbers."""
    if not (pd.api.types.is_object_dtype(raw) or pd.api.types.is_string_dtype(raw)):
        return raw
    try:
        return pd.to_numeric(raw).convert_dtypes()
    except (ValueError, TypeError):
        return raw.convert_dtypes()


def _absent(column: Column) -> Any:
    empty: Mapping[Kind, Any] = {"keys": (), "list": []}
    return empty.get(column.kind, "" if column.kind == "text" and not column.optional else None)


def _strings(value: Any) -> list[str]:
    """A list from JSON, from Python's own way to write one (pandas does), or from a file that has lists."""
    found: Iterable[Any] = value
    if isinstance(value, str):
        found = json.loads(value) if value.startswith('["') else literal_eval(value)
    return [str(each) for each in found]


def _flag(value: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise ValueError
    return str(value).lower() == "true"


_WRITTEN: Final[Mapping[Kind, Callable[[Any], str]]] = {
    "decimal": str,
    "keys": lambda value: json.dumps(list(value)),
    "list": lambda value: json.dumps(list(value)),
}
_READ: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    "text": str,
    "number": float,
    "integer": int,
    "flag": _flag,
    "day": pd.Timestamp,
    "time": pd.Timestamp,
    "decimal": lambda value: Decimal(str(value)),
    "keys": lambda value: tuple(_strings(value)),
    "list": _strings,
}
