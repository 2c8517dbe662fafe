"""An answer as one self-contained HTML card: no script, nothing remote, every text escaped."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

from finassist.core.categories import YEARS_SHOWN, category_of
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.formatting import listed
from finassist.reporting.company import Dossier, Subject, year_ends
from finassist.reporting.document import (
    left_out,
    missing,
    side_by_side,
    sources,
    tables,
    used_facts,
    with_figures,
)
from finassist.reporting.html.overview import bullets, overview
from finassist.reporting.html.sanitize import escape, safe_html
from finassist.reporting.html.style import CSS
from finassist.reporting.html.table import table_html
from finassist.reporting.markdown import DIFFERENT_YEARS
from finassist.reporting.tables import Table
from finassist.symbols.directory import directory

_UNFOLDED = 2
"""Tables of a report that are open at first: the key figures and the price."""

_FEW_SOURCES = 6


class AnswerLike(Protocol):
    """What a card needs of an answer; `finassist.answer.Answer` has it."""

    @property
    def content(self) -> Any:
        """Markdown, shown for a chat answer and where there are no figures."""

    @property
    def category(self) -> str:
        """One of the five categories."""
        ...

    @property
    def symbols(self) -> Sequence[str]:
        """The companies, in the order of the question."""
        ...

    @property
    def facts(self) -> Sequence[Fact]:
        """Every figure, the derived ones included."""
        ...

    @property
    def gaps(self) -> Sequence[Gap]:
        """What could not be had."""
        ...

    @property
    def follow_ups(self) -> Sequence[str]:
        """Questions that come next."""
        ...

    @property
    def status(self) -> Any:
        """How the run ended; an enumeration or a string."""

    @property
    def run_id(self) -> str | None:
        """The run."""
        ...

    @property
    def session_id(self) -> str | None:
        """The conversation."""
        ...


def answer_html(answer: AnswerLike, *, style: bool = True) -> str:
    """The card of an answer.

    Args:
        answer: An answer, or anything with its fields; `warnings`, `notes()` and `years` count where present.
        style: Whether the card brings its style sheet; not where the page around it has it already.

    Returns:
        HTML with its own scoped style; readable in light and dark, in a notebook and in a bare page.
    """
    book = FactBook(sorted(answer.facts, key=lambda fact: fact.key))
    dossiers = dossiers_of(answer, book)
    figures = bool(with_figures(answer.category, dossiers))
    parts = [
        *_flags(answer),
        *(_figures(answer, dossiers, book) if figures else _text(answer)),
        bullets("You could ask next", answer.follow_ups),
        _footer(answer),
    ]
    css = f"<style>{CSS}</style>" if style else ""
    return f'<div class="fin-answer">{css}{"".join(parts)}</div>'


def without_follow_ups[A: AnswerLike](answer: A) -> A:
    """The same answer for a place where the questions that come next are buttons, and not once more in its card."""
    shown: Any = copy.copy(answer)
    shown.follow_ups = []
    return shown


def dossiers_of(answer: AnswerLike, book: FactBook | None = None) -> list[Dossier]:
    """What an answer knows of each of its companies, in the order of the question."""
    facts = book or FactBook(sorted(answer.facts, key=lambda fact: fact.key))
    years = getattr(answer, "years", YEARS_SHOWN)
    return [Dossier.of(Subject(symbol, _name(facts, symbol)), facts, years) for symbol in answer.symbols]


def _text(answer: AnswerLike) -> Iterator[str]:
    """The answer's own words, and those gaps they have not told already."""
    content = str(answer.content or "")
    yield safe_html(content)
    untold = [gap for gap in answer.gaps if gap.reason not in content]
    yield bullets("What is missing", missing(answer.category, [], untold))


