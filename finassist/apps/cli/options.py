"""The commands of the command line, their options and what these are for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from math import inf
from typing import Any, Final, NoReturn

from finassist.apps import serve
from finassist.apps.cli import answers, stored
from finassist.apps.terminal import FAILED, OK, USAGE, complain, say, usage_error

__all__ = ["program"]

type _Command = Callable[[argparse.Namespace], int]

_EPILOG: Final = """\
exit codes:
  0    done; ask: there is an answer; batch: every question is answered
  1    failed; ask: no answer, or none of the figures asked for; batch: a question failed or is left
  2    not understood: a wrong option or setting, an empty question, an unknown model or provider
  130  interrupted

Settings come from FINASSIST_* variables and a .env file; `finassist config` shows all."""
_DATABASE: Final = (
    "where conversations are stored: a file, or postgresql://user@host/database with the password in PGPASSWORD or "
    "~/.pgpass; by default a file in your data folder"
)


class _Parser(argparse.ArgumentParser):
    """A parser that suggests the option or command that was meant, and says how the program exits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def parse_known_args(self, *args: Any, **kwargs: Any) -> Any:
        # A command refuses what it does not know; argparse leaves that to the program, which knows no option of it.
        options, unknown = super().parse_known_args(*args, **kwargs)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(complain(usage_error(message, self.format_help()), USAGE))


class _Commands:
    """Commands of a parser; the text of one is its help and, with a capital and a full stop, its description."""

    def __init__(self, parser: argparse.ArgumentParser, *, required: bool) -> None:
        self._added = parser.add_subparsers(title="commands", metavar="COMMAND", required=required)

    def add(self, name: str, run: _Command | None, text: str, more: str = "") -> argparse.ArgumentParser:
        parser = self._added.add_parser(name, help=text, description=more or f"{text[0].upper()}{text[1:]}.")
        if run is not None:
            parser.set_defaults(command=run)
        return parser


def program() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    about = (
        "Ask a financial question; get an answer with figures, sources and what is missing. For example:\n"
        '  finassist ask "What was Apple\'s net margin in FY2023?"\n'
        "  finassist batch questions.csv --out answers.csv"
    )
    parser = _Parser(prog="finassist", description=about)
    parser.add_argument("--version", action="version", version=f"finassist {version('finassist')}")
    commands = _Commands(parser, required=True)
    about_stored = (_add_sessions, _add_history, _add_data, _add_cache, _add_config)
    for add in (_add_ask, _add_query, _add_check, _add_batch, _add_eval, *about_stored, _add_others):
        add(commands)
    return parser


def _add_ask(commands: _Commands) -> None:
    parser = commands.add("ask", answers.ask, "answer one question")
    parser.add_argument("question", help='in quotes, such as "Compare Apple and Microsoft"')
    _add_form(parser, json="print the answer as JSON; with --stream one event a line", markdown=True)
    parser.add_argument("--stream", action="store_true", help="print the answer as it comes; a terminal always does")
    parser.add_argument("--session", metavar="ID", help="continue this conversation; by default start a new one")
    _add_database(parser)


def _add_check(commands: _Commands) -> None:
    text = "Check the figures of a text against data, claim by claim. The exit code is 1 if one of them is wrong."
    parser = commands.add("check", answers.check, "check the figures of a text", text)
    parser.add_argument("text", help='the text, or "-" to read it from standard input')
    _add_json(parser)


