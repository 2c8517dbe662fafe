"""How much it takes until words count as a company: the rules that weigh a name against its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finassist.symbols import aliases
from finassist.symbols.context import Sentence
from finassist.symbols.index import WELL_SIZED, Named
from finassist.symbols.names import Token, key

GONE = Named(0, "exact", 0)
"""Stands for a well-known company that is not listed."""

_LARGE = 1_000
_NEVER = frozenset({"cboe", "nasdaq", "newjersey", "newyork", "nyse"})


@dataclass(frozen=True)
class Evidence:
    """Judges names in one sentence."""

    sentence: Sentence

    @property
    def words(self) -> Sequence[Token]:
        """The words of the sentence."""
        return self.sentence.words

    def acceptable(self, entry: Named, name: str, first: int, size: int, named: set[int] | None) -> bool:
        """Whether these words name that company; `named` are the places of companies already found."""
        if name in _NEVER or len(name) < 2:
            return False
        if (
            entry is not GONE
            and entry.words != size
            and min(entry.words, size) == 1
            and not self._joinable(name, first, size)
        ):
            return False
        if self._after_article(name, first, size):
            return False
        whole = name == key([token.text for token in self.words[first : first + size]])
        if not self.sentence.ordinary(first, size, whole=whole) or name in aliases.WELL_KNOWN:
            return self._telling(entry, name, first, size)
        if size == 1 and (entry.how == "prefix" or len(name) < 3):
            return False
        return self._ordinary_acceptable(entry, first, size, named)

    def _telling(self, entry: Named, name: str, first: int, size: int) -> bool:
        """A word that is no English word names a company, unless it is short and the company obscure."""
        if entry.how == "alias" or size > 1:
            return entry.how != "prefix" or not self.sentence.ordinary(first, size - 1) or entry.rank < WELL_SIZED
        written_as_name = self.sentence.capital(first, size)
        if entry.how == "prefix":
            return len(name) > 3 and (entry.rank < WELL_SIZED or (written_as_name and not entry.shared))
        return entry.rank < WELL_SIZED or written_as_name or len(name) > 5

    def _ordinary_acceptable(self, entry: Named, first: int, size: int, named: set[int] | None) -> bool:
        """Ordinary words need more: a name of several of them, capitals, or a place where companies stand."""
        capital = self.sentence.capitals_tell and self.sentence.capital(first, size)
        full = entry.how != "prefix"
        if size > 1 and not self._phrase(first, size) and (entry.rank < (WELL_SIZED if full else _LARGE)):
            return True
        if size > 1 and full and (capital or size == len(self.words)):
            return True
        if entry.rank >= WELL_SIZED and not (capital and not self.sentence.opens(first)):
            return False
        if named:
            return self.sentence.joined(first, size, named)
        return self.sentence.names_company(first, size)

    def _phrase(self, first: int, size: int) -> bool:
        words = " ".join(token.base for token in self.words[first : first + size])
        return words in aliases.PHRASES and not self.sentence.capital(first, size)

    def _joinable(self, name: str, first: int, size: int) -> bool:
        """Whether words written apart (or together) may be the name written otherwise: `J.P. Morgan`."""
        span = self.words[first : first + size]
        if size == 1 or all(len(token.text) == 1 for token in span[:-1]):
            return len(name) > 3 or size == 1
        return len(name) > 5 and (self.sentence.capital(first, size) or not self.sentence.ordinary(first, size))

    def sure(self, entry: Named, first: int, size: int, *, whole: bool) -> bool:
        """Whether no other reading of these words is reasonable."""
        if entry.how == "prefix":
            return not entry.shared and not self.sentence.ordinary(first, size)
        if entry.how != "alias" and entry.shared:
            return False
        if size == 1 and self.sentence.ordinary(first, 1, whole=whole):
            token = self.words[first]
            return (
                token.text in aliases.WELL_KNOWN
                or token.base in aliases.WELL_KNOWN
                or (self.sentence.capital(first, 1) and not (self.sentence.opens(first) and len(self.words) > 1))
            )
        return True

    def _after_article(self, name: str, first: int, size: int) -> bool:
        """`an apple`, `a visa`: the thing, not the company."""
        if name not in aliases.WELL_KNOWN or first == 0 or self.words[first].raw[0].isupper():
            return False
        return self.words[first - 1].text in ("a", "an") and not self.sentence.data_follows(first + size - 1)
