"""Facts, spans, events, sessions and runs as tidy DataFrames; the only package that imports pandas.

Every frame has the same columns and types whether or not it has rows; `describe("facts")` lists them.
"""

from __future__ import annotations

from pandas import DataFrame

from finassist.reporting.frames.builders import (
    batch_facts_frame,
    batch_frame,
    by_company,
    by_year,
    events_frame,
    facts_frame,
    history_frame,
    sessions_frame,
    spans_frame,
)
from finassist.reporting.frames.files import check_file, read_frame, safe_csv, write_frame
from finassist.reporting.frames.own import companies_frame, own_table
from finassist.reporting.frames.schemas import SCHEMAS, Column, Schema, describe, typed

__all__ = [
    "SCHEMAS",
    "Column",
    "DataFrame",
    "Schema",
    "batch_facts_frame",
    "batch_frame",
    "by_company",
    "by_year",
    "check_file",
    "companies_frame",
    "describe",
    "events_frame",
    "facts_frame",
    "history_frame",
    "own_table",
    "read_frame",
    "safe_csv",
    "sessions_frame",
    "spans_frame",
    "typed",
    "write_frame",
]
