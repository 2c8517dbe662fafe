"""Any data source and any language model, made slow and unreliable on purpose."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing, closing
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from agno.exceptions import ModelProviderError
from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse
from agno.tools.finance import FinanceProvider

from finassist.core.errors import (
    AuthError,
    BadPayload,
    InputError,
    NotFound,
    PlanError,
    QuotaExhausted,
    RateLimited,
    SourceTimeout,
    Unreachable,
)
from finassist.core.facts import Fact
from finassist.llm import ModelChoice, resolve_model
from finassist.llm.agents import ConversationSummary, ExtractedSymbols, RoutedQuestion, parse
from finassist.llm.calls import Failure, Limits, current_record
from finassist.providers.base import Need, Periods, fetch_facts
from finassist.providers.registry import Provider, open_provider
from finassist.providers.to_agno import WaitingProvider

HANG: Final = "hang"
type Pieces = Generator[ModelResponse]
type AsyncPieces = AsyncGenerator[ModelResponse]

_NEXT: Final = "A simulated failure: change it with its dials."

DATA_FAILURES: Final = MappingProxyType[str, Callable[[str], BaseException]]({
    "unreachable": lambda call: Unreachable(f"The source of {call} could not be reached. {_NEXT}"),
    "timeout": lambda call: SourceTimeout(f"The source of {call} did not answer in time. {_NEXT}"),
    "rate_limited": lambda call: RateLimited(f"The source of {call} was asked too often. {_NEXT}"),
    "quota": lambda call: QuotaExhausted(f"The quota for {call} is used up. {_NEXT}"),
    "key": lambda call: AuthError(f"The key for {call} was not accepted. {_NEXT}"),
    "plan": lambda call: PlanError(f"The plan does not include {call}. {_NEXT}"),
    "not_found": lambda call: NotFound(f"The source has no page for {call}. {_NEXT}"),
    "bad_payload": lambda call: BadPayload(f"The source answered the request for {call} with nonsense. {_NEXT}"),
    "cancelled": lambda call: asyncio.CancelledError(),
    "bug": lambda call: TypeError(f"a simulated bug in the source of {call}"),
})  # fmt: skip
"""Failures of a source by name; besides them `"hang"` never answers."""

MODEL_FAILURES: Final = ("overloaded", "unreachable", "prose", "empty", "invented", HANG)
"""Failures of a model by name: it refuses, replies something useless or invented, or never answers."""

_STATUS: Final = {"overloaded": 529, "unreachable": 503}
_REPLIES: Final = {
    "prose": "Certainly! Here is what I think about it, in words instead of the form you asked for.",
    "empty": "",
    "invented": '{"category": "horoscope", "symbols": ["ZZZZZ"], "summary": "", "reason": "simulated"}',
}
_AGENTS: Final[dict[Any, str]] = {
    RoutedQuestion: "router", ExtractedSymbols: "symbol_extraction", ConversationSummary: "summary",
}  # fmt: skip


class Trouble(NamedTuple):
    """What happens to one call: a delay in seconds, and a failure by name (`""`: none)."""

    seconds: float
    failure: str


@dataclass
class Dials:
    """How slow and unreliable calls are. Every attribute may be changed at any time, also during a run.

    What happens to a call depends on the seed, the call and how often it was made before; never on the order in
    which tasks happen to run. So the same seed gives the same trouble in `run()` and in `arun()`.

    Attributes:
        latency: Seconds by which every call is delayed.
        jitter: At most so many seconds more, or less.
        failure_rate: The share of calls that fail, from 0 to 1.
        failure: How they fail: one of `DATA_FAILURES` for a source, of `MODEL_FAILURES` for a model.
        only: Which calls are affected, as words that must all occur in a call: `"quote"`, `"MSFT"`,
            `"income AAPL"`, `"router"`; several such patterns separated by commas. By default all calls.
        seed: Chooses which calls fail, and the jitter of each.

    Raises:
        InputError: A value makes no sense.

    Example:
        >>> dials = Dials(latency=0.5, failure="timeout", only="quote MSFT, history")
        >>> dials.trouble("quote MSFT"), dials.trouble("quote AAPL")
        (Trouble(seconds=0.5, failure='timeout'), Trouble(seconds=0.0, failure=''))
    """

    latency: float = 0.0
    jitter: float = 0.0
    failure_rate: float = 1.0
    failure: str = ""
    only: str = ""
    seed: int = 0
    _asked: Counter[str] = field(default_factory=Counter[str], init=False, repr=False, compare=False)
    _guard: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.latency < 0 or self.jitter < 0:
            raise InputError("Latency and jitter are seconds and cannot be negative. Use 0 for none.")
        if not 0 <= self.failure_rate <= 1:
            raise InputError("The failure rate is a part of all calls. Use a number from 0 (none) to 1 (all).")

    def trouble(self, call: str) -> Trouble:
        """What happens to the next call of this kind.

        Args:
            call: What is asked for, such as `"quote MSFT"` or `"router"`.
        """
        if not self.affect(call):
            return Trouble(0.0, "")
        with self._guard:
            self._asked[call] += 1
            chance = Random(f"{self.seed}|{call}|{self._asked[call]}")
        fails, sway = chance.random() < self.failure_rate, chance.uniform(-1, 1)
        return Trouble(max(0.0, self.latency + sway * self.jitter), self.failure if fails else "")

    def affect(self, call: str) -> bool:
        """Whether such a call is affected."""
        words = call.casefold().split()
        patterns = [pattern.casefold().split() for pattern in self.only.split(",") if pattern.strip()]
        return not patterns or any(all(word in words for word in pattern) for pattern in patterns)


def _check_failure(dials: Dials, known: Iterable[str]) -> None:
    if dials.failure and dials.failure not in known:
        raise InputError(f"There is no failure {dials.failure!r:.40}. Use one of: {', '.join(known)}; or '' for none.")


# ---------------------------------------------------------------------------------------------- sources


class FaultyProvider(WaitingProvider):
    """Another source, slower and less reliable.

    Args:
        provider: The source: a name, a provider object, or several.
        dials: What happens to calls; turn them at any time.

    Raises:
        InputError: A source has no such failure.

    Example:
        >>> provider = FaultyProvider("embedded", Dials(failure="quota", only="history"))
        >>> provider.name
        'finassist embedded data, disturbed'
    """

    id = "lab"

    def __init__(self, provider: Provider = "embedded", dials: Dials | None = None) -> None:
        self.inner: FinanceProvider = open_provider(provider)
        self.dials = dials or Dials()
        nested = isinstance(self.inner, FaultyProvider)
        self.name = self.inner.name if nested else f"{self.inner.name}, disturbed"
        self.capabilities = self.inner.capabilities
        _check_failure(self.dials, (*DATA_FAILURES, HANG))

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """One need of one company, if the dials let it through.

        Raises:
            DataError: The dials, or the source itself, made it fail.
        """
        call = f"{need} {symbol}"
        trouble = self.dials.trouble(call)
        await asyncio.sleep(trouble.seconds)
        if trouble.failure == HANG:
            await asyncio.Event().wait()
        if trouble.failure:
            _check_failure(self.dials, (*DATA_FAILURES, HANG))
            raise DATA_FAILURES[trouble.failure](call)
        return await fetch_facts(self.inner, need, symbol, periods)


# ----------------------------------------------------------------------------------------------- models


def call_of(asked: dict[str, Any]) -> str:
    """`"router: What is Apple's price?"`: who asks a model, and what; the conversation before it left out."""
    messages: Sequence[Message] = asked["messages"]
    said = [message.get_content_string() for message in messages if message.role == "user"]
    agent = _AGENTS.get(asked.get("response_format"), "chat")
    return f"{agent}: {parse(said[-1]).question if said else ''}"


class Reply(AbstractContextManager["Reply", None]):
    """What happens to one reply of a wrapped model; by default nothing."""

    replaced = False
    """Whether something else is replied in the model's place."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        pass

    def instead(self) -> Iterator[tuple[float, ModelResponse | None]]:
        """Seconds to wait, and a piece of what is replied in the model's place, if anything is. May raise."""
        yield 0.0, None

    def piece(self, response: ModelResponse) -> ModelResponse:
        """One piece of the model's own reply on its way."""
        return response


