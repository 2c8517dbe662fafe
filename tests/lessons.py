"""Lessons: notebooks with exercises, whose solutions are folded into a cell of text."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

FIRST = 5
_SOLUTION = "<summary>Solution</summary>"
_CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def is_lesson(path: Path) -> bool:
    """Whether a notebook teaches, rather than shows what finassist does."""
    return int(path.stem[:2]) >= FIRST


def solutions(notebook: NotebookNode) -> list[str]:
    """The code of each solution; "" for one in words."""
    folded = [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and _SOLUTION in cell.source]
    return ["".join(_CODE.findall(source)) for source in folded]


def solved(notebook: NotebookNode) -> NotebookNode:
    """The notebook with every solution as a cell that runs, after all others."""
    cells = [nbformat.v4.new_code_cell(code) for code in solutions(notebook) if code]
    return nbformat.v4.new_notebook(cells=[*notebook.cells, *cells], metadata=notebook.metadata)
