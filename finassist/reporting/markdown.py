"""Facts to a Markdown report: deterministic, and nothing in it that is not a fact, a rule or a gap.

Every text that is not ours (names, notes, sources, reasons) is escaped on its way in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from finassist.analysis.insights import Point, points_of
from finassist.core.categories import CATEGORY, YEARS_SHOWN, category_of
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.formatting import escape_line, escape_markdown, listed
from finassist.reporting.company import Dossier, Subject, year_ends
from finassist.reporting.document import (
    as_of,
    caution,
    last_close,
    left_out,
    missing,
    side_by_side,
    sources,
    tables,
    used_facts,
    with_figures,
)
from finassist.reporting.tables import Table

__all__ = ["Subject", "compose", "follow_ups", "sources"]

DIFFERENT_YEARS = "The fiscal years end on different days, so the columns do not cover the same months."
_FORMULA = re.compile(r"[\w ./()*+-]+").fullmatch
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def compose(
    category: str, subjects: Sequence[Subject], facts: Iterable[Fact], gaps: Sequence[Gap], years: int = YEARS_SHOWN
) -> str:
    """The report on one or several companies as Markdown.

    Args:
        category: `"income_statement"`, `"company_financials"`, `"stock_price"` or `"report"`.
        subjects: The companies, in the order of the question.
        facts: Everything known about them, the derived facts of `finassist.analysis.metrics.derive` included.
        gaps: What could not be had.
        years: How many fiscal years to show.

    Returns:
        Markdown (GitHub flavour). The order of `facts` does not matter.

    Example:
        >>> print(compose("stock_price", [Subject("ACME", "Acme Corp")], [], []).splitlines()[0])
        # Acme Corp (ACME): stock price
    """
    book = FactBook(facts)
    dossiers = [Dossier.of(subject, book, years) for subject in subjects]
    told = dossiers if len(dossiers) < 2 else with_figures(category, dossiers)
    compared = side_by_side(category, told)
    shown = [tables(category, dossier) for dossier in told]
    blocks = [f"# {_title(category, subjects)}", escape_line(left_out(category, dossiers), 2000)]
    blocks += _opening(category, told, compared)
    for dossier, own in zip(told, shown, strict=True):
        blocks += _company(category, dossier, own, depth=3 if len(dossiers) > 1 else 2)
    blocks += _bullets("What is missing", missing(category, dossiers, gaps), 2)
    named = filter(None, (last_close(category, dossier) for dossier in told))
    blocks += _bullets("Sources", sources([*used_facts([compared, *chain(*shown)], book), *named]), 2)
    return "\n\n".join(block for block in blocks if block) + "\n"


def follow_ups(category: str, subjects: Sequence[Subject]) -> list[str]:
    """Two to four questions that naturally come next and that can be answered.

    Example:
        >>> follow_ups("stock_price", [Subject("AAPL", "Apple Inc.")])[0]
        'Show the income statement of AAPL'
    """
    if not subjects:
        return ["Tell me about Apple", "Compare Apple and Microsoft", "What is free cash flow?"]
    names = listed(subject.symbol for subject in subjects[:3])
    asks = [other.ask.format(names=names) for other in CATEGORY.values() if other.ask and other.name != category]
    return [*asks[:3], category_of(category).concept]


def _title(category: str, subjects: Sequence[Subject]) -> str:
    kind = category_of(category).title
    named = [escape_markdown(subject.title) for subject in subjects]
    return f"{listed(named)}: {kind}" if named else f"No company: {kind}"


def _opening(category: str, dossiers: Sequence[Dossier], compared: Table | None) -> Iterator[str]:
    if compared is not None:
        yield from _table(compared, 2)
        yield DIFFERENT_YEARS if category_of(category).statements and len(year_ends(dossiers)) > 1 else ""


def _company(category: str, dossier: Dossier, shown: Sequence[Table], depth: int) -> Iterator[str]:
    if depth > 2:
        yield f"{'#' * (depth - 1)} {escape_markdown(dossier.subject.title)}"
    dates = as_of(category, dossier)
    yield f"*{escape_markdown(dates)}*" if dates else "No figures are at hand for this company."
    heading, text = caution(category, dossier)
    yield f"> **{heading}** {text}" if heading else ""
    observed = points_of(dossier.ledger) if category == "report" else []
    for table in shown:
        if table.title == "Income statement":
            yield from _points(observed, depth)
        yield from _table(table, depth)


def _table(table: Table, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} {escape_markdown(table.title)}"
    formulas = any(row.formula for row in table.rows)
    head = [table.unit, *table.columns, *(["Formula"] if formulas else [])]
    align = [":--", *("--:" for _ in table.columns), *([":--"] if formulas else [])]
    lines = [_row(escape_markdown(text) for text in head), _row(align)]
    for row in table.rows:
        cells = [escape_markdown(cell.text) + (_mark(cell.mark) if cell.mark else "") for cell in row.cells]
        formula = [_code(row.formula)] if formulas else []
        lines.append(_row([escape_markdown(row.label), *cells, *formula]))
    yield "\n".join(lines)
    numbered = [f"{_mark(n)[1:]} {escape_markdown(note)}" for n, note in enumerate(table.footnotes, 1)]
    yield "  \n".join([*numbered, *(escape_line(note) for note in table.notes)])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(formula: str | None) -> str:
    """A formula as code; text that is no plain formula is escaped instead."""
    if not formula:
        return ""
    return f"`{formula}`" if _FORMULA(formula) else escape_markdown(formula)


def _mark(number: int | None) -> str:
    return f" {number}".translate(_SUPERSCRIPT) if number else ""


def _points(observed: Sequence[Point], depth: int) -> Iterator[str]:
    for kind, title in (("strength", "Strengths"), ("attention", "Points of attention")):
        yield from _bullets(title, [point.text for point in observed if point.kind == kind], depth)


def _bullets(title: str, lines: Sequence[str], depth: int) -> Iterator[str]:
    if lines:
        yield f"{'#' * depth} {title}"
        yield "\n".join(f"- {escape_line(line)}" for line in lines)
