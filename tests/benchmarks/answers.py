"""The table of `finassist/docs/explanation/speed.md`: processor time of one answer, in words and as a `Query`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from statistics import median
from typing import Any

from finassist import FinancialAssistantWorkflow

QUESTIONS = {
    "a figure": "What was Apple's revenue in FY2024?",
    "a screen": "Which tech companies had a net margin above 30% in FY2024?",
    "a report": "Compare Apple and Microsoft",
}
ROUNDS = 31


def table(rounds: int = ROUNDS) -> Iterator[str]:
    """Lines of Markdown: medians in a warm process, each answer in a conversation of its own."""
    workflow = FinancialAssistantWorkflow(db=None, model="offline", provider="embedded")
    sessions = count()

    def taken(ask: Callable[..., Any], asked: Any) -> float:
        start = time.process_time()
        ask(asked, session_id=f"session-{next(sessions)}", live=False)
        return time.process_time() - start

    yield from ("| answer | in words | as a `Query` |", "|---|--:|--:|")
    for kind, question in QUESTIONS.items():
        queries = workflow.run(question, live=False).queries
        words = median([taken(workflow.run, question) for _ in range(rounds)])
        typed = f"{median([taken(workflow.query, queries) for _ in range(rounds)]) * 1000:.0f} ms" if queries else ""
        yield f"| {kind}: “{question}” | {words * 1000:.0f} ms | {typed} |"
