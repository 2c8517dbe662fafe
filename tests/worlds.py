"""Worlds a workflow can live in: sources and models that answer, fail, stall or talk nonsense, as scripted.

A `World` is plain data, so hypothesis can make one up; `ScriptedProvider` and `ScriptedModel` act it out the same
way in the sync and the async form.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.tools.finance import FinanceProvider, FinanceProviderError, FinancialStatement, PriceBar, PriceHistory, Quote
from agno.tools.finance.base import CompanyProfile

from finassist.core.errors import BadPayload, SourceTimeout

NEEDS = ("profile", "income", "balance_sheet", "cash_flow", "quote", "history")
SOURCE_MOODS = ("fine", "slow", "refuses", "times_out", "malformed", "empty", "cancels_itself", "other_symbol")
MODEL_MOODS = ("fine", "slow", "fails", "prose", "invents", "empty")


@dataclass(frozen=True)
class World:
    """How each need of each symbol, and each agent, behaves."""

    sources: dict[str, str] = field(default_factory=dict)
    router: str = "fine"
    extraction: str = "fine"
    chat: str = "fine"
    category: str = "report"
    symbols: tuple[str, ...] = ("AAPL",)
    narration: bool = False


class ScriptedProvider(FinanceProvider):
    id = "scripted"
    name = "Scripted source"
    capabilities = frozenset({"get_quote", "get_price_history", "get_company_profile", "get_financials"})

    def __init__(self, world: World, delay: float = 0.001) -> None:
        self.world, self.delay = world, delay
        self.asked: list[tuple[str, str]] = []

    async def _act(self, need: str, symbol: str, fine: Any) -> Any:
        self.asked.append((need, symbol))
        mood = self.world.sources.get(f"{need} {symbol}", "fine")
        await asyncio.sleep(self.delay * (5 if mood == "slow" else 1))
        match mood:
            case "refuses":
                raise FinanceProviderError(f"{need} of {symbol} is refused. Ask somebody else.")
            case "times_out":
                raise SourceTimeout(f"{need} of {symbol} took too long. Ask again.")
            case "malformed":
                return "<html>not data</html>"
            case "bad":
                raise BadPayload("nonsense. Ask again.")
            case "empty":
                return []
            case "cancels_itself":
                raise asyncio.CancelledError
            case "other_symbol":
                return Quote(symbol="ZZZZ", price=1.0, currency="USD", as_of="2026-01-02")
            case "bug":
                raise TypeError(f"bug in {need} of {symbol}")
            case "exits":
                raise SystemExit(3)
            case _:
                return fine

    async def aget_company_profile(self, symbol: str) -> CompanyProfile:
        return await self._act("profile", symbol, CompanyProfile(symbol=symbol, name=f"{symbol} Inc."))

    async def aget_quote(self, symbol: str) -> Quote:
        quote = Quote(symbol=symbol, price=12.5, currency="USD", previous_close=12.0, as_of="2026-01-02")
        return await self._act("quote", symbol, quote)

    async def aget_price_history(self, symbol: str, period: str = "1mo", interval: str = "1d") -> PriceHistory:
        bars = [PriceBar(date="2026-01-01", close=12.0), PriceBar(date="2026-01-02", close=12.5)]
        history = PriceHistory(symbol=symbol, period=period, interval=interval, currency="USD", bars=bars)
        return await self._act("history", symbol, history)

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        items = {
            "income": {"revenue": 100.0, "net_income": 10.0, "eps_diluted": 1.0},
            "balance_sheet": {"total_assets": 200.0, "total_liabilities": 150.0, "equity": 50.0},
            "cash_flow": {"operating_cash_flow": 20.0, "capex": 5.0},
        }[statement]
        row = FinancialStatement(
            symbol=symbol, statement=statement, period="annual", report_period="2025-12-31", fiscal_period="FY2025",
            currency="USD", items=items,
        )  # fmt: skip
        return await self._act(statement, symbol, [row])


class Held(ScriptedProvider):
    """A source that answers when the test lets it."""

    def __init__(self) -> None:
        super().__init__(World())
        self.asked_for, self.let = asyncio.Event(), asyncio.Event()

    async def _act(self, need: str, symbol: str, fine: Any) -> Any:
        self.asked_for.set()
        await self.let.wait()
        return await super()._act(need, symbol, fine)


class ScriptedModel(Model):
    """Acts out a world's model moods through Agno's own interface."""

    def __init__(self, world: World, delay: float = 0.001) -> None:
        super().__init__(id="scripted", name="Scripted", provider="tests")
        self.supports_native_structured_outputs = True
        self.world, self.delay, self.calls = world, delay, 0

    def _say(self, response_format: Any) -> str:
        self.calls += 1
        name = getattr(response_format, "__name__", "chat")
        mood = {
            "RoutedQuestion": self.world.router,
            "ExtractedSymbols": self.world.extraction,
        }.get(name, self.world.chat)
        match mood:
            case "fails":
                raise RuntimeError("the model is overloaded")
            case "prose":
                return "Well, let me think about that."
            case "empty":
                return ""
            case _:
                return self._fine(response_format, name, mood)

    def _fine(self, response_format: Any, name: str, mood: str) -> str:
        if name == "RoutedQuestion":
            return response_format(category=self.world.category, reason="as scripted").model_dump_json()
        if name == "ExtractedSymbols":
            symbols = [*self.world.symbols, *(["QQZZX"] if mood == "invents" else [])]
            return response_format(symbols=symbols, words=["iPhone maker"]).model_dump_json()
        if name == "ConversationSummary":
            return response_format(summary="They talked.", topics=["AAPL"]).model_dump_json()
        return "one two three four"

    def invoke(self, *args: Any, response_format: Any = None, **kwargs: Any) -> ModelResponse:
        return ModelResponse(role="assistant", content=self._say(response_format))

    async def ainvoke(self, *args: Any, response_format: Any = None, **kwargs: Any) -> ModelResponse:
        await asyncio.sleep(self.delay)
        return ModelResponse(role="assistant", content=self._say(response_format))

    def invoke_stream(self, *args: Any, response_format: Any = None, **kwargs: Any) -> Any:
        for word in self._say(response_format).split(" "):
            yield ModelResponse(role="assistant", content=word + " ")

    async def ainvoke_stream(self, *args: Any, response_format: Any = None, **kwargs: Any) -> Any:
        for word in self._say(response_format).split(" "):
            await asyncio.sleep(self.delay)
            yield ModelResponse(role="assistant", content=word + " ")

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
        return response
