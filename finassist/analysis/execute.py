"""A query and facts to what was asked: figures, changes, comparisons, ranks, screens. Pure.

`execute(query, cube)` gives an `Outcome`: rows of facts, the one figure where one was asked, and a gap for whatever was
asked and is not there. Sentences and tables are made of it in `finassist.reporting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from finassist.analysis.cells import OF_PRICE, WINDOW_METRICS, cell, is_series
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Outcome, Row, Shape, by_value, gaps_of
from finassist.analysis.over_periods import derived, folded, less, over
from finassist.analysis.universe import across_all
from finassist.core.metrics import lines
from finassist.core.periods import Period, Span
from finassist.core.query import Query

_MARKET = frozenset({"price", "cover_shares", "trailing_eps"})


def execute(query: Query, cube: Cube) -> Outcome:
    """The outcome of a query over the facts at hand.

    Args:
        query: What is asked; its companies are known to the cube.
        cube: The facts.
    """
    if query.scope == "universe":
        return across_all(query, cube)
    if len(query.companies) > 1 and query.intent in ("compare", "rank", "screen"):
        return _ordered(query, cube, query.companies)
    if len(query.companies) > 1 and query.operation in _ACROSS and not _several_points(query):
        return _across(query, cube)
    return _each(query, cube)


def _each(query: Query, cube: Cube) -> Outcome:
    """Every company and metric by itself."""
    rows = [row for symbol in query.companies for metric in query.metrics for row in cell(query, cube, symbol, metric)]
    known = tuple(row for row in rows if row.known)
    figure = known[0].fact if known and (len(known) == 1 or query.operation in _SINGLE) else None
    return Outcome(query, _shape(query, known), known, figure, gaps_of(rows))


def _several_points(query: Query) -> bool:
    """Whether more than one period is asked; 2023 and FY2023 are one for a company's figures."""
    years = {
        f"FY{each.year}" if isinstance(each, Period) and each.kind == "calendar" else str(each)
        for each in query.asked()
    }
    return len(years) > 1 or any(isinstance(each, Span) for each in query.asked())


def _across(query: Query, cube: Cube) -> Outcome:
    """Sums, means, differences and multiples of several companies in one period."""
    metric = query.metrics[0]
    plain = query.model_copy(update={"operation": "none"})
    rows = [row for symbol in query.companies for row in cell(plain, cube, symbol, metric)]
    known = tuple(row for row in rows if row.known)
    gaps = gaps_of(rows)
    if len(known) < len(rows) or len(known) < 2:
        return Outcome(query, "values", known, None, gaps)
    facts = [row.fact for row in known]
    if query.operation in ("sum", "mean", "median"):
        figure = folded("", metric, facts, query.operation).fact
    elif query.operation == "times":
        figure = over(metric, facts[0], facts[1])
    elif query.operation == "share":
        total = folded("", metric, facts, "sum").fact
        figure = derived(facts[0], f"share of {metric}", (facts[0].value or Decimal()) / (total.value or Decimal(1)),
                       "ratio", facts, "{a} / sum")  # fmt: skip
    else:
        figure = less(metric, facts[0], facts[1])
    return Outcome(query, _ACROSS[query.operation], known, figure, gaps)


_ACROSS: dict[str, Shape] = {
    "sum": "sum",
    "mean": "mean",
    "median": "mean",
    "difference": "difference",
    "times": "times",
    "share": "share",
}
_SINGLE = frozenset({"growth", "sequential", "cagr", "difference", "times", "sum", "mean", "max", "min"})


def _ordered(query: Query, cube: Cube, symbols: Sequence[str]) -> Outcome:
    """Companies in order of a figure: for comparisons and ranks."""
    metric = query.metrics[0]
    rows = [cell(query, cube, symbol, metric)[-1] for symbol in symbols]
    known = sorted((row for row in rows if row.known), key=by_value, reverse=query.order >= 0)
    more = [cell(query, cube, symbol, other)[-1] for other in query.metrics[1:] for symbol in symbols]
    shown = known[: query.limit] if query.limit else known
    return Outcome(query, "order", tuple(shown), shown[0].fact if shown else None, gaps_of([*rows, *more]),
                   more=tuple(row for row in more if row.known), matches=len(known))  # fmt: skip


def _shape(query: Query, rows: Sequence[Row]) -> Shape:
    if not rows:
        return "nothing"
    if rows[0].metric in WINDOW_METRICS or query.operation in ("best month", "worst month", "high", "low"):
        return "window"
    if rows[0].metric == "price" and (query.operation in OF_PRICE or is_series(query.asked())):
        return "window"
    shapes: dict[str, Shape] = {
        "growth": "change", "sequential": "change",
        "cagr": "cagr", "difference": "difference", "times": "times", "sum": "sum", "mean": "mean",
        "max": "extreme", "min": "extreme", "trend": "series",
    }  # fmt: skip
    found = shapes.get(query.operation)
    if found in ("sum", "mean", "extreme") and not any(row.at for row in rows):
        found = None
    return found or ("series" if is_series(query.asked()) and len(rows) > 1 else "values")


def needed(query: Query) -> tuple[frozenset[str], bool]:
    """The reported lines that a query rests on, and whether it needs share prices."""
    metrics = [*query.metrics, *(condition.metric for condition in query.where)]
    found = frozenset[str]().union(*(lines(metric) for metric in metrics)) if metrics else frozenset[str]()
    behind = {_BEHIND[name] for name in found & _BEHIND.keys()}
    return found - _MARKET - WINDOW_METRICS | behind, bool(found & (_MARKET | WINDOW_METRICS))


_BEHIND = {"trailing_eps": "eps_diluted", "cover_shares": "shares_diluted"}
