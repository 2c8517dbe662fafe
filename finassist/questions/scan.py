"""The scan of a question: each word is claimed once, by a company, a period, a metric or an operation. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from finassist.questions.companies import companies_in
from finassist.questions.expressions import average_base
from finassist.questions.grammar import ASIDES, FILLERS, function_words, language_of, tag_phrases
from finassist.questions.metrics import metrics_in
from finassist.questions.numbers import amounts_in
from finassist.questions.operations import count_in
from finassist.questions.periods import periods_in
from finassist.questions.slots import Found, Named, Slots
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
    slots.about = slots.symbols
    average_base(slots)
    return slots


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
        if word.raw in refused or foreign:
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
    slots.operations += _tagged(slots, taken, "operations")
    slots.sectors += _tagged(slots, taken, "sectors")
    directions = _tagged(slots, taken, "directions")
    slots.directions += [Hit(1 if hit.value == "most" else -1, hit.start, hit.end, hit.words) for hit in directions]
    slots.sets += _tagged(slots, taken, "sets", claim=False)


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
