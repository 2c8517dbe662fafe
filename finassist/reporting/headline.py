"""The sentence that answers: one template for each shape of an outcome. Pure.

Every sentence names company, metric, value, unit and period; a change says its direction in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from finassist.analysis.cube import Member
from finassist.analysis.execute import Outcome, Row
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue, described, spoken
from finassist.core.query import Filter, Query
from finassist.reporting.numbers import figure, money, number

_LEGAL = re.compile(
    r",? (?:Inc|Corp|Corporation|Incorporated|Co|Company|PLC|plc|Ltd|Limited|N\.V|S\.A|& Co|Holdings|L\.P)\.?(?= |$|,)| \(The\)|^The |/[A-Z]{2}/?",
    re.IGNORECASE,
)
ADVICE = "finassist shows figures to weigh and gives no advice to buy or sell."


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


# ------------------------------------------------------------------------------------------- the sentence


def headline(outcome: Outcome, members: Mapping[str, Member]) -> str:
    """The answer of an outcome in one or two sentences; empty where nothing is there."""
    words = Words(members, outcome.query)
    if outcome.query.intent == "define":
        return definition(outcome.query)
    if not outcome.rows and outcome.figure is None:
        return _nothing_found(outcome) if outcome.query.scope == "universe" else ""
    if outcome.query.intent == "judge":
        text = _judge(outcome, words)
    else:
        text = _SHAPES[outcome.shape](outcome, words)
    text = text[:1].upper() + text[1:]
    if outcome.query.explain:
        text = f"{definition(outcome.query)} {text}"
    return text


def definition(query: Query) -> str:
    """What the terms of a query mean, in the catalogue's words."""
    return " ".join(catalogue()[name].about for name in query.explain if name in catalogue())


def _nothing_found(outcome: Outcome) -> str:
    condition = conditions(outcome.query)
    period = _common_period(outcome.query)
    left = f" ({outcome.left_out} of {outcome.considered} lack the figure)" if outcome.left_out else ""
    return f"No company in the data had {condition}{period}{left}." if condition else ""


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


def _common_period(query: Query) -> str:
    return f" in {' and '.join(query.periods)}" if query.periods else ""


# ------------------------------------------------------------------------------------------- by shape


def _values(outcome: Outcome, words: Words) -> str:
    rows = outcome.rows
    if len(rows) == 1:
        return _one(rows[0], words)
    symbols, metrics = _distinct(row.symbol for row in rows), _distinct(row.metric for row in rows)
    if len(symbols) == 1 and len(metrics) == 1:
        return (
            f"{words.owner(symbols[0])} {spoken(metrics[0])} was "
            + _listed([f"{words.figure(r.fact)} {_in(r)}" for r in rows])
            + "."
        )
    if len(symbols) == 1:
        return _several_metrics(rows, symbols[0], words)
    if len(metrics) == 1:
        same = len({row.fact.period for row in rows}) == 1
        period = _period_of(rows, words) if same else ""
        cells = [
            f"{words.name(r.symbol)} {words.figure(r.fact)}" + ("" if same else f" {words.when(r.fact, r.metric)}")
            for r in rows
        ]
        return f"{described(metrics[0]).title}{period}: " + _listed(cells) + "."
    return " ".join(
        _cap(_several_metrics([r for r in rows if r.symbol == symbol], symbol, words)) for symbol in symbols
    )


def _several_metrics(rows: Sequence[Row], symbol: str, words: Words) -> str:
    periods = _distinct(row.fact.period for row in rows)
    if len(periods) == 1:
        cells = [f"{words.label(r)} {words.figure(r.fact, signed='loss' not in words.label(r))}" for r in rows]
        return f"{words.name(symbol)} {words.when(rows[0].fact)}: " + _listed(cells) + "."
    cells = [f"{words.label(r)} {words.figure(r.fact)} {words.when(r.fact, r.metric)}" for r in rows]
    return f"{words.name(symbol)}: " + _listed(cells) + "."


