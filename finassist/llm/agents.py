"""The four Agno agents: router, symbol extraction, chat and summary.

They hold no database and send no telemetry: the workflow owns the session. A user may replace any of them.
"""

from __future__ import annotations

from typing import Any, Protocol

from agno.agent import Agent
from agno.models.base import Model

from finassist.llm.prompts import (
    CHAT_INSTRUCTIONS,
    ENVELOPE_RULE,
    EXTRACTION_INSTRUCTIONS,
    ROUTER_INSTRUCTIONS,
    SUMMARY_INSTRUCTIONS,
)
from finassist.llm.schemas import ConversationSummary, ExtractedSymbols, Reply, RoutedQuestion


class Askable(Protocol):
    """The part of an Agno agent that a driver uses."""

    model: Any

    def run(self, input: str, **options: Any) -> Any:  # noqa: A002  Agno's name
        """Ask and wait."""
        ...

    def arun(self, input: str, **options: Any) -> Any:  # noqa: A002  Agno's name
        """Ask on the running loop."""
        ...


def build_router_agent(model: Model) -> Agent:
    """The agent that replies with a `RoutedQuestion`.

    Example:
        >>> from finassist.llm.offline import OfflineModel
        >>> build_router_agent(OfflineModel()).run("What is a P/E ratio?").content.category
        'chat'
    """
    return _agent("router", model, ROUTER_INSTRUCTIONS, RoutedQuestion)


def build_symbol_extraction_agent(model: Model) -> Agent:
    """The agent that replies with `ExtractedSymbols`."""
    return _agent("symbol_extraction", model, EXTRACTION_INSTRUCTIONS, ExtractedSymbols)


def build_chat_agent(model: Model) -> Agent:
    """The agent that replies in plain text, so that its words can stream."""
    return _agent("chat", model, CHAT_INSTRUCTIONS, None)


def build_summary_agent(model: Model) -> Agent:
    """The agent that replies with a `ConversationSummary`."""
    return _agent("summary", model, SUMMARY_INSTRUCTIONS, ConversationSummary)


def _agent(name: str, model: Model, instructions: list[str], schema: type[Reply] | None) -> Agent:
    return Agent(
        name=name,
        model=model,
        instructions=[*instructions, ENVELOPE_RULE],
        output_schema=schema,
        fallback_models=list(getattr(model, "fallbacks", ())) or None,
        telemetry=False,
    )
