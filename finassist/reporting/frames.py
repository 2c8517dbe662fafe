"""Facts, spans, events, sessions and runs as tidy DataFrames.

Every frame has the same columns and types whether or not it has rows; `describe("facts")` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any, Literal, Protocol, cast

import pandas as pd
from pandas import DataFrame as DataFrame

from finassist.core.facts import Fact
from finassist.core.formatting import label
from finassist.reporting.schemas import BATCH, BATCH_FACTS, EVENTS, FACTS, HISTORY, RESTATEMENTS, SESSIONS, SPANS, typed

LONGEST_CONTENT = 200
_AT_ONCE = 100
_YEAR = r"FY\d{4}"

type Shown = Literal["value", "exact", "source", "as_of", "period", "period_end", "status", "filing", "note"]


class Serialisable(Protocol):
    """Anything with a dictionary form: an event."""

    def to_dict(self) -> dict[str, Any]:
        """The dictionary form."""
        ...


def facts_frame(facts: Iterable[Fact]) -> pd.DataFrame:
    """One row a fact, in the order given.

    `describe("facts")` has the meaning of every column.

    Example:
        >>> frame = facts_frame([Fact(symbol="AAPL", field="revenue", statement="income", status="missing")])
        >>> frame.loc[0, "label"], frame["value"].isna().item()
        ('Revenue', True)
    """
    return typed([fact_row(fact) for fact in facts], FACTS)


def restatements_frame(facts: Iterable[Fact], names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One row a figure that a later report changed; `describe("restatements")` has the meaning of every column.

    Example:
        >>> from datetime import date
        >>> from decimal import Decimal
        >>> fact = Fact(symbol="ACME", field="revenue", statement="income", unit="USD", period="FY2023",
        ...             value=Decimal(90), as_of=date(2025, 2, 1),
        ...             first_value=Decimal(100), first_as_of=date(2024, 2, 1))
        >>> restatements_frame([fact])[["first_value", "latest_value", "change"]].round(3).values.tolist()
        [[100.0, 90.0, -0.1]]
    """
    changed = (fact for fact in facts if fact.known and fact.first_value is not None)
    return typed([_restatement_row(fact, names or {}) for fact in changed], RESTATEMENTS)


def _restatement_row(fact: Fact, names: Mapping[str, str]) -> dict[str, Any]:
    first, latest = float(fact.first_value or 0), float(fact.value or 0)
    return {
        "symbol": fact.symbol,
        "company": names.get(fact.symbol, fact.symbol),
        "metric": fact.field,
        "period": fact.period,
        "unit": fact.unit,
        "first_value": first,
        "first_day": fact.first_as_of,
        "latest_value": latest,
        "latest_day": fact.as_of,
        "change": latest / first - 1 if first else None,
    }


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

    `describe("events")` has the meaning of every column.

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

    `describe("history")` has the meaning of every column.

    Example:
        >>> history_frame([{"question": "Hello", "status": "COMPLETED", "saved": True}])["cost"].isna().item()
        True
    """
    return typed([dict(row) for row in rows], HISTORY)


def batch_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a question of a batch, in the order given.

    `describe("batch")` has the meaning of every column.

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


def companies_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Companies as a frame, one row each, indexed by symbol."""
    frame = pd.DataFrame(list(rows))
    for column in ("price_day", "shares_as_of"):
        if column in frame:
            frame[column] = pd.to_datetime(frame[column])
    for column in ("first_year", "last_year"):
        if column in frame:
            frame[column] = frame[column].astype("Int64")
    return frame.set_index("symbol")


# ----------------------------------------------------------------------------------------------- pivots


def by_year(facts: pd.DataFrame, *fields: str, show: Shown = "value") -> pd.DataFrame:
    """Fiscal years as columns, oldest first; one row a figure of a company.

    Args:
        facts: A frame of facts: `answer.to_frame()`, several of them put together, or the facts of a batch.
        fields: Which figures, such as `"revenue"`; all by default.
        show: What stands in the cells: `"value"`, `"exact"`, or what belongs to the same figure, such as `"source"`,
            `"as_of"` or `"status"`. Frames of the same facts and fields have the same shape, so that the source of
            a cell is at the same place in the other frame.

    Returns:
        A frame with `symbol`, `field` and `unit` as its index, in the order of the facts. Units are never mixed in a
        row. A figure that is not known is `<NA>`. Where a figure is there several times, the last one counts. What
        is not of a fiscal year (prices, quarters) is left out.

    Raises:
        KeyError: It is no frame of facts, or has none of these fields.

    Example:
        >>> from decimal import Decimal
        >>> from finassist.core.facts import Fact
        >>> from finassist.reporting.frames import by_year, facts_frame
        >>> facts = [Fact(symbol="ACME", field="revenue", unit="USD", period=f"FY{year}", statement="income",
        ...               value=Decimal(year)) for year in (2025, 2024)]
        >>> table = by_year(facts_frame(facts))
        >>> list(table.columns), table.loc[("ACME", "revenue", "USD")].tolist()
        (['FY2024', 'FY2025'], [2024.0, 2025.0])
    """
    chosen = _chosen(facts, fields)
    years = chosen[chosen["period"].str.fullmatch(_YEAR)]
    table = _table(years, ["symbol", "field", "unit"], "period", show)
    return table[sorted(table.columns)]


