"""The scan of a question: each word is claimed once, by a company, a period, a metric or an operation. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from finassist.core.periods import Period
from finassist.questions.companies import INDEX, companies_in
from finassist.questions.expressions import average_base
from finassist.questions.grammar import ASIDES, FILLERS, SAID, function_words, language_of, tag_phrases
from finassist.questions.metrics import metrics_in
from finassist.questions.numbers import amounts_in, of_stake
from finassist.questions.operations import OF_MARKET
from finassist.questions.periods import periods_in
from finassist.questions.slots import Found, Named, Slots, hits_of
from finassist.questions.tokenizer import Claims, Hit, Word, fold, has_cjk, normalise, words_of
from finassist.questions.wording import closest, is_vocabulary

type _Placed = Hit[Named] | Hit[tuple[str, ...]] | Hit[str] | Hit[int] | Found


def slots_of(text: str, language: str | None = None) -> Slots:
    """Claim the words of a question."""
    plain = _without_asides(normalise(text))
    low = fold(plain)
    slots = Slots(plain, low, language or language_of(plain), words_of(plain))
    taken = Claims(len(plain))
    found = companies_in(plain, slots.language)
    slots.companies += [each for each in found.named if each.value.strong]
    _take(taken, slots.companies)
    slots.periods = periods_in(taken.masked(low))
    _take(taken, slots.periods)
    slots.amounts = list(amounts_in(low, taken))
    slots.metrics = metrics_in(low, slots.words, slots.language, taken)
    slots.corrected = found.corrected
    slots.choices = [each for each in found.choices if taken.free(each.start, each.end)]
    _take(taken, slots.choices)
    _weak_companies(slots, taken, found.named)
    _misspelt(slots, taken, frozenset(words for words, _ in found.unmatched))
    _tags(slots, taken)
    count_in(slots)
    _general_motors(slots)
    slots.unmatched = [each for each in found.unmatched if _still_free(slots, taken, each[0])]
    slots.companies.sort(key=lambda hit: hit.start)
    _take(taken, [*slots.sets, *([slots.limit] if slots.limit else [])])
    slots.loose = [word for word in slots.words if _loose(word, taken, slots.language)]
    _without_denied(slots)
    slots.about = slots.symbols
    average_base(slots)
    return slots


def explained_in(text: str) -> str:
    """The metric whose meaning a question asks for, about no company; empty where none is."""
    slots = slots_of(text)
    return slots.metrics[0].value if slots.metrics and slots.asks_definition and not slots.about else ""


def _without_denied(slots: Slots) -> None:
    """`Lowe's, not Home Depot's`, `for 2022, not 2021`: what is denied is not asked, where another is named."""
    slots.companies = _not_denied(slots, slots.companies)
    slots.metrics = _not_denied(slots, slots.metrics)
    slots.periods = _not_denied(slots, slots.periods)


def _not_denied[T: _Placed](slots: Slots, hits: list[T]) -> list[T]:
    denied: list[T] = []
    for hit in hits:
        linked = denied and SAID["denies_too"].search(slots.low[denied[-1].end : hit.start])
        limited = any(0 <= each.start - hit.end <= 2 for each in slots.amounts)  # `but not net income above $5bn`
        if not limited and (linked or SAID["denies"].search(slots.low[: hit.start])):
            denied.append(hit)
    if len(denied) == len(hits):
        return hits
    ends = [hit.start for hit in denied]
    slots.loose = [word for word in slots.loose if word.text != "not" or all(at < word.start for at in ends)]
    return [hit for hit in hits if hit not in denied]


def _without_asides(text: str) -> str:
    """A text with "CEO aside," and the like blanked out; every other character keeps its place."""
    return blanked(text, [aside.span() for aside in ASIDES.finditer(fold(text))])


def _take(taken: Claims, hits: Iterable[_Placed]) -> None:
    for hit in hits:
        taken.take(hit.start, hit.end)


def _still_free(slots: Slots, taken: Claims, words: str) -> bool:
    at = slots.low.find(fold(words))
    return at < 0 or taken.free(at, at + len(words))


def _loose(word: Word, taken: Claims, language: str) -> bool:
    if word.mark or not taken.free(word.start, word.end) or word.text in function_words(language):
        return False
    return word.text not in FILLERS


def _weak_companies(slots: Slots, taken: Claims, named: Iterable[Hit[Named]]) -> None:
    for each in named:
        if not each.value.strong and taken.free(each.start, each.end):
            slots.companies.append(each)
            taken.take(each.start, each.end)


def _misspelt(slots: Slots, taken: Claims, refused: frozenset[str]) -> None:
    """Words that are in no word list and one slip away from a well-known company."""
    for word in slots.words:
        if len(word.text) < 4 or not _loose(word, taken, slots.language) or is_vocabulary(word.text):
            continue
        foreign = slots.language != "en" and not word.raw[:1].isupper()
        longer = word.raw[:1].isupper() and any(
            each.start == word.end + 1 and each.raw[:1].isupper() and _loose(each, taken, slots.language)
            for each in slots.words
        )
        if word.raw in refused or foreign or longer:  # `Costa Coffee` is no slip of CoStar
            continue
        if symbol := closest(word.text) or closest(word.text.removesuffix("s")):
            slots.companies.append(Hit(Named(symbol, False, True), word.start, word.end, word.raw))
            taken.take(word.start, word.end)
            slots.corrected.append((word.raw, symbol))


_GM = re.compile(r"\b(?:or|and|vs\.?|versus),? gm\b|\bgm (?:or|and|vs)\b|, gm\b")


def _general_motors(slots: Slots) -> None:
    """GM is gross margin beside a company and nothing else that is asked; else it is General Motors."""
    for hit in [hit for hit in slots.metrics if hit.words == "gm"]:
        if len(slots.metrics) > 1 or not slots.companies or _GM.search(slots.low):
            slots.metrics.remove(hit)
            slots.companies.append(Hit(Named("GM", False), hit.start, hit.end, hit.words))


def _tags(slots: Slots, taken: Claims) -> None:
    slots.marks += _tagged(slots, taken, "marks")
    prices = [hit for hit in slots.metrics if hit.value == "price"]  # in `one share of Nike`, no share of it is asked
    slots.operations += [
        hit
        for hit in _tagged(slots, taken, "operations")
        if not any(price.start <= hit.start and hit.end <= price.end for price in prices)
    ]
    slots.sectors += [
        Hit(name, hit.start, hit.end, hit.words)
        for hit in _tagged(slots, taken, "sectors")
        for name in hit.value.split(" + ")
    ]
    directions = _tagged(slots, taken, "directions")
    slots.directions += [Hit(1 if hit.value == "most" else -1, hit.start, hit.end, hit.words) for hit in directions]
    meant = [found.span() for found in SAID["the_company"].finditer(slots.low)]  # `the company` is one, no set of them
    slots.sets += [
        hit
        for hit in _tagged(slots, taken, "sets", claim=False)
        if not any(start <= hit.start and hit.end <= end for start, end in meant)
    ]


def _tagged(slots: Slots, taken: Claims, table: str, *, claim: bool = True) -> Iterator[Hit[str]]:
    for hit in tag_phrases(table).free(slots.low, slots.words, taken):
        if hit.words == "plus" and slots.language != "en":  # it adds in English only
            continue
        if claim and not has_cjk(hit.words):
            taken.take(hit.start, hit.end)
        yield hit


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with spaces in place of some spans."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


# ------------------------------------------------------------------------------------------- how many

_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_FOREIGN_NUMBERS = {
    3: "tres drei trois três tre",
    4: "cuatro vier quatre quatro quattro",
    5: "cinco fünf cinq cinque",
    6: "seis sechs six sei",
    7: "siete sieben sept sete sette",
    8: "ocho acht huit oito otto",
    10: "diez zehn dix dez dieci",
}
_NUMBERS = {
    **{name: number for number, names in _FOREIGN_NUMBERS.items() for name in names.split()},
    **{name: number for number, name in enumerate(_NAMES, 1)},
    **{"fifteen": 15, "twenty": 20},
}
_CJK_NUMBERS = {name: number for number, name in enumerate("一二三四五六七八九十", 1)}
_CJK_LIMIT = re.compile(
    r"(?P<n>\d{1,2}|[一二三四五六七八九十])\s?(?:家|社|个公司|大)|前(?P<m>\d{1,2}|[一二三四五六七八九十])"
)
_NUMBER = rf"(?P<n>\d{{1,3}}|{'|'.join(_NUMBERS)})"
_TOP = re.compile(
    r"\b(?:top|first|bottom|last|best|worst|largest|biggest|smallest|highest|lowest|cheapest|which|the|what|name|list"
    rf"|show(?: me)?|only|fastest|los|las|die|den|welche|les|le|i|os|as)(?: the)? {_NUMBER}\b"
    r"(?! (?:years?|quarters?|months?|fiscal|percent|%|billion|million|trillion|times|days|dollars|usd))"
)
_LEAD = re.compile(
    rf"\b{_NUMBER} (?:most|largest|biggest|highest|lowest|smallest|best|worst|cheapest|fastest|top|least|greatest"
    r"|richest|slowest|mayores|größten|plus grandes|maiores|maggiori)\b"
)
_ORDINALS = {
    "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5, "sixth": 6, "6th": 6,
    "seventh": 7, "7th": 7, "eighth": 8, "8th": 8, "ninth": 9, "9th": 9, "tenth": 10, "10th": 10,
}  # fmt: skip
_NTH = re.compile(
    rf"\b(?P<n>{'|'.join(_ORDINALS)})[- ](?:most|highest|largest|biggest|best|lowest|smallest|least|worst|fastest)\b"
)
_FIRST = re.compile(
    rf"(?:^|: |\b(?:the|name|list|show|me) ){_NUMBER} (?:[a-z&-]+ ){{1,3}}?(?:with|by|that|who|whose)\b"
)
_COUNT = re.compile(
    r"\b(?:how many|number of|count (?:of|the)?) (?:of (?:the |your )?)?(?:[\w&-]+ ){0,3}?(?:companies|firms|stocks"
    r"|businesses|members|corporations|names|issuers|banks|insurers|utilities|constituents)\b"
    r"|\b(?:cuántas empresas|wie viele (?:unternehmen|firmen)|combien d'(?:entreprises|e sociétés)|quantas empresas"
    r"|quante (?:aziende|società))\b|多少(?:家)?公司|何社"
)


_PRONOUN = ("which", "the ", "what", "first", "last", "best", "worst")


def count_in(slots: Slots) -> None:
    """How many companies are asked for, and whether they are to be counted."""
    if found := _COUNT.search(slots.low):
        slots.marks.append(Hit("count", found.start(), found.end(), found.group()))
    if has_cjk(slots.low) and (counted := _CJK_LIMIT.search(slots.low)):
        text = counted["n"] or counted["m"]
        number = int(text) if text.isdigit() else _CJK_NUMBERS[text]
        slots.limit = Hit(number, counted.start(), counted.end(), counted.group())
        return
    if nth := _NTH.search(slots.low):  # the list down to the one that is asked for
        slots.limit = Hit(_ORDINALS[nth["n"]], *nth.span("n"), nth["n"])
        return
    for pattern in (_LEAD, _TOP, _FIRST):
        for match in pattern.finditer(slots.low):
            number = int(match["n"]) if match["n"].isdigit() else _NUMBERS[match["n"]]
            if match["n"] == "one" and match.group().startswith(_PRONOUN):  # no number
                continue
            if number and not any(each.start <= match.start("n") < each.end for each in slots.periods):
                slots.limit = Hit(number, match.start("n"), match.end("n"), match.group())
                return


def settle_market_words(slots: Slots) -> None:
    """A 52-week high is a price; the level of the S&P 500 is one, its performance a change."""
    if slots.stake:
        slots.metrics = hits_of([of_stake(slots)])
    from_high = any(hit.value in ("from_high", "from_low") for hit in slots.metrics)
    if not from_high and (week := re.search(r"\b52[- ]week (high|low)", slots.low)):
        slots.metrics = [Hit("price", week.start(), week.end(), week.group())]
        slots.periods = []
    of_market = any(hit.value in OF_MARKET for hit in slots.metrics)
    if of_market and not slots.points and (this := re.search(r"\bthis year\b", slots.low)):
        slots.periods = [Found(Period("ytd"), this.start(), this.end(), this.group())]
    joined = slots.has("mean", "median", "sum", "rank", "count") or slots.says(SAID["total_of_all"])
    joined = joined or bool(slots.directions or slots.amounts)
    members = slots.sets if of_market else joined
    if slots.about == [INDEX] and slots.metrics and members:  # the companies in it
        slots.about, slots.sets = [], [*slots.sets, Hit("set", 0, 0, "S&P 500")]
    if INDEX in slots.about and (not slots.metrics or slots.metrics[0].value == "price"):
        moves = slots.has("growth", "yoy") or slots.several or slots.says(SAID["index_moves"])
        level = slots.says(SAID["index_level"])
        slots.metrics = hits_of(["price_change" if moves and not level else "price"], "level")
