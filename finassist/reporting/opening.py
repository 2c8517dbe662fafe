"""What a report opens with, as small tables: quality scores, multiples against their own past, the latest quarter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from msgspec import structs

from finassist.analysis.overview import MULTIPLES, QUARTERLY, RANGE_YEARS, SCORES
from finassist.core.facts import Fact
from finassist.core.formatting import cell, day, figure, label, number, percent
from finassist.core.metrics import catalogue, described
from finassist.reporting.company import CompanyFigures
from finassist.reporting.models import reading
from finassist.reporting.tables import UNSCALED, Cell, Row, Table, common_scale, scale_of, unit_of
from finassist.reporting.words import SHOWN

_RESTATED = (
    "revenue",
    "operating_income",
    "net_income",
    "eps_diluted",
    "operating_cash_flow",
    "total_assets",
    "equity",
)
_MOST_RESTATED = 4
_A_YEAR = 366


def openings(company: CompanyFigures) -> Iterator[Table]:
    """Scores and multiples of a company, where it has any."""
    yield from filter(None, (quality(company), valuation(company)))


def quality(company: CompanyFigures) -> Table | None:
    """The scores of the latest fiscal year with what they mean; why one cannot be computed is said below them."""
    found = [fact for name in SCORES if (fact := _newest(company, name))]
    known = [fact for fact in found if fact.known]
    rows = [Row(described(f.field).title, (Cell(_score(f), f), Cell(_means(f))), f.formula) for f in known]
    lacking = [fact.note for fact in found if not fact.known and fact.note]
    return Table("Quality", "", (known[0].period, "Reading"), tuple(rows), notes=tuple(lacking)) if known else None


def _newest(company: CompanyFigures, name: str) -> Fact | None:
    found = [fact for (field, period), fact in company.data.facts.items() if field == name and period in company.years]
    return max(found, key=lambda fact: (fact.known, fact.period), default=None)


def _score(fact: Fact) -> str:
    value = fact.value or Decimal()
    return f"{float(value):g} of 9" if fact.unit == "count" else cell(fact, UNSCALED)


def _means(fact: Fact) -> str:
    about = catalogue()[fact.field]
    if about.reading and fact.value is not None:
        return reading(about, fact.value)
    return "cash above profit" if (fact.value or 0) <= 0 else "profit above cash"


def valuation(company: CompanyFigures) -> Table | None:
    """Multiples of the day of the price against the lowest, middle and highest of the years before."""
    rows = [row for name in MULTIPLES if (row := _multiple(company, name))]
    if not rows or company.price is None:
        return None
    ranged = any(len(row.cells) > 1 for row in rows)
    columns = (str(company.price.period), *(("Lowest", "Median", "Highest") if ranged else ()))
    whole = [Row(row.label, (*row.cells, *(Cell("") for _ in columns[len(row.cells) :])), row.formula) for row in rows]
    said = (
        f"Lowest, median and highest of about twenty days in the {RANGE_YEARS} years before, if closes go back so far."
    )
    return Table("Valuation", "", columns, tuple(whole), notes=(said,) if ranged else ())


def _multiple(company: CompanyFigures, name: str) -> Row | None:
    now = company.on_day(name)
    if now is None or not now.known:
        return None
    before = [f for (field, _), f in company.data.facts.items() if field == name and f.known and f is not now]
    past = sorted(before, key=lambda fact: fact.value or 0) if len(before) == len(("low", "middle", "high")) else []
    return Row(described(name).title, tuple(Cell(cell(fact, UNSCALED), fact) for fact in (now, *past)), now.formula)


# --------------------------------------------------------------------------------------------- since the last filing


def latest_quarter(company: CompanyFigures) -> Table | None:
    """The latest quarter against the same a year before."""
    facts = company.data.facts
    growths = [(name, fact) for name in QUARTERLY for fact in _changes(company, name)]
    if not growths:
        return None
    now = max((fact.period for _, fact in growths), key=lambda period: (period[3:], period))
    before = f"{now[:3]}{int(now[3:]) - 1}"
    trios = [(n, facts.get((n, now)), facts.get((n, before)), f) for n, f in growths if f.period == now]
    shown = [fact for _, one, other, _ in trios for fact in (one, other) if fact]
    scale = common_scale(shown)
    rows = [
        Row(label(n), (*(Cell(cell(f, scale_of(f, scale)) if f else "", f) for f in pair), Cell(moved(change), change)))
        for n, *pair, change in trios
    ]
    ends = [next((f.period_end for _, *pair, _ in trios if (f := pair[place])), None) for place in (0, 1)]
    ended = Row("Quarter ended", (*(Cell(day(end)) for end in ends), Cell("")))
    return Table(f"{now} against {before}", unit_of(shown, scale), (now, before, "Change"), (ended, *rows))


def _changes(company: CompanyFigures, name: str) -> list[Fact]:
    return [f for (field, period), f in company.data.facts.items() if field == f"growth({name})" and period[0] == "Q"]


def moved(fact: Fact | None) -> str:
    """A change with its direction as a sign: `▲ 6.4%`, `▼ 1.2 pp`; words where there is none.

    Example:
        >>> moved(Fact(symbol="A", field="growth(revenue)", value=Decimal("-0.064"), unit="ratio", statement="ratio"))
        '▼ 6.4%'
    """
    if fact is None or not fact.known or fact.value is None:
        return cell(fact, UNSCALED) if fact else ""
    size = abs(fact.value)
    text = f"{number(size * 100, 1)} pp" if fact.unit == "points" else percent(size)
    return f"{'▲' if fact.value > 0 else '▼'} {text}" if size >= SHOWN else text


def restated(company: CompanyFigures) -> Iterator[str]:
    """Figures that the filings of the last year changed, in sentences."""
    facts = [fact for year in company.years for name in _RESTATED if (fact := company.data.usable(name, year))]
    newest = max((fact.as_of for fact in facts if fact.as_of), default=date.min)
    changed = [fact for fact in facts if _was_changed(fact) and (newest - (fact.as_of or date.min)).days < _A_YEAR]
    for fact in changed[:_MOST_RESTATED]:
        yield (
            f"{label(fact.field)} of {fact.period} is now {figure(fact)}, first reported as {_first(fact)}"
            f" on {day(fact.first_as_of)}; the change was filed on {day(fact.as_of)}."
        )


def _was_changed(fact: Fact) -> bool:
    """Whether the filings give another figure than at first, in the digits that a sentence shows too."""
    return fact.first_value is not None and _first(fact) != figure(fact)


def _first(fact: Fact) -> str:
    return figure(structs.replace(fact, value=fact.first_value))
