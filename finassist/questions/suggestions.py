"""What a model says about a question, put into words that the rules read: `intake` becomes `revenue`.

A model only suggests which words of the question ask for which company, metric, period, operation or condition. Code
believes it where the words stand in the question and no rule has read them; they are then replaced, and the rules read
the question again. So one grammar makes every query, what rules are sure of is never lost, and an invention has no
place to go: it is left out, and said. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from typing import Literal

from finassist.core.errors import InvalidQuery
from finassist.core.filters import Filter, filter_of
from finassist.core.metrics import catalogue
from finassist.questions.scan import slots_of
from finassist.questions.slots import Slots, Understanding
from finassist.questions.tokenizer import Word, fold, has_cjk, normalise
from finassist.symbols import directory

type SuggestionKind = Literal["company", "metric", "period", "operation", "condition"]

_MOST_SUGGESTIONS, _LONGEST = 20, 80
_USUAL = (
    "revenue", "gross_profit", "operating_income", "net_income", "eps_diluted", "gross_margin", "operating_margin",
    "net_margin", "operating_cash_flow", "free_cash_flow", "capex", "dividends_per_share", "cash_and_equivalents",
    "long_term_debt", "total_assets", "equity", "research_and_development", "price", "market_cap", "pe",
    "dividend_yield", "roe", "debt_to_equity",
)  # fmt: skip
"""Metrics that people ask for most, for a question whose words name none."""
SAID_AS: Mapping[str, str] = {
    "growth": "grow", "cagr": "CAGR", "sum": "combined", "mean": "average", "median": "median",
    "difference": "difference", "max": "highest", "min": "lowest",
}  # fmt: skip
"""The word that rules read as an operation."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a model takes some words of the question for.

    Attributes:
        kind: The slot.
        value: A ticker symbol, the id of a metric, a period, an operation, or a condition (`pe < 15`).
        words: The words, as they stand in the question.
    """

    kind: SuggestionKind
    value: str
    words: str


@dataclass(slots=True)
class Placement:
    """A question after the suggestions that are believed were put into it.

    Attributes:
        text: The question, in words that rules read.
        slots: What rules made of its words.
        sure: Companies that rules are sure of.
        conversation: Symbols and periods that the conversation is about.
        read: Words of the question, and what they were read as: a symbol, or words.
        put: What stands in their place.
        left_out: What was not believed, in words.
    """

    text: str
    slots: Slots
    sure: set[str]
    conversation: frozenset[str]
    read: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    put: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    left_out: list[str] = field(default_factory=list[str])

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know of the model's part."""
        invented = ", ".join(dict.fromkeys(self.left_out))
        return (f"The model also named {invented}, which the question does not: left out.",) if invented else ()

    def told(self, found: Understanding) -> Understanding:
        """What rules made of the text, with evidence in the question's own words, and what was read as what."""
        queries = tuple(
            query.model_copy(
                update={"evidence": {slot: self._original(words) for slot, words in query.evidence.items()}}
            )
            for query in found.queries
        )
        return replace(found, queries=queries, corrected=(*self.read, *found.corrected))

    def _original(self, evidence: str) -> str:
        for words, instead in self.put:
            evidence = evidence.replace(instead, words)
        return evidence

    def leave_out(self, what: str) -> None:
        """Note what is not believed."""
        self.left_out.append(what[:_LONGEST])

    def stands(self, number: str) -> bool:
        """Whether a number stands in the question."""
        return re.search(rf"(?<!\d){number}(?!\d)", self.slots.low) is not None

    def unread(self, words: str) -> str:
        """From the first to the last of the words that no rule has read; empty where one between them was read."""
        start, end = self.span(words)
        loose = [word for word in self.slots.loose if start <= word.start and word.end <= end]
        if not loose:
            return ""
        first, last = loose[0].start, loose[-1].end
        between = [word for word in self.slots.words if first <= word.start < last and not self.joins(word)]
        return self.slots.text[first:last] if len(between) == len(loose) else ""

    def joins(self, word: Word) -> bool:
        """Whether a word only joins others: `giant from Redmond`."""
        return word.mark or (word not in self.slots.loose and not self.is_read(word.start, word.end))

    def is_read(self, start: int, end: int) -> bool:
        """Whether a rule has read what stands there."""
        slots = self.slots
        hits = (*slots.companies, *slots.metrics, *slots.periods, *slots.amounts, *slots.operations, *slots.sectors)
        return any(hit.start < end and start < hit.end for hit in hits)

    def span(self, words: str) -> tuple[int, int]:
        """Where words stand in what is asked, or nowhere."""
        found = _found(words, self.slots.low)
        return found.span() if found else (0, 0)

    def write(self, words: str, instead: str, read_as: str) -> bool:
        """Replace words of the question; said is what they were read as."""
        found = _found(words, fold(self.text))
        if not found:
            return False
        text = self.text
        self.text = text[: found.start()] + instead + text[found.end() :]
        self.read.append((words, read_as))
        self.put.append((words, instead))
        return True


