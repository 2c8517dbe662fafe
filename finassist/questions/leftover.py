"""Words that no rule placed: said beside the figure, or a refusal where without them another is shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from finassist.core.metrics import described
from finassist.core.query import SET_ASIDE, Query, Unknown
from finassist.questions.expressions import spelt
from finassist.questions.grammar import EXPLAINED, GROUPS, conversational, explaining
from finassist.questions.slots import Slots, Understanding, refuse


def noting_loose_words(found: Understanding, slots: Slots) -> Understanding:
    """Each query lists the words that no rule placed: what they ask for is not in the figure shown."""
    if not found.queries or slots.language != "en" or found.decided == "arithmetic":
        return found
    places = unplaced(slots)
    if group := _unknown_group(found.queries, slots):
        return group
    words = [slots.text[start:end] for start, end in places if _qualifies(slots, start, end)]
    if name := next((text for text in words if text[:1].isupper() and not slots.text.startswith(text)), ""):
        joined = any(query.operation in _OF_SEVERAL or query.intent in ("compare", "rank") for query in found.queries)
        if joined and all(query.scope == "named" for query in found.queries):
            reason = f"“{name}” is no US-listed company known here; give its ticker symbol"
            return refuse(name, "company", reason, "no name")
    if unused := _unused_operations(found.queries, slots):
        reason = (
            f"“{unused[0]}” was not understood here. Ask for one step, as in “Apple's net income as a percentage of"
            " revenue in FY2023”, or for the figures alone"
        )
        return refuse(unused[0], "not understood", reason, "operation not used")
    unknown = [
        Unknown(words=each, reason=f"“{each}” was not understood and is left out") for each in dict.fromkeys(words)
    ]
    asides = dict.fromkeys(slots.text[start:end] for start, end in places)
    unknown += [
        Unknown(words=each, topic=SET_ASIDE, reason=f"“{each}” asks for no figure")
        for each in asides
        if each not in words
    ]
    return replace(found, queries=tuple(query.model_copy(update={"unknown": unknown}) for query in found.queries))


_OF_SEVERAL = frozenset({"sum", "mean", "median", "difference", "times", "share"})
"""Operations that join figures: without one of them the rest is another figure."""

_LINK = re.compile(
    r"\b(?:and|plus|from|in|for|of|with|without|excluding|except|outside|within|under|on|to|per|at|via|through|ex)"
    r" (?:the |its |their |our |all )?$"
)


_LISTED = re.compile(r" (?:and|plus) (?:its |their |the )?")


def _qualifies(slots: Slots, start: int, end: int) -> bool:
    """Whether words narrow a figure: before or behind it (`iPhone revenue`, `revenue from phones`), or as a name."""
    hits = (*slots.metrics, *slots.companies, *slots.periods)
    if any(0 <= hit.start - end <= 1 for hit in (*slots.metrics, *slots.periods)):
        return True
    if any(0 <= hit.start - end <= 1 for hit in slots.companies) and any(
        0 <= start - hit.end <= 1 for hit in slots.companies
    ):
        return True  # one of a list of names
    if any(0 <= start - hit.end <= 1 for hit in slots.metrics) and not slots.low[start:end].endswith("ed"):
        return True
    period = next((each.end for each in slots.periods if 0 <= each.start - end <= 5), end)
    listed = _LISTED.match(slots.low, period)
    if listed and any(hit.start == listed.end() for hit in hits):
        return True
    link = _LINK.search(slots.low[:start])
    if link and any(0 <= link.start() - hit.end <= 1 for hit in hits):
        return True
    words = slots.text[start:end].split()
    if any(word[0].isdigit() for word in words):
        return True
    first = not re.search(r"[^.?!:;]*\w", re.split(r"[.?!:;]", slots.text[:start])[-1])
    return any(word[:1].isupper() or re.search(r"[a-z][A-Z]", word) for word in words[1 if first else 0 :])


_I_MEAN = re.compile(r"\b(?:i|you|we|they|to|that|which) mean$")


def _unused_operations(queries: Sequence[Query], slots: Slots) -> list[str]:
    """`average`, `percentage of`: words of an operation that none of the queries performs."""
    of_terms = any(query.explain and query.scope != "peers" for query in queries)
    if of_terms or any(query.intent in ("define", "judge", "document") for query in queries):
        return []
    performed = " ".join(f"{query.operation} {query.unit} {query.metrics} {query.where}" for query in queries)
    units = {described(text).unit for query in queries for text in query.metrics}
    shares = " / " in performed or "percent of" in performed or "percent" in units
    done = {
        "mean": "mean" in performed or "cagr" in performed or "avg(" in performed or "average" in performed,
        "median": "median" in performed,
        "share": shares or "share" in performed or "growth" in performed,
        "difference": not {"high", "low"} & {query.operation for query in queries},
        "times": "times" in performed or "count" in performed or "times" in units,
    }
    unused = [
        hit.words
        for hit in slots.operations
        if not done.get(hit.value, True) and not _I_MEAN.search(slots.low, 0, hit.end)
    ]
    quotient = shares or done["times"] or any(" / " in spelt(each) for query in queries for each in query.metrics)
    unused += [word.raw for word in slots.loose if word.text in ("ratio", "quotient", "divided") and not quotient]
    percent = shares or re.search(r"growth|cagr|sequential|share|price_change|return|from_high|best|worst", performed)
    return unused + ([] if percent else _asked_in_percent(slots))


_PERCENT = re.compile(r"%|\bper ?cent(?:age)?\b(?! points?)")


def _asked_in_percent(slots: Slots) -> list[str]:
    """`percent` where no condition and no operation holds it."""
    claimed = [(hit.start, hit.end) for hit in (*slots.amounts, *slots.metrics, *slots.operations)]
    found = (match for match in _PERCENT.finditer(slots.low))
    return [each.group() for each in found if not any(start <= each.start() < end for start, end in claimed)][:1]


_NEAR = 4


def unplaced(slots: Slots) -> list[tuple[int, int]]:
    """Where loose words stand that no pattern of the tables explains; `headquartered in Texas` is one phrase."""
    loose = [word for word in slots.loose if word.text not in EXPLAINED]
    if not loose:
        return []
    patterns = (*explaining(), *conversational()) if slots.memory.queries else explaining()
    explained = [match.span() for pattern in patterns for match in pattern.finditer(slots.low)]
    explained += [(hit.start, hit.end) for hit in slots.metrics]
    runs: list[tuple[int, int]] = []
    for word in loose:
        if any(start <= word.start and word.end <= end for start, end in explained):
            continue
        joined = runs and word.start - runs[-1][1] <= _NEAR
        runs[-1:] = [(runs[-1][0], word.end)] if joined else [*runs[-1:], (word.start, word.end)]
    return runs


_VERB = r"(?:had|have|has|is|are|was|were|did|do|does|earned|made|grew|paid|pay|lost)"
_GROUP = re.compile(
    rf"\b(?:which|what) (?P<kind>\w+(?: \w+)?) {_VERB}\b"
    r"|\b(?:companies|firms|stocks|businesses) (?:that|which|who) (?:\w+ ){1,2}?(?P<trade>\w+)"
)


def _unknown_group(queries: Iterable[Query], slots: Slots) -> Understanding | None:
    """`bicycle companies`: a group that the data do not know; the same figure of all companies is no answer."""
    if not any(query.scope == "universe" for query in queries):
        return None
    told = [match.span(name) for match in _GROUP.finditer(slots.low) for name in ("kind", "trade") if match[name]]
    for word in slots.loose:
        noun = any(hit.value == "set" and 0 <= hit.start - word.end <= 1 for hit in slots.sets)
        if not (noun or any(start <= word.start and word.end <= end for start, end in told)):
            continue
        if word.text not in GROUPS and word.text not in EXPLAINED:
            reason = (
                f"“{word.raw}” is no group of companies known here: ask for a sector or an industry, such as health"
                " care or airlines, or name the companies"
            )
            return refuse(word.raw, "company", reason, "no group")
    return None
