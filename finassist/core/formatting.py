"""Figures and untrusted text as words: rounding, scales, units, labels, and escaping for Markdown.

Rounding is for the eye only and happens here; facts keep every digit. A figure that is absent becomes words,
never a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

from finassist.core.facts import FIELDS, Fact, snake
from finassist.core.metrics import catalogue

NOT_IN_DATA = "not in the data"
ABSENCE = {
    "missing": NOT_IN_DATA,
    "not_reported": "not reported",
    "none_paid": "none paid",
    "not_meaningful": "not meaningful",
    "error": "not available",
}
"""What stands in the place of a figure that is not there, by status."""

_SHORT = {"eps": "EPS", "pe": "P/E", "ebit": "EBIT", "ebitda": "EBITDA", "cik": "CIK", "ttm": "TTM", "nci": "NCI"}
_WIDE = Context(prec=60)
_HALF_UP = Context(prec=60, rounding=ROUND_HALF_UP)
_MOST_DIGITS = 8
_STEPS = tuple(Decimal(1).scaleb(-digits) for digits in range(_MOST_DIGITS + 1))
_TOO_LONG = 30  # digits before the point
_WORDS = ((Decimal("1e12"), "trillion"), (Decimal("1e9"), "billion"), (Decimal("1e6"), "million"))
_PLAIN = re.compile(r"(?:[0-9A-Za-z,%+×·()'–-]+(?:[.:;]?(?: |$)|(?<=[0-9])\.(?=[0-9])))*").fullmatch
_MARKS = re.compile(r"([\\`*\[\]|~$^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""Inside a name such as FMP_API_KEY an underscore marks nothing."""

_FIGURES = "0123456789,.%+×-"
"""What cells consist of, and nothing in it marks anything inside a line."""

_ENTITY = re.compile(r"&(?=#?\w+;)")
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)
_OPENING = re.compile(r"^(\d*)([-+#=.)])")


@dataclass(frozen=True, slots=True)
class Scale:
    """The power of ten a table's money is divided by, and its name for the table's header.

    Example:
        >>> Scale.for_values([Decimal("416161000000")])
        Scale(divisor=Decimal('1000000'), name='millions')
    """

    divisor: Decimal
    name: str

    @classmethod
    def for_values(cls, values: Iterable[Decimal]) -> Scale:
        """Millions, thousands or units, so that the largest figure has at least three digits."""
        largest = max((abs(value) for value in values), default=Decimal(0))
        if largest >= Decimal("1e8"):
            return cls(Decimal(1_000_000), "millions")
        return cls(Decimal(1000), "thousands") if largest >= Decimal("1e5") else cls(Decimal(1), "")


def number(value: Decimal, digits: int = 0) -> str:
    """A figure with thousands separators, rounded half up; a small one keeps digits enough to show.

    Example:
        >>> number(Decimal("416161.5")), number(Decimal("0.0004"), 1), number(Decimal("-0"))
        ('416,162', '0.0004', '0')
    """
    if not value.is_finite():
        return "not a number"
    if value and value.adjusted() >= _TOO_LONG:
        return f"{value:.4e}"
    rounded = _HALF_UP.quantize(value, _STEPS[digits])
    if value and not rounded:
        rounded = _HALF_UP.quantize(value, _STEPS[min(-value.adjusted(), _MOST_DIGITS)])
    return f"{rounded if rounded else abs(rounded):,f}"


def money(value: Decimal, currency: str | None) -> str:
    """An amount for running text.

    Example:
        >>> money(Decimal("416161000000"), "USD"), money(Decimal("-1300000"), "EUR")
        ('USD 416.2 billion', 'EUR -1.3 million')
    """
    prefix = f"{currency} " if currency else ""
    for size, word in _WORDS:
        if abs(value) >= size:
            digits = 2 if word == "trillion" else 1
            return f"{prefix}{number(_WIDE.divide(value, size), digits)} {word}"
    return f"{prefix}{number(value)}"


def percent(value: Decimal, *, signed: bool = False) -> str:
    """A fraction as a percentage: 0.2692 is 26.9%.

    Example:
        >>> percent(Decimal("0.2692")), percent(Decimal("0.064"), signed=True)
        ('26.9%', '+6.4%')
    """
    text = number(_WIDE.multiply(value, Decimal(100)), 1)
    return f"{'+' if signed and value > 0 else ''}{text}%"


def figure(fact: Fact) -> str:
    """A fact's figure with its unit, for running text; the reason's heading when there is none.

    Example:
        >>> fact = Fact(symbol="A", field="eps_diluted", value=Decimal("7.46"), unit="USD/share",
        ...             currency="USD", statement="income")
        >>> figure(fact)
        'USD 7.46 per share'
    """
    if fact.text is not None:
        return fact.text
    if fact.value is None or not fact.known or fact.status == "none_paid":
        return ABSENCE.get(fact.status, NOT_IN_DATA)
    if fact.unit in ("ratio", "times", "number") or per_share(fact):
        text = cell(fact, Scale(Decimal(1), ""))
        money_of = f"{fact.currency} " if fact.currency else ""
        return f"{money_of}{text}{' per share' if per_share(fact) else ''}"
    return f"{money(fact.value, fact.currency)}{' shares' if fact.unit == 'shares' else ''}"


