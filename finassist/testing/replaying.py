"""A source and a model that play a tape back, without any key and as fast as it was, or at any other speed.

>>> from finassist import FinancialAssistantWorkflow
>>> from finassist.testing import Recorder
>>> recorder = Recorder(model="offline", provider="embedded")
>>> live = FinancialAssistantWorkflow(db=None, model=recorder.model, provider=recorder.provider)
>>> said = live.run("What is Apple's stock price?")
>>> model, provider = ReplayModel(recorder.tape, speed=100), ReplayProvider(recorder.tape, speed=100)
>>> replayed = FinancialAssistantWorkflow(db=None, model=model, provider=provider).run("What is Apple's stock price?")
>>> replayed.symbols == said.symbols, replayed.facts[0].source.startswith("replayed")
(True, True)
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from threading import Lock
from typing import Any

from agno.exceptions import ModelProviderError
from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.tools.finance import ProviderStatus
from msgspec.structs import replace

from finassist.core import errors
from finassist.core.errors import DataError, InputError
from finassist.core.facts import Fact
from finassist.core.result import decode
from finassist.llm.attempts import current_watch
from finassist.providers.base import Need
from finassist.providers.waiting import WaitingProvider
from finassist.testing.model import call_of, sleep
from finassist.testing.tape import Take, Tape


class ReplayProvider(WaitingProvider):
    """Delivers what is on a tape, as fast as it came when it was recorded.

    Args:
        tape: What to play.
        speed: 2 plays twice as fast, 0.5 half as fast.

    Raises:
        InputError: The speed is not positive.
    """

    id = "replay"

    def __init__(self, tape: Tape, *, speed: float = 1.0) -> None:
        self._deck = _Deck(tape, speed)
        self.name = f"{tape.provider}, replayed from {tape.recorded}"
        self.capabilities = frozenset({"get_company_profile", "get_financials", "get_quote", "get_price_history"})

    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        """One need of one company, each figure saying that it is replayed and from when.

        Raises:
            DataError: It failed when it was recorded, or is not on the tape.
        """
        try:
            take = self._deck.next(f"{need} {symbol} {limit}")
        except InputError as error:
            raise DataError(str(error)) from error
        await asyncio.sleep(take.seconds / self._deck.speed)
        if take.error:
            kind = getattr(errors, take.error, DataError)
            raise (kind if isinstance(kind, type) and issubclass(kind, DataError) else DataError)(take.message)
        label = f"replayed from {self._deck.tape.recorded}: "
        return [replace(fact, source=label + fact.source) for fact in decode(take.pieces[0][1])]

    def status(self) -> ProviderStatus:
        """A tape is always there."""
        return ProviderStatus(ok=True, detail=self.name)

    async def astatus(self) -> ProviderStatus:
        """A tape is always there."""
        return self.status()


class ReplayModel(Model):
    """Replies what is on a tape, word for word and as fast as it came when it was recorded.

    Args:
        tape: What to play.
        speed: 2 plays twice as fast, 0.5 half as fast.

    Raises:
        InputError: The speed is not positive.
    """

    def __init__(self, tape: Tape, *, speed: float = 1.0) -> None:
        super().__init__(id=f"{tape.model}, replayed", name="ReplayModel", provider="finassist.testing")
        self.supports_native_structured_outputs = True
        self._deck = _Deck(tape, speed)

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply."""
        return _joined(self.invoke_stream(*args, **kwargs))

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply."""
        return _joined([piece async for piece in self.ainvoke_stream(*args, **kwargs)])

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Iterator[ModelResponse]:
        """The reply in pieces, each when it came."""
        take = self._take(kwargs)
        for pause, text in self._deck.pauses(take):
            sleep(pause)
            yield ModelResponse(role="assistant", content=text)
        self._check(take)

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        """The reply in pieces, each when it came."""
        take = self._take(kwargs)
        for pause, text in self._deck.pauses(take):
            await asyncio.sleep(pause)
            yield ModelResponse(role="assistant", content=text)
        self._check(take)

    def _take(self, asked: dict[str, Any]) -> Take:
        current_watch().begin(self.id)
        try:
            return self._deck.next(call_of(asked))
        except InputError as error:
            raise ModelProviderError(str(error), 404, model_id=self.id) from error

    def _check(self, take: Take) -> None:
        if take.error:
            raise ModelProviderError(take.message, model_id=self.id)

    def _parse_provider_response(self, response: ModelResponse, **kwargs: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: ModelResponse) -> ModelResponse:
        return response


class _Deck:
    """A tape being played: which take comes next, and how fast."""

    def __init__(self, tape: Tape, speed: float) -> None:
        if not speed > 0:
            raise InputError("The speed must be positive: 1 plays as it was, 2 twice as fast.")
        self.tape, self.speed = tape, speed
        self._played: Counter[str] = Counter()
        self._guard = Lock()

    def next(self, asked: str) -> Take:
        with self._guard:
            take = self.tape.find(asked, self._played[asked])
            self._played[asked] += 1
            return take

    def pauses(self, take: Take) -> Iterator[tuple[float, str]]:
        """The pieces of a take, each with the seconds to wait before it; a failed one ends with a last pause."""
        before = 0.0
        for when, text in take.pieces:
            yield (when - before) / self.speed, text
            before = when
        if take.error:
            yield (take.seconds - before) / self.speed, ""


def _joined(pieces: Iterable[ModelResponse]) -> ModelResponse:
    return ModelResponse(role="assistant", content="".join(str(piece.content) for piece in pieces))
