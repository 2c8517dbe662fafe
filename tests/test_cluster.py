"""A batch on a cluster: the same frame, nothing lost with a worker, no key on the way, nothing left running."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pytest
from agno.models.openai import OpenAIChat
from hypothesis import given, settings
from hypothesis import strategies as st

from finassist import FinancialAssistantWorkflow, Settings
from finassist.batch.budget import Budget, Spending
from finassist.batch.chunks import Order, Reply, spending_of
from finassist.batch.dispatch import Dispatcher, Plan
from finassist.batch.purse import Purse
from finassist.batch.recipe import Pickler, built, recipe_of
from finassist.batch.results import Outcome
from finassist.batch.sharing import Sharing
from finassist.batch.station import Station
from finassist.batch.work import work_of
from finassist.core.errors import ClusterError, ConfigurationError, MissingExtra
from tests.benchmarks.victim import symbols
from tests.cluster import KeyHolder, NotedSource, set_variable
from tests.worlds import ScriptedProvider, World

CANARY = "sk-canary-7f3a9c51e2"
PICKLER = Pickler(pickle.dumps, pickle.loads)
COUNTED = ["calls", "latency", "attempts"]


def build(**options: Any) -> FinancialAssistantWorkflow:
    options.setdefault("provider", ScriptedProvider(World(), 0))
    return FinancialAssistantWorkflow(db=None, routing="rules", **options)


def asked_about(names: list[str]) -> list[str]:
    return [f"Income statement of ${name}" for name in names]


# --------------------------------------------------------------------------------------- chunks and pieces


class Processes:
    """A cluster in this process; a chunk with a poisonous question never comes back."""

    def __init__(self, workflow: FinancialAssistantWorkflow, poison: set[str], concurrency: int) -> None:
        work = work_of(workflow)
        self.station = Station(work, Sharing(work.provider), asyncio.Semaphore(concurrency))
        self.poison, self.chunks = poison, list[list[str]]()

    async def ask(self, order: Order) -> Reply:
        self.chunks.append(order["texts"])
        if self.poison & set(order["texts"]):
            return {"lost": True}
        return await self.station.ask(pickle.loads(pickle.dumps(order)), spending_of(order), lambda _: None)


async def dispatched(
    processes: Processes, texts: list[str], budget: Budget | None = None, **plan: Any
) -> list[Outcome]:
    options = {"recipe": {}, "workers": 2, "concurrency": 4, "total": len(texts), "patience": 30.0, **plan}
    made = Plan(**options)
    dispatcher = Dispatcher(processes, made, Purse(Spending(budget or Budget()), made.window))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(dispatcher.ask(text)) for text in texts]
    await dispatcher.close()
    return [task.result() for task in tasks]


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 60), poisonous=st.sets(st.integers(0, 59), max_size=3))
def test_whatever_ends_its_worker_fails_and_everything_else_is_answered_once(count: int, poisonous: set[int]) -> None:
    texts = asked_about(symbols(count))
    poison = {texts[place] for place in poisonous if place < count}

    async def scene() -> None:
        processes = Processes(build(), poison, 4)
        outcomes = await dispatched(processes, texts)
        for text, outcome in zip(texts, outcomes, strict=True):
            assert outcome.error == ("WorkerLost" if text in poison else None)
        asked = Counter(text for chunk in processes.chunks if not poison & set(chunk) for text in chunk)
        assert asked == Counter(set(texts) - poison)
        ended = sum(bool(poison & set(chunk)) for chunk in processes.chunks)
        assert ended <= 5 * len(poison), "cut into eighths, sixty questions are alone after two cuts"

    asyncio.run(scene())


def test_a_question_that_does_not_come_to_an_end_fails_and_keeps_nobody_waiting(run_async, tmp_path) -> None:
    class Stuck(ScriptedProvider):
        async def _act(self, need: str, symbol: str, fine: Any) -> Any:
            if symbol == "AAPL":
                await asyncio.Event().wait()
            return await super()._act(need, symbol, fine)

    texts = asked_about(["AAPL", "MSFT", "NVDA"])
    processes = Processes(build(provider=Stuck(World(), 0)), set(), 4)
    outcomes = run_async(dispatched(processes, texts, workers=1, total=None, patience=0.1))
    assert [outcome.error for outcome in outcomes] == ["WorkerLost", None, None]


@settings(max_examples=25, deadline=None)
@given(calls=st.integers(0, 40), count=st.integers(1, 30), workers=st.integers(1, 4))
def test_shares_of_a_budget_stay_within_it_and_use_it_up(calls: int, count: int, workers: int) -> None:
    texts = asked_about(symbols(count))

    async def scene() -> None:
        provider = ScriptedProvider(World(), 0)
        processes = Processes(build(provider=provider), set(), 2)
        outcomes = await dispatched(processes, texts, Budget(calls=calls), concurrency=2, workers=workers)
        assert len(provider.asked) <= calls
        unasked = [outcome for outcome in outcomes if outcome.unasked]
        per_question = len(set(provider.asked)) / max(1, count - len(unasked))
        if unasked:
            assert len(provider.asked) == calls, f"{per_question} calls a question, and some are left"
            assert f"{calls:,} data calls is used up" in str(unasked[0].message)
        else:
            assert all(outcome.packed for outcome in outcomes)

    asyncio.run(scene())


# ------------------------------------------------------------------------------------------------- recipes


def test_a_recipe_builds_the_same_workflow_without_its_keys(monkeypatch) -> None:
    here = build(
        provider="fmp",
        model=OpenAIChat(id="gpt-test", api_key=CANARY, temperature=0.25),
        settings=Settings(fmp_api_key=CANARY, openai_api_key=CANARY, years=3, per_minute=100, home="elsewhere"),
    )
    recipe = recipe_of(here, 4, PICKLER)
    assert CANARY not in repr(recipe)
    with pytest.raises(ConfigurationError, match=r"FMP_API_KEY and OPENAI_API_KEY are not set there.*never sent"):
        built(recipe, PICKLER)
    monkeypatch.setenv("FMP_API_KEY", "of-the-worker")
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-worker")
    monkeypatch.setenv("FINASSIST_YEARS", "9")
    there = built(recipe, PICKLER)
    assert (there.model.id, there.model.temperature, there.model.api_key) == ("gpt-test", 0.25, "of-the-worker")
    assert (there.provider.id, there.settings.key("fmp")) == ("fmp", "of-the-worker")
    assert (there.settings.years, there.settings.per_minute, there.routing) == (3, 25, "rules")
    assert there.settings.home == Settings().home


def test_across_companies_the_workers_need_neither_the_model_nor_its_key() -> None:
    class Mine(FinancialAssistantWorkflow):
        pass

    model = OpenAIChat(id="gpt-test", api_key=CANARY)
    keys = Settings(openai_api_key=CANARY, fmp_api_key=CANARY)
    here = Mine(db=None, model=model, provider="fmp", settings=keys)
    recipe = recipe_of(here, 1, PICKLER, ("income", 3))
    assert (recipe["model"], recipe["keys"], recipe["across"]) == (["offline"], ["fmp_api_key"], ("income", 3))
    assert CANARY not in repr(recipe)


def test_auto_is_what_it_is_here(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("FMP_API_KEY", CANARY)
    recipe = recipe_of(FinancialAssistantWorkflow(db=None), 1, PICKLER)
    assert recipe["provider"] == ["fmp"]
    assert str(recipe["model"][0]).startswith("openai:")
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("FMP_API_KEY")
    with pytest.raises(ConfigurationError, match="not set there"):
        built(recipe, PICKLER)
    plain = recipe_of(FinancialAssistantWorkflow(db=None), 1, PICKLER)
    assert (plain["model"], plain["provider"], plain["keys"]) == (["offline"], ["embedded"], [])


def test_what_would_take_a_key_along_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"KeyHolder would take a key.*'api_key'.*__reduce__"):
        recipe_of(build(provider=KeyHolder("some key nobody knows")), 1, PICKLER)
    known = ScriptedProvider(World(sources={CANARY: "fine"}))
    with pytest.raises(ConfigurationError, match="one of the settings"):
        recipe_of(build(provider=known, settings=Settings(fmp_api_key=CANARY)), 1, PICKLER)
    named = build(provider="fmp", settings=Settings(fmp_api_key=CANARY)).provider
    with pytest.raises(ConfigurationError, match=r"never pickled.*Name it instead"):
        recipe_of(build(provider=named), 1, PICKLER)
    recipe_of(build(provider=KeyHolder(None)), 1, PICKLER)


def test_agents_of_somebody_else_are_not_left_out_silently() -> None:
    class Mine(FinancialAssistantWorkflow):
        pass

    with pytest.raises(ConfigurationError, match="builds its own agents"):
        recipe_of(Mine(db=None), 1, PICKLER)


def test_another_version_on_the_workers_is_said() -> None:
    recipe = recipe_of(build(), 1, PICKLER)
    recipe["version"] = "0.0.1"
    with pytest.raises(ConfigurationError, match=r"begun with 0\.0\.1.*same version"):
        built(recipe, PICKLER)


def test_without_dask_it_is_said_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"pip install 'finassist\[dask\]'"):
        build().run_many(["$AAPL price"], client=object())


def test_no_client_is_said() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ConfigurationError, match=r"client= is a `dask\.distributed\.Client`, not str"):
        build().run_many(["$AAPL price"], client="tcp://somewhere:8786")


# ------------------------------------------------------------------------------------------ a real cluster


@contextmanager
def nothing_left() -> Iterator[None]:
    """No process and no thread of the cluster is left."""
    before = set(threading.enumerate())
    yield
    ours = ("finassist", "Dask-Callback-Thread", "asyncio_", "Dask-Offload", "Profile")  # kept for the next one
    until(lambda: not multiprocessing.active_children())
    until(lambda: not [each for each in set(threading.enumerate()) - before if not each.name.startswith(ours)])


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it did not happen: processes {multiprocessing.active_children()}, " + str(
            threading.enumerate()
        )
        time.sleep(0.02)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with (
        nothing_left(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
        ) as made,
    ):
        yield made


@pytest.fixture
def client(cluster) -> Iterator[Any]:
    import distributed

    with distributed.Client(cluster) as made:
        made.wait_for_workers(2, timeout=120)
        yield made


def same(one: Any, other: Any) -> None:
    pd.testing.assert_frame_equal(one.frame.drop(columns=COUNTED), other.frame.drop(columns=COUNTED))
    pd.testing.assert_frame_equal(one.facts, other.facts)


@pytest.mark.slow
def test_the_frame_is_the_same_as_here(client, tmp_path) -> None:
    kinds = ("price", "income statement", "report", "full report of $KO and $PEP", "", "What is a dividend?")
    questions = [f"${symbol} {kind}" if kind else "" for symbol in ("AAPL", "MSFT", "ZZZZ") for kind in kinds]
    workflow = FinancialAssistantWorkflow(db=None, routing="rules", provider="embedded", model="offline")
    here = workflow.run_many(questions, ledger=tmp_path / "here.db")
    there = workflow.run_many(questions, ledger=tmp_path / "there.db", client=client)
    same(there, here)
    told = list(workflow.run_many(questions, ledger=tmp_path / "told.db", client=client, stream=True))
    assert sorted(result.ordinal for result in told) == list(range(len(questions)))
    assert {result.answer.content for result in told if result.answer} == {a.content for a in here.answers()}

    async def awaited() -> None:
        import distributed

        same(await workflow.arun_many(questions, ledger=tmp_path / "sync.db", client=client), here)
        async with distributed.Client(client.scheduler.address, asynchronous=True) as own:
            same(await workflow.arun_many(questions, ledger=tmp_path / "own.db", client=own), here)
            with pytest.raises(ConfigurationError, match="another event loop"):
                await asyncio.to_thread(workflow.run_many, questions, ledger=tmp_path / "none.db", client=own)

    asyncio.run(awaited())


@pytest.mark.slow
def test_across_companies_the_frame_is_the_same_as_here(client, tmp_path) -> None:
    names = ["AAPL", "$msft", "F", "QQZZX", "not a ticker", *symbols(60)]
    model = OpenAIChat(id="gpt-test", api_key=CANARY)  # not asked, and the workers have no key
    workflow = FinancialAssistantWorkflow(db=None, provider="embedded", model=model)
    here = workflow.run_across(names, "income_statement", years=2, ledger=tmp_path / "here.db")
    assert here.facts["symbol"].nunique() > 2
    assert here.facts["period"].nunique() > 1
    there = workflow.run_across(names, "income_statement", years=2, ledger=tmp_path / "there.db", client=client)
    same(there, here)
    same(asyncio.run(workflow.across(names, "income", years=2, ledger=tmp_path / "a.db", client=client)), here)

    source = NotedSource(tmp_path / "notes")
    batch = build(provider=source).run_across(symbols(60), "quote", ledger=tmp_path / "noted.db", client=client)
    assert batch.frame["status"].eq("completed").all()
    assert len(source.noted("asked")) == 60
    assert os.getpid() not in {process for _, process in source.noted("asked")}


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(client, tmp_path) -> None:
    source = NotedSource(tmp_path / "notes", delay=0.1)
    names = symbols(240)
    workflow = build(provider=source)
    results = workflow.run_many(asked_about(names), ledger=tmp_path / "b.db", client=client, concurrency=4, stream=True)
    found = [next(results)]
    victim = source.noted("asked")[-1][1]
    os.kill(victim, signal.SIGKILL)
    found += results
    assert sorted(result.ordinal for result in found) == list(range(240))
    assert {result.status for result in found} == {"completed"}
    asked = Counter(name for name, _ in source.noted("asked"))
    assert set(asked) == set(names)
    assert len({process for _, process in source.noted("asked")}) >= 2
    batch = workflow.run_many(asked_about(names), ledger=tmp_path / "b.db")
    same(batch, build(provider=ScriptedProvider(World(), 0)).run_many(asked_about(names), ledger=tmp_path / "c.db"))


@pytest.mark.slow
def test_a_question_that_kills_workers_fails_alone(client, tmp_path) -> None:
    names = symbols(60)
    source = NotedSource(tmp_path / "notes", poison=names[20])
    batch = build(provider=source).run_many(asked_about(names), ledger=tmp_path / "b.db", client=client)
    assert batch.failures["error"].tolist() == ["WorkerLost"]
    assert batch.failures["ordinal"].tolist() == [20]
    assert batch.frame["status"].eq("completed").sum() == 59
    killed = [process for name, process in source.noted("asked") if name == names[20]]
    assert len(killed) == len(set(killed)) <= 5


@pytest.mark.slow
def test_cancelled_it_stops_on_the_workers_at_once(client, tmp_path) -> None:
    source = NotedSource(tmp_path / "notes", stall=True)
    workflow = build(provider=source)

    async def scene() -> None:
        questions = asked_about(symbols(20))
        task = asyncio.create_task(workflow.arun_many(questions, ledger=tmp_path / "b.db", client=client))
        while len(source.noted("asked")) < 20 and not task.done():
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
    until(lambda: len(source.noted("cancelled")) == 20, 10)
    until(lambda: not client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks)), 10)
    batch = build(provider=NotedSource(tmp_path / "more")).run_many(
        asked_about(symbols(20)), ledger=tmp_path / "b.db", client=client
    )
    assert batch.frame["status"].eq("completed").all()


def everything_on_the_scheduler(dask_scheduler: Any) -> bytes:
    """What a dashboard could show of the tasks: their names, what they are called with, and the events."""
    import pickle

    tasks = [(repr(task), str(task.key), pickle.dumps(task.run_spec)) for task in dask_scheduler.tasks.values()]
    events = repr(list(dask_scheduler.get_events().items()))
    return pickle.dumps((tasks, events, list(dask_scheduler.extensions["events"]._events)))


@pytest.mark.slow
def test_no_key_reaches_the_cluster(client, tmp_path) -> None:
    source = NotedSource(tmp_path / "notes", stall=True)
    keys = Settings(openai_api_key=CANARY, fmp_api_key=CANARY)
    workflow = build(provider=source, model=OpenAIChat(id="gpt-test", api_key=CANARY), settings=keys)
    with pytest.raises(ClusterError, match=r"OPENAI_API_KEY is not set there.*environment of its workers"):
        workflow.run_many(["$AAPL price"], ledger=tmp_path / "refused.db", client=client)
    client.run(set_variable, "OPENAI_API_KEY", "of-the-worker")

    async def scene() -> bytes:
        task = asyncio.create_task(workflow.arun_many(asked_about(["AAPL"]), ledger=tmp_path / "b.db", client=client))
        while not source.noted("asked") and not task.done():
            await asyncio.sleep(0.02)
        seen = await asyncio.to_thread(client.run_on_scheduler, everything_on_the_scheduler)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen

    try:
        seen = asyncio.run(scene())
        assert b"AAPL" in seen
        assert b"gpt-test" in seen
        assert CANARY.encode() not in seen
        logs = repr((client.get_worker_logs(), client.get_scheduler_logs()))
        assert CANARY not in logs
        held = client.submit(len, CANARY)  # the test of the test
        until(lambda: CANARY.encode() in client.run_on_scheduler(everything_on_the_scheduler))
        held.release()
    finally:
        client.run(set_variable, "OPENAI_API_KEY", None)


@pytest.mark.slow
def test_a_budget_stops_it_and_the_same_call_goes_on(client, tmp_path) -> None:
    source = NotedSource(tmp_path / "notes")
    questions = asked_about(symbols(40))
    workflow = build(provider=source)
    batch = workflow.run_many(questions, ledger=tmp_path / "b.db", client=client, budget=Budget(calls=15))
    assert batch.status == "stopped"
    assert "15 data calls" in batch.left.reason
    assert len(source.noted("asked")) <= 15
    assert len(batch) == 40
    batch = workflow.run_many(questions, ledger=tmp_path / "b.db", client=client)
    assert batch.frame["status"].eq("completed").all()


@pytest.mark.slow
def test_what_a_killed_worker_has_used_counts(client, tmp_path) -> None:
    names = symbols(20)
    poison = names[4]  # the last of its chunk: four questions before it are answered in vain
    source = NotedSource(tmp_path / "notes", delay=0.4, poison=poison)
    options = {"client": client, "concurrency": 1, "budget": Budget(calls=20)}
    batch = build(provider=source).run_many(asked_about(names), ledger=tmp_path / "b.db", **options)
    assert "20 data calls" in batch.left.reason
    # However long the worker takes to come back: were its calls forgotten, these four would be asked on top of 20.
    assert len([name for name, _ in source.noted("asked") if name != poison]) <= 20
    until(
        lambda: (
            not client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.extensions["variables"].variables))
        )
    )


@pytest.mark.slow
def test_a_client_that_is_closed_midway_is_said_and_the_same_call_goes_on_here(client, tmp_path) -> None:
    source = NotedSource(tmp_path / "notes", stall=True)
    questions = asked_about(symbols(3))

    async def scene() -> None:
        task = asyncio.create_task(build(provider=source).arun_many(questions, ledger=tmp_path / "b.db", client=client))
        while len(source.noted("asked")) < 3 and not task.done():
            await asyncio.sleep(0.02)
        await asyncio.to_thread(client.close)
        with pytest.raises(ClusterError, match=r"went away.*same call to go on"):
            await task

    asyncio.run(scene())
    until(lambda: len(source.noted("cancelled")) == 3, 30)
    batch = build(provider=NotedSource(tmp_path / "more")).run_many(questions, ledger=tmp_path / "b.db")
    assert batch.frame["status"].eq("completed").all()