def _add_query(commands: _Commands) -> None:
    about = (
        "Answer a query given as metrics, companies and periods; no model reads it. For example:\n"
        "  finassist query --metric net_margin --company AAPL MSFT --period FY2020:FY2024\n"
        '  finassist query --metric revenue --where "net_margin > 0.3" --sector Energy --limit 5\n'
        "  finassist query --metric dcf_value --company AAPL --assume growth=0.05 wacc=9%"
    )
    parser = commands.add("query", answers.query, "answer a typed query", about)
    add = parser.add_argument
    several = partial(add, action="extend", nargs="+", default=[])
    several("--metric", metavar="ID", help="metrics by id (--metrics lists them), or formulas of them")
    several("--company", metavar="SYMBOL", help="ticker symbols; by default all companies")
    several("--peers", metavar="SYMBOL", help="a company against its peers: those after it, else chosen by industry")
    several("--period", metavar="PERIOD", help="FY2024, Q3 2024, TTM, latest, FY2020:FY2024")
    add("--operation", metavar="NAME", default="none", help="growth, cagr, difference, sum, mean, max, min, trend")
    several("--where", metavar="CONDITION", help='only companies that meet it, such as "net_margin > 0.3"')
    several("--sector", metavar="NAME", help="only companies of this sector")
    several("--assume", metavar="NAME=VALUE", help="what a valuation assumes: growth=0.05 wacc=9%% margin=0.2 years=10")
    add("--limit", type=_COUNT, metavar="N", help="show the first N companies (10 without companies and conditions)")
    add("--smallest", action="store_true", help="the smallest first; by default the largest")
    add("--metrics", action="store_true", help="list all metrics and stop")
    _add_form(parser, json="print the answer as JSON", markdown=True)
    _add_database(parser)


def _add_batch(commands: _Commands) -> None:
    about = (
        "Answer every question of a file. Each outcome is written to a ledger before the next question is asked;\n"
        "after an interruption the same command continues. Identical questions are asked once."
    )
    add = commands.add("batch", answers.batch, "answer the questions of a file", about).add_argument
    text = "a .csv, .parquet or .xlsx file with a column of questions, a text file with one a line, or - for the input"
    add("questions", help=text)
    add(
        "--out", metavar="FILE", help="write the table of answers to a .csv, .parquet or .xlsx file; else it is printed"
    )
    add("--full", action="store_true", help="also the whole text of each answer; by default its headline and value")
    add("--json", action="store_true", help="print the table and how the batch ended as JSON")
    add("--facts", metavar="FILE", help="write the table of all figures to a file")
    add("--column", default="question", metavar="NAME", help="name of the column of questions (“question”)")
    add("--concurrency", type=int, metavar="N", help="questions asked at the same time (50)")
    for name, kind, unit, text in answers.BUDGETS:
        add(f"--budget-{name}", type=kind, metavar=unit, help=f"stop before using more {text}")
    add("--ledger", metavar="FILE", help="where to keep the outcomes; a finished ledger is read back")
    text = "continue a batch of the same questions that was stopped (the default)"
    add("--resume", action=argparse.BooleanOptionalAction, default=True, help=text)
    add("--estimate", action="store_true", help="only estimate what the batch will take")
    add("--quiet", action="store_true", help="print nothing but failures")


def _add_eval(commands: _Commands) -> None:
    about = (
        "Ask questions whose right answers are known, and grade the answers: figures, companies, periods, refusals.\n"
        "The embedded set needs no key and no network. The exit code is 1 if fewer pass than --min says.\n\n"
        "A set of your own is a .csv with the column question and one or more of right (“25.3%; 1.2 times”, or\n"
        "“refused”), order and companies (tickers), period and words; also kind, id, session and note.\n\n"
        "  finassist eval --set mine.csv --min 0.9\n"
        "  finassist eval --model openai --against offline\n"
        "  finassist eval --against routing=rules years=3"
    )
    parser = commands.add("eval", answers.evaluate, "grade the answers to a set of questions", about)
    add = parser.add_argument
    add("--model", metavar="NAME", help="which language model answers; by default as the settings say")
    text = "a second model, or settings as NAME=VALUE: the two side by side, with a paired test"
    add("--against", nargs="+", metavar="NAME", default=[], help=text)
    add("--set", metavar="FILE", help="your own cases: .csv, or .jsonl in the form of Inspect AI")
    add("--kinds", nargs="+", metavar="KIND", default=[], help="only these kinds of questions")
    add("--export", metavar="FILE", help="write the cases to a .csv or .jsonl file and stop")
    text = "conversations at the same time; 1 times each alone (8)"
    add("--concurrency", type=_COUNT, metavar="N", default=8, help=text)
    add("--min", type=_SHARE, metavar="SHARE", default=0.0, help="which part has to pass, such as 0.9 (0)")
    _add_form(parser, json="print JSON, case by case")


