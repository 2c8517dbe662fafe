"""The companies that a question names, with how sure each is; spelling mended where only one company can be meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from finassist.core.metrics import catalogue
from finassist.questions import grammar
from finassist.questions.words import fold, has_cjk, words_of
from finassist.symbols.company import Match
from finassist.symbols.directory import directory
from finassist.symbols.vocabulary import common_words


@dataclass(frozen=True, slots=True)
class Named:
    """A company as named: its ticker, and whether the words can mean nothing else."""

    symbol: str
    strong: bool
    corrected: bool = False


@dataclass(slots=True)
class Names:
    """Companies of a text, and mentions that are none."""

    named: list = field(default_factory=list)  # type: ignore[type-arg]
    unmatched: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    corrected: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


_INDEX = re.compile(
    r"\b(?:the )?(?:s ?& ?p ?500|s and p 500|sp ?500|spx|\^gspc|standard (?:&|and) poor's 500)(?: index)?\b(?! (?:companies|company|stocks|members|constituents|firms|names|component))",
    re.I,
)


def companies_in(text: str, language: str) -> Names:
    """The companies of a normalised text."""
    from finassist.questions.slots import Hit

    found = Names()
    resolution = directory().resolve(text)
    for match in resolution.matches:
        if not _is_vocabulary(match, text):
            found.named.append(
                Hit(Named(match.company.symbol, _strong(match, text)), match.start, match.end, match.text)
            )
    taken = [match for match in resolution.matches]
    if any(c.islower() for c in text):
        for word in _CAPITALS.finditer(text):
            free = all(word.end() <= m.start or m.end <= word.start() for m in taken)
            company = directory().lookup(word.group()) if free and fold(word.group()) not in _TERMS else None
            if company and fold(word.group()) not in _metric_names():
                found.named.append(Hit(Named(company.symbol, False), *word.span(), word.group()))
    _joined_names(text, found)
    for index in _INDEX.finditer(text):
        if not re.search(r"\bin (?:the )?$", text[: index.start()]) or re.search(
            r"level|index|close|points", fold(text)
        ):
            found.named.append(Hit(Named("^GSPC", True), *index.span(), index.group()))
    if has_cjk(text):
        _cjk(text, found)
    for missing in resolution.unmatched:
        _mend(
            missing.text,
            missing.message,
            [c.symbol for c in missing.suggestions],
            missing.reason,
            text,
            found,
            language,
        )
    return found


_CAPITALS = re.compile(r"(?<![\w$&/.-])[A-Z]{2,5}(?![\w&/-])")


def _joined_names(text: str, found: Names) -> None:
    """`sales force` and `JP Morgen`: two words that are one name, written as it is or with a slip."""
    from finassist.questions.slots import Hit

    own = [word for word in words_of(text) if not word.mark]
    for left, right in zip(own, own[1:], strict=False):
        if any(hit.start < right.end and left.start < hit.end for hit in found.named) or right.start - left.end > 1:
            continue
        joined = left.text + right.text
        known = _well_known().get(joined)
        if known and len(joined) > 6 and known[0] < 600:
            found.named.append(Hit(Named(known[1], True), left.start, right.end, text[left.start : right.end]))
        elif len(joined) > 6 and left.raw[:1].isupper() and right.raw[:1].isupper() and (symbol := closest(joined)):
            found.named.append(Hit(Named(symbol, True, True), left.start, right.end, text[left.start : right.end]))
            found.corrected.append((text[left.start : right.end], symbol))


def _strong(match: Match, text: str) -> bool:
    """Several words, a marked ticker, or a possessive: not to be taken for a metric."""
    owned = text[match.end : match.end + 2].lower() == "'s" and match.text[:1].isupper()
    several = len(match.text.split()) > 1 or "-" in match.text or "&" in match.text
    marked = text[max(0, match.start - 1) : match.start] in ("$", "(", ":")
    return several or marked or owned


def _is_vocabulary(match: Match, text: str) -> bool:
    """Abbreviations of finance are no tickers: DPO, CCC, YOY, CEO."""
    raw = match.text
    if text[max(0, match.start - 1) : match.start] == "$":
        return False
    if text[match.end : match.end + 1].isalnum():
        return True
    if match.how != "ticker":
        return fold(raw) in _metric_names() or (raw.islower() and raw in _LOWER_WORDS and len(text.split()) > 1)
    return (raw.lower() in _TERMS or fold(raw) in _metric_names()) and not _alone(raw, text)


def _alone(raw: str, text: str) -> bool:
    return text.strip() == raw


_TERMS = frozenset(["dpo", "dso", "dio", "ccc", "yoy", "ceo", "cfo", "fy", "q1", "q2", "q3", "q4", "ttm", "ltm", "eps", "roe", "roa", "roic", "roce", "ebit", "ebitda", "fcf", "ocf", "cagr", "capex", "opex", "sga", "usd", "gaap", "ytd", "pe", "ps", "pb", "peg", "ev", "dps", "bvps", "sbc", "h1", "h2", "nii", "npm", "etf", "ipo", "gdp", "qoq", "avg", "rev", "op", "vs", "ai", "it", "us", "uk", "eu", "r", "d", "m", "a"])  # fmt: skip
_LOWER_WORDS = frozenset(["target", "block", "key", "match", "gap", "ball", "visa"]) - {"visa", "target"}


def _mend(
    words: str, message: str, suggestions: list[str], reason: str, text: str, found: Names, language: str
) -> None:
    """A ticker that is also a word, in capitals; or a misspelt name of a company that is well known."""
    from finassist.questions.slots import Hit

    at = text.find(words)
    if reason == "ambiguous" and words.isupper() and len(words) > 1 and fold(words) not in _TERMS and at >= 0:
        found.named.append(Hit(Named(suggestions[0], False), at, at + len(words), words))
        return
    if reason == "unknown" and at >= 0 and "privately" not in message and "abroad" not in message:
        symbol = closest(words)
        if symbol:
            found.named.append(Hit(Named(symbol, False, True), at, at + len(words), words))
            found.corrected.append((words, symbol))
            return
    if fold(words) not in _TERMS and not _metric_words(words):
        found.unmatched.append((words, message))


def _metric_words(words: str) -> bool:
    return fold(words) in _vocabulary()


def is_metric_name(words: str) -> bool:
    """Whether these words are a name of a metric in the catalogue."""
    return words in _metric_names()


@cache
def _metric_names() -> frozenset[str]:
    return frozenset(name for metric in catalogue().values() for name in (metric.names or {}).get("en", ()))


@cache
def _vocabulary() -> frozenset[str]:
    found: set[str] = set()
    for metric in catalogue().values():
        for name in (metric.names or {}).get("en", ()):
            found |= {word.text for word in words_of(name)}
    for table in (grammar.OPERATIONS, grammar.DIRECTIONS, grammar.SECTORS):
        for phrases in table.values():
            found |= {word.text for word in words_of(phrases)}
    return frozenset(found) | grammar.FILLERS


def is_vocabulary(word: str) -> bool:
    """Whether a word has a meaning of its own in questions, so that it is not a misspelt name."""
    return word in _vocabulary() or word in common_words()


def closest(words: str) -> str | None:
    """The one well-known company whose name is a slip of the pen away, or `None`."""
    plain = re.sub(r"[^a-z0-9]", "", fold(words).removesuffix("'s"))
    if len(plain) < 4 or fold(words) in common_words():
        return None
    best: tuple[int, int, str] | None = None
    limit = 1 if len(plain) < 6 else 2
    for name, (rank, symbol) in _well_known().items():
        if abs(len(name) - len(plain)) > limit or name[0] != plain[0]:
            continue
        distance = edits(plain, name, limit)
        if distance is not None and (best is None or (distance, rank) < best[:2]):
            best = distance, rank, symbol
    return best[2] if best else None


_SUFFIX = re.compile(
    r"[,. ]+(?:inc|corp|corporation|company|co|plc|ltd|group|holdings?|incorporated|companies|international|class [abc]|the|n\.?v|s\.?a|brands|technologies)\b\.?",
    re.I,
)


@cache
def _well_known() -> dict[str, tuple[int, str]]:
    """Names of the largest companies without spaces, and the rank and ticker of each."""
    from finassist.symbols.vocabulary import ALIASES

    found: dict[str, tuple[int, str]] = {}
    for rank, company in enumerate(directory().companies()):
        if rank >= 900:
            break
        name = _SUFFIX.sub("", company.name)
        name = name.removesuffix(".com")
        for each in (name, name.split(" ")[0] if len(name.split(" ")[0]) > 5 else name):
            plain = re.sub(r"[^a-z0-9]", "", fold(each))
            if len(plain) > 3 and plain not in common_words():
                found.setdefault(plain, (rank, company.symbol))
    for alias, symbol in ALIASES.items():
        plain = re.sub(r"[^a-z0-9]", "", fold(alias))
        if len(plain) > 4 and plain not in common_words():
            found.setdefault(plain, (0, symbol))
    return found


def edits(left: str, right: str, most: int) -> int | None:
    """How many letters to change, add, drop or swap; `None` if more than `most`."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return None
        rows.append(row)
    return rows[-1][-1] if rows[-1][-1] <= most else None


