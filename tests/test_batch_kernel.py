"""Batches in a real notebook kernel: shown below the cell, stopped with the stop button, gone on with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernels import Kernel

pytestmark = pytest.mark.slow

SET_UP = """
import asyncio
from finassist import EmbeddedProvider, FinancialAssistantWorkflow

class Stuck(EmbeddedProvider):
    '''Answers three questions; whoever asks for more waits.'''
    asked, open = 0, False
    async def fetch_closes(self, symbol):
        self.asked += 1
        if self.asked > 3 and not self.open:
            print("waiting", flush=True)
            await asyncio.Event().wait()
        return await super().fetch_closes(symbol)

questions = [f"${symbol} price" for symbol in ("AAPL", "MSFT", "NVDA", "TSLA", "AMZN", "META")]
provider = Stuck()
workflow = FinancialAssistantWorkflow(db=None, provider=provider, routing="rules")
"""
FORMS = {
    "await arun_many": 'batch = await workflow.arun_many(questions, concurrency=2, ledger="{}.db")',
    "run_many": 'batch = workflow.run_many(questions, concurrency=2, ledger="{}.db")',
    "run_many in an async cell": (
        'await asyncio.sleep(0)\nbatch = workflow.run_many(questions, concurrency=2, ledger="{}.db")'
    ),
}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory) -> Iterator[Kernel]:
    with Kernel(tmp_path_factory.mktemp("kernel")) as running:
        yield running


@pytest.mark.parametrize("form", FORMS)
def test_the_stop_button_stops_a_batch_and_the_same_cell_goes_on(kernel: Kernel, form: str) -> None:
    assert kernel.run(SET_UP).error is None
    code = FORMS[form].format(form.replace(" ", "-"))
    cell = kernel.interrupt(code, "waiting")
    assert cell.error in ("KeyboardInterrupt", "CancelledError")
    [shown] = cell.shown
    assert set(shown) == {"text/plain", "text/html"}
    assert "stopped" in shown["text/plain"]
    assert 'role="progressbar"' in shown["text/html"]

    again = kernel.run(f"provider.open = True\n{code}\nprint(batch, provider.asked)")
    assert again.error is None
    batch, _, asked = again.lines()[0].rpartition(" ")
    assert batch == "<Batch completed: 6 completed>"
    assert asked in ("7", "8"), "only what was cut off is asked again: one or two"
    left = kernel.run("from ipywidgets.widgets.widget import _instances\nprint(len(_instances))")
    assert left.lines() == ["0"]
