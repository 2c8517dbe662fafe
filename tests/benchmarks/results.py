"""Rows with a verdict, and the machine they were measured on; pure except for `machine`."""

from __future__ import annotations

import os
import platform
import timeit
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Literal, Self

Verdict = Literal["holds", "does not hold", "no bound"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured property; times in milliseconds.

    Attributes:
        name: What was measured.
        regime: Under which conditions.
        median: Middle of the measured values.
        low: Lower quartile.
        high: Upper quartile.
        count: How many values there are.
        baseline: Median of the bare critical path, measured in the same rounds; `None` where there is none.
        ratio: Median of measured over baseline, round by round.
        bound: What the median may be at most; with `at_least`, at least.
        bound_text: The bound in words.
        broken: What else went wrong, such as a model call where there must be none.
        unit: Of all values; milliseconds, unless it says otherwise.
        at_least: Whether more is better.

    Example:
        >>> row = Row.of("report", "in memory", [0.251, 0.253, 0.252], bound=270, bound_text="L + F + 20")
        >>> row.median, row.verdict
        (252.0, 'holds')
    """

    name: str
    regime: str
    median: float
    low: float
    high: float
    count: int
    baseline: float | None = None
    ratio: float | None = None
    bound: float | None = None
    bound_text: str = ""
    broken: str = ""
    unit: str = "ms"
    at_least: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        regime: str,
        measured: Sequence[float],
        *,
        baseline: Sequence[float] = (),
        bound: float | None = None,
        bound_text: str = "",
        broken: str = "",
        unit: str = "ms",
        at_least: bool = False,
    ) -> Self:
        """A row from what was measured, times in seconds; `baseline` has one value a round, or none."""
        shown = _ms if unit == "ms" else _rounded
        low, _, high = quantiles(measured, n=4, method="inclusive") if len(measured) > 1 else [measured[0]] * 3
        ratios = [mine / bare for mine, bare in zip(measured, baseline, strict=True)] if baseline else []
        return cls(
            name=name,
            regime=regime,
            median=shown(median(measured)),
            low=shown(low),
            high=shown(high),
            count=len(measured),
            baseline=shown(median(baseline)) if baseline else None,
            ratio=round(median(ratios), 3) if ratios else None,
            bound=bound,
            bound_text=bound_text,
            broken=broken,
            unit=unit,
            at_least=at_least,
        )

    @property
    def verdict(self) -> Verdict:
        """Whether the median keeps the bound."""
        if self.bound is None:
            return "no bound"
        kept = self.median >= self.bound if self.at_least else self.median <= self.bound
        return "holds" if kept and not self.broken else "does not hold"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, with the verdict."""
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True, kw_only=True)
class Results:
    """All rows of one run, and where they were measured."""

    rows: Sequence[Row]
    machine: dict[str, Any]
    model_delay: float
    data_delay: float
    rounds: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; times in milliseconds."""
        return {
            "machine": self.machine,
            "model_delay_ms": _ms(self.model_delay),
            "data_delay_ms": _ms(self.data_delay),
            "rounds": self.rounds,
            "rows": [row.to_dict() for row in self.rows],
        }

    def __str__(self) -> str:
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.machine.items())
        head = (
            f"benchmarks: L = {_ms(self.model_delay):g} ms a model call, F = {_ms(self.data_delay):g} ms a fetch; "
            f"{self.rounds} interleaved rounds; milliseconds unless said, median [quartiles]\n{told}\n"
        )
        return f"{head}\n{table(self.rows)}"


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text.

    Example:
        >>> print(table([Row.of("report", "in memory", [0.3, 0.3], baseline=[0.25, 0.25], bound=270)]))
        what    regime     measured             bare   ratio  bound  verdict
        report  in memory  300.0 [300.0-300.0]  250.0  1.20   270    does not hold
    """
    cells = [("what", "regime", "measured", "bare", "ratio", "bound", "verdict"), *map(_cells, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    bound = "-" if row.bound is None else f"{row.bound:g}"
    return (
        row.name,
        row.regime,
        f"{row.median:.1f} [{row.low:.1f}-{row.high:.1f}]{'' if row.unit == 'ms' else f' {row.unit}'}",
        "-" if row.baseline is None else f"{row.baseline:.1f}",
        "-" if row.ratio is None else f"{row.ratio:.2f}",
        f"{bound} ({row.bound_text})" if row.bound_text else bound,
        f"{row.verdict}: {row.broken}" if row.broken else row.verdict,
    )


def machine() -> dict[str, Any]:
    """What the numbers depend on: processor, cores, load, versions. No names of hosts or people."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_version()} ({_nanoseconds_a_step()} ns a step)",
        "agno": version("agno"),
        "finassist": version("finassist"),
    }


def _nanoseconds_a_step() -> int:
    """Of a loop that adds: machines differ in it, and a Python that was built plainly takes 1.4 times as long."""
    steps = 100_000
    seconds = min(timeit.repeat(f"total = 0\nfor step in range({steps}): total += step", number=1, repeat=5))
    return round(seconds / steps * 1e9)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _rounded(value: float) -> float:
    return round(value, 1)
