"""What goes to a worker of a cluster and what comes back: plain dicts."""

from __future__ import annotations

from typing import Any, TypedDict

from finassist.batch.budget import Budget, Spending
from finassist.batch.results import Outcome, Packed
from finassist.providers.base import Need

type Across = tuple[Need, int]
"""What `across()` fetches of each company: one need, and how many years of it."""


class Recipe(TypedDict):
    """What a worker builds a workflow from; see `finassist.batch.recipe`."""

    version: str
    settings: dict[str, Any]
    routing: Any
    model: list[str | bytes]
    provider: list[str | bytes]
    keys: list[str]
    across: Across | None


class Used(TypedDict):
    """What was used, or may be used, of a budget."""

    tokens: int
    dollars: float
    calls: int
    asked: int
    unpriced: bool


class Order(TypedDict):
    """What a chunk is asked with.

    Attributes:
        recipe: Of the workflow.
        batch: Id of the call, whose questions share what was fetched.
        texts: The questions.
        concurrency: How many of them are asked at the same time, with those of other chunks of the same process.
        seconds: After which the chunk returns with what it has.
        used: What the batch has used until now.
        limits: What it may have used at the end of this chunk; see `Budget`.
    """

    recipe: Recipe
    batch: str
    texts: list[str]
    concurrency: int
    seconds: float
    used: Used
    limits: dict[str, Any]


class Reply(TypedDict, total=False):
    """What comes back of a chunk.

    Attributes:
        outcomes: One for each question; `None` for one that was not finished in time.
        used: What the chunk has used itself.
        lost: Whether the process that asked it first has ended.
        problem: Why nothing could be asked.
    """

    outcomes: list[dict[str, Any] | None]
    used: Used
    lost: bool
    problem: str


def spending_of(order: Order) -> Spending:
    """The account of one chunk: it goes on where the batch is, up to the limits of the chunk."""
    return Spending(Budget(**order["limits"]), **order["used"])


def used_since(spending: Spending, before: Used) -> Used:
    """What was used since then."""
    return Used(
        tokens=spending.tokens - before["tokens"],
        dollars=spending.dollars - before["dollars"],
        calls=spending.calls - before["calls"],
        asked=spending.asked - before["asked"],
        unpriced=spending.unpriced,
    )


def plain(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a plain dict, its draft packed."""
    packed = Packed.of(outcome.draft).compressed() if outcome.draft else None
    return {
        "packed": (packed.content, packed.record, packed.about) if packed else None,
        "error": outcome.error,
        "message": outcome.message,
        "latency": outcome.latency,
        "tokens": outcome.tokens,
        "cost": outcome.cost,
        "calls": outcome.calls,
        "unasked": outcome.unasked,
    }


def outcome_of(values: dict[str, Any]) -> Outcome:
    """The inverse of `plain`; the draft stays packed, because opening it takes as long as making it did."""
    packed = values["packed"]
    kept = Packed(bytes(packed[0]), bytes(packed[1]), tuple(packed[2]), small=True) if packed else None
    more: dict[str, Any] = {**values, "packed": kept}
    return Outcome(**more)
