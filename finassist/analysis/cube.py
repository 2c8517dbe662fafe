"""Facts by company, metric and period: every figure that a query asks for is looked up or computed here. Pure.

`Cube.at` says which of a company's own periods an asked period is; `Cube.value` gives the figure of a metric there as a
`Fact`, derived with formula and inputs where it is computed, or a fact without a value whose note says what lacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, DivisionByZero, InvalidOperation
from itertools import combinations

from msgspec import structs

from finassist.analysis.calendar import STALE, FiscalCalendar, Point, known_on, rows_of
from finassist.analysis.outcome import KEPT, shares_noted, told
from finassist.analysis.statements import currencies_apart, nearest_cover, not_comparable, other_shares
from finassist.core.facts import Fact, Status
from finassist.core.metrics import (
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


@dataclass
class Cube(FiscalCalendar):
    """Every figure that a query asks for, looked up or computed."""

    _known: dict[tuple[str, str, str], Fact] = field(default_factory=dict[tuple[str, str, str], Fact])

    def value(self, symbol: str, metric: str, point: Point) -> Fact:
        """The figure of a metric in a period: reported, derived, or absent with the reason as note."""
        key = (symbol, metric, point.label)
        if key not in self._known:
            self._known[key] = self._value(symbol, metric, point)
        return self._known[key]

    def senseless(self, symbol: str, metric: Metric) -> str:
        """Why a metric makes no sense for a company; empty where it does."""
        member = self.members.get(symbol)
        if member is None or member.industry not in metric.without:
            return ""
        article = "an" if member.industry == "insurer" else "a"
        return f"{metric.title} is not meaningful for {article} {member.industry}."

    def _value(self, symbol: str, metric: str, point: Point) -> Fact:
        about = described(metric) if metric not in ("cover_shares", "trailing_eps") else _INPUTS[metric]
        if note := self.senseless(symbol, about):
            return _absent(symbol, about, point, note, "not_meaningful")
        if metric == "cover_shares":
            return self._shares(symbol, point)
        if metric == "trailing_eps":
            return self._trailing_eps(symbol, point)
        if metric == "price":
            return self._close(symbol, point)
        if about.formula:
            given = self.series(symbol, metric).get(point.label) if about.kind == "price" else None
            return given if given is not None and given.known else self._computed(symbol, about, point)
        return self._reported(symbol, about, point)

    def _reported(self, symbol: str, metric: Metric, point: Point) -> Fact:
        found, fact = self.series(symbol, metric.id), None
        if point.kind == "DAY":
            return self._as_known(symbol, metric, point)
        if point.kind in ("FY", "Q"):
            fact = found.get(point.label)
        elif metric.kind in ("stock", "count"):
            label = f"Q{point.number * 2 if point.kind == 'H' else point.number} {point.year}"
            annual = found.get(f"FY{point.year}") if label.startswith("Q4") else None
            fact = found.get(point.label) or found.get(label) or annual
        else:
            return self._summed(symbol, metric, point)
        return fact if fact is not None and fact.known else self._not_there(symbol, metric, point, fact)

    def _summed(self, symbol: str, metric: Metric, point: Point) -> Fact:
        """A flow over several quarters: their sum, or year + quarters since - the same quarters a year before."""
        if point.kind == "TTM":
            return self._twelve_months(symbol, metric, point)
        if (own := self.series(symbol, metric.id).get(point.label)) is not None and own.known:
            return own
        wanted = {"H": (1, 2) if point.number == 1 else (3, 4), "9M": (1, 2, 3)}[point.kind]
        parts = [self.series(symbol, metric.id).get(f"Q{n} {point.year}") for n in wanted]
        return self._total(symbol, metric, point, [(1, part) for part in parts])

    def _twelve_months(self, symbol: str, metric: Metric, point: Point) -> Fact:
        found = self.series(symbol, metric.id)
        whole = found.get(f"FY{point.year}")
        if point.number in (0, 4) and whole is not None and whole.known:
            return self._total(symbol, metric, point, [(1, whole)])
        labels = [point.quarter_back(steps).label for steps in range(4)]
        parts = [found.get(label) for label in labels]
        if all(part is not None and part.known for part in parts):
            return self._total(symbol, metric, point, [(1, part) for part in parts])
        year, now = found.get(f"FY{point.year - 1}"), range(1, point.number + 1)
        bridge: list[tuple[int, Fact | None]] = [(1, year)]
        bridge += [(1, found.get(f"Q{n} {point.year}")) for n in now]
        bridge += [(-1, found.get(f"Q{n} {point.year - 1}")) for n in now]
        return self._total(symbol, metric, point, bridge)

    def _total(self, symbol: str, metric: Metric, point: Point, parts: Sequence[tuple[int, Fact | None]]) -> Fact:
        known = [(sign, part) for sign, part in parts if part is not None and part.known and part.value is not None]
        if len(known) < len(parts):
            return self._not_there(symbol, metric, point, None)
        if reason := currencies_apart(part for _, part in known):
            return _absent(symbol, metric, point, f"{metric.title} cannot be added up: {reason}.", "not_meaningful")
        total = sum((sign * (part.value or Decimal()) for sign, part in known), Decimal())
        formula = " ".join(f"{'+' if sign > 0 else '-'} {part.period}" for sign, part in known).removeprefix("+ ")
        return _derived(symbol, metric, point, total, formula, [part for _, part in known])

    def _as_known(self, symbol: str, metric: Metric, point: Point) -> Fact:
        """The latest fiscal-year figure that was public on a day."""
        if point.end is None:
            return self._not_there(symbol, metric, point, None)
        public = [
            fact
            for fact in self.series(symbol, metric.id).values()
            if fact.known and fact.period_end and known_on(fact) <= point.end and fact.period_end > point.end - STALE
        ]
        balances = metric.kind in ("stock", "count")
        usable = [fact for fact in public if balances or fact.period.startswith("FY")]
        best = max(usable, key=lambda fact: fact.period_end or date.min, default=None)
        return best or self._not_there(symbol, metric, point, None)

    def _not_there(self, symbol: str, metric: Metric, point: Point, fact: Fact | None) -> Fact:
        if fact is not None:
            return told(f"{metric.title} of {self.name(symbol)}", fact)
        years, what = self.years(symbol, metric.id), f"{metric.title} of {self.name(symbol)} is"
        never = next((each for each in self.series(symbol, metric.id).values() if each.status == "not_reported"), None)
        if not years and never:
            return _absent(symbol, metric, point, f"{what} not reported: {never.note}.", "not_reported")
        if not years:
            note = f"{what} not in the data."
        elif point.kind != "FY":
            note = f"{what} not in the data for {point.label}; by year it is there to FY{years[-1]}."
        else:
            span = f"FY{years[0]} to FY{years[-1]}" if len(years) > 1 else f"FY{years[0]} only"
            note = f"{what} there for {span}, not for {point.label}."
        return _absent(symbol, metric, point, note)

    def _close(self, symbol: str, point: Point) -> Fact:
        metric = catalogue()["price"]
        closes, day = self.series(symbol, "price"), point.end
        recent = (closes.get(str(day - timedelta(days=back))) for back in range(8) if day)
        found = next((fact for fact in recent if fact is not None and fact.known), None)
        return found or _absent(symbol, metric, point, self.no_price(symbol, day))

    def _shares(self, symbol: str, point: Point) -> Fact:
        """Shares outstanding on a day: the cover page's where it is near, else diluted shares of the latest report."""
        day = point.end or date.max
        if cover := nearest_cover(self.series(symbol, "cover_shares").values(), day):
            return cover
        diluted = catalogue()["shares_diluted"]
        if point.end is None:
            return _absent(symbol, diluted, point, "The number of shares is not known.")
        return self._as_known(symbol, diluted, Point("DAY", end=point.end))

    def _trailing_eps(self, symbol: str, point: Point) -> Fact:
        """EPS of the twelve months that were public on a day; net income per diluted share where that is newer."""
        metric = catalogue()["eps_diluted"]
        trailing = self.trailing_at(symbol, metric.id, point)
        fact = self.value(symbol, metric.id, trailing) if trailing else None
        if fact is None or not fact.known:
            fact = self._as_known(symbol, metric, point)
        months = self.trailing_at(symbol, "net_income", point)
        if months is None or (fact.known and fact.period_end and months.end and fact.period_end >= months.end):
            return fact
        income = self.value(symbol, "net_income", months)
        shares = self._as_known(symbol, catalogue()["shares_diluted"], point)
        if not income.known or not shares.value or income.value is None:
            return fact
        value = income.value / shares.value
        return _derived(symbol, metric, months, value, "net_income / shares_diluted", [income, shares])

    def _computed(self, symbol: str, metric: Metric, point: Point) -> Fact:
        inputs: list[Fact] = []
        try:
            value = self._evaluate(symbol, parse(metric.formula), point, inputs)
        except (DivisionByZero, InvalidOperation):
            return _absent(symbol, metric, point, f"{metric.title} would divide by zero.", "not_meaningful")
        missing = next((fact for fact in inputs if not fact.known), None)
        if value is None or missing is not None:
            note = missing.note if missing and missing.note else f"{metric.title} cannot be computed."
            status: Status = missing.status if missing and missing.status in KEPT else "missing"
            return _absent(symbol, metric, point, note, status)
        if reason := _meaningless(metric, value, inputs) or self._apart(symbol, metric, point, inputs):
            return _absent(symbol, metric, point, reason, "not_meaningful")
        made = shares_noted(_derived(symbol, metric, point, value, metric.formula, inputs), inputs)
        alone = point.kind in ("Q", "H", "9M") and _turnover(parse(metric.formula))
        return structs.replace(made, note=f"of {point.label} alone, not annualised") if alone else made

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
            shares = self._as_known(symbol, catalogue()["shares_diluted"], point)
            reason = other_shares(price, self.series(symbol, "market_cap").get(price.period), shares)
        return f"{metric.title} is not meaningful: {reason}." if reason else ""

    def nearest(self, symbol: str, metric: str, period: str) -> str:
        """The fiscal year nearest to a period, or the latest, that has all lines of a metric; empty without one."""
        each = [set(self.years(symbol, name)) for name in rows_of(metric)]
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
        if name == "times":
            return self._evaluate(symbol, argument, point, inputs)
        if name in ("ttm", "latest"):
            inner = self._inner_point(symbol, name, argument, point)
            return self._evaluate(symbol, argument, inner or point, inputs)
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
            raise InvalidOperation
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


