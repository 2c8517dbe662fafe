"""Mentions that read like companies and are not in the directory: what to say about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, overload

from finassist.symbols.context import Sentence
from finassist.symbols.directory import Company, Unmatched
from finassist.symbols.english import ABBREVIATIONS, common_words, ordinary_words
from finassist.symbols.index import WELL_SIZED
from finassist.symbols.names import key, name_words, word_set
from finassist.symbols.not_listed import DELISTED, DELISTED_TICKERS

if TYPE_CHECKING:
    from finassist.symbols.directory import SymbolDirectory
    from finassist.symbols.tickers import Marked

_SLOT = word_set(
    "about analyse analyze compare buy sell own versus vs of research evaluate is does did and or than for"
)
_DATA = word_set(
    "stock stocks share shares revenue revenues earnings income balance cash dividend dividends price "
    "profit profits margin margins eps pe financials market results sales debt valuation inc corp ltd "
    "plc"
)
_ASKED = word_set("about analyse analyze compare evaluate of on report than versus vs")
_MOST = 6
_ASK = "Check the spelling, or give the ticker."


@overload
def not_in_directory(mention: Marked) -> Unmatched | None: ...
@overload
def not_in_directory(mention: tuple[str, str, str]) -> Unmatched: ...
def not_in_directory(mention: Marked | tuple[str, str, str]) -> Unmatched | None:
    """What to say about a marked ticker, or about a name with its fate, that is not listed."""
    if isinstance(mention, tuple):
        return _gone(*mention)
    symbol = mention.symbol.upper()
    if name := DELISTED_TICKERS.get(symbol):
        return _gone(mention.symbol, name, DELISTED[name])
    if not mention.insisted or symbol.lower() in ABBREVIATIONS:
        return None
    return Unmatched(symbol, "unknown", f"No company with the ticker {symbol} is in the directory. {_ASK}")


def _gone(text: str, name: str, fate: str) -> Unmatched:
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


def unknown_mentions(
    sentence: Sentence, taken: set[int], named: set[int], companies: SymbolDirectory
) -> Iterator[Unmatched]:
    """Words left over that stand where a company would."""
    place = judged = 0
    while place < len(sentence.words) and judged < _MOST:
        size = _name_like(sentence, place, taken)
        if size and _in_slot(sentence, place, size, named):
            judged += 1
            if missing := _judge(sentence, place, size, named, companies):
                yield missing
        place += max(size, 1)


def word_tickers(
    sentence: Sentence, taken: set[int], named: set[int], companies: SymbolDirectory
) -> Iterator[Unmatched]:
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


def _judge(sentence: Sentence, place: int, size: int, named: set[int], companies: SymbolDirectory) -> Unmatched | None:
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


def _unknown_ticker(text: str, sentence: Sentence, companies: SymbolDirectory) -> Unmatched | None:
    if sentence.shouted or text.lower() in ABBREVIATIONS:
        return None
    if name := DELISTED_TICKERS.get(text):
        return _gone(text, name, DELISTED[name])
    suggestions = tuple(companies.suggest(text, 3)) if key(name_words(text)) else ()
    return Unmatched(text, "unknown", _message(text, suggestions), suggestions)


def _message(text: str, suggestions: tuple[Company, ...]) -> str:
    shown = text if len(text) <= 40 else text[:40] + "…"
    if not suggestions:
        return f"“{shown}” is not in the directory of US-listed companies. {_ASK}"
    named = " or ".join(f"{company.name} ({company.symbol})" for company in suggestions)
    return f"“{shown}” is not in the directory. Did you mean {named}? Ask again with that name or ticker."
