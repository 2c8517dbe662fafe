"""Facts, spans, sessions, runs and batches as tidy DataFrames; and frames of facts as pivots.

Every frame has the same columns and types whether or not it has rows. They are in `frames.toml`, and
`describe("facts")` lists them. A column means the same kind of value wherever it appears, so a file is read back by the
names of its columns alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import batched
from typing import Any, Final, Literal, NamedTuple

import pandas as pd
from pandas import DataFrame as DataFrame

from finassist.analysis.modelled import is_model
from finassist.core.facts import Fact
from finassist.core.formatting import label
from finassist.core.metrics import catalogue
from finassist.reporting.results import Figures, asked_frame, document_frame, value_of

_AT_ONCE = 100
_YEAR = r"FY\d{4}"

type Kind = Literal["text", "number", "integer", "flag", "day", "time", "decimal", "keys", "list"]
type Shown = Literal["value", "exact", "source", "as_of", "period", "period_end", "status", "filing", "note"]

_DTYPES: Final[Mapping[str, str]] = {
    "text": "string",
    "number": "Float64",
    "integer": "Int64",
    "flag": "boolean",
    "day": "datetime64[s]",
    "time": "datetime64[us, UTC]",
}
"""The pandas type of each kind; the others are objects: a `decimal.Decimal`, a tuple of strings, a list of strings."""


class Column(NamedTuple):
    """One column of a frame.

    Attributes:
        kind: What it holds.
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
        return _DTYPES.get(self.kind, "object")


type Schema = Mapping[str, Column]


def _schemas() -> dict[str, Schema]:
    text = files("finassist.reporting").joinpath("frames.toml").read_text(encoding="utf-8")
    found = {name: {key: Column(**row) for key, row in rows.items()} for name, rows in tomllib.loads(text).items()}
    return {**found, "batch_facts": {key: found["batch"][key] for key in ("ordinal", "question")} | found["facts"]}


SCHEMAS: Final = _schemas()
"""The columns of every frame, by its name."""


def describe(name: str = "metrics") -> pd.DataFrame:
    """The catalogue of metrics, or what is in a frame.

    Args:
        name: `"metrics"` for the catalogue, one row a metric: what a `Query` can name. Or `"facts"`, `"spans"`,
            `"sessions"`, `"history"`, …: the name of a frame, one row a column.

    Raises:
        KeyError: There is no such frame.

    Example:
        >>> describe().loc["net_margin", "formula"]
        'net_income / revenue'
        >>> describe("spans").loc["duration"].tolist()
        ['Float64', 's', 'end minus start']
    """
    if name != "metrics" and name not in SCHEMAS:
        raise KeyError(f"There is no frame {name!r}. It is one of: metrics, {', '.join(SCHEMAS)}.")
    if name == "metrics":
        return _listed(catalogue(), "metric", ["label", "unit", "kind", "formula", "base", "about"]).astype("string")
    return _listed(SCHEMAS[name], "column", ["dtype", "unit", "meaning"])


def _listed(values: Mapping[str, Any], index: str, columns: Sequence[str]) -> pd.DataFrame:
    """One row a value, with some of its attributes."""
    rows = [[getattr(value, column) for column in columns] for value in values.values()]
    return pd.DataFrame(rows, index=pd.Index(list(values), name=index), columns=list(columns))


def typed(rows: Iterable[Mapping[str, Any]], schema: Schema) -> pd.DataFrame:
    """A frame with the columns and types of a schema, whether or not there are rows. Unknown names are left out.

    Example:
        >>> frame = typed([{"question": "Hello", "status": "COMPLETED", "saved": True}], SCHEMAS["history"])
        >>> frame["cost"].isna().item()
        True
    """
    found = list(rows)
    return pd.DataFrame(
        {name: typed_column([row.get(name) for row in found], column) for name, column in schema.items()}
    )


def typed_column(values: Sequence[Any], column: Column) -> pd.Series[Any]:
    """The values as a pandas column of its type; times may be seconds since 1970."""
    if column.kind == "time":
        numbers = all(isinstance(value, int | float) for value in values if value is not None)
        times = pd.to_datetime(pd.Series(values, dtype="object"), utc=True, unit="s" if numbers else None)
        return times.astype(column.dtype)  # pyright: ignore[reportUnknownVariableType]
    if column.kind == "day":
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object")), dtype=column.dtype)
    return pd.Series(values, dtype=column.dtype)


# ------------------------------------------------------------------------------------------------ facts


def facts_frame(facts: Iterable[Fact], *, full: bool = True) -> pd.DataFrame:
    """One row a fact: figures in the order given, then texts.

    Args:
        facts: The facts.
        full: All columns; else the six that are looked at first.

    Example:
        >>> frame = facts_frame([Fact(symbol="AAPL", field="revenue", statement="income", status="missing")])
        >>> frame.loc[0, "label"], frame["value"].isna().item()
        ('Revenue', True)
    """
    rows = sorted(facts, key=lambda fact: fact.text is not None or (fact.statement == "profile" and not fact.value))
    frame = first_columns(typed(map(_fact_row, rows), SCHEMAS["facts"]), "facts", full=full)
    return Figures.of(frame, {(row, "value"): fact for row, fact in enumerate(rows)})


