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
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from agno.models.openai import OpenAIChat
from pydantic import SecretStr
from yarl import URL

from finassist import EmbeddedProvider, FallbackProvider, FinancialAssistantWorkflow, OfflineModel, Settings
from finassist.batch.asking import Across, Work
from finassist.batch.budget import Budget
from finassist.core.errors import ClusterError, ConfigurationError, MissingExtra
from tests.benchmarks.victim import symbols
from tests.cluster import FOLDER, Notes, register, set_variable
from tests.worlds import ScriptedProvider, World

CANARY = "sk-canary-7f3a9c51e2"
COUNTED = ["calls", "latency", "attempts"]
dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")

from finassist.batch.dask import Recipe  # noqa: E402


def asked_about(names: list[str]) -> list[str]:
    return [f"Income statement of ${name}" for name in names]


def recipe(across: Across | None = None, workers: int = 1, **options: Any) -> Recipe:
    return Recipe.of(Work(FinancialAssistantWorkflow(db=None, **options).runtime, across), workers)


# ------------------------------------------------------------------------------------------------- recipes


def test_a_recipe_builds_the_same_workflow_without_its_keys(monkeypatch) -> None:
    keys = Settings(fmp_api_key=CANARY, openai_api_key=CANARY, years=3, per_minute=100, home="elsewhere")
    made = recipe(workers=4, provider="fmp", model="openai:gpt-test", routing="rules", settings=keys)
    assert CANARY.encode() not in pickle.dumps(made)
    with pytest.raises(ConfigurationError, match=r"OPENAI_API_KEY is not set.*never sent"):
        made.build()
    monkeypatch.setenv("FMP_API_KEY", "of-the-worker")
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-worker")
    monkeypatch.setenv("FINASSIST_YEARS", "9")
    there = made.build().runtime
    assert (there.model.id, there.model.api_key) == ("gpt-test", "of-the-worker")
    assert (there.provider.id, there.settings.key("fmp")) == ("fmp", "of-the-worker")
    assert (there.settings.years, there.settings.per_minute, there.routing) == (3, 25, "rules")
    assert there.settings.home == Settings().home


def test_auto_is_what_it_is_here(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("FMP_API_KEY", CANARY)
    made = recipe()
    assert made.build().runtime.provider.id == "fmp"
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("FMP_API_KEY")
    with pytest.raises(ConfigurationError, match=r"would answer with .* embedded, and the batch with .* fmp"):
        made.build()
    assert recipe().build().runtime.provider.id == "embedded"


def test_an_object_is_refused_because_it_cannot_be_built_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"A ScriptedProvider object .* Pass a name.*register_provider"):
        recipe(provider=ScriptedProvider(World(), 0))
    with pytest.raises(ConfigurationError, match="A OpenAIChat object cannot be sent"):
        recipe(provider="embedded", model=["offline", OpenAIChat(id="gpt-test", api_key=CANARY)])


class Text(str):
    """A text with attributes."""


class Slotted:
    __slots__ = ("token",)


def carrying(kind: str) -> Any:
    """Something that holds the canary in one of the ways in which users' objects hold secrets."""
    slotted = Slotted()
    slotted.token = CANARY
    return {
        "text": CANARY, "bytes": CANARY.encode(), "SecretStr": SecretStr(CANARY), "tuple": ("user", CANARY),
        "headers": {"Authorization": f"Bearer {CANARY}"}, "list of headers": [("X-Token", CANARY)],
        "user info": f"https://user:{CANARY}@host/v1", "query": f"https://host/v1?k={CANARY}",
        "URL": URL("https://host").with_user("user").with_password(CANARY), "nested": {"a": [{"b": {"c": CANARY}}]},
        "cookie": SimpleCookie({"session": CANARY}), "partial": partial(str, CANARY), "lambda": lambda: CANARY,
        "slots": slotted, "object": SimpleNamespace(inner=SimpleNamespace(pat=CANARY)),
        "text with attributes": named("x", token=CANARY), "base64": b64encode(CANARY.encode()),
    }[kind]  # fmt: skip


def named(name: str, **attributes: str) -> str:
    text = Text(name)
    vars(text).update(attributes)
    return text


KINDS = (
    "text", "bytes", "SecretStr", "tuple", "headers", "list of headers", "user info", "query", "URL", "nested",
    "cookie", "partial", "lambda", "slots", "object", "text with attributes", "base64",
)  # fmt: skip
NAMES = ("auth", "bearer", "pat", "api_key", "_x", "default_headers", "client_params", "url")


