"""`uv run python -m tests.benchmarks`: measure, and print a table or JSON."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tests.benchmarks import bench
from tests.benchmarks.answers import table
from tests.benchmarks.claims import claims
from tests.benchmarks.dask import dask


def main() -> None:
    """Measure what the options name. A row that does not hold is a result, not an error: the exit code stays 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure what finassist costs.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, sessions in memory only")
    parser.add_argument("--claims", action="store_true", help="common claims about async Python instead: which hold")
    parser.add_argument("--dask", action="store_true", help="a Dask cluster instead: when it pays")
    parser.add_argument("--answers", action="store_true", help="processor time of one answer instead, as Markdown")
    parser.add_argument("--json", action="store_true", help="as JSON instead of a table")
    options = parser.parse_args()
    if options.answers:
        return print(*table(), sep="\n")
    measure: Any = claims if options.claims else dask if options.dask else bench
    results = measure(quick=options.quick)
    return print(json.dumps(results.to_dict(), indent=2) if options.json else results)


if __name__ == "__main__":
    main()
