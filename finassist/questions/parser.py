"""A question to queries, by rules: its words are claimed in one pass, then read together and with the last turn.

Multi-word company names are claimed first, then periods, amounts and metrics, and only then single names, so that Q2,
FY24, DSO and TTM are never companies. A question becomes one query or a short list of them that share a headline. What
cannot be placed is named: refused by topic, or listed as not understood.

In order: `wording` → the scan (`companies`, `periods`, `metrics`, `operations` into `Slots`) → `refusals` →
`follow_up` → `queries`. What becomes no query goes to `routing`, which reads `topics`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from finassist.analysis.peers import CHOSEN, in_sector
from finassist.core.periods import Period
from finassist.core.query import Choice, Query
from finassist.providers.embedded.coverage import attributes
from finassist.questions.arithmetic import arithmetic, unread
from finassist.questions.assuming import assumed_in, with_assumptions
from finassist.questions.definitions import Definition, defined, definitions_in
from finassist.questions.editing import as_waterfall, of_the_pair
from finassist.questions.expressions import of_short_years, simplest
from finassist.questions.follow_up import follow_up
from finassist.questions.grammar import DOCUMENT, SAID, language_of
from finassist.questions.leftover import noting_loose_words, unplaced
from finassist.questions.numbers import settle_stake
from finassist.questions.peers import against_peers, profile_of
from finassist.questions.portfolios import of_shares_in
from finassist.questions.queries import answer_to
from finassist.questions.refusals import refused
from finassist.questions.rewording import reworded
from finassist.questions.routing import route
from finassist.questions.scan import blanked, slots_of
from finassist.questions.slots import Found, Memory, Named, Slots, Understanding, hits_of, refuse
from finassist.questions.tokenizer import Hit, fold, normalise
from finassist.questions.wording import Framing, corrected_words, framed
from finassist.symbols import directory


def understand(text: str, memory: Memory | None = None) -> Understanding:
    """The queries of a question.

    Example:
        >>> [str(query) for query in understand("What was Apple's net margin in FY2023?").queries]
        ['net margin of AAPL in FY2023']
    """
    memory = memory or Memory()
    plain, assume = assumed_in(normalise(_ASIDE_DASH.sub(": ", text)), memory)
    language = language_of(plain)
    if language == "en" and (of_shares := of_shares_in(plain, lambda rest: understand(rest, memory))):
        return of_shares
    framing = (
        framed(_as_corrected(reworded(plain, resumes=bool(memory.figures)))) if language == "en" else Framing(plain)
    )
    spelt, corrected = corrected_words(framing.text) if language == "en" else (plain, [])
    bare, given = definitions_in(spelt)
    slots = slots_of(bare, language)
    slots.memory, slots.unit, slots.decimals = memory, framing.unit, framing.decimals
    settle_stake(slots)
    of_short_years(slots)
    found = _by_definition(slots, given) or _understood(slots)
    found = with_assumptions(found, slots, assume) or found
    shown = (as_waterfall(slots, query) for query in found.queries)
    queries = tuple(query.model_copy(update={"evidence": _evidence(query, slots)}) for query in shown)
    return replace(found, queries=queries, corrected=(*corrected, *slots.corrected), slots=slots)


_CORRECTION = re.compile(
    r"(?:\.\.\.|…|[,;:.?!-])\s*(?:(?P<all>forget (?:it|that)\b|never ?mind(?: that)?\b)"
    r"|(?:(?:no|sorry|wait|oh|well)\b[,:\s]*)*(?:(?:no|wait)(?=[,:])|sorry|(?:scratch|strike) that|correction|i meant?"
    r"|(?:actually )?make (?:that|it)|or rather|or better)\b)"
    r"[,:.\s-]*(?:just\b[:,]?\s*)?"
)


def _as_corrected(text: str) -> str:
    """The text without what its speaker takes back: `Honeywell? no, sorry, Eaton: LTM revenue`."""
    for match in list(_CORRECTION.finditer(fold(text)))[-1:]:  # the last word counts
        before, after = text[: match.start()], text[match.end() :]
        old, new = slots_of(before, "en"), slots_of(after, "en")
        whole = match["all"] is not None or (bool(new.companies or new.unmatched) and bool(new.metrics))
        stays: list[Hit[Any] | Found] = [] if new.companies or new.unmatched else [*old.companies]
        stays += [] if new.metrics else old.metrics
        stays += [] if new.periods else old.periods
        stays += [] if match["all"] or new.operations else old.operations
        if not (new.companies or new.unmatched or new.metrics or new.periods):
            return text
        gone = {(hit.start, hit.end) for hit in (*old.companies, *old.metrics, *old.periods)} - {
            (hit.start, hit.end) for hit in stays
        }
        kept = [before[hit.start : hit.end] for hit in sorted(stays, key=lambda hit: hit.start)]
        return f"{' '.join(kept) if whole else blanked(before, gone)} {after}"
    return text


_ASIDE_DASH = re.compile(r"\s+—\s+")
"""A long dash sets words apart and never subtracts."""


def _by_definition(slots: Slots, given: list[Definition]) -> Understanding | None:
    """Put what the question defines in place of ours; refuse where a part of it is not in the data."""
    complete = [each for each in given if each.formula]
    if not complete:
        part = next((each.missing for each in given if each.missing), "")
        reason = f"“{part}” is not a figure in the data, so this definition cannot be computed"
        return refuse(part, "metric", reason) if part else None
    slots.metrics = defined(slots.metrics, complete, slots.low)
    numbers = {each for hit in slots.metrics for each in re.findall(r"\d{3}", hit.value)}
    slots.loose = [word for word in slots.loose if word.text not in complete[0].name and word.text not in numbers]
    if not slots.periods and complete[0].year:
        year = Period("year", complete[0].year)
        slots.periods = [Found(year, 0, 0, str(year))]
    return None


def _asks_else(slots: Slots) -> bool:
    """`Goldman Sachs deposits`, `who owns Nike?`: no report is asked for, although a company is named."""
    if slots.says(SAID["asks_a_fact"]):
        return True
    alone = not (slots.memory.queries or slots.memory.companies or slots.says(DOCUMENT))
    return alone and (found := route(slots.text)).rule == "company" and found.category == "report"


def _understood(slots: Slots) -> Understanding:
    if found := against_peers(slots) or profile_of(slots):
        return found
    if unknown := refused(slots):
        return _the_rest(slots) or Understanding(unknown=unknown, decided="topic")
    settle_by_industry(slots)
    if slots.choices and (slots.metrics or _ABOUT.match(slots.low)):
        return _which_company(slots)
    alone = answer_to(slots) if slots.stake and slots.about else None
    found = alone or arithmetic(slots) or of_the_pair(slots) or follow_up(slots) or _clauses(slots) or answer_to(slots)
    found = unread(slots, found) or found
    if found.document and slots.language == "en" and _asks_else(slots) and (words := unplaced(slots)):
        asked = " ".join(slots.text[start:end] for start, end in words)
        reason = f"“{asked}” is not in the data: ask for a figure, or for a report with “Tell me about …”"
        return refuse(asked, "not understood", reason, "words without a metric")
    return noting_loose_words(found, slots)


def _evidence(query: Query, slots: Slots) -> dict[str, str]:
    """The words of the question that each slot of a query came from; what it inherits has none."""
    limited = slots.limit is not None and slots.limit.value == query.limit
    claims: dict[str, Sequence[Hit[Any] | Found]] = {
        "companies": [hit for hit in slots.companies if hit.value.symbol in query.companies],
        "metrics": slots.metrics,
        "periods": slots.periods if query.periods else (),
        "operation": slots.operations if query.operation != "none" else (),
        "where": slots.amounts if query.where else (),
        "order": slots.directions[:1] if query.order else (),
        "sectors": slots.sectors if query.sectors else (),
        "limit": [slots.limit] if limited and slots.limit else (),
    }
    words = {
        slot: ", ".join(dict.fromkeys(slots.text[hit.start : hit.end] or hit.words for hit in hits))
        for slot, hits in claims.items()
        if hits
    }
    return words | {name: how for name, how in query.evidence.items() if name == CHOSEN}


_ALSO = re.compile(r"[;?.]\s+(?=\w)|,? (?:and|plus|as well as|along with) (?:also )?")
_ASKS_ITSELF = re.compile(
    r"(?:how|what|who|whom|which|when|where|whether|(?:the )?(?:part|share|portion|number|amount|name)|its|their)\b"
)


def _the_rest(slots: Slots) -> Understanding | None:
    """`Its net income in 2023, and how many stores did it have?`: the figure, and what is not there by name."""
    if slots.language != "en" or not slots.metrics or not slots.about:
        return None
    parts: list[Slots] = []
    for text in _ALSO.split(slots.text):
        part, last = slots_of(text, slots.language), parts[-1] if parts else None
        complete = last and last.periods and part.metrics
        if last and not (complete or _ASKS_ITSELF.match(part.low)):
            parts[-1] = slots_of(f"{last.text} and {text}", slots.language)
        else:
            parts.append(part)
    about = [replace(part, about=part.symbols or slots.about) for part in parts]
    refusals = [refused(part) for part in about]
    kept = [part for part, refusal in zip(about, refusals, strict=True) if not refusal]
    shared = not about[0].periods and any(part.metrics for part in about if part not in kept)  # `… and … in China`
    if len(kept) in (0, len(about)) or not all(part.metrics for part in kept) or shared:
        return None
    rest = slots_of(" and ".join(part.text for part in kept), slots.language)
    after = about.index(kept[0]) > 0 or _SAME_PERIOD.search(rest.low)
    rest.periods = rest.periods or (list(slots.periods) if after else [])
    found = _understood(replace(rest, memory=slots.memory, about=rest.symbols or slots.about, unit=slots.unit))
    return replace(found, unknown=tuple(chain(*refusals))) if found.queries and not found.unknown else None


_ABOUT = re.compile(
    r"(?:please )?(?:tell me (?:more )?about|(?:give me )?(?:an? )?(?:report|overview) (?:on|of|about)) "
)


def settle_by_industry(slots: Slots) -> None:
    """`Delta vs United`: of several companies that a name fits, the one in the industry of those named beside it."""
    known = attributes()
    beside = slots.about or slots.memory.companies
    industries = [known[symbol].sub_industry for symbol in beside if symbol in known]
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
    r"(?<=[a-z0-9%])(?:\?\s+|;\s*|, (?=how (?:fast|much)\b)"
    r"|,? and (?=(?:how (?:did|much|has|fast|was)|what(?:'s| was| is| were| are)|by how much)\b)"
    r"|,? and (?=what (?:share|part|percent(?:age)?|portion|fraction|proportion)\b)"
    r"|, (?=and the growth\b)|,? and (?=(?:the )?(?:growth|change|difference) (?:between|from)\b)"
    r"|, and (?=[a-z]+ in (?:fiscal|fy|20)))"
)
_ON_THE_YEAR = re.compile(
    r"\b(?:on|from|over|against|versus|vs\.?|compared (?:with|to)|relative to) (?:the )?"
    r"(?:fiscal |fy ?|calendar )?20\d\d\b"
)
_WHAT_SHARE = re.compile(
    r"what (?:share|part|percent(?:age)?|portion|fraction|proportion)\b(?P<of> of(?! (?:it|that|this|them)\b))?"
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
        queries += [each for each in made.queries if each not in queries]
    return Understanding(tuple(queries), decided="clauses")


def _carry_over(slots: Slots, whole: Slots, before: list[Query]) -> None:
    if not slots.metrics and before:
        slots.metrics = hits_of(before[-1].metrics[:1])
    share = _WHAT_SHARE.match(slots.low)
    if share and len(slots.metrics) == 1 and before and slots.metrics[0].value != before[0].metrics[0]:
        part, whole_of = slots.metrics[0].value, before[0].metrics[0]
        part, whole_of = (whole_of, part) if share["of"] else (part, whole_of)  # `what share of revenue that was`
        slots.metrics = hits_of([simplest(f"{part} / {whole_of}")])
    based = _ON_THE_YEAR.search(slots.low)
    if based and len(slots.periods) == 1 and before and len(before[-1].periods) == 1:
        slots.periods = [*slots.periods, *(each for each in whole.periods if str(each.value) == before[-1].periods[0])]
        return
    if whole.periods and (not slots.periods or _SAME_PERIOD.search(slots.low)):
        slots.periods = list(whole.periods)
