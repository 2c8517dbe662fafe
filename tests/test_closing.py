"""The end of a workflow, of a loop and of a process: nothing stays open, and nothing is complained about."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow, FMPProvider, Settings
from finassist.core.concurrency import Bridge
from finassist.providers.to_agno import wait_for
from tests.fmp_server import KEY, fmp_server
from tests.model_server import ModelServer
from tests.servers import Server

QUESTION = "Tell me about the iPhone maker"

SCRIPT = """
import asyncio, logging, os, pathlib, sys
from finassist import FinancialAssistantWorkflow, FMPProvider, Settings
from finassist.providers.to_agno import wait_for
from finassist.llm import resolve_model

logging.getLogger("asyncio").setLevel(logging.ERROR)  # with -X dev it reports whatever takes a while
forms, fmp_url, model_url, end = sys.argv[1:]
settings = Settings(openai_api_key="sk-0123456789abcdefgh", summary_after=2, remembered_turns=1, cache=False)
workflow = FinancialAssistantWorkflow(
    settings=settings, routing="model", session_id="one", db=pathlib.Path("sessions.db"),
    provider=FMPProvider("key-0123456789", base_url=fmp_url, settings=settings),
    model=resolve_model("openai:mine", settings, base_url=model_url),
)

def ask(form):
    match form:
        case "run":
            return workflow.run(QUESTION)
        case "stream":
            return [*workflow.run(QUESTION, stream=True)][-1].run_output
        case "arun":
            return asyncio.run(workflow.arun(QUESTION))
        case "bridge":  # as a sync front of something async does
            return wait_for(lambda: workflow.arun(QUESTION), "ask")

async def async_with():
    async with workflow:
        return await workflow.arun(QUESTION)

QUESTION = "Tell me about the iPhone maker"
for form in forms.split(","):
    answer = ask(form)
    assert answer.facts and answer.models["router"] == "mine" and answer.saved, answer
if end == "close":
    workflow.close()
elif end == "with":
    with workflow:
        workflow.run(QUESTION)
elif end == "async with":
    asyncio.run(async_with())
print("done")
"""


@pytest.fixture
def source() -> Iterator[Server]:
    with fmp_server() as server:
        yield server


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def script(folder: Path, source: Server, model: ModelServer, forms: str, end: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPT, forms, source.url, model.url, end],
        capture_output=True, text=True, check=False, cwd=folder, timeout=600,
        env={**os.environ, "FINASSIST_HOME": str(folder)},
    )  # fmt: skip


# Each form of asking and each way to end, once.
CASES = [
    ("run,arun,bridge,run", ""),
    ("run", ""),
    ("arun,arun,run", "close"),
    ("stream,stream,stream", "with"),
    ("bridge,bridge,bridge", "async with"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("forms", "end"), CASES)
def test_a_script_ends_without_a_word(forms: str, end: str, source: Server, model: ModelServer, tmp_path: Path) -> None:
    done = script(tmp_path, source, model, forms, end)
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)


THREAD = """
import asyncio, threading
from finassist import EmbeddedProvider, FinancialAssistantWorkflow

class Slow(EmbeddedProvider):
    async def aget_quote(self, symbol):
        begun.set()
        await asyncio.sleep(0.3)
        return self.get_quote(symbol)

def ask():
    answer = workflow.run("Tell me about Apple")
    print(answer.status.value, [gap.error for gap in answer.gaps])

begun, workflow = threading.Event(), FinancialAssistantWorkflow(db=None, provider=Slow())
threading.Thread(target=ask).start()
begun.wait()
"""


@pytest.mark.slow
def test_a_thread_that_outlives_the_script_gets_its_answer(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", THREAD], capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, "FINASSIST_HOME": str(tmp_path)}, cwd=tmp_path,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("COMPLETED []\n", "", 0)


def test_python_still_calls_us_before_it_refuses_new_threads() -> None:
    """The contract of the private `threading._register_atexit`: without it the loop would end too late."""
    code = "import atexit, threading\natexit.register(print, 'late')\nthreading._register_atexit(print, 'early')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["early", "late"]


# ------------------------------------------------------------------------------------------ the private loop


def test_the_private_loop_ends_with_what_is_on_it_and_begins_anew() -> None:
    bridge, ended = Bridge(), []

    async def held() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(threading.current_thread().name)

    begun = threading.Event()

    async def begin() -> None:
        begun.set()
        await held()

    first = bridge.loop
    work = bridge.spawn(begin())
    assert begun.wait(10)
    bridge.stop(background=0.1)
    assert (ended, work.cancelled(), first.is_closed()) == (["finassist-bridge"], True, True)
    assert bridge.loop is not first
    bridge.stop()
    bridge.stop()


def test_work_that_does_not_end_holds_nobody_up() -> None:
    bridge, begun, over = Bridge(), threading.Event(), threading.Event()

    async def blocks() -> None:
        begun.set()
        over.wait()

    bridge.spawn(blocks())
    assert begun.wait(10)
    bridge.stop(0.01, background=0.01)
    assert not over.is_set()
    over.set()


# ----------------------------------------------------------------------------------------------- a workflow


def live(source: Server, model: ModelServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Everything by name, so that all of it is the workflow's own; the addresses are those of local servers."""
    from finassist.providers import registry as providers

    settings = Settings(openai_api_key="sk-0123456789abcdefgh", fmp_api_key=KEY, cache=False)
    monkeypatch.setattr(providers, "_fmp", lambda **_: FMPProvider(KEY, base_url=source.url, settings=settings))
    monkeypatch.setenv("OPENAI_BASE_URL", model.url)
    return FinancialAssistantWorkflow(
        settings=settings, routing="model", model="openai:mine", provider="fmp", db=folder / "s.db"
    )


def test_closing_hangs_up_and_the_next_question_works(
    source: Server, model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = live(source, model, tmp_path, monkeypatch)
    for _ in range(2):
        with workflow:
            assert workflow.run(QUESTION).facts
            assert source.open
            assert model.open
        wait_for(lambda: source.until(lambda: not source.open), "until")
        wait_for(lambda: source.until(lambda: not model.open), "until")


def test_closing_on_a_loop_is_done_when_it_returns(
    source: Server, model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = live(source, model, tmp_path, monkeypatch)

    async def twice() -> None:
        for _ in range(2):
            async with workflow:
                assert (await workflow.arun(QUESTION)).facts
            await source.until(lambda: not source.open)
            await source.until(lambda: not model.open)

    asyncio.run(twice())


def test_what_a_user_handed_in_stays_open(source: Server, tmp_path: Path) -> None:
    provider = FMPProvider(KEY, base_url=source.url, cache=False)
    with FinancialAssistantWorkflow(db=None, provider=provider) as workflow:
        workflow.run("$AAPL stock price")
        before = source.connections
    with FinancialAssistantWorkflow(db=None, provider=provider) as other:
        other.run("$AAPL stock price", session_id="another")
        assert source.connections == before
    wait_for(provider.aclose, "aclose")
