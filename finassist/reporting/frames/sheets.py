"""Frames as sheets of Excel: text is text, whatever it begins with, and a long one is not cut in silence."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from finassist.config.sources import FinassistWarning
from finassist.reporting.frames.cells import for_file

_LONGEST_CELL: Final = 32_767
_MOST_ROWS: Final = 1_048_575
_FIRST_YEAR: Final = 1901  # before it, Excel has no dates


def write_sheet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as the only sheet of a file.

    Raises:
        ValueError: It has more rows than a sheet.
    """
    from openpyxl import Workbook

    if len(frame) > _MOST_ROWS:
        raise ValueError(
            f"A sheet of Excel holds {_MOST_ROWS:,} rows and this has {len(frame):,}. Write Parquet or CSV."
        )
    flat = for_file(frame)
    if _longest(flat) > _LONGEST_CELL:
        warnings.warn(
            f"A cell of Excel holds {_LONGEST_CELL:,} characters: longer texts are cut. Parquet and CSV keep them.",
            FinassistWarning,
            stacklevel=4,
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("finassist")
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, str(name)) for name in flat.columns])
    for row in flat.astype("object").itertuples(index=False, name=None):
        sheet.append([_cell(sheet, value) for value in row])
    book.save(path)


def read_sheet(path: Path) -> pd.DataFrame:
    """The first sheet of a file, as its cells are."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True)
    try:
        rows: Iterator[tuple[Any, ...]] = book.worksheets[0].iter_rows(values_only=True)
        header = next(rows, ())
        # A row ends with its last cell that is not empty.
        cells = [row + (None,) * (len(header) - len(row)) for row in rows]
        return pd.DataFrame(cells, columns=list(header), dtype="object")
    finally:
        book.close()


def _longest(frame: pd.DataFrame) -> int:
    texts = (value for column in frame.columns for value in frame[column].tolist() if isinstance(value, str))
    return max(map(len, texts), default=0)


def _cell(sheet: Any, value: Any) -> Any:
    """A value as Excel holds it. Text is never a formula, also not when somebody edits the cell."""
    if pd.isna(value):
        return None
    if isinstance(value, datetime):
        naive = pd.Timestamp(value).tz_convert(None) if value.tzinfo else pd.Timestamp(value)
        return naive.to_pydatetime() if value.year >= _FIRST_YEAR else _text(sheet, value.isoformat())
    return _text(sheet, value) if isinstance(value, str) else value


def _text(sheet: Any, text: str) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    legal = ILLEGAL_CHARACTERS_RE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    cell = WriteOnlyCell(sheet, value=legal)
    cell.data_type = "s"
    cell.quotePrefix = not legal[:1].isalnum()
    return cell
