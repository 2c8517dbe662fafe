"""What a query assumes: the numbers that a valuation is made of, or any figure that is set to another value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from finassist.core.errors import InvalidQuery
from finassist.core.metrics import LARGEST, catalogue, known_id, spoken
from finassist.core.text import did_you_mean

_SHORT = {"growth": "forecast_growth", "margin": "forecast_margin", "multiple": "exit_multiple",
          "years": "forecast_years"}  # fmt: skip
_MOST_YEARS = 30


def short_name(metric: str) -> str:
    """What may stand for a metric id in `assume`.

    Example:
        >>> short_name("forecast_growth"), short_name("wacc")
        ('growth', 'wacc')
    """
    return next((short for short, name in _SHORT.items() if name == metric), metric)


def _meant(name: str) -> str:
    """The metric id of a name in `assume`; a slip of the pen is most likely one of those that a valuation takes."""
    usual = [*_SHORT, *(each.id for each in catalogue().values() if each.kind == "assumption")]
    if name not in {*catalogue(), *_SHORT} and (hint := did_you_mean(name, usual)):
        raise ValueError(f"There is nothing to assume named “{name[:60]}”.{hint}")
    return known_id(_SHORT.get(name, name))


def assumed(texts: Iterable[str]) -> dict[str, float]:
    """Assumptions from their texts.

    Raises:
        InvalidQuery: One is no name with a number.

    Example:
        >>> assumed(["growth=5%", "wacc=0.09"])
        {'growth': 0.05, 'wacc': 0.09}
    """
    found = dict[str, float]()
    for text in texts:
        name, _, number = (part.strip() for part in text.partition("="))
        try:
            found[name] = float(Decimal(number.removesuffix("%")) / (100 if number.endswith("%") else 1))
        except InvalidOperation:
            raise InvalidQuery(f"“{text[:60]}” is no assumption. Write growth=0.05 or wacc=9%.") from None
    return found


def assumptions(given: Mapping[str, float]) -> dict[str, float]:
    """What is assumed, by metric id.

    Raises:
        ValueError: There is no such metric, or the value is none that it can have.

    Example:
        >>> assumptions({"growth": 0.05, "wacc": 0.09})
        {'forecast_growth': 0.05, 'wacc': 0.09}
    """
    found = {_meant(name): float(value) for name, value in given.items()}
    for name, value in found.items():
        if not abs(value) < LARGEST:
            raise ValueError(f"{name}={value} is no number to assume.")
        if name in catalogue() and catalogue()[name].unit == "percent" and abs(value) > 1:
            raise ValueError(f"A {spoken(name)} of {value:.0%} is out of range. In code 5% is written 0.05.")
        if name == "forecast_years" and value not in range(1, _MOST_YEARS + 1):
            raise ValueError(f"years={value:g} cannot be forecast. Take a whole number from 1 to {_MOST_YEARS}.")
    return found
