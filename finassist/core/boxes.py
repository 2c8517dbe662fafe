"""An error in a cell as a box: what went wrong, in which line of the user's code, and what to do next.

IPython asks an exception for its own `_render_traceback_`; scripts and tests do not, and show tracebacks as ever.
"""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Iterator
from functools import partial
from textwrap import wrap
from types import TracebackType
from typing import Any, Final

from finassist.core.secrets import Secrets, redact, secrets_of

_WIDE: Final = 100
_STOPPED: Final = "The run was stopped. Run the cell again to ask again."
_CUT: Final = " … `print(sys.last_value)` shows all of it."
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_LITERAL: Final = re.compile(r"""(?:(\w+)["']?\]?\s*[=:]\s*)?[rbfu]{0,2}(["'])((?:\\.|(?!\2).)*)\2""", re.IGNORECASE)
_KEYS: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SENTENCES: Final = re.compile(r"(?<=[.?!])\s+(?=[A-Z“`])")


def boxed(error: BaseException, says: str = "", title: str = "", around: BaseException | None = None) -> list[str]:
    """The lines of the box for an error: at most eight, without any key.

    Args:
        error: The error.
        says: Its words, where its own are not what a user should read.
        title: Its name, likewise.
        around: The group it came in, which knows the line of the user's code if the error does not.

    Example:
        >>> "Write 2023-03-01." in boxed(ValueError("This is no day. Write 2023-03-01."))[-1]
        True
    """
    code, place = _own_line(error.__traceback__) or _own_line(around and around.__traceback__) or ("", "")
    cause = error.__cause__
    why = f"{type(cause).__name__}: {cause}" if cause else ""
    known = Secrets([*_in_code(code), *_in_environment(), *_in_words(f"{says or error} {why}")])

    def clean(text: str) -> str:
        shown = redact(" ".join(text.split()), known)
        return "".join(c for c in shown if c.isprintable())  # no terminal is told to do anything

    *words, last = _SENTENCES.split(clean(says or str(error)))
    lines = [*_cut(clean(f"{place}: {code}") if code else ""), *_wrapped(" ".join(words), 3)]
    lines += _cut(clean(f"Because of {why}") if why else "")
    return list(_framed(title or type(error).__name__, lines, _wrapped(last, 2), "→" if words else "─"))


def as_stopped[E: BaseException](error: E) -> E:
    """The interrupt or cancellation that ends a run, which a cell then shows as a box, too."""
    setattr(error, "_render_traceback_", partial(boxed, error, _STOPPED, "Stopped"))  # noqa: B010  it has no such name
    return error


def _framed(title: str, lines: list[str], last: list[str], sign: str) -> Iterator[str]:
    yield f"╭─ {_BOLD}{title}{_PLAIN}"
    yield from (f"│  {line}" for line in lines)
    for i, line in enumerate(last):
        edge = "╰" if i == len(last) - 1 else "│"
        yield f"{edge}{' ' if i else sign} {line}"


def _wrapped(text: str, most: int) -> list[str]:
    lines = wrap(text, _WIDE)
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][: _WIDE - len(_CUT)] + _CUT]


def _cut(line: str) -> list[str]:
    return [line if len(line) <= _WIDE else f"{line[: _WIDE - 1]}…"] if line else []


def _own_line(trace: TracebackType | None) -> tuple[str, str] | None:
    """The last line of the user's own code on the way to the error, and where it stands."""
    found = None
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "__main__":
            found = trace
        trace = trace.tb_next
    if found is None:
        return None
    file = found.tb_frame.f_code.co_filename
    return linecache.getline(file, found.tb_lineno).strip(), f"{_name_of(file, found)}, line {found.tb_lineno}"


def _name_of(file: str, trace: TracebackType) -> str:
    """How IPython calls a piece of code, such as `Cell In[3]`."""
    shell: Any = trace.tb_frame.f_globals.get("get_ipython", lambda: None)()
    named = shell.compile.format_code_name(file) if shell is not None else None
    return " ".join(named) if named else os.path.basename(file)


def _in_code(line: str) -> Iterator[str]:
    """Keys that are written into a line of code."""
    for name, _, text in _LITERAL.findall(line):
        yield from secrets_of({name: text})


def _in_words(text: str) -> Iterator[str]:
    """What looks like a key in the words of other people's errors, such as in an address."""
    for word in re.split(r"[\s'\"<>(),]+", text):
        yield from secrets_of({"": word})


def _in_environment() -> Secrets:
    return secrets_of({name: value for name, value in os.environ.items() if _KEYS.search(name)})