def _one(row: Row, words: Words) -> str:
    if words.language != "en" and (text := translated(row, words)):
        return text
    words.number_language = "en"
    label = words.label(row)
    signed = "loss" not in label
    verb = "were" if row.metric in _PLURAL else "was"
    subject = words.owner(row.symbol) if row.symbol != "^GSPC" else "the S&P 500's"
    if row.metric == "price":
        what = "closing level" if row.symbol == "^GSPC" else "share price"
        return f"{subject} {what} was {words.figure(row.fact)} at the close {words.when(row.fact)}."
    return f"{subject} {label} {verb} {words.figure(row.fact, signed=signed)} {words.when(row.fact, row.metric)}{_how(row, words)}."


def _how(row: Row, words: Words) -> str:
    """How a figure comes about: its two inputs with their values, where there are two."""
    if len(row.parts) != 2 or row.fact.status != "derived":
        return ""
    above, below = row.parts
    sign = "/" if " / " in described(row.metric).formula else "-"
    later = "" if above.period == below.period or row.fact.period.startswith("FY") else f" ({brief(above)})"
    return f": {spoken_input(above)} {words.figure(above)}{later} {sign} {spoken_input(below)} {words.figure(below)}"


def spoken_input(fact: Fact) -> str:
    """An input of a formula in words."""
    return {"cover_shares": "shares"}.get(fact.field) or (
        spoken(fact.field) if fact.field in catalogue() else fact.field
    )


def _in(row: Row) -> str:
    fact = row.fact
    if fact.period.startswith(("FY", "Q", "H", "9M")):
        return f"in {fact.period}"
    return when(fact)


_PLURAL = frozenset({"receivables", "total_assets", "current_assets", "total_liabilities", "current_liabilities", "buybacks", "dividends_paid",
                     "dividends_per_share", "shares_diluted", "shares_basic", "shares_outstanding", "operating_expenses", "retained_earnings",
                     "short_term_investments", "accounts_payable", "cash_and_equivalents", "dividends_paid + buybacks"})  # fmt: skip


def _verb(fact: Fact, metric: str) -> str:
    sign = (fact.value or 0) > 0, (fact.value or 0) < 0
    if described(metric).kind == "flow":
        return "grew" if sign[0] else "fell" if sign[1] else "did not change:"
    return "rose" if sign[0] else "fell" if sign[1] else "did not change:"


def _change(outcome: Outcome, words: Words) -> str:
    return " ".join(_cap(_one_change(row, words)) for row in outcome.rows)


def _one_change(row: Row, words: Words) -> str:
    if row.first is None or row.last is None:
        return _one(row, words)
    if words.language != "en" and (text := _translated_change(row, words)):
        return text
    words.number_language = "en"
    ends = f"from {words.figure(row.first)} {_at(row.first)} to {words.figure(row.last)} {_at(row.last)}"
    size = words.figure(row.fact, signed=False)
    span = f" in {brief(row.last)}" if row.last.period.startswith(("FY", "Q", "H")) and _next_to(row) else ""
    by = "by " if row.fact.unit == "points" else ""
    return f"{words.owner(row.symbol)} {spoken(row.metric)} {_verb(row.fact, row.metric)} {by}{size}{span}, {ends}."


def _next_to(row: Row) -> bool:
    if row.first is None or row.last is None or row.first.period_end is None or row.last.period_end is None:
        return False
    return (row.last.period_end - row.first.period_end).days < 400


def _at(fact: Fact) -> str:
    if fact.period.startswith(("FY", "Q", "H", "9M")):
        return f"in {fact.period}" + (f" (ended {fact.period_end})" if fact.period_end else "")
    return when(fact)


