"""A company against its peers: who they are, and where it stands among them. Pure.

Peers are those that the query names after the company. Else they are chosen: of the same industry, those nearest in
market value. Medians and quartiles are of the peers alone; rank and percentile are of the company among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from math import floor
from typing import NamedTuple

from msgspec import structs

from finassist.analysis.calendar import STALE, Member
from finassist.analysis.cells import last_cell
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Outcome, Row, as_missing, as_senseless, derived, gaps_of
from finassist.analysis.windows import OF_ALL_CLOSES
from finassist.core.facts import Fact, Gap
from finassist.core.metrics import described
from finassist.core.periods import LATEST
from finassist.core.query import Query

MOST, _FEWEST, _FEWEST_RELATED = 8, 4, 3
"""Peers that are chosen at most; below which related industries are looked at, and below which the whole sector is."""

_OF_OUTLIERS = Decimal("1.5")
_FEWEST_SPREAD = 4
"""Figures of peers below which none is called an outlier."""

CHOSEN = "peers"
"""Where a query keeps which peers were chosen, and how."""

OUTLIER = "outside 1.5 × the interquartile range of the peers"

_GENERAL = ("market_cap", "ev_to_ebitda", "ev_to_sales", "pe", "pb", "p_fcf",
            "revenue_growth", "gross_margin", "operating_margin", "net_margin", "roic")  # fmt: skip
_FINANCIAL = ("market_cap", "pe", "pb", "dividend_yield", "revenue_growth", "net_margin", "roe", "roa")
_PROPERTY = ("market_cap", "ev_to_ebitda", "p_ocf", "pb", "dividend_yield",
             "revenue_growth", "operating_margin", "net_margin", "roe")  # fmt: skip
_COMPARED: Mapping[str, tuple[str, ...]] = {"bank": _FINANCIAL, "insurer": _FINANCIAL, "reit": _PROPERTY}
USUAL = tuple(dict.fromkeys((*_GENERAL, *_FINANCIAL, *_PROPERTY)))
"""What peers of any industry are compared by."""


class Summary(NamedTuple):
    """One line below the companies: what it is called in a fact's field, and in a table."""

    field: str
    title: str


UPPER = Summary("peer upper quartile", "Upper quartile")
MEDIAN = Summary("peer median", "Median of the peers")
LOWER = Summary("peer lower quartile", "Lower quartile")
RANK = Summary("rank among peers", "Rank")
PERCENTILE = Summary("percentile among peers", "Percentile")
QUARTILES = (UPPER, MEDIAN, LOWER)
SUMMARIES = (*QUARTILES, RANK, PERCENTILE)


def summary_of(fact: Fact) -> tuple[str, str]:
    """Which line below the companies a fact belongs to, and the figure it sums up; empty for one of a company.

    Example:
        >>> summary_of(Fact(symbol="NKE", field="peer median of pe", statement="ratio"))
        ('peer median', 'pe')
    """
    line, of, field = fact.field.partition(" of ")
    return (line, field) if of and line in {each.field for each in SUMMARIES} else ("", fact.field)


def with_peers(query: Query, cube: Cube) -> Query:
    """A query against peers with its companies and metrics, so that it can be read, edited and run again."""
    if query.scope != "peers":
        return query
    symbol, member = query.companies[0], cube.members.get(query.companies[0])
    metrics = query.metrics or list(_COMPARED.get(member.industry if member else "", _GENERAL))
    changes: dict[str, object] = {"metrics": metrics, "intent": "compare"}
    if member and not query.companies[1:] and not query.sectors and OF_ALL_CLOSES.isdisjoint(metrics):
        how, peers = chosen(member, cube, query.limit or MOST)
        changes |= {"companies": [symbol, *peers], "evidence": {**query.evidence, CHOSEN: f"{' '.join(peers)}: {how}"}}
    return query.model_copy(update=changes)


