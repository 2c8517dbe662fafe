"""Figures that a text states: each number with the company, metric, period and direction it is said of. Pure.

A text is read sentence by sentence with the scan that reads questions. What a sentence leaves out (`It rose to …`) is
carried over from the one before. Each claim holds the query whose answer would confirm it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from typing import NamedTuple

from finassist.core.claims import Claim, Number
from finassist.core.metrics import catalogue, described
from finassist.core.periods import Period, Span
from finassist.core.query import Operation, Query
from finassist.questions.attribution import Attribution
from finassist.questions.companies import ALSO_WORDS, companies_in
from finassist.questions.grammar import FILLERS
from finassist.questions.numbers import numbers_in
from finassist.questions.parser import settle_by_industry
from finassist.questions.scan import slots_of
from finassist.questions.slots import Found, Memory, Named, Slots
from finassist.questions.statement import NEAR, SAYS, Carried, blanked, implied, is_cut_short, last_year, patterns
from finassist.questions.superlatives import superlatives
from finassist.questions.tokenizer import Hit

_SENTENCE = patterns("sentence")
_NUMBERED = patterns("number")
_CELL = re.compile(r"(?<=\|)[^|\n]*(?=\|)")
_UNIT_OF_LABEL = re.compile(r"\b(billion|bn|million|mn|mm|thousand|percent)s?\b|(?<=[( ])%")
_OF_REPORTS = re.compile(r"fy|fiscal|quarter|half|\bq\d|\bh\d")
_LONGEST, _LONGEST_SHORT = 600, 12
_FROM_PRICE = re.compile(r"\s*(?:above|below) the (?:share )?price\b")
_INSIDE_A_NUMBER = re.compile(r"\d[.,]$")


class Sentence(NamedTuple):
    """A piece of a text that can be judged by itself."""

    text: str
    start: int


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a text, a very long one in pieces; joined they are the text.

    Example:
        >>> [each.text for each in sentences("Apple Inc. grew 8%. It sold more.")]
        ['Apple Inc. grew 8%.', ' It sold more.']
    """
    start = 0
    for end in _SENTENCE["end"].finditer(text):
        if end.group()[0] in ".!" and _SENTENCE["short"].search(
            text, max(start, end.end() - _LONGEST_SHORT), end.end()
        ):
            continue
        if text[start : end.end()].strip():
            yield from _in_pieces(text, start, end.end())
            start = end.end()
    yield from _in_pieces(text, start, len(text))


def _in_pieces(text: str, start: int, end: int) -> Iterator[Sentence]:
    while end - start > _LONGEST:
        at = text.rfind(" ", start, start + _LONGEST) + 1 or start + _LONGEST
        yield Sentence(text[start:at], start)
        start = at
    if start < end:
        yield Sentence(text[start:end], start)


def claims_in(text: str) -> list[Claim]:
    """What a text states about figures, in order.

    Example:
        >>> [claim] = claims_in("Apple's net margin was 25.3% in FY2022.")
        >>> str(claim.queries[0]), claim.words
        ('net margin of AAPL in FY2022', '25.3%')
    """
    carried = Carried()
    return [claim for sentence in sentences(text) for claim in claims_of(sentence, carried)]


def claims_of(sentence: Sentence, carried: Carried) -> list[Claim]:
    """The claims of one sentence, or of one row of a table; what it names is carried to the next."""
    if _SENTENCE["unmet"].match(sentence.text.lower()):
        return []
    cells = list(_CELL.finditer(sentence.text)) if sentence.text.lstrip().startswith("|") else []
    if cells and not sentence.text.strip("|:- \t\n"):
        return []
    if cells and len(cells) == len(carried.columns):
        labels = (f"{cells[0].group().strip()}, {column}" for column in carried.columns[1:])
        named = zip(labels, cells[1:], strict=True)
        return [claim for label, cell in named for claim in _of_cell(sentence, label, cell, carried)]
    claims = _of_words(sentence, carried)
    heads = cells and not any(claim.number for claim in claims)
    carried.columns = tuple(cell.group().strip() for cell in cells) if heads else ()
    return claims


def _of_cell(sentence: Sentence, label: str, cell: re.Match[str], carried: Carried) -> Iterator[Claim]:
    """The claims of a cell, read as `Revenue (USD billions), FY2023: 383.3 billion`."""
    text, unit = cell.group(), _UNIT_OF_LABEL.search(label.lower())
    bare = unit and not re.search(r"[^\d.,()\s-]", text)
    said = f"{label}:{text.rstrip()}{f' {unit.group()}' if bare and unit else ''}"
    offset = cell.start() - len(label) - 1
    for claim in _of_words(Sentence(said, 0), copy(carried)):
        if claim.start > len(label):
            start, end = claim.start + offset, min(claim.end + offset, cell.start() + len(text.rstrip()))
            yield _in_text(replace(claim, start=start, end=end), sentence)