_INPUTS = {
    "cover_shares": Metric("cover_shares", "shares outstanding", "shares", "count"),
    "trailing_eps": Metric("trailing_eps", "trailing EPS", "USD/share", "per_share"),
}


_SIGNS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": Decimal.__add__,
    "-": Decimal.__sub__,
    "*": Decimal.__mul__,
    "/": Decimal.__truediv__,
}

_NEGATIVE = {
    "equity": "shareholders' equity is negative",
    "net_income": "the company made a loss",
    "pretax_income": "pre-tax income is negative",
    "operating_income": "the company made an operating loss",
    "ebitda": "EBITDA is negative",
    "free_cash_flow": "free cash flow is negative",
    "operating_cash_flow": "operating cash flow is negative",
    "invested_capital": "invested capital is negative",
    "working_capital": "working capital is negative",
}
"""What is wrong with an input that must be above zero."""


def _meaningless(metric: Metric, value: Decimal, inputs: Sequence[Fact]) -> str | None:
    """Ratios to a negative base say nothing: P/E of a loss, ROE on negative equity."""
    negative = any(fact.field == metric.positive and fact.value is not None and fact.value <= 0 for fact in inputs)
    if metric.id == "pe" and value <= 0:
        return "P/E is not meaningful: the company made a loss."
    if metric.id == "peg" and value <= 0:
        return "PEG is not meaningful: EPS did not grow."
    if negative:
        return f"{metric.title} is not meaningful: {_NEGATIVE[metric.positive]}."
    return None


