"""One vocabulary of field names, whatever a provider calls them.

`FIELDS` lists every field in the order a reader expects inside its statement. `canonical` turns any known
provider's name into ours. Names are compared in snake_case: `epsDiluted` and `Eps Diluted` are one name.

Conventions:
    * Money is in the reporting currency of the figure. `"USD"` and `"USD/share"` below stand for that
      currency; the `Fact` says which one it is.
    * Payments to the outside (`Field.outflow`: `capex`, `buybacks`, `dividends_paid`) are **positive**
      amounts paid. Providers that write them as negative numbers are turned round on the way in.
    * The three totals of the cash flow statement keep their sign: negative means that cash went out.
    * Expenses are positive; a negative `income_tax` is a tax benefit; negative income or EPS is a loss.
    * A ratio is a fraction: 0.25 is 25 %. Ratios themselves belong to `finassist.analysis.ratios`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import cast

from finassist.core.facts import Statement

OUTFLOWS = frozenset({"capex", "buybacks", "dividends_paid"})
"""Payments: positive amounts here, negative numbers with many providers."""

_SHORT = {
    "eps": "EPS",
    "pe": "P/E",
    "ebit": "EBIT",
    "ebitda": "EBITDA",
    "cik": "CIK",
    "ttm": "TTM",
    "nci": "NCI",
}


@dataclass(frozen=True, slots=True)
class Field:
    """What a field name means.

    Attributes:
        name: Our name (`"revenue"`).
        label: Heading for people (`"Revenue"`).
        statement: The statement it belongs to.
        unit: `"USD"`, `"USD/share"`, `"shares"`, `"ratio"`, `"times"`, or `""` for text.
        description: One sentence for a reader who meets the term for the first time.
        aliases: Snake_case names other providers use, the closest in meaning first.
        outflow: Whether the figure is money paid out, written as a positive amount.
    """

    name: str
    label: str
    statement: Statement
    unit: str
    description: str
    aliases: tuple[str, ...] = ()
    outflow: bool = False


def snake(name: str) -> str:
    """A provider's name in snake_case.

    Example:
        >>> snake("weightedAverageShsOutDil"), snake("Basic EPS"), snake("netIncomeTTM")
        ('weighted_average_shs_out_dil', 'basic_eps', 'net_income_ttm')
    """
    spaced = re.sub(r"[^0-9A-Za-z]+", "_", name.strip())
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", spaced)
    return re.sub(r"_+", "_", spaced).strip("_").lower()


def label(name: str) -> str:
    """Heading for a field; an unknown name is made readable.

    Example:
        >>> label("eps_diluted"), label("tax_loss_carryforward"), label("forward_pe")
        ('Diluted EPS', 'Tax loss carryforward', 'Forward P/E')
    """
    known = FIELDS.get(name)
    return known.label if known else _humanised(name)


def fields_of(statement: Statement) -> tuple[Field, ...]:
    """The fields of one statement, in display order.

    Example:
        >>> [field.name for field in fields_of("cash_flow")][:2]
        ['operating_cash_flow', 'capex']
    """
    return tuple(field for field in FIELDS.values() if field.statement == statement)


def canonical(name: str, statement: Statement | None = None) -> str | None:
    """Our name for a provider's name, or `None` when there is none.

    Args:
        name: The provider's name, in any case style.
        statement: The statement the name was found on. Some providers reuse a name with another meaning
            (`inventory` on a cash flow statement is the *change* in inventory), so give it where it is known.

    Example:
        >>> canonical("epsDiluted"), canonical("Total Revenue"), canonical("made_up")
        ('eps_diluted', 'revenue', None)
        >>> canonical("inventory", "cash_flow") is None
        True
    """
    found = _ALIASES.get(snake(name))
    if found is None or statement is None or FIELDS[found].statement == statement:
        return found
    return None


def preference(name: str, field: Field) -> int:
    """How close a provider's name is to our field: 0 is our own name, then the aliases in order.

    Example:
        >>> preference("totalRevenue", FIELDS["revenue"]) < preference("operating_revenue", FIELDS["revenue"])
        True
    """
    return (field.name, *field.aliases).index(snake(name))


def _humanised(name: str) -> str:
    words = [_SHORT.get(word, word) for word in snake(name).split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _fields() -> Iterator[Field]:
    text = files("finassist.core").joinpath("fields.txt").read_text(encoding="utf-8")
    for part in text.split("\n[")[1:]:
        statement, rows = part.split("]\n", 1)
        lines = rows.strip().splitlines()
        for head, description, aliases in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
            name, heading, unit = (part.strip() for part in head.split("|"))
            others = tuple(alias for alias in aliases.split() if alias != "-")
            yield Field(name, heading, cast(Statement, statement), unit, description.strip(), others, name in OUTFLOWS)


FIELDS: Mapping[str, Field] = MappingProxyType({field.name: field for field in _fields()})

_ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: field.name for field in FIELDS.values() for alias in (field.name, *field.aliases)}
)

EXPECTED: Mapping[Statement, tuple[str, ...]] = {
    "income": ("revenue", "operating_income", "pretax_income", "income_tax", "net_income", "eps_diluted",
               "shares_diluted"),
    "balance_sheet": ("cash_and_equivalents", "current_assets", "total_assets", "current_liabilities",
                      "total_liabilities", "equity"),
    "cash_flow": ("operating_cash_flow", "capex"),
}  # fmt: skip
"""Lines a reader expects from every company; where one is absent, the absence is shown."""
