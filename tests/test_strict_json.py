"""JSON from strangers: what is read exactly, what makes a field invalid, and what makes the whole body bad."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finassist.providers.http.strict_json import BadJson, Invalid, has_invalid, loads

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
NOT_NUMBERS = ["NaN", "Infinity", "-Infinity", "9" * 5000, "-" + "9" * 5000, "0." + "1" * 5000, "1e999", "1e-999999999"]


def exact(value: Any) -> Any:
    """The same with `Decimal` in place of `float`, as a reader that loses nothing must give it."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return {name: exact(inner) for name, inner in value.items()} if isinstance(value, dict) else value


@given(VALUES)
def test_all_finite_json_is_read_exactly(value: Any) -> None:
    read = loads(json.dumps(value))
    assert exact(read) == exact(value)
    assert not has_invalid(read)


@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=4), st.sampled_from(NOT_NUMBERS), st.data())
def test_what_is_no_number_makes_that_field_invalid_and_no_other(fields: Any, token: str, data: Any) -> None:
    victim = data.draw(st.sampled_from(sorted(fields)))
    pairs = (f"{json.dumps(name)}: {token if name == victim else json.dumps(fields[name])}" for name in fields)
    read = loads("{" + ", ".join(pairs) + "}")
    assert isinstance(read[victim], Invalid)
    assert read[victim].reason
    assert {name: exact(read[name]) for name in fields if name != victim} == {
        name: exact(fields[name]) for name in fields if name != victim
    }
    assert has_invalid([{"row": read}])


@given(st.text(st.characters(exclude_categories=[]), max_size=60))
def test_any_text_is_data_or_bad_json(body: str) -> None:
    try:
        read = loads(body)
    except BadJson as problem:
        assert str(problem)
    else:
        json.dumps(read, default=str).encode()


@given(st.dictionaries(TEXT, VALUES, max_size=3), st.data())
def test_a_body_that_breaks_off_is_never_data(value: Any, data: Any) -> None:
    body = json.dumps([value])
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(BadJson):
        loads(body[:cut])


def test_a_name_given_twice_is_invalid_even_with_equal_values() -> None:
    read = loads('[{"revenue": 5, "revenue": 5, "eps": 1}, {"revenue": 6}]')
    assert read == [{"revenue": Invalid("given twice"), "eps": 1}, {"revenue": 6}]


def test_many_names_given_twice_are_found_quickly() -> None:
    names = ", ".join(f'"n{number}": 1' for number in range(30_000))
    assert loads("{" + names + ', "n7": 2}')["n7"] == Invalid("given twice")


def test_an_invalid_field_says_why_and_counts_as_nothing() -> None:
    read = loads('{"a": NaN, "b": ' + "1" * 5000 + "}")
    assert [read["a"].reason, read["b"].reason] == ["NaN", "a number of 5000 digits"]
    assert not read["a"]


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
    ],
)
def test_bodies_that_are_bad_as_a_whole(body: str, reason: str) -> None:
    with pytest.raises(BadJson, match=reason):
        loads(body)


def test_a_byte_order_mark_changes_nothing() -> None:
    assert loads("\ufeff[1]") == [1]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_has_a_limit(opening: str, closing: str) -> None:
    def nested(levels: int) -> str:
        return opening * levels + "1" + closing * levels

    loads(nested(32))
    for levels in (40, 500, 200_000):
        with pytest.raises(BadJson, match="nested too deeply"):
            loads(nested(levels))


def test_half_a_character_is_marked_and_a_whole_one_is_kept() -> None:
    read = loads('{"name": "a\\ud800b", "\\udc00": ["\\ud83d\\ude00"]}')
    assert read["name"] == Invalid("text with half a character")
    assert read["\ufffd"] == ["😀"]
    json.dumps(read, default=str, ensure_ascii=False).encode()