def against_peers(query: Query, cube: Cube) -> Outcome:
    """The company and its peers by each metric, with the median, the quartiles, and the place of the company."""
    symbols = _everyone(query, cube)
    if len(query.companies) < 2 and not OF_ALL_CLOSES.isdisjoint(query.metrics):
        return Outcome(query, "nothing", gaps=(_by_name_only(query),))
    if len(symbols) < 2:
        alone = [_own(query, cube, symbols[0], metric) for metric in query.metrics]
        gaps = (_no_peers(query, cube), *gaps_of(alone, cube.nearest))
        return Outcome(query, "values", tuple(row for row in alone if row.known), gaps=gaps)
    plain = query.model_copy(update={"operation": "none"}) if query.operation == "median" else query
    columns = {metric: _column(plain, cube, symbols, metric) for metric in query.metrics}
    known = {metric: [row for row in column if row.known] for metric, column in columns.items()}
    rows = [row for metric, own in known.items() for row in (*own, *_summary(metric, symbols[0], own))]
    if not any(row.symbol != symbols[0] for row in rows):
        return Outcome(query, "values", tuple(rows), gaps=_gaps(columns, cube))
    lead = rows[0].fact if len(query.metrics) == 1 and rows[0].symbol == symbols[0] else None
    if query.order and len(query.metrics) == 1:
        lead = best_peer(rows, symbols[0], query.order).fact
    if query.operation == "median":
        lead = next((row.fact for row in rows if summary_of(row.fact) == (MEDIAN.field, query.metrics[0])), lead)
    return Outcome(query, "peers", tuple(rows), lead, _gaps(columns, cube), considered=len(symbols) - 1)


def best_peer(rows: Sequence[Row], subject: str, order: int) -> Row:
    """The peer with the highest figure, or with the lowest where the order is below zero."""
    peers = [row for row in rows if row.symbol != subject]
    return max(peers, key=lambda row: order * _value(row.fact))


def how_chosen(query: Query) -> str:
    """Why just these are the peers, in words; empty where the query names them.

    Example:
        >>> how_chosen(Query(scope="peers", companies=["KO"], sectors=["Consumer Staples"]))
        'all companies of Consumer Staples in the data'
    """
    if query.sectors:
        return f"all companies of {' or '.join(query.sectors)} in the data"
    peers, _, how = query.evidence.get(CHOSEN, "").partition(": ")
    return how if peers.split() == query.companies[1:] else ""  # not where the companies were edited since


# --------------------------------------------------------------------------------------------------------- who they are


@cache
def _related() -> Mapping[str, frozenset[str]]:
    """The industries that are compared with an industry, itself included."""
    text = files("finassist.analysis").joinpath("industries.txt").read_text(encoding="utf-8")
    lines = (line.split(" | ") for line in text.splitlines() if line and not line.startswith("#"))
    return {industry: frozenset(line) for line in lines for industry in line}


def candidates(own: Member, members: Iterable[Member]) -> list[Member]:
    """The company, and those that its peers are chosen from: of its industry and related ones, if few of its sector."""
    everyone = list(members)
    industries = _related().get(own.sub_industry, frozenset({own.sub_industry})) - {""}
    found = [each for each in everyone if each.sub_industry in industries]
    if len(found) <= _FEWEST:
        found += [each for each in everyone if each.sector == own.sector != "" and each not in found]
    return found if own in found else [own, *found]


def chosen(own: Member, cube: Cube, most: int) -> tuple[str, list[str]]:
    """How peers are found, and those of a company: of its industry, else of related ones, else of its sector."""
    beside = [m for m in _one_class_each(cube) if m.symbol not in (own.symbol, own.primary)]
    wider = _related().get(own.sub_industry, frozenset[str]()) - {own.sub_industry}
    how = f"same industry ({own.sub_industry})"
    found = _nearest(own, [m for m in beside if m.sub_industry == own.sub_industry != ""], cube)
    if len(found) < min(_FEWEST, most) and wider:
        how = f"{own.sub_industry} and related industries"
        found += _nearest(own, [m for m in beside if m.sub_industry in wider], cube)
    if len(found) < min(_FEWEST_RELATED, most):
        how, most = f"same sector ({own.sector})", min(_FEWEST, most)
        found += _nearest(own, [m for m in beside if m.sector == own.sector != "" and m.symbol not in found], cube)
    return f"{how}, {'nearest in' if _market_value(own.symbol, cube) else 'largest by'} market value", found[:most]


_LINES = ("price", "revenue", "net_income", "equity", "shares_diluted")
"""One of these is there of each company whose figures were fetched."""


def _one_class_each(cube: Cube) -> list[Member]:
    """Companies with figures, by one share class."""
    found = [member for member in cube.members.values() if member.primary in ("", member.symbol)]
    return [member for member in found if any(cube.series(member.symbol, line) for line in _LINES)]


def _nearest(own: Member, members: Sequence[Member], cube: Cube) -> list[str]:
    """Companies by how many times larger or smaller their market value is; those without one where none has."""
    size = _market_value(own.symbol, cube)
    found = {m.symbol: _market_value(m.symbol, cube) for m in members}
    values = {each: value for each, value in found.items() if value and value.currency == (size or value).currency}
    far = {each: abs((value.value / size.value).ln()) if size else -value.value for each, value in values.items()}
    return sorted(far, key=lambda each: (far[each], each)) or sorted(found)


