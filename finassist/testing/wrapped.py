"""A language model around another, whose replies can be delayed, replaced or recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any, Final, Self

from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse

from finassist.llm.agents import ConversationSummary, ExtractedSymbols, RoutedQuestion, parse

_ROLES: Final[dict[Any, str]] = {
    RoutedQuestion: "router",
    ExtractedSymbols: "symbol_extraction",
    ConversationSummary: "summary",
}
_SLICE = 0.05


def role_of(response_format: Any) -> str:
    """Which agent asks, by the schema of its reply; none means chat.

    Example:
        >>> role_of(RoutedQuestion), role_of(None)
        ('router', 'chat')
    """
    return _ROLES.get(response_format, "chat")


class Interception:
    """What happens to one reply of a wrapped model; by default nothing."""

    seconds: float = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        pass

    def instead(self) -> ModelResponse | None:
        """The reply that takes the model's place, after `seconds`; `None` to ask the model. May raise."""
        return None

    def piece(self, response: ModelResponse) -> ModelResponse:
        """One piece of the model's reply on its way."""
        return response


class PlainModel(Model):
    """A model that already replies in Agno's own form."""

    def _parse_provider_response(self, response: ModelResponse, **kwargs: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: ModelResponse) -> ModelResponse:
        return response


class Wrapped(PlainModel):
    """A model around another, which it asks with whatever Agno passes; subclasses intercept its replies."""

    def __init__(self, inner: Model, kind: str) -> None:
        super().__init__(id=f"{inner.id}, {kind}", name=type(self).__name__, provider="finassist.testing")
        self.inner: Any = inner
        self.supports_native_structured_outputs = inner.supports_native_structured_outputs
        self.supports_json_schema_outputs = inner.supports_json_schema_outputs

    def intercept(self, asked: dict[str, Any]) -> Interception:
        """What happens to the reply to one call."""
        raise NotImplementedError

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply."""
        with self.intercept(kwargs) as call:
            sleep(call.seconds)
            return call.instead() or call.piece(self.inner.invoke(*args, **kwargs))

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """The whole reply."""
        with self.intercept(kwargs) as call:
            await asyncio.sleep(call.seconds)
            return call.instead() or call.piece(await self.inner.ainvoke(*args, **kwargs))

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Iterator[ModelResponse]:
        """The reply in pieces."""
        with self.intercept(kwargs) as call:
            sleep(call.seconds)
            if said := call.instead():
                yield said
                return
            stream: Any = self.inner.invoke_stream(*args, **kwargs)
            with closing(stream) as pieces:
                for piece in pieces:
                    yield call.piece(piece)

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        """The reply in pieces."""
        with self.intercept(kwargs) as call:
            await asyncio.sleep(call.seconds)
            if said := call.instead():
                yield said
                return
            stream: Any = self.inner.ainvoke_stream(*args, **kwargs)
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    yield call.piece(piece)


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
