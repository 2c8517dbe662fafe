"""Sentences about figures in the language of the question: values, changes, series, sums, orders and screens.

The templates are in `languages.toml`, the numbers by Babel. An answer without a template is in English.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_compact_decimal, format_currency, format_decimal, get_currency_name, get_decimal_symbol
from msgspec import structs

from finassist.analysis.outcome import Outcome, Row
from finassist.core.facts import Fact
from finassist.core.metrics import catalogue
from finassist.reporting.words import MARKET_INDEX, MOST_NAMED, Words, brief, capital, distinct, rounded_up

_ELIDED = re.compile(r"\bde (?=[AEIOUYÉaeiouyé])")
_SCALED = 1_000_000
"""Amounts from which a scale word is used."""


def in_language(outcome: Outcome, words: Words) -> str:
    """The sentences of an outcome in the language of its query; empty where there are no templates for it."""
    phrases = templates(words.language)
    if not phrases or not all(_name(row.metric, words.language) for row in outcome.rows):
        return ""
    say = _Sentences(phrases, words)
    rows = outcome.rows
    if outcome.query.where:
        return say.screen(outcome) if outcome.shape in ("order", "count") and outcome.query.scope == "universe" else ""
    match outcome.shape:
        case "values" if outcome.query.intent == "judge":
            return _joined([say.values(rows), phrases["advice"]])
        case "values":
            return say.values(rows)
        case "change" | "difference" if outcome.figure is None or len(rows) == 1:
            return _joined([say.change(row) for row in rows])
        case "series":
            return _joined([say.series(own) for own in _by_figure(rows)])
        case "sum" | "mean" if outcome.figure is not None and outcome.query.scope != "universe":
            return say.joined(outcome, outcome.figure)
        case "extreme" | "cagr":
            return _joined([say.over_time(row) for row in rows])
        case "order" if outcome.query.operation == "none" and len({row.metric for row in rows}) == 1:
            return say.order(outcome)
        case _:
            return ""


class Labels:
    """What stands around figures in a language: heads of columns, sources, and why a figure is not there."""

    def __init__(self, language: str) -> None:
        self._templates, self._language = templates(language), language

    def said(self, text: str) -> str:
        """A word of ours, such as `Source`, in the language; itself where there is none."""
        return self._templates.get("heads", {}).get(text, text)

    def title(self, metric: str) -> str:
        """What a metric is called at the head of a column; empty where it has no name."""
        return capital(_name(metric, self._language))

    def figure(self, fact: Fact, words: Words) -> str:
        """A figure in the numbers of the language."""
        return _Sentences(self._templates, words).figure(fact)

    def missing(self, metric: str, company: str, period: str, nearest: str) -> str:
        """Why a figure is not there, and the nearest that is; empty where the metric has no name."""
        if not self._templates or not (name := _name(metric, self._language)):
            return ""
        near = self._templates["nearest"].format(nearest=nearest) if nearest else ""
        return capital(self._templates["missing"].format(metric=name, company=company, period=period)) + near

    def refused(self, topic: str, asked: str) -> str:
        """That a topic is not in the data, with the words that asked for it; empty without a template."""
        if not (reason := self._templates.get("refusals", {}).get(topic)):
            return ""
        quoted = self._templates["asked"].format(words=asked) if asked else ""
        return f"{reason}{quoted}{'。' if self._language in ('zh', 'ja') else '.'}"


@cache
def templates(language: str) -> Mapping[str, Any]:
    """The templates of a language; none for English, which has sentences of its own."""
    found = tomllib.loads(Path(__file__).with_name("languages.toml").read_text(encoding="utf-8"))
    return found.get(language, {})


def _joined(sentences: Sequence[str]) -> str:
    return " ".join(sentences) if all(sentences) else ""


def _by_figure(rows: Sequence[Row]) -> list[list[Row]]:
    keys = distinct((row.symbol, row.metric) for row in rows)
    return [[row for row in rows if (row.symbol, row.metric) == key] for key in keys]


def _name(metric: str, language: str) -> str:
    """What a language calls a metric first, or each in `a / b`; empty where one has no name."""
    if " " in metric:
        parts = re.split(r"( [-+*/] )", metric)
        named = [_name(part, language) if place % 2 == 0 else part for place, part in enumerate(parts)]
        return "".join(named) if all(named) else ""
    names = (catalogue()[metric].names or {}).get(language) if metric in catalogue() else None
    if not names:
        return ""
    return capital(names[0]) if language == "de" else names[0]


class _Sentences:
    """The templates of one language, filled. Every method gives an empty text where a period has no phrase."""

    def __init__(self, phrases: Mapping[str, Any], words: Words) -> None:
        self._templates, self._words, self._language = phrases, words, words.language

    def values(self, rows: Sequence[Row]) -> str:
        """One figure, or several beside one another."""
        symbols, metrics = distinct(row.symbol for row in rows), distinct(row.metric for row in rows)
        if len(rows) == 1:
            return self._fill("value", rows, value=self.figure(rows[0].fact))
        if len(metrics) == 1 and len(symbols) == len(rows):
            return self._fill("values", rows, cells=self._listed(self._companies(rows)))
        if len(metrics) == len(symbols) == 1:
            return self._periods(rows)
        each = [[row for row in rows if row.symbol == symbol] for symbol in symbols]
        return _joined([self._figures(own) for own in each])

    def _periods(self, rows: Sequence[Row]) -> str:
        """One figure of a company in several periods."""
        cells = [f"{self.figure(row.fact)} ({self._label(row.fact)})" for row in rows]
        return self._fill("periods", rows[:1], cells=self._listed(cells))

    def _figures(self, rows: Sequence[Row]) -> str:
        """Several figures of one company."""
        cells = [f"{_name(row.metric, self._language)} {self.figure(row.fact)}" for row in rows]
        return self._fill("figures", rows, cells=self._listed(cells))

    def change(self, row: Row) -> str:
        """A growth or a difference, with both ends."""
        if row.first is None or row.last is None:
            return ""
        way = self._way(row.fact.value or 0)
        size = self.figure(row.fact, signed=False)
        last = Row(row.symbol, row.metric, row.last)
        return self._fill("change", [last], way=way, size=size, **self._ends(row.first, row.last))

    def series(self, rows: Sequence[Row]) -> str:
        """The direction of a figure over time, with both ends."""
        first, last = rows[0].fact, rows[-1].fact
        if len(rows) < 2 or first.value is None or last.value is None:
            return self.values(rows)
        return self._fill("series", rows[-1:], way=self._way(last.value - first.value), **self._ends(first, last))

    def order(self, outcome: Outcome) -> str:
        """The first company, of two or of all; else the places."""
        rows, first, others = outcome.rows, outcome.rows[0], outcome.rows[1:]
        side = "high" if outcome.query.order >= 0 else "low"
        words = self._templates["words"]
        if len(rows) > 2 or (len(rows) == 2 and outcome.query.scope == "universe"):
            shown = [f"{place}. {cell}" for place, cell in enumerate(self._companies(rows[:MOST_NAMED]), 1)]
            more = self._templates["more"].format(more=len(rows) - MOST_NAMED) if len(rows) > MOST_NAMED else ""
            text = self._fill("rank", rows, highs=words[f"{side}s"], cells=", ".join(shown) + more)
        else:
            against = [self._fill("against", [row], value=self.figure(row.fact)) for row in others]
            value = self.figure(first.fact)
            text = self._fill("best", rows, high=words[side], value=value, against="".join(against))
        return f"{text}{self._lacking(outcome)}" if text else ""

    def joined(self, outcome: Outcome, figure: Fact) -> str:
        """A sum, mean or median: of companies with what each has, or of one company's periods."""
        rows, row = outcome.rows, outcome.rows[0]
        how = self._templates["hows"][outcome.query.operation]
        if len(rows) > 1:
            cells = self._listed(self._companies(rows))
            return self._fill("joined", rows, how=how, value=self.figure(figure), cells=cells)
        if row.first is None or row.last is None:
            return ""
        return self._fill("over", rows, how=how, value=self.figure(figure), **self._ends(row.first, row.last))

    def over_time(self, row: Row) -> str:
        """The period of a highest or lowest figure, or a rate a year with both ends."""
        if row.at in self._templates["hows"]:
            return self._fill("extreme", [row], how=self._templates["hows"][row.at], value=self.figure(row.fact))
        if row.first is None or row.last is None:
            return ""
        way, size = self._way(row.fact.value or 0), self.figure(row.fact, signed=False)
        return self._fill("cagr", [row], way=way, size=size, **self._ends(row.first, row.last))

    def screen(self, outcome: Outcome) -> str:
        """The companies that fulfil one condition on the figure shown, or how many do."""
        query, rows = outcome.query, outcome.rows
        limit = self._templates["limits"].get(query.where[0].comparator, "") if len(query.where) == 1 else ""
        if not limit or not rows or query.metrics[:1] != [query.where[0].metric]:
            return ""
        number = self.figure(structs.replace(rows[0].fact, value=Decimal(repr(query.where[0].number))))
        shown = rows[:MOST_NAMED]
        left = outcome.matches - len(shown)
        more = self._templates["more"].format(more=left) if left > 0 else ""
        cells = ", ".join(self._companies(shown))
        slots = {"limit": limit.format(number=number), "matches": str(outcome.matches), "cells": cells, "more": more}
        text = self._fill(outcome.shape.replace("order", "screen"), rows, considered=str(outcome.considered), **slots)
        return f"{text}{self._lacking(outcome)}" if text else ""

    # ------------------------------------------------------------------------------------------- parts

    def _lacking(self, outcome: Outcome) -> str:
        if not outcome.left_out:
            return ""
        return " " + self._templates["lacking"].format(lacking=outcome.left_out, considered=outcome.considered)

    def _fill(self, template: str, rows: Sequence[Row], **slots: str) -> str:
        among = self._among()
        when = self._when([row.fact for row in rows])
        if not when or among is None:
            return ""
        when += among
        names = {"company": self._words.name(rows[0].symbol), "metric": _name(rows[0].metric, self._language)}
        text = self._templates[template].format(when=when, **names, **slots)
        text = _ELIDED.sub("d'", text) if self._language == "fr" else text
        return text if template == "against" else capital(text)

    def _among(self) -> str | None:
        """The sectors that limit the companies; `None` where one has no name in the language."""
        wanted = self._words.query.sectors
        names = [self._templates["sectors"].get(sector) for sector in wanted]
        if not all(names):
            return None
        return self._templates["among"].format(sectors=", ".join(map(str, names))) if wanted else ""

    def _when(self, facts: Sequence[Fact]) -> str:
        """The period that all the facts share; empty where they differ, or where it has no phrase."""
        periods, ends = distinct(fact.period for fact in facts), sorted({str(fact.period_end) for fact in facts})
        period = periods[0]
        if len(periods) > 1 or not all(fact.period_end for fact in facts):
            return ""
        slots = {"first": ends[0], "end": ends[-1], "year": period[-4:], "quarter": period[1:2]}
        if re.fullmatch(r"FY\d{4}", period):
            return self._templates["years" if len(ends) > 1 else "year"].format(**slots)
        if re.fullmatch(r"Q\d \d{4}", period):
            return self._templates["quarter"].format(**slots)
        if period.startswith("TTM"):
            return self._templates["twelve_months"].format(**slots)
        return self._templates["day"].format(**slots) if re.fullmatch(r"\d{4}-\d\d-\d\d", period) else ""

    def _ends(self, first: Fact, last: Fact) -> dict[str, str]:
        ends = {"first": self.figure(first), "last": self.figure(last)}
        return {**ends, "start": self._label(first), "end": self._label(last)}

    def _label(self, fact: Fact) -> str:
        return fact.period.removeprefix("FY") if fact.period.startswith("FY") else brief(fact)

    def _way(self, value: Any) -> str:
        return self._templates["words"]["up" if value >= 0 else "down"]

    def figure(self, fact: Fact, *, signed: bool = True) -> str:
        """A value with its unit, in the numbers of the language."""
        value = (fact.value or Decimal()) if signed else abs(fact.value or Decimal())
        units: Mapping[str, str] = self._templates["units"]
        gap = " " if units["of"] else ""
        match fact.unit:
            case "ratio":
                sign = Locale.parse(self._language).percent_formats[None].pattern.removeprefix("#,##0")
                return f"{self._number(value * 100, 1)}{sign}"
            case "points":
                return f"{self._number(value * 100, 1)}{gap}{units['points']}"
            case "times":
                return f"{self._number(value, 2)}×"
            case "number":
                return self._number(value, 2)
            case "days":
                return f"{self._number(value, 1)}{gap}{units['days']}"
            case "count":
                return self._number(value, 0)
            case "shares":
                return self._amount(value, units["shares"])
            case "USD/share" if fact.symbol == MARKET_INDEX:
                return self._number(value, 2)
            case "USD/share":
                return format_currency(value, fact.currency or "USD", locale=self._language)
            case _:
                code = fact.currency or "USD"
                return self._amount(value, units.get(code) or get_currency_name(code, 2, locale=self._language))

    def _amount(self, value: Decimal, unit: str) -> str:
        """A large number with a scale word, and what it counts."""
        of = self._templates["units"]["of"]
        if abs(value) < _SCALED:
            return f"{self._number(value, 0)}{' ' if of else ''}{unit}"
        digits = 2 if self._words.query.decimals is None else self._words.query.decimals
        number = format_compact_decimal(value, format_type="long", locale=self._language, fraction_digits=digits)
        return f"{self._padded(number, digits)}{of}{unit}"

    def _padded(self, number: str, digits: int) -> str:
        """`5 bilhões` and `5,2 bilhões` with the decimals that other figures have: `5,00 bilhões`."""
        point = get_decimal_symbol(self._language)
        found = re.match(rf"(-?\d+)(?:{re.escape(point)}(\d+))?(?![\d.,])", number)
        if found is None or not digits:
            return number
        return f"{found[1]}{point}{(found[2] or '').ljust(digits, '0')}{number[found.end() :]}"

    def _number(self, value: Decimal, digits: int) -> str:
        asked = self._words.query.decimals
        digits = digits if asked is None else asked
        pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
        return format_decimal(rounded_up(value, digits), format=pattern, locale=self._language)

    def _companies(self, rows: Sequence[Row]) -> list[str]:
        return [f"{self._words.name(row.symbol)} {self.figure(row.fact)}" for row in rows]

    def _listed(self, cells: Sequence[str]) -> str:
        return format_list(list(cells), locale=self._language)
