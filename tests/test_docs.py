"""Documentation that runs: every Python block of the README and of the site's pages, every example in a docstring."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest

import finassist
from finassist import EmbeddedProvider
from finassist.config.settings import Settings
from finassist.config.sources import variable_of
from finassist.core import errors
from finassist.core.errors import FinassistError
from finassist.core.events import KINDS
from tests.benchmarks.answers import table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "finassist" / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SET_UP = (
    "pip install uv && uv run jupyter lab notebooks/01_quickstart.ipynb",
    "pip install uv && uv run pytest",
)
NUMBERS = {15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen"}
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = [module.name for module in pkgutil.walk_packages(finassist.__path__, "finassist.")]


def code_and_output(text: str) -> Iterator[tuple[str, str | None]]:
    """Each Python block, with the text block that follows it and says what it prints."""
    for (language, code), (following, printed) in pairwise([*BLOCK.findall(text), ("", "")]):
        if language == "python":
            yield code, printed if following == "text" else None


async def execute(code: str, namespace: dict[str, object]) -> str:
    """Run a block as a notebook cell does, with `await` at its top level; return what it printed."""
    compiled = compile(code, "page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = StringIO()
    with redirect_stdout(printed):
        result = eval(compiled, namespace)  # our own pages
        if inspect.iscoroutine(result):
            await result
    return printed.getvalue()


RUNNING = [page for page in PAGES if any(code_and_output(page.read_text(encoding="utf-8")))]


@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.stem)
def test_every_python_block_of_a_page_runs_and_prints_what_it_says(page, tmp_path, monkeypatch, run_async) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    async def run_all() -> None:
        namespace: dict[str, object] = {"__name__": "page"}
        for code, expected in code_and_output(page.read_text(encoding="utf-8")):
            printed = await execute(code, namespace)
            if expected is not None:
                same = doctest.OutputChecker().check_output(expected, printed, LENIENT)
                assert same, f"{page.name} says this prints\n{expected}\nand it prints\n{printed}"

    run_async(run_all())


def test_the_readme_begins_with_the_two_set_up_commands_and_has_no_others() -> None:
    shell = [line.partition("#")[0].strip() for line in README.splitlines() if "pip install uv" in line]
    assert tuple(shell) == SET_UP
    assert README.index(SET_UP[0]) < README.index("\n## ")


def test_the_readme_is_short_and_what_it_counts_is_so() -> None:
    assert len(README.splitlines()) <= 180
    provider = EmbeddedProvider()
    companies = provider.to_frame("annual").index.unique("symbol")
    last = provider.to_frame("prices_daily")["date"].max()
    notebooks = len([*(ROOT / "notebooks").glob("*.ipynb")])
    for said in (f"over {len(companies)} companies", f"prices end on {last}", f"{NUMBERS[notebooks]} notebooks"):
        assert said in " ".join(README.split()), f"say so in the README: {said}"


def test_the_reference_has_every_public_name() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    made = {*(kind.__name__ for kind in KINDS), "RunResponse", "categories"}
    made |= {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, FinassistError)}
    missing = [name for name in finassist.__all__ if name not in made and not re.search(rf":: {name}\b", pages)]
    assert not missing, f"add these to a page of finassist/docs/reference/: {missing}"


def test_the_table_of_speeds_is_the_one_that_is_measured() -> None:
    """Its numbers are of another day and machine; its rows are those of `python -m tests.benchmarks --answers`."""
    page = (DOCS / "explanation" / "speed.md").read_text(encoding="utf-8")
    rows = [re.sub(r"\d+ ms", "", line) for line in page.splitlines()]
    assert all(re.sub(r"\d+ ms", "", line) in rows for line in table(rounds=1))
    taken = [int(number) for number in re.findall(r"” \| (\d+) ms", page)]
    assert f"{min(taken)} to {max(taken)} ms" in README


def test_the_example_file_names_every_setting() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        variable = variable_of(name)
        assert f"{variable}=" in example, f"add {variable} to .env.example"


def test_the_example_file_changes_nothing(monkeypatch) -> None:
    """Copied to `.env` as it is, it leaves every setting at its default."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)
    assert Settings(_env_file=ROOT / ".env.example") == Settings(_env_file=None)


TEXTS = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_every_file_a_text_points_to_is_there(text: Path) -> None:
    content = text.read_text(encoding="utf-8")
    named = re.findall(r"`((?:finassist|tests|notebooks|binder)/[\w./-]+)`", content)
    linked = [target for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", content) if "://" not in target]
    missing = {*(name for name in named if not (ROOT / name).exists())}
    missing |= {target for target in linked if not (text.parent / target).exists()}
    assert not missing, f"{text.name} points to what is not there: {missing}"


def test_every_test_that_contributing_names_is_there() -> None:
    named = re.findall(r"`(tests/\w+\.py)::(\w+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    missing = [test for file, test in named if f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")]
    assert named
    assert not missing, f"CONTRIBUTING.md names tests that are not there: {missing}"


@pytest.mark.parametrize("name", ["finassist", *MODULES])
def test_the_examples_of_a_module_run(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path))
    if name == "finassist.apps.persona":
        pytest.importorskip("jupyter_ai_persona_manager", reason="needs the group jupyter-ai")
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=LENIENT)
    assert not failed