def _cagr(outcome: Outcome, words: Words) -> str:
    parts: list[str] = []
    for row in outcome.rows:
        if row.first is None or row.last is None:
            continue
        verb = "grew" if (row.fact.value or 0) >= 0 else "fell"
        parts.append(_cap(
            f"{words.owner(row.symbol)} {spoken(row.metric)} {verb} {words.figure(row.fact, signed=False)} a year (CAGR) from "
            f"{brief(row.first)} to {brief(row.last)}: from {words.figure(row.first)} to {words.figure(row.last)} over {row.at} years."
        ))  # fmt: skip
    return " ".join(parts)


def _difference(outcome: Outcome, words: Words) -> str:
    rows = outcome.rows
    if outcome.figure is not None and len(rows) == 2 and rows[0].symbol != rows[1].symbol:
        left, right = rows
        gap = outcome.figure
        more = (gap.value or 0) >= 0
        metric = spoken(left.metric)
        return (
            f"{words.owner(left.symbol)} {metric} was {words.figure(gap, signed=False)} {'higher' if more else 'lower'} than "
            f"{words.owner(right.symbol)} {_in(left)}: {words.figure(left.fact)} against {words.figure(right.fact)}.{_other_end(left, right)}"
        )
    parts: list[str] = []
    for row in rows:
        if row.first is None or row.last is None:
            parts.append(_one(row, words))
            continue
        verb = _verb(row.fact, row.metric).replace("grew", "rose")
        parts.append(
            f"{words.owner(row.symbol)} {spoken(row.metric)} {verb} by {words.figure(row.fact, signed=False)}, from {words.figure(row.first)} "
            f"{_at(row.first)} to {words.figure(row.last)} {_at(row.last)}."
        )
    return " ".join(map(_cap, parts))


def _other_end(left: Row, right: Row) -> str:
    """Fiscal years with one label may end apart."""
    a, b = left.fact.period_end, right.fact.period_end
    apart = a and b and abs((a - b).days) > 20 and left.fact.period == right.fact.period
    return f" Their fiscal years end apart: {a} and {b}." if apart else ""


def _times(outcome: Outcome, words: Words) -> str:
    rows = outcome.rows
    fact = outcome.figure
    if fact is not None and len(rows) == 2 and rows[0].symbol != rows[1].symbol:
        return (
            f"{words.owner(rows[0].symbol)} {spoken(rows[0].metric)} was {words.figure(fact)} {words.owner(rows[1].symbol)} "
            f"{_in(rows[0])}: {words.figure(rows[0].fact)} against {words.figure(rows[1].fact)}.{_other_end(*rows)}"
        )
    row = rows[0]
    if row.first is None or row.last is None:
        return _one(row, words)
    return (
        f"{words.owner(row.symbol)} {spoken(row.metric)} was {words.figure(row.fact)} as large {_at(row.last)} as {_at(row.first)}: "
        f"{words.figure(row.last)} against {words.figure(row.first)}."
    )


def _sum(outcome: Outcome, words: Words) -> str:
    if outcome.query.scope == "universe" and outcome.figure is not None:
        return (
            f"The {spoken(outcome.rows[0].metric)} of {outcome.matches} companies{_common_period(outcome.query)} adds up to "
            f"{words.figure(outcome.figure)} ({outcome.left_out} of {outcome.considered} lack the figure)."
        )
    return _joined(outcome, words, "combined", "added up to")


def _mean(outcome: Outcome, words: Words) -> str:
    if outcome.query.scope == "universe" and outcome.figure is not None:
        kind = outcome.query.operation
        return (
            f"The {'median' if kind == 'median' else 'average'} {spoken(outcome.rows[0].metric)} of {outcome.matches} companies"
            f"{_sector(outcome.query)}{_common_period(outcome.query)} was {words.figure(outcome.figure)} "
            f"({outcome.left_out} of {outcome.considered} lack the figure)."
        )
    kind = "median" if outcome.query.operation == "median" else "average"
    return _joined(outcome, words, kind, "averaged")


