"""Whether words name a company here ("price target", "Target's revenue"), and what reads like one that is not known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from finassist.symbols.company import ASK, WELL_SIZED, Company, Named, NameIndex, Unmatched, gone
from finassist.symbols.names import (
    ABBREVIATIONS,
    DELISTED,
    DELISTED_TICKERS,
    LEGAL,
    PHRASES,
    WELL_KNOWN,
    Token,
    common_words,
    key,
    name_words,
    ordinary_words,
    words_of,
)

CUES = words_of("cues")
"""Words that a company name often follows."""

_ASKING = words_of("asking")
_JOINING = words_of("joining")
_DATA = words_of("data")
_STOCK = words_of("stock")
_INCORPORATED = words_of("incorporated")
_ASKED_ABOUT = words_of("asked_about")
_PREDICATES = words_of("predicates")
_NOT_A_NAME = words_of("not_a_name")
_SLOT = words_of("slot")
_BESIDE = words_of("data_of_unknown")
_ASKED = words_of("asked")
_YEAR = re.compile(r"(?:fy|q[1-4])?(?:19|20)?\d\d|q[1-4]|fiscal")

GONE = Named(0, "exact", 0)
"""Stands for a well-known company that is not listed."""

_LARGE = 1_000
_NEVER = frozenset({"cboe", "nasdaq", "newjersey", "newyork", "nyse"})


@dataclass(frozen=True)
class Sentence:
    """The words of a question: what its capitals are worth, and which of its words name a company."""

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
        """Whether each word means something by itself, as `nestle` and not `Nestlé`; `whole`: with its ending."""
        vocabulary = ordinary_words()
        return all(
            ((token.text if whole else token.base) in vocabulary and token.raw.isascii()) or token.text.isdigit()
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
        if self.opens(first) and self.capital(first, size) and _YEAR.fullmatch(after):
            return True
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
        if not self.ordinary(first, size, whole=whole) or name in WELL_KNOWN:
            return self._telling(entry, name, first, size)
        if size == 1 and (entry.how == "prefix" or len(name) < 3):
            listed = named and self.capital(first, 1) and entry.rank < _LARGE and not entry.shared
            return bool(listed) and self.joined(first, 1, named or set())
        return self._ordinary_acceptable(entry, first, size, named)

    def _telling(self, entry: Named, name: str, first: int, size: int) -> bool:
        """A word that is no English word names a company, unless it is short and the company obscure."""
        if entry.how == "alias" or size > 1:
            return entry.how != "prefix" or not self.ordinary(first, size - 1) or entry.rank < WELL_SIZED
        written_as_name = self.capital(first, size)
        if entry.how == "prefix":
            return len(name) > 3 and (entry.rank < WELL_SIZED or (written_as_name and not entry.shared))
        return entry.rank < WELL_SIZED or written_as_name or len(name) > 5

    def _ordinary_acceptable(self, entry: Named, first: int, size: int, named: set[int] | None) -> bool:
        """Ordinary words need more: a name of several of them, capitals, or a place where companies stand."""
        capital = self.capitals_tell and self.capital(first, size)
        full = entry.how != "prefix"
        if size > 1 and not self._phrase(first, size) and (entry.rank < (WELL_SIZED if full else _LARGE)):
            return True
        if size > 1 and full and (capital or size == len(self.words)):
            return True
        if entry.rank >= WELL_SIZED and not (capital and not self.opens(first)):
            return False
        if named:
            return self.joined(first, size, named)
        return self.names_company(first, size)

    def _phrase(self, first: int, size: int) -> bool:
        words = " ".join(token.base for token in self.words[first : first + size])
        return words in PHRASES and not self.capital(first, size)

    def _joinable(self, name: str, first: int, size: int) -> bool:
        """Whether words written apart (or together) may be the name written otherwise: `J.P. Morgan`."""
        span = self.words[first : first + size]
        if size == 1 or all(len(token.text) == 1 for token in span[:-1]):
            return len(name) > 3 or size == 1
        return len(name) > 5 and (self.capital(first, size) or not self.ordinary(first, size))

    def sure(self, entry: Named, first: int, size: int, *, whole: bool) -> bool:
        """Whether no other reading of these words is reasonable."""
        if entry.how == "prefix":
            return not entry.shared and not self.ordinary(first, size)
        if entry.how != "alias" and entry.shared:
            return False
        if size == 1 and self.ordinary(first, 1, whole=whole):
            token = self.words[first]
            return (
                token.text in WELL_KNOWN
                or token.base in WELL_KNOWN
                or (self.capital(first, 1) and not (self.opens(first) and len(self.words) > 1))
            )
        return True

    def _after_article(self, name: str, first: int, size: int) -> bool:
        """`an apple`, `a visa`: the thing, not the company."""
        if name not in WELL_KNOWN or first == 0 or self.words[first].raw[0].isupper():
            return False
        return self.words[first - 1].text in ("a", "an") and not self.data_follows(first + size - 1)


# ----------------------------------------------------------------------------------------- unknown companies

_MOST = 6


def unknown_mentions(sentence: Sentence, taken: set[int], named: set[int], companies: NameIndex) -> Iterator[Unmatched]:
    """Words left over that stand where a company would."""
    place = judged = 0
    while place < len(sentence.words) and judged < _MOST:
        size = _name_like(sentence, place, taken)
        if size and _in_slot(sentence, place, size, named):
            judged += 1
            if missing := _judge(sentence, place, size, named, companies):
                yield missing
        place += max(size, 1)


def word_tickers(sentence: Sentence, taken: set[int], named: set[int], companies: NameIndex) -> Iterator[Unmatched]:
    """Tickers that are also words, in capitals where a company would stand: neither used nor ignored."""
    for place, token in enumerate(sentence.words):
        apart = token.start == 0 or sentence.text[token.start - 1].isspace()
        if (
            place in taken
            or not apart
            or not token.raw.isupper()
            or token.raw in ("A", "I")
            or not sentence.capitals_tell
        ):
            continue
        letter = len(token.raw) == 1
        if (token.text in ABBREVIATIONS and not letter) or (token.text not in common_words() and not letter):
            continue
        company = companies.lookup(token.raw)
        if company and (_asked_for(sentence, place) or sentence.joined(place, 1, named)):
            message = f"“{token.raw}” is a word and a ticker; write ${token.raw} if you mean {company.name}."
            yield Unmatched(token.raw, "ambiguous", message, (company,))


def _asked_for(sentence: Sentence, place: int) -> bool:
    before = sentence.words[place - 1].text if place else ""
    after = "" if sentence.ends(place) else sentence.words[place + 1].text
    letter = len(sentence.words[place].raw) == 1
    return (
        (before in _ASKED and not after)
        or (letter and sentence.data_follows(place))
        or (after in ("stock", "shares") and before not in ("a", "the"))
    )


def _name_like(sentence: Sentence, place: int, taken: set[int]) -> int:
    """How many words from here look like one unknown name."""
    size = 0
    for token in sentence.words[place : place + 4]:
        if place + size in taken or (size and sentence.ends(place + size - 1)):
            break
        foreign = token.base not in ordinary_words() and token.text not in ordinary_words()
        goes_on = size > 0 and token.raw[0].isupper() and sentence.words[place].raw[0].isupper()
        if not (foreign or goes_on) or not token.raw[0].isalpha() or len(token.base) < 3:
            break
        size += 1
    return size


def _judge(sentence: Sentence, place: int, size: int, named: set[int], companies: NameIndex) -> Unmatched | None:
    span = sentence.words[place : place + size]
    start, end = span[0].start, span[-1].end
    text = re.sub(r"['’][sS]?$", "", sentence.text[start:end])
    if size == 1 and text.isupper() and len(text) <= 5:
        return _unknown_ticker(text, sentence, companies)
    suggestions = tuple(companies.suggest(text, 3))
    written_as_name = span[0].raw[0].isupper() and not sentence.opens(place)
    owner = span[-1].possessive
    likely = bool(suggestions) and (written_as_name or companies.by_symbol[suggestions[0].symbol] < WELL_SIZED)
    beside_data = sentence.data_follows(place + size - 1)
    if not (likely or written_as_name or owner or beside_data or sentence.joined(place, size, named)):
        return None
    return Unmatched(text, "unknown", _message(text, suggestions), suggestions)


def _in_slot(sentence: Sentence, place: int, size: int, named: set[int]) -> bool:
    last = place + size - 1
    before = sentence.words[place - 1].text if place else ""
    after = sentence.words[last + 1].text if last + 1 < len(sentence.words) else ""
    alone = size == len(sentence.words)
    shouting_ticker = size == 1 and sentence.words[place].raw.isupper() and len(sentence.words[place].raw) <= 5
    return (
        alone
        or shouting_ticker
        or before in _SLOT
        or after in _BESIDE
        or sentence.words[last].possessive
        or sentence.joined(place, size, named)
    )


def _unknown_ticker(text: str, sentence: Sentence, companies: NameIndex) -> Unmatched | None:
    if sentence.shouted or text.lower() in ABBREVIATIONS:
        return None
    if name := DELISTED_TICKERS.get(text):
        return gone(text, name, DELISTED[name])
    suggestions = tuple(companies.suggest(text, 3)) if key(name_words(text)) else ()
    return Unmatched(text, "unknown", _message(text, suggestions), suggestions)


def _message(text: str, suggestions: tuple[Company, ...]) -> str:
    shown = text if len(text) <= 40 else text[:40] + "…"
    if not suggestions:
        return f"“{shown}” is not in the directory of US-listed companies. {ASK}"
    named = " or ".join(f"{company.name} ({company.symbol})" for company in suggestions)
    return f"“{shown}” is not in the directory. Did you mean {named}? Ask again with that name or ticker."
