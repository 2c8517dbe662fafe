"""Frames as files: written so that a spreadsheet runs nothing, and read back with every digit and every type.

Parquet keeps everything. CSV and Excel keep figures, days and types; of text they lose what no cell can hold: control
characters, and the difference between no text and an empty one.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pandas as pd

from finassist.config.sources import FinassistWarning
from finassist.core.errors import ConfigurationError, MissingExtra
from finassist.reporting.frames.cells import for_file, from_file

_LONGEST_CELL: Final = 32_767
_MOST_ROWS: Final = 1_048_575
_FIRST_YEAR: Final = 1901  # before it, Excel has no dates

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_RUN = r"[^\S\n\t]*(?:[\"']+[^\S\n\t]*)?[=+\-@＝＋－＠]"
_FORMULA = re.compile(rf"^(?=[\n\t])|(?:(?<=[\n;\t])|^)(?={_RUN})")
_NEUTRALISED = re.compile(rf"^'(?=[\n\t])|(?:(?<=[\n;\t])|^)'(?={_RUN})")


def write_frame(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame of finassist as Parquet, CSV or Excel; what the name ends in decides.

    Args:
        frame: `answer.to_frame()`, `workflow.history()`, `batch.frame`, … An index is not written.
        path: Ends in `.parquet`, `.csv` or `.xlsx`. A file that is there is replaced, once the new one is whole.

    Returns:
        The path.

    Raises:
        MissingExtra: Parquet or Excel, and the packages of `finassist[export]` are not installed.
        ConfigurationError: The name ends in something else.
        ValueError: The frame does not fit into a sheet of Excel.

    Example:
        >>> from decimal import Decimal
        >>> from tempfile import TemporaryDirectory
        >>> from finassist.core.facts import Fact
        >>> from finassist.reporting.frames import facts_frame, read_frame, write_frame
        >>> frame = facts_frame([Fact(symbol="ACME", field="revenue", value=Decimal("1.10"), statement="income")])
        >>> with TemporaryDirectory() as folder:
        ...     again = read_frame(write_frame(frame, f"{folder}/facts.csv"))
        >>> again.equals(frame), again["exact"][0]
        (True, Decimal('1.10'))
    """
    target = Path(path)
    write, _ = _form(target)
    part = target.with_name(f".{target.name}.part")
    try:
        write(frame, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def read_frame(path: str | Path) -> pd.DataFrame:
    """Read a frame that `write_frame` wrote, with the types it had.

    Raises:
        MissingExtra: Parquet or Excel, and the packages of `finassist[export]` are not installed.
        ConfigurationError: The name ends in something else.
        ValueError: A cell holds something that its column cannot hold.
        OSError: There is no such file.
    """
    _, read = _form(Path(path))
    return from_file(read(Path(path)))


def check_file(path: str | Path) -> Path:
    """The path, if a frame can be written there; to be asked before the work that makes the frame.

    Raises:
        MissingExtra: The packages of `finassist[export]` are needed and not installed.
        ConfigurationError: The name does not say how to write it, or its folder is not there.
    """
    target = Path(path)
    _form(target)
    if not target.parent.is_dir():
        raise ConfigurationError(f"There is no folder {target.parent}. Create it, or write to another.")
    return target


def _form(path: Path) -> tuple[Callable[[pd.DataFrame, Path], None], Callable[[Path], pd.DataFrame]]:
    ending = path.suffix.lower()
    if ending not in FORMS:
        raise ConfigurationError(f"The name of a file must end in {', '.join(FORMS)}, so that it says how to write it.")
    write, read, package = FORMS[ending]
    try:
        import_module(package)
    except ImportError as error:
        raise MissingExtra(
            f"{ending} files need the package {package}. Run: pip install 'finassist[export]'"
        ) from error
    return write, read


# --------------------------------------------------------------------------------------- Parquet and CSV


def safe_csv(frame: pd.DataFrame) -> str:
    r"""A frame as CSV in which a spreadsheet finds no formula.

    A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` (or their full-width forms), also after spaces,
    tabs, quotes or an end of line. Such text gets an apostrophe in front, which makes it text, at the start of the
    cell and of each of its lines; also after a `;` or a tab, at which some spreadsheets split. So does a cell that
    begins with a tab or an end of line. Numbers are never
    touched, text that is a plain number included, so figures read back as they were. Control characters are
    dropped; an end of line inside a cell is kept, quoted as CSV does.

    Args:
        frame: Any frame, such as `answer.to_frame()`. A named index becomes columns.

    Returns:
        CSV with a header, commas, lines ending in `\n`, and an empty cell for what is missing. Write it with
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


def restored(text: str) -> str:
    """A cell of `safe_csv` as it was, without the apostrophes that keep a spreadsheet from running it.

    Example:
        >>> restored("'=1+1"), restored("-1.95"), restored("O'Neill")
        ('=1+1', '-1.95', "O'Neill")
    """
    return _NEUTRALISED.sub("", text) if "'" in text else text


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    for_file(frame, lists=True).to_parquet(path, engine="pyarrow", index=False)


def _read_parquet(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path, engine="pyarrow")


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    # With a mark at its beginning, without which Excel does not see that it is UTF-8.
    path.write_text(safe_csv(for_file(frame)), encoding="utf-8-sig", newline="")


def _read_csv(path: Path) -> pd.DataFrame:
    raw = pd.read_csv(path, dtype="object", na_filter=False, skip_blank_lines=False, encoding="utf-8-sig")
    return raw.map(restored).replace("", None)


def _csv_cell(value: Any) -> Any:
    """A value as it goes into a cell: text without formulas, lists joined, days without a time."""
    if isinstance(value, datetime) and value == datetime(value.year, value.month, value.day, tzinfo=value.tzinfo):
        return value.date().isoformat()
    if isinstance(value, bool | int | float | date):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list | tuple):
        return _neutral("; ".join(map(str, value)))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return _neutral(str(value))


def _neutral(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    visible = "".join(c for c in lines if c in "\n\t" or c.isprintable())
    return visible if _NUMBER.fullmatch(visible) else _FORMULA.sub("'", visible)


# ------------------------------------------------------------------------------------------------ Excel


def _write_sheet(frame: pd.DataFrame, path: Path) -> None:
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
    sheet.append([_sheet_cell(sheet, str(name)) for name in flat.columns])
    for row in flat.astype("object").itertuples(index=False, name=None):
        sheet.append([_sheet_cell(sheet, value) for value in row])
    book.save(path)


def _read_sheet(path: Path) -> pd.DataFrame:
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


def _sheet_cell(sheet: Any, value: Any) -> Any:
    """A value as Excel holds it. Text is never a formula, not even when a user edits the cell."""
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


FORMS: Final = {
    ".parquet": (_write_parquet, _read_parquet, "pyarrow"),
    ".csv": (_write_csv, _read_csv, "pandas"),
    ".xlsx": (_write_sheet, _read_sheet, "openpyxl"),
}
"""How to write and read each form of a file, and the package it takes."""
