"""Definitions that a question itself gives: "…, defined as net income / average total assets", "(a less b)". Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from finassist.core.metrics import catalogue, described, parse
from finassist.questions.grammar import metric_phrases
from finassist.questions.metrics import simplest
from finassist.questions.tokenizer import Hit, Word, fold, words_of

_MARK = re.compile(
    r"\b(?:is |are )?(?:defined (?:here |below |above |there )?as|taken as|understood as|meaning|calculated as"
    r"|computed as|measured as|expressed as|given by|formula:|i\.e\.)\s*:?\s*"
    r"|\b(?:define|calculate|compute|measure|take) [^.?]{2,60}? as:?\s+|(?<![<>!=])=\s*|\bwhere (?=[\w ]{3,40} is )"
)
_BRACKET = re.compile(r"\((?=[^()]*(?: [/÷+*-] |\bover\b|divided by|\bminus\b|\bplus\b|\bless\b))")
_SIGNS = {
    "divided": "/", "over": "/", "less": "-", "minus": "-", "plus": "+", "times": "*", "multiplied": "*",
    "/": "/", "+": "+", "*": "*",
}  # fmt: skip
_WRAPPED = {
    "average": "avg({})",
    "mean": "avg({})",
    "avg": "avg({})",
    "change": "({0} - prev({0}))",
    "increase": "({0} - prev({0}))",
    "beginning": "prev({})",
    "opening": "prev({})",
    "prior": "prev({})",
}
_IGNORED = frozenset(
    ["the", "its", "of", "in", "for", "total", "year", "end", "fy", "fiscal", "ended", "ending", "between", "and",
     "from", "to", "at", "by", "same", "company", "s", "a", "unadjusted", "reported", "that", "two", "years", "over",
     "cash", "net", "closing", "annual", "own", "their", "during", "level", "book"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Definition:
    """A formula that a question gives.

    Attributes:
        formula: An expression over the catalogue; empty where a part of it is not there.
        missing: The words of that part.
        at: Where the definition stands.
        bracketed: Whether it stands in brackets after the metric that it defines.
        name: What it defines, lower case, or empty.
        year: The latest year of the question, or 0.
    """

    formula: str
    missing: str
    at: int
    bracketed: bool
    name: str = ""
    year: int = 0


def definitions_in(text: str) -> tuple[str, list[Definition]]:
    """The text with its definitions blanked out, every character in its place, and the definitions.

    Example:
        >>> definitions_in("Apple's cash conversion, defined as operating cash flow / net income")[1][0].formula
        'cash_conversion'
    """
    low = fold(text).replace("÷", "/").replace("×", "*")
    base = max((int(year) for year in re.findall(r"(?<!\d)20\d\d(?!\d)", low)), default=0)
    found: list[Definition] = []
    blanks: list[tuple[int, int]] = []
    at = 0
    while mark := _next_mark(low, at):
        bracketed = mark.group() == "("
        read = _Formula(low, mark.end(), base)
        at = mark.end()
        if read.done:
            start, name = _named(low, mark.start()) if not bracketed else (mark.start(), "")
            found.append(Definition(read.text, read.missing, start, bracketed, name, base))
            at = max(read.end, at)
            blanks.append((start, at))
    for start, end in blanks:
        text = text[:start] + " " * (end - start) + text[end:]
    return text, found


def _next_mark(low: str, at: int) -> re.Match[str] | None:
    marks = [mark for pattern in (_MARK, _BRACKET) if (mark := pattern.search(low, at))]
    return min(marks, key=lambda mark: mark.start(), default=None)


_SENTENCE = re.compile(
    r"(?:^|[.?!;:,('\"])\s*(?:where |with |define |following the definition )?['\"]?"
    r"(?P<name>[\w &%/-]{2,60}?)\s*,?\s*$"
)


def _named(low: str, at: int) -> tuple[int, str]:
    """Where the sentence that defines begins, and what it defines."""
    inside = re.match(r"\b(?:define|calculate|compute|measure|take) (?:the )?(.{2,60}?) as", low[at:])
    if inside:
        return at, inside[1]
    sentence = _SENTENCE.search(low[max(0, at - 80) : at])
    if not sentence:
        return at, ""
    own = low[max(0, at - 80) + sentence.start() : at][:1] in (".", "?", "!", ";")
    start = max(0, at - 80) + sentence.start("name")
    return (start if own else at), sentence["name"].strip().removesuffix(" here")


@dataclass(slots=True)
class _Formula:
    """A formula in words, read from one place of a text until it ends."""

    low: str
    start: int
    base: int
    text: str = ""
    missing: str = ""
    end: int = 0
    _out: list[str] = field(default_factory=list[str])
    _wrap: str = ""
    _open: int = 0
    _years: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        spaced = re.sub(r"(?<=[a-z)])/(?=[a-z(])", "\x01", self.low[self.start : self.start + 400])
        words = [
            Word(word.text, word.raw, word.start + self.start, word.end + self.start)
            for word in words_of(spaced.replace("\x01", "/"))
        ]
        self._read(words)
        if not self.missing:
            self._finish()

    @property
    def done(self) -> bool:
        """Whether it is a formula, complete or with a part that is not there."""
        return bool(self.text or self.missing)

    @property
    def _expects(self) -> bool:
        """Whether an operand must come next."""
        return not self._out or self._out[-1] in ("(", " / ", " - ", " + ", " * ")

    def _read(self, words: Sequence[Word]) -> None:
        at = 0
        while at < len(words):
            size = self._take(list(words), at)
            if size == 0:
                return
            at += size
            self.end = words[min(at, len(words)) - 1].end

    def _take(self, words: list[Word], at: int) -> int:
        """Take the word at a place; how many words were used, 0 where the formula ends."""
        word = words[at]
        if found := metric_phrases("en").longest(words, at):
            return found[0] if self._operand(found[1]) else 0
        if word.text.isdigit() and len(word.text) < 4 and self._expects:
            return 1 if self._operand(word.text) else 0
        if re.fullmatch(r"20\d\d", word.text) or re.fullmatch(r"fy\d{2,4}", word.text):
            return self._year(int(word.text.removeprefix("fy")[-2:]) + 2000)
        if self._wrap.startswith("avg") and word.text in ("opening", "closing", "beginning", "ending"):
            return 1
        if word.text in _WRAPPED and self._expects:
            self._wrap = _WRAPPED[word.text]
            return 1
        if (word.text in _SIGNS or self._is_minus(word)) and not self._expects:
            self._out.append(f" {_SIGNS.get(word.text, '-')} ")
            return 2 if words[at + 1 : at + 2] and words[at + 1].text == "by" else 1
        return self._mark_or_word(words, at)

    def _mark_or_word(self, words: list[Word], at: int) -> int:
        word = words[at]
        if word.text == "(" and self._expects:
            self._out.append("(")
            self._open += 1
            return 1
        if word.text == ")":
            if not self._open:
                self.end = word.end
                return 0
            self._out.append(")")
            self._open -= 1
            return 1
        if word.text in _IGNORED or word.text in ("-", "'"):
            return 1
        if self._expects and self._out and not word.mark:
            self.missing = word.text
            self.end = word.end
        return 0

    def _is_minus(self, word: Word) -> bool:
        return word.text == "-" and self.low[word.start - 1 : word.start] == " " == self.low[word.end : word.end + 1]

    def _operand(self, value: str) -> bool:
        if not self._expects:
            return False
        steps = self.base - self._years[-1] if len(self._years) == 1 and self._wrap == "" and self.base else 0
        for _ in range(steps if 0 < steps < 4 else 0):
            value = f"prev({value})"
        self._out.append(self._wrap.format(value) if self._wrap else value)
        self._wrap, self._years = "", []
        return True

    def _year(self, year: int) -> int:
        if self._expects:
            self._years.append(year)
        elif year < self.base and self._out[-1].isidentifier() and self.base - year < 4:
            for _ in range(self.base - year):
                self._out[-1] = f"prev({self._out[-1]})"
        return 1

    def _finish(self) -> None:
        while self._out and self._out[-1] in (" / ", " - ", " + ", " * ", "("):
            self._open -= self._out.pop() == "("
        text = "".join(self._out) + ")" * self._open
        text = re.sub(r" \* 100$", "", text)
        if not re.search(r" [/+*-] |avg\(|prev\(", text):
            return
        try:
            parse(text)
        except ValueError:
            return
        self.text = simplest(text)


def _in_times(formula: str, name: str) -> str:
    """A quotient in times rather than in percent where what it defines is measured so, as a turnover is."""
    known = metric_phrases("en").longest(words_of(name), 0) if name else None
    in_times = "turnover" in name or (known is not None and catalogue()[known[1]].unit == "times")
    return f"times({formula})" if in_times and described(formula).unit == "percent" else formula


def defined(metrics: Sequence[Hit[str]], definitions: Sequence[Definition], low: str) -> list[Hit[str]]:
    """The metrics of a question with what it defines in place of ours.

    Args:
        metrics: The metrics found in the text without the definitions.
        definitions: Complete definitions.
        low: The text, lower case.
    """
    found, own = list(metrics), list[Hit[str]]()
    for each in definitions:
        if each.name in ("it", "this", "that", "") and found and not each.bracketed:
            each = replace(each, name=found[0].words)
        if not each.bracketed:
            margin = each.name and re.search(rf"{re.escape(each.name)}(?: %)? margin", low)
            whole = each.formula if each.formula.isidentifier() else f"({each.formula})"
            formula = _in_times(simplest(f"{whole} / revenue") if margin else each.formula, each.name)
            if len({hit.value for hit in found}) > 1 and any(hit.words == each.name for hit in found):
                return [replace(hit, value=whole) if hit.words == each.name else hit for hit in found]
            own.append(Hit(formula, each.at, each.at, each.name or formula))
            continue
        before = [hit for hit in found if 0 <= each.at - hit.end <= 40]
        named = before[-1] if before else None
        if named is None or named.value != each.formula:
            new = Hit(each.formula, named.start if named else each.at, each.at, named.words if named else each.formula)
            found = [new if hit is named else hit for hit in found] if named else [*found, new]
    return own or found
