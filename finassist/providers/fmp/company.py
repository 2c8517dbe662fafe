"""What Financial Modeling Prep tells about companies: profiles, symbols that fit a search, headlines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from agno.tools.finance import NewsItem, SymbolMatch

from finassist.core.facts import Fact
from finassist.providers.fmp.rows import NOT_SAID, Asked, Row, link, objects_of, one_row, rows_of, text
from finassist.providers.sourced import SourcedProfile
from finassist.providers.values import currency, number

_TEXTS = {
    "name": "companyName",
    "exchange": "exchange",
    "cik": "cik",
    "sector": "sector",
    "industry": "industry",
    "country": "country",
    "website": "website",
    "description": "description",
}


def parse_profile(data: object, asked: Asked) -> SourcedProfile:
    """What is known about a company; what is not is missing.

    Raises:
        BadPayload: The answer is no profile, or about another symbol.
        UnknownSymbol: The source knows no such symbol.
    """
    facts = profile_facts(data, asked)
    *texts, employees = facts
    values: dict[str, Any] = {fact.field: fact.text for fact in texts}
    made = SourcedProfile(
        symbol=asked.symbol,
        employees=int(employees.value) if employees.value is not None else None,
        source=asked.source(),
        missing=[fact.field for fact in facts if not fact.text and not fact.known],
        **values,
    )
    return made.with_facts(facts)


def profile_facts(data: object, asked: Asked) -> list[Fact]:
    """The facts of `parse_profile` alone; the number of employees is the last."""
    row = one_row(data, asked)
    texts = {field: link(row, name) if field == "website" else text(row, name) for field, name in _TEXTS.items()}
    texts["location"] = ", ".join(part for name in ("city", "state") if (part := text(row, name))) or None
    texts["currency"] = currency(row.get("currency"))
    return [*(_text(field, value, asked) for field, value in texts.items()), _employees(row, asked)]


def _text(field: str, value: str | None, asked: Asked) -> Fact:
    return Fact(
        symbol=asked.symbol,
        field=field,
        text=value,
        source=asked.source(),
        statement="profile",
        status="reported" if value else "missing",
        note=None if value else NOT_SAID,
        as_of=asked.fetched,
    )


def _employees(row: Row, asked: Asked) -> Fact:
    """A count of people, which the source writes as a text."""
    given = row.get("fullTimeEmployees")
    digits = given.strip().replace(",", "") if isinstance(given, str) else ""
    found = number(int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else None if isinstance(given, str) else given)
    blank = _text("employees", None, asked)
    if not isinstance(found, Decimal) or found <= 0 or found != int(found):
        return blank
    return Fact(
        symbol=blank.symbol, field="employees", value=found, source=blank.source, statement="profile",
        as_of=asked.fetched,
    )  # fmt: skip


def parse_search(answers: Iterable[tuple[object, Asked]], limit: int) -> list[SymbolMatch]:
    """Companies of several searches, each symbol once, in the order found; nothing found is an empty list."""
    found: dict[str, SymbolMatch] = {}
    for data, asked in answers:
        for row in objects_of(data, asked):
            symbol = text(row, "symbol")
            if symbol:
                match = SymbolMatch(symbol=symbol, name=text(row, "name"), exchange=text(row, "exchange"))
                found.setdefault(symbol, match)
    return list(found.values())[:limit]


def parse_news(data: object, asked: Asked, limit: int) -> list[NewsItem]:
    """Headlines in the order given; nothing new is an empty list. Texts are as the source wrote them: escape them."""
    rows = rows_of(data, asked) if data != [] else []
    items = [
        NewsItem(
            title=text(row, "title"),
            url=link(row, "url"),
            source=text(row, "publisher") or text(row, "site"),
            published_at=text(row, "publishedDate"),
            summary=text(row, "text"),
        )
        for row in rows
    ]
    return [item for item in items if item.title][:limit]
