"""Which cell of a workbook each figure of an answer has, and the formula that stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import Any

from finassist.core.facts import FIELDS, Fact
from finassist.core.formatting import ABSENCE
from finassist.core.formulas import arithmetic
from finassist.reporting.company import STATEMENT_TITLES
from finassist.reporting.model_sheet import MODEL, ModelSheet
from finassist.reporting.spreadsheet import INPUT, WRITTEN, as_excel, figure, format_of, formula, title

FACTS, CALCULATION = "Facts", "Calculation"
_LONGEST, _MOST_ARGUMENTS = 8_000, 250
"""What a formula of Excel holds."""


@dataclass(frozen=True)
class Plan:
    """The facts of an answer, and the cell that each has."""

    facts: Mapping[str, Fact]
    companies: Mapping[str, Any]
    model: ModelSheet | None = None

    @cached_property
    def given(self) -> list[Fact]:
        """What sources gave, by company, statement, line and period."""
        symbols = {symbol: at for at, symbol in enumerate(dict.fromkeys(fact.symbol for fact in self.facts.values()))}
        lines = {name: at for at, name in enumerate(FIELDS)}
        order = {name: at for at, name in enumerate(STATEMENT_TITLES)}
        return sorted(
            (fact for fact in self._elsewhere if not is_computed(fact)),
            key=lambda fact: (
                symbols[fact.symbol],
                order.get(fact.statement, len(order)),
                lines.get(fact.field, len(lines)),
                fact.period_end or date.min,
            ),
        )

    @cached_property
    def computed(self) -> list[Fact]:
        """What was computed of them, each after all that it rests on."""
        return sorted(filter(is_computed, self._elsewhere), key=self._depth)

    @cached_property
    def _elsewhere(self) -> list[Fact]:
        own = self.model.places if self.model else {}
        return [fact for key, fact in self.facts.items() if key not in own]

    def _depth(self, fact: Fact, most: int = 30) -> int:
        inputs = (self.facts[key] for key in fact.inputs if key in self.facts and most)
        return 1 + max((self._depth(each, most - 1) for each in inputs if is_computed(each)), default=0)

    # --------------------------------------------------------------------------------------------- places

    @cached_property
    def _places(self) -> dict[str, tuple[str, str, int]]:
        given = {fact.key: (FACTS, "E", row) for row, fact in enumerate(self.given, 2)}
        computed = {fact.key: (CALCULATION, "E", row) for row, fact in enumerate(self.computed, 2)}
        return given | computed | (self.model.places if self.model else {})

    def cell(self, key: str, sheet: str = "") -> str:
        """The address of a figure, as a formula on a sheet names it."""
        where, column, row = self._places[key]
        return f"{column}{row}" if where == sheet else f"{where}!{column}{row}"

    @cached_property
    def formulas(self) -> dict[str, str]:
        """The formula of each computed figure that rests on facts of the answer alone, on the sheet where it stands."""
        found = {key: self._formula(fact) for key, fact in self.facts.items() if is_computed(fact)}
        made = self.model.formulas(partial(self.cell, sheet=MODEL)) if self.model else {}
        return {key: text for key, text in found.items() if text} | made

    def _formula(self, fact: Fact) -> str:
        inputs = [self.facts[key] for key in fact.inputs if key in self.facts and key != fact.key]
        whole = fact.known and len(inputs) == len(fact.inputs) > 0 and all(each.known for each in inputs)
        tree = arithmetic(fact.formula or "", inputs) if whole else None
        try:
            text = as_excel(tree, partial(self.cell, sheet=self._places[fact.key][0])) if tree is not None else ""
        except KeyError:  # a place among others, or a quartile: Excel has no such function over scattered cells
            return ""
        return text if len(text) < _LONGEST and text.count(",") < _MOST_ARGUMENTS else ""

    # ---------------------------------------------------------------------------------------------- cells

    def draw(self, cell: Any, fact: Fact, sheet: str) -> None:
        """Write a figure into a cell: its formula or value where it stands, elsewhere the way there."""
        if self._places[fact.key][0] != sheet:
            formula(cell, self.cell(fact.key), format_of(fact))
        elif text := self.formulas.get(fact.key):
            formula(cell, text, format_of(fact))
        else:
            figure(cell, fact, WRITTEN if is_computed(fact) else INPUT)

    def name(self, symbol: str) -> str:
        """A company's name, or its symbol."""
        return self.companies[symbol].name if symbol in self.companies else symbol

    def filer(self, fact: Fact) -> str:
        """The SEC's number of the company of a figure; empty where it is not known."""
        return self.companies[fact.symbol].cik if fact.symbol in self.companies else ""

    def about(self, fact: Fact) -> list[Any]:
        """What the first four columns say of a figure."""
        return [fact.symbol, self.name(fact.symbol), title(fact.field), fact.period]

    def note(self, fact: Fact) -> str:
        """What to know of a figure, why there is none, or why it is written as a number."""
        said = fact.note or ("" if fact.known or fact.text else ABSENCE.get(fact.status, fact.status))
        if not is_computed(fact) or not fact.known or fact.key in self.formulas:
            return said
        missing = next((key for key in fact.inputs if key not in self.facts), None)
        what = (
            f"{missing}, which is no fact of this answer"
            if missing
            else "more than a formula over the facts of this answer says"
        )
        return f"{said} Written as a number: it rests on {what}.".strip()


def is_computed(fact: Fact) -> bool:
    """Whether an answer made the figure of others, and not a source of what was filed."""
    return bool(fact.formula) and (bool(fact.inputs) or not (fact.filing or fact.concept))
