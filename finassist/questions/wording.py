"""A question in plain words: what stands around it is set aside, idioms are replaced, slips of the pen are mended.

"You are a credit analyst. Use only the balance sheet: …", "…, in USD millions, rounded to one decimal". Units and
decimals are kept; the rest asks for no figure, and its words must not be taken for metrics or topics. Idioms are
replaced by the words of the tables: "twenty twenty-four" by 2024.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

from finassist.core.periods import Period
from finassist.questions.grammar import SPELLING, metric_names, metric_phrases, table_of, tagged_words, vocabulary
from finassist.questions.periods import periods_in
from finassist.questions.tokenizer import fold, words_of
from finassist.symbols import directory
from finassist.symbols.names import ALIASES, common_words

_TABLE = table_of("framing")
_PARTS: dict[str, str] = {
    name: part if isinstance(part, str) else rf"(?:{'|'.join(part)})" for name, part in _TABLE["parts"].items()
}


def _filled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{([A-Z]+)\}", lambda part: _PARTS[part[1]], pattern), re.IGNORECASE)


_BEFORE = tuple(_filled(pattern) for pattern in _TABLE["before"]["patterns"])
_FORM = {name: _filled(pattern) for name, pattern in _TABLE["form"].items()}
_UNITS = ("nearest", "bracketed_unit", "counted", "trailing", "shares", "unit")
_SET_ASIDE = ("using", *_UNITS, "whole", "basis", "multiple", "decimals", "instruction", "forms")
_NUMBERS = {"zero": 0, "no": 0, "one": 1, "two": 2, "three": 3, "four": 4}
_SCALES = {"m": "millions", "mm": "millions", "mn": "millions", "b": "billions", "bn": "billions"}
_NOT_NAMES = r"Question|Here|Use|Using|Task|Answer|I\b|Role|Context|Assume|For\b"
_KEPT = re.compile(
    rf"(?:\b(?!{_NOT_NAMES})[A-Z][\w&.'-]*(?:\s+(?:of|and|&)\s+(?=[A-Z])|\s*))+"
    r"|\b(?:\d{1,2} [A-Z][a-z]+ )?(?:FY ?)?(?:19|20)\d\d(?:-(?:FY ?)?(?:19|20)?\d\d)?\b"
)
"""Names and years of a preamble."""


@dataclass(frozen=True, slots=True)
class Framing:
    """A question without what stands around it.

    Attributes:
        text: The question itself.
        unit: The unit asked for (`USD millions`), or empty.
        decimals: How many decimals are asked for.
    """

    text: str
    unit: str = ""
    decimals: int | None = None


def framed(text: str) -> Framing:
    """A normalised question without preamble and instructions, and the form that these ask for.

    Example:
        >>> framed("You are a credit analyst. What was 3M's revenue in FY2018, in USD millions? Round to one decimal.")
        Framing(text="What was 3M's revenue in FY2018?", unit='USD millions', decimals=1)
    """
    unit, decimals = _unit(text), _decimals(text)
    bare = text
    for _ in range(3):
        bare = _without_preamble(bare)
    bare = _lettered(bare)
    for name in _SET_ASIDE:
        bare = _FORM[name].sub(_blank, bare)
    if len(bare.split()) > 12:
        bare = _FORM["source"].sub("", bare)
    bare = _FORM["margin"].sub(r"\1 margin", _FORM["listed"].sub(" ", bare))
    bare = _tidy(re.sub(r"%(?= margin)", "", _parted(_DASH.sub(_no_minus, bare))))
    return Framing(bare if len(bare) > 2 else text, unit, decimals)


_DASH = re.compile(r" [-–—]{1,2} ")
_ASKS = re.compile(
    r"(?i:what|who|whom|which|how|when|where|why|was|were|is|are|did|does|do|has|have|give|show|tell|name|please|in|as"
    r"|by|up|down|any|can|could|just|i|and|but|or|so|not)\b"
)


def _no_minus(dash: re.Match[str]) -> str:
    """A comma for a dash that sets a clause apart: no figure stands before the first one, or a clause follows."""
    text, names = dash.string, metric_phrases("en")
    before = words_of(_DASH.split(text, 1)[0].lower())
    figure = any(names.longest(before, at) for at in range(len(before)))
    return dash.group() if figure and not _ASKS.match(text, dash.end()) else ", "


def _tidy(text: str) -> str:
    """The text without the gaps and marks that blanking left behind."""
    text = re.sub(r"\s{2,}", " ", re.sub(r"\(\s*\)", "", text))
    text = re.sub(r"\s+([?.,;])", r"\1", text)
    return re.sub(r"([?.])\.+", r"\1", text).strip()


def _parted(text: str) -> str:
    """`R&D/rev`: words with a slash that are no term of their own are parted."""
    return re.sub(r"(?<=\w)/(?=[A-Za-z])", _slash, text)


def _slash(match: re.Match[str]) -> str:
    text, at = match.string, match.start()
    start = max(text.rfind(" ", 0, at), text.rfind("(", 0, at)) + 1
    token = re.match(r"[\w&/]+", text[start : start + 60])
    return "/" if token is None or fold(token.group()) in _slashed() else " / "


@cache
def _slashed() -> frozenset[str]:
    """Terms with a slash: p/e, ev/ebitda, y/y."""
    words = (word.text for name in (*metric_names(), *tagged_words("operations")) for word in words_of(name))
    return frozenset(word for word in words if "/" in word)


def _lettered(text: str) -> str:
    """`(a) revenue, (b) cash flow, (c) b as a percentage of a`: letters that stand for items, spelt out."""
    items = {m[1]: m[2].strip(" ,;.") for m in re.finditer(r"\(([a-h])\)\s*([^(]{2,80})(?=\(|$)", text)}
    last = max(items, default="")
    if len(items) < 2 or not re.search(r"\b[a-h] as a (?:percentage|share|percent) of [a-h]\b", items[last]):
        return text
    spelt = re.sub(r"\b([a-h])\b(?= as|$|[.,])", lambda letter: items.get(letter[1], letter[1]), items[last])
    spelt = re.sub(r" of ([a-h])\b", lambda letter: f" of {items.get(letter[1], letter[1])}", spelt)
    return text.replace(items[last], f"and what is {spelt}")


def _blank(match: re.Match[str]) -> str:
    return " )" if match.group().endswith(")") and "(" not in match.group() else " "


def _without_preamble(text: str) -> str:
    """The text after its preamble; names and years that stand in the preamble are kept before it."""
    for pattern in _BEFORE:
        if found := pattern.match(text):
            names = ", ".join(each.group().strip() for each in _KEPT.finditer(found.group(), 1))
            return f"{names}: {text[found.end() :]}" if names else text[found.end() :]
    return text


def _unit(text: str) -> str:
    for name in _UNITS:
        if found := _FORM[name].search(text):
            groups = found.groupdict()
            word = fold(groups.get("scale") or groups.get("scale2") or "")
            return f"USD {_SCALES.get(word, word if word.endswith('s') else f'{word}s')}"
    units = {"multiple": "times", "percent": "percent", "basis": "basis points"}
    return next((unit for name, unit in units.items() if _FORM[name].search(text)), "")


def _decimals(text: str) -> int | None:
    if _FORM["nearest"].search(text) or _FORM["whole"].search(text):
        return 0
    found = _FORM["decimals"].search(text)
    if not found:
        return None
    word = fold(found["n"])
    return int(word) if word.isdigit() else _NUMBERS[word]


# -------------------------------------------------------------------------------------------------- spelling

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
    "expence": "expense", "expences": "expenses",
    "csh": "cash", "wat": "what", "earnt": "earned", "payed": "paid", "wht": "what",
    "wats": "what", "spnd": "spend", "spnt": "spent", "hw": "how", "mch": "much", "revs": "revenue", "prise": "price",
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
    return plain in _SLIPS or (not is_vocabulary(plain) and not directory().lookup(plain))


@lru_cache(_MOST_CACHED)
def _respelt(word: str) -> str | None:
    right = _nearest(word, ((right, 0) for right in SPELLING))
    one_slip = right is not None and edits(word, right, 1) is not None
    return None if closest(word, 99 if one_slip else 8) else right  # a name two slips away is further


@lru_cache(_MOST_CACHED)
def closest(words: str, short: int = 8) -> str | None:
    """The one well-known company whose name is a slip of the pen away, two in names that are not short, or `None`."""
    plain = _NOT_LETTERS.sub("", fold(words).removesuffix("'s"))
    if not 4 <= len(plain) <= 30 or fold(words) in common_words():
        return None
    near = [each for size in range(-2, 3) for each in _by_shape().get((plain[0], len(plain) + size), ())]
    name = _nearest(plain, near, short=short)
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


# ------------------------------------------------------------------------------------------- as known on a day

_KNOWN = re.compile(
    r",?\s*\b(?:(?:as|with what|(?:using|based on)(?: only)? what) (?:it |they )?(?:was |were )?(?:publicly )?"
    r"(?:known|public|available)|(?:using|with)(?: only)? (?:the )?(?:data|figures|information) (?:known|available))"
    r" (?:by|on|in|at|as of)\b",
    re.IGNORECASE,
)
_AS_OF = re.compile(r",?\s*\bas (?:of|at)\b", re.IGNORECASE)


def known_on_day(text: str) -> tuple[str, date | None]:
    """The question without "as known on …", and the day; a month or a year counts to its end.

    Example:
        >>> known_on_day("What was Apple's revenue as known in March 2023?")
        ("What was Apple's revenue?", datetime.date(2023, 3, 31))
    """
    return _dated_phrase(_KNOWN, text)


def as_of_day(text: str) -> tuple[str, date | None]:
    """The question without "as of" a day on which no quarter ends: it asks for what was known then.

    Example:
        >>> as_of_day("Apple revenue as of 2023-03-01"), as_of_day("Apple revenue as of 2023-12-31")[1]
        (('Apple revenue', datetime.date(2023, 3, 1)), None)
    """
    bare, day = _dated_phrase(_AS_OF, text, ("day",))
    ends_a_quarter = day is not None and (day.day >= 25 or (day.day <= 3 and day.month % 3 == 1))
    return (text, None) if ends_a_quarter else (bare, day)


def _dated_phrase(
    phrase: re.Pattern[str], text: str, kinds: tuple[str, ...] = ("day", "month", "calendar", "year", "end")
) -> tuple[str, date | None]:
    match = phrase.search(text)
    after = periods_in(text[match.end() :].lower()) if match else []
    found = next((each for each in after if each.start <= _CLOSE), None)
    period = found.value if found else None
    if match is None or found is None or not isinstance(period, Period) or period.kind not in kinds:
        return text, None
    return text[: match.start()] + text[match.end() + found.end :], period.last_day()


_CLOSE = 12
"""A day this many characters after its phrase belongs to it: "on the evening of"."""
