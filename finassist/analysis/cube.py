"""Facts by company, metric and period: every figure that a query asks for is looked up or computed here. Pure.

`Cube.at` says which of a company's own periods an asked period is; `Cube.value` gives the figure of a metric there as a
`Fact`, derived with formula and inputs where it is computed, or a fact without a value whose note says what lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, DivisionByZero, InvalidOperation
from typing import Literal

from finassist.core.facts import Fact, Status
from finassist.core.metrics import Binary, Call, Expression, Metric, Number, Ref, catalogue, described, parse, spoken
from finassist.core.periods import Period

PointKind = Literal["FY", "Q", "H", "9M", "TTM", "DAY"]
_NEAR = timedelta(days=46)
_STALE = timedelta(days=550)


@dataclass(frozen=True, slots=True)
class Point:
    """A period of one company: the label its facts carry, and its last day."""

    kind: PointKind
    year: int = 0
    number: int = 0
    end: date | None = None

    @property
    def label(self) -> str:
        """As facts label it: `FY2024`, `Q3 2024`, `H1 2024`, `TTM 2025-06-30`, `2024-12-31`."""
        match self.kind:
            case "FY":
                return f"FY{self.year}"
            case "DAY":
                return str(self.end)
            case "TTM":
                return f"TTM {self.end}" if self.end else "TTM"
            case "9M":
                return f"9M {self.year}"
            case _:
                return f"{self.kind}{self.number} {self.year}"

    def back(self, years: int = 1) -> Point:
        """The same period `years` earlier; its last day is not known."""
        end = _years_back(self.end, years) if self.kind in ("DAY", "TTM") and self.end else None
        return Point(self.kind, self.year - years, self.number, end)


@dataclass(frozen=True, slots=True)
class Member:
    """What execution has to know of a company besides its figures.

    Attributes:
        symbol: Ticker symbol.
        name: Name in sentences.
        industry: `bank`, `insurer`, `reit` or empty: where some metrics make no sense.
        sector: GICS sector, or empty.
        sub_industry: GICS sub-industry, or empty.
        primary: Symbol of the share class that stands for the company in ranks.
    """

    symbol: str
    name: str
    industry: str = ""
    sector: str = ""
    sub_industry: str = ""
    primary: str = ""


@dataclass
class Cube:
    """The facts at hand, indexed."""

    facts: Iterable[Fact]
    members: Mapping[str, Member] = field(default_factory=dict[str, Member])
    _series: dict[tuple[str, str], dict[str, Fact]] = field(default_factory=dict[tuple[str, str], dict[str, Fact]])
    _known: dict[tuple[str, str, str], Fact] = field(default_factory=dict[tuple[str, str, str], Fact])

    def __post_init__(self) -> None:
        for fact in self.facts:
            self._series.setdefault((fact.symbol, fact.field), {})[fact.period] = fact

    # ------------------------------------------------------------------------------------------- looking up

    def series(self, symbol: str, name: str) -> Mapping[str, Fact]:
        """The facts of one line of a company, by period label."""
        return self._series.get((symbol, name), {})

    def years(self, symbol: str, name: str) -> list[int]:
        """Fiscal years in which a line is known, oldest first."""
        found = (label for label, fact in self.series(symbol, name).items() if fact.known)
        return sorted(int(label[2:]) for label in found if label.startswith("FY"))

    def quarters(self, symbol: str, name: str) -> list[Point]:
        """Fiscal quarters in which a line is known, oldest first."""
        found = [
            Point("Q", int(label[3:]), int(label[1]), fact.period_end)
            for label, fact in self.series(symbol, name).items()
            if fact.known and label.startswith("Q")
        ]
        return sorted(found, key=lambda point: (point.year, point.number))

    def last_trading_day(self, symbol: str) -> date | None:
        """The day of the latest close."""
        closes = self.series(symbol, "price")
        return max((fact.period_end for fact in closes.values() if fact.period_end), default=None)

    def latest_year(self, symbol: str, metric: str) -> int | None:
        """The latest fiscal year for which a metric can be computed."""
        common: set[int] | None = None
        for name in _rows(metric):
            years = set(self.years(symbol, name))
            common = years if common is None else common & years
        return max(common) if common else None

    # --------------------------------------------------------------------------------------------- periods

    def at(self, symbol: str, metric: str, period: Period) -> Point | None:
        """Which of a company's own periods is meant, or `None` where it has none such."""
        if described(metric).kind == "price" or metric == "price":
            return self._day_point(symbol, period)
        return self._fiscal_point(symbol, metric, period)

    def _day_point(self, symbol: str, period: Period) -> Point | None:
        last = self.last_trading_day(symbol)
        if last is None:
            return None
        if period.kind in ("latest", "ttm", "ytd", "latest quarter"):
            return Point("DAY", end=_years_back(last, -period.shift) if period.shift else last)
        day = period.last_day()
        return Point("DAY", end=day) if day else None

    def _fiscal_point(self, symbol: str, metric: str, period: Period) -> Point | None:
        lead = _rows(metric)
        match period.kind:
            case "year" | "end" | "calendar":
                return self._ended(symbol, lead, Point("FY", period.year))
            case "quarter":
                return self._ended(symbol, lead, Point("Q", period.year, period.number))
            case "half":
                return self._ended(symbol, lead, Point("H", period.year, period.number))
            case "nine months":
                return self._ended(symbol, lead, Point("9M", period.year, 3))
            case "latest":
                year = self.latest_year(symbol, metric)
                return self._ended(symbol, lead, Point("FY", year + period.shift)) if year else None
            case "latest quarter":
                return self._latest_quarter(symbol, lead, period.shift)
            case "ttm":
                return self._trailing(symbol, lead, -period.shift)
            case "ytd":
                latest = self._latest_quarter(symbol, lead, 0)
                return self._to_date(symbol, lead, latest) if latest else None
            case "day" | "month" | "calendar quarter":
                return self._near(symbol, lead, period)

    def _ended(self, symbol: str, lead: Sequence[str], point: Point) -> Point:
        label = {"H": f"Q{point.number * 2} {point.year}", "9M": f"Q3 {point.year}"}.get(point.kind, point.label)
        for name in lead:
            fact = self.series(symbol, name).get(label)
            if fact and fact.period_end:
                return Point(point.kind, point.year, point.number, fact.period_end)
        return point

    def _common_quarters(self, symbol: str, lead: Sequence[str]) -> list[Point]:
        each = [{(q.year, q.number): q for q in self.quarters(symbol, name)} for name in lead]
        if not each:
            return []
        common = set(each[0]).intersection(*each[1:])
        return [each[0][key] for key in sorted(common)]

    def _latest_quarter(self, symbol: str, lead: Sequence[str], shift: int) -> Point | None:
        found = self._common_quarters(symbol, lead)
        if not found:
            return None
        year, number = divmod(found[-1].year * 4 + found[-1].number - 1 + shift, 4)
        return self._ended(symbol, lead, Point("Q", year, number + 1))

    def _trailing(self, symbol: str, lead: Sequence[str], years_back: int) -> Point | None:
        """Twelve months up to the latest quarter, or the fiscal year where quarters are not known."""
        quarter = self._latest_quarter(symbol, lead, -4 * years_back)
        years = [self.years(symbol, name) for name in lead]
        year = min((each[-1] for each in years if each), default=None)
        annual = self._ended(symbol, lead, Point("FY", year - years_back)) if year else None
        if quarter and quarter.end and not (annual and annual.end and annual.end >= quarter.end):
            return Point("TTM", quarter.year, quarter.number, quarter.end)
        return Point("TTM", annual.year, 4, annual.end) if annual else None

    def _to_date(self, symbol: str, lead: Sequence[str], latest: Point) -> Point | None:
        kinds: dict[int, Point] = {
            1: latest, 2: Point("H", latest.year, 1), 3: Point("9M", latest.year, 3), 4: Point("FY", latest.year),
        }  # fmt: skip
        return self._ended(symbol, lead, kinds[latest.number])

    def _near(self, symbol: str, lead: Sequence[str], period: Period) -> Point | None:
        """The fiscal quarter (or year) that ends near a day; in that month, for a month."""
        day = period.last_day()
        if day is None or not lead:
            return None
        within = {"day": timedelta(days=8), "month": timedelta(days=9)}.get(period.kind, _NEAR)
        ends = [(q.end, q) for q in self._common_quarters(symbol, lead) if q.end]
        ends += [
            (fact.period_end, Point("FY", int(fact.period[2:]), 0, fact.period_end))
            for fact in self.series(symbol, lead[0]).values()
            if fact.known and fact.period.startswith("FY") and fact.period_end and period.kind == "day"
        ]
        close = [
            (abs(end - day), point.kind != "FY", point.label, point) for end, point in ends if abs(end - day) <= within
        ]
        return min(close, key=lambda each: each[:3])[3] if close else None

    # ---------------------------------------------------------------------------------------------- values

    def value(self, symbol: str, metric: str, point: Point) -> Fact:
        """The figure of a metric in a period: reported, derived, or absent with the reason as note."""
        key = (symbol, metric, point.label)
        if key not in self._known:
            self._known[key] = self._value(symbol, metric, point)
        return self._known[key]

    def _value(self, symbol: str, metric: str, point: Point) -> Fact:
        about = described(metric) if metric not in ("cover_shares", "trailing_eps") else _INPUTS[metric]
        member = self.members.get(symbol)
        if member and member.industry in about.without:
            article = "an" if member.industry == "insurer" else "a"
            note = f"{about.title} is not meaningful for {article} {member.industry}."
            return _absent(symbol, about, point, note, "not_meaningful")
        if metric == "cover_shares":
            return self._shares(symbol, point)
        if metric == "trailing_eps":
            return self._trailing_eps(symbol, point)
        if metric == "price":
            return self._close(symbol, point)
        if about.formula:
            return self._computed(symbol, about, point)
        return self._reported(symbol, about, point)

    def _reported(self, symbol: str, metric: Metric, point: Point) -> Fact:
        if point.kind == "DAY":
            return self._as_known(symbol, metric, point)
        if point.kind in ("FY", "Q"):
            fact = self.series(symbol, metric.id).get(point.label)
            return fact if fact is not None and fact.known else self._not_there(symbol, metric, point, fact)
        if metric.kind in ("stock", "count"):
            label = f"Q{point.number * 2 if point.kind == 'H' else point.number} {point.year}"
            found = self.series(symbol, metric.id)
            fact = found.get(label) or (found.get(f"FY{point.year}") if label.startswith("Q4") else None)
            return fact if fact is not None and fact.known else self._not_there(symbol, metric, point, fact)
        return self._summed(symbol, metric, point)

    def _summed(self, symbol: str, metric: Metric, point: Point) -> Fact:
        """A flow over several quarters: their sum, or year + quarters since - the same quarters a year before."""
        if point.kind == "TTM":
            return self._twelve_months(symbol, metric, point)
        wanted = {"H": (1, 2) if point.number == 1 else (3, 4), "9M": (1, 2, 3)}[point.kind]
        parts = [self.series(symbol, metric.id).get(f"Q{n} {point.year}") for n in wanted]
        return self._total(symbol, metric, point, [(1, part) for part in parts])

    def _twelve_months(self, symbol: str, metric: Metric, point: Point) -> Fact:
        found = self.series(symbol, metric.id)
        whole = found.get(f"FY{point.year}")
        if point.number in (0, 4) and whole is not None and whole.known:
            return self._total(symbol, metric, point, [(1, whole)])
        labels = [_quarter_back(point, steps) for steps in range(4)]
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
            if fact.known and fact.period_end and _public(fact) <= point.end and fact.period_end > point.end - _STALE
        ]
        balances = metric.kind in ("stock", "count")
        usable = [fact for fact in public if balances or fact.period.startswith("FY")]
        best = max(usable, key=lambda fact: fact.period_end or date.min, default=None)
        return best or self._not_there(symbol, metric, point, None)

    def _not_there(self, symbol: str, metric: Metric, point: Point, fact: Fact | None) -> Fact:
        if fact is not None:
            return fact
        years = self.years(symbol, metric.id)
        name = self.name(symbol)
        if point.kind == "FY" and years:
            note = f"{metric.title} of {name} is there for FY{years[0]} to FY{years[-1]}, not for {point.label}."
        elif point.kind != "FY" and years:
            note = (
                f"{metric.title} of {name} is not in the data for {point.label}; by year it is there to FY{years[-1]}."
            )
        else:
            note = f"{metric.title} of {name} is not in the data."
        return _absent(symbol, metric, point, note)

    # ----------------------------------------------------------------------------------------- market inputs

    def _close(self, symbol: str, point: Point) -> Fact:
        metric = catalogue()["price"]
        closes = self.series(symbol, "price")
        if point.end is None or not closes:
            return _absent(symbol, metric, point, f"There are no prices of {self.name(symbol)} in the data.")
        day = point.end
        for back in range(8):
            if (fact := closes.get(str(day - timedelta(days=back)))) is not None and fact.known:
                return fact
        first = min(fact.period_end for fact in closes.values() if fact.period_end)
        note = f"Prices of {self.name(symbol)} in the data start in {first:%Y} (on {first}): there is none for {day}."
        if day >= first:
            note = f"There is no close of {self.name(symbol)} near {day} in the data."
        return _absent(symbol, metric, point, note)

    def _shares(self, symbol: str, point: Point) -> Fact:
        """Shares outstanding on a day: the cover page's where it is near, else diluted shares of the latest report."""
        day = point.end or date.max
        cover = self.series(symbol, "cover_shares").get("latest")
        if cover and cover.known and cover.as_of and abs((day - cover.as_of).days) < 200:
            return cover
        diluted = catalogue()["shares_diluted"]
        return self._as_known(symbol, diluted, Point("DAY", end=point.end)) if point.end else _absent(
            symbol, diluted, point, "The number of shares is not known.")  # fmt: skip

    def _trailing_eps(self, symbol: str, point: Point) -> Fact:
        """EPS of the twelve months that were public on a day."""
        metric = catalogue()["eps_diluted"]
        trailing = self.trailing_at(symbol, "eps_diluted", point)
        fact = self.value(symbol, "eps_diluted", trailing) if trailing else None
        if fact is None or not fact.known:
            fact = self._as_known(symbol, metric, point)
        return fact

    def trailing_at(self, symbol: str, metric: str, point: Point) -> Point | None:
        """The latest twelve months of a metric whose last quarter was public on a day."""
        public = [q for q in self._common_quarters(symbol, _rows(metric)) if q.end and point.end]
        known: list[Point] = []
        for quarter in public:
            facts = [self.series(symbol, name)[quarter.label] for name in _rows(metric)]
            if all(_public(fact) <= (point.end or date.max) for fact in facts):
                known.append(quarter)
        if known:
            last = known[-1]
            return Point("TTM", last.year, last.number, last.end)
        years = [y for y in self.years(symbol, _rows(metric)[0])
                 if _public(self.series(symbol, _rows(metric)[0])[f"FY{y}"]) <= (point.end or date.max)]  # fmt: skip
        return self._ended(symbol, _rows(metric), Point("TTM", years[-1], 4)) if years else None

    # ------------------------------------------------------------------------------------------- formulas

    def _computed(self, symbol: str, metric: Metric, point: Point) -> Fact:
        inputs: list[Fact] = []
        try:
            value = self._evaluate(symbol, parse(metric.formula), point, inputs)
        except (DivisionByZero, InvalidOperation):
            return _absent(symbol, metric, point, f"{metric.title} would divide by zero.", "not_meaningful")
        missing = next((fact for fact in inputs if not fact.known), None)
        if value is None or missing is not None:
            note = missing.note if missing and missing.note else f"{metric.title} cannot be computed."
            status: Status = missing.status if missing and missing.status == "not_meaningful" else "missing"
            return _absent(symbol, metric, point, note, status)
        if reason := _meaningless(metric, value, inputs):
            return _absent(symbol, metric, point, reason, "not_meaningful")
        return _derived(symbol, metric, point, value, metric.formula, inputs)

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
            case Binary(sign=sign, left=left, right=right):
                above = self._evaluate(symbol, left, point, inputs)
                below = self._evaluate(symbol, right, point, inputs)
                return None if above is None or below is None else _joined(sign, above, below)

    def _called(self, symbol: str, name: str, argument: Expression, point: Point, inputs: list[Fact]) -> Decimal | None:
        if name in ("ttm", "latest"):
            inner = self._inner_point(symbol, name, argument, point)
            return self._evaluate(symbol, argument, inner, inputs) if inner else self._evaluate(
                symbol, argument, point, inputs)  # fmt: skip
        before = self._evaluate(symbol, argument, self.before(symbol, point, argument), inputs)
        if name == "prev":
            return before
        now = self._evaluate(symbol, argument, point, inputs)
        if before is None or now is None:
            return None
        if name == "avg":
            return (before + now) / 2
        if before <= 0:
            raise InvalidOperation
        return now / before - 1

    def before(self, symbol: str, point: Point, argument: Expression | str) -> Point:
        """The same period of the year before, with its own last day."""
        names = _rows(argument) if isinstance(argument, str) else _rows_of(argument)
        if point.kind == "DAY":
            return point.back()
        earlier = Point(point.kind, point.year - 1, point.number)
        if point.kind != "TTM":
            return self._ended(symbol, names, earlier)
        quarter = self._ended(symbol, names, Point("Q", point.year - 1, point.number or 4))
        end = quarter.end or self._ended(symbol, names, Point("FY", point.year - 1)).end
        return Point("TTM", point.year - 1, point.number, end or (_years_back(point.end, 1) if point.end else None))

    def _inner_point(self, symbol: str, name: str, argument: Expression, point: Point) -> Point | None:
        if point.kind != "DAY":
            return point
        rows = _rows_of(argument)
        if name == "ttm":
            text = next((ref.id for ref in [argument] if isinstance(ref, Ref)), rows[0] if rows else "")
            return self.trailing_at(symbol, text, point)
        years = [
            year
            for year in self.years(symbol, rows[0])
            if _public(self.series(symbol, rows[0])[f"FY{year}"]) <= (point.end or date.max)
        ]
        return self._ended(symbol, rows, Point("FY", years[-1])) if years else None

    def name(self, symbol: str) -> str:
        """The company's name, or its ticker."""
        member = self.members.get(symbol)
        return member.name if member else symbol


