"""The kinds of answers and of the data they need; what a flow arrives at, and how it is stored with the run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, NamedTuple, Self, cast, get_args

import msgspec
from agno.metrics import RunMetrics
from agno.run.workflow import WorkflowRunOutput
from agno.workflow.types import StepOutput
from msgspec.structs import astuple

from finassist.core.facts import Fact, Gap, Statement
from finassist.core.query import Choice, Query

CategoryName = Literal["income_statement", "company_financials", "stock_price", "report", "chat"]
NeedName = Literal["profile", "income", "balance_sheet", "cash_flow", "quote", "history"]
QueryNeedName = Literal["figures", "closes", "universe", "peers"]

CATEGORIES: Final[tuple[CategoryName, ...]] = get_args(CategoryName)
NEEDS: Final[tuple[NeedName, ...]] = get_args(NeedName)

YEARS_SHOWN: Final = 5
"""Fiscal years in an answer, where the settings do not say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of answer."""

    name: str  # what users and models call it
    title: str  # heading of its document, in lower case
    needs: tuple[NeedName, ...] = ()  # the data that is fetched for each company
    statements: tuple[Statement, ...] = ()  # the statements it shows
    prices: bool = False  # whether it shows the price, and with it ratios such as P/E
    meaning: str = ""  # which questions belong to it, for a model that sorts questions
    spoken: str = ""  # the object of "It asks for …"
    plural: str = ""  # the same for several questions, in a summary
    ask: str = ""  # a question that leads to it; `{names}` stands for the companies
    concept: str = "What is return on equity?"  # a question about a term that fits after it

    @property
    def whole(self) -> bool:
        """Whether it shows a company as a whole, with key figures and all ratios."""
        return len(self.statements) > 1


_ALL: Final = (
    Category(
        name="income_statement",
        title="income statement",
        needs=("income",),
        statements=("income",),
        meaning="revenue, costs, profit, earnings or earnings per share of a company.",
        spoken="income statement figures",
        plural="income statements",
        ask="Show the income statement of {names}",
        concept="What is operating margin?",
    ),
    Category(
        name="company_financials",
        title="financial statements",
        needs=("income", "balance_sheet", "cash_flow", "quote"),
        statements=("income", "balance_sheet", "cash_flow"),
        prices=True,
        meaning="balance sheet, cash flow, debt, margins, ratios or several statements of a company.",
        spoken="the financial statements and ratios",
        plural="financial statements and ratios",
        ask="Show the balance sheet and cash flow of {names}",
    ),
    Category(
        name="stock_price",
        title="stock price",
        needs=("quote", "history"),
        prices=True,
        meaning="the price, quote or price history of a share.",
        spoken="the share price",
        plural="share prices",
        ask="What is the stock price of {names}?",
        concept="What is a P/E ratio?",
    ),
    Category(
        name="report",
        title="financial report",
        needs=NEEDS,
        statements=("income", "balance_sheet", "cash_flow"),
        prices=True,
        meaning="an overview, analysis or comparison of companies, or a company and no particular figure.",
        spoken="a report",
        plural="company reports",
        ask="Give me a full report on {names}",
    ),
    Category(
        name="chat",
        title="chat",
        meaning="everything else: concepts, definitions, greetings, help, opinions and forecasts.",
        spoken="an explanation",
        plural="general questions",
    ),
)

CATEGORY: Final[dict[str, Category]] = {category.name: category for category in _ALL}
"""The record of each category, by name."""


def category_of(name: str) -> Category:
    """The record of a category; for another name, such as that of a need, one that shows nothing.

    Example:
        >>> category_of("stock_price").needs, category_of("history").needs
        (('quote', 'history'), ())
    """
    return CATEGORY.get(name) or Category(name=name, title=name)


class Need(NamedTuple):
    """One kind of data about a company: what documents call it, and what progress views call it."""

    title: str
    short: str


NEED: Final[dict[str, Need]] = {
    "profile": Need("company profile", "profile"),
    "income": Need("income statement", "income statement"),
    "balance_sheet": Need("balance sheet", "balance sheet"),
    "cash_flow": Need("cash flow statement", "cash flow"),
    "quote": Need("stock price", "quote"),
    "history": Need("price history", "price history"),
    "figures": Need("figures by year and quarter", "figures"),
    "closes": Need("closing prices", "closing prices"),
    "universe": Need("figures of all companies", "all companies"),
    "peers": Need("figures of peers", "peers"),
    "symbol": Need("", "symbol"),  # no data: the gap of a company that was not recognised
}
"""The record of each need, by name."""


def need_title(name: str) -> str:
    """What documents call a need, also one of a provider's own.

    Example:
        >>> need_title("quote"), need_title("earnings_call")
        ('stock price', 'earnings call')
    """
    return NEED[name].title if name in NEED else name.replace("_", " ")


# --------------------------------------------------------------------------------------------- an answer

RECORD = "finassist.record"
_VERSION = 1
_NAMES = Fact.__struct_fields__
_WRITER = msgspec.json.Encoder(decimal_format="string")


Verdict = Literal["answered", "partly", "refused"]


class Usage(NamedTuple):
    """What an agent used, and which model did its work."""

    agent: str
    model: str
    metrics: RunMetrics | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer as the flows compose it, before the run around it is known."""

    content: str = ""  # the answer in markdown
    category: str
    symbols: tuple[str, ...] = ()  # ticker symbols the answer is about, in the order asked
    facts: tuple[Fact, ...] = ()  # every figure, fetched and derived
    gaps: tuple[Gap, ...] = ()  # what should be there and is not
    follow_ups: tuple[str, ...] = ()  # questions that make sense next
    decided_by: str = "rules"  # who decided what was asked: `"rules"`, `"model"`, or `"rules because the model failed"`
    reason: str = ""  # why it was understood so, in a sentence
    warnings: tuple[str, ...] = ()  # what the person should know about how the answer came about
    years: int = YEARS_SHOWN  # fiscal years it shows; its facts go further back, as growth is from the year before
    headline: str = ""  # the answer in a sentence, where a query was answered
    narration: str = ""  # what a language model wrote below the headline of a report, as Markdown
    queries: tuple[Query, ...] = ()  # what was understood, as values
    rows: tuple[str, ...] = ()  # keys of the facts that were asked for, in order
    figure: str = ""  # key of the one figure asked for, or empty
    choices: tuple[Choice, ...] = ()  # readings to pick from, where the question has several
    usage: tuple[Usage, ...] = field(default=(), compare=False)  # of each agent that was asked

    @property
    def outcome(self) -> Verdict:
        """Whether what was asked is there: all of it, a part, or nothing of it."""
        return verdict(self)

    @property
    def value(self) -> Fact | None:
        """The one figure asked for, where there is one."""
        key = self.figure or (self.rows[0] if len(self.rows) == 1 else "")
        return next((fact for fact in self.facts if fact.key == key), None) if key else None

    def values(self) -> dict[str, Any]:
        """Its fields as an answer has them: tuples as lists, and the models by agent in place of their usage."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("content", "usage")}
        lists = {name: list(cast("tuple[Any, ...]", value)) for name, value in own.items() if isinstance(value, tuple)}
        return {**own, **lists, "models": {agent: model for agent, model, _ in self.usage}}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form without the content, which the run stores anyway."""
        return {
            "record": RECORD,
            "version": _VERSION,
            **self.values(),
            "facts": encode(self.facts),
            "gaps": [gap.to_dict() for gap in self.gaps],
            "queries": [_plain(query) for query in self.queries],
            "choices": [[label, *map(_plain, queries)] for label, queries in self.choices],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], content: str) -> Self:
        """The inverse of `to_dict`; what an older record does not have is as by default."""
        own = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        tuples = {name: tuple(cast("list[Any]", value)) for name, value in own.items() if isinstance(value, list)}
        values: dict[str, Any] = {
            **own,
            **tuples,
            "facts": decode(data["facts"]),
            "gaps": tuple(map(Gap.from_dict, data["gaps"])),
            "queries": tuple(map(Query.model_validate, data.get("queries", ()))),
            "choices": tuple(
                Choice(label, tuple(map(Query.model_validate, own))) for label, *own in data.get("choices", ())
            ),
            "usage": tuple(Usage(agent, model) for agent, model in data.get("models", {}).items()),
        }
        return cls(content=content, **values)


