"""What Binder does with `binder/`, as far as it can be done without Docker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.kernels import kernel_environment

ROOT = Path(__file__).parents[1]

# Runs in the bare environment: every notebook in a kernel of its own, and how much memory the largest one took.
EXECUTE = """
import asyncio, resource, sys, warnings
from pathlib import Path
import nbformat
from nbclient import NotebookClient

for path in map(Path, sys.argv[1:]):
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()
    print("ran", path.name, flush=True)
print("largest kernel, MB:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, flush=True)
"""


def checkout(folder: Path) -> Path:
    """The files that git knows, as a clone would have them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def dockerfile(folder: Path) -> str:
    """The Dockerfile repo2docker would build."""
    command = [sys.executable, "-W", "ignore", "-m", "repo2docker", "--no-build", "--debug", "."]
    made = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return made.stdout + made.stderr


class Bare:
    """A bare virtual environment of Binder's Python, into which `binder/requirements.txt` is installed."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.folder, self.repository = folder, repository
        self.python = folder / "bin" / "python"

    def build(self) -> None:
        """Create it, install, and run postBuild, each as Binder does."""
        if uv := shutil.which("uv"):
            self._run([uv, "venv", "--quiet", "--python", sys.executable, str(self.folder)])
            install = [uv, "pip", "install", "--quiet", "--python", str(self.python)]
        else:
            self._run([sys.executable, "-m", "venv", str(self.folder)])
            install = [str(self.python), "-m", "pip", "install", "--quiet"]
        self._run([*install, "-r", "binder/requirements.txt"])
        self._run(["binder/postBuild"], self._environment(self.folder / "build"))

    def execute(self, notebooks: list[Path]) -> list[str]:
        """Run notebooks without a network and without keys; what was printed."""
        environment = self._environment(self.folder / "kernels") | kernel_environment(self.folder / "kernels")
        environment["PATH"] = f"{self.folder / 'bin'}{os.pathsep}{environment['PATH']}"
        command = [str(self.python), "-W", "ignore", "-c", EXECUTE, *map(str, notebooks)]
        return self._run(command, environment).splitlines()

    def _environment(self, home: Path) -> dict[str, str]:
        home.mkdir(parents=True, exist_ok=True)
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8"}

    def _run(self, command: list[str], environment: dict[str, str] | None = None) -> str:
        done = subprocess.run(command, cwd=self.repository, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command[:4])} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout
