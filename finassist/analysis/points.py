"""Periods of one company and the companies themselves, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from finassist.core.facts import Fact

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

    def back(self, years: int = 1) -> Point:
        """The same period `years` earlier; its last day is not known."""
        end = years_back(self.end, years) if self.kind in ("DAY", "TTM") and self.end else None
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


def known_on(fact: Fact) -> date:
    """The day a figure became known; without one, 45 days after a quarter's end, and 75 after that of a year."""
    if fact.as_of and fact.period_end and fact.as_of - fact.period_end < timedelta(days=150):
        return fact.as_of
    if fact.period_end is None:
        return date.max
    return fact.period_end + timedelta(days=45 if fact.period.startswith(("Q1", "Q2", "Q3")) else 75)


def quarter_back(point: Point, steps: int) -> str:
    """The label of the fiscal quarter `steps` before."""
    year, number = divmod(point.year * 4 + (point.number or 4) - 1 - steps, 4)
    return f"Q{number + 1} {year}"


def years_back(day: date, years: int) -> date:
    """The same day in an earlier year; 28 for a 29 February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
