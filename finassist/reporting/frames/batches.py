"""Batches as tidy DataFrames: a row a question, or a row a figure of any of the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any, Final

import pandas as pd

from finassist.core.facts import Fact
from finassist.reporting.frames.builders import fact_row
from finassist.reporting.frames.schemas import FACTS, SCHEMAS, Column, Schema, typed

BATCH: Final[Schema] = {
    "ordinal": Column("integer", "place of the question among those given, from 0", optional=False),
    "question": Column("text", "the question, as it was given", optional=False),
    "status": Column("text", "completed, failed, or unasked where the batch stopped before", optional=False),
    "category": Column("text", "what kind of answer it got"),
    "symbols": Column("list", "ticker symbols it was about"),
    "answer": Column("text", "text of the answer, as markdown"),
    "n_facts": Column("integer", "figures in the answer"),
    "n_gaps": Column("integer", "things that should be in the answer and are not"),
    "error": Column("text", "name of what went wrong"),
    "message": Column("text", "what went wrong, and what to do next"),
    "latency": Column("number", "how long it took; 0 where an identical question had been answered", "s"),
    "tokens": Column("integer", "used by models for it", "tokens"),
    "cost": Column("number", "of these tokens; missing where a price is not known", "USD"),
    "calls": Column("integer", "fetches it did not share with an earlier question"),
    "attempts": Column("integer", "how often it was asked"),
}
BATCH_FACTS: Final[Schema] = {"ordinal": BATCH["ordinal"], "question": BATCH["question"], **FACTS}
SCHEMAS["batch"], SCHEMAS["batch_facts"] = BATCH, BATCH_FACTS

_AT_ONCE: Final = 100


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


def _some_facts(answers: Iterable[tuple[int, str, Sequence[Fact]]]) -> pd.DataFrame:
    rows = [
        {"ordinal": ordinal, "question": question, **fact_row(fact)}
        for ordinal, question, facts in answers
        for fact in facts
    ]
    return typed(rows, BATCH_FACTS)