def _plain(query: Query) -> dict[str, Any]:
    return query.model_dump(mode="json", exclude_defaults=True)


def verdict(answer: Any) -> Verdict:
    """The same of a draft or of an answer."""
    if answer.headline:
        found = bool(answer.rows or answer.figure or not answer.gaps)
    else:
        found = any(fact.known for fact in answer.facts) or (answer.category == "chat" and not answer.gaps)
    return "refused" if not found else "partly" if answer.gaps else "answered"


def stored_draft(output: WorkflowRunOutput) -> Draft | None:
    """The draft that was stored with a run, or `None` for a run that did not get that far."""
    record = stored_record(output)
    return Draft.from_dict(record, str(output.content or "")) if record else None


def stored_record(output: WorkflowRunOutput) -> Mapping[str, Any] | None:
    """The draft in its stored form, its facts still one text; cheap, for what needs no figures."""
    contents = (step.content for step in _flat(output.step_results))
    records = (cast("dict[str, Any]", content) for content in contents if isinstance(content, dict))
    return next((record for record in records if record.get("record") == RECORD), None)


def _flat(steps: Sequence[Any]) -> list[StepOutput]:
    found: list[StepOutput] = []
    for step in steps:
        if isinstance(step, StepOutput):
            found += [step, *_flat(step.steps or [])]
    return found


