"""`%load_ext finassist`: `%%ask` for a question in plain words, `%finassist` for what runs in this kernel.

A cell that starts with `%%ask` is turned into an awaited call before it runs, so the event loop stays free while the
question is answered and pressing stop is felt at once. Where nothing can be awaited, it is an ordinary magic that
waits. The text of the cell is data: it travels as one string literal.
"""

from __future__ import annotations

import re
import warnings
from argparse import REMAINDER, BooleanOptionalAction, Namespace
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, Final, get_args

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument, magic_arguments

from finassist.answer import Answer
from finassist.apps.terminal import usage_error
from finassist.config.settings import KEYS, Routing
from finassist.config.sources import FinassistWarning, variable_of
from finassist.core.errors import FinassistError
from finassist.core.process import quietly
from finassist.core.text import did_you_mean
from finassist.runtime.context import under_way
from finassist.workflow import FinancialAssistantWorkflow

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

NESTING: Final = (
    "Event loops may now be nested in this kernel: `asyncio.run()` and `loop.run_until_complete()` work in a cell. "
    "What that breaks, until the kernel is restarted: a nested call cannot be stopped with the stop button; timeouts "
    "and task groups around it do not see its end in time; two nested calls at once finish only one inside the other; "
    "`asyncio.Runner` and uvloop do not work. Finassist needs none of it: `await workflow.arun(...)`, or "
    "`workflow.run(...)` as it is."
)
_EXAMPLE: Final = "%%ask --to answer\nCompare Apple and Microsoft"
_COMMANDS: Final = ("status", "sessions", "cancel", "nest")
_MAGIC: Final = re.compile(r"%%ask(?:\s|$)")


class Shown(str):
    """Text that a cell shows as it is, not as a Python literal."""

    def __repr__(self) -> str:
        return str(self)


@contextmanager
def _one_sentence() -> Generator[None]:
    """A cell shows an error of finassist as one sentence, without a traceback."""
    try:
        yield
    except FinassistError as error:
        raise UsageError(str(error)) from error


