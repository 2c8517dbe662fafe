"""A world that moves when a test says so. Copied next to the notebooks, whose kernels import it.

What a source is asked, and what a model says, waits at its gate, which is a file that the test makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from agno.models.response import ModelResponse

from finassist import EmbeddedProvider, FinancialAssistantWorkflow
from finassist.config.settings import Settings
from finassist.llm.offline import OfflineModel

GATES = Path("gates")


async def passed(*names: str) -> None:
    """Wait until each of these gates that is shut has been opened."""
    while any((GATES / f"{name}.shut").exists() for name in names):
        await asyncio.sleep(0.02)


class GatedProvider(EmbeddedProvider):
    """The embedded figures, behind gates named by need (`quote`) and by need and symbol (`quote MSFT`)."""

    async def aget_company_profile(self, symbol: str) -> Any:
        await passed("profile", f"profile {symbol}")
        return await super().aget_company_profile(symbol)

    async def aget_quote(self, symbol: str) -> Any:
        await passed("quote", f"quote {symbol}")
        return await super().aget_quote(symbol)

    async def aget_price_history(self, symbol: str, *args: Any, **kwargs: Any) -> Any:
        await passed("history", f"history {symbol}")
        return await super().aget_price_history(symbol, *args, **kwargs)

    async def aget_financials(self, symbol: str, statement: str = "income", *args: Any, **kwargs: Any) -> Any:
        await passed(statement, f"{statement} {symbol}")
        return await super().aget_financials(symbol, statement, *args, **kwargs)


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
