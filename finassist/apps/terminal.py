"""What the command line prints, as text that no terminal obeys and in its encoding; and how it exits.

Answers are formatted text, runs are shown as they go; NO_COLOR switches colours off. Text of models and sources
is shown as text: no markup, no links that hide where they lead, no control characters.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.markdown import Markdown

    from finassist.answer import Answer

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""

_WIDEST: Final = 100
_PIPE_WIDTH: Final = 100_000


# --------------------------------------------------------------------------------------------- plain lines


def printable(text: str) -> str:
    """Text without what a terminal would obey: escape sequences, and marks that turn the direction of text."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs"))


def say(text: str, end: str = "\n") -> None:
    """Print to the standard output."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), end=end, flush=True)


def note(text: str) -> None:
    """Print to the standard error, where it does not mix with an answer."""
    print(printable(text), file=sys.stderr)


def warning(message: Warning | str, *_: Any, **__: Any) -> str:
    """A warning as a sentence, without the line of code that raised it."""
    return f"Note: {printable(str(message))}\n"


def complain(text: str, code: int) -> int:
    """Print what went wrong to the standard error; return the exit code."""
    note(f"finassist: {text}")
    translate(text)
    return code


def translate(text: str) -> None:
    """Name the environment variable for each argument that a message advises."""
    for name, value in sorted(set(re.findall(r'\b(model|provider)="([\w-]+)"', text))):
        note(f'In a terminal {name}="{value}" is FINASSIST_{name.upper()}={value}.')


def option_meant(message: str, usage: str) -> str:
    """The option or command that was meant, for what `argparse` says about one that there is not."""
    from finassist.core.text import did_you_mean

    wrong = re.search(r"(?:unrecognized arguments: |invalid choice: ')([\w-]+)", message)
    known = re.findall(r"--[\w-]+|(?<=^    )\w+", usage, re.MULTILINE)
    return did_you_mean(wrong[1], known) if wrong else ""


# ------------------------------------------------------------------------------------------ formatted text


def on_terminal() -> bool:
    """Whether a person reads the output, on a terminal that can do more than print lines."""
    return sys.stdout.isatty() and not _console().is_dumb_terminal


def watch(question: str, events: Iterable[Any]) -> Answer | None:
    """Show a run while it works: its progress and the answer so far; both are erased at the end.

    Returns:
        The answer, or `None` where the run had none.
    """
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from finassist.apps.live import progress_line
    from finassist.core.state import RunState, reduce

    console, state, answer = _console(), RunState(question), None
    with Live(console=console, transient=True, refresh_per_second=10) as live:
        for event in events:
            state = reduce(state, event)
            answer = getattr(event, "run_output", None) or answer
            progress = Text(progress_line(state, console.width - 1), style="dim")
            live.update(Group(progress, _markdown(state.text)))
    return answer


def show_markdown(text: str) -> None:
    """Print Markdown, formatted, no wider than reads well."""
    console = _console()
    console.print(_markdown(text), width=min(console.width, _WIDEST))


def show_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: as wide as the terminal, or one row a line for a program."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    person = on_terminal()
    table = Table(box=box.SIMPLE_HEAD if person else None, pad_edge=False, show_edge=False)
    for name in header:
        table.add_column(name, no_wrap=not person, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(" ".join(str(cell).split()))) for cell in row))
    _console(width=None if person else _PIPE_WIDTH).print(table)


def _console(width: int | None = None) -> Console:
    from rich.console import Console
    from rich.theme import Theme

    theme = Theme({"markdown.code": "cyan", "markdown.table.header": "bold"})  # no background of its own
    return Console(highlight=False, theme=theme, width=width)


def _markdown(text: str) -> Markdown:
    from rich.markdown import Markdown

    return Markdown(printable(text), hyperlinks=False)
