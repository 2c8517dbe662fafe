"""What `Answer.plot` draws, and with which library: a figure to look at closely, to restyle and to save.

A figure that is missing is a gap, never a zero. `drawing.py` does the drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Literal

from finassist.core import fields as vocabulary
from finassist.core.errors import InputError, MissingExtra
from finassist.core.formatting import clean, label
from finassist.core.ratios import RATIOS
from finassist.reporting.charts import backends as drawing
from finassist.reporting.charts.panels import Panel, by_year, closes, statements
from finassist.reporting.company import CompanyFigures
from finassist.reporting.document import AnswerLike, companies_of

Library = Literal["plotly", "matplotlib"]
_DRAW = {"plotly": drawing.plotly_figure, "matplotlib": drawing.matplotlib_figure}


def plot(answer: AnswerLike, kind: str | None = None, *, library: Library | None = None) -> Any:
    """The figures of an answer over time.

    Args:
        answer: An answer with figures.
        kind: `"statements"` (revenue and net income of each company), `"price"` (its closes), or any yearly field or
            ratio: `"free_cash_flow"`, `"net_margin"`. By default the price for a question about prices, else the
            statements.
        library: `"plotly"` or `"matplotlib"`; by default Plotly where it is installed, else Matplotlib.

    Returns:
        A `plotly.graph_objects.Figure` or a `matplotlib.figure.Figure`, with units on its axes and the sources below.

    Raises:
        InputError: There is nothing of this kind to draw.
        MissingExtra: The library is not installed, or neither is.
    """
    panels = panels_of(answer, kind)
    return _DRAW[_library(library)](panels)


def panels_of(answer: AnswerLike, kind: str | None = None) -> list[Panel]:
    """What `plot` draws, as panels of facts."""
    companies = companies_of(answer)
    wanted = kind or ("price" if answer.category == "stock_price" else "statements")
    match wanted:
        case "statements":
            found = [statements(company) for company in companies]
        case "price":
            found = [closes(company) for company in companies]
        case _:
            found = _field(companies, _canonical(wanted))
    panels = [panel for panel in found if panel]
    if not panels:
        raise InputError(_nothing(wanted, companies))
    return panels


def _field(companies: Sequence[CompanyFigures], name: str) -> list[Panel | None]:
    """One field of all companies in one panel; in a panel each where their units differ."""
    named = [(company.subject.title, company, name) for company in companies]
    together = by_year(label(name), named, "lines")
    return [together] if together else [by_year(title, [(label(name), d, name)], "lines") for title, d, _ in named]


def _canonical(wanted: str) -> str:
    name = vocabulary.snake(wanted)
    return name if name in RATIOS else vocabulary.canonical(name) or name


def _nothing(wanted: str, companies: Sequence[CompanyFigures]) -> str:
    kinds = [name for name, build in (("statements", statements), ("price", closes)) if any(map(build, companies))]
    fields = sorted({field for company in companies for field, _ in company.data.facts})
    kinds += [field for field in fields if any(_field(companies, field))]
    if not kinds:
        return "This answer has no figures over time to draw. Ask for a report, an income statement or a stock price."
    return f"This answer has no “{clean(wanted, 60)}” over time to draw. Choose one of: {', '.join(kinds)}."


def _library(wanted: str | None) -> str:
    if wanted is not None and wanted not in _DRAW:
        raise InputError(f"“{clean(str(wanted), 60)}” cannot draw here. Choose “plotly” or “matplotlib”.")
    found = next((name for name in ([wanted] if wanted else _DRAW) if find_spec(name)), None)
    if found is None:
        absent = f"the package {wanted}, which is not" if wanted else "plotly or matplotlib, and neither is"
        raise MissingExtra(f"Drawing needs {absent} installed. Install it with `pip install 'finassist[plot]'`.")
    return found