class _Amount(NamedTuple):
    value: Decimal
    currency: str | None


def _market_value(symbol: str, cube: Cube) -> _Amount | None:
    point = cube.at(symbol, "market_cap", LATEST)
    fact = cube.value(symbol, "market_cap", point) if point else None
    return _Amount(fact.value, fact.currency) if fact is not None and fact.value and fact.value > 0 else None


def _everyone(query: Query, cube: Cube) -> list[str]:
    """The company and its peers; of a whole sector each company by one share class."""
    if not query.sectors:
        return list(query.companies)
    first, own = query.companies[0], cube.members.get(query.companies[0])
    primary = own.primary if own else ""
    members = (m.symbol for m in _one_class_each(cube) if in_sector(m, query.sectors))
    return [first, *(symbol for symbol in members if symbol not in (first, primary))]


def _no_peers(query: Query, cube: Cube) -> Gap:
    name = cube.name(query.companies[0])
    reason = (
        f"There are no companies to choose peers of {name} from in the data. Name them: "
        f"Query(scope='peers', companies=['{query.companies[0]}', …])."
    )
    return Gap(symbol="", need="companies", reason=reason, error="NotInData")


def _by_name_only(query: Query) -> Gap:
    name = next(name for name in query.metrics if name in OF_ALL_CLOSES)
    reason = f"{described(name).title} is compared with peers that are named: it needs every close of each. Name them."
    return Gap(symbol="", need=name, reason=reason, error="NotInData")


# ------------------------------------------------------------------------------------------------------- their figures


def _own(query: Query, cube: Cube, symbol: str, metric: str) -> Row:
    """A figure of a company: at the latest close, or of the twelve months to its latest quarter, else of its year."""
    of_market = described(metric).kind == "price"
    if query.periods and not (of_market and query.periods == ["TTM"]):
        return last_cell(query, cube, symbol, metric)
    latest = last_cell(query.model_copy(update={"periods": []}), cube, symbol, metric)
    if of_market:
        return latest
    months = last_cell(query.model_copy(update={"periods": ["TTM"]}), cube, symbol, metric)
    if months.known or query.periods or not latest.known:
        return months
    return replace(latest, fact=_noted(latest.fact, f"of {latest.fact.period}, as later quarters are not in the data"))


def _column(query: Query, cube: Cube, symbols: Sequence[str], metric: str) -> list[Row]:
    """The figures of all by one metric, outliers noted."""
    rows = [_own(query, cube, symbol, metric) for symbol in symbols]
    currency = next((row.fact.currency for row in rows if row.known), None)
    newest = max((row.fact.period_end for row in rows if row.known and row.fact.period_end), default=date.max)
    rows = [_fit(row, currency, newest) if row.known else row for row in rows]
    far = _outliers([row.fact for row in rows[1:] if row.known])
    return [replace(row, fact=_noted(row.fact, OUTLIER)) if row.known and far(row.fact) else row for row in rows]


def _fit(row: Row, currency: str | None, newest: date) -> Row:
    """The figure, or that it is none to compare with: it is in another currency, or years older than the others."""
    what, end = f"{described(row.metric).title} of {row.symbol}", row.fact.period_end
    if row.fact.currency != currency:
        return replace(row, fact=as_senseless(row.fact, f"{what} is in {row.fact.currency}, not in {currency}."))
    if end and end < newest - STALE:
        return replace(row, fact=as_missing(row.fact, f"{what} is of {end}, too old to compare with {newest}."))
    return row


def _noted(fact: Fact, note: str) -> Fact:
    return structs.replace(fact, note=f"{fact.note}; {note}" if fact.note else note)


def _gaps(columns: Mapping[str, Sequence[Row]], cube: Cube) -> tuple[Gap, ...]:
    """What is not there: companies without a figure for the same reason are named together."""
    together: dict[tuple[str, str], list[Gap]] = {}
    for rows in columns.values():
        for gap in gaps_of(rows, cube.nearest):
            together.setdefault((gap.need, gap.reason), []).append(gap)
    return tuple(_named(gaps, cube) for gaps in together.values())


