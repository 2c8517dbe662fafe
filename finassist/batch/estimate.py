"""What a batch will cost, told from its questions and the rules' routing; nobody is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from agno.metrics import MessageMetrics
from pydantic import BaseModel

from finassist.batch.intake import Intake, Question
from finassist.batch.progress import clock, dollars
from finassist.config.settings import Routing
from finassist.core.categories import CATEGORY
from finassist.llm import prompts
from finassist.llm.limits import cost, priced
from finassist.llm.offline import OfflineModel
from finassist.llm.schemas import ExtractedSymbols, RoutedQuestion
from finassist.providers.embedded.provider import EmbeddedProvider
from finassist.questions import rules
from finassist.runtime.context import Runtime

_CHARACTERS_PER_TOKEN: Final = 4
_ROUTED_OUT, _CHATTED_OUT = 60, 400
_MODEL_SECONDS, _DATA_SECONDS, _OWN_SECONDS = 2.0, 0.3, 0.01


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a batch will roughly take. Questions that are asked twice count once, and so do shared fetches.

    Attributes:
        questions: How many there are.
        distinct: How many of them are asked: without blanks, repetitions and what is no text.
        model_calls: Calls of models.
        tokens: For them, in and out; a token is taken for four characters.
        dollars: For these tokens; `None` where the price of the model is not known.
        data_calls: Fetches from data sources, at most: what a cache has costs nothing.
        seconds: Until the last answer: a model is taken to need 2 s, a source 0.3 s, within the limits of requests.
    """

    questions: int = 0
    distinct: int = 0
    model_calls: int = 0
    tokens: int = 0
    dollars: float | None = 0.0
    data_calls: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)

    def __str__(self) -> str:
        price = dollars(self.dollars) if self.model_calls else "$0.00"
        return (
            f"{self.questions:,} questions ({self.distinct:,} distinct): about {self.model_calls:,} model calls, "
            f"{self.tokens:,} tokens, {price}, {self.data_calls:,} data calls, {clock(self.seconds)}"
        )


@dataclass
class Estimator:
    """Adds up what questions will take.

    Args:
        model: Who will be asked.
        instructions: Characters each agent is told besides the question.
        routing: Who decides what is asked.
        max_companies: Companies in one answer.
        prices: Of models, as in the settings.
        per_minute: Requests a data source answers in a minute, or `None` where it does not matter.
        concurrency: Questions asked at the same time.
    """

    model: Any
    instructions: Mapping[str, int]
    routing: Routing
    max_companies: int
    prices: Mapping[str, Any]
    per_minute: int | None
    concurrency: int

    def __post_init__(self) -> None:
        self._seen: set[bytes] = set()
        self._fetches: set[tuple[str, str]] = set()
        self._given = self._calls = self._in = self._out = 0
        self._waited = 0.0

    async def of(self, intake: Intake) -> Estimate:
        """The estimate for all questions; an iterator is read to its end."""
        try:
            while (question := await intake.next()) is not None:
                self._add(question)
        finally:
            await intake.close()
        return self._sum()

    def _add(self, question: Question) -> None:
        self._given += 1
        if question.text is None or question.digest in self._seen:
            return
        self._seen.add(question.digest)
        route = rules.route(question.text)
        waits = 0.0
        if self.routing == "model" or (self.routing == "auto" and not route.certain):
            self._ask("router", prompts.question_message(question.text, _NO_CONTEXT), _ROUTED_OUT)
            self._ask("symbol_extraction", prompts.question_message(question.text, _NO_CONTEXT), _ROUTED_OUT)
            waits += _MODEL_SECONDS
        if route.category == "chat":
            self._ask("chat", prompts.question_message(question.text, _NO_CONTEXT), _CHATTED_OUT)
            waits += _MODEL_SECONDS
        symbols, needs = route.symbols[: self.max_companies], CATEGORY[route.category].needs
        self._fetches |= {(symbol, need) for symbol in symbols for need in needs}
        self._waited += waits * (not self._free) + _DATA_SECONDS * bool(symbols and needs) * bool(self.per_minute)

    def _ask(self, agent: str, message: str, out: int) -> None:
        self._calls += 1
        if not self._free:
            self._in += (self.instructions[agent] + len(message)) // _CHARACTERS_PER_TOKEN
            self._out += out

    @property
    def _free(self) -> bool:
        return isinstance(self.model, OfflineModel)

    def _sum(self) -> Estimate:
        used = MessageMetrics(input_tokens=self._in, output_tokens=self._out)
        known = cost(str(self.model.id), used, priced(self.prices)) if self._in else 0.0
        paced = 60 * len(self._fetches) / self.per_minute if self.per_minute else 0.0
        return Estimate(
            questions=self._given,
            distinct=len(self._seen),
            model_calls=self._calls,
            tokens=self._in + self._out,
            dollars=known,
            data_calls=len(self._fetches),
            seconds=max(self._waited / self.concurrency, paced) + _OWN_SECONDS * len(self._seen),
        )


_NO_CONTEXT: Final = rules.Context()


def estimator(runtime: Runtime, concurrency: int) -> Estimator:
    """An estimator for the questions of a workflow."""
    settings = runtime.settings
    told = {
        "router": (prompts.ROUTER_INSTRUCTIONS, RoutedQuestion),
        "symbol_extraction": (prompts.EXTRACTION_INSTRUCTIONS, ExtractedSymbols),
        "chat": (prompts.CHAT_INSTRUCTIONS, None),
    }
    return Estimator(
        model=runtime.model,
        instructions={name: _length(lines, schema) for name, (lines, schema) in told.items()},
        routing=runtime.routing,
        max_companies=settings.max_companies,
        prices=settings.model_prices,
        per_minute=None if runtime.provider.id == EmbeddedProvider.id else settings.per_minute,
        concurrency=concurrency,
    )


def _length(lines: Sequence[str], schema: type[BaseModel] | None) -> int:
    """Characters an agent is told, besides the question."""
    form = len(json.dumps(schema.model_json_schema())) if schema else 0
    return sum(map(len, [*lines, prompts.ENVELOPE_RULE])) + form
