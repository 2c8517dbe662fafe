"""What was asked, as a value: filled by rules or by a model, checked by code, executed purely, stored with the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from html import escape
from typing import Annotated, Any, Literal, NamedTuple, cast

from pydantic import AfterValidator, Field, field_validator, model_validator

from finassist.core.assumptions import assumptions
from finassist.core.errors import InvalidQuery
from finassist.core.filters import Checked, Filter, Formula
from finassist.core.metrics import Binary, Expression, Number, described, parse, spoken, unit_of
from finassist.core.periods import Period, Span, parse_periods

Intent = Literal["value", "series", "change", "compare", "rank", "screen", "aggregate", "define", "judge", "model",
                 "tearsheet", "event", "profile", "refuse", "document", "chat"]  # fmt: skip
Operation = Literal["none", "growth", "sequential", "cagr", "difference", "sum", "mean", "median", "share", "max",
                    "min", "range", "count", "times", "trend", "high", "low", "first", "last", "streak",
                    "best day", "worst day", "best week", "worst week", "best month", "worst month", "best year",
                    "worst year"]  # fmt: skip
Shape = Literal["values", "series", "change", "cagr", "difference", "times", "share", "sum", "mean", "extreme",
                "range", "window", "event", "order", "count", "check", "model", "peers", "profile",
                "nothing"]  # fmt: skip
"""What sort of result a query has; its sentence is chosen by it."""

Scope = Literal["named", "earlier", "universe", "peers"]

TEARSHEET = ("price_change", "annual_return", "volatility", "max_drawdown", "sharpe", "sortino", "beta", "correlation",
             "best_month", "worst_month")  # fmt: skip
"""What a tearsheet has, where nothing else is asked."""

_USUAL = {"tearsheet": TEARSHEET, "event": ("price_change",)}
"""The figures of intents that need not name any."""

PROFILE = ("sector", "headquarters", "fiscal year end", "filing day")
"""What a profile tells of a company."""

MOST_CELLS = 600
_SLACK = 0.005
"""By how much weights may miss 1: those of three thirds are rounded."""
SET_ASIDE = "set aside"


AskedPeriod = Annotated[str, AfterValidator(lambda text: str(parse_periods(text)))]


class Unknown(Checked):
    """Words that ask for something no slot can hold, and what kind of thing that is; or that ask for nothing."""

    words: str
    topic: str = "not understood"
    reason: str = ""


class Query(Checked):
    """One question in typed form; a question in words may be several of these.

    Attributes:
        intent: What sort of answer is wanted.
        metrics: Catalogue ids, or expressions over them (`"growth(revenue)"`, `"capex / revenue"`).
        companies: Ticker symbols in the order asked.
        scope: Companies that are named, of the conversation, all that the provider covers, or the first and its peers.
        sectors: Sectors or industries that limit a universe, or whose companies are the peers.
        periods: As asked: `"FY2024"`, `"Q3 2024"`, `"TTM"`, `"2024-03-14"`, `"FY2020:FY2024"`, `"last 4 quarters"`.
        every: Whether each period of a span counts by itself: a condition has to hold in every one of them.
        operation: What is done with the figures.
        where: Conditions of a screen.
        order: 1 for the largest first, -1 for the smallest first, 0 for as asked.
        expects: What a yes-or-no question supposes: 1 that the figure rose or the first company leads, -1 that it fell.
        limit: How many rows.
        stake: What is held of a share: `"1000 USD"` put into it, or `"100 shares"`; prices say what it is worth.
        weights: A portfolio: parts of 1 by ticker, bought at the close before the period and held.
        after: Of an event, the trading days after a filing to whose closes the move goes.
        benchmark: The share that beta and correlation are measured against; empty for the S&P 500.
        assume: What is assumed instead of what the data say or a model's default: metric ids with values in their own
            unit (5 % is 0.05). `growth`, `margin`, `multiple` and `years` are those that a valuation forecasts.
        proof: Whether the answer shows how its figures were computed, down to filings; see `Answer.why`.
        as_of: Only what was known on that day counts.
        explain: Metrics or terms to define; of a `"profile"` any of `"sector"`, `"headquarters"`,
            `"fiscal year end"`, `"filing day"`.
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

    intent: Intent = "value"
    metrics: list[Formula] = Field(default_factory=list[str])
    companies: list[str] = Field(default_factory=list[str])
    scope: Scope = "named"
    sectors: list[str] = Field(default_factory=list[str])
    periods: list[AskedPeriod] = Field(default_factory=list[str])
    every: bool = False
    operation: Operation = "none"
    where: list[Filter] = Field(default_factory=list[Filter])
    order: int = Field(default=0, ge=-1, le=1)
    expects: Literal[-1, 0, 1] = 0
    limit: int | None = Field(default=None, ge=1)
    stake: str = Field(default="", pattern=r"^([0-9]+(\.[0-9]+)? (USD|shares))?$")
    weights: dict[str, float] = Field(default_factory=dict[str, float])
    after: list[Annotated[int, Field(ge=1, le=60)]] = Field(default=[1, 5], min_length=1)
    benchmark: str = Field(default="", max_length=20)
    assume: dict[str, float] = Field(default_factory=dict[str, float])
    proof: bool = False
    as_of: date | None = None
    explain: list[str] = Field(default_factory=list[str])
    unit: str = ""
    decimals: int | None = Field(default=None, ge=0, le=12)
    unknown: list[Unknown] = Field(default_factory=list[Unknown])
    evidence: dict[str, str] = Field(default_factory=dict[str, str])
    language: str = "en"

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Any) -> Any:
        """A tearsheet and an event have their usual figures and a portfolio its companies, where none are named."""
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, Any]", values)
        metrics, companies = given.get("metrics"), given.get("companies")
        if usual := _USUAL.get(str(given.get("intent"))):
            given = {**given, "metrics": metrics or [*usual]}
        return {**given, "companies": companies or [*given["weights"]]} if given.get("weights") else given

    @field_validator("weights")
    @classmethod
    def _weights(cls, value: dict[str, float]) -> dict[str, float]:
        total = sum(value.values())
        if value and (min(value.values()) <= 0 or abs(total - 1) > _SLACK):
            raise ValueError(
                f"Weights are above 0 and add up to 1, such as {{'AAPL': 0.6, 'MSFT': 0.4}}, not {total:g}."
            )
        return {symbol.strip().upper().replace(".", "-"): part for symbol, part in value.items()}

    @field_validator("companies")
    @classmethod
    def _companies(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(symbol.strip().upper().replace(".", "-") for symbol in value))

    @field_validator("assume")
    @classmethod
    def _assumed(cls, value: dict[str, float]) -> dict[str, float]:
        return assumptions(value)

    @model_validator(mode="after")
    def _bounded(self) -> Query:
        cells = len(self.metrics) * max(len(self.companies), 1)
        if cells > MOST_CELLS:
            asked = f"{len(self.companies)} companies × {len(self.metrics)} metrics are {cells:,} figures"
            raise ValueError(f"{asked}; one query has at most {MOST_CELLS}. Ask for fewer companies or metrics.")
        if self.scope != "universe" and any(each.comparator in ("top", "bottom") for each in self.where):
            raise ValueError("“top” and “bottom” are places among all companies: add scope='universe'.")
        several = self.operation == "none" and any(isinstance(each, Span) for each in self.asked())
        if self.scope == "peers" and (several or self.where or len(self.periods) > 1):
            raise ValueError("Peers are compared in one period and without conditions: periods=['FY2024'].")
        return self

    def assuming(self, values: Mapping[str, float]) -> Query:
        """The same query under other assumptions; an `InvalidQuery` says which cannot be."""
        fields: dict[str, Any] = {**dict(self), "assume": dict(values)}
        return Query(**fields)

    @property
    def portfolio(self) -> str:
        """The symbol that facts of a portfolio carry: `60% AAPL + 40% MSFT`."""
        return " + ".join(f"{part * 100:.4g}% {symbol}" for symbol, part in self.weights.items())

    def asked(self) -> list[Period | Span]:
        """The periods as values."""
        return [parse_periods(text) for text in self.periods]

    def __str__(self) -> str:
        if self.intent == "define":
            return "definition of " + " and ".join(spoken(name) if _is_metric(name) else name for name in self.explain)
        told = self.explain if self.intent == "profile" else map(spoken, self.metrics)
        what = " and ".join(told) or _UNNAMED.get(self.intent, self.intent)
        what = "tearsheet" if self.metrics == [*TEARSHEET] else what
        what = f"{what} around filings" if self.intent == "event" else what
        words = [f"worth of {self.stake} by {what}" if self.stake else _OPERATIONS.get(self.operation, "") + what]
        if self.operation == "count" and self.scope == "named" and len(self.companies) < 2:
            words = [f"number of periods by {what}"]
        if self.scope == "universe":
            words.append("of all companies" + (f" in {' or '.join(self.sectors)}" if self.sectors else ""))
        elif self.companies:
            words.append(
                "of " + (self.portfolio or ", ".join(self.companies)) + " against peers" * (self.scope == "peers")
            )
        if self.where:
            words.append("where " + " and ".join(map(str, self.where)))
        if when := ["every year"] * self.every + [" and ".join(self.periods)] * bool(self.periods):
            words.append("in " + " of ".join(when))
        if self.assume:
            words.append("assuming " + ", ".join(f"{spoken(name)} {value:g}" for name, value in self.assume.items()))
        words += [f"({'top' if self.order >= 0 else 'bottom'} {self.limit})"] * bool(self.limit)
        return " ".join(words)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What differs from the default, so that the text can be pasted and run."""
        fields = type(self).model_fields
        given = ((name, getattr(self, name)) for name in fields if name != "evidence")
        return ((name, value) for name, value in given if value != fields[name].get_default(call_default_factory=True))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        shown = f"<p><b>{escape(str(self))}</b></p><pre><code>{escape(repr(self))}</code></pre>"
        return {"text/plain": f"{self!r}\n# {self}", "text/html": shown}


class Choice(NamedTuple):
    """One of several readings of a question: what to show, and the queries to run."""

    label: str
    queries: tuple[Query, ...]


# ------------------------------------------------------------------------------------ what is wrong with one
UNITS = ("", "USD", "USD thousands", "USD millions", "USD billions", "USD trillions", "percent", "times",
         "basis points", "percent of the high", "percent of the low", "month-end", "days", "weeks", "months",
         "years")  # fmt: skip
"""Units that an answer can be stated in; an empty one is the metric's own."""

