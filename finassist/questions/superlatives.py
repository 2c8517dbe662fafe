"""Superlatives that a text states: which company comes first, in which figure, and among which. Pure.

`Apple was the most profitable US company` is said of all companies, `of the three` of those named, `its highest
revenue in five years` of one company's own years. Each claim holds the rank whose order would confirm it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from finassist.core.claims import Claim
from finassist.core.periods import Period
from finassist.core.query import Query
from finassist.questions.attribution import Attribution
from finassist.questions.grammar import table_of
from finassist.questions.operations import direction_of
from finassist.questions.slots import Named
from finassist.questions.statement import patterns
from finassist.questions.tokenizer import Hit

_SAYS = patterns("superlative")
_PLACES = {name: number for number, names in enumerate(table_of("claims")["places"], 1) for name in names.split()}
_EVER = 14
"""Years to look back for “the highest ever”; the data have fewer."""


def superlatives(said: Attribution) -> Iterator[Claim]:
    """The claim of a sentence that something comes first, where it names a metric."""
    hit = _hit(said)
    if hit is None or not said.slots.metrics or _SAYS["open"].search(said.low[: hit.start]):
        return
    metric = _metric(said, hit)
    order, _ = direction_of(replace(said.slots, directions=[hit]), metric.value)
    query = Query(intent="rank", metrics=[metric.value], periods=_periods(said), order=order or 1,
                  operation="growth" if said.slots.has("growth") else "none")  # fmt: skip
    place = _PLACES.get(found[1], 1) if (found := _SAYS["place"].search(said.low[: hit.start])) else 1
    claim = Claim(hit.words, hit.start, max(hit.end, metric.end if metric.start <= hit.start else 0), company=True,
                  place=place)  # fmt: skip
    if _SAYS["own"].search(said.low[: hit.start]) or _SAYS["in_years"].search(said.low[hit.end :]):
        yield from _of_own_years(claim, query, said)
    elif subject := _subject(said, hit):
        yield from _among_companies(claim, query, said, subject, hit)


def _hit(said: Attribution) -> Hit[int] | None:
    """The word that says first or last; `no company earned more than Apple` says it too."""
    for hit in said.slots.directions:
        if _SAYS["word"].fullmatch(hit.words) and not _SAYS["no_order"].search(said.low[: hit.start]):
            return hit
        if _SAYS["none_more"].search(said.low[: hit.start]):
            return hit
    first = _SAYS["first"].search(said.low)
    return Hit(1, first.start(), first.end(), first.group()) if first else None


def _metric(said: Attribution, hit: Hit[int]) -> Hit[str]:
    """The metric that the word is a part of or stands before, else the one before it."""
    after = [each for each in said.slots.metrics if each.end > hit.start]
    return (after or said.slots.metrics[-1:])[0]


def _periods(said: Attribution) -> list[str]:
    named = [str(each.value) for each in said.slots.periods if isinstance(each.value, Period)]
    return named[:1] or [each for each in said.carried.periods[:1] if ":" not in each]


def _of_own_years(claim: Claim, query: Query, said: Attribution) -> Iterator[Claim]:
    """`its highest revenue in five years`: the year that is named leads those before it."""
    symbols = said.slots.symbols[:1] or said.carried.companies[-1:]
    year = Period.parse(query.periods[0]) if query.periods else None
    if not symbols or year is None or year.kind not in ("year", "calendar"):
        return
    span = _SAYS["in_years"].search(said.low)
    since = next((each for each in said.slots.periods[1:] if _SAYS["since"].search(said.low[: each.start])), None)
    counts = table_of("claims")["counts"]
    back = int(counts.get(span["n"], span["n"])) - 1 if span and span["n"] else _EVER
    first = since.value.year if since and isinstance(since.value, Period) else year.year - back
    own = query.model_copy(update={
        "intent": "value", "companies": symbols, "periods": [f"FY{first}:FY{year.year}"], "order": 0,
        "operation": "max" if query.order > 0 else "min",
    })  # fmt: skip
    if query.operation == "none":
        yield replace(claim, queries=(own,), leads=f"FY{year.year}")


def _subject(said: Attribution, hit: Hit[int]) -> str:
    """The company that the text puts first: outside the list that it is compared with, the nearest before the word."""
    listed = _list(said)
    free = [each for each in said.slots.companies if each not in listed]
    before = [each for each in free if each.end <= hit.start]
    if said.pronoun < hit.start and not before:
        return said.carried.companies[-1]
    return (before[-1:] or free[:1] or [Hit(Named("", strong=False), 0, 0, "")])[0].value.symbol


def _list(said: Attribution) -> Sequence[Hit[Named]]:
    """The companies of `of Apple, Microsoft and Intel`, or of a list of three."""
    runs: list[list[Hit[Named]]] = []
    for hit in said.slots.companies:
        joined = runs and _SAYS["joint"].fullmatch(said.low[runs[-1][-1].end : hit.start])
        if joined and all(each.value.symbol != hit.value.symbol for each in runs[-1]):
            runs[-1].append(hit)
        else:
            runs.append([hit])
    return max(runs, key=len) if any(len(run) > 1 for run in runs) else []


def _among_companies(claim: Claim, query: Query, said: Attribution, subject: str, hit: Hit[int]) -> Iterator[Claim]:
    """Those named beside it, those of the sentence before, or all of the data."""
    claim = replace(claim, leads=subject)
    whole = [each.value.symbol for each in _list(said)]
    if not whole and _SAYS["of_them"].search(said.low):
        named = said.slots.symbols
        whole = named if len(named) > 1 else said.carried.companies
    if whole:
        companies = list(dict.fromkeys([*whole, subject]))
        yield replace(claim, queries=(query.model_copy(update={"companies": companies}),))
    elif said.slots.sectors or _everybody(said):
        sectors = [each.value for each in said.slots.sectors]
        yield replace(claim, queries=(query.model_copy(update={"scope": "universe", "sectors": sectors}),))


def _everybody(said: Attribution) -> bool:
    """Whether all companies are meant: `of any US company`; `the company` is the one spoken of."""
    return any(
        not _SAYS["the"].search(said.low[: each.start]) or _SAYS["with"].match(said.low, each.end)
        for each in said.slots.sets
    ) or bool(_SAYS["everybody"].search(said.low))
