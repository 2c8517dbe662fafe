"""What charts draw: panels of lines of facts, with their unit, their gaps and their sources.

A point without a figure stays in its place as `None`. A chart shows a gap there, never a zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise, starmap
from statistics import median

from msgspec import structs

from finassist.analysis.implied import IMPLIED
from finassist.analysis.statements import unadjusted_split
from finassist.core.facts import Fact, snake
from finassist.core.formatting import figure, label, listed, number
from finassist.core.metrics import catalogue, described
from finassist.reporting.company import CompanyFigures

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

    `"heat"` has a line for each column; `"steps"` a line of levels and one of what lies between them.

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


def side_by_side(title: str, named: Iterable[tuple[str, Sequence[Fact]]]) -> Panel | None:
    """Facts by company as bars, in a colour for each name, whatever period they are of."""
    lines = [(name, {fact.symbol: fact for fact in facts if fact.known}) for name, facts in named]
    places = dict.fromkeys(symbol for _, own in lines for symbol in own)
    drawn = [Line(name, tuple((place, own.get(place)) for place in places)) for name, own in lines]
    return _panel(title, "bars", drawn, fewest=1)


def by_company(title: str, companies: Iterable[CompanyFigures], field: str) -> Panel | None:
    """One figure of the latest fiscal year of each company, as bars on one scale."""
    found = [(c.subject.symbol, c.data.usable(field, c.years[-1]) if c.years else None) for c in companies]
    return _panel(title, "bars", [Line(title, tuple(found))], fewest=1)


def over_time(
    title: str, named: Iterable[tuple[str, Sequence[Fact]]], kind: str = "bars", *, fewest: int = _FEWEST
) -> Panel | None:
    """Facts by period, in a colour for each name; `None` where fewer than `fewest` periods have any."""
    lines = [(name, {fact.period: fact for fact in facts if fact.known}) for name, facts in named]
    facts = sorted((fact for _, own in lines for fact in own.values()), key=lambda fact: fact.period_end or date.min)
    periods = dict.fromkeys(fact.period for fact in facts)
    drawn = [Line(name, tuple((period, own.get(period)) for period in periods)) for name, own in lines]
    return _panel(title, kind, drawn, fewest=fewest)


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


HEAT, STEPS = "heat", "steps"
_MOST_ROWS, _MOST_METRICS = 25, 10


def heat(facts: Iterable[Fact]) -> Panel | None:
    """Companies by metric, each column coloured by rank; `None` where no two companies have a figure."""
    cells = {(fact.field, fact.symbol): fact for fact in facts if fact.text is None}
    symbols = list(dict.fromkeys(symbol for _, symbol in cells))[:_MOST_ROWS]
    fields = list(dict.fromkeys(field for field, _ in cells))
    lines = [Line(label(field), tuple((each, cells.get((field, each))) for each in symbols))
             for field in fields]  # fmt: skip
    shown = tuple(line for line in lines if len(line.known) > 1)[:_MOST_METRICS]
    unit = "darker: better, or higher, in its column"
    return Panel("Companies by metric", HEAT, unit, Decimal(1), shown) if shown else None


def ranks(line: Line) -> list[float | None]:
    """Where each figure stands among those of its line, from 0 to 1; 1 is the best, or the highest.

    Amounts in several currencies have no order: each is at 0.

    Example:
        >>> facts = [Fact(symbol=s, field="pe", statement="ratio", value=Decimal(v)) for s, v in (("A", 9), ("B", 30))]
        >>> ranks(Line("P/E", (("A", facts[0]), ("B", facts[1]), ("C", None))))
        [1.0, 0.0, None]
    """
    if len({fact.currency for fact in line.known}) > 1:
        return [0.0 if fact else None for _, fact in line.points]
    values = sorted({fact.value for fact in line.known if fact.value is not None})
    metric = catalogue().get(line.known[0].field)
    if metric and metric.better < 0:
        values.reverse()
    most = max(len(values) - 1, 1)
    return [values.index(fact.value) / most if fact and fact.value is not None else None for _, fact in line.points]


_ALONE = ("ratio", "times", "number", "count", "points", "days")
"""Units that stand beside their figure, as "26.9%" and "35.5×"."""


def written(line: Line) -> tuple[str, list[str]]:
    """The head of a column with its unit, and its figures in that unit; "" where there is none.

    Example:
        >>> fact = Fact(symbol="A", field="revenue", statement="income", unit="USD", currency="USD", value=Decimal(7e9))
        >>> written(Line("Revenue", (("A", fact), ("B", None))))
        ('Revenue, USD billions', ['7.0', ''])
    """
    facts = line.known
    divisor, unit = _scale(facts)
    if facts[0].unit in _ALONE or len({fact.currency for fact in facts}) > 1:
        return line.name, [figure(fact) if fact else "" for _, fact in line.points]
    places = 2 if divisor == 1 else 1
    amounts = [fact.value if fact and fact.known else None for _, fact in line.points]
    return f"{line.name}, {unit}", ["" if each is None else number(each / divisor, places) for each in amounts]


LEVELS = ("revenue", "gross_profit", "operating_income", "net_income")
_BETWEEN = {
    ("revenue", "gross_profit"): "Cost of revenue",
    ("revenue", "operating_income"): "Costs and expenses",
    ("gross_profit", "operating_income"): "Operating expenses",
    ("gross_profit", "net_income"): "Other costs",
    ("operating_income", "net_income"): "Interest, tax and other",
}


def waterfall(company: CompanyFigures) -> Panel | None:
    """The way from the revenue of a company's latest year down to its net income: the levels, and what lies between."""
    for year in reversed(company.years):
        found = [fact for field in LEVELS if (fact := company.data.usable(field, year))]
        if len(found) > 2 and (found[0].field, found[-1].field) == (LEVELS[0], LEVELS[-1]):
            levels: dict[str, Fact] = {label(fact.field): fact for fact in found}
            steps = dict(starmap(_step, pairwise(found)))
            places = [name for pair in zip(levels, [*steps, ""], strict=True) for name in pair if name]
            lines = [Line(name, tuple((place, own.get(place)) for place in places))
                     for name, own in (("Left", levels), ("Taken off or added", steps))]  # fmt: skip
            title = f"{company.subject.title}: from revenue to net income in {year}"
            return _panel(title, STEPS, lines, fewest=1)
    return None


def _step(upper: Fact, lower: Fact) -> tuple[str, Fact]:
    name = _BETWEEN[upper.field, lower.field]
    value, formula = (lower.value or Decimal()) - (upper.value or Decimal()), f"{lower.field} - {upper.field}"
    made = {"field": snake(name), "value": value, "formula": formula, "inputs": (lower.key, upper.key)}
    return name, structs.replace(lower, status="derived", concept=None, **made)


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
