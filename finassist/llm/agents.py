"""The five Agno agents: router, symbol extraction, chat, narration, summary; their messages and replies."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import zip_longest
from typing import Any, Final, Literal, Protocol

from agno.agent import Agent
from agno.models.base import Model
from pydantic import BaseModel, Field

from finassist.core.result import CATEGORY, CategoryName
from finassist.core.text import visible
from finassist.questions.routing import Context
from finassist.questions.suggestions import Suggestion


class Reply(BaseModel):
    """A structured reply whose default JSON schema is built once.

    Example:
        >>> RoutedQuestion.model_json_schema()["title"]
        'RoutedQuestion'
    """

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The JSON schema; a fresh copy, since model adapters edit what they are given."""
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        return deepcopy(_plain_schema(cls))


AskedOperation = Literal["none", "growth", "cagr", "difference", "sum", "mean", "median", "max", "min"]
_MOST: Final = 8


class RoutedQuestion(Reply):
    """Which kind of answer a question asks for, and what its words ask for that rules did not understand.

    Each slot goes with the words of the question that ask for it; code believes none without.

    Example:
        >>> RoutedQuestion(category="income_statement", metrics=["revenue"], metric_words=["intake"]).operation
        'none'
    """

    category: CategoryName = Field(description="The one kind of answer the question asks for.")
    reason: str = Field(default="", description="One short sentence: why this category.")
    metrics: list[str] = Field(default=[], description="Metric ids from the hints.")
    metric_words: list[str] = Field(default=[], description="For each metric, the words of the question.")
    operation: AskedOperation = Field(default="none", description="What is done with the figures.")
    operation_words: str = Field(default="", description="The words that ask for it.")
    period: str = Field(default="", description="FY2024, Q3 2024, TTM, 2024-03-14, FY2020:FY2024, or empty.")
    period_words: str = Field(default="", description="The words that name it.")
    condition: str = Field(default="", description="Such as net_margin > 0.3, or empty.")
    condition_words: str = Field(default="", description="The words that set it.")

    def suggestions(self) -> Iterator[Suggestion]:
        """The slots that are filled, with their words."""
        for metric, words in zip_longest(self.metrics[:_MOST], self.metric_words[:_MOST], fillvalue=""):
            yield Suggestion("metric", metric, words)
        yield Suggestion("period", self.period, self.period_words)
        yield Suggestion("condition", self.condition, self.condition_words)
        yield Suggestion("operation", "" if self.operation == "none" else self.operation, self.operation_words)


class ExtractedSymbols(Reply):
    """The companies a question is about, each with the words of the question that name it.

    Example:
        >>> ExtractedSymbols(symbols=["AAPL"], words=["the iPhone maker"]).unknown
        []
    """

    symbols: list[str] = Field(description="US ticker symbols in the order asked about, such as AAPL.")
    words: list[str] = Field(default=[], description="For each symbol, the words of the question that name it.")
    unknown: list[str] = Field(default=[], description="Company names without a known US ticker.")

    def suggestions(self) -> Iterator[Suggestion]:
        """The companies, with their words."""
        for symbol, words in zip_longest(self.symbols[:_MOST], self.words[:_MOST], fillvalue=""):
            yield Suggestion("company", symbol, words)


class ConversationSummary(Reply):
    """What a conversation has been about, without figures.

    Example:
        >>> ConversationSummary(summary="Asked about Apple.", topics=["AAPL"]).topics
        ['AAPL']
    """

    summary: str = Field(description="At most three sentences on what was asked; no figures.")
    topics: list[str] = Field(default=[], description="Ticker symbols and subjects, most recent last.")


@cache
def _plain_schema(schema: type[Reply]) -> dict[str, Any]:
    return super(Reply, schema).model_json_schema()


_TURN_LIMIT: Final = 400
_SUMMARY_LIMIT: Final = 1200


class Envelope(BaseModel, extra="forbid", frozen=True):
    """What a message to a model carries, as JSON: the question and the conversation around it."""

    context: Context = Context()  # what the conversation so far carries over
    hints: dict[str, str] = {}  # what rules made of the question
    facts: tuple[str, ...] = ()  # figures that the reply may state
    withheld: tuple[str, ...] = ()  # sentences of the last reply whose figures the facts do not confirm
    question: str  # the question; the whole message when it came without an envelope; `""` in a request to summarise


