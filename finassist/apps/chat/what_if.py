"""Sliders for the assumptions of a valuation: what they change is recomputed, and marked as set."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from finassist.answer import Answer
from finassist.apps.chat.widgets import Callbacks, Widget, button, column, html, row, slider
from finassist.core.errors import InputError
from finassist.core.facts import Fact
from finassist.core.metrics import described
from finassist.core.query import Query
from finassist.reporting.sanitize import escape

type Ask = Callable[[Query], Awaitable[Answer]]

RANGES: Final[Mapping[str, tuple[float, float, float]]] = {
    "forecast_growth": (-0.2, 0.5, 0.005), "forecast_margin": (0.0, 0.6, 0.005), "wacc": (0.04, 0.2, 0.0025),
    "cost_of_equity": (0.04, 0.2, 0.0025), "terminal_growth": (0.0, 0.05, 0.0025),
    "dividend_growth": (0.0, 0.1, 0.0025), "exit_multiple": (2.0, 60.0, 0.5), "forecast_years": (1.0, 20.0, 1.0),
    "beta": (0.0, 3.0, 0.05), "risk_free_rate": (0.0, 0.1, 0.0025), "equity_premium": (0.02, 0.08, 0.0025),
    "credit_spread": (0.0, 0.06, 0.0025), "marginal_tax": (0.0, 0.5, 0.01),
}  # fmt: skip
"""The assumptions that have a slider: lowest, highest, and the step between."""

_SAME = 1e-9


class WhatIf:
    """The answer of a valuation below a slider for each of its assumptions.

    Args:
        answer: The answer to begin with.
        ask: Answers a query; what it answers is not stored.

    Raises:
        InputError: The answer has no assumptions.
    """

    def __init__(self, answer: Answer, ask: Ask) -> None:
        given = {fact.field: fact for fact in answer.facts if fact.field in RANGES and fact.value is not None}
        if answer.query is None or len(answer.queries) != 1 or not given:
            raise InputError("This answer assumes nothing. Ask for a valuation, such as “DCF of Apple”.")
        self.answer, self.query, self._ask = answer, answer.query, ask
        self._first = answer.query
        self.callbacks = Callbacks(self._complain, tuple[str, ...])
        self._asking: asyncio.Task[Any] | None = None
        self._card, self._problem = html(answer.to_html(), "card"), html("", "problem")
        self._sliders = {name: self._slider(name, given[name]) for name in RANGES if name in given}
        reset = button("Reset", self.callbacks.guarded(self._reset), tooltip="Back to what the answer began with")
        sliders = row(self._sliders.values())
        sliders.layout.flex_flow = "row wrap"
        self.panel = column([sliders, row([reset]), self._problem, self._card])

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.panel._repr_mimebundle_(**options)

    async def set(self, **values: float | None) -> Answer:
        """Set assumptions and show the answer; `None` in place of a number takes one back.

        Raises:
            InvalidQuery: A value is out of range; what is shown stays.
        """
        kept = {name: value for name, value in {**self.query.assume, **values}.items() if value is not None}
        query = self.query.assuming(kept)
        answer = await self._ask(query)
        self.query, self.answer = query, answer
        self._card.value, self._problem.value = answer.to_html(), ""
        return answer

    def _slider(self, name: str, fact: Fact) -> Widget:
        low, high, step = RANGES[name]
        value = float(fact.value or 0)
        form = ".1%" if fact.unit == "ratio" else ".2f" if step < 1 else "d"

        def moved(event: Any) -> Coroutine[Any, Any, None]:
            return self._changed(name, float(event["new"]))

        limits = (min(low, value), max(high, value), step)
        return slider(described(name).title, value, limits, form, self.callbacks.guarded(moved))

    async def _changed(self, name: str, value: float) -> None:
        """Answer with the latest value; a run for an earlier one is cancelled."""
        if abs(value - self._shown().get(name, value + 1)) < _SAME:
            return
        if self._asking is not None:
            self._asking.cancel()
        self._asking = asyncio.current_task()
        await self.set(**{name: value})

    async def _reset(self, *_: Any) -> None:
        self.query = self._first
        await self.set()
        for name, value in self._shown().items():
            self._sliders[name].value = value

    def _shown(self) -> dict[str, float]:
        """The assumptions of the answer that is shown."""
        return {
            fact.field: float(fact.value) for fact in self.answer.facts if fact.field in self._sliders and fact.value
        }

    def _complain(self, words: str) -> None:
        self._problem.value = f"<p role='alert'>{escape(words)}</p>" if words else ""
