"""How much a share swung over a span of days, and what that swing paid: volatility, drawdown, beta, Sharpe. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from statistics import correlation, covariance, fmean, stdev, variance

from msgspec import structs

from finassist.analysis.outcome import Row
from finassist.analysis.shares import Share
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue

INDEX, RATE = "^GSPC", "^IRX"
"""The symbols of the S&P 500 and of the 3-month Treasury bill."""

RATE_FIELD = "risk_free_rate"
_YEARLY = math.sqrt(252)
"""Trading days of a year, as the deviation of daily returns grows with them."""

OF_EXCESS = frozenset({"sharpe", "sortino"})
OF_INDEX = frozenset({"beta", "correlation"})
OF_DAYS = OF_EXCESS | OF_INDEX | {"volatility"}
"""Figures of daily returns, for which month ends do not do."""

_FEWEST: Mapping[str, int] = {"volatility": 20}
"""Daily returns that a figure needs, where it is content with fewer than 60."""

_OLDEST_RATE = timedelta(days=150)
"""How long a month's rate stands for later days, of which none is known yet."""


def risk_row(share: Share, metric: str, against: str = "") -> Row:
    """A figure of `OF_DAYS` over a span, or why there is none.

    Args:
        share: The share and the span.
        metric: Which figure.
        against: The share that beta and correlation are measured against; the S&P 500 by default.
    """
    returns, fewest = share.returns(), _FEWEST.get(metric, 60)
    if len(returns) < fewest or share.noted:
        return share.too_few(metric, fewest)
    if metric in OF_INDEX:
        return _beside(share, metric, returns, against or INDEX)
    if metric in OF_EXCESS:
        return _over_the_rate(share, metric, list(returns.values()))
    return _made(share, metric, stdev(returns.values()) * _YEARLY, "stdev(daily returns) * sqrt(252)")


def _made(share: Share, metric: str, value: float, formula: str, others: Sequence[Fact] = ()) -> Row:
    """A row of daily returns, of which the first and the last close stand for all."""
    closes = share.closes(share.span.start)
    first, last = share.close_at(share.span.start, "price") or closes[0], closes[-1]
    row = share.row(metric, Decimal(repr(value)), f"{formula}; {len(closes)} closes", [first, last, *others])
    return replace(row, first=first, last=last)


def _beside(share: Share, metric: str, own: Mapping[date, float], against: str) -> Row:
    """Beta or correlation of the returns of the days that both shares have."""
    market, names = share.returns(against), [share.cube.name(each) for each in (share.symbol, against)]
    days = sorted(own.keys() & market.keys())
    if len(days) < 60:
        shared = f"60 daily returns that {' and '.join(names)} share"
        return share.missing(metric, f"{catalogue()[metric].title} needs {shared}: there are {len(days)}.")
    ours, theirs = [own[day] for day in days], [market[day] for day in days]
    if not (variance(theirs) and variance(ours)):
        return share.missing(metric, f"{catalogue()[metric].title} needs closes that change.")
    if metric == "beta":
        value, formula = covariance(ours, theirs) / variance(theirs), "cov(share, {m}) / var({m}), daily returns"
    else:
        value, formula = correlation(ours, theirs), "corr(share, {m}), daily returns"
    closes = share.closes(share.span.start, against)
    row = _made(share, metric, value, formula.format(m=names[1]), [closes[0], closes[-1]])
    return row if against == INDEX else replace(row, fact=structs.replace(row.fact, field=f"{metric} with {against}"))


# ------------------------------------------------------------------------------------------------ over a risk-free rate


def _over_the_rate(share: Share, metric: str, returns: Sequence[float]) -> Row:
    """Sharpe or Sortino ratio: the mean return over a risk-free rate, by the deviation of all days or of falls."""
    rate = _assumed(share) or _bill(share)
    if rate is None or rate.value is None:
        none = f"A {catalogue()[metric].label} needs a risk-free rate, and the data have none for {share.span.label}."
        return share.missing(metric, f"{none} Assume it: assume={{'{RATE_FIELD}': 0.04}}.")
    excess = [each - float(rate.value) / 252 for each in returns]
    if metric == "sharpe":
        spread, formula = stdev(excess), "stdev(daily returns)"
    else:
        spread = math.sqrt(fmean(min(each, 0.0) ** 2 for each in excess))
        formula = "sqrt(mean(min(daily return - risk_free_rate / 252, 0) ^ 2))"
    if not spread:
        return share.missing(metric, f"{catalogue()[metric].title} needs closes that change.")
    formula = f"(mean(daily returns) * 252 - risk_free_rate) / ({formula} * sqrt(252))"
    return replace(_made(share, metric, fmean(excess) / spread * _YEARLY, formula, [rate]), parts=(rate,))


def _bill(share: Share) -> Fact | None:
    """The mean yearly rate of 3-month Treasury bills over the months of a span."""
    start, end = share.span.inside, share.span.end
    known = sorted(share.cube.series(RATE, RATE_FIELD).values(), key=lambda fact: fact.period_end or date.min)
    known = [fact for fact in known if fact.known and fact.period_end and fact.period_end.replace(day=1) <= end]
    months = [fact for fact in known if fact.period_end and fact.period_end >= start] or known[-1:]
    last = months[-1].period_end if months else None
    if last is None or end - last > _OLDEST_RATE:
        return None
    rate = sum((fact.value or Decimal() for fact in months), Decimal()) / len(months)
    late = f"known to {months[-1].period} only" if end - last > timedelta(days=31) else None
    return structs.replace(months[-1], value=rate, period=share.span.label, period_end=end, status="derived",
                           formula=f"mean of {len(months)} months", inputs=tuple(fact.key for fact in months),
                           note=late)  # fmt: skip


def _assumed(share: Share) -> Fact | None:
    """The rate that the query assumes in place of that of the data."""
    rate, span = share.cube.assumed.get(RATE_FIELD), share.span
    if rate is None:
        return None
    return Fact(symbol=RATE, field=RATE_FIELD, value=Decimal(repr(rate)), unit="ratio", period=span.label,
                period_end=span.end, source="assumption", statement="price", status="assumed")  # fmt: skip
