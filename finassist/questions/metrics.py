"""Metrics in a question: by name, by ways of saying that are no phrase, and what the words beside them do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise

from finassist.core.metrics import catalogue, described
from finassist.questions.grammar import SAID, metric_phrases, table_of
from finassist.questions.slots import Slots
from finassist.questions.tokenizer import Claims, Hit, Word

type _Sense = Callable[[Sequence[str], Sequence[str]], bool]

# Ways of saying that come before names: inside "cash from operations", no single word is a metric.
_FIRST = frozenset(
    {"operating_cash_flow", "investing_cash_flow", "financing_cash_flow", "free_cash_flow", "total_return"}
)
_OF_FIRST = frozenset(
    ["cash", "from", "operations", "operation", "by", "through", "left", "total", "return", "returns", "dividends",
     "reinvested", "including", "with", "what", "was", "net", "investing", "investment", "financing", "activities",
     "used", "provided", "obtain", "obtained", "use"]
)  # fmt: skip


@cache
def paraphrases() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Metrics and the patterns that mean them, in order."""
    rows: Sequence[Mapping[str, str]] = table_of("paraphrases")["paraphrase"]
    return tuple((row["metric"], re.compile("|".join(row["patterns"]))) for row in rows)


def metrics_in(text: str, words: list[Word], language: str, taken: Claims) -> list[Hit[str]]:
    """The metrics of a lower-case text in order of mention; what names one is taken."""
    found = [*_said_first(text, words, taken), *_named(text, words, language, taken)]
    found += _said_otherwise(text, found)
    return _bracketed(text, sorted(found, key=lambda hit: hit.start))


def _bracketed(text: str, found: list[Hit[str]]) -> list[Hit[str]]:
    """`turn revenue into profit (net margin)`: the one metric that stands alone in brackets is the one meant."""
    inside = [hit for hit in found if text[hit.start - 1 : hit.start] == "(" and text[hit.end : hit.end + 1] == ")"]
    if len(inside) != 1 or any(hit.value == inside[0].value for hit in found if hit is not inside[0]):
        return found
    return inside


def _said_first(text: str, words: Sequence[Word], taken: Claims) -> list[Hit[str]]:
    found: list[Hit[str]] = []
    for name, pattern in paraphrases():
        if name not in _FIRST:
            continue
        for match in pattern.finditer(text):
            if taken.free(match.start(), match.start() + 1):
                found.append(Hit(name, match.start(), match.end(), match.group()))
                for word in words:
                    if match.start() <= word.start and word.end <= match.end() and word.text in _OF_FIRST:
                        taken.take(word.start, word.end)
    return found


def _named(text: str, words: list[Word], language: str, taken: Claims) -> Iterator[Hit[str]]:
    for hit in metric_phrases(language).free(text, words, taken, lambda at, size: _usable(words, at, size)):
        taken.take(hit.start, hit.end)
        yield hit


def _said_otherwise(text: str, found: Sequence[Hit[str]]) -> list[Hit[str]]:
    known = {hit.value for hit in found}
    more: list[Hit[str]] = []
    for name, pattern in paraphrases():
        if name in known:
            continue
        for match in pattern.finditer(text):
            if _new_sense(known, name, match.group()):
                more.append(Hit(name, match.start(), match.end(), match.group()))
                known.add(name)
                break
    return more


def _new_sense(others: set[str], name: str, words: str) -> bool:
    """A paraphrase counts where no metric with a name of its own is meant."""
    match name:
        case "net_income":
            return not others - {"price_change"} and not re.search(r"dividend|share price|stock", words)
        case "price_change":
            return not others - {"price"} or "perform" in words
        case "price" | "market_cap" | "revenue" | "eps_diluted":
            return not others
        case "dividends_paid":
            return not others & {"dividends_per_share", "payout_ratio"}
        case _:
            return True


def _usable(words: Sequence[Word], at: int, size: int) -> bool:
    """Whether a phrase that also means something else stands for the metric here."""
    phrase = " ".join(word.text for word in words[at : at + size] if word.text != "-")
    sense = _SENSES.get(phrase)
    if sense is None:
        return True
    before = [word.text for word in words[max(0, at - 3) : at]]
    return sense(before, [word.text for word in words[at + size : at + size + 3]])


_PERIOD = re.compile(r"fy|q\d|\d{4}|in$|for$|vs$|and$|minus$|/|capex")


def _never(before: Sequence[str], after: Sequence[str]) -> bool:
    return False


def _not_pretax(before: Sequence[str], after: Sequence[str]) -> bool:
    return "before" not in before and "after" not in before