def encode(facts: Sequence[Fact]) -> str:
    """Facts as one JSON text: a column per attribute, each a list of values and an index per fact.

    Sources, periods and units repeat from figure to figure; stored once, a report takes a tenth of the space. One
    text, because every turn of a conversation reads all turns before it, and a text is read without being parsed.

    Example:
        >>> fact = Fact(symbol="AAPL", field="revenue", unit="USD", statement="income", status="missing")
        >>> decode(encode([fact, fact])) == (fact, fact)
        True
    """
    columns = zip(*map(astuple, facts), strict=True) if facts else ((),) * len(_NAMES)
    return written({name: _column(name, values) for name, values in zip(_NAMES, columns, strict=True)})


def written(data: object) -> str:
    """JSON of what facts and drafts consist of; a `Decimal` is a text, so that no digit is lost.

    Example:
        >>> from decimal import Decimal
        >>> written({"value": Decimal("1.10")})
        '{"value":"1.10"}'
    """
    try:
        return _WRITER.encode(data).decode()
    except UnicodeEncodeError:  # half a character, from a user's own source: JSON can write it as an escape
        return json.dumps(data, default=str)


def decode(text: str) -> tuple[Fact, ...]:
    """The inverse of `encode`."""
    columns: dict[str, dict[str, list[Any]]] = json.loads(text)
    expanded = [[column["values"][code] for code in column["codes"]] for column in columns.values()]
    return tuple(Fact.from_dict(dict(zip(columns, row, strict=True))) for row in zip(*expanded, strict=True))


def _column(name: str, values: tuple[Any, ...]) -> dict[str, list[Any]]:
    if name == "value":  # figures seldom repeat, and a `Decimal` takes long to look up
        return {"values": list(values), "codes": list(range(len(values)))}
    if values and values.count(values[0]) == len(values):
        return {"values": [values[0]], "codes": [0] * len(values)}
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return {"values": list(places), "codes": list(map(places.__getitem__, values))}
