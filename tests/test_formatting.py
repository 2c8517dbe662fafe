"""Figures and untrusted text as words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from finassist.core.facts import Fact
from finassist.core.formatting import (
    Scale,
    cell,
    clean,
    escape_line,
    escape_markdown,
    figure,
    money,
    number,
    percent,
    span,
)

ONE = Scale(Decimal(1), "")
MILLIONS = Scale(Decimal(1_000_000), "millions")


def fact(value: str | None, unit: str = "USD", **more) -> Fact:
    known = None if value is None else Decimal(value)
    currency = "USD" if unit.startswith("USD") else None
    return Fact(
        **{"symbol": "A", "field": "x", "value": known, "unit": unit, "currency": currency, "statement": "income"}
        | more
    )


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        ("1234567.5", 0, "1,234,568"),
        ("-0.4", 0, "-0.4"),
        ("2.345", 2, "2.35"),
        ("0", 1, "0.0"),
        ("-0", 0, "0"),
        ("0.00004", 1, "0.00004"),
        ("NaN", 0, "not a number"),
        ("1e40", 0, "1.0000e+40"),
    ],
)
def test_numbers(value, digits, text):
    assert number(Decimal(value), digits) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("416161000000", "USD", "USD 416.2 billion"),
        ("4641703016950", "USD", "USD 4.64 trillion"),
        ("-267000000", "USD", "USD -267.0 million"),
        ("7.46", "USD/share", "USD 7.46 per share"),
        ("0.2692", "ratio", "26.9%"),
        ("0.893", "times", "0.89×"),
        ("15004697000", "shares", "15.0 billion shares"),
        (None, "USD", "not in the data"),
    ],
)
def test_figures_carry_their_unit(value, unit, text):
    status = "missing" if value is None else "reported"
    assert figure(fact(value, unit, status=status)) == text


def test_cells_say_why_there_is_no_figure():
    words = {
        "missing": "not in the data",
        "not_reported": "not reported",
        "none_paid": "none paid",
        "not_meaningful": "not meaningful",
        "error": "not available",
    }
    for status, text in words.items():
        assert cell(fact(None, status=status), MILLIONS) == text
    assert cell(None, MILLIONS) == "not in the data"


def test_growth_shows_its_sign():
    assert cell(fact("0.064", "ratio", field="revenue_growth"), ONE) == "+6.4%"
    assert cell(fact("0.064", "ratio", field="net_margin"), ONE) == "6.4%"
    assert percent(Decimal("-0.01"), signed=True) == "-1.0%"


def test_scales_suit_the_largest_figure():
    assert Scale.for_values([Decimal("9e11"), Decimal(5)]).name == "millions"
    assert Scale.for_values([Decimal("150000")]).name == "thousands"
    assert Scale.for_values([]).name == ""


def test_runs_of_years_are_drawn_together():
    assert span(["FY2022", "FY2021", "FY2023", "2026-08-21"]) == "2026-08-21, FY2021–FY2023"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e25"), max_value=Decimal("1e25")))
def test_only_zero_looks_like_zero(value):
    shows_zero = Decimal(number(value).replace(",", "")) == 0
    assert not shows_zero or abs(value) < Decimal("5e-9")
    assert money(value, "USD").startswith("USD ")


@given(st.text() | st.text("aw19 .:;,%+-()'#_*", max_size=12), st.booleans())
def test_escaped_text_is_only_text_to_a_markdown_reader(text, whole_line):
    source = escape_line(text) if whole_line else f"x {escape_markdown(text)}"
    shown = clean(text, 400)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).disable("linkify").parse(source)
    assert {t.type for t in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    children = [child for token in tokens for child in token.children or []]
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == (shown if whole_line else f"x {shown}".strip())


def test_cleaning_takes_out_what_cannot_be_seen():
    assert clean("a\u202eb\x00c\u200bd\n e") == "abcd e"
    assert len(clean("x" * 1000)) == 400
