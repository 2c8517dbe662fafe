"""What is done with the figures of several periods of one company: growth, CAGR, sums, means, extremes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from finassist.analysis.cube import Cube
from finassist.analysis.outcome import Row, by_value
from finassist.analysis.points import Point
from finassist.core.facts import Fact
from finassist.core.metrics import described
from finassist.core.periods import Period


def _growth(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    start = points[0] if len(points) > 1 else cube.before(symbol, points[0], metric)
    first, last = cube.value(symbol, metric, start), cube.value(symbol, metric, points[-1])
    return [Row(symbol, metric, _changed(metric, first, last), first, last)]


def _sequential(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    """Growth against the quarter before, not against the same quarter of the year before."""
    last = points[-1]
    before = cube.at(symbol, metric, Period("quarter", last.year, last.number).moved(-1)) if last.kind == "Q" else None
    return _growth(cube, symbol, metric, [before, last] if before and len(points) == 1 else points)


def _changed(metric: str, first: Fact, last: Fact) -> Fact:
    """Growth in percent of an amount, in points of a ratio; not meaningful from a base that is not positive."""
    if first.value is None or last.value is None:
        return missing_change(first, last)
    about = described(metric)
    if about.unit == "percent":
        return derived(last, f"change of {metric}", last.value - first.value, "points", [first, last], "{b} - {a}")
    if first.value <= 0:
        note = f"Growth in percent is not meaningful: {about.label} was not positive in {first.period}."
        return derived(last, f"growth of {metric}", None, "ratio", [first, last], "", note)
    value = last.value / first.value - 1
    return derived(last, f"growth of {metric}", value, "ratio", [first, last], "{b} / {a} - 1")


def _cagr(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    if len(points) < 2:
        return _growth(cube, symbol, metric, points)
    first, last = cube.value(symbol, metric, points[0]), cube.value(symbol, metric, points[-1])
    if first.value is None or last.value is None:
        return [Row(symbol, metric, missing_change(first, last))]
    years = _years_between(points[0], points[-1])
    if first.value <= 0 or last.value <= 0 or years <= 0:
        note = f"A compound rate needs positive figures at both ends: {described(metric).label} was not."
        return [Row(symbol, metric, derived(last, f"cagr of {metric}", None, "ratio", [first, last], "", note))]
    rate = Decimal(repr(float(last.value / first.value) ** (1 / years) - 1))
    fact = derived(last, f"cagr of {metric}", rate, "ratio", [first, last], f"({{b}} / {{a}}) ^ (1/{years:g}) - 1")
    return [Row(symbol, metric, fact, first, last, f"{years:g}")]


def _years_between(first: Point, last: Point) -> float:
    if first.kind == last.kind == "FY":
        return last.year - first.year
    if first.kind == last.kind and first.number:
        per_year = {"Q": 4, "H": 2}.get(first.kind, 1)
        return last.year - first.year + (last.number - first.number) / per_year
    return ((last.end - first.end).days / 365.25) if first.end and last.end else 0


def _difference(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    start = points[0] if len(points) > 1 else cube.before(symbol, points[0], metric)
    first, last = cube.value(symbol, metric, start), cube.value(symbol, metric, points[-1])
    return [Row(symbol, metric, less(metric, last, first), first, last)]


def less(metric: str, minuend: Fact, subtrahend: Fact) -> Fact:
    """The difference of two figures; in points where they are percentages."""
    if minuend.value is None or subtrahend.value is None:
        return missing_change(subtrahend, minuend)
    unit = "points" if described(metric).unit == "percent" else minuend.unit
    value = minuend.value - subtrahend.value
    return derived(minuend, f"difference of {metric}", value, unit, [subtrahend, minuend], "{b} - {a}")


def _times(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    start = points[0] if len(points) > 1 else cube.before(symbol, points[0], metric)
    first, last = cube.value(symbol, metric, start), cube.value(symbol, metric, points[-1])
    return [Row(symbol, metric, over(metric, last, first), first, last)]


def over(metric: str, above: Fact, below: Fact) -> Fact:
    """How many times one figure is another."""
    if above.value is None or not below.value:
        return missing_change(below, above)
    return derived(above, f"times {metric}", above.value / below.value, "times", [below, above], "{b} / {a}")


def _sum(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    facts = [cube.value(symbol, metric, point) for point in points]
    if not described(metric).summable():
        note = f"{described(metric).title} cannot be added up over several periods; ask for its mean or for each year."
        return [Row(symbol, metric, as_missing(facts[-1], note))]
    return [folded(symbol, metric, facts, "sum")]


def _mean(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    return [folded(symbol, metric, [cube.value(symbol, metric, point) for point in points], "mean")]


def folded(symbol: str, metric: str, facts: Sequence[Fact], how: str) -> Row:
    """The `sum`, `mean` or `median` of figures; missing where one of them is."""
    if missing := next((fact for fact in facts if not fact.known), None):
        return Row(symbol, metric, missing)
    values = [fact.value for fact in facts if fact.value is not None]
    if how == "median":
        middle = sorted(values)
        half = len(middle) // 2
        total = middle[half] if len(middle) % 2 else (middle[half - 1] + middle[half]) / 2
    else:
        total = sum(values, Decimal())
        total = total / len(values) if how == "mean" else total
    fact = derived(facts[-1], f"{how} of {metric}", total, facts[-1].unit, facts, f"{how} of {len(facts)} figures")
    return Row(symbol, metric, fact, facts[0], facts[-1], how)


def _extreme(pick: Callable[..., Row], how: str) -> Callable[[Cube, str, str, Sequence[Point]], list[Row]]:
    def step(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
        rows = [Row(symbol, metric, cube.value(symbol, metric, point), at=how) for point in points]
        known = [row for row in rows if row.known]
        return [pick(known, key=by_value)] if known else rows[-1:]

    return step


def _trend(cube: Cube, symbol: str, metric: str, points: Sequence[Point]) -> list[Row]:
    if len(points) == 1:
        points = [cube.before(symbol, points[0], metric), points[0]]
    return [Row(symbol, metric, cube.value(symbol, metric, point)) for point in points]


OVER_PERIODS: dict[str, Callable[[Cube, str, str, Sequence[Point]], list[Row]]] = {
    "growth": _growth, "sequential": _sequential,
    "cagr": _cagr, "difference": _difference, "times": _times, "sum": _sum, "mean": _mean,
    "max": _extreme(max, "highest"), "min": _extreme(min, "lowest"), "trend": _trend,
}  # fmt: skip


def missing_change(first: Fact, last: Fact) -> Fact:
    """A change of which one end is not there, with that end's reason."""
    absent = first if first.value is None else last
    return as_missing(absent, absent.note or "A figure it needs is not in the data.")


def as_missing(fact: Fact, note: str) -> Fact:
    """The same figure as one that is not there, with the reason."""
    return Fact(symbol=fact.symbol, field=fact.field, unit=fact.unit, period=fact.period, period_end=fact.period_end,
                statement=fact.statement, status="missing" if fact.status != "not_meaningful" else fact.status,
                note=note)  # fmt: skip


def derived(
    like: Fact,
    name: str,
    value: Decimal | None,
    unit: str,
    inputs: Sequence[Fact],
    formula: str,
    note: str | None = None,
) -> Fact:
    """A derived fact of the symbol and period of another."""
    keys = [fact.key for fact in inputs]
    days = [fact.as_of for fact in inputs if fact.as_of]
    return Fact(
        symbol=like.symbol,
        field=name,
        value=value,
        unit=unit,
        currency="USD" if unit.startswith("USD") else None,
        period=like.period,
        period_end=like.period_end,
        as_of=max(days, default=None),
        source=like.source,
        statement="ratio",
        status="derived" if value is not None else "not_meaningful",
        formula=formula.format(a=keys[0], b=keys[-1]) if formula and keys else None,
        inputs=tuple(keys),
        note=note,
    )
