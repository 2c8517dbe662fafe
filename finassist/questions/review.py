"""Text of a language model, released sentence by sentence once its figures agree with facts. Pure.

A sentence with a figure that the data refute, or that is said of a company and is not in the data, is withheld. A
figure of general knowledge stays and is marked. An example that says it is one is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from finassist.analysis.cube import Cube
from finassist.core.claims import Finding
from finassist.core.facts import Fact
from finassist.core.formatting import escape_line
from finassist.questions.claims import Sentence, claims_of, sentences
from finassist.questions.statement import Carried, patterns
from finassist.questions.verify import verify

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

    Each sentence that is shown states a figure, and all its figures agree with facts.
    """

    @property
    def full(self) -> bool:
        """Whether there are as many sentences as are wanted."""
        return len(self._shown) >= _NARRATED

    def _judged(self, text: str, findings: Sequence[Finding]) -> str:
        if self.full or not _WHOLE.search(text):
            return ""
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