class WrappedModel(Model):
    """A model around another, which it asks with whatever Agno passes; subclasses intercept its replies."""

    def __init__(self, inner: Any, name: str) -> None:
        super().__init__(id=name, name=type(self).__name__, provider="finassist.testing")
        self.inner = inner
        self.supports_native_structured_outputs = inner.supports_native_structured_outputs
        self.supports_json_schema_outputs = inner.supports_json_schema_outputs

    def intercept(self, asked: dict[str, Any]) -> Reply:
        """What happens to the reply to one call."""
        return Reply()

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply."""

        def whole() -> Pieces:
            yield self.inner.invoke(*args, **kwargs)

        return _joined(list(self._pieces(kwargs, whole())))

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply."""

        async def whole() -> AsyncPieces:
            yield await self.inner.ainvoke(*args, **kwargs)

        return _joined([piece async for piece in self._apieces(kwargs, whole())])

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Pieces:
        """The reply in pieces."""
        return self._pieces(kwargs, self.inner.invoke_stream(*args, **kwargs))

    def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncPieces:
        """The reply in pieces."""
        return self._apieces(kwargs, self.inner.ainvoke_stream(*args, **kwargs))

    def _pieces(self, asked: dict[str, Any], own: Pieces) -> Pieces:
        with self.intercept(asked) as reply, closing(own):
            for pause, piece in reply.instead():
                time.sleep(pause)
                if piece is not None:
                    yield piece
            if not reply.replaced:
                for piece in own:
                    yield reply.piece(piece)

    async def _apieces(self, asked: dict[str, Any], own: AsyncPieces) -> AsyncPieces:
        async with aclosing(own):
            with self.intercept(asked) as reply:
                for pause, piece in reply.instead():
                    await asyncio.sleep(pause)
                    if piece is not None:
                        yield piece
                if not reply.replaced:
                    async for piece in own:
                        yield reply.piece(piece)

    def _parse_provider_response(self, response: ModelResponse, **kwargs: Any) -> ModelResponse:
        return response  # the model inside has parsed it

    def _parse_provider_response_delta(self, response: ModelResponse) -> ModelResponse:
        return response


