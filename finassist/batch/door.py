"""The methods of the workflow for many questions."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack, overload

from finassist.batch.intake import Questions
from finassist.core.errors import InvalidLimit
from finassist.core.portal import bridge
from finassist.runtime.context import HasRuntime, Runtime

if TYPE_CHECKING:
    from finassist.batch.batch import Batch
    from finassist.batch.budget import Budget
    from finassist.batch.chunks import Across
    from finassist.batch.estimate import Estimate
    from finassist.batch.job import Cluster, Job
    from finassist.batch.results import Result

CONCURRENCY: Final = 50
"""Questions asked at the same time, where nobody says how many."""

_MOST: Final = 10_000


class BatchOptions(TypedDict, total=False):
    """What `run_many` and `arun_many` can be told besides the questions."""

    concurrency: int | None
    budget: Budget | None
    live: bool | None
    ledger: str | Path | None
    resume: bool
    column: str | None
    client: Any


class ManyQuestions(HasRuntime):
    """The part of the workflow that asks many questions."""

    @overload
    async def arun_many(
        self,
        questions: Questions,
        *,
        stream: Literal[False] = False,
        estimate: Literal[False] = False,
        **options: Unpack[BatchOptions],
    ) -> Batch: ...

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

        Every question is answered as `arun()` would, in a conversation of its own. No more are asked at the same time,
        and no more are read ahead, than `concurrency` says. What came of each is written to a ledger before the next is
        asked: the same call, made again after whatever stopped it, goes on where it was. A question that fails, for
        whatever reason, is recorded as failed and does not concern the others. Identical questions are asked once, and
        what several need is fetched once. An iterator that waits keeps the loop waiting: give an async one.

        Args:
            questions: Any iterable or async iterable of texts, a Series, or a DataFrame with a column of them.
            stream: Whether to return an async iterator of results as they complete, which begins with those that a
                ledger has already, and ends with what is left unasked.
            estimate: Whether only to say what it will cost; nobody is asked.
            **options: `concurrency`, how many are asked at the same time (50 by default). `budget`, a `Budget` at which
                the batch stops. `live`, whether to show how far it is; by default in a notebook and in a terminal.
                `ledger`, the file to write to, or to read back where it is finished; by default one in the user's
                data folder. `resume`, whether to go on with a ledger that was begun. `column`, where a DataFrame has
                the questions (`"question"` by default). `client`, a `dask.distributed.Client`: the questions are asked
                by the workers of its cluster, `concurrency` of them at the same time by each. No key is sent: the
                workers read theirs from an environment of their own.

        Returns:
            A `Batch`; with `stream=True` an async iterator of `Result`; with `estimate=True` an `Estimate`.

        Raises:
            InputError: It is no collection of questions, the column is not there, or a limit is no limit.
            LedgerError: The ledger cannot be used; what was recorded is kept.
            ConfigurationError: The workflow cannot be built on a cluster, or Dask is not installed.
            ClusterError: The cluster went away, or its workers cannot answer; what was recorded is kept.
            QuestionsFailed: The iterator of questions ended with an error, and results are streamed. A `Batch` has what
                was asked until then, and says so in its `left`.
        """
        if estimate:
            return self._estimate(questions, options)
        job = self._job(questions, options)
        return _stream(job) if stream else job.run()

    @overload
    def run_many(
        self,
        questions: Questions,
        *,
        stream: Literal[False] = False,
        estimate: Literal[False] = False,
        **options: Unpack[BatchOptions],
    ) -> Batch: ...

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

        Takes, returns and raises what `arun_many` does; with `stream=True` it is an iterator. The batch as a whole runs
        on the private loop: agents are asked with `arun()` there, so that many can be waited for at once. Questions are
        read, results are handed on and progress is drawn on the calling thread.

        Raises:
            BridgeError: Called from inside a data provider.
        """
        from finassist.batch.sync import answered, streamed
        from finassist.providers.to_agno import wait_for

        bridge.check_caller()
        if estimate:
            return wait_for(lambda: self._estimate(questions, options), "run_many")
        job = self._job(questions, options)
        return streamed(job) if stream else answered(job)

    async def across(
        self,
        symbols: Questions,
        need: str,
        *,
        years: int | None = None,
        concurrency: int | None = None,
        live: bool | None = None,
        ledger: str | Path | None = None,
        client: Any = None,
    ) -> Batch:
        """Fetch one kind of figures of many companies: no model is asked, and nothing is derived or written.

        Args:
            symbols: Ticker symbols, in whatever `arun_many` takes.
            need: `"income_statement"`, `"balance_sheet"`, `"cash_flow"`, `"quote"`, `"history"` or `"profile"`.
            years: Fiscal years; by default as the settings say.
            concurrency: How many are fetched at the same time; 50 by default.
            live: Whether to show how far it is; by default in a notebook and in a terminal.
            ledger: The file to write to; by default one in the user's data folder.
            client: A `dask.distributed.Client`, by whose workers it is fetched, as with `arun_many`.

        Returns:
            A `Batch` whose questions are the symbols; `.facts` is what was asked for. What has no figures failed.

        Raises:
            InputError: There is no such need.
            LedgerError: The ledger cannot be used; what was recorded is kept.
            ConfigurationError: The provider cannot be built on a cluster, or Dask is not installed.
            ClusterError: The cluster went away, or its workers cannot answer; what was recorded is kept.
        """
        options: BatchOptions = {"concurrency": concurrency, "live": live, "ledger": ledger, "client": client}
        return await self._across(symbols, need, years, options)

    def run_across(
        self,
        symbols: Questions,
        need: str,
        *,
        years: int | None = None,
        concurrency: int | None = None,
        live: bool | None = None,
        ledger: str | Path | None = None,
        client: Any = None,
    ) -> Batch:
        """`across()` for code that cannot await."""
        from finassist.batch.sync import answered

        bridge.check_caller()
        options: BatchOptions = {"concurrency": concurrency, "live": live, "ledger": ledger, "client": client}
        return answered(self._across_job(symbols, need, years, options))

    # ------------------------------------------------------------------------------------- making jobs

    async def _across(self, symbols: Questions, need: str, years: int | None, options: BatchOptions) -> Batch:
        return await self._across_job(symbols, need, years, options).run()

    def _across_job(self, symbols: Questions, need: str, years: int | None, options: BatchOptions) -> Job:
        from finassist.batch.across import need_of

        wanted = need_of(need), _checked("years", years, self.runtime.settings.years, 10)
        return _job(self.runtime, symbols, options, wanted)

    def _job(self, questions: Questions, options: BatchOptions) -> Job:
        return _job(self.runtime, questions, options)

    async def _estimate(self, questions: Questions, options: BatchOptions) -> Estimate:
        from finassist.batch.estimate import estimator
        from finassist.batch.intake import Intake

        runtime = self.runtime
        intake = Intake(questions, options.get("column"), runtime.settings.max_question_length)
        return await estimator(runtime, _concurrency(options)).of(intake)


def _job(runtime: Runtime, questions: Questions, options: BatchOptions, across: Across | None = None) -> Job:
    from finassist.apps.live.batch_progress import open_display
    from finassist.batch.budget import Budget
    from finassist.batch.intake import Intake
    from finassist.batch.job import Job
    from finassist.batch.work import work_of

    concurrency, ledger, live = _concurrency(options), options.get("ledger"), options.get("live")
    live = {"on": True, "off": False}.get(runtime.live) if live is None else live
    work, cluster = work_of(runtime, across), _cluster(runtime, options.get("client"), across)
    return Job(
        work=work,
        intake=Intake(questions, options.get("column"), runtime.settings.max_question_length),
        concurrency=concurrency,
        budget=options.get("budget") or Budget(),
        ledger=Path(ledger).expanduser() if ledger is not None else None,
        resume=options.get("resume", True),
        live=live,
        display=open_display(live),
        cluster=cluster,
    )


def _cluster(runtime: Runtime, client: Any, across: Across | None) -> Cluster | None:
    if client is None:
        return None
    from finassist.batch.dask import DaskCluster

    return DaskCluster(client, runtime, across)


def _concurrency(options: BatchOptions) -> int:
    return _checked("concurrency", options.get("concurrency"), CONCURRENCY, _MOST)


def _checked(name: str, given: Any, usual: int, most: int) -> int:
    if given is None:
        return usual
    whole = isinstance(given, int) and not isinstance(given, bool)
    if not whole or not 1 <= given <= most or not math.isfinite(given):
        raise InvalidLimit(f"{name} is a whole number from 1 to {most:,}, not {given!r:.60}. Leave it out for {usual}.")
    return given


async def _stream(job: Job) -> AsyncGenerator[Result]:
    from finassist.batch.streaming import streamed

    async with aclosing(streamed(job)) as results:
        async for result in results:
            yield result
