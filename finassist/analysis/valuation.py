"""Models of many steps: a DCF, the growth that a price implies, dividends in two stages; and beta for them. Pure.

Each step is a fact with its formula and inputs, so that anyone can make it again. What lacks makes the whole model a
fact without a value, whose note names it and how to assume it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from itertools import pairwise

from msgspec import structs

from finassist.analysis.calendar import Point
from finassist.analysis.cube import Cube
from finassist.analysis.outcome import KEPT
from finassist.analysis.reasons import ASSUME, CANNOT, because
from finassist.analysis.reported import absent, made
from finassist.analysis.statements import currencies_apart
from finassist.analysis.windows import window_row
from finassist.core.assumptions import short_name
from finassist.core.facts import Fact
from finassist.core.metrics import Binary, Call, Expression, Number, Ref, catalogue, parse
from finassist.core.periods import Period, Span, months_back
from finassist.core.query import Query

_BETA_YEARS = 5
GRID = tuple(Decimal(each) / 1000 for each in (-10, -5, 0, 5, 10))
"""How far WACC and terminal growth lie apart in a grid of values."""

SCENARIOS = {"low": Decimal("0.5"), "base": Decimal(1), "high": Decimal("1.5")}
"""Scenarios: forecast growth lower or higher by half, and the margin by a tenth."""


class Impossible(Exception):
    """A model cannot be made; the fact says why."""

    def __init__(self, fact: Fact) -> None:
        super().__init__(fact.note)
        self.fact = fact


def beyond(cube: Cube, symbol: str, metric: str, point: Point) -> Fact:
    """A figure that no formula makes: beta, or the last step of a model."""
    if metric == "beta":
        return _beta(cube, symbol, point)
    return steps_of(cube, symbol, metric, point)[-1]


def steps_of(cube: Cube, symbol: str, metric: str, point: Point) -> list[Fact]:
    """What a model takes, then its steps; the last is the figure, or the reason why there is none."""
    about = catalogue()[metric]
    try:
        chain = Chain(cube, symbol, point, cube.mark(symbol, f"{metric} {point.label}"))
        _MODELS[metric](chain)
        figure = next(fact for fact in chain.steps if fact.field == metric)
        for fact in (*chain.inputs.values(), *chain.steps):
            cube.keep(fact)
        return [*chain.inputs.values(), *(fact for fact in chain.steps if fact is not figure), figure]
    except Impossible as reason:
        lack = reason.fact
        status = lack.status if lack.status in KEPT else "missing"
        why = because(lack) or lack.field
        if lack.status != "not_meaningful" and ASSUME not in why:
            why += _hint(cube, symbol, _lacking(cube, symbol, lack.field, point), point)
        return [absent(symbol, about, point, f"{about.title} of {cube.name(symbol)}{CANNOT}{why}", status)]
    except (DivisionByZero, InvalidOperation, Overflow):
        return [absent(symbol, about, point, f"{about.title} would divide by zero.", "not_meaningful")]


def _hint(cube: Cube, symbol: str, name: str, point: Point) -> str:
    """How to assume what lacks: with its last known figure as the example, where there is one."""
    known = [fact for fact in cube.series(symbol, name).values() if fact.value is not None and fact.period_end]
    before = [fact for fact in known if (fact.period_end or date.max) <= (point.end or date.max)]
    last = max(before, key=lambda fact: fact.period_end or date.min, default=None)
    example, of = ("…", "") if last is None else (f"{float(last.value or 0):.4g}", f", as in {last.period}")
    return f"{ASSUME}{{'{short_name(name)}': {example}}}{of}."


def _lacking(cube: Cube, symbol: str, metric: str, point: Point) -> str:
    """What lacks below a figure that is not there: the line that it cannot be computed without."""
    about = catalogue().get(metric)
    if about is None or not about.formula or about.kind == "assumption":
        return metric
    lack = next((fact.field for fact in cube.inputs(symbol, metric, point) if not fact.known), metric)
    return "cover_shares" if lack == "shares_diluted" else _lacking(cube, symbol, lack, point)


def _beta(cube: Cube, symbol: str, point: Point) -> Fact:
    """Beta over the five years to a day, or the part of them with daily closes."""
    end = point.end or date.max
    start = months_back(end, 12 * _BETA_YEARS)
    days = [fact.period_end for fact in cube.series(symbol, "price").values() if fact.period_end]
    daily = [before for before, after in pairwise(sorted(days)) if (after - before).days < 8]  # month ends lie further
    start = max(start, min(daily, default=start))
    first, last = (Period("day", day.year, day.month, day.day) for day in (start, end))
    query = Query(metrics=["beta"], companies=[symbol])
    return window_row(query, cube, symbol, "beta", [Span(first, last)]).fact


class Chain:
    """The steps of one model of one company on one day, each made of those before and of the cube's figures."""

    def __init__(self, cube: Cube, symbol: str, point: Point, mark: str) -> None:
        self.cube, self.symbol, self.point, self.mark = cube, symbol, point, mark
        self.inputs: dict[str, Fact] = {}
        self.steps: list[Fact] = []
        self.latest: dict[str, Fact] = {}

    def take(self, metric: str, point: Point | None = None) -> Fact:
        """A figure of the cube, as an input of steps.

        Raises:
            Impossible: It is not there.
        """
        fact = self.cube.value(self.symbol, metric, point or self.point)
        if not fact.known or fact.value is None:
            raise Impossible(structs.replace(fact, field=metric))
        return self.given(metric, fact)

    def given(self, metric: str, fact: Fact) -> Fact:
        """A fact as the input of that name."""
        self.inputs[metric] = self.latest[metric] = fact
        return fact

    def amount(self, metric: str) -> Decimal:
        """The value of an input or of the latest step of that name."""
        return self.latest[metric].value or Decimal()

    def step(self, metric: str, formula: str, point: Point | None = None) -> Fact:
        """One more step: the formula over inputs and earlier steps."""
        inputs: list[Fact] = []
        value = self._evaluate(parse(formula), inputs)
        if (reason := currencies_apart(inputs)) and not metric.endswith(("factor", "growth")):
            self.senseless(f"{reason}.")
        return self.keep(made(self.symbol, catalogue()[metric], point or self.point, value, formula, inputs))

    def total(self, metric: str, of: str) -> Fact:
        """The sum of all steps of one name."""
        facts = [fact for fact in self.steps if fact.field == of]
        value = sum((fact.value or Decimal() for fact in facts), Decimal())
        formula = f"sum of {len(facts)} figures"
        return self.keep(made(self.symbol, catalogue()[metric], self.point, value, formula, facts))

    def senseless(self, note: str) -> None:
        """End the model: it would mean nothing.

        Raises:
            Impossible: Always.
        """
        raise Impossible(Fact(symbol=self.symbol, field="", statement="ratio", status="not_meaningful", note=note))

    def keep(self, fact: Fact) -> Fact:
        """A fact as the latest step of its name."""
        if fact.field not in _MODELS:  # a step of another model or day may have the same name and period
            fact = structs.replace(fact, period=f"{fact.period}{self.mark}")
        self.steps.append(fact)
        self.latest[fact.field] = fact
        return fact

    def _evaluate(self, node: Expression, inputs: list[Fact]) -> Decimal:
        match node:
            case Number(value=value):
                return Decimal(repr(value))
            case Ref(id=name) | Call(argument=Ref(id=name)):  # `prev(x)` is the latest step of x, `ttm(x)` its input
                inputs.append(self.latest[name])
                return self.amount(name)
            case Binary(sign=sign, left=left, right=right):
                one, two = self._evaluate(left, inputs), self._evaluate(right, inputs)
                return {"+": one + two, "-": one - two, "*": one * two}[sign] if sign != "/" else one / two
            case _:
                raise ValueError(f"{node} is no step.")


