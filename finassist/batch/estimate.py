"""How far a batch is, and what it will take, estimated from its questions and the rules without asking anything."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

from agno.metrics import MessageMetrics

from finassist.batch.result import Outcome
from finassist.batch.source import Question, QuestionSource
from finassist.core.categories import CATEGORY
from finassist.llm import prompts
from finassist.llm.limits import cost, priced
from finassist.llm.offline import OfflineModel
from finassist.llm.schemas import ExtractedSymbols, RoutedQuestion
from finassist.providers.embedded.provider import EmbeddedProvider
from finassist.questions import rules
from finassist.runtime.context import Runtime

# ------------------------------------------------------------------------------------------ progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a batch is.

    Attributes:
        total: How many questions there are; `None` for an iterator.
        before: Questions that earlier calls had recorded.
        completed: Questions with an answer, those of earlier calls included.
        failed: Questions without one.
        tokens: Used in this call.
        cost: Dollars spent in this call; `None` where a model has no known price.
        elapsed: Seconds since this call began.
        status: `"running"`, `"completed"` or `"stopped"`.

    Example:
        >>> progress = Progress(total=100, completed=20, elapsed=2.0)
        >>> progress.rate, progress.eta, str(progress)
        (10.0, 8.0, '20 of 100 · 10.0/s · 0:08 left')
    """

    total: int | None = None
    before: int = 0
    completed: int = 0
    failed: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    elapsed: float = 0.0
    status: str = "running"

    @property
    def done(self) -> int:
        """Questions that are recorded."""
        return self.completed + self.failed

    @property
    def rate(self) -> float:
        """Questions a second, of those this call recorded."""
        return (self.done - self.before) / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds until the last one, at this rate; `None` where that is not known."""
        return (self.total - self.done) / self.rate if self.total is not None and self.rate else None

    def after(self, outcome: Outcome) -> Progress:
        """One more question is recorded."""
        failed = outcome.error is not None
        return replace(
            self,
            completed=self.completed + (not failed),
            failed=self.failed + failed,
            tokens=self.tokens + outcome.tokens,
            cost=None if self.cost is None or outcome.cost is None else self.cost + outcome.cost,
        )

    def __str__(self) -> str:
        many = f"{self.done:,} of {self.total:,}" if self.total is not None else f"{self.done:,} done"
        parts = [many, f"{self.rate:,.1f}/s" if self.rate else ""]
        if self.status == "running":
            parts.append(f"{clock(self.eta)} left" if self.eta is not None else "")
        else:
            parts += [self.status, f"in {clock(self.elapsed)}"]
        parts += [f"{self.failed:,} failed" if self.failed else "", f"{self.tokens:,} tokens" if self.tokens else ""]
        parts.append(dollars(self.cost) if self.tokens else "")
        return " · ".join(part for part in parts if part)


class Display(Protocol):
    """Shows progress."""

    def show(self, progress: Progress) -> None:
        """Draw it; called no more often than ten times a second."""
        ...

    def finish(self, progress: Progress) -> None:
        """Draw it for the last time, as text that stays."""
        ...


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds.

    Example:
        >>> clock(75.2), clock(3_725)
        ('1:15', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def dollars(amount: float | None) -> str:
    """What it cost; an unknown price is not shown as none.

    Example:
        >>> dollars(1.5), dollars(0.00123), dollars(None)
        ('$1.50', '$0.0012', 'cost not known')
    """
    if amount is None:
        return "cost not known"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"


# ------------------------------------------------------------------------------------------ estimate

_CHARACTERS_PER_TOKEN: Final = 4
_ROUTED_OUT, _CHATTED_OUT = 60, 400
_MODEL_SECONDS, _DATA_SECONDS, _OWN_SECONDS = 2.0, 0.3, 0.01
_NO_CONTEXT: Final = rules.Context()


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a batch will roughly take. Questions that are asked twice count once, and so do shared fetches.

    Attributes:
        questions: How many there are.
        distinct: How many of them are asked: without blanks, repetitions and what is no text.
        model_calls: Calls of models.
        tokens: For them, in and out, at four characters a token.
        dollars: For these tokens; `None` where the price of the model is not known.
        data_calls: Fetches from data sources, at most: cached ones cost nothing.
        seconds: Until the last answer, at 2 s a model call and 0.3 s a fetch, within the limits of requests.
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


async def estimate(runtime: Runtime, source: QuestionSource, concurrency: int) -> Estimate:
    """Estimate what questions will take; an iterator is read to its end."""
    sums = _Sums(runtime)
    try:
        while (question := await source.next()) is not None:
            sums.add(question)
    finally:
        await source.close()
    return sums.estimate(concurrency)


class _Sums:
    """Adds up what questions will take."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.free = isinstance(runtime.model, OfflineModel)
        self.per_minute = None if runtime.provider.id == EmbeddedProvider.id else runtime.settings.per_minute
        self.instructions = {
            "router": _length(prompts.ROUTER_INSTRUCTIONS, RoutedQuestion),
            "symbol_extraction": _length(prompts.EXTRACTION_INSTRUCTIONS, ExtractedSymbols),
            "chat": _length(prompts.CHAT_INSTRUCTIONS, None),
        }
        self.seen: set[bytes] = set()
        self.fetches: set[tuple[str, str]] = set()
        self.questions = self.model_calls = self.tokens_in = self.tokens_out = 0
        self.waited = 0.0

    def add(self, question: Question) -> None:
        self.questions += 1
        if question.text is None or question.digest in self.seen:
            return
        self.seen.add(question.digest)
        route, routing = rules.route(question.text), self.runtime.routing
        if by_model := routing == "model" or (routing == "auto" and not route.certain):
            self._ask("router", prompts.question_message(question.text, _NO_CONTEXT), _ROUTED_OUT)
            self._ask("symbol_extraction", prompts.question_message(question.text, _NO_CONTEXT), _ROUTED_OUT)
        if chat := route.category == "chat":
            self._ask("chat", prompts.question_message(question.text, _NO_CONTEXT), _CHATTED_OUT)
        symbols = route.symbols[: self.runtime.settings.max_companies]
        needs = CATEGORY[route.category].needs
        self.fetches |= {(symbol, need) for symbol in symbols for need in needs}
        if not self.free:
            self.waited += _MODEL_SECONDS * (by_model + chat)
        if self.per_minute and symbols and needs:
            self.waited += _DATA_SECONDS

    def _ask(self, agent: str, message: str, out: int) -> None:
        self.model_calls += 1
        if not self.free:
            self.tokens_in += (self.instructions[agent] + len(message)) // _CHARACTERS_PER_TOKEN
            self.tokens_out += out

    def estimate(self, concurrency: int) -> Estimate:
        used = MessageMetrics(input_tokens=self.tokens_in, output_tokens=self.tokens_out)
        prices = priced(self.runtime.settings.model_prices)
        limited = 60 * len(self.fetches) / self.per_minute if self.per_minute else 0.0
        return Estimate(
            questions=self.questions,
            distinct=len(self.seen),
            model_calls=self.model_calls,
            tokens=self.tokens_in + self.tokens_out,
            dollars=cost(str(self.runtime.model.id), used, prices) if self.tokens_in else 0.0,
            data_calls=len(self.fetches),
            seconds=max(self.waited / concurrency, limited) + _OWN_SECONDS * len(self.seen),
        )


def _length(instructions: list[str], schema: type[Any] | None) -> int:
    """Characters that an agent is sent besides the question."""
    form = len(json.dumps(schema.model_json_schema())) if schema else 0
    return sum(map(len, [*instructions, prompts.ENVELOPE_RULE])) + form
