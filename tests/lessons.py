"""Lessons: notebooks with exercises, whose solutions are folded into a cell of text; and how long a notebook takes."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

FIRST = 2
FIRST_INSIDE = 5
TAKES = re.compile(r"(\d+) minutes? to read, (\d+) seconds to run")
"""What a notebook says at its top; `tests/execute_notebooks.py` writes it."""

_WORDS_PER_MINUTE = 200
_STEP = 5
_SOLUTION = "<summary>Solution</summary>"
_CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def is_lesson(path: Path) -> bool:
    """Whether a notebook has exercises."""
    return int(path.stem[:2]) >= FIRST


def opens_rooms(path: Path) -> bool:
    """Whether a notebook shows how finassist works inside, and not only what it does."""
    return int(path.stem[:2]) >= FIRST_INSIDE


def reading_minutes(notebook: NotebookNode) -> int:
    """Minutes that it takes to read text and code, at 200 words a minute."""
    words = sum(len(cell.source.split()) for cell in notebook.cells)
    return max(1, round(words / _WORDS_PER_MINUTE))


def timed(notebook: NotebookNode, seconds: float | None = None) -> NotebookNode:
    """The notebook, whose top says how long it takes: the run rounded up to five seconds, or as said before."""

    def takes(said: re.Match[str]) -> str:
        minutes = reading_minutes(notebook)
        run = said[2] if seconds is None else _STEP * ceil(seconds / _STEP)
        return f"{minutes} minute{'s' * (minutes != 1)} to read, {run} seconds to run"

    notebook.cells[0].source = TAKES.sub(takes, notebook.cells[0].source)
    return notebook


def solutions(notebook: NotebookNode) -> list[str]:
    """The code of each solution; "" for one in words."""
    folded = [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and _SOLUTION in cell.source]
    return ["".join(_CODE.findall(source)) for source in folded]


def solved(notebook: NotebookNode) -> NotebookNode:
    """The notebook with every solution as a cell that runs, after all others."""
    cells = [nbformat.v4.new_code_cell(code) for code in solutions(notebook) if code]
    return nbformat.v4.new_notebook(cells=[*notebook.cells, *cells], metadata=notebook.metadata)
