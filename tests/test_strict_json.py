"""JSON from strangers: what is read exactly, what makes a field invalid, and what makes the whole body bad."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finassist.providers.http.strict_json import BadJson, Invalid, Written, has_invalid, loads

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
ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
TABLES = st.lists(st.dictionaries(TEXT, ATOMS, max_size=4), max_size=4)
NOT_NUMBERS = ["NaN", "Infinity", "-Infinity", "9" * 5000, "-" + "9" * 5000, "0." + "1" * 5000, "1e999", "1e-999999999"]


def exact(value: Any) -> Any:
    """The same with `Decimal` in place of `float` and `Written`, as a reader that loses nothing must give it."""
    if isinstance(value, Written):
        return Decimal(value.decode())
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return {name: exact(inner) for name, inner in value.items()} if isinstance(value, dict) else value


@given(VALUES)
def test_all_finite_json_is_read_exactly(value: Any) -> None:
    read = loads(json.dumps(value).encode())
    assert exact(read) == exact(value)
    assert not has_invalid(read)


@given(TABLES, st.sampled_from([None, 2]), st.booleans())
def test_a_table_is_read_exactly_and_its_numbers_are_no_texts(rows: Any, indent: int | None, ascii_only: bool) -> None:
    read = loads(json.dumps(rows, indent=indent, ensure_ascii=ascii_only))
    assert exact(read) == exact(rows)
    for row, written in zip(read, rows, strict=True):
        assert {name: isinstance(value, str) for name, value in row.items()} == {
            name: isinstance(value, str) for name, value in written.items()
        }


@given(TABLES, st.sampled_from(NOT_NUMBERS), TEXT, st.data())
def test_one_field_of_a_table_that_is_no_number_or_twice_there(rows: Any, token: str, name: str, data: Any) -> None:
    spoilt = data.draw(st.sampled_from([f"{json.dumps(name)}: {token}", f'"n": 1, {json.dumps(name)}: 2, "n": 1']))
    written = [json.dumps(row) for row in rows]
    read = loads(f"[{', '.join([*written, '{' + spoilt + '}'])}]")
    assert exact(read[:-1]) == exact(rows)
    assert has_invalid(read[-1])
    assert not has_invalid(read[:-1])


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


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_data_or_bad_json(body: bytes) -> None:
    try:
        read = loads(body)
    except BadJson as problem:
        assert str(problem)
    else:
        json.dumps(read, default=str).encode()


@given(st.dictionaries(TEXT, VALUES, max_size=3), st.data())
def test_a_body_that_breaks_off_is_never_data(value: Any, data: Any) -> None:
    body = json.dumps([value]).encode()
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(BadJson):
        loads(body[:cut])


def test_a_name_given_twice_is_invalid_even_with_equal_values() -> None:
    read = loads('[{"revenue": 5, "revenue": 5, "eps": 1}, {"revenue": 6}]')
    assert read == [{"revenue": Invalid("given twice"), "eps": 1}, {"revenue": 6}]


@given(st.lists(st.sampled_from(["", " ", "\n", "\t", " \r\n"]), min_size=8, max_size=8))
def test_a_name_given_twice_is_found_however_it_is_spaced(spaces: list[str]) -> None:
    before, after = spaces[:4], spaces[4:]
    names = ("revenue", "revenue", "eps", "cost")
    fields = (f'"{name}"{b}:{a}{at}' for at, (name, b, a) in enumerate(zip(names, before, after, strict=True)))
    assert loads(f"[{{{','.join(fields)}}}]") == [{"revenue": Invalid("given twice"), "eps": 2, "cost": 3}]


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
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"Premium Query Parameter: no", "plain text"),
        (b'[{"a": 1', "breaks off"),
        (b'[{"a": 1,}]', "broken"),
        (b"[{'a': 1}]", "broken"),
        (b'["a\nb"]', "broken"),
        (b"[1] [2]", "broken"),
        (b"[01]", "broken"),
        (b'["\xff"]', "not UTF-8"),
        ('["é"]'.encode("latin-1"), "not UTF-8"),
        ("[1]".encode("utf-16"), "not UTF-8"),
        (b"\xed\xa0\x80", "not UTF-8"),
    ],
)
def test_bodies_that_are_bad_as_a_whole(body: bytes, reason: str) -> None:
    with pytest.raises(BadJson, match=reason):
        loads(body)


def test_a_byte_order_mark_changes_nothing() -> None:
    assert loads(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_has_a_limit(opening: str, closing: str) -> None:
    def nested(levels: int) -> str:
        return opening * levels + "1" + closing * levels

    loads(nested(32))
    for levels in (40, 500, 100_000):
        with pytest.raises(BadJson, match="nested too deeply"):
            loads(nested(levels))


def test_half_a_character_is_marked_and_a_whole_one_is_kept() -> None:
    read = loads('{"name": "a\\ud800b", "\\udc00": ["\\ud83d\\ude00"]}')
    assert read["name"] == Invalid("text with half a character")
    assert read["\ufffd"] == ["😀"]
    json.dumps(read, default=str, ensure_ascii=False).encode()
