"""Whether the figures of a text agree with facts: each claim is recomputed and compared. Pure.

A language model's text is released sentence by sentence. A sentence with a figure that the data refute, or that is said
of a company and is not in the data, is withheld. A figure of general knowledge stays and is marked. An example that
says it is one is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from finassist.analysis.cube import Cube
from finassist.analysis.execute import execute
from finassist.analysis.outcome import Outcome
from finassist.core.claims import Claim, Finding, Number, Verdict
from finassist.core.facts import Fact
from finassist.core.formatting import escape_line
from finassist.core.query import Query
from finassist.questions.claims import Sentence, claims_of, sentences
from finassist.questions.statement import Carried, patterns

_EXAMPLE = patterns("sentence")["example"]
_USUAL = frozenset(map(Decimal, ("1", "100", "365", "0", "360", "252")))
_SMALL = 12
_LONGEST = 4_000
_NARRATED = 4
_WHOLE = re.compile(r"""[.!?]["”’)]?\s*$""")
_BELOW = "\n"
"""Ends the line before a paragraph."""


@dataclass(slots=True)
class Review:
    """One reply of a model under review.

    Attributes:
        cube: What the data say.
        companies: Whom the conversation is about.
        clean: Makes a sentence fit to be shown, before it is judged.
        withheld: Sentences that are not shown, with what was found.
        facts: The facts that figures of the text agree with, by key.
    """

    cube: Cube
    companies: Sequence[str] = ()
    clean: Callable[[str], str] = str
    withheld: list[tuple[str, list[Finding]]] = field(default_factory=list[tuple[str, list[Finding]]])
    facts: dict[str, Fact] = field(default_factory=dict[str, Fact])
    _shown: list[str] = field(default_factory=list[str])
    _rest: str = ""
    _carried: Carried = field(default_factory=Carried)

    def __post_init__(self) -> None:
        self._carried.companies = list(self.companies)

    @property
    def text(self) -> str:
        """What was released so far."""
        return "".join(self._shown)

    def feed(self, piece: str) -> str:
        """Take a piece of the reply; the sentences that it completes and that may be shown."""
        self._rest += piece
        *whole, last = list(sentences(self._rest)) or [Sentence("", 0)]
        self._rest = last.text
        return self._release(whole)

    def close(self) -> str:
        """The reply is over: what may be shown of the rest."""
        rest, self._rest = self._rest, ""
        return self._release(sentences(rest)) if rest.strip() else ""

    def _release(self, pieces: Iterable[Sentence]) -> str:
        before = len(self._shown)
        for piece in pieces:
            text = self.clean(piece.text)
            if shown := self._judged(text, verify(claims_of(Sentence(text, 0), self._carried), self.cube)):
                self._shown.append(shown)
        return "".join(self._shown[before:])

    def _judged(self, text: str, findings: Sequence[Finding]) -> str:
        """The sentence as it may be shown; empty where it is withheld."""
        if bad := [each for each in findings if _refuted(each)]:
            self.withheld.append((text.strip(), bad))
            return ""
        self._confirm(findings)
        doubtful = [each for each in findings if each.verdict == "unknown" and not _is_usual(each)]
        if not doubtful or _EXAMPLE.search(text.lower()):
            return text
        return _marked(text, doubtful)

    def _confirm(self, findings: Iterable[Finding]) -> None:
        self.facts |= {each.fact.key: each.fact for each in findings if each.verdict == "right" and each.fact}


@dataclass
class Narration(Review):
    """A review of a few sentences about figures: one paragraph of plain text, shown below a headline.

    Each sentence that is shown states a figure, and all its figures agree with facts; none is shown twice.
    """

    _said: set[str] = field(default_factory=set[str])

    @property
    def full(self) -> bool:
        """Whether there are as many sentences as are wanted."""
        return len(self._shown) >= _NARRATED

    def _judged(self, text: str, findings: Sequence[Finding]) -> str:
        if self.full or not _WHOLE.search(text) or text.strip() in self._said:
            return ""
        self._said.add(text.strip())
        stated = [each for each in findings if not _is_usual(each)]
        if bad := [each for each in stated if each.verdict != "right"]:
            self.withheld.append((text.strip(), bad))
            return ""
        self._confirm(stated)
        return f"{' ' if self._shown else _BELOW}{escape_line(text.strip(), _LONGEST)}" if stated else ""


def _refuted(finding: Finding) -> bool:
    """Whether a figure must not be shown: a wrong one, and one of a company that no data confirm."""
    claim = finding.claim
    return finding.verdict == "wrong" or (
        finding.verdict == "unknown" and claim.company and not claim.day and not _is_usual(finding)
    )


def _is_usual(finding: Finding) -> bool:
    """A number that states no figure: a small count, 100 %, the days of a year."""
    number = finding.claim.number
    if number is None or finding.claim.queries:
        return False
    value = abs(number.value * 100) if number.unit == "percent" else abs(number.value)
    whole = value == value.to_integral_value()
    return value in _USUAL or (number.bare and whole and value <= _SMALL)


def _marked(text: str, findings: Sequence[Finding]) -> str:
    """The sentence with a mark behind each of these figures."""
    for finding in reversed(findings):
        what = "date" if finding.claim.day else "figure"
        end = finding.claim.end
        text = f"{text[:end]} (unverified {what}){text[end:]}"
    return text


def left_out(withheld: int) -> str:
    """The note that ends a reply of which sentences are missing."""
    if withheld == 1:
        return "\n\n*One sentence was left out: the data do not confirm its figures.*"
    return f"\n\n*{withheld} sentences were left out: the data do not confirm their figures.*"


def without_figures(text: str) -> str:
    """The text without sentences that state figures: what a conversation was about needs none.

    Example:
        >>> without_figures("Asked about Apple's revenue. It was USD 383.3 billion in FY2023.")
        "Asked about Apple's revenue."
    """
    carried = Carried(companies=["*"])
    kept = [each.text for each in sentences(text) if not _states_figures(each, carried)]
    return re.sub(r"\s+$", "", "".join(kept))


def _states_figures(sentence: Sentence, carried: Carried) -> bool:
    return any(claim.number is not None for claim in claims_of(Sentence(sentence.text, 0), carried))


# ------------------------------------------------------------------------------------------- claim by claim


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
    "shares": frozenset({"count", "money", ""}), "number": frozenset({"times", ""}),
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
