"""What a report says about each company, as tables of cells: the one model behind Markdown and HTML.

A cell keeps the fact it shows, so that every surface can name its source, formula and note.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain

from finassist.analysis.ratios import LINES, RATIOS
from finassist.analysis.statements import SPENDING, Ledger
from finassist.core.categories import YEARS_SHOWN
from finassist.core.facts import Fact, FactBook, Statement
from finassist.core.fields import fields_of
from finassist.core.formatting import cell, day, label
from finassist.reporting.tables import (
    UNSCALED,
    Cell,
    Footnotes,
    Row,
    Table,
    common_note,
    common_scale,
    currencies_of,
    heading,
    row_formula,
    scale_of,
    unit_of,
    with_currency,
)

PAYMENTS = "Capital expenditure, dividends and buybacks are payments, shown as positive amounts."

CORE = {
    "income": ("revenue", "net_income", "eps_diluted"),
    "balance_sheet": ("total_assets", "total_liabilities", "equity"),
    "cash_flow": ("operating_cash_flow",),
}
"""Lines without which a statement says little; it shows them even where no year has them."""

KEY_FIGURES = (
    *("revenue", "revenue_growth", "operating_income", "net_income", "net_margin", "eps_diluted"),
    *("operating_cash_flow", "free_cash_flow", "total_assets", "equity"),
)
COMPARED = (*KEY_FIGURES, "return_on_equity", "debt_to_equity")
ON_DAY = ("price", "change_percent", "market_cap", "pe_ratio", "dividend_yield")
PRICE_LINES = (
    *("price", "previous_close", "change", "change_percent", "open", "low", "high", "volume", "market_cap"),
    *("fifty_two_week_low", "fifty_two_week_high"),
    *("pe_reported", "pe_ratio", "price_to_sales", "dividend_yield"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A company an answer is about."""

    symbol: str
    name: str

    @property
    def title(self) -> str:
        """Name and ticker, or the ticker alone where no name is known."""
        return f"{self.name} ({self.symbol})" if self.name and self.name != self.symbol else self.symbol


@dataclass(frozen=True, slots=True)
class Dossier:
    """One company's part of a report."""

    subject: Subject
    ledger: Ledger
    years: tuple[str, ...]
    price: Fact | None
    closes: tuple[Fact, ...] = ()

    @classmethod
    def of(cls, subject: Subject, book: FactBook, years: int = YEARS_SHOWN) -> Dossier:
        """The company's facts, with the latest fiscal years and the newest price picked out."""
        ledger = Ledger(book, subject.symbol)
        closes = tuple(f for f in book.series(subject.symbol, "close") if f.known)
        return cls(subject, ledger, tuple(ledger.years[-years:]), ledger.newest_price(), closes)

    def fact(self, name: str, period: str) -> Fact | None:
        """The fact of one field and period, whatever its status."""
        return self.ledger.facts.get((name, period))

    def on_day(self, name: str) -> Fact | None:
        """A figure of the day of the newest price."""
        return self.fact(name, self.price.period) if self.price else None

    def absent(self, names: Iterable[str]) -> list[str]:
        """Those of the fields that the latest year lacks."""
        return [name for name in names if not (self.years and self.ledger.usable(name, self.years[-1]))]

    def speaks_of(self, name: str) -> bool:
        """Whether a ratio has a figure, or a reason for having none, in any of the years or on the day of the price."""
        found = [*(self.fact(name, year) for year in self.years), self.on_day(name)]
        return any(fact and (fact.known or fact.status == "not_meaningful") for fact in found)


def key_figures(dossier: Dossier) -> Table | None:
    """The lines a reader looks for first."""
    return _yearly(dossier, "Key figures", [name for name in KEY_FIGURES if _shown(dossier, name)])


def statement(dossier: Dossier, name: Statement) -> Table | None:
    """One whole statement: every line that any of the years has, and the core lines."""
    titles = {
        "income": "Income statement",
        "balance_sheet": "Balance sheet",
        "cash_flow": "Cash flow statement",
    }
    names = [line.name for line in fields_of(name)]
    names += [line for line, about in LINES.items() if about.statement == name and line not in names]
    known = [line for line in names if any(dossier.ledger.usable(line, year) for year in dossier.years)]
    if not known:
        return None
    return _yearly(dossier, titles[name], [line for line in names if line in known or line in CORE[name]])


def ratios(dossier: Dossier, only: Iterable[str] = RATIOS) -> Table | None:
    """Ratios and growth by year, each with its formula."""
    wanted = [RATIOS[name] for name in only if RATIOS[name].kind != "price"]
    names = [r.field for r in wanted if dossier.speaks_of(r.field)]
    return _yearly(dossier, "Ratios and growth", names, formulas=True)


