"""Embedded closes as facts: of every trading day from July 2021, of month ends from 2015, and of the S&P 500.

All are on today's split basis. A price is of one day, and that day is its period. Nothing is live.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from itertools import batched
from typing import Any

from msgspec.structs import replace

from finassist.analysis.cube import Cube
from finassist.analysis.peers import candidates, chosen
from finassist.analysis.statements import nearest_cover
from finassist.core.facts import Fact
from finassist.core.periods import months_back
from finassist.providers.base import SPAN_DAYS, UniverseScope
from finassist.providers.embedded import figures, tables
from finassist.providers.values import changes

INDEX = "^GSPC"
"""Symbol under which the level of the S&P 500 is asked for."""

RATES = {"^IRX": "us_treasury_3m_bill_monthly", "^TNX": "us_treasury_10y_monthly"}
"""Symbols of interest rates, and their names in the embedded table."""

_RATE_NAMES = {"^IRX": "3-month Treasury bill", "^TNX": "10-year Treasury bond"}

CLOSE = "published closing price, split-adjusted"


@lru_cache(maxsize=32)
def closes(symbol: str) -> tuple[Fact, ...]:
    """Closes of a share, oldest first: month ends, and every trading day from July 2021; or of the index, or a rate."""
    if symbol == INDEX:
        return tuple(_index())
    if symbol in RATES:
        return tuple(_rates(symbol))
    found = {fact.period: fact for fact in (*_month_ends(symbol, "close", "price"), *_daily(symbol, "price"))}
    return tuple(found[day] for day in sorted(found))


@lru_cache(maxsize=32)
def adjusted_closes(symbol: str) -> tuple[Fact, ...]:
    """Month-end closes adjusted for dividends, for total returns."""
    return tuple(_month_ends(symbol, "adj_close", "adjusted_close"))


def _index() -> Iterator[Fact]:
    for part in tables.parts("index"):
        rows = tables.matching(part, series=["S&P 500"])
        for day, value in zip(tables.plain(part["date"], rows), tables.plain(part["value"], rows), strict=True):
            yield _close(INDEX, day, repr(value))


def _rates(symbol: str) -> Iterator[Fact]:
    """The mean rate of each month, known when the month is over; 0.05 is 5 % a year."""
    for part in tables.parts("rates"):
        rows = tables.matching(part, series=[RATES[symbol]])
        for day, value in zip(tables.plain(part["date"], rows), tables.plain(part["value"], rows), strict=True):
            after = months_back(day, -1)
            yield Fact(symbol=symbol, field="risk_free_rate", value=Decimal(repr(value)) / 100, unit="ratio",
                       period=f"{day:%Y-%m}", period_end=after - timedelta(days=1), as_of=after, statement="price",
                       source=f"{_RATE_NAMES[symbol]}, mean of the month (Federal Reserve, FRED)")  # fmt: skip


def _daily(symbol: str, field: str) -> Iterator[Fact]:
    if symbol != "date" and symbol in tables.names_of("prices_daily"):
        values = tables.column("prices_daily", symbol)[symbol].to_pylist()
        for day, value in zip(trading_days(), values, strict=True):
            if value is not None:
                yield _close(symbol, day, _short(value), field)


def _month_ends(symbol: str, column: str, field: str) -> Iterator[Fact]:
    rows = tables.rows_of("prices_monthly", symbol)
    for day, value in zip(tables.plain(rows["date"]), rows[column].to_pylist(), strict=True):
        if value is not None:
            yield _close(symbol, day, repr(round(value, 6)), field)


def _short(value: float) -> str:
    """The digits of a single-precision number."""
    return f"{value:.7g}"


@cache
def trading_days() -> list[date]:
    """The days of the daily prices."""
    return tables.plain(tables.column("prices_daily", "date")["date"])


def last_day() -> date:
    """The last trading day of the daily prices."""
    return trading_days()[-1]


def _close(symbol: str, day: date, value: str, field: str = "price") -> Fact:
    return Fact(
        symbol=symbol,
        field=field,
        value=Decimal(value),
        unit="USD/share",
        currency="USD",
        period=day.isoformat(),
        period_end=day,
        as_of=day,
        source=CLOSE,
        statement="price",
    )


# --------------------------------------------------------------------------------- of one company's page


@lru_cache(maxsize=64)
def quote(symbol: str) -> tuple[Fact, ...]:
    """The last close with the change to the day before and the market value; empty when there is none.

    Example:
        >>> [(fact.field, fact.value, fact.period) for fact in quote("AAPL")][:2]
        [('price', Decimal('309.35'), '2026-08-21'), ('previous_close', Decimal('311.3'), '2026-08-21')]
    """
    found = closes(symbol)
    if not found:
        return ()
    price = found[-1]
    facts = [price]
    if len(found) > 1 and price.period_end and (price.period_end - (found[-2].period_end or date.min)).days < 8:
        before = replace(price, field="previous_close", value=found[-2].value, note=f"the close of {found[-2].period}")
        facts += changes(price, before)
    return (*facts, *_market_value(symbol, price))


def _market_value(symbol: str, price: Fact) -> Iterator[Fact]:
    """Price times shares, and the shares: of the cover page near the price, else the average diluted ones."""
    shares = cover_shares(symbol)
    if shares is not None and shares.as_of:
        note = f"price × shares outstanding of {shares.as_of} (cover page of the latest filing)"
    else:
        years = figures.annual(symbol)
        shares = next((fact for fact in years if fact.field == "shares_diluted" and fact.known), None)
        of = shares.period if shares else ""
        note = f"approximate, from the average diluted shares of {of} and not the shares of the day"
    if shares is None or shares.value is None or price.value is None:
        return
    yield shares
    yield replace(
        price,
        field="market_cap",
        value=price.value * shares.value,
        unit="USD",
        status="derived",
        formula=f"price * {shares.field}",
        inputs=(price.key, shares.key),
        note=note,
    )


def series(symbol: str, interval: str) -> tuple[Fact, ...]:
    """Closes of each month (`"1mo"`), week (`"1wk"`) or trading day (`"1d"`), oldest first.

    Example:
        >>> [fact.period for fact in last(series("MSFT", "1mo"), "3mo")]
        ['2026-05-29', '2026-06-30', '2026-07-31', '2026-08-21']
    """
    if interval == "1mo":
        return tuple(_month_ends(symbol, "close", "close"))
    days = list(_daily(symbol, "close"))
    if interval == "1wk":
        days = list({fact.period_end.isocalendar()[:2]: fact for fact in days if fact.period_end}.values())
    return tuple(days)


def last(facts: tuple[Fact, ...], span: str) -> list[Fact]:
    """The facts of a series that reach back `span` (`"1y"`, `"ytd"`) from its last one."""
    newest = facts[-1].period_end or date.max
    if span == "ytd":
        after = date(newest.year - 1, 12, 31)
    else:
        after = newest - timedelta(SPAN_DAYS[span]) if span in SPAN_DAYS else date.min
    return [fact for fact in facts if fact.period_end and fact.period_end > after]


@cache
def cover_shares(symbol: str) -> Fact | None:
    """Shares outstanding as the cover page of the latest filing counts them."""
    record = tables.companies().get(symbol)
    if record is None or record.shares is None:
        return None
    return Fact(
        symbol=symbol,
        field="cover_shares",
        value=Decimal(record.shares),
        unit="shares",
        period="latest",
        period_end=record.shares_as_of,
        as_of=record.shares_as_of,
        source="cover page of the latest filing",
        statement="profile",
    )


# ---------------------------------------------------------------------------------------- all companies


def universe(scope: UniverseScope) -> list[Fact]:
    """Lines of every company, or of a company and its peers, and closes on some days, of which `date.max` is the last.

    Shares outstanding come along where there are days.
    """
    since = last_day().year + scope.since if scope.since < 0 else scope.since
    days = sorted(_days_of(scope))
    closes = closes_on(*days)
    own = _with_peers(scope, since, closes) if scope.peers_of else tables.companies().keys()
    if scope.peers_of:
        found = [fact for symbol in own for fact in figures.lines_of(symbol, scope.lines, since)]
    else:
        found = figures.facts_across(scope.lines, since, quarters=scope.quarters)
    found += [fact for fact in closes if fact.symbol in own]
    if "adjusted_close" in scope.lines:
        ends = _month_ends_near({*days, *map(_month_end_before, days)}, "adj_close", "adjusted_close")
        found += [fact for fact in ends if fact.symbol in own]
    if scope.year_ends:
        found += _year_ends(found)
    if scope.days:
        found += [fact for symbol in own if (fact := cover_shares(symbol))]
    return found


def _with_peers(scope: UniverseScope, since: int, closes: Iterable[Fact]) -> Collection[str]:
    """A company and its peers, chosen by market value as an answer chooses them."""
    own = tables.companies().get(scope.peers_of)
    if own is None:
        return ()
    near = {each.symbol: each for each in candidates(own, tables.companies().values())}
    facts = [fact for fact in closes if fact.symbol in near]
    days = {fact.symbol: fact.period_end or date.max for fact in facts}
    for symbol in near:
        count = [fact for fact in (cover_shares(symbol),) if fact and nearest_cover([fact], days.get(symbol, date.max))]
        facts += count or figures.lines_of(symbol, scope.lines, since)
    return {own.symbol, *chosen(own, Cube(facts, near), scope.peers)[1]}


def _year_ends(facts: Sequence[Fact]) -> Iterator[Fact]:
    """The closes of companies on the last days of their fiscal years, or in the week before."""
    days, first = trading_days(), trading_days()[0]
    wanted: dict[str, set[date]] = {}
    for fact in facts:
        if fact.period_end and fact.period.startswith("FY") and fact.period_end >= first:
            wanted.setdefault(fact.symbol, set()).add(fact.period_end)
    for symbols in batched(sorted(wanted.keys() & set(tables.names_of("prices_daily"))), 64):
        rows = tables.column("prices_daily", *symbols)
        for symbol in symbols:
            for end in wanted[symbol]:
                at = bisect_right(days, end) - 1
                value = rows[symbol][at].as_py() if (end - days[at]).days < 8 else None
                if value is not None:
                    yield _close(symbol, days[at], _short(value))


def _days_of(scope: UniverseScope) -> set[date]:
    end = min(last_day(), max(scope.days, default=date.max))
    return {*(min(day, end) for day in scope.days), *(_before(end, back) for back in scope.back)}


def _before(day: date, back: int | timedelta) -> date:
    if isinstance(back, timedelta):
        return day - back
    return months_back(day, back) if back else date(day.year - 1, 12, 31)


def _month_end_before(day: date) -> date:
    return day.replace(day=1) - timedelta(days=1)


@lru_cache(maxsize=4)
def closes_on(*on: date) -> tuple[Fact, ...]:
    """The last close of every company on, or up to a week before, each of some days."""
    days = trading_days()
    ends = {day: bisect_right(days, day) - 1 for day in on}
    early = [day for day, at in ends.items() if at < 0 or (day - days[at]).days > 8]
    found = [*_month_ends_near(early)]
    rows = sorted({at for day, at in ends.items() if day not in early})
    for symbols in batched(tables.names_of("prices_daily")[1:], 64) if rows else ():  # few at a time, to save memory
        closes = tables.column("prices_daily", *symbols)
        found += [each for symbol in symbols for each in _last_in_week(symbol, closes[symbol], rows)]
    return tuple(found)


def _last_in_week(symbol: str, closes: Any, rows: Iterable[int]) -> Iterator[Fact]:
    """The last close up to each of some rows of the daily prices."""
    for at in rows:
        first = max(at - 7, 0)
        week = enumerate(closes.slice(first, at - first + 1).to_pylist(), first)
        if known := [(row, value) for row, value in week if value is not None]:
            yield _close(symbol, trading_days()[known[-1][0]], _short(known[-1][1]))


def _month_ends_near(on: Iterable[date], column: str = "close", field: str = "price") -> Iterator[Fact]:
    """The month ends that lie less than nine days before one of some days."""
    days = sorted(on)
    for rows in tables.parts("prices_monthly") if days else ():
        columns = (tables.plain(rows["symbol"]), tables.plain(rows["date"]), rows[column].to_pylist())
        for symbol, each, value in zip(*columns, strict=True):
            after = bisect_left(days, each)
            if value is not None and after < len(days) and days[after] - timedelta(days=9) < each:
                yield _close(symbol, each, repr(round(value, 6)), field)
