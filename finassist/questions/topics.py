"""What a question is about besides figures: documents, terms, small talk; by the phrases of the tables for each.

The longest phrase counts, so that "price to earnings" is a ratio and no price.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from finassist.core.result import CategoryName as Category
from finassist.questions.grammar import table_of
from finassist.questions.tokenizer import Hit, Phrases, Word, normalise, words_of

COMPANY = "§"
"""Stands where a company name was, so that `Price` in a name is not a question about prices."""

_BREAKS = frozenset(",;:.!?")
_KEPT = _BREAKS | {COMPANY}
_NEGATION_REACH: Final = 4
_WORDS_READ = 200


def tokens(text: str) -> list[Word]:
    """The words and clause marks of a text."""
    return [word for word in words_of(normalise(text)) if not word.mark or word.text in _KEPT]


def _with_plurals[T](given: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    known = list(given)
    yield from known
    for phrase, value in known:
        if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
            yield f"{phrase[:-1]}ies", value
        elif not phrase.endswith("s"):
            yield f"{phrase}s", value


# ------------------------------------------------------------------------------------------------ the glossary


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of the glossary.

    Attributes:
        name: The usual name (`"P/E ratio"`).
        aliases: Other names people use.
        definition: What it is, in plain words.
        reading: How to read it, and what to be careful about.
        related: Names of other terms worth knowing.
        formula: How it is computed, where it is a computed figure.
    """

    name: str
    aliases: tuple[str, ...]
    definition: str
    reading: str
    related: tuple[str, ...]
    formula: str | None = None

    def to_markdown(self) -> str:
        """The entry as a short markdown text."""
        parts = [f"**{self.name}**", self.definition]
        if self.formula:
            parts.append(f"**Formula:** {self.formula}")
        parts += [f"**How to read it:** {self.reading}", f"**Related:** {', '.join(self.related)}"]
        return "\n\n".join(parts)