_SENSES: Mapping[str, _Sense] = {
    "cfo": lambda before, after: "who" not in before and bool(_PERIOD.match("".join(after[:1]))),
    "close": lambda before, after: after[:1] != ["to"],
    "shares": lambda before, after: "many" in before,
    "quote": lambda before, after: after[:1] != ["me"],
    "tax": _not_pretax,
    "taxes": _not_pretax,
    "assets": lambda before, after: before[-1:] != ["on"],
    "loss": lambda before, after: before[-2:] != ["profit", "and"],
    "da": _never,
    "ar": _never,
    "ap": _never,
    "ca": _never,
    "yield": lambda before, after: before[-1:] not in (["treasury"], ["bond"], ["year"]),
    "turnover": lambda before, after: before[-1:] not in (["staff"], ["employee"]),
    "margin between": _never,
}


# ------------------------------------------------------------------------------------------- expressions


def simplest(text: str) -> str:
    """The id of a metric whose formula is the same, or the formula."""
    return next((metric.id for metric in catalogue().values() if metric.formula == text), text)


_OF_ITS = re.compile(r"\s*(?:of |in |its |their |the |in the )*")


def expressions(slots: Slots) -> list[str]:
    """The metrics asked for, as ids or expressions over them, each once."""
    return list(dict.fromkeys(hit.value for hit in expression_hits(slots)))


def expression_hits(slots: Slots) -> list[Hit[str]]:
    """The same with their places."""
    hits = _divided(slots, list(slots.metrics))
    if slots.has("share") or _how_much_of(slots):
        hits = _shares(slots, hits)
    if slots.has("per share"):
        hits = [_per_share(hit) for hit in hits]
    each_own = len(hits) > 1 or slots.asks_all or bool(slots.amounts)
    return [_grown(slots, hit) for hit in hits] if each_own else hits


def _shares(slots: Slots, hits: list[Hit[str]]) -> list[Hit[str]]:
    """`capex as a share of revenue`: one metric over the other."""
    mark = slots.at("share") or _how_much_of(slots)
    after = [hit for hit in hits if mark and hit.start >= mark.end]
    before = [hit for hit in hits if mark and hit.end <= mark.start]
    if mark is None or len(hits) < 2 or not after:
        return hits
    below = after[0]
    above = before[-1] if before else after[1]
    if above.value == below.value:
        return hits
    words = f"{above.words} {mark.words} {below.words}"
    start, end = min(above.start, below.start), max(above.end, below.end)
    joined = Hit(f"{above.value} / {below.value}", start, end, words)
    return [joined if hit is above else hit for hit in hits if hit is not below]


_SLASH = re.compile(r"\s*(?:/|divided by|over (?:its |the |their )?)\s*(?:(?:fy ?|fiscal )?\d{2,4} )?")
_BY = re.compile(r"[^.?;]{0,40}?\b(?:by|to)\s+(?:its |the |their )?")


def _divided(slots: Slots, hits: list[Hit[str]]) -> list[Hit[str]]:
    """`R&D / revenue`, `divide total assets by equity`: one metric over the other."""
    for above, below in pairwise(hits):
        slash = _SLASH.fullmatch(slots.low, above.end, below.start)
        verb = slots.says(SAID["divide"]) and _BY.fullmatch(slots.low, above.end, below.start)
        if (slash or verb) and above.value != below.value:
            joined = Hit(
                simplest(f"{above.value} / {below.value}"), above.start, below.end, slots.low[above.start : below.end]
            )
            return [joined if hit is above else hit for hit in hits if hit is not below]
    return hits


def _how_much_of(slots: Slots) -> Hit[str] | None:
    """The mark of `How much of its gross profit was eaten up by R&D?`."""
    found = SAID["how_much_of"].search(slots.low)
    return Hit("share", found.start(), found.end(), "as a share of") if found else None


def _per_share(hit: Hit[str]) -> Hit[str]:
    if described(hit.value).unit != "USD" or described(hit.value).kind == "price":
        return hit
    return Hit(f"{hit.value} / shares_diluted", hit.start, hit.end, hit.words)


def _grown(slots: Slots, hit: Hit[str]) -> Hit[str]:
    """`revenue growth`, `growth of revenue`, `grew revenue`: growth(revenue), for the metric next to the word."""
    alone = len(slots.metrics) == 1 and not slots.has("share")
    if described(hit.value).kind == "price":
        return hit
    for mark in slots.operations:
        just_after = 0 <= mark.start - hit.end <= 2
        close = 0 <= hit.start - mark.end <= 9
        just_before = close and _OF_ITS.fullmatch(slots.low, mark.end, hit.start)
        if mark.value in ("growth", "yoy") and (just_after or just_before or alone):
            return Hit(f"growth({hit.value})", min(hit.start, mark.start), max(hit.end, mark.end), hit.words)
    return hit
