"""Facts, spans, events, sessions and runs as tidy DataFrames; the only package that imports pandas.

Every frame has the same columns and types whether or not it has rows; `describe("facts")` lists them.
"""

from __future__ import annotations

from finassist.frames.builders import events_frame, facts_frame, history_frame, sessions_frame, spans_frame
from finassist.frames.schemas import SCHEMAS, Column, Schema, describe, typed

__all__ = [
    "SCHEMAS",
    "Column",
    "Schema",
    "describe",
    "events_frame",
    "facts_frame",
    "history_frame",
    "sessions_frame",
    "spans_frame",
    "typed",
]