def _named(gaps: Sequence[Gap], cube: Cube) -> Gap:
    symbols, reason = [gap.symbol for gap in gaps], gaps[0].reason
    if len(gaps) == 1 and (cube.name(symbols[0]) in reason or symbols[0] in reason):
        return gaps[0]
    text = f"{reason.removesuffix('.')} ({', '.join(symbols)})."
    return replace(gaps[0], symbol=symbols[0] if len(gaps) == 1 else "", reason=text)


# ---------------------------------------------------------------------------------------------------------- statistics


def _summary(metric: str, symbol: str, column: Sequence[Row]) -> Iterator[Row]:
    """Quartiles and median of the peers, and the place of the company, each as a fact of the company."""
    peers = [row.fact for row in column if row.symbol != symbol]
    own = next((row.fact for row in column if row.symbol == symbol), None)
    if not peers:
        return
    for summary, part in ((UPPER, 3), (MEDIAN, 2), (LOWER, 1)):
        if len(peers) > 1 or part == 2:
            what = "median" if part == 2 else f"{summary.title.lower()} by linear interpolation"
            made = _made(symbol, summary, quantile(peers, part), peers, f"{what} of {len(peers)} peers")
            yield Row(symbol, metric, made)
    if own is not None and own.value is not None:
        above = 1 + sum(_value(each) > own.value for each in peers)
        text = f"place of {len(peers) + 1}, the highest first"
        yield Row(symbol, metric, _made(symbol, RANK, Decimal(above), [own, *peers], text, "count"))
        share = percentile(own.value, peers)
        text = f"share of {len(peers)} peers below it, equal ones by half"
        yield Row(symbol, metric, _made(symbol, PERCENTILE, share, [own, *peers], text, "ratio"))


def _made(symbol: str, summary: Summary, value: Decimal, facts: Sequence[Fact], formula: str, unit: str = "") -> Fact:
    newest = max(facts, key=lambda fact: str(fact.period_end))
    fact = derived(newest, f"{summary.field} of {newest.field}", value, unit or newest.unit, facts, formula)
    return structs.replace(fact, symbol=symbol)


def quantile(facts: Sequence[Fact], part: int) -> Decimal:
    """A quartile of figures (1 the lower, 2 the median, 3 the upper), interpolated between the two that are nearest.

    Example:
        >>> facts = [Fact(symbol=f"S{n}", field="pe", value=Decimal(n), statement="ratio") for n in (4, 1, 2, 8)]
        >>> [float(quantile(facts, part)) for part in (1, 2, 3)]
        [1.75, 3.0, 5.0]
    """
    values = sorted(map(_value, facts))
    place = Decimal(part * (len(values) - 1)) / 4
    below = floor(place)
    above = values[min(below + 1, len(values) - 1)]
    return values[below] + (above - values[below]) * (place - below)


def percentile(value: Decimal, facts: Sequence[Fact]) -> Decimal:
    """The share of figures below a value; equal ones count by half."""
    below = sum(_value(each) < value for each in facts)
    same = sum(_value(each) == value for each in facts)
    return (Decimal(below) + Decimal(same) / 2) / len(facts)


def _outliers(facts: Sequence[Fact]) -> Callable[[Fact], bool]:
    """Whether a figure is far from those of the peers: 1.5 times the interquartile range beyond a quartile."""
    if len(facts) < _FEWEST_SPREAD:
        return lambda _: False
    low, high = quantile(facts, 1), quantile(facts, 3)
    reach = _OF_OUTLIERS * (high - low)
    return lambda fact: not low - reach <= _value(fact) <= high + reach


def _value(fact: Fact) -> Decimal:
    return fact.value if fact.value is not None else Decimal("NaN")


# ------------------------------------------------------------------------------------------------------------- sectors


def in_sector(member: Member, sectors: Iterable[str]) -> bool:
    """Whether a company belongs to one of the sectors or industries, or no sector is asked."""
    wanted = [sector.casefold() for sector in sectors]
    own = (member.sector.casefold(), member.sub_industry.casefold())
    fund, trust = own[1] == _CUSTODY, own[1].endswith(" reits")
    if (fund and "asset management" not in wanted) or (trust and not any("reits" in each for each in wanted)):
        own = (own[0], "")
    return not wanted or any(sector == own[0] or (sector not in _WHOLE and sector in own[1]) for sector in wanted)


_CUSTODY = "asset management & custody banks"
"""An industry of fund managers for the most part, not of banks; retail REITs are no retailers either."""

_WHOLE = frozenset({"materials", "energy", "industrials", "financials", "utilities", "real estate", "health care"})
"""Sectors whose names also stand in the names of industries of other sectors."""
