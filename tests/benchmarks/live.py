"""Live data, measured against a data server on this machine: warm reports, many at once, and memory.

A plain aiohttp client that asks the same server for the same things, in the same rounds, is the floor: what it takes
belongs to the network, the server and the machine, what a report takes on top belongs to us. Answers are not cached
and the limits of a free plan are lifted, because they are what would be measured.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import aiohttp

from finassist.answer import Answer
from finassist.config.settings import Routing
from finassist.providers.base import HISTORY_PERIOD
from finassist.providers.fmp import FMPProvider, Request, request_history, request_statement, requests_for
from finassist.workflow import FinancialAssistantWorkflow
from tests.benchmarks.cases import TICKER, WARM_UP, on_loop
from tests.benchmarks.fakes import NamingModel
from tests.benchmarks.results import Row
from tests.benchmarks.server import LocalServer

AT_ONCE, PER_SECOND = 50, 75.0
_COMPANIES = (
    "AAPL MSFT NVDA AMZN GOOGL META TSLA AVGO LLY JPM V MA XOM UNH COST WMT PG JNJ HD ABBV BAC KO ORCL CVX MRK "
    "PEP ADBE CRM AMD NFLX TMO MCD CSCO ABT ACN LIN WFC DIS INTU QCOM IBM CAT TXN AMGN GE VZ PFE NOW UBER T"
)
SYMBOLS = _COMPANIES.split()
_ALLOWED, _MEGABYTES, _BATCH = 8.0, 1.0, 10
_SETTLED = 500
_STATM = Path("/proc/self/statm")


class Desk:
    """A workflow on live data from a local server, and a plain aiohttp client beside it, both warm."""

    def __init__(
        self, url: str, *, model_delay: float = 0, database: Path | None = None, routing: Routing = "auto"
    ) -> None:
        self.url, self.model = url, NamingModel(model_delay)
        self.provider = FMPProvider(
            "bench-key", base_url=url, plan="starter", cache=False, attempts=1, concurrency=400, per_minute=1e9
        )
        self.workflow = FinancialAssistantWorkflow(
            model=self.model, provider=self.provider, db=database, routing=routing
        )

    async def open(self) -> None:
        """Open the floor's client on the running loop."""
        self.plain = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """Close both clients."""
        await self.plain.close()
        await self.provider.aclose()

    async def report(self, question: str) -> Answer:
        """One report, in a session of its own."""
        return await self.workflow.arun(question, session_id=str(uuid4()))

    async def reports(self, questions: Sequence[str]) -> float:
        """Seconds until all of these reports, asked at the same time, are there."""
        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self.report(question)) for question in questions]
        took = time.perf_counter() - start
        if gaps := [gap for task in asked for gap in task.result().gaps]:
            raise RuntimeError(f"The bench's reports lack data, so they measure nothing. {gaps[0].reason}")
        return took

    async def floor(self, symbols: Sequence[str], wait: float = 0) -> float:
        """Seconds a plain client takes for the same requests, each company's after a wait that stands for a model."""
        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for symbol in symbols:
                group.create_task(self._plain(symbol, wait))
        return time.perf_counter() - start

    async def _plain(self, symbol: str, wait: float) -> None:
        await asyncio.sleep(wait)
        async with asyncio.TaskGroup() as group:
            for request in wanted(symbol):
                group.create_task(self._get(request))

    async def _get(self, request: Request) -> Any:
        async with self.plain.get(self.url + request.path, params=request.params) as response:
            return await response.json()


def wanted(symbol: str) -> list[Request]:
    """What a report asks for."""
    return [
        *requests_for("profile", symbol=symbol),
        *requests_for("quote", symbol=symbol),
        request_history(symbol, HISTORY_PERIOD, datetime.now(UTC).date()),
        *(request_statement(symbol, kind, "annual", 6) for kind in ("income", "balance_sheet", "cash_flow")),
    ]


