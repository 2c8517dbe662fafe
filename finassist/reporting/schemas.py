"""What is in each frame: every column with its type, its unit and its meaning, in this one place.

A column means the same kind of value wherever it appears, so a file is read back by the names of its columns alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import pandas as pd

from finassist.core.metrics import catalogue

type Kind = Literal["text", "number", "integer", "flag", "day", "time", "decimal", "keys", "list"]

DTYPES: Final[Mapping[str, str]] = {
    "text": "string",
    "number": "Float64",
    "integer": "Int64",
    "flag": "boolean",
    "day": "datetime64[s]",
    "time": "datetime64[us, UTC]",
    "decimal": "object",
    "keys": "object",
    "list": "object",
}
"""The pandas type of each kind. Objects are a `decimal.Decimal`, a tuple of strings, or a list of strings."""


class Column(NamedTuple):
    """One column of a frame.

    Attributes:
        kind: What it holds; `DTYPES` has the pandas type of each.
        meaning: In a few words.
        unit: Of its numbers; "" where there is none, or where another column says it.
        optional: Whether a value may be missing. Text that never is has "" instead.
    """

    kind: Kind
    meaning: str
    unit: str = ""
    optional: bool = True

    @property
    def dtype(self) -> Any:
        """The name of the pandas type."""
        return DTYPES[self.kind]


type Schema = Mapping[str, Column]

FACTS: Final[Schema] = {
    "symbol": Column("text", "ticker symbol", optional=False),
    "field": Column("text", "name of the figure in the vocabulary, such as “revenue”", optional=False),
    "label": Column("text", "the same name in words", optional=False),
    "statement": Column("text", "income, balance_sheet, cash_flow, price, ratio or profile", optional=False),
    "value": Column("number", "the figure for arithmetic; <NA> where it is not known", "see unit"),
    "exact": Column("decimal", "the same figure with every digit; None where it is not known", "see unit"),
    "unit": Column("text", "USD, USD/share, shares, ratio (0.25 is 25 %), times; “” for text", optional=False),
    "currency": Column("text", "ISO code of money figures"),
    "period": Column("text", "such as FY2025, Q1 2026, TTM; a date for a figure of one day", optional=False),
    "period_end": Column("day", "last day the figure covers"),
    "as_of": Column("day", "day the figure was known: of the filing, or of the price"),
    "status": Column(
        "text", "reported, derived, missing, not_reported, none_paid, not_meaningful or error", optional=False
    ),
    "formula": Column("text", "how a derived figure is computed, in names of fields"),
    "inputs": Column("keys", "SYMBOL/field/period of the figures it was derived from"),
    "source": Column("text", "where the figure came from, in words", optional=False),
    "filing": Column("text", "SEC accession number"),
    "concept": Column("text", "the filer's own tag"),
    "note": Column("text", "why it is missing, or what to know before using it"),
    "text": Column("text", "the value of a fact that is not a number"),
}
RESTATEMENTS: Final[Schema] = {
    "symbol": Column("text", "ticker symbol", optional=False),
    "company": Column("text", "its name", optional=False),
    "metric": Column("text", "name of the figure in the vocabulary", optional=False),
    "period": Column("text", "such as FY2025 or Q1 2026", optional=False),
    "unit": Column("text", "unit of both values", optional=False),
    "first_value": Column("number", "the figure as first reported; per share on today's basis", "see unit"),
    "first_day": Column("day", "day of the first report"),
    "latest_value": Column("number", "the figure as reported last", "see unit"),
    "latest_day": Column("day", "day of the report that changed it"),
    "change": Column("number", "latest value by first value, less 1", "ratio"),
}
SPANS: Final[Schema] = {
    "name": Column("text", "the task, such as “quote AAPL”"),
    "parent": Column("text", "the task it ran inside"),
    "start": Column("number", "when it began, since the start of the run", "s"),
    "end": Column("number", "when it ended, since the start of the run", "s"),
    "duration": Column("number", "end minus start", "s"),
    "status": Column("text", "completed, error, cancelled or running", optional=False),
}
EVENTS: Final[Schema] = {
    "event": Column("text", "kind of the event, such as “FetchCompleted”"),
    "run_id": Column("text", "the run it belongs to"),
    "session_id": Column("text", "the conversation it belongs to"),
    "created_at": Column("time", "when it happened", "UTC"),
    "elapsed": Column("number", "when it happened, since the start of the run", "s"),
    "step": Column("text", "the step it belongs to"),
    "content": Column("text", "what it says, shortened"),
}
SESSIONS: Final[Schema] = {
    "session_id": Column("text", "the conversation"),
    "name": Column("text", "the name it was given"),
    "turns": Column("integer", "questions asked in it"),
    "first_question": Column("text", "the first of them"),
    "last_question": Column("text", "the last of them"),
    "last_status": Column("text", "how that one ended: COMPLETED, CANCELLED or ERROR"),
    "symbols": Column("list", "ticker symbols it was about, in the order they came up"),
    "summary": Column("text", "its older turns in short"),
    "created_at": Column("time", "when it began", "UTC"),
    "updated_at": Column("time", "when it was last used", "UTC"),
}
HISTORY: Final[Schema] = {
    "session_id": Column("text", "the conversation the run belongs to"),
    "run_id": Column("text", "the run"),
    "question": Column("text", "what was asked"),
    "category": Column("text", "what kind of answer it got; missing where the run did not get that far"),
    "symbols": Column("list", "ticker symbols it was about"),
    "status": Column("text", "COMPLETED, CANCELLED or ERROR", optional=False),
    "started": Column("time", "when it was asked", "UTC"),
    "latency": Column("number", "how long the answer took, without the saving", "s"),
    "tokens_in": Column("integer", "sent to models; missing where that is not known", "tokens"),
    "tokens_out": Column("integer", "received from models; missing where that is not known", "tokens"),
    "cost": Column("number", "of these tokens; missing where a price is not known", "USD"),
    "saved": Column("flag", "whether it is in the session store"),
    "models": Column("text", "who did the work of each agent, as “router: rules; chat: offline”"),
    "decided_by": Column("text", "rules, model, or rules because the model failed: who decided what was asked"),
    "gaps": Column("integer", "things that should be there and are not"),
}
BATCH: Final[Schema] = {
    "ordinal": Column("integer", "place of the question among those given, from 0", optional=False),
    "question": Column("text", "the question, as it was given", optional=False),
    "status": Column("text", "completed, failed, or unasked where the batch stopped before", optional=False),
    "category": Column("text", "what kind of answer it got"),
    "symbols": Column("list", "ticker symbols it was about"),
    "outcome": Column("text", "answered, partly, refused where nothing of what was asked is there, or failed"),
    "value": Column("number", "the figure asked for, where it is one", "see unit"),
    "unit": Column("text", "unit of the value: USD, USD/share, shares, ratio (0.25 is 25 %), points, times, days"),
    "period": Column("text", "period of the value, such as FY2025"),
    "query": Column("text", "what was understood, as a phrase"),
    "reading": Column("text", "of several readings the one taken: the largest company, the fiscal quarter"),
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
SCHEMAS: Final[dict[str, Schema]] = {
    "facts": FACTS,
    "restatements": RESTATEMENTS,
    "spans": SPANS,
    "events": EVENTS,
    "sessions": SESSIONS,
    "history": HISTORY,
    "batch": BATCH,
    "batch_facts": BATCH_FACTS,
}
"""Every frame by its name."""


def describe(name: str = "metrics") -> pd.DataFrame:
    """The catalogue of metrics, or what is in a frame.

    Args:
        name: `"metrics"` for the catalogue, one row a metric: what a `Query` can name. Or `"facts"`, `"spans"`,
            `"events"`, `"sessions"`, `"history"`, …: a name in `SCHEMAS`, one row a column.

    Raises:
        KeyError: There is no such frame.

    Example:
        >>> describe().loc["net_margin", "formula"]
        'net_income / revenue'
        >>> describe("spans").loc["duration"].tolist()
        ['Float64', 's', 'end minus start']
    """
    if name == "metrics":
        return _metrics()
    if name not in SCHEMAS:
        raise KeyError(f"There is no frame {name!r}. It is one of: metrics, {', '.join(SCHEMAS)}.")
    schema = SCHEMAS[name]
    rows = [(column.dtype, column.unit, column.meaning) for column in schema.values()]
    return pd.DataFrame(rows, index=pd.Index(list(schema), name="column"), columns=["dtype", "unit", "meaning"])


def _metrics() -> pd.DataFrame:
    columns = ["label", "unit", "kind", "formula", "base", "about"]
    rows = [[getattr(metric, name) for name in columns] for metric in catalogue().values()]
    return pd.DataFrame(rows, index=pd.Index(list(catalogue()), name="metric"), columns=columns, dtype="string")


def typed(rows: Sequence[Mapping[str, Any]], schema: Schema) -> pd.DataFrame:
    """A frame with the columns and types of a schema, whether or not there are rows. Unknown names are left out."""
    columns = {name: typed_column([row.get(name) for row in rows], column) for name, column in schema.items()}
    return pd.DataFrame(columns, columns=list(schema))


def typed_column(values: Sequence[Any], column: Column) -> pd.Series[Any]:
    """The values as a pandas column of its type; times may be seconds since 1970."""
    if column.kind == "time":
        numbers = all(isinstance(value, int | float) for value in values if value is not None)
        times = pd.to_datetime(pd.Series(values, dtype="object"), utc=True, unit="s" if numbers else None)
        return times.astype(column.dtype)  # pyright: ignore[reportUnknownVariableType]
    if column.kind == "day":
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object")), dtype=column.dtype)
    return pd.Series(values, dtype=column.dtype)