def is_doubtful(found: Understanding) -> bool:
    """Whether a model may know better: words were not understood, or a figure or a company was not found."""
    if found.choices:
        return False
    nameless = found.slots is None or not found.slots.symbols
    refused = any(each.topic in ("segment", "company") and nameless for each in found.unknown)
    loose = any(query.unknown for query in found.queries) or found.decided in _NO_METRIC
    corrected = found.slots is not None and any(hit.value.corrected for hit in found.slots.companies)
    return loose or refused or corrected or not (found.queries or found.unknown)


_NO_METRIC = frozenset({"words without a metric", "period without a metric", "operation without a metric"})


def hints(found: Understanding) -> dict[str, str]:
    """What a model is told besides the question: what is understood, what is not, and which metrics there are."""
    slots = found.slots
    if slots is None:
        return {}
    metrics = dict.fromkeys((*(hit.value for hit in slots.metrics), *_USUAL, *_resembling(slots)))
    lines = {
        "understood": [*slots.symbols, *(hit.words for hit in (*slots.metrics, *slots.periods, *slots.operations))],
        "not understood": [word.raw for word in slots.loose[:_MOST_SUGGESTIONS]],
        "metrics": list(islice((name for name in metrics if name in catalogue()), 32)),
    }
    return {name: ", ".join(values) for name, values in lines.items() if values}


def _resembling(slots: Slots) -> Iterator[str]:
    """Metrics whose label has a word of the question."""
    asked = {word.text for word in slots.words if len(word.text) > 3}
    return (metric.id for metric in catalogue().values() if not asked.isdisjoint(metric.label.split()))


# ---------------------------------------------------------------------------------------------- placing


def place(
    question: str, found: Understanding, suggestions: Iterable[Suggestion], conversation: Collection[str] = ()
) -> Placement:
    """The question with the suggestions that are believed put into it.

    Args:
        question: The question as it was asked.
        found: What rules made of it.
        suggestions: What a model takes its words for.
        conversation: Symbols and periods that the conversation is about.

    Example:
        >>> from finassist.questions.parser import understand
        >>> asked = "What was Apple's intake in FY2023?"
        >>> place(asked, understand(asked), [Suggestion("metric", "revenue", "intake")]).text
        "What was Apple's revenue in FY2023?"
    """
    slots = found.slots or slots_of(question)
    inherited = [symbol for query in found.queries for symbol in query.companies]
    placement = Placement(normalise(question), slots, {*slots.symbols, *inherited}, frozenset(conversation))
    for suggestion in islice(suggestions, _MOST_SUGGESTIONS):
        _PLACE[suggestion.kind](placement, suggestion)
    return placement


def is_named(words: str, question: str) -> bool:
    """Whether words stand in a question."""
    return _found(words, fold(normalise(question))) is not None


def _found(words: str, text: str) -> re.Match[str] | None:
    plain = fold(normalise(words)).strip(" ?!.,;:\"'").removesuffix("'s")
    if not plain or len(plain) > _LONGEST:
        return None
    edge = ("", "") if has_cjk(plain) else (r"(?<!\w)", r"(?!\w)")
    return re.search(f"{edge[0]}{re.escape(plain)}{edge[1]}", text)