def _joined(outcome: Outcome, words: Words, adjective: str, verb: str) -> str:
    rows = outcome.rows
    if outcome.figure is None:
        return _values(outcome, words)
    if len(rows) > 1 and len({row.symbol for row in rows}) > 1 and rows[0].first is None:
        names = _listed([words.name(row.symbol) for row in rows])
        cells = _listed([f"{words.name(row.symbol)} {words.figure(row.fact)}" for row in rows])
        return (
            f"The {adjective} {spoken(rows[0].metric)} of {names} was {words.figure(outcome.figure)} {words.when(rows[0].fact, rows[0].metric)}: "
            f"{cells}."
        )
    row = rows[0]
    if row.first is None or row.last is None:
        return _one(row, words)
    return (
        f"{words.owner(row.symbol)} {spoken(row.metric)} {verb} {words.figure(row.fact)} from {brief(row.first)} to {brief(row.last)}"
        f" (years ended {row.first.period_end} to {row.last.period_end})."
    )


def _extreme(outcome: Outcome, words: Words) -> str:
    return " ".join(
        _cap(f"{words.owner(row.symbol)} {spoken(row.metric)} was {row.at or 'highest'} in {brief(row.fact)}, at {words.figure(row.fact)} "
             f"({_ended(row.fact)}).")
        for row in outcome.rows
    )  # fmt: skip


def _ended(fact: Fact) -> str:
    return f"{'quarter' if fact.period.startswith('Q') else 'year'} ended {fact.period_end}"


def _series(outcome: Outcome, words: Words) -> str:
    parts: list[str] = []
    for symbol, metric in _distinct((row.symbol, row.metric) for row in outcome.rows):
        rows = [row for row in outcome.rows if (row.symbol, row.metric) == (symbol, metric)]
        parts.append(_cap(_one_series(rows, symbol, metric, words)))
    return " ".join(parts)


def _one_series(rows: Sequence[Row], symbol: str, metric: str, words: Words) -> str:
    first, last = rows[0].fact, rows[-1].fact
    if len(rows) < 2 or first.value is None or last.value is None:
        return _one(rows[0], words)
    moved = "rose" if last.value > first.value else "fell" if last.value < first.value else "did not change,"
    text = f"{words.owner(symbol)} {spoken(metric)} {moved} from {words.figure(first)} {_at(first)} to {words.figure(last)} {_at(last)}"
    steps = [
        b.fact.value > a.fact.value
        for a, b in zip(rows, rows[1:], strict=False)
        if a.fact.value is not None and b.fact.value is not None
    ]
    if len(rows) > 2 and steps and all(steps):
        text += ", rising every time"
    elif len(rows) > 2 and steps and not any(steps):
        text += ", falling every time"
    elif len(rows) > 3:
        best = max(rows, key=lambda row: row.fact.value or Decimal())
        worst = min(rows, key=lambda row: row.fact.value or Decimal())
        if words.query.evidence.get("every"):
            text += "; not every time"
        text += f"; the highest was {words.figure(best.fact)} in {brief(best.fact)}, the lowest {words.figure(worst.fact)} in {brief(worst.fact)}"
    return text + "."


def _window(outcome: Outcome, words: Words) -> str:
    return " ".join(_cap(_one_window(row, outcome.query, words)) for row in outcome.rows)


