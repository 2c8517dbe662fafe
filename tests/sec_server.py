"""The SEC's data service on this machine: answers of its shape, with figures of a company as it never was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from finassist.providers.sec import SECProvider
from tests.servers import Act, Request, Server, answer

CONTACT = "reader@example.org"
CIK = "0000320193"
FACTS, SUBMISSIONS = f"/api/xbrl/companyfacts/CIK{CIK}.json", f"/submissions/CIK{CIK}.json"

YEARS = {2022: date(2022, 9, 24), 2023: date(2023, 9, 30), 2024: date(2024, 9, 28)}
QUARTERS = {"Q1": date(2023, 12, 30), "Q2": date(2024, 3, 30), "Q3": date(2024, 6, 29)}
FILED = {2022: date(2022, 10, 28), 2023: date(2023, 11, 3), 2024: date(2024, 11, 1)}


def entry(value: object, end: date, filed: date, *, start: date | None = None, form: str = "10-K", year: int = 2024,
          part: str = "FY", accession: str = "") -> dict[str, Any]:  # fmt: skip
    """One line of `companyfacts`; `fy` and `fp` are those of the filing."""
    line = {"end": end.isoformat(), "val": value, "accn": accession or f"0000000000-{filed:%y}-{filed:%m%d}00",
            "fy": year, "fp": part, "form": form, "filed": filed.isoformat()}  # fmt: skip
    return line if start is None else {"start": start.isoformat(), **line}


def annual(values: Mapping[int, Any], restated: Mapping[int, Any] | None = None, *, instant: bool = False) -> list[Any]:
    """Each year in its own report, and again as the comparison of the next one, which may change it."""
    lines = []
    for year, value in values.items():
        start = None if instant else YEARS[year] - timedelta(days=363)
        lines.append(entry(value, YEARS[year], FILED[year], start=start, year=year))
        if year + 1 in values:
            again = (restated or {}).get(year, value)
            lines.append(entry(again, YEARS[year], FILED[year + 1], start=start, year=year + 1))
    return lines


def quarterly(values: Mapping[str, tuple[Any, Any]], *, instant: bool = False) -> list[dict[str, Any]]:
    """Of each quarter the three months and the year to date (`None`: not reported)."""
    lines = []
    for part, (three_months, to_date) in values.items():
        end = QUARTERS[part]
        known: dict[str, Any] = {"filed": end + timedelta(days=35), "form": "10-Q", "part": part}
        if instant:
            lines.append(entry(three_months, end, **known))
            continue
        if three_months is not None:
            lines.append(entry(three_months, end, start=end - timedelta(days=90), **known))
        if to_date is not None:
            lines.append(entry(to_date, end, start=date(2023, 10, 1), **known))
    return lines


def tagged(lines: list[dict[str, Any]], unit: str = "USD") -> dict[str, Any]:
    return {"label": "of no interest", "description": "", "units": {unit: lines}}


def company_facts() -> dict[str, Any]:
    """Fresh each time, so that a test can change it."""
    year_to_date = entry(720, YEARS[2024], FILED[2024], start=date(2023, 10, 1))
    shares = annual({2022: 100, 2023: 101, 2024: 400}, {2023: 404})
    facts = {
        "Revenues": tagged([
            *annual({2022: 500, 2023: 600}), entry(610, YEARS[2023], FILED[2024], start=YEARS[2023] - timedelta(363)),
            year_to_date, *quarterly({"Q1": (150, 150), "Q2": (170, 320), "Q3": (180, 500)}),
        ]),
        "NetIncomeLoss": tagged([*annual({2022: 50, 2023: -60, 2024: 72}),
                                 *quarterly({"Q1": (15, 15), "Q2": (17, 32), "Q3": (18, 50)})]),
        "EarningsPerShareDiluted": tagged([*annual({2022: 0.5, 2023: -0.59, 2024: 0.18}),
                                           *quarterly({"Q1": (0.04, 0.04)})], "USD/shares"),
        "WeightedAverageNumberOfDilutedSharesOutstanding": tagged(shares, "shares"),
        "Assets": tagged([*annual({2022: 1000, 2023: 1100, 2024: 1200}, instant=True),
                          *quarterly({"Q1": (1110, None), "Q2": (1120, None), "Q3": (1130, None)}, instant=True)]),
        "StockholdersEquity": tagged(annual({2022: 300, 2023: 310, 2024: 320}, instant=True)),
        "NetCashProvidedByUsedInOperatingActivities": tagged([
            *annual({2022: 80, 2023: 90}), entry(100, YEARS[2024], FILED[2024], start=date(2023, 10, 1)),
            *quarterly({"Q1": (20, 20), "Q2": (None, 45), "Q3": (None, 70)}),
        ]),
        "PaymentsForRepurchaseOfCommonStock": tagged(annual({2022: 5, 2023: 0, 2024: 7})),
    }  # fmt: skip
    return {"cik": int(CIK), "entityName": "Example Inc.", "facts": {"dei": {}, "us-gaap": facts}}


def submissions() -> dict[str, Any]:
    recent = {
        "accessionNumber": ["0000320193-24-000123", "0000320193-24-000081"],
        "filingDate": ["2024-11-01", "2024-08-02"], "reportDate": ["2024-09-28", "2024-06-29"],
        "form": ["10-K", "10-Q"], "primaryDocument": ["a-20240928.htm", "a-20240629.htm"],
        "primaryDocDescription": ["10-K", "10-Q"],
    }  # fmt: skip
    return {
        "cik": CIK, "name": "Example Inc.", "tickers": ["AAPL"], "exchanges": ["Nasdaq"], "description": "",
        "sicDescription": "Electronic Computers", "website": "javascript:alert(1)",
        "addresses": {"business": {"city": "EXAMPLE TOWN", "stateOrCountry": "CA"}}, "filings": {"recent": recent},
    }  # fmt: skip


def sec_server(changed: Mapping[str, Any] | None = None) -> Server:
    """The source; `changed` replaces the answer at some paths: by a value, or by an act of `tests.servers`."""
    answers = {FACTS: company_facts(), SUBMISSIONS: submissions()} | dict(changed or {})

    def script(request: Request) -> Act:
        found = answers.get(request.path, answer("<Error>NoSuchKey</Error>", status=404))
        return found if isinstance(found, Act) else answer(found)

    return Server(script)


def sec(server: Server, **options: Any) -> SECProvider:
    """A provider that asks this server, without a cache and without patience for failures."""
    return SECProvider(CONTACT, base_url=server.url, **{"cache": False, "attempts": 1, "timeout": 5.0, **options})