def _derived(symbol: str, metric: Metric, point: Point, value: Decimal, formula: str, inputs: Sequence[Fact]) -> Fact:
    days = [fact.as_of for fact in inputs if fact.as_of]
    ends = [fact.period_end for fact in inputs if fact.period_end]
    currency = next((fact.currency for fact in inputs if fact.currency and metric.unit.startswith("USD")), None)
    return Fact(
        symbol=symbol,
        field=metric.id,
        value=value,
        unit=_unit(metric, currency),
        currency=currency,
        period=point.label,
        period_end=point.end or max(ends, default=None),
        as_of=max(days, default=None),
        source=next((fact.source for fact in inputs if fact.source), "computed"),
        statement="ratio" if metric.kind in ("ratio", "price", "per_share") else "income",
        status="derived",
        formula=formula,
        inputs=tuple(dict.fromkeys(fact.key for fact in inputs)),
    )


def _unit(metric: Metric, currency: str | None) -> str:
    if metric.unit.startswith("USD"):
        return metric.unit.replace("USD", currency) if currency else ""
    return "ratio" if metric.unit == "percent" else metric.unit


def _absent(symbol: str, metric: Metric, point: Point, note: str, status: Status = "missing") -> Fact:
    return Fact(symbol=symbol, field=metric.id, unit="ratio" if metric.unit == "percent" else metric.unit,
                period=point.label, period_end=point.end, statement="ratio", status=status, note=note)  # fmt: skip
