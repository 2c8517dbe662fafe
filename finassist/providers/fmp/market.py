"""Prices of Financial Modeling Prep as facts: the newest quote, and closes by day, week or month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from agno.tools.finance.base import PriceBar
from msgspec.structs import replace

from finassist.core.facts import Fact
from finassist.providers.embedded.prices import changes
from finassist.providers.fmp.rows import Asked, Row, figure, one_row, rows_of, text, traded_in
from finassist.providers.http.strict_json import Written
from finassist.providers.sourced import SourcedHistory, SourcedQuote, distinct, plain
from finassist.providers.values import LARGEST, day, number

_QUOTE: Mapping[str, str] = {
    "price": "price",
    "previous_close": "previousClose",
    "open": "open",
    "high": "dayHigh",
    "low": "dayLow",
    "volume": "volume",
    "market_cap": "marketCap",
    "fifty_two_week_high": "yearHigh",
    "fifty_two_week_low": "yearLow",
}
_CHANGES = {"change": "change", "change_percent": "changePercentage"}
_WRITTEN = frozenset({Written, int})

type Dated = tuple[date, Row]

# Five hours behind UTC all year: trading there, early and late, then falls on one day in summer and in winter.
_NEW_YORK_DAY = timezone(timedelta(hours=-5))
_FIRST_SECOND, _LAST_SECOND = 0, 4_102_444_800
_LARGEST_RISE = 1_000_000
_LAST = {"1d": 1, "5d": 5}
_SPANS: Mapping[str, Callable[[Dated], object]] = {
    "1wk": lambda dated: dated[0].isocalendar()[:2],
    "1mo": lambda dated: (dated[0].year, dated[0].month),
}
UNDATED = "the source does not say of when; it is the day the quote was fetched"
ADJUSTED = "closes are adjusted for splits, not for dividends"


def parse_quote(data: object, asked: Asked) -> SourcedQuote:
    """The newest price with what belongs to its day.

    Raises:
        BadPayload: The answer is no quote, or about another symbol.
        UnknownSymbol: The source knows no such symbol.
    """
    return _quote(quote_facts(data, asked), one_row(data, asked))


def quote_facts(data: object, asked: Asked) -> list[Fact]:
    """The figures of `parse_quote` alone."""
    row = one_row(data, asked)
    moment = _moment(row.get("timestamp"))
    at = moment.astimezone(_NEW_YORK_DAY).date() if moment else asked.fetched
    money = traded_in(asked.symbol, text(row, "exchange"))
    blank = Fact(
        symbol=asked.symbol, field="", period=at.isoformat(), period_end=at, as_of=at, source=asked.source(),
        statement="price", currency=money, note=None if moment else UNDATED,
    )  # fmt: skip
    return _of_the_day(blank, row)


def _moment(value: object) -> datetime | None:
    """Unix seconds as a time of our century, or `None`."""
    seconds = number(value)
    if not isinstance(seconds, Decimal) or not _FIRST_SECOND < seconds < _LAST_SECOND:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _of_the_day(blank: Fact, row: Row) -> list[Fact]:
    """The figures of the quote. The change is computed, exactly, wherever its two prices are known."""
    facts = [_above_zero(figure(blank, field, row, name)) for field, name in _QUOTE.items()]
    price, previous = facts[0], facts[1]
    if _comparable(price, previous):
        return [price, *changes(price, previous), *facts[2:]]
    given = [figure(blank, field, row, name) for field, name in _CHANGES.items()]
    return [*facts, *(_fraction(fact) if fact.field == "change_percent" else fact for fact in given)]


def _above_zero(fact: Fact) -> Fact:
    """The fact, unless it is a price, a volume or a market value below zero: there is no such thing."""
    if fact.value is None or fact.value > 0:
        return fact
    return replace(fact, value=None, status="error", note="the source gave a negative number")


def _comparable(price: Fact, previous: Fact) -> bool:
    """Whether both prices are known and near enough to each other that a change between them means something."""
    if price.value is None or previous.value is None:
        return False
    return price.value < previous.value * _LARGEST_RISE


def _fraction(fact: Fact) -> Fact:
    return fact if fact.value is None else replace(fact, value=fact.value / 100)


def _quote(facts: list[Fact], row: Row) -> SourcedQuote:
    moment = _moment(row.get("timestamp"))
    values: dict[str, Any] = {fact.field: plain(fact) for fact in facts}
    percent = next(fact.value for fact in facts if fact.field == "change_percent")
    values["change_percent"] = None if percent is None else float(percent * 100)  # Agno's is in percent
    made = SourcedQuote(
        symbol=facts[0].symbol,
        currency=facts[0].currency,
        name=text(row, "name"),
        exchange=text(row, "exchange"),
        as_of=moment.isoformat() if moment else facts[0].period,
        source=facts[0].source,
        notes=distinct(fact.note for fact in facts),
        **values,
    )
    return made.with_facts(facts)


def parse_history(data: object, asked: Asked, period: str, interval: str) -> SourcedHistory:
    """Closes, oldest first: of each day, or of the last trading day of each week or month.

    Raises:
        BadPayload: The answer is no price history, or about another symbol.
        UnknownSymbol: The source has none.
    """
    spans = _spans(data, asked, period, interval)
    facts = _closes(spans, asked)
    made = SourcedHistory(
        symbol=asked.symbol,
        period=period,
        interval=interval,
        currency=traded_in(asked.symbol),
        bars=[_price_bar(days, close) for days, close in zip(spans, facts, strict=True)],
        source=asked.source(),
        notes=[ADJUSTED],
    )
    return made.with_facts(facts)


def history_facts(data: object, asked: Asked, period: str, interval: str) -> list[Fact]:
    """The closes of `parse_history` alone."""
    return _closes(_spans(data, asked, period, interval), asked)


def _closes(spans: Iterable[Sequence[Dated]], asked: Asked) -> list[Fact]:
    money = traded_in(asked.symbol)
    blank = Fact(symbol=asked.symbol, field="close", source=asked.source(), statement="price", currency=money)
    return [_close(blank, *days[-1]) for days in spans]


def _close(blank: Fact, at: date, bar: Row) -> Fact:
    return _above_zero(figure(replace(blank, period=at.isoformat(), period_end=at, as_of=at), "close", bar, "close"))


def _spans(data: object, asked: Asked, period: str, interval: str) -> list[list[Dated]]:
    """The days of an answer, oldest first, in groups of one day, one week or one month."""
    by_day = {at: row for row in reversed(rows_of(data, asked)) if (at := day(row.get("date")))}
    if not by_day:
        raise asked.bad("prices without a date")
    grouped = groupby(sorted(by_day.items()), key=_SPANS.get(interval, itemgetter(0)))
    spans = [list(days) for _, days in grouped]
    return spans[-_LAST[period] :] if period in _LAST else spans


def _price_bar(days: list[Dated], close: Fact) -> PriceBar:
    """One bar of one or several days, dated by the last of them."""
    rows = [row for _, row in days]
    opens = (found[0] for row in rows if (found := _positives([row], "open")))
    return PriceBar(
        date=close.period,
        close=plain(close),
        open=_shown(next(opens, 0)),
        high=_shown(max(_positives(rows, "high"), default=0)),
        low=_shown(min(_positives(rows, "low"), default=0)),
        volume=_shown(sum(_positives(rows, "volume"))),
    )


def _positives(rows: Sequence[Row], name: str) -> Sequence[float]:
    """What is above zero in a column. Agno's bars are of floating-point numbers, and so is this; closes are exact."""
    given = [row.get(name) for row in rows]
    if _WRITTEN.issuperset(kinds := set(map(type, given))):  # as it should be
        numbers = cast("list[Any]", given)
        found: list[float] = list(map(float, numbers)) if Written in kinds else numbers
        if min(found) > 0 and max(found) < LARGEST:
            return found
    return [float(each) for value in given if isinstance(each := number(value), Decimal) and each > 0]


def _shown(value: float) -> float | int | None:
    return (int(value) if value == int(value) else value) or None
