"""DataFrames that show figures in words and hold them exactly, and the table that an answer was asked for as one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar

import pandas as pd
from msgspec.structs import replace

from finassist.analysis.modelled import is_model
from finassist.analysis.peers import SUMMARIES, summary_of
from finassist.core.facts import Fact
from finassist.core.formatting import ABSENCE, NOT_IN_DATA, clean
from finassist.core.query import Query
from finassist.core.result import category_of
from finassist.reporting.company import AnswerLike, companies_of
from finassist.reporting.tables import comparison, tables_of
from finassist.reporting.words import MARKET_INDEX, distinct, figure, is_fiscal, short_name

_FROM_TWO = ("growth", "sequential", "cagr", "difference", "times", "sum", "mean")
"""Operations whose figure stands in one table with those it was computed from."""

_UNBROKEN = "\N{NO-BREAK SPACE}"
"""Between the words of a figure, so that a narrow page keeps them on one line."""

type Cells = Mapping[tuple[Any, Any], Fact]
"""Facts by the labels of their row and column."""


class Figures(pd.DataFrame):
    """A DataFrame that shows “USD 416.2 billion” or “not reported” where it holds `416161000000.0` or `<NA>`.

    It computes like any other. A cell is shown in words only while it has the figure of its fact, so that what is
    computed from it is shown as pandas does. Where `itables` is on, it is an interactive table of plain numbers.

    Example:
        >>> from finassist import FinancialAssistantWorkflow
        >>> table = FinancialAssistantWorkflow(db=None).run("Net margin of Apple and Microsoft in FY2024").result
        >>> table["net_margin"].round(4).to_dict(), "24.0%" in str(table)
        ({'AAPL': 0.2397, 'MSFT': 0.3596}, True)
    """

    _metadata: ClassVar[list[str]] = ["_cells"]
    _cells: Cells = MappingProxyType({})

    @classmethod
    def of(cls, frame: pd.DataFrame, cells: Cells) -> Figures:
        """The frame, with the facts of its cells."""
        made = cls(frame)
        made._cells = cells
        return made

    @classmethod
    def by_unit(cls, frame: pd.DataFrame) -> Figures:
        """The frame, of which `unit` says what `value` is.

        Example:
            >>> Figures.by_unit(pd.DataFrame({"value": [0.25], "unit": ["ratio"]}))
               value   unit
            0  25.0%  ratio
        """
        rows = zip(frame.index, frame["value"], frame["unit"], strict=True)
        known = [(row, Decimal(str(value)), unit) for row, value, unit in rows if pd.notna(value) and pd.notna(unit)]
        made = Fact(symbol="", field="", statement="ratio")
        return cls.of(frame, {(row, "value"): replace(made, value=value, unit=unit) for row, value, unit in known})

    @property
    def _constructor(self) -> type[Figures]:
        return Figures

    def __repr__(self) -> str:
        return pd.DataFrame.__repr__(self._in_words())

    def _repr_html_(self) -> str | None:
        html: Any = vars(pd.DataFrame)["_repr_html_"]
        interactive = not html.__module__.startswith("pandas")  # itables replaces it, and sorts by value
        return html(pd.DataFrame(self) if interactive else self._in_words(_UNBROKEN))

    def _in_words(self, space: str = " ") -> pd.DataFrame:
        """A plain frame of the same shape, with words for the rows that pandas shows."""
        view, many = pd.DataFrame(self), len(self)
        most = int(pd.get_option("display.max_rows") or many)
        rows = [*range(min(most, many)), *range(max(most, many - most), many)]
        labels, names = list(self.index), {name for _, name in self._cells}
        for place, name in enumerate(self.columns):
            values = list(view.iloc[:, place]) if name in names else []
            texts = {row: text for row in rows if values and (text := self._text(labels[row], name, values[row]))}
            if texts:
                words = (texts.get(row, "").replace(" ", space) or _plain(value) for row, value in enumerate(values))
                view.isetitem(place, [*words])
        return view

    def _text(self, row: Hashable, column: Hashable, value: Any) -> str:
        """The words of a cell that still has its figure; else ""."""
        fact = self._cells.get((row, column))
        if fact is None:
            return ""
        if pd.isna(value):
            return clean(fact.text, 60) if fact.text else "" if fact.known else ABSENCE.get(fact.status, NOT_IN_DATA)
        return figure(fact) if value_of(fact) == value else ""


def _plain(value: Any) -> str:
    return "–" if pd.isna(value) else f"{value:,.6g}" if isinstance(value, float) else str(value)


def value_of(fact: Fact) -> float | None:
    """A figure for arithmetic; `None` where it is not known.

    Example:
        >>> value_of(Fact(symbol="AAPL", field="revenue", statement="income", status="missing")) is None
        True
    """
    return float(fact.value) if fact.known and fact.value is not None else None


# -------------------------------------------------------------------------------------- what was asked


def asked_frame(figures: Sequence[Fact], facts: Iterable[Fact], query: Query, names: Mapping[str, str]) -> Figures:
    """The figures that a query asked for, metrics as columns, in the order asked.

    Rows are companies, with the period and the name as the last columns; the periods of one company; or both. One
    metric of several companies over time has a column for each of these. A change stands below what it is from.
    """
    if query.scope == "peers":
        return peers_frame(figures)
    if query.scope == "named" and query.operation in _FROM_TWO and not is_model(query):
        figures = _with_inputs(figures, {fact.key: fact for fact in facts})
    fields, symbols = distinct(fact.field for fact in figures), distinct(fact.symbol for fact in figures)
    if len({(fact.symbol, fact.field) for fact in figures}) == len(figures):
        return _by_symbol(figures, symbols, fields, names)
    periods = distinct(fact.period for fact in sorted(figures, key=lambda fact: str(fact.period_end)))
    if len(symbols) == 1:
        return _grid("period", periods, fields, {(fact.period, fact.field): fact for fact in figures})
    if len(fields) == 1:
        return _grid("period", periods, symbols, {(fact.period, fact.symbol): fact for fact in figures})
    rows = distinct((fact.symbol, fact.period) for fact in figures)
    both = pd.MultiIndex.from_tuples(rows, names=["symbol", "period"])
    return _grid("", rows, fields, {((fact.symbol, fact.period), fact.field): fact for fact in figures}, both)


def _with_inputs(figures: Sequence[Fact], by_key: Mapping[str, Fact]) -> list[Fact]:
    """The figures after those they are changes or sums of."""
    inputs = [by_key[key] for fact in figures for key in fact.inputs if key in by_key]
    own = [each for each in inputs if any(fact.field.endswith(f" of {each.field}") for fact in figures)]
    return list({fact.key: fact for fact in (*own, *figures)}.values())


def _by_symbol(
    figures: Sequence[Fact], symbols: Sequence[str], fields: Sequence[str], names: Mapping[str, str]
) -> Figures:
    table = _grid("symbol", symbols, fields, {(fact.symbol, fact.field): fact for fact in figures})
    periods = {each: distinct(fact.period for fact in figures if fact.symbol == each) for each in symbols}
    table["period"] = pd.array([", ".join(periods[each]) for each in symbols], dtype="string")
    known = {MARKET_INDEX: "S&P 500", **{symbol: short_name(name) for symbol, name in names.items()}}
    table["company"] = pd.array([known.get(each, each) for each in symbols], dtype="string")
    return table


def _grid(
    name: str, rows: Sequence[Any], columns: Sequence[str], cells: Cells, index: pd.Index[Any] | None = None
) -> Figures:
    """One cell a fact: numbers, or text where a column has any."""
    made = {column: _column([cells.get((row, column)) for row in rows]) for column in columns}
    index = pd.Index(rows, name=name, dtype="string") if index is None else index
    return Figures.of(pd.DataFrame(made, index=index, columns=list(columns)), cells)


def _column(facts: Sequence[Fact | None]) -> Any:
    if any(fact and fact.text is not None for fact in facts):
        return pd.array([fact.text if fact else None for fact in facts], dtype="string")
    return pd.array([value_of(fact) if fact else None for fact in facts], dtype="Float64")


def peers_frame(facts: Iterable[Fact]) -> Figures:
    """Companies as rows, what sums up the peers below them, and metrics as columns; `<NA>` where a figure is missing.

    Example:
        >>> from finassist import FinancialAssistantWorkflow
        >>> table = FinancialAssistantWorkflow(db=None).run("Nike's P/E against its peers").result
        >>> list(table.index[:2]), list(table.index[-2:])
        (['NKE', 'TPR'], ['rank among peers', 'percentile among peers'])
    """
    cells: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        line, field = summary_of(fact)
        cells[line or fact.symbol, field] = fact
    rows, last = distinct(row for row, _ in cells), [each.field for each in SUMMARIES]
    ordered = [*(name for name in rows if name not in last), *(name for name in last if name in rows)]
    return _grid("symbol", ordered, distinct(column for _, column in cells), cells)


# -------------------------------------------------------------------------------------- documents


def document_frame(answer: AnswerLike) -> Figures:
    """The figures that a report or a statement shows: fiscal years as columns, or companies where there are several."""
    category, companies = category_of(answer.category), companies_of(answer)
    table = comparison(companies) if len(companies) > 1 else None
    tables = [table] if table else [each for company in companies[:1] for each in tables_of(category, company)]
    found = [cell.fact for each in tables if each for row in each.rows for cell in row.cells if cell.fact]
    yearly = [fact for fact in found if is_fiscal(fact)]
    shown = found if table else yearly or found
    cells = {(fact.field, fact.symbol if table else fact.period): fact for fact in shown}
    columns = distinct(column for _, column in cells)
    return _grid("field", distinct(row for row, _ in cells), columns if table else sorted(columns), cells)
