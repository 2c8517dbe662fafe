"""Metrics that a question names, in order of mention. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from finassist.analysis.windows import OF_ALL_CLOSES
from finassist.core.metrics import described
from finassist.core.query import Query
from finassist.questions.grammar import SAID, metric_phrases, table_of
from finassist.questions.slots import Slots
from finassist.questions.tokenizer import Claims, Hit, Word
from finassist.symbols.names import word_set

type _Sense = Callable[[Sequence[str], Sequence[str]], bool]

# Ways of saying that come before names: inside "cash from operations", no single word is a metric.
_FIRST = frozenset(
    {
        "implied_growth",
        "dupont",
        "altman_z",
        "beneish_m",
        "operating_cash_flow",
        "investing_cash_flow",
        "financing_cash_flow",
        "free_cash_flow",
        "total_return",
        "roe",
        "roa",
    }
)
_OF_FIRST = word_set(
    "cash from operations operation by through left total return returns dividends reinvested including with what was "
    "net investing investment financing activities used provided obtain obtained use earn earned on its equity assets"
)


_OF_MODELS = {"implied_growth", "dupont", "altman_z", "beneish_m"}
_IN_MODELS = word_set(
    "dupont growth rate revenue sales earnings imply implies implied price share stock priced baked in into roe return "
    "returns on equity shareholders why high low manipulate manipulates manipulation accounting profit books accounts "
    "numbers risk bankruptcy insolvency expect expects expected expecting assume assumes justify justified"
)


@cache
def paraphrases() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Metrics and the patterns that mean them, in order."""
    rows: Sequence[Mapping[str, str]] = table_of("paraphrases")["paraphrase"]
    return tuple((row["metric"], re.compile("|".join(row["patterns"]))) for row in rows)


def metrics_in(text: str, words: Sequence[Word], language: str, taken: Claims) -> list[Hit[str]]:
    """The metrics of a lower-case text in order of mention; what names one is taken."""
    found = [*_said_first(text, words, taken), *_named(text, words, language, taken)]
    found += [*_with_a_shared_noun(words, found, language, taken)]
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
                    own = _IN_MODELS if name in _OF_MODELS else _OF_FIRST
                    if match.start() <= word.start and word.end <= match.end() and word.text in own:
                        taken.take(word.start, word.end)
    return found


def _named(text: str, words: Sequence[Word], language: str, taken: Claims) -> Iterator[Hit[str]]:
    for hit in metric_phrases(language).free(text, words, taken, lambda at, size: _usable(words, at, size)):
        taken.take(hit.start, hit.end)
        yield hit


def _with_a_shared_noun(
    words: Sequence[Word], found: Sequence[Hit[str]], language: str, taken: Claims
) -> Iterator[Hit[str]]:
    """`gross and operating margin`: a metric whose name goes on in that of the one after it."""
    for hit in found:
        places = [place for place, word in enumerate(words) if hit.start <= word.start < hit.end]
        noun, first = [words[place] for place in places[1:]], min(places, default=0)
        while noun and (first := _before_a_join(words, first)) >= 0:
            word = words[first]
            size, name = metric_phrases(language).longest([word, *noun], 0) or (0, "")
            if size != len(noun) + 1 or not taken.free(word.start, word.end):
                break
            taken.take(word.start, word.end)
            yield Hit(name, word.start, word.end, word.text)


def _before_a_join(words: Sequence[Word], at: int) -> int:
    """The place of the word before an “and” or a comma that stands before a place; -1 where none does."""
    before = at - 1
    while before >= 0 and words[before].text in _JOINS:
        before -= 1
    return before if before < at - 1 else -1


_JOINS = word_set("and or vs versus") | {",", "/", "&"}


def _said_otherwise(text: str, found: Sequence[Hit[str]]) -> list[Hit[str]]:
    known, models = {hit.value for hit in found}, [hit for hit in found if hit.value in _OF_MODELS]
    more: list[Hit[str]] = []
    for name, pattern in paraphrases():
        if name in known:
            continue
        for match in pattern.finditer(text):
            inside = any(hit.start <= match.start() and match.end() <= hit.end for hit in models)
            if not inside and _new_sense(known, name, match.group()):
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
            return not others - {"price"} or "perform" in words or words.startswith("stock")
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


_OF_A_QUOTE = word_set("a the stock share price current latest last market live")
_SENSES: Mapping[str, _Sense] = {
    "cfo": lambda before, after: "who" not in before and bool(_PERIOD.match("".join(after[:1]))),
    "close": lambda before, after: after[:1] != ["to"],
    "shares": lambda before, after: "many" in before,
    "quote": lambda before, after: not before or before[-1] in _OF_A_QUOTE or after[:1] in (["for"], ["of"], ["on"]),
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


def asks_statement(slots: Slots) -> bool:
    """Whether a whole statement is asked for, and no single line of it."""
    flows = re.compile(r".*\bcash ?flows?(?: statements?)?$")
    return slots.says(SAID["statement"]) and all(
        flows.fullmatch(slots.low[hit.start : hit.end + 11].rstrip(" ?.")) for hit in slots.metrics
    )


def without_parts(slots: Slots, metrics: list[str]) -> list[str]:
    """Without a plain price beside `price_change`, which it explains, and the like."""
    if "price" in metrics and "price_change" in metrics:
        part = "price_change" if slots.says(SAID["extreme_price"]) else "price"
        return [each for each in metrics if each != part]
    for days, part in (("dso", "receivables"), ("dio", "inventory"), ("dpo", "accounts_payable")):
        if days in metrics and slots.low.startswith("how "):  # `how long does it take to collect its receivables?`
            metrics = [each for each in metrics if each != part]
    if "interest_cover" in metrics:
        return [each for each in metrics if each not in ("operating_income", "interest_expense")]
    if "total_return" in metrics:
        parts = ("price", "price_change", "dividends_paid", "dividends_per_share")
        return [each for each in metrics if each not in parts]
    if not OF_ALL_CLOSES.isdisjoint(metrics):
        return [each for each in metrics if each not in ("price", "price_change")]
    return metrics


def of_price(query: Query) -> bool:
    """Whether a query asks for a share price or what is made of one."""
    return bool(query.metrics) and described(query.metrics[0]).kind == "price"
