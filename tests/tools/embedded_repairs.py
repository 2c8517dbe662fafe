"""Known faults of the source tables, mended with the right value and its reason; nothing is guessed."""

from __future__ import annotations

from typing import Any

import pandas as pd

# Visa tags the quarterly rate; these are the sums of its four declared dividends (10-K, selected data).
VISA_DIVIDENDS = {2021: 1.28, 2022: 1.50, 2023: 1.80, 2024: 2.08, 2025: 2.36}

# Lines that are no GAAP line of that name: (symbol, field) -> why. They are left out.
NOT_THE_LINE = {
    ("DIS", "operating_income"): "total segment operating income, no GAAP subtotal",
    ("UNH", "cost_of_revenue"): "products only, without medical costs",
    ("JNJ", "research_and_development"): "one part of research spending only",
    ("CAT", "cost_of_revenue"): "a part of cost of goods sold",
}

# Splits that the source lacks: symbol, date, ratio.
MISSING_SPLITS = (
    ("ETR", "2024-12-13", 2.0),
    ("TECH", "2022-11-30", 4.0),
    ("MCHP", "2021-10-13", 2.0),
    ("RJF", "2021-09-22", 1.5),
    ("WRB", "2022-03-24", 1.5),
    ("WRB", "2024-07-11", 1.5),
    ("BRO", "2018-03-29", 2.0),
    ("GOOG", "2022-07-15", 20.0),
    ("EXE", "2020-04-15", 0.005),
)

# What to know before using a figure: symbol, field, fiscal year (0: every year from the tag's meaning on) -> note.
_KENVUE = "includes Kenvue (consumer health, separated in 2023), which revenue of the year does not"
NOTES = {
    ("JNJ", "revenue", 2021): "without Kenvue (consumer health, separated in 2023); net income of the year includes it",
    ("JNJ", "net_income", 2021): _KENVUE,
    ("JNJ", "net_income", 2022): _KENVUE,
    ("JNJ", "net_income", 2023): _KENVUE,
    ("WMT", "interest_expense", 2023): "interest on debt only",
    ("WMT", "interest_expense", 2024): "interest on debt only",
    ("WMT", "interest_expense", 2025): "interest on debt only",
}
# What was first reported where the source has the restated figure alone (10-K of the year, income statement).
FIRST_VALUES = {
    ("JNJ", "revenue", 2021): 93_775e6,
    ("JNJ", "revenue", 2022): 94_943e6,
    ("JNJ", "gross_profit", 2021): 63_920e6,
    ("JNJ", "gross_profit", 2022): 63_854e6,
}
_BREAK = "FY2023 to FY2025 are restated, FY2021 and FY2022 are as first filed: FY{} is not comparable with FY{}"
YEAR_NOTES = {("BAC", 2022): _BREAK.format(2022, 2023), ("BAC", 2023): _BREAK.format(2023, 2022)}
_BASIS = {
    (
        "equity",
        "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest",
    ): "includes noncontrolling (minority) interests",
    ("net_income", "ProfitLoss"): "includes noncontrolling (minority) interests",
    ("operating_expenses", "CostsAndExpenses"): "all costs and expenses, the cost of revenue included",
    ("long_term_debt", "LongTermDebtAndCapitalLeaseObligations"): "includes finance (capital) leases",
    (
        "operating_cash_flow",
        "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations",
    ): "of continuing operations only",
}

STALE_COVER_SHARES = ("CRWD", "MNST", "HON")
"""Their cover-page count stands on the basis before a split; diluted shares are used instead."""

_PRIMARY = {"GOOG": "GOOGL", "FOX": "FOXA", "NWS": "NWSA"}
_SECTORS = {
    "Technology": "Information Technology",
    "Finance": "Financials",
    "Basic Materials": "Materials",
    "Telecommunications": "Communication Services",
    "Consumer Cyclical": "Consumer Discretionary",
}


def quality(check: str) -> str:
    """How a value was checked, in one of five marks."""
    if check.startswith("agree"):
        return "agreed"
    if check.startswith(("existing", "corrects")):
        return "checked"
    if check == "sum4":
        return "four quarters add up"
    return "vendor differs" if "vendor differs" in check else "single source"


