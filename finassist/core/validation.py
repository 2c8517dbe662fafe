"""What can be asked at all: text, not blank, not endless, without invisible control characters."""

from __future__ import annotations

import unicodedata
from typing import Any

from finassist.core.errors import EmptyQuestion, NotText, QuestionTooLong

_KEPT = "\n\t"


def check_question(question: Any, limit: int) -> str:
    r"""The question, stripped, without control and text-direction characters.

    Args:
        question: What was asked.
        limit: Characters a question may have.

    Raises:
        NotText: It is not a string.
        QuestionTooLong: It is longer than `limit`.
        EmptyQuestion: Nothing is left of it.

    Example:
        >>> check_question("  What is EBITDA?\u202e ", 100)
        'What is EBITDA?'
    """
    if not isinstance(question, str):
        raise NotText(
            f"A question is text, not {type(question).__name__}. Pass a string such as “Tell me about Apple”."
        )
    if len(question) > limit:
        raise QuestionTooLong(
            f"The question has {len(question):,} characters; {limit:,} are allowed. "
            "Shorten it, or raise the limit with FINASSIST_MAX_QUESTION_LENGTH."
        )
    visible = "".join(char for char in question if char in _KEPT or not _is_control(char)).strip()
    if not visible:
        raise EmptyQuestion("The question is empty. Ask something such as “Tell me about Apple”.")
    return visible


def _is_control(char: str) -> bool:
    """Control, format (which includes text direction), surrogate and private-use characters."""
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")
