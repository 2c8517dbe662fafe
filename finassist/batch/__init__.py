"""Many questions at once: bounded, shared, within a budget, and recorded so that nothing is lost.

source.py     the questions, in whatever form they come
runner.py     one call: questions to outcomes in a ledger, and how far it is
asking.py     one question, through the same flow and agents as `arun()`; dask.py chunks of them on a cluster
budget.py     what a batch may use, has used and will use
ledger.py     writes the file of a batch; records.py finds and reads it
batch.py      what a batch returns, and its sync and streamed forms

This module has the methods of a workflow.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack, overload

from finassist.batch.source import Questions, QuestionSource
from finassist.core.concurrency import bridge
from finassist.core.errors import InvalidLimit
from finassist.core.text import check_keywords
from finassist.runtime.sources import ManySources

if TYPE_CHECKING:
    from finassist.batch.asking import Across
    from finassist.batch.batch import Batch
    from finassist.batch.budget import Budget, Estimate
    from finassist.batch.records import Result
    from finassist.batch.runner import Display, Runner

CONCURRENCY: Final = 50
"""Questions asked at the same time by default."""

_MOST: Final = 10_000


class _Options(TypedDict, total=False):
    concurrency: int | None
    live: bool | None
    ledger: str | Path | None
    client: Any


class AcrossOptions(_Options, total=False):
    """Options of `across` and `aacross`."""

    years: int | None


class BatchOptions(_Options, total=False):
    """Options of `run_many` and `arun_many`."""

    budget: Budget | None
    resume: bool
    column: str | None


class ManyQuestions(ManySources):
    """The part of a workflow that asks many questions."""

    def _open_display(self, live: bool | None) -> Display | None:
        """The display of a batch's progress; none, unless a workflow has one."""
        return None

    @overload
    async def arun_many(self, questions: Questions, **options: Unpack[BatchOptions]) -> Batch: ...

    @overload
    def arun_many(
        self, questions: Questions, *, stream: Literal[True], **options: Unpack[BatchOptions]
    ) -> AsyncIterator[Result]: ...

    @overload
    async def arun_many(
        self, questions: Questions, *, estimate: Literal[True], **options: Unpack[BatchOptions]
    ) -> Estimate: ...

    def arun_many(
        self, questions: Questions, *, stream: bool = False, estimate: bool = False, **options: Unpack[BatchOptions]
    ) -> Any:
        """Ask many questions on the running loop: `await` it, or with `stream=True` iterate with `async for`.

        Every question is answered as `arun()` would, in a conversation of its own; of several readings the first is
        taken (the largest company, the fiscal quarter), which the column `reading` says. No more are asked at once,
        and no more are read ahead, than `concurrency` says. Each outcome is written to a ledger before the next
        question is asked: the same call, rerun after any stop, resumes where it was. A question that fails is
        recorded as failed and does not affect the others. Identical questions are asked once, and what several need is
        fetched once. An iterator that blocks also blocks the loop: give an async one.

        Args:
            questions: Any iterable or async iterable of texts, a Series, or a DataFrame with a column of them. Among
                them may be `Query` objects, each asked as `query()` does; the column `question` has them as JSON.
            stream: Return an async iterator of results as they complete. It begins with those that the ledger has
                already, and ends with those that are left unasked.
            estimate: Return what the batch will cost; nothing is asked.
            **options: `concurrency`: how many questions are asked at the same time (50). `budget`: a `Budget` at which
                the batch stops. `live`: whether to show how far it is; by default in a notebook and in a terminal.
                `ledger`: the file to write to, or to read back where it is finished; by default one in the user's
                data folder. `resume`: whether to resume a ledger that was begun. `column`: the column of questions
                in a DataFrame (`"question"`). `client`: a `dask.distributed.Client`, whose workers ask the questions,
                each of them `concurrency` at the same time. No key is sent: workers read theirs from their own
                environment. See `Budget` for how limits count there.

        Returns:
            A `Batch`; with `stream=True` an async iterator of `Result`; with `estimate=True` an `Estimate`.

        Raises:
            InputError: It is no collection of questions, the column is not there, or a limit is no limit.
            LedgerError: The ledger cannot be used; recorded answers are safe.
            ConfigurationError: The workflow cannot be built on a cluster, or Dask is not installed.
            ClusterError: The cluster is lost, or its workers cannot answer; recorded answers are safe.
            QuestionsFailed: The iterator of questions raised an error, and results are streamed. A `Batch` has what
                was asked until then, and says so in its `left`.
        """
        check_keywords("arun_many()", options, _MANY)
        from finassist.batch import batch

        runner = self._runner(questions, options)
        if estimate:
            return runner.estimate()
        return batch.astream(runner) if stream else batch.abatch(runner)

    @overload
    def run_many(self, questions: Questions, **options: Unpack[BatchOptions]) -> Batch: ...

    @overload
    def run_many(
        self, questions: Questions, *, stream: Literal[True], **options: Unpack[BatchOptions]
    ) -> Iterator[Result]: ...

    @overload
    def run_many(
        self, questions: Questions, *, estimate: Literal[True], **options: Unpack[BatchOptions]
    ) -> Estimate: ...

    def run_many(
        self, questions: Questions, *, stream: bool = False, estimate: bool = False, **options: Unpack[BatchOptions]
    ) -> Batch | Iterator[Result] | Estimate:
        """`arun_many()` for code that cannot await: in a script, in a thread, in a notebook cell.

        Takes, returns and raises what `arun_many` does; with `stream=True` it is an iterator. The batch runs on the
        private loop; questions are read, results are handed on and progress is drawn on the calling thread.

        Raises:
            BridgeError: Called from inside a data provider.
        """
        from finassist.batch import batch
        from finassist.providers.to_agno import wait_for

        check_keywords("run_many()", options, _MANY)
        bridge.check_caller()
        runner = self._runner(questions, options)
        if estimate:
            return wait_for(runner.estimate, "run_many")
        return batch.stream(runner) if stream else batch.batch(runner)

    async def aacross(self, symbols: Questions, need: str, **options: Unpack[AcrossOptions]) -> Batch:
        """Fetch one kind of figures of many companies: no model is asked, and nothing is derived or written.

        Args:
            symbols: Ticker symbols, in any form that `arun_many` takes.
            need: `"income_statement"`, `"balance_sheet"`, `"cash_flow"`, `"quote"`, `"history"` or `"profile"`.
            **options: `years`: fiscal years, by default as the settings say. `concurrency`, `live`, `ledger` and
                `client`: as in `arun_many`.

        Returns:
            A `Batch` whose questions are the symbols, and whose `.facts` are the figures. A company without figures
            failed.

        Raises:
            InputError: There is no such need.
            LedgerError: The ledger cannot be used; recorded answers are safe.
            ConfigurationError: The provider cannot be built on a cluster, or Dask is not installed.
            ClusterError: The cluster is lost, or its workers cannot answer; recorded answers are safe.
        """
        from finassist.batch.batch import abatch

        return await abatch(self._across_runner("aacross", symbols, need, options))

    def across(self, symbols: Questions, need: str, **options: Unpack[AcrossOptions]) -> Batch:
        """The sync form of `aacross()`."""
        from finassist.batch.batch import batch

        bridge.check_caller()
        return batch(self._across_runner("across", symbols, need, options))

    def run_across(self, symbols: Questions, need: str, **options: Unpack[AcrossOptions]) -> Batch:
        """The old name of `across()`, for one version."""
        warnings.warn("run_across() is now across().", DeprecationWarning, stacklevel=2)
        return self.across(symbols, need, **options)

    # ---------------------------------------------------------------------------------- making runners

    def _across_runner(self, function: str, symbols: Questions, need: str, options: AcrossOptions) -> Runner:
        from finassist.batch.asking import need_named

        check_keywords(f"{function}()", options, [*AcrossOptions.__annotations__])
        years = _checked("years", options.pop("years", None), self.runtime.settings.years, 10)
        return self._runner(symbols, {**options}, (need_named(need), years))

    def _runner(self, questions: Questions, options: BatchOptions, across: Across | None = None) -> Runner:
        from finassist.batch.asking import Work
        from finassist.batch.budget import Budget
        from finassist.batch.runner import Runner

        work, ledger, client, live = Work(self.runtime, across), *map(options.get, ("ledger", "client", "live"))
        concurrency = _checked("concurrency", options.get("concurrency"), CONCURRENCY, _MOST)
        if client is not None:
            from finassist.batch.dask import check_client

            check_client(client, work)
        live = {"on": True, "off": False}.get(work.runtime.live) if live is None else live
        return Runner(
            work=work,
            source=QuestionSource(questions, options.get("column"), work.longest),
            concurrency=concurrency,
            budget=options.get("budget") or Budget(),
            ledger=Path(ledger).expanduser() if ledger is not None else None,
            resume=options.get("resume", True),
            client=client,
            open_display=lambda: self._open_display(live),
        )


_MANY: Final = ("stream", "estimate", *BatchOptions.__annotations__)


def _checked(name: str, given: Any, usual: int, most: int) -> int:
    if given is None:
        return usual
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= most:
        raise InvalidLimit(f"{name} is a whole number from 1 to {most:,}, not {given!r:.60}. Leave it out for {usual}.")
    return given
