"""What an answer says: data read from its text, or the named error that its status and its words mean."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from importlib.resources import files
from typing import Any, cast

from finassist.core import errors
from finassist.core.errors import BadPayload, DataError

type Check = Callable[[Any], object]
"""Raises a `DataError` if data cannot be used."""

_ERROR_FIELDS = ("Error Message", "error", "message", "Information", "Note")
_MOST_ERROR_FIELDS = 4  # an error may bring a code, a status and a time
_HALF = re.compile(
    r"(?<!\\)\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})(?<!\\)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
"""Half of a surrogate pair: a text with one can be neither stored nor shown."""

_SETTING = re.compile(r"(?:value set for|values for) '(\w{1,30})'", re.I)
_UNSAFE = re.compile(r"https?://\S+|[^\w .,:;()%+-]", re.ASCII)
_EXCERPT = 120
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_LONGEST_WAIT = timedelta(days=366)
_NEVER_SUPPORTED = frozenset({501, 505})


# ---------------------------------------------------------------------------------------------------- data


class BadJson(ValueError):
    """The body is not JSON that can be used; the message says why, in half a sentence."""


def read_json(text: str) -> Any:
    """What a body says. Whole numbers are `int`, all others exact; what JSON has no number for is one of `Decimal`.

    Example:
        >>> read_json('{"price": 1.10, "shares": 3, "eps": NaN}')
        {'price': Decimal('1.10'), 'shares': 3, 'eps': Decimal('NaN')}
    """
    text = _HALF.sub("\ufffd", text.removeprefix("\ufeff"))
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_each_once)
    except RecursionError:
        raise BadJson("nested too deeply") from None
    except BadJson:
        raise
    except (ValueError, ArithmeticError):
        raise BadJson(_why_not(text)) from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; refuses a name that is given twice, since either value may be the wrong one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadJson("JSON that gives a name twice")
    return found


def _why_not(text: str) -> str:
    start = text.strip()[:200].lower()
    if not start:
        return "an empty body"
    if start.startswith("<"):
        return "a web page instead of data"
    if start[0] not in "{[":
        return "plain text instead of data"
    return "JSON that is broken" if text.rstrip()[-1:] in ("}", "]") else "JSON that breaks off"


def error_words(data: Any) -> str | None:
    """The words of an error that came with status 200, or `None` if this is data."""
    if isinstance(data, list):
        rows = cast("list[Any]", data)
        return error_words(rows[0]) if len(rows) == 1 else None
    fields = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    if len(fields) > _MOST_ERROR_FIELDS and "Error Message" not in fields:
        return None
    for words in (fields[key] for key in _ERROR_FIELDS if key in fields):
        if isinstance(words, str):
            return words
        if found := error_words(words):
            return found
    return None


def said(text: str) -> str:
    """What an error body says, whether it is plain text or an object with an error in it."""
    try:
        return error_words(read_json(text)) or text
    except BadJson:
        return text


def interpret(text: str, name: str, check: Check | None) -> Any | DataError:
    """What the text of an answer with status 200 says: data that `check` accepts, or the error that it means."""
    try:
        data = read_json(text)
    except BadJson as problem:
        found = explain_words(Refusal(name, 200, text))
        return found or BadPayload(f"{name} sent {problem}. Ask again, or use another provider.")
    if (words := error_words(data)) is not None:
        return explain(Refusal(name, 200, words))
    try:
        if check:
            check(data)
    except DataError as error:
        return error
    return data


# -------------------------------------------------------------------------------------------------- errors


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not data, already without secrets: `location` is the host it points to instead."""

    name: str
    status: int
    text: str
    again_at: datetime | None = None
    location: str = ""

    @property
    def may_pass(self) -> bool:
        """Whether a retry can help: the server failed, or it says how long to wait."""
        if self.status == 429:
            return self.again_at is not None
        return self.status == 408 or (self.status >= 500 and self.status not in _NEVER_SUPPORTED)

    @property
    def quoted(self) -> str:
        """A short, harmless piece of what the provider says, if it speaks in words."""
        if self.text.lstrip().startswith(("<", "[", "{")):
            return ""
        words = " ".join(_UNSAFE.sub(" ", self.text).split())[:_EXCERPT].strip(" .,:;")
        return f', saying "{words}"' if words else ""


_MEANINGS: Mapping[str, Any] = tomllib.loads(files(__package__ or "").joinpath("meanings.toml").read_text("utf-8"))
_PLAN = re.compile(r"premium|exclusive endpoint|special (endpoint|parameters)|restricted|subscription|upgrade", re.I)


def explain(refusal: Refusal) -> DataError:
    """The error that this answer means; its message ends with what to do next."""
    if refusal.status >= 500 or refusal.status == 408:
        return error_of("trouble", refusal)
    if found := explain_words(refusal):
        return found
    otherwise = "redirect" if 300 <= refusal.status < 400 else "other"
    return error_of(_MEANINGS["by_status"].get(str(refusal.status), otherwise), refusal)


def explain_words(refusal: Refusal) -> DataError | None:
    """The error that the words mean, whatever the status, or `None` if they mean nothing known."""
    for words, meaning in _MEANINGS["by_words"]:
        if re.search(words, refusal.text, re.I):
            return error_of(meaning, refusal)
    of_plan = refusal.status in (200, 402, 403) and _PLAN.search(refusal.text)
    return error_of("plan", refusal) if of_plan else None


def error_of(name: str, refusal: Refusal) -> DataError:
    """The error of this name in `meanings.toml`, in words about this answer."""
    meaning: Mapping[str, str] = _MEANINGS[name]
    at, setting = refusal.again_at, _SETTING.search(refusal.text)
    status = f"status {refusal.status}" if refusal.status != 200 else "an error of its own"
    words = meaning["says"].format(
        name=refusal.name,
        said=refusal.quoted,
        status=f"{status}{refusal.quoted}",
        where=f" to {refusal.location}" if refusal.location else "",
        what=f"this value of '{setting[1]}'" if setting else "this kind of data",
        when=meaning.get("at", "").format(time=f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        if at
        else meaning.get("some_time"),
    )
    kind: type[DataError] = getattr(errors, meaning["error"])
    return kind(words, again_at=at) if issubclass(kind, errors.QuotaExhausted | errors.RateLimited) else kind(words)


def read_retry_after(header: str | None, now: datetime) -> timedelta | None:
    """How long to wait, or `None` if the header is absent, nonsense, or more than a year away.

    Example:
        >>> now = datetime(2026, 8, 21, 12, tzinfo=UTC)
        >>> read_retry_after("30", now), read_retry_after("Fri, 21 Aug 2026 12:01:00 GMT", now)
        (datetime.timedelta(seconds=30), datetime.timedelta(seconds=60))
        >>> read_retry_after("soon", now) is None
        True
    """
    text = (header or "").strip()
    try:
        if _SECONDS.fullmatch(text):
            wait = timedelta(seconds=float(text))
        else:
            moment = parsedate_to_datetime(text)
            wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return None if wait > _LONGEST_WAIT else max(wait, timedelta(0))