_INPUTS = {
    "cover_shares": Metric("cover_shares", "shares outstanding", "shares", "count"),
    "trailing_eps": Metric("trailing_eps", "trailing EPS", "USD/share", "per_share"),
}


def _rows(metric: str) -> list[str]:
    """The reported lines below a metric, without what the market gives."""
    return _rows_of(parse(metric))


def _rows_of(node: Expression) -> list[str]:
    found: list[str] = []

    def walk(each: Expression) -> None:
        match each:
            case Ref(id=name):
                metric = catalogue().get(name)
                if metric and metric.formula:
                    walk(parse(metric.formula))
                elif name not in ("price", "cover_shares", "trailing_eps"):
                    found.append(name)
                elif name == "trailing_eps":
                    found.append("eps_diluted")
            case Call(argument=argument):
                walk(argument)
            case Binary(left=left, right=right):
                walk(left)
                walk(right)
            case Number():
                pass

    walk(node)
    return list(dict.fromkeys(found))


def _joined(sign: str, left: Decimal, right: Decimal) -> Decimal:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def _meaningless(metric: Metric, value: Decimal, inputs: Sequence[Fact]) -> str | None:
    """Ratios to a negative base say nothing: P/E of a loss, ROE on negative equity."""
    fields = {fact.field: fact.value for fact in inputs if fact.value is not None}
    if metric.id in ("pe", "peg") and value <= 0:
        return "P/E is not meaningful: the company made a loss."
    if metric.id in ("roe", "debt_to_equity", "pb", "equity_multiplier", "liabilities_to_equity", "roe_average"):
        if (equity := fields.get("equity")) is not None and equity <= 0:
            return f"{metric.title} is not meaningful: shareholders' equity is negative."
    if (
        metric.id in ("payout_ratio", "total_payout_ratio", "cash_conversion")
        and fields.get("net_income", Decimal(1)) <= 0
    ):
        return f"{metric.title} is not meaningful: the company made a loss."
    if metric.id == "tax_rate" and fields.get("pretax_income", Decimal(1)) <= 0:
        return "The effective tax rate is not meaningful: pre-tax income is negative."
    return None


