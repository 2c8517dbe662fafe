"""Whether a word that is also ordinary English names a company here: "price target" against "Target's revenue"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from finassist.symbols.english import common_words, ordinary_words
from finassist.symbols.names import LEGAL, Token, word_set

CUES = word_set(
    "about analyse analyze buy buying compare does did evaluate for has is of on own owning research "
    "review sell selling show than versus vs was will"
)
"""Words that a company name often follows."""

_ASKING = word_set("for about analyse analyze buy compare evaluate of research review sell than versus vs")
_JOINING = word_set("and or versus vs with to against than")
_DATA = word_set(
    "balance capex cash cashflow debt dividend dividends earnings ebitda eps financials fundamentals "
    "gross growth income inc margin margins market net operating pe profit profits ratio ratios "
    "report results revenue revenues sales share shares statement stock valuation"
)
_STOCK = word_set("earnings eps financials fundamentals inc quarterly revenue revenues share shares stock valuation")
_INCORPORATED = word_set("corp corporation inc incorporated ltd plc")
_ASKED_ABOUT = word_set("are can did does has have is should was will would")
_PREDICATES = word_set(
    "earn grow growing have lose losing make making overpriced overvalued own owe paying pay "
    "profitable sell solvent undervalued worth"
)
_NOT_A_NAME = word_set("price prices my your his her our their this that these those any each every no some")


@dataclass(frozen=True)
class Sentence:
    """The words of a question, and what its capitals are worth."""

    text: str
    words: Sequence[Token]

    @cached_property
    def capitals_tell(self) -> bool:
        """Whether ordinary words are written small, so that a capital means something."""
        small = sum(token.raw[0].islower() for token in self.words)
        return small > 0 and 4 * small >= len(self.words)

    @cached_property
    def shouted(self) -> bool:
        """Whether everything is in capitals, ordinary words too."""
        if any(c.islower() for c in self.text):
            return False
        return any(token.text in common_words() and len(token.text) > 2 for token in self.words)

    def ordinary(self, first: int, size: int, *, whole: bool = False) -> bool:
        """Whether each of the words means something by itself; `whole` counts a possessive ending as part of it."""
        vocabulary = ordinary_words()
        return all(
            (token.text if whole else token.base) in vocabulary or token.text.isdigit()
            for token in self.words[first : first + size]
        )

    def capital(self, first: int, size: int) -> bool:
        """Whether the words are written as a proper name is."""
        return all(
            not token.raw[0].islower() or token.text in ("and", "of", "the")
            for token in self.words[first : first + size]
        )

    def opens(self, place: int) -> bool:
        """Whether the word begins a sentence."""
        if place == 0:
            return True
        return any(c in ".!?:;\n" for c in self.text[self.words[place - 1].end : self.words[place].start])

    def ends(self, place: int) -> bool:
        """Whether nothing of the sentence follows the word."""
        if place + 1 >= len(self.words):
            return True
        return any(c in ".!?:;,()\n" for c in self.text[self.words[place].end : self.words[place + 1].start])

    def names_company(self, first: int, size: int) -> bool:
        """Whether ordinary words at this place stand for a company."""
        last = first + size - 1
        before = self.words[first - 1].text if first and not self.opens(first) else ""
        after = self.words[last + 1].text if not self.ends(last) else ""
        if before in _NOT_A_NAME:
            return False
        if self.words[last].possessive and self.words[last].raw[-1] not in "'’":
            return True
        if after in _INCORPORATED or (after in LEGAL and self.words[last + 1].raw[0].isupper()):
            return self.capital(first, size)
        cried = all(token.raw.isupper() for token in self.words[first : last + 1])
        if self.capitals_tell and self.capital(first, size) and not cried and not self.opens(first):
            return self._stands_apart(first, last)
        free = not after or after in _JOINING or after in LEGAL
        judged = before in _ASKED_ABOUT and after in _PREDICATES
        return (before in _ASKING and free) or (first == 0 and not after) or judged or self._data_follows(before, after)

    def _stands_apart(self, first: int, last: int) -> bool:
        """Not part of a longer name in capitals: `Block Island`."""
        if not self.ends(last):
            following = self.words[last + 1]
            if following.raw[0].isupper() and following.text not in _DATA | LEGAL | _JOINING:
                return False
        return (
            self.opens(first)
            or first == 0
            or not (
                self.words[first - 1].raw[0].isupper()
                and not self.opens(first - 1)
                and self.words[first - 1].text not in CUES | _JOINING
                and self.text[self.words[first - 1].end : self.words[first].start].isspace()
            )
        )

    def data_follows(self, place: int) -> bool:
        """Whether the next word asks for figures: `revenue`, `stock` and the like."""
        return not self.ends(place) and self.words[place + 1].text in _DATA

    def _data_follows(self, before: str, after: str) -> bool:
        return after in _STOCK and (not before or before in CUES or before in _JOINING or before in ("s", "whats"))

    def joined(self, first: int, size: int, taken: set[int]) -> bool:
        """Whether the words stand in a list next to a company: `walmart vs target`."""
        last = first + size - 1
        free = self.ends(last) or self.words[last + 1].text in _JOINING | _DATA
        left = self._neighbour(first, -1) in taken
        right = self._neighbour(last, 1) in taken
        return (left and free) or right

    def _neighbour(self, place: int, step: int) -> int:
        """The word across a comma or a joining word, or -1."""
        near = place + step
        if not 0 <= near < len(self.words):
            return -1
        if self.words[near].text in _JOINING:
            return near + step
        between = sorted((place, near))
        gap = self.text[self.words[between[0]].end : self.words[between[1]].start]
        return near if "," in gap or "/" in gap else -1
