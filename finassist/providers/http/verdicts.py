"""What an answer that is not data means: a status and some words become one named error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from finassist.core.errors import (
    AuthError,
    BadPayload,
    DataError,
    NotFound,
    PlanError,
    QuotaExhausted,
    RateLimited,
    Unreachable,
)
from finassist.providers.http.retry_after import moment

_BAD_KEY = re.compile(r"invalid api ?key|api ?key.{0,40}(missing|invalid|not valid|required)", re.I)
_LEGACY = re.compile(r"legacy endpoint", re.I)
_BANDWIDTH = re.compile(r"bandwidth limit", re.I)
_USED_UP = re.compile(r"limit reach|daily (limit|quota)|quota (exceeded|exhausted|reached)", re.I)
_TOO_MANY = re.compile(r"too many requests|rate limit|request rate threshold", re.I)
_UNDECLARED = re.compile(r"undeclared automated tool", re.I)
_PLAN = re.compile(r"premium|exclusive endpoint|special (endpoint|parameters)|restricted|subscription|upgrade", re.I)
_SETTING = re.compile(r"(?:value set for|values for) '(\w{1,30})'", re.I)
_SPEAKS_OF_FAILURE = ("Error Message", "error", "message", "Information", "Note")
_UNSAFE = re.compile(r"https?://\S+|[^\w .,:;()%+-]", re.ASCII)
_EXCERPT = 120

_HELPLESS = frozenset({501, 505})  # it will not know how to do it next time either


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not data, already without secrets.

    Attributes:
        name: The provider's name for people.
        status: The HTTP status.
        text: What the body says.
        now: When it came.
        wait: How long the provider asks to wait, if it says.
        location: Host it points to instead, if it redirects.
    """

    name: str
    status: int
    text: str
    now: datetime
    wait: timedelta | None = None
    location: str = ""

    @property
    def again_at(self) -> datetime | None:
        """When the provider says it answers again."""
        return None if self.wait is None else self.now + self.wait

    @property
    def may_pass(self) -> bool:
        """Whether asking again soon can help: a server in trouble, or too many requests with a time to wait."""
        if self.status == 429:
            return self.wait is not None
        return self.status == 408 or (self.status >= 500 and self.status not in _HELPLESS)


def complaint(data: Any) -> str | None:
    """The words of an error that came with status 200, or `None` if this is data."""
    if not isinstance(data, dict):
        return None
    fields: dict[str, Any] = data  # pyright: ignore[reportUnknownVariableType]
    if isinstance(words := fields.get("Error Message"), str):
        return words
    if len(fields) == 1:
        [(key, words)] = fields.items()
        return words if key in _SPEAKS_OF_FAILURE and isinstance(words, str) else None
    return None


def judge(refusal: Refusal) -> DataError:
    """The error that this answer means; its message ends with what to do next."""
    if refusal.status >= 500:
        return _in_trouble(refusal)
    return judge_words(refusal) or _by_status(refusal)


def judge_words(refusal: Refusal) -> DataError | None:
    """The error that the words mean, whatever the status, or `None` if they mean nothing known."""
    name, text = refusal.name, refusal.text
    if _LEGACY.search(text):
        return PlanError(
            f"{name} has closed this old address to keys made after August 2025. "
            "Use the current address of its API, or leave base_url as it is."
        )
    if _BAD_KEY.search(text):
        return _bad_key(name)
    if _BANDWIDTH.search(text) or _USED_UP.search(text):
        return _used_up(refusal, volume=bool(_BANDWIDTH.search(text)))
    if _TOO_MANY.search(text):
        return _too_many(refusal)
    if _UNDECLARED.search(text):
        return AuthError(f"{name} does not accept the contact address. Set FINASSIST_SEC_CONTACT to one that is read.")
    if _PLAN.search(text) and refusal.status in (200, 402, 403):
        return _not_in_plan(name, text)
    return None


def _by_status(refusal: Refusal) -> DataError:
    name, status = refusal.name, refusal.status
    if 300 <= status < 400:
        where = f" to {refusal.location}" if refusal.location else ""
        return BadPayload(
            f"{name} redirects{where}, which is not followed so that your key stays where you sent it. "
            "Check base_url; a network that asks you to sign in also does this."
        )
    match status:
        case 401:
            return _bad_key(name)
        case 402:
            return _not_in_plan(name, refusal.text)
        case 403:
            return AuthError(f"{name} refused your key for this request{_quoted(refusal)}. Check the key and its plan.")
        case 404:
            return NotFound(f"{name} has nothing at this address. Check the symbol, or try another provider.")
        case 408:
            return _in_trouble(refusal)
        case 429:
            return _too_many(refusal)
        case _:
            return BadPayload(
                f"{name} answered with {_status(refusal)} instead of data. Ask again, or try another provider."
            )


def _bad_key(name: str) -> AuthError:
    return AuthError(
        f"{name} did not accept the API key. Check it for typing errors, or make a new one at the provider."
    )


def _not_in_plan(name: str, text: str) -> PlanError:
    setting = _SETTING.search(text)
    what = f"this value of '{setting[1]}'" if setting else "this kind of data"
    return PlanError(
        f"{name} does not include {what} in your plan. Ask for less, choose a larger plan, or another provider."
    )


def _used_up(refusal: Refusal, *, volume: bool) -> QuotaExhausted:
    what = "data volume of your plan is" if volume else "requests of your plan are"
    if refusal.again_at:
        when = f"It resets at {moment(refusal.again_at)}"
    elif volume:
        when = "It counts the last 30 days, so it frees up little by little"
    else:
        when = "A daily allowance resets within 24 hours; the provider does not say at which hour"
    next_step = 'Wait, choose a larger plan, or use provider="embedded".'
    return QuotaExhausted(
        f"{refusal.name} says that the {what} used up. {when}. {next_step}", again_at=refusal.again_at
    )


def _too_many(refusal: Refusal) -> RateLimited:
    when = f"again after {moment(refusal.again_at)}" if refusal.again_at else "again in a minute"
    return RateLimited(f"{refusal.name} asks for fewer requests at a time. Ask {when}.", again_at=refusal.again_at)


def _in_trouble(refusal: Refusal) -> Unreachable:
    when = f"after {moment(refusal.again_at)}" if refusal.again_at else "in a few minutes"
    return Unreachable(f"{refusal.name} is in trouble (it answered with {_status(refusal)}). Ask again {when}.")


def _status(refusal: Refusal) -> str:
    return (
        f"an error of its own{_quoted(refusal)}"
        if refusal.status == 200
        else f"status {refusal.status}{_quoted(refusal)}"
    )


def _quoted(refusal: Refusal) -> str:
    """A short, harmless piece of what the provider says, if it speaks in words."""
    if refusal.text.lstrip().startswith(("<", "[", "{")):
        return ""
    words = " ".join(_UNSAFE.sub(" ", refusal.text).split())[:_EXCERPT].strip(" .,:;")
    return f', saying "{words}"' if words else ""
