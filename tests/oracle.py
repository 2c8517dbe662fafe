"""Reported lines as tables of pandas, for the formulas of others, and how their figures are set against ours."""

from __future__ import annotations

import pandas as pd

from finassist.analysis.calendar import Point, rows_of
from finassist.analysis.cube import Cube
from finassist.core.facts import Fact
from finassist.providers.embedded import EmbeddedProvider


def reported() -> pd.DataFrame:
    """One row per company and year, one column per line; `before_…` is the line of the year before."""
    values = EmbeddedProvider().to_frame("annual")["value"].droplevel("fiscal_period").unstack("field")
    values["free_cash_flow"] = values["operating_cash_flow"] - values["capex"]
    values["net_debt"] = values["long_term_debt"] - values["cash_and_equivalents"]
    years = values.index.get_level_values("fiscal_year")
    next_year = pd.MultiIndex.from_arrays(
        [values.index.get_level_values("symbol"), years + 1], names=values.index.names
    )
    return values.join(values.set_axis(next_year).add_prefix("before_"))


def ours(cube: Cube, metric: str, index: pd.Index) -> list[Fact]:
    """The figures of a metric, by company and fiscal year."""
    rows = rows_of(metric)
    return [cube.value(symbol, metric, cube.ended(symbol, rows, Point("FY", year))) for symbol, year in index]


def values(facts: list[Fact], index: pd.Index) -> pd.Series:
    """The values of facts, not a number where there is none."""
    return pd.Series([float("nan") if fact.value is None else float(fact.value) for fact in facts], index)


def compare(cube: Cube, metric: str, theirs: pd.Series, least: int = 100) -> None:
    """Both give the same figure; only what is said to be not meaningful is left out here."""
    facts = ours(cube, metric, theirs.index)
    mine = values(facts, theirs.index)
    theirs = theirs.where(theirs.abs() != float("inf"))
    kept = pd.Series([fact.status != "not_meaningful" for fact in facts], theirs.index)
    assert mine.count() > least
    pd.testing.assert_series_equal(mine[kept], theirs[kept], check_names=False, rtol=1e-9)


def by_year(frame: pd.DataFrame, line: str) -> pd.DataFrame:
    """Companies down, fiscal years across, none left out: the year before is the column before."""
    wide = frame[line].unstack("fiscal_year")
    return wide.reindex(columns=range(wide.columns.min(), wide.columns.max() + 1))


def by_row(wide: pd.DataFrame, index: pd.Index) -> pd.Series:
    """A table by year, as a column again."""
    return wide.stack().reindex(index)