def price(dossier: Dossier) -> Table | None:
    """The newest price with everything known about its day."""
    if dossier.price is None:
        return None
    notes = Footnotes()
    facts = [fact for name in PRICE_LINES if (fact := dossier.on_day(name))]
    scale = common_scale(f for f in facts if f.unit != "shares")
    rows = [
        Row(
            heading(f, scale),
            (Cell(cell(f, scale_of(f, scale)), f, notes.mark(f, label(f.field), f.formula)),),
            f.formula,
        )
        for f in facts
    ]
    title = f"Price on {day(dossier.price.as_of or dossier.price.period_end)}"
    return Table(title, "", ("Figure",), tuple(rows), notes.lines())


def history(dossier: Dossier) -> Table | None:
    """First, lowest, highest and last of the closes, each with its day."""
    closes = dossier.closes
    if len(closes) < 2:
        return None
    by_value = sorted(closes, key=lambda fact: (fact.value or Decimal(0), fact.period))
    picked = (("First", closes[0]), ("Lowest", by_value[0]), ("Highest", by_value[-1]), ("Last", closes[-1]))
    notes, shared = Footnotes(), common_note(fact for _, fact in picked)
    rows = [
        Row(n, (Cell(cell(f, UNSCALED), f, None if shared else notes.mark(f, n)), Cell(f.period))) for n, f in picked
    ]
    unit = f"{closes[0].currency or ''} per share, {len(closes)} closes"
    title = f"Closes from {closes[0].period} to {closes[-1].period}"
    said = (f"Each is {shared}.",) if shared else ()
    return Table(title, unit.strip(), ("Close", "Day"), tuple(rows), notes.lines(), said)


def comparison(dossiers: Sequence[Dossier], *, statements: bool = True, prices: bool = True) -> Table | None:
    """The companies side by side: latest fiscal year of each, and the price with its date; `None` without figures."""
    wanted = {n: [_latest(d, n) for d in dossiers] for n in COMPARED if statements}
    wanted |= {n: [d.on_day(n) for d in dossiers] for n in ON_DAY if prices}
    facts = {n: found for n, found in wanted.items() if any(fact and fact.known for fact in found)}
    if not facts:
        return None
    shown = [fact for row in facts.values() for fact in row]
    scale, currencies = common_scale(shown), currencies_of(shown)
    notes = Footnotes()
    rows = [*_calendar(dossiers, statements=statements, prices=prices)]
    for name, found in facts.items():
        formula = row_formula(found)
        pairs = [(d.subject.symbol, fact) for d, fact in zip(dossiers, found, strict=True)]
        cells = [Cell(with_currency(f, scale, currencies), f, notes.mark(f, s, formula)) for s, f in pairs]
        rows.append(Row(label(name), tuple(cells), formula))
    columns = tuple(d.subject.symbol for d in dossiers)
    return Table("Side by side", unit_of(shown, scale), columns, tuple(rows), notes.lines())


def _calendar(dossiers: Sequence[Dossier], *, statements: bool, prices: bool) -> Iterable[Row]:
    if statements and any(d.years for d in dossiers):
        yield Row("Fiscal year", tuple(Cell(d.years[-1] if d.years else "none") for d in dossiers))
        ends = [d.ledger.year_ends.get(d.years[-1]) if d.years else None for d in dossiers]
        yield Row("Year ended", tuple(Cell(day(end)) for end in ends))
    if prices and any(d.price for d in dossiers):
        days = [day(d.price.as_of or d.price.period_end) if d.price else "no price" for d in dossiers]
        yield Row("Price of", tuple(Cell(text) for text in days))


def year_ends(dossiers: Sequence[Dossier]) -> set[date]:
    """The days on which the latest fiscal years end."""
    return {d.ledger.year_ends[d.years[-1]] for d in dossiers if d.years and d.years[-1] in d.ledger.year_ends}


def _yearly(dossier: Dossier, title: str, names: Sequence[str], *, formulas: bool = False) -> Table | None:
    if not names or not dossier.years:
        return None
    lookup = dossier.ledger.facts.get
    lines = [[lookup((name, year)) for year in dossier.years] for name in names]
    shown = list(chain(*lines))
    scale, currencies, notes = common_scale(shown), currencies_of(shown), Footnotes()
    shared = [common_note(column) for column in zip(*lines, strict=True)]
    rows = [Row("Year ended", tuple(Cell(day(dossier.ledger.year_ends.get(y))) for y in dossier.years))]
    for name, facts in zip(names, lines, strict=True):
        formula = row_formula(facts)
        cells = tuple(
            Cell(with_currency(fact, scale, currencies), fact, notes.mark(fact, year, formula, known))
            for fact, year, known in zip(facts, dossier.years, shared, strict=True)
        )
        rows.append(Row(label(name), cells, formula))
    unit = "" if formulas else unit_of(shown, scale)
    said = [f"{year}: {note}" for year, note in zip(dossier.years, shared, strict=True) if note]
    said += [PAYMENTS] if any(name in SPENDING for name in names) else []
    return Table(title, unit, dossier.years, tuple(rows), notes.lines(), tuple(said))


def _shown(dossier: Dossier, name: str) -> bool:
    return any(dossier.ledger.usable(name, year) for year in dossier.years)


def _latest(dossier: Dossier, name: str) -> Fact | None:
    return dossier.fact(name, dossier.years[-1]) if dossier.years else None
