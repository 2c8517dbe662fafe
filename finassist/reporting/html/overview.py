"""The head of a card for one company: headline figures, chart, strengths and points of attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from finassist.analysis.insights import points_of
from finassist.core.categories import category_of
from finassist.core.facts import Fact
from finassist.core.formatting import day, figure, label, percent
from finassist.reporting.company import Dossier
from finassist.reporting.document import as_of, caution
from finassist.reporting.html.chart import bar_chart, price_chart
from finassist.reporting.html.sanitize import escape, whole
from finassist.reporting.html.table import provenance

_SHORT = {"market_cap": "Market cap"}


def overview(category: str, dossier: Dossier, *, heading: bool) -> str:
    """A company's part of a card: how current it is, headline figures, chart, strengths and points of attention."""
    return f'<section class="fin-company">{"".join(_parts(category, dossier, heading=heading))}</section>'


def _parts(category: str, dossier: Dossier, *, heading: bool) -> Iterator[str]:
    if heading:
        yield f"<h3>{escape(dossier.subject.title)}</h3>"
    yield f'<p class="fin-dim">{whole(as_of(category, dossier, amount=False))}</p>'
    title, text = caution(category, dossier)
    yield f'<p class="fin-flag"><strong>{escape(title)}</strong> {escape(text)}</p>' if title else ""
    tiles = "".join(_tiles(category, dossier))
    yield f'<div class="fin-tiles">{tiles}</div>' if tiles else ""
    charts = [bar_chart(dossier) if category_of(category).statements else ""]
    charts += [price_chart(dossier) if category_of(category).prices else ""]
    shown = "".join(f"<div>{chart}</div>" for chart in charts if chart)
    yield f'<div class="fin-beside">{shown}</div>' if shown else ""
    observed = _points(dossier) if category == "report" else []
    yield f'<div class="fin-beside">{"".join(f"<div>{part}</div>" for part in observed)}</div>' if observed else ""


def _tiles(category: str, dossier: Dossier) -> Iterator[str]:
    if category_of(category).prices and dossier.price:
        when = day(dossier.price.as_of or dossier.price.period_end)
        yield _tile(dossier.price, _signed(dossier.on_day("change_percent")), when)
        for name in ("market_cap", "pe_ratio"):
            fact = dossier.on_day(name)
            yield _tile(fact, when) if fact and fact.known else ""
    if category_of(category).statements and dossier.years:
        year = dossier.years[-1]
        beside = {"revenue": "revenue_growth", "net_income": "net_income_growth", "eps_diluted": "eps_growth"}
        cash = () if category == "report" else ("free_cash_flow",)
        for name in ("revenue", "net_income", "eps_diluted", *cash):
            fact = dossier.fact(name, year)
            if fact and fact.known and (name != "free_cash_flow" or len(category_of(category).statements) > 1):
                yield _tile(fact, year, _signed(dossier.fact(beside.get(name, ""), year)))


def _tile(fact: Fact, *beside: str) -> str:
    value = figure(fact).removesuffix(" per share")
    for word, short in (("trillion", "tn"), ("billion", "bn"), ("million", "m")):
        value = value.replace(word, short)
    name = _SHORT.get(fact.field) or label(fact.field)
    below = " · ".join(f'<span class="fin-whole">{escape(part)}</span>' for part in beside if part)
    return (
        f'<div class="fin-tile" title="{escape(provenance(fact))}"><span class="fin-dim">{escape(name)}</span> '
        f'<b>{escape(value)}</b> <span class="fin-dim">{below}</span></div>'
    )


def _points(dossier: Dossier) -> list[str]:
    observed = points_of(dossier.ledger)
    sections: list[str] = []
    for kind, title in (("strength", "Strengths"), ("attention", "Points of attention")):
        lines = [point.text for point in observed if point.kind == kind]
        sections += [f'<section class="fin-{kind}">{bullets(title, lines)}</section>'] if lines else []
    return sections


def bullets(title: str, lines: Sequence[str]) -> str:
    """A titled list; `""` without lines."""
    items = "".join(f"<li>{whole(line)}</li>" for line in lines)
    return f"<h4>{escape(title)}</h4><ul>{items}</ul>" if items else ""


def _signed(fact: Fact | None) -> str:
    return percent(fact.value, signed=True) if fact and fact.known and fact.value is not None else ""
