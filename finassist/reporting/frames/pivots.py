"""Tidy figures as the tables people expect: years as columns, or companies as columns."""

from __future__ import annotations

from typing import Literal

import pandas as pd

_YEAR = r"FY\d{4}"

type Shown = Literal["value", "exact", "source", "as_of", "period", "period_end", "status", "filing", "note"]


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
    """Of each company its latest fiscal year, and the latest of what is not of a year, such as a price.

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