def _add_sessions(commands: _Commands) -> None:
    text = "List stored conversations, print one, give one a name, or delete one."
    parser = commands.add("sessions", stored.sessions, "list, show, rename or delete conversations", text)
    _add_form(parser)
    _add_database(parser)
    actions = _Commands(parser, required=False)
    listed = actions.add("list", None, "all of them, the latest first (the default)")
    _add_form(listed, unset=argparse.SUPPRESS)
    _add_database(listed, default=argparse.SUPPRESS)
    for name, run, text in (
        ("show", stored.show, "print a conversation"),
        ("rename", stored.rename, "give a conversation a name"),
        ("delete", stored.delete, "delete a conversation and its answers"),
    ):
        action = actions.add(name, run, text)
        action.add_argument("session", metavar="ID", help="its id, as the list has it")
        _add_json(action, unset=argparse.SUPPRESS)
        _add_database(action, default=argparse.SUPPRESS)
        if name == "rename":
            action.add_argument("name", help="of one line; an empty one takes the name away")
        if name == "delete":
            action.add_argument("--yes", action="store_true", help="delete without asking")


def _add_history(commands: _Commands) -> None:
    text = "List every question that was asked, the latest first: how it ended, how long it took, what it was about."
    parser = commands.add("history", stored.history, "list every question that was asked", text)
    _add_form(parser)
    parser.add_argument("-n", "--last", type=_ANY_COUNT, metavar="N", help="only the last N; by default all")
    _add_database(parser)


def _add_data(commands: _Commands) -> None:
    text = "Show which companies, years and prices are embedded; with a sector or tickers, the companies one by one."
    parser = commands.add("data", stored.data, "show which companies and years are embedded", text)
    parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="only these companies")
    parser.add_argument("--sector", metavar="NAME", help="only the companies of a sector")
    _add_form(parser)


def _add_cache(commands: _Commands) -> None:
    text = "Show how many answers of live data sources are cached, and where; or remove them."
    parser = commands.add("cache", stored.show_cache, "show or clear cached answers of live data sources", text)
    _add_json(parser)
    actions = _Commands(parser, required=False)
    for name, run, text in (
        ("show", None, "how many, and where (the default)"),
        ("clear", stored.clear_cache, "remove all of them"),
    ):
        _add_json(actions.add(name, run, text), unset=argparse.SUPPRESS)


def _add_config(commands: _Commands) -> None:
    text = "Show every setting and where its value is from, or trust a .env file."
    parser = commands.add("config", stored.show_config, "show settings, or trust a .env file", text)
    _add_json(parser)
    actions = _Commands(parser, required=False)
    text = "every setting, its value and its origin (the default)"
    _add_json(actions.add("show", None, text), unset=argparse.SUPPRESS)
    about = (
        "Trust a .env file: it may then set keys, models, data sources and folders. A change of the file ends that.\n"
        "A .env file that is not trusted sets only display and limits."
    )
    trusted = actions.add("trust", stored.trust_env, "trust a .env file that is yours", about)
    trusted.add_argument("file", nargs="?", metavar="FILE", help="by default that of this folder or project")
    _add_json(trusted, unset=argparse.SUPPRESS)


