"""What a batch returns: every question with its outcome, read from the ledger when it is looked at."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from finassist.batch.forms import run_sync
from finassist.batch.ledger_format import COMPLETED, FAILED, OPEN, count_rows, read_notes, read_rows
from finassist.batch.result import Result, read_results, read_text
from finassist.batch.runner import Runner
from finassist.reporting.html.sanitize import escape

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

_CUT_OFF: Final = "Its process ended before it could. Make the same call again to go on."


@dataclass(frozen=True, slots=True)
class Left:
    """What a batch that stopped did not ask.

    Attributes:
        questions: How many; `None` where the questions are an iterator that was not read to its end.
        reason: Why it stopped, and what to do next; `""` where nothing is left.
    """

    questions: int | None = 0
    reason: str = ""

    def __str__(self) -> str:
        if not self.reason:
            return "Nothing is left."
        many = "An unknown number of questions is" if self.questions is None else f"{self.questions:,} questions are"
        return f"{many} left. {self.reason}"


class Batch[A]:
    """The results of many questions. They are not held in memory: each look reads the ledger.

    Attributes:
        ledger: The file that has all of it. `arun_many(..., ledger=path)` reads it back.
        id: Id of the batch.

    Raises (every read):
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

    def __init__(self, ledger: Path, runner: Runner[A]) -> None:
        self.ledger = ledger
        self.id: str = str(read_notes(ledger).get("id", ""))
        self._runner = runner

    @property
    def status(self) -> Literal["completed", "stopped"]:
        """`"completed"` where every question is recorded, as completed or failed; else `"stopped"`: see `left`."""
        return "completed" if read_notes(self.ledger).get("status") == "completed" else "stopped"

    @property
    def left(self) -> Left:
        """How many questions are not asked, and why."""
        notes = read_notes(self.ledger)
        if notes.get("status") == "completed":
            return Left()
        total = cast("int | None", notes.get("total"))
        recorded = len(self) - count_rows(self.ledger, OPEN)
        return Left(None if total is None else total - recorded, str(notes.get("reason") or _CUT_OFF))

    # -------------------------------------------------------------------------------------- looking

    @property
    def frame(self) -> DataFrame:
        """One row a question, in the order given; see `finassist.reporting.frames.batch_frame` for the columns."""
        return self._frame("")

    @property
    def failures(self) -> DataFrame:
        """The rows of `frame` that failed, with the name of the error and what to do."""
        return self._frame(FAILED)

    def _frame(self, where: str) -> DataFrame:
        from finassist.reporting.frames import batch_frame

        rows = read_rows(self.ledger, where)
        return batch_frame({**row, "answer": read_text(row["content"]) if row["content"] else None} for row in rows)

    @property
    def facts(self) -> DataFrame:
        """The figures of all answers, one row each: `ordinal`, `question`, and the columns of `Answer.to_frame()`."""
        from finassist.reporting.frames import batch_facts_frame

        found = cast("Iterator[Result[Any]]", self.results(COMPLETED))
        return batch_facts_frame((each.ordinal, each.question, each.answer.facts) for each in found if each.answer)

    def answers(self) -> Iterator[A]:
        """Every answer, in the order of the questions, read one at a time. Their `input` is the question."""
        return (result.answer for result in self.results(COMPLETED) if result.answer)

    def results(self, where: str = "") -> Iterator[Result[A]]:
        """Every result, in the order of the questions, read one at a time."""
        return read_results(self.ledger, self.id, self._runner.make_answer, where)

    def __iter__(self) -> Iterator[Result[A]]:
        return self.results()

    def __len__(self) -> int:
        return count_rows(self.ledger)

    # -------------------------------------------------------------------------------------- retrying

    async def aretry_failed(self) -> Batch[A]:
        """Ask once more, with the same limits, what failed; other results stay.

        Returns:
            This batch, with the new outcomes.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        await self._runner.retrying(self.ledger).run()
        return self

    def retry_failed(self) -> Batch[A]:
        """`aretry_failed()` for code that cannot await."""
        run_sync(self._runner.retrying(self.ledger))
        return self

    def retry_failed_sync(self) -> Batch[A]:
        """The old name of `retry_failed()`."""
        warnings.warn("retry_failed_sync() is now retry_failed().", DeprecationWarning, stacklevel=2)
        return self.retry_failed()

    def __await__(self) -> Generator[Any, None, Batch[A]]:
        """For one version: `await workflow.across(…)` and `await batch.retry_failed()`, which are sync now."""
        warnings.warn(
            "across() and retry_failed() are sync now and need no await; use `await workflow.aacross(…)` and "
            "`await batch.aretry_failed()`, which do not block the loop.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self
        yield  # makes this a generator, as Python wants of `__await__`

    # --------------------------------------------------------------------------------------- showing

    def __repr__(self) -> str:
        return f"<Batch {self.status}: {', '.join(f'{many:,} {name}' for name, many in self._counts().items())}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        left = "" if self.status == "completed" else str(self.left)
        numbers = " · ".join(f"<strong>{many:,}</strong> {name}" for name, many in self._counts().items())
        note = f'<p style="margin:.4em 0 0">{escape(left)}</p>' if left else ""
        box = "border:1px solid var(--jp-border-color2, #bdbdbd);border-radius:4px;padding:.6em .8em;max-width:60em"
        html = (
            f'<div class="finassist-batch" style="{box}">Batch {self.status}: {numbers or "no questions"}{note}'
            "<br><small>.frame · .facts · .failures · .answers()</small></div>"
        )
        return {"text/plain": f"{self!r}\n{left}".strip(), "text/html": html}

    def _counts(self) -> dict[str, int]:
        completed, failed = (count_rows(self.ledger, where) for where in (COMPLETED, FAILED))
        counts = {"completed": completed, "failed": failed, "unasked": len(self) - completed - failed}
        return {name: many for name, many in counts.items() if many}
