"""Reported lines of a company in an asked period, added up where the period is made of several. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from finassist.analysis.calendar import STALE, FiscalCalendar, Point, known_on
from finassist.analysis.outcome import told
from finassist.analysis.statements import currencies_apart, nearest_cover
from finassist.core.facts import Fact, Status
from finassist.core.metrics import Metric, catalogue


@dataclass
class ReportedFigures(FiscalCalendar):
    """Figures that sources gave: lines of statements, closes and numbers of shares."""

    def reported(self, symbol: str, metric: Metric, point: Point) -> Fact:
        """The figure of a line, or why there is none."""
        found, fact = self.series(symbol, metric.id), None
        if point.kind == "DAY":
            return self.as_known(symbol, metric, point)
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
            return absent(symbol, metric, point, f"{metric.title} cannot be added up: {reason}.", "not_meaningful")
        total = sum((sign * (part.value or Decimal()) for sign, part in known), Decimal())
        formula = " ".join(f"{'+' if sign > 0 else '-'} {part.period}" for sign, part in known).removeprefix("+ ")
        return made(symbol, metric, point, total, formula, [part for _, part in known])

    def as_known(self, symbol: str, metric: Metric, point: Point) -> Fact:
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
            return absent(symbol, metric, point, f"{what} not reported: {never.note}.", "not_reported")
        if not years:
            note = f"{what} not in the data."
        elif point.kind != "FY":
            note = f"{what} not in the data for {point.label}; by year it is there to FY{years[-1]}."
        else:
            span = f"FY{years[0]} to FY{years[-1]}" if len(years) > 1 else f"FY{years[0]} only"
            note = f"{what} there for {span}, not for {point.label}."
        return absent(symbol, metric, point, note)

    def close(self, symbol: str, point: Point) -> Fact:
        """The last close on or in the week before a day."""
        metric = catalogue()["price"]
        closes, day = self.series(symbol, "price"), point.end
        recent = (closes.get(str(day - timedelta(days=back))) for back in range(8) if day)
        found = next((fact for fact in recent if fact is not None and fact.known), None)
        return found or absent(symbol, metric, point, self.no_price(symbol, day))

    def shares(self, symbol: str, point: Point) -> Fact:
        """Shares outstanding on a day: the cover page's where it is near, else diluted shares of the latest report."""
        day = point.end or date.max
        if cover := nearest_cover(self.series(symbol, "cover_shares").values(), day):
            return cover
        diluted = catalogue()["shares_diluted"]
        if point.end is None:
            return absent(symbol, diluted, point, "The number of shares is not known.")
        return self.as_known(symbol, diluted, Point("DAY", end=point.end))


def made(symbol: str, metric: Metric, point: Point, value: Decimal, formula: str, inputs: Sequence[Fact]) -> Fact:
    """A derived fact of a period, with the formula and the facts that it was made of."""
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
        inputs=tuple(fact.key for fact in inputs),
    )


def _unit(metric: Metric, currency: str | None) -> str:
    if metric.unit.startswith("USD"):
        return metric.unit.replace("USD", currency) if currency else ""
    return "ratio" if metric.unit == "percent" else metric.unit


def absent(symbol: str, metric: Metric, point: Point, note: str, status: Status = "missing") -> Fact:
    """A figure that is not there, with the reason."""
    return Fact(symbol=symbol, field=metric.id, unit="ratio" if metric.unit == "percent" else metric.unit,
                period=point.label, period_end=point.end, statement="ratio", status=status, note=note)  # fmt: skip