def by_company(facts: pd.DataFrame, *fields: str, period: str | None = None, show: Shown = "value") -> pd.DataFrame:
    """Companies as columns, in the order of the facts; one row a figure.

    Args:
        facts: A frame of facts: `answer.to_frame()`, several of them put together, or the facts of a batch.
        fields: Which figures, such as `"net_margin"`; all by default.
        period: Of which period, such as `"FY2025"`; by default the latest fiscal year of each company, and the
            latest day of a price. Fiscal years end on different days: `show="period_end"` has them.
        show: What stands in the cells; see `by_year`.

    Returns:
        A frame with `field` and `unit` as its index. Figures in different units, such as currencies, are in
        different rows. A figure that is not known is `<NA>`.

    Raises:
        KeyError: It is no frame of facts, or has none of these fields, or nothing of this period.

    Example:
        >>> from decimal import Decimal
        >>> from finassist.core.facts import Fact
        >>> from finassist.reporting.frames import by_company, facts_frame
        >>> facts = [Fact(symbol=symbol, field="revenue", unit="USD", period="FY2025", statement="income",
        ...               value=Decimal(revenue)) for symbol, revenue in (("ZEN", 7), ("ACME", 5))]
        >>> table = by_company(facts_frame(facts))
        >>> list(table.columns), table.loc[("revenue", "USD")].tolist()
        (['ZEN', 'ACME'], [7.0, 5.0])
    """
    chosen = _chosen(facts, fields)
    latest = _latest(chosen) if period is None else chosen[chosen["period"] == period]
    if period is not None and latest.empty:
        there = ", ".join(chosen["period"].drop_duplicates().sort_values()[-8:])
        raise KeyError(f"There are no figures of {period!r}. The last periods here: {there or 'none'}.")
    table = _table(latest, ["field", "unit"], "symbol", show)
    return table[[symbol for symbol in chosen["symbol"].drop_duplicates() if symbol in table.columns]]


def _latest(facts: pd.DataFrame) -> pd.DataFrame:
    """Each company's latest fiscal year, and its latest figures without a year, such as a price.

    A figure that the latest year does not have is missing: one of an earlier year beside it would be compared to
    figures that it does not belong to.
    """
    yearly = facts["period"].str.fullmatch(_YEAR)
    years, others = facts[yearly], facts[~yearly]
    newest = years["period"] == years.groupby("symbol")["period"].transform("max")
    dated = others.sort_values("period_end", kind="stable", na_position="first")
    rows = pd.concat([years[newest], dated])
    return rows.drop_duplicates(["symbol", "field", "unit"], keep="last").sort_index(kind="stable")


def _chosen(facts: pd.DataFrame, fields: tuple[str, ...]) -> pd.DataFrame:
    """The rows about numbers, of these fields."""
    wanted = ("symbol", "field", "statement", "unit", "value", "period", "period_end", "status", "text")
    if absent := [name for name in wanted if name not in facts.columns]:
        raise KeyError(f"This is no frame of facts: it has no column {', '.join(absent)}. Use answer.to_frame().")
    there = set(facts["field"])
    if unknown := [field for field in fields if field not in there]:
        raise KeyError(f"There are no figures called {', '.join(unknown)}. There are: {', '.join(sorted(there))}.")
    words = facts["text"].notna() | (facts["statement"].eq("profile") & facts["value"].isna())
    numbers = facts[~words]
    return _with_units(numbers[numbers["field"].isin(fields)] if fields else numbers)


def _with_units(facts: pd.DataFrame) -> pd.DataFrame:
    """A figure that is missing may have no unit: it is then in the row of those of its company, or of its name."""
    unit = facts["unit"].replace("", pd.NA)
    for same in (["symbol", "field"], ["field"]):
        unit = unit.fillna(unit.groupby([facts[name] for name in same]).transform("first"))
    return facts.assign(unit=unit.fillna(""))


def _table(rows: pd.DataFrame, index: list[str], columns: str, show: Shown) -> pd.DataFrame:
    """One cell a figure: the last of those that share it."""
    last = rows.drop_duplicates([*index, columns], keep="last")
    order = pd.MultiIndex.from_frame(rows.drop_duplicates(index)[index])
    table = last.set_index([*index, columns])[show].unstack(columns)
    return table.reindex(order)
