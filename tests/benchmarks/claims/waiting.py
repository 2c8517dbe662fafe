"""Items 5.4 and 5.5: many operations that wait, asleep or for a real server on this machine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from urllib.parse import urlsplit

import aiohttp

from tests.benchmarks.cases import on_loop
from tests.benchmarks.claims.claim import Claim
from tests.benchmarks.claims.contenders import (
    AsyncOperation,
    Operation,
    atimed,
    gathered,
    in_turn,
    interleaved,
    pooled,
    task_group,
    timed,
)
from tests.benchmarks.server import LocalServer

NAP = 0.05
_MOST_IN_TURN = 30
_MOST_THREADS = 3_000
_PATH = "/stable/profile?symbol=AAPL"


@dataclass(frozen=True)
class Job:
    """The same operation in both forms."""

    name: str
    sync: Operation
    native: AsyncOperation


def sleeping(counts: Iterable[int], rounds: int) -> list[Claim]:
    """Operations that sleep."""
    job = Job(f"sleeps of {NAP * 1000:g} ms", partial(time.sleep, NAP), partial(asyncio.sleep, NAP))
    return [claim for count in counts for claim in _compared(job, count, rounds)]


def over_http(counts: Iterable[int], rounds: int) -> list[Claim]:
    """Requests to a server on this machine that takes as long to answer; every client keeps its connections."""
    most = _most_connections()
    with LocalServer(NAP) as server, _http(server.url) as job:
        return [claim for count in counts if count <= most for claim in _compared(job, count, rounds)]


def _most_connections() -> int:
    """How many connections at a time this process may open twice: one each for tasks and for threads."""
    try:
        import resource
    except ImportError:
        return 300
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        allowed = most
    return allowed // 2 - 100 if allowed > 0 else _MOST_THREADS


def _compared(job: Job, count: int, rounds: int) -> list[Claim]:
    workers = min(count, _MOST_THREADS)
    contenders: dict[str, Callable[[], float]] = {
        "TaskGroup": lambda: on_loop(atimed(task_group(job.native, count))),
        "gather": lambda: on_loop(atimed(gathered(job.native, count))),
        "default": lambda: timed(lambda: pooled(job.sync, count, None)),
        "sized": lambda: timed(lambda: pooled(job.sync, count, workers)),
    }
    if count <= _MOST_IN_TURN:
        contenders["in turn"] = lambda: on_loop(atimed(in_turn(job.native, count)))
    contenders["TaskGroup"]()  # opens connections and warms caches
    taken = dict(zip(contenders, interleaved(list(contenders.values()), rounds), strict=True))
    return _claims(f"{count:,} {job.name}", workers, taken)


def _claims(regime: str, workers: int, taken: dict[str, list[float]]) -> list[Claim]:
    ours = taken["TaskGroup"]
    faster = "A TaskGroup is faster than a ThreadPoolExecutor"
    rows = [
        Claim.of("5.4", faster, regime, "a pool of Python's own size", ours, taken["default"]),
        Claim.of("5.4", faster, regime, f"a pool of {workers:,} threads", ours, taken["sized"]),
        Claim.of("5.5", "A TaskGroup is faster than gather", regime, "gather", ours, taken["gather"]),
    ]
    if "in turn" in taken:
        alone = "Waiting together is faster than one after the other"
        rows.append(Claim.of("5.4", alone, regime, "one after the other", ours, taken["in turn"]))
    return rows


@contextmanager
def _http(url: str) -> Generator[Job]:
    session = on_loop(_session())
    connections = _Connections(url)
    try:
        yield Job("requests to a local server", connections.get, partial(_get, session, url + _PATH))
    finally:
        on_loop(session.close())
        connections.close()


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def _get(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url) as response:
        await response.read()


class _Connections:
    """A kept connection per thread; a pool that is replaced has new threads, as the ancestor's had."""

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc
        self._own = threading.local()
        self._all: list[HTTPConnection] = []

    def get(self) -> None:
        connection: HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = HTTPConnection(self._netloc, timeout=60)
            self._all.append(connection)
        connection.request("GET", _PATH)
        connection.getresponse().read()

    def close(self) -> None:
        for connection in self._all:
            connection.close()
