"""What was asked, as a value: filled by rules or by a model, checked by code, executed purely, stored with the run."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from finassist.core.metrics import described, parse, spoken
from finassist.core.periods import Period, Span, parse_periods

Intent = Literal["value", "series", "change", "compare", "rank", "screen", "aggregate", "define", "judge", "refuse",
                 "document", "chat"]  # fmt: skip
Operation = Literal["none", "growth", "sequential", "cagr", "difference", "sum", "mean", "median", "share", "max", "min", "count",
                    "times", "trend", "best month", "worst month", "high", "low"]  # fmt: skip
Scope = Literal["named", "earlier", "universe"]
Comparator = Literal[">", ">=", "<", "<=", "between"]

MOST_CELLS = 600


class Filter(BaseModel):
    """A condition of a screen: a metric against a number, in the metric's own unit (25 % is 0.25)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    comparator: Comparator
    number: float
    upper: float | None = None
    period: str | None = None

    def __str__(self) -> str:
        limit = f"{self.number:g} and {self.upper:g}" if self.comparator == "between" else f"{self.number:g}"
        return f"{spoken(self.metric)} {self.comparator} {limit}"


class Unknown(BaseModel):
    """Words that ask for something no slot can hold, and what kind of thing that is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: str
    topic: str = "not understood"
    reason: str = ""


class Query(BaseModel):
    """One question in typed form; a question in words may be several of these.

    Attributes:
        intent: What sort of answer is wanted.
        metrics: Catalogue ids, or expressions over them (`"growth(revenue)"`, `"capex / revenue"`).
        companies: Ticker symbols in the order asked.
        scope: Whether the companies are named, those of the conversation, or all that the provider covers.
        sectors: Sectors or industries that limit a universe.
        periods: As asked: `"FY2024"`, `"Q3 2024"`, `"TTM"`, `"2024-03-14"`, `"FY2020:FY2024"`, `"last 4 quarters"`,
            `"latest"`.
        operation: What is done with the figures.
        where: Conditions of a screen.
        order: 1 for the largest first, -1 for the smallest first, 0 for as asked.
        limit: How many rows.
        as_of: Only what was known on that day counts.
        explain: Ids of metrics, or terms, to define.
        unit: The unit the answer should be stated in (`"percent"`, `"USD millions"`, …), or empty.
        decimals: Decimals of the answer, where asked.
        unknown: Words that were not placed.
        evidence: The words each slot came from.

    Example:
        >>> query = Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2023"])
        >>> str(query)
        'net margin of AAPL in FY2023'
        >>> Query.model_validate_json(query.model_dump_json()) == query
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Intent = "value"
    metrics: list[str] = Field(default_factory=list[str])
    companies: list[str] = Field(default_factory=list[str])
    scope: Scope = "named"
    sectors: list[str] = Field(default_factory=list[str])
    periods: list[str] = Field(default_factory=list[str])
    operation: Operation = "none"
    where: list[Filter] = Field(default_factory=list[Filter])
    order: int = 0
    limit: int | None = None
    as_of: date | None = None
    explain: list[str] = Field(default_factory=list[str])
    unit: str = ""
    decimals: int | None = None
    unknown: list[Unknown] = Field(default_factory=list[Unknown])
    evidence: dict[str, str] = Field(default_factory=dict[str, str])
    language: str = "en"

    @field_validator("metrics")
    @classmethod
    def _metrics(cls, value: list[str]) -> list[str]:
        for text in value:
            parse(text)
        return value

    @field_validator("periods")
    @classmethod
    def _periods(cls, value: list[str]) -> list[str]:
        return [str(parse_periods(text)) for text in value]

    @field_validator("companies")
    @classmethod
    def _companies(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(symbol.strip().upper().replace(".", "-") for symbol in value))

    @model_validator(mode="after")
    def _bounded(self) -> Query:
        if len(self.metrics) * max(len(self.companies), 1) > MOST_CELLS:
            raise ValueError(
                f"{len(self.companies)} companies × {len(self.metrics)} metrics are too many. Ask for fewer."
            )
        return self

    def asked(self) -> list[Period | Span]:
        """The periods as values."""
        return [parse_periods(text) for text in self.periods]

    def __str__(self) -> str:
        return sentence(self)


def sentence(query: Query) -> str:
    """A query as a plain phrase."""
    if query.intent == "define":
        return "definition of " + " and ".join(spoken(name) if _is_metric(name) else name for name in query.explain)
    what = " and ".join(spoken(metric) for metric in query.metrics) or query.intent
    words = [_OPERATIONS.get(query.operation, "") + what]
    if query.scope == "universe":
        words.append("of all companies" + (f" in {' or '.join(query.sectors)}" if query.sectors else ""))
    elif query.companies:
        words.append("of " + ", ".join(query.companies))
    if query.where:
        words.append("where " + " and ".join(map(str, query.where)))
    if query.periods:
        words.append("in " + " and ".join(query.periods))
    if query.limit:
        words.append(f"({'top' if query.order >= 0 else 'bottom'} {query.limit})")
    return " ".join(words)


def _is_metric(name: str) -> bool:
    try:
        described(name)
    except ValueError:
        return False
    return True


_OPERATIONS: dict[str, str] = {
    "growth": "growth of ", "cagr": "CAGR of ", "difference": "difference in ", "sum": "sum of ", "mean": "mean ",
    "median": "median ", "share": "share of ", "max": "highest ", "min": "lowest ", "count": "number of companies by ",
    "times": "ratio of ", "trend": "trend of ",
}  # fmt: skip
