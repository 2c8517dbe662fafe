"""Names as people and filers write them, words and names that are known beforehand, and tickers marked as such."""

from __future__ import annotations

import gzip
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_MARKS = "\u0300-\u036f"
_WORD = rf"[^\W_]+(?:[{_INVISIBLE}{_MARKS}]+[^\W_]*)*"
_TOKEN = re.compile(rf"{_WORD}(?:['’`]{_WORD})*['’]?|&")
_PLAIN = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*|&")
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_NOT_KEY = re.compile(r"[^a-z0-9]+")


def word_set(words: str) -> frozenset[str]:
    """The words of a space-separated list.

    Example:
        >>> sorted(word_set("inc corp"))
        ['corp', 'inc']
    """
    return frozenset(words.split())


LEGAL = word_set(
    "ab ag asa bv co company companies corp corporation cos inc incorporated kk lllp llc llp lp ltd "
    "limited nv oyj plc pte sa sab sas se spa the"
)
"""Words that only say which legal form a company has."""

UMBRELLA = word_set("bancorp bancorporation bancshares group holding holdings trust com and de cv")
"""Words at the end of a name that people leave out; stripped after `LEGAL`."""

_SHORT_FORMS = {"company": "co", "companies": "cos", "corporation": "corp", "incorporated": "inc", "limited": "ltd"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text."""

    text: str  # the folded word without its apostrophe: `"apples"` for `Apple's`, `"and"` for `&`
    base: str  # the same without a possessive ending: `"apple"`; equal to `text` when there is none
    raw: str  # the word as written
    start: int  # where it begins in the text
    end: int  # where it ends, including a possessive ending

    @property
    def possessive(self) -> bool:
        """Whether the word ends in `'s` or a closing apostrophe."""
        return self.raw[-1] in "'’" or self.text != self.base


def fold(text: str) -> str:
    """Lower case without accents or invisible characters.

    Example:
        >>> fold("Estée Lauder"), fold("Nestlé"), fold("Ørsted")
        ('estee lauder', 'nestle', 'orsted')
    """
    if text.isascii():
        return text.lower()
    lowered = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return "".join(
        c for c in unicodedata.normalize("NFKD", lowered) if unicodedata.category(c) not in ("Mn", "Cf", "Cc")
    )


def key(words: Sequence[str]) -> str:
    """The key of a name given as folded words.

    Example:
        >>> key(["j", "p", "morgan"]), key(["at", "and", "t"])
        ('jpmorgan', 'atandt')
    """
    return "".join([_SHORT_FORMS.get(word, word) for word in words])


def tokens(text: str) -> Iterator[Token]:
    """The words of a text with their places in it, folded.

    Example:
        >>> [(token.text, token.base) for token in tokens("AT&T's price")]
        [('at', 'at'), ('and', 'and'), ('ts', 't'), ('price', 'price')]
    """
    for found in _TOKEN.finditer(text):
        raw = found.group()
        if raw == "&":
            yield Token("and", "and", raw, *found.span())
            continue
        folded = fold(raw).replace("’", "'").replace("`", "'")
        plain = _NOT_KEY.sub("", folded)
        if plain:
            base = _NOT_KEY.sub("", folded[:-2]) if folded.endswith("'s") else plain
            yield Token(plain, base or plain, raw, *found.span())


def name_words(name: str) -> list[str]:
    """The folded words of a company name; apostrophes join.

    Example:
        >>> name_words("Dick's Sporting Goods, Inc.")
        ['dicks', 'sporting', 'goods', 'inc']
    """
    plain = fold(name).replace("’", "'")
    return ["and" if word == "&" else word.replace("'", "") for word in _PLAIN.findall(plain)]


def stripped_forms(words: Sequence[str]) -> list[list[str]]:
    """A name and its shorter forms, longest first: without legal form, then without `group`, `holdings` and the like.

    Example:
        >>> [" ".join(form) for form in stripped_forms(["goldman", "sachs", "group", "inc"])]
        ['goldman sachs group inc', 'goldman sachs group', 'goldman sachs']
    """
    forms = [list(words)]
    rest = list(words[1:] if len(words) > 1 and words[0] == "the" else words)
    if rest != forms[0]:
        forms.append(rest)
    while len(rest) > 1 and (rest[-1] in LEGAL or rest[-1] in UMBRELLA or spelled_legal(rest)):
        rest = rest[: -spelled_legal(rest) or -1]
        if rest[-1] not in ("and", "de"):
            forms.append(rest)
    return forms


def spelled_legal(words: Sequence[str]) -> int:
    """How many single letters at the end spell a legal form: `n v`, `s p a`."""
    for size in (3, 2) if len(words[-1]) == 1 else ():
        if len(words) > size and all(len(word) == 1 for word in words[-size:]):
            return size if "".join(words[-size:]) in LEGAL | {"as"} else 0
    return 0


_FILES: Final = files("finassist.symbols") / "files"
_WORDS: Final[dict[str, Any]] = tomllib.loads((_FILES / "words.toml").read_text(encoding="utf-8"))


def words_of(name: str) -> frozenset[str]:
    """A list of `words.toml`."""
    return frozenset(_WORDS[name].split())


def _listed(name: str) -> tuple[str, ...]:
    return tuple(" ".join(each.split()) for each in _WORDS[name].split(","))


ABBREVIATIONS: Final = words_of("abbreviations")
"""Abbreviations of finance, time, places and technology that are never a ticker unless marked as one."""

WELL_KNOWN: Final = words_of("well_known")
"""Words that, in a question about finance, mean the company first."""

PHRASES: Final = frozenset(_listed("phrases"))
"""Company names that, in small letters, mean themselves more often than the company."""

ALIASES: Final[dict[str, str]] = _WORDS["aliases"]
"""What people call companies -> ticker, where no rule leads from their words to the filed name."""

FOREIGN_LISTING: Final = re.compile(
    r"(?<![\w.])[A-Z0-9-]{1,8}\.(?:DE|L|PA|TO|V|HK|T|SW|AS|MI|MC|SS|SZ|AX|NS|BO|KS|KQ|TW|SA|MX|F|BR|VI|CO|ST|OL|HE|IL"
    r"|JO|SI|NZ|IR|LS|WA)(?![\w.])"
)
"""A ticker with the suffix of an exchange abroad: one listing, never two companies."""

RENAMED_TICKERS: Final[dict[str, str]] = _WORDS["renamed_tickers"]
"""Former ticker -> today's."""

SHARE_CLASSES: Final[dict[str, dict[str, str]]] = _WORDS["share_classes"]
"""Ticker -> class -> ticker, where it does not end in a dash and the letter."""

DELISTED: Final[dict[str, str]] = _WORDS["delisted"]
"""Companies that used to be listed, and what became of them."""

DELISTED_TICKERS: Final[dict[str, str]] = _WORDS["delisted_tickers"]
"""Tickers that are gone -> the company's name in `DELISTED`."""

HOMONYMS: Final = re.compile(rf"\b(?:{'|'.join(_WORDS['homonyms'])})\b", re.IGNORECASE)
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
    ours = (words_of(name) for name in ("finance", "places", "clipped", "names"))
    return everyday, everyday.union(rarer.split(), *ours)


def common_words() -> frozenset[str]:
    """Words so common that even in capitals they are no ticker unless marked as one; with `ABBREVIATIONS`."""
    return _english()[0]


def ordinary_words() -> frozenset[str]:
    """Every word that has a meaning of its own in English or in finance, folded."""
    return _english()[1]


# ----------------------------------------------------------------------------------------------- marked tickers
# Patterns use no nested repetition, so their time grows with the text's length only.

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
