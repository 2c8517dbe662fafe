"""The house rules as tests. Each failure says what to do instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import finassist

ROOT = Path(finassist.__file__).parent
MODULES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py"))

# From the ground up. A module may import from its own row and from rows above it in this list.
ROWS: tuple[tuple[str, ...], ...] = (
    (
        "facts.py",
        "errors.py",
        "settings.py",
        "variables.py",
        "complaints.py",
        "configuration.py",
        "patience.py",
        "terminal.py",
        "questions.py",
        "quiet.py",
        "interrupts.py",
        "bridge.py",
        "tasks.py",
        "collector.py",
    ),
    ("data/__init__.py", "data/vocabulary.py", "data/vocabulary_table.py"),
    ("ledger.py", "ratios.py", "formatting.py", "derivation.py", "thresholds.py", "points.py", "analysis.py"),
    ("data/",),
    ("llm/",),
    ("choices.py",),
    ("tables.py", "dossier.py", "disclosure.py", "report.py", "frames/"),
    ("events.py", "draft.py", "effects.py", "understanding.py", "flows.py", "worklist.py", "state.py"),
    ("lab/",),
    ("agent_runs.py", "crew.py", "drivers.py"),
    ("views/", "export.py"),
    (
        "answer.py",
        "connections.py",
        "locks.py",
        "sqlite.py",
        "addresses.py",
        "postgres.py",
        "sessions.py",
        "history.py",
        "archive.py",
        "summary.py",
        "closing.py",
    ),
    ("call.py", "batch/", "engine.py", "watching.py", "workflow.py"),
    ("conversations.py", "variants.py", "views/chat/"),
    ("page/",),
    ("bench", "checks.py", "checkup.py", "magics.py", "magics_options.py", "cli/", "__main__.py", "__init__.py"),
)

# Doors that open lazily, inside a function: an answer shows itself through rooms above it.
LAZY_DOORS = {
    ("answer.py", "finassist.reporting.frames"),
    ("answer.py", "finassist.reporting.html.card"),
    ("frames/files.py", "finassist.reporting.export"),
    ("frames/files.py", "finassist.reporting.export.safe_csv"),
    ("frames/files.py", "finassist.reporting.export.restored"),
    ("lab/dials.py", "finassist.apps.live.dials.dials_view"),
    ("lab/dials.py", "finassist.apps.live.dials"),
    ("lab/stopwatch.py", "finassist.apps.live.timeline_html"),
    ("lab/stopwatch.py", "finassist.apps.live.timeline_html.TimelineImage"),
    ("workflow.py", "finassist.apps.chat"),
}

ASYNC_ROOMS = (
    "drivers.py",
    "bridge.py",
    "call.py",
    "engine.py",
    "workflow.py",
    "sessions.py",
    "archive.py",
    "sqlite.py",
    "connections.py",
    "locks.py",
    "postgres.py",
    "summary.py",
    "closing.py",
    "conversations.py",
    "magics.py",
    "batch/",
    "dask.py",
    "checkup.py",
    "llm/offline.py",
    "llm/attempts.py",
    "llm/clients.py",
    "llm/live.py",
    "llm/transport.py",
    "tasks.py",
    "lab/",
    "bench",
)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def imported(module: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{name.name}", node.lineno) for name in node.names)


def typing_only(module: str) -> set[int]:
    """Lines under `if TYPE_CHECKING:`, which import nothing when the program runs."""
    return {
        line
        for node in ast.walk(tree(module))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def row_of(module: str) -> int | None:
    exact = [index for index, row in enumerate(ROWS) if module in row]
    folders = [(len(part), index) for index, row in enumerate(ROWS) for part in row if module.startswith(part)]
    return exact[0] if exact else max(folders)[1] if folders else None


def own_module(name: str) -> str | None:
    """The file behind `finassist.x.y`, or `None` for somebody else's module or a name inside a module."""
    if not name.startswith("finassist."):
        return None
    path = name.removeprefix("finassist.").replace(".", "/")
    return next((found for found in (f"{path}.py", f"{path}/__init__.py") if (ROOT / found).is_file()), None)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_row(module: str) -> None:
    assert module.endswith("__init__.py") or row_of(module) is not None, (
        f"{module} has no row. Put it into ROWS of tests/test_architecture.py, below everything it imports; "
        "if it fits no row, it may be two modules."
    )


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module: str) -> None:
    here, lazy = row_of(module), typing_only(module)
    for name, line in imported(module):
        target = own_module(name)
        if target is None or line in lazy or (module, name) in LAZY_DOORS or module.endswith("__init__.py"):
            continue
        there = row_of(target)
        assert here is None or there is None or there <= here, (
            f"{module}:{line} imports {name}, which stands above it. Move what both need into a lower module, "
            "or hand it in as an argument."
        )