_EXAMPLE = "For example: Query(metrics=['net_margin'], companies=['AAPL'], periods=['FY2024'])."


def queries_of(asked: object) -> tuple[Query, ...]:
    """A query, a dictionary of one, or several of either, as queries that can be answered.

    Raises:
        InvalidQuery: One of them cannot be; the message says what would be valid.

    Example:
        >>> [str(query) for query in queries_of({"metrics": ["revenue"], "companies": ["aapl"]})]
        ['revenue of AAPL']
    """
    each = list(cast("list[object]", asked)) if isinstance(asked, list | tuple) else [asked]
    if not each:
        raise InvalidQuery(f"Pass a Query, a dictionary of its fields, or a list of them. {_EXAMPLE}")
    return tuple(map(_complete, each))


def _complete(asked: object) -> Query:
    if not isinstance(asked, Query | Mapping):
        raise InvalidQuery(f"{str(asked)[:60]!r} is no query. {_EXAMPLE}")
    query = asked if isinstance(asked, Query) else Query(**cast("dict[str, Any]", asked))
    _check_complete(query)
    return query


def _check_complete(query: Query) -> None:
    if query.intent in ("chat", "refuse"):
        raise InvalidQuery(f"A query of intent “{query.intent}” has no figures. Ask in words with run().")
    if query.intent == "profile" and not {*query.explain} <= {*PROFILE}:
        raise InvalidQuery(f"A profile tells of a company: explain takes any of {', '.join(PROFILE)}.")
    if query.intent == "define":
        if not any(name for name in query.explain if _is_metric(name)):
            raise InvalidQuery("Name the metrics to explain, such as Query(intent='define', explain=['roe']).")
    elif (query.scope in ("named", "peers") or query.intent in _USUAL) and not query.companies:
        raise InvalidQuery(f"Name companies by ticker symbol, or ask all with scope='universe'. {_EXAMPLE}")
    elif query.intent != "document" and query.scope != "peers" and not query.metrics and not query.where:
        raise InvalidQuery(f"Name at least one metric; finassist.describe() lists them. {_EXAMPLE}")
    if query.unit not in UNITS:
        known = ", ".join(f"“{unit}”" for unit in UNITS if unit)
        raise InvalidQuery(f"“{query.unit[:60]}” is no unit. It is empty or one of: {known}.")
    if query.stake and not {*query.metrics} <= {"price", "price_change", "total_return"}:
        raise InvalidQuery("A stake is worth what prices say: ask for price, price_change or total_return.")
    if query.weights and any(described(text).kind != "price" for text in query.metrics):
        raise InvalidQuery("A portfolio has figures of prices, such as volatility or sharpe, and none of statements.")
    for text in query.metrics:
        _check_units(parse(text))


