"""Companies by name: exact, without legal form, by beginning, and by similarity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from heapq import nlargest

from finassist.core.errors import InvalidSymbol
from finassist.symbols.company import Company, How, normalise_symbol
from finassist.symbols.names import key, name_words, stripped_forms
from finassist.symbols.vocabulary import aliases, ordinary_words

_OPEN_ENDS = frozenset({"and", "of", "the", "de", "for"})
_CLOSE = 0.75
WELL_SIZED = 2_000
"""Companies up to this rank are asked about; beyond it a chance likeness is the better explanation."""


@dataclass(slots=True)
class Named:
    """What a key stands for.

    Attributes:
        rank: Place of the company in the directory; the largest company of that name wins.
        how: Which form of the name the key is.
        words: How many words the form has.
        shared: Whether another company of some size has a name of the same form, or any one the same beginning.
    """

    rank: int
    how: How
    words: int
    shared: bool = False


class NameIndex:
    """Dictionaries from keys to companies. Built once; every look-up is a few dictionary reads."""

    def __init__(self, ranked: Sequence[Company], filed: Mapping[str, str]) -> None:
        self._ranked = ranked
        self.by_symbol = {company.symbol: rank for rank, company in enumerate(ranked)}
        self.full: dict[str, Named] = {}
        self.beginnings: dict[str, Named] = {}
        self.known_as: dict[str, Named] = {}
        for rank, company in self._one_line_each():
            self._add(name_words(company.name), rank, "exact")
            if company.symbol in filed:
                self._add(name_words(filed[company.symbol]), rank, "inverted")
        for name, (symbol, words) in aliases().items():
            if symbol in self.by_symbol:
                self.known_as[name] = Named(self.by_symbol[symbol], "alias", words)

    def _one_line_each(self) -> Iterator[tuple[int, Company]]:
        seen: set[str] = set()
        for rank, company in enumerate(self._ranked):
            if company.cik not in seen:
                seen.add(company.cik)
                yield rank, company

    def _add(self, words: list[str], rank: int, how: How) -> None:
        forms = stripped_forms(words)
        for form in forms:
            self._put(self.full, key(form), Named(rank, how, len(form)))
            how = "stripped" if how == "exact" else how
        begun = ""
        for size, word in enumerate(forms[-1][:-1], 1):
            begun += key((word,))
            if word not in _OPEN_ENDS:
                self._put(self.beginnings, begun, Named(rank, "prefix", size))

    @staticmethod
    def _put(names: dict[str, Named], name: str, entry: Named) -> None:
        first = names.setdefault(name, entry)
        if first.rank != entry.rank and (entry.how == "prefix" or entry.rank < WELL_SIZED):
            first.shared = True

    def find(self, name: str) -> Named | None:
        """The company with that key: by alias, then full or stripped name, then beginning."""
        return self.known_as.get(name) or self.full.get(name) or self.beginnings.get(name)

    def lookup(self, symbol: str) -> Company | None:
        """The company with that ticker; `None` when there is none or it cannot be a ticker."""
        try:
            rank = self.by_symbol.get(normalise_symbol(symbol))
        except InvalidSymbol:
            return None
        return None if rank is None else self._ranked[rank]

    def company(self, entry: Named) -> Company:
        """The company an entry stands for."""
        return self._ranked[entry.rank]

    def search(self, query: str, limit: int) -> list[Company]:
        """Ticker prefix, name prefix, similar names; by size within each."""
        typed = query.strip().lstrip("$").upper()[:60].replace(".", "-")
        name = key(name_words(query[:60]))
        if not name:
            return []
        exact = [self.by_symbol[typed]] if typed in self.by_symbol else []
        known = [named.rank] if (named := self.find(name)) else []
        by_ticker = [rank for symbol, rank in self.by_symbol.items() if symbol.startswith(typed)]
        by_name = [rank for short, rank in self._short.items() if short.startswith(name)]
        ranks = dict.fromkeys([*exact, *known, *sorted({*by_ticker[:limit], *by_name[:limit]})])
        found = [self._ranked[rank] for rank in ranks][:limit]
        if len(found) < limit:
            found += [c for c in self.suggest(query, limit) if c not in found]
        return found[:limit]

    def suggest(self, name: str, limit: int) -> list[Company]:
        """Companies whose name, alias or first word is spelled much like this, most likely first."""
        wanted = key(name_words(name[:40]))
        scored: dict[int, float] = {}
        for candidate in self._similar(wanted):
            alike = SequenceMatcher(None, wanted, candidate, autojunk=False).ratio()
            rank = self._short[candidate]
            if alike >= _CLOSE:
                scored[rank] = max(scored.get(rank, 0.0), alike - 0.025 * math.log10(rank + 1))
        best = sorted(scored, key=lambda rank: (-scored[rank], rank))[:limit]
        return [self._ranked[rank] for rank in best]

    def _similar(self, wanted: str) -> list[str]:
        """The few keys that share most pairs of letters with this one; rare pairs decide, common ones cost time."""
        pairs = sorted((self._by_pair.get(pair, []) for pair in _pairs(wanted)), key=len)
        common = Counter(short for holders in pairs[:8] for short in holders)
        near = ((2 * hits / (len(wanted) + len(short) + 2), short) for short, hits in common.items() if hits > 1)
        return [short for _, short in nlargest(25, near)]

    @cached_property
    def _short(self) -> dict[str, int]:
        """Keys that people are likely to type, to ranks: aliases, stripped names, telling first words."""
        short = {name: entry.rank for name, entry in self.known_as.items()}
        ordinary = ordinary_words()
        for rank, company in self._one_line_each():
            form = stripped_forms(name_words(company.name))[-1]
            short.setdefault(key(form), rank)
            if form and form[0] not in ordinary and len(form[0]) > 3:
                short.setdefault(form[0], rank)
        return short

    @cached_property
    def _by_pair(self) -> dict[str, list[str]]:
        pairs: dict[str, list[str]] = {}
        for short in self._short:
            for pair in _pairs(short):
                pairs.setdefault(pair, []).append(short)
        return pairs


def _pairs(name: str) -> set[str]:
    edged = f"^{name}$"
    return {edged[i : i + 2] for i in range(len(edged) - 1)}
