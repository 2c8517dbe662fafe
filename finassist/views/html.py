"""An answer as one self-contained HTML card: no script, nothing remote, every text escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from finassist.data.symbols import directory
from finassist.disclosure import STATEMENTS, WITH_PRICE, as_of, missing, side_by_side, sources, tables, used_facts
from finassist.dossier import Dossier, Subject, year_ends
from finassist.facts import Fact, FactBook, Gap
from finassist.formatting import ABSENCE, day, figure, label, listed, percent
from finassist.points import points_of
from finassist.ratios import RATIOS
from finassist.report import DIFFERENT_YEARS, THIN, TITLES
from finassist.tables import Cell, Row, Table
from finassist.views.chart import bar_chart
from finassist.views.safe import escape, safe_html
from finassist.views.style import CSS


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


def answer_html(answer: AnswerLike) -> str:
    """The card of an answer.

    Args:
        answer: An answer, or anything with its fields. Fields `warnings` and `notes()` are shown where present.

    Returns:
        HTML with its own scoped style; readable in light and dark, in a notebook and in a bare page.
    """
    book = FactBook(sorted(answer.facts, key=lambda fact: fact.key))
    dossiers = [Dossier.of(Subject(symbol, _name(book, symbol)), book) for symbol in answer.symbols]
    figures = answer.category in TITLES and any(d.years or d.price or d.closes for d in dossiers)
    body = _figures(answer.category, dossiers) if figures else [safe_html(str(answer.content or ""))]
    found_missing = missing(answer.category, dossiers, answer.gaps) if figures else _gap_lines(answer.gaps)
    parts = [
        *_flags(answer),
        *body,
        _list("What is missing", found_missing),
        _list("Sources", sources(used_facts(_shown(answer.category, dossiers), book))) if figures else "",
        _list("You could ask next", answer.follow_ups),
        _footer(answer),
    ]
    return f'<div class="fa-answer"><style>{CSS}</style>{"".join(parts)}</div>'


def _figures(category: str, dossiers: Sequence[Dossier]) -> Iterator[str]:
    titles = [dossier.subject.title for dossier in dossiers]
    yield f"<header><h2>{escape(listed(titles))}</h2>"
    yield f'<p class="fa-dim">{escape(TITLES[category].capitalize())}</p></header>'
    compared = side_by_side(category, dossiers)
    if compared is None:
        yield from _overview(category, dossiers[0], heading=False)
        yield from _details(category, dossiers[0], opened=True)
        return
    yield '<div class="fa-companies">'
    for dossier in dossiers:
        yield from _overview(category, dossier, heading=True)
    yield "</div>"
    yield _table(compared)
    if STATEMENTS.get(category) and len(year_ends(dossiers)) > 1:
        yield f'<p class="fa-dim">{escape(DIFFERENT_YEARS)}</p>'
    for dossier in dossiers:
        inside = "".join(_details(category, dossier, opened=False))
        yield f"<details><summary>{escape(dossier.subject.title)}: all figures</summary>{inside}</details>"


def _shown(category: str, dossiers: Sequence[Dossier]) -> Iterator[Table | None]:
    yield side_by_side(category, dossiers)
    for dossier in dossiers:
        yield from tables(category, dossier)


def _overview(category: str, dossier: Dossier, *, heading: bool) -> Iterator[str]:
    yield '<section class="fa-company">'
    if heading:
        yield f"<h3>{escape(dossier.subject.title)}</h3>"
    yield f'<p class="fa-dim">{escape(as_of(category, dossier) or "No figures are at hand for this company.")}</p>'
    if dossier.thin and STATEMENTS.get(category):
        yield f'<p class="fa-flag"><strong>Too thin for a report.</strong> {escape(THIN)}</p>'
    tiles = "".join(_tiles(category, dossier))
    yield f'<div class="fa-tiles">{tiles}</div>' if tiles else ""
    chart = bar_chart(dossier) if STATEMENTS.get(category) else ""
    observed = _points(dossier) if category == "report" else ""
    yield f'<div class="fa-beside"><div>{chart}</div><div>{observed}</div></div>' if chart or observed else ""
    yield "</section>"


def _tiles(category: str, dossier: Dossier) -> Iterator[str]:
    if category in WITH_PRICE and dossier.price:
        when = day(dossier.price.as_of or dossier.price.period_end)
        yield _tile(dossier.price, _joined(_signed(dossier.on_day("change_percent")), when))
        for name in ("market_cap", "pe_ratio"):
            fact = dossier.on_day(name)
            yield _tile(fact, when) if fact and fact.known else ""
    if STATEMENTS.get(category) and dossier.years:
        year = dossier.years[-1]
        beside = {"revenue": "revenue_growth", "net_income": "net_income_growth", "eps_diluted": "eps_growth"}
        cash = () if category == "report" else ("free_cash_flow",)
        for name in ("revenue", "net_income", "eps_diluted", *cash):
            fact = dossier.fact(name, year)
            if fact and fact.known and (name != "free_cash_flow" or len(STATEMENTS[category]) > 1):
                yield _tile(fact, _joined(year, _signed(dossier.fact(beside.get(name, ""), year))))


def _tile(fact: Fact, beside: str) -> str:
    value = figure(fact).removesuffix(" per share")
    for word, short in (("trillion", "tn"), ("billion", "bn"), ("million", "m")):
        value = value.replace(word, short)
    return (
        f'<div class="fa-tile" title="{escape(_provenance(fact))}"><span class="fa-dim">{escape(label(fact.field))}'
        f'</span><b>{escape(value)}</b><span class="fa-dim">{escape(beside)}</span></div>'
    )


def _points(dossier: Dossier) -> str:
    observed = points_of(dossier.ledger)
    sections: list[str] = []
    for kind, title in (("strength", "Strengths"), ("attention", "Points of attention")):
        lines = [point.text for point in observed if point.kind == kind]
        sections.append(f'<section class="fa-{kind}">{_list(title, lines)}</section>' if lines else "")
    return "".join(sections)


def _details(category: str, dossier: Dossier, *, opened: bool) -> Iterator[str]:
    for i, table in enumerate(tables(category, dossier)):
        if opened and i < 2:
            yield _table(table)
        else:
            yield f"<details{' open' if opened else ''}><summary>{escape(table.title)}</summary>"
            yield f"{_table(table, heading=False)}</details>"


def _table(table: Table, *, heading: bool = True) -> str:
    head = "".join(f'<th scope="col" class="fa-n">{escape(column)}</th>' for column in table.columns)
    notes = "".join(f'<p class="fa-dim"><sup>{n}</sup> {escape(note)}</p>' for n, note in enumerate(table.footnotes, 1))
    narrow = " fa-narrow" if len(table.columns) < 3 else ""
    title = f"<h4>{escape(table.title)}</h4>" if heading else ""
    columns = f'<tr><th scope="col">{escape(table.unit)}</th>{head}</tr>'
    body = "".join(_row(row) for row in table.rows)
    return (
        f'{title}<div class="fa-scroll{narrow}"><table><thead>{columns}</thead>'
        f"<tbody>{body}</tbody></table></div>{notes}"
    )


def _row(row: Row) -> str:
    fields = [cell.fact.field for cell in row.cells if cell.fact]
    ratio = RATIOS.get(fields[0]) if fields else None
    hint = " — ".join(filter(None, (row.formula, ratio.reading if ratio else "")))
    title = f' title="{escape(hint)}"' if hint else ""
    return f'<tr><th scope="row"{title}>{escape(row.label)}</th>{"".join(map(_cell, row.cells))}</tr>'


def _cell(cell: Cell) -> str:
    absent = cell.text in ABSENCE.values()
    title = f' title="{escape(_provenance(cell.fact))}"' if cell.fact else ""
    mark = f"<sup>{cell.mark}</sup>" if cell.mark else ""
    return f'<td class="fa-n{" fa-none" if absent else ""}"{title}>{escape(cell.text)}{mark}</td>'


def _provenance(fact: Fact) -> str:
    """One line for the hover: what, exactly, how, from where."""
    exact = f"{fact.value:f} {fact.unit}".strip() if fact.known and fact.value is not None else fact.status
    filed = f", accession {fact.filing}" if fact.filing else ""
    known = f", as of {day(fact.as_of)}" if fact.as_of else ""
    made = f"; = {fact.formula}" if fact.formula else ""
    note = f"; {fact.note}" if fact.note else ""
    return f"{label(fact.field)} {fact.period}: {exact}{made}; {fact.source or 'no source'}{filed}{known}{note}"


def _flags(answer: AnswerLike) -> Iterator[str]:
    status = str(getattr(answer.status, "value", answer.status) or "")
    if status and status.upper() not in ("COMPLETED", "RUNNING"):
        yield f'<p><span class="fa-badge">{escape(status.lower())}</span></p>'
    notes: Callable[[], Sequence[str]] = getattr(answer, "notes", tuple)
    warnings: Sequence[str] = getattr(answer, "warnings", ())
    for text in (*notes(), *warnings):
        yield f'<p class="fa-flag">{escape(text)}</p>'


def _gap_lines(gaps: Iterable[Gap]) -> list[str]:
    return missing("chat", [], list(gaps))


def _list(title: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h4>{escape(title)}</h4><ul>{items}</ul>" if items else ""


def _footer(answer: AnswerLike) -> str:
    named = (("run", answer.run_id), ("session", answer.session_id))
    ids = [f"{word} {value}" for word, value in named if value]
    hint = "Hover over a figure for its source." if answer.facts else ""
    return f'<footer class="fa-dim">{escape(_joined("finassist", *ids, hint))}</footer>'


def _signed(fact: Fact | None) -> str:
    return percent(fact.value, signed=True) if fact and fact.known and fact.value is not None else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _name(book: FactBook, symbol: str) -> str:
    """The company's name from its profile, else from the directory of US tickers."""
    found = [fact.text for fact in book.series(symbol, "name") if fact.text]
    known = None if found else directory().lookup(symbol)
    return found[-1] if found else known.name if known else ""