def test_nothing_that_carries_a_secret_is_sent() -> None:
    """Whatever it is called and however it is held: as an object, in a list, in a name, in a setting."""
    for kind in KINDS:
        provider, model = ScriptedProvider(World(), 0), OfflineModel()
        for name in NAMES:
            vars(provider)[name] = vars(model)[name] = carrying(kind)
        for options in (
            {"provider": provider}, {"provider": ["embedded", provider]},
            {"provider": FallbackProvider([EmbeddedProvider(), provider])},
            {"model": model}, {"model": ["offline", model]},
        ):  # fmt: skip
            with pytest.raises(ConfigurationError, match="object cannot be sent to a cluster"):
                recipe(**options)
            if "provider" in options:
                with pytest.raises(ConfigurationError, match="object cannot be sent to a cluster"):
                    recipe(("income", 3), **options)
    for options in (
        {"provider": named("embedded", pat=CANARY)}, {"provider": [named("embedded", pat=CANARY), "embedded"]},
        {"model": named("offline", bearer=CANARY)}, {"routing": named("rules", auth=CANARY)},
    ):  # fmt: skip
        assert CANARY.encode() not in pickle.dumps(recipe(**options))
    for address in (f"http://user:{CANARY}@host/v1", f"m?k={CANARY}"):
        with pytest.raises(ConfigurationError, match="An address in a name could hold a key"):
            recipe(model=f"openai:{address}", settings=Settings(openai_api_key="k"))
        with pytest.raises(ConfigurationError, match="An address in the setting 'model_prices'"):
            recipe(settings=Settings(model_prices={"m": {"input": 1, "output": 1, "source": address}}))
    assert recipe(settings=Settings(model_prices={"m": {"input": 1, "output": 1, "source": "https://host/prices"}}))


def test_across_companies_the_workers_need_neither_the_model_nor_its_key() -> None:
    keys = Settings(openai_api_key=CANARY, fmp_api_key=CANARY)
    model = OpenAIChat(id="gpt-test", api_key=CANARY)
    made = recipe(("income", 3), model=model, provider="fmp", settings=keys)
    assert (made.model, made.provider, made.across) == (("offline",), ("fmp",), ("income", 3))


def test_agents_of_a_user_are_not_left_out_silently() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    workflow.chat_agent.instructions = ["Speak like a pirate."]
    with pytest.raises(ConfigurationError, match="builds its own agents"):
        Recipe.of(Work(workflow.runtime))


def test_another_version_on_the_workers_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"begun with 0\.0\.1.*same version"):
        replace(recipe(), version="0.0.1").build()


def test_without_dask_or_without_a_client_nothing_is_asked(monkeypatch) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    with pytest.raises(ConfigurationError, match=r"client= is a `dask\.distributed\.Client`, not str"):
        workflow.run_many(["$AAPL price"], client="tcp://somewhere:8786")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"pip install 'finassist\[dask\]'"):
        workflow.run_many(["$AAPL price"], client=object())


# ------------------------------------------------------------------------------------------ a real cluster


@contextmanager
def nothing_left() -> Iterator[None]:
    """No process and no thread of the cluster is left."""
    before, children = set(threading.enumerate()), set(multiprocessing.active_children())
    yield
    ours = ("finassist", "Dask-Callback-Thread", "asyncio_", "Dask-Offload", "Profile")  # kept for the next one
    until(lambda: not set(multiprocessing.active_children()) - children)
    until(lambda: not [each for each in set(threading.enumerate()) - before if not each.name.startswith(ours)])


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it did not happen: {multiprocessing.active_children()}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Any]:
    register()
    made = tmp_path_factory.mktemp("cluster")
    before = os.environ.get(FOLDER)
    os.environ[FOLDER] = str(made)
    yield made
    set_variable(FOLDER, before)


@contextmanager
def two_workers() -> Iterator[Any]:
    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": 0}
    options |= {"dashboard_address": "127.0.0.1:0", "processes": True, "preload": ["tests.cluster"]}
    given_up = {
        "distributed.scheduler.allowed-failures": 1,  # each new process loads for seconds
        "distributed.deploy.lost-worker-timeout": "10 minutes",  # a busy machine needs more than the usual 15 seconds
    }
    with dask.config.set(given_up), nothing_left(), distributed.LocalCluster(**options) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(folder) -> Iterator[Any]:
    with two_workers() as made:
        yield made


@pytest.fixture
def client(cluster) -> Iterator[Any]:
    with distributed.Client(cluster) as made:
        made.wait_for_workers(2, timeout=600)
        yield made


