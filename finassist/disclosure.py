"""What an answer shows, what it lacks, and where its figures came from: the same for Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from finassist.dossier import CORE, Dossier, comparison, history, key_figures, price, ratios, statement
from finassist.facts import Fact, FactBook, Gap, Statement
from finassist.formatting import day, figure, label, listed, span
from finassist.ratios import RATIOS, Ratio
from finassist.tables import Table

STATEMENTS: Mapping[str, tuple[Statement, ...]] = {
    "income_statement": ("income",),
    "company_financials": ("income", "balance_sheet", "cash_flow"),
    "report": ("income", "balance_sheet", "cash_flow"),
    "stock_price": (),
}
"""The statements each category shows."""

WITH_PRICE = ("report", "stock_price")
"""The categories that show a price."""

MARGINS = (
    *("gross_margin", "operating_margin", "net_margin", "effective_tax_rate"),
    *("revenue_growth", "net_income_growth", "eps_growth"),
)
"""The ratios that belong to an income statement."""

_STATEMENT_NAMES = {
    "income": "income statement",
    "balance_sheet": "balance sheet",
    "cash_flow": "cash flow statement",
    "ratio": "ratios",
    "profile": "company profile",
    "price": "price",
}


def tables(category: str, dossier: Dossier) -> list[Table]:
    """The tables a category shows for one company, in order."""
    shows = STATEMENTS.get(category, ())
    found = [
        key_figures(dossier) if len(shows) > 1 else None,
        price(dossier) if category in WITH_PRICE else None,
        history(dossier) if category == "stock_price" else None,
        *(statement(dossier, name) for name in shows),
        ratios(dossier, RATIOS if len(shows) > 1 else MARGINS) if shows else None,
    ]
    return [table for table in found if table]


def side_by_side(category: str, dossiers: Sequence[Dossier]) -> Table | None:
    """The comparison of several companies; `None` for one."""
    if len(dossiers) < 2:
        return None
    return comparison(dossiers, statements=bool(STATEMENTS.get(category)), prices=category in WITH_PRICE)


def as_of(category: str, dossier: Dossier) -> str:
    """How current the figures are: the last fiscal year and its end, the price and its date; `""` for none."""
    parts: list[str] = []
    if dossier.years and STATEMENTS.get(category):
        year = dossier.years[-1]
        ended = dossier.ledger.year_ends.get(year)
        parts.append(f"Statements through {year}" + (f" (year ended {day(ended)})" if ended else ""))
    if dossier.price and category in WITH_PRICE:
        parts.append(f"Price {figure(dossier.price)} on {day(dossier.price.as_of or dossier.price.period_end)}")
    return " · ".join(parts)


def missing(category: str, dossiers: Sequence[Dossier], gaps: Sequence[Gap]) -> list[str]:
    """What the answer should have had and has not, in plain text."""
    lines = [f"{gap.symbol} {gap.need.replace('_', ' ')}: {gap.reason}".strip() for gap in gaps]
    for dossier in dossiers:
        if dossier.years:
            lines += _absent_lines(category, dossier)
            lines += _absent_ratios(dossier) if len(STATEMENTS.get(category, ())) > 1 else []
    return lines


def sources(facts: Iterable[Fact]) -> list[str]:
    """Where figures came from, in plain text: one line a source and filing, with what was taken from it.

    Example:
        >>> from decimal import Decimal
        >>> fact = Fact(symbol="ACME", field="revenue", value=Decimal(1), period="FY2025", source="SEC 10-K",
        ...             filing="0000-1", statement="income")
        >>> sources([fact])
        ['SEC 10-K (accession 0000-1): ACME FY2025 income statement']
    """
    known = [f for f in facts if f.source and (f.known or f.text) and not f.source.startswith("computed")]
    by_source = sorted(known, key=lambda f: (f.statement == "price", f.source, f.filing or "", f.symbol, f.key))
    lines: list[str] = []
    for (source, filing), group in groupby(by_source, key=lambda f: (f.source, f.filing)):
        taken = [f"{symbol} {_taken(list(own))}" for symbol, own in groupby(group, key=lambda f: f.symbol)]
        lines.append(f"{source}{f' (accession {filing})' if filing else ''}: {'; '.join(taken)}")
    return lines


def used_facts(shown: Iterable[Table | None], book: FactBook) -> list[Fact]:
    """The facts that tables show and those they were computed from."""
    cells = [cell for table in shown if table for row in table.rows for cell in row.cells]
    waiting = [cell.fact for cell in cells if cell.fact]
    by_key: dict[str, Fact] = {fact.key: fact for fact in book}
    used: dict[str, Fact] = {}
    while waiting:
        fact = waiting.pop()
        if fact.key not in used:
            used[fact.key] = fact
            waiting += [by_key[key] for key in fact.inputs if key in by_key]
    return list(used.values())


def _absent_lines(category: str, dossier: Dossier) -> Iterator[str]:
    for name in STATEMENTS.get(category, ()):
        for line in CORE[name]:
            absent = [year for year in dossier.years if not dossier.ledger.usable(line, year)]
            if absent:
                yield f"{dossier.subject.symbol}: {label(line)} is not reported for {span(absent)}"


def _absent_ratios(dossier: Dossier) -> Iterator[str]:
    left_out = [r.label for r in RATIOS.values() if r.kind != "price" and _expected(dossier, r)]
    if left_out:
        yield f"{dossier.subject.symbol}: not computed because inputs are not reported: {listed(left_out)}"


def _expected(dossier: Dossier, ratio: Ratio) -> bool:
    """Whether a ratio was left out for want of inputs, and not because such a company has no such line."""
    if any(dossier.fact(ratio.field, year) for year in dossier.years):
        return False
    inputs = [dossier.fact(name, year) for name in (ratio.top, ratio.bottom) for year in dossier.years]
    return not any(fact and fact.status == "not_meaningful" for fact in inputs)


def _taken(facts: Sequence[Fact]) -> str:
    order = list(_STATEMENT_NAMES)
    parts: list[str] = []
    for name, group in groupby(sorted(facts, key=lambda f: order.index(f.statement)), key=lambda f: f.statement):
        own = list(group)
        if name == "price":
            days = sorted({day(f.as_of or f.period_end) for f in own})
            parts.append(f"price of {days[0]}" if len(days) == 1 else f"prices of {days[0]} to {days[-1]}")
        else:
            parts.append(f"{span(f.period for f in own)} {_STATEMENT_NAMES[name]}")
    return ", ".join(parts)
