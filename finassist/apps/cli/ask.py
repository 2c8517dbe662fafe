"""`finassist ask`: one question, answered on the terminal, or as JSON, CSV or Markdown for a program."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from finassist.apps.cli.common import FAILED, OK, add_command, add_database, open_workflow
from finassist.apps.terminal import printable, say, translate

if TYPE_CHECKING:
    from agno.run.agent import RunContentEvent

    from finassist.answer import Answer
    from finassist.workflow import FinancialAssistantWorkflow

_SHOWN: Final = (
    "content", "category", "symbols", "decided_by", "reason", "facts", "gaps", "follow_ups", "warnings", "models",
    "status", "run_id", "session_id", "saved", "duration",
)  # fmt: skip


def add(commands: Any) -> None:
    """The command and its options."""
    ask = add_command(commands, "ask", "answer one question")
    ask.add_argument("question", help='for example "Compare Apple and Microsoft"')
    form = ask.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the answer as JSON; with --stream one event per line")
    form.add_argument("--csv", action="store_true", help="the figures as CSV, one a line")
    form.add_argument("--markdown", action="store_true", help="the answer's markdown and nothing else")
    ask.add_argument("--stream", action="store_true", help="print as it comes; a terminal always does")
    ask.add_argument("--session", metavar="ID", help="continue this conversation; by default a new one")
    add_database(ask)
    ask.set_defaults(command=_ask)


def _ask(options: argparse.Namespace) -> int:
    workflow = open_workflow(session_id=options.session, db=options.db)
    try:
        answer = _answered(workflow, options)
    finally:
        workflow.close()
    return OK if answer is not None and _answers(answer) else FAILED


def _answered(workflow: FinancialAssistantWorkflow, options: argparse.Namespace) -> Answer | None:
    from finassist.apps.cli.show import on_terminal, watch

    if options.stream and not options.csv:
        return _stream(workflow, options)
    if on_terminal() and not (options.json or options.csv or options.markdown):
        answer = watch(options.question, workflow.run(options.question, stream=True))
        if answer is not None:
            _print_rich(answer)
        return answer
    answer = workflow.run(options.question)
    _print(answer, options)
    return answer


def _answers(answer: Answer) -> bool:
    """Whether something of what was asked for came."""
    return answer.category == "chat" or any(fact.known for fact in answer.facts)


def _print_rich(answer: Answer) -> None:
    from finassist.apps.cli.show import show_markdown

    show_markdown(answer.to_markdown())
    _print_afterwards(answer)


def _print(answer: Answer, options: argparse.Namespace) -> None:
    if options.json:
        data = answer.to_dict()
        say(json.dumps({"question": options.question} | {name: data.get(name) for name in _SHOWN}, indent=2))
    elif options.csv:
        from finassist.reporting.export import safe_csv

        say(safe_csv(answer.to_frame()), end="")
        translate(" ".join(gap.reason for gap in answer.gaps))
    else:
        say(printable(answer.to_markdown()))
        _print_afterwards(answer, quiet=options.markdown)


def _print_afterwards(answer: Answer, *, quiet: bool = False) -> None:
    if answer.gaps:
        translate(" ".join(gap.reason for gap in answer.gaps))
    for line in () if quiet else _afterwards(answer):
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
