"""How far a batch is, and what it will take: its flows are run dry, with no model and no data source asked."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from agno.metrics import MessageMetrics

from finassist.batch.budget import shared_key
from finassist.batch.source import QuestionSource
from finassist.core.errors import ModelError
from finassist.core.facts import Gap
from finassist.llm.agents import CHAT_INSTRUCTIONS, ENVELOPE_RULE, EXTRACTION_INSTRUCTIONS, ROUTER_INSTRUCTIONS
from finassist.llm.calls import cost, priced
from finassist.llm.offline import OfflineModel
from finassist.providers.embedded.provider import EmbeddedProvider
from finassist.runtime.context import Runtime
from finassist.runtime.effects import AgentReply, Ask, Fetch, Flow, FlowContext, Gather
from finassist.runtime.flows import answer_flow

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
_INSTRUCTIONS: Final = {
    "router": ROUTER_INSTRUCTIONS,
    "symbol_extraction": EXTRACTION_INSTRUCTIONS,
    "chat": CHAT_INSTRUCTIONS,
}


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

    def __str__(self) -> str:
        price = dollars(self.dollars) if self.model_calls else "$0.00"
        return (
            f"{self.questions:,} questions ({self.distinct:,} distinct): about {self.model_calls:,} model calls, "
            f"{self.tokens:,} tokens, {price}, {self.data_calls:,} data calls, {clock(self.seconds)}"
        )


async def estimate(runtime: Runtime, source: QuestionSource, concurrency: int) -> Estimate:
    """Estimate what questions will take; an iterator is read to its end."""
    known, texts, seen, questions = FlowContext.of(runtime), list[str](), set[bytes](), 0
    try:
        while (question := await source.next()) is not None:
            questions += 1
            if question.text is not None and question.digest not in seen:
                seen.add(question.digest)
                texts.append(question.text)
    finally:
        await source.close()
    effects = [list(_effects(answer_flow(text, known))) for text in texts]
    return replace(_estimate(runtime, effects, concurrency), questions=questions, distinct=len(texts))


def _estimate(runtime: Runtime, effects: list[list[Ask | Fetch]], concurrency: int) -> Estimate:
    free = isinstance(runtime.model, OfflineModel)
    per_minute = None if runtime.provider.id == EmbeddedProvider.id else runtime.settings.per_minute
    asks = [each for question in effects for each in question if isinstance(each, Ask)]
    wanted = (each for question in effects for each in question if isinstance(each, Fetch))
    fetches = {shared_key(each.symbol, each.need, each.periods, each.scope) for each in wanted}
    used = (
        MessageMetrics()
        if free
        else MessageMetrics(
            input_tokens=sum(map(_length, asks)) // _CHARACTERS_PER_TOKEN,
            output_tokens=sum(_ROUTED_OUT if ask.schema else _CHATTED_OUT for ask in asks),
        )
    )
    # a router and the symbols are asked at the same time
    waited = 0.0 if free else _MODEL_SECONDS * sum(ask.agent != "symbol_extraction" for ask in asks)
    if per_minute:
        waited += _DATA_SECONDS * sum(any(isinstance(each, Fetch) for each in question) for question in effects)
    limited = 60 * len(fetches) / per_minute if per_minute else 0.0
    prices = priced(runtime.settings.model_prices)
    return Estimate(
        model_calls=len(asks),
        tokens=used.input_tokens + used.output_tokens,
        dollars=cost(str(runtime.model.id), used, prices) if asks and not free else 0.0,
        data_calls=len(fetches),
        seconds=max(waited / concurrency, limited) + _OWN_SECONDS * len(effects),
    )


def _effects(flow: Flow[Any]) -> Generator[Ask | Fetch, None, Any]:
    """What a flow wishes for where no wish is granted: the rules stand in for a model, and gaps for figures."""
    reply: Any = None
    while True:
        try:
            wish = flow.send(reply)
        except StopIteration as end:
            return end.value
        except ModelError:  # a chat ends with the error of its model
            return None
        match wish:
            case Ask():
                yield wish
                reply = AgentReply(error=ModelError("It was not asked."), agent=wish.agent)
            case Fetch(symbol=symbol, need=need):
                yield wish
                reply = Gap(symbol=symbol, need=need, reason="It was not fetched.", error="DataError")
            case Gather(flows=flows):
                reply = []
                for each in flows:
                    reply.append((yield from _effects(each)))
            case _:
                reply = None


def _length(ask: Ask) -> int:
    """Characters that an agent is sent."""
    form = len(json.dumps(ask.schema.model_json_schema())) if ask.schema else 0
    return sum(map(len, [*_INSTRUCTIONS[ask.agent], ENVELOPE_RULE, ask.message])) + form
