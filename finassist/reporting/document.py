"""What an answer shows, composed once and purely: sections that Markdown, HTML, terminals and exports only render."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain
from typing import Literal

from finassist.analysis.insights import Insight, InsightKind, foremost, insights
from finassist.analysis.statements import currencies_apart
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.formatting import day, listed
from finassist.core.metrics import catalogue
from finassist.core.result import CATEGORY, YEARS_SHOWN, Category, category_of
from finassist.reporting.charts import Panel, by_company, by_year, closes, from_100, statements
from finassist.reporting.company import (
    CompanyFigures,
    Reference,
    Subject,
    as_of,
    last_close,
    left_out,
    missing,
    sources,
    too_thin,
    with_figures,
)
from finassist.reporting.opening import latest_quarter, moved, openings, restated
from finassist.reporting.proof import Proof
from finassist.reporting.references import References, referenced, references
from finassist.reporting.tables import Table, comparison, tables_of, used_facts, year_ends
from finassist.reporting.words import SHOWN, capital, figure, possessive, short_name, when


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that qualifies what follows; `warning` makes it stand out."""

    text: str
    heading: str = ""
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Headline:
    """The sentences that answer, as plain text; shown first and large."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown from a model, a person or a template; surfaces sanitise it. `written` says so where a model wrote it."""

    markdown: str
    written: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A titled list of plain sentences; it is left out where there are none."""

    title: str
    lines: tuple[str, ...]
    kind: Literal["", "strength", "attention", "next", "checks", "missing"] = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure to see first, with what stands below it (its change, its year)."""

    fact: Fact
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Figures to see first; a surface without tiles leaves them out, as tables have them too."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """The facts that tables show (and those behind them), and the numbered sources of these and of the charts."""

    shown: tuple[Fact, ...]
    references: tuple[Reference, ...] = ()

    def bullets(self) -> Bullets:
        """The sources of the tables in words, for a surface without charts."""
        return Bullets("Sources", tuple(sources(self.shown)))


@dataclass(frozen=True, slots=True)
class Cited:
    """Where the figures of an answer come from: each source once, with the address of its filing, or `""`.

    `title` stands before them; `more` says in words how many more there are.
    """

    title: str
    sources: tuple[tuple[str, str], ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class CompanySection:
    """One company's part: surfaces without tiles and charts show `as_of`, the others `as_of_short`, without the price.

    What follows the `sections` is `folded` where it can be.
    """

    title: str
    as_of: str
    as_of_short: str
    sections: tuple[Section, ...]
    folded: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Companies:
    """The parts of all companies, and the table and charts that compare them; `titled` where each has a heading."""

    parts: tuple[CompanySection, ...]
    titled: bool = False
    compared: Table | None = None
    note: str = ""
    panels: tuple[Panel, ...] = ()


type Section = Headline | Note | Text | Bullets | Tiles | Table | Panel | Companies | Sources | Cited | Proof


@dataclass(frozen=True, slots=True)
class Document:
    """An answer ready to be rendered, in reading order; `kind` is `""` where it has no title of its own."""

    companies: tuple[str, ...]
    kind: str
    sections: tuple[Section, ...]


DIFFERENT_YEARS = "The fiscal years end on different days, so the columns do not cover the same months."

_FEW, _MOST_COLOURS = 3, 6
"""Companies whose own charts stand in a comparison, and those that one chart tells apart."""

_IN_SUMMARY = ("revenue", "net_margin")

# ------------------------------------------------------------------------------------------ composing


def document(
    category: str, subjects: Sequence[Subject], facts: Iterable[Fact], gaps: Sequence[Gap], years: int = YEARS_SHOWN
) -> Document:
    """The document on one or several companies, from their fetched and derived facts.

    Example:
        >>> document("stock_price", [Subject("ACME", "Acme Corp")], [], []).kind
        'stock price'
    """
    book = FactBook(facts)
    companies = [CompanyFigures.of(subject, book, years) for subject in subjects]
    return report(category_of(category), companies, book, gaps)


def report(
    about: Category,
    companies: Sequence[CompanyFigures],
    book: FactBook,
    gaps: Sequence[Gap],
    filers: Mapping[str, str] | None = None,
) -> Document:
    """The document on companies whose figures are at hand; `filers` are the SEC's numbers of them, for links."""
    found = companies if len(companies) < 2 else with_figures(about, companies)
    shown = [tables_of(about, company) for company in found]
    compared = None
    if len(found) > 1:
        compared = comparison(found, statements=bool(about.statements), prices=about.prices)
    differ = compared is not None and about.statements and len(year_ends(found)) > 1
    charted = len(found) <= _FEW
    parts = tuple(_company(about, company, own, charted) for company, own in zip(found, shown, strict=True))
    used = [*chain(*shown), *(each for part in parts for each in part.sections if isinstance(each, Table))]
    absent = left_out(about, companies)
    closing = [last for company in found if (last := last_close(about, company))]
    drawn = [fact for company in found for fact in company.closes] if about.prices else []
    lead = _summary(about, with_figures(about, companies))
    facts = (*used_facts([compared, *used], book), *closing)
    known = references([*facts, *drawn], filers or {})
    parts = tuple(_with_references(part, known) for part in parts)
    compared = referenced(compared, known) if compared else None
    sections: list[Section] = [
        *([Headline(lead)] if lead else []),
        *([Note(absent, warning=True)] if absent else []),
        Companies(parts, len(companies) > 1, compared, DIFFERENT_YEARS if differ else "", tuple(_shared(about, found))),
        Bullets("What is missing", tuple(missing(about, companies, gaps)), "missing"),
        Sources(facts, tuple(sorted(set(known.values())))),
    ]
    return Document(tuple(company.subject.title for company in companies), about.title, tuple(sections))


