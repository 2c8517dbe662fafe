"""What the embedded data covers: every company with its attributes, market value and periods."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from finassist.core.facts import Fact
from finassist.providers.embedded import prices, tables


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
        years: First and last fiscal year with figures, or `None`.
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
        found = next((each for each in self.companies if each.symbol == symbol), None)
        if found is None:
            raise KeyError(symbol)
        return found

    def to_frame(self) -> Any:
        """A pandas frame with a row for each company, indexed by symbol."""
        from finassist.reporting.frames import companies_frame

        return companies_frame(asdict(each) for each in self)


def universe() -> Universe:
    """Every embedded company."""
    years, quarters = _periods("annual"), _periods("quarterly")
    last = {fact.symbol: fact for fact in prices.closes_across([prices.last_day()])}
    return Universe(tuple(_covered(record, years, quarters, last) for record in _sorted()))


def _sorted() -> Iterator[tables.CompanyRecord]:
    found = tables.companies()
    yield from (found[symbol] for symbol in sorted(found))


def _covered(
    record: tables.CompanyRecord,
    years: Mapping[str, set[tuple[int, str]]],
    quarters: Mapping[str, set[tuple[int, str]]],
    last: Mapping[str, Fact],
) -> Covered:
    own, price = sorted(year for year, _ in years[record.symbol]), last.get(record.symbol)
    shares = prices.cover_shares(record.symbol)
    worth = price.value * shares.value if price and shares and price.value and shares.value else None
    return Covered(
        symbol=record.symbol,
        name=record.name,
        sector=record.sector,
        industry=record.sub_industry,
        in_sp500=record.in_sp500,
        primary=record.primary,
        first_year=own[0] if own else None,
        last_year=own[-1] if own else None,
        quarters=len(quarters[record.symbol]),
        price=float(price.value) if price and price.value else None,
        price_day=price.period_end if price else None,
        market_value=float(worth) if worth else None,
        shares_as_of=record.shares_as_of if worth else None,
    )


def _periods(name: str) -> Mapping[str, set[tuple[int, str]]]:
    rows = tables.column(name, "symbol", "fiscal_year", "fiscal_period")
    found: dict[str, set[tuple[int, str]]] = defaultdict(set)
    columns = (tables.plain(rows[column]) for column in ("symbol", "fiscal_year", "fiscal_period"))
    for symbol, year, part in zip(*columns, strict=True):
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
