"""Facts, spans, events and sessions as tidy DataFrames; the only module that imports pandas.

Every frame has the same columns and types whether or not it has rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from finassist.facts import Fact
from finassist.formatting import label

_TEXT, _DAY, _FLOAT, _TIME = "string", "datetime64[s]", "Float64", "datetime64[us, UTC]"

FACTS = {
    "symbol": _TEXT,
    "field": _TEXT,
    "label": _TEXT,
    "statement": _TEXT,
    "value": _FLOAT,
    "exact": "object",
    "unit": _TEXT,
    "currency": _TEXT,
    "period": _TEXT,
    "period_end": _DAY,
    "as_of": _DAY,
    "status": _TEXT,
    "formula": _TEXT,
    "inputs": "object",
    "source": _TEXT,
    "filing": _TEXT,
    "concept": _TEXT,
    "note": _TEXT,
    "text": _TEXT,
}
SPANS = {"name": _TEXT, "parent": _TEXT, "start": _FLOAT, "end": _FLOAT, "duration": _FLOAT, "status": _TEXT}
EVENTS = {
    "event": _TEXT,
    "run_id": _TEXT,
    "session_id": _TEXT,
    "created_at": _TIME,
    "step": _TEXT,
    "content": _TEXT,
}
SESSIONS = {
    "session_id": _TEXT,
    "name": _TEXT,
    "turns": "Int64",
    "first_question": _TEXT,
    "last_question": _TEXT,
    "last_status": _TEXT,
    "symbols": "object",
    "summary": _TEXT,
    "created_at": _TIME,
    "updated_at": _TIME,
}
LONGEST_CONTENT = 200


class Serialisable(Protocol):
    """Anything with a dictionary form: an event."""

    def to_dict(self) -> dict[str, Any]:
        """The dictionary form."""
        ...


def facts_frame(facts: Iterable[Fact]) -> pd.DataFrame:
    """One row a fact, in the order given.

    Columns:
        symbol, field, label, statement: What the figure is.
        value: The figure as a nullable float for arithmetic; `<NA>` when it is not known.
        exact: The same figure as a `decimal.Decimal` with every digit, or `None`.
        unit, currency: `"USD"`, `"USD/share"`, `"shares"`, `"ratio"` (0.25 is 25 %), `"times"`; ISO currency.
        period, period_end, as_of: `"FY2025"`, its last day, and the day the figure was known.
        status: `reported`, `derived`, `missing`, `not_meaningful` or `error`.
        formula, inputs: How a derived figure was made, and the keys of the facts it was made from.
        source, filing, concept, note, text: Origin, SEC accession, filer's tag, caveat, value of a text fact.

    Example:
        >>> frame = facts_frame([Fact(symbol="AAPL", field="revenue", statement="income", status="missing")])
        >>> frame.loc[0, "label"], frame["value"].isna().item()
        ('Revenue', True)
    """
    return _typed([_fact_row(fact) for fact in facts], FACTS)


def spans_frame(spans: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a task of a run: `name`, `parent`, `start`, `end`, `duration` (seconds since the start), `status`.

    Example:
        >>> frame = spans_frame([{"name": "run", "start": 0.5, "end": 2.0, "status": "completed"}])
        >>> frame["duration"].tolist()
        [1.5]
    """
    frame = _typed([dict(span) for span in spans], SPANS)
    frame["duration"] = frame["end"] - frame["start"]
    return frame


def events_frame(events: Iterable[Serialisable]) -> pd.DataFrame:
    """One row an event: `event`, `run_id`, `session_id`, `created_at` (UTC), `step`, `content` (shortened)."""
    return _typed([_event_row(event.to_dict()) for event in events], EVENTS)


def sessions_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a stored conversation, in the order given: its questions, symbols, summary and times (UTC)."""
    return _typed([dict(row) for row in rows], SESSIONS)


def _fact_row(fact: Fact) -> dict[str, Any]:
    row = {name: getattr(fact, name) for name in FACTS if name not in ("label", "value", "exact")}
    known = fact.value if fact.known else None
    return {**row, "label": label(fact.field), "value": None if known is None else float(known), "exact": known}


def _event_row(data: Mapping[str, Any]) -> dict[str, Any]:
    content = data.get("content")
    text = None if content is None else str(content)
    step = data.get("step_name") or data.get("step")
    short = text if text is None or len(text) <= LONGEST_CONTENT else f"{text[: LONGEST_CONTENT - 1]}…"
    return {**data, "step": step, "content": short}


def _typed(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, str]) -> pd.DataFrame:
    columns = {name: _column([row.get(name) for row in rows], dtype) for name, dtype in schema.items()}
    return pd.DataFrame(columns, columns=list(schema))


def _column(values: Sequence[Any], dtype: str) -> pd.Series[Any]:
    if dtype == _TIME:
        numbers = all(isinstance(value, int | float) for value in values if value is not None)
        times = pd.to_datetime(pd.Series(values, dtype="object"), utc=True, unit="s" if numbers else None)
        return times.astype(_TIME)
    if dtype == _DAY:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object")), dtype=_DAY)
    return pd.Series(values, dtype=dtype)
