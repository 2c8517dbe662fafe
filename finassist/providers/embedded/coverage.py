"""Which companies are embedded: as members of a universe, and with their market value and periods."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from typing import Any

from finassist.analysis.calendar import Member
from finassist.core.facts import Fact
from finassist.providers.embedded import prices, tables


@cache
def attributes() -> Mapping[str, Member]:
    """Name, industry and sector of each embedded company, and the index.

    Every provider reads industry and sector here.

    Example:
        >>> attributes()["JPM"].industry, attributes()["GOOG"].primary
        ('bank', 'GOOGL')
    """
    return {**tables.companies(), prices.INDEX: Member(prices.INDEX, "S&P 500", primary="none")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One company of the universe.

    Attributes:
        symbol: Ticker.
        name: Name.
        sector: GICS sector, or empty.
        industry: GICS sub-industry, or empty.
        in_sp500: Whether it is a member of the S&P 500.
        primary: The share class that stands for the company.
        first_year: First fiscal year with figures, or `None`.
        last_year: The last one.
        quarters: How many fiscal quarters have figures.
        price: The last close in dollars, or `None`.
        price_day: Its day.
        market_value: Price times shares outstanding in dollars, or `None`.
        shares_as_of: The day the shares were counted; `None` for average diluted shares of a year.
    """

    symbol: str
    name: str
    sector: str
    industry: str
    in_sp500: bool
    primary: str
    first_year: int | None
    last_year: int | None
    quarters: int
    price: float | None
    price_day: date | None
    market_value: float | None
    shares_as_of: date | None


@dataclass(frozen=True, slots=True)
class Universe:
    """The covered companies in alphabetical order of their tickers.

    Example:
        >>> found = universe()
        >>> found["AAPL"].sector, len(found) > 500
        ('Information Technology', True)
    """

    companies: tuple[Covered, ...]

    def __iter__(self) -> Iterator[Covered]:
        return iter(self.companies)

    def __len__(self) -> int:
        return len(self.companies)

    def __getitem__(self, symbol: str) -> Covered:
        return {each.symbol: each for each in self.companies}[symbol]

    def __repr__(self) -> str:
        companies = len({each.primary for each in self})
        return f"<Universe of {companies} companies ({len(self)} symbols); to_frame() lists them>"

    def to_frame(self) -> Any:
        """A pandas frame with a row for each company, indexed by symbol."""
        from finassist.reporting.frames import SCHEMAS, typed

        return typed(map(asdict, self), SCHEMAS["companies"]).set_index("symbol")


def universe() -> Universe:
    """Every embedded company."""
    years, quarters = _periods("annual"), _periods("quarterly")
    last = {fact.symbol: fact for fact in prices.closes_on(prices.last_day())}
    return Universe(
        tuple(
            _covered(record, years[symbol], len(quarters[symbol]), last.get(symbol))
            for symbol, record in sorted(tables.companies().items())
        )
    )


def _covered(record: tables.CompanyRecord, years: set[tuple[int, str]], quarters: int, price: Fact | None) -> Covered:
    close, shares = price.value if price else None, record.shares
    return Covered(
        symbol=record.symbol,
        name=record.name,
        sector=record.sector,
        industry=record.sub_industry,
        in_sp500=record.in_sp500,
        primary=record.primary,
        first_year=min(years)[0] if years else None,
        last_year=max(years)[0] if years else None,
        quarters=quarters,
        price=float(close) if close else None,
        price_day=price.period_end if price else None,
        market_value=float(close * shares) if close and shares else None,
        shares_as_of=record.shares_as_of if close and shares else None,
    )


def _periods(name: str) -> Mapping[str, set[tuple[int, str]]]:
    """The fiscal periods of each company in a table."""
    names = ("symbol", "fiscal_year", "fiscal_period")
    rows = tables.column(name, *names)
    found: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for symbol, year, part in zip(*(tables.plain(rows[column]) for column in names), strict=True):
        found[symbol].add((year, part))
    return found


def summary() -> dict[str, Any]:
    """What is covered, in a few figures."""
    found = universe()
    spans = [(each.first_year, each.last_year) for each in found if each.first_year and each.last_year]
    sectors = Counter(each.sector or "no sector" for each in found if each.first_year)
    days = prices.trading_days()
    return {
        "companies": len(spans),
        "in the S&P 500": sum(each.in_sp500 for each in found if each.first_year),
        "with prices": sum(each.price is not None for each in found),
        "fiscal years": f"{min(first for first, _ in spans)} to {max(last for _, last in spans)}",
        "with 10 years or more": sum(last - first >= 9 for first, last in spans),
        "with 16 quarters or more": sum(each.quarters >= 16 for each in found),
        "prices": f"month ends from 2015, trading days from {days[0]} to {days[-1]}",
        "sectors": "; ".join(f"{name} {count}" for name, count in sectors.most_common()),
    }
