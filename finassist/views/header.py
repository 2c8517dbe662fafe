"""What was asked and how it was understood, above the work itself."""

from __future__ import annotations

from finassist.report import TITLES
from finassist.state import RunState
from finassist.views.safe import escape

_DECIDERS = {"rules": "by rules", "model": "by the model"}


def header_html(state: RunState) -> str:
    """The question, and what was understood, as escaped HTML."""
    return (
        f'<div class="finassist-head"><p class="finassist-question">{escape(state.question)}</p>'
        f'<p class="finassist-understood">{escape(understood(state))}</p></div>'
    )


def understood(state: RunState) -> str:
    """One line: the kind of answer, the companies, who decided.

    Example:
        >>> understood(RunState(category="stock_price", symbols=("AAPL",), companies={"AAPL": "Apple"}))
        'Stock price · Apple (AAPL)'
    """
    if not state.category:
        return "Understanding the question …" if not state.ended else ""
    names = [_name(state, symbol) for symbol in state.symbols]
    decided = _DECIDERS.get(state.decided_by, state.decided_by)
    title = TITLES.get(state.category, state.category)
    return " · ".join(filter(None, [title[:1].upper() + title[1:], ", ".join(names), decided and f"decided {decided}"]))


def _name(state: RunState, symbol: str) -> str:
    name = state.companies.get(symbol, "")
    return f"{name} ({symbol})" if name and name != symbol else symbol
