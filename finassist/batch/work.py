"""What is done with each question of a batch: it is answered as `arun()` would, or the company that it is looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from agno.tools.finance import FinanceProvider

from finassist.batch.across import across_flow
from finassist.batch.chunks import Across
from finassist.runtime.drivers import Crew
from finassist.runtime.effects import Flow
from finassist.runtime.result import Draft
from finassist.runtime.run import Call

if TYPE_CHECKING:
    from finassist.workflow import FinancialAssistantWorkflow


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is done with each question, and with whom.

    Attributes:
        flow: The flow that answers it.
        crew: Whom its effects are performed with, anew for each question.
        provider: Where figures come from.
        call: What changes an answer, besides the question: model, provider, routing, years.
        longest: Characters a question may have.
        home: Folder of the user's data.
        secrets: The keys that are set, which no text of an error may repeat.
    """

    flow: Callable[[str], Flow[Draft]]
    crew: Callable[[str], Crew]
    provider: FinanceProvider
    call: dict[str, Any]
    longest: int
    home: Path
    secrets: Callable[[], Sequence[str]]


def work_of(workflow: FinancialAssistantWorkflow, across: Across | None = None) -> Work:
    """What a workflow does with each question of a batch: answers it or, `across` companies, fetches one need."""
    if across is not None:
        need, years = across
        return _work(workflow, across_flow(need, years), {"across": need, "years": years})
    call = {"model": str(workflow.model.id), "routing": workflow.routing, "years": workflow.settings.years}
    return _work(workflow, lambda question: workflow.flow_for(_call_of(workflow, question)), call)


def _work(workflow: FinancialAssistantWorkflow, flow: Callable[[str], Flow[Draft]], call: dict[str, Any]) -> Work:
    return Work(
        flow=flow,
        crew=lambda question: workflow.crew_for(_call_of(workflow, question)),
        provider=workflow.provider,
        call={**call, "provider": workflow.provider.id},
        longest=workflow.settings.max_question_length,
        home=workflow.settings.home,
        secrets=workflow.settings.secrets,
    )


def _call_of(workflow: FinancialAssistantWorkflow, question: str) -> Call:
    return Call(
        question=question,
        run_id=str(uuid4()),
        session_id="",
        user_id=None,
        workflow_id=str(workflow.id),
        workflow_name=str(workflow.name),
    )
