"""One question of a batch: through the same flow, drivers and agents as `arun()`, and its failure a value."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Protocol

from finassist.batch.budget import Metered, Spending, Tally
from finassist.batch.results import Outcome
from finassist.batch.sharing import SharedSource, Sharing
from finassist.batch.work import Work
from finassist.core.errors import BudgetReached
from finassist.core.redaction import redact
from finassist.core.tasks import cancelling
from finassist.runtime.drivers import adrive
from finassist.runtime.run import RunContext


class Asks(Protocol):
    """Something that asks questions: here, or on a cluster."""

    async def ask(self, text: str) -> Outcome:
        """Ask one. Whatever goes wrong with it is its outcome."""
        ...


@dataclass(frozen=True)
class Asker:
    """Asks one question at a time, any number of them at once.

    Attributes:
        work: What is done with each question, and with what.
        sharing: What questions have fetched for each other.
        spending: What they have used together.
    """

    work: Work
    sharing: Sharing
    spending: Spending

    async def ask(self, text: str) -> Outcome:
        """Ask it. Whatever goes wrong with it, a bug included, is its outcome, and nobody else's."""
        tally = Tally(self.spending)
        started = perf_counter()
        try:
            draft = await adrive(self.work.flow(text), self._run(text, tally), _unheard)
        except BudgetReached as error:
            return self._failed(error, tally, started, unasked=True)
        except asyncio.CancelledError:
            if cancelling():
                raise
            return self._failed(RuntimeError("It cancelled itself. Ask again."), tally, started)
        except (Exception, SystemExit) as error:  # noqa: BLE001  recorded with its name
            return self._failed(error, tally, started)
        return Outcome(draft=draft, **_used(tally, started))

    def _failed(self, error: BaseException, tally: Tally, started: float, **more: Any) -> Outcome:
        outcome = Outcome.failed(error, **_used(tally, started), **more)
        return replace(outcome, message=redact(str(outcome.message), self.work.runtime.settings.secrets()))

    def _run(self, text: str, tally: Tally) -> RunContext:
        runtime = self.work.runtime
        agents = {name: Metered(agent, tally) for name, agent in runtime.agents.items()}
        return RunContext(
            runtime=replace(runtime, agents=agents, provider=SharedSource(self.sharing, tally)), question=text
        )


def _used(tally: Tally, started: float) -> dict[str, Any]:
    latency = perf_counter() - started
    return {"latency": latency, "tokens": tally.tokens, "cost": tally.cost, "calls": tally.calls}


def _unheard(_: object) -> None:
    """Nobody watches one question of thousands."""
