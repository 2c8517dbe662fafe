"""What a report says about each company, as tables of cells: the one model behind Markdown and HTML.

A cell keeps the fact it shows, so that every surface can name its source, formula and note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain

from msgspec import Struct, structs

from finassist.analysis.statements import SPENDING, currencies_apart, is_fiscal_year, report_ratios
from finassist.core.facts import Fact, FactBook, Statement, fields_of, with_inputs
from finassist.core.formatting import Scale, cell, day, label, scaled, span
from finassist.core.metrics import catalogue
from finassist.core.result import Category
from finassist.reporting.company import CORE, STATEMENT_TITLES, CompanyFigures, Reference

PAYMENTS = "Capital expenditure, dividends and buybacks are payments, shown as positive amounts."
MARGINS = (
    *("gross_margin", "operating_margin", "net_margin", "tax_rate"),
    *("revenue_growth", "net_income_growth", "eps_growth"),
)
"""The ratios that belong to an income statement."""
KEY_FIGURES = (
    *("revenue", "revenue_growth", "operating_income", "net_income", "net_margin", "eps_diluted"),
    *("operating_cash_flow", "free_cash_flow", "total_assets", "equity"),
)
COMPARED = (*KEY_FIGURES, "roe", "debt_to_equity", "piotroski", "altman_z")
ON_DAY = ("price", "change_percent", "market_cap", "pe", "pe_ratio", "ev_to_ebitda", "dividend_yield")
BEST = "Bold is the best of its row: the highest, or the lowest where less is better."
_BEYOND = ("piotroski", "altman_z", "ev_to_ebitda")
_NOT_JUDGED = ("market_cap", "price", "change_percent")
PRICE_LINES = (
    *("price", "previous_close", "change", "change_percent", "open", "low", "high", "volume", "market_cap"),
    *("fifty_two_week_low", "fifty_two_week_high"),
    *("pe_reported", "pe_ratio", "price_to_sales", "dividend_yield"),
)


_LONGEST_LABEL = 14
"""Characters of a cell without a figure; longer ones are words to read."""

UNSCALED = Scale(Decimal(1), "")
"""The scale of figures that a table never divides."""


class Cell(Struct, frozen=True, gc=False):
    """One place of a table: its text, the fact it shows, the number of its footnote, whether it is best of its row."""

    text: str
    fact: Fact | None = None
    mark: int | None = None
    best: bool = False


class Row(Struct, frozen=True, gc=False):
    """One line of a table."""

    label: str
    cells: tuple[Cell, ...]
    formula: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table, with a title or without.

    `unit` is currency and scale of all of it, `corner` what its first column names. Footnotes are numbered from 1;
    notes hold for all of it. `references` are the sources of each column, where a document numbers them.
    """

    title: str
    unit: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    footnotes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    corner: str = ""
    references: tuple[tuple[Reference, ...], ...] = ()

    @property
    def worded(self) -> bool:
        """Whether its last column is in words."""
        last = [row.cells[-1] for row in self.rows if len(row.cells) == len(self.columns) > 1]
        return any(cell.fact is None and len(cell.text) > _LONGEST_LABEL for cell in last)


@dataclass(slots=True)
class Footnotes:
    """Numbers the notes of a table: one footnote for each distinct note, naming its periods or companies."""

    notes: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def mark(self, fact: Fact | None, where: str, formula: str | None = None, known: str = "") -> int | None:
        """Number of the footnote of a cell whose row has this formula; `None` where nothing needs saying.

        `known` is a note that the table says already.
        """
        if fact is None or (fact.note is None and fact.formula == formula):
            return None  # as most
        note = note_of(fact, formula)
        if not note or note == known:
            return None
        self.notes.setdefault(note, []).append(where)
        return list(self.notes).index(note) + 1

    def lines(self) -> tuple[str, ...]:
        """The footnotes in order, each saying where it applies."""
        return tuple(f"{_places(where)}: {note}" for note, where in self.notes.items())


def _places(where: Sequence[str]) -> str:
    return span(where) if all(is_fiscal_year(place) for place in where) else ", ".join(where)


def note_of(fact: Fact, formula: str | None) -> str:
    """What a cell must say beside its figure; `""` where the cell says it all."""
    note = fact.note or ""
    if fact.status == "none_paid" or (fact.status == "missing" and note.startswith("not in the ")):
        return ""  # the cell says as much
    if not fact.formula or fact.formula == formula or fact.status != "derived" or not fact.known:
        return note
    made = f"computed: {fact.formula.replace('_', ' ')}"
    return f"{made}; {note}" if note else made


def common_note(facts: Iterable[Fact | None]) -> str:
    """What every reported figure of a row or column says, so that it need be said once; `""` unless two or more do."""
    reported = [fact for fact in facts if fact and fact.known and fact.status == "reported"]
    first = reported[0].note if len(reported) > 1 else ""
    return first if first and all(fact.note == first for fact in reported) else ""


def row_formula(facts: Iterable[Fact | None]) -> str | None:
    """The one formula behind a row, or `None` where some of its figures were reported or computed otherwise."""
    formulas = {fact.formula for fact in facts if fact and (fact.known or fact.formula)}
    return formulas.pop() if len(formulas) == 1 else None


def common_scale(facts: Iterable[Fact | None]) -> Scale:
    """The scale that suits every money amount of a table."""
    return Scale.for_values([f.value for f in facts if f and f.known and f.value is not None and scaled(f)])


def currencies_of(facts: Iterable[Fact | None]) -> list[str]:
    """Currencies that occur, in alphabetical order."""
    return sorted({f.currency for f in facts if f and f.currency})


