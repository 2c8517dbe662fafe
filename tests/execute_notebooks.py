"""Run the notebooks in real kernels, and write their outputs back so that the files stay small and stable.

    python -m tests.execute_notebooks                # every notebook in notebooks/
    python -m tests.execute_notebooks 01_quickstart  # one of them
    python -m tests.execute_notebooks --measure      # also how long each took; the machine must be idle

The kernel has no keys and no network, and everything it writes goes to a temporary folder. What differs from
one run to the next without meaning anything (ids, times of execution, the Python version) is not kept, and neither are
widgets, of which a saved notebook has only their static twins.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.kernels import DEADLINE, kernel_environment, kernel_manager
from tests.lessons import timed

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_WIDGET = "application/vnd.jupyter.widget-view+json"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def execute(path: Path, root: Path) -> NotebookNode:
    """The notebook as it is after running from top to bottom in a folder of its own below `root`.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    folder = root / "work"
    folder.mkdir(parents=True)
    client = NotebookClient(
        notebook,
        km=kernel_manager(root),
        timeout=DEADLINE,
        coalesce_streams=True,
        shutdown_kernel="immediate",
        resources={"metadata": {"path": str(folder)}},
    )
    # A manager that is handed in counts as the caller's: without `cleanup_kc` its kernel and sockets would stay open.
    return asyncio.run(client.async_execute(env=kernel_environment(root), cleanup_kc=True))


def tidy(notebook: NotebookNode) -> NotebookNode:
    """The same notebook without what changes from run to run."""
    notebook.metadata = nbformat.from_dict(METADATA)
    stand_ins: dict[str, str] = {}
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({name: cell.metadata[name] for name in ("tags",) if name in cell.metadata})
        if cell.cell_type == "code":
            cell.outputs = [_steady(output, stand_ins) for output in cell.outputs]
    return notebook


def _steady(value: Any, stand_ins: dict[str, str]) -> Any:
    """`value` with each id of a run or a session replaced by a counted one, and without widgets."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if key != _WIDGET}
        return nbformat.from_dict({key: _steady(inner, stand_ins) for key, inner in kept.items()})
    if isinstance(value, list):
        return [_steady(inner, stand_ins) for inner in value]
    if isinstance(value, str):
        return _UUID.sub(lambda found: stand_ins.setdefault(found[0], _counted(len(stand_ins) + 1)), value)
    return value


def _counted(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def main(names: list[str], *, measured: bool) -> None:
    """Execute the named notebooks, or all, and write them back."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        with TemporaryDirectory(ignore_cleanup_errors=True) as root:
            begun = perf_counter()
            executed = tidy(execute(path, Path(root)))
            nbformat.write(timed(executed, perf_counter() - begun if measured else None), path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if name != "--measure"], measured="--measure" in sys.argv)
