"""A company of an answer: its figures, how current they are, what is missing, and where they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from finassist.analysis.statements import CompanyFacts, Ratio, report_ratios, words
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.formatting import ABSENCE, NOT_IN_DATA, day, figure, label, listed, span
from finassist.core.result import YEARS_SHOWN, Category, need_title

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


class AnswerLike(Protocol):
    """What a document needs of an answer; `finassist.answer.Answer` has it.

    `years`, `warnings`, `notes()` and `company_names()` count where present.
    """

    content: Any
    category: str
    symbols: list[str]
    facts: list[Fact]
    gaps: list[Gap]
    follow_ups: list[str]
    run_id: str | None
    session_id: str | None


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


_STATEMENT_ORDER = {name: place for place, name in enumerate(STATEMENT_TITLES)}

type _Taking = tuple[bool, str, str, str, int, str]
"""What one source gave: whether a price, source, filing, company, place of the statement, and its year or day."""

_OPTIONAL = ("research_and_development",)
"""Lines that many companies do not have: without any of them, their ratio is not missed."""

_ENOUGH = 5
"""Core lines of the latest year, of seven, that make a report."""


def as_of(category: Category, company: CompanyFigures, *, amount: bool = True) -> str:
    """How current the figures are: the last fiscal year and its end, the price (or only its day); `""` for none.

    Where there is no price, the last close stands in its place, always with its amount.
    """
    parts: list[str] = []
    if company.years and category.statements:
        year = company.years[-1]
        ended = company.data.year_ends.get(year)
        parts.append(f"Statements through {year}" + (f" (year ended {day(ended)})" if ended else ""))
    if company.price and category.prices:
        when = day(company.price.as_of or company.price.period_end)
        parts.append(f"Price {figure(company.price)} on {when}" if amount else f"Price of {when}")
    elif last := last_close(category, company):
        parts.append(f"Last close {figure(last)} on {last.period}")
    return " · ".join(parts)


def last_close(category: Category, company: CompanyFigures) -> Fact | None:
    """The newest close, where it is all that is known of the price."""
    return company.closes[-1] if company.closes and not company.price and category.prices else None


def with_figures(category: Category, companies: Sequence[CompanyFigures]) -> list[CompanyFigures]:
    """The companies that have any figure of the kind asked for."""
    shows, prices = bool(category.statements), category.prices
    return [each for each in companies if (shows and each.years) or (prices and (each.price or each.closes))]


def left_out(category: Category, companies: Sequence[CompanyFigures]) -> str:
    """One sentence on the companies of a comparison that have no figures; `""` where all have."""
    found = with_figures(category, companies)
    names = [each.subject.title for each in companies if each not in found]
    if not names or len(companies) < 2:
        return ""
    why = f"There are no figures for {listed(names)}"
    if len(found) == 1:
        return f"{why}, so there is nothing to compare {found[0].subject.title} with."
    return f"{why}; the comparison leaves {'it' if len(names) == 1 else 'them'} out." if found else f"{why}."


def too_thin(category: Category, company: CompanyFigures) -> str:
    """A sentence where too little of the latest year is known to read it as a whole; `""` elsewhere."""
    core = [line for name in category.statements for line in CORE[name]]
    absent = company.absent(core)
    crucial = "revenue" in absent or "net_income" in absent
    if not company.years or not (crucial or (category.whole and len(core) - len(absent) < _ENOUGH)):
        return ""
    names = listed(words(name) for name in absent)
    are = "are" if len(absent) > 1 else "is"
    return f"{names[0].upper()}{names[1:]} of {company.years[-1]} {are} not known, so read each figure on its own."


def missing(category: Category, companies: Sequence[CompanyFigures], gaps: Sequence[Gap]) -> list[str]:
    """What the answer should have had and has not, in plain text."""
    named = {company.subject.symbol: company for company in companies}
    lines = [_gap_line(gap, named.get(gap.symbol)) for gap in gaps]
    for company in companies:
        if company.years:
            lines += _absent_lines(category, company)
            lines += _absent_ratios(category, company) if category.whole else []
    return lines


def _gap_line(gap: Gap, company: CompanyFigures | None) -> str:
    """The company, the need and the reason of a gap; the company only where the reason does not begin with it."""
    whose = company.subject.title if company else gap.symbol
    needs = [need_title(need) for need in gap.need.split(", ")]
    nothing = company is not None and not (company.years or company.price or company.closes)
    if nothing and gap.reason.startswith(f"{gap.symbol} "):
        return gap.reason
    head = ", ".join(filter(None, (whose, "" if nothing and len(needs) > 2 else listed(needs))))
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
    return [
        f"{source}{f' (accession {filing})' if filing else ''}: {'; '.join(f'{symbol} {what}' for symbol, what in own)}"
        for (source, filing), own in taken(facts).items()
    ]


def taken(facts: Iterable[Fact]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """What was taken of each company from each source and filing, in words; a source's one filing counts for all."""
    found = {_taking(fact) for fact in facts if (fact.known or fact.text) and of_source(fact)}
    filings: dict[tuple[str, str], set[str]] = {}
    for _, source, filing, symbol, *_ in found:
        filings.setdefault((source, symbol), set()).update([filing] if filing else [])
    for each in [taking for taking in found if not taking[2]]:
        if len(own := filings[each[1], each[3]]) == 1:
            found = (found - {each}) | {(*each[:2], next(iter(own)), *each[3:])}
    lines: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (source, filing), group in groupby(sorted(found), key=itemgetter(1, 2)):
        of_each = [(symbol, _taken(own)) for symbol, own in groupby(group, key=itemgetter(3))]
        lines.setdefault((source, filing), []).extend(of_each)
    return lines


