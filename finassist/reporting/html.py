"""Answers as self-contained HTML: no script, nothing remote.

The templates escape whatever is not `Markup`, so a text is safe by its type and not by the care of who writes it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from typing import Any, Final

from markupsafe import Markup

from finassist.core.facts import Fact
from finassist.core.formatting import ABSENCE, day, figure, is_change, label, listed
from finassist.core.metrics import catalogue
from finassist.core.periods import LATEST
from finassist.reporting import document as parts
from finassist.reporting.asked import answer_document
from finassist.reporting.charts import Panel
from finassist.reporting.company import AnswerLike
from finassist.reporting.drawing import drawing
from finassist.reporting.markdown import CONVERSATION, asked_at, question_of
from finassist.reporting.proof import Proof
from finassist.reporting.sanitize import environment, escape, rendered, safe_html, style_sheet, whole
from finassist.reporting.tables import Cell, Row, Table

_SMALL = (parts.Bullets, Panel)
_FEW = 5
"""Columns with which a table may stand beside another."""

_PRICES: Final = ("price", "close")
_A_WEEK: Final = 7
"""Days that hold five trading days."""

_ABSENT: Final = frozenset(ABSENCE.values())
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a browser lets the exported page do: use its own style, and nothing else."""

CSS: Final = style_sheet("card.css").replace("& ", ".fin-answer:not(#x) ")
_FEW_STEPS = 12
PAGE: Final = style_sheet("page.css")


def answer_html(answer: AnswerLike, *, style: bool = True) -> str:
    """The card of an answer, readable in light and dark, in a notebook and in a bare page.

    `style` is whether it brings its scoped style sheet; not where the page around it has it already.
    """
    notes: Callable[[], Sequence[str]] = getattr(answer, "notes", tuple)
    flags = (*notes(), *getattr(answer, "warnings", ()))
    named = ((word, of) for word, of in (("run", answer.run_id), ("session", answer.session_id)) if of)
    document = answer_document(answer)
    has_figures = any(isinstance(each, Table | Panel | parts.Companies) for each in document.sections)
    numbered = any(isinstance(each, parts.Sources) for each in document.sections)
    where = "Numbers in brackets lead to the filings." if numbered else "Hover over a figure for its source."
    hint = where if has_figures and answer.facts else ""
    footer = " · ".join(filter(None, ("finassist", _price_age(answer), hint)))
    card = _macros().card(document, Markup(CSS) if style else "", flags, footer, list(named))
    return str(card)  # not `Markup`, which escapes what is added to it, `replace` included


def _price_age(answer: AnswerLike) -> str:
    """How old the latest price is, where that was asked and it is older than five trading days."""
    query, at = getattr(answer, "query", None), getattr(answer, "created_at", None)
    dated = query is not None and any(period != LATEST for period in query.periods)
    days = [fact.period_end for fact in answer.facts if fact.field in _PRICES and fact.known and fact.period_end]
    if dated or not days or not isinstance(at, int | float):
        return ""
    age = (datetime.fromtimestamp(at, UTC).date() - max(days)).days
    return f"The latest price, of {max(days)}, is {age} days old." if age > _A_WEEK else ""


def proof_html(proof: Proof) -> str:
    """The tree of a proof as nested folds: open where they are few, else the top ones."""
    few = sum(1 for _ in proof.steps()) <= _FEW_STEPS
    return str(_macros().proof_card(proof, Markup(CSS), few))


def without_follow_ups[A: AnswerLike](answer: A) -> A:
    """The same answer for a place where choices and the questions that come next are buttons, not in its card."""
    shown: Any = copy.copy(answer)
    shown.follow_ups, shown.choices = [], []
    return shown


def conversation_html(answers: Sequence[AnswerLike], *, title: str = CONVERSATION, css: str = "") -> str:
    """The questions and answers of a conversation as one HTML page, oldest first; `css` is added to its own style.

    It has no script, loads nothing, and tells the browser to refuse both.

    Example:
        >>> conversation_html([]).startswith("<!DOCTYPE html>")
        True
    """
    turns = [
        (question_of(answer) or "A question", asked_at(answer), Markup(answer_html(answer, style=False)))
        for answer in answers
    ]
    return rendered("page.html.j2", turns=turns, title=title, policy=POLICY, css=Markup(PAGE + CSS + css))


def paper_html(answer: AnswerLike) -> str:
    """The page of one answer for paper: everything unfolded, its sheets as wide as its tables."""
    page = conversation_html([without_follow_ups(answer)], title="finassist", css=PAPER)
    return page.replace("<details>", "<details open>")


PAPER: Final = (
    "@page{size:A4;margin:12mm}.fin-answer:not(#x){max-width:none;border:0;padding:0}.fin-answer tr,.fin-answer "
    ".fin-chart,.fin-answer .fin-tile{break-inside:avoid}.fin-answer h3,.fin-answer summary{break-after:avoid}"
)


