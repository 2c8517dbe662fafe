"""Figures in sentences: rounded to what a reader needs, with scale and unit, in the words of a language."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from finassist.core.facts import Fact

_SCALES = {
    "en": ((Decimal(10) ** 12, "trillion"), (Decimal(10) ** 9, "billion"), (Decimal(10) ** 6, "million")),
    "es": ((Decimal(10) ** 9, "mil millones de"), (Decimal(10) ** 6, "millones de")),
    "de": ((Decimal(10) ** 9, "Milliarden"), (Decimal(10) ** 6, "Millionen")),
    "fr": ((Decimal(10) ** 9, "milliards de"), (Decimal(10) ** 6, "millions de")),
    "pt": ((Decimal(10) ** 9, "bilhões de"), (Decimal(10) ** 6, "milhões de")),
    "it": ((Decimal(10) ** 9, "miliardi di"), (Decimal(10) ** 6, "milioni di")),
    "zh": ((Decimal(10) ** 8, "亿"), (Decimal(10) ** 4, "万")),
    "ja": ((Decimal(10) ** 8, "億"), (Decimal(10) ** 4, "万")),
}
_DOLLARS = {
    "es": "dólares",
    "de": "US-Dollar",
    "fr": "dollars",
    "pt": "dólares",
    "it": "dollari",
    "zh": "美元",
    "ja": "ドル",
}
_COMMA = frozenset({"es", "de", "fr", "pt", "it"})


def figure(
    fact: Fact, language: str = "en", *, unit: str = "", decimals: int | None = None, signed: bool = True
) -> str:
    """A fact's value with its unit: `25.3%`, `USD 97.0 billion`, `$6.08 per share`, `2.02 times`.

    Args:
        fact: A known fact.
        language: Whose separators and scale words.
        unit: A unit asked for, such as `USD millions`.
        decimals: How many decimals, where asked.
        signed: Whether a minus sign is shown; without it words have to say so.
    """
    value = fact.value if fact.value is not None else Decimal()
    value = value if signed else abs(value)
    match fact.unit:
        case "ratio":
            return f"{number(value * 100, 1 if decimals is None else decimals, language)}%"
        case "points":
            return f"{number(value * 100, 1 if decimals is None else decimals, language)} percentage points"
        case "times":
            return f"{number(value, 2 if decimals is None else decimals, language)} times"
        case "days":
            return f"{number(value, 1 if decimals is None else decimals, language)} days"
        case "count":
            return f"{int(value):,}"
        case "shares":
            return f"{scaled(value, language, unit, decimals)} shares"
        case "USD/share":
            return f"{currency(fact)} {number(value, 2 if decimals is None else decimals, language)}"
        case _:
            return money(value, currency(fact), language, unit, decimals)


def currency(fact: Fact) -> str:
    """The currency code of a money figure."""
    return fact.currency or "USD"


def money(value: Decimal, code: str, language: str = "en", unit: str = "", decimals: int | None = None) -> str:
    """An amount of money in words of a scale."""
    text = scaled(value, language, unit, decimals)
    if language == "en":
        return f"{code} {text}"
    dollars = _DOLLARS[language] if code == "USD" else code
    return f"{text}{dollars}" if language in ("zh", "ja") else f"{text} {dollars}"


def scaled(value: Decimal, language: str = "en", unit: str = "", decimals: int | None = None) -> str:
    """A large number with a scale word and at least three digits."""
    scales = _SCALES.get(language, _SCALES["en"])
    chosen = next(((size, word) for size, word in scales if abs(value) >= size), None)
    if unit.endswith(("millions", "million")) and language == "en":
        chosen = (Decimal(10) ** 6, "million")
    elif unit.endswith(("billions", "billion")) and language == "en":
        chosen = (Decimal(10) ** 9, "billion")
    if chosen is None:
        return number(value, decimals or 0, language)
    size, word = chosen
    shown = value / size
    places = decimals if decimals is not None else 2 if abs(shown) < 100 else 1
    gap = "" if language in ("zh", "ja") else " "
    return f"{number(shown, places, language)}{gap}{word}"


def number(value: Decimal, decimals: int, language: str = "en") -> str:
    """A number with grouped thousands, half rounded away from zero."""
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    text = f"{rounded:,.{decimals}f}"
    if rounded == 0:
        text = text.lstrip("-")
    if language in _COMMA:
        text = text.replace(",", "\x00").replace(".", ",").replace("\x00", "." if language != "fr" else "\u202f")
    return text


def day(value: date | None) -> str:
    """A date as YYYY-MM-DD."""
    return value.isoformat() if value else ""
