"""What a report opens with, as small tables: quality scores, multiples against their own past, the latest quarter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from msgspec import structs

from finassist.analysis.overview import MULTIPLES, QUARTERLY, RANGE_YEARS, SCORES
from finassist.analysis.peers import MEDIAN
from finassist.core.facts import Fact
from finassist.core.formatting import cell, day, figure, label, listed, number, percent
from finassist.core.metrics import catalogue, described, spoken
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
    """Multiples of the day of the price against those of the peers, and the range of the years before."""
    known = {name: fact for name in MULTIPLES if (fact := company.on_day(name)) and fact.known}
    if not known or company.price is None:
        return None
    past = {name: _past(company, now) for name, now in known.items()}
    peers = {name: fact for name in known if (fact := company.on_day(f"{MEDIAN.field} of {name}"))}
    columns = {str(company.price.period): list(map(_cell, known.values()))}
    if peers:
        columns["Peers (n)"] = [_of_peers(peers.get(name)) for name in known]
    for at, title in enumerate(("Low", "Median", "High")):
        if any(past.values()):
            columns[title] = [_cell(own[at]) if own else Cell("") for own in past.values()]
    rows = [Row(described(name).title, own, known[name].formula)
            for name, own in zip(known, zip(*columns.values(), strict=True), strict=True)]  # fmt: skip
    notes = filter(None, (_against_peers(known, peers), _RANGE if any(past.values()) else ""))
    return Table("Valuation", "", tuple(columns), tuple(rows), notes=tuple(notes))


_RANGE = f"Low, median and high: of about twenty days in the {RANGE_YEARS} years before."


def _cell(fact: Fact) -> Cell:
    return Cell(cell(fact, UNSCALED), fact)


def _past(company: CompanyFigures, now: Fact) -> list[Fact]:
    """Lowest, middle and highest of the years before, or nothing."""
    before = [f for (field, _), f in company.data.facts.items() if field == now.field and f.known and f is not now]
    return sorted(before, key=lambda fact: fact.value or 0) if len(before) == len(("low", "middle", "high")) else []


def _of_peers(median: Fact | None) -> Cell:
    """The median with how many it is of."""
    return Cell(f"{cell(median, UNSCALED)} ({len(median.inputs)})", median) if median else Cell("n/a")


def _against_peers(own: Mapping[str, Fact], peers: Mapping[str, Fact]) -> str:
    """By which multiples the company costs more than the median of its peers, by which less, and who they are."""
    sides: dict[str, list[str]] = {"more expensive": [], "cheaper": []}
    for name, median in peers.items():
        above, better = (own[name].value or 0) - (median.value or 0), catalogue()[name].better
        if above:
            sides["more expensive" if (above > 0) == (better < 0) else "cheaper"].append(spoken(name))
    said = [f"{side} by {listed(names)}" for side, names in sides.items() if names]
    who = dict.fromkeys(fact.note for fact in peers.values() if fact.note)
    stands = [f"Against the median of its peers (n have a figure): {'; '.join(said)}."] if said else []
    return " ".join([*stands, *who])


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
