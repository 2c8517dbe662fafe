"""What is embedded for a symbol, and the error that says so when it is not."""

from __future__ import annotations

from finassist.core.errors import DataError, NotEmbedded, UnknownSymbol
from finassist.providers.embedded import figures, prices
from finassist.symbols.directory import Company, directory, normalise_symbol

LIVE = 'For live data set FMP_API_KEY and use provider="fmp".'


def need_symbol(text: str) -> str:
    """The ticker, when anything at all is embedded for it.

    Example:
        >>> need_symbol("brk.b")
        'BRK-B'
        >>> need_symbol("F")
        Traceback (most recent call last):
        ...
        finassist.core.errors.NotEmbedded: F (Ford Motor Co.) is not in the embedded set. ...
    """
    symbol = normalise_symbol(text)
    if symbol in figures.symbols() or symbol in prices.symbols():
        return symbol
    raise _not_there(symbol)


def need_annual(text: str) -> figures.Annual:
    """The annual figures of a company.

    Raises:
        NotEmbedded: There are none; the message says which companies have some.
        UnknownSymbol: No US ticker has this name.
    """
    symbol = need_symbol(text)
    found = figures.annual(symbol)
    if found is None:
        other = _other_class(symbol)
        hint = f"Its statements are under {other}." if other else f"{_companies()} {LIVE}"
        raise NotEmbedded(f"{_named(symbol)} has prices in the embedded set, but no statements. {hint}")
    return found


def need_prices(text: str) -> str:
    """The ticker, when prices are embedded for it.

    Raises:
        NotEmbedded: There are none.
        UnknownSymbol: No US ticker has this name.
    """
    symbol = need_symbol(text)
    if symbol not in prices.symbols():
        raise NotEmbedded(f"{_named(symbol)} has statements in the embedded set, but no prices. {LIVE}")
    return symbol


def _not_there(symbol: str) -> DataError:
    if directory().lookup(symbol) is not None:
        return NotEmbedded(f"{_named(symbol)} is not in the embedded set. {_companies()} {LIVE}")
    similar = [company.symbol for company in directory().suggest(symbol)]
    hint = f"Did you mean {' or '.join(similar)}?" if similar else "Search for the company by its name."
    return UnknownSymbol(f"No US ticker is called {symbol}. {hint}")


def _companies() -> str:
    return f"Embedded are: {', '.join(figures.symbols())}."


def _named(symbol: str) -> str:
    company = directory().lookup(symbol)
    return f"{symbol} ({company.name})" if company else symbol


def _other_class(symbol: str) -> str | None:
    """The ticker of another share class of the same company that has statements."""
    company = directory().lookup(symbol)
    lookups: list[Company | None] = [directory().lookup(other) for other in figures.symbols()]
    return next((c.symbol for c in lookups if company and c and c.cik == company.cik), None)