def question_message(
    question: str,
    context: Context | None = None,
    hints: Mapping[str, str] | None = None,
    facts: Sequence[str] = (),
    withheld: Sequence[str] = (),
) -> str:
    """The message that asks the router, extraction, chat or narration agent: the text of an `Envelope`.

    Example:
        >>> question_message("What about Tesla?", Context(category="stock_price", symbols=("AAPL",)))
        '{"context":{"category":"stock_price","symbols":["AAPL"]},"question":"What about Tesla?"}'
    """
    told = {name: _cut(text) for name, text in (hints or {}).items()}
    short, given = _short(context or Context()), (tuple(map(_cut, facts)), tuple(map(_cut, withheld)))
    envelope = Envelope(context=short, hints=told, facts=given[0], withheld=given[1], question=_cut(question))
    return envelope.model_dump_json(exclude_defaults=True)


def summary_message(turns: Sequence[tuple[str, str]], earlier: str = "") -> str:
    """The message that asks the summary agent to condense `turns` of (question, short answer).

    `earlier` is the summary of what came before these turns, if there is one.
    """
    return question_message("", Context(summary=earlier, turns=tuple(turns)))


def parse(message: str) -> Envelope:
    """Read back what the `*_message` functions wrote; any other text is a bare question.

    Example:
        >>> parse(question_message('What is {"question"}?')).question
        'What is {"question"}?'
        >>> parse("What is EBITDA?").question
        'What is EBITDA?'
    """
    try:
        return Envelope.model_validate_json(message)
    except ValueError:
        return Envelope(question=message)


_MARKUP: Final = re.compile(
    r"<think>.*?(</think>|\Z)|</?(context|question|facts|hints|withheld|turns|system|user|assistant|instructions?|think)>"
    r"|<\|(?:im_start|start_header_id)\|>(?:system|user|assistant)?|<\|[\w ]{2,30}\|>|\[/?INST\]|<</?SYS>>",
    re.DOTALL | re.IGNORECASE,
)
_ECHO: Final = re.compile(r'[{,]\s*"(context|question|facts|hints|withheld|turns|summary|category)"\s*:')


def shown(text: str) -> str:
    """What a model said, without the markup of prompts and a message of ours that it repeats.

    Example:
        >>> shown("<context>Hello.</context>"), shown('{"context":{},"question":"What is EBITDA?"}')
        ('Hello.', '')
    """
    lines = visible(text).splitlines(keepends=True)
    return _MARKUP.sub("", "".join(line for line in lines if not _ECHO.search(line)))


def _short(context: Context) -> Context:
    turns = tuple((_cut(asked, _TURN_LIMIT), _cut(answered, _TURN_LIMIT)) for asked, answered in context.turns)
    return replace(context, summary=_cut(context.summary, _SUMMARY_LIMIT), turns=turns)


def _cut(text: str, limit: int | None = None) -> str:
    """The beginning of a text; half a character, which no encoder takes, becomes a question mark."""
    kept = text if limit is None or len(text) <= limit else f"{text[:limit]} …"
    return kept.encode("utf-8", "replace").decode()


class Askable(Protocol):
    """The part of an Agno agent that a driver uses."""

    model: Any

    def run(self, input: str, **options: Any) -> Any:  # noqa: A002  Agno's name
        """Ask and wait."""
        ...

    def arun(self, input: str, **options: Any) -> Any:  # noqa: A002  Agno's name
        """Ask on the running loop."""
        ...


SCHEMAS: Final[Mapping[str, type[Reply] | None]] = {
    "router": RoutedQuestion,
    "symbol_extraction": ExtractedSymbols,
    "chat": None,
    "narration": None,
    "summary": ConversationSummary,
}
"""The agents by name, and the form of their replies; none is plain text, whose words can stream."""

TEXTS: Final[dict[str, dict[str, str]]] = tomllib.loads(
    files("finassist.llm").joinpath("texts.toml").read_text(encoding="utf-8")
)
"""What models are told, and what the offline model says."""


def build_agent(name: str, model: Model) -> Agent:
    """One of the agents on a model.

    Example:
        >>> from finassist.llm.offline import OfflineModel
        >>> build_agent("router", OfflineModel()).run("What is a P/E ratio?").content.category
        'chat'
    """
    first, *others = TEXTS["instructions"][name].splitlines()
    categories = [f"{each.name}: {each.meaning}" for each in CATEGORY.values()] if name == "router" else []
    return Agent(
        name=name,
        model=model,
        instructions=[first, *categories, *others, TEXTS["instructions"]["envelope"]],
        output_schema=SCHEMAS[name],
        fallback_models=list(getattr(model, "fallbacks", ())) or None,
        telemetry=False,
    )


def build_agents(model: Model) -> dict[str, Askable]:
    """All of them, by name."""
    return {name: build_agent(name, model) for name in SCHEMAS}
