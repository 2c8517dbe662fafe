"""Which charts fit an answer, and which of them is drawn where none is named: what `Answer.plot` offers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from finassist.analysis.implied import IMPLIED
from finassist.analysis.modelled import is_model
from finassist.analysis.peers import summary_of
from finassist.core.errors import InputError
from finassist.core.facts import Fact, canonical, snake
from finassist.core.formatting import clean, label, listed
from finassist.core.metrics import catalogue
from finassist.reporting.charts import (
    LEVELS,
    REBASED,
    STATEMENT_LINES,
    Panel,
    by_year,
    closes,
    football,
    from_100,
    heat,
    over_time,
    rebased,
    side_by_side,
    statements,
    waterfall,
)
from finassist.reporting.company import AnswerLike, CompanyFigures, companies_of
from finassist.reporting.proof import title_of
from finassist.reporting.tables import comparison
from finassist.reporting.words import MARKET_INDEX, distinct, short_name

_MOST_COLOURS = 6
_MANY = 12
"""Periods from which a line reads better than bars."""

type Panels = Sequence[Panel | None]


@dataclass(frozen=True)
class _Asked:
    """What of an answer a chart may show."""

    answer: AnswerLike

    @cached_property
    def companies(self) -> list[CompanyFigures]:
        return companies_of(self.answer)

    @cached_property
    def names(self) -> Mapping[str, str]:
        known: Callable[[], Mapping[str, str]] = getattr(self.answer, "company_names", dict[str, str])
        return {MARKET_INDEX: "S&P 500"} | {symbol: short_name(name) for symbol, name in known().items()}

    @cached_property
    def figures(self) -> list[Fact]:
        """The figures asked for, without what sums up peers and the steps of a model."""
        by_key, query = {fact.key: fact for fact in self.answer.facts}, getattr(self.answer, "query", None)
        found = [by_key[key] for key in getattr(self.answer, "rows", ()) if key in by_key]
        return (
            []
            if query and is_model(query)
            else [each for each in found if each.text is None and not summary_of(each)[0]]
        )

    @property
    def fields(self) -> list[str]:
        return distinct(fact.field for fact in self.figures)

    @property
    def symbols(self) -> list[str]:
        return distinct(fact.symbol for fact in self.figures)

    @property
    def once(self) -> bool:
        """Whether there are several companies with one figure of each kind."""
        return len(self.symbols) > 1 and len({(f.symbol, f.field) for f in self.figures}) == len(self.figures)

    def name(self, symbol: str) -> str:
        return self.names.get(symbol, symbol)


def panels_of(answer: AnswerLike, kind: str | None = None) -> list[Panel]:
    """What `Answer.plot` draws, as panels of facts.

    Raises:
        InputError: There is nothing of this kind to draw.
    """
    asked = _Asked(answer)
    wanted = [_kind(kind)] if kind else _by_default(asked)
    for name in wanted:
        if panels := _built(asked, name):
            return panels
    raise InputError(_nothing(asked, kind or ""))


def _built(asked: _Asked, name: str) -> list[Panel]:
    build = _KINDS.get(name)
    return [panel for panel in (build(asked) if build else _field(asked.companies, name)) if panel]


def _by_default(asked: _Asked) -> Iterator[str]:
    """Kinds in the order in which they suit the question; the first that can be drawn is."""
    text = str(getattr(asked.answer, "input", "") or "")
    yield from (name for name, words in _SAID.items() if words.search(text))
    if asked.answer.category == "stock_price":
        yield "price"
    yield "football"
    if any(fact.field == REBASED for fact in asked.answer.facts):
        yield "rebased"
    if len(asked.fields) > 2 and len(asked.figures) == len(asked.fields) and {*asked.fields} <= {*LEVELS, *_MARGINS}:
        yield "waterfall"
    if asked.once and len(asked.fields) > 1:
        yield "heatmap"
    yield from ("line", "bar") if len({fact.period for fact in asked.figures}) > _MANY else ("bar", "line")
    yield from ("statements", "price", "waterfall")


_MARGINS = ("gross_margin", "operating_margin", "net_margin")
_SAID = {
    "waterfall": re.compile(r"\bwaterfall", re.IGNORECASE),
    "heatmap": re.compile(r"\bheat[- ]?map", re.IGNORECASE),
    "rebased": re.compile(r"\b(?:rebased|indexed to 100)\b", re.IGNORECASE),
    "line": re.compile(r"\bline (?:chart|graph|plot)|\bas (?:a )?lines?\b", re.IGNORECASE),
    "bar": re.compile(r"\bbar (?:chart|graph|plot)|\bas (?:a )?bars?\b", re.IGNORECASE),
}
"""Words of a question that name its chart."""


# --------------------------------------------------------------------------------------------- kinds


def _bars(asked: _Asked, kind: str = "bars") -> Panels:
    """The figures asked for, those of one unit in one panel: by company, or over time; else a report's statements."""
    if not asked.figures:
        lines = [(label(field), field) for field in STATEMENT_LINES]
        return [by_year(c.subject.title, [(name, c, field) for name, field in lines], kind) for c in asked.companies]
    units = distinct((fact.unit, fact.currency) for fact in asked.figures)
    return [_of_unit(asked, [f for f in asked.figures if (f.unit, f.currency) == unit], kind) for unit in units]


