"""The tables of the question language: words and patterns, read from `grammar.toml` and its neighbours."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from finassist.core.metrics import LANGUAGES, catalogue
from finassist.questions.tokenizer import Phrases, fold, has_cjk, normalise, texts_of, words_of

type Table = Mapping[str, Sequence[str]]


@cache
def table_of(name: str) -> Mapping[str, Any]:
    """A data file of this package, read once."""
    return tomllib.loads(files("finassist.questions").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


_TABLES = table_of("grammar")


def pattern_of(row: Mapping[str, Any]) -> re.Pattern[str]:
    """One pattern of a row's whole words and of its other patterns."""
    words: Sequence[str] = row.get("words", ())
    parts = [rf"\b(?:{'|'.join(words)})\b"] if words else []
    return re.compile("|".join([*parts, *row.get("patterns", ())]))


def _pattern(name: str) -> re.Pattern[str]:
    return pattern_of(_TABLES["patterns"][name])


def _words(section: str, name: str) -> frozenset[str]:
    return frozenset(str(_TABLES[section][name]).split())


class Patterns(Mapping[str, re.Pattern[str]]):
    """Patterns by name; one is compiled when it is first looked up, which most are not in a process of one question."""

    def __init__(self, rows: Mapping[str, str]) -> None:
        self._rows = rows
        self._compiled: dict[str, re.Pattern[str]] = {}

    def __getitem__(self, name: str) -> re.Pattern[str]:
        if name not in self._compiled:
            self._compiled[name] = re.compile(self._rows[name])
        return self._compiled[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _patterns(section: str) -> Patterns:
    return Patterns({name: "|".join(row) for name, row in _TABLES[section].items()})


ASCENDING, DESCENDING = _pattern("ascending"), _pattern("descending")
DEFINE, DOCUMENT, ASIDES = _pattern("define"), _pattern("document"), _pattern("asides")
POSITIVE, NEGATIVE = _pattern("positive"), _pattern("negative")
PEERS, SECTOR_PEERS = _pattern("peers"), _pattern("sector_peers")

SAID = Patterns({name: "|".join(row) for each in ("said", "tells") for name, row in _TABLES[each].items()})
POINTS_BACK, OPERAND = _patterns("follow_up"), _patterns("operand")
SHIFTS: tuple[tuple[re.Pattern[str], int, str], ...] = tuple(
    (re.compile("|".join(row["patterns"])), row["steps"], row["unit"]) for row in _TABLES["shift"]
)

FILLERS = _words("english", "fillers")
TERMS = _words("english", "terms")
INDUSTRIES = frozenset(word for words in _TABLES["industries"].values() for word in words)
GROUPS = _words("english", "groups")
"""Words before “companies” that leave out none of those in the data: `listed`, `well-known`."""
EXPLAINED = _words("english", "explained")
"""Words that say in other terms what a slot already holds: `performed`, `daily closes`."""


@cache
def explaining() -> tuple[re.Pattern[str], ...]:
    """Patterns whose words are used, although no slot claims their characters."""
    return ASCENDING, DESCENDING, DEFINE, DOCUMENT, POSITIVE, NEGATIVE, *(SAID[name] for name in _TABLES["said"])


@cache
def conversational() -> tuple[re.Pattern[str], ...]:
    """The same of a question that follows another."""
    return *POINTS_BACK.values(), *OPERAND.values(), *(pattern for pattern, _, _ in SHIFTS)


SPELLING: tuple[str, ...] = tuple(str(_TABLES["english"]["spelling"]).split())

SCALES: Mapping[str, float] = _TABLES["amounts"]["scales"]
PERCENT = frozenset[str](_TABLES["amounts"]["percent"])
LESS, MORE = ("|".join(_TABLES["amounts"][side]) for side in ("less", "more"))


# --------------------------------------------------------------------------------------------- phrases


@cache
def tag_phrases(table: str) -> Phrases[str]:
    """Phrases of a table (`operations`, `directions`, `sectors`, `sets`, `marks`) and the tag of each."""
    rows: Table = _TABLES[table]
    phrases = [(phrase, tag) for tag, phrases in rows.items() for phrase in phrases]
    return Phrases([*phrases, *_industries()] if table == "sectors" else phrases)


def _industries() -> Iterator[tuple[str, str]]:
    """`food companies`: the words of industries before each noun that makes them one."""
    for tag, words in _TABLES["industries"].items():
        for word, noun in product(words, _TABLES["industry_nouns"]["all"]):
            yield f"{word} {noun}", tag


def tagged_words(table: str) -> list[str]:
    """Every phrase of a table."""
    rows: Table = _TABLES[table]
    return [phrase for phrases in rows.values() for phrase in phrases]


@cache
def metric_phrases(language: str) -> Phrases[str]:
    """The names of all metrics, in a language and in English."""
    wanted = dict.fromkeys(each for each in (language, "en") if each in LANGUAGES)
    return Phrases(
        (name, metric.id) for each in wanted for metric in catalogue().values() for name in _names(metric.names, each)
    )


def _names(names: Mapping[str, tuple[str, ...]] | None, language: str) -> Iterable[str]:
    return (names or {}).get(language, ())


@cache
def metric_names() -> frozenset[str]:
    """Every English name of a metric."""
    return frozenset(name for metric in catalogue().values() for name in _names(metric.names, "en"))


@cache
def vocabulary() -> frozenset[str]:
    """English words that mean something in a question: those of metrics, of the tables, and fillers."""
    tables = (_TABLES[name] for name in ("operations", "directions", "sectors", "industries"))
    phrases = (phrase for table in tables for row in table.values() for phrase in row)
    return FILLERS | {word for text in (*metric_names(), *phrases) for word in texts_of(text)}


# ------------------------------------------------------------------------------------------- languages

_TELL = {language: _words("tell", language) for language in _TABLES["tell"]}
_FUNCTION = {each: words | frozenset(_TABLES["function"].get(each, "").split()) for each, words in _TELL.items()}


def function_words(language: str) -> frozenset[str]:
    """Words of a language that carry no meaning of their own in a question."""
    return _FUNCTION.get(language, frozenset())


@cache
def _own_words() -> dict[str, frozenset[str]]:
    """Words of metrics' names that no English name has, by language."""
    languages = [each for each in _TELL if each != "en"]
    found = {
        each: {
            word
            for metric in catalogue().values()
            for name in _names(metric.names, each)
            for word in texts_of(name)
            if word.isalpha()
        }
        for each in languages
    }
    slips = {word[:-1] for word in vocabulary()}  # "revenu" is French, or English with a letter lost
    return {each: frozenset(words - vocabulary() - slips) for each, words in found.items()}


_ALSO_ENGLISH = {"no": 0.3, "a": 0.2}
"""Words of other languages that tell less, because English has them too."""


def language_of(text: str) -> str:
    """The language of a question, among those of the catalogue; English where nothing tells.

    Example:
        >>> language_of("Wie hoch war der Umsatz von Apple?"), language_of("苹果2023年的营收"), language_of("AAPL EPS")
        ('de', 'zh', 'en')
    """
    if re.search(r"[\u3040-\u30ff]", text):
        return "ja"
    if has_cjk(text):
        return "zh"
    tickers = {word.text for word in words_of(normalise(text)) if word.raw.isupper() and len(word.raw) > 1}
    own = [word.text for word in words_of(normalise(fold(text))) if not word.mark]
    own = own if text.isupper() else [word for word in own if word not in tickers]
    counts = {each: sum(_ALSO_ENGLISH.get(word, 1.0) for word in own if word in words) for each, words in _TELL.items()}
    for each, words in _own_words().items():
        counts[each] += 0.6 * sum(word in words for word in own)
    counts["en"] += 0.5 + 0.5 * sum(word in FILLERS and word not in _TELL["en"] for word in own)
    return max(counts, key=lambda each: counts[each])
