"""Facts, spans, events, sessions and runs as tidy DataFrames; `schemas` says what is in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any, Protocol, cast

import pandas as pd

from finassist.core.facts import Fact
from finassist.core.formatting import label
from finassist.reporting.frames.schemas import BATCH, BATCH_FACTS, EVENTS, FACTS, HISTORY, SESSIONS, SPANS, typed

LONGEST_CONTENT = 200
_AT_ONCE = 100


class Serialisable(Protocol):
    """Anything with a dictionary form: an event."""

    def to_dict(self) -> dict[str, Any]:
        """The dictionary form."""
        ...


def facts_frame(facts: Iterable[Fact]) -> pd.DataFrame:
    """One row a fact, in the order given.

    Columns (`describe("facts")` has them as a table):
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
    return typed([fact_row(fact) for fact in facts], FACTS)


def spans_frame(spans: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a task of a run: `name`, `parent`, `start`, `end`, `duration` (seconds since the start), `status`.

    Example:
        >>> frame = spans_frame([{"name": "run", "start": 0.5, "end": 2.0, "status": "completed"}])
        >>> frame["duration"].tolist()
        [1.5]
    """
    frame = typed([dict(span) for span in spans], SPANS)
    frame["duration"] = frame["end"] - frame["start"]
    return frame


def events_frame(events: Any) -> pd.DataFrame:
    """One row an event of a run, in the order they came.

    Args:
        events: An `Answer`, or the events themselves.

    Columns (`describe("events")` has them as a table):
        event, run_id, session_id: What happened, and where.
        created_at, elapsed: When (UTC), and how many seconds after the start of the run.
        step, content: The step it belongs to, and what it says, shortened to 200 characters.

    Example:
        >>> events_frame([])["elapsed"].dtype
        Float64Dtype()
    """
    found = cast("Iterable[Serialisable]", getattr(events, "events", events) or ())
    return typed([_event_row(event.to_dict()) for event in found], EVENTS)


def sessions_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a stored conversation, in the order given: its questions, symbols, summary and times (UTC)."""
    return typed([dict(row) for row in rows], SESSIONS)


def history_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a stored run, in the order given: what was asked, how it ended, and what it took.

    Columns (`describe("history")` has them as a table):
        session_id, run_id, question, category, symbols: What was asked, and what it was about.
        status, started, latency: How it ended, when it began (UTC), and the seconds it took.
        tokens_in, tokens_out, cost: What models took, in tokens and US dollars; `<NA>` where it is not known.
        saved, models, decided_by, gaps: Whether it is stored, who did the work, who decided what was asked, and how
            many things are missing from the answer.

    Example:
        >>> history_frame([{"question": "Hello", "status": "COMPLETED", "saved": True}])["cost"].isna().item()
        True
    """
    return typed([dict(row) for row in rows], HISTORY)


def batch_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a question of a batch, in the order given.

    Columns (`describe("batch")` has them as a table):
        ordinal, question, status: The place of the question, the question, and `completed`, `failed` or `unasked`.
        category, symbols, answer, n_facts, n_gaps: What came of it.
        error, message: What went wrong, and what to do next.
        latency, tokens, cost, calls, attempts: What it took.

    Example:
        >>> frame = batch_frame([{"ordinal": 0, "question": "Hello", "status": "unasked"}])
        >>> frame.loc[0, "status"], frame["latency"].isna().item()
        ('unasked', True)
    """
    found = [{**row, "n_facts": row.get("facts"), "n_gaps": row.get("gaps")} for row in rows]
    return typed(found, BATCH)


def batch_facts_frame(answers: Iterable[tuple[int, str, Sequence[Fact]]]) -> pd.DataFrame:
    """One row a figure of any answer: ordinal and question of the answer, and the columns of `facts_frame`.

    Example:
        >>> fact = Fact(symbol="AAPL", field="revenue", statement="income", status="missing")
        >>> batch_facts_frame([(0, "Revenue of Apple", [fact])])[["ordinal", "label"]].values.tolist()
        [[0, 'Revenue']]
    """
    frames = [_some_facts(some) for some in batched(answers, _AT_ONCE)]
    return pd.concat(frames, ignore_index=True) if frames else typed([], BATCH_FACTS)


def fact_row(fact: Fact) -> dict[str, Any]:
    """A fact as a row of `FACTS`."""
    row = {name: getattr(fact, name) for name in FACTS if name not in ("label", "value", "exact")}
    known = fact.value if fact.known else None
    return {**row, "label": label(fact.field), "value": None if known is None else float(known), "exact": known}


def _event_row(data: Mapping[str, Any]) -> dict[str, Any]:
    content = data.get("content")
    text = None if content is None else str(content)
    step = data.get("step_name") or data.get("step")
    short = text if text is None or len(text) <= LONGEST_CONTENT else f"{text[: LONGEST_CONTENT - 1]}…"
    return {**data, "step": step, "content": short}


def _some_facts(answers: Iterable[tuple[int, str, Sequence[Fact]]]) -> pd.DataFrame:
    rows = [
        {"ordinal": ordinal, "question": question, **fact_row(fact)}
        for ordinal, question, facts in answers
        for fact in facts
    ]
    return typed(rows, BATCH_FACTS)
