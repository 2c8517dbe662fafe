"""What a share price did over a span of days: change, total return, high and low, best month, drawdown. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from msgspec import structs

from finassist.analysis.calendar import day_of
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Row, a_year, as_senseless, fulfils, less, worth
from finassist.analysis.statements import unadjusted_split
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue
from finassist.core.periods import LATEST, LONGEST_GAP, Period, Span, months_back
from finassist.core.query import Query

TRADING_DAYS = 252
_EVER = 2000
_INDEX = "^GSPC"

WINDOW_METRICS = frozenset({"price_change", "total_return", "max_drawdown", "from_high", "volatility", "beta"})


OF_PRICE = frozenset({"growth", "difference", "best month", "worst month", "high", "low", "first", "last", "max",
                      "min", "mean", "cagr", "trend"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """A span of days of one share.

    Attributes:
        start: The day whose close the change begins from.
        end: The last day.
        label: What it is called.
        inside: The first day that itself belongs to the span: of a calendar year 1 January, a day after `start`.
    """

    start: date
    end: date
    label: str
    inside: date

    @classmethod
    def between(cls, start: date, end: date, label: str = "") -> Window:
        """From the close of one day to that of another."""
        return cls(start, end, label or f"{start} to {end}", start)

    @classmethod
    def whole(cls, first: date, end: date, label: str) -> Window:
        """Whole days: from the close before the first of them."""
        return cls(first - timedelta(days=1), end, label, first)


def window(cube: Cube, symbol: str, asked: Sequence[Period | Span]) -> Window | None:
    """The days that the asked periods span, or the last twelve months where none is asked."""
    last, plain = cube.last_trading_day(symbol), [each for one in asked if (each := cube.counted(symbol, one))]
    if last is None or len(plain) < len(asked):
        return None
    if not asked:
        return Window.between(months_back(last, 12), last)
    if len(asked) == 1 and plain != [*asked]:
        return _of_trading_days(asked[0], plain[0])
    asked = plain
    if len(asked) == 1:
        return _span(asked[0], last) if isinstance(asked[0], Span) else _one(asked[0], last)
    days = sorted(day for each in asked if isinstance(each, Period) and (day := day_of(each, last)))
    return Window.between(days[0], days[-1]) if days else None


def _of_trading_days(asked: Period | Span, plain: Period | Span) -> Window | None:
    """`five trading days after 2024-08-01` is a span from that day, whose own close is not one of the five."""
    day = replace(asked, shift=0) if isinstance(asked, Period) else None
    ends = [plain.start, plain.end] if isinstance(plain, Span) else [day, plain]
    start, end = sorted(last for each in ends if each and (last := each.last_day()))
    last = f"the last {asked.count} trading days" if isinstance(asked, Span) and asked.count else ""
    return Window(start, end, last or f"{start} to {end}", start + timedelta(days=1))


def _one(asked: Period, last: date) -> Window | None:
    end = day_of(asked, last)
    match asked.kind:
        case "ytd" if end:
            return Window.whole(date(end.year, 1, 1), end, f"{end.year} to {end}")
        case "latest" | "ttm" if end:
            return Window.between(months_back(end, 12), end, f"the twelve months to {end}")
        case "day" | "months ago" | "days ago" if end:
            return Window.between(end, last)
        case _:
            first = asked.first_day()
            if first is None or end is None:
                return None
            label = f"{first:%B %Y}" if asked.kind == "month" else re.sub("FY|CY|end ", "", str(asked))
            return Window.whole(first, min(end, last), label)


def _span(span: Span, last: date) -> Window:
    if span.start is None:
        start = {
            "latest": lambda: months_back(last, 12 * span.count),
            "month": lambda: months_back(last, span.count),
            "latest quarter": lambda: months_back(last, 3 * span.count),
        }.get(span.end.kind, lambda: last - timedelta(days=span.count))()
        return Window.between(start, last)
    end = min(day_of(span.end, last) or last, last)
    if span.start.kind in ("calendar", "year") and span.end.kind in ("calendar", "year"):
        return Window.whole(date(span.start.year, 1, 1), end, f"{span.start.year} to {span.end.year}")
    if span.start.kind in ("calendar", "year", "month", "calendar year", "quarter", "calendar quarter", "half"):
        return Window.whole(span.start.first_day() or last, end, f"{span.start} to {end}".replace("FY", ""))
    return Window.between(day_of(span.start, last) or last, end)


# ------------------------------------------------------------------------------------------------------------- figures


class _Share:
    """One share over a span of days: its closes, and rows of what they did."""

    def __init__(self, cube: Cube, symbol: str, span: Window) -> None:
        self.cube, self.symbol, self.span = cube, symbol, span

    def close_at(self, day: date, name: str) -> Fact | None:
        """The last close on or before a day, not older than eight days."""
        closes = self.cube.series(self.symbol, name)
        found = (closes.get(str(day - timedelta(days=back))) for back in range(9))
        return next((fact for fact in found if fact is not None and fact.known), None)

    def at_month_ends(self) -> _Share:
        """The share from month end to month end, where closes adjusted for dividends are not there for the days."""
        start, end = self.span.start, self.span.end
        if self.close_at(start, "adjusted_close") and self.close_at(end, "adjusted_close"):
            return self
        ends = Window.between(_month_end_before(start), _month_end_before(end))
        return _Share(self.cube, self.symbol, ends) if ends.start < ends.end else self

    @property
    def kind(self) -> str:
        """What sort of closes are known: of every trading day, or of month ends in the span or a part of it."""
        days = [self.span.start, *(close.period_end or date.min for close in self.closes())]
        wide = [after for before, after in pairwise(days) if (after - before).days > LONGEST_GAP]
        if not wide:
            return "daily closes"
        return "month-end closes" if wide[-1] == days[-1] else f"daily closes, of month ends only before {wide[-1]}"

    def closes(self, start: date | None = None, symbol: str = "") -> list[Fact]:
        """The closes of the span, or from another start or of another share; oldest first."""
        start, end = start or self.span.inside, self.span.end
        every = self.cube.series(symbol or self.symbol, "price").values()
        found = [fact for fact in every if fact.known and fact.period_end and start <= fact.period_end <= end]
        return sorted(found, key=lambda fact: fact.period_end or date.min)

    def returns(self, symbol: str = "") -> dict[date, float]:
        """Daily returns, by day."""
        return {
            after.period_end or date.min: float(after.value or 0) / float(before.value) - 1
            for before, after in pairwise(self.closes(self.span.start, symbol))
            if before.value
        }

    def moved(self, metric: str, value: Decimal, first: Fact, last: Fact, at: str = "") -> Row:
        """A row of a change between two closes."""
        row = self.row(metric, value, f"{last.key} / {first.key} - 1", [first, last])
        return replace(row, first=first, last=last, at=at)

    def row(self, metric: str, value: Decimal, formula: str, inputs: Sequence[Fact] = ()) -> Row:
        """A row of a figure of the whole span."""
        unit, span = catalogue()[metric].unit, self.span
        fact = Fact(
            symbol=self.symbol,
            field=metric,
            value=value,
            unit="ratio" if unit == "percent" else unit,
            currency=next((fact.currency for fact in inputs), "USD") if unit.startswith("USD") else None,
            period=span.label,
            period_end=span.end,
            as_of=span.end,
            source=next((fact.source for fact in inputs), "embedded closes"),
            statement="price",
            status="derived",
            formula=formula,
            inputs=tuple(fact.key for fact in inputs),
        )
        return Row(self.symbol, metric, fact)

    def missing(self, metric: str, note: str = "", day: date | None = None) -> Row:
        """A row without a figure, by default because there are no closes so early."""
        note = note or self.cube.no_price(self.symbol, day or self.span.inside)
        fact = Fact(symbol=self.symbol, field=metric, period=self.span.label, period_end=self.span.end,
                    statement="price", status="missing", note=note)  # fmt: skip
        return Row(self.symbol, metric, fact)

    def too_few(self, metric: str, fewest: int) -> Row:
        """A row without a figure, because a span has no closes or so few that they say nothing."""
        few = f"A {metric} needs {fewest} daily returns; {self.cube.name(self.symbol)} has fewer in {self.span.label}."
        if _noted(self):
            few = f"A {metric} needs daily closes of all of {self.span.label}: there are {self.kind}."
        return self.missing(metric, few if self.closes(self.span.start) else "")


def _change(share: _Share, *, dividends: bool = False) -> Row:
    """Price change, or total return with `dividends`, from the close before a span to its last close."""
    name, metric = ("adjusted_close", "total_return") if dividends else ("price", "price_change")
    first, last = (share.close_at(day, name) for day in (share.span.start, share.span.end))
    if first is None or last is None or not first.value or last.value is None:
        return share.missing(metric, day=share.span.start)
    return share.moved(metric, last.value / first.value - 1, first, last)


def _best_month(share: _Share, *, worst: bool = False) -> Row:
    """The calendar month of a span in which the price rose most, or fell most."""
    inside = share.span.inside
    ends = _month_ends(share.closes(inside - timedelta(days=45)))
    moves = [
        (after.value / before.value - 1, before, after)
        for before, after in pairwise(ends)
        if after.period_end and after.period_end >= inside and before.value and after.value is not None
    ]
    if not moves:
        return share.missing("price_change")
    value, first, last = (min if worst else max)(moves, key=lambda move: move[0])
    return share.moved("price_change", value, first, last, f"{last.period_end:%B %Y}")


def _extreme(share: _Share, *, low: bool = False, month_ends: bool = False) -> Row:
    """The highest or lowest close of a span."""
    closes = _month_ends(share.closes()) if month_ends else share.closes()
    if not closes:
        return share.missing("price")
    found = (min if low else max)(closes, key=lambda fact: fact.value or Decimal())
    formula = f"{'lowest' if low else 'highest'} of {len(closes)} closes"
    fact = structs.replace(found, period=share.span.label, status="derived", formula=formula, note=_noted(share))
    return Row(share.symbol, "price", fact, at=str(found.period_end))


def _noted(share: _Share) -> str | None:
    return None if share.kind == "daily closes" else share.kind


def _first_close(query: Query, share: _Share) -> Row:
    """The first or the last close of a span that fulfils the query's conditions."""
    closes = share.closes()
    ordered = closes if query.operation == "first" else closes[::-1]
    found = next((close for close in ordered if fulfils(query, Row(share.symbol, "price", close))), None)
    if found is None:
        since = closes[0].period_end if closes else share.span.inside
        none = f"{share.cube.name(share.symbol)} has no such close since {since}, where the data begin."
        return share.missing("price", none)
    begins = "where the data begin" if query.operation == "first" and found is closes[0] else None
    fact = structs.replace(found, period=share.span.label, note=begins)
    return Row(share.symbol, "price", fact, at=str(found.period_end))


