"""Strict JSON: exact numbers, and nothing that JSON or common sense does not allow.

What makes one *field* invalid (it is there, and is an `Invalid` that says why):

* `NaN`, `Infinity`, `-Infinity`;
* a number of more than 60 digits, or beyond what a floating-point number holds (1e999);
* a name given twice in one object, even with equal values;
* a text with half a surrogate pair, which no file or database can store.

What makes the whole *payload* bad (`BadJson`): text that is not JSON or breaks off, more than 32 levels of nesting, and
an empty body. A byte order mark changes nothing and is ignored (RFC 8259, 8.1).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, cast

_MOST_DIGITS = 60
_MOST_MAGNITUDES = 330  # every floating-point number a provider may compute with
_MOST_LEVELS = 32
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")


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


def loads(text: str) -> Any:
    """Read JSON strictly. Whole numbers are `int`, all others `Decimal`; an unusable field is an `Invalid`.

    Raises:
        BadJson: The text is not JSON that can be used.

    Example:
        >>> loads('{"price": 1.10, "eps": NaN, "pe": 3, "pe": 4}')
        {'price': Decimal('1.10'), 'eps': Invalid(reason='NaN'), 'pe': Invalid(reason='given twice')}
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise BadJson("an empty body")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise BadJson("nested too deeply") from None
    except ValueError:
        raise BadJson(_why_not(text)) from None
    if sum(1 for _ in _levels(value)) > _MOST_LEVELS:
        raise BadJson("nested too deeply")
    return _mend(value) if _SURROGATE.search(text) else value


def has_invalid(value: Any) -> bool:
    """Whether any field of what `loads` returned is an `Invalid`."""
    return any(isinstance(item, Invalid) for level in _levels([value]) for item in _children(level))


def _why_not(text: str) -> str:
    start = text.lstrip()[:200].lower()
    if start.startswith("<"):
        return "a web page instead of data"
    if start[:1] not in ("{", "["):
        return "plain text instead of data"
    return "JSON that is broken" if text.rstrip()[-1:] in ("}", "]") else "JSON that breaks off"


def _number(token: str) -> Decimal | Invalid:
    if len(token) > _MOST_DIGITS:
        return Invalid(f"a number of {len(token)} characters")
    try:
        number = Decimal(token)
    except InvalidOperation:
        return Invalid("a number beyond any figure")
    return number if abs(number.adjusted()) <= _MOST_MAGNITUDES else Invalid("a number beyond any figure")


def _whole(token: str) -> int | Invalid:
    return int(token) if len(token) <= _MOST_DIGITS else Invalid(f"a number of {len(token)} digits")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        found.update({name: Invalid("given twice") for name in found if times[name] > 1})
    return found


def _levels(value: Any) -> Iterator[list[Any]]:
    """The objects and lists of each level of nesting."""
    level: list[Any] = [value]
    while level := list(filter(_is_nested, level)):
        yield level
        level = list(_children(level))


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _children(level: Iterable[Any]) -> Iterator[Any]:
    for item in level:
        yield from cast("dict[str, Any]", item).values() if isinstance(item, dict) else item


def _mend(value: Any) -> Any:
    """The same, with every text that cannot be stored marked."""
    if isinstance(value, str):
        return Invalid("text with half a character") if _HALF.search(value) else value
    if isinstance(value, list):
        return [_mend(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        return {_HALF.sub("\ufffd", name): _mend(inner) for name, inner in found.items()}
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_int=_whole, parse_constant=Invalid)
