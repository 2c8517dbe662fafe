"""Text from outside: a question that comes in is checked, and what goes out has passed through `redact`."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from finassist.core.errors import EmptyQuestion, InputError, NotText, QuestionTooLong

_NONE: Mapping[str, str] = {}
_CONTROL = ("Cc", "Cf", "Cs", "Co")
"""Control, format (which includes text direction), surrogate and private-use characters."""


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
    visible = "".join(c for c in question if c in "\n\t" or unicodedata.category(c) not in _CONTROL).strip()
    if not visible:
        raise EmptyQuestion("The question is empty. Ask something such as “Tell me about Apple”.")
    return visible


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


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` Did you mean …?`, or nothing if no name is near.

    Example:
        >>> did_you_mean("FINASSIST_ROUTNG", ["FINASSIST_ROUTING", "FINASSIST_YEARS"])
        ' Did you mean FINASSIST_ROUTING?'
    """
    near = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""


# ------------------------------------------------------------------------------------------------------------- secrets

HIDDEN = "[hidden]"
_SHORTEST = 6  # anything shorter ("demo") protects nothing, and would eat ordinary words


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text without any of the secrets, whether plain, percent-encoded or escaped as in JSON.

    A secret of fewer than six characters is left alone: it is no secret, and would eat ordinary words.

    Example:
        >>> redact("GET /quote?apikey=s3cret%2Fkey refused s3cret/key", ["s3cret/key"])
        'GET /quote?apikey=[hidden] refused [hidden]'
    """
    spellings = {spelling for secret in secrets if len(secret) >= _SHORTEST for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, HIDDEN)
    return text


def redact_error(error: BaseException, secrets: Iterable[str]) -> None:
    """Take the secrets out of what an error, and every error behind it, was made with.

    What we raise has none. This is for a bug in other code, whose words are stored and shown as they are.

    Example:
        >>> error = TypeError("no number in /quote?apikey=s3cret-key", 5)
        >>> redact_error(error, ["s3cret-key"])
        >>> error
        TypeError('no number in /quote?apikey=[hidden]', 5)
    """
    known, seen, waiting = tuple(secrets), set[int](), [error]
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            each.args = tuple(redact(part, known) if isinstance(part, str) else part for part in each.args)
            waiting += filter(None, (each.__cause__, each.__context__))


@lru_cache(maxsize=16)  # of the same key, for every answer of a source
def _spellings(secret: str) -> frozenset[str]:
    encoded = quote(secret, safe="")
    lower = "".join(part if not i else "%" + part[:2].lower() + part[2:] for i, part in enumerate(encoded.split("%")))
    escaped = json.dumps(secret)[1:-1]
    return frozenset([secret, encoded, lower, quote(secret), quote_plus(secret), escaped, escaped.replace("/", "\\/")])
