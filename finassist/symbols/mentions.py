"""Mentions that are no names: tickers marked as such, and what reads like a company and is not in the directory.

Patterns use no nested repetition, so their time grows with the text's length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from finassist.symbols.company import WELL_SIZED, Company, NameIndex, Unmatched
from finassist.symbols.evidence import Sentence
from finassist.symbols.names import (
    ABBREVIATIONS,
    DELISTED,
    DELISTED_TICKERS,
    common_words,
    key,
    name_words,
    ordinary_words,
    words_of,
)

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
_NEVER_ALONE = words_of("never_alone")


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


_SLOT = words_of("slot")
_DATA = words_of("data_of_unknown")
_ASKED = words_of("asked")
_MOST = 6
_ASK = "Check the spelling, or give the ticker."


def missing_ticker(marked: Marked) -> Unmatched | None:
    """The message about a marked ticker that is not listed; `None` if it may be no ticker at all."""
    symbol = marked.symbol.upper()
    if name := DELISTED_TICKERS.get(symbol):
        return gone(marked.symbol, name, DELISTED[name])
    if not marked.insisted or symbol.lower() in ABBREVIATIONS:
        return None
    return Unmatched(symbol, "unknown", f"No company with the ticker {symbol} is in the directory. {_ASK}")


def gone(text: str, name: str, fate: str) -> Unmatched:
    """The message about a company that has no ticker; `fate` says why, as in `vocabulary.not_listed`."""
    if fate == "private":
        message = f"{name} is privately owned and has no ticker in the directory; ask about a listed company instead."
        return Unmatched(text, "unknown", message)
    if fate == "foreign":
        message = (
            f"{name} is listed abroad and not in the directory of US tickers; ask about a US-listed company instead."
        )
        return Unmatched(text, "unknown", message)
    message = f"{name} is no longer listed: it {fate}; ask about a company that is listed today."
    return Unmatched(text, "delisted", message)


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
        or after in _DATA
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
        return f"“{shown}” is not in the directory of US-listed companies. {_ASK}"
    named = " or ".join(f"{company.name} ({company.symbol})" for company in suggestions)
    return f"“{shown}” is not in the directory. Did you mean {named}? Ask again with that name or ticker."
