"""What the command line prints, as text that no terminal obeys and in its encoding; and how it exits.

On a terminal answers are formatted text and runs are shown as they go. NO_COLOR switches colours off, FORCE_COLOR
switches them on where the output is no terminal; all of them can be read on white and on black. Text of models and
sources is shown as text: no markup, no links that hide where they lead, no control characters.
"""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.markdown import Markdown

    from finassist.answer import Answer
    from finassist.reporting.frames import DataFrame

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""

_WIDEST: Final = 100
_PIPE_WIDTH: Final = 100_000
_KINDS: Final = {FAILED: "Failed", USAGE: "Usage", INTERRUPTED: "Interrupted"}
_STYLES: Final = {
    "markdown.block_quote": "italic",
    "markdown.code": "dim",
    "markdown.code_block": "none",
    "markdown.h2": "bold magenta",
    "markdown.item.number": "bold",
    "markdown.link": "none",
    "markdown.link_url": "underline",
    "markdown.list": "none",
    "markdown.table.border": "dim",
    "markdown.table.header": "bold",
}
"""Those of Markdown that differ from Rich's, which has cyan on black and light blue: unreadable on white."""
_as_json: Final = ContextVar("whether the command that runs was asked for JSON", default=False)


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


def complain(text: str, code: int, kind: str = "") -> int:
    """Print what went wrong to the standard error, as JSON to the output where that was asked for; return the code."""
    if _has_colours(sys.stderr):
        from rich.text import Text

        shown = Text.assemble(("finassist:", "bold red"), " ", printable(text))
        _console(stderr=True).print(shown)
    else:
        note(f"finassist: {text}")
    translate(text)
    if _as_json.get():
        show_json({"error": {"type": kind or _KINDS.get(code, "Failed"), "message": text, "exit_code": code}})
    return code


@contextmanager
def json_wanted(wanted: bool) -> Generator[None]:
    """Inside, what goes wrong is printed as JSON too."""
    token = _as_json.set(wanted)
    try:
        yield
    finally:
        _as_json.reset(token)


def show_json(data: Any) -> None:
    """Print a JSON document, in letters that the output can show."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    say(json.dumps(data, indent=2, ensure_ascii=ascii_only))


def translate(text: str) -> None:
    """Name the environment variable for each argument that a message advises."""
    for name, value in sorted(set(re.findall(r'\b(model|provider)="([\w-]+)"', text))):
        note(f'In a terminal {name}="{value}" is FINASSIST_{name.upper()}={value}.')


def usage_error(message: str, usage: str) -> str:
    """What `argparse` says about a command or an option that there is not, in plain words, with the one that was meant.

    Example:
        >>> usage_error("unrecognized arguments: --jsn", "  --json  as JSON")
        'There is no option --jsn. Did you mean --json?'
    """
    from finassist.core.text import did_you_mean

    commands = re.findall(r"(?<=^    )\w+", usage, re.MULTILINE)
    if chosen := re.search(r"argument COMMAND: invalid choice: (['\"])(.*)\1 \(choose", message, re.DOTALL):
        hint = did_you_mean(chosen[2], commands) or f" Commands: {', '.join(commands)}."
        hint = ' Put “ask” before a question: finassist ask "…".' if " " in chosen[2].strip() else hint
        return f"There is no command {chosen[2]!r}.{hint}"
    if unknown := re.match(r"unrecognized arguments: (\S+)", message):
        if unknown[1].startswith("-"):
            return f"There is no option {unknown[1]}.{did_you_mean(unknown[1], re.findall(r'--[\w-]+', usage))}"
        return f"There is one argument too many: {unknown[1]}. Put a text of several words in quotes."
    return message


def rows_of(frame: DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame for a JSON document."""
    return json.loads(frame.to_json(orient="records", date_format="iso"))


# ------------------------------------------------------------------------------------------ formatted text


def on_terminal() -> bool:
    """Whether a person reads the output, on a terminal that can do more than print lines."""
    return _has_colours(sys.stdout)


def _has_colours(stream: TextIO) -> bool:
    return (stream.isatty() or bool(os.environ.get("FORCE_COLOR"))) and not _console().is_dumb_terminal


def coloured(text: str, styles: Mapping[str, str]) -> None:
    """Print lines; on a terminal the words at the start of a line that have a style in it."""
    if not on_terminal():
        return say(printable(text))
    from rich.text import Text

    shown = Text(printable(text))
    for word, style in styles.items():
        shown.highlight_regex(rf"(?m)^{re.escape(word)}\b", style)
    return _console().print(shown, soft_wrap=True)


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
        try:
            for event in events:
                state = reduce(state, event)
                answer = getattr(event, "run_output", None) or answer
                progress = Text(progress_line(state, console.width - 1), style="dim")
                live.update(Group(progress, _markdown(state.text)))
        finally:
            live.update(Text())  # what is higher than the terminal would stay, and stand there twice
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
    for place, name in enumerate(header):  # the first is what one copies
        table.add_column(name, no_wrap=not person or place == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(" ".join(str(cell).split()))) for cell in row))
    console = _console(width=None if person else _PIPE_WIDTH)
    if person:
        console.print(table)
        return
    with console.capture() as printed:
        console.print(table)
    print("\n".join(line.rstrip() for line in printed.get().splitlines()))


def _console(width: int | None = None, *, stderr: bool = False) -> Console:
    from rich.console import Console
    from rich.theme import Theme

    return Console(highlight=False, theme=Theme(_STYLES), width=width, stderr=stderr)


def _markdown(text: str) -> Markdown:
    from rich.markdown import Markdown

    return Markdown(printable(text), hyperlinks=False)
