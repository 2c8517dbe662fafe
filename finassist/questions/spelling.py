"""Slips of the pen: words that are in no word list, mended to a word of finance or to a well-known company."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from finassist.questions.grammar import SPELLING, vocabulary
from finassist.questions.tokenizer import fold, words_of
from finassist.symbols.directory import directory
from finassist.symbols.names import ALIASES, common_words

_KNOWN_BEST = 900
_MOST_CACHED = 10_000
_NOT_LETTERS = re.compile(r"[^a-z0-9]")
_SUFFIX = re.compile(
    r"[,. ]+(?:inc|corp|corporation|company|co|plc|ltd|group|holdings?|incorporated|companies|international"
    r"|class [abc]|the|n\.?v|s\.?a|brands|technologies)\b\.?",
    re.I,
)
_SLIPS = {
    "gros": "gross", "proffit": "profit", "mgn": "margin", "mrgn": "margin", "gorss": "gross", "incme": "income",
    "csh": "cash", "wat": "what", "wht": "what", "wats": "what", "revs": "revenue",
}  # fmt: skip


def is_vocabulary(word: str) -> bool:
    """Whether a word has a meaning of its own in questions, so that it is not a misspelt name."""
    return word in vocabulary() or word in common_words()


def corrected_words(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A text in which words that are in no word list and one slip away from a finance word are spelt right.

    Example:
        >>> corrected_words("gross margn of Apple")[1]
        [('margn', 'margin')]
    """
    pieces: list[str] = []
    changes: list[tuple[str, str]] = []
    at = 0
    for word in words_of(text):
        if not _may_be_a_slip(word.raw, word.start) or not (right := _SLIPS.get(word.text) or _respelt(word.text)):
            continue
        pieces += [text[at : word.start], right]
        changes.append((word.raw, right))
        at = word.end
    return "".join([*pieces, text[at:]]), changes


def _may_be_a_slip(raw: str, start: int) -> bool:
    plain = fold(raw)
    if not 3 <= len(plain) <= 20 or not plain.isascii() or not plain.isalpha():
        return False
    if raw.isupper() or (raw[:1].isupper() and start > 0):
        return False
    if plain in _SLIPS:
        return True
    if len(plain) < 4:
        return False
    known = plain in vocabulary() or (plain in common_words() and plain not in _SLIPS)
    return not known and not directory().lookup(plain)


@lru_cache(_MOST_CACHED)
def _respelt(word: str) -> str | None:
    return None if closest(word) else _nearest(word, ((right, 0) for right in SPELLING))


@lru_cache(_MOST_CACHED)
def closest(words: str) -> str | None:
    """The one well-known company whose name is a slip of the pen away, or `None`."""
    plain = _NOT_LETTERS.sub("", fold(words).removesuffix("'s"))
    if not 4 <= len(plain) <= 30 or fold(words) in common_words():
        return None
    near = [each for size in range(-2, 3) for each in _by_shape().get((plain[0], len(plain) + size), ())]
    name = _nearest(plain, near, short=8)
    return well_known()[name][1] if name else None


@cache
def _by_shape() -> dict[tuple[str, int], list[tuple[str, int]]]:
    """Names of the largest companies by first letter and length, with rank."""
    found: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for name, (rank, _) in well_known().items():
        found.setdefault((name[0], len(name)), []).append((name, rank))
    return found


def _nearest(word: str, names: Iterable[tuple[str, int]], short: int = 7) -> str | None:
    """The name with the fewest slips, at most one for short words and two for long ones; then the best rank."""
    limit = 1 if len(word) < short else 2
    best: tuple[int, int, str] | None = None
    for name, rank in names:
        if abs(len(name) - len(word)) > limit or name[0] != word[0]:
            continue
        distance = edits(word, name, limit)
        if distance is not None and (best is None or (distance, rank) < best[:2]):
            best = distance, rank, name
    return best[2] if best else None


@cache
def well_known() -> dict[str, tuple[int, str]]:
    """Names of the largest companies without spaces, and the rank and ticker of each."""
    found: dict[str, tuple[int, str]] = {}
    for rank, company in zip(range(_KNOWN_BEST), directory().companies(), strict=False):
        name = _SUFFIX.sub("", company.name).removesuffix(".com")
        first = name.split(" ")[0]
        for each in (name, first if len(first) > 5 else name):
            plain = _NOT_LETTERS.sub("", fold(each))
            if len(plain) > 3 and plain not in common_words():
                found.setdefault(plain, (rank, company.symbol))
    for alias, symbol in ALIASES.items():
        plain = _NOT_LETTERS.sub("", fold(alias))
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
