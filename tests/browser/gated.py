"""A world that moves when a test says so. Copied next to the notebooks, whose kernels import it.

What a source is asked, and what a model says, waits at its gate, which is a file that the test makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from agno.models.response import ModelResponse

from finassist import Fact, FinancialAssistantWorkflow, OfflineModel, Settings
from finassist.providers.base import Need
from finassist.testing import FaultyProvider

GATES = Path("gates")


async def passed(*names: str) -> None:
    """Wait until each of these gates that is shut has been opened."""
    while any((GATES / f"{name}.shut").exists() for name in names):
        await asyncio.sleep(0.02)


class GatedProvider(FaultyProvider):
    """The embedded figures, behind gates named by need (`quote`) and by need and symbol (`quote MSFT`)."""

    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        await passed(need, f"{need} {symbol}")
        return await super().fetch_facts(need, symbol, limit)


class GatedModel(OfflineModel):
    """The offline model, which stops in the middle of a chat at the gate `words`."""

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        said = 0
        async for delta in super().ainvoke_stream(*args, **kwargs):
            if said == 8:
                await passed("words")
            said += 1
            yield delta


def gated_workflow(**options: Any) -> FinancialAssistantWorkflow:
    """A workflow that waits at its gates for as long as it takes."""
    patient = Settings(fetch_timeout=600, question_timeout=600, model_timeout=600)
    return FinancialAssistantWorkflow(provider=GatedProvider(), model=GatedModel(), settings=patient, **options)
