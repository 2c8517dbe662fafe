"""How far a batch is, as a value; and in words. The widget and the terminal show the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from finassist.batch.results import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a batch is.

    Attributes:
        total: Questions there are; `None` where only asking tells.
        before: Questions that earlier calls had recorded.
        completed: Questions with an answer, those of earlier calls included.
        failed: Questions without one.
        tokens: Used in this call.
        cost: Dollars spent in this call; `None` where a model has no known price.
        elapsed: Seconds since this call began.
        status: `"running"`, `"completed"` or `"stopped"`.

    Example:
        >>> progress = Progress(total=100, completed=20, elapsed=2.0)
        >>> progress.rate, progress.eta, str(progress)
        (10.0, 8.0, '20 of 100 · 10.0/s · 0:08 left')
    """

    total: int | None = None
    before: int = 0
    completed: int = 0
    failed: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    elapsed: float = 0.0
    status: str = "running"

    @property
    def done(self) -> int:
        """Questions that are recorded."""
        return self.completed + self.failed

    @property
    def rate(self) -> float:
        """Questions a second, of those this call recorded."""
        return (self.done - self.before) / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds until the last one, at this rate; `None` where that cannot be said."""
        return (self.total - self.done) / self.rate if self.total is not None and self.rate else None

    def after(self, outcome: Outcome) -> Progress:
        """One more question is recorded."""
        failed = outcome.error is not None
        return replace(
            self,
            completed=self.completed + (not failed),
            failed=self.failed + failed,
            tokens=self.tokens + outcome.tokens,
            cost=None if self.cost is None or outcome.cost is None else self.cost + outcome.cost,
        )

    def __str__(self) -> str:
        many = f"{self.done:,} of {self.total:,}" if self.total is not None else f"{self.done:,} done"
        parts = [many, f"{self.rate:,.1f}/s" if self.rate else ""]
        if self.status == "running":
            parts.append(f"{clock(self.eta)} left" if self.eta is not None else "")
        else:
            parts += [self.status, f"in {clock(self.elapsed)}"]
        parts += [f"{self.failed:,} failed" if self.failed else "", f"{self.tokens:,} tokens" if self.tokens else ""]
        parts.append(dollars(self.cost) if self.tokens else "")
        return " · ".join(part for part in parts if part)


class Display(Protocol):
    """Something that shows progress."""

    def show(self, progress: Progress) -> None:
        """Draw it; called no more often than ten times a second."""
        ...

    def finish(self, progress: Progress) -> None:
        """Draw it for the last time, as text that stays."""
        ...


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds.

    Example:
        >>> clock(75.2), clock(3_725)
        ('1:15', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def dollars(cost: float | None) -> str:
    """What it cost; nothing is said to be free that is not known to be.

    Example:
        >>> dollars(1.5), dollars(0.00123), dollars(None)
        ('$1.50', '$0.0012', 'cost not known')
    """
    if cost is None:
        return "cost not known"
    return f"${cost:,.2f}" if cost >= 1 else f"${cost:.4f}"
