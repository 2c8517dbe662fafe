"""What a flow may wish for. A flow yields events and effects; a driver performs the effects.

    Ask     a question to one of the agents          -> AgentReply
    Fetch   one kind of figures about one company    -> list[Fact] or Gap
    Gather  several flows at the same time           -> their results, in declared order

A flow is a plain generator: no `async`, no I/O, no clock. That is what keeps `run()` and `arun()` one behaviour.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from agno.metrics import RunMetrics
from pydantic import BaseModel

from finassist.core.errors import ModelError
from finassist.core.events import FlowEvent
from finassist.core.facts import Fact, Gap
from finassist.providers.base import Need, Periods, QueryNeed, UniverseScope


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask an agent. With `stream`, its words are events as they come."""

    agent: str
    message: str
    schema: type[BaseModel] | None = None
    stream: bool = False


@dataclass(frozen=True, slots=True)
class AgentReply:
    """What an agent replied: content of the form asked for, or the reason there is none."""

    content: Any = None
    error: ModelError | None = None
    agent: str = ""
    model: str = ""
    metrics: RunMetrics | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch one need of one company from the data provider."""

    symbol: str
    need: Need | QueryNeed
    periods: Periods
    scope: UniverseScope | None = None


@dataclass(frozen=True, slots=True)
class Gather:
    """Run flows at the same time; all of them settle, whatever becomes of their siblings."""

    flows: tuple[Flow[Any], ...]


type Effect = Ask | Fetch | Gather
type Flow[Result] = Generator[FlowEvent | Effect, Any, Result]


def ask(agent: str, message: str, schema: type[BaseModel] | None = None, *, stream: bool = False) -> Flow[AgentReply]:
    """Ask an agent and receive its `AgentReply`."""
    return cast(AgentReply, (yield Ask(agent, message, schema, stream)))


def fetch(
    symbol: str, need: Need | QueryNeed, periods: Periods, scope: UniverseScope | None = None
) -> Flow[list[Fact] | Gap]:
    """Fetch figures, or receive the gap where they should have been."""
    return cast("list[Fact] | Gap", (yield Fetch(symbol, need, periods, scope)))


def gather[Result](flows: Sequence[Flow[Result]]) -> Flow[list[Result]]:
    """Run `flows` at the same time and receive their results in the order given."""
    return cast("list[Result]", (yield Gather(tuple(flows))))
