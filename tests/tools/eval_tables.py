"""What the evaluation set is computed from: the embedded tables as frames, and amounts as text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from finassist.providers.embedded import EmbeddedProvider


class Tables:
    """The embedded tables as frames."""

    provider = EmbeddedProvider()

    @cached_property
    def years(self) -> pd.DataFrame:
        """One row a company and fiscal year, one column a line; companies once, whatever their share classes."""
        values = self.provider.to_frame("annual")["value"].droplevel("fiscal_period").unstack("field")
        return values[values.index.get_level_values("symbol").isin(self.companies.index)]

    @cached_property
    def companies(self) -> pd.DataFrame:
        found = self.provider.to_frame("companies").set_index("symbol")
        return found[(found["primary"] == "") | (found["primary"] == found.index)]

    @cached_property
    def quarters(self) -> pd.DataFrame:
        return self.provider.to_frame("quarterly").sort_index()

    @cached_property
    def annual(self) -> pd.DataFrame:
        return self.provider.to_frame("annual").sort_index()

    @cached_property
    def closes(self) -> pd.DataFrame:
        frame = self.provider.to_frame("prices_daily")
        return frame.set_index(frame["date"].astype(str)).drop(columns="date")

    def of(self, year: int, formula: str) -> pd.Series:
        """The figure of every company in a fiscal year."""
        how, _, plain = formula.rpartition(":")
        each = [self.years.xs(of, level="fiscal_year").eval(plain) for of in range(year - 3, year + 1)]
        match how:
            case "":
                return each[3]
            case "growth":
                return each[3] / each[2] - 1
            case "change":
                return each[3] - each[2]
            case "growth3":
                return each[3] / each[0] - 1
            case "cagr3":
                return (each[3] / each[0]) ** (1 / 3) - 1
            case "sum3":
                return sum(each[1:])
            case "mean3":
                return sum(each[1:]) / 3
        raise ValueError(formula)

    def some(self, among: str, year: int, formula: str) -> pd.Series:
        """The figures of tickers, of a sector, or of all companies where it is empty."""
        values = self.of(year, formula).dropna()
        sectors = self.companies["sector"]
        if among in set(sectors):
            return values[values.index.map(sectors) == among] if among else values
        return values[among.split()]

    def line(self, symbol: str, line: str, table: str) -> pd.DataFrame:
        """The rows of one line of a company, in the table `annual` or `quarterly`."""
        frame = self.quarters if table == "quarterly" else self.annual
        return frame.loc[(symbol, line)].reset_index() if (symbol, line) in frame.index.droplevel([2, 3]) else frame[:0]

    def latest(self, symbol: str, line: str) -> float:
        """The newest balance of a line, of a quarter or of a year."""
        both = pd.concat([self.line(symbol, line, table) for table in ("annual", "quarterly")])
        return float(both.sort_values("period_end")["value"].iloc[-1])

    def trailing(self, symbol: str, line: str) -> float:
        """The sum of the last four quarters."""
        return float(self.line(symbol, line, "quarterly").sort_values("period_end")["value"].tail(4).sum())

    def trailing_of(self, symbols: Sequence[str], formula: str) -> pd.Series:
        """The figure of some companies over their last four quarters."""
        lines = [word for word in formula.split() if word.isidentifier()]
        return pd.Series({each: self.together(each, lines).to_frame().T.eval(formula).item() for each in symbols})

    def together(self, symbol: str, lines: Sequence[str]) -> pd.Series:
        """Sums of the last four quarters in which all lines are there; else the last year in which they are."""
        last = self._beside(symbol, lines, "quarterly").tail(4)
        days = pd.to_datetime(last.index.astype(str))
        whole = len(last) == 4 and (days[-1] - days[0]).days < 300
        return last.sum() if whole else self._beside(symbol, lines, "annual").iloc[-1]

    def _beside(self, symbol: str, lines: Sequence[str], table: str) -> pd.DataFrame:
        columns = [self.line(symbol, line, table).set_index("period_end")["value"].rename(line) for line in lines]
        return pd.concat(columns, axis=1).sort_index().dropna()


def amount(value: float, unit: str) -> str:
    """The text of an amount, with more digits than an answer shows."""
    if unit in ("%", "points"):
        return f"{value * 100:.4f}{unit}" if unit == "%" else f"{value * 100:.4f} {unit}"
    digits = 0 if unit in ("USD", "") else 4
    return f"{value:.{digits}f} {unit}".strip()
