"""Reads a ledger: rows for a frame, and results with their answers. Opens the file for each reading."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finassist.batch.layout import explained
from finassist.batch.results import Result, answer_of, unpacked, unpacked_text

_ROWS = """
SELECT q.ordinal, q.question, q.state, q.category, q.symbols, q.facts, q.gaps, q.error, q.message, q.latency,
    q.tokens, q.cost, q.calls, q.attempts, q.at, coalesce(q.content, o.content) AS content, {record} AS record
FROM questions q LEFT JOIN questions o ON o.ordinal = q.same_as {where} ORDER BY q.ordinal
"""
_SHOWN = (
    "ordinal", "question", "status", "category", "error", "message", "latency", "tokens", "cost", "calls", "attempts",
)  # fmt: skip
_RECORD = "coalesce(q.record, o.record)"


@dataclass(frozen=True, slots=True)
class Reader:
    """What a ledger has.

    Raises (every method):
        LedgerError: The file cannot be read.
    """

    path: Path

    def rows(self, where: str = "") -> Iterator[dict[str, Any]]:
        """One row a question, in order, with the text of its answer."""
        for row in self._read(_ROWS.format(record="NULL", where=where)):
            content = unpacked_text(row["content"]) if row["content"] else None
            yield {**_plain(row), "answer": content}

    def results(self, batch: str, where: str = "") -> Iterator[Result]:
        """One result a question, in order, with its answer."""
        for row in self._read(_ROWS.format(record=_RECORD, where=where)):
            yield _result(batch, row)

    def count(self, where: str = "") -> int:
        """How many questions the ledger has."""
        return next(iter(self._read(f"SELECT count(*) AS n FROM questions q {where}")))["n"]

    def _read(self, query: str) -> Generator[sqlite3.Row]:
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", uri=True)) as db:
                db.row_factory = sqlite3.Row
                yield from db.execute(query)
        except sqlite3.Error as error:
            raise explained(error, self.path) from error


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    status = row["state"] if row["state"] in ("completed", "failed") else "unasked"
    kept = ("ordinal", "question", "category", "facts", "gaps", "error", "message", "latency", "tokens", "cost")
    more = {name: row[name] for name in (*kept, "calls", "attempts")}
    return {**more, "status": status, "symbols": json.loads(row["symbols"]) if row["symbols"] else []}


def _result(batch: str, row: sqlite3.Row) -> Result:
    values: dict[str, Any] = _plain(row)
    shown: dict[str, Any] = {name: values[name] for name in _SHOWN}
    answer = None
    if row["record"] is not None:
        draft = unpacked(row["content"], row["record"])
        answer = answer_of(batch, row["ordinal"], row["question"], draft, row["latency"], row["at"])
    return Result(**shown, symbols=tuple(values["symbols"]), answer=answer)
