"""The command line: what runs a command, and the exit code for whatever it raises."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from io import TextIOWrapper

from finassist.apps.cli.options import program
from finassist.apps.terminal import FAILED, INTERRUPTED, USAGE, complain, json_wanted, warning

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; by default that of the process.

    Returns:
        The exit code; wrong options end the process with 2, as `argparse` does.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # the parent process has closed it
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  open as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal shows "?" for what its encoding lacks
    given = sys.argv[1:] if arguments is None else arguments
    with json_wanted("--json" in given):
        options = program().parse_args(given)
        return _performed(options)


def _performed(options: argparse.Namespace) -> int:
    """What a command returns, or the exit code for what it raises."""
    usual, warnings.formatwarning = warnings.formatwarning, warning
    try:
        return options.command(options)
    except KeyboardInterrupt:
        return complain("Stopped.", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone; without this Python complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if (code := _exit_code(error)) is None:
            raise
        return complain(_sentence(error), code, type(error).__name__)
    finally:
        warnings.formatwarning = usual


def _exit_code(error: Exception) -> int | None:
    """The exit code for an error that a sentence explains; `None` for a bug."""
    from finassist.core.errors import ConfigurationError, FinassistError, InputError

    if isinstance(error, InputError | ConfigurationError):
        return USAGE
    return FAILED if isinstance(error, FinassistError | OSError) else None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