@pytest.fixture
def notes(folder) -> Notes:
    made = Notes(folder)
    made.turn()
    return made


def build(**options: Any) -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=None, routing="rules", provider="noted", **options)


def same(one: Any, other: Any) -> None:
    pd.testing.assert_frame_equal(one.frame.drop(columns=COUNTED), other.frame.drop(columns=COUNTED))
    pd.testing.assert_frame_equal(one.facts, other.facts)


@pytest.mark.slow
def test_the_frame_is_the_same_as_here(client, tmp_path) -> None:
    kinds = ("price", "income statement", "report", "full report of $KO and $PEP", "", "What is a dividend?")
    questions = [f"${symbol} {kind}" if kind else "" for symbol in ("AAPL", "MSFT", "ZZZZ") for kind in kinds]
    workflow = FinancialAssistantWorkflow(db=None, routing="rules", provider="embedded", model="offline")
    here = workflow.run_many(questions, ledger=tmp_path / "here.db")
    same(workflow.run_many(questions, ledger=tmp_path / "there.db", client=client), here)
    results = list(workflow.run_many(questions, ledger=tmp_path / "stream.db", client=client, stream=True))
    assert sorted(result.ordinal for result in results) == list(range(len(questions)))
    assert {each.answer.content for each in results if each.answer} == {answer.content for answer in here.answers()}
    names = ["AAPL", "$msft", "F", "QQZZX", "not a ticker", *symbols(60)]
    figures = workflow.across(names, "income_statement", years=2, ledger=tmp_path / "across.db")
    assert figures.facts["symbol"].nunique() > 2
    same(workflow.across(names, "income", years=2, ledger=tmp_path / "across there.db", client=client), figures)

    async def awaited() -> None:
        same(await workflow.arun_many(questions, ledger=tmp_path / "async.db", client=client), here)
        async with distributed.Client(client.scheduler.address, asynchronous=True) as own:
            same(await workflow.arun_many(questions, ledger=tmp_path / "own.db", client=own), here)
            again = await asyncio.to_thread(workflow.run_many, questions, ledger=tmp_path / "thread.db", client=own)
            same(again, here)

    asyncio.run(awaited())


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(client, tmp_path, notes) -> None:
    notes.turn(delay=0.1)
    names, workflow = symbols(240), build()
    results = workflow.run_many(asked_about(names), ledger=tmp_path / "b.db", client=client, concurrency=8, stream=True)
    found = [next(results)]
    os.kill(notes.of("asked")[-1][1], signal.SIGKILL)
    found += results
    assert sorted(result.ordinal for result in found) == list(range(240))
    assert {result.status for result in found} == {"completed"}
    asked = notes.of("asked")
    assert {name for name, _ in asked} == set(names)
    assert len({process for _, process in asked}) >= 2
    notes.turn()
    here = workflow.run_many(asked_about(names), ledger=tmp_path / "here.db")
    same(workflow.run_many(asked_about(names), ledger=tmp_path / "b.db"), here)


