"""Documentation that runs: every Python block of the README, and every example in a docstring."""

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
from pathlib import Path

import pytest

import finassist
from finassist.config.settings import Settings
from finassist.config.sources import variable_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SET_UP = (
    "pip install uv && uv run jupyter lab notebooks/01_quickstart.ipynb",
    "pip install uv && uv run pytest",
)
LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = [module.name for module in pkgutil.walk_packages(finassist.__path__, "finassist.")]


def code_and_output() -> Iterator[tuple[str, str | None]]:
    """Each Python block, with the text block that follows it and says what it prints."""
    blocks = BLOCK.findall(README)
    for (language, code), (following, text) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language == "python":
            yield code, text if following == "text" else None


async def execute(code: str, namespace: dict[str, object]) -> str:
    """Run a block as a notebook cell does, with `await` at its top level; return what it printed."""
    compiled = compile(code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = StringIO()
    with redirect_stdout(printed):
        result = eval(compiled, namespace)  # our own README
        if inspect.iscoroutine(result):
            await result
    return printed.getvalue()


def test_every_python_block_of_the_readme_runs_and_prints_what_it_says(tmp_path, monkeypatch, run_async) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    async def run_all() -> int:
        namespace: dict[str, object] = {"__name__": "readme"}
        count = 0
        for code, expected in code_and_output():
            printed = await execute(code, namespace)
            if expected is not None:
                same = doctest.OutputChecker().check_output(expected, printed, LENIENT)
                assert same, f"The README says this prints\n{expected}\nand it prints\n{printed}"
            count += 1
        return count

    assert run_async(run_all()) >= 5


def test_the_readme_begins_with_the_two_set_up_commands_and_has_no_others() -> None:
    shell = [line.partition("#")[0].strip() for line in README.splitlines() if "pip install uv" in line]
    assert tuple(shell) == SET_UP
    assert README.index(SET_UP[0]) < README.index("\n## ")


def test_the_readme_and_the_example_file_name_every_setting() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        variable = variable_of(name)
        assert f"`{variable}`" in README, f"add {variable} to the table of settings in README.md"
        assert f"{variable}=" in example, f"add {variable} to .env.example"


def test_the_example_file_changes_nothing(monkeypatch) -> None:
    """Copied to `.env` as it is, it leaves every setting at its default."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)
    assert Settings(_env_file=ROOT / ".env.example") == Settings(_env_file=None)


@pytest.mark.parametrize("text", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_file_a_text_points_to_is_there(text: str) -> None:
    content = (ROOT / text).read_text(encoding="utf-8")
    named = re.findall(r"`((?:finassist|tests|notebooks|binder)/[\w./-]+)`", content)
    linked = [target for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", content) if "://" not in target]
    missing = sorted({target for target in [*named, *linked] if not (ROOT / target).exists()})
    assert not missing, f"{text} points to what is not there: {missing}"


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
