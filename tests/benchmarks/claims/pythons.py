"""Item 5.5: the same small programs on the versions of Python that are installed, and with eager tasks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Final

from tests.benchmarks.claims.claim import Claim
from tests.benchmarks.claims.contenders import interleaved

VERSIONS: Final = ("3.11", "3.12", "3.13", "3.14")
_BASE: Final = "3.11"

_REGIMES: Final = {"waits": "300 sleeps of 20 ms", "tasks": "10,000 tasks that never wait"}

# Runs on its own on each interpreter: no package of ours, nothing but the standard library.
_PROGRAM: Final = """
import asyncio, json, sys, time

async def nothing():
    pass

async def job(count, work, eager):
    if eager:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(work())
    return time.perf_counter() - begun

def best(times, *what):
    return min(asyncio.run(job(*what)) for _ in range(times))

eager = sys.argv[1] == "eager"
print(json.dumps({
    "waits": best(3, 300, lambda: asyncio.sleep(0.02), eager),
    "tasks": best(5, 10_000, nothing, eager),
}))
"""


def interpreters() -> dict[str, str]:
    """The installed versions of Python that answer, by version; the running one always does."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {running: sys.executable}
    for version in VERSIONS:
        path = shutil.which(f"python{version}")
        if version != running and path and _answers(path, version):
            found[version] = path
    return dict(sorted(found.items()))


def measure(rounds: int) -> list[Claim]:
    """Each newer version against 3.11, where that is installed; and eager tasks against usual ones, where we run."""
    rows: list[Claim] = []
    found = interpreters()
    if _BASE in found:
        newer = [version for version in found if version != _BASE]
        runs = _rounds([(found[_BASE], False), *((found[version], False) for version in newer)], rounds)
        for version, taken in zip(newer, runs[1:], strict=True):
            rows += _versions(version, taken, runs[0])
    usual, eager = _rounds([(sys.executable, False), (sys.executable, True)], rounds)
    return rows + _eager(usual, eager)


def _versions(version: str, ours: list[dict[str, float]], base: list[dict[str, float]]) -> list[Claim]:
    claim = f"Python 3.12 and newer run asyncio faster than {_BASE}"
    return [
        Claim.of(
            "5.5", claim, f"Python {version}, {regime}", f"Python {_BASE}",
            [run[what] for run in ours], [run[what] for run in base],
        )
        for what, regime in _REGIMES.items()
    ]  # fmt: skip


def _eager(usual: list[dict[str, float]], eager: list[dict[str, float]]) -> list[Claim]:
    claim = "eager_task_factory makes tasks faster"
    return [
        Claim.of("5.5", claim, regime, "the usual factory", [run[what] for run in eager], [run[what] for run in usual])
        for what, regime in _REGIMES.items()
    ]


def _rounds(runs: list[tuple[str, bool]], rounds: int) -> list[list[dict[str, float]]]:
    said: list[list[dict[str, float]]] = [[] for _ in runs]

    def contender(which: int) -> float:
        path, eager = runs[which]
        said[which].append(_run(path, eager=eager))
        return 0.0

    interleaved([lambda which=which: contender(which) for which in range(len(runs))], rounds)
    return said


def _run(path: str, *, eager: bool) -> dict[str, float]:
    command = [path, "-I", "-c", _PROGRAM, "eager" if eager else "usual"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)


def _answers(path: str, version: str) -> bool:
    """A version manager may have a command for a version it does not have."""
    asked = [path, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=30)
    return answer.returncode == 0 and answer.stdout.strip() == version