def unit_of(facts: Iterable[Fact | None], scale: Scale) -> str:
    """The table's header: currency, scale and what is not scaled."""
    found = [f for f in facts if f]
    currencies = currencies_of(found)
    money = " ".join(filter(None, (currencies[0] if len(currencies) == 1 else "Money in", scale.name)))
    if not any(scaled(f) for f in found):
        return f"{currencies[0]} per share" if len(currencies) == 1 else ""
    shares = f"; shares in {scale.name}" if scale.name and any(f.unit == "shares" for f in found) else ""
    each = "; per-share figures unscaled" if any(f.unit.endswith("/share") for f in found) else ""
    return money + shares + each


def with_currency(fact: Fact | None, scale: Scale, currencies: Sequence[str]) -> str:
    """A cell's text, led by its currency where a table mixes several."""
    text = cell(fact, scale)
    if len(currencies) < 2 or fact is None or not (fact.known and fact.currency):
        return text
    return f"{fact.currency} {text}"


def scale_of(fact: Fact, scale: Scale) -> Scale:
    """The scale of one line of a table that mixes units."""
    return scale if scaled(fact) and fact.unit != "shares" else UNSCALED


def heading(fact: Fact, scale: Scale) -> str:
    """A label with its unit, for a table that mixes units."""
    if not fact.known or not fact.currency:
        return label(fact.field)
    per = "per share" if fact.unit.endswith("/share") else scale.name
    return f"{label(fact.field)} ({' '.join(filter(None, (fact.currency, per)))})"


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
    known = [line for line in names if _shown(company, line)]
    wanted = [line for line in names if line in known or line in CORE[name]]
    return _yearly(company, STATEMENT_TITLES[name].capitalize(), wanted) if known else None


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
    marked = [(f, notes.mark(f, label(f.field), f.formula)) for f in facts]
    rows = [Row(heading(f, scale), (Cell(cell(f, scale_of(f, scale)), f, mark),), f.formula) for f, mark in marked]
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
    if any(fact and fact.known for fact in wanted.get("pe", ())):
        del wanted["pe_ratio"]
    facts = {n: found for n, found in wanted.items() if _enough(n, found)}
    if not facts:
        return None
    calendar = _calendar(companies, statements=statements, prices=prices)
    table = _grid("Side by side", tuple(d.subject.symbol for d in companies), facts, calendar)
    rows = tuple(map(_with_best, table.rows))
    marked = any(cell.best for row in rows for cell in row.cells)
    return replace(table, rows=rows, notes=(*table.notes, *((BEST,) if marked else ())))


def _enough(name: str, found: Sequence[Fact | None]) -> bool:
    """Whether a line has any figure; a score or multiple beyond the usual, half of its figures."""
    known = sum(1 for fact in found if fact and fact.known)
    return known > 0 and (name not in _BEYOND or 2 * known >= len(found))


def _with_best(row: Row) -> Row:
    """The row with its best figure marked: the largest, or the smallest where less is better."""
    facts = [cell.fact for cell in row.cells if cell.fact and cell.fact.known]
    metric = catalogue().get(facts[0].field) if facts else None
    if not metric or not metric.better or metric.kind not in ("flow", "ratio", "price") or metric.id in _NOT_JUDGED:
        return row
    values = {fact.value for fact in facts if fact.value is not None}
    if len(values) < 2 or currencies_apart(facts):
        return row
    best = max(values) if metric.better > 0 else min(values)
    return structs.replace(
        row, cells=tuple(structs.replace(c, best=True) if c.fact and c.fact.value == best else c for c in row.cells)
    )


def _grid(
    title: str,
    columns: Sequence[str],
    lines: Mapping[str, Sequence[Fact | None]],
    dates: Iterable[Row],
    *,
    remarks: Sequence[str] = (),
    said: Sequence[str] = (),
    formulas: bool = False,
) -> Table:
    """Fields as rows under those that say when, in one scale; `said` are notes of columns that the remarks have."""
    shown = list(chain(*lines.values()))
    scale, currencies, notes = common_scale(shown), currencies_of(shown), Footnotes()
    rows = list(dates)
    for name, facts in lines.items():
        formula = row_formula(facts)
        cells = [
            Cell(with_currency(fact, scale, currencies), fact, notes.mark(fact, column, formula, known))
            for fact, column, known in zip(facts, columns, said or [""] * len(columns), strict=True)
        ]
        rows.append(Row(label(name), tuple(cells), formula))
    unit = "" if formulas else unit_of(shown, scale)
    return Table(title, unit, tuple(columns), tuple(rows), notes.lines(), tuple(remarks))


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
    lines = {name: [company.fact(name, year) for year in company.years] for name in names}
    said = [common_note(column) for column in zip(*lines.values(), strict=True)]
    remarks = [f"{year}: {note}" for year, note in zip(company.years, said, strict=True) if note]
    remarks += [PAYMENTS] if any(name in SPENDING for name in names) else []
    ended = Row("Year ended", tuple(Cell(day(company.data.year_ends.get(year))) for year in company.years))
    return _grid(title, company.years, lines, [ended], remarks=remarks, said=said, formulas=formulas)


def _shown(company: CompanyFigures, name: str) -> bool:
    return any(company.data.usable(name, year) for year in company.years)


def _latest(company: CompanyFigures, name: str) -> Fact | None:
    return company.fact(name, company.years[-1]) if company.years else None


def used_facts(shown: Iterable[Table | None], book: FactBook) -> list[Fact]:
    """The facts that tables show and those they were computed from."""
    cells = [cell for table in shown if table for row in table.rows for cell in row.cells]
    return with_inputs((cell.fact for cell in cells if cell.fact), book.find)
