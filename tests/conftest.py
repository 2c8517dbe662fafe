"""Shared by all tests: no network, no user data, no telemetry; a workflow in memory and one on a real file."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile

import pytest

os.environ["FINASSIST_HOME"] = os.devnull  # a test that forgets to name a database must not write to the user's
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()  # where the secret of this machine is
os.environ["FINASSIST_CACHE_FOLDER"] = os.path.join(os.devnull, "cache")
for name in [name for name in os.environ if name.endswith("_API_KEY")]:
    del os.environ[name]

import finassist.symbols as symbols  # noqa: E402
from finassist import FinancialAssistantWorkflow  # noqa: E402  after the environment is set


def pytest_collection_finish() -> None:
    """What importing and collecting made stays to the end: the garbage collector need not look through it each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def settled_heap():
    """Nor at what other modules have left: a look through all of it takes longer than some of the waits tested here."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def own_companies():
    """Companies that a provider of one file announced are unknown in the next."""
    before = [*symbols._loaded]
    yield
    symbols._loaded[:] = before


@pytest.fixture
def workflow() -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=None)


@pytest.fixture
def stored_workflow(tmp_path) -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=tmp_path / "sessions.db")


@pytest.fixture
def run_async():
    """Run a coroutine on a fresh loop and check that it leaves no task behind."""

    def run(coroutine):
        async def checked():
            before = asyncio.all_tasks()
            try:
                return await coroutine
            finally:
                for _ in range(100):  # an iterator that was dropped closes itself in a task of the loop's own
                    if not (left := {task for task in asyncio.all_tasks() - before if not task.done()}):
                        break
                    await asyncio.sleep(0.01)
                assert not left, f"tasks left behind: {left}"

        return asyncio.run(checked())

    return run
