"""A table of a report as HTML: figures that tell their source, and labels that tell their formula, on hover."""

from __future__ import annotations

from finassist.analysis.ratios import RATIOS
from finassist.core.facts import Fact
from finassist.core.formatting import ABSENCE, day, label
from finassist.reporting.html.sanitize import escape
from finassist.reporting.tables import Cell, Row, Table

_ABSENT = frozenset(ABSENCE.values())


def table_html(table: Table, *, heading: bool = True) -> str:
    """A table with its unit above and its footnotes below; `heading` says whether it shows its own title."""
    head = "".join(f'<th scope="col" class="fin-n">{escape(column)}</th>' for column in table.columns)
    title = f"<h4>{escape(table.title)}</h4>" if heading else ""
    unit = f'<p class="fin-note">{escape(table.unit)}</p>' if table.unit else ""
    narrow = " fin-narrow" if len(table.columns) < 3 else ""
    body = "".join(_row(row) for row in table.rows)
    return (
        f'{title}{unit}<div class="fin-scroll{narrow}"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{_notes(table)}"
    )


def provenance(fact: Fact) -> str:
    """One line for the hover: what, exactly, how, from where."""
    exact = f"{fact.value:f} {fact.unit}".strip() if fact.known and fact.value is not None else fact.status
    filed = f", accession {fact.filing}" if fact.filing else ""
    known = f", as of {day(fact.as_of)}" if fact.as_of else ""
    made = f"; = {fact.formula}" if fact.formula else ""
    note = f"; {fact.note}" if fact.note else ""
    return f"{label(fact.field)} {fact.period}: {exact}{made}; {fact.source or 'no source'}{filed}{known}{note}"


def _notes(table: Table) -> str:
    numbered = [f"<sup>{n}</sup> {escape(note)}" for n, note in enumerate(table.footnotes, 1)]
    lines = [*numbered, *map(escape, table.notes)]
    return f'<p class="fin-note">{"<br>".join(lines)}</p>' if lines else ""


def _row(row: Row) -> str:
    fields = [cell.fact.field for cell in row.cells if cell.fact]
    ratio = RATIOS.get(fields[0]) if fields else None
    hint = " — ".join(filter(None, (row.formula, ratio.reading if ratio else "")))
    title = f' title="{escape(hint)}"' if hint else ""
    return f'<tr><th scope="row"{title}>{escape(row.label)}</th>{"".join(map(_cell, row.cells))}</tr>'


def _cell(cell: Cell) -> str:
    title = f' title="{escape(provenance(cell.fact))}"' if cell.fact else ""
    mark = f"<sup>{cell.mark}</sup>" if cell.mark else ""
    return f'<td class="fin-n{" fin-none" if cell.text in _ABSENT else ""}"{title}>{escape(cell.text)}{mark}</td>'
