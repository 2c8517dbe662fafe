"""Any data source and any language model, made slow and unreliable on purpose."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

from agno.exceptions import ModelProviderError
from agno.models.response import ModelResponse
from agno.tools.finance import FinanceProvider, ProviderStatus

from finassist.core.errors import (
    AuthError,
    BadPayload,
    InputError,
    NotFound,
    PlanError,
    QuotaExhausted,
    RateLimited,
    SourceTimeout,
    Unreachable,
)
from finassist.core.facts import Fact
from finassist.llm.calls import Failure, Limits, current_record
from finassist.llm.models import ModelChoice, resolve_model
from finassist.providers.base import Need, Periods, fetch_facts
from finassist.providers.registry import Provider, open_provider
from finassist.providers.to_agno import WaitingProvider
from finassist.testing.wrapped import Interception, Wrapped, role_of

HANG: Final = "hang"
_NEXT: Final = "This failure was made in the lab: turn its dials to change it."

DATA_FAILURES: Final = MappingProxyType[str, Callable[[str], BaseException]]({
    "unreachable": lambda call: Unreachable(f"The source of {call} could not be reached. {_NEXT}"),
    "timeout": lambda call: SourceTimeout(f"The source of {call} did not answer in time. {_NEXT}"),
    "rate_limited": lambda call: RateLimited(f"The source of {call} was asked too often. {_NEXT}"),
    "quota": lambda call: QuotaExhausted(f"The quota for {call} is used up. {_NEXT}"),
    "key": lambda call: AuthError(f"The key for {call} was not accepted. {_NEXT}"),
    "plan": lambda call: PlanError(f"The plan does not include {call}. {_NEXT}"),
    "not_found": lambda call: NotFound(f"The source has no page for {call}. {_NEXT}"),
    "bad_payload": lambda call: BadPayload(f"The source answered the request for {call} with nonsense. {_NEXT}"),
    "cancelled": lambda call: asyncio.CancelledError(),
    "bug": lambda call: TypeError(f"a bug, made in the lab, in the source of {call}"),
})  # fmt: skip
"""Failures of a source by name; besides them `"hang"` never answers."""

MODEL_FAILURES: Final = ("overloaded", "unreachable", "prose", "empty", "invented", HANG)
"""Failures of a model by name: it refuses, replies something useless or invented, or never answers."""

_STATUS: Final = {"overloaded": 529, "unreachable": 503}
_REPLIES: Final = {
    "prose": "Certainly! Here is what I think about it, in words instead of the form you asked for.",
    "empty": "",
    "invented": '{"category": "horoscope", "symbols": ["ZZZZZ"], "summary": "", "reason": "made in the lab"}',
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to one call: a delay in seconds, and a failure by name (`""`: none)."""

    seconds: float
    failure: str


@dataclass
class Dials:
    """How slow and unreliable calls are. Every attribute may be changed at any time, also during a run.

    What happens to a call depends on the seed, the call and how often it was made before; never on the order in
    which tasks happen to run. So the same seed gives the same trouble in `run()` and in `arun()`.

    Attributes:
        latency: Seconds by which every call is delayed.
        jitter: At most so many seconds more, or less.
        failure_rate: The share of calls that fail, from 0 to 1.
        failure: How they fail: one of `DATA_FAILURES` for a source, of `MODEL_FAILURES` for a model.
        only: Which calls are affected, as words that must all occur in a call: `"quote"`, `"MSFT"`,
            `"income AAPL"`, `"router"`; several such patterns with commas between. By default all calls.
        seed: Chooses which calls fail, and the jitter of each.

    Raises:
        InputError: A value makes no sense.

    Example:
        >>> dials = Dials(latency=0.5, failure="timeout", only="quote MSFT, history")
        >>> dials.trouble("quote MSFT"), dials.trouble("quote AAPL")
        (Trouble(seconds=0.5, failure='timeout'), Trouble(seconds=0.0, failure=''))
    """

    latency: float = 0.0
    jitter: float = 0.0
    failure_rate: float = 1.0
    failure: str = ""
    only: str = ""
    seed: int = 0
    _asked: Counter[str] = field(default_factory=Counter[str], init=False, repr=False, compare=False)
    _guard: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.latency < 0 or self.jitter < 0:
            raise InputError("Latency and jitter are seconds and cannot be negative. Use 0 for none.")
        if not 0 <= self.failure_rate <= 1:
            raise InputError("The failure rate is a part of all calls. Use a number from 0 (none) to 1 (all).")

    def trouble(self, call: str) -> Trouble:
        """What happens to the next call of this kind.

        Args:
            call: What is asked for, such as `"quote MSFT"` or `"router"`.
        """
        if not self.affect(call):
            return Trouble(0.0, "")
        with self._guard:
            self._asked[call] += 1
            chance = Random(f"{self.seed}|{call}|{self._asked[call]}")
        fails, sway = chance.random() < self.failure_rate, chance.uniform(-1, 1)
        return Trouble(max(0.0, self.latency + sway * self.jitter), self.failure if fails else "")

    def affect(self, call: str) -> bool:
        """Whether such a call is affected."""
        words = call.casefold().split()
        patterns = [pattern.casefold().split() for pattern in self.only.split(",") if pattern.strip()]
        return not patterns or any(all(word in words for word in pattern) for pattern in patterns)

    def rewind(self) -> None:
        """Forget what was asked so far, so that the next run meets the same trouble as the first."""
        with self._guard:
            self._asked.clear()


