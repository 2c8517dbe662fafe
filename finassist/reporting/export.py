"""A conversation and its data as files to keep or hand on: Markdown, one HTML page, CSV.

What is in them came from models, sources and people, and will be opened by programs that are not ours: a Markdown
renderer, a browser, a spreadsheet. None of them finds anything to run or to load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from finassist.core.formatting import clean, escape_line, escape_markdown
from finassist.reporting.document import missing
from finassist.reporting.html.card import AnswerLike, answer_html
from finassist.reporting.html.sanitize import escape
from finassist.reporting.html.sanitize_markdown import safe_markdown
from finassist.reporting.html.style import CSS, PAGE

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Conversation with finassist"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a browser lets the exported page do: use its own style, and nothing else."""

_LONGEST_QUESTION = 2000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_RUN = r"[^\S\n\t]*(?:[\"']+[^\S\n\t]*)?[=+\-@＝＋－＠]"
_FORMULA = re.compile(rf"^(?=[\n\t])|(?:(?<=[\n;\t])|^)(?={_RUN})")
_NEUTRALISED = re.compile(rf"^'(?=[\n\t])|(?:(?<=[\n;\t])|^)'(?={_RUN})")


def conversation_markdown(answers: Sequence[AnswerLike]) -> str:
    r"""The questions and answers of a conversation as one Markdown text, oldest first.

    Args:
        answers: Answers, as `workflow.answers()` returns them. Their `input` is the question where they have one.

    Returns:
        GitHub-flavoured Markdown that ends with an end of line. Text from outside is written anew: it has no HTML,
        no image, and no link but `https`, so that no renderer runs or loads anything.

    Example:
        >>> print(conversation_markdown([]))
        # Conversation with finassist
        <BLANKLINE>
        Nothing has been asked yet.
        <BLANKLINE>
    """
    blocks = [f"# {TITLE}", *(["Nothing has been asked yet."] if not answers else [])]
    for answer in answers:
        blocks += _turn(answer)
    return "\n\n".join(block for block in blocks if block) + "\n"


def conversation_html(answers: Sequence[AnswerLike]) -> str:
    """The questions and answers of a conversation as one HTML page, oldest first.

    Args:
        answers: Answers, as `workflow.answers()` returns them. Their `input` is the question where they have one.

    Returns:
        A whole page: answer cards, light or dark as the reader prefers. It has no script, loads nothing, and tells
        the browser to refuse both.

    Example:
        >>> conversation_html([]).startswith("<!DOCTYPE html>")
        True
    """
    turns = "".join(f"{_asked(answer)}{answer_html(answer, style=False)}" for answer in answers)
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{TITLE}</title><style>{PAGE}{CSS}</style>"
    )
    main = turns or "<p>Nothing has been asked yet.</p>"
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body><h1>{TITLE}</h1>{main}</body></html>\n'


def safe_csv(frame: pd.DataFrame) -> str:
    r"""A frame as CSV in which a spreadsheet finds no formula.

    A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` (or their full-width forms), also after spaces,
    tabs, quotes or an end of line. Such text gets an apostrophe in front, which makes it text, at the start of the
    cell and of each of its lines; also after a `;` or a tab, at which some spreadsheets split. So does a cell that
    begins with a tab or an end of line. Numbers are never
    touched, text that is a plain number included, so figures read back as they were. Control characters are
    dropped; an end of line inside a cell is kept, quoted as CSV does.

    Args:
        frame: Any frame, such as `answer.to_frame()`. A named index becomes columns.

    Returns:
        CSV with a header, commas, lines ending in `\n`, and an empty cell for what is missing. Write it with
        `encoding="utf-8-sig"` for Excel.

    Example:
        >>> from finassist.core.facts import Fact
        >>> from finassist.reporting.frames import facts_frame
        >>> fact = Fact(symbol="ACME", field="change", value=Decimal("-1.95"), note="=1+1", statement="price")
        >>> frame = facts_frame([fact])[["symbol", "value", "note"]]
        >>> print(safe_csv(frame))
        symbol,value,note
        ACME,-1.95,'=1+1
        <BLANKLINE>
    """
    named = any(name is not None for name in frame.index.names)
    flat = (frame.reset_index() if named else frame).astype("object")
    flat.columns = [_cell(str(name)) for name in flat.columns]
    return flat.map(_cell, na_action="ignore").to_csv(index=False, lineterminator="\n")


def restored(text: str) -> str:
    """A cell of `safe_csv` as it was, without the apostrophes that keep a spreadsheet from running it.

    Example:
        >>> restored("'=1+1"), restored("-1.95"), restored("O'Neill")
        ('=1+1', '-1.95', "O'Neill")
    """
    return _NEUTRALISED.sub("", text) if "'" in text else text


def _turn(answer: AnswerLike) -> Iterator[str]:
    question = escape_line(clean(str(getattr(answer, "input", "") or ""), _LONGEST_QUESTION), _LONGEST_QUESTION)
    yield f"## {question or 'A question'}"
    when = _asked_at(answer)
    yield f"*{when}*" if when else ""
    notes: Sequence[str] = getattr(answer, "notes", tuple)()
    for text in (*notes, *getattr(answer, "warnings", ())):
        yield f"> **Note:** {escape_markdown(text, _LONGEST_QUESTION)}"
    yield safe_markdown(str(answer.content or ""), depth=2)
    yield from _bullets("What is missing", _untold(answer))
    yield from _bullets("You could ask next", answer.follow_ups)


def _bullets(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"**{title}**"
        yield "\n".join(f"- {escape_line(text)}" for text in lines)


def _untold(answer: AnswerLike) -> list[str]:
    """The gaps that an answer in words does not mention; a report lists its own."""
    content = str(answer.content or "")
    told = answer.facts or any(escape_markdown(gap.reason) in content for gap in answer.gaps)
    return [] if told else [line for line in missing(answer.category, [], answer.gaps) if line not in content]


def _asked(answer: AnswerLike) -> str:
    question = str(getattr(answer, "input", "") or "") or "A question"
    when = _asked_at(answer)
    time = f"<small>{escape(when)}</small>" if when else ""
    return f'<h2 class="fin-asked">{escape(clean(question, _LONGEST_QUESTION))}{time}</h2>'


def _asked_at(answer: AnswerLike) -> str:
    seconds = getattr(answer, "created_at", None)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC" if isinstance(seconds, int | float) else ""


def _cell(value: Any) -> Any:
    """A value as it goes into a cell: text without formulas, lists joined, days without a time."""
    if isinstance(value, datetime) and value == datetime(value.year, value.month, value.day, tzinfo=value.tzinfo):
        return value.date().isoformat()
    if isinstance(value, bool | int | float | date):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list | tuple):
        return _neutral("; ".join(map(str, value)))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return _neutral(str(value))


def _neutral(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    visible = "".join(c for c in lines if c in "\n\t" or c.isprintable())
    return visible if _NUMBER.fullmatch(visible) else _FORMULA.sub("'", visible)