@contextmanager
def desk(server: LocalServer, **options: Any) -> Generator[Desk]:
    """A desk with open clients, closed afterwards."""
    made = Desk(server.url, **options)
    on_loop(made.open())
    try:
        yield made
    finally:
        made.workflow.close()
        on_loop(made.close())


def measure(model_delay: float, data_delay: float, rounds: int, reports: int) -> list[Row]:
    """All rows about live data; `reports` is how many the memory is watched over."""
    with LocalServer(data_delay) as server:
        rows = [warm(server, rounds), crowd(server, model_delay, max(rounds // 3, 2))]
    return [*rows, *memory(reports)]


def warm(server: LocalServer, rounds: int) -> Row:
    """A warm report without a model call: what it adds to the slowest fetch, and whether it opens connections.

    The slowest fetch is that of the plain client, which asks for the same at the same time and is done when it is.
    """
    with desk(server) as at:
        for _ in range(WARM_UP):
            on_loop(at.reports([TICKER]))
            on_loop(at.floor(["AAPL"]))
        before = server.counts()["connections"]
        taken = [(on_loop(at.reports([TICKER])), on_loop(at.floor(["AAPL"]))) for _ in range(rounds)]
        opened = server.counts()["connections"] - before
        calls = at.model.calls
    mine, plain = zip(*taken, strict=True)
    found = [f"{opened} new connections"] * bool(opened) + [f"{calls} model calls"] * bool(calls)
    return Row.of(
        "warm live report, no new connection", "in memory, local server", mine, baseline=plain,
        bound=round(median(plain) * 1000 + _ALLOWED, 1), bound_text="bare + 8", broken=", ".join(found),
    )  # fmt: skip


def crowd(server: LocalServer, model_delay: float, rounds: int) -> Row:
    """Reports on many companies at once, a model routing each: how many a second."""
    questions = [f"Tell me about ${symbol}" for symbol in SYMBOLS]
    with desk(server, model_delay=model_delay, routing="model") as at:
        taken = [(on_loop(at.reports(questions)), on_loop(at.floor(SYMBOLS, model_delay))) for _ in range(rounds + 1)]
    mine, plain = zip(*[[AT_ONCE / seconds for seconds in pair] for pair in taken[1:]], strict=True)
    return Row.of(
        f"{AT_ONCE} live reports at once", "in memory, model routes", mine, baseline=plain,
        bound=PER_SECOND, bound_text="at least", unit="reports/s", at_least=True,
    )  # fmt: skip


def memory(reports: int) -> list[Row]:
    """How much memory grows over a thousand reports in sessions of their own, kept in a file; Linux only."""
    if not _STATM.exists():
        return []
    step = max(reports // 10, _BATCH)
    counts = range(0, reports + 1, step)
    temporary = TemporaryDirectory(prefix="finassist-bench-", ignore_cleanup_errors=True)
    with temporary as folder, LocalServer(0) as server, desk(server, database=Path(folder) / "sessions.db") as at:
        sizes = [_resident_after(at, max(min(reports // 3, _SETTLED), _BATCH))]  # fills pools and caches
        sizes += [_resident_after(at, step) for _ in counts[1:]]
    slope, _ = linear_regression(counts, sizes)
    judged = reports // 3 >= _SETTLED  # after fewer, pools and caches still fill: growth that says nothing yet
    row = Row.of(
        f"memory per 1,000 reports, over {reports:,}", "SQLite file", [slope * 1000],
        bound=_MEGABYTES if judged else None, bound_text="flat" if judged else "", unit="MB",
    )  # fmt: skip
    return [row]


def _resident_after(at: Desk, reports: int) -> float:
    for _ in range(reports // _BATCH):
        on_loop(at.reports([f"${symbol} report" for symbol in SYMBOLS[:_BATCH]]))
    at.workflow.close()
    return resident()


def resident() -> float:
    """Resident memory in megabytes, without what is only waiting to be collected."""
    gc.collect()
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
