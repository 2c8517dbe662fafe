"""The directory of US-listed companies: ticker to company, and the door to finding companies in free text.

The list is the SEC's, ordered by size (`files/SOURCES-tickers.md`); it is read once, on first use.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files

from finassist.core.errors import InvalidSymbol
from finassist.symbols.company import Company, Resolution, normalise_symbol
from finassist.symbols.index import NameIndex
from finassist.symbols.resolver import resolve


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
        return resolve(text, self.index)

    @cached_property
    def index(self) -> NameIndex:
        """Companies by name; built on first use."""
        return NameIndex(self.ranked, self.filed)


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


def announce(companies: Iterable[Company]) -> None:
    """Add companies that a provider of your own covers, so that questions may name them; US-listed ones stay.

    Example:
        >>> announce([Company("LEMON", "Lemonade Stand Ltd.", "", "")])
        >>> directory().resolve("What is the revenue of $LEMON?").symbols
        ('LEMON',)
    """
    known = directory()
    with _loading:
        listed = {company.symbol for company in known.ranked if company.cik}
        new = {company.symbol: company for company in companies if company.symbol not in listed}
        if new:  # a company of your own that is covered again may have another name
            kept = [company for company in known.ranked if company.symbol not in new]
            _loaded[0] = SymbolDirectory.of([*kept, *new.values()], known.filed)
