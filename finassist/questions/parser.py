"""A question to queries, by rules: what the slots of a question mean together, and what it inherits from the last turn.

A question becomes one query or a short list of them that share a headline. What cannot be placed is named: refused by
topic, or listed as not understood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from finassist.analysis.execute import in_sector
from finassist.core.metrics import described
from finassist.core.periods import Period
from finassist.core.query import Choice, Query, Unknown
from finassist.providers.embedded.coverage import attributes
from finassist.questions.definitions import Definition, defined, definitions_in
from finassist.questions.follow_up import follow_up
from finassist.questions.framing import Framing, framed, reworded
from finassist.questions.grammar import CONVERSATIONAL, EXPLAINED, PATTERNS, SAID, language_of
from finassist.questions.queries import answer_to
from finassist.questions.refusals import refused
from finassist.questions.scan import slots_of
from finassist.questions.slots import Found, Memory, Named, Slots, Understanding, hits_of, refuse
from finassist.questions.spelling import corrected_words
from finassist.questions.tokenizer import Hit, normalise
from finassist.symbols.directory import directory


def understand(text: str, memory: Memory | None = None) -> Understanding:
    """The queries of a question.

    Example:
        >>> [str(query) for query in understand("What was Apple's net margin in FY2023?").queries]
        ['net margin of AAPL in FY2023']
    """
    plain = normalise(text)
    language = language_of(plain)
    framing = framed(reworded(plain)) if language == "en" else Framing(plain)
    spelt, corrected = corrected_words(framing.text) if language == "en" else (plain, [])
    bare, given = definitions_in(spelt)
    slots = slots_of(bare, language)
    slots.memory, slots.unit, slots.decimals = memory or Memory(), framing.unit, framing.decimals
    found = _by_definition(slots, given) or _understood(slots)
    queries = tuple(query.model_copy(update={"evidence": _evidence(query, slots)}) for query in found.queries)
    return replace(found, queries=queries, corrected=(*corrected, *slots.corrected), slots=slots)


def _by_definition(slots: Slots, given: list[Definition]) -> Understanding | None:
    """Put what the question defines in place of ours; refuse where a part of it is not in the data."""
    complete = [each for each in given if each.formula]
    if not complete:
        part = next((each.missing for each in given if each.missing), "")
        reason = f"“{part}” is not a figure in the data, so this definition cannot be computed"
        return refuse(part, "metric", reason) if part else None
    slots.metrics = defined(slots.metrics, complete, slots.low)
    slots.loose = [word for word in slots.loose if word.text not in complete[0].name]
    if not slots.periods and complete[0].year:
        year = Period("year", complete[0].year)
        slots.periods = [Found(year, 0, 0, str(year))]
    return None


def _understood(slots: Slots) -> Understanding:
    if unknown := refused(slots):
        return Understanding(unknown=unknown, decided="topic")
    _settle_by_industry(slots)
    if slots.choices and (slots.metrics or _ABOUT.match(slots.low)):
        return _which_company(slots)
    found = follow_up(slots) or _clauses(slots) or answer_to(slots)
    if found.document and slots.language == "en" and slots.says(SAID["asks_a_fact"]) and (words := _unplaced(slots)):
        asked = " ".join(slots.text[start:end] for start, end in words)
        reason = f"“{asked}” is not in the data: ask for a figure, or for a report with “Tell me about …”"
        return refuse(asked, "not understood", reason, "words without a metric")
    return _noting_loose_words(found, slots)


def _noting_loose_words(found: Understanding, slots: Slots) -> Understanding:
    """Each query lists the words that no rule placed: what they ask for is not in the figure shown."""
    if not found.queries or slots.language != "en":
        return found
    words = [slots.text[start:end] for start, end in _unplaced(slots)]
    words += _unused_operations(found.queries, slots)
    unknown = [
        Unknown(words=each, reason=f"“{each}” was not understood and is left out") for each in dict.fromkeys(words)
    ]
    return replace(found, queries=tuple(query.model_copy(update={"unknown": unknown}) for query in found.queries))


def _evidence(query: Query, slots: Slots) -> dict[str, str]:
    """The words of the question that each slot of a query came from; what it inherits has none."""
    limited = slots.limit is not None and slots.limit.value == query.limit
    claims: dict[str, Sequence[Hit[Any] | Found]] = {
        "companies": [hit for hit in slots.companies if hit.value.symbol in query.companies],
        "metrics": slots.metrics,
        "periods": slots.periods if query.periods else (),
        "operation": slots.operations if query.operation != "none" else (),
        "where": slots.amounts if query.where else (),
        "sectors": slots.sectors if query.sectors else (),
        "limit": [slots.limit] if limited and slots.limit else (),
    }
    words = {
        slot: ", ".join(dict.fromkeys(slots.text[hit.start : hit.end] or hit.words for hit in hits))
        for slot, hits in claims.items()
        if hits
    }
    return words | {name: text for name, text in query.evidence.items() if name == "every"}


def _unused_operations(queries: Sequence[Query], slots: Slots) -> list[str]:
    """`average`, `percentage of`: words of an operation that none of the queries performs."""
    if any(query.intent in ("define", "judge", "document") or query.explain for query in queries):
        return []
    performed = " ".join(text for query in queries for text in (query.operation, *query.metrics, str(query.where)))
    shares = " / " in performed or any(described(text).unit == "percent" for q in queries for text in q.metrics)
    done = {
        "mean": "mean" in performed or "avg(" in performed or "average" in performed,
        "median": "median" in performed,
        "share": shares or "share" in performed or "growth" in performed,
        "times": "times" in performed or any(described(text).unit == "times" for q in queries for text in q.metrics),
    }
    return [hit.words for hit in slots.operations if not done.get(hit.value, True)]


_NEAR = 4


def _unplaced(slots: Slots) -> list[tuple[int, int]]:
    """Where loose words stand that no pattern of the tables explains; `headquartered in Texas` is one phrase."""
    loose = [word for word in slots.loose if word.text not in EXPLAINED]
    if not loose:
        return []
    patterns = (*PATTERNS, *CONVERSATIONAL) if slots.memory.queries else PATTERNS
    explained = [match.span() for pattern in patterns for match in pattern.finditer(slots.low)]
    explained += [(hit.start, hit.end) for hit in slots.metrics]
    runs: list[tuple[int, int]] = []
    for word in loose:
        if any(start <= word.start and word.end <= end for start, end in explained):
            continue
        joined = runs and word.start - runs[-1][1] <= _NEAR
        runs[-1:] = [(runs[-1][0], word.end)] if joined else [*runs[-1:], (word.start, word.end)]
    return runs


_ABOUT = re.compile(
    r"(?:please )?(?:tell me (?:more )?about|(?:give me )?(?:an? )?(?:report|overview) (?:on|of|about)) "
)


def _settle_by_industry(slots: Slots) -> None:
    """`Delta vs United`: of several companies that a name fits, the one in the industry of those named beside it."""
    known = attributes()
    industries = [known[symbol].sub_industry for symbol in slots.about if symbol in known]
    industries += [hit.value for hit in slots.sectors]
    for hit in list(slots.choices) if industries else ():
        alike = [symbol for symbol in hit.value if symbol in known and in_sector(known[symbol], industries)]
        if len(alike) == 1:
            slots.choices.remove(hit)
            slots.companies.append(Hit(Named(alike[0], strong=True), hit.start, hit.end, hit.words))
            slots.companies.sort(key=lambda each: each.start)
            slots.about = slots.symbols


def _which_company(slots: Slots) -> Understanding:
    """A name that fits several companies: a query for each to choose from."""
    hit = slots.choices[0]
    choices: list[Choice] = []
    for symbol in hit.value:
        own = replace(slots, about=[*slots.about, symbol], choices=[])
        made = answer_to(own)
        company = directory().lookup(symbol)
        queries = made.queries if slots.metrics else (Query(intent="document", companies=[symbol]),)
        if queries and company:
            choices.append(Choice(f"{company.name} ({symbol})", queries))
    names = ", ".join(choice.label for choice in choices)
    refused_as = refuse(hit.words, "company", f"“{hit.words}” fits several companies: {names}. Name one", "several fit")
    return replace(refused_as, choices=tuple(choices))


# ------------------------------------------------------------------------------------------------ clauses

_SPLIT = re.compile(
    r"(?<=[a-z0-9%])(?:\?\s+|;\s*|,? and (?=(?:how (?:did|much|has|fast|was)|what(?:'s| was| is| were| are)"
    r"|by how much)\b)"
    r"|, (?=and the growth\b)|,? and (?=(?:the )?(?:growth|change|difference) (?:between|from)\b)"
    r"|, and (?=[a-z]+ in (?:fiscal|fy|20)))"
)
_ON_THE_YEAR = re.compile(
    r"\b(?:on|from|over|against|versus|vs\.?|compared (?:with|to)|relative to) (?:the )?"
    r"(?:fiscal |fy ?|calendar )?20\d\d\b"
)
_SAME_PERIOD = re.compile(r"\bthat (?:year|quarter|period)\b|\bbetween them\b")


def _clauses(whole: Slots) -> Understanding | None:
    """A question in several clauses, where each asks something of its own; companies and periods carry over."""
    pieces = [piece for piece in _SPLIT.split(whole.text) if piece.strip(" ?.")]
    if len(pieces) < 2:
        return None
    queries: list[Query] = []
    for piece in pieces:
        slots = slots_of(piece, whole.language)
        if not slots.metrics and not slots.operations:
            return None
        _carry_over(slots, whole, queries)
        about = slots.symbols or whole.about
        made = answer_to(replace(slots, memory=whole.memory, about=about, unit=whole.unit, decimals=whole.decimals))
        if not made.queries:
            return None
        queries += made.queries
    return Understanding(tuple(queries), decided="clauses")


def _carry_over(slots: Slots, whole: Slots, before: list[Query]) -> None:
    if not slots.metrics and before:
        slots.metrics = hits_of(before[-1].metrics[:1])
    based = _ON_THE_YEAR.search(slots.low)
    if based and len(slots.periods) == 1 and before and len(before[-1].periods) == 1:
        slots.periods = [*slots.periods, *(each for each in whole.periods if str(each.value) == before[-1].periods[0])]
        return
    if whole.periods and (not slots.periods or _SAME_PERIOD.search(slots.low)):
        slots.periods = list(whole.periods)
