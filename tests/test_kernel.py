"""What a person does in a notebook, in a real kernel: await, call sync code, start threads, press stop."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.kernels import Cell, Kernel

pytestmark = pytest.mark.slow

SETUP = """
import asyncio, threading
from finassist import EmbeddedProvider, FinancialAssistantWorkflow

workflow = FinancialAssistantWorkflow(session_id="usual")

class Endless(EmbeddedProvider):
    # Its prices never come.
    def __init__(self):
        self.begun, self.cancelled = [], []

    async def aget_quote(self, symbol):
        self.begun.append(symbol)
        print("FetchStarted quote", symbol, flush=True)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(symbol)
            raise
        return await super().aget_quote(symbol)

def ours():
    codes = [getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()]
    return [code.co_qualname for code in codes if code and "finassist" in code.co_filename]

async def left_behind():
    # A workflow that went before may still be closing its connections, which takes a moment.
    for _ in range(500):
        if not ours():
            break
        await asyncio.sleep(0.01)
    return ours()
"""
QUESTION = "Compare Apple and Microsoft"
WAITING = "FetchStarted quote MSFT"
SHOW = 'print(event.event, getattr(event, "need", ""), getattr(event, "symbol", ""), flush=True)'
FORMS = {
    "await arun": f'await watched.arun("{QUESTION}")',
    "async for arun": f'async for event in watched.arun("{QUESTION}", stream=True):\n    {SHOW}',
    "run": f'watched.run("{QUESTION}")',
    "run in an async cell": f'await asyncio.sleep(0)\nwatched.run("{QUESTION}")',
    "for run": f'for event in watched.run("{QUESTION}", stream=True):\n    {SHOW}',
    "TaskGroup": f'async with asyncio.TaskGroup() as group:\n    group.create_task(watched.arun("{QUESTION}"))',
}
SHOWN = {"await arun", "run", "run in an async cell"}
STATIC = {"text/plain", "text/html"}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with Kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        assert clean(kernel.run(SETUP)).stdout == ""
        yield kernel


def clean(cell: Cell) -> Cell:
    assert (cell.error, cell.stderr) == (None, "")
    return cell


def test_the_kernel_has_no_network(kernel: Kernel) -> None:
    cell = kernel.run('import socket\nsocket.create_connection(("192.0.2.1", 80), timeout=5)')
    assert cell.error == "OSError"


def test_a_cell_awaits_arun(kernel: Kernel) -> None:
    cell = clean(kernel.run('answer = await workflow.arun("Tell me about Apple")\nprint(answer.status.value)'))
    assert cell.lines() == ["COMPLETED"]


def test_a_cell_calls_run_while_the_loop_is_running(kernel: Kernel) -> None:
    cell = clean(
        kernel.run(
            "assert asyncio.get_running_loop().is_running()\n"
            'same = workflow.run("Tell me about Apple")\n'
            'answer = await workflow.arun("Tell me about Apple")\n'
            "print(same.status.value, same.content == answer.content, same.facts == answer.facts)"
        )
    )
    assert cell.lines() == ["COMPLETED True True"]


def test_a_plain_sync_cell_calls_run(kernel: Kernel) -> None:
    cell = clean(kernel.run('print(workflow.run("What is the stock price of Apple?").symbols)'))
    assert cell.lines() == ["['AAPL']"]


def test_threads_of_a_cell_call_run(kernel: Kernel) -> None:
    cell = clean(
        kernel.run(
            "answers = {}\n"
            "def ask(symbol):\n"
            '    answers[symbol] = workflow.run(f"${symbol} stock price", session_id=symbol)\n'
            'threads = [threading.Thread(target=ask, args=(symbol,)) for symbol in ("AAPL", "MSFT", "NVDA")]\n'
            "for thread in threads: thread.start()\n"
            "for thread in threads: thread.join()\n"
            "print(all(answers[symbol].symbols == [symbol] for symbol in answers), len(answers))"
        )
    )
    assert cell.lines() == ["True 3"]


def test_a_sync_call_inside_an_async_cell_keeps_its_place_in_the_conversation(kernel: Kernel) -> None:
    cell = clean(
        kernel.run(
            'await workflow.arun("What is the stock price of Apple?", session_id="mixed")\n'
            'second = workflow.run("What about Tesla?", session_id="mixed")\n'
            'third = await workflow.arun("and its income statement?", session_id="mixed")\n'
            "print(second.category, second.symbols, third.category, third.symbols)"
        )
    )
    assert cell.lines() == ["stock_price ['TSLA'] income_statement ['TSLA']"]


def test_an_answer_shows_itself_as_text_and_html_never_as_markdown(kernel: Kernel) -> None:
    clean(kernel.run('answer = await workflow.arun("Tell me about Apple")'))
    [bundle] = clean(kernel.run("answer")).shown
    assert set(bundle) == {"text/plain", "text/html"}, "markdown would be rendered, with whatever a model put there"
    assert "416,161" in bundle["text/plain"]
    assert "416,161" in bundle["text/html"]
    assert "<script" not in bundle["text/html"].lower()


@pytest.mark.parametrize("form", FORMS)
def test_pressing_stop_while_a_source_is_slow(kernel: Kernel, form: str) -> None:
    session = form.replace(" ", "-")
    clean(
        kernel.run(
            f'provider = Endless()\nwatched = FinancialAssistantWorkflow(provider=provider, session_id="{session}")'
        )
    )
    cell = kernel.interrupt(FORMS[form], WAITING)

    assert cell.error in ("KeyboardInterrupt", "CancelledError")
    if form not in ("TaskGroup", "for run"):  # where the stop may meet code of the cell in place of a call of ours
        title, place, *_ = box_of(cell)
        assert title == "╭─ Stopped"
        assert re.search(r"In\[\d+\], line \d: .*watched", place)
    if form in SHOWN:
        [shown] = cell.shown
        assert set(shown) == STATIC
        assert re.search(r"Stopped, \d+ of \d+ tasks done", shown["text/html"])
        assert shown["text/html"].count(": stopped, ") >= 2, "both quotes were open"
    check_stopped(kernel)


@pytest.mark.parametrize("form", ["run", "for run"])
def test_pressing_stop_at_any_moment_of_a_sync_run(kernel: Kernel, form: str) -> None:
    """Also in the middle of Agno's reading and saving: the workflow stays usable, and the interrupt is never lost."""
    for moment in range(0, 12, 2 if form == "run" else 4):
        clean(
            kernel.run(
                # Python drops what a `__del__` raises: a widget collected just then would take the interrupt.
                "import gc, os, signal\ngc.collect()\nprovider = Endless()\n"
                f'watched = FinancialAssistantWorkflow(db="{moment}-{len(form)}.db", provider=provider)'
            )
        )
        press = f"threading.Timer({moment / 1000}, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        cell = kernel.run(press + FORMS[form])
        assert cell.error in ("KeyboardInterrupt", "CancelledError"), f"the interrupt at {moment} ms was lost"
        cell = clean(
            kernel.run(
                'again = watched.run("What is EBITDA?")\n'
                "print(again.status.value, again.saved, sorted(provider.begun) == sorted(provider.cancelled))"
            )
        )
        assert cell.lines() == ["COMPLETED True True"], f"interrupted after {moment} ms"


