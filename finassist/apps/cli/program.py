"""The program: its commands, and what becomes of whatever they raise."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from io import TextIOWrapper

from finassist import __version__
from finassist.apps.cli import ask, batch, stored, upkeep
from finassist.apps.cli.common import EPILOG, FAILED, INTERRUPTED, exit_code, sentence
from finassist.apps.terminal import complain, warning


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; by default those of the process.

    Returns:
        The exit code; wrong options end the process with 2, as `argparse` does.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what the terminal's encoding does not have is a question mark
    options = _parser().parse_args(arguments)
    usual, warnings.formatwarning = warnings.formatwarning, warning
    try:
        return options.command(options)
    except KeyboardInterrupt:
        return complain("Stopped.", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; without this Python complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if (code := exit_code(error)) is None:
            raise
        return complain(sentence(error), code)
    finally:
        warnings.formatwarning = usual


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="finassist",
        description="Ask a financial question; get an answer with figures, sources and what is missing.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"finassist {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in (ask, batch, stored, upkeep):
        group.add(commands)
    return parser
