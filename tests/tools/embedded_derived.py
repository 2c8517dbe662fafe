"""What the embedded figures imply: lines that an identity fills, dividends that were not paid, and formulas in words.

An identity fills a line only for a company in which it held, to a tenth of a percent, in every year that has all its
lines, and in at least two of them: so minorities and discontinued operations never slip in. A total is never invented.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

# The line, the sum it is of two others, and whether it holds for balances of quarters as well.
IDENTITIES = (
    ("total_liabilities", "total_assets", "equity_incl_nci", True),
    ("total_liabilities", "total_assets", "equity", True),
    ("equity", "total_assets", "total_liabilities", True),
    ("gross_profit", "revenue", "cost_of_revenue", False),
    ("cost_of_revenue", "revenue", "gross_profit", False),
    ("income_tax", "pretax_income", "net_income", False),
    ("net_income", "pretax_income", "income_tax", False),
    ("pretax_income", "net_income", "income_tax", False),
)
_SUMS = frozenset({"pretax_income"})
_KEYS = ["symbol", "fiscal_year", "fiscal_period"]


def explained(table: pd.DataFrame) -> pd.DataFrame:
    """The source's remark on how a value was made, as a formula or a note."""
    found = [
        _formula_and_note(str(text), str(unit)) for text, unit in zip(table["derived"], table["unit"], strict=True)
    ]
    table["formula"], table["note"] = [f for f, _ in found], [n for _, n in found]
    table["inputs"] = ""
    return table


def _formula_and_note(text: str, unit: str) -> tuple[str, str]:
    if text.startswith("Q4 = FY"):
        return "fiscal year - first three quarters", ""
    if text == "YTD difference":
        return "year to date - year to date of the quarter before", ""
    split = re.match(r"restated for splits x([\d.]+)(.*)", text)
    if split is None:
        return "", text
    sign = "/" if unit.startswith("USD") else "*"
    return f"filed value {sign} {float(split[1]):g}", f"restated for later splits{split[2]}"


