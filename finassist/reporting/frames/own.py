"""Tables of the user's own, and the frame of the companies a provider covers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from finassist.core.errors import BadPayload, ConfigurationError


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str)


def _sheet(path: Path) -> pd.DataFrame:
    read: Any = getattr(pd, "read_excel")  # noqa: B009  its stubs are partial
    return read(path, dtype=str)


def _parquet(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)


_READERS: Mapping[str, Callable[[Path], pd.DataFrame]] = {".csv": _csv, ".xlsx": _sheet, ".parquet": _parquet}


def own_table(data: Any) -> pd.DataFrame:
    """A DataFrame as it is, or what a file holds; texts of a file keep their digits.

    Raises:
        ConfigurationError: It is neither a DataFrame nor a file of a known kind.
        BadPayload: The file cannot be read.
    """
    if isinstance(data, pd.DataFrame):
        return data.reset_index() if data.index.name or data.index.nlevels > 1 else data
    path = Path(data) if isinstance(data, str | Path) else Path()
    if path.suffix.lower() not in _READERS:
        raise ConfigurationError(f"{data!r:.60} is no table. Give a DataFrame, or a .csv, .xlsx or .parquet file.")
    try:
        return _READERS[path.suffix.lower()](path)
    except FileNotFoundError as error:
        raise BadPayload(f"There is no file {path.name}. Check its path.") from error
    except Exception as error:
        raise BadPayload(
            f"{path.name} cannot be read as {path.suffix} ({type(error).__name__}). Save it again."
        ) from error


def companies_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Companies as a frame, one row each, indexed by symbol."""
    frame = pd.DataFrame(list(rows))
    for column in ("price_day", "shares_as_of"):
        if column in frame:
            frame[column] = pd.to_datetime(frame[column])
    for column in ("first_year", "last_year"):
        if column in frame:
            frame[column] = frame[column].astype("Int64")
    return frame.set_index("symbol")
