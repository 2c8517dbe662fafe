"""Strengths and points of attention: fixed thresholds on figures, each stated with the figures it rests on.

They describe what the figures show against a plain yardstick. They are not advice: what is usual differs
between industries, and the text says the figure so that a reader can judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import takewhile
from typing import Literal, NamedTuple

from finassist.analysis.statements import CompanyFacts, year_before
from finassist.core.facts import Fact
from finassist.core.formatting import day, figure, number, percent

InsightKind = Literal["strength", "attention"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold on one figure of the latest fiscal year.

    Attributes:
        field: The figure.
        kind: What passing the threshold means.
        passes: The threshold.
        says: The observation; `{value}`, `{period}` and the input fields by name are filled in.
        cites: Further figures of the same year that the text names.
        unless_bank: Skipped for banks: lending on other people's money is their business.
    """

    field: str
    kind: InsightKind
    passes: Callable[[Decimal], bool]
    says: str
    cites: tuple[str, ...] = ()
    unless_bank: bool = False


def _at_least(limit: str) -> Callable[[Decimal], bool]:
    return lambda value: value >= Decimal(limit)


def _below(limit: str) -> Callable[[Decimal], bool]:
    return lambda value: value < Decimal(limit)


RULES = (
    Rule("revenue_growth", "strength", _at_least("0.10"),
         "Revenue grew by {value} to {revenue} in {period}.", ("revenue",)),
    Rule("revenue_growth", "attention", _below("0"),
         "Revenue fell by {size} to {revenue} in {period}.", ("revenue",)),
    Rule("net_income_growth", "strength", _at_least("0.10"),
         "Net income rose by {value} to {net_income} in {period}.", ("net_income",)),
    Rule("net_income_growth", "attention", _below("-0.10"),
         "Net income fell by {size} to {net_income} in {period}.", ("net_income",)),
    Rule("net_income", "attention", _below("0"),
         "The year closed with a loss: net income {value} in {period}."),
    Rule("net_margin", "strength", _at_least("0.20"),
         "Net margin of {value} in {period}: {net_income} on revenue of {revenue}.", ("net_income", "revenue")),
    Rule("fcf_margin", "strength", _at_least("0.15"),
         "Free cash flow of {free_cash_flow} in {period}, {value} of revenue.", ("free_cash_flow",)),
    Rule("free_cash_flow", "attention", _below("0"),
         "Free cash flow was negative in {period}: {value}, with capital expenditure of {capex}.", ("capex",)),
    Rule("fcf_growth", "attention", _below("-0.10"),
         "Free cash flow fell by {size} to {free_cash_flow} in {period}.", ("free_cash_flow",)),
    Rule("sbc_to_revenue", "attention", _at_least("0.10"),
         "Stock-based pay of {stock_based_compensation} was {value} of revenue in {period}; free cash flow "
         "does not show it.", ("stock_based_compensation",)),
    Rule("equity", "attention", _below("0"),
         "Shareholders' equity was negative at the end of {period}: {value}."),
    Rule("current_ratio", "strength", _at_least("1.5"),
         "Current assets were {value} current liabilities at the end of {period}.",
         ("current_assets", "current_liabilities")),
    Rule("current_ratio", "attention", _below("1"),
         "Current assets of {current_assets} did not cover current liabilities of {current_liabilities} at "
         "the end of {period} ({value}).", ("current_assets", "current_liabilities")),
    Rule("debt_to_equity", "strength", _below("0.5"),
         "Long-term debt of {long_term_debt} was {value} equity at the end of {period}.",
         ("long_term_debt",), unless_bank=True),
    Rule("debt_to_equity", "attention", _at_least("2"),
         "Long-term debt of {long_term_debt} was {value} equity at the end of {period}.",
         ("long_term_debt",), unless_bank=True),
    Rule("liabilities_to_assets", "attention", _at_least("0.8"),
         "Liabilities were {value} of total assets at the end of {period}.", unless_bank=True),
    Rule("interest_cover", "strength", _at_least("8"),
         "Operating income was {value} interest expense in {period}.", ("operating_income", "interest_expense")),
    Rule("interest_cover", "attention", _below("3"),
         "Operating income was only {value} interest expense in {period}.", ("operating_income", "interest_expense")),
    Rule("payout_ratio", "attention", _at_least("1"),
         "Dividends of {dividends_paid} were {value} of net income in {period}.", ("dividends_paid",)),
)  # fmt: skip
"""Every threshold, in the order in which insights are listed."""

HIGH_RETURN, THIN_EQUITY = Decimal("0.15"), Decimal("0.75")
"""A return on equity worth an insight, and the share of liabilities from which little equity flatters it."""

HIGH_MULTIPLE = Decimal(35)
"""A price worth an insight, in years of earnings."""

DISTRESS, HIGH_ACCRUALS = Decimal("1.81"), Decimal("0.10")
"""An Altman Z-score of distress, and accruals worth an insight, as a share of total assets."""