# ------------------------------------------------------------------------------------------------ discounted cash flow


def _dcf(chain: Chain) -> None:
    _start(chain)
    chain.take("forecast_growth")
    years = _forecast(chain, "forecast_growth")
    _discount(chain, "forecast_cash_flow", "present_value", "wacc", years)
    chain.total("present_values", "present_value")
    chain.step("terminal_value", "forecast_cash_flow * (1 + terminal_growth) / (wacc - terminal_growth)")
    chain.step("terminal_value_today", "terminal_value * discount_factor")
    chain.step("dcf_enterprise_value", "present_values + terminal_value_today")
    chain.step("dcf_equity_value", "dcf_enterprise_value + cash_and_equivalents - long_term_debt")
    chain.step("dcf_value", "dcf_equity_value / cover_shares")
    chain.step("upside", "dcf_value / price - 1")
    _by_multiple(chain)
    chain.steps += [*_grid(chain), *_scenarios(chain)]


def _start(chain: Chain) -> None:
    """What a forecast starts from, but for its growth."""
    for name in ("price", "cover_shares", "cash_and_equivalents", "long_term_debt", "wacc", "terminal_growth",
                 "forecast_years"):  # fmt: skip
        chain.take(name)
    start = chain.cube.trailing_at(chain.symbol, "revenue", chain.point)
    chain.take("revenue", start)
    margin = _margin(chain)
    if chain.amount("wacc") <= chain.amount("terminal_growth"):
        rates = f"WACC is {chain.amount('wacc'):.1%} and terminal growth {chain.amount('terminal_growth'):.1%}"
        chain.senseless(f"{rates}; the discount rate has to be higher.")
    if (margin.value or 0) <= 0:
        chain.senseless("free cash flow was negative; assume the margin that you expect: assume={'margin': 0.1}.")


