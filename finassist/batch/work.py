"""What is done with each question of a batch: it is answered as `arun()` would, or the company that it is looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from finassist.batch.across import across_flow
from finassist.batch.chunks import Across
from finassist.core.result import Draft
from finassist.runtime.context import Runtime
from finassist.runtime.effects import Flow
from finassist.runtime.flows import FlowContext, answer_flow


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is done with each question, and with what.

    Attributes:
        flow: The flow that answers it.
        runtime: What its effects are performed with.
        call: What changes an answer, besides the question: model, provider, routing, years.
    """

    flow: Callable[[str], Flow[Draft]]
    runtime: Runtime
    call: dict[str, Any]


def work_of(runtime: Runtime, across: Across | None = None) -> Work:
    """What is done with each question of a batch: it is answered or, `across` companies, one need is fetched."""
    if across is not None:
        need, years = across
        call: dict[str, Any] = {"across": need, "years": years, "provider": runtime.provider.id}
        return Work(flow=across_flow(need, years), runtime=runtime, call=call)
    call = {
        "model": str(runtime.model.id),
        "routing": runtime.routing,
        "years": runtime.settings.years,
        "provider": runtime.provider.id,
    }
    known = FlowContext.of(runtime)
    return Work(flow=lambda question: answer_flow(question, known), runtime=runtime, call=call)
