"""Write the embedded data from a folder of source tables: repaired, held against laws, as compact Parquet.

    uv run python -m tests.tools.build_embedded SOURCE [--out FOLDER]

The source folder holds `annual.parquet`, `quarterly.parquet`, `companies.csv`, the price, split, dividend, index and
rate tables, `truth_fill.csv` and `suspects.csv`. What a law refuses is printed and not written; what a law doubts is
written with a quality mark. The build fails where a law that must hold for every row does not.
"""

from __future__ import annotations

import argparse
import shutil
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.tools import embedded_derived, embedded_laws, embedded_repairs

_TARGET = Path(str(files("finassist.providers.embedded"))) / "files"
_FACTS = {
    "symbol": "dictionary",
    "field": "dictionary",
    "fiscal_year": "int16",
    "fiscal_period": "dictionary",
    "period_end": "date32",
    "first_filed": "date32",
    "filed": "date32",
    "form": "dictionary",
    "value": "float64",
    "first_value": "float64",
    "unit": "dictionary",
    "tag": "dictionary",
    "accession": "dictionary",
    "quality": "dictionary",
    "note": "dictionary",
    "formula": "dictionary",
    "inputs": "dictionary",
}

_GROUP = 4096
"""Rows read at a time: few enough for one company, enough for all."""


class BuildError(Exception):
    """The source tables cannot be built from; the message names file, column and row."""


def build(source: Path, out: Path) -> list[str]:
    """Write every embedded table; returns what was refused or doubted, in words.

    Raises:
        BuildError: A table is not readable, lacks a column, or breaks a law that must hold.
    """
    said: list[str] = []
    annual, quarterly = (_facts(source, name) for name in ("annual", "quarterly"))
    companies = embedded_repairs.companies(_csv(source, "companies.csv", {"cik": str, "fiscal_year_end": str}))
    suspects, truth = _csv(source, "suspects.csv"), _csv(source, "truth_fill.csv")
    annual, notes = embedded_repairs.annual(annual, suspects, truth)
    quarterly, more = embedded_repairs.quarterly(quarterly, suspects)
    said += notes + more
    annual, refused = embedded_laws.annual(annual, companies)
    quarterly, late = embedded_laws.quarterly(quarterly, annual)
    said += refused + late
    annual, quarterly, filled = embedded_derived.fill(annual, quarterly)
    monthly, daily = _monthly(source), _daily(source)
    annual, none = embedded_derived.none_paid(annual, monthly, _csv(source, "dividends.csv.gz"))
    said += filled + none + [f"look at: {jump}" for jump in embedded_laws.shares(annual)]
    if broken := embedded_laws.must_hold(annual, quarterly, companies) + embedded_laws.closes(monthly, daily):
        raise BuildError("The build stops:\n" + "\n".join(broken[:20]))
    with TemporaryDirectory() as folder:  # so that nothing is half written
        made = Path(folder)
        for name, table in (("annual", annual), ("quarterly", quarterly)):
            _write(_arrow(table, _FACTS), made / f"{name}.parquet")
        _write(pa.Table.from_pandas(companies, preserve_index=False), made / "companies.parquet")
        _prices(daily, monthly, made)
        said += _series(source, made, suspects)
        out.mkdir(parents=True, exist_ok=True)
        for path in made.iterdir():
            shutil.copy(path, out / path.name)
    return said