QUARTER_STEP, FAR_FROM_USUAL = Decimal("0.10"), Decimal("1.25")
"""Growth of a quarter worth an insight, and how many times its median a P/E has to be."""

MARGIN_STEP = Decimal("0.02")
"""A change of a margin within one year that is worth an insight: two percentage points."""

STREAK = range(3, 5)
"""Years of growth in a row that are worth an insight: at least three, and no more than five years of figures show."""


class Insight(NamedTuple):
    """One observation: whether it is a strength or asks for attention, and its text with figures and their period.

    `facts` are the figures that it names, the first the one it is about.
    """

    kind: InsightKind
    text: str
    facts: tuple[Fact, ...]


def insights(data: CompanyFacts) -> list[Insight]:
    """What the latest fiscal year's figures show against fixed thresholds.

    Args:
        data: One company's facts, the derived ones included (see `finassist.analysis.ratios.derive`).

    Returns:
        Strengths first, then points of attention, each in the order of the rules; empty without figures.

    Example:
        >>> fact = Fact(symbol="ACME", field="net_income", value=Decimal(-5_000_000), unit="USD",
        ...             currency="USD", period="FY2025", statement="income")
        >>> [insight.text for insight in insights(CompanyFacts([fact], "ACME"))]
        ['The year closed with a loss: net income USD -5.0 million in FY2025.']
    """
    if not data.years:
        return []
    makers = (_by_rules, _return, _margin_moves, _growth_streak, _multiple, _quarter, _scores, _own_range)
    found = [insight for make in makers for insight in make(data, data.years[-1])]
    return sorted(found, key=lambda insight: insight.kind != "strength")


def foremost(found: Iterable[Insight], most: int = 3) -> list[Insight]:
    """The observations to see first: of different things where they are, in the order of the rules.

    Example:
        >>> foremost([])
        []
    """
    waiting, topics, chosen = list(found), list[str](), list[Insight]()
    while waiting and len(chosen) < most:
        rarest = min(waiting, key=lambda insight: topics.count(_topic(insight)))
        waiting.remove(rarest)
        topics.append(_topic(rarest))
        chosen.append(rarest)
    return chosen


_TOPICS: Mapping[str, str] = {
    **dict.fromkeys(("revenue_growth", "net_income_growth", "revenue", "growth(revenue)"), "growth"),
    **dict.fromkeys(("net_income", "net_margin", "gross_margin", "operating_margin", "roe"), "profit"),
    **dict.fromkeys(("fcf_margin", "free_cash_flow", "fcf_growth", "sbc_to_revenue", "payout_ratio"), "cash"),
    **dict.fromkeys(("pe_ratio", "pe", "ps", "pb", "ev_to_ebitda"), "valuation"),
    **dict.fromkeys(("piotroski", "accruals_ratio"), "quality"),
}


def _topic(insight: Insight) -> str:
    return _TOPICS.get(insight.facts[0].field, "balance")


def _by_rules(data: CompanyFacts, year: str) -> Iterator[Insight]:
    bank = _is_bank(data, year)
    for rule in RULES:
        fact = data.usable(rule.field, year)
        if fact is None or fact.value is None or (bank and rule.unless_bank) or not rule.passes(fact.value):
            continue
        cited = [other for field in rule.cites if (other := data.usable(field, year))]
        if len(cited) == len(rule.cites):
            size = percent(abs(fact.value)) if fact.unit == "ratio" else ""
            told = {other.field: figure(other) for other in cited}
            text = rule.says.format(value=_spoken(fact), size=size, period=fact.period, **told)
            yield Insight(rule.kind, text, (fact, *cited))


def _is_bank(data: CompanyFacts, year: str) -> bool:
    marked = data.facts.get(("current_assets", year))
    lines = ("net_interest_income", "noninterest_revenue", "provision_for_credit_losses")
    return (marked is not None and marked.status == "not_meaningful") or any(
        data.usable(line, y) for line in lines for y in data.years
    )


def _spoken(fact: Fact) -> str:
    assert fact.value is not None
    if fact.unit == "times":
        return f"{number(fact.value, 1 if abs(fact.value) >= 10 else 2)} times"
    return percent(fact.value) if fact.unit == "ratio" else figure(fact)


def _return(data: CompanyFacts, year: str) -> Iterator[Insight]:
    fact, income, equity = (data.usable(f, year) for f in ("roe", "net_income", "equity"))
    if fact is None or fact.value is None or fact.value < HIGH_RETURN or income is None or equity is None:
        return
    text = f"Return on year-end equity of {figure(fact)} in {year}: {figure(income)} on {figure(equity)}."
    share = data.usable("liabilities_to_assets", year)
    thin = [share] if share and share.value is not None and share.value >= THIN_EQUITY else []
    for each in thin:
        text += f" Little equity lifts this figure: liabilities were {figure(each)} of total assets."
    yield Insight("strength", text, (fact, income, equity, *thin))


