"""Ratios, growth and price multiples: pure functions from facts to derived facts.

Each derived `Fact` names its formula (in field names) and the facts it rests on. Where a figure cannot be
computed the fact says why: `missing` names the input that is absent, `not_meaningful` the base that is zero
or negative. Balance-sheet ratios use the year-end figure, not an average, so that a single year is enough.

Money paid out (`capex`, `dividends_paid`, `buybacks`) is positive by convention. A source that reports it
as a negative cash flow means the same spending, so its magnitude is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Context, Decimal, localcontext
from functools import lru_cache

from finassist.analysis.statements import (
    NOT_COMPARABLE,
    UNREPORTED_ZERO,
    CompanyFacts,
    Ratio,
    amount,
    currencies_apart,
    day_of,
    nearest_cover,
    not_comparable,
    other_shares,
    report_ratios,
    unreported_zero,
    words,
    year_before,
)
from finassist.core.facts import FIELDS, Fact, FactBook, Status
from finassist.core.formatting import ABSENCE

# 18 significant digits hold the market value of any company to the cent, and keep a stored ratio short.
ARITHMETIC = Context(prec=18)

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


def _lines(data: CompanyFacts) -> Iterator[Fact]:
    makers = {
        "gross_profit": _gross_profit,
        "total_liabilities": _total_liabilities,
        "free_cash_flow": _free_cash_flow,
    }
    for period in data.years:
        for name, make in makers.items():
            if not data.usable(name, period) and (fact := make(data, period)) is not None:
                yield fact


def _gross_profit(data: CompanyFacts, period: str) -> Fact | None:
    found = data.all_usable(period, "revenue", "cost_of_revenue", "operating_income")
    if found is None:
        return None
    revenue, cost, operating = map(amount, found)
    gross = revenue - cost
    if revenue <= 0 or gross - operating > LARGEST_GROSS_TO_OPERATING_GAP * revenue:
        return None
    return _line("gross_profit", "revenue - cost_of_revenue", gross, found[:2], "no gross profit line is reported")


def _total_liabilities(data: CompanyFacts, period: str) -> Fact | None:
    minorities = any(fact.known for (field, _), fact in data.facts.items() if field in _MINORITIES)
    for terms, note in _LIABILITY_FORMULAS[: 2 if minorities else None]:
        if found := data.all_usable(period, *terms):
            value = amount(found[0]) - sum((amount(f) for f in found[1:]), Decimal(0))
            return _line("total_liabilities", " - ".join(terms), value, found, note)
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
    if found is None:
        return None
    return _line("free_cash_flow", "operating_cash_flow - capex", amount(found[0]) - amount(found[1]), found)


def _by_year(data: CompanyFacts, ratio: Ratio) -> list[Fact]:
    made = [_ratio_of_year(data, ratio, period) for period in data.years]
    return made if any(fact.known or fact.status == "not_meaningful" for fact in made) else []


def _ratio_of_year(data: CompanyFacts, ratio: Ratio, period: str) -> Fact:
    below = year_before(period) if ratio.kind == "growth" else period
    top, bottom = data.usable(ratio.top, period), data.usable(ratio.bottom, below)
    if top is None or bottom is None:
        lacking = (ratio.top, period) if top is None else (ratio.bottom, below)
        return _absent(data, ratio, period, data.year_ends.get(period), *_absence(data, *lacking, period))
    obstacle = not_comparable(top, bottom) if ratio.kind == "growth" else ""
    return _quotient(ratio, top, bottom, period, obstacle=obstacle)


def _on_price_day(data: CompanyFacts) -> Iterator[Fact]:
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


def _day_change(data: CompanyFacts, price: Fact) -> Iterator[Fact]:
    previous = data.usable("previous_close", price.period)
    if previous is None or amount(previous) <= 0:
        return
    now, before, inputs = amount(price), amount(previous), (price, previous)
    if not data.usable("change", price.period):
        yield _line("change", "price - previous_close", now - before, inputs)
    if not data.usable("change_percent", price.period):
        yield _line("change_percent", "price / previous_close - 1", now / before - 1, inputs)


def _market_cap(data: CompanyFacts, price: Fact, year: str) -> Iterator[Fact]:
    if data.usable("market_cap", price.period):
        return
    counts = [fact for (name, _), fact in data.facts.items() if name == "cover_shares"]
    note = f"approximate, from the average diluted shares of {year} and not the shares of the day"
    if cover := nearest_cover(counts, day_of(price)):
        note = f"price × shares outstanding of {cover.period_end} (cover page of the latest filing)"
    if (shares := cover or data.usable("shares_diluted", year)) is not None:
        yield _line("market_cap", f"price * {shares.field}", amount(price) * amount(shares), (price, shares), note)


_OF_THE_DAY = ("price", "market_cap")


def _multiple(data: CompanyFacts, ratio: Ratio, price: Fact, year: str) -> Fact | None:
    day, period = day_of(price), price.period
    top, bottom = (data.usable(field, period if field in _OF_THE_DAY else year) for field in (ratio.top, ratio.bottom))
    if top is None or bottom is None:
        lacking = ratio.top if top is None else ratio.bottom
        ever = any(fact.field == lacking and fact.known for fact in data.facts.values())
        if lacking in _OF_THE_DAY or not ever:
            return None
        return _absent(data, ratio, period, day, *_absence(data, lacking, year, period))
    if odd := _share_basis(data, price, year, top, bottom):
        return _absent(data, ratio, period, day, "not_meaningful", odd)
    figure = ratio.top if bottom is price else ratio.bottom
    used = f"price of {day.isoformat()}, {words(figure)} of {year}"
    return _quotient(ratio, top, bottom, period, day=day, note=used)


def _share_basis(data: CompanyFacts, price: Fact, year: str, *inputs: Fact) -> str:
    """Why a price and a figure per share among the inputs do not belong together."""
    per_share = any(fact is not price and fact.unit.endswith("/share") for fact in inputs)
    if not per_share or price not in inputs:
        return ""
    return other_shares(price, data.usable("market_cap", price.period), data.usable("shares_diluted", year))


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


# -------------------------------------------------------------------------------------------------------- derived facts


def _line(field: str, formula: str, value: Decimal, inputs: Sequence[Fact], note: str | None = None) -> Fact:
    """A derived figure that is not a ratio; its period and currency are those of the first input."""
    about, first = FIELDS.get(field, _FREE_CASH_FLOW), inputs[0]
    money = about.unit.startswith("USD")
    unit = about.unit.replace("USD", first.currency) if first.currency else about.unit if first.unit else ""
    dated = inputs[:1] if about.statement == "price" else inputs
    return Fact(
        symbol=first.symbol,
        field=field,
        value=value.normalize() + 0,
        unit=unit if money else about.unit,
        currency=first.currency if money else None,
        period=first.period,
        period_end=_latest(fact.period_end for fact in dated),
        as_of=_latest(fact.as_of for fact in dated),
        source=_origin(*(fact.source for fact in inputs)),
        statement=about.statement,
        status="derived",
        formula=formula,
        inputs=tuple(fact.key for fact in inputs),
        note=note,
    )


_FREE_CASH_FLOW = replace(FIELDS["operating_cash_flow"], name="free_cash_flow", label="Free cash flow")
"""No field of a source: it is always computed."""


def _absent(data: CompanyFacts, ratio: Ratio, period: str, day: date | None, status: Status, note: str) -> Fact:
    """A ratio that lacks an input, with the reason."""
    return Fact(symbol=data.symbol, field=ratio.field, unit=ratio.unit, period=period, period_end=day,
                statement="ratio", status=status, formula=ratio.formula, note=note)  # fmt: skip


def _quotient(
    ratio: Ratio, top: Fact, bottom: Fact, period: str, *, obstacle: str = "", day: date | None = None, note: str = ""
) -> Fact:
    """A ratio of two facts, or `not_meaningful` with the reason; its day is by default the latest of its inputs."""
    obstacle = obstacle or _obstacle(ratio, top, bottom)
    growth = 1 if ratio.kind == "growth" else 0
    return Fact(
        symbol=top.symbol,
        field=ratio.field,
        value=None if obstacle else (amount(top) / amount(bottom) - growth).normalize() + 0,
        unit=ratio.unit,
        period=period,
        period_end=day or _latest((top.period_end, bottom.period_end)),
        as_of=day or _latest((top.as_of, bottom.as_of)),
        source=_origin(top.source, bottom.source),
        statement="ratio",
        status="not_meaningful" if obstacle else "derived",
        formula=ratio.formula,
        inputs=(top.key, bottom.key),
        note="; ".join(filter(None, (note, obstacle or _caveats(top, bottom)))) or None,
    )


def _obstacle(ratio: Ratio, top: Fact, bottom: Fact) -> str:
    if reason := currencies_apart((top, bottom)):
        return reason
    if amount(bottom) <= 0:
        return f"{words(bottom.field)}{' of the year before' if ratio.kind == 'growth' else ''} is {_sign(bottom)}"
    if ratio.kind == "growth" and amount(top) < 0:
        return f"{words(top.field)} turned negative"
    return f"{words(top.field)} is {_sign(top)}" if ratio.top == ratio.positive and amount(top) <= 0 else ""


def _sign(fact: Fact) -> str:
    return "zero" if fact.value == 0 else "negative"


def _caveats(*inputs: Fact) -> str:
    """What notes of reported inputs say of their basis; a restatement has been judged before."""
    noted = [f for f in inputs if f.note and f.status == "reported" and NOT_COMPARABLE not in f.note]
    return "; ".join(dict.fromkeys(f"{words(f.field)}: {f.note}" for f in noted))


def _latest(days: Iterable[date | None]) -> date | None:
    return max(filter(None, days), default=None)


@lru_cache(maxsize=1000)
def _origin(*sources: str) -> str:
    """Cached, because all ratios of a year rest on the same two or three documents."""
    named = [name for source in sources for name in source.removeprefix("computed from ").split("; ") if name]
    return "computed from " + ("; ".join(dict.fromkeys(named)) or "figures without a named source")