def _mean_close(share: _Share) -> Row:
    """The mean of the closes of a span."""
    closes, of = share.closes(), "closes"
    if not closes:
        return share.missing("price")
    if _noted(share):
        closes, of = _month_ends(closes), "month-end closes"
    value = sum((fact.value or Decimal() for fact in closes), Decimal()) / len(closes)
    return share.row("price", value, f"mean of {len(closes)} {of}", closes[:1] + closes[-1:])


def _drawdown(share: _Share) -> Row:
    """The deepest fall from an earlier high of the span, as a negative fraction."""
    worst, peak, pair = Decimal(0), None, None
    for fact in share.closes():
        if peak is None or (fact.value or 0) > (peak.value or 0):
            peak = fact
        fall = (fact.value or Decimal()) / (peak.value or Decimal(1)) - 1
        if fall < worst:
            worst, pair = fall, (peak, fact)
    if pair:
        return share.moved("max_drawdown", worst, *pair, at=share.kind)
    never = f"The close of {share.cube.name(share.symbol)} never fell below an earlier one in {share.span.label}."
    return share.missing("max_drawdown", never if share.closes() else "")


def _from_high(share: _Share) -> Row:
    """The last close of a span against the highest one, as a fraction of nothing or less."""
    closes = share.closes()
    if not closes:
        return share.missing("from_high")
    high, last = max(closes, key=lambda fact: fact.value or Decimal()), closes[-1]
    return share.moved("from_high", (last.value or Decimal()) / (high.value or Decimal(1)) - 1, high, last)