def _of_words(sentence: Sentence, carried: Carried) -> list[Claim]:
    slots = _read(sentence, carried)
    numbers = numbers_in(slots.low, blanked(slots.low, [*slots.periods, *slots.companies]), slots.language)
    slots.periods = _without_ends(slots)
    numbers = [number for number in numbers if not _is_a_name(number, slots)]
    said = Attribution(slots, numbers, carried)
    said.read_verbs()
    claims = [_of_number(said, number) for number in numbers]
    first = list(superlatives(said))
    if not first and not any(claim.direction for claim in claims):
        claims += list(_order(said) or _trend(said))
    claims += first
    claims = claims or list(_dates(said))
    carried.companies = slots.symbols or carried.companies
    carried.metrics = [said.metric(number) for number in numbers]
    carried.metric = slots.metrics[-1].value if slots.metrics else carried.metric
    carried.periods = [str(each.value) for each in slots.periods][-1:] or carried.periods
    return [_in_text(claim, sentence) for claim in claims]


def _read(sentence: Sentence, carried: Carried) -> Slots:
    """The slots of a sentence that states something, which is read with less good will than a question."""
    slots = slots_of(sentence.text)
    slots.metrics = [hit for hit in slots.metrics if not _is_ticker(hit, slots)]
    slots.companies = [
        hit for hit in slots.companies
        if not (_is_a_number(hit, slots.low) or (hit.value.corrected and not is_cut_short(hit)))
    ]  # fmt: skip
    slots.companies = [*_subject(slots), *slots.companies]
    slots.about, slots.memory = slots.symbols, Memory(companies=tuple(carried.companies))
    settle_by_industry(slots)
    slots.periods = sorted([*slots.periods, *implied(slots, carried)], key=lambda each: each.start)
    return slots


def _is_a_number(hit: Hit[Named], low: str) -> bool:
    """`111.5%`, `$18.00`: 111 and 1-800 are names of companies too."""
    return not re.search(r"[^\W\d]", hit.words) or bool(_INSIDE_A_NUMBER.search(low[: hit.start]))


def _subject(slots: Slots) -> list[Hit[Named]]:
    """`Delta brought in …`: a word that begins a sentence is a company where a verb follows, or a row with a metric."""
    first = _SENTENCE["subject"].match(slots.text)
    row = bool(first) and slots.text.lstrip().startswith("|")
    if not first or (row and (slots.companies or all(hit.start <= first.start("name") for hit in slots.metrics))):
        return []
    if any(hit.start <= first.start("name") < hit.end for hit in [*slots.companies, *slots.choices]):
        return []
    owner = companies_in(f"{first['name']}'s revenue").named
    named = [hit.value for hit in owner if not hit.value.corrected] or [
        Named(symbol, strong=False) for symbol in [ALSO_WORDS.get(first["name"])] if symbol
    ]
    return [Hit(each, first.start("name"), first.end("name"), first["name"]) for each in named[:1]]


def _in_text(claim: Claim, sentence: Sentence) -> Claim:
    words = sentence.text[claim.start : claim.end]
    return replace(claim, words=words, start=claim.start + sentence.start, end=claim.end + sentence.start)


def _is_a_name(number: Number, slots: Slots) -> bool:
    """`iPhone 15`, `Fortune 500`, `the 787`: a whole number behind a name, or one that is a name, states nothing."""
    if not number.bare or not number.words.isdigit() or any(hit.end == number.start - 1 for hit in slots.metrics):
        return False
    before, named = slots.text[: number.start], _NUMBERED["name"].search(slots.text[: number.start])
    if named:
        return named["word"].lower() not in FILLERS and not (slots.metrics and named["word"].isupper())
    counts = SAYS["noun"].match(slots.low[number.end :]) and not slots.text[number.end + 1 : number.end + 2].isupper()
    return bool(_NUMBERED["named"].search(before)) and not counts


def _is_ticker(hit: Hit[str], slots: Slots) -> bool:
    """`NiSource (NI)`: a metric's abbreviation in brackets behind a company is its ticker."""
    bracketed = slots.low[hit.start - 1 : hit.start] + slots.low[hit.end : hit.end + 1] == "()"
    return bracketed and any(0 <= hit.start - each.end <= 2 for each in slots.companies)


