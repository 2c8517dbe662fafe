"""What is to happen to a call of a source or a model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from typing import Any, Final

from finassist.core.errors import InputError

NONE: Final = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to one call: how long it is held up, and the failure it ends with (`""`: none)."""

    seconds: float
    failure: str


@dataclass
class Dials:
    """How bad the weather is. Every attribute may be changed at any time, also while a run is under way.

    What happens to a call depends on the seed, on what is asked for and on how often it was asked before; never on
    the order in which tasks happen to run. So the same seed gives the same trouble in `run()` and in `arun()`.

    Attributes:
        latency: Seconds every call is held up.
        jitter: At most so many seconds more, or less.
        failure_rate: Which part of the calls fails, from 0 to 1.
        failure: How they fail: one of `DATA_FAILURES` for a source, of `MODEL_FAILURES` for a model.
        only: Which calls the dials are for, as words that must all occur in what is asked for: `"quote"`, `"MSFT"`,
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
    failure: str = NONE
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
        if not self.concern(call):
            return Trouble(0.0, NONE)
        with self._guard:
            self._asked[call] += 1
            chance = Random(f"{self.seed}|{call}|{self._asked[call]}")
        fails, sway = chance.random() < self.failure_rate, chance.uniform(-1, 1)
        return Trouble(max(0.0, self.latency + sway * self.jitter), self.failure if fails else NONE)

    def concern(self, call: str) -> bool:
        """Whether the dials are for such a call."""
        words = call.casefold().split()
        patterns = [pattern.casefold().split() for pattern in self.only.split(",") if pattern.strip()]
        return not patterns or any(all(word in words for word in pattern) for pattern in patterns)

    def rewind(self) -> None:
        """Forget what was asked so far, so that the next run meets the same trouble as the first."""
        with self._guard:
            self._asked.clear()

    def show(self) -> Any:
        """The dials as a box of widgets, which may be turned while a run is under way."""
        from finassist.apps.live.dials import dials_view

        return dials_view(self)
