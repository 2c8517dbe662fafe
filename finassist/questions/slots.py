"""What the words of a question claim, what its conversation carries over, and what it is understood as: values only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from finassist.core.filters import Comparator, Filter
from finassist.core.periods import Period, Span
from finassist.core.query import Choice, Query, Unknown
from finassist.questions.grammar import DEFINE, OPERAND, POINTS_BACK
from finassist.questions.terms import Figure, figures_of, pair_of
from finassist.questions.tokenizer import Hit, Word


@dataclass(frozen=True, slots=True)
class Named:
    """A company as named: its ticker, whether the words can mean nothing else, and whether they were misspelt."""

    symbol: str
    strong: bool
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A period in a text; a vague one only says that the latest is wanted."""

    value: Period | Span
    start: int
    end: int
    words: str
    vague: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """A condition whose metric is still open.

    Attributes:
        comparator: How figures are compared with the number.
        number: In plain units; 30 % is 0.3.
        upper: The other end of a range.
        unit: `percent`, `USD`, `times`, `days`, or empty where none is written.
    """

    comparator: Comparator
    number: float
    upper: float | None
    unit: str

    def on(self, metric: str, *, percent: bool) -> Filter:
        """The filter for a metric; a bare number against a percentage is in percent: "margin above 30"."""
        scale = 100 if percent and not self.unit else 1
        upper = None if self.upper is None else self.upper / scale
        return Filter(metric=metric, comparator=self.comparator, number=self.number / scale, upper=upper)

    def fallen(self) -> Amount:
        """The same change downwards: "fell more than 10 %" is a change below minus that."""
        low, high = -abs(self.number), None if self.upper is None else -abs(self.upper)
        if high is not None:
            return replace(self, number=min(low, high), upper=max(low, high))
        if self.comparator in (">", ">="):
            return replace(self, number=low, comparator="<" if self.comparator == ">" else "<=")
        return replace(self, number=low, upper=0, comparator="between")


# ------------------------------------------------------------------------------------------- the conversation


@dataclass(frozen=True, slots=True)
class Memory:
    """What a conversation carries over.

    Attributes:
        queries: The queries of the last answered question.
        companies: Companies of the last question that named some, for "which of the three".
        result: Companies that the last rank or screen showed.
        periods: The last two periods in which the same figure was asked, for "the change between the two".
        figures: The last figures shown, for "that as a share of the first".
        term: The metric that the last turn explained, for "and how high was it at Costco?".
        leaders: Companies of the last figures in the order shown, for "the winner" and "the company".
        when: The period of the first of them, for "its net income in that year" after "in which year …".
    """

    queries: tuple[Query, ...] = ()
    companies: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    term: str = ""
    leaders: tuple[str, ...] = ()
    when: str = ""


def remembered(memory: Memory, record: Mapping[str, Any]) -> Memory:
    """The memory after a turn that was stored as `record`; a turn without queries or companies changes nothing."""
    queries = tuple(Query.model_validate(each) for each in record.get("queries", ()))
    symbols = tuple(record.get("symbols", ())) if record.get("category") != "chat" else ()
    return remember(memory, queries, symbols, tuple(record.get("rows", ())))


def remember(memory: Memory, queries: Sequence[Query], symbols: Sequence[str], rows: Sequence[str] = ()) -> Memory:
    """What the next question may refer to, after this one was answered.

    Args:
        memory: What was remembered before.
        queries: The queries of the turn; definitions alone change nothing.
        symbols: Companies of the answer: those named, or those that a rank of all companies showed.
        rows: Keys of the figures that were shown, in order.
    """
    own = tuple(query.model_copy(update={"proof": False}) for query in queries if query.intent != "define")
    ranked = bool(own) and own[0].scope == "universe"
    named = tuple(own[0].companies) if own else tuple(symbols)
    if not own and not named:
        return memory
    same = bool(own) and bool(memory.queries) and own[0].metrics == memory.queries[0].metrics
    if len(named) == 1 and memory.companies and (same or named[0] in memory.companies):
        named = tuple(dict.fromkeys((*memory.companies, *named)))[-5:]
    again = same and own[0].companies == memory.queries[0].companies
    periods = (*(memory.periods if again else ()), *(own[0].periods if own else ()))
    result = tuple(symbols) if ranked else memory.result
    figures = (*memory.figures, *shown)[-6:] if (shown := figures_of(own)) else ()
    shown = tuple(dict.fromkeys(key.partition("/")[0] for key in rows))
    leaders = memory.leaders if len(shown) == 1 and shown[0] in memory.leaders else shown
    when = rows[0].rpartition("/")[2] if rows else ""
    own, lately = own or memory.queries, tuple(dict.fromkeys(periods))[-2:]
    return Memory(own, named or memory.companies, result, lately, figures, leaders=leaders, when=when)


# ----------------------------------------------------------------------------------------------- the question

