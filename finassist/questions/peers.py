"""A company against its peers (`Nike comps`, `add Lululemon`), and what is known of it besides figures. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from finassist.analysis.peers import CHOSEN
from finassist.core.periods import Span, parse_periods
from finassist.core.query import Query, Unknown
from finassist.providers.embedded.coverage import attributes
from finassist.questions.expressions import simplest
from finassist.questions.grammar import PEERS, POINTS_BACK, SAID, SECTOR_PEERS
from finassist.questions.leftover import noting_loose_words
from finassist.questions.operations import periods_of
from finassist.questions.queries import answer_to, is_judgement
from finassist.questions.refusals import refused
from finassist.questions.scan import blanked, slots_of
from finassist.questions.slots import Found, Slots, Understanding, hits_of, refuse

_OTHERS = re.compile(r"\binstead\b|^\W*(?:compare (?:it |them )?(?:with|to)|rather|use)\b")
_ON = re.compile(r"^\W*(?:(?:and|now|only|just|what about|how about) )*(?:on|by|in terms of)\b")
_FEWER = re.compile(
    r"^\W*(?:(?:and|now|show|keep|use) )*(?:only|just) (?:the )?.*\b(?P<how>closest|nearest|largest|biggest|smallest)\b"
)
_THAT = re.compile(r"\bthat\b")
_OF_EACH = re.compile(r"\btheir\b")
_MEDIAN = re.compile(r"\bmedian\b")
_AVERAGE = re.compile(r"\b(?:average|mean)\b(?![^?]*\b(?:over|years?|since|annual|20\d\d)\b)")
_PROFITABLE = re.compile(r"\bprofitab")
"""More profitable than others of another size is what keeps more of each dollar."""

_GROWING = re.compile(r"\bgrow(?:s|n|ing)?\b|\bgrew\b|\b(?:faster|fastest) growth\b")
_COMPARES = re.compile(
    r"\bcompar|\bcomps?\b|\bagainst\b|\bversus\b|\bvs\b|\brelative\b|\brank|\bstand|\bstack|\bvalu|football"
)
_WHICH = re.compile(r"^\W*(?:and )?(?:which|who)\b(?! (?:are|were)\b)")
_PERFORMED = ("none", "growth", "cagr")


def against_peers(slots: Slots) -> Understanding | None:
    """The query of a question about peers, or of one that edits the last; `None` where it asks for none."""
    found = SECTOR_PEERS.search(slots.low) or PEERS.search(slots.low)
    if found is None:
        return _edited(slots)
    middle = _MEDIAN.search(slots.low) or _AVERAGE.search(blanked(slots.low, [found.span()]))
    spans = [found.span(), *([middle.span()] if middle else [])]
    rest = slots_of(blanked(slots.text, spans), slots.language)
    last = slots.memory.queries[0] if slots.memory.queries else None
    rest.about = rest.symbols or (last.companies[:1] if last else list(slots.memory.companies[-1:]))
    rest.unit, rest.decimals = slots.unit, slots.decimals
    if last and last.metrics and not rest.metrics and not rest.symbols and _THAT.search(rest.low):
        rest.metrics, rest.periods = hits_of(last.metrics), rest.periods or _found(last.periods)
    rest.metrics = [replace(hit, value="net_margin") if _PROFITABLE.search(hit.words) else hit for hit in rest.metrics]
    if not rest.metrics and _GROWING.search(rest.low):
        rest.metrics = hits_of(["revenue_growth"], "growing")
    if not rest.about and (name := next((word.raw for word in rest.loose if word.raw[:1].isupper()), "")):
        return refuse(
            name, "company", f"“{name}” is no US-listed company known here; give its ticker symbol", "no name"
        )
    if not rest.about or (rest.asks_set and not rest.symbols) or rest.choices or (rest.sectors and not rest.symbols):
        return None
    if unknown := refused(rest):
        return Understanding(unknown=unknown, decided="topic")
    if "comps" in found.group() and rest.points:  # sales of comparable stores
        return None
    against = _compared(rest, found, slots.low)
    if not middle or not against or len(against.queries) != 1 or len(against.queries[0].metrics) != 1:
        return against
    return replace(against, queries=(_by_median(against.queries[0], middle.group()),))


def _by_median(query: Query, word: str) -> Query:
    """The query for the median of the peers, which says so where their average is asked."""
    reason = f"“{word}”: peers are summed up by their median, which no single one of them moves far"
    unknown = [] if word == "median" else [Unknown(words=word, topic="average", reason=reason)]
    return query.model_copy(update={"operation": "median", "unknown": [*query.unknown, *unknown]})


def _compared(rest: Slots, found: re.Match[str], low: str) -> Understanding | None:
    """The peers query of what is left of a question without the words for peers."""
    made = answer_to(rest) if rest.metrics and not is_judgement(rest) else Understanding()
    if made.unknown or (rest.metrics and not made.queries and not is_judgement(rest)):
        return made if made.unknown else None
    query = made.queries[0] if made.queries else Query(language=rest.language)
    if query.operation == "growth" and not query.asked()[1:]:
        grown = [each if each.endswith("_growth") else simplest(f"growth({each})") for each in query.metrics]
        query = query.model_copy(update={"metrics": grown, "operation": "none"})
    spans = query.operation == "none" and any(isinstance(each, Span) for each in query.asked())
    if spans or len(query.periods) > 1 or query.operation not in _PERFORMED or query.where:
        words = found.group().strip()
        reason = f"“{words}”: peers are compared in one period and by figures as they are; name one period"
        return refuse(words, "not understood", reason, "peers over time")
    own = found.groupdict()
    each = [[symbol] for symbol in rest.about] if _OF_EACH.search(found.group()) else [rest.about]
    queries = [
        query.model_copy(update={
            "scope": "peers", "intent": "compare", "companies": companies, "expects": 0,
            "order": rest.directions[0].value if rest.directions and _WHICH.search(rest.low) else 0,
            "sectors": _sector(companies[0]) if "sector" in (own.get("which"), own.get("which2")) else [],
            "limit": int(own["n"]) if own.get("n") else None,
            "explain": [] if rest.metrics or _COMPARES.search(low) else [CHOSEN],
        })
        for companies in each
    ]  # fmt: skip
    return noting_loose_words(Understanding(tuple(queries), decided="peers"), rest)


def _found(periods: Sequence[str]) -> list[Found]:
    return [Found(parse_periods(text), 0, 0, text) for text in periods]


def _sector(symbol: str) -> list[str]:
    member = attributes().get(symbol)
    return [member.sector] if member and member.sector else []


def _edited(slots: Slots) -> Understanding | None:
    """`compare with Lululemon instead`, `and by net margin?` after a comparison with peers."""
    last = slots.memory.queries[0] if slots.memory.queries else None
    if last is None or last.scope != "peers":
        return None
    if slots.about and not slots.metrics and _OTHERS.search(slots.low):
        others = [symbol for symbol in slots.about if symbol != last.companies[0]]
        query = last.model_copy(update={"companies": [last.companies[0], *others], "sectors": []})
        return Understanding((query,), decided="other peers")
    if (fewer := _FEWER.search(slots.low)) and not slots.about and not slots.metrics:
        return _fewer(last, slots, fewer)
    back = slots.says(POINTS_BACK["opener"]) or _ON.search(slots.low)
    if slots.metrics and not slots.about and back and not slots.asks_definition:
        made = answer_to(replace(slots, about=last.companies[:1]))
        if made.queries and made.queries[0].operation in _PERFORMED and not made.queries[0].where:
            own = made.queries[0]
            changes = {"metrics": own.metrics, "periods": own.periods or last.periods, "operation": own.operation}
            changes["explain"] = []
            return Understanding((last.model_copy(update=changes),), decided="peers by other figures")
    return None


def _fewer(last: Query, slots: Slots, found: re.Match[str]) -> Understanding:
    """`only the three closest`: so many peers, those nearest in market value; others have to be named."""
    if found["how"] not in ("closest", "nearest") or slots.limit is None:
        words = found.group().strip(" ,?")
        reason = f"“{words}”: say how many of the closest peers, or name those to keep, such as “without Deckers”"
        return refuse(words, "not understood", reason, "fewer peers")
    changes = {"companies": last.companies[:1], "limit": slots.limit.value, "evidence": dict[str, str]()}
    return Understanding((last.model_copy(update=changes),), decided="fewer peers")


# ------------------------------------------------------------------------------------- besides figures

_TOLD: Mapping[str, re.Pattern[str]] = {
    "sector": SAID["sector_of"], "headquarters": SAID["based_in"], "fiscal year end": SAID["year_end_of"],
    "filing day": SAID["filing_of"],
}  # fmt: skip
_QUARTERLY = re.compile(r"\b(?:10-?q|quarter(?:ly|s)?(?: (?:report|results|filing))?)\b")


def profile_of(slots: Slots) -> Understanding | None:
    """`what sector is Nike in?`, `when does its fiscal year end?`, `when was the last 10-K filed?`."""
    earlier = slots.memory.queries[0].companies if slots.memory.queries else list(slots.memory.companies)
    about = slots.about or (earlier if slots.says(POINTS_BACK["back"]) else [])
    words = {hit.words for hit in slots.metrics} - {"close", "closes"}  # `when does its financial year close?`
    if not about or words or slots.asks_all or slots.operations or slots.directions:
        return None
    explain = [name for name, pattern in _TOLD.items() if slots.says(pattern)]
    if not explain:
        return None
    periods = periods_of(slots) if slots.points else []
    latest = ["latest quarter"] if slots.says(_QUARTERLY) and "filing day" in explain else []
    query = Query(intent="profile", metrics=["total_assets"], companies=about, periods=periods or latest,
                  explain=explain, language=slots.language)  # fmt: skip
    return Understanding((query,), decided="profile")
