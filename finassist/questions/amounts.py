"""Numbers with a comparator in a question: "above 30 %", "over $100 billion", "between 1 and 2 times". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from finassist.core.query import Comparator, Filter
from finassist.questions.grammar import LESS, MORE, PERCENT, SCALES
from finassist.questions.words import Claims

_UNIT = (
    r"%|percent|per cent|pct|prozent|por ciento|pour cent|por cento|per cento|trillion|tn|billions?|bn|b\b"
    r"|mrd\.?|milliarden?|milliards?|mil millones|miliardi|bilhões|millions?|mn|mm|m\b|millones|milioni|milhões"
    r"|mio\.?|thousand|k\b|times|x\b|days|万亿|亿|億|兆|万"
)
_NAMED = r"(?:one|two|three|five|ten|fifty|a hundred|a|half a)(?= (?:trillion|billion|million|hundred))"
_AMOUNT = rf"(?P<cur>us\$|\$|usd|€)?\s?(?P<num>-?\d+(?:[.,]\d+)*|{_NAMED})\s?-?(?P<unit>{_UNIT})?"
_BETWEEN = re.compile(rf"\bbetween {_AMOUNT.replace('?P<', '?P<a')} and {_AMOUNT}")
_COMPARISON = re.compile(
    rf"(?:(?P<lt>{LESS})|(?P<gt>{MORE}))\s*(?:than\s+)?(?:about |around |roughly |a |of )?{_AMOUNT}"
)
_AFTER = re.compile(
    rf"{_AMOUNT}\s?(?:usd |dollars )?(?:or|and) "
    r"(?P<dir>more|less|higher|lower|above|below|over|under|fewer|greater|better|up)\b"
)
_COUNTED = re.compile(r"\s?(?:years?|quarters?|months?|companies|stocks|firms)\b")
_WRITTEN = {"a": "1", "one": "1", "two": "2", "three": "3", "five": "5", "ten": "10", "fifty": "50", "a hundred": "100",
            "half a": "0.5"}  # fmt: skip
_LESS_WORDS = frozenset({"less", "lower", "below", "under", "fewer"})


@dataclass(frozen=True, slots=True)
class Amount:
    """A condition whose metric is still open.

    Attributes:
        comparator: How figures are compared with the number.
        number: In plain units; 30 % is 0.3.
        upper: The other end of a range.
        unit: `percent`, `USD`, `times`, `days`, or empty where none is written.
    """

    comparator: Comparator
    number: float
    upper: float | None
    unit: str

    def on(self, metric: str, *, percent: bool) -> Filter:
        """The filter for a metric; a bare number against a percentage is in percent: "margin above 30"."""
        scale = 100 if percent and not self.unit else 1
        upper = None if self.upper is None else self.upper / scale
        return Filter(metric=metric, comparator=self.comparator, number=self.number / scale, upper=upper)


def amounts_in(text: str, taken: Claims) -> Iterator[tuple[Amount, re.Match[str]]]:
    """The amounts of a lower-case text; what they stand on is taken."""
    for match in _BETWEEN.finditer(text):
        if taken.free(*match.span()) and (match["unit"] or match["cur"] or match["acur"]):
            low, high = _number(match["anum"], match["aunit"] or match["unit"]), _number(match["num"], match["unit"])
            yield _taken(Amount("between", low, high, _kind(match)), match, taken)
    for pattern in (_COMPARISON, _AFTER):
        for match in pattern.finditer(text):
            counted = not match["unit"] and _COUNTED.match(text, match.end())
            if taken.free(*match.span("num")) and not counted:
                sign: Comparator = "<" if _is_less(match) else ">"
                yield _taken(Amount(sign, _number(match["num"], match["unit"]), None, _kind(match)), match, taken)


def _taken(amount: Amount, match: re.Match[str], taken: Claims) -> tuple[Amount, re.Match[str]]:
    taken.take(*match.span())
    return amount, match


def _is_less(match: re.Match[str]) -> bool:
    groups = match.groupdict()
    return bool(groups.get("lt")) or groups.get("dir") in _LESS_WORDS


def _number(text: str, unit: str | None) -> float:
    if text in _WRITTEN:
        text = _WRITTEN[text]
    plain = re.sub(r",(?=\d{3}(?!\d))", "", text).replace(",", ".")
    value = float(plain) if plain.count(".") < 2 else float(plain.replace(".", ""))
    unit = (unit or "").rstrip(".")
    return value / 100 if unit in PERCENT else value * SCALES.get(unit, 1.0)


def _kind(match: re.Match[str]) -> str:
    unit = (match["unit"] or "").rstrip(".")
    if unit in PERCENT:
        return "percent"
    if unit in ("times", "x"):
        return "times"
    if unit == "days":
        return "days"
    return "USD" if match["cur"] or unit in SCALES else ""