def annual(table: pd.DataFrame, suspects: pd.DataFrame, truth: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Annual figures with signs turned, lines of another meaning left out, and figures read from filings added."""
    said: list[str] = []
    table = table.copy()
    key = table.symbol + "/" + table.field + "/FY" + table.fiscal_year.astype(str)
    right = suspects[(suspects.table == "annual") & (suspects.verdict == "wrong") & suspects.right_value.notna()]
    values = dict(zip(right.symbol + "/" + right.field + "/" + right.period, right.right_value, strict=True))
    for place in table.index[key.isin(values)]:
        found = values[key[place]]
        if table.value[place] < 0 < found and abs(table.value[place] + found) < 1:
            table.loc[place, ["value", "note"]] = [found, "sign turned: a payment"]
    doubted = suspects[(suspects.table == "annual") & (suspects.verdict == "doubtful")]
    reasons = dict(zip(doubted.symbol + "/" + doubted.field + "/" + doubted.period, doubted.why, strict=True))
    for place in table.index[key.isin(reasons)]:
        table.loc[place, "quality"] = "doubtful"
        table.loc[place, "note"] = _plain_reason(reasons[key[place]])
    for (symbol, field, year), value in FIRST_VALUES.items():
        restated = (table.symbol == symbol) & (table.field == field) & (table.fiscal_year == year)
        table.loc[restated, "first_value"] = value
    table, left_out = _without_other_lines(table)
    said += left_out
    table = table[~((table.symbol == "V") & (table.field == "dividends_per_share"))]
    table = pd.concat([table, _visa_dividends(table)], ignore_index=True)
    table = table[table.value.notna()]
    return _noted(_with_truth(table, truth)), said


def _without_other_lines(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    said: list[str] = []
    for (symbol, field), why in NOT_THE_LINE.items():
        gone = (table.symbol == symbol) & (table.field == field)
        said += [f"left out: {symbol} {field} ({gone.sum()} periods): {why}"] if gone.any() else []
        table = table[~gone]
    return table, said


def _visa_dividends(table: pd.DataFrame) -> pd.DataFrame:
    like = table[(table.symbol == "V") & (table.field == "net_income") & table.fiscal_year.isin(VISA_DIVIDENDS)]
    return like.assign(
        field="dividends_per_share",
        unit="USD/share",
        tag="",
        quality="checked",
        first_value=float("nan"),
        value=[VISA_DIVIDENDS[int(year)] for year in like.fiscal_year],
        note="the four quarterly dividends of the fiscal year",
    )


def _noted(table: pd.DataFrame) -> pd.DataFrame:
    """Notes on single figures, and on tags that stand for another basis."""
    found = []
    for row in table.itertuples():
        more = (
            NOTES.get((row.symbol, row.field, int(row.fiscal_year))),
            YEAR_NOTES.get((row.symbol, int(row.fiscal_year))),
            _BASIS.get((row.field, row.tag)),
        )
        found.append("; ".join(text for text in (row.note, *more) if text))
    return table.assign(note=found)


def _plain_reason(why: Any) -> str:
    text = str(why)
    return "may include noncontrolling interests" if "INCLUDING minorities" in text else text.split(";")[0][:120]


def _with_truth(table: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Figures read from filings where the table has none."""
    rows: list[dict[str, Any]] = []
    for each in truth.itertuples():
        year = int(str(each.period)[2:])
        same = table[(table.symbol == each.symbol) & (table.fiscal_year == year)]
        if same.empty or (same.field == each.field).any():
            continue
        like = same.iloc[0]
        unit = "USD/share" if "per_share" in str(each.field) or str(each.field).startswith("eps") else "USD"
        rows.append(
            {
                **like.to_dict(),
                "field": each.field,
                "value": float(each.value),
                "first_value": float(each.value),
                "unit": unit,
                "tag": each.concept,
                "accession": each.accession,
                "filed": pd.Timestamp(each.filed).date(),
                "first_filed": pd.Timestamp(each.filed).date(),
                "form": "10-K",
                "quality": "checked",
                "note": "",
            }
        )
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True) if rows else table