OWNERS = [
    ("pandas", ("frames/",), "Compute with facts, and make a frame of them in frames/."),
    ("ipywidgets", ("views/",), "Widgets only mirror state: put them into views/."),
    ("anywidget", ("views/",), "Widgets only mirror state: put them into views/."),
    ("IPython", ("views/", "magics"), "Show things from views/."),
    ("aiohttp", ("data/",), "Fetch through a provider in data/."),
    ("concurrent.futures.ThreadPoolExecutor", (), "Use an asyncio.TaskGroup; sync code reaches it through bridge.py."),
    ("multiprocessing", (), "Use an asyncio.TaskGroup."),
    ("nest_asyncio", ("views/",), "Await, or go through bridge.py; nested loops have one explicit door."),
    ("nest_asyncio2", ("magics.py",), "Await, or go through bridge.py; nested loops have one explicit door."),
    ("pickle", (), "Store JSON: a pickle runs code and keeps secrets."),
]


@pytest.mark.parametrize(("package", "owners", "advice"), OWNERS, ids=[owner[0] for owner in OWNERS])
def test_heavy_and_risky_packages_have_one_owner(package: str, owners: tuple[str, ...], advice: str) -> None:
    for module in MODULES:
        if any(module.startswith(owner) for owner in owners) or module.startswith("bench"):
            continue
        skipped = typing_only(module)
        for name, line in imported(module):
            if name == package or name.startswith(f"{package}."):
                assert line in skipped, f"{module}:{line} imports {package}. {advice}"


@pytest.mark.parametrize("module", MODULES)
def test_async_code_stays_in_its_rooms(module: str) -> None:
    if module.startswith(("data/", "views/", *ASYNC_ROOMS)):
        return
    if module in ("effects.py",):
        return
    for node in ast.walk(tree(module)):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith), (
            f"{module}:{node.lineno} is async. Yield an effect (effects.py) and let a driver perform it."  # type: ignore[attr-defined]
        )


def calls(module: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


FORBIDDEN = [
    ("asyncio.run", ("bridge.py", "bench", "cli/"), "Await, or go through bridge.py."),
    ("asyncio.gather", ("bench",), "Use an asyncio.TaskGroup: it cancels what is left and keeps every error."),
    ("asyncio.new_event_loop", (), "There is one private loop, in bridge.py."),
    ("asyncio.get_event_loop", (), "Use asyncio.get_running_loop()."),
    ("time.sleep", ("bench", "lab/"), "Wait for something, not for a while."),
    ("eval", (), "Never execute text."),
    ("exec", (), "Never execute text."),
    ("print", ("terminal.py", "bench", "data/build", "llm/build"), "Return a value, or yield an event."),
]


@pytest.mark.parametrize(("call", "owners", "advice"), FORBIDDEN, ids=[rule[0] for rule in FORBIDDEN])
def test_calls_that_have_a_better_way(call: str, owners: tuple[str, ...], advice: str) -> None:
    for module in MODULES:
        if not any(module.startswith(owner) for owner in owners):
            for name, line in calls(module):
                assert name != call, f"{module}:{line} calls {call}(). {advice}"


@pytest.mark.parametrize("module", ["flows.py", "understanding.py", "analysis.py", "report.py", "effects.py"])
def test_flows_have_no_clock_and_no_io(module: str) -> None:
    for name, line in imported(module):
        assert name.split(".")[0] not in ("time", "asyncio", "threading", "os", "pathlib", "socket", "sqlite3"), (
            f"{module}:{line} imports {name}. A flow is pure: yield an effect, or take the value as an argument."
        )


@pytest.mark.parametrize("flow", ["report", "alone", "chat"])
def test_the_named_flow_doors_are_one_line(flow: str) -> None:
    workflow = [node for node in tree("workflow.py").body if isinstance(node, ast.ClassDef)][-1]
    for name in (f"_run_{flow}_flow", f"_arun_{flow}_flow"):
        [door] = [node for node in workflow.body if isinstance(node, ast.FunctionDef) and node.name == name]
        statements = [node for node in door.body if not isinstance(node, ast.Expr)]
        assert len(statements) == 1, f"{name} is a door: the flow itself belongs in flows.py, written once."


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_can_be_read_in_one_sitting(module: str) -> None:
    lines = (ROOT / module).read_text(encoding="utf-8").count("\n")
    assert lines <= (400 if module == "workflow.py" else 300), (
        f"{module} has {lines} lines. Is it still one room? Split it."
    )
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not ast.get_docstring(node):
            length = (node.end_lineno or 0) - node.lineno
            assert length <= 50, f"{module}:{node.lineno} {node.name} has {length} lines. Name its parts."


def test_exported_names() -> None:
    assert finassist.__all__ == sorted(finassist.__all__)
    for name in finassist.__all__:
        assert getattr(finassist, name) is not None
    assert list(finassist.categories) == ["income_statement", "company_financials", "stock_price", "report", "chat"]
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = finassist.nonsense


def test_importing_the_package_is_light() -> None:
    import subprocess
    import sys

    heavy = ("agno", "pandas", "ipywidgets", "aiohttp", "sqlalchemy")
    code = f"import sys, finassist; loaded = set({heavy}) & set(sys.modules); assert not loaded, loaded"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
