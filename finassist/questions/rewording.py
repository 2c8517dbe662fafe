"""Idioms of a question replaced by the words of the tables, in the order of `rewording.toml`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from finassist.questions.grammar import table_of

_SMALL = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_YEARS = {
    **{word: 2010 + at for at, word in enumerate(_TEENS)},
    "twenty": 2020,
    **{f"twenty {word}": 2021 + at for at, word in enumerate(_SMALL)},
}
_TENS = "|".join([f"twenty[ -](?:{'|'.join(_SMALL)})", "twenty", *_TEENS])
_YEAR = re.compile(rf"\btwenty[ -](?P<y>{_TENS})\b(?! (?:percent|per cent|companies))", re.I)

_PIECES = re.compile(r"\\x..|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[^}]*\}|.", re.DOTALL)


def fixed_part(pattern: str) -> str:
    """The longest run of letters and spaces that every match of a pattern has, in lower case; empty where none is sure.

    Example:
        >>> fixed_part("how many (?:us )?dollars"), fixed_part("profits?"), fixed_part("gains|losses")
        ('how many ', 'profit', '')
    """
    runs, depth = [""], 0
    for piece in _PIECES.findall(pattern):
        if piece in "()":
            depth += 1 if piece == "(" else -1
            runs.append("")
        elif depth:
            continue
        elif piece == "|":
            return ""
        elif piece in "?*" or piece[0] == "{":
            runs[-1:] = [runs[-1][:-1], ""]
        elif piece.isalpha() or piece == " ":
            runs[-1] += piece
        else:
            runs.append("")
    return max(runs, key=len).lower()


def _rows(name: str) -> Iterator[tuple[str, str, str]]:
    """What stands in every text that a row changes, its pattern, and its replacement."""
    for block in table_of("rewording")[name]:
        for pattern, replacement in block["rows"]:
            yield fixed_part(pattern), pattern if "[A-Z]" in pattern else f"(?i){pattern}", replacement


_ROWS, _RESUMING = tuple(_rows("reword")), tuple(_rows("resume"))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern is compiled when a text could match it: most rows wait for words that few questions have."""
    return re.compile(pattern)


def reworded(text: str, *, resumes: bool = False) -> str:
    """The question with its idioms replaced.

    Example:
        >>> reworded("sales twenty twenty-four"), reworded("Visa top line, 24 over 23")
        ('sales 2024', 'Visa top line, percent change from 2023 to 2024')
    """
    text = _YEAR.sub(lambda match: str(_YEARS[match["y"].lower().replace("-", " ")]), text)
    low = text.lower()
    for fixed, pattern, replacement in (*_ROWS, *(_RESUMING if resumes else ())):
        if fixed in low:
            text = _compiled(pattern).sub(replacement, text)
            low = text.lower()
    return text
