"""Names, figures and periods as the words of an English sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from msgspec.structs import replace

from finassist.analysis.calendar import Member
from finassist.analysis.outcome import Row
from finassist.analysis.windows import WINDOW_METRICS
from finassist.core.facts import Fact
from finassist.core.filters import Filter
from finassist.core.formatting import ABSENCE, listed
from finassist.core.metrics import described, spoken
from finassist.core.query import Query

MARKET_INDEX = "^GSPC"
SHOWN = Decimal("0.0005")
"""Shares and points below it would be written as zero."""
MOST_NAMED = 5
"""Places of a ranking that its sentence names; its table has all of them."""

_SCALES = ((Decimal(10) ** 12, "trillion"), (Decimal(10) ** 9, "billion"), (Decimal(10) ** 6, "million"))
_ASKED_SCALES = (*_SCALES, (Decimal(1000), "thousand"))
_LEGAL = re.compile(
    r"(?<!^Southern),? (?:Inc|Corp|Corporation|Incorporated|Co|Company|PLC|plc|Ltd|Limited|N\.V|S\.A|& Co|Holdings"
    r"|L\.P)\.?(?= |$|,)"
    r"| \(The\)|^The |/[A-Z]{2}/?",
    re.IGNORECASE,
)


@lru_cache(2048)
def short_name(name: str) -> str:
    """A company's name without its legal form.

    Example:
        >>> short_name("Apple Inc."), short_name("Coca-Cola Company (The)")
        ('Apple', 'Coca-Cola')
    """
    plain = re.sub(r"^(\w+) \((\w+)\)$", r"\2 \1", re.sub(r" \(Class [A-C]\)", "", name))
    plain = _LEGAL.sub("", _LEGAL.sub("", plain)).strip(" ,.&")
    return plain or name


def possessive(name: str) -> str:
    """`Apple's`, `Yum! Brands'`."""
    return name if name.endswith("'s") else f"{name}'" if name.endswith("s") else f"{name}'s"


# ------------------------------------------------------------------------------------------- periods


def is_fiscal(fact: Fact) -> bool:
    """Whether the period has a label of its own: a year, a half, nine months or a quarter."""
    return fact.period.startswith(("FY", "Q", "H", "9M"))


def when(fact: Fact, *, stock: bool = False) -> str:
    """`in FY2023 (year ended 2023-09-30)`, `on 2024-12-31`, `in the twelve months to 2026-06-30 (TTM)`."""
    period, end = fact.period, fact.period_end
    if period.startswith("TTM"):
        return f"in the twelve months to {end} (TTM)"
    if not is_fiscal(fact):
        return f"on {end or period}"
    if stock and period.startswith(("FY", "Q")):
        return f"at the end of {period} ({end})"
    length = {"F": "year ", "Q": "quarter "}.get(period[0], "")
    return f"in {period} ({length}ended {end})" if end else f"in {period}"


def length_of(fact: Fact) -> str:
    """What sort of period a figure is of: a quarter or a year."""
    return "quarter" if fact.period.startswith("Q") else "year"


def brief(fact: Fact) -> str:
    """A period without its last day: `FY2023`, `Q3 2024`."""
    return f"the twelve months to {fact.period_end}" if fact.period.startswith("TTM") else fact.period


def at_period(fact: Fact) -> str:
    """`in FY2023 (ended 2023-09-30)`: for the two ends of a change."""
    if not is_fiscal(fact):
        return when(fact)
    return f"in {fact.period}" + (f" (ended {fact.period_end})" if fact.period_end else "")


# ------------------------------------------------------------------------------- the words of a query


class Words:
    """Names of companies, and figures in the unit and with the decimals that the query wants."""

    def __init__(self, members: Mapping[str, Member], query: Query) -> None:
        self.members, self.query = members, query
        self.language = query.language

    def name(self, symbol: str) -> str:
        """Short name of a company."""
        if symbol == MARKET_INDEX:
            return "the S&P 500"
        if symbol == self.query.portfolio:
            parts = (f"{part * 100:.4g}% {self.name(each)}" for each, part in self.query.weights.items())
            return f"the buy-and-hold portfolio of {listed(parts)}"
        member = self.members.get(symbol)
        return short_name(member.name) if member else symbol

    def figure(self, fact: Fact, *, signed: bool = True) -> str:
        """A value with its unit."""
        unit = self.query.unit if self.query.unit.startswith("USD") else ""
        if self.query.unit == "basis points" and fact.unit == "points":
            value = (fact.value or Decimal()) * 10_000
            return f"{number(value if signed else abs(value), self.query.decimals or 0)} basis points"
        if fact.symbol == MARKET_INDEX and fact.unit == "USD/share":
            return number(fact.value or Decimal(), 2)
        return figure(fact, unit=unit, decimals=self.query.decimals, signed=signed)

    def of(self, row: Row) -> Phrase:
        """The parts of a sentence about a row."""
        return Phrase(row, self)


class Phrase:
    """The parts of a sentence about one row: whose figure, of what, how much, when."""

    def __init__(self, row: Row, words: Words) -> None:
        self.row, self.fact, self.words = row, row.fact, words
        self.name = words.name(row.symbol)
        self.owner = possessive(self.name)
        self.metric = spoken(row.metric)

    @property
    def label(self) -> str:
        """The metric, as a loss where it is one."""
        about = described(self.row.metric)
        if self.fact.value is not None and self.fact.value < 0 and about.id in ("net_income", "operating_income"):
            return about.label.replace("income", "loss")
        return about.label

    @property
    def value(self) -> str:
        """The figure; a loss without its minus sign where `label` says that it is one."""
        return self.words.figure(self.fact)

    @property
    def size(self) -> str:
        """The figure without its sign, where the verb says the direction."""
        value = abs(self.fact.value or Decimal())
        if self.fact.unit in ("ratio", "points") and 0 < value < SHOWN and self.words.query.decimals is None:
            return f"less than {figure(replace(self.fact, value=2 * SHOWN))}"
        return self.words.figure(self.fact, signed=False)

    @property
    def labelled(self) -> str:
        """`net loss USD 1.2 billion`: label and figure, the sign in one of them."""
        return f"{self.label} {self.size if 'loss' in self.label else self.value}"

    @property
    def when(self) -> str:
        """The period, and when it ended."""
        if is_window(self.row):
            return over_span(self.fact.period)
        stock = described(self.row.metric).kind in ("stock", "count")
        of_a_day = re.fullmatch(r"\d{4}-\d\d(-\d\d)?", " ".join(self.words.query.periods))
        if of_a_day and self.fact.period_end and (stock or self.fact.period.startswith(("FY", "Q"))):
            end = "on" if stock else f"in the {self.length} ended"
            return f"{end} {self.fact.period_end} ({self.fact.period})"
        return when(self.fact, stock=stock)

    @property
    def period(self) -> str:
        """The period alone: `in FY2024`."""
        return f"in {self.fact.period}" if is_fiscal(self.fact) else when(self.fact)

    @property
    def brief(self) -> str:
        """The period as a label: `FY2023`."""
        return brief(self.fact)

    @property
    def direction(self) -> int:
        """1 for more, -1 for less, 0 for the same."""
        value = self.fact.value or 0
        return (value > 0) - (value < 0)

    @property
    def length(self) -> str:
        """What sort of period it is: a quarter or a year."""
        return length_of(self.fact)

    def ends(self, at: Callable[[Fact], str] | None = at_period) -> str:
        """`from USD 5.00 in FY2023 (ended …) to USD 6.00 in FY2024 (ended …)`; empty without two ends."""
        first, last = self.row.first, self.row.last
        if first is None or last is None:
            return ""
        start, end = (self.words.figure(fact) + (f" {at(fact)}" if at else "") for fact in (first, last))
        return f"from {start} to {end}"


def over_span(label: str) -> str:
    """The label of a span of days as a phrase: `from … to …`, `in March 2024`, `over the last 30 days`."""
    if label.startswith("the"):
        return f"over {label}"
    return f"from {label}" if " to " in label else f"in {label}"


def conditions(query: Query) -> str:
    """The filters of a screen in words."""
    apart = dated_apart(query)
    return " and ".join(f"{_condition(each)}{_in_its_period(each, query) if apart else ''}" for each in query.where)


def dated_apart(query: Query) -> bool:
    """Whether conditions are of other periods than the query, so that each has to say its own."""
    return bool(query.periods) and any(each.period and each.period not in query.periods for each in query.where)


def _in_its_period(each: Filter, query: Query) -> str:
    period = each.period or query.periods[-1]
    year = re.fullmatch(r"\d{4}", period) and described(each.metric).kind != "price"
    return " at the latest close" if period == "latest" else f" in {'FY' if year else ''}{period}"


def _condition(each: Filter) -> str:
    if each.number == 0 and each.metric == "net_income":
        return "a net loss" if each.comparator == "<" else "a profit"
    return f"{spoken(each.metric)} {_limit(each)}"


def limit_words(where: Sequence[Filter]) -> str:
    """What conditions on one metric ask: `above 30%`."""
    return " and ".join(_limit(each).removeprefix("of ") for each in where)


def _limit(each: Filter) -> str:
    if each.comparator in ("top", "bottom"):
        return f"among the {each.comparator} {each.number:g}"
    side = {">": "above", ">=": "of at least", "<": "below", "<=": "of at most", "between": "between"}[each.comparator]
    upper = f" and {threshold(each.metric, each.upper)}" if each.upper is not None else ""
    return f"{side} {threshold(each.metric, each.number)}{upper}"


def threshold(metric: str, value: float) -> str:
    """A limit in the unit of its metric."""
    match described(metric).unit:
        case "percent":
            return f"{value * 100:g}%"
        case "USD":
            return f"USD {scaled(Decimal(repr(value)))}".replace(".00", "")
        case "USD/share":
            return f"USD {value:g}"
        case _:
            return f"{value:g}"


def asked_periods(query: Query) -> str:
    """` in FY2024`, ` in every year from FY2020 to FY2024`, ` since 2020`, or nothing."""
    if query.every:
        return f" in every year{asked_periods(query.model_copy(update={'every': False}))}".replace(" in the", " of the")
    first, between, last = query.periods[0].partition(":") if len(query.periods) == 1 else ("", "", "")
    if between:
        return f" since {first}" if last == "latest" else f" from {first} to {last}"
    return f" in {' and '.join(query.periods)}".replace(" in last ", " in the last ") if query.periods else ""


def in_sectors(query: Query) -> str:
    """` in Energy or Utilities`, or nothing."""
    return f" in {' or '.join(query.sectors)}" if query.sectors else ""


def is_window(row: Row) -> bool:
    """Whether the figure is of a span of days, not of a fiscal period."""
    return row.metric in WINDOW_METRICS


def own_span(row: Row) -> str:
    """The years between which a mean or a change of more than one year lies."""
    first, last = row.first, row.last
    if not first or not last or not last.period.startswith("FY") or is_window(row):
        return ""
    apart = first.period_end and last.period_end and (last.period_end - first.period_end).days > 400
    return f" from {first.period} to {last.period}" if apart or row.at == "mean" else ""


def shared_period(rows: Sequence[Row], words: Words) -> str:
    """The period that all rows share, with a space before it; empty where they differ."""
    facts = [row.fact for row in rows]
    if len({fact.period for fact in facts}) > 1:
        return ""
    if (span := own_span(rows[0])) and len({own_span(row) for row in rows}) == 1:
        return span
    ends = {fact.period_end for fact in facts}
    if len(ends) == 1 or facts[0].period_end is None:
        return " " + (over_span(facts[0].period) if is_window(rows[0]) else words.of(rows[0]).when)
    return f" in {facts[0].period} (years ended {min(e for e in ends if e)} to {max(e for e in ends if e)})"


def capital(text: str) -> str:
    """The text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def distinct[T](values: Iterable[T]) -> list[T]:
    """Each value once, in order."""
    return list(dict.fromkeys(values))


