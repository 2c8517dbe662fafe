"""Every exercise of a lesson has a solution; `tests/test_notebooks.py` runs them."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from tests.execute_notebooks import NOTEBOOKS
from tests.lessons import is_lesson, solutions

LESSONS = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if is_lesson(path)]

pytestmark = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def test_every_exercise_has_a_solution_that_is_checked(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    exercises = re.findall("^## Exercise", "\n".join(cell.source for cell in notebook.cells), re.MULTILINE)
    found = solutions(notebook)
    assert 1 <= len(exercises) == len(found)
    assert any("assert" in code for code in found), "a solution says what makes it one"


def test_it_leads_on_and_its_links_lead_somewhere(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    links = re.findall(r"\]\(([^)#:]+\.ipynb)\)", "\n".join(cell.source for cell in notebook.cells))
    assert links
    assert all((NOTEBOOKS / link).is_file() for link in links), links
