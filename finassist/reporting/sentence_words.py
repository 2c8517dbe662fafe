"""Names, figures and periods as the words of a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from finassist.analysis.outcome import Row
from finassist.analysis.points import Member
from finassist.core.facts import Fact
from finassist.core.metrics import described, spoken
from finassist.core.query import Filter, Query
from finassist.reporting.numbers import figure, money, number

_LEGAL = re.compile(
    r",? (?:Inc|Corp|Corporation|Incorporated|Co|Company|PLC|plc|Ltd|Limited|N\.V|S\.A|& Co|Holdings|L\.P)\.?(?= |$|,)| \(The\)|^The |/[A-Z]{2}/?",
    re.IGNORECASE,
)


def short_name(name: str) -> str:
    """A company's name without its legal form.

    Example:
        >>> short_name("Apple Inc."), short_name("Coca-Cola Company (The)")
        ('Apple', 'Coca-Cola')
    """
    plain = re.sub(r"^(\w+) \((\w+)\)$", r"\2 \1", re.sub(r" \(Class [A-C]\)", "", name))
    plain = _LEGAL.sub("", _LEGAL.sub("", plain)).strip(" ,.&")
    return plain or name


def possessive(name: str) -> str:
    """`Apple's`, `Yum! Brands'`."""
    return name if name.endswith("'s") else f"{name}'" if name.endswith("s") else f"{name}'s"


class Words:
    """Names and phrases for one outcome."""

    def __init__(self, members: Mapping[str, Member], query: Query) -> None:
        self.members, self.query = members, query
        self.language = query.language
        self.number_language = "en"

    def name(self, symbol: str) -> str:
        """Short name of a company."""
        if symbol == "^GSPC":
            return "the S&P 500"
        member = self.members.get(symbol)
        return short_name(member.name) if member else symbol

    def owner(self, symbol: str) -> str:
        """The name as an owner, at the start of a sentence or not."""
        return possessive(self.name(symbol))

    def figure(self, fact: Fact, *, signed: bool = True) -> str:
        """A value as the query wants it."""
        unit = self.query.unit if self.query.unit.startswith("USD") else ""
        if fact.symbol == "^GSPC" and fact.unit == "USD/share":
            return number(fact.value or Decimal(), 2)
        return figure(fact, self.number_language, unit=unit, decimals=self.query.decimals, signed=signed)

    def label(self, row: Row) -> str:
        """The metric of a row, as a loss where it is one."""
        about = described(row.metric)
        if row.fact.value is not None and row.fact.value < 0 and about.id in ("net_income", "operating_income"):
            return about.label.replace("income", "loss")
        return about.label

    def when(self, fact: Fact, metric: str = "") -> str:
        """The period of a fact as a phrase that says when it ended."""
        return when(fact, stock=bool(metric) and described(metric).kind in ("stock", "count"))


def when(fact: Fact, *, stock: bool = False) -> str:
    """`in FY2023 (year ended 2023-09-30)`, `on 2024-12-31`, `in the twelve months to 2026-06-30 (TTM)`."""
    period, end = fact.period, fact.period_end
    if period.startswith("FY"):
        return (
            f"at the end of {period} ({end})" if stock else f"in {period} (year ended {end})" if end else f"in {period}"
        )
    if period.startswith("Q"):
        return (
            f"at the end of {period} ({end})"
            if stock
            else f"in {period} (quarter ended {end})"
            if end
            else f"in {period}"
        )
    if period.startswith("TTM"):
        return f"in the twelve months to {end} (TTM)"
    if period.startswith(("H", "9M")):
        return f"in {period} (ended {end})" if end else f"in {period}"
    return f"on {end or period}"


def brief(fact: Fact) -> str:
    """A period without its last day: `FY2023`, `Q3 2024`."""
    return f"the twelve months to {fact.period_end}" if fact.period.startswith("TTM") else fact.period


def in_period(row: Row) -> str:
    fact = row.fact
    if fact.period.startswith(("FY", "Q", "H", "9M")):
        return f"in {fact.period}"
    return when(fact)


def at_period(fact: Fact) -> str:
    if fact.period.startswith(("FY", "Q", "H", "9M")):
        return f"in {fact.period}" + (f" (ended {fact.period_end})" if fact.period_end else "")
    return when(fact)


def over_span(label: str) -> str:
    return (
        f"from {label}"
        if " to " in label and not label.startswith("the")
        else f"in {label}"
        if not label.startswith("the")
        else f"over {label}"
    )


def conditions(query: Query) -> str:
    """The filters of a screen in words."""
    return " and ".join(_condition(each) for each in query.where)


def _condition(each: Filter) -> str:
    comparator = {">": "above", ">=": "of at least", "<": "below", "<=": "of at most", "between": "between"}[
        each.comparator
    ]
    limit = threshold(each.metric, each.number)
    upper = f" and {threshold(each.metric, each.upper)}" if each.upper is not None else ""
    if each.number == 0 and each.metric == "net_income":
        return "a net loss" if each.comparator == "<" else "a profit"
    return f"{spoken(each.metric)} {comparator} {limit}{upper}"


def threshold(metric: str, value: float) -> str:
    """A limit in the unit of its metric."""
    match described(metric).unit:
        case "percent":
            return f"{value * 100:g}%"
        case "USD":
            return money(Decimal(repr(value)), "USD").replace(".00", "")
        case "USD/share":
            return f"USD {value:g}"
        case _:
            return f"{value:g}"


def asked_periods(query: Query) -> str:
    return f" in {' and '.join(query.periods)}" if query.periods else ""


def in_sectors(query: Query) -> str:
    return f" in {' or '.join(query.sectors)}" if query.sectors else ""


def is_window(row: Row) -> bool:
    return row.metric in ("price_change", "total_return", "max_drawdown", "volatility", "beta")


def shared_period(rows: Sequence[Row], words: Words) -> str:
    facts = [row.fact for row in rows]
    if len({fact.period for fact in facts}) > 1:
        return ""
    ends = {fact.period_end for fact in facts}
    if len(ends) == 1 or facts[0].period_end is None:
        return " " + (words.when(facts[0], rows[0].metric) if not is_window(rows[0]) else over_span(facts[0].period))
    return f" in {facts[0].period} (years ended {min(e for e in ends if e)} to {max(e for e in ends if e)})"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def distinct[T](values: Iterable[T]) -> list[T]:
    """Each value once, in order."""
    return list(dict.fromkeys(values))


def listed(cells: Sequence[str]) -> str:
    return cells[0] if len(cells) == 1 else ", ".join(cells[:-1]) + " and " + cells[-1]
