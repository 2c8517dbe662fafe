"""The directory of US-listed companies: ticker to company, and the door to finding companies in free text.

The list is the SEC's, ordered by size (`files/SOURCES-tickers.md`); it is read once, on first use.
"""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from finassist.core.errors import InvalidSymbol

if TYPE_CHECKING:
    from finassist.symbols.index import NameIndex

How = Literal["ticker", "exact", "alias", "stripped", "prefix", "initials", "inverted"]
Reason = Literal["unknown", "delisted", "ambiguous"]

_SYMBOL = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,8}[A-Z0-9])?")


@dataclass(frozen=True, slots=True)
class Company:
    """One line of the directory.

    Attributes:
        symbol: Ticker, share classes with a dash (`BRK-B`).
        name: Display name.
        exchange: `NYSE`, `Nasdaq`, `OTC`, `CBOE` or empty.
        cik: SEC's number of the filer, ten digits.
    """

    symbol: str
    name: str
    exchange: str
    cik: str


@dataclass(frozen=True, slots=True)
class Match:
    """A company found in a text.

    Attributes:
        company: The company.
        text: The words that name it, `source[start:end]`.
        start: Where they begin.
        end: Where they end.
        how: Which rule found it.
        certain: Whether no other reading is reasonable: a marked ticker, an alias, a full name.
    """

    company: Company
    text: str
    start: int
    end: int
    how: How
    certain: bool


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Something that reads like a company and is not in the directory, or not surely.

    Attributes:
        text: The words.
        reason: `unknown`, `delisted` (also: never listed) or `ambiguous`.
        message: One sentence for the person, ending with what to do next.
        suggestions: Companies that may have been meant; never used without asking.
    """

    text: str
    reason: Reason
    message: str
    suggestions: tuple[Company, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a text says about companies.

    Attributes:
        matches: Companies in order of mention, without overlaps.
        unmatched: Mentions that could not be placed.
    """

    matches: tuple[Match, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Tickers in order of mention, each once."""
        return tuple(dict.fromkeys(match.company.symbol for match in self.matches))

    @property
    def certain(self) -> bool:
        """Whether every mention was placed beyond doubt, and there was one."""
        return bool(self.matches) and not self.unmatched and all(match.certain for match in self.matches)


@dataclass(frozen=True, eq=False)
class SymbolDirectory:
    """Companies by ticker and by name. Immutable; safe to share between threads.

    Example:
        >>> directory().lookup("brk.b").name
        'Berkshire Hathaway Inc.'
        >>> directory().resolve("Compare Apple and Microsoft").symbols
        ('AAPL', 'MSFT')
    """

    ranked: tuple[Company, ...] = field(repr=False)
    by_symbol: dict[str, int] = field(repr=False)
    filed: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, companies: Iterable[Company], filed: Mapping[str, str] | None = None) -> SymbolDirectory:
        """A directory of these companies, largest first, with the names that are filed in another order."""
        ranked = tuple(companies)
        by_symbol = {company.symbol: rank for rank, company in enumerate(ranked)}
        return cls(ranked, by_symbol, dict(filed or {}))

    def __len__(self) -> int:
        return len(self.ranked)

    def companies(self) -> Iterator[Company]:
        """Every line, largest company first."""
        return iter(self.ranked)

    def lookup(self, symbol: str) -> Company | None:
        """The company with that ticker; `None` when there is none or it cannot be a ticker.

        Example:
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
            >>> [company.symbol for company in directory().search("micros", limit=2)]
            ['MSFT', 'MSTR']
        """
        return self.index.search(query, limit)

    def suggest(self, name: str, limit: int = 3) -> list[Company]:
        """Companies with a similar name, for "did you mean"; never an answer by itself.

        Example:
            >>> [company.symbol for company in directory().suggest("Microsft", limit=1)]
            ['MSFT']
        """
        return self.index.suggest(name, limit)

    def resolve(self, text: str) -> Resolution:
        """The companies a text names.

        Example:
            >>> found = directory().resolve("Is Target's price target fair?")
            >>> [(match.company.symbol, match.text) for match in found.matches]
            [('TGT', 'Target')]
        """
        from finassist.symbols.resolver import resolve

        return resolve(text, self)

    @cached_property
    def index(self) -> NameIndex:
        """Companies by name; built on first use."""
        from finassist.symbols.index import NameIndex

        return NameIndex(self.ranked, self.filed)


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


def _read() -> SymbolDirectory:
    packed = (files("finassist.symbols") / "files" / "tickers.tsv.gz").read_bytes()
    filed: dict[str, str] = {}
    companies: list[Company] = []
    for line in gzip.decompress(packed).decode().split("\n"):
        symbol, exchange, cik, name, *other = line.split("\t")
        companies.append(Company(symbol, name, exchange, cik.zfill(10)))
        if other:
            filed[symbol] = other[0]
    return SymbolDirectory.of(companies, filed)


_loading = threading.Lock()
_loaded: list[SymbolDirectory] = []


def directory() -> SymbolDirectory:
    """The embedded directory, read once per process.

    Example:
        >>> len(directory()) > 10_000
        True
    """
    if not _loaded:
        with _loading:
            if not _loaded:
                _loaded.append(_read())
    return _loaded[0]
