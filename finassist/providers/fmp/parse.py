"""Prices, profiles, metrics, opinions and headlines of Financial Modeling Prep: mostly as facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from agno.tools.finance import NewsItem, SymbolMatch
from msgspec.structs import replace

from finassist.analysis.statements import UNREPORTED_ZERO
from finassist.core.facts import UNDATED, Fact
from finassist.providers.base import Periods
from finassist.providers.fmp.rows import (
    COUNTS,
    METRICS,
    QUOTE,
    SOURCE,
    TARGETS,
    Asked,
    Row,
    figure,
    objects_of,
    one_row,
    rows_of,
    traded_in,
)
from finassist.providers.to_agno import SourcedMetrics, SourcedRecommendations, distinct, plain
from finassist.providers.values import as_fraction, changes, currency, day, day_of_fact, link, number, text, text_fact

type Answers = Iterable[tuple[object, Asked]]
type Dated = tuple[date, Row]

# Five hours behind UTC all year: trading there, early and late, then falls on one day in summer and in winter.
_NEW_YORK_DAY = timezone(timedelta(hours=-5))
_FIRST_SECOND, _LAST_SECOND = 631_152_000, 4_102_444_800  # 1990, 2100
_LARGEST_RISE = 1_000_000
_LAST = {"1d": 1, "5d": 5}
_SPANS: Mapping[str, Callable[[Dated], object]] = {
    "1wk": lambda dated: dated[0].isocalendar()[:2],
    "1mo": lambda dated: (dated[0].year, dated[0].month),
}
_BAR: Mapping[str, Callable[[Sequence[Any]], Any]] = {"open": itemgetter(0), "high": max, "low": min, "volume": sum}
ADJUSTED = "closes are adjusted for splits, not for dividends"


def quote_facts(data: object, asked: Asked) -> list[Fact]:
    """The newest price with what belongs to its day. The change is computed, exactly, where both prices are known."""
    row = one_row(data, asked)
    moment = _moment(row.get("timestamp"))
    at = moment.astimezone(_NEW_YORK_DAY).date() if moment else asked.fetched
    blank = day_of_fact(asked.blank("price", traded_in(asked.symbol, text(row.get("exchange")))), at)
    blank = blank if moment else replace(blank, note=UNDATED)
    facts = [figure(blank, field, row, name) for field, name in QUOTE.items()]
    price, previous = facts[0], facts[1]
    if price.value and previous.value and price.value < previous.value * _LARGEST_RISE:
        return [price, *changes(price, previous), *facts[2:]]
    percent = figure(blank, "change_percent", row, "changePercentage")
    return [*facts, figure(blank, "change", row, "change"), as_fraction(percent)]


def _moment(value: object) -> datetime | None:
    """Unix seconds as a time of our century, or `None`."""
    seconds = number(value)
    if not isinstance(seconds, Decimal) or not _FIRST_SECOND < seconds < _LAST_SECOND:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def history_facts(data: object, asked: Asked, periods: Periods) -> list[Fact]:
    """Prices of each day, or of the last trading day of each week or month, oldest first."""
    by_day: dict[date, Row] = {}
    for row in rows_of(data, asked):
        if at := day(row.get("date")):
            known = [number(each.get("close")) for each in (by_day.setdefault(at, row), row)]
            if known[0] != known[1] and all(isinstance(close, Decimal) for close in known):
                raise asked.bad(f"two closes of {at}")
            by_day[at] = row if isinstance(known[1], Decimal) else by_day[at]
    if not by_day:
        raise asked.bad("prices without a date")
    grouped = groupby(sorted(by_day.items()), key=_SPANS.get(periods.interval, itemgetter(0)))
    spans = [list(days) for _, days in grouped]
    spans = spans[-_LAST[periods.span] :] if periods.span in _LAST else spans
    blank = asked.blank("price", traded_in(asked.symbol))
    return [fact for days in spans for fact in _bar(blank, days, whole=periods.whole_bars)]


def _bar(blank: Fact, days: list[Dated], *, whole: bool) -> list[Fact]:
    """The close of one or several days, dated by the last of them, and on request the rest of the bar."""
    at, last = days[-1]
    blank = day_of_fact(blank, at)
    facts = [figure(blank, "close", last, "close")]
    for name, combine in _BAR.items() if whole else ():
        found = [figure(blank, name, row, name) for _, row in days]
        if positive := [fact.value for fact in found if fact.value and fact.value > 0]:
            facts.append(replace(found[0], value=combine(positive), status="reported", note=None))
    return facts


# ---------------------------------------------------------------------------------------- company, headlines


def profile_facts(data: object, asked: Asked) -> list[Fact]:
    """Texts about a company, and its number of employees; what the source does not say is missing."""
    row = one_row(data, asked)
    texts = {
        "name": text(row.get("companyName")),
        **{name: text(row.get(name)) for name in ("exchange", "cik", "sector", "industry", "country")},
        "website": link(row.get("website")),
        "description": text(row.get("description")),
        "location": ", ".join(part for name in ("city", "state") if (part := text(row.get(name)))),
        "currency": currency(row.get("currency")),
    }
    blank = replace(asked.blank("profile"), as_of=asked.fetched)
    facts = [text_fact(replace(blank, field=field), value) for field, value in texts.items()]
    return [*facts, _employees(replace(blank, field="employees"), row.get("fullTimeEmployees"))]


def _employees(blank: Fact, given: object) -> Fact:
    """A number of people, which the source writes as a text."""
    digits = given.strip().replace(",", "") if isinstance(given, str) else ""
    found = number(int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else None if isinstance(given, str) else given)
    if not isinstance(found, Decimal) or found <= 0 or found != int(found):
        return text_fact(blank, None)
    return replace(blank, value=found)


def parse_search(answers: Answers, limit: int) -> list[SymbolMatch]:
    """Companies of several searches, each symbol once, in the order found; nothing found is an empty list."""
    found: dict[str, SymbolMatch] = {}
    for data, asked in answers:
        for row in objects_of(data, asked):
            if symbol := text(row.get("symbol")):
                match = SymbolMatch(symbol, name=text(row.get("name")), exchange=text(row.get("exchange")))
                found.setdefault(symbol, match)
    return list(found.values())[:limit]


def parse_news(data: object, asked: Asked, limit: int) -> list[NewsItem]:
    """Headlines in the order given; nothing new is an empty list. Texts are as the source wrote them: escape them."""
    rows = rows_of(data, asked) if data != [] else []
    items = [
        NewsItem(
            title=text(row.get("title")),
            url=link(row.get("url")),
            source=text(row.get("publisher")) or text(row.get("site")),
            published_at=text(row.get("publishedDate")),
            summary=text(row.get("text")),
        )
        for row in rows
    ]
    return [item for item in items if item.title][:limit]


# -------------------------------------------------------------------------------------- metrics, opinions

_NOTES = {"debt_to_equity": "all debt and leases, not long-term debt alone"}


def parse_metrics(answers: Answers, notes: Iterable[str] = ()) -> SourcedMetrics:
    """Key metrics of the past twelve months from the answers that came; `notes` says why another did not."""
    given = [(one_row(data, asked), asked) for data, asked in answers]
    facts = [_metric(name, given) for name in METRICS]
    known, asked = [fact for fact in facts if fact.known], given[0][1]
    return SourcedMetrics(
        symbol=asked.symbol,
        currency=traded_in(asked.symbol),
        as_of=asked.fetched.isoformat(),
        source=", ".join(distinct(fact.source for fact in known)),
        formulas={fact.field: f"as {SOURCE} computes it over the past twelve months" for fact in known},
        notes=[*notes, *distinct(f"{fact.field}: {fact.note}" for fact in facts if fact.note)],
        **{fact.field: plain(fact) for fact in facts},
    ).with_facts(facts)


def _metric(name: str, given: list[tuple[Row, Asked]]) -> Fact:
    there, unit = METRICS[name]
    row, asked = next(((row, asked) for row, asked in given if there in row), given[0])
    money = traded_in(asked.symbol) if unit == "USD" else None
    statement = "price" if name == "market_cap" else "ratio"
    blank = replace(asked.blank(statement, money), period="TTM", as_of=asked.fetched, note=_NOTES.get(name))
    return replace(figure(blank, name, row, there), unit=(money or "") if unit == "USD" else unit, currency=money)


def parse_recommendations(answers: Answers, notes: Iterable[str] = ()) -> SourcedRecommendations:
    """Grades and price targets from the answers that came. A count of 0 is a figure: no analyst advises that."""
    given = [(one_row(data, asked), asked) for data, asked in answers]
    asked, row = given[0][1], {name: value for row, _ in reversed(given) for name, value in row.items()}
    blank = day_of_fact(asked.blank("price", traded_in(asked.symbol)), asked.fetched)
    counts = [_count(replace(blank, field=name, currency=None), row, there) for name, there in COUNTS.items()]
    unit = f"{blank.currency}/share" if blank.currency else ""
    targets = [
        replace(figure(blank, name, row, there), unit=unit, currency=blank.currency) for name, there in TARGETS.items()
    ]
    known = [int(fact.value) for fact in counts if fact.value is not None]
    return SourcedRecommendations(
        symbol=asked.symbol,
        consensus=text(row.get("consensus")),
        num_analysts=sum(known) if len(known) == len(counts) else None,
        as_of=asked.fetched.isoformat(),
        source=", ".join(distinct(asked.source() for _, asked in given)),
        notes=list(notes),
        **{fact.field: plain(fact) for fact in (*counts, *targets)},  # pyright: ignore[reportArgumentType]
    ).with_facts((*counts, *targets))


def _count(blank: Fact, row: Row, there: str) -> Fact:
    """A number of analysts; where all counts are 0, each stands for "not reported"."""
    found = number(row.get(there))
    if not isinstance(found, Decimal) or found < 0 or found != int(found):
        status = "missing" if row.get(there) is None else "error"
        return replace(blank, status=status, note=found if isinstance(found, str) else "the source gave no count")
    everybody = [number(row.get(other)) for other in COUNTS.values()]
    if not any(isinstance(count, Decimal) and count > 0 for count in everybody):
        return replace(blank, status="missing", note=UNREPORTED_ZERO)
    return replace(blank, value=found)
