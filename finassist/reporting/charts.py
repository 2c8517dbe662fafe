"""What charts draw: panels of lines of facts, with their unit, their gaps and their sources.

A point without a figure stays in its place as `None`. A chart shows a gap there, never a zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median

from msgspec import structs

from finassist.analysis.implied import IMPLIED
from finassist.analysis.statements import unadjusted_split
from finassist.core.errors import InputError
from finassist.core.facts import Fact, canonical, snake
from finassist.core.formatting import clean, label, listed
from finassist.core.metrics import catalogue, described
from finassist.reporting.company import AnswerLike, CompanyFigures, companies_of
from finassist.reporting.words import MARKET_INDEX, short_name

STATEMENT_LINES = ("revenue", "net_income")
_SIZES = ((Decimal("1e9"), "billions"), (Decimal("1e6"), "millions"))
_SHORTEST_BREAK = 6
"""Days between two closes that are never a gap: a long weekend."""

_FEWEST = 3
"""Periods below which a chart of one figure shows nothing."""

_LONGEST_SPAN = 40
"""Years between the first and the last beyond which no hole is filled."""

REBASED, _MOST_LINES = "rebased", 6

type Point = tuple[str | date, Fact | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line or one colour of bars: `name`, and a fact or `None` for each place on the axis, in its order."""

    name: str
    points: tuple[Point, ...]

    @property
    def known(self) -> list[Fact]:
        """The figures there are."""
        return [fact for _, fact in self.points if fact]


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: `"bars"` or `"lines"` by year, `"closes"` by day, `"rebased"` ones, or `"ranges"` of two lines.

    `unit` is that of the vertical axis in words, such as `"USD billions"`; `divisor` brings a value into it.
    """

    title: str
    kind: str
    unit: str
    divisor: Decimal
    lines: tuple[Line, ...]

    @property
    def by_day(self) -> bool:
        """Whether the horizontal axis is of days."""
        return self.kind in ("closes", "rebased")

    def value(self, fact: Fact | None) -> float | None:
        """A figure in the unit of the axis; `None` where there is none."""
        return float(fact.value / self.divisor) if fact and fact.known and fact.value is not None else None

    @property
    def places(self) -> list[str | date]:
        """The horizontal axis: every place that any line has, in order."""
        longest = max(self.lines, key=lambda line: len(line.points), default=None)
        return [place for place, _ in longest.points] if longest else []

    @property
    def sources(self) -> list[str]:
        """Where the figures came from, each source once."""
        return list(dict.fromkeys(fact.source for line in self.lines for fact in line.known if fact.source))


def by_year(title: str, named: Iterable[tuple[str, CompanyFigures, str]], kind: str) -> Panel | None:
    """The figures of companies by fiscal year, as `"bars"` or `"lines"`, each with its name, company and field.

    Years without figures are in it; `None` where fewer than two have any, or the figures have different units.
    """
    lines = list(named)
    years = _whole(sorted({year for _, company, _ in lines for year in company.years}))
    drawn = [Line(name, tuple((y, company.data.usable(field, y)) for y in years)) for name, company, field in lines]
    return _panel(title, kind, drawn, fewest=2)


def by_company(title: str, companies: Iterable[CompanyFigures], field: str) -> Panel | None:
    """One figure of the latest fiscal year of each company, as bars on one scale."""
    found = [(c.subject.symbol, c.data.usable(field, c.years[-1]) if c.years else None) for c in companies]
    return _panel(title, "bars", [Line(title, tuple(found))], fewest=1)


def over_time(title: str, named: Iterable[tuple[str, Sequence[Fact]]]) -> Panel | None:
    """Facts by period as bars, in a colour for each name; `None` where fewer than three periods have any."""
    lines = [(name, {fact.period: fact for fact in facts if fact.known}) for name, facts in named]
    facts = sorted((fact for _, own in lines for fact in own.values()), key=lambda fact: fact.period_end or date.min)
    periods = dict.fromkeys(fact.period for fact in facts)
    drawn = [Line(name, tuple((period, own.get(period)) for period in periods)) for name, own in lines]
    return _panel(title, "bars", drawn, fewest=_FEWEST)


def _panel(title: str, kind: str, lines: Iterable[Line], *, fewest: int) -> Panel | None:
    """The lines that have figures, of one unit and of enough periods."""
    drawn = tuple(line for line in lines if line.known)
    facts = [fact for line in drawn for fact in line.known]
    if len({fact.period for fact in facts}) < fewest or len({(fact.unit, fact.currency) for fact in facts}) > 1:
        return None
    divisor, unit = _scale(facts)
    return Panel(title, kind, unit, divisor, drawn)


def statements(company: CompanyFigures) -> Panel | None:
    """Revenue and net income of a company by fiscal year."""
    names = [(label(field), company, field) for field in STATEMENT_LINES]
    return by_year(company.subject.title, names, "bars")


def closes(company: CompanyFigures) -> Panel | None:
    """The closes of a company, with a gap where some are missing, and its newest price beside them."""
    known = [fact for fact in company.closes if fact.period_end and fact.value and fact.value.is_finite()]
    if len(known) < 2 or len({fact.currency for fact in known}) > 1:
        return None
    lines = [Line("Close", _with_gaps(known))]
    price = company.price
    if price and price.period_end and price.known and price.currency == known[-1].currency:
        lines.append(Line("Price", ((price.period_end, price),)))
    unit = f"{known[0].currency or ''} per share".strip()
    return Panel(company.subject.title, "closes", unit, Decimal(1), tuple(lines))


def rebased(facts: Iterable[Fact], names: Mapping[str, str]) -> Panel | None:
    """Closes of several companies as parts of 100 at the first of them; `None` where there are not several."""
    own: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.field == REBASED and fact.period_end:
            own.setdefault(fact.symbol, []).append(fact)
    if len(own) < 2:
        return None
    ordered = {symbol: sorted(each, key=lambda fact: fact.period_end or date.min) for symbol, each in own.items()}
    lines = [
        Line(names.get(symbol, symbol), tuple((fact.period_end or date.min, fact) for fact in each))
        for symbol, each in list(ordered.items())[:_MOST_LINES]
    ]
    title, unit = f"{listed(line.name for line in lines)}: share price", "share price, 100 at the start"
    return Panel(title, "rebased", unit, Decimal(1), tuple(lines))


def from_100(companies: Sequence[CompanyFigures], names: Mapping[str, str]) -> Panel | None:
    """The closes of several companies from the first day that all have, each as parts of 100 there."""
    days = [{fact.period for fact in company.closes} for company in companies]
    start = min(set[str]().union(*days[:1]).intersection(*days[1:]), default="")
    if not start or any(unadjusted_split(company.closes) for company in companies):
        return None
    return rebased((fact for company in companies for fact in _from_100(company.closes, start)), names)


def _from_100(closes: Sequence[Fact], start: str) -> Iterator[Fact]:
    [first] = [fact for fact in closes if fact.period == start]
    for close in closes:
        if close.period >= start and first.value and close.value:
            value, formula = 100 * close.value / first.value, f"100 * {close.key} / {first.key}"
            yield structs.replace(close, field=REBASED, value=value, unit="number", currency=None, status="derived",
                                  formula=formula, inputs=(close.key, first.key))  # fmt: skip


def _with_gaps(facts: Sequence[Fact]) -> tuple[Point, ...]:
    """Closes with a `None` wherever the next is much later than their usual distance."""
    days = [fact.period_end for fact in facts if fact.period_end]
    distances = [(after - before).days for before, after in pairwise(days)]
    longest = max(1.7 * median(distances), _SHORTEST_BREAK)
    points: list[Point] = [(days[0], facts[0])]
    for fact, day, distance in zip(facts[1:], days[1:], distances, strict=True):
        if distance > longest:
            points.append((date.fromordinal(day.toordinal() - distance // 2), None))
        points.append((day, fact))
    return tuple(points)


_ENDS = ("lower quartile", "upper quartile", "median")


def football(facts: Iterable[Fact]) -> Panel | None:
    """What the multiples of peers imply for a share, from the lower quartile to the upper, and its price."""
    found = [fact for fact in facts if fact.field.startswith(IMPLIED) or fact.field == "price"]
    made = {fact.field.removeprefix(IMPLIED): fact for fact in found if fact.known and fact.field != "price"}
    metrics = dict.fromkeys(field.partition(" of ")[2] for field in made)
    drawn = {name: described(name).title for name in metrics if all(f"{end} of {name}" in made for end in _ENDS)}
    lines = [Line(end, tuple((title, made[f"{end} of {name}"]) for name, title in drawn.items())) for end in _ENDS]
    about = next(iter(made.values()), None)
    price = next((each for each in found if about and (each.key == f"{about.symbol}/price/{about.period}")), None)
    if about is None or price is None or not lines[0].known:
        return None
    lines.append(Line("Price", ((described("price").title, price),)))
    unit = f"{price.currency or ''} per share".strip()
    return Panel("Share price implied by peers' multiples", "ranges", unit, Decimal(1), tuple(lines))


def _whole(years: Sequence[str]) -> list[str]:
    """Fiscal years without the holes between them."""
    numbers = [int(year[2:]) for year in years if re.fullmatch(r"FY\d{4}", year, re.ASCII)]
    if len(numbers) < len(years) or not numbers or numbers[-1] - numbers[0] > _LONGEST_SPAN:
        return list(years)
    return [f"FY{year}" for year in range(numbers[0], numbers[-1] + 1)]


def _scale(facts: Sequence[Fact]) -> tuple[Decimal, str]:
    fact = facts[0]
    if fact.unit == "ratio":
        return Decimal("0.01"), "percent"
    if fact.unit in ("times", "number"):
        return Decimal(1), fact.unit.replace("number", "")
    of = fact.currency or ("shares" if fact.unit == "shares" else "")
    if fact.unit.endswith("/share"):
        return Decimal(1), f"{of} per share".strip()
    largest = max(abs(fact.value or Decimal(0)) for fact in facts)
    size, word = next(((size, word) for size, word in _SIZES if largest >= size), (Decimal(1), ""))
    return size, " ".join(filter(None, (of, word)))


# --------------------------------------------------------------------------------- panels of an answer


def panels_of(answer: AnswerLike, kind: str | None = None) -> list[Panel]:
    """What `Answer.plot` draws, as panels of facts.

    Raises:
        InputError: There is nothing of this kind to draw.
    """
    companies = companies_of(answer)
    field = any(fact.field.startswith(IMPLIED) for fact in answer.facts)
    wanted = kind or ("price" if answer.category == "stock_price" else "football" if field else "statements")
    match wanted:
        case "statements":
            found = [statements(company) for company in companies]
        case "football":
            found = [football(answer.facts)]
        case "price":
            found = [closes(company) for company in companies]
        case "rebased":
            found = [rebased(answer.facts, _names(answer))]
        case _:
            found = _field(companies, _canonical(wanted))
    panels = [panel for panel in found if panel]
    if not panels:
        raise InputError(_nothing(wanted, companies, answer))
    return panels


def _names(answer: AnswerLike) -> Mapping[str, str]:
    """Short names of the companies of an answer, by ticker."""
    known: Callable[[], Mapping[str, str]] = getattr(answer, "company_names", dict[str, str])
    return {MARKET_INDEX: "S&P 500"} | {symbol: short_name(name) for symbol, name in known().items()}


def _field(companies: Sequence[CompanyFigures], name: str) -> list[Panel | None]:
    """One field of all companies in one panel; in a panel each where their units differ."""
    named = [(company.subject.title, company, name) for company in companies]
    together = by_year(label(name), named, "lines")
    return [together] if together else [by_year(title, [(label(name), d, name)], "lines") for title, d, _ in named]


def _canonical(wanted: str) -> str:
    name = snake(wanted)
    return name if name in catalogue() else canonical(name) or name


def _nothing(wanted: str, companies: Sequence[CompanyFigures], answer: AnswerLike) -> str:
    kinds = [name for name, build in (("statements", statements), ("price", closes)) if any(map(build, companies))]
    kinds += ["rebased"] if rebased(answer.facts, {}) else []
    fields = sorted({field for company in companies for field, _ in company.data.facts})
    kinds += [field for field in fields if any(_field(companies, field))]
    if not kinds:
        return "This answer has no figures over time to draw. Ask for a report, an income statement or a stock price."
    return f"This answer has no “{clean(wanted, 60)}” over time to draw. Choose one of: {', '.join(kinds)}."
