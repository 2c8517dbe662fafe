"""A Binder demo starts on the right Python with pinned packages, asks for no key, and fits into a gigabyte."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.binder import ROOT, Bare, checkout, dockerfile

REQUIREMENTS = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
MOST_MEGABYTES = 1_000
SAMPLE = ("01_quickstart", "12_your_own_provider")


def test_binder_has_the_python_that_is_tested() -> None:
    tested = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    assert (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip() == f"python-{tested}"


def test_every_requirement_is_the_project_or_pinned_by_number() -> None:
    named = [line for line in REQUIREMENTS if line and not line.startswith("#")]
    assert named[0] == ".[notebook]"
    for line in named[1:]:
        assert re.fullmatch(r"[\w.-]+==\d+(\.\d+)+", line), f"{line!r} is not a name and a number"
    assert {"agno", "ipykernel", "jupyterlab", "pandas"} <= {line.split("==")[0] for line in named}


def test_nothing_in_the_folder_names_a_key() -> None:
    for file in (ROOT / "binder").iterdir():
        assert not re.search(r"(?i)api_key|token|secret|password", file.read_text(encoding="utf-8")), file.name


@pytest.mark.slow
def test_the_image_binder_would_build(tmp_path: Path) -> None:
    made = dockerfile(checkout(tmp_path))
    assert "conda environment for python=3.13" in made, "Binder would use another Python"
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in made
    assert "./binder/postBuild" in made
    assert "_API_KEY" not in made


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="Binder's Python is 3.13; the run on it shows this")
def test_notebooks_run_in_binders_environment_offline(tmp_path: Path, record_property: Any) -> None:
    repository = tmp_path / "repository"
    bare = Bare(tmp_path / "environment", checkout(repository))
    bare.build()
    notebooks = [repository / "notebooks" / f"{name}.ipynb" for name in SAMPLE]
    *ran, memory = bare.execute(notebooks)
    assert ran == [f"ran {notebook.name}" for notebook in notebooks]
    megabytes = int(memory.rpartition(" ")[2])
    record_property("megabytes", megabytes)
    assert megabytes < MOST_MEGABYTES
