"""Tickers written as tickers: `$TSLA`, `NYSE: T`, `(F)`, `ticker ALL`, `BRK.B`, or a symbol standing alone.

Patterns use no nested repetition, so their time grows with the text's length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from finassist.symbols.english import ABBREVIATIONS, common_words
from finassist.symbols.names import word_set

Mark = Literal["dollar", "exchange", "word", "parentheses", "class", "alone"]

_SHAPE = r"[A-Za-z]{1,6}(?:[.\-/][A-Za-z0-9]{1,3})?(?![\w$])"
_BEFORE = r"(?<![\w$])"
_EXCHANGE = r"(?:nasdaq(?:gs|gm|cm)?|nyse(?: ?(?:american|arca|mkt))?|amex|cboe|bats|otc(?:mkts|qx|qb)?)"
_PATTERNS: tuple[tuple[Mark, re.Pattern[str]], ...] = (
    ("dollar", re.compile(rf"{_BEFORE}\$({_SHAPE})")),
    ("exchange", re.compile(rf"{_BEFORE}{_EXCHANGE} ?: ?\$?({_SHAPE})", re.IGNORECASE)),
    ("word", re.compile(rf"\b(?:ticker|symbol)(?: symbol)?(?: is| for)? ?[:=]? ?[\"'“‘(]?\$?({_SHAPE})", re.I)),
    ("word", re.compile(rf"{_BEFORE}([A-Z]{{1,5}}) (?:ticker|symbol)\b")),
    ("parentheses", re.compile(rf"\( ?({_SHAPE}) ?\)")),
    ("class", re.compile(rf"{_BEFORE}([A-Za-z]{{2,5}}[.\-/][A-Za-z]{{1,2}})(?![\w$])")),
)
_ALONE = re.compile(rf"\W*({_SHAPE})\W*")
_NEVER_ALONE = word_set("hi hey help yes no ok okay thx thanks hello stop quit exit bye you who why how what")


@dataclass(frozen=True, slots=True)
class Marked:
    """A symbol somebody marked as a ticker, existing or not."""

    symbol: str
    start: int
    end: int
    mark: Mark

    @property
    def insisted(self) -> bool:
        """Whether it can be nothing but a ticker, so that an unknown one is worth a message."""
        return self.mark in ("dollar", "exchange")


def marked_tickers(text: str) -> Iterator[Marked]:
    """Symbols marked as tickers; marks may overlap, stronger ones come first.

    Example:
        >>> [(found.symbol, found.mark) for found in marked_tickers("Is $F better than NYSE: GM or AT&T (T)?")]
        [('F', 'dollar'), ('GM', 'exchange'), ('T', 'parentheses')]
    """
    alone = _ALONE.fullmatch(text) if len(text) <= 40 and "$" not in text else None
    if alone:
        if alone.group(1).lower() not in _NEVER_ALONE:
            yield Marked(alone.group(1), *alone.span(1), "alone")
        return
    for mark, pattern in _PATTERNS:
        for found in pattern.finditer(text):
            if _believable(found.group(1), mark):
                yield Marked(found.group(1), *found.span(1), mark)


def _believable(symbol: str, mark: Mark) -> bool:
    if mark in ("dollar", "exchange"):
        return True
    if mark == "parentheses":
        return symbol.isupper() and (len(symbol) == 1 or symbol.lower() not in ABBREVIATIONS)
    if mark == "class":
        return symbol.isupper() or symbol[:-2].lower() not in common_words()
    return (symbol.isupper() and symbol != "I") or symbol.lower() not in common_words()