def _company(placement: Placement, said: Suggestion) -> None:
    """A company that rules did not see: named by unread words, or by any where the conversation is about it."""
    company = directory().lookup(said.value)
    if company is None:
        placement.leave_out(f"“{said.value[:20]}”")
        return
    if company.symbol in placement.sure:
        return
    unread = placement.unread(said.words)
    if not unread and company.symbol in placement.conversation and not placement.sure:
        start, end = placement.span(said.words)
        unread = "" if placement.is_read(start, end) else placement.slots.text[start:end]
    if placement.sure and not any(letter.isupper() for letter in unread):  # "doing" is nobody's name
        unread = ""
    if not unread or not placement.write(unread, f"${company.symbol}", company.symbol):
        placement.leave_out(f"{company.name} ({company.symbol})")


def _metric(placement: Placement, said: Suggestion) -> None:
    metric = catalogue().get(said.value.strip().lower().replace(" ", "_"))
    if metric is None:
        placement.leave_out(f"“{said.value[:40]}”")
        return
    if any(hit.value == metric.id for hit in placement.slots.metrics):
        return
    instead, unread = spoken_as(metric.id), placement.unread(said.words)
    if not (instead and unread and placement.write(unread, instead, metric.label)):
        placement.leave_out(metric.label)


@cache
def spoken_as(metric: str) -> str:
    """A name that rules read as just this metric, or empty where it has none."""
    row = catalogue()[metric]
    names = (row.label, *(row.names or {}).get("en", ()))
    return next((name for name in names if [hit.value for hit in slots_of(name).metrics] == [metric]), "")


def _period(placement: Placement, said: Suggestion) -> None:
    """A period, whose years stand in the question or were talked about."""
    years = re.findall(r"(?<!\d)\d{4}(?!\d)|(?<=last )\d+", said.value)
    talked_about = " ".join(placement.conversation)
    if not all(placement.stands(year) or year in talked_about for year in years):
        placement.leave_out(f"the period {said.value[:30]}")
        return
    instead, unread = said.value.replace(":", " to "), placement.unread(said.words)
    if unread and [str(each.value) for each in slots_of(instead).periods] == [said.value]:
        placement.write(unread, instead, said.value)


def _operation(placement: Placement, said: Suggestion) -> None:
    unread = placement.unread(said.words)
    if unread and said.value in SAID_AS:
        placement.write(unread, SAID_AS[said.value], SAID_AS[said.value])


def _condition(placement: Placement, said: Suggestion) -> None:
    """A threshold, whose number stands in the question; rules that found one are sure of theirs."""
    try:
        wanted = filter_of(said.value)
    except (InvalidQuery, ValueError):
        placement.leave_out(f"“{said.value[:40]}”")
        return
    numbers = [wanted.number] if wanted.upper is None else [wanted.number, wanted.upper]
    if not all(_stands_as_written(placement, number) for number in numbers):
        placement.leave_out(f"the condition {wanted}")
    elif not placement.slots.amounts and placement.unread(said.words):
        words = _written(wanted)
        placement.write(said.words, words, words)


_SCALES = (1, 0.01, 1e3, 1e6, 1e9, 1e12)


def _stands_as_written(placement: Placement, number: float) -> bool:
    return any(placement.stands(re.escape(f"{number / scale:.10g}")) for scale in _SCALES)


def _written(wanted: Filter) -> str:
    """A condition in words that rules read."""
    metric = catalogue().get(wanted.metric)
    percent = metric is not None and metric.unit == "percent"
    limits: Sequence[str] = [
        f"{number * 100:.10g}%" if percent else f"{number:.15g}"
        for number in (wanted.number, wanted.upper)
        if number is not None
    ]
    how = {"<": "below ", "<=": "below ", "between": "between "}.get(wanted.comparator, "above ")
    return f"{spoken_as(wanted.metric) if metric else wanted.metric} {how}{' and '.join(limits)}"


_PLACE = {
    "company": _company,
    "metric": _metric,
    "period": _period,
    "operation": _operation,
    "condition": _condition,
}