def _facts(source: Path, name: str) -> pd.DataFrame:
    path = source / f"{name}.parquet"
    try:
        table = pd.read_parquet(path)
    except Exception as error:
        raise BuildError(f"{path.name} cannot be read as Parquet ({type(error).__name__}). Copy it again.") from error
    needed = {"symbol", "field", "fiscal_year", "fiscal_period", "period_end", "value", "unit"}
    if missing := needed - set(table.columns):
        raise BuildError(f"{path.name} lacks the columns {', '.join(sorted(missing))}.")
    for column in ("first_value", "accession", "tag", "form", "check", "derived", "first_filed", "filed"):
        if column not in table:
            table[column] = None if column == "first_value" else ""
    text = [c for c in table.columns if isinstance(table[c].dtype, pd.CategoricalDtype) or table[c].dtype == object]
    table[text] = table[text].astype(str).replace({"nan": "", "None": ""})
    for column in ("period_end", "first_filed", "filed"):
        table[column] = pd.to_datetime(table[column], errors="coerce").dt.date
    for column in ("value", "first_value"):
        numbers = pd.to_numeric(table[column], errors="coerce")
        if (bad := table.index[numbers.isna() & table[column].notna()]).size:
            raise BuildError(f"{path.name}, row {bad[0]}, column {column}: {table[column][bad[0]]!r} is no number.")
        table[column] = numbers
    table["unit"] = table["unit"].replace("USD/shares", "USD/share")
    table["quality"] = table["check"].map(embedded_repairs.quality)
    return embedded_derived.explained(table)


_COLUMNS = {
    "companies.csv": ("symbol", "name", "cik", "sector", "sub_industry", "shares_outstanding"),
    "suspects.csv": ("symbol", "table", "field", "period", "verdict", "right_value"),
    "truth_fill.csv": ("symbol", "field", "period", "value"),
    "dividends.csv.gz": ("symbol", "ex_date", "amount"),
    "splits.csv": ("symbol", "date", "ratio"),
    "index_sp500_daily.csv": ("date", "close"),
    "index_monthly.csv": ("index", "month", "close"),
    "rates.csv.gz": ("series", "date", "value", "unit"),
}
_NUMBERS = ("shares_outstanding", "amount", "ratio", "close")


def _csv(source: Path, name: str, types: dict[str, type] | None = None) -> pd.DataFrame:
    try:
        table = pd.read_csv(source / name, dtype=types)
    except Exception as error:
        raise BuildError(f"{name} cannot be read ({type(error).__name__}). Copy it again.") from error
    if missing := [column for column in _COLUMNS[name] if column not in table]:
        raise BuildError(f"{name} lacks the column {missing[0]}.")
    for column in set(_NUMBERS) & set(table.columns):
        numbers = pd.to_numeric(table[column], errors="coerce")
        bad = table.index[(numbers.isna() & table[column].notna()) | (numbers <= 0)]
        if bad.size:
            raise BuildError(
                f"{name}, row {bad[0] + 2}, column {column}: {table[column][bad[0]]} is no positive number."
            )
        table[column] = numbers
    return table


def _arrow(table: pd.DataFrame, types: dict[str, str]) -> pa.Table:
    ordered = table.sort_values(["symbol", "period_end", "fiscal_period", "field"])
    columns = {}
    for name, kind in types.items():
        values = ordered[name].where(ordered[name].notna(), None) if kind == "date32" else ordered[name]
        if kind == "dictionary":
            columns[name] = pa.array(values.astype(str)).dictionary_encode()
        else:
            columns[name] = pa.array(
                values, {"int16": pa.int16(), "date32": pa.date32(), "float64": pa.float64()}[kind], from_pandas=True
            )
    return pa.table(columns)


def _daily(source: Path) -> pd.DataFrame:
    """Daily closes, a column a company; days on which hardly anything traded are left out."""
    daily = pd.read_parquet(source / "prices_daily_close_2021-07_2026-08.parquet")
    daily.index = pd.to_datetime(daily.index)
    return daily[daily.notna().sum(axis=1) > 50].drop(columns=[c for c in ("GOOG", "FDXF") if c in daily])