@contextmanager
def whoever_asks_is_killed(name: str, cluster: Any, notes: Notes) -> Iterator[None]:
    """Kill each worker that asks about a symbol, once Dask knows that it runs: before, it is not replaced."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.02):
            running = {nanny.pid for nanny in cluster.workers.values() if nanny.status.name == "running"}
            for process in {process for asked, process in notes.of("asked") if asked == name} & running:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()


@pytest.mark.slow
def test_a_question_that_kills_workers_fails_alone(tmp_path, notes) -> None:
    names = symbols(20)
    notes.turn(stall=names[7])
    with (
        two_workers() as cluster,  # no worker was lost before
        distributed.Client(cluster) as client,
        whoever_asks_is_killed(names[7], cluster, notes),
    ):
        batch = build().run_many(asked_about(names), ledger=tmp_path / "b.db", client=client)
    assert batch.failures["error"].tolist() == ["WorkerLost"]
    assert batch.failures["ordinal"].tolist() == [7]
    assert batch.frame["status"].eq("completed").sum() == 19
    killed = [process for name, process in notes.of("asked") if name == names[7]]
    assert len(killed) == len(set(killed)) <= 4, "twice with its chunk, and twice alone"


@pytest.mark.slow
def test_workers_that_do_not_come_back_end_the_batch_with_a_sentence(tmp_path, notes, monkeypatch) -> None:
    monkeypatch.setattr("finassist.batch.dask._COUNT_SECONDS", 0.02)
    notes.turn(stall="all")
    workflow, questions = build(), asked_about(symbols(20))

    async def scene(cluster: Any, client: Any) -> None:
        task = asyncio.create_task(workflow.arun_many(questions, ledger=tmp_path / "b.db", client=client))
        while not notes.of("asked") and not task.done():
            await asyncio.sleep(0.02)
        await asyncio.to_thread(cluster.scale, 0)
        with pytest.raises(ClusterError, match="no workers for five minutes"):
            await task

    with two_workers() as cluster, distributed.Client(cluster) as client:
        asyncio.run(scene(cluster, client))
    notes.turn()
    assert workflow.run_many(questions, ledger=tmp_path / "b.db").frame["status"].eq("completed").all()


@pytest.mark.slow
def test_cancelled_it_stops_on_the_workers_and_goes_on_later(client, tmp_path, notes) -> None:
    notes.turn(stall="all")
    workflow, questions = build(), asked_about(symbols(20))

    async def scene() -> None:
        task = asyncio.create_task(workflow.arun_many(questions, ledger=tmp_path / "b.db", client=client))
        while len(notes.of("asked")) < 10 and not task.done():
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
    until(lambda: len(notes.of("cancelled")) == len(notes.of("asked")), 10)
    until(lambda: not client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks)), 10)
    notes.turn()
    batch = workflow.run_many(questions, ledger=tmp_path / "b.db", client=client)
    assert batch.frame["status"].eq("completed").all()


def everything_on_the_scheduler(dask_scheduler: Any) -> bytes:
    """What a dashboard could show of the tasks: their names, what they are called with, and the events."""
    import pickle

    tasks = [(repr(task), str(task.key), pickle.dumps(task.run_spec)) for task in dask_scheduler.tasks.values()]
    events = repr(list(dask_scheduler.get_events().items()))
    return pickle.dumps((tasks, events, list(dask_scheduler.extensions["events"]._events)))


@pytest.mark.slow
def test_no_key_reaches_the_cluster(client, tmp_path, notes) -> None:
    notes.turn(stall="all")
    workflow = build(model="openai:gpt-test", settings=Settings(openai_api_key=CANARY, fmp_api_key=CANARY))
    with pytest.raises(ClusterError, match=r"OPENAI_API_KEY is not set.*environment of its workers"):
        workflow.run_many(["$AAPL price"], ledger=tmp_path / "refused.db", client=client)
    client.run(set_variable, "OPENAI_API_KEY", "of-the-worker")

    async def scene() -> bytes:
        task = asyncio.create_task(workflow.arun_many(asked_about(["AAPL"]), ledger=tmp_path / "b.db", client=client))
        while not notes.of("asked") and not task.done():
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
        assert CANARY not in repr((client.get_worker_logs(), client.get_scheduler_logs()))
        held = client.submit(len, CANARY)  # the test of the test
        until(lambda: CANARY.encode() in client.run_on_scheduler(everything_on_the_scheduler))
        held.release()
    finally:
        client.run(set_variable, "OPENAI_API_KEY", None)


@pytest.mark.slow
def test_a_budget_stops_it_within_the_documented_overshoot_and_the_same_call_goes_on(client, tmp_path, notes) -> None:
    questions, workflow = asked_about(symbols(80)), build()
    batch = workflow.run_many(questions, ledger=tmp_path / "b.db", client=client, budget=Budget(calls=5))
    assert batch.status == "stopped"
    assert "5 data calls" in batch.left.reason
    assert 5 <= len(notes.of("asked")) <= 4 * 5, "four chunks under way, each within what was left when it began"
    assert len(batch) == 80
    batch = workflow.run_many(questions, ledger=tmp_path / "b.db", client=client)
    assert batch.frame["status"].eq("completed").all()


@pytest.mark.slow
def test_a_client_that_is_closed_midway_is_said_and_the_same_call_goes_on_here(cluster, tmp_path, notes) -> None:
    notes.turn(stall="all")
    questions, workflow = asked_about(symbols(3)), build()

    async def scene() -> None:
        client = distributed.Client(cluster)
        task = asyncio.create_task(workflow.arun_many(questions, ledger=tmp_path / "b.db", client=client))
        while len(notes.of("asked")) < 2 and not task.done():
            await asyncio.sleep(0.02)
        await asyncio.to_thread(client.close)
        with pytest.raises(ClusterError, match=r"is lost.*same call to resume"):
            await task

    asyncio.run(scene())
    notes.turn()
    batch = workflow.run_many(questions, ledger=tmp_path / "b.db")
    assert batch.frame["status"].eq("completed").all()
