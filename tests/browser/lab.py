"""A JupyterLab of its own for the tests: folders, port and token that nobody else uses, and no network."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from tests.kernels import kernel_environment

TOKEN = "only-for-the-tests"
DEADLINE = 60
_JUPYTER = ("--ServerApp.ip=127.0.0.1", "--ServerApp.allow_root=True")
_SILENT = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


class Server:
    """A server that answers on this machine; `folder` is the root of its notebooks."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        self.url = f"http://127.0.0.1:{port}"

    def page(self, path: str) -> str:
        return f"{self.url}/{path}{'&' if '?' in path else '?'}token={TOKEN}"


@contextmanager
def jupyterlab(root: Path) -> Iterator[Server]:
    """JupyterLab as it is after installation, with what the tests need to reach it and no news from elsewhere."""
    options = [
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        f"--IdentityProvider.token={TOKEN}",
    ]
    settings = root / "jupyter_config_dir" / "labconfig"
    settings.mkdir(parents=True)
    (settings / "page_config.json").write_text(json.dumps(_SILENT))
    with _serve(["jupyterlab", "--no-browser", *options], root) as server:
        yield server


@contextmanager
def voila(root: Path, notebook: Path) -> Iterator[Server]:
    """Voilà, which shows one notebook as a page without code."""
    with _serve(["voila", str(notebook), "--no-browser", f"--token={TOKEN}"], root) as server:
        yield server


@contextmanager
def streamlit(root: Path) -> Iterator[Server]:
    """The Streamlit page, as its command serves it."""
    with _serve(["finassist", "streamlit", "--headless"], root, everybody=()) as server:
        yield server


@contextmanager
def _serve(command: list[str], root: Path, everybody: Sequence[str] = _JUPYTER) -> Iterator[Server]:
    folder = root / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, f"--port={port}", *everybody],
            cwd=folder, env=_environment(root), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # Ctrl+C is for the tests, which end the server after the pages that need it
        )  # fmt: skip
        try:
            server = Server(port, folder)
            _wait(server, process, root / "server.log")
            yield server
        finally:
            _stop(process)


def _environment(root: Path) -> dict[str, str]:
    """A kernel's, without what the user has told Jupyter."""
    own = kernel_environment(root)
    told = {name for name in os.environ if name.startswith(("JUPYTER", "VOILA"))}
    return {name: value for name, value in own.items() if name not in told or value.startswith(str(root))}


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    end = monotonic() + DEADLINE
    while monotonic() < end:
        if process.poll() is not None:
            break
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", server.port), timeout=1)):
            return
        sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text()[-3000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask twice, as a person does with Ctrl+C: it ends its kernels on the way."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
