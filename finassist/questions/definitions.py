"""Formulas that a question itself gives, as expressions over metrics. Pure.

"…, defined as net income / average total assets", "(a less b)": what is defined takes the place of ours.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from finassist.core.metrics import described, parse
from finassist.questions.expressions import as_multiple, in_days, in_times, simplest
from finassist.questions.grammar import metric_phrases
from finassist.questions.tokenizer import Hit, Word, fold, words_of
from finassist.symbols.names import word_set

_MARK = re.compile(
    r"\b(?:is |are )?(?:defined (?:here |below |above |there )?as|taken as|understood as|meaning(?! of)|calculated as"
    r"|computed as|measured as|expressed as|given by|formula:|i\.e\.)\s*:?\s*"
    r"|\b(?:define|calculate|compute|measure|take) [^.?]{2,60}? as:?\s+|\bdefine [^.?:]{2,60}?:\s*(?=\()"
    r"|(?<![<>!=])=\s*|\bwhere (?=[\w ]{3,40} is )"
)


_BRACKET = re.compile(r"\((?=[^()]*(?: [/÷+*-] |\bover\b|divided by|\bminus\b|\bplus\b|\bless\b))")


_JOINS = r"(?:[-+*/]|\b(?:divided by|over|minus|less|plus|times|ratio of|sum of|average of))"
_OPERAND = re.compile(rf"{_JOINS}\s*$"), re.compile(rf"\s*{_JOINS}\s")


_SIGNS = {
    "divided": "/", "over": "/", "less": "-", "minus": "-", "plus": "+", "times": "*", "multiplied": "*",
    "/": "/", "+": "+", "*": "*",
}  # fmt: skip


_CHANGE = "({0} - prev({0}))"


_WRAPPED = {
    "average": "avg({})", "mean": "avg({})", "avg": "avg({})", "change": _CHANGE, "increase": _CHANGE,
    "beginning": "prev({})", "opening": "prev({})", "prior": "prev({})",
}  # fmt: skip


_IGNORED = word_set(
    "the its of in for total year end fy fiscal ended ending between and from to at by same company s a unadjusted "
    "reported that two years over cash net closing annual own their during level book simple arithmetic"
)


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
    words: Sequence[Word] = ()
    found: list[Definition] = []
    at = 0
    while mark := _next_mark(low, at):
        at = mark.end()
        words = words or words_of(low)
        first, last = (bisect_left(words, place, key=lambda word: word.start) for place in (at, at + _LONGEST))
        read = _Formula(low, words[first:last], base)
        if read.text or read.missing:
            bracketed = mark.group() == "("
            start, name = (mark.start(), "") if bracketed else _named(low, mark.start())
            found.append(Definition(read.text, read.missing, start, bracketed, name, base))
            at = max(read.end, at)
            text = text[:start] + " " * (at - start) + text[at:]
    return text, found


def _next_mark(low: str, at: int) -> re.Match[str] | None:
    bracket = next((mark for mark in _BRACKET.finditer(low, at) if not _is_operand(low, mark.start())), None)
    marks = [mark for mark in (_MARK.search(low, at), bracket) if mark]
    return min(marks, key=lambda mark: mark.start(), default=None)


def _is_operand(low: str, at: int) -> bool:
    """Whether what stands in the bracket at a place is joined with what stands beside it, and so defines nothing."""
    before, after = _OPERAND
    end = low.find(")", at) + 1
    return before.search(low[max(0, at - 20) : at]) is not None or (end > 0 and after.match(low, end) is not None)


_LONGEST = 400


_SENTENCE = re.compile(
    r"(?:^|[.?!;:,('\"])\s*(?:where |with |define |following the definition )?['\"]?"
    r"(?P<name>[\w &%/-]{2,60}?)\s*,?\s*$"
)


def _named(low: str, at: int) -> tuple[int, str]:
    """Where the sentence that defines begins, and what it defines."""
    inside = re.match(r"\b(?:define|calculate|compute|measure|take) (?:the )?(.{2,60}?)(?: as\b|:)", low[at:])
    if inside:  # `compute Apple's turnover as …` names the company; `define turnover as …` asks for no meaning
        return (at if low.startswith("define", at) else at + inside.end(1)), inside[1]
    sentence = _SENTENCE.search(low[max(0, at - 80) : at])
    if not sentence:
        return at, ""
    own = low[max(0, at - 80) + sentence.start() : at][:1] in (".", "?", "!", ";")
    start = max(0, at - 80) + sentence.start("name")
    return (start if own else at), sentence["name"].strip().removesuffix(" here")


_YEARS = re.compile(
    r"\((?:(?:fy ?|fiscal |year-?end |end of |the |of |at |and |to |[\s,/&-])*20\d\d)+(?: year-?ends?)?\)"
)


class _Formula:
    """A formula in words, read until it ends."""

    def __init__(self, low: str, words: Sequence[Word], base: int) -> None:
        self.low, self.base, self.end = low, base, 0
        self.text = self.missing = self._wrap = self._sum = ""
        self._out: list[str] = []
        self._years: list[int] = []
        self._open = at = 0
        while at < len(words) and (size := self._take(words, at)):
            at += size
            self.end = words[min(at, len(words)) - 1].end
        if not self.missing:
            self._finish()

    @property
    def _expects(self) -> bool:
        """Whether an operand must come next."""
        return not self._out or self._out[-1] in ("(", " / ", " - ", " + ", " * ")

    def _take(self, words: Sequence[Word], at: int) -> int:
        """Take the word at a place; how many words were used, 0 where the formula ends."""
        word, text = words[at], words[at].text
        if found := metric_phrases("en").longest(words, at):
            return found[0] if self._operand(found[1]) else 0
        if re.fullmatch(r"\d{1,3}(?:\.\d+)?", text) and self._expects:
            return int(self._operand(text))
        if re.fullmatch(r"20\d\d|fy\d{2,4}", text):
            return self._year(2000 + int(text[-2:]))
        if text == "," and not self._expects and words[at + 1 : at + 2] and words[at + 1].text in _SIGNS:
            self._out = ["(", *self._out, ")"]
            return 1
        if text in _WRAPPED and self._expects:
            if not (self._wrap.startswith("avg") and text in ("opening", "beginning")):
                self._wrap = _WRAPPED[text]
            return 1
        if text == ("and" if self._sum else "sum") and self._expects != bool(self._sum):
            return self._both()
        if (text in _SIGNS or self._is_minus(word)) and not self._expects:
            self._out.append(f" {_SIGNS.get(text, '-')} ")
            return 2 if words[at + 1 : at + 2] and words[at + 1].text == "by" else 1
        return self._bracketed_years(words, at) or self._bracket_or_word(word)

    def _bracketed_years(self, words: Sequence[Word], at: int) -> int:
        """`average inventory (FY2022 and FY2023)`: years in a bracket behind a figure."""
        found = _YEARS.match(self.low, words[at].start) if words[at].text == "(" and not self._expects else None
        for year in re.findall(r"20\d\d", found.group()) if found else ():
            self._year(int(year))
        return sum(word.start < found.end() for word in words[at:]) if found else 0

    def _bracket_or_word(self, word: Word) -> int:
        if (word.text == "(" and self._expects) or (word.text == ")" and self._open):
            self._out.append(word.text)
            self._open += 1 if word.text == "(" else -1
            return 1
        if word.text in _IGNORED or word.text == "-":
            return 1
        if word.text == ")":
            self.end = word.end
        elif self._expects and self._out and not word.mark:
            self.missing, self.end = word.text, word.end
        return 0

    def _both(self) -> int:
        """`the sum of A and B`: a bracket with two operands."""
        self._out.append(" + " if self._sum else "(")
        self._sum = "last" if self._sum else "first"
        return 1

    def _is_minus(self, word: Word) -> bool:
        return word.text == "-" and self.low[word.start - 1 : word.start] == " " == self.low[word.end : word.end + 1]

    def _operand(self, value: str) -> bool:
        if not self._expects:
            return False
        steps = self.base - self._years[-1] if len(self._years) == 1 and not self._wrap and self.base else 0
        for _ in range(steps if 0 < steps < 4 else 0):
            value = f"prev({value})"
        self._out.append(self._wrap.format(value) if self._wrap else value)
        self._two_years(self._years if self._wrap else ())
        if self._sum == "last":
            self._out.append(")")
        self._sum = "first" if self._sum == "first" else ""
        self._wrap, self._years = "", []
        return True

    def _two_years(self, years: Sequence[int]) -> None:
        """An average and a change are of a year and the one before it; another year beside them is refused."""
        if other := next((year for year in years if self.base - year > 1), 0):
            self.missing = f"an average or a change with {other}"

    def _year(self, year: int) -> int:
        if self._expects:
            self._years.append(year)
        elif self._out[-1].isidentifier() and 0 < self.base - year < 4:
            for _ in range(self.base - year):
                self._out[-1] = f"prev({self._out[-1]})"
        elif re.search(r"avg\(| - prev\(", self._out[-1]):
            self._two_years((year,))
        return 1

    def _finish(self) -> None:
        while self._out and self._expects:
            self._open -= self._out.pop() == "("
        text = re.sub(r" \* 100$", "", "".join(self._out) + ")" * self._open)
        if re.search(r" [/+*-] |avg\(|prev\(", text):
            with suppress(ValueError):
                parse(text)
                self.text = simplest(_in_one_unit(text))


_SUM_OVER = re.compile(r"([^/*]+) ([+-]) ([^-+*/]+) / ([^-+*/]+)")


def _in_one_unit(text: str) -> str:
    """`a + b / c` as `(a + b) / c` where the one has no unit and the other has."""
    found = _SUM_OVER.fullmatch(text)
    if not found or text.count("(") > 2 or found[1].count("(") != found[1].count(")"):
        return text
    first, above, quotient = (described(each).unit for each in (found[1], found[3], f"{found[3]} / {found[4]}"))
    return f"({found[1]} {found[2]} {found[3]}) / {found[4]}" if first == above != quotient else text


_RELATIVE = re.compile(r"\bby (?:what|how many) (?:percent(?:age)?|per cent|%)(?! ?points?)")
"""A change in percent of what the question defines is no change in points."""


def defined(metrics: Sequence[Hit[str]], definitions: Sequence[Definition], low: str) -> list[Hit[str]]:
    """The metrics of a question with what it defines in place of ours."""
    found, own = list(metrics), list[Hit[str]]()
    for each in definitions:
        if each.name in ("it", "this", "that", "") and found and not each.bracketed:
            each = replace(each, name=found[0].words)
        if not each.bracketed:
            margin = each.name and re.search(rf"{re.escape(each.name)}(?: %)? margin", low)
            whole = each.formula if each.formula.isidentifier() else f"({each.formula})"
            formula = in_times(simplest(f"{whole} / revenue") if margin else each.formula, each.name)
            formula = in_days(formula, each.name, low)
            formula = as_multiple(formula) if _RELATIVE.search(low) else formula
            if margin and any(hit.words == f"{each.name} margin" for hit in found):
                rest = [hit for hit in found if hit.words != each.name]
                return [replace(hit, value=formula) if hit.words == f"{each.name} margin" else hit for hit in rest]
            several = len({hit.value for hit in found}) > 1
            again = any(hit.words == each.name and hit.start > each.at for hit in found)
            if (several or again) and any(hit.words == each.name for hit in found):
                value = in_times(whole, each.name)
                own = [replace(hit, value=value) if hit.words == each.name else hit for hit in found]
                return list({hit.value: hit for hit in own}.values())
            if several and any(hit.value == each.formula for hit in found):
                continue
            own.append(Hit(formula, each.at, each.at, each.name or formula))
            continue
        before = [hit for hit in found if 0 <= each.at - hit.end <= 40]
        named = before[-1] if before else None
        if named is None or named.value != each.formula:
            words = named.words if named else each.formula
            value = in_days(in_times(each.formula, words), words, low)
            new = Hit(value, named.start if named else each.at, each.at, words)
            found = [new if hit is named else hit for hit in found] if named else [*found, new]
    return own or found