def _prices(daily: pd.DataFrame, monthly: pd.DataFrame, out: Path) -> None:
    """Daily closes as one column a company, month ends as rows."""
    table = {"date": pa.array(daily.index.date, pa.date32())}
    table |= {symbol: pa.array(daily[symbol], pa.float32(), from_pandas=True) for symbol in sorted(daily.columns)}
    pq.write_table(
        pa.table(table),
        out / "prices_daily.parquet",
        compression="zstd",
        compression_level=19,
        use_dictionary=False,
        use_byte_stream_split=sorted(daily.columns),
    )
    types = {"symbol": "dictionary", "date": "date32", "close": "float64", "adj_close": "float64"}
    columns = {}
    for name, kind in types.items():
        columns[name] = (
            pa.array(monthly[name].astype(str)).dictionary_encode()
            if kind == "dictionary"
            else pa.array(monthly[name], pa.date32() if kind == "date32" else pa.float64())
        )
    _write(pa.table(columns), out / "prices_monthly.parquet")


def _monthly(source: Path) -> pd.DataFrame:
    table = pd.read_parquet(source / "prices_monthly.parquet")
    table = table[~table.symbol.isin(["GOOG", "FDXF"])].copy()
    table["date"] = _on_trading_days(pd.to_datetime(table["date"]), _csv(source, "index_sp500_daily.csv"))
    return table.drop_duplicates(["symbol", "date"]).sort_values(["symbol", "date"])


def _on_trading_days(days: pd.Series, index: pd.DataFrame) -> pd.Series:
    """Month ends that fall on a weekend, as the trading day before."""
    traded = pd.DatetimeIndex(pd.to_datetime(index["date"])).sort_values()
    return pd.Series(traded[traded.searchsorted(days, side="right") - 1].date, index=days.index)


def _series(source: Path, out: Path, suspects: pd.DataFrame) -> list[str]:
    """Index levels, rates, splits and dividends."""
    daily = _csv(source, "index_sp500_daily.csv").assign(series="S&P 500").rename(columns={"close": "value"})
    monthly = _csv(source, "index_monthly.csv").rename(columns={"index": "series", "close": "value"})
    monthly = monthly[monthly.series != "S&P 500"]
    monthly["date"] = (pd.to_datetime(monthly["month"]) + pd.offsets.MonthEnd(0)).dt.date.astype(str)
    index = pd.concat([daily, monthly])[["series", "date", "value"]]
    rates = _csv(source, "rates.csv.gz")[["series", "date", "value", "unit"]]
    splits = embedded_repairs.splits(_csv(source, "splits.csv"))
    dividends = embedded_repairs.dividends(_csv(source, "dividends.csv.gz"), suspects)
    said = embedded_laws.dividends(dividends)
    for name, table in (("index", index), ("rates", rates), ("splits", splits), ("dividends", dividends)):
        plain = table.copy()
        day = next(column for column in ("date", "ex_date") if column in plain)
        plain[day] = pd.to_datetime(plain[day]).dt.date
        for column in plain.columns:
            if (plain[column].dtype == object and column != day) or str(plain[column].dtype) == "str":
                plain[column] = plain[column].astype("category")
        _write(pa.Table.from_pandas(plain, preserve_index=False), out / f"{name}.parquet")
    return said


def _write(table: pa.Table, path: Path) -> None:
    """A table in groups of rows, each with its own texts: one company is read without the texts of all others."""
    plain = table.replace_schema_metadata(None)
    with pq.ParquetWriter(path, plain.schema, compression="zstd", compression_level=19) as writer:
        for first in range(0, len(plain), _GROUP):
            writer.write_table(_own_texts(plain.slice(first, _GROUP)))


def _own_texts(part: pa.Table) -> pa.Table:
    for place, field in enumerate(part.schema):
        if pa.types.is_dictionary(field.type):
            texts = part[place].cast(field.type.value_type).dictionary_encode().cast(field.type)
            part = part.set_column(place, field, texts)
    return part


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.build_embedded", description="Write the embedded data."
    )
    parser.add_argument("source", type=Path, help="folder with the source tables")
    parser.add_argument("--out", type=Path, default=_TARGET, help="folder to write to")
    options = parser.parse_args(argv)
    for line in build(options.source, options.out):
        print(line)
    total = sum(path.stat().st_size for path in options.out.glob("*.parquet"))
    print(f"{total / 1e6:.2f} MB in {options.out.name}")


if __name__ == "__main__":
    main()