_SUPERLATIVE = re.compile(r"\w+est|most|least|best|worst|top")
_WHAT_IS = re.compile(
    r"(?:^|[.?!] )\s*(?:what(?:'s| is| are|s)|was ist|qué es|qu'est-ce que) (?:an? |the |el |la |der |die |das )?$"
)
_NOTHING_MORE = re.compile(r"\s*(?:ratio|mean)?\s*(?:$|[?.,]| and\b)")


@dataclass(slots=True)
class Slots:
    """One question being understood: what its words claim.

    Attributes:
        text: The question with plain marks, asides blanked out.
        low: The same in lower case; all places count in it.
        about: The companies it is about, inherited ones too.
        unmatched: Words that read like a company and are none, with the reason.
        corrected: Words that were read as others.
        loose: Content words that no slot claims.
        unit: The unit asked for, such as `USD millions`.
        decimals: How many decimals are asked for.
        memory: The conversation before it.
        stake: What is put into a share, such as `1000 USD` or `100 shares`.
        operands: Words that point back to a figure of the conversation.
    """

    text: str
    low: str
    language: str
    words: Sequence[Word]
    companies: list[Hit[Named]] = field(default_factory=list[Hit[Named]])
    periods: list[Found] = field(default_factory=list[Found])
    metrics: list[Hit[str]] = field(default_factory=list[Hit[str]])
    amounts: list[Hit[Amount]] = field(default_factory=list[Hit[Amount]])
    operations: list[Hit[str]] = field(default_factory=list[Hit[str]])
    directions: list[Hit[int]] = field(default_factory=list[Hit[int]])
    sectors: list[Hit[str]] = field(default_factory=list[Hit[str]])
    sets: list[Hit[str]] = field(default_factory=list[Hit[str]])
    marks: list[Hit[str]] = field(default_factory=list[Hit[str]])
    limit: Hit[int] | None = None
    choices: list[Hit[tuple[str, ...]]] = field(default_factory=list[Hit[tuple[str, ...]]])
    unmatched: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    corrected: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    loose: list[Word] = field(default_factory=list[Word])
    about: list[str] = field(default_factory=list[str])
    unit: str = ""
    decimals: int | None = None
    memory: Memory = field(default_factory=Memory)
    stake: Hit[str] | None = None
    operands: list[Hit[Figure]] = field(default_factory=list[Hit[Figure]])

    def has(self, *tags: str) -> bool:
        """Whether an operation or mark with one of the tags was found."""
        return any(hit.value in tags for hit in (*self.operations, *self.marks))

    def at(self, tag: str) -> Hit[str] | None:
        """The first operation or mark with a tag."""
        return next((hit for hit in (*self.operations, *self.marks) if hit.value == tag), None)

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Whether the words of the question match a pattern."""
        return pattern.search(self.low) is not None

    @property
    def symbols(self) -> list[str]:
        """Companies in the order of mention, each once."""
        return list(dict.fromkeys(hit.value.symbol for hit in self.companies))

    @property
    def several(self) -> bool:
        """Whether it is about more than one company."""
        return len(self.about) > 1

    @property
    def points(self) -> list[Found]:
        """The periods that are more than "the latest"."""
        return [each for each in self.periods if not each.vague]

    @property
    def asks_set(self) -> bool:
        """Whether companies in general are asked about: "which companies", "S&P 500 companies"."""
        return any(hit.value == "set" for hit in self.sets)

    @property
    def asks_all(self) -> bool:
        """Whether it names no company and asks for some out of all."""
        if self.about or not (self.metrics or self.amounts):
            return False
        joined = self.has("mean", "median", "sum")
        ordered = bool(self.sets and (self.directions or self.amounts or joined)) or bool(
            self.directions and self.amounts
        )
        alone = not self.memory.queries and not self.memory.companies
        ordered = ordered or (alone and any(_SUPERLATIVE.fullmatch(hit.words) for hit in self.directions))
        return self.asks_set or bool(self.sectors or self.limit) or self.has("count", "rank") or ordered

    @property
    def asks_definition(self) -> bool:
        """Whether the meaning of a term is asked for."""
        first = self.metrics[0] if self.metrics else None
        asked = first and _WHAT_IS.search(self.low[: first.start]) and _NOTHING_MORE.match(self.low, first.end)
        return self.says(DEFINE) or asked is not None

    @property
    def bare(self) -> str:
        """The question in lower case with the names of companies blanked out."""
        text = self.low
        for hit in self.companies:
            text = text[: hit.start] + " " * (hit.end - hit.start) + text[hit.end :]
        return text


def hits_of(names: Sequence[str], words: str = "") -> list[Hit[str]]:
    """Metrics that stand nowhere in the text."""
    return [Hit(name, 0, 0, words or name) for name in names]


# ---------------------------------------------------------------------------------------- figures pointed back to


def recall(slots: Slots) -> None:
    """Put figures of the conversation in the place of the words that point back to them."""
    figures = slots.memory.figures
    of_several = bool(figures) and " + at(" in figures[-1].metric
    complete = slots.metrics and slots.companies and not _COMPUTE.match(slots.low)
    if slots.language != "en" or not figures or complete or (of_several and (slots.metrics or slots.points)):
        return
    for name, pattern in OPERAND.items():
        for found in pattern.finditer(slots.low):
            free = not any(hit.start < found.end() and found.start() < hit.end for hit in slots.operands)
            if free and not _within(slots, found) and (figure := _meant(name, found, figures)):
                slots.operands.append(Hit(figure, found.start(), found.end(), found.group()))
    if not slots.periods and not slots.companies:
        slots.operands += [
            Hit(figure, hit.start, hit.end, hit.words)
            for hit in slots.metrics
            if (figure := next((each for each in reversed(figures) if each.metric == hit.value), None))
        ]


_COMPUTE = re.compile(
    r"\W*(?:(?:and|now|then|so|please) )*(?:add|subtract|deduct|divide|multiply|take|express|compare)\b"
)


def _within(slots: Slots, found: re.Match[str]) -> bool:
    """`its net income, and how much of that …`: what is pointed back to stands in the question itself."""
    before = [slots.low[hit.end : found.start()] for hit in slots.metrics if hit.end <= found.start()]
    return any(re.search(r"\band\b|[.;?]", text) for text in before) and not _COMPUTE.match(slots.low)


def _meant(name: str, found: re.Match[str], figures: Sequence[Figure]) -> Figure | None:
    if name == "previous":
        return figures[-2] if len(figures) > 1 else None
    if name in ("that", "result"):
        if name == "that" and _PART_OF.match(found.string, found.end()):
            return replace(figures[-1], metric=_GROWN.sub(r"\1 - \2", figures[-1].metric))
        return None if name == "result" and figures[-1].metric.isidentifier() else figures[-1]
    if name == "of_year":
        return _of_year(found["year"] or found["year2"], figures)
    pair = pair_of(figures)
    return pair and pair[name == "second"]


_PART_OF = re.compile(r" (?:in (?:percent|per cent|%)|as an? (?:share|percentage|percent|fraction|part)) of ")
_GROWN = re.compile(r"^(at\([^)]*\)) / (at\([^)]*\)) - 1$")
"""A growth as a share of an amount is the change in amounts as a share of it."""


def _of_year(year: str, figures: Sequence[Figure]) -> Figure:
    """The figure of a year that was shown, or the last one in that year."""
    plain = [each for each in figures if each.metric.isidentifier()] or figures
    own = next((each for each in reversed(plain) if year in each.periods[0]), None)
    return own or Figure(plain[-1].metric, (f"FY{year}",), plain[-1].companies)


def owners(slots: Slots) -> list[str]:
    """The companies of the operands, and those that the question names."""
    return list(dict.fromkeys([*(each for hit in slots.operands for each in hit.value.companies), *slots.about]))


def _placed(slots: Slots) -> str:
    """The company that came first, second or last in the last order; `the company` and `that one` came first."""
    leaders, asked = slots.memory.leaders, slots.memory.queries[0] if slots.memory.queries else None
    found = POINTS_BACK["placed"].search(slots.low)
    ordered = asked is not None and (asked.intent in ("rank", "compare", "screen") or asked.scope == "universe")
    if not (found and (ordered or len(leaders) > 1)) and not (ordered and slots.says(POINTS_BACK["leader"])):
        return ""
    at = {"first": 0, "second": 1, "third": 2, "last": -1}[found["place"]] if found else 0
    return leaders[at] if at < len(leaders) else ""


_NTH = {"second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1, "latter": -1}


def nth_shown(slots: Slots) -> str:
    """`how much did the first of them earn?`, `and the other one?`, `the winner`: that company of those shown last."""
    if placed := _placed(slots):
        return placed
    found = POINTS_BACK["nth"].search(slots.low)
    named, result, leaders = slots.memory.companies, slots.memory.result, slots.memory.leaders
    shown = leaders if len(leaders) > 2 else named if len(named) > 1 else result  # of two, the first named is the first
    asked = slots.memory.queries[0].companies if slots.memory.queries else []
    others = [each for each in named if each not in asked]
    if len(asked) == len(others) == 1 and slots.says(POINTS_BACK["other"]):
        return others[0]
    at = _NTH.get(found["n"], 0) if found else 0
    return shown[at] if found and at < len(shown) > 1 else ""


# ---------------------------------------------------------------------------------------------- what is understood


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a question asks.

    Attributes:
        queries: What to execute, in order; the first makes the headline.
        document: The document it leads to instead (`report`, `income_statement`, …), or empty.
        unknown: What was asked and no slot can hold, with topic and reason.
        corrected: Words that were read as others.
        choices: Readings to pick from, where a name fits several companies.
        decided: One phrase on which rule decided.
    """

    queries: tuple[Query, ...] = ()
    document: str = ""
    unknown: tuple[Unknown, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    choices: tuple[Choice, ...] = ()
    decided: str = ""
    slots: Slots | None = field(default=None, repr=False)


def refuse(words: str, topic: str, reason: str, decided: str = "topic") -> Understanding:
    """An understanding that names what is not there."""
    return Understanding(unknown=(Unknown(words=words.strip(), topic=topic, reason=reason),), decided=decided)
