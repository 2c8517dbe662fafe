"""Ratios, growth and price multiples: pure functions from facts to derived facts.

Each derived `Fact` names its formula (in field names) and the facts it rests on. Where a figure cannot be
computed the fact says why: `missing` names the input that is absent, `not_meaningful` the base that is zero
or negative. Balance-sheet ratios use the year-end figure, not an average, so that a single year is enough.

Money paid out (`capex`, `dividends_paid`, `buybacks`) is positive by convention. A source that reports it
as a negative cash flow means the same spending, so its magnitude is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, localcontext

from finassist.analysis.basis import not_comparable, other_shares
from finassist.analysis.statements import (
    ARITHMETIC,
    UNREPORTED_ZERO,
    CompanyFacts,
    Ratio,
    absent,
    amount,
    day_of,
    line,
    quotient,
    report_ratios,
    unreported_zero,
    words,
    year_before,
)
from finassist.core.facts import Fact, FactBook, Status
from finassist.core.formatting import ABSENCE

# Revenue less cost of revenue is a gross profit only where cost of revenue holds the bulk of the costs: an
# insurer's claims or an oil company's production costs stand on other lines, and it would look too good.
LARGEST_GROSS_TO_OPERATING_GAP = Decimal("0.5")


def derive(book: FactBook, symbol: str) -> list[Fact]:
    """Everything that can be computed about one company from the facts at hand.

    Args:
        book: Facts of one or more companies.
        symbol: The company.

    Returns:
        Derived lines (`free_cash_flow`, …), ratios and growth rates for every fiscal year, then price
        multiples on the date of the newest price. A ratio that no year has the inputs for is left out; where
        only some years lack them, those years are `missing` with a note. A line that the book has is not computed.

    Example:
        >>> from decimal import Decimal
        >>> def fact(field, value):
        ...     return Fact(symbol="ACME", field=field, value=Decimal(value), unit="USD", currency="USD",
        ...                 period="FY2025", statement="income")
        >>> [margin] = derive(FactBook([fact("revenue", 400), fact("net_income", 100)]), "ACME")
        >>> margin.field, margin.value, margin.formula
        ('net_margin', Decimal('0.25'), 'net_income / revenue')
    """
    data = CompanyFacts(book, symbol)
    with localcontext(ARITHMETIC):
        derived = data.keep(_lines(data))
        for ratio in report_ratios().values():
            if ratio.kind != "price":
                derived += data.keep(_by_year(data, ratio))
        return derived + data.keep(_on_price_day(data))


def _lines(data: CompanyFacts) -> Iterable[Fact]:
    for period in data.years:
        for make in (_gross_profit, _total_liabilities, _free_cash_flow):
            if (fact := make(data, period)) is not None:
                yield fact


def _gross_profit(data: CompanyFacts, period: str) -> Fact | None:
    if data.usable("gross_profit", period):
        return None
    found = data.all_usable(period, "revenue", "cost_of_revenue", "operating_income")
    if found is None:
        return None
    revenue, cost, operating = found
    gross = amount(revenue) - amount(cost)
    gap = gross - amount(operating)
    if amount(revenue) <= 0 or gap > LARGEST_GROSS_TO_OPERATING_GAP * amount(revenue):
        return None
    note = "no gross profit line is reported"
    return line("gross_profit", "revenue - cost_of_revenue", gross, (revenue, cost), note)


def _total_liabilities(data: CompanyFacts, period: str) -> Fact | None:
    if data.usable("total_liabilities", period):
        return None
    minorities = any(fact.known for (field, _), fact in data.facts.items() if field in _MINORITIES)
    for terms, note in _LIABILITY_FORMULAS[: 2 if minorities else None]:
        found = data.all_usable(period, *terms)
        if found is not None:
            value = amount(found[0]) - sum((amount(f) for f in found[1:]), Decimal(0))
            return line("total_liabilities", " - ".join(terms), value, found, note)
    return None


_MINORITIES = ("equity_incl_nci", "noncontrolling_interest")
_NO_TOTAL = "no total of liabilities is reported"
_LIABILITY_FORMULAS = (
    (("total_assets", "equity_incl_nci"), _NO_TOTAL),
    (("total_assets", "equity", "noncontrolling_interest"), _NO_TOTAL),
    (("total_assets", "equity"), f"{_NO_TOTAL}; minority interests, if any, count as liabilities here"),
)


def _free_cash_flow(data: CompanyFacts, period: str) -> Fact | None:
    found = data.all_usable(period, "operating_cash_flow", "capex")
    if found is None or data.usable("free_cash_flow", period):
        return None
    value = amount(found[0]) - amount(found[1])
    return line("free_cash_flow", "operating_cash_flow - capex", value, found, None)


def _by_year(data: CompanyFacts, ratio: Ratio) -> list[Fact]:
    made = [_ratio_of_year(data, ratio, period) for period in data.years]
    return made if any(fact.known or fact.status == "not_meaningful" for fact in made) else []


def _ratio_of_year(data: CompanyFacts, ratio: Ratio, period: str) -> Fact:
    below = year_before(period) if ratio.kind == "growth" else period
    top, bottom = data.usable(ratio.top, period), data.usable(ratio.bottom, below)
    end = data.year_ends.get(period)
    if top is None:
        return absent(data.symbol, ratio, period, end, _absence(data, ratio.top, period, period))
    if bottom is None:
        return absent(data.symbol, ratio, period, end, _absence(data, ratio.bottom, below, period))
    obstacle = not_comparable(top, bottom) or None if ratio.kind == "growth" else None
    return quotient(ratio, top, bottom, period, obstacle=obstacle)


def _on_price_day(data: CompanyFacts) -> Iterable[Fact]:
    price = data.newest_price()
    if price is None:
        return
    yield from data.keep(_day_change(data, price))
    ended = [y for y in data.years if data.year_ends.get(y, date.min) <= day_of(price)]
    if not ended:
        return
    year = ended[-1]
    yield from data.keep(_market_cap(data, price, year))
    for ratio in report_ratios().values():
        if ratio.kind == "price" and (fact := _multiple(data, ratio, price, year)) is not None:
            yield fact


def _day_change(data: CompanyFacts, price: Fact) -> Iterable[Fact]:
    previous = data.usable("previous_close", price.period)
    if previous is None or amount(previous) <= 0:
        return
    now, before, inputs = amount(price), amount(previous), (price, previous)
    if not data.usable("change", price.period):
        yield line("change", "price - previous_close", now - before, inputs, None)
    if not data.usable("change_percent", price.period):
        yield line("change_percent", "price / previous_close - 1", now / before - 1, inputs, None)


def _market_cap(data: CompanyFacts, price: Fact, year: str) -> Iterable[Fact]:
    shares = data.usable("shares_diluted", year)
    if shares is None or data.usable("market_cap", price.period):
        return
    note = f"approximate, from the average diluted shares of {year} and not the shares of the day"
    value = amount(price) * amount(shares)
    yield line("market_cap", "price * shares_diluted", value, (price, shares), note)


_OF_THE_DAY = ("price", "market_cap")


def _multiple(data: CompanyFacts, ratio: Ratio, price: Fact, year: str) -> Fact | None:
    periods = [price.period if field in _OF_THE_DAY else year for field in (ratio.top, ratio.bottom)]
    top, bottom = data.usable(ratio.top, periods[0]), data.usable(ratio.bottom, periods[1])
    day = day_of(price)
    if top is None or bottom is None:
        lacking = ratio.top if top is None else ratio.bottom
        ever = any(fact.field == lacking and fact.known for fact in data.facts.values())
        if lacking in _OF_THE_DAY or not ever:
            return None
        return absent(data.symbol, ratio, price.period, day, _absence(data, lacking, year, price.period))
    if odd := _share_basis(data, price, year, top, bottom):
        return absent(data.symbol, ratio, price.period, day, ("not_meaningful", odd))
    figure = ratio.top if bottom is price else ratio.bottom
    used = f"price of {day.isoformat()}, {words(figure)} of {year}"
    return quotient(ratio, top, bottom, price.period, day=day, note=used)


def _share_basis(data: CompanyFacts, price: Fact, year: str, *inputs: Fact) -> str | None:
    """Why a price and a figure per share among the inputs do not belong together."""
    per_share = any(fact is not price and fact.unit.endswith("/share") for fact in inputs)
    if not per_share or price not in inputs:
        return None
    return other_shares(price, data.usable("market_cap", price.period), data.usable("shares_diluted", year)) or None


def _absence(data: CompanyFacts, field: str, period: str, asked: str) -> tuple[Status, str]:
    """Why a line cannot be used, as a status and in words."""
    fact = data.facts.get((field, period))
    when = "" if period == asked else f" for {period}"
    if fact is not None and unreported_zero(fact):
        return "missing", f"{words(field)}{when}: {UNREPORTED_ZERO}, the source does not say which"
    if period not in data.years:
        return "missing", f"{period} is not in the data"
    status = fact.status if fact is not None and not fact.known and fact.status != "error" else "missing"
    return status, f"{words(field)}{when} {ABSENCE[status]}"
