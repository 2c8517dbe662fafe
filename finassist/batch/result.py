"""What became of one question: as a worker returns it, and as a ledger gives it back."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from agno.run.base import RunStatus
from agno.run.workflow import WorkflowRunOutput

from finassist.batch.ledger_format import read_rows
from finassist.core.errors import LedgerError
from finassist.core.result import Draft, written

type MakeAnswer[A] = Callable[[WorkflowRunOutput, Draft, float], A]
"""Makes the answer of a question from its run, what the flow arrived at, and the seconds it took."""

Status = Literal["completed", "failed", "unasked"]

_QUICK: Final = 1  # zlib's fastest level: a fifth of the size for a tenth of a millisecond
_SHOWN: Final = (
    "ordinal", "question", "status", "category", "outcome", "value", "unit", "period", "query", "error", "message",
    "latency", "tokens", "cost", "calls", "attempts",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of asking a question once: an answer in its stored form, or an error. Plain values throughout.

    Attributes:
        content: The text of the answer, compressed; `None` without one.
        record: The rest of the answer, compressed.
        category: Its category.
        symbols: Its symbols, as JSON.
        facts: How many figures it has.
        gaps: How many gaps it has.
        answered: What of the question is answered, its figure, unit, period and query, as JSON.
        error: Name of the error; `None` with an answer.
        message: What went wrong and what to do next.
        latency: Seconds it took.
        tokens: Tokens that models used.
        cost: In dollars; `None` where a model has no known price.
        calls: Fetches from data sources that it did not share with an earlier question.
        unasked: Whether a budget stopped it.
    """

    content: bytes | None = None
    record: bytes | None = None
    category: str | None = None
    symbols: str | None = None
    facts: int | None = None
    gaps: int | None = None
    answered: str | None = None
    error: str | None = None
    message: str | None = None
    latency: float = 0.0
    tokens: int = 0
    cost: float | None = 0.0
    calls: int = 0
    unasked: bool = False

    @classmethod
    def of(cls, draft: Draft, **used: Any) -> Self:
        """The outcome of a question that was answered."""
        return cls(
            content=zlib.compress(draft.content.encode("utf-8", "replace"), _QUICK),
            record=zlib.compress(written(draft.to_dict()).encode(), _QUICK),
            category=draft.category,
            symbols=json.dumps(draft.symbols),
            facts=len(draft.facts),
            gaps=len(draft.gaps),
            answered=json.dumps(_answered(draft)),
            **used,
        )

    @classmethod
    def failed(cls, error: BaseException, **used: Any) -> Self:
        """The outcome of a question that was not."""
        message = str(error) or f"It failed with {type(error).__name__}. Ask again."
        return cls(error=type(error).__name__, message=message, answered='{"outcome": "failed"}', **used)


def _answered(draft: Draft) -> dict[str, Any]:
    """What of the question is answered, and the figure where there is one."""
    fact = draft.value
    query = "; ".join(map(str, draft.queries)) or None
    about: dict[str, Any] = {"outcome": draft.outcome, "query": query}
    if fact is None or fact.value is None:
        return about
    return {**about, "value": float(fact.value), "unit": fact.unit, "period": fact.period}


@dataclass(frozen=True, kw_only=True)
class Result[A]:
    """What became of one question of a batch.

    Attributes:
        ordinal: Its place among the questions, counted from 0.
        question: The question as it was given.
        status: `"completed"`, `"failed"`, or `"unasked"` where the batch stopped before.
        answer: The `Answer`, as `arun()` returns it, without the events of the run; `None` unless completed.
        category: One of the five categories; `None` unless completed.
        symbols: Ticker symbols the answer is about.
        outcome: `"answered"`, `"partly"`, `"refused"` where nothing of what was asked is there, or `"failed"`.
        value: The figure asked for, where it is one.
        unit: Its unit.
        period: Its period.
        query: What was understood, as a phrase.
        error: Name of the error, such as `"ModelTimeout"`; `None` unless failed.
        message: What went wrong and what to do next.
        latency: Seconds it took; 0 where it shares the answer to an identical question.
        tokens: Tokens that models used for it.
        cost: In dollars; `None` where a model has no known price.
        calls: Fetches from data sources that it did not share with an earlier question.
        attempts: How often it was asked.
    """

    ordinal: int
    question: str
    status: Status
    answer: A | None = None
    category: str | None = None
    symbols: tuple[str, ...] = ()
    outcome: str | None = None
    value: float | None = None
    unit: str | None = None
    period: str | None = None
    query: str | None = None
    error: str | None = None
    message: str | None = None
    latency: float | None = None
    tokens: int = 0
    cost: float | None = 0.0
    calls: int = 0
    attempts: int = 0

    def __repr__(self) -> str:
        about = f"{self.error}: {self.message}" if self.error else f"{self.category or ''} {' '.join(self.symbols)}"
        return f"<Result {self.ordinal} {self.status}: {about.strip()}>"


def read_results[A](path: Path, batch: str, make_answer: MakeAnswer[A], where: str = "") -> Iterator[Result[A]]:
    """One result a question of a ledger, in order, with its answer.

    Raises:
        LedgerError: The file cannot be read.
    """
    for row in read_rows(path, where, records=True):
        values: dict[str, Any] = {name: row.get(name) for name in _SHOWN}
        try:
            answer = _answer(batch, row, make_answer) if row["record"] is not None else None
        except (zlib.error, ValueError, KeyError, TypeError) as error:
            raise LedgerError(
                f"The answer to question {row['ordinal']} (counted from 0) in {path} is damaged ({error}). "
                "`batch.frame` has the others. Pass another path as ledger= to ask again."
            ) from error
        yield Result(**values, symbols=tuple(row["symbols"]), answer=answer)


def read_text(content: bytes) -> str:
    """The text of a stored answer."""
    return zlib.decompress(content).decode()


def _answer[A](batch: str, row: dict[str, Any], make_answer: MakeAnswer[A]) -> A:
    content = read_text(row["content"])
    output = WorkflowRunOutput(
        input=row["question"],
        content=content,
        run_id=f"{batch}-{row['ordinal']}",
        session_id=batch,
        workflow_name="finassist",
        created_at=int(row["at"]),
        status=RunStatus.completed,
    )
    return make_answer(output, Draft.from_dict(json.loads(zlib.decompress(row["record"])), content), row["latency"])
