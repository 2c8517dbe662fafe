"""When a cluster pays: the same batch on one loop, and on two worker processes of a local Dask cluster.

Two loads. Questions that wait: a model takes two seconds, and there is next to nothing to compute; as many are under
way on the loop as on both workers together. Questions that compute: full comparisons of two embedded companies, with
no model to wait for. `bare` is the loop, so a ratio below 1 is what the cluster gains. The cluster is warm: its start
is a row of its own.

    python -m tests.benchmarks --dask [--quick]
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

from finassist.batch.dask import CHUNKS_AHEAD
from finassist.core.errors import MissingExtra
from finassist.providers.embedded import tables as embedded
from finassist.workflow import FinancialAssistantWorkflow
from tests.benchmarks.fakes import NamingModel, SleepingProvider
from tests.benchmarks.results import Results, Row, machine
from tests.benchmarks.victim import symbols

WORKERS: Final = 2
MODEL, DATA = 2.0, 0.05
_EACH: Final = 50
_SIZES: Final = (20, 100, 1_000)
_QUICK: Final = (20, 100)


def dask(*, quick: bool = False) -> Results:
    """Measure both loads at several sizes; some minutes, with `quick` less than one.

    Raises:
        MissingExtra: Dask is not installed.
    """
    described = machine()
    sizes, rounds = (_QUICK, 1) if quick else (_SIZES, 3)
    start = time.perf_counter()
    with TemporaryDirectory(prefix="finassist-bench-") as folder, _cluster() as client:
        rows = [_warm(client, Path(folder), start)]
        for load in (_Waiting(), _Computing()):
            rows += [_row(load, count, client, Path(folder), rounds) for count in sizes]
    return Results(rows=rows, machine=described, model_delay=MODEL, data_delay=DATA, rounds=rounds)


class _Waiting:
    name, regime = "questions that wait", f"L = {MODEL:g} s, {WORKERS * _EACH} at the same time on both sides"
    together = WORKERS * _EACH

    def __init__(self) -> None:
        self.workflow = FinancialAssistantWorkflow(
            model=NamingModel(MODEL, "stock_price"), provider=SleepingProvider(DATA), routing="model", db=None
        )

    def questions(self, count: int) -> list[str]:
        return [f"What does ${symbol} cost?" for symbol in symbols(count)]


class _Computing:
    name, regime = "questions that compute", "comparisons of embedded companies, no model"
    together = _EACH

    def __init__(self) -> None:
        self.workflow = FinancialAssistantWorkflow(model="offline", provider="embedded", routing="rules", db=None)

    def questions(self, count: int) -> list[str]:
        pairs = permutations(embedded.symbols(), 2)
        return [f"Compare ${one} and ${other}" for (one, other), _ in zip(pairs, range(count), strict=False)]


@contextmanager
def _cluster() -> Generator[Any]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise MissingExtra("This measures Dask. Run: pip install 'finassist[dask]'") from error
    options: dict[str, Any] = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


def _warm(client: Any, folder: Path, start: float) -> Row:
    """Until the first answers: processes started, packages imported, agents built."""
    load = _Computing()
    _took(load, load.questions(WORKERS * CHUNKS_AHEAD), folder, client)
    return Row.of("start of the cluster, until its first answers", f"{WORKERS} workers", [time.perf_counter() - start])


def _row(load: _Waiting | _Computing, count: int, client: Any, folder: Path, rounds: int) -> Row:
    questions = load.questions(count)
    pairs = [(_took(load, questions, folder, client), _took(load, questions, folder, None)) for _ in range(rounds)]
    there, here = ([pair[side] for pair in pairs] for side in (0, 1))
    return Row.of(f"{count:,} {load.name}, {WORKERS} workers", load.regime, there, baseline=here)


def _took(load: _Waiting | _Computing, questions: list[str], folder: Path, client: Any) -> float:
    ledger = folder / f"{uuid4()}.db"
    concurrency = load.together if client is None else _EACH
    start = time.perf_counter()
    batch = load.workflow.run_many(questions, client=client, concurrency=concurrency, ledger=ledger, live=False)
    taken = time.perf_counter() - start
    if batch.status != "completed" or len(batch.failures):
        raise RuntimeError(f"The bench's batch did not complete, so it measures nothing. {batch!r}")
    ledger.unlink()
    return taken
