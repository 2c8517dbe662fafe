"""What came of a question, and the compact form in which a ledger keeps it."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from time import time
from typing import Any, Final, Literal

from agno.run.base import RunStatus
from agno.run.workflow import WorkflowRunOutput

from finassist.answer import Answer
from finassist.core.result import Draft, written

Status = Literal["completed", "failed", "unasked"]
_QUICK: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of asking a question once: a draft, or an error and its message.

    Where a budget cut it off, it is `unasked`; where an identical question had been recorded, it is `copied`. What a
    worker of a cluster arrived at comes `packed`, and is opened only by who looks at it.
    """

    draft: Draft | None = None
    packed: Packed | None = None
    error: str | None = None
    message: str | None = None
    latency: float = 0.0
    tokens: int = 0
    cost: float | None = 0.0
    calls: int = 0
    unasked: bool = False
    copied: bool = False

    @classmethod
    def failed(cls, error: BaseException, **used: Any) -> Outcome:
        """The outcome that an error is."""
        message = str(error) or f"It failed with {type(error).__name__}. Ask again."
        return cls(error=type(error).__name__, message=message, **used)

    def pack(self) -> Packed | None:
        """What is kept of the answer, if there is one."""
        return self.packed or (Packed.of(self.draft) if self.draft else None)

    def opened(self) -> Draft | None:
        """The answer, if there is one."""
        return self.draft or (unpacked(self.packed.content, self.packed.record) if self.packed else None)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one question of a batch.

    Attributes:
        ordinal: Its place among the questions, counted from 0.
        question: The question as it was given.
        status: `"completed"`, `"failed"`, or `"unasked"` where the batch stopped before.
        answer: The answer, as `arun()` returns it, without the events of the run; `None` unless completed.
        category: One of the five categories; `None` unless completed.
        symbols: Ticker symbols the answer is about.
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
    answer: Answer | None = None
    category: str | None = None
    symbols: tuple[str, ...] = ()
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


@dataclass(frozen=True, slots=True)
class Packed:
    """A draft as it is kept: its text, and the rest of it, compressed.

    Attributes:
        content: The text.
        record: The rest.
        about: Category, symbols as JSON, and how many facts and gaps there are.
        small: Whether it is compressed.
    """

    content: bytes
    record: bytes
    about: tuple[str, str, int, int]
    small: bool = False

    @classmethod
    def of(cls, draft: Draft) -> Packed:
        """Written down on the loop; `compressed()` may run anywhere."""
        about = (draft.category, json.dumps(draft.symbols), len(draft.facts), len(draft.gaps))
        return cls(draft.content.encode("utf-8", "replace"), written(draft.to_dict()).encode(), about)

    def compressed(self) -> Packed:
        """The same, a fifth as large."""
        if self.small:
            return self
        content, record = (zlib.compress(each, _QUICK) for each in (self.content, self.record))
        return replace(self, content=content, record=record, small=True)


def unpacked_text(content: bytes) -> str:
    """The text of an answer that was kept."""
    return zlib.decompress(content).decode()


def unpacked(content: bytes, record: bytes) -> Draft:
    """The draft that was kept."""
    return Draft.from_dict(json.loads(zlib.decompress(record)), unpacked_text(content))


def answer_of(batch: str, ordinal: int, question: str, draft: Draft, latency: float, at: float | None = None) -> Answer:
    """The answer of a batch to a question: as `arun()` would return it, without the events of the run.

    Args:
        batch: Id of the batch, which stands where a run has its session.
        ordinal: Place of the question.
        question: What was asked.
        draft: What the flow arrived at.
        latency: Seconds it took.
        at: When it was recorded; now by default.
    """
    output = WorkflowRunOutput(
        input=question,
        content=draft.content,
        run_id=f"{batch}-{ordinal}",
        session_id=batch,
        workflow_name="finassist",
        created_at=int(time() if at is None else at),
        status=RunStatus.completed,
    )
    answer = Answer.of(output, draft)
    answer.duration = latency
    return answer
