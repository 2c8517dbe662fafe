"""The first line of an `%%ask` cell: its options, and where the question begins."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from keyword import iskeyword
from typing import Any, Final

from IPython.core.error import UsageError

from finassist.core.validation import did_you_mean

EXAMPLE: Final = "%%ask --to answer\nCompare Apple and Microsoft"


def read_cell(parser: Any, line: str, cell: str) -> tuple[Namespace, str]:
    """Options and question of a cell; options come first, and what follows them on their line is question.

    Args:
        parser: What understands the options.
        line: The first line, without `%%ask`.
        cell: The lines below it.

    Raises:
        UsageError: An option cannot be used, or there is no question.
    """
    words = line.split()
    given = _leading(words, parser)
    options = _parsed(parser, words[:given])
    question = f"{' '.join(words[given:])}\n{cell}".strip()
    if not question:
        raise UsageError(f"There is no question. Write it below %%ask, for example:\n\n{EXAMPLE}")
    return options, question


def _leading(words: Sequence[str], parser: Any) -> int:
    """How many words at the beginning are options and their values."""
    takes = {name: action.nargs != 0 for action in parser._actions for name in action.option_strings}
    count = 0
    while count < len(words) and words[count].startswith("--"):
        name, _, value = words[count].partition("=")
        count += 2 if takes.get(name) and not value else 1
    return min(count, len(words))


def _parsed(parser: Any, words: list[str]) -> Namespace:
    try:
        options = parser.parse_args(words)
    except UsageError as error:
        known = [name for action in parser._actions for name in action.option_strings]
        given = [word.partition("=")[0] for word in words if word.startswith("--")]
        hint = next((did_you_mean(name, known) for name in given if name not in known), "")
        raise UsageError(f"%%ask: {error}.{hint} `%%ask?` lists the options.") from None
    for name in filter(None, (options.to, options.workflow)):
        if not name.isidentifier() or iskeyword(name):
            raise UsageError(f"%%ask: “{name[:60]}” cannot be the name of a variable. Use letters, digits and _.")
    return options
