"""Models in words and tables: the reading of a score, a valuation with its assumptions, and their steps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from finassist.analysis.outcome import Outcome, Row
from finassist.core.facts import Fact
from finassist.core.formatting import listed
from finassist.core.metrics import Metric, catalogue, described, references, spoken
from finassist.core.metrics import parse as parsed
from finassist.reporting import tables
from finassist.reporting.tables import Cell, Table
from finassist.reporting.words import Phrase, Words, capital, distinct

type Steps = Mapping[str, Fact]

YEARLY = ("forecast_revenue", "forecast_cash_flow", "forecast_dividend", "discount_factor", "present_value",
           "present_dividend")  # fmt: skip
APART = ("dcf_sensitivity", "dcf_scenario")


def sentence(outcome: Outcome, words: Words) -> str:
    """The headline of a model: its assumptions first where it has some, then the figure and what it says."""
    it, about = words.of(outcome.rows[0]), catalogue()[outcome.rows[0].metric]
    steps = {row.metric: row.fact for row in outcome.more}
    if about.id == "implied_growth":
        return _implied(it, steps, words)
    if about.model == "value":
        return _valued(it, about, steps, words)
    return _scored(it, about, outcome.more, words)


# --------------------------------------------------------------------------------------------------------- valuations

_SAID: Mapping[str, str] = {
    "wacc": "a WACC of {}", "cost_of_equity": "a cost of equity of {}", "forecast_growth": "growth of {} a year",
    "dividend_growth": "dividend growth of {} a year", "forecast_years": "{} years of forecast",
    "early_dividend_growth": "dividend growth of {} a year at first",
    "terminal_growth": "terminal growth of {}", "forecast_margin": "a cash flow margin of {}",
    "marginal_tax": "a tax rate of {}",
}  # fmt: skip


def _assumed(steps: Steps, words: Words) -> str:
    """The assumptions in a row, each with a mark where it was set by the query: `a WACC of 9.0% (set)`."""
    said = [
        form.format(_plain(steps[name], words)) + (" (set)" if name in words.query.assume else "")
        for name, form in _SAID.items()
        if name in steps
    ]
    others = [name for name in words.query.assume if name not in steps or name not in _SAID]
    return listed([*said, *(f"{described(name).label} of {_set(name, steps, words)} (set)" for name in others)])


def _set(name: str, steps: Steps, words: Words) -> str:
    fact = steps.get(name)
    return words.figure(fact) if fact is not None and fact.currency else f"{words.query.assume[name]:g}"


def _plain(fact: Fact, words: Words) -> str:
    return f"{float(fact.value):g}" if fact.unit == "count" and fact.value is not None else words.figure(fact)


def _valued(it: Phrase, about: Metric, steps: Steps, words: Words) -> str:
    given = _assumed(steps, words)
    lead = f"With {given}, the {about.label} of {it.name}" if given else f"The {about.label} of {it.name}"
    per_share = "" if about.label.endswith("per share") else " a share"
    when = "" if about.kind == "price" else f" {it.period}"
    return f"{lead}{when} is {it.value}{per_share}{_against(it.fact, steps.get('price'), words)}."


def _against(fact: Fact, price: Fact | None, words: Words) -> str:
    """How far a value lies from the price: `, 58.9% below the price of USD 309.35 on 2026-08-21`."""
    if price is None or not price.value or fact.value is None or price.currency != fact.currency:
        return ""
    apart = fact.value / price.value - 1
    side = "above" if apart >= 0 else "below"
    return f", {abs(apart):.1%} {side} the price of {words.figure(price)} on {price.period_end}"


def _implied(it: Phrase, steps: Steps, words: Words) -> str:
    rest = {name: fact for name, fact in steps.items() if name not in ("forecast_growth", "forecast_years")}
    years, past = steps["forecast_years"], steps.get("forecast_growth")
    price = f"the price of {words.figure(steps['price'])} on {steps['price'].period_end}"
    grew = (
        f"; in the last three years it grew {words.figure(past)} a year"
        if past and past.formula and not past.note
        else ""
    )
    verb = f"grows {it.value}" if it.direction >= 0 else f"shrinks {it.size}"
    return (
        f"With {_assumed(rest, words)}, {price} implies that {it.owner} revenue {verb} a year"
        f" for {_plain(years, words)} years{grew}."
    )


# ------------------------------------------------------------------------------------------------------------- scores


def _scored(it: Phrase, about: Metric, steps: Sequence[Row], words: Words) -> str:
    of = f" of {len(steps)}" if about.model == "tests" else ""
    value = f"{float(it.fact.value):g}" if about.unit == "count" and it.fact.value is not None else it.value
    lead = f"{it.owner} {about.label} was {value}{of} {it.when}"
    if about.reading and it.fact.value is not None:
        lead += f": {reading(about, it.fact.value)}"
    if about.model == "tests":
        failed = [described(row.metric).label for row in steps if not row.fact.value]
        return f"{lead}. Not passed: {listed(failed)}." if failed else f"{lead}. It passed every test."
    named = {row.metric: row for row in steps if row.metric in _named(about)}
    parts = [words.of(row) for row in named.values()]
    made = listed(f"{part.label} {_plain(part.fact, words)}" for part in parts) if len(parts) <= 6 else ""
    joined = " × ".join(f"{part.label} {part.value}" for part in parts) if about.id.startswith("dupont") else made
    return f"{lead}{f', from {joined}' if joined and not about.reading else ''}."


def _named(about: Metric) -> frozenset[str]:
    return frozenset(references(parsed(about.formula)))


def reading(about: Metric, value: Decimal) -> str:
    """What a value of a score means, with its limit.

    Example:
        >>> reading(catalogue()["altman_z"], Decimal("3.5"))
        'safe (above 2.99)'
    """
    above = ""
    for part in about.reading.split(" | "):
        limit, _, meaning = part.partition(" ")
        try:
            most = Decimal(limit)
        except ArithmeticError:
            return f"{part} (above {above})"
        if value <= most:
            return f"{meaning} ({f'between {above} and' if above else 'up to'} {limit})"
        above = limit
    return ""


# ------------------------------------------------------------------------------------------------------------- tables


def model_tables(figures: Sequence[Fact], words: Words) -> Iterator[Table]:
    """The steps of a model: what it assumes, each year, how the value follows, and other assumptions."""
    figure, *steps = figures
    if catalogue()[figure.field].model == "tests":
        rows = [(described(fact.field).title, [Cell("✓" if fact.value else "✗", fact)]) for fact in steps]
        yield _table("Tests", "Test", ("Passed",), rows)
        return
    yearly = [fact for fact in steps if fact.field in YEARLY]
    apart = [fact for fact in steps if fact.field in APART]
    given = [fact for fact in steps if fact not in yearly and fact not in apart and is_assumption(fact)]
    others = [fact for fact in steps if fact not in yearly and fact not in apart and fact not in given]
    if given:
        yield _table(
            "Assumptions", "Assumption", ("Value", "Where from"), [_line(fact, words, basis) for fact in given]
        )
    if yearly:
        yield _by_year(yearly, words)
    title = "From cash flows to the value" if yearly else "Steps"
    yield _table(title, "Step", ("Value", "Formula"), [_line(fact, words, _formula) for fact in (*others, figure)])
    yield from _other_assumptions(apart, words)


def is_assumption(fact: Fact) -> bool:
    """Whether a valuation assumes the figure, or makes it of data where nothing is assumed."""
    return described(fact.field).kind == "assumption" or fact.status == "assumed" or fact.field in _SAID


def _line(fact: Fact, words: Words, told: Callable[[Fact], str]) -> tuple[str, list[Cell]]:
    return capital(described(fact.field).label), [Cell(_plain(fact, words), fact), Cell(told(fact))]


def basis(fact: Fact) -> str:
    """Where an assumption comes from."""
    if fact.status == "assumed":
        default = catalogue()[fact.field].value if fact.field in catalogue() else None
        return "default" if default is not None and fact.value == Decimal(repr(default)) else "your assumption"
    return fact.note or (_formula(fact) if fact.formula else f"{fact.source}, {fact.period}")


def _formula(fact: Fact) -> str:
    """How a step is computed, in words where it is arithmetic over metrics."""
    if not fact.formula:
        return f"as reported, {fact.period}"
    try:
        words = spoken(fact.formula)
    except ValueError:
        return fact.formula
    for word, sign in ((" * ", " × "), (" as a share of ", " / "), (" plus ", " + "), (" less ", " - ")):
        words = words.replace(word, sign)
    return words


def _by_year(yearly: Sequence[Fact], words: Words) -> Table:
    ends = distinct(str(fact.period_end) for fact in yearly)
    by_place = {(fact.field, str(fact.period_end)): fact for fact in yearly}
    rows = [
        (described(field).title, [Cell(words.figure(by_place[field, end]), by_place[field, end]) for end in ends])
        for field in distinct(fact.field for fact in yearly)
    ]
    return _table("Forecast", "Twelve months to", tuple(ends), rows)


def _other_assumptions(apart: Sequence[Fact], words: Words) -> Iterator[Table]:
    """The value by WACC and terminal growth, and by scenario."""
    grid = {tuple(fact.period.split(" / ")): fact for fact in apart if fact.field == "dcf_sensitivity"}
    if grid:
        columns = distinct(place[1] for place in grid)
        rows = [
            (wacc, [Cell(words.figure(grid[wacc, last]), grid[wacc, last]) if (wacc, last) in grid else Cell("n/a")
                    for last in columns])
            for wacc in distinct(place[0] for place in grid)
        ]  # fmt: skip
        yield _table("Value per share by WACC (down) and terminal growth (across)", "WACC", tuple(columns), rows)
    scenarios = [fact for fact in apart if fact.field == "dcf_scenario"]
    if scenarios:
        rows = [(capital(fact.period), [Cell(words.figure(fact), fact)]) for fact in scenarios]
        yield _table("Scenarios", "Scenario", ("Value per share",), rows)


def _table(title: str, corner: str, columns: tuple[str, ...], rows: Sequence[tuple[str, Sequence[Cell]]]) -> Table:
    lines = tuple(tables.Row(label, tuple(cells)) for label, cells in rows)
    return Table(title, "", columns, lines, corner=corner)
