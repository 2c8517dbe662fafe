"""What an answer that is not data means: its status and its words become one named error."""

from __future__ import annotations

import re
from collections.abc import Callable
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
    if response.status >= 500 or response.status == 408:
        when = f"after {_time(response.again_at)}" if response.again_at else "in a few minutes"
        return Unreachable(f"{response.name} is in trouble (it answered with {_status(response)}). Ask again {when}.")
    return classify_words(response) or _by_status(response)


def classify_words(response: ErrorResponse) -> DataError | None:
    """The error that the words mean, whatever the status, or `None` if they mean nothing known."""
    for pattern, make in _MEANINGS:
        if pattern.search(response.text):
            return make(response)
    if _PLAN.search(response.text) and response.status in (200, 402, 403):
        return _not_in_plan(response)
    return None


def _by_status(response: ErrorResponse) -> DataError:
    name, status = response.name, response.status
    if make := _BY_STATUS.get(status):
        return make(response)
    if 300 <= status < 400:
        where = f" to {response.location}" if response.location else ""
        return BadPayload(
            f"{name} redirects{where}, which is not followed so that your key stays where you sent it. "
            "Check base_url; a network that asks you to sign in also does this."
        )
    return BadPayload(f"{name} answered with {_status(response)} instead of data. Ask again, or try another provider.")


def _bad_key(response: ErrorResponse) -> AuthError:
    next_step = "Check it for typing errors, or make a new one at the provider."
    return AuthError(f"{response.name} did not accept the API key. {next_step}")


def _refused(response: ErrorResponse) -> AuthError:
    words = f"{response.name} refused your key for this request{_quoted(response)}"
    return AuthError(f"{words}. Check the key and its plan.")


def _not_found(response: ErrorResponse) -> NotFound:
    return NotFound(f"{response.name} has nothing at this address. Check the symbol, or try another provider.")


def _legacy(response: ErrorResponse) -> PlanError:
    return PlanError(
        f"{response.name} has closed this old address to keys made after August 2025. "
        "Use the current address of its API, or leave base_url as it is."
    )


def _not_in_plan(response: ErrorResponse) -> PlanError:
    setting = _SETTING.search(response.text)
    what = f"this value of '{setting[1]}'" if setting else "this kind of data"
    next_step = "Ask for less, choose a larger plan, or another provider."
    return PlanError(f"{response.name} does not include {what} in your plan. {next_step}")


def _undeclared(response: ErrorResponse) -> AuthError:
    words = f"{response.name} does not accept the contact address"
    return AuthError(f"{words}. Set FINASSIST_SEC_CONTACT to one that is read.")


def _volume_used_up(response: ErrorResponse) -> QuotaExhausted:
    when = "It counts the last 30 days, so it frees up little by little"
    return _used_up(response, "data volume of your plan is", when)


def _requests_used_up(response: ErrorResponse) -> QuotaExhausted:
    when = "A daily allowance resets within 24 hours; the provider does not say at which hour"
    return _used_up(response, "requests of your plan are", when)


def _used_up(response: ErrorResponse, what: str, when: str) -> QuotaExhausted:
    when = f"It resets at {_time(response.again_at)}" if response.again_at else when
    next_step = 'Wait, choose a larger plan, or use provider="embedded".'
    words = f"{response.name} says that the {what} used up. {when}. {next_step}"
    return QuotaExhausted(words, again_at=response.again_at)


def _too_many(response: ErrorResponse) -> RateLimited:
    when = f"again after {_time(response.again_at)}" if response.again_at else "again in a minute"
    return RateLimited(f"{response.name} asks for fewer requests at a time. Ask {when}.", again_at=response.again_at)


_MEANINGS: tuple[tuple[re.Pattern[str], Callable[[ErrorResponse], DataError]], ...] = (
    (re.compile(r"legacy endpoint", re.I), _legacy),
    (re.compile(r"invalid api ?key|api ?key.{0,40}(missing|invalid|not valid|required)", re.I), _bad_key),
    (re.compile(r"bandwidth limit", re.I), _volume_used_up),
    (re.compile(r"limit reach|daily (limit|quota)|quota (exceeded|exhausted|reached)", re.I), _requests_used_up),
    (re.compile(r"too many requests|rate limit|request rate threshold", re.I), _too_many),
    (re.compile(r"undeclared automated tool", re.I), _undeclared),
)
"""What words mean, the first that is found counts."""

_BY_STATUS = {401: _bad_key, 402: _not_in_plan, 403: _refused, 404: _not_found, 429: _too_many}


def _status(response: ErrorResponse) -> str:
    return f"{f'status {response.status}' if response.status != 200 else 'an error of its own'}{_quoted(response)}"


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
