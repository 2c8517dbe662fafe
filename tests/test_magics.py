"""`%%ask` and `%finassist` in a real IPython shell, and in a real kernel where stop is pressed."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import finassist
from finassist import Answer, FinancialAssistantWorkflow
from finassist.apps.magics import Notebook, awaited
from tests.kernels import Kernel
from tests.test_kernel import SETUP, WAITING, check_stopped, clean


class Shell:
    """An IPython shell in which a cell is run and its value, or what is wrong with it, comes back."""

    def __init__(self, folder: Path) -> None:
        self.ip = InteractiveShell(ipython_dir=str(folder))
        self.ip.history_manager.enabled = False
        self.ip.showtraceback = lambda *_, **__: None

    def run(self, cell: str):
        result = self.ip.run_cell(cell)
        if error := result.error_before_exec or result.error_in_exec:
            raise error
        return result.result

    def __getitem__(self, name: str):
        return self.ip.user_ns[name]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    patch = pytest.MonkeyPatch()
    patch.setenv("FINASSIST_HOME", str(tmp_path_factory.mktemp("home")))
    shell = Shell(tmp_path_factory.mktemp("ipython"))
    shell.run("%load_ext finassist")
    yield shell
    shell.run("%unload_ext finassist")
    shell.ip.history_manager.end_session()
    patch.undo()


# ---------------------------------------------------------------------------------------------------- ask


def test_a_cell_is_a_question(shell):
    answer = shell.run("%%ask\nWhat is Apple's stock price?")
    assert isinstance(answer, Answer)
    assert (answer.category, answer.symbols) == ("stock_price", ["AAPL"])


def test_the_question_may_begin_on_the_first_line(shell):
    assert shell.run("%%ask What is Apple's\nstock price?").input == "What is Apple's\nstock price?"
    assert shell.run("%%ask --routing rules Tell me about Apple -- all").input == "Tell me about Apple -- all"


def test_the_answer_goes_into_a_variable(shell):
    shown = shell.run("%%ask --to found\nWhat is EBITDA?")
    assert shell["found"] is shown


def test_the_conversation_goes_on_from_cell_to_cell_and_model_to_model(shell):
    first = shell.run("%%ask\nWhat is the stock price of Tesla?")
    second = shell.run("%%ask --model offline --provider embedded\nand its income statement?")
    assert (second.category, second.symbols) == ("income_statement", ["TSLA"])
    assert first.session_id == second.session_id


def test_a_session_of_its_own(shell):
    answer = shell.run("%%ask --session other\nand its income statement?")
    assert answer.session_id == "other"
    assert answer.symbols == []


def test_a_workflow_of_ones_own(shell):
    shell.ip.user_ns["mine"] = FinancialAssistantWorkflow(db=None, session_id="mine")
    assert shell.run("%%ask --with mine\nWhat is EBITDA?").session_id == "mine"
    assert shell.run("%%ask --with mine --model=offline\nWhat is EBITDA?").session_id == "mine"
    assert len(shell["mine"].answers("mine")) == 2


def test_inside_another_magic_it_waits_instead(shell):
    shell.run("%%capture shown\n%%ask --to inside\nWhat is EBITDA?")
    assert shell["inside"].category == "chat"


def test_without_autoawait_it_waits_instead(shell):
    shell.run("%autoawait False")
    try:
        assert shell.run("%%ask\nWhat is EBITDA?").category == "chat"
    finally:
        shell.run("%autoawait asyncio")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%ask", "There is no question. Write it below %%ask"),
        ("%%ask --to a\n  \n", "There is no question"),
        ("%%ask --modle offline\nWhat is EBITDA?", r"There is no option --modle\. Did you mean --model\?"),
        ("%%ask --model\nWhat is EBITDA?", "argument --model: expected one argument.*lists the options"),
        ("%%ask --model nonsense\nWhat is EBITDA?", "There is no model named 'nonsense'. Use"),
        ("%%ask --provider nonsense\nWhat is EBITDA?", "nonsense.*(U|u)se"),
        ("%%ask --routing coin\nWhat is EBITDA?", "choose from"),
        ("%%ask --to 1st\nWhat is EBITDA?", "“1st” cannot be the name of a variable. Use letters"),
        ("%%ask --to class\nWhat is EBITDA?", "cannot be the name of a variable"),
        ("%%ask --with absent\nWhat is EBITDA?", "no workflow in the variable “absent”. Make one"),
        ("%%ask --session a/../b\nWhat is EBITDA?", "session"),
        ("%%ask\n" + "x" * 20_000, "question"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(shell, cell, said):
    with pytest.raises(UsageError, match=said):
        shell.run(cell)


@given(st.text(st.characters(exclude_characters="\n\r")), st.text())
def test_the_text_of_a_cell_is_never_code(line, cell):
    lines = [f"%%ask {line}\n", *cell.splitlines(keepends=True)]
    [code] = awaited(lines)
    [statement] = ast.parse(code, mode="exec").body
    call = statement.value.value
    assert [type(each) for each in (statement, statement.value, call)] == [ast.Expr, ast.Await, ast.Call]
    assert [ast.literal_eval(each) for each in call.args] == [line.strip(), "".join(lines[1:])]


@pytest.mark.parametrize(
    "question",
    ['"""', "'); import os; os.abort() #", "\\", "{x} {{y}} %s", "!ls", "%pwd", "?", "x?", "\u2028 a", "await x"],
)
def test_what_looks_like_code_is_a_question(shell, question):
    assert shell.run(f"%%ask\nWhat is EBITDA? {question} x").input.endswith(f"{question} x")