def _volatility(share: _Share) -> Row:
    """Standard deviation of daily returns, annualised."""
    returns = list(share.returns().values())
    if len(returns) < 20 or _noted(share):
        return share.too_few("volatility", 20)
    mean = sum(returns) / len(returns)
    variance = sum((each - mean) ** 2 for each in returns) / (len(returns) - 1)
    value = Decimal(repr(math.sqrt(variance * TRADING_DAYS)))
    return share.row("volatility", value, "stdev(daily returns) * sqrt(252)")


def _beta(share: _Share) -> Row:
    """Covariance of daily returns with the index, divided by the variance of the index."""
    own, market = share.returns(), share.returns(_INDEX)
    days = sorted(own.keys() & market.keys())
    if len(days) < 60 or _noted(share):
        return share.too_few("beta", 60)
    mean, base = (sum(each[d] for d in days) / len(days) for each in (own, market))
    shared = sum((own[d] - mean) * (market[d] - base) for d in days)
    value = Decimal(repr(shared / sum((market[d] - base) ** 2 for d in days)))
    return share.row("beta", value, "cov(share, S&P 500) / var(S&P 500), daily returns")


def _month_ends(closes: Sequence[Fact]) -> list[Fact]:
    by_month = {(fact.period_end or date.min).replace(day=1): fact for fact in closes}
    return [by_month[month] for month in sorted(by_month)]