def _company(category: Category, company: CompanyFigures, tables: Sequence[Table], charted: bool) -> CompanySection:
    charts = list(_charts(category, company)) if charted else []
    thin = too_thin(category, company)
    heading = "Too thin for a report." if category.whole else "Incomplete."
    notes: list[Section] = [Note(thin, heading, warning=True)] if thin else []
    opened: list[Section] = [*charts, *tables]
    folded: list[Section] = []
    if category.name == "report":
        observed = insights(company.data)
        opened = [*_foremost(observed), *openings(company), *charts, *_since_last_filing(company)]
        folded = [*tables, *_others(observed)]
    return CompanySection(
        company.subject.title,
        as_of(category, company),
        as_of(category, company, amount=False),
        (*notes, Tiles(tuple(_tiles(category, company))), *opened),
        tuple(folded),
    )


def _with_references(part: CompanySection, known: References) -> CompanySection:
    both = (part.sections, part.folded)
    made = [tuple(referenced(one, known) if isinstance(one, Table) else one for one in each) for each in both]
    return replace(part, sections=made[0], folded=made[1])


def _charts(category: Category, company: CompanyFigures) -> Iterator[Panel]:
    found = (statements(company) if category.statements else None, closes(company) if category.prices else None)
    yield from filter(None, found)


def _shared(category: Category, companies: Sequence[CompanyFigures]) -> Iterator[Panel]:
    """The charts of several companies on one scale."""
    if len(companies) < 2:
        return
    many, years = len(companies) > _MOST_COLOURS, 5 if len(companies) <= _FEW else 3
    named = [(_name(each), replace(each, years=each.years[-years:]), "revenue") for each in companies]
    names = {company.subject.symbol: name for name, company, _ in named}
    bars = by_company("Revenue", companies, "revenue") if many else by_year("Revenue", named, "bars")
    yield from filter(None, [bars if category.statements else None])
    yield from filter(None, [from_100(companies, names) if category.prices and not many else None])


_TITLES: Mapping[InsightKind, str] = {"strength": "Strengths", "attention": "Concerns"}


def _foremost(observed: Sequence[Insight]) -> Iterator[Bullets]:
    for kind, title in _TITLES.items():
        if first := foremost(insight for insight in observed if insight.kind == kind):
            yield Bullets(title, tuple(insight.text for insight in first), kind)


def _others(observed: Sequence[Insight]) -> Iterator[Bullets]:
    first = [*chain(*(foremost(each for each in observed if each.kind == kind) for kind in _TITLES))]
    if others := tuple(insight.text for insight in observed if insight not in first):
        yield Bullets("Further observations", others)


def _since_last_filing(company: CompanyFigures) -> Iterator[Section]:
    if table := latest_quarter(company):
        yield table
    if lines := tuple(restated(company)):
        yield Bullets("Restated in the last year", lines)


