"""What a batch returns: every question with what came of it, read from its ledger when it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from finassist.answer import Answer
from finassist.batch.reader import Reader
from finassist.batch.results import Result
from finassist.batch.shelf import notes_of

if TYPE_CHECKING:
    from finassist.batch.job import Job
    from finassist.reporting.frames import DataFrame

_FAILED: Final = "WHERE q.state = 'failed'"
_COMPLETED: Final = "WHERE q.state = 'completed'"
_OPEN: Final = "WHERE q.state NOT IN ('completed', 'failed')"


@dataclass(frozen=True, slots=True)
class Left:
    """What a batch that stopped did not ask.

    Attributes:
        questions: How many; `None` where the questions are an iterator, which nobody has read to its end.
        reason: Why it stopped, and what to do next; `""` where nothing is left.
    """

    questions: int | None = 0
    reason: str = ""

    def __str__(self) -> str:
        if not self.reason:
            return "Nothing is left."
        many = "An unknown number of questions is" if self.questions is None else f"{self.questions:,} questions are"
        return f"{many} left. {self.reason}"


class Batch:
    """The results of many questions. Nothing of them is held in memory: each look reads the ledger.

    Attributes:
        ledger: The file that has all of it. `arun_many(..., ledger=path)` reads it back.
        id: Id of the batch.
        status: `"completed"` where every question is recorded, as completed or failed; else `"stopped"`.

    Raises (whatever reads):
        LedgerError: The ledger cannot be read.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from finassist import FinancialAssistantWorkflow
        >>> workflow = FinancialAssistantWorkflow(db=None)
        >>> with TemporaryDirectory() as folder:
        ...     batch = workflow.run_many(["$AAPL price", "Revenue of Microsoft"], ledger=f"{folder}/batch.db")
        ...     print(batch.frame[["question", "status", "category", "n_gaps"]].to_string(index=False))
                    question    status         category  n_gaps
                 $AAPL price completed      stock_price       0
        Revenue of Microsoft completed income_statement       0
    """

    def __init__(self, ledger: Path, job: Job) -> None:
        self.ledger = ledger
        self._job = job
        self._reader = Reader(ledger)
        self.id: str = str(notes_of(ledger).get("id", ""))

    @property
    def status(self) -> Literal["completed", "stopped"]:
        """`"completed"`, or `"stopped"`: then `left` says why."""
        status = self._notes().get("status")
        return "completed" if status == "completed" else "stopped"

    @property
    def left(self) -> Left:
        """How many questions are not asked, and why."""
        notes = self._notes()
        if notes.get("status") == "completed":
            return Left()
        total = cast("int | None", notes.get("total"))
        recorded = len(self) - self._reader.count(_OPEN)
        return Left(None if total is None else total - recorded, str(notes.get("reason") or _CUT_OFF))

    # -------------------------------------------------------------------------------------- looking

    @property
    def frame(self) -> DataFrame:
        """One row a question, in the order given; see `finassist.reporting.frames.batch_frame` for the columns."""
        from finassist.reporting.frames import batch_frame

        return batch_frame(self._reader.rows())

    @property
    def failures(self) -> DataFrame:
        """The rows of `frame` that failed, with the name of the error and what to do."""
        from finassist.reporting.frames import batch_frame

        return batch_frame(self._reader.rows(_FAILED))

    @property
    def facts(self) -> DataFrame:
        """The figures of all answers, one row each: `ordinal`, `question`, and the columns of `Answer.to_frame()`."""
        from finassist.reporting.frames import batch_facts_frame

        found = self.results(_COMPLETED)
        return batch_facts_frame((each.ordinal, each.question, each.answer.facts) for each in found if each.answer)

    def answers(self) -> Iterator[Answer]:
        """Every answer, in the order of the questions, read one at a time. Their `input` is the question."""
        return (result.answer for result in self.results(_COMPLETED) if result.answer)

    def results(self, where: str = "") -> Iterator[Result]:
        """Every result, in the order of the questions, read one at a time."""
        return self._reader.results(self.id, where)

    def __iter__(self) -> Iterator[Result]:
        return self.results()

    def __len__(self) -> int:
        return self._reader.count()

    # -------------------------------------------------------------------------------------- retrying

    async def retry_failed(self) -> Batch:
        """Ask once more, with the same limits, what failed; other results stay.

        Returns:
            This batch, which then has what came of it.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        return await self._job.anew().again(self.ledger)

    def retry_failed_sync(self) -> Batch:
        """`retry_failed()` for code that cannot await."""
        from finassist.batch.sync import answered

        return answered(self._job.anew(), self.ledger)

    # --------------------------------------------------------------------------------------- showing

    def __repr__(self) -> str:
        counts = self._counts()
        return f"<Batch {self.status}: {', '.join(f'{many:,} {name}' for name, many in counts.items() if many)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from finassist.apps.live.batch_progress import batch_html

        left = "" if self.status == "completed" else str(self.left)
        return {"text/plain": f"{self!r}\n{left}".strip(), "text/html": batch_html(self.status, self._counts(), left)}

    def _counts(self) -> dict[str, int]:
        completed, failed = (self._reader.count(where) for where in (_COMPLETED, _FAILED))
        return {"completed": completed, "failed": failed, "unasked": len(self) - completed - failed}

    def _notes(self) -> dict[str, Any]:
        return notes_of(self.ledger)


_CUT_OFF: Final = "Its process ended before it could. Make the same call again to go on."