def quarterly(table: pd.DataFrame, suspects: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Quarterly figures without those that turned out to be another line; one row for each label."""
    doubted = suspects[(suspects.table == "quarterly") & (suspects.verdict == "doubtful")]
    reasons = dict(
        zip(doubted.symbol + "/" + doubted.field + "/" + doubted.period.astype(str), doubted.why, strict=True)
    )
    table = table.copy()
    key = table.symbol + "/" + table.field + "/" + table.fiscal_period + " " + table.fiscal_year.astype(str)
    table.loc[key.isin(reasons), "quality"] = "doubtful"
    ordered = table.sort_values("period_end")
    twice = ordered.duplicated(["symbol", "field", "fiscal_year", "fiscal_period"], keep="last")
    said = [f"left out: {twice.sum()} quarterly rows that repeat a label"] if twice.any() else []
    kept, left_out = _without_other_lines(ordered[~twice])
    bases = [_BASIS.get(each) for each in zip(kept.field, kept.tag, strict=True)]
    notes = ["; ".join(filter(None, each)) for each in zip(kept.note, bases, strict=True)]
    return kept.assign(note=notes), said + left_out


def companies(table: pd.DataFrame) -> pd.DataFrame:
    """Companies with one sector vocabulary, their industry where ratios need it, and the share class for each."""
    found = table.copy()
    found["sector"] = found["sector"].astype(object).replace(_SECTORS).fillna("")
    for column in ("sub_industry", "exchange", "headquarters", "sic_description"):
        found[column] = found[column].astype(object).fillna("")
    found["industry"] = [industry(sub, sic) for sub, sic in zip(found.sub_industry, found.sic_description, strict=True)]
    found["primary"] = [_PRIMARY.get(symbol, symbol) for symbol in found.symbol]
    found.loc[found.symbol.isin(STALE_COVER_SHARES), "shares_outstanding"] = float("nan")
    found["shares_as_of"] = found["shares_as_of"].astype(object).fillna("")
    kept = [
        "symbol",
        "name",
        "cik",
        "exchange",
        "sector",
        "sub_industry",
        "industry",
        "primary",
        "fiscal_year_end",
        "headquarters",
        "in_sp500",
        "shares_outstanding",
        "shares_as_of",
    ]
    return found[kept].sort_values("symbol").reset_index(drop=True)


def industry(sub_industry: str, sic: str) -> str:
    """`bank`, `insurer`, `reit` or empty, from the GICS sub-industry, or the SIC text where there is none."""
    if sub_industry in ("Diversified Banks", "Regional Banks", "Investment Banking & Brokerage") or (
        not sub_industry and "Commercial Banks" in sic
    ):
        return "bank"
    if ("Insurance" in sub_industry and "Brokers" not in sub_industry) or "Reinsurance" in sub_industry:
        return "insurer"
    return "reit" if "REIT" in sub_industry else ""


def splits(table: pd.DataFrame) -> pd.DataFrame:
    """Splits, with those that the source lacks."""
    more = pd.DataFrame([{"symbol": s, "date": d, "ratio": r} for s, d, r in MISSING_SPLITS])
    both = pd.concat([table[["symbol", "date", "ratio"]], more], ignore_index=True)
    return both.drop_duplicates(["symbol", "date"]).sort_values(["symbol", "date"])


def dividends(table: pd.DataFrame, suspects: pd.DataFrame) -> pd.DataFrame:
    """Cash dividends, without the spin-offs that the source books among them."""
    wrong = suspects[(suspects.table == "dividends") & (suspects.verdict == "wrong")]
    keys = set(zip(wrong.symbol, wrong.period_end.astype(str), strict=True))
    kept = [(s, d) not in keys for s, d in zip(table.symbol, table.ex_date.astype(str), strict=True)]
    return table[kept][["symbol", "ex_date", "amount"]].sort_values(["symbol", "ex_date"])
