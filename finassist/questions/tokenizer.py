"""The words of a question with their places, and phrases found among them. Time is linear in the question's length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

type _Usable = Callable[[int, int], bool]

_ASIAN = r"[\u3040-\u30ff\u3400-\u9fff]"
_LETTERS = rf"(?:(?!{_ASIAN})[^\W\d_])+"
_WORD = re.compile(rf"\d+(?:[.,]\d+)*|{_ASIAN}+|{_LETTERS}(?:[&/]{_LETTERS})*\d*|[&%$€£?!.,;:()<>=+*/§-]")
_CJK = re.compile(_ASIAN)
_ELISION = re.compile(r"(?<![^\W])([dl]|dell|all|nell|qu|dall|sull)'(?=\w)(?!s\b)", re.IGNORECASE)
_QUOTES = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "`": "'",
        "´": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "−": "-",
        "÷": "/",
        "×": "*",
        "∆": "Δ",
        "\u00a0": " ",
    }
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word or mark of a text: as compared (`text`), as written (`raw`), and where."""

    text: str
    raw: str
    start: int
    end: int

    @property
    def mark(self) -> bool:
        """Whether it is punctuation."""
        return not self.text[0].isalnum()


@dataclass(frozen=True, slots=True)
class Hit[T]:
    """Something found at characters (or words) `start` to `end` of a text."""

    value: T
    start: int
    end: int
    words: str


def normalise(text: str) -> str:
    """A text with plain quotes, dashes and digits; every character keeps its place."""
    plain = _ELISION.sub(r"\1 ", text.translate(_QUOTES))
    return plain if plain.isascii() else "".join(map(_compatible, plain))


def _compatible(character: str) -> str:
    found = unicodedata.normalize("NFKC", character)
    return found if len(found) == 1 else character


def fold(text: str) -> str:
    """Lower case of the same length."""
    return text.lower() if text.isascii() else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@lru_cache(16)
def words_of(text: str) -> tuple[Word, ...]:
    """The words and marks of a normalised text; hyphens part words, a possessive ending is left off.

    Example:
        >>> [word.text for word in words_of("Apple's price-to-earnings, R&D")]
        ['apple', 'price', '-', 'to', '-', 'earnings', ',', 'r&d']
    """
    found: list[Word] = []
    folded = fold(text)
    for match in _WORD.finditer(folded):
        owner = found and match.group() == "s" and folded[match.start() - 1] == "'"
        if owner and folded[found[-1].start : match.start() - 1] == found[-1].text:
            continue
        found.append(Word(match.group(), text[match.start() : match.end()], *match.span()))
    return tuple(found)


def texts_of(phrase: str) -> Iterable[str]:
    """The words of a phrase of the tables; most are letters and spaces, which need no scan."""
    if phrase.isascii() and phrase.replace(" ", "").isalpha():
        return phrase.lower().split()
    return [word.text for word in words_of(normalise(phrase))]


def has_cjk(text: str) -> bool:
    """Whether a text has Chinese or Japanese characters."""
    return bool(_CJK.search(text))


class Claims:
    """Which characters of a text are already taken by something found."""

    def __init__(self, size: int) -> None:
        self._taken = bytearray(size)

    def free(self, start: int, end: int) -> bool:
        """Whether no character from `start` to `end` is taken."""
        return self._taken.find(1, start, end) < 0

    def take(self, start: int, end: int) -> None:
        """Take the characters from `start` to `end`."""
        self._taken[start:end] = b"\x01" * (end - start)

    def masked(self, text: str) -> str:
        """The text with every taken character blanked out."""
        return "".join("\x00" if taken else c for c, taken in zip(text, self._taken, strict=True))


class Phrases[T]:
    """Phrases and what each stands for; the first of two equal phrases counts.

    Example:
        >>> known = Phrases([("net income", 1), ("income", 2)])
        >>> [(hit.value, hit.start, hit.end) for hit in known.among(words_of("the net income"))]
        [(1, 1, 3)]
    """

    def __init__(self, given: Iterable[tuple[str, T]]) -> None:
        self._known: dict[str, dict[tuple[str, ...], T]] = {}
        self._sizes: dict[str, int] = {}
        self._joined: dict[str, T] = {}
        for phrase, value in given:
            if _CJK.search(phrase):
                self._joined.setdefault(fold(phrase), value)
            if key := tuple(word for word in texts_of(phrase) if word != "-"):
                self._known.setdefault(key[0], {}).setdefault(key, value)
                self._sizes[key[0]] = max(self._sizes.get(key[0], 0), len(key))
        self._longest = max(map(len, self._joined), default=0)

    def longest(self, words: Sequence[Word], at: int) -> tuple[int, T] | None:
        """How many words from `at` the longest phrase takes, and what it stands for; hyphens do not count."""
        known = self._known.get(words[at].text)
        if known is None:
            return None
        taken: list[str] = []
        best: tuple[int, T] | None = None
        for size, word in enumerate(words[at : at + 2 * self._sizes[words[at].text]], 1):
            if word.text == "-":
                continue
            taken.append(word.text)
            value = known.get(tuple(taken))
            if value is not None:
                best = size, value
        return best

    def among(self, words: Sequence[Word], usable: _Usable | None = None) -> Iterator[Hit[T]]:
        """The longest usable phrase at each place, left to right; `start` and `end` count words."""
        at = 0
        while at < len(words):
            best = self.longest(words, at)
            if best and (usable is None or usable(at, best[0])):
                yield Hit(best[1], at, at + best[0], " ".join(word.text for word in words[at : at + best[0]]))
                at += best[0]
            else:
                at += 1

    def inside(self, text: str) -> Iterator[Hit[T]]:
        """Phrases of languages without spaces, the longest at each place."""
        at = 0
        while at < len(text):
            size = self._longest_at(text, at)
            if size:
                yield Hit(self._joined[text[at : at + size]], at, at + size, text[at : at + size])
            at += size or 1

    def _longest_at(self, text: str, at: int) -> int:
        if not _CJK.match(text, at) and not text[at].isalnum():
            return 0
        sizes = range(min(self._longest, len(text) - at), 0, -1)
        return next((size for size in sizes if text[at : at + size] in self._joined), 0)

    def free(self, text: str, words: Sequence[Word], taken: Claims, usable: _Usable | None = None) -> Iterator[Hit[T]]:
        """Those phrases of a text in lower case, in any language, that stand where nothing is taken."""

        def fits(at: int, size: int) -> bool:
            return taken.free(words[at].start, words[at + size - 1].end) and (usable is None or usable(at, size))

        for hit in self.among(words, fits):
            start, end = words[hit.start].start, words[hit.end - 1].end
            yield Hit(hit.value, start, end, text[start:end])
        if has_cjk(text):
            yield from (hit for hit in self.inside(text) if taken.free(hit.start, hit.end))
