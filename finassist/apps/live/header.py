"""What was asked, how it was understood, and how it ended: the HTML around a timeline. Every text is escaped."""

from __future__ import annotations

from typing import Final

from finassist.apps.live.timeline_html import timeline_html
from finassist.apps.live.timeline_svg import how_far
from finassist.apps.live.tracks import seconds
from finassist.core.categories import category_of
from finassist.core.state import RunState
from finassist.reporting.html.sanitize import escape, safe_html

_DECIDERS: Final = {"rules": "by rules", "model": "by the model"}
_SHOWN_WHILE_IT_COMES: Final = 6_000
"""Characters of an answer that are drawn while it is being written: its end, at every redraw anew."""

CSS: Final = """
.finassist-run{font:14px/1.5 var(--jp-ui-font-family,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif);
color:var(--jp-ui-font-color1,inherit);max-width:1120px;overflow-wrap:anywhere}
.finassist-run .finassist-question{font-weight:650;font-size:1.08em;margin:0 0 1px}
.finassist-run .finassist-dim{color:var(--jp-ui-font-color2,inherit);font-size:.9em;margin:0 0 6px}
.finassist-run summary{cursor:pointer;color:var(--jp-ui-font-color2,inherit);font-size:.9em;margin:2px 0}
.finassist-run .finassist-ending{border-left:3px solid var(--jp-warn-color1,#9a6700);padding:4px 12px;margin:8px 0}
.finassist-run .fin-answer{margin-top:10px}
""".strip()


def header_html(state: RunState) -> str:
    """The question, and below it what was understood."""
    return (
        f'<div class="finassist-run"><style>{CSS}</style><p class="finassist-question">{escape(state.question)}</p>'
        f'<p class="finassist-dim">{escape(understood(state))}</p></div>'
    )


def understood(state: RunState) -> str:
    """One line: the kind of answer, the companies, who decided.

    Example:
        >>> understood(RunState(category="stock_price", symbols=("AAPL",), companies={"AAPL": "Apple"}))
        'Stock price · Apple (AAPL)'
    """
    if not state.category:
        return "" if state.ended else "Understanding the question …"
    title = category_of(state.category).title
    names = ", ".join(_name(state, symbol) for symbol in state.symbols)
    decided = f"decided {_DECIDERS.get(state.decided_by, state.decided_by)}" if state.decided_by else ""
    return " · ".join(part for part in (title[:1].upper() + title[1:], names, decided) if part)


def text_html(text: str) -> str:
    """Words of an answer while they come, cleaned; of a long one its end, so that drawing stays quick."""
    if len(text) <= _SHOWN_WHILE_IT_COMES:
        return safe_html(text)
    end = text[-_SHOWN_WHILE_IT_COMES:]
    end = end[end.find("\n\n") + 1 :]  # a paragraph that is cut in two would look broken
    return f'<p class="finassist-dim">… {len(text) - len(end):,} characters above …</p>{safe_html(end)}'


def run_html(state: RunState, card: str = "") -> str:
    """A run that is over, as one self-contained piece of HTML: question, timeline, and the answer's card."""
    summary = escape(f"{how_far(state)}, {seconds(state.elapsed)}")
    return (
        f'{header_html(state)}<div class="finassist-run"><details open><summary>{summary[:1].upper()}{summary[1:]}'
        f"</summary>{timeline_html(state)}</details>{card or _ending(state)}</div>"
    )


def _ending(state: RunState) -> str:
    """Where there is no card: why, and what had been said until then."""
    words = {"cancelled": "This run was stopped.", "error": state.error or "This run failed."}
    why = words.get(state.status, "")
    flag = f'<p class="finassist-ending">{escape(why)}</p>' if why else ""
    return f"{flag}{text_html(state.text)}"


def _name(state: RunState, symbol: str) -> str:
    name = state.companies.get(symbol, "")
    return f"{name} ({symbol})" if name and name != symbol else symbol
