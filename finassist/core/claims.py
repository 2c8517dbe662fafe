"""Judgements as values: of the figures that a text states, of the words of a question, and of an answer by a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, Self

import msgspec

from finassist.core.facts import Fact, Gap
from finassist.core.metrics import catalogue, spoken
from finassist.core.query import SET_ASIDE, Query
from finassist.core.text import visible

Unit = Literal["money", "percent", "points", "times", "days", "count", ""]
Direction = Literal[-1, 0, 1]
Verdict = Literal["right", "wrong", "unknown"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    words: str  # the characters that state it
    start: int  # where they begin
    end: int  # where they end
    value: Decimal  # the number in plain units; 25 % is 0.25, 3 points are 0.03
    slack: Decimal  # half of the last shown digit, in the same units; more where the text says "about"
    unit: Unit = ""  # what it is measured in, as far as the text says
    currency: str = ""  # ISO code where the text names one
    bound: Literal["", ">", "<"] = ""  # `">"` for "more than", `"<"` for "less than"
    per_share: bool = False  # whether it says per share

    @property
    def bare(self) -> bool:
        """Whether nothing but digits is written."""
        return not (self.unit or self.currency)


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing a text states about figures.

    Attributes:
        words: The characters that state it.
        start: Where they begin in the text.
        end: Where they end.
        queries: What would confirm it, the likeliest reading first; empty where the data hold nothing of the kind.
        number: The number said; `None` where only a direction or an order is.
        direction: 1 for a rise or "more than", -1 for a fall or "less than".
        company: Whether it is said of a company.
        day: The date that is stated, where no number is.
        unclear: Whether it stays open what it is said of: then no figure refutes it.
        leads: The company or the fiscal year that the text puts first in the order of the query.
        place: Its place in that order.
    """

    words: str
    start: int
    end: int
    queries: tuple[Query, ...] = ()
    number: Number | None = None
    direction: Direction = 0
    company: bool = False
    day: str = ""
    unclear: bool = False
    leads: str = ""
    place: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim and what the data say of it.

    Attributes:
        claim: What the text states.
        verdict: `right`, `wrong`, or `unknown` where the data cannot tell.
        fact: The figure from the data.
        reason: Why it is not right, in words; of an order also what it is of.
    """

    claim: Claim
    verdict: Verdict
    fact: Fact | None = None
    reason: str = ""


class Check(NamedTuple):
    """Words of a question, and what became of them."""

    words: str  # the words; of a typed query, the query as a phrase
    became: str = ""  # what they mean, or why they are no part of the answer
    status: Literal["used", "refused", "not understood", "set aside"] = "used"  # set aside: they ask for nothing

    @property
    def done(self) -> bool:
        """Whether they are answered."""
        return self.status in ("used", "set aside")

    def __str__(self) -> str:
        if self.status == "set aside":
            return f"– {self.words}"
        if not self.done:
            return f"✗ {self.became}" if self.words in self.became else f"✗ {self.words}: {self.became}"
        same = self.words.casefold() == self.became.casefold()
        return f"✓ {self.words}" if same or not self.became else f"✓ {self.words} ({self.became})"


def checklist(queries: Sequence[Query], gaps: Sequence[Gap]) -> tuple[Check, ...]:
    """What became of the words of a question: those that a query used, then those that are not answered.

    Example:
        >>> query = Query(metrics=["roe"], companies=["AAPL"], evidence={"companies": "Apple", "metrics": "ROE"})
        >>> [str(check) for check in checklist([query], [])]
        ['✓ Apple (AAPL)', '✓ ROE (return on equity)']
    """
    used = [check for query in queries for check in _used(query)]
    left_out = [
        Check(unknown.words, unknown.reason, "set aside" if unknown.topic == SET_ASIDE else "not understood")
        for query in queries
        for unknown in query.unknown
    ]
    said = {check.became.rstrip(".") for check in left_out}
    refused = [_refused(gap) for gap in gaps if gap.reason.rstrip(".") not in said]
    return tuple(dict.fromkeys([*used, *left_out, *refused]))


def _used(query: Query) -> list[Check]:
    said = {slot: words for slot, words in query.evidence.items() if slot != "peers"}  # those are our words
    if not said:
        return [Check(str(query))]
    meant = {
        "companies": ", ".join(query.companies),
        "metrics": ", ".join(map(spoken, query.metrics)),
        "periods": ", ".join(query.periods),
        "operation": query.operation,
        "order": "the smallest first" if query.order < 0 else "the largest first",
    }
    return [Check(words, meant.get(slot, "")) for slot, words in said.items()]


def _refused(gap: Gap) -> Check:
    quoted = re.search(r"“(.+?)”", gap.reason) if gap.error == "NotUnderstood" else None
    need = spoken(gap.need) if gap.need in catalogue() else gap.need
    return Check(quoted[1] if quoted else f"{need} of {gap.symbol}" if gap.symbol else need, gap.reason, "refused")


Thumb = Literal["up", "down"]
_FEEDBACK: Final = "finassist_feedback"
_LONGEST_REASON: Final = 2_000


class Feedback(NamedTuple):
    """What a person says of an answer.

    Attributes:
        thumb: `"up"` where it is right, `"down"` where it is wrong.
        reason: Why, in their words, or what is right.
    """

    thumb: Thumb
    reason: str = ""

    @classmethod
    def of(cls, metadata: Any) -> Self | None:
        """The feedback in Agno's metadata of a run.

        Example:
            >>> Feedback.of(with_feedback({"mine": 1}, Feedback("down", "Of another year.")))
            Feedback(thumb='down', reason='Of another year.')
        """
        try:
            return cls(*msgspec.convert(metadata[_FEEDBACK], tuple[Thumb, str]))
        except (KeyError, TypeError, msgspec.ValidationError):
            return None


def with_feedback(metadata: Mapping[str, Any] | None, feedback: Feedback | None) -> dict[str, Any]:
    """Agno's metadata of a run with this feedback, or with none."""
    others = {name: value for name, value in (metadata or {}).items() if name != _FEEDBACK}
    if feedback is None:
        return others
    return {**others, _FEEDBACK: [feedback.thumb, visible(feedback.reason).strip()[:_LONGEST_REASON]]}
