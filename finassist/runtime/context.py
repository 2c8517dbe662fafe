"""Whom a driver performs effects with, for one run: agents, a provider, patience, and who has a say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from agno.tools.finance import FinanceProvider

from finassist.core.events import FlowEvent
from finassist.llm.attempts import Limits
from finassist.runtime.effects import Askable
from finassist.runtime.timeouts import Patience


@dataclass(frozen=True)
class Crew:
    """Whom a driver performs effects with, for one run.

    Attributes:
        agents: Agents by the name that an `Ask` calls them.
        provider: Where figures come from.
        patience: How long a fetch may take.
        stamp: Gives an event the identity and the time of the run.
        check_cancelled: Raises if the run is to stop.
        breakable: A context in which waiting can be broken off by an interrupt.
        idle: Called by a sync driver before it waits, and again and again while it does.
        limits: What a language model may take and say.
    """

    agents: Mapping[str, Askable]
    provider: FinanceProvider
    patience: Patience
    stamp: Callable[[FlowEvent], FlowEvent]
    check_cancelled: Callable[[], None] = field(default=lambda: None)
    breakable: Callable[[], AbstractContextManager[None]] = nullcontext
    idle: Callable[[], None] = field(default=lambda: None)
    limits: Limits = field(default_factory=Limits)
