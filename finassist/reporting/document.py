"""What an answer shows, what it lacks, and where its figures came from: the same for Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from finassist.analysis.ratios import RATIOS, Ratio
from finassist.analysis.statements import words
from finassist.core.categories import category_of, need_title
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.formatting import day, figure, label, listed, span
from finassist.reporting.company import CORE, Dossier, comparison, history, key_figures, price, ratios, statement
from finassist.reporting.tables import Table

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
_STATEMENT_ORDER = {name: place for place, name in enumerate(_STATEMENT_NAMES)}

type _Taking = tuple[bool, str, str, str, int, str]
"""What one source gave: whether a price, source, filing, company, place of the statement, and its year or day."""

_OPTIONAL = ("research_and_development",)
"""Lines that many companies do not have: without any of them, their ratio is not missed."""

_ENOUGH = 5
"""Core lines of the latest year, of seven, that make a report."""


def tables(category: str, dossier: Dossier) -> list[Table]:
    """The tables a category shows for one company, in order."""
    shows = category_of(category).statements
    found = [
        key_figures(dossier) if len(shows) > 1 else None,
        price(dossier) if category_of(category).prices else None,
        history(dossier) if category == "stock_price" else None,
        *(statement(dossier, name) for name in shows),
        ratios(dossier, RATIOS if len(shows) > 1 else MARGINS) if shows else None,
    ]
    return [table for table in found if table]


def side_by_side(category: str, dossiers: Sequence[Dossier]) -> Table | None:
    """The comparison of those companies that have figures; `None` where there are not two of them."""
    told = with_figures(category, dossiers)
    if len(told) < 2:
        return None
    return comparison(told, statements=bool(category_of(category).statements), prices=category_of(category).prices)


def as_of(category: str, dossier: Dossier, *, amount: bool = True) -> str:
    """How current the figures are: the last fiscal year and its end, the price (or only its day); `""` for none.

    Where there is no price, the last close stands in its place, always with its amount.
    """
    parts: list[str] = []
    if dossier.years and category_of(category).statements:
        year = dossier.years[-1]
        ended = dossier.ledger.year_ends.get(year)
        parts.append(f"Statements through {year}" + (f" (year ended {day(ended)})" if ended else ""))
    if dossier.price and category_of(category).prices:
        when = day(dossier.price.as_of or dossier.price.period_end)
        parts.append(f"Price {figure(dossier.price)} on {when}" if amount else f"Price of {when}")
    elif last := last_close(category, dossier):
        parts.append(f"Last close {figure(last)} on {last.period}")
    return " · ".join(parts)


def last_close(category: str, dossier: Dossier) -> Fact | None:
    """The newest close, where it is all that is known of the price."""
    return dossier.closes[-1] if dossier.closes and not dossier.price and category_of(category).prices else None


def with_figures(category: str, dossiers: Sequence[Dossier]) -> list[Dossier]:
    """The companies that have any figure of the kind asked for."""
    statements, prices = bool(category_of(category).statements), category_of(category).prices
    return [d for d in dossiers if (statements and d.years) or (prices and (d.price or d.closes))]


def left_out(category: str, dossiers: Sequence[Dossier]) -> str:
    """One sentence on the companies of a comparison that have no figures; `""` where all have."""
    told = with_figures(category, dossiers)
    names = [d.subject.title for d in dossiers if d not in told]
    if not names or len(dossiers) < 2:
        return ""
    why = f"No figures are at hand for {listed(names)}"
    if len(told) == 1:
        return f"{why}, so there is nothing to compare {told[0].subject.title} with."
    return f"{why}; the comparison leaves {'it' if len(names) == 1 else 'them'} out." if told else f"{why}."


def caution(category: str, dossier: Dossier) -> tuple[str, str]:
    """A heading and a sentence where too little of the latest year is known; `("", "")` elsewhere."""
    shows = category_of(category).statements
    core = [line for name in shows for line in CORE[name]]
    absent = dossier.absent(core)
    crucial = "revenue" in absent or "net_income" in absent
    if not dossier.years or not (crucial or (len(shows) > 1 and len(core) - len(absent) < _ENOUGH)):
        return "", ""
    names = listed(words(name) for name in absent)
    are = "are" if len(absent) > 1 else "is"
    text = f"{names[0].upper()}{names[1:]} of {dossier.years[-1]} {are} not known, so read each figure on its own."
    return ("Too thin for a report." if len(shows) > 1 else "Incomplete."), text


def missing(category: str, dossiers: Sequence[Dossier], gaps: Sequence[Gap]) -> list[str]:
    """What the answer should have had and has not, in plain text."""
    named = {dossier.subject.symbol: dossier for dossier in dossiers}
    lines = [_gap_line(gap, named.get(gap.symbol)) for gap in gaps]
    for dossier in dossiers:
        if dossier.years:
            lines += _absent_lines(category, dossier)
            lines += _absent_ratios(category, dossier) if len(category_of(category).statements) > 1 else []
    return lines


def _gap_line(gap: Gap, dossier: Dossier | None) -> str:
    """Whose gap, of what, and why; a reason that begins with the company's symbol says whose itself."""
    company = dossier.subject.title if dossier else gap.symbol
    needs = [need_title(need) for need in gap.need.split(", ")]
    nothing = dossier is not None and not (dossier.years or dossier.price or dossier.closes)
    if nothing and gap.reason.startswith(f"{gap.symbol} "):
        return gap.reason
    head = ", ".join(filter(None, (company, "" if nothing and len(needs) > 2 else listed(needs))))
    return f"{head}: {gap.reason}" if head else gap.reason