def _month_end_before(day: date) -> date:
    following = day + timedelta(days=1)
    return day if following.month != day.month else day.replace(day=1) - timedelta(days=1)


# ------------------------------------------------------------------------------------------------------ what was asked


def window_row(query: Query, cube: Cube, symbol: str, metric: str, asked: Sequence[Period | Span]) -> Row:
    """What the share price of a company did in the asked periods, as the query's operation or the metric says."""
    ever = [Span(Period("calendar", _EVER), LATEST)] if query.operation in ("first", "last") else []
    span, last = window(cube, symbol, asked or ever), cube.last_trading_day(symbol)
    if span is None or span.start >= span.end:
        note = f"Closes of {cube.name(symbol)} in the data end on {last}." if last else cube.no_price(symbol)
        if last and not all(cube.counted(symbol, each) for each in asked):
            note = (
                f"Trading days of {cube.name(symbol)} cannot be counted there: the data have no daily closes of them."
            )
        return Row(symbol, metric, Fact(symbol=symbol, field=metric, statement="price", status="missing", note=note))
    share = _Share(cube, symbol, span)
    found = _move(query, share.at_month_ends() if metric == "total_return" else share, metric)
    if query.stake and found.first and found.first.period_end:
        found = worth(query.stake, found, share.close_at(found.first.period_end, "price"))
    odd = unadjusted_split(share.closes(span.start))
    return replace(found, metric=metric, fact=as_senseless(found.fact, odd) if odd else found.fact)


def _move(query: Query, share: _Share, metric: str) -> Row:
    dividends = metric == "total_return"
    match query.operation, metric:
        case "best month" | "worst month" as which, _:
            return _best_month(share, worst=which == "worst month")
        case "high" | "max" | "low" | "min" as which, "price":
            return _extreme(share, low=which in ("low", "min"), month_ends=query.unit == "month-end")
        case "first" | "last", "price":
            return _first_close(query, share)
        case "mean", "price":
            return _mean_close(share)
        case "difference", "price":
            move = _change(share)
            return replace(move, fact=less("price", move.last, move.first)) if move.first and move.last else move
        case "cagr", "price" | "price_change" | "total_return":
            return a_year(_change(share, dividends=dividends), (share.span.end - share.span.start).days)
        case _, "max_drawdown":
            return _drawdown(share)
        case _, "from_high":
            return _from_high(share)
        case _, "volatility":
            return _volatility(share)
        case _, "beta":
            return _beta(share)
        case _:
            return _change(share, dividends=dividends)
