"""Values as a cell of a file holds them, and back: by the kind of the column, which its name says."""

from __future__ import annotations

import json
from ast import literal_eval
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from finassist.reporting.frames.schemas import SCHEMAS, Column, Kind, typed_column


def for_file(frame: pd.DataFrame, *, lists: bool = False) -> pd.DataFrame:
    """A frame without objects: exact figures as text with every digit, lists as JSON or, with `lists`, as they are."""
    known = _known(frame.columns)
    changed = {
        name: frame[name].map(_WRITTEN[known[name].kind], na_action="ignore").astype("string")
        for name in frame.columns
        if name in known and known[name].kind in (["decimal"] if lists else _WRITTEN)
    }
    return frame.assign(**changed)


def from_file(raw: pd.DataFrame) -> pd.DataFrame:
    """The frame that was written: every column of a name we know with its type, the others as well as can be guessed.

    Raises:
        ValueError: A cell holds something that its column cannot hold.
    """
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
        return typed_column([_absent(column) if _missing(value) else read(value) for value in raw.tolist()], column)
    except (ValueError, TypeError, ArithmeticError, SyntaxError) as error:
        raise ValueError(
            f"The column {name!r} holds something that is no {column.kind}. It was changed after finassist wrote it; "
            "correct it, or read the file with pandas."
        ) from error


def _sharpened(value: Any, exact: Decimal | None) -> Any:
    """A number with all its digits, of which Excel keeps sixteen."""
    return float(exact) if exact is not None and f"{value:.16g}" == f"{float(exact):.16g}" else value


def _guessed(raw: pd.Series[Any]) -> pd.Series[Any]:
    """Of a column that is not ours: numbers where all are numbers."""
    if not (pd.api.types.is_object_dtype(raw) or pd.api.types.is_string_dtype(raw)):
        return raw
    try:
        return pd.to_numeric(raw).convert_dtypes()
    except (ValueError, TypeError):
        return raw.convert_dtypes()


def _absent(column: Column) -> Any:
    empty: Mapping[Kind, Any] = {"keys": (), "list": []}
    return empty.get(column.kind, "" if column.kind == "text" and not column.optional else None)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _strings(value: Any) -> list[str]:
    """A list from JSON, from Python's own way to write one (pandas does), or from a file that has lists."""
    found: Iterable[Any] = value
    if isinstance(value, str):
        found = json.loads(value) if value.startswith('["') else literal_eval(value)
    return [str(each) for each in found]


def _utc(value: Any) -> pd.Timestamp:
    time = pd.Timestamp(value)
    return time.tz_localize("UTC") if time.tzinfo is None else time


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
    "time": _utc,
    "decimal": lambda value: Decimal(str(value)),
    "keys": lambda value: tuple(_strings(value)),
    "list": _strings,
}