# ------------------------------------------------------------------------------------------- templates


@cache
def _macros() -> Any:
    """The templates of a card, with what they know besides their arguments."""
    made = environment()
    filters: dict[str, Callable[..., Any]] = {
        "beside": _beside,
        "listed": listed,
        "provenance": provenance,
        "render": section_html,
        "rows": _rows,
        "safe_html": _markup(safe_html),
        "tile_label": _tile_label,
        "tile_value": _tile_value,
        "whole": _markup(whole),
    }
    made.filters.update(filters)
    names: dict[str, Any] = {"breaks": Markup("<br>")}
    made.globals.update(names)
    return made.get_template("card.html.j2").module


def _markup(made: Callable[[str], str]) -> Callable[[str], Markup]:
    """A function whose text is HTML already."""
    return lambda text: Markup(made(text))


def section_html(section: parts.Section) -> Markup:
    """One section of a document, by the macro of its type."""
    macro = getattr(_macros(), type(section).__name__.lower())
    return macro(drawing(section) if isinstance(section, Panel) else section)


def _beside(sections: Sequence[parts.Section]) -> list[list[parts.Section]]:
    """Sections that stand beside each other where there is room: lists, charts and small tables in a row."""

    def kind(section: parts.Section) -> type | int:
        if isinstance(section, Table):
            small = len(section.columns) + bool(section.unit) <= _FEW  # amounts of money are wider than ratios
        else:
            small = isinstance(section, _SMALL)
        return type(section) if small else id(section)

    return [list(group) for _, group in groupby(sections, key=kind)]


def _rows(table: Table) -> Markup:
    """The rows of a table. A template takes thrice as long, and they are most of a large card."""
    last = len(table.columns) - 1 if table.worded else -1
    sourced = bool(table.references)  # over the columns, and not at each cell
    return Markup("".join(_row(row, last, sourced) for row in table.rows))


def _row(row: Row, worded: int, sourced: bool) -> str:
    hint = _hint(row)
    title = f' title="{escape(hint)}"' if hint else ""
    cells = "".join(_cell(cell, place == worded, sourced) for place, cell in enumerate(row.cells))
    return f'<tr><th scope="row"{title}>{escape(row.label)}</th>{cells}</tr>'


def _cell(cell: Cell, words: bool, sourced: bool) -> str:
    kind = "fin-words" if words else "fin-n fin-none" if cell.text in _ABSENT else f"fin-n{_heat(cell.fact)}"
    title = f' title="{escape(provenance(cell.fact))}"' if cell.fact and not sourced else ""
    mark = f"<sup>{escape(cell.mark)}</sup>" if cell.mark else ""
    shown = _with_arrow(cell)
    text = f"<b>{escape(shown)}</b>" if cell.best else escape(shown)
    return f'<td class="{kind}"{title}>{text}{mark}</td>'


def _heat(fact: Fact | None) -> str:
    """The class of a month's return, in five shades of each side; none of other figures."""
    if fact is None or fact.field != "monthly_return" or not fact.value:
        return ""
    return f" fin-{'up' if fact.value > 0 else 'down'} fin-h{min(int(abs(fact.value) * 40) + 1, 5)}"


def _with_arrow(cell: Cell) -> str:
    """The text of a cell; a change has an arrow, which is seen at once, in the place of its sign."""
    arrow = {"+": "▲ ", "-": "▼ "}.get(cell.text[:1])
    return f"{arrow}{cell.text[1:]}" if arrow and cell.fact and is_change(cell.fact.field) else cell.text


def _tile_label(fact: Fact) -> str:
    return "Market cap" if fact.field == "market_cap" else label(fact.field)


def _tile_value(fact: Fact) -> str:
    value = figure(fact).removesuffix(" per share")
    for word, short in (("trillion", "tn"), ("billion", "bn"), ("million", "m")):
        value = value.replace(word, short)
    return value


def _hint(row: Row) -> str:
    """How a row is computed and read."""
    fields = [cell.fact.field for cell in row.cells if cell.fact]
    metric = catalogue().get(fields[0]) if fields else None
    return " — ".join(filter(None, (row.formula, metric.about if metric and metric.report else "")))


def provenance(fact: Fact) -> str:
    """One line for the hover: what, exactly, how, from where."""
    exact = f"{fact.value:f} {fact.unit}".strip() if fact.known and fact.value is not None else fact.status
    filed = f", accession {fact.filing}" if fact.filing else ""
    known = f", as of {day(fact.as_of)}" if fact.as_of else ""
    made = f"; = {fact.formula}" if fact.formula else ""
    note = f"; {fact.note}" if fact.note else ""
    return f"{label(fact.field)} {fact.period}: {exact}{made}; {fact.source or 'no source'}{filed}{known}{note}"
