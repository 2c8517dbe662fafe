"""The companies of a question, and the same question with another company in the place of a wrong one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from finassist.symbols.directory import Company, directory

CANDIDATES: Final = 6


@dataclass(frozen=True, slots=True)
class Mention:
    """A company that an answer is about, or a name that could not be placed.

    Attributes:
        symbol: Its ticker; empty where the name could not be placed.
        name: Its name, or the words that could not be placed.
        spans: Where the question names it, `(start, end)`; empty where the conversation did.
        candidates: Companies that may have been meant instead.
    """

    symbol: str
    name: str
    spans: tuple[tuple[int, int], ...] = ()
    candidates: tuple[Company, ...] = ()

    @property
    def label(self) -> str:
        """What a chip shows."""
        return f"{self.symbol} · {self.name}" if self.symbol else f"“{self.name}”: which company?"


def mentions(question: str, symbols: Sequence[str]) -> list[Mention]:
    """A mention for each company of an answer, then one for each name that could not be placed.

    Example:
        >>> found = mentions("Compare Apple and Microsft", ["AAPL"])
        >>> [(each.symbol, each.name, each.spans) for each in found]
        [('AAPL', 'Apple Inc.', ((8, 13),)), ('', 'Microsft', ((18, 26),))]
        >>> found[1].candidates[0].symbol
        'MSFT'
    """
    resolution = directory().resolve(question)
    placed: dict[str, list[tuple[int, int]]] = {symbol: [] for symbol in symbols}
    words: dict[str, str] = {}
    for match in resolution.matches:
        symbol = match.company.symbol
        if symbol in placed:
            placed[symbol].append((match.start, match.end))
            words.setdefault(symbol, match.text)
    found = [_placed(symbol, spans, words.get(symbol, "")) for symbol, spans in placed.items()]
    for missing in resolution.unmatched:
        spans = _spans(question, missing.text)
        found.append(Mention("", missing.text, spans, missing.suggestions))
    return found


def corrected(question: str, mention: Mention, company: Company) -> str:
    """The question asked about `company` instead; where it names none, the company is put behind it.

    Example:
        >>> [apple] = mentions("How did Apple's revenue develop?", ["AAPL"])
        >>> corrected("How did Apple's revenue develop?", apple, directory().lookup("MSFT"))
        "How did $MSFT's revenue develop?"
        >>> corrected("And its cash flow?", Mention("AAPL", "Apple Inc."), directory().lookup("MSFT"))
        'And its cash flow? ($MSFT)'
    """
    ticker = f"${company.symbol}"
    if not mention.spans:
        return f"{question.rstrip()} ({ticker})"
    for start, end in sorted(mention.spans, reverse=True):
        question = question[:start] + ticker + question[end:]
    return question


def searched(query: str, without: str = "") -> list[Company]:
    """Companies for what was typed into the search of a chip."""
    return [each for each in directory().search(query, CANDIDATES + 1) if each.symbol != without][:CANDIDATES]


def _placed(symbol: str, spans: Sequence[tuple[int, int]], words: str) -> Mention:
    company = directory().lookup(symbol)
    name = company.name if company else symbol
    likely = searched(words.lstrip("$") or name.split(",")[0], symbol)
    return Mention(symbol, name, tuple(spans), tuple(likely))


def _spans(question: str, words: str) -> tuple[tuple[int, int], ...]:
    start = question.casefold().find(words.casefold())
    return ((start, start + len(words)),) if start >= 0 else ()