FIRST: Final[Mapping[str, Sequence[str]]] = {
    "facts": ("symbol", "field", "period", "value", "unit", "source"),
    "batch": ("question", "outcome", "value", "unit", "period", "message"),
    "evaluation": ("question", "right", "passed", "wrong", "seconds", "headline"),
    "comparison": ("kind", "n_cases", "first", "second", "lost", "p_value"),
}
"""What a frame of many columns shows where not all of them are asked for."""


def first_columns(frame: pd.DataFrame, name: str, *, full: bool) -> pd.DataFrame:
    """All columns of a frame, or those that are looked at first.

    Example:
        >>> first_columns(typed([], SCHEMAS["batch"]), "batch", full=False).columns.tolist()
        ['question', 'outcome', 'value', 'unit', 'period', 'message']
    """
    return frame if full else frame[[*FIRST[name]]]


def result_frame(answer: Any) -> pd.DataFrame:
    """What `Answer.result` returns."""
    by_key = {fact.key: fact for fact in answer.facts}
    shown, query = [by_key[key] for key in answer.rows if key in by_key], answer.query
    if not shown or query is None:
        return document_frame(answer)
    if is_model(query):
        return facts_frame(shown, full=False)
    return asked_frame(shown, answer.facts, query, answer.company_names())


def _fact_row(fact: Fact) -> dict[str, Any]:
    made = {"label": label(fact.field), "value": value_of(fact), "exact": fact.value if fact.known else None}
    return {name: made[name] if name in made else getattr(fact, name) for name in SCHEMAS["facts"]}


def batch_facts_frame(answers: Iterable[tuple[int, str, Sequence[Fact]]]) -> pd.DataFrame:
    """One row a figure of any answer: ordinal and question of the answer, and the columns of `facts_frame`.

    Example:
        >>> fact = Fact(symbol="AAPL", field="revenue", statement="income", status="missing")
        >>> batch_facts_frame([(0, "Revenue of Apple", [fact])])[["ordinal", "label"]].values.tolist()
        [[0, 'Revenue']]
    """
    frames = [typed(_rows_of(some), SCHEMAS["batch_facts"]) for some in batched(answers, _AT_ONCE)]
    return pd.concat(frames, ignore_index=True) if frames else typed([], SCHEMAS["batch_facts"])


def _rows_of(answers: Iterable[tuple[int, str, Sequence[Fact]]]) -> Iterator[dict[str, Any]]:
    for ordinal, question, facts in answers:
        for fact in facts:
            yield {"ordinal": ordinal, "question": question, **_fact_row(fact)}


def restatements_frame(facts: Iterable[Fact], names: Mapping[str, str]) -> pd.DataFrame:
    """One row a figure that a later report changed.

    Example:
        >>> from datetime import date
        >>> from decimal import Decimal
        >>> fact = Fact(symbol="ACME", field="revenue", statement="income", unit="USD", period="FY2023",
        ...             value=Decimal(90), as_of=date(2025, 2, 1),
        ...             first_value=Decimal(100), first_as_of=date(2024, 2, 1))
        >>> restatements_frame([fact], {})[["first_value", "latest_value", "change"]].round(3).values.tolist()
        [[100.0, 90.0, -0.1]]
    """
    changed = (fact for fact in facts if fact.known and fact.first_value is not None)
    return typed((_restatement_row(fact, names) for fact in changed), SCHEMAS["restatements"])


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
    """One row a task of a run; times are in seconds since its start.

    Example:
        >>> frame = spans_frame([{"name": "run", "start": 0.5, "end": 2.0, "status": "completed"}])
        >>> frame["duration"].tolist()
        [1.5]
    """
    frame = typed(spans, SCHEMAS["spans"])
    return frame.assign(duration=frame["end"] - frame["start"])


# ----------------------------------------------------------------------------------------------- pivots


def by_year(facts: pd.DataFrame, *fields: str, show: Shown = "value") -> pd.DataFrame:
    """Fiscal years as columns, oldest first; one row a figure of a company.

    Args:
        facts: A frame of facts: `answer.to_frame(full=True)`, several of them put together, or the facts of a batch.
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
        facts: A frame of facts: `answer.to_frame(full=True)`, several of them put together, or the facts of a batch.
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
    """Each company's latest fiscal year, never one of its earlier years beside it, and its latest prices."""
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
        raise KeyError(
            f"This is no frame of facts: it has no column {', '.join(absent)}. Use answer.to_frame(full=True)."
        )
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
    return last.set_index([*index, columns])[show].unstack(columns).reindex(order)


def panel_frame(
    values: Mapping[tuple[str, str], float], symbols: Sequence[str], periods: Sequence[str]
) -> pd.DataFrame:
    """One row a company, one column a period, `<NA>` where there is no value.

    Example:
        >>> panel_frame({("ACME", "FY2025"): 0.25}, ["ACME"], ["FY2024", "FY2025"]).isna().loc["ACME"].tolist()
        [True, False]
    """
    columns = {each: pd.array([values.get((symbol, each)) for symbol in symbols], dtype="Float64") for each in periods}
    return pd.DataFrame(columns, index=pd.Index(list(symbols), name="symbol"), columns=list(periods))
