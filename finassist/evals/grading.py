"""What is right about an answer, and what is not: graded by code against the case, without a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from finassist.answer import Answer
from finassist.core.cases import Amount, Case, currency_of
from finassist.core.claims import Claim, Unit
from finassist.core.facts import Fact
from finassist.questions.claims import claims_in
from finassist.reporting.checked import Checked
from finassist.reporting.words import short_name

CHECKS: Final = ("answer", "refusal", "companies", "period", "faithful")
"""What is graded: the answer itself, that it is refused or not, whom and when it is about, and each figure in it."""

_HEAD: Final = 300
_UNITS: Final[dict[str, Unit]] = {
    "ratio": "percent", "points": "points", "times": "times", "days": "days", "shares": "count",
}  # fmt: skip
_PLACES: Final = 20
"""Small whole numbers count companies, or are places of a ranking."""

_ROUNDING: Final = Decimal("0.0005")
"""A figure computed by another way may differ in the digits that are not shown."""


@dataclass(frozen=True)
class Graded:
    """One case and how it went.

    Attributes:
        case: The question and what is right.
        checks: Each of `CHECKS` that applies, and whether it holds.
        headline: What the answer said first.
        error: Class name and message of what was raised instead of an answer; empty if nothing was.
        seconds: How long it took.
        tokens: Of models, in and out; `None` where a model does not say, and after an error.
        cost: US dollars; `None` where no price is known, and after an error.
    """

    case: Case
    checks: dict[str, bool] = field(default_factory=dict[str, bool])
    headline: str = ""
    error: str = ""
    seconds: float = 0.0
    tokens: int | None = None
    cost: float | None = None

    @property
    def passed(self) -> bool:
        """Whether all that applies holds."""
        return not self.error and all(self.checks.values())

    @property
    def wrong(self) -> str:
        """What does not hold, in a word each; or the error."""
        return self.error or ", ".join(name for name, holds in self.checks.items() if not holds)


def grade(case: Case, answer: Answer, checked: Checked | None, seconds: float = 0.0) -> Graded:
    """Grade an answer.

    Args:
        case: The question and what is right.
        answer: The answer to it.
        checked: The figures of its text against the data, where it states any.
        seconds: How long it took.

    Example:
        >>> from finassist import Case, FinancialAssistantWorkflow
        >>> answer = FinancialAssistantWorkflow(db=None).run("What was Apple's net margin in FY2023?")
        >>> grade(Case("Apple's net margin?", right="25.3%"), answer, None).passed
        True
    """
    tokens, cost = _spent(answer)
    return Graded(case, dict(_checks(case, answer, checked)), head_of(answer), "", seconds, tokens, cost)


def head_of(answer: Answer) -> str:
    """What a reader sees first: the headline, or the beginning of a text without one."""
    return answer.headline or str(answer.content or "")[:_HEAD]


def _checks(case: Case, answer: Answer, checked: Checked | None) -> Iterator[tuple[str, bool]]:
    refused = answer.outcome == "refused"
    if case.refused:
        yield "refusal", refused and bool(answer.gaps) and _says(case, answer)
        return
    yield "refusal", not refused
    yield "answer", not refused and _states(case, answer) and _ordered(case, answer) and _says(case, answer)
    if case.companies:
        yield "companies", set(case.companies.split()) == set(_companies(answer))
    if case.period:
        yield "period", _is_of(case.period, answer)
    if checked is not None:
        yield "faithful", all(finding.verdict != "wrong" or _is_known(finding.claim, answer) for finding in checked)


def _states(case: Case, answer: Answer) -> bool:
    """Whether each amount stands in the head, or is the value."""
    claims = claims_in(head_of(answer)) if case.amounts else []
    return all(
        _is_value(amount, answer.value) or any(_is_said(amount, claim) for claim in claims) for amount in case.amounts
    )


def _is_value(amount: Amount, fact: Fact | None) -> bool:
    if fact is None or fact.value is None:
        return False
    currency = currency_of(fact.unit)
    if amount.unit and amount.unit != ("money" if currency else _UNITS.get(fact.unit, "")):
        return False
    if amount.currency and amount.currency != currency:
        return False
    return abs(fact.value - amount.value) <= max(amount.slack, abs(amount.value) * _ROUNDING)


def _is_known(claim: Claim, answer: Answer) -> bool:
    """Whether a number is that of one of the answer's facts, a limit that the question sets, or a place in a list."""
    number = claim.number
    if number is None:
        return False
    if number.bare and 0 < number.value <= _PLACES and number.value == int(number.value):
        return True
    stated = [Amount(number.value * sign, number.slack, number.unit) for sign in (1, -1)]
    return any(_is_value(each, fact) for each in stated for fact in answer.facts) or any(
        _is_said(stated[0], asked) for asked in claims_in(str(answer.input))
    )


def _is_said(amount: Amount, claim: Claim) -> bool:
    number = claim.number
    if number is None or (amount.unit and number.unit != amount.unit):
        return False
    if amount.currency and number.currency and amount.currency != number.currency:
        return False
    said = -number.value if claim.direction < 0 < number.value else number.value
    return abs(said - amount.value) <= amount.slack + number.slack * Decimal("1.02")


def _ordered(case: Case, answer: Answer) -> bool:
    """Whether the companies come in order: as the head names them, or where it does not, as the rows stand."""
    wanted, head = case.order.split(), head_of(answer)
    names = {symbol: short_name(name) for symbol, name in answer.company_names().items()}
    places = {symbol: place for symbol, name in names.items() if (place := head.find(name)) >= 0}
    named = sorted(places, key=places.__getitem__)
    return wanted == (named if set(wanted) <= set(named) else _of_rows(answer))[: len(wanted)]


def _says(case: Case, answer: Answer) -> bool:
    texts = [answer.headline, str(answer.content or ""), *(f"{gap.need} {gap.reason}" for gap in answer.gaps)]
    said = " ".join(texts).casefold()
    return all(words.casefold() in said for words in case.expected_words)


def _companies(answer: Answer) -> Sequence[str]:
    return _of_rows(answer) or answer.symbols


def _of_rows(answer: Answer) -> list[str]:
    return list(dict.fromkeys(key.split("/")[0] for key in answer.rows))


def _is_of(period: str, answer: Answer) -> bool:
    """Whether the figures asked for are of this period, or the head names it."""
    facts = {fact.key: fact for fact in answer.facts}
    shown = [facts[key] for key in [*answer.rows, answer.figure] if key in facts]
    return any(fact.period.startswith(period) for fact in shown) or bool(
        re.search(rf"\b{re.escape(period)}\b", head_of(answer))
    )


def _spent(answer: Answer) -> tuple[int | None, float | None]:
    """Tokens and US dollars of all models that were asked."""
    steps: dict[str, Any] = getattr(answer.metrics, "steps", None) or {}
    used = [step.metrics for step in steps.values()]
    models = [answer.models.get(name) for name in steps]
    tokens = [0 if model == "offline" else each.total_tokens or None for each, model in zip(used, models, strict=True)]
    costs = [0.0 if model == "offline" else each.cost for each, model in zip(used, models, strict=True)]
    return known_sum(tokens), known_sum(costs)


def known_sum[N: (int, float)](numbers: Sequence[N | None]) -> N | Literal[0] | None:
    """Their sum, unless one is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
