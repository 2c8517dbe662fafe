"""The `Retry-After` header, which holds seconds, a date, or nonsense."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_LONGEST = timedelta(days=366)


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
    return None if wait is None or wait > _LONGEST else max(wait, timedelta(0))


def _read(text: str, now: datetime) -> timedelta | None:
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=float(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def moment(again_at: datetime) -> str:
    """The time as people read it.

    Example:
        >>> moment(datetime(2026, 8, 21, 12, 5, 30, tzinfo=UTC))
        '2026-08-21 12:05 UTC'
    """
    return f"{again_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
