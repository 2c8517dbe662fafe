"""The companies that a question names, with how sure each is; spelling mended where only one company can be meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import islice, pairwise

from finassist.questions.grammar import INDUSTRIES, TERMS, metric_names, vocabulary
from finassist.questions.slots import Named, Slots
from finassist.questions.tokenizer import Claims, Hit, Word, fold, has_cjk, words_of
from finassist.questions.wording import closest, is_vocabulary, well_known
from finassist.symbols import directory
from finassist.symbols.company import Match, Unmatched

INDEX = "^GSPC"
"""The symbol of the S&P 500, the one index with data."""


@dataclass(slots=True)
class Names:
    """Companies of a text, and mentions that are none.

    Attributes:
        named: Companies with their places.
        unmatched: Words that read like a company and are none, each with the reason.
        corrected: Words that were read as a company, and its ticker.
        choices: Words that fit several companies, with their tickers.
    """

    named: list[Hit[Named]] = field(default_factory=list[Hit[Named]])
    unmatched: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    corrected: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    choices: list[Hit[tuple[str, ...]]] = field(default_factory=list[Hit[tuple[str, ...]]])


_INDEX = re.compile(
    r"\b(?:the )?(?:s ?& ?p ?500|s and p 500|sp ?500|spx|\^gspc|standard (?:&|and) poor's 500)(?: index)?\b"
    r"(?! (?:companies|company|stocks|members|constituents|firms|names|component))",
    re.I,
)
_CAPITALS = re.compile(r"(?<![\w$&/.-])[A-Z]{2,5}(?![\w&/-])")
ALSO_WORDS = {"Target": "TGT", "Block": "XYZ", "Visa": "V", "Match": "MTCH", "Gap": "GAP", "Ball": "BALL",
               "Key": "KEY", "Ford": "F", "Progressive": "PGR", "Nasdaq": "NDAQ", "Align": "ALGN", "Ally": "ALLY",
               "Quest": "DGX", "Intuitive": "ISRG", "Monster": "MNST", "Principal": "PFG", "Arch": "ACGL",
               "Cboe": "CBOE", "Booking": "BKNG", "Ventas": "VTR", "Waters": "WAT"}  # fmt: skip
"""Companies whose names are English words: capitalised inside a sentence, they are meant."""
_CAPITALISED = re.compile(
    rf"(?<![.?!:] )(?<![\w-])(?<!\b[Tt]he )(?<!\bon )(?:{'|'.join(ALSO_WORDS)})\b"
    r"(?! [A-Z0-9]|: |-| (?:stocks|companies|index))"
)
_OWNS = re.compile(
    r"['’]s\b| (?:(?:FY ?|fiscal )?20\d\d |TTM |Q\d )*(?:revenues?|sales|net|gross|operating|profits?|income|earnings"
    r"|eps|p/e|stock|shares?|market|dividends?|margin|cash|free|debt|capex|ebitda|roe)\b"
)
"""What a company has that begins a sentence."""
_LOWER_WORDS = frozenset({"block", "key", "match", "gap", "ball"})
_COMPARED = re.compile(r" (?:vs\.?|versus|plus) ")
_UMBRELLA = re.compile(
    r"(?<![\w&-])(?:United|American|General|National|Southern|Northern|International|Applied)\b"
    r"(?!\s+(?:[A-Z]|companies|firms|stocks|corporations|businesses))"
)


_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def companies_in(text: str, language: str = "en") -> Names:
    """The companies of a normalised text."""
    found = Names()
    latin = _ASIAN.sub(" ", text) if has_cjk(text) else text  # `IBMの` has no space
    resolution = directory().resolve(latin)
    found.choices += _several(latin)
    for match in resolution.matches:
        if language != "en" and match.text.islower():
            continue
        unsure = any(hit.start == match.start for hit in found.choices) or _doubtful(match, latin, resolution.matches)
        if not unsure and not _is_vocabulary(match, latin):
            _name(found, match.company.symbol, match.start, match.end, text, strong=_strong(match, latin))
    _bare_tickers(latin, found, resolution.matches)
    _joined_names(text, found, english=language == "en")
    for index in _INDEX.finditer(text):
        inside = re.search(r"\b(?:in|leads?|tops?) (?:the )?$", text[max(0, index.start() - 8) : index.start()])
        if not inside or re.search(r"level|index|close|points|invest|\$\d", fold(text)):
            _name(found, INDEX, *index.span(), text, strong=True)
    if has_cjk(text):
        _cjk(text, found)
        if not found.named and not resolution.unmatched:
            found.unmatched += _unknown_cjk(text)
    for missing in resolution.unmatched:
        _mend(missing, text, found, english=language == "en")
    return found


_IN_A_LIST = (
    re.compile(r"(?:[,/&]|\b(?:and|or|vs\.?|versus|plus|to|with|than))\s*$"),
    re.compile(r"\s*(?:[,/&]|(?:and|or|vs|versus|plus)\b)"),
)


def _doubtful(match: Match, text: str, matches: tuple[Match, ...]) -> bool:
    """`ex-items`, `max drawdown of Tesla`: a word that is also an obscure ticker, in no list with a company."""
    if match.how != "ticker" or match.certain or not match.text.islower():
        return False
    listed = _IN_A_LIST[0].search(text[: match.start]) or _IN_A_LIST[1].match(text, match.end)
    return text[match.end : match.end + 1] == "-" or (any(each.certain for each in matches) and not listed)


def _name(found: Names, symbol: str, start: int, end: int, text: str, *, strong: bool, mended: bool = False) -> None:
    found.named.append(Hit(Named(symbol, strong, mended), start, end, text[start:end]))
    if mended:
        found.corrected.append((text[start:end], symbol))


def _bare_tickers(text: str, found: Names, matches: tuple[Match, ...]) -> None:
    """`NKE` in a sentence that is not all in capitals."""
    if text.isupper():
        return
    taken = Claims(len(text))
    for match in matches:
        taken.take(match.start, match.end)
    for word in _CAPITALS.finditer(text):
        plain = fold(word.group())
        abbreviation = (
            len(plain) == 2 and text[: word.start()].lower().endswith("the ") and not text[word.end() :].strip(" ?!.")
        )
        if not taken.free(*word.span()) or plain in TERMS or plain in metric_names() or abbreviation:
            continue
        if company := directory().lookup(word.group()):
            before = text[max(0, word.start() - 5) : word.start()].lower()
            _name(
                found, company.symbol, *word.span(), text, strong=before.endswith((" of ", " for ", " did ", " does "))
            )
    for word in _CAPITALISED.finditer(text):
        symbol = ALSO_WORDS[word.group()]
        owner = _OWNS.match(text, word.end()) is not None
        if (word.start() > 0 or owner) and taken.free(*word.span()):
            _name(found, symbol, *word.span(), text, strong=False)


def _joined_names(text: str, found: Names, *, english: bool) -> None:
    """`sales force` and `JP Morgen`: two words that are one name, written as it is or with a slip."""
    taken = Claims(len(text))
    for hit in found.named:
        taken.take(hit.start, hit.end)
    own = [word for word in words_of(text) if not word.mark]
    for left, right in pairwise(own):
        joined = left.text + right.text
        if (
            len(joined) < 7
            or right.text[0].isdigit()
            or not TERMS.isdisjoint((left.text, right.text))
            or right.start - left.end > 1
            or not (english or right.raw[:1].isupper())
        ):
            continue
        if not taken.free(left.start, right.end):
            _mend_pair(found, left, right, text)
            continue
        both = is_vocabulary(left.text) and is_vocabulary(right.text)
        known = well_known().get(joined)
        if known and known[0] < 600:
            _name(found, known[1], left.start, right.end, text, strong=True)
        elif (capitals := left.raw[:1].isupper() and right.raw[:1].isupper()) or not both:
            symbol = closest(joined) if capitals or len(joined) > 7 else None
            if symbol and right.text not in metric_names() and (capitals or not is_vocabulary(right.text)):
                _name(found, symbol, left.start, right.end, text, strong=True, mended=True)


def _mend_pair(found: Names, left: Word, right: Word, text: str) -> None:
    """`lockhead martin`: one misspelt word beside one that is read as another company."""
    hits = [hit for hit in found.named if hit.start < right.end and left.start < hit.end]
    symbol = closest(left.text + right.text)
    inside = all(left.start <= hit.start and hit.end <= right.end and not hit.value.strong for hit in hits)
    slip = not is_vocabulary(left.text) and not is_vocabulary(right.text)
    if symbol and inside and slip:
        found.named = [hit for hit in found.named if hit not in hits]
        found.corrected = [each for each in found.corrected if each[0] not in {hit.words for hit in hits}]
        _name(found, symbol, left.start, right.end, text, strong=True, mended=True)


def _strong(match: Match, text: str) -> bool:
    """Several words, a marked ticker, or a possessive: not to be taken for a metric."""
    owned = text[match.end : match.end + 2].lower() == "'s" and match.text[:1].isupper()
    several = len(match.text.split()) > 1 or "-" in match.text or "&" in match.text
    marked = text[max(0, match.start - 1) : match.start] in ("$", "(", ":")
    return several or marked or owned


_PLACES = frozenset({"united states", "united kingdom", "north america", "latin america", "americas", "europe", "asia"})


def _is_vocabulary(match: Match, text: str) -> bool:
    """Abbreviations of finance are no tickers: DPO, CCC, YOY, CEO."""
    raw, plain = match.text, fold(match.text)
    if plain in _PLACES or re.fullmatch(r"[qh][1-4]", plain):  # `in Q2?`
        return True
    if text[max(0, match.start - 1) : match.start] == "&" and match.text[1:2] == " ":  # `R&D over` is no Dover
        return True
    if text[max(0, match.start - 1) : match.start] == "$":
        return False
    if fold(text[max(0, match.start - 2) : match.start]) == "p/":  # P/E on a day is no E.ON
        return True
    if not match.text[-1:].isspace() and text[match.end : match.end + 1].isalnum():
        return True
    if match.how != "ticker":
        return (
            plain in TERMS
            or plain in metric_names()
            or (plain in INDUSTRIES and match.how != "exact" and raw.islower())
            or _begins_with_it(match, text)
            or (raw in _LOWER_WORDS and len(text) > len(raw) and not _COMPARED.match(text, match.end))
        )
    return (plain in TERMS or plain in metric_names()) and text.strip() != raw


def _begins_with_it(match: Match, text: str) -> bool:
    """`Gap between …`: an English word that begins a question, not the company."""
    after = text[match.end : match.end + 12].lstrip(" ,").partition(" ")[0]
    return match.start == 0 and match.text.lower() in _LOWER_WORDS and after in ("between", "of", "in")


def _mend(missing: Unmatched, text: str, found: Names, *, english: bool) -> None:
    """A ticker that is also a word, in capitals; or a misspelt name of a company that is well known."""
    words = missing.text
    while " " in words and is_vocabulary(fold(words.rpartition(" ")[2])):  # `marriot net`, before income
        words = words.rpartition(" ")[0]
    plain = fold(words)
    at = text.find(words)
    if missing.reason == "ambiguous" and words.isupper() and len(words) > 1 and plain not in TERMS and at >= 0:
        _name(found, missing.suggestions[0].symbol, at, at + len(words), text, strong=False)
        return
    if at >= 0 and any(hit.start < at + len(words) and at < hit.end for hit in found.named):
        return
    elsewhere = "privately" in missing.message or "abroad" in missing.message
    if (
        missing.reason == "unknown"
        and at >= 0
        and not elsewhere
        and (english or words[:1].isupper())
        and (symbol := closest(words))
    ):
        _name(found, symbol, at, at + len(words), text, strong=False, mended=True)
        return
    if plain not in TERMS and plain not in vocabulary():
        found.unmatched.append((words, missing.message))


# ---------------------------------------------------------------------------------- one word, several companies


def _several(text: str) -> Iterator[Hit[tuple[str, ...]]]:
    """`United`, `American`, `General` alone: the well-known companies whose names begin so."""
    for match in islice(_UMBRELLA.finditer(text), 5):
        symbols = _beginning_with().get(match.group(), ())
        if len(symbols) > 1:
            yield Hit(symbols[:6], match.start(), match.end(), match.group())


@cache
def _beginning_with() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for company in islice(directory().companies(), 700):
        first, _, rest = company.name.partition(" ")
        if rest:
            found[first] = (*found.get(first, ()), company.symbol)
    return found


# ------------------------------------------------------------------------------------ Chinese and Japanese


@cache
def _cjk_names() -> tuple[tuple[str, str], ...]:
    text = files("finassist.questions").joinpath("names_cjk.txt").read_text(encoding="utf-8")
    pairs = [(name, line.split()[0]) for line in text.splitlines() if line for name in line.split()[1:]]
    return tuple(sorted(pairs, key=lambda pair: len(pair[0]), reverse=True))


_UNKNOWN_CJK = re.compile(
    r"(?P<ja>[\u30a1-\u30fa\u30fc\u4e00-\u9fff]{2,10})(?=の)|^(?P<zh>[\u4e00-\u9fff]{2,6}?)(?=的|\d|在)"
)


_KINDS_OF_COMPANY = frozenset(
    [
        "上市",
        "美国",
        "所有",
        "全部",
        "这家",
        "这些",
        "大型",
        "科技",
        "技术",
        "能源",
        "医疗",
        "金融",
        "保险",
        "银行",
        "零售",
        "软件",
        "半导体",
        "芯片",
        "汽车",
        "石油",
        "公用事业",
        "房地产",
        "材料",
        "工业",
        "消费",
        "制药",
        "生物",
        "航空",
        "电信",
        "媒体",
    ]
)
"""What stands before “company” in Chinese and is no name."""


def _unknown_cjk(text: str) -> Iterator[tuple[str, str]]:
    """A name in Chinese or Japanese that is no company of the data."""
    for match in islice(_UNKNOWN_CJK.finditer(text), 3):
        name = match.group().removesuffix("公司")
        kinds = ("年", "公司", "企業", "会社", "利益", "売上", "营收", "行业", "哪", "最")
        if len(name) > 1 and name not in _KINDS_OF_COMPANY and not any(phrase in name for phrase in kinds):
            yield name, f"{name} is not in the directory of US-listed companies; ask about a US-listed company instead."
            return


def _cjk(text: str, found: Names) -> None:
    taken = Claims(len(text))
    for hit in found.named:
        taken.take(hit.start, hit.end)
    for name, symbol in _cjk_names():
        at = text.find(name)
        if at >= 0 and taken.free(at, at + len(name)):
            taken.take(at, at + len(name))
            _name(found, symbol, at, at + len(name), text, strong=True)


def begin_with_owner(slots: Slots) -> None:
    """The company whose share is asked comes first: the one that is named twice."""
    named = Counter(hit.value.symbol for hit in slots.companies)
    owner = next((symbol for symbol, times in named.items() if times > 1), slots.about[0])
    slots.about = [owner, *(symbol for symbol in slots.about if symbol != owner)]
