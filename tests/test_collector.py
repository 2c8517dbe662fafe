"""The garbage collector runs seldom while questions are answered, and as before when none is any more."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow
from finassist.providers.embedded.provider import EmbeddedProvider
from finassist.runtime.collector import seldom_collecting

USUAL = gc.get_threshold()
QUESTION = "What is the price of $AAPL?"


class Observed(EmbeddedProvider):
    """Notes how often the collector runs while a price is fetched."""

    def __init__(self, *, broken: bool = False, slow: bool = False) -> None:
        self.during: list[int] = []
        self.broken, self.slow = broken, slow

    async def aget_quote(self, symbol: str) -> Any:
        self.during.append(gc.get_threshold()[0])
        if self.slow:
            await asyncio.Event().wait()
        if self.broken:
            raise TypeError("a bug of the source")
        return self.get_quote(symbol)


def ask(source: Observed, form: str, run_async: Any) -> Any:
    workflow = FinancialAssistantWorkflow(db=None, provider=source)
    return workflow.run(QUESTION) if form == "run" else run_async(workflow.arun(QUESTION))


@pytest.mark.parametrize("form", ["run", "arun"])
def test_it_runs_seldom_during_an_answer_and_as_usual_afterwards(form: str, run_async: Any) -> None:
    source = Observed()
    assert ask(source, form, run_async).facts
    assert source.during[0] > USUAL[0]
    assert gc.get_threshold() == USUAL


@pytest.mark.parametrize("form", ["run", "arun"])
def test_it_runs_as_usual_after_a_failure(form: str, run_async: Any) -> None:
    with pytest.raises(TypeError, match="a bug of the source"):
        ask(Observed(broken=True), form, run_async)
    assert gc.get_threshold() == USUAL


def test_it_runs_as_usual_after_a_cancellation(run_async: Any) -> None:
    source = Observed(slow=True)

    async def cancelled() -> None:
        asked = asyncio.create_task(FinancialAssistantWorkflow(db=None, provider=source).arun(QUESTION))
        while not source.during:
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    run_async(cancelled())
    assert gc.get_threshold() == USUAL


@pytest.mark.parametrize("form", ["run", "arun"])
def test_it_runs_as_usual_after_a_stream_that_was_left(form: str, run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=None, provider=Observed())

    async def left() -> None:
        events: Any = workflow.arun(QUESTION, stream=True)
        await anext(events)
        await events.aclose()

    if form == "arun":
        run_async(left())
    else:
        events: Any = workflow.run(QUESTION, stream=True)
        next(events)
        events.close()
    assert gc.get_threshold() == USUAL


def test_a_threshold_of_your_own_that_is_seldom_or_never_is_left_alone() -> None:
    try:
        for own in (0, 1_000_000):
            gc.set_threshold(own)
            with seldom_collecting():
                assert gc.get_threshold()[0] == own
            assert gc.get_threshold()[0] == own
    finally:
        gc.set_threshold(*USUAL)


def test_a_threshold_that_you_set_meanwhile_stays() -> None:
    try:
        with seldom_collecting():
            gc.set_threshold(5_000)
        assert gc.get_threshold()[0] == 5_000
    finally:
        gc.set_threshold(*USUAL)


def test_the_last_one_to_leave_restores_it() -> None:
    first, second = seldom_collecting(), seldom_collecting()
    first.__enter__()
    during = gc.get_threshold()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() == during
    assert during[0] > USUAL[0]
    second.__exit__(None, None, None)
    assert gc.get_threshold() == USUAL