def _forecast(chain: Chain, growth: str) -> list[Point]:
    """Revenue and cash flow of the years to come, from the last twelve months on."""
    years = list(_years(chain, chain.latest["revenue"].period_end or date.max))
    for place, year in enumerate(years):
        before = "prev(forecast_revenue)" if place else "ttm(revenue)"
        chain.step("forecast_revenue", f"{before} * (1 + {growth})", year)
        chain.step("forecast_cash_flow", "forecast_revenue * forecast_margin", year)
    return years


def _years(chain: Chain, end: date) -> list[Point]:
    count = int(chain.amount("forecast_years"))
    return [Point("TTM", end.year + year, 4, months_back(end, -12 * year)) for year in range(1, count + 1)]


def _margin(chain: Chain) -> Fact:
    """The forecast margin; of cash flow after interest where a company's interest is not in the data."""
    try:
        return chain.take("forecast_margin")
    except Impossible:
        start = chain.cube.trailing_at(chain.symbol, "free_cash_flow", chain.point)
        fact = chain.cube.value(chain.symbol, "fcf_margin", start or chain.point)
        if not fact.known:
            raise Impossible(structs.replace(fact, field="forecast_margin")) from None
        note = "of cash flow after interest: its interest is not in the data"
        return chain.given("forecast_margin", structs.replace(fact, field="forecast_margin", note=note))


def _discount(chain: Chain, flow: str, today: str, rate: str, years: list[Point]) -> None:
    flows = [fact for fact in chain.steps if fact.field == flow]
    for place, (year, fact) in enumerate(zip(years, flows, strict=True)):
        chain.latest[flow] = fact
        chain.step("discount_factor", f"prev(discount_factor) / (1 + {rate})" if place else f"1 / (1 + {rate})", year)
        chain.step(today, f"{flow} * discount_factor", year)


def _by_multiple(chain: Chain) -> None:
    """The value with the terminal value by an exit multiple, where there is one."""
    fact = chain.cube.value(chain.symbol, "exit_multiple", chain.point)
    if fact.known and (fact.value or 0) > 0:
        chain.take("exit_multiple")
        formula = "(present_values + forecast_cash_flow * exit_multiple * discount_factor"
        chain.step("dcf_value_by_multiple", f"{formula} + cash_and_equivalents - long_term_debt) / cover_shares")


_OF_WORTH = ("revenue", "forecast_growth", "forecast_margin", "forecast_years", "terminal_growth", "wacc",
             "cash_and_equivalents", "long_term_debt", "cover_shares")  # fmt: skip
"""Inputs of the DCF value in one formula."""


def _worth(chain: Chain, changed: Mapping[str, Decimal]) -> Decimal:
    """The DCF value per share in one formula, with some of its inputs changed."""
    names = ("wacc", "terminal_growth", "forecast_growth", "forecast_margin")
    wacc, last, growth, margin = (changed[name] if name in changed else chain.amount(name) for name in names)
    flow, total, factor = chain.amount("revenue") * margin, Decimal(), Decimal(1)
    for _ in range(int(chain.amount("forecast_years"))):
        flow, factor = flow * (1 + growth), factor / (1 + wacc)
        total += flow * factor
    total += flow * (1 + last) / (wacc - last) * factor
    return (total + chain.amount("cash_and_equivalents") - chain.amount("long_term_debt")) / chain.amount(
        "cover_shares"
    )


