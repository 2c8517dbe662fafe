"""A claim about performance, and what was measured about it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any, Final, Literal, Self

Verdict = Literal["holds in this regime", "no difference", "does not hold", "measured"]

_COLUMNS: Final = (
    *("item", "claim", "regime", "baseline", "ratio", "low", "high", "count", "ours", "theirs", "unit"),
    *("verdict", "wording"),
)
_NOTABLE: Final = 1.1
"""A tenth is the least difference that is worth a word: rounds of one contender differ by about as much."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim in one regime.

    Attributes:
        item: The item of the repair plan it belongs to.
        claim: What is claimed.
        regime: Under which conditions it was measured.
        baseline: What it was measured against, in the same rounds.
        ratio: Median of baseline over ours, round by round: above 1, ours takes less.
        low: Lower quartile of the ratios.
        high: Upper quartile.
        count: How many rounds there were.
        ours: Median of ours, in `unit`.
        theirs: Median of the baseline, in `unit`.
        unit: Of `ours` and `theirs`.
        claimed: Whether somebody claims that ours takes less; without, the ratio is only told.
    """

    item: str
    claim: str
    regime: str
    baseline: str
    ratio: float
    low: float
    high: float
    count: int
    ours: float
    theirs: float
    unit: str = "ms"
    claimed: bool = True

    @classmethod
    def of(
        cls,
        item: str,
        claim: str,
        regime: str,
        baseline: str,
        ours: Sequence[float],
        theirs: Sequence[float],
        *,
        scale: float = 1000.0,
        unit: str = "ms",
        claimed: bool = True,
    ) -> Self:
        """A claim from what was measured, one value a round; `scale` leads from those values to `unit`.

        Example:
            >>> row = Claim.of("5.4", "a TaskGroup is faster", "30 sleeps", "a thread pool", [0.05, 0.05], [0.1, 0.2])
            >>> row.ratio, row.verdict
            (3.0, 'holds in this regime')
        """
        ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
        low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        return cls(
            item=item,
            claim=claim,
            regime=regime,
            baseline=baseline,
            ratio=round(median(ratios), 3),
            low=round(low, 3),
            high=round(high, 3),
            count=len(ratios),
            ours=round(median(ours) * scale, 2),
            theirs=round(median(theirs) * scale, 2),
            unit=unit,
            claimed=claimed,
        )

    @property
    def verdict(self) -> Verdict:
        """What the spread of the ratios allows to say."""
        if not self.claimed:
            return "measured"
        if self.low > _NOTABLE:
            return "holds in this regime"
        return "no difference" if self.high >= 1 / _NOTABLE else "does not hold"

    @property
    def spread(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the ratios."""
        return self.low, self.ratio, self.high

    @property
    def wording(self) -> str:
        """A sentence that is true of what was measured."""
        amount = f"{self.ours:g} {self.unit} against {self.theirs:g} {self.unit}"
        low, ratio, high = (f"{times:.0f}" if times >= 100 else f"{times:.2g}" for times in self.spread)
        spread = f"{ratio} times [{low} to {high}, {self.count} rounds]"
        if self.verdict == "no difference":
            return f"{self.regime}: no notable difference from {self.baseline} ({amount})."
        more = "as much as" if self.unit != "ms" else "as long as"
        return f"{self.regime}: {self.baseline} takes {spread} {more} ours ({amount})."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, with verdict and wording."""
        return {**asdict(self), "verdict": self.verdict, "wording": self.wording}


@dataclass(frozen=True)
class Claims:
    """All claims of one run, and the machine they were measured on."""

    rows: Sequence[Claim]
    machine: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"machine": self.machine, "claims": [row.to_dict() for row in self.rows]}

    def to_frame(self) -> Any:
        """One row a claim; the attributes of `Claim` explain the columns."""
        from finassist.reporting.frames import Column, typed

        numbers = ("ratio", "low", "high", "ours", "theirs")
        kinds = {name: "number" if name in numbers else "text" for name in _COLUMNS} | {"count": "integer"}
        schema = {name: Column(kind, "") for name, kind in kinds.items()}
        return typed([row.to_dict() for row in self.rows], schema)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from tests.benchmarks.ratio_bars import Ratio, ratios_html

        bars = [Ratio(*(getattr(row, name) for name in Ratio._fields)) for row in self.rows]
        return {"text/plain": str(self), "text/html": ratios_html(bars)}

    def __str__(self) -> str:
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.machine.items())
        head = f"tests.benchmarks --claims: ratios of baseline to ours, interleaved rounds\n{told}\n"
        titles = sorted({(row.item, row.claim) for row in self.rows})
        return "\n".join([head, *(line for title in titles for line in self._section(*title))])

    def _section(self, item: str, claim: str) -> list[str]:
        rows = [row for row in self.rows if (row.item, row.claim) == (item, claim)]
        return [f"{item}  {claim}", *(f"     {row.verdict:<21} {row.wording}" for row in rows), ""]
