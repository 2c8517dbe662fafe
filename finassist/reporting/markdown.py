"""Documents, conversations and checked texts as Markdown: deterministic, with every text that is not ours escaped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from finassist.core.claims import Finding
from finassist.core.formatting import clean, escape_line, escape_markdown, figure, listed
from finassist.core.result import category_of
from finassist.reporting.asked import answer_document
from finassist.reporting.company import AnswerLike, missing
from finassist.reporting.document import (
    Bullets,
    Cited,
    Companies,
    CompanySection,
    Document,
    Headline,
    Note,
    Section,
    Sources,
    Text,
)
from finassist.reporting.proof import Proof
from finassist.reporting.tables import Cell, Table

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

CONVERSATION = "Conversation with finassist"
_LONGEST_QUESTION = 2000
_FORMULA = re.compile(r"[\w ./()*+-]+").fullmatch
_VERDICTS = {"right": "✓ right", "wrong": "✗ wrong", "unknown": "– not checkable"}
_COLUMNS = ("claim", "verdict", "asked", "right", "source", "reason")
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def to_markdown(document: Document) -> str:
    """A document as GitHub-flavoured Markdown. Tiles and charts are left out: tables have their figures."""
    return "\n\n".join(block for block in _document(document, 1) if block) + "\n"


def _document(document: Document, depth: int) -> Iterator[str]:
    named = [escape_markdown(title) for title in document.companies]
    title = f"{listed(named)}: {document.kind}" if named else f"No company: {document.kind}"
    yield f"{'#' * depth} {title}" if document.kind else ""
    for section in document.sections:
        yield from _section(section, depth + 1)


def conversation_markdown(answers: Sequence[AnswerLike]) -> str:
    """The questions and answers of a conversation as one Markdown text, oldest first.

    Text from outside is rewritten: it has no HTML, no image, and no link but `https`, so that no renderer runs or
    loads anything.

    Example:
        >>> print(conversation_markdown([]))
        # Conversation with finassist
        <BLANKLINE>
        Nothing has been asked yet.
        <BLANKLINE>
    """
    blocks = [f"# {CONVERSATION}", *(["Nothing has been asked yet."] if not answers else [])]
    for answer in answers:
        blocks += _turn(answer)
    return "\n\n".join(block for block in blocks if block) + "\n"


def asked_at(answer: AnswerLike) -> str:
    """When the question was asked, to the minute in UTC; `""` where that is not known."""
    seconds = getattr(answer, "created_at", None)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC" if isinstance(seconds, int | float) else ""


def question_of(answer: AnswerLike) -> str:
    """The question on one line, cut where it is very long."""
    return clean(str(getattr(answer, "input", "") or ""), _LONGEST_QUESTION)


def _turn(answer: AnswerLike) -> Iterator[str]:
    yield f"## {escape_line(question_of(answer), _LONGEST_QUESTION) or 'A question'}"
    when = asked_at(answer)
    yield f"*{when}*" if when else ""
    notes: Sequence[str] = getattr(answer, "notes", tuple)()
    for text in (*notes, *getattr(answer, "warnings", ())):
        yield f"> **Note:** {escape_markdown(text, _LONGEST_QUESTION)}"
    found = answer_document(answer)
    if found.kind:  # a report: to read its own Markdown again would take half a second where it is long
        yield from _document(replace(found, sections=found.sections[:-1]), 3)
    else:
        yield from _section(Text(str(answer.content or "")), 2)
    yield from _bullets(Bullets("What is missing", tuple(_unsaid(answer))), 0)
    yield from _bullets(Bullets("You could ask next", tuple(answer.follow_ups)), 0)


def _unsaid(answer: AnswerLike) -> list[str]:
    """The gaps that an answer in words does not mention; a report lists its own."""
    content = str(answer.content or "")
    if answer.facts or any(escape_markdown(gap.reason) in content for gap in answer.gaps):
        return []
    return [line for line in missing(category_of(answer.category), [], answer.gaps) if line not in content]


# --------------------------------------------------------------------------------------------- sections


def _section(section: Section, depth: int) -> Iterator[str]:
    match section:
        case Headline(text):
            yield escape_markdown(text, 4000)
        case Note(text, heading):
            yield f"> **{heading}** {text}" if heading else escape_line(text, 2000)
        case Text(markdown, written):
            from finassist.reporting.sanitize import safe_markdown  # a parser that reports do not need

            yield safe_markdown(markdown, depth=depth)
            yield escape_line(written, 2000)
        case Bullets():
            yield from _bullets(section, depth)
        case Sources():
            yield from _bullets(section.bullets(), depth)
        case Cited():
            yield _cited(section)
        case Proof():
            yield f"```text\n{str(section).replace('`', "'")}\n```"
        case Table():
            yield from _table(section, depth)
        case Companies():
            yield from _companies(section, depth)
        case _:
            pass  # a chart


def _companies(section: Companies, depth: int) -> Iterator[str]:
    if section.compared:
        yield from _table(section.compared, depth)
        yield section.note
    for company in section.parts:
        if section.titled:
            yield f"{'#' * depth} {escape_markdown(company.title)}"
        yield from _company(company, depth + section.titled)


def _company(company: CompanySection, depth: int) -> Iterator[str]:
    yield f"*{escape_markdown(company.as_of)}*" if company.as_of else "There are no figures for this company."
    for section in (*company.sections, *company.folded):
        yield from _section(section, depth)


def _table(table: Table, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} {escape_markdown(table.title)}" if table.title else ""
    formulas = any(row.formula for row in table.rows)
    head = [table.unit or table.corner, *table.columns, *(["Formula"] if formulas else [])]
    align = [":--", *("--:" for _ in table.columns), *([":--"] if formulas else [])]
    if table.worded:
        align[len(table.columns)] = ":--"
    lines = [[escape_markdown(text) for text in head], align]
    for row in table.rows:
        cells = list(map(_cell, row.cells))
        formula = [_code(row.formula)] if formulas else []
        lines.append([escape_markdown(row.label), *cells, *formula])
    yield table_lines(*lines)
    numbered = [f"{_mark(n)[1:]} {escape_markdown(note)}" for n, note in enumerate(table.footnotes, 1)]
    yield "  \n".join([*numbered, *(escape_line(note) for note in table.notes)])


def _cell(cell: Cell) -> str:
    text = escape_markdown(cell.text)
    return f"{f'**{text}**' if cell.best else text}{_mark(cell.mark) if cell.mark else ''}"


def table_lines(*rows: Iterable[str]) -> str:
    """Rows of cells as the lines of a table; the second says how its columns are aligned."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _code(formula: str | None) -> str:
    """A formula as code; text that is no plain formula is escaped instead."""
    if not formula:
        return ""
    return f"`{formula}`" if _FORMULA(formula) else escape_markdown(formula)


