"""What tokens cost, where it is known. A model without a price has no cost, never a cost of 0.

No price is built in: providers change them, and a figure without a source is no figure. A user who knows one says so:

    Settings(model_prices={"my-model": {"input": 2, "output": 8, "as_of": "2026-11-01", "source": "my contract"}})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agno.metrics import BaseMetrics
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finassist.core.errors import ConfigurationError

_PER: Final = 1_000_000


class Price(BaseModel):
    """US dollars per million tokens of one model.

    Attributes:
        input: For tokens sent.
        output: For tokens received.
        cached_input: For tokens sent that the provider had cached; `input` if not given.
        as_of: The day the price was read.
        source: Where it was read.

    Example:
        >>> Price(input=2, output=8).output
        8.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    as_of: str = ""
    source: str = ""


type Prices = Mapping[str, Price]


def priced(table: Mapping[str, Any]) -> Prices:
    """Prices by model id, from plain dictionaries.

    Raises:
        ConfigurationError: A price is no price; the message names the model.
    """
    prices: dict[str, Price] = {}
    for model_id, price in table.items():
        try:
            prices[model_id] = Price.model_validate(price)
        except ValidationError as error:
            wrong = ", ".join(sorted({str(each["loc"][0]) for each in error.errors(include_input=False)}))
            raise ConfigurationError(
                f"The price of model {model_id[:80]!r} cannot be used ({wrong}). Give US dollars per million tokens, "
                'such as {"input": 2, "output": 8}, with cached_input, as_of and source if you like.'
            ) from None
    return prices


def cost(model_id: str, used: BaseMetrics, prices: Prices) -> float | None:
    """US dollars that these tokens cost, or `None` where no price is known.

    Example:
        >>> used = BaseMetrics(input_tokens=500_000, output_tokens=100_000)
        >>> cost("mine", used, {"mine": Price(input=2, output=8)}), cost("other", used, {})
        (1.8, None)
    """
    price = prices.get(model_id)
    if price is None:
        return None
    cached = min(used.cache_read_tokens or 0, used.input_tokens or 0) if price.cached_input is not None else 0
    fresh = (used.input_tokens or 0) - cached
    return (fresh * price.input + cached * (price.cached_input or 0) + (used.output_tokens or 0) * price.output) / _PER
