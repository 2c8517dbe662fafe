"""Typed queries from outside: a query, a dictionary of one, or several of either, checked before they are answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from finassist.core.errors import InvalidQuery
from finassist.core.metrics import Binary, Expression, Number, parse, unit_of
from finassist.core.query import Query, is_metric

UNITS = ("", "USD", "USD thousands", "USD millions", "USD billions", "USD trillions", "percent", "times", "month-end")
"""Units that an answer can be stated in; an empty one is the metric's own."""

_EXAMPLE = "For example: Query(metrics=['net_margin'], companies=['AAPL'], periods=['FY2024'])."


def queries_of(asked: object) -> tuple[Query, ...]:
    """A query, a dictionary of one, or several of either, as queries that can be answered.

    Raises:
        InvalidQuery: One of them cannot be; the message says what would be valid.

    Example:
        >>> [str(query) for query in queries_of({"metrics": ["revenue"], "companies": ["aapl"]})]
        ['revenue of AAPL']
    """
    each = list(cast("list[object]", asked)) if isinstance(asked, list | tuple) else [asked]
    if not each:
        raise InvalidQuery(f"Pass a Query, a dictionary of its fields, or a list of them. {_EXAMPLE}")
    return tuple(map(_complete, each))


def _complete(asked: object) -> Query:
    if not isinstance(asked, Query | Mapping):
        raise InvalidQuery(f"{str(asked)[:60]!r} is no query. {_EXAMPLE}")
    query = asked if isinstance(asked, Query) else Query(**cast("dict[str, Any]", asked))
    _check_complete(query)
    return query


def _check_complete(query: Query) -> None:
    if query.intent in ("chat", "refuse"):
        raise InvalidQuery(f"A query of intent “{query.intent}” has no figures. Ask in words with run().")
    if query.intent == "define":
        if not any(name for name in query.explain if is_metric(name)):
            raise InvalidQuery("Name the metrics to explain, such as Query(intent='define', explain=['roe']).")
    elif query.scope == "named" and not query.companies:
        raise InvalidQuery(f"Name companies by ticker symbol, or ask all with scope='universe'. {_EXAMPLE}")
    elif query.intent != "document" and not query.metrics and not query.where:
        raise InvalidQuery(f"Name at least one metric; finassist.describe() lists them. {_EXAMPLE}")
    if query.unit not in UNITS:
        known = ", ".join(f"“{unit}”" for unit in UNITS if unit)
        raise InvalidQuery(f"“{query.unit[:60]}” is no unit. It is empty or one of: {known}.")
    for text in query.metrics:
        _check_units(parse(text))


def _check_units(expression: Expression) -> None:
    """What an expression adds is measured alike: no amount and amount per share."""
    if not isinstance(expression, Binary):
        return
    left, right = expression.left, expression.right
    if expression.sign in "+-" and Number not in (type(left), type(right)) and len(_units(left, right)) > 1:
        units = f"{unit_of(left)} and {unit_of(right)}"
        raise InvalidQuery(f"{units} cannot be added or subtracted; ask for the metrics one by one.")
    _check_units(left)
    _check_units(right)


def _units(*parts: Expression) -> set[str]:
    """The units of parts; percent, points and times may be added to each other."""
    return {unit_of(part) for part in parts} - {"percent", "points", "times"}
