"""Finding known phrases in a question: words, longest phrase first, in one pass."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

COMPANY = "§"
"""Stands where a company name was, so that `Price` in a name is not a question about prices."""

_POSSESSIVE = re.compile(r"['’]s\b|(?<=s)['’](?!\w)")
_WORD = re.compile(rf"{COMPANY}|[,;:.!?]|[^\W\d_](?:[&/][^\W\d_])+(?!\w)|[^\W_]+(?:['’][^\W_]+)?")
_BREAKS = frozenset(",;:.!?")


@dataclass(frozen=True, slots=True)
class Hit[T]:
    """A known phrase found at words `start` to `end` (exclusive)."""

    value: T
    phrase: str
    start: int
    end: int


class PhraseIndex[T]:
    """Phrases, also in their plural, and what each stands for; the first of two equal phrases counts.

    Example:
        >>> index = PhraseIndex([("price", "stock_price"), ("price to earnings", "ratio")])
        >>> [hit.value for hit in index.find(words("Price-to-earnings, or the price?"))]
        ['ratio', 'stock_price']
    """

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        self._known: dict[tuple[str, ...], tuple[str, T]] = {}
        given = list(phrases)
        for phrase, value in given:
            self._known.setdefault(tuple(words(phrase)), (phrase, value))
        for phrase, value in given:
            self._known.setdefault(tuple(words(_plural(phrase))), (phrase, value))
        self._longest = max(map(len, self._known), default=0)

    def find(self, text: Sequence[str]) -> list[Hit[T]]:
        """Every phrase in `text`, left to right, the longest where several begin, none overlapping."""
        hits: list[Hit[T]] = []
        position = 0
        while position < len(text):
            hit = self._at(text, position)
            if hit:
                hits.append(hit)
            position = hit.end if hit else position + 1
        return hits

    def _at(self, text: Sequence[str], start: int) -> Hit[T] | None:
        for end in range(min(len(text), start + self._longest), start, -1):
            found = self._known.get(tuple(text[start:end]))
            if found:
                return Hit(found[1], found[0], start, end)
        return None


def words(text: str) -> list[str]:
    """The words and clause marks of a text, in lower case, without possessives.

    Example:
        >>> words("What's Apple's P/E ratio, R&D and debt-to-equity?")
        ['what', 'apple', 'p/e', 'ratio', ',', 'r&d', 'and', 'debt', 'to', 'equity', '?']
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(_POSSESSIVE.sub("", plain))


def is_break(word: str) -> bool:
    """Whether a word is a clause mark rather than a word."""
    return word in _BREAKS


def _plural(phrase: str) -> str:
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return f"{phrase[:-1]}ies"
    return phrase if phrase.endswith("s") else f"{phrase}s"