class Glossary:
    """Finance and statement terms explained for learners, found by any of their names.

    Example:
        >>> [term.name for term in glossary().find("How do gross margin and EBITDA differ?")]
        ['Gross margin', 'EBITDA']
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        self._names = {name.casefold(): term for term in self.terms for name in (term.name, *term.aliases)}
        self._phrases = Phrases(_with_plurals(self._names.items()))

    def get(self, name: str) -> Term | None:
        """The term with that name or alias, in any case, or `None`."""
        return self._names.get(name.strip().casefold())

    def find(self, text: str | Sequence[Word]) -> list[Term]:
        """The terms that a text, or its tokens, names, in order, each once. Reads at most 200 words."""
        return list(
            dict.fromkeys(hit.value for hit in self.hits(tokens(text[:4000]) if isinstance(text, str) else text))
        )

    def hits(self, words: Sequence[Word]) -> list[Hit[Term]]:
        """Where the first 200 words of a text name terms."""
        return list(self._phrases.among(words[:_WORDS_READ]))

    def nearest(self, text: str, count: int = 3) -> list[Term]:
        """Up to `count` terms spelt like something in the text, the closest first; often none.

        Example:
            >>> [term.name for term in glossary().nearest("what is ebitdaa", 1)]
            ['EBITDA']
        """
        words = [word.text for word in tokens(text[:400])[:20]]
        pieces = [" ".join(words[i : i + n]) for n in (3, 2, 1) for i in range(len(words) - n + 1)]
        found = [name for piece in pieces if len(piece) > 3 for name in self._close(piece)]
        found.sort(key=lambda scored: -scored[0])
        return list(dict.fromkeys(term for _, term in found))[:count]

    def _close(self, piece: str) -> list[tuple[float, Term]]:
        matches = difflib.get_close_matches(piece, self._names, n=1, cutoff=0.8)
        return [(difflib.SequenceMatcher(None, piece, name).ratio(), self._names[name]) for name in matches]


@cache
def glossary() -> Glossary:
    """The glossary of the package, read once."""
    return Glossary(
        Term(
            name=row["name"],
            aliases=tuple(row["aliases"]),
            definition=row["definition"],
            reading=row["reading"],
            related=tuple(row["related"]),
            formula=row.get("formula"),
        )
        for row in table_of("glossary")["term"]
    )


# ------------------------------------------------------------------------------------ phrases of `documents.toml`

_TABLES = table_of("documents")
WORDS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(word.text for word in words_of(text)) for name, text in _TABLES["words"].items()
}


def _phrases(section: str) -> Iterator[tuple[Any, str]]:
    """Each phrase of a table, after its name there."""
    return ((name, " ".join(each.split())) for name, text in _TABLES[section].items() for each in text.split(","))


@dataclass(frozen=True, slots=True)
class DataWord:
    """What a data word asks for, and whether it leaves no doubt."""

    category: Category
    plain: bool


_DATA = Phrases(
    _with_plurals(
        (phrase, DataWord(category, plain=section == "plain"))
        for section in ("plain", "loose")
        for category, phrase in _phrases(section)
    )
)
_KINDS = {
    kind: Phrases(_with_plurals((phrase, kind) for name, phrase in _phrases("kinds") if name == kind))
    for kind in _TABLES["kinds"]
}


@dataclass(frozen=True, slots=True)
class Topics:
    """The words of a question and what is known among them.

    Attributes:
        words: The words and clause marks, companies replaced by `§`.
        data: Data words that are not negated.
        kinds: By name, the phrases that point back, compare, ask for advice, …
        terms: Glossary terms.
    """

    words: Sequence[Word]
    data: Sequence[Hit[DataWord]]
    kinds: Mapping[str, Sequence[Hit[str]]]
    terms: Sequence[Hit[Term]]

    @property
    def negates(self) -> bool:
        """Whether the question excludes something."""
        return any(word.text in WORDS["negation"] for word in self.words) or bool(self.kinds["contrast"])

    @property
    def follows_on(self) -> bool:
        """Whether it starts like `What about …` or `Thanks, and …`."""
        starts = {hit.start for hit in self.kinds["what about"]}
        own = (i for i, word in enumerate(self.words) if word.text not in _BREAKS | WORDS["leads"])
        return next(own, -1) in starts

    @property
    def categories(self) -> tuple[list[Category], bool]:
        """Categories asked for in order of mention, and whether no loose word was needed to tell."""
        plain: list[Category] = [hit.value.category for hit in self.data if hit.value.plain]
        return plain or [hit.value.category for hit in self.data], bool(plain) or not self.data

    def covered(self, fillers: frozenset[str], hits: Iterable[Hit[Any]]) -> bool:
        """Whether every word is a filler, a number, a company or part of one of the hits."""
        known = {i for hit in hits for i in range(hit.start, hit.end)}
        rest = (word.text for i, word in enumerate(self.words) if i not in known and word.text not in _KEPT)
        return all(word[0].isdecimal() or word in fillers for word in rest)


def topics(text: str) -> Topics:
    """Find what is known in a text whose company names are masked.

    Example:
        >>> [hit.words for hit in topics("what is § net margin, not the price").data]
        ['net margin']
    """
    words = tokens(text)
    kinds = {kind: list(phrases.among(words)) for kind, phrases in _KINDS.items()}
    data = [hit for hit in _DATA.among(words) if not _negated(hit, words)]
    return Topics(words, data, kinds, glossary().hits(words))


def _negated(hit: Hit[DataWord], words: Sequence[Word]) -> bool:
    for i in range(hit.start - 1, max(-1, hit.start - 1 - _NEGATION_REACH), -1):
        if words[i].text in _BREAKS or words[i].text == "but":
            return False
        if words[i].text in WORDS["negation"] or _KINDS["contrast"].longest(words, i):
            return words[i + 1].text != "only"
    return False


# -------------------------------------------------------------------------------------------------- small talk

SmallTalk = Literal["help", "thanks", "goodbye", "greeting"]
_MOST_TELLING: Final[tuple[SmallTalk, ...]] = ("help", "goodbye", "thanks")
_LONGEST_SMALL_TALK = 200
_SMALL_TALK = Phrases[SmallTalk](_with_plurals((phrase, kind) for kind, phrase in _phrases("small_talk")))


def small_talk(text: str) -> SmallTalk | None:
    """Which kind of small talk a text is, if it is nothing else. A text without words asks for help.

    Example:
        >>> small_talk("Hello there!"), small_talk("thanks a lot"), small_talk("Hi, what is EBITDA?")
        ('greeting', 'thanks', None)
    """
    if "$" in text or len(text) > _LONGEST_SMALL_TALK:
        return None
    words = [word for word in tokens(text) if not word.mark]
    hits = list(_SMALL_TALK.among(words))
    covered = {i for hit in hits for i in range(hit.start, hit.end)}
    rest = (word.text for i, word in enumerate(words) if i not in covered)
    if any(word not in WORDS["greeting"] and word != "please" for word in rest):
        return None
    if not words:
        return "help"
    found = {hit.value for hit in hits}
    for kind in _MOST_TELLING:
        if kind in found:
            return kind
    return "greeting" if words[0].text in WORDS["greeting_starts"] else None