def _add_others(commands: _Commands) -> None:
    text = "Check the installation, the settings, the disk and the connections. The exit code is 1 if something fails."
    doctor = commands.add("doctor", stored.check_up, "check that everything works", text)
    _add_json(doctor)
    text = "Serve figures, reports, companies and metrics as tools of the Model Context Protocol, by stdio or HTTP."
    mcp = commands.add("mcp", serve.mcp, "serve tools to other agents (Model Context Protocol)", text)
    mcp.add_argument("--http", action="store_true", help="serve HTTP at /mcp; by default stdio")
    mcp.add_argument("--host", default="127.0.0.1", help="of HTTP: address of this computer to listen on (127.0.0.1)")
    mcp.add_argument("--port", type=_PORT, default=8765, help="of HTTP: port to listen on (8765)")
    text = "Serve the workflow over HTTP (AgentOS), and the tools at /mcp, behind a token that is printed once."
    server = commands.add("serve", serve.serve, "serve over HTTP, behind a token", text)
    server.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    server.add_argument("--port", type=_PORT, default=7777, help="port to listen on (7777)")
    server.add_argument("--no-token", action="store_true", help="ask for no token; on this computer only")
    _add_json(server, "print the address and the token as JSON")
    _add_database(server)
    commands.add("lab", serve.lab, "open JupyterLab on the notebooks")
    page = commands.add("streamlit", serve.streamlit, "open the Streamlit page")
    page.add_argument("--port", type=_PORT, default=8501, help="port to serve it at (8501)")
    page.add_argument("--headless", action="store_true", help="do not open a browser")
    _add_json(page, "print the address as JSON")
    text = (
        "Print a script that completes commands and options with the tab key. To use it:\n"
        "  bash   finassist completion bash > ~/.local/share/bash-completion/completions/finassist\n"
        "  zsh    finassist completion zsh > ~/.zfunc/_finassist   (with fpath+=~/.zfunc before compinit)\n"
        "  fish   finassist completion fish > ~/.config/fish/completions/finassist.fish"
    )
    shell = commands.add("completion", _completion, "print a script for completion in a shell", text)
    shell.add_argument("shell", choices=("bash", "zsh", "fish"))


def _completion(options: argparse.Namespace) -> int:
    if serve.missing("shtab", "Completion", "completion"):
        return FAILED
    import shtab

    say(shtab.complete(program(), options.shell))  # pyright: ignore[reportUnknownMemberType]
    return OK


def _add_json(parser: argparse.ArgumentParser, text: str = "print JSON", unset: Any = False) -> None:
    parser.add_argument("--json", action="store_true", default=unset, help=text)


def _add_form(
    parser: argparse.ArgumentParser,
    json: str = "print JSON",
    markdown: bool = False,
    unset: Any = False,
) -> None:
    """What to print; an option that is repeated after a subcommand stays as it was where it is `unset` there."""
    form = parser.add_mutually_exclusive_group()
    csv = "print the figures as CSV, one a line" if markdown else "print CSV, with every column"
    form.add_argument("--json", action="store_true", default=unset, help=json)
    form.add_argument("--csv", action="store_true", default=unset, help=csv)
    if markdown:
        form.add_argument("--markdown", action="store_true", help="print only the answer, as Markdown")
        parser.add_argument("--excel", metavar="FILE", help="write also a workbook with live formulas")


def _number(kind: type[int] | type[float], least: float, most: float | None, text: str) -> float:
    """A number of an option.

    Raises:
        argparse.ArgumentTypeError: It is none, or out of range.
    """
    with suppress(ValueError):
        number = kind(text)
        if least <= number <= (inf if most is None else most):
            return number
    room = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise argparse.ArgumentTypeError(f"{text!r:.40} is no {'whole ' if kind is int else ''}number {room}")


_ANY_COUNT, _COUNT = partial(_number, int, 0, None), partial(_number, int, 1, None)
_PORT, _SHARE = partial(_number, int, 1, 65_535), partial(_number, float, 0, 1)


def _add_database(parser: argparse.ArgumentParser, default: str = "default") -> None:
    parser.add_argument("--db", metavar="PLACE", default=default, help=_DATABASE)
