"""Facts by company, metric and period: every figure that a query asks for is looked up or computed here. Pure.

`Cube.at` says which of a company's own periods an asked period is; `Cube.value` gives the figure of a metric there as a
`Fact`, derived with formula and inputs where it is computed, or a fact without a value whose note says what lacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, DivisionByZero, InvalidOperation
from itertools import combinations

from msgspec import structs

from finassist.analysis.calendar import Point, rows_of
from finassist.analysis.outcome import KEPT, shares_noted
from finassist.analysis.reasons import (
    CANNOT,
    NEGATIVE,
    PARTS,
    Meaningless,
    because,
    named,
    of_no_year,
    without_earnings,
)
from finassist.analysis.reported import ReportedFigures, absent, made
from finassist.analysis.statements import currencies_apart, not_comparable, other_shares
from finassist.core.facts import Fact, Status
from finassist.core.metrics import (
    MARKET_INPUTS,
    At,
    Binary,
    Call,
    Expression,
    Metric,
    Number,
    Ref,
    catalogue,
    described,
    kind_of,
    parse,
    references,
    unit_of,
)
from finassist.core.periods import Period

TREASURY = "^TNX"
"""Symbol under which the yield of ten-year US treasury bonds is known."""

_RATE_HOLDS = timedelta(days=120)


@dataclass
class Cube(ReportedFigures):
    """Every figure that a query asks for, looked up or computed.

    Attributes:
        beyond: Gives the figures that no formula makes: statistics of closes, and models of many steps.
        assumed: What the query assumes, by metric, instead of what the data say.
    """

    beyond: Callable[[Cube, str, str, Point], Fact] | None = None
    assumed: Mapping[str, float] = field(default_factory=dict[str, float])
    _known: dict[tuple[str, str, str], Fact] = field(default_factory=dict[tuple[str, str, str], Fact])
    _made: dict[str, Fact] = field(default_factory=dict[str, Fact])
    _first: dict[str, str] = field(default_factory=dict[str, str])

    def assuming(self, values: Mapping[str, float]) -> Cube:
        """The same facts with other assumptions."""
        if values == self.assumed:
            return self
        other = copy(self)
        other.assumed, other._known = values, {}
        return other

    def value(self, symbol: str, metric: str, point: Point) -> Fact:
        """The figure of a metric in a period: reported, derived, or absent with the reason as note."""
        key = (symbol, metric, point.label)
        if key not in self._known:
            self._known[key] = self.keep(self._value(symbol, metric, point))
        return self._known[key]

    def keep(self, fact: Fact) -> Fact:
        """Remember a fact that others may be computed from."""
        self._made[fact.key] = fact
        return fact

    def mark(self, symbol: str, of: str) -> str:
        """What tells the steps of a model from those of the first model of a company; empty for that one."""
        own = f"{of} {sorted(self.assumed.items())}" if self.assumed else of
        return "" if self._first.setdefault(symbol, own) == own else f" ({of})"

    def find(self, key: str) -> Fact | None:
        """The fact with a `Fact.key`, among those computed here and those at hand."""
        symbol, _, rest = key.partition("/")
        name, _, label = rest.rpartition("/")
        return self._made.get(key) or self.series(symbol, name).get(label)

    def senseless(self, symbol: str, metric: Metric) -> str:
        """Why a metric makes no sense for a company; empty where it does."""
        member = self.members.get(symbol)
        if member is None or member.industry not in metric.without:
            return ""
        article = "an" if member.industry == "insurer" else "a"
        return f"{metric.title} is not meaningful for {article} {member.industry}."

    def _value(self, symbol: str, metric: str, point: Point) -> Fact:
        about = MARKET_INPUTS.get(metric) or described(metric)
        if metric in self.assumed:
            return self._assumed(symbol, about, point, self.assumed[metric])
        if note := self.senseless(symbol, about) or of_no_year(about, point):
            return absent(symbol, about, point, note, "not_meaningful")
        match metric:
            case "cover_shares":
                return self.shares(symbol, point)
            case "trailing_eps":
                return self._trailing_eps(symbol, point)
            case "price":
                return self.close(symbol, point)
            case "risk_free_rate":
                return self._treasury(point) or self._assumed(symbol, about, point, about.value or 0)
            case _ if about.formula:
                given = self.series(symbol, metric).get(point.label) if about.kind == "price" else None
                return given if given is not None and given.known else self._computed(symbol, about, point)
            case _ if about.value is not None:
                return self._assumed(symbol, about, point, about.value)
            case _ if self.beyond and (about.rests_on or metric == "beta"):
                return self.beyond(self, symbol, metric, point)
            case _:
                return self.reported(symbol, about, point)

    def _assumed(self, symbol: str, metric: Metric, point: Point, value: float) -> Fact:
        fact = made(symbol, metric, point, Decimal(repr(value)), "", [])
        money = self._money(symbol, metric.id) if metric.unit.startswith("USD") else None
        unit = metric.unit.replace("USD", money) if money else fact.unit
        return structs.replace(fact, unit=unit, currency=money, source="assumption", status="assumed", formula=None)

    def _money(self, symbol: str, metric: str) -> str:
        """The currency of a company's figures: those of the metric itself, else its closes or its revenue."""
        each = (fact.currency for name in (metric, "price", "revenue") for fact in self.series(symbol, name).values())
        return next(filter(None, each), "USD")

    def _treasury(self, point: Point) -> Fact | None:
        """The yield of ten-year treasury bonds that was known on a day, not long before it."""
        day = point.end or date.max
        known = [fact for fact in self.series(TREASURY, "risk_free_rate").values() if (fact.as_of or date.max) <= day]
        latest = max(known, key=lambda fact: fact.as_of or date.min, default=None)
        return latest if latest and latest.as_of and day - latest.as_of < _RATE_HOLDS else None

    def _trailing_eps(self, symbol: str, point: Point) -> Fact:
        """EPS of the twelve months that were public on a day; net income per diluted share where that is newer."""
        metric = catalogue()["eps_diluted"]
        trailing = self.trailing_at(symbol, metric.id, point)
        fact = self.value(symbol, metric.id, trailing) if trailing else None
        if fact is None or not fact.known:
            fact = self.as_known(symbol, metric, point)
        months = self.trailing_at(symbol, "net_income", point)
        if months is None or (fact.known and fact.period_end and months.end and fact.period_end >= months.end):
            return fact
        income = self.value(symbol, "net_income", months)
        shares = self.as_known(symbol, catalogue()["shares_diluted"], point)
        if not income.known or not shares.value or income.value is None:
            return fact
        value = income.value / shares.value
        return made(symbol, metric, months, value, "net_income / shares_diluted", [income, shares])

    def _computed(self, symbol: str, metric: Metric, point: Point) -> Fact:
        inputs: list[Fact] = []
        try:
            value = self._evaluate(symbol, parse(metric.formula), point, inputs)
        except (DivisionByZero, InvalidOperation, Meaningless) as error:
            why = str(error) if isinstance(error, Meaningless) else "it would divide by zero"
            reason = self._negative(symbol, metric, point, inputs) or f"{metric.title} is not meaningful: {why}."
            return absent(symbol, metric, point, reason, "not_meaningful")
        missing = next((fact for fact in inputs if not fact.known), None)
        if value is None or missing is not None:
            note = because(missing) if missing and missing.note else f"{metric.title} cannot be computed."
            status: Status = missing.status if missing and missing.status in KEPT else "missing"
            of = f"{metric.title} of {self.name(symbol)}{CANNOT}" if metric.model else ""
            return absent(symbol, metric, point, f"{of}{note}", status)
        negative = without_earnings(metric, value) or self._negative(symbol, metric, point, inputs)
        if reason := negative or self._apart(symbol, metric, point, inputs):
            return absent(symbol, metric, point, reason, "not_meaningful")
        fact = shares_noted(made(symbol, metric, point, value, metric.formula, inputs), inputs)
        if metric.between and value != (kept := _within(value, metric.between)):
            low, high = metric.between
            note = f"{value:.1%} in the data, held between {low:.0%} and {high:.0%}"
            return structs.replace(fact, value=kept, formula=f"within({metric.formula}, {low:g}, {high:g})", note=note)
        alone = f"of {point.label} alone, not annualised"
        parted = point.kind in PARTS and (
            _turnover(parse(metric.formula)) or any(each.note == alone for each in inputs)
        )
        return structs.replace(fact, note=alone) if parted else fact

    def _negative(self, symbol: str, metric: Metric, point: Point, inputs: Sequence[Fact]) -> str:
        """Why a figure to a base that is not above zero says nothing: P/E of a loss, ROE on negative equity."""
        for name in metric.positive.split(" | "):
            value = self._evaluate(symbol, parse(name), point, []) if " " in name else None
            own = [fact.value for fact in inputs if fact.field == name and fact.value is not None]
            if any(each <= 0 for each in (own if value is None else [value])):
                return f"{metric.title} is not meaningful: {NEGATIVE[name]}."
        return ""

    def _apart(self, symbol: str, metric: Metric, point: Point, inputs: Sequence[Fact]) -> str:
        """Why the inputs of a formula do not belong together; empty where they do."""
        reason = currencies_apart(inputs)
        for one, other in combinations(inputs, 2):
            if one.field == other.field and one.period != other.period and not reason:
                reason = not_comparable(other, one)
        price = next((fact for fact in inputs if fact.field == "price"), None)
        if price is not None and not reason:
            reason = next((note for fact in inputs if "before a share split" in (note := fact.note or "")), "")
        if price is not None and any(fact.field == "eps_diluted" for fact in inputs) and not reason:
            shares = self.as_known(symbol, catalogue()["shares_diluted"], point)
            reason = other_shares(price, self.series(symbol, "market_cap").get(price.period), shares)
        return f"{metric.title} is not meaningful: {reason}." if reason else ""

    def nearest(self, symbol: str, metric: str, period: str) -> str:
        """The fiscal year nearest to a period, or the latest, that has all lines of a metric; empty without one."""
        each = [set(self.years(symbol, name)) for name in rows_of(metric) if described(metric).kind != "price"]
        found = set[int].intersection(*each) if each else set[int]()
        asked = re.search(r"\d{4}", period)
        wanted = int(asked[0]) if asked else max(found, default=0)
        return f"FY{min(found, key=lambda year: (abs(year - wanted), -year))}" if found else ""

    def inputs(self, symbol: str, metric: str, point: Point) -> list[Fact]:
        """The facts that the formula of a metric names, in its order."""
        found: list[Fact] = []
        self._evaluate(symbol, parse(described(metric).formula), point, found)
        return found

    def _evaluate(self, symbol: str, node: Expression, point: Point, inputs: list[Fact]) -> Decimal | None:
        match node:
            case Number(value=value):
                return Decimal(repr(value))
            case Ref(id=name):
                fact = self.value(symbol, name, point)
                inputs.append(fact)
                return fact.value
            case Call(name=name, argument=argument):
                return self._called(symbol, name, argument, point, inputs)
            case At(argument=argument, period="", symbol=other):
                return self._evaluate(other, argument, self.same_period(other, rows_of(argument), point), inputs)
            case At(argument=argument, period=period):
                own = self.at(symbol, next(references(argument), ""), Period.parse(period))
                return self._evaluate(symbol, argument, own or Point("FY"), inputs)
            case Binary(sign=sign, left=left, right=right):
                whole = self.trailing_of(symbol, rows_of(right), point) if _of_a_year(node) else point
                above = self._evaluate(symbol, left, point, inputs)
                below = self._evaluate(symbol, right, whole, inputs)
                return None if above is None or below is None else _SIGNS[sign](above, below)

    def _called(self, symbol: str, name: str, argument: Expression, point: Point, inputs: list[Fact]) -> Decimal | None:
        match name:
            case "times":
                return self._evaluate(symbol, argument, point, inputs)
            case "sqrt" | "passed":
                value = self._evaluate(symbol, argument, point, inputs)
                if name == "sqrt" and value is not None and value < 0:
                    raise Meaningless("it would be the root of a negative number")
                return None if value is None else Decimal(value > 0) if name == "passed" else value.sqrt()
            case "at_end":
                return self._evaluate(symbol, argument, Point("DAY", end=point.end), inputs)
            case "ttm" | "latest":
                inner = self._inner_point(symbol, name, argument, point)
                return self._evaluate(symbol, argument, inner or point, inputs)
            case "mean5" | "cagr" | "cagr3":
                return self._of_years(symbol, name, argument, point, inputs)
            case _:
                return self._from_before(symbol, name, argument, point, inputs)

    def _of_years(
        self, symbol: str, name: str, argument: Expression, point: Point, inputs: list[Fact]
    ) -> Decimal | None:
        """The mean of five years, or the compound growth over three or five."""
        years = {"mean5": 4, "cagr3": 3}.get(name, 5)
        points = [self._inner_point(symbol, "latest", argument, point) or point]
        for _ in range(years):
            points.append(self.before(symbol, points[-1], argument))
        wanted = points if name == "mean5" else [points[0], points[-1]]
        values = [self._evaluate(symbol, argument, each, inputs) for each in wanted]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        if name == "mean5":
            return sum(known, Decimal()) / len(known)
        if min(known) <= 0:
            raise Meaningless(f"it needs {named(argument)} above zero")
        return (known[0] / known[-1]) ** (Decimal(1) / years) - 1

    def _from_before(
        self, symbol: str, name: str, argument: Expression, point: Point, inputs: list[Fact]
    ) -> Decimal | None:
        """The figure of the year before, the mean of both, or the growth since."""
        before = self._evaluate(symbol, argument, self.before(symbol, point, argument), inputs)
        if name == "prev":
            return before
        now = self._evaluate(symbol, argument, point, inputs)
        if before is None or now is None:
            return None
        if name == "avg":
            return (before + now) / 2
        if unit_of(argument) == "percent":
            return now - before
        if before <= 0:
            raise Meaningless(f"it needs {named(argument)} above zero")
        return now / before - 1

    def _inner_point(self, symbol: str, name: str, argument: Expression, point: Point) -> Point | None:
        rows = rows_of(argument)
        if point.kind != "DAY":
            return self.trailing_of(symbol, rows, point) if name == "ttm" else point
        if name == "ttm":
            text = argument.id if isinstance(argument, Ref) else rows[0] if rows else ""
            return self.trailing_at(symbol, text, point)
        years = self.public_years(symbol, rows[0], point)
        return self.ended(symbol, rows, Point("FY", years[-1])) if years else None


def _turnover(node: Expression) -> bool:
    """Whether a flow is divided by a balance, as net income by equity: a quarter gives about a fourth of a year."""
    return (
        isinstance(node, Binary) and node.sign == "/" and (kind_of(node.left), kind_of(node.right)) == ("flow", "stock")
    )


def _of_a_year(node: Binary) -> bool:
    """Whether a balance is divided by a flow, as debt by EBITDA: for a quarter too by that of twelve months."""
    return node.sign == "/" and (kind_of(node.left), kind_of(node.right)) == ("stock", "flow")


def _within(value: Decimal, limits: Sequence[float]) -> Decimal:
    low, high = (Decimal(repr(each)) for each in limits)
    return min(max(value, low), high)


_SIGNS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": Decimal.__add__,
    "-": Decimal.__sub__,
    "*": Decimal.__mul__,
    "/": Decimal.__truediv__,
}
