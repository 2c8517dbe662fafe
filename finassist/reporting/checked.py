"""A text checked against data: its claims one by one, as a value that shows itself in a cell, a terminal or a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finassist.core.claims import Finding
from finassist.core.formatting import escape_markdown, figure

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

_VERDICTS = {"right": "✓ right", "wrong": "✗ wrong", "unknown": "– not checkable"}
_COLUMNS = ("claim", "verdict", "asked", "right", "source", "reason")


@dataclass(frozen=True)
class Checked:
    """What the data say of a text.

    Attributes:
        text: The text.
        findings: Each claim of it, in order, with its verdict (`right`, `wrong` or `unknown`) and the figure from the
            data.

    Example:
        >>> import finassist
        >>> checked = finassist.check("Apple's revenue was $512.4 billion in FY2023, up 2% on the year.")
        >>> [(each.claim.words, each.verdict) for each in checked]
        [('$512.4 billion', 'wrong'), ('2%', 'wrong')]
        >>> checked.ok
        False
    """

    text: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing in it is wrong."""
        return all(finding.verdict != "wrong" for finding in self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def rows(self) -> list[dict[str, str]]:
        """Each claim in words: what is said, the verdict, what the data say, and where that comes from."""
        return [_row(finding) for finding in self.findings]

    def to_frame(self) -> DataFrame:
        """Each claim as a row of a DataFrame."""
        from finassist.reporting.frames import DataFrame

        return DataFrame(self.rows(), columns=list(_COLUMNS))

    def to_markdown(self) -> str:
        """A sentence that counts, and a table claim by claim."""
        if not self.findings:
            return "The text states no figures."
        heads = f"| {' | '.join(name.capitalize() for name in _COLUMNS)} |\n|{' :-- |' * len(_COLUMNS)}"
        lines = [f"| {' | '.join(escape_markdown(row[name]) for name in _COLUMNS)} |" for row in self.rows()]
        return "\n".join([self._summary(), "", heads, *lines])

    def _summary(self) -> str:
        counts = Counter(finding.verdict for finding in self.findings)
        number = len(self.findings)
        total = f"{number} claim{'s' if number != 1 else ''}"
        return f"{total}: {counts['right']} right, {counts['wrong']} wrong, {counts['unknown']} not checkable."

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from finassist.reporting.sanitize import safe_html

        text = self.to_markdown()
        return {"text/plain": text, "text/html": safe_html(text)}


def _row(finding: Finding) -> dict[str, str]:
    fact = finding.fact
    known = fact is not None and fact.known
    return {
        "claim": finding.claim.words,
        "verdict": _VERDICTS[finding.verdict],
        "asked": str(finding.claim.queries[0]) if finding.claim.queries else "",
        "right": figure(fact) if fact is not None and known else "",
        "source": fact.source if fact is not None and known else "",
        "reason": finding.reason,
    }
