"""The glossary: finance and statement terms explained for learners, from `glossary.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from finassist.questions.phrases import Hit, PhraseIndex, words

_WORDS_READ = 200


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
    """Terms, found by any of their names.

    Example:
        >>> [term.name for term in glossary().find("How do gross margin and EBITDA differ?")]
        ['Gross margin', 'EBITDA']
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        self._names = {name.casefold(): term for term in self.terms for name in (term.name, *term.aliases)}
        self._index = PhraseIndex((name, term) for name, term in self._names.items())

    def get(self, name: str) -> Term | None:
        """The term with that name or alias, in any case, or `None`."""
        return self._names.get(name.strip().casefold())

    def find(self, text: str | Sequence[str]) -> list[Term]:
        """The terms a text names, in order, each once. Reads at most 200 words.

        Args:
            text: A text, or its `words` when they are at hand.
        """
        tokens = words(text[:4000]) if isinstance(text, str) else text
        return list(dict.fromkeys(hit.value for hit in self.hits(tokens)))

    def hits(self, tokens: Sequence[str]) -> list[Hit[Term]]:
        """Where the first 200 words of a text name terms."""
        return self._index.find(tokens[:_WORDS_READ])

    def nearest(self, text: str, count: int = 3) -> list[Term]:
        """Up to `count` terms spelt like something in the text, the closest first; often none.

        Example:
            >>> [term.name for term in glossary().nearest("what is ebitdaa", 1)]
            ['EBITDA']
        """
        tokens = words(text[:400])[:20]
        pieces = [" ".join(tokens[i : i + n]) for n in (3, 2, 1) for i in range(len(tokens) - n + 1)]
        found = [name for piece in pieces if len(piece) > 3 for name in self._close(piece)]
        found.sort(key=lambda scored: -scored[0])
        return list(dict.fromkeys(term for _, term in found))[:count]

    def _close(self, piece: str) -> list[tuple[float, Term]]:
        matches = difflib.get_close_matches(piece, self._names, n=1, cutoff=0.8)
        return [(difflib.SequenceMatcher(None, piece, name).ratio(), self._names[name]) for name in matches]


@cache
def glossary() -> Glossary:
    """The glossary of the package, read once."""
    text = resources.files("finassist.questions").joinpath("glossary.toml").read_text(encoding="utf-8")
    return Glossary(
        Term(
            name=entry["name"],
            aliases=tuple(entry["aliases"]),
            definition=entry["definition"],
            reading=entry["reading"],
            related=tuple(entry["related"]),
            formula=entry.get("formula"),
        )
        for entry in tomllib.loads(text)["term"]
    )
