"""The house rules that a program can check; the import contracts are in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import finassist

ROOT = Path(finassist.__file__).parent
SITE = ROOT / "docs"
"""How the site is made is no part of the package."""
PATHS = [path for path in ROOT.rglob("*.py") if SITE not in path.parents]
MODULES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PATHS}

MOST_LINES = 375
MOST_MODULES = 213
MOST_AT_THE_ROOT = 12


def test_imports_keep_the_contracts() -> None:
    """In a process of its own: import-linter silences every logger of the one it runs in."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_house_is_small() -> None:
    lines = {name: text.count("\n") for name, text in MODULES.items()}
    assert not {name: count for name, count in lines.items() if count > MOST_LINES}, "split these"
    assert len(MODULES) <= MOST_MODULES, "merge small modules"
    assert len([path for path in ROOT.iterdir() if path.is_file()]) <= MOST_AT_THE_ROOT


REFUSED = {
    "asyncio.run": (("core/concurrency.py", "apps/cli/"), "Await, or go through the portal."),
    "asyncio.gather": ((), "Use an asyncio.TaskGroup: it cancels what is left and keeps every error."),
    "asyncio.new_event_loop": ((), "There is one private loop, in the portal."),
    "asyncio.get_event_loop": ((), "Use asyncio.get_running_loop()."),
    "ThreadPoolExecutor": ((), "Use an asyncio.TaskGroup; sync code reaches it through the portal."),
    "eval": ((), "Never execute text."),
    "exec": ((), "Never execute text."),
    "pickle.loads": ((), "Store JSON: a pickle runs code and keeps secrets."),
}


def _calls(text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).removeprefix("concurrent.futures."), node.lineno


def test_calls_that_have_a_better_way() -> None:
    found = [
        f"{name}:{line} calls {call}(). {REFUSED[call][1]}"
        for name, text in MODULES.items()
        for call, line in _calls(text)
        if call in REFUSED and not name.startswith(REFUSED[call][0])
    ]
    assert not found, "\n".join(found)


def test_exported_names() -> None:
    assert finassist.__all__ == sorted(finassist.__all__)
    assert all(getattr(finassist, name) is not None for name in finassist.__all__)
    assert list(finassist.categories) == ["income_statement", "company_financials", "stock_price", "report", "chat"]
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = finassist.nonsense


def test_importing_the_package_is_light() -> None:
    heavy = ("agno", "pandas", "ipywidgets", "aiohttp", "sqlalchemy")
    code = f"import sys, finassist; loaded = set({heavy}) & set(sys.modules); assert not loaded, loaded"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
