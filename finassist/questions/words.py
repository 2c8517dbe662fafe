"""The words of a question with their places, and phrases found among them. Time is linear in the question's length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:[&/][^\W\d_]+)*\d*|[&%$€£?!,;:()<>=+*/-]")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "}
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


def normalise(text: str) -> str:
    """A text with plain quotes, dashes and digits; every character keeps its place."""
    plain = re.sub(
        r"(?<![^\W])([dl]|dell|all|nell|qu|dall|sull)'(?=\w)", r"\1 ", text.translate(_QUOTES), flags=re.IGNORECASE
    )
    return "".join(unicodedata.normalize("NFKC", c) if len(unicodedata.normalize("NFKC", c)) == 1 else c for c in plain)


def fold(text: str) -> str:
    """Lower case of the same length."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def words_of(text: str) -> list[Word]:
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
    return found


@dataclass(slots=True)
class Phrases[T]:
    """Phrases and what each stands for; the longest that begins at a word counts.

    Example:
        >>> Phrases([("net income", 1), ("income", 2)]).longest(words_of("net income"), 0)
        (2, 1)
    """

    given: Iterable[tuple[str, T]]
    _tree: dict[str, dict[tuple[str, ...], T]] = field(default_factory=dict[str, dict[tuple[str, ...], T]])
    _sizes: dict[str, int] = field(default_factory=dict[str, int])
    _joined: dict[str, T] = field(default_factory=dict[str, T])

    def __post_init__(self) -> None:
        for phrase, value in self.given:
            if _CJK.search(phrase):
                self._joined.setdefault(fold(phrase), value)
            key = tuple(word.text for word in words_of(normalise(phrase)) if word.text != "-")
            if key:
                self._tree.setdefault(key[0], {}).setdefault(key, value)
                self._sizes[key[0]] = max(self._sizes.get(key[0], 0), len(key))

    def longest(self, words: list[Word], at: int) -> tuple[int, T] | None:
        """How many words from `at` the longest phrase takes, and what it stands for; hyphens do not count."""
        known = self._tree.get(words[at].text)
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

    def inside(self, text: str) -> Iterator[tuple[int, int, T]]:
        """Phrases of languages without spaces, longest first: start, end, value."""
        for phrase in sorted(self._joined, key=len, reverse=True):
            at = text.find(phrase)
            while at >= 0:
                yield at, at + len(phrase), self._joined[phrase]
                at = text.find(phrase, at + len(phrase))

    def known(self) -> Mapping[str, dict[tuple[str, ...], T]]:
        """All phrases by their first word."""
        return self._tree


def has_cjk(text: str) -> bool:
    """Whether a text has Chinese or Japanese characters."""
    return bool(_CJK.search(text))


_FUNCTION = {
    "es": "cuál cuáles cuánto cuánta cuántos qué fue fueron el los las del de la en empresa tuvo mayor y su año cual que cuanto por entre creció son ¿ tuvieron era cómo",
    "de": "wie hoch war der die das im von und welches welche hatte ist viel wieviel wurde waren für des dem was machte den bei unternehmen jahr zwischen stieg",
    "fr": "quel quelle quels quelles était était le la les du des de en et est sont a combien fut pour société année entre quel d l",
    "pt": "qual quais foi foram da do das dos em no na o os e quanto quanta empresa teve entre ano são é qual quanto",
    "it": "qual quale quali erano era è il la le gli di del della dei nel nell'anno quanto quanti e azienda ha avuto tra anno sono",
    "en": "what which how was were the of in for did and is does much many who show give me tell its their from by at than to that",
}
_SETS = {lang: frozenset(text.split()) for lang, text in _FUNCTION.items()}


def function_words(language: str) -> frozenset[str]:
    """Words of a language that carry no meaning of their own in a question."""
    return _SETS.get(language, frozenset()) | _MORE.get(language, frozenset())


_MORE = {
    "es": frozenset(
        [
            "a",
            "para",
            "con",
            "al",
            "se",
            "ha",
            "han",
            "me",
            "dame",
            "muéstrame",
            "dime",
            "total",
            "fiscal",
            "trimestre",
            "millones",
            "dólares",
            "año",
            "últimos",
            "tienen",
            "tiene",
            "gastó",
            "pagó",
            "ganó",
            "su",
            "sus",
        ]
    ),
    "de": frozenset(
        [
            "wie",
            "hat",
            "haben",
            "ist",
            "nicht",
            "zu",
            "auf",
            "mit",
            "an",
            "am",
            "einen",
            "eine",
            "ein",
            "vom",
            "zum",
            "gesamt",
            "betrug",
            "beträgt",
            "lag",
            "lagen",
            "zeige",
            "gib",
            "mir",
            "euro",
            "dollar",
            "ausgegeben",
            "gab",
            "verdiente",
            "verdient",
            "jahr",
            "jahre",
        ]
    ),
    "fr": frozenset(
        [
            "à",
            "au",
            "aux",
            "par",
            "avec",
            "dans",
            "sur",
            "ce",
            "cette",
            "il",
            "elle",
            "montant",
            "dépensé",
            "gagné",
            "millions",
            "dollars",
            "total",
            "fiscal",
            "exercice",
            "donne",
            "moi",
            "s",
            "t",
            "a-t-il",
            "elle",
        ]
    ),
    "pt": frozenset(
        [
            "a",
            "para",
            "com",
            "ao",
            "se",
            "tem",
            "me",
            "mostre",
            "total",
            "fiscal",
            "gastou",
            "ganhou",
            "pagou",
            "milhões",
            "dólares",
            "últimos",
            "sua",
            "seu",
        ]
    ),
    "it": frozenset(
        [
            "a",
            "per",
            "con",
            "al",
            "si",
            "ha",
            "hanno",
            "mi",
            "mostra",
            "totale",
            "fiscale",
            "speso",
            "guadagnato",
            "pagato",
            "milioni",
            "dollari",
            "suo",
            "sua",
            "nell",
            "anno",
        ]
    ),
}


def language_of(text: str) -> str:
    """The language of a question, among those of the catalogue; English where nothing tells.

    Example:
        >>> language_of("Wie hoch war der Umsatz von Apple?"), language_of("苹果2023年的营收"), language_of("AAPL EPS")
        ('de', 'zh', 'en')
    """
    if re.search(r"[\u3040-\u30ff]", text):
        return "ja"
    if _CJK.search(text):
        return "zh"
    own = [word.text for word in words_of(normalise(text)) if not word.mark]
    counts = {lang: sum(word in words for word in own) for lang, words in _SETS.items()}
    counts["en"] += 0.5  # type: ignore[assignment]
    return max(counts, key=lambda lang: counts[lang])
