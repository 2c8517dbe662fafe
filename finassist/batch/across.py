"""One kind of figures over many companies: no model, no agents, a fetch for each company."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from finassist.core.errors import DataError, FinassistError, InputError
from finassist.core.facts import Gap
from finassist.core.result import Draft
from finassist.providers.base import NEEDS, Need
from finassist.runtime.effects import Flow, fetch

ALSO: Final[dict[str, Need]] = {"income_statement": "income", "price": "quote", "price_history": "history"}
"""Other names of needs."""


def need_of(name: str) -> Need:
    """The need of that name.

    Raises:
        InputError: There is none.

    Example:
        >>> need_of("income_statement"), need_of("quote")
        ('income', 'quote')
    """
    need = ALSO.get(name, name)
    if need not in NEEDS:
        names = ", ".join(f'"{each}"' for each in ("income_statement", *NEEDS[2:], "profile"))
        raise InputError(f"There is no need {name!r:.60}. It is one of {names}.")
    return need


def across_flow(need: Need, years: int) -> Callable[[str], Flow[Draft]]:
    """The flow that fetches one need of the company that a question, a symbol, is."""

    def flow(symbol: str) -> Flow[Draft]:
        symbol = symbol.removeprefix("$").upper()
        found = yield from fetch(symbol, need, years)
        if isinstance(found, Gap):
            raise named(found)
        return Draft(
            content=f"{symbol}: {len(found)} figures ({need.replace('_', ' ')}).",
            category=need,
            symbols=(symbol,),
            facts=tuple(found),
            reason="It was asked for by name.",
        )

    return flow


def named(gap: Gap) -> FinassistError:
    """A gap as the error it came from, where nothing else is there."""
    kinds: list[type[FinassistError]] = [DataError, InputError]
    while kinds:
        kind = kinds.pop()
        if kind.__name__ == gap.error:
            return kind(gap.reason)
        kinds += kind.__subclasses__()
    return DataError(gap.reason)
