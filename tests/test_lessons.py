"""The exercises of the lessons can be solved as their solutions say."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from tests.execute_notebooks import NOTEBOOKS, execute
from tests.lessons import is_lesson, solutions, solved

LESSONS = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if is_lesson(path)]
README = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@pytest.mark.slow
def test_the_solutions_solve_the_exercises(path: Path, tmp_path: Path) -> None:
    pupil = tmp_path / path.name
    nbformat.write(solved(nbformat.read(path, as_version=4)), pupil)
    for cell in execute(pupil, tmp_path / "kernel").cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", f"{cell.source}\n{output.text}"


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


def test_the_readme_opens_it(path: Path) -> None:
    assert f"notebooks/{path.name}" in README