def _tiles(category: Category, company: CompanyFigures) -> Iterator[Tile]:
    if category.prices and company.price:
        when = day(company.price.as_of or company.price.period_end)
        yield Tile(company.price, (_signed(company.on_day("change_percent")), when))
        multiple = company.on_day("pe") or company.on_day("pe_ratio")
        for fact in (company.on_day("market_cap"), multiple):
            if fact and fact.known:
                yield Tile(fact, (when,))
    if category.statements and company.years:
        year = company.years[-1]
        beside = {"revenue": "revenue_growth", "net_income": "net_income_growth", "eps_diluted": "eps_growth"}
        cash = ("free_cash_flow",) if category.whole and category.name != "report" else ()
        for name in ("revenue", "net_income", "eps_diluted", *cash):
            fact = company.fact(name, year)
            if fact and fact.known:
                yield Tile(fact, (year, _signed(company.fact(beside.get(name, ""), year))))


def _signed(fact: Fact | None) -> str:
    return moved(fact) if fact and fact.known else ""


def follow_ups(category: str, companies: Sequence[str], *, peers: bool = False) -> list[str]:
    """Two to four questions that naturally come next and that can be answered; `peers` is whether they are known.

    Example:
        >>> follow_ups("stock_price", ["Apple"])[0]
        'Show the income statement of Apple'
    """
    if not companies:
        return ["Tell me about Apple", "Compare Apple and Microsoft", "What is free cash flow?"]
    names = listed(companies[:3])
    asks = [f"Compare {names} with its peers"] if peers and len(companies) == 1 else []
    asks += [other.ask.format(names=names) for other in CATEGORY.values() if other.ask and other.name != category]
    return [*asks[:3], category_of(category).concept]


# --------------------------------------------------------------------------------------------- the summary


def _summary(about: Category, companies: Sequence[CompanyFigures]) -> str:
    """The sentence that sums up the latest fiscal year of companies; empty where there are too few figures."""
    if len(companies) > 1:
        return _side_by_side(companies) if about.statements else ""
    parts = [part for company in companies for part in _of_one(about, company)]
    return f"{capital('; '.join(parts))}." if parts else ""


def _of_one(about: Category, company: CompanyFigures) -> Iterator[str]:
    owner = possessive(_name(company))
    if about.statements and (revenue := _of_latest_year(company, "revenue")):
        yield f"{owner} revenue {_moved(company)} {figure(revenue)} {when(revenue)}"
        if income := _of_latest_year(company, "net_income"):
            what = "net income" if (income.value or 0) >= 0 else "the net loss"
            margin = _of_latest_year(company, "net_margin")
            share = f", {figure(margin)} of revenue" if margin and (margin.value or 0) > 0 else ""
            yield f"{what} was {figure(income, signed=False)}{share}"
    price = company.price
    if about.prices and price and price.known:
        whose = "the" if about.statements and company.years else owner
        yield f"{whose} share price was {figure(price)} on {price.period}"


def _moved(company: CompanyFigures) -> str:
    growth = _of_latest_year(company, "revenue_growth")
    if growth is None or not growth.value:
        return "was"
    if abs(growth.value) < SHOWN:
        return "was almost unchanged at"
    return f"{'rose' if growth.value > 0 else 'fell'} {figure(growth, signed=False)} to"


def _side_by_side(companies: Sequence[CompanyFigures]) -> str:
    """Who has the most revenue, and who the best margin."""
    names = [_name(company) for company in companies]
    degree = "higher" if len(companies) == 2 else "highest"
    won: dict[str, list[str]] = {}
    for metric in _IN_SUMMARY:
        if best := _first(metric, companies):
            name, fact = best
            won.setdefault(name, []).append(
                f"the {degree} {catalogue()[metric].label} ({figure(fact)} in {fact.period})"
            )
    return f"Of {listed(names)}, {listed(f'{name} had {listed(each)}' for name, each in won.items())}." if won else ""


def _first(metric: str, companies: Sequence[CompanyFigures]) -> tuple[str, Fact] | None:
    facts = {_name(company): fact for company in companies if (fact := _of_latest_year(company, metric))}
    if len(facts) < len(companies) or currencies_apart(facts.values()):
        return None
    return max(facts.items(), key=lambda item: item[1].value or Decimal())


def _of_latest_year(company: CompanyFigures, name: str) -> Fact | None:
    fact = company.fact(name, company.years[-1]) if company.years else None
    return fact if fact and fact.known else None


def _name(company: CompanyFigures) -> str:
    return short_name(company.subject.name or company.subject.symbol)
