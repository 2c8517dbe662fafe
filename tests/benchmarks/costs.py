"""Processor time per report, in a new session and in a long one; and the time to import."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import cast
from uuid import uuid4

from agno.workflow import Step, Workflow
from agno.workflow.types import StepOutput

from finassist.workflow import FinancialAssistantWorkflow
from tests.benchmarks.cases import REPORT, WARM_UP, on_loop, stores
from tests.benchmarks.fakes import SleepingModel, SleepingProvider
from tests.benchmarks.results import Row

IMPORT = "import finassist"
FIRST_WORKFLOW = "from finassist import FinancialAssistantWorkflow as Workflow; Workflow(db=None)"
LAST = 10
_CPU_BOUND, _IMPORT_BOUND = 15.0, 400.0
_TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def processor(reports: int, turns: int, *, quick: bool) -> list[Row]:
    """Processor time of a report in all threads, what is done after the answer included."""
    with stores(quick=quick) as databases:
        return [row for regime, database in databases for row in _costs(regime, database, reports, turns)]


def imports(rounds: int) -> list[Row]:
    """Time to import in a fresh process, with bytecode and without, and to build the first workflow."""
    with TemporaryDirectory(prefix="finassist-bench-") as folder:
        warm = [_fresh(IMPORT) for _ in range(rounds + 1)][1:]
        without = [_fresh(IMPORT, {"PYTHONPYCACHEPREFIX": str(Path(folder) / str(n))}) for n in range(rounds)]
        first = [_fresh(FIRST_WORKFLOW) for _ in range(rounds)]
    bound = _IMPORT_BOUND
    return [
        Row.of("import finassist", "fresh process", warm, bound=bound),
        Row.of("import finassist", "fresh process, no bytecode", without, bound=bound),
        Row.of("import and build a workflow", "fresh process", first),
    ]


def _costs(regime: str, database: Path | None, reports: int, turns: int) -> list[Row]:
    offline = FinancialAssistantWorkflow(db=database)
    asked = FinancialAssistantWorkflow(
        db=database, model=SleepingModel(0), provider=SleepingProvider(0), routing="model"
    )
    workflows = (offline, asked, _bare(offline))
    rounds = [[processor_time(each, str(uuid4())) for each in workflows] for _ in range(WARM_UP + reports)]
    alone, modelled, bare = zip(*rounds[WARM_UP:], strict=True)
    session = str(uuid4())
    last = [processor_time(offline, session) for _ in range(turns)][-LAST:]
    fresh = [median(alone)] * len(last)
    name, span = "CPU per report", f"turns {turns - LAST + 1} to {turns} of one session"
    return [
        Row.of(name, f"{regime}, rules", alone, baseline=bare, bound=_CPU_BOUND),
        Row.of(name, f"{regime}, model routes", modelled, baseline=bare, bound=_CPU_BOUND),
        Row.of(name, f"{regime}, rules, {span}", last, baseline=fresh),
    ]


def _bare(workflow: FinancialAssistantWorkflow) -> Workflow:
    """An Agno workflow that does nothing, with sessions in the same place."""
    nothing = Step(name="nothing", executor=lambda step_input: StepOutput(content=step_input.input))
    return Workflow(name="bare", db=workflow.store.native, steps=[nothing], telemetry=False)


def processor_time(workflow: Workflow, session_id: str) -> float:
    """Seconds of processor time, of all threads, for one report and what is done after it."""

    async def ask() -> None:
        run = cast("Callable[..., Awaitable[object]]", workflow.arun)  # pyright: ignore[reportUnknownMemberType]
        await run(REPORT, session_id=session_id)

    start = time.process_time()
    on_loop(ask())
    if isinstance(workflow, FinancialAssistantWorkflow):
        workflow.summariser.wait()
    return time.process_time() - start


def _fresh(statement: str, environment: Mapping[str, str] | None = None) -> float:
    """Seconds a statement takes in a new interpreter."""
    told = {**os.environ, **(environment or {})}
    command = [sys.executable, "-c", _TIMED.format(statement)]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=True)
    return float(done.stdout)