def _without_ends(slots: Slots) -> list[Found]:
    """The periods without the days on which one named before them ended: `FY2023 (ended 2023-09-30)`."""
    kept: list[Found] = []
    last = -NEAR
    for each in slots.periods:
        day = isinstance(each.value, Period) and each.value.kind == "day"
        if not (day and kept and _SENTENCE["ended"].fullmatch(slots.low[last : each.start])):
            kept.append(each)
        last = each.end
    return kept


def _of_number(said: Attribution, number: Number) -> Claim:
    symbols, metric = said.companies(number), said.metric(number)
    denied = SAYS["denied"].search(said.low[: number.start])
    if not metric or not symbols or denied or said.is_to_come(number) or _is_of_another(number, said):
        return Claim(number.words, number.start, number.end, (), number, company=bool(symbols))
    query, direction = said.query(number, metric, symbols)
    readings = [query, *_other_readings(query)]
    readings += [
        query.model_copy(update={"periods": [each]}) for each in (*said.year_before(number), *said.base(number))
    ]
    unclear = said.unclear(number, metric)
    number = said.signed(number)
    return Claim(number.words, number.start, number.end, tuple(readings), number, direction, company=True,
                 unclear=unclear)  # fmt: skip


def _is_of_another(number: Number, said: Attribution) -> bool:
    """`less than half of Apple's`, `47% below the price`: a part of another figure."""
    ends = [hit.start for hit in said.slots.companies if hit.start >= number.end]
    part = bool(ends) and said.low[number.end : ends[0]].split() == ["of"]
    return number.unit == "percent" and (part or bool(_FROM_PRICE.match(said.low, number.end)))


def _other_readings(query: Query) -> Iterator[Query]:
    """Without a period a flow may be of twelve months; beside a share price, earnings are those that trail it."""
    [metric] = query.metrics
    if query.operation != "none":
        return
    if not query.periods and metric in catalogue() and described(metric).kind in ("flow", "per_share", "ratio"):
        yield query.model_copy(update={"periods": ["TTM"]})
    if metric == "eps_diluted" and not any(text.startswith(("FY", "Q", "H")) for text in query.periods):
        yield query.model_copy(update={"metrics": ["trailing_eps"]})


def _trend(said: Attribution) -> list[Claim]:
    """`Revenue fell in FY2023`: a direction without a number."""
    symbols = said.slots.symbols or said.carried.companies[-1:]
    periods = _both_ends(said.slots.periods) or said.carried.periods
    if shifted := [each for each in map(said.shifted, said.numbers) if each]:
        periods = [*periods[:1], *shifted][:2]
    return _way(said, "up", "down", symbols, periods, "difference") if len(symbols) == 1 and periods else []


def _order(said: Attribution) -> list[Claim]:
    """`Apple's margin was higher than Microsoft's`: which of two is ahead, without a number."""
    if len(said.symbols) != 2 or "than" not in said.low:
        return []
    periods = [str(each.value) for each in said.slots.periods if isinstance(each.value, Period)][:1]
    return _way(said, "more", "less", said.symbols, periods or said.carried.periods, "difference")


def _way(
    said: Attribution, plus: str, minus: str, symbols: list[str], periods: list[str], operation: Operation
) -> list[Claim]:
    """The claim that something went or lies one way, where the sentence names a metric and one way only."""
    low = SAYS["loss"].sub(lambda match: " " * len(match.group()), said.low)
    more, less = SAYS[plus].search(low), SAYS[minus].search(low)
    hit = more or less
    if hit is None or (more and less) or not said.slots.metrics:
        return []
    query = Query(metrics=[said.slots.metrics[0].value], companies=symbols, periods=periods, operation=operation)
    rose = bool(more) != bool(SAYS["denied"].search(low[: hit.start()]))
    return [Claim(hit.group(), hit.start(), hit.end(), (query,), None, 1 if rose else -1, company=True)]


def _both_ends(periods: Iterable[Found]) -> list[str]:
    """The period in which a change went one way, and the one it is counted from where that is named."""
    found = sorted(periods, key=last_year, reverse=True)
    if not found or isinstance(found[0].value, Span):
        return [str(each.value) for each in found[:1]]
    return [
        str(each.value) for each in found if isinstance(each.value, Period) and each.value.kind == found[0].value.kind
    ][:2]


def _dates(said: Attribution) -> Iterator[Claim]:
    """`It was founded in 1976`: a date by itself, which no figure confirms."""
    about = bool(said.slots.symbols or said.carried.companies)
    for each in said.slots.periods if not said.slots.metrics else ():
        if re.search(r"\d{4}", each.words) and not _OF_REPORTS.search(each.words.lower()):
            yield Claim(each.words, each.start, each.end, company=about, day=str(each.value))
