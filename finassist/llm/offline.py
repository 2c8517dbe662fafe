"""A language model that needs no key and no network: rules, a glossary, and honesty about the rest.

`OfflineModel` speaks Agno's own model interface, so every agent runs on it unchanged. It reads the very
messages another model would get. The reply schema an agent asks for tells which agent is asking; no schema
means chat.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse

from finassist.llm.limits import current_record
from finassist.llm.prompts import parse
from finassist.llm.replies import cannot_fill, chat_reply, summarise
from finassist.llm.schemas import ConversationSummary, ExtractedSymbols, RoutedQuestion
from finassist.questions.rules import route

_PIECE = re.compile(r"\s*\S+\s*|\s+")


@dataclass
class OfflineModel(Model):
    """A deterministic Agno model that answers from rules and a glossary, and never makes up a figure.

    Tools it is offered are left alone. It costs no tokens and reports none.

    Example:
        >>> from agno.agent import Agent
        >>> reply = Agent(model=OfflineModel(), telemetry=False).run("What is free cash flow?")
        >>> reply.content.splitlines()[0]
        '**Free cash flow**'
    """

    id: str = "offline"
    name: str | None = "OfflineModel"
    provider: str | None = "finassist"
    supports_native_structured_outputs: bool = True

    def invoke(self, *args: Any, messages: Sequence[Message], **kwargs: Any) -> ModelResponse:
        """The whole reply."""
        current_record().begin(self.id)
        return self._parse_provider_response(_reply(messages, kwargs.get("response_format")))

    async def ainvoke(self, *args: Any, messages: Sequence[Message], **kwargs: Any) -> ModelResponse:
        """The whole reply; nothing is waited for."""
        return self.invoke(messages=messages, **kwargs)

    def invoke_stream(self, *args: Any, messages: Sequence[Message], **kwargs: Any) -> Iterator[ModelResponse]:
        """The reply word by word; the pieces join to exactly what `invoke` returns."""
        current_record().begin(self.id)
        reply = _reply(messages, kwargs.get("response_format"))
        for piece in _PIECE.findall(reply):
            yield self._parse_provider_response_delta(piece)

    async def ainvoke_stream(
        self, *args: Any, messages: Sequence[Message], **kwargs: Any
    ) -> AsyncIterator[ModelResponse]:
        """The reply word by word, letting other tasks run in between."""
        for delta in self.invoke_stream(messages=messages, **kwargs):
            yield delta
            await asyncio.sleep(0)

    def _parse_provider_response(self, response: str, **kwargs: Any) -> ModelResponse:
        return ModelResponse(role="assistant", content=response)

    def _parse_provider_response_delta(self, response: str) -> ModelResponse:
        return ModelResponse(content=response)


def _reply(messages: Sequence[Message], response_format: Any) -> str:
    envelope = parse(_last_from_user(messages))
    if response_format is None:
        return chat_reply(envelope.question, envelope.context)
    if response_format is RoutedQuestion:
        found = route(envelope.question, envelope.context)
        return RoutedQuestion(category=found.category, reason=found.reason).model_dump_json()
    if response_format is ExtractedSymbols:
        found = route(envelope.question, envelope.context)
        unknown = [item.text for item in found.unmatched]
        return ExtractedSymbols(symbols=list(found.symbols), unknown=unknown).model_dump_json()
    if response_format is ConversationSummary:
        return summarise(envelope.context).model_dump_json()
    return cannot_fill(response_format)


def _last_from_user(messages: Sequence[Message]) -> str:
    asked = (message for message in reversed(messages) if message.role == "user")
    return next((message.get_content_string() for message in asked), "")
