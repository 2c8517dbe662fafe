"""Conditions of a query, and values whose errors are sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from finassist.core.errors import InvalidQuery
from finassist.core.metrics import parse, spoken
from finassist.core.text import did_you_mean

Comparator = Literal[">", ">=", "<", "<=", "between", "top", "bottom"]
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}


class Checked(BaseModel):
    """A frozen value whose errors are sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    if not TYPE_CHECKING:  # type checkers see the fields as keywords

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                wrong = (_sentence(each, type(self).model_fields) for each in error.errors(include_url=False))
                raise InvalidQuery(" ".join(dict.fromkeys(wrong))) from None


def _parsed(text: str) -> str:
    parse(text)
    return text


Formula = Annotated[str, AfterValidator(_parsed)]


class Filter(Checked):
    """A condition of a screen: a metric against a number, in the metric's own unit (25 % is 0.25).

    Attributes:
        metric: A catalogue id or an expression over ids.
        comparator: `">"`, `">="`, `"<"`, `"<="` or `"between"`; of all companies also `"top"` and `"bottom"`.
        number: The limit; of `"between"` the lower one, of `"top"` how many companies.
        upper: The upper limit of `"between"`; both limits count as inside.
        period: The period of the metric, where it is not that of the query.

    Raises:
        InvalidQuery: There is no such metric or comparator, or `"between"` has one number only.

    Example:
        >>> str(Filter(metric="net_margin", comparator="between", number=0.1, upper=0.2))
        'net margin between 0.1 and 0.2'
    """

    metric: Formula
    comparator: Comparator
    number: float = Field(allow_inf_nan=False)
    upper: float | None = Field(default=None, allow_inf_nan=False)
    period: str | None = None

    @model_validator(mode="after")
    def _limits(self) -> Filter:
        if self.comparator == "between" and self.upper is None:
            raise ValueError("“between” needs two numbers: number=10, upper=15.")
        if self.upper is not None and self.upper < self.number:
            raise ValueError(f"Nothing is between {self.number:g} and {self.upper:g}: give the lower number first.")
        if self.comparator in ("top", "bottom") and self.number < 1:
            raise ValueError(f"“{self.comparator}” needs how many companies: number=5.")
        return self

    def holds(self, value: float) -> bool:
        """Whether a figure fulfils it.

        Example:
            >>> Filter(metric="net_margin", comparator=">", number=0.3).holds(0.25)
            False
        """
        if self.comparator == "between":
            return self.number <= value <= (self.number if self.upper is None else self.upper)
        return _COMPARISONS[self.comparator](value, self.number)

    def __str__(self) -> str:
        limit = f"{self.number:g} and {self.upper:g}" if self.comparator == "between" else f"{self.number:g}"
        return f"{spoken(self.metric)} {self.comparator} {limit}" + (f" in {self.period}" if self.period else "")


def filter_of(text: str) -> Filter:
    """A condition from its text: `net_margin > 0.3`, `pe between 10 and 15`.

    Raises:
        InvalidQuery: It has no metric, comparator and number.

    Example:
        >>> filter_of("net_margin > 0.3").number
        0.3
    """
    found = _CONDITION.fullmatch(text.strip())
    if not found:
        raise InvalidQuery(f"“{text[:60]}” is no condition. Write “net_margin > 0.3” or “pe between 10 and 15”.")
    fields: Any = dict(zip(("metric", "comparator", "number", "upper"), found.groups(), strict=True))
    return Filter(**fields)  # which makes sentences of errors; `model_validate` does not


_NUMBER = r"(-?\d+(?:\.\d+)?(?:e\d+)?)"
_CONDITION = re.compile(rf"([\w ()*/+-]+?)\s*(>=|<=|>|<|between)\s*{_NUMBER}(?:\s*and\s*{_NUMBER})?")


def _sentence(details: Mapping[str, Any], known: Iterable[str]) -> str:
    """What is wrong with a field, ending with what is valid."""
    place, value = ".".join(str(part) for part in details["loc"]), str(details["input"])[:60]
    match details["type"]:
        case "value_error":
            return str(details["ctx"]["error"])
        case "string_pattern_mismatch":
            return f"“{value}” is nothing to hold. Write stake='1000 USD' or stake='100 shares'."
        case "extra_forbidden":
            return f"A query has no field “{place}”.{did_you_mean(place, known)}"
        case "literal_error":
            return f"“{value}” is no {place}. It is one of: {details['ctx']['expected']}."
        case "missing":
            return f"A filter needs “{place}”: Filter(metric='net_margin', comparator='>', number=0.3)."
        case "list_type":
            return f"{place} is a list: {place}=[{value!r}]."
        case _:
            return f"{place}={value!r} cannot be used: {details['msg']}."
