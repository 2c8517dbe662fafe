"""Every known phrase in the words of a question (`documents.toml`): data words, kinds of asking, glossary terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from finassist.core.result import CategoryName as Category
from finassist.questions.glossary import Term, glossary
from finassist.questions.grammar import table_of
from finassist.questions.phrases import COMPANY, Hit, PhraseIndex, is_break, words

_NEGATION_REACH: Final = 4
_TABLES: Final = table_of("documents")
WORDS: Final[Mapping[str, frozenset[str]]] = {name: frozenset(text.split()) for name, text in _TABLES["words"].items()}


def _phrases(section: str) -> Iterator[tuple[Any, str]]:
    """Each phrase of a table, after its name there."""
    for name, text in _TABLES[section].items():
        for phrase in text.split(","):
            yield name, " ".join(phrase.split())


@dataclass(frozen=True, slots=True)
class DataWord:
    """What a data word asks for, and whether it leaves no doubt."""

    category: Category
    plain: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """The words of a question and what is known among them.

    Attributes:
        tokens: The words, companies replaced by `§`.
        data: Data words that are not negated.
        kinds: By name, the phrases that point back, compare, ask for advice, …
        terms: Glossary terms.
    """

    tokens: Sequence[str]
    data: Sequence[Hit[DataWord]]
    kinds: Mapping[str, Sequence[Hit[str]]]
    terms: Sequence[Hit[Term]]

    @property
    def negates(self) -> bool:
        """Whether the question excludes something."""
        return any(word in WORDS["negation"] for word in self.tokens) or bool(self.kinds["contrast"])

    @property
    def follows_on(self) -> bool:
        """Whether it starts like `What about …` or `Thanks, and …`."""
        starts = {hit.start for hit in self.kinds["what about"]}
        before = (i for i, word in enumerate(self.tokens) if not (is_break(word) or word in WORDS["leads"]))
        return next(before, -1) in starts

    def categories(self) -> tuple[list[Category], bool]:
        """Categories asked for in order of mention, and whether no loose word was needed to tell."""
        plain: list[Category] = [hit.value.category for hit in self.data if hit.value.plain]
        every: list[Category] = [hit.value.category for hit in self.data]
        return plain or every, bool(plain) or not every

    def covered(self, fillers: frozenset[str], hits: Iterable[Hit[object]]) -> bool:
        """Whether every word is a filler, a number, a company or part of one of the hits."""
        known = {i for hit in hits for i in range(hit.start, hit.end)}
        rest = (word for i, word in enumerate(self.tokens) if i not in known and not is_break(word))
        return all(word == COMPANY or word.isdecimal() or word in fillers for word in rest)


def scan(text: str) -> Scan:
    """Find what is known in a text whose company names are masked.

    Example:
        >>> found = scan("what is § net margin, not the price")
        >>> [hit.phrase for hit in found.data]
        ['net margin']
    """
    tokens = words(text)
    return Scan(
        tokens=tokens,
        data=[hit for hit in _DATA.find(tokens) if not _negated(hit, tokens)],
        kinds={kind: index.find(tokens) for kind, index in _KINDS.items()},
        terms=glossary().hits(tokens),
    )


def _negated(hit: Hit[DataWord], tokens: Sequence[str]) -> bool:
    for i in range(hit.start - 1, max(-1, hit.start - 1 - _NEGATION_REACH), -1):
        if is_break(tokens[i]) or tokens[i] == "but":
            return False
        if tokens[i] in WORDS["negation"] or _KINDS["contrast"].find(tokens[i : i + 2]):
            return tokens[i + 1] != "only"
    return False


_DATA = PhraseIndex(
    (phrase, DataWord(category, plain=section == "plain"))
    for section in ("plain", "loose")
    for category, phrase in _phrases(section)
)
_KINDS = {
    kind: PhraseIndex((phrase, kind) for name, phrase in _phrases("kinds") if name == kind) for kind in _TABLES["kinds"]
}


SmallTalk = Literal["help", "thanks", "goodbye", "greeting"]
_MOST_TELLING: Final[tuple[SmallTalk, ...]] = ("help", "goodbye", "thanks")
_LONGEST_SMALL_TALK = 200
_SMALL_TALK = PhraseIndex[SmallTalk]((phrase, kind) for kind, phrase in _phrases("small_talk"))


def small_talk(text: str) -> SmallTalk | None:
    """Which kind of small talk a text is, if it is nothing else. A text without words asks for help.

    Example:
        >>> small_talk("Hello there!"), small_talk("thanks a lot"), small_talk("Hi, what is EBITDA?")
        ('greeting', 'thanks', None)
    """
    if "$" in text or len(text) > _LONGEST_SMALL_TALK:
        return None
    tokens = [word for word in words(text) if not is_break(word)]
    hits = _SMALL_TALK.find(tokens)
    covered = {i for hit in hits for i in range(hit.start, hit.end)}
    rest = [word for i, word in enumerate(tokens) if i not in covered]
    if any(word not in WORDS["greeting"] and word != "please" for word in rest):
        return None
    if not tokens:
        return "help"
    found = {hit.value for hit in hits}
    for kind in _MOST_TELLING:
        if kind in found:
            return kind
    return "greeting" if tokens[0] in WORDS["greeting_starts"] else None
