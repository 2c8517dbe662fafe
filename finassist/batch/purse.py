"""A budget in shares: what each chunk of a cluster may use, so that all together stay within it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from finassist.batch.budget import Spending
from finassist.batch.chunks import Used
from finassist.core.errors import BudgetReached

_LIMITED: Final = ("tokens", "dollars", "calls")
_WHOLE: Final = frozenset({"tokens", "calls"})


@dataclass
class Grant:
    """What a chunk may use.

    Attributes:
        used: What the batch has used until now.
        limits: What it may have used at the end of the chunk.
        reserved: The difference, held back from others meanwhile.
        everything: Whether there was nothing more to give.
    """

    used: Used
    limits: dict[str, Any]
    reserved: dict[str, float]
    everything: bool


@dataclass
class Purse:
    """The account of a batch on a cluster. A chunk gets a share of what is left and not promised to others.

    What a chunk does not use comes back with it. Questions that did not fit into their share are asked once more when
    nobody else holds one, with all that is left. Belongs to one loop.
    """

    spending: Spending
    shares: int
    _held: list[Grant] = field(default_factory=list[Grant])
    _returned: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def grant(self, *, everything: bool = False) -> Grant | None:
        """A share, as soon as there is one; `None` where the budget is used up."""
        async with self._returned:
            while True:
                free = self._free()
                if free is None:
                    return None
                if self._held and (everything or any(left <= 0 for left in free.values())):
                    await self._returned.wait()
                    continue
                if any(left <= 0 for left in free.values()):
                    return None
                return self._given(free, everything)

    async def take_back(self, grant: Grant, used: Used | None) -> None:
        """The chunk is done; of one that was lost it is known only what its process had told before."""
        async with self._returned:
            self._held.remove(grant)
            if used is not None:
                self.spending.tokens += used["tokens"]
                self.spending.dollars += used["dollars"]
                self.spending.calls += used["calls"]
                self.spending.asked += used["asked"]
                self.spending.unpriced |= used["unpriced"]
            self._returned.notify_all()

    def why(self) -> str:
        """Why there is nothing more, in words."""
        try:
            self.spending.check_model()
            self.spending.check_data()
        except BudgetReached as error:
            return str(error)
        return f"What is left of {self.spending.budget!r} is not enough for another question."

    def _free(self) -> dict[str, float] | None:
        """What is left and not promised, of each limit there is; `None` where the time is up."""
        budget = self.spending.budget
        if budget.seconds is not None and self._seconds() <= 0:
            return None
        promised = {name: sum(each.reserved.get(name, 0) for each in self._held) for name in _LIMITED}
        limits = {name: getattr(budget, name) for name in _LIMITED}
        return {
            name: limit - getattr(self.spending, name) - promised[name]
            for name, limit in limits.items()
            if limit is not None
        }

    def _given(self, free: dict[str, float], everything: bool) -> Grant:
        parts = 1 if everything else max(1, self.shares - len(self._held))
        share = {name: max(1, left // parts) if name in _WHOLE else left / parts for name, left in free.items()}
        spent = Used(**{name: getattr(self.spending, name) for name in Used.__annotations__})  # type: ignore[typeddict-item]
        limits: dict[str, Any] = {name: getattr(self.spending, name) + each for name, each in share.items()}
        if self.spending.budget.seconds is not None:
            limits["seconds"] = self._seconds()
        given = Grant(spent, limits, share, everything=parts == 1 and not self._held)
        self._held.append(given)
        return given

    def _seconds(self) -> float:
        return (self.spending.budget.seconds or 0.0) - (monotonic() - self.spending.started)
