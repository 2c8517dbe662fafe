"""Answers one question of a batch, through the same flow, driver and agents as `arun()`; a failure is an outcome."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any, Final, Protocol, Self, cast

from agno.tools.finance import FinanceProvider
from pydantic import ValidationError

from finassist.analysis.calendar import Member
from finassist.batch.budget import Spending, shared
from finassist.core import errors
from finassist.core.concurrency import InFlight, cancelling
from finassist.core.errors import BudgetReached, DataError, InputError
from finassist.core.facts import Fact, Gap
from finassist.core.query import Query
from finassist.core.result import Draft, written
from finassist.core.secrets import redact
from finassist.core.text import said
from finassist.providers.base import NEEDS, Need, Periods, QuerySource, UniverseScope, fetch_facts, fetch_for_query
from finassist.runtime.context import RunContext, Runtime
from finassist.runtime.drivers import aask_with, adrive
from finassist.runtime.effects import Fetch, Flow, fetch
from finassist.runtime.flows import answer_flow, typed_flow
from finassist.runtime.known import FlowContext

_KEPT_FACTS: Final = 100_000  # for later questions; some 40 MB
_QUICK: Final = 1  # zlib's fastest level: a fifth of the size for a tenth of a millisecond
_OTHER_NAMES: Final[dict[str, Need]] = {"income_statement": "income", "price": "quote", "price_history": "history"}

type Across = tuple[Need, int]
"""What `across()` fetches of each company: one need, and how many years of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of asking a question once, as a ledger stores it: plain values, with lists as JSON."""

    content: bytes | None = None  # the text of the answer, compressed
    record: bytes | None = None  # the rest of it, compressed
    category: str | None = None
    symbols: str | None = None
    facts: int | None = None
    gaps: int | None = None
    answered: str | None = None  # its outcome, figure, unit, period, query and reading
    error: str | None = None
    message: str | None = None
    latency: float = 0.0
    tokens: int = 0
    cost: float | None = 0.0
    calls: int = 0
    unasked: bool = False  # a budget stopped it

    @property
    def state(self) -> str:
        """`"completed"`, `"failed"` or `"unasked"`."""
        return "unasked" if self.unasked else "failed" if self.error else "completed"

    @classmethod
    def of(cls, draft: Draft, **used: Any) -> Self:
        """The outcome of a question that was answered."""
        answered: dict[str, Any] = {"outcome": draft.outcome, "query": "; ".join(map(str, draft.queries)) or None}
        if draft.choices:
            answered["reading"] = draft.choices[0].label
        fact = draft.value
        if fact is not None and fact.value is not None:
            answered |= {"value": float(fact.value), "unit": fact.unit, "period": fact.period}
        return cls(
            content=zlib.compress(draft.content.encode("utf-8", "replace"), _QUICK),
            record=zlib.compress(written(draft.to_dict()).encode(), _QUICK),
            category=draft.category,
            symbols=json.dumps(draft.symbols),
            facts=len(draft.facts),
            gaps=len(draft.gaps),
            answered=json.dumps(answered),
            **used,
        )

    @classmethod
    def failed(cls, error: BaseException, **used: Any) -> Self:
        """The outcome of a question that was not."""
        message = said(error) or f"It failed with {type(error).__name__}. Ask again."
        return cls(error=type(error).__name__, message=message, answered='{"outcome": "failed"}', **used)


@dataclass(frozen=True)
class Work:
    """What a batch does with each question: it answers it, or fetches one need of the company that it names."""

    runtime: Runtime
    across: Across | None = None

    @property
    def longest(self) -> int:
        """Characters a question may have."""
        return self.runtime.settings.max_question_length

    @property
    def call(self) -> dict[str, Any]:
        """What changes an answer, besides the question."""
        runtime = self.runtime
        if self.across is not None:
            need, years = self.across
            return {"across": need, "years": years, "provider": runtime.provider.id}
        years, provider = runtime.settings.years, runtime.provider.id
        call = {"model": str(runtime.model.id), "routing": runtime.routing, "years": years, "provider": provider}
        return call | ({"as_of": runtime.as_of.isoformat()} if runtime.as_of else {})

    def flow(self, question: str) -> Flow[Draft]:
        """The flow of one question."""
        if self.across is not None:
            return _across_flow(question, *self.across)
        known, query = FlowContext.of(self.runtime), _query(question)
        return _first_reading_flow(question, known) if query is None else typed_flow([query], known)


def _query(question: str) -> Query | None:
    """The query that a question is as JSON; `None` for one in words."""
    try:
        return Query.model_validate_json(question) if question.startswith("{") else None
    except (ValidationError, InputError):
        return None


def _first_reading_flow(question: str, known: FlowContext) -> Flow[Draft]:
    """The answer; where a name fits several companies, the first is taken, since a batch asks nobody back."""
    draft = yield from answer_flow(question, known)
    if not draft.choices or draft.queries:
        return draft
    label, queries = draft.choices[0]
    read = yield from typed_flow(queries, known)
    warning = f"Read as {label}, the first of {len(draft.choices)} readings."
    return replace(read, choices=draft.choices, warnings=(*read.warnings, warning))


class Asker(Protocol):
    """Answers questions: in this process, or on a cluster."""

    chunk: int  # questions asked with one call
    calls: int  # made at the same time

    async def ask(self, texts: Sequence[str]) -> Sequence[Outcome]:
        """Ask questions; the outcome of each, in order."""
        ...

    def broken_off(self, text: str) -> Outcome | None:
        """What a question has used so far that is no longer waited for, where that is known."""
        ...


class LocalAsker:
    """Asks in this process, any number of questions at once. Belongs to one loop."""

    chunk = 1

    def __init__(self, work: Work, spending: Spending, calls: int, fetches: SharedFetches | None = None) -> None:
        self.work, self.spending, self.calls = work, spending, calls
        self.fetches = fetches or SharedFetches(work.runtime.provider)
        self._under_way: dict[str, Spending] = {}

    async def ask(self, texts: Sequence[str]) -> Sequence[Outcome]:
        """Ask questions one after the other."""
        return [await self.ask_one(text) for text in texts]

    async def ask_one(self, text: str) -> Outcome:
        """Ask a question. Any failure, also a bug, is its outcome and concerns no other question."""
        own, started = Spending(batch=self.spending), perf_counter()
        self._under_way[text] = own
        found: Draft | BaseException
        try:
            found = await self._drive(text, own)
        except asyncio.CancelledError:
            if cancelling():
                raise
            found = RuntimeError("It cancelled itself. Ask again.")
        except (Exception, SystemExit) as error:  # noqa: BLE001  recorded with its name
            found = error
        del self._under_way[text]
        latency = perf_counter() - started
        used = {"latency": latency, "tokens": own.tokens, "cost": own.cost, "calls": own.calls}
        if isinstance(found, Draft):
            return Outcome.of(found, **used)
        outcome = Outcome.failed(found, unasked=isinstance(found, BudgetReached), **used)
        return replace(outcome, message=redact(str(outcome.message), self.work.runtime.secrets))

    def broken_off(self, text: str) -> Outcome | None:
        """What its models and sources took before it was cancelled."""
        own = self._under_way.pop(text, None)
        return Outcome(unasked=True, tokens=own.tokens, cost=own.cost, calls=own.calls) if own else None

    async def _drive(self, text: str, own: Spending) -> Draft:
        shared = _SharedQuerySource if isinstance(self.fetches.provider, QuerySource) else _SharedProvider
        run = RunContext(runtime=replace(self.work.runtime, provider=shared(self.fetches, own)), question=text)
        with run.measured("finassist.run"):
            run.draft = await adrive(self.work.flow(text), run, lambda _: None, partial(own.ask, aask_with(run)))
        return run.draft


# ------------------------------------------------------------------------------------ shared fetches


class SharedFetches:
    """Fetches once what several questions of a batch need. Does not cache failures. Belongs to one loop."""

    def __init__(self, provider: FinanceProvider) -> None:
        self.provider = provider
        self._room = _KEPT_FACTS
        self._found: OrderedDict[Fetch, list[Fact]] = OrderedDict()
        self._in_flight: InFlight[list[Fact]] = InFlight()

    async def facts(self, wanted: Fetch, own: Spending) -> list[Fact]:
        """The facts of one need of one company, fetched now, already under way, or fetched before."""
        wanted = shared(wanted)
        found = self._found.get(wanted)
        if found is None:
            return list(await self._in_flight.join(repr(wanted), lambda: self._fetch(wanted, own)))
        self._found.move_to_end(wanted)
        return list(found)

    async def _fetch(self, wanted: Fetch, own: Spending) -> list[Fact]:
        need, symbol = wanted.need, wanted.symbol
        own.begin_data()
        if need in ("figures", "closes", "universe", "peers"):
            found = await fetch_for_query(self.provider, need, symbol, wanted.scope)
        else:
            found = await fetch_facts(self.provider, need, symbol, wanted.periods)
        self._keep(wanted, found)
        return found

    def _keep(self, wanted: Fetch, found: list[Fact]) -> None:
        self._found[wanted] = found
        self._room -= len(found)
        while self._room < 0 and self._found:
            _, dropped = self._found.popitem(last=False)
            self._room += len(dropped)


class _SharedProvider(FinanceProvider):
    """The provider as one question sees it: what other questions have fetched costs it nothing."""

    def __init__(self, fetches: SharedFetches, own: Spending) -> None:
        self._fetches, self._own, self._real = fetches, own, fetches.provider
        self.id, self.name, self.capabilities = self._real.id, self._real.name, self._real.capabilities
        self.providers = (self, *getattr(self._real, "providers", ()))

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        return await self._fetches.facts(Fetch(symbol, need, periods), self._own)


class _SharedQuerySource(_SharedProvider):
    """The same of a `QuerySource`."""

    def members(self) -> Mapping[str, Member]:
        return cast(QuerySource, self._real).members()

    async def fetch_figures(self, symbol: str) -> list[Fact]:
        return await self._fetches.facts(Fetch(symbol, "figures", Periods()), self._own)

    async def fetch_closes(self, symbol: str) -> list[Fact]:
        return await self._fetches.facts(Fetch(symbol, "closes", Periods()), self._own)

    async def fetch_universe(self, scope: UniverseScope) -> list[Fact]:
        return await self._fetches.facts(Fetch("*", "universe", Periods(), scope), self._own)


# -------------------------------------------------------------------------------------------- across


def need_named(name: str) -> Need:
    """The need of that name; raises `InputError` where there is none.

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
        kind: type[Exception] = getattr(errors, found.error, DataError)
        raise kind(found.reason)
    return Draft(
        content=f"{symbol}: {len(found)} figures ({need.replace('_', ' ')}).",
        category=need,
        symbols=(symbol,),
        facts=tuple(found),
        reason="It was asked for by name.",
    )
