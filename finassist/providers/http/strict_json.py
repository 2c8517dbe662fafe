"""JSON from strangers: exact numbers, and nothing that JSON or common sense does not allow.

What makes one *field* invalid (it is there, and is an `Invalid` that says why):

* `NaN`, `Infinity`, `-Infinity`;
* a number of more than 60 digits, or beyond what a floating-point number holds (1e999);
* a name given twice in one object, even with equal values;
* a text with half a surrogate pair, which no file or database can store.

What makes the whole *payload* bad (`BadJson`): bytes that are not UTF-8, text that is not JSON or breaks off, more
than 32 levels of nesting, and an empty body. A UTF-8 byte order mark changes nothing and is ignored (RFC 8259, 8.1).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

_MOST_DIGITS = 60
_MOST_MAGNITUDES = 330  # every floating-point number a provider may compute with
_MOST_LEVELS = 32
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


Written = bytes
"""A number with a fraction or an exponent, as it was written: `Decimal(written.decode())` is exactly it.

Most numbers of a long answer are never looked at. As text they cost little, and unlike a `Decimal`, or an object of a
class of ours, nothing that the garbage collector follows; as bytes they are no text of the answer.
"""


class BadJson(ValueError):
    """The body is not JSON that can be used; the message says why, in half a sentence."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """A field that is there and holds nothing usable. Falsy, so that `value or None` drops it.

    Attributes:
        reason: Why, in words (`"NaN"`, `"a number of 5000 digits"`, `"given twice"`).
    """

    reason: str

    def __bool__(self) -> bool:
        return False


def loads(body: bytes | str) -> Any:
    """Read JSON strictly. Whole numbers are `int`, all others `Written`; an unusable field is an `Invalid`.

    Raises:
        BadJson: The body is not JSON that can be used.

    Example:
        >>> loads(b'{"price": 1.10, "eps": NaN, "pe": 3, "pe": 4}')
        {'price': b'1.10', 'eps': Invalid(reason='NaN'), 'pe': Invalid(reason='given twice')}
    """
    text = body if isinstance(body, str) else _decode(body)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise BadJson("an empty body")
    if (rows := _plain_table(text)) is not None:
        return rows
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise BadJson("nested too deeply") from None
    except ValueError:
        raise BadJson(_why_not(text)) from None
    if not _is_shallow(value):
        raise BadJson("nested too deeply")
    return _mend(value) if _has_half_characters(text) else value


def has_invalid(value: Any) -> bool:
    """Whether any field of what `loads` returned is an `Invalid`."""
    level = [value]
    while level:
        if any(isinstance(item, Invalid) for item in level):
            return True
        level = [inner for item in level for inner in _children(item)]
    return False


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadJson("bytes that are not UTF-8 text") from None


def _why_not(text: str) -> str:
    start = text.lstrip()[:200].lower()
    if start.startswith("<"):
        return "a web page instead of data"
    if start[:1] not in ("{", "["):
        return "plain text instead of data"
    return "JSON that is broken" if text.rstrip()[-1:] in ("}", "]") else "JSON that breaks off"


def _number(token: str) -> Written | Invalid:
    if len(token) > _MOST_DIGITS:
        return Invalid(f"a number of {len(token)} characters")
    try:
        number = Decimal(token)
    except InvalidOperation:
        return Invalid("a number beyond any figure")
    return token.encode() if abs(number.adjusted()) <= _MOST_MAGNITUDES else Invalid("a number beyond any figure")


def _whole(token: str) -> int | Invalid:
    return int(token) if len(token) <= _MOST_DIGITS else Invalid(f"a number of {len(token)} digits")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        found.update({name: Invalid("given twice") for name in found if times[name] > 1})
    return found


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType]


def _plain_table(text: str) -> list[dict[str, Any]] | None:
    """The rows of a list of flat objects in which nothing is unusual, as most answers are; `None` for all else.

    Counting marks tells: what opens a row or a list, and the quote and colon at the end of a name, of which there are
    more than names where one was given twice. A text that holds such marks itself only takes the longer way.
    """
    if not text.lstrip().startswith("[") or _has_half_characters(text):
        return None
    marks = text.encode().translate(_AS_MARK, _NO_MARK)
    if b"0e" in marks or _LONG in marks or marks.count(b"[") > 1:
        return None
    try:
        rows = _PLAIN.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None  # the longer way says what is wrong
    flat = marks.count(b"{") == len(rows) and marks.count(b'":') == sum(map(len, rows))
    return rows if flat else None


def _has_half_characters(text: str) -> bool:
    if "\\" in text and _SURROGATE.search(text):
        return True
    return not text.isascii() and _HALF.search(text) is not None


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(_MOST_LEVELS + 1):
        level = [inner for item in level for inner in _children(item) if isinstance(inner, dict | list)]
        if not level:
            return True
    return False


def _mend(value: Any) -> Any:
    """The same, with every text that cannot be stored marked."""
    if isinstance(value, str):
        return Invalid("text with half a character") if _HALF.search(value) else value
    if isinstance(value, list):
        return [_mend(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {_HALF.sub("\ufffd", name): _mend(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value


_MARKS = b'[{":'
_DIGITS = b"0123456789."
_AS_MARK = bytes.maketrans(_DIGITS + b"E", b"0" * len(_DIGITS) + b"e")
_NO_MARK = bytes(set(range(256)).difference(_MARKS, _DIGITS, b"eE"))
_LONG = b"0" * _MOST_DIGITS
"""What a long number looks like among marks: every digit and point is a zero there, every exponent `0e`."""

_PLAIN = msgspec.json.Decoder(list[dict[str, Any]], float_hook=str.encode)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_whole, parse_constant=Invalid, strict=True
)
