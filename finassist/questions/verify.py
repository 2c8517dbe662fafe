"""Whether the figures of a text agree with facts: each claim is computed anew and compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from finassist.analysis.cube import Cube
from finassist.analysis.execute import execute
from finassist.analysis.outcome import Outcome
from finassist.core.claims import Claim, Finding, Number, Verdict
from finassist.core.facts import Fact
from finassist.core.query import Query


def verify(claims: Iterable[Claim], cube: Cube) -> list[Finding]:
    """What the data say of each claim."""
    days = {str(day) for fact in cube.facts if fact.statement != "price" for day in (fact.period_end, fact.as_of)}
    return [_judge(claim, cube, days) for claim in claims]


def _judge(claim: Claim, cube: Cube, days: set[str]) -> Finding:
    if claim.day in days:
        return Finding(claim, "right")
    if not claim.queries:
        return Finding(claim, "unknown", reason="It is not said of a figure in the data.")
    if claim.leads:
        return _placed(claim, execute(claim.queries[0], cube))
    findings = [_compared(claim, _figure(query, cube)) for query in claim.queries]
    best = min(findings, key=lambda each: _BEST.index(each.verdict))
    if claim.unclear and best.verdict == "wrong":
        return Finding(claim, "unknown", reason="It is not clear what it is said of.")
    return best


_BEST: Sequence[Verdict] = ("right", "wrong", "unknown")


def _placed(claim: Claim, outcome: Outcome) -> Finding:
    """Whether the company that the text puts first comes first; equal figures share a place."""
    rows = outcome.rows
    own = next((row.fact for row in rows if claim.leads in (row.symbol, row.fact.period)), None)
    if outcome.shape == "extreme":
        return _extreme(claim, rows[0].fact)
    everybody = outcome.query.scope == "universe"
    few = outcome.left_out * 2 > outcome.considered if everybody else len(rows) < len(outcome.query.companies)
    if own is None or few or len(rows) < claim.place:
        return Finding(claim, "unknown", own, "The figures to compare it with are not in the data.")
    among = f" of {len(rows)} companies in the data" if everybody else ""
    there = rows[claim.place - 1].fact
    if there.value == own.value:
        return Finding(claim, "right", own, f"It is number {claim.place}{among}.")
    return Finding(claim, "wrong", there, f"{there.symbol} is number {claim.place}{among}, and {own.symbol} number "
                   f"{rows.index(next(row for row in rows if row.fact is own)) + 1}.")  # fmt: skip


def _extreme(claim: Claim, fact: Fact) -> Finding:
    if fact.period == claim.leads:
        return Finding(claim, "right", fact)
    return Finding(claim, "wrong", fact, f"It was {fact.period}.")


def _compared(claim: Claim, fact: Fact | None) -> Finding:
    if fact is None or fact.value is None:
        return Finding(claim, "unknown", fact, (fact.note if fact else "") or "The figure is not in the data.")
    reason = _order(claim, fact.value) if claim.number is None else _differs(claim, claim.number, fact)
    return Finding(claim, "wrong" if reason else "right", fact, reason)


def _figure(query: Query, cube: Cube) -> Fact | None:
    outcome = execute(query, cube)
    if outcome.figure is not None:
        return outcome.figure
    return outcome.rows[0].fact if len(outcome.rows) == 1 else None


def _order(claim: Claim, value: Decimal) -> str:
    return "" if value * claim.direction > 0 else "It went the other way."


_UNITS: dict[str, frozenset[str]] = {
    "USD": frozenset({"money", ""}), "USD/share": frozenset({"money", ""}), "ratio": frozenset({"percent", ""}),
    "points": frozenset({"points", "percent"}), "times": frozenset({"times", ""}), "days": frozenset({"days", ""}),
    "shares": frozenset({"count", "money", ""}),
}  # fmt: skip


def _differs(claim: Claim, number: Number, fact: Fact) -> str:
    """Why a number does not state the figure; empty where it does."""
    said, slack, value = number.value, number.slack, fact.value or Decimal()
    if number.unit == "times" and fact.unit == "ratio":
        value += 1
    elif number.unit not in _UNITS.get(fact.unit, frozenset({number.unit})):
        return "It is measured in another unit."
    elif fact.unit == "ratio" and number.bare:
        said, slack = said / 100, slack / 100
    if number.currency and fact.currency and number.currency != fact.currency:
        return f"It is in {fact.currency}."
    if claim.direction < 0 and said > 0:
        said = -said
    if (
        claim.direction
        and fact.unit in ("points", "ratio", "USD")
        and value * claim.direction < 0
        and abs(value) > slack
    ):
        return "It went the other way."
    if number.bound and _is_beyond(number.bound, said, value):
        return ""
    if abs(value - said) <= slack * Decimal("1.02"):
        return ""
    return "It is another figure."


_MOST_TIMES = 5


def _is_beyond(bound: str, said: Decimal, value: Decimal) -> bool:
    """`more than 380 billion` is right for what lies above, up to a tenth; `more than doubled` until it tripled."""
    room = Decimal("0.1") if said > _MOST_TIMES else 1 / said if said else Decimal()
    low, high = (said, said * (1 + room)) if bound == ">" else (said * (1 - room), said)
    return low <= value <= high
