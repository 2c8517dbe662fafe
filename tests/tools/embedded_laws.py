"""Laws that the embedded figures have to obey. A row that breaks one is refused or marked, and the builder says so."""

from __future__ import annotations

import pandas as pd

_PARTS = (
    ("cash_and_equivalents", "total_assets"),
    ("inventory", "total_assets"),
    ("receivables", "total_assets"),
    ("goodwill", "total_assets"),
    ("current_assets", "total_assets"),
    ("accounts_payable", "total_liabilities"),
    ("current_liabilities", "total_liabilities"),
)
_NEVER_NEGATIVE = (
    "revenue",
    "total_assets",
    "cash_and_equivalents",
    "inventory",
    "receivables",
    "shares_diluted",
    "shares_basic",
    "capex",
    "dividends_paid",
    "buybacks",
    "dividends_per_share",
)


def annual(table: pd.DataFrame, companies: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Annual rows that obey the laws, and what was refused or marked."""
    said: list[str] = []
    table = table.sort_values("period_end").drop_duplicates(["symbol", "field", "fiscal_year"], keep="last")
    table, lines = _refuse(table, (table.value < 0) & table.field.isin(_NEVER_NEGATIVE), "cannot be negative")
    said += lines
    wide = table.pivot(index=["symbol", "fiscal_year"], columns="field", values="value")
    for part, whole in _PARTS:
        if part in wide and whole in wide:
            broken = wide.index[wide[part] > wide[whole] * 1.001]
            table, lines = _refuse(table, _at(table, broken, part), f"larger than {whole}")
            said += lines
    sliver = (wide.net_income.abs() > wide.revenue) & (wide.revenue < 0.03 * wide.total_assets)
    table, lines = _refuse(
        table,
        _at(table, wide.index[sliver | (wide.revenue < 0.003 * wide.total_assets)], "revenue"),
        "one contract line only",
    )
    said += lines
    paid = wide.dividends_per_share * wide.shares_diluted / wide.dividends_paid
    apart = wide.index[(paid < 0.85) | (paid > 1.15)]
    table = _doubt(
        table,
        _at(table, apart, "dividends_per_share"),
        "dividends per share × shares differ from dividends paid by over 15 %",
    )
    quarter = wide.index[(paid > 0.2) & (paid < 0.3)]
    often = quarter[quarter.get_level_values(0).map(quarter.get_level_values(0).value_counts()) >= 2]
    table, lines = _refuse(table, _at(table, often, "dividends_per_share"), "one quarter's rate")
    said += lines
    each = wide.eps_diluted * wide.shares_diluted / wide.net_income
    odd = wide.index[((each < 0.7) | (each > 1.3)) & (wide.net_income.abs() > 1e8)]
    table = _doubt(table, _at(table, odd, "eps_diluted"), "EPS × diluted shares differ from net income by over 30 %")
    table, lines = _spikes(table, wide)
    return table, said + lines


_SPIKE = {"revenue": 2.5, "total_assets": 2.5, "shares_diluted": 1.8, "operating_income": 8, "capex": 6, "inventory": 4}
"""How many times a line may be both its neighbours in time, or be theirs."""


def _spikes(table: pd.DataFrame, wide: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A year that towers over, or lies far below, the years on both sides: refused from one source, else doubted."""
    said: list[str] = []
    for field, times in _SPIKE.items():
        if field not in wide:
            continue
        line = wide[field].dropna()
        line = line[line > 0]
        before, after = (line.groupby(level=0).shift(step) for step in (1, -1))
        high = (line > times * before) & (line > times * after)
        low = (line * times < before) & (line * times < after)
        places = _at(table, line.index[high | low], field)
        single = places & (table.quality == "single source")
        table = _doubt(table, places & ~single, "far from the years before and after")
        table, lines = _refuse(table, single, "far from the years before and after, from a single source")
        said += lines
    return table, said


def dividends(table: pd.DataFrame) -> list[str]:
    """Dividends far above the company's others around them: special payments, or spin-offs booked as cash."""
    days = pd.to_datetime(table.ex_date)
    usual = table.groupby("symbol").amount.transform(lambda own: own.rolling(13, center=True, min_periods=5).median())
    odd = table[(table.amount > 6 * usual) & (table.amount > 5) & (days.dt.year > 2013)]
    return [f"look at: {row.symbol} dividend of {row.ex_date} = {row.amount:g}" for row in odd.itertuples()]


def quarterly(table: pd.DataFrame, yearly: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Quarterly rows that obey the laws; no quarter is above 1.1 times its year, or negative where it cannot be."""
    table, said = _refuse(table, (table.value < 0) & table.field.isin(_NEVER_NEGATIVE), "cannot be negative")
    year = yearly[yearly.field == "revenue"].set_index(["symbol", "fiscal_year"]).value
    own = table.set_index(["symbol", "fiscal_year"]).index
    whole = pd.Series(year.reindex(own).to_numpy(), index=table.index)
    table, lines = _refuse(
        table, (table.field == "revenue") & (table.value > 0.95 * whole) & (whole > 1e9), "as large as its year"
    )
    said += lines
    table, lines = _refuse(table, _far_from_a_year_ago(table), "far from the quarter a year ago, from a single source")
    return _adding_up(table, yearly), said + lines


def _far_from_a_year_ago(table: pd.DataFrame) -> pd.Series:
    revenue = table[table.field == "revenue"].set_index(["symbol", "fiscal_period", "fiscal_year"]).value
    keys = pd.MultiIndex.from_arrays([table.symbol, table.fiscal_period, table.fiscal_year - 1])
    ago = pd.Series(revenue.reindex(keys).to_numpy(), index=table.index)
    far = (table.value < 0.5 * ago) | (table.value > 2.2 * ago)
    return (table.field == "revenue") & (table.quality == "single source") & far


def _adding_up(table: pd.DataFrame, yearly: pd.DataFrame) -> pd.DataFrame:
    """A note on the four quarters of a flow that miss their year by more than 2 %."""
    flows = ["revenue", "net_income", "operating_cash_flow", "capex"]
    keys = ["symbol", "field", "fiscal_year"]
    sums = table[table.field.isin(flows)].groupby(keys, observed=True).value.agg(["sum", "count"])
    year = yearly[yearly.field.isin(flows)].set_index(keys).value.reindex(sums.index)
    off = sums.index[(sums["count"] == 4) & ((sums["sum"] - year).abs() > 0.02 * year.abs())]
    own = pd.Series(pd.MultiIndex.from_frame(table[keys]).isin(off), index=table.index)
    marked = table.copy()
    why = "the four quarters do not add up to the year, which was restated or misses one"
    marked.loc[own, "note"] = [f"{note}; {why}" if note else why for note in marked.loc[own, "note"]]
    return marked


_JUMP, _SPLIT = 4 / 3, 8
"""How many times the shares of the year before, on today's basis, want a look, and stop the build."""


def shares(annual: pd.DataFrame, most: float = _JUMP) -> list[str]:
    """Sentences on share counts that jump, though every count is on today's basis of splits."""
    line = annual[annual.field == "shares_diluted"].set_index(["symbol", "fiscal_year"]).value.sort_index()
    before = line.reindex(pd.MultiIndex.from_tuples([(symbol, year - 1) for symbol, year in line.index]))
    times = line / before.to_numpy()
    jumps = times[(times > most) | (times < 1 / most)]
    return [
        f"{symbol} has {times:.3g} times the diluted shares in FY{year} of the year before, and no split says why"
        for (symbol, year), times in jumps.items()
    ]


def closes(monthly: pd.DataFrame, daily: pd.DataFrame) -> list[str]:
    """Sentences on shares whose month-end and daily closes (a column each) are not on one basis of splits."""
    by_day = daily.rename_axis("date").rename_axis("symbol", axis=1).stack().rename("daily").reset_index()
    both = monthly.merge(by_day.assign(date=pd.to_datetime(by_day.date).dt.date), on=["symbol", "date"])
    apart = both[(both.close / both.daily - 1).abs() > 0.05].groupby("symbol").date.agg(["count", "max"])
    return [
        f"{row.Index}: the month-end and the daily close part on {row.n} days, last on {row.max}"
        for row in apart.rename(columns={"count": "n"}).itertuples()
    ]


def must_hold(annual: pd.DataFrame, quarterly: pd.DataFrame, companies: pd.DataFrame) -> list[str]:
    """Sentences on what must never be: a key twice, a company without a line, two companies with the same figures."""
    said: list[str] = []
    for name, table in (("annual", annual), ("quarterly", quarterly)):
        keys = ["symbol", "field", "fiscal_year", "fiscal_period"]
        said += [
            f"{name}: {row.symbol} {row.field} {row.fiscal_period} {row.fiscal_year} stands twice"
            for row in table[table.duplicated(keys)].itertuples()
        ]
        strangers = set(table.symbol) - set(companies.symbol)
        said += [f"{name}: {symbol} is not in companies.csv" for symbol in sorted(strangers)]
        negative = table[(table.unit == "shares") & (table.value <= 0)]
        said += [
            f"{name}: {row.symbol} {row.field} of {row.fiscal_year} is {row.value:g} shares"
            for row in negative.itertuples()
        ]
    return said + shares(annual, _SPLIT) + _twins(annual, companies)


def _twins(annual: pd.DataFrame, companies: pd.DataFrame) -> list[str]:
    primary = dict(zip(companies.symbol, companies.primary, strict=True))
    large = annual[
        (annual.value.abs() > 1e8) & annual.field.isin(["revenue", "net_income", "total_assets", "operating_cash_flow"])
    ]
    own = large.assign(company=large.symbol.map(primary))
    shared = own.groupby(["field", "period_end", "value"]).company.nunique()
    pairs: dict[tuple[str, ...], int] = {}
    for key in shared[shared > 1].index:
        same = own[(own.field == key[0]) & (own.period_end == key[1]) & (own.value == key[2])]
        names = tuple(sorted(set(same.company)))
        pairs[names] = pairs.get(names, 0) + 1
    return [f"{' and '.join(names)} share {count} figures" for names, count in pairs.items() if count >= 3]


def _at(table: pd.DataFrame, places: pd.Index, field: str) -> pd.Series:
    own = pd.MultiIndex.from_arrays([table.symbol, table.fiscal_year])
    return pd.Series(own.isin(places), index=table.index) & (table.field == field)


def _refuse(table: pd.DataFrame, mask: pd.Series, why: str) -> tuple[pd.DataFrame, list[str]]:
    gone = table[mask.fillna(False)]
    said = [
        f"refused: {row.symbol} {row.field} {row.fiscal_period} {row.fiscal_year} = {row.value:g}: {why}"
        for row in gone.itertuples()
    ]
    return table[~mask.fillna(False)], said


def _doubt(table: pd.DataFrame, mask: pd.Series, why: str) -> pd.DataFrame:
    marked = table.copy()
    marked.loc[mask & (marked.quality != "checked"), ["quality", "note"]] = ["doubtful", why]
    return marked