def check_failure(dials: Dials, known: list[str]) -> None:
    """Refuse an unknown failure.

    Raises:
        InputError: There is no such failure.
    """
    if dials.failure and dials.failure not in known:
        raise InputError(f"There is no failure {dials.failure!r:.40}. Use one of: {', '.join(known)}; or '' for none.")


# ---------------------------------------------------------------------------------------------- sources


class FaultyProvider(WaitingProvider):
    """Another source, slower and less reliable.

    Args:
        provider: The source: a name, a provider object, or several.
        dials: What happens to calls; turn them at any time.

    Raises:
        InputError: A source has no such failure.

    Example:
        >>> provider = FaultyProvider("embedded", Dials(failure="quota", only="history"))
        >>> provider.name
        'finassist embedded data, disturbed'
    """

    id = "lab"

    def __init__(self, provider: Provider = "embedded", dials: Dials | None = None) -> None:
        self.inner: FinanceProvider = open_provider(provider)
        self.dials = dials or Dials()
        self.name = f"{self.inner.name}, disturbed"
        self.capabilities = self.inner.capabilities
        check_failure(self.dials, [*DATA_FAILURES, HANG])

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """One need of one company, if the dials let it through.

        Raises:
            DataError: The dials, or the source itself, made it fail.
        """
        call = f"{need} {symbol}"
        await self._disturb(call, self.dials.trouble(call))
        return await fetch_facts(self.inner, need, symbol, periods)

    async def astatus(self) -> ProviderStatus:
        """That of the source."""
        return await self.inner.astatus()

    async def _disturb(self, call: str, trouble: Trouble) -> None:
        await asyncio.sleep(trouble.seconds)
        if trouble.failure == HANG:
            await asyncio.Event().wait()
        if trouble.failure:
            check_failure(self.dials, [*DATA_FAILURES, HANG])
            raise DATA_FAILURES[trouble.failure](call)


# ----------------------------------------------------------------------------------------------- models


class FaultyModel(Wrapped):
    """Another model, slower and less reliable.

    Args:
        model: The model: a name, an Agno model, or several.
        dials: What happens to calls; turn them at any time. Calls are named after the agent that asks: `"router"`,
            `"symbol_extraction"`, `"chat"`, `"summary"`.
        limits: How long to wait for a model that hangs.

    Raises:
        InputError: A model has no such failure.

    Example:
        >>> from finassist import FinancialAssistantWorkflow
        >>> model = FaultyModel("offline", Dials(failure="prose", only="router"))
        >>> answer = FinancialAssistantWorkflow(db=None, model=model, routing="model").run("Apple's revenue?")
        >>> answer.category, answer.models["router"]
        ('income_statement', 'rules')
    """

    def __init__(
        self, model: ModelChoice = "offline", dials: Dials | None = None, limits: Limits | None = None
    ) -> None:
        super().__init__(resolve_model(model), "disturbed")
        self.dials, self.limits = dials or Dials(), limits or Limits()
        check_failure(self.dials, list(MODEL_FAILURES))

    def intercept(self, asked: dict[str, Any]) -> Interception:
        """A delay and a failure, as the dials say."""
        trouble = self.dials.trouble(role_of(asked.get("response_format")))
        check_failure(self.dials, list(MODEL_FAILURES))
        return _Fault(self, trouble)


class _Fault(Interception):
    def __init__(self, model: FaultyModel, trouble: Trouble) -> None:
        self._model, self._failure = model, trouble.failure
        self.seconds = model.limits.seconds if trouble.failure == HANG else trouble.seconds

    def instead(self) -> ModelResponse | None:
        if not self._failure:
            return None
        name = str(self._model.id)
        record = current_record()
        record.begin(name)
        if self._failure == HANG:
            record.failure = Failure("timeout", f"no reply within {self.seconds:g} seconds")
            raise ModelProviderError(record.failure.text, 504, model_id=name)
        if self._failure in _STATUS:
            record.failure = Failure("rejected", f"{self._failure}, made in the lab", _STATUS[self._failure])
            raise ModelProviderError(record.failure.text, _STATUS[self._failure], model_id=name)
        return ModelResponse(role="assistant", content=_REPLIES[self._failure])