# ------------------------------------------------------------------------------------------------- live view

LIVE_FORMS = {
    "await arun": 'answer = await workflow.arun("Compare Apple and Microsoft")',
    "run": 'answer = workflow.run("Compare Apple and Microsoft")',
    "run in an async cell": 'await asyncio.sleep(0)\nanswer = workflow.run("Compare Apple and Microsoft")',
    "stream": 'async for event in workflow.arun("Compare Apple and Microsoft", stream=True, live=True): pass',
}


@pytest.mark.parametrize("form", LIVE_FORMS)
def test_a_run_shows_itself_and_leaves_what_needs_no_widget(kernel: Kernel, form: str) -> None:
    cell = clean(kernel.run(LIVE_FORMS[form]))
    shown, following = cell.shown
    assert set(shown) == STATIC
    assert "<li>Show the income statement of Apple and Microsoft</li>" in following["text/html"]
    for part in ("Compare Apple and Microsoft", "<svg", "AAPL income statement", "416,161"):
        assert part in shown["text/html"]
    assert "416,161" in shown["text/plain"]
    count = "from ipywidgets.widgets.widget import _instances\nprint(len(_instances))"
    first = clean(kernel.run(count)).lines()
    clean(kernel.run(LIVE_FORMS[form]))
    assert clean(kernel.run(count)).lines() == first, "only the newest answer has widgets: its buttons"


def test_a_card_is_not_shown_twice_below_one_cell(kernel: Kernel) -> None:
    live, _, result = clean(kernel.run('answer = await workflow.arun("Tell me about Apple")\nanswer')).shown
    assert "416,161" in live["text/html"]
    assert set(result) == {"text/plain"}
    assert result["text/plain"].startswith("<Answer report AAPL")


