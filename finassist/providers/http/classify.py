"""What an answer that is not data means: its status and its words become one named error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
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

_BAD_KEY = re.compile(r"invalid api ?key|api ?key.{0,40}(missing|invalid|not valid|required)", re.I)
_LEGACY = re.compile(r"legacy endpoint", re.I)
_BANDWIDTH = re.compile(r"bandwidth limit", re.I)
_USED_UP = re.compile(r"limit reach|daily (limit|quota)|quota (exceeded|exhausted|reached)", re.I)
_TOO_MANY = re.compile(r"too many requests|rate limit|request rate threshold", re.I)
_UNDECLARED = re.compile(r"undeclared automated tool", re.I)
_PLAN = re.compile(r"premium|exclusive endpoint|special (endpoint|parameters)|restricted|subscription|upgrade", re.I)
_SETTING = re.compile(r"(?:value set for|values for) '(\w{1,30})'", re.I)
_ERROR_FIELDS = ("Error Message", "error", "message", "Information", "Note")
_UNSAFE = re.compile(r"https?://\S+|[^\w .,:;()%+-]", re.ASCII)
_EXCERPT = 120
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_LONGEST_WAIT = timedelta(days=366)

_NEVER_SUPPORTED = frozenset({501, 505})


@dataclass(frozen=True, slots=True)
class ErrorResponse:
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
        """Whether a retry can help: the server failed, or it says how long to wait."""
        if self.status == 429:
            return self.wait is not None
        return self.status == 408 or (self.status >= 500 and self.status not in _NEVER_SUPPORTED)


def error_words(data: Any) -> str | None:
    """The words of an error that came with status 200, or `None` if this is data."""
    if not isinstance(data, dict):
        return None
    fields: dict[str, Any] = data  # pyright: ignore[reportUnknownVariableType]
    if isinstance(words := fields.get("Error Message"), str):
        return words
    if len(fields) == 1:
        [(key, words)] = fields.items()
        return words if key in _ERROR_FIELDS and isinstance(words, str) else None
    return None


def classify(response: ErrorResponse) -> DataError:
    """The error that this answer means; its message ends with what to do next."""
    if response.status >= 500:
        return _in_trouble(response)
    return classify_words(response) or _by_status(response)


def classify_words(response: ErrorResponse) -> DataError | None:
    """The error that the words mean, whatever the status, or `None` if they mean nothing known."""
    name, text = response.name, response.text
    if _LEGACY.search(text):
        return PlanError(
            f"{name} has closed this old address to keys made after August 2025. "
            "Use the current address of its API, or leave base_url as it is."
        )
    if _BAD_KEY.search(text):
        return _bad_key(name)
    if _BANDWIDTH.search(text) or _USED_UP.search(text):
        return _used_up(response, volume=bool(_BANDWIDTH.search(text)))
    if _TOO_MANY.search(text):
        return _too_many(response)
    if _UNDECLARED.search(text):
        return AuthError(f"{name} does not accept the contact address. Set FINASSIST_SEC_CONTACT to one that is read.")
    if _PLAN.search(text) and response.status in (200, 402, 403):
        return _not_in_plan(name, text)
    return None


def _by_status(response: ErrorResponse) -> DataError:
    name, status = response.name, response.status
    if 300 <= status < 400:
        where = f" to {response.location}" if response.location else ""
        return BadPayload(
            f"{name} redirects{where}, which is not followed so that your key stays where you sent it. "
            "Check base_url; a network that asks you to sign in also does this."
        )
    match status:
        case 401:
            return _bad_key(name)
        case 402:
            return _not_in_plan(name, response.text)
        case 403:
            return AuthError(
                f"{name} refused your key for this request{_quoted(response)}. Check the key and its plan."
            )
        case 404:
            return NotFound(f"{name} has nothing at this address. Check the symbol, or try another provider.")
        case 408:
            return _in_trouble(response)
        case 429:
            return _too_many(response)
        case _:
            return BadPayload(
                f"{name} answered with {_status(response)} instead of data. Ask again, or try another provider."
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


def _used_up(response: ErrorResponse, *, volume: bool) -> QuotaExhausted:
    what = "data volume of your plan is" if volume else "requests of your plan are"
    if response.again_at:
        when = f"It resets at {_time(response.again_at)}"
    elif volume:
        when = "It counts the last 30 days, so it frees up little by little"
    else:
        when = "A daily allowance resets within 24 hours; the provider does not say at which hour"
    next_step = 'Wait, choose a larger plan, or use provider="embedded".'
    return QuotaExhausted(
        f"{response.name} says that the {what} used up. {when}. {next_step}", again_at=response.again_at
    )


def _too_many(response: ErrorResponse) -> RateLimited:
    when = f"again after {_time(response.again_at)}" if response.again_at else "again in a minute"
    return RateLimited(f"{response.name} asks for fewer requests at a time. Ask {when}.", again_at=response.again_at)


def _in_trouble(response: ErrorResponse) -> Unreachable:
    when = f"after {_time(response.again_at)}" if response.again_at else "in a few minutes"
    return Unreachable(f"{response.name} is in trouble (it answered with {_status(response)}). Ask again {when}.")


def _status(response: ErrorResponse) -> str:
    return (
        f"an error of its own{_quoted(response)}"
        if response.status == 200
        else f"status {response.status}{_quoted(response)}"
    )


def _quoted(response: ErrorResponse) -> str:
    """A short, harmless piece of what the provider says, if it speaks in words."""
    if response.text.lstrip().startswith(("<", "[", "{")):
        return ""
    words = " ".join(_UNSAFE.sub(" ", response.text).split())[:_EXCERPT].strip(" .,:;")
    return f', saying "{words}"' if words else ""


def read_retry_after(header: str | None, now: datetime) -> timedelta | None:
    """How long to wait, or `None` if the header is absent, nonsense, or more than a year away.

    Example:
        >>> now = datetime(2026, 8, 21, 12, tzinfo=UTC)
        >>> read_retry_after("30", now), read_retry_after("Fri, 21 Aug 2026 12:01:00 GMT", now)
        (datetime.timedelta(seconds=30), datetime.timedelta(seconds=60))
        >>> read_retry_after("soon", now) is None
        True
    """
    wait = _read((header or "").strip(), now)
    return None if wait is None or wait > _LONGEST_WAIT else max(wait, timedelta(0))


def _read(text: str, now: datetime) -> timedelta | None:
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=float(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def _time(again_at: datetime) -> str:
    """A time in words, in UTC."""
    return f"{again_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
