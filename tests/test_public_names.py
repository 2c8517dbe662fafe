"""Public names, signatures and help texts, written down once: a change of them is a decision.

After an intended change: `uv run python -m tests.test_public_names` writes down what they are now.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import finassist
from finassist.__main__ import main

STORE = Path(__file__).resolve().parent / "data" / "public_names.txt"


def of_names() -> Iterator[str]:
    """Every public name with its signature and, of a class, its attributes."""
    for name in finassist.__all__:
        thing = getattr(finassist, name)
        yield f"{name}{signature(thing)}" if callable(thing) else f"{name}: {type(thing).__name__}"
        if isinstance(thing, type) and not issubclass(thing, Exception):
            yield from (f"    .{each}" for each in attributes(thing))


def attributes(owner: type) -> Iterator[str]:
    """What our own classes of a type add to it; what Agno's have is not ours to freeze."""
    ours = {name for base in owner.__mro__ if base.__module__.startswith("finassist") for name in vars(base)}
    for name in sorted(name for name in ours if not name.startswith("_")):
        thing = getattr(owner, name, None)
        yield f"{name}{signature(thing)}" if inspect.isroutine(thing) else name


def signature(thing: Any) -> str:
    """Our parameters, whose annotations are text; those of Agno's classes are not ours to freeze."""
    try:
        found = inspect.signature(thing)
    except ValueError:
        return "(…)"
    ours = [each for each in found.parameters.values() if isinstance(each.annotation, str)]
    return str(found.replace(parameters=[each.replace(annotation=each.annotation.strip("'\"")) for each in ours]))


def of_helps(*command: str) -> Iterator[str]:
    """The help of a command and of all below it, as the help itself lists them."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main([*command, "--help"])
    text = re.sub(r"(-\w) [A-Z]+, --", r"\1, --", said.getvalue()).splitlines()  # as Python 3.13 writes options
    yield " ".join(["$ finassist", *command, "--help"])
    yield from (" ".join(each.split()) for each in "\n".join(text).split("\n\n"))  # columns differ between versions
    listed = False
    for line in text:
        listed = line == "commands:" or (listed and bool(line.strip()))
        if listed and (found := re.match(r" {4}([a-z][\w-]*)(?: |$)", line)):
            yield from of_helps(*command, found[1])


def now() -> list[str]:
    os.environ |= {"COLUMNS": "100", "NO_COLOR": "1"}
    return [*of_names(), *of_helps()]


def test_public_names_signatures_and_helps_are_as_written_down(monkeypatch) -> None:
    for name in ("COLUMNS", "NO_COLOR"):
        monkeypatch.setenv(name, "")  # put back afterwards
    written = STORE.read_text(encoding="utf-8").splitlines()
    changed = list(unified_diff(written, now(), "written down", "now", n=0, lineterm=""))
    assert not changed, "\n".join(changed)


if __name__ == "__main__":
    STORE.write_text("\n".join(now()) + "\n", encoding="utf-8")
