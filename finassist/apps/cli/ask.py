"""`finassist ask`: one question, answered on the terminal, or as JSON, CSV or Markdown for a program."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from finassist.apps.terminal import FAILED, OK, USAGE, complain, printable, say, translate

if TYPE_CHECKING:
    from agno.run.agent import RunContentEvent

    from finassist.answer import Answer
    from finassist.core.query import Query
    from finassist.workflow import FinancialAssistantWorkflow

_SHOWN: Final = (
    "content", "headline", "queries", "category", "symbols", "decided_by", "reason", "facts", "gaps", "follow_ups",
    "warnings", "models", "status", "run_id", "session_id", "saved", "duration",
)  # fmt: skip


def ask(options: argparse.Namespace) -> int:
    """Answer the question of the command line."""
    if not options.question.strip():  # before Agno and the workflow are imported
        return complain("The question is empty. Ask something such as “Tell me about Apple”.", USAGE)
    from finassist.workflow import FinancialAssistantWorkflow

    workflow = FinancialAssistantWorkflow(session_id=options.session, db=options.db)
    try:
        answer = _answered(workflow, options)
    finally:
        workflow.close()
    return OK if answer is not None and _answers(answer) else FAILED


def query(options: argparse.Namespace) -> int:
    """Answer the query of the command line, or list the metrics."""
    if options.metrics:
        from finassist.core.metrics import catalogue

        for metric in catalogue().values():
            say(printable(f"{metric.id:28} {metric.label:36} {metric.unit:10} {metric.formula}".rstrip()))
        return OK
    asked = _query(options)
    options.question = str(asked)
    from finassist.workflow import FinancialAssistantWorkflow

    with FinancialAssistantWorkflow(db=options.db) as workflow:
        answer = workflow.query(asked)
    _print(answer, options)
    return OK if _answers(answer) else FAILED


def _query(options: argparse.Namespace) -> Query:
    from finassist.core.query import Query, filter_of

    everyone = not options.company
    ranked = everyone and not options.where
    return Query(
        intent="rank" if ranked else "screen" if everyone else "value",
        metrics=options.metric,
        companies=options.company,
        scope="universe" if everyone else "named",
        sectors=options.sector,
        periods=options.period,
        operation=options.operation,
        where=[filter_of(text) for text in options.where],
        order=-1 if options.smallest else int(everyone),
        limit=options.limit or (10 if ranked else None),
    )


def _answered(workflow: FinancialAssistantWorkflow, options: argparse.Namespace) -> Answer | None:
    from finassist.apps.cli.rich_text import on_terminal, show_markdown, watch

    if options.stream and not options.csv:
        return _stream(workflow, options)
    if on_terminal() and not (options.json or options.csv or options.markdown):
        answer = watch(options.question, workflow.run(options.question, stream=True))
        if answer is not None:
            show_markdown(answer.to_markdown())
            _print_afterwards(answer)
        return answer
    answer = workflow.run(options.question)
    _print(answer, options)
    return answer


def _answers(answer: Answer) -> bool:
    """Whether something of what was asked for came."""
    return answer.outcome != "refused"


def _print(answer: Answer, options: argparse.Namespace) -> None:
    if options.json:
        data = answer.to_dict()
        say(json.dumps({"question": options.question} | {name: data.get(name) for name in _SHOWN}, indent=2))
    elif options.csv:
        from finassist.reporting.frames import safe_csv

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
