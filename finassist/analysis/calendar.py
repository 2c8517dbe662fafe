"""A company's own periods, and the facts at hand by company, line and period. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from msgspec import structs

from finassist.core.facts import Fact
from finassist.core.metrics import Expression, described, lines
from finassist.core.periods import Period, Span, months_back, trading_day

PointKind = Literal["FY", "Q", "H", "9M", "TTM", "DAY"]


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

    def quarter_back(self, steps: int) -> Point:
        """The fiscal quarter `steps` before."""
        year, number = divmod(self.year * 4 + (self.number or 4) - 1 - steps, 4)
        return Point("Q", year, number + 1)


@dataclass(frozen=True, slots=True)
class Member:
    """What execution has to know of a company besides its figures.

    Attributes:
        symbol, name: Ticker symbol, and name in sentences.
        industry: `bank`, `insurer`, `reit` or empty: where some metrics make no sense.
        sector, sub_industry: Of GICS, or empty.
        primary: Symbol of the share class that stands for the company in ranks.
        headquarters: City and state or country.
    """

    symbol: str
    name: str
    industry: str = ""
    sector: str = ""
    sub_industry: str = ""
    primary: str = ""
    headquarters: str = ""


def known_on(fact: Fact) -> date:
    """The day a figure became known; without one, 45 days after a quarter's end, and 75 after that of a year."""
    if fact.first_as_of:
        return fact.first_as_of
    if fact.as_of and fact.period_end and fact.as_of - fact.period_end < timedelta(days=150):
        return fact.as_of
    if fact.period_end is None:
        return date.max
    return fact.period_end + timedelta(days=45 if fact.period.startswith(("Q1", "Q2", "Q3")) else 75)


def as_known(facts: Iterable[Fact], day: date) -> list[Fact]:
    """The facts as they were public on a day: later ones are left out, and restated ones are as first reported.

    Absent figures stay for periods of which something was public.
    """
    found = [own for fact in facts if (own := _on(fact, day)) is not None]
    public = {(own.symbol, own.period) for own in found if own.known}
    return [own for own in found if own.known or own.text or (own.symbol, own.period) in public]


def _on(fact: Fact, day: date) -> Fact | None:
    if not fact.known:
        return fact
    unknown = fact.first_as_of + _NEXT_REPORT if fact.first_as_of else known_on(fact)
    if (fact.as_of or unknown) <= day:
        filed = _FILED.search(fact.source)
        return fact if filed is None or filed[1] <= day.isoformat() else _first_reported(fact, fact.value, fact.as_of)
    if fact.first_as_of is None or fact.first_as_of > day:
        return None
    return _first_reported(fact, fact.first_value, fact.first_as_of)


def _first_reported(fact: Fact, value: Decimal | None, day: date | None) -> Fact:
    """The figure of its first report, without the later filing that it stands in now."""
    return structs.replace(
        fact, value=value, as_of=day, source=f"first reported on {day}", filing=None, first_value=None, first_as_of=None
    )


_NEXT_REPORT = timedelta(days=400)
"""By then a change of which the filing is not known has been in an annual report."""

_FILED = re.compile(r"filed (\d{4}-\d\d-\d\d)")


def day_of(period: Period, last: date) -> date | None:
    """The last day of a period, where prices go to a day `last`."""
    match period.kind:
        case "latest" | "ttm" | "ytd" | "latest quarter":
            return months_back(last, -12 * period.shift)
        case "months ago":
            return months_back(last, period.number)
        case "days ago":
            return last - timedelta(days=period.number)
        case _:
            return period.last_day()


# -------------------------------------------------------------------------------------------------------- the calendar


_NEAR = timedelta(days=46)
STALE = timedelta(days=550)
"""A report that ended longer ago says nothing of a company today."""

_ALWAYS = ("revenue", "net_income", "total_assets", "equity")
"""Lines of every report: the latest of them is the company's latest."""


