"""One turn of a conversation: the question as it was typed, the answer, its companies, what could be asked next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from finassist.answer import Answer
from finassist.apps.chat.chips import CompanyChips
from finassist.apps.chat.kit import Widget, bound, button, column, html, row
from finassist.reporting.html.card import without_follow_ups
from finassist.reporting.html.sanitize import escape

LONGEST_SHOWN: Final = 40_000
"""Characters of one text that a bubble shows; a browser lays out a page of a million only slowly."""

_FOLLOW_UPS: Final = 5
_LONGEST_LABEL: Final = 160


class Turn:
    """A question and its answer, in the making or done.

    Args:
        question: What was asked.
        ask: Asks another question.
        guarded: Makes a callback for a widget.

    Attributes:
        widget: What to show.
        answer: The answer, once there is one.
    """

    def __init__(
        self,
        question: str,
        ask: Callable[[str], Any],
        guarded: Callable[[Callable[..., Any]], Callable[..., None]],
    ) -> None:
        self.question, self._ask, self._guarded = question, ask, guarded
        self.answer: Answer | None = None
        self.chips: CompanyChips | None = None
        self.follow_ups: list[Widget] = []
        self._body = column(classes="answer")
        self._below = column(classes="below")
        self.widget = column([question_bubble(question), self._body, self._below], "turn")

    def show_live(self, view: Widget) -> None:
        """Show the answer being made."""
        self._body.children = [view]

    def show_answer(self, answer: Answer, *, card: bool = True) -> None:
        """Show what came of it; without `card` where the live view shows the answer already."""
        self.answer = answer
        if card:
            self._body.children = [html(clipped(answer).to_html(), "card")]
        self._below.children = list(self._rest(answer))

    def show_failure(self, words: str) -> None:
        """Say what went wrong, and offer to ask again."""
        self.widget.add_class("finassist-chat-failed")
        said = html(f"<p><strong>No answer.</strong> {escape(words)}</p>", "failure")
        again = button("Ask again", self._guarded(bound(self._ask, self.question)), icon="refresh")
        self._below.children = [said, row([again], "follow-ups")]

    def forget_follow_ups(self) -> None:
        """What came next has been asked: only the last turn suggests."""
        self.follow_ups = []
        self._below.children = [child for child in self._below.children if not hasattr(child, "suggests")]

    def _rest(self, answer: Answer) -> Iterator[Widget]:
        self.chips = CompanyChips(self.question, answer.symbols, self._ask, self._guarded)
        yield self.chips.widget
        self.follow_ups = [self._follow_up(text) for text in answer.follow_ups[:_FOLLOW_UPS]]
        if self.follow_ups:
            suggestions = row(self.follow_ups, "follow-ups")
            suggestions.suggests = True
            yield suggestions

    def _follow_up(self, text: str) -> Widget:
        label = _cut(" ".join(text.split()), _LONGEST_LABEL)
        return button(label, self._guarded(bound(self._ask, text)), tooltip=f"Ask: {label}", classes="follow-up")


def question_bubble(question: str) -> Widget:
    """What somebody typed, as text."""
    return html(f"<div>{escape(_cut(question, LONGEST_SHOWN))}</div>", "question")


def clipped(answer: Answer) -> Answer:
    """The answer as a bubble shows it: without suggestions, which are buttons here, and not endless."""
    shown = without_follow_ups(answer)
    content = str(answer.content or "")
    if len(content) > LONGEST_SHOWN:
        rest = f"{len(content) - LONGEST_SHOWN:,} more characters are not shown here; an export has all of them."
        shown.content = f"{content[:LONGEST_SHOWN]}\n\n*{rest}*"
    return shown


def questions_of(answers: Sequence[Answer]) -> list[str]:
    """What was asked, turn by turn."""
    return [str(answer.input or "") for answer in answers]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
