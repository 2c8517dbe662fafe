"""Cells, formats and formulas of a workbook: figures by their unit, arithmetic as Excel writes it, text as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill

from finassist.core.facts import FIELDS, Fact
from finassist.core.formatting import label
from finassist.core.formulas import Arithmetic, Operation
from finassist.reporting.asked import title_of
from finassist.reporting.sanitize import neutral


def font(color: str = "000000", **look: Any) -> Font:
    """A font of the workbook."""
    plain: dict[str, Any] = {"name": "Calibri", "size": 11, "color": color}
    return Font(**plain | look)


INPUT, FORMULA, WRITTEN = font("0000FF"), font(), font(italic=True)
"""A figure of a source or an assumption; one that is computed; one that was computed elsewhere."""
BOLD, TITLE, LINK = font(bold=True), font(bold=True, size=14), font("0563C1", underline="single")
RED: Final = PatternFill("solid", start_color="FFC7CE", end_color="FFC7CE")
WRAPPED: Final = Alignment(wrap_text=True, vertical="top")

_HEAD, _HEAD_FILL = font("FFFFFF", bold=True), PatternFill("solid", start_color="1F3864")
_LEFT, _RIGHT = Alignment(horizontal="left"), Alignment(horizontal="right")
_FIGURES: Final = ("Value", "FY", "20", "Recomputed", "In the answer", "Difference", "Growth", "Margin")
"""How heads of columns of figures begin."""
_LARGE: Final = '[>=1000000]#,##0.0,,"m"_);[<=-1000000]-#,##0.0,,"m"_);#,##0.00_)'
_FORMATS: Final[Mapping[str, str]] = {
    "ratio": "0.0%_)", "points": "0.0%_)", "times": '0.00"×"_)', "days": "0.0_)", "count": "#,##0_)",
    "number": "0.00_)", "": "General",
}  # fmt: skip
_RANK: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
_FOLDS: Final = {"sum": "SUM", "mean": "AVERAGE", "median": "MEDIAN"}
_FUNCTIONS: Final = {"passed": "IF({0}>0,1,0)", "within": "MIN(MAX({0},{1}),{2})"}


# --------------------------------------------------------------------------------------------------- formulas


def as_excel(tree: Arithmetic, cell: Callable[[str], str]) -> str:
    """Arithmetic as a formula of Excel, without the sign that begins it; `cell` gives the address of an input.

    Example:
        >>> as_excel(Operation("/", ("A1", Operation("+", ("A1", "A2")))), str)
        'A1/(A1+A2)'
        >>> as_excel(Operation("mean", ("E2", "E3", "E4", "E9")), str)
        'AVERAGE(E2:E4,E9)'
    """
    match tree:
        case Decimal():
            return f"{float(tree):.15G}"
        case str():
            return cell(tree)
        case Operation(name=name, parts=parts) if name in _RANK:
            return name.join(_side(part, name, at, cell) for at, part in enumerate(parts))
        case Operation(name=name, parts=parts) if name in _FOLDS:
            cells = [cell(part) for part in parts if isinstance(part, str)]
            others = [as_excel(part, cell) for part in parts if not isinstance(part, str)]
            return f"{_FOLDS[name]}({','.join([*_ranges(cells), *others])})"
        case Operation(name=name, parts=parts):
            return _FUNCTIONS[name].format(*(as_excel(part, cell) for part in parts))


def _side(part: Arithmetic, sign: str, at: int, cell: Callable[[str], str]) -> str:
    """A side of a sign, in brackets where it binds less."""
    text = as_excel(part, cell)
    if not isinstance(part, Operation) or part.name not in _RANK:
        return text
    own, outer = _RANK[part.name], _RANK[sign]
    return f"({text})" if own < outer or (own == outer and (at == 1 or sign == "^")) else text


def _ranges(cells: Iterable[str]) -> Iterator[str]:
    """Cells, those below one another as ranges: a function of Excel takes at most 255 arguments."""
    parted = (_CELL.fullmatch(cell) for cell in cells)
    rows = sorted((found[1], found[2], int(found[3])) for found in parted if found)
    if not rows:
        return
    first = last = rows[0]
    for row in [*rows[1:], ("", "", 0)]:
        if row != (*last[:2], last[2] + 1):
            yield "".join(map(str, first)) + (f":{last[1]}{last[2]}" if last != first else "")
            first = row
        last = row


_CELL = re.compile(r"(.*?)([A-Z]+)(\d+)")


# ------------------------------------------------------------------------------------------------------ cells


def new_sheet(book: Workbook, name: str, heads: Sequence[tuple[str, int]]) -> Any:
    """A sheet with these columns, each with its width, whose head stays in view and on every printed page."""
    sheet: Any = book.create_sheet(name)
    put(sheet, 1, 1, [text for text, _ in heads])
    shade(sheet, 1, len(heads))
    widths(sheet, [width for _, width in heads])
    sheet.freeze_panes, sheet.print_title_rows = "A2", "1:1"
    return sheet


def widths(sheet: Any, columns: Sequence[int]) -> None:
    """Set the widths of columns, and print them on one page side by side."""
    for column, width in enumerate(columns, 1):
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = width
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def heading(sheet: Any, texts: Sequence[str], row: int = 0) -> None:
    """A head of a table, by default after an empty line."""
    row = row or sheet.max_row + 2
    put(sheet, row, 1, texts)
    shade(sheet, row, max(len(texts), 6))


def shade(sheet: Any, row: int, columns: int) -> None:
    """Show a row as the head of a table."""
    for cell in (sheet.cell(row, column) for column in range(1, columns + 1)):
        cell.font, cell.fill = _HEAD, _HEAD_FILL
        if str(cell.value).startswith(_FIGURES):
            cell.alignment = _RIGHT


def put(sheet: Any, row: int, column: int, values: Sequence[Any]) -> None:
    """Values side by side: numbers, days, and texts that no spreadsheet takes for a formula; nothing for `None`."""
    for at, value in enumerate(values, column):
        if value is not None and value != "":
            cell = sheet.cell(row, at, neutral(value) if isinstance(value, str) else value)
            if isinstance(value, date):
                cell.alignment = _LEFT


def figure(cell: Any, fact: Fact, look: Font) -> None:
    """A fact's figure or text in a cell; one that is missing leaves it empty."""
    cell.font, cell.number_format = look, format_of(fact)
    if fact.text is not None:
        cell.value = neutral(fact.text)
    elif fact.known and fact.value is not None:
        cell.value = float(fact.value)


def formula(cell: Any, text: str, form: str = "General") -> None:
    """A formula in a cell; its text is made by this package and holds nothing from outside."""
    cell.value, cell.font, cell.number_format = f"={text}", FORMULA, form


def format_of(fact: Fact) -> str:
    """How Excel shows a figure: percentages, multiples, and large amounts in millions; the cell keeps every digit."""
    if fact.unit in _FORMATS:
        return _FORMATS[fact.unit]
    return "#,##0.00_)" if fact.unit.endswith("/share") else _LARGE


def title(field: str) -> str:
    """The name of a figure as the head of a row."""
    return label(field) if field in FIELDS else title_of(field)


def unit_of(fact: Fact) -> str:
    """A unit as a spreadsheet says it."""
    return "percent" if fact.unit == "ratio" else fact.unit
