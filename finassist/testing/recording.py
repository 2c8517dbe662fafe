"""A source and a model that record what they say on a tape."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from time import perf_counter
from typing import Any, Self

from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.tools.finance import FinanceProvider, FinanceProviderError, ProviderStatus

from finassist.core.facts import Fact
from finassist.core.result import encode
from finassist.llm.models import ModelChoice, resolve_model
from finassist.providers.base import Need, fetch_facts
from finassist.providers.registry import Provider, open_provider
from finassist.providers.waiting import WaitingProvider
from finassist.testing.model import Wrapped, call_of
from finassist.testing.tape import Take, Tape


class Recorder:
    """Records a workflow: give it the model and the source, and use what it has in their place.

    Args:
        model: The model to record.
        provider: The source to record.

    Attributes:
        tape: What has been said so far; `recorder.tape.save("run.json")` keeps it.
        model: The same model, recorded.
        provider: The same source, recorded.
    """

    def __init__(self, model: ModelChoice = "auto", provider: Provider = "auto") -> None:
        asked, source = resolve_model(model), open_provider(provider)
        self.tape = Tape(model=asked.id, provider=source.name)
        self.model = RecordingModel(asked, self.tape)
        self.provider = RecordingProvider(source, self.tape)


class RecordingProvider(WaitingProvider):
    """Hands on what a source delivers, and notes it with its timing."""

    id = "recording"

    def __init__(self, inner: FinanceProvider, tape: Tape) -> None:
        self.inner, self._tape = inner, tape
        self.name, self.capabilities = inner.name, inner.capabilities

    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        """One need of one company, and what became of it on the tape."""
        asked, begun = f"{need} {symbol} {limit}", perf_counter()
        try:
            facts = await fetch_facts(self.inner, need, symbol, limit=limit)
        except FinanceProviderError as error:
            failed = Take((), type(error).__name__, str(error), perf_counter() - begun)
            self._tape.add(asked, failed)
            raise
        seconds = perf_counter() - begun
        self._tape.add(asked, Take(((seconds, encode(facts)),), seconds=seconds))
        return facts

    async def astatus(self) -> ProviderStatus:
        """That of the source."""
        return await self.inner.astatus()


class RecordingModel(Wrapped):
    """Hands on what a model replies, and notes it with its timing."""

    def __init__(self, inner: Model, tape: Tape) -> None:
        super().__init__(inner, "recorded")
        self.tape = tape

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply."""
        with _Noting(self.tape, kwargs) as noting:
            return noting.piece(self.inner.invoke(*args, **kwargs))

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply."""
        with _Noting(self.tape, kwargs) as noting:
            return noting.piece(await self.inner.ainvoke(*args, **kwargs))

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Iterator[ModelResponse]:
        """The reply in pieces."""
        stream: Any = self.inner.invoke_stream(*args, **kwargs)
        with _Noting(self.tape, kwargs) as noting, closing(stream) as pieces:
            for piece in pieces:
                yield noting.piece(piece)

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        """The reply in pieces."""
        stream: Any = self.inner.ainvoke_stream(*args, **kwargs)
        with _Noting(self.tape, kwargs) as noting:
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    yield noting.piece(piece)


class _Noting:
    """Notes one reply on a tape, piece by piece."""

    def __init__(self, tape: Tape, asked: dict[str, Any]) -> None:
        self._tape, self._asked, self._begun = tape, call_of(asked), perf_counter()
        self._pieces: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        return self

    def piece(self, response: ModelResponse) -> ModelResponse:
        content: Any = response.content
        if content is not None:
            text = content if isinstance(content, str) else content.model_dump_json()
            self._pieces.append((perf_counter() - self._begun, text))
        return response

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None and not isinstance(error, Exception):
            return  # cancelled, interrupted or left: nobody knows how it would have ended
        seconds = perf_counter() - self._begun
        named = (type(error).__name__, str(error)) if error else ("", "")
        self._tape.add(self._asked, Take(tuple(self._pieces), *named, seconds))
