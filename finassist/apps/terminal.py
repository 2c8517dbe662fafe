"""What the command line prints: text that no terminal obeys, in an encoding it has."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any


def printable(text: str) -> str:
    """Text without what a terminal would obey: escape sequences, and marks that turn the direction of text."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs"))


def say(text: str, end: str = "\n") -> None:
    """Print to the standard output."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), end=end, flush=True)


def note(text: str) -> None:
    """Print what is no part of an answer, where it does not mix with one."""
    print(printable(text), file=sys.stderr)


def warning(message: Warning | str, *_: Any, **__: Any) -> str:
    """A warning as a sentence: a terminal has no line of code that it points to."""
    return f"Note: {printable(str(message))}\n"


def complain(text: str, code: int) -> int:
    """Print what went wrong where it does not mix with an answer, and hand back the exit code."""
    print(f"finassist: {printable(text)}", file=sys.stderr)
    translate(text)
    return code


def translate(text: str) -> None:
    """Say what an argument that a message advises is called in a terminal."""
    for name, value in sorted(set(re.findall(r'\b(model|provider)="([\w-]+)"', text))):
        print(f'In a terminal {name}="{value}" is FINASSIST_{name.upper()}={value}.', file=sys.stderr)
