"""What a report says about each company, as tables of cells: the one model behind Markdown and HTML.

A cell keeps the fact it shows, so that every surface can name its source, formula and note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any, Protocol

from finassist.analysis.statements import SPENDING, CompanyFacts, report_ratios
from finassist.core.categories import YEARS_SHOWN, Category
from finassist.core.facts import Fact, FactBook, Gap, Statement
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

STATEMENT_TITLES = {
    "income": "income statement",
    "balance_sheet": "balance sheet",
    "cash_flow": "cash flow statement",
    "ratio": "ratios",
    "profile": "company profile",
    "price": "price",
}
"""What each statement is called, in the order in which sources name them."""

MARGINS = (
    *("gross_margin", "operating_margin", "net_margin", "tax_rate"),
    *("revenue_growth", "net_income_growth", "eps_growth"),
)
"""The ratios that belong to an income statement."""

KEY_FIGURES = (
    *("revenue", "revenue_growth", "operating_income", "net_income", "net_margin", "eps_diluted"),
    *("operating_cash_flow", "free_cash_flow", "total_assets", "equity"),
)
COMPARED = (*KEY_FIGURES, "roe", "debt_to_equity")
ON_DAY = ("price", "change_percent", "market_cap", "pe_ratio", "dividend_yield")
PRICE_LINES = (
    *("price", "previous_close", "change", "change_percent", "open", "low", "high", "volume", "market_cap"),
    *("fifty_two_week_low", "fifty_two_week_high"),
    *("pe_reported", "pe_ratio", "price_to_sales", "dividend_yield"),
)


class AnswerLike(Protocol):
    """What a document needs of an answer; `finassist.answer.Answer` has it.

    `years`, `warnings`, `notes()` and `company_names()` count where present.
    """

    @property
    def content(self) -> Any:
        """Markdown, shown for a chat answer and where there are no figures."""

    @property
    def category(self) -> str:
        """One of the five categories."""
        ...

    @property
    def symbols(self) -> Sequence[str]:
        """The companies, in the order of the question."""
        ...

    @property
    def facts(self) -> Sequence[Fact]:
        """Every figure, the derived ones included."""
        ...

    @property
    def gaps(self) -> Sequence[Gap]:
        """What could not be had."""
        ...

    @property
    def follow_ups(self) -> Sequence[str]:
        """Questions that come next."""
        ...

    @property
    def status(self) -> Any:
        """How the run ended; an enumeration or a string."""

    @property
    def run_id(self) -> str | None:
        """The run."""
        ...

    @property
    def session_id(self) -> str | None:
        """The conversation."""
        ...


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
class CompanyFigures:
    """One company's facts, with the fiscal years, the price and the closes that an answer shows."""

    subject: Subject
    data: CompanyFacts
    years: tuple[str, ...]
    price: Fact | None
    closes: tuple[Fact, ...] = ()

    @classmethod
    def of(cls, subject: Subject, book: FactBook, years: int = YEARS_SHOWN) -> CompanyFigures:
        """The company's facts, with the latest fiscal years and the newest price picked out."""
        data = CompanyFacts(book, subject.symbol)
        closes = tuple(f for f in book.series(subject.symbol, "close") if f.known)
        return cls(subject, data, tuple(data.years[-years:]), data.newest_price(), closes)

    def fact(self, name: str, period: str) -> Fact | None:
        """The fact of one field and period, whatever its status."""
        return self.data.facts.get((name, period))

    def on_day(self, name: str) -> Fact | None:
        """A figure of the day of the newest price."""
        return self.fact(name, self.price.period) if self.price else None

    def absent(self, names: Iterable[str]) -> list[str]:
        """Those of the fields that the latest year lacks."""
        return [name for name in names if not (self.years and self.data.usable(name, self.years[-1]))]

    def speaks_of(self, name: str) -> bool:
        """Whether a ratio has a figure, or a reason for having none, in any of the years or on the day of the price."""
        found = [*(self.fact(name, year) for year in self.years), self.on_day(name)]
        return any(fact and (fact.known or fact.status == "not_meaningful") for fact in found)


def companies_of(answer: AnswerLike) -> list[CompanyFigures]:
    """What an answer knows of each of its companies, in the order of the question."""
    book, years = FactBook(answer.facts), getattr(answer, "years", YEARS_SHOWN)
    return [CompanyFigures.of(subject, book, years) for subject in subjects_of(answer)]


def subjects_of(answer: AnswerLike) -> list[Subject]:
    """The companies of an answer, with the names its facts or the answer itself have for them."""
    profiles = {fact.symbol: fact.text for fact in answer.facts if fact.field == "name" and fact.text}
    known: Mapping[str, str] = getattr(answer, "company_names", dict[str, str])()
    return [Subject(symbol, profiles.get(symbol) or known.get(symbol, "")) for symbol in answer.symbols]


def tables_of(category: Category, company: CompanyFigures) -> list[Table]:
    """The tables a category shows for one company, in order."""
    found = [
        key_figures(company) if category.whole else None,
        price(company) if category.prices else None,
        history(company) if category.name == "stock_price" else None,
        *(statement(company, name) for name in category.statements),
        ratios(company, report_ratios() if category.whole else MARGINS) if category.statements else None,
    ]
    return [table for table in found if table]


def key_figures(company: CompanyFigures) -> Table | None:
    """The lines a reader looks for first."""
    return _yearly(company, "Key figures", [name for name in KEY_FIGURES if _shown(company, name)])