def _one_window(row: Row, query: Query, words: Words) -> str:
    fact, label = row.fact, row.fact.period
    owner = words.owner(row.symbol)
    what = "level" if row.symbol == "^GSPC" else "share price"
    ends = ""
    if row.first is not None and row.last is not None:
        ends = f", from {words.figure(row.first)} on {row.first.period_end} to {words.figure(row.last)} on {row.last.period_end}"
    match query.operation, row.metric:
        case "best month" | "worst month" as which, _:
            verb = "rose" if (fact.value or 0) >= 0 else "fell"
            return f"{owner} {which} {_over(label)} was {row.at}: the {what} {verb} {words.figure(fact, signed=False)}{ends}."
        case "high" | "low" | "max" | "min", _:
            side = "lowest" if query.operation in ("low", "min") else "highest"
            kind = "month-end close" if query.unit == "month-end" else "close"
            return f"{owner} {side} {kind} {_over(label)} was {words.figure(fact)}, on {row.at}."
        case "mean", "price":
            return f"{owner} average {what} {_over(label)} was {words.figure(fact)} ({fact.formula})."
        case "difference", _:
            verb = "rose" if (fact.value or 0) >= 0 else "fell"
            return f"{owner} {what} {verb} by {words.figure(fact, signed=False)} {_over(label)}{ends}."
        case "cagr", _:
            verb = "rose" if (fact.value or 0) >= 0 else "fell"
            return f"{owner} {what} {verb} {words.figure(fact, signed=False)} a year {_over(label)}{ends}."
        case _, "total_return":
            return f"{owner} total return {_over(label)}, with dividends reinvested, was {words.figure(fact)}."
        case _, "max_drawdown":
            return f"{owner} maximum drawdown {_over(label)} was {words.figure(fact)}{ends} (daily closes)."
        case _, "volatility":
            return f"{owner} volatility {_over(label)} was {words.figure(fact)} a year (daily closes)."
        case _, "beta":
            return f"{owner} beta to the S&P 500 {_over(label)} was {number(fact.value or Decimal(), 2)}."
        case _:
            verb = "rose" if (fact.value or 0) > 0 else "fell" if (fact.value or 0) < 0 else "did not change,"
            return f"{owner} {what} {verb} {words.figure(fact, signed=False)} {_over(label)}{ends}."


def _over(label: str) -> str:
    return (
        f"from {label}"
        if " to " in label and not label.startswith("the")
        else f"in {label}"
        if not label.startswith("the")
        else f"over {label}"
    )


def _order(outcome: Outcome, words: Words) -> str:
    if outcome.query.scope == "universe":
        return _universe(outcome, words)
    rows = outcome.rows
    if len(rows) < 2 or (outcome.query.intent == "compare" and len(rows) < len(outcome.query.companies) <= 2):
        return (
            f"There is nothing to compare with: {outcome.gaps[0].reason} {_one(rows[0], words)}"
            if outcome.gaps
            else _one(rows[0], words)
        )
    if outcome.query.intent == "compare" and len(rows) == 2:
        return _comparison(outcome, words)
    first = rows[0]
    side = "highest" if outcome.query.order >= 0 else "lowest"
    cells = [f"{place}. {words.name(row.symbol)} {words.figure(row.fact)}" for place, row in enumerate(rows, 1)]
    period = _period_of(rows, words)
    lead = f"{words.name(first.symbol)} had the {side} {metric_words(outcome.query, first)}{period}"
    return f"{lead}: " + ", ".join(cells) + "."


def metric_words(query: Query, row: Row) -> str:
    """The ranked figure in words: `revenue growth`, `share price change`."""
    name = spoken(row.metric)
    return {"growth": f"{name} growth", "cagr": f"{name} CAGR"}.get(query.operation, name)


def _period_of(rows: Sequence[Row], words: Words) -> str:
    facts = [row.fact for row in rows]
    if len({fact.period for fact in facts}) > 1:
        return ""
    ends = {fact.period_end for fact in facts}
    if len(ends) == 1 or facts[0].period_end is None:
        return " " + (words.when(facts[0], rows[0].metric) if not _is_window(rows[0]) else _over(facts[0].period))
    return f" in {facts[0].period} (years ended {min(e for e in ends if e)} to {max(e for e in ends if e)})"


def _is_window(row: Row) -> bool:
    return row.metric in ("price_change", "total_return", "max_drawdown", "volatility", "beta")


