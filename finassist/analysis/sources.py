"""The same figures of several sources beside each other: how far they are from the filing's, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from msgspec import structs

from finassist.analysis.cells import cell
from finassist.analysis.cube import Cube
from finassist.analysis.execute import apart
from finassist.analysis.statements import currencies_apart
from finassist.core.facts import Fact, Gap
from finassist.core.query import Query

type Key = tuple[str, str, str]
"""Symbol, metric and period of a figure."""

FROM_FILINGS = ("sec", "embedded")
"""The sources whose figures are the filing's, the first where it has them."""

_FISCAL = ("FY", "Q", "H", "9M")
_FEW_DAYS, _A_MONTH = timedelta(days=7), timedelta(days=31)
_ROUNDING, _LARGEST_SPLIT = 0.01, 50


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """What one source has of the figures asked for, as its key says, and what it could not deliver."""

    source: str
    facts: Mapping[Key, Fact]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceCell:
    """A figure of one source.

    Attributes:
        source: Name of the source.
        fact: The figure, or `None` where the source has none.
        difference: Its distance from the filing's figure as a fraction of that; `None` where they are not compared.
        differs: Whether that is more than the tolerance.
        why: What explains the distance, where it is known; why there is no figure, or why it is not compared.
    """

    source: str
    fact: Fact | None = None
    difference: float | None = None
    differs: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A figure as every source has it, and the one of the filing."""

    symbol: str
    metric: str
    period: str
    filing: Fact | None
    cells: tuple[SourceCell, ...]


def figures_asked(queries: Sequence[Query], cube: Cube) -> dict[Key, Fact]:
    """What queries about named companies ask for, known or absent; "latest" prices of all days have one key."""
    found: dict[Key, Fact] = {}
    for query in (part for each in queries for part in apart(each)):
        asked = query.asked()
        relative = not any(char.isdigit() for each in asked for char in str(each))
        for symbol in query.companies:
            for metric in query.metrics:
                for row in cell(query, cube, symbol, metric):
                    name = metric if query.operation == "none" else f"{query.operation} of {metric}"
                    label = row.fact.period
                    if relative and not label.startswith(_FISCAL):
                        label = str(asked[0]) if asked else "latest"
                    found[symbol, name, label] = structs.replace(row.fact, symbol=symbol, field=name)
    return found


def compared(sources: Sequence[SourceFigures], tolerance: float) -> list[SourceRow]:
    """A row for each figure that a source has, or that none has; in the order asked."""
    keys = dict.fromkeys(key for each in sources for key in each.facts)
    there = {key for each in sources for key, fact in each.facts.items() if fact.known}
    some = {(symbol, metric) for symbol, metric, _ in there}
    shown = [key for key in keys if key in there or key[:2] not in some]
    return [_row(key, sources, tolerance) for key in sorted(shown, key=lambda key: _place(key, keys))]


def _place(key: Key, keys: Mapping[Key, None]) -> tuple[int, str]:
    """Figures of one company and metric stand together, by period."""
    return next(at for at, each in enumerate(keys) if each[:2] == key[:2]), key[2]


def _row(key: Key, sources: Sequence[SourceFigures], tolerance: float) -> SourceRow:
    known = {each.source: fact for each in sources if (fact := each.facts.get(key)) is not None and fact.known}
    order = [*(name for name in FROM_FILINGS if name in known), *known]
    filing = known[order[0]] if order else None
    return SourceRow(*key, filing, tuple(_cell(each, key, filing, tolerance) for each in sources))


def _cell(source: SourceFigures, key: Key, filing: Fact | None, tolerance: float) -> SourceCell:
    fact = source.facts.get(key)
    if fact is None or not fact.known:
        return SourceCell(source.source, why=_absence(source, key))
    if filing is None or filing is fact:
        return SourceCell(source.source, fact, 0.0)
    if reason := currencies_apart((fact, filing)):
        return SourceCell(source.source, fact, why=reason)
    difference = _difference(fact, filing)
    differs = abs(difference) > tolerance
    return SourceCell(source.source, fact, difference, differs, _reason(fact, filing, tolerance) if differs else "")


def _absence(source: SourceFigures, key: Key) -> str:
    """Why a source has no figure: its failure, what it has instead, or what it says."""
    if failed := next((gap for gap in source.gaps if gap.symbol in ("", key[0])), None):
        return failed.reason
    others = [period for symbol, metric, period in source.facts if (symbol, metric) == key[:2]]
    if known := [period for period in others if source.facts[*key[:2], period].known]:
        return f"no figure for {key[2]}; it has {', '.join(known[:4])}"
    return next((note for period in others if (note := source.facts[*key[:2], period].note)), "not in its data")


def _difference(fact: Fact, filing: Fact) -> float:
    now, base = fact.value or Decimal(), filing.value or Decimal()
    if not base:
        return 0.0 if now == base else float("inf") if now > 0 else float("-inf")
    return float((now - base) / abs(base))


def _reason(fact: Fact, filing: Fact, tolerance: float) -> str:
    return next(filter(None, _reasons(fact, filing, tolerance)), "")


def _reasons(fact: Fact, filing: Fact, tolerance: float) -> Iterator[str]:
    """What may explain that a figure is another one than the filing's, the surest first."""
    yield _other_end(fact, filing)
    if _near(fact.value, filing.first_value, tolerance):
        yield f"as first reported on {filing.first_as_of}; restated since"
    if _near(fact.first_value, filing.value, tolerance):
        yield f"restated on {fact.as_of}; the filing's is the first report"
    yield _split(fact, filing)
    if fact.as_of and filing.as_of and abs(fact.as_of - filing.as_of) > _A_MONTH:
        yield f"known on {fact.as_of}, the filing's on {filing.as_of}"
    if fact.note:
        yield fact.note


def _other_end(fact: Fact, filing: Fact) -> str:
    one, other = fact.period_end, filing.period_end
    few = timedelta() if fact.statement == "price" or filing.statement == "price" else _FEW_DAYS
    return f"of {one}, not of {other}" if one and other and abs(one - other) > few else ""


def _near(value: Decimal | None, other: Decimal | None, tolerance: float) -> bool:
    return bool(value and other) and abs(float(value or 0) / float(other or 1) - 1) <= tolerance


def _split(fact: Fact, filing: Fact) -> str:
    """Whether figures per share differ as the numbers of shares before and after a split do."""
    per_share = fact.unit.endswith("/share") or fact.unit == "shares"
    if not per_share or not fact.value or not filing.value or fact.value * filing.value < 0:
        return ""
    times = float(fact.value / filing.value)
    parts = Fraction(times).limit_denominator(_LARGEST_SPLIT if times < 1 else 2)
    small = parts.numerator in (1, 2, 3) or parts.denominator in (1, 2)
    if not parts or parts == 1 or not small or max(parts.numerator, parts.denominator) > _LARGEST_SPLIT:
        return ""
    if abs(times / float(parts) - 1) > _ROUNDING:
        return ""
    many, few = sorted((parts.numerator, parts.denominator), reverse=True)
    return f"on another basis of share splits, {many} for {few}"
