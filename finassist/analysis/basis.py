"""Whether figures may be set against each other: one currency, one kind of share, one basis of reporting. Pure.

Each function gives the reason why not, in words that fit after a colon or as a sentence; an empty text where nothing
stands against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import combinations, pairwise

from finassist.analysis.statements import NOT_COMPARABLE, words
from finassist.core.facts import Fact
from finassist.core.fields import FIELDS
from finassist.core.metrics import catalogue

_A_YEAR = range(340, 391)
_JUMP = 8
"""From one close to the next; a share that has moved so far has in most cases been split."""


def currencies_apart(facts: Iterable[Fact]) -> str:
    """Why amounts cannot be combined: they are in other currencies, or it is not known in which.

    Example:
        >>> price = Fact(symbol="A", field="price", unit="USD/share", currency="USD", statement="price",
        ...              value=Decimal(9))
        >>> eps = Fact(symbol="A", field="eps_diluted", unit="CNY/share", currency="CNY", statement="income",
        ...            value=Decimal(1))
        >>> currencies_apart([price, eps])
        'price is in USD and diluted EPS in CNY'
    """
    amounts = [fact for fact in facts if fact.known and _is_money(fact)]
    for one, other in combinations(amounts, 2):
        if one.currency != other.currency:
            return f"{_words(one, other)} is {_in(one)} and {_words(other, one)} {_in(other)}"
        if one.currency is None and (one.statement == "price") != (other.statement == "price"):
            return f"it is not known in which currency {_words(one, other)} and {_words(other, one)} are"
    return ""


def _is_money(fact: Fact) -> bool:
    known = FIELDS.get(fact.field) or catalogue().get(fact.field)
    return fact.currency is not None or bool(known and known.unit.startswith("USD"))


def _in(fact: Fact) -> str:
    return f"in {fact.currency}" if fact.currency else "in a currency that is not known"


def _words(fact: Fact, other: Fact) -> str:
    """The figure in words, with the company or the period where only that tells it from the other."""
    name = words(fact.field)
    if fact.field != other.field:
        return name
    return f"{name} of {fact.symbol if fact.symbol != other.symbol else fact.period}"


def not_comparable(now: Fact, before: Fact) -> str:
    """Why a change between two periods says nothing: a share split, a restatement, or another length of the year."""
    for fact, other in ((now, before), (before, now)):
        named = _periods_not_comparable(fact)
        if named is not None and (not named or other.period in named):
            return fact.note or ""
    years = now.period.startswith("FY") and before.period == f"FY{int(now.period[2:]) - 1}"
    if years and now.period_end and before.period_end and (now.period_end - before.period_end).days not in _A_YEAR:
        return "the two fiscal years do not end a year apart"
    return ""


def _periods_not_comparable(fact: Fact) -> set[str] | None:
    """Years a note calls not comparable; empty when it names none, `None` when there is no such note."""
    _, found, rest = (fact.note or "").partition(NOT_COMPARABLE)
    if not found:
        return None
    spans = re.findall(r"(?:FY)?(\d{4})(?:\s*(?:-|–|to)\s*(?:FY)?(\d{4}))?", rest)
    quarters = set(re.findall(r"Q[1-4] \d{4}", rest))
    return quarters or {f"FY{year}" for first, last in spans for year in range(int(first), int(last or first) + 1)}


def other_shares(price: Fact, cap: Fact | None, shares: Fact | None) -> str:
    """Why a price and a figure per share do not belong together: an ADR, or a split between them.

    The source's own market value over the price says for how many shares the price stands.
    """
    if cap is None or shares is None or cap.status != "reported" or cap.currency != price.currency:
        return ""
    if not price.value or not cap.value or not shares.value or min(price.value, cap.value) <= 0:
        return ""
    each = shares.value * price.value / cap.value
    if Decimal("0.6") < each < Decimal("1.7"):
        return ""
    number = f"{each:.2g}" if each < 1 else f"{each:.0f}"
    return f"one quoted share stands for about {number} shares of the report: an ADR, or a split since"


def unadjusted_split(closes: Iterable[Fact]) -> str:
    """Why a series of closes cannot be followed: it jumps as prices do that are adjusted for a split only in part."""
    for before, after in pairwise(closes):
        if before.value and after.value and not 1 / _JUMP < after.value / before.value < _JUMP:
            days = f"from {before.period} to {after.period}"
            return f"The closes jump {days}, from {before.value} to {after.value}: an unadjusted share split, it seems."
    return ""