def _figures(answer: AnswerLike, dossiers: Sequence[Dossier], book: FactBook) -> Iterator[str]:
    category = answer.category
    titles = [dossier.subject.title for dossier in dossiers]
    yield f"<header><h2>{escape(listed(titles))}</h2>"
    yield f'<p class="fin-dim">{escape(category_of(category).title.capitalize())}</p></header>'
    absent = left_out(category, dossiers)
    yield f'<p class="fin-flag">{escape(absent)}</p>' if absent else ""
    told = with_figures(category, dossiers)
    shown = [tables(category, dossier) for dossier in told]
    compared = side_by_side(category, told)
    if len(told) == 1:
        yield overview(category, told[0], heading=len(dossiers) > 1)
        yield from _details(category, shown[0])
    else:
        yield from _side_by_side(category, told, compared, shown)
    yield bullets("What is missing", missing(category, dossiers, answer.gaps))
    drawn = [fact for dossier in told for fact in dossier.closes] if category_of(category).prices else []
    yield _sources(sources([*used_facts([compared, *chain(*shown)], book), *drawn]))


def _side_by_side(
    category: str, dossiers: Sequence[Dossier], compared: Table | None, shown: Sequence[Sequence[Table]]
) -> Iterator[str]:
    heads = "".join(overview(category, dossier, heading=True) for dossier in dossiers)
    yield f'<div class="fin-companies">{heads}</div>'
    if compared:
        yield table_html(compared)
        if category_of(category).statements and len(year_ends(dossiers)) > 1:
            yield f'<p class="fin-note">{escape(DIFFERENT_YEARS)}</p>'
    for dossier, own in zip(dossiers, shown, strict=True):
        inside = "".join(_details(category, own))
        yield f"<details><summary>{escape(dossier.subject.title)}: all figures</summary>{inside}</details>"


def _details(category: str, shown: Sequence[Table]) -> Iterator[str]:
    """Every table; a report, which has many, folds all but the first ones."""
    for i, table in enumerate(shown):
        if category != "report" or i < _UNFOLDED:
            yield table_html(table)
        else:
            extent = f'<span class="fin-dim">{escape(_extent(table))}</span>'
            inside = table_html(table, heading=False)
            yield f"<details><summary>{escape(table.title)} {extent}</summary>{inside}</details>"


def _extent(table: Table) -> str:
    return f"({table.columns[0]} to {table.columns[-1]}, {len(table.rows) - 1} lines)"


def _flags(answer: AnswerLike) -> Iterator[str]:
    status = str(getattr(answer.status, "value", answer.status) or "")
    notes: Callable[[], Sequence[str]] = getattr(answer, "notes", tuple)
    said = notes()
    if status and status.upper() not in ("COMPLETED", "RUNNING") and not said:
        yield f'<p><span class="fin-badge">{escape(status.lower())}</span></p>'
    warnings: Sequence[str] = getattr(answer, "warnings", ())
    for text in (*said, *warnings):
        yield f'<p class="fin-flag">{escape(text)}</p>'


def _sources(lines: Sequence[str]) -> str:
    """The sources; a long list is folded, as every figure names its own."""
    listing = bullets("Sources", lines)
    if len(lines) <= _FEW_SOURCES:
        return listing
    items = listing.removeprefix("<h4>Sources</h4>")
    return f'<details><summary>Sources <span class="fin-dim">({len(lines)} documents)</span></summary>{items}</details>'


def _footer(answer: AnswerLike) -> str:
    named = (("run", answer.run_id), ("session", answer.session_id))
    ids = [f"{word} {value}" for word, value in named if value]
    hint = "Hover over a figure for its source." if answer.facts else ""
    return f'<footer class="fin-dim">{escape(_joined("finassist", *ids, hint))}</footer>'


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _name(book: FactBook, symbol: str) -> str:
    """The company's name from its profile, else from the directory of US tickers."""
    found = [fact.text for fact in book.series(symbol, "name") if fact.text]
    known = None if found else directory().lookup(symbol)
    return found[-1] if found else known.name if known else ""
