"""What a batch may use, has used and will use: tokens, dollars, data calls and time."""

from __future__ import annotations

import json
import math
from collections.abc import Generator
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import Any, Final

from agno.metrics import MessageMetrics

from finassist.batch.source import QuestionSource
from finassist.core.errors import BudgetReached, InvalidLimit, ModelError
from finassist.core.facts import Gap
from finassist.core.result import Draft
from finassist.llm.calls import cost, priced
from finassist.llm.offline import OfflineModel
from finassist.providers.base import Periods
from finassist.providers.embedded import EmbeddedProvider
from finassist.runtime.context import Runtime
from finassist.runtime.drivers import AskAgent, Emit
from finassist.runtime.effects import AgentReply, Ask, Fetch, Flow, Gather
from finassist.runtime.flows import answer_flow
from finassist.runtime.known import FlowContext


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits of one call of `arun_many()`; `None` is no limit.

    In one process limits are checked before each call of a model or a data source; what the calls under way will use
    is estimated from the average so far. On a cluster limits are checked before each chunk of questions: a batch can
    exceed them by what the chunks under way use, and each of these uses at most what was left when it began. A batch
    that reaches a limit starts no further call, stops, and says what is left. The same call, rerun, resumes, with
    the whole budget.

    Args:
        tokens: Of models, in and out.
        dollars: For these tokens. Needs prices: see the setting `model_prices`.
        calls: Fetches from data sources; one that several questions share counts once.
        seconds: From the start of the batch; calls under way are finished.

    Raises:
        InvalidLimit: A limit is negative or not a number.

    Example:
        >>> Budget(dollars=5, calls=10_000)
        Budget(dollars=5, calls=10000)
    """

    tokens: int | None = None
    dollars: float | None = None
    calls: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, limit in vars(self).items():
            wrong = isinstance(limit, bool) or not isinstance(limit, int | float | None)
            if wrong or (limit is not None and not (limit >= 0 and math.isfinite(limit))):
                raise InvalidLimit(
                    f"A budget's {name} are a number of at least 0, not {limit!r}. Use None for no limit."
                )

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={limit!r}" for name, limit in vars(self).items() if limit is not None)
        return f"Budget({given})"


@dataclass
class Spending:
    """What a batch, or a question of it, has used so far, checked against the budget. Belongs to one loop."""

    budget: Budget = field(default_factory=Budget)
    batch: Spending | None = None  # of a question: what its batch has used
    tokens: int = 0
    dollars: float = 0.0
    calls: int = 0
    unpriced: bool = False  # a model has no known price
    _started: float = field(default_factory=monotonic)
    _asked: int = 0
    _under_way: int = 0

    @property
    def seconds(self) -> float:
        """Time since it began."""
        return monotonic() - self._started

    @property
    def cost(self) -> float | None:
        """In dollars; `None` where a model has no known price."""
        return None if self.unpriced else self.dollars

    def add(self, tokens: int = 0, cost: float | None = 0.0, calls: int = 0) -> None:
        """Count what was used, for the question and for its batch."""
        self.tokens += tokens
        self.dollars += cost or 0.0
        self.calls += calls
        self.unpriced |= cost is None
        if self.batch is not None:
            self.batch.add(tokens, cost, calls)

    def left(self) -> Budget:
        """What is left of each limit."""
        limits = asdict(self.budget).items()
        return Budget(
            **{name: limit if limit is None else max(limit - getattr(self, name), 0) for name, limit in limits}
        )

    def check_model(self) -> None:
        """Before a call of a model; raises `BudgetReached` where a limit is reached."""
        self._check("seconds")
        average = self._under_way / self._asked if self._asked else 0.0
        for name in ("tokens", "dollars"):
            expected = getattr(self, name) * average
            self._check(name, expected, "is used up, or will be by the calls under way")
        if self.unpriced and self.budget.dollars is not None:
            raise BudgetReached(
                "There is a budget of dollars, and no known price of the model. Give its price with "
                "FINASSIST_MODEL_PRICES, or limit tokens instead."
            )

    def check_data(self) -> None:
        """Before a call of a data source; raises `BudgetReached` where a limit is reached."""
        self._check("seconds")
        self._check("calls")

    def _check(self, name: str, expected: float = 0.0, verdict: str = "is used up") -> None:
        limit = getattr(self.budget, name)
        if limit is not None and getattr(self, name) + expected >= limit:
            raise BudgetReached(f"The budget of {limit:,} {'data ' * (name == 'calls')}{name} {verdict}.")

    # ------------------------------------------------------------------------------- of one question

    def begin_data(self) -> None:
        """Count a call of a data source, if the budget allows it."""
        (self.batch or self).check_data()
        self.add(calls=1)

    async def ask(self, ask: AskAgent, wanted: Ask, emit: Emit) -> AgentReply:
        """Ask an agent, if the budget allows it, and count what that took."""
        batch = self.batch or self
        batch.check_model()
        batch._under_way += 1
        try:
            reply = await ask(wanted, emit)
        finally:
            batch._under_way -= 1
            batch._asked += 1
        self._count(reply)  # of a call that is broken off, no model says what it took
        return reply

    def _count(self, reply: AgentReply) -> None:
        tokens = int(getattr(reply.metrics, "total_tokens", 0) or 0)
        price = getattr(reply.metrics, "cost", None)
        free = reply.model == OfflineModel.id and not tokens
        self.add(tokens, 0.0 if price is None and free else price)


def shared(wanted: Fetch) -> Fetch:
    """The same for fetches that questions share: a price is the same whatever number of years a question wants."""
    if wanted.need in ("income", "balance_sheet", "cash_flow"):
        return wanted
    return replace(wanted, periods=replace(wanted.periods, limit=Periods.limit))


# ------------------------------------------------------------------------------------------ estimate

_CHARACTERS_PER_TOKEN: Final = 4
_ROUTED_OUT, _CHATTED_OUT = 60, 400
_TOLD: Final = 2_500
"""The most characters that the figures of one company take in what is sent to a model."""
_MODEL_SECONDS, _DATA_SECONDS, _OWN_SECONDS = 2.0, 0.3, 0.01


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
    """Estimate what questions will take: their flows run dry. An iterator is read to its end."""
    texts, questions = dict[bytes, str](), 0
    try:
        async for question in source:
            questions += 1
            if question.text is not None:
                texts.setdefault(question.digest, question.text)
    finally:
        await source.close()
    known = FlowContext.of(runtime)
    effects = [list(_effects_of(text, known)) for text in texts.values()]
    return replace(_estimate(runtime, effects, concurrency), questions=questions, distinct=len(texts))


def _estimate(runtime: Runtime, effects: list[list[Ask | Fetch]], concurrency: int) -> Estimate:
    asks = [each for question in effects for each in question if isinstance(each, Ask)]
    wanted = [[each for each in question if isinstance(each, Fetch)] for question in effects]
    fetches = {shared(each) for some in wanted for each in some}
    free = isinstance(runtime.model, OfflineModel)
    used = MessageMetrics() if free else _tokens(asks, runtime)
    # a router and the symbols are asked at the same time
    waited = 0.0 if free else _MODEL_SECONDS * sum(ask.agent != "symbol_extraction" for ask in asks)
    limited = 0.0
    if runtime.provider.id != EmbeddedProvider.id:
        waited += _DATA_SECONDS * sum(map(bool, wanted))
        limited = 60 * len(fetches) / runtime.settings.per_minute
    prices = priced(runtime.settings.model_prices)
    return Estimate(
        model_calls=len(asks),
        tokens=used.input_tokens + used.output_tokens,
        dollars=cost(str(runtime.model.id), used, prices) if asks and not free else 0.0,
        data_calls=len(fetches),
        seconds=max(waited / concurrency, limited) + _OWN_SECONDS * len(effects),
    )


def _tokens(asks: list[Ask], runtime: Runtime) -> MessageMetrics:
    parts = [(ask.message, _form(ask), getattr(runtime.agents[ask.agent], "instructions", "")) for ask in asks]
    received = sum(_ROUTED_OUT if ask.schema else _CHATTED_OUT for ask in asks)
    return MessageMetrics(input_tokens=len(str(parts)) // _CHARACTERS_PER_TOKEN, output_tokens=received)


def _form(ask: Ask) -> str:
    return json.dumps(ask.schema.model_json_schema()) if ask.schema else ""


def _effects_of(question: str, known: FlowContext) -> Generator[Ask | Fetch]:
    """What a question wishes for, and the narration of a report, for which there are no figures here."""
    draft: Draft | None = yield from _effects(answer_flow(question, known))
    if draft and known.narrated and draft.category == "report" and draft.symbols:
        yield Ask("narration", "x" * _TOLD * len(draft.symbols))


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
        reply = None
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
                pass


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