def _comparison(outcome: Outcome, words: Words) -> str:
    win, lose = outcome.rows[0], outcome.rows[1]
    side = "higher" if outcome.query.order >= 0 else "lower"
    metric = metric_words(outcome.query, win)
    period = _period_of([win, lose], words)
    each = "" if period else f" {words.when(win.fact, win.metric)}"
    other = "" if period else f" {words.when(lose.fact, lose.metric)}"
    if win.fact.value == lose.fact.value:
        return f"{words.name(win.symbol)} and {words.name(lose.symbol)} had the same {metric}{period}: {words.figure(win.fact)}."
    return f"{words.name(win.symbol)} had the {side} {metric}{period}: {words.figure(win.fact)}{each}, against {words.figure(lose.fact)}{other} at {words.name(lose.symbol)}."


def _universe(outcome: Outcome, words: Words) -> str:
    query, rows = outcome.query, outcome.rows
    if not rows:
        return _nothing_found(outcome)
    period = _period_label(outcome)
    left = f" {outcome.left_out} of {outcome.considered} companies lack the figure." if outcome.left_out else ""
    if query.where:
        kind = f"{outcome.matches} {'company' if outcome.matches == 1 else 'companies'}{_sector(query)}"
        shown = rows[: query.limit or 25]
        names = ", ".join(f"{words.name(row.symbol)} ({words.figure(row.fact)})" for row in shown)
        more = f" and {outcome.matches - len(shown)} more" if outcome.matches > len(shown) else ""
        return f"{kind} had {conditions(query)}{period}: {names}{more}.{left}"
    side = "highest" if query.order >= 0 else "lowest"
    if len(rows) == 1:
        row = rows[0]
        return f"{words.name(row.symbol)} had the {side} {spoken(row.metric)}{_sector(query) or ' of all companies in the data'} {_row_period(row, words)}: {words.figure(row.fact)}.{left}"
    cells = [
        f"{place}. {words.name(row.symbol)} {words.figure(row.fact)}" + ("" if period else f" ({brief(row.fact)})")
        for place, row in enumerate(rows, 1)
    ]
    return (
        f"The {len(rows)} companies{_sector(query)} with the {side} {spoken(rows[0].metric)}{period}: "
        + ", ".join(cells)
        + f".{left}"
    )


def _row_period(row: Row, words: Words) -> str:
    return _over(row.fact.period) if _is_window(row) else words.when(row.fact, row.metric)


def _period_label(outcome: Outcome) -> str:
    labels = {row.fact.period for row in outcome.rows}
    if len(labels) == 1:
        label = next(iter(labels))
        return f" on {label}" if re.fullmatch(r"\d{4}-\d\d-\d\d", label) else f" in {label}"
    return ""


def _sector(query: Query) -> str:
    return f" in {' or '.join(query.sectors)}" if query.sectors else ""


def _count(outcome: Outcome, words: Words) -> str:
    query = outcome.query
    left = f" ({outcome.left_out} lack the figure)" if outcome.left_out else ""
    what = conditions(query) or spoken(query.metrics[0])
    period = _common_period(query).replace(" latest", " the latest year") or " in their latest fiscal year"
    return f"{outcome.matches} companies{_sector(query)} had {what}{period}, of {outcome.considered} in the data{left}."


def _judge(outcome: Outcome, words: Words) -> str:
    parts = [
        _several_metrics([r for r in outcome.rows if r.symbol == s], s, words)
        for s in _distinct(r.symbol for r in outcome.rows)
    ]
    return " ".join(map(_cap, parts)) + " " + ADVICE


def _nothing(outcome: Outcome, words: Words) -> str:
    return ""


_SHAPES = {
    "values": _values, "series": _series, "change": _change, "cagr": _cagr, "difference": _difference, "times": _times,
    "sum": _sum, "mean": _mean, "extreme": _extreme, "window": _window, "order": _order, "count": _count, "nothing": _nothing,
}  # fmt: skip


# ------------------------------------------------------------------------------------- other languages

