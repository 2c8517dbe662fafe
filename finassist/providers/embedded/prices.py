"""The embedded prices as facts: the last close, an older market snapshot, month ends and weekly closes.

Every price is of one day, and that day is its period. Nothing here is live.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from msgspec.structs import replace

from finassist.core.facts import Fact
from finassist.core.fields import FIELDS
from finassist.providers.embedded.figures import lines

SNAPSHOT_SOURCE = "market snapshot of the session of {day} (FinSearchComp, CC-BY-4.0)"
CLOSE_SOURCE = "published closing prices"
MONTH_END_SOURCE = "published month-end closing prices"
WEEKLY_SOURCE = "weekly adjusted closes 2018-2022 (data set of the skfolio package)"

MONTH_END_NOTE = "a month-end close; early ones may be adjusted for dividends by up to 1 %"
WEEKLY_NOTE = "adjusted for splits and dividends; compare with other adjusted closes only"
OLDER_NOTE = "older than the price: no newer one is embedded"

_DAYS = {"1d": 1, "5d": 5, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827}


@dataclass(frozen=True, slots=True)
class Series:
    """Closes of one kind, oldest first.

    Attributes:
        interval: `"1mo"` or `"1wk"`.
        facts: One fact per bar.
        note: What to know about them.
    """

    interval: str
    facts: tuple[Fact, ...]
    note: str

    def last(self, period: str) -> Series:
        """The part of the series that ends with its last bar and is as long as `period` (`"1y"`, `"ytd"`)."""
        newest = self.facts[-1].period_end or date.max
        if period == "ytd":
            after = date(newest.year - 1, 12, 31)
        else:
            after = newest - timedelta(_DAYS[period]) if period in _DAYS else date.min
        return changed(self, facts=tuple(f for f in self.facts if f.period_end and f.period_end > after))


def symbols() -> tuple[str, ...]:
    """Companies with any embedded price, in alphabetical order."""
    return tuple(lines("prices.jsonl"))


@cache
def quote(symbol: str) -> tuple[Fact, ...]:
    """The newest embedded price with what belongs to it; empty when there is none.

    Example:
        >>> [(fact.field, fact.value, fact.period) for fact in quote("AAPL")][:2]
        [('price', Decimal('309.35'), '2026-08-21'), ('previous_close', Decimal('311.3'), '2026-08-21')]
    """
    data = _data(symbol)
    snapshot = data.get("snapshot")
    if "quote" in data:
        day, close, previous = data["quote"]
        price = _price(symbol, "price", close, day, CLOSE_SOURCE)
        facts = [price, *changes(price, _price(symbol, "previous_close", previous, day, CLOSE_SOURCE))]
        older = _of_snapshot(symbol, snapshot, ("market_cap",)) if snapshot else []
        return (*facts, *(replace(fact, note=OLDER_NOTE) for fact in older))
    return tuple(_whole_snapshot(symbol, snapshot)) if snapshot else ()


@cache
def series(symbol: str, interval: str) -> Series | None:
    """Month-end (`"1mo"`) or weekly adjusted (`"1wk"`) closes, or `None` when there are none.

    Example:
        >>> found = series("MSFT", "1mo").last("3mo")
        >>> [fact.period for fact in found.facts]
        ['2026-05-29', '2026-06-30', '2026-07-31', '2026-08-21']
    """
    name, field, source, note = (
        ("weekly", "adjusted_close", WEEKLY_SOURCE, WEEKLY_NOTE)
        if interval == "1wk"
        else ("month_ends", "close", MONTH_END_SOURCE, MONTH_END_NOTE)
    )
    bars = _data(symbol).get(name)
    if not bars:
        return None
    facts = (replace(_price(symbol, field, close, day, source), note=note) for day, close in bars)
    return Series(interval if name == "weekly" else "1mo", tuple(facts), note)


def _data(symbol: str) -> Mapping[str, Any]:
    line = lines("prices.jsonl").get(symbol)
    return json.loads(line) if line else {}


def _price(symbol: str, field: str, value: str, day: str, source: str) -> Fact:
    unit = FIELDS[field].unit
    return Fact(
        symbol=symbol,
        field=field,
        value=Decimal(value),
        unit=unit,
        currency="USD" if unit.startswith("USD") else None,
        period=day,
        period_end=date.fromisoformat(day),
        as_of=date.fromisoformat(day),
        source=source,
        statement="price",
    )


def changes(price: Fact, previous: Fact) -> Iterable[Fact]:
    """The previous close, and the two figures that follow from it."""
    yield previous
    if price.value is None or not previous.value:
        return
    inputs = (price.key, previous.key)
    change = price.value - previous.value
    derived = replace(price, status="derived", inputs=inputs)
    yield replace(derived, field="change", value=change, formula="price - previous_close")
    yield replace(
        derived,
        field="change_percent",
        value=round(change / previous.value, 8),
        unit="ratio",
        currency=None,
        formula="(price - previous_close) / previous_close",
    )


def _of_snapshot(symbol: str, snapshot: Mapping[str, str], fields: Iterable[str]) -> list[Fact]:
    day = snapshot["session"]
    source = SNAPSHOT_SOURCE.format(day=day)
    return [_price(symbol, field, snapshot[field], day, source) for field in fields if field in snapshot]


def _whole_snapshot(symbol: str, snapshot: Mapping[str, str]) -> Iterable[Fact]:
    price, previous = _of_snapshot(symbol, snapshot, ("price", "previous_close"))
    yield price
    yield from changes(price, previous)
    yield from _of_snapshot(symbol, snapshot, ("open", "high", "low", "volume", "market_cap", "pe_reported"))