class Notebook:
    """What the magics of one kernel share: the workflows, and with them the conversation.

    Args:
        shell: The IPython shell.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self._depth = 0
        self._variants: dict[tuple[Any, ...], FinancialAssistantWorkflow] = {}

    # ---------------------------------------------------------------------------------------- asking

    async def ask(self, line: str, cell: str) -> Answer:
        """Answer the question of a cell on the running loop."""
        options, question = read_cell(line, cell)
        with _one_sentence():
            asked = self._workflow(options).arun(question, session_id=options.session, live=options.live)
            return self._keep(await asked, options)

    def ask_and_wait(self, line: str, cell: str) -> Answer:
        """`ask` for a cell in which nothing can be awaited."""
        options, question = read_cell(line, cell)
        with _one_sentence():
            answer = self._workflow(options).run(question, session_id=options.session, live=options.live)
        return self._keep(answer, options)

    def can_await(self) -> bool:
        """Whether a cell can be awaited: not with `%autoawait` off, and not inside another, as in `%%capture`."""
        return bool(self.shell.autoawait and str(self.shell.loop_runner) == "asyncio" and not self._depth)

    def enter_cell(self) -> None:
        """IPython begins to execute a cell."""
        self._depth += 1

    def leave_cell(self) -> None:
        """The cell is over; the first one seen may be that of `%load_ext`, which was never entered."""
        self._depth = max(self._depth - 1, 0)

    def _keep(self, answer: Answer, options: Namespace) -> Answer:
        if options.to:
            self.shell.user_ns[options.to] = answer
        return answer

    def _workflow(self, options: Namespace) -> FinancialAssistantWorkflow:
        """The workflow for these options; all share sessions, so a conversation continues with any model."""
        base = self._named(options.workflow) if options.workflow else self.base
        changes = {name: value for name in ("model", "provider", "routing") if (value := getattr(options, name))}
        key = (id(base), *changes.items())
        if changes and key not in self._variants:
            self._variants[key] = base.variant(**changes)
        return self._variants[key] if changes else base

    def _named(self, name: str) -> FinancialAssistantWorkflow:
        found = self.shell.user_ns.get(name)
        if not isinstance(found, FinancialAssistantWorkflow):
            raise UsageError(
                f"There is no workflow in the variable “{name}”. Make one, `{name} = "
                "FinancialAssistantWorkflow()`, or omit --with to use the notebook's own."
            )
        return found

    @cached_property
    def base(self) -> FinancialAssistantWorkflow:
        """The notebook's own workflow, made from the settings when it is first needed."""
        return FinancialAssistantWorkflow()

    # -------------------------------------------------------------------------------------- commands

    def command(self, line: str) -> Any:
        """`%finassist status | sessions | cancel | nest`: what runs in this kernel.

        status: version, model, provider, which keys are set, session, database, and what is running.
        sessions: the stored conversations as a DataFrame.
        cancel: stop every question that is being answered in this kernel, in the background or in a chat panel.
        nest: allow nested event loops, with a warning about what that breaks.
        """
        word, *rest = line.split() or ["status"]
        if word not in _COMMANDS or rest:
            wrong = f"“%finassist {line.strip()[:60]}” is not a command." + did_you_mean(word, _COMMANDS)
            raise UsageError(f"{wrong} Choose one of: {', '.join(f'%finassist {name}' for name in _COMMANDS)}.")
        with _one_sentence():
            return getattr(self, word)()

    def status(self) -> Shown:
        """The model, the provider and the runs of this kernel; of a key only whether it is set."""
        workflow = self.base
        keys = [variable_of(name) for name in KEYS if getattr(workflow.settings, name)]
        running = [f"{run.question[:60]!r} ({run.run_id})" for run in under_way()]
        rows = (
            ("finassist", version("finassist")),
            ("model", str(getattr(workflow.model, "id", workflow.model))),
            ("provider", workflow.provider.id),
            ("routing", workflow.routing),
            ("keys set", ", ".join(keys) or "none; none is needed"),
            ("session", str(workflow.session_id)),
            ("sessions in", str(getattr(workflow.store.sync, "db_file", "")) or "memory"),
            ("running", ", ".join(running) or "nothing"),
        )
        return Shown("\n".join(f"{name:<12} {value}" for name, value in rows))

    def sessions(self) -> DataFrame:
        """The stored conversations, the most recently used first."""
        return self.base.sessions()

    def cancel(self) -> Shown:
        """Stop every question under way; each stops as soon as this cell has ended."""
        from agno.run.cancel import cancel_run

        stopped = quietly(lambda: [run for run in under_way() if cancel_run(run.run_id)])
        if not stopped:
            return Shown("Nothing is running in this kernel. A cell that runs is stopped with the stop button.")
        listed = "\n".join(f"- {run.question[:80]}" for run in stopped)
        return Shown(f"Stops as soon as this cell has ended:\n{listed}")

    def nest(self) -> None:
        """Allow nested event loops in this kernel, and say what that breaks."""
        if find_spec("nest_asyncio2") is None:
            raise UsageError("Nested loops need nest-asyncio2. Install it with `pip install 'finassist[notebook]'`.")
        import nest_asyncio2  # pyright: ignore[reportMissingTypeStubs]

        try:
            nest_asyncio2.apply()  # pyright: ignore[reportUnknownMemberType]
        except ValueError as error:
            raise UsageError(f"This event loop cannot be nested ({error}). Await `workflow.arun(...)`.") from error
        warnings.warn(NESTING, FinassistWarning, stacklevel=2)


# ---------------------------------------------------------------------------------------------- options


@magic_arguments("%ask")
@argument("--to", metavar="NAME", help="The variable to put the Answer into.")
@argument("--model", metavar="MODEL", help="The language model, such as offline or openai; see Settings.")
@argument("--provider", metavar="PROVIDER", help="Where figures come from, such as embedded or fmp.")
@argument("--routing", choices=get_args(Routing), help="What understands a question.")
@argument("--session", metavar="ID", help="The conversation to continue; by default the notebook's own.")
@argument("--live", action=BooleanOptionalAction, default=None, help="Whether to show the run while it works.")
@argument("--with", dest="workflow", metavar="NAME", help="The variable that holds the workflow to ask.")
@argument("words", nargs=REMAINDER, help="The question, or its beginning.")  # pyright: ignore[reportUntypedFunctionDecorator]
def ask(line: str, cell: str) -> Answer:
    """Answer the question that is the rest of the cell (or of the line)."""
    return _loaded().ask_and_wait(line, cell)