@pytest.mark.parametrize("cell", ["1 + 1", "%%asking\nx", "x = '%%ask'", "# %%ask\n2", "%%time\n3", "%%ask?"])
def test_other_cells_are_left_alone(cell):
    lines = cell.splitlines(keepends=True)
    assert awaited(lines) is lines


# ---------------------------------------------------------------------------------------------- finassist


def test_status_tells_who_answers_and_never_a_key(shell, monkeypatch):
    monkeypatch.setenv("FMP_API_KEY", "canary-0123456789")
    mine = Notebook(shell.ip)
    text = str(mine.status())
    for part in (finassist.__version__, "offline", "FMP_API_KEY", "nothing", "sessions.db"):
        assert part in text
    assert "canary" not in text
    assert repr(shell.run("%finassist")) == str(shell.run("%finassist status"))


def test_sessions_are_a_frame(shell):
    shell.run("%%ask --session listed\nWhat is EBITDA?")
    assert "listed" in set(shell.run("%finassist sessions")["session_id"])


def test_cancel_stops_what_runs_in_the_background(run_async, shell):
    from tests.worlds import ScriptedProvider, World

    class Endless(ScriptedProvider):
        async def aget_quote(self, symbol):
            begun.set()
            await asyncio.Event().wait()

    begun = asyncio.Event()
    notebook = Notebook(shell.ip)

    async def scene():
        workflow = FinancialAssistantWorkflow(db=None, provider=Endless(World()), session_id="bg")
        task = asyncio.create_task(workflow.arun("What is Apple's stock price?"))
        await begun.wait()
        assert "Apple's stock price" in notebook.status()
        assert "What is Apple's stock price?" in notebook.cancel()
        await asyncio.wait([task])
        return workflow.answers("bg")[-1].status.value

    assert run_async(scene()) == "CANCELLED"
    assert "Nothing is running" in notebook.cancel()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%finassist sesions", r"not a command. Did you mean sessions\? Choose one of: %finassist status"),
        ("%finassist status now", "Choose one of"),
        ("%finassist __init__", "Choose one of"),
    ],
)
def test_no_such_command(shell, line, said):
    with pytest.raises(UsageError, match=said):
        shell.run(line)


