"""Every notebook runs from top to bottom offline, and what is committed reads well without running anything."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbformat import NotebookNode

import finassist
import finassist.testing
from tests.execute_notebooks import METADATA, NOTEBOOKS, execute, tidy
from tests.lessons import TAKES, is_lesson, opens_rooms, reading_minutes, solved

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
ADVICE = "run `python -m tests.execute_notebooks` and commit the result"
MACHINE = re.compile(r"/(home|root|tmp|Users|var|opt|usr|mnt|work)/|[A-Z]:\\\\|site-packages|FINASSIST_HOME")
ACTIVE = re.compile(r"<script|<iframe|<img|<link|javascript:|\bon\w+\s*=\s*[\"']|\bsrc\s*=|url\(", re.IGNORECASE)

PICTURE = re.compile(r'<img alt="[^"<>]*" width="100%" height="\d+" src="data:image/svg\+xml;base64,[\w+/=]+">')
"""Our own timeline, where a page drops SVG; what may be in it says tests/test_safety.py."""

pytestmark = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


class Executed(NamedTuple):
    notebook: NotebookNode
    solutions: list[NotebookNode]
    root: Path


@pytest.fixture(scope="module")
def executions() -> dict[Path, Executed]:
    return {}


@pytest.fixture
def executed(path: Path, executions: dict[Path, Executed], tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """The notebook after a fresh run, followed by its solutions in the same kernel; the tests of this file share it."""
    if path not in executions:
        root, plain = tmp_path_factory.mktemp(path.stem), nbformat.read(path, as_version=4)
        nbformat.write(solved(plain), root / path.name)
        ran = execute(root / path.name, root)
        own, added = ran.cells[: len(plain.cells)], ran.cells[len(plain.cells) :]
        ran.cells = own
        executions[path] = Executed(ran, added, root)
    return executions[path]


@pytest.fixture
def committed(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def bundles(notebook: NotebookNode) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each displayed thing, with the id of its cell."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if "data" in output:
                yield cell.id, output.data


def seen(cell: NotebookNode) -> list[Any]:
    """What a reader of the cell's outputs sees as text; where times are shown, only what kind of output it is."""
    timed = "timing" in cell.metadata.get("tags", [])
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return [output.output_type if timed else text for output, text in zip(cell.outputs, texts, strict=True)]


@pytest.mark.slow
def test_it_runs_without_keys_and_network(executed: Executed) -> None:
    for cell in [*code_cells(executed.notebook), *executed.solutions]:
        assert cell.execution_count, f"{cell.id} did not run"
        for output in cell.outputs:
            assert output.output_type != "error", f"{cell.id}: {output.get('evalue')}"
            assert output.get("name") != "stderr", f"{cell.id} complains: {output.text}"


@pytest.mark.slow
def test_it_leaves_nothing_behind(executed: Executed) -> None:
    assert list((executed.root / "work").iterdir()) == [], "a notebook writes no files of its own"
    stored = {path.name.split(".")[0] for path in (executed.root / "finassist_home").glob("*")}
    assert stored <= {"sessions", "batches"}


@pytest.mark.slow
def test_its_committed_outputs_are_those_of_a_fresh_run(executed: Executed, committed: NotebookNode) -> None:
    fresh = tidy(executed.notebook)
    for before, after in zip(code_cells(committed), code_cells(fresh), strict=True):
        assert seen(before) == seen(after), f"the outputs of {before.id} are not those of its code: {ADVICE}"


def test_it_is_committed_with_static_outputs(path: Path, committed: NotebookNode) -> None:
    cells = code_cells(committed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), ADVICE
    shown = list(bundles(committed))
    assert shown or (is_lesson(path) and any(cell.outputs for cell in cells)), "a reader on GitHub should see answers"
    for name, data in shown:
        assert set(data) <= {"text/plain", "text/html"}, f"{name} shows what GitHub does not draw: {sorted(data)}"
        assert "text/plain" in data, f"{name} has no text for a reader without HTML"
        assert not ACTIVE.search(PICTURE.sub("", data.get("text/html", ""))), f"{name} is not self-contained"


def test_it_is_small_and_names_no_machine(path: Path, committed: NotebookNode) -> None:
    assert path.stat().st_size < 450_000
    assert committed.metadata == nbformat.from_dict(METADATA), ADVICE
    for cell in committed.cells:
        assert set(cell.metadata) <= {"tags"}, f"{cell.id}: {ADVICE}"
        found = MACHINE.search(cell.source + json.dumps(cell.get("outputs", [])))
        assert not found, f"{cell.id} shows {found and found[0]}"


def test_it_uses_the_public_names_alone(path: Path, committed: NotebookNode) -> None:
    """From lesson 05 on other rooms are opened as well, to show how they work; nobody needs what is private."""
    nodes = [node for cell in code_cells(committed) for node in ast.walk(ast.parse(cell.source))]
    assert not [node.attr for node in nodes if isinstance(node, ast.Attribute) and is_private(node)]
    public = {module.__name__: set(module.__all__) for module in (finassist, finassist.testing)}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("finassist") and not opens_rooms(path):
            assert {name.name for name in node.names} <= public[str(node.module)]


def is_private(attribute: ast.Attribute) -> bool:
    own = isinstance(attribute.value, ast.Name) and attribute.value.id == "self"
    return attribute.attr.startswith("_") and not attribute.attr.endswith("__") and not own


def test_it_says_at_its_top_whom_it_is_for_and_how_long_it_takes(committed: NotebookNode) -> None:
    top = committed.cells[0].source
    takes = TAKES.search(top)
    assert takes
    assert "*For " in top
    assert int(takes[1]) == reading_minutes(committed), ADVICE


def test_it_explains_before_it_does(committed: NotebookNode) -> None:
    assert committed.cells[0].cell_type == "markdown"
    assert committed.cells[0].source.startswith("# ")
    prose = sum(cell.cell_type == "markdown" for cell in committed.cells)
    assert prose >= len(code_cells(committed)) * 0.7, "one idea a cell, each with a word about it"
