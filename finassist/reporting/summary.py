"""The sentence that sums up a report or a comparison, from the figures of each company's latest fiscal year. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from finassist.analysis.statements import currencies_apart
from finassist.core.facts import Fact
from finassist.core.formatting import listed
from finassist.core.metrics import catalogue
from finassist.core.result import Category
from finassist.reporting.company import CompanyFigures
from finassist.reporting.words import SHOWN, capital, figure, possessive, short_name, when

_COMPARED = ("revenue", "net_margin")


def summary(about: Category, companies: Sequence[CompanyFigures]) -> str:
    """What the figures say at a glance; empty where there are too few.

    Args:
        about: The kind of document.
        companies: Companies with figures, in the order of the question.
    """
    if len(companies) > 1:
        return _comparison(companies) if about.statements else ""
    parts = [part for company in companies for part in _of_one(about, company)]
    return f"{capital('; '.join(parts))}." if parts else ""


def _of_one(about: Category, company: CompanyFigures) -> Iterator[str]:
    owner = possessive(_name(company))
    if about.statements and (revenue := _latest(company, "revenue")):
        yield f"{owner} revenue {_moved(company)} {figure(revenue)} {when(revenue)}"
        if income := _latest(company, "net_income"):
            what = "net income" if (income.value or 0) >= 0 else "the net loss"
            margin = _latest(company, "net_margin")
            share = f", {figure(margin)} of revenue" if margin and (margin.value or 0) > 0 else ""
            yield f"{what} was {figure(income, signed=False)}{share}"
    price = company.price
    if about.prices and price and price.known:
        whose = "the" if about.statements and company.years else owner
        yield f"{whose} share price was {figure(price)} on {price.period}"


def _moved(company: CompanyFigures) -> str:
    growth = _latest(company, "revenue_growth")
    if growth is None or not growth.value:
        return "was"
    if abs(growth.value) < SHOWN:
        return "was almost unchanged at"
    return f"{'rose' if growth.value > 0 else 'fell'} {figure(growth, signed=False)} to"


def _comparison(companies: Sequence[CompanyFigures]) -> str:
    """Who has the most revenue, and who the best margin."""
    names = [_name(company) for company in companies]
    degree = "higher" if len(companies) == 2 else "highest"
    won: dict[str, list[str]] = {}
    for metric in _COMPARED:
        if best := _first(metric, companies):
            name, fact = best
            won.setdefault(name, []).append(
                f"the {degree} {catalogue()[metric].label} ({figure(fact)} in {fact.period})"
            )
    return f"Of {listed(names)}, {listed(f'{name} had {listed(each)}' for name, each in won.items())}." if won else ""


def _first(metric: str, companies: Sequence[CompanyFigures]) -> tuple[str, Fact] | None:
    facts = {_name(company): fact for company in companies if (fact := _latest(company, metric))}
    if len(facts) < len(companies) or currencies_apart(facts.values()):
        return None
    return max(facts.items(), key=lambda item: item[1].value or Decimal())


def _latest(company: CompanyFigures, name: str) -> Fact | None:
    fact = company.fact(name, company.years[-1]) if company.years else None
    return fact if fact and fact.known else None


def _name(company: CompanyFigures) -> str:
    return short_name(company.subject.name or company.subject.symbol)
