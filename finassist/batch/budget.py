"""What a batch may use and what it has used: tokens, dollars, data calls and time."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import Any, Final

from agno.run.agent import RunOutput

from finassist.core.errors import BudgetReached, InvalidLimit
from finassist.llm.agents import Askable
from finassist.llm.offline import OfflineModel
from finassist.providers.base import Need, Periods, QueryNeed, UniverseScope

_USED: Final = ("tokens", "dollars", "calls")


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
    """What a batch has used so far, checked against its budget. Belongs to one loop.

    Attributes:
        budget: The limits.
        started: When the batch began, on the monotonic clock.
        tokens: Of models.
        dollars: For models with a known price.
        calls: Fetches from data sources.
        asked: Calls of models that have ended.
        under_way: Calls of models that have not.
        unpriced: Whether a model has no known price.
    """

    budget: Budget = field(default_factory=Budget)
    started: float = field(default_factory=monotonic)
    tokens: int = 0
    dollars: float = 0.0
    calls: int = 0
    asked: int = 0
    under_way: int = 0
    unpriced: bool = False

    def check_model(self) -> None:
        """Before a call of a model.

        Raises:
            BudgetReached: A limit is reached.
        """
        self._check_time()
        self._check("tokens", self.tokens)
        self._check("dollars", self.dollars)
        if self.unpriced and self.budget.dollars is not None:
            raise BudgetReached(
                "There is a budget of dollars, and no known price of the model. Give its price with "
                "FINASSIST_MODEL_PRICES, or limit tokens instead."
            )

    def check_data(self) -> None:
        """Before a call of a data source.

        Raises:
            BudgetReached: A limit is reached.
        """
        self._check_time()
        if self.budget.calls is not None and self.calls >= self.budget.calls:
            raise BudgetReached(f"The budget of {self.budget.calls:,} data calls is used up.")

    def _check(self, name: str, used: float) -> None:
        limit = getattr(self.budget, name)
        if limit is None:
            return
        expected = self.under_way * used / self.asked if self.asked else 0.0
        if used + expected >= limit:
            raise BudgetReached(f"The budget of {limit:,} {name} is used up, or will be by the calls under way.")

    def _check_time(self) -> None:
        limit = self.budget.seconds
        if limit is not None and monotonic() - self.started >= limit:
            raise BudgetReached(f"The budget of {limit:,} seconds is used up.")

    # ----------------------------------------------------------------------------------- on a cluster

    def left(self) -> Budget:
        """What is left of each limit."""
        used = {"seconds": monotonic() - self.started, **{each: getattr(self, each) for each in _USED}}
        limits = asdict(self.budget).items()
        return Budget(**{name: limit if limit is None else max(limit - used[name], 0) for name, limit in limits})

    def add(self, tokens: int, dollars: float | None, calls: int) -> None:
        """Count what a question has used in another process."""
        self.tokens += tokens
        self.dollars += dollars or 0.0
        self.calls += calls
        self.unpriced |= dollars is None


_ANY: Final = Periods()

type SharedKey = tuple[str, Need | QueryNeed, Periods, UniverseScope | None]


def shared_key(
    symbol: str, need: Need | QueryNeed, periods: Periods = _ANY, scope: UniverseScope | None = None
) -> SharedKey:
    """The same for fetches that questions share: a price is the same whatever number of years a question wants."""
    statement = need in ("income", "balance_sheet", "cash_flow")
    return symbol, need, periods if statement else replace(periods, limit=_ANY.limit), scope


@dataclass
class QuestionUsage:
    """What one question has used.

    Attributes:
        spending: That of its batch.
        tokens: Of models.
        cost: In dollars; `None` where a model has no known price.
        calls: Fetches from data sources that it did not share with an earlier question.
    """

    spending: Spending
    tokens: int = 0
    cost: float | None = 0.0
    calls: int = 0

    def begin_model(self) -> None:
        """Before a call of a model; raises `BudgetReached` as `Spending.check_model` does."""
        self.spending.check_model()
        self.spending.under_way += 1

    def begin_data(self) -> None:
        """Before a call of a data source; raises `BudgetReached` as `Spending.check_data` does."""
        self.spending.check_data()
        self.spending.calls += 1
        self.calls += 1

    def end_model(self, output: RunOutput | None, offline: bool) -> None:
        """After a call of a model, also one that failed."""
        self.spending.under_way -= 1
        self.spending.asked += 1
        metrics = output.metrics if output else None
        tokens = int(getattr(metrics, "total_tokens", 0) or 0)
        cost = getattr(metrics, "cost", None)
        if cost is None and offline and not tokens:
            cost = 0.0
        self.tokens += tokens
        self.spending.tokens += tokens
        self.spending.dollars += cost or 0.0
        self.cost = None if self.cost is None or cost is None else self.cost + cost
        self.spending.unpriced |= cost is None


@dataclass
class MeteredAgent:
    """An agent that counts what it uses, and starts no call beyond the budget."""

    agent: Askable
    usage: QuestionUsage

    def __getattr__(self, name: str) -> Any:
        return getattr(self.agent, name)

    def arun(self, input: str, **options: Any) -> Any:  # noqa: A002  Agno's name
        """Ask on the running loop, as Agno's agents do."""
        return self._stream(input, options) if options.get("stream") else self._ask(input, options)

    async def _ask(self, message: str, options: dict[str, Any]) -> Any:
        self.usage.begin_model()
        output = None
        try:
            output = await self.agent.arun(message, **options)
        finally:
            self.usage.end_model(output, self._offline)
        return output

    async def _stream(self, message: str, options: dict[str, Any]) -> AsyncIterator[Any]:
        self.usage.begin_model()
        output = None
        try:
            async with aclosing(self.agent.arun(message, **options)) as events:
                async for event in events:
                    output = event if isinstance(event, RunOutput) else output
                    yield event
        finally:
            self.usage.end_model(output, self._offline)

    @property
    def _offline(self) -> bool:
        return isinstance(self.agent.model, OfflineModel)