@pytest.mark.parametrize(
    "code",
    [
        'await workflow.arun("Tell me about Apple", live=False); None',
        'workflow.run("Tell me about Apple", live=False); None',
        'async for event in workflow.arun("Tell me about Apple", stream=True): pass',
        "async with asyncio.TaskGroup() as group:\n"
        '    for name in ("Apple", "Tesla"): group.create_task(workflow.arun(f"{name} stock price", session_id=name))',
        "thread = threading.Thread(target=workflow.run, args=('Tell me about Apple',))\nthread.start(); thread.join()",
        "from finassist import Settings\n"
        'await FinancialAssistantWorkflow(settings=Settings(live="off")).arun("Tell me about Apple"); None',
    ],
    ids=["arun, live=False", "run, live=False", "stream", "tasks", "thread", "setting"],
)
def test_runs_that_do_not_show_themselves(kernel: Kernel, code: str) -> None:
    assert clean(kernel.run(code)).shown == []


def test_a_run_that_fails_shows_what_it_did_and_raises(kernel: Kernel) -> None:
    cell = kernel.run(
        "class Broken(EmbeddedProvider):\n"
        "    async def aget_quote(self, symbol): raise TypeError('a bug in a provider')\n"
        f'await FinancialAssistantWorkflow(provider=Broken(), db=None).arun("{QUESTION}")'
    )
    assert cell.error == "TypeError"
    [shown] = cell.shown
    assert set(shown) == STATIC
    assert "a bug in a provider" in shown["text/html"]


def test_a_page_that_closes_its_widgets_does_not_disturb_the_run(kernel: Kernel) -> None:
    cell = clean(
        kernel.run(
            "from finassist.apps.live.view import LiveView\n"
            'view = LiveView("?")\n'
            'async for event in workflow.arun("Compare Apple and Microsoft", stream=True):\n'
            "    view.see(event)\n"
            '    if event.event == "Routed":\n'
            "        for widget in (view.widget, *view.widget.children):\n"
            "            widget.comm.handle_close({})\n"
            "            widget.close()\n"
            "view.finish(event.run_output)\nprint(view.state.status)"
        )
    )
    assert cell.lines() == ["completed"]


# -------------------------------------------------------------------------------------------- errors in a cell

SECRET = "0d5f1a2b3c4d5e6f7a8b9c0d"
GROUP = "async with asyncio.TaskGroup() as group:\n    group.create_task({})"
EXPECTED = {
    "run": ('workflow.run("", live=False)', "EmptyQuestion", "Ask something"),
    "await arun": ('await workflow.arun("What is EBITDA?", session_id="a b")', "InvalidSessionId", "another id"),
    "a query": (
        'import finassist\nworkflow.query(finassist.Query(metrics=["net_marginn"]))',
        "InvalidQuery",
        "net_margin",
    ),
    "a workflow": ('FinancialAssistantWorkflow(provider="fnp")', "UnknownProvider", "fnp"),
    "in a function": ('def ask():\n    return workflow.run("")\n\nask()', "EmptyQuestion", "Ask something"),
    "in a task group": (GROUP.format('workflow.arun("")'), "EmptyQuestion", "Ask something"),
    "in a task": (
        "import finassist\nasync def fail():\n    raise finassist.ModelError('None came. Ask again.')\n"
        + GROUP.format("fail()"),
        "ModelError",
        "╰→ Ask again.",
    ),
}


