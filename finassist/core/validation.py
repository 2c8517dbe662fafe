"""What can be asked: text, not blank, not endless, without invisible control characters; and with known keywords."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from finassist.core.errors import EmptyQuestion, NotText, QuestionTooLong

_KEPT = "\n\t"
_NONE: Mapping[str, str] = {}


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


def check_keywords(call: str, given: Iterable[str], known: Sequence[str], elsewhere: Mapping[str, str] = _NONE) -> None:
    """Refuse keywords that a call does not have, and suggest the right one.

    Args:
        call: The call, for the message.
        given: Keywords that were given.
        known: Keywords of the call, those of interest first.
        elsewhere: Where keywords belong that this call does not have.

    Raises:
        TypeError: There is an unknown one.

    Example:
        >>> check_keywords("run()", ["sesion_id"], ["session_id", "user_id"])
        Traceback (most recent call last):
        TypeError: run() has no keyword 'sesion_id'. Did you mean session_id?
    """
    for name in given:
        if name in known:
            continue
        hint = did_you_mean(name, known)
        if not hint and (near := get_close_matches(name, elsewhere, n=1)):
            hint = f" {near[0]} belongs elsewhere: {elsewhere[near[0]]}"
        raise TypeError(f"{call} has no keyword {name!r}.{hint or f' It takes {", ".join(known[:5])} and others.'}")


def _is_control(char: str) -> bool:
    """Control, format (which includes text direction), surrogate and private-use characters."""
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` Did you mean …?`, or nothing if no name is near.

    Example:
        >>> did_you_mean("FINASSIST_ROUTNG", ["FINASSIST_ROUTING", "FINASSIST_YEARS"])
        ' Did you mean FINASSIST_ROUTING?'
    """
    near = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""