@cache
def _cjk_names() -> tuple[tuple[str, str], ...]:
    text = files("finassist.questions").joinpath("names_cjk.txt").read_text(encoding="utf-8")
    pairs = [(name, line.split()[0]) for line in text.splitlines() if line for name in line.split()[1:]]
    return tuple(sorted(pairs, key=lambda pair: len(pair[0]), reverse=True))


def _cjk(text: str, found: Names) -> None:
    from finassist.questions.slots import Hit

    taken = [False] * len(text)
    for hit in found.named:
        taken[hit.start : hit.end] = [True] * (hit.end - hit.start)
    for name, symbol in _cjk_names():
        at = text.find(name)
        if at >= 0 and not any(taken[at : at + len(name)]):
            taken[at : at + len(name)] = [True] * len(name)
            found.named.append(Hit(Named(symbol, True), at, at + len(name), name))


def corrected_words(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A text in which words that are in no word list and one slip away from a finance word are spelt right.

    Example:
        >>> corrected_words("gross margn of Apple")[1]
        [('margn', 'margin')]
    """
    changes: list[tuple[str, str]] = []
    out = text
    for word in reversed(words_of(text)):
        plain = word.text
        capital = word.raw[:1].isupper() and word.start > 0
        if len(plain) < 4 or not plain.isascii() or not plain.isalpha() or word.raw.isupper() or capital:
            continue
        if plain in _vocabulary() or (plain in common_words() and plain not in _SLIPS) or directory().lookup(plain):
            continue
        right = _SLIPS.get(plain) or _respelt(plain)
        if right:
            out = out[: word.start] + right + out[word.end :]
            changes.append((word.raw, right))
    return out, changes[::-1]


_SLIPS = {"gros": "gross", "proffit": "profit", "margins'": "margins"}


def _respelt(word: str) -> str | None:
    limit = 1 if len(word) < 7 else 2
    if closest(word):
        return None
    best: tuple[int, str] | None = None
    for right in _SPELLING:
        if abs(len(right) - len(word)) <= limit and right[0] == word[0]:
            distance = edits(word, right, limit)
            if distance and (best is None or distance < best[0]):
                best = distance, right
    return best[1] if best else None


_SPELLING = tuple(
    [
        "revenue",
        "revenues",
        "sales",
        "income",
        "operating",
        "profit",
        "profits",
        "margin",
        "margins",
        "gross",
        "equity",
        "assets",
        "liabilities",
        "dividend",
        "dividends",
        "earnings",
        "cashflow",
        "capital",
        "expenditure",
        "expenditures",
        "research",
        "development",
        "inventory",
        "receivables",
        "diluted",
        "shares",
        "growth",
        "increase",
        "decrease",
        "average",
        "combined",
        "highest",
        "lowest",
        "largest",
        "smallest",
        "company",
        "companies",
        "quarter",
        "fiscal",
        "trailing",
        "twelve",
        "months",
        "price",
        "stock",
        "total",
        "return",
        "volatility",
        "drawdown",
        "buybacks",
        "buyback",
        "repurchases",
        "interest",
        "expense",
        "debt",
        "payout",
        "yield",
        "ratio",
        "current",
        "quick",
        "turnover",
        "goodwill",
        "compare",
        "difference",
        "percentage",
        "between",
        "technology",
        "healthcare",
        "energy",
        "industrial",
        "retailers",
        "what",
        "which",
        "how",
    ]
)