async def arun_cell(line: str, cell: str) -> Answer:
    """What a cell that starts with `%%ask` becomes; see `awaited`."""
    return await _loaded().ask(line, cell)


def read_cell(line: str, cell: str) -> tuple[Namespace, str]:
    """Options and question of a cell; options come first, and what follows them on their line is question.

    Args:
        line: The first line, without `%%ask`.
        cell: The lines below it.

    Raises:
        UsageError: An option cannot be used, or there is no question.
    """
    parser: Any = ask.parser  # pyright: ignore[reportFunctionMemberAccess]
    try:
        options = parser.parse_args(line.split())
    except UsageError as error:
        wrong = usage_error(str(error), parser.format_help()).rstrip(".")
        end = "" if wrong.endswith("?") else "."
        raise UsageError(f"%%ask: {wrong}{end} `%%ask?` lists the options.") from None
    for name in filter(None, (options.to, options.workflow)):
        if not name.isidentifier() or iskeyword(name):
            raise UsageError(f"%%ask: “{name[:60]}” cannot be the name of a variable. Use letters, digits and _.")
    question = f"{' '.join(options.words)}\n{cell}".strip()
    if not question:
        raise UsageError(f"There is no question. Write it below %%ask, for example:\n\n{_EXAMPLE}")
    return options, question


# ---------------------------------------------------------------------------------------------- loading


def awaited(lines: list[str]) -> list[str]:
    r"""An input transformer: a cell that starts with `%%ask` becomes an awaited call, any other stays as it is.

    Example:
        >>> awaited(["%%ask --to a\n", "What is EBITDA?\n"])
        ["await __import__('finassist.apps.magics', fromlist=['magics']).arun_cell('--to a', 'What is EBITDA?\\n')\n"]
        >>> awaited(["1 + 1\n"])
        ['1 + 1\n']
    """
    if not lines or not _MAGIC.match(lines[0]) or not (_Loaded.notebook is None or _Loaded.notebook.can_await()):
        return lines
    line, cell = lines[0].removeprefix("%%ask").strip(), "".join(lines[1:])
    return [f"await __import__('finassist.apps.magics', fromlist=['magics']).arun_cell({line!r}, {cell!r})\n"]


class _Loaded:
    """The one notebook of this process."""

    notebook: Notebook | None = None


def _loaded() -> Notebook:
    if _Loaded.notebook is None:
        raise UsageError("The magics of finassist are not loaded. Run `%load_ext finassist` first.")
    return _Loaded.notebook


def load(shell: Any) -> None:
    """Give a shell `%%ask` and `%finassist`; loading twice changes nothing."""
    if _Loaded.notebook is not None and _Loaded.notebook.shell is shell:
        return
    notebook = _Loaded.notebook = Notebook(shell)
    shell.register_magic_function(ask, "cell", "ask")
    shell.register_magic_function(notebook.command, "line", "finassist")
    shell.input_transformers_cleanup.append(awaited)
    shell.events.register("pre_execute", notebook.enter_cell)
    shell.events.register("post_execute", notebook.leave_cell)


def unload(shell: Any) -> None:
    """Take them back."""
    notebook, _Loaded.notebook = _Loaded.notebook, None
    if notebook is None:
        return
    for kind, name in (("cell", "ask"), ("line", "finassist")):
        shell.magics_manager.magics[kind].pop(name, None)
    shell.input_transformers_cleanup[:] = [each for each in shell.input_transformers_cleanup if each is not awaited]
    shell.events.unregister("pre_execute", notebook.enter_cell)
    shell.events.unregister("post_execute", notebook.leave_cell)
