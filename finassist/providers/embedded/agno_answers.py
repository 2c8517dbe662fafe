"""The embedded facts in the shape of Agno's answers. Every call makes a new object."""

from __future__ import annotations

from typing import Any

from agno.tools.finance.base import PriceBar

from finassist.core.facts import Fact
from finassist.providers.embedded import figures, provenance
from finassist.providers.embedded.prices import Series
from finassist.providers.sourced import (
    SourcedHistory,
    SourcedProfile,
    SourcedQuote,
    SourcedStatement,
    distinct,
    plain,
)
from finassist.symbols.directory import directory

NOT_IN_PROFILE = ("sector", "industry", "country", "website", "employees", "description")
PROFILE_SOURCE = "SEC list of companies and tickers"


def statement(symbol: str, facts: list[Fact]) -> SourcedStatement:
    """One statement of one year."""
    first, known = facts[0], [fact for fact in facts if fact.known]
    company = provenance.COMPANY_NOTES.get(symbol)
    notes = distinct([company, *(f"{fact.field}: {fact.note}" for fact in known if fact.note)])
    days = [fact.as_of for fact in known if fact.as_of]
    made = SourcedStatement(
        symbol=symbol,
        statement=first.statement,
        period="annual",
        report_period=first.period_end.isoformat() if first.period_end else None,
        fiscal_period=first.period,
        currency="USD",
        items={fact.field: plain(fact) for fact in known},
        as_of=max(days).isoformat() if days else None,
        source="; ".join(distinct(fact.source for fact in known)),
        missing=[fact.field for fact in facts if not fact.known],
        notes=notes,
    )
    return made.with_facts(facts)


def quote(symbol: str, facts: tuple[Fact, ...]) -> SourcedQuote:
    """A price of one day. Agno's `change_percent` is in percent, the fact is a fraction."""
    by_field = {fact.field: fact for fact in facts}
    values: dict[str, Any] = {name: plain(fact) for name, fact in by_field.items() if name != "pe_reported"}
    percent, cap = by_field.get("change_percent"), by_field.get("market_cap")
    if percent is not None and percent.value is not None:
        values["change_percent"] = float(percent.value * 100)
    company, day = directory().lookup(symbol), facts[0].period
    made = SourcedQuote(
        symbol=symbol,
        currency="USD",
        name=company.name if company else None,
        exchange=(company.exchange or None) if company else None,
        as_of=day,
        market_cap_as_of=cap.period if cap else None,
        source="; ".join(distinct(fact.source for fact in facts)),
        notes=[f"closing price of {day}, embedded, not live"],
        **values,
    )
    return made.with_facts(facts)


def history(symbol: str, period: str, asked: str, found: Series) -> SourcedHistory:
    """Closes, labelled with the interval they really have."""
    first, last = found.facts[0], found.facts[-1]
    notes = [found.note, f"embedded closes end on {last.period}"]
    if asked != found.interval:
        notes.insert(0, f"bars of {asked} are not embedded; these are bars of {found.interval}")
    made = SourcedHistory(
        symbol=symbol,
        period=period,
        interval=found.interval,
        currency="USD",
        bars=[PriceBar(date=fact.period, close=plain(fact)) for fact in found.facts],
        source=first.source,
        notes=notes,
    )
    return made.with_facts(found.facts)


def profile(symbol: str) -> SourcedProfile:
    """What is known about a company, and what a profile would have and this one has not."""
    company, annual = directory().lookup(symbol), figures.annual(symbol)
    note = provenance.COMPANY_NOTES.get(symbol)
    made = SourcedProfile(
        symbol=symbol,
        name=company.name if company else annual.name if annual else None,
        exchange=(company.exchange or None) if company else None,
        cik=company.cik if company else annual.cik if annual else None,
        currency="USD",
        source=PROFILE_SOURCE,
        missing=list(NOT_IN_PROFILE),
        notes=[note] if note else [],
    )
    texts = {"name": made.name, "exchange": made.exchange, "cik": made.cik, "currency": made.currency}
    known = [_text(symbol, field, text, note) for field, text in texts.items() if text]
    return made.with_facts([*known, *(_absent(symbol, field) for field in NOT_IN_PROFILE)])


def _text(symbol: str, field: str, text: str, note: str | None) -> Fact:
    return Fact(symbol=symbol, field=field, text=text, source=PROFILE_SOURCE, statement="profile", note=note)


def _absent(symbol: str, field: str) -> Fact:
    return Fact(
        symbol=symbol,
        field=field,
        source=figures.SOURCE,
        statement="profile",
        status="missing",
        note=provenance.NOT_REPORTED,
    )
