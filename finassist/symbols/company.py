"""Companies, and what a text says about them: values only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from finassist.core.errors import InvalidSymbol

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