class Reference(NamedTuple):
    """A source with its number, what was taken from it in words, and the address of its filing, or `""`."""

    number: int
    name: str
    what: str
    url: str


def of_source(fact: Fact) -> bool:
    """Whether a source gave the figure, or made it of what was filed, and not this answer."""
    made = fact.status == "derived" and bool(fact.filing or fact.concept or not fact.inputs)
    named = bool(fact.source) and not fact.source.startswith("computed")
    return named and (made or fact.status in ("reported", "none_paid"))


def _absent_lines(category: Category, company: CompanyFigures) -> Iterator[str]:
    for name in category.statements:
        for line in CORE[name]:
            absent: dict[str, list[str]] = {}
            for year in company.years:
                if not company.data.usable(line, year):
                    absent.setdefault(_absence(company.fact(line, year)), []).append(year)
            for why, years in absent.items():
                yield f"{company.subject.symbol}: {label(line)} {why} for {span(years)}"


def _absence(fact: Fact | None) -> str:
    """What a sentence says of a line that has no figure to compute with."""
    if fact is None or fact.known:
        return f"is {NOT_IN_DATA}" if fact is None else f"is {fact.note or NOT_IN_DATA}"
    return "was not paid" if fact.status == "none_paid" else f"is {ABSENCE[fact.status]}"


def _absent_ratios(category: Category, company: CompanyFigures) -> Iterator[str]:
    priced = category.prices and company.price is not None
    absent = [
        label(r.field) for r in report_ratios().values() if (r.kind != "price" or priced) and _expected(company, r)
    ]
    if absent:
        yield f"{company.subject.symbol}: not computed for want of inputs: {listed(absent)}"


def _expected(company: CompanyFigures, ratio: Ratio) -> bool:
    """Whether a ratio was left out for want of inputs, and not because such a company has no such line."""
    if company.speaks_of(ratio.field):
        return False
    if ratio.top in _OPTIONAL and not any(company.data.usable(ratio.top, year) for year in company.years):
        return False
    inputs = [company.fact(name, year) for name in (ratio.top, ratio.bottom) for year in company.years]
    return not any(fact and fact.status == "not_meaningful" for fact in inputs)


def _taking(fact: Fact) -> _Taking:
    priced = fact.statement == "price"
    when = day(fact.as_of or fact.period_end) if priced else fact.period
    return priced, fact.source, fact.filing or "", fact.symbol, _STATEMENT_ORDER[fact.statement], when


def _taken(takings: Iterable[_Taking]) -> str:
    """What was taken from one source about one company: each statement with its years, prices with their days."""
    parts: list[str] = []
    for place, group in groupby(takings, key=lambda taking: taking[4]):
        name, whens = list(STATEMENT_TITLES)[place], [when for *_, when in group]
        if name == "price":
            parts.append(f"price of {whens[0]}" if len(whens) == 1 else f"prices of {whens[0]} to {whens[-1]}")
        else:
            parts.append(f"{span(whens)} {STATEMENT_TITLES[name]}")
    return ", ".join(parts)