def fill(annual: pd.DataFrame, quarterly: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Both tables with the lines that identities give, marked `computed`, with their formula."""
    said: list[str] = []
    minorities = set(annual.symbol[annual.field.isin(["equity_incl_nci", "noncontrolling_interest"])])
    for line, first, second, balances in IDENTITIES:
        sign = 1 if line in _SUMS else -1
        wide = _wide(annual, line, first, second)
        holds = _holding(wide, line, first, second, sign, minorities)
        annual, count = _filled(annual, wide, holds, line, first, second, sign)
        said.append(f"filled: {count} annual {line} as {_words(first, second, sign)}, {len(holds)} companies")
        if balances:
            quarterly, more = _filled(
                quarterly, _wide(quarterly, line, first, second), holds, line, first, second, sign
            )
            said.append(f"filled: {more} quarterly {line}")
    return annual, quarterly, said


def _wide(table: pd.DataFrame, *lines: str) -> pd.DataFrame:
    own = table[table.field.isin(lines) & (table.quality != "doubtful")]
    return own.pivot(index=_KEYS, columns="field", values="value").reindex(columns=list(dict.fromkeys(lines)))


def _holding(wide: pd.DataFrame, line: str, first: str, second: str, sign: int, minorities: set[str]) -> set[str]:
    whole = wide.dropna()
    if "equity" in (line, second):
        whole = whole[[symbol not in minorities for symbol, *_ in whole.index]]
    off = (whole[first] + sign * whole[second] - whole[line]).abs() > 0.001 * whole[first].abs()
    per = off.groupby(level=0).agg(["sum", "count"])
    return set(per.index[(per["sum"] == 0) & (per["count"] >= 2)])


def _filled(
    table: pd.DataFrame, wide: pd.DataFrame, holds: set[str], line: str, first: str, second: str, sign: int
) -> tuple[pd.DataFrame, int]:
    there = set(map(tuple, table.loc[table.field == line, _KEYS].to_numpy()))
    open_ = wide[wide[line].isna() & wide[first].notna() & wide[second].notna()]
    open_ = open_[[key[0] in holds and tuple(key) not in there for key in open_.index]]
    like = table[table.field == first].set_index(_KEYS)
    rows = []
    for key, values in open_.iterrows():
        base = like.loc[key].to_dict()
        rows.append(
            {
                **base,
                **dict(zip(_KEYS, key, strict=True)),
                "field": line,
                "value": values[first] + sign * values[second],
                "first_value": np.nan,
                "tag": "",
                "quality": "computed",
                "note": "",
                "formula": _words(first, second, sign),
                "inputs": f"{first} {second}",
                "unit": "USD",
            }
        )
    return (pd.concat([table, pd.DataFrame(rows)], ignore_index=True) if rows else table), len(rows)


def _words(first: str, second: str, sign: int) -> str:
    return f"{first} {'+' if sign > 0 else '-'} {second}"


_FLAT = 1.2e-4
"""How far the ratio of adjusted to plain close may move in a year without a dividend: rounding."""


def none_paid(annual: pd.DataFrame, monthly: pd.DataFrame, dividends: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Rows that say that a company paid no dividend in a fiscal year.

    In a year without a dividend the closes adjusted for dividends keep their distance from the plain ones. Where a
    company
    paid although they did, its adjusted closes are not believed for that year and its neighbours.
    """
    ratio = monthly.assign(ratio=monthly.adj_close / monthly.close)
    of = {symbol: (own.date.to_numpy(), own.ratio.to_numpy()) for symbol, own in ratio.groupby("symbol")}
    ex_days = (
        dividends.assign(day=pd.to_datetime(dividends.ex_date).dt.date).groupby("symbol").day.apply(list).to_dict()
    )
    lines = ("dividends_paid", "dividends_per_share")
    paid = annual[annual.field.isin(lines)]
    years = annual.drop_duplicates(_KEYS).sort_values(["symbol", "fiscal_year"])
    flat = [row for row in years.itertuples() if row.symbol in of and _flat(*of[row.symbol], row.period_end)]
    wrong = set(paid[paid.value > 0].symbol + "/" + paid[paid.value > 0].fiscal_year.astype(str))
    believed = [(row.symbol, row.fiscal_year) for row in flat if f"{row.symbol}/{row.fiscal_year}" in wrong]
    distrusted = {(symbol, year + step) for symbol, year in believed for step in (-1, 0, 1)}
    there = set(zip(paid.symbol, paid.fiscal_year, paid.field, strict=True))
    rows = []
    for row in flat:
        start = row.period_end - pd.Timedelta(days=370)
        if (row.symbol, row.fiscal_year) in distrusted or any(
            start <= day <= row.period_end for day in ex_days.get(row.symbol, ())
        ):
            continue
        rows += [
            {
                "symbol": row.symbol,
                "field": line,
                "fiscal_year": row.fiscal_year,
                "fiscal_period": "FY",
                "period_end": row.period_end,
                "first_filed": row.first_filed,
                "filed": row.filed,
                "form": "",
                "value": 0.0,
                "first_value": np.nan,
                "unit": "USD" if line == "dividends_paid" else "USD/share",
                "tag": "",
                "accession": "",
                "quality": "none paid",
                "note": "no dividend was paid in the year: closes adjusted for dividends are the plain ones",
                "formula": "",
                "inputs": "",
            }
            for line in lines
            if (row.symbol, row.fiscal_year, line) not in there
        ]
    said = [f"none paid: {len(rows)} rows of {len({row['symbol'] for row in rows})} companies"]
    said += [
        f"none paid: the adjusted closes of {symbol} around FY{year} are not believed" for symbol, year in believed
    ]
    return pd.concat([annual, pd.DataFrame(rows)], ignore_index=True), said


def _flat(days: np.ndarray, ratios: np.ndarray, end: object) -> bool:
    start = end - pd.Timedelta(days=372)  # type: ignore[operator]
    own = ratios[(days >= start) & (days <= end + pd.Timedelta(days=4))]  # type: ignore[operator]
    return len(own) >= 12 and float(own.max() - own.min()) < _FLAT
