"""What the SEC's `submissions` say about a company: its profile, and what it filed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from agno.tools.finance import Filing
from msgspec.structs import replace

from finassist.core.facts import Fact
from finassist.providers.sec.companyfacts import Asked
from finassist.providers.values import link, text, text_fact

_ARCHIVE = "https://www.sec.gov/Archives/edgar/data"


def submissions_of(data: object, asked: Asked) -> Mapping[str, Any]:
    """The answer as an object about the company that was asked for.

    Raises:
        BadPayload: It is none.
    """
    if not isinstance(data, dict):
        raise asked.bad("something else than an object")
    answer = cast("dict[str, Any]", data)
    asked.check_company(answer.get("cik"))
    return answer


def profile_facts(answer: Mapping[str, Any], asked: Asked) -> list[Fact]:
    """Texts about the company; what the SEC does not say is missing."""
    texts = {
        "name": text(answer.get("name")),
        "exchange": _exchange(answer, asked.company.symbol) or asked.company.exchange or None,
        "cik": asked.company.cik,
        "sector": None,
        "industry": text(answer.get("sicDescription")),
        "country": None,
        "website": link(answer.get("website")),
        "location": _location(answer),
        "description": text(answer.get("description")),
        "currency": None,
    }
    return [text_fact(replace(asked.blank("profile"), field=field), value) for field, value in texts.items()]


def _exchange(answer: Mapping[str, Any], symbol: str) -> str | None:
    tickers, exchanges = answer.get("tickers"), answer.get("exchanges")
    if not isinstance(tickers, list) or not isinstance(exchanges, list):
        return None
    pairs = zip(cast("list[object]", tickers), cast("list[object]", exchanges), strict=False)
    found = [exchange for ticker, exchange in pairs if ticker == symbol and isinstance(exchange, str)]
    return found[0] if found else None


def _location(answer: Mapping[str, Any]) -> str | None:
    addresses = answer.get("addresses")
    seat: object = cast("dict[str, Any]", addresses).get("business") if isinstance(addresses, dict) else None
    if not isinstance(seat, dict):
        return None
    row = cast("dict[str, Any]", seat)
    city, state = text(row.get("city")), text(row.get("stateOrCountryDescription")) or text(row.get("stateOrCountry"))
    return ", ".join(part for part in (city.title() if city else None, state) if part) or None


def parse_filings(answer: Mapping[str, Any], asked: Asked, form_type: str | None, limit: int) -> list[Filing]:
    """The newest filings, newest first; with `form_type` those of this form only."""
    filings = answer.get("filings")
    recent: object = cast("dict[str, Any]", filings).get("recent") if isinstance(filings, dict) else None
    if not isinstance(recent, dict):
        raise asked.bad("an object without filings")
    columns = cast("dict[str, object]", recent)
    wanted = ("accessionNumber", "form", "filingDate", "reportDate", "primaryDocument", "primaryDocDescription")
    lists = [cast("list[object]", column) if isinstance(column := columns.get(name), list) else [] for name in wanted]
    rows: list[dict[str, object]] = [dict(zip(wanted, row, strict=True)) for row in zip(*lists, strict=False)]
    made = [_filing(row, asked) for row in rows if not form_type or row["form"] == form_type]
    return made[: max(limit, 1)]


def _filing(row: Mapping[str, Any], asked: Asked) -> Filing:
    number, document = text(row.get("accessionNumber")), text(row.get("primaryDocument"))
    folder = f"{_ARCHIVE}/{int(asked.company.cik)}/{(number or '').replace('-', '')}"
    return Filing(
        symbol=asked.company.symbol,
        form_type=text(row.get("form")),
        filing_date=text(row.get("filingDate")),
        report_period=text(row.get("reportDate")),
        title=text(row.get("primaryDocDescription")),
        url=f"{folder}/{document}" if number and document else None,
        accession_number=number,
    )