def _margin_moves(data: CompanyFacts, year: str) -> Iterator[Insight]:
    for field, name in (("gross_margin", "Gross margin"), ("operating_margin", "Operating margin")):
        now, before = data.usable(field, year), data.usable(field, year_before(year))
        if now is None or before is None or now.value is None or before.value is None:
            continue
        moved = now.value - before.value
        if abs(moved) >= MARGIN_STEP and (moved < 0 or now.value > 0):
            verb = "rose" if moved > 0 else "fell"
            text = f"{name} {verb} from {figure(before)} in {before.period} to {figure(now)} in {year}."
            yield Insight("strength" if moved > 0 else "attention", text, (now, before))


def _growth_streak(data: CompanyFacts, year: str) -> Iterator[Insight]:
    """Revenue that grew year after year."""
    growths = (data.usable("revenue_growth", each) for each in reversed(data.years[-STREAK[-1] :]))
    streak = list(takewhile(lambda growth: growth and growth.value is not None and growth.value > 0, growths))
    if len(streak) not in STREAK or streak[-1] is None:
        return
    first, last = data.usable("revenue", year_before(streak[-1].period)), data.usable("revenue", year)
    if first and last:
        start, end = (f"{figure(fact)} in {fact.period}" for fact in (first, last))
        yield Insight("strength", f"Revenue grew every year from {start} to {end}.", (last, first))


def _multiple(data: CompanyFacts, year: str) -> Iterator[Insight]:
    price = data.newest_price()
    fact = (data.usable("pe", price.period) or data.usable("pe_ratio", price.period)) if price else None
    if price is None or fact is None or fact.value is None or fact.value < HIGH_MULTIPLE:
        return
    earnings = next((f for f in data.facts.values() if f.key in fact.inputs and f.field == "eps_diluted"), None)
    per = f" of {figure(earnings)} in {earnings.period}" if earnings else ""
    paid = figure(price).removesuffix(" per share")
    text = f"The price of {paid} on {day(price.as_of)} was {_spoken(fact)} diluted earnings{per}."
    yield Insight("attention", text, tuple(filter(None, (fact, price, earnings))))


def _scores(data: CompanyFacts, year: str) -> Iterator[Insight]:
    """Scores of the latest year at either end of their scale, and earnings that cash does not bear out."""
    if (score := data.usable("piotroski", year)) and score.value is not None and not 3 < score.value < 8:
        text = f"Piotroski F-score of {score.value:f} out of 9 in {year}."
        yield Insight("strength" if score.value > 3 else "attention", text, (score,))
    if (score := data.usable("altman_z", year)) and score.value is not None and score.value <= DISTRESS:
        text = f"Altman Z-score of {number(score.value, 2)} in {year}: up to {DISTRESS} is its zone of distress."
        yield Insight("attention", text, (score,))
    accruals, income, cash = (data.usable(f, year) for f in ("accruals_ratio", "net_income", "operating_cash_flow"))
    if accruals and income and cash and accruals.value is not None and accruals.value >= HIGH_ACCRUALS:
        text = f"Net income of {figure(income)} exceeded operating cash flow of {figure(cash)} in {year}"
        yield Insight("attention", f"{text} by {figure(accruals)} of total assets.", (accruals, income, cash))


def _quarter(data: CompanyFacts, year: str) -> Iterator[Insight]:
    """Revenue of the latest quarter against the same a year before."""
    changes = [fact for (field, _), fact in data.facts.items() if field == "growth(revenue)" and fact.known]
    change = max(changes, key=lambda fact: fact.period_end or date.min, default=None)
    now = data.usable("revenue", change.period) if change else None
    if change is None or change.value is None or now is None or 0 <= change.value < QUARTER_STEP:
        return
    kind, side = ("strength", "above") if change.value > 0 else ("attention", "below")
    text = f"Revenue of {figure(now)} in {now.period} was {percent(abs(change.value))} {side} that of a year before."
    yield Insight(kind, text, (change, now))


def _own_range(data: CompanyFacts, year: str) -> Iterator[Insight]:
    """A price to earnings above or below all those of the years before."""
    price = data.newest_price()
    now = data.usable("pe", price.period) if price else None
    before = [fact for (field, _), fact in data.facts.items() if field == "pe" and fact is not now and fact.known]
    if now is None or now.value is None or len(before) < 2:
        return
    low, *between, high = sorted(before, key=lambda fact: fact.value or 0)
    usual = between[len(between) // 2] if between else low
    text = f"P/E of {_spoken(now)} on {now.period} is"
    if now.value > (high.value or 0):
        text += f" above the {_spoken(high)} of {high.period}, its highest before."
        yield Insight("attention", text, (now, high))
    elif now.value < (low.value or 0):
        text += f" below the {_spoken(low)} of {low.period}, its lowest before."
        yield Insight("strength", text, (now, low))
    elif usual.value and not 1 / FAR_FROM_USUAL < now.value / usual.value < FAR_FROM_USUAL:
        kind, side = ("attention", "above") if now.value > usual.value else ("strength", "below")
        yield Insight(kind, f"{text} {side} the {_spoken(usual)} of {usual.period}, its median before.", (now, usual))