def _check_units(expression: Expression) -> None:
    """What an expression adds is measured alike: no amount and amount per share."""
    if not isinstance(expression, Binary):
        return
    left, right = expression.left, expression.right
    if expression.sign in "+-" and Number not in (type(left), type(right)) and len(_units(left, right)) > 1:
        units = f"{unit_of(left)} and {unit_of(right)}"
        raise InvalidQuery(f"{units} cannot be added or subtracted; ask for the metrics one by one.")
    amounts = [unit_of(part) for part in (left, right) if _units(part)]
    if expression.sign == "*" and len(amounts) > 1 and set(amounts) != {"USD/share", "shares"}:
        raise InvalidQuery(f"{' and '.join(amounts)} cannot be multiplied; ask for the metrics one by one.")
    _check_units(left)
    _check_units(right)


def _units(*parts: Expression) -> set[str]:
    """The units of parts; percent, points and times may be added to each other."""
    return {unit_of(part) for part in parts} - {"percent", "points", "times"}


def _is_metric(name: str) -> bool:
    try:
        described(name)
    except ValueError:
        return False
    return True


_UNNAMED = {"document": "report", "value": "comparison", "compare": "comparison"}
_OPERATIONS: dict[str, str] = {
    "growth": "growth of ", "cagr": "CAGR of ", "difference": "difference in ", "sum": "sum of ", "mean": "mean ",
    "median": "median ", "share": "share of ", "max": "highest ", "min": "lowest ", "count": "number of companies by ",
    "times": "ratio of ", "trend": "trend of ", "range": "range of ",
}  # fmt: skip
