"""What is asked for and is not in the data: by topic, by period, by name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from finassist.analysis.conditions import ONCE
from finassist.core.metrics import described
from finassist.core.periods import Period, Span
from finassist.core.query import Operation, Query, Unknown
from finassist.questions.grammar import SAID, metric_names, pattern_of, table_of
from finassist.questions.operations import OF_MARKET
from finassist.questions.slots import Found, Slots, Understanding, refuse
from finassist.symbols.names import FOREIGN_LISTING

FIRST_YEAR = 2010
"""The first year that a question about reports may name; earlier ones are not in the data."""


@dataclass(frozen=True, slots=True)
class _Topic:
    name: str
    reason: str
    pattern: re.Pattern[str]
    yields_to: str
    """`nothing`, `companies` or `claims`: what makes the words mean something else."""


def _topics(section: str) -> tuple[_Topic, ...]:
    rows: Sequence[Mapping[str, str]] = table_of("refusals")[section]
    return tuple(_Topic(row["name"], row["reason"], pattern_of(row), row.get("yields_to", "claims")) for row in rows)


_TOPICS, _PARTS = _topics("topic"), _topics("part")


def refused(slots: Slots) -> tuple[Unknown, ...]:
    """What a question asks that no answer can give: a topic and a part of a company both, else the first found."""
    if slots.asks_definition and not slots.about:
        return ()
    both = tuple(found for found in (_topic(slots), _part(slots)) if found)
    return both or tuple(islice((found for found in _others(slots) if found), 1))


def _others(slots: Slots) -> Iterator[Unknown | None]:
    yield _listing(slots)
    yield _no_day(slots)
    yield from (_period(each) for each in slots.periods)
    yield _other_metric(slots)
    yield _name(slots)
    yield _own_part(slots)
    yield _changing(slots)


def _topic(slots: Slots) -> Unknown | None:
    for topic in _TOPICS:
        for match in topic.pattern.finditer(slots.low):
            if not _means_else(slots, topic, *match.span()):
                if topic.name in _OF_NO_COMPANY and not slots.metrics:
                    slots.companies, slots.about, slots.corrected = [], [], []
                elif topic.yields_to == "nothing":
                    _without_names(slots, topic)
                return Unknown(words=_as_typed(slots, match), topic=topic.name, reason=topic.reason)
    return None


_OF_NO_COMPANY = frozenset({"currency", "commodity", "cryptocurrency"})
"""Topics beside which words that could be a company are none: `Canadian dollar`, `Swiss franc`."""


def _without_names(slots: Slots, topic: _Topic) -> None:
    """`Solana`, `ETH`: names of companies too, which are not meant where a coin or an index is asked for."""
    spans = [match.span() for match in topic.pattern.finditer(slots.low)]
    slots.companies = [
        hit for hit in slots.companies if not any(start < hit.end and hit.start < end for start, end in spans)
    ]
    slots.about = slots.symbols


def _as_typed(slots: Slots, match: re.Match[str]) -> str:
    """The words of a match in the folded text, which has the same length, with their own capitals."""
    return slots.text[match.start() : match.end()].strip()


def _means_else(slots: Slots, topic: _Topic, start: int, end: int) -> bool:
    """Whether a company, metric or sector claims these characters."""
    if slots.stake and "stake" in topic.yields_to:
        return True
    if any(hit.start < end and start < hit.end <= end for hit in slots.companies if " " in hit.words):
        return True  # `Quanta Services revenue`: a word of a name
    if topic.yields_to in ("nothing", "stake"):
        return False
    named = [(hit.start, hit.end) for hit in (slots.periods if topic.yields_to == "periods" else slots.companies)]
    if topic.yields_to.startswith("claims"):
        named += [(hit.start, hit.end) for hit in slots.sectors]
        named += [(hit.start, hit.end) for hit in slots.metrics if hit.words in metric_names()]
    named += [(hit.start, hit.end) for hit in slots.metrics if hit.words == slots.low[start:end]]
    return any(first <= start and end <= last for first, last in named)


def _part(slots: Slots) -> Unknown | None:
    """A country, a segment or a product beside a company or a metric."""
    if not slots.about and not slots.metrics:
        return None
    aliases = {hit.words.lower() for hit in slots.companies}
    for part in _PARTS:
        for match in part.pattern.finditer(slots.low):
            product = part.name == "segment" and match.group() in aliases
            if product or not _means_else(slots, part, *match.span()):
                return Unknown(words=_as_typed(slots, match), topic=part.name, reason=part.reason)
    return None


_QUALIFIERS, _HEADS = (frozenset(str(table_of("refusals")["metric"][name]).split()) for name in ("before", "after"))
_LINES = frozenset({"USD", "USD/share", "shares"})


def _other_metric(slots: Slots) -> Unknown | None:
    """`organic revenue`, `operating cash flow ratio`: a word beside a metric that makes another metric of it."""
    words = slots.words
    loose = {word.start for word in slots.loose}
    for hit in slots.metrics:
        if hit.end == hit.start or hit.words not in metric_names():
            continue
        at = next((i for i, word in enumerate(words) if word.start == hit.start), 0)
        last = next((i for i, word in enumerate(words) if word.end == hit.end), at)
        of_things = hit.words == "price" and bool(slots.about) and at > 0 and words[at - 1].start in loose
        before = words[at - 1] if at and (of_things or words[at - 1].text in _QUALIFIERS) else None
        if before and any(each.start <= before.start < each.end for each in slots.companies):
            before = None
        after = words[last + 1] if last + 1 < len(words) and words[last + 1].text in _HEADS else None
        quotient = re.search(r"\bto[ -]$", slots.low[: hit.start]) and after and after.text == "ratio"
        if after and (quotient or after.start not in loose or described(hit.value).unit not in _LINES):
            after = None
        if before or after:
            start, end = (before.start if before else hit.start), (after.end if after else hit.end)
            asked = slots.text[start:end]
            reason = f"“{asked}” is not in the catalogue of metrics; give its formula, or ask for {hit.words}"
            return Unknown(words=asked, topic="metric", reason=reason)
    return None


def _listing(slots: Slots) -> Unknown | None:
    if not (listing := FOREIGN_LISTING.search(slots.text)):
        return None
    reason = f"{listing.group()} is a listing on a foreign exchange: only US-listed companies are in the data"
    return Unknown(words=listing.group(), topic="foreign listing", reason=reason)


def _period(found: Found) -> Unknown | None:
    value = found.value.end if isinstance(found.value, Span) else found.value
    # A fiscal year can be numbered one ahead of the calendar: Nvidia's FY2027 began in January 2026.
    if value.year > date.today().year + 1:
        reason = f"{found.words} lies after the data: there are no forecasts here"
        return Unknown(words=found.words, topic="forecast", reason=reason)
    if value.year and value.year < FIRST_YEAR:
        reason = f"The data do not go back to {found.words.strip()}: they start in 2014"
        return Unknown(words=found.words, topic="period", reason=reason)
    return None


_DAY = re.compile(r"(?<![\d-])((?:19|20)\d\d)-(\d\d)-(\d\d)(?![\d-])")
_NO_DAY = re.compile(
    r"\b(?:feb\w*\.? (?:30|31)|(?:apr|jun|sep|nov)\w*\.? 31|(?:30|31)(?:st|th)? feb\w*"
    r"|31(?:st)? (?:apr|jun|sep|nov)\w*)\b"
)


def _no_day(slots: Slots) -> Unknown | None:
    """`2024-02-30`: a day that no calendar has."""
    wrong = _NO_DAY.search(slots.low)
    for match in _DAY.finditer(slots.low):
        try:
            date(*map(int, match.groups()))
        except ValueError:
            wrong = match
    return wrong and Unknown(words=wrong.group(), topic="period", reason=f"There is no day {wrong.group()}")


def _name(slots: Slots) -> Unknown | None:
    if slots.about or not slots.unmatched:
        return None
    words, message = slots.unmatched[0]
    return Unknown(words=words, topic="company", reason=message)


_NEGATIONS = frozenset(
    {"not", "never", "didn", "doesn", "don", "haven", "hasn", "hadn", "isn", "aren", "wasn", "weren"}
)
_CHANGING = frozenset(str(table_of("refusals")["changing"]["words"]).split())


def _changing(slots: Slots) -> Unknown | None:
    """`excluding`, `percentile`: a word that no slot holds and without which another figure would be answered."""
    if not slots.metrics or slots.language != "en":
        return None
    changing = [word for word in slots.loose if word.text in _CHANGING or (slots.asks_all and word.text in _NEGATIONS)]
    days = [each.start for each in slots.periods if isinstance(each.value, Period) and each.value.kind == "day"]
    limits = [] if slots.about else [each.start for each in slots.amounts]  # `not above $5bn` is a condition
    changing = [word for word in changing if not (word.text == "not" and _just_before(slots, word.end, limits))]
    word = next((word for word in changing if not any(0 < at - word.end <= 2 for at in days)), None)
    reason = f"“{word.raw}” was not understood, and it changes what is asked" if word else ""
    return Unknown(words=word.raw, topic="not understood", reason=reason) if word else None


def _just_before(slots: Slots, end: int, places: Sequence[int]) -> bool:
    """Whether one of the places follows, with no more than a figure between."""
    return any(re.fullmatch(r"[^,.;?]{0,30}", slots.low[end:at]) for at in places if at >= end)


_UNITS = "Bank|Pay|Card|Music|TV|Stores?|Studios?|Ventures|Foundation|Credit|Cloud|Wallet|Arcade"
_OWNED_PART = re.compile(rf" (?:(?P<owner>[A-Z][a-z]+)'s|(?P<unit>(?:{_UNITS})))(?:'s)? (?!fiscal|latest|last)")


def _own_part(slots: Slots) -> Unknown | None:
    """A capitalised word beside a company and a metric that is a product or a segment: `FedEx Ground's revenue`."""
    claimed = [(hit.start, hit.end) for hit in slots.companies]
    for hit in slots.companies if slots.metrics else ():
        part = _OWNED_PART.match(slots.text, hit.end)
        if part and not any(start < part.end() and part.start() + 1 < end for start, end in claimed):
            words = f"{slots.text[hit.start : hit.end]} {part['owner'] or part['unit']}"
            reason = f"“{words}” was not understood: figures of single segments and products are not in the data"
            return Unknown(words=words, topic="segment", reason=reason)
    for words, message in slots.unmatched:
        inside = words[:1].isupper() and not slots.text.startswith(words)
        if inside and slots.about and slots.metrics:
            return Unknown(words=words, topic="not understood", reason=message or f"“{words}” was not understood")
    return None


_OR = re.compile(r"\bor\b(?! (?:more|less|higher|lower|above|below|over|under|better|fewer|greater|up|so)\b)")


def alternatives(slots: Slots) -> Understanding | None:
    """A refusal where conditions need not hold together: `margin over 70% or growth over 40%`."""
    for match in _OR.finditer(slots.low):
        of_sectors = [each for each in slots.sectors if each.end <= match.start() or each.start >= match.end()]
        if len(of_sectors) < 2 and any(each.end <= match.start() for each in (*slots.amounts, *slots.metrics)):
            words = slots.text[max(0, match.start() - 12) : match.end() + 12].strip()
            reason = f"“… {words} …”: companies have to fulfil all conditions here; ask for each of them by itself"
            return refuse(words, "not understood", reason, "one condition or another")
    return None


def no_first_day(query: Query) -> Understanding | None:
    """A refusal of `when did the market value first exceed $3 trillion?`: it is there for some days of a year only."""
    metric = query.metrics[0]
    if query.operation not in ONCE or described(metric).kind != "price" or metric in OF_MARKET:
        return None
    label = described(metric).label
    reason = f"The days on which {label} passed an amount are not looked up: ask for those of the share price"
    return refuse(label, "not understood", reason, "no first day")


def years_ahead(slots: Slots, operation: Operation) -> Understanding | None:
    """A refusal of `in which years did A's revenue exceed B's?`, which would list years, not differences."""
    if operation != "difference" or len(slots.about) != 2 or not slots.says(SAID["years_ahead"]):
        return None
    words = " and ".join(slots.about)
    reason = f"The years in which one of {words} was ahead are not listed: ask for the figures of both over time"
    return refuse(words, "not understood", reason, "years of one ahead of another")
