"""An English question in the words of the tables: years in words as numbers, idioms as the phrases they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def _rows() -> Iterator[tuple[re.Pattern[str], str]]:
    for block in table_of("rewording")["reword"]:
        for pattern, replacement in block["rows"]:
            exact = "[A-Z]" in pattern
            yield re.compile(pattern if exact else f"(?i){pattern}"), replacement


_ROWS = tuple(_rows())


def reworded(text: str) -> str:
    """The question with its idioms replaced.

    Example:
        >>> reworded("sales twenty twenty-four"), reworded("Visa top line, 24 over 23")
        ('sales 2024', 'Visa top line, percent change from 2023 to 2024')
    """
    text = _YEAR.sub(lambda match: str(_YEARS[match["y"].lower().replace("-", " ")]), text)
    for pattern, replacement in _ROWS:
        text = pattern.sub(replacement, text)
    return text
