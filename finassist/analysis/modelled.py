"""Whether a query asks for a model, and its answer: the figure with its steps. Pure."""

from __future__ import annotations

from finassist.analysis.calendar import Point
from finassist.analysis.cells import cell
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Outcome, Row, gaps_of
from finassist.analysis.valuation import steps_of
from finassist.core.metrics import catalogue
from finassist.core.periods import LATEST, Period, Span
from finassist.core.query import Query


def is_model(query: Query) -> bool:
    """Whether a query asks for one model of one company, whose steps are shown."""
    asked = len(query.companies) == len(query.metrics) == 1 and len(query.periods) < 2
    name = query.metrics[0] if asked else ""
    plain = query.operation == "none" and not query.where and not any(isinstance(each, Span) for each in query.asked())
    return asked and plain and name in catalogue() and catalogue()[name].model not in ("", "step")


def valued(query: Query) -> bool:
    """Whether a query asks what shares of named companies are worth by a model: each has assumptions of its own."""
    one = [is_model(query.model_copy(update={"companies": [symbol]})) for symbol in query.companies[:1]]
    plain = query.intent not in ("compare", "rank", "screen")
    return all(one) and plain and catalogue()[query.metrics[0]].model == "value"


def modelled(query: Query, cube: Cube) -> Outcome:
    """The figure of a model with its steps, or of a formula with its parts."""
    symbol, metric = query.companies[0], query.metrics[0]
    row = cell(query, cube, symbol, metric)[-1]
    if not row.known:
        return Outcome(query, "nothing", gaps=gaps_of([row], cube.nearest))
    point = cube.at(symbol, metric, _period_of(query)) or Point("FY")
    steps = (
        steps_of(cube, symbol, metric, point)[:-1]
        if catalogue()[metric].rests_on and not catalogue()[metric].formula
        else cube.inputs(symbol, metric, point)
    )
    if catalogue()[metric].model == "value" and not any(step.field == "price" for step in steps):
        day = point.end if query.periods else cube.last_trading_day(symbol)
        steps = [*steps, cube.value(symbol, "price", Point("DAY", end=day))]
    more = [Row(symbol, step.field, step) for step in steps if step.known]
    return Outcome(query, "model", (row,), row.fact, more=tuple(more))


def _period_of(query: Query) -> Period:
    """The one period that a query asks, or the latest."""
    first = next(iter(query.asked()), LATEST)
    return first if isinstance(first, Period) else LATEST
