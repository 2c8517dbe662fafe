"""A valuation as a sheet that computes: assumptions, years, the way to the value, and values under other assumptions.

Whatever is made here has its cell here, so that all of it follows from the blue cells above it. Sensitivities are
closed forms: each cell recomputes the value at its own WACC and growth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from finassist.analysis.valuation import GRID, SCENARIOS
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue
from finassist.reporting.models import APART, YEARLY, basis, is_assumption
from finassist.reporting.spreadsheet import TITLE, formula, heading, put, shade, title, unit_of, widths

MODEL = "Model"
_RATE: Final = "0.00%_)"
_COLUMN: Final = 2  # of the first value; the first column has names

type Draw = Callable[[Any, Fact], None]
type Cells = Callable[[str], str]


@dataclass(frozen=True)
class ModelSheet:
    """A valuation of one company: its figure first, then what it is made of."""

    figures: tuple[Fact, ...]
    assumed: tuple[Fact, ...]

    @classmethod
    def of(cls, answer: Any) -> ModelSheet | None:
        """The valuation that an answer is, if it is one."""
        facts = {fact.key: fact for fact in answer.facts}
        figures = tuple(facts[key] for key in answer.rows if key in facts)
        about = catalogue().get(figures[0].field) if figures else None
        if about is None or about.model != "value" or answer.figure != figures[0].key or len(figures) < 2:
            return None
        return cls(figures, tuple(fact for fact in answer.facts if fact.status == "assumed"))

    @cached_property
    def assumptions(self) -> list[Fact]:
        """What the value rests on and nobody reports."""
        found = dict[str, Fact]()
        for fact in (*self.figures[1:], *self.assumed):
            if is_assumption(fact):
                found.setdefault(fact.field, fact)
        return list(found.values())

    @cached_property
    def yearly(self) -> dict[str, list[Fact]]:
        """The figures of each year to come, by field."""
        fields = [name for name in YEARLY if any(fact.field == name for fact in self.figures)]
        return {name: [fact for fact in self.figures if fact.field == name] for name in fields}

    @cached_property
    def steps(self) -> list[Fact]:
        """The way to the value, the value last."""
        figure, *others = self.figures
        apart = {*YEARLY, *APART, *(fact.field for fact in self.assumptions)}
        return [*(fact for fact in others if fact.field not in apart), figure]

    @property
    def years(self) -> int:
        """How many years are forecast."""
        return max(map(len, self.yearly.values()), default=0)

    # --------------------------------------------------------------------------------------------- places

    @cached_property
    def _starts(self) -> dict[str, int]:
        """The row of the head of each table."""
        lengths = {"assumptions": len(self.assumptions), "yearly": len(self.yearly), "steps": len(self.steps),
                   "grid": len(GRID), "scenarios": len(SCENARIOS)}  # fmt: skip
        starts, row = dict[str, int](), 3
        for name, length in lengths.items():
            starts[name], row = row, row + length + 2 if length else row
        return starts

    @cached_property
    def places(self) -> dict[str, tuple[str, str, int]]:
        """Sheet, column and row of each figure that is made here."""
        starts, found = self._starts, dict[str, tuple[str, str, int]]()
        for at, fact in enumerate(self.assumptions, starts["assumptions"] + 1):
            same = [each.key for each in self.assumed if each.field == fact.field]  # of another period
            found |= dict.fromkeys((fact.key, *same), (MODEL, "B", at))
        for at, facts in enumerate(self.yearly.values(), starts["yearly"] + 1):
            for column, fact in enumerate(facts, _COLUMN):
                found[fact.key] = (MODEL, get_column_letter(column), at)
        for at, fact in enumerate(self.steps, starts["steps"] + 1):
            if fact.status == "derived" and fact.field in catalogue() and catalogue()[fact.field].model:
                found[fact.key] = (MODEL, "B", at)
        return found | {fact.key: (MODEL, *self._apart(fact)) for fact in self.figures if fact.field in APART}

    def _apart(self, fact: Fact) -> tuple[str, int]:
        """Column and row of the value under other assumptions, in the order in which it was made."""
        if fact.field == "dcf_scenario":
            return "D", self._starts["scenarios"] + 1 + list(SCENARIOS).index(fact.period.partition(":")[0])
        wacc, last = (float(each.rstrip("%")) / 100 for each in fact.period.split(" / "))
        row = min(range(len(GRID)), key=lambda at: abs(self._rate("wacc") + float(GRID[at]) - wacc))
        column = min(range(len(GRID)), key=lambda at: abs(self._rate("terminal_growth") + float(GRID[at]) / 2 - last))
        return get_column_letter(column + _COLUMN), self._starts["grid"] + 1 + row

    def _rate(self, field: str) -> float:
        return float(next(fact.value or 0 for fact in self.assumptions if fact.field == field))

    # ------------------------------------------------------------------------------------------- formulas

    def formulas(self, cell: Cells) -> dict[str, str]:
        """The formulas that a fact does not state in full; `cell` gives the address of a figure on this sheet."""
        found = dict[str, str]()
        for fact in self.figures:
            if fact.field == "dcf_sensitivity":
                _, column, row = self.places[fact.key]
                found[fact.key] = self._at_rates(cell, f"A{row}", f"{column}{self._starts['grid']}")
            elif fact.field == "dcf_scenario":
                row = self.places[fact.key][2]
                found[fact.key] = self.closed(cell, f"B{row}", f"C{row}")
            elif fact.field == "forecast_years" and self.yearly:
                found[fact.key] = self._count(cell)
        return found

    def checks(self, cell: Cells) -> Iterator[tuple[Fact, str, str, Decimal]]:
        """What a figure that was found by trying has to give: a fact, a name, a formula, and its value."""
        figure, at = self.figures[0], self._named(cell)
        price = next((fact for fact in self.steps if fact.field == "price"), None)
        if figure.field == "implied_growth" and price is not None and price.value is not None:
            recomputed = f"ROUND({self.closed(cell, at['implied_growth'], at['forecast_margin'])},4)"
            yield price, "Value per share at the implied growth", recomputed, round(price.value, 4)

    def _flows(self, cell: Cells, field: str = "") -> str:
        """The cells of a yearly figure, side by side."""
        facts = self.yearly[field or next(iter(self.yearly))]
        _, column, row = self.places[facts[-1].key]
        return f"{cell(facts[0].key)}:{column}{row}"

    def _count(self, cell: Cells) -> str:
        return f"COUNT({self._flows(cell)})"

    def _named(self, cell: Cells) -> Mapping[str, str]:
        return {fact.field: cell(fact.key) for fact in (*self.assumptions, *self.steps)}

    def _at_rates(self, cell: Cells, wacc: str, growth: str) -> str:
        """The value per share at another WACC and terminal growth."""
        at, flows = self._named(cell), self._flows(cell, "forecast_cash_flow")
        last = flows.partition(":")[2]
        terminal = f"{last}*(1+{growth})/({wacc}-{growth})/(1+{wacc})^{self._count(cell)}"
        return f'IF({wacc}>{growth},{_per_share(f"NPV({wacc},{flows})+{terminal}", at)},"n/a")'

    def closed(self, cell: Cells, growth: str, margin: str) -> str:
        """The value per share at another growth and margin of the years to come."""
        at, years = self._named(cell), self._count(cell)
        wacc, last = at["wacc"], at["terminal_growth"]
        ratio = f"((1+{growth})/(1+{wacc}))"
        summed = f"IF({growth}={wacc},{years},{ratio}*(1-{ratio}^{years})/(1-{ratio}))"
        terminal = f"{ratio}^{years}*(1+{last})/({wacc}-{last})"
        return _per_share(f"{at['revenue']}*{margin}*({summed}+{terminal})", at)

    # ---------------------------------------------------------------------------------------------- cells

    def draw(self, book: Workbook, draw: Draw, cell: Cells) -> None:
        """Fill the sheet; `draw` writes a figure into its cell."""
        sheet: Any = book.create_sheet(MODEL)
        widths(sheet, (44, *[17] * max(6, self.years)))
        figure = self.figures[0]
        put(sheet, 1, 1, [f"{title(figure.field)}: {figure.symbol}, {figure.period}"])
        sheet["A1"].font = TITLE
        self._listed(sheet, "assumptions", "Assumption", "Where from", self.assumptions, basis, draw)
        if self.yearly:
            self._by_year(sheet, draw)
        self._listed(sheet, "steps", "Step", "Formula", self.steps, lambda fact: fact.formula or fact.source, draw)
        if any(fact.field in APART for fact in self.figures):
            self._grid(sheet, draw, self._named(cell))
            self._scenarios(sheet, draw, self._named(cell))
        sheet.freeze_panes = "B3"

    def _listed(
        self,
        sheet: Any,
        name: str,
        head: str,
        told: str,
        facts: Sequence[Fact],
        tell: Callable[[Fact], str],
        draw: Draw,
    ) -> None:
        heading(sheet, [head, "Value", "Unit", told], self._starts[name])
        for row, fact in enumerate(facts, self._starts[name] + 1):
            put(sheet, row, 1, [title(fact.field)])
            draw(sheet.cell(row, _COLUMN), fact)
            put(sheet, row, _COLUMN + 1, [unit_of(fact), tell(fact)])

    def _by_year(self, sheet: Any, draw: Draw) -> None:
        start = self._starts["yearly"]
        ends = [fact.period_end for fact in next(iter(self.yearly.values()))]
        heading(sheet, ["Twelve months to", *map(str, ends)], start)
        for row, (field, facts) in enumerate(self.yearly.items(), start + 1):
            put(sheet, row, 1, [title(field)])
            for column, fact in enumerate(facts, _COLUMN):
                draw(sheet.cell(row, column), fact)

    def _grid(self, sheet: Any, draw: Draw, at: Mapping[str, str]) -> None:
        start = self._starts["grid"]
        put(sheet, start, 1, ["Value per share: WACC ↓, terminal growth →"])
        for place, step in enumerate(GRID):
            formula(sheet.cell(start, place + _COLUMN), _moved(at["terminal_growth"], float(step) / 2), _RATE)
            formula(sheet.cell(start + 1 + place, 1), _moved(at["wacc"], float(step)), _RATE)
        shade(sheet, start, max(6, len(GRID) + 1))
        for fact in self.figures:
            if fact.field == "dcf_sensitivity":
                _, column, row = self.places[fact.key]
                draw(sheet[f"{column}{row}"], fact)

    def _scenarios(self, sheet: Any, draw: Draw, at: Mapping[str, str]) -> None:
        start = self._starts["scenarios"]
        heading(sheet, ["Scenario", "Growth", "Margin", "Value per share"], start)
        for row, (name, factor) in enumerate(SCENARIOS.items(), start + 1):
            put(sheet, row, 1, [name.capitalize()])
            growth = at["forecast_growth"]
            formula(sheet.cell(row, 2), f"{growth}+ABS({growth})*{float(factor - 1):g}", _RATE)
            formula(sheet.cell(row, 3), f"{at['forecast_margin']}*{float(1 + (factor - 1) / 5):g}", _RATE)
        for fact in self.figures:
            if fact.field == "dcf_scenario":
                draw(sheet.cell(self.places[fact.key][2], 4), fact)


def _per_share(enterprise: str, at: Mapping[str, str]) -> str:
    """The value per share of an enterprise value."""
    return f"({enterprise}+{at['cash_and_equivalents']}-{at['long_term_debt']})/{at['cover_shares']}"


def _moved(cell: str, step: float) -> str:
    return f"{cell}{step:+g}" if step else cell
