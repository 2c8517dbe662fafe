"""Answers one question of a batch, through the same flow, driver and agents as `arun()`; a failure is an outcome."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final, Protocol, cast

from agno.tools.finance import FinanceProvider

from finassist.analysis.calendar import Member
from finassist.batch.budget import MeteredAgent, QuestionUsage, Spending
from finassist.batch.result import Outcome
from finassist.core.concurrency import InFlight, cancelling
from finassist.core.errors import BudgetReached, DataError, FinassistError, InputError
from finassist.core.facts import Fact, Gap
from finassist.core.result import Draft
from finassist.core.text import redact
from finassist.providers.base import (
    NEEDS,
    Need,
    Periods,
    QueryNeed,
    QuerySource,
    UniverseScope,
    fetch_facts,
    fetch_for_query,
)
from finassist.runtime.context import Runtime
from finassist.runtime.drivers import adrive
from finassist.runtime.effects import Fetch, Flow, fetch
from finassist.runtime.flows import FlowContext, answer_flow
from finassist.runtime.run import RunContext

KEPT_FACTS: Final = 100_000
"""How many figures are kept for later questions; some 40 MB."""

_OTHER_NAMES: Final[dict[str, Need]] = {"income_statement": "income", "price": "quote", "price_history": "history"}

type Across = tuple[Need, int]
"""What `across()` fetches of each company: one need, and how many years of it."""


class Asker(Protocol):
    """Answers questions: in this process, or on a cluster.

    Attributes:
        chunk: How many questions are asked with one call.
        calls: How many calls are made at the same time.
    """

    chunk: int
    calls: int

    async def ask(self, texts: Sequence[str]) -> Sequence[Outcome]:
        """Ask questions; the outcome of each, in order."""
        ...


@dataclass(frozen=True)
class Work:
    """What a batch does with each question: it answers it, or fetches one need of the company that it names.

    Attributes:
        runtime: What it is done with.
        across: The need, where no questions are asked.
    """

    runtime: Runtime
    across: Across | None = None

    @property
    def call(self) -> dict[str, Any]:
        """What changes an answer, besides the question."""
        runtime = self.runtime
        if self.across is not None:
            need, years = self.across
            return {"across": need, "years": years, "provider": runtime.provider.id}
        years, provider = runtime.settings.years, runtime.provider.id
        return {"model": str(runtime.model.id), "routing": runtime.routing, "years": years, "provider": provider}

    def flow(self, question: str) -> Flow[Draft]:
        """The flow of one question."""
        if self.across is not None:
            return _across_flow(question, *self.across)
        return answer_flow(question, FlowContext.of(self.runtime))


class LocalAsker:
    """Asks in this process, any number of questions at once. Belongs to one loop.

    Args:
        work: What is done with each question.
        spending: What the questions use together.
        calls: How many are asked at the same time.
        fetches: What they fetch for each other; by default their own.
    """

    chunk = 1

    def __init__(self, work: Work, spending: Spending, calls: int, fetches: SharedFetches | None = None) -> None:
        self.work, self.spending, self.calls = work, spending, calls
        self.fetches = fetches or SharedFetches(work.runtime.provider)

    async def ask(self, texts: Sequence[str]) -> Sequence[Outcome]:
        """Ask one question."""
        return [await self.ask_one(text) for text in texts]

    async def ask_one(self, text: str) -> Outcome:
        """Ask a question. Any failure, also a bug, is its outcome and concerns no other question."""
        usage, started = QuestionUsage(self.spending), perf_counter()

        def used() -> dict[str, Any]:
            latency = perf_counter() - started
            return {"latency": latency, "tokens": usage.tokens, "cost": usage.cost, "calls": usage.calls}

        try:
            draft = await adrive(self.work.flow(text), self._run(text, usage), lambda _: None)
            return Outcome.of(draft, **used())
        except BudgetReached as error:
            return self._failed(error, used(), unasked=True)
        except asyncio.CancelledError:
            if cancelling():
                raise
            return self._failed(RuntimeError("It cancelled itself. Ask again."), used())
        except (Exception, SystemExit) as error:  # noqa: BLE001  recorded with its name
            return self._failed(error, used())

    def _failed(self, error: BaseException, used: dict[str, Any], *, unasked: bool = False) -> Outcome:
        outcome = Outcome.failed(error, unasked=unasked, **used)
        return replace(outcome, message=redact(str(outcome.message), self.work.runtime.settings.secrets()))

    def _run(self, text: str, usage: QuestionUsage) -> RunContext:
        runtime = self.work.runtime
        agents = {name: MeteredAgent(agent, usage) for name, agent in runtime.agents.items()}
        shared = SharedQuerySource if isinstance(self.fetches.provider, QuerySource) else SharedProvider
        provider = shared(self.fetches, usage)
        return RunContext(runtime=replace(runtime, agents=agents, provider=provider), question=text)


# ------------------------------------------------------------------------------------ shared fetches

_ANY = Periods()

type _Key = tuple[str, Need | QueryNeed, Periods, UniverseScope | None]


def shared_key(
    symbol: str, need: Need | QueryNeed, periods: Periods = _ANY, scope: UniverseScope | None = None
) -> _Key:
    """The same for fetches that questions share: a price is the same whatever number of years a question wants."""
    statement = need in ("income", "balance_sheet", "cash_flow")
    return symbol, need, periods if statement else replace(periods, limit=_ANY.limit), scope


class SharedFetches:
    """What several questions of a batch need is fetched once. Failures are not kept. Belongs to one loop.

    Args:
        provider: Where figures come from.
        kept: How many facts are kept for later, those used last.
    """

    def __init__(self, provider: FinanceProvider, kept: int = KEPT_FACTS) -> None:
        self.provider = provider
        self._room = kept
        self._found: OrderedDict[_Key, list[Fact]] = OrderedDict()
        self._in_flight: InFlight[list[Fact]] = InFlight()

    async def facts(self, key: _Key, usage: QuestionUsage) -> list[Fact]:
        """The facts of one need of one company, fetched now, already under way, or fetched before."""
        found = self._found.get(key)
        if found is None:
            return list(await self._in_flight.join(repr(key), lambda: self._fetch(key, usage)))
        self._found.move_to_end(key)
        return list(found)

    async def _fetch(self, key: _Key, usage: QuestionUsage) -> list[Fact]:
        symbol, need, periods, scope = key
        usage.begin_data()
        try:
            if need in ("figures", "closes", "universe"):
                found = await fetch_for_query(self.provider, need, symbol, scope)
            else:
                found = await fetch_facts(self.provider, need, symbol, periods)
        except (SystemExit, KeyboardInterrupt) as error:
            # Raised in a task, either would end the whole loop, and with it the notebook's kernel.
            raise RuntimeError(f"{self.provider.name} tried to end the process ({type(error).__name__}).") from error
        self._keep(key, found)
        return found

    def _keep(self, key: _Key, found: list[Fact]) -> None:
        self._found[key] = found
        self._room -= len(found)
        while self._room < 0 and self._found:
            _, dropped = self._found.popitem(last=False)
            self._room += len(dropped)


class SharedProvider(FinanceProvider):
    """The provider as one question sees it: what other questions have fetched costs it nothing."""

    def __init__(self, fetches: SharedFetches, usage: QuestionUsage) -> None:
        self.id, self.name = fetches.provider.id, fetches.provider.name
        self.capabilities = fetches.provider.capabilities
        self._fetches, self._usage = fetches, usage

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """As `finassist.providers.base.fetch_facts`, which calls this."""
        return await self._fetches.facts(shared_key(symbol, need, periods), self._usage)


class SharedQuerySource(SharedProvider):
    """The same of a `QuerySource`."""

    def members(self) -> Mapping[str, Member]:
        """The companies it covers."""
        return cast(QuerySource, self._fetches.provider).members()

    async def fetch_figures(self, symbol: str) -> list[Fact]:
        """Every figure of a company."""
        return await self._fetches.facts(shared_key(symbol, "figures"), self._usage)

    async def fetch_closes(self, symbol: str) -> list[Fact]:
        """Its closes."""
        return await self._fetches.facts(shared_key(symbol, "closes"), self._usage)

    async def fetch_universe(self, scope: UniverseScope) -> list[Fact]:
        """Some lines of every company."""
        return await self._fetches.facts(shared_key("*", "universe", scope=scope), self._usage)


# -------------------------------------------------------------------------------------------- across


def need_named(name: str) -> Need:
    """The need of that name.

    Raises:
        InputError: There is none.

    Example:
        >>> need_named("income_statement"), need_named("quote")
        ('income', 'quote')
    """
    need = _OTHER_NAMES.get(name, name)
    if need not in NEEDS:
        names = ", ".join(f'"{each}"' for each in ("income_statement", *NEEDS[2:], "profile"))
        raise InputError(f"There is no need {name!r:.60}. It is one of {names}.")
    return need


def _across_flow(symbol: str, need: Need, years: int) -> Flow[Draft]:
    symbol = symbol.removeprefix("$").upper()
    found = yield from fetch(Fetch(symbol, need, Periods(years)))
    if isinstance(found, Gap):
        raise _error_of(found)
    return Draft(
        content=f"{symbol}: {len(found)} figures ({need.replace('_', ' ')}).",
        category=need,
        symbols=(symbol,),
        facts=tuple(found),
        reason="It was asked for by name.",
    )


def _error_of(gap: Gap) -> FinassistError:
    """A gap as the error that it came from."""
    kinds: list[type[FinassistError]] = [DataError, InputError]
    while kinds:
        kind = kinds.pop()
        if kind.__name__ == gap.error:
            return kind(gap.reason)
        kinds += kind.__subclasses__()
    return DataError(gap.reason)