@dataclass
class FiscalCalendar:
    """The facts at hand, indexed, and which of a company's own periods an asked period is."""

    facts: Iterable[Fact]
    members: Mapping[str, Member] = field(default_factory=dict[str, Member])
    _series: dict[tuple[str, str], dict[str, Fact]] = field(default_factory=dict[tuple[str, str], dict[str, Fact]])
    _quarters: dict[tuple[str, ...], Sequence[Point]] = field(default_factory=dict[tuple[str, ...], Sequence[Point]])

    def __post_init__(self) -> None:
        for fact in self.facts:
            self._series.setdefault((fact.symbol, fact.field), {})[fact.period] = fact

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
        return max(self.trading_days(symbol), default=None)

    def no_price(self, symbol: str, day: date | None = None) -> str:
        """Why there is no price of a company, or none on a day before its first."""
        first = min(self.trading_days(symbol), default=None)
        if first is None or day is None:
            return f"There are no prices of {self.name(symbol)} in the data."
        if day >= first:
            return f"There is no close of {self.name(symbol)} near {day} in the data."
        return f"Prices of {self.name(symbol)} in the data start in {first:%Y} (on {first}): there is none for {day}."

    def latest_year(self, symbol: str, metric: str) -> int | None:
        """The latest fiscal year for which a metric can be computed."""
        found: set[int] | None = None
        for name in rows_of(metric):
            found = {year for year in self.years(symbol, name) if found is None or year in found}
            if not found:
                break
        return max(found or (), default=None)

    def _newest_year(self, symbol: str, metric: str) -> int | None:
        """The latest fiscal year of a metric; where it ended years before, of the company: it is missing then."""
        year = self.latest_year(symbol, metric)
        newest = max((each for line in _ALWAYS for each in self.years(symbol, line)[-1:]), default=0)
        return newest if year and newest - year > 1 else year

    def name(self, symbol: str) -> str:
        """The company's name, or its ticker."""
        member = self.members.get(symbol)
        return member.name if member else symbol

    def at(self, symbol: str, metric: str, period: Period) -> Point | None:
        """Which of a company's own periods is meant, or `None` where it has none such."""
        if described(metric).kind in ("price", "assumption"):
            return self._day_point(symbol, period)
        return self._fiscal_point(symbol, metric, period)

    def counted(self, symbol: str, each: Period | Span) -> Period | Span | None:
        """Periods with counted trading days as plain days; `None` where these cannot be counted."""
        if isinstance(each, Period):
            if each.kind != "day" or not each.shift:
                return each
            day = trading_day(self.trading_days(symbol), each)
            return day and Period("day", day.year, day.month, day.day)
        last = self.last_trading_day(symbol) if each.end.kind == "trading day" else None
        if last is not None:
            end = Period("day", last.year, last.month, last.day)
            each = Span(replace(end, shift=-each.count), end)
        ends = [self.counted(symbol, period) if period else None for period in (each.start, each.end)]
        start, end = (period if isinstance(period, Period) else None for period in ends)
        return replace(each, start=start, end=end) if end and (start or not each.start) else None

    def trading_days(self, symbol: str) -> list[date]:
        """The days of the closes at hand, in order."""
        return sorted(fact.period_end for fact in self.series(symbol, "price").values() if fact.period_end)

    def _day_point(self, symbol: str, period: Period) -> Point | None:
        last = self.last_trading_day(symbol)
        if last is None or not isinstance(counted := self.counted(symbol, period), Period):
            return None
        day = day_of(counted, last)
        return Point("DAY", end=day) if day else None

    def _fiscal_point(self, symbol: str, metric: str, period: Period) -> Point | None:
        lead = rows_of(metric)
        match period.kind:
            case "year" | "end" | "calendar":
                return self.ended(symbol, lead, Point("FY", period.year))
            case "quarter" | "half" | "nine months":
                kind: PointKind = "Q" if period.kind == "quarter" else "H" if period.kind == "half" else "9M"
                return self.ended(symbol, lead, Point(kind, period.year, period.number or 3))
            case "nth quarter" | "nth half":
                latest = self._latest_quarter(symbol, lead, 0)
                return latest and self.at(symbol, metric, period.dated(latest.year, latest.number))
            case "latest":
                year = self._newest_year(symbol, metric)
                return self.ended(symbol, lead, Point("FY", year + period.shift)) if year else None
            case "latest quarter":
                return self._latest_quarter(symbol, lead, period.shift)
            case "ttm":
                return self._trailing(symbol, lead, -period.shift)
            case "ytd":
                latest = self._latest_quarter(symbol, lead, 0)
                return self._to_date(symbol, lead, latest) if latest else None
            case "day" | "month" | "calendar quarter":
                return self._near(symbol, lead, period)
            case "calendar year":
                return self._calendar_year(symbol, lead, period.year)
            case "months ago" | "days ago" | "trading day":  # statements have no such days
                return None

    def same_period(self, symbol: str, lead: Sequence[str], point: Point) -> Point:
        """The period of another company that carries the same label; of twelve months those that end near."""
        if point.kind == "TTM" and point.end:
            near = [q for q in self.common_quarters(symbol, lead) if q.end and abs(q.end - point.end) <= _NEAR]
            return replace(near[-1], kind="TTM") if near else replace(point, year=0)
        return point if point.kind == "DAY" else self.ended(symbol, lead, replace(point, end=None))

    def trailing_of(self, symbol: str, lead: Sequence[str], point: Point) -> Point:
        """The twelve months to the end of a part of a year."""
        if point.kind not in ("Q", "H", "9M"):
            return point
        number = {"H": point.number * 2, "9M": 3}.get(point.kind, point.number)
        return replace(self.ended(symbol, lead, Point("Q", point.year, number)), kind="TTM")

    def ended(self, symbol: str, lead: Sequence[str], point: Point) -> Point:
        """The point with the last day that one of the lines `lead` has for it."""
        label = {"H": f"Q{point.number * 2} {point.year}", "9M": f"Q3 {point.year}"}.get(point.kind, point.label)
        for name in lead:
            fact = self.series(symbol, name).get(point.label) or self.series(symbol, name).get(label)
            if fact and fact.period_end:
                return Point(point.kind, point.year, point.number, fact.period_end)
        return point

    def common_quarters(self, symbol: str, lead: Sequence[str]) -> Sequence[Point]:
        """The fiscal quarters in which all lines are known, oldest first."""
        if (symbol, *lead) not in self._quarters:
            each = [{(q.year, q.number): q for q in self.quarters(symbol, name)} for name in lead] or [{}]
            common = set(each[0]).intersection(*each[1:])
            self._quarters[symbol, *lead] = tuple(each[0][key] for key in sorted(common))
        return self._quarters[symbol, *lead]

    def _latest_quarter(self, symbol: str, lead: Sequence[str], shift: int) -> Point | None:
        found = self.common_quarters(symbol, lead)
        return self.ended(symbol, lead, found[-1].quarter_back(-shift)) if found else None

    def _trailing(self, symbol: str, lead: Sequence[str], years_back: int) -> Point | None:
        """Twelve months up to the latest quarter, or the fiscal year where quarters are not known."""
        quarter = self._latest_quarter(symbol, lead, -4 * years_back)
        years = [self.years(symbol, name) for name in lead]
        year = min((each[-1] for each in years if each), default=None)
        annual = self.ended(symbol, lead, Point("FY", year - years_back)) if year else None
        if quarter and quarter.end and not (annual and annual.end and annual.end >= quarter.end):
            return Point("TTM", quarter.year, quarter.number, quarter.end)
        return Point("TTM", annual.year, 4, annual.end) if annual else None

    def _to_date(self, symbol: str, lead: Sequence[str], latest: Point) -> Point | None:
        kinds: dict[int, Point] = {
            1: latest, 2: Point("H", latest.year, 1), 3: Point("9M", latest.year, 3), 4: Point("FY", latest.year),
        }  # fmt: skip
        return self.ended(symbol, lead, kinds[latest.number])

    def _near(self, symbol: str, lead: Sequence[str], period: Period) -> Point | None:
        """The fiscal quarter (or year) that ends near a day; in that month, for a month."""
        day = period.last_day()
        if day is None or not lead:
            return None
        before, after = {"day": (8, 8), "month": (day.day - 1, 9)}.get(period.kind, (_NEAR.days, _NEAR.days))
        ends = [*self.common_quarters(symbol, lead)]
        if period.kind == "day" or (period.kind == "month" and all(described(each).kind == "stock" for each in lead)):
            ends += [self.ended(symbol, lead[:1], Point("FY", year)) for year in self.years(symbol, lead[0])]
        close = [
            (abs(point.end - day), point.kind != "FY", point.label, point)
            for point in ends
            if point.end and -before <= (point.end - day).days <= after
        ]
        return min(close, key=lambda each: each[:3])[3] if close else None

    def _calendar_year(self, symbol: str, lead: Sequence[str], year: int) -> Point | None:
        """The fiscal year that ends near 31 December, else four quarters."""
        years = (self.ended(symbol, lead, Point("FY", label)) for label in (year, year + 1))
        near = next((each for each in years if each.end and abs(each.end - date(year, 12, 31)) <= _NEAR), None)
        last = self._near(symbol, lead, Period("calendar quarter", year, 4))
        return near or (Point("TTM", last.year, last.number, last.end) if last else None)

    def trailing_at(self, symbol: str, metric: str, point: Point) -> Point | None:
        """The latest twelve months of a metric whose last quarter was public on a day."""
        own, day = rows_of(metric), point.end or date.max
        for quarter in reversed(self.common_quarters(symbol, own) if point.end else []):
            if (
                quarter.end
                and quarter.end > day - STALE
                and all(known_on(self.series(symbol, line)[quarter.label]) <= day for line in own)
            ):
                return Point("TTM", quarter.year, quarter.number, quarter.end)
        years = self.public_years(symbol, own[0], point)
        return Point("TTM", years[-1], 4, self.ended(symbol, own, Point("FY", years[-1])).end) if years else None

    def public_years(self, symbol: str, name: str, point: Point) -> list[int]:
        """Fiscal years of which a line was public on a day, and not long ago."""
        facts, day = self.series(symbol, name), point.end or date.max
        public = [year for year in self.years(symbol, name) if known_on(facts[f"FY{year}"]) <= day]
        return [year for year in public if (facts[f"FY{year}"].period_end or day) > day - STALE]

    def before(self, symbol: str, point: Point, argument: Expression | str) -> Point:
        """The same period of the year before, with its own last day."""
        names = rows_of(argument)
        if point.kind == "DAY":
            return Point("DAY", point.year - 1, end=months_back(point.end, 12) if point.end else None)
        earlier = Point(point.kind, point.year - 1, point.number)
        if point.kind != "TTM":
            return self.ended(symbol, names, earlier)
        quarter = self.ended(symbol, names, Point("Q", point.year - 1, point.number or 4))
        end = quarter.end or self.ended(symbol, names, Point("FY", point.year - 1)).end
        return Point("TTM", point.year - 1, point.number, end or (months_back(point.end, 12) if point.end else None))


def rows_of(formula: str | Expression) -> list[str]:
    """The reported lines below a metric or expression, without what the market gives, in order."""
    found = ("eps_diluted" if name == "trailing_eps" else name for name in lines(formula))
    return [name for name in dict.fromkeys(found) if name not in ("price", "cover_shares", "beta")]