# --------------------------------------------------------------------------------------------- numbers


def figure(fact: Fact, *, unit: str = "", decimals: int | None = None, signed: bool = True) -> str:
    """A fact's value in the `unit` asked for: `25.3%`, `USD 97.0 billion`; where not `signed`, its size."""
    if fact.status == "none_paid":
        return ABSENCE["none_paid"]
    value = fact.value if fact.value is not None else Decimal()
    value = value if signed else abs(value)
    if fact.unit in _WRITTEN:
        times, places, suffix = _WRITTEN[fact.unit]
        return f"{number(value * times, places if decimals is None else decimals)}{suffix}"
    match fact.unit:
        case "count":
            return f"{int(value):,}"
        case "shares":
            return f"{scaled(value, unit, decimals)} shares"
        case "USD/share":
            return f"{fact.currency or 'USD'} {number(value, 2 if decimals is None else decimals)}"
        case _:
            currency = fact.currency or (fact.unit and "USD")
            return f"{currency} {scaled(value, unit, decimals)}".lstrip()


_WRITTEN = {
    "ratio": (100, 1, "%"),
    "points": (100, 1, " percentage points"),
    "times": (1, 2, " times"),
    "days": (1, 1, " days"),
    "number": (1, 2, ""),
}
"""Units whose figures are written with a fixed number of decimals: a factor, the decimals, and what follows."""


def scaled(value: Decimal, unit: str = "", decimals: int | None = None) -> str:
    """A large number with a scale word and at least three digits."""
    asked = [scale for scale in _ASKED_SCALES if unit.removesuffix("s").endswith(scale[1])]
    chosen = asked or [scale for scale in _SCALES if abs(value) >= scale[0]]
    if not chosen:
        return number(value, decimals or 0)
    size, word = chosen[0]
    shown = value / size
    places = decimals if decimals is not None else 2 if abs(shown) < 100 else 1
    return f"{number(shown, places)} {word}"


def number(value: Decimal, decimals: int) -> str:
    """A number with grouped thousands, half rounded away from zero."""
    rounded = rounded_up(value, decimals)
    return f"{abs(rounded) if rounded == 0 else rounded:,.{decimals}f}"


def rounded_up(value: Decimal, decimals: int) -> Decimal:
    """A number with so many decimals, half rounded away from zero."""
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
