"""What a terminal shows: answers as formatted text, runs as they go, tables. Colours go where NO_COLOR says so.

Text of models and sources is shown as text: no markup, no links that hide where they lead, no control characters.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from finassist.answer import Answer
from finassist.apps.live.progress import progress_line
from finassist.apps.terminal import printable
from finassist.core.state import RunState, reduce

_WIDEST: Final = 100
_THEME: Final = Theme({"markdown.code": "cyan", "markdown.table.header": "bold"})  # no background of its own
_PIPE_WIDTH: Final = 100_000


def on_terminal() -> bool:
    """Whether a person reads the output, on a terminal that can do more than print lines."""
    return sys.stdout.isatty() and not Console().is_dumb_terminal


def watch(question: str, events: Iterable[Any]) -> Answer | None:
    """Show a run while it works: its progress and the answer so far; both are erased at the end.

    Returns:
        The answer, or `None` where the run had none.
    """
    console, state, answer = Console(highlight=False, theme=_THEME), RunState(question), None
    with Live(console=console, transient=True, refresh_per_second=10) as live:
        for event in events:
            state = reduce(state, event)
            if isinstance(found := getattr(event, "run_output", None), Answer):
                answer = found
            progress = Text(progress_line(state, console.width - 1), style="dim")
            live.update(Group(progress, _markdown(state.text)))
    return answer


def show_markdown(text: str) -> None:
    """Print Markdown, formatted, no wider than reads well."""
    console = Console(highlight=False, theme=_THEME)
    console.print(_markdown(text), width=min(console.width, _WIDEST))


def show_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: as wide as the terminal, or one row a line for a program."""
    person = on_terminal()
    console = Console(highlight=False, theme=_THEME, width=None if person else _PIPE_WIDTH)
    table = Table(box=box.SIMPLE_HEAD if person else None, pad_edge=False, show_edge=False)
    for name in header:
        table.add_column(name, no_wrap=not person, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(" ".join(str(cell).split()))) for cell in row))
    console.print(table)


def _markdown(text: str) -> Markdown:
    return Markdown(printable(text), hyperlinks=False)
