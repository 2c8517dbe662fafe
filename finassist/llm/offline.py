"""A language model that needs no key and no network: rules, a glossary, and honesty about the rest.

`OfflineModel` speaks Agno's own model interface, so every agent runs on it unchanged. It reads the very
messages another model would get. The reply schema an agent asks for tells which agent is asking; no schema
means chat. No text here holds a figure of a company: only glossary entries and the names of terms vary.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agno.models.base import Model
from agno.models.message import Message
from agno.models.response import ModelResponse

from finassist.core.result import CATEGORY
from finassist.llm.agents import TEXTS, ConversationSummary, ExtractedSymbols, RoutedQuestion, parse
from finassist.llm.calls import current_record
from finassist.questions.routing import Context, chat_topic, route
from finassist.questions.tokenizer import Word
from finassist.questions.topics import Term, glossary, small_talk, tokens

_PIECE = re.compile(r"\s*\S+\s*|\s+")

_SAYS = TEXTS["replies"]


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


# ------------------------------------------------------------------------------------------------ chat replies

_ABOUT_MODELS = re.compile(
    r"\bapi[ _]?keys?\b"
    r"|\b(?:connect|use|set ?up|switch|configure|add)\b.{0,20}"
    r"\b(?:model|llm|gpt|claude|groq|openai|anthropic)\b",
    re.IGNORECASE,
)
_ABOUT_SOURCES = re.compile(
    r"\bdata sources?\b|\byour (?:data|sources?|figures|numbers)\b"
    r"|\b(?:data|figures|numbers) com(?:e|es|ing) from\b",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(r"\b(?:difference|differ|differs|versus|vs|compare|compared|or|distinguish)\b", re.IGNORECASE)
_JOINS = frozenset({"and", "or", "vs", "versus", "from"})
_MORE = re.compile(
    r"\b(?:it|its|that|this|they|them|these|those|one|more|formula|calculated?|read|interpret|related)\b",
    re.IGNORECASE,
)
_ENTRIES = 3


def chat_reply(question: str, context: Context | None = None) -> str:
    """The answer to a chat question; markdown. Never raises, never states a figure of a company.

    Example:
        >>> chat_reply("Hello").startswith("Hello! I am finassist.")
        True
    """
    known = context or Context()
    kind = small_talk(question)
    if kind:
        return _SAYS[kind].format(connect=_SAYS["connect"])
    return next(filter(None, (answer(question[:2000], known) for answer in _ANSWERS)))


def summarise(context: Context) -> ConversationSummary:
    """A summary of the turns in a context: companies, kinds of question and terms, no figures."""
    category, symbols = context.category, context.symbols
    topics: list[str] = []
    kinds: list[str] = []
    for asked, _ in context.turns:
        found = route(asked, Context(category=category, symbols=symbols))
        if found.symbols:
            category, symbols = found.category, found.symbols
        kinds.append(CATEGORY[found.category].plural)
        topics += found.symbols or tuple(term.name for term in glossary().find(asked))
    latest_last = list(dict.fromkeys(reversed(topics)))[::-1]
    return ConversationSummary(summary=_summary_text(context, latest_last, kinds), topics=latest_last)


def cannot_fill(schema: object) -> str:
    """What to say to an agent that asks for a reply in a form only a language model can fill."""
    name = getattr(schema, "__name__", "this form")
    return f"I can't fill in {name} offline. {_SAYS['connect']}"


def _about_models(question: str, context: Context) -> str:
    return _SAYS["connect"] if _ABOUT_MODELS.search(question) else ""


def _about_sources(question: str, context: Context) -> str:
    return _SAYS["sources"] if _ABOUT_SOURCES.search(question) else ""


def _coverage_forecast_advice(question: str, context: Context) -> str:
    topic = chat_topic(question, context)
    return _SAYS.get(topic, "") if topic else ""


def _terms(question: str, context: Context) -> str:
    found = _named(question)
    if len(found) == 2 and _DIFFERENCE.search(question):
        return _compared(*found)
    return "\n\n---\n\n".join(term.to_markdown() for term in found[:_ENTRIES])


def _terms_of_earlier_turns(question: str, context: Context) -> str:
    if len(question) > 120 or not _MORE.search(question):
        return ""
    for asked, _ in reversed(context.turns):
        found = _named(asked)
        if found:
            return found[0].to_markdown()
    return ""


def _cannot(question: str, context: Context) -> str:
    near = glossary().nearest(question)
    hint = f"\n\nClose to it in the glossary: {_names(near)}." if near else ""
    return f"{_SAYS['unknown']} {_SAYS['connect']}{hint}"


_ANSWERS: tuple[Callable[[str, Context], str], ...] = (
    _about_models,
    _about_sources,
    _coverage_forecast_advice,
    _terms,
    _terms_of_earlier_turns,
    _cannot,
)


def _named(question: str) -> list[Term]:
    """Terms in a question, with "gross and net margin" read as "gross margin and net margin"."""
    words = tokens(question)[:200]
    for i, word in enumerate(words[1:-1], start=1):
        pair = _sharing_a_noun(words[i - 1], words[i + 1 : i + 5]) if word.text in _JOINS else []
        if pair:
            return pair
    return glossary().find(words)


def _sharing_a_noun(first: Word, rest: list[Word]) -> list[Term]:
    for end in range(len(rest), 1, -1):
        pair = [_exactly([first, *rest[1:end]]), _exactly(rest[:end])]
        if all(pair):
            return [term for term in pair if term]
    return []


def _exactly(words: list[Word]) -> Term | None:
    hits = glossary().hits(words)
    return hits[0].value if len(hits) == 1 and hits[0].end == len(words) else None


def _compared(first: Term, second: Term) -> str:
    lines = [f"**{first.name} and {second.name}**"]
    for term in (first, second):
        formula = f" *({term.formula})*" if term.formula else ""
        lines.append(f"- **{term.name}:** {term.definition}{formula}")
    reading = [f"**Reading {term.name}:** {term.reading}" for term in (first, second)]
    return "\n\n".join([lines[0], "\n".join(lines[1:]), *reading])


def _names(terms: list[Term]) -> str:
    return ", ".join(f"*{term.name}*" for term in terms)


def _summary_text(context: Context, topics: list[str], kinds: list[str]) -> str:
    count = len(kinds)
    asked = f"{count} question{'' if count == 1 else 's'}" if count else "No questions yet"
    about = f" about {', '.join(topics)}" if topics else ""
    which = f", asking for {', '.join(dict.fromkeys(kinds))}" if kinds else ""
    earlier = f"{context.summary.strip()} " if context.summary.strip() else ""
    return f"{earlier}{asked}{about}{which}."
