"""Where the figures of a document come from: each filing once, with its number and its address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from finassist.core.facts import Fact
from finassist.reporting.company import Reference, of_source, taken
from finassist.reporting.proof import filing_url
from finassist.reporting.tables import Cell, Table

_MOST = 4
"""Numbers over one column."""


type References = Mapping[tuple[str, str, str], Reference]
"""References by source, filing and company."""


def references(facts: Iterable[Fact], filers: Mapping[str, str]) -> References:
    """The sources of facts, numbered in the order of their list; `filers` are the SEC's numbers of the companies."""
    found: dict[tuple[str, str, str], Reference] = {}
    for number, ((source, filing), own) in enumerate(taken(facts).items(), 1):
        what = "; ".join(f"{symbol} {words}" for symbol, words in own)
        name = f"{source} (accession {filing})" if filing else source
        each = Reference(number, name, what, _url(filing, own, filers))
        for symbol, _ in own:
            found[source, filing, symbol] = each
            found.setdefault((source, "", symbol), each)
    return found


def _url(filing: str, own: Iterable[tuple[str, str]], filers: Mapping[str, str]) -> str:
    return next((url for symbol, _ in own if (url := filing_url(filing, filers.get(symbol, "")))), "")


def referenced(table: Table, known: References) -> Table:
    """The table with the references of each column."""
    columns = zip(*(row.cells for row in table.rows), strict=True)
    each = tuple(tuple(sorted(set(_of_column(cells, known)))[:_MOST]) for cells in columns)
    return replace(table, references=each)


def _of_column(cells: Iterable[Cell], known: References) -> Iterator[Reference]:
    for fact in (cell.fact for cell in cells):
        if fact and of_source(fact) and (found := known.get((fact.source, fact.filing or "", fact.symbol))):
            yield found
