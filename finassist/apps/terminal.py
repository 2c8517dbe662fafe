"""What the command line prints, as text that no terminal obeys and in its encoding; and how it exits."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""


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
    print(f"finassist: {printable(text)}", file=sys.stderr)
    translate(text)
    return code


def translate(text: str) -> None:
    """Name the environment variable for each argument that a message advises."""
    for name, value in sorted(set(re.findall(r'\b(model|provider)="([\w-]+)"', text))):
        print(f'In a terminal {name}="{value}" is FINASSIST_{name.upper()}={value}.', file=sys.stderr)