def _other(chain: Chain, metric: str, label: str, formula: str, changed: Mapping[str, Decimal]) -> Fact:
    """The value under other assumptions, labelled by them."""
    inputs = [chain.latest[name] for name in _OF_WORTH]
    fact = made(chain.symbol, catalogue()[metric], chain.point, _worth(chain, changed), formula, inputs)
    return structs.replace(fact, period=label)


def _grid(chain: Chain) -> list[Fact]:
    found = list[Fact]()
    for wacc in (chain.amount("wacc") + step for step in GRID):
        for last in (chain.amount("terminal_growth") + step / 2 for step in GRID):
            if wacc > last:
                label = f"{wacc:.1%} / {last:.2%}"
                formula = f"dcf_value at a WACC of {wacc:.4f} and a terminal growth of {last:.4f}"
                found.append(_other(chain, "dcf_sensitivity", label, formula, {"wacc": wacc, "terminal_growth": last}))
    return found


def _scenarios(chain: Chain) -> list[Fact]:
    found = list[Fact]()
    for name, factor in SCENARIOS.items():
        growth = chain.amount("forecast_growth")
        growth += abs(growth) * (factor - 1)
        margin = chain.amount("forecast_margin") * (1 + (factor - 1) / 5)
        label = f"{name}: growth {growth:.1%}, margin {margin:.1%}"
        formula = f"dcf_value at a growth of {growth:.4f} and a margin of {margin:.4f}"
        changed = {"forecast_growth": growth, "forecast_margin": margin}
        found.append(_other(chain, "dcf_scenario", label, formula, changed))
    return found


_WIDEST = (Decimal("-0.5"), Decimal(1))


def _implied(chain: Chain) -> None:
    """The forecast growth at which the value is the price, found by halving: more growth is more value."""
    _start(chain)
    with suppress(Impossible):
        chain.take("forecast_growth")  # that of the past, to be told beside it
    price = chain.amount("price")
    low, high = _WIDEST
    ends = [_worth(chain, {"forecast_growth": each}) for each in _WIDEST]
    if not ends[0] <= price <= ends[1]:
        chain.senseless(f"no growth between {low:.0%} and {high:.0%} a year gives the price.")
    while high - low > Decimal("1e-9"):
        middle = (low + high) / 2
        low, high = (middle, high) if _worth(chain, {"forecast_growth": middle}) < price else (low, middle)
    inputs = [chain.latest[name] for name in (*_OF_WORTH, "price") if name != "forecast_growth"]
    formula = "forecast growth at which dcf_value is the price"
    about = catalogue()["implied_growth"]
    chain.keep(made(chain.symbol, about, chain.point, high, formula, inputs))
    _forecast(chain, "implied_growth")


# ------------------------------------------------------------------------------------------------------------ dividends


def _two_stage(chain: Chain) -> None:
    growth = "dividend_growth" if "dividend_growth" in chain.cube.assumed else "early_dividend_growth"
    years = chain.cube.public_years(chain.symbol, "dividends_per_share", chain.point)
    last = chain.take("dividends_per_share", Point("FY", years[-1]) if years else None)
    for name in ("cost_of_equity", "terminal_growth", growth, "forecast_years", "price"):
        chain.take(name)
    if chain.amount("cost_of_equity") <= chain.amount("terminal_growth"):
        chain.senseless("the cost of equity has to be above the terminal growth.")
    points = _years(chain, last.period_end or date.max)
    for place, year in enumerate(points):
        before = "prev(forecast_dividend)" if place else "latest(dividends_per_share)"
        chain.step("forecast_dividend", f"{before} * (1 + {growth})", year)
    _discount(chain, "forecast_dividend", "present_dividend", "cost_of_equity", points)
    chain.total("present_dividends", "present_dividend")
    value = "forecast_dividend * (1 + terminal_growth) / (cost_of_equity - terminal_growth)"
    chain.step("terminal_dividend_value", value)
    chain.step("two_stage_value", "present_dividends + terminal_dividend_value * discount_factor")
    chain.step("upside", "two_stage_value / price - 1")


_MODELS: Mapping[str, Callable[[Chain], None]] = {
    "dcf_value": _dcf, "implied_growth": _implied, "two_stage_value": _two_stage,
}  # fmt: skip
