"""Company names as people and filers write them, brought to one form.

A *key* is a name folded to lower-case letters and digits without spaces: `"J.P. Morgan"`, `"JP Morgan"` and
`"JPMorgan"` share the key `"jpmorgan"`. Nothing here knows which companies exist.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    """A word of a text.

    Attributes:
        text: The folded word without its apostrophe: `"apples"` for `Apple's`, `"and"` for `&`.
        base: The same without a possessive ending: `"apple"`; equal to `text` when there is none.
        raw: The word as written.
        start: Where it begins in the text.
        end: Where it ends, including a possessive ending.
    """

    text: str
    base: str
    raw: str
    start: int
    end: int

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


def normalise(text: str) -> str:
    """Folded words, separated by single spaces; applying it twice changes nothing.

    Example:
        >>> normalise("  Procter & GAMBLE Co.'s ")
        'procter and gamble co s'
    """
    return " ".join("and" if word == "&" else word for word in re.findall(r"[a-z0-9]+|&", fold(text)))


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
    for size in (3, 2):
        if len(words) > size and all(len(word) == 1 for word in words[-size:]):
            return size if "".join(words[-size:]) in LEGAL | {"as"} else 0
    return 0
