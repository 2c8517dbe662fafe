"""What a query assumes: the numbers that a valuation is made of, or any figure that is set to another value."""

from __future__ import annotations

from collections.abc import Mapping

from finassist.core.metrics import LARGEST, catalogue, known_id, spoken

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


def assumptions(given: Mapping[str, float]) -> dict[str, float]:
    """What is assumed, by metric id.

    Raises:
        ValueError: There is no such metric, or the value is none that it can have.

    Example:
        >>> assumptions({"growth": 0.05, "wacc": 0.09})
        {'forecast_growth': 0.05, 'wacc': 0.09}
    """
    found = {known_id(_SHORT.get(name, name)): float(value) for name, value in given.items()}
    for name, value in found.items():
        if not abs(value) < LARGEST:
            raise ValueError(f"{name}={value} is no number to assume.")
        if name in catalogue() and catalogue()[name].unit == "percent" and abs(value) > 1:
            raise ValueError(f"A {spoken(name)} of {value:.0%} is out of range. In code 5% is written 0.05.")
        if name == "forecast_years" and value not in range(1, _MOST_YEARS + 1):
            raise ValueError(f"years={value:g} cannot be forecast. Take a whole number from 1 to {_MOST_YEARS}.")
    return found