def box_of(cell: Cell) -> list[str]:
    """The lines of the box, without colours."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in cell.traceback]
    assert "\x1b" not in "".join(lines)
    assert lines[0].startswith("╭")
    assert lines[-1].startswith("╰")
    assert len(lines) <= 8, "150 px of a page of JupyterLab"
    assert max(map(len, lines)) <= 104
    return lines


@pytest.mark.parametrize("form", EXPECTED)
def test_an_expected_error_is_a_box_with_the_line_of_the_user(kernel: Kernel, form: str) -> None:
    code, name, says = EXPECTED[form]
    cell = kernel.run(code)
    assert cell.error == name
    title, place, *words = box_of(cell)
    assert title == f"╭─ {name}"
    found = re.fullmatch(r"│  Cell In\[\d+\], line (\d+): (.*)", place)
    assert found is not None
    assert found[2] == code.splitlines()[int(found[1]) - 1].strip()
    assert says in "".join(words)
    assert cell.stderr == ""


def test_no_key_is_in_a_box(kernel: Kernel) -> None:
    cell = kernel.run(
        "from finassist import ConfigurationError\n"
        f'try:\n    raise KeyError("https://data.example/quote?apikey={SECRET}")\nexcept KeyError as error:\n'
        f'    raise ConfigurationError("Not {SECRET}. Pass another.", dict(api_key="{SECRET}")["api_key"]) from error'
    )
    words = "\n".join(box_of(cell))
    assert SECRET not in words
    assert words.count("[hidden]") >= 3
    assert "│  Because of KeyError: " in words


def test_a_bug_keeps_its_traceback_also_in_a_group(kernel: Kernel) -> None:
    code = "import finassist\nasync def fail():\n    raise TypeError('a bug')\n"
    alone = kernel.run(code + "await fail()")
    assert alone.error == "TypeError"
    assert "Traceback (most recent call last)" in "".join(alone.traceback)
    grouped = kernel.run(code + GROUP.format("fail()"))
    assert "ExceptionGroup: unhandled errors in a TaskGroup" in grouped.stderr


# ------------------------------------------------------------------------------------------------ afterwards


def check_stopped(kernel: Kernel) -> None:
    """The run is stored as cancelled, nothing runs on, and the same workflow answers the next question."""
    cell = clean(
        kernel.run(
            'stored = watched.sessions().set_index("session_id").loc[watched.session_id]\n'
            "print(watched.answers()[-1].status.value, stored.last_status)\n"
            "print(sorted(provider.begun), sorted(provider.cancelled), await left_behind())"
        )
    )
    assert cell.lines() == [
        "CANCELLED CANCELLED",
        "['AAPL', 'MSFT'] ['AAPL', 'MSFT'] []",
    ]
    cell = clean(
        kernel.run(
            'answer = await watched.arun("Show the income statement of Apple")\n'
            'again = watched.run("Show the income statement of Apple")\n'
            "print(answer.status.value, again.status.value, answer.content == again.content)"
        )
    )
    assert cell.lines() == ["COMPLETED COMPLETED True"]


def test_leaving_a_stream_in_one_cell_does_not_block_the_next(kernel: Kernel) -> None:
    clean(
        kernel.run(
            'watched = FinancialAssistantWorkflow(provider=Endless(), session_id="left")\n'
            f'async for event in watched.arun("{QUESTION}", stream=True):\n'
            '    if event.event == "FetchStarted":\n'
            "        break"
        )
    )
    cell = clean(kernel.run('print((await watched.arun("What is EBITDA?")).status.value)'))
    assert cell.lines() == ["COMPLETED"]
    cell = clean(kernel.run("print([answer.status.value for answer in watched.answers()], await left_behind())"))
    assert cell.lines() == ["['CANCELLED', 'COMPLETED'] []"]


@pytest.mark.parametrize("loop", ["async for event in watched.arun", "for event in watched.run"])
def test_an_error_in_the_body_of_a_stream_does_not_block_the_next_cell(kernel: Kernel, loop: str) -> None:
    clean(kernel.run("watched = FinancialAssistantWorkflow(db=None, provider=Endless())"))
    cell = kernel.run(
        f'{loop}("{QUESTION}", stream=True):\n    if event.event == "FetchStarted":\n        event.no_such_thing'
    )
    assert cell.error == "AttributeError"
    cell = clean(kernel.run('print((await watched.arun("What is EBITDA?")).status.value, await left_behind())'))
    assert cell.lines() == ["COMPLETED []"]


def test_run_says_so_when_it_would_wait_for_ever(kernel: Kernel) -> None:
    """A sync call blocks the loop, on which an async run of the same conversation has to come to its end."""
    clean(
        kernel.run(
            "watched = FinancialAssistantWorkflow(db=None, provider=Endless())\n"
            f'task = asyncio.create_task(watched.arun("{QUESTION}"))\n'
            "while len(watched.provider.begun) < 2:\n    await asyncio.sleep(0)"
        )
    )
    assert kernel.run('watched.run("What is EBITDA?")').error == "SessionError"
    cell = clean(kernel.run('print(watched.run("What is EBITDA?", session_id="other").status.value)'))
    assert cell.lines() == ["COMPLETED"]
    kernel.run("task.cancel()\nawait asyncio.wait([task])")
    cell = clean(kernel.run('print(watched.run("What is EBITDA?").status.value)'))
    assert cell.lines() == ["COMPLETED"]
