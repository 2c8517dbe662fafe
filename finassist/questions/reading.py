"""One question being understood: its slots, what the conversation carries over, and what both say together. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finassist.core.metrics import described
from finassist.core.periods import Period, parse_periods
from finassist.core.query import Choice, Query, Unknown
from finassist.questions.grammar import ASCENDING, DEFINE, DESCENDING, SAID
from finassist.questions.slots import Slots
from finassist.questions.words import Hit


@dataclass(frozen=True, slots=True)
class Memory:
    """What a conversation carries over.

    Attributes:
        queries: The queries of the last answered question.
        companies: Companies of the last question that named some, for "which of the three".
        result: Companies that the last rank or screen showed.
    """

    queries: tuple[Query, ...] = ()
    companies: tuple[str, ...] = ()
    result: tuple[str, ...] = ()


def remembered(memory: Memory, record: Mapping[str, Any]) -> Memory:
    """The memory after a turn that was stored as `record`; a turn without queries or companies changes nothing."""
    queries = tuple(Query.model_validate(each) for each in record.get("queries", ()))
    return remember(memory, queries, tuple(record.get("symbols", ())) if record.get("category") != "chat" else ())


def remember(memory: Memory, queries: Sequence[Query], symbols: Sequence[str]) -> Memory:
    """What the next question may refer to, after this one was answered.

    Args:
        memory: What was remembered before.
        queries: The queries of the turn; definitions alone change nothing.
        symbols: Companies of the answer: those named, or those that a rank of all companies showed.
    """
    own = tuple(query for query in queries if query.intent != "define")
    ranked = bool(own) and own[0].scope == "universe"
    named = tuple(own[0].companies) if own else tuple(symbols)
    if not own and not named:
        return memory
    same = bool(own) and bool(memory.queries) and own[0].metrics == memory.queries[0].metrics
    if len(named) == 1 and memory.companies and same:
        named = tuple(dict.fromkeys((*memory.companies, *named)))[-5:]
    return Memory(own or memory.queries, named or memory.companies, tuple(symbols) if ranked else memory.result)


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a question asks.

    Attributes:
        queries: What to execute, in order; the first makes the headline.
        document: The document it leads to instead (`report`, `income_statement`, …), or empty.
        unknown: What was asked and no slot can hold, with topic and reason.
        corrected: Words that were read as others.
        choices: Readings to pick from, where a name fits several companies.
        certain: Whether every content word was used.
        decided: One phrase on which rule decided.
    """

    queries: tuple[Query, ...] = ()
    document: str = ""
    unknown: tuple[Unknown, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    choices: tuple[Choice, ...] = ()
    certain: bool = False
    decided: str = ""
    slots: Slots | None = field(default=None, repr=False)


@dataclass(slots=True)
class Reading:
    """One question being understood.

    Attributes:
        slots: What its words claim.
        memory: The conversation before it.
        symbols: The companies it is about, inherited ones too.
        unit: The unit asked for, such as `USD millions`.
        decimals: How many decimals are asked for.
    """

    slots: Slots
    memory: Memory
    symbols: list[str]
    unit: str = ""
    decimals: int | None = None

    @property
    def low(self) -> str:
        """The question in lower case."""
        return self.slots.low

    @property
    def bare(self) -> str:
        """The question in lower case with the names of companies blanked out."""
        text = self.slots.low
        for hit in self.slots.companies:
            text = text[: hit.start] + " " * (hit.end - hit.start) + text[hit.end :]
        return text

    @property
    def several(self) -> bool:
        """Whether it is about more than one company."""
        return len(self.symbols) > 1

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Whether the words of the question match a pattern."""
        return pattern.search(self.slots.low) is not None


def refuse(words: str, topic: str, reason: str, decided: str = "topic") -> Understanding:
    """An understanding that names what is not there."""
    return Understanding(unknown=(Unknown(words=words.strip(), topic=topic, reason=reason),), decided=decided)


# ----------------------------------------------------------------------------------------------- sets


def has_set(reading: Reading) -> bool:
    """Whether companies in general are asked about: "which companies", "S&P 500 companies"."""
    return any(hit.value == "set" for hit in reading.slots.sets)


_SUPERLATIVE = re.compile(r"\w+est|most|least|best|worst|top")


def asks_universe(reading: Reading) -> bool:
    """Whether a question names no company and asks for some out of all."""
    slots = reading.slots
    if reading.symbols or not (slots.metrics or slots.amounts):
        return False
    ordered = bool(slots.sets and (slots.directions or slots.amounts)) or bool(slots.directions and slots.amounts)
    alone = not reading.memory.queries and not reading.memory.companies
    ordered = ordered or (alone and any(_SUPERLATIVE.fullmatch(hit.words) for hit in slots.directions))
    return has_set(reading) or bool(slots.sectors or slots.limit) or slots.has("count", "rank") or ordered


_AS_GOOD = frozenset(
    {"best", "better", "worst", "worse", "strongest", "weakest", "mejor", "peor", "besser", "meilleure", "meilleur",
     "pire", "melhor", "pior", "migliore", "peggiore"}
)  # fmt: skip
_SIGNED = frozenset({"net_income", "price_change", "total_return"})
_ALWAYS_LEAST = frozenset({"cheapest", "cheaper", "slower", "slowest"})


def direction_of(reading: Reading, metric: str) -> tuple[int, bool]:
    """1 for the largest first, -1 for the smallest; and whether the question says so."""
    if reading.says(ASCENDING):
        return -1, True
    if reading.says(DESCENDING):
        return 1, True
    for hit in reading.slots.directions[:1]:
        if hit.words in _ALWAYS_LEAST:
            return -1, True
        good = (described(metric).better or 1) if hit.words in _AS_GOOD else 1
        falls = metric in _SIGNED or metric.startswith("growth(") or reading.slots.has("growth")
        loss = any("loss" in each.words for each in reading.slots.metrics)
        if loss:
            return -hit.value, True
        shrank = -1 if falls and hit.value > 0 and reading.says(SAID["shrank"]) else 1
        return hit.value * good * shrank, True
    below = bool(reading.slots.amounts) and reading.slots.amounts[0].value.comparator == "<"
    return (-1 if below else 1), False


# -------------------------------------------------------------------------------------------- definitions

_WHAT_IS = re.compile(
    r"(?:^|[.?!] )\s*(?:what(?:'s| is| are|s)|was ist|qué es|qu'est-ce que) (?:an? |the |el |la |der |die |das )?$"
)
_NOTHING_MORE = re.compile(r"\s*(?:ratio|mean)?\s*(?:$|[?.,]| and\b)")


def asks_definition(reading: Reading) -> bool:
    """Whether the meaning of a term is asked for."""
    if reading.says(DEFINE):
        return True
    for hit in reading.slots.metrics[:1]:
        if _WHAT_IS.search(reading.low[: hit.start]) and _NOTHING_MORE.match(reading.low, hit.end):
            return True
    return False


# ------------------------------------------------------------------------------------------------ periods

_YEARS = re.compile(r"\b(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten)[- ]years?\b")
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}


def periods_of(reading: Reading) -> list[str]:
    """The periods as asked; a "five-year CAGR" gives a span."""
    specific = [str(each.value) for each in reading.slots.periods if not each.vague]
    if any(":" in text for text in specific):
        specific = [text for text in specific if not text.startswith("last ")]
    chosen = list(dict.fromkeys(specific or [str(each.value) for each in reading.slots.periods]))
    chosen = [text for text in chosen if f"FY{text}" not in chosen]
    years = _YEARS.search(reading.low)
    spans = any(":" in text or text.startswith("last") for text in chosen)
    if not years or spans or len(chosen) > 1 or not reading.slots.has("cagr"):
        return chosen
    count = int(years[1]) if years[1].isdigit() else _COUNTS[years[1]]
    end = parse_periods(chosen[0]) if chosen else Period("latest")
    return [f"{end.moved(-count)}:{end}"] if isinstance(end, Period) and end.year else [f"last {count + 1} years"]


def hits_of(names: Sequence[str], words: str = "") -> list[Hit[str]]:
    """Metrics that stand nowhere in the text."""
    return [Hit(name, 0, 0, words or name) for name in names]
