"""The command line: `finassist ask`, `doctor`, `cache`, `bench` and `lab`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from finassist import __version__
from finassist.terminal import complain, printable, say, translate, warning

if TYPE_CHECKING:
    from agno.run.agent import RunContentEvent

    from finassist.answer import Answer
    from finassist.workflow import FinancialAssistantWorkflow

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
_EPILOG: Final = """\
exit codes:
  0    done; of ask: an answer
  1    failed; of ask: no answer, or an answer without a single figure where figures were asked for
  2    not understood: a wrong option, an empty question, an unknown model or provider, a setting that cannot be used
  130  interrupted

Settings come from FINASSIST_* variables and a .env file; see the README."""
_SHOWN: Final = (
    "content", "category", "symbols", "decided_by", "reason", "facts", "gaps", "follow_ups", "warnings", "models",
    "status", "run_id", "session_id", "saved", "duration",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; by default those of the process.

    Returns:
        The exit code; wrong options end the process with 2, as `argparse` does.
    """
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
    finally:
        warnings.formatwarning = usual


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="finassist",
        description="Ask a financial question; get an answer with figures, sources and what is missing.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"finassist {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_ask(commands)
    _add_doctor(commands)
    _add_cache(commands)
    _add_bench(commands)
    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks")
    lab.set_defaults(command=_lab)
    return parser


def _add_ask(commands: Any) -> None:
    ask = commands.add_parser(
        "ask",
        help="answer one question",
        description="Answer one question.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ask.add_argument("question", help='for example "Compare Apple and Microsoft"')
    form = ask.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the answer as JSON; with --stream one event per line")
    form.add_argument("--markdown", action="store_true", help="the answer's markdown and nothing else")
    ask.add_argument("--stream", action="store_true", help="print as it comes")
    ask.add_argument("--session", metavar="ID", help="continue this conversation; by default a new one")
    ask.set_defaults(command=_ask)


def _add_doctor(commands: Any) -> None:
    text = "Check the installation, the settings, the disk and the connections. The exit code is 1 if something fails."
    doctor = commands.add_parser("doctor", help="check that everything works", description=text)
    doctor.add_argument("--json", action="store_true", help="as JSON instead of a table")
    doctor.set_defaults(command=_doctor)


def _add_cache(commands: Any) -> None:
    cache = commands.add_parser("cache", help="what is kept of live data sources")
    actions = cache.add_subparsers(title="commands", metavar="COMMAND", required=True)
    clear = actions.add_parser("clear", help="forget all of it")
    clear.set_defaults(command=_clear_cache)


def _add_bench(commands: Any) -> None:
    text = "Measure what finassist costs. A row that does not hold is a result, not an error: the exit code stays 0."
    bench = commands.add_parser("bench", help="measure what finassist costs", description=text)
    bench.add_argument("--quick", action="store_true", help="fewer rounds, sessions in memory only")
    bench.add_argument("--json", action="store_true", help="as JSON instead of a table")
    bench.set_defaults(command=_bench)


# ------------------------------------------------------------------------------------------------ ask


def _ask(options: argparse.Namespace) -> int:
    from finassist.errors import ConfigurationError, FinassistError, InputError
    from finassist.workflow import FinancialAssistantWorkflow

    try:
        workflow = FinancialAssistantWorkflow(session_id=options.session)
        answer = _stream(workflow, options) if options.stream else _whole(workflow, options)
        workflow.close()
    except (InputError, ConfigurationError) as error:
        return complain(str(error), USAGE)
    except FinassistError as error:
        return complain(str(error), FAILED)
    return OK if answer is not None and _answers(answer) else FAILED


def _answers(answer: Answer) -> bool:
    """Whether something of what was asked for came."""
    return answer.category == "chat" or any(fact.known for fact in answer.facts)


def _whole(workflow: FinancialAssistantWorkflow, options: argparse.Namespace) -> Answer:
    answer = workflow.run(options.question)
    _print_answer(answer, options)
    return answer


def _print_answer(answer: Answer, options: argparse.Namespace) -> None:
    if options.json:
        data = answer.to_dict()
        say(json.dumps({"question": options.question} | {name: data.get(name) for name in _SHOWN}, indent=2))
        return
    say(printable(answer.to_markdown()))
    if answer.gaps:
        translate(" ".join(gap.reason for gap in answer.gaps))
    if not options.markdown:
        for line in _afterwards(answer):
            say(printable(line))


def _afterwards(answer: Answer) -> Iterator[str]:
    if answer.follow_ups:
        yield "You could ask next:"
        yield from (f"  {question}" for question in answer.follow_ups)
    yield f"Continue this conversation with: --session {answer.session_id}"


def _stream(workflow: FinancialAssistantWorkflow, options: argparse.Namespace) -> Answer | None:
    from agno.run.agent import RunContentEvent

    from finassist.answer import Answer

    answer = None
    for event in workflow.run(options.question, stream=True):
        if isinstance(found := getattr(event, "run_output", None), Answer):
            answer = found
        if options.json:
            say(json.dumps(_plain(event.to_dict())))
        elif isinstance(event, RunContentEvent):
            say(printable(_text(event)), end="")
    if not options.json:
        say("")
    return answer


def _text(event: RunContentEvent) -> str:
    return str(event.content)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    """An event for a line of its own: without the answer, which the events before it make up."""
    return {name: value for name, value in event.items() if name not in ("run_output", "step_results")}


# ----------------------------------------------------------------------------------- doctor and cache


def _doctor(options: argparse.Namespace) -> int:
    from finassist.checkup import doctor

    checkup = asyncio.run(doctor())
    say(json.dumps(checkup.to_dict(), indent=2) if options.json else printable(str(checkup)))
    return OK if checkup.ok else FAILED


def _clear_cache(_options: argparse.Namespace) -> int:
    from finassist.data.cache import Cache
    from finassist.errors import ConfigurationError
    from finassist.settings import Settings

    try:
        folder = Settings().cache_folder
    except ConfigurationError as error:
        return complain(str(error), USAGE)
    say(f"Removed {Cache(folder).clear():,} answers from {folder}")
    return OK


# ------------------------------------------------------------------------------------- bench and lab


def _bench(options: argparse.Namespace) -> int:
    from finassist.bench import bench

    results = bench(quick=options.quick)
    say(json.dumps(results.to_dict(), indent=2) if options.json else str(results))
    return OK


def _lab(_options: argparse.Namespace) -> int:
    if find_spec("jupyterlab") is None:
        return complain("JupyterLab is not installed. Run: pip install 'finassist[notebook]'", FAILED)
    folder = _notebooks()
    if folder is None:
        complain("The notebooks are part of the repository, not of the installed package; opening this folder.", OK)
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(folder or Path.cwd())])


def _notebooks() -> Path | None:
    """The folder of notebooks: of the current folder, or of the checkout this package is in."""
    places = (Path.cwd() / "notebooks", Path(__file__).resolve().parents[1] / "notebooks")
    return next((place for place in places if any(place.glob("*.ipynb"))), None)


if __name__ == "__main__":
    sys.exit(main())
