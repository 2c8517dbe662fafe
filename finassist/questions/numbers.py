"""Numbers as a text writes them (`USD 383.3 billion`, `25,3 %`), and those with a comparator (`above 30 %`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from finassist.core.claims import Number, Unit
from finassist.core.filters import Comparator, Filter
from finassist.core.metrics import described
from finassist.core.periods import Period, parse_periods
from finassist.questions.grammar import LESS, MORE, PERCENT, POSITIVE, SAID, SCALES, Patterns, table_of
from finassist.questions.operations import many_periods
from finassist.questions.slots import Amount, Slots
from finassist.questions.tokenizer import Claims, Hit

_TABLE = table_of("claims")
_WRITTEN: Mapping[str, str] = _TABLE["words"]
_COUNTS: Mapping[str, str] = _TABLE["counts"]
_MULTIPLES: Mapping[str, str] = _TABLE["multiples"]
_CURRENCY: Mapping[str, str] = {sign: code for code, signs in _TABLE["currency"].items() for sign in signs}
_SAYS = Patterns(_TABLE["number"])


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


_DIGITS, _UNIT = (_TABLE["number"][name] for name in ("digits", "unit"))
_LETTERS = "".join(name for name in SCALES if len(name) == 1 and name.isascii())
_SCALE = rf"(?:{_any_of(name for name in SCALES if name not in _LETTERS)})(?:(?<=mrd|mio)\.)?|(?<!-)[{_LETTERS}]\b"
_SIGN, _COUNTED = _any_of(_CURRENCY), _any_of(_COUNTS)
_NEXT = r"(?:[ -]|(?<=hundred) and |(?<=thousand) and )"
_IN_WORDS = (
    rf"\b(?:(?:an? (?=hundred|thousand))?(?:{_COUNTED})(?:{_NEXT}(?:{_COUNTED}|point))*(?: and a half)?|half an?|an?)\b"
)
_FRACTION = _any_of(_WRITTEN)
_MEASURED = (
    rf"(?=(?: (?:and|to|or) (?:{_IN_WORDS}))?"
    rf"[ -](?:{_SCALE}|percent|per cent|percentage|basis|times|fold|dollars|points)(?![a-z]))"
)
_NO_WORD = r"(?<![.,/])(?<![^\W\u3040-\u30ff\u3400-\u9fff])"  # Chinese and Japanese have no spaces
_NUMBER = re.compile(
    rf"{_NO_WORD}(?P<minus>[-+(]|minus |negative )?(?:(?P<cur>{_SIGN})\s?)?(?P<minus2>-)?"
    rf"(?P<num>{_DIGITS}|{_IN_WORDS}{_MEASURED}|\b(?:{_FRACTION})(?= of an? (?:{_SCALE})(?![a-z])))(?: of an?(?= ))?"
    rf"(?:\s?-?(?P<scale>{_SCALE})(?![a-z]))?(?:\s?(?P<after>{_SIGN})(?![a-z]))?"
    rf"(?P<pershare> (?:per|a|each) (?:diluted |basic |common |ordinary )?share)?(?:\s?-?(?P<unit>{_UNIT}))?"
)
_WRITTEN_NUMBER = re.compile(rf"\b(?P<num>{_FRACTION})\b(?= of\b| the\b)")
_CHANGED_BY = re.compile(
    r"\b(?:by|rose|fell|grew|up|down|dropped|was|is|were|reached|hit)"
    r"(?: (?:about|roughly|around|nearly|almost|over|more than))?"
    rf" (?P<num>{_FRACTION})\b"
    r"(?! (?:of|the|an?|lower|higher|more|less|smaller|larger|bigger|greater|earlier|later|ago)\b)"
)
_MULTIPLE = re.compile(rf"\b(?P<num>{'|'.join(_MULTIPLES)})(?:es?|e?d|led|l?ing)?\b")


def numbers_in(low: str, taken: str, language: str = "en") -> list[Number]:
    """The numbers of a lower-case text in order; `taken` is the same with periods and names blanked out.

    Example:
        >>> text = "usd 1.5 billion, 25.3% and half of it"
        >>> [(str(number.value), number.unit) for number in numbers_in(text, text)]
        [('1500000000.00', 'money'), ('0.253', 'percent'), ('0.5', 'percent')]
    """
    found = [number for match in _NUMBER.finditer(taken) if (number := _number(low, match, language))]
    fractions = [*map(_fraction, _WRITTEN_NUMBER.finditer(taken)), *map(_fraction, _CHANGED_BY.finditer(taken))]
    found += [each for each in fractions if all(each.start >= other.end or each.end <= other.start for other in found)]
    found += [_loosely(_multiple(match), taken[: match.start()][-24:]) for match in _MULTIPLE.finditer(taken)]
    return _sharing_units(low, sorted(found, key=lambda each: each.start))


def _number(low: str, match: re.Match[str], language: str) -> Number | None:
    start, end = match.start(), match.end()
    written, unit = match["num"], (match["unit"] or "").strip()
    plain = not (match["cur"] or match["after"] or match["scale"] or unit or match["pershare"])
    if plain and (_SAYS["no_figure"].match(low, end) or _SAYS["label"].search(low[max(0, start - 24) : start])):
        return None
    value, step = _in_words(written) if written[0].isalpha() else _value(written, language)
    factor = Decimal(str(SCALES.get((match["scale"] or "").rstrip("."), 1)))
    kind = _kind(match, unit)
    if kind in ("percent", "points"):
        factor = Decimal("0.0001") if unit.startswith(("b", "bp")) and unit != "b" else Decimal("0.01")
    if kind == "points" and factor < Decimal("0.01") and not value % 10:
        step = Decimal(10)  # basis points are often rounded to tens
    start += match["minus"] == "("
    negative = match["minus"] in ("-", "minus ", "negative ") or match["minus2"] or _bracketed(low, match)
    number = Number(
        low[start:end].strip(), start, end, (-value if negative else value) * factor, step * factor / 2, kind,
        _CURRENCY.get(match["cur"] or match["after"] or "", ""), per_share=bool(match["pershare"]),
    )  # fmt: skip
    return _loosely(number, low[max(0, start - 24) : start])


def _bracketed(low: str, match: re.Match[str]) -> bool:
    """`(1.2)` is a loss in a table."""
    return match["minus"] == "(" and low[match.end() : match.end() + 1] == ")" and not match["unit"]


def _kind(match: re.Match[str], unit: str) -> Unit:
    if unit.startswith(("percentage p", "percent p", "pp", "point", "basis", "bp")):
        return "points"
    if unit in PERCENT or unit in ("%", "percent", "per cent", "pct"):
        return "percent"
    if unit in ("times", "x", "×", "fold"):
        return "times"
    if unit == "days":
        return "days"
    if unit == "shares":
        return "count"
    return "money" if match["cur"] or match["after"] or match["scale"] else ""


def _in_words(words: str) -> tuple[Decimal, Decimal]:
    """What `three hundred eighty-three`, `twenty-five point three` or `ten and a half` says, and how finely."""
    whole, _, decimals = re.sub(r"[ -]+", " ", words).partition(" point ")
    if words in _WRITTEN or whole in ("a", "an", "half a", "half an"):
        value = Decimal(_WRITTEN.get(words, "0.5" if whole.startswith("half") else "1"))
        return value, value / 10
    total, part = 0, 0
    for word in whole.removesuffix(" and a half").split():
        if word in ("hundred", "thousand"):
            part = (part or 1) * int(_COUNTS[word])
            total, part = (total + part, 0) if word == "thousand" else (total, part)
        else:
            part += int(_COUNTS.get(word, "0"))
    if words.endswith("a half"):
        return Decimal(total + part) + Decimal("0.5"), Decimal("0.5")
    point = "".join(_COUNTS[word] for word in decimals.split())
    return Decimal(f"{total + part}.{point}"), Decimal(1).scaleb(-len(point))


def _value(written: str, language: str) -> tuple[Decimal, Decimal]:
    """The number and the size of its last shown digit."""
    text = re.sub(r"['\s]", "", written)
    decimal_comma = language not in ("en", "zh", "ja") or re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+", text)
    thousands, point = (".", ",") if decimal_comma else (",", ".")
    if re.fullmatch(rf"\d+{re.escape(thousands)}(?:\d{{1,2}}|\d{{4,}})", text):  # 25.3 in a German text
        thousands, point = point, thousands
    text = text.replace(thousands, "").replace(point, ".")
    value = Decimal(text)
    return value, max(Decimal(1).scaleb(min(int(value.as_tuple().exponent), 0)), _rounded(text))


def _rounded(text: str) -> Decimal:
    """What the zeros at the end of a long whole number leave open: `383,300 million` may be 383,285."""
    zeros = len(text) - len(text.rstrip("0"))
    return min(Decimal(10) ** zeros, Decimal(text) / 500) if len(text) > 3 and text.isdigit() else Decimal()


def _loosely(number: Number, before: str) -> Number:
    """The number with the room that `about`, `nearly` or `more than` leaves."""
    size = abs(number.value)
    if _SAYS["about"].search(before):
        return replace(number, slack=max(number.slack, size * Decimal("0.03")))
    if _SAYS["nearly"].search(before):
        return replace(number, slack=max(number.slack, size * Decimal("0.05")))
    if _SAYS["over"].search(before):
        written_out = number.words[:1].isalpha() and number.unit == "times"
        return replace(number, bound=">", slack=Decimal() if written_out else number.slack)
    return replace(number, bound="<") if _SAYS["under"].search(before) else number


def _fraction(match: re.Match[str]) -> Number:
    value = Decimal(_WRITTEN[match["num"]])
    return Number(match["num"], match.start("num"), match.end("num"), value, Decimal("0.02"), "percent")


def _multiple(match: re.Match[str]) -> Number:
    value = Decimal(_MULTIPLES[match["num"]])
    return Number(match.group(), match.start(), match.end(), value, value * Decimal("0.1"), "times")


def _sharing_units(low: str, found: list[Number]) -> list[Number]:
    """`10 to 12%`: a bare number takes the unit of the next one where only `to`, `and` or a comma stands between."""
    made: list[Number] = []
    for number in reversed(found):
        after = made[-1] if made else None
        between = low[number.end : after.start] if after else ""
        if after and number.bare and not after.bare and _SAYS["list"].fullmatch(between.removesuffix("(")):
            number = _like(number, after)
        if after and number.unit == after.unit and _is_range(low, number, after, between):
            middle, half = (number.value + after.value) / 2, abs(after.value - number.value) / 2
            words = low[number.start : after.end]
            made[-1] = replace(after, words=words, start=number.start, value=middle, slack=half + after.slack)
            continue
        made.append(number)
    return made[::-1]


def _is_range(low: str, number: Number, after: Number, between: str) -> bool:
    hyphened = between.strip() == "-" and number.value < after.value
    return hyphened or bool(_SAYS["range"].fullmatch(between) and _SAYS["between"].search(low[: number.start]))


def _like(number: Number, other: Number) -> Number:
    """The number in the unit of another."""
    if other.unit == "money":
        scale = _scale_of(other)
    else:
        scale = Decimal("0.01") if other.unit in ("percent", "points") else Decimal(1)
    return replace(number, value=number.value * scale, slack=number.slack * scale, unit=other.unit,
                   currency=other.currency)  # fmt: skip


def _scale_of(number: Number) -> Decimal:
    """What one unit of the written digits stands for: 10^9 in `2.5 billion`."""
    written = re.search(_SCALE, number.words)
    return Decimal(str(SCALES.get(written.group().rstrip("."), 1))) if written else Decimal(1)


# --------------------------------------------------------------------------- amounts with a comparator

_IN_UNIT = rf"%|percent|per cent|pct|prozent|por ciento|pour cent|por cento|per cento|times|x\b|days|{_SCALE}"
_NAMED = r"(?:one|two|three|five|ten|fifty|a hundred|a|half a)(?= (?:trillion|billion|million|hundred))"
_AMOUNT = rf"(?P<cur>us\$|\$|usd|€)?\s?(?P<num>(?<![\d.,])-?\d++(?:[.,]\d++)*+|{_NAMED})\s?-?(?P<unit>{_IN_UNIT})?"
_FIRST = _AMOUNT.replace("?P<", "?P<a")
_RANGES = (
    re.compile(rf"\bbetween {_FIRST} and {_AMOUNT}"),
    re.compile(rf"\b(?:of|within|in the range of|ranging from) {_FIRST}\s?(?:to|-) ?{_AMOUNT}"),
)
_COMPARISON = re.compile(
    rf"(?<![^\W\d_\u3040-\u9fff])(?:(?P<lt>{LESS})|(?P<gt>{MORE}))"
    rf"\s*(?:than\s+)?(?:about |around |roughly |a |of )?{_AMOUNT}"
)
_AFTER = re.compile(
    rf"{_AMOUNT}\s?(?:usd |dollars )?(?:or|and) "
    r"(?P<dir>more|less|higher|lower|above|below|over|under|fewer|greater|better|up)\b"
)
_AFTER_CJK = re.compile(
    rf"{_AMOUNT}(?:美元|米ドル|ドル)?(?:を|より)?(?:(?P<gt>超|以上|上回)|(?P<lt>未満|未满|以下|下回))"
)
_COUNTED_THINGS = re.compile(r"\s?(?:years?|quarters?|months?|companies|stocks|firms)\b")
_YEAR = re.compile(r"(?:19|20)\d\d")
_SPELT = {"a": "1", "one": "1", "two": "2", "three": "3", "five": "5", "ten": "10", "fifty": "50", "a hundred": "100",
            "half a": "0.5"}  # fmt: skip
_INCLUSIVE = ("at least", "at most", "no less than", "not less than", "no more than", "not more than", "up to", "<=",
              ">=", "höchstens", "mindestens", "以上", "以下")  # fmt: skip
_LESS_WORDS = frozenset({"less", "lower", "below", "under", "fewer"})


def amounts_in(text: str, taken: Claims) -> Iterator[Hit[Amount]]:
    """The amounts of a lower-case text; what they stand on is taken."""
    for match in (match for pattern in _RANGES for match in pattern.finditer(text)):
        if taken.free(*match.span()) and (match["unit"] or match["cur"] or match["acur"] or _is_bare_range(match)):
            low, high = (
                _size(match["anum"], match["aunit"] or match["unit"]),
                _size(match["num"], match["unit"]),
            )
            yield _claimed(Amount("between", low, high, _unit(match)), match, taken)
    for pattern in (_COMPARISON, _AFTER, _AFTER_CJK):
        for match in pattern.finditer(text):
            counted = not match["unit"] and _COUNTED_THINGS.match(text, match.end())
            if taken.free(*match.span("num")) and not counted:
                groups = match.groupdict()
                sign: Comparator = "<" if groups.get("lt") or groups.get("dir") in _LESS_WORDS else ">"
                if groups.get("dir") or (groups.get("lt") or groups["gt"]) in _INCLUSIVE:
                    sign = "<=" if sign == "<" else ">="
                yield _claimed(Amount(sign, _size(match["num"], match["unit"]), None, _unit(match)), match, taken)


def _is_bare_range(match: re.Match[str]) -> bool:
    """`a P/E between 10 and 15`: numbers without a unit that are no years, and that nothing is counted by."""
    counted = _COUNTED_THINGS.match(match.string, match.end())
    return not (match[0].startswith("of ") or counted or any(map(_YEAR.fullmatch, match.group("anum", "num"))))


def _claimed(amount: Amount, match: re.Match[str], taken: Claims) -> Hit[Amount]:
    taken.take(*match.span())
    return Hit(amount, match.start(), match.end(), match.group())


def _size(text: str, unit: str | None) -> float:
    plain = re.sub(r",(?=\d{3}(?!\d))", "", _SPELT.get(text, text)).replace(",", ".")
    value = float(plain) if plain.count(".") < 2 else float(plain.replace(".", ""))
    unit = (unit or "").rstrip(".")
    return value / 100 if unit in PERCENT else value * SCALES.get(unit, 1.0)


def _unit(match: re.Match[str]) -> str:
    unit = (match["unit"] or "").rstrip(".")
    if unit in PERCENT:
        return "percent"
    kind = {"times": "times", "x": "times", "days": "days"}.get(unit, "")
    return kind or ("USD" if match["cur"] or unit in SCALES else "")


def turned(slots: Slots, hits: Iterable[Hit[str]], loses: re.Match[str] | None) -> list[Filter]:
    """`profitable in 2022 but loss-making in 2023`: each sign with the year behind it."""
    gains = POSITIVE.search(slots.low)
    points = [each for each in slots.points if isinstance(each.value, Period)]
    if loses is None or gains is None or len(points) != 2:
        return []
    first, second = sorted((loses, gains), key=lambda match: match.start())
    if not first.end() <= points[0].start < second.start() < second.end() <= points[1].start:
        return []
    metric = next((hit.value for hit in hits if 0 <= hit.start - first.end() <= 2), "net_income")
    return [
        Filter(metric=metric, comparator="<" if match is loses else ">", number=0, period=str(point.value))
        for match, point in zip((first, second), points, strict=True)
    ]


_THAN = re.compile(r"\s+than (?:in |for |during )?(?:the )?(?:fiscal |fy ?)?$")


def more_than_before(slots: Slots, metrics: Sequence[str]) -> Filter | None:
    """`which companies had higher revenue in 2023 than in 2022`: what changed between the two."""
    points = slots.points
    if len(metrics) != 1 or len(points) != 2 or not slots.directions or described(metrics[0]).kind == "price":
        return None
    if not _THAN.fullmatch(slots.low, points[0].end, points[1].start):
        return None
    now, before = (str(each.value) for each in points)
    metric = f"at({metrics[0]}, '{now}') - at({metrics[0]}, '{before}')"
    return Filter(metric=metric, comparator="<" if slots.directions[0].value < 0 else ">", number=0, period=now)


# ------------------------------------------------------------------------------------ what is put into a share

_OF_SHARES = frozenset({"price", "price_change", "total_return", "market_cap", "dividends_per_share", "dividends_paid",
                        "shares_outstanding"})  # fmt: skip


def settle_stake(slots: Slots) -> None:
    """Find what is held: `if I had put $1,000 into Nvidia in 2020`, `what are 100 shares of Costco worth`."""
    again = bool(slots.memory.queries) and bool(slots.memory.queries[0].stake)
    held = slots.says(SAID["held"]) and slots.says(SAID["became"]) and not slots.says(SAID["advice"])
    if slots.language != "en" or not (held or again) or not _OF_SHARES.issuperset(hit.value for hit in slots.metrics):
        return
    claimed = [(hit.start, hit.end) for hit in (*slots.companies, *slots.periods, *slots.amounts)]
    free = Claims(len(slots.low))
    for start, end in claimed:
        free.take(start, end)
    found = [each for each in numbers_in(slots.low, free.masked(slots.low)) if each.unit in ("money", "count")]
    if len(found) != 1 or found[0].value <= 0 or found[0].currency not in ("", "USD"):
        return
    [number] = found
    text = f"{number.value.normalize():f} {'shares' if number.unit == 'count' else 'USD'}"
    slots.stake = Hit(text, number.start, number.end, number.words)
    slots.loose = [word for word in slots.loose if not number.start <= word.start < number.end]


def of_stake(slots: Slots) -> str:
    """By which figure a stake is worth what it is: the price of a day, or its change since it was bought."""
    if slots.says(SAID["shares_for"]):
        return "price"
    if "dividend" in slots.low or "total return" in slots.low:
        return "total_return"
    bought = slots.says(SAID["bought"]) and not slots.says(SAID["cost_then"])
    held = bought or many_periods(slots)
    return "price_change" if held or (slots.stake and slots.stake.value.endswith("USD")) else "price"


def since_bought(slots: Slots, periods: list[str]) -> list[str]:
    """From the day of the purchase, which is the end of a month and the beginning of a year, to the day asked."""
    if len(periods) == 1 and ":" not in periods[0] and not periods[0].startswith("last "):
        periods = [*periods, "latest"]
    if not slots.stake or len(periods) != 2:
        return [":".join(periods)]
    first = parse_periods(periods[0])
    day = first.last_day() if isinstance(first, Period) and first.kind == "month" else None
    return [f"{day or first}:{periods[1]}"]


def invested(slots: Slots) -> bool:
    """Whether what was bought is asked for from then on, and not over a period in which it was held."""
    return slots.says(SAID["invested"]) and not slots.says(SAID["held_through"])