def _of_unit(asked: _Asked, figures: Sequence[Fact], kind: str) -> Panel | None:
    fields, symbols = distinct(fact.field for fact in figures), distinct(fact.symbol for fact in figures)
    if len(fields) * (1 if asked.once else len(symbols)) > _MOST_COLOURS:
        return None
    metrics = listed(title_of(field) for field in fields)
    if asked.once:
        return (
            side_by_side(metrics, [(title_of(field), _own(figures, field)) for field in fields])
            if kind == "bars"
            else None
        )
    title = f"{listed(map(asked.name, symbols))}: {metrics}"
    pairs = [(symbol, field) for symbol in symbols for field in fields]
    named = [(_name(asked, pair, len(symbols), len(fields)), _own(figures, pair[1], pair[0])) for pair in pairs]
    return over_time(title, named, kind, fewest=2)


def _name(asked: _Asked, pair: tuple[str, str], symbols: int, fields: int) -> str:
    said = (asked.name(pair[0]) if symbols > 1 else "", title_of(pair[1]) if fields > 1 or symbols < 2 else "")
    return ", ".join(filter(None, said))


def _own(figures: Sequence[Fact], field: str, symbol: str = "") -> list[Fact]:
    return [fact for fact in figures if fact.field == field and symbol in ("", fact.symbol)]


def _grouped(asked: _Asked) -> Panels:
    return [panel for panel in _bars(asked) if panel and len(panel.lines) > 1]


def _heat(asked: _Asked) -> Panels:
    table = comparison(asked.companies) if not asked.figures and len(asked.companies) > 1 else None
    found = [cell.fact for row in table.rows for cell in row.cells if cell.fact] if table else asked.figures
    once = table or asked.once
    return [heat(found)] if once else []


def _rebased(asked: _Asked) -> Panels:
    several = asked.companies if len(asked.companies) > 1 else []
    return [rebased(asked.answer.facts, asked.names) or from_100([c for c in several if c.closes], asked.names)]


def _football(asked: _Asked) -> Panels:
    return [football(asked.answer.facts)] if any(fact.field.startswith(IMPLIED) for fact in asked.answer.facts) else []


_KINDS: Mapping[str, Callable[[_Asked], Panels]] = {
    "bar": _bars,
    "line": lambda asked: _bars(asked, "lines"),
    "grouped": _grouped,
    "heatmap": _heat,
    "waterfall": lambda asked: [waterfall(company) for company in asked.companies],
    "rebased": _rebased,
    "football": _football,
    "statements": lambda asked: [statements(company) for company in asked.companies],
    "price": lambda asked: [closes(company) for company in asked.companies],
}


def _field(companies: Sequence[CompanyFigures], name: str) -> list[Panel | None]:
    """One field of all companies in one panel; in a panel each where their units differ."""
    named = [(company.subject.title, company, name) for company in companies]
    together = by_year(label(name), named, "lines")
    return [together] if together else [by_year(title, [(label(name), d, name)], "lines") for title, d, _ in named]


def _kind(wanted: Any) -> str:
    """The name of a kind or of a field, however it is written: “heat map”, `Net margin`, `freeCashFlow`."""
    name = snake(str(wanted))
    if (kind := name.replace("_", "").removesuffix("s").removesuffix("chart")) in _KINDS:
        return kind
    return name if name in catalogue() or name in _KINDS else canonical(name) or name


_FIRST = ("revenue", "net_income", "net_margin", "free_cash_flow", "roe")
"""Figures that are named first as those that can be drawn."""


def _nothing(asked: _Asked, wanted: str) -> str:
    kinds = [name for name in _KINDS if _built(asked, name)]
    there = {field: None for company in asked.companies for field, _ in company.data.facts}
    fields = [field for field in {**dict.fromkeys(_FIRST), **there} if any(_field(asked.companies, field))]
    if len(fields) > 1:
        kinds.append(f"or one figure over time, such as {listed(fields[: len(_FIRST)])}")
    if not kinds:
        return "This answer has no figures to draw. Ask for several years or companies, a report, or a stock price."
    what = f"no chart “{clean(wanted, 60)}”" if wanted else "nothing to draw by itself"
    return f"This answer has {what}. Choose one of: {', '.join(kinds)}."