def cell(fact: Fact | None, scale: Scale) -> str:
    """A fact's figure for a table whose header names the unit; words when there is no figure.

    Example:
        >>> cell(None, Scale(Decimal(1), ""))
        'not in the data'
    """
    if fact is None or fact.value is None or not fact.known or fact.status == "none_paid":
        return ABSENCE.get(fact.status, NOT_IN_DATA) if fact else NOT_IN_DATA
    if fact.unit == "ratio":
        return percent(fact.value, signed=is_change(fact.field))
    if fact.unit == "times":
        return f"{number(fact.value, 1 if abs(fact.value) >= 10 else 2)}×"
    if fact.unit in ("number", "count"):
        return number(fact.value, 2 if fact.unit == "number" else 0)
    if per_share(fact):
        return f"{'+' if is_change(fact.field) and fact.value > 0 else ''}{number(fact.value, 2)}"
    return number(_WIDE.divide(fact.value, scale.divisor))


def is_change(field: str) -> bool:
    """Whether the figure is a change, which is shown with its sign.

    Example:
        >>> is_change("revenue_growth"), is_change("net_margin")
        (True, False)
    """
    metric = catalogue().get(field)
    return field in ("change", "change_percent") or (metric is not None and metric.formula.startswith("growth("))


def per_share(fact: Fact) -> bool:
    """Whether the figure is money per share (a price, EPS), which tables never scale."""
    return fact.unit.endswith("/share")


def scaled(fact: Fact) -> bool:
    """Whether tables divide the figure by their scale: money amounts and share counts."""
    return fact.unit not in ("ratio", "times", "number", "count", "points", "") and not per_share(fact)


def label(field: str) -> str:
    """Heading of any field, of a statement line or of a ratio; an unknown name is made readable.

    Example:
        >>> label("eps_diluted"), label("net_margin"), label("forward_pe")
        ('Diluted EPS', 'Net margin', 'Forward P/E')
    """
    metric = catalogue().get(field)
    if metric and metric.report:
        return metric.report
    if known := FIELDS.get(field):
        return known.label
    if metric:
        return metric.title
    text = " ".join(_SHORT.get(word, word) for word in snake(field).split("_"))
    return text[:1].upper() + text[1:]


def span(periods: Iterable[str]) -> str:
    """Periods as short text: runs of fiscal years are drawn together.

    Example:
        >>> span(["FY2021", "FY2022", "FY2023", "FY2025"]), span(["2026-08-21"])
        ('FY2021–FY2023, FY2025', '2026-08-21')
    """
    runs: list[list[str]] = []
    for period in sorted(set(periods)):
        after = runs and runs[-1][-1][:2] == "FY" == period[:2] and period[2:].isdecimal()
        if after and runs[-1][-1][2:].isdecimal() and int(period[2:]) == int(runs[-1][-1][2:]) + 1:
            runs[-1].append(period)
        else:
            runs.append([period])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def day(value: date | None) -> str:
    """A date in the one form that everybody reads the same way."""
    return value.isoformat() if value else "undated"


def listed(items: Iterable[str]) -> str:
    """A list inside a sentence.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    words = list(items)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def clean(text: str, limit: int = 400) -> str:
    r"""One line of untrusted text without control, bidi or other invisible characters, cut at `limit`.

    Example:
        >>> clean("Apple\n\u202eInc.")
        'Apple Inc.'
    """
    if text.isprintable():
        short = " ".join(text.split()) if "  " in text else text.strip()
    else:
        visible = (c if unicodedata.category(c)[0] != "C" else " " if c in "\n\r\t" else "" for c in text)
        short = " ".join("".join(visible).split())
    return short if len(short) <= limit else f"{short[: limit - 1].rstrip()}…"


def escape_markdown(text: str, limit: int = 400) -> str:
    r"""Untrusted text, inside a line, that no Markdown reader takes for markup, a link, HTML or mathematics.

    Example:
        >>> escape_markdown("AT&T [x](https://a.b) | <b>")
        'AT&T \\[x\\](https\\://a.b) \\| &lt;b&gt;'
    """
    if len(text) <= limit and (not text.strip(_FIGURES) or _PLAIN(text)):
        return text
    escaped = _MARKS.sub(r"\\\1", clean(text, limit))
    escaped = _ENTITY.sub("&amp;", escaped).replace("<", "&lt;").replace(">", "&gt;")
    escaped = _WWW.sub(r"\1\.", escaped.replace("://", "\\://"))
    return escaped.replace("@", "&#64;")


def escape_line(text: str, limit: int = 400) -> str:
    r"""Untrusted text as a whole line: nothing at its start makes a heading, a list or a quotation of it.

    Example:
        >>> escape_line("# 1"), escape_line("1. a"), escape_line("-5%")
        ('\\# 1', '1\\. a', '\\-5%')
    """
    return _OPENING.sub(r"\1\\\2", escape_markdown(text, limit))
