"""Words and names the resolver knows: ordinary English, finance language, aliases, and companies without a ticker.

They are in `files/words.toml` and `files/words.txt.gz`; a test holds the aliases to the tickers of the directory.
"""

from __future__ import annotations

import gzip
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from finassist.symbols.names import key, name_words

_FILES: Final = files("finassist.symbols") / "files"
_WORDS: Final[dict[str, Any]] = tomllib.loads((_FILES / "words.toml").read_text(encoding="utf-8"))


def _word_set(name: str) -> frozenset[str]:
    return frozenset(_WORDS[name].split())


def _listed(name: str) -> tuple[str, ...]:
    return tuple(" ".join(each.split()) for each in _WORDS[name].split(","))


ABBREVIATIONS: Final = _word_set("abbreviations")
"""Abbreviations of finance, time, places and technology that are never a ticker unless marked as one."""

WELL_KNOWN: Final = _word_set("well_known")
"""Words that, in a question about finance, mean the company first."""

PHRASES: Final = frozenset(_listed("phrases"))
"""Company names that, in small letters, mean themselves more often than the company."""

ALIASES: Final[dict[str, str]] = _WORDS["aliases"]
"""What people call companies -> ticker, where no rule leads from their words to the filed name."""

RENAMED_TICKERS: Final[dict[str, str]] = _WORDS["renamed_tickers"]
"""Former ticker -> today's."""

SHARE_CLASSES: Final[dict[str, dict[str, str]]] = _WORDS["share_classes"]
"""Ticker -> class -> ticker, where it does not end in a dash and the letter."""

DELISTED: Final[dict[str, str]] = _WORDS["delisted"]
"""Companies that used to be listed, and what became of them."""

DELISTED_TICKERS: Final[dict[str, str]] = _WORDS["delisted_tickers"]
"""Tickers that are gone -> the company's name in `DELISTED`."""

HOMONYMS: Final = re.compile(
    r"\b(?:S ?(?:&|and) ?P ?\d{3}|S&P(?! ?global)|Dow Jones(?: Industrial Average)?|Russell [123]000|FTSE ?\d{3}"
    r"|shell (?:compan(?:y|ies)|corporations?)|meta[ -]?(?:analys[ie]s|data|questions?)"
    r"|oracle (?:of|at) (?:omaha|delphi)"
    r"|amazon(?:ian)? (?:rain ?forests?|river|basin|jungle|delta)"
    r"|ford (?:a|the|that|this) (?:\w+ )?(?:river|stream|creek)"
    r"|apple (?:pies?|juice|sauce|cider|trees?|orchards?|crumble|cake)|an? apple a day|alphabet soup"
    r"|visa (?:requirements?|applications?|interviews?|waivers?)|(?:tourist|student|work|travel) visas?"
    r"|caterpillars? (?:in)?to (?:an? )?butterfl(?:y|ies)|target audiences?"
    r"|nasdaq[ -]?(?:100|composite)|dupont (?:analysis|decomposition|equation|formula|identity|model))\b",
    re.IGNORECASE,
)
"""Indices, methods and things of the world that carry a company's name."""


@cache
def aliases() -> dict[str, tuple[str, int]]:
    """Folded alias -> ticker and how many words it has."""
    return {key(words): (symbol, len(words)) for name, symbol in ALIASES.items() if (words := name_words(name))}


@cache
def not_listed() -> dict[str, tuple[str, str]]:
    """Folded name -> the name and why there is no ticker: `what became of it`, `"private"` or `"foreign"`."""
    gone = dict(DELISTED)
    gone |= dict.fromkeys(_listed("private"), "private") | dict.fromkeys(_listed("foreign"), "foreign")
    return {key(name_words(name)): (name, reason) for name, reason in gone.items()}


@cache
def _english() -> tuple[frozenset[str], frozenset[str]]:
    common, rarer = gzip.decompress((_FILES / "words.txt.gz").read_bytes()).decode().split("\n")
    everyday = frozenset(common.split()) | ABBREVIATIONS | {"nasdaq", "cboe"}
    ours = (_word_set(name) for name in ("finance", "places", "clipped", "names"))
    return everyday, everyday.union(rarer.split(), *ours)


def common_words() -> frozenset[str]:
    """Words so common that even in capitals they are no ticker unless marked as one; with `ABBREVIATIONS`."""
    return _english()[0]


def ordinary_words() -> frozenset[str]:
    """Every word that has a meaning of its own in English or in finance, folded."""
    return _english()[1]
