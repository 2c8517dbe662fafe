"""Write the embedded figures and prices from a folder of CSV files.

    python -m tests.tools.build_embedded SOURCE_DIR [--out DIR]

SOURCE_DIR holds `annual.csv`, `quotes_2026-08-21.csv`, `quotes_2025-10-16.csv`, `month_end_closes.csv` and
`weekly_adjusted_closes_2018_2022.csv`; their columns and origins are in `files/SOURCES.md`. The result is
`annual.jsonl` and `prices.jsonl`: one line per company, the ticker, a tab and a JSON object, so that one
company can be read without parsing the others. The same source gives the same bytes.

What the conversion decides:
    * A value keeps every digit: `37294000000.0` becomes `37294000000`, `0.9716` stays. Nothing is rounded.
    * A tagged zero is a reported zero. All 38 of them are lines such as buybacks or dividends in years that
      had none.
    * `filed` and `accession` come from two extractions and may name two filings. The accession number is kept
      only where its year agrees with the document the figure was taken from.
    * A field, statement or unit that the vocabulary does not know stops the conversion.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from finassist.core.fields import FIELDS

Row = Mapping[str, str]

_TARGET = Path(str(files("finassist.providers.embedded"))) / "files"

SNAPSHOT_SESSION = "2025-10-16"
_SNAPSHOT_FIELDS = {
    "price": "price",
    "prev_close": "previous_close",
    "open": "open",
    "high": "high",
    "low": "low",
    "volume": "volume",
    "market_cap": "market_cap",
    "pe": "pe_reported",
}


def number(text: str) -> str:
    """The shortest text with the same value.

    Example:
        >>> number("37294000000.0"), number("-0.30"), number("0.0")
        ('37294000000', '-0.3', '0')
    """
    plain = format(Decimal(text), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def origin(row: Row) -> tuple[str, str]:
    """Where an annual figure was taken from, in words, and the day it was known (`""` when not kept).

    Example:
        >>> origin({"filed_or_source": "SEC companyfacts, 10-K filed 2017-11-03", "filed": "2017-11-03"})
        ('SEC 10-K filed 2017-11-03', '2017-11-03')
        >>> origin({"filed_or_source": "10-K PDF text MICROSOFT_2020_10K p55", "filed": ""})
        ('SEC 10-K of 2020, page 55', '')
    """
    where, filed = row["filed_or_source"], row["filed"]
    if "Exhibit" in where:
        return f"SEC {where}, filed {filed}", filed
    if filed:
        form = "10-K/A" if "10-K/A" in where else "10-K"
        return f"SEC {form} filed {filed}", filed
    if page := re.search(r"_(\d{4})_10K p(\d+)", where):
        return f"SEC 10-K of {page[1]}, page {page[2]}", ""
    if document := re.search(r"iXBRL (\S+?)_htm\.xml", where):
        return f"SEC 10-K, document {document[1]}", ""
    if day := re.search(r"extraction, (\d{4}-\d{2}-\d{2})", where):
        return f"SEC company facts of {day[1]}", day[1]
    if month := re.search(r"extraction, (\d{4}(?:-\d{2})?)", where):
        return f"SEC company facts of {month[1]}", ""
    raise SystemExit(f"{where!r} names no origin. Teach `origin` its form.")


def accession(row: Row) -> str:
    """The accession number, where it belongs to the document the figure was taken from."""
    number_, filed = row["accession"], row["filed"]
    if not number_:
        return ""
    named = re.search(r"20(\d{2})", row["filed_or_source"])
    year = filed[2:4] or (named[1] if named else "")
    return number_ if number_.split("-")[1] == year else ""


def company(rows: Iterable[Row]) -> dict[str, Any]:
    """One company's annual figures, with the texts that repeat kept once."""
    rows = list(rows)
    sources: dict[tuple[str, ...], int] = {}
    concepts: dict[str, int] = {}
    figures: dict[str, list[list[Any]]] = {}
    for row in rows:
        words, known = origin(row)
        source = (words, known, accession(row), row["verified"])
        figures.setdefault(_checked(row), []).append(
            [
                int(row["fiscal_year"]),
                number(row["value"]),
                sources.setdefault(source, len(sources)),
                concepts.setdefault(row["concept"], len(concepts)),
            ]
        )
    years = {int(row["fiscal_year"]): row["period_end"] for row in rows}
    return {
        "name": rows[0]["company"],
        "cik": rows[0]["cik"],
        "years": {str(year): years[year] for year in sorted(years)},
        "sources": [list(source) for source in sources],
        "concepts": list(concepts),
        "figures": {name: sorted(found) for name, found in sorted(figures.items())},
    }


def _checked(row: Row) -> str:
    field = FIELDS.get(row["field"])
    if field is None or (field.statement, field.unit) != (row["statement"], row["unit"]):
        raise SystemExit(f"{row['field']} ({row['statement']}, {row['unit']}) is not in the vocabulary. Add it.")
    return field.name


def prices(source: Path) -> dict[str, dict[str, Any]]:
    """Prices by ticker: the last close, the older snapshot, month ends and weekly closes."""
    found: dict[str, dict[str, Any]] = {}
    for row in _read(source / "quotes_2026-08-21.csv"):
        quote = [row["date"], number(row["close"]), number(row["previous_close"])]
        found.setdefault(row["symbol"], {})["quote"] = quote
    for row in _read(source / "quotes_2025-10-16.csv"):
        if SNAPSHOT_SESSION not in row["as_of"]:
            raise SystemExit(f"{row['symbol']} is not of the session {SNAPSHOT_SESSION}.")
        snapshot = {ours: number(row[theirs]) for theirs, ours in _SNAPSHOT_FIELDS.items() if row[theirs]}
        found.setdefault(row["symbol"], {})["snapshot"] = {"session": SNAPSHOT_SESSION, **snapshot}
    for row in _read(source / "month_end_closes.csv"):
        bar = [row["date"], number(row["close"])]
        found.setdefault(row["symbol"], {}).setdefault("month_ends", []).append(bar)
    for row in _read(source / "weekly_adjusted_closes_2018_2022.csv"):
        bar = [row["date"], number(row["adj_close"])]
        found.setdefault(row["symbol"], {}).setdefault("weekly", []).append(bar)
    return found


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(path: Path, lines: Mapping[str, Any]) -> None:
    def line(symbol: str) -> str:
        return f"{symbol}\t{json.dumps(lines[symbol], separators=(',', ':'), ensure_ascii=False)}\n"

    path.write_text("".join(line(symbol) for symbol in sorted(lines)), encoding="utf-8", newline="\n")


def build(source: Path, out: Path) -> None:
    """Convert the CSV files in `source` into the files in `out`."""
    rows = sorted(_read(source / "annual.csv"), key=lambda row: row["symbol"])
    companies = {symbol: company(mine) for symbol, mine in groupby(rows, key=lambda row: row["symbol"])}
    _write(out / "annual.jsonl", companies)
    _write(out / "prices.jsonl", prices(source))


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.build_embedded", description="Write the figures.")
    parser.add_argument("source", type=Path, help="folder with the CSV files")
    parser.add_argument("--out", type=Path, default=_TARGET, help="folder to write to")
    given = parser.parse_args(argv)
    build(given.source, given.out)


if __name__ == "__main__":
    main()
