"""`finassist doctor`, `cache`, `bench` and `lab`: what keeps finassist going, and shows what it can do."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from finassist.apps.cli.common import FAILED, OK, add_command
from finassist.apps.terminal import complain, printable, say


def add(commands: Any) -> None:
    """The commands and their options."""
    text = "Check the installation, the settings, the disk and the connections. The exit code is 1 if something fails."
    doctor = add_command(commands, "doctor", "check that everything works", text)
    doctor.add_argument("--json", action="store_true", help="as JSON instead of a table")
    doctor.set_defaults(command=_doctor)
    _add_cache(commands)
    text = "Measure what finassist costs. A row that does not hold is a result, not an error: the exit code stays 0."
    bench = add_command(commands, "bench", "measure what finassist costs", text)
    bench.add_argument("--quick", action="store_true", help="fewer rounds, sessions in memory only")
    bench.add_argument("--claims", action="store_true", help="common claims about async Python instead: which hold")
    bench.add_argument("--dask", action="store_true", help="a Dask cluster instead: when it pays, and when it does not")
    bench.add_argument("--json", action="store_true", help="as JSON instead of a table")
    bench.set_defaults(command=_bench)
    lab = add_command(commands, "lab", "open JupyterLab on the notebooks")
    lab.set_defaults(command=_lab)
    page = add_command(
        commands, "streamlit", "open the Streamlit page", "Serve the Streamlit page; options go to Streamlit."
    )
    page.add_argument("--port", type=int, default=8501, help="where to serve it (8501)")
    page.add_argument("--headless", action="store_true", help="do not open a browser")
    page.set_defaults(command=_streamlit)


def _add_cache(commands: Any) -> None:
    text = "Show how much is kept of live data sources, and where; or forget all of it."
    cache = add_command(commands, "cache", "show or clear what is kept of live data sources", text)
    cache.set_defaults(command=_show_cache)
    actions = cache.add_subparsers(title="commands", metavar="COMMAND")
    show = actions.add_parser("show", help="how much is kept, and where (the default)")
    show.set_defaults(command=_show_cache)
    clear = actions.add_parser("clear", help="forget all of it")
    clear.set_defaults(command=_clear_cache)


def _doctor(options: argparse.Namespace) -> int:
    from finassist.apps.cli.doctor import doctor

    checkup = asyncio.run(doctor())
    say(json.dumps(checkup.to_dict(), indent=2) if options.json else printable(str(checkup)))
    return OK if checkup.ok else FAILED


def _show_cache(_options: argparse.Namespace) -> int:
    from finassist.config.settings import Settings
    from finassist.providers.http.cache import Cache

    settings = Settings()
    size = Cache(settings.cache_folder).size()
    used = "" if settings.cache else " The setting cache is off: none are used, and none are added."
    say(f"{size.entries:,} answers, {size.bytes / 1e6:,.1f} MB, in {settings.cache_folder}.{used}")
    return OK


def _clear_cache(_options: argparse.Namespace) -> int:
    from finassist.config.settings import Settings
    from finassist.providers.http.cache import Cache

    folder = Settings().cache_folder
    say(f"Removed {Cache(folder).clear():,} answers from {folder}")
    return OK


def _bench(options: argparse.Namespace) -> int:
    from tests.benchmarks import bench
    from tests.benchmarks.claims import claims
    from tests.benchmarks.dask import dask

    measure: Any = claims if options.claims else dask if options.dask else bench
    results = measure(quick=options.quick)
    say(json.dumps(results.to_dict(), indent=2) if options.json else str(results))
    return OK


def _lab(_options: argparse.Namespace) -> int:
    if find_spec("jupyterlab") is None:
        return complain("JupyterLab is not installed. Run: pip install 'finassist[notebook]'", FAILED)
    folder = _notebooks()
    if folder is None:
        complain("The notebooks are part of the repository, not of the installed package; opening this folder.", OK)
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(folder or Path.cwd())])


def _notebooks() -> Path | None:
    """The folder of notebooks: of the current folder, or of the checkout this package is in."""
    places = (Path.cwd() / "notebooks", Path(__file__).resolve().parents[3] / "notebooks")
    return next((place for place in places if any(place.glob("*.ipynb"))), None)


def _streamlit(options: argparse.Namespace) -> int:
    if find_spec("streamlit") is None:
        return complain("Streamlit is not installed. Install it with `pip install 'finassist[streamlit]'`.", FAILED)
    page = Path(__file__).parents[1] / "streamlit" / "app.py"
    settings = {
        "server.address": "127.0.0.1",
        "server.port": options.port,
        "server.headless": str(options.headless).lower(),
        "browser.gatherUsageStats": "false",
    }
    given = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    return subprocess.call([sys.executable, "-m", "streamlit", "run", str(page), *given])
