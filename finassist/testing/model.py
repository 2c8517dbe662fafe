"""Any language model, disturbed as the dials say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any, Final

from agno.exceptions import ModelProviderError
from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse

from finassist.llm.attempts import Attempt, Limits, RanOutOfTime
from finassist.llm.models import ModelChoice, resolve_model
from finassist.llm.prompts import parse
from finassist.llm.schemas import ConversationSummary, ExtractedSymbols, RoutedQuestion
from finassist.testing.dials import Dials
from finassist.testing.provider import HANG, check_failure

MODEL_FAILURES: Final = ("overloaded", "unreachable", "prose", "empty", "invented", HANG)
"""Failures of a model by name. The last but three answer, and are not to be believed; `"hang"` never answers."""

_STATUS: Final = {"overloaded": 529, "unreachable": 503}
_REPLIES: Final = {
    "prose": "Certainly! Here is what I think about it, in words instead of the form you asked for.",
    "empty": "",
    "invented": '{"category": "horoscope", "symbols": ["ZZZZZ"], "summary": "", "reason": "made in the lab"}',
}
_ROLES: Final[dict[Any, str]] = {
    RoutedQuestion: "router",
    ExtractedSymbols: "symbol_extraction",
    ConversationSummary: "summary",
}
_SLICE = 0.05


def role_of(response_format: Any) -> str:
    """Which agent asks: its reply schema tells, and none means chat.

    Example:
        >>> role_of(RoutedQuestion), role_of(None)
        ('router', 'chat')
    """
    return _ROLES.get(response_format, "chat")


class Wrapped(Model):
    """A model around another, which it asks with whatever Agno hands it."""

    def __init__(self, inner: Model, kind: str) -> None:
        super().__init__(id=f"{inner.id}, {kind}", name=type(self).__name__, provider="finassist.testing")
        self.inner: Any = inner
        self.supports_native_structured_outputs = inner.supports_native_structured_outputs
        self.supports_json_schema_outputs = inner.supports_json_schema_outputs

    def _parse_provider_response(self, response: ModelResponse, **kwargs: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: ModelResponse) -> ModelResponse:
        return response


class FaultyModel(Wrapped):
    """Hands on what another model replies, slower and less reliably.

    Args:
        model: The model: a name, an Agno model, or several.
        dials: What is to happen; turn them at any time. Calls are named after the agent that asks: `"router"`,
            `"symbol_extraction"`, `"chat"`, `"summary"`.
        limits: How long a model that hangs is waited for.

    Raises:
        InputError: The dials name a failure that models do not have.

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
        super().__init__(resolve_model(model), "disturbed")
        self.dials, self.limits = dials or Dials(), limits or Limits()
        check_failure(self.dials, list(MODEL_FAILURES))

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply, if the dials let it through."""
        seconds, said = self._trouble(kwargs)
        sleep(seconds)
        return self.inner.invoke(*args, **kwargs) if said is None else self._said(said, seconds)

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply, if the dials let it through."""
        seconds, said = self._trouble(kwargs)
        await asyncio.sleep(seconds)
        return await self.inner.ainvoke(*args, **kwargs) if said is None else self._said(said, seconds)

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Iterator[ModelResponse]:
        """The reply in pieces, if the dials let it through."""
        seconds, said = self._trouble(kwargs)
        sleep(seconds)
        if said is not None:
            yield self._said(said, seconds)
            return
        stream: Any = self.inner.invoke_stream(*args, **kwargs)
        with closing(stream) as pieces:
            yield from pieces

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        """The reply in pieces, if the dials let it through."""
        seconds, said = self._trouble(kwargs)
        await asyncio.sleep(seconds)
        if said is not None:
            yield self._said(said, seconds)
            return
        stream: Any = self.inner.ainvoke_stream(*args, **kwargs)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                yield piece

    def _trouble(self, asked: dict[str, Any]) -> tuple[float, str | None]:
        """How long to wait, and what to say or fail with instead of asking the model (`None`: nothing)."""
        trouble = self.dials.trouble(role_of(asked.get("response_format")))
        check_failure(self.dials, list(MODEL_FAILURES))
        seconds = self.limits.seconds if trouble.failure == HANG else trouble.seconds
        return seconds, trouble.failure or None

    def _said(self, failure: str, seconds: float) -> ModelResponse:
        with Attempt(self.id, self.limits).under_way():
            if failure == HANG:
                raise RanOutOfTime(self.id, seconds)
            if failure in _STATUS:
                raise ModelProviderError(f"{failure}, made in the lab", _STATUS[failure], model_id=self.id)
        return ModelResponse(role="assistant", content=_REPLIES[failure])


def sleep(seconds: float) -> None:
    """In slices, so that an interrupt is felt at once on every platform."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE))


def call_of(asked: dict[str, Any]) -> str:
    """`"router: What is Apple's price?"`: who asks a model, and what; the conversation before it left out."""
    messages: Sequence[Message] = asked["messages"]
    said = [message.get_content_string() for message in messages if message.role == "user"]
    return f"{role_of(asked.get('response_format'))}: {parse(said[-1]).question if said else ''}"
