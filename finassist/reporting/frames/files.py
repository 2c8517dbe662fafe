"""Frames as files: written so that a spreadsheet runs nothing, and read back with every digit and every type.

Parquet keeps everything. CSV and Excel keep figures, days and types; of text they lose what no cell can hold: control
characters, and the difference between no text and an empty one.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

import pandas as pd

from finassist.core.errors import ConfigurationError, MissingExtra
from finassist.reporting.frames.cells import for_file, from_file
from finassist.reporting.frames.sheets import read_sheet, write_sheet


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


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    for_file(frame, lists=True).to_parquet(path, engine="pyarrow", index=False)


def _read_parquet(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path, engine="pyarrow")


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    from finassist.reporting.export import safe_csv  # it stands above: it also shows answers

    # With a mark at its beginning, without which Excel does not see that it is UTF-8.
    path.write_text(safe_csv(for_file(frame)), encoding="utf-8-sig", newline="")


def _read_csv(path: Path) -> pd.DataFrame:
    from finassist.reporting.export import restored

    raw = pd.read_csv(path, dtype="object", na_filter=False, skip_blank_lines=False, encoding="utf-8-sig")
    return raw.map(restored).replace("", None)


FORMS: Final = {
    ".parquet": (_write_parquet, _read_parquet, "pyarrow"),
    ".csv": (_write_csv, _read_csv, "pandas"),
    ".xlsx": (write_sheet, read_sheet, "openpyxl"),
}
"""How to write and read each form of a file, and the package it takes."""