_SENTENCES = {
    "es": "{metric} de {company} {period}: {value}.",
    "de": "{metric} von {company} {period}: {value}.",
    "fr": "{metric} de {company} {period} : {value}.",
    "pt": "{metric} de {company} {period}: {value}.",
    "it": "{metric} di {company} {period}: {value}.",
    "zh": "{company}{period}的{metric}：{value}。",
    "ja": "{company}の{period}の{metric}：{value}。",
}
_PERIODS = {"es": "en {0} (año terminado el {1})", "de": "in {0} (Jahr bis {1})", "fr": "en {0} (exercice clos le {1})",
            "pt": "em {0} (ano encerrado em {1})", "it": "nel {0} (anno chiuso il {1})", "zh": "{0}（截至{1}）", "ja": "{0}（{1}期）"}  # fmt: skip
_DAYS = {"es": "el {0}", "de": "am {0}", "fr": "le {0}", "pt": "em {0}", "it": "il {0}", "zh": "{0}", "ja": "{0}"}


def translated(row: Row, words: Words) -> str:
    """A single figure as a sentence of another language; empty where there is no template."""
    template = _SENTENCES.get(words.language)
    names = (catalogue()[row.metric].names or {}).get(words.language) if row.metric in catalogue() else None
    if template is None or not names:
        return ""
    words.number_language = words.language
    fact = row.fact
    fiscal = fact.period.startswith(("FY", "Q", "H"))
    period = (
        _PERIODS[words.language].format(fact.period, fact.period_end)
        if fiscal
        else _DAYS[words.language].format(fact.period_end)
    )
    return template.format(
        metric=_title(names[0]), company=words.name(row.symbol), period=period, value=words.figure(fact)
    )


_CHANGES = {
    "es": (
        "{metric} de {company} {verb} un {size} en {period}: de {first} ({start}) a {last} ({end}).",
        "creció",
        "cayó",
    ),
    "de": (
        "{metric} von {company} ist {period} um {size} {verb}: von {first} ({start}) auf {last} ({end}).",
        "gestiegen",
        "gesunken",
    ),
    "fr": (
        "{metric} de {company} a {verb} de {size} en {period} : de {first} ({start}) à {last} ({end}).",
        "progressé",
        "reculé",
    ),
    "pt": (
        "{metric} de {company} {verb} {size} em {period}: de {first} ({start}) para {last} ({end}).",
        "cresceu",
        "caiu",
    ),
    "it": (
        "{metric} di {company}: {verb} del {size} nel {period}, da {first} ({start}) a {last} ({end}).",
        "cresciuto",
        "calato",
    ),
    "zh": ("{company}{period}的{metric}{verb}{size}：从{first}（{start}）到{last}（{end}）。", "增长", "下降"),
    "ja": ("{company}の{metric}は{period}に{size}{verb}：{first}（{start}）から{last}（{end}）。", "増加", "減少"),
}


def _translated_change(row: Row, words: Words) -> str:
    names = (catalogue()[row.metric].names or {}).get(words.language) if row.metric in catalogue() else None
    if words.language not in _CHANGES or not names or row.first is None or row.last is None or row.fact.unit != "ratio":
        return ""
    words.number_language = words.language
    template, up, down = _CHANGES[words.language]
    return template.format(
        metric=_title(names[0]), company=words.name(row.symbol), verb=up if (row.fact.value or 0) >= 0 else down,
        size=words.figure(row.fact, signed=False), period=brief(row.last), first=words.figure(row.first), start=brief(row.first),
        last=words.figure(row.last), end=brief(row.last),
    )  # fmt: skip


def _title(name: str) -> str:
    return name.upper() if len(name) <= 4 and (name.isascii() or "&" in name) else _cap(name)


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]


def _distinct[T](values: object) -> list[T]:
    return list(dict.fromkeys(values))  # type: ignore[call-overload, no-any-return]


def _listed(cells: Sequence[str]) -> str:
    return cells[0] if len(cells) == 1 else ", ".join(cells[:-1]) + " and " + cells[-1]