def statement(company: CompanyFigures, name: Statement) -> Table | None:
    """One whole statement: every line that any of the years has, and the core lines."""
    names = [line.name for line in fields_of(name)]
    names += ["free_cash_flow"] if name == "cash_flow" else []
    known = [line for line in names if any(company.data.usable(line, year) for year in company.years)]
    if not known:
        return None
    return _yearly(
        company, STATEMENT_TITLES[name].capitalize(), [line for line in names if line in known or line in CORE[name]]
    )


def ratios(company: CompanyFigures, only: Iterable[str]) -> Table | None:
    """Ratios and growth by year, each with its formula."""
    wanted = [ratio for name in only if (ratio := report_ratios()[name]).kind != "price"]
    names = [r.field for r in wanted if company.speaks_of(r.field)]
    return _yearly(company, "Ratios and growth", names, formulas=True)


def price(company: CompanyFigures) -> Table | None:
    """The newest price with everything known about its day."""
    if company.price is None:
        return None
    notes = Footnotes()
    facts = [fact for name in PRICE_LINES if (fact := company.on_day(name))]
    scale = common_scale(f for f in facts if f.unit != "shares")
    rows = [
        Row(
            heading(f, scale),
            (Cell(cell(f, scale_of(f, scale)), f, notes.mark(f, label(f.field), f.formula)),),
            f.formula,
        )
        for f in facts
    ]
    title = f"Price on {day(company.price.as_of or company.price.period_end)}"
    return Table(title, "", ("Figure",), tuple(rows), notes.lines())


def history(company: CompanyFigures) -> Table | None:
    """First, lowest, highest and last of the closes, each with its day."""
    closes = company.closes
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
    remarks = (f"Each is {shared}.",) if shared else ()
    return Table(title, unit.strip(), ("Close", "Day"), tuple(rows), notes.lines(), remarks)


def comparison(companies: Sequence[CompanyFigures], *, statements: bool = True, prices: bool = True) -> Table | None:
    """The companies side by side: latest fiscal year of each, and the price with its date; `None` without figures."""
    wanted = {n: [_latest(d, n) for d in companies] for n in COMPARED if statements}
    wanted |= {n: [d.on_day(n) for d in companies] for n in ON_DAY if prices}
    facts = {n: found for n, found in wanted.items() if any(fact and fact.known for fact in found)}
    if not facts:
        return None
    shown = [fact for row in facts.values() for fact in row]
    scale, currencies = common_scale(shown), currencies_of(shown)
    notes = Footnotes()
    rows = [*_calendar(companies, statements=statements, prices=prices)]
    for name, found in facts.items():
        formula = row_formula(found)
        pairs = [(d.subject.symbol, fact) for d, fact in zip(companies, found, strict=True)]
        cells = [Cell(with_currency(f, scale, currencies), f, notes.mark(f, s, formula)) for s, f in pairs]
        rows.append(Row(label(name), tuple(cells), formula))
    columns = tuple(d.subject.symbol for d in companies)
    return Table("Side by side", unit_of(shown, scale), columns, tuple(rows), notes.lines())


def _calendar(companies: Sequence[CompanyFigures], *, statements: bool, prices: bool) -> Iterable[Row]:
    if statements and any(d.years for d in companies):
        yield Row("Fiscal year", tuple(Cell(d.years[-1] if d.years else "none") for d in companies))
        ends = [d.data.year_ends.get(d.years[-1]) if d.years else None for d in companies]
        yield Row("Year ended", tuple(Cell(day(end)) for end in ends))
    if prices and any(d.price for d in companies):
        days = [day(d.price.as_of or d.price.period_end) if d.price else "no price" for d in companies]
        yield Row("Price of", tuple(Cell(text) for text in days))


def year_ends(companies: Sequence[CompanyFigures]) -> set[date]:
    """The days on which the latest fiscal years end."""
    return {d.data.year_ends[d.years[-1]] for d in companies if d.years and d.years[-1] in d.data.year_ends}


def _yearly(company: CompanyFigures, title: str, names: Sequence[str], *, formulas: bool = False) -> Table | None:
    if not names or not company.years:
        return None
    lookup = company.data.facts.get
    lines = [[lookup((name, year)) for year in company.years] for name in names]
    shown = list(chain(*lines))
    scale, currencies, notes = common_scale(shown), currencies_of(shown), Footnotes()
    shared = [common_note(column) for column in zip(*lines, strict=True)]
    rows = [Row("Year ended", tuple(Cell(day(company.data.year_ends.get(y))) for y in company.years))]
    for name, facts in zip(names, lines, strict=True):
        formula = row_formula(facts)
        cells = tuple(
            Cell(with_currency(fact, scale, currencies), fact, notes.mark(fact, year, formula, known))
            for fact, year, known in zip(facts, company.years, shared, strict=True)
        )
        rows.append(Row(label(name), cells, formula))
    unit = "" if formulas else unit_of(shown, scale)
    remarks = [f"{year}: {note}" for year, note in zip(company.years, shared, strict=True) if note]
    remarks += [PAYMENTS] if any(name in SPENDING for name in names) else []
    return Table(title, unit, company.years, tuple(rows), notes.lines(), tuple(remarks))


def _shown(company: CompanyFigures, name: str) -> bool:
    return any(company.data.usable(name, year) for year in company.years)


def _latest(company: CompanyFigures, name: str) -> Fact | None:
    return company.fact(name, company.years[-1]) if company.years else None
