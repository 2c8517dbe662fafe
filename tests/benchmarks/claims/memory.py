"""Item 5.6: what a waiting task and a waiting thread take of memory; Linux only."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.benchmarks.claims.claim import Claim
from tests.benchmarks.claims.contenders import interleaved

TASKS: Final = 5_000
THREADS: Final = 500

# A process of its own for each measurement: memory that was once taken is not always given back.
_PROGRAM: Final = """
import asyncio, json, os, sys, threading, time, tracemalloc

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

async def tasks(count):
    before, traced = resident(), tracemalloc.get_traced_memory()[0]
    gate = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(gate.wait())
        for _ in range(3):
            await asyncio.sleep(0)
        found = resident() - before, tracemalloc.get_traced_memory()[0] - traced
        gate.set()
    return found

def threads(count):
    before, traced = resident(), tracemalloc.get_traced_memory()[0]
    gate, begun = threading.Event(), threading.Semaphore(0)
    def wait():
        begun.release()
        gate.wait()
    made = [threading.Thread(target=wait) for _ in range(count)]
    for thread in made: thread.start()
    for _ in made: begun.acquire()
    found = resident() - before, tracemalloc.get_traced_memory()[0] - traced
    gate.set()
    for thread in made: thread.join()
    return found

kind, count, trace = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "traced"
if trace: tracemalloc.start()
found = asyncio.run(tasks(count)) if kind == "tasks" else threads(count)
print(json.dumps(found[1 if trace else 0] / count))
"""


def measure(rounds: int) -> list[Claim]:
    """Memory per waiting operation, resident and as Python traces it."""
    if not Path("/proc/self/statm").exists():
        return []
    return [_compared("resident", rounds), _compared("traced", rounds)]


def _compared(how: str, rounds: int) -> Claim:
    contenders = [lambda: _bytes("tasks", TASKS, how), lambda: _bytes("threads", THREADS, how)]
    ours, theirs = interleaved(contenders, rounds)
    return Claim.of(
        "5.6", "A waiting task takes less memory than a waiting thread", f"{how} memory",
        "a thread", ours, theirs, scale=1 / 1024, unit="KB",
    )  # fmt: skip


def _bytes(kind: str, count: int, how: str) -> float:
    command = [sys.executable, "-I", "-c", _PROGRAM, kind, str(count), how]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout))
