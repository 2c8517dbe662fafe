"""What a request gives: data with its age, or an error with a name."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from finassist.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Payload:
    """Data of a source. Shared by everybody who asked for the same at the same time: read it, do not change it.

    Attributes:
        data: What the body said, as `strict_json.loads` reads it.
        fetched_at: When it came from the source (UTC).
        cached: Whether it came from the disk now.
    """

    data: Any
    fetched_at: datetime
    cached: bool


type Outcome = Payload | DataError
"""A failure is a value until it reaches the caller: so it has no cause, no context, and no frame that knew the key."""


def unwrap(outcome: Outcome) -> Payload:
    """The payload, or the error, raised as a copy: several may wait for the same."""
    if isinstance(outcome, DataError):
        raise copy.copy(outcome)
    return outcome
