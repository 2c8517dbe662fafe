"""A model and a data source whose only cost is waiting: what is left of a measured run is our own time.

`SleepingModel` stands for a live language model that takes L seconds, `SleepingProvider` for a live data source
that takes F seconds a request. Both sleep without using the processor. The source hands on the embedded figures, so
that the report that is composed and stored is a real one, of five years and some three hundred figures.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.tools.finance import CompanyProfile, FinanceProvider, FinancialStatement, PriceHistory, Quote

from finassist.llm.agents import ConversationSummary, ExtractedSymbols, RoutedQuestion
from finassist.providers.embedded import EmbeddedProvider

WORDS = ("A ", "chat ", "answer ", "in ", "six ", "words.")


class SleepingModel(Model):
    """An Agno model that waits `delay` seconds and then gives a fixed reply: a report on Apple, or six words.

    Example:
        >>> from agno.agent import Agent
        >>> model = SleepingModel(delay=0)
        >>> Agent(model=model, telemetry=False).run("Hello").content, model.calls
        ('A chat answer in six words.', 1)
    """

    def __init__(self, delay: float, category: str = "report") -> None:
        super().__init__(id="sleeping", name="SleepingModel", provider="tests.benchmarks")
        self.supports_native_structured_outputs = True
        self.delay, self.category, self.calls = delay, category, 0

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply, after `delay` seconds."""
        time.sleep(self.delay)
        return self._reply(kwargs.get("response_format"))

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply, after `delay` seconds."""
        await asyncio.sleep(self.delay)
        return self._reply(kwargs.get("response_format"))

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Iterator[ModelResponse]:
        """The first word after `delay` seconds, the others at once."""
        time.sleep(self.delay)
        yield from self._words()

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        """The first word after `delay` seconds, the others at once."""
        await asyncio.sleep(self.delay)
        for word in self._words():
            yield word

    def _reply(self, wanted: Any) -> ModelResponse:
        self.calls += 1
        return ModelResponse(role="assistant", content=self._text(wanted))

    def _text(self, wanted: Any) -> str:
        if wanted is RoutedQuestion:
            return RoutedQuestion.model_construct(category=self.category, reason="The bench says so.").model_dump_json()
        if wanted is ExtractedSymbols:
            return ExtractedSymbols(symbols=["AAPL"]).model_dump_json()
        if wanted is ConversationSummary:
            return ConversationSummary(summary="They asked about Apple.").model_dump_json()
        return "".join(WORDS)

    def _words(self) -> Iterator[ModelResponse]:
        self.calls += 1
        for word in WORDS:
            yield ModelResponse(role="assistant", content=word)

    def _parse_provider_response(self, response: ModelResponse, **kwargs: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: ModelResponse) -> ModelResponse:
        return response


class NamingModel(SleepingModel):
    """A sleeping model that names the `$TICKER` of the question, so that many questions are about many companies."""

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply, after `delay` seconds."""
        reply = await super().ainvoke(*args, **kwargs)
        if kwargs.get("response_format") is ExtractedSymbols:
            symbols = re.findall(r"\$([A-Z]+)", str(kwargs["messages"][-1].content))
            reply.content = ExtractedSymbols(symbols=symbols).model_dump_json()
        return reply


class SleepingProvider(FinanceProvider):
    """A finance provider that waits `delay` seconds and then hands on the embedded figures.

    Example:
        >>> provider = SleepingProvider(delay=0)
        >>> provider.get_quote("AAPL").symbol, provider.calls
        ('AAPL', 1)
    """

    id = "sleeping"
    name = "Sleeping source"
    capabilities = EmbeddedProvider.capabilities

    def __init__(self, delay: float) -> None:
        self.delay, self.calls = delay, 0
        figures = EmbeddedProvider()
        # Kept once made: nothing but the wait is to be measured.
        self._profile = cache(figures.get_company_profile)
        self._quote = cache(figures.get_quote)
        self._history = cache(figures.get_price_history)
        self._statements = cache(figures.get_financials)

    def get_company_profile(self, symbol: str) -> CompanyProfile:
        """The embedded profile, after `delay` seconds."""
        self._wait()
        return self._profile(symbol)

    def get_quote(self, symbol: str) -> Quote:
        """The embedded quote, after `delay` seconds."""
        self._wait()
        return self._quote(symbol)

    def get_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> PriceHistory:
        """The embedded prices, after `delay` seconds."""
        self._wait()
        return self._history(symbol, period, interval)

    def get_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """The embedded statements, after `delay` seconds."""
        self._wait()
        return self._statements(symbol, statement, period, limit)

    async def aget_company_profile(self, symbol: str) -> CompanyProfile:
        """`get_company_profile` without blocking the loop."""
        await self._await()
        return self._profile(symbol)

    async def aget_quote(self, symbol: str) -> Quote:
        """`get_quote` without blocking the loop."""
        await self._await()
        return self._quote(symbol)

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> PriceHistory:
        """`get_price_history` without blocking the loop."""
        await self._await()
        return self._history(symbol, period, interval)

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """`get_financials` without blocking the loop."""
        await self._await()
        return self._statements(symbol, statement, period, limit)

    def _wait(self) -> None:
        self.calls += 1
        time.sleep(self.delay)

    async def _await(self) -> None:
        self.calls += 1
        await asyncio.sleep(self.delay)
