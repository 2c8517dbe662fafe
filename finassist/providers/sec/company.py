"""What the SEC's `submissions` tell of a company: its profile, and what it filed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from agno.tools.finance import Filing

from finassist.core.facts import Fact
from finassist.providers.sec.asked import Asked
from finassist.providers.sourced import SourcedProfile

_LONGEST = 5_000
_NOT_SAID = "the source does not say"
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


def parse_profile(answer: Mapping[str, Any], asked: Asked) -> SourcedProfile:
    """Who the company is; what the SEC does not say is missing."""
    texts = {
        "name": _text(answer, "name"),
        "exchange": _exchange(answer, asked.company.symbol) or asked.company.exchange or None,
        "cik": asked.company.cik,
        "sector": None,
        "industry": _text(answer, "sicDescription"),
        "country": None,
        "website": _link(answer, "website"),
        "location": _location(answer),
        "description": _text(answer, "description"),
        "currency": None,
    }
    facts = [_fact(field, value, asked) for field, value in texts.items()]
    values: dict[str, Any] = {**texts}
    made = SourcedProfile(
        symbol=asked.company.symbol,
        source=asked.source(),
        missing=[fact.field for fact in facts if not fact.text],
        **values,
    )
    return made.with_facts(facts)


def _fact(field: str, value: str | None, asked: Asked) -> Fact:
    return Fact(
        symbol=asked.company.symbol,
        field=field,
        text=value,
        source=asked.source(),
        statement="profile",
        status="reported" if value else "missing",
        note=None if value else _NOT_SAID,
        as_of=asked.fetched,
    )


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return (value.strip()[:_LONGEST] or None) if isinstance(value, str) else None


def _link(row: Mapping[str, Any], name: str) -> str | None:
    found = _text(row, name)
    return found if found and found.startswith(("https://", "http://")) and " " not in found else None


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
    city, state = _text(row, "city"), _text(row, "stateOrCountryDescription") or _text(row, "stateOrCountry")
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
    number, document = _text(row, "accessionNumber"), _text(row, "primaryDocument")
    folder = f"{_ARCHIVE}/{int(asked.company.cik)}/{(number or '').replace('-', '')}"
    return Filing(
        symbol=asked.company.symbol,
        form_type=_text(row, "form"),
        filing_date=_text(row, "filingDate"),
        report_period=_text(row, "reportDate"),
        title=_text(row, "primaryDocDescription"),
        url=f"{folder}/{document}" if number and document else None,
        accession_number=number,
    )
