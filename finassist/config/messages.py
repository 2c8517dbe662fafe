"""What is said about a setting that cannot be used: what it may be, and never what it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings.exceptions import SettingsError

_KINDS: Final[dict[Any, str]] = {bool: "true or false", int: "a whole number", float: "a number of seconds"}
_BOUNDS: Final = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def allowed(field: FieldInfo) -> str:
    """What the values of a setting may be, in words.

    Example:
        >>> from pydantic import Field
        >>> allowed(FieldInfo.from_annotated_attribute(int, Field(default=5, ge=1, le=10)))
        'a whole number, at least 1, at most 10'
    """
    annotation = _present(field.annotation)
    if choices := get_args(annotation) if get_origin(annotation) is Literal else ():
        return " or ".join(f'"{choice}"' for choice in choices)
    limits = [
        f"{words} {value:,}"
        for rule in field.metadata
        for name, words in _BOUNDS.items()
        if (value := getattr(rule, name, None)) is not None
    ]
    kind = "JSON" if get_origin(annotation) is dict else _KINDS.get(annotation, "text")
    return ", ".join([kind, *limits])


def _present(annotation: Any) -> Any:
    """`X` of `X | None`."""
    if get_origin(annotation) is UnionType or get_origin(annotation) is Union:
        return next(each for each in get_args(annotation) if each is not NoneType)
    return annotation


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` Did you mean …?`, or nothing if no name is near.

    Example:
        >>> did_you_mean("FINASSIST_ROUTNG", ["FINASSIST_ROUTING", "FINASSIST_YEARS"])
        ' Did you mean FINASSIST_ROUTING?'
    """
    near = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""


def complaint(make: Callable[[], None], sentence: Callable[[Mapping[str, Any]], str]) -> str | None:
    """What is wrong with the values that `make` was to check; `None` if nothing is.

    It is returned, not raised, because an error raised here would carry pydantic's with the values in it.

    Args:
        make: Checks values.
        sentence: Puts one of pydantic's errors into words.
    """
    try:
        make()
    except ValidationError as error:
        return " ".join(map(sentence, error.errors(include_input=False, include_url=False, include_context=False)))
    except SettingsError as error:  # a value that has to be JSON; the error's own text names the setting, not the value
        return sentence({"loc": (next(iter(re.findall(r'field "(\w+)"', str(error))), ""),)})
    except (UnicodeDecodeError, OSError):
        return "The file .env cannot be read as UTF-8 text. Save it as UTF-8, or remove it."
    return None
