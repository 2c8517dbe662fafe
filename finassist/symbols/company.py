"""Companies, what a text says about them, and the index that finds them by name."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from heapq import nlargest
from typing import Literal

from msgspec import Struct

from finassist.core.errors import InvalidSymbol
from finassist.symbols.names import (
    ABBREVIATIONS,
    DELISTED,
    DELISTED_TICKERS,
    Marked,
    aliases,
    key,
    name_words,
    ordinary_words,
    stripped_forms,
)

How = Literal["ticker", "exact", "alias", "stripped", "prefix", "initials", "inverted"]
Reason = Literal["unknown", "delisted", "ambiguous"]

_SYMBOL = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,8}[A-Z0-9])?")


class Company(Struct, frozen=True, gc=False):  # there are thousands, and none refers to another
    """One line of the directory."""

    symbol: str  # ticker, share classes with a dash (`BRK-B`)
    name: str
    exchange: str  # `NYSE`, `Nasdaq`, `OTC`, `CBOE` or empty
    cik: str  # SEC's number of the filer, ten digits


@dataclass(frozen=True, slots=True)
class Match:
    """A company found in a text."""

    company: Company
    text: str  # the words that name it, `source[start:end]`
    start: int  # where they begin
    end: int  # where they end
    how: How  # which rule found it
    certain: bool  # whether no other reading is reasonable: a marked ticker, an alias, a full name


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Something that reads like a company and is not in the directory, or not surely."""

    text: str
    reason: Reason  # `unknown`, `delisted` (also: never listed) or `ambiguous`
    message: str  # one sentence for the person, ending with what to do next
    suggestions: tuple[Company, ...] = ()  # companies that may have been meant; never used without asking


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a text says about companies."""

    matches: tuple[Match, ...] = ()  # companies in order of mention, without overlaps
    unmatched: tuple[Unmatched, ...] = ()  # mentions that could not be placed

    @property
    def symbols(self) -> tuple[str, ...]:
        """Tickers in order of mention, each once."""
        return tuple(dict.fromkeys(match.company.symbol for match in self.matches))

    @property
    def certain(self) -> bool:
        """Whether every mention was placed beyond doubt, and there was one."""
        return bool(self.matches) and not self.unmatched and all(match.certain for match in self.matches)


ASK = "Check the spelling, or give the ticker."


def missing_ticker(marked: Marked) -> Unmatched | None:
    """The message about a marked ticker that is not listed; `None` if it may be no ticker at all."""
    symbol = marked.symbol.upper()
    if name := DELISTED_TICKERS.get(symbol):
        return gone(marked.symbol, name, DELISTED[name])
    if not marked.insisted or symbol.lower() in ABBREVIATIONS:
        return None
    return Unmatched(symbol, "unknown", f"No company with the ticker {symbol} is in the directory. {ASK}")


_FATES = {
    "private": "{} is privately owned and has no ticker in the directory; ask about a listed company instead.",
    "foreign": "{} is listed abroad and not in the directory of US tickers; ask about a US-listed company instead.",
}


def gone(text: str, name: str, fate: str) -> Unmatched:
    """The message about a company that has no ticker; `fate` says why, as in `names.not_listed`."""
    if fate in _FATES:
        return Unmatched(text, "unknown", _FATES[fate].format(name))
    message = f"{name} is no longer listed: it {fate}; ask about a company that is listed today."
    return Unmatched(text, "delisted", message)


def normalise_symbol(text: str) -> str:
    """A ticker in the directory's form.

    Example:
        >>> normalise_symbol("$brk.b"), normalise_symbol(" aapl ")
        ('BRK-B', 'AAPL')

    Raises:
        InvalidSymbol: for anything no exchange would list, such as `../../x`.
    """
    symbol = text.strip().removeprefix("$").upper().replace(".", "-").replace("/", "-")
    if not symbol.isascii() or not _SYMBOL.fullmatch(symbol):
        shown = repr(text[:40])
        raise InvalidSymbol(
            f"{shown} is not a ticker symbol. Use letters, digits, a dot or a dash, such as AAPL or BRK.B."
        )
    return symbol


_OPEN_ENDS = frozenset({"and", "of", "the", "de", "for"})
_CLOSE = 0.75
WELL_SIZED = 2_000
"""Companies up to this rank are asked about; beyond it a chance likeness is the better explanation."""


class Named(Struct, gc=False):
    """What a key stands for."""

    rank: int  # place of the company in the directory; the largest company of that name wins
    how: How  # which form of the name the key is
    words: int
    shared: bool = False  # whether another company of some size has such a name, or any one the same beginning


class NameIndex:
    """Companies by ticker and by name, largest first; the tables of names are built on first use.

    `filed` has, by ticker, names that are filed in another order.
    """

    def __init__(self, companies: Iterable[Company], filed: Mapping[str, str] | None = None) -> None:
        self.ranked = tuple(companies)
        self.filed = dict(filed or {})
        self.by_symbol = {company.symbol: rank for rank, company in enumerate(self.ranked)}

    @property
    def full(self) -> dict[str, Named]:
        """Companies by their whole name, and by that without its legal form."""
        return self._names[0]

    @property
    def beginnings(self) -> dict[str, Named]:
        """Companies by the first words of their name."""
        return self._names[1]

    @cached_property
    def _names(self) -> tuple[dict[str, Named], dict[str, Named]]:
        full: dict[str, Named] = {}
        beginnings: dict[str, Named] = {}
        for rank, how, forms in self._forms():
            for place, form in enumerate(forms):
                _put(full, key(form), Named(rank, "stripped" if place and how == "exact" else how, len(form)))
            begun = ""
            for size, word in enumerate(forms[-1][:-1], 1):
                begun += key((word,))
                if word not in _OPEN_ENDS:
                    _put(beginnings, begun, Named(rank, "prefix", size))
        return full, beginnings

    @cached_property
    def known_as(self) -> dict[str, Named]:
        """Companies by alias."""
        return {
            name: Named(self.by_symbol[symbol], "alias", words)
            for name, (symbol, words) in aliases().items()
            if symbol in self.by_symbol
        }

    def _forms(self) -> Iterator[tuple[int, How, list[list[str]]]]:
        """Rank and names of each company, as shown and as filed, each with its shorter forms."""
        for rank, company in self._one_line_each():
            yield rank, "exact", stripped_forms(name_words(company.name))
            if company.symbol in self.filed:
                yield rank, "inverted", stripped_forms(name_words(self.filed[company.symbol]))

    def _one_line_each(self) -> Iterator[tuple[int, Company]]:
        seen: set[str] = set()
        for rank, company in enumerate(self.ranked):
            if company.cik not in seen:
                seen.add(company.cik)
                yield rank, company

    def named(self, name: str) -> Named | None:
        """The company with that key, by alias, then by full or stripped name."""
        return self.known_as.get(name) or self.full.get(name)

    def company(self, entry: Named) -> Company:
        """The company an entry stands for."""
        return self.ranked[entry.rank]

    def lookup(self, symbol: str) -> Company | None:
        """The company with that ticker; `None` when there is none or it cannot be a ticker.

        Example:
            >>> from finassist.symbols import directory
            >>> directory().lookup("$TSLA").name, directory().lookup("../../x")
            ('Tesla, Inc.', None)
        """
        try:
            rank = self.by_symbol.get(normalise_symbol(symbol))
        except InvalidSymbol:
            return None
        return None if rank is None else self.ranked[rank]

    def search(self, query: str, limit: int = 5) -> list[Company]:
        """Companies for a search box: ticker, then name, then similar names; by size within each.

        Example:
            >>> from finassist.symbols import directory
            >>> [company.symbol for company in directory().search("micros", limit=2)]
            ['MSFT', 'MSTR']
        """
        typed = query.strip().lstrip("$").upper()[:60].replace(".", "-")
        name = key(name_words(query[:60]))
        if not name:
            return []
        exact = [self.by_symbol[typed]] if typed in self.by_symbol else []
        named = self.named(name) or self.beginnings.get(name)
        known = [named.rank] if named else []
        by_ticker = [rank for symbol, rank in self.by_symbol.items() if symbol.startswith(typed)]
        by_name = [rank for short, rank in self._short.items() if short.startswith(name)]
        ranks = dict.fromkeys([*exact, *known, *sorted({*by_ticker[:limit], *by_name[:limit]})])
        found = [self.ranked[rank] for rank in ranks][:limit]
        if len(found) < limit:
            found += [c for c in self.suggest(query, limit) if c not in found]
        return found[:limit]

    def suggest(self, name: str, limit: int = 3) -> list[Company]:
        """Companies with a similar name, alias or first word, for "did you mean"; never an answer by itself.

        Example:
            >>> from finassist.symbols import directory
            >>> [company.symbol for company in directory().suggest("Microsft", limit=1)]
            ['MSFT']
        """
        wanted = key(name_words(name[:40]))
        scored: dict[int, float] = {}
        for candidate in self._similar(wanted):
            alike = SequenceMatcher(None, wanted, candidate, autojunk=False).ratio()
            rank = self._short[candidate]
            if alike >= _CLOSE:
                scored[rank] = max(scored.get(rank, 0.0), alike - 0.025 * math.log10(rank + 1))
        best = sorted(scored, key=lambda rank: (-scored[rank], rank))[:limit]
        return [self.ranked[rank] for rank in best]

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


def _put(names: dict[str, Named], name: str, entry: Named) -> None:
    """The largest company of a name has it; another one of some size makes it a shared name."""
    first = names.setdefault(name, entry)
    if first.rank != entry.rank and (entry.how == "prefix" or entry.rank < WELL_SIZED):
        first.shared = True


def _pairs(name: str) -> set[str]:
    edged = f"^{name}$"
    return {edged[i : i + 2] for i in range(len(edged) - 1)}
