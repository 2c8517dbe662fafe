"""What the commands share: exit codes, options, and the workflow they ask."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from finassist.workflow import FinancialAssistantWorkflow

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

EPILOG: Final = """\
exit codes:
  0    done; of ask: an answer; of batch: every question is answered
  1    failed; of ask: no answer, or an answer without a single figure where figures were asked for;
       of batch: a question failed or is left
  2    not understood: a wrong option, an empty question, an unknown model or provider, a setting that cannot be used
  130  interrupted

Settings come from FINASSIST_* variables and a .env file; see the README."""


def add_command(commands: Any, name: str, text: str, description: str | None = None) -> argparse.ArgumentParser:
    """A command with its line in the list of commands, and its own help."""
    return commands.add_parser(
        name,
        help=text,
        description=description or f"{text[0].upper()}{text[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_database(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The option that says where conversations are kept; `again` where a command above has it too."""
    text = (
        "where conversations are kept: a file, or postgresql://user@host/database with the password in PGPASSWORD or "
        "~/.pgpass; by default a file in your data folder"
    )
    parser.add_argument("--db", metavar="PLACE", default=argparse.SUPPRESS if again else "default", help=text)


def open_workflow(**options: Any) -> FinancialAssistantWorkflow:
    """The workflow that a command asks."""
    from finassist.workflow import FinancialAssistantWorkflow

    return FinancialAssistantWorkflow(**options)


def exit_code(error: Exception) -> int | None:
    """The exit code for an error that is told in a sentence; `None` for a bug."""
    from finassist.core.errors import ConfigurationError, FinassistError, InputError

    if isinstance(error, InputError | ConfigurationError):
        return USAGE
    return FAILED if isinstance(error, FinassistError | OSError) else None


def sentence(error: Exception) -> str:
    """What went wrong, without the numbers of an operating system."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
