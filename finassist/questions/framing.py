"""What stands around a question: a role to play, a source to use, a form to answer in. It is set aside before the scan.

"You are a credit analyst. Use only the balance sheet: …", "…, in USD millions, rounded to one decimal". Units and
decimals are kept; the rest asks for no figure, and its words must not be taken for metrics or topics. Idioms are
replaced by the words of the tables: "twenty twenty-four" by 2024.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from finassist.questions.grammar import metric_names, table_of, tagged_words
from finassist.questions.tokenizer import fold, words_of

_TABLE = table_of("framing")
_PARTS: dict[str, str] = {
    name: part if isinstance(part, str) else rf"(?:{'|'.join(part)})" for name, part in _TABLE["parts"].items()
}


def _filled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{([A-Z]+)\}", lambda part: _PARTS[part[1]], pattern), re.IGNORECASE)


_BEFORE = tuple(_filled(pattern) for pattern in _TABLE["before"]["patterns"])
_FORM = {name: _filled(pattern) for name, pattern in _TABLE["form"].items()}
_SET_ASIDE = ("using", "nearest", "bracketed_unit", "unit", "multiple", "decimals", "instruction", "forms")
_UNITS = ("nearest", "bracketed_unit", "unit")
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
    bare = _tidy(re.sub(r"%(?= margin)", "", _parted(bare)))
    return Framing(bare if len(bare) > 2 else text, unit, decimals)


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
    return "times" if _FORM["multiple"].search(text) else ""


def _decimals(text: str) -> int | None:
    if _FORM["nearest"].search(text):
        return 0
    found = _FORM["decimals"].search(text)
    if not found:
        return None
    word = fold(found["n"])
    return int(word) if word.isdigit() else _NUMBERS[word]


# ------------------------------------------------------------------------------------------------ rewording

_SMALL = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_YEARS = {
    **{word: 2010 + at for at, word in enumerate(_TEENS)},
    "twenty": 2020,
    **{f"twenty {word}": 2021 + at for at, word in enumerate(_SMALL)},
}
_TENS = "|".join([f"twenty[ -](?:{'|'.join(_SMALL)})", "twenty", *_TEENS])
_YEAR = re.compile(rf"\btwenty[ -](?P<y>{_TENS})\b(?! (?:percent|per cent|companies))", re.I)


def _rows() -> Iterator[tuple[re.Pattern[str], str]]:
    for block in table_of("rewording")["reword"]:
        for pattern, replacement in block["rows"]:
            exact = "[A-Z]" in pattern
            yield re.compile(pattern if exact else f"(?i){pattern}"), replacement


_ROWS = tuple(_rows())


def reworded(text: str) -> str:
    """The question with its idioms replaced.

    Example:
        >>> reworded("sales twenty twenty-four"), reworded("Visa top line, 24 over 23")
        ('sales 2024', 'Visa top line, percent change from 2023 to 2024')
    """
    text = _YEAR.sub(lambda match: str(_YEARS[match["y"].lower().replace("-", " ")]), text)
    for pattern, replacement in _ROWS:
        text = pattern.sub(replacement, text)
    return text