def sources(facts: Iterable[Fact]) -> list[str]:
    """Where figures came from, in plain text: one line a source and filing, with what was taken from it.

    Example:
        >>> from decimal import Decimal
        >>> fact = Fact(symbol="ACME", field="revenue", value=Decimal(1), period="FY2025", source="SEC 10-K",
        ...             filing="0000-1", statement="income")
        >>> sources([fact])
        ['SEC 10-K (accession 0000-1): ACME FY2025 income statement']
    """
    known = (f for f in facts if f.source and (f.known or f.text) and not f.source.startswith("computed"))
    lines: list[str] = []
    for (source, filing), group in groupby(sorted(set(map(_taking, known))), key=itemgetter(1, 2)):
        taken = [f"{symbol} {_taken(own)}" for symbol, own in groupby(group, key=itemgetter(3))]
        lines.append(f"{source}{f' (accession {filing})' if filing else ''}: {'; '.join(taken)}")
    return lines


def used_facts(shown: Iterable[Table | None], book: FactBook) -> list[Fact]:
    """The facts that tables show and those they were computed from."""
    cells = [cell for table in shown if table for row in table.rows for cell in row.cells]
    used = {cell.fact.key: cell.fact for cell in cells if cell.fact}
    waiting = list(used.values())
    while waiting:
        for key in waiting.pop().inputs:
            if key not in used and (fact := book.find(key)):
                used[key] = fact
                waiting.append(fact)
    return list(used.values())


def _absent_lines(category: str, dossier: Dossier) -> Iterator[str]:
    for name in category_of(category).statements:
        for line in CORE[name]:
            absent = [year for year in dossier.years if not dossier.ledger.usable(line, year)]
            if absent:
                yield f"{dossier.subject.symbol}: {label(line)} is not reported for {span(absent)}"


def _absent_ratios(category: str, dossier: Dossier) -> Iterator[str]:
    priced = category_of(category).prices and dossier.price is not None
    absent = [r.label for r in RATIOS.values() if (r.kind != "price" or priced) and _expected(dossier, r)]
    if absent:
        yield f"{dossier.subject.symbol}: not computed because inputs are not reported: {listed(absent)}"


def _expected(dossier: Dossier, ratio: Ratio) -> bool:
    """Whether a ratio was left out for want of inputs, and not because such a company has no such line."""
    if dossier.speaks_of(ratio.field):
        return False
    if ratio.top in _OPTIONAL and not any(dossier.ledger.usable(ratio.top, year) for year in dossier.years):
        return False
    inputs = [dossier.fact(name, year) for name in (ratio.top, ratio.bottom) for year in dossier.years]
    return not any(fact and fact.status == "not_meaningful" for fact in inputs)


def _taking(fact: Fact) -> _Taking:
    priced = fact.statement == "price"
    when = day(fact.as_of or fact.period_end) if priced else fact.period
    return priced, fact.source, fact.filing or "", fact.symbol, _STATEMENT_ORDER[fact.statement], when


def _taken(takings: Iterable[_Taking]) -> str:
    """What was taken from one source about one company: each statement with its years, prices with their days."""
    parts: list[str] = []
    for place, group in groupby(takings, key=lambda taking: taking[4]):
        name, whens = list(_STATEMENT_NAMES)[place], [when for *_, when in group]
        if name == "price":
            parts.append(f"price of {whens[0]}" if len(whens) == 1 else f"prices of {whens[0]} to {whens[-1]}")
        else:
            parts.append(f"{span(whens)} {_STATEMENT_NAMES[name]}")
    return ", ".join(parts)
