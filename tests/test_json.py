"""JSON from strangers: what is read exactly, and what makes a body bad."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finassist.providers.http.answers import BadJson, read_json
from finassist.providers.values import number

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def exact(value: Any) -> Any:
    """The same with `Decimal` in place of `float`, as a reader that loses nothing must give it."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return {name: exact(inner) for name, inner in value.items()} if isinstance(value, dict) else value


@given(VALUES)
def test_all_finite_json_is_read_exactly(value: Any) -> None:
    assert exact(read_json(json.dumps(value))) == exact(value)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "9" * 400, "1e999", "1e-999999999"])
def test_what_is_no_figure_spoils_that_field_and_no_other(token: str) -> None:
    read = read_json(f'{{"eps": {token}, "revenue": 5}}')
    assert read["revenue"] == 5
    assert isinstance(number(read["eps"]), str), "a reason, not a number"


@given(TEXT)
def test_any_text_is_data_or_bad_json(body: str) -> None:
    try:
        read = read_json(body)
    except BadJson as problem:
        assert str(problem)
    else:
        json.dumps(read, default=str).encode()


@given(st.dictionaries(TEXT, VALUES, max_size=3), st.data())
def test_a_body_that_breaks_off_is_never_data(value: Any, data: Any) -> None:
    body = json.dumps([value])
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(BadJson):
        read_json(body[:cut])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        (" \r\n", "empty"),
        ("\ufeff", "empty"),
        ("<!DOCTYPE html><html></html>", "web page"),
        ("Premium Query Parameter: no", "plain text"),
        ('[{"a": 1', "breaks off"),
        ('[{"a": 1,}]', "broken"),
        ("[{'a': 1}]", "broken"),
        ('["a\nb"]', "broken"),
        ("[1] [2]", "broken"),
        ("[01]", "broken"),
        ("[" + "9" * 5000 + "]", "broken"),
        ("[1e9999999999999999999]", "broken"),
        ("[" * 200_000 + "]" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000 + "1" + "}" * 200_000, "nested too deeply"),
    ],
)
def test_bodies_that_are_bad_as_a_whole(body: str, reason: str) -> None:
    with pytest.raises(BadJson, match=reason):
        read_json(body)


def test_a_byte_order_mark_changes_nothing() -> None:
    assert read_json("\ufeff[1]") == [1]


@pytest.mark.parametrize("half", ["a\\ud800b", "\\udc00", "\\uD83D\\uD83D", "\\udc00\\ud83d", "\\ude00\\ude00"])
def test_half_a_character_is_replaced_and_a_whole_one_is_kept(half: str) -> None:
    read = read_json(f'{{"name": "{half}", "{half}": ["\\ud83d\\ude00"]}}')
    assert "\ufffd" in read["name"]
    assert ["😀"] in read.values()
    json.dumps(read, ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"date": "2024", "eps": 1, "eps": 2}]'])
def test_a_name_that_is_given_twice_is_refused(text: str) -> None:
    with pytest.raises(BadJson, match="gives a name twice"):
        read_json(text)