def _derived(symbol: str, metric: Metric, point: Point, value: Decimal, formula: str, inputs: Sequence[Fact]) -> Fact:
    days = [fact.as_of for fact in inputs if fact.as_of]
    ends = [fact.period_end for fact in inputs if fact.period_end]
    money = metric.unit.startswith("USD")
    return Fact(
        symbol=symbol,
        field=metric.id,
        value=value,
        unit="ratio" if metric.unit == "percent" else metric.unit,
        currency="USD" if money else None,
        period=point.label,
        period_end=point.end or max(ends, default=None),
        as_of=max(days, default=None),
        source=next((fact.source for fact in inputs if fact.source), "computed"),
        statement="ratio" if metric.kind in ("ratio", "price", "per_share") else "income",
        status="derived",
        formula=formula,
        inputs=tuple(dict.fromkeys(fact.key for fact in inputs)),
    )


def _absent(symbol: str, metric: Metric, point: Point, note: str, status: Status = "missing") -> Fact:
    return Fact(symbol=symbol, field=metric.id, unit="ratio" if metric.unit == "percent" else metric.unit,
                period=point.label, period_end=point.end, statement="ratio", status=status, note=note)  # fmt: skip


def _public(fact: Fact) -> date:
    """The day a figure became known; without one, 75 days after its period ended."""
    if fact.as_of and fact.period_end and fact.as_of - fact.period_end < timedelta(days=150):
        return fact.as_of
    return (fact.period_end or date.max) + timedelta(days=75) if fact.period_end else date.max


def _quarter_back(point: Point, steps: int) -> str:
    year, number = divmod(point.year * 4 + (point.number or 4) - 1 - steps, 4)
    return f"Q{number + 1} {year}"


def _years_back(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def spoken_metric(metric: str) -> str:
    """A metric's words in a sentence."""
    return spoken(metric)
