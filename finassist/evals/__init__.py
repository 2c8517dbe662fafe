"""How good the answers are: `finassist.evaluate` asks questions with right answers and grades what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from time import perf_counter
from typing import Final
from uuid import uuid4

from finassist.config.settings import KEYS
from finassist.core.cases import Case, CaseSet, read_cases
from finassist.core.concurrency import bridge
from finassist.core.errors import FinassistError, InputError
from finassist.core.secrets import redact
from finassist.evals.evaluation import Evaluation
from finassist.evals.grading import Graded, grade, head_of
from finassist.providers.to_agno import wait_for
from finassist.workflow import FinancialAssistantWorkflow

CONCURRENCY: Final = 8
_NAMED: Final = ("model", "provider", "routing")
type OnCase = Callable[[Graded], None]


def evaluate(
    workflow: FinancialAssistantWorkflow | None = None,
    set: CaseSet | None = None,  # noqa: A002  what it is called
    *,
    kinds: Sequence[str] = (),
    concurrency: int = CONCURRENCY,
    on_case: OnCase | None = None,
) -> Evaluation:
    """Ask a set of questions with right answers and grade the answers, by code alone.

    Each question is asked in a conversation of its own, the turns of a session one after another. A workflow with a
    database stores them like any other; one with `db=None` stores nothing.

    Args:
        workflow: What is graded; by default one as the settings say, which stores nothing.
        set: Cases, or a `.csv` or `.jsonl` file of them, see `Case`; by default the embedded set, whose right answers
            were computed from the embedded data.
        kinds: Only these kinds of questions.
        concurrency: How many conversations there are at the same time.
        on_case: Is called with each graded case, by this function on another thread than yours.

    Returns:
        An `Evaluation`: a table by kind, a DataFrame, and a comparison with another one.

    Raises:
        InputError: The set cannot be used, there is no such kind, or `concurrency` is below 1.

    Example:
        >>> import finassist
        >>> print(finassist.evaluate(kinds=["definition"]).share)
        1.0
    """
    bridge.check_caller()
    options = {"kinds": kinds, "concurrency": concurrency, "on_case": on_case}
    return wait_for(partial(aevaluate, workflow, set, **options), "evaluate")


async def aevaluate(
    workflow: FinancialAssistantWorkflow | None = None,
    set: CaseSet | None = None,  # noqa: A002  what it is called
    *,
    kinds: Sequence[str] = (),
    concurrency: int = CONCURRENCY,
    on_case: OnCase | None = None,
) -> Evaluation:
    """`evaluate` on the running loop."""
    if concurrency < 1:
        raise InputError(
            f"concurrency is how many conversations there are at the same time: 1 or more, not {concurrency}."
        )
    cases = read_cases(set, kinds)
    await _warm_up()
    if workflow is not None:
        return await _evaluated(_Asking(workflow, asyncio.Semaphore(concurrency), on_case), cases)
    async with FinancialAssistantWorkflow(db=None) as made:
        return await _evaluated(_Asking(made, asyncio.Semaphore(concurrency), on_case), cases)


async def _warm_up() -> None:
    """What the first answer of a process loads is not the time of a case."""
    async with FinancialAssistantWorkflow(db=None, model="offline", provider="embedded") as workflow:
        await workflow.arun("What is EBITDA?", live=False)


@dataclass(frozen=True)
class _Asking:
    workflow: FinancialAssistantWorkflow
    room: asyncio.Semaphore
    on_case: OnCase | None

    async def conversation(self, cases: Sequence[Case]) -> list[Graded]:
        """The turns of one conversation, in order."""
        session = f"eval-{uuid4()}"
        async with self.room:
            return [await self.case(case, session) for case in cases]

    async def case(self, case: Case, session: str) -> Graded:
        """One case; a failure that has a name is graded as one."""
        started = perf_counter()
        try:
            answer = await self.workflow.arun(case.question, session_id=session, live=False)
            seconds = perf_counter() - started
            text = head_of(answer) if answer.headline else str(answer.content or "")
            graded = grade(case, answer, await self.workflow.acheck(text) if text.strip() else None, seconds)
        except FinassistError as error:
            message = redact(f"{type(error).__name__}: {error}", self.workflow.runtime.secrets)
            graded = Graded(case, error=message, seconds=perf_counter() - started)
        if self.on_case is not None:
            self.on_case(graded)
        return graded


async def _evaluated(asking: _Asking, cases: Sequence[Case]) -> Evaluation:
    talks: list[asyncio.Task[list[Graded]]] = []
    bug: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            talks += [group.create_task(asking.conversation(talk)) for talk in _conversations(cases)]
    except* Exception as failed:  # noqa: BLE001  raised below, outside the group
        bug = failed.exceptions[0]
    if bug:
        raise bug
    found = {graded.case.id: graded for talk in talks for graded in talk.result()}
    return Evaluation(tuple(found[case.id] for case in cases), _about(asking.workflow))


def _about(workflow: FinancialAssistantWorkflow) -> str:
    """What answers: the model, the provider, the routing, and settings that were given as arguments."""
    parts = [workflow.model.id, workflow.provider.id, f"routing {workflow.routing}"]
    shown = [(name, value) for name, value, origin in workflow.settings.rows() if origin == "argument"]
    return ", ".join([*parts, *(f"{name} {value}" for name, value in shown if name not in (*_NAMED, *KEYS))])


def _conversations(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases by session, in the order of the set; one without is a conversation by itself."""
    by_session = sorted(cases, key=lambda case: case.session)
    return [
        talk
        for session, group in groupby(by_session, key=lambda case: case.session)
        for talk in ([list(group)] if session else [[case] for case in group])
    ]
