"""Text from outside: a question that comes in is checked, and a reply is made fit to be shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final

from finassist.core.errors import EmptyQuestion, InputError, NotText, QuestionTooLong

_NONE: Mapping[str, str] = {}
_CONTROL = ("Cc", "Cf", "Cs", "Co")
"""Control, format (which includes text direction), surrogate and private-use characters."""


def check_question(question: Any, limit: int, what: str = "question") -> str:
    r"""The question, stripped, without control and text-direction characters.

    `what` names it where it cannot be used: `"question"`, or `"text"` where figures are checked.

    Raises:
        NotText: It is not a string.
        QuestionTooLong: It is longer than `limit`.
        EmptyQuestion: Nothing is left of it.

    Example:
        >>> check_question("  What is EBITDA?\u202e ", 100)
        'What is EBITDA?'
    """
    if not isinstance(question, str):
        raise NotText(f"A {what} is text, not {type(question).__name__}. Pass a string such as {_SUCH_AS[what]}.")
    if len(question) > limit:
        raise QuestionTooLong(
            f"The {what} has {len(question):,} characters; {limit:,} are allowed. "
            f"Shorten it, or raise the limit with FINASSIST_MAX_{what.upper()}_LENGTH."
        )
    if not (shown := visible(question).strip()):
        raise EmptyQuestion(
            f"The {what} is empty. {'Ask' if what == 'question' else 'Give'} something such as {_SUCH_AS[what]}."
        )
    return shown


_SUCH_AS: Final = {
    "question": "“Tell me about Apple”",
    "text": "“Apple's net margin was 25.3% in FY2022”",
}


def said(error: BaseException) -> str:
    """What an error says; nothing where it cannot even say that.

    Example:
        >>> said(ValueError("no number"))
        'no number'
    """
    with suppress(Exception):
        return str(error)
    return ""


def visible(text: str) -> str:
    r"""The text without control, text-direction and private characters, and without halves of characters.

    Halves that belong together become their character first: JSON may bring them one after the other.

    Example:
        >>> visible("a\u202eb\x00 \ud83d\ude00 \ud83d.")
        'ab 😀 .'
    """
    whole = text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(c for c in whole if c in "\n\t" or (c != "\ufffd" and unicodedata.category(c) not in _CONTROL))


def check_day(value: date | str | None) -> date | None:
    """A day of the calendar, from itself or from its ISO form.

    Raises:
        InputError: It is none.

    Example:
        >>> check_day("2023-03-01")
        datetime.date(2023, 3, 1)
    """
    if isinstance(value, datetime):
        return value.date()
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise InputError(f'as_of={value!r:.40} is no day. Write as_of="2023-03-01".') from None


def check_keywords(call: str, given: Iterable[str], known: Sequence[str], elsewhere: Mapping[str, str] = _NONE) -> None:
    """Refuse keywords that a call does not have, and suggest the right one.

    `known` begins with those of interest; `elsewhere` says where some belong that this call does not have.

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


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` Did you mean …?`, or nothing if no name is near.

    Example:
        >>> did_you_mean("FINASSIST_ROUTNG", ["FINASSIST_ROUTING", "FINASSIST_YEARS"])
        ' Did you mean FINASSIST_ROUTING?'
    """
    near = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""