def _joined(pieces: list[ModelResponse]) -> ModelResponse:
    if len(pieces) == 1:
        return pieces[0]
    return ModelResponse(role="assistant", content="".join(str(piece.content) for piece in pieces))


class FaultyModel(WrappedModel):
    """Another model, slower and less reliable.

    Args:
        model: The model: a name, an Agno model, or several.
        dials: What happens to calls; turn them at any time. Calls are named after the agent that asks: `"router"`,
            `"symbol_extraction"`, `"chat"`, `"summary"`.
        limits: How long to wait for a model that hangs.

    Raises:
        InputError: A model has no such failure.

    Example:
        >>> from finassist import FinancialAssistantWorkflow
        >>> model = FaultyModel("offline", Dials(failure="prose", only="router"))
        >>> answer = FinancialAssistantWorkflow(db=None, model=model, routing="model").run("Apple's revenue?")
        >>> answer.category, answer.models["router"]
        ('income_statement', 'rules')
    """

    def __init__(
        self, model: ModelChoice = "offline", dials: Dials | None = None, limits: Limits | None = None
    ) -> None:
        inner = resolve_model(model)
        super().__init__(inner, f"{inner.id}, disturbed")
        self.dials, self.limits = dials or Dials(), limits or Limits()
        _check_failure(self.dials, MODEL_FAILURES)

    def intercept(self, asked: dict[str, Any]) -> Reply:
        """A delay and a failure, as the dials say."""
        _check_failure(self.dials, MODEL_FAILURES)
        return _FaultyReply(str(self.id), self.dials.trouble(call_of(asked).partition(":")[0]), self.limits.seconds)


@dataclass
class _FaultyReply(Reply):
    model: str
    trouble: Trouble
    timeout: float

    def instead(self) -> Iterator[tuple[float, ModelResponse | None]]:
        failure = self.trouble.failure
        yield self.timeout if failure == HANG else self.trouble.seconds, None
        if not failure:
            return
        record = current_record()
        record.begin(self.model)
        if failure in _REPLIES:
            self.replaced = True
            yield 0.0, ModelResponse(role="assistant", content=_REPLIES[failure])
        elif failure == HANG:
            record.failure = Failure("timeout", f"no reply within {self.timeout:g} seconds")
            raise ModelProviderError(record.failure.text, 504, model_id=self.model)
        else:
            record.failure = Failure("rejected", f"{failure}, simulated", _STATUS[failure])
            raise ModelProviderError(record.failure.text, _STATUS[failure], model_id=self.model)
