"""The embedded data: how soon a company, a frame and an answer about all companies are there; the memory they take.

Each round is a process of its own (`python -m tests.benchmarks.embedded`), which prints what it measured as JSON. The
memory of the data is what the process grew by after everything was imported that an answer needs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.results import Row

ONE = "What was Apple's revenue in FY2023?"
ALL = (
    "Which tech companies had a net margin above 30% in FY2024?",
    "Top 5 companies by revenue growth in 2023",
    "Which companies had ROE above 40% in 2022?",
    "Top 10 companies by free cash flow in 2021",
    "Which companies have a P/E below 10?",
    "Top 5 companies by debt to equity in 2024",
    "Which companies grew revenue by more than 50% in 2021?",
    "Top 5 companies by revenue in Q1 2025",
    "Which banks had ROE above 12% in FY2016?",
)
"""Questions about all companies that read many lines, of years, quarters and days."""

_BARE = {"a panel of all companies and years": "the same, figure by figure"}
_MEMORY = 80.0
_BOUNDS = {
    "one company ready": ("ms", 20.0),
    "the annual table as a frame": ("ms", 150.0),
    "an answer about all companies, warm": ("ms", 100.0),
    "a panel of all companies and years": ("ms", 200.0),
    "memory after one company": ("MB", _MEMORY),
    "memory after questions about all companies": ("MB", _MEMORY),
    "the same over the bare import": ("MB", None),
}


def measure(rounds: int) -> list[Row]:
    """A row for each thing measured, from as many processes."""
    found = [in_fresh_process() for _ in range(rounds)]
    return [
        Row.of(
            name,
            "embedded, fresh process",
            [each[name] for each in found],
            baseline=[each[_BARE[name]] for each in found] if name in _BARE else (),
            unit=unit,
            bound=bound,
        )
        for name, (unit, bound) in _BOUNDS.items()
    ]


def in_fresh_process() -> dict[str, float]:
    """Seconds and megabytes by name, measured in a new process."""
    command = [sys.executable, "-m", "tests.benchmarks.embedded"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _measured() -> dict[str, float]:
    from finassist import FinancialAssistantWorkflow

    bare = _resident()
    workflow = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)
    workflow.run("Hello", live=False)
    from finassist.providers.embedded import EmbeddedProvider, figures, tables

    tables.load()
    imported = _resident()
    found = {"one company ready": _seconds(lambda: figures.annual("KO"))}
    workflow.run(ONE, live=False)
    found["memory after one company"] = _resident() - imported
    for question in ALL:
        workflow.run(question, live=False)
    found["an answer about all companies, warm"] = _seconds(lambda: workflow.run(ALL[-1], live=False))
    found["memory after questions about all companies"] = _resident() - imported
    found["the same over the bare import"] = _resident() - bare
    import pandas  # noqa: F401 (its import is not what is timed)

    from finassist import frames

    frames.panel("roe_average")  # which reads the files
    found["a panel of all companies and years"] = _seconds(lambda: frames.panel("roe_average"))
    found["the same, figure by figure"] = _seconds(lambda: frames.panel("roe_average", tidy=True))
    found["the annual table as a frame"] = _seconds(lambda: EmbeddedProvider().to_frame("annual"))
    return found


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _resident() -> float:
    """Megabytes of this process in memory (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


if __name__ == "__main__":
    print(json.dumps(_measured()))