def test_nest_says_which_extra_is_missing(shell, monkeypatch):
    monkeypatch.setattr("finassist.apps.magics.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'finassist\[notebook\]'"):
        shell.run("%finassist nest")


def test_loading_twice_changes_nothing_and_unloading_takes_everything_back(tmp_path):
    shell = Shell(tmp_path)
    before = list(shell.ip.input_transformers_cleanup)
    finassist.load_ipython_extension(shell.ip)
    finassist.load_ipython_extension(shell.ip)
    assert len(shell.ip.input_transformers_cleanup) == len(before) + 1
    finassist.unload_ipython_extension(shell.ip)
    assert shell.ip.input_transformers_cleanup == before
    with pytest.raises(UsageError, match="not found"):
        shell.run("%%ask\nWhat is EBITDA?")
    shell.ip.history_manager.end_session()


# ------------------------------------------------------------------------------------------ a real kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with Kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        clean(kernel.run(SETUP + "\n%load_ext finassist"))
        yield kernel


@pytest.mark.slow
def test_a_kernel_awaits_the_cell(kernel: Kernel) -> None:
    cell = clean(kernel.run("%%ask --to answer --no-live\nTell me about Apple"))
    assert "416,161" in cell.shown[-1]["text/html"]
    cell = clean(kernel.run("print(type(answer).__name__, answer.symbols, _ is answer)"))
    assert cell.lines() == ["Answer ['AAPL'] True"]


@pytest.mark.slow
def test_the_loop_stays_free_while_a_cell_is_answered(kernel: Kernel) -> None:
    clean(
        kernel.run(
            'watched = FinancialAssistantWorkflow(provider=Endless(), session_id="free")\n'
            "async def let_go():\n"
            "    while not watched.provider.begun: await asyncio.sleep(0)\n"
            "    get_ipython().run_line_magic('finassist', 'cancel')\n"
            "task = asyncio.create_task(let_go())"
        )
    )
    cell = kernel.run("%%ask --with watched --no-live\nTell me about Apple")
    assert "This run was stopped" in cell.shown[-1]["text/plain"], "the task could not run beside the cell"


@pytest.mark.slow
@pytest.mark.parametrize("live", ["--live", "--no-live"])
def test_pressing_stop(kernel: Kernel, live: str) -> None:
    clean(
        kernel.run(
            f'provider = Endless()\nwatched = FinancialAssistantWorkflow(provider=provider, session_id="stop{live}")'
        )
    )
    cell = kernel.interrupt(f"%%ask --with watched {live}\nCompare Apple and Microsoft", WAITING)
    assert cell.error in ("KeyboardInterrupt", "CancelledError")
    check_stopped(kernel)


@pytest.mark.slow
def test_an_error_is_one_sentence(kernel: Kernel) -> None:
    cell = kernel.run("%%ask --model nonsense\nWhat is EBITDA?")
    assert cell.error == "UsageError" or "UsageError" in cell.stderr
    assert "There is no model named 'nonsense'" in cell.stderr
    assert "Traceback" not in cell.stderr


@pytest.mark.slow
def test_nest_is_the_one_door_to_nested_loops_and_warns(kernel: Kernel) -> None:
    """The last one of this file: it changes the kernel for good."""
    assert kernel.run("asyncio.run(asyncio.sleep(0))").error == "RuntimeError"
    cell = kernel.run("%finassist nest")
    assert cell.error is None
    assert "cannot be stopped with the stop button" in cell.stderr
    cell = kernel.run("asyncio.run(asyncio.sleep(0, print('nested')))\n")
    assert (cell.error, cell.lines()) == (None, ["nested"])
    cell = kernel.run("%%ask --to answer\nTell me about Apple")
    assert cell.error is None
    assert clean(kernel.run("print(answer.symbols)")).lines() == ["['AAPL']"]