def _mark(number: int | None) -> str:
    return f" {number}".translate(_SUPERSCRIPT) if number else ""


def _cited(section: Cited) -> str:
    """Sources in one line: links where they have an address, numbered where they are several."""
    links = [f"[{escape_markdown(text)}]({url})" if url else escape_markdown(text) for text, url in section.sources]
    numbered = [f"({place}) {link}" for place, link in enumerate(links, 1)] if len(links) > 1 else links
    return f"{section.title}: {'; '.join(numbered)}{section.more}."


def _bullets(bullets: Bullets, depth: int) -> Iterator[str]:
    """A titled list; at depth 0 the title is bold instead of a heading."""
    if bullets.lines:
        yield f"{'#' * depth} {bullets.title}" if depth else f"**{bullets.title}**"
        yield "\n".join(f"- {escape_line(line)}" for line in bullets.lines)


# --------------------------------------------------------------------------------------- a checked text


@dataclass(frozen=True)
class Checked:
    """What the data say of a text.

    Attributes:
        text: The text.
        findings: Each claim of it, in order, with its verdict (`right`, `wrong` or `unknown`) and the figure from the
            data.

    Example:
        >>> import finassist
        >>> checked = finassist.check("Apple's revenue was $512.4 billion in FY2023, up 2% on the year.")
        >>> [(each.claim.words, each.verdict) for each in checked]
        [('$512.4 billion', 'wrong'), ('2%', 'wrong')]
        >>> checked.ok
        False
    """

    text: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing in it is wrong."""
        return all(finding.verdict != "wrong" for finding in self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def rows(self) -> list[dict[str, str]]:
        """Each claim in words: what is said, the verdict, what the data say, and where that comes from."""
        return [_checked_row(finding) for finding in self.findings]

    def to_frame(self) -> DataFrame:
        """Each claim as a row of a DataFrame."""
        from finassist.reporting.frames import DataFrame

        return DataFrame(self.rows(), columns=list(_COLUMNS))

    def to_markdown(self) -> str:
        """A sentence that counts, and a table claim by claim."""
        if not self.findings:
            return "The text states no figures."
        heads = [name.capitalize() for name in _COLUMNS]
        rows = [[escape_markdown(row[name]) for name in _COLUMNS] for row in self.rows()]
        return f"{self._summary()}\n\n{table_lines(heads, [':--'] * len(_COLUMNS), *rows)}"

    def _summary(self) -> str:
        counts = Counter(finding.verdict for finding in self.findings)
        number = len(self.findings)
        total = f"{number} claim{'s' if number != 1 else ''}"
        return f"{total}: {counts['right']} right, {counts['wrong']} wrong, {counts['unknown']} not checkable."

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from finassist.reporting.sanitize import safe_html

        text = self.to_markdown()
        return {"text/plain": text, "text/html": safe_html(text)}


def _checked_row(finding: Finding) -> dict[str, str]:
    fact = finding.fact
    known = fact is not None and fact.known
    return {
        "claim": finding.claim.words,
        "verdict": _VERDICTS[finding.verdict],
        "asked": str(finding.claim.queries[0]) if finding.claim.queries else "",
        "right": figure(fact) if fact is not None and known else "",
        "source": fact.source if fact is not None and known else "",
        "reason": finding.reason,
    }
